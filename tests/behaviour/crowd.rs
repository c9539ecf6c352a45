//! Many at once: the same order for everyone, and one message for one id.

use std::collections::HashMap;
use std::sync::Barrier;

use serde_json::json;

use crate::harness::{
    Checker, Kind, Message, Reader, Server, Setup, Socket, TempDir, Transport,
    get, post, say,
};

on_every_server! {
    all_readers_see_the_same_in_the_same_order,
    the_same_id_a_thousand_times_at_once_is_one_message,
    the_same_id_with_many_texts_at_once_is_one_of_them,
}

const POSTERS: usize = 8;
const POSTS: usize = 50;

/// Posts over a socket or by POST; the acknowledged numbers by id.
fn post_all(server: &Server, poster: usize) -> Vec<(String, u64)> {
    let ids = (0..POSTS).map(|number| format!("{poster}-{number}"));
    if poster.is_multiple_of(2) {
        let mut socket = Socket::open(server, "lobby");
        ids.map(|id| {
            socket.post(&id, &id);
            let ack = socket.until("ack");
            assert_eq!(ack["id"], id);
            (id, ack["seq"].as_u64().unwrap())
        })
        .collect()
    } else {
        ids.map(|id| {
            let body = json!({"id": id, "nick": "bob", "text": id});
            let message = post(server, "lobby", &body).message();
            (id, message.seq)
        })
        .collect()
    }
}

/// Lets posters and readers over all transports loose on a server.
pub fn crowd(server: &Server) {
    let first = say(server, "lobby", "first");
    let cursor = Some(first.seq);
    let mut checker = Checker::default();
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..20)
            .map(|number| {
                let transport = Transport::ALL[number % 6];
                let mut reader =
                    Reader::open(server, transport, "lobby", cursor);
                scope.spawn(move || reader.messages(POSTERS * POSTS))
            })
            .collect();
        let posters: Vec<_> = (0..POSTERS)
            .map(|poster| scope.spawn(move || post_all(server, poster)))
            .collect();
        for poster in posters {
            for (id, seq) in poster.join().unwrap() {
                checker.acked(&id, seq);
            }
        }
        for reader in readers {
            checker.read(reader.join().unwrap());
        }
    });
    let mut reader = Reader::open(server, Transport::Stream, "lobby", cursor);
    let stored = reader.messages(POSTERS * POSTS);
    assert_eq!(checker.count(), POSTERS * POSTS);
    checker.check(&stored);
    each_poster_is_in_order(&stored);
}

/// Holds that what one poster said, one after the other, stayed so.
fn each_poster_is_in_order(stored: &[Message]) {
    let mut newest = HashMap::new();
    for message in stored {
        let (poster, number) = message.text.split_once('-').unwrap();
        let number: usize = number.parse().unwrap();
        let before = newest.insert(poster.to_owned(), number);
        assert!(before.is_none_or(|before| before < number));
    }
}

fn all_readers_see_the_same_in_the_same_order(on: Kind) {
    crowd(&Server::start(on));
    let dir = TempDir::new();
    crowd(&Setup::new(on).option("--history", dir.file("chat.db")).start());
}

/// Runs `post` a thousand times from fifty threads that begin together; half
/// of them are given a socket.
fn a_thousand_times(
    server: &Server,
    post: impl Fn(usize, Option<&mut Socket>) -> bool + Sync,
) -> usize {
    let start = Barrier::new(50);
    let (start, post) = (&start, &post);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..50_usize)
            .map(|thread| {
                scope.spawn(move || {
                    let mut socket = thread
                        .is_multiple_of(2)
                        .then(|| Socket::open(server, "lobby"));
                    start.wait();
                    (0..20)
                        .filter(|n| post(thread * 20 + n, socket.as_mut()))
                        .count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

/// Posts with the one id, and says whether it was taken.
fn same_id(server: &Server, text: &str, socket: Option<&mut Socket>) -> bool {
    let Some(socket) = socket else {
        let body = json!({"id": "same", "nick": "ada", "text": text});
        let answer = post(server, "lobby", &body);
        if answer.status == 409 {
            answer.refused(409, "id_conflict");
            return false;
        }
        assert_eq!(answer.message().text, text);
        return true;
    };
    socket.post("same", text);
    loop {
        let value = socket.any();
        match value["type"].as_str() {
            Some("ack") => return true,
            Some("error") => {
                assert_eq!(value["code"], "id_conflict");
                return false;
            }
            _ => {}
        }
    }
}

fn the_same_id_a_thousand_times_at_once_is_one_message(on: Kind) {
    let dir = TempDir::new();
    let on_disk = Setup::new(on).option("--history", dir.file("chat.db"));
    for setup in [Setup::new(on), on_disk] {
        let server = setup.start();
        let taken = a_thousand_times(&server, |_, socket| {
            same_id(&server, "the same", socket)
        });
        assert_eq!(taken, 1000);
        let answer = get(&server, "/api/rooms/lobby/messages");
        assert_eq!(answer.messages().len(), 1);
    }
}

fn the_same_id_with_many_texts_at_once_is_one_of_them(on: Kind) {
    let server = Server::start(on);
    let taken = a_thousand_times(&server, |number, socket| {
        same_id(&server, &number.to_string(), socket)
    });
    assert_eq!(taken, 1);
    let answer = get(&server, "/api/rooms/lobby/messages");
    assert_eq!(answer.messages().len(), 1);
}
