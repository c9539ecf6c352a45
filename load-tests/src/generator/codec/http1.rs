//! HTTP/1.1 answers: heads, lengths and chunks (RFC 9112), taken apart as
//! they come in.

use memchr::memmem;

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The head has arrived, with this status.
    Head(u16),
    /// Some of the body.
    Body(Vec<u8>),
    /// The answer is complete; another may follow.
    End,
    /// This is not HTTP.
    Nonsense,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    /// This many bytes of body are still to come.
    Length(usize),
    /// A chunk's size line comes next.
    ChunkSize,
    /// This many bytes of the chunk, and its line end, are still to come.
    Chunk(usize),
    /// The last chunk has come; trailers, then an empty line.
    Trailers,
    End,
}

/// Takes answers apart, one after another.
#[derive(Debug)]
pub struct Answers {
    buffer: Vec<u8>,
    state: State,
}

impl Default for Answers {
    fn default() -> Self {
        Answers { buffer: Vec::new(), state: State::Head }
    }
}

impl Answers {
    /// Takes bytes from the server.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next part, if it is there.
    pub fn next_part(&mut self) -> Option<Part> {
        loop {
            match self.state {
                State::Head => return self.head(),
                State::Length(0) => self.state = State::End,
                State::Length(left) => {
                    let body = self.take(left)?;
                    self.state = State::Length(left - body.len());
                    return Some(Part::Body(body));
                }
                State::ChunkSize => {
                    let line = self.line()?;
                    let digits = line.split(|b| *b == b';').next()?;
                    let text = str::from_utf8(digits).ok()?.trim();
                    match usize::from_str_radix(text, 16) {
                        Ok(0) => self.state = State::Trailers,
                        Ok(size) => self.state = State::Chunk(size),
                        Err(_) => return Some(Part::Nonsense),
                    }
                }
                State::Chunk(0) => {
                    self.line()?;
                    self.state = State::ChunkSize;
                }
                State::Chunk(left) => {
                    let body = self.take(left)?;
                    self.state = State::Chunk(left - body.len());
                    return Some(Part::Body(body));
                }
                State::Trailers => {
                    if self.line()?.is_empty() {
                        self.state = State::End;
                    }
                }
                State::End => {
                    self.state = State::Head;
                    return Some(Part::End);
                }
            }
        }
    }

    /// What has arrived after the last complete part; for a protocol that
    /// takes over after a 101.
    pub fn take_rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    fn head(&mut self) -> Option<Part> {
        let end = memmem::find(&self.buffer, b"\r\n\r\n")? + 4;
        let head: Vec<u8> = self.buffer.drain(..end).collect();
        let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let status = text
            .strip_prefix("http/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok());
        let Some(status) = status else { return Some(Part::Nonsense) };
        self.state = if field(&text, "transfer-encoding").is_some() {
            State::ChunkSize
        } else {
            let length = field(&text, "content-length")
                .and_then(|value| value.parse().ok())
                .unwrap_or(0);
            State::Length(length)
        };
        // 1xx and 204 have no body; 101 is the last of HTTP.
        if status < 200 || status == 204 {
            self.state = State::End;
        }
        Some(Part::Head(status))
    }

    /// Up to `most` bytes; `None` if there are none.
    fn take(&mut self, most: usize) -> Option<Vec<u8>> {
        let length = most.min(self.buffer.len());
        if length == 0 {
            return None;
        }
        Some(self.buffer.drain(..length).collect())
    }

    /// A line without its end.
    fn line(&mut self) -> Option<Vec<u8>> {
        let end = memmem::find(&self.buffer, b"\r\n")?;
        let mut line: Vec<u8> = self.buffer.drain(..end + 2).collect();
        line.truncate(end);
        Some(line)
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (field, value) = line.split_once(':')?;
        (field == name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(bytes: &[u8], step: usize) -> Vec<Part> {
        let mut answers = Answers::default();
        let mut parts: Vec<Part> = Vec::new();
        for piece in bytes.chunks(step) {
            answers.receive(piece);
            while let Some(part) = answers.next_part() {
                match (parts.last_mut(), part) {
                    (Some(Part::Body(all)), Part::Body(more)) => {
                        all.extend(more);
                    }
                    (_, part) => parts.push(part),
                }
            }
        }
        parts
    }

    #[test]
    fn lengths_and_chunks_come_apart_also_byte_by_byte() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\
            HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
            3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n\
            HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n";
        for step in [1, 7, bytes.len()] {
            assert_eq!(
                parts(bytes, step),
                [
                    Part::Head(200),
                    Part::Body(b"ok".to_vec()),
                    Part::End,
                    Part::Head(200),
                    Part::Body(b"abcde".to_vec()),
                    Part::End,
                    Part::Head(503),
                    Part::End,
                ]
            );
        }
    }

    #[test]
    fn what_is_not_http_is_said_to_be_nonsense() {
        assert_eq!(parts(b"SSH-2.0-x\r\n\r\n", 100), [Part::Nonsense]);
    }
}
