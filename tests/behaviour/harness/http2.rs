//! A client of HTTP/2: the h2 crate's, one question after the other or many
//! at once.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Error, RecvStream};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::runtime::{self, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Answer, PATIENCE};

/// A connection.
pub struct Http2 {
    runtime: Runtime,
    sender: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), Error>>,
    authority: String,
}

/// An answer that goes on.
pub struct OpenStream {
    body: RecvStream,
    ahead: Vec<u8>,
}

impl Http2 {
    /// A connection to an address.
    #[track_caller]
    pub fn open(address: SocketAddr) -> Http2 {
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.unwrap();
        let (sender, connection) = runtime.block_on(async {
            let socket = TcpStream::connect(address).await.unwrap();
            // As browsers do: one stream that is not read must not use up
            // the window that all of them share.
            let mut builder = h2::client::Builder::new();
            builder.initial_connection_window_size(1 << 20);
            let (sender, connection) = builder.handshake(socket).await.unwrap();
            (sender, tokio::spawn(connection))
        });
        let authority = address.to_string();
        Http2 { runtime, sender, connection, authority }
    }

    /// Asks, and does not wait for the answer.
    #[track_caller]
    pub fn ask(
        &mut self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &str,
    ) -> ResponseFuture {
        let uri = format!("http://{}{path}", self.authority);
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let sender = self.sender.clone();
        let body = Bytes::copy_from_slice(body.as_bytes());
        let asking = async move {
            let mut sender = sender.ready().await.unwrap();
            let sent = sender.send_request(request, body.is_empty());
            let (response, mut stream) = sent.unwrap();
            if !body.is_empty() {
                stream.send_data(body, true).unwrap();
            }
            (response,)
        };
        self.wait(asking).0
    }

    /// Waits for the whole answer to what was asked.
    #[track_caller]
    pub fn answer(&self, response: ResponseFuture) -> Answer {
        self.wait(whole(response)).expect("an answer")
    }

    /// Waits for whole answers to all that was asked.
    #[track_caller]
    pub fn answers(&self, responses: Vec<ResponseFuture>) -> Vec<Answer> {
        responses.into_iter().map(|response| self.answer(response)).collect()
    }

    /// GETs a path.
    #[track_caller]
    pub fn get(&mut self, path: &str) -> Answer {
        let response = self.ask("GET", path, &[], "");
        self.answer(response)
    }

    /// Posts to a room.
    #[track_caller]
    pub fn post(&mut self, room: &str, body: &Value) -> Answer {
        let path = format!("/api/rooms/{room}/messages");
        let json = [("content-type", "application/json")];
        let response = self.ask("POST", &path, &json, &body.to_string());
        self.answer(response)
    }

    /// Opens a stream.
    #[track_caller]
    pub fn open_stream(&mut self, path: &str) -> OpenStream {
        let response = self.ask("GET", path, &[], "");
        let response = self.wait(response).expect("an answer");
        let (head, body) = response.into_parts();
        let head = answer(&head, Vec::new());
        assert_eq!(head.status, 200, "{head}");
        OpenStream { body, ahead: Vec::new() }
    }

    /// The next line of a stream; `None` at its end.
    ///
    /// # Errors
    /// It was reset, or the connection is gone.
    #[track_caller]
    pub fn line(
        &self,
        stream: &mut OpenStream,
    ) -> Result<Option<String>, Error> {
        loop {
            if let Some(end) = stream.ahead.iter().position(|b| *b == b'\n') {
                let line = stream.ahead.drain(..=end).collect();
                let line = String::from_utf8(line).unwrap();
                return Ok(Some(line.trim_end().to_owned()));
            }
            let Some(data) = self.wait(stream.body.data()) else {
                return Ok(None);
            };
            let data = data?;
            let flow = stream.body.flow_control();
            flow.release_capacity(data.len()).unwrap();
            stream.ahead.extend_from_slice(&data);
        }
    }

    /// The next object of a type on a stream of JSON lines.
    #[track_caller]
    pub fn object(&self, stream: &mut OpenStream, kind: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let line = self.line(stream).unwrap().expect("a line");
            let value: Value = serde_json::from_str(&line).unwrap();
            if value["type"] == kind {
                return value;
            }
        }
        panic!("no {kind}");
    }

    /// Waits until the connection ends, and says how.
    #[track_caller]
    pub fn end(&mut self) -> Result<(), Error> {
        let connection = &mut self.connection;
        let ended = async { timeout(PATIENCE, connection).await };
        self.runtime.block_on(ended).expect("it ends").unwrap()
    }

    #[track_caller]
    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        let waiting = async { timeout(PATIENCE, future).await };
        self.runtime.block_on(waiting).expect("something in time")
    }
}

async fn whole(response: ResponseFuture) -> Result<Answer, Error> {
    let (head, mut body) = response.await?.into_parts();
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok(answer(&head, bytes))
}

fn answer(head: &http::response::Parts, body: Vec<u8>) -> Answer {
    let fields = head.headers.iter().map(|(name, value)| {
        let value = value.to_str().expect("a field in ASCII");
        (name.as_str().to_owned(), value.to_owned())
    });
    Answer { status: head.status.as_u16(), fields: fields.collect(), body }
}
