//! Posts that leave at fixed instants, come what may.

use std::io::{self, Write};
use std::net::TcpStream;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use crate::Outcome;

/// When posts are due.
#[derive(Clone, Copy)]
pub(crate) struct Schedule {
    /// What the ids of its posts begin with.
    name: &'static str,
    /// When the first is due.
    pub(crate) start: Instant,
    /// The time between two.
    period: Duration,
    /// How many there are.
    pub(crate) posts: u64,
}

impl Schedule {
    /// `rate` posts a second, from a moment from now.
    pub(crate) fn new(name: &'static str, rate: u32, posts: u64) -> Schedule {
        let start = Instant::now() + Duration::from_millis(50);
        let period = Duration::from_secs(1) / rate;
        Schedule { name, start, period, posts }
    }

    /// When a post is due.
    pub(crate) fn due(&self, post: u64) -> Instant {
        self.start + Duration::from_nanos(self.period.as_nanos() as u64 * post)
    }

    /// When the last one is.
    pub(crate) fn end(&self) -> Instant {
        self.due(self.posts)
    }
}

/// The threads that post.
pub(crate) struct Posters(Vec<JoinHandle<io::Result<()>>>);

impl Posters {
    /// Waits until all posts have left.
    pub(crate) fn join(self) -> Outcome<()> {
        for poster in self.0 {
            // A server that is gone takes no more posts; what it did not
            // deliver has been counted.
            let _ = poster.join().map_err(|_| "a poster panicked")?;
        }
        Ok(())
    }
}

/// Posts a schedule, the sockets taking turns.
pub(crate) fn post_all(
    sockets: &[TcpStream],
    schedule: Schedule,
) -> Outcome<Posters> {
    let mut posters = Vec::new();
    for (number, socket) in sockets.iter().enumerate() {
        let socket = socket.try_clone()?;
        let turns = (number as u64..schedule.posts).step_by(sockets.len());
        let run = move || {
            for post in turns {
                let left = schedule.due(post) - Instant::now();
                thread::sleep(left);
                send(&socket, &frame(post, schedule))?;
            }
            Ok(())
        };
        posters.push(thread::Builder::new().spawn(run)?);
    }
    Ok(Posters(posters))
}

/// A post in a WebSocket frame, masked with zeros (RFC 6455, section 5.2).
/// Its text begins with its number and is 64 bytes long.
fn frame(post: u64, schedule: Schedule) -> Vec<u8> {
    let id = format!("{}-{post}", schedule.name);
    let text = format!("{post:08} is how many posts came before this one");
    let json = format!(
        r#"{{"type":"post","id":"{id}","nick":"bench","text":"{text:.<64}"}}"#
    );
    let length = json.len() as u16;
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(json.into_bytes());
    frame
}

/// Writes all of it to a socket that does not block.
pub(crate) fn send(mut socket: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match socket.write(bytes) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                poll(&mut [PollFd::new(socket, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
