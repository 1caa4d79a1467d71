//! The order process's configuration for people: a commented file to start from, what a file
//! means, and the reference page.

use std::fmt::Write;

use super::ProcessConfig;
use super::settings::infos;
use crate::config::setting::grouped;
use crate::types::pipeline::{Condition, Pipeline};

/// What `onhand pipelines show` prints: routes, pipelines and who serves their steps.
#[must_use]
pub fn show(config: &ProcessConfig) -> String {
    let set = &config.set;
    let mut out = String::from("Orders take the pipeline of the first route that fits:\n");
    let name = |place: u8| {
        let pipeline = set.pipelines.get(usize::from(place));
        pipeline.map_or("?", |pipeline| pipeline.name.as_str())
    };
    for route in &set.routes {
        let _ = writeln!(
            out,
            "  {} → {}",
            condition(&route.when),
            name(route.pipeline)
        );
    }
    let _ = writeln!(out, "  every other order → {}", name(0));
    for pipeline in &set.pipelines {
        out.push('\n');
        show_pipeline(&mut out, config, pipeline);
    }
    for (title, places) in [
        ("CRM", &set.crm_providers),
        ("alerts", &set.alert_providers),
    ] {
        let _ = writeln!(out, "\n{title}: {}", providers(config, places));
    }
    out
}

fn show_pipeline(out: &mut String, config: &ProcessConfig, pipeline: &Pipeline) {
    let _ = writeln!(out, "{} (money: {:?})", pipeline.name, pipeline.payment);
    for (number, step) in pipeline.steps.iter().enumerate() {
        let mut who = providers(config, &step.providers);
        if !step.warehouses.is_empty() {
            let _ = write!(who, "; warehouse {}", providers(config, &step.warehouses));
        }
        let when = match condition(&step.when).as_str() {
            "always" => String::new(),
            when => format!(", when {when}"),
        };
        let _ = writeln!(out, "  {}. {}: {who}{when}", number + 1, step.name);
    }
}

fn providers(config: &ProcessConfig, places: &[u8]) -> String {
    let name = |place: &u8| config.set.providers.get(usize::from(*place));
    let names: Vec<&str> = places.iter().filter_map(name).map(String::as_str).collect();
    match names.split_first() {
        None => "none".to_owned(),
        Some((first, [])) => (*first).to_owned(),
        Some((first, rest)) => format!("{first}, then {}", rest.join(", ")),
    }
}

fn condition(when: &Condition) -> String {
    let always = Condition::default();
    let mut parts = Vec::new();
    if (when.amount_min, when.amount_max) != (always.amount_min, always.amount_max) {
        let upper = match when.amount_max {
            u64::MAX => "or more".to_owned(),
            most => format!("to {most}"),
        };
        parts.push(format!("amount {} {upper}", when.amount_min));
    }
    let codes = |codes: &[[u8; 2]]| {
        let text = |code: &[u8; 2]| String::from_utf8_lossy(code).into_owned();
        codes.iter().map(text).collect::<Vec<_>>().join(", ")
    };
    if !when.countries.is_empty() {
        parts.push(format!("country {}", codes(&when.countries)));
    }
    if !when.countries_except.is_empty() {
        parts.push(format!("country not {}", codes(&when.countries_except)));
    }
    if !when.channels.is_empty() {
        let channels: Vec<String> = when.channels.iter().map(u16::to_string).collect();
        parts.push(format!("channel {}", channels.join(", ")));
    }
    if (when.score_min, when.score_max) != (0, 100) {
        parts.push(format!("score {} to {}", when.score_min, when.score_max));
    }
    for (name, bit) in super::conditions::TAGS {
        if when.tags & bit != 0 {
            parts.push(format!("tag {name}"));
        }
    }
    if parts.is_empty() {
        return "always".to_owned();
    }
    parts.join(" and ")
}

/// `docs/PIPELINES.md`.
#[must_use]
pub fn markdown() -> String {
    let mut settings = String::new();
    for info in infos() {
        let (min, max) = (grouped(info.minimum), grouped(info.maximum));
        let _ = writeln!(
            settings,
            "| `{}` | {} | {min} to {max} | {} | {} |",
            info.key, info.default, info.unit, info.about
        );
    }
    settings.push_str(
        "| `retry_delays_ms` | [2_000, 4_000, 8_000] | three of 1 to 86_400_000 | milliseconds | \
         Waits before the second, third and fourth attempt; later attempts to undo something wait \
         longer each time. |\n\
         | `capture_on` | `confirm` | `confirm`, `ship` | – | When authorised money is taken. |\n\
         | `backorder` | `strict` | `strict`, `skip` | – | Who gets stock that orders wait for: \
         `strict`, what an earlier order waits for goes to no other; `skip`, the earliest order \
         that can be covered in full. A SKU may have a rule of its own \
         ([ORDER_PROCESS.md](ORDER_PROCESS.md)). |\n\
         | `facts_preempt_holds` | `false` | `true`, `false` | – | An order that a marketplace has \
         sold takes what is missing from the newest unpaid holds, which end. |\n",
    );
    include_str!("reference.md")
        .replace("SETTINGS\n", &format!("{settings}\n"))
        .replace("FILE\n", &default_file())
}

/// A process file to start from.
#[must_use]
pub fn default_file() -> String {
    let mut out = include_str!("default.toml").to_owned();
    out.push_str("\n[settings]\n");
    for info in infos() {
        let _ = writeln!(
            out,
            "# {} {} to {} {}.",
            info.about,
            grouped(info.minimum),
            grouped(info.maximum),
            info.unit
        );
        let _ = writeln!(out, "#{} = {}", info.key, info.default);
    }
    out.push_str(
        "# Waits before the second, third and fourth attempt, in milliseconds.\n\
         #retry_delays_ms = [2_000, 4_000, 8_000]\n\
         # When authorised money is taken: `confirm` or `ship`.\n\
         #capture_on = \"confirm\"\n\
         # Who gets stock that orders wait for: `strict`, what an earlier order waits for goes to \
         no other; `skip`, the earliest order that can be covered in full.\n\
         #backorder = \"strict\"\n\
         # An order that a marketplace has sold takes what is missing from the newest unpaid \
         holds, which end.\n\
         #facts_preempt_holds = false\n",
    );
    out
}
