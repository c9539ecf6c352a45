//! Requests nobody thought of, cut where nobody expected.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A request as a client means it.
#[derive(Clone, Debug)]
struct Sent {
    method: (&'static str, Method),
    target: String,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    /// Where the body is cut into chunks; `None` if it goes by its length.
    cuts: Option<Vec<usize>>,
}

impl Sent {
    fn encode(&self, out: &mut Vec<u8>) {
        let (method, target) = (self.method.0, &self.target);
        out.extend(format!("{method} {target} HTTP/1.1\r\n").as_bytes());
        for (name, value) in self.fields() {
            out.extend([name.as_bytes(), b": \t", &value, b" \r\n"].concat());
        }
        out.extend(b"\r\n");
        let Some(cuts) = &self.cuts else {
            out.extend(&self.body);
            return;
        };
        let mut rest = &self.body[..];
        for cut in cuts {
            let (chunk, after) = rest.split_at((*cut).min(rest.len()));
            encode_chunk(chunk, out);
            rest = after;
        }
        encode_chunk(rest, out);
        out.extend(b"0;last\r\nX-Trailer: a\r\n\r\n");
    }

    fn fields(&self) -> Vec<(String, Vec<u8>)> {
        let mut fields = self.fields.clone();
        fields.push(("Host".into(), b"a.example:8080".to_vec()));
        fields.push(match &self.cuts {
            Some(_) => ("Transfer-Encoding".into(), b"chunked".to_vec()),
            None => {
                let length = self.body.len().to_string();
                ("Content-Length".into(), length.into())
            }
        });
        fields
    }

    fn expected(&self) -> Request {
        let fields = self.fields().into_iter();
        let fields = fields.map(|(n, v)| (n.to_lowercase(), v)).collect();
        Request {
            method: self.method.1,
            target: self.target.clone(),
            version: Version::Http11,
            fields,
            body: self.body.clone(),
            keep_alive: true,
        }
    }
}

/// An empty chunk would be the last one.
fn encode_chunk(data: &[u8], out: &mut Vec<u8>) {
    if !data.is_empty() {
        out.extend(format!("{:X}\r\n", data.len()).as_bytes());
        out.extend(data);
        out.extend(b"\r\n");
    }
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let byte =
        prop_oneof![Just(b' '), Just(b'\t'), 0x21..=0x7eu8, 0x80..=0xffu8];
    vec(byte, 0..20).prop_map(|value| value.trim_ascii().to_vec())
}

fn sent() -> impl Strategy<Value = Sent> {
    let method = prop::sample::select(vec![
        ("GET", Method::Get),
        ("POST", Method::Post),
        ("DELETE", Method::Delete),
        ("OPTIONS", Method::Options),
    ]);
    let target = "/[!-\"$-~]{0,30}";
    let fields = vec(("X-[!#$%&'*+.^_`|~0-9A-Za-z-]{0,9}", value()), 0..6);
    let body = vec(any::<u8>(), 0..300);
    let cuts = prop::option::of(vec(0..100usize, 0..5));
    (method, target, fields, body, cuts).prop_map(
        |(method, target, fields, body, cuts)| Sent {
            method,
            target,
            fields,
            body,
            cuts,
        },
    )
}

/// Cuts bytes into pieces of these sizes, over and over.
fn pieces<'a>(
    mut bytes: &'a [u8],
    sizes: &[usize],
) -> impl Iterator<Item = &'a [u8]> {
    let mut sizes = sizes.iter().cycle();
    std::iter::from_fn(move || {
        let size = (*sizes.next()?).min(bytes.len());
        let (piece, rest) = bytes.split_at(size);
        bytes = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

proptest! {
    #[test]
    fn what_is_sent_comes_out_however_it_is_cut(
        sent in vec(sent(), 1..=5),
        sizes in vec(1..200usize, 1..10),
    ) {
        let mut bytes = Vec::new();
        sent.iter().for_each(|request| request.encode(&mut bytes));
        let expected: Vec<_> = sent.iter().map(Sent::expected).collect();
        let cut = feed(&Limits::default(), pieces(&bytes, &sizes));
        prop_assert_eq!(&cut, &(expected, None));
        prop_assert_eq!(cut, decode_within(&Limits::default(), &bytes));
    }

    #[test]
    fn one_wrong_byte_is_read_the_same_however_it_is_cut(
        sent in vec(sent(), 1..=3),
        at in any::<prop::sample::Index>(),
        wrong in any::<u8>(),
    ) {
        let mut bytes = Vec::new();
        sent.iter().for_each(|request| request.encode(&mut bytes));
        let at = at.index(bytes.len());
        bytes[at] = wrong;
        let limits = Limits { head: 300, body: 200, ..Limits::default() };
        decode_within(&limits, &bytes);
    }

    #[test]
    fn garbage_is_read_the_same_however_it_is_cut(
        bytes in vec(any::<u8>(), 0..600),
    ) {
        let limits = Limits { head: 100, body: 50, ..Limits::default() };
        decode_within(&limits, &bytes);
    }

    #[test]
    fn so_is_garbage_made_of_http(
        words in vec(prop::sample::select(WORDS.to_vec()), 0..60),
    ) {
        let limits = Limits { head: 100, body: 9, ..Limits::default() };
        decode_within(&limits, words.concat().as_bytes());
    }
}

const WORDS: [&str; 22] = [
    "GET / HTTP/1.1\r\nHost: a\r\n",
    "POST / HTTP/1.0\r\n",
    "GET",
    " ",
    "/",
    "*",
    "HTTP/1.1",
    "HTTP/1.0",
    "\r\n",
    "\r\n",
    "\r\n\r\n",
    "\r",
    "\n",
    "Host: a\r\n",
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "abc",
    "3",
    "0",
    ";",
    ":",
    "Expect: 100-continue\r\n",
];
