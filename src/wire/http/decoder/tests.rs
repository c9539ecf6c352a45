//! Bytes in, requests out: whole, and one byte at a time.

mod body;
mod head;
mod random;

use super::*;
use crate::wire::http::{Method, Version};

/// What came out of a connection: requests, and how it ended.
type Outcome = (Vec<Request>, Option<Problem>);

/// Feeds a decoder piece by piece, asking after each for all it has.
fn feed<'a>(
    limits: &Limits,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Outcome {
    let mut decoder = Decoder::new(limits);
    let mut requests = Vec::new();
    let mut refusal = None;
    for piece in pieces {
        decoder.receive(piece);
        loop {
            match decoder.next_request() {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => break,
                Err(problem) => {
                    assert_eq!(refusal, None, "refused twice");
                    assert!(problem.close);
                    refusal = Some(problem);
                }
            }
        }
        assert!(decoder.buffered() <= limits.head + limits.body + piece.len());
        assert!(refusal.is_none() || decoder.buffer.capacity() == 0);
    }
    (requests, refusal)
}

/// What comes out of these bytes, which must not depend on how they come.
fn decode_within(limits: &Limits, bytes: &[u8]) -> Outcome {
    let whole = feed(limits, [bytes].into_iter());
    let slow = feed(limits, bytes.chunks(1));
    assert_eq!(whole, slow, "{}", String::from_utf8_lossy(bytes));
    whole
}

/// The requests in bytes that are all good.
fn requests(bytes: impl AsRef<[u8]>) -> Vec<Request> {
    let (requests, refusal) = decode_within(&Limits::default(), bytes.as_ref());
    assert_eq!(refusal, None);
    requests
}

/// The only request in bytes that are all good.
fn request(bytes: impl AsRef<[u8]>) -> Request {
    let mut requests = requests(bytes);
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

/// The status and the code that these bytes are refused with, before any
/// request has come out.
#[track_caller]
fn refusal_within(
    limits: &Limits,
    bytes: impl AsRef<[u8]>,
) -> (u16, &'static str) {
    let (requests, refusal) = decode_within(limits, bytes.as_ref());
    assert_eq!(requests, []);
    let text = String::from_utf8_lossy(bytes.as_ref());
    let problem = refusal.unwrap_or_else(|| panic!("not refused: {text:?}"));
    (problem.status, problem.code)
}

#[track_caller]
fn refusal(bytes: impl AsRef<[u8]>) -> (u16, &'static str) {
    refusal_within(&Limits::default(), bytes)
}

/// A decoder that was given these bytes, and what it says first.
fn decoder(bytes: &[u8]) -> (Decoder, Option<Request>) {
    let mut decoder = Decoder::new(&Limits::default());
    decoder.receive(bytes);
    let first = decoder.next_request().unwrap();
    (decoder, first)
}

const BAD: (u16, &str) = (400, "bad_request");
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn requests_in_a_row_come_out_in_order() {
    let found = requests(
        b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\
          POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
          POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
          1\r\nd\r\n0\r\n\r\n\
          GET /4 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    let targets: Vec<_> = found.iter().map(|r| r.target.as_str()).collect();
    assert_eq!(targets, ["/1", "/2", "/3", "/4"]);
    let bodies: Vec<_> = found.iter().map(|r| r.body.as_slice()).collect();
    assert_eq!(bodies, [&b""[..], b"abc", b"d", b""]);
}

#[test]
fn requests_before_a_bad_one_still_come_out() {
    let bytes = [GET, GET, b"\0", GET].concat();
    let (good, refusal) =
        decode_within(&Limits::default(), &[&bytes[..], b"\r\n\r\n"].concat());
    assert_eq!(good.len(), 2);
    assert_eq!(refusal.unwrap().status, 400);
}

#[test]
fn after_a_refusal_nothing_is_heard() {
    let mut decoder = Decoder::new(&Limits::default());
    decoder.receive(b"GET / HTTP/9.9\r\n\r\n");
    assert!(decoder.next_request().is_err());
    decoder.receive(GET);
    assert_eq!(decoder.next_request(), Ok(None));
    assert_eq!(decoder.progress(), Progress::Idle);
    assert_eq!(decoder.buffered(), 0);
    assert!(decoder.into_rest().is_empty());
}

#[test]
fn what_follows_a_request_is_left_for_an_upgrade() {
    let (mut decoder, first) = decoder(&[GET, b"\x81\x05hello"].concat());
    assert!(first.is_some());
    decoder.receive(b"\x88\x00");
    assert_eq!(decoder.buffered(), 9);
    assert_eq!(decoder.into_rest(), b"\x81\x05hello\x88\x00");
}

#[test]
fn an_idle_connection_has_no_memory() {
    for bytes in [
        GET,
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
          0\r\n\r\n",
    ] {
        let (decoder, first) = decoder(bytes);
        assert!(first.is_some());
        assert_eq!(decoder.buffer.capacity(), 0);
        assert_eq!(decoder.output.capacity(), 0);
    }
    assert!(size_of::<Decoder>() <= 192, "{}", size_of::<Decoder>());
}

#[test]
fn nothing_is_allocated_for_a_body_that_is_only_promised() {
    let limits = Limits { body: usize::MAX, ..Limits::default() };
    let mut decoder = Decoder::new(&limits);
    decoder.receive(
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\
          \r\n\r\nab",
    );
    assert_eq!(decoder.next_request(), Ok(None));
    let State::Body(request, _) = &decoder.state else { panic!() };
    assert!(request.body.capacity() < 64);
    assert_eq!(decoder.buffer.capacity(), 0);
}

#[test]
fn a_thousand_requests_at_once_are_not_copied_a_thousand_times() {
    let mut decoder = Decoder::new(&Limits::default());
    decoder.receive(&GET.repeat(1000));
    let before = decoder.buffer.as_ptr();
    for n in (0..999).rev() {
        assert!(decoder.next_request().unwrap().is_some());
        assert_eq!(decoder.buffered(), n * GET.len() + GET.len());
        assert_eq!(decoder.buffer.as_ptr(), before);
    }
    decoder.receive(GET);
    assert_eq!(decoder.buffer.len(), 2 * GET.len());
}

#[test]
fn progress_tells_which_clock_runs() {
    let mut decoder = Decoder::new(&Limits::default());
    let mut after = |bytes: &[u8]| {
        decoder.receive(bytes);
        let ready = decoder.next_request().unwrap().is_some();
        (ready, decoder.progress())
    };
    assert_eq!(after(b""), (false, Progress::Idle));
    assert_eq!(after(b"P"), (false, Progress::Head));
    let head = b"OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n";
    assert_eq!(after(head), (false, Progress::Body));
    assert_eq!(after(b"a"), (false, Progress::Body));
    assert_eq!(after(b"bGET"), (true, Progress::Head));
    assert_eq!(
        after(b" / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (true, Progress::Idle)
    );
    // Blank lines between requests are no beginning of one.
    assert_eq!(after(b"\r\n"), (false, Progress::Idle));
}

#[test]
fn a_client_that_waits_is_told_to_go_on_once() {
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\
                 Content-Length: 2\r\n\r\n";
    let (mut decoder, first) = decoder(head);
    assert_eq!(first, None);
    assert_eq!(decoder.take_output(), b"HTTP/1.1 100 Continue\r\n\r\n");
    decoder.receive(b"a");
    assert_eq!(decoder.next_request(), Ok(None));
    assert!(decoder.take_output().is_empty());
    decoder.receive(b"b");
    assert_eq!(decoder.next_request().unwrap().unwrap().body, b"ab");
    assert!(decoder.take_output().is_empty());
}

#[test]
fn a_client_that_does_not_wait_is_told_nothing() {
    for (fields, version, rest) in [
        ("Expect: 100-continue\r\nContent-Length: 2\r\n", "1.1", "a"),
        ("Expect: 100-continue\r\nContent-Length: 2\r\n", "1.1", "ab"),
        ("Expect: 100-continue\r\n", "1.1", ""),
        ("Expect: 100-continue\r\nContent-Length: 0\r\n", "1.1", ""),
        ("Expect: 100-continue\r\nContent-Length: 2\r\n", "1.0", ""),
        ("Content-Length: 2\r\n", "1.1", ""),
    ] {
        let text =
            format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n{rest}");
        let (mut decoder, _) = decoder(text.as_bytes());
        assert!(decoder.take_output().is_empty(), "{text}");
    }
}

#[test]
fn it_is_too_late_to_go_on_once_the_body_is_here() {
    let (mut decoder, _) = decoder(
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
          Content-Length: 1\r\n\r\n",
    );
    decoder.receive(b"a");
    assert!(decoder.next_request().unwrap().is_some());
    assert!(decoder.take_output().is_empty());
}

#[test]
fn a_body_that_will_be_refused_is_not_asked_for() {
    let mut decoder = Decoder::new(&Limits::default());
    decoder.receive(
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
          Content-Length: 99999\r\n\r\n",
    );
    assert_eq!(decoder.next_request().unwrap_err().status, 413);
    assert!(decoder.take_output().is_empty());
}
