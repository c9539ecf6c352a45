//! The frame X-ray: a WebSocket client by hand, run by the server against
//! itself over a real loopback socket, so that a page can show bytes that no
//! browser lets it see.
//!
//! Floor 2; it blocks, for two seconds at the most. Only with `--demo`.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::wire::api::Xray;
use crate::wire::http::{Problem, Response};
use crate::wire::json::{self, Dialog, Spoken};

/// How long the whole dialog may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the server may be silent before the dialog is over.
const SILENCE: Duration = Duration::from_millis(300);
/// Bytes of the server's that are shown.
const SHOWN: usize = 64 << 10;

/// A dialog, as far as it has come.
struct Tape {
    begun: Instant,
    spoken: Vec<Spoken>,
    heard: usize,
}

/// Has a dialog with the server at `address`, and reports every byte of it.
///
/// # Errors
/// 503 if the server cannot reach itself.
pub fn run(address: SocketAddr, xray: &Xray) -> Result<Response, Problem> {
    let address = reachable(address);
    let mut tape = Tape::new();
    let ended = tape.play(address, xray).map_err(|error| {
        let detail = format!("The server cannot reach itself: {error}.");
        Problem::later(503, "busy", detail, 1)
    })?;
    let dialog = Dialog {
        path: &xray.path,
        sent: xray.lesson.what,
        section: xray.lesson.section,
        due: xray.lesson.due,
        ended,
        spoken: tape.spoken,
    };
    Ok(Response::json_now(json::dialog(&dialog)))
}

impl Tape {
    fn new() -> Tape {
        Tape { begun: Instant::now(), spoken: Vec::new(), heard: 0 }
    }

    /// Whether the server ended the connection.
    fn play(&mut self, address: SocketAddr, xray: &Xray) -> io::Result<bool> {
        let mut socket = TcpStream::connect_timeout(&address, PATIENCE)?;
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let host = address.to_string();
        let mut ended = false;
        let opening = xray.lesson.handshake(&xray.path, &host);
        for bytes in [vec![opening], xray.lesson.frames(&xray.text)].concat() {
            if ended {
                break;
            }
            socket.write_all(&bytes)?;
            self.note("client", &bytes);
            ended = self.listen(&mut socket)?;
        }
        Ok(ended)
    }

    /// Notes what the server says, until it has been silent for a while or
    /// has ended the connection.
    fn listen(&mut self, socket: &mut TcpStream) -> io::Result<bool> {
        socket.set_read_timeout(Some(SILENCE))?;
        let mut buffer = vec![0; 4096];
        while self.begun.elapsed() < PATIENCE && self.heard < SHOWN {
            match socket.read(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(length) => {
                    self.heard += length;
                    self.note("server", &buffer[..length]);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                        return Ok(false);
                    }
                    io::ErrorKind::ConnectionReset => return Ok(true),
                    _ => return Err(error),
                },
            }
        }
        Ok(false)
    }

    fn note(&mut self, from: &'static str, bytes: &[u8]) {
        let at_ms = self.begun.elapsed().as_secs_f64() * 1000.0;
        let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.spoken.push(Spoken { from, at_ms, hex });
    }
}

/// A server that listens on every address is reached on this machine's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
