//! How many posts an address may make.

use serde_json::{Value, json};

use crate::harness::{
    Answer, Kind, Server, Setup, Socket, Wire, eventually, get,
};

on_every_server! {
    past_its_rate_an_address_is_told_to_wait,
    past_its_rate_a_socket_is_told_so,
    reading_is_not_bounded_by_the_rate,
    another_address_has_a_rate_of_its_own,
    an_address_is_believed_from_a_proxy_only,
}

fn slow(on: Kind) -> Setup {
    Setup::new(on).option("--post-rate", "1")
}

/// Posts from an address, with more fields of the caller's.
fn post_from(server: &Server, ip: &str, id: usize, fields: &str) -> Answer {
    let post = json!({"id": id.to_string(), "nick": "ada", "text": "hi"});
    let body = post.to_string();
    let mut wire = Wire::from(server, ip);
    wire.send(format!(
        "POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: {}\r\n{fields}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        server.host(),
        body.len()
    ));
    wire.answer()
}

/// Posts until it is told to wait, and says how many were taken.
fn taken_of_ten(server: &Server, ip: &str, fields: &str) -> usize {
    let taken = |id: &usize| {
        let answer = post_from(server, ip, *id, fields);
        if answer.status == 429 {
            answer.refused(429, "post_rate");
        }
        matches!(answer.status, 200 | 201)
    };
    (0..10).take_while(taken).count()
}

fn past_its_rate_an_address_is_told_to_wait(on: Kind) {
    let server = slow(on).start();
    let taken = taken_of_ten(&server, "127.0.0.1", "");
    assert!((5..9).contains(&taken), "a burst of five, not {taken}");
    eventually("the bucket fills again", || {
        post_from(&server, "127.0.0.1", 100, "").status == 201
    });
}

fn past_its_rate_a_socket_is_told_so(on: Kind) {
    let server = slow(on).start();
    let mut socket = Socket::open(&server, "lobby");
    socket.any();
    for id in 0..10 {
        socket.post(&id.to_string(), "hi");
    }
    let told: Vec<Value> = std::iter::repeat_with(|| socket.next())
        .filter(|value| value["type"] != "message")
        .take(10)
        .collect();
    let refused: Vec<_> =
        told.iter().filter(|value| value["type"] == "error").collect();
    assert!((2..=5).contains(&refused.len()), "{told:?}");
    for error in refused {
        assert_eq!(error["code"], "post_rate", "{error}");
        assert!(error["id"].is_string(), "{error}");
    }
    eventually("the bucket fills again", || {
        socket.post("later", "hi");
        loop {
            let value = socket.next();
            if value["id"] == "later" && value["type"] != "message" {
                return value["type"] == "ack";
            }
        }
    });
}

fn reading_is_not_bounded_by_the_rate(on: Kind) {
    let server = slow(on).start();
    for _ in 0..50 {
        let answer = get(&server, "/api/rooms/lobby/messages");
        assert_eq!(answer.status, 200);
    }
}

fn another_address_has_a_rate_of_its_own(on: Kind) {
    let server = slow(on).start();
    assert!(taken_of_ten(&server, "127.0.0.2", "") < 10);
    assert_eq!(post_from(&server, "127.0.0.3", 200, "").status, 201);
}

fn an_address_is_believed_from_a_proxy_only(on: Kind) {
    let forwarded = |n: usize| format!("X-Forwarded-For: 203.0.113.{n}\r\n");
    let server = slow(on).start();
    let taken = (0..10).filter(|n| {
        let fields = forwarded(*n);
        post_from(&server, "127.0.0.1", *n, &fields).status == 201
    });
    assert!(taken.count() < 10, "anyone may write that field");
    let server = slow(on).option("--trust-proxy", "127.0.0.9/32").start();
    for n in 0..10 {
        let fields = forwarded(n);
        let answer = post_from(&server, "127.0.0.9", n, &fields);
        assert_eq!(answer.status, 201, "{answer}");
    }
    assert!(taken_of_ten(&server, "127.0.0.9", &forwarded(77)) < 10);
    // What the client wrote itself comes before what the proxy added.
    let spoofed =
        |n| format!("X-Forwarded-For: 198.51.100.{n}, 203.0.113.99\r\n");
    let taken = (20..30).filter(|n| {
        post_from(&server, "127.0.0.9", *n, &spoofed(*n)).status == 201
    });
    assert!(taken.count() < 10, "the last address is the proxy's word");
}
