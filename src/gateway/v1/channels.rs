//! `/v1/channels`: sales channels, their rules and campaigns, and what they are to offer.

use super::auth::Caller;
use super::channel_shapes::{
    ChannelOutcome, ChannelStock, ChannelStockPage, Channels, NewCampaign, NewChannel, NewRule,
};
use super::operate::unexpected;
use crate::gateway::body;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::shard::local::{
    ChannelRequest, LocalAnswer, LocalQuery, LocalRequest, NamedCampaign, SkuChoice,
};
use crate::types::channel_stock::ChannelRule;
use crate::types::{ChannelId, ChannelKind, ResultCode, SkuId};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};

type Told<T> = Result<Json<T>, Problem>;

/// `GET /v1/channels`: every channel with its rules, and every campaign.
pub(in crate::gateway) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
) -> Told<Channels> {
    let question = LocalRequest::Query(LocalQuery::Channels);
    match shared.engines.ask(&caller.asker, question).await? {
        LocalAnswer::Channels(view) => Ok(Json(Channels::of(&view))),
        LocalAnswer::Refused(code) => Err(Problem::refused(code, "")),
        other => Err(unexpected(&other)),
    }
}

/// `PUT /v1/channels/NUMBER`: defines it, or gives it another name or kind.
pub(in crate::gateway) async fn define(
    State(shared): State<Shared>,
    caller: Caller,
    Path(number): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Told<ChannelOutcome> {
    let channel = channel_of(&number)?;
    let new: NewChannel = body::json(&headers, body).await?;
    let kind = match new.kind.as_deref() {
        None | Some("own") => None,
        Some(name) => Some(ChannelKind::from_name(name).ok_or_else(|| {
            let kinds: Vec<&str> = ChannelKind::ALL.iter().map(|kind| kind.name()).collect();
            let detail = format!("`kind` is own, {}", kinds.join(", "));
            Problem::refused(ResultCode::InvalidField, detail)
        })?),
    };
    let detail = format!("channel {} `{}`", channel.0, shown(&new.name));
    let request = ChannelRequest::Define {
        channel,
        name: new.name,
        kind,
    };
    command(&shared, &caller, request, detail).await
}

/// `PUT /v1/channels/NUMBER/rules`: what the channel gets of a SKU.
pub(in crate::gateway) async fn set_rule(
    State(shared): State<Shared>,
    caller: Caller,
    Path(number): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Told<ChannelOutcome> {
    let channel = channel_of(&number)?;
    let new: NewRule = body::json(&headers, body).await?;
    let units = new.units;
    let rule = match new.rule.as_str() {
        "none" => None,
        "pool" => Some(ChannelRule::Pool { buffer: units }),
        "quota" => Some(ChannelRule::Quota {
            units,
            then_pool: new.then_pool,
        }),
        "cap" => Some(ChannelRule::Cap { units }),
        _ => {
            let detail = "`rule` is pool, quota, cap or none";
            return Err(Problem::refused(ResultCode::InvalidField, detail));
        }
    };
    let about = match &new.sku {
        Some(sku) => format!("SKU `{}`", shown(sku)),
        None => "all SKUs without a rule (only a pool can be)".to_owned(),
    };
    let detail = format!(
        "{} of {units} units for channel {} of {about}; a quota needs as many units as are \
         available and not guaranteed to others",
        new.rule, channel.0
    );
    let request = ChannelRequest::SetRule {
        key: caller.key,
        channel,
        sku: new.sku,
        rule,
    };
    command(&shared, &caller, request, detail).await
}

/// `POST /v1/channels/NUMBER/campaigns`: plans one.
pub(in crate::gateway) async fn plan(
    State(shared): State<Shared>,
    caller: Caller,
    Path(number): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Told<ChannelOutcome> {
    let channel = channel_of(&number)?;
    let new: NewCampaign = body::json(&headers, body).await?;
    let detail = format!(
        "campaign `{}` of channel {} from {} to {}: the window must end later than it begins and \
         than now, each SKU may stand in it once, and in no other campaign of the channel at the \
         same time",
        shown(&new.name),
        channel.0,
        shown(&new.from),
        shown(&new.to)
    );
    let items = new.items.into_iter().map(|item| (item.sku, item.units));
    let request = ChannelRequest::DefineCampaign {
        key: caller.key,
        campaign: NamedCampaign {
            channel,
            name: new.name,
            from_ms: time_of("from", &new.from)?,
            to_ms: time_of("to", &new.to)?,
            then_pool: new.then_pool,
            items: items.collect(),
        },
    };
    command(&shared, &caller, request, detail).await
}

/// `POST /v1/campaigns/NUMBER/end`: ends it now, or cancels it before it begins.
pub(in crate::gateway) async fn end(
    State(shared): State<Shared>,
    caller: Caller,
    Path(number): Path<String>,
) -> Told<ChannelOutcome> {
    let unknown = || {
        let detail = format!("no campaign `{}`", shown(&number));
        not_found(ResultCode::UnknownCampaign, detail)
    };
    let campaign = number.parse().map_err(|_| unknown())?;
    let key = caller.key;
    let request = ChannelRequest::EndCampaign { key, campaign };
    let detail = format!("campaign {campaign}");
    command(&shared, &caller, request, detail).await
}

/// `GET /v1/channels/NUMBER/stock?sku=&sku=`, or `?after=` for pages of all SKUs: what the channel
/// is to offer.
pub(in crate::gateway) async fn stock(
    State(shared): State<Shared>,
    caller: Caller,
    Path(number): Path<String>,
    RawQuery(query): RawQuery,
) -> Told<ChannelStockPage> {
    let channel = channel_of(&number)?;
    let (mut names, mut from) = (Vec::new(), 0);
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match &*name {
            "sku" => names.push(value.into_owned()),
            "after" => {
                let bad = |_| Problem::bad_request("`after` is the `next` of an earlier page");
                from = u32::from_str_radix(&value, 16).map_err(bad)?;
            }
            other => {
                let detail = format!("no parameter `{}`; there are sku and after", shown(other));
                return Err(Problem::bad_request(detail));
            }
        }
    }
    let skus = if names.is_empty() {
        SkuChoice::From(SkuId(from))
    } else {
        SkuChoice::Names(names)
    };
    let question = LocalRequest::Query(LocalQuery::ChannelStock { channel, skus });
    match shared.engines.ask(&caller.asker, question).await? {
        LocalAnswer::ChannelStock(found) => Ok(Json(ChannelStockPage {
            sequence: found.sequence,
            stock: found.items.iter().map(ChannelStock::of).collect(),
            unknown: found.unknown,
            next: found.next.map(|sku| format!("{:x}", sku.0)),
        })),
        LocalAnswer::Refused(code) => Err(not_found(code, format!("channel {}", channel.0))),
        other => Err(unexpected(&other)),
    }
}

async fn command(
    shared: &Shared,
    caller: &Caller,
    request: ChannelRequest,
    detail: String,
) -> Told<ChannelOutcome> {
    let request = LocalRequest::Channel(request);
    let done = match shared.engines.ask(&caller.asker, request).await? {
        LocalAnswer::Command(done) => done,
        LocalAnswer::Refused(code) => return Err(not_found(code, detail)),
        other => return Err(unexpected(&other)),
    };
    if done.code != ResultCode::Ok {
        return Err(not_found(done.code, detail));
    }
    Ok(Json(ChannelOutcome {
        code: done.code.name(),
        number: done.handle,
        replayed: done.replayed,
        sequence: done.sequence,
        key: caller.key.to_string(),
    }))
}

/// A refusal; 404 where the path names what is not there.
fn not_found(code: ResultCode, detail: impl Into<String>) -> Problem {
    let mut problem = Problem::refused(code, detail);
    if matches!(
        code,
        ResultCode::UnknownChannel | ResultCode::UnknownCampaign
    ) {
        problem.status = StatusCode::NOT_FOUND;
    }
    problem
}

fn channel_of(number: &str) -> Result<ChannelId, Problem> {
    let unknown = |_| {
        let detail = format!(
            "a channel is a number from 0 to 65535, not `{}`",
            shown(number)
        );
        not_found(ResultCode::UnknownChannel, detail)
    };
    number.parse().map(ChannelId).map_err(unknown)
}

fn time_of(name: &str, text: &str) -> Result<u64, Problem> {
    let bad = || {
        let detail = format!(
            "`{name}` is a time such as 2026-11-27T08:00:00Z, not `{}`",
            shown(text)
        );
        Problem::refused(ResultCode::InvalidField, detail)
    };
    let time: jiff::Timestamp = text.parse().map_err(|_| bad())?;
    u64::try_from(time.as_millisecond()).map_err(|_| bad())
}

fn shown(text: &str) -> String {
    let start: String = text.chars().take(64).collect();
    start.escape_debug().to_string()
}
