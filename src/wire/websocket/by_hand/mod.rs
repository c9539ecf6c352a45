//! WebSocket by hand: RFC 6455, written out. A client's frame (section 5.2),
//! field by field, and the bits of each:
//! ```text
//! +-----+-----+--------+------+--------+-----------------+-----+---------+
//! | FIN | RSV | opcode | MASK | length | extended length | key | payload |
//! |  1  |  3  |   4    |  1   |   7    | none, 16 or 64  | 32  |  bytes  |
//! +-----+-----+--------+------+--------+-----------------+-----+---------+
//! ```
//! `header` reads all up to the key, `mask` takes the key off the payload,
//! `message` puts payloads together, `session` does it all in order.

mod close;
mod header;
mod mask;
mod message;
mod session;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha1::{Digest, Sha1};

pub use session::ByHandSession;

/// The value of `Sec-WebSocket-Accept` for a key (section 4.2.2, item 5.4): no
/// secret, but what no other kind of server would send by accident.
pub(super) fn accept_key(key: &str) -> String {
    const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    BASE64_STANDARD.encode(Sha1::digest(format!("{key}{GUID}")))
}

/// What the peer did wrong: the close code it is sent for it (section 7.4.1),
/// and the rule it broke, after the number of the section it is from.
struct Violation(u16, &'static str);

#[cfg(test)]
mod tests;
