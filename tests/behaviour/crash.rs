//! `kill -9` at random instants, while everyone posts and reads.
//!
//! Twenty rounds; `TWINCHAT_CRASH_ROUNDS` says how many otherwise.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{
    Checker, Event, Kind, Message, PATIENCE, Reader, Server, Setup, Socket,
    TempDir, Transport, Wire, eventually,
};

on_every_server! {
    nothing_acknowledged_is_lost_doubled_or_renumbered,
}

const ROOM: &str = "lobby";
const POSTERS: usize = 20;
const READERS: usize = 12;

/// What all threads of the test share.
struct World {
    /// Where the server is, again and again.
    address: SocketAddr,
    /// Whether posters are to go on.
    posting: AtomicBool,
    /// Whether readers are to go on.
    reading: AtomicBool,
    /// How many posts were acknowledged.
    acks: AtomicU64,
    checker: Mutex<Checker>,
}

fn nothing_acknowledged_is_lost_doubled_or_renumbered(on: Kind) {
    let rounds = std::env::var("TWINCHAT_CRASH_ROUNDS");
    let rounds: u64 = rounds.map_or(20, |rounds| rounds.parse().unwrap());
    let dir = TempDir::new();
    let setup = Setup::new(on)
        .option("--history", dir.file("chat.db"))
        .option("--keep-messages", "1000000");
    let mut server = setup.start();
    let world = World {
        address: server.address,
        posting: AtomicBool::new(true),
        reading: AtomicBool::new(true),
        acks: AtomicU64::new(0),
        checker: Mutex::default(),
    };
    let again = setup.option("--listen", server.host());
    std::thread::scope(|scope| {
        for number in 0..POSTERS {
            let world = &world;
            scope.spawn(move || post_again_and_again(world, number));
        }
        for number in 0..READERS {
            let world = &world;
            let transport = Transport::ALL[number % 6];
            scope.spawn(move || read_again_and_again(world, transport));
        }
        for round in 0..rounds {
            wait_for_acks(&world, 20 + round * 7 % 40);
            std::thread::sleep(Duration::from_micros(round * 1973 % 50_000));
            server.kill();
            server = again.start();
        }
        wait_for_acks(&world, 20);
        world.posting.store(false, Ordering::SeqCst);
        world.reading.store(false, Ordering::SeqCst);
    });
    let checker = world.checker.into_inner().unwrap();
    let stored = whole_room(&server);
    checker.check(&stored);
    println!(
        "{rounds} kills: {} acknowledged, {} stored",
        checker.count(),
        stored.len()
    );
}

/// Waits until so many more posts are acknowledged.
#[track_caller]
fn wait_for_acks(world: &World, more: u64) {
    let before = world.acks.load(Ordering::SeqCst);
    eventually("posts are acknowledged", || {
        world.acks.load(Ordering::SeqCst) >= before + more
    });
}

/// Everything the server has, in its order.
fn whole_room(server: &Server) -> Vec<Message> {
    let path = format!("/api/rooms/{ROOM}/messages");
    let last = crate::harness::get(server, &path).number("last");
    let mut reader = Reader::open(server, Transport::Stream, ROOM, Some(0));
    let mut stored = Vec::new();
    while stored.last().is_none_or(|m: &Message| m.seq < last) {
        stored.push(reader.message());
    }
    stored
}

/// Posts one message after the other, each until it is acknowledged, over a
/// socket or by POST.
fn post_again_and_again(world: &World, poster: usize) {
    let mut number = 0;
    let mut way = None;
    while world.posting.load(Ordering::SeqCst) {
        let id = format!("{poster}-{number}");
        match try_post(world, &mut way, poster, &id) {
            Some(seq) => {
                world.checker.lock().unwrap().acked(&id, seq);
                world.acks.fetch_add(1, Ordering::SeqCst);
                number += 1;
            }
            None => {
                way = None;
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// A way to post that is open.
enum Way {
    Socket(Box<Socket>),
    Http(Wire),
}

/// Tries once; the number it was given, if it was acknowledged.
fn try_post(
    world: &World,
    way: &mut Option<Way>,
    poster: usize,
    id: &str,
) -> Option<u64> {
    if way.is_none() {
        let kind = Transport::PUSHING[2 + poster / 2 % 2].path();
        let path = format!("/api/rooms/{ROOM}/{kind}?after=9007199254740991");
        *way = Some(if poster.is_multiple_of(2) {
            let socket = Socket::connect(world.address, &path).ok()?;
            Way::Socket(Box::new(socket))
        } else {
            Way::Http(Wire::connect(world.address).ok()?)
        });
    }
    match way.as_mut()? {
        Way::Socket(socket) => post_on_socket(socket, id),
        Way::Http(wire) => post_by_http(wire, world.address, id),
    }
}

fn post_on_socket(socket: &mut Socket, id: &str) -> Option<u64> {
    let post = json!({"type": "post", "id": id, "nick": "ada", "text": id});
    socket.try_text(&post.to_string()).ok()?;
    loop {
        let value = socket.try_any(PATIENCE).ok()??;
        match value["type"].as_str() {
            Some("ack") if value["id"] == id => return value["seq"].as_u64(),
            Some("error") => panic!("{value}"),
            _ => {}
        }
    }
}

fn post_by_http(wire: &mut Wire, host: SocketAddr, id: &str) -> Option<u64> {
    let body: Value = json!({"id": id, "nick": "bob", "text": id});
    let body = body.to_string();
    let request = format!(
        "POST /api/rooms/{ROOM}/messages HTTP/1.1\r\nHost: {host}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    wire.try_send(request).ok()?;
    let answer = wire.try_answer(PATIENCE).ok()?;
    Some(answer.message().seq)
}

/// Reads the room over a transport, coming back with its cursor as often as it
/// must.
fn read_again_and_again(world: &World, transport: Transport) {
    let mut seen = Vec::new();
    let mut cursor = Some(0);
    while world.reading.load(Ordering::SeqCst) {
        let reader = Reader::connect(world.address, transport, ROOM, cursor);
        let Ok(mut reader) = reader else {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        };
        assert!(!reader.gap, "{transport:?}: a gap, and nothing was lost");
        read_until_it_breaks(world, &mut reader, &mut seen);
        cursor = seen.last().map_or(Some(0), |m: &Message| Some(m.seq));
    }
    assert!(!seen.is_empty(), "{transport:?} read nothing");
    world.checker.lock().unwrap().read(seen);
}

fn read_until_it_breaks(
    world: &World,
    reader: &mut Reader,
    seen: &mut Vec<Message>,
) {
    let start = Instant::now();
    loop {
        let reading = world.reading.load(Ordering::SeqCst);
        match reader.next(Duration::from_millis(100)) {
            Ok(Event::Message(message)) => seen.push(message),
            Ok(Event::Bye) => return,
            Err(error) if crate::harness::is_late(&error) && reading => {}
            Err(_) => return,
        }
        // Now and then it goes and comes back of its own will.
        if reading && start.elapsed() > Duration::from_millis(700) {
            return;
        }
    }
}
