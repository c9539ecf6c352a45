//! Proofs about one outbox: whole frames, in order, none lost, an end.

use super::{
    Arc, Bytes, Encoding, Fanout, JoinHandle, Outbox, World, in_every_order,
    lines, spawn,
};

/// Pushes `a0;a1;a2;` and so on, each as a frame of its own.
fn push_some(outbox: &Arc<Outbox>, name: char) -> JoinHandle<()> {
    let outbox = Arc::clone(outbox);
    spawn(move || {
        for number in 0..3 {
            outbox.push(Bytes::from(format!("{name}{number};")));
        }
    })
}

/// Holds that what was seen is the first frames of each, whole and in order;
/// returns how many.
fn frames_of(seen: &str) -> usize {
    let mut next = std::collections::HashMap::new();
    for frame in seen.split_terminator(';') {
        let (name, number) = frame.split_at(1);
        let expected: &mut usize = next.entry(name.to_owned()).or_default();
        assert_eq!(number, expected.to_string(), "in {seen}");
        *expected += 1;
    }
    next.values().sum()
}

fn nothing_is_lost(fanout: Fanout) {
    let world = World::new(fanout, 1000);
    let (outbox, client) = world.outbox();
    outbox.subscribe(lines()).unwrap();
    let pushers = ['a', 'b'].map(|name| push_some(&outbox, name));
    for pusher in pushers {
        pusher.join().unwrap();
    }
    outbox.finish(Bytes::from_static(b"z0;"));
    world.ends();
    let seen = client.everything();
    assert_eq!(frames_of(&seen), 7);
    assert!(seen.ends_with("z0;"), "{seen}");
}

#[test]
fn frames_are_whole_and_in_order_and_none_is_lost() {
    in_every_order(|| nothing_is_lost(Fanout::Direct));
}

#[test]
fn a_mailbox_loses_nothing_either() {
    in_every_order(|| nothing_is_lost(Fanout::Mailbox));
}

#[test]
fn a_farewell_in_the_middle_comes_last() {
    in_every_order(|| {
        let world = World::new(Fanout::Direct, 1000);
        let (outbox, client) = world.outbox();
        let pushers = ['a', 'b'].map(|name| push_some(&outbox, name));
        outbox.finish(Bytes::from_static(b"z0;"));
        world.ends();
        for pusher in pushers {
            pusher.join().unwrap();
        }
        world.ends();
        let seen = client.everything();
        frames_of(&seen);
        assert!(seen.ends_with("z0;"), "{seen}");
    });
}

#[test]
fn a_reader_that_is_cut_gets_whole_frames_and_is_told() {
    in_every_order(|| {
        let world = World::new(Fanout::Direct, 6);
        let (outbox, client) = world.outbox();
        outbox.subscribe(Encoding::FRAMES).unwrap();
        let pushers = ['a', 'b'].map(|name| push_some(&outbox, name));
        for pusher in pushers {
            pusher.join().unwrap();
        }
        // As its own thread does once it has been woken.
        outbox.finish(Bytes::new());
        world.ends();
        let seen = client.everything();
        // A close frame begins with a byte that is no text.
        let (frames, close) = seen.split_once('\u{fffd}').unzip();
        let all = frames_of(frames.unwrap_or(&seen));
        let told = close.is_some_and(|close| close.contains("too slow"));
        assert!(told != (all == 6), "{seen}");
    });
}

#[test]
fn an_answer_waits_for_the_one_before() {
    in_every_order(|| {
        let world = World::new(Fanout::Direct, 1000);
        let (outbox, client) = world.outbox();
        // The news that a held poll was waiting for; its client has sent the
        // next request already.
        outbox.push(Bytes::from_static(b"a0;a1;a2;"));
        outbox.write(b"a3;").unwrap();
        outbox.push(Bytes::from_static(b"a4;"));
        outbox.write(b"a5;").unwrap();
        outbox.finish(Bytes::new());
        world.ends();
        assert_eq!(client.everything(), "a0;a1;a2;a3;a4;a5;");
    });
}

#[test]
fn breaking_off_ends_everything() {
    in_every_order(|| {
        let world = World::new(Fanout::Direct, 1000);
        let (outbox, client) = world.outbox();
        let pushers = ['a', 'b'].map(|name| push_some(&outbox, name));
        outbox.abort();
        for pusher in pushers {
            pusher.join().unwrap();
        }
        world.ends();
        client.everything();
    });
}
