//! What a server is told before it starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::admission::Network;
use crate::limits::Limits;
use crate::store::Place;
use crate::wire::api::Rules;

/// Which twin serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A thread per client.
    Threads,
    /// An event loop.
    EventLoop,
}

/// How a broadcast reaches its readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fanout {
    /// Whoever broadcasts writes straight to the sockets.
    Direct,
    /// A channel and a writer thread for each reader, as textbooks have it.
    Mailbox,
}

/// Where the operator's endpoint listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminAt {
    /// Nowhere.
    Nowhere,
    /// On 127.0.0.1:9090, if that is free.
    Default,
    /// Where the operator said.
    Given(SocketAddr),
}

impl AdminAt {
    /// The address, if there is one.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            AdminAt::Nowhere => None,
            AdminAt::Default => Some((Ipv4Addr::LOCALHOST, 9090).into()),
            AdminAt::Given(address) => Some(address),
        }
    }

    /// Whether nobody asked for just this address.
    pub fn is_default(self) -> bool {
        self == AdminAt::Default
    }
}

/// Where TLS takes its certificate from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Two files in PEM.
    Files {
        /// The certificate, then those of its issuers.
        chain: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// One of the server's own making, kept beside the history.
    SelfSigned,
}

/// Everything a server is told before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which twin serves.
    pub kind: Kind,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The certificate, if the address speaks TLS.
    pub tls: Option<Certificate>,
    /// Where the messages are kept.
    pub place: Place,
    /// How a broadcast reaches its readers.
    pub fanout: Fanout,
    /// Where the operator's endpoint listens.
    pub admin: AdminAt,
    /// Where the web app is served from, if not from the binary.
    pub static_dir: Option<PathBuf>,
    /// Which requests are allowed.
    pub rules: Rules,
    /// Whose `X-Forwarded-For` is believed.
    pub trust_proxy: Vec<Network>,
    /// How many may be connected at once, if the operator says so.
    pub max_connections: Option<usize>,
    /// The bounds on what clients may ask.
    pub limits: Limits,
}

impl Kind {
    /// Its name in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Threads => "threads",
            Kind::EventLoop => "event-loop",
        }
    }

    /// What it is, in words.
    pub fn describe(self) -> &'static str {
        match self {
            Kind::Threads => "a thread per client",
            Kind::EventLoop => "an event loop",
        }
    }
}
