//! `onhand subscribers` against a running server.

use super::receiver::{Receiver, until};
use super::{HEADERS, Shop, json};
use crate::it::process::{Said, finish, onhand};
use crate::it::web::send;

fn run(shop: &Shop, arguments: &[&str]) -> Said {
    let mut command = onhand();
    command.env("ONHAND_HTTP", format!("http://{}", shop.http));
    command.env("ONHAND_TENANT", "acme");
    finish(command.arg("subscribers").args(arguments))
}

#[test]
fn subscribers_are_listed_shown_and_sent_events_again_by_hand() {
    let receiver = Receiver::start();
    let shop = Shop::with(&[receiver.table("crm", "types = [\"order\"]")]);
    shop.stock_up();
    shop.hold(2, 0);
    until("2 events", || receiver.taken().len() == 2);
    until("a durable cursor", || shop.subscriber()["lag_records"] == 0);
    run(&shop, &["list"]).exits(0).says("crm").says("active");
    let shown = run(&shop, &["show", "crm", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(shown, shop.subscriber());
    run(&shop, &["show", "crm"])
        .exits(0)
        .says("types         order")
        .says("channels      all");

    let asked = ["rewind", "crm", "--after", "start", "--reason", "restored"];
    run(&shop, &asked).exits(0).says("goes on behind 0-0");
    until("both again", || receiver.taken().len() == 4);
    let first = receiver.taken()[2]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let asked = ["rewind", "crm", "--after", &first, "--format", "json"];
    let moved = run(&shop, &asked).exits(0).json();
    assert_eq!(moved["after"], json!(first));
    until("the second again", || receiver.taken().len() == 5);

    run(&shop, &["rewind", "crm", "--after", "yesterday"])
        .exits(1)
        .says("INVALID_FIELD");
    for action in ["show", "rewind"] {
        run(&shop, &[action, "erp"])
            .exits(1)
            .says("UNKNOWN_SUBSCRIBER");
    }
}

#[test]
fn the_audit_page_knows_who_moved_a_subscriber_and_why() {
    let receiver = Receiver::start();
    let shop = Shop::with(&[receiver.table("crm", "types = [\"order\"]")]);
    shop.stock_up();
    shop.hold(1, 0);
    until("the event", || receiver.taken().len() == 1);
    let asked = ["rewind", "crm", "--after", "start", "--reason", "restored"];
    run(&shop, &asked).exits(0);
    let told = || {
        let path = "/dashboard/data/audit";
        let told = send(shop.http, "GET", path, &HEADERS[1..], b"").json_unless_busy()?;
        let rows = told["audit"].as_array().expect("a list").clone();
        rows.into_iter().find(|row| row["what"] == "subscriber")
    };
    until("the history", || told().is_some());
    let row = told().expect("a row");
    assert_eq!(
        (&row["actor"], &row["action"], &row["subject"]),
        (&json!("anonymous"), &json!("rewind"), &json!("crm"))
    );
    assert_eq!(
        (&row["reason"], &row["after_value"]),
        (&json!("restored"), &json!("0"))
    );
    assert_ne!(row["before_value"], json!("0"));
}

#[test]
fn without_a_subscribers_file_the_list_says_so() {
    let shop = Shop::with(&[]);
    run(&shop, &["list"]).exits(0).says("No subscriber");
}
