//! A belt with parts on it.

use crate::{BlockError, Flag, number::limit, registry::block, time::step_seconds};
use bytemuck::{Pod, Zeroable};

/// Parts on a belt at most.
const PARTS_MAX: usize = 32;

/// What a conveyor is like.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct ConveyorSettings {
    /// Length of the belt, mm.
    pub length_mm: f64,
    /// Length of a part, mm.
    pub part_mm: f64,
    /// Parts on it at most, 1 to 32.
    pub capacity: u64,
}

/// Parts in a row, each with its place and a mark; none is ever in another.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Conveyor {
    settings: ConveyorSettings,
    count: u64,
    fed: i64,
    taken: i64,
    fallen: i64,
    open: Flag,
    err: Flag,
    _pad: [u8; 6],
    marks: [i64; PARTS_MAX],
    /// Leading edges, the foremost part first; only the first `count` count.
    edges_mm: [f64; PARTS_MAX],
}

impl Conveyor {
    /// Empty. `open`: no stop at the end, parts fall off.
    ///
    /// # Errors
    /// If a part is longer than the belt.
    pub fn new(settings: ConveyorSettings, open: Flag) -> Result<Self, BlockError> {
        if settings.part_mm > settings.length_mm {
            return Err(BlockError::Crossed { callee: "CONVEYOR", low: "PART", high: "LENGTH" });
        }
        let capacity = settings.capacity.clamp(1, PARTS_MAX as u64);
        Ok(Self { settings: ConveyorSettings { capacity, ..settings }, open, ..Self::zeroed() })
    }

    /// Parts on the belt. Bounded, because a damaged keyframe may say anything.
    fn len(&self) -> usize {
        self.count.min(PARTS_MAX as u64) as usize
    }

    /// Once a cycle: the belt moves, parts with it, until something is in their way. True if one waits at the end.
    pub fn run(&mut self, speed_mm_s: f64, dt_ns: i64) -> bool {
        let way = speed_mm_s * step_seconds(dt_ns);
        self.err.set(!way.is_finite());
        if way.is_finite() {
            if way > 0.0 {
                self.forward(way);
            } else {
                self.backward(way);
            }
            while self.len() > 0 && self.edges_mm[0] - self.settings.part_mm / 2.0 >= self.settings.length_mm
            {
                self.fallen = self.fallen.saturating_add(1);
                self.remove_first();
            }
        }
        self.at_end()
    }

    fn forward(&mut self, way: f64) {
        let part = self.settings.part_mm;
        let mut ahead = if self.open.get() { f64::INFINITY } else { self.settings.length_mm };
        let len = self.len();
        for edge in &mut self.edges_mm[..len] {
            *edge = limit(*edge + way, *edge, if ahead > *edge { ahead } else { *edge });
            ahead = *edge - part;
        }
    }

    fn backward(&mut self, way: f64) {
        let part = self.settings.part_mm;
        let mut behind = part;
        let len = self.len();
        for edge in self.edges_mm[..len].iter_mut().rev() {
            *edge = limit(*edge + way, if behind < *edge { behind } else { *edge }, *edge);
            behind = *edge + part;
        }
    }

    /// Put a part on the beginning of the belt. False if there is no room.
    pub fn feed(&mut self, mark: i64) -> bool {
        let len = self.len();
        if self.is_full() {
            return false;
        }
        self.edges_mm[len] = self.settings.part_mm;
        self.marks[len] = mark;
        self.count = len as u64 + 1;
        self.fed = self.fed.saturating_add(1);
        true
    }

    /// Take the foremost part, if it is at the end.
    pub fn take(&mut self) -> bool {
        let there = self.at_end();
        if there {
            self.taken = self.taken.saturating_add(1);
            self.remove_first();
        }
        there
    }

    fn remove_first(&mut self) {
        let len = self.len();
        self.edges_mm.copy_within(1..len, 0);
        self.marks.copy_within(1..len, 0);
        // What is behind the last part has no say, and is zero so that equal belts have equal bytes.
        self.edges_mm[len - 1] = 0.0;
        self.marks[len - 1] = 0;
        self.count = len as u64 - 1;
    }

    /// The foremost part has reached the end.
    pub fn at_end(&self) -> bool {
        self.len() > 0 && self.edges_mm[0] >= self.settings.length_mm
    }

    /// No part can be put on.
    pub fn is_full(&self) -> bool {
        let len = self.len();
        let part = self.settings.part_mm;
        len >= self.settings.capacity.min(PARTS_MAX as u64) as usize
            || self.edges_mm[..len].last().is_some_and(|edge| *edge < 2.0 * part)
    }

    /// Some part covers some of the way between two places.
    pub fn sees(&self, from_mm: f64, to_mm: f64) -> bool {
        let part = self.settings.part_mm;
        self.edges_mm[..self.len()].iter().any(|edge| *edge >= from_mm && *edge - part <= to_mm)
    }

    fn front(&self) -> f64 {
        self.edges_mm[..self.len()].first().copied().unwrap_or(0.0)
    }

    fn mark(&self) -> i64 {
        self.marks[..self.len()].first().copied().unwrap_or(0)
    }
}

block! {
    /// Twin of a conveyor: a row of parts, each with its place and a mark, that the belt moves.
    ///
    /// No part is ever in another. At the end there is a stop, where parts wait to be taken, or, if it is OPEN, nothing: a part whose
    /// middle is over the end falls. `FED` = `COUNT` + `TAKEN` + `FALLEN`, always. A mark says what is special about a part, such as its kind
    /// of defect. Places are those of leading edges, in mm from the beginning. Backwards, parts stop at the beginning.
    CONVEYOR: Conveyor;
    pins {
        /// A part waits at the end.
        output END: bool = |block| block.at_end();
        /// No part can be put on.
        output FULL: bool = |block| block.is_full();
        /// Parts on the belt.
        output COUNT: i64 = |block| block.len() as i64;
        /// Place of the foremost part; 0 if there is none.
        output FRONT: f64 ["mm"] = |block| block.front();
        /// Its mark; 0 if there is none.
        output MARK: i64 = |block| block.mark();
        /// Parts put on so far.
        output FED: i64 = |block| block.fed;
        /// Parts taken at the end so far.
        output TAKEN: i64 = |block| block.taken;
        /// Parts fallen off an open end so far.
        output FALLEN: i64 = |block| block.fallen;
        /// The speed is not finite.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Length of the belt.
        LENGTH: f64 ["mm"] in 0.001..=1e6,
        /// Length of a part; not above LENGTH.
        PART: f64 ["mm"] in 0.001..=1e6,
        /// Parts on it at most.
        CAPACITY: i64 in 1..=32 = 32,
        /// No stop at the end: parts fall off.
        OPEN: bool = false,
    ) = |_| Conveyor::new(
        ConveyorSettings { length_mm: LENGTH, part_mm: PART, capacity: CAPACITY.cast_unsigned() },
        OPEN.into(),
    );
    methods {
        /// Move the belt; returns `END`.
        every_cycle run(
            /// Speed; negative backwards.
            SPEED: f64 ["mm/s"],
        ) -> bool = |block, dt_ns| block.run(SPEED, dt_ns);
        /// Put a part on the beginning; false if there is no room.
        command feed(
            /// Its mark.
            MARK: i64,
        ) -> bool = |block, _| block.feed(MARK);
        /// Take the part at the end; false if there is none.
        command take() -> bool = |block, _| block.take();
        /// A sensor: true if a part covers some of the way between two places.
        command sees(
            /// From here.
            FROM: f64 ["mm"],
            /// To there.
            TO: f64 ["mm"],
        ) -> bool = |block, _| block.sees(FROM, TO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: i64 = 1_000_000;

    fn belt(capacity: u64, open: bool) -> Conveyor {
        let settings = ConveyorSettings { length_mm: 100.0, part_mm: 10.0, capacity };
        Conveyor::new(settings, open.into()).unwrap()
    }

    #[test]
    fn parts_travel_queue_and_are_taken_in_order() {
        let mut block = belt(32, false);
        assert!(block.feed(7) && !block.feed(8), "the second has no room yet");
        assert!(!block.run(100.0, 100 * MS));
        assert_eq!(block.front(), 20.0);
        assert!(block.feed(8));
        assert!(block.sees(5.0, 8.0) && block.sees(15.0, 16.0) && !block.sees(21.0, 99.0));
        while !block.run(100.0, MS) {}
        assert_eq!((block.front(), block.mark()), (100.0, 7));
        block.run(1e6, MS);
        assert_eq!(block.edges_mm[..2], [100.0, 90.0], "the second waits behind the first");
        assert!(block.take() && !block.take());
        assert_eq!((block.front(), block.mark()), (90.0, 8));
        assert!(block.run(1e3, 10 * MS) && block.take());
        assert_eq!((block.len(), block.fed, block.taken, block.mark()), (0, 2, 2, 0));
        assert!(!block.run(f64::NAN, MS) && block.err.get());
    }

    #[test]
    fn an_open_end_lets_them_fall_and_backwards_they_stop_at_the_beginning() {
        let mut block = belt(32, true);
        block.feed(1);
        block.run(50.0, 1000 * MS);
        block.feed(2);
        block.run(50.0, 1000 * MS);
        assert_eq!((block.len(), block.fallen, block.mark()), (1, 1, 2));
        block.run(-1e9, MS);
        assert_eq!(block.front(), 10.0);
        let long = ConveyorSettings { part_mm: 200.0, ..block.settings };
        let error = Conveyor::new(long, false.into()).unwrap_err();
        assert_eq!(error.to_string(), "CONVEYOR: PART is above LENGTH");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Run(f64, i64),
        Feed(i64),
        Take,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            5 => (-300.0..600.0, 0_i64..100_000_000).prop_map(|(speed, dt)| Step::Run(speed, dt)),
            3 => any::<i64>().prop_map(Step::Feed),
            1 => Just(Step::Take),
        ]
    }

    proptest! {
        /// Against a plain list of marks: none lost, none made, order kept, no two in one place.
        #[test]
        fn parts_are_conserved(
            capacity in 1_u64..=32, open: bool, steps in prop::collection::vec(step(), 0..300),
        ) {
            let mut block = belt(capacity, open);
            let mut there = std::collections::VecDeque::new();
            for step in steps {
                match step {
                    Step::Run(speed, dt) => {
                        let before = block.fallen;
                        block.run(speed, dt);
                        for _ in before..block.fallen {
                            prop_assert!(open);
                            there.pop_front();
                        }
                    }
                    Step::Feed(mark) => {
                        if block.feed(mark) {
                            there.push_back(mark);
                        }
                    }
                    Step::Take => {
                        let mark = block.mark();
                        if block.take() {
                            prop_assert_eq!(there.pop_front(), Some(mark));
                        }
                    }
                }
                prop_assert_eq!(block.fed, block.len() as i64 + block.taken + block.fallen);
                prop_assert!(there.iter().eq(&block.marks[..block.len()]));
                prop_assert!(there.len() as u64 <= capacity);
                let edges = &block.edges_mm[..block.len()];
                prop_assert!(edges.windows(2).all(|pair| pair[0] - pair[1] >= 10.0 - 1e-9), "{:?}", edges);
                prop_assert!(edges.iter().all(|edge| *edge >= 10.0 && *edge < 105.0), "{:?}", edges);
            }
        }
    }
}
