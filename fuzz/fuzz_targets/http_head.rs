//! Any bytes as HTTP requests. However they are cut, they are the same
//! requests, or the same refusal.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twinchat::limits::Limits;
use twinchat::wire::http::{Decoder, Problem, Request};

fuzz_target!(|input: &[u8]| {
    // The first byte says how the others are cut.
    let [cut, bytes @ ..] = input else { return };
    let whole = requests([bytes].into_iter());
    assert_eq!(requests(bytes.chunks(1 + usize::from(*cut))), whole);
});

fn requests<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<Request>, Option<Problem>) {
    let mut decoder = Decoder::new(&Limits::default());
    let mut requests = Vec::new();
    for piece in pieces {
        decoder.receive(piece);
        loop {
            match decoder.next_request() {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => break,
                Err(problem) => return (requests, Some(problem)),
            }
        }
    }
    (requests, None)
}
