//! The least a broadcast can cost: a loop that does nothing but send.
//!
//! One thread, no rooms, no history, no limits, no answer to a post. What it
//! takes is what the kernel takes; what a server takes beyond it is its own.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::fd::OwnedFd;

use crate::Outcome;
use crate::crowd::{BETWEEN, MESSAGE};

/// The event of the listener; the others are the clients' numbers.
const LISTENER: u64 = u64::MAX;
/// The head of a posted frame: two bytes, a length of two, a mask of four.
const POST_HEAD: usize = 8;

/// Serves until it is killed.
pub(crate) fn serve() -> Outcome<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("listening on http://{}/", listener.local_addr()?);
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    add(&epoll, &listener, LISTENER)?;
    let mut clients: Vec<TcpStream> = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let mut seq = 0;
    loop {
        let mut events = Vec::with_capacity(64);
        epoll::wait(&epoll, spare_capacity(&mut events), None)?;
        for event in events {
            if event.data.u64() == LISTENER {
                let client = shake_hands(listener.accept()?.0)?;
                add(&epoll, &client, clients.len() as u64)?;
                clients.push(client);
                continue;
            }
            let mut client = &clients[event.data.u64() as usize];
            let length = client.read(&mut buffer)?;
            if length == 0 {
                return Ok(());
            }
            let batch = messages(&buffer[..length], &mut seq);
            for mut client in &clients {
                // One that does not keep up spoils the run, which shows it.
                let _ = client.write(&batch);
            }
        }
    }
}

fn add(
    epoll: &OwnedFd,
    socket: &impl std::os::fd::AsFd,
    number: u64,
) -> io::Result<()> {
    let data = epoll::EventData::new_u64(number);
    Ok(epoll::add(epoll, socket, data, epoll::EventFlags::IN)?)
}

fn shake_hands(mut client: TcpStream) -> io::Result<TcpStream> {
    client.set_nodelay(true)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    client.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")?;
    socket2::SockRef::from(&client).set_tcp_congestion(b"cubic")?;
    client.set_nonblocking(true)?;
    Ok(client)
}

/// What everyone is sent for the posts in `bytes`. (They come whole: a post
/// is written in one call, and is short.)
fn messages(mut bytes: &[u8], seq: &mut u64) -> Vec<u8> {
    let mut batch = Vec::new();
    while let [_, _, high, low, ..] = *bytes {
        let end = POST_HEAD + usize::from(u16::from_be_bytes([high, low]));
        let Some(post) = bytes.get(POST_HEAD..end) else { break };
        bytes = &bytes[end..];
        let key = br#""text":""#;
        let text = post.windows(key.len()).position(|part| part == key);
        // Anything else is a pong, or what it was not written for.
        let Some(text) = text else { break };
        *seq += 1;
        let number = seq.to_string();
        let text = &post[text + key.len()..];
        let json = [MESSAGE, number.as_bytes(), BETWEEN, text].concat();
        batch.extend([0x81, 126]);
        batch.extend((json.len() as u16).to_be_bytes());
        batch.extend(json);
    }
    batch
}
