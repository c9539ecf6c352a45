//! The closing handshake: a close is answered with a close (section 5.5.1).

use super::{NOT_UTF8, Violation, protocol_error};
use crate::wire::websocket::{Event, frame};

/// What a close with this payload means, and the frame that answers it: with
/// the peer's own code.
pub(super) fn read(payload: &[u8]) -> Result<(Event, Vec<u8>), Violation> {
    let (code, reason) = match payload {
        [] => {
            // Section 7.1.5: 1005 stands for "none", and is never sent.
            let event = Event::Closed { code: 1005, reason: String::new() };
            return Ok((event, frame::CLOSE.to_vec()));
        }
        [_] => {
            let rule = "a close code has two bytes (RFC 6455, 5.5.1)";
            return Err(protocol_error(rule));
        }
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    if !may_be_sent(code) {
        let rule = "this close code is not for sending (RFC 6455, 7.4)";
        return Err(protocol_error(rule));
    }
    let reason = std::str::from_utf8(reason).map_err(|_| NOT_UTF8)?;
    let answer = frame::close(code, reason);
    Ok((Event::Closed { code, reason: reason.to_owned() }, answer))
}

/// Whether a close may carry this code: section 7.4 and the registry it
/// founded (1012 to 1014 came later). 1004 has no meaning yet; 1005, 1006 and
/// 1015 only tell an application what no frame said.
fn may_be_sent(code: u16) -> bool {
    match code {
        1004..=1006 | 1015 => false,
        1000..=1014 => true,
        // For libraries, registered; and for applications, free.
        3000..=4999 => true,
        _ => false,
    }
}
