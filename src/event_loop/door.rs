//! The door: connections come in, or are told why not.
//!
//! Nothing that happens to one client ends the loop, and no error of
//! accept(2) either: most are over in a moment, and out of descriptors it
//! still answers, with one it kept for this. Twin: `threads/door.rs`.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{self, TcpStream, UnixStream};
use tokio::time::{sleep, timeout};
use tokio::{select, task};

use super::server::Server;
use crate::answers;
use crate::clock;
use crate::launch::{Entrance, Owner};
use crate::tls;
use crate::wire::http::{Framing, Problem};

/// Refusals that may be told at once; past it a client is just let go.
const REFUSALS: usize = 64;
/// How long one refusal may take.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long accepting rests after an error, for whatever is short to come
/// back.
const REST: Duration = Duration::from_millis(50);

/// Where connections come in.
pub(super) struct Door {
    listener: net::TcpListener,
    owner: Owner,
    server: Rc<Server>,
    /// The number of the next connection.
    next: u64,
    /// A descriptor to be had when there is no other.
    spare: Option<File>,
    /// Tasks that tell clients why they are refused.
    refusals: Rc<Cell<usize>>,
}

impl Door {
    /// A door at a listener.
    ///
    /// # Errors
    /// The loop cannot watch it.
    pub(super) fn new(
        entrance: Entrance,
        server: Rc<Server>,
    ) -> io::Result<Door> {
        let Entrance { listener, owner } = entrance;
        listener.set_nonblocking(true)?;
        let listener = net::TcpListener::from_std(listener)?;
        let refusals = Rc::default();
        let (next, spare) = (0, spare());
        Ok(Door { listener, owner, server, next, spare, refusals })
    }

    /// Lets connections in until `stop` becomes readable.
    pub(super) async fn accept_until(&mut self, stop: &UnixStream) {
        loop {
            select! {
                biased;
                _ = stop.readable() => return,
                accepted = self.listener.accept() => self.take(accepted).await,
            }
        }
    }

    /// Lets connections in for as long as `time`; unless they can wait for
    /// whoever comes after us.
    pub(super) async fn accept_for(&mut self, time: Duration) {
        if self.owner == Owner::Starter {
            return sleep(time).await;
        }
        if let Ok(accepted) = timeout(time, self.listener.accept()).await {
            self.take(accepted).await;
        }
    }

    async fn take(&mut self, accepted: io::Result<(TcpStream, SocketAddr)>) {
        match accepted {
            Ok((socket, peer)) => self.let_in(socket, peer),
            Err(error) => match error.kind() {
                // It was there, and left before its turn.
                io::ErrorKind::ConnectionAborted
                | io::ErrorKind::Interrupted => (),
                _ => self.recover(&error).await,
            },
        }
    }

    fn let_in(&mut self, socket: TcpStream, peer: SocketAddr) {
        self.next += 1;
        let admitted = self.server.admit(self.next, socket, peer.ip());
        if let Err((socket, problem)) = admitted {
            self.refuse(socket, problem);
        }
    }

    /// Out of descriptors, the next client would wait for an answer that
    /// never comes: the spare one is used to tell it.
    async fn recover(&mut self, error: &io::Error) {
        self.spare = None;
        if let Ok(Ok((socket, _))) =
            timeout(Duration::ZERO, self.listener.accept()).await
        {
            self.refuse(socket, answers::full());
        }
        rest("accept", error).await;
        self.spare = spare();
    }

    fn refuse(&self, mut socket: TcpStream, problem: Problem) {
        self.server.metrics.refuse(problem.code);
        let answer = self.answer(&problem);
        if self.refusals.get() >= REFUSALS {
            return;
        }
        let refusals = Rc::clone(&self.refusals);
        refusals.set(refusals.get() + 1);
        task::spawn_local(async move {
            let told = timeout(PATIENCE, refuse(&mut socket, &answer)).await;
            if let Ok(Err(error)) = told {
                tracing::debug!("a client left before it was refused: {error}");
            }
            refusals.set(refusals.get() - 1);
        });
    }

    /// What a client is told that is not let in. With TLS there is only an
    /// alert for it: nothing else can be read before hands are shaken.
    fn answer(&self, problem: &Problem) -> Bytes {
        match self.server.tls {
            Some(_) => Bytes::from_static(tls::REFUSAL),
            None => problem.response().encode(Framing::last(), clock::now()),
        }
    }
}

/// Answers before a word was said, then waits a moment for the client to take
/// it: a socket that is closed with bytes unread resets.
async fn refuse(socket: &mut TcpStream, answer: &[u8]) -> io::Result<()> {
    socket.write_all(answer).await?;
    socket.shutdown().await?;
    let mut unread = [0; 1024];
    while socket.read(&mut unread).await? > 0 {}
    Ok(())
}

/// Waits a little after an error of the system, rather than to ask again at
/// once and be refused again.
async fn rest(call: &str, error: &io::Error) {
    tracing::warn!("{call}: {error}; resting");
    sleep(REST).await;
}

/// Any descriptor will do.
fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}
