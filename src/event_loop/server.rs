//! The server: what everyone shares, how it starts, and how it stops.
//!
//! What the tasks share is here, each part in a cell of its own that is
//! borrowed for moves of memory only, and never over a wait. Twin:
//! `threads/server.rs`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{self, LocalSet};

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
use crate::wire::api::{Work, Xray};
use crate::wire::http::{Problem, Response};
use crate::xray;

/// How long after the word to stop requests are still answered: `/healthz`
/// says 503 for as long, and whoever is between two requests may ask again.
const GRACE: Duration = Duration::from_secs(1);
/// How long everyone may take to leave after that, before it is broken off.
const LEAVE: Duration = Duration::from_secs(2);
/// How long the door stays open at a time while everyone leaves.
const TICK: Duration = Duration::from_millis(20);
/// Bytes read at once, by whoever reads; and so the most that one client can
/// have done before it is the next one's turn.
const READ: usize = 16 << 10;
/// Worker threads: for work that is offloaded, and for what lies on disk.
const WORKERS: usize = 8;
/// Batches of the journal that may wait for the loop; then the journal waits.
const BATCHES: usize = 16;

/// What a client's task waits with for the outcome of its post.
type Ticket = oneshot::Sender<Outcome>;
/// Posts that are safe, on their way from the journal's thread.
type Batch = Vec<Settled<Ticket>>;

/// Everything the tasks share.
pub(super) struct Server {
    /// What the operator asked for.
    pub(super) config: Config,
    /// The rooms.
    pub(super) rooms: Rc<Rooms>,
    /// The web app.
    pub(super) site: Site,
    /// The address it listens on.
    pub(super) address: SocketAddr,
    /// What is spoken below HTTP, if it is TLS.
    pub(super) tls: Option<Tls>,
    /// What is counted.
    pub(super) metrics: Arc<Metrics>,
    journal: Arc<Journal<Ticket>>,
    archive: Archive,
    admission: RefCell<Admission>,
    /// Everyone who is connected: to be counted, and to be told to go.
    connected: RefCell<HashMap<u64, Rc<Outbox>>>,
    /// What all outboxes share.
    pub(super) delivery: Rc<Delivery>,
    cap: usize,
    started: Instant,
    /// Where everyone reads into, one at a time.
    scratch: RefCell<Box<[u8]>>,
    /// Places at the worker threads.
    workers: Semaphore,
}

/// A post on its way to the disk.
pub(super) struct Pending {
    /// Its room, held so that it is not forgotten meanwhile.
    _room: Rc<Room>,
    outcome: oneshot::Receiver<Outcome>,
}

/// Serves until it is told to stop.
///
/// # Errors
/// Why it could not start, or could not go on.
pub fn run(launch: Launch) -> Result<(), String> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(WORKERS)
        .thread_name("worker")
        .build()
        .map_err(no_loop)?;
    LocalSet::new().block_on(&runtime, serve(launch))
}

async fn serve(launch: Launch) -> Result<(), String> {
    let Launch { config, mut store, start, entrance, cap, .. } = launch;
    let Launch { address, tls, metrics, site, stop, admin, .. } = launch;
    let (changed, changes) = mpsc::channel(config.limits.rooms.max(1));
    let rooms = Rooms::new(
        store.take_rooms(),
        &config.limits,
        start,
        Arc::clone(&metrics),
        changed,
    );
    let rooms = Rc::new(rooms);
    let archive = store.archive();
    let (batches, safe) = mpsc::channel(BATCHES);
    let trigger = stop.trigger();
    let failed = stop.trigger();
    let journal = Journal::start(
        store,
        deliver(batches, Arc::clone(&metrics)),
        move |reason| failed.fail(reason),
    );
    let telling = task::spawn_local(tell(safe, Rc::clone(&rooms)));
    let crew = Rc::new(Crew::new(metrics.threads.clone()));
    let delivery = Rc::new(Delivery {
        crew,
        metrics: Arc::clone(&metrics),
        bound: config.limits.backlog,
    });
    let server = Rc::new(Server {
        admission: RefCell::new(Admission::new(&config.limits)),
        config,
        rooms,
        site,
        address,
        tls,
        metrics,
        journal: Arc::new(journal.map_err(no_loop)?),
        archive,
        connected: RefCell::default(),
        delivery,
        cap: cap.connections,
        started: Instant::now(),
        scratch: RefCell::new(vec![0; READ].into()),
        workers: Semaphore::new(WORKERS),
    });
    let most = server.config.limits.presence;
    let presence = Presence::start(changes, most);
    let mut door = Door::new(entrance, Rc::clone(&server)).map_err(no_loop)?;
    let stopped = UnixStream::from_std(stop.pipe).map_err(no_loop)?;
    door.accept_until(&stopped).await;
    server.stop(&mut door).await;
    // The journal's thread has ended, and with it the way for its batches.
    let _ = telling.await;
    presence.stop();
    drop(admin);
    trigger.failure().map_or(Ok(()), Err)
}

fn no_loop(error: io::Error) -> String {
    format!("the server cannot start its loop: {error}")
}

/// What the journal's thread does with a batch that is safe: it hands it over
/// to the loop.
// Twin: the rooms belong to the loop's thread, and no other may touch them.
fn deliver(
    batches: mpsc::Sender<Batch>,
    metrics: Arc<Metrics>,
) -> impl FnMut(Batch, Duration) {
    move |batch, took| {
        metrics.commit.observe(took.as_secs_f64());
        // Without a loop there is nobody left to hear of it.
        let _ = batches.blocking_send(batch);
    }
}

/// History first, in order; then everyone is told, then the senders.
async fn tell(mut safe: mpsc::Receiver<Batch>, rooms: Rc<Rooms>) {
    while let Some(batch) = safe.recv().await {
        for settled in &batch {
            if let Outcome::New(message) = &settled.outcome {
                rooms.add(&settled.room, message);
            }
        }
        for settled in &batch {
            rooms.broadcast(&settled.room);
        }
        for Settled { outcome, ticket, .. } in batch {
            // A sender that has left meanwhile does not wait for it.
            let _ = ticket.send(outcome);
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
        let connections = self.connected.borrow().len();
        let (config, cap) = (&self.config, self.cap);
        answers::about(config, self.started, connections, cap, 1)
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
        self.admission.borrow_mut().post(from, Instant::now())?;
        let room = self.rooms.room(room)?;
        let (ticket, outcome) = oneshot::channel();
        let at = clock::now();
        let post = Post { room: room.name().clone(), draft, at, ticket };
        match self.journal.post(post) {
            Ok(()) => Ok(Pending { _room: room, outcome }),
            Err(_) if self.is_stopping() => Err(answers::shutting_down()),
            Err(_) => Err(answers::busy()),
        }
    }

    /// What lies on disk only. Twin: the loop may not wait for the disk; a
    /// worker thread does.
    ///
    /// # Errors
    /// 503 if the disk cannot be read.
    pub(super) async fn read_older(
        &self,
        room: &RoomName,
        seq: Seq,
        limit: usize,
    ) -> Result<Page, Problem> {
        let (archive, room) = (self.archive.clone(), room.clone());
        let read = move || archive.before(&room, seq, limit);
        self.hand_over(read).await?.map_err(answers::unreadable)
    }

    /// Work for the processor, done by a worker thread.
    ///
    /// # Errors
    /// 503 if it broke off.
    // Twin: a client's thread does its own work.
    pub(super) async fn offload(
        &self,
        work: Work,
    ) -> Result<Response, Problem> {
        let metrics = Arc::clone(&self.metrics);
        let burn = move || answers::burn(work, &metrics.stopping);
        self.hand_over(burn).await
    }

    /// A dialog with one of our own sockets.
    ///
    /// # Errors
    /// 503 if the server cannot reach itself.
    // Twin: waiting for an answer that only this loop can give would wait for
    // ever; so a worker thread asks.
    pub(super) async fn xray(&self, xray: Xray) -> Result<Response, Problem> {
        let address = self.address;
        self.hand_over(move || xray::run(address, &xray)).await?
    }

    async fn hand_over<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let _place = self.workers.acquire().await;
        task::spawn_blocking(work).await.map_err(|_| answers::busy())
    }

    /// What has come in on a socket; no bytes at its end, `None` if nothing
    /// has.
    ///
    /// # Errors
    /// The connection is broken.
    // Twin: a thread reads into a buffer on its own stack.
    pub(super) fn try_read(&self, line: &Line) -> io::Result<Option<Bytes>> {
        let mut scratch = self.scratch.borrow_mut();
        match line.try_read(&mut scratch) {
            Ok(length) => Ok(Some(Bytes::copy_from_slice(&scratch[..length]))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lets a connection in, if there is a place for it.
    ///
    /// # Errors
    /// 429 or 503, for whoever tells the client; and the socket to tell it
    /// by.
    pub(super) fn admit(
        self: &Rc<Server>,
        number: u64,
        socket: TcpStream,
        peer: IpAddr,
    ) -> Result<(), (TcpStream, Problem)> {
        let mut connected = self.connected.borrow_mut();
        if connected.len() >= self.cap {
            return Err((socket, answers::full()));
        }
        // Behind a proxy everyone has its address; it counts for itself.
        let counted = !is_trusted(peer, &self.config.trust_proxy);
        if counted
            && let Err(problem) = self.admission.borrow_mut().connect(peer)
        {
            return Err((socket, problem));
        }
        let delivery = Rc::clone(&self.delivery);
        let tls = self.tls.as_ref().map(Tls::session);
        let line = Line::new(socket, tls, self.config.limits.write_time);
        let outbox = Rc::new(Outbox::new(line, delivery));
        connected.insert(number, Rc::clone(&outbox));
        drop(connected);
        let place = Place { server: Rc::clone(self), number, peer, counted };
        self.delivery.crew.start(async move {
            connection::serve(&place.server, outbox, peer).await;
        });
        Ok(())
    }

    /// Ends everything in order: whoever reads is told to come back, whoever
    /// asks is answered for a moment more, and what was posted is made safe.
    async fn stop(&self, door: &mut Door) {
        self.metrics.stopping.store(true, Ordering::Relaxed);
        let mut outboxes = self.outboxes();
        for_each(&outboxes, Outbox::wake_reader);
        let grace = Instant::now() + GRACE;
        while !self.connected.borrow().is_empty() && Instant::now() < grace {
            door.accept_for(TICK).await;
        }
        outboxes.extend(self.outboxes());
        for_each(&outboxes, Outbox::wake);
        if let Waited::Late(left) = self.delivery.crew.wait(LEAVE).await {
            tracing::warn!("{left} connections had to be broken off");
            for_each(&outboxes, Outbox::abort);
            self.delivery.crew.wait(LEAVE).await;
        }
        // Twin: closing waits for the journal's thread, which may be waiting
        // for this one to take its last batch.
        let journal = Arc::clone(&self.journal);
        let _ = task::spawn_blocking(move || journal.close()).await;
    }

    /// The ways to everyone. A writer may still be at one whose connection
    /// has given up its place.
    fn outboxes(&self) -> Vec<Weak<Outbox>> {
        self.connected.borrow().values().map(Rc::downgrade).collect()
    }
}

/// A connection's place among those who are connected; given up when its task
/// ends, also by a panic.
struct Place {
    server: Rc<Server>,
    number: u64,
    peer: IpAddr,
    counted: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.connected.borrow_mut().remove(&self.number);
        if self.counted {
            self.server.admission.borrow_mut().disconnect(self.peer);
        }
    }
}

impl Pending {
    /// Waits until the post is safe, and everyone has been told.
    ///
    /// # Errors
    /// 409 or 503.
    // Twin: the loop tells everyone itself, before it wakes the sender.
    pub(super) async fn wait(self) -> Result<Posted, Problem> {
        answers::posted(self.outcome.await.ok())
    }
}
