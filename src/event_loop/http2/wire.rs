//! What h2 reads from and writes to: the line of a connection, TLS or not.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Outbox, Server};

/// Bytes that are taken from h2 at once: what fits a record of TLS.
const PIECE: usize = 16 << 10;

/// The two ways of a connection.
pub(super) struct Wire {
    server: Rc<Server>,
    outbox: Rc<Outbox>,
    /// Bytes that came in and were not asked for yet.
    early: Bytes,
    /// Bytes that were taken, and that the socket did not take.
    unsent: Bytes,
}

impl Wire {
    /// The wire of a connection that begins with `early`.
    pub(super) fn new(
        server: Rc<Server>,
        outbox: Rc<Outbox>,
        early: Bytes,
    ) -> Wire {
        Wire { server, outbox, early, unsent: Bytes::new() }
    }

    /// Waits for bytes; none at the end.
    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let line = self.outbox.line();
        loop {
            if let Some(bytes) = line.take_plain() {
                return Poll::Ready(Ok(bytes));
            }
            ready!(line.poll_readable(cx))?;
            if let Some(bytes) = self.server.try_read(line)?
                && (bytes.is_empty() || !line.receive(&bytes)?)
            {
                return Poll::Ready(Ok(bytes));
            }
        }
    }

    fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let line = self.outbox.line();
        while !self.unsent.is_empty() {
            match line.send(&self.unsent)? {
                0 => ready!(line.poll_writable(cx))?,
                sent => self.unsent.advance(sent),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            self.early = ready!(self.poll_bytes(cx))?;
        }
        let length = self.early.len().min(buffer.remaining());
        buffer.put_slice(&self.early.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_unsent(cx))?;
        let length = bytes.len().min(PIECE);
        let piece = Bytes::copy_from_slice(&bytes[..length]);
        self.unsent = self.outbox.line().seal(piece);
        // It is taken, even if it has to wait: it may be encrypted by now.
        if let Poll::Ready(Err(error)) = self.poll_unsent(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(length))
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_unsent(cx)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_unsent(cx))?;
        self.outbox.line().close();
        Poll::Ready(Ok(()))
    }
}
