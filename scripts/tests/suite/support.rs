//! A small cell, and programs run on it.

use sensai_model::{
    FaultCode, ScalarType, Tag, TagKind, TagStore, Value,
    cell::{Limits, Parameter, ProgramSource, Tier},
    tag::Overflow,
};
use sensai_scripts::{
    InterpretedProgram, Ports, Program, ProgramError, Reach, Role, RunContext, ScriptEnvironment,
    ScriptFinding, SysFacts, compile,
    native::{self, NativeProgram, Options, Source},
};

pub const LIMITS: Limits =
    Limits { operations: 20_000, call_depth: 16, text_len: 63, array_len: 1024, record_len: 256 };

/// A tag in the next free slot.
pub fn tag<'a>(tags: &'a mut Vec<Tag>, name: &str, kind: TagKind, scalar: ScalarType) -> &'a mut Tag {
    let slot = tags.last().map_or(0, |tag| tag.slot + tag.len());
    tags.push(Tag::unbound(name, kind, scalar, slot));
    tags.last_mut().unwrap()
}

/// Tags for tests: `x`, `n`, `b` to write, `inp.*` to read, an array, ranges.
pub fn tags() -> Vec<Tag> {
    let mut tags = Vec::new();
    tag(&mut tags, "inp.x", TagKind::Input, ScalarType::F64);
    tag(&mut tags, "inp.n", TagKind::Input, ScalarType::I64);
    tag(&mut tags, "inp.b", TagKind::Input, ScalarType::Bool);
    tag(&mut tags, "temps", TagKind::Input, ScalarType::F64).array_len = Some(4);
    tag(&mut tags, "x", TagKind::Memory, ScalarType::F64);
    tag(&mut tags, "n", TagKind::Output, ScalarType::I64);
    tag(&mut tags, "b", TagKind::Output, ScalarType::Bool);
    tag(&mut tags, "valve.down", TagKind::Output, ScalarType::Bool);
    tag(&mut tags, "valve.up", TagKind::Output, ScalarType::Bool);
    tag(&mut tags, "sets", TagKind::Memory, ScalarType::I64).array_len = Some(3);
    let limited = tag(&mut tags, "limited", TagKind::Output, ScalarType::F64);
    limited.range = Some((Value::F64(-10.0), Value::F64(10.0)));
    limited.unit = Some("V".to_owned());
    let saturated = tag(&mut tags, "saturated", TagKind::Output, ScalarType::I64);
    saturated.range = Some((Value::I64(0), Value::I64(100)));
    saturated.overflow = Overflow::Saturate;
    tags
}

pub fn parameters() -> Vec<Parameter> {
    vec![
        parameter("gain", Value::F64(2.5)),
        parameter("count", Value::I64(3)),
        parameter("enabled", Value::Bool(true)),
    ]
}

pub fn parameter(name: &str, default: Value) -> Parameter {
    Parameter {
        name: name.to_owned(),
        scalar: default.scalar_type(),
        default,
        range: None,
        unit: None,
        description: String::new(),
    }
}

pub fn source(text: &str) -> ProgramSource {
    let (name, path) = ("test".to_owned(), "programs/test.rhai".to_owned());
    ProgramSource::new(name, path, text)
}

/// What keeps a program from running, and what is doubtful whoever writes it; [`crate::page`] is about the rest.
pub fn findings(text: &str) -> Vec<ScriptFinding> {
    findings_within(text, LIMITS)
}

/// [`findings`], within these limits.
pub fn findings_within(text: &str, limits: Limits) -> Vec<ScriptFinding> {
    let (tags, parameters) = (tags(), parameters());
    let environment = ScriptEnvironment {
        tags: &tags,
        parameters: &parameters,
        limits,
        program_index: 0,
        role: Role::Controller,
        reach: Reach::default(),
    };
    let found = sensai_scripts::check(&source(text), &environment, Tier::Interpreter).findings;
    found.into_iter().filter(not_a_lint).collect()
}

/// Lints are about programs as they are written for a machine, which those of these tests are not.
pub fn not_a_lint(finding: &ScriptFinding) -> bool {
    !finding.code.starts_with("S4")
}

/// What is known of a program before it runs is what the interpreter makes of it.
#[track_caller]
fn agree(source: &ProgramSource, environment: &ScriptEnvironment<'_>, program: &InterpretedProgram) {
    let analysed = sensai_scripts::analyse(source, environment);
    assert!(analysed.hir.is_some(), "{}", source.text);
    assert_eq!(analysed.layout.as_ref(), Some(program.layout()), "{}", source.text);
    assert_eq!(analysed.initial.as_deref(), Some(program.state()), "{}", source.text);
}

/// The program in machine code, if there are no errors in it.
#[track_caller]
pub fn native(source: &ProgramSource, environment: &ScriptEnvironment<'_>) -> Option<NativeProgram> {
    let analysed = sensai_scripts::analyse(source, environment);
    let unit = Source::of(&source.name, &analysed, environment)?;
    let proven = sensai_scripts::ranges::prove(unit.hir, environment);
    Some(
        native::compile(&unit, &Options { proofs: &proven, ..Options::default() })
            .unwrap_or_else(|error| panic!("{error}\n{}", source.text)),
    )
}

/// A program on its cell.
pub struct Bench {
    pub tags: Vec<Tag>,
    pub store: TagStore,
    pub values: Vec<Value>,
    pub program: InterpretedProgram,
    /// The same program in machine code, run beside it.
    native: Option<NativeProgram>,
    pub cycle: u64,
    /// Cycle of the last start.
    pub started: u64,
    pub ports: Ports,
}

/// Global index of the program on the bench.
pub const PROGRAM: u16 = 7;

impl Bench {
    pub fn new(text: &str) -> Self {
        Self::with(source(text), tags(), parameters(), LIMITS)
    }

    /// `body` as the whole of `cycle`.
    pub fn cycle_only(body: &str) -> Self {
        Self::new(&format!(
            "fn init() {{ #{{ f: 0.0, i: 0, b: false, s: \"\" }} }}\nfn cycle() {{\n{body}\n}}\n"
        ))
    }

    pub fn with(source: ProgramSource, tags: Vec<Tag>, parameters: Vec<Parameter>, limits: Limits) -> Self {
        Self::reaching(source, tags, parameters, limits, Reach::default())
    }

    pub fn reaching(
        source: ProgramSource,
        tags: Vec<Tag>,
        parameters: Vec<Parameter>,
        limits: Limits,
        reach: Reach<'_>,
    ) -> Self {
        let role = Role::Controller;
        let environment = ScriptEnvironment {
            tags: &tags,
            parameters: &parameters,
            limits,
            program_index: PROGRAM,
            role,
            reach,
        };
        let program = compile(&source, &environment).unwrap_or_else(|findings| {
            let texts: Vec<String> = findings.iter().map(ToString::to_string).collect();
            panic!("{}\n{}", texts.join("\n"), source.text)
        });
        agree(&source, &environment, &program);
        let native = native(&source, &environment);
        let mut store = TagStore::new(&tags);
        let inputs: Vec<&Tag> = tags.iter().filter(|tag| tag.kind == TagKind::Input).collect();
        for slot in inputs.iter().flat_map(|tag| tag.slot..tag.slot + tag.len()) {
            let value = store.value(slot);
            store.set_input(slot, value, true);
        }
        store.commit();
        let values = parameters.iter().map(|parameter| parameter.default).collect();
        let ports = Ports::new(reach.axes.len(), usize::from(PROGRAM) + 1, reach.models.len());
        Self { tags, store, values, program, native, cycle: 0, started: 0, ports }
    }

    /// There is a compiled program beside the interpreted one.
    pub fn is_compiled(&self) -> bool {
        self.native.is_some()
    }

    pub fn program_state(&self) -> &[u8] {
        self.program.state()
    }

    pub fn slot(&self, name: &str) -> u32 {
        self.tags.iter().find(|tag| tag.name == name).unwrap_or_else(|| panic!("no tag {name}")).slot
    }

    pub fn get(&self, name: &str) -> Value {
        self.store.value(self.slot(name))
    }

    pub fn set(&mut self, name: &str, value: Value) {
        let slot = self.slot(name);
        self.store.set_input(slot, value, true);
    }

    /// One cycle as the runtime runs it: commit or roll back.
    pub fn run(&mut self) -> Result<(), ProgramError> {
        let sys = SysFacts {
            cycle: self.cycle,
            time_ns: self.cycle as i64 * 1_000_000,
            dt_ns: 1_000_000,
            first_cycle: self.cycle == self.started,
        };
        self.ports.begin(self.cycle);
        let before = (self.store.clone(), self.ports.clone());
        let state = self.program.state().to_vec();
        let mut context =
            RunContext { sys, tags: &mut self.store, parameters: &self.values, ports: &mut self.ports };
        let result = self.program.cycle(&mut context);
        self.same(sys, before, &state, &result);
        self.cycle += 1;
        match result {
            Ok(()) => self.store.commit(),
            Err(_) => {
                self.store.roll_back();
                self.ports.roll_back();
            }
        }
        result
    }

    /// The compiled program does what the interpreted one just did.
    #[track_caller]
    fn same(
        &mut self,
        sys: SysFacts,
        (mut store, mut ports): (TagStore, Ports),
        state: &[u8],
        result: &Result<(), ProgramError>,
    ) {
        let Some(native) = &mut self.native else { return };
        if native.state() != state {
            native.restore(state).unwrap();
        }
        let mut context = RunContext { sys, tags: &mut store, parameters: &self.values, ports: &mut ports };
        match (native.cycle(&mut context), result) {
            (Ok(()), Ok(())) => {
                assert_eq!(native.state(), self.program.state(), "the states differ");
                for slot in 0..store.len() as u32 {
                    let (a, b) = (store.value(slot).to_bits(), self.store.value(slot).to_bits());
                    assert_eq!((a, store.written(slot)), (b, self.store.written(slot)), "slot {slot}");
                }
                assert_eq!(ports.commands(), self.ports.commands());
                assert_eq!(ports.requests(), self.ports.requests());
            }
            // What is left of the fuel, and how deep calls may be, each tier counts by itself.
            (_, Err(error))
                if [FaultCode::FuelExhausted, FaultCode::CallDepth].contains(&error.fault.code) => {}
            (Err(failed), Err(error)) => {
                assert_eq!(failed.fault, error.fault, "{}, {}", failed.text, error.text);
                assert_eq!(failed.text, error.text);
                assert_eq!(native.state(), state, "a fault leaves the state as it was");
            }
            (native, interpreted) => {
                let text = |result: &Result<(), ProgramError>| match result {
                    Ok(()) => "good".to_owned(),
                    Err(error) => format!("line {}: {}", error.fault.line, error.text),
                };
                panic!("compiled: {}, interpreted: {}", text(&native), text(interpreted));
            }
        }
    }

    #[track_caller]
    pub fn run_ok(&mut self) {
        if let Err(error) = self.run() {
            panic!("{}:{}: {}", error.fault.line, error.fault.column, error.text);
        }
    }

    /// The fault of a cycle, after checking that it left no trace.
    #[track_caller]
    pub fn run_fault(&mut self) -> ProgramError {
        let state = self.program.state().to_vec();
        let tags: Vec<u64> =
            (0..self.store.len() as u32).map(|slot| self.store.value(slot).to_bits()).collect();
        let error = self.run().expect_err("the cycle should have faulted");
        assert_eq!(self.program.state(), state, "the state was rolled back");
        let after: Vec<u64> =
            (0..self.store.len() as u32).map(|slot| self.store.value(slot).to_bits()).collect();
        assert_eq!(after, tags, "the tags were rolled back");
        assert!(self.ports.commands().is_empty() && self.ports.requests().is_empty());
        assert_eq!(error.fault.source, PROGRAM);
        error
    }
}

/// Fault of a one-cycle program: code, line, text.
#[track_caller]
pub fn fault(body: &str) -> (FaultCode, u32, String) {
    let error = Bench::cycle_only(body).run_fault();
    (error.fault.code, error.fault.line, error.text.to_string())
}
