//! A WebSocket client: tungstenite's.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::protocol::CloseFrame;
use tungstenite::{Bytes, Error, Message as Frame, WebSocket};

use super::{PATIENCE, Server};

/// An open WebSocket.
pub struct Socket(WebSocket<TcpStream>);

impl Socket {
    /// Opens the socket of a room.
    #[track_caller]
    pub fn open(server: &Server, room: &str) -> Socket {
        Socket::path(server, &format!("/api/rooms/{room}/socket"))
    }

    /// Opens the socket at a path.
    #[track_caller]
    pub fn path(server: &Server, path: &str) -> Socket {
        Socket::connect(server.address, path).expect("a socket")
    }

    /// Opens the socket at a path of an address.
    pub fn connect(address: SocketAddr, path: &str) -> io::Result<Socket> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let url = format!("ws://{address}{path}");
        match tungstenite::client(url, stream) {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(error) => Err(io::Error::other(error.to_string())),
        }
    }

    /// The next object, of whatever type.
    #[track_caller]
    pub fn any(&mut self) -> Value {
        match self.try_any(PATIENCE) {
            Ok(Some(value)) => value,
            Ok(None) => panic!("the socket was closed"),
            Err(error) => panic!("{error}"),
        }
    }

    /// The next object that is not about who is there.
    #[track_caller]
    pub fn next(&mut self) -> Value {
        loop {
            let value = self.any();
            if value["type"] != "presence" && value["type"] != "typing" {
                return value;
            }
        }
    }

    /// The next object of a type; others are passed over.
    #[track_caller]
    pub fn until(&mut self, kind: &str) -> Value {
        loop {
            let value = self.any();
            if value["type"] == kind {
                return value;
            }
        }
    }

    /// The next object, if one comes in time; `None` is a close frame.
    pub fn try_any(&mut self, patience: Duration) -> io::Result<Option<Value>> {
        match self.frame(patience)? {
            Frame::Text(text) => {
                Ok(Some(serde_json::from_str(&text).expect("JSON")))
            }
            Frame::Close(_) => Ok(None),
            other => panic!("a frame of text, not {other:?}"),
        }
    }

    /// The next message or close frame; pings are answered on the way.
    pub fn frame(&mut self, patience: Duration) -> io::Result<Frame> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = left.max(Duration::from_millis(1));
            self.0.get_ref().set_read_timeout(Some(left))?;
            match self.0.read() {
                Ok(Frame::Ping(_) | Frame::Pong(_)) => {}
                Ok(frame) => return Ok(frame),
                Err(Error::Io(error)) => return Err(error),
                Err(error) => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        error.to_string(),
                    ));
                }
            }
        }
    }

    /// Reads on until the server closes, and says with which code.
    #[track_caller]
    pub fn closed(&mut self) -> u16 {
        loop {
            match self.frame(PATIENCE) {
                Ok(Frame::Close(Some(CloseFrame { code, .. }))) => {
                    return code.into();
                }
                Ok(Frame::Close(None)) => return 1005,
                Ok(_) => {}
                Err(error) => panic!("no close frame: {error}"),
            }
        }
    }

    /// Closes from this side.
    pub fn close(&mut self) {
        let _ = self.0.close(Some(CloseFrame {
            code: 1000.into(),
            reason: "done".into(),
        }));
        let _ = self.0.flush();
    }

    /// Sends an object.
    pub fn send(&mut self, value: &Value) {
        self.text(&value.to_string());
    }

    /// Sends a post.
    pub fn post(&mut self, id: &str, text: &str) {
        let post =
            json!({"type": "post", "id": id, "nick": "ada", "text": text});
        self.send(&post);
    }

    /// Sends a text, whatever it is; that the server has left is no error
    /// here.
    pub fn text(&mut self, text: &str) {
        let _ = self.try_text(text);
    }

    /// Sends a text.
    pub fn try_text(&mut self, text: &str) -> io::Result<()> {
        let sent = self.0.send(Frame::text(text));
        sent.map_err(|error| io::Error::other(error.to_string()))
    }

    /// Sends a binary message.
    pub fn binary(&mut self, bytes: impl Into<Bytes>) {
        let _ = self.0.send(Frame::Binary(bytes.into()));
    }
}
