//! The order process as one table: in which state, upon what, an order does what.
//!
//! A [`Trigger`] is something that happened, with its guard decided: "the score is between review
//! and decline" is one trigger, "the score is above decline" another. A pair that is not in the
//! table changes nothing. `docs/ORDER_PROCESS.md` shows the same rows to people.

use crate::types::OrderState as S;
use crate::types::process::{ProcessEvent as E, ReviewReason as R};

/// Something that happened to an order in process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    /// The score lets it pass.
    RiskPassed,
    /// The score lies between review and decline.
    RiskDoubtful,
    /// The score is above decline.
    RiskRefused,
    /// No score, and the amount is low enough to go on without.
    RiskUnknownSmall,
    /// No score, and the amount is too high for that.
    RiskUnknownLarge,
    /// Authorised, for the order's amount and currency.
    PaymentApproved,
    /// Authorised for another amount or currency.
    PaymentMismatch,
    /// Declined for good.
    PaymentDeclined,
    /// Declined, and the buyer may try again.
    PaymentDeclinedOnce,
    /// The buyer has to act.
    PaymentActionRequired,
    /// The provider will say later.
    PaymentPending,
    /// An attempt failed, the next one is due in a moment.
    PaymentRetrying,
    /// The outcome of an attempt is being found out.
    PaymentUnknown,
    /// No processor is left.
    PaymentExhausted,
    /// The merchant's own step said yes.
    StepDone,
    /// The merchant's own step said no, or nothing at all.
    StepFailed,
    /// Label and warehouse accepted it.
    FulfilmentAccepted,
    /// No label provider or no warehouse is left.
    FulfilmentExhausted,
    /// Its money could not be captured.
    CaptureFailed,
    /// Everything has shipped.
    Shipped,
    /// It was delivered.
    Delivered,
    /// The carrier lost or delays it.
    CarrierException,
    /// Its stock fell below what was promised.
    Shortage,
    /// A channel had sold more than there was.
    Oversold,
    /// Its buyer has not said where it is to go.
    AddressMissing,
    /// It was cancelled before it arrived.
    CancelledAhead,
    /// A next version could not take the place of this one.
    EditRefused,
    /// T_backorder.
    BackorderOver,
    /// T_hold, and no payment is open or authorised.
    HoldOver,
    /// T_hold, while a payment is open.
    HoldOverPaying,
    /// T_hold, while the buyer could still pay; or money is authorised already.
    HoldOverPayable,
    /// T_hold or T_pin of an order that a channel had sold.
    HoldOverSold,
    /// T_pin.
    PinOver,
    /// T_review of an order whose units are reserved only.
    ReviewOverUnpaid,
    /// T_review of any other order.
    ReviewOver,
    /// T_ship.
    ShipOver,
    /// T_carrier.
    CarrierOver,
    /// T_return, or the last effect behind it.
    ReturnOver,
    /// Compensations take too long.
    UndoOver,
    /// A person approved.
    Approved,
    /// A person declined.
    Refused,
    /// Cancellation was asked for.
    CancelAsked,
    /// Everything is undone.
    Compensated,
    /// Something could not be undone.
    CompensationDead,
    /// Money arrived for an order whose hold had ended, and its units are there.
    LatePaymentCovered,
    /// Money arrived for an order that had ended otherwise, or whose units are gone.
    LatePayment,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Stays, with the fact noted.
    Note,
    /// Goes on to the next step of its pipeline.
    NextStep,
    /// A person has to decide.
    Review(R),
    /// Review goes on, and the team is told again.
    Escalate,
    /// Review ends where it leads.
    Resume,
    /// Everything is undone, latest first; ends as declined.
    UndoDecline,
    /// Everything is undone, latest first; ends as cancelled.
    UndoCancel,
    /// Everything is undone, latest first; ends as expired.
    UndoExpire,
    /// The hold stays for as long as the payment may take.
    Pin,
    /// Shipped.
    Ship,
    /// Delivered.
    Deliver,
    /// Done, as soon as no effect is open.
    Complete,
    /// Over.
    End,
    /// Comes back from its end, paid.
    Reinstate,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub from: &'static [S],
    pub on: Trigger,
    pub event: E,
    pub act: Act,
}

const fn row(from: &'static [S], on: Trigger, event: E, act: Act) -> Row {
    Row {
        from,
        on,
        event,
        act,
    }
}

use Act::{
    Complete, Deliver, End, Escalate, NextStep, Note, Pin, Reinstate, Resume, Review, Ship,
    UndoCancel, UndoDecline, UndoExpire,
};
use Trigger as T;

/// States in which units are reserved and a step of the pipeline runs.
const RESERVED: &[S] = &[S::FraudCheck, S::Payment, S::Webhook];
/// States in which an order can enter its process.
const ENTERED: &[S] = &[S::FraudCheck, S::Payment, S::Webhook, S::Backordered];
/// States in which a next version can take the place of the present one, but for review.
const EDITABLE: &[S] = &[S::FraudCheck, S::Payment, S::Webhook, S::Confirmed];
/// States in which an authorisation is answered: REVIEW for a one-step payment of unknown outcome.
const PAYING: &[S] = &[S::Payment, S::Review];
/// States of an order whose units are committed and not shipped.
const COMMITTED: &[S] = &[S::Confirmed, S::Fulfilling, S::Webhook];
/// Both.
const PROMISED: &[S] = &[
    S::FraudCheck,
    S::Payment,
    S::Webhook,
    S::Confirmed,
    S::Fulfilling,
];
/// States that a cancellation can leave.
const CANCELLABLE: &[S] = &[
    S::Backordered,
    S::FraudCheck,
    S::Payment,
    S::Webhook,
    S::Review,
    S::Confirmed,
    S::Fulfilling,
];
/// States of an order that is not over.
const OPEN: &[S] = &[
    S::FraudCheck,
    S::Payment,
    S::Webhook,
    S::Confirmed,
    S::Fulfilling,
    S::Shipped,
    S::Delivered,
    S::Cancelling,
];

/// Every row of the process.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row(&[S::FraudCheck], T::RiskPassed, E::FraudScored, NextStep),
    row(&[S::FraudCheck], T::RiskDoubtful, E::FraudScored, Review(R::Fraud)),
    row(&[S::FraudCheck], T::RiskRefused, E::FraudScored, UndoDecline),
    row(&[S::FraudCheck], T::RiskUnknownSmall, E::FraudSkipped, NextStep),
    row(&[S::FraudCheck], T::RiskUnknownLarge, E::FraudSkipped, Review(R::FraudUnavailable)),

    row(PAYING, T::PaymentApproved, E::PaymentAuthorised, NextStep),
    row(PAYING, T::PaymentMismatch, E::PaymentAuthorised, Review(R::PaymentMismatch)),
    row(PAYING, T::PaymentDeclined, E::PaymentDeclined, UndoDecline),
    row(&[S::Payment], T::PaymentDeclinedOnce, E::PaymentDeclined, Note),
    row(&[S::Payment], T::PaymentActionRequired, E::PaymentActionRequired, Note),
    row(&[S::Payment], T::PaymentPending, E::PaymentUnknown, Note),
    row(&[S::Payment], T::PaymentRetrying, E::PaymentRetrying, Note),
    row(&[S::Payment], T::PaymentUnknown, E::PaymentUnknown, Note),
    row(&[S::Payment], T::PaymentExhausted, E::PaymentExhausted, Review(R::Payment)),

    row(&[S::Webhook], T::StepDone, E::StepDone, NextStep),
    row(&[S::Webhook], T::StepFailed, E::StepFailed, Review(R::Webhook)),

    row(&[S::Confirmed], T::FulfilmentAccepted, E::FulfilmentAccepted, NextStep),
    row(&[S::Confirmed], T::FulfilmentExhausted, E::StepFailed, Review(R::Fulfilment)),
    row(OPEN, T::CaptureFailed, E::DeadLettered, Review(R::Capture)),

    row(&[S::Confirmed, S::Fulfilling, S::Review], T::Shipped, E::Shipped, Ship),
    row(&[S::Shipped, S::Review], T::Delivered, E::Delivered, Deliver),
    row(&[S::Fulfilling, S::Shipped], T::CarrierException, E::CarrierException, Review(R::Carrier)),
    row(PROMISED, T::Shortage, E::ShortageRecorded, Review(R::Shortage)),
    row(RESERVED, T::Oversold, E::ShortageRecorded, Review(R::ChannelOversold)),
    row(RESERVED, T::AddressMissing, E::ReviewOpened, Review(R::AddressMissing)),
    row(ENTERED, T::CancelledAhead, E::EarlyEventApplied, UndoCancel),
    row(EDITABLE, T::EditRefused, E::EditRefused, Review(R::Edit)),
    row(&[S::Review], T::EditRefused, E::EditRefused, Note),

    row(&[S::Backordered], T::BackorderOver, E::BackorderOver, UndoCancel),
    row(RESERVED, T::HoldOver, E::HoldExpired, UndoExpire),
    row(RESERVED, T::HoldOverPayable, E::HoldExpired, UndoExpire),
    row(RESERVED, T::HoldOverSold, E::HoldExpired, Review(R::Late)),
    row(&[S::Payment], T::HoldOverPaying, E::HoldExpired, Pin),
    row(&[S::Payment], T::PinOver, E::PinExpired, UndoExpire),
    row(&[S::Review], T::ReviewOverUnpaid, E::HoldExpired, UndoExpire),
    row(&[S::Review], T::ReviewOver, E::ReviewOverdue, Escalate),
    row(COMMITTED, T::ShipOver, E::SlaMissed, Review(R::Late)),
    row(&[S::Shipped], T::CarrierOver, E::SlaMissed, Review(R::Late)),
    row(&[S::Delivered], T::ReturnOver, E::ReturnWindowOver, Complete),
    row(&[S::Cancelling], T::UndoOver, E::CompensationFailed, Review(R::Compensation)),

    row(&[S::Review], T::Approved, E::ReviewApproved, Resume),
    row(&[S::Review], T::Refused, E::ReviewDeclined, UndoDecline),
    row(CANCELLABLE, T::CancelAsked, E::CancelRequested, UndoCancel),
    row(&[S::Cancelling, S::Review], T::Compensated, E::Compensated, End),
    row(OPEN, T::CompensationDead, E::CompensationFailed, Review(R::Compensation)),

    row(&[S::Expired], T::LatePaymentCovered, E::Reinstated, Reinstate),
    row(&[S::Expired, S::Cancelled, S::Declined], T::LatePayment, E::LatePayment, Note),
];

/// The row of a state and trigger; none where the trigger changes nothing there.
pub fn find(state: S, on: Trigger) -> Option<&'static Row> {
    let fits = |row: &&Row| row.on == on && row.from.contains(&state);
    TABLE.iter().find(fits)
}
