//! Both places against a plain model: random posts, retries, conflicts and
//! restarts, read through the history that the servers keep.

use std::collections::HashMap;

use proptest::prelude::*;

use super::help::*;
use crate::chat::{History, RoomName, Seq};
use crate::store::{Archive, Ledger, Outcome, Place, Post};

const ROOMS: [&str; 2] = ["a", "b"];

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// A batch of posts: room, id and words, each out of a few.
    Batch(Vec<(usize, u8, u8)>),
    /// The process ends, and another one begins.
    Restart,
    /// The reader of a room takes one page from its cursor.
    Read(usize, usize),
    /// Somebody scrolls back through a room, page by page.
    ScrollBack(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let post = (0..ROOMS.len(), 0..16u8, 0..2u8);
    prop_oneof![
        6 => proptest::collection::vec(post, 1..8).prop_map(Step::Batch),
        1 => Just(Step::Restart),
        4 => (0..ROOMS.len(), 1..8usize).prop_map(|(r, n)| Step::Read(r, n)),
        1 => (0..ROOMS.len(), 1..8usize)
            .prop_map(|(r, n)| Step::ScrollBack(r, n)),
    ]
}

/// The real thing: a ledger, and the histories over it.
struct World {
    place: Place,
    start: Seq,
    ledger: Box<dyn Ledger>,
    archive: Archive,
    histories: HashMap<RoomName, History>,
}

/// The plain thing: everything that was ever accepted, as (seq, id, words).
struct Model {
    ever: [Vec<(Seq, u8, u8)>; 2],
    /// Where in it the present life of the process begins.
    born: [usize; 2],
    last: [Seq; 2],
    /// How many of a room's newest messages are still to be had.
    window: usize,
}

/// Someone who follows a room.
#[derive(Default)]
struct Reader {
    cursor: Option<Seq>,
    /// What it has read since it was last told of a gap.
    seen: Vec<Seq>,
}

impl World {
    fn new(place: Place) -> World {
        let start = if place == Place::Memory { START } else { 0 };
        let store = open(&place);
        World {
            place,
            start,
            archive: store.archive(),
            ledger: store.into_ledger(),
            histories: HashMap::new(),
        }
    }

    fn in_memory(&self) -> bool {
        self.place == Place::Memory
    }

    fn history(&mut self, room_index: usize) -> &mut History {
        let start = self.start;
        self.histories
            .entry(room(ROOMS[room_index]))
            .or_insert_with(|| History::new(KEEP, start))
    }

    fn record(&mut self, posts: &[(usize, u8, u8)]) -> Vec<Short> {
        let batch: Vec<Post<()>> = posts
            .iter()
            .map(|(room, id, words)| {
                post(ROOMS[*room], &format!("x{id}"), &format!("w{words}"))
            })
            .collect();
        let outcomes = self.ledger.record(&batch).unwrap();
        for (outcome, (room, ..)) in outcomes.iter().zip(posts) {
            if let Outcome::New(message) = outcome {
                self.history(*room).push(message.clone());
            }
        }
        outcomes.iter().map(short).collect()
    }

    fn restart(&mut self) {
        // The old ledger has to let go of the file first.
        self.ledger = open(&Place::Memory).into_ledger();
        if self.in_memory() {
            self.start += START;
        }
        let opened = crate::store::Store::open(&self.place, KEEP, self.start);
        let mut store = opened.unwrap();
        self.histories = store
            .take_rooms()
            .into_iter()
            .map(|kept| {
                let history =
                    History::resumed(KEEP, kept.forgotten, kept.latest);
                (kept.room, history)
            })
            .collect();
        self.archive = store.archive();
        self.ledger = store.into_ledger();
    }

    /// Every message that can be reached from the newest one backwards.
    fn scroll_back(&mut self, index: usize, limit: usize) -> Vec<Seq> {
        let mut found = Vec::new();
        let mut before = Seq::MAX;
        loop {
            let page = match self.history(index).before(before, limit) {
                Some(page) => page,
                None => self
                    .archive
                    .before(&room(ROOMS[index]), before, limit)
                    .unwrap(),
            };
            found.splice(0..0, page.messages.iter().map(|m| m.seq));
            match page.messages.first() {
                Some(first) if page.more => before = first.seq,
                _ => return found,
            }
        }
    }
}

impl Model {
    fn of(world: &World) -> Model {
        let window = if world.in_memory() { KEEP } else { usize::MAX };
        Model {
            ever: [Vec::new(), Vec::new()],
            born: [0, 0],
            last: [world.start, world.start],
            window,
        }
    }

    /// The messages of a room that are still to be had.
    fn kept(&self, room: usize) -> &[(Seq, u8, u8)] {
        let present = &self.ever[room][self.born[room]..];
        &present[present.len().saturating_sub(self.window)..]
    }

    fn decide(&mut self, (room, id, words): (usize, u8, u8)) -> Short {
        let kept = self.kept(room);
        match kept.iter().find(|(_, earlier, _)| *earlier == id) {
            Some((seq, _, same)) if *same == words => Short::Again(*seq),
            Some(_) => Short::Conflict,
            None => {
                self.last[room] += 1;
                self.ever[room].push((self.last[room], id, words));
                Short::New(self.last[room])
            }
        }
    }

    fn restart(&mut self, start: Seq) {
        self.born = [self.ever[0].len(), self.ever[1].len()];
        self.last = [start, start];
    }

    /// Whether a reader that has no more to read has seen an unbroken run of
    /// messages that ends with the newest.
    fn ends_with(&self, room: usize, seen: &[Seq]) -> bool {
        let numbers: Vec<Seq> =
            self.ever[room].iter().map(|(seq, ..)| *seq).collect();
        numbers.ends_with(seen)
    }
}

fn check(place: Place, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut world = World::new(place);
    let mut model = Model::of(&world);
    let mut readers = [Reader::default(), Reader::default()];
    for step in steps {
        match step {
            Step::Batch(posts) => {
                let expected: Vec<Short> =
                    posts.iter().map(|post| model.decide(*post)).collect();
                prop_assert_eq!(world.record(posts), expected);
            }
            Step::Restart => {
                world.restart();
                if world.in_memory() {
                    model.restart(world.start);
                }
            }
            Step::Read(room, limit) => {
                let reader = &mut readers[*room];
                let cursor = reader.cursor;
                let page = world.history(*room).after(cursor, *limit);
                if page.gap {
                    reader.seen.clear();
                }
                reader.seen.extend(page.messages.iter().map(|m| m.seq));
                reader.cursor = Some(page.last);
                // Without a cursor, `more` speaks of older messages.
                if cursor.is_none() || !page.more {
                    prop_assert!(model.ends_with(*room, &reader.seen));
                }
            }
            Step::ScrollBack(room, limit) => {
                let found = world.scroll_back(*room, *limit);
                let kept = model.kept(*room);
                let kept: Vec<Seq> = kept.iter().map(|m| m.0).collect();
                prop_assert_eq!(found, kept);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn memory_does_what_the_model_does(
        steps in proptest::collection::vec(step(), 1..60)
    ) {
        check(Place::Memory, &steps)?;
    }

    #[test]
    fn a_file_does_what_the_model_does(
        steps in proptest::collection::vec(step(), 1..40)
    ) {
        let (_directory, place, _) = file();
        check(place, &steps)?;
    }
}
