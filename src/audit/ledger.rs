//! A ledger: what a client was told, one JSON object a line, held against the journal (I14).
//!
//! ```text
//! {"tenant":"acme","key":"00…2a","version":1,"code":"OK","sequence":7,"replayed":false,"state":"HELD"}
//! ```
//!
//! `sequence`, `replayed` and `state` may be missing. Answers that decide nothing (`OVERLOADED`,
//! `STALE_VERSION`, malformed requests …) are counted and skipped. A last line without its line
//! break is what a killed client leaves behind: it is skipped too.

use super::fold::At;
use super::names::Names;
use super::report::{Checks, Invariant, Offence};
use crate::engine::record::{Record, accepted_flags};
use crate::types::{OrderKey, OrderState, ResultCode, TenantId};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// Why a ledger cannot be used. The operator mends the file or names another.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The file cannot be read.
    #[error("cannot read the ledger {}: {source}", file.display())]
    Read {
        /// The ledger.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is not what a ledger holds.
    #[error("{}, line {line}: {reason}", file.display())]
    Line {
        /// The ledger.
        file: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// One line as written.
#[derive(serde::Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    tenant: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    version: u16,
    #[serde(borrow)]
    code: Cow<'a, str>,
    #[serde(default)]
    sequence: u64,
    #[serde(default)]
    replayed: bool,
    #[serde(default, borrow)]
    state: Option<Cow<'a, str>>,
}

/// One acknowledged outcome; the map's key is (tenant, order key, version).
#[derive(Clone, Copy, Debug)]
struct Entry {
    sequence: u64,
    code: ResultCode,
    /// The state told at first hand; none for a replayed answer, which tells the present one.
    state: Option<OrderState>,
    seen: u16,
}

/// All acknowledgements of some clients.
#[derive(Debug, Default)]
pub struct Ledger {
    tenants: BTreeMap<String, u16>,
    entries: BTreeMap<(u16, u16, [u8; 16]), Entry>,
    twice: Vec<Offence>,
    /// Lines that told an outcome.
    pub acknowledgements: u64,
    /// Lines that told none.
    pub skipped: u64,
}

impl Ledger {
    /// Reads one more ledger file.
    ///
    /// # Errors
    /// If the file cannot be read or a line is malformed.
    pub fn read(&mut self, file: &Path) -> Result<(), LedgerError> {
        let fail = |source| LedgerError::Read {
            file: file.to_owned(),
            source,
        };
        let mut input = std::io::BufReader::new(std::fs::File::open(file).map_err(fail)?);
        let (mut text, mut number) = (String::new(), 0);
        loop {
            text.clear();
            if input.read_line(&mut text).map_err(fail)? == 0 || !text.ends_with('\n') {
                return Ok(());
            }
            number += 1;
            if text.trim().is_empty() {
                continue;
            }
            self.line(&text).map_err(|reason| LedgerError::Line {
                file: file.to_owned(),
                line: number,
                reason,
            })?;
        }
    }

    fn line(&mut self, text: &str) -> Result<(), String> {
        let told: Told<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let code = ResultCode::ALL.iter().find(|code| code.name() == told.code);
        let code = *code.ok_or_else(|| format!("{} is not a result code", told.code))?;
        let key: OrderKey = told.key.parse().map_err(|_| {
            let key = &told.key;
            format!("{key} is not an order key of 32 hex digits")
        })?;
        if !decides(code) {
            self.skipped += 1;
            return Ok(());
        }
        self.acknowledgements += 1;
        let state = told.state.filter(|_| !told.replayed);
        let state = state.map(|name| {
            let known = (0..=u8::MAX).filter_map(OrderState::from_u8);
            let mut known = known.filter(|state| state.name() == name);
            known
                .next()
                .ok_or_else(|| format!("{name} is not an order state"))
        });
        let state = state.transpose()?;
        let tenant = self.tenant(&told.tenant)?;
        let entry = Entry {
            sequence: told.sequence,
            code,
            state,
            seen: 0,
        };
        let at = (tenant, told.version, key.0.to_be_bytes());
        let Some(known) = self.entries.get_mut(&at) else {
            self.entries.insert(at, entry);
            return Ok(());
        };
        let sequences = known.sequence != 0 && entry.sequence != 0;
        if known.code != code || (sequences && known.sequence != entry.sequence) {
            let what = format!(
                "version {} was acknowledged twice: {} (sequence {}) and {code} (sequence {})",
                told.version, known.code, known.sequence, entry.sequence
            );
            self.twice.push(Offence {
                tenant: Some(told.tenant.into_owned()),
                order: Some(key.to_string()),
                what,
                ..Offence::default()
            });
        }
        known.sequence = known.sequence.max(entry.sequence);
        known.state = known.state.or(entry.state);
        Ok(())
    }

    fn tenant(&mut self, name: &str) -> Result<u16, String> {
        if let Some(known) = self.tenants.get(name) {
            return Ok(*known);
        }
        let number = u16::try_from(self.tenants.len()).map_err(|_| "too many tenants")?;
        self.tenants.insert(name.to_owned(), number);
        Ok(number)
    }

    /// Holds one record of the journal against what was told about its order.
    pub fn observe(&mut self, at: &At, record: &Record<'_>, names: &Names, checks: &mut Checks) {
        let (tenant, key, version, code, state) = match record {
            Record::OrderAccepted(accepted) => {
                let placed = accepted.flags & accepted_flags::PLACED != 0;
                let state = if placed {
                    OrderState::FraudCheck
                } else {
                    OrderState::Held
                };
                let (tenant, key) = (accepted.tenant, accepted.key);
                (tenant, key, accepted.version, ResultCode::Ok, state)
            }
            Record::OrderRejected(rejected) => {
                let (tenant, key) = (rejected.tenant, rejected.key);
                let state = OrderState::Rejected;
                (tenant, key, rejected.version, rejected.reason, state)
            }
            _ => return,
        };
        let Some(entry) = self.entry(names, tenant, key, version) else {
            return;
        };
        entry.seen = entry.seen.saturating_add(1);
        let told = *entry;
        let wrong = if told.code != code {
            Some(format!(
                "was told {}, but the journal has {code}",
                told.code
            ))
        } else if told.state.is_some_and(|told| told != state) {
            let told = told.state.map_or("", OrderState::name);
            Some(format!("was told {told}, but became {}", state.name()))
        } else if code == ResultCode::Ok && told.sequence != 0 && told.sequence != at.sequence {
            let told = told.sequence;
            Some(format!(
                "was told sequence {told}, but the journal has it here"
            ))
        } else if code == ResultCode::Ok && told.seen > 1 {
            Some("was acknowledged once, but is in the journal twice".to_owned())
        } else {
            None
        };
        checks.check(Invariant::I14, wrong.is_none(), || {
            let what = format!("version {version} {}", wrong.unwrap_or_default());
            names.order_offence(at, tenant, key, what)
        });
    }

    fn entry(
        &mut self,
        names: &Names,
        tenant: TenantId,
        key: OrderKey,
        version: u16,
    ) -> Option<&mut Entry> {
        if self.entries.is_empty() {
            return None;
        }
        let tenant = *self.tenants.get(&names.tenant(tenant))?;
        self.entries
            .get_mut(&(tenant, version, key.0.to_be_bytes()))
    }

    /// What was told and never found, and what was told in two ways; call it when every shard was
    /// read.
    pub fn finish(&self, checks: &mut Checks) {
        for ((number, version, key), entry) in &self.entries {
            checks.check(Invariant::I14, entry.seen > 0, || {
                let mut tenants = self.tenants.iter();
                let tenant = tenants.find(|(_, known)| *known == number);
                Offence {
                    tenant: tenant.map(|(name, _)| name.clone()),
                    order: Some(OrderKey(u128::from_be_bytes(*key)).to_string()),
                    sequence: Some(entry.sequence).filter(|sequence| *sequence > 0),
                    what: format!(
                        "version {version} was acknowledged with {}, but is not in the journal: \
                         lost",
                        entry.code
                    ),
                    ..Offence::default()
                }
            });
        }
        for offence in &self.twice {
            checks.check(Invariant::I14, false, || offence.clone());
        }
    }
}

/// True for codes whose outcome is journaled for the order's key and version.
fn decides(code: ResultCode) -> bool {
    matches!(
        code,
        ResultCode::Ok
            | ResultCode::InsufficientStock
            | ResultCode::NotOnSale
            | ResultCode::BackorderCap
            | ResultCode::QuotaExhausted
    )
}
