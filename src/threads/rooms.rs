//! The rooms: what everyone shares, and how news reaches every reader.
//!
//! A room's lock is held for moves of memory only. News is queued under it,
//! in order; then whoever finds nobody broadcasting takes all that is queued
//! and writes it to each reader in one go, again until nothing is left. Load
//! makes batches bigger instead of queues longer. Twin:
//! `event_loop/rooms.rs`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_channel::{Sender, TrySendError};

use super::long_poll::Held;
use super::outbox::Outbox;
use super::system::Mutex;
use crate::chat::{History, Message, Nick, Nicks, Page, RoomName, Seq};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::store::Kept;
use crate::wire::http::Problem;
use crate::wire::json;
use crate::wire::stream::{Batch, Encoding, News};

/// All rooms there are.
pub(super) struct Rooms {
    table: Mutex<HashMap<RoomName, Arc<Room>>>,
    limits: Limits,
    /// The number before a new room's first.
    start: Seq,
    metrics: Arc<Metrics>,
    /// Rooms whose presence has changed, on their way to the one who says so.
    changed: Sender<Arc<Room>>,
}

/// One room.
pub(super) struct Room {
    name: RoomName,
    state: Mutex<State>,
    metrics: Arc<Metrics>,
}

struct State {
    history: History,
    /// What nobody has been told yet.
    queue: Vec<News>,
    /// Whether somebody is telling.
    broadcasting: bool,
    /// Who is told. A broadcast works on the list as it was; coming and going
    /// copies it only while one does.
    readers: Arc<Vec<Arc<Reader>>>,
    /// Long polls that are held until there is a message.
    held: Vec<Arc<Held>>,
    /// Who is here by name.
    nicks: Nicks,
    /// Whether the last presence no longer says who is here.
    presence_changed: bool,
}

/// Someone who reads a room as it happens.
pub(super) struct Reader {
    /// The way there.
    pub(super) outbox: Arc<Outbox>,
    /// How it is written to.
    pub(super) encoding: Encoding,
    /// The newest number when it came in. A broadcast that began before, or
    /// is yet to begin, may still hold messages that it was given as history.
    joined_at: AtomicU64,
    /// What it is called; only ever locked inside its room's lock.
    nick: Mutex<Option<Nick>>,
}

impl Rooms {
    /// The rooms that the store remembers.
    pub(super) fn new(
        kept: Vec<Kept>,
        limits: &Limits,
        start: Seq,
        metrics: Arc<Metrics>,
        changed: Sender<Arc<Room>>,
    ) -> Rooms {
        let resume = |Kept { room, latest, forgotten }: Kept| {
            let history = History::resumed(limits.history, forgotten, latest);
            let name = room.clone();
            (room, Arc::new(Room::new(name, history, Arc::clone(&metrics))))
        };
        let table = Mutex::new(kept.into_iter().map(resume).collect());
        Rooms { table, limits: limits.clone(), start, metrics, changed }
    }

    /// The room of this name, made if there is none.
    ///
    /// # Errors
    /// 503 if there are as many as there may be, and none is empty.
    pub(super) fn room(&self, name: &RoomName) -> Result<Arc<Room>, Problem> {
        let mut table = self.table.lock();
        if let Some(room) = table.get(name) {
            return Ok(Arc::clone(room));
        }
        if table.len() >= self.limits.rooms {
            table.retain(|_, room| !room.is_forgettable());
        }
        if table.len() >= self.limits.rooms {
            let detail = "There are as many rooms as there may be.";
            return Err(Problem::later(503, "rooms_full", detail, 60));
        }
        let history = History::new(self.limits.history, self.start);
        let metrics = Arc::clone(&self.metrics);
        let room = Arc::new(Room::new(name.clone(), history, metrics));
        table.insert(name.clone(), Arc::clone(&room));
        Ok(room)
    }

    /// What a room has after `cursor`. One that does not exist is not made
    /// by looking.
    pub(super) fn page(
        &self,
        name: &RoomName,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Page {
        match self.find(name) {
            Some(room) => room.page(cursor, limit),
            None => {
                let history = History::new(self.limits.history, self.start);
                history.after(cursor, limit)
            }
        }
    }

    /// What a room has before `seq`; `None` if the disk must be asked.
    pub(super) fn before(
        &self,
        name: &RoomName,
        seq: Seq,
        limit: usize,
    ) -> Option<Page> {
        match self.find(name) {
            Some(room) => room.state.lock().history.before(seq, limit),
            None => Some(Page::older(Vec::new(), seq)),
        }
    }

    /// Takes in a message that is safe. Nobody is told before somebody calls
    /// [`Room::broadcast`].
    pub(super) fn add(&self, name: &RoomName, message: &Arc<Message>) {
        // Its sender saw to it that the room exists, and a room with posts
        // under way is never forgotten: its sender holds it.
        if let Some(room) = self.find(name) {
            let mut state = room.state.lock();
            state.history.push(Arc::clone(message));
            state.queue.push(News::Message(Arc::clone(message)));
            self.metrics.messages.inc();
        }
    }

    /// Has everyone in `room` told who is here, soon, and at most once a
    /// second.
    pub(super) fn announce(&self, room: &Arc<Room>) {
        let mut state = room.state.lock();
        if std::mem::replace(&mut state.presence_changed, true) {
            return;
        }
        drop(state);
        match self.changed.try_send(Arc::clone(room)) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => (),
            // There is a place for each room that may exist; a few more come
            // and go. Whoever comes next announces it again.
            Err(TrySendError::Full(room)) => {
                room.state.lock().presence_changed = false;
            }
        }
    }

    fn find(&self, name: &RoomName) -> Option<Arc<Room>> {
        self.table.lock().get(name).map(Arc::clone)
    }
}

impl Room {
    fn new(name: RoomName, history: History, metrics: Arc<Metrics>) -> Room {
        let state = State {
            history,
            queue: Vec::new(),
            broadcasting: false,
            readers: Arc::default(),
            held: Vec::new(),
            nicks: Nicks::default(),
            presence_changed: false,
        };
        Room { name, state: Mutex::new(state), metrics }
    }

    /// What it is called.
    pub(super) fn name(&self) -> &RoomName {
        &self.name
    }

    /// What it has after `cursor`.
    pub(super) fn page(&self, cursor: Option<Seq>, limit: usize) -> Page {
        self.state.lock().history.after(cursor, limit)
    }

    /// The newest number.
    pub(super) fn last(&self) -> Seq {
        self.state.lock().history.last()
    }

    /// Lets a reader in that has read everything there is: from here on, it
    /// is told.
    ///
    /// # Errors
    /// What it has not read yet, at most `limit` messages.
    pub(super) fn join(
        &self,
        reader: &Arc<Reader>,
        cursor: Seq,
        limit: usize,
    ) -> Result<(), Page> {
        let mut state = self.state.lock();
        let missing = state.history.after(Some(cursor), limit);
        if !missing.messages.is_empty() {
            return Err(missing);
        }
        reader.joined_at.store(state.history.last(), Ordering::Relaxed);
        let nick = reader.nick.lock().clone();
        state.nicks.add(nick);
        Arc::make_mut(&mut state.readers).push(Arc::clone(reader));
        Ok(())
    }

    /// Takes a reader out again.
    pub(super) fn leave(&self, reader: &Arc<Reader>) {
        let mut state = self.state.lock();
        let readers = Arc::make_mut(&mut state.readers);
        let place = readers.iter().position(|r| Arc::ptr_eq(r, reader));
        if let Some(place) = place {
            readers.swap_remove(place);
            let nick = reader.nick.lock().take();
            state.nicks.remove(nick);
        }
    }

    /// A reader is called something from here on.
    pub(super) fn rename(&self, reader: &Arc<Reader>, nick: Nick) {
        let mut state = self.state.lock();
        let before = reader.nick.lock().replace(nick.clone());
        state.nicks.remove(before);
        state.nicks.add(Some(nick));
    }

    /// Holds a long poll until there is a message it has not read.
    ///
    /// # Errors
    /// There is one already.
    pub(super) fn hold(&self, held: &Arc<Held>) -> Result<(), Page> {
        let mut state = self.state.lock();
        let page = state.history.after(Some(held.after()), held.limit());
        if page.has_news() {
            return Err(page);
        }
        state.held.push(Arc::clone(held));
        Ok(())
    }

    /// Lets go of a long poll that has been answered otherwise.
    pub(super) fn release(&self, held: &Arc<Held>) {
        self.state.lock().held.retain(|h| !Arc::ptr_eq(h, held));
    }

    /// Says that someone is writing.
    pub(super) fn typing(&self, reader: &Reader) -> Option<()> {
        let mut state = self.state.lock();
        let json = json::typing(reader.nick.lock().as_deref()?);
        state.queue.push(News::Typing(json));
        drop(state);
        self.broadcast();
        Some(())
    }

    /// Says who is here, naming at most `most`.
    pub(super) fn tell_presence(&self, most: usize) {
        let mut state = self.state.lock();
        state.presence_changed = false;
        let nicks = state.nicks.first(most);
        let json = json::presence(&nicks, state.readers.len());
        state.queue.push(News::Presence(json));
        drop(state);
        self.broadcast();
    }

    /// Tells every reader everything that is queued; unless somebody else is
    /// at it, who will then tell this too.
    pub(super) fn broadcast(&self) {
        let mut state = self.state.lock();
        if state.broadcasting {
            return;
        }
        state.broadcasting = true;
        while !state.queue.is_empty() {
            let batch = Batch::new(std::mem::take(&mut state.queue));
            let readers = Arc::clone(&state.readers);
            let held = state.take_held(&batch);
            drop(state);
            self.tell(batch, &readers, &held);
            state = self.state.lock();
        }
        state.broadcasting = false;
    }

    /// Every reader is sent the same bytes, made once for each encoding.
    fn tell(
        &self,
        mut batch: Batch,
        readers: &[Arc<Reader>],
        held: &[Arc<Held>],
    ) {
        let begun = Instant::now();
        for reader in readers {
            let after = reader.joined_at.load(Ordering::Relaxed);
            reader.outbox.push(batch.encoded(reader.encoding, after));
        }
        for poll in held {
            poll.answer(&batch);
        }
        let told = readers.len() + held.len();
        let deliveries = told * batch.messages().count();
        self.metrics.broadcast(batch.len(), deliveries, begun.elapsed());
    }

    fn is_forgettable(self: &Arc<Room>) -> bool {
        let state = self.state.lock();
        // Whoever holds the room is about to read it or to post to it.
        Arc::strong_count(self) == 1 && state.history.is_empty()
    }
}

impl State {
    /// The long polls that a batch answers.
    fn take_held(&mut self, batch: &Batch) -> Vec<Arc<Held>> {
        // One that came while the batch was waiting has read it already.
        let last = batch.last().unwrap_or(0);
        self.held.extract_if(.., |poll| poll.after() < last).collect()
    }
}

impl Reader {
    /// A reader that is not in a room yet.
    pub(super) fn new(
        outbox: Arc<Outbox>,
        encoding: Encoding,
        nick: Option<Nick>,
    ) -> Arc<Reader> {
        let joined_at = AtomicU64::new(0);
        let nick = Mutex::new(nick);
        Arc::new(Reader { outbox, encoding, joined_at, nick })
    }
}
