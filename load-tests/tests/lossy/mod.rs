//! A proxy in front of a real server that tampers with the WebSocket frames
//! on their way to the readers.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// What to do to every nth message frame of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mischief {
    /// Leave it out.
    Lose(usize),
    /// Send it twice.
    Repeat(usize),
}

/// Starts the proxy; it ends with the test's process.
pub(crate) fn start(server: SocketAddr, mischief: Mischief) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(upstream) = TcpStream::connect(server) else { return };
            relay(client, upstream, mischief);
        }
    });
    address
}

fn spawn(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().spawn(work).expect("a thread");
}

fn relay(client: TcpStream, upstream: TcpStream, mischief: Mischief) {
    let (mut from, mut to) = (
        client.try_clone().expect("a second handle"),
        upstream.try_clone().expect("a second handle"),
    );
    spawn(move || {
        // Either side may leave whenever it likes.
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    spawn(move || {
        let _ = tamper(upstream, &client, mischief);
        let _ = client.shutdown(Shutdown::Both);
    });
}

fn tamper(
    mut upstream: TcpStream,
    mut client: &TcpStream,
    mischief: Mischief,
) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    let (mut is_open, mut messages) = (false, 0);
    loop {
        let mut bytes = [0; 4096];
        let length = upstream.read(&mut bytes)?;
        if length == 0 {
            return Ok(());
        }
        buffer.extend_from_slice(&bytes[..length]);
        if !is_open {
            let end = buffer.windows(4).position(|w| w == b"\r\n\r\n");
            let Some(end) = end else { continue };
            client.write_all(&buffer[..end + 4])?;
            buffer.drain(..end + 4);
            is_open = true;
        }
        while let Some(length) = frame_length(&buffer) {
            let frame: Vec<u8> = buffer.drain(..length).collect();
            let text = String::from_utf8_lossy(&frame);
            let is_message = text.contains("\"type\":\"message\"");
            messages += usize::from(is_message);
            let copies = match mischief {
                Mischief::Lose(n) if is_message && messages % n == 0 => 0,
                Mischief::Repeat(n) if is_message && messages % n == 0 => 2,
                _ => 1,
            };
            client.write_all(&frame.repeat(copies))?;
        }
    }
}

/// The whole length of the first frame, if it is all there.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let length = match *bytes.get(1)? & 0x7f {
        126 => {
            let length = bytes.get(2..4)?.try_into().ok()?;
            4 + usize::from(u16::from_be_bytes(length))
        }
        length => 2 + usize::from(length),
    };
    (bytes.len() >= length).then_some(length)
}
