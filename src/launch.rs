//! From a configuration to everything a twin needs to serve: the store open,
//! the address taken, the signals caught, the operator told.
//!
//! Shared by both twins, so that they differ in how they serve and not in how
//! they start.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use listenfd::ListenFd;
use signal_hook::consts::{SIGINT, SIGTERM};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use crate::admin::Admin;
use crate::chat::Seq;
use crate::clock;
use crate::config::Config;
use crate::machine::{self, Cap};
use crate::metrics::Metrics;
use crate::site::Site;
use crate::store::{Place, Store};
use crate::tls::Tls;

/// Connections the kernel holds for us until they are accepted. It takes no
/// more than `net.core.somaxconn`, whatever is said here.
const BACKLOG: i32 = 4096;
/// What the kernel may hold of one reader's bytes: a bound on what a reader
/// that does not read costs, beside our own backlog.
const SEND_BUFFER: usize = 128 << 10;
/// How long the peer may leave bytes unacknowledged, and how long a quiet
/// connection is left in peace, before it is taken for dead. With a
/// heartbeat every 15 s, a ghost is gone within 25.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// What a twin serves with.
pub struct Launch {
    /// What the operator asked for.
    pub config: Config,
    /// The messages, open.
    pub store: Store,
    /// The number before a new room's first.
    pub start: Seq,
    /// Where clients come in.
    pub entrance: Entrance,
    /// The address that is.
    pub address: SocketAddr,
    /// What they speak there, if it is TLS.
    pub tls: Option<Tls>,
    /// How many may come in.
    pub cap: Cap,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The web app.
    pub site: Site,
    /// Says when to stop.
    pub stop: Stop,
    /// The operator's endpoint, if there is one.
    pub admin: Option<Admin>,
}

/// Tells a server to stop: its pipe becomes readable, once and for good.
pub struct Stop {
    /// Becomes readable when it is time.
    pub pipe: UnixStream,
    trigger: StopTrigger,
}

/// The other end of a [`Stop`].
#[derive(Clone)]
pub struct StopTrigger {
    pipe: Arc<UnixStream>,
    failure: Arc<OnceLock<String>>,
}

impl Launch {
    /// Opens everything, and tells the operator on standard output.
    ///
    /// # Errors
    /// A sentence that says what could not be had, and what to do.
    pub fn new(config: Config) -> Result<Launch, String> {
        let metrics = Arc::new(Metrics::new());
        let stop = Stop::on_signals().map_err(|error| error.to_string())?;
        // Without a disk, numbers begin with the clock, so that a restart
        // never uses one twice.
        let start = match config.place {
            Place::Memory => clock::micros(),
            Place::File(_) => 0,
        };
        let store = Store::open(&config.place, config.limits.history, start)
            .map_err(|error| error.to_string())?;
        let tls = Tls::new(&config)?;
        let entrance = Entrance::open(config.listen)
            .map_err(|error| cannot("listen", config.listen, &error))?;
        let address = entrance
            .listener
            .local_addr()
            .map_err(|error| error.to_string())?;
        let cap = machine::cap(&config);
        let site =
            Site::new(config.static_dir.clone(), &config.rules.allow_origins);
        let admin = Admin::start(&config, &metrics)
            .map_err(|(admin, error)| cannot("listen", admin, &*error))?;
        let launch = Launch {
            config,
            store,
            start,
            entrance,
            address,
            tls,
            cap,
            metrics,
            site,
            stop,
            admin,
        };
        launch.announce().map_err(|error| error.to_string())?;
        Ok(launch)
    }

    fn announce(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let version = env!("CARGO_PKG_VERSION");
        let kind = self.config.kind.describe();
        writeln!(out, "twinchat {version}, {kind}")?;
        let scheme = self.tls.as_ref().map_or("http", |_| "https");
        writeln!(out, "listening on {scheme}://{}/", self.address)?;
        if let Some(tls) = &self.tls {
            writeln!(out, "certificate SHA-256 {}", tls.fingerprint())?;
        }
        if let Some(admin) = &self.admin {
            writeln!(out, "admin on http://{}/", admin.address())?;
        }
        match &self.config.place {
            Place::Memory => writeln!(out, "history in memory")?,
            Place::File(file) => {
                writeln!(out, "history in {}", file.display())?;
            }
        }
        let Cap { connections, because, .. } = &self.cap;
        let connections = machine::spaced(*connections as u64);
        writeln!(out, "connections up to {connections}: {because}")?;
        out.flush()
    }
}

impl Stop {
    /// Stops at the first SIGTERM or SIGINT; a second one ends the process at
    /// once.
    fn on_signals() -> io::Result<Stop> {
        let (pipe, trigger) = UnixStream::pair()?;
        pipe.set_nonblocking(true)?;
        trigger.set_nonblocking(true)?;
        let told = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // The order matters: the first signal finds the flag unset.
            signal_hook::flag::register_conditional_shutdown(
                signal,
                128 + signal,
                Arc::clone(&told),
            )?;
            signal_hook::flag::register(signal, Arc::clone(&told))?;
            let pipe = trigger.try_clone()?;
            signal_hook::low_level::pipe::register(signal, pipe)?;
        }
        let trigger = StopTrigger {
            pipe: Arc::new(trigger),
            failure: Arc::new(OnceLock::new()),
        };
        Ok(Stop { pipe, trigger })
    }

    /// What others can stop the server with.
    pub fn trigger(&self) -> StopTrigger {
        self.trigger.clone()
    }
}

impl StopTrigger {
    /// Stops the server because it cannot go on.
    pub fn fail(&self, reason: String) {
        // Only the first reason is kept; a full pipe has been told already.
        let _ = self.failure.set(reason);
        let _ = (&*self.pipe).write(&[0]);
    }

    /// Why the server stops, if it is not because it was told to.
    pub fn failure(&self) -> Option<String> {
        self.failure.get().cloned()
    }
}

/// Where clients come in.
pub struct Entrance {
    /// The socket that listens.
    pub listener: TcpListener,
    /// Whose it is.
    pub owner: Owner,
}

/// Who opened a socket that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// We did; it closes when we go.
    Us,
    /// Whoever started us (sd_listen_fds(3)). It stays open when we go, and
    /// clients wait in it for whoever comes after us.
    Starter,
}

impl Entrance {
    /// The socket we were started with, if there is one; or one of our own.
    fn open(address: SocketAddr) -> io::Result<Entrance> {
        match ListenFd::from_env().take_tcp_listener(0)? {
            Some(listener) => {
                prepare(&SockRef::from(&listener))?;
                Ok(Entrance { listener, owner: Owner::Starter })
            }
            None => {
                let listener = listen(address)?;
                Ok(Entrance { listener, owner: Owner::Us })
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    prepare(&SockRef::from(&socket))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// What is set on a socket that listens, every connection inherits (tcp(7),
/// socket(7)).
fn prepare(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    notice_the_dead(socket);
    Ok(())
}

/// Lets the kernel notice peers that vanished without a word. Each of these
/// is an improvement and no condition: a system that lacks one goes without.
fn notice_the_dead(socket: &SockRef<'_>) {
    let keepalive = TcpKeepalive::new()
        .with_time(UNACKNOWLEDGED)
        .with_interval(UNACKNOWLEDGED / 2);
    let _ = socket.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    {
        let _ = socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        // BBR paces what it sends by timers; over a fast network that is
        // latency for nothing.
        let _ = socket.set_tcp_congestion(b"cubic");
    }
}

fn cannot(what: &str, address: SocketAddr, why: &dyn Display) -> String {
    format!("cannot {what} on {address}: {why}")
}
