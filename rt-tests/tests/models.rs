//! Models in the cycle and beside it: the same scores, the same logs, and what happens when an engine is slow, hangs or is
//! not there.

use prost::Message;
use rt_tests::{
    cells::{Run, Scratch},
    harness::{Output, Profile, RUN_LIMIT, output_of, sensai_command},
    skip,
};
use sensai::{
    bench::ai::{families, onnx_file},
    inference::library,
};
use sensai_inference::{
    Engine, Plan,
    onnx::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto},
};
use sha2::{Digest, Sha256};
use std::{fs, path::Path, process::Command};

const HEAD: &str = r#"
[cell]
name = "model-cell"

[tasks.main]
interval = "1ms"
programs = ["programs/main.rhai"]

[devices]
coupler = { type = "EK1100" }
inputs  = { type = "EL1008" }

[tags]
button    = { input = "inputs.channel_1" }
curve     = { type = "f64", array = 64 }
count     = { type = "f64" }
asked     = { type = "i64" }
judged    = { type = "i64" }
inline    = { type = "f64" }
beside    = { type = "f64" }
worst     = { type = "f64" }
misses    = { type = "i64" }

[simulation]
auto_start = true
"#;

/// A cell with models, in a folder of its own.
struct Cell {
    scratch: Scratch,
    toml: String,
}

impl Cell {
    fn new(program: &str) -> Self {
        let scratch = Scratch::new();
        scratch.write("cell/programs/main.rhai", program);
        Self { scratch, toml: HEAD.to_owned() }
    }

    /// A model with its description.
    fn with(mut self, name: &str, table: &str, model: &[u8], description: &str) -> Self {
        self.scratch.write(&format!("cell/models/{name}.onnx"), model);
        let hash: String = Sha256::digest(model).iter().map(|byte| format!("{byte:02x}")).collect();
        let description = format!("sha256 = \"{hash}\"\n{description}");
        self.scratch.write(&format!("cell/models/{name}.toml"), description);
        self.toml += &format!("\n[models.{name}]\nfile = \"models/{name}.onnx\"\n{table}\n");
        self.scratch.write("cell/cell.toml", &self.toml);
        self
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = sensai_command(Profile::Debug);
        command.current_dir(self.scratch.path("")).args(words);
        command
    }

    fn output(&self, words: &[&str]) -> Output {
        output_of(&mut self.command(words), RUN_LIMIT)
    }

    fn run(&self, options: &[&str]) -> Run {
        Run::of(self.command(&["run", "cell", "--json", "--no-control"]).args(options))
    }

    /// Equal, on a computer that has neither the cell nor ONNX Runtime.
    fn replays_without_anything(&self, log: &str) -> String {
        let away = self.scratch.path("away");
        fs::rename(self.scratch.path("cell"), &away).expect("it is there");
        let words = ["replay", log, "--hashes", "100"];
        let replayed =
            output_of(nowhere(&mut self.command(&words), self.scratch.path("").as_path()), RUN_LIMIT);
        fs::rename(away, self.scratch.path("cell")).expect("it was there");
        let stdout = replayed.expect_code(0).stdout;
        assert!(stdout.contains("equal: cycles 1 to"), "{stdout}");
        stdout.lines().filter(|line| line.starts_with("hash ")).collect::<Vec<_>>().join("\n")
    }
}

/// A computer without ONNX Runtime.
fn nowhere<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    library::VARIABLES.iter().for_each(|name| {
        command.env_remove(name);
    });
    command.env("HOME", home).env("XDG_DATA_HOME", home)
}

/// Inputs, outputs and golden vector of a family's model, as its training would have written them.
fn description(family: &families::Family, scale: f32) -> String {
    let mut plan = Plan::load(&family.model).unwrap_or_else(|errors| panic!("{errors:?}"));
    let shape = |tensor: &sensai_inference::TensorInfo| format!("{:?}", tensor.shape);
    let (input_shape, output_shape) = (shape(&plan.inputs()[0]), shape(&plan.outputs()[0]));
    let mut input = vec![0.0; family.input_len];
    family.sample(1, &mut input);
    let mut output = vec![0.0; plan.outputs()[0].len()];
    plan.run(&[&input], &mut [&mut output]).expect("it runs");
    output.iter_mut().for_each(|value| *value *= scale);
    let score = if family.reconstruction { "score = \"reconstruction_error\"\n" } else { "" };
    format!(
        "{score}golden = {{ inputs = {input:?}, outputs = {output:?} }}\n\n[[inputs]]\nname = \"x\"\nshape = \
         {input_shape}\n\n[[outputs]]\nname = \"y\"\nshape = {output_shape}\n"
    )
}

fn family(name: &str) -> families::Family {
    families::all().into_iter().find(|family| family.name == name).expect("there is such a family")
}

/// Asks two models about the same curve, another one each time, and compares what they say.
const COMPARES: &str = r#"
fn init() { #{ number: 0, inline: 0.0, beside: 0.0, have: 0 } }

fn cycle() {
    if ai.quick.fresh && ai.quick.valid { this.inline = ai.quick.score; this.have += 1; }
    if ai.other.fresh && ai.other.valid { this.beside = ai.other.score; this.have += 1; }
    if this.have == 2 {
        let difference = abs(this.inline - this.beside);
        if difference > io.worst { io.worst = difference; }
        io.judged += 1;
        this.have = 0;
    }
    if sys.cycle % 20 == 10 {
        this.number += 1;
        for i in 0..64 { io.curve[i] = sin(this.number.to_float() * 0.7 + i.to_float() * 0.1); }
        this.have = 0;
        ai.quick.request();
        ai.other.request();
        io.asked += 1;
    }
    io.inline = this.inline;
    io.beside = this.beside;
    io.misses = ai.quick.misses + ai.other.misses;
}
"#;

fn compared() -> Cell {
    let dense = family("dense");
    let description = description(&dense, 1.0);
    let inputs = "inputs = [\"curve\"]\ndeadline = 15";
    Cell::new(COMPARES).with("quick", inputs, &dense.model, &description).with(
        "other",
        &format!("{inputs}\nengine = \"ort\""),
        &dense.model,
        &description,
    )
}

macro_rules! need_onnxruntime {
    () => {
        if let Err(why) = library::find() {
            skip!("{why}");
        }
    };
}

#[test]
fn a_model_gives_the_same_score_in_the_cycle_and_beside_it() {
    need_onnxruntime!();
    let cell = compared();
    let checked = cell.output(&["check", "cell"]).expect_code(0);
    assert!(checked.stdout.contains("no errors, 0 warnings"), "{}\n{}", checked.stdout, checked.stderr);
    let run = cell.run(&["--virtual", "--cycles", "2000", "--log", "a.snlog"]);
    run.output.clone().expect_code(0);
    assert_eq!(run.fault(), "");
    let (asked, judged, misses) = (run.memory("asked"), run.memory("judged"), run.memory("misses"));
    assert!(
        asked >= 95.0 && judged >= asked - 1.0 && misses == 0.0,
        "{asked} asked, {judged} judged, {misses} missed"
    );
    assert!(
        run.memory("worst") < 1e-6 && run.memory("inline") > 0.0,
        "they differ by {}",
        run.memory("worst")
    );
    for place in ["/allocations/rust", "/allocations/c", "/allocations/frees"] {
        assert_eq!(run.number(place), 0, "{place}\n{:#}", run.summary);
    }
    // The second run has to share its cores with others: every bit is the same.
    let hashes = cell.replays_without_anything("a.snlog");
    assert!(hashes.lines().count() >= 19, "{hashes}");
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        cell.run(&["--virtual", "--cycles", "2000", "--log", "b.snlog"]).output.expect_code(0);
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(hashes, cell.replays_without_anything("b.snlog"));
}

#[test]
fn without_the_library_a_cell_is_checked_and_replayed_but_not_run() {
    let cell = compared();
    let home = cell.scratch.path("home");
    let ask = |words: &[&str]| output_of(nowhere(&mut cell.command(words), &home), RUN_LIMIT);
    let checked = ask(&["check", "cell"]).expect_code(0);
    for part in ["R120", "models.other", "sensai setup onnxruntime", "--wheel"] {
        assert!(checked.stderr.contains(part), "`{part}` is not in\n{}", checked.stderr);
    }
    let run = ask(&["run", "cell", "--virtual", "--cycles", "100", "--log", "none.snlog"]).expect_code(1);
    assert!(run.stderr.contains("error: model `other`: ONNX Runtime is not installed"), "{}", run.stderr);
    assert!(!cell.scratch.path("none.snlog").exists(), "a run that cannot be leaves no log");
    let doctor = ask(&["doctor", "cell"]);
    assert!(doctor.stdout.contains("BAD   ONNX Runtime"), "{}", doctor.stdout);
}

#[test]
fn what_an_engine_makes_of_a_model_is_told_before_it_runs() {
    need_onnxruntime!();
    let (dense, trees) = (family("dense"), family("trees"));
    let wrong = description(&dense, 1.5);
    let cell = Cell::new("fn init() { #{} }\nfn cycle() { io.asked += 1; }\n")
        .with("wrong", "inputs = [\"curve\"]\nengine = \"ort\"", &dense.model, &wrong)
        .with(
            "tight",
            "inputs = [\"curve\"]\nengine = \"ort\"\ndeadline = 2",
            &dense.model,
            &description(&dense, 1.0),
        )
        .with(
            "broken",
            "inputs = [\"count\"]\nengine = \"ort\"",
            b"no model",
            "[[inputs]]\nname = \"x\"\nshape = [1]\n\n[[outputs]]\nname = \"y\"\nshape = [1]\n",
        );
    drop(trees);
    let checked = cell.output(&["check", "cell"]).expect_code(1);
    for part in [
        "of the golden vector is",
        "its 64 output values enter in 5 cycles (16 in each), but its deadline is 2",
        "ONNX Runtime refuses it",
    ] {
        assert!(checked.stderr.contains(part), "`{part}` is not in\n{}", checked.stderr);
    }
    let listed = output_of(&mut cell.command(&["run", "cell", "--virtual", "--cycles", "10"]), RUN_LIMIT);
    assert!(listed.expect_code(1).stderr.contains("of the golden vector is"));
}

#[test]
fn sensai_models_shows_what_they_cost_and_that_both_engines_agree() {
    need_onnxruntime!();
    let cell = compared();
    let told = cell.output(&["models", "cell"]).expect_code(0).stdout;
    for part in
        ["quick (models/quick.onnx), engine inline", "other (models/other.onnx), engine ort", "admitted"]
    {
        assert!(told.contains(part), "`{part}` is not in\n{told}");
    }
    assert_eq!(told.matches("gives the golden vector within").count(), 4, "{told}");
    let json = cell.output(&["models", "cell", "--json"]).expect_code(0).stdout;
    let rows: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert!(rows[0]["operations"].as_u64().is_some_and(|count| count > 4000), "{json}");
    assert_eq!((&rows[1]["engine"], &rows[1]["cycles"]), (&"ort".into(), &5.into()), "{json}");
}

/// Adds one to itself as often as its input says, so that a run takes as long as one likes. The inline engine has no loops.
fn loop_model() -> Vec<u8> {
    let scalar = |name: &str, kind: i32| {
        let mut value = onnx_file::input(name, &[]);
        if let Some(tensor) = value.r#type.as_mut().and_then(|of| of.tensor_type.as_mut()) {
            tensor.elem_type = Some(kind);
        }
        value
    };
    let constant = |name: &str, dims: &[i64], value: f32| TensorProto {
        dims: dims.to_vec(),
        data_type: Some(1),
        float_data: vec![value],
        name: Some(name.to_owned()),
        ..Default::default()
    };
    let values = |list: &[&ValueInfoProto]| list.iter().map(|value| (*value).clone()).collect::<Vec<_>>();
    let body = GraphProto {
        name: Some("body".into()),
        node: vec![
            onnx_file::node("Identity", &["go_in"], &["go_out"], vec![]),
            onnx_file::node("Add", &["sum_in", "one"], &["sum_out"], vec![]),
        ],
        initializer: vec![constant("one", &[], 1.0)],
        input: values(&[&scalar("turn", 7), &scalar("go_in", 9), &scalar("sum_in", 1)]),
        output: values(&[&scalar("go_out", 9), &scalar("sum_out", 1)]),
        ..Default::default()
    };
    // An attribute that holds a graph is not among the messages of the inline engine: name, graph, kind.
    let attribute =
        [field(1, b"body"), field(6, &body.encode_to_vec()), vec![20 << 3 & 0x7f | 0x80, 1, 5]].concat();
    let around = onnx_file::node("Loop", &["turns", "", "zero"], &["sum"], vec![]);
    let around = [around.encode_to_vec(), field(5, &attribute)].concat();
    let before = [
        onnx_file::node("Reshape", &["x", "scalar"], &["flat"], vec![]),
        onnx_file::node("Cast", &["flat"], &["turns"], vec![onnx_file::int("to", 7)]),
    ];
    let after = onnx_file::node("Reshape", &["sum", "shape"], &["y"], vec![]);
    let nodes: Vec<u8> = before
        .iter()
        .map(NodeProto::encode_to_vec)
        .chain([around, after.encode_to_vec()])
        .flat_map(|node| field(1, &node))
        .collect();
    let rest = GraphProto {
        name: Some("counts".into()),
        initializer: vec![
            constant("zero", &[], 0.0),
            TensorProto { dims: vec![0], ..onnx_file::tensor("scalar", &[0], vec![]) },
            onnx_file::tensor("shape", &[1], vec![1]),
        ],
        input: vec![onnx_file::input("x", &[1])],
        output: vec![onnx_file::output("y", &[1])],
        ..Default::default()
    };
    let graph = [nodes, rest.encode_to_vec()].concat();
    let head = ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(17) }],
        ..Default::default()
    };
    [head.encode_to_vec(), field(7, &graph)].concat()
}

/// A field of bytes, as protocol buffers have it.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut all = vec![number << 3 | 2];
    prost::encoding::encode_varint(bytes.len() as u64, &mut all);
    all.extend(bytes);
    all
}

fn counting(program: &str, table: &str) -> Cell {
    let description = "golden = { inputs = [3.0], outputs = [3.0] }\n[[inputs]]\nname = \"x\"\nshape = [1]\n\n\
                       [[outputs]]\nname = \"y\"\nshape = [1]\n";
    Cell::new(program).with("counter", &format!("inputs = [\"count\"]\n{table}"), &loop_model(), description)
}

#[test]
fn a_model_that_the_inline_engine_does_not_cover_runs_beside() {
    need_onnxruntime!();
    let program = "fn init() { #{} }\nfn cycle() {\n    io.count = 7.0;\n    if sys.cycle % 10 == 5 { ai.counter.request(); }\n    \
                   if ai.counter.valid { io.beside = ai.counter.score; }\n}\n";
    let inline = counting(program, "deadline = 5").output(&["check", "cell"]).expect_code(1);
    assert!(inline.stderr.contains("use engine = \"ort\" for this model"), "{}", inline.stderr);
    let cell = counting(program, "deadline = 5\nengine = \"ort\"");
    let run = cell.run(&["--virtual", "--cycles", "100", "--log", "a.snlog"]);
    run.output.clone().expect_code(0);
    assert_eq!(run.memory("beside"), 7.0);
    cell.replays_without_anything("a.snlog");
}

/// Every tenth request takes a while.
const SLOW: &str = r#"
fn init() { #{ number: 0 } }

fn cycle() {
    if sys.cycle % 20 == 0 {
        this.number += 1;
        io.count = if this.number % 10 == 5 { TURNS } else { 10.0 };
        ai.counter.request();
        io.asked += 1;
    }
    if ai.counter.fresh && ai.counter.valid { io.judged += 1; }
    io.misses = ai.counter.misses;
}
"#;

#[test]
fn a_run_that_is_too_slow_is_a_miss_and_the_cycle_goes_on() {
    need_onnxruntime!();
    let program = SLOW.replace("TURNS", "30000.0");
    let cell = counting(&program, "deadline = 10\nengine = \"ort\"");
    let run = cell.run(&["--cycles", "1500", "--log", "a.snlog"]);
    run.output.clone().expect_code(0);
    assert_eq!(run.fault(), "");
    let (asked, judged, misses) = (run.memory("asked"), run.memory("judged"), run.memory("misses"));
    assert!(misses >= 2.0 && judged >= 20.0, "{asked} asked, {judged} judged, {misses} missed");
    assert!((judged + misses - asked).abs() <= 1.0, "{asked} asked, {judged} judged, {misses} missed");
    for place in ["/allocations/rust", "/allocations/c", "/allocations/frees"] {
        assert_eq!(run.number(place), 0, "{place}\n{:#}", run.summary);
    }
    // When a result came is in the log: the replay does not ask how fast this computer is.
    cell.replays_without_anything("a.snlog");
}

#[test]
fn a_run_that_hangs_is_told_ended_and_the_engine_goes_on() {
    need_onnxruntime!();
    // The fifth request would run for minutes; the next one of the kind is behind the end.
    let program = SLOW.replace("this.number % 10 == 5", "this.number == 5").replace("TURNS", "16000000.0");
    let cell = counting(&program, "deadline = 10\nengine = \"ort\"");
    let run = cell.run(&["--cycles", "3000", "--log", "a.snlog"]);
    let output = run.output.clone().expect_code(0);
    for part in [
        "model `counter`: a run has not ended for 1.",
        "model `counter`: the run has ended, it takes requests",
    ] {
        assert!(output.stderr.contains(part), "`{part}` is not in\n{}", output.stderr);
    }
    let (judged, misses) = (run.memory("judged"), run.memory("misses"));
    assert!(judged >= 30.0 && misses >= 40.0, "{judged} judged, {misses} missed");
    cell.replays_without_anything("a.snlog");
}

#[test]
fn the_library_is_installed_from_a_wheel_and_nothing_else() {
    let scratch = Scratch::new();
    let folder = scratch.path("ort").display().to_string();
    let setup = |wheel: &str| {
        let mut command = sensai_command(Profile::Debug);
        output_of(command.args(["setup", "onnxruntime", "--dir", &folder, "--wheel", wheel]), RUN_LIMIT)
    };
    let other = scratch.write("other.whl", "no archive").display().to_string();
    let refused = setup(&other).expect_code(1);
    assert!(refused.stderr.contains("cannot unpack") && !scratch.path("ort").exists(), "{}", refused.stderr);
    // Packed again from the library that the tests use: the hash is that of the library, not of the wheel.
    let Ok(library) = library::find() else { skip!("there is no ONNX Runtime") };
    let wheel = scratch.path("again.whl").display().to_string();
    let pack = "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'w').write(sys.argv[2], sys.argv[3])";
    let name = "onnxruntime/capi/libonnxruntime.so.1.24.4";
    let packed = Command::new("python3").args(["-c", pack, &wheel]).arg(&library).arg(name).status();
    if !packed.is_ok_and(|status| status.success()) {
        skip!("there is no python3");
    }
    let installed = setup(&wheel).expect_code(0);
    assert!(installed.stdout.contains("SENSAI_ONNXRUNTIME="), "{}", installed.stdout);
    let found = scratch.path("ort").join(library::PLACE_IN_WHEEL).join("libonnxruntime.so.1.24.4");
    assert_eq!(
        fs::metadata(&found).expect("installed").len(),
        fs::metadata(&library).expect("it is there").len()
    );
    assert!(setup(&wheel).expect_code(0).stdout.contains("it is there already"));
    let left = fs::read_dir(scratch.path("")).expect("it is there").count();
    assert_eq!(left, 3, "two wheels and the library's folder");
}
