//! The real binary, in a process of its own, on a port of its own.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{PATIENCE, eventually};

/// Which of the servers: the value of `--server`.
#[derive(Clone, Copy, Debug)]
pub struct Kind(pub &'static str);

/// How a server is to be started.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Options with their values; those set later win.
    options: Vec<(String, OsString)>,
    /// Options without a value.
    flags: Vec<String>,
    /// Variables of its environment.
    variables: Vec<(String, OsString)>,
    /// Where it is started, if that is not here.
    directory: Option<PathBuf>,
}

/// A running server. Dropped, it is killed.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it printed, a line each.
    said: Arc<Mutex<Vec<String>>>,
    /// What it logged.
    log: Arc<Mutex<String>>,
}

impl Setup {
    /// A server without a disk, an operator's endpoint, or a bound on what
    /// one address may do.
    pub fn new(kind: Kind) -> Setup {
        Setup::default()
            .option("--server", kind.0)
            .option("--listen", "127.0.0.1:0")
            .option("--history", "memory")
            .option("--admin", "none")
            .option("--max-per-ip", "0")
            .option("--post-rate", "0")
    }

    /// With an option; one that was set before is replaced.
    #[must_use]
    pub fn option(mut self, name: &str, value: impl Into<OsString>) -> Setup {
        self.options.retain(|(n, _)| n != name);
        self.options.push((name.to_owned(), value.into()));
        self
    }

    /// Without an option.
    #[must_use]
    pub fn without(mut self, name: &str) -> Setup {
        self.options.retain(|(n, _)| n != name);
        self
    }

    /// With an option that has no value.
    #[must_use]
    pub fn flag(mut self, name: &str) -> Setup {
        self.flags.push(name.to_owned());
        self
    }

    /// With a variable in its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Setup {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Started in a directory.
    #[must_use]
    pub fn directory(mut self, path: &Path) -> Setup {
        self.directory = Some(path.to_owned());
        self
    }

    /// The command that starts it.
    pub fn command(&self) -> Command {
        let here = Path::new(".");
        let mut command = Command::new(binary());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TWINCHAT_") {
                command.env_remove(name);
            }
        }
        command.env_remove("RUST_LOG");
        command.envs(self.variables.clone());
        for (name, value) in &self.options {
            command.arg(name).arg(value);
        }
        command.args(&self.flags);
        command.current_dir(self.directory.as_deref().unwrap_or(here));
        command.stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts it, and waits until it listens.
    #[track_caller]
    pub fn start(&self) -> Server {
        self.start_as(self.command())
    }

    /// Starts it by another command than its own.
    #[track_caller]
    pub fn start_as(&self, mut command: Command) -> Server {
        let mut child = command.spawn().expect("the binary starts");
        let said = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::new(Mutex::new(String::new()));
        listen_to(&mut child, &said, &log);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Server { child, address, said, log };
        let url = server.line("listening on ");
        let (_, address) = url.split_once("://").unwrap();
        server.address = address.trim_end_matches('/').parse().unwrap();
        server
    }
}

/// The program under test: the one that was just built, or the one that
/// `TWINCHAT_BINARY` names (a release build, one of another version).
pub fn binary() -> PathBuf {
    let built = env!("CARGO_BIN_EXE_twinchat").into();
    std::env::var_os("TWINCHAT_BINARY").map_or(built, PathBuf::from)
}

/// Reads what the child prints and logs, each by a thread that ends with it.
fn listen_to(
    child: &mut Child,
    said: &Arc<Mutex<Vec<String>>>,
    log: &Arc<Mutex<String>>,
) {
    let (said, log) = (said.clone(), log.clone());
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut stderr = child.stderr.take().unwrap();
    let reader = std::thread::Builder::new();
    let printed = move || {
        for line in stdout.lines().map_while(Result::ok) {
            said.lock().unwrap().push(line);
        }
    };
    reader.spawn(printed).unwrap();
    let logged = move || {
        let mut some = [0; 4096];
        while let Ok(n @ 1..) = stderr.read(&mut some) {
            let text = String::from_utf8_lossy(&some[..n]);
            log.lock().unwrap().push_str(&text);
        }
    };
    std::thread::Builder::new().spawn(logged).unwrap();
}

impl Server {
    /// A server as [`Setup::new`] has it.
    #[track_caller]
    pub fn start(kind: Kind) -> Server {
        Setup::new(kind).start()
    }

    /// The rest of the line it printed that begins so.
    #[track_caller]
    pub fn line(&mut self, start: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found =
                self.said.lock().unwrap().iter().find_map(|line| {
                    line.strip_prefix(start).map(str::to_owned)
                });
            if let Some(rest) = found {
                return rest;
            }
            let ended = self.child.try_wait().unwrap();
            let late = Instant::now() > deadline;
            if ended.is_some() || late {
                let said = self.said.lock().unwrap().join("\n");
                panic!("no {start:?} ({ended:?}):\n{said}\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Everything it logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Whether it said that it speaks TLS.
    pub fn has_tls(&self) -> bool {
        let said = self.said.lock().unwrap();
        said.iter().any(|line| line.starts_with("listening on https://"))
    }

    /// What the `Host` field of a request to it says.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How many threads it has.
    pub fn threads(&self) -> usize {
        self.entries("task")
    }

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        self.entries("fd")
    }

    /// How many descriptors it has when nobody is connected and it has begun
    /// for good: it has served one request, and nothing changes any more.
    #[track_caller]
    pub fn descriptors_at_rest(&self) -> usize {
        super::get(self, "/healthz");
        let mut count = 0;
        eventually("it is at rest", || {
            let before = std::mem::replace(&mut count, self.descriptors());
            std::thread::sleep(Duration::from_millis(20));
            before == count
        });
        count
    }

    /// How long it has worked, as the kernel counts it: in hundredths of a
    /// second (proc_pid_stat(5), utime and stime).
    pub fn processor_time(&self) -> Duration {
        let path = format!("/proc/{}/stat", self.pid());
        let stat = std::fs::read_to_string(path).unwrap();
        let (_, after_the_name) = stat.rsplit_once(')').unwrap();
        let fields = after_the_name.split_whitespace().skip(11).take(2);
        let ticks = fields.map(|field| field.parse::<u64>().unwrap());
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }

    /// The most memory it ever had resident, in MiB.
    pub fn peak_mib(&self) -> usize {
        let path = format!("/proc/{}/status", self.pid());
        let status = std::fs::read_to_string(path).unwrap();
        let mut words = status.split_whitespace();
        words.find(|word| *word == "VmHWM:");
        words.next().unwrap().parse::<usize>().unwrap() / 1024
    }

    fn entries(&self, list: &str) -> usize {
        let path = format!("/proc/{}/{list}", self.pid());
        std::fs::read_dir(path).map_or(0, Iterator::count)
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the process is there");
    }

    /// Waits until it has ended, and says how.
    #[track_caller]
    pub fn exit(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the process ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Asks it to shut down, and waits until it has.
    #[track_caller]
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        let status = self.exit();
        assert!(status.success(), "{status}:\n{}", self.log());
    }

    /// Kills it, as `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let from = log.len().saturating_sub(4000);
            let tail: String =
                log.chars().skip(log[..from].chars().count()).collect();
            eprintln!("the server logged:\n{tail}");
        }
    }
}
