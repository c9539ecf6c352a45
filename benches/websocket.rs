//! What reading WebSocket frames costs: by hand, and by tungstenite.
//!
//! One run, `cargo bench --bench websocket`, measures both, in turns, so that
//! whatever else the machine does happens to both: each takes in masked text
//! messages in pieces as a socket would give them, and echoes each message.
//! Of many short rounds the fastest counts: it was disturbed the least.

use std::hint::black_box;
use std::time::{Duration, Instant};

use twinchat::wire::websocket::{Codec, Event, Session, frame};

/// The messages: how many bytes, of which character. The last is where the
/// session by hand is slow: what is not ASCII and comes in pieces is checked
/// twice, because keeping what was learned the first time would be `unsafe`.
const MESSAGES: [(usize, &str); 5] = [
    (125, "x"),
    (4 << 10, "x"),
    (64 << 10, "x"),
    (4 << 10, "ж"),
    (64 << 10, "ж"),
];
/// The most bytes given to a session at a time: one `read` of a socket.
const READ: usize = 16 << 10;
/// Bytes of payload in a round.
const ROUND: usize = 8 << 20;
/// Rounds of each session.
const ROUNDS: usize = 25;

fn main() {
    println!("decode + echo, masked text, reads of up to {READ} bytes");
    println!("{:>10} {:>14} {:>14}", "bytes of", "tungstenite", "by hand");
    for (size, character) in MESSAGES {
        let message = client_text(&character.repeat(size / character.len()));
        let [library, by_hand] = fastest(&message, ROUND / size);
        println!(
            "{size:>8} {character} {:>9.0} MB/s {:>9.0} MB/s {:>6.2}x",
            speed(library),
            speed(by_hand),
            library.as_secs_f64() / by_hand.as_secs_f64(),
        );
    }
}

/// The fastest round of each session: so many times this message.
fn fastest(message: &[u8], count: usize) -> [Duration; 2] {
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        for (best, codec) in
            fastest.iter_mut().zip([Codec::Library, Codec::ByHand])
        {
            *best = round(codec, message, count).min(*best);
        }
    }
    fastest
}

/// Gives a session the same message again and again; echoes each.
fn round(codec: Codec, message: &[u8], count: usize) -> Duration {
    let mut session = Session::new(codec, 1 << 20);
    let mut echoed = 0;
    let start = Instant::now();
    for _ in 0..count {
        for piece in message.chunks(READ) {
            session.receive(black_box(piece));
            while let Some(event) = session.next_event() {
                let Event::Text(text) = event else {
                    panic!("not what was sent: {event:?}");
                };
                black_box(frame::text(text.as_bytes()));
                echoed += 1;
            }
        }
    }
    let took = start.elapsed();
    assert_eq!(echoed, count);
    took
}

/// A text message in one frame, as a client sends it (RFC 6455, section 5.2).
fn client_text(text: &str) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let plain = frame::text(text.as_bytes());
    let (head, payload) = plain.split_at(plain.len() - text.len());
    let masked = payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k);
    let mut bytes = head.to_vec();
    bytes[1] |= 0x80;
    bytes.extend(key);
    bytes.extend(masked);
    bytes
}

/// Payload a second, in millions of bytes.
fn speed(round: Duration) -> f64 {
    ROUND as f64 / round.as_secs_f64() / 1e6
}
