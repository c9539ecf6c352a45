//! The command line, and every option also as `TWINCHAT_…`.
//!
//! This is the only place that knows what an option is called; everything
//! else is given a [`Config`].

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::admission::Network;
use crate::config::{AdminAt, Certificate, Config, Fanout, Kind};
use crate::limits::Limits;
use crate::store::Place;
use crate::wire::api::Rules;
use crate::wire::websocket::Codec;

/// One real-time chat server, written twice: a thread per client, and an
/// event loop.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Options {
    /// What to do; `serve` if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub serve: Serve,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the chat server.
    Serve(Box<Serve>),
    /// Ask a running server's operator endpoint whether it is well; exit
    /// with 0 if it is and with 1 if not.
    Healthcheck(Healthcheck),
}

/// Where to ask.
#[derive(Args, Debug)]
pub struct Healthcheck {
    /// The operator's endpoint of the server to ask.
    #[arg(long, env = "TWINCHAT_ADMIN", default_value = "127.0.0.1:9090")]
    pub admin: SocketAddr,
}

/// Which twin serves, as it is written on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindName {
    Threads,
    EventLoop,
}

/// How a broadcast reaches its readers, as it is written on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FanoutName {
    Direct,
    Mailbox,
}

/// Which WebSocket code serves, as it is written on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum CodecName {
    Library,
    ByHand,
}

/// Which certificate, as it is written on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum TlsName {
    SelfSigned,
}

/// How to serve.
#[derive(Args, Debug)]
pub struct Serve {
    /// Which twin serves.
    #[arg(
        long,
        env = "TWINCHAT_SERVER",
        value_enum,
        default_value = "threads"
    )]
    server: KindName,
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, env = "TWINCHAT_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Speak TLS with a certificate of our own making, kept beside the
    /// history.
    #[arg(long, env = "TWINCHAT_TLS", value_enum, conflicts_with = "tls_cert")]
    tls: Option<TlsName>,
    /// Speak TLS with this certificate, followed by its issuers' (PEM).
    #[arg(
        long,
        env = "TWINCHAT_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM).
    #[arg(
        long,
        env = "TWINCHAT_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,
    /// The SQLite file that keeps the messages, or `memory`.
    #[arg(long, env = "TWINCHAT_HISTORY", default_value = "twinchat.db")]
    history: PathBuf,
    /// How a broadcast reaches its readers: straight to their sockets, or
    /// the textbook's channel and writer thread for each (threads only).
    #[arg(long, env = "TWINCHAT_FANOUT", value_enum, default_value = "direct")]
    fanout: FanoutName,
    /// The operator's endpoint, or `none`; without it 127.0.0.1:9090, if
    /// that is free.
    #[arg(long, env = "TWINCHAT_ADMIN")]
    admin: Option<String>,
    /// Open `/api/work`, the classroom's way to block a server.
    #[arg(long, env = "TWINCHAT_DEMO")]
    demo: bool,
    /// Serve the web app from this directory instead of the one built in.
    #[arg(long = "static", env = "TWINCHAT_STATIC", value_name = "DIR")]
    static_dir: Option<PathBuf>,
    /// The codec behind `/socket` and `/api/echo`.
    #[arg(
        long,
        env = "TWINCHAT_WEBSOCKET",
        value_enum,
        default_value = "library"
    )]
    websocket: CodecName,
    /// Let pages of this origin post and connect too; may be repeated.
    #[arg(
        long,
        env = "TWINCHAT_ALLOW_ORIGIN",
        value_name = "URL",
        value_delimiter = ','
    )]
    allow_origin: Vec<String>,
    /// Answer only to this name in `Host`, without its port; may be repeated.
    #[arg(
        long,
        env = "TWINCHAT_ALLOW_HOST",
        value_name = "HOST",
        value_delimiter = ','
    )]
    allow_host: Vec<String>,
    /// Believe `X-Forwarded-For` from proxies of this network; may be
    /// repeated.
    #[arg(
        long,
        env = "TWINCHAT_TRUST_PROXY",
        value_name = "CIDR",
        value_delimiter = ','
    )]
    trust_proxy: Vec<Network>,
    /// How many may be connected at once; without it, what the machine
    /// allows.
    #[arg(long, env = "TWINCHAT_MAX_CONNECTIONS", value_name = "N")]
    max_connections: Option<usize>,
    /// The limits.
    #[command(flatten)]
    limits: LimitOptions,
}

/// The limits, in seconds and bytes.
#[derive(Args, Debug)]
struct LimitOptions {
    /// Connections from one address; 0 lifts it.
    #[arg(long, env = "TWINCHAT_MAX_PER_IP", default_value_t = 256)]
    max_per_ip: usize,
    /// Posts a second from one address, in bursts of five times as many; 0
    /// lifts it.
    #[arg(long, env = "TWINCHAT_POST_RATE", default_value_t = 10)]
    post_rate: u32,
    /// Rooms that may exist.
    #[arg(long, env = "TWINCHAT_MAX_ROOMS", default_value_t = 1000)]
    max_rooms: usize,
    /// Messages of a room kept in memory.
    #[arg(
        long,
        env = "TWINCHAT_KEEP_MESSAGES",
        default_value_t = 1000,
        value_parser = at_least_one
    )]
    keep_messages: usize,
    /// People named in the list of who is here.
    #[arg(long, env = "TWINCHAT_MAX_PRESENCE", default_value_t = 100)]
    max_presence: usize,
    /// Bytes of a request line.
    #[arg(long, env = "TWINCHAT_MAX_REQUEST_LINE", default_value_t = 8 << 10)]
    max_request_line: usize,
    /// Bytes of a request head.
    #[arg(long, env = "TWINCHAT_MAX_HEAD", default_value_t = 16 << 10)]
    max_head: usize,
    /// Header fields of a request.
    #[arg(long, env = "TWINCHAT_MAX_HEADERS", default_value_t = 64)]
    max_headers: usize,
    /// Seconds within which a whole head must come.
    #[arg(
        long,
        env = "TWINCHAT_HEAD_TIMEOUT",
        default_value = "10",
        value_parser = seconds
    )]
    head_timeout: Duration,
    /// Seconds within which a whole body must come.
    #[arg(
        long,
        env = "TWINCHAT_BODY_TIMEOUT",
        default_value = "10",
        value_parser = seconds
    )]
    body_timeout: Duration,
    /// Seconds a connection may stand idle between two requests.
    #[arg(
        long,
        env = "TWINCHAT_IDLE_TIMEOUT",
        default_value = "60",
        value_parser = seconds
    )]
    idle_timeout: Duration,
    /// Seconds a write may be stuck.
    #[arg(
        long,
        env = "TWINCHAT_WRITE_TIMEOUT",
        default_value = "10",
        value_parser = seconds
    )]
    write_timeout: Duration,
    /// Bytes of a request body.
    #[arg(long, env = "TWINCHAT_MAX_BODY", default_value_t = 16 << 10)]
    max_body: usize,
    /// Bytes of a WebSocket message.
    #[arg(long, env = "TWINCHAT_MAX_MESSAGE", default_value_t = 16 << 10)]
    max_message: usize,
    /// Unsent bytes kept for one reader.
    #[arg(long, env = "TWINCHAT_MAX_BACKLOG", default_value_t = 256 << 10)]
    max_backlog: usize,
}

impl Serve {
    /// What was asked for, in the program's own terms.
    ///
    /// # Errors
    /// A sentence about an option that makes no sense.
    pub fn config(self) -> Result<Config, String> {
        let place = match self.history.as_os_str().to_str() {
            Some("memory") => Place::Memory,
            _ => Place::File(self.history),
        };
        let codec = match self.websocket {
            CodecName::Library => Codec::Library,
            CodecName::ByHand => Codec::ByHand,
        };
        let (server, fanout) = (self.server, self.fanout);
        if let (KindName::EventLoop, FanoutName::Mailbox) = (server, fanout) {
            return Err("--fanout mailbox is a thread for each reader: it \
                        goes with --server threads"
                .into());
        }
        Ok(Config {
            kind: match self.server {
                KindName::Threads => Kind::Threads,
                KindName::EventLoop => Kind::EventLoop,
            },
            listen: self.listen,
            tls: match (self.tls_cert, self.tls_key) {
                (Some(chain), Some(key)) => {
                    Some(Certificate::Files { chain, key })
                }
                _ => {
                    self.tls.map(|TlsName::SelfSigned| Certificate::SelfSigned)
                }
            },
            place,
            fanout: match self.fanout {
                FanoutName::Direct => Fanout::Direct,
                FanoutName::Mailbox => Fanout::Mailbox,
            },
            admin: admin_address(self.admin.as_deref())?,
            static_dir: self.static_dir,
            rules: Rules {
                allow_origins: origins(self.allow_origin)?,
                allow_hosts: self.allow_host,
                demo: self.demo,
                codec,
            },
            trust_proxy: self.trust_proxy,
            max_connections: self.max_connections,
            limits: self.limits.limits(),
        })
    }
}

impl LimitOptions {
    fn limits(self) -> Limits {
        Limits {
            request_line: self.max_request_line,
            head: self.max_head,
            headers: self.max_headers,
            head_time: self.head_timeout,
            body_time: self.body_timeout,
            idle_time: self.idle_timeout,
            write_time: self.write_timeout,
            body: self.max_body,
            socket_message: self.max_message,
            backlog: self.max_backlog,
            history: self.keep_messages,
            rooms: self.max_rooms,
            presence: self.max_presence,
            per_address: self.max_per_ip,
            post_rate: self.post_rate,
        }
    }
}

/// A duration in seconds; a time limit of nothing would let nobody in.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    let time = Duration::try_from_secs_f64(seconds)
        .map_err(|_| "not a number of seconds")?;
    if time < Duration::from_millis(1) {
        return Err("a time limit is more than nothing".into());
    }
    Ok(time)
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a whole number, 1 or more".into()),
        Ok(number) => Ok(number),
    }
}

/// Where the operator's endpoint listens: nobody but the operator should
/// reach it, so an address that others can reach is refused.
fn admin_address(text: Option<&str>) -> Result<AdminAt, String> {
    let text = match text {
        None => return Ok(AdminAt::Default),
        Some("none") => return Ok(AdminAt::Nowhere),
        Some(text) => text,
    };
    let address: SocketAddr = text.parse().map_err(|_| {
        format!("--admin is an address and a port, or none: not {text:?}")
    })?;
    if !address.ip().is_loopback() {
        return Err(format!(
            "--admin listens on this machine only (127.0.0.1 or [::1]), not \
             on {}: put it behind a proxy that asks who is there",
            address.ip()
        ));
    }
    Ok(AdminAt::Given(address))
}

/// Origins as browsers write them: no path, no slash at the end.
fn origins(given: Vec<String>) -> Result<Vec<String>, String> {
    let tidy = |origin: String| {
        let trimmed = origin.trim_end_matches('/').to_ascii_lowercase();
        match trimmed.split_once("://") {
            Some(("http" | "https", host))
                if !host.is_empty() && !host.contains('/') =>
            {
                Ok(trimmed)
            }
            _ => Err(format!(
                "--allow-origin is like https://chat.example, not {origin:?}"
            )),
        }
    };
    given.into_iter().map(tidy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(args: &[&str]) -> Result<Config, String> {
        let args = ["twinchat"].iter().chain(args);
        let options = Options::try_parse_from(args);
        options.map_err(|error| error.to_string())?.serve.config()
    }

    #[test]
    fn the_defaults_are_the_protocols() {
        let config = config(&[]).unwrap();
        let ours = format!("{:?}", config.limits);
        assert_eq!(ours, format!("{:?}", Limits::default()));
        assert_eq!(config.place, Place::File("twinchat.db".into()));
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for args in [
            ["--admin", "0.0.0.0:9090"],
            ["--admin", "nowhere"],
            ["--allow-origin", "chat.example"],
            ["--allow-origin", "https://chat.example/path"],
            ["--head-timeout", "0"],
            ["--keep-messages", "0"],
            ["--trust-proxy", "10.0.0.0/33"],
        ] {
            assert!(config(&args).is_err(), "{args:?}");
        }
    }
}
