//! Programs that are put together by hand, one kind of node after the other; what they give and where they fault is
//! written beside them. Whole programs are compared with the interpreter in `tests/suite`.

mod blocks;
mod build;
mod calls;
mod code;
mod control;
mod memory;
mod operators;
mod reach;
mod tags;

use super::{NativeProgram, Options, Source, compile};
use crate::{
    Layout, Ports, Program, ProgramError, Reach, Role, RunContext, ScriptEnvironment, SysFacts,
    hir::Type,
    layout::{BlockShape, Shape},
};
use build::Builder;
use sensai_model::{FaultCode, Tag, TagStore, Value, cell::Limits, cell::Parameter};

/// Limits as cells have them.
const LIMITS: Limits =
    Limits { operations: 100_000, call_depth: 16, text_len: 63, array_len: 4096, record_len: 64 };

/// The shape of a type; blocks as if made without arguments.
fn shape(ty: &Type) -> Shape {
    match ty {
        Type::Bool => Shape::Bool,
        Type::I64 => Shape::I64,
        Type::F64 => Shape::F64,
        Type::Symbol => Shape::Symbol,
        Type::Array(array) => Shape::Array { element: Box::new(shape(&array.element)), len: array.len },
        Type::Record(record) => {
            Shape::record(record.fields().iter().map(|f| (f.name.clone(), shape(&f.ty))).collect())
        }
        Type::Block(of) => Shape::Block(BlockShape {
            block: of.name.to_owned(),
            arguments: Vec::new(),
            size: of.size as u32,
            align: of.align as u32,
        }),
        Type::Axis => Shape::Axis,
        other => panic!("{other} is not kept"),
    }
}

fn layout(state: &Type) -> Layout {
    let Type::Record(record) = state else { panic!("the state is a record") };
    Layout::new(record.fields().iter().map(|field| (field.name.clone(), shape(&field.ty))).collect())
}

/// A compiled program with everything that it runs on.
struct Bench {
    program: NativeProgram,
    store: TagStore,
    ports: Ports,
    parameters: Vec<Value>,
    cycle: u64,
    dt_ns: i64,
}

/// What a program is compiled for.
struct Cell<'a> {
    tags: Vec<Tag>,
    parameters: Vec<Parameter>,
    limits: Limits,
    role: Role<'a>,
    reach: Reach<'a>,
}

impl Default for Cell<'_> {
    fn default() -> Self {
        Self {
            tags: Vec::new(),
            parameters: Vec::new(),
            limits: LIMITS,
            role: Role::Controller,
            reach: Reach::default(),
        }
    }
}

impl Bench {
    /// A program with zeros as its first state.
    fn new(builder: Builder) -> Self {
        Self::of(builder, &Cell::default())
    }

    fn of(builder: Builder, cell: &Cell<'_>) -> Self {
        let hir = builder.finish();
        let layout = layout(&hir.state);
        let initial = vec![0; layout.size()];
        Self::with(&hir, &initial, cell, &Options::default())
    }

    fn with(hir: &crate::hir::Hir, initial: &[u8], cell: &Cell<'_>, options: &Options<'_>) -> Self {
        let environment = cell.environment();
        let layout = layout(&hir.state);
        let source = Source { name: "test", hir, layout: &layout, initial, environment: &environment };
        let program = compile(&source, options).unwrap();
        Self {
            program,
            store: TagStore::new(&cell.tags),
            ports: Ports::new(cell.reach.axes.len(), 1, cell.reach.models.len()),
            parameters: cell.parameters.iter().map(|parameter| parameter.default).collect(),
            cycle: 0,
            dt_ns: 10_000_000,
        }
    }

    /// One run.
    fn run(&mut self) -> Result<(), ProgramError> {
        let sys = SysFacts {
            cycle: self.cycle,
            time_ns: self.cycle as i64 * 10_000_000,
            dt_ns: self.dt_ns,
            first_cycle: self.cycle == 0,
        };
        self.ports.begin(self.cycle + 1);
        self.cycle += 1;
        let mut context =
            RunContext { sys, tags: &mut self.store, parameters: &self.parameters, ports: &mut self.ports };
        let result = self.program.cycle(&mut context);
        match result {
            Ok(()) => self.store.commit(),
            Err(_) => self.store.roll_back(),
        }
        result
    }

    /// Code and line of the fault in which a run must end.
    fn fault(&mut self) -> (FaultCode, u32) {
        let before = self.program.state().to_vec();
        let error = self.run().expect_err("a fault");
        assert_eq!(self.program.state(), before, "a fault leaves the state alone");
        (error.fault.code, error.fault.line)
    }

    fn f64(&self, path: &str) -> f64 {
        match self.program.layout().read(self.program.state(), path) {
            Some(crate::layout::Reading::Scalar(Value::F64(value))) => value,
            other => panic!("{path}: {other:?}"),
        }
    }

    fn i64(&self, path: &str) -> i64 {
        match self.program.layout().read(self.program.state(), path) {
            Some(crate::layout::Reading::Scalar(Value::I64(value))) => value,
            other => panic!("{path}: {other:?}"),
        }
    }

    fn bool(&self, path: &str) -> bool {
        match self.program.layout().read(self.program.state(), path) {
            Some(crate::layout::Reading::Scalar(Value::Bool(value))) => value,
            other => panic!("{path}: {other:?}"),
        }
    }

    fn text(&self, path: &str) -> String {
        match self.program.layout().read(self.program.state(), path) {
            Some(crate::layout::Reading::Symbol(text)) => text,
            other => panic!("{path}: {other:?}"),
        }
    }
}

impl Cell<'_> {
    fn environment(&self) -> ScriptEnvironment<'_> {
        ScriptEnvironment {
            tags: &self.tags,
            parameters: &self.parameters,
            limits: self.limits,
            program_index: 0,
            role: self.role,
            reach: self.reach,
        }
    }
}
