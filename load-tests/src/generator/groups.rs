//! Readers come and go: opening a group, losing a connection, coming back.

use std::collections::BTreeMap;
use std::time::Duration;

use super::codec::Purpose;
use super::command::{Counted, Open, Opened, Report, Transport};
use super::connection::{Connection, Phase, kind_of};
use super::engine::{Due, Engine};
use super::socket::{self, now};

/// Handshakes under way at a time while a group opens: enough to keep the
/// server busy, too few to overflow its listen backlog.
const IN_FLIGHT: usize = 64;

/// A poll that was answered with an error is asked again after this long.
const POLL_RETRY: Duration = Duration::from_millis(200);

/// Clients opened together.
#[derive(Debug)]
pub struct Group {
    /// What the parent calls it.
    pub name: String,
    /// What was asked for; `None` for posters and askers.
    pub open: Option<Open>,
    /// Its connections.
    members: std::ops::Range<usize>,
    /// The first connection that was not attempted yet.
    next: usize,
    in_flight: usize,
    began: u64,
    opened: Option<Opened>,
}

/// Connections lost, and found again.
#[derive(Debug, Default)]
pub struct Losses {
    /// When the first was lost, ns.
    first: Option<u64>,
    attempts: Vec<u64>,
    back: Vec<u64>,
    lost: Vec<u64>,
    kinds: BTreeMap<String, u64>,
}

impl Engine {
    /// A group of `count` connections that all serve one purpose.
    pub fn group(
        &mut self,
        name: &str,
        open: Option<Open>,
        purpose: &Purpose,
        sizes: &[usize],
    ) -> usize {
        let group = self.groups.len();
        let first = self.connections.len();
        for size in sizes {
            let readers = self.readers..self.readers + size;
            self.readers = readers.end;
            let connection = Connection::new(group, purpose.clone(), readers);
            self.connections.push(connection);
        }
        self.groups.push(Group {
            name: name.to_owned(),
            open,
            members: first..self.connections.len(),
            next: first,
            in_flight: 0,
            began: now(),
            opened: None,
        });
        group
    }

    /// Begins to open a group of readers.
    pub fn open(&mut self, open: Open) {
        let shared = match open.transport {
            Transport::Http2 => open.per_connection.max(1),
            _ => 1,
        };
        let mut sizes = vec![shared; open.readers / shared];
        if !open.readers.is_multiple_of(shared) {
            sizes.push(open.readers % shared);
        }
        let purpose = Purpose::Read(open.transport);
        let deadline = now() + (open.deadline_s * 1e9) as u64;
        let name = open.group.clone();
        let group = self.group(&name, Some(open), &purpose, &sizes);
        self.groups[group].opened = Some(Opened::default());
        self.at(deadline, Due::OpenEnd(group));
        self.open_more(group);
    }

    fn open_more(&mut self, group: usize) {
        loop {
            let this = &mut self.groups[group];
            if this.opened.is_none() {
                return;
            }
            if this.next == this.members.end && this.in_flight == 0 {
                return self.end_open(group);
            }
            if this.next == this.members.end || this.in_flight >= IN_FLIGHT {
                return;
            }
            let index = this.next;
            this.next += 1;
            this.in_flight += 1;
            self.connect(index);
        }
    }

    /// The group is as open as it will be.
    pub fn end_open(&mut self, group: usize) {
        let this = &mut self.groups[group];
        let Some(mut opened) = this.opened.take() else { return };
        opened.seconds = (now() - this.began) as f64 / 1e9;
        let missing = this.members.end - this.next + this.in_flight;
        if missing > 0 {
            opened.refused.insert("no_answer".to_owned(), missing as u64);
        }
        opened.open = self.connections[this.members.clone()]
            .iter()
            .filter(|c| c.phase == Phase::Open)
            .map(|c| c.readers.len())
            .sum();
        self.reports.push(Report::Opened(opened));
    }

    /// One attempt to connect.
    pub fn connect(&mut self, index: usize) {
        let connection = &self.connections[index];
        if connection.phase != Phase::Idle {
            return;
        }
        let open = &self.groups[connection.group].open;
        let buffer = open.as_ref().and_then(|open| open.receive_buffer);
        if self.losses.first.is_some() {
            self.losses.attempts.push(now());
        }
        let attempt = socket::connect(self.server, index, buffer);
        let registered = attempt.and_then(|socket| {
            self.wire.connections += 1;
            self.connections[index].start(socket);
            self.register(index)
        });
        if let Err(e) = registered {
            self.lost(index, &kind_of(&e));
        }
    }

    /// TCP is connected: say what we came for.
    pub fn connected(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        connection.phase = Phase::Opening;
        match connection.purpose {
            Purpose::Read(transport) => {
                let open = self.groups[connection.group].open.as_ref();
                let room = open.map_or("", |open| open.room.as_str());
                let (bytes, requests) = connection.codec.open(
                    transport,
                    &self.host,
                    room,
                    connection.cursor,
                );
                connection.push(&bytes);
                self.wire.requests += requests;
            }
            Purpose::Post => {
                connection.phase = Phase::Open;
                self.post_next(index);
            }
            Purpose::Ask(_) => {
                connection.phase = Phase::Open;
                self.ask_next(index);
            }
        }
    }

    /// The server has taken a reader in.
    pub fn opened(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        connection.phase = Phase::Open;
        connection.failures = 0;
        if connection.was_open {
            self.losses.back.push(now());
        }
        connection.was_open = true;
        let group = connection.group;
        self.settled(group);
    }

    fn settled(&mut self, group: usize) {
        let this = &mut self.groups[group];
        if this.opened.is_some() {
            this.in_flight = this.in_flight.saturating_sub(1);
            self.open_more(group);
        }
    }

    /// A connection is gone, or never came to be.
    pub fn lost(&mut self, index: usize, kind: &str) {
        let connection = &mut self.connections[index];
        let phase = connection.phase;
        if matches!(phase, Phase::Done) {
            return;
        }
        connection.stop(Phase::Idle);
        let failures = connection.failures;
        connection.failures += 1;
        let (was_open, group) = (connection.was_open, connection.group);
        let first_reader = connection.readers.start;
        if phase == Phase::Open && was_open {
            let now = now();
            self.losses.first.get_or_insert(now);
            self.losses.lost.push(now);
            let kinds = &mut self.losses.kinds;
            *kinds.entry(kind.to_owned()).or_default() += 1;
            let takes_part = self
                .loading
                .as_ref()
                .is_some_and(|load| load.ledger.has(first_reader));
            if takes_part {
                self.load_error(&format!("connection_{kind}"));
            }
        }
        if matches!(self.connections[index].purpose, Purpose::Ask(_)) {
            return self.asker_lost(index, kind);
        }
        if self.connections[index].purpose == Purpose::Post {
            return self.load_error(&format!("poster_{kind}"));
        }
        let is_opening =
            matches!(phase, Phase::Connecting | Phase::Opening) || !was_open;
        if let Some(opened) =
            self.groups[group].opened.as_mut().filter(|_| is_opening)
        {
            *opened.refused.entry(kind.to_owned()).or_default() += 1;
            return self.settled(group);
        }
        let open = &self.groups[group].open;
        if let Some(policy) = open.as_ref().and_then(|open| open.retry) {
            let wait = policy.wait(failures, random(index, failures));
            let at = now() + wait.as_nanos() as u64;
            self.at(at, Due::Connect(index));
        }
    }

    /// Stops reading from a group.
    pub fn pause(&mut self, name: &str) {
        for index in self.members(name) {
            self.connections[index].is_paused = true;
        }
    }

    /// Reads from a group again, at once: its wake-ups have long passed.
    pub fn resume(&mut self, name: &str) {
        for index in self.members(name) {
            self.connections[index].is_paused = false;
            self.read(index);
        }
    }

    /// Closes a group's connections for good.
    pub fn close(&mut self, name: &str) {
        for index in self.members(name) {
            self.connections[index].stop(Phase::Done);
        }
        self.reports.push(Report::Closed);
    }

    /// The connections of the group with this name.
    pub fn members(&self, name: &str) -> Vec<usize> {
        self.groups
            .iter()
            .filter(|group| group.name == name)
            .flat_map(|group| group.members.clone())
            .collect()
    }

    /// Says how things stand.
    pub fn count(&mut self) {
        let first = self.losses.first.unwrap_or(0);
        let since = |instants: &[u64]| {
            instants.iter().map(|at| (at - first) as f64 / 1e6).collect()
        };
        self.reports.push(Report::Counted(Counted {
            open: self.open_by_group(),
            attempts_ms: since(&self.losses.attempts),
            back_ms: since(&self.losses.back),
            lost_ms: since(&self.losses.lost),
            lost: self.losses.kinds.clone(),
            wire: self.wire,
        }));
    }

    /// A poll's answer is complete: ask again, now or later.
    pub fn poll_answered(
        &mut self,
        index: usize,
        transport: Transport,
        status: u16,
    ) {
        if status != 200 {
            let at = now() + POLL_RETRY.as_nanos() as u64;
            return self.at(at, Due::Poll(index));
        }
        if self.connections[index].phase == Phase::Opening {
            self.opened(index);
        }
        let group = self.connections[index].group;
        let open = &self.groups[group].open;
        let every = open.as_ref().map_or(0, |open| open.poll_every_ms);
        match transport {
            Transport::ShortPoll => {
                self.at(now() + every * 1_000_000, Due::Poll(index));
            }
            _ => self.ask_for_messages(index),
        }
    }

    /// A poll's next question.
    pub fn ask_for_messages(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let Purpose::Read(transport) = connection.purpose else { return };
        if connection.socket.is_none() {
            return;
        }
        let open = self.groups[connection.group].open.as_ref();
        let room = open.map_or("", |open| open.room.as_str());
        let (bytes, requests) = connection.codec.open(
            transport,
            &self.host,
            room,
            connection.cursor,
        );
        connection.push(&bytes);
        self.wire.requests += requests;
        self.flush(index);
    }
}

/// A number in 0 … 1 that looks random and is the same in every run: runs can
/// be repeated exactly (the finalizer of splitmix64).
fn random(index: usize, failures: u32) -> f64 {
    let mut x = (index as u64) << 32 | u64::from(failures);
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) as f64 / u64::MAX as f64
}
