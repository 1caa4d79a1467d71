//! What the providers say happened, held against the journal: money and parcels.
//!
//! The file is what the sandbox answers to `GET /_sandbox/ledger`: one or several pages
//! `{"effects": […]}`, one behind the other, or the effects themselves, one JSON object a line.

use super::fold::{At, Fold, Process};
use super::parcels::{self, Parcels};
use super::report::{Checks, Invariant, Offence};
use crate::engine::record::Record;
use crate::types::effect::{EffectKind, EffectNext, tenant_mark};
use crate::types::{OrderKey, TenantId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Why a provider's ledger cannot be used. The operator mends the file or names another.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderLedgerError {
    /// The file cannot be read.
    #[error("cannot read the provider ledger {}: {source}", file.display())]
    Read {
        /// The ledger.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what the sandbox answers.
    #[error(
        "{}: {source}; save the answer to GET /_sandbox/ledger, page after page",
        file.display()
    )]
    Format {
        /// The ledger.
        file: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
}

/// One effect as the sandbox shows it; what is about neither money nor parcels is not looked at.
#[derive(serde::Deserialize)]
struct Entry {
    provider: String,
    kind: String,
    #[serde(default)]
    order: String,
    #[serde(default)]
    amount_minor: i64,
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    object: String,
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Part {
    Page { effects: Vec<Entry> },
    List(Vec<Entry>),
    One(Entry),
}

/// An order as the providers' ledger names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    /// By its key, with the mark of its tenant: two tenants may have orders of one key. No mark is
    /// the tenant `default`, or an effect of an older version.
    Key(u128, String),
    /// By its number, `{shard}-{sequence of the accepting record}`, or another text.
    Text(String),
}

/// What one order has at the providers.
#[derive(Clone, Debug, Default)]
struct Account {
    money: Money,
    parcels: Parcels,
}

impl Account {
    fn join(&mut self, other: Self) {
        self.money.join(other.money);
        self.parcels.join(other.parcels);
    }
}

/// The money of one order at the providers.
#[derive(Clone, Debug, Default)]
struct Money {
    /// The ledger has some effect of it.
    moved: bool,
    /// Provider and object of each authorisation.
    authorised: BTreeSet<(String, String)>,
    voided: BTreeSet<(String, String)>,
    captured_objects: BTreeSet<(String, String)>,
    captures: u64,
    captured: i128,
    refunded: i128,
}

impl Money {
    /// Authorisations that still hold money.
    fn held(&self) -> usize {
        let freed = |it: &&(String, String)| {
            !self.voided.contains(*it) && !self.captured_objects.contains(*it)
        };
        self.authorised.iter().filter(freed).count()
    }

    fn add(&mut self, entry: Entry) {
        self.moved = true;
        let object = (entry.provider, entry.object);
        match entry.kind.as_str() {
            "authorise" => {
                self.authorised.insert(object);
            }
            "void" => {
                // Captured and not settled: taken back whole instead of refunded.
                if self.captured_objects.contains(&object) {
                    self.refunded += i128::from(entry.amount_minor);
                }
                self.voided.insert(object);
            }
            "capture" => {
                self.captures += 1;
                self.captured += i128::from(entry.amount_minor);
                self.captured_objects.insert(object);
            }
            _ => self.refunded += i128::from(entry.amount_minor),
        }
    }

    fn join(&mut self, other: Self) {
        self.moved |= other.moved;
        self.authorised.extend(other.authorised);
        self.voided.extend(other.voided);
        self.captured_objects.extend(other.captured_objects);
        self.captures += other.captures;
        self.captured += other.captured;
        self.refunded += other.refunded;
    }
}

/// The providers' ledgers, read.
#[derive(Debug, Default)]
pub struct ProviderLedger {
    read: bool,
    orders: BTreeMap<Name, Account>,
    /// Keys of the orders of the shard at hand that the ledger names by number.
    numbered: BTreeMap<(TenantId, u128), Vec<String>>,
}

impl ProviderLedger {
    /// Reads one more file.
    ///
    /// # Errors
    /// The file cannot be read, or is not what the sandbox answers.
    pub fn read(&mut self, file: &Path) -> Result<(), ProviderLedgerError> {
        let text = std::fs::read_to_string(file).map_err(|source| ProviderLedgerError::Read {
            file: file.to_owned(),
            source,
        })?;
        self.read = true;
        for part in serde_json::Deserializer::from_str(&text).into_iter::<Part>() {
            let part = part.map_err(|source| ProviderLedgerError::Format {
                file: file.to_owned(),
                source,
            })?;
            let entries = match part {
                Part::Page { effects } | Part::List(effects) => effects,
                Part::One(entry) => vec![entry],
            };
            for entry in entries {
                self.add(entry);
            }
        }
        Ok(())
    }

    fn add(&mut self, entry: Entry) {
        let kind = entry.kind.as_str();
        let money = ["authorise", "void", "capture", "refund"].contains(&kind);
        if money || parcels::KINDS.contains(&kind) {
            let account = self.orders.entry(name(&entry)).or_default();
            if money {
                account.money.add(entry);
            } else {
                let object = (entry.provider, entry.object);
                account.parcels.add(&entry.kind, object);
            }
        }
    }

    /// Takes note of an order's number.
    pub fn observe(&mut self, at: &At, record: &Record<'_>) {
        if self.read
            && let Record::OrderAccepted(accepted) = record
        {
            let number = format!("{}-{}", at.shard, at.sequence);
            if self.orders.contains_key(&Name::Text(number.clone())) {
                let place = (accepted.tenant, accepted.key.0);
                self.numbered.entry(place).or_default().push(number);
            }
        }
    }

    /// Compares the orders of one shard, whose journal was folded to its end.
    pub fn compare(&mut self, fold: &Fold, checks: &mut Checks) {
        if !self.read {
            return;
        }
        let end = At {
            sequence: 0,
            ..fold.last
        };
        for (tenant, key, process) in fold.processes() {
            let mut account = self.of_key(key, &fold.names.tenant(tenant), process);
            let numbers = self.numbered.remove(&(tenant, key.0)).unwrap_or_default();
            for number in numbers {
                if let Some(more) = self.orders.remove(&Name::Text(number)) {
                    account.join(more);
                }
            }
            let money = differences(process, &account.money);
            let parcels = account.parcels.of_ended(process);
            for wrong in money.into_iter().chain(parcels) {
                checks.check(Invariant::Providers, wrong.is_none(), || {
                    let what = wrong.unwrap_or_default();
                    fold.names.order_offence(&end, tenant, key, what)
                });
            }
        }
    }

    /// What the ledger has under an order's key. That of older versions, whose keys had no mark, is
    /// the tenant's that has effects without one.
    fn of_key(&mut self, key: OrderKey, tenant: &str, process: &Process) -> Account {
        let mark = tenant_mark(tenant);
        let mut names = vec![Name::Key(key.0, mark.trim_start_matches('-').to_owned())];
        if !mark.is_empty() && process.effects.values().any(|effect| !effect.marked) {
            names.push(Name::Key(key.0, String::new()));
        }
        let mut account = Account::default();
        for name in names {
            if let Some(more) = self.orders.remove(&name) {
                account.join(more);
            }
        }
        account
    }

    /// Whatever is left has no order: its money and its labels are nobody's. Warehouses may ship
    /// for others as well.
    pub fn finish(self, checks: &mut Checks) {
        for (name, Account { money, parcels }) in self.orders {
            if !money.moved && parcels.standing() == 0 {
                continue;
            }
            let name = match name {
                Name::Key(key, mark) if mark.is_empty() => OrderKey(key).to_string(),
                Name::Key(key, mark) => format!("{}-{mark}", OrderKey(key)),
                Name::Text(text) => text,
            };
            checks.check(Invariant::Providers, false, || Offence {
                order: Some(name),
                what: format!(
                    "the providers authorised {}, captured {} and refunded {} for an order that \
                     is not in the journal; labels of it that stand: {}",
                    money.authorised.len(),
                    money.captured,
                    money.refunded,
                    parcels.standing()
                ),
                ..Offence::default()
            });
        }
    }
}

/// The order's key stands in front of the key of every effect, and the tenant's mark behind it; some
/// providers have room for the order's number only.
fn name(entry: &Entry) -> Name {
    let reference = entry.reference.as_deref().unwrap_or_default();
    let found = of_effect(reference).or_else(|| of_effect(&entry.order));
    found.unwrap_or_else(|| Name::Text(entry.order.clone()))
}

/// `KEY`, `KEY-MARK`, `KEY-KIND-NUMBER` or `KEY-KIND-NUMBER-MARK`.
fn of_effect(text: &str) -> Option<Name> {
    let (digits, rest) = text.split_at_checked(32)?;
    let mut parts = rest.split('-');
    if parts.next() != Some("") {
        return None;
    }
    let parts: Vec<&str> = parts.collect();
    let mark = match parts.as_slice() {
        [mark] | [_, _, mark] => *mark,
        _ => "",
    };
    let key = u128::from_str_radix(digits, 16).ok()?;
    Some(Name::Key(key, mark.to_owned()))
}

/// In what the providers' money differs from the journal's: one entry a check, `None` where it
/// agrees. What is still on its way is not compared.
fn differences(process: &Process, money: &Money) -> [Option<String>; 4] {
    let effects = |kind: EffectKind| process.effects.values().filter(move |it| it.kind == kind);
    // A dead letter may or may not have happened, and so may what nobody has answered yet.
    let unsure =
        |kind: EffectKind| effects(kind).any(|it| it.is_open() || it.uncertain || it.is_dead());
    let image = &process.image;
    // A given-up attempt of a method that takes the money at once: taken, and given back by the
    // void, which the journal does not count as a capture.
    let given_back =
        || effects(EffectKind::PaymentVoid).filter(|it| it.next == Some(EffectNext::Done));
    let void_amount: i128 = given_back().map(|it| i128::from(it.amount)).sum();
    let beyond = money.captured - i128::from(image.captured);
    let returned = money.refunded - i128::from(image.refunded);
    let is_back = beyond > 0 && beyond == returned && beyond <= void_amount;
    let (beyond, captures_max) = if is_back {
        (beyond, 1 + given_back().count() as u64)
    } else {
        (0, 1)
    };
    let twice = (money.captures > captures_max).then(|| {
        format!(
            "the providers captured {} times: charged twice",
            money.captures
        )
    });
    let captured = (!unsure(EffectKind::PaymentCapture)
        && money.captured - beyond != i128::from(image.captured))
    .then(|| {
        format!(
            "the providers captured {}, the journal says {}",
            money.captured, image.captured
        )
    });
    let refunded = (!unsure(EffectKind::PaymentRefund)
        && money.refunded - beyond != i128::from(image.refunded))
    .then(|| {
        format!(
            "the providers refunded {}, the journal says {}",
            money.refunded, image.refunded
        )
    });
    let settled = !process.is_running()
        && !unsure(EffectKind::PaymentVoid)
        && !effects(EffectKind::PaymentAuthorise).any(super::fold::Effect::is_open);
    let held = (settled && money.held() > 0).then(|| {
        format!(
            "the order has ended, and {} authorisations of it still hold money",
            money.held()
        )
    });
    [twice, captured, refunded, held]
}
