//! Everything that can be wrong with a delivery, of every marketplace to which it applies: what it is
//! answered, that nothing moved, and what counts it.

mod places;

use std::io::{Read, Write};
use std::net::TcpStream;

use super::super::served::PATIENCE;
use super::super::web::Answered;
use super::rig::{OLD_SECRET, SECRET};
use places::{ACME, PLACES, Place, RIGHT, Said, Sent, World};

/// What is wrong with a delivery as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// Signed by somebody else.
    Signer,
    /// By a secret that has been withdrawn.
    RetiredSecret,
    /// The signature of an earlier delivery.
    OldSignature,
    /// Text that no signature is written in.
    Garbled,
    /// None.
    Unsigned,
    /// No text, and not signed.
    UnsignedNoText,
    /// Nothing at all, signed and not.
    Empty,
    UnsignedEmpty,
    /// 10 MiB, signed.
    Long,
    /// Of another shop of the same app.
    OtherShop,
    /// Of a topic that means nothing here.
    UnknownTopic,
}

const WRONG: [Wrong; 11] = [
    Wrong::Signer,
    Wrong::RetiredSecret,
    Wrong::OldSignature,
    Wrong::Garbled,
    Wrong::Unsigned,
    Wrong::UnsignedNoText,
    Wrong::Empty,
    Wrong::UnsignedEmpty,
    Wrong::Long,
    Wrong::OtherShop,
    Wrong::UnknownTopic,
];

/// Status, and word of the metric; none where it does not apply.
fn answer_to(wrong: Wrong, kind: &str) -> Option<(u16, &'static str)> {
    // Shopee and TikTok Shop have a test button that posts nothing.
    let knows_empty = matches!(kind, "shopee" | "tiktok");
    Some(match wrong {
        Wrong::Signer | Wrong::RetiredSecret | Wrong::OldSignature | Wrong::Garbled => {
            (401, "wrong_signature")
        }
        Wrong::Unsigned | Wrong::UnsignedNoText => (401, "no_signature"),
        Wrong::UnsignedEmpty if knows_empty => (401, "no_signature"),
        Wrong::Empty | Wrong::UnsignedEmpty if !knows_empty => (401, "empty"),
        Wrong::Empty if kind == "shopee" => (200, "ignored"),
        // It is kept for a person: see below.
        Wrong::Empty | Wrong::UnsignedEmpty => return None,
        Wrong::Long => (413, "too_large"),
        // A webhook of WooCommerce has a secret of its own, and names no shop.
        Wrong::OtherShop if kind == "woocommerce" => return None,
        Wrong::OtherShop => (401, "other_shop"),
        Wrong::UnknownTopic => (200, "ignored"),
    })
}

fn bare(body: &[u8]) -> Sent {
    Sent {
        body: body.to_vec(),
        headers: Vec::new(),
    }
}

fn deliver(world: &mut World, place: &Place, wrong: Wrong) -> Answered {
    let (_, right) = world.sold(place, &RIGHT);
    let by = |secret: &str, sent: &Sent| Some(place.signature(secret, &sent.body));
    let (sent, signature) = match wrong {
        Wrong::Signer => (right.clone(), by("another", &right)),
        Wrong::RetiredSecret => (right.clone(), by("retired", &right)),
        Wrong::OldSignature => {
            let (_, earlier) = world.sold(place, &RIGHT);
            (right, by(SECRET, &earlier))
        }
        Wrong::Garbled => (right, Some("?!".to_owned())),
        Wrong::Unsigned => (right, None),
        Wrong::UnsignedNoText => (bare(b"\xff\xfe\x00no text"), None),
        Wrong::Empty => (bare(b""), by(SECRET, &bare(b""))),
        Wrong::UnsignedEmpty => (bare(b""), None),
        Wrong::Long => {
            let mut long = right;
            long.body.resize(10 << 20, b' ');
            let signature = by(SECRET, &long);
            (long, signature)
        }
        Wrong::OtherShop => {
            let order = world.order();
            let shop = match place.kind {
                "shopify" => "other.myshopify.com",
                _ => "999000999",
            };
            let sent = place.delivery(shop, &order, &RIGHT);
            let signature = by(SECRET, &sent);
            (sent, signature)
        }
        Wrong::UnknownTopic => {
            let sent = place.unknown_topic();
            let signature = by(SECRET, &sent);
            (sent, signature)
        }
    };
    world.send(place, &sent, signature.as_deref())
}

#[test]
fn whatever_is_wrong_with_a_delivery_is_answered_and_counted_and_not_journaled() {
    let mut world = World::open(|_| {});
    let before = world.at_rest();
    for place in PLACES {
        for wrong in WRONG {
            let Some((status, result)) = answer_to(wrong, place.kind) else {
                continue;
            };
            let name = place.name;
            let line = format!("onhand_webhooks_total{{channel=\"{name}\",result=\"{result}\"}}");
            let counted = world.count(&line);
            let answered = deliver(&mut world, &place, wrong);
            // Some senders take an answer with a body for a failure; who is nobody learns nothing.
            let told = (answered.status, answered.body.as_str());
            assert_eq!(told, (status, ""), "{name}: {wrong:?}");
            assert_eq!(world.count(&line), counted + 1.0, "{name}: {wrong:?}");
            assert_eq!(world.standing(), before, "{name}: {wrong:?}");
        }
        // Of two secrets in force both hold; so the refusals above are due to what is wrong.
        let quiet = place.unknown_topic();
        for secret in [SECRET, OLD_SECRET] {
            let signature = place.signature(secret, &quiet.body);
            world.send(&place, &quiet, Some(&signature)).is(200);
        }
    }
    assert_eq!(world.at_rest(), before, "nothing came behind it");
}

/// An order that is one in every respect but these: what is wrong, what it says, what is said of it.
const UNFIT: [(&str, Said, &str); 9] = [
    (
        "a negative quantity",
        Said {
            quantity: "-1",
            ..RIGHT
        },
        "quantity",
    ),
    (
        "no quantity",
        Said {
            quantity: "0",
            ..RIGHT
        },
        "quantity",
    ),
    (
        "a fractional quantity",
        Said {
            quantity: "1.5",
            ..RIGHT
        },
        "quantity",
    ),
    (
        "a huge quantity",
        Said {
            quantity: "99999999999999999999",
            ..RIGHT
        },
        "quantity",
    ),
    (
        "a quantity beyond the bound",
        Said {
            quantity: "1000001",
            ..RIGHT
        },
        "quantity",
    ),
    (
        "negative money",
        Said {
            price: "-1.00",
            ..RIGHT
        },
        "price",
    ),
    (
        "huge money",
        Said {
            price: "99999999999999999999.00",
            ..RIGHT
        },
        "price",
    ),
    (
        "another currency",
        Said {
            currency: "USD",
            ..RIGHT
        },
        "EUR only",
    ),
    (
        "an item that nobody has mapped",
        Said {
            sku: "nothing",
            ..RIGHT
        },
        "no SKU stands for",
    ),
];

/// Everything that is kept for a person, with what is said of it and what becomes of it.
fn unfit(world: &mut World, place: &Place) -> Vec<(&'static str, Sent, &'static str)> {
    let mut all = Vec::new();
    for (what, said, note) in UNFIT {
        // TikTok Shop names every unit on a line of its own.
        if place.kind == "tiktok" && note == "quantity" {
            continue;
        }
        let (_, sent) = world.sold(place, &said);
        all.push((what, sent, note));
    }
    let topic = world.sold(place, &RIGHT).1.headers;
    let mut raw = |what, body: &[u8], note| {
        let headers = topic.clone();
        let body = body.to_vec();
        all.push((what, Sent { body, headers }, note));
    };
    raw("bytes that are no text", b"\xff\xfe\x00no text", "UTF-8");
    raw("no JSON", b"{\"id\": ", "JSON");
    if place.kind == "tiktok" {
        raw("an empty body", b"", "JSON");
    }
    all
}

#[test]
fn an_order_that_cannot_be_one_is_kept_for_a_person_and_counted_and_moves_nothing() {
    let mut world = World::open(|_| {});
    let mut before = world.at_rest();
    let mut known: Vec<String> = Vec::new();
    for place in PLACES {
        let mut first = true;
        for (what, sent, note) in unfit(&mut world, &place) {
            let name = place.name;
            let fate = match note {
                "no SKU stands for" => "unmapped",
                _ => "quarantined",
            };
            let line = |metric: &str, label: &str, word: &str| {
                format!("onhand_{metric}_total{{channel=\"{name}\",{label}=\"{word}\"}}")
            };
            let taken = line("webhooks", "result", "accepted");
            let settled = line("channel_events", "step", fate);
            let counted = (world.count(&taken), world.count(&settled));
            let answered = world.send_signed(&place, &sent);
            let told = (answered.status, answered.body.as_str());
            assert_eq!(told, (200, ""), "{name}: {what}");
            world.shop.counts(&settled, counted.1 + 1.0);
            let now = (world.count(&taken), world.count(&settled));
            assert_eq!(now, (counted.0 + 1.0, counted.1 + 1.0), "{name}: {what}");
            let held = world.held();
            let id = |one: &serde_json::Value| one["event"].as_str().expect("an id").to_owned();
            let new: Vec<_> = held
                .iter()
                .filter(|one| !known.contains(&id(one)))
                .collect();
            let [new] = new[..] else {
                panic!("{name}: {what}: {new:?}");
            };
            let said = new["note"].as_str().expect("a note");
            assert!(said.contains(note), "{name}: {what}: {said}");
            assert_eq!(
                (&new["fate"], &new["channel"]),
                (&fate.into(), &place.number.into())
            );
            known.push(id(new));
            // The delivery and what became of it: two records, and none about an order or stock. Who
            // is heard of for the first time is given a number beside it.
            let now = world.standing();
            let records = now.sequence - before.sequence;
            assert!(
                records == 2 || first && records == 3,
                "{name}: {what}: {records}"
            );
            (before.sequence, first) = (now.sequence, false);
            assert_eq!(now, before, "{name}: {what}");
        }
    }
    assert_eq!(world.at_rest(), before, "nothing came behind it");
}

#[test]
fn a_replayed_delivery_is_counted_and_not_journaled() {
    let mut world = World::open(|_| {});
    let placed = world.place_all();
    let before = world.at_rest();
    for (place, order, sent) in &placed {
        let name = place.name;
        for round in 1..=3 {
            world.send_signed(place, sent).is(200);
            let count = |line: &str| world.count(&line.replace('@', name));
            let counted = [
                count("onhand_webhooks_total{channel=\"@\",result=\"repeated\"}"),
                count("onhand_channel_events_total{channel=\"@\",step=\"repeated\"}"),
            ];
            assert_eq!(counted, [f64::from(round); 2], "{name}");
            assert_eq!(world.standing(), before, "{name}");
        }
        assert_eq!(world.shop.order(place.number, order).summary.version, 1);
    }
    assert_eq!(world.at_rest(), before, "nothing came behind it");
}

#[test]
fn a_body_that_does_not_come_is_answered_408_and_counted_and_not_journaled() {
    let world = World::open(|config| config.http_body_timeout_ms = 300);
    let before = world.at_rest();
    for place in PLACES {
        let name = place.name;
        let line = format!("onhand_webhooks_total{{channel=\"{name}\",result=\"too_slow\"}}");
        let counted = world.count(&line);
        let mut stream = TcpStream::connect(world.shop.http).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 500\r\n\
             connection: close\r\n\r\n{{",
            place.path()
        );
        stream.write_all(head.as_bytes()).expect("sent");
        let mut said = String::new();
        stream.read_to_string(&mut said).expect("an answer");
        assert!(said.starts_with("HTTP/1.1 408"), "{name}: {said}");
        assert!(said.ends_with("\r\n\r\n"), "{name}: {said}");
        assert_eq!(world.count(&line), counted + 1.0, "{name}");
        assert_eq!(world.standing(), before, "{name}");
    }
}

#[test]
fn a_tenant_sees_nothing_of_what_another_ones_shops_sent() {
    let mut world = World::open(|_| {});
    let (_, sent) = world.sold(&PLACES[0], &UNFIT[0].1);
    world.send_signed(&PLACES[0], &sent).is(200);
    let held = world.shop.holds(1).remove(0);
    let event = held["event"].as_str().expect("an id");
    let get = |tenant: &str, path: &str| {
        let tenant = ("onhand-tenant", tenant);
        super::super::web::send(world.shop.http, "GET", path, &[tenant], b"")
    };
    let path = format!("/v1/quarantine/{event}");
    get(ACME.1, &path).is(200);
    get("globex", &path).is_problem(404, "UNKNOWN_EVENT");
    let none = get("globex", "/v1/quarantine").is(200).json();
    assert_eq!(none["events"], serde_json::json!([]));
}
