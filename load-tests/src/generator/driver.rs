//! The parent's side of the generator: a child process to talk to.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};

use std::thread;
use std::time::{Duration, Instant};

use super::command::{
    Command, Counted, Load, Loaded, Open, Opened, Report, Requested, Requests,
};
use crate::interrupt;

/// How long it may take to end when there is nothing more to do.
const PATIENCE: Duration = Duration::from_secs(5);

/// A generator that is running.
#[derive(Debug)]
pub struct Generator {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Generator {
    /// Starts a generator for `server`, on processor `cpu` if given.
    ///
    /// # Errors
    /// If this program cannot be started again.
    pub fn start(
        server: SocketAddr,
        cpu: Option<usize>,
    ) -> io::Result<Generator> {
        let mut process = Process::new(crate::server::own_program()?);
        process.arg("generator").arg(server.to_string());
        if let Some(cpu) = cpu {
            process.arg("--cpu").arg(cpu.to_string());
        }
        let mut child =
            process.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        interrupt::adopt(child.id());
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let stdout = stdout.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Generator { child, stdin, stdout: BufReader::new(stdout) })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Says something that has no answer, or whose answer is fetched later.
    ///
    /// # Errors
    /// If the generator has ended.
    pub fn tell(&mut self, command: &Command) -> io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = serde_json::to_vec(command)?;
        line.push(b'\n');
        stdin.write_all(&line)
    }

    /// The next report.
    ///
    /// # Errors
    /// If the generator has ended, or says that it cannot go on.
    fn hear(&mut self) -> io::Result<Report> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            return Err(io::Error::other("the generator has ended"));
        }
        match serde_json::from_str(&line)? {
            Report::Failed(why) => Err(io::Error::other(why)),
            report => Ok(report),
        }
    }

    /// Connects readers.
    ///
    /// # Errors
    /// If the generator has ended.
    pub fn open(&mut self, open: Open) -> io::Result<Opened> {
        self.tell(&Command::Open(open))?;
        match self.hear()? {
            Report::Opened(opened) => Ok(opened),
            other => Err(unexpected(&other)),
        }
    }

    /// Posts, and counts what arrives.
    ///
    /// # Errors
    /// If the generator has ended.
    pub fn load(&mut self, load: Load) -> io::Result<Loaded> {
        self.tell(&Command::Load(load))?;
        self.loaded()
    }

    /// Waits for the end of a load begun with [`tell`](Generator::tell).
    ///
    /// # Errors
    /// If the generator has ended.
    pub fn loaded(&mut self) -> io::Result<Loaded> {
        match self.hear()? {
            Report::Loaded(loaded) => Ok(*loaded),
            // Questions asked meanwhile may end first.
            Report::Requested(_) => self.loaded(),
            other => Err(unexpected(&other)),
        }
    }

    /// Asks for a path again and again.
    ///
    /// # Errors
    /// If the generator has ended.
    pub fn requests(&mut self, requests: Requests) -> io::Result<Requested> {
        self.tell(&Command::Requests(requests))?;
        match self.hear()? {
            Report::Requested(requested) => Ok(*requested),
            other => Err(unexpected(&other)),
        }
    }

    /// Closes a group.
    ///
    /// # Errors
    /// If the generator has ended.
    pub fn close(&mut self, group: &str) -> io::Result<()> {
        self.tell(&Command::Close(group.to_owned()))?;
        match self.hear()? {
            Report::Closed => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// How things stand.
    ///
    /// # Errors
    /// If the generator has ended.
    pub fn count(&mut self) -> io::Result<Counted> {
        self.tell(&Command::Count)?;
        match self.hear()? {
            Report::Counted(counted) => Ok(counted),
            other => Err(unexpected(&other)),
        }
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        // Without stdin it ends by itself; waiting leaves no zombie.
        self.stdin = None;
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = self.child.kill();
            }
            thread::sleep(Duration::from_millis(5));
        }
        interrupt::release(self.child.id());
    }
}

fn unexpected(report: &Report) -> io::Error {
    let text = format!("{report:?}");
    let start: String = text.chars().take(80).collect();
    io::Error::other(format!("not what was asked for: {start}"))
}
