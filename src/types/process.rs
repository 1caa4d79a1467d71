//! Words of the order process: why an order moved, what it waits for, who must look at it.
//!
//! The numbers stand in the journal and never change their meaning.

use crate::types::numbered;

numbered! {
    /// Where within PAYMENT (or another state with effects) an order is.
    pub enum SubState {
        /// Nothing finer to say.
        None = 0 "none",
        /// A call is out.
        InFlight = 1 "in_flight",
        /// Waiting for the next attempt.
        RetryWait = 2 "retry_wait",
        /// The outcome of a call is being found out.
        Unknown = 3 "unknown",
        /// The buyer has to act.
        AwaitingBuyer = 4 "awaiting_buyer",
        /// The provider will say later.
        AwaitingProvider = 5 "awaiting_provider",
        /// Compensations are running.
        Undoing = 6 "undoing",
    }
}

numbered! {
    /// Why an order is in REVIEW.
    pub enum ReviewReason {
        /// It is not.
        None = 0 "none",
        /// Its risk score lies between review and decline.
        Fraud = 1 "fraud",
        /// No risk score could be had, and its amount is above the limit to go on without.
        FraudUnavailable = 2 "fraud_unavailable",
        /// No processor could authorise it, or an outcome stayed unknown.
        Payment = 3 "payment",
        /// Amount or currency of the authorisation differ from the order's.
        PaymentMismatch = 4 "payment_mismatch",
        /// No label or warehouse accepted it.
        Fulfilment = 5 "fulfilment",
        /// The carrier lost it, or reported an exception.
        Carrier = 6 "carrier",
        /// It was not confirmed, shipped or delivered within its time.
        Late = 7 "late",
        /// A channel sold units that were not there.
        ChannelOversold = 8 "channel_oversold",
        /// A change cannot be covered by stock.
        Edit = 9 "edit",
        /// Something could not be undone.
        Compensation = 10 "compensation",
        /// Stock fell below what was promised, and this order is the newest concerned.
        Shortage = 11 "shortage",
        /// A step of the merchant's own did not accept it.
        Webhook = 12 "webhook",
        /// The authorised money could not be captured.
        Capture = 13 "capture",
        /// Its buyer has not said where it is to go.
        AddressMissing = 14 "address_missing",
    }
}

numbered! {
    /// What the order's own timer ends.
    pub enum TimerKind {
        /// No timer.
        None = 0 "none",
        /// The unpaid hold.
        Hold = 1 "hold",
        /// The hold that an open payment attempt keeps.
        Pin = 2 "pin",
        /// The time within which a review should be decided; fires again until it is.
        Review = 3 "review",
        /// Waiting for stock.
        Backorder = 4 "backorder",
        /// The time within which a confirmed order should ship.
        Ship = 5 "ship",
        /// The time within which a shipped order should be delivered.
        Carrier = 6 "carrier",
        /// The return window.
        Return = 7 "return",
        /// Compensations that take too long.
        Undo = 8 "undo",
    }
}

numbered! {
    /// What made an order move, or a fact about it worth a record.
    pub enum ProcessEvent {
        /// The order was accepted and entered its pipeline.
        Placed = 1 "placed",
        /// A risk score was given.
        FraudScored = 2 "fraud_scored",
        /// No risk score could be had; policy decided.
        FraudSkipped = 3 "fraud_skipped",
        /// An authorisation was asked for.
        PaymentStarted = 4 "payment_started",
        /// A processor authorised the money.
        PaymentAuthorised = 5 "payment_authorised",
        /// The buyer has to act before the payment is authorised.
        PaymentActionRequired = 6 "payment_action_required",
        /// The payment was declined for good.
        PaymentDeclined = 7 "payment_declined",
        /// An attempt failed; the next one is due in a moment.
        PaymentRetrying = 8 "payment_retrying",
        /// The outcome of an attempt is unknown; the provider is asked.
        PaymentUnknown = 9 "payment_unknown",
        /// The primary processor was given up for the backup.
        PaymentFailedOver = 10 "payment_failed_over",
        /// A given-up attempt turned out paid; its money goes back.
        AbandonedAttemptPaid = 11 "abandoned_attempt_paid",
        /// No processor is left.
        PaymentExhausted = 12 "payment_exhausted",
        /// The authorised money was captured.
        PaymentCaptured = 13 "payment_captured",
        /// Captured money was given back.
        PaymentRefunded = 14 "payment_refunded",
        /// The next step of the pipeline began.
        StepEntered = 15 "step_entered",
        /// A step of the pipeline was done.
        StepDone = 16 "step_done",
        /// A step of the pipeline was exhausted.
        StepFailed = 17 "step_failed",
        /// The order is confirmed: its units are committed.
        Confirmed = 18 "confirmed",
        /// Label and warehouse accepted the order.
        FulfilmentAccepted = 19 "fulfilment_accepted",
        /// Units left the warehouse.
        Shipped = 20 "shipped",
        /// The carrier delivered.
        Delivered = 21 "delivered",
        /// The carrier reported a loss or an exception.
        CarrierException = 22 "carrier_exception",
        /// The return window is over.
        ReturnWindowOver = 23 "return_window_over",
        /// Nothing is left to do.
        Completed = 24 "completed",
        /// A person has to decide.
        ReviewOpened = 25 "review_opened",
        /// A review is not decided within its time.
        ReviewOverdue = 26 "review_overdue",
        /// A person approved.
        ReviewApproved = 27 "review_approved",
        /// A person declined.
        ReviewDeclined = 28 "review_declined",
        /// Cancellation was asked for.
        CancelRequested = 29 "cancel_requested",
        /// Everything was undone.
        Compensated = 30 "compensated",
        /// Something could not be undone.
        CompensationFailed = 31 "compensation_failed",
        /// The hold ran out.
        HoldExpired = 32 "hold_expired",
        /// The hold of an open payment ran out.
        PinExpired = 33 "pin_expired",
        /// Money arrived after the order had ended.
        LatePayment = 34 "late_payment",
        /// A late payment brought the order back.
        Reinstated = 35 "reinstated",
        /// Money is to be given back.
        RefundRequested = 36 "refund_requested",
        /// The order was changed.
        Edited = 37 "edited",
        /// A change could not be covered.
        EditRefused = 38 "edit_refused",
        /// The order waits for stock.
        Backordered = 39 "backordered",
        /// Stock came for a waiting order.
        BackorderAllocated = 40 "backorder_allocated",
        /// A channel sold more than there was.
        ShortageRecorded = 41 "shortage_recorded",
        /// Shipping or delivery took too long.
        SlaMissed = 42 "sla_missed",
        /// Units came back.
        Returned = 43 "returned",
        /// A person recorded the shipment.
        OperatorShipped = 44 "operator_shipped",
        /// An effect exhausted its attempts.
        DeadLettered = 45 "dead_lettered",
        /// An event that came before its order was applied.
        EarlyEventApplied = 46 "early_event_applied",
        /// A time ran out, and the order stays where it is.
        TimerFired = 47 "timer_fired",
        /// A dead letter was driven again.
        EffectRedriven = 48 "effect_redriven",
        /// A dead letter was given up.
        EffectDiscarded = 49 "effect_discarded",
        /// No stock came in the time for which the order waits.
        BackorderOver = 50 "backorder_over",
        /// The team could not be told of orders in review: nobody is set, or the order has too many
        /// effects.
        AlertDropped = 51 "alert_dropped",
    }
}

numbered! {
    /// Whether calls to a provider go out.
    pub enum BreakerState {
        /// Calls go out.
        Closed = 0 "closed",
        /// No call goes out until its time is over.
        Open = 1 "open",
        /// A few probes go out; the rest go elsewhere.
        HalfOpen = 2 "half_open",
        /// Closed off by an operator until reset.
        Isolated = 3 "isolated",
        /// Answers take far longer than usual: calls go to the backup, but for a few probes.
        Slow = 4 "slow",
    }
}

numbered! {
    /// Why a breaker changed.
    pub enum BreakerCause {
        /// Consecutive counted failures.
        Failures = 1 "failures",
        /// Its open time is over: probes go out.
        OpenTimeOver = 2 "open_time_over",
        /// Enough probes succeeded.
        ProbesSucceeded = 3 "probes_succeeded",
        /// A probe failed or did not answer in time.
        ProbeFailed = 4 "probe_failed",
        /// Answers became several times slower than usual.
        Latency = 5 "latency",
        /// Answers are as fast as usual again.
        LatencyRecovered = 6 "latency_recovered",
        /// A person isolated or reset it.
        Operator = 7 "operator",
    }
}

numbered! {
    /// What a provider says on its own, by callback or when polled.
    pub enum ReportKind {
        /// An authorisation holds money.
        PaymentAuthorised = 1 "payment_authorised",
        /// Money was captured.
        PaymentCaptured = 2 "payment_captured",
        /// The payment failed.
        PaymentFailed = 3 "payment_failed",
        /// The authorisation was voided.
        PaymentCancelled = 4 "payment_cancelled",
        /// Money was given back.
        PaymentRefunded = 5 "payment_refunded",
        /// A risk decision was made or changed.
        FraudDecision = 6 "fraud_decision",
        /// The parcel left.
        Shipped = 7 "shipped",
        /// The parcel moves.
        InTransit = 8 "in_transit",
        /// The parcel arrived.
        Delivered = 9 "delivered",
        /// The parcel is lost or delayed.
        CarrierException = 10 "carrier_exception",
        /// A message reached its recipient.
        MessageDelivered = 11 "message_delivered",
        /// A message did not reach its recipient.
        MessageFailed = 12 "message_failed",
        /// Acknowledged, of no consequence.
        Other = 13 "other",
        /// So much of a payment was given back in all.
        PaymentRefundTotal = 14 "payment_refund_total",
    }
}

numbered! {
    /// What became of a provider's report.
    pub enum ReportFate {
        /// It moved the order, or confirmed where it is.
        Applied = 1 "applied",
        /// No order is known for it yet.
        Parked = 2 "parked",
        /// It changes nothing for the order any more.
        Ignored = 3 "ignored",
    }
}

numbered! {
    /// What a person (or a system with the operator's role) asks about one order.
    pub enum OperatorAction {
        /// Go on from review.
        Approve = 1 "approve",
        /// Decline from review.
        Decline = 2 "decline",
        /// Cancel before shipment.
        Cancel = 3 "cancel",
        /// Record the shipment of everything not shipped.
        Ship = 4 "ship",
        /// Give captured money back.
        Refund = 5 "refund",
        /// Drive a dead letter again, with the same key.
        Redrive = 6 "redrive",
        /// Give a dead letter up.
        Discard = 7 "discard",
        /// Change the reference or recipient of a dead letter before driving it again.
        EditEffect = 8 "edit_effect",
        /// Record the delivery.
        Deliver = 9 "deliver",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_reason_and_report_stands_in_the_events_document() {
        let text = include_str!("../../docs/EVENTS.md");
        let stands = |number: u8, name: &str| {
            let row = format!("| {number} | `{name}` |");
            assert!(text.contains(&row), "docs/EVENTS.md has no row `{row} …`");
        };
        for it in ProcessEvent::ALL {
            stands(*it as u8, it.name());
        }
        for it in ReviewReason::ALL {
            stands(*it as u8, it.name());
        }
        for it in ReportKind::ALL {
            stands(*it as u8, it.name());
        }
        for it in BreakerCause::ALL {
            stands(*it as u8, it.name());
        }
        assert_eq!(ProcessEvent::from_u8(200), None);
        assert_eq!(
            ProcessEvent::from_name("shipped"),
            Some(ProcessEvent::Shipped)
        );
    }
}
