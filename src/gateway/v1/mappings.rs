//! `/v1/mappings/CHANNEL`: which SKU each item of a channel stands for.

use super::auth::Caller;
use super::operate;
use super::orders::Answer;
use super::quarantine::channel;
use super::reply::Reply;
use crate::gateway::body;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::limits::{CHANNEL_ITEM_BYTES_MAX, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use crate::shard::local::{LocalAnswer, LocalQuery, LocalRequest};
use crate::types::{ChannelId, ResultCode};
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Most mappings in one request.
const MAPPINGS_MAX: usize = PAGE_ITEMS_MAX as usize;

/// Mappings to set.
#[derive(Deserialize, Serialize, ToSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(in crate::gateway) struct Mappings {
    /// 1 to 500.
    mappings: Vec<Mapping>,
}

/// A mapping to set.
#[derive(Deserialize, Serialize, ToSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::gateway) struct Mapping {
    /// The channel's id of the item.
    item: String,
    /// Name of the SKU; empty: none any more.
    sku: String,
    /// What writing stock needs beside.
    write_back: BTreeMap<String, String>,
}

/// `GET /v1/mappings/CHANNEL?limit=&after=`, by item; `after` is the last item of a page.
pub(in crate::gateway) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let channel = channel(&shared, &caller, &name)?;
    let (mut limit, mut after) = (PAGE_ITEMS_DEFAULT, String::new());
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match name.as_ref() {
            "limit" => {
                let given = value
                    .parse()
                    .ok()
                    .filter(|it| (1..=PAGE_ITEMS_MAX).contains(it));
                limit = given.ok_or_else(|| {
                    Problem::bad_request(format!("`limit` must be 1 to {PAGE_ITEMS_MAX}"))
                })?;
            }
            "after" if value.len() <= CHANNEL_ITEM_BYTES_MAX => after = value.into_owned(),
            other => {
                let detail = format!(
                    "there is no parameter `{}` of this value",
                    other.escape_debug()
                );
                return Err(Problem::bad_request(detail));
            }
        }
    }
    let question = LocalQuery::Mappings {
        channel,
        after,
        // One more tells whether there is a next page.
        limit: limit + 1,
    };
    let mut found = match shared
        .engines
        .ask(&caller.asker, LocalRequest::Query(question))
        .await?
    {
        LocalAnswer::Mappings(found) => found,
        LocalAnswer::Refused(code) => return Err(Problem::refused(code, "")),
        other => return Err(operate::unexpected(&other)),
    };
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let next = found.last().filter(|_| more).map(|last| last.item.clone());
    let mappings = found.iter().map(|it| {
        let pairs: BTreeMap<String, String> = url::form_urlencoded::parse(it.write_back.as_bytes())
            .into_owned()
            .collect();
        json!({ "item": it.item, "sku": it.name, "write_back": pairs })
    });
    let mappings: Vec<Value> = mappings.collect();
    Ok(Reply::of(json!({ "mappings": mappings, "next": next })))
}

/// `PUT` or `POST /v1/mappings/CHANNEL`: sets each of up to 500 mappings, as JSON or CSV. Each is
/// done by itself: the answer says what became of every one that was refused.
pub(in crate::gateway) async fn put(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let channel = channel(&shared, &caller, &name)?;
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let is_csv = kind.is_some_and(|kind| kind.trim_start().starts_with("text/csv"));
    let mappings = if is_csv {
        rows(&body::read(body).await?)?
    } else {
        body::json::<Mappings>(&headers, body).await?.mappings
    };
    if mappings.is_empty() || mappings.len() > MAPPINGS_MAX {
        let detail = format!(
            "1 to {MAPPINGS_MAX} mappings at once, here are {}",
            mappings.len()
        );
        return Err(Problem::refused(ResultCode::InvalidField, detail));
    }
    let (mut changed, mut unchanged, mut refused) = (0_u64, 0_u64, Vec::new());
    for (place, mapping) in mappings.iter().enumerate() {
        let (code, replayed) = set(&shared, &caller, channel, mapping).await?;
        match (code, replayed) {
            (ResultCode::Ok, true) => unchanged += 1,
            (ResultCode::Ok, false) => changed += 1,
            (code, _) => refused.push(json!({
                "place": place + 1,
                "item": mapping.item,
                "sku": mapping.sku,
                "code": code.name(),
                "title": code.meaning(),
            })),
        }
    }
    Ok(Reply::of(
        json!({ "changed": changed, "unchanged": unchanged, "refused": refused }),
    ))
}

async fn set(
    shared: &Shared,
    caller: &Caller,
    channel: ChannelId,
    mapping: &Mapping,
) -> Result<(ResultCode, bool), Problem> {
    let write_back = |pairs: &BTreeMap<String, String>| {
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(pairs).finish()
    };
    let request = LocalRequest::MapSku {
        channel,
        item: mapping.item.clone(),
        sku: mapping.sku.clone(),
        write_back: write_back(&mapping.write_back),
    };
    match shared.engines.ask(&caller.asker, request).await? {
        LocalAnswer::Command(done) => Ok((done.code, done.replayed)),
        LocalAnswer::Refused(code) => Ok((code, false)),
        other => Err(operate::unexpected(&other)),
    }
}

/// Rows of CSV: `item`, `sku`, and any further column for writing stock.
fn rows(bytes: &[u8]) -> Result<Vec<Mapping>, Problem> {
    let bad = |error: csv::Error| Problem::bad_request(format!("the CSV cannot be read: {error}"));
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let heading = reader.headers().map_err(bad)?.clone();
    let has = |name: &str| heading.iter().any(|column| column == name);
    if !has("item") || !has("sku") {
        let detail = "the CSV's first line must name the columns `item` and `sku`";
        return Err(Problem::bad_request(detail));
    }
    let mut mappings = Vec::new();
    for row in reader.records() {
        let row = row.map_err(bad)?;
        let mut mapping = Mapping::default();
        for (column, value) in heading.iter().zip(row.iter()) {
            match column {
                "item" => value.clone_into(&mut mapping.item),
                "sku" => value.clone_into(&mut mapping.sku),
                _ if value.is_empty() => {}
                other => {
                    mapping
                        .write_back
                        .insert(other.to_owned(), value.to_owned());
                }
            }
        }
        mappings.push(mapping);
        if mappings.len() > MAPPINGS_MAX {
            let detail = format!("more than {MAPPINGS_MAX} rows: send the file in parts");
            return Err(Problem::refused(ResultCode::InvalidField, detail));
        }
    }
    Ok(mappings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_csv_become_mappings_with_their_write_back() {
        let read = rows(b"item,sku,price\n 44 , MUG ,1990\n45,,\n").expect("good rows");
        assert_eq!((read[0].item.as_str(), read[0].sku.as_str()), ("44", "MUG"));
        assert_eq!(read[0].write_back["price"], "1990");
        assert_eq!((read[1].sku.as_str(), read[1].write_back.len()), ("", 0));
        for bad in [&b"a,b\n1,2\n"[..], b"item,sku\n1\n", b""] {
            assert!(rows(bad).is_err(), "{bad:?}");
        }
        let many = "item,sku\n".to_owned() + &"1,a\n".repeat(MAPPINGS_MAX + 1);
        assert!(rows(many.as_bytes()).is_err());
    }
}
