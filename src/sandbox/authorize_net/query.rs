//! Looking transactions up.

use super::ordered::Node;
use super::transaction::{Transaction, Transactions};
use super::{Refused, ok};
use crate::sandbox::{Core, money};
use serde_json::{Value, json};

fn time(at_ms: u64) -> String {
    let at = i64::try_from(at_ms).unwrap_or_default();
    let time = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    time.to_string()
}

fn number(minor: i64, currency: &str) -> Value {
    let number = money::decimal(minor, currency).parse::<serde_json::Number>();
    number.map_or(Value::Null, Value::Number)
}

/// `getTransactionDetailsRequest`.
pub(super) fn details(state: &Transactions, body: &Node, core: &Core) -> Result<Value, Refused> {
    let Some(id) = body.text(&["transId"]) else {
        return Err(("E00003", "'transId' is missing.".to_owned()));
    };
    let missing = || ("E00040", "The record cannot be found.".to_owned());
    let found = state.find(id).ok_or_else(missing)?;
    let shown = json!({
        "transId": found.id.to_string(),
        "refTransId": found.refers_to.map(|id| id.to_string()),
        "submitTimeUTC": time(found.submitted_ms),
        "transactionType": found.kind,
        "transactionStatus": found.shown(core),
        "responseCode": found.response.parse().unwrap_or(0),
        "authCode": "HH5414",
        "AVSResponse": "Y",
        "order": {"invoiceNumber": found.invoice, "description": found.description},
        "authAmount": number(found.authorised, &found.currency),
        "settleAmount": number(found.captured, &found.currency),
        "payment": {"creditCard": {"cardNumber": "XXXX1111", "cardType": "Visa"}},
    });
    Ok(json!({"transaction": shown, "messages": ok()}))
}

fn entry(found: &Transaction, core: &Core) -> Value {
    json!({
        "transId": found.id.to_string(),
        "submitTimeUTC": time(found.submitted_ms),
        "transactionStatus": found.shown(core),
        "invoiceNumber": found.invoice,
        "accountType": "Visa",
        "accountNumber": "XXXX1111",
        "settleAmount": number(found.captured.max(found.authorised), &found.currency),
    })
}

/// A page of entries; `paging.offset` is the page's number, from 1.
fn page(body: &Node, found: &[&Transaction], core: &Core) -> Result<Value, Refused> {
    let asked = |name: &str, default: usize| match body.text(&["paging", name]) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .ok()
            .filter(|size| *size > 0)
            .ok_or_else(|| ("E00003", format!("The value of paging.{name} is invalid."))),
    };
    let (limit, offset) = (asked("limit", 1_000)?, asked("offset", 1)?);
    if limit > 1_000 {
        return Err(("E00003", "paging.limit is at most 1000.".to_owned()));
    }
    let descending = body.text(&["sorting", "orderDescending"]) == Some("true");
    let skip = (offset - 1).saturating_mul(limit);
    let entries: Vec<Value> = if descending {
        let chosen = found.iter().rev().skip(skip).take(limit);
        chosen.map(|found| entry(found, core)).collect()
    } else {
        let chosen = found.iter().skip(skip).take(limit);
        chosen.map(|found| entry(found, core)).collect()
    };
    let mut shown = json!({"messages": ok(), "totalNumInResultSet": entries.len()});
    if let (false, Some(members)) = (entries.is_empty(), shown.as_object_mut()) {
        members.insert("transactions".to_owned(), json!(entries));
    }
    Ok(shown)
}

/// `getUnsettledTransactionListRequest`.
pub(super) fn unsettled(state: &Transactions, body: &Node, core: &Core) -> Result<Value, Refused> {
    let found: Vec<&Transaction> = state
        .listed
        .iter()
        .filter_map(|id| state.by_id.get(id))
        .filter(|found| !found.settled(core))
        .collect();
    page(body, &found, core)
}

/// `getTransactionListForCustomerRequest`.
pub(super) fn of_customer(
    state: &Transactions,
    body: &Node,
    core: &Core,
) -> Result<Value, Refused> {
    let Some(customer) = body.text(&["customerProfileId"]) else {
        return Err(("E00003", "'customerProfileId' is missing.".to_owned()));
    };
    let ids = state.by_customer.get(customer).into_iter().flatten();
    let found: Vec<&Transaction> = ids.filter_map(|id| state.by_id.get(id)).collect();
    page(body, &found, core)
}
