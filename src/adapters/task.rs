//! One effect on its way through a lane: what the journal says about it, as owned values.

use super::call::{Call, OrderFacts};
use super::trace::traceparent;
use crate::engine::process::command::OpenEffect;
use crate::engine::record::{EffectStarted, ProcessRecord, Record, kind};
use crate::types::effect::{EffectKind, Lane, effect_key, of_target_byte, tenant_mark};
use crate::types::record::RawRecord;
use crate::types::{OrderKey, TenantId};
use std::sync::Arc;

/// Classes of priority: see [`EffectKind::priority`].
pub(super) const CLASSES: usize = 4;

/// Which effect of which order: the same for all its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct EffectId {
    shard: u16,
    tenant: TenantId,
    order: OrderKey,
    number: u16,
}

/// An effect to attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    /// Whose order it is about.
    pub shard: u16,
    /// Time of the batch that started it, in milliseconds since the Unix epoch; 0 where it was
    /// started before this process.
    pub started_ms: u64,
    /// What was started.
    pub effect: OpenEffect,
    /// What it takes back was withdrawn before any call of it left.
    pub withdrew: bool,
}

impl Task {
    /// An effect that was started before this process and has no result.
    pub fn resumed(shard: u16, effect: OpenEffect) -> Self {
        Self {
            shard,
            started_ms: 0,
            effect,
            withdrew: false,
        }
    }

    /// What `record` starts, if it starts something in `lane`. Attempt 0 is none: the effect waits
    /// for its provider's breaker, and a later record starts its first attempt.
    pub fn of(lane: Lane, shard: u16, time_ms: u64, record: &RawRecord<'_>) -> Option<Self> {
        if record.kind != kind::EFFECT_STARTED {
            return None;
        }
        let Some(Record::Process(ProcessRecord::Started(started))) = Record::decode(record) else {
            return None;
        };
        (started.attempt > 0 && started.kind.lane() == lane).then(|| Self {
            shard,
            started_ms: time_ms,
            effect: owned(&started),
            withdrew: false,
        })
    }

    /// Its class of priority, below [`CLASSES`].
    pub fn class(&self) -> usize {
        class_of(self.effect.kind)
    }

    /// Which effect it is.
    pub fn id(&self) -> EffectId {
        self.id_of(self.effect.number)
    }

    /// What it takes back, of the same provider, and that effect's class; none where it takes
    /// nothing back.
    pub fn undoes(&self) -> Option<(EffectId, usize)> {
        let effect = &self.effect;
        let (target, _) = of_target_byte(effect.target_kind);
        let target = target.filter(|_| effect.kind.is_compensation() && effect.target != 0)?;
        Some((self.id_of(effect.target), class_of(target)))
    }

    /// True where another effect may take it back.
    pub fn can_be_undone(&self) -> bool {
        self.effect.kind.undone_by().is_some()
    }

    fn id_of(&self, number: u16) -> EffectId {
        EffectId {
            shard: self.shard,
            tenant: self.effect.tenant,
            order: self.effect.order,
            number,
        }
    }

    /// True where no call of it has ever left: an earlier attempt, or one of an earlier process, may
    /// have.
    pub fn is_first(&self) -> bool {
        self.effect.attempt == 1 && !self.is_resumed()
    }

    /// True where it was started before this process.
    pub fn is_resumed(&self) -> bool {
        self.started_ms == 0
    }

    /// The attempt that a provider makes of it.
    pub fn call(&self, facts: Arc<OrderFacts>) -> Call {
        let effect = &self.effect;
        let (target, marked) = of_target_byte(effect.target_kind);
        let target = target.filter(|_| effect.target != 0);
        let mut mark = String::new();
        if marked {
            mark = tenant_mark(&facts.tenant);
        }
        let key = |kind, number| effect_key(effect.order, kind, number) + &mark;
        Call {
            key: key(effect.kind, effect.number),
            order: effect.order,
            number: effect.number,
            kind: effect.kind,
            attempt: effect.attempt,
            resumed: self.is_resumed(),
            amount: effect.amount,
            reference: effect.reference.clone(),
            target_key: target.map_or_else(String::new, |kind| key(kind, effect.target)),
            milestone: effect.milestone,
            step: effect.note.clone(),
            traceparent: traceparent(effect.order, effect.number, effect.attempt),
            facts,
        }
    }
}

fn class_of(kind: EffectKind) -> usize {
    usize::from(kind.priority()).min(CLASSES - 1)
}

fn owned(started: &EffectStarted<'_>) -> OpenEffect {
    OpenEffect {
        order: started.order,
        tenant: started.tenant,
        accepted: started.accepted,
        number: started.number,
        kind: started.kind,
        provider: started.provider,
        attempt: started.attempt,
        milestone: started.milestone,
        target: started.target,
        target_kind: started.target_kind,
        amount: started.amount,
        reference: started.reference.to_owned(),
        note: started.note.to_owned(),
    }
}
