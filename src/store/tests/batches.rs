//! Numbers, ids, order, batches, and opening again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::bounded;

use super::help::*;
use crate::chat::Page;
use crate::store::{Journal, Ledger, Outcome, Place, Post, Trouble};

fn both_places(test: impl Fn(&Place, u64)) {
    let (_directory, file, _) = file();
    test(&file, 0);
    test(&Place::Memory, START);
}

#[test]
fn numbers_grow_by_one_in_each_room() {
    both_places(|place, start| {
        let running = begin(place);
        assert_eq!(running.one("a", "x1", "hi"), Short::New(start + 1));
        assert_eq!(running.one("a", "x2", "hi"), Short::New(start + 2));
        assert_eq!(running.one("b", "x1", "hi"), Short::New(start + 1));
        assert_eq!(running.one("a", "x3", "hi"), Short::New(start + 3));
        running.journal.close();
    });
}

fn begin(place: &Place) -> Running {
    start(open(place))
}

#[test]
fn an_id_is_posted_once() {
    both_places(|place, start| {
        let running = begin(place);
        assert_eq!(running.one("a", "x", "hi"), Short::New(start + 1));
        assert_eq!(running.one("a", "x", "hi"), Short::Again(start + 1));
        assert_eq!(running.one("a", "x", "ho"), Short::Conflict);
        assert_eq!(running.one("a", "y", "ho"), Short::New(start + 2));
        running.journal.close();
    });
}

#[test]
fn an_id_is_posted_once_within_one_batch_too() {
    both_places(|place, start| {
        let mut ledger = open(place).into_ledger();
        let outcomes = ledger
            .record(&[
                post("a", "x", "hi"),
                post("a", "x", "hi"),
                post("a", "x", "ho"),
                post("a", "y", "hi"),
                post("b", "x", "hi"),
            ])
            .unwrap();
        let outcomes: Vec<_> = outcomes.iter().map(short).collect();
        assert_eq!(
            outcomes,
            [
                Short::New(start + 1),
                Short::Again(start + 1),
                Short::Conflict,
                Short::New(start + 2),
                Short::New(start + 1),
            ]
        );
    });
}

#[test]
fn memory_forgets_an_id_with_its_message() {
    let running = begin(&Place::Memory);
    running.settle((0..KEEP).map(|n| post("a", &format!("x{n}"), "hi")));
    assert_eq!(running.one("a", "x0", "hi"), Short::Again(START + 1));
    running.one("a", "another", "hi");
    let next = START + KEEP as u64 + 2;
    assert_eq!(running.one("a", "x0", "hi"), Short::New(next));
}

#[test]
fn a_file_goes_on_where_it_ended() {
    let (_directory, place, _) = file();
    let running = begin(&place);
    running.settle((1..=12).map(|n| post("a", &format!("x{n}"), "hi")));
    running.settle([post("b", "x1", "hi")]);
    running.journal.close();

    let mut store = open(&place);
    let rooms = store.take_rooms();
    assert!(store.take_rooms().is_empty());
    assert_eq!(rooms.len(), 2);
    let numbers: Vec<_> = rooms[0].latest.iter().map(|m| m.seq).collect();
    assert_eq!((&*rooms[0].room, rooms[0].forgotten), ("a", 7));
    assert_eq!(numbers, [8, 9, 10, 11, 12]);
    assert_eq!((&*rooms[1].room, rooms[1].forgotten), ("b", 0));
    assert_eq!(rooms[1].latest.len(), 1);
    assert_eq!(rooms[0].latest[0].at, post("a", "x", "hi").at);

    let running = start(store);
    assert_eq!(running.one("a", "x3", "hi"), Short::Again(3));
    assert_eq!(running.one("a", "x3", "ho"), Short::Conflict);
    assert_eq!(running.one("a", "x13", "hi"), Short::New(13));
    assert_eq!(running.one("b", "x2", "hi"), Short::New(2));
    running.journal.close();
}

#[test]
fn scrolling_back_reaches_the_first_message() {
    let (_directory, place, _) = file();
    let store = open(&place);
    let archive = store.archive();
    let running = start(store);
    running.settle((1..=23).map(|n| post("a", &format!("x{n}"), "hi")));
    let mut seen = Vec::new();
    let mut before = u64::MAX;
    loop {
        let page = archive.before(&room("a"), before, 5).unwrap();
        let first = page.messages.first().unwrap().seq;
        assert_eq!(page.last, page.messages.last().unwrap().seq);
        assert!(!page.gap);
        seen.splice(0..0, page.messages.iter().map(|m| m.seq));
        before = first;
        if !page.more {
            break;
        }
        assert_eq!(page.messages.len(), 5);
    }
    assert_eq!(seen, (1..=23).collect::<Vec<_>>());
    let page = archive.before(&room("a"), 24, 23).unwrap();
    assert_eq!((page.messages.len(), page.more), (23, false));
    let nothing = Page { last: 6, ..Page::older(Vec::new(), 7) };
    assert_eq!(archive.before(&room("none"), 7, 5).unwrap(), nothing);
    let memory = open(&Place::Memory).archive();
    assert_eq!(memory.before(&room("a"), 7, 5).unwrap(), nothing);
    running.journal.close();
}

#[test]
fn many_posters_share_a_commit() {
    const POSTERS: usize = 64;
    let (_directory, place, _) = file();
    let (sizes, batches) = bounded(POSTERS);
    let (entered, inside) = bounded(POSTERS);
    let (go, wait) = bounded::<()>(0);
    let deliver = move |batch: Vec<_>, _| {
        sizes.send(batch.len()).unwrap();
        entered.send(()).unwrap();
        let _ = wait.recv();
    };
    let journal = Journal::start(open(&place), deliver, |_| ()).unwrap();
    journal.post(post("a", "first", "hi")).unwrap();
    inside.recv().unwrap();
    // The journal is busy: whoever comes now waits for the next commit.
    thread::scope(|scope| {
        for poster in 0..POSTERS {
            let journal = &journal;
            scope.spawn(move || {
                for n in 0..10 {
                    let id = format!("p{poster}-{n}");
                    journal.post(post("a", &id, "hi")).unwrap();
                }
            });
        }
    });
    drop(go);
    journal.close();
    let sizes: Vec<usize> = batches.try_iter().collect();
    assert_eq!(sizes, [1, POSTERS * 10]);
    let page = open(&place).archive().before(&room("a"), u64::MAX, 1000);
    let numbers: Vec<_> =
        page.unwrap().messages.iter().map(|m| m.seq).collect();
    assert_eq!(numbers, (1..=POSTERS as u64 * 10 + 1).collect::<Vec<_>>());
}

#[test]
fn closing_finishes_what_is_queued_and_takes_no_more() {
    both_places(|place, _| {
        let running = begin(place);
        for n in 0..500 {
            running.journal.post(post("a", &format!("x{n}"), "hi")).unwrap();
        }
        running.journal.close();
        let settled: usize = running.batches.try_iter().map(|b| b.len()).sum();
        assert_eq!(settled, 500);
        let late = running.journal.post(post("a", "late", "hi"));
        assert_eq!(&*late.unwrap_err().draft.id, "late");
        running.journal.close();
    });
}

#[test]
fn a_full_queue_gives_the_post_back() {
    let (entered, inside) = bounded(1);
    let (go, wait) = bounded::<()>(0);
    let mut first = true;
    let deliver = move |_, _| {
        if std::mem::take(&mut first) {
            entered.send(()).unwrap();
            let _ = wait.recv();
        }
    };
    let store = open(&Place::Memory);
    let journal = Journal::start(store, deliver, |_| ()).unwrap();
    journal.post(post("a", "first", "hi")).unwrap();
    inside.recv().unwrap();
    for n in 0..4096 {
        journal.post(post("a", &format!("x{n}"), "hi")).unwrap();
    }
    assert!(journal.post(post("a", "over", "hi")).is_err());
    drop(go);
    journal.close();
}

/// A disk that breaks as it is told to.
struct Broken {
    troubles: Vec<Trouble>,
    good: Box<dyn Ledger>,
}

impl Ledger for Broken {
    fn record(&mut self, batch: &[Post<()>]) -> Result<Vec<Outcome>, Trouble> {
        match self.troubles.pop() {
            Some(trouble) => Err(trouble),
            None => self.good.record(batch),
        }
    }
}

#[test]
fn passing_trouble_fails_one_batch_only() {
    let good = open(&Place::Memory).into_ledger();
    let troubles = vec![Trouble::Passing("the disk is full".into())];
    let (send, batches) = bounded(8);
    let deliver = move |batch, _: Duration| send.send(batch).unwrap();
    let broken = Box::new(Broken { troubles, good });
    let journal = Journal::over(broken, deliver, |_| ()).unwrap();
    let running = Running { journal, batches };
    let full = Short::Failed("the disk is full".into());
    assert_eq!(running.one("a", "x", "hi"), full);
    assert_eq!(running.one("a", "x", "hi"), Short::New(START + 1));
    running.journal.close();
}

#[test]
fn fatal_trouble_is_told_and_nothing_more_is_taken() {
    let good = open(&Place::Memory).into_ledger();
    let troubles = vec![Trouble::Fatal("no fsync".into())];
    let delivered = Arc::new(AtomicBool::new(false));
    let deliver = {
        let delivered = delivered.clone();
        move |_, _| delivered.store(true, Ordering::Relaxed)
    };
    let (send, fatal) = bounded(1);
    let broken = Box::new(Broken { troubles, good });
    let journal =
        Journal::over(broken, deliver, move |r| send.send(r).unwrap());
    let journal = journal.unwrap();
    journal.post(post("a", "x", "hi")).unwrap();
    assert_eq!(fatal.recv().unwrap(), "no fsync");
    assert!(journal.post(post("a", "y", "hi")).is_err());
    journal.close();
    assert!(!delivered.load(Ordering::Relaxed));
}
