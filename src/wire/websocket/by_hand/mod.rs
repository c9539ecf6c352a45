//! WebSocket by hand: RFC 6455, written out.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha1::{Digest, Sha1};

/// What every WebSocket server adds to a client's key (RFC 6455, section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value of `Sec-WebSocket-Accept` for a client's key (RFC 6455, section
/// 4.2.2, item 5.4): nobody answers with it by accident, so a server that
/// does is no web server that a page has been tricked into talking to.
pub(crate) fn accept_key(key: &str) -> String {
    BASE64_STANDARD.encode(Sha1::digest(format!("{key}{GUID}")))
}
