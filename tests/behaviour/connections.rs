//! How many may be connected, in all and from one address.

use crate::harness::{
    Answer, Kind, OpenBody, Server, Setup, Wire, eventually, get, say,
};

on_every_server! {
    past_the_cap_new_ones_are_turned_away_and_old_ones_stay,
    past_its_share_an_address_is_turned_away,
    the_cap_is_printed_with_what_set_it,
    a_thousand_connects_at_once_are_served_or_told,
}

const HEALTHZ: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// Asks over a connection, and reads the answer if there is one: who is turned
/// away is told before it asks.
fn ask(wire: &mut Wire) -> Option<Answer> {
    wire.send(HEALTHZ);
    wire.try_answer(crate::harness::PATIENCE).ok()
}

fn is_welcome(wire: &mut Wire) -> bool {
    ask(wire).is_some_and(|answer| answer.status == 200)
}

fn past_the_cap_new_ones_are_turned_away_and_old_ones_stay(on: Kind) {
    let server = Setup::new(on).option("--max-connections", "10").start();
    let mut stream = OpenBody::open(&server, "/api/rooms/lobby/stream");
    let mut wires: Vec<Wire> = (0..9).map(|_| Wire::open(&server)).collect();
    for wire in &mut wires {
        assert!(is_welcome(wire));
    }
    for _ in 0..5 {
        let mut wire = Wire::open(&server);
        wire.answer().refused(503, "full");
        wire.closed();
    }
    for wire in &mut wires {
        assert!(is_welcome(wire), "the old ones notice nothing");
    }
    // Those that have just left may still count for a moment.
    wires.truncate(6);
    eventually("there is room again", || is_welcome(&mut Wire::open(&server)));
    eventually("there is room to speak", || {
        is_welcome(&mut Wire::open(&server))
    });
    say(&server, "lobby", "hi");
    while stream.object()["type"] != "message" {}
}

fn past_its_share_an_address_is_turned_away(on: Kind) {
    let server = Setup::new(on).option("--max-per-ip", "4").start();
    let mut wires: Vec<Wire> =
        (0..4).map(|_| Wire::from(&server, "127.0.0.2")).collect();
    for wire in &mut wires {
        assert!(is_welcome(wire));
    }
    let mut fifth = Wire::from(&server, "127.0.0.2");
    fifth.answer().refused(429, "too_many_connections");
    fifth.closed();
    assert!(is_welcome(&mut Wire::from(&server, "127.0.0.3")));
    wires.pop();
    eventually("there is room again", || {
        is_welcome(&mut Wire::from(&server, "127.0.0.2"))
    });
}

fn the_cap_is_printed_with_what_set_it(on: Kind) {
    let mut server = Server::start(on);
    let line = server.line("connections up to ");
    let (number, reason) = line.split_once(": ").expect("what set it");
    let digits = number.chars().filter(char::is_ascii_digit).count();
    assert!(digits >= 2, "{line}");
    assert!(!reason.is_empty());
    let asked = Setup::new(on).option("--max-connections", "7");
    let line = asked.start().line("connections up to ");
    assert!(line.starts_with("7: "), "{line}");
}

fn a_thousand_connects_at_once_are_served_or_told(on: Kind) {
    let server = Setup::new(on).option("--max-connections", "50").start();
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let mut wire = Wire::open(&server);
                    wire.send(HEALTHZ);
                }
            });
        }
    });
    eventually("it is served again", || is_welcome(&mut Wire::open(&server)));
    eventually("all are gone", || server.descriptors() < 50);
    assert_eq!(get(&server, "/healthz").status, 200);
}
