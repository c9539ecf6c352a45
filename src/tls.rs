//! TLS: the certificate, and one client's session.
//!
//! Floor 2. A session does no I/O, like everything below the twins: bytes of
//! the network in, bytes of the application out, and back. rustls does the
//! cryptography. What the twins add is who calls it, and what that one holds
//! meanwhile.

use std::fmt::Display;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

use crate::config::{Certificate, Config, Kind};
use crate::store::Place;

/// All that can be said before a handshake: the alert `internal_error` (RFC
/// 8446, section 6), for a client that cannot be let in.
pub const REFUSAL: &[u8] = &[21, 3, 3, 0, 2, 2, 80];
/// The names of HTTP in the handshake (RFC 7301, RFC 9113).
const HTTP1: &[u8] = b"http/1.1";
const HTTP2: &[u8] = b"h2";

/// A server's half of TLS: from here sessions come.
pub struct Tls {
    config: Arc<ServerConfig>,
    fingerprint: String,
}

/// One client's TLS, from the first byte of its handshake on.
pub struct Session {
    rustls: ServerConnection,
    /// Decrypted, and not yet taken.
    plain: Vec<u8>,
    /// Whether the client has said that it sends no more.
    ended: bool,
}

impl Tls {
    /// TLS as the operator asked for it; `None` if nobody did.
    ///
    /// # Errors
    /// A sentence about a file that cannot be read, or does not hold what it
    /// should.
    pub fn new(config: &Config) -> Result<Option<Tls>, String> {
        let (chain, key) = match &config.tls {
            None => return Ok(None),
            Some(Certificate::Files { chain, key }) => load(chain, key)?,
            Some(Certificate::SelfSigned) => self_signed(config)?,
        };
        let fingerprint = fingerprint(&chain[0]);
        let builder =
            ServerConfig::builder_with_provider(default_provider().into())
                .with_safe_default_protocol_versions()
                .map_err(|error| cannot("start TLS", &error))?;
        let mut rustls = builder
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| cannot("use the certificate", &error))?;
        rustls.alpn_protocols = match config.kind {
            Kind::Threads => vec![HTTP1.to_vec()],
            Kind::EventLoop => vec![HTTP2.to_vec(), HTTP1.to_vec()],
        };
        Ok(Some(Tls { config: rustls.into(), fingerprint }))
    }

    /// The SHA-256 of the certificate, as other programs print it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The session of a new client.
    pub fn session(&self) -> Session {
        let mut rustls = ServerConnection::new(Arc::clone(&self.config))
            .expect("the configuration has been used before");
        // Whoever seals takes all of it out at once: what must be bounded is
        // what waits for the network, and the outbox bounds it.
        rustls.set_buffer_limit(None);
        Session { rustls, plain: Vec::new(), ended: false }
    }
}

impl Session {
    /// Takes in what the network brought.
    ///
    /// # Errors
    /// It is not TLS, or not sound. `take_output` then has the alert that
    /// says so, and nothing more can be done.
    pub fn receive(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() && !self.ended {
            if self.rustls.read_tls(&mut bytes)? == 0 {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let state = self.rustls.process_new_packets();
            let state = state.map_err(io::Error::other)?;
            let waiting = state.plaintext_bytes_to_read();
            let mut reader = self.rustls.reader().take(waiting as u64);
            reader.read_to_end(&mut self.plain)?;
            self.ended = state.peer_has_closed();
        }
        Ok(())
    }

    /// Takes everything that has been decrypted; nothing when the client has
    /// closed, `None` if it has said nothing more.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        if self.plain.is_empty() && !self.ended {
            return None;
        }
        Some(std::mem::take(&mut self.plain))
    }

    /// Whether nothing can be said yet.
    pub fn is_handshaking(&self) -> bool {
        self.rustls.is_handshaking()
    }

    /// Whether client and server agreed on HTTP/2.
    pub fn is_http2(&self) -> bool {
        self.rustls.alpn_protocol() == Some(HTTP2)
    }

    /// Encrypts, in the order of the calls: what comes out has to reach the
    /// network in that order, whole.
    pub fn seal(&mut self, bytes: &[u8]) -> Vec<u8> {
        // It has no bound, so it takes everything.
        let taken = self.rustls.writer().write_all(bytes);
        debug_assert!(taken.is_ok());
        self.take_output()
    }

    /// Says that nothing more will be said (`close_notify`): without it, the
    /// client could not tell an end from a connection that was cut.
    pub fn close(&mut self) -> Vec<u8> {
        self.rustls.send_close_notify();
        self.take_output()
    }

    /// What the session itself wants to say: its half of the handshake, and
    /// alerts.
    pub fn take_output(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        while self.rustls.wants_write() {
            // A vector takes everything.
            let written = self.rustls.write_tls(&mut out);
            debug_assert!(written.is_ok());
        }
        out
    }
}

type ChainAndKey = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Reads a certificate, those of its issuers, and its key, all in PEM.
fn load(chain: &Path, key: &Path) -> Result<ChainAndKey, String> {
    let bytes = fs::read(chain).map_err(|e| cannot_read(chain, &e))?;
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(&bytes).collect();
    let certificates = certificates.map_err(|e| cannot_read(chain, &e))?;
    if certificates.is_empty() {
        let file = chain.display();
        return Err(format!("there is no certificate (PEM) in {file}"));
    }
    let bytes = fs::read(key).map_err(|e| cannot_read(key, &e))?;
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
        let file = key.display();
        format!("there is no private key (PEM) in {file}")
    })?;
    Ok((certificates, key))
}

/// A certificate of our own, kept beside the history: whoever has checked its
/// fingerprint once meets the same one after a restart.
fn self_signed(config: &Config) -> Result<ChainAndKey, String> {
    let Place::File(history) = &config.place else {
        let (certificate, key) = make(config)?;
        let key = key.serialize_der().try_into();
        let key = key.map_err(|e: &str| cannot("use a new key", &e))?;
        return Ok((vec![certificate.der().clone()], key));
    };
    let (chain, key) = (beside(history, "cert"), beside(history, "key"));
    match (chain.exists(), key.exists()) {
        (true, true) => (),
        (false, false) => {
            let (certificate, pair) = make(config)?;
            keep(&key, &pair.serialize_pem())?;
            keep(&chain, &certificate.pem())?;
        }
        (true, false) => return Err(alone(&chain, &key)),
        (false, true) => return Err(alone(&key, &chain)),
    }
    load(&chain, &key)
}

/// `twinchat.db` becomes `twinchat-cert.pem`.
fn beside(history: &Path, what: &str) -> PathBuf {
    let stem = history.file_stem().unwrap_or_default().to_string_lossy();
    history.with_file_name(format!("{stem}-{what}.pem"))
}

fn make(config: &Config) -> Result<(rcgen::Certificate, KeyPair), String> {
    let mut names = vec!["localhost", "127.0.0.1", "::1"];
    let own = config.listen.ip().to_string();
    if !config.listen.ip().is_unspecified() && !names.contains(&&*own) {
        names.push(&own);
    }
    let names: Vec<_> = names.into_iter().map(str::to_owned).collect();
    let failed = |error| cannot("make a certificate", &error);
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = CertificateParams::new(names)
        .and_then(|parameters| parameters.self_signed(&key))
        .map_err(failed)?;
    Ok((certificate, key))
}

/// Writes a file that only its owner may read.
fn keep(path: &Path, text: &str) -> Result<(), String> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    let bytes: Vec<_> =
        digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

fn alone(there: &Path, missing: &Path) -> String {
    format!(
        "{} is there, and {} that belongs to it is not: bring it back, or \
         remove the other, and a new pair is made",
        there.display(),
        missing.display()
    )
}

fn cannot_read(path: &Path, why: &dyn Display) -> String {
    format!("cannot read {}: {why}", path.display())
}

fn cannot(what: &str, why: &dyn Display) -> String {
    format!("cannot {what}: {why}")
}
