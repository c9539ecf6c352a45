//! The client library behind a bad proxy, and over servers that are killed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::chromium::{Chromium, Page};
use crate::harness::{Kind, Message, Server, Setup, TempDir, get};
use crate::proxy::{Mode, Proxy};

on_every_server! {
    nothing_is_lost_over_ten_faults,
    without_upgrades_it_chats_over_events,
    where_answers_are_held_back_it_polls,
    fifty_come_back_to_a_server_that_was_killed,
}

/// Two pages for each client, so that none needs more of a browser's six
/// connections to a host than there are.
const TRANSPORTS: [[&str; 3]; 2] = [
    ["socket", "events", "short-poll"],
    ["socket-by-hand", "stream", "long-poll"],
];

const NICKS: [&str; 3] = ["ada", "bob", "eve"];

/// How many posts each of them makes over each transport.
const POSTS: usize = 67;

/// How long a chat may need to be whole again: a half-open connection is
/// noticed within 20 s, then there is a backoff.
const WHOLE_WITHIN: Duration = Duration::from_secs(60);

/// How long negotiation may take.
const FALLBACK_WITHIN: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, Debug)]
enum Fault {
    Cut,
    Delay,
    HalfOpen,
    Refuse,
    Kill,
}

/// A page with the library in it.
fn open<'a>(chromium: &'a Chromium, proxy: &Proxy) -> Page<'a> {
    let page = chromium.open(&proxy.url("/static/realtime/README.md"), "");
    page.value_of(include_str!("clients.js"));
    page
}

fn join(page: &Page, room: &str, nick: &str, transport: &str) {
    let (room, nick, transport) = (json!(room), json!(nick), json!(transport));
    page.value_of(&format!("join({room}, {nick}, {transport})"));
}

/// Waits until an expression is true in all of the pages, and says what they
/// went through if it never is.
#[track_caller]
fn until(pages: &[Page], within: Duration, expression: &str) {
    let deadline = Instant::now() + within;
    while !pages.iter().all(|page| page.value_of(expression) == true) {
        if Instant::now() > deadline {
            for page in pages {
                eprintln!("{:#}", page.value_of("report()"));
            }
            panic!("not within {within:?}: {expression}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Ten faults, some of each kind, in an order that the seed decides. Another
/// than the usual one is tried with `FAULTS_SEED=7`.
fn faults() -> (Vec<(Fault, Duration)>, u64) {
    use Fault::{Cut, Delay, HalfOpen, Kill, Refuse};
    let seed = std::env::var("FAULTS_SEED").map_or(1, |s| s.parse().unwrap());
    let mut state: u64 = seed;
    // Knuth's multiplier for a linear congruential generator of 64 bits.
    let mut below = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % n
    };
    let mut kinds = vec![
        Cut, Cut, Cut, Delay, Delay, HalfOpen, HalfOpen, Refuse, Kill, Kill,
    ];
    let mut faults = Vec::new();
    while !kinds.is_empty() {
        let kind = kinds.swap_remove(below(kinds.len()));
        let pause = Duration::from_millis(400 + below(800) as u64);
        faults.push((kind, pause));
    }
    (faults, seed)
}

fn happen(fault: Fault, proxy: &Proxy, server: &mut Server, again: &Setup) {
    let a_while = Duration::from_secs(1);
    match fault {
        Fault::Cut => proxy.cut(),
        Fault::HalfOpen => proxy.half_open(),
        Fault::Delay => {
            let delay = Duration::from_millis(300);
            proxy.set(Mode { delay, ..Mode::default() });
            std::thread::sleep(a_while);
        }
        Fault::Refuse => {
            proxy.set(Mode { refuses: true, ..Mode::default() });
            proxy.cut();
            std::thread::sleep(a_while);
        }
        Fault::Kill => {
            server.kill();
            *server = again.start();
        }
    }
    proxy.set(Mode::default());
}

/// Everything that was said in a room, as the server has it.
fn all_messages(server: &Server, room: &str) -> Vec<Message> {
    let mut all: Vec<Message> = Vec::new();
    loop {
        let after = all.last().map_or(0, |message| message.seq);
        let path = format!("/api/rooms/{room}/messages?after={after}");
        let more = get(server, &format!("{path}&limit=200")).messages();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

fn nothing_is_lost_over_ten_faults(on: Kind) {
    let dir = TempDir::new();
    let setup = Setup::new(on).option("--history", dir.file("chat.db"));
    let mut server = setup.start();
    let again = setup.option("--listen", server.host());
    let proxy = Proxy::start(server.address);
    let chromium = Chromium::start();
    let mut pages = Vec::new();
    for transports in TRANSPORTS {
        for nick in NICKS {
            let page = open(&chromium, &proxy);
            for transport in transports {
                join(&page, transport, nick, transport);
            }
            pages.push(page);
        }
    }
    until(&pages, WHOLE_WITHIN, "allOpen()");
    for page in &pages {
        page.value_of(&format!("postMany({POSTS})"));
    }
    let (faults, seed) = faults();
    eprintln!("seed {seed}: {faults:?}");
    for (fault, pause) in faults {
        std::thread::sleep(pause);
        happen(fault, &proxy, &mut server, &again);
    }
    let count = NICKS.len() * POSTS;
    until(&pages, WHOLE_WITHIN, &format!("allSaw({count})"));
    for (transports, pages) in TRANSPORTS.iter().zip(pages.chunks(3)) {
        for (index, transport) in transports.iter().enumerate() {
            saw_the_same(&server, transport, pages, index);
        }
    }
}

/// Holds that the room has each post once, each client's in the order it was
/// made, and that every page saw just that.
#[track_caller]
fn saw_the_same(server: &Server, room: &str, pages: &[Page], index: usize) {
    let truth = all_messages(server, room);
    for nick in NICKS {
        let mine = truth.iter().filter(|message| message.nick == nick);
        let mine: Vec<_> = mine.map(|message| message.text.clone()).collect();
        let made = (0..POSTS).map(|k| format!("{nick} {k}"));
        assert_eq!(mine, made.collect::<Vec<_>>(), "{room}");
    }
    let pairs = truth.iter().map(|message| json!([message.seq, message.text]));
    let truth = Value::Array(pairs.collect());
    for page in pages {
        let seen = page.value_of(&format!("chats[{index}].seen"));
        assert_eq!(seen, truth, "{room}");
        let gaps = page.value_of(&format!("chats[{index}].gaps"));
        assert_eq!(gaps, 0, "{room}");
    }
}

fn without_upgrades_it_chats_over_events(on: Kind) {
    let mode = Mode { refuses_upgrades: true, ..Mode::default() };
    falls_back(on, mode, "events");
}

fn where_answers_are_held_back_it_polls(on: Kind) {
    let mode = Mode { buffers: true, ..Mode::default() };
    falls_back(on, mode, "long-poll");
}

#[track_caller]
fn falls_back(on: Kind, mode: Mode, transport: &str) {
    let server = Server::start(on);
    let proxy = Proxy::start(server.address);
    let chromium = Chromium::start();
    let pages = [open(&chromium, &proxy)];
    proxy.set(mode);
    join(&pages[0], "lobby", "ada", "auto");
    let uses = format!(
        "allOpen() && chats[0].chat.state.transport === {}",
        json!(transport)
    );
    until(&pages, FALLBACK_WITHIN, &uses);
    let posted = "chats[0].chat.post('hello').then(() => true)";
    assert_eq!(pages[0].value_of(posted), true);
    until(&pages, FALLBACK_WITHIN, "allSaw(1)");
}

fn fifty_come_back_to_a_server_that_was_killed(on: Kind) {
    let dir = TempDir::new();
    let setup = Setup::new(on).option("--history", dir.file("chat.db"));
    let mut server = setup.start();
    let again = setup.option("--listen", server.host());
    let proxy = Proxy::start(server.address);
    let chromium = Chromium::start();
    let pages: Vec<Page> = (0..5).map(|_| open(&chromium, &proxy)).collect();
    for (number, page) in pages.iter().enumerate() {
        for k in 0..10 {
            join(page, "lobby", &format!("n{number}{k}"), "socket");
        }
        until(&pages[number..=number], WHOLE_WITHIN, "allOpen()");
        page.value_of("chats.forEach((client) => (client.tries = []))");
    }
    server.kill();
    for page in &pages {
        page.value_of("postMany(1)");
    }
    server = again.start();
    until(&pages, WHOLE_WITHIN, "allOpen() && allSaw(50)");
    let mut seen = Vec::new();
    let mut tries = Vec::new();
    for page in &pages {
        seen.push(page.value_of("chats.map((client) => client.seen)"));
        let its = page.value_of("chats.map((client) => client.tries[0])");
        let its = its.as_array().unwrap().iter();
        tries.extend(its.map(|at| at.as_u64().expect("each tried again")));
    }
    let truth = all_messages(&server, "lobby");
    assert_eq!(truth.len(), 50);
    let pairs = truth.iter().map(|message| json!([message.seq, message.text]));
    let truth = Value::Array(pairs.collect());
    for page in seen {
        for one in page.as_array().unwrap() {
            assert_eq!(*one, truth);
        }
    }
    are_spread(tries);
}

/// Holds that no 200 ms see more than half of the attempts, given in
/// milliseconds.
#[track_caller]
fn are_spread(mut at: Vec<u64>) {
    at.sort_unstable();
    let at_once = |from: &u64| {
        at.iter().filter(|at| (*from..from + 200).contains(at)).count()
    };
    let busiest = at.iter().map(at_once).max().unwrap();
    assert!(busiest * 2 <= at.len(), "{busiest} of {} at once", at.len());
}
