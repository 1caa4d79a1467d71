//! A server that answers hello and leaves everything else to a test.

use onhand::types::{ResultCode, Role, TenantId};
use onhand::wire::Frame;
use onhand::wire::frame::split_frame;
use onhand::wire::opcode::Opcode;
use onhand::wire::reply::{ErrorReply, HelloReply, put_single};
use onhand::wire::request::Request;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

/// What the script says after a frame.
pub enum Next {
    GoOn,
    Close,
}

pub type Script = dyn FnMut(usize, &Frame<'_>, &mut Vec<u8>) -> Next + Send;

/// A server that answers hello and leaves everything else to `script`, which gets the number of
/// the connection (from 0). It serves `connections` of them, one after the other.
pub fn serve(connections: usize, mut script: Box<Script>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        for number in 0..connections {
            let (stream, _) = listener.accept().unwrap();
            serve_stream(stream, &mut |frame, out| script(number, frame, out));
        }
    });
    (address, thread)
}

pub fn serve_stream(
    mut stream: impl Read + Write,
    script: &mut dyn FnMut(&Frame<'_>, &mut Vec<u8>) -> Next,
) {
    let mut incoming = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while let Ok(Some((frame, length))) = split_frame(&incoming) {
            let mut out = Vec::new();
            let next = if frame.header.opcode == Opcode::Hello as u8 {
                hello(&frame, &mut out)
            } else {
                script(&frame, &mut out)
            };
            stream.write_all(&out).unwrap();
            stream.flush().unwrap();
            if matches!(next, Next::Close) {
                return;
            }
            incoming.drain(..length);
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(read) => incoming.extend_from_slice(&buffer[..read]),
        }
    }
}

fn hello(frame: &Frame<'_>, out: &mut Vec<u8>) -> Next {
    let Ok(Request::Hello(hello)) = Request::decode(frame) else {
        panic!("not a hello");
    };
    let id = frame.header.request_id;
    if hello.token == "right" && hello.tenant == "acme" {
        let reply = HelloReply::new(5, TenantId(2), 0, Role::Connector);
        put_single(out, Opcode::Hello.reply(), id, &reply);
        return Next::GoOn;
    }
    let error = ErrorReply {
        code: ResultCode::Unauthenticated,
        retry_after_ms: 0,
        text: "no such token",
    };
    error.put_frame(out, id);
    Next::Close
}
