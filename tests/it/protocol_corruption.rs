//! Nothing that a broken or hostile peer sends is misread, and nothing of it panics.

use super::messages::{examples, hold, lines};
use super::protocol::whole_frame;
use onhand::limits::{FRAME_BYTES_MAX, FRAME_ITEMS_MAX, QUERY_ITEMS_MAX};
use onhand::types::{LocationId, ResultCode, SkuId};
use onhand::wire::frame::{self, HEADER_BYTES, split_frame};
use onhand::wire::item::Item;
use onhand::wire::opcode::Opcode;
use onhand::wire::reply::Reply;
use onhand::wire::request::{self, EncodeError, Line, Request, ReserveItem};
use onhand::wire::{BodyError, details};
use proptest::prelude::*;

/// A frame with this header and body, whatever they say; the checksum is right.
fn forged(opcode: u8, flags: u16, count: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let start = frame::begin(&mut bytes);
    bytes.extend_from_slice(body);
    start.finish(&mut bytes, opcode, 7, count);
    bytes[16..18].copy_from_slice(&flags.to_le_bytes());
    let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..20]), body);
    bytes[20..24].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn refusal(opcode: Opcode, flags: u16, count: u16, body: &[u8]) -> BodyError {
    let bytes = forged(opcode as u8, flags, count, body);
    Request::decode(&whole_frame(&bytes)).unwrap_err()
}

fn frame_code(bytes: &[u8]) -> (ResultCode, Option<u64>) {
    let error = split_frame(bytes).unwrap_err();
    (error.code, error.request_id)
}

#[test]
fn every_truncation_of_every_message_waits_for_more() {
    for example in examples() {
        for length in 0..example.bytes.len() {
            let split = split_frame(&example.bytes[..length]);
            assert_eq!(split, Ok(None), "{} cut at {length}", example.name);
        }
    }
}

#[test]
fn every_truncated_body_in_a_sound_frame_is_refused() {
    for example in examples() {
        // A shorter ping is another ping; everything else knows its length.
        if example.name.ends_with("ping") {
            continue;
        }
        let header = whole_frame(&example.bytes).header;
        for length in HEADER_BYTES..example.bytes.len() {
            let body = &example.bytes[HEADER_BYTES..length];
            let bytes = forged(header.opcode, 0, header.count, body);
            let frame = whole_frame(&bytes);
            if example.name.starts_with("request") {
                let error = Request::decode(&frame).unwrap_err();
                assert_eq!(error.code, ResultCode::MalformedBody, "{}", example.name);
                assert!(error.offset <= body.len());
            } else {
                assert!(Reply::decode(&frame).is_err(), "{} {length}", example.name);
            }
        }
    }
}

#[test]
fn bytes_after_the_last_item_are_refused() {
    for example in examples() {
        if example.name.ends_with("ping") {
            continue;
        }
        let frame = whole_frame(&example.bytes);
        let body = [frame.body, &[0; 4]].concat();
        let bytes = forged(frame.header.opcode, 0, frame.header.count, &body);
        let frame = whole_frame(&bytes);
        if example.name.starts_with("request") {
            assert!(Request::decode(&frame).is_err(), "{}", example.name);
        } else {
            assert!(Reply::decode(&frame).is_err(), "{}", example.name);
        }
    }
}

#[test]
fn no_flipped_bit_is_ever_read_as_a_message() {
    for example in examples() {
        for bit in 0..example.bytes.len() * 8 {
            let mut bytes = example.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let split = split_frame(&bytes);
            let is_refused = !matches!(split, Ok(Some(_)));
            assert!(is_refused, "{} with bit {bit} flipped", example.name);
        }
    }
}

#[test]
fn a_frame_shorter_than_its_header_is_refused() {
    for length in [0_u32, 1, 23] {
        let mut bytes = forged(Opcode::Ping as u8, 0, 1, b"");
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        assert_eq!(frame_code(&bytes), (ResultCode::FrameTooShort, Some(7)));
    }
}

#[test]
fn an_announcement_above_one_mebibyte_is_refused_from_its_first_bytes() {
    for length in [FRAME_BYTES_MAX as u32 + 1, u32::MAX] {
        let mut bytes = forged(Opcode::Ping as u8, 0, 1, b"");
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        assert_eq!(frame_code(&bytes), (ResultCode::FrameTooLarge, Some(7)));
        assert_eq!(frame_code(&bytes[..8]), (ResultCode::FrameTooLarge, None));
    }
}

#[test]
fn the_largest_frame_is_taken() {
    let bytes = forged(
        Opcode::Ping as u8,
        0,
        1,
        &vec![7; FRAME_BYTES_MAX - HEADER_BYTES],
    );
    assert_eq!(
        whole_frame(&bytes).body.len(),
        FRAME_BYTES_MAX - HEADER_BYTES
    );
}

#[test]
fn another_protocol_is_recognised_by_its_first_eight_bytes() {
    assert_eq!(frame_code(b"GET / HT").0, ResultCode::BadMagic);
    assert_eq!(
        frame_code(&[0x16, 3, 1, 2, 0, 1, 0, 1]).0,
        ResultCode::BadMagic
    );
    assert_eq!(frame_code(&[0; 8]), (ResultCode::BadMagic, None));
    assert_eq!(split_frame(b"GET / H"), Ok(None));
}

#[test]
fn another_version_is_refused_by_name() {
    for version in [0, 2, 255] {
        let mut bytes = forged(Opcode::Ping as u8, 0, 1, b"");
        bytes[6] = version;
        assert_eq!(
            frame_code(&bytes),
            (ResultCode::UnsupportedVersion, Some(7))
        );
    }
}

#[test]
fn undefined_opcodes_and_flags_are_refused_and_framing_goes_on() {
    for opcode in (0..=255).filter(|number| Opcode::from_u8(*number).is_none()) {
        let bytes = forged(opcode, 0, 1, b"");
        let error = Request::decode(&whole_frame(&bytes)).unwrap_err();
        assert_eq!(error.code, ResultCode::UnknownOpcode, "{opcode}");
    }
    let error = refusal(Opcode::Ping, 1, 1, b"");
    assert_eq!(error.code, ResultCode::InvalidField);
}

#[test]
fn one_item_too_many_is_refused_by_name_before_the_body_is_looked_at() {
    for opcode in Opcode::ALL {
        let most = u16::try_from(opcode.items_max()).unwrap();
        let error = refusal(*opcode, 0, most + 1, b"");
        assert_eq!(error.code, ResultCode::TooManyItems, "{}", opcode.name());
    }
    assert_eq!(Opcode::Reserve.items_max(), FRAME_ITEMS_MAX);
    assert_eq!(Opcode::QueryStock.items_max(), QUERY_ITEMS_MAX);
}

#[test]
fn a_frame_without_items_is_refused_unless_it_subscribes_to_everything() {
    for opcode in Opcode::ALL {
        let bytes = forged(*opcode as u8, 0, 0, b"");
        let decoded = Request::decode(&whole_frame(&bytes));
        let is_subscription = *opcode == Opcode::SubscribeStock;
        assert_eq!(decoded.is_ok(), is_subscription, "{}", opcode.name());
    }
}

#[test]
fn a_full_batch_of_orders_decodes_to_the_same_orders() {
    let lines = lines();
    let orders = vec![hold(&lines); FRAME_ITEMS_MAX];
    let mut bytes = Vec::new();
    request::encode(&mut bytes, Opcode::Reserve, 1, &orders).unwrap();
    let Request::Reserve(items) = Request::decode(&whole_frame(&bytes)).unwrap() else {
        panic!("not a reserve");
    };
    assert!(items.eq(orders.iter().copied()));
}

#[test]
fn a_malformed_item_anywhere_refuses_the_frame_and_says_where() {
    let lines = lines();
    let orders = vec![hold(&lines); 3];
    let mut bytes = Vec::new();
    request::encode(&mut bytes, Opcode::Reserve, 1, &orders).unwrap();
    let item_bytes = orders[0].encoded_bytes();
    for item in 0..3 {
        let mut body = bytes[HEADER_BYTES..].to_vec();
        body[item * item_bytes + 47] = 1; // reserved
        let error = refusal(Opcode::Reserve, 0, 3, &body);
        assert_eq!(error.code, ResultCode::MalformedBody);
        assert_eq!(error.offset, item * item_bytes);
    }
}

#[test]
fn reserved_bytes_of_lines_and_padding_must_be_zero() {
    let lines = lines();
    let message = [details::VERSION];
    let order = ReserveItem {
        details: &message,
        ..hold(&lines)
    };
    let mut body = Vec::new();
    order.put(&mut body);
    assert_eq!(body.len(), order.encoded_bytes());
    for reserved in [46, 47, 58, 59, 70, 71, 73, 74, 75] {
        let mut body = body.clone();
        body[reserved] = 1;
        let error = refusal(Opcode::Reserve, 0, 1, &body);
        assert_eq!(error.code, ResultCode::MalformedBody, "byte {reserved}");
    }
}

#[test]
fn what_makes_no_sense_is_delivered_for_a_code_of_its_own() {
    let line = Line {
        sku: SkuId(u32::MAX),
        quantity: 0,
        location: LocationId::ANY,
    };
    for count in [0, 1, 65, 255] {
        let lines = vec![line; count];
        let mut order = hold(&lines);
        order.ttl_ms = 0;
        order.version = 0;
        order.currency = u16::MAX;
        order.total = u64::MAX;
        order.flags = 0xF0;
        let mut bytes = Vec::new();
        request::encode(&mut bytes, Opcode::Reserve, 1, &[order]).unwrap();
        let Request::Reserve(mut items) = Request::decode(&whole_frame(&bytes)).unwrap() else {
            panic!("not a reserve");
        };
        let decoded = items.next().unwrap();
        assert_eq!(decoded, order);
        assert!(!decoded.flags_are_defined());
        assert_eq!(decoded.lines.len(), count);
    }
}

#[test]
fn what_does_not_fit_a_frame_is_not_encoded() {
    let mut bytes = b"before".to_vec();
    let error = request::encode(
        &mut bytes,
        Opcode::Receive,
        1,
        &[SkuId(0); FRAME_ITEMS_MAX + 1],
    );
    assert!(matches!(error, Err(EncodeError::TooManyItems { .. })));
    let lines = [lines()[0]; 255];
    let orders = vec![hold(&lines); 1_000];
    let error = request::encode(&mut bytes, Opcode::Reserve, 1, &orders);
    assert!(matches!(error, Err(EncodeError::FrameTooLarge { .. })));
    assert_eq!(bytes, b"before");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_the_decoders(
        opcode in prop_oneof![
            any::<u8>(),
            proptest::sample::select(Opcode::ALL).prop_map(|opcode| opcode as u8),
        ],
        count in prop_oneof![any::<u16>(), 0..4_u16],
        body in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0)], 0..300),
    ) {
        let bytes = forged(opcode, 0, count, &body);
        let frame = whole_frame(&bytes);
        if let Ok(request) = Request::decode(&frame) {
            let _ = format!("{request:?}");
        }
        let reply = forged(opcode | 0x80, 0, count, &body);
        if let Ok(reply) = Reply::decode(&whole_frame(&reply)) {
            let _ = format!("{reply:?}");
        }
        let _ = split_frame(&body);
        let _ = details::decode(&body, usize::from(count));
    }

    #[test]
    fn corrupted_messages_never_panic_the_decoders(
        which in 0..examples().len(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let example = &examples()[which];
        let frame = whole_frame(&example.bytes);
        let mut body = frame.body.to_vec();
        for (at, byte) in changes {
            if !body.is_empty() {
                let at = at.index(body.len());
                body[at] = byte;
            }
        }
        let bytes = forged(frame.header.opcode, 0, frame.header.count, &body);
        let frame = whole_frame(&bytes);
        if let Ok(Request::Reserve(items)) = Request::decode(&frame) {
            prop_assert_eq!(items.count(), usize::from(frame.header.count));
        }
        let _ = Reply::decode(&frame);
    }

    #[test]
    fn details_survive_any_text(texts in proptest::collection::vec("\\PC{0,40}", 6)) {
        let order = onhand::types::OrderDetails {
            external_id: texts[0].clone(),
            contact_name: texts[1].clone(),
            shipping_address: texts[2..4].iter().filter(|line| !line.is_empty()).cloned().collect(),
            payment_token: texts[4].clone(),
            custom_handling: texts[5].clone(),
            ..Default::default()
        };
        match details::encode(&order, 1) {
            Ok(bytes) => prop_assert_eq!(details::decode(&bytes, 1), Ok(order)),
            Err(error) => prop_assert_eq!(error.code, ResultCode::CardNumber),
        }
    }
}
