//! I11: the engine's own replay beside the fold, and the seal chain of the segments.

use super::fold::{At, Fold, Kept, Order};
use super::report::{Checks, Invariant, Offence};
use super::source::SegmentInfo;
use crate::engine::command::{CellQuantities, OrderLineView, OrderView};
use crate::engine::record::{CellRef, kind};
use crate::engine::{Engine, EngineOptions};
use crate::limits;
use crate::types::record::RawRecord;
use crate::types::{OrderKey, OrderState, ResultCode, TenantId};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The engine, fed with the same records as the fold.
pub struct Replay {
    engine: Option<Engine>,
}

impl Replay {
    /// An empty engine that remembers as much as `kept` says.
    #[must_use]
    pub fn new(kept: Kept) -> Self {
        let bound = |count: u64| usize::try_from(count).unwrap_or(usize::MAX).max(1);
        let options = EngineOptions {
            // Records and digest do not depend on it, and nobody sends orders to this engine.
            secret: [0; 32],
            orders_max: limits::ORDERS_MAX,
            orders_expected: 0,
            skus_max: limits::SKUS_MAX,
            locations_max: limits::LOCATIONS_MAX,
            rejections_kept: bound(kept.refusals),
            commands_kept: bound(kept.commands),
            channel_events_kept: limits::CHANNEL_EVENTS_KEPT_DEFAULT,
            ended_order_kept_ms: limits::ENDED_ORDER_KEPT_MS_DEFAULT,
        };
        Self {
            engine: Some(Engine::new(options)),
        }
    }

    /// Replays one engine record. What the engine cannot follow is an offence, and ends the
    /// comparison.
    pub fn feed(&mut self, at: &At, raw: &RawRecord<'_>, fold: &Fold, checks: &mut Checks) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        let replayed = catch_unwind(AssertUnwindSafe(|| {
            engine.replay(at.time_ms, at.sequence, raw)
        }));
        let wrong = match replayed {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the engine stopped at a broken invariant".to_owned()),
        };
        if wrong.is_some() {
            self.engine = None;
        }
        if wrong.is_some() || raw.kind == kind::STATE_DIGEST {
            checks.check(Invariant::I11, wrong.is_none(), || {
                let what = format!("replay ends here: {}", wrong.unwrap_or_default());
                fold.names.offence(at, what)
            });
        }
    }

    /// Compares the replayed state with the fold's: every cell, every order, every refusal.
    pub fn compare(&self, fold: &Fold, checks: &mut Checks) {
        let Some(engine) = &self.engine else { return };
        let end = At {
            sequence: 0,
            ..fold.last
        };
        compare_cells(engine, fold, &end, checks);
        compare_skus(engine, fold, &end, checks);
        compare_channels(engine, fold, &end, checks);
        let mut lines = Vec::new();
        let mut shorts = Vec::new();
        let mut orders = 0;
        for (tenant, key, order) in fold.orders() {
            orders += 1;
            lines.clear();
            shorts.clear();
            let view = engine.order(tenant, key, &mut lines, &mut shorts);
            let wrong = match view {
                Some(view) => differs(fold, (tenant, key), order, &view, &lines),
                None => Some("is not in the replayed state".to_owned()),
            };
            checks.check(Invariant::I11, wrong.is_none(), || {
                let what = wrong.unwrap_or_default();
                fold.names.order_offence(&end, tenant, key, what)
            });
        }
        for (tenant, key, refusal) in fold.refusals_kept() {
            if fold.order(tenant, key).is_some() {
                continue; // compared with the order
            }
            let view = engine.order(tenant, key, &mut lines, &mut shorts);
            let replayed = view.map(|view| (view.code, view.version));
            let same = replayed == Some((refusal.reason, refusal.version));
            checks.check(Invariant::I11, same, || {
                let (reason, version) = (refusal.reason, refusal.version);
                let what = format!(
                    "was refused with {reason} as version {version}, but replay has {replayed:?}"
                );
                fold.names.order_offence(&end, tenant, key, what)
            });
        }
        let replayed = engine.statistics().orders;
        checks.check(Invariant::I11, replayed == orders, || {
            let what = format!("{orders} orders were folded, {replayed} replayed");
            fold.names.offence(&end, what)
        });
        super::replay_events::compare(engine, fold, &end, checks);
    }
}

fn compare_cells(engine: &Engine, fold: &Fold, end: &At, checks: &mut Checks) {
    for (sku, defined) in fold.names.skus() {
        let mut cells: BTreeMap<CellRef, [i64; 6]> = BTreeMap::new();
        for view in engine.stock(defined.tenant, sku).into_iter().flatten() {
            let location = view.location;
            cells.insert(CellRef { sku, location }, quantities(&view.quantities));
        }
        let folded = fold.cells_of(sku).map(|(at, _)| at);
        let all: Vec<CellRef> = folded.chain(cells.keys().copied()).collect();
        for cell in all {
            let replayed = cells.get(&cell).copied().unwrap_or_default();
            let known = fold.cell(cell).copied().unwrap_or_default();
            let own = known.quantities().map(|(_, units)| units);
            checks.check(Invariant::I11, own == replayed, || {
                let what = format!(
                    "folded and replayed quantities differ: {own:?} and {replayed:?} (on hand, \
                     reserved, committed, safety, damaged, quality control)"
                );
                fold.names.cell_offence(end, cell, what)
            });
        }
    }
}

/// Who gets units of each SKU that orders wait for.
fn compare_skus(engine: &Engine, fold: &Fold, end: &At, checks: &mut Checks) {
    for (sku, defined) in fold.names.skus() {
        let replayed = engine.backorder_queue(sku);
        checks.check(Invariant::I11, replayed == defined.queue, || {
            let name = fold.names.sku_name(sku);
            let (own, other) = (defined.queue.name(), replayed.name());
            let what = format!("queue of SKU {name} is {own}, but {other} after replay");
            fold.names.offence(end, what)
        });
    }
}

/// What each channel sold from its quotas and from the pool.
fn compare_channels(engine: &Engine, fold: &Fold, end: &At, checks: &mut Checks) {
    let mut replayed = BTreeMap::new();
    let tenants: BTreeSet<TenantId> = fold.names.skus().map(|(_, sku)| sku.tenant).collect();
    for channel in tenants.into_iter().flat_map(|it| engine.channel_views(it)) {
        for rule in channel.rules {
            replayed.insert((rule.sku, channel.channel), (rule.used, rule.pooled));
        }
    }
    let folded: BTreeMap<_, _> = fold
        .channel_counts()
        .map(|(sku, of, quota, pool)| {
            let units = |units: i64| u64::try_from(units).unwrap_or(u64::MAX);
            ((sku, of), (units(quota), units(pool)))
        })
        .collect();
    if folded.is_empty() && replayed.is_empty() {
        return;
    }
    checks.check(Invariant::I8, folded == replayed, || {
        let what = format!(
            "units sold by SKU and channel, from quota and pool, are {folded:?}, but {replayed:?} \
             after replay"
        );
        fold.names.offence(end, what)
    });
}

fn quantities(cell: &CellQuantities) -> [i64; 6] {
    [
        cell.on_hand,
        cell.reserved,
        cell.committed,
        cell.safety,
        cell.damaged,
        cell.quality_control,
    ]
    .map(i64::from)
}

/// In what a replayed order differs from the folded one, if in anything.
fn differs(
    fold: &Fold,
    (tenant, key): (TenantId, OrderKey),
    order: &Order,
    view: &OrderView,
    lines: &[OrderLineView],
) -> Option<String> {
    let refused = fold.refusal(tenant, key).map_or(0, |known| known.version);
    let process = fold.process(tenant, key).filter(|it| it.is_running());
    let in_process = process.is_some_and(|process| view.state == process.state);
    // A hold past its end reads as expired from that moment on, swept or not.
    let due = process.is_none() && order.is_live_hold() && fold.last.time_ms >= order.expires_at_ms;
    let same_state =
        in_process || view.state == order.state || (due && view.state == OrderState::Expired);
    let version = order.version.max(refused);
    if !same_state {
        let (own, other) = (order.state.name(), view.state.name());
        return Some(format!("is {own}, but {other} after replay"));
    }
    if view.version != version && view.version != order.version {
        return Some(format!(
            "has version {version}, but {} after replay",
            view.version
        ));
    }
    if view.resolution != order.resolution && !due {
        return Some(format!(
            "is resolved as {:?}, but as {:?} after replay",
            order.resolution, view.resolution
        ));
    }
    let head = (order.placed, order.channel, order.customer, order.accepted);
    let replayed = (view.placed, view.channel, view.customer, view.sequence);
    if head != replayed {
        return Some(format!(
            "placed, channel, customer, sequence are {head:?}, but {replayed:?} after replay"
        ));
    }
    let live = order.is_live_hold() && !due && process.is_none();
    if live && view.expires_at_ms != order.expires_at_ms {
        return Some(format!(
            "ends at {} ms, but at {} ms after replay",
            order.expires_at_ms, view.expires_at_ms
        ));
    }
    let told = if version > order.version {
        fold.refusal(tenant, key)
            .map_or(ResultCode::Ok, |refusal| refusal.reason)
    } else {
        ResultCode::Ok
    };
    if view.version == version && view.code != told {
        return Some(format!(
            "was decided as {told}, but as {} after replay",
            view.code
        ));
    }
    differing_lines(order, due, lines)
}

fn differing_lines(order: &Order, due: bool, lines: &[OrderLineView]) -> Option<String> {
    // The units of a hold past its end read as cancelled, too.
    let ended = |units: u32| if due { units } else { 0 };
    let own = order.lines.as_slice().iter().map(|line| OrderLineView {
        sku: line.sku,
        location: line.location,
        ordered: line.ordered,
        reserved: line.reserved - ended(line.reserved),
        committed: line.committed,
        shipped: line.shipped,
        returned: line.returned,
        cancelled: line.cancelled + ended(line.reserved),
    });
    let mut own: Vec<OrderLineView> = own.collect();
    let mut replayed = lines.to_vec();
    own.sort_unstable_by_key(|line| (line.sku, line.location));
    replayed.sort_unstable_by_key(|line| (line.sku, line.location));
    (own != replayed).then(|| format!("has lines {own:?}, but {replayed:?} after replay"))
}

/// Kind of the journal's own record that seals a segment.
pub const KIND_SEGMENT_SEALED: u8 = 2;

/// The chain of seals, recomputed from the files.
#[derive(Debug, Default)]
pub struct SealChain {
    last: Option<[u8; 32]>,
}

/// What a seal says, decoded here from the documented bytes.
struct Seal {
    segment: u64,
    end: u64,
    hash: [u8; 32],
    previous: [u8; 32],
}

impl Seal {
    fn decode(payload: &[u8]) -> Option<Self> {
        let (segment, rest) = payload.split_first_chunk::<8>()?;
        let (end, rest) = rest.split_first_chunk::<8>()?;
        let (hash, rest) = rest.split_first_chunk::<32>()?;
        let (previous, rest) = rest.split_first_chunk::<32>()?;
        rest.is_empty().then_some(Self {
            segment: u64::from_le_bytes(*segment),
            end: u64::from_le_bytes(*end),
            hash: *hash,
            previous: *previous,
        })
    }
}

impl SealChain {
    /// Checks one `SegmentSealed` record: its hash against the file, and its link to the seal
    /// before it.
    pub fn check(
        &mut self,
        at: &At,
        raw: &RawRecord<'_>,
        segments: &[SegmentInfo],
        checks: &mut Checks,
    ) {
        let offence = |what: String| Offence {
            shard: at.shard,
            sequence: Some(at.sequence),
            what,
            ..Offence::default()
        };
        let Some(seal) = Seal::decode(raw.payload) else {
            checks.check(Invariant::I11, false, || {
                offence("the seal of a segment is malformed".to_owned())
            });
            return;
        };
        let linked = seal.previous == self.last.unwrap_or_default();
        checks.check(Invariant::I11, linked, || {
            offence(format!(
                "the seal of segment {} names {} as the hash before it, but that was {}",
                seal.segment,
                hex::encode(seal.previous),
                hex::encode(self.last.unwrap_or_default())
            ))
        });
        self.last = Some(seal.hash);
        let info = segments
            .iter()
            .find(|info| u64::from(info.number) == seal.segment);
        let wrong = match info.map(|info| (info, hash(info, seal.end))) {
            None => Some("the file is missing".to_owned()),
            Some((info, Err(error))) => {
                Some(format!("cannot read {}: {error}", info.file.display()))
            }
            Some((info, Ok(found))) if found != seal.hash => Some(format!(
                "the first {} bytes of {} have the hash {}, sealed as {}",
                seal.end,
                info.file.display(),
                hex::encode(found),
                hex::encode(seal.hash)
            )),
            Some(_) => None,
        };
        checks.check(Invariant::I11, wrong.is_none(), || {
            let wrong = wrong.unwrap_or_default();
            offence(format!(
                "segment {} is not what was sealed: {wrong}",
                seal.segment
            ))
        });
    }
}

/// BLAKE3 of the first `end` bytes of a segment's file.
fn hash(info: &SegmentInfo, end: u64) -> std::io::Result<[u8; 32]> {
    use std::io::Read;
    let file = std::fs::File::open(&info.file)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file.take(end))?;
    Ok(*hasher.finalize().as_bytes())
}
