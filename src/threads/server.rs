//! The server: what everyone shares, how it starts, and how it stops.
//!
//! What the threads share is here, each part behind a lock of its own that is
//! held for moves of memory only. Twin: `event_loop/server.rs`.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use super::connection;
use super::crew::{Crew, Waited};
use super::door::Door;
use super::line::Line;
use super::outbox::{Delivery, Outbox, for_each};
use super::presence::Presence;
use super::rooms::{Room, Rooms};
use crate::admission::{Admission, is_trusted};
use crate::answers::{self, Posted};
use crate::chat::{Draft, Page, RoomName, Seq};
use crate::clock;
use crate::config::Config;
use crate::launch::Launch;
use crate::metrics::Metrics;
use crate::site::Site;
use crate::store::{Archive, Journal, Outcome, Post, Settled};
use crate::tls::Tls;
use crate::wire::http::{Problem, Response};

/// How long after the word to stop requests are still answered: `/healthz`
/// says 503 for as long, and whoever is between two requests may ask again.
const GRACE: Duration = Duration::from_secs(1);
/// How long everyone may take to leave after that, before it is broken off.
const LEAVE: Duration = Duration::from_secs(2);
/// How long the door stays open at a time while everyone leaves.
const TICK: Duration = Duration::from_millis(20);

/// What a client's thread waits with for the outcome of its post.
type Ticket = Sender<Outcome>;

/// Everything the threads share.
pub(super) struct Server {
    /// What the operator asked for.
    pub(super) config: Config,
    /// The rooms.
    pub(super) rooms: Arc<Rooms>,
    /// The web app.
    pub(super) site: Site,
    /// The address it listens on.
    pub(super) address: SocketAddr,
    /// What is spoken below HTTP, if it is TLS.
    pub(super) tls: Option<Tls>,
    /// What is counted.
    pub(super) metrics: Arc<Metrics>,
    journal: Journal<Ticket>,
    archive: Archive,
    admission: Mutex<Admission>,
    /// Everyone who is connected: to be counted, and to be told to go.
    connected: Mutex<HashMap<u64, Arc<Outbox>>>,
    delivery: Arc<Delivery>,
    cap: usize,
    started: Instant,
}

/// A post on its way to the disk.
pub(super) struct Pending {
    room: Arc<Room>,
    outcome: Receiver<Outcome>,
}

/// Serves until it is told to stop.
///
/// # Errors
/// Why it could not start, or could not go on.
pub fn run(launch: Launch) -> Result<(), String> {
    let Launch { config, mut store, start, entrance, cap, .. } = launch;
    let Launch { address, tls, metrics, site, stop, admin, .. } = launch;
    let (changed, changes) = bounded(config.limits.rooms);
    let rooms = Rooms::new(
        store.take_rooms(),
        &config.limits,
        start,
        Arc::clone(&metrics),
        changed,
    );
    let rooms = Arc::new(rooms);
    let archive = store.archive();
    let trigger = stop.trigger();
    let journal = Journal::start(
        store,
        deliver(Arc::clone(&rooms), Arc::clone(&metrics)),
        move |reason| trigger.fail(reason),
    );
    let crew = Arc::new(Crew::new(cap.threads, metrics.threads.clone()));
    let delivery = Arc::new(Delivery {
        crew,
        metrics: Arc::clone(&metrics),
        bound: config.limits.backlog,
        fanout: config.fanout,
    });
    let server = Arc::new(Server {
        admission: Mutex::new(Admission::new(&config.limits)),
        config,
        rooms,
        site,
        address,
        tls,
        metrics,
        journal: journal.map_err(no_thread)?,
        archive,
        connected: Mutex::default(),
        delivery,
        cap: cap.connections,
        started: Instant::now(),
    });
    let most = server.config.limits.presence;
    let presence = Presence::start(changes, most).map_err(no_thread)?;
    let mut door =
        Door::new(entrance, Arc::clone(&server)).map_err(no_thread)?;
    door.accept_until(&stop.pipe);
    server.stop(&mut door);
    presence.stop();
    drop(admin);
    stop.trigger().failure().map_or(Ok(()), Err)
}

fn no_thread(error: io::Error) -> String {
    format!("the server cannot start a thread: {error}")
}

/// What the journal's thread does with a batch that is safe: history first,
/// in order; then its senders are woken, and the first of them broadcasts.
fn deliver(
    rooms: Arc<Rooms>,
    metrics: Arc<Metrics>,
) -> impl FnMut(Vec<Settled<Ticket>>, Duration) {
    move |batch, took| {
        metrics.commit.observe(took.as_secs_f64());
        for settled in &batch {
            if let Outcome::New(message) = &settled.outcome {
                rooms.add(&settled.room, message);
            }
        }
        for Settled { outcome, ticket, .. } in batch {
            // Its channel has room for one, and its sender waits for it.
            let _ = ticket.try_send(outcome);
        }
    }
}

impl Server {
    /// Whether it is on its way out.
    pub(super) fn is_stopping(&self) -> bool {
        self.metrics.stopping.load(Ordering::Relaxed)
    }

    /// What this server is.
    pub(super) fn about(&self) -> Response {
        let connections = self.connected.lock().len();
        let threads = self.metrics.threads.get() as usize;
        let (config, cap) = (&self.config, self.cap);
        answers::about(config, self.started, connections, cap, threads)
    }

    /// Sends a draft on its way to the disk.
    ///
    /// # Errors
    /// 429 if its sender posts too fast, 503 if there is no place for it.
    pub(super) fn post(
        &self,
        room: &RoomName,
        draft: Draft,
        from: IpAddr,
    ) -> Result<Pending, Problem> {
        self.admission.lock().post(from, Instant::now())?;
        let room = self.rooms.room(room)?;
        let (ticket, outcome) = bounded(1);
        let at = clock::now();
        let post = Post { room: room.name().clone(), draft, at, ticket };
        match self.journal.post(post) {
            Ok(()) => Ok(Pending { room, outcome }),
            Err(_) if self.is_stopping() => Err(answers::shutting_down()),
            Err(_) => Err(answers::busy()),
        }
    }

    /// What lies on disk only. Twin: a client's thread may wait for the disk;
    /// nobody waits for it.
    ///
    /// # Errors
    /// 503 if the disk cannot be read.
    pub(super) fn read_older(
        &self,
        room: &RoomName,
        seq: Seq,
        limit: usize,
    ) -> Result<Page, Problem> {
        self.archive.before(room, seq, limit).map_err(answers::unreadable)
    }

    /// Lets a connection in, if there is a place for it and a thread.
    ///
    /// # Errors
    /// 429 or 503, for whoever tells the client.
    pub(super) fn admit(
        self: &Arc<Server>,
        number: u64,
        socket: &Arc<TcpStream>,
        peer: IpAddr,
    ) -> Result<(), Problem> {
        let mut connected = self.connected.lock();
        if connected.len() >= self.cap {
            return Err(answers::full());
        }
        // Behind a proxy everyone has its address; it counts for itself.
        let counted = !is_trusted(peer, &self.config.trust_proxy);
        if counted {
            self.admission.lock().connect(peer)?;
        }
        let delivery = Arc::clone(&self.delivery);
        let tls = self.tls.as_ref().map(Tls::session);
        let line =
            Line::new(Arc::clone(socket), tls, self.config.limits.write_time);
        let outbox = Arc::new(Outbox::new(line, delivery));
        connected.insert(number, Arc::clone(&outbox));
        drop(connected);
        let place = Place { server: Arc::clone(self), number, peer, counted };
        let name = format!("client {number}");
        self.delivery
            .crew
            .start(name, move || connection::serve(&place.server, outbox, peer))
            .map_err(|_| answers::full())
    }

    /// Ends everything in order: whoever reads is told to come back, whoever
    /// asks is answered for a moment more, and what was posted is made safe.
    fn stop(&self, door: &mut Door) {
        self.metrics.stopping.store(true, Ordering::Relaxed);
        let mut outboxes = self.outboxes();
        for_each(&outboxes, Outbox::wake_reader);
        let grace = Instant::now() + GRACE;
        while !self.connected.lock().is_empty() && Instant::now() < grace {
            door.accept_for(TICK);
        }
        outboxes.extend(self.outboxes());
        for_each(&outboxes, Outbox::wake);
        if let Waited::Late(left) = self.delivery.crew.wait(LEAVE) {
            tracing::warn!("{left} connections had to be broken off");
            for_each(&outboxes, Outbox::abort);
            self.delivery.crew.wait(LEAVE);
        }
        self.journal.close();
    }

    /// The ways to everyone. A writer may still be at one whose connection
    /// has given up its place.
    fn outboxes(&self) -> Vec<Weak<Outbox>> {
        self.connected.lock().values().map(Arc::downgrade).collect()
    }
}

/// A connection's place among those who are connected; given up when its
/// thread ends, also by a panic, and when it cannot be started.
struct Place {
    server: Arc<Server>,
    number: u64,
    peer: IpAddr,
    counted: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.connected.lock().remove(&self.number);
        if self.counted {
            self.server.admission.lock().disconnect(self.peer);
        }
    }
}

impl Pending {
    /// Blocks until the post is safe, and sees to it that everyone is told.
    ///
    /// # Errors
    /// 409 or 503.
    pub(super) fn wait(self) -> Result<Posted, Problem> {
        let posted = answers::posted(self.outcome.recv().ok())?;
        if let Posted::New(_) = posted {
            self.room.broadcast();
        }
        Ok(posted)
    }
}
