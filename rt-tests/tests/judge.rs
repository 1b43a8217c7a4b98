//! The servo press judges its parts: on seeds that training never saw, nearly every defect is found and nearly no good
//! part is thrown away, better than a limit on the peak force; and it is the model that does it.

use rt_tests::{
    Profile,
    cells::Scratch,
    harness::{count, example, output_of, sensai_command},
    seeded::Random,
};
use sha2::{Digest, Sha256};
use std::{fs, path::Path, time::Duration};

/// Kinds of parts, by number.
const KINDS: [&str; 6] = ["good", "missing", "double", "crack", "material", "worn"];
/// Training took 1001 to 1008 and 2001 to 2003.
const FIRST_SEED: u64 = 9001;
/// Cycles of one run; about 680 strokes.
const CYCLES: u64 = 450_000;
const LIMIT: Duration = Duration::from_secs(900);

/// Strokes by kind: all, called bad by the model, called bad by the peak force.
#[derive(Clone, Copy, Debug, Default)]
struct Table {
    judged: [u64; 6],
    model: [u64; 6],
    peak: [u64; 6],
}

impl Table {
    fn strokes(&self) -> u64 {
        self.judged.iter().sum()
    }

    fn defects(&self) -> u64 {
        self.judged[1..].iter().sum()
    }

    /// Shares of defects missed and of good parts called bad.
    fn errors(&self, called: &[u64; 6]) -> (f64, f64) {
        let missed = self.defects() - called[1..].iter().sum::<u64>();
        (missed as f64 / self.defects().max(1) as f64, called[0] as f64 / self.judged[0].max(1) as f64)
    }

    fn print(&self, what: &str) {
        println!(
            "{what}: {} strokes\n\n| part | strokes | model: bad | peak force: bad |\n|---|---|---|---|",
            self.strokes()
        );
        for (kind, name) in KINDS.iter().enumerate() {
            println!("| {name} | {} | {} | {} |", self.judged[kind], self.model[kind], self.peak[kind]);
        }
        for (name, called) in [("model", &self.model), ("peak force", &self.peak)] {
            let (missed, stopped) = self.errors(called);
            println!(
                "{name}: {:.2} % of the defects missed, {:.2} % of the good parts stopped",
                100.0 * missed,
                100.0 * stopped
            );
        }
    }
}

/// A copy of the example that is never held for a verdict: nobody is there to give one.
fn cell(scratch: &Scratch) {
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
        scratch.write(&format!("cell/{file}"), bytes);
    }
    let path = scratch.path("cell/cell.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("count = 3\n"));
    fs::write(path, text.replace("count = 3\n", "count = 1000000\n")).unwrap();
}

/// Press at least this many parts, run by run, each with its own seed.
fn press(cell: &Path, strokes: u64) -> Table {
    let mut table = Table::default();
    for seed in FIRST_SEED.. {
        let mut command = sensai_command(Profile::Release);
        command.arg("run").arg(cell).args(["--virtual", "--quiet", "--cycles", &CYCLES.to_string()]);
        let output = output_of(command.args(["--seed", &seed.to_string()]), LIMIT);
        assert!(output.code == Some(0), "{output:?}");
        let numbers = |tag: &str| -> Vec<u64> {
            let line = output.stdout.lines().find_map(|line| line.strip_prefix(&format!("io.{tag} = ")));
            let line = line.unwrap_or_else(|| panic!("no {tag} in {}", output.stdout));
            line.split(' ').map(|word| word.parse().expect("a count")).collect()
        };
        for (sums, tag) in [
            (&mut table.judged, "judged"),
            (&mut table.model, "stopped.model"),
            (&mut table.peak, "stopped.peak"),
        ] {
            for (sum, number) in sums.iter_mut().zip(numbers(tag)) {
                *sum += number;
            }
        }
        if table.strokes() >= strokes {
            break;
        }
    }
    table
}

/// What the example promises, of a table.
fn keeps_its_promise(table: &Table) -> bool {
    let (missed, stopped) = table.errors(&table.model);
    let (missed_by_peak, stopped_by_peak) = table.errors(&table.peak);
    missed <= 0.01 && stopped <= 0.01 && missed + stopped < missed_by_peak + stopped_by_peak
}

#[test]
fn judge_parts_of_unseen_seeds() {
    let scratch = Scratch::new();
    cell(&scratch);
    let table = press(&scratch.path("cell"), count(600, 5_000));
    table.print("press cell");
    assert!(table.judged.iter().all(|strokes| *strokes > 0), "every kind has to be there: {table:?}");
    assert!(keeps_its_promise(&table), "{table:?}");
}

#[test]
fn judge_with_shuffled_weights_fails() {
    let scratch = Scratch::new();
    cell(&scratch);
    let path = scratch.path("cell/models/stroke.onnx");
    let mut model = fs::read(&path).unwrap();
    let mut random = Random::printed("weights");
    let shuffled = shuffle_weights(&mut model, &mut random);
    assert!(shuffled > 3_000, "{shuffled} weights were shuffled");
    let hash: String = Sha256::digest(&model).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(path, model).unwrap();
    let path = scratch.path("cell/models/stroke.toml");
    let kept = |line: &&str| !line.starts_with("golden = ");
    let described = fs::read_to_string(&path).unwrap();
    let lines = described.lines().filter(kept).map(|line| match line.starts_with("sha256 = ") {
        true => format!("sha256 = \"{hash}\"\n"),
        false => format!("{line}\n"),
    });
    let described: String = lines.collect();
    fs::write(&path, described).unwrap();
    let table = press(&scratch.path("cell"), 600);
    table.print("press cell with shuffled weights");
    assert!(!keeps_its_promise(&table), "shuffled weights judge as well: {table:?}");
}

#[test]
fn judge_refuses_a_model_that_is_not_the_described_one() {
    let scratch = Scratch::new();
    cell(&scratch);
    let path = scratch.path("cell/models/stroke.onnx");
    let mut model = fs::read(&path).unwrap();
    let original = model.clone();
    shuffle_weights(&mut model, &mut Random::new(1));
    fs::write(&path, &model).unwrap();
    let check = || output_of(sensai_command(Profile::Release).arg("check").arg(scratch.path("cell")), LIMIT);
    let refused = check();
    assert!(refused.code == Some(1) && refused.stderr.contains("sha256"), "{refused:?}");
    // With the right hash beside it, the golden vector tells.
    let of =
        |bytes: &[u8]| -> String { Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect() };
    let described = scratch.path("cell/models/stroke.toml");
    let text = fs::read_to_string(&described).unwrap().replace(&of(&original), &of(&model));
    fs::write(described, text).unwrap();
    let refused = check();
    assert!(refused.code == Some(1) && refused.stderr.contains("golden vector"), "{refused:?}");
}

/// Permute the floats of every weight tensor of an ONNX file; how many there were. The file's form: protocol buffers,
/// `ModelProto.graph` = 7, `GraphProto.initializer` = 5, `TensorProto.raw_data` = 9.
fn shuffle_weights(model: &mut [u8], random: &mut Random) -> usize {
    let graphs = fields(model, 0..model.len(), 7);
    let tensors = graphs.into_iter().flat_map(|graph| fields(model, graph, 5)).collect::<Vec<_>>();
    let data = tensors.into_iter().flat_map(|tensor| fields(model, tensor, 9)).collect::<Vec<_>>();
    let mut shuffled = 0;
    for range in data {
        let floats = range.len() / 4;
        for at in (1..floats).rev() {
            let other = random.within(0..at as u64 + 1) as usize;
            for byte in 0..4 {
                model.swap(range.start + 4 * at + byte, range.start + 4 * other + byte);
            }
        }
        shuffled += floats;
    }
    shuffled
}

/// The length-delimited fields of this number in a message.
fn fields(bytes: &[u8], message: std::ops::Range<usize>, number: u64) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = message.start;
    let varint = |at: &mut usize| {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = bytes[*at];
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    };
    while at < message.end {
        let tag = varint(&mut at);
        match tag & 7 {
            0 => {
                varint(&mut at);
            }
            1 => at += 8,
            5 => at += 4,
            2 => {
                let len = varint(&mut at) as usize;
                if tag >> 3 == number {
                    found.push(at..at + len);
                }
                at += len;
            }
            other => panic!("wire type {other} at byte {at}"),
        }
    }
    found
}
