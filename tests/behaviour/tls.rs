//! TLS: the same chat, which nobody on the way can read.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::harness::tunnel::{client, through_tls, trusting};
use crate::harness::{
    Kind, PATIENCE, Reader, Server, Setup, TempDir, Transport, Wire, get, say,
};

on_every_server! {
    every_transport_works_over_tls,
    a_client_that_says_nothing_holds_up_nobody,
    plain_http_is_told_that_this_is_tls,
    an_answer_ends_with_a_word,
    our_own_certificate_is_kept,
    without_a_disk_nothing_is_written,
    a_certificate_may_be_given,
    files_that_are_no_certificate_are_told,
    shutting_down_says_bye_over_tls,
}

/// A server with a certificate of its own, in a directory of its own.
#[track_caller]
fn own(setup: &Setup) -> (Server, TempDir, PathBuf) {
    let directory = TempDir::new();
    let server = setup
        .clone()
        .option("--history", directory.file("chat.db"))
        .option("--tls", "self-signed")
        .start();
    assert!(server.has_tls());
    let certificate = directory.file("chat-cert.pem");
    (server, directory, certificate)
}

fn every_transport_works_over_tls(on: Kind) {
    let (mut server, _directory, certificate) = own(&Setup::new(on));
    through_tls(&mut server, &certificate);
    let before = say(&server, "lobby", "before");
    let mut readers = Transport::ALL
        .map(|transport| Reader::open(&server, transport, "lobby", Some(0)));
    for reader in &mut readers {
        assert_eq!(reader.message(), before);
    }
    for number in 0..20 {
        let said = say(&server, "lobby", &"x".repeat(1 + number * 200));
        for reader in &mut readers {
            assert_eq!(reader.message(), said);
        }
    }
}

fn a_client_that_says_nothing_holds_up_nobody(on: Kind) {
    let setup = Setup::new(on).option("--head-timeout", "0.5");
    let (mut server, _directory, certificate) = own(&setup);
    let mut silent = Wire::open(&server);
    let mut slow = Wire::open(&server);
    slow.send([22, 3, 1]);
    through_tls(&mut server, &certificate);
    assert_eq!(get(&server, "/healthz").text(), "ok\n");
    for wire in [&mut silent, &mut slow] {
        wire.rest();
    }
}

fn plain_http_is_told_that_this_is_tls(on: Kind) {
    let (server, _directory, _) = own(&Setup::new(on));
    let mut wire = Wire::open(&server);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = wire.rest();
    // An alert (RFC 8446, section 6): its type, a version, its length.
    assert!(answer.starts_with(&[21, 3]), "{answer:?}");
    assert!(answer.len() < 20, "{answer:?}");
}

fn an_answer_ends_with_a_word(on: Kind) {
    let (server, _directory, certificate) = own(&Setup::new(on));
    let mut tls = client(&trusting(&certificate, &[]));
    let mut socket = TcpStream::connect(server.address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = rustls::Stream::new(&mut tls, &mut socket);
    let request = "GET /healthz HTTP/1.1\r\nHost: a\r\n\
                   Connection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // Without `close_notify`, rustls calls this an unexpected end.
    stream.read_to_end(&mut answer).expect("an end that is meant");
    assert!(answer.ends_with(b"ok\n"));
}

fn our_own_certificate_is_kept(on: Kind) {
    let (mut server, directory, certificate) = own(&Setup::new(on));
    let fingerprint = server.line("certificate SHA-256 ");
    assert_eq!(fingerprint.len(), 32 * 3 - 1);
    let url = server.line("listening on ");
    assert!(url.starts_with("https://"), "{url}");
    for file in [&certificate, &directory.file("chat-key.pem")] {
        let mode = fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
    server.stop();
    let mut server = Setup::new(on)
        .option("--history", directory.file("chat.db"))
        .option("--tls", "self-signed")
        .start();
    assert_eq!(server.line("certificate SHA-256 "), fingerprint);
}

fn without_a_disk_nothing_is_written(on: Kind) {
    let directory = TempDir::new();
    let mut server = Setup::new(on)
        .option("--tls", "self-signed")
        .directory(directory.path())
        .start();
    server.line("certificate SHA-256 ");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

fn a_certificate_may_be_given(on: Kind) {
    let (mut server, directory, certificate) = own(&Setup::new(on));
    server.stop();
    let mut server = Setup::new(on)
        .option("--tls-cert", &certificate)
        .option("--tls-key", directory.file("chat-key.pem"))
        .start();
    through_tls(&mut server, &certificate);
    assert_eq!(get(&server, "/healthz").text(), "ok\n");
}

fn files_that_are_no_certificate_are_told(on: Kind) {
    let (mut server, directory, certificate) = own(&Setup::new(on));
    server.stop();
    let (_, other, _) = own(&Setup::new(on));
    let key = directory.file("chat-key.pem");
    let text = directory.file("chat.db");
    let missing = directory.file("missing.pem");
    for (certificate, key, complaint) in [
        (&missing, &key, "cannot read"),
        (&text, &key, "no certificate"),
        (&certificate, &missing, "cannot read"),
        (&certificate, &certificate, "no private key"),
        (&certificate, &other.file("chat-key.pem"), "certificate"),
    ] {
        let setup = Setup::new(on)
            .option("--tls-cert", certificate)
            .option("--tls-key", key);
        refuses_to_start(&setup, complaint);
    }
    fs::remove_file(&key).unwrap();
    let alone = Setup::new(on)
        .option("--history", &text)
        .option("--tls", "self-signed");
    refuses_to_start(&alone, "bring it back");
    let without_key = Setup::new(on).option("--tls-cert", Path::new("c.pem"));
    refuses_to_start(&without_key, "--tls-key");
}

#[track_caller]
fn refuses_to_start(setup: &Setup, complaint: &str) {
    let output = setup.command().output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains(complaint), "{said}");
    assert!(!said.contains("panic"), "{said}");
}

fn shutting_down_says_bye_over_tls(on: Kind) {
    let (mut server, _directory, certificate) = own(&Setup::new(on));
    through_tls(&mut server, &certificate);
    let mut socket = crate::harness::Socket::open(&server, "lobby");
    let mut stream =
        crate::harness::OpenBody::open(&server, "/api/rooms/lobby/stream");
    server.stop();
    socket.until("bye");
    assert_eq!(socket.closed(), 1001);
    while stream.object()["type"] != "bye" {}
}
