//! A compiled program, and how it runs.

use super::{
    Compiled, NativeError, Source,
    context::Host,
    handles,
    names::Names,
    pages::Pages,
    restore::{self, Damage},
    shims::{self, Run},
    sites::{SiteKind, Sites, arguments},
};
use crate::{
    Layout, Program, ProgramError, RunContext,
    axis::AxisHandle,
    hir::{ExprKind, FileId, SourceFile},
    program::{Failure, FailureText},
};
use sensai_model::{
    Fault, FaultCode, ScalarType,
    cell::{Limits, Parameter},
};
use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

/// A program in machine code.
#[derive(Debug)]
pub struct NativeProgram {
    name: String,
    index: u16,
    layout: Layout,
    limits: Limits,
    pages: Pages,
    entry: usize,
    debug: Debug,
    sites: Arc<Sites>,
    names: Names,
    callees: Box<[usize]>,
    constants: Box<[u128]>,
    scratch: Box<[u128]>,
    parameters: Box<[u64]>,
    parameter_types: Box<[ScalarType]>,
    /// Parameters that the program reads: it was compiled for what the cell says of them.
    read_parameters: Box<[(usize, Parameter)]>,
    /// State after the last successful run; what a run works on.
    arena: Box<[u128]>,
    /// The state with which the last run began. After a failed one: the state in which it failed.
    other: Box<[u128]>,
    initial: Box<[u128]>,
    handles: Box<[usize]>,
    slots: usize,
    axes: usize,
    models: usize,
    /// Work of every run, if it is known.
    bound: Option<u64>,
    operations: u64,
    /// How the last failed run failed.
    failure: Failure,
    stack: u32,
}

/// What code belongs to which text.
#[derive(Debug)]
struct Debug {
    functions: Vec<super::code::Placed>,
    lines: Vec<(u32, FileId, u32)>,
    files: Box<[SourceFile]>,
}

/// What an address in the code of a program belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located<'a> {
    /// Function that was compiled.
    pub function: &'a str,
    /// Path of the text, relative to the cell's directory.
    pub path: &'a str,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

/// Code that belongs to one line: from, to, and path and line if there is one.
type Stretch<'a> = (u32, u32, Option<(&'a str, u32)>);

impl Debug {
    /// The code of a function, line by line.
    fn stretches(&self, function: &super::code::Placed) -> Vec<Stretch<'_>> {
        let end = function.start.saturating_add(function.len);
        let line = |file: FileId, at: u32| {
            let file = self.files.get(file.index())?;
            Some((file.path.as_str(), file.position(at).line))
        };
        let mut stretches: Vec<Stretch<'_>> = vec![(function.start, end, None)];
        let first = self.lines.partition_point(|(start, ..)| *start < function.start);
        for (start, file, at) in self.lines.iter().skip(first).take_while(|(start, ..)| *start < end) {
            let line = line(*file, *at);
            let Some(last) = stretches.last_mut() else { break };
            if last.0 == *start || last.2.is_none() || last.2 == line {
                // What comes before the first line belongs to it.
                last.2 = line;
                continue;
            }
            last.1 = *start;
            stretches.push((*start, end, line));
        }
        stretches
    }
}

/// Words that hold `bytes`.
fn words(bytes: &[u8]) -> Box<[u128]> {
    let word = |chunk: &[u8]| {
        let mut word = [0; 16];
        for (to, from) in word.iter_mut().zip(chunk) {
            *to = *from;
        }
        u128::from_ne_bytes(word)
    };
    bytes.chunks(16).map(word).collect()
}

/// Parameters that a program reads.
fn read_parameters(source: &Source<'_>) -> Box<[(usize, Parameter)]> {
    let mut places = BTreeSet::new();
    for expr in source.hir.functions.iter().flat_map(|function| &function.exprs) {
        if let ExprKind::Parameter(place) = expr.kind {
            places.insert(place as usize);
        }
    }
    let parameter = |place: usize| Some((place, source.environment.parameters.get(place)?.clone()));
    places.into_iter().filter_map(parameter).collect()
}

impl NativeProgram {
    pub(super) fn load(source: &Source<'_>, compiled: Compiled) -> Result<Self, NativeError> {
        let environment = source.environment;
        let Compiled { image, sites, callees, constants, scratch, bound } = compiled;
        let pages = Pages::new(&image.bytes).map_err(|error| NativeError::Memory(error.to_string()))?;
        let tags = environment.tags.iter().chain(environment.role.shafts());
        let initial = words(source.initial);
        let names = Names::new(&environment.reach);
        let [alarms, jidoka] = names.lists();
        let sites = Sites { all: sites.into(), operations: environment.limits.operations, alarms, jidoka };
        Ok(Self {
            name: source.name.to_owned(),
            index: environment.program_index,
            layout: source.layout.clone(),
            limits: environment.limits,
            pages,
            entry: image.entry,
            debug: Debug {
                functions: image.functions,
                lines: image.lines,
                files: source.hir.files.clone().into(),
            },
            sites: Arc::new(sites),
            names,
            callees: callees.into(),
            constants: words(&constants),
            scratch: vec![0; (scratch as usize).div_ceil(16)].into(),
            parameters: vec![0; environment.parameters.len()].into(),
            parameter_types: environment.parameters.iter().map(|parameter| parameter.scalar).collect(),
            read_parameters: read_parameters(source),
            arena: initial.clone(),
            other: initial.clone(),
            initial,
            handles: handles(source.layout),
            slots: tags.map(|tag| tag.slot + tag.len()).max().unwrap_or(0) as usize,
            axes: environment.reach.axes.len(),
            models: environment.reach.models.len(),
            bound,
            operations: 0,
            failure: Failure::default(),
            stack: image.stack,
        })
    }

    /// Bytes of stack that a run uses at most, functions of the runtime apart.
    pub fn stack(&self) -> u32 {
        self.stack
    }

    /// Bytes of machine code.
    pub fn code_len(&self) -> usize {
        self.debug.functions.last().map_or(0, |last| last.start as usize + last.len as usize)
    }

    /// Work units of every run, if they are known without running.
    pub fn bound(&self) -> Option<u64> {
        self.bound
    }

    /// What an address belongs to; `None` if it is not in the code of this program.
    pub fn locate(&self, address: usize) -> Option<Located<'_>> {
        let offset = u32::try_from(address.checked_sub(self.pages.code().as_ptr() as usize)?).ok()?;
        let Debug { functions, lines, files } = &self.debug;
        let function = functions.iter().find(|f| (f.start..f.start + f.len).contains(&offset))?;
        let line = lines.partition_point(|(start, ..)| *start <= offset).checked_sub(1)?;
        let (_, file, at) = lines.get(line)?;
        let file = files.get(file.index())?;
        let position = file.position(*at);
        Some(Located {
            function: &function.name,
            path: &file.path,
            line: position.line,
            column: position.column,
        })
    }

    /// Lines of a perf map, one for each stretch of code that belongs to one line of a text: start, length, and
    /// `PROGRAM::FUNCTION PATH:LINE`. Who profiles writes them to `/tmp/perf-PID.map`.
    pub fn perf_map(&self) -> String {
        let base = self.pages.code().as_ptr() as usize;
        let mut map = String::new();
        for function in &self.debug.functions {
            for (start, end, line) in self.debug.stretches(function) {
                let (address, len) = (base + start as usize, end - start);
                let _ = write!(map, "{address:x} {len:x} {}::{}", self.name, function.name);
                if let Some((path, line)) = line {
                    let _ = write!(map, " {path}:{line}");
                }
                map.push('\n');
            }
        }
        map
    }

    /// Functions that are called by their address, `cycle` the last of them.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        self.debug.functions.iter().map(|function| &*function.name)
    }

    /// The state in which the last failed run ended; of no use after the next run.
    pub fn failed_state(&self) -> &[u8] {
        self.bytes(&self.other)
    }

    fn bytes<'a>(&self, words: &'a [u128]) -> &'a [u8] {
        bytemuck::cast_slice(words).get(..self.layout.size()).unwrap_or_default()
    }

    /// The cell is not the one that the program was compiled for.
    fn unfit(&self, context: &RunContext<'_>) -> Option<String> {
        let (tags, parameters) = (context.tags.len(), context.parameters.len());
        if tags < self.slots || parameters != self.parameters.len() {
            return Some(format!(
                "the cell has {tags} tag values and {parameters} parameters, {} was compiled for {} and {}",
                self.name,
                self.slots,
                self.parameters.len()
            ));
        }
        let (axes, models) = (context.ports.axes.len(), context.ports.models());
        if axes < self.axes || models < self.models {
            return Some(format!(
                "the task has {axes} axes and {models} models, {} was compiled for {} and {}",
                self.name, self.axes, self.models
            ));
        }
        let types = context.parameters.iter().map(|value| value.scalar_type());
        if let Some(place) = types.zip(&self.parameter_types).position(|(given, known)| given != *known) {
            return Some(format!("parameter {place} has another type than {} was compiled for", self.name));
        }
        let given = |place: usize| context.parameters.get(place).copied();
        let (place, parameter) = self
            .read_parameters
            .iter()
            .find(|(place, parameter)| given(*place).is_none_or(|value| !parameter.admits(value)))?;
        let value = given(*place).map_or(String::new(), |value| format!(" {value}"));
        Some(format!("parameter `{}` has the value{value}, which the cell does not allow", parameter.name))
    }

    fn run(&mut self, context: &mut RunContext<'_>) -> Result<(), ProgramError> {
        for (bits, value) in self.parameters.iter_mut().zip(context.parameters) {
            *bits = value.to_bits();
        }
        // The copy is what is left alone: nothing that the run loads waits for it.
        self.other.copy_from_slice(&self.arena);
        let fuel = i64::try_from(self.limits.operations).unwrap_or(i64::MAX);
        let first = context.sys.first_cycle;
        let run = Run {
            pages: &self.pages,
            entry: self.entry,
            tags: context.tags,
            parameters: &self.parameters,
            scratch: &mut self.scratch,
            constants: &self.constants,
            callees: &self.callees,
            unit: context.ports.unit(self.index),
            host: Host { ports: context.ports, first, program: self.index, names: &self.names },
            sys: context.sys,
            fuel,
            arena: &mut self.arena,
        };
        let ended = shims::run(run, &mut self.failure);
        self.operations = match self.bound {
            Some(bound) => bound,
            None => fuel.saturating_sub(ended.fuel).max(0).cast_unsigned(),
        };
        if ended.failed {
            return Err(self.end_failed(context.sys.dt_ns));
        }
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.arena);
        for at in &self.handles {
            let part = bytes.get_mut(*at..).and_then(|rest| rest.get_mut(..AxisHandle::SIZE as usize));
            if let Some(Ok(handle)) = part.map(bytemuck::try_from_bytes_mut::<AxisHandle>) {
                handle.settle(context.ports, first);
            }
        }
        Ok(())
    }

    /// A run failed: the state is what it was before.
    #[cold]
    fn end_failed(&mut self, dt_ns: i64) -> ProgramError {
        std::mem::swap(&mut self.arena, &mut self.other);
        let failure = self.failure;
        let site = self.sites.get(failure.site);
        if site.is_some_and(|site| matches!(site.kind, SiteKind::Fuel)) {
            self.operations = self.limits.operations;
        }
        self.failed(failure, dt_ns)
    }

    /// The fault of a run that failed. What refused its arguments is asked why, which does not change anything.
    fn failed(&mut self, mut failure: Failure, dt_ns: i64) -> ProgramError {
        let site = self.sites.get(failure.site);
        let (line, column) = site.map_or((0, 0), |site| (site.line, site.column));
        let code = match site.map(|site| &site.kind) {
            Some(SiteKind::Library(function)) => {
                let (values, count) = arguments(function.arguments.iter().copied(), &failure.values);
                failure.refused = function.call(values.get(..count).unwrap_or_default()).err();
                failure.refused.map(|error| error.fault_code())
            }
            Some(SiteKind::Method(block, method)) => {
                let types = method.arguments.iter().map(|argument| argument.scalar);
                let (values, count) = arguments(types, failure.values.get(1..).unwrap_or_default());
                let base = self.other.as_ptr() as u64;
                let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.other);
                let offset = failure.values.first().and_then(|address| address.checked_sub(base));
                let state = offset
                    .and_then(|offset| bytes.get_mut(usize::try_from(offset).ok()?..))
                    .and_then(|rest| rest.get_mut(..block.size));
                failure.refused = state.and_then(|state| {
                    method.call(state, values.get(..count).unwrap_or_default(), dt_ns).err()
                });
                failure.refused.map(|error| error.fault_code())
            }
            _ => site.and_then(|site| site.code()),
        };
        let fault = Fault { code: code.unwrap_or(FaultCode::Script), source: self.index, line, column };
        ProgramError { fault, text: FailureText::Site(self.sites.clone(), failure) }
    }

    fn error(&self, code: FaultCode, text: String) -> ProgramError {
        let fault = Fault { code, source: self.index, line: 0, column: 0 };
        ProgramError { fault, text: FailureText::Made(text) }
    }

    /// A handle stays with the axis for which `init` made it.
    fn same_axes(&self) -> bool {
        let axis = |words: &[u128], at: usize| {
            let bytes: &[u8] = bytemuck::cast_slice(words);
            let part = bytes.get(at..)?.get(..AxisHandle::SIZE as usize)?;
            AxisHandle::from_bytes(part).map(|handle| handle.axis())
        };
        self.handles.iter().all(|at| axis(&self.other, *at) == axis(&self.initial, *at))
    }

    fn take(&mut self, state: &[u8]) -> Result<(), Damage> {
        if state.len() != self.layout.size() {
            let (given, size) = (state.len(), self.layout.size());
            return Err(Damage::new(format!("{given} bytes, the layout has {size}")));
        }
        self.other.fill(0);
        let other: &mut [u8] = bytemuck::cast_slice_mut(&mut self.other);
        restore::fields(self.layout.fields(), self.limits.text_len, state, other)?;
        match self.same_axes() {
            true => Ok(()),
            false => Err(Damage::new("a handle is of another axis than the one that `init` gave it")),
        }
    }
}

impl Program for NativeProgram {
    fn name(&self) -> &str {
        &self.name
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn state(&self) -> &[u8] {
        self.bytes(&self.arena)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), ProgramError> {
        match self.take(state) {
            Ok(()) => {
                std::mem::swap(&mut self.arena, &mut self.other);
                Ok(())
            }
            Err(damage) => {
                let text = format!("{} cannot take this state: {}", self.name, damage.sentence());
                Err(self.error(damage.code, text))
            }
        }
    }

    fn reset(&mut self) {
        self.arena.copy_from_slice(&self.initial);
    }

    fn cycle(&mut self, context: &mut RunContext<'_>) -> Result<(), ProgramError> {
        if let Some(text) = self.unfit(context) {
            return Err(self.error(FaultCode::Script, text));
        }
        self.run(context)
    }

    fn operations(&self) -> u64 {
        self.operations
    }
}
