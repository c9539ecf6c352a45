//! Proofs about a room: whoever reads it misses nothing, and all see the same
//! order.

use crossbeam_channel::bounded;
use shuttle::sync::Mutex;

use super::super::rooms::{Reader, Room, Rooms};
use super::{
    Arc, Bytes, Client, Fanout, JoinHandle, Metrics, World, in_every_order,
    lines, spawn,
};
use crate::chat::{Draft, MessageId, Nick, RoomName, Seq, Text};
use crate::limits::Limits;

const POSTERS: usize = 3;

/// A room, and the journal as far as it matters: it numbers and adds, one at
/// a time.
struct Chat {
    world: World,
    rooms: Rooms,
    name: RoomName,
    numbers: Mutex<Seq>,
}

impl Chat {
    fn new() -> Arc<Chat> {
        let world = World::new(Fanout::Direct, 10_000);
        let limits = Limits::default();
        let metrics = Arc::new(Metrics::new());
        let (changed, _) = bounded(1);
        let rooms = Rooms::new(vec![], &limits, 0, metrics, changed);
        let name = RoomName::new("lobby").unwrap();
        Arc::new(Chat { world, rooms, name, numbers: Mutex::new(0) })
    }

    fn room(&self) -> Arc<Room> {
        self.rooms.room(&self.name).unwrap()
    }

    /// A client that posts: once its message is safe, it sees to it that all
    /// are told.
    fn post(self: &Arc<Chat>) -> JoinHandle<()> {
        let chat = Arc::clone(self);
        spawn(move || {
            let room = chat.room();
            let mut number = chat.numbers.lock().unwrap();
            *number += 1;
            let draft = Draft {
                id: MessageId::new("a").unwrap(),
                nick: Nick::new("ada").unwrap(),
                text: Text::new("hi").unwrap(),
            };
            let message = Arc::new(draft.numbered(*number, 0));
            chat.rooms.add(&chat.name, &message);
            drop(number);
            room.broadcast();
        })
    }

    /// A client that comes in at some time, reads what there is, and stays.
    fn read(self: &Arc<Chat>) -> (Arc<Reader>, Client, JoinHandle<()>) {
        let (outbox, client) = self.world.outbox();
        outbox.subscribe(lines()).unwrap();
        let reader = Reader::new(outbox, lines(), None);
        let (chat, joining) = (Arc::clone(self), Arc::clone(&reader));
        let joined = spawn(move || {
            let room = chat.room();
            let mut cursor = 0;
            while let Err(page) = room.join(&joining, cursor, 2) {
                let missed = lines().messages(&page.messages);
                joining.outbox.write(&missed).unwrap();
                cursor = page.last;
            }
        });
        (reader, client, joined)
    }
}

/// The numbers of the messages that a client saw.
fn numbers(client: Client) -> Vec<Seq> {
    let all = client.everything();
    let read = |line: &str| -> Option<Seq> {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        value["seq"].as_u64()
    };
    all.lines().filter_map(read).collect()
}

#[test]
fn every_reader_sees_every_message_once_and_in_order() {
    in_every_order(|| {
        let chat = Chat::new();
        let posters: Vec<_> = (0..POSTERS).map(|_| chat.post()).collect();
        let readers: Vec<_> = (0..2).map(|_| chat.read()).collect();
        for poster in posters {
            poster.join().unwrap();
        }
        for (reader, client, joined) in readers {
            joined.join().unwrap();
            reader.outbox.finish(Bytes::new());
            chat.world.ends();
            let expected: Vec<Seq> = (1..=POSTERS as Seq).collect();
            assert_eq!(numbers(client), expected);
        }
    });
}

#[test]
fn whoever_leaves_in_the_middle_saw_the_beginning() {
    in_every_order(|| {
        let chat = Chat::new();
        let (reader, client, joined) = chat.read();
        let posters: Vec<_> = (0..POSTERS).map(|_| chat.post()).collect();
        joined.join().unwrap();
        chat.room().leave(&reader);
        reader.outbox.finish(Bytes::new());
        for poster in posters {
            poster.join().unwrap();
        }
        chat.world.ends();
        let seen = numbers(client);
        assert!(seen.iter().copied().eq(1..=seen.len() as Seq), "{seen:?}");
    });
}
