//! Started with a socket that somebody else opened (sd_listen_fds(3)).

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use crate::harness::{
    Kind, Server, Setup, Socket, TempDir, Wire, get, say, texts,
};

on_every_server! {
    the_socket_of_the_starter_is_taken,
    a_restart_refuses_nobody,
}

/// Starts a server on a socket, as systemd does: it is descriptor 3, and two
/// variables say so. (The shell knows the process id that the server will
/// have.)
#[track_caller]
fn start_on(listener: &TcpListener, setup: &Setup) -> Server {
    let script = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\" 3<&0 0</dev/null";
    let direct = setup.command();
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]);
    command.arg(direct.get_program()).args(direct.get_args());
    let listener: OwnedFd = listener.try_clone().unwrap().into();
    command.stdin(listener).stdout(Stdio::piped()).stderr(Stdio::piped());
    setup.start_as(command)
}

fn the_socket_of_the_starter_is_taken(on: Kind) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = start_on(&listener, &Setup::new(on));
    assert_eq!(server.address, listener.local_addr().unwrap());
    let mut socket = Socket::open(&server, "lobby");
    socket.post("a", "hi");
    socket.until("ack");
    assert_eq!(get(&server, "/api/server").json()["pid"], server.pid());
}

fn a_restart_refuses_nobody(on: Kind) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = TempDir::new();
    let setup = Setup::new(on).option("--history", dir.file("chat.db"));
    let mut server = start_on(&listener, &setup);
    for round in 0..3 {
        say(&server, "lobby", &round.to_string());
        server.stop();
        // Nobody is there, and still nobody is refused.
        let mut waiting: Vec<Wire> = (0..20)
            .map(|_| {
                let mut wire = Wire::open(&server);
                wire.send(
                    "GET /api/rooms/lobby/messages HTTP/1.1\r\n\
                     Host: a\r\n\r\n",
                );
                wire
            })
            .collect();
        server = start_on(&listener, &setup);
        for wire in &mut waiting {
            let messages = wire.answer().messages();
            let expected: Vec<_> = (0..=round).map(|n| n.to_string()).collect();
            assert_eq!(texts(&messages), expected);
        }
    }
}
