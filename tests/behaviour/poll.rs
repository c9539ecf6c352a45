//! `GET /api/rooms/{room}/messages`: short polls and long polls.

use std::time::{Duration, Instant};

use crate::harness::{
    Answer, Kind, PATIENCE, Reader, Server, Setup, TempDir, Transport, Wire,
    eventually, get, say, say_many, texts,
};

on_every_server! {
    an_empty_room_answers_at_once,
    the_latest_fifty_without_a_cursor,
    a_page_after_a_cursor_is_cut_by_the_limit,
    a_page_before_a_number_is_the_newest_below_it,
    pages_beyond_memory_come_from_disk,
    a_query_that_breaks_a_rule_is_refused,
    an_unknown_parameter_is_ignored,
    rooms_are_apart,
    a_long_poll_is_answered_by_the_next_message,
    a_long_poll_with_news_is_answered_at_once,
    a_long_poll_without_news_ends_in_time,
    a_long_poll_with_a_cursor_from_nowhere_is_told_at_once,
    many_long_polls_are_answered_by_one_message,
    a_long_poll_whose_client_leaves_is_forgotten,
    a_long_poll_is_followed_by_another_on_its_connection,
    a_request_behind_a_long_poll_is_not_held_up,
    a_poll_is_not_cached,
}

const MESSAGES: &str = "/api/rooms/lobby/messages";

fn page(server: &Server, query: &str) -> Answer {
    get(server, &format!("{MESSAGES}?{query}"))
}

fn ask(wire: &mut Wire, server: &Server, query: &str) {
    let host = server.host();
    wire.send(format!(
        "GET {MESSAGES}?{query} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    ));
}

fn an_empty_room_answers_at_once(on: Kind) {
    let server = Server::start(on);
    let answer = get(&server, MESSAGES);
    assert!(answer.field("content-type").starts_with("application/json"));
    assert!(answer.messages().is_empty());
    assert!(!answer.flag("gap"));
    assert!(!answer.flag("more"));
    let last = answer.number("last");
    assert!(last < 1 << 53);
    let again = page(&server, &format!("after={last}"));
    assert!(again.messages().is_empty());
    assert!(!again.flag("gap"));
    assert_eq!(again.number("last"), last);
}

fn the_latest_fifty_without_a_cursor(on: Kind) {
    let server = Server::start(on);
    let said = say_many(&server, "lobby", 0..50);
    let answer = get(&server, MESSAGES);
    assert_eq!(answer.messages(), said);
    assert!(!answer.flag("more"));
    let newest = say(&server, "lobby", "one more");
    let answer = get(&server, MESSAGES);
    assert_eq!(answer.messages()[..49], said[1..]);
    assert_eq!(answer.messages()[49], newest);
    assert!(answer.flag("more"));
    assert!(!answer.flag("gap"));
    assert_eq!(answer.number("last"), newest.seq);
}

fn a_page_after_a_cursor_is_cut_by_the_limit(on: Kind) {
    let server = Server::start(on);
    let said = say_many(&server, "lobby", 0..10);
    let answer = page(&server, &format!("after={}&limit=3", said[1].seq));
    assert_eq!(answer.messages(), said[2..5]);
    assert!(answer.flag("more"));
    assert_eq!(answer.number("last"), said[4].seq);
    let answer = page(&server, &format!("after={}&limit=5", said[4].seq));
    assert_eq!(answer.messages(), said[5..]);
    assert!(!answer.flag("more"));
    assert_eq!(answer.number("last"), said[9].seq);
    let answer = page(&server, "limit=4");
    assert_eq!(answer.messages(), said[6..]);
    let answer = page(&server, "after=0&limit=200");
    assert_eq!(answer.messages(), said);
    assert!(!answer.flag("gap"), "0 asks for everything there is");
}

fn a_page_before_a_number_is_the_newest_below_it(on: Kind) {
    let server = Server::start(on);
    let said = say_many(&server, "lobby", 0..10);
    let answer = page(&server, &format!("before={}&limit=4", said[8].seq));
    assert_eq!(answer.messages(), said[4..8]);
    assert!(answer.flag("more"));
    let answer = page(&server, &format!("before={}&limit=4", said[4].seq));
    assert_eq!(answer.messages(), said[..4]);
    assert!(!answer.flag("more"));
    let answer = page(&server, &format!("before={}", said[0].seq));
    assert!(answer.messages().is_empty());
    assert!(!answer.flag("more"));
}

fn pages_beyond_memory_come_from_disk(on: Kind) {
    let dir = TempDir::new();
    let setup = Setup::new(on)
        .option("--history", dir.file("chat.db"))
        .option("--keep-messages", "20");
    let mut server = setup.start();
    let said = say_many(&server, "lobby", 0..60);
    assert_eq!(get(&server, MESSAGES).messages(), said[40..]);
    assert!(get(&server, MESSAGES).flag("more"));
    let scroll_back = |server: &Server| {
        let query = |seq| format!("before={seq}&limit=25");
        let answer = page(server, &query(said[59].seq));
        assert_eq!(answer.messages(), said[34..59]);
        assert!(answer.flag("more"));
        let answer = page(server, &query(said[34].seq));
        assert_eq!(answer.messages(), said[9..34]);
        let answer = page(server, &query(said[9].seq));
        assert_eq!(answer.messages(), said[..9]);
        assert!(!answer.flag("more"));
        let answer = page(server, &format!("after={}", said[5].seq));
        assert!(answer.flag("gap"), "older than what is kept");
        assert_eq!(answer.messages(), said[40..]);
    };
    scroll_back(&server);
    server.stop();
    scroll_back(&setup.start());
}

fn a_query_that_breaks_a_rule_is_refused(on: Kind) {
    let server = Server::start(on);
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=",
        "limit=-1",
        "after=x",
        "after=-1",
        "after=",
        "after=1.5",
        "after=9007199254740992",
        "after=99999999999999999999999",
        "before=x",
        "before=9007199254740992",
        "wait=31&after=0",
        "wait=x&after=0",
        "wait=-1&after=0",
        "after=1&before=2",
        "after=1&after=1",
        "limit=5&limit=5",
    ] {
        page(&server, query).refused(400, "bad_query");
    }
    for path in ["events", "stream"] {
        let path = format!("/api/rooms/lobby/{path}?after=x");
        get(&server, &path).refused(400, "bad_query");
    }
    for room in ["Lobby", "-a", "a_b", "%00", &"a".repeat(33)] {
        let path = format!("/api/rooms/{room}/messages");
        get(&server, &path).refused(422, "bad_room");
    }
}

fn an_unknown_parameter_is_ignored(on: Kind) {
    let server = Server::start(on);
    let said = say(&server, "lobby", "hi");
    let answer = page(&server, "colour=blue&limit=3&x=1&x=2&%zz");
    assert_eq!(answer.messages(), [said]);
}

fn rooms_are_apart(on: Kind) {
    let server = Server::start(on);
    let here = say(&server, "here", "here");
    let there = say(&server, "there", "there");
    let messages =
        |room| get(&server, &format!("/api/rooms/{room}/messages")).messages();
    assert_eq!(messages("here"), [here]);
    assert_eq!(messages("there"), [there]);
    assert!(messages("elsewhere").is_empty());
}

fn a_long_poll_is_answered_by_the_next_message(on: Kind) {
    let server = Server::start(on);
    let first = say(&server, "lobby", "first");
    let mut wire = Wire::open(&server);
    ask(&mut wire, &server, &format!("after={}&wait=25", first.seq));
    assert!(wire.is_quiet_for(Duration::from_millis(300)));
    let second = say(&server, "lobby", "second");
    let answer = wire.answer();
    assert_eq!(answer.number("last"), second.seq);
    assert_eq!(answer.messages(), [second]);
    assert!(!answer.flag("gap"));
}

fn a_long_poll_with_news_is_answered_at_once(on: Kind) {
    let server = Server::start(on);
    let said = say_many(&server, "lobby", 0..3);
    let start = Instant::now();
    let answer = page(&server, &format!("after={}&wait=25", said[0].seq));
    assert_eq!(answer.messages(), said[1..]);
    // Without a cursor there is nothing to wait for.
    let answer = page(&server, "wait=25");
    assert_eq!(answer.messages(), said);
    assert!(start.elapsed() < PATIENCE);
}

fn a_long_poll_without_news_ends_in_time(on: Kind) {
    let server = Server::start(on);
    let last = say(&server, "lobby", "hi").seq;
    let start = Instant::now();
    let answer = page(&server, &format!("after={last}&wait=1"));
    let held = start.elapsed();
    assert!(answer.messages().is_empty());
    assert_eq!(answer.number("last"), last);
    assert!(!answer.flag("gap"));
    assert!(held >= Duration::from_millis(990), "held for {held:?}");
    assert!(held < Duration::from_secs(5), "held for {held:?}");
}

fn a_long_poll_with_a_cursor_from_nowhere_is_told_at_once(on: Kind) {
    let server = Server::start(on);
    let said = say(&server, "lobby", "hi");
    let query = format!("after={}&wait=25", said.seq + 1_000_000);
    let start = Instant::now();
    let answer = page(&server, &query);
    assert!(answer.flag("gap"));
    assert_eq!(answer.number("last"), said.seq);
    assert_eq!(answer.messages(), [said]);
    assert!(start.elapsed() < PATIENCE);
}

fn many_long_polls_are_answered_by_one_message(on: Kind) {
    let server = Server::start(on);
    let last = say(&server, "lobby", "first").seq;
    let mut wires: Vec<Wire> = (0..100)
        .map(|_| {
            let mut wire = Wire::open(&server);
            ask(&mut wire, &server, &format!("after={last}&wait=25"));
            wire
        })
        .collect();
    assert!(wires[99].is_quiet_for(Duration::from_millis(200)));
    say(&server, "lobby", "second");
    for wire in &mut wires {
        assert_eq!(texts(&wire.answer().messages()), ["second"]);
    }
}

fn a_long_poll_whose_client_leaves_is_forgotten(on: Kind) {
    let server = Server::start(on);
    let before = server.descriptors_at_rest();
    let last = say(&server, "lobby", "first").seq;
    let mut wires = Vec::new();
    for _ in 0..20 {
        let mut wire = Wire::open(&server);
        ask(&mut wire, &server, &format!("after={last}&wait=30"));
        assert!(wire.is_quiet_for(Duration::from_millis(5)));
        wires.push(wire);
    }
    eventually("they are held", || server.descriptors() >= before + 20);
    drop(wires);
    eventually("they are forgotten", || server.descriptors() <= before);
    let mut reader =
        Reader::open(&server, Transport::LongPoll, "lobby", Some(last));
    let second = say(&server, "lobby", "second");
    assert_eq!(reader.message(), second);
}

fn a_long_poll_is_followed_by_another_on_its_connection(on: Kind) {
    let server = Server::start(on);
    let mut last = say(&server, "lobby", "first").seq;
    let mut wire = Wire::open(&server);
    for round in 0..50 {
        ask(&mut wire, &server, &format!("after={last}&wait=25"));
        let said = say(&server, "lobby", &round.to_string());
        last = said.seq;
        assert_eq!(wire.answer().messages(), [said]);
    }
    ask(&mut wire, &server, &format!("after={last}&wait=1"));
    assert!(wire.answer().messages().is_empty());
    ask(&mut wire, &server, "limit=1");
    assert_eq!(wire.answer().messages()[0].seq, last);
}

fn a_request_behind_a_long_poll_is_not_held_up(on: Kind) {
    let server = Server::start(on);
    let last = say(&server, "lobby", "first").seq;
    let poll = format!(
        "GET {MESSAGES}?after={last}&wait=30 HTTP/1.1\r\nHost: a\r\n\r\n"
    );
    let next = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    // Both at once, or the second a little later.
    for pause in [None, Some(Duration::from_millis(100))] {
        let mut wire = Wire::open(&server);
        match pause {
            None => wire.send(format!("{poll}{next}")),
            Some(pause) => {
                wire.send(&poll);
                assert!(wire.is_quiet_for(pause));
                wire.send(next);
            }
        }
        assert!(wire.answer().messages().is_empty());
        assert_eq!(wire.answer().text().trim(), "ok");
    }
}

fn a_poll_is_not_cached(on: Kind) {
    let server = Server::start(on);
    let answer = get(&server, MESSAGES);
    assert!(answer.field("cache-control").contains("no-store"), "{answer}");
}
