//! What stops the servo press in the middle of a move, and how it comes to rest: on its ramp, or on its drive's own where
//! the drive is lost; with outputs at their fault values, told, recorded, and replayed to the same bits.
//!
//! The shaft is watched by a scale that the twin puts on it, at another device than the drive: what the drive itself says
//! ends where the drive is lost. `SENSAI_DRAW_STOPS=1` renews the pictures in `docs/stops`.

use rt_tests::{
    Profile,
    cells::{Run, Scratch},
    clock::wait_for,
    harness::{RUN_LIMIT, example, exclusive, output_in_background, output_of, sensai_command, workspace},
    raw_log::{Places, RawLog, RawRecord},
    ring::Ring,
    table::Table,
};
use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

/// Outputs of the example; all are false as fault values.
const OUTPUTS: [&str; 7] =
    ["feeder.run", "feeder.push", "nest.eject", "nest.reject", "lamp.green", "lamp.red", "pressing"];
/// The limits of axis `ram`: mm/s, mm/s².
const VELOCITY_MAX: f64 = 250.0;
const ACCELERATION_MAX: f64 = 4_000.0;
const STOP_DECELERATION: f64 = 8_000.0;
/// Slower than this over a few cycles is rest, mm/s: the position loop settles in fractions of a micrometre.
const REST: f64 = 0.5;
/// Cycles a run may take from what stops it to rest.
const REST_WITHIN: usize = 150;

/// A copy of the example with a scale on the shaft and the drive's words in view.
struct Press {
    scratch: Scratch,
}

impl Press {
    #[track_caller]
    fn new() -> Self {
        let press = Self { scratch: Scratch::new() };
        for file in [
            "cell.toml",
            "programs/press.rhai",
            "programs/statistics.rhai",
            "twin/press.rhai",
            "models/stroke.onnx",
            "models/stroke.toml",
            "models/stroke.golden.json",
        ] {
            let bytes = fs::read(example("press-cell").join(file)).expect("the example is there");
            press.scratch.write(&format!("press-cell/{file}"), bytes);
        }
        press
            // A disk that others keep busy must not cost records: they are to be replayed.
            .with("cell.toml", "sync_interval = \"100ms\"", "sync_interval = \"100ms\"\nring = \"20s\"")
            .with("cell.toml", "nest.height     =", "ram.scale =")
            .with("cell.toml", "unit = \"mm\", scale = 0.0001,", "unit = \"mm\", scale = 0.000001,")
            .with(
                "cell.toml",
                "pressing        =",
                "ram.status = { input = \"servo.drive.statusword\" }\n\
                 ram.error_code = { input = \"servo.drive.error_code\" }\npressing        =",
            )
            .with(
                "twin/press.rhai",
                "io.nest.height = this.probe.run(shown);",
                "io.ram.scale = axis.ram.position;",
            )
    }

    fn directory(&self) -> PathBuf {
        self.scratch.path("press-cell")
    }

    #[track_caller]
    fn with(self, file: &str, from: &str, to: &str) -> Self {
        let path = self.directory().join(file);
        let text = fs::read_to_string(&path).expect("the file is there");
        assert!(text.contains(from), "`{from}` does not stand in {file}");
        fs::write(path, text.replacen(from, to, 1)).expect("the copy can be written");
        self
    }

    /// `code` runs in front of the state machine of every cycle.
    #[track_caller]
    fn with_code(self, code: &str) -> Self {
        self.with(
            "programs/press.rhai",
            "    switch sys.state {",
            &format!("{code}\n    switch sys.state {{"),
        )
    }

    /// A run in virtual time with its log.
    #[track_caller]
    fn run(&self, cycles: u64, options: &[&str]) -> (Run, Recorded) {
        let log = self.scratch.path("log.snlog");
        let mut command = sensai_command(Profile::Release);
        command.arg("run").arg(self.directory()).args(["--virtual", "--quiet", "--json", "--log"]).arg(&log);
        let run = Run::of(command.args(["--cycles", &cycles.to_string()]).args(options));
        let recorded = Recorded::read(&log);
        (run, recorded)
    }
}

/// What `sensai log export` gives of a run.
struct Recorded {
    log: PathBuf,
    table: Table,
    cycles: Vec<i64>,
    /// Of the scale, mm.
    shaft: Vec<f64>,
    /// Of the shaft, from the cycle before, mm/s.
    velocity: Vec<f64>,
}

impl Recorded {
    #[track_caller]
    fn read(log: &Path) -> Self {
        let table = Table::export(log, &[]);
        let number = |text: &str| text.parse::<f64>().expect("a position is a number");
        let shaft: Vec<f64> = table.column("ram.scale [mm]").into_iter().map(number).collect();
        let velocity =
            std::iter::once(0.0).chain(shaft.windows(2).map(|pair| (pair[1] - pair[0]) * 1e3)).collect();
        Self { log: log.to_owned(), cycles: table.numbers("cycle"), shaft, velocity, table }
    }

    /// The first row whose fault or inbox begins with or contains `what`.
    #[track_caller]
    fn row_of(&self, column: &str, what: &str) -> usize {
        let texts = self.table.column(column);
        let found = texts.iter().position(|text| text.contains(what));
        found.unwrap_or_else(|| panic!("no {what} in column {column} of {} cycles", texts.len()))
    }

    fn acceleration(&self, rows: Range<usize>) -> f64 {
        let pairs = self.velocity[rows].windows(2);
        pairs.map(|pair| (pair[1] - pair[0]).abs() * 1e3).fold(0.0, f64::max)
    }

    /// The first row behind `from` with the shaft at rest for all that follows.
    #[track_caller]
    fn rest_behind(&self, from: usize) -> usize {
        let moving = self.velocity[from..].iter().rposition(|velocity| velocity.abs() > REST);
        from + moving.map_or(0, |row| row + 1)
    }

    /// The row of the `n`th time that the ram passes `position` downwards.
    #[track_caller]
    fn passes(&self, position: f64, n: usize) -> usize {
        let rows = 1..self.shaft.len();
        let mut found = rows.filter(|row| self.shaft[row - 1] < position && self.shaft[*row] >= position);
        found.nth(n).unwrap_or_else(|| panic!("the ram does not pass {position} mm {n} times"))
    }

    #[track_caller]
    fn assert_replays(&self) {
        let mut replay = sensai_command(Profile::Release);
        output_of(replay.arg("replay").arg(&self.log), RUN_LIMIT).expect_code(0);
        let mut verify = sensai_command(Profile::Release);
        output_of(verify.args(["log", "verify"]).arg(&self.log), RUN_LIMIT).expect_code(0);
    }

    /// All outputs are at their fault values from `row` on.
    #[track_caller]
    fn assert_fault_values(&self, row: usize) {
        for name in OUTPUTS {
            let on = self.table.column(name)[row..].iter().position(|text| *text != "false");
            assert_eq!(on, None, "{name} is on after cycle {}", self.cycles[row]);
        }
        assert!(self.cycles.len() - row > 3, "too few cycles to tell");
    }

    /// Something was on before `row`, so that the fault values make a difference.
    #[track_caller]
    fn assert_was_on(&self, row: usize) {
        assert_eq!(
            self.table.column("feeder.run")[row - 1],
            "true",
            "the cell did not work when it was stopped"
        );
    }

    /// The drive has no fault, as far as it is heard.
    #[track_caller]
    fn assert_drive_is_well(&self) {
        let status = self.table.numbers("ram.status");
        let faulted = status.iter().position(|word| word >> 3 & 1 == 1);
        assert_eq!(faulted, None, "the drive is in Fault");
        assert!(self.table.numbers("ram.error_code").iter().all(|code| *code == 0));
    }

    /// A picture of the stop, small enough for a document.
    #[track_caller]
    fn draw(&self, name: &str, title: &str, around: Range<usize>) {
        let drawn = std::env::var_os("SENSAI_DRAW_STOPS").is_some_and(|value| value == "1");
        let path = match drawn {
            true => workspace().join("docs/stops").join(name),
            false => self.log.with_extension("svg"),
        };
        let cycle = |row: usize| self.cycles[row.min(self.cycles.len() - 1)].to_string();
        let mut command = sensai_command(Profile::Release);
        command.args(["log", "plot"]).arg(&self.log).args(["--title", title]);
        command.args(["--tags", "ram.scale,ram.position,force.ram,feeder.run,lamp.green,pressing"]);
        command.args([
            "--derivative",
            "ram.scale",
            "--from",
            &cycle(around.start),
            "--to",
            &cycle(around.end),
        ]);
        output_of(command.arg("--out").arg(&path), RUN_LIMIT).expect_code(0);
        let text = fs::read_to_string(path).expect("the picture is there");
        assert!(text.starts_with("<svg") && text.contains(title), "{}", &text[..200.min(text.len())]);
        assert!(text.len() < 60_000, "{} bytes", text.len());
    }
}

/// How the ram stopped.
#[derive(Clone, Copy, Debug)]
struct Stop {
    from: f64,
    speed: f64,
    way: f64,
    milliseconds: usize,
    acceleration: f64,
}

/// The stop that begins in `row`: the ram moves there, and comes to rest in time.
#[track_caller]
fn stop(what: &str, recorded: &Recorded, row: usize) -> Stop {
    let rest = recorded.rest_behind(row);
    let speed = recorded.velocity[row];
    assert!(speed.abs() > 50.0, "{what}: no move in its middle: {speed} mm/s at {} mm", recorded.shaft[row]);
    assert!(rest - row <= REST_WITHIN, "{what}: not at rest after {} ms", rest - row);
    assert!(recorded.shaft.len() - rest > 100, "{what}: the log ends too early to tell");
    let rows = row..rest.max(row + 2);
    let peak =
        recorded.velocity[rows.clone()].iter().fold(0.0, |peak: f64, velocity| peak.max(velocity.abs()));
    assert!(peak <= VELOCITY_MAX, "{what}: {peak} mm/s");
    let found = Stop {
        from: recorded.shaft[row],
        speed,
        way: recorded.shaft[rest] - recorded.shaft[row],
        milliseconds: rest - row,
        acceleration: recorded.acceleration(rows),
    };
    println!(
        "{what}: from {:.1} mm/s at {:.2} mm, {:.3} mm in {} ms, at most {:.0} mm/s²",
        found.speed, found.from, found.way, found.milliseconds, found.acceleration
    );
    found
}

/// What the shaft adds to its set-points' acceleration, as a factor: seen where nothing is wrong, in a move without a
/// load. It comes of the jerk, and that of a stop is four times that of a move.
#[track_caller]
fn tolerance(recorded: &Recorded) -> f64 {
    let first = recorded.passes(20.0, 0);
    let free = first - 100..recorded.passes(34.5, 0);
    let tolerance = recorded.acceleration(free) / ACCELERATION_MAX;
    assert!((0.9..1.15).contains(&tolerance), "the shaft does not follow its limits: {tolerance}");
    1.0 + 4.0 * (tolerance - 1.0).max(0.0)
}

/// The cell as it is, for the times of its moves.
#[track_caller]
fn undisturbed() -> &'static Recorded {
    static PLAIN: OnceLock<Recorded> = OnceLock::new();
    PLAIN.get_or_init(|| {
        let press = Press::new();
        let (run, recorded) = press.run(8_000, &[]);
        assert_eq!(run.output.code, Some(0), "{}", run.output.stderr);
        recorded
    })
}

#[track_caller]
fn assert_told(run: &Run, id: &str, text: &str) {
    assert_eq!(run.output.code, Some(1), "{}\n{}", run.output.stdout, run.output.stderr);
    assert_eq!((run.text("/mode"), run.text("/fault/id")), ("fault", id), "{:#}", run.summary);
    let told = format!("{}\n{}", run.output.stderr, run.text("/fault/text"));
    assert!(told.contains(text), "no `{text}` in {told}");
}

/// All that a stop by the runtime itself has to be: on the ramp, with a drive that has nothing to complain about.
#[track_caller]
fn assert_stopped(what: &str, recorded: &Recorded, row: usize) -> Stop {
    recorded.assert_was_on(row);
    let found = stop(what, recorded, row);
    let allowed = STOP_DECELERATION * tolerance(undisturbed());
    assert!(found.acceleration <= allowed, "{what}: {} mm/s², allowed {allowed}", found.acceleration);
    assert!(found.way >= 0.0 && found.way < 10.0, "{what}: {found:?}");
    recorded.assert_drive_is_well();
    recorded.assert_replays();
    found
}

#[test]
fn stops_on_a_script_fault_while_pressing() {
    let press = Press::new().with_code(
        "    if io.stroke.number == 2 && io.pressing && io.ram.position > 41.0 {
        let none = io.stroke.number - 2;
        this.kind = 1 / none;
    }",
    );
    let (run, recorded) = press.run(8_000, &[]);
    assert_told(&run, "F302", "division by zero; test the divisor before");
    assert!(run.fault().starts_with("F302 at programs/press.rhai:"), "{}", run.fault());
    let row = recorded.row_of("fault", "F302");
    assert_stopped("script fault", &recorded, row);
    recorded.assert_fault_values(row);
    recorded.draw("script-fault.svg", "Division by zero while pressing", row - 60..row + 140);
}

#[test]
fn stops_on_an_endless_loop_in_a_fast_move() {
    let press = Press::new().with_code(
        "    if io.stroke.number == 2 && this.step == \"near\" && io.ram.position > 22.0 {
        while this.peak >= 0.0 { this.peak += 1.0; }
    }",
    );
    let (run, recorded) = press.run(8_000, &[]);
    assert_told(&run, "F309", "programs/press.rhai:");
    let row = recorded.row_of("fault", "F309");
    let found = assert_stopped("endless loop", &recorded, row);
    assert!(found.speed > 150.0, "{found:?}");
    recorded.assert_fault_values(row);
    recorded.draw("endless-loop.svg", "Endless loop in a fast move", row - 60..row + 140);
}

/// Time of the cycle in which the ram passes `position` for the `n`th time.
#[track_caller]
fn moment(position: f64, n: usize) -> String {
    let plain = undisturbed();
    let row = plain.passes(position, n);
    format!("{}ms", plain.cycles[row] - plain.cycles[0])
}

/// The cable is cut: the drive has its power, no frames come, and it stops on its own quick-stop ramp.
#[test]
fn stops_by_the_drive_itself_when_its_cable_is_cut() {
    let order = format!("{} servo cut", moment(25.0, 2));
    let press = Press::new();
    let (run, recorded) = press.run(8_000, &["--sim-fault", &order]);
    assert_told(&run, "F103", "a device left OP");
    let row = recorded.row_of("fault", "F103");
    recorded.assert_was_on(row);
    let cut = recorded.passes(25.0, 2);
    assert!((2..=4).contains(&(row - cut)), "told after {} cycles", row - cut);
    let found = stop("cable cut", &recorded, cut);
    // 0x6085 of the drive, as it comes: its ramp is its own business, and is no step.
    assert!(found.acceleration < 20_000.0 && found.way < 20.0, "{found:?}");
    recorded.assert_fault_values(row);
    recorded.assert_drive_is_well();
    recorded.assert_replays();
    recorded.draw("cable-cut.svg", "Cable of the drive cut in a fast move", cut - 60..cut + 140);
}

/// The drive loses its power: nothing drives the motor any more, and its brake closes by its spring.
#[test]
fn stops_by_the_brake_when_the_drive_loses_its_power() {
    let order = format!("{} servo lost", moment(41.0, 2));
    let press = Press::new();
    let (run, recorded) = press.run(8_000, &["--sim-fault", &order]);
    assert_told(&run, "F103", "a device left OP");
    let row = recorded.row_of("fault", "F103");
    let lost = recorded.passes(41.0, 2);
    let found = stop("drive lost", &recorded, lost);
    assert!(found.way.abs() < 5.0, "{found:?}");
    recorded.assert_fault_values(row);
    recorded.assert_replays();
    recorded.draw("drive-lost.svg", "Drive without power while pressing", lost - 60..lost + 140);
}

/// Where in the input image the drive's position stands: its inputs are the last 24 bytes.
fn ram_position(record: &RawRecord, places: Places) -> f64 {
    let inputs = record.inputs(places);
    let at = inputs.len() - 24 + 4;
    let counts = i32::from_le_bytes([inputs[at], inputs[at + 1], inputs[at + 2], inputs[at + 3]]);
    f64::from(counts) * 10.0 / 1_048_576.0
}

#[test]
fn stops_on_sigterm_in_a_fast_move() {
    let _machine = exclusive();
    // Slow enough that the signal comes in the middle: it is looked for ten times a second.
    let press = Press::new().with("programs/press.rhai", "const FAST = 200.0;", "const FAST = 100.0;");
    let (_, reference) = press.run(100, &[]);
    let places = RawLog::read(&reference.log).places();
    let log = press.scratch.path("term.snlog");
    let mut command = sensai_command(Profile::Release);
    command.arg("run").arg(press.directory()).args(["--quiet", "--json", "--no-control", "--log"]).arg(&log);
    let running = output_in_background(&mut command);
    let mut before = f64::INFINITY;
    let down = wait_for(Duration::from_secs(20), || {
        let record = Ring::peek(running.id()).filter(|record| record.cycle() > 1_500)?;
        let position = ram_position(&record, places);
        let downwards = before < position && (11.0..18.0).contains(&position);
        before = position;
        downwards.then_some(())
    });
    assert!(down.is_some(), "the ram did not move");
    running.signal("TERM");
    let run = Run::from(running.wait(RUN_LIMIT));
    assert_eq!(run.output.code, Some(0), "{}\n{}", run.output.stdout, run.output.stderr);
    assert_eq!(run.fault(), "");
    let recorded = Recorded::read(&log);
    let row = recorded.row_of("inbox", "Shutdown");
    // The last cycles are few: the run ends as soon as the axis has no power.
    assert_shutdown(&recorded, row);
    recorded.draw("sigterm.svg", "SIGTERM in a fast move", row - 60..row + 140);
}

/// On its ramp, then the brake and the power, then outputs at their fault values, then an orderly end.
#[track_caller]
fn assert_shutdown(recorded: &Recorded, row: usize) {
    recorded.assert_was_on(row);
    let (rest, rows) = (recorded.rest_behind(row), recorded.shaft.len());
    let speed = recorded.velocity[row];
    assert!(speed > 50.0, "SIGTERM: no move in its middle: {speed} mm/s at {} mm", recorded.shaft[row]);
    assert!(rest - row <= REST_WITHIN, "SIGTERM: not at rest after {} ms", rest - row);
    let acceleration = recorded.acceleration(row..rest);
    assert!(acceleration <= STOP_DECELERATION * tolerance(undisturbed()), "SIGTERM: {acceleration} mm/s²");
    let feeder = recorded.table.column("feeder.run");
    let off = row + feeder[row..].iter().position(|text| *text == "false").expect("outputs go off");
    assert!(off > rest, "outputs at their fault values {} ms before the ram is at rest", rest - off);
    recorded.assert_fault_values(off);
    let status = recorded.table.numbers("ram.status");
    // Ready to switch on, switched on, or switch on disabled.
    let unpowered = [0x21, 0x23, 0x40].contains(&(status[off] & 0x6f));
    assert!(unpowered, "the motor has torque when outputs go: {:#x}", status[off]);
    println!(
        "SIGTERM: from {speed:.1} mm/s at {:.2} mm, {:.3} mm in {} ms, at most {acceleration:.0} mm/s²; no power and \
         fault values after {} ms, end after {} ms",
        recorded.shaft[row],
        recorded.shaft[rest] - recorded.shaft[row],
        rest - row,
        off - row,
        rows - row
    );
    recorded.assert_drive_is_well();
    recorded.assert_replays();
    assert!(RawLog::read(&recorded.log).ends_orderly(), "the log has no orderly end");
}

#[test]
fn stops_on_an_overrun_in_a_fast_move() {
    let _machine = exclusive();
    let press = Press::new()
        .with(
            "cell.toml",
            "interval = \"1ms\"",
            "interval = \"1ms\"\ntier = \"interpreter\"\non_overrun = \"stop\"",
        )
        .with("cell.toml", "[log]", "[limits]\noperations = 100_000_000\n\n[log]")
        .with_code(
            "    if io.stroke.number == 1 && this.step == \"near\" && io.ram.position > 22.0 {
        let turns = 0;
        while turns < 100000 { turns += 1; }
    }",
        );
    // Where the computer itself is late before the ram moves, it is tried again.
    for attempt in 0..5 {
        let log = press.scratch.path(&format!("overrun{attempt}.snlog"));
        let mut command = sensai_command(Profile::Release);
        command.arg("run").arg(press.directory()).args([
            "--quiet",
            "--json",
            "--no-control",
            "--cycles",
            "5000",
        ]);
        let run = Run::of(command.arg("--log").arg(&log));
        let recorded = Recorded::read(&log);
        let row = recorded.row_of("fault", "F201");
        if !(22.0..33.0).contains(&recorded.shaft[row]) || recorded.velocity[row] < 50.0 {
            println!("attempt {attempt}: late at {} mm already", recorded.shaft[row]);
            continue;
        }
        assert_told(&run, "F201", "the cycle overran");
        assert!(recorded.table.column("inbox")[row].contains("Overrun"), "the verdict is not in the record");
        let found = assert_stopped("overrun", &recorded, row);
        assert!(found.speed > 150.0, "{found:?}");
        recorded.assert_fault_values(row);
        recorded.draw("overrun.svg", "Overrun in a fast move, where the rule is stop", row - 60..row + 140);
        return;
    }
    panic!("this computer overruns all the time");
}
