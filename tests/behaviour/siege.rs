//! A server that is attacked again and again, and must be as it was each time.

use crate::harness::{Kind, PlainSocket, Server, Wire, eventually, opcode};

/// A server under attack, and how it stands when nobody is connected.
pub struct Siege {
    /// The server.
    pub server: Server,
    descriptors: usize,
    threads: usize,
    /// How many attacks it has stood.
    stood: usize,
}

impl Siege {
    /// Starts one.
    pub fn begin(on: Kind) -> Siege {
        let server = Server::start(on);
        let descriptors = server.descriptors_at_rest();
        let threads = server.threads();
        Siege { server, descriptors, threads, stood: 0 }
    }

    /// Sends bytes as a whole connection's worth; holds that the answer has
    /// one of these statuses, 0 being none at all.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>, statuses: &[u16]) {
        let bytes = bytes.as_ref();
        let mut wire = Wire::open(&self.server);
        wire.send(bytes);
        wire.finish();
        let status = wire.answer_or_end().map_or(0, |answer| answer.status);
        let shown = bytes[..bytes.len().min(200)].escape_ascii();
        assert!(statuses.contains(&status), "{status} for {shown}");
        drop(wire);
        self.stands();
    }

    /// Sends frames on a socket; holds that it is closed with one of these
    /// codes, 0 being that it stays open.
    #[track_caller]
    pub fn frames(&mut self, bytes: &[u8], codes: &[u16]) {
        for codec in ["", "-by-hand"] {
            let path = format!("/api/rooms/siege/socket{codec}");
            let mut socket = PlainSocket::open(&self.server, &path);
            socket.wire.send(bytes);
            socket.send(0x80 | opcode::PING, b"alive");
            let code = loop {
                let frame = socket.frame();
                match frame.opcode() {
                    opcode::CLOSE => break frame.close_code(),
                    opcode::PONG if frame.payload == b"alive" => break 0,
                    _ => {}
                }
            };
            let shown = bytes[..bytes.len().min(100)].escape_ascii();
            assert!(codes.contains(&code), "{codec}: {code} for {shown}");
            drop(socket);
            self.stands();
        }
    }

    /// Holds that all is as it was.
    #[track_caller]
    pub fn stands(&mut self) {
        assert!(self.server.is_alive(), "{}", self.server.log());
        let mut good = Wire::open(&self.server);
        good.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(good.answer().status, 200);
        drop(good);
        let Siege { server, descriptors, threads, .. } = self;
        eventually("descriptors and threads are back", || {
            server.descriptors() <= *descriptors && server.threads() <= *threads
        });
        self.stood += 1;
    }

    /// Holds that it was enough of an attack.
    #[track_caller]
    pub fn stood(&self, least: usize) {
        assert!(self.stood >= least, "only {} attacks", self.stood);
        assert!(!self.server.log().contains("panicked"));
    }
}
