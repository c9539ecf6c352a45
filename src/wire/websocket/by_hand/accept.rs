//! The server's answer to a client's key: proof that it understood.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha1::{Digest, Sha1};

/// What every WebSocket server adds to a client's key (section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value of `Sec-WebSocket-Accept` (section 4.2.2, item 5.4). Nobody sends
/// it by accident, so a server that does is no other kind of server that a
/// page has been tricked into talking to. It keeps no secret.
pub(crate) fn accept_key(key: &str) -> String {
    BASE64_STANDARD.encode(Sha1::digest(format!("{key}{GUID}")))
}
