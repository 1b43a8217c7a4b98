//! The programs as cell programs, in both tiers.

use super::{
    cases::Case,
    pins::checksum,
    reference::INTERVAL_NS,
    subject::{Form, Work},
};
use anyhow::Context;
use sensai_fieldbus::clock;
use sensai_model::{
    ScalarType, Tag, TagKind, TagStore, Value,
    cell::{Limits, ProgramSource},
};
use sensai_scripts::{
    Ports, Program, Reach, Role, RunContext, ScriptEnvironment, SysFacts, analyse, interpreter,
    native::{self, NativeProgram, Options, Source},
    ranges::prove,
};

const LIMITS: Limits =
    Limits { operations: 100_000, call_depth: 16, text_len: 63, array_len: 1024, record_len: 256 };

/// A program of the cell over a stream.
pub struct ScriptForm {
    program: Box<dyn Program>,
    store: TagStore,
    ports: Ports,
    /// Input tags, then output tags.
    tags: Vec<Tag>,
    inputs: Vec<(u32, ScalarType)>,
    outputs: Vec<u32>,
    stream: Vec<u64>,
    results: Vec<u64>,
}

/// The cell around a program: one tag for each pin.
pub struct Surroundings {
    tags: Vec<Tag>,
    source: ProgramSource,
}

impl Surroundings {
    /// Of a case.
    pub fn new(case: &Case) -> Self {
        let mut tags: Vec<Tag> = Vec::new();
        let inputs = case.inputs.iter().map(|pin| (TagKind::Input, pin));
        for (kind, pin) in inputs.chain(case.outputs.iter().map(|pin| (TagKind::Output, pin))) {
            tags.push(Tag::unbound(pin.name, kind, pin.scalar, tags.len() as u32));
        }
        let source =
            ProgramSource::new(case.name, format!("rt-tests/benches/script/{}.rhai", case.name), case.rhai);
        Self { tags, source }
    }

    fn environment(&self) -> ScriptEnvironment<'_> {
        ScriptEnvironment {
            tags: &self.tags,
            parameters: &[],
            limits: LIMITS,
            program_index: 0,
            role: Role::Controller,
            reach: Reach::default(),
        }
    }

    /// Compiled to machine code, with checks or without.
    ///
    /// # Errors
    /// What is wrong with the program.
    pub fn native(&self, checks: bool) -> anyhow::Result<NativeProgram> {
        let environment = self.environment();
        let analysed = analyse(&self.source, &environment);
        let lines = || analysed.findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let (Some(hir), Some(layout), Some(initial)) = (&analysed.hir, &analysed.layout, &analysed.initial)
        else {
            anyhow::bail!("{} does not compile:\n{}", self.source.path, lines());
        };
        let source = Source { name: &self.source.name, hir, layout, initial, environment: &environment };
        // As a cell does it.
        let proven = prove(hir, &environment);
        native::compile(&source, &Options { checks, proofs: &proven, ..Options::default() })
            .with_context(|| format!("{} does not compile", self.source.path))
    }

    /// For the interpreter.
    ///
    /// # Errors
    /// What is wrong with the program.
    pub fn interpreted(&self) -> anyhow::Result<Box<dyn Program>> {
        let compiled = interpreter::compile(&self.source, &self.environment());
        let program = compiled.map_err(|findings| {
            let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("{} does not compile:\n{}", self.source.path, lines.join("\n"))
        })?;
        Ok(Box::new(program))
    }

    /// From the text to code that can run, so many times: the median in ns.
    ///
    /// # Errors
    /// What is wrong with the program.
    pub fn compile_ns(&self, times: u32) -> anyhow::Result<f64> {
        let mut measured = Vec::new();
        for _ in 0..times {
            let begun = clock::monotonic_ns();
            let program = self.native(true)?;
            measured.push(clock::monotonic_ns().saturating_sub(begun) as f64);
            drop(program);
        }
        Ok(crate::bench::bootstrap::median(measured))
    }
}

impl ScriptForm {
    /// A program over a stream of words.
    pub fn new(around: &Surroundings, program: Box<dyn Program>, stream: &[u64]) -> Self {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for tag in &around.tags {
            match tag.kind {
                TagKind::Input => inputs.push((tag.slot, tag.scalar)),
                _ => outputs.push(tag.slot),
            }
        }
        let cycles = stream.len() / inputs.len().max(1);
        Self {
            program,
            store: TagStore::new(&around.tags),
            ports: Ports::new(0, 1, 0),
            tags: around.tags.clone(),
            results: vec![0; cycles * outputs.len()],
            inputs,
            outputs,
            stream: stream.to_vec(),
        }
    }
}

impl Form for ScriptForm {
    fn reset(&mut self) {
        self.program.reset();
        for tag in &self.tags {
            self.store.restore(tag.slot, tag.initial, true);
        }
    }

    fn pass(&mut self, work: Work) -> anyhow::Result<()> {
        let Self { program, store, ports, inputs, outputs, stream, results, .. } = self;
        let rows = stream.chunks_exact(inputs.len()).zip(results.chunks_exact_mut(outputs.len()));
        for (cycle, (row, places)) in rows.enumerate() {
            for ((slot, scalar), word) in inputs.iter().zip(row) {
                store.set_input(*slot, Value::from_bits(*scalar, *word), true);
            }
            ports.begin(cycle as u64);
            if work == Work::Whole {
                let sys = SysFacts {
                    cycle: cycle as u64,
                    time_ns: INTERVAL_NS.saturating_mul(cycle as i64),
                    dt_ns: INTERVAL_NS,
                    first_cycle: cycle == 0,
                };
                let mut context = RunContext { sys, tags: store, parameters: &[], ports };
                let ran = program.cycle(&mut context);
                ran.map_err(|error| anyhow::anyhow!("{}, line {}", error.text, error.fault.line))?;
            }
            store.commit();
            for (slot, place) in outputs.iter().zip(places) {
                *place = store.committed(*slot).to_bits();
            }
        }
        Ok(())
    }

    fn checksum(&self) -> u64 {
        checksum(self.results.iter().copied())
    }
}
