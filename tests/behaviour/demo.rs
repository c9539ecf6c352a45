//! `GET /api/work`: the classroom's way to block a server.

use std::time::{Duration, Instant};

use crate::harness::{Kind, Server, Setup, get};

on_every_server! {
    without_the_flag_there_is_no_work,
    work_takes_as_long_as_asked,
    offloaded_work_takes_as_long_and_blocks_nobody,
    work_has_bounds,
}

fn demo(on: Kind) -> Server {
    Setup::new(on).flag("--demo").start()
}

fn without_the_flag_there_is_no_work(on: Kind) {
    let server = Server::start(on);
    get(&server, "/api/work?ms=1").refused(404, "not_found");
}

fn work_takes_as_long_as_asked(on: Kind) {
    let server = demo(on);
    let start = Instant::now();
    let answer = get(&server, "/api/work?ms=300");
    assert_eq!(answer.status, 200, "{answer}");
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(300), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

fn offloaded_work_takes_as_long_and_blocks_nobody(on: Kind) {
    let server = demo(on);
    std::thread::scope(|scope| {
        let start = Instant::now();
        let work = scope.spawn(|| get(&server, "/api/work?ms=2000&offload=1"));
        let mut answered = 0;
        while !work.is_finished() {
            assert_eq!(get(&server, "/healthz").status, 200);
            answered += 1;
        }
        assert_eq!(work.join().unwrap().status, 200);
        assert!(start.elapsed() >= Duration::from_secs(2));
        assert!(answered > 20, "only {answered} answers meanwhile");
    });
}

fn work_has_bounds(on: Kind) {
    let server = demo(on);
    for query in ["ms=10001", "ms=-1", "ms=x", "ms=", "", "ms=1&ms=1"] {
        let answer = get(&server, &format!("/api/work?{query}"));
        answer.refused(400, "bad_query");
    }
    assert_eq!(get(&server, "/api/work?ms=0").status, 200);
}
