//! Models and jidoka: what can be written, what becomes of it, and where the results are.

mod common;

use common::{files, models};
use sensai_model::{
    Cell, ScalarType, TagKind, Value,
    cell::{AlarmCondition, Jidoka, ModelEngine, ModelInput, ModelScore, ModelTrigger},
    config::{self, Style},
};

const HEAD: &str = "[cell]\nname = \"c\"\n[tasks.main]\ninterval = \"1ms\"\nprograms = [\"programs/main.rhai\"]\n\
                    [devices]\ninputs = { type = \"EL1008\" }\nforce = { type = \"EL3104\" }\n[tags]\n\
                    pressing = { type = \"bool\" }\nram.position = { type = \"f64\", unit = \"mm\" }\n\
                    force.ram = { input = \"force.channel_1.value\", scale = 0.1, unit = \"N\" }\n\
                    curve = { type = \"f64\", array = 4, unit = \"N\" }\ncount = { type = \"i64\" }\n";

fn load(more: &str) -> Cell {
    let text = format!("{HEAD}{more}");
    let report = config::load(files(text.as_bytes()));
    assert_eq!(report.render(Style::Plain), "", "{text}");
    report.cell.expect("no findings, so there is a cell")
}

fn codes(more: &str) -> Vec<&'static str> {
    let report = config::load(files(format!("{HEAD}{more}").as_bytes()));
    report.findings.iter().map(|finding| finding.code).collect()
}

const GOOD: &str = "[models.stroke]\nfile = \"models/good.onnx\"\ninputs = [\"curve\"]\n";

#[test]
fn a_model_is_what_its_two_files_say() {
    let cell = load(GOOD);
    let model = &cell.models[0];
    assert_eq!((model.name.as_str(), model.path.as_str()), ("stroke", "models/good.onnx"));
    assert_eq!((&*model.bytes, model.sha256.as_str()), (models::BYTES, models::SHA256));
    assert_eq!((model.engine, model.trigger), (ModelEngine::Inline, ModelTrigger::Request));
    assert_eq!((model.deadline_cycles, model.age_max_cycles), (20, 1000));
    assert_eq!((model.substitute, model.threshold, model.slice_operations), (0.0, Some(0.25), 0));
    assert_eq!((model.score, model.output_len), (ModelScore::ReconstructionError, 4));
    assert_eq!(model.normalisation, [(500.0, 1.0), (500.0, 2.0), (500.0, 3.0), (500.0, 4.0)]);
    let golden = model.golden.as_ref().expect("it has one");
    assert_eq!(
        (golden.inputs.as_slice(), golden.outputs.as_slice()),
        (&[0.0, 1.0, 2.0, 3.0][..], &[0.0, 1.0, 2.0, 3.0][..])
    );
    assert_eq!(golden.tolerance, 0.001);
    let curve = cell.tag("curve").expect("it is there").slot;
    assert_eq!(model.inputs, [vec![ModelInput::Slots { tag: "curve".to_owned(), slot: curve, len: 4 }]]);
}

#[test]
fn results_are_tags_behind_all_others() {
    let cell = load(&format!(
        "{GOOD}substitute = 9.5\n[models.second]\nfile = \"models/good.onnx\"\ninputs = [\"curve\"]\n"
    ));
    let own: u32 = cell.tags.iter().filter(|tag| tag.kind != TagKind::Model).map(|tag| tag.len()).sum();
    let facts: Vec<(&str, ScalarType, Option<u32>, u32)> = cell
        .tags
        .iter()
        .filter(|tag| tag.kind == TagKind::Model)
        .map(|tag| (tag.name.as_str(), tag.scalar, tag.array_len, tag.slot - own))
        .collect();
    use ScalarType::{Bool, F64, I64};
    assert_eq!(
        facts,
        [
            ("ai.stroke.score", F64, None, 0),
            ("ai.stroke.age", I64, None, 1),
            ("ai.stroke.valid", Bool, None, 2),
            ("ai.stroke.misses", I64, None, 3),
            ("ai.stroke.sequence", I64, None, 4),
            ("ai.stroke.output", F64, Some(4), 5),
            ("ai.second.score", F64, None, 9),
            ("ai.second.age", I64, None, 10),
            ("ai.second.valid", Bool, None, 11),
            ("ai.second.misses", I64, None, 12),
            ("ai.second.sequence", I64, None, 13),
            ("ai.second.output", F64, Some(4), 14),
        ]
    );
    assert_eq!((cell.models[0].slot, cell.models[1].slot), (own, own + 9));
    assert_eq!(cell.tag("ai.stroke.score").expect("it is there").initial, Value::F64(9.5));
    assert_eq!(cell.tag("ai.stroke.valid").expect("it is there").initial, Value::Bool(false));
    let store = sensai_model::TagStore::new(&cell.tags);
    assert_eq!((store.len(), store.value(own)), ((own + 18) as usize, Value::F64(9.5)));
}

#[test]
fn an_alarm_may_ask_a_result() {
    let cell = load(&format!(
        "{GOOD}[alarms.judge]\nid = 1000\nwhen = \"ai.stroke.misses > 3\"\ntext = {{ en = \"a\", ja = \"b\" }}\n"
    ));
    let slot = cell.models[0].slot + 3;
    assert_eq!(cell.alarms[0].condition, AlarmCondition::Above { slot, limit: 3.0, hysteresis: 0.0 });
}

/// A model that cannot be read has one finding, and nothing that refers to it has another.
#[test]
fn who_refers_to_a_broken_model_is_not_blamed() {
    let text = "[units.press]\n[models.stroke]\nfile = \"models/gone.onnx\"\ninputs = [\"curve\"]\n\
                [alarms.a]\nid = 1000\nwhen = \"!ai.stroke.valid\"\ntext = { en = \"a\", ja = \"b\" }\n\
                [jidoka.stroke]\nmodel = \"stroke\"\nlimit = 1.0\n";
    assert_eq!(codes(text), ["C001", "C001"], "the model and its description");
}

#[test]
fn results_are_no_process_data() {
    let with = |more: &str| format!("{GOOD}{more}");
    assert_eq!(codes(&with("[operator]\nstart = \"ai.stroke.valid\"\n")), ["C401"]);
    assert_eq!(
        codes(&with("[models.second]\nfile = \"models/good.onnx\"\ninputs = [\"ai.stroke.output\"]\n")),
        ["C401"]
    );
    let tags = "[tags.ai.stroke]\nlimit = { type = \"f64\" }\n";
    assert_eq!(codes(&with(tags)), ["C109"], "the names are taken");
    load(&with("[tags.ai.pressure]\ntype = \"f64\"\n"));
}

#[test]
fn windows_and_curves() {
    let cell = load(
        "[models.stroke]\nfile = \"models/two.onnx\"\ninputs = [\n\
         [{ window = \"force.ram\", len = 2, every = 5, while = \"pressing\" }],\n\
         [{ curve = \"force.ram\", over = \"ram.position\", from = 40, to = 20.0, len = 2 }, \"count\"],\n]\n",
    );
    let slot = |name: &str| cell.tag(name).expect("it is there").slot;
    assert_eq!(
        cell.models[0].inputs,
        [
            vec![ModelInput::Window {
                tag: "force.ram".to_owned(),
                slot: slot("force.ram"),
                len: 2,
                every: 5,
                gate: Some(slot("pressing")),
            }],
            vec![
                ModelInput::Curve {
                    tag: "force.ram".to_owned(),
                    slot: slot("force.ram"),
                    over: slot("ram.position"),
                    from: 40.0,
                    to: 20.0,
                    len: 2,
                    gate: None,
                },
                ModelInput::Slots { tag: "count".to_owned(), slot: slot("count"), len: 1 },
            ],
        ]
    );
    let model = &cell.models[0];
    assert_eq!(model.normalisation, [(0.0, 2.0), (0.0, 2.0), (0.0, 1.0), (0.0, 1.0), (0.0, 1.0)]);
    assert_eq!((model.score, model.threshold), (ModelScore::Output { output: 0, element: 0 }, None));
    let golden = model.golden.as_ref().expect("it has one");
    assert_eq!((golden.inputs.len(), golden.outputs.len(), golden.tolerance), (5, 2, 1e-4));
}

#[test]
fn elements_and_flat_lists_fill_inputs() {
    let inputs = |text: &str| load(&format!("[models.a]\nfile = \"models/{text}\n")).models[0].inputs.clone();
    let one =
        inputs("good.onnx\"\ninputs = [\"curve[3]\", \"force.ram\", { window = \"curve[0]\", len = 2 }]");
    assert_eq!((one.len(), one[0].len()), (1, 3), "a model with one input takes them all");
    let two =
        inputs("two.onnx\"\ninputs = [{ window = \"count\", len = 2 }, { window = \"count\", len = 3 }]");
    assert_eq!((two.len(), two[0].len(), two[1].len()), (2, 1, 1), "one with two takes one each");
}

#[test]
fn times_are_cycles_or_durations() {
    let model = |more: &str| load(&format!("{GOOD}{more}")).models.remove(0);
    let times = |more: &str| {
        let model = model(more);
        (model.trigger, model.deadline_cycles, model.age_max_cycles)
    };
    let periodic = |every| ModelTrigger::Periodic { every };
    assert_eq!(times("trigger = { every = 100 }\n"), (periodic(100), 20, 220));
    assert_eq!(times("trigger = { every = \"10ms\" }\n"), (periodic(10), 10, 30));
    assert_eq!(times("trigger = { every = 1 }\n"), (periodic(1), 1, 3));
    assert_eq!(
        times("trigger = \"request\"\ndeadline = \"2.5ms\"\nage_max = 50\n"),
        (ModelTrigger::Request, 3, 50)
    );
    assert_eq!(times("deadline = 5000\n"), (ModelTrigger::Request, 5000, 5000));
    let more = model("engine = \"ort\"\nscore = { element = 3 }\nsubstitute = -1\n");
    assert_eq!((more.engine, more.substitute), (ModelEngine::Ort, -1.0));
    assert_eq!(more.score, ModelScore::Output { output: 0, element: 3 });
    assert_eq!(model("slice = 2000\n").slice_operations, 2000);
}

#[test]
fn jidoka_judges_a_score_or_is_raised_by_programs() {
    let cell = load(&format!(
        "[units.feeder]\nprograms = []\n[units.press]\nprograms = [\"main\"]\n{GOOD}[jidoka.stroke]\nmodel = \"stroke\"\n\
         [jidoka.strict]\nmodel = \"stroke\"\nlimit = 0.1\ncount = 1\nunit = \"press\"\nbefore = \"5s\"\nafter = \"0s\"\n\
         [jidoka.timeout]\n"
    ));
    let expected = [
        Jidoka {
            name: "stroke".to_owned(),
            model: Some(0),
            limit: 0.25,
            count: 3,
            unit: u16::MAX,
            before_ns: 10_000_000_000,
            after_ns: 2_000_000_000,
        },
        Jidoka {
            name: "strict".to_owned(),
            model: Some(0),
            limit: 0.1,
            count: 1,
            unit: 1,
            before_ns: 5_000_000_000,
            after_ns: 0,
        },
        Jidoka {
            name: "timeout".to_owned(),
            model: None,
            limit: 0.0,
            count: 3,
            unit: u16::MAX,
            before_ns: 10_000_000_000,
            after_ns: 2_000_000_000,
        },
    ];
    assert_eq!(cell.jidoka, expected);
}

/// A cell with warnings in a model's description runs; with errors there it does not.
#[test]
fn a_model_without_a_golden_vector_runs_with_a_warning() {
    let report = config::load(files(format!("{HEAD}{}", GOOD.replace("good", "no_golden")).as_bytes()));
    let found: Vec<(&str, &str)> =
        report.findings.iter().map(|finding| (finding.path.as_str(), finding.code)).collect();
    assert_eq!(found, [("models/no_golden.toml", "C805")]);
    assert_eq!(report.cell.map(|cell| cell.models[0].golden.is_none()), Some(true));
}
