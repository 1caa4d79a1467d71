//! `onhand explain`: what happened to an order or a SKU, at any past moment.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use super::output::{counted, print, table};
use super::startup::{DONE, REFUSED};
use crate::audit::explain::{
    CellRow, ChannelRow, Moment, OrderQuestion, OrderStory, Refused, SkuQuestion, SkuStory, order,
    sku,
};
use crate::audit::source::DataDirectory;
use crate::types::{ChannelId, OrderKey};
use crate::wire::order_key;

/// Tell what happened to an order (who got it, why it was refused, who held the units) or to a SKU
/// (where its units are, who took the last one, what each channel may sell and is to offer), now or
/// at any past moment.
#[derive(clap::Args, Debug)]
#[command(group(clap::ArgGroup::new("subject").required(true).args(["order", "external_id", "sku"])))]
pub struct Args {
    /// The data directory [no default]
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The order with this key, 32 hex digits [default: none]
    #[arg(long, value_name = "HEX")]
    order: Option<OrderKey>,
    /// The order that a channel calls so; needs --channel [default: none]
    #[arg(long, value_name = "ID", requires = "channel")]
    external_id: Option<String>,
    /// Number of the channel of --external-id [no default]
    #[arg(long, value_name = "NUMBER", requires = "external_id")]
    channel: Option<u16>,
    /// The SKU of this name [default: none]
    #[arg(long, value_name = "NAME")]
    sku: Option<String>,
    /// Only of this tenant [default: of every tenant]
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// The moment: a sequence, or a time such as 2026-11-27T09:00:00Z; what came later is left out
    /// [default: the end of the journal]
    #[arg(long, value_name = "SEQUENCE|TIME", value_parser = parse_moment)]
    at: Option<Moment>,
    /// Print JSON, one object a line, instead of sentences [default: off]
    #[arg(long)]
    json: bool,
}

fn parse_moment(text: &str) -> Result<Moment, String> {
    if let Ok(sequence) = text.parse() {
        return Ok(Moment::Sequence(sequence));
    }
    let time: jiff::Timestamp = text.parse().map_err(|_| {
        "use a sequence such as 4711, or a time such as 2026-11-27T09:00:00Z".to_owned()
    })?;
    let ms = u64::try_from(time.as_millisecond());
    ms.map(Moment::Time)
        .map_err(|_| "the time is before 1970".to_owned())
}

/// Explains: exit code 0, or 1 where the order or SKU never came up.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let source = DataDirectory::open(&args.data)?;
    let until = args.at.unwrap_or_default();
    let tenant = args.tenant;
    let (mut shown, subject) = (
        Vec::new(),
        subject(args.order, args.external_id, args.channel),
    );
    let asked = if let Some(key) = subject {
        let question = OrderQuestion { key, tenant, until };
        for story in order(&source, &question)? {
            shown.push(if args.json {
                serde_json::to_string(&story)?
            } else {
                order_text(&story)
            });
        }
        format!("order {key}")
    } else {
        let name = args.sku.unwrap_or_default();
        let asked = format!("SKU {name}");
        let question = SkuQuestion {
            name,
            tenant,
            until,
        };
        for story in sku(&source, &question)? {
            shown.push(if args.json {
                serde_json::to_string(&story)?
            } else {
                sku_text(&story)
            });
        }
        asked
    };
    if shown.is_empty() {
        eprintln!(
            "{asked} never came up in {} until then",
            args.data.display()
        );
        return Ok(ExitCode::from(REFUSED));
    }
    print(shown.join("\n"))?;
    Ok(ExitCode::from(DONE))
}

fn subject(
    key: Option<OrderKey>,
    external_id: Option<String>,
    channel: Option<u16>,
) -> Option<OrderKey> {
    let derived = external_id.zip(channel);
    key.or_else(|| derived.map(|(id, channel)| order_key(ChannelId(channel), id.as_bytes())))
}

fn order_text(story: &OrderStory) -> String {
    let mut text = format!("Order {} of tenant {}\n", story.order, story.tenant);
    for event in &story.events {
        add(
            &mut text,
            format_args!(
                "\n{}  sequence {}, by {}:",
                event.time, event.sequence, event.actor
            ),
        );
        add(&mut text, format_args!("  {}", event.text));
        for refused in &event.refused {
            refused_text(&mut text, refused);
        }
    }
    add(
        &mut text,
        format_args!(
            "\nAs of sequence {} ({}): {}, version {}",
            story.as_of_sequence, story.as_of, story.state, story.version
        ),
    );
    if let Some(until) = &story.expires_at {
        add(&mut text, format_args!("  held until {until}"));
    }
    let rows: Vec<Vec<String>> = story
        .lines
        .iter()
        .map(|line| {
            let numbers = [
                line.ordered,
                line.reserved,
                line.committed,
                line.shipped,
                line.returned,
                line.cancelled,
            ];
            let mut row = vec![line.sku.clone(), line.location.clone()];
            row.extend(numbers.map(|units| units.to_string()));
            row
        })
        .collect();
    if !rows.is_empty() {
        let heading = [
            "SKU",
            "LOCATION",
            "ORDERED",
            "RESERVED",
            "COMMITTED",
            "SHIPPED",
            "RETURNED",
            "CANCELLED",
        ];
        text.push_str(&table(&heading, &rows));
    }
    text.trim_end().to_owned()
}

fn refused_text(text: &mut String, refused: &Refused) {
    match &refused.last_unit {
        Some(rival) => add(
            text,
            format_args!("  the last unit of {} went to {rival}", refused.sku),
        ),
        None => add(
            text,
            format_args!(
                "  no order had emptied {} before: see its stock",
                refused.sku
            ),
        ),
    }
    let holders = counted(refused.holders_count, "order");
    add(
        text,
        format_args!("  {holders} held units of {} then:", refused.sku),
    );
    for rival in &refused.holders {
        add(text, format_args!("    {rival}"));
    }
}

fn sku_text(story: &SkuStory) -> String {
    let sale = if story.on_sale {
        "on sale"
    } else {
        "not on sale"
    };
    let mut text = format!(
        "SKU {} of tenant {}, {sale}, as of sequence {} ({})\n",
        story.sku, story.tenant, story.as_of_sequence, story.as_of
    );
    if story.backorder_queue != "default" {
        let rule = story.backorder_queue;
        add(
            &mut text,
            format_args!("orders that wait for it are served by the rule {rule}"),
        );
    }
    add(&mut text, format_args!("{}\n", cells_table(&story.cells)));
    if !story.channels.is_empty() {
        add(
            &mut text,
            format_args!("{}\n", channels_table(&story.channels)),
        );
    }
    add(
        &mut text,
        format_args!(
            "{} accepted for {}, {} refused for want of it",
            counted(story.accepted_orders, "order"),
            counted(story.accepted_units, "unit"),
            story.refused_orders
        ),
    );
    if let Some(rival) = &story.last_accepted {
        add(&mut text, format_args!("last accepted: {rival}"));
    }
    if let Some(rival) = &story.last_unit {
        add(&mut text, format_args!("last unit taken by: {rival}"));
    }
    let holders = counted(story.holders_count, "order");
    add(
        &mut text,
        format_args!("{holders} hold units now, the newest first:"),
    );
    for rival in &story.holders {
        add(&mut text, format_args!("  {rival}"));
    }
    add(&mut text, format_args!("newest stock movements:"));
    for movement in &story.movements {
        let (time, sequence) = (&movement.time, movement.sequence);
        add(
            &mut text,
            format_args!(
                "  {time}  sequence {sequence}, by {}: {}",
                movement.actor, movement.text
            ),
        );
    }
    text.trim_end().to_owned()
}

fn cells_table(cells: &[CellRow]) -> String {
    let rows: Vec<Vec<String>> = cells
        .iter()
        .map(|cell| {
            let numbers = [
                cell.on_hand,
                cell.reserved,
                cell.committed,
                cell.safety,
                cell.damaged,
                cell.quality_control,
                cell.available,
                cell.short,
            ];
            let mut row = vec![cell.location.clone()];
            row.extend(numbers.map(|units| units.to_string()));
            row
        })
        .collect();
    let heading = [
        "LOCATION",
        "ON_HAND",
        "RESERVED",
        "COMMITTED",
        "SAFETY",
        "DAMAGED",
        "QUALITY_CONTROL",
        "AVAILABLE",
        "SHORT",
    ];
    table(&heading, &rows)
}

fn channels_table(channels: &[ChannelRow]) -> String {
    let number =
        |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let rows: Vec<Vec<String>> = channels
        .iter()
        .map(|it| {
            let rule = match it.rule {
                Some("quota") if it.then_pool => "quota, then pool",
                Some(rule) => rule,
                None => "none",
            };
            let campaign = it.campaign.map_or_else(
                || "-".to_owned(),
                |campaign| {
                    let (given, sold) = (it.campaign_given, it.campaign_sold);
                    let (given, sold) = (given.unwrap_or_default(), sold.unwrap_or_default());
                    format!("{campaign}: {sold} of {given}")
                },
            );
            vec![
                it.channel.to_string(),
                it.name.clone(),
                rule.to_owned(),
                number(it.units.map(u64::from)),
                it.from_quota.to_string(),
                it.from_pool.to_string(),
                campaign,
                it.to_offer.to_string(),
                number(it.published.map(u64::from)),
                number(it.published_sequence),
            ]
        })
        .collect();
    let heading = [
        "CHANNEL",
        "NAME",
        "RULE",
        "UNITS",
        "OF_QUOTA",
        "OF_POOL",
        "CAMPAIGN",
        "TO_OFFER",
        "PUBLISHED",
        "AT_SEQUENCE",
    ];
    table(&heading, &rows)
}

fn add(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}
