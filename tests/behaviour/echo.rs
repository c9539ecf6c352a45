//! `GET /api/echo` and `echo-by-hand`: a WebSocket that sends everything back.

use tungstenite::Message as Frame;

use crate::harness::{
    Kind, PATIENCE, PlainSocket, Server, Setup, Socket, Wire, mask, opcode,
};

on_every_codec! {
    text_and_bytes_come_back,
    a_mebibyte_comes_back,
    more_than_a_mebibyte_does_not,
    fragments_come_back_as_one_message,
    a_close_comes_back,
    text_that_is_not_utf8_is_not_taken,
    an_echo_that_nobody_reads_fills_no_memory,
}

/// The echo that a codec reads.
fn path(codec: &str) -> String {
    format!("/api/echo{codec}")
}

#[track_caller]
fn comes_back(socket: &mut Socket, frame: Frame) {
    match &frame {
        Frame::Text(text) => socket.text(text),
        Frame::Binary(bytes) => socket.binary(bytes.clone()),
        other => panic!("not a message: {other}"),
    }
    assert_eq!(socket.frame(PATIENCE).unwrap(), frame);
}

fn text_and_bytes_come_back(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = Socket::path(&server, &path(codec));
    for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
        comes_back(&mut socket, Frame::text("x".repeat(length)));
        comes_back(&mut socket, Frame::binary(vec![0xff; length]));
    }
    comes_back(&mut socket, Frame::text("é👋\0"));
}

fn a_mebibyte_comes_back(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = Socket::path(&server, &path(codec));
    comes_back(&mut socket, Frame::text("x".repeat(1 << 20)));
    comes_back(&mut socket, Frame::binary(vec![7; 1 << 20]));
}

fn more_than_a_mebibyte_does_not(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = Socket::path(&server, &path(codec));
    socket.binary(vec![7; (1 << 20) + 1]);
    assert_eq!(socket.closed(), 1009);
}

fn fragments_come_back_as_one_message(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = PlainSocket::open(&server, &path(codec));
    socket.send(opcode::BINARY, b"one ");
    socket.send(opcode::CONTINUATION, b"");
    socket.send(opcode::CONTINUATION, b"two ");
    socket.send(0x80 | opcode::CONTINUATION, b"three");
    let frame = socket.until(opcode::BINARY);
    assert_eq!(frame.payload, b"one two three");
    assert_eq!(frame.first, 0x80 | opcode::BINARY);
}

fn a_close_comes_back(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = PlainSocket::open(&server, &path(codec));
    socket.send(0x80 | opcode::CLOSE, b"\x0f\xa0mine");
    assert_eq!(socket.until(opcode::CLOSE).close_code(), 4000);
    socket.wire.closed();
}

fn text_that_is_not_utf8_is_not_taken(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = PlainSocket::open(&server, &path(codec));
    socket.send(0x80 | opcode::TEXT, b"\xff\xfe");
    socket.is_closed_with(1007);
}

fn an_echo_that_nobody_reads_fills_no_memory(on: Kind, codec: &str) {
    let server = Setup::new(on).option("--write-timeout", "2").start();
    let before = server.peak_mib();
    let wire = Wire::narrow(&server);
    let mut socket = PlainSocket::over(wire, &server, &path(codec));
    let message = mask(0x80 | opcode::BINARY, &vec![7; 1 << 20]);
    // It stops reading, gives up, and throws away what still comes.
    let mut sent = 0;
    while sent < 200 && socket.wire.try_send(&message).is_ok() {
        sent += 1;
    }
    let grown = server.peak_mib().saturating_sub(before);
    assert!(grown < 30, "grown by {grown} MiB for {sent} messages");
}
