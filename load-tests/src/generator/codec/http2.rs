//! An HTTP/2 client's side, with prior knowledge (RFC 9113 §3.3): as many
//! requests as there are readers, on one connection.
//!
//! The window is opened as far as it goes at the start, so flow control never
//! slows a run of less than 2 GiB; headers are written without the table and
//! only their status is read.

use crate::generator::scan::{self, Word};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const LARGEST_WINDOW: u32 = (1 << 31) - 1;
/// What the connection's window is before anyone speaks (RFC 9113 §6.9.2).
const INITIAL_WINDOW: u32 = 65_535;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;

/// `:status: 200` in HPACK's static table (RFC 7541, appendix A).
const STATUS_200: u8 = 0x88;

/// One connection with its readers' streams.
#[derive(Debug, Default)]
pub struct Http2 {
    buffer: Vec<u8>,
    /// Each reader's unfinished line.
    lines: Vec<Vec<u8>>,
    /// Streams that have been answered with 200.
    open: usize,
}

impl Http2 {
    /// A connection for this many readers.
    pub fn new(readers: usize) -> Http2 {
        Http2 { lines: vec![Vec::new(); readers], ..Http2::default() }
    }

    /// How many readers share it.
    pub fn readers(&self) -> usize {
        self.lines.len()
    }

    /// The preface, and one request for each reader.
    pub fn handshake(&self, host: &str, path: &str) -> Vec<u8> {
        let mut output = PREFACE.to_vec();
        // SETTINGS_INITIAL_WINDOW_SIZE (4), for every stream.
        let mut setting = vec![0, 4];
        setting.extend_from_slice(&LARGEST_WINDOW.to_be_bytes());
        write(SETTINGS, 0, 0, &setting, &mut output);
        let more = LARGEST_WINDOW - INITIAL_WINDOW;
        write(WINDOW_UPDATE, 0, 0, &more.to_be_bytes(), &mut output);
        for reader in 0..self.lines.len() {
            let mut block = vec![0x82, 0x86];
            literal(4, path, &mut block);
            literal(1, host, &mut block);
            let stream = reader as u32 * 2 + 1;
            let flags = END_STREAM | END_HEADERS;
            write(HEADERS, flags, stream, &block, &mut output);
        }
        output
    }

    /// Takes bytes from the server; `output` gets what must be answered.
    pub fn receive(
        &mut self,
        bytes: &[u8],
        output: &mut Vec<u8>,
        words: &mut Vec<Word>,
    ) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.extend_from_slice(bytes);
        let mut used = 0;
        while let Some(head) = buffer.get(used..used + 9) {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let end = used + 9 + length as usize;
            if end > buffer.len() {
                break;
            }
            let stream =
                u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let (kind, flags) = (head[3], head[4]);
            let payload = &buffer[used + 9..end];
            self.frame(kind, flags, stream, payload, output, words);
            used = end;
        }
        buffer.drain(..used);
        self.buffer = buffer;
    }

    fn frame(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
        output: &mut Vec<u8>,
        words: &mut Vec<Word>,
    ) {
        match kind {
            DATA => {
                let padding = match (flags & PADDED, payload.first()) {
                    (PADDED, Some(length)) => usize::from(*length) + 1,
                    _ => 0,
                };
                let start = usize::from(padding > 0);
                let end = payload.len().saturating_sub(padding) + start;
                if let Some(data) = payload.get(start..end) {
                    self.data(stream, data, words);
                }
                if flags & END_STREAM != 0 {
                    words.push(Word::Ended("end_of_stream".to_owned()));
                }
            }
            HEADERS if payload.first() == Some(&STATUS_200) => {
                self.open += 1;
                if self.open == self.lines.len() {
                    words.push(Word::Open);
                }
            }
            HEADERS => words.push(Word::Refused("http2_status".to_owned())),
            SETTINGS if flags & ACK == 0 => {
                write(SETTINGS, ACK, 0, &[], output);
            }
            PING if flags & ACK == 0 => write(PING, ACK, 0, payload, output),
            RST_STREAM => words.push(Word::Ended("rst_stream".to_owned())),
            GOAWAY => words.push(Word::Ended("goaway".to_owned())),
            _ => {}
        }
    }

    fn data(&mut self, stream: u32, data: &[u8], words: &mut Vec<Word>) {
        let reader = (stream as usize).saturating_sub(1) / 2;
        let Some(line) = self.lines.get_mut(reader) else { return };
        line.extend_from_slice(data);
        let Some(end) = memchr::memrchr(b'\n', line) else { return };
        let rest = line.split_off(end + 1);
        for object in line.split(|b| *b == b'\n') {
            scan::object(object, reader, words);
        }
        *line = rest;
    }
}

/// A field with a name from the static table, its value written out and not
/// remembered (RFC 7541 §6.2.2). Values here are shorter than 127 bytes.
fn literal(name: u8, value: &str, block: &mut Vec<u8>) {
    debug_assert!(value.len() < 127, "needs a longer integer");
    block.push(name);
    block.push(value.len() as u8);
    block.extend_from_slice(value.as_bytes());
}

fn write(kind: u8, flags: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) {
    let length = (payload.len() as u32).to_be_bytes();
    out.extend_from_slice(&length[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_readers_share_a_connection_and_keep_their_lines_apart() {
        let mut bytes = Vec::new();
        write(SETTINGS, 0, 0, &[], &mut bytes);
        write(HEADERS, END_HEADERS, 1, &[STATUS_200], &mut bytes);
        write(HEADERS, END_HEADERS, 3, &[STATUS_200], &mut bytes);
        let message = b"{\"type\":\"message\",\"seq\":5,\"id\":\"1-2\"}\n";
        write(DATA, 0, 3, &message[..10], &mut bytes);
        write(DATA, 0, 1, message, &mut bytes);
        write(DATA, 0, 3, &message[10..], &mut bytes);
        for step in [1, bytes.len()] {
            let mut connection = Http2::new(2);
            let (mut output, mut words) = (Vec::new(), Vec::new());
            for piece in bytes.chunks(step) {
                connection.receive(piece, &mut output, &mut words);
            }
            let id = Some(scan::Id { load: 1, number: 2 });
            assert_eq!(
                words,
                [
                    Word::Open,
                    Word::Message { reader: 0, id, seq: 5 },
                    Word::Message { reader: 1, id, seq: 5 },
                ]
            );
            assert_eq!(output, [0, 0, 0, SETTINGS, ACK, 0, 0, 0, 0]);
        }
    }
}
