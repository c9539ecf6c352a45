//! A proxy between the browser and the server that can be made bad.
//!
//! Two threads for each connection, one for each direction. It knows nothing
//! of HTTP but the few words by which it tells what to refuse or to hold.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How long a connection may say nothing before the proxy ends it: longer
/// than any test, so that none of its threads outlives them by much.
const IDLE: Duration = Duration::from_secs(120);

/// What it does to everything that passes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mode {
    /// How much later an answer's bytes arrive.
    pub delay: Duration,
    /// New connections are closed at once.
    pub refuses: bool,
    /// A request to become a WebSocket is answered 403.
    pub refuses_upgrades: bool,
    /// Answers without an end are held back, as if to collect them first.
    pub buffers: bool,
}

/// A proxy to one address. Dropped, it and all its connections end.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    target: SocketAddr,
    mode: Mutex<Mode>,
    pairs: Mutex<Vec<Arc<Pair>>>,
    ended: AtomicBool,
}

/// A connection to the browser, and the one to the server that belongs to it.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    /// Both stay open, and nothing passes any more.
    half_open: AtomicBool,
}

impl Proxy {
    /// Starts one to a server, on a port of its own.
    pub fn start(target: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            target,
            mode: Mutex::default(),
            pairs: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let its = shared.clone();
        start_thread(move || its.accept(&listener));
        Proxy { address, shared }
    }

    /// The URL of a path, through it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on.
    pub fn set(&self, mode: Mode) {
        *self.shared.mode.lock().unwrap() = mode;
    }

    /// Ends every connection there is.
    pub fn cut(&self) {
        for pair in self.shared.pairs.lock().unwrap().drain(..) {
            pair.end();
        }
    }

    /// Lets nothing pass any more over the connections there are, and keeps
    /// them open.
    pub fn half_open(&self) {
        for pair in self.shared.pairs.lock().unwrap().iter() {
            pair.half_open.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // The listener is woken by one more connection.
        let _ = TcpStream::connect(self.address);
        self.cut();
    }
}

impl Shared {
    fn accept(self: &Arc<Shared>, listener: &TcpListener) {
        for client in listener.incoming().map_while(Result::ok) {
            if self.ended.load(Ordering::Relaxed) {
                return;
            }
            if self.mode().refuses {
                continue;
            }
            // Where there is no server, there is no connection either.
            if let Ok(server) = TcpStream::connect(self.target) {
                self.join(client, server);
            }
        }
    }

    fn mode(&self) -> Mode {
        *self.mode.lock().unwrap()
    }

    fn join(self: &Arc<Shared>, client: TcpStream, server: TcpStream) {
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
            stream.set_read_timeout(Some(IDLE)).unwrap();
            stream.set_write_timeout(Some(IDLE)).unwrap();
        }
        let half_open = AtomicBool::new(false);
        let pair = Arc::new(Pair { client, server, half_open });
        self.pairs.lock().unwrap().push(pair.clone());
        let (shared, its) = (self.clone(), pair.clone());
        start_thread(move || {
            its.ask(&shared);
            its.end();
        });
        let shared = self.clone();
        start_thread(move || {
            pair.answer(&shared);
            // That the server went must not show on a half-open connection.
            if !pair.is_half_open() {
                pair.end();
            }
            shared.pairs.lock().unwrap().retain(|p| !Arc::ptr_eq(p, &pair));
        });
    }
}

impl Pair {
    /// From the browser to the server.
    fn ask(&self, shared: &Shared) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(n @ 1..) = (&self.client).read(&mut bytes) {
            if self.is_half_open() {
                continue;
            }
            let some = &bytes[..n];
            if shared.mode().refuses_upgrades && says(some, "\nUpgrade: ") {
                let no = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\
                    Connection: close\r\n\r\n";
                let _ = (&self.client).write_all(no);
                return;
            }
            if (&self.server).write_all(some).is_err() {
                return;
            }
        }
    }

    /// From the server to the browser.
    fn answer(&self, shared: &Shared) {
        let endless = ["HTTP/1.1 101 ", "text/event-stream", "x-ndjson"];
        let mut bytes = [0; 16 * 1024];
        let mut held = false;
        while let Ok(n @ 1..) = (&self.server).read(&mut bytes) {
            let some = &bytes[..n];
            let mode = shared.mode();
            let buffered = |word: &&str| says(some, word);
            held |= mode.buffers && endless.iter().any(buffered);
            thread::sleep(mode.delay);
            if held || self.is_half_open() {
                continue;
            }
            if (&self.client).write_all(some).is_err() {
                return;
            }
        }
    }

    fn is_half_open(&self) -> bool {
        self.half_open.load(Ordering::Relaxed)
    }

    fn end(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

fn says(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word.as_bytes()))
}

fn start_thread(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().spawn(work).unwrap();
}
