//! HTTP/2 (RFC 9113): many requests at once on one connection.
//!
//! The crate h2 speaks the frames. A stream is a client of its own, with a
//! task and an outbox: what a socket is to others, a stream is to it
//! (`stream.rs`). The connection's task carries the frames (`wire.rs`), and
//! lets streams in as the door does connections. It has no twin: there, each
//! stream would be one more thread.

mod stream;
mod wire;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::net::IpAddr;
use std::rc::Rc;

use bytes::Bytes;
use h2::server::{self, Builder, SendResponse};
use h2::{Ping, PingPong, RecvStream};
use tokio::select;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

pub(super) use self::stream::Stream;
use self::wire::Wire;
use super::connection::{Connection as Client, Heard};
use super::line::Line;
use super::outbox::{Outbox, Waits};
use super::server::Server;
use super::turn::Then;
use crate::answers;
use crate::limits::{Limits, SOCKET_PING, SOCKET_SILENT};
use crate::metrics::Transport;
use crate::wire::http::{self, Method, Problem, Request};

/// What a client says first (section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Streams at once on one connection; each costs what a client costs. A page
/// needs some thirty, but clients begin with a hundred before they are told
/// (section 6.5.2).
const STREAMS: u32 = 100;
/// Bytes that may come in before we have taken them, for one stream and for
/// all of them together. What clients send here is short, and this much may
/// have to be kept for each connection.
const WINDOW: u32 = 64 << 10;
/// Bytes of one stream that wait inside h2. What waits for a slow client
/// waits in its outbox, where it is counted, and bounded, and has an end.
const SEND_BUFFER: usize = 16 << 10;
/// Streams that a client may open and reset before they are looked at, and
/// that are remembered after they were reset: one that does nothing else is
/// let go (CVE-2023-44487, rapid reset).
const RESETS: usize = 32;
/// Streams that a client may get reset by its own mistakes.
const MISTAKES: usize = 64;

/// A client's connection.
struct Connection<'a> {
    server: &'a Rc<Server>,
    outbox: &'a Rc<Outbox>,
    peer: IpAddr,
    streams: Rc<Streams>,
}

/// The streams that are open on one connection.
struct Streams {
    open: RefCell<HashMap<u64, Rc<Outbox>>>,
    /// The number of the next one.
    next: Cell<u64>,
    /// When the last one ended.
    ended: Cell<Instant>,
}

/// Serves a client of HTTP/2 to its end: one that agreed on it with the keys,
/// or that says so first of all. With any other, it goes on.
pub(super) async fn begin(client: &mut Client) -> Then {
    let limits = &client.server.config.limits;
    let head_time = limits.head_time;
    let mut until = Instant::now() + limits.idle_time;
    while !client.outbox.line().is_http2() {
        let begun = client.decoder.peek();
        let length = begun.len().min(PREFACE.len());
        if begun[..length] != PREFACE[..length] {
            return Then::Next;
        } else if length == PREFACE.len() {
            break;
        } else if length > 0 {
            until = until.min(Instant::now() + head_time);
        }
        match client.receive(until).await {
            Heard::Bytes => (),
            Heard::End => return Then::End,
            Heard::Nothing => {
                client.time_out(client.decoder.progress());
                return Then::End;
            }
        }
    }
    let early = client.take_rest().into();
    Box::pin(serve(&client.server, &client.outbox, client.peer, early)).await;
    Then::End
}

/// Carries a connection to its end, `early` being its first bytes.
async fn serve(
    server: &Rc<Server>,
    outbox: &Rc<Outbox>,
    peer: IpAddr,
    early: Bytes,
) {
    let limits = &server.config.limits;
    let wire = Wire::new(Rc::clone(server), Rc::clone(outbox), early);
    let handshake = builder(limits).handshake(wire);
    let Ok(Ok(mut frames)) = timeout(limits.head_time, handshake).await else {
        return;
    };
    let streams = Streams {
        open: RefCell::default(),
        next: Cell::new(0),
        ended: Cell::new(Instant::now()),
    };
    let streams = Rc::new(streams);
    let connection = Connection { server, outbox, peer, streams };
    // So that it is told at once when the server goes.
    outbox.set_waiting(Waits::ForNews);
    connection.run(&mut frames).await;
}

fn builder(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(STREAMS)
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_send_buffer_size(SEND_BUFFER)
        // It bounds CONTINUATION as well, which has no bound of its own.
        .max_header_list_size(limits.head.try_into().unwrap_or(u32::MAX))
        .max_concurrent_reset_streams(RESETS)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(Some(MISTAKES));
    builder
}

impl Connection<'_> {
    /// Carries frames until the client leaves, is silent for too long, or has
    /// nothing to ask; or until the server goes and all is answered.
    async fn run(&self, frames: &mut server::Connection<Wire, Bytes>) {
        let Some(mut pings) = frames.ping_pong() else { return };
        let mut heard = Instant::now();
        let mut next_ping = heard + SOCKET_PING;
        let mut leaving = false;
        loop {
            select! {
                accepted = frames.accept() => match accepted {
                    Some(Ok((request, respond))) => self.start(request, respond),
                    Some(Err(error)) => {
                        return tracing::debug!(%error, "HTTP/2 broke off");
                    }
                    None => return,
                },
                answered = poll_fn(|cx| pings.poll_pong(cx)) => {
                    if answered.is_err() {
                        return;
                    }
                    heard = Instant::now();
                }
                () = self.outbox.woken() => {
                    self.streams.wake();
                    frames.graceful_shutdown();
                }
                () = sleep_until(self.bored_at()), if !leaving => {
                    leaving = true;
                    frames.graceful_shutdown();
                }
                () = sleep_until(next_ping) => {
                    if heard.elapsed() >= SOCKET_SILENT {
                        return self.outbox.abort();
                    }
                    ask_for_life(&mut pings);
                    next_ping += SOCKET_PING;
                }
            }
        }
    }

    /// When a connection without a stream has stood idle for long enough.
    fn bored_at(&self) -> Instant {
        let idle = self.server.config.limits.idle_time;
        match self.streams.open.borrow().is_empty() {
            true => self.streams.ended.get() + idle,
            false => Instant::now() + idle,
        }
    }

    /// Starts a task for a stream.
    fn start(
        &self,
        request: ::http::Request<RecvStream>,
        respond: SendResponse<Bytes>,
    ) {
        let server = Rc::clone(self.server);
        let write_time = server.config.limits.write_time;
        let line = Line::of_stream(Stream::new(respond), write_time);
        let outbox = Rc::new(Outbox::new(line, Rc::clone(&server.delivery)));
        let place = self.streams.take_in(&outbox);
        let peer = self.peer;
        self.server.delivery.crew.start(async move {
            let _place = place;
            let request = read(request, &server.config.limits).await;
            serve_stream(&server, outbox, peer, request).await;
        });
    }
}

/// Serves a stream like a connection that ends with its first answer, and is
/// counted like one.
async fn serve_stream(
    server: &Rc<Server>,
    outbox: Rc<Outbox>,
    peer: IpAddr,
    request: Result<Request, Problem>,
) {
    let open = server.metrics.open(Transport::Http);
    open.inc();
    let mut client = Client::new(Rc::clone(server), outbox, peer);
    match request {
        Ok(request) => {
            let then = client.answer(&request).await;
            drop(request);
            if let Then::Turn(turn) = then {
                turn.serve(&mut client).await;
            }
        }
        Err(problem) => client.give_up(&problem),
    }
    client.outbox.finish(Bytes::new());
    open.dec();
}

/// A stream's place among those that are open.
struct Place {
    streams: Rc<Streams>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.open.borrow_mut().remove(&self.number);
        self.streams.ended.set(Instant::now());
    }
}

impl Streams {
    fn take_in(self: &Rc<Streams>, outbox: &Rc<Outbox>) -> Place {
        let number = self.next.replace(self.next.get() + 1);
        self.open.borrow_mut().insert(number, Rc::clone(outbox));
        Place { streams: Rc::clone(self), number }
    }

    /// Wakes those that wait for news: the server goes.
    fn wake(&self) {
        self.open.borrow().values().for_each(|outbox| outbox.wake_reader());
    }
}

/// It fails while the last one is still under way, which is no less of a
/// question.
fn ask_for_life(pings: &mut PingPong) {
    let _ = pings.send_ping(Ping::opaque());
}

/// A whole request, its body put together.
///
/// # Errors
/// The answer it gets instead.
async fn read(
    request: ::http::Request<RecvStream>,
    limits: &Limits,
) -> Result<Request, Problem> {
    let (head, mut body) = request.into_parts();
    let method = Method::from_token(head.method.as_str())
        .ok_or_else(http::unknown_method)?;
    let target = head.uri.path_and_query().map_or("*", |t| t.as_str());
    if target.len() > limits.request_line {
        return Err(http::target_too_long());
    }
    if head.headers.len() > limits.headers {
        return Err(http::too_many_headers());
    }
    let authority = head.uri.authority().map(|a| a.as_str().as_bytes());
    let host = authority.map(|host| ("host".to_owned(), host.to_vec()));
    let others = head.headers.iter().filter(|(name, _)| {
        authority.is_none() || *name != ::http::header::HOST
    });
    let others = others.map(|(name, value)| {
        (name.as_str().to_owned(), value.as_bytes().to_vec())
    });
    let fields = host.into_iter().chain(others).collect();
    let target = target.to_owned();
    let until = Instant::now() + limits.body_time;
    let body = read_body(&mut body, limits.body);
    let body = timeout_at(until, body).await;
    let body = body.map_err(|_| answers::too_slow("body"))??;
    Ok(Request::over_http2(method, target, fields, body))
}

/// All of a body, at most `most` bytes of it.
async fn read_body(
    body: &mut RecvStream,
    most: usize,
) -> Result<Vec<u8>, Problem> {
    let mut whole = Vec::new();
    while let Some(piece) = body.data().await {
        // Whoever breaks off its own request is not there to be told.
        let piece = piece.map_err(|_| answers::too_slow("body"))?;
        if whole.len() + piece.len() > most {
            return Err(http::body_too_large());
        }
        whole.extend_from_slice(&piece);
        // From here on the client may send as much again; it fails if the
        // stream has ended.
        let _ = body.flow_control().release_capacity(piece.len());
    }
    Ok(whole)
}
