//! Transactions: authorise, capture, void, refund, held for review.

use super::ordered::Node;
use super::schema::{REQUEST, TRANSACTION, misplaced, too_long};
use super::{Refused, messages, notify, ok};
use crate::sandbox::{Core, Effect, money};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// How long after its capture a transaction settles, unless it is told to: a day.
const SETTLES_AFTER_MS: u64 = 86_400_000;

/// All transactions.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    pub(super) by_id: HashMap<u64, Transaction>,
    /// Approved and held ones in the order they came.
    pub(super) listed: Vec<u64>,
    pub(super) by_customer: HashMap<Box<str>, Vec<u64>>,
    recent: HashMap<Duplicate, u64>,
    used: HashSet<Box<str>>,
}

/// What makes two transactions the same within the duplicate window.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Duplicate {
    kind: Box<str>,
    token: Box<str>,
    amount: i64,
    invoice: Box<str>,
}

/// A transaction.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    pub(super) id: u64,
    pub(super) kind: Box<str>,
    pub(super) status: &'static str,
    pub(super) response: &'static str,
    pub(super) authorised: i64,
    pub(super) captured: i64,
    refunded: i64,
    pub(super) currency: Box<str>,
    pub(super) invoice: Box<str>,
    pub(super) description: Box<str>,
    pub(super) submitted_ms: u64,
    captured_ms: Option<u64>,
    pub(super) refers_to: Option<u64>,
}

impl Transactions {
    /// All captures settle now.
    pub(super) fn settle(&mut self) {
        for transaction in self.by_id.values_mut() {
            if transaction.captured_ms.is_some() {
                transaction.captured_ms = Some(0);
            }
        }
    }

    /// Uses the token up, where it is one for a single use; true where it was used before.
    fn uses_again(&mut self, request: &Node) -> bool {
        match request.text(&["payment", "opaqueData", "dataValue"]) {
            Some(token) if token.starts_with("once-") => !self.used.insert(token.into()),
            _ => false,
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<&Transaction> {
        self.by_id.get(&id.parse().ok()?)
    }
}

impl Transaction {
    /// A transaction that is declined until something better is known.
    fn new(what: &Duplicate, request: &Node, core: &Core) -> Self {
        let currency = request.text(&["currencyCode"]).unwrap_or("USD");
        Self {
            id: 60_000_000_000 + core.next_id(),
            kind: what.kind.clone(),
            status: "declined",
            response: "2",
            authorised: what.amount,
            captured: 0,
            refunded: 0,
            currency: currency.to_ascii_lowercase().into(),
            invoice: what.invoice.clone(),
            description: description(request).into(),
            submitted_ms: core.now_ms(),
            captured_ms: None,
            refers_to: None,
        }
    }

    /// Whether the money has moved: a settled transaction can be refunded and not voided.
    pub(super) fn settled(&self, core: &Core) -> bool {
        let due = |at: u64| at.saturating_add(SETTLES_AFTER_MS) <= core.now_ms();
        self.captured_ms.is_some_and(due)
    }

    /// The status as it is shown.
    pub(super) fn shown(&self, core: &Core) -> &'static str {
        match self.status {
            "capturedPendingSettlement" if self.settled(core) => "settledSuccessfully",
            "refundPendingSettlement" if self.settled(core) => "refundSettledSuccessfully",
            status => status,
        }
    }

    fn record(&self, kind: &'static str, amount: i64, key: Option<&str>, core: &Core) {
        core.ledger.record(Effect {
            provider: "authorize_net",
            kind,
            order: self.invoice.clone(),
            amount_minor: amount,
            currency: self.currency.clone(),
            key: key.map(Into::into),
            reference: (!self.description.is_empty()).then(|| self.description.clone()),
            object: self.id.to_string().into(),
            state: self.status,
            ..Effect::default()
        });
    }

    fn announce(&self, event: &str, amount: i64, core: &Core) {
        let amount = money::decimal(amount, &self.currency);
        let amount: serde_json::Number = amount.parse().unwrap_or_else(|_| 0.into());
        let payload = json!({
            "responseCode": self.response.parse().unwrap_or(0),
            "authCode": "HH5414",
            "avsResponse": "Y",
            "authAmount": amount,
            "invoiceNumber": self.invoice,
            "entityName": "transaction",
            "id": self.id.to_string(),
        });
        notify(event, &payload, core);
    }

    /// The reply to an approved or held transaction; `refers` is what it refers to.
    fn approved(&self, refers: Option<u64>) -> Value {
        let (code, text) = match self.response {
            "4" => (
                "253",
                "Your order has been received. Thank you for your business!",
            ),
            _ => ("1", "This transaction has been approved."),
        };
        json!({"transactionResponse": {
            "responseCode": self.response,
            "authCode": "HH5414",
            "avsResultCode": "Y",
            "cvvResultCode": "P",
            "cavvResultCode": "2",
            "transId": self.id.to_string(),
            "refTransID": refers.map(|id| id.to_string()).unwrap_or_default(),
            "transHash": "",
            "testRequest": "0",
            "accountNumber": "XXXX1111",
            "accountType": "Visa",
            "messages": [{"code": code, "description": text}]}, "messages": ok()})
    }
}

/// A transaction that failed: status 200, the error in the transaction's own list.
fn failed(response: &str, id: u64, code: &str, text: &str) -> Value {
    // A declined card is a successful request; any other error is not.
    let outer = if response == "2" {
        ok()
    } else {
        messages("Error", "E00027", "The transaction was unsuccessful.")
    };
    json!({"transactionResponse": {
        "responseCode": response, "authCode": "", "avsResultCode": "P", "cvvResultCode": "",
        "cavvResultCode": "", "transId": id.to_string(), "refTransID": "", "transHash": "",
        "testRequest": "0", "accountNumber": "XXXX1111", "accountType": "Visa",
        "errors": [{"errorCode": code, "errorText": text}]}, "messages": outer})
}

fn error(code: &str, text: &str) -> Value {
    failed("3", 0, code, text)
}

fn no_transaction() -> Value {
    error("16", "The transaction cannot be found.")
}

/// `createTransactionRequest`.
pub(super) fn create(state: &mut Transactions, body: &Node, core: &Core) -> Result<Value, Refused> {
    if let Some(name) = body.misplaced(REQUEST) {
        return Err(misplaced("createTransactionRequest", name));
    }
    let Some(request) = body.at(&["transactionRequest"]) else {
        let text = "The element 'createTransactionRequest' has incomplete content.";
        return Err(("E00003", text.to_owned()));
    };
    if let Some(name) = request.misplaced(TRANSACTION) {
        return Err(misplaced("transactionRequest", name));
    }
    let invoice = request.text(&["order", "invoiceNumber"]);
    if invoice.is_some_and(|text| text.chars().count() > 20) {
        return Err(too_long("invoiceNumber"));
    }
    let key = body.text(&["refId"]);
    let currency = request.text(&["currencyCode"]).unwrap_or("USD");
    let amount = match request.text(&["amount"]) {
        None => None,
        Some(text) => match money::minor(text, currency) {
            Some(amount) if amount > 0 => Some(amount),
            _ => return Ok(error("5", "A valid amount is required.")),
        },
    };
    Ok(match request.text(&["transactionType"]) {
        Some("authOnlyTransaction" | "authCaptureTransaction") => match amount {
            Some(_) if state.uses_again(request) => {
                return Err(("E00114", "Invalid OTS Token.".to_owned()));
            }
            Some(amount) => authorise(state, request, amount, key, core),
            None => error("5", "A valid amount is required."),
        },
        Some("priorAuthCaptureTransaction") => capture(state, request, amount, key, core),
        Some("voidTransaction") => void(state, request, key, core),
        Some("refundTransaction") => match amount {
            Some(amount) => refund(state, request, amount, key, core),
            None => error("5", "A valid amount is required."),
        },
        Some(_) => {
            let text = "The value of 'transactionType' is invalid.";
            return Err(("E00003", text.to_owned()));
        }
        None => return Err(("E00003", "'transactionType' is missing.".to_owned())),
    })
}

fn description(request: &Node) -> &str {
    request.text(&["order", "description"]).unwrap_or_default()
}

/// The duplicate window in milliseconds.
fn window_ms(request: &Node) -> u64 {
    let settings = match request.at(&["transactionSettings", "setting"]) {
        Some(Node::List(settings)) => settings.as_slice(),
        Some(one @ Node::Object(_)) => std::slice::from_ref(one),
        _ => &[],
    };
    let asked = settings
        .iter()
        .find(|one| one.text(&["settingName"]) == Some("duplicateWindow"))
        .and_then(|one| one.text(&["settingValue"])?.parse::<u64>().ok());
    asked.unwrap_or(120).min(28_800) * 1_000
}

fn authorise(
    state: &mut Transactions,
    request: &Node,
    amount: i64,
    key: Option<&str>,
    core: &Core,
) -> Value {
    let Some(token) = request.text(&["payment", "opaqueData", "dataValue"]) else {
        // The sandbox takes payment tokens only: no card number belongs into a test.
        return error("6", "The credit card number is invalid.");
    };
    let kind = request.text(&["transactionType"]).unwrap_or_default();
    let invoice = request
        .text(&["order", "invoiceNumber"])
        .unwrap_or_default();
    let duplicate = Duplicate {
        kind: kind.into(),
        token: token.into(),
        amount,
        invoice: invoice.into(),
    };
    let (now_ms, window_ms) = (core.now_ms(), window_ms(request));
    let last = state.recent.get(&duplicate).copied();
    if last.is_some_and(|at| now_ms < at.saturating_add(window_ms)) {
        return error("11", "A duplicate transaction has been submitted.");
    }
    let mut made = Transaction::new(&duplicate, request, core);
    if token.ends_with("error") {
        return error(
            "19",
            "An error occurred during processing. Please try again later.",
        );
    }
    if token.ends_with("declined") || request.text(&["billTo", "zip"]) == Some("46282") {
        made.record("decline", amount, key, core);
        let id = made.id;
        state.by_id.insert(id, made);
        return failed("2", id, "2", "This transaction has been declined.");
    }
    let captures = kind == "authCaptureTransaction";
    let held = token.ends_with("held");
    (made.response, made.status) = match (held, captures) {
        (true, true) => ("4", "FDSPendingReview"),
        (true, false) => ("4", "FDSAuthorizedPendingReview"),
        (false, _) => ("1", "authorizedPendingCapture"),
    };
    made.record(if held { "hold" } else { "authorise" }, amount, key, core);
    if held {
        made.announce("fraud.held", amount, core);
    } else if captures {
        made.status = "capturedPendingSettlement";
        (made.captured, made.captured_ms) = (amount, Some(now_ms));
        made.record("capture", amount, key, core);
        made.announce("authcapture.created", amount, core);
    } else {
        made.announce("authorization.created", amount, core);
    }
    let shown = made.approved(made.refers_to);
    state.recent.insert(duplicate, now_ms);
    state.listed.push(made.id);
    if let Some(customer) = request.text(&["customer", "id"]) {
        state
            .by_customer
            .entry(customer.into())
            .or_default()
            .push(made.id);
    }
    state.by_id.insert(made.id, made);
    shown
}

fn referred<'a>(state: &'a mut Transactions, request: &Node) -> Option<&'a mut Transaction> {
    let id = request.text(&["refTransId"])?.parse().ok()?;
    state.by_id.get_mut(&id)
}

fn capture(
    state: &mut Transactions,
    request: &Node,
    amount: Option<i64>,
    key: Option<&str>,
    core: &Core,
) -> Value {
    let Some(found) = referred(state, request) else {
        return no_transaction();
    };
    match found.status {
        "authorizedPendingCapture" => {}
        "capturedPendingSettlement" => {
            return error("311", "This transaction has already been captured.");
        }
        "voided" => return error("310", "This transaction has already been voided."),
        _ => return no_transaction(),
    }
    let amount = amount.unwrap_or(found.authorised);
    if amount > found.authorised {
        let text = "The amount requested for settlement cannot be greater than the original \
                    amount authorized.";
        return error("47", text);
    }
    found.status = "capturedPendingSettlement";
    (found.captured, found.captured_ms) = (amount, Some(core.now_ms()));
    found.record("capture", amount, key, core);
    found.announce("priorAuthCapture.created", amount, core);
    found.approved(Some(found.id))
}

fn void(state: &mut Transactions, request: &Node, key: Option<&str>, core: &Core) -> Value {
    let Some(found) = referred(state, request) else {
        return no_transaction();
    };
    if found.settled(core) {
        // Settled money can only be refunded.
        return no_transaction();
    }
    let amount = match found.status {
        "authorizedPendingCapture" => found.authorised,
        "capturedPendingSettlement" => found.captured,
        "FDSPendingReview" | "FDSAuthorizedPendingReview" => 0,
        "voided" => return error("310", "This transaction has already been voided."),
        _ => return no_transaction(),
    };
    found.status = "voided";
    found.captured_ms = None;
    found.response = "1";
    found.record("void", amount, key, core);
    found.announce("void.created", amount, core);
    found.approved(Some(found.id))
}

fn refund(
    state: &mut Transactions,
    request: &Node,
    amount: i64,
    key: Option<&str>,
    core: &Core,
) -> Value {
    let Some(found) = referred(state, request) else {
        return no_transaction();
    };
    if found.status != "capturedPendingSettlement" || !found.settled(core) {
        let text = "The referenced transaction does not meet the criteria for issuing a credit.";
        return error("54", text);
    }
    if found.refunded + amount > found.captured {
        let text = "The sum of credits against the referenced transaction would exceed original \
                    debit amount.";
        return error("55", text);
    }
    found.refunded += amount;
    let made = Transaction {
        id: 60_000_000_000 + core.next_id(),
        kind: "refundTransaction".into(),
        status: "refundPendingSettlement",
        response: "1",
        authorised: amount,
        captured: 0,
        refunded: 0,
        submitted_ms: core.now_ms(),
        captured_ms: Some(core.now_ms()),
        refers_to: Some(found.id),
        invoice: request
            .text(&["order", "invoiceNumber"])
            .map_or_else(|| found.invoice.clone(), Into::into),
        description: description(request).into(),
        ..found.clone()
    };
    made.record("refund", amount, key, core);
    made.announce("refund.created", amount, core);
    let shown = made.approved(made.refers_to);
    state.listed.push(made.id);
    state.by_id.insert(made.id, made);
    shown
}

/// `updateHeldTransactionRequest`.
pub(super) fn update_held(
    state: &mut Transactions,
    body: &Node,
    core: &Core,
) -> Result<Value, Refused> {
    let id = body.text(&["heldTransactionRequest", "refTransId"]);
    match body.text(&["heldTransactionRequest", "action"]) {
        Some("approve") => decide(state, id.unwrap_or_default(), true, core),
        Some("decline") => decide(state, id.unwrap_or_default(), false, core),
        _ => Err(("E00003", "'action' is approve or decline.".to_owned())),
    }
}

/// A person releases or declines a held transaction.
pub(super) fn decide(
    state: &mut Transactions,
    id: &str,
    approve: bool,
    core: &Core,
) -> Result<Value, Refused> {
    let missing = || ("E00040", format!("There is no held transaction {id}."));
    let number: u64 = id.parse().map_err(|_| missing())?;
    let found = state.by_id.get_mut(&number).ok_or_else(missing)?;
    let captures = match found.status {
        "FDSPendingReview" => true,
        "FDSAuthorizedPendingReview" => false,
        _ => return Err(missing()),
    };
    let amount = found.authorised;
    if !approve {
        (found.status, found.response) = ("declined", "2");
        found.record("decline", amount, None, core);
        found.announce("fraud.declined", amount, core);
        return Ok(found.approved(Some(number)));
    }
    (found.status, found.response) = ("authorizedPendingCapture", "1");
    found.record("authorise", amount, None, core);
    if captures {
        found.status = "capturedPendingSettlement";
        (found.captured, found.captured_ms) = (amount, Some(core.now_ms()));
        found.record("capture", amount, None, core);
    }
    found.announce("fraud.approved", amount, core);
    Ok(found.approved(Some(number)))
}
