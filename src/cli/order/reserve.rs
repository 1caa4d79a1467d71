//! `onhand order place` and `onhand order hold`.

use std::path::PathBuf;

use anyhow::{Context, ensure};

use super::{LineArgs, time_text};
use crate::cli::output::{counted, print_either};
use crate::cli::session::{Session, announce_key, parse_key, refused_with};
use crate::client::{ReserveAnswer, command_key};
use crate::limits::HOLD_TTL_MS_DEFAULT;
use crate::types::{ChannelId, OrderDetails, OrderKey, OrderMode, OrderState, ResultCode};
use crate::wire::reply::order::PARTIAL;
use crate::wire::reply::{self, NoteKind, OrderNote, ReserveReplyItem};
use crate::wire::request::{Line, Lines, ReserveItem, reserve_flags};
use crate::wire::{details, order_key};

/// One order to take. The same key and version may be sent again at any time: the answer is the
/// first one's.
#[derive(clap::Args, Debug)]
#[group(skip)]
pub(super) struct NewOrder {
    #[command(flatten)]
    lines: LineArgs,
    /// What the channel calls the order; its key is made from it [default: none, a random key]
    #[arg(long, value_name = "ID", conflicts_with = "key")]
    external_id: Option<String>,
    /// Key of the order, 32 hex digits; the same one again is a retry [default: random, printed]
    #[arg(long, value_name = "HEX", value_parser = parse_key::<OrderKey>)]
    key: Option<OrderKey>,
    /// Version, from 1; the next one replaces a hold in one step
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    version: u16,
    /// Number of the buyer
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    customer: u64,
    /// Number of the channel it is sold on; 0 is the own shop
    #[arg(long, value_name = "CHANNEL", default_value_t = 0)]
    channel: u16,
    /// How long the units are held at most, in milliseconds, at most 7 days
    #[arg(long, value_name = "MS", default_value_t = HOLD_TTL_MS_DEFAULT)]
    ttl_ms: u32,
    /// Take what there is of each line, instead of all or nothing [default: off]
    #[arg(long)]
    partial: bool,
    /// Where stock is short, let the whole order wait for it in its turn; for placed orders, while
    /// pipelines are in force [default: off]
    #[arg(long, conflicts_with = "partial")]
    backorder: bool,
    /// Currency of the total, ISO 4217 number; 840 is USD, 978 is EUR
    #[arg(long, value_name = "NUMBER", default_value_t = 840)]
    currency: u16,
    /// Total in minor units of the currency, e.g. cents
    #[arg(long, value_name = "MINOR_UNITS", default_value_t = 0)]
    total: u64,
    /// Where the buyer is, in the units of the locations [default: unknown]
    #[arg(long, value_name = "X,Y", value_parser = parse_place, allow_negative_numbers = true)]
    destination: Option<(i32, i32)>,
    /// JSON file with contact, addresses, payment token, prices; fields as in docs/PROTOCOL.md
    /// [default: none]
    #[arg(long, value_name = "FILE")]
    details: Option<PathBuf>,
}

fn parse_place(text: &str) -> Result<(i32, i32), String> {
    text.split_once(',')
        .and_then(|(x, y)| Some((x.trim().parse().ok()?, y.trim().parse().ok()?)))
        .ok_or_else(|| "expected two whole numbers, e.g. 12,-7".to_owned())
}

pub(super) fn reserve(
    session: &mut Session,
    order: &NewOrder,
    mode: OrderMode,
) -> anyhow::Result<()> {
    ensure!(
        !order.lines.skus.is_empty(),
        "an order needs at least one --sku"
    );
    let details = read_details(order)?;
    let lines = order.lines.resolve(session)?;
    let key = order_key_of(order)?;
    if order.key.is_none() && order.external_id.is_none() {
        announce_key("order", key);
    }
    let mut flags = 0;
    if mode == OrderMode::Place {
        flags |= reserve_flags::PLACE;
    }
    if order.partial {
        flags |= reserve_flags::PARTIAL;
    }
    if order.backorder {
        flags |= reserve_flags::BACKORDER;
    }
    let item = ReserveItem {
        key,
        customer: order.customer,
        total: order.total,
        ttl_ms: order.ttl_ms,
        version: order.version,
        channel: ChannelId(order.channel),
        currency: order.currency,
        flags,
        destination: order.destination,
        lines: Lines::new(&lines),
        details: &details,
    };
    let answers = session.connection.reserve(&[item])?;
    let answer = answers
        .first()
        .context("the server answered without an item")?;
    tell(session, order, key, &lines, answer)
}

fn order_key_of(order: &NewOrder) -> anyhow::Result<OrderKey> {
    match (&order.key, &order.external_id) {
        (Some(key), _) => Ok(*key),
        (None, Some(id)) => Ok(order_key(ChannelId(order.channel), id.as_bytes())),
        (None, None) => Ok(OrderKey(command_key()?.0)),
    }
}

fn read_details(order: &NewOrder) -> anyhow::Result<Vec<u8>> {
    let mut found = OrderDetails::default();
    if let Some(path) = &order.details {
        let failed = || format!("cannot use the details in {}", path.display());
        let text = std::fs::read_to_string(path).with_context(failed)?;
        found = serde_json::from_str(&text).with_context(failed)?;
    }
    if let Some(id) = &order.external_id {
        found.external_id.clone_from(id);
    }
    if found == OrderDetails::default() {
        return Ok(Vec::new());
    }
    details::encode(&found, order.lines.skus.len()).context("the details cannot be sent")
}

/// Says what came of it.
fn tell(
    session: &Session,
    order: &NewOrder,
    key: OrderKey,
    lines: &[Line],
    answer: &ReserveAnswer,
) -> anyhow::Result<()> {
    let notes: Vec<_> = answer
        .notes
        .iter()
        .map(|note| describe(order, lines, *note))
        .collect();
    let answer = &answer.item;
    let value = json(key, answer, &notes);
    let remarks = notes
        .iter()
        .fold(String::new(), |text, note| text + "; " + &note.text);
    if answer.code != ResultCode::Ok {
        let what = format!("order {key} was not taken{remarks}");
        return Err(refused_with(answer.code, what, value));
    }
    let state = answer.state.map_or("GONE", OrderState::name);
    let replayed = if answer.flags & reply::REPLAYED == 0 {
        ""
    } else {
        " (as answered before)"
    };
    let ends = match answer.expires_at_ms {
        0 => String::new(),
        ms => format!(", held until {}", time_text(ms)),
    };
    let part = if answer.flags & PARTIAL == 0 {
        ""
    } else {
        ", in part"
    };
    let text = format!(
        "Order {key} is {state}{part}{replayed}: number {}, version {}{ends}{remarks}.",
        answer.sequence, answer.version
    );
    print_either(session.json(), text, &value)?;
    Ok(())
}

struct Remark {
    text: String,
    json: serde_json::Value,
}

fn describe(order: &NewOrder, lines: &[Line], note: OrderNote) -> Remark {
    let index = usize::from(note.line);
    let sku = order.lines.skus.get(index).map_or("?", String::as_str);
    let asked = lines.get(index).map_or(0, |line| line.quantity);
    let (kind, text) = match note.kind {
        NoteKind::Short => (
            "left",
            format!("{sku}: {} left", counted(note.value, "unit")),
        ),
        NoteKind::Granted => (
            "granted",
            format!("{sku}: got {} of {asked} asked for", note.value),
        ),
    };
    let json = serde_json::json!({ "line": note.line, "sku": sku, kind: note.value });
    Remark { text, json }
}

fn json(key: OrderKey, answer: &ReserveReplyItem, notes: &[Remark]) -> serde_json::Value {
    serde_json::json!({
        "code": answer.code.name(),
        "key": key.to_string(),
        "state": answer.state.map(OrderState::name),
        "replayed": answer.flags & reply::REPLAYED != 0,
        "partial": answer.flags & PARTIAL != 0,
        "version": answer.version,
        "number": answer.sequence,
        "expires_at_ms": answer.expires_at_ms,
        "lines": notes.iter().map(|note| &note.json).collect::<Vec<_>>(),
    })
}
