//! Rows of stock: arrivals, or on hand as it was counted.

use super::rows::{Refusal, Row, RowKeys, Table};
use super::{Import, portions, refused};
use crate::cli::sku::parse_queue;
use crate::types::{CommandKey, LocationId, ResultCode, SkuId};
use crate::wire::opcode::Opcode;
use crate::wire::reply::{self, Reply, StockReply};
use crate::wire::request::{Receive, SetOnHand};

/// One row, checked.
struct Wanted<'a> {
    line: u64,
    key: CommandKey,
    sku: &'a str,
    location: &'a str,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Arrived(u32),
    Counted { on_hand: u32, expect: Option<u32> },
}

/// Sends every row; says which were refused.
pub(super) fn send(import: &mut Import<'_>, table: &Table) -> anyhow::Result<()> {
    let mut keys = RowKeys::default();
    for lines in portions(table) {
        let mut wanted = Vec::with_capacity(lines.len());
        for line in lines {
            let row = match line {
                Ok((line, record)) => check(import, &mut keys, *line, table.row(record)),
                Err(refusal) => Err(refusal.clone()),
            };
            match row {
                Ok(row) => wanted.push(row),
                Err(refusal) => import.refuse(refusal),
            }
        }
        let skus = wanted.iter().map(|row| row.sku);
        import.learn(skus, wanted.iter().map(|row| row.location))?;
        send_portion(import, &wanted)?;
        import.tell_refusals()?;
    }
    Ok(())
}

fn check<'a>(
    import: &mut Import<'_>,
    keys: &mut RowKeys,
    line: u64,
    row: Row<'a>,
) -> Result<Wanted<'a>, Refusal> {
    import.check_tenant(line, &row)?;
    let (sku, location) = (row.needed(line, "sku")?, row.needed(line, "location")?);
    let what = if row.text("quantity").is_some() {
        What::Arrived(row.number(line, "quantity")?)
    } else if row.text("on_hand").is_some() {
        What::Counted {
            on_hand: row.number(line, "on_hand")?,
            expect: row.parsed(line, "expect")?,
        }
    } else {
        return Err(Refusal::new(
            line,
            "neither `quantity` nor `on_hand` has a number",
        ));
    };
    if let Some(rule) = row.text("backorder_queue") {
        let wrong = |why| Refusal::new(line, format!("`backorder_queue` has `{rule}`: {why}"));
        let queue = parse_queue(rule).map_err(wrong)?;
        import.queues.insert(sku.to_owned(), queue);
    }
    let numbers = match what {
        What::Arrived(quantity) => ["arrived".to_owned(), quantity.to_string()],
        What::Counted { on_hand, expect } => {
            let expect = expect.map_or_else(String::new, |units| units.to_string());
            [format!("counted {expect}"), on_hand.to_string()]
        }
    };
    let [kind, number] = &numbers;
    let content = [sku, location, kind, number];
    Ok(Wanted {
        line,
        key: keys.key(&import.id, row.text("row_key"), &content),
        sku,
        location,
        what,
    })
}

/// Sends rows back to back, then reads their answers.
fn send_portion(import: &mut Import<'_>, wanted: &[Wanted<'_>]) -> anyhow::Result<()> {
    let mut sent = Vec::with_capacity(wanted.len());
    for row in wanted {
        let handles = import
            .sku(row.line, row.sku)
            .and_then(|sku| Ok((sku, import.location(row.line, row.location)?)));
        match handles {
            Ok(handles) => sent.push((row, send_row(import, row, handles)?)),
            Err(refusal) => import.refuse(refusal),
        }
    }
    for (row, id) in sent {
        let answer = receive(import, id)?;
        if answer.code == ResultCode::Ok {
            import.count(answer.flags & reply::REPLAYED != 0);
        } else {
            let (sku, location) = (row.sku, row.location);
            let present = answer.cell.on_hand;
            let reason = format!("{sku} at {location}, on hand {present}");
            import.refuse(refused(row.line, answer.code, reason));
        }
    }
    Ok(())
}

fn send_row(
    import: &mut Import<'_>,
    row: &Wanted<'_>,
    (sku, location): (SkuId, LocationId),
) -> anyhow::Result<u64> {
    let (key, connection) = (row.key, &mut import.session.connection);
    let id = match row.what {
        What::Arrived(quantity) => {
            let item = Receive {
                key,
                sku,
                quantity,
                location,
            };
            connection.send(Opcode::Receive, &[item])?
        }
        What::Counted { on_hand, expect } => {
            let item = SetOnHand {
                key,
                sku,
                on_hand,
                expect,
                location,
            };
            connection.send(Opcode::Set, &[item])?
        }
    };
    Ok(id)
}

fn receive(import: &mut Import<'_>, id: u64) -> anyhow::Result<StockReply> {
    let frame = import.session.connection.receive(id)?;
    let answer = match frame.reply()? {
        Reply::Stock(mut answers) => answers.next(),
        Reply::Error(error) => anyhow::bail!("{}: {}", error.code, error.text),
        _ => None,
    };
    answer.ok_or_else(|| anyhow::anyhow!("the server answered with another kind of reply"))
}
