//! The command line of `sensai`. Completions and man pages are made from this.

// These comments are help texts: `[bus] interface` in them is a key of `cell.toml`, not a link.
#![allow(rustdoc::broken_intra_doc_links)]

mod bench;
mod remote;

pub use bench::{Bench, BenchAi, BenchCycle, BenchJitter, BenchLsp, BenchScript};
pub use remote::{Access, AccessCommand, Host, HostAdd, Listen, Reach};

use crate::{
    control::method::PROBATION_MAX,
    machine::reload::PROBATION,
    programs::Tier,
    retained::Restart,
    sim_faults::{FORMS, SimFault},
};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;

/// A deterministic control runtime: EtherCAT, scripts, and a record of every cycle that can be run again.
#[derive(Debug, Parser)]
#[command(name = "sensai", version, about, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 all well, 1 something is wrong with the cell, the bus or a log, 2 wrong usage."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new cell from an example
    New(New),
    /// Check a cell: configuration and programs, all findings at once
    Check(Check),
    /// Run the tests of a cell's programs, in virtual time and without anything they are wired to
    Test(Test),
    /// Explain a finding's code, with a wrong example and a right one
    Explain(Explain),
    /// Run a cell, on the embedded simulated segment or on a real one
    Run(Run),
    /// Give a running cell commands, and ask it things
    Ctl(Ctl),
    /// Reload the programs of a running cell; a fault soon after brings the old ones back
    Reload(Reload),
    /// Look at a running cell: modes, tasks, axes, devices, tags, alarms, models
    Top(Top),
    /// Say who may reach the cells of this computer over a network: its key, its certificate, tokens
    Access(Access),
    /// Note machines whose cells are reached over a network
    #[command(subcommand)]
    Host(Host),
    /// Simulate the devices of a cell on a network interface, for a MainDevice elsewhere
    Sim(Sim),
    /// List the devices on an interface: identity, process data, states
    Scan(Scan),
    /// Run a cycle log again and prove that every output is the same
    Replay(Replay),
    /// Look into a cycle log
    #[command(subcommand)]
    Log(Log),
    /// Show what outlives a restart: parameters and retained state
    Retained(Retained),
    /// Say how fit this computer is for real time, and what to change
    Doctor(Doctor),
    /// List a cell's models: engine, cost, share of the interval, and what their golden vectors give
    Models(Models),
    /// Install what some cells need and sensai does not bring
    #[command(subcommand)]
    Setup(Setup),
    /// Measure
    #[command(subcommand)]
    Bench(Bench),
    /// Serve an editor (language server on standard input and output)
    Lsp(Lsp),
    /// Debug a recorded log or a simulation (debug adapter on standard input and output; the editor says which)
    DebugAdapter,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write man pages into a directory
    Man {
        /// The directory; made if it does not exist
        #[arg(value_hint = ValueHint::DirPath)]
        directory: PathBuf,
    },
}

/// `sensai retained`
#[derive(Debug, Args)]
pub struct Retained {
    /// The directory given to `sensai run --retain`
    #[arg(value_hint = ValueHint::DirPath)]
    pub directory: PathBuf,
    /// As JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// `sensai new`
#[derive(Debug, Args)]
pub struct New {
    /// Directory to make; its name becomes the cell's
    #[arg(value_hint = ValueHint::DirPath)]
    pub directory: PathBuf,
    /// What to begin with
    #[arg(long, value_enum, default_value_t = Template::PneumaticPress)]
    pub from: Template,
}

/// What a new cell is a copy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Template {
    /// A cylinder, a force sensor, one program: the smallest cell that does something
    PneumaticPress,
    /// A servo axis, PackML, two tasks, a digital twin and a model that judges every part
    PressCell,
}

/// `sensai explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// The code, such as S216; without it, all codes are listed
    pub code: Option<String>,
}

/// `sensai check`
#[derive(Debug, Args)]
pub struct Check {
    /// The cell's directory
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub cell: PathBuf,
    /// What programs cost at most, without running them: work units by function and line, and the time on this computer
    #[arg(long)]
    pub cost: bool,
    /// Also hold the programs against what was retained in this directory, given to `sensai run --retain`
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub retain: Option<PathBuf>,
    /// Findings as JSON on standard output; with --cost, an object of `findings` and `costs`
    #[arg(long)]
    pub json: bool,
}

/// `sensai test`
#[derive(Debug, Args)]
#[command(after_help = TEST_HELP)]
pub struct Test {
    /// The cell's directory; its tests are in tests/*.rhai
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub cell: PathBuf,
    /// Only tests whose name, FILE::test_NAME, contains this text; may be given several times
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<String>,
    /// Only say which tests there are
    #[arg(long, conflicts_with_all = ["junit", "jobs", "tier"])]
    pub list: bool,
    /// Result as JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// Write the result as JUnit XML into this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
    /// Tests that run at a time (default: as many as there are processors)
    #[arg(long, value_name = "N", value_parser = parse_jobs)]
    pub jobs: Option<usize>,
    /// How programs are run (default: as their tasks say)
    #[arg(long, value_enum)]
    pub tier: Option<Tier>,
}

const TEST_HELP: &str = "\
A test is a function of a file tests/PROGRAM.rhai or tests/PROGRAM_WHAT.rhai:

  fn test_part_is_pressed(t) {
      t.set(\"io.nest.present\", true);
      t.advance(0.060);
      t.expect(\"io.clamp\", true);
      t.wait_until(\"this.step\", \"idle\", 2.0);
  }

All that t can do is in docs/testing-programs.md. Exit code 1 if a test fails, or if there is none.";

/// At least one.
fn parse_jobs(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|jobs| *jobs > 0).ok_or_else(|| "expected a number, 1 or more".to_owned())
}

/// `sensai run`
#[derive(Debug, Args)]
pub struct Run {
    /// The cell's directory
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub cell: PathBuf,
    /// Network interface of the segment, or `sim` for the embedded one (default: [bus] interface, else `sim`)
    #[arg(long, value_name = "NAME")]
    pub interface: Option<String>,
    /// Stop after this many cycles
    #[arg(long, value_name = "N")]
    pub cycles: Option<u64>,
    /// Virtual time: as fast as it goes, and the same bits every time (embedded segment only)
    #[arg(long = "virtual", conflicts_with = "interface")]
    pub virtual_time: bool,
    /// Record every cycle into this file; an existing log of the same cell is continued
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub log: Option<PathBuf>,
    /// Seed of the simulated machine (default: [simulation] seed)
    #[arg(long)]
    pub seed: Option<u64>,
    /// A parameter of the twin for this run (default: [simulation] parameters); may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = sim_param)]
    pub sim_param: Vec<(String, f64)>,
    /// Something that goes wrong on the embedded segment, such as "12.5s servo lost"; may be given several times
    #[arg(long, value_name = "FAULT", long_help = sim_fault_help())]
    pub sim_fault: Vec<SimFault>,
    /// Give the start edge at once, also on a real bus (in simulation: [simulation] auto_start)
    #[arg(long)]
    pub start: bool,
    /// Summary as JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// Draw the timing distributions into this SVG file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub plot: Option<PathBuf>,
    /// Write the timing histograms as JSON: per row a list of (nanoseconds, count)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub histograms: Option<PathBuf>,
    /// No live status, also on a terminal
    #[arg(long, short)]
    pub quiet: bool,
    /// How the wake is timed
    #[arg(long, value_enum, default_value_t = Spin::Auto)]
    pub spin: Spin,
    /// Keep parameters and retained state in this directory (default: `retained` in the cell's directory on a real
    /// bus, nothing in simulation)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub retain: Option<PathBuf>,
    /// How much of what earlier runs retained this start takes over
    #[arg(long, value_enum, default_value_t = Restart::Warm)]
    pub restart: Restart,
    /// Name the machine code of programs, function and line, for `perf record` and `perf report`: writes
    /// /tmp/perf-PID.map
    #[arg(long)]
    pub perf_map: bool,
    /// After warm-up, let the cyclic thread make no system call but send, receive and sleep (the process is
    /// killed otherwise)
    #[arg(long)]
    pub guard: bool,
    /// Listen for `sensai ctl` and `sensai top` at this path (default: $XDG_RUNTIME_DIR/sensai/CELL.sock, else
    /// /run/sensai/CELL.sock; with --virtual nowhere)
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, conflicts_with = "no_control")]
    pub control: Option<PathBuf>,
    /// Group whose members may use the control socket too (default: only its owner)
    #[arg(long, value_name = "GROUP")]
    pub control_group: Option<String>,
    /// No control socket
    #[arg(long)]
    pub no_control: bool,
    /// The way in from a network
    #[command(flatten)]
    pub listen: Listen,
    /// Simulate the cell in virtual time, and be the debug adapter of an editor for what happened
    #[arg(long, conflicts_with_all = ["interface", "log", "watch", "guard", "json", "control"])]
    pub debug: bool,
    /// Reload programs whenever their files change
    #[arg(long)]
    pub watch: bool,
    /// Runs for which a watched reload may be undone
    #[arg(long, value_name = "N", default_value_t = PROBATION, value_parser = probation(), requires = "watch")]
    pub probation: u64,
}

fn probation() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=PROBATION_MAX)
}

/// `sensai reload`
#[derive(Debug, Args)]
pub struct Reload {
    /// The cell's directory (default: the one you are in, else the only cell that runs)
    #[arg(value_hint = ValueHint::DirPath)]
    pub cell: Option<PathBuf>,
    /// The control socket of the runtime
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, conflicts_with = "cell")]
    pub socket: Option<PathBuf>,
    /// Over a network
    #[command(flatten)]
    pub reach: Reach,
    /// Only this program (default: all whose files have changed)
    #[arg(long, value_name = "NAME")]
    pub program: Option<String>,
    /// Runs for which a fault or an overrun of their task brings the old programs back
    #[arg(long, value_name = "N", default_value_t = PROBATION, value_parser = probation())]
    pub probation: u64,
    /// Wait until these runs are over; exit code 1 if the reload was undone
    #[arg(long)]
    pub wait: bool,
    /// The answer as JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// Why you do it; goes into the audit file and the log
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub why: String,
}

/// `crack_rate=0.1`
fn sim_param(text: &str) -> Result<(String, f64), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err("expected a name, `=` and a number, such as crack_rate=0.1".to_owned());
    };
    match value.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((name.trim().to_owned(), number)),
        _ => Err(format!("`{value}` is no finite number")),
    }
}

fn sim_fault_help() -> String {
    format!(
        "Something that goes wrong on the simulated segment. May be given several times. TIME is from the first cycle \
         on (of `sensai sim`: from when it listens), such as 12.5s or 300ms; DEVICE is a name of [devices].\n\n{FORMS}"
    )
}

/// Does the cyclic thread spin before its target?
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Spin {
    /// As the task says; calibrated where it says nothing
    Auto,
    /// Sleep to the target, no spinning
    Off,
}

/// `sensai ctl`
#[derive(Debug, Args)]
#[command(subcommand_precedence_over_arg = true)]
#[command(
    after_help = "In a cell with PackML units, start, stop and reset are for the units; with --runtime they are for the \
    runtime itself. In a cell without units they always are."
)]
pub struct Ctl {
    /// The cell's directory (default: the one you are in, else the only cell that runs)
    #[arg(value_hint = ValueHint::DirPath)]
    pub cell: Option<PathBuf>,
    /// The control socket of the runtime
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub socket: Option<PathBuf>,
    /// Over a network
    #[command(flatten)]
    pub reach: Reach,
    /// Answers as JSON on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Why you do it; goes into the audit file and the log
    #[arg(long, value_name = "TEXT", global = true, default_value = "", hide_default_value = true)]
    pub why: String,
    /// What to do
    #[command(subcommand)]
    pub command: Option<CtlCommand>,
}

/// Commands of `sensai ctl`.
#[derive(Debug, Subcommand)]
pub enum CtlCommand {
    /// The machine now: runtime, units, tasks, axes, alarms, bus, log
    Status,
    /// Start the units (PackML), or the runtime
    Start {
        /// For whom
        #[command(flatten)]
        of: WholeOrUnit,
        /// Also give the commands that lead there: clear, reset
        #[arg(long, conflicts_with = "runtime")]
        chain: bool,
    },
    /// Stop the units (PackML), or the runtime
    Stop {
        /// For whom
        #[command(flatten)]
        of: WholeOrUnit,
    },
    /// Reset the units (PackML), or acknowledge the runtime's fault
    Reset {
        /// For whom
        #[command(flatten)]
        of: WholeOrUnit,
        /// Programs begin anew, only retained data is kept (implies --runtime)
        #[arg(long)]
        cold: bool,
        /// As delivered: nothing is kept (implies --runtime)
        #[arg(long, conflicts_with = "cold")]
        origin: bool,
    },
    /// Hold: a cause inside the machine
    Hold(OneUnit),
    /// Go on after a hold
    Unhold(OneUnit),
    /// Suspend: a cause outside the machine
    Suspend(OneUnit),
    /// Go on after a suspend
    Unsuspend(OneUnit),
    /// Abort
    Abort(OneUnit),
    /// Leave Aborted
    Clear(OneUnit),
    /// End the production run
    Complete(OneUnit),
    /// Change the mode of the units
    Mode {
        /// production, maintenance or manual
        mode: String,
        /// For whom
        #[command(flatten)]
        of: OneUnit,
    },
    /// Show all parameters, show one, or set one
    Param {
        /// Its name
        name: Option<String>,
        /// Its new value
        #[arg(allow_hyphen_values = true)]
        value: Option<String>,
    },
    /// Put a value in the place of what the wire or a program says of a tag
    Force {
        /// The tag, or an element of an array such as weights[2]
        name: String,
        /// What it is to be
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Let a forced tag go, or all of them
    Unforce {
        /// The tag, or an element of an array
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        name: Option<String>,
        /// Everything that is forced
        #[arg(long)]
        all: bool,
    },
    /// Move an axis in manual mode for a moment
    Jog {
        /// The axis
        axis: String,
        /// Velocity in the axis's unit per second; negative goes back
        #[arg(allow_hyphen_values = true)]
        velocity: f64,
        /// How long, such as 500ms or 2s; at most 10s
        #[arg(long = "for", value_name = "TIME", default_value = "500ms")]
        time: String,
    },
    /// Velocity override
    Override {
        /// 0 to 2; 1 is as programmed
        factor: f64,
        /// The axis (default: all)
        axis: Option<String>,
    },
    /// List alarms that are there, unseen or shelved
    Alarms {
        /// All of them
        #[arg(long)]
        all: bool,
        /// Texts in this language: en or ja (default: as LANG says)
        #[arg(long, value_enum)]
        lang: Option<Language>,
    },
    /// Acknowledge an alarm
    Ack {
        /// Its name or number (default: all)
        alarm: Option<String>,
    },
    /// Put an alarm out of sight for a while
    Shelve {
        /// Its name or number
        alarm: String,
        /// How long, such as 30min or 8h; at most 24h; 0s brings it back
        #[arg(long = "for", value_name = "TIME")]
        time: String,
    },
    /// Judge a jidoka event: was the part good or bad? Needs --why
    Verdict {
        /// good or bad
        #[arg(value_enum)]
        verdict: GoodOrBad,
        /// Number of the event (default: the oldest open one)
        #[arg(long)]
        event: Option<u64>,
    },
    /// Show tags
    Tags {
        /// Those whose name begins with this
        #[arg(default_value = "", hide_default_value = true)]
        prefix: String,
        /// Go on, and show what changes
        #[arg(long, short)]
        watch: bool,
    },
    /// Show one tag or parameter
    Get {
        /// Its name
        name: String,
    },
    /// Write the last seconds of the log into a log of its own, beside it
    LogTail {
        /// How long, such as 10s or 5min; at most 1h
        time: String,
    },
    /// Begin the tasks' statistics anew
    ClearStatistics,
    /// Check the hash chain of an audit file; needs no runtime
    Audit {
        /// The file, LOG.audit
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

/// A PackML unit, or all of them, or the runtime.
#[derive(Debug, Args)]
pub struct WholeOrUnit {
    /// The unit (default: all)
    #[arg(conflicts_with = "runtime")]
    pub unit: Option<String>,
    /// The runtime itself
    #[arg(long)]
    pub runtime: bool,
}

/// A PackML unit, or all of them.
#[derive(Debug, Args)]
pub struct OneUnit {
    /// The unit (default: all)
    pub unit: Option<String>,
}

/// A verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GoodOrBad {
    /// A false stop
    Good,
    /// Rightly stopped
    Bad,
}

/// A language of alarm texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English
    #[default]
    En,
    /// Japanese
    Ja,
}

/// `sensai top`
#[derive(Debug, Args)]
pub struct Top {
    /// The cell's directory (default: the one you are in, else the only cell that runs)
    #[arg(value_hint = ValueHint::DirPath, conflicts_with = "socket")]
    pub cell: Option<PathBuf>,
    /// The control socket of the runtime
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub socket: Option<PathBuf>,
    /// Over a network
    #[command(flatten)]
    pub reach: Reach,
    /// Print one frame as plain text, and end
    #[arg(long)]
    pub once: bool,
    /// Which page to begin with
    #[arg(long, value_enum, default_value_t)]
    pub page: Page,
    /// Alarm texts in this language: en or ja (default: as LANG says)
    #[arg(long, value_enum)]
    pub lang: Option<Language>,
}

/// A page of `sensai top`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Page {
    /// Everything in brief
    #[default]
    Overview,
    /// Tasks and their statistics
    Tasks,
    /// Axes
    Axes,
    /// Devices
    Devices,
    /// Tags
    Tags,
    /// Alarms
    Alarms,
    /// Models and jidoka events
    Models,
}

impl Language {
    /// What the environment asks for.
    pub fn of_environment() -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(std::env::var_os);
        let first = set.into_iter().find(|value| !value.is_empty());
        match first.is_some_and(|value| value.to_string_lossy().starts_with("ja")) {
            true => Self::Ja,
            false => Self::En,
        }
    }
}

/// `sensai sim`
#[derive(Debug, Args)]
pub struct Sim {
    /// The cell's directory
    #[arg(value_hint = ValueHint::DirPath, required_unless_present = "sii")]
    pub cell: Option<PathBuf>,
    /// Instead of a cell: SII images (binary or hex) of the devices, in bus order
    #[arg(long, value_name = "IMAGE", num_args = 1.., conflicts_with = "cell", value_hint = ValueHint::FilePath)]
    pub sii: Vec<PathBuf>,
    /// Network interface to answer on, such as one end of a veth pair
    #[arg(long, value_name = "NAME")]
    pub interface: String,
    /// Seed of the simulated machine (default: [simulation] seed)
    #[arg(long)]
    pub seed: Option<u64>,
    /// A parameter of the twin for this run (default: [simulation] parameters); may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = sim_param)]
    pub sim_param: Vec<(String, f64)>,
    /// Something that goes wrong, such as "12.5s servo lost"; may be given several times
    #[arg(long, value_name = "FAULT", long_help = sim_fault_help())]
    pub fault: Vec<SimFault>,
    /// Core to run on (default: the last, where the cycle is too: its answers then need no second core to wake up)
    #[arg(long, value_name = "N")]
    pub core: Option<usize>,
    /// Stop after this many seconds
    #[arg(long, value_name = "S")]
    pub seconds: Option<f64>,
    /// Write what the outputs did and when (CSV) into this file at the end
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub trace: Option<PathBuf>,
}

/// `sensai scan`
#[derive(Debug, Args)]
pub struct Scan {
    /// A network interface, or `sim` for the embedded segment
    pub interface: String,
    /// With `sim`: SII images (binary or hex) of the devices, in bus order
    #[arg(long, value_name = "IMAGE", num_args = 1.., value_hint = ValueHint::FilePath)]
    pub sii: Vec<PathBuf>,
    /// With `sim`: take the devices of this cell
    #[arg(long, conflicts_with = "sii", value_hint = ValueHint::DirPath)]
    pub cell: Option<PathBuf>,
    /// Bring the devices to OP, and report the states they reach
    #[arg(long)]
    pub op: bool,
    /// Report as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// `sensai replay`
#[derive(Debug, Args)]
pub struct Replay {
    /// The cycle log
    #[arg(value_hint = ValueHint::FilePath)]
    pub log: PathBuf,
    /// Start at the last keyframe at or before this cycle
    #[arg(long, value_name = "CYCLE")]
    pub from: Option<u64>,
    /// Stop behind this cycle
    #[arg(long, value_name = "CYCLE")]
    pub to: Option<u64>,
    /// Print the state hash of every n-th cycle
    #[arg(long, value_name = "N")]
    pub hashes: Option<u64>,
    /// Be the debug adapter of an editor for this log, on standard input and output
    #[arg(long, conflicts_with_all = ["to", "hashes", "json"])]
    pub debug: bool,
    /// With `--debug`: the cell's directory, where the editor has the programs
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "debug")]
    pub cell: Option<PathBuf>,
    /// Result as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// `sensai log …`
#[derive(Debug, Subcommand)]
pub enum Log {
    /// What is in it: epochs, cycles, gaps, sizes
    Info {
        /// The cycle log
        #[arg(value_hint = ValueHint::FilePath)]
        log: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Check every checksum and the hash chain
    Verify {
        /// The cycle log
        #[arg(value_hint = ValueHint::FilePath)]
        log: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Bring in what a killed process left in shared memory, and cut off a torn end
    Recover {
        /// The cycle log
        #[arg(value_hint = ValueHint::FilePath)]
        log: PathBuf,
    },
    /// Write the inputs and outputs of every cycle to a file others can read (memory tags are in no record)
    Export {
        /// The cycle log
        #[arg(value_hint = ValueHint::FilePath)]
        log: PathBuf,
        /// CSV file to write; `-` is standard output
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        csv: PathBuf,
        /// First cycle
        #[arg(long, value_name = "CYCLE")]
        from: Option<u64>,
        /// Last cycle
        #[arg(long, value_name = "CYCLE")]
        to: Option<u64>,
        /// Also the timings
        #[arg(long)]
        timings: bool,
    },
    /// Draw tags over time
    Plot(LogPlot),
    /// Test tool: change one recorded bit, rebuild checksums and chain, write a new log
    Patch {
        /// The cycle log
        #[arg(value_hint = ValueHint::FilePath)]
        log: PathBuf,
        /// Cycle of the record to change
        #[arg(long)]
        cycle: u64,
        /// Bit of the input image to flip, from 0
        #[arg(long, value_name = "BIT", required_unless_present = "output_bit")]
        input_bit: Option<u32>,
        /// Bit of the output image to flip, from 0
        #[arg(long, value_name = "BIT", conflicts_with = "input_bit")]
        output_bit: Option<u32>,
        /// The new log
        #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
        out: PathBuf,
    },
}

/// `sensai log plot`
#[derive(Debug, Args)]
pub struct LogPlot {
    /// The cycle log
    #[arg(value_hint = ValueHint::FilePath)]
    pub log: PathBuf,
    /// Input and output tags to draw, such as ram.position,force.ram; those of one unit share a panel
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub tags: Vec<String>,
    /// Tags whose change per second is drawn too
    #[arg(long, value_name = "TAGS", value_delimiter = ',', required_unless_present = "tags")]
    pub derivative: Vec<String>,
    /// First cycle
    #[arg(long, value_name = "CYCLE")]
    pub from: Option<u64>,
    /// Last cycle
    #[arg(long, value_name = "CYCLE")]
    pub to: Option<u64>,
    /// Title of the picture (default: name of the cell and cycles)
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// SVG file to write
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,
}

/// `sensai doctor`
#[derive(Debug, Args)]
pub struct Doctor {
    /// A cell to judge this computer for
    #[arg(value_hint = ValueHint::DirPath)]
    pub cell: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `sensai models`
#[derive(Debug, Args)]
pub struct Models {
    /// The cell's directory
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub cell: PathBuf,
    /// As JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// `sensai setup …`
#[derive(Debug, Subcommand)]
pub enum Setup {
    /// ONNX Runtime, for models with engine = "ort": the library out of the PyPI wheel, checked by its SHA-256
    Onnxruntime(SetupOnnxruntime),
}

/// `sensai setup onnxruntime`
#[derive(Debug, Args)]
pub struct SetupOnnxruntime {
    /// Where to (default: $XDG_DATA_HOME/sensai/onnxruntime-VERSION, where `sensai run` looks)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Unpack this wheel instead of asking pip for it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub wheel: Option<PathBuf>,
}

/// `sensai lsp`
#[derive(Debug, Args)]
pub struct Lsp {
    /// Over standard input and output, as in any case: many clients say so
    #[arg(long)]
    pub stdio: bool,
}
