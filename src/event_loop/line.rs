//! The line to a client: a socket, and TLS on it or not; or one stream of
//! HTTP/2.
//!
//! It carries bytes, and knows nothing of who sends them. Whoever encrypts
//! has to see to it that what comes out leaves in that order, whole. Twin:
//! `threads/line.rs`.

use std::cell::RefCell;
use std::io;
use std::net::Shutdown;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::http2::Stream;
use crate::clock;
use crate::tls::Session;
use crate::wire::http::{Framing, Response, Version};

/// Bytes that are written in one go, and that must be taken in `write_time`:
/// a reader that takes less than 6 KiB a second is too slow.
pub(super) const PIECE: usize = 64 << 10;

/// A client's line.
pub(super) struct Line {
    carrier: Carrier,
    /// TLS, if it is spoken; borrowed for arithmetic, never over a wait.
    // Twin: encrypting keeps everybody waiting, and most of all a handshake,
    // which is a tenth of a millisecond of arithmetic.
    tls: Option<Box<RefCell<Session>>>,
    /// How long the client may take for one piece.
    write_time: Duration,
}

/// What carries the bytes.
// Twin: there is only one kind.
enum Carrier {
    Socket(TcpStream),
    /// (In a box: most lines are sockets, and should not pay for it.)
    Stream(Box<Stream>),
}

impl Line {
    /// A line over a socket, and TLS if it is spoken.
    pub(super) fn new(
        socket: TcpStream,
        tls: Option<Session>,
        write_time: Duration,
    ) -> Line {
        let tls = tls.map(|session| Box::new(RefCell::new(session)));
        Line { carrier: Carrier::Socket(socket), tls, write_time }
    }

    /// A line over one stream of HTTP/2.
    // Twin: a stream is waited for together with all others of its connection,
    // which is what an event loop is for.
    pub(super) fn of_stream(stream: Stream, write_time: Duration) -> Line {
        let carrier = Carrier::Stream(Box::new(stream));
        Line { carrier, tls: None, write_time }
    }

    /// Whether it is a stream of HTTP/2.
    // Twin: it never is.
    pub(super) fn is_stream(&self) -> bool {
        matches!(self.carrier, Carrier::Stream(_))
    }

    /// Whether its client wants to speak HTTP/2, and said so with the keys.
    // Twin: it is not offered.
    pub(super) fn is_http2(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.borrow().is_http2())
    }

    /// Takes what has come in: the number of bytes, 0 at the end.
    ///
    /// # Errors
    /// The connection is broken, or nothing has come in (`WouldBlock`).
    // Twin: a thread reads from the socket itself, and waits there.
    pub(super) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.carrier {
            Carrier::Socket(socket) => socket.try_read(buffer),
            // The request was whole when the stream began.
            Carrier::Stream(stream) if stream.is_gone() => Ok(0),
            Carrier::Stream(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Waits until there is something to read.
    ///
    /// # Errors
    /// The connection is broken.
    // Twin: as above.
    pub(super) async fn readable(&self) -> io::Result<()> {
        match &self.carrier {
            Carrier::Socket(socket) => socket.readable().await,
            // (In a box: every future that waits for a line has room for the
            // larger of the two, and most lines are sockets.)
            Carrier::Stream(stream) => {
                Box::pin(stream.readable()).await;
                Ok(())
            }
        }
    }

    /// The same, for who is asked whether it waits.
    ///
    /// # Errors
    /// The connection is broken, or there is no socket.
    // Twin: a thread waits by itself; only futures are asked.
    pub(super) fn poll_readable(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        match &self.carrier {
            Carrier::Socket(socket) => socket.poll_read_ready(cx),
            Carrier::Stream(_) => {
                Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
            }
        }
    }

    /// Waits until it takes bytes again.
    ///
    /// # Errors
    /// The connection is broken, or there is no socket.
    // Twin: as above.
    pub(super) fn poll_writable(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        match &self.carrier {
            Carrier::Socket(socket) => socket.poll_write_ready(cx),
            Carrier::Stream(_) => {
                Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
            }
        }
    }

    /// Whether nothing can be said before the client has said more.
    pub(super) fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.borrow_mut().is_handshaking())
    }

    /// What the handshake answers the client. Later, what a session itself
    /// wants to say leaves with the next bytes that do, and nobody waits for
    /// it (RFC 8446, section 4.6.3).
    pub(super) fn take_output(&self) -> Vec<u8> {
        let tls = self.tls.as_ref();
        tls.map(|tls| tls.borrow_mut().take_output()).unwrap_or_default()
    }

    /// Takes in what the socket brought, to be decrypted; `false` if it is
    /// not encrypted.
    ///
    /// # Errors
    /// It is not TLS, or not sound.
    pub(super) fn receive(&self, sealed: &[u8]) -> io::Result<bool> {
        let Some(tls) = &self.tls else { return Ok(false) };
        tls.borrow_mut().receive(sealed)?;
        Ok(true)
    }

    /// Takes what has been decrypted, like a read that never waits: no bytes
    /// at the end, `None` if there is nothing.
    pub(super) fn take_plain(&self) -> Option<Bytes> {
        self.tls.as_ref()?.borrow_mut().take().map(Bytes::from)
    }

    /// What is to be written of an answer.
    // Twin: the head of an answer in HTTP/2 is a frame of its own, and not
    // among the bytes.
    pub(super) fn encode(&self, answer: &Response, framing: Framing) -> Bytes {
        let Carrier::Stream(stream) = &self.carrier else {
            return answer.encode(framing, clock::now());
        };
        stream.open(answer, Some(answer.body.len()));
        match framing.head_only {
            true => Bytes::new(),
            false => answer.body.clone(),
        }
    }

    /// The same, of an answer whose body has no end yet.
    // Twin: as above.
    pub(super) fn encode_open(
        &self,
        answer: &Response,
        version: Version,
    ) -> Bytes {
        let Carrier::Stream(stream) = &self.carrier else {
            return answer.encode_open(version, clock::now());
        };
        stream.open(answer, None);
        Bytes::new()
    }

    /// The bytes as they go over the network.
    pub(super) fn seal(&self, bytes: Bytes) -> Bytes {
        match &self.tls {
            None => bytes,
            Some(tls) => tls.borrow_mut().seal(&bytes).into(),
        }
    }

    /// Writes all of `bytes`, waiting for the client where it must.
    ///
    /// # Errors
    /// The connection is broken, or a piece took too long.
    pub(super) async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let Some(tls) = &self.tls else {
            return self.write_sealed(bytes).await;
        };
        for piece in bytes.chunks(PIECE) {
            let sealed = tls.borrow_mut().seal(piece);
            self.write_sealed(&sealed).await?;
        }
        Ok(())
    }

    /// The same, for bytes that have been sealed if they must be.
    ///
    /// # Errors
    /// As above.
    pub(super) async fn write_sealed(&self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(PIECE) {
            self.write_piece(piece).await?;
        }
        Ok(())
    }

    /// Sends as much of what has been sealed as the socket takes at once.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn send(&self, sealed: &[u8]) -> io::Result<usize> {
        let sent = match &self.carrier {
            Carrier::Socket(socket) => socket.try_write(sealed),
            Carrier::Stream(stream) => return stream.send(sealed),
        };
        match sent {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            sent => sent,
        }
    }

    /// Says that this was all, and closes the sending half.
    pub(super) fn close(&self) {
        if let Carrier::Stream(stream) = &self.carrier {
            return stream.close();
        }
        if let Some(tls) = &self.tls {
            // A peer that has no room for a few bytes more is not told.
            let _ = self.send(&tls.borrow_mut().close());
        }
        self.shut(Shutdown::Write);
    }

    /// Shuts one half or both; it fails if the peer was quicker, and the
    /// connection is just as closed.
    pub(super) fn shut(&self, half: Shutdown) {
        match &self.carrier {
            Carrier::Socket(socket) => {
                let _ = SockRef::from(socket).shutdown(half);
            }
            Carrier::Stream(stream) => stream.reset(),
        }
    }

    async fn write_piece(&self, mut piece: &[u8]) -> io::Result<()> {
        // The deadline is for the whole piece: a reader that takes a byte
        // now and then does not win time by it.
        let deadline = Instant::now() + self.write_time;
        while !piece.is_empty() {
            match self.send(piece)? {
                0 => self.wait_for_room(deadline).await?,
                sent => piece = &piece[sent..],
            }
        }
        Ok(())
    }

    /// Waits until the socket takes bytes again.
    async fn wait_for_room(&self, deadline: Instant) -> io::Result<()> {
        let writable = async {
            match &self.carrier {
                Carrier::Socket(socket) => socket.writable().await,
                Carrier::Stream(stream) => Box::pin(stream.writable()).await,
            }
        };
        match timeout_at(deadline, writable).await {
            Ok(result) => result,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}
