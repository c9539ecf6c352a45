//! The server under test: started by us, pinned, on a port of its own; or one
//! that was running already.

use std::ffi::OsString;
use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::interrupt;

/// How long a server may take to say where it listens.
const START: Duration = Duration::from_secs(10);

/// How long it may take to end when asked, before it is killed.
const STOP: Duration = Duration::from_secs(5);

/// How to start a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where to start it.
    pub directory: Option<PathBuf>,
    /// The processor it stays on.
    pub cpu: Option<usize>,
}

impl Recipe {
    /// The program itself; or this one, which pins itself and then becomes
    /// the program.
    fn process(&self) -> io::Result<Command> {
        let Some(cpu) = self.cpu else {
            let (program, arguments) = self
                .command
                .split_first()
                .ok_or_else(|| io::Error::other("no command to start"))?;
            let mut command = Command::new(program);
            command.args(arguments);
            return Ok(command);
        };
        let mut command = Command::new(own_program()?);
        command.arg("pinned").arg("--cpu").arg(cpu.to_string());
        command.arg("--").args(&self.command);
        Ok(command)
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its process, if known.
    pub pid: Option<u32>,
    /// What it said when it started, line by line.
    pub said: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// A server that somebody else has started.
    pub fn running(address: SocketAddr, pid: Option<u32>) -> Server {
        Server { address, pid, said: Vec::new(), child: None }
    }

    /// Starts a server and waits until it says where it listens.
    ///
    /// # Errors
    /// If it cannot be started, ends, or says nothing for 10 s.
    pub fn start(recipe: &Recipe) -> io::Result<Server> {
        let mut command = recipe.process()?;
        if let Some(directory) = &recipe.directory {
            command.current_dir(directory);
        }
        // A group of its own: a Ctrl-C in the terminal is for us to handle.
        command.process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(stderr());
        let mut child = command.spawn()?;
        interrupt::adopt(child.id());
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut server = Server {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            pid: Some(child.id()),
            said: Vec::new(),
            child: Some(child),
        };
        server.listen_to(BufReader::new(stdout))?;
        Ok(server)
    }

    /// Reads what the server says until it is ready. A thread goes on reading
    /// until it ends: a full pipe would stop the server.
    fn listen_to(
        &mut self,
        stdout: impl io::BufRead + Send + 'static,
    ) -> io::Result<()> {
        let (sender, lines) = mpsc::sync_channel(64);
        thread::Builder::new().name("server output".to_owned()).spawn(
            move || {
                for line in stdout.lines().map_while(Result::ok) {
                    // Once nobody listens, lines are dropped.
                    let _ = sender.try_send(line);
                }
            },
        )?;
        loop {
            let line = lines.recv_timeout(START).map_err(|_| {
                io::Error::other("the server did not say where it listens")
            })?;
            let address = line.strip_prefix("listening on http://");
            self.said.push(line.clone());
            if let Some(address) = address {
                self.address = address
                    .trim_end_matches('/')
                    .parse()
                    .map_err(io::Error::other)?;
                break;
            }
        }
        // What else it says, it says at once.
        while let Ok(line) = lines.recv_timeout(Duration::from_millis(100)) {
            self.said.push(line);
        }
        Ok(())
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            interrupt::release(child.id());
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        match (&mut self.child, self.pid) {
            (Some(child), _) => matches!(child.try_wait(), Ok(None)),
            (None, Some(pid)) => crate::proc::memory(pid).is_some(),
            (None, None) => true,
        }
    }

    /// Asks it to end, and ends it if it does not.
    fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        interrupt::kill(child.id(), Signal::TERM);
        let steps = STOP.as_millis() / 10;
        for _ in 0..steps {
            if !matches!(child.try_wait(), Ok(None)) {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        interrupt::release(child.id());
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Servers log to stderr; shown only when asked for, since a log line between
/// two lines of progress explains nothing.
fn stderr() -> Stdio {
    match std::env::var_os("LOAD_TESTS_SHOW_LOGS") {
        Some(_) => Stdio::inherit(),
        None => Stdio::null(),
    }
}

/// This very program.
///
/// # Errors
/// If it cannot be found.
pub fn own_program() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// Becomes another program on one processor: the pid stays, and every thread
/// that program starts is pinned from its first instruction on.
pub fn become_pinned(cpu: Option<usize>, command: &[OsString]) -> io::Error {
    if let Some(cpu) = cpu
        && let Err(e) = crate::pin::pin(cpu)
    {
        return e.into();
    }
    match command.split_first() {
        Some((program, arguments)) => {
            Command::new(program).args(arguments).exec()
        }
        None => io::Error::other("no command to become"),
    }
}

/// A plain GET with a deadline; the status and the body. For looking at a
/// server from outside a measurement.
///
/// # Errors
/// Those of the connection.
pub fn get(
    address: SocketAddr,
    path: &str,
    patience: Duration,
) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    let status = text
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .ok_or(io::ErrorKind::InvalidData)?;
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, body.to_owned()))
}
