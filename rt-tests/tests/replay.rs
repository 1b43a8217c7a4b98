//! A log is run again: equal bit for bit, from any cycle, on any build and processor; and a bit that was changed in it is
//! noticed in the very cycle in which it first matters, or never if it never does.

use rt_tests::{
    Namespace, Profile,
    cells::{PressCell, Simulator},
    harness::{
        Output, RUN_LIMIT, count, exclusive, output_in_background, output_of, sensai, sensai_command, soak,
        tool, workspace,
    },
    press_model::{Effects, Inputs, Mode, Model, Settings, first_effect, input, trajectory, valve},
    raw_log::{Block, Places, RawLog, RawRecord},
    seeded::Random,
    skip,
};
use sensai_log::{
    LogReader,
    patch::{Edit, patch},
};
use std::{
    collections::{HashMap, HashSet},
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Emulated processors are slow.
const EMULATION_LIMIT: Duration = Duration::from_secs(600);

/// Record `cycles` in virtual time.
#[track_caller]
fn record(mut sensai: Command, cell: &Path, cycles: u64, log: &Path) {
    sensai.arg("run").arg(cell).args(["--virtual", "--cycles", &cycles.to_string(), "--log"]).arg(log);
    // A run that ends in a fault has exit code 1, and is recorded all the same.
    let output = output_of(&mut sensai, EMULATION_LIMIT);
    assert!(matches!(output.code, Some(0 | 1)), "{}\n{}", output.stdout, output.stderr);
    assert!(log.is_file(), "{}", output.stderr);
}

fn replay(mut sensai: Command, log: &Path, options: &[&str]) -> Output {
    sensai.arg("replay").arg(log).args(options);
    output_of(&mut sensai, EMULATION_LIMIT)
}

/// `hash <cycle> <hash>` lines.
fn hashes(output: &Output) -> Vec<(u64, String)> {
    let lines = output.stdout.lines().filter_map(|line| line.strip_prefix("hash "));
    let pairs = lines.filter_map(|line| line.split_once(' '));
    pairs.map(|(cycle, hash)| (cycle.parse().expect("a cycle is a number"), hash.to_owned())).collect()
}

/// `equal: cycles <first> to <last>` lines.
fn verified(output: &Output) -> Vec<(u64, u64)> {
    let lines = output.stdout.lines().filter_map(|line| line.strip_prefix("equal: cycles "));
    let range = |line: &str| {
        let (first, rest) = line.split_once(" to ")?;
        Some((first.parse().ok()?, rest.split(',').next()?.parse().ok()?))
    };
    lines.map(|line| range(line).expect("a range is two numbers")).collect()
}

/// Whole, from the middle, on both builds: equal, with the hashes that stand in the records.
#[track_caller]
fn assert_replays(log: &Path) {
    let records = RawLog::read(log).records();
    let (first, last) = (records[0].cycle(), records[records.len() - 1].cycle());
    let recorded: Vec<_> =
        records.iter().map(|record| (record.cycle(), format!("{:016x}", record.hash()))).collect();
    for profile in [Profile::Release, Profile::Debug] {
        let whole = replay(sensai_command(profile), log, &["--hashes", "1"]).expect_code(0);
        assert_eq!(verified(&whole), [(first, last)], "{profile:?}");
        assert_eq!(hashes(&whole), recorded, "{profile:?}");
        let middle = first + (last - first) / 2;
        let from = middle.to_string();
        let part = replay(sensai_command(profile), log, &["--hashes", "1", "--from", &from]).expect_code(0);
        let ranges = verified(&part);
        let [(start, end)] = ranges[..] else { panic!("{profile:?}: {ranges:?}") };
        // There is a keyframe a second.
        assert!(start + 1200 > middle && start <= middle && end == last, "{profile:?}: {start} to {end}");
        let tail: Vec<_> = recorded.iter().filter(|(cycle, _)| *cycle >= start).cloned().collect();
        assert_eq!(hashes(&part), tail, "{profile:?}");
    }
}

#[test]
fn replay_of_an_embedded_log() {
    let _machine = exclusive();
    let cell = PressCell::new();
    let log = cell.beside("log.snlog");
    let cycles = count(4_000, 60_000).to_string();
    let mut command = sensai_command(Profile::Release);
    command.arg("run").arg(cell.directory()).args(["--cycles", &cycles, "--log"]).arg(&log);
    output_of(&mut command, RUN_LIMIT).expect_code(0);
    assert_replays(&log);
}

/// Over a veth pair, with the segment in another process.
#[track_caller]
fn record_over_veth(namespace: &Namespace, cell: &PressCell, cycles: u64, log: &Path) {
    let _simulator = Simulator::start(namespace, &cell.directory(), &[]).ahead_of_load();
    let mut command = namespace.sensai(&["run"]);
    command.arg(cell.directory()).args(["--interface", Namespace::MAIN, "--start", "--cycles"]);
    output_of(command.arg(cycles.to_string()).arg("--log").arg(log), RUN_LIMIT).expect_code(0);
}

#[test]
fn replay_of_a_veth_log() {
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(why) => skip!("{why}"),
    };
    let _machine = exclusive();
    let cell = PressCell::new();
    let log = cell.beside("log.snlog");
    record_over_veth(&namespace, &cell, count(4_000, 60_000), &log);
    assert_replays(&log);
}

/// Bytes that a process and those it waited for have read, by the kernel's account.
fn bytes_read(sensai: &Path, arguments: &[&str]) -> Option<u64> {
    let script = "\"$@\" > /dev/null || exit 1; cat /proc/$$/io";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(sensai).args(arguments);
    let output = output_of(&mut command, RUN_LIMIT);
    let line = output.stdout.lines().find_map(|line| line.strip_prefix("rchar: ").map(str::to_owned));
    line.and_then(|number| number.parse().ok())
}

/// Everything before the keyframe is destroyed but what leads to it: block headers, and the cell's files.
#[test]
fn replay_from_the_middle_reads_nothing_before() {
    const CONTENT_OR_EPOCH: [u16; 2] = [1, 2];
    const KEYFRAME: u16 = 4;
    let cell = PressCell::new();
    let log = cell.beside("log.snlog");
    record(sensai_command(Profile::Release), &cell.directory(), 20_000, &log);
    let from = 18_500_u64;

    let mut raw = RawLog::read(&log);
    let whole = raw.bytes.len() as u64;
    let clean = replay(sensai_command(Profile::Release), &log, &["--from", "18500", "--hashes", "1"]);
    let ranges = verified(&clean.expect_code(0));
    let start = ranges[0].0;
    // The keyframe holds the state after the cycle before. A slice that begins one stands first in its block: cycle, length,
    // and its offset, which is none.
    let begins = |block: &Block| {
        let slice = &raw.bytes[block.payload()];
        block.kind == KEYFRAME && slice[..8] == (start - 1).to_le_bytes() && slice[12..16] == [0; 4]
    };
    let keyframe = raw.blocks.iter().position(begins).expect("there is a keyframe");
    let mut destroyed = 0;
    for block in raw.blocks[..keyframe].iter().filter(|block| !CONTENT_OR_EPOCH.contains(&block.kind)) {
        raw.bytes[block.payload()].fill(0xa5);
        destroyed += block.len as u64;
    }
    assert!(destroyed > whole * 7 / 10, "{destroyed} of {whole} bytes");
    let ruined = cell.beside("ruined.snlog");
    fs::write(&ruined, &raw.bytes).expect("the copy can be written");

    let part = replay(sensai_command(Profile::Release), &ruined, &["--from", "18500"]).expect_code(0);
    assert_eq!(verified(&part), [(start, ranges[0].1)]);
    assert!(start <= from && start > from - 1200, "{start}");
    // It is really destroyed, and a replay of the whole says so.
    let all = replay(sensai_command(Profile::Release), &ruined, &[]).expect_code(1);
    assert!(all.stderr.contains("altered") || all.stderr.contains("damaged"), "{}", all.stderr);
    let mut verify = sensai_command(Profile::Release);
    let verify = output_of(verify.args(["log", "verify"]).arg(&ruined), RUN_LIMIT).expect_code(1);
    assert!(verify.stdout.contains("ALTERED"), "{}", verify.stdout);

    let text = log.display().to_string();
    let binary = sensai(Profile::Release);
    let (Some(all), Some(part)) =
        (bytes_read(binary, &["replay", &text]), bytes_read(binary, &["replay", &text, "--from", "18500"]))
    else {
        skip!("this kernel does not count the bytes that a process reads")
    };
    println!("replay of {whole} bytes: whole {all} bytes read, from cycle {from} {part}");
    assert!(all > whole * 9 / 10, "{all} of {whole}: the count is wrong");
    // 1,500 of 20,000 cycles, a keyframe interval, and what finds them.
    assert!(part < whole / 4, "{part} of {whole} bytes for a thirteenth of the cycles");
}

/// Record bytes: timings are zero in virtual time, so that equal runs are equal bytes.
#[track_caller]
fn assert_same_records(one: &Path, two: &Path, what: &str) {
    let (one, two) = (RawLog::read(one).records(), RawLog::read(two).records());
    let first = one.iter().zip(&two).position(|(one, two)| one != two);
    assert_eq!(first.map(|index| one[index].cycle()), None, "{what}: the first cycle that differs");
    assert_eq!(one.len(), two.len(), "{what}");
}

#[test]
fn replay_hashes_agree_across_builds_and_processors() {
    let cell = PressCell::new();
    let cycles = count(5_000, 60_000);
    let logs = [(Profile::Release, "release"), (Profile::Debug, "debug")].map(|(profile, name)| {
        let log = cell.beside(&format!("{name}.snlog"));
        record(sensai_command(profile), &cell.directory(), cycles, &log);
        log
    });
    assert_same_records(&logs[0], &logs[1], "release and debug build");
    logs.iter().for_each(|log| assert_replays(log));

    let qemu = match tool("qemu-x86_64") {
        Ok(qemu) => qemu,
        Err(why) => skip!("{why}; Debian package qemu-user"),
    };
    // Nehalem, 2008: no AVX, no FMA, no AES or SHA instructions, no carry-less multiplication.
    let emulated = |profile| {
        let mut command = Command::new(&qemu);
        command.current_dir(workspace()).args(["-cpu", "Nehalem"]).arg(sensai(profile));
        command
    };
    let log = cell.beside("nehalem.snlog");
    record(emulated(Profile::Release), &cell.directory(), cycles, &log);
    assert_same_records(&logs[0], &log, "this processor and an emulated Nehalem");
    for (profile, log) in [(Profile::Release, &logs[1]), (Profile::Debug, &logs[0])] {
        let here = replay(sensai_command(profile), log, &["--hashes", "1"]).expect_code(0);
        let there = replay(emulated(profile), log, &["--hashes", "1"]).expect_code(0);
        let hashes_here = hashes(&here);
        assert!(hashes_here.len() as u64 >= cycles, "{}", hashes_here.len());
        assert_eq!(hashes_here, hashes(&there), "{profile:?}");
    }
}

/// A log, and what the independent model says about it.
struct Judged {
    name: &'static str,
    path: PathBuf,
    settings: Settings,
    places: Places,
    records: Vec<RawRecord>,
    inputs: Vec<Inputs>,
    states: Vec<Model>,
}

impl Judged {
    /// Read it, and hold model and log against each other in every cycle: valve outputs, run state, faults; and the
    /// recorded hash must tell two cycles apart exactly if the model does.
    #[track_caller]
    fn new(name: &'static str, path: PathBuf, settings: Settings) -> Self {
        let raw = RawLog::read(&path);
        let (places, records) = (raw.places(), raw.records());
        let inputs: Vec<_> = records.iter().map(|record| Inputs::of(record, places)).collect();
        let states = trajectory(&settings, &inputs);
        let mut hash_of: HashMap<Effects, u64> = HashMap::new();
        let mut effects_of: HashMap<u64, Effects> = HashMap::new();
        let mut mode = Mode::Stop;
        for (record, state) in records.iter().zip(&states) {
            let (cycle, effects) = (record.cycle(), state.effects);
            let mut outputs = vec![0; places.outputs];
            outputs[0] = effects.valves;
            if record.outputs(places) != outputs {
                std::fs::copy(&path, "/tmp/det/bad.snlog").unwrap();
            }
            assert_eq!(record.outputs(places), outputs, "{name}: outputs of cycle {cycle}");
            let flags = [RawRecord::RUNNING, RawRecord::FAULTED].map(|flag| record.is(flag));
            let expected = [effects.mode == Mode::Run, matches!(effects.mode, Mode::Fault(_))];
            assert_eq!(flags, expected, "{name}: run and fault flag of cycle {cycle}");
            let before = if record.is(RawRecord::FIRST_CYCLE) { Mode::Stop } else { mode };
            let risen = match effects.mode {
                Mode::Fault(code) if before != effects.mode => code,
                _ => 0,
            };
            assert_eq!(record.fault(), risen, "{name}: fault of cycle {cycle}");
            let hash = *hash_of.entry(effects).or_insert(record.hash());
            assert_eq!(
                hash,
                record.hash(),
                "{name}: cycle {cycle} has another hash, the model is in the same state"
            );
            let same = *effects_of.entry(record.hash()).or_insert(effects);
            assert_eq!(
                same, effects,
                "{name}: cycle {cycle} has the same hash, the model is in another state"
            );
            mode = effects.mode;
        }
        println!(
            "{name}: {} cycles, {} different states; the model agrees in all",
            records.len(),
            hash_of.len()
        );
        Self { name, path, settings, places, records, inputs, states }
    }

    /// Cycles in which a condition holds for the model.
    fn cycles(&self, holds: impl Fn(&Effects) -> bool) -> usize {
        self.states.iter().filter(|state| holds(&state.effects)).count()
    }

    /// A cycle and an input bit: any bit of the image, or one that some tag is bound to, or one of a switch or button.
    fn flip(&self, random: &mut Random, bound: &[usize]) -> (usize, usize) {
        let index = random.within(0..self.records.len() as u64) as usize;
        let bit = match random.within(0..3) {
            0 => random.within(0..8 * self.places.inputs as u64) as usize,
            1 => *random.pick(bound),
            _ => random.within(0..6) as usize,
        };
        (index, bit)
    }

    fn expected(&self, flip: (usize, usize)) -> Option<u64> {
        let index = first_effect(&self.settings, &self.inputs, &self.states, flip)?;
        Some(self.records[index].cycle())
    }
}

/// Input bits that a tag of the cell is bound to, by the cell's description in the log.
fn bound_bits(log: &Path) -> Vec<usize> {
    let epochs = RawLog::read(log).epochs();
    let tags = epochs[0]["tags"].as_array().cloned().unwrap_or_default();
    let mut bits = Vec::new();
    for field in tags.iter().filter(|tag| tag["kind"] == "input").flat_map(|tag| tag["fields"].as_array()) {
        for field in field {
            let number = |name: &str| field[name].as_u64().expect("a place is a number") as usize;
            bits.extend(number("bit_offset")..number("bit_offset") + number("bit_len"));
        }
    }
    bits
}

/// The logs that bits are flipped in: the example as it is, and a busier one in which the end switches are the
/// operator's buttons and strokes time out, so that stops, starts, faults and resets abound.
#[track_caller]
fn judged_logs(cell: &PressCell, busy: &PressCell) -> Vec<Judged> {
    let plain = cell.beside("plain.snlog");
    record(sensai_command(Profile::Release), &cell.directory(), 10_000, &plain);
    let plain = Judged::new("press cell", plain, Settings::EXAMPLE);
    assert!(plain.cycles(|effects| effects.valves & valve::DOWN != 0) > 1_000, "the press does not press");
    let parts: HashSet<_> = plain.states.iter().map(|state| state.effects.parts()).collect();
    assert!(parts.len() > 6, "{parts:?}");

    let log = busy.beside("busy.snlog");
    record(sensai_command(Profile::Release), &busy.directory(), 10_000, &log);
    let operator = [input::UP, input::DOWN, input::UP];
    let settings = Settings { operator, timeout_ns: 500_000_000, ..Settings::EXAMPLE };
    let busy = Judged::new("busy press cell", log, settings);
    let edges = busy.states.windows(2).filter(|pair| pair[0].effects.mode != pair[1].effects.mode).count();
    let faulted = busy.cycles(|effects| matches!(effects.mode, Mode::Fault(_)));
    assert!(edges > 20 && faulted > 100, "{edges} changes of the runtime's state, {faulted} cycles in fault");
    vec![plain, busy]
}

fn busy_cell() -> PressCell {
    PressCell::new()
        .with("cell.toml", "start = \"start\"\nstop = \"stop\"", "start = \"ram.up\"\nstop = \"ram.down\"")
        .with("cell.toml", "reset = \"reset\"", "reset = \"ram.home\"")
        .with("cell.toml", "[parameters]", "ram.home = { input = \"inputs.channel_3\" }\n\n[parameters]")
        .with("cell.toml", "timeout     = { default = 2.0", "timeout     = { default = 0.5")
}

/// What the library says about a flip: the first cycle that comes out differently.
#[track_caller]
fn reported(log: &LogReader<File>, cycle: u64, bit: usize, copy: &Path) -> Option<u64> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(copy)
        .expect("a copy can be made");
    patch(log, &[(cycle, Edit::FlipInput { bit })], &mut file).expect("the log can be patched");
    drop(file);
    let patched = LogReader::open_file(copy).expect("a patched log is a log");
    let report = sensai::replay::replay(&patched, &sensai::replay::Options::default(), &mut |_| ())
        .expect("it replays");
    assert!(report.unverified.is_empty(), "{:?}", report.unverified);
    let found = report.difference.map(|difference| difference.cycle);
    assert!(found.is_some() || report.cycles == log_cycles(log), "the replay ended early");
    found
}

fn log_cycles(log: &LogReader<File>) -> u64 {
    log.info().expect("the log is good").cycles.map_or(0, |(first, last)| last - first + 1)
}

/// The same through the command line; the number of the first different cycle stands in a sentence.
#[track_caller]
fn reported_by_cli(log: &Path, cycle: u64, bit: usize, copy: &Path) -> Option<u64> {
    let _ = fs::remove_file(copy);
    let mut command = sensai_command(Profile::Release);
    command.args(["log", "patch"]).arg(log);
    command.args(["--cycle", &cycle.to_string(), "--input-bit", &bit.to_string(), "--out"]).arg(copy);
    output_of(&mut command, RUN_LIMIT).expect_code(0);
    let mut verify = sensai_command(Profile::Release);
    output_of(verify.args(["log", "verify"]).arg(copy), RUN_LIMIT).expect_code(0);
    let output = replay(sensai_command(Profile::Release), copy, &[]);
    let sentence = output.stdout.lines().find_map(|line| line.strip_prefix("different: cycle "));
    let cycle = sentence.map(|rest| rest.split(' ').next().unwrap_or_default());
    let cycle = cycle.map(|number| number.parse().expect("a cycle is a number"));
    output.clone().expect_code(i32::from(cycle.is_some()));
    cycle
}

/// Every flip is reported at the cycle at which the independent model says it first matters, or not at all where the
/// model says that nothing ever reads it.
///
/// What a program makes of an input is its state, and the state is compared: a bit matters in the cycle in which it
/// comes in, or not at all. Later it can only matter where it is held through a lost cycle, which a bus in virtual time
/// does not have.
#[test]
fn replay_names_the_cycle_of_a_flipped_bit() {
    let (cell, busy) = (PressCell::new(), busy_cell());
    let logs = judged_logs(&cell, &busy);
    let bound = bound_bits(&logs[0].path);
    assert_eq!(bound.len(), 6 + 16 + 32 + 32);
    let mut random = Random::printed("flips");
    let (flips, by_cli) = (count(40, 1_000), count(6, 40));
    let (mut at_once, mut later, mut never) = (0, 0, 0);
    let readers: Vec<_> = logs.iter().map(|log| LogReader::open_file(&log.path).expect("a log")).collect();
    for number in 0..flips {
        let which = (number % 2) as usize;
        let (log, reader) = (&logs[which], &readers[which]);
        let (index, bit) = log.flip(&mut random, &bound);
        let cycle = log.records[index].cycle();
        let expected = log.expected((index, bit));
        let copy = cell.beside("patched.snlog");
        let found = if number < by_cli {
            reported_by_cli(&log.path, cycle, bit, &copy)
        } else {
            reported(reader, cycle, bit, &copy)
        };
        assert_eq!(found, expected, "{}: input bit {bit} flipped in cycle {cycle}", log.name);
        match found {
            Some(first) if first == cycle => at_once += 1,
            Some(_) => later += 1,
            None => never += 1,
        }
    }
    println!(
        "{flips} flips: {at_once} mattered at once, {later} later, {never} never; all as the model says"
    );
    assert!(at_once > 0 && never > 0, "the flips are too much of one kind");
    if soak() {
        assert!(at_once > 100 && never > 100);
    }
}

/// A bus that loses frames: its segment stands still for a few milliseconds now and then, and an operator resets what
/// comes of it.
#[track_caller]
fn record_lossy(namespace: &Namespace, cell: &PressCell, log: &Path) {
    let simulator = Simulator::start(namespace, &cell.directory(), &[]);
    let mut command = namespace.sensai(&["run", "--quiet", "--interface", Namespace::MAIN, "--start"]);
    let running = output_in_background(command.arg(cell.directory()).arg("--log").arg(log));
    let mut random = Random::printed("lost frames");
    std::thread::sleep(Duration::from_millis(1_500));
    for number in 0..count(40, 400) {
        simulator.0.signal("STOP");
        std::thread::sleep(Duration::from_micros(random.within(500..5_000)));
        simulator.0.signal("CONT");
        std::thread::sleep(Duration::from_millis(random.within(10..100)));
        if number % 4 == 3 {
            running.signal("USR1");
        }
    }
    running.signal("TERM");
    let output = running.wait(RUN_LIMIT);
    assert!(matches!(output.code, Some(0 | 1)), "{}", output.stderr);
}

/// The model against a bus of another process, with whatever that bus did: as it is, and with frames lost on purpose.
#[test]
fn replay_model_agrees_with_veth_logs() {
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(why) => skip!("{why}"),
    };
    let _machine = exclusive();
    let cell = PressCell::new();
    let log = cell.beside("log.snlog");
    record_over_veth(&namespace, &cell, count(4_000, 60_000), &log);
    let judged = Judged::new("press cell over veth", log, Settings::EXAMPLE);
    assert!(judged.cycles(|effects| effects.valves & valve::DOWN != 0) > 100, "the press does not press");

    let height = "scale = 0.00001, on_invalid = ";
    for (name, (from, to), settings) in [
        ("frames lost, program goes on", ("", ""), Settings { lost_frames_max: 1000, ..Settings::EXAMPLE }),
        (
            "frames lost, input faults",
            ("\"hold\"", "\"fault\""),
            Settings { lost_frames_max: 1000, height_must_be_valid: true, ..Settings::EXAMPLE },
        ),
    ] {
        // A busy computer lets the segment stand still for longer than was asked: that is no matter of the devices' watchdogs.
        let cell = PressCell::new()
            .with("cell.toml", "lost_frames_max = 3", "lost_frames_max = 1000")
            .with("cell.toml", "watchdog = \"10ms\"", "watchdog = \"1s\"")
            .with("cell.toml", &format!("{height}{from}"), &format!("{height}{to}"));
        let log = cell.beside("log.snlog");
        record_lossy(&namespace, &cell, &log);
        let judged = Judged::new(name, log.clone(), settings);
        let lost = judged.records.iter().filter(|record| record.is(RawRecord::LOST)).count();
        let faulted = judged.cycles(|effects| matches!(effects.mode, Mode::Fault(_)));
        println!("{name}: {lost} cycles lost, {faulted} in fault");
        assert!(lost > 20, "{lost} cycles lost");
        assert_eq!(faulted > 0, settings.height_must_be_valid, "{faulted} cycles in fault");
        let output = replay(sensai_command(Profile::Debug), &log, &[]);
        assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    }
}
