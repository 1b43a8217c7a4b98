//! The press example as it is delivered: on the embedded segment in virtual time and at real pace, and over a veth pair
//! with the segment in another process. The cyclic thread keeps its promises, also while things go wrong.

use rt_tests::{
    Namespace,
    cells::{PROGRAM, PressCell, Run, Simulator},
    clock::wait_for,
    harness::{RUN_LIMIT, Running, count, example, exclusive, output_in_background, workspace},
    skip,
    table::Table,
};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

/// One part takes about a second: loading, the button, the stroke, unloading. Parts of `cycles` at 1 ms. Who presses the
/// button too early for the first part tries again after three seconds.
#[track_caller]
fn assert_parts(run: &Run, cycles: u64) {
    let (good, bad) = (run.memory("parts.good"), run.memory("parts.bad"));
    let seconds = cycles as f64 / 1000.0;
    let parts = good + bad;
    assert!(
        parts >= (0.5 * (seconds - 3.5)).floor() && parts <= 1.5 * seconds,
        "{good} good and {bad} bad parts in {seconds} s"
    );
    // One part in twenty is cracked.
    assert!(
        good > 0.0 && bad >= 0.0 && bad <= 3.0 + 0.2 * parts,
        "{good} good and {bad} bad parts in {seconds} s"
    );
    if good > 0.0 {
        assert!((300.0..3000.0).contains(&run.memory("peak_force")), "{} N", run.memory("peak_force"));
    }
}

#[track_caller]
fn assert_in_run(run: &Run, cycles: u64) {
    assert_eq!(run.output.code, Some(0), "{}\n{}", run.output.stdout, run.output.stderr);
    assert_eq!((run.text("/mode"), run.fault().as_str()), ("run", ""));
    assert!((cycles..cycles + 10).contains(&run.number("/cycles")), "{} cycles", run.number("/cycles"));
    assert!(run.number("/startup_ns") > 0);
}

#[test]
fn press_cell_virtual() {
    let run = Run::embedded(&example("pneumatic-press"), &["--virtual", "--cycles", "60000"]);
    assert_in_run(&run, 60_000);
    run.assert_lossless();
    run.assert_quiet();
    assert_parts(&run, 60_000);
    assert_eq!((run.number("/overruns"), run.number("/skipped")), (0, 0));
}

#[test]
fn press_cell_at_real_pace() {
    let _machine = exclusive();
    let cycles = count(6_000, 60_000);
    for guard in [&[][..], &["--guard"]] {
        let cycles_text = cycles.to_string();
        let run = Run::embedded(&example("pneumatic-press"), &[&["--cycles", &cycles_text], guard].concat());
        assert_in_run(&run, cycles);
        run.assert_lossless();
        run.assert_quiet();
        assert_parts(&run, cycles);
        assert_eq!(run.summary["guarded"], !guard.is_empty());
        assert!(
            run.output.time >= Duration::from_millis(cycles),
            "{:?} for {cycles} cycles",
            run.output.time
        );
    }
}

/// Every record in a log, as far as people can see it.
fn records(seed: &str) -> Table {
    let cell = PressCell::new();
    let log = cell.beside("log.snlog");
    let log_text = log.display().to_string();
    let run = Run::embedded(
        &cell.directory(),
        &["--virtual", "--cycles", "5000", "--seed", seed, "--log", &log_text],
    );
    assert_in_run(&run, 5_000);
    Table::export(&log, &["--timings"])
}

#[test]
fn press_cell_repeats_itself_bit_for_bit() {
    let (first, second, other) = (records("7"), records("7"), records("8"));
    assert_eq!(first.rows.len(), second.rows.len());
    assert!(first.columns.iter().any(|name| name == "state_hash"), "{:?}", first.columns);
    for (one, two) in first.rows.iter().zip(&second.rows) {
        assert_eq!(one, two);
    }
    assert_ne!(first.column("force.ram [N]"), other.column("force.ram [N]"));
    assert_ne!(first.column("state_hash").last(), other.column("state_hash").last());
}

/// `sensai run` on the MainDevice's end.
fn on_the_wire(namespace: &Namespace, cell: &Path, cycles: u64, log: &Path) -> Command {
    let mut command = namespace.sensai(&["run"]);
    command.arg(cell).args(["--interface", Namespace::MAIN, "--start", "--json", "--guard"]);
    command.args(["--cycles", &cycles.to_string()]).arg("--log").arg(log);
    command
}

/// The press cell, made patient: what else runs on this computer may hold up a frame, and that is not the question here.
fn patient_cell() -> PressCell {
    PressCell::new().with("cell.toml", "lost_frames_max = 3", "lost_frames_max = 1000").with(
        "cell.toml",
        "watchdog = \"10ms\"",
        "watchdog = \"500ms\"",
    )
}

/// A cycle's inputs are valid exactly if the reply was complete: then the working counter is the one that all devices
/// together make, and without a reply it is zero. Gives the cycles without a reply.
#[track_caller]
fn assert_working_counters(table: &Table) -> usize {
    let valid = table.numbers("valid");
    let flags = table.column("flags");
    // 1 for each device that is read, 2 for each that is written: EL1008, EL2008, EL3104 and EL5101 (both); SN7001.
    for (unit, bit, full) in [("main", 1, 1 + 2 + 1 + 3), ("measuring", 2, 1)] {
        let counters = table.numbers(&format!("working_counter.{unit}"));
        for row in 0..counters.len() {
            let lost = flags[row].contains("EXCHANGE_LOST");
            let expected = if lost { 0 } else { full };
            assert_eq!(counters[row], expected, "{unit}, row {row}: {}", flags[row]);
            assert_eq!(valid[row] & bit != 0, !lost, "{unit}, row {row}: {}", flags[row]);
        }
    }
    flags.iter().filter(|flags| flags.contains("EXCHANGE_LOST")).count()
}

#[test]
fn press_cell_over_veth() {
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(why) => skip!("{why}"),
    };
    let _machine = exclusive();
    let cell = patient_cell();
    let log = cell.beside("log.snlog");
    let _simulator = Simulator::start(&namespace, &cell.directory(), &[]);
    let cycles = count(6_000, 60_000);
    let run = Run::of(&mut on_the_wire(&namespace, &cell.directory(), cycles, &log));
    assert_in_run(&run, cycles);
    assert_eq!(run.text("/bus"), Namespace::MAIN);
    run.assert_quiet();
    assert_eq!(run.summary["guarded"], true);
    assert_parts(&run, cycles);
    let lost = assert_working_counters(&Table::export(&log, &["--timings"])) as u64;
    println!(
        "{lost} of {cycles} cycles without a reply within the bus deadline, {} overruns",
        run.number("/overruns")
    );
    assert_eq!((run.number("/exchange/lost"), run.number("/exchange/invalid")), (lost, lost));
    assert!(lost <= cycles / 20, "{lost} of {cycles} replies are missing");
}

/// From the cycle of the fault on, every output is at its fault value, or at the one before where it is to be held.
#[track_caller]
fn assert_fault_values(table: &Table, fault: &str) {
    let texts = table.column("fault");
    let risen =
        texts.iter().position(|text| text.contains(fault)).unwrap_or_else(|| panic!("no {fault} in the log"));
    let truth =
        |name: &str| table.column(name).iter().map(|text| matches!(*text, "true" | "1")).collect::<Vec<_>>();
    let held = truth("clamp")[risen.saturating_sub(1)];
    for (name, expected) in [("valve.down", false), ("valve.up", true), ("clamp", held), ("lamp", false)] {
        let after = &truth(name)[risen..];
        assert!(
            after.iter().all(|value| *value == expected),
            "{name} is not {expected} in all {} cycles",
            after.len()
        );
    }
    assert!(texts.len() - risen > 100, "only {} cycles after the fault", texts.len() - risen);
}

/// An orderly end with a fault: the process was not killed, and says what happened.
#[track_caller]
fn assert_faulted(run: &Run, fault: &str) {
    assert_eq!(run.output.code, Some(1), "{}\n{}", run.output.stdout, run.output.stderr);
    assert_eq!((run.text("/mode"), run.text("/fault/id")), ("fault", fault), "{:#}", run.summary);
    assert_eq!(run.summary["guarded"], true);
    run.assert_quiet();
}

#[test]
fn press_cell_guarded_loses_its_segment() {
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(why) => skip!("{why}"),
    };
    let _machine = exclusive();
    let cell = PressCell::new();
    let log = cell.beside("log.snlog");
    let simulator = Simulator::start(&namespace, &cell.directory(), &[]);
    let running = output_in_background(&mut on_the_wire(&namespace, &cell.directory(), 3_000, &log));
    std::thread::sleep(Duration::from_millis(2_000));
    drop(simulator);
    let run = Run::from(running.wait(RUN_LIMIT));
    assert_faulted(&run, "F101");
    assert!(run.number("/exchange/lost") > 100, "{:#}", run.summary["exchange"]);
    assert_fault_values(&Table::export(&log, &[]), "F101");
}

/// The segment stands still for a moment, then answers all that waited for it at once: late replies, and devices whose
/// watchdog has expired.
#[test]
fn press_cell_guarded_gets_late_frames() {
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(why) => skip!("{why}"),
    };
    let _machine = exclusive();
    let cell = patient_cell();
    let log = cell.beside("log.snlog");
    let simulator = Simulator::start(&namespace, &cell.directory(), &[]);
    let running = output_in_background(&mut on_the_wire(&namespace, &cell.directory(), 4_000, &log));
    std::thread::sleep(Duration::from_millis(2_000));
    for _ in 0..20 {
        // Shorter than the devices' watchdog, longer than the bus deadline.
        simulator.0.signal("STOP");
        std::thread::sleep(Duration::from_millis(2));
        simulator.0.signal("CONT");
        std::thread::sleep(Duration::from_millis(20));
    }
    let run = Run::from(running.wait(RUN_LIMIT));
    assert_in_run(&run, 4_000);
    assert_eq!(run.summary["guarded"], true, "{}", run.output.stderr);
    run.assert_quiet();
    let (lost, late) = (run.number("/exchange/lost"), run.number("/exchange/late"));
    assert!(lost > 0 && late > 0, "{lost} lost, {late} late");
    let table = Table::export(&log, &["--timings"]);
    let counted: i64 = table.numbers("late").iter().sum();
    assert_eq!(counted.cast_unsigned(), late);
    // A late reply is dropped, never taken for that of its successor.
    assert_eq!(assert_working_counters(&table) as u64, lost);
}

/// The writer of the log stands still until its ring is full.
#[test]
fn press_cell_guarded_fills_its_ring() {
    let _machine = exclusive();
    let cell = PressCell::new().with(
        "cell.toml",
        "sync_interval = \"100ms\"",
        "sync_interval = \"100ms\"\nring = \"200ms\"",
    );
    let log = cell.beside("log.snlog");
    let mut command = rt_tests::harness::sensai_command(rt_tests::Profile::Release);
    command
        .arg("run")
        .arg(cell.directory())
        .args(["--cycles", "4000", "--guard", "--json", "--log"])
        .arg(&log);
    let running = output_in_background(&mut command);
    // Behind the warm-up, so that all is armed.
    std::thread::sleep(Duration::from_millis(1_500));
    let script = workspace().join("rt-tests/interop/stop_thread.py");
    let mut command = Command::new("python3");
    command
        .arg(script)
        .arg(running.id().to_string())
        .arg("sensai-log")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Ok(child) = command.spawn() else { skip!("python3 is not installed") };
    let mut holder = Running(child);
    let mut answer = String::new();
    let told = BufReader::new(holder.0.stdout.take().expect("it is piped")).read_line(&mut answer);
    if told.is_err() || answer.trim() != "stopped" {
        let mut why = String::new();
        let _ = BufReader::new(holder.0.stderr.take().expect("it is piped")).read_line(&mut why);
        assert!(why.contains("ptrace is refused"), "{why}");
        skip!("{why}")
    }
    std::thread::sleep(Duration::from_millis(1_000));
    drop(holder.0.stdin.take());
    let ended = wait_for(Duration::from_secs(10), || holder.0.try_wait().expect("a child can be waited for"));
    assert!(ended.is_some_and(|status| status.success()), "the writer was not let go");
    let run = Run::from(running.wait(RUN_LIMIT));
    assert_eq!(run.output.code, Some(0), "{}\n{}", run.output.stdout, run.output.stderr);
    assert_eq!(run.summary["guarded"], true);
    run.assert_quiet();
    let dropped = run.number("/log/dropped");
    assert!((100..2_000).contains(&dropped), "{dropped} records dropped");
    // What is missing is missing in one place, and marked there.
    let table = Table::export(&log, &[]);
    let cycles = table.numbers("cycle");
    let gaps: Vec<_> = (1..cycles.len()).filter(|row| cycles[*row] != cycles[row - 1] + 1).collect();
    let missing: i64 = gaps.iter().map(|row| cycles[*row] - cycles[row - 1] - 1).sum();
    assert_eq!(
        missing.cast_unsigned(),
        dropped,
        "gaps before cycles {:?}",
        gaps.iter().map(|row| cycles[*row]).collect::<Vec<_>>()
    );
    let flags = table.column("flags");
    for row in 0..cycles.len() {
        assert_eq!(
            flags[row].contains("GAP_BEFORE"),
            gaps.contains(&row),
            "cycle {}: {}",
            cycles[row],
            flags[row]
        );
    }
}

#[test]
fn press_cell_guarded_runs_into_a_script_fault() {
    let _machine = exclusive();
    let faulty =
        "    if sys.cycle > 1500 { io.peak_force = 1.0 / to_float(1500 / (sys.cycle - sys.cycle)); }\n";
    let cell = PressCell::new().with(
        PROGRAM,
        "    io.valve.down = this.step",
        &format!("{faulty}    io.valve.down = this.step"),
    );
    let log = cell.beside("log.snlog");
    let log_text = log.display().to_string();
    let run = Run::embedded(&cell.directory(), &["--cycles", "3000", "--guard", "--log", &log_text]);
    assert_faulted(&run, "F302");
    let text = std::fs::read_to_string(cell.directory().join(PROGRAM)).expect("it is there");
    let line = text.lines().position(|line| line.contains("sys.cycle > 1500")).expect("it was put in") + 1;
    let place = format!("{PROGRAM}:{line}:");
    assert!(run.text("/fault/place").starts_with(&place), "{}", run.fault());
    assert!(
        run.output.stderr.contains(&place) && run.output.stderr.contains("F302"),
        "{}",
        run.output.stderr
    );
    assert_fault_values(&Table::export(&log, &[]), "F302");
}
