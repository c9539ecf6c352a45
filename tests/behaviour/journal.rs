//! What is on the disk, and what happens when the disk is not as it should be.

use std::fs;

use serde_json::json;

use crate::harness::{
    Kind, Server, Setup, Socket, TempDir, eventually, get, post, say, say_many,
};

on_every_server! {
    the_default_is_a_file_in_the_working_directory,
    it_says_where_the_history_is,
    everything_is_kept_over_a_restart,
    a_message_is_on_disk_when_it_is_acknowledged,
    a_file_that_is_no_history_is_refused,
    a_torn_file_is_refused,
    a_file_from_the_future_is_refused,
    a_directory_that_is_not_there_is_refused,
    two_servers_do_not_share_a_file,
}

/// Tries to start; holds that it ends by itself, unsuccessfully, and returns
/// what it said about it.
#[track_caller]
fn refuses_to_start(setup: &Setup) -> String {
    let mut child = setup.command().spawn().unwrap();
    eventually("it refuses", || child.try_wait().unwrap().is_some());
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("panicked"), "{said}");
    assert!(said.len() > 20, "it says why: {said:?}");
    said
}

fn on_disk(on: Kind, dir: &TempDir) -> Setup {
    Setup::new(on).option("--history", dir.file("chat.db"))
}

fn the_default_is_a_file_in_the_working_directory(on: Kind) {
    let dir = TempDir::new();
    let setup = Setup::new(on).without("--history").directory(dir.path());
    let mut server = setup.start();
    say(&server, "lobby", "hi");
    server.stop();
    assert!(dir.file("twinchat.db").exists());
    assert_eq!(
        get(&setup.start(), "/api/rooms/lobby/messages").messages().len(),
        1
    );
}

fn it_says_where_the_history_is(on: Kind) {
    let dir = TempDir::new();
    let mut server = on_disk(on, &dir).start();
    assert!(server.line("history in ").contains("chat.db"));
    assert_eq!(Server::start(on).line("history in "), "memory");
}

fn everything_is_kept_over_a_restart(on: Kind) {
    let dir = TempDir::new();
    let setup = on_disk(on, &dir);
    let mut server = setup.start();
    assert_eq!(get(&server, "/api/rooms/a/messages").number("last"), 0);
    let mut said = vec![];
    for round in 0..3 {
        for room in ["a", "b"] {
            let newest = say_many(&server, room, round * 10..round * 10 + 10);
            if room == "a" {
                said.extend(newest);
            }
        }
        match round {
            0 => server.stop(),
            _ => server.kill(),
        }
        server = setup.start();
        let answer = get(&server, "/api/rooms/a/messages?limit=200");
        assert_eq!(answer.messages(), said);
    }
    assert!(said.is_sorted_by(|a, b| a.seq < b.seq));
    assert_eq!(said[0].seq, 1);
}

fn a_message_is_on_disk_when_it_is_acknowledged(on: Kind) {
    let dir = TempDir::new();
    let setup = on_disk(on, &dir);
    for round in 0..5 {
        let mut server = setup.start();
        let mut socket = Socket::open(&server, "lobby");
        let id = format!("id-{round}");
        socket.post(&id, &id);
        let seq = socket.until("ack")["seq"].as_u64().unwrap();
        server.kill();
        let server = setup.start();
        let messages = get(&server, "/api/rooms/lobby/messages").messages();
        let last = messages.last().unwrap();
        assert_eq!((&last.id, last.seq), (&id, seq));
        assert_eq!(messages.len(), round + 1);
    }
}

fn a_file_that_is_no_history_is_refused(on: Kind) {
    let dir = TempDir::new();
    let setup = on_disk(on, &dir);
    let other = b"this is not a database, it is a letter".repeat(200);
    fs::write(dir.file("chat.db"), &other).unwrap();
    let said = refuses_to_start(&setup);
    assert!(said.contains("chat.db"), "{said}");
    assert_eq!(fs::read(dir.file("chat.db")).unwrap(), other, "untouched");
}

fn a_torn_file_is_refused(on: Kind) {
    let dir = TempDir::new();
    let setup = on_disk(on, &dir);
    let mut server = setup.start();
    for number in 0..100 {
        say(&server, "lobby", &crate::harness::long_text(number, 2000));
    }
    server.stop();
    let file = dir.file("chat.db");
    let whole = fs::read(&file).unwrap();
    let _ = fs::remove_file(dir.file("chat.db-wal"));
    let _ = fs::remove_file(dir.file("chat.db-shm"));
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let said = refuses_to_start(&setup);
    assert!(said.contains("chat.db"), "{said}");
    fs::write(&file, whole).unwrap();
    let server = setup.start();
    let answer = get(&server, "/api/rooms/lobby/messages?limit=200");
    assert_eq!(answer.messages().len(), 100);
}

fn a_file_from_the_future_is_refused(on: Kind) {
    let dir = TempDir::new();
    let setup = on_disk(on, &dir);
    let mut server = setup.start();
    say(&server, "lobby", "hi");
    server.stop();
    let file = rusqlite::Connection::open(dir.file("chat.db")).unwrap();
    file.pragma_update(None, "user_version", 9999).unwrap();
    drop(file);
    refuses_to_start(&setup);
}

fn a_directory_that_is_not_there_is_refused(on: Kind) {
    let dir = TempDir::new();
    let path = dir.file("nowhere").join("chat.db");
    let said = refuses_to_start(&Setup::new(on).option("--history", path));
    assert!(said.contains("nowhere"), "{said}");
}

fn two_servers_do_not_share_a_file(on: Kind) {
    let dir = TempDir::new();
    let setup = on_disk(on, &dir);
    let server = setup.start();
    say(&server, "lobby", "hi");
    let said = refuses_to_start(&setup);
    assert!(said.contains("chat.db"), "{said}");
    let body = json!({"id": "a", "nick": "ada", "text": "still fine"});
    assert_eq!(post(&server, "lobby", &body).status, 201);
}
