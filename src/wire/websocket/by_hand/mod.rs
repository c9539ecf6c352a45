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

mod accept;
mod close;
mod header;
mod mask;
mod message;
mod session;

pub(crate) use accept::accept_key;
pub use session::ByHandSession;

/// A rule the peer broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Violation {
    /// The close code it is sent for it (section 7.4.1).
    code: u16,
    /// The rule, and the section it comes from: the reason it is sent.
    rule: &'static str,
}

/// 1002: a frame is not what the protocol allows.
const fn protocol_error(rule: &'static str) -> Violation {
    Violation { code: 1002, rule }
}

/// 1007: what claims to be text is none.
const NOT_UTF8: Violation =
    Violation { code: 1007, rule: "text is UTF-8 (RFC 6455, 8.1)" };

/// 1009: more than this server takes in one message.
const TOO_BIG: Violation =
    Violation { code: 1009, rule: "the message is too long (RFC 6455, 10.4)" };
