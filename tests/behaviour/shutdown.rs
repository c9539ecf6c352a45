//! How a server ends: in order, quickly, and with a word to everyone.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{
    Event, Kind, OpenBody, PATIENCE, Reader, Server, Setup, Socket, TempDir,
    Transport, Wire, eventually, get, say, say_many,
};

on_every_server! {
    every_kind_of_reader_is_told,
    a_socket_is_closed_with_1001,
    an_echo_is_closed_with_1001,
    streams_end_properly,
    a_held_poll_is_answered,
    idle_and_half_open_connections_are_closed,
    it_is_not_healthy_while_it_shuts_down,
    ctrl_c_is_the_same,
    a_second_signal_ends_it_at_once,
    hundreds_of_readers_do_not_hold_it_up,
    a_reader_that_never_reads_does_not_hold_it_up,
    what_was_acknowledged_under_load_is_kept,
    its_port_can_be_used_again_at_once,
}

fn every_kind_of_reader_is_told(on: Kind) {
    let mut server = Server::start(on);
    let first = say(&server, "lobby", "first").seq;
    let mut readers = Transport::PUSHING
        .map(|t| Reader::open(&server, t, "lobby", Some(first)));
    let start = Instant::now();
    server.signal(Signal::TERM);
    for reader in &mut readers {
        let told = reader.next(PATIENCE).expect("a word");
        assert_eq!(told, Event::Bye, "{:?}", reader.transport);
        assert!(reader.next(PATIENCE).is_err(), "nothing follows");
    }
    assert!(server.exit().success());
    let took = start.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

fn a_socket_is_closed_with_1001(on: Kind) {
    let mut server = Server::start(on);
    let mut socket = Socket::open(&server, "lobby");
    socket.any();
    server.signal(Signal::TERM);
    let bye = socket.until("bye");
    assert!(bye["retry_ms"].as_u64().unwrap() > 0, "{bye}");
    assert_eq!(socket.closed(), 1001);
    assert!(server.exit().success());
}

fn an_echo_is_closed_with_1001(on: Kind) {
    let mut server = Server::start(on);
    let mut socket = Socket::path(&server, "/api/echo");
    socket.text("hi");
    assert!(socket.frame(PATIENCE).is_ok());
    server.signal(Signal::TERM);
    assert_eq!(socket.closed(), 1001);
    assert!(server.exit().success());
}

fn streams_end_properly(on: Kind) {
    let mut server = Server::start(on);
    let mut stream = OpenBody::open(&server, "/api/rooms/lobby/stream");
    let mut events = OpenBody::open(&server, "/api/rooms/lobby/events");
    server.signal(Signal::TERM);
    while stream.object()["type"] != "bye" {}
    stream.ends();
    while events.event().event != "bye" {}
    events.ends();
    assert!(server.exit().success());
}

fn a_held_poll_is_answered(on: Kind) {
    let mut server = Server::start(on);
    let last = say(&server, "lobby", "first").seq;
    let mut wire = Wire::open(&server);
    wire.send(format!(
        "GET /api/rooms/lobby/messages?after={last}&wait=30 HTTP/1.1\r\n\
         Host: a\r\n\r\n"
    ));
    assert!(wire.is_quiet_for(Duration::from_millis(200)));
    let start = Instant::now();
    server.signal(Signal::TERM);
    let answer = wire.answer();
    if answer.status == 200 {
        assert!(answer.messages().is_empty(), "{answer}");
        assert_eq!(answer.number("last"), last);
    } else {
        answer.refused(503, "shutting_down");
    }
    assert!(answer.closes(), "{answer}");
    wire.closed();
    assert!(server.exit().success());
    assert!(start.elapsed() < Duration::from_secs(5));
}

fn idle_and_half_open_connections_are_closed(on: Kind) {
    let mut server = Server::start(on);
    let mut idle = Wire::open(&server);
    idle.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(idle.answer().status, 200);
    let mut silent = Wire::open(&server);
    let mut head = Wire::open(&server);
    head.send("GET / HTTP/1.1\r\nHo");
    let mut body = Wire::open(&server);
    body.send(
        "POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: a\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    );
    assert!(body.is_quiet_for(Duration::from_millis(100)));
    let start = Instant::now();
    server.signal(Signal::TERM);
    for wire in [&mut idle, &mut silent, &mut head, &mut body] {
        wire.rest();
    }
    assert!(server.exit().success());
    let took = start.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

fn it_is_not_healthy_while_it_shuts_down(on: Kind) {
    let mut server = Server::start(on);
    let healthz = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let page = "GET /api/rooms/lobby/messages HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut wires = [Wire::open(&server), Wire::open(&server)];
    for wire in &mut wires {
        wire.send(healthz);
        assert_eq!(wire.answer().status, 200);
    }
    server.signal(Signal::TERM);
    let [health, other] = &mut wires;
    eventually("it says that it is going", || {
        health.send(healthz);
        health.answer().status == 503
    });
    other.send(page);
    other.answer().refused(503, "shutting_down");
    assert!(server.exit().success());
}

fn ctrl_c_is_the_same(on: Kind) {
    let mut server = Server::start(on);
    let mut socket = Socket::open(&server, "lobby");
    socket.any();
    server.signal(Signal::INT);
    socket.until("bye");
    assert_eq!(socket.closed(), 1001);
    assert!(server.exit().success());
}

fn a_second_signal_ends_it_at_once(on: Kind) {
    let mut server = Setup::new(on).flag("--demo").start();
    // Work that takes longer than anyone would wait.
    let mut wire = Wire::open(&server);
    wire.send("GET /api/work?ms=10000&offload=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut socket = Socket::open(&server, "lobby");
    socket.any();
    let start = Instant::now();
    server.signal(Signal::TERM);
    socket.until("bye");
    if server.is_alive() {
        server.signal(Signal::TERM);
    }
    server.exit();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

fn hundreds_of_readers_do_not_hold_it_up(on: Kind) {
    let mut server = Server::start(on);
    let first = say(&server, "lobby", "first").seq;
    let mut readers: Vec<_> = (0..300)
        .map(|n| {
            let transport = Transport::PUSHING[n % 4];
            Reader::open(&server, transport, "lobby", Some(first))
        })
        .collect();
    let start = Instant::now();
    server.signal(Signal::TERM);
    for reader in &mut readers {
        assert_eq!(reader.next(PATIENCE).expect("a word"), Event::Bye);
    }
    drop(readers);
    assert!(server.exit().success());
    let took = start.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

fn a_reader_that_never_reads_does_not_hold_it_up(on: Kind) {
    let mut server = Setup::new(on)
        .option("--max-backlog", "100000000")
        .option("--keep-messages", "10000")
        .start();
    let _stuck = Transport::PUSHING.map(|transport| {
        let mut wire = Wire::narrow(&server);
        let path = format!("/api/rooms/lobby/{}", transport.path());
        wire.send(if transport.is_socket() {
            crate::harness::handshake(&server, &path, "")
        } else {
            format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
        });
        let deadline = Instant::now() + PATIENCE;
        assert!(matches!(wire.head(deadline).unwrap().status, 101 | 200));
        wire
    });
    let mut poster = Socket::open(&server, "lobby");
    let text = "x".repeat(4096);
    for number in 0..2000 {
        poster.post(&number.to_string(), &text);
        poster.until("ack");
    }
    drop(poster);
    let start = Instant::now();
    server.signal(Signal::TERM);
    assert!(server.exit().success());
    let took = start.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

fn what_was_acknowledged_under_load_is_kept(on: Kind) {
    let dir = TempDir::new();
    let setup = Setup::new(on).option("--history", dir.file("chat.db"));
    let mut server = setup.start();
    let address = server.address;
    let acked: Vec<(String, u64)> = std::thread::scope(|scope| {
        let posters: Vec<_> = (0..8)
            .map(|poster| {
                let path = "/api/rooms/lobby/socket";
                let mut socket = Socket::connect(address, path).unwrap();
                scope.spawn(move || post_until_the_end(&mut socket, poster))
            })
            .collect();
        eventually("they post", || {
            let answer = get(&server, "/api/rooms/lobby/messages?limit=200");
            answer.messages().len() >= 100
        });
        server.stop();
        posters.into_iter().flat_map(|p| p.join().unwrap()).collect()
    });
    let server = setup.start();
    let mut reader = Reader::open(&server, Transport::Stream, "lobby", Some(0));
    let mut stored = std::collections::HashMap::new();
    while stored.len() < acked.len() {
        let message = reader.message();
        stored.insert(message.id, message.seq);
    }
    let mut missing =
        acked.iter().filter(|(id, seq)| stored.get(id) != Some(seq));
    assert_eq!(missing.next(), None);
}

/// Posts, one after the other, until the server goes; the acknowledged.
fn post_until_the_end(
    socket: &mut Socket,
    poster: usize,
) -> Vec<(String, u64)> {
    let mut acked = Vec::new();
    for number in 0..100 {
        let id = format!("{poster}-{number}");
        socket.post(&id, "hi");
        loop {
            let Ok(Some(value)) = socket.try_any(PATIENCE) else {
                return acked;
            };
            if value["type"] == "ack" {
                acked.push((id, value["seq"].as_u64().unwrap()));
                break;
            }
        }
    }
    acked
}

fn its_port_can_be_used_again_at_once(on: Kind) {
    let mut server = Server::start(on);
    let setup = Setup::new(on).option("--listen", server.host());
    for _ in 0..5 {
        let mut stream = OpenBody::open(&server, "/api/rooms/lobby/stream");
        say_many(&server, "lobby", 0..2);
        server.stop();
        server = setup.start();
        while stream.line(Instant::now() + PATIENCE).is_ok() {}
    }
}
