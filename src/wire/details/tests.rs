use super::*;

fn full() -> OrderDetails {
    OrderDetails {
        external_id: "4111111111111111".into(),
        contact_name: "Åsa Öberg".into(),
        email: "asa@example.com".into(),
        phone: "+49 151 12345678".into(),
        shipping_address: vec!["Storgatan 1".into(), "111 22 Stockholm".into()],
        billing_address: vec!["Box 7".into()],
        country: "SE".into(),
        payment_token: "pm_1Q2w3E".into(),
        unit_prices: vec![1_999, u64::MAX],
        ip: "2001:db8::7".into(),
        device: "d-77".into(),
        session: "s-1".into(),
        checkout_seconds: 41,
        custom_handling: "gift wrap\r\nno bell".into(),
    }
}

fn field(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![VERSION, tag];
    out.extend_from_slice(&u16::try_from(value.len()).unwrap().to_le_bytes());
    out.extend_from_slice(value);
    out
}

fn code_of(bytes: &[u8]) -> ResultCode {
    decode(bytes, 1).map_or_else(|error| error.code, |_| ResultCode::Ok)
}

#[test]
fn details_survive_the_round_trip() {
    let bytes = encode(&full(), 2).unwrap();
    assert_eq!(decode(&bytes, 2), Ok(full()));
    let empty = encode(&OrderDetails::default(), 3).unwrap();
    assert_eq!(empty, [VERSION]);
    assert_eq!(decode(&empty, 3), Ok(OrderDetails::default()));
}

#[test]
fn no_truncation_of_details_is_read_as_the_whole() {
    let bytes = encode(&full(), 2).unwrap();
    for length in 0..bytes.len() {
        assert_ne!(decode(&bytes[..length], 2), Ok(full()), "length {length}");
    }
}

#[test]
fn what_version_one_does_not_define_is_malformed() {
    let malformed = ResultCode::DetailsMalformed;
    assert_eq!(code_of(&[]), malformed, "empty");
    assert_eq!(code_of(&[2]), malformed, "version");
    assert_eq!(code_of(&field(0, b"x")), malformed, "tag 0");
    assert_eq!(code_of(&field(15, b"x")), malformed, "tag 15");
    assert_eq!(code_of(&field(2, b"")), malformed, "empty field");
    assert_eq!(code_of(&field(2, b"\xff")), malformed, "not UTF-8");
    assert_eq!(code_of(&field(2, b"a\nb")), malformed, "line break");
    assert_eq!(code_of(&field(2, "a\u{85}b".as_bytes())), malformed, "C1");
    assert_eq!(code_of(&field(14, b"a\tb")), malformed, "tab");
    assert_eq!(code_of(&field(14, b"a\nb")), ResultCode::Ok);
    assert_eq!(code_of(&field(7, b"se")), malformed, "lower case");
    assert_eq!(code_of(&field(7, b"SWE")), malformed, "three letters");
    assert_eq!(code_of(&field(9, &[0; 7])), malformed, "part of a price");
    assert_eq!(code_of(&field(9, &[0; 8])), ResultCode::Ok);
    assert_eq!(
        code_of(&field(9, &[0; 16])),
        malformed,
        "two prices, one line"
    );
    assert_eq!(code_of(&field(10, b"300.1.1.1")), malformed, "address");
    assert_eq!(code_of(&field(13, &[0; 3])), malformed, "seconds");
}

#[test]
fn fields_stand_in_order_and_only_address_lines_repeat() {
    let two = |first: u8, second: u8| {
        let mut bytes = field(first, b"a");
        bytes.extend_from_slice(&field(second, b"b")[1..]);
        code_of(&bytes)
    };
    assert_eq!(two(2, 3), ResultCode::Ok);
    assert_eq!(two(3, 2), ResultCode::DetailsMalformed);
    assert_eq!(two(2, 2), ResultCode::DetailsMalformed);
    assert_eq!(two(5, 5), ResultCode::Ok);
    assert_eq!(two(6, 5), ResultCode::DetailsMalformed);
}

#[test]
fn an_address_has_at_most_sixteen_lines() {
    let lines = |count| OrderDetails {
        shipping_address: vec!["x".into(); count],
        ..OrderDetails::default()
    };
    assert!(encode(&lines(ADDRESS_LINES_MAX), 1).is_ok());
    let refused = encode(&lines(ADDRESS_LINES_MAX + 1), 1).unwrap_err();
    assert_eq!(refused.code, ResultCode::DetailsMalformed);
}

#[test]
fn details_of_4096_bytes_are_the_longest() {
    let handling = |length| OrderDetails {
        custom_handling: "x".repeat(length),
        ..OrderDetails::default()
    };
    assert!(encode(&handling(DETAILS_BYTES_MAX - 4), 1).is_ok());
    for length in [DETAILS_BYTES_MAX - 3, 70_000] {
        let refused = encode(&handling(length), 1).unwrap_err();
        assert_eq!(refused.code, ResultCode::DetailsTooLong);
    }
}

#[test]
fn every_text_but_the_external_id_refuses_card_numbers() {
    let card = b"4111111111111111";
    for tag in [2, 3, 4, 5, 6, 8, 11, 12, 14] {
        assert_eq!(code_of(&field(tag, card)), ResultCode::CardNumber, "{tag}");
    }
    assert_eq!(code_of(&field(1, card)), ResultCode::Ok);
}
