//! Sockets to one server on this machine: from many source addresses, and
//! with the kernel's own note of when bytes arrived.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::AsRawFd;

use mio::net::TcpStream;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt,
};
use nix::sys::time::TimeSpec;
use rustix::time::{ClockId, clock_gettime};
use socket2::{Domain, Socket, Type};

/// A source address has about 28 000 ports; this many addresses have enough.
const SOURCE_ADDRESSES: usize = 16;

/// Read at once. Larger than any burst for one reader.
const READ_BYTES: usize = 64 * 1024;

/// Nanoseconds since 1970, on the clock that the kernel's timestamps use.
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Realtime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Begins to connect the `nth` client to `server`.
///
/// # Errors
/// `EMFILE` without descriptors, `EADDRNOTAVAIL` without ports; and a server
/// that is not on this machine is refused outright.
pub fn connect(
    server: SocketAddr,
    nth: usize,
    receive_buffer: Option<usize>,
) -> io::Result<TcpStream> {
    if !server.is_ipv4() || !server.ip().is_loopback() {
        return Err(io::Error::other("load is for 127.0.0.0/8 only"));
    }
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    // Not fatal: without it, arrival is the time of reading.
    let _ = setsockopt(&socket, sockopt::ReceiveTimestampns, &true);
    let last = (nth % SOURCE_ADDRESSES) as u8 + 2;
    let source = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, last), 0);
    socket.bind(&SocketAddr::from(source).into())?;
    match socket.connect(&server.into()) {
        Err(e) if e.raw_os_error() == Some(EINPROGRESS) => {}
        done => done?,
    }
    Ok(TcpStream::from_std(socket.into()))
}

/// The connection is under way: connect(2).
const EINPROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();

/// Reads sockets into one buffer.
#[derive(Debug)]
pub struct Receiver {
    buffer: Vec<u8>,
    control: Vec<u8>,
}

/// What one read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// How many bytes; 0 is the end.
    pub length: usize,
    /// When the last of them reached this machine's kernel, if it says.
    pub at: Option<u64>,
}

impl Default for Receiver {
    fn default() -> Self {
        let control = nix::cmsg_space!(TimeSpec);
        Receiver { buffer: vec![0; READ_BYTES], control }
    }
}

impl Receiver {
    /// Reads once.
    ///
    /// # Errors
    /// Those of recvmsg(2); `WouldBlock` when there is nothing.
    pub fn receive(&mut self, socket: &TcpStream) -> io::Result<Arrival> {
        let mut slices = [IoSliceMut::new(&mut self.buffer)];
        let message = recvmsg::<()>(
            socket.as_raw_fd(),
            &mut slices,
            Some(&mut self.control),
            MsgFlags::MSG_DONTWAIT,
        )?;
        // Of several segments read at once the kernel reports the newest:
        // the older ones are counted as later than they were, never earlier.
        let at = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(time) => {
                let seconds = time.tv_sec() as u64;
                Some(seconds * 1_000_000_000 + time.tv_nsec() as u64)
            }
            _ => None,
        });
        Ok(Arrival { length: message.bytes, at })
    }

    /// The bytes that the last read found.
    pub fn bytes(&self, arrival: Arrival) -> &[u8] {
        &self.buffer[..arrival.length]
    }
}
