//! Programs reloaded again and again, as compiled code and through a real log: every state is that of an independent migration
//! over names, types and values; every faulty program is undone, with program and state as before; the cyclic thread asks
//! nothing of the heap; and the log replays through all of it, from the start and from anywhere.

mod reference;
mod rig;
mod travel;
mod versions;

use reference::{Origin, Reference, encoded, general};
use rig::{Rig, Values};
use rt_tests::{
    harness::{count, soak},
    seeded::Random,
};
use sensai::{
    control::protocol::{Code, Failure},
    machine::Mode,
    programs::compile,
};
use sensai_model::{Cell, record::InboxKind};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};
use versions::{FAULTS, FIELDS, Field::Leaf, NAMES, Version};

/// Every leaf has the value that the reference says; but not those in `changing`.
fn check(
    now: &Values,
    before: &Values,
    fresh: &Values,
    reference: &Reference,
    of: &Version,
    changing: &BTreeSet<String>,
) {
    for (path, [kind, first], _) in of.leaves() {
        if let Some(first) = encoded(kind, first) {
            assert_eq!(fresh[&path], first, "{path}: {kind}");
        }
        if changing.contains(&path) {
            continue;
        }
        let expected = match reference.origins.get(&path) {
            Some(Origin::Kept | Origin::Taken) => before[&path].clone(),
            Some(Origin::Doubled) => {
                let number = i64::from_le_bytes(before[&path][..].try_into().expect("an i64"));
                (number as f64 * 2.0).to_bits().to_le_bytes().to_vec()
            }
            None => fresh[&path].clone(),
        };
        assert_eq!(now[&path], expected, "{path}: {kind}, {:?}", reference.origins.get(&path));
    }
    assert_eq!(now.len(), of.leaves().len());
}

/// Paths of what a program changes.
fn used(of: &Version) -> BTreeSet<String> {
    of.leaves().into_iter().filter(|(.., used)| *used).map(|(path, ..)| path).collect()
}

/// What `init` of a program gives.
fn fresh(cell: &Cell, index: usize, text: &str) -> Values {
    let mut cell = cell.clone();
    let place = if index == 0 { &mut cell.task.programs[0] } else { &mut cell.slow_tasks[0].programs[0] };
    place.text = text.into();
    let programs = compile(&cell).unwrap();
    let program = &programs[index];
    let leaves = program.layout().leaves().into_iter();
    leaves
        .map(|leaf| {
            let bytes = &program.state()[leaf.offset..leaf.offset + leaf.shape.size() as usize];
            (format!("this.{}", leaf.path), bytes.to_vec())
        })
        .collect()
}

#[derive(Debug, Default)]
struct Seen {
    applied: u64,
    refused: u64,
    undone: u64,
    /// Taken since `migrate` took over what did not fit.
    migrated: u64,
    /// Refused by a fault in `migrate`.
    unmigrated: u64,
    /// Pairs with edits of each kind.
    kinds: BTreeMap<&'static str, u64>,
}

/// What the next texts are, and what the reference says about each.
struct Pair {
    next: [Version; 2],
    changed: [bool; 2],
    references: [Reference; 2],
    /// Paths of all that is refused, as they are told.
    refused: BTreeSet<String>,
    /// The program whose `migrate` fails.
    unmigrated: Option<usize>,
}

impl Pair {
    /// Mostly of the first program only.
    fn next(versions: &[Version; 2], random: &mut Random, faulty: bool) -> Self {
        let mut next = [0, 1].map(|index| match random.within(0..3) {
            1 | 2 if index == 1 => versions[index].clone(),
            _ => versions[index].next(random),
        });
        let text = |of: &Version, index: usize| of.text(NAMES[index]);
        let changed = [0, 1].map(|index| text(&next[index], index) != text(&versions[index], index));
        let (mut refused, mut unmigrated) = (BTreeSet::new(), None);
        let references = [0, 1].map(|index| {
            if !changed[index] {
                return Reference::default();
            }
            let reference = Reference::of(&versions[index], &next[index]);
            if !reference.refused.is_empty() && random.one_in(2) {
                let fails = !faulty && random.one_in(6);
                let fault = if fails { "    if old.n >= 0 { fault(\"not now\"); }\n" } else { "" };
                next[index].migrate = Some(format!("{}    this.n += 0;\n{fault}", reference.statements));
                unmigrated = unmigrated.or(fails.then_some(index));
                return reference;
            }
            let name = |path: &String| format!("programs/{}.rhai: `{}`", NAMES[index], general(path));
            refused.extend(reference.refused.iter().map(name));
            reference.without_migrate()
        });
        if let Some(index) = (0..2).find(|index| faulty && changed[*index]) {
            next[index].fault = Some(*random.pick(&FAULTS));
        }
        Self { next, changed, references, refused, unmigrated }
    }

    fn changed(&self) -> impl Iterator<Item = usize> {
        (0..2).filter(|index| self.changed[*index])
    }

    fn faulty(&self) -> Option<usize> {
        self.changed().find(|index| self.next[*index].fault.is_some())
    }

    fn texts(&self) -> [String; 2] {
        [0, 1].map(|index| self.next[index].text(NAMES[index]))
    }

    /// Nothing was taken, and for the right reason.
    fn check_refused(&self, failure: &Failure) {
        let told: BTreeSet<String> = failure
            .reasons
            .iter()
            .map(|reason| reason.split_inclusive('`').take(2).collect::<String>())
            .collect();
        assert_eq!((failure.code, &told), (Code::Refused, &self.refused), "{failure}\n{:?}", self.texts());
        let nothing = failure.message.starts_with("nothing to reload");
        assert_eq!(nothing, !self.changed.contains(&true), "{failure}");
        if let (Some(index), true) = (self.unmigrated, self.refused.is_empty()) {
            let file = format!("programs/{}.rhai:", NAMES[index]);
            let text = &failure.message;
            assert!(text.starts_with("the state could not be migrated: ") && text.contains(&file), "{text}");
            assert!(text.contains("F313"), "{text}");
        }
    }
}

/// Pairs of programs in a run, each held against the reference; every tenth reload brings a bad program.
#[test]
fn every_state_is_the_reference_s_and_every_faulty_program_is_undone() {
    let mut random = Random::printed("reloads");
    let mut versions = [Version::first(), Version::first()];
    let mut rig = Rig::new(&versions);
    let (mut seen, wanted) = (Seen::default(), count(60, 1000));
    while seen.applied < wanted {
        let pair = Pair::next(&versions, &mut random, seen.applied % 10 == 9);
        // In Stop nothing runs behind the swap, so that all of the new state can be seen.
        let stopped = random.one_in(2);
        if stopped {
            rig.command(InboxKind::Stop);
            // The slow task's run that has begun still takes effect.
            rig.cycles(6);
        }
        // Good runs may come before the bad one.
        let probation = random.within(1..60) + if pair.faulty().is_some() { 5 } else { 0 };
        let edition = rig.machine.edition();
        let (result, before) = rig.reload(&pair.texts(), probation);
        for kind in pair.references.iter().flat_map(|reference| &reference.kinds) {
            *seen.kinds.entry(kind).or_default() += 1;
        }
        match result {
            Err(failure) => {
                assert_eq!(rig.machine.edition(), edition, "{failure}");
                pair.check_refused(&failure);
                seen.refused += 1;
                seen.unmigrated += u64::from(pair.unmigrated.is_some() && pair.refused.is_empty());
                if stopped {
                    let now = rig.values();
                    assert_eq!(now, before, "what was refused changes nothing");
                    rig.command(InboxKind::Start);
                    rig.cycles(1);
                }
            }
            Ok(applied) => {
                assert!(pair.refused.is_empty() && pair.unmigrated.is_none(), "taken: {:?}", pair.texts());
                seen.applied += 1;
                let has_migrated = pair.next.iter().any(|next| next.migrate.is_some());
                seen.migrated += u64::from(has_migrated);
                taken(&mut rig, &pair, &versions, &before, stopped);
                if stopped {
                    rig.command(InboxKind::Start);
                }
                match pair.faulty() {
                    Some(index) => {
                        rig.wires.0 = 1 << index;
                        fail(&mut rig, applied.number);
                        undone(&rig, &pair, &versions, (&before, stopped), applied.number);
                        rig.wires.0 = 0;
                        seen.undone += 1;
                        rig.command(InboxKind::Start);
                        rig.cycles(1);
                    }
                    None => {
                        rig.cycles(random.within(1..40));
                        // What it was given to take over is behind it.
                        versions = pair.next;
                    }
                }
            }
        }
        assert_eq!(rig.machine.mode(), Mode::Run);
    }
    println!("{seen:?} in {} cycles", rig.pace.0);
    assert_eq!(seen.undone, wanted / 10);
    let kinds = [
        "added",
        "removed",
        "type",
        "array length",
        "nested record",
        "block type",
        "constructor argument",
        "texts",
        "retain",
    ];
    let rare = kinds.iter().find(|kind| seen.kinds.get(*kind).copied().unwrap_or(0) < wanted / 100);
    assert_eq!(rare, None, "{seen:?}");
    assert!(seen.refused > wanted / 20 && seen.migrated > wanted / 50, "{seen:?}");
    let (epochs, told) = rig.finish(&mut random);
    assert_eq!(epochs, 1 + seen.applied + seen.undone);
    let count = |text: &str| told.iter().filter(|line| line.contains(text)).count() as u64;
    assert_eq!(count("is undone: F3"), seen.undone);
    assert!(count("is kept") > wanted / 20, "{told:?}");
}

/// Both states behind a swap are those of the reference.
fn taken(rig: &mut Rig, pair: &Pair, versions: &[Version; 2], before: &[Values; 2], stopped: bool) {
    let (now, texts) = (rig.values(), pair.texts());
    for index in pair.changed() {
        let next = &pair.next[index];
        let fresh = fresh(&rig.cell, index, &texts[index]);
        let mut changing = used(next);
        // What a slow task's last run made of the state came in before the swap.
        changing.extend(used(&versions[index]).into_iter().filter(|_| index == 1));
        if stopped {
            changing.clear();
        }
        check(&now[index], &before[index], &fresh, &pair.references[index], next, &changing);
    }
}

/// Both programs and their states are as before: nothing has run since.
fn undone(
    rig: &Rig,
    pair: &Pair,
    versions: &[Version; 2],
    (before, stopped): (&[Values; 2], bool),
    number: u32,
) {
    assert_eq!(rig.machine.edition(), edition_after_undo(number));
    let back = rig.values();
    for index in pair.changed() {
        let changing = if index == 1 && !stopped { used(&versions[1]) } else { BTreeSet::new() };
        assert_eq!(back[index].len(), before[index].len(), "{}", NAMES[index]);
        for (path, value) in back[index].iter().filter(|(path, _)| !changing.contains(*path)) {
            assert_eq!(value, &before[index][path], "{}: {path}", NAMES[index]);
        }
    }
}

const fn edition_after_undo(number: u32) -> u32 {
    2 * number
}

/// Run until the bad program has failed; stop in the cycle of the undo, so that nothing runs behind it.
fn fail(rig: &mut Rig, number: u32) {
    for _ in 0..20 {
        rig.cycle();
        assert_eq!(rig.machine.mode(), Mode::Run, "a fault on probation does not stop the machine");
        // A failed run of the slow task shows at its next release, that of the base task at once.
        if rig.machine.undo_is_due() {
            rig.command(InboxKind::Stop);
            rig.cycle();
            assert_eq!(rig.machine.mode(), Mode::Stop);
            for _ in 0..2000 {
                let facts = rig.facts.lock().unwrap().clone();
                if facts.state == "undone" {
                    assert_eq!((facts.number, facts.undone), (number, rig.pace.0));
                    assert!(facts.why_undone.starts_with("F3"), "{facts:?}");
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            panic!("nobody says that reload {number} was undone");
        }
    }
    panic!("reload {number} was not undone");
}

/// Resident memory of this process, and what is mapped to be executed without a file behind it, which is compiled code; bytes.
fn memory() -> (u64, u64) {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    let resident = text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096;
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let len = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let is_code = words.next()?.contains('x') && words.count() <= 3;
        let number = |text| u64::from_str_radix(text, 16).ok();
        is_code.then_some(number(end)? - number(start)?)
    };
    (resident, maps.lines().filter_map(len).sum())
}

#[test]
fn memory_stays_flat() {
    let rounds = if soak() { 10_000 } else { 120 };
    let mut random = Random::printed("memory");
    let mut long = Version::first();
    for name in FIELDS {
        long.fields.insert(name, Leaf("i64", "1", None));
    }
    let short = Version::first();
    let mut rig = Rig::new(&[short.clone(), short.clone()]);
    let (mut early, mut undone) = ((0, 0), 0);
    for round in 0..rounds {
        let version =
            Version { step: 1 + round % 3, ..if round % 2 == 0 { long.clone() } else { short.clone() } };
        let bad = Version { fault: Some(FAULTS[0]), ..version.clone() };
        let version = if round % 10 == 9 { bad } else { version };
        let (result, _) = rig.reload(&[version.text("main"), version.text("slow")], 5);
        let applied = result.unwrap();
        if version.fault.is_some() {
            rig.wires.0 = 1;
            fail(&mut rig, applied.number);
            rig.wires.0 = 0;
            rig.command(InboxKind::Start);
            undone += 1;
        }
        rig.cycles(24);
        rig.told.try_iter().for_each(drop);
        if round == rounds / 4 {
            early = memory();
        }
    }
    let late = memory();
    let grown = late.0.saturating_sub(early.0);
    println!(
        "{rounds} reloads, {undone} undone: resident {} bytes after a quarter of them, {} at the end; code {} and {} bytes",
        early.0, late.0, early.1, late.1
    );
    assert!(grown < 4 << 20, "{grown} bytes more");
    // Two programs run, two may come back, and what is freed late is not there for long: no more than twice as much.
    assert!(early.1 > 0 && late.1 <= 2 * early.1, "{early:?}, {late:?}");
    rig.finish(&mut random);
}

/// What the swap takes, the base task pays for, also where only a slow task's program is replaced.
#[test]
fn a_late_swap_is_undone_whoever_s_program_it_replaces() {
    let first = Version::first();
    let versions = [first.clone(), first.clone()];
    let texts = [first.text("main"), Version { step: 3, ..first }.text("slow")];
    let mut rig = Rig::new(&versions);
    let number = rig.reload(&texts, 50).0.unwrap().number;
    assert_eq!((rig.machine.edition(), rig.machine.mode()), (1, Mode::Run));
    rig.pace.1 = true;
    rig.cycle();
    assert_eq!((rig.machine.edition(), rig.machine.mode()), (edition_after_undo(number), Mode::Run));
    // The same reload again; a later cycle that is late is the base task's own.
    rig.reload(&texts, 50).0.unwrap();
    rig.cycle();
    rig.pace.1 = true;
    rig.cycle();
    assert_eq!((rig.machine.edition(), rig.machine.mode()), (3, Mode::Fault));
    let mut random = Random::printed("late");
    let (epochs, told) = rig.finish(&mut random);
    assert_eq!(epochs, 4);
    let undone = told.iter().filter(|line| line.contains("is undone: F201")).count();
    assert_eq!(undone, 1, "{told:?}");
}

#[test]
fn what_does_not_pass_the_check_is_refused_with_its_findings() {
    let first = [Version::first(), Version::first()];
    let mut rig = Rig::new(&first);
    let texts = [
        "fn init() { #{ n: 0 } }\nfn cycle() { this.n += nothing; this.m = 1; }\n".into(),
        first[1].text("slow"),
    ];
    let (result, _) = rig.reload(&texts, 10);
    let failure = result.unwrap_err();
    assert_eq!(
        (failure.code, failure.message.as_str()),
        (Code::Refused, "the new programs do not pass the check")
    );
    assert!(failure.reasons.iter().any(|reason| reason.starts_with("programs/main.rhai:2:")), "{failure}");
    // Two tasks that write one tag are found across programs, too.
    let texts = [first[0].text("main"), first[1].text("slow").replace("io.slow.count", "io.main.count")];
    let failure = rig.reload(&texts, 10).0.unwrap_err();
    assert!(failure.reasons.iter().any(|reason| reason.contains("R110")), "{failure}");
    let mut random = Random::printed("refused");
    assert_eq!(rig.finish(&mut random).0, 1);
}
