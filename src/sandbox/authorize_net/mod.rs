//! Authorize.net: one route for everything, credentials in the body, failures under status 200.
//!
//! Base URL `http://ADDRESS/authorize_net`, route `POST /xml/v1/request.api`. Every reply begins
//! with a byte order mark. Members must come in the order of the XML schema (E00003), `refId` and
//! `invoiceNumber` have at most 20 characters. There are no idempotency keys; the same kind,
//! token, amount and invoice within the duplicate window (120 s unless `duplicateWindow` says
//! otherwise) is error 11.
//!
//! | `payment.opaqueData.dataValue` | what happens |
//! |---|---|
//! | ends with `declined` | `responseCode` 2 |
//! | ends with `error` | `responseCode` 3, error 19 |
//! | ends with `held` | `responseCode` 4, until it is released or declined |
//! | begins with `once-` | for one use, as the real ones are: the second is E00114 |
//! | anything else | approved |
//!
//! `billTo.zip` 46282 declines too. A captured transaction settles a day after its capture, or
//! when it is told to: before that it is voided, after that it is refunded.
//!
//! To look a transaction up: `getTransactionDetailsRequest` by `transId`, or
//! `getUnsettledTransactionListRequest` (pages of at most 1,000, each entry with its
//! `invoiceNumber`) and `getTransactionListForCustomerRequest` (by `customerProfileId`, the
//! `customer.id` of the transaction).

mod ordered;
mod query;
mod schema;
mod transaction;

use super::{Callback, Core, Provider, Reply, Request, Signing, sign};
use bytes::Bytes;
use ordered::Node;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Arc;
use transaction::Transactions;

/// The documented API login id (`authorize_net.login` in the options).
pub const LOGIN: &str = "onhand_login";
/// The documented transaction key (`authorize_net.transaction_key` in the options).
pub const TRANSACTION_KEY: &str = "onhand_transaction_key";
/// The documented signature key of webhooks (`authorize_net.signature_key` in the options).
pub const SIGNATURE_KEY: &str = "0123456789ABCDEF0123456789ABCDEF";

/// Authorize.net.
#[derive(Debug, Default)]
pub struct AuthorizeNet {
    state: Mutex<Transactions>,
}

/// A failure of the request as a whole: code and text.
type Refused = (&'static str, String);

/// What a request is for, by its one member and the transaction's type.
fn operation(node: &Node) -> &'static str {
    let Some((name, body)) = node.members().first() else {
        return "unknown";
    };
    match name.as_str() {
        "createTransactionRequest" => match body.text(&["transactionRequest", "transactionType"]) {
            Some("authOnlyTransaction") => "authorise",
            Some("authCaptureTransaction") => "charge",
            Some("priorAuthCaptureTransaction") => "capture",
            Some("voidTransaction") => "cancel",
            Some("refundTransaction") => "refund",
            _ => "unknown",
        },
        "getTransactionDetailsRequest" => "status",
        "getUnsettledTransactionListRequest" | "getTransactionListForCustomerRequest" => "search",
        "updateHeldTransactionRequest" => "release",
        "authenticateTestRequest" => "authenticate",
        _ => "unknown",
    }
}

fn refuse_credentials(body: &Node, core: &Core) -> Option<Refused> {
    let given = |name: &str| body.text(&["merchantAuthentication", name]);
    let (Some(login), Some(key)) = (given("name"), given("transactionKey")) else {
        let text = "The element 'merchantAuthentication' is missing or incomplete.";
        return Some(("E00003", text.to_owned()));
    };
    let right = |given: &str, name: &str, default: &str| {
        sign::equal(given.as_bytes(), core.secret(name, default).as_bytes())
    };
    let both = right(login, "authorize_net.login", LOGIN)
        & right(key, "authorize_net.transaction_key", TRANSACTION_KEY);
    (!both).then(|| {
        let text = "User authentication failed due to invalid authentication values.";
        ("E00007", text.to_owned())
    })
}

/// The reply's JSON, behind a byte order mark, with status 200.
fn reply(body: &Value) -> Reply {
    let mut reply = Reply::json(200, body);
    reply.headers = vec![(
        Cow::Borrowed("content-type"),
        "application/json; charset=utf-8".to_owned(),
    )];
    reply.body = Bytes::from([b"\xEF\xBB\xBF".as_slice(), &reply.body].concat());
    reply
}

fn messages(result: &str, code: &str, text: &str) -> Value {
    json!({"resultCode": result, "message": [{"code": code, "text": text}]})
}

/// The members that every good reply has.
fn ok() -> Value {
    messages("Ok", "I00001", "Successful.")
}

/// Sends a notification about a transaction.
fn notify(event: &str, payload: &Value, core: &Core) {
    let id = core.next_id();
    let at = i64::try_from(core.now_ms()).unwrap_or_default();
    let date = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    let body = json!({
        "notificationId": format!("00000000-0000-4000-8000-{id:012}"),
        "eventType": format!("net.authorize.payment.{event}"),
        "eventDate": date.to_string(),
        "webhookId": "00000000-0000-4000-8000-00000000feed",
        "payload": payload,
    });
    core.callbacks.send(Callback {
        provider: "authorize_net",
        secret: ("authorize_net.signature_key", SIGNATURE_KEY),
        content_type: "application/json; charset=utf-8",
        body: Bytes::from(body.to_string()),
        sign: Arc::new(|signing: &Signing| {
            let digest = sign::sha512(signing.secret.as_bytes(), &[&signing.body]);
            let value = format!("sha512={}", hex::encode_upper(digest));
            vec![("x-anet-signature", value)]
        }),
    });
}

impl AuthorizeNet {
    fn answer(&self, request: &Request, core: &Core) -> Result<Value, Refused> {
        let parsing = || {
            let text = "The request body is no JSON, or its root element is unknown.";
            ("E00003", text.to_owned())
        };
        let node = Node::of(&request.body).ok_or_else(parsing)?;
        let [(name, body)] = node.members() else {
            return Err(parsing());
        };
        if let Some(refused) = refuse_credentials(body, core) {
            return Err(refused);
        }
        if body
            .text(&["refId"])
            .is_some_and(|id| id.chars().count() > 20)
        {
            return Err(schema::too_long("refId"));
        }
        let mut state = self.state.lock();
        let mut made = match name.as_str() {
            "createTransactionRequest" => transaction::create(&mut state, body, core)?,
            "getTransactionDetailsRequest" => query::details(&state, body, core)?,
            "getUnsettledTransactionListRequest" => query::unsettled(&state, body, core)?,
            "getTransactionListForCustomerRequest" => query::of_customer(&state, body, core)?,
            "updateHeldTransactionRequest" => transaction::update_held(&mut state, body, core)?,
            "authenticateTestRequest" => json!({"messages": ok()}),
            _ => return Err(parsing()),
        };
        if let (Some(id), Some(members)) = (body.text(&["refId"]), made.as_object_mut()) {
            members.insert("refId".to_owned(), json!(id));
        }
        Ok(made)
    }
}

impl Provider for AuthorizeNet {
    fn name(&self) -> &'static str {
        "authorize_net"
    }

    fn operation(&self, request: &Request) -> &'static str {
        Node::of(&request.body).map_or("unknown", |node| operation(&node))
    }

    fn fail(&self, _request: &Request, status: u16) -> Reply {
        let text =
            format!("<html><body><h1>{status}</h1>The service is unavailable.</body></html>");
        Reply::text(status, &text).with("content-type", "text/html")
    }

    fn handle(&self, request: &Request, core: &Core) -> Reply {
        if request.path != "/xml/v1/request.api" {
            return self.fail(request, 404);
        }
        if request.method != axum::http::Method::POST {
            return self.fail(request, 405);
        }
        match self.answer(request, core) {
            Ok(made) => reply(&made),
            Err((code, text)) => reply(&json!({"messages": messages("Error", code, &text)})),
        }
    }

    /// `POST /_sandbox/authorize_net/release?transaction=ID[&outcome=decline]`: a person decides
    /// about a held transaction. `POST /_sandbox/authorize_net/settle`: all captures settle now.
    fn control(&self, action: &str, request: &Request, core: &Core) -> Option<Reply> {
        let mut state = self.state.lock();
        let made = match action {
            "release" => {
                let id = request.query_value("transaction").unwrap_or_default();
                let approve = request.query_value("outcome").as_deref() != Some("decline");
                transaction::decide(&mut state, &id, approve, core)
            }
            "settle" => {
                state.settle();
                Ok(json!({"messages": ok()}))
            }
            _ => return None,
        };
        Some(match made {
            Ok(made) => Reply::json(200, &made),
            Err((_, text)) => super::control::refuse(404, &text),
        })
    }
}
