//! The door: connections come in, or are told why not.
//!
//! Nothing that happens to one client ends the loop, and no error of
//! accept(2) either: most are over in a moment, and out of descriptors it
//! still answers, with one it kept for this. Twin: `event_loop/door.rs`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::server::Server;
use crate::answers;
use crate::clock;
use crate::launch::{Entrance, Owner};
use crate::tls;
use crate::wire::http::{Framing, Problem};

/// Refusals that may wait to be told; past it a client is just let go.
const REFUSALS: usize = 64;
/// How long one refusal may take.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long accepting rests after an error, for whatever is short to come
/// back.
const REST: Duration = Duration::from_millis(50);

/// Where connections come in.
pub(super) struct Door {
    listener: TcpListener,
    owner: Owner,
    server: Arc<Server>,
    /// The number of the next connection.
    next: u64,
    /// A descriptor to be had when there is no other.
    spare: Option<File>,
    /// The way to the thread that tells clients why they are refused; the
    /// door cannot wait for them.
    refusals: Option<Sender<(TcpStream, Bytes)>>,
    thread: Option<JoinHandle<()>>,
}

impl Door {
    /// A door at a listener.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn new(
        entrance: Entrance,
        server: Arc<Server>,
    ) -> io::Result<Door> {
        let Entrance { listener, owner } = entrance;
        listener.set_nonblocking(true)?;
        let (refusals, refused) = bounded(REFUSALS);
        let thread = thread::Builder::new()
            .name("refusals".into())
            .spawn(move || refuse_all(&refused))?;
        Ok(Door {
            listener,
            owner,
            server,
            next: 0,
            spare: spare(),
            refusals: Some(refusals),
            thread: Some(thread),
        })
    }

    /// Lets connections in until `stop` becomes readable.
    pub(super) fn accept_until(&mut self, stop: &UnixStream) {
        loop {
            let mut ready = [
                PollFd::new(&self.listener, PollFlags::IN),
                PollFd::new(stop, PollFlags::IN),
            ];
            match poll(&mut ready, None) {
                Ok(_) if !ready[1].revents().is_empty() => return,
                Ok(_) => self.accept_all(),
                Err(Errno::INTR) => (),
                Err(error) => rest("poll", &error.into()),
            }
        }
    }

    /// Lets connections in for as long as `time`; unless they can wait for
    /// whoever comes after us.
    pub(super) fn accept_for(&mut self, time: Duration) {
        if self.owner == Owner::Starter {
            return thread::sleep(time);
        }
        let timeout = Timespec::try_from(time).ok();
        let mut ready = [PollFd::new(&self.listener, PollFlags::IN)];
        if poll(&mut ready, timeout.as_ref()).is_ok_and(|n| n > 0) {
            self.accept_all();
        }
    }

    fn accept_all(&mut self) {
        loop {
            match self.listener.accept() {
                Ok((socket, peer)) => self.let_in(socket, peer),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return,
                    // It was there, and left before its turn.
                    io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::Interrupted => (),
                    _ => return self.recover(&error),
                },
            }
        }
    }

    fn let_in(&mut self, socket: TcpStream, peer: SocketAddr) {
        self.next += 1;
        // Where an accepted socket takes after its listener (BSD, macOS), it
        // would not block.
        if let Err(error) = socket.set_nonblocking(false) {
            return tracing::debug!("a client left at the door: {error}");
        }
        let socket = Arc::new(socket);
        let admitted = self.server.admit(self.next, &socket, peer.ip());
        if let Err(problem) = admitted
            && let Some(socket) = Arc::into_inner(socket)
        {
            self.refuse(socket, problem);
        }
    }

    /// Out of descriptors, the next client would wait for an answer that
    /// never comes: the spare one is used to tell it.
    fn recover(&mut self, error: &io::Error) {
        self.spare = None;
        if let Ok((socket, _)) = self.listener.accept() {
            self.refuse(socket, answers::full());
        }
        rest("accept", error);
        self.spare = spare();
    }

    fn refuse(&self, socket: TcpStream, problem: Problem) {
        self.server.metrics.refuse(problem.code);
        if let Some(refusals) = &self.refusals {
            // A full channel lets go of it, which closes it.
            let _ = refusals.try_send((socket, self.answer(&problem)));
        }
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

impl Drop for Door {
    fn drop(&mut self) {
        drop(self.refusals.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed.
            let _ = thread.join();
        }
    }
}

fn refuse_all(refused: &Receiver<(TcpStream, Bytes)>) {
    for (socket, answer) in refused {
        if let Err(error) = refuse(&socket, &answer) {
            tracing::debug!("a client left before it was refused: {error}");
        }
    }
}

/// Answers before a word was said, then waits a moment for the client to take
/// it: a socket that is closed with bytes unread resets.
fn refuse(mut socket: &TcpStream, answer: &[u8]) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.write_all(answer)?;
    socket.shutdown(Shutdown::Write)?;
    let mut unread = [0; 1024];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        socket.set_read_timeout(Some(left))?;
        if socket.read(&mut unread)? == 0 {
            return Ok(());
        }
    }
}

/// Waits a little after an error of the system, rather than to ask again at
/// once and be refused again.
fn rest(call: &str, error: &io::Error) {
    tracing::warn!("{call}: {error}; resting");
    thread::sleep(REST);
}

/// Any descriptor will do.
fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}
