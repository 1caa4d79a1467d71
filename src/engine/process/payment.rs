//! Money: authorise at one processor or the next, find out what became of it, capture once.
//!
//! ```text
//!  authorise ──▶ done ──▶ approved (amount and currency match) ──▶ confirmed, captured
//!      │  ├────▶ declined ──▶ order declined
//!      │  ├────▶ action required ──▶ waits for the buyer
//!      │  ├────▶ unknown ──▶ query, same key ──▶ done │ declined │ absent │ still unknown
//!      │  └────▶ retry ◀──────────────────────────────────────────────┴───────┘
//!      ▼ attempts exhausted, or breaker open
//!   next processor, and the loser is voided until that is definite ──▶ none left: REVIEW
//! ```

use super::Effect;
use super::desk::Desk;
use super::effects::{Following, Said, Start, give_up};
use super::steps::providers_of;
use super::table::{self, Trigger};
use crate::engine::record::ProcessImage;
use crate::engine::record::process_flags::{AUTHORISED, DELAY_TOLD};
use crate::types::OrderState;
use crate::types::effect::{EffectClass, EffectKind, EffectNext, Milestone, ProviderId};
use crate::types::pipeline::{ONE_STEP, StepKind};
use crate::types::process::{ProcessEvent, SubState};

/// An authorisation that a provider holds back is asked about after so many of the longest waits.
const POLL_WAITS: u64 = 4;

impl Desk<'_> {
    /// The payment step begins: the first processor that takes calls is asked.
    pub fn authorise_first(&mut self, slot: u32, providers: &[ProviderId]) {
        let Some(image) = self.image(slot) else {
            return;
        };
        match self.choose(slot, providers, None) {
            None => {
                self.trigger(
                    slot,
                    Trigger::PaymentExhausted,
                    image,
                    "no processor takes calls",
                );
            }
            Some(provider) => {
                let primary = providers.first() == Some(&provider);
                if !primary {
                    let event = ProcessEvent::PaymentFailedOver;
                    self.moved(
                        slot,
                        OrderState::Payment,
                        event,
                        image,
                        "the primary takes no calls",
                    );
                }
                self.authorise_at(slot, provider);
            }
        }
    }

    /// A one-step payment that was given up may have taken the money, and is not undone yet: a second
    /// one might take it twice.
    pub fn may_be_paid(&self, slot: u32) -> bool {
        self.process(slot).is_some_and(|process| {
            let given_up = |it: &Effect| {
                let abandoned = it.next == Some(EffectNext::Abandoned);
                it.is(EffectKind::PaymentAuthorise) && abandoned && it.leaves_something()
            };
            self.is_one_step(&process.image) && process.effects.iter().any(given_up)
        })
    }

    /// What a given-up payment took, or may have, is undone: an order that waited for that is paid
    /// for anew.
    pub fn pay_again(&mut self, slot: u32) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let image = process.image;
        let waits = process.state == OrderState::Payment && image.sub == SubState::None;
        if waits && self.is_one_step(&image) {
            self.run_step(slot, usize::from(image.step));
        }
    }

    fn authorise_at(&mut self, slot: u32, provider: ProviderId) {
        let Some(image) = self.image(slot) else {
            return;
        };
        self.start(
            slot,
            &Start {
                step: image.step,
                amount: image.total,
                note: if self.is_one_step(&image) {
                    ONE_STEP
                } else {
                    ""
                },
                ..Start::new(EffectKind::PaymentAuthorise, provider)
            },
        );
    }

    /// The order's payment method takes the money at once.
    pub fn is_one_step(&self, image: &ProcessImage) -> bool {
        self.engine.processes.is_one_step(image)
    }

    fn payment_providers(&self, slot: u32) -> Vec<ProviderId> {
        let step = self.process(slot).and_then(|process| {
            let pinned = self.set_of(&process.image)?;
            let step = pinned.step(&process.image)?;
            (step.kind == StepKind::Payment).then(|| providers_of(pinned, &step.providers))
        });
        step.unwrap_or_default()
    }

    /// What became of an authorisation: said by its own call (`direct`), by a query or a report.
    pub fn authorise_said(&mut self, slot: u32, effect: &Effect, said: &Said<'_>, direct: bool) {
        let Some(image) = self.image(slot) else {
            return;
        };
        let reviewed = self.process(slot).map(|it| it.state) == Some(OrderState::Review);
        let following = match said.class {
            EffectClass::Done => Following::over(EffectNext::Done),
            EffectClass::Declined => Following::over(EffectNext::Failed),
            EffectClass::ActionRequired => Following::over(EffectNext::Waiting),
            EffectClass::Pending => self.polled(&image),
            EffectClass::Unknown if direct => Following::over(EffectNext::Unknown),
            EffectClass::Refused if direct => Following::over(give_up(effect, said.class)),
            // A person decides about it already: nothing is tried behind their back.
            EffectClass::Absent if reviewed => Following::over(EffectNext::Failed),
            class => self.retry_or(slot, effect, said, give_up(effect, class)),
        };
        let following = self.unless_taken(&image, said, following);
        let following = self.unless_left(slot, effect, said, following);
        self.ended(slot, effect, said, following);
        if !self.runs(slot, effect) {
            self.authorised_aside(slot, effect.number);
            return;
        }
        let Some(image) = self.image(slot) else {
            return;
        };
        match following.next {
            EffectNext::Done => self.approved(slot, effect, said, image),
            EffectNext::Waiting if said.class == EffectClass::Unknown => {
                self.trigger(slot, Trigger::PaymentExhausted, image, said.message);
            }
            EffectNext::Waiting => self.buyer_or_provider(slot, said, image),
            _ if reviewed && said.class != EffectClass::Declined => {}
            EffectNext::RetryWait => {
                self.delayed(
                    slot,
                    Trigger::PaymentRetrying,
                    SubState::RetryWait,
                    said.message,
                );
            }
            EffectNext::Unknown => {
                self.delayed(
                    slot,
                    Trigger::PaymentUnknown,
                    SubState::Unknown,
                    said.message,
                );
                self.ask(slot, effect);
            }
            _ if said.class == EffectClass::Declined => self.declined(slot, said, image),
            _ => self.fail_over(slot, effect, said.message),
        }
    }

    /// Asked about again later.
    fn polled(&self, image: &ProcessImage) -> Following {
        let delays = self.settings(image).retry_delays_ms;
        Following {
            next: EffectNext::Waiting,
            due_ms: self.now_ms() + POLL_WAITS * delays.iter().max().copied().unwrap_or(0),
        }
    }

    /// A one-step payment that may have been taken is tried nowhere else before that is known: it
    /// is asked about on and on, and a person sees the order.
    fn unless_taken(
        &self,
        image: &ProcessImage,
        said: &Said<'_>,
        following: Following,
    ) -> Following {
        let retried = following.next == EffectNext::RetryWait && said.class == EffectClass::Unknown;
        let moves_on = retried || following.next == EffectNext::Abandoned;
        if moves_on && self.is_one_step(image) {
            self.polled(image)
        } else {
            following
        }
    }

    fn approved(&mut self, slot: u32, effect: &Effect, said: &Said<'_>, image: ProcessImage) {
        let amount = if said.amount == 0 {
            image.total
        } else {
            said.amount
        };
        let currency = said.currency == 0 || said.currency == image.currency;
        let trigger = if amount == image.total && currency {
            Trigger::PaymentApproved
        } else {
            Trigger::PaymentMismatch
        };
        let image = ProcessImage {
            processor: effect.provider,
            authorised: amount,
            sub: SubState::None,
            flags: image.flags | AUTHORISED,
            ..image
        };
        let image = self.taken_at_once(slot, image);
        self.trigger(slot, trigger, image, said.message);
    }

    fn buyer_or_provider(&mut self, slot: u32, said: &Said<'_>, image: ProcessImage) {
        let (trigger, sub) = if said.class == EffectClass::ActionRequired {
            (Trigger::PaymentActionRequired, SubState::AwaitingBuyer)
        } else {
            (Trigger::PaymentPending, SubState::AwaitingProvider)
        };
        if image.sub == sub {
            return;
        }
        let moved = self.trigger(slot, trigger, ProcessImage { sub, ..image }, said.message);
        if moved && sub == SubState::AwaitingBuyer {
            self.tell(slot, Milestone::ActionRequired);
        }
    }

    /// Notes that it takes longer, and tells the customer once.
    fn delayed(&mut self, slot: u32, trigger: Trigger, sub: SubState, note: &str) {
        let Some(image) = self.image(slot) else {
            return;
        };
        let told = image.flags & DELAY_TOLD != 0;
        let image = ProcessImage { sub, ..image };
        self.trigger(slot, trigger, Self::with_flags(image, DELAY_TOLD), note);
        if !told {
            self.tell(slot, Milestone::Delayed);
        }
    }

    fn declined(&mut self, slot: u32, said: &Said<'_>, image: ProcessImage) {
        let declines = image.declines.saturating_add(1);
        let again = declines <= self.settings(&image).buyer_retries;
        let image = ProcessImage { declines, ..image };
        if again {
            let sub = SubState::AwaitingBuyer;
            let image = ProcessImage { sub, ..image };
            self.trigger(slot, Trigger::PaymentDeclinedOnce, image, said.message);
        } else {
            self.trigger(slot, Trigger::PaymentDeclined, image, said.message);
        }
    }

    /// Asks the processor what became of an authorisation.
    pub fn ask(&mut self, slot: u32, effect: &Effect) {
        let asked = self.process(slot).is_some_and(|process| {
            let asks = |it: &Effect| it.is(EffectKind::PaymentQuery) && it.target == effect.number;
            process.effects.iter().any(|it| asks(it) && it.is_open())
        });
        if asked {
            return;
        }
        let takes_calls = !matches!(
            self.permit(effect.provider),
            super::breaker::Permit::NotBefore(_)
        );
        if takes_calls {
            let reference = effect.reference.clone();
            self.start(
                slot,
                &Start {
                    step: effect.step,
                    target: Some((effect.number, effect.kind)),
                    amount: effect.amount,
                    reference: &reference,
                    ..Start::new(EffectKind::PaymentQuery, effect.provider)
                },
            );
            return;
        }
        let said = Said::ours(EffectClass::Unknown, "the provider's breaker is open");
        let class = if effect.next == Some(EffectNext::Waiting) {
            EffectClass::Pending // the provider said so; it is asked again later
        } else {
            EffectClass::Unknown
        };
        self.authorise_said(slot, effect, &Said { class, ..said }, false);
    }

    /// The answer to a query settles the authorisation that it is about.
    pub fn query_said(&mut self, slot: u32, query: &Effect, said: &Said<'_>) {
        let next = match said.class {
            EffectClass::Retry | EffectClass::Unknown | EffectClass::Refused => EffectNext::Failed,
            _ => EffectNext::Done,
        };
        self.ended(slot, query, said, Following::over(next));
        let target = self.process(slot).and_then(|it| it.effect(query.target));
        let Some(target) = target.cloned() else {
            return;
        };
        let open = matches!(target.next, Some(EffectNext::Unknown | EffectNext::Waiting));
        if !open {
            return;
        }
        if let Some(definite_ms) = self.absence_settles(slot, query, said, &target) {
            self.not_yet_absent(slot, &target, said, definite_ms);
            return;
        }
        // What the answer says about the provider was counted with the query.
        let class = match said.class {
            EffectClass::Retry | EffectClass::Refused => EffectClass::Unknown,
            class => class,
        };
        let said = Said {
            class,
            counted: false,
            latency_ms: 0,
            ..*said
        };
        if class == EffectClass::Unknown && target.next == Some(EffectNext::Waiting) {
            let pending = Said {
                class: EffectClass::Pending,
                ..said
            };
            self.authorise_said(slot, &target, &pending, false);
        } else {
            self.authorise_said(slot, &target, &said, false);
        }
    }

    /// That nothing is there is definite only where it was asked so long after the attempt's call
    /// left that its request cannot be on its way any more. `None`: it is; else from when on.
    pub fn absence_settles(
        &self,
        slot: u32,
        asking: &Effect,
        said: &Said<'_>,
        target: &Effect,
    ) -> Option<u64> {
        let image = self.image(slot)?;
        let longest_ms: u64 = self.settings(&image).retry_delays_ms.iter().sum();
        let definite_ms = target.left_ms.saturating_add(longest_ms);
        let early = target.began_ms > 0 && asking.began_ms < definite_ms;
        (said.class == EffectClass::Absent && early).then_some(definite_ms)
    }

    /// Nothing is there yet: the same attempt again, by the same key, which the processor knows by
    /// then if the first one arrived after all. A one-step payment is asked about again instead.
    fn not_yet_absent(&mut self, slot: u32, target: &Effect, said: &Said<'_>, definite_ms: u64) {
        let said = Said {
            class: EffectClass::Unknown,
            counted: false,
            latency_ms: 0,
            ..*said
        };
        let one_step = self.image(slot).is_some_and(|it| self.is_one_step(&it));
        if one_step || target.next == Some(EffectNext::Waiting) {
            let following = Following {
                next: EffectNext::Waiting,
                due_ms: definite_ms.max(self.now_ms() + 1),
            };
            self.ended(slot, target, &said, following);
        } else {
            self.authorise_said(slot, target, &said, false);
        }
    }

    /// The processor is given up for the next one; what it may hold is voided.
    pub fn fail_over(&mut self, slot: u32, loser: &Effect, note: &str) {
        self.void_if_open(slot, loser.number);
        let Some(image) = self.image(slot) else {
            return;
        };
        let providers = self.payment_providers(slot);
        match self.choose(slot, &providers, Some(loser.provider)) {
            Some(provider) => {
                let image = ProcessImage {
                    sub: SubState::InFlight,
                    ..image
                };
                let event = ProcessEvent::PaymentFailedOver;
                self.moved(slot, OrderState::Payment, event, image, note);
                self.authorise_at(slot, provider);
            }
            None => {
                self.trigger(slot, Trigger::PaymentExhausted, image, note);
            }
        }
    }

    /// Voids an authorisation that holds money, or may.
    pub fn void_if_open(&mut self, slot: u32, number: u16) {
        let Some(process) = self.process(slot) else {
            return;
        };
        let Some(effect) = process.effect(number).filter(|it| it.leaves_something()) else {
            return;
        };
        let voids = |it: &Effect| it.is(EffectKind::PaymentVoid) && it.target == number;
        let undone = process
            .effects
            .iter()
            .any(|it| voids(it) && (it.is_open() || it.is_dead()));
        if undone {
            return;
        }
        let effect = effect.clone();
        self.start(
            slot,
            &Start {
                target: Some((number, effect.kind)),
                amount: effect.amount,
                reference: &effect.reference,
                ..Start::new(EffectKind::PaymentVoid, effect.provider)
            },
        );
    }

    /// An authorisation was settled while its order is elsewhere: what it holds is given back,
    /// unless a cancellation that runs does that anyway.
    fn authorised_aside(&mut self, slot: u32, number: u16) {
        let cancelling = self.is_undoing(slot);
        if cancelling {
            self.undo(slot);
        } else {
            self.void_if_open(slot, number);
        }
    }

    /// A given-up attempt turned out paid: its money goes back.
    pub fn abandoned_paid(&mut self, slot: u32, effect: &Effect, said: &Said<'_>) {
        if self.late_payment(slot, effect, said) {
            return;
        }
        self.ended(slot, effect, said, Following::over(EffectNext::Abandoned));
        if effect.undone == Some(EffectClass::Done) {
            return; // the money is back already
        }
        let Some(process) = self.process(slot) else {
            return;
        };
        let (state, image) = (process.state, process.image);
        let ended = table::find(state, Trigger::LatePayment).is_some();
        if ended {
            self.trigger(slot, Trigger::LatePayment, image, said.message);
        } else {
            let event = ProcessEvent::AbandonedAttemptPaid;
            self.moved(slot, state, event, image, said.message);
        }
        self.void_if_open(slot, effect.number);
    }
}
