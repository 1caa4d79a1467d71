//! `onhand channels`: sales channels, their rules and campaigns, over the server's HTTP.

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::orders::listed;
use super::session::CommandKeyArgs;
use super::web::{WebArgs, body, entries, member, segment};

/// What to do with channels.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// List every channel with its rules, and every campaign.
    List {
        #[command(flatten)]
        web: WebArgs,
    },
    /// Define a channel, or give it another name or kind.
    Define {
        /// The merchant's number for it, 0 to 65535
        #[arg(value_name = "NUMBER")]
        channel: u16,
        /// Its name, 1 to 64 bytes
        #[arg(value_name = "NAME")]
        name: String,
        /// own, shopify, woocommerce, shopee, tiktok or whatsapp
        #[arg(long, value_name = "KIND", default_value = "own")]
        kind: String,
        #[command(flatten)]
        key: CommandKeyArgs,
        #[command(flatten)]
        web: WebArgs,
    },
    /// Set what a channel gets of a SKU: a share of the pool, a quota of its own, or a cap.
    Rule {
        /// The channel's number
        #[arg(value_name = "NUMBER")]
        channel: u16,
        /// pool (units: buffer not published), quota, cap, or none to take the rule away
        #[arg(value_name = "RULE")]
        rule: String,
        /// Buffer, quota or cap in units
        #[arg(value_name = "UNITS", default_value_t = 0)]
        units: u32,
        /// The SKU [default: all that have no rule of their own; pool only]
        #[arg(long, value_name = "SKU")]
        sku: Option<String>,
        /// When a quota is used up, orders go on from the pool [default: off]
        #[arg(long)]
        then_pool: bool,
        #[command(flatten)]
        key: CommandKeyArgs,
        #[command(flatten)]
        web: WebArgs,
    },
    /// Show what a channel is to offer.
    Stock {
        /// The channel's number
        #[arg(value_name = "NUMBER")]
        channel: u16,
        /// SKUs [default: the first ones]
        #[arg(value_name = "SKU")]
        skus: Vec<String>,
        #[command(flatten)]
        web: WebArgs,
    },
    /// Plan a campaign, or end one.
    Campaign {
        #[command(subcommand)]
        action: CampaignAction,
    },
}

#[derive(clap::Subcommand, Debug)]
enum CampaignAction {
    /// Plan one: in its window the channel has units of its own.
    Plan {
        /// The channel's number
        #[arg(value_name = "NUMBER")]
        channel: u16,
        /// Its name, 1 to 64 bytes
        #[arg(value_name = "NAME")]
        name: String,
        /// When it begins, such as 2026-11-27T08:00:00Z; in the past: at once
        #[arg(long, value_name = "TIME")]
        from: String,
        /// When it ends
        #[arg(long, value_name = "TIME")]
        to: String,
        /// A SKU and how many units it wants of it; once a SKU
        #[arg(long = "item", value_name = "SKU=UNITS", required = true, value_parser = item)]
        items: Vec<(String, u32)>,
        /// When its units are used up, orders go on as without it [default: off]
        #[arg(long)]
        then_pool: bool,
        #[command(flatten)]
        key: CommandKeyArgs,
        #[command(flatten)]
        web: WebArgs,
    },
    /// End one now, or cancel it before it begins: what it did not sell goes back to the pool.
    End {
        /// The campaign's number
        #[arg(value_name = "CAMPAIGN")]
        campaign: u32,
        #[command(flatten)]
        key: CommandKeyArgs,
        #[command(flatten)]
        web: WebArgs,
    },
}

fn item(text: &str) -> Result<(String, u32), String> {
    let (sku, units) = text
        .rsplit_once('=')
        .ok_or_else(|| "expected SKU=UNITS".to_owned())?;
    let units = units
        .parse()
        .map_err(|_| format!("`{units}` is no number of units"))?;
    Ok((sku.to_owned(), units))
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::List { web } => web.run(|web| {
            let found = web.get("/channels")?;
            web.show(&found, all)
        }),
        Action::Define {
            channel,
            name,
            kind,
            key,
            web,
        } => web.run(|web| {
            let new = body(&[("name", Some(json!(name))), ("kind", Some(json!(kind)))]);
            let done = web.put(&format!("/channels/{channel}"), new, key)?;
            web.show(&done, |done| told(done, "Channel", "is defined"))
        }),
        Action::Rule {
            channel,
            rule,
            units,
            sku,
            then_pool,
            key,
            web,
        } => web.run(|web| {
            let new = body(&[
                ("sku", sku.map(|sku| json!(sku))),
                ("rule", Some(json!(rule))),
                ("units", Some(json!(units))),
                ("then_pool", Some(json!(then_pool))),
            ]);
            let done = web.put(&format!("/channels/{channel}/rules"), new, key)?;
            web.show(&done, |done| {
                told(done, &format!("Channel {channel}'s rule"), "is set")
            })
        }),
        Action::Stock { channel, skus, web } => web.run(|web| {
            let query: Vec<String> = skus
                .iter()
                .map(|sku| format!("sku={}", segment(sku)))
                .collect();
            let found = web.get(&format!("/channels/{channel}/stock?{}", query.join("&")))?;
            web.show(&found, offers)
        }),
        Action::Campaign { action } => campaign(action),
    }
}

fn campaign(action: CampaignAction) -> anyhow::Result<ExitCode> {
    match action {
        CampaignAction::Plan {
            channel,
            name,
            from,
            to,
            items,
            then_pool,
            key,
            web,
        } => web.run(|web| {
            let items: Vec<Value> = items
                .iter()
                .map(|(sku, units)| json!({ "sku": sku, "units": units }))
                .collect();
            let new = body(&[
                ("name", Some(json!(name))),
                ("from", Some(json!(from))),
                ("to", Some(json!(to))),
                ("then_pool", Some(json!(then_pool))),
                ("items", Some(json!(items))),
            ]);
            let done = web.post(&format!("/channels/{channel}/campaigns"), new, key)?;
            web.show(&done, |done| told(done, "Campaign", "is planned"))
        }),
        CampaignAction::End { campaign, key, web } => web.run(|web| {
            let done = web.post(&format!("/campaigns/{campaign}/end"), Map::new(), key)?;
            web.show(&done, |done| told(done, "Campaign", "is over"))
        }),
    }
}

fn told(done: &Value, what: &str, is: &str) -> String {
    let replayed = if done.get("replayed") == Some(&Value::Bool(true)) {
        " (nothing changed now)"
    } else {
        ""
    };
    match member(done, "number") {
        zero if zero == "0" => format!("{what} {is}{replayed}."),
        number => format!("{what} {number} {is}{replayed}."),
    }
}

fn all(found: &Value) -> String {
    let channels = entries(found, "channels");
    if channels.is_empty() {
        return "No channel is defined.".to_owned();
    }
    let mut parts = vec![listed(
        channels,
        &["number", "name", "kind", "buffer", "published"],
    )];
    for channel in channels {
        let columns = [
            "sku",
            "rule",
            "units",
            "used",
            "pooled",
            "campaign_given",
            "campaign_used",
            "guaranteed",
            "reach",
        ];
        let rules = listed(entries(channel, "rules"), &columns);
        if !rules.is_empty() {
            parts.push(format!("Rules of {}:\n{rules}", member(channel, "name")));
        }
    }
    for campaign in entries(found, "campaigns") {
        let columns = ["sku", "wanted", "given", "sold", "returned"];
        let items = listed(entries(campaign, "items"), &columns);
        parts.push(format!(
            "Campaign {} `{}` of channel {}, {} ({} to {}):\n{items}",
            member(campaign, "campaign"),
            member(campaign, "name"),
            member(campaign, "channel"),
            member(campaign, "state"),
            member(campaign, "from"),
            member(campaign, "to"),
        ));
    }
    parts.join("\n\n")
}

fn offers(found: &Value) -> String {
    let columns = [
        "sku",
        "quantity",
        "reach",
        "available",
        "published",
        "published_sequence",
    ];
    let mut table = listed(entries(found, "stock"), &columns);
    for name in entries(found, "unknown") {
        let name = name.as_str().unwrap_or_default();
        table = format!("{table}\nNo SKU {name}.");
    }
    table
}
