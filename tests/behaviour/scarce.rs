//! Less than a server needs: threads that cannot be had, a disk that is full,
//! and a crowd that comes back all at once.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{
    Kind, OpenBody, PATIENCE, Server, Setup, TempDir, Wire, eventually, get,
    long_text, post, say,
};

on_every_server! {
    out_of_threads_it_turns_away_and_recovers,
    a_full_disk_stops_posts_and_nothing_else,
    a_thousand_readers_come_back_after_a_restart,
    two_thousand_slow_clients_keep_nobody_waiting,
}

/// Users that have been taken.
static USERS: AtomicU32 = AtomicU32::new(0);

/// Starts a server as a user without rights, if this machine lets us. Nothing
/// else runs as that user, so its threads are counted apart.
fn start_as_nobody(setup: &Setup) -> Option<(Server, String)> {
    let user = (600_000 + std::process::id() * 2 + USERS.fetch_add(1, Relaxed))
        .to_string();
    let ids = ["--reuid", &user, "--regid", &user, "--clear-groups"];
    let allowed = Command::new("setpriv").args(ids).arg("true").status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("SKIPPED threads that run out (needs root and setpriv)");
        return None;
    }
    let direct = setup.command();
    // Where it was built, a user without rights may not look.
    let dir = TempDir::new();
    let copy = dir.file("twinchat");
    std::fs::copy(direct.get_program(), &copy).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(dir.path(), open).unwrap();
    let mut command = Command::new("setpriv");
    command.args(ids).arg(copy).args(direct.get_args()).current_dir("/");
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    Some((setup.start_as(command), user))
}

/// Asks whether it is healthy; the status, 0 for none.
fn health(server: &Server) -> u16 {
    let mut wire = Wire::open(server);
    let _ = wire.try_send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    wire.try_answer(PATIENCE).map_or(0, |answer| answer.status)
}

fn out_of_threads_it_turns_away_and_recovers(on: Kind) {
    let Some((mut server, user)) = start_as_nobody(&Setup::new(on)) else {
        return;
    };
    let mut reader = OpenBody::open(&server, "/api/rooms/good/stream");
    let now = server.threads();
    // Only it may lower its own limit; and prlimit(1) counts for a moment.
    let limited = Command::new("setpriv")
        .args(["--reuid", &user, "--regid", &user, "--clear-groups"])
        .args(["prlimit", &format!("--nproc={}", now + 10)])
        .args(["--pid", &server.pid().to_string()])
        .status();
    assert!(limited.unwrap().success());
    let mut wires: Vec<Wire> = (0..40).map(|_| Wire::open(&server)).collect();
    let mut welcome = 0;
    for wire in &mut wires {
        let _ = wire.try_send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        match wire.try_answer(PATIENCE) {
            Ok(answer) if answer.status == 200 => welcome += 1,
            Ok(answer) => answer.refused(503, "full"),
            Err(error) => {
                assert!(!crate::harness::is_late(&error), "left hanging");
            }
        }
    }
    println!("{on:?}: room for 10 threads, {welcome} of 40 welcome");
    // An event loop asks for no thread, and serves everybody.
    assert!(welcome == 40 || (5..=11).contains(&welcome), "{welcome}");
    assert!(server.is_alive(), "{}", server.log());
    drop(wires);
    eventually("there is room again", || health(&server) == 200);
    say(&server, "good", "hi");
    while reader.object()["type"] != "message" {}
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// A disk so small that it can be filled, if this machine lets us mount one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let dir = TempDir::new();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(dir.path())
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            println!("SKIPPED a full disk (needs root and mount)");
            return None;
        }
        Some(SmallDisk(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn a_full_disk_stops_posts_and_nothing_else(on: Kind) {
    let Some(disk) = SmallDisk::mount() else { return };
    let setup = Setup::new(on).option("--history", disk.0.file("chat.db"));
    let mut server = setup.start();
    let kept = say(&server, "lobby", "hi");
    let ballast = disk.0.file("ballast");
    // As much as there is room for.
    let _ = std::fs::write(&ballast, vec![1; 4 << 20]);
    let (mut refused, mut number) = (None, 0);
    while refused.is_none() {
        let id = format!("id-{number}");
        let text = long_text(number, 4000);
        let body = json!({"id": id, "nick": "ada", "text": text});
        let answer = post(&server, "lobby", &body);
        match answer.status {
            201 => number += 1,
            _ => refused = Some(answer),
        }
        assert!(number < 1000, "the disk is never full");
    }
    refused.unwrap().refused(503, "storage");
    let path = format!("/api/rooms/lobby/messages?after={}", kept.seq - 1);
    assert_eq!(get(&server, &path).messages()[0], kept);
    std::fs::remove_file(&ballast).unwrap();
    let begun = Instant::now();
    let last = format!("id-{number}");
    let body = json!({"id": last, "nick": "ada", "text": "again"});
    eventually("posts are taken again", || {
        post(&server, "lobby", &body).status == 201
    });
    println!("a full disk: back after {:?}", begun.elapsed());
    server.kill();
    let server = setup.start();
    let answer = get(&server, "/api/rooms/lobby/messages?limit=200");
    assert_eq!(answer.messages().last().unwrap().id, last);
    assert_eq!(answer.messages().len(), (number + 2).min(200));
}

fn a_thousand_readers_come_back_after_a_restart(on: Kind) {
    let dir = TempDir::new();
    let setup = Setup::new(on).option("--history", dir.file("chat.db"));
    let mut server = setup.start();
    let first = say(&server, "lobby", "before");
    let path = format!("/api/rooms/lobby/stream?after={}", first.seq);
    let readers: Vec<_> =
        (0..1000).map(|_| OpenBody::open(&server, &path)).collect();
    let begun = Instant::now();
    server.signal(Signal::TERM);
    assert!(server.exit().success());
    let stopped = begun.elapsed();
    drop(readers);
    let mut server = setup.option("--listen", server.host()).start();
    let mut readers: Vec<_> =
        (0..1000).map(|_| OpenBody::open(&server, &path)).collect();
    let back = begun.elapsed();
    let said = say(&server, "lobby", "after");
    for reader in &mut readers {
        let message = loop {
            let value = reader.object_within(PATIENCE);
            if value["type"] == "message" {
                break value;
            }
        };
        assert_eq!(message["seq"], said.seq);
    }
    println!("1000 readers: gone in {stopped:?}, back after {back:?}");
    assert!(stopped < Duration::from_secs(5), "{stopped:?}");
    assert!(server.is_alive());
}

/// How a slow client begins; a byte a second follows.
const BEGINNINGS: [&[u8]; 4] = [
    b"GET / HTTP/1.1\r\nX: ",
    b"POST /api/rooms/a/messages HTTP/1.1\r\nHost: a\r\n\
      Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
    b"GET /api/rooms/a/socket HTTP/1.1\r\nUpgrade: websocket\r\nX: ",
    b"GET /api/rooms/a/socket HTTP/1.1\r\nHost: a\r\n\
      Connection: upgrade\r\nUpgrade: websocket\r\n\
      Sec-WebSocket-Version: 13\r\n\
      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81",
];

fn two_thousand_slow_clients_keep_nobody_waiting(on: Kind) {
    let setup = Setup::new(on)
        .option("--head-timeout", "4")
        .option("--body-timeout", "4");
    let server = setup.start();
    let rest = server.descriptors_at_rest();
    let mut wires: Vec<Wire> = (0..2000)
        .map(|number| {
            let mut wire = Wire::open(&server);
            wire.send(BEGINNINGS[number % 4]);
            wire
        })
        .collect();
    let mut slowest = Duration::ZERO;
    for _ in 0..3 {
        let begun = Instant::now();
        for wire in &mut wires {
            let _ = wire.try_send("\x05");
        }
        let asked = Instant::now();
        let said = say(&server, "good", "hi");
        let answer = get(&server, "/api/rooms/good/messages?limit=1");
        assert_eq!(answer.messages(), [said]);
        slowest = slowest.max(asked.elapsed());
        let left = Duration::from_secs(1).saturating_sub(begun.elapsed());
        std::thread::sleep(left);
    }
    println!("2000 slow clients: a good one served within {slowest:?}");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    drop(wires);
    eventually("they are given up", || server.descriptors() <= rest);
}
