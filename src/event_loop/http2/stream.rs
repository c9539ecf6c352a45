//! One stream of HTTP/2 as a line to a client.
//!
//! It takes bytes as a socket does: as many as there is room for, at once, or
//! none. Room is what the client's windows allow, its own and the
//! connection's.

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::sync::Notify;

use crate::clock;
use crate::wire::http::Response;

/// Bytes that room is asked for at once: as many as h2 holds for a stream.
const PIECE: usize = 16 << 10;

/// The way to the client of one stream.
pub(in crate::event_loop) struct Stream {
    head: RefCell<SendResponse<Bytes>>,
    /// There is one once the head is out.
    body: RefCell<Option<SendStream<Bytes>>>,
    /// Whether the client has reset it, or the whole connection is gone.
    gone: Cell<bool>,
    changed: Arc<Changed>,
}

/// Told when there is more room, or the stream is gone. h2 remembers one
/// waker for each stream, but two tasks may wait for it: its own, and the
/// writer of a slow reader. So it is given one that wakes both.
struct Changed(Notify);

impl Wake for Changed {
    fn wake(self: Arc<Changed>) {
        self.0.notify_waiters();
    }
}

impl Stream {
    /// The way back of a request.
    pub(in crate::event_loop) fn new(head: SendResponse<Bytes>) -> Stream {
        Stream {
            head: RefCell::new(head),
            body: RefCell::default(),
            gone: Cell::new(false),
            changed: Arc::new(Changed(Notify::new())),
        }
    }

    /// Sends the head of an answer; its body has `length` bytes, if it is
    /// known how many.
    pub(in crate::event_loop) fn open(
        &self,
        response: &Response,
        length: Option<usize>,
    ) {
        let status = StatusCode::from_u16(response.status);
        let mut head = http::Response::new(());
        *head.status_mut() = status.unwrap_or_default();
        *head.headers_mut() = fields(response);
        if let Some(length) = length {
            let name = http::header::CONTENT_LENGTH;
            head.headers_mut().insert(name, length.into());
        }
        // It fails if the client has reset the stream, which its task notices.
        let body = self.head.borrow_mut().send_response(head, false);
        *self.body.borrow_mut() = body.ok();
    }

    /// Sends as much as there is room for at once.
    ///
    /// # Errors
    /// The stream is gone.
    pub(in crate::event_loop) fn send(
        &self,
        bytes: &[u8],
    ) -> io::Result<usize> {
        let mut body = self.body.borrow_mut();
        let body = body.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        if bytes.is_empty() {
            return Ok(0);
        }
        body.reserve_capacity(bytes.len().min(PIECE));
        let length = body.capacity().min(bytes.len());
        if length > 0 {
            let piece = Bytes::copy_from_slice(&bytes[..length]);
            body.send_data(piece, false).map_err(io::Error::other)?;
        }
        Ok(length)
    }

    /// Waits until there may be room.
    ///
    /// # Errors
    /// The stream is gone.
    pub(in crate::event_loop) async fn writable(&self) -> io::Result<()> {
        let room = self.changes(|cx| {
            let mut body = self.body.borrow_mut();
            match body.as_mut() {
                Some(body) => body.poll_capacity(cx).map(|room| room.is_some()),
                None => Poll::Ready(false),
            }
        });
        match room.await {
            true => Ok(()),
            false => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Whether the client is gone.
    pub(in crate::event_loop) fn is_gone(&self) -> bool {
        self.gone.get()
    }

    /// Waits until the client is gone: it has nothing more to say.
    pub(in crate::event_loop) async fn readable(&self) {
        self.changes(|cx| match self.body.borrow_mut().as_mut() {
            Some(body) => body.poll_reset(cx).map(drop),
            None => self.head.borrow_mut().poll_reset(cx).map(drop),
        })
        .await;
        self.gone.set(true);
    }

    /// Ends the answer.
    pub(in crate::event_loop) fn close(&self) {
        if let Some(body) = self.body.borrow_mut().as_mut() {
            // It fails if it has ended already.
            let _ = body.send_data(Bytes::new(), true);
        }
    }

    /// Breaks the answer off.
    pub(in crate::event_loop) fn reset(&self) {
        match self.body.borrow_mut().as_mut() {
            Some(body) => body.send_reset(Reason::CANCEL),
            None => self.head.borrow_mut().send_reset(Reason::CANCEL),
        }
    }

    /// Asks h2 whenever something has changed, until it has an answer.
    async fn changes<T>(
        &self,
        mut ask: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> T {
        let waker = Waker::from(Arc::clone(&self.changed));
        loop {
            // First wait, then ask: what changes in between is not missed.
            let changed = self.changed.0.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Poll::Ready(answer) = ask(&mut Context::from_waker(&waker)) {
                return answer;
            }
            changed.await;
        }
    }
}

/// The fields of an answer. Those about the connection have no place here
/// (RFC 9113, section 8.2.2), and the values are our own.
fn fields(response: &Response) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in response.all_fields(clock::now()) {
        if matches!(name, "connection" | "upgrade") {
            continue;
        }
        if let Ok(value) = HeaderValue::from_str(&value) {
            fields.append(HeaderName::from_static(name), value);
        }
    }
    fields
}
