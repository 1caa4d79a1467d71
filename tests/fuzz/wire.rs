//! Frames: requests as the server reads them, replies as a client does.

use super::super::messages::examples;
use super::edit::{Edit, apply, edits};
use super::run::run;
use onhand::limits::FRAME_BYTES_MAX;
use onhand::types::ResultCode;
use onhand::wire::frame::{self, HEADER_BYTES, split_frame};
use onhand::wire::item::Item;
use onhand::wire::opcode::Opcode;
use onhand::wire::reply::{Reply, ReplyError};
use onhand::wire::request::{self, Request};
use proptest::prelude::*;

/// The frames that the protocol's document shows, of requests or of replies.
fn frames(direction: &str) -> Vec<Vec<u8>> {
    let all = examples().into_iter();
    let frames = all.filter(|example| example.name.starts_with(direction));
    frames.map(|example| example.bytes).collect()
}

/// A frame whose header or body is edited; its checksum is right.
#[derive(Clone, Debug)]
struct Forged {
    of: usize,
    opcode: Option<u8>,
    count: Option<u16>,
    body: Vec<Edit>,
}

fn forged() -> impl Strategy<Value = Forged> {
    let opcode = proptest::option::weighted(0.1, any::<u8>());
    let count = proptest::option::weighted(0.3, prop_oneof![0..4_u16, any::<u16>()]);
    (any::<usize>(), opcode, count, edits()).prop_map(|(of, opcode, count, body)| Forged {
        of,
        opcode,
        count,
        body,
    })
}

impl Forged {
    fn bytes(&self, frames: &[Vec<u8>]) -> Vec<u8> {
        let sound = &frames[self.of % frames.len()];
        let (known, _) = split_frame(sound).unwrap().unwrap();
        let mut bytes = Vec::new();
        let start = frame::begin(&mut bytes);
        bytes.extend_from_slice(&apply(known.body, &self.body));
        let header = known.header;
        let opcode = self.opcode.unwrap_or(header.opcode);
        let count = self.count.unwrap_or(header.count);
        start.finish(&mut bytes, opcode, header.request_id, count);
        bytes
    }
}

/// The body that a client sends for what was read.
fn again(opcode: Opcode, request: &Request<'_>) -> Vec<u8> {
    fn of<'a, T: Item<'a>>(opcode: Opcode, items: impl IntoIterator<Item = T>) -> Vec<u8> {
        let items: Vec<T> = items.into_iter().collect();
        let mut bytes = Vec::new();
        request::encode(&mut bytes, opcode, 7, &items).unwrap();
        bytes.split_off(HEADER_BYTES)
    }
    match *request {
        Request::Hello(it) => of(opcode, [it]),
        Request::Ping(it) => of(opcode, [it]),
        Request::Statistics(it) => of(opcode, [it]),
        Request::DefineSku(items) => of(opcode, items),
        Request::ResolveSku(items) | Request::ResolveLocation(items) => of(opcode, items),
        Request::DefineLocation(items) => of(opcode, items),
        Request::Receive(items) => of(opcode, items),
        Request::Adjust(it) => of(opcode, [it]),
        Request::Set(it) => of(opcode, [it]),
        Request::Transfer(it) => of(opcode, [it]),
        Request::Move(it) => of(opcode, [it]),
        Request::Reserve(items) => of(opcode, items),
        Request::Confirm(items) | Request::Release(items) | Request::Cancel(items) => {
            of(opcode, items)
        }
        Request::ConfirmLines(it) | Request::Ship(it) | Request::Return(it) => of(opcode, [it]),
        Request::Extend(items) => of(opcode, items),
        Request::QueryStock(items) => of(opcode, items),
        Request::QueryOrder(items) => of(opcode, items),
        Request::SubscribeStock(items) => of(opcode, items),
        Request::ListSkus(page) | Request::ListLocations(page) => of(opcode, [page]),
        ref other => panic!("a request that this target does not know: {other:?}"),
    }
}

#[test]
fn a_request_that_is_read_is_the_one_that_its_bytes_say() {
    let frames = frames("request");
    run("tests/fuzz/regressions/requests.txt", forged(), |forged| {
        let bytes = forged.bytes(&frames);
        let (frame, length) = split_frame(&bytes).unwrap().unwrap();
        assert_eq!(length, bytes.len());
        match Request::decode(&frame) {
            Ok(request) => {
                let opcode = Opcode::from_u8(frame.header.opcode).unwrap();
                assert_eq!(again(opcode, &request), frame.body, "{request:?}");
            }
            Err(error) => {
                assert!(error.offset <= frame.body.len(), "{error}");
                let named = [
                    ResultCode::UnknownOpcode,
                    ResultCode::InvalidField,
                    ResultCode::TooManyItems,
                    ResultCode::MalformedBody,
                ];
                assert!(named.contains(&error.code), "{error}");
            }
        }
    });
}

#[test]
fn a_client_reads_or_refuses_every_reply() {
    let frames = frames("reply");
    run("tests/fuzz/regressions/replies.txt", forged(), |forged| {
        let bytes = forged.bytes(&frames);
        let (frame, _) = split_frame(&bytes).unwrap().unwrap();
        match Reply::decode(&frame) {
            Ok(reply) => {
                let walked = walked(reply).unwrap_or(frame.header.count.into());
                assert_eq!(walked, usize::from(frame.header.count), "{reply:?}");
            }
            Err(ReplyError::UnexpectedOpcode(opcode)) => assert_eq!(opcode, frame.header.opcode),
            Err(error) => {
                let ReplyError::Malformed { opcode, offset } = error else {
                    panic!("an error that this target does not know: {error}");
                };
                assert_eq!(opcode, frame.header.opcode);
                assert!(offset <= frame.body.len(), "{error}");
            }
        }
    });
}

/// The items of a reply, each walked to its end; none where it is no list.
fn walked(reply: Reply<'_>) -> Option<usize> {
    /// What is in an item is read where it is shown.
    fn shown<T: std::fmt::Debug>(items: impl Iterator<Item = T>) -> Option<usize> {
        Some(items.filter(|item| !format!("{item:?}").is_empty()).count())
    }
    match reply {
        Reply::Names(items) | Reply::SubscribeStock(items) => shown(items),
        Reply::Stock(items) => shown(items),
        Reply::OrderCommands(items) => shown(items),
        Reply::QueryStock(items) => shown(items),
        Reply::QueryOrder(items) => shown(items),
        Reply::StockEvents(items) => shown(items),
        Reply::Statistics(reply) => shown(reply.values),
        Reply::Skus(list) => shown(list.entries),
        Reply::Locations(list) => shown(list.entries),
        Reply::Reserve(reply) => {
            let notes = reply.items.map(|item| usize::from(item.notes)).sum();
            assert_eq!(shown(reply.notes), Some(notes), "{reply:?}");
            shown(reply.items)
        }
        _ => None,
    }
}

#[test]
fn the_start_of_a_stream_is_a_frame_or_waits_or_is_refused() {
    let inputs = (any::<usize>(), edits(), any::<usize>());
    let frames = [frames("request"), frames("reply")].concat();
    run(
        "tests/fuzz/regressions/frames.txt",
        inputs,
        |(of, edits, cut)| {
            let two = [
                frames[of % frames.len()].as_slice(),
                &frames[(of / 7) % frames.len()],
            ];
            let bytes = apply(&two.concat(), &edits);
            let whole = split_frame(&bytes);
            let cut = cut % (bytes.len() + 1);
            let part = split_frame(&bytes[..cut]);
            match (whole, part) {
                (Ok(Some((_, length))), part) => {
                    assert!((HEADER_BYTES..=FRAME_BYTES_MAX).contains(&length));
                    let wanted = if cut < length { Ok(None) } else { whole };
                    assert_eq!(part, wanted, "cut at {cut} of {length}");
                }
                // What is not a frame does not become one by waiting.
                (Ok(None), part) => assert_eq!(part, Ok(None)),
                (Err(_), part) => assert!(!matches!(part, Ok(Some(_)))),
            }
        },
    );
}
