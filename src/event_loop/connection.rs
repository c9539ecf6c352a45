//! One client: its requests in a loop, until one of them turns the connection
//! into a stream or a socket.
//!
//! All of it is one task that reads. The read's deadline is its clock; every
//! deadline is for the whole of what is awaited, and is not renewed by a
//! byte. Twin: `threads/connection.rs`.

use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::metrics::gauge::Gauge;
use tokio::select;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::outbox::{Outbox, Waits};
use super::server::Server;
use super::turn::Then;
use super::{http2, long_poll, socket, stream};
use crate::admission::client_address;
use crate::answers;
use crate::metrics::Transport;
use crate::wire::api::{self, Call};
use crate::wire::http::{
    Decoder, Framing, Problem, Progress, Request, Response,
};

/// How long a client may take to leave after its last answer. It may still be
/// sending, and a socket that is closed with bytes unread resets, which can
/// cost it the answer.
const LINGER: Duration = Duration::from_secs(1);

/// One client's connection.
pub(super) struct Connection {
    /// The server it belongs to.
    pub(super) server: Rc<Server>,
    /// The way to the client.
    pub(super) outbox: Rc<Outbox>,
    /// Whose it is: the peer, or who a trusted proxy says it is.
    pub(super) client: IpAddr,
    /// Whose socket it is.
    pub(super) peer: IpAddr,
    /// Makes requests of what it says.
    pub(super) decoder: Decoder,
}

/// What came of listening to a client.
pub(super) enum Heard {
    /// It said something.
    Bytes,
    /// The time is up.
    Nothing,
    /// It has left; or the server stops, and wakes its tasks.
    End,
}

/// A connection counted as used for something, until it is dropped.
pub(super) struct Use {
    outbox: Rc<Outbox>,
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

/// Serves one client until it leaves: the life of its task.
pub(super) async fn serve(
    server: &Rc<Server>,
    outbox: Rc<Outbox>,
    peer: IpAddr,
) {
    let open = server.metrics.open(Transport::Http);
    open.inc();
    let mut connection = Connection::new(Rc::clone(server), outbox, peer);
    // (In a box: a future is as large as the largest that is part of it, and
    // only a few are shaking hands.)
    let mut then = Box::pin(connection.shake_hands()).await;
    if let Then::Next = then {
        then = http2::begin(&mut connection).await;
    }
    while let Then::Next = then
        && let Some(request) = connection.next_request().await
    {
        then = connection.answer(&request).await;
    }
    if let Then::Turn(turn) = then {
        turn.serve(&mut connection).await;
    }
    connection.outbox.finish(Bytes::new());
    connection.linger().await;
    open.dec();
}

impl Connection {
    /// A connection that nothing was said on yet.
    pub(super) fn new(
        server: Rc<Server>,
        outbox: Rc<Outbox>,
        peer: IpAddr,
    ) -> Connection {
        let decoder = Decoder::new(&server.config.limits);
        let client = peer;
        Connection { server, outbox, client, peer, decoder }
    }

    /// Agrees on keys, where TLS is spoken; a client has as long for that as
    /// for the head of a request.
    async fn shake_hands(&mut self) -> Then {
        let until = Instant::now() + self.server.config.limits.head_time;
        while self.outbox.line().is_handshaking() {
            let bytes = match self.read_socket(until).await {
                Ok(Some(bytes)) if !bytes.is_empty() => bytes,
                Ok(_) | Err(_) => return Then::End,
            };
            let line = self.outbox.line();
            let received = line.receive(&bytes);
            // What is wrong is said as well, in an alert.
            let answered = line.write_sealed(&line.take_output()).await;
            if let Err(error) = received.and(answered) {
                tracing::debug!(%error, "no TLS with a client");
                return Then::End;
            }
        }
        Then::Next
    }

    /// The next request; `None` at the end of the connection, whoever ends
    /// it.
    async fn next_request(&mut self) -> Option<Request> {
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
            self.outbox.write(&output).await.ok()?;
            if self.decoder.progress() != progress {
                progress = self.decoder.progress();
                since = Instant::now();
            }
            match self.receive(since + self.patience(progress)).await {
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
    pub(super) async fn answer(&mut self, request: &Request) -> Then {
        let server = Rc::clone(&self.server);
        self.client = client_address(
            self.peer,
            request.field("x-forwarded-for"),
            &server.config.trust_proxy,
        );
        let answered = match api::route(request, &server.config.rules) {
            Ok(call) => self.carry_out(call, request).await,
            Err(problem) => Err(problem),
        };
        match answered {
            Ok(then) => then,
            Err(problem) => self.refuse(request, &problem).await,
        }
    }

    async fn carry_out(
        &mut self,
        call: Call,
        request: &Request,
    ) -> Result<Then, Problem> {
        let server = Rc::clone(&self.server);
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
            // Twin: working here keeps everybody waiting, which is what it is
            // there to show, and what handing it to a thread is for.
            Call::Work(work) if work.offload => server.offload(work).await?,
            Call::Work(work) => answers::burn(work, &server.metrics.stopping),
            Call::Xray(xray) => server.xray(xray).await?,
            Call::Post(room, draft) => {
                let pending = server.post(&room, draft, self.client)?;
                pending.wait().await?.response()
            }
            Call::Messages(room, query) => {
                let poll = long_poll::serve(self, request, &room, &query);
                return Box::pin(poll).await;
            }
            Call::Stream(reading, format) => {
                let stream = stream::open(self, request, reading, format);
                return stream.await;
            }
            Call::Socket(reading, codec) => {
                return socket::open(self, request, reading, codec);
            }
            Call::Echo(codec) => {
                return socket::open_echo(self, request, codec);
            }
        };
        Ok(self.respond(request, answer).await)
    }

    /// Answers a request.
    pub(super) async fn respond(
        &mut self,
        request: &Request,
        response: Response,
    ) -> Then {
        let framing = Framing::of(request);
        self.respond_framed(request, response, framing).await
    }

    async fn refuse(&mut self, request: &Request, problem: &Problem) -> Then {
        self.server.metrics.refuse(problem.code);
        let mut framing = Framing::of(request);
        framing.keep_alive &= !problem.close;
        self.respond_framed(request, problem.response(), framing).await
    }

    async fn respond_framed(
        &mut self,
        request: &Request,
        response: Response,
        mut framing: Framing,
    ) -> Then {
        framing.keep_alive &= !self.server.is_stopping();
        let origin = api::shared_with(request, &self.server.config.rules);
        let response = response.shared_with(origin);
        let bytes = self.outbox.line().encode(&response, framing);
        match self.outbox.write(&bytes).await {
            Ok(()) => Then::after(framing),
            Err(_) => Then::End,
        }
    }

    /// Answers bytes that are no request.
    pub(super) fn give_up(&mut self, problem: &Problem) {
        self.server.metrics.refuse(problem.code);
        let line = self.outbox.line();
        let answer = line.encode(&problem.response(), Framing::last());
        self.outbox.finish(answer);
    }

    /// Waits a moment for the client to take the last answer, and to leave.
    async fn linger(&mut self) {
        let until = Instant::now() + LINGER;
        while let Ok(Some(unread)) = self.read(until).await
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
    pub(super) async fn receive(&mut self, until: Instant) -> Heard {
        match self.read(until).await {
            Ok(Some(bytes)) if !bytes.is_empty() => {
                self.decoder.receive(&bytes);
                Heard::Bytes
            }
            Ok(None) => Heard::Nothing,
            Ok(Some(_)) | Err(_) => Heard::End,
        }
    }

    /// The same, as bytes: none at the end, `None` when the time is up.
    // Twin: all connections read into one buffer and what is read is copied
    // out, because a buffer held over a wait would be a part of every task.
    pub(super) async fn read(
        &mut self,
        until: Instant,
    ) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(bytes) = self.outbox.line().take_plain() {
                return Ok(Some(bytes));
            }
            let read = self.read_socket(until).await?;
            let bytes = read.as_deref().unwrap_or_default();
            if bytes.is_empty() || !self.outbox.line().receive(bytes)? {
                return Ok(read);
            }
        }
    }

    /// The same, as it comes from the network.
    async fn read_socket(&self, until: Instant) -> io::Result<Option<Bytes>> {
        let line = self.outbox.line();
        let mut waited = false;
        loop {
            if self.outbox.is_woken() {
                return Ok(Some(Bytes::new()));
            }
            if let Some(bytes) = self.server.try_read(line)? {
                // Twin: the kernel takes turns between threads; a task whose
                // client never stops sending has to give way by itself.
                if !waited {
                    yield_now().await;
                }
                return Ok(Some(bytes));
            }
            select! {
                ready = line.readable() => ready?,
                () = self.outbox.woken() => (),
                () = sleep_until(until) => return Ok(None),
            }
            waited = true;
        }
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
        Use { outbox: Rc::clone(&self.outbox), gauge, before }
    }
}
