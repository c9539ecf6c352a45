//! What every session does, whichever codec reads; each input whole, one byte
//! at a time and cut at random, with the same outcome.

use super::frame;
use super::{Codec, Event, Session};

const CODECS: [Codec; 2] = [Codec::Library, Codec::ByHand];
/// The longest message of the sessions here, in bytes.
pub(super) const MAX: usize = 300;
/// The masking key of RFC 6455, section 5.7.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(super) const CONTINUATION: u8 = 0x0;
pub(super) const TEXT: u8 = 0x1;
pub(super) const BINARY: u8 = 0x2;
pub(super) const CLOSE: u8 = 0x8;
pub(super) const PING: u8 = 0x9;
pub(super) const PONG: u8 = 0xA;
pub(super) const FIN: u8 = 0x80;

/// A client's frame, as section 5.2 draws it: the first byte as given, the
/// shortest length, the mask applied a byte at a time.
pub(super) fn client(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u64;
    let (short, bytes) = match length {
        0..126 => (length as u8, 8),
        126..65536 => (126, 6),
        _ => (127, 0),
    };
    let long = &length.to_be_bytes()[bytes..];
    let masked: Vec<u8> =
        payload.iter().zip(KEY.iter().cycle()).map(|(b, k)| b ^ k).collect();
    [&[first, 0x80 | short], long, &KEY, &masked].concat()
}

/// All that a session says to these bytes, given in pieces, each drained
/// before the next.
pub(super) fn session<'a>(
    codec: Codec,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Event>, Vec<u8>) {
    let mut session = Session::new(codec, MAX);
    let (mut events, mut output) = (Vec::new(), Vec::new());
    for piece in pieces {
        session.receive(piece);
        events.extend(std::iter::from_fn(|| session.next_event()));
        output.extend(session.take_output());
    }
    (events, output)
}

/// The same, after all ways of cutting have been seen to agree.
pub(super) fn outcome(codec: Codec, bytes: &[u8]) -> (Vec<Event>, Vec<u8>) {
    let whole = session(codec, [bytes]);
    assert_eq!(session(codec, bytes.chunks(1)), whole);
    for seed in 1..10 {
        assert_eq!(session(codec, pieces(bytes, seed)), whole, "seed {seed}");
    }
    whole
}

/// Cuts bytes into pieces of 1 to 16.
pub(super) fn pieces(mut bytes: &[u8], mut seed: u32) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        // Numerical Recipes' random numbers: the high bits are good enough.
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (piece, rest) =
            bytes.split_at(bytes.len().min(1 + (seed >> 28) as usize));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

fn text(text: &str) -> Event {
    Event::Text(text.into())
}

/// Expects these events and this output of every codec.
fn expect(frames: &[Vec<u8>], events: &[Event], output: &[u8]) {
    for codec in CODECS {
        let outcome = outcome(codec, &frames.concat());
        assert_eq!(outcome, (events.to_vec(), output.to_vec()), "{codec:?}");
    }
}

/// Expects a "Hello", then the end with this code, and nothing after it.
fn expect_end(frames: &[Vec<u8>], code: u16) {
    for codec in CODECS {
        end(codec, &frames.concat(), code);
    }
}

pub(super) fn end(codec: Codec, frames: &[u8], code: u16) {
    let hello = client(FIN | TEXT, b"Hello");
    let bytes = [&hello[..], frames, &hello].concat();
    let (events, output) = outcome(codec, &bytes);
    let [first, Event::Closed { code: told, reason }] = &events[..] else {
        panic!("{codec:?}: {events:?} for {frames:02x?}");
    };
    assert_eq!((first, *told), (&text("Hello"), code), "{frames:02x?}");
    assert_eq!(output, frame::close(code, reason), "{frames:02x?}");
}

#[test]
fn the_masked_examples_of_section_5_7() {
    let hello =
        [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(client(FIN | TEXT, b"Hello"), hello);
    expect(&[hello.to_vec()], &[text("Hello")], b"");
    let pong = [&[0x8a][..], &hello[1..]].concat();
    expect(&[pong], &[Event::Pong], b"");
    let ping = [&[0x89][..], &hello[1..]].concat();
    expect(&[ping], &[Event::Ping], &frame::pong(b"Hello"));
    let fragments = [client(TEXT, b"Hel"), client(FIN, b"lo")];
    expect(&fragments, &[text("Hello")], b"");
    let long = vec![0x42; 256];
    let bytes = client(FIN | BINARY, &long);
    expect(&[bytes], &[Event::Binary(long)], b"");
}

#[test]
fn messages_of_every_kind_of_length() {
    for length in [0, 1, 124, 125, 126, 127, 128, 255, 256, MAX] {
        let payload = vec![b'*'; length];
        expect(
            &[client(FIN | TEXT, &payload), client(FIN | BINARY, &payload)],
            &[text(&"*".repeat(length)), Event::Binary(payload)],
            b"",
        );
    }
}

#[test]
fn pings_are_answered_between_fragments_too() {
    let full = [0xfe; frame::MAX_CONTROL];
    expect(
        &[
            client(TEXT, b"a"),
            client(FIN | PING, b"1"),
            client(CONTINUATION, b"b"),
            client(FIN | PING, &full),
            client(FIN | PONG, b"unasked"),
            client(FIN | CONTINUATION, b"c"),
            client(FIN | PING, b""),
        ],
        &[Event::Ping, Event::Ping, Event::Pong, text("abc"), Event::Ping],
        &[frame::pong(b"1"), frame::pong(&full), frame::pong(b"")].concat(),
    );
}

#[test]
fn fragments_are_put_together_and_empty_ones_are_nothing() {
    expect(
        &[
            client(BINARY, b""),
            client(CONTINUATION, b""),
            client(FIN, b""),
            client(TEXT, b""),
            client(CONTINUATION, b"x"),
            client(FIN, b""),
        ],
        &[Event::Binary(Vec::new()), text("x")],
        b"",
    );
}

#[test]
fn characters_may_be_cut_anywhere() {
    // One, two, three and four bytes; the last of all planes.
    let word = "κόσμε a é ह € 한 𐍈 \u{10ffff}";
    for cut in 0..=word.len() {
        let (left, right) = word.as_bytes().split_at(cut);
        let fragments = [client(TEXT, left), client(FIN, right)];
        expect(&fragments, &[text(word)], b"");
    }
    let bytes: Vec<_> = std::iter::once(client(TEXT, b""))
        .chain(word.bytes().map(|byte| client(CONTINUATION, &[byte])))
        .chain([client(FIN, b"")])
        .collect();
    expect(&bytes, &[text(word)], b"");
}

#[test]
fn text_that_is_not_utf_8_ends_with_1007() {
    let wrong: [&[u8]; 11] = [
        b"\x80",             // a continuation that continues nothing
        b"\xc3",             // a character that does not end
        b"\xe2\x82",         // nor this one
        b"\xf0\x9f\x98",     // nor this one
        b"\xc3\x28",         // a character that ends too early
        b"\xc0\xaf",         // longer than need be
        b"\xe0\x80\xaf",     // so is this
        b"\xed\xa0\x80",     // half of a UTF-16 pair
        b"\xf4\x90\x80\x80", // beyond the last of all planes
        b"\xf8\x88\x80\x80\x80",
        b"\xff",
    ];
    for bytes in wrong {
        let long = [b"fine so far, ", bytes].concat();
        expect_end(&[client(FIN | TEXT, &long)], 1007);
        // The last fragment shows it, where no later byte is allowed to.
        expect_end(&[client(TEXT, b"a"), client(FIN, &long)], 1007);
        let bytewise: Vec<_> = std::iter::once(client(TEXT, b""))
            .chain(long.iter().map(|&byte| client(CONTINUATION, &[byte])))
            .chain([client(FIN, b"")])
            .collect();
        expect_end(&bytewise, 1007);
        // A binary message may say anything.
        let binary = client(FIN | BINARY, &long);
        expect(&[binary], &[Event::Binary(long)], b"");
    }
}

#[test]
fn broken_frames_end_with_1002() {
    for bits in [0x40, 0x20, 0x10, 0x70] {
        expect_end(&[client(FIN | bits | TEXT, b"x")], 1002);
        expect_end(&[client(FIN | bits | PING, b"x")], 1002);
        expect_end(&[client(FIN | bits | CLOSE, b"")], 1002);
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        expect_end(&[client(FIN | opcode, b"")], 1002);
        expect_end(&[client(FIN | opcode, b"x")], 1002);
        expect_end(&[client(TEXT, b"x"), client(FIN | opcode, b"x")], 1002);
    }
    for control in [PING, PONG, CLOSE] {
        expect_end(&[client(control, b"")], 1002);
        expect_end(&[client(FIN | control, &[b'x'; 126])], 1002);
    }
    expect_end(&[vec![FIN | TEXT, 2, b'h', b'i']], 1002);
    expect_end(&[vec![FIN | TEXT, 0]], 1002);
}

#[test]
fn fragments_out_of_order_end_with_1002() {
    expect_end(&[client(FIN | CONTINUATION, b"x")], 1002);
    expect_end(&[client(CONTINUATION, b"x")], 1002);
    for opcode in [TEXT, BINARY] {
        let second = client(FIN | opcode, b"b");
        expect_end(&[client(TEXT, b"a"), second], 1002);
        expect_end(&[client(BINARY, b""), client(opcode, b"b")], 1002);
    }
}

#[test]
fn too_much_ends_with_1009() {
    let over = vec![b'x'; MAX + 1];
    expect_end(&[client(FIN | TEXT, &over)], 1009);
    expect_end(&[client(FIN | BINARY, &over)], 1009);
    // The sum counts, and a character cut in two counts with it.
    let (head, tail) = over.split_at(MAX / 2);
    expect_end(&[client(TEXT, head), client(FIN, tail)], 1009);
    expect_end(&[client(BINARY, &over[1..]), client(FIN, b"x")], 1009);
    // As soon as it is declared.
    let vast = [&[FIN | BINARY, 0xff][..], &(1u64 << 40).to_be_bytes(), &KEY];
    expect_end(&[vast.concat()], 1009);
}

#[test]
fn a_close_is_answered_with_its_own_code() {
    for code in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000,
        3999, 4000, 4999,
    ] {
        let payload = [&u16::to_be_bytes(code)[..], "à bientôt".as_bytes()];
        let reason = "à bientôt".to_owned();
        expect(
            &[
                client(FIN | CLOSE, &payload.concat()),
                // Nobody listens any more.
                client(FIN | TEXT, b"x"),
                client(FIN | PING, b"x"),
                client(FIN | CLOSE, b"x"),
            ],
            &[Event::Closed { code, reason }],
            &frame::close(code, "à bientôt"),
        );
    }
    expect(
        &[client(FIN | CLOSE, b"")],
        &[Event::Closed { code: 1005, reason: String::new() }],
        frame::CLOSE,
    );
    // It may come amid a message.
    let longest = "x".repeat(frame::MAX_CONTROL - 2);
    let payload = [b"\x03\xe8", longest.as_bytes()].concat();
    expect(
        &[client(TEXT, b"x"), client(FIN | CLOSE, &payload)],
        &[Event::Closed { code: 1000, reason: longest.clone() }],
        &frame::close(1000, &longest),
    );
}

#[test]
fn a_broken_close_is_answered_with_what_it_broke() {
    expect_end(&[client(FIN | CLOSE, b"\x03")], 1002);
    for code in
        [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
    {
        expect_end(&[client(FIN | CLOSE, &u16::to_be_bytes(code))], 1002);
    }
    expect_end(&[client(FIN | CLOSE, b"\x03\xe8\xc3\x28")], 1007);
    expect_end(&[client(FIN | CLOSE, b"\x03\xe8\xc3")], 1007);
}
