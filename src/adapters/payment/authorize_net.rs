//! Authorize.net, the backup processor: authorise, capture, void, refund, look up.
//!
//! There are no idempotency keys. Each effect has an invoice number of its own (the order's number
//! and the effect's), and an attempt that may be a repetition first looks for its invoice among the
//! unsettled transactions. Their duplicate window (same card and amount within 120 s) is a second
//! guard. Errors come with status 200; a byte order mark may stand before the body.

mod classify;
mod request;
#[cfg(test)]
mod tests;

use super::{currency, token};
use crate::adapters::address::PostalAddress;
use crate::adapters::call::{Call, OrderFacts};
use crate::adapters::http::{Answer, Http};
use crate::adapters::options::{OptionsError, ProviderOptions, Secret};
use crate::adapters::outcome::Outcome;
use crate::adapters::provider::Provider;
use crate::adapters::registry::Kind;
use crate::types::effect::{EffectClass, EffectKind};
use crate::types::money;
use classify::Found;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use request::{
    BillTo, Customer, Merchant, Order, Paging, Payment, Request, Setting, Settings, Sorting,
    Transaction,
};
use std::sync::Arc;

/// See [`AuthorizeNet`].
pub const KIND: Kind = Kind {
    name: "authorize_net",
    effects: &[
        EffectKind::PaymentAuthorise,
        EffectKind::PaymentQuery,
        EffectKind::PaymentCapture,
        EffectKind::PaymentVoid,
        EffectKind::PaymentRefund,
    ],
    timeout_ms: 5_000,
    secrets: &["login", "transaction_key"],
    settings: &["duplicate_window_seconds", "data_descriptor"],
    build: |options| Ok(Arc::new(AuthorizeNet::new(options)?)),
};

/// Authorize.net's own address.
const BASE_URL: &str = "https://api.authorize.net";

/// Tokens of Accept.js and the mobile kits.
const DATA_DESCRIPTOR: &str = "COMMON.ACCEPT.INAPP.PAYMENT";

/// Longest invoice number and reference id, in characters.
const INVOICE_MAX: usize = 20;

/// Transactions on one page of a lookup, and pages read at most.
const PAGE: usize = 100;
const PAGES_MAX: usize = 50;

/// By how much the clocks of both sides may differ.
const SKEW_MS: u64 = 300_000;

type Attempt = Result<Outcome, Outcome>;

/// A merchant account at Authorize.net.
#[derive(Debug)]
pub struct AuthorizeNet {
    http: Http,
    url: String,
    login: Secret,
    transaction_key: Secret,
    duplicate_window_s: u64,
    data_descriptor: String,
}

impl AuthorizeNet {
    /// Secrets `login`, `transaction_key`; settings `duplicate_window_seconds` (0 to 28,800,
    /// default 120) and `data_descriptor`, which says where payment tokens come from.
    ///
    /// # Errors
    /// A secret is missing, or the window is no such number.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        let window = options.setting_or("duplicate_window_seconds", "120");
        let Ok(duplicate_window_s @ 0..=28_800) = window.parse() else {
            let problem = format!("is `{window}`, not 0 to 28800");
            return Err(options.invalid("setting `duplicate_window_seconds`", problem));
        };
        let descriptor = options.setting_or("data_descriptor", DATA_DESCRIPTOR);
        Ok(Self {
            http: Http::of(options)?,
            url: format!("{}/xml/v1/request.api", options.base_url_or(BASE_URL)),
            login: options.secret("login")?,
            transaction_key: options.secret("transaction_key")?,
            duplicate_window_s,
            data_descriptor: descriptor.to_owned(),
        })
    }

    fn merchant(&self) -> Merchant<'_> {
        Merchant {
            name: self.login.reveal(),
            transaction_key: self.transaction_key.reveal(),
        }
    }

    async fn send(&self, request: &Request<'_>) -> Result<Answer, Outcome> {
        let request = self
            .http
            .request(reqwest::Method::POST, &self.url)
            .json(request);
        self.http.send(request).await
    }

    async fn create(
        &self,
        call: &Call,
        transaction: Transaction<'_>,
    ) -> Result<classify::Approved, Outcome> {
        let request = Request::Create {
            merchant_authentication: self.merchant(),
            ref_id: &invoice(&call.facts, &call.key),
            transaction_request: transaction,
        };
        let answer = self.send(&request).await?;
        classify::transaction(&answer, call.facts.currency, call.may_have_happened())
    }

    async fn authorise(&self, call: &Call) -> Attempt {
        let facts = &call.facts;
        let token = token(facts, KIND.name)?;
        let alpha = currency(facts.currency)?;
        if call.may_have_happened()
            && let Some(found) = self.find(call, &call.key).await.map_err(still_unknown)?
        {
            return Ok(found.authorised());
        }
        let invoice = invoice(facts, &call.key);
        let transaction = Transaction {
            transaction_type: if call.is_one_step() {
                "authCaptureTransaction"
            } else {
                "authOnlyTransaction"
            },
            amount: money::decimal(call.amount, facts.currency),
            currency_code: Some(alpha),
            payment: Some(Payment::OpaqueData {
                data_descriptor: &self.data_descriptor,
                data_value: token,
            }),
            order: Some(Order {
                invoice_number: &invoice,
                description: &call.key,
            }),
            customer: Some(Customer {
                id: facts.customer.to_string(),
                email: &facts.details.email,
            }),
            bill_to: bill_to(facts),
            transaction_settings: Some(Settings {
                setting: [Setting {
                    setting_name: "duplicateWindow",
                    setting_value: self.duplicate_window_s.to_string(),
                }],
            }),
            ..Transaction::default()
        };
        match self.create(call, transaction).await {
            Ok(approved) => {
                // An approval is of the amount that was asked for, unless it names another.
                let amount = approved.amount.unwrap_or(call.amount);
                let outcome = Outcome::done(approved.id).amount(amount, facts.currency);
                Ok(outcome.status(200))
            }
            Err(outcome) if outcome.code == classify::DUPLICATE => {
                let found = self.find(call, &call.key).await.map_err(still_unknown)?;
                // Someone else's: the same card paid the same amount for another order.
                Ok(found.map_or_else(
                    || {
                        let wait_ms = self.duplicate_window_s * 1_000;
                        let outcome = Outcome::retry(outcome.code, outcome.message).uncounted();
                        outcome.status(200).after(wait_ms)
                    },
                    Found::authorised,
                ))
            }
            Err(outcome) => Err(outcome),
        }
    }

    async fn query(&self, call: &Call) -> Attempt {
        let found = self.target(call).await?;
        Ok(found.map_or_else(Outcome::absent, Found::authorised))
    }

    async fn capture(&self, call: &Call) -> Attempt {
        let mut id = call.reference.clone();
        if id.is_empty() || call.may_have_happened() {
            let found = self.target(call).await.map_err(still_unknown)?;
            let Some(found) = found else {
                return Err(no_payment());
            };
            if let Some(outcome) = found.captured(call.amount) {
                return Ok(outcome);
            }
            id = found.id;
        }
        let transaction = Transaction {
            transaction_type: "priorAuthCaptureTransaction",
            amount: money::decimal(call.amount, call.facts.currency),
            ref_trans_id: Some(&id),
            ..Transaction::default()
        };
        match self.create(call, transaction).await {
            Ok(_) => {
                let outcome = Outcome::done(id).amount(call.amount, call.facts.currency);
                Ok(outcome.status(200))
            }
            // Refused perhaps because it is done already: the transaction says so.
            Err(refused) if refused.class == EffectClass::Refused => {
                let found = self.read(call, &id).await.ok().flatten();
                let told = found.and_then(|found| found.captured(call.amount));
                Ok(told.unwrap_or(refused))
            }
            Err(outcome) => Err(outcome),
        }
    }

    /// Voids what is not settled; what is settled is refunded.
    async fn void(&self, call: &Call) -> Attempt {
        let Some(found) = self.target(call).await? else {
            return Ok(Outcome::absent());
        };
        if found.holds_nothing() {
            return Ok(Outcome::done(found.id).says(found.status, "").status(200));
        }
        if found.is_settled() {
            let outcome = self.give_back(call, &found, found.captured).await?;
            if outcome.class == EffectClass::Done {
                let message = "it was captured and settled already, and is refunded instead";
                return Ok(outcome.says("refunded", message));
            }
            return Ok(outcome);
        }
        self.take_back(call, found).await
    }

    async fn take_back(&self, call: &Call, found: Found) -> Attempt {
        let transaction = Transaction {
            transaction_type: "voidTransaction",
            ref_trans_id: Some(&found.id),
            ..Transaction::default()
        };
        match self.create(call, transaction).await {
            Ok(_) => Ok(Outcome::done(found.id).status(200)),
            Err(refused) if refused.class == EffectClass::Refused => {
                match self.read(call, &found.id).await.ok().flatten() {
                    Some(now) if now.holds_nothing() => Ok(Outcome::done(now.id).status(200)),
                    _ => Err(refused),
                }
            }
            Err(outcome) => Err(outcome),
        }
    }

    async fn refund(&self, call: &Call) -> Attempt {
        let Some(found) = self.target(call).await.map_err(still_unknown)? else {
            return Err(no_payment());
        };
        if found.is_settled() {
            return self.give_back(call, &found, call.amount).await;
        }
        let refunded = |id| {
            Outcome::done(id)
                .amount(call.amount, call.facts.currency)
                .status(200)
        };
        match found.status.as_str() {
            "voided" if call.may_have_happened() => Ok(refunded(found.id)),
            "capturedPendingSettlement" if found.captured == call.amount => {
                let outcome = self.take_back(call, found).await?;
                let message = "it was not settled yet, and is voided instead";
                Ok(refunded(outcome.reference).says("voided", message))
            }
            "capturedPendingSettlement" => {
                let message = "a part can be refunded only when the payment is settled";
                Ok(Outcome::retry("unsettled", message).uncounted().status(200))
            }
            state => {
                let message = format!("a payment that is `{state}` cannot be refunded");
                Ok(Outcome::refused(state, message).status(200))
            }
        }
    }

    /// Refunds a settled transaction, once.
    async fn give_back(&self, call: &Call, found: &Found, amount: u64) -> Attempt {
        let currency = call.facts.currency;
        let done = |id| Outcome::done(id).amount(amount, currency).status(200);
        if call.may_have_happened()
            && let Some(refund) = self.find(call, &call.key).await.map_err(still_unknown)?
            && refund.id != found.id
        {
            return Ok(done(refund.id));
        }
        let invoice = invoice(&call.facts, &call.key);
        let transaction = Transaction {
            transaction_type: "refundTransaction",
            amount: money::decimal(amount, currency),
            payment: Some(Payment::CreditCard {
                card_number: &found.last_digits,
                expiration_date: "XXXX",
            }),
            ref_trans_id: Some(&found.id),
            order: Some(Order {
                invoice_number: &invoice,
                description: &call.key,
            }),
            ..Transaction::default()
        };
        let approved = self.create(call, transaction).await?;
        Ok(done(approved.id))
    }

    /// The transaction that a call is about, by its id or by the key of the effect that made it.
    async fn target(&self, call: &Call) -> Result<Option<Found>, Outcome> {
        if call.reference.is_empty() {
            self.find(call, &call.target_key).await
        } else {
            self.read(call, &call.reference).await
        }
    }

    async fn read(&self, call: &Call, id: &str) -> Result<Option<Found>, Outcome> {
        let request = Request::Details {
            merchant_authentication: self.merchant(),
            trans_id: id,
        };
        let answer = self.send(&request).await?;
        classify::details(&answer, call.facts.currency)
    }

    /// The transaction that an effect made, by its invoice among the unsettled ones: an
    /// authorisation settles only behind its capture, whose answer gives its id.
    async fn find(&self, call: &Call, effect: &str) -> Result<Option<Found>, Outcome> {
        let invoice = invoice(&call.facts, effect);
        let since_ms = call.facts.accepted_at_ms.saturating_sub(SKEW_MS);
        for page in 1..=PAGES_MAX {
            let request = Request::Unsettled {
                merchant_authentication: self.merchant(),
                sorting: Sorting {
                    order_by: "submitTimeUTC",
                    order_descending: true,
                },
                paging: Paging {
                    limit: PAGE.to_string(),
                    offset: page.to_string(),
                },
            };
            let entries = classify::listed(&self.send(&request).await?)?;
            for entry in entries.iter().filter(|entry| entry.invoice == invoice) {
                // Another installation may use the same numbers; the description is the key.
                match self.read(call, &entry.id).await? {
                    Some(found) if found.description.is_empty() || found.description == effect => {
                        return Ok(Some(found));
                    }
                    _ => {}
                }
            }
            let last = entries.last().and_then(|entry| entry.submitted_ms);
            if entries.len() < PAGE || last.is_some_and(|last_ms| last_ms < since_ms) {
                return Ok(None);
            }
        }
        Err(Outcome::unknown(
            "lookup_incomplete",
            "too many unsettled transactions to look through",
        ))
    }
}

impl Provider for AuthorizeNet {
    fn kinds(&self) -> &'static [EffectKind] {
        KIND.effects
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        async move {
            let attempt = match call.kind {
                EffectKind::PaymentAuthorise => self.authorise(call).await,
                EffectKind::PaymentQuery => self.query(call).await,
                EffectKind::PaymentCapture => self.capture(call).await,
                EffectKind::PaymentVoid => self.void(call).await,
                EffectKind::PaymentRefund => self.refund(call).await,
                other => Err(Outcome::refused("kind", format!("{other:?} is not served"))),
            };
            attempt.unwrap_or_else(|outcome| outcome).bounded()
        }
        .boxed()
    }
}

/// The invoice number of an effect: the order's number and the effect's, which ends its key.
fn invoice(facts: &OrderFacts, effect: &str) -> String {
    // Order, kind, number, and the mark of the tenant where it has one.
    let number = effect.split('-').nth(2).unwrap_or_default();
    let invoice = format!("{}-{number}", facts.number);
    if invoice.len() <= INVOICE_MAX {
        invoice
    } else {
        facts.number.chars().take(INVOICE_MAX).collect()
    }
}

/// Lengths are those of their schema; [`cut`] keeps to them.
fn bill_to(facts: &OrderFacts) -> Option<BillTo> {
    let details = &facts.details;
    let lines = if details.billing_address.is_empty() {
        &details.shipping_address
    } else {
        &details.billing_address
    };
    let address = PostalAddress::parse(lines, &details.country).unwrap_or_default();
    let name = details.contact_name.trim();
    let (first, last) = name.split_once(' ').unwrap_or(("", name));
    let bill_to = BillTo {
        first_name: cut(first, 50),
        last_name: cut(last, 50),
        address: cut(&address.street1, 60),
        city: cut(&address.city, 40),
        state: cut(&address.state, 40),
        zip: cut(&address.postcode, 20),
    };
    let empty = name.is_empty() && lines.is_empty();
    (!empty).then_some(bill_to)
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

/// Looking did not help: what was to be found out is as unknown as before.
fn still_unknown(mut outcome: Outcome) -> Outcome {
    outcome.class = EffectClass::Unknown;
    outcome
}

fn no_payment() -> Outcome {
    Outcome::refused(
        "no_payment",
        "there is no payment at Authorize.net to act on",
    )
}
