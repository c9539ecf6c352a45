//! The generator's loop: one epoll, one timer, every client.
//!
//! It must never be what is slow. So: no allocation per delivery, no JSON
//! parser, timers looked at after every event, and its own lag written down.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::mpsc::Receiver as Commands;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec,
    timerfd_create, timerfd_settime,
};

use super::codec::Purpose;
use super::command::{Command, Report, Wire};
use super::connection::{Connection, Phase, kind_of};
use super::groups::{Group, Losses};
use super::load::Loading;
use super::requests::Asking;
use super::scan::Word;
use super::socket::{Receiver, now};

/// The event of a command having arrived.
pub const COMMANDS: Token = Token(0);
const TIMER: Token = Token(1);
/// Connection 0's event.
const FIRST_CONNECTION: usize = 2;

/// The loop does not sleep for the last stretch before something is due, ns:
/// being woken takes up to 100 µs, and that would be the server's latency.
const AWAKE: u64 = 200_000;

/// Events fetched at once.
const EVENTS: usize = 1024;

/// What is to be done at some instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// The next message of the load.
    Post,
    /// No more waiting for stragglers, by load.
    LoadEnd(u32),
    /// A short poll's next question, by connection.
    Poll(usize),
    /// An attempt to connect, by connection.
    Connect(usize),
    /// A group has had long enough to open.
    OpenEnd(usize),
    /// No more waiting for answers, by when the asking began.
    AskEnd(u64),
}

/// Everything the generator knows.
pub struct Engine {
    poll: Poll,
    timer: OwnedFd,
    timers: BinaryHeap<Reverse<(u64, Due)>>,
    receiver: Receiver,
    words: Vec<Word>,
    /// The server's address.
    pub server: SocketAddr,
    /// The server's `Host`.
    pub host: String,
    /// Every client there ever was.
    pub connections: Vec<Connection>,
    /// Groups of clients, in the order they were opened.
    pub groups: Vec<Group>,
    /// Readers given out so far.
    pub readers: usize,
    /// The load that is running.
    pub loading: Option<Loading>,
    /// The questions that are being asked.
    pub asking: Option<Asking>,
    /// Connections lost and found again.
    pub losses: Losses,
    /// Traffic so far.
    pub wire: Wire,
    /// What is to be said to the parent.
    pub reports: Vec<Report>,
}

impl Engine {
    /// A generator for the server at `server`; `poll` already knows where
    /// commands come from.
    ///
    /// # Errors
    /// Those of timerfd_create(2) and epoll_ctl(2).
    pub fn new(poll: Poll, server: SocketAddr) -> io::Result<Engine> {
        // Not epoll's own timeout: that counts in whole milliseconds, which
        // is longer than most of what is measured here.
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Realtime, flags)?;
        poll.registry().register(
            &mut SourceFd(&timer.as_raw_fd()),
            TIMER,
            Interest::READABLE,
        )?;
        Ok(Engine {
            poll,
            timer,
            timers: BinaryHeap::new(),
            receiver: Receiver::default(),
            words: Vec::new(),
            server,
            host: server.to_string(),
            connections: Vec::new(),
            groups: Vec::new(),
            readers: 0,
            loading: None,
            asking: None,
            losses: Losses::default(),
            wire: Wire::default(),
            reports: Vec::new(),
        })
    }

    /// Runs until there are no more commands.
    ///
    /// # Errors
    /// Those of epoll_wait(2).
    pub fn run(
        &mut self,
        commands: &Commands<Command>,
        mut say: impl FnMut(&Report) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            for report in self.reports.drain(..) {
                say(&report)?;
            }
            let timeout = self.arm()?;
            match self.poll.poll(&mut events, timeout) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                done => done?,
            }
            for event in &events {
                match event.token() {
                    COMMANDS => loop {
                        use std::sync::mpsc::TryRecvError::*;
                        match commands.try_recv() {
                            Ok(command) => self.command(command),
                            Err(Empty) => break,
                            Err(Disconnected) => return Ok(()),
                        }
                    },
                    TIMER => {}
                    Token(token) => self.ready(token - FIRST_CONNECTION),
                }
                self.run_due();
            }
            // There may have been no event at all.
            self.run_due();
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Open(open) => self.open(open),
            Command::Load(load) => self.load(load),
            Command::Requests(requests) => self.ask(requests),
            Command::Pause(group) => self.pause(&group),
            Command::Resume(group) => self.resume(&group),
            Command::Close(group) => self.close(&group),
            Command::Count => self.count(),
        }
    }

    /// Asks to be reminded of `due` at `instant`, ns.
    pub fn at(&mut self, instant: u64, due: Due) {
        self.timers.push(Reverse((instant, due)));
    }

    /// Sets the timer to shortly before what is due first; if that is now,
    /// the loop must not sleep.
    fn arm(&self) -> io::Result<Option<Duration>> {
        let first = self.timers.peek().map_or(0, |Reverse((at, _))| *at);
        let wake = first.saturating_sub(AWAKE);
        if first > 0 && wake <= now() {
            return Ok(Some(Duration::ZERO));
        }
        let value = Timespec {
            tv_sec: (wake / 1_000_000_000) as i64,
            tv_nsec: (wake % 1_000_000_000) as i64,
        };
        let interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        // 0 disarms. Setting it also clears an expiry that was not read.
        let when = Itimerspec { it_interval: interval, it_value: value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &when)?;
        Ok(None)
    }

    fn run_due(&mut self) {
        while let Some(Reverse((at, due))) = self.timers.peek().copied() {
            if at > now() {
                return;
            }
            self.timers.pop();
            match due {
                Due::Post => self.post_due(),
                Due::LoadEnd(number) => self.end_waiting(number),
                Due::Poll(index) => self.ask_for_messages(index),
                Due::Connect(index) => self.connect(index),
                Due::OpenEnd(group) => self.end_open(group),
                Due::AskEnd(began) => self.end_patience(began),
            }
        }
    }

    /// Registers a connection's new socket.
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub fn register(&mut self, index: usize) -> io::Result<()> {
        let token = Token(index + FIRST_CONNECTION);
        let both = Interest::READABLE | Interest::WRITABLE;
        match &mut self.connections[index].socket {
            Some(socket) => self.poll.registry().register(socket, token, both),
            None => Ok(()),
        }
    }

    /// A socket can be read, written, or is lost. Which, the calls tell.
    fn ready(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let Some(socket) = &connection.socket else { return };
        if connection.phase == Phase::Connecting {
            match socket.take_error() {
                // Not connected yet: an early wake-up.
                Ok(None) if socket.peer_addr().is_err() => return,
                Ok(None) => self.connected(index),
                Ok(Some(e)) | Err(e) => return self.lost(index, &kind_of(&e)),
            }
        }
        if self.connections[index].is_paused {
            return self.notice_reset(index);
        }
        self.flush(index);
        self.read(index);
    }

    /// Someone who does not read learns of a reset all the same.
    fn notice_reset(&mut self, index: usize) {
        let Some(socket) = &self.connections[index].socket else { return };
        if let Ok(Some(e)) = socket.take_error() {
            self.lost(index, &kind_of(&e));
        }
    }

    /// Sends what can be sent.
    pub fn flush(&mut self, index: usize) {
        match self.connections[index].flush() {
            Ok(sent) => self.wire.up += sent as u64,
            Err(e) => self.lost(index, &kind_of(&e)),
        }
    }

    /// Reads until there is nothing left.
    pub fn read(&mut self, index: usize) {
        loop {
            let connection = &self.connections[index];
            let Some(socket) = &connection.socket else { return };
            if connection.is_paused {
                return;
            }
            let arrival = match self.receiver.receive(socket) {
                Ok(arrival) => arrival,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return self.lost(index, &kind_of(&e)),
            };
            if arrival.length == 0 {
                return self.lost(index, "eof");
            }
            self.wire.down += arrival.length as u64;
            let read_at = now();
            if let Some(loading) = &mut self.loading {
                let waited = arrival.at.map(|at| read_at.saturating_sub(at));
                loading.ledger.read_lag(waited);
            }
            let mut words = std::mem::take(&mut self.words);
            let bytes = self.receiver.bytes(arrival);
            let (codec, output) = self.connections[index].output();
            codec.receive(bytes, output, &mut words);
            for word in words.drain(..) {
                self.hear(index, word, arrival.at.unwrap_or(read_at));
            }
            self.words = words;
            self.flush(index);
        }
    }

    /// Acts on what a server said to one connection at `at`.
    fn hear(&mut self, index: usize, word: Word, at: u64) {
        match word {
            Word::Message { reader, id, seq } => {
                let connection = &mut self.connections[index];
                connection.cursor = connection.cursor.max(Some(seq));
                let reader = connection.readers.start + reader;
                if let (Some(loading), Some(id)) = (&mut self.loading, id) {
                    loading.ledger.deliver(reader, id, seq, at);
                }
            }
            Word::Ack(id) => {
                if let Some(loading) = &mut self.loading {
                    loading.ledger.acknowledge(id, at);
                }
            }
            Word::Cursor(last) => {
                let connection = &mut self.connections[index];
                connection.cursor = connection.cursor.or(Some(last));
            }
            Word::Gap => self.load_error("gap"),
            Word::Error(code) => self.load_error(&format!("error_{code}")),
            Word::Open => self.opened(index),
            Word::Refused(kind) => self.lost(index, &kind),
            Word::Ended(kind) => self.lost(index, &kind),
            Word::Answered(status) => self.answered(index, status, at),
        }
        let is_complete =
            self.loading.as_ref().is_some_and(Loading::is_complete);
        if is_complete {
            self.end_load();
        }
    }

    fn answered(&mut self, index: usize, status: u16, at: u64) {
        match self.connections[index].purpose {
            Purpose::Read(transport) => {
                self.poll_answered(index, transport, status);
            }
            Purpose::Post => self.post_answered(index),
            Purpose::Ask(_) => self.question_answered(index, status, at),
        }
    }

    /// Notes an error in the load's books, if there is one running.
    pub fn load_error(&mut self, kind: &str) {
        if let Some(loading) = &mut self.loading {
            loading.ledger.error(kind);
        }
    }

    /// How many readers of each group are reading.
    pub fn open_by_group(&self) -> BTreeMap<String, usize> {
        let mut open = BTreeMap::new();
        for connection in &self.connections {
            let name = &self.groups[connection.group].name;
            let readers = match connection.phase {
                Phase::Open => connection.readers.len(),
                _ => 0,
            };
            *open.entry(name.clone()).or_default() += readers;
        }
        open
    }
}
