//! Open loop: messages are posted when they are due, however the server is
//! doing, and waiting counts from that instant.

use super::codec::websocket::WebSocket;
use super::codec::{self, Purpose};
use super::command::{Load, Report, Wire};
use super::connection::Phase;
use super::engine::{Due, Engine};
use super::ledger::Ledger;
use super::socket::now;

/// Before the first post, ns: time for posters to connect.
const HEAD_START: u64 = 200_000_000;

/// A load that is running.
#[derive(Debug)]
pub struct Loading {
    load: Load,
    /// Its number, in every id.
    number: u32,
    /// What arrived.
    pub ledger: Ledger,
    /// Connections that post, in turn.
    posters: Vec<usize>,
    began: u64,
    posted: u64,
    /// Messages in all.
    total: u64,
    wire_before: Wire,
    text: String,
}

impl Loading {
    /// When message `number` is due, ns.
    fn due(&self, number: u64) -> u64 {
        self.began + (number as f64 * 1e9 / self.load.rate) as u64
    }

    /// Whether there is nothing left to wait for.
    pub fn is_complete(&self) -> bool {
        self.posted == self.total && self.ledger.is_complete()
    }
}

impl Engine {
    /// Begins a load.
    pub fn load(&mut self, load: Load) {
        let members: Vec<usize> = load
            .groups
            .iter()
            .flat_map(|name| self.members(name))
            .filter(|index| self.connections[*index].phase == Phase::Open)
            .collect();
        let readers: Vec<usize> = members
            .iter()
            .flat_map(|index| self.connections[*index].readers.clone())
            .collect();
        let posters = self.posters(&load, &members);
        let warmup = (load.rate * load.warmup_s).round();
        let total = (warmup + (load.rate * load.seconds).round()) as u64;
        let began = now() + HEAD_START;
        let number = (began / 1000) as u32;
        let mut ledger = Ledger::new(number, warmup as u64, &readers);
        for name in &load.untimed {
            for index in self.members(name) {
                let readers = self.connections[index].readers.clone();
                readers.for_each(|reader| ledger.leave_untimed(reader));
            }
        }
        let end = began
            + ((load.warmup_s + load.seconds + load.drain_s) * 1e9) as u64;
        let text = "x".repeat(load.text_bytes.max(1));
        let wire_before = self.wire;
        self.loading = Some(Loading {
            load,
            number,
            ledger,
            posters,
            began,
            posted: 0,
            total,
            wire_before,
            text,
        });
        self.at(began, Due::Post);
        self.at(end, Due::LoadEnd(number));
    }

    /// Who posts: the first readers themselves if their connections carry
    /// both directions, or connections made for it.
    fn posters(&mut self, load: &Load, members: &[usize]) -> Vec<usize> {
        let duplex: Vec<usize> = members
            .iter()
            .copied()
            .filter(|index| match self.connections[*index].purpose {
                Purpose::Read(transport) => transport.is_duplex(),
                _ => false,
            })
            .take(load.posters)
            .collect();
        if !duplex.is_empty() && !load.over_http {
            return duplex;
        }
        let sizes = vec![0; load.posters.max(1)];
        let group = self.group("posters", None, &Purpose::Post, &sizes);
        let name = self.groups[group].name.clone();
        let all = self.members(&name);
        let new = all[all.len() - sizes.len()..].to_vec();
        for index in &new {
            self.connect(*index);
        }
        new
    }

    /// Posts every message that is due.
    pub fn post_due(&mut self) {
        loop {
            let Some(loading) = &mut self.loading else { return };
            if loading.posted == loading.total {
                return;
            }
            let (intended, now) = (loading.due(loading.posted), now());
            if intended > now {
                return self.at(intended, Due::Post);
            }
            let number = loading.ledger.post(intended, now);
            loading.posted += 1;
            let turn = number as usize % loading.posters.len();
            let poster = loading.posters[turn];
            let id = format!("{}-{number}", loading.number);
            let text = &loading.text;
            let message = format!(
                "\"id\":\"{id}\",\"nick\":\"load\",\"text\":\"{text}\""
            );
            self.post(poster, &message);
        }
    }

    /// Hands one message's fields to a poster.
    fn post(&mut self, index: usize, fields: &str) {
        let Some(loading) = &self.loading else { return };
        let connection = &mut self.connections[index];
        if connection.purpose == Purpose::Post {
            let body = format!("{{{fields}}}");
            let bytes = codec::post(&self.host, &loading.load.room, &body);
            connection.posts.push_back(bytes);
            return self.post_next(index);
        }
        if connection.phase != Phase::Open {
            return self.load_error("poster_away");
        }
        let object = format!("{{\"type\":\"post\",{fields}}}");
        let mut frame = Vec::with_capacity(object.len() + 8);
        WebSocket::text(object.as_bytes(), &mut frame);
        connection.push(&frame);
        self.flush(index);
    }

    /// Sends a poster's next request, if it is its turn: one at a time, as
    /// browsers do.
    pub fn post_next(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        if connection.is_waiting || connection.phase != Phase::Open {
            return;
        }
        let Some(bytes) = connection.posts.pop_front() else { return };
        connection.push(&bytes);
        connection.is_waiting = true;
        self.wire.requests += 1;
        self.flush(index);
    }

    /// A post has its answer.
    pub fn post_answered(&mut self, index: usize) {
        self.connections[index].is_waiting = false;
        self.post_next(index);
    }

    /// The time for stragglers of load `number` is over.
    pub fn end_waiting(&mut self, number: u32) {
        let current = self.loading.as_ref().map(|load| load.number);
        if current == Some(number) {
            self.end_load();
        }
    }

    /// Closes the books and hands them over.
    pub fn end_load(&mut self) {
        let Some(loading) = self.loading.take() else { return };
        let mut loaded = loading.ledger.close();
        let before = loading.wire_before;
        loaded.wire = Wire {
            up: self.wire.up - before.up,
            down: self.wire.down - before.down,
            requests: self.wire.requests - before.requests,
            connections: self.wire.connections,
        };
        // Posters stay connected: a server's thread that ended now would take
        // its count of context switches with it before anyone has read it.
        self.reports.push(Report::Loaded(Box::new(loaded)));
    }
}
