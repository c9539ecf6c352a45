//! A tunnel: speaks TLS with a server for clients that cannot, so that every
//! client of the tests is one over TLS as well.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::Server;

/// What a client needs to trust one certificate, offering these protocols.
pub fn trusting(certificate: &Path, protocols: &[&str]) -> Arc<ClientConfig> {
    let certificate = CertificateDer::from_pem_file(certificate).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    let mut config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols =
        protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config.into()
}

/// The client's half of TLS with a server.
pub fn client(config: &Arc<ClientConfig>) -> ClientConnection {
    let name = "localhost".try_into().unwrap();
    ClientConnection::new(Arc::clone(config), name).unwrap()
}

/// From here on, connections to `server` go through a tunnel.
pub fn through_tls(server: &mut Server, certificate: &Path) {
    through_tls_as(server, certificate, "http/1.1");
}

/// The same, for a protocol that the server has to agree on.
pub fn through_tls_as(server: &mut Server, certificate: &Path, protocol: &str) {
    let config = trusting(certificate, &[protocol]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to =
        std::mem::replace(&mut server.address, listener.local_addr().unwrap());
    start("tunnel", move || {
        for stream in listener.incoming() {
            let (stream, config) = (stream.unwrap(), Arc::clone(&config));
            // One that cannot be opened is one that ends.
            start("tunnel", move || drop(carry(&stream, to, &config)));
        }
    });
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) {
    let builder = thread::Builder::new().name(name.into());
    builder.spawn(work).unwrap();
}

/// Carries one connection, until both its halves have ended.
fn carry(
    near: &TcpStream,
    to: SocketAddr,
    config: &Arc<ClientConfig>,
) -> io::Result<()> {
    let far = TcpStream::connect(to)?;
    // The tunnel is no place for bytes that a slow reader does not take.
    for stream in [near, &far] {
        stream.set_nodelay(true)?;
        let socket = socket2::SockRef::from(stream);
        socket.set_recv_buffer_size(64 << 10)?;
        socket.set_send_buffer_size(64 << 10)?;
    }
    let mut tls = client(config);
    while tls.is_handshaking() {
        tls.complete_io(&mut &far)?;
    }
    let tls = Mutex::new(tls);
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = outwards(near, &far, &tls);
            let _ = far.shutdown(Shutdown::Write);
        });
        let _ = inwards(near, &far, &tls);
        let _ = near.shutdown(Shutdown::Both);
    });
    Ok(())
}

fn outwards(
    mut near: &TcpStream,
    mut far: &TcpStream,
    tls: &Mutex<ClientConnection>,
) -> io::Result<()> {
    let mut some = [0; 16 << 10];
    loop {
        let length = near.read(&mut some)?;
        let mut tls = tls.lock().unwrap();
        match length {
            0 => tls.send_close_notify(),
            _ => tls.writer().write_all(&some[..length])?,
        }
        let mut sealed = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut sealed)?;
        }
        drop(tls);
        far.write_all(&sealed)?;
        if length == 0 {
            return Ok(());
        }
    }
}

fn inwards(
    mut near: &TcpStream,
    mut far: &TcpStream,
    tls: &Mutex<ClientConnection>,
) -> io::Result<()> {
    let mut some = [0; 16 << 10];
    loop {
        let length = far.read(&mut some)?;
        let mut sealed = &some[..length];
        let mut plain = Vec::new();
        let mut tls = tls.lock().unwrap();
        while !sealed.is_empty() {
            tls.read_tls(&mut sealed)?;
            let state = tls.process_new_packets().map_err(io::Error::other)?;
            let waiting = state.plaintext_bytes_to_read();
            let mut reader = tls.reader().take(waiting as u64);
            reader.read_to_end(&mut plain)?;
            if state.peer_has_closed() {
                near.write_all(&plain)?;
                return Ok(());
            }
        }
        drop(tls);
        near.write_all(&plain)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
