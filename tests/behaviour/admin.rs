//! The operator's side: metrics, health, options, logs.

use std::net::SocketAddr;
use std::process::Command;

use rustix::process::Signal;

use crate::harness::{
    Answer, Kind, OpenBody, Server, Setup, Socket, Wire, binary, eventually,
    get, say_many,
};

on_every_server! {
    metrics_say_what_happens,
    it_is_healthy_on_the_operators_port,
    healthcheck_exits_with_what_it_found,
    the_public_port_knows_no_metrics,
    options_may_come_from_the_environment,
    serve_may_be_said,
    every_option_may_be_a_variable,
    an_option_that_is_wrong_is_told,
    a_port_that_is_taken_is_told,
    logs_are_safe_to_print,
}

/// A server with an operator's endpoint, and where it is.
#[track_caller]
fn with_admin(setup: &Setup) -> (Server, SocketAddr) {
    let setup = setup.clone().option("--admin", "127.0.0.1:0");
    let mut server = setup.start();
    let url = server.line("admin on http://");
    let address = url.trim_end_matches('/').parse().unwrap();
    (server, address)
}

fn ask(address: SocketAddr, path: &str) -> Answer {
    let mut wire = Wire::connect(address).unwrap();
    wire.send(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n"));
    wire.answer()
}

/// The sum of all samples of a metric.
fn sum(metrics: &str, name: &str) -> f64 {
    let samples = metrics.lines().filter(|line| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']))
    });
    let value = |line: &str| line.rsplit(' ').next().unwrap().parse::<f64>();
    samples.map(|line| value(line).unwrap()).sum()
}

fn metrics_say_what_happens(on: Kind) {
    let setup = Setup::new(on).option("--max-per-ip", "10");
    let (server, admin) = with_admin(&setup);
    let mut stream = OpenBody::open(&server, "/api/rooms/lobby/stream");
    let mut socket = Socket::open(&server, "lobby");
    say_many(&server, "lobby", 0..10);
    for _ in 0..10 {
        socket.until("message");
        while stream.object()["type"] != "message" {}
    }
    let _ten = [(); 10].map(|()| Wire::from(&server, "127.0.0.2"));
    let refused = Wire::from(&server, "127.0.0.2").answer();
    refused.refused(429, "too_many_connections");
    let answer = ask(admin, "/metrics");
    assert_eq!(answer.status, 200);
    let metrics = answer.text();
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.starts_with("twinchat_"), "{line}");
        let value = line.rsplit(' ').next().unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    for what in [
        "connections",
        "threads",
        "messages",
        "deliver",
        "batch",
        "refus",
        "backlog",
        "slow",
    ] {
        assert!(metrics.contains(what), "{what} in\n{metrics}");
    }
    let open = sum(metrics, "twinchat_connections");
    assert!(open >= 2.0, "{open} connections in\n{metrics}");
}

fn it_is_healthy_on_the_operators_port(on: Kind) {
    let (_server, admin) = with_admin(&Setup::new(on));
    let answer = ask(admin, "/healthz");
    assert_eq!((answer.status, answer.text().trim()), (200, "ok"));
    assert_eq!(ask(admin, "/nothing").status, 404);
}

fn healthcheck_exits_with_what_it_found(on: Kind) {
    let (mut server, admin) = with_admin(&Setup::new(on));
    let check = || {
        let mut command = Command::new(binary());
        command.arg("healthcheck").env("TWINCHAT_ADMIN", admin.to_string());
        command.output().unwrap().status.code()
    };
    assert_eq!(check(), Some(0));
    server.signal(Signal::STOP);
    assert_eq!(check(), Some(1), "a server that does not answer");
    server.signal(Signal::CONT);
    server.stop();
    assert_eq!(check(), Some(1), "a server that is not there");
}

fn the_public_port_knows_no_metrics(on: Kind) {
    let (server, _) = with_admin(&Setup::new(on));
    assert_eq!(get(&server, "/metrics").status, 404);
}

fn options_may_come_from_the_environment(on: Kind) {
    let server = Setup::new(on)
        .without("--listen")
        .without("--server")
        .without("--max-per-ip")
        .variable("TWINCHAT_LISTEN", "127.0.0.1:0")
        .variable("TWINCHAT_SERVER", on.0)
        .variable("TWINCHAT_MAX_PER_IP", "2")
        .variable("TWINCHAT_DEMO", "true")
        .start();
    assert_eq!(get(&server, "/api/server").json()["server"], on.0);
    assert_eq!(get(&server, "/api/work?ms=1").status, 200);
    let _both = [Wire::open(&server), Wire::open(&server)];
    eventually("the third is turned away", || {
        let mut wire = Wire::open(&server);
        wire.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = wire.try_answer(crate::harness::PATIENCE);
        answer.is_ok_and(|answer| answer.status == 429)
    });
}

fn serve_may_be_said(on: Kind) {
    let mut command = Setup::new(on).command();
    let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    command = Command::new(binary());
    let help = command.arg("serve").args(args).arg("--help").output().unwrap();
    assert!(help.status.success());
    let help = String::from_utf8(help.stdout).unwrap();
    for option in [
        "--listen",
        "--server",
        "--history",
        "--fanout",
        "--admin",
        "--demo",
        "--max-per-ip",
        "--post-rate",
        "--allow-origin",
        "--max-connections",
        "TWINCHAT_LISTEN",
    ] {
        assert!(help.contains(option), "{option}");
    }
}

fn every_option_may_be_a_variable(on: Kind) {
    let mut command = Command::new(binary());
    let help = command.args(["serve", "--server", on.0, "--help"]);
    let help = String::from_utf8(help.output().unwrap().stdout).unwrap();
    let words: Vec<&str> = help.split_whitespace().collect();
    let options = words.iter().filter_map(|word| word.strip_prefix("--"));
    let mut count = 0;
    for option in options.filter(|option| *option != "help") {
        let name = option.trim_end_matches([',', '.']).replace('-', "_");
        let variable = format!("TWINCHAT_{}=]", name.to_uppercase());
        assert!(words.contains(&&*variable), "{variable} for --{option}");
        count += 1;
    }
    assert!(count >= 25, "{count} options");
}

fn an_option_that_is_wrong_is_told(on: Kind) {
    for (name, value) in [
        ("--listen", "nowhere"),
        ("--server", "magic"),
        ("--max-per-ip", "many"),
        ("--fanout", "pigeon"),
        ("--allow-origin", "not an origin"),
        ("--no-such-option", "x"),
    ] {
        let output =
            Setup::new(on).option(name, value).command().output().unwrap();
        assert!(!output.status.success(), "{name} {value}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(name), "{name} {value}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

fn a_port_that_is_taken_is_told(on: Kind) {
    let server = Server::start(on);
    let setup = Setup::new(on).option("--listen", server.host());
    let output = setup.command().output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&server.host()), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

fn logs_are_safe_to_print(on: Kind) {
    let setup = Setup::new(on).variable("RUST_LOG", "twinchat=trace");
    let mut server = setup.start();
    let mut wire = Wire::open(&server);
    wire.send(
        "GET /\x1b[31m/red?\u{202e}=%0A%1b[2J HTTP/1.1\r\nHost: a\r\n\
         User-Agent: \u{9b}31m\x07\r\nOrigin: a\x1bb\r\n\r\n",
    );
    wire.answer_or_end();
    let mut socket = Socket::open(&server, "lobby");
    socket.text("\x1b[31m{\"type\":\"post\u{202e}\"}");
    socket.until("error");
    socket.close();
    socket.closed();
    server.stop();
    let log = server.log();
    assert!(!log.is_empty(), "there is something to look at");
    let wild = |c: char| {
        c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}')
    };
    let found = log.lines().find(|line| line.contains(wild));
    assert_eq!(found, None);
}
