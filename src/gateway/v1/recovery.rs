//! Driving many dead letters again, and counting what became of them.

use super::auth::Caller;
use super::dead_letters::dead;
use super::operate::{self, Decision};
use super::orders::ask_list;
use super::pages::Page;
use super::show::Names;
use crate::engine::process::command::EffectView;
use crate::gateway::problem::Problem;
use crate::gateway::state::Shared;
use crate::limits::PAGE_ITEMS_MAX;
use crate::types::effect::EffectNext;
use crate::types::process::OperatorAction;
use crate::types::{CommandKey, OrderKey, ResultCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use utoipa::ToSchema;

/// Most dead letters of one request.
pub(super) const REDRIVEN_MAX: usize = 1_000;

/// Longest wait for outcomes, in milliseconds.
pub(super) const WAIT_MS_MAX: u64 = 30_000;

/// How often outcomes are looked at, in milliseconds.
const LOOK_MS: u64 = 250;

/// Which dead letters, and how long to wait for what becomes of them. What is absent fits all.
#[derive(Deserialize, ToSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
#[schema(as = RedriveRequest)]
pub(in crate::gateway) struct Cause {
    /// The provider's name.
    provider: Option<String>,
    /// Name of the effect's kind, such as `crm_update`.
    kind: Option<String>,
    /// The provider's code of the latest failure.
    code: Option<String>,
    /// At most so many, 1 ..= 1,000.
    limit: Option<usize>,
    /// Wait so long for outcomes, in milliseconds, at most 30,000.
    wait_ms: Option<u64>,
    /// In words, for the audit trail.
    reason: String,
}

impl Cause {
    fn fits(&self, effect: &EffectView, names: &Names) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted.is_none() || wanted.as_deref() == found
        };
        same(&self.provider, names.get(effect.provider))
            && same(&self.kind, Some(effect.kind.name()))
            && same(&self.code, Some(&effect.code))
    }
}

/// A dead letter that is driven again.
struct Letter {
    order: OrderKey,
    effect: u16,
}

/// Drives every fitting dead letter again, waits, and counts.
pub(super) async fn redrive(
    shared: &Shared,
    caller: &Caller,
    cause: &Cause,
) -> Result<Value, Problem> {
    let limit = cause.limit.unwrap_or(REDRIVEN_MAX);
    let wait_ms = cause.wait_ms.unwrap_or(0);
    if !(1..=REDRIVEN_MAX).contains(&limit) || wait_ms > WAIT_MS_MAX {
        let detail =
            format!("`limit` must be 1 to {REDRIVEN_MAX}, `wait_ms` at most {WAIT_MS_MAX}");
        return Err(Problem::refused(ResultCode::InvalidField, detail));
    }
    operate::reason_fits(OperatorAction::Redrive, &cause.reason)?;
    let fitting = fitting(shared, caller, cause, limit).await?;
    let matched = fitting.len();
    let mut driven = Vec::with_capacity(matched);
    let mut refused = 0_usize;
    for letter in fitting {
        let decision = Decision {
            effect: letter.effect,
            ..Decision::plain(OperatorAction::Redrive, cause.reason.clone())
        };
        let request = decision.request(&of_letter(caller, &letter), letter.order);
        match operate::send(shared, caller, request).await?.code {
            ResultCode::Ok => driven.push(letter),
            _ => refused += 1, // it moved on in the meantime
        }
    }
    let redriven = driven.len();
    let (recovered, dead_again) = watch(shared, caller, driven, wait_ms).await?;
    let ended = recovered + dead_again;
    let rate = (ended > 0).then(|| recovered as f64 / ended as f64);
    Ok(json!({
        "matched": matched,
        "redriven": redriven,
        "refused": refused,
        "recovered": recovered,
        "dead_again": dead_again,
        "pending": redriven - ended,
        "recovery_rate": rate,
    }))
}

/// The same request again drives the same letters with the same keys: each has one of its own.
fn of_letter(caller: &Caller, letter: &Letter) -> Caller {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&caller.key.0.to_le_bytes());
    hasher.update(&letter.order.0.to_le_bytes());
    hasher.update(&letter.effect.to_le_bytes());
    let first = hasher.finalize().as_bytes().first_chunk().copied();
    let mut own = caller.clone();
    own.key = CommandKey(first.map_or(1, u128::from_le_bytes).max(1));
    own
}

async fn fitting(
    shared: &Shared,
    caller: &Caller,
    cause: &Cause,
    limit: usize,
) -> Result<Vec<Letter>, Problem> {
    let names = operate::names(shared, caller).await?;
    let mut fitting = Vec::new();
    let mut after = 0;
    loop {
        let wanted = Page {
            limit: PAGE_ITEMS_MAX,
            after,
            state: None,
        };
        let found = ask_list(shared, caller, wanted, true).await?;
        for view in &found.orders {
            let order = view.order;
            let fits = dead(view).filter(|effect| cause.fits(effect, &names));
            fitting.extend(fits.map(|effect| Letter {
                order,
                effect: effect.number,
            }));
        }
        fitting.truncate(limit);
        if found.next == 0 || fitting.len() == limit {
            return Ok(fitting);
        }
        after = found.next;
    }
}

/// How many succeeded, and how many are dead letters again, within the wait.
async fn watch(
    shared: &Shared,
    caller: &Caller,
    mut driven: Vec<Letter>,
    wait_ms: u64,
) -> Result<(usize, usize), Problem> {
    let (mut recovered, mut dead_again) = (0, 0);
    for _ in 0..wait_ms.div_ceil(LOOK_MS) {
        if driven.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        let mut pending = Vec::with_capacity(driven.len());
        for letter in driven {
            let detail = operate::detail(shared, caller, letter.order).await?;
            let process = detail.process.as_ref();
            let effect = process.and_then(|view| {
                let mut effects = view.effects.iter();
                effects.find(|effect| effect.number == letter.effect)
            });
            match effect.map(|effect| effect.next) {
                // Effects that are over leave the list.
                None | Some(Some(EffectNext::Done)) => recovered += 1,
                Some(Some(EffectNext::Dead)) => dead_again += 1,
                Some(_) => pending.push(letter),
            }
        }
        driven = pending;
    }
    Ok((recovered, dead_again))
}
