//! The end of a run, whatever brings it: `kill -9` at any moment, a cyclic thread that hangs, a signal in the middle of a
//! stroke. What was committed is in the log, nothing else is; the devices come to rest by themselves or in order; and
//! the next start knows.

use rt_tests::{
    Namespace, Profile,
    cells::{PressCell, Simulator},
    clock::{Stopwatch, wait_for},
    harness::{
        Background, Output, RUN_LIMIT, Running, count, exclusive, output_in_background, output_of,
        sensai_command, workspace,
    },
    press_model::{fault, valve},
    raw_log::{RawLog, RawRecord},
    ring::Ring,
    seeded::Random,
    skip,
    trace::{self, Event, What},
};
use serde_json::Value;
use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// The valve terminal's place on the bus.
const VALVES: u16 = 2;
/// The SyncManager watchdog that the example sets, with the grain of its registers.
const WATCHDOG_NS: u64 = 10_000_000 + 100_000;
/// Ids of inbox entries.
const STARTUP: u16 = 1;
const SHUTDOWN: u16 = 7;
/// Argument of a start after an end that was not orderly.
const UNCLEAN: i64 = 2;

/// A log through many kills, and what must be in it.
struct Chain {
    log: PathBuf,
    /// Every record known to be committed, in order.
    committed: Vec<RawRecord>,
    /// How many of them the last start, or a recovery, has brought into the file.
    recovered: usize,
    rings: Vec<PathBuf>,
    figures: Figures,
}

#[derive(Debug, Default)]
struct Figures {
    kills: u64,
    /// Killed before the ring was there.
    early: u64,
    /// Killed after the ring was there and before the first cycle.
    before_first_cycle: u64,
    records: usize,
    /// Records that lay only in the ring.
    rescued: u64,
    recoveries: u64,
    /// Records that the ring no longer held when its run was killed.
    overwritten: usize,
}

impl Chain {
    fn new(log: PathBuf) -> Self {
        Self { log, committed: Vec::new(), recovered: 0, rings: Vec::new(), figures: Figures::default() }
    }

    /// The process is dead, the next one is not there yet: what did it commit? Its records, if it came so far.
    #[track_caller]
    fn killed(&mut self, process: u32) -> Vec<RawRecord> {
        self.figures.kills += 1;
        let file = RawLog::read(&self.log).records();
        let Some(ring) = Ring::of(process) else {
            // It had not begun: the file holds what it held, and perhaps what was rescued for this start.
            self.figures.early += 1;
            assert!(
                file.len() >= self.recovered && self.committed.starts_with(&file),
                "{}",
                self.log.display()
            );
            return Vec::new();
        };
        assert_eq!(ring.dropped, 0);
        // It had begun, so that everything from before was brought in first.
        let before = self.committed.len();
        assert!(file.len() >= before, "{} of {before} records are in the file", file.len());
        assert!(
            file[..before] == self.committed[..],
            "what the run before committed is not what is in the file"
        );
        self.recovered = before;
        let written = &file[before..];
        let held = &ring.records[..];
        // What the ring no longer holds was written long ago; the rest is compared byte by byte.
        let oldest = held.first().filter(|_| ring.first > 0).map_or(0, RawRecord::cycle);
        let overwritten = written.iter().take_while(|record| record.cycle() < oldest).count();
        let mut run = written[..overwritten].to_vec();
        run.extend_from_slice(held);
        assert!(run.len() >= written.len(), "the file holds records that were never committed");
        assert!(run[..written.len()] == *written, "the file holds other records than were committed");
        if ring.head == 0 || run.is_empty() {
            self.figures.before_first_cycle += 1;
        }
        self.figures.records += run.len();
        self.figures.rescued += (run.len() - written.len()) as u64;
        self.figures.overwritten += overwritten;
        self.committed.extend_from_slice(&run);
        if !self.rings.contains(&ring.path) {
            self.rings.push(ring.path);
        }
        run
    }

    /// `sensai log recover`, then the file is exactly what was committed.
    #[track_caller]
    fn recover(&mut self) {
        if !self.log.exists() {
            return;
        }
        let mut command = sensai_command(Profile::Release);
        output_of(command.args(["log", "recover"]).arg(&self.log), RUN_LIMIT).expect_code(0);
        let file = RawLog::read(&self.log).records();
        assert_eq!(file.len(), self.committed.len(), "records in the file, and records committed");
        assert!(file == self.committed, "the file holds other records than were committed");
        self.recovered = file.len();
        self.figures.recoveries += 1;
    }

    /// The whole log: nothing missing, nothing altered, equal when it is run again, and every start after a kill known
    /// as such.
    #[track_caller]
    fn finish(mut self) -> Figures {
        self.recover();
        if self.committed.is_empty() {
            return std::mem::take(&mut self.figures);
        }
        let mut verify = sensai_command(Profile::Release);
        let report =
            output_of(verify.args(["log", "verify", "--json"]).arg(&self.log), RUN_LIMIT).expect_code(0);
        let report: Value = serde_json::from_str(&report.stdout).expect("a report is JSON");
        assert_eq!(report["records"], self.committed.len(), "{report:#}");
        assert_eq!(report["bad"], Value::Null, "{report:#}");
        // A kill in the middle of a write leaves a torn end, which is cut off and marked. Its records come back from
        // the ring: the count above and the bytes compared with the ring say that none is missing.
        let gaps = report["gaps"].as_array().expect("a list of gaps");
        assert!(gaps.iter().all(|gap| gap["reason"] == "TornTail" && gap["records"] == 0), "{report:#}");
        let mut replay = sensai_command(Profile::Release);
        let replayed = output_of(replay.arg("replay").arg(&self.log), RUN_LIMIT).expect_code(0);
        let equal = format!("{} cycles in ", self.committed.len());
        assert!(replayed.stdout.contains(&equal), "{equal}: {}", replayed.stdout);
        assert_consecutive(&self.committed);
        // The first recorded start is unclean only if one before it was killed before its first cycle.
        for record in self.starts().skip(1) {
            assert_eq!(
                record.inbox().first(),
                Some(&(STARTUP, UNCLEAN)),
                "start in cycle {}",
                record.cycle()
            );
        }
        std::mem::take(&mut self.figures)
    }

    fn starts(&self) -> impl Iterator<Item = &RawRecord> {
        self.committed.iter().filter(|record| record.is(RawRecord::FIRST_CYCLE))
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        // A killed run leaves its ring for the next one; there is none.
        for ring in &self.rings {
            let _ = fs::remove_file(ring);
        }
    }
}

/// Cycle numbers go up by one, or by what an overrun says was skipped.
#[track_caller]
fn assert_consecutive(records: &[RawRecord]) {
    const OVERRUN: u16 = 6;
    for pair in records.windows(2) {
        let skipped: i64 =
            pair[1].inbox().iter().filter(|entry| entry.0 == OVERRUN).map(|entry| entry.1).sum();
        assert_eq!(pair[1].cycle(), pair[0].cycle() + 1 + skipped.cast_unsigned());
    }
}

/// What the process says goes into a file: a pipe nobody empties would stop it.
fn start(command: &mut Command, errors: &Path) -> Running {
    let errors = fs::File::create(errors).expect("a file can be made");
    Running::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors))
}

/// `kill -9`, and wait until the process is gone. True if it was killed by that: on a machine that stalls, its own
/// watchdog may have been faster.
#[track_caller]
fn kill(mut running: Running, errors: &Path) -> (u32, bool) {
    const ABORTED: i32 = 6;
    let process = running.0.id();
    let _ = running.0.kill();
    let status = running.0.wait().expect("it ends");
    let text = fs::read_to_string(errors).expect("the file was made");
    let by_us = status.signal() == Some(9);
    assert!(by_us || status.signal() == Some(ABORTED) && text.contains("F202"), "{status}\n{text}");
    (process, by_us)
}

/// It has ended and nobody has waited for it yet.
fn has_ended(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

fn sleep_us(micros: u64) {
    std::thread::sleep(Duration::from_micros(micros));
}

/// Longest time from a process's start to its first cycle.
const UP: Duration = Duration::from_secs(20);

/// Wait until a run's newest record is like this, or the run has ended: what ends a run is judged by its exit status.
///
/// # Panics
/// It never is; with what the newest one is.
#[track_caller]
fn reach(process: u32, what: &str, holds: impl Fn(&RawRecord) -> bool) {
    let there = || Ring::peek(process).is_some_and(|record| holds(&record)) || has_ended(process);
    if wait_for(UP, || there().then_some(())).is_none() {
        let newest = Ring::peek(process).map(|record| {
            let inputs = record.0[216 + 8];
            let (cycle, flags, valid, valves) =
                (record.cycle(), record.flags(), record.valid(), valves(&record));
            format!(
                "cycle {cycle}, flags {flags:#x}, valid {valid}, switches {inputs:#b}, valves {valves:#b}"
            )
        });
        panic!("no {what} within {UP:?}; newest record: {newest:?}");
    }
}

/// Set-up takes most of a second; what happens to the log is in its first hundredths.
fn set_up_moment(random: &mut Random) -> u64 {
    if random.one_in(2) { random.within(0..50_000) } else { random.within(0..900_000) }
}

/// Outputs of the valve terminal as recorded.
fn valves(record: &RawRecord) -> u8 {
    // The example: 39 bytes of inputs, 7 of outputs, two sync units.
    record.0[216 + 8 + 39]
}

const STROKE: u8 = valve::DOWN | valve::CLAMP;

#[test]
fn kill_on_the_embedded_segment() {
    let _machine = exclusive();
    let cell = PressCell::new();
    let kills = count(30, 1_000);
    let mut random = Random::printed("kills");
    let watch = Stopwatch::start();
    let mut total = Figures::default();
    let mut left = kills;
    let mut number = 0;
    while left > 0 {
        // A new log now and then: its first start and its first epoch have their own moments to be killed in.
        let batch = left.min(random.within(8..25));
        left -= batch;
        number += 1;
        let mut chain = Chain::new(cell.beside(&format!("{number}.snlog")));
        for _ in 0..batch {
            let mut command = sensai_command(Profile::Release);
            command.arg("run").arg(cell.directory()).args(["--quiet", "--log"]).arg(&chain.log);
            let errors = cell.beside("errors");
            let running = start(&mut command, &errors);
            // A quarter of the kills comes in the set-up.
            if random.one_in(4) {
                sleep_us(set_up_moment(&mut random));
            } else {
                reach(running.0.id(), "first cycle", |_| true);
                sleep_us(random.within(0..1_200_000));
            }
            let (process, by_us) = kill(running, &errors);
            assert!(by_us, "on the embedded segment the watchdog waits five seconds");
            chain.killed(process);
            if random.one_in(3) {
                chain.recover();
            }
        }
        // In a simulation the start command is given at once, so that the first record shows all three: the unclean
        // end, the reset and the start.
        let known = chain.starts().skip(1).all(|record| {
            let kinds: Vec<_> = record.inbox().iter().map(|entry| entry.0).collect();
            kinds == [STARTUP, 4, 2] && record.is(RawRecord::RUNNING)
        });
        assert!(known, "a start after a kill does not show reset and start");
        total.add(&chain.finish());
    }
    println!("{total:?} in {:.1} s", watch.elapsed().as_secs_f64());
    assert_eq!(total.kills, kills);
    assert!(total.records as u64 > 100 * kills, "most kills came before the first cycle");
    assert!(total.rescued > 0, "nothing was ever left in the ring");
}

impl Figures {
    fn add(&mut self, other: &Self) {
        self.kills += other.kills;
        self.early += other.early;
        self.before_first_cycle += other.before_first_cycle;
        self.records += other.records;
        self.rescued += other.rescued;
        self.recoveries += other.recoveries;
        self.overwritten += other.overwritten;
    }
}

/// Seconds of `CLOCK_MONOTONIC`, as far as a machine that never sleeps is concerned; to 10 ms.
fn uptime_ns() -> u64 {
    let text = fs::read_to_string("/proc/uptime").expect("there is a /proc");
    let seconds: f64 = text.split(' ').next().and_then(|text| text.parse().ok()).expect("it is a number");
    (seconds * 1e9) as u64
}

/// A run over the wire that was killed: when, and what it had recorded.
struct Killed {
    /// From before its start to before the next one's, ns.
    window: (u64, u64),
    records: Vec<RawRecord>,
}

/// Figures about what the devices saw.
#[derive(Debug, Default)]
struct Seen {
    /// Runs that were killed with the clamp on.
    clamped: u64,
    /// Runs whose outputs on the wire were compared with the record.
    compared: u64,
    /// Runs that the machine's load disturbed before the kill: their bus was down already.
    disturbed: u64,
    /// Runs that ended themselves before, because the machine stalled.
    aborted: u64,
    longest_ns: u64,
}

impl Seen {
    /// The devices' side of one killed run.
    #[track_caller]
    fn judge(&mut self, trace: &[Event], killed: &Killed) {
        let Some(last) = killed.records.last() else { return };
        let within = |event: &&Event| (killed.window.0..killed.window.1).contains(&event.time_ns);
        let events: Vec<_> = trace.iter().filter(|event| event.device == VALVES).filter(within).collect();
        let up = events.iter().rposition(|event| event.what == What::State("Op".into()));
        let events = &events[up.unwrap_or_else(|| panic!("cycles without OP: {events:?}"))..];
        let faulted =
            killed.records.iter().any(|record| ![0, fault::UNCLEAN_RESTART].contains(&record.fault()));
        let expired: Vec<_> = events.iter().filter(|event| event.what == What::Watchdog).collect();
        if faulted
            || expired
                .first()
                .is_some_and(|event| event.last_frame_ns + 2_000_000 < self.end_of(trace, killed))
        {
            self.disturbed += 1;
            return;
        }
        let [expired] = expired[..] else { panic!("one watchdog: {events:?}") };
        let rest = events.last().expect("there is the watchdog");
        assert_eq!(rest.what, What::Outputs(Some(0)), "outputs after the kill: {events:?}");
        for event in [expired, rest] {
            let after_ns = event.time_ns - event.last_frame_ns;
            assert!(after_ns <= WATCHDOG_NS, "{after_ns} ns after the last frame");
            self.longest_ns = self.longest_ns.max(after_ns);
        }
        self.clamped += u64::from(valves(last) & valve::CLAMP != 0);
        self.compare(events, &killed.records);
    }

    /// When the last frame of a run came, by what the devices noted at its end.
    fn end_of(&self, trace: &[Event], killed: &Killed) -> u64 {
        let before = trace.iter().filter(|event| event.time_ns < killed.window.1);
        before.map(|event| event.last_frame_ns).max().unwrap_or(0)
    }

    /// What the devices drove is what was recorded: no output reached them that is not in the log, and only the outputs
    /// of the last cycle, which the next one would have sent, may be missing on the wire.
    #[track_caller]
    fn compare(&mut self, events: &[&Event], records: &[RawRecord]) {
        let mut wire: Vec<u8> = Vec::new();
        for event in events {
            if let What::Outputs(byte) = event.what {
                wire.push(byte.expect("the valve terminal has one byte"));
            }
        }
        assert_eq!(wire.pop(), Some(0), "at rest after the kill");
        // Start-up sends the fault values before the first cycle.
        let mut recorded = vec![valve::UP];
        recorded.extend(records.iter().map(valves));
        recorded.dedup();
        let sent = recorded.starts_with(&wire) && wire.len() + 1 >= recorded.len();
        assert!(sent, "on the wire {wire:?}, in the log {recorded:?}");
        self.compared += 1;
    }
}

#[test]
fn kill_over_veth() {
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(why) => skip!("{why}"),
    };
    let _machine = exclusive();
    let cell = PressCell::new();
    let kills = count(20, 1_000);
    let mut random = Random::printed("kills over veth");
    let watch = Stopwatch::start();
    let (mut total, mut seen, mut number) = (Figures::default(), Seen::default(), 0);
    // A run that a stall of the machine ended before the kill did is made up for by another one.
    while total.kills < kills + seen.disturbed + seen.aborted {
        let left = kills + seen.disturbed + seen.aborted - total.kills;
        assert!(total.kills < 3 * kills, "the machine is too busy to say anything: {seen:?}");
        let batch = left.min(random.within(8..25));
        number += 1;
        let trace_file = cell.beside(&format!("{number}.csv"));
        let trace_text = trace_file.display().to_string();
        let simulator =
            Simulator::start(&namespace, &cell.directory(), &["--trace", &trace_text]).ahead_of_load();
        let mut chain = Chain::new(cell.beside(&format!("{number}.snlog")));
        let mut runs = Vec::new();
        for _ in 0..batch {
            let begin = uptime_ns();
            let mut command = namespace.sensai(&["run", "--quiet", "--interface", Namespace::MAIN]);
            let errors = cell.beside("errors");
            let running = start(command.arg(cell.directory()).arg("--log").arg(&chain.log), &errors);
            kill_moment(&running, &mut random);
            let (process, by_us) = kill(running, &errors);
            seen.aborted += u64::from(!by_us);
            let records = chain.killed(process);
            // The devices' watchdogs need their time before somebody talks to them again.
            sleep_us(30_000);
            runs.push(Killed { window: (begin, uptime_ns()), records });
            if random.one_in(3) {
                chain.recover();
            }
        }
        stop_simulator(simulator);
        let trace = trace::read(&trace_file);
        runs.iter().for_each(|run| seen.judge(&trace, run));
        assert_starts_are_faulted(&chain);
        total.add(&chain.finish());
    }
    println!("{total:?}\n{seen:?} in {:.1} s", watch.elapsed().as_secs_f64());
    assert!(total.records as u64 > 100 * kills, "most kills came before the first cycle");
    assert!(seen.compared * 2 > kills, "too few kills came while the bus was up");
    assert!(seen.clamped * 8 >= kills, "too few kills came with the clamp on");
}

/// Some kills come while the run is set up or faulted, most of them after the operator has pressed reset and start, and
/// half of those in a stroke.
#[track_caller]
fn kill_moment(running: &Running, random: &mut Random) {
    if random.one_in(8) {
        sleep_us(set_up_moment(random));
        return;
    }
    let process = running.0.id();
    reach(process, "first cycle", |_| true);
    if random.one_in(8) {
        sleep_us(random.within(0..100_000));
        return;
    }
    running.signal("USR1");
    // On a machine so busy that the devices' watchdogs expired, a reset helps for three cycles only.
    let down = |record: &RawRecord| record.is(RawRecord::FAULTED) && record.valid() & 1 == 0;
    reach(process, "reset and start", |record| record.is(RawRecord::RUNNING) || down(record));
    if random.one_in(3) {
        sleep_us(random.within(0..1_500_000));
    } else {
        // The outputs are on: the simulated operator presses the button every few seconds.
        let come = |record: &RawRecord| valves(record) & STROKE == STROKE || record.is(RawRecord::FAULTED);
        reach(process, "stroke", come);
        sleep_us(random.within(0..250_000));
    }
}

#[track_caller]
fn stop_simulator(mut simulator: Simulator) {
    simulator.0.signal("TERM");
    let ended = wait_for(UP, || simulator.0.0.try_wait().expect("a child can be waited for"));
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
}

/// On a bus nobody gives the start command: the first start stands still, each later one comes up faulted, and stays so
/// until somebody gives a reset edge.
#[track_caller]
fn assert_starts_are_faulted(chain: &Chain) {
    const RESET: u16 = 4;
    let mut faulted = false;
    for record in &chain.committed {
        if record.is(RawRecord::FIRST_CYCLE) {
            faulted = record.inbox() == [(STARTUP, UNCLEAN)];
            let expected = if faulted { fault::UNCLEAN_RESTART } else { 0 };
            assert_eq!(record.fault(), expected, "cycle {}", record.cycle());
        }
        faulted &= !record.inbox().iter().any(|entry| entry.0 == RESET);
        if faulted {
            assert!(
                record.is(RawRecord::FAULTED) && !record.is(RawRecord::RUNNING),
                "cycle {}",
                record.cycle()
            );
            assert_eq!(valves(record), valve::UP, "cycle {}", record.cycle());
        }
    }
}

/// A run over veth in the middle of a stroke. Where the machine stalls for so long that the bus is lost before the
/// first stroke, it is tried again.
#[track_caller]
fn in_a_stroke(namespace: &Namespace, cell: &PressCell, name: &str) -> Stroke {
    for attempt in 0..5 {
        let trace = cell.beside(&format!("{name}-{attempt}.csv"));
        let log = cell.beside(&format!("{name}-{attempt}.snlog"));
        let options = ["--trace".to_owned(), trace.display().to_string()];
        let simulator =
            Simulator::start(namespace, &cell.directory(), &options.each_ref().map(String::as_str));
        let mut command = namespace.sensai(&["run", "--quiet", "--start", "--interface", Namespace::MAIN]);
        let running = output_in_background(command.arg(cell.directory()).arg("--log").arg(&log));
        let stroke = |record: &RawRecord| valves(record) & STROKE == STROKE;
        reach(running.id(), "stroke", |record| stroke(record) || record.is(RawRecord::FAULTED));
        if Ring::peek(running.id()).is_some_and(|record| stroke(&record)) && !has_ended(running.id()) {
            return Stroke { running, simulator, trace, log };
        }
        println!("attempt {attempt}: the bus was lost before the first stroke");
        let process = running.id();
        drop(running);
        // Nobody goes on with this log.
        let _ = Ring::of(process).map(|ring| fs::remove_file(ring.path));
    }
    panic!("the machine is too busy for a stroke over veth");
}

/// A run over veth that drives its outputs.
struct Stroke {
    running: Background,
    simulator: Simulator,
    trace: PathBuf,
    log: PathBuf,
}

/// The cyclic thread stands still as if it hung; the process watchdog ends the process, the devices' watchdogs their
/// outputs, and the next start is faulted.
#[test]
fn kill_by_the_watchdog_of_a_hung_thread() {
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(why) => skip!("{why}"),
    };
    let _machine = exclusive();
    let cell = PressCell::new();
    let rounds = count(2, 50);
    let mut longest = 0.0_f64;
    for round in 0..rounds {
        let Stroke { running, simulator, trace, log } =
            in_a_stroke(&namespace, &cell, &format!("hang{round}"));
        let process = running.id();
        let hung = match hang(process, "cyclic") {
            Ok(hung) => hung,
            Err(why) if why.contains("ptrace is refused") => skip!("{why}"),
            Err(why) => panic!("{why}"),
        };
        let output = running.wait(RUN_LIMIT);
        // Four fifths of the devices' watchdog, looked at four times; then the core is the watchdog's.
        longest = longest.max(hung);
        assert!((6.0..100.0).contains(&hung), "ended after {hung} ms");
        assert_aborted(&output);
        assert!(!namespace.has_packet_socket(Namespace::MAIN), "the bus socket is still open");
        sleep_us(30_000);
        let mut chain = Chain::new(log.clone());
        let records = chain.killed(process);
        assert!(records.len() > 100);

        let mut again = namespace.sensai(&["run", "--quiet", "--json", "--cycles", "300"]);
        again.args(["--interface", Namespace::MAIN]).arg(cell.directory()).arg("--log").arg(&log);
        let again = output_of(&mut again, RUN_LIMIT).expect_code(1);
        assert!(again.stderr.contains("did not end in an orderly way"), "{}", again.stderr);
        let summary: Value = serde_json::from_str(&again.stdout).expect("a summary is JSON");
        assert_eq!(
            (&summary["mode"], &summary["fault"]["id"]),
            (&"fault".into(), &"F401".into()),
            "{summary:#}"
        );
        stop_simulator(simulator);
        assert_at_rest(&trace::read(&trace), records.last().expect("there are records"));
    }
    println!("{rounds} hung threads: the process ended at most {longest:.1} ms later");
}

/// The first watchdog of the valve terminal came in time, with the clamp on before it and everything off behind it.
#[track_caller]
fn assert_at_rest(trace: &[Event], last: &RawRecord) {
    assert!(valves(last) & valve::CLAMP != 0, "the clamp was not on");
    let events: Vec<_> = trace.iter().filter(|event| event.device == VALVES).collect();
    let expired = events.iter().position(|event| event.what == What::Watchdog).expect("the watchdog expired");
    let off = events[expired..].iter().find(|event| matches!(event.what, What::Outputs(_)));
    let off = off.expect("the outputs changed");
    assert_eq!(off.what, What::Outputs(Some(0)));
    for event in [off, &events[expired]] {
        let after_ns = event.time_ns - event.last_frame_ns;
        assert!(after_ns <= WATCHDOG_NS, "{after_ns} ns after the last frame");
    }
    let before = events[..expired].iter().rev().find_map(|event| match event.what {
        What::Outputs(byte) => byte,
        _ => None,
    });
    assert!(before.is_some_and(|byte| byte & valve::CLAMP != 0), "on the wire: {before:?}");
}

#[track_caller]
fn assert_aborted(output: &Output) {
    assert_eq!(output.code, None, "{}", output.stderr);
    let line = output.stderr.lines().find(|line| line.starts_with("F202"));
    let line = line.unwrap_or_else(|| panic!("no F202: {}", output.stderr));
    assert!(line.contains("did not answer its watchdog") && line.contains("comes up faulted"), "{line}");
}

/// Stop a thread and wait for the end of its process: milliseconds between the two.
fn hang(process: u32, thread: &str) -> Result<f64, String> {
    let mut command = Command::new("python3");
    command.arg(workspace().join("rt-tests/interop/hang_thread.py")).arg(process.to_string()).arg(thread);
    let output = output_of(&mut command, RUN_LIMIT);
    let text = output.stdout.trim().strip_prefix("ended after ").and_then(|rest| rest.strip_suffix(" ms"));
    text.and_then(|number| number.parse().ok()).ok_or(output.stderr)
}

/// On the embedded segment nothing can move: the process has five seconds to answer.
#[test]
fn kill_by_the_watchdog_on_the_embedded_segment() {
    let _machine = exclusive();
    let cell = PressCell::new();
    let log = cell.beside("log.snlog");
    let mut command = sensai_command(Profile::Release);
    command.arg("run").arg(cell.directory()).args(["--quiet", "--log"]).arg(&log);
    let running = output_in_background(&mut command);
    let process = running.id();
    reach(process, "cycles", |record| record.cycle() > 500);
    let hung = match hang(process, "cyclic") {
        Ok(hung) => hung,
        Err(why) if why.contains("ptrace is refused") => skip!("{why}"),
        Err(why) => panic!("{why}"),
    };
    assert!((4_500.0..8_000.0).contains(&hung), "ended after {hung} ms");
    assert_aborted(&running.wait(RUN_LIMIT));
    let mut chain = Chain::new(log);
    assert!(chain.killed(process).len() >= 500);
    chain.finish();
}

/// The log of a run that a signal ended: shutdown recorded, a few cycles with fault values, an orderly end.
#[track_caller]
fn assert_orderly(log: &Path) -> Vec<RawRecord> {
    let raw = RawLog::read(log);
    assert!(raw.ends_orderly(), "the log has no orderly end");
    let records = raw.records();
    assert_consecutive(&records);
    let shutdown = records.iter().position(|record| record.inbox().iter().any(|entry| entry.0 == SHUTDOWN));
    let shutdown = shutdown.expect("the shutdown is in the log");
    let (before, after) = records.split_at(shutdown);
    let clamp = valves(before.last().expect("it ran")) & valve::CLAMP;
    assert!((2..10).contains(&after.len()), "{} cycles of shutdown", after.len());
    for record in after {
        assert!(record.is(RawRecord::SHUTDOWN) && !record.is(RawRecord::RUNNING), "cycle {}", record.cycle());
        // The clamp holds, the ram goes up, all else is off.
        assert_eq!(valves(record), valve::UP | clamp, "cycle {}", record.cycle());
    }
    let mut verify = sensai_command(Profile::Release);
    output_of(verify.args(["log", "verify"]).arg(log), RUN_LIMIT).expect_code(0);
    let mut replay = sensai_command(Profile::Release);
    output_of(replay.arg("replay").arg(log), RUN_LIMIT).expect_code(0);
    records
}

#[test]
fn kill_by_a_signal_in_a_stroke_on_the_embedded_segment() {
    let _machine = exclusive();
    let cell = PressCell::new();
    for name in ["TERM", "INT"] {
        let log = cell.beside(&format!("{name}.snlog"));
        let mut command = sensai_command(Profile::Release);
        command.arg("run").arg(cell.directory()).args(["--quiet", "--log"]).arg(&log);
        let running = output_in_background(&mut command);
        reach(running.id(), "stroke", |record| valves(record) & STROKE == STROKE);
        running.signal(name);
        running.wait(RUN_LIMIT).expect_code(0);
        assert_orderly(&log);
    }
}

#[test]
fn kill_by_a_signal_in_a_stroke_over_veth() {
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(why) => skip!("{why}"),
    };
    let _machine = exclusive();
    let cell = PressCell::new();
    for round in 0..count(2, 100) {
        let name = ["TERM", "INT"][(round % 2) as usize];
        let Stroke { running, simulator, trace, log } =
            in_a_stroke(&namespace, &cell, &format!("{name}{round}"));
        running.signal(name);
        running.wait(RUN_LIMIT).expect_code(0);
        stop_simulator(simulator);
        let records = assert_orderly(&log);
        let last = valves(records.last().expect("it ran"));
        assert_taken_down(&trace::read(&trace), last);
    }
}

/// The devices saw fault values while all of them were in OP, left OP after that, and went to INIT one state at a time.
#[track_caller]
fn assert_taken_down(trace: &[Event], fault_values: u8) {
    let state = |event: &Event| match &event.what {
        What::State(name) => Some(name.clone()),
        _ => None,
    };
    let in_op = trace.iter().rposition(|event| state(event).as_deref() == Some("Op")).expect("it was in OP");
    let down = &trace[in_op + 1..];
    let left = down.iter().position(|event| state(event).is_some()).expect("it left OP");
    let sent = down[..left].iter().rev().find_map(|event| match event.what {
        What::Outputs(byte) if event.device == VALVES => byte,
        _ => None,
    });
    assert_eq!(sent, Some(fault_values), "the last outputs before a device left OP");
    assert!(down.iter().all(|event| event.what != What::Watchdog), "a watchdog had to act: {down:?}");
    let devices: std::collections::BTreeSet<_> = trace.iter().map(|event| event.device).collect();
    assert_eq!(devices.len(), 6);
    for device in devices {
        let states: Vec<_> =
            down[left..].iter().filter(|event| event.device == device).filter_map(state).collect();
        assert_eq!(states, ["SafeOp", "Init"], "device {device}");
    }
    let off = down[left..].iter().rev().find_map(|event| match event.what {
        What::Outputs(byte) if event.device == VALVES => byte,
        _ => None,
    });
    assert_eq!(off, Some(0), "the valves' outputs outside of OP");
}
