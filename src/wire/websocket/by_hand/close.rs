//! The closing handshake: a close is answered with a close (section 5.5.1).

use super::Violation;
use super::message::NOT_UTF8;
use crate::wire::websocket::{Event, frame};

/// What a close with this payload means, and the frame that answers it.
pub(super) fn read(payload: &[u8]) -> Result<(Event, Vec<u8>), Violation> {
    let Some((&code, reason)) = payload.split_first_chunk() else {
        if !payload.is_empty() {
            return Err(Violation(1002, "5.5.1: a close code has two bytes"));
        }
        // Section 7.1.5: 1005 stands for "none", and is never sent.
        let event = Event::Closed { code: 1005, reason: String::new() };
        return Ok((event, frame::CLOSE.to_vec()));
    };
    let reason = std::str::from_utf8(reason).map_err(|_| NOT_UTF8)?;
    let code = u16::from_be_bytes(code);
    // Section 7.4 and the registry it founded, which added 1012 to 1014. 1004
    // has no meaning yet; 1005, 1006 and 1015 tell an application what no
    // frame said. From 3000 they are for libraries and applications.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation(1002, "7.4: this close code is never sent"));
    }
    let answer = frame::close(code, reason);
    Ok((Event::Closed { code, reason: reason.to_owned() }, answer))
}
