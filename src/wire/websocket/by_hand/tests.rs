//! What only the session by hand does: it is as strict as the RFC, refuses at
//! the first wrong byte, and is held against tungstenite.

use proptest::collection::vec;
use proptest::prelude::*;

use super::ByHandSession;
use crate::wire::websocket::tests::*;
use crate::wire::websocket::{Codec, Event};

/// Bytes that are refused, and how many of them it takes.
fn refused_after(bytes: &[u8], code: u16, count: usize) {
    let mut session = ByHandSession::new(MAX);
    for (index, &byte) in bytes.iter().enumerate() {
        session.receive(&[byte]);
        let event = session.next_event();
        if index + 1 < count {
            assert_eq!(event, None, "at {index} of {bytes:02x?}");
            continue;
        }
        let Some(Event::Closed { code: told, .. }) = event else {
            panic!("{event:?} at {index} of {bytes:02x?}");
        };
        return assert_eq!(told, code);
    }
}

/// A frame with a length written as told, in place of the shortest way.
fn long_way(first: u8, length: &[u8], payload: &[u8]) -> Vec<u8> {
    let short = if length.len() == 2 { 126 } else { 127 };
    let whole = client(first, payload);
    let key_and_payload = &whole[whole.len() - payload.len() - 4..];
    [&[first, 0x80 | short], length, key_and_payload].concat()
}

#[test]
fn lengths_take_the_fewest_bytes() {
    for length in [0u16, 1, 125] {
        let bytes = long_way(
            FIN | TEXT,
            &length.to_be_bytes(),
            &vec![b'x'; length.into()],
        );
        end(Codec::ByHand, &bytes, 1002);
        refused_after(&bytes, 1002, 4);
    }
    for length in [0u64, 125, 126, 65535] {
        let bytes = long_way(FIN | BINARY, &length.to_be_bytes(), b"");
        end(Codec::ByHand, &bytes, 1002);
        refused_after(&bytes, 1002, 10);
    }
    for length in [1u64 << 63, u64::MAX] {
        let bytes = long_way(FIN | BINARY, &length.to_be_bytes(), b"");
        end(Codec::ByHand, &bytes, 1002);
    }
}

#[test]
fn the_first_two_bytes_are_refused_as_soon_as_they_are_here() {
    refused_after(&[FIN | 0x40 | TEXT, 0x80], 1002, 2);
    refused_after(&[FIN | 0x3, 0x80], 1002, 2);
    refused_after(&[FIN | TEXT, 0x05], 1002, 2);
    refused_after(&[PING, 0x80], 1002, 2);
    refused_after(&[FIN | PING, 0xfe], 1002, 2);
    refused_after(&[FIN | CLOSE, 0xff], 1002, 2);
}

#[test]
fn a_length_is_refused_before_its_payload() {
    let one_more = (MAX as u16 + 1).to_be_bytes();
    refused_after(&long_way(FIN | TEXT, &one_more, b"x"), 1009, 8);
    let vast = (1u64 << 40).to_be_bytes();
    refused_after(&long_way(FIN | BINARY, &vast, b"x"), 1009, 14);
    // The sum of the fragments, too.
    let begun = client(TEXT, &[b'x'; 200]);
    let more = client(FIN | CONTINUATION, &[b'x'; 101]);
    let header = begun.len() + 6;
    refused_after(&[begun, more].concat(), 1009, header);
}

#[test]
fn text_is_refused_at_its_first_wrong_byte() {
    // The frame is not finished, and need not be.
    let good = "κόσμε".as_bytes();
    let header = 6 + good.len();
    for (wrong, count) in [
        (&b"\xff"[..], 1),
        (b"\x80", 1),
        (b"\xc0", 1),
        (b"\xf5", 1),
        (b"\xed\xa0", 2),
        (b"\xf4\x90", 2),
        (b"\xe0\x80", 2),
        (b"\xf0\x80", 2),
        (b"\xe2\x28", 2),
        (b"\xf0\x9f\x98x", 4),
    ] {
        let bytes = [good, wrong, b"and so on"].concat();
        refused_after(&client(FIN | TEXT, &bytes), 1007, header + count);
        let begun = client(TEXT, good);
        let rest = client(CONTINUATION, &bytes[good.len()..]);
        let at = begun.len() + 6 + count;
        refused_after(&[begun, rest].concat(), 1007, at);
    }
}

#[test]
fn a_later_registered_close_code_is_fine() {
    let bytes = client(FIN | CLOSE, &1014u16.to_be_bytes());
    let (events, _) = outcome(Codec::ByHand, &bytes);
    let reason = String::new();
    assert_eq!(events, [Event::Closed { code: 1014, reason }]);
}

#[test]
fn every_rule_is_told_with_its_section() {
    for bytes in [
        vec![0xc1, 0x80],
        vec![0x83, 0x80],
        vec![0x81, 0x00],
        vec![0x09, 0x80],
        vec![0x89, 0xfe],
        client(FIN | CONTINUATION, b""),
        [client(TEXT, b""), client(TEXT, b"")].concat(),
        long_way(FIN | TEXT, &[0, 0], b""),
        long_way(FIN | TEXT, &[0xff; 8], b""),
        client(FIN | TEXT, b"\xff"),
        client(FIN | TEXT, &[b'x'; MAX + 1]),
        client(FIN | CLOSE, b"x"),
        client(FIN | CLOSE, &[0, 0]),
        client(FIN | CLOSE, &[3, 0xe8, 0xff]),
    ] {
        let (events, _) = outcome(Codec::ByHand, &bytes);
        let [Event::Closed { reason, .. }] = &events[..] else {
            panic!("{events:?} for {bytes:02x?}");
        };
        assert!(reason.starts_with("RFC 6455, "), "{reason}");
    }
}

#[test]
fn nothing_is_held_between_messages() {
    let mut session = ByHandSession::new(1 << 20);
    for length in [0, 5, 125, 126, 65535, 65536, 1 << 20] {
        let bytes = client(FIN | TEXT, &vec![b'x'; length]);
        for piece in bytes.chunks(4096) {
            session.receive(piece);
            if let Some(event) = session.next_event() {
                let Event::Text(text) = event else { panic!("no text") };
                assert_eq!((text.len(), text.capacity()), (length, length));
            }
        }
        assert_eq!(session.buffer.capacity(), 0);
        assert!(session.message.is_none() && session.frame.is_none());
    }
}

#[test]
fn what_is_declared_is_not_allocated() {
    let mut session = ByHandSession::new(1 << 20);
    let declared = client(BINARY, &vec![0; 1 << 20]);
    session.receive(&declared[..20]);
    assert_eq!(session.next_event(), None);
    assert!(session.buffer.capacity() < 64);
}

#[test]
fn pieces_of_any_length_are_unmasked_as_the_whole() {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let masked: Vec<u8> = (0..67u8).collect();
    // As section 5.3 says it, byte by byte.
    let expected: Vec<u8> = (0..67).map(|i| masked[i] ^ key[i % 4]).collect();
    for cut in 0..=masked.len() {
        let (mut payload, mut turning) = (masked.clone(), key);
        let (left, right) = payload.split_at_mut(cut);
        super::mask::unmask(left, &mut turning);
        super::mask::unmask(right, &mut turning);
        assert_eq!(payload, expected, "cut at {cut}");
    }
}

/// A frame as a client that means well sends it, or means badly.
#[derive(Clone, Debug)]
struct Sent {
    first: u8,
    payload: Vec<u8>,
}

fn bytes_of(frames: &[Sent]) -> Vec<u8> {
    frames.iter().flat_map(|f| client(f.first, &f.payload)).collect()
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    let codes = prop_oneof![1000..1017u16, 2999..3001u16, any::<u16>()];
    prop_oneof![
        ".{0,20}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..140),
        (0..=MAX).prop_map(|length| vec![b'x'; length]),
        (codes, ".{0,20}").prop_map(|(code, reason)| {
            [&code.to_be_bytes(), reason.as_bytes()].concat()
        }),
    ]
}

/// Any opcode, mostly the good ones; mostly without reserved bits.
fn frame() -> impl Strategy<Value = Sent> {
    let opcode = prop_oneof![
        8 => Just(CONTINUATION),
        8 => Just(TEXT),
        4 => Just(BINARY),
        4 => Just(PING),
        4 => Just(PONG),
        1 => Just(CLOSE),
        1 => 0..16u8,
    ];
    let bits = prop_oneof![9 => Just(0), 9 => Just(FIN), 1 => Just(0x40)];
    (opcode, bits, payload()).prop_map(|(opcode, bits, payload)| Sent {
        first: bits | opcode,
        payload,
    })
}

/// A message, fragmented anywhere, with pings between the fragments.
fn message() -> impl Strategy<Value = (Event, Vec<u8>)> {
    let text = ".{0,60}".prop_map(Event::Text);
    let binary = vec(any::<u8>(), 0..=MAX).prop_map(Event::Binary);
    (prop_oneof![text, binary], vec(0..40usize, 0..6)).prop_map(
        |(event, cuts)| {
            let (mut opcode, mut rest) = match &event {
                Event::Text(text) => (TEXT, text.as_bytes()),
                Event::Binary(bytes) => (BINARY, &bytes[..]),
                _ => unreachable!(),
            };
            let mut bytes = Vec::new();
            for cut in cuts {
                let (part, left) = rest.split_at(cut.min(rest.len()));
                bytes.extend(client(opcode, part));
                bytes.extend(client(FIN | PING, part));
                (opcode, rest) = (CONTINUATION, left);
            }
            bytes.extend(client(FIN | opcode, rest));
            (event, bytes)
        },
    )
}

/// Without the words for what was broken, which are each session's own.
fn without_reasons(events: Vec<Event>) -> (Vec<Event>, Option<u16>) {
    let (mut said, mut ended) = (events, None);
    if let Some(&Event::Closed { code, .. }) = said.last() {
        said.pop();
        ended = Some(code);
    }
    (said, ended)
}

proptest! {
    #[test]
    fn what_is_sent_is_what_is_understood(
        messages in vec(message(), 1..4),
        seed: u32,
    ) {
        let bytes: Vec<u8> =
            messages.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let sent: Vec<Event> =
            messages.into_iter().map(|(event, _)| event).collect();
        for codec in [Codec::Library, Codec::ByHand] {
            let (mut events, _) = session(codec, pieces(&bytes, seed));
            events.retain(|event| *event != Event::Ping);
            prop_assert_eq!(&events, &sent);
        }
    }

    /// Whole frames: the same messages, then the same end. The one difference
    /// is close code 1014, which tungstenite does not know.
    #[test]
    fn whole_frames_mean_what_they_mean_to_tungstenite(
        frames in vec(frame(), 1..8),
        seed: u32,
    ) {
        let bytes = bytes_of(&frames);
        let (ours, our_end) =
            without_reasons(session(Codec::ByHand, pieces(&bytes, seed)).0);
        let (theirs, their_end) =
            without_reasons(session(Codec::Library, [&bytes[..]]).0);
        prop_assert_eq!(ours, theirs);
        if our_end != Some(1014) {
            prop_assert_eq!(our_end, their_end);
        }
    }

    /// Any bytes: what goes on by hand goes on there; what ends there ends by
    /// hand, at the same frame or before. (Before: a length written the long
    /// way, or a frame that is wrong and not whole yet.)
    #[test]
    fn any_bytes_are_refused_no_later_than_by_tungstenite(
        frames in vec(frame(), 0..4),
        noise in vec(any::<u8>(), 0..40),
        at: prop::sample::Index,
        seed: u32,
    ) {
        let mut bytes = bytes_of(&frames);
        let at = at.index(bytes.len() + 1);
        let end = bytes.len().min(at + noise.len());
        bytes.splice(at..end, noise);
        let (ours, our_end) =
            without_reasons(session(Codec::ByHand, pieces(&bytes, seed)).0);
        let (theirs, their_end) =
            without_reasons(session(Codec::Library, [&bytes[..]]).0);
        prop_assert!(theirs.starts_with(&ours), "{ours:?} {theirs:?}");
        if our_end.is_none() {
            prop_assert_eq!(their_end, None);
            prop_assert_eq!(ours.len(), theirs.len());
        }
    }
}
