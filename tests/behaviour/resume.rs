//! Coming back with a cursor, over every transport.

use crate::harness::{
    Kind, Reader, Server, Setup, TempDir, Transport, say, say_many, seqs,
};

on_every_server! {
    a_cursor_brings_exactly_what_was_missed,
    a_long_absence_is_caught_up_with,
    a_cursor_of_zero_brings_everything,
    a_cursor_older_than_what_is_kept_is_a_gap,
    a_cursor_newer_than_anything_is_a_gap,
    a_restart_keeps_the_cursor,
    a_restart_without_a_disk_is_a_gap,
    numbers_are_never_used_again,
    a_cursor_may_be_carried_to_another_transport,
    joining_while_others_post_misses_nothing,
}

fn a_cursor_brings_exactly_what_was_missed(on: Kind) {
    let server = Server::start(on);
    let mut said = say_many(&server, "lobby", 0..5);
    for transport in Transport::ALL {
        let cursor = Some(said[2].seq);
        let mut reader = Reader::open(&server, transport, "lobby", cursor);
        assert!(!reader.gap, "{transport:?}");
        assert_eq!(reader.messages(said.len() - 3), said[3..]);
        said.push(say(&server, "lobby", "live"));
        assert_eq!(reader.message(), *said.last().unwrap());
        drop(reader);
        let cursor = Some(said.last().unwrap().seq);
        said.push(say(&server, "lobby", "missed"));
        let mut reader = Reader::open(&server, transport, "lobby", cursor);
        assert!(!reader.gap, "{transport:?}");
        assert_eq!(reader.message(), *said.last().unwrap());
    }
}

fn a_long_absence_is_caught_up_with(on: Kind) {
    let server = Server::start(on);
    let said = say_many(&server, "lobby", 0..500);
    for transport in Transport::ALL {
        let cursor = Some(said[0].seq);
        let mut reader = Reader::open(&server, transport, "lobby", cursor);
        assert_eq!(reader.messages(499), said[1..], "{transport:?}");
        assert!(!reader.gap, "{transport:?}");
    }
}

fn a_cursor_of_zero_brings_everything(on: Kind) {
    let server = Server::start(on);
    let said = say_many(&server, "lobby", 0..70);
    for transport in Transport::ALL {
        let mut reader = Reader::open(&server, transport, "lobby", Some(0));
        assert_eq!(reader.messages(70), said, "{transport:?}");
        assert!(!reader.gap, "{transport:?}");
    }
}

fn a_cursor_older_than_what_is_kept_is_a_gap(on: Kind) {
    let server = Setup::new(on).option("--keep-messages", "10").start();
    let said = say_many(&server, "lobby", 0..30);
    for transport in Transport::ALL {
        let cursor = Some(said[5].seq);
        let mut reader = Reader::open(&server, transport, "lobby", cursor);
        assert!(reader.gap, "{transport:?}");
        assert_eq!(reader.messages(10), said[20..], "{transport:?}");
        // The newest that is forgotten: nothing lies between.
        let cursor = Some(said[19].seq);
        let mut reader = Reader::open(&server, transport, "lobby", cursor);
        assert!(!reader.gap, "{transport:?}");
        assert_eq!(reader.messages(10), said[20..], "{transport:?}");
    }
}

fn a_cursor_newer_than_anything_is_a_gap(on: Kind) {
    let server = Server::start(on);
    let said = say_many(&server, "lobby", 0..60);
    for transport in Transport::ALL {
        let cursor = Some(said[59].seq + 1000);
        let mut reader = Reader::open(&server, transport, "lobby", cursor);
        assert!(reader.gap, "{transport:?}");
        assert_eq!(reader.last, said[59].seq);
        assert_eq!(reader.messages(50), said[10..], "{transport:?}");
    }
}

fn a_restart_keeps_the_cursor(on: Kind) {
    let dir = TempDir::new();
    let setup = Setup::new(on).option("--history", dir.file("chat.db"));
    let mut server = setup.start();
    let mut said = say_many(&server, "lobby", 0..8);
    say_many(&server, "other", 0..3);
    server.stop();
    let server = setup.start();
    said.push(say(&server, "lobby", "after the restart"));
    assert!(seqs(&said).is_sorted_by(|a, b| a < b));
    for transport in Transport::ALL {
        let cursor = Some(said[4].seq);
        let mut reader = Reader::open(&server, transport, "lobby", cursor);
        assert!(!reader.gap, "{transport:?}");
        assert_eq!(reader.messages(4), said[5..], "{transport:?}");
        let mut reader = Reader::open(&server, transport, "other", None);
        assert_eq!(reader.messages(3).len(), 3);
    }
}

fn a_restart_without_a_disk_is_a_gap(on: Kind) {
    let setup = Setup::new(on);
    let mut server = setup.start();
    let before = say_many(&server, "lobby", 0..5);
    server.stop();
    let server = setup.start();
    let cursor = Some(before[4].seq);
    for transport in Transport::ALL {
        let reader = Reader::open(&server, transport, "lobby", cursor);
        assert!(reader.gap, "{transport:?}: an empty room that was not");
    }
    let after = say_many(&server, "lobby", 0..2);
    assert!(after[0].seq > before[4].seq, "a number is never used again");
    for transport in Transport::ALL {
        let mut reader = Reader::open(&server, transport, "lobby", cursor);
        assert!(reader.gap, "{transport:?}");
        assert_eq!(reader.messages(2), after, "{transport:?}");
    }
}

fn numbers_are_never_used_again(on: Kind) {
    let dir = TempDir::new();
    let on_disk = Setup::new(on).option("--history", dir.file("chat.db"));
    for setup in [on_disk, Setup::new(on)] {
        let mut newest = 0;
        for _ in 0..4 {
            let mut server = setup.start();
            for message in say_many(&server, "lobby", 0..3) {
                assert!(message.seq > newest);
                newest = message.seq;
            }
            server.kill();
        }
    }
}

fn a_cursor_may_be_carried_to_another_transport(on: Kind) {
    let server = Server::start(on);
    let mut seen = Vec::new();
    let mut said = say_many(&server, "lobby", 0..1);
    let mut cursor = Some(0);
    for round in 0..15 {
        let transport = Transport::ALL[round * 5 % 6];
        let mut reader = Reader::open(&server, transport, "lobby", cursor);
        seen.extend(reader.messages(said.len() - seen.len()));
        said.push(say(&server, "lobby", &format!("live {round}")));
        seen.push(reader.message());
        cursor = reader.cursor;
        drop(reader);
        said.push(say(&server, "lobby", &format!("between {round}")));
    }
    said.pop();
    assert_eq!(seen, said);
}

fn joining_while_others_post_misses_nothing(on: Kind) {
    let server = Server::start(on);
    let first = say(&server, "lobby", "first").seq;
    let readers = std::thread::scope(|scope| {
        let poster = scope.spawn(|| say_many(&server, "lobby", 0..400));
        let join = |number: usize| {
            let transport = Transport::ALL[number % 6];
            let cursor = Some(first);
            let mut reader = Reader::open(&server, transport, "lobby", cursor);
            (0..400).map(|_| reader.message()).collect::<Vec<_>>()
        };
        let readers: Vec<_> =
            (0..20).map(|n| scope.spawn(move || join(n))).collect();
        let said = poster.join().unwrap();
        readers.into_iter().all(|reader| reader.join().unwrap() == said)
    });
    assert!(readers, "all readers see the same, in the same order");
}
