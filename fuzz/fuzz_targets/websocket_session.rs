//! Any bytes, by hand and by tungstenite. However they are cut, they mean the
//! same by hand; and by hand they are refused no later.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twinchat::wire::websocket::{Codec, Event, Session};

/// The longest message, in bytes: small, so that it is often too long.
const MAX: usize = 300;

fuzz_target!(|input: &[u8]| {
    // The first byte says how the others are cut.
    let [cut, bytes @ ..] = input else { return };
    let ours = session(Codec::ByHand, bytes.chunks(1 + usize::from(*cut)));
    assert_eq!(ours, session(Codec::ByHand, [bytes].into_iter()));
    let theirs = session(Codec::Library, [bytes].into_iter());
    let ended = matches!(ours.last(), Some(Event::Closed { .. }));
    let said = &ours[..ours.len() - usize::from(ended)];
    assert!(theirs.starts_with(said), "{ours:?} {theirs:?}");
    assert!(ended || theirs.len() == ours.len(), "{ours:?} {theirs:?}");
});

/// All that a session says to these pieces; its output is frames.
fn session<'a>(
    codec: Codec,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Vec<Event> {
    let mut session = Session::new(codec, MAX);
    let (mut events, mut output) = (Vec::new(), Vec::new());
    for piece in pieces {
        session.receive(piece);
        events.extend(std::iter::from_fn(|| session.next_event()));
        output.extend(session.take_output());
    }
    check_output(&output);
    events
}

/// Pongs, and at most one close, at the end.
fn check_output(mut output: &[u8]) {
    while let &[first, length, ref rest @ ..] = output {
        assert!(length <= 125);
        output = &rest[length.into()..];
        assert!(first == 0x8A || first == 0x88 && output.is_empty());
    }
    assert!(output.is_empty());
}
