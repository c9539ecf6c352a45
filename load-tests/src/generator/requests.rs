//! Closed loop: each client asks again when it has its answer. For measuring
//! how much work a server gets done, never for latency under load.

use super::codec::{self, Purpose};
use super::command::{Report, Requested, Requests};
use super::connection::Phase;
use super::engine::{Due, Engine};
use super::socket::now;

/// How long an answer may take after the last question, ns.
const PATIENCE: u64 = 30_000_000_000;

/// Questions that are being asked.
#[derive(Debug)]
pub struct Asking {
    requests: Requests,
    began: u64,
    last_answer: u64,
    /// Questions asked so far.
    asked: u64,
    /// Questions without an answer.
    open: u64,
    requested: Requested,
}

impl Engine {
    /// Begins to ask.
    pub fn ask(&mut self, requests: Requests) {
        let purpose = Purpose::Ask(requests.path.clone());
        let sizes = vec![0; requests.clients];
        let end = now() + (requests.seconds * 1e9) as u64 + PATIENCE;
        let before = self.connections.len();
        let began = now();
        self.asking = Some(Asking {
            requests,
            began,
            last_answer: began,
            asked: 0,
            open: 0,
            requested: Requested::default(),
        });
        self.group("askers", None, &purpose, &sizes);
        self.at(end, Due::AskEnd(began));
        for index in before..self.connections.len() {
            self.connect(index);
        }
    }

    /// A client's next question, if there is time for one.
    pub fn ask_next(&mut self, index: usize) {
        let Some(asking) = &mut self.asking else { return };
        let elapsed = (now() - asking.began) as f64 / 1e9;
        let is_over = elapsed >= asking.requests.seconds
            || asking.asked >= asking.requests.at_most;
        if is_over {
            if asking.open == 0 {
                self.end_asking();
            }
            return;
        }
        asking.asked += 1;
        asking.open += 1;
        let connection = &mut self.connections[index];
        connection.asked_at = now();
        connection.push(&codec::get(&self.host, &asking.requests.path));
        self.wire.requests += 1;
        self.flush(index);
    }

    /// A question has its answer.
    pub fn question_answered(&mut self, index: usize, status: u16, at: u64) {
        let Some(asking) = &mut self.asking else { return };
        asking.open -= 1;
        asking.last_answer = at;
        if status == 200 {
            let asked_at = self.connections[index].asked_at;
            asking.requested.completed += 1;
            asking.requested.latency.record_ns(at.saturating_sub(asked_at));
        } else {
            let kind = format!("status_{status}");
            *asking.requested.errors.entry(kind).or_default() += 1;
        }
        self.ask_next(index);
    }

    /// A client of ours has lost its connection: it asks no more.
    pub fn asker_lost(&mut self, index: usize, kind: &str) {
        self.connections[index].phase = Phase::Done;
        let Some(asking) = &mut self.asking else { return };
        let kind = format!("connection_{kind}");
        *asking.requested.errors.entry(kind).or_default() += 1;
        asking.open = asking.open.saturating_sub(1);
        if asking.open == 0 {
            self.end_asking();
        }
    }

    /// The patience with the questions begun at `began` is over.
    pub fn end_patience(&mut self, began: u64) {
        let current = self.asking.as_ref().map(|asking| asking.began);
        if current == Some(began) {
            self.end_asking();
        }
    }

    /// Hands over what was found.
    pub fn end_asking(&mut self) {
        let Some(mut asking) = self.asking.take() else { return };
        let took = asking.last_answer.saturating_sub(asking.began);
        asking.requested.seconds = took as f64 / 1e9;
        for index in self.members("askers") {
            self.connections[index].stop(Phase::Done);
        }
        self.reports.push(Report::Requested(Box::new(asking.requested)));
    }
}
