//! Records of the order process, as JSON and in words.

use super::{lines_json, object, rfc3339, with_order};
use crate::audit::names::Names;
use crate::engine::record::{
    BreakerChanged, EffectEnded, EffectStarted, OperatorDecided, OrderMoved, PipelinesDefined,
    ProcessImage, ProcessRecord, ProviderReported, process_flags,
};
use crate::types::effect::EffectNext;
use crate::types::pipeline::PipelineSet;
use crate::types::process::{ReviewReason, SubState, TimerKind};
use crate::types::{OrderKey, OrderState, TenantId};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// The tenant and order that a record of the process is about, where it is about one.
#[must_use]
pub fn order_of(record: &ProcessRecord<'_>) -> Option<(TenantId, OrderKey)> {
    match record {
        ProcessRecord::Moved(moved) => Some((moved.tenant, moved.order)),
        ProcessRecord::Started(started) => Some((started.tenant, started.order)),
        ProcessRecord::Ended(ended) => Some((ended.tenant, ended.order)),
        ProcessRecord::Reported(reported) => {
            (reported.order.0 != 0).then_some((reported.tenant, reported.order))
        }
        ProcessRecord::Decided(decided) => Some((decided.order.tenant, decided.order.order)),
        ProcessRecord::Oversold(oversold) => Some((oversold.tenant, oversold.order)),
        ProcessRecord::Early(event) => Some((event.order.tenant, event.order.order)),
        ProcessRecord::Preempted(hold) => Some((hold.tenant, hold.order)),
        ProcessRecord::Breaker(_) | ProcessRecord::Pipelines(_) => None,
    }
}

/// Every field, with names instead of numbers.
pub(super) fn fields(record: &ProcessRecord<'_>, names: &Names) -> Map<String, Value> {
    match record {
        ProcessRecord::Moved(moved) => moved_fields(moved, names),
        ProcessRecord::Started(started) => started_fields(started, names),
        ProcessRecord::Ended(ended) => ended_fields(ended, names),
        ProcessRecord::Breaker(changed) => breaker_fields(changed, names),
        ProcessRecord::Reported(reported) => reported_fields(reported, names),
        ProcessRecord::Decided(decided) => with_order(
            &decided.order,
            names,
            json!({
                "action": decided.action.name(),
                "effect": decided.effect,
                "amount": decided.amount,
                "reason": decided.reason,
            }),
        ),
        ProcessRecord::Pipelines(defined) => pipelines_fields(defined),
        ProcessRecord::Oversold(oversold) => object(json!({
            "tenant": names.tenant(oversold.tenant),
            "order": oversold.order.to_string(),
            "channel": oversold.channel.0,
            "lines": lines_json(oversold.lines, names),
        })),
        ProcessRecord::Early(event) => with_order(
            &event.order,
            names,
            json!({ "until": rfc3339(event.until_ms), "reason": event.reason }),
        ),
        ProcessRecord::Preempted(hold) => object(json!({
            "tenant": names.tenant(hold.tenant),
            "order": hold.order.to_string(),
            "by": hold.by.to_string(),
            "channel": hold.channel.0,
        })),
    }
}

fn moved_fields(moved: &OrderMoved<'_>, names: &Names) -> Map<String, Value> {
    let image = &moved.image;
    let timer_at = (image.timer != TimerKind::None).then(|| rfc3339(image.timer_at_ms));
    object(json!({
        "tenant": names.tenant(moved.tenant),
        "order": moved.order.to_string(),
        "accepted": moved.accepted,
        "event": moved.event.name(),
        "before": moved.from.map(OrderState::name),
        "after": moved.to.name(),
        "pipeline_set": image.set,
        "pipeline": image.pipeline,
        "step": image.step,
        "sub_state": image.sub.name(),
        "review": image.review.name(),
        "resume_to": image.resume_to.map(OrderState::name),
        "timer": image.timer.name(),
        "timer_at": timer_at,
        "flags": flag_names(image.flags),
        "score": (image.score != u8::MAX).then_some(image.score),
        "processor": names.provider(image.processor),
        "authorised": image.authorised,
        "captured": image.captured,
        "refunded": image.refunded,
        "effects": image.effects,
        "declines": image.declines,
        "total": image.total,
        "currency": image.currency,
        "note": moved.note,
    }))
}

fn flag_names(flags: u16) -> Vec<&'static str> {
    const NAMES: [(u16, &str); 14] = [
        (process_flags::AUTHORISED, "authorised"),
        (process_flags::CAPTURED, "captured"),
        (process_flags::CONFIRMED, "confirmed"),
        (process_flags::CANCELLING, "cancelling"),
        (process_flags::DECLINING, "declining"),
        (process_flags::RISK_APPROVED, "risk_approved"),
        (process_flags::DELAY_TOLD, "delay_told"),
        (process_flags::REINSTATED, "reinstated"),
        (process_flags::TOUCHED, "touched"),
        (process_flags::PINNED, "pinned"),
        (process_flags::EXPIRING, "expiring"),
        (process_flags::CASH_DUE, "cash_due"),
        (process_flags::FACT, "fact"),
        (process_flags::TENANT_KEYS, "tenant_keys"),
    ];
    let set = NAMES.iter().filter(|(bit, _)| flags & bit != 0);
    set.map(|(_, name)| *name).collect()
}

fn started_fields(started: &EffectStarted<'_>, names: &Names) -> Map<String, Value> {
    object(json!({
        "tenant": names.tenant(started.tenant),
        "order": started.order.to_string(),
        "accepted": started.accepted,
        "effect": started.number,
        "effect_kind": started.kind.name(),
        "provider": names.provider(started.provider),
        "attempt": started.attempt,
        "step": started.step,
        "milestone": started.milestone.map(crate::types::effect::Milestone::name),
        "target": started.target,
        "amount": started.amount,
        "reference": started.reference,
        "note": started.note,
    }))
}

fn ended_fields(ended: &EffectEnded<'_>, names: &Names) -> Map<String, Value> {
    object(json!({
        "tenant": names.tenant(ended.tenant),
        "order": ended.order.to_string(),
        "effect": ended.number,
        "effect_kind": ended.kind.name(),
        "provider": names.provider(ended.provider),
        "attempt": ended.attempt,
        "class": ended.class.name(),
        "next": ended.next.name(),
        "counted": ended.counted,
        "due": (ended.due_ms > 0).then(|| rfc3339(ended.due_ms)),
        "latency_ms": ended.latency_ms,
        "status": ended.status,
        "amount": ended.amount,
        "currency": ended.currency,
        "score": (ended.score != u8::MAX).then_some(ended.score),
        "reference": ended.reference,
        "code": ended.code,
        "message": ended.message,
    }))
}

fn breaker_fields(changed: &BreakerChanged, names: &Names) -> Map<String, Value> {
    object(json!({
        "provider": names.provider(changed.provider),
        "before": changed.from.name(),
        "after": changed.to.name(),
        "cause": changed.cause.name(),
        "generation": changed.generation,
        "failures": changed.failures,
        "open_for_ms": changed.open_for_ms,
        "until": (changed.until_ms > 0).then(|| rfc3339(changed.until_ms)),
    }))
}

fn reported_fields(reported: &ProviderReported<'_>, names: &Names) -> Map<String, Value> {
    let known = reported.order.0 != 0;
    object(json!({
        "event": format!("{:032x}", reported.event),
        "provider": names.provider(reported.provider),
        "report": reported.report.name(),
        "fate": reported.fate.name(),
        "tenant": known.then(|| names.tenant(reported.tenant)),
        "order": known.then(|| reported.order.to_string()),
        "amount": reported.amount,
        "reference": reported.reference,
        "text": reported.text,
    }))
}

fn pipelines_fields(defined: &PipelinesDefined<'_>) -> Map<String, Value> {
    let set = PipelineSet::from_archive(defined.archive_version, defined.archive.0);
    let pipelines = set.as_ref().map(|set| {
        let shown = set.pipelines.iter().map(|pipeline| {
            let steps = pipeline.steps.iter().map(|step| step.name.as_str());
            json!({ "name": pipeline.name, "steps": steps.collect::<Vec<_>>() })
        });
        shown.collect::<Vec<_>>()
    });
    object(json!({
        "set": defined.set,
        "providers": set.as_ref().map(|set| set.providers.clone()),
        "pipelines": pipelines,
    }))
}

/// A record of the process in one sentence.
#[must_use]
pub fn sentence(record: &ProcessRecord<'_>, names: &Names) -> String {
    match record {
        ProcessRecord::Moved(moved) => moved_text(moved, names),
        ProcessRecord::Started(started) => started_text(started, names),
        ProcessRecord::Ended(ended) => ended_text(ended, names),
        ProcessRecord::Breaker(changed) => format!(
            "breaker of {}: {} → {} ({})",
            names.provider(changed.provider),
            changed.from.name(),
            changed.to.name(),
            changed.cause.name()
        ),
        ProcessRecord::Reported(reported) => format!(
            "{} reported {}{}: {}{}",
            names.provider(reported.provider),
            reported.report.name(),
            about(reported.reference),
            reported.fate.name(),
            remark(reported.text)
        ),
        ProcessRecord::Decided(decided) => decided_text(decided),
        ProcessRecord::Pipelines(defined) => {
            format!("pipelines of set {} are in force", defined.set)
        }
        ProcessRecord::Oversold(oversold) => {
            let lines = oversold.lines.iter().map(|line| {
                let sku = names.sku_name(line.sku);
                let location = names.location_name(line.location);
                format!("{} × {sku} at {location}", line.quantity)
            });
            let lines: Vec<String> = lines.collect();
            format!(
                "channel {} had sold what was not there: {}",
                oversold.channel.0,
                lines.join(", ")
            )
        }
        ProcessRecord::Early(event) => format!(
            "cancelled before it arrived; waited for until {}{}",
            rfc3339(event.until_ms),
            remark(event.reason)
        ),
        ProcessRecord::Preempted(hold) => format!(
            "ended unpaid: channel {} had sold its units, to order {}",
            hold.channel.0, hold.by
        ),
    }
}

fn moved_text(moved: &OrderMoved<'_>, names: &Names) -> String {
    let image = &moved.image;
    let before = moved.from.map_or("–", OrderState::name);
    let mut text = format!("{before} → {}: {}", moved.to.name(), moved.event.name());
    let mut add = |part: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = write!(text, ", {part}");
    };
    if let Some(step) = names.step(image.set, image.pipeline, image.step)
        && !moved.to.is_terminal()
    {
        add(format_args!("step {step}"));
    }
    if image.sub != SubState::None {
        add(format_args!("{}", image.sub.name()));
    }
    if image.review != ReviewReason::None {
        add(format_args!("reason {}", image.review.name()));
    }
    money(image, &mut add);
    if image.timer != TimerKind::None {
        let until = rfc3339(image.timer_at_ms);
        add(format_args!("timer {} until {until}", image.timer.name()));
    }
    text + &remark(moved.note)
}

fn money(image: &ProcessImage, add: &mut dyn FnMut(std::fmt::Arguments<'_>)) {
    let sums = [
        ("authorised", image.authorised),
        ("captured", image.captured),
        ("refunded", image.refunded),
    ];
    for (word, amount) in sums {
        if amount > 0 {
            add(format_args!("{word} {amount}"));
        }
    }
}

fn started_text(started: &EffectStarted<'_>, names: &Names) -> String {
    let provider = names.provider(started.provider);
    let (number, kind) = (started.number, started.kind.name());
    let head = if started.attempt == 0 {
        format!("effect {number}, {kind} at {provider}: waits for its breaker")
    } else {
        format!(
            "effect {number}, {kind} at {provider}: attempt {} leaves",
            started.attempt
        )
    };
    let milestone = started.milestone.map(|it| format!(", about {}", it.name()));
    let target = (started.target > 0).then(|| format!(", for effect {}", started.target));
    head + &milestone.unwrap_or_default() + &target.unwrap_or_default()
}

fn ended_text(ended: &EffectEnded<'_>, names: &Names) -> String {
    let mut text = format!(
        "effect {}, {} at {}: attempt {} ended {}",
        ended.number,
        ended.kind.name(),
        names.provider(ended.provider),
        ended.attempt,
        ended.class.name()
    );
    if ended.status > 0 {
        // Writing to a string cannot fail.
        let _ = write!(text, " (HTTP {}, {} ms)", ended.status, ended.latency_ms);
    }
    let follows = match ended.next {
        EffectNext::Done => about(ended.reference),
        EffectNext::RetryWait => format!("; the next is due at {}", rfc3339(ended.due_ms)),
        EffectNext::Dead => "; no attempt is left: a dead letter".to_owned(),
        next => format!("; it is {}", next.name()),
    };
    text.push_str(&follows);
    if !ended.code.is_empty() {
        let _ = write!(text, "; {}", ended.code);
    }
    text + &remark(ended.message)
}

fn decided_text(decided: &OperatorDecided<'_>) -> String {
    let mut text = format!("decided: {}", decided.action.name());
    if decided.effect > 0 {
        let _ = write!(text, " of effect {}", decided.effect);
    }
    if decided.amount > 0 {
        let _ = write!(text, ", amount {}", decided.amount);
    }
    text + &remark(decided.reason)
}

fn about(reference: &str) -> String {
    if reference.is_empty() {
        String::new()
    } else {
        format!(" ({reference})")
    }
}

fn remark(words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!(": {words}")
    }
}
