//! The details message of an order.

use super::edit::{apply, edits};
use super::run::run;
use onhand::limits::DETAILS_BYTES_MAX;
use onhand::types::{OrderDetails, ResultCode};
use onhand::wire::details::{decode, encode};

/// Details with every field.
pub fn full() -> OrderDetails {
    OrderDetails {
        external_id: "#1042".into(),
        contact_name: "Ana Ruiz".into(),
        email: "ana@example.com".into(),
        phone: "+34600000000".into(),
        shipping_address: vec!["Calle Sol 4".into(), "28013 Madrid".into()],
        billing_address: vec!["Gran Via 1".into()],
        country: "ES".into(),
        payment_token: "pm_card_visa".into(),
        unit_prices: vec![1_990, 450],
        ip: "2001:db8::7".into(),
        device: "d-1".into(),
        session: "s-1".into(),
        checkout_seconds: 41,
        custom_handling: "gift wrap\nno invoice".into(),
    }
}

#[test]
fn a_message_that_is_read_is_the_one_that_its_bytes_say() {
    let sound = encode(&full(), 2).unwrap();
    let inputs = (edits(), 0..4_usize);
    run(
        "tests/fuzz/regressions/details.txt",
        inputs,
        |(edits, lines)| {
            let bytes = apply(&sound, &edits);
            match decode(&bytes, lines) {
                Ok(read) => {
                    assert!(bytes.len() <= DETAILS_BYTES_MAX);
                    assert!(read.unit_prices.is_empty() || read.unit_prices.len() == lines);
                    assert_eq!(encode(&read, lines).unwrap(), bytes, "{read:?}");
                }
                Err(error) => {
                    let named = [
                        ResultCode::DetailsMalformed,
                        ResultCode::DetailsTooLong,
                        ResultCode::CardNumber,
                    ];
                    assert!(named.contains(&error.code), "{error:?}");
                    assert!(error.offset <= bytes.len(), "{error:?}");
                }
            }
        },
    );
}
