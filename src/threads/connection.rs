//! One client: its requests in a loop, until one of them turns the connection
//! into a stream or a socket.
//!
//! All of it is one thread that reads. The read's timeout is its clock; every
//! deadline is for the whole of what is awaited, and is not renewed by a
//! byte. Twin: `event_loop/connection.rs`.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use prometheus_client::metrics::gauge::Gauge;
use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, recv};

use super::outbox::{Outbox, Waits};
use super::server::Server;
use super::turn::Then;
use super::{long_poll, socket, stream};
use crate::admission::client_address;
use crate::answers;
use crate::clock;
use crate::metrics::Transport;
use crate::wire::api::{self, Call};
use crate::wire::http::{
    Decoder, Framing, Problem, Progress, Request, Response,
};
use crate::xray;

/// Bytes read at once, at most.
const READ: usize = 8 << 10;
/// What a read's timeout is a multiple of. A deadline is late by as much at
/// most; and a client that asks again and again is waited for just as long
/// each time, so the kernel need not be told.
const TICK: Duration = Duration::from_millis(10);
/// How long a client may take to leave after its last answer. It may still be
/// sending, and a socket that is closed with bytes unread resets, which can
/// cost it the answer.
const LINGER: Duration = Duration::from_secs(1);

/// One client's connection.
pub(super) struct Connection {
    /// The server it belongs to.
    pub(super) server: Arc<Server>,
    /// The way to the client.
    pub(super) outbox: Arc<Outbox>,
    /// Whose it is: the peer, or who a trusted proxy says it is.
    pub(super) client: IpAddr,
    /// Whose socket it is.
    pub(super) peer: IpAddr,
    /// Makes requests of what it says.
    pub(super) decoder: Decoder,
    /// The timeout that the socket has at the moment.
    timeout: Option<Duration>,
}

/// What came of listening to a client.
pub(super) enum Heard {
    /// It said something.
    Bytes,
    /// The time is up.
    Nothing,
    /// It has left; or the server stops, and ends what its threads read.
    End,
}

/// A connection counted as used for something, until it is dropped.
pub(super) struct Use {
    outbox: Arc<Outbox>,
    gauge: Gauge,
    before: Gauge,
}

impl Drop for Use {
    fn drop(&mut self) {
        self.outbox.set_waiting(Waits::ForAnswer);
        self.gauge.dec();
        self.before.inc();
    }
}

/// Serves one client until it leaves: the life of its thread.
pub(super) fn serve(server: &Arc<Server>, outbox: Arc<Outbox>, peer: IpAddr) {
    let open = server.metrics.open(Transport::Http);
    open.inc();
    let mut connection = Connection::new(Arc::clone(server), outbox, peer);
    // Twin: a client of HTTP/2 is told 505 here; many streams at once want an
    // event loop, or a thread for each of them.
    let mut then = connection.shake_hands();
    while let Then::Next = then
        && let Some(request) = connection.next_request()
    {
        then = connection.answer(&request);
    }
    if let Then::Turn(turn) = then {
        turn.serve(&mut connection);
    }
    connection.outbox.finish(Bytes::new());
    connection.linger();
    open.dec();
}

impl Connection {
    /// A connection that nothing was said on yet.
    pub(super) fn new(
        server: Arc<Server>,
        outbox: Arc<Outbox>,
        peer: IpAddr,
    ) -> Connection {
        let decoder = Decoder::new(&server.config.limits);
        let client = peer;
        Connection { server, outbox, client, peer, decoder, timeout: None }
    }

    /// Agrees on keys, where TLS is spoken; a client has as long for that as
    /// for the head of a request.
    fn shake_hands(&mut self) -> Then {
        let until = Instant::now() + self.server.config.limits.head_time;
        while self.outbox.line().is_handshaking() {
            let Ok(Some(bytes)) = self.read_socket(until) else {
                return Then::End;
            };
            if bytes.is_empty() {
                return Then::End;
            }
            let line = self.outbox.line();
            let received = line.receive(&bytes);
            // What is wrong is said as well, in an alert.
            let answered = line.write_sealed(&line.take_output());
            if let Err(error) = received.and(answered) {
                tracing::debug!(%error, "no TLS with a client");
                return Then::End;
            }
        }
        Then::Next
    }

    /// The next request; `None` at the end of the connection, whoever ends
    /// it.
    fn next_request(&mut self) -> Option<Request> {
        let mut progress = Progress::Idle;
        let mut since = Instant::now();
        loop {
            match self.decoder.next_request() {
                Ok(Some(request)) => return Some(request),
                Ok(None) => (),
                Err(problem) => {
                    self.give_up(&problem);
                    return None;
                }
            }
            let output = self.decoder.take_output();
            self.outbox.write(&output).ok()?;
            if self.decoder.progress() != progress {
                progress = self.decoder.progress();
                since = Instant::now();
            }
            match self.receive(since + self.patience(progress)) {
                Heard::Bytes => (),
                Heard::End => return None,
                Heard::Nothing => {
                    self.time_out(progress);
                    return None;
                }
            }
        }
    }

    /// Answers a request, whatever it asks for; what comes after that.
    pub(super) fn answer(&mut self, request: &Request) -> Then {
        let server = Arc::clone(&self.server);
        self.client = client_address(
            self.peer,
            request.field("x-forwarded-for"),
            &server.config.trust_proxy,
        );
        let answered = api::route(request, &server.config.rules)
            .and_then(|call| self.carry_out(call, request));
        answered.unwrap_or_else(|problem| self.refuse(request, &problem))
    }

    fn carry_out(
        &mut self,
        call: Call,
        request: &Request,
    ) -> Result<Then, Problem> {
        let server = Arc::clone(&self.server);
        if server.is_stopping() && !matches!(call, Call::Health) {
            return Err(answers::shutting_down());
        }
        let known = request.field("if-none-match");
        let answer = match call {
            Call::Page => server.site.page(known)?,
            Call::Asset(path) => server.site.asset(&path, known)?,
            Call::Server => server.about(),
            Call::Health => answers::health(&server.metrics.stopping),
            Call::Answer(answer) => answer,
            // Twin: this thread is its client's alone, so working here keeps
            // nobody else waiting, and there is nothing to offload.
            Call::Work(work) => answers::burn(work, &server.metrics.stopping),
            Call::Xray(xray) => xray::run(server.address, &xray)?,
            Call::Post(room, draft) => {
                let pending = server.post(&room, draft, self.client)?;
                pending.wait()?.response()
            }
            Call::Messages(room, query) => {
                return long_poll::serve(self, request, &room, &query);
            }
            Call::Stream(reading, format) => {
                return stream::open(self, request, reading, format);
            }
            Call::Socket(reading, codec) => {
                return socket::open(self, request, reading, codec);
            }
            Call::Echo(codec) => {
                return socket::open_echo(self, request, codec);
            }
        };
        Ok(self.respond(request, answer))
    }

    /// Answers a request.
    pub(super) fn respond(
        &mut self,
        request: &Request,
        response: Response,
    ) -> Then {
        let framing = Framing::of(request);
        self.respond_framed(request, response, framing)
    }

    fn refuse(&mut self, request: &Request, problem: &Problem) -> Then {
        self.server.metrics.refuse(problem.code);
        let mut framing = Framing::of(request);
        framing.keep_alive &= !problem.close;
        self.respond_framed(request, problem.response(), framing)
    }

    fn respond_framed(
        &mut self,
        request: &Request,
        response: Response,
        mut framing: Framing,
    ) -> Then {
        framing.keep_alive &= !self.server.is_stopping();
        let origin = api::shared_with(request, &self.server.config.rules);
        let response = response.shared_with(origin);
        let bytes = response.encode(framing, clock::now());
        match self.outbox.write(&bytes) {
            Ok(()) => Then::after(framing),
            Err(_) => Then::End,
        }
    }

    /// Answers bytes that are no request.
    pub(super) fn give_up(&mut self, problem: &Problem) {
        self.server.metrics.refuse(problem.code);
        let answer = problem.response();
        self.outbox.finish(answer.encode(Framing::last(), clock::now()));
    }

    /// Waits a moment for the client to take the last answer, and to leave.
    fn linger(&mut self) {
        let until = Instant::now() + LINGER;
        while let Ok(Some(unread)) = self.read(until)
            && !unread.is_empty()
        {}
    }

    /// Gives up a client that was silent for too long.
    pub(super) fn time_out(&mut self, progress: Progress) {
        match progress {
            Progress::Idle => (),
            Progress::Head => self.give_up(&answers::too_slow("head")),
            Progress::Body => self.give_up(&answers::too_slow("body")),
        }
    }

    fn patience(&self, progress: Progress) -> Duration {
        let limits = &self.server.config.limits;
        match progress {
            Progress::Idle => limits.idle_time,
            Progress::Head => limits.head_time,
            Progress::Body => limits.body_time,
        }
    }

    /// Waits until the client says something, at most until `until`, and
    /// keeps what it says for the next request.
    pub(super) fn receive(&mut self, until: Instant) -> Heard {
        match self.read(until) {
            Ok(Some(bytes)) if !bytes.is_empty() => {
                self.decoder.receive(&bytes);
                Heard::Bytes
            }
            Ok(None) => Heard::Nothing,
            Ok(Some(_)) | Err(_) => Heard::End,
        }
    }

    /// The same, as bytes: none at the end, `None` when the time is up.
    pub(super) fn read(&mut self, until: Instant) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(bytes) = self.outbox.line().take_plain() {
                return Ok(Some(bytes));
            }
            let read = self.read_socket(until)?;
            let bytes = read.as_deref().unwrap_or_default();
            if bytes.is_empty() || !self.outbox.line().receive(bytes)? {
                return Ok(read);
            }
        }
    }

    /// The same, as they come from the network.
    fn read_socket(&mut self, until: Instant) -> io::Result<Option<Bytes>> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.wait_at_most(left)?;
            match self.take_in() {
                Err(error) if is_passing(&error) => (),
                read => return read.map(Some),
            }
        }
    }

    /// Waits for bytes, and takes what has come.
    // Twin: ten thousand threads that wait have ten thousand stacks, so this
    // one waits for the first byte without taking it, and only then has memory
    // to read into.
    fn take_in(&self) -> io::Result<Bytes> {
        let socket = self.outbox.line().socket();
        socket.peek(&mut [0])?;
        let mut bytes = Vec::with_capacity(READ);
        recv(socket, spare_capacity(&mut bytes), RecvFlags::DONTWAIT)?;
        Ok(bytes.into())
    }

    /// Sets how long a read may wait (setsockopt(2), SO_RCVTIMEO).
    fn wait_at_most(&mut self, time: Duration) -> io::Result<()> {
        let timeout = Some(whole_ticks(time));
        if self.timeout != timeout {
            let socket = self.outbox.line().socket();
            socket.set_read_timeout(timeout)?;
            self.timeout = timeout;
        }
        Ok(())
    }

    /// Whether its client has sent more than the last request.
    pub(super) fn has_more(&self) -> bool {
        self.decoder.buffered() > 0
    }

    /// The bytes that came behind the last request, when the connection
    /// becomes a socket.
    pub(super) fn take_rest(&mut self) -> Vec<u8> {
        let fresh = Decoder::new(&self.server.config.limits);
        std::mem::replace(&mut self.decoder, fresh).into_rest()
    }

    /// Counts this connection as used for `transport`: its client waits.
    pub(super) fn used_for(&self, transport: Transport) -> Use {
        let before = self.server.metrics.open(Transport::Http);
        let gauge = self.server.metrics.open(transport);
        before.dec();
        gauge.inc();
        self.outbox.set_waiting(Waits::ForNews);
        Use { outbox: Arc::clone(&self.outbox), gauge, before }
    }
}

/// A time, rounded up: never too short.
fn whole_ticks(time: Duration) -> Duration {
    let ticks = time.as_nanos().div_ceil(TICK.as_nanos());
    TICK.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX))
}

/// Whether a read was only interrupted, or has waited long enough.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}
