//! Reply frames to answers.

use crate::sim::request::{Answer, Request};
use onhand::engine::command::{
    CellQuantities, CellView, CommandOutcome, LineNote, OrderLineView, OrderOutcome, OrderView,
};
use onhand::engine::record::ShortLine;
use onhand::types::{OrderState, Resolution, ResultCode, SkuId};
use onhand::wire::Frame;
use onhand::wire::reply::order::PARTIAL;
use onhand::wire::reply::query::PLACED;
use onhand::wire::reply::stock::CellValues;
use onhand::wire::reply::{self, NoteKind, REPLAYED, Reply};

/// Stands for the SKU of a short line in an order's answer: there only the line's index is sent.
const NOT_SENT: SkuId = SkuId(u32::MAX);

/// The part of an answer that a client gets to see.
pub fn as_sent(mut answer: Answer) -> Answer {
    if let Answer::Order { notes, .. } = &mut answer {
        for note in notes {
            if let LineNote::Short(short) = note {
                short.sku = NOT_SENT;
            }
        }
    }
    answer
}

/// The answers in a reply frame to `requests`; `Err` with the code of an error frame.
pub fn answers_of(frame: &Frame<'_>, requests: &[Request]) -> Result<Vec<Answer>, ResultCode> {
    let reply = Reply::decode(frame).expect("the server's frames are well-formed");
    let answers: Vec<Answer> = match reply {
        Reply::Error(error) => return Err(error.code),
        Reply::Names(items) => items.map(|item| name_answer(&item)).collect(),
        Reply::Stock(items) => items.map(|item| stock_answer(&item)).collect(),
        Reply::OrderCommands(items) => items.map(|item| order_command_answer(&item)).collect(),
        Reply::Reserve(orders) => order_answers(&orders),
        Reply::QueryStock(entries) => entries.map(|entry| stock_query_answer(&entry)).collect(),
        Reply::QueryOrder(entries) => entries.map(|entry| order_query_answer(&entry)).collect(),
        other => panic!("{other:?} answers nothing that was asked"),
    };
    assert_eq!(answers.len(), requests.len(), "one answer a request");
    Ok(answers)
}

fn plain(code: ResultCode, flags: u8, sequence: u64) -> CommandOutcome {
    CommandOutcome {
        code,
        replayed: flags & REPLAYED != 0,
        sequence,
        handle: 0,
        state: None,
        resolution: Resolution::Open,
        expires_at_ms: 0,
        cell: CellQuantities::default(),
    }
}

fn name_answer(item: &reply::NameReply) -> Answer {
    Answer::Command(CommandOutcome {
        handle: item.handle,
        ..plain(item.code, item.flags, item.sequence)
    })
}

fn stock_answer(item: &reply::StockReply) -> Answer {
    Answer::Command(CommandOutcome {
        cell: quantities(&item.cell),
        ..plain(item.code, item.flags, item.sequence)
    })
}

/// The six quantities, the two that follow from them checked.
fn quantities(values: &CellValues) -> CellQuantities {
    let claimed = u64::from(values.reserved)
        + u64::from(values.committed)
        + u64::from(values.safety)
        + u64::from(values.damaged)
        + u64::from(values.quality_control);
    assert_eq!(
        u64::from(values.on_hand) + values.short,
        claimed + u64::from(values.available),
        "on hand and short are what is claimed and available: {values:?}"
    );
    assert!(
        values.short == 0 || values.available == 0,
        "nothing short is available: {values:?}"
    );
    CellQuantities {
        on_hand: values.on_hand,
        reserved: values.reserved,
        committed: values.committed,
        safety: values.safety,
        damaged: values.damaged,
        quality_control: values.quality_control,
    }
}

fn order_command_answer(item: &reply::OrderCommandReply) -> Answer {
    Answer::Command(CommandOutcome {
        state: item.state,
        resolution: item.resolution,
        expires_at_ms: item.expires_at_ms,
        ..plain(item.code, item.flags, item.sequence)
    })
}

fn order_answers(orders: &reply::ReserveReply<'_>) -> Vec<Answer> {
    let mut notes = orders.notes;
    let mut answers = Vec::new();
    for (index, item) in orders.items.enumerate() {
        let note = |note: reply::OrderNote| {
            assert_eq!(usize::from(note.item), index, "notes in order of the items");
            match note.kind {
                NoteKind::Granted => LineNote::Granted {
                    line: note.line,
                    quantity: note.value,
                },
                NoteKind::Short => LineNote::Short(ShortLine {
                    sku: NOT_SENT,
                    left: note.value,
                    line: note.line,
                }),
            }
        };
        let count = usize::from(item.notes);
        answers.push(Answer::Order {
            outcome: OrderOutcome {
                code: item.code,
                state: item.state,
                replayed: item.flags & REPLAYED != 0,
                partial: item.flags & PARTIAL != 0,
                version: item.version,
                sequence: item.sequence,
                expires_at_ms: item.expires_at_ms,
                notes: item.notes,
            },
            notes: notes.by_ref().take(count).map(note).collect(),
        });
    }
    answers
}

fn stock_query_answer(entry: &reply::StockEntry<'_>) -> Answer {
    let cell = |cell: reply::Cell| CellView {
        location: cell.location,
        quantities: quantities(&cell.values),
    };
    Answer::Stock {
        code: entry.code,
        cells: entry.cells.map(cell).collect(),
    }
}

fn order_query_answer(entry: &reply::OrderEntry<'_>) -> Answer {
    let summary = &entry.summary;
    let line = |line: reply::OrderLine| OrderLineView {
        sku: line.sku,
        location: line.location,
        ordered: line.ordered,
        reserved: line.reserved,
        committed: line.committed,
        shipped: line.shipped,
        returned: line.returned,
        cancelled: line.cancelled,
    };
    let short = |short: reply::OrderShortLine| ShortLine {
        sku: short.sku,
        left: short.left,
        line: short.line,
    };
    let view = |state: OrderState| OrderView {
        code: summary.code,
        state,
        resolution: summary.resolution,
        placed: summary.flags & PLACED != 0,
        version: summary.version,
        channel: summary.channel,
        customer: summary.customer,
        sequence: summary.sequence,
        expires_at_ms: summary.expires_at_ms,
    };
    Answer::OrderView {
        view: summary.state.map(view),
        lines: entry.lines.map(line).collect(),
        shorts: entry.short_lines.map(short).collect(),
    }
}
