//! A cell with axes, a unit, models, alarms and jidoka rules, and axes that do what a test says.

use crate::support::{Bench, LIMITS, PROGRAM, not_a_lint, parameters, source, tag, tags};
use sensai_model::{
    BitField, RawType, ScalarType, Tag, TagKind,
    cell::{
        Alarm, AlarmCondition, AlarmPriority, AlarmReaction, Axis, DriveEntries, DriveMode, Homing, Jidoka,
        Model, ModelEngine, ModelScore, ModelTrigger, StopCategory, Tier, Unit,
    },
    packml::Mode,
};
use sensai_motion::{AxisCommand, AxisFacts, AxisState, Outcome};
use sensai_scripts::{Ports, Reach, Role, ScriptEnvironment, ports::Directed};

pub struct Cell {
    pub axes: Vec<Axis>,
    pub models: Vec<Model>,
    pub alarms: Vec<Alarm>,
    pub jidoka: Vec<Jidoka>,
    pub unit: Unit,
    pub tags: Vec<Tag>,
}

fn axis(name: &str) -> Axis {
    let field = BitField { bit_offset: 0, bit_len: 32, raw: RawType::Signed };
    Axis {
        name: name.to_owned(),
        device: 0,
        channel: 1,
        entries: DriveEntries {
            controlword: field,
            statusword: field,
            position_actual: field,
            target_position: Some(field),
            target_velocity: None,
            target_torque: None,
            mode: None,
            mode_display: None,
            velocity_actual: None,
            torque_actual: None,
            error_code: None,
            digital_inputs: None,
            digital_outputs: None,
        },
        unit: "mm".to_owned(),
        counts_per_unit: 1000.0,
        feed: 10.0,
        modulo: None,
        software_limits: None,
        velocity_max: 100.0,
        acceleration: 1000.0,
        deceleration: 1000.0,
        jerk: None,
        stop_deceleration: 2000.0,
        stop_jerk: None,
        following_window: 1.0,
        following_time_ns: 0,
        in_position_window: 0.1,
        mode: DriveMode::Csp,
        position_gain: 20.0,
        homing: Homing::Absolute { offset: 0.0 },
        stop_category: StopCategory::One,
        vertical: false,
        brake: None,
    }
}

fn alarm(name: &str, condition: AlarmCondition) -> Alarm {
    Alarm {
        name: name.to_owned(),
        id: 1000,
        condition,
        on_delay_ns: 0,
        off_delay_ns: 0,
        priority: AlarmPriority::Low,
        reaction: AlarmReaction::None,
        latched: false,
        text_en: String::new(),
        text_ja: String::new(),
        help: (String::new(), String::new()),
        group: 0,
    }
}

fn model(tags: &mut Vec<Tag>, name: &str, trigger: ModelTrigger) -> Model {
    let facts = [
        ("score", ScalarType::F64),
        ("age", ScalarType::I64),
        ("valid", ScalarType::Bool),
        ("misses", ScalarType::I64),
        ("sequence", ScalarType::I64),
    ];
    let slot = tags.last().map_or(0, |tag| tag.slot + tag.len());
    for (fact, scalar) in facts {
        tag(tags, &format!("ai.{name}.{fact}"), TagKind::Model, scalar);
    }
    tag(tags, &format!("ai.{name}.output"), TagKind::Model, ScalarType::F64).array_len = Some(3);
    Model {
        name: name.to_owned(),
        path: String::new(),
        bytes: [].into(),
        sha256: String::new(),
        engine: ModelEngine::Inline,
        inputs: Vec::new(),
        normalisation: Vec::new(),
        trigger,
        deadline_cycles: 1,
        age_max_cycles: 1,
        substitute: 0.0,
        score: ModelScore::ReconstructionError,
        output_lens: vec![3],
        output_len: 3,
        slice_operations: 0,
        golden: None,
        threshold: None,
        slot,
    }
}

impl Cell {
    pub fn new() -> Self {
        let mut tags = tags();
        let jidoka = |name: &str| Jidoka {
            name: name.to_owned(),
            model: None,
            limit: 0.0,
            count: 1,
            unit: 0,
            before_ns: 0,
            after_ns: 0,
        };
        let models = vec![
            model(&mut tags, "stroke", ModelTrigger::Request),
            model(&mut tags, "wear", ModelTrigger::Periodic { every: 5 }),
        ];
        Self {
            axes: vec![axis("ram"), axis("table")],
            models,
            alarms: vec![
                alarm("oil_low", AlarmCondition::Program),
                alarm("hot", AlarmCondition::Level { slot: 0, level: true }),
            ],
            jidoka: vec![jidoka("stroke"), jidoka("timeout")],
            unit: Unit {
                name: "press".to_owned(),
                modes: vec![Mode::Production, Mode::Manual],
                programs: vec![PROGRAM],
                immediate: 0,
                jog: Vec::new(),
            },
            tags,
        }
    }

    pub fn reach(&self) -> Reach<'_> {
        Reach {
            axes: &self.axes,
            models: &self.models,
            alarms: &self.alarms,
            jidoka: &self.jidoka,
            unit: Some(&self.unit),
        }
    }

    pub fn bench(&self, text: &str) -> Bench {
        Bench::reaching(source(text), self.tags.clone(), parameters(), LIMITS, self.reach())
    }

    /// What the check says, without the path.
    pub fn findings(&self, text: &str) -> Vec<String> {
        self.findings_reaching(text, self.reach())
    }

    pub fn findings_reaching(&self, text: &str, reach: Reach<'_>) -> Vec<String> {
        let (parameters, role) = (parameters(), Role::Controller);
        let environment = ScriptEnvironment {
            tags: &self.tags,
            parameters: &parameters,
            limits: LIMITS,
            program_index: PROGRAM,
            role,
            reach,
        };
        let found = sensai_scripts::check(&source(text), &environment, Tier::Interpreter).findings;
        let found = found.iter().filter(|finding| not_a_lint(finding));
        found.map(|finding| finding.to_string().replace("programs/test.rhai:", "")).collect()
    }
}

/// A command ended.
fn note(facts: &mut AxisFacts, id: u64, outcome: Outcome) {
    facts.recent.rotate_right(1);
    (facts.recent[0].id, facts.recent[0].outcome) = (id, outcome);
}

/// The axes get what a run commanded: a new motion command aborts the one in execution.
pub fn obey(ports: &mut Ports) {
    let given: Vec<Directed> = ports.commands().to_vec();
    for Directed { axis, commanded } in given {
        let facts = &mut ports.axes[usize::from(axis)];
        facts.seen = commanded.id;
        match commanded.command {
            AxisCommand::Power(_) => facts.powering = commanded.id,
            AxisCommand::Reset => facts.resetting = commanded.id,
            _ => {
                if facts.active != 0 {
                    note(facts, facts.active, Outcome::CommandAborted);
                }
                facts.active = commanded.id;
            }
        }
    }
}

/// What is in execution on an axis ends.
pub fn end(ports: &mut Ports, axis: usize, outcome: Outcome) {
    let facts = &mut ports.axes[axis];
    let executing = [facts.active, facts.powering, facts.resetting];
    for id in executing.into_iter().filter(|id| *id != 0) {
        note(facts, id, outcome);
    }
    (facts.active, facts.powering, facts.resetting) = (0, 0, 0);
}

/// Program state and axes of [`Cell::new`] in step: what a run commands, the axes have in the next.
pub struct Station {
    pub bench: Bench,
}

impl Station {
    /// `handles`: fields of the state; `cycle`: the body. One command is what a test looks for in [`Station::run`].
    pub fn new(handles: &str, cycle: &str) -> Self {
        let text =
            format!("fn init() {{ #{{ {handles}, n: 0, flag: false }} }}\nfn cycle() {{\n{cycle}\n}}\n");
        Self { bench: Cell::new().bench(&text) }
    }

    /// One cycle; the commands it gave, with their axes.
    #[track_caller]
    pub fn run(&mut self) -> Vec<(u16, AxisCommand)> {
        self.bench.run_ok();
        let given: Vec<Directed> = self.bench.ports.commands().to_vec();
        obey(&mut self.bench.ports);
        given.into_iter().map(|directed| (directed.axis, directed.commanded.command)).collect()
    }

    /// What is in execution on an axis ends.
    pub fn end(&mut self, axis: usize, outcome: Outcome) {
        end(&mut self.bench.ports, axis, outcome);
    }

    /// The command in execution reached its velocity, and stays.
    pub fn reach(&mut self, axis: usize) {
        let facts = &mut self.bench.ports.axes[axis];
        note(facts, facts.active, Outcome::Done);
    }

    pub fn state(&mut self, axis: usize, state: AxisState) {
        self.bench.ports.axes[axis].state = state;
    }

    /// Which of a handle's stored properties are true.
    #[track_caller]
    pub fn shows(&self, handle: &str) -> String {
        use sensai_model::Value;
        use sensai_scripts::{Program, layout::Reading};
        let program = &self.bench.program;
        let is = |property: &&str| {
            let read = program.layout().read(program.state(), &format!("{handle}.{property}"));
            read.expect("it is a property") == Reading::Scalar(Value::Bool(true))
        };
        let all = ["done", "busy", "active", "aborted", "error"];
        all.iter().copied().filter(|property| is(property)).collect::<Vec<_>>().join(" ")
    }
}
