//! Readers that do not keep up: cut at the bound, and nothing lost for it.

use std::io;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::tunnel::through_tls;
use crate::harness::{
    Kind, Message, OpenBody, PATIENCE, PlainSocket, Reader, Server, Setup,
    Socket, TempDir, Transport, Wire, eventually, eventually_within, long_text,
    opcode, say,
};

on_every_server! {
    a_slow_reader_is_cut_and_loses_nothing,
    a_slow_reader_over_tls_is_cut_and_loses_nothing,
    a_slow_reader_does_not_hold_up_the_others,
    a_reader_that_wakes_up_in_time_is_not_cut,
    memory_for_readers_that_never_read_is_bounded,
}

/// Bytes of each text: a thousand of them are more than two sockets hold.
const LENGTH: usize = 4000;
/// How many of them are.
const POSTS: usize = 3000;

fn setup(on: Kind) -> Setup {
    Setup::new(on)
        .option("--keep-messages", "10000")
        .option("--max-backlog", "65536")
        .option("--write-timeout", "2")
}

/// Posts long texts, as fast as they are acknowledged.
fn flood(server: &Server, numbers: std::ops::Range<usize>) {
    let mut socket = Socket::path(server, "/api/rooms/lobby/socket");
    for chunk in numbers.collect::<Vec<_>>().chunks(50) {
        for number in chunk {
            let text = long_text(*number, LENGTH);
            let id = format!("flood-{number}");
            socket.send(&json!({
                "type": "post", "id": id, "nick": "ada", "text": text,
            }));
        }
        for _ in chunk {
            socket.until("ack");
        }
    }
}

/// Opens a reader of a transport that takes in as little as it can.
fn narrow(server: &Server, transport: Transport, after: u64) -> Slow {
    let wire = Wire::narrow(server);
    let path = format!("/api/rooms/lobby/{}?after={after}", transport.path());
    if transport.is_socket() {
        return Slow::Socket(PlainSocket::over(wire, server, &path));
    }
    let body = OpenBody::over(wire, server.address, &path, "");
    Slow::Lines(body.unwrap(), transport)
}

/// A reader that does not read until it is asked to.
enum Slow {
    Lines(OpenBody, Transport),
    Socket(PlainSocket),
}

impl Slow {
    fn next(&mut self) -> io::Result<serde_json::Value> {
        let deadline = Instant::now() + PATIENCE;
        let json = |text: &str| serde_json::from_str(text).expect("JSON");
        match self {
            Slow::Lines(body, Transport::Events) => {
                Ok(body.try_event(deadline)?.json())
            }
            Slow::Lines(body, _) => Ok(json(&body.line(deadline)?)),
            Slow::Socket(socket) => loop {
                let frame = socket.try_frame(PATIENCE)?;
                match frame.opcode() {
                    opcode::TEXT => {
                        return Ok(json(
                            str::from_utf8(&frame.payload).unwrap(),
                        ));
                    }
                    opcode::CLOSE => {
                        assert_eq!(frame.close_code(), 1013);
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    _ => {}
                }
            },
        }
    }

    /// Reads so many messages, each as it was posted.
    #[track_caller]
    fn catches_up_with(&mut self, count: usize) {
        let mut seen = 0;
        while seen < count {
            let value = self.next().expect("it is not cut");
            if value["type"] == "message" {
                let message = Message::read(&value);
                assert_eq!(message.text, long_text(seen, LENGTH));
                seen += 1;
            }
        }
    }

    /// Reads whatever is there until the connection ends.
    #[track_caller]
    fn everything(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            match self.next() {
                Ok(value) if value["type"] == "message" => {
                    messages.push(Message::read(&value));
                }
                Ok(_) => {}
                Err(error) if crate::harness::is_late(&error) => {
                    panic!("not cut after {} messages", messages.len())
                }
                Err(_) => return messages,
            }
        }
    }
}

fn a_slow_reader_is_cut_and_loses_nothing(on: Kind) {
    slow_readers_are_cut(&setup(on).start());
}

fn a_slow_reader_over_tls_is_cut_and_loses_nothing(on: Kind) {
    let directory = TempDir::new();
    let mut server = setup(on)
        .option("--history", directory.file("chat.db"))
        .option("--tls", "self-signed")
        .start();
    through_tls(&mut server, &directory.file("chat-cert.pem"));
    slow_readers_are_cut(&server);
}

fn slow_readers_are_cut(server: &Server) {
    let first = say(server, "lobby", "first").seq;
    let mut readers: Vec<_> = Transport::PUSHING
        .map(|t| (t, narrow(server, t, first)))
        .into_iter()
        .collect();
    let open = server.descriptors();
    flood(server, 0..POSTS);
    eventually("they are cut", || server.descriptors() <= open - readers.len());
    for (transport, slow) in &mut readers {
        let mut seen = slow.everything();
        assert!(seen.len() < POSTS, "{transport:?}: {}", seen.len());
        let cursor = seen.last().map_or(first, |message| message.seq);
        let mut reader =
            Reader::open(server, *transport, "lobby", Some(cursor));
        assert!(!reader.gap, "{transport:?}");
        seen.extend(reader.messages(POSTS - seen.len()));
        for (number, message) in seen.iter().enumerate() {
            assert_eq!(message.text, long_text(number, LENGTH));
        }
    }
}

fn a_slow_reader_does_not_hold_up_the_others(on: Kind) {
    // Enough that a reader which is only waiting for a core is not cut.
    let server = setup(on).option("--max-backlog", "4000000").start();
    let first = say(&server, "lobby", "first").seq;
    let _slow = Transport::PUSHING.map(|t| narrow(&server, t, first));
    std::thread::scope(|scope| {
        let quick = Transport::ALL.map(|transport| {
            let mut reader =
                Reader::open(&server, transport, "lobby", Some(first));
            scope.spawn(move || reader.messages(2000).len())
        });
        flood(&server, 0..2000);
        for reader in quick {
            assert_eq!(reader.join().unwrap(), 2000);
        }
    });
}

fn a_reader_that_wakes_up_in_time_is_not_cut(on: Kind) {
    let patient = setup(on).option("--write-timeout", "300");
    let server = patient.option("--max-backlog", "16777216").start();
    let first = say(&server, "lobby", "first").seq;
    let slow = Transport::PUSHING.map(|t| narrow(&server, t, first));
    flood(&server, 0..1000);
    std::thread::scope(|scope| {
        for mut slow in slow {
            scope.spawn(move || slow.catches_up_with(1000));
        }
    });
}

fn memory_for_readers_that_never_read_is_bounded(on: Kind) {
    let server = Setup::new(on)
        .option("--keep-messages", "10")
        .option("--max-backlog", "262144")
        .start();
    let first = say(&server, "lobby", "first").seq;
    let readers: Vec<_> = (0..20)
        .map(|n| narrow(&server, Transport::PUSHING[n % 4], first))
        .collect();
    let before = server.peak_mib();
    flood(&server, 0..3000);
    let grown = server.peak_mib().saturating_sub(before);
    // 20 backlogs of 256 KiB are 5 MiB; what was posted is 12 MiB for each.
    assert!(grown < 60, "grown by {grown} MiB");
    drop(readers);
    eventually_within(Duration::from_secs(30), "they are forgotten", || {
        server.descriptors() < 20
    });
}
