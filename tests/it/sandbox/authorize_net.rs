//! Authorize.net in the sandbox.

use super::pairs::{Pair, pair, run, sandbox};
use super::receiver::Receiver;
use onhand::sandbox::authorize_net::{LOGIN, SIGNATURE_KEY, TRANSACTION_KEY};
use onhand::sandbox::{Options, Sandbox, sign};

const ROUTE: &str = "/xml/v1/request.api";

fn login() -> String {
    format!(r#""merchantAuthentication":{{"name":"{LOGIN}","transactionKey":"{TRANSACTION_KEY}"}}"#)
}

/// A request of one kind; the members behind the credentials.
fn send(what: &str, kind: &str, members: &str) -> Pair {
    let comma = if members.is_empty() { "" } else { "," };
    let body = format!(r#"{{"{kind}":{{{}{comma}{members}}}}}"#, login());
    pair(what, "POST", ROUTE).json(&body)
}

/// A transaction; the members of `transactionRequest`.
fn transaction(what: &str, members: &str) -> Pair {
    let members = format!(r#""refId":"r-1","transactionRequest":{{{members}}}"#);
    send(what, "createTransactionRequest", &members)
}

/// An authorisation of 44.70 by a token.
fn hold(what: &str, token: &str, invoice: &str) -> Pair {
    transaction(
        what,
        &format!(
            r#""transactionType":"authOnlyTransaction","amount":"44.70","currencyCode":"EUR",
            "payment":{{"opaqueData":{{"dataDescriptor":"COMMON.ACCEPT.INAPP.PAYMENT",
            "dataValue":"{token}"}}}},"order":{{"invoiceNumber":"{invoice}","description":"e-{invoice}"}},
            "customer":{{"id":"c-1"}}"#
        ),
    )
}

fn about(what: &str, kind: &str, amount: &str) -> Pair {
    let amount = if amount.is_empty() {
        String::new()
    } else {
        format!(r#""amount":"{amount}","#)
    };
    transaction(
        what,
        &format!(r#""transactionType":"{kind}",{amount}"refTransId":"{{id}}""#),
    )
}

fn approved(pair: Pair) -> Pair {
    pair.says("/messages/resultCode", "Ok")
        .says("/transactionResponse/responseCode", "1")
}

fn fails(pair: Pair, code: &str) -> Pair {
    pair.says("/messages/resultCode", "Error")
        .says("/transactionResponse/responseCode", "3")
        .says("/transactionResponse/errors/0/errorCode", code)
}

const ID: &str = "/transactionResponse/transId";

#[tokio::test]
async fn a_transaction_is_authorised_captured_settled_and_refunded() {
    let sandbox = sandbox();
    let pairs = [
        approved(hold("authorise", "tok-1", "o-1"))
            .says("/refId", "r-1")
            .keep("id", ID),
        fails(hold("the same again within two minutes", "tok-1", "o-1"), "11"),
        approved(hold("another order is no duplicate", "tok-1", "o-2")).keep("other", ID),
        fails(about("refund before capture", "refundTransaction", "1.00"), "54"),
        fails(about("capture too much", "priorAuthCaptureTransaction", "44.71"), "47"),
        approved(about("capture", "priorAuthCaptureTransaction", "44.70")),
        fails(about("capture twice", "priorAuthCaptureTransaction", "44.70"), "311"),
        fails(about("refund before settlement", "refundTransaction", "1.00"), "54"),
        pair("settle", "POST", "/_sandbox/authorize_net/settle"),
        fails(about("void what is settled", "voidTransaction", ""), "16"),
        approved(about("refund", "refundTransaction", "40.00")),
        fails(about("refund too much", "refundTransaction", "4.71"), "55"),
        send("details", "getTransactionDetailsRequest", r#""transId":"{id}""#)
            .says("/transaction/transactionStatus", "settledSuccessfully")
            .says("/transaction/order/invoiceNumber", "o-1")
            .says("/transaction/order/description", "e-o-1")
            .says("/transaction/settleAmount", 44.7),
        send("unsettled", "getUnsettledTransactionListRequest", "")
            .says("/transactions/0/invoiceNumber", "o-2")
            .says("/transactions/0/transactionStatus", "authorizedPendingCapture"),
        send("the newest", "getUnsettledTransactionListRequest",
             r#""refId":"q","sorting":{"orderBy":"submitTimeUTC","orderDescending":"true"},"paging":{"limit":"1","offset":"1"}"#)
            .says("/totalNumInResultSet", 1)
            .says("/refId", "q"),
        send("of a customer", "getTransactionListForCustomerRequest", r#""customerProfileId":"c-1""#)
            .says("/transactions/1/invoiceNumber", "o-2"),
        send("credentials", "authenticateTestRequest", "").says("/messages/resultCode", "Ok"),
    ];
    run(&sandbox, "authorize_net", &pairs).await;
    let effects = sandbox.ledger().of_order("o-1");
    let told: Vec<_> = effects
        .iter()
        .map(|found| (found.kind, found.amount_minor))
        .collect();
    assert_eq!(effects[1].reference.as_deref(), Some("e-o-1"));
    assert_eq!(
        told,
        [("authorise", 4470), ("capture", 4470), ("refund", 4000)]
    );
}

#[tokio::test]
async fn failures_come_with_status_200_behind_a_byte_order_mark() {
    let sandbox = sandbox();
    let refused = |pair: Pair, code: &str| {
        pair.says("/messages/resultCode", "Error")
            .says("/messages/message/0/code", code)
            .text("\u{feff}{")
    };
    let wrong = r#"{"createTransactionRequest":{"merchantAuthentication":{"name":"x",
        "transactionKey":"y"},"transactionRequest":{}}}"#;
    let misplaced = r#""amount":"44.70","transactionType":"authOnlyTransaction""#;
    let late_ref = format!(
        r#"{{"createTransactionRequest":{{{},"transactionRequest":{{}},"refId":"r"}}}}"#,
        login()
    );
    let pairs = [
        refused(pair("wrong key", "POST", ROUTE).json(wrong), "E00007"),
        refused(
            pair("no credentials", "POST", ROUTE).json(r#"{"createTransactionRequest":{}}"#),
            "E00003",
        ),
        refused(pair("no JSON", "POST", ROUTE).form("a=b"), "E00003"),
        refused(transaction("members out of order", misplaced), "E00003"),
        refused(
            pair("refId behind the transaction", "POST", ROUTE).json(&late_ref),
            "E00003",
        ),
        refused(
            hold("a long invoice number", "t", "an-invoice-of-21-char"),
            "E00003",
        ),
        refused(
            send(
                "details of nothing",
                "getTransactionDetailsRequest",
                r#""transId":"1""#,
            ),
            "E00040",
        ),
        refused(
            transaction("an unknown type", r#""transactionType":"x""#),
            "E00003",
        ),
        fails(
            transaction("no amount", r#""transactionType":"authOnlyTransaction""#),
            "5",
        ),
        fails(
            transaction(
                "too many decimals",
                r#""transactionType":"authOnlyTransaction","amount":"1.005""#,
            ),
            "5",
        ),
        fails(
            transaction(
                "no token",
                r#""transactionType":"authOnlyTransaction","amount":"1.00""#,
            ),
            "6",
        ),
        hold("declined", "tok-declined", "o-1")
            .says("/messages/resultCode", "Ok")
            .says("/transactionResponse/responseCode", "2")
            .says("/transactionResponse/errors/0/errorCode", "2"),
        fails(hold("an error", "tok-error", "o-1"), "19"),
        hold("a token for one use", "once-1-declined", "o-1")
            .says("/transactionResponse/responseCode", "2"),
        refused(hold("used again", "once-1-declined", "o-1"), "E00114"),
        fails(
            transaction(
                "void of nothing",
                r#""transactionType":"voidTransaction","refTransId":"1""#,
            ),
            "16",
        ),
        pair("GET", "GET", ROUTE).answers(405),
        pair("no such route", "POST", "/v2").answers(404),
    ];
    run(&sandbox, "authorize_net", &pairs).await;
    assert_eq!(sandbox.ledger().len(), 2, "two declines and nothing else");
}

#[tokio::test]
async fn a_held_transaction_is_neither_paid_nor_failed_until_a_person_decides() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::start(Options {
        callback_target: Some(receiver.url.clone()),
        ..Options::default()
    })
    .unwrap();
    let pairs = [
        hold("held", "tok-held", "o-1")
            .says("/messages/resultCode", "Ok")
            .says("/transactionResponse/responseCode", "4")
            .keep("id", ID),
        fails(
            about("no capture while held", "priorAuthCaptureTransaction", ""),
            "16",
        ),
        pair(
            "release",
            "POST",
            "/_sandbox/authorize_net/release?transaction={id}",
        ),
        approved(about("capture", "priorAuthCaptureTransaction", "")),
        hold("held again", "tok-held", "o-2").keep("id", ID),
        send(
            "decline",
            "updateHeldTransactionRequest",
            r#""heldTransactionRequest":{"action":"decline","refTransId":"{id}"}"#,
        )
        .says("/transactionResponse/responseCode", "2"),
        hold("a third", "tok", "o-3").keep("id", ID),
        approved(about("void", "voidTransaction", "")),
        fails(about("void twice", "voidTransaction", ""), "310"),
    ];
    run(&sandbox, "authorize_net", &pairs).await;
    let arrived = receiver.wait_for(7).await;
    let mut kinds = Vec::new();
    for one in &arrived {
        let digest = one
            .header("x-anet-signature")
            .strip_prefix("sha512=")
            .unwrap();
        let right = sign::sha512(SIGNATURE_KEY.as_bytes(), &[&one.body]);
        assert_eq!(digest, hex::encode_upper(right));
        let kind = one.json()["eventType"].as_str().unwrap().to_owned();
        kinds.push(kind.replace("net.authorize.payment.", ""));
    }
    kinds.sort();
    let expected = [
        "authorization.created",
        "fraud.approved",
        "fraud.declined",
        "fraud.held",
        "fraud.held",
        "priorAuthCapture.created",
        "void.created",
    ];
    assert_eq!(kinds, expected);
}
