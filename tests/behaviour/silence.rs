//! WebSocket heartbeats, at the pace the protocol says. These tests wait.

use std::time::{Duration, Instant};

use crate::harness::{Kind, PlainSocket, Server, opcode};

on_every_codec! {
    a_socket_is_pinged_and_given_up_when_silent,
    a_socket_that_answers_is_kept,
    an_echo_that_is_silent_is_given_up,
}

fn a_socket_is_pinged_and_given_up_when_silent(on: Kind, codec: &str) {
    let server = Server::start(on);
    let start = Instant::now();
    let path = format!("/api/rooms/lobby/socket{codec}");
    let mut socket = PlainSocket::open(&server, &path);
    let patience = Duration::from_secs(25);
    let ping = loop {
        let frame = socket.frame_within(patience);
        if frame.opcode() == opcode::PING {
            break frame;
        }
    };
    let pinged = start.elapsed().as_secs_f64();
    assert!((9.0..13.0).contains(&pinged), "pinged after {pinged} s");
    assert!(ping.payload.len() <= 125);
    // It may say goodbye; what counts is that it hangs up.
    while socket.try_frame(patience).is_ok() {}
    let given_up = start.elapsed().as_secs_f64();
    assert!((18.0..25.0).contains(&given_up), "given up at {given_up} s");
    socket.wire.rest();
}

fn a_socket_that_answers_is_kept(on: Kind, codec: &str) {
    let server = Server::start(on);
    let path = format!("/api/rooms/lobby/socket{codec}");
    let mut socket = PlainSocket::open(&server, &path);
    let start = Instant::now();
    let mut pings = 0;
    while start.elapsed() < Duration::from_secs(24) {
        match socket.try_frame(Duration::from_millis(500)) {
            Ok(frame) if frame.opcode() == opcode::PING => {
                pings += 1;
                socket.send(0x80 | opcode::PONG, &frame.payload);
            }
            Ok(frame) => assert_eq!(frame.opcode(), opcode::TEXT),
            Err(error) => assert!(crate::harness::is_late(&error), "{error}"),
        }
    }
    assert!((2..=3).contains(&pings), "{pings} pings");
    socket.send(0x80 | opcode::PING, b"still here");
    assert_eq!(socket.until(opcode::PONG).payload, b"still here");
}

fn an_echo_that_is_silent_is_given_up(on: Kind, codec: &str) {
    let server = Server::start(on);
    let start = Instant::now();
    let mut socket = PlainSocket::open(&server, &format!("/api/echo{codec}"));
    while socket.try_frame(Duration::from_secs(25)).is_ok() {}
    let given_up = start.elapsed().as_secs_f64();
    assert!((18.0..25.0).contains(&given_up), "given up at {given_up} s");
}
