//! Who is there, and who is typing: told, never stored.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{
    Kind, OpenBody, PATIENCE, Server, Setup, Socket, Transport, get, say,
};

on_every_server! {
    everyone_is_told_who_comes_and_goes,
    a_reader_may_name_itself_later,
    the_same_name_twice_is_named_once_and_counted_twice,
    a_name_that_breaks_the_rule_is_refused,
    at_most_one_presence_a_second,
    a_crowd_is_counted_and_not_all_named,
    typing_is_told_to_the_others,
    typing_is_told_at_most_once_in_two_seconds,
    typing_needs_a_name,
    none_of_it_is_stored,
    rooms_are_apart,
}

/// The next presence that says this; others may come before it.
#[track_caller]
fn until_presence(socket: &mut Socket, nicks: &[&str], count: usize) {
    let deadline = Instant::now() + PATIENCE;
    let mut told = Value::Null;
    while Instant::now() < deadline {
        told = socket.until("presence");
        if told["nicks"] == json!(nicks) && told["count"] == count {
            return;
        }
    }
    panic!("{told}, not {nicks:?} and {count}");
}

/// A socket of the lobby, named in its address.
#[track_caller]
fn named(server: &Server, nick: &str) -> Socket {
    Socket::path(server, &format!("/api/rooms/lobby/socket?nick={nick}"))
}

fn everyone_is_told_who_comes_and_goes(on: Kind) {
    let server = Server::start(on);
    let mut ada = named(&server, "ada");
    until_presence(&mut ada, &["ada"], 1);
    for (number, transport) in Transport::PUSHING.into_iter().enumerate() {
        let path = format!("/api/rooms/lobby/{}?nick=bob", transport.path());
        if transport.is_socket() {
            let mut bob = Socket::path(&server, &path);
            until_presence(&mut bob, &["ada", "bob"], 2);
            until_presence(&mut ada, &["ada", "bob"], 2);
        } else {
            let mut bob = OpenBody::open(&server, &path);
            let told = loop {
                let value = match transport {
                    Transport::Events => bob.event().json(),
                    _ => bob.object(),
                };
                if value["type"] == "presence" {
                    break value;
                }
            };
            assert_eq!(told["nicks"], json!(["ada", "bob"]), "{number}");
            assert_eq!(told["count"], 2);
            until_presence(&mut ada, &["ada", "bob"], 2);
        }
        until_presence(&mut ada, &["ada"], 1);
    }
}

fn a_reader_may_name_itself_later(on: Kind) {
    let server = Server::start(on);
    let mut socket = Socket::open(&server, "lobby");
    until_presence(&mut socket, &[], 1);
    socket.send(&json!({"type": "join", "nick": " Зоя "}));
    until_presence(&mut socket, &["Зоя"], 1);
    socket.send(&json!({"type": "join", "nick": "ada"}));
    until_presence(&mut socket, &["ada"], 1);
    let mut encoded = named(&server, "%D0%97%D0%BE%D1%8F%20B");
    until_presence(&mut encoded, &["ada", "Зоя B"], 2);
}

fn the_same_name_twice_is_named_once_and_counted_twice(on: Kind) {
    let server = Server::start(on);
    let mut one = named(&server, "ada");
    let mut two = named(&server, "ada");
    until_presence(&mut one, &["ada"], 2);
    until_presence(&mut two, &["ada"], 2);
    drop(one);
    until_presence(&mut two, &["ada"], 1);
}

fn a_name_that_breaks_the_rule_is_refused(on: Kind) {
    let server = Server::start(on);
    for nick in ["", "%00", "%E2%80%AE", "a%3Cb", &"a".repeat(25)] {
        for path in ["events", "stream"] {
            let path = format!("/api/rooms/lobby/{path}?nick={nick}");
            get(&server, &path).refused(422, "bad_nick");
        }
    }
    let mut socket = Socket::open(&server, "lobby");
    socket.send(&json!({"type": "join", "nick": "\u{202e}"}));
    assert_eq!(socket.until("error")["code"], "bad_nick");
    socket.post("a", "still open");
    assert_eq!(socket.until("ack")["id"], "a");
}

fn at_most_one_presence_a_second(on: Kind) {
    let server = Server::start(on);
    let mut ada = named(&server, "ada");
    until_presence(&mut ada, &["ada"], 1);
    let start = Instant::now();
    let crowd: Vec<_> =
        (0..30).map(|n| named(&server, &format!("n{n}"))).collect();
    let mut told = 0;
    loop {
        told += 1;
        if ada.until("presence")["count"] == 31 {
            break;
        }
    }
    let most = 2 + start.elapsed().as_secs();
    assert!(told <= most, "{told} presences in {:?}", start.elapsed());
    drop(crowd);
}

fn a_crowd_is_counted_and_not_all_named(on: Kind) {
    let server = Setup::new(on).option("--max-presence", "5").start();
    let mut ada = named(&server, "ada");
    let _crowd: Vec<_> =
        (0..10).map(|n| named(&server, &format!("n{n}"))).collect();
    let told = loop {
        let told = ada.until("presence");
        if told["count"] == 11 {
            break told;
        }
    };
    assert_eq!(told["nicks"].as_array().unwrap().len(), 5, "{told}");
}

fn typing_is_told_to_the_others(on: Kind) {
    let server = Server::start(on);
    let mut ada = named(&server, "ada");
    let mut bob = named(&server, "bob");
    let mut events = OpenBody::open(&server, "/api/rooms/lobby/events");
    let mut stream = OpenBody::open(&server, "/api/rooms/lobby/stream");
    bob.any();
    events.event();
    stream.object();
    ada.send(&json!({"type": "typing"}));
    assert_eq!(bob.until("typing")["nick"], "ada");
    while events.event().event != "typing" {}
    while stream.object()["type"] != "typing" {}
}

fn typing_is_told_at_most_once_in_two_seconds(on: Kind) {
    let server = Server::start(on);
    let mut ada = named(&server, "ada");
    let mut bob = named(&server, "bob");
    bob.any();
    let start = Instant::now();
    let mut told = 0;
    while start.elapsed() < Duration::from_millis(3500) {
        ada.send(&json!({"type": "typing"}));
        let wait = Instant::now() + Duration::from_millis(100);
        while let Ok(Some(value)) =
            bob.try_any(wait.saturating_duration_since(Instant::now()))
        {
            told += usize::from(value["type"] == "typing");
        }
    }
    assert!((1..=2).contains(&told), "told {told} times");
}

fn typing_needs_a_name(on: Kind) {
    let server = Server::start(on);
    let mut nobody = Socket::open(&server, "lobby");
    nobody.send(&json!({"type": "typing"}));
    nobody.send(&json!({"type": "typing", "nick": "ada"}));
    nobody.post("a", "done");
    loop {
        let value = nobody.any();
        assert_ne!(value["type"], "typing", "nobody types");
        if value["type"] == "ack" {
            break;
        }
    }
}

fn none_of_it_is_stored(on: Kind) {
    let server = Server::start(on);
    let mut ada = named(&server, "ada");
    let said = say(&server, "lobby", "hi");
    ada.send(&json!({"type": "typing"}));
    until_presence(&mut ada, &["ada"], 1);
    let answer = get(&server, "/api/rooms/lobby/messages?after=0");
    assert_eq!(answer.messages(), [said]);
    let text = answer.text();
    assert!(!text.contains("presence") && !text.contains("typing"), "{text}");
}

fn rooms_are_apart(on: Kind) {
    let server = Server::start(on);
    let mut ada = named(&server, "ada");
    until_presence(&mut ada, &["ada"], 1);
    let mut bob = Socket::path(&server, "/api/rooms/other/socket?nick=bob");
    until_presence(&mut bob, &["bob"], 1);
    let mut third = named(&server, "cleo");
    until_presence(&mut ada, &["ada", "cleo"], 2);
    until_presence(&mut third, &["ada", "cleo"], 2);
}
