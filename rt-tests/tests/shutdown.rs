//! A run that ends in the middle of a move: the axis comes to rest on its ramp, its power goes, then the outputs fall.

use rt_tests::{
    Profile,
    cells::Scratch,
    harness::{RUN_LIMIT, example, output_of, sensai_command},
    raw_log::{Places, RawLog, RawRecord},
};
use sensai::source::Source;
use sensai_model::{BitField, Cell, TagKind, tag::OnFault};
use std::path::Path;

/// Statusword, CiA 402: the mask that tells states apart, and what it leaves in `Operation enabled`.
const STATE_MASK: i64 = 0x6f;
const OPERATION_ENABLED: i64 = 0x27;

/// What one cycle was for the ram and the valves.
#[derive(Debug)]
struct Seen {
    shutting_down: bool,
    /// Set-point on the wire, mm.
    target: f64,
    enabled: bool,
    /// Every output tag's raw bits.
    outputs: Vec<u64>,
}

#[track_caller]
fn run(cycles: u64, log: &Path) -> Vec<RawRecord> {
    let mut command = sensai_command(Profile::Release);
    command.arg("run").arg(example("press-cell")).args(["--virtual", "--cycles", &cycles.to_string()]);
    output_of(command.arg("--log").arg(log), RUN_LIMIT).expect_code(0);
    RawLog::read(log).records()
}

fn seen(record: &RawRecord, places: Places, cell: &Cell) -> Seen {
    let axis = &cell.axes[0];
    let target = axis.entries.target_position.expect("the ram is commanded by position");
    let outputs = cell.tags.iter().filter(|tag| tag.kind == TagKind::Output).flat_map(|tag| &tag.fields);
    let bits = |field: &BitField| field.read_bits(record.outputs(places));
    let status = axis.entries.statusword.read_bits(record.inputs(places)).cast_signed();
    Seen {
        shutting_down: record.is(RawRecord::SHUTDOWN),
        target: target.read_integer(record.outputs(places)) as f64 / axis.counts_per_unit,
        enabled: status & STATE_MASK == OPERATION_ENABLED,
        outputs: outputs.map(bits).collect(),
    }
}

/// Fault values of all output tags, as bits; the example's outputs are all channels of one bit.
fn fallen(cell: &Cell) -> Vec<u64> {
    let outputs = cell.tags.iter().filter(|tag| tag.kind == TagKind::Output);
    outputs
        .flat_map(|tag| {
            let OnFault::Value(value) = tag.on_fault else { panic!("{} is held", tag.name) };
            tag.fields.iter().map(move |_| value.to_bits())
        })
        .collect()
}

#[test]
fn a_run_that_ends_in_a_move_stops_the_axis_before_its_outputs_fall() {
    let source = Source::from_directory(&example("press-cell"));
    let cell = source.cell.expect("the example is a cell");
    let axis = &cell.axes[0];
    let scratch = Scratch::new();
    let dt = cell.task.interval_ns as f64 / 1e9;
    let velocities = |seen: &[Seen]| -> Vec<f64> {
        seen.windows(2).map(|pair| (pair[1].target - pair[0].target) / dt).collect()
    };
    // Where it moves fast, up and down.
    let log = scratch.path("first.snlog");
    let records = run(6_000, &log);
    let places = RawLog::read(&log).places();
    let all: Vec<Seen> = records.iter().map(|record| seen(record, places, &cell)).collect();
    let fast = |sign: f64| {
        let velocity = velocities(&all);
        let moves =
            |at: &usize| sign * velocity[*at] > 0.6 * axis.velocity_max && all[*at].outputs != fallen(&cell);
        (0..velocity.len()).find(moves).expect("it moves") as u64
    };
    for (name, at) in [("down", fast(1.0)), ("up", fast(-1.0)), ("accelerating", fast(1.0) - 20)] {
        let log = scratch.path(&format!("{name}.snlog"));
        let records = run(at, &log);
        let all: Vec<Seen> = records.iter().map(|record| seen(record, places, &cell)).collect();
        let begin = all.iter().position(|seen| seen.shutting_down).expect("it ends");
        let velocity = velocities(&all);
        assert!(velocity[begin - 2].abs() > 0.05 * axis.velocity_max, "{name}: {}", velocity[begin - 2]);

        // On its ramp: no set-point leaps. A count more or less in three neighbours is what rounding does.
        let quantum = 4.0 / axis.counts_per_unit / dt / dt;
        let most = axis.stop_deceleration.max(axis.acceleration) + quantum;
        for pair in velocity[begin - 2..].windows(2) {
            assert!((pair[1] - pair[0]).abs() / dt <= most, "{name}: {pair:?}");
        }
        // To rest, and the power goes behind that. Afterwards the set-point is where the motor is.
        let off = all.iter().rposition(|seen| seen.enabled).expect("it had power") + 1;
        let rest = velocity[..off - 1].iter().rposition(|velocity| *velocity != 0.0).expect("it moved") + 1;
        assert!(
            begin < rest && rest + 5 < off && off < all.len(),
            "{name}: {begin} {rest} {off} {}",
            all.len()
        );
        // Outputs as the program left them up to there, then at their fault values, for some cycles.
        let before = &all[begin - 1].outputs;
        assert!(all[begin..off].iter().all(|seen| seen.outputs == *before), "{name}");
        assert_ne!(*before, fallen(&cell), "{name}: nothing to fall");
        assert!(all[off..].iter().all(|seen| seen.outputs == fallen(&cell)), "{name}");
        assert!(all.len() - off >= 3, "{name}: {} cycles", all.len() - off);
        let output = output_of(sensai_command(Profile::Release).arg("replay").arg(&log), RUN_LIMIT);
        output.expect_code(0);
    }
}
