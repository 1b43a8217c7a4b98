//! What a running program sees of the cell: `io`, `param`, `sys`, and its constants.

use super::{
    ai::Ai,
    block::{dynamic, scalar},
    fault::{self, Raised, out_of_bounds, type_name},
    nesting,
    reached::Reached,
    size,
};
use crate::{
    Ports, Role, RunContext, ScriptEnvironment, SysFacts,
    environment::{AI, AXIS, DEPTH_MAX, SEED, read_only_in_twin, sys_facts},
    layout::literal,
    names::suggest,
    tree::{Found, Tree},
};
use rhai::{Dynamic, Engine, EvalAltResult, FuncRegistration, ImmutableString, NativeCallContext, Position};
use sensai_model::{FaultCode, ScalarType, Tag, TagKind, TagStore, Value, cell::Parameter, tag::Overflow};
use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

type Rhai<T> = Result<T, Box<EvalAltResult>>;

/// When a program may do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Computing constants: nothing of the cell is there.
    Constants,
    /// In `init`: parameters are there, and blocks may be made.
    Init,
    /// In `cycle`.
    Cycle,
}

/// Shared by all functions registered with an engine.
pub(crate) struct Host {
    /// Of the cell; then the shafts of a twin.
    tags: Box<[Tag]>,
    tag_tree: Tree,
    /// `None` for a program of the controller.
    twin: Option<TwinHost>,
    parameters: Box<[Parameter]>,
    parameter_tree: Tree,
    constants: OnceCell<Constants>,
    store: RefCell<TagStore>,
    values: RefCell<Vec<Value>>,
    sys: Cell<SysFacts>,
    phase: Cell<Phase>,
    fuel: Fuel,
    /// Slot of the tag read last, and when.
    last_read: Cell<Option<(u32, u64)>>,
    /// Functions of the program are called on values that are not in the state.
    calls_on_values: Cell<bool>,
    array_len: usize,
    values_max: u64,
    /// What is neither tag nor parameter.
    pub reached: Reached,
}

/// Values of constants, each with the number of its parts: by the text that they are of, then by name. The program's own
/// text has no name.
pub(crate) type Constants = BTreeMap<String, BTreeMap<String, (Dynamic, u64)>>;

/// Work done in this run, and the place where it was done.
struct Fuel {
    operations: Cell<u64>,
    charged: Cell<u64>,
    /// What an operation counts at the start of a run, and now.
    base: Cell<u64>,
    weight: Cell<u64>,
    /// Operations that are in `charged` already.
    settled: Cell<u64>,
    limit: Cell<u64>,
    position: Cell<Position>,
    position_at: Cell<u64>,
}

/// What a twin has beside the tags.
struct TwinHost {
    /// `sys.seed`.
    seed: i64,
    /// Names behind `axis`.
    shafts: Tree,
    /// Index of the first shaft's tag.
    first: u32,
}

/// `io`, or `axis` in a twin, and their groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    root: &'static str,
    node: u32,
}

/// A tag that is an array.
#[derive(Clone)]
pub(crate) struct TagArray {
    host: Rc<Host>,
    tag: u32,
}

impl TagArray {
    pub fn new(host: &Rc<Host>, tag: u32) -> Self {
        Self { host: Rc::clone(host), tag }
    }
}

/// `param` and its groups.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParameterGroup {
    node: u32,
}

/// `sys`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts;

/// Values whose copying costs about as much as an operation.
pub(crate) const VALUES_COPIED_PER_OPERATION: u64 = 8;

impl Host {
    pub fn new(environment: &ScriptEnvironment<'_>, values_max: u64) -> Self {
        let ScriptEnvironment { tags, role, parameters, .. } = *environment;
        let (shafts, twin) = match role {
            Role::Controller => (&[][..], None),
            Role::Twin { seed, shafts } => {
                let tree = Tree::new(shafts.iter().map(|tag| tag.name.as_str()));
                (shafts, Some(TwinHost { seed, shafts: tree, first: tags.len() as u32 }))
            }
        };
        Self {
            tags: tags.iter().chain(shafts).cloned().collect(),
            tag_tree: Tree::of_tags(tags),
            twin,
            parameters: parameters.into(),
            parameter_tree: Tree::new(parameters.iter().map(|parameter| parameter.name.as_str())),
            constants: OnceCell::new(),
            store: RefCell::new(TagStore::new(&[])),
            values: RefCell::new(parameters.iter().map(|parameter| parameter.default).collect()),
            sys: Cell::new(SysFacts { cycle: 0, time_ns: 0, dt_ns: 0, first_cycle: true }),
            phase: Cell::new(Phase::Constants),
            fuel: Fuel {
                operations: Cell::new(0),
                charged: Cell::new(0),
                base: Cell::new(1),
                weight: Cell::new(1),
                settled: Cell::new(0),
                limit: Cell::new(0),
                position: Cell::new(Position::NONE),
                position_at: Cell::new(0),
            },
            last_read: Cell::new(None),
            calls_on_values: Cell::new(false),
            array_len: environment.limits.array_len,
            values_max,
            reached: Reached::new(environment),
        }
    }

    /// Run `work` with the tags, parameters and ports of `context`; they are back in it afterwards, whatever happens.
    pub fn lend<R>(&self, context: &mut RunContext<'_>, work: impl FnOnce() -> R) -> R {
        struct Lent<'a> {
            host: &'a Host,
            tags: &'a mut TagStore,
            ports: &'a mut Ports,
        }
        impl Lent<'_> {
            fn swap(&mut self) {
                std::mem::swap(&mut *self.host.store.borrow_mut(), self.tags);
                self.host.reached.swap(self.ports);
            }
        }
        impl Drop for Lent<'_> {
            fn drop(&mut self) {
                self.swap();
            }
        }
        self.sys.set(context.sys);
        self.values.borrow_mut().clone_from_slice(context.parameters);
        let mut lent = Lent { host: self, tags: context.tags, ports: context.ports };
        lent.swap();
        work()
    }

    /// Start counting work for a run.
    pub fn begin(&self, phase: Phase, limit: u64) {
        self.phase.set(phase);
        self.fuel.operations.set(0);
        self.fuel.charged.set(0);
        self.fuel.settled.set(0);
        self.fuel.weight.set(self.fuel.base.get());
        self.fuel.limit.set(limit);
        self.fuel.position.set(Position::NONE);
        self.fuel.position_at.set(0);
        self.last_read.set(None);
    }

    /// What an operation counts: more if the state is so large that checking its size costs more than the operation.
    /// `calls_on_values`: functions of the program are called on values that are not in the state.
    pub fn set_weight(&self, weight: u64, calls_on_values: bool) {
        self.fuel.base.set(weight);
        self.calls_on_values.set(calls_on_values);
    }

    /// What an operation counts now.
    pub fn weight(&self) -> u64 {
        self.fuel.weight.get()
    }

    /// The constants of the program and its libraries.
    pub fn set_constants(&self, constants: Constants) {
        // A second call has no effect; there is one for each program.
        let _ = self.constants.set(constants);
    }

    /// Called by Rhai for every operation; true stops the program.
    pub fn progress(&self, operations: u64) -> bool {
        self.fuel.operations.set(operations);
        self.work() > self.fuel.limit.get()
    }

    /// Work units used since [`Host::begin`].
    pub fn work(&self) -> u64 {
        let fuel = &self.fuel;
        let operations = fuel.operations.get().saturating_sub(fuel.settled.get());
        operations.saturating_mul(fuel.weight.get()).saturating_add(fuel.charged.get())
    }

    /// Count work that is about to be done beyond the operation at hand.
    ///
    /// # Errors
    /// If that is more than is left; then it must not be done.
    pub fn spend(&self, work: u64) -> Result<(), Raised> {
        let limit = self.fuel.limit.get();
        if self.work().saturating_add(work) > limit {
            return Err(Raised::new(FaultCode::FuelExhausted, fault::fuel(limit, self.weight())));
        }
        self.charge(work);
        Ok(())
    }

    /// Pay for a look at an array or record that is not in the state: Rhai may copy it, or check its size.
    fn look_at(&self, values: u64) -> Result<(), Raised> {
        let copy = values / VALUES_COPIED_PER_OPERATION;
        self.spend(copy)?;
        let weight = self.fuel.base.get().saturating_add(copy);
        // A function that is called on it may copy parts of it as `this.x`, of which nobody tells us.
        if self.calls_on_values.get() && weight > self.fuel.weight.get() {
            self.fuel.charged.set(self.work());
            self.fuel.settled.set(self.fuel.operations.get());
            self.fuel.weight.set(weight);
        }
        Ok(())
    }

    /// Count work that one operation does beyond itself.
    pub fn charge(&self, work: u64) {
        self.fuel.charged.set(self.fuel.charged.get().saturating_add(work));
    }

    /// Note the place of the operation at hand: Rhai forgets it when it runs out of fuel.
    pub fn reached(&self, position: Position) {
        if !position.is_none() {
            self.fuel.position.set(position);
            self.fuel.position_at.set(self.fuel.operations.get());
        }
    }

    /// The place last reached, and how many operations ago that was.
    pub fn position(&self) -> (Position, u64) {
        let fuel = &self.fuel;
        (fuel.position.get(), fuel.operations.get().saturating_sub(fuel.position_at.get()))
    }

    pub fn array_len(&self) -> usize {
        self.array_len
    }

    pub fn values_max(&self) -> u64 {
        self.values_max
    }

    /// Blocks are part of the state, which only `init` builds.
    pub fn refuse_construction(&self, name: &str) -> Result<(), Raised> {
        if self.phase.get() == Phase::Init {
            return Ok(());
        }
        Err(Raised::new(
            FaultCode::StateShape,
            format!(
                "{name}() makes a new block, which only `init` may; put it into the record that `init` returns"
            ),
        ))
    }

    /// True in the first run since a start.
    pub fn first_cycle(&self) -> bool {
        self.sys.get().first_cycle
    }

    pub fn cycle_only(&self, root: &str) -> Result<(), Raised> {
        if self.phase.get() == Phase::Cycle {
            return Ok(());
        }
        Err(Raised::new(
            FaultCode::UnknownName,
            format!(
                "`{root}` is there in `cycle` only; `init` and constants are computed before the first cycle"
            ),
        ))
    }

    /// What a name means that is no variable, in the text `source`.
    fn variable(&self, name: &str, source: &str) -> Rhai<Option<Dynamic>> {
        Ok(match name {
            "io" => {
                self.cycle_only(name)?;
                Some(Dynamic::from(Group { root: "io", node: Tree::ROOT }))
            }
            AXIS if self.twin.is_some() => {
                self.cycle_only(name)?;
                Some(Dynamic::from(Group { root: AXIS, node: Tree::ROOT }))
            }
            AI => {
                self.cycle_only(name)?;
                Some(Dynamic::from(Ai))
            }
            "param" => {
                if self.phase.get() == Phase::Constants {
                    self.cycle_only(name)?;
                }
                Some(Dynamic::from(ParameterGroup { node: Tree::ROOT }))
            }
            "sys" => {
                // A twin's `init` may read the seed; the other facts are refused where they are read.
                if self.twin.is_none() || self.phase.get() == Phase::Constants {
                    self.cycle_only(name)?;
                }
                Some(Dynamic::from(Facts))
            }
            _ => match self.constants.get().and_then(|constants| constants.get(source)?.get(name)) {
                Some((value, values)) => {
                    // Rhai wants a value of its own: a table is copied whenever it is looked at.
                    self.look_at(*values)?;
                    Some(value.clone())
                }
                None => None,
            },
        })
    }

    /// The value of a tag that is no array; `None` if there is none.
    pub fn value(&self, tag: u32) -> Option<Value> {
        self.tags.get(tag as usize).map(|tag| self.store.borrow().value(tag.slot))
    }

    /// True for a tag that is an array.
    pub fn is_array(&self, tag: u32) -> bool {
        self.tags.get(tag as usize).is_some_and(|tag| tag.array_len.is_some())
    }

    fn tag(&self, tag: u32) -> Result<&Tag, Raised> {
        self.tags.get(tag as usize).ok_or_else(|| Raised::new(FaultCode::UnknownName, "no such tag"))
    }

    /// Slot of an element; `index` counts from the end if it is negative.
    fn element(&self, number: u32, index: i64) -> Result<(&Tag, u32), Raised> {
        let tag = self.tag(number)?;
        let len = i64::from(tag.len());
        let position = if index < 0 { index.saturating_add(len) } else { index };
        match u32::try_from(position).ok().filter(|position| *position < tag.len()) {
            Some(position) => Ok((tag, tag.slot + position)),
            None => Err(Raised::new(
                FaultCode::IndexOutOfBounds,
                format!("`{}`: {}", self.full_name(number, tag), out_of_bounds(index, tag.len() as usize)),
            )),
        }
    }

    /// What a segment behind a group leads to; leaves are indices into all tags.
    fn found(&self, group: Group, segment: &str) -> Option<Found> {
        match &self.twin {
            Some(twin) if group.root == AXIS => match twin.shafts.child(group.node, segment)? {
                Found::Leaf(index) => Some(Found::Leaf(twin.first + index)),
                found => Some(found),
            },
            _ => self.tag_tree.child(group.node, segment),
        }
    }

    /// Dotted name of a group, behind its root.
    fn path(&self, group: Group) -> &str {
        match &self.twin {
            Some(twin) if group.root == AXIS => twin.shafts.path(group.node),
            _ => self.tag_tree.path(group.node),
        }
    }

    /// As scripts write it.
    fn full_name(&self, index: u32, tag: &Tag) -> String {
        if tag.kind == TagKind::Model {
            return tag.name.clone();
        }
        let shaft = self.twin.as_ref().is_some_and(|twin| index >= twin.first);
        format!("{}.{}", if shaft { AXIS } else { "io" }, tag.name)
    }

    fn read(&self, slot: u32) -> Dynamic {
        self.last_read.set(Some((slot, self.fuel.operations.get())));
        dynamic(self.store.borrow().value(slot))
    }

    fn write(&self, index: u32, tag: &Tag, slot: u32, value: &Dynamic) -> Result<(), Raised> {
        if tag.kind == TagKind::Input && self.is_there(slot, value) {
            return Ok(());
        }
        let value = self.check_write(index, tag, value)?;
        self.store.borrow_mut().write(slot, value);
        Ok(())
    }

    /// True for what was read there: after `io.force.abs()`, Rhai stores the force back where it got it from.
    fn is_there(&self, slot: u32, value: &Dynamic) -> bool {
        same(&dynamic(self.store.borrow().value(slot)), value)
    }

    /// The value to store, or why it cannot be.
    fn check_write(&self, index: u32, tag: &Tag, value: &Dynamic) -> Result<Value, Raised> {
        let name = || self.full_name(index, tag);
        if tag.kind == TagKind::Model {
            let text = format!("`{}` cannot be written; models write their results themselves", name());
            return Err(Raised::new(FaultCode::ReadOnly, text));
        }
        if tag.kind == TagKind::Input {
            let name = name();
            let text = match &self.twin {
                None => {
                    format!("`{name}` is an input and cannot be written; use an output or a memory tag")
                }
                Some(_) => read_only_in_twin(&name),
            };
            return Err(Raised::new(FaultCode::ReadOnly, text));
        }
        let given = scalar(value).filter(|given| given.scalar_type() == tag.scalar);
        let Some(given) = given else { return Err(wrong_type(&name(), tag, value)) };
        if let Value::F64(number) = given
            && !number.is_finite()
        {
            let text = format!("`{}` cannot be {number}; check the calculation with is_finite()", name());
            return Err(Raised::new(FaultCode::NotFinite, text));
        }
        let Some((low, high)) = tag.range else { return Ok(given) };
        let nearest = clamp(given, low, high);
        if nearest == given || tag.overflow == Overflow::Saturate {
            return Ok(nearest);
        }
        let unit = tag.unit.as_ref().map_or(String::new(), |unit| format!(" {unit}"));
        let help = match &self.twin {
            None => "limit it with clamp(), or give the tag overflow = \"saturate\"",
            Some(_) => "limit it with clamp()",
        };
        Err(Raised::new(
            FaultCode::OutOfRange,
            format!(
                "`{}` = {}{unit} is outside its range {} to {}{unit}; {help}",
                name(),
                literal(given),
                literal(low),
                literal(high)
            ),
        ))
    }

    /// `.valid` in the same breath as the tag: it is the next operation after reading it.
    fn quality(&self) -> Result<bool, Raised> {
        match self.last_read.take() {
            Some((slot, at)) if self.fuel.operations.get() == at + 1 => Ok(self.store.borrow().valid(slot)),
            _ => Err(Raised::new(
                FaultCode::UnknownName,
                "`.valid` is the quality of a tag; write it directly behind the tag, as in `io.force.valid`",
            )),
        }
    }

    fn unknown_tag(&self, group: Group, segment: &str) -> Raised {
        let first = self.twin.as_ref().map_or(self.tags.len(), |twin| twin.first as usize);
        let (tags, shafts) = self.tags.split_at_checked(first).unwrap_or((&self.tags, &[]));
        let (tags, what) = if group.root == AXIS { (shafts, "axes") } else { (tags, "tags") };
        let behind = tags.iter().filter(|tag| tag.kind != TagKind::Model);
        let names: Vec<&str> = behind.map(|tag| tag.name.as_str()).collect();
        unknown(group.root, self.path(group), segment, &names, what)
    }

    fn unknown_parameter(&self, node: u32, segment: &str) -> Raised {
        let names: Vec<&str> = self.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        unknown("param", self.parameter_tree.path(node), segment, &names, "parameters")
    }
}

fn unknown(root: &str, group: &str, segment: &str, names: &[&str], what: &str) -> Raised {
    let name = if group.is_empty() { segment.to_owned() } else { format!("{group}.{segment}") };
    let text = format!("`{root}.{name}` does not exist; {}", suggest(&name, names, what));
    Raised::new(FaultCode::UnknownName, text)
}

fn wrong_type(name: &str, tag: &Tag, value: &Dynamic) -> Raised {
    let help = match (tag.scalar, scalar(value)) {
        (ScalarType::F64, Some(Value::I64(number))) => format!("write `{number}.0`, or to_float()"),
        (ScalarType::I64, Some(Value::F64(_))) => "use to_int()".to_owned(),
        (ScalarType::Bool, _) => "compare it with something".to_owned(),
        _ => "types are never converted".to_owned(),
    };
    let text = format!("`{name}` is {}, the value is {}; {help}", tag.scalar.name(), type_name(value));
    Raised::new(FaultCode::TypeMismatch, text)
}

fn clamp(value: Value, low: Value, high: Value) -> Value {
    match (value, low, high) {
        (Value::I64(value), Value::I64(low), Value::I64(high)) => Value::I64(value.max(low).min(high)),
        // Written out, because `max` and `min` may take either zero.
        (Value::F64(value), Value::F64(low), _) if value < low => Value::F64(low),
        (Value::F64(value), _, Value::F64(high)) if value > high => Value::F64(high),
        _ => value,
    }
}

/// Register the roots and what hangs on them.
pub(crate) fn register(engine: &mut Engine, host: &Rc<Host>) {
    register_variables(engine, host);
    register_tags(engine, host);
    register_quality(engine, host);
    register_parameters(engine, host);
    register_sys(engine, host);
}

fn register_variables(engine: &mut Engine, host: &Rc<Host>) {
    let host = Rc::clone(host);
    // Locals have an index and go first; without one it is a root, a constant, or nothing.
    #[allow(deprecated, reason = "marked so because it may change, which the pinned version does not")]
    engine.on_var(move |name, index, context| {
        if index == 0 {
            return host.variable(name, context.source().unwrap_or_default());
        }
        // An index counts from the variable declared last, which comes first here.
        let local = context.scope().iter_raw().nth(index - 1).map(|(_, _, value)| value);
        if let Some(value) = local.filter(|value| value.is_array() || value.is_map()) {
            // Rhai copies and drops them recursively, on the stack.
            if nesting(value, DEPTH_MAX) > DEPTH_MAX {
                let text =
                    format!("`{name}` has arrays or records nested deeper than {DEPTH_MAX}; nest them less");
                return Err(Raised::new(FaultCode::TooLarge, text).into());
            }
            host.look_at(size(value))?;
        }
        Ok(None)
    });
}

fn register_tags(engine: &mut Engine, host: &Rc<Host>) {
    let mut segments = host.tag_tree.segments();
    segments.extend(host.twin.iter().flat_map(|twin| twin.shafts.segments()));
    segments.sort_unstable();
    segments.dedup();
    for segment in segments.into_iter().map(str::to_owned).collect::<Vec<_>>() {
        let (at, name) = (Rc::clone(host), segment.clone());
        let getter = move |context: NativeCallContext<'_>, group: &mut Group| -> Rhai<Dynamic> {
            at.reached(context.call_position());
            read_tag(&at, *group, &name)
        };
        FuncRegistration::new_getter(&segment).register_into_engine(engine, getter);
        let (at, name) = (Rc::clone(host), segment.clone());
        let setter = move |context: NativeCallContext<'_>, group: &mut Group, value: Dynamic| -> Rhai<()> {
            at.reached(context.call_position());
            write_tag(&at, *group, &name, &value)
        };
        // What `on_var` gives is read-only, and only a "pure" setter may be called on it.
        FuncRegistration::new_setter(&segment).with_purity(true).register_into_engine(engine, setter);
    }
    let at = Rc::clone(host);
    engine.register_indexer_get(move |group: &mut Group, name: ImmutableString| read_tag(&at, *group, &name));
    let at = Rc::clone(host);
    FuncRegistration::new_index_setter()
        .with_purity(true)
        .register_into_engine(engine, move |group: &mut Group, name: ImmutableString, value: Dynamic| {
            write_tag(&at, *group, &name, &value)
        });
    register_tag_arrays(engine);
}

fn register_tag_arrays(engine: &mut Engine) {
    engine.register_indexer_get(
        |context: NativeCallContext<'_>, array: &mut TagArray, index: i64| -> Rhai<Dynamic> {
            array.host.reached(context.call_position());
            let (_, slot) = array.host.element(array.tag, index)?;
            Ok(array.host.read(slot))
        },
    );
    FuncRegistration::new_index_setter().with_purity(true).register_into_engine(
        engine,
        |context: NativeCallContext<'_>, array: &mut TagArray, index: i64, value: Dynamic| -> Rhai<()> {
            array.host.reached(context.call_position());
            let (tag, slot) = array.host.element(array.tag, index)?;
            Ok(array.host.write(array.tag, tag, slot, &value)?)
        },
    );
    let len = |array: &mut TagArray| array.host.tag(array.tag).map_or(0, |tag| i64::from(tag.len()));
    FuncRegistration::new_getter("len").register_into_engine(engine, len);
    engine.register_fn("len", len);
    FuncRegistration::new_getter("valid").register_into_engine(
        engine,
        |array: &mut TagArray| -> Rhai<bool> {
            let tag = array.host.tag(array.tag)?;
            let store = array.host.store.borrow();
            Ok((tag.slot..tag.slot + tag.len()).all(|slot| store.valid(slot)))
        },
    );
    engine.register_iterator::<TagArray>();
}

impl IntoIterator for TagArray {
    type Item = Dynamic;
    type IntoIter = std::vec::IntoIter<Dynamic>;

    fn into_iter(self) -> Self::IntoIter {
        let store = self.host.store.borrow();
        let slots = self.host.tag(self.tag).map_or(0..0, |tag| tag.slot..tag.slot + tag.len());
        let values: Vec<Dynamic> = slots.map(|slot| dynamic(store.value(slot))).collect();
        self.host.charge(values.len() as u64);
        values.into_iter()
    }
}

fn read_tag(host: &Rc<Host>, group: Group, segment: &str) -> Rhai<Dynamic> {
    match host.found(group, segment) {
        Some(Found::Group(node)) => Ok(Dynamic::from(Group { node, ..group })),
        Some(Found::Leaf(index)) => {
            let tag = host.tag(index)?;
            if tag.array_len.is_some() {
                return Ok(Dynamic::from(TagArray::new(host, index)));
            }
            Ok(host.read(tag.slot))
        }
        None => Err(host.unknown_tag(group, segment).into()),
    }
}

fn write_tag(host: &Rc<Host>, group: Group, segment: &str, value: &Dynamic) -> Rhai<()> {
    match host.found(group, segment) {
        // After `io.valve.down = x`, Rhai stores the group it got for `io.valve` back where it was.
        Some(Found::Group(child))
            if value.read_lock::<Group>().is_some_and(|given| *given == Group { node: child, ..group }) =>
        {
            Ok(())
        }
        Some(Found::Group(child)) => {
            let path = host.path(Group { node: child, ..group });
            let text = format!("`{}.{path}` is a group of tags; write one of them", group.root);
            Err(Raised::new(FaultCode::TypeMismatch, text).into())
        }
        Some(Found::Leaf(index)) => {
            let tag = host.tag(index)?;
            if tag.array_len.is_none() {
                return Ok(host.write(index, tag, tag.slot, value)?);
            }
            if value.read_lock::<TagArray>().is_some_and(|array| array.tag == index) {
                return Ok(());
            }
            let text =
                format!("`io.{0}` is an array of tags; write its elements, as in `io.{0}[0]`", tag.name);
            Err(Raised::new(FaultCode::TypeMismatch, text).into())
        }
        None => Err(host.unknown_tag(group, segment).into()),
    }
}

fn register_quality(engine: &mut Engine, host: &Rc<Host>) {
    let at = Rc::clone(host);
    FuncRegistration::new_getter("valid")
        .register_into_engine(engine, move |_: &mut bool| -> Rhai<bool> { Ok(at.quality()?) });
    let at = Rc::clone(host);
    FuncRegistration::new_getter("valid")
        .register_into_engine(engine, move |_: &mut i64| -> Rhai<bool> { Ok(at.quality()?) });
    let at = Rc::clone(host);
    FuncRegistration::new_getter("valid")
        .register_into_engine(engine, move |_: &mut f64| -> Rhai<bool> { Ok(at.quality()?) });
}

fn register_parameters(engine: &mut Engine, host: &Rc<Host>) {
    for segment in host.parameter_tree.segments().into_iter().map(str::to_owned).collect::<Vec<_>>() {
        let (at, name) = (Rc::clone(host), segment.clone());
        let getter = move |context: NativeCallContext<'_>, group: &mut ParameterGroup| -> Rhai<Dynamic> {
            at.reached(context.call_position());
            read_parameter(&at, group.node, &name)
        };
        FuncRegistration::new_getter(&segment).register_into_engine(engine, getter);
        let (at, name) = (Rc::clone(host), segment.clone());
        let setter = move |group: &mut ParameterGroup, value: Dynamic| -> Rhai<()> {
            let there = read_parameter(&at, group.node, &name)?;
            if same(&there, &value) { Ok(()) } else { Err(parameter_is_read_only(&name)) }
        };
        FuncRegistration::new_setter(&segment).with_purity(true).register_into_engine(engine, setter);
    }
    let at = Rc::clone(host);
    engine.register_indexer_get(move |group: &mut ParameterGroup, name: ImmutableString| {
        read_parameter(&at, group.node, &name)
    });
    FuncRegistration::new_index_setter().with_purity(true).register_into_engine(
        engine,
        |_: &mut ParameterGroup, name: ImmutableString, _: Dynamic| -> Rhai<()> {
            Err(parameter_is_read_only(&name))
        },
    );
}

/// True if one is what the other is: after `sys.dt.abs()`, Rhai stores the fact back where it got it from.
pub(crate) fn same(there: &Dynamic, value: &Dynamic) -> bool {
    if let (Some(there), Some(value)) = (scalar(there), scalar(value)) {
        return there.scalar_type() == value.scalar_type() && there.to_bits() == value.to_bits();
    }
    if let (Ok(there), Ok(value)) = (there.as_immutable_string_ref(), value.as_immutable_string_ref()) {
        return *there == *value;
    }
    let group = |of: &Dynamic| of.read_lock::<ParameterGroup>().map(|group| group.node);
    group(there).is_some() && group(there) == group(value)
}

fn read_parameter(host: &Host, node: u32, segment: &str) -> Rhai<Dynamic> {
    match host.parameter_tree.child(node, segment) {
        Some(Found::Group(node)) => Ok(Dynamic::from(ParameterGroup { node })),
        Some(Found::Leaf(index)) => match host.values.borrow().get(index as usize) {
            Some(value) => Ok(dynamic(*value)),
            None => Err(host.unknown_parameter(node, segment).into()),
        },
        None => Err(host.unknown_parameter(node, segment).into()),
    }
}

fn parameter_is_read_only(name: &str) -> Box<EvalAltResult> {
    let text = format!(
        "`{name}` is a parameter, which only an operator sets; keep a value of your own in the state"
    );
    Raised::new(FaultCode::ReadOnly, text).into()
}

fn register_sys(engine: &mut Engine, host: &Rc<Host>) {
    let at = Rc::clone(host);
    let fact = move |name: &str| -> Rhai<Dynamic> {
        if let Some(twin) = &at.twin {
            if name == SEED {
                return Ok(Dynamic::from(twin.seed));
            }
            at.cycle_only("sys")?;
        }
        let sys = at.sys.get();
        Ok(match name {
            "cycle" => Dynamic::from(i64::try_from(sys.cycle).unwrap_or(i64::MAX)),
            "time" => Dynamic::from(sys.time_ns),
            "dt" => Dynamic::from(sensai_stdlib::time::seconds_from_ns(sys.dt_ns)),
            "first_cycle" => Dynamic::from(sys.first_cycle),
            "mode" | "state" if at.twin.is_none() => {
                let unit = at.reached.ports(|ports| ports.unit(at.reached.program()));
                let text = if name == "mode" { unit.mode.name() } else { unit.state.name() };
                Dynamic::from(ImmutableString::from(text))
            }
            _ => {
                let facts = sys_facts(at.twin.is_some());
                let text = format!("`sys.{name}` does not exist; {}", suggest(name, &facts, "facts"));
                return Err(Raised::new(FaultCode::UnknownName, text).into());
            }
        })
    };
    for name in sys_facts(host.twin.is_some()) {
        let fact = fact.clone();
        FuncRegistration::new_getter(name).register_into_engine(engine, move |_: &mut Facts| fact(name));
    }
    let read = fact.clone();
    engine.register_indexer_get(move |_: &mut Facts, name: ImmutableString| read(&name));
    FuncRegistration::new_index_setter().with_purity(true).register_into_engine(
        engine,
        move |_: &mut Facts, name: ImmutableString, value: Dynamic| -> Rhai<()> {
            if same(&fact(&name)?, &value) {
                return Ok(());
            }
            Err(Raised::new(FaultCode::ReadOnly, format!("`sys.{name}` cannot be written")).into())
        },
    );
}
