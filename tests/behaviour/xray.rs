//! `POST /api/xray`: the bytes of a WebSocket, to be looked at.

use serde_json::{Value, json};

use crate::harness::{Kind, Server, Setup, post_json};

on_every_server! {
    without_the_flag_there_is_no_xray,
    every_byte_of_a_dialog_is_shown,
    a_broken_rule_gets_its_verdict,
    what_cannot_be_asked_is_refused,
}

fn without_the_flag_there_is_no_xray(on: Kind) {
    let server = Server::start(on);
    ask(&server, "echo", "text").refused(404, "not_found");
}

fn every_byte_of_a_dialog_is_shown(on: Kind) {
    let server = Setup::new(on).flag("--demo").start();
    for target in ["echo", "echo-by-hand"] {
        let dialog = ask(&server, target, "text").json();
        assert_eq!(dialog["path"], format!("/api/{target}"));
        assert!(said(&dialog, "client").contains("818537fa213d7f9f4d5158"));
        assert!(said(&dialog, "server").ends_with("810548656c6c6f"));
        assert_eq!(dialog["ended"], false);
    }
    let room = ask(&server, "socket-by-hand", "ping").json();
    assert!(said(&room, "server").contains("8a0548656c6c6f"));
}

fn a_broken_rule_gets_its_verdict(on: Kind) {
    let server = Setup::new(on).flag("--demo").start();
    for (send, verdict) in [
        ("unmasked", "03ea"),
        ("reserved-bit", "03ea"),
        ("reserved-opcode", "03ea"),
        ("bad-utf8", "03ef"),
        ("oversize", "03f1"),
        ("fragmented-ping", "03ea"),
    ] {
        let dialog = ask(&server, "echo-by-hand", send).json();
        let heard = said(&dialog, "server");
        let (_, close) = heard.rsplit_once("0d0a0d0a").unwrap();
        assert!(close.starts_with("88"), "{send}: {close}");
        assert_eq!(&close[4..8], verdict, "{send}");
        assert_eq!(dialog["ended"], true, "{send}");
    }
    let refused = said(&ask(&server, "echo", "wrong-version").json(), "server");
    assert!(refused.starts_with("485454502f312e3120343236"), "{refused}");
}

fn what_cannot_be_asked_is_refused(on: Kind) {
    let server = Setup::new(on).flag("--demo").start();
    ask(&server, "elsewhere", "text").refused(400, "bad_json");
    ask(&server, "echo", "nonsense").refused(400, "bad_json");
    post_json(&server, "/api/xray", &json!({})).refused(400, "bad_json");
}

fn ask(server: &Server, target: &str, send: &str) -> crate::harness::Answer {
    let question = json!({"target": target, "send": send});
    post_json(server, "/api/xray", &question)
}

/// Everything one side said, in hexadecimal.
fn said(dialog: &Value, from: &str) -> String {
    let spoken = dialog["spoken"].as_array().unwrap().iter();
    spoken
        .filter(|spoken| spoken["from"] == from)
        .map(|spoken| spoken["hex"].as_str().unwrap())
        .collect()
}
