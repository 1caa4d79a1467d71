//! Effects: calls to the outside world that the order process starts, and how they can end.
//!
//! An effect is one logical operation with one idempotency key; its attempts are separate calls.
//! The numbers stand in the journal and never change their meaning.

use crate::types::{OrderKey, numbered};

/// Number of a provider (a service that effects call), in order of its definition in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(pub u16);

impl ProviderId {
    /// No provider.
    pub const NONE: Self = Self(u16::MAX);
}

numbered! {
    /// What an effect asks of a provider.
    pub enum EffectKind {
        /// Score the order's risk, 0 to 100.
        FraudScore = 1 "fraud_score",
        /// Authorise the order's total, without capturing it.
        PaymentAuthorise = 2 "payment_authorise",
        /// Find out what became of an authorisation whose outcome is unknown.
        PaymentQuery = 3 "payment_query",
        /// Capture an authorised amount.
        PaymentCapture = 4 "payment_capture",
        /// Void an authorisation if it exists; definite when it certainly holds no money.
        PaymentVoid = 5 "payment_void",
        /// Refund a captured amount.
        PaymentRefund = 6 "payment_refund",
        /// Buy a shipping label (rates included).
        Label = 7 "label",
        /// Cancel a bought label.
        LabelCancel = 8 "label_cancel",
        /// Hand the order to the warehouse.
        WarehouseOrder = 9 "warehouse_order",
        /// Take the order back from the warehouse.
        WarehouseRecall = 10 "warehouse_recall",
        /// Write customer and order to the CRM.
        CrmUpdate = 11 "crm_update",
        /// Correct the order's status in the CRM after it was undone.
        CrmCorrect = 12 "crm_correct",
        /// Tell the customer about a milestone.
        Notify = 13 "notify",
        /// Tell the team; one message for all orders of a window.
        Alert = 14 "alert",
        /// A step of the merchant's own: signed request, typed answer.
        Webhook = 15 "webhook",
        /// The compensation of a merchant's own step.
        WebhookUndo = 16 "webhook_undo",
    }
}

numbered! {
    /// How one attempt ended, as its adapter classified it.
    pub enum EffectClass {
        /// It happened, definitely.
        Done = 1 "done",
        /// A definite business refusal (card declined, risk refused): never retried.
        Declined = 2 "declined",
        /// The buyer has to act first (3-D Secure, redirect, code); still payable.
        ActionRequired = 3 "action_required",
        /// It definitely did not happen, and may later (429, connection refused, 503).
        Retry = 4 "retry",
        /// It may or may not have happened (timeout, connection lost behind the request).
        Unknown = 5 "unknown",
        /// It definitely did not happen and will not (bad request, credentials, not found).
        Refused = 6 "refused",
        /// Accepted, but neither done nor failed yet (held for review, processing).
        Pending = 7 "pending",
        /// A query or void found that nothing exists under this key.
        Absent = 8 "absent",
    }
}

numbered! {
    /// What the order process does about an attempt that ended.
    pub enum EffectNext {
        /// The effect is over and has happened.
        Done = 1 "done",
        /// The effect is over and has not happened; the order's state says what follows.
        Failed = 2 "failed",
        /// Another attempt, with the same key, when it is due.
        RetryWait = 3 "retry_wait",
        /// To be resolved by asking the provider.
        Unknown = 4 "unknown",
        /// Attempts are exhausted: a dead letter that waits for an operator.
        Dead = 5 "dead",
        /// The provider or the buyer will say later.
        Waiting = 6 "waiting",
        /// Superseded by another processor or by cancellation; whatever it did is undone.
        Abandoned = 7 "abandoned",
        /// A dead letter that an operator gave up.
        Discarded = 8 "discarded",
    }
}

numbered! {
    /// What a customer is told about.
    pub enum Milestone {
        /// The order was received.
        Received = 1 "received",
        /// Processing takes longer than usual: confirmation follows in a few minutes.
        Delayed = 2 "delayed",
        /// The order is paid and confirmed.
        Confirmed = 3 "confirmed",
        /// The order was declined.
        Declined = 4 "declined",
        /// The parcel is on its way.
        Shipped = 5 "shipped",
        /// The parcel was delivered.
        Delivered = 6 "delivered",
        /// The order was cancelled.
        Cancelled = 7 "cancelled",
        /// Money is on its way back.
        Refunded = 8 "refunded",
        /// The buyer has to confirm the payment.
        ActionRequired = 9 "action_required",
        /// The reservation ran out.
        Expired = 10 "expired",
        /// The order was received, and the buyer has yet to say where it is to go.
        AddressMissing = 11 "address_missing",
    }
}

numbered! {
    /// Which adapter group serves an effect: each has threads and queues of its own.
    pub enum Lane {
        /// Fraud scoring.
        Fraud = 1 "fraud",
        /// Payments.
        Payment = 2 "payment",
        /// Labels, warehouse, and the merchant's own steps.
        Fulfilment = 3 "fulfilment",
        /// Customer records.
        Crm = 4 "crm",
        /// Messages to customers and team.
        Notification = 5 "notification",
    }
}

impl EffectKind {
    /// The adapter group that serves it.
    #[must_use]
    pub const fn lane(self) -> Lane {
        match self {
            Self::FraudScore => Lane::Fraud,
            Self::PaymentAuthorise
            | Self::PaymentQuery
            | Self::PaymentCapture
            | Self::PaymentVoid
            | Self::PaymentRefund => Lane::Payment,
            Self::Label
            | Self::LabelCancel
            | Self::WarehouseOrder
            | Self::WarehouseRecall
            | Self::Webhook
            | Self::WebhookUndo => Lane::Fulfilment,
            Self::CrmUpdate | Self::CrmCorrect => Lane::Crm,
            Self::Notify | Self::Alert => Lane::Notification,
        }
    }

    /// Its place in its lane's queue: 0 (money that must be given back or taken) goes first, 3
    /// (bulk messages) last.
    #[must_use]
    pub const fn priority(self) -> u8 {
        match self {
            Self::PaymentVoid | Self::PaymentQuery | Self::PaymentRefund | Self::Alert => 0,
            Self::FraudScore
            | Self::PaymentAuthorise
            | Self::PaymentCapture
            | Self::WarehouseRecall
            | Self::LabelCancel
            | Self::WebhookUndo => 1,
            Self::Label | Self::WarehouseOrder | Self::Webhook => 2,
            Self::CrmUpdate | Self::CrmCorrect | Self::Notify => 3,
        }
    }

    /// True where the order's way goes on without it: on exhaustion it becomes a dead letter and
    /// the order is not held up.
    #[must_use]
    pub const fn is_ancillary(self) -> bool {
        matches!(
            self,
            Self::CrmUpdate | Self::CrmCorrect | Self::Notify | Self::Alert
        )
    }

    /// What undoes an effect of this kind; none where nothing does.
    #[must_use]
    pub const fn undone_by(self) -> Option<Self> {
        Some(match self {
            Self::WarehouseOrder => Self::WarehouseRecall,
            Self::Label => Self::LabelCancel,
            Self::PaymentAuthorise => Self::PaymentVoid,
            Self::PaymentCapture => Self::PaymentRefund,
            Self::Webhook => Self::WebhookUndo,
            _ => return None,
        })
    }

    /// True for the effects that undo another: retried until definite.
    #[must_use]
    pub const fn is_compensation(self) -> bool {
        matches!(
            self,
            Self::PaymentVoid
                | Self::PaymentRefund
                | Self::LabelCancel
                | Self::WarehouseRecall
                | Self::WebhookUndo
        )
    }
}

/// The idempotency key of an effect of the tenant `default`, the same for all its attempts: order,
/// kind and number. At most 41 ASCII characters. Those of other tenants have the tenant's
/// [`tenant_mark`] behind it.
#[must_use]
pub fn effect_key(order: OrderKey, kind: EffectKind, number: u16) -> String {
    format!("{order}-{}-{number}", kind as u8)
}

/// The tenant whose keys have no mark.
const UNMARKED: &str = "default";

/// Bit of `EffectStarted::target_kind`: the keys of the effect and of its target end in the mark
/// of their tenant.
const MARKED: u8 = 0x80;

/// What ends the keys of a tenant's effects, because two tenants may sell orders of one key and
/// call the same account of a provider: a dash and 8 hexadecimal digits; empty for `default`.
#[must_use]
pub fn tenant_mark(tenant: &str) -> String {
    if !has_mark(tenant) {
        return String::new();
    }
    let hash = blake3::derive_key("onhand effect key tenant v1", tenant.as_bytes());
    let first = hash.first_chunk::<4>().copied().unwrap_or_default();
    format!("-{:08x}", u32::from_be_bytes(first))
}

/// True where keys of the tenant's effects end in its mark.
#[must_use]
pub fn has_mark(tenant: &str) -> bool {
    tenant != UNMARKED
}

/// The journal's byte for the kind of a target, and whether keys have the tenant's mark: those of
/// effects that an older version started have none, and must stay what they are.
#[must_use]
pub fn target_byte(target: Option<EffectKind>, marked: bool) -> u8 {
    target.map_or(0, |kind| kind as u8) | if marked { MARKED } else { 0 }
}

/// The other way round: the target's kind, and whether keys have the mark.
#[must_use]
pub fn of_target_byte(byte: u8) -> (Option<EffectKind>, bool) {
    (EffectKind::from_u8(byte & !MARKED), byte & MARKED != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_two_tenants_differ_and_those_of_the_default_tenant_have_no_mark() {
        assert_eq!(tenant_mark("default"), "");
        let (acme, globex) = (tenant_mark("acme"), tenant_mark("globex"));
        assert_ne!(acme, globex);
        assert_eq!(
            acme, "-413a106c",
            "the key of an effect must stay what it is for ever"
        );
        let longest = effect_key(OrderKey(u128::MAX), EffectKind::WebhookUndo, u16::MAX) + &acme;
        assert_eq!(longest.len(), 50);
        for kind in [None, Some(EffectKind::Label)] {
            for marked in [false, true] {
                assert_eq!(of_target_byte(target_byte(kind, marked)), (kind, marked));
            }
        }
    }

    /// Number and name of every row of the table below a heading of docs/EVENTS.md.
    fn rows(heading: &str) -> Vec<(u8, String)> {
        let text = include_str!("../../docs/EVENTS.md");
        let (_, rest) = text.split_once(heading).expect(heading);
        let table = rest.split("\n## ").next().unwrap_or_default();
        let row = |line: &str| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            let number = cells.next()?.parse().ok()?;
            let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
            Some((number, name.to_owned()))
        };
        table.lines().filter_map(row).collect()
    }

    #[test]
    fn the_tables_of_the_events_document_have_every_value_and_no_other() {
        let kinds = EffectKind::ALL.iter();
        let kinds: Vec<_> = kinds.map(|it| (*it as u8, it.name().to_owned())).collect();
        assert_eq!(rows("\n## Effects\n"), kinds);
        let classes = EffectClass::ALL.iter();
        let classes: Vec<_> = classes
            .map(|it| (*it as u8, it.name().to_owned()))
            .collect();
        assert_eq!(rows("\n## How an attempt ends\n"), classes);
        let nexts = EffectNext::ALL.iter();
        let nexts: Vec<_> = nexts.map(|it| (*it as u8, it.name().to_owned())).collect();
        assert_eq!(rows("\n## What follows an attempt\n"), nexts);
        let told = Milestone::ALL.iter();
        let told: Vec<_> = told.map(|it| (*it as u8, it.name().to_owned())).collect();
        assert_eq!(rows("\n## What customers are told about\n"), told);
    }
}
