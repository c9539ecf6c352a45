//! The rooms: what everyone shares, and how news reaches every reader.
//!
//! A room is borrowed for moves of memory only, and never over a wait. News is
//! queued in order; then all that is queued is written to each reader in one
//! go. Load makes batches bigger instead of queues longer. Twin:
//! `threads/rooms.rs`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::long_poll::Held;
use super::outbox::Outbox;
use crate::chat::{History, Message, Nick, Nicks, Page, RoomName, Seq};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::store::Kept;
use crate::wire::http::Problem;
use crate::wire::json;
use crate::wire::stream::{Batch, Encoding, News};

/// All rooms there are.
pub(super) struct Rooms {
    table: RefCell<HashMap<RoomName, Rc<Room>>>,
    limits: Limits,
    /// The number before a new room's first.
    start: Seq,
    metrics: Arc<Metrics>,
    /// Rooms whose presence has changed, on their way to the one who says so.
    changed: Sender<Rc<Room>>,
}

/// One room.
pub(super) struct Room {
    name: RoomName,
    state: RefCell<State>,
    metrics: Arc<Metrics>,
}

struct State {
    history: History,
    /// What nobody has been told yet.
    queue: Vec<News>,
    /// Who is told.
    // Twin: nobody comes or goes during a broadcast, because nobody else
    // runs; so there is nothing to copy, and no flag that says who is at it.
    readers: Vec<Rc<Reader>>,
    /// Long polls that are held until there is a message.
    held: Vec<Rc<Held>>,
    /// Who is here by name.
    nicks: Nicks,
    /// Whether the last presence no longer says who is here.
    presence_changed: bool,
}

/// Someone who reads a room as it happens.
pub(super) struct Reader {
    /// The way there.
    pub(super) outbox: Rc<Outbox>,
    /// How it is written to.
    pub(super) encoding: Encoding,
    /// The newest number when it came in. A broadcast that began before, or
    /// is yet to begin, may still hold messages that it was given as history.
    joined_at: Cell<Seq>,
    /// What it is called.
    nick: RefCell<Option<Nick>>,
}

impl Rooms {
    /// The rooms that the store remembers.
    pub(super) fn new(
        kept: Vec<Kept>,
        limits: &Limits,
        start: Seq,
        metrics: Arc<Metrics>,
        changed: Sender<Rc<Room>>,
    ) -> Rooms {
        let resume = |Kept { room, latest, forgotten }: Kept| {
            let history = History::resumed(limits.history, forgotten, latest);
            let name = room.clone();
            (room, Rc::new(Room::new(name, history, Arc::clone(&metrics))))
        };
        let table = RefCell::new(kept.into_iter().map(resume).collect());
        Rooms { table, limits: limits.clone(), start, metrics, changed }
    }

    /// The room of this name, made if there is none.
    ///
    /// # Errors
    /// 503 if there are as many as there may be, and none is empty.
    pub(super) fn room(&self, name: &RoomName) -> Result<Rc<Room>, Problem> {
        let mut table = self.table.borrow_mut();
        if let Some(room) = table.get(name) {
            return Ok(Rc::clone(room));
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
        let room = Rc::new(Room::new(name.clone(), history, metrics));
        table.insert(name.clone(), Rc::clone(&room));
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
            Some(room) => room.state.borrow_mut().history.before(seq, limit),
            None => Some(Page::older(Vec::new(), seq)),
        }
    }

    /// Takes in a message that is safe. Nobody is told before somebody calls
    /// [`Room::broadcast`].
    pub(super) fn add(&self, name: &RoomName, message: &Arc<Message>) {
        // Its sender saw to it that the room exists, and a room with posts
        // under way is never forgotten: its sender holds it.
        if let Some(room) = self.find(name) {
            let mut state = room.state.borrow_mut();
            state.history.push(Arc::clone(message));
            state.queue.push(News::Message(Arc::clone(message)));
            self.metrics.messages.inc();
        }
    }

    /// Tells everyone in a room what is queued.
    // Twin: the journal's batches come here; a thread that posts has its room
    // at hand, and broadcasts itself.
    pub(super) fn broadcast(&self, name: &RoomName) {
        if let Some(room) = self.find(name) {
            room.broadcast();
        }
    }

    /// Has everyone in `room` told who is here, soon, and at most once a
    /// second.
    pub(super) fn announce(&self, room: &Rc<Room>) {
        let mut state = room.state.borrow_mut();
        if std::mem::replace(&mut state.presence_changed, true) {
            return;
        }
        drop(state);
        match self.changed.try_send(Rc::clone(room)) {
            Ok(()) | Err(TrySendError::Closed(_)) => (),
            // There is a place for each room that may exist; a few more come
            // and go. Whoever comes next announces it again.
            Err(TrySendError::Full(room)) => {
                room.state.borrow_mut().presence_changed = false;
            }
        }
    }

    fn find(&self, name: &RoomName) -> Option<Rc<Room>> {
        self.table.borrow().get(name).map(Rc::clone)
    }
}

impl Room {
    fn new(name: RoomName, history: History, metrics: Arc<Metrics>) -> Room {
        let state = State {
            history,
            queue: Vec::new(),
            readers: Vec::new(),
            held: Vec::new(),
            nicks: Nicks::default(),
            presence_changed: false,
        };
        Room { name, state: RefCell::new(state), metrics }
    }

    /// What it is called.
    pub(super) fn name(&self) -> &RoomName {
        &self.name
    }

    /// What it has after `cursor`.
    pub(super) fn page(&self, cursor: Option<Seq>, limit: usize) -> Page {
        self.state.borrow_mut().history.after(cursor, limit)
    }

    /// The newest number.
    pub(super) fn last(&self) -> Seq {
        self.state.borrow_mut().history.last()
    }

    /// Lets a reader in that has read everything there is: from here on, it
    /// is told.
    ///
    /// # Errors
    /// What it has not read yet, at most `limit` messages.
    pub(super) fn join(
        &self,
        reader: &Rc<Reader>,
        cursor: Seq,
        limit: usize,
    ) -> Result<(), Page> {
        let mut state = self.state.borrow_mut();
        let missing = state.history.after(Some(cursor), limit);
        if !missing.messages.is_empty() {
            return Err(missing);
        }
        reader.joined_at.set(state.history.last());
        let nick = reader.nick.borrow_mut().clone();
        state.nicks.add(nick);
        state.readers.push(Rc::clone(reader));
        Ok(())
    }

    /// Takes a reader out again.
    pub(super) fn leave(&self, reader: &Rc<Reader>) {
        let mut state = self.state.borrow_mut();
        let place = state.readers.iter().position(|r| Rc::ptr_eq(r, reader));
        if let Some(place) = place {
            state.readers.swap_remove(place);
            let nick = reader.nick.borrow_mut().take();
            state.nicks.remove(nick);
        }
    }

    /// A reader is called something from here on.
    pub(super) fn rename(&self, reader: &Rc<Reader>, nick: Nick) {
        let mut state = self.state.borrow_mut();
        let before = reader.nick.borrow_mut().replace(nick.clone());
        state.nicks.remove(before);
        state.nicks.add(Some(nick));
    }

    /// Holds a long poll until there is a message it has not read.
    ///
    /// # Errors
    /// There is one already.
    pub(super) fn hold(&self, held: &Rc<Held>) -> Result<(), Page> {
        let mut state = self.state.borrow_mut();
        let page = state.history.after(Some(held.after()), held.limit());
        if page.has_news() {
            return Err(page);
        }
        state.held.push(Rc::clone(held));
        Ok(())
    }

    /// Lets go of a long poll that has been answered otherwise.
    pub(super) fn release(&self, held: &Rc<Held>) {
        self.state.borrow_mut().held.retain(|h| !Rc::ptr_eq(h, held));
    }

    /// Says that someone is writing.
    pub(super) fn typing(&self, reader: &Reader) -> Option<()> {
        let mut state = self.state.borrow_mut();
        let json = json::typing(reader.nick.borrow_mut().as_deref()?);
        state.queue.push(News::Typing(json));
        drop(state);
        self.broadcast();
        Some(())
    }

    /// Says who is here, naming at most `most`.
    pub(super) fn tell_presence(&self, most: usize) {
        let mut state = self.state.borrow_mut();
        state.presence_changed = false;
        let nicks = state.nicks.first(most);
        let json = json::presence(&nicks, state.readers.len());
        state.queue.push(News::Presence(json));
        drop(state);
        self.broadcast();
    }

    /// Tells every reader everything that is queued.
    // Twin: it takes as long as there are readers, and everyone else waits
    // for so long.
    pub(super) fn broadcast(&self) {
        let mut state = self.state.borrow_mut();
        if state.queue.is_empty() {
            return;
        }
        let batch = Batch::new(std::mem::take(&mut state.queue));
        let held = state.take_held(&batch);
        self.tell(batch, &state.readers, &held);
    }

    /// Every reader is sent the same bytes, made once for each encoding.
    fn tell(
        &self,
        mut batch: Batch,
        readers: &[Rc<Reader>],
        held: &[Rc<Held>],
    ) {
        let begun = Instant::now();
        for reader in readers {
            let after = reader.joined_at.get();
            reader.outbox.push(batch.encoded(reader.encoding, after));
        }
        for poll in held {
            poll.answer(&batch);
        }
        let told = readers.len() + held.len();
        let deliveries = told * batch.messages().count();
        self.metrics.broadcast(batch.len(), deliveries, begun.elapsed());
    }

    fn is_forgettable(self: &Rc<Room>) -> bool {
        let state = self.state.borrow_mut();
        // Whoever holds the room is about to read it or to post to it.
        Rc::strong_count(self) == 1 && state.history.is_empty()
    }
}

impl State {
    /// The long polls that a batch answers.
    fn take_held(&mut self, batch: &Batch) -> Vec<Rc<Held>> {
        // One that came while the batch was waiting has read it already.
        let last = batch.last().unwrap_or(0);
        self.held.extract_if(.., |poll| poll.after() < last).collect()
    }
}

impl Reader {
    /// A reader that is not in a room yet.
    pub(super) fn new(
        outbox: Rc<Outbox>,
        encoding: Encoding,
        nick: Option<Nick>,
    ) -> Rc<Reader> {
        let joined_at = Cell::new(0);
        let nick = RefCell::new(nick);
        Rc::new(Reader { outbox, encoding, joined_at, nick })
    }
}
