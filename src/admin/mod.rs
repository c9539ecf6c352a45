//! The operator's endpoint: metrics and health, on this machine only.
//!
//! Served by tiny_http, which is pleasant to use and not made for strangers:
//! it never leaves the loopback interface, where nobody can do to it what the
//! public port must survive.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tiny_http::{Header, Request, Response, Server};

use crate::config::Config;
use crate::metrics::Metrics;

/// Bytes of a body that are read, to be ignored: nothing here takes one.
const MOST_BODY: usize = 64 << 10;
/// How long a health check may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The operator's endpoint, running.
pub struct Admin {
    server: Arc<Server>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

/// What could not be had, and why.
pub type Refused = (SocketAddr, Box<dyn Error + Send + Sync>);

impl Admin {
    /// Starts it where the operator wants it, if the operator does. An
    /// address that is only the default, and taken (by a twin on the same
    /// machine), is gone without.
    ///
    /// # Errors
    /// The address that was asked for and cannot be had.
    pub fn start(
        config: &Config,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Admin>, Refused> {
        let Some(address) = config.admin.address() else { return Ok(None) };
        match Admin::listen(address, metrics) {
            Ok(admin) => Ok(Some(admin)),
            Err(error) if config.admin.is_default() => {
                tracing::warn!("no operator's endpoint on {address}: {error}");
                Ok(None)
            }
            Err(error) => Err((address, error)),
        }
    }

    fn listen(
        address: SocketAddr,
        metrics: &Arc<Metrics>,
    ) -> Result<Admin, Box<dyn Error + Send + Sync>> {
        let server = Arc::new(Server::http(address)?);
        let address = server.server_addr().to_ip().unwrap_or(address);
        let serving = Arc::clone(&server);
        let metrics = Arc::clone(metrics);
        let thread = thread::Builder::new()
            .name("admin".into())
            .spawn(move || serve(&serving, &metrics))?;
        Ok(Admin { server, address, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed; there is nothing to add.
            let _ = thread.join();
        }
    }
}

fn serve(server: &Server, metrics: &Metrics) {
    let registry = metrics.registry();
    for request in server.incoming_requests() {
        if request.body_length().is_some_and(|length| length > MOST_BODY) {
            // When it drops a request, tiny_http allocates what is left of
            // the body as it was declared, and the process ends if there is
            // not that much memory. So this one is never dropped: what is
            // lost is one thread of tiny_http's, to someone who is on this
            // machine already.
            tracing::warn!("the operator's endpoint was sent a large body");
            std::mem::forget(request);
            continue;
        }
        let (status, media_type, body) =
            answer(request.url(), &registry, metrics);
        reply(request, status, media_type, body);
    }
}

fn answer(
    url: &str,
    registry: &Registry,
    metrics: &Metrics,
) -> (u16, &'static str, String) {
    let plain = "text/plain; charset=utf-8";
    match url {
        "/metrics" => {
            let mut text = String::new();
            // Writing to a String cannot fail.
            let _ = encode(&mut text, registry);
            let media_type =
                "application/openmetrics-text; version=1.0.0; charset=utf-8";
            (200, media_type, text)
        }
        "/healthz" if metrics.stopping.load(Ordering::Relaxed) => {
            (503, plain, "shutting down\n".into())
        }
        "/healthz" => (200, plain, "ok\n".into()),
        _ => (404, plain, "Try /metrics or /healthz.\n".into()),
    }
}

fn reply(request: Request, status: u16, media_type: &str, body: String) {
    let mut response = Response::from_string(body).with_status_code(status);
    if let Ok(header) = Header::from_bytes("Content-Type", media_type) {
        response.add_header(header);
    }
    if let Err(error) = request.respond(response) {
        tracing::debug!("the operator left before the answer: {error}");
    }
}

/// Asks the operator's endpoint at `address` whether its server is well.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn healthcheck(address: SocketAddr) -> Result<(), String> {
    let ask = || {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(
            b"GET /healthz HTTP/1.1\r\nHost: admin\r\n\
              Connection: close\r\n\r\n",
        )?;
        let mut answer = Vec::new();
        stream.take(4096).read_to_end(&mut answer)?;
        std::io::Result::Ok(answer)
    };
    let answer = ask()
        .map_err(|error| format!("nobody answers on {address}: {error}"))?;
    if answer.starts_with(b"HTTP/1.1 200 ") {
        return Ok(());
    }
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    Err(format!("{address} says {}", String::from_utf8_lossy(line)))
}
