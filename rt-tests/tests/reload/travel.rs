//! Time travel through what a log can hold: keyframes, reloads, undone ones, faults, and the way out of them.

use super::{
    edition_after_undo, fail,
    rig::Rig,
    versions::{FAULTS, NAMES, Version},
};
use rt_tests::{harness::count, seeded::Random};
use sensai::{
    debug::{Ended, Motion, Moved, Session, SharedProbe, Travel, Watching},
    machine::Mode,
};
use sensai_log::LogReader;
use std::{collections::BTreeMap, fs::File, sync::Arc};

/// Reloads of a run: each one is taken, the third of four fails on probation, and the last of four behind it.
const ROUNDS: u64 = 12;

/// A log, and what is in it.
struct Recorded {
    log: LogReader<File>,
    /// The cycles, and the state hash of each.
    hashes: Vec<(u64, u64)>,
    /// Places in `hashes`: behind which one there is a keyframe, where a fault came up, with which other programs begin.
    keyframes: Vec<usize>,
    faults: Vec<usize>,
    editions: Vec<usize>,
    /// Keeps the file.
    _rig: Rig,
}

/// A version that can take over from `before`, with texts that are taken.
fn reload(
    rig: &mut Rig,
    before: &[Version; 2],
    random: &mut Random,
    (fault, probation): (Option<usize>, u64),
) -> [Version; 2] {
    for _ in 0..100 {
        let mut next = before.clone().map(|version| version.next(random));
        if let Some(index) = fault {
            next[index].fault = Some(*random.pick(&FAULTS));
        }
        let texts = [0, 1].map(|index| next[index].text(NAMES[index]));
        // What does not fit is refused; that is another test's.
        if rig.reload(&texts, probation).0.is_ok() {
            return next;
        }
    }
    panic!("none of a hundred versions was taken");
}

fn recorded(random: &mut Random) -> Recorded {
    let mut versions = [Version::first(), Version::first()];
    let mut rig = Rig::new(&versions);
    for round in 0..ROUNDS {
        let index = random.within(0..2) as usize;
        match round % 4 {
            2 => {
                reload(&mut rig, &versions, random, (Some(index), 50));
                let number = rig.machine.edition().div_ceil(2);
                rig.wires.0 = 1 << index;
                fail(&mut rig, number);
                rig.wires.0 = 0;
                assert_eq!(rig.machine.edition(), edition_after_undo(number));
                rig.recover();
            }
            3 => {
                versions = reload(&mut rig, &versions, random, (Some(index), 10));
                // Past the probation of the slow program's runs, too.
                rig.cycles(60);
                rig.wires.0 = 1 << index;
                rig.cycles(12);
                assert_eq!(rig.machine.mode(), Mode::Fault);
                rig.wires.0 = 0;
                rig.recover();
            }
            _ => {
                let probation = 1 + random.within(0..60);
                versions = reload(&mut rig, &versions, random, (None, probation));
            }
        }
        rig.cycles(random.within(60..280));
    }
    let (log, _) = rig.end();
    let (mut hashes, mut keyframes, mut faults, mut editions) = (vec![], vec![], vec![], vec![]);
    let mut epoch = None;
    for (place, record) in log.records(0).enumerate() {
        let record = record.expect("a good record");
        let view = record.view();
        hashes.push((view.cycle(), view.state_hash()));
        faults.extend(view.fault().map(|_| place));
        let other = epoch.replace(record.epoch.edition).is_some_and(|before| before != record.epoch.edition);
        editions.extend(other.then_some(place));
        let keyframe = log.keyframe_at_or_before(view.cycle()).expect("good keyframes");
        keyframes.extend(keyframe.filter(|keyframe| keyframe.cycle == view.cycle()).map(|_| place));
    }
    Recorded { log, hashes, keyframes, faults, editions, _rig: rig }
}

/// How many of the ways lead across each.
#[derive(Debug, Default)]
struct Crossed {
    keyframes: u64,
    reloads: u64,
    faults: u64,
}

impl Crossed {
    fn note(&mut self, of: &Recorded, from: usize, to: usize) {
        let across = |places: &[usize]| u64::from(places.iter().any(|place| (from + 1..=to).contains(place)));
        self.keyframes += across(&of.keyframes);
        self.reloads += across(&of.editions);
        self.faults += across(&of.faults);
    }
}

/// Back by any number of cycles, and forward by the same number, one at a time: the state is the recorded one at both ends.
#[test]
fn back_and_forth_is_where_it_began() {
    let mut random = Random::printed("travel");
    let of = recorded(&mut random);
    let probe = SharedProbe::default();
    let shop = Watching(Arc::clone(&probe));
    let mut travel = Travel::new(&of.log, &shop).expect("a log that can be replayed");
    let mut crossed = Crossed::default();
    let ways = count(1000, 10_000);
    for way in 0..ways {
        let at = random.within(0..of.hashes.len() as u64) as usize;
        let k = match random.one_in(2) {
            true => random.within(0..at as u64 + 1),
            false => random.within(0..at.min(120) as u64 + 1),
        };
        let ((here, hash), (there, before)) = (of.hashes[at], of.hashes[at - k as usize]);
        travel.go_to(here).expect("a recorded cycle");
        assert_eq!(travel.hash(), Some(hash), "way {way}: cycle {here}");
        travel.go_to(there).expect("a recorded cycle");
        assert_eq!(
            (travel.cycle(), travel.hash()),
            (Some(there), Some(before)),
            "way {way}: {k} back from {here}"
        );
        for step in 1..=k {
            let moved = travel.forward().expect("a good log");
            let expected = of.hashes[at - (k - step) as usize];
            assert!(matches!(moved, Moved::To(cycle) if cycle == expected.0), "way {way}: {moved:?}");
        }
        let back = (travel.cycle(), travel.hash());
        assert_eq!(back, (Some(here), Some(hash)), "way {way}: {k} back from {here}, and forward again");
        crossed.note(&of, at - k as usize, at);
    }
    let (cycles, keyframes) = (of.hashes.len(), of.keyframes.len());
    let (reloads, faults) = (of.editions.len(), of.faults.len());
    println!(
        "{cycles} cycles, {keyframes} keyframes, {reloads} reloads and undos, {faults} faults: {crossed:?} of {ways} ways"
    );
    let least = ways / 10;
    assert!(crossed.keyframes > least && crossed.reloads > least && crossed.faults > least, "{crossed:?}");
}

/// The same by the statements of the programs: as many steps back as forward, and what the program has there is the same.
#[test]
fn steps_back_and_forth_are_where_they_began() {
    let mut random = Random::printed("steps");
    let of = recorded(&mut random);
    let probe = SharedProbe::default();
    let shop = Watching(Arc::clone(&probe));
    let travel = Travel::new(&of.log, &shop).expect("a log that can be replayed");
    let mut session = Session::new(travel, probe).expect("a log with cycles");
    let hashes: BTreeMap<u64, u64> = of.hashes.iter().copied().collect();
    let mut crossed = Crossed::default();
    let ways = count(30, 300);
    for way in 0..ways {
        // Mostly close behind something that happened.
        let near = *random.pick(&[&of.editions, &of.faults, &of.keyframes]);
        let at = (*random.pick(near) + random.within(0..6) as usize).min(of.hashes.len() - 1);
        session.go_to(of.hashes[at].0).expect("a recorded cycle");
        let k = random.within(1..50);
        let mut begun = vec![place(&session)];
        for _ in 0..k {
            if step(&mut session, Motion::Back) != Ended::Step {
                break;
            }
            begun.push(place(&session));
        }
        let from =
            of.hashes.iter().position(|(cycle, _)| *cycle == session.cycle()).expect("a recorded cycle");
        crossed.note(&of, from, at);
        while let Some(expected) = begun.pop() {
            let now = place(&session);
            assert_eq!(now.1, hashes.get(&now.0).copied(), "way {way}: cycle {}", now.0);
            // Where no program runs there is no place to step to: such a cycle is only where a way begins.
            if expected.2.is_some() || !begun.is_empty() {
                assert_eq!(now, expected, "way {way}: {} of {k} steps to go", begun.len());
            }
            if !begun.is_empty() {
                step(&mut session, Motion::In);
            }
        }
    }
    println!("{crossed:?} of {ways} ways");
    let least = ways / 20;
    assert!(crossed.keyframes > least && crossed.reloads > least && crossed.faults > least, "{crossed:?}");
    assert_eq!(session.probe().take_said(), [""; 0], "statements and programs agree");
}

/// Cycle, state hash behind it; the number of the place in it, the program, and its state there.
type Place = (u64, Option<u64>, Option<(u32, usize, String)>);

fn place(session: &Session<'_, File>) -> Place {
    let capture = session.capture().map(|capture| {
        let this = capture.snapshot.this(&capture.subject, 0);
        (capture.number, capture.program, format!("{this:?}"))
    });
    (session.cycle(), session.hash(), capture)
}

fn step(session: &mut Session<'_, File>, motion: Motion) -> Ended {
    session.begin(motion);
    loop {
        match session.go_on().expect("a good log") {
            Ended::NotYet => {}
            ended => return ended,
        }
    }
}
