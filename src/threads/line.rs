//! The line to a client: a socket, and TLS on it or not.
//!
//! It carries bytes, and knows nothing of who sends them. Whoever encrypts
//! has to see to it that what comes out leaves in that order, whole. Twin:
//! `event_loop/line.rs`.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::SendFlags;

use super::system::{Mutex, poll, send};
use crate::tls::Session;

/// Bytes that are written in one go, and that must be taken in `write_time`:
/// a reader that takes less than 6 KiB a second is too slow.
pub(super) const PIECE: usize = 64 << 10;

/// A client's line.
pub(super) struct Line {
    socket: Arc<TcpStream>,
    /// Its client's thread decrypts, and anyone may encrypt: one at a time,
    /// and nobody waits for the network meanwhile.
    tls: Option<Box<Mutex<Session>>>,
    /// How long the client may take for one piece.
    write_time: Duration,
}

impl Line {
    /// A line over a socket, and TLS if it is spoken.
    pub(super) fn new(
        socket: Arc<TcpStream>,
        tls: Option<Session>,
        write_time: Duration,
    ) -> Line {
        let tls = tls.map(|session| Box::new(Mutex::new(session)));
        Line { socket, tls, write_time }
    }

    /// The socket, for its one reader.
    // Twin: a line may also be one stream of many on a socket.
    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Whether nothing can be said before the client has said more.
    pub(super) fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.lock().is_handshaking())
    }

    /// What the handshake answers the client. Later, what a session itself
    /// wants to say leaves with the next bytes that do, and nobody waits for
    /// it (RFC 8446, section 4.6.3).
    pub(super) fn take_output(&self) -> Vec<u8> {
        let tls = self.tls.as_ref();
        tls.map(|tls| tls.lock().take_output()).unwrap_or_default()
    }

    /// Takes in what the socket brought, to be decrypted; `false` if it is
    /// not encrypted.
    ///
    /// # Errors
    /// It is not TLS, or not sound.
    pub(super) fn receive(&self, sealed: &[u8]) -> io::Result<bool> {
        let Some(tls) = &self.tls else { return Ok(false) };
        tls.lock().receive(sealed)?;
        Ok(true)
    }

    /// Takes what has been decrypted, like a read that never waits: no bytes
    /// at the end, `None` if there is nothing.
    pub(super) fn take_plain(&self) -> Option<Bytes> {
        self.tls.as_ref()?.lock().take().map(Bytes::from)
    }

    /// The bytes as they go over the network.
    pub(super) fn seal(&self, bytes: Bytes) -> Bytes {
        match &self.tls {
            None => bytes,
            Some(tls) => tls.lock().seal(&bytes).into(),
        }
    }

    /// Writes all of `bytes`, waiting for the client where it must.
    ///
    /// # Errors
    /// The connection is broken, or a piece took too long.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let Some(tls) = &self.tls else {
            return self.write_sealed(bytes);
        };
        for piece in bytes.chunks(PIECE) {
            let sealed = tls.lock().seal(piece);
            self.write_sealed(&sealed)?;
        }
        Ok(())
    }

    /// The same, for bytes that have been sealed if they must be.
    ///
    /// # Errors
    /// As above.
    pub(super) fn write_sealed(&self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(PIECE) {
            self.write_piece(piece)?;
        }
        Ok(())
    }

    /// Sends as much of what has been sealed as the socket takes at once
    /// (send(2), MSG_DONTWAIT).
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn send(&self, sealed: &[u8]) -> io::Result<usize> {
        loop {
            match send(&self.socket, sealed, SendFlags::DONTWAIT) {
                Ok(sent) => return Ok(sent),
                Err(Errno::AGAIN) => return Ok(0),
                Err(Errno::INTR) => (),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Says that this was all, and closes the sending half.
    pub(super) fn close(&self) {
        if let Some(tls) = &self.tls {
            // A peer that has no room for a few bytes more is not told.
            let _ = self.send(&tls.lock().close());
        }
        self.shut(Shutdown::Write);
    }

    /// Shuts one half or both; it fails if the peer was quicker, and the
    /// connection is just as closed.
    pub(super) fn shut(&self, half: Shutdown) {
        let _ = self.socket.shutdown(half);
    }

    fn write_piece(&self, mut piece: &[u8]) -> io::Result<()> {
        // The deadline is for the whole piece: a reader that takes a byte
        // now and then does not win time by it.
        let deadline = Instant::now() + self.write_time;
        while !piece.is_empty() {
            match self.send(piece)? {
                0 => self.wait_for_room(deadline)?,
                sent => piece = &piece[sent..],
            }
        }
        Ok(())
    }

    /// Blocks until the socket takes bytes again (poll(2)).
    fn wait_for_room(&self, deadline: Instant) -> io::Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
        let mut socket = [PollFd::new(&self.socket, PollFlags::OUT)];
        match poll(&mut socket, Some(&timeout)) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
