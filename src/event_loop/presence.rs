//! Who is here, told to everyone in a room at most once a second.
//!
//! One task for all rooms: whoever comes or goes leaves the room in its
//! channel, and moves on. Twin: `threads/presence.rs`.

use std::rc::Rc;

use tokio::sync::mpsc::Receiver;
use tokio::task::{self, JoinHandle};
use tokio::time::sleep;

use super::rooms::Room;
use crate::limits::PRESENCE;

/// The task that says who is here.
pub(super) struct Presence {
    task: JoinHandle<()>,
}

impl Presence {
    /// Starts it, for the rooms that come out of `changes`; it names at most
    /// `most` people.
    pub(super) fn start(changes: Receiver<Rc<Room>>, most: usize) -> Presence {
        Presence { task: task::spawn_local(tell(changes, most)) }
    }

    /// Ends it.
    // Twin: a task can be ended from outside, wherever it waits; a thread has
    // to be asked.
    pub(super) fn stop(self) {
        self.task.abort();
    }
}

async fn tell(mut changes: Receiver<Rc<Room>>, most: usize) {
    while let Some(first) = changes.recv().await {
        first.tell_presence(most);
        while let Ok(room) = changes.try_recv() {
            room.tell_presence(most);
        }
        sleep(PRESENCE).await;
    }
}
