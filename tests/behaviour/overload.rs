//! More than a server can take: it says so, and it recovers by itself.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;

use crate::harness::{
    Kind, OpenBody, PATIENCE, PlainSocket, Server, Setup, Wire, eventually,
    get, opcode, post, say,
};

on_every_server! {
    out_of_descriptors_it_turns_away_and_recovers,
    ten_thousand_resets_do_no_harm,
    a_thousand_slow_heads_keep_nobody_waiting,
    a_thousand_silent_sockets_keep_nobody_waiting,
    a_flood_of_pings_is_stopped_and_keeps_nobody_waiting,
    a_flood_of_refused_posts_keeps_nobody_waiting,
}

/// Holds that a good client posts and reads within a second: at least at one
/// of three times, for other tests may have the processor to themselves.
#[track_caller]
fn serves_within_a_second(server: &Server) {
    let mut took = [Duration::ZERO; 3];
    for took in &mut took {
        let start = Instant::now();
        let said = say(server, "good", "hi");
        let answer = get(server, "/api/rooms/good/messages?limit=1");
        assert_eq!(answer.messages(), [said]);
        *took = start.elapsed();
        if *took < Duration::from_secs(1) {
            return;
        }
    }
    panic!("{took:?}");
}

fn out_of_descriptors_it_turns_away_and_recovers(on: Kind) {
    let server = Server::start(on);
    let rest = server.descriptors_at_rest();
    let mut reader = OpenBody::open(&server, "/api/rooms/good/stream");
    let few = Some(rest as u64 + 20);
    let limit = Rlimit { current: few, maximum: few };
    let pid = Pid::from_raw(server.pid() as i32);
    prlimit(pid, Resource::Nofile, limit).unwrap();
    let mut wires: Vec<Wire> = (0..60).map(|_| Wire::open(&server)).collect();
    let mut welcome = 0;
    for wire in &mut wires {
        wire.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        match wire.try_answer(PATIENCE) {
            Ok(answer) if answer.status == 200 => welcome += 1,
            Ok(answer) => answer.refused(503, "full"),
            Err(error) => {
                assert!(!crate::harness::is_late(&error), "left hanging");
            }
        }
    }
    assert!((5..=20).contains(&welcome), "{welcome} were welcome");
    drop(wires);
    eventually("there is room again", || {
        let mut wire = Wire::open(&server);
        wire.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        wire.try_answer(PATIENCE).is_ok_and(|answer| answer.status == 200)
    });
    say(&server, "good", "hi");
    while reader.object()["type"] != "message" {}
}

fn ten_thousand_resets_do_no_harm(on: Kind) {
    let server = Server::start(on);
    let rest = server.descriptors_at_rest();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..2500 {
                    let mut wire = Wire::open(&server);
                    if number % 2 == 0 {
                        wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                    }
                    wire.reset();
                }
            });
        }
    });
    serves_within_a_second(&server);
    eventually("all are forgotten", || server.descriptors() <= rest);
}

fn a_thousand_slow_heads_keep_nobody_waiting(on: Kind) {
    let setup = Setup::new(on).option("--head-timeout", "3");
    let server = setup.start();
    let rest = server.descriptors_at_rest();
    let mut wires: Vec<Wire> = (0..1000)
        .map(|_| {
            let mut wire = Wire::open(&server);
            wire.send("GET / HTTP/1.1\r\nX: ");
            wire
        })
        .collect();
    for _ in 0..3 {
        for wire in &mut wires {
            wire.send("x");
        }
        serves_within_a_second(&server);
    }
    eventually("they are given up", || server.descriptors() <= rest);
}

fn a_thousand_silent_sockets_keep_nobody_waiting(on: Kind) {
    let server = Server::start(on);
    let path = "/api/rooms/crowd/socket";
    let mut sockets: Vec<_> =
        (0..1000).map(|_| PlainSocket::open(&server, path)).collect();
    for socket in &mut sockets {
        // The beginning of a frame that never comes.
        socket.wire.send([0x81, 0xfe, 0x10]);
    }
    serves_within_a_second(&server);
    let body = json!({"id": "a", "nick": "ada", "text": "hi"});
    assert_eq!(post(&server, "crowd", &body).status, 201);
    for socket in &mut sockets {
        loop {
            let frame = socket.until(opcode::TEXT);
            if frame.payload.starts_with(b"{\"type\":\"message\"") {
                break;
            }
        }
    }
}

/// Floods a server from four sockets with what `bytes` are, a hundred times,
/// while a good client is served.
fn flooded(server: &Server, bytes: &[u8]) {
    std::thread::scope(|scope| {
        for codec in ["", "-by-hand", "", "-by-hand"] {
            scope.spawn(move || {
                let path = format!("/api/rooms/flood/socket{codec}");
                let mut socket = PlainSocket::open(server, &path);
                for _ in 0..100 {
                    if socket.wire.try_send(bytes).is_err() {
                        break;
                    }
                }
            });
        }
        for _ in 0..5 {
            serves_within_a_second(server);
        }
    });
    serves_within_a_second(server);
}

fn a_flood_of_pings_is_stopped_and_keeps_nobody_waiting(on: Kind) {
    let server = Server::start(on);
    let ping = crate::harness::mask(0x80 | opcode::PING, b"");
    flooded(&server, &ping.repeat(1000));
    let mut socket = PlainSocket::open(&server, "/api/rooms/flood/socket");
    socket.wire.send(ping.repeat(2000));
    assert_eq!(socket.until(opcode::CLOSE).close_code(), 1008);
}

fn a_flood_of_refused_posts_keeps_nobody_waiting(on: Kind) {
    let server = Server::start(on);
    let post = json!({"type": "post", "id": "a", "nick": "", "text": ""});
    let post = post.to_string();
    let frame = crate::harness::mask(0x80 | opcode::TEXT, post.as_bytes());
    flooded(&server, &frame.repeat(1000));
}
