//! Who is here, told to everyone in a room at most once a second.
//!
//! One thread for all rooms: whoever comes or goes leaves the room in its
//! channel, and moves on. Twin: `event_loop/presence.rs`.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select};

use super::rooms::Room;
use crate::limits::PRESENCE;

/// The thread that says who is here.
pub(super) struct Presence {
    /// Nothing is ever sent; the thread ends when this is dropped.
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Presence {
    /// Starts it, for the rooms that come out of `changes`; it names at most
    /// `most` people.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn start(
        changes: Receiver<Arc<Room>>,
        most: usize,
    ) -> io::Result<Presence> {
        let (stop, stopped) = bounded(0);
        let thread = thread::Builder::new()
            .name("presence".into())
            .spawn(move || tell(&changes, &stopped, most))?;
        Ok(Presence { stop, thread })
    }

    /// Ends it.
    pub(super) fn stop(self) {
        drop(self.stop);
        // A panic in there has been printed.
        let _ = self.thread.join();
    }
}

fn tell(changes: &Receiver<Arc<Room>>, stopped: &Receiver<()>, most: usize) {
    loop {
        let first = select! {
            recv(changes) -> room => room,
            recv(stopped) -> _ => return,
        };
        let Ok(first) = first else { return };
        let others: Vec<_> = changes.try_iter().collect();
        for room in std::iter::once(first).chain(others) {
            room.tell_presence(most);
        }
        match stopped.recv_timeout(PRESENCE) {
            Err(RecvTimeoutError::Timeout) => (),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
