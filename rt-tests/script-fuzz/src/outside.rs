//! What comes from outside, cycle by cycle, from a seed: inputs and their quality, parameters, axes, models, the unit, time.

use crate::{
    ast::Reach,
    chance::Chance,
    world::{PROGRAM, World},
};
use sensai_model::{
    ScalarType, TagKind, TagStore, Value,
    packml::{Mode, State},
};
use sensai_motion::{AxisCommand, AxisError, AxisFacts, AxisState, Outcome};
use sensai_scripts::{
    Ports, SysFacts,
    layout::{Layout, Shape},
    ports::Directed,
};

const INTEGERS: [i64; 10] =
    [i64::MIN, i64::MIN + 1, i64::MAX, -1, 0, 1, 1 << 53, (1 << 53) + 1, -(1 << 40), u32::MAX as i64];

const FLOATS: [f64; 12] = [
    0.0,
    -0.0,
    f64::MAX,
    -f64::MAX,
    f64::MIN_POSITIVE,
    5e-324,
    -5e-324,
    1e300,
    9.3e18,
    -9.223_372_036_854_776e18,
    0.1,
    1.0 + f64::EPSILON,
];

/// The outside of one program's run. It answers what the program does as a cell would: the same to equal commands.
#[derive(Debug)]
pub struct Outside<'w> {
    world: &'w World,
    chance: Chance,
    /// Values of the parameters.
    pub parameters: Vec<Value>,
    /// Facts of the cycle at hand.
    pub sys: SysFacts,
    interval_ns: i64,
    wild_time: bool,
    sequences: Vec<i64>,
}

/// What happens to a program before a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing.
    None,
    /// Back to what `init` gave.
    Reset,
    /// Each tier gets the state's bytes of the other.
    Exchange,
    /// Both get the state of some cycles ago, of the other tier.
    Return,
    /// Both get bytes that may be no state.
    Damage,
}

impl<'w> Outside<'w> {
    /// From the start.
    pub fn new(world: &'w World, mut chance: Chance) -> Self {
        let interval_ns = chance.weighted(&[(6, 1_000_000), (2, 125_000), (1, 1_000_000_000), (1, 1)]);
        let cycle = chance.weighted(&[(6, 0), (2, 1000), (1, 400_000)]);
        let wild_time = chance.percent(8);
        let time_ns = if wild_time { i64::MAX - 40 * interval_ns } else { cycle * interval_ns };
        Self {
            world,
            parameters: world.parameters.iter().map(|parameter| parameter.default).collect(),
            sys: SysFacts { cycle: cycle as u64, time_ns, dt_ns: interval_ns, first_cycle: true },
            interval_ns,
            wild_time,
            sequences: vec![0; world.models.len()],
            chance,
        }
    }

    /// What happens next; after a fault, mostly what ends it.
    pub fn event(&mut self, faulted: bool) -> Event {
        if faulted {
            return self.chance.weighted(&[(4, Event::None), (3, Event::Reset), (3, Event::Exchange)]);
        }
        self.chance.weighted(&[
            (84, Event::None),
            (3, Event::Reset),
            (8, Event::Exchange),
            (3, Event::Return),
            (2, Event::Damage),
        ])
    }

    /// Turn a bit of a state: anywhere, or in the length of a text.
    pub fn damage(&mut self, layout: &Layout, state: &mut [u8]) {
        let leaves = layout.leaves();
        let mut texts = leaves.iter().filter(|leaf| *leaf.shape == Shape::Symbol);
        let at = match texts.clone().count() {
            some @ 1.. if self.chance.percent(50) => {
                texts.nth(self.chance.index(some)).map(|leaf| leaf.offset)
            }
            _ => Some(self.chance.index(state.len().max(1))),
        };
        if let Some(byte) = at.and_then(|at| state.get_mut(at)) {
            *byte ^= 1 << self.chance.below(8);
        }
    }

    /// The time of the next cycle.
    pub fn advance(&mut self) {
        let skipped = if self.chance.percent(8) { self.chance.within(1, 4) } else { 0 };
        let mut dt_ns = self.interval_ns * (1 + skipped);
        if self.wild_time && self.chance.percent(20) {
            dt_ns = *self.chance.pick(&[i64::MAX, 1 << 62, 0, 86_400_000_000_000 * 400]);
        }
        self.sys = SysFacts {
            cycle: self.sys.cycle + 1 + skipped as u64,
            time_ns: self.sys.time_ns.saturating_add(dt_ns),
            dt_ns,
            first_cycle: false,
        };
    }

    /// What the program sees in this cycle, in a store and ports of each tier.
    pub fn enter(&mut self, stores: [&mut TagStore; 2], ports: [&mut Ports; 2]) {
        let [left, right] = stores;
        self.inputs(left, right);
        self.parameters();
        let [left, right] = ports;
        self.axes(left);
        if self.chance.percent(10) {
            let unit = &mut left.units[usize::from(PROGRAM)];
            unit.mode = *self.chance.pick(Mode::ALL);
            unit.state = *self.chance.pick(State::ALL);
        }
        // Commands of both tiers are equal, so both see the same answers.
        right.axes.clone_from(&left.axes);
        right.units.clone_from(&left.units);
    }

    fn inputs(&mut self, left: &mut TagStore, right: &mut TagStore) {
        let world = self.world;
        let mut model = 0;
        for (place, tag) in world.all_tags().enumerate() {
            match tag.kind {
                TagKind::Input => {
                    for slot in tag.slot..tag.slot + tag.len() {
                        // As held inputs do, many stay as they were.
                        let value = match self.chance.below(3) {
                            0 => left.value(slot),
                            _ => self.value(tag.scalar, world.ranges[place]),
                        };
                        let valid = self.chance.percent(88);
                        left.set_input(slot, value, valid);
                        right.set_input(slot, value, valid);
                    }
                }
                TagKind::Model if tag.name.ends_with(".score") => {
                    self.model(model, tag.slot, left, right);
                    model += 1;
                }
                _ => {}
            }
        }
    }

    /// All facts of a model, from its first slot on.
    fn model(&mut self, model: usize, slot: u32, left: &mut TagStore, right: &mut TagStore) {
        let outputs = self.world.models[model].output_len;
        if self.chance.percent(40) {
            self.sequences[model] += 1;
        }
        let mut values = vec![
            self.value(ScalarType::F64, Reach::Tame),
            Value::I64(self.chance.within(0, 50)),
            Value::Bool(self.chance.percent(70)),
            Value::I64(self.chance.within(0, 9)),
            Value::I64(self.sequences[model]),
        ];
        values.extend((0..outputs).map(|_| self.value(ScalarType::F64, Reach::Tame)));
        for (slot, value) in (slot..).zip(values) {
            left.set_input(slot, value, true);
            right.set_input(slot, value, true);
        }
    }

    /// The programs of the task have seen the models' results.
    pub fn seen(&self, ports: &mut Ports) {
        ports.see(|model| self.sequences.get(model).copied().unwrap_or(0));
    }

    fn parameters(&mut self) {
        for place in 0..self.parameters.len() {
            if self.chance.percent(10) {
                let scalar = self.world.parameters[place].scalar;
                self.parameters[place] = self.value(scalar, self.world.parameter_ranges[place]);
            }
        }
    }

    fn value(&mut self, scalar: ScalarType, reach: Reach) -> Value {
        let wild = reach == Reach::Wild;
        match scalar {
            ScalarType::Bool => Value::Bool(self.chance.percent(50)),
            ScalarType::I64 => Value::I64(match self.chance.below(4) {
                0 if wild => *self.chance.pick(&INTEGERS),
                1 if wild => self.chance.number().cast_signed(),
                0 => self.chance.within(-(1 << 20), (1 << 20) - 1),
                _ => self.chance.within(-5, 20),
            }),
            ScalarType::F64 => Value::F64(match self.chance.below(5) {
                0 if wild => *self.chance.pick(&FLOATS),
                1 if wild => {
                    let any = f64::from_bits(self.chance.number());
                    // On the wire, NaN and infinity are an invalid input.
                    if any.is_finite() { any } else { -1e308 }
                }
                0 => self.chance.within(-1000, 1000) as f64 / 7.0,
                1 => *self.chance.pick(&[0.0, -0.0, 1e9, -1e-9, 5e-324, 0.5]),
                _ => self.chance.within(-40, 80) as f64 / 4.0,
            }),
        }
    }

    fn axes(&mut self, ports: &mut Ports) {
        for facts in &mut ports.axes {
            facts.position = self.chance.within(-400, 400) as f64 / 8.0;
            facts.set_position = facts.position + self.chance.within(-1, 1) as f64 / 16.0;
            facts.velocity = self.chance.within(-9, 9) as f64;
            facts.torque = self.chance.within(-100, 100) as f64;
            facts.following_error = facts.set_position - facts.position;
            (facts.homed, facts.in_position) = (self.chance.percent(70), self.chance.percent(50));
            if self.chance.percent(25) {
                facts.state = *self.chance.pick(&[
                    AxisState::Disabled,
                    AxisState::Standstill,
                    AxisState::Standstill,
                    AxisState::DiscreteMotion,
                    AxisState::Stopping,
                    AxisState::ErrorStop,
                    AxisState::Homing,
                ]);
                facts.powered = facts.state != AxisState::Disabled;
                facts.error = (facts.state == AxisState::ErrorStop).then_some(AxisError::FollowingError);
            }
            match self.chance.below(8) {
                0 | 1 => end(facts, Outcome::Done),
                2 => end(facts, Outcome::Error(AxisError::BadArgument)),
                3 => end(facts, Outcome::CommandAborted),
                4 => {
                    // A velocity is reached, and kept up.
                    let active = facts.active;
                    note(facts, active, Outcome::Done);
                }
                _ => {}
            }
        }
    }
}

/// The axes get what a run commanded: a new motion command aborts the one in execution.
pub fn obey(ports: &mut Ports) {
    let given: Vec<Directed> = ports.commands().to_vec();
    for Directed { axis, commanded } in given {
        let Some(facts) = ports.axes.get_mut(usize::from(axis)) else { continue };
        facts.seen = commanded.id;
        match commanded.command {
            AxisCommand::Power(_) => facts.powering = commanded.id,
            AxisCommand::Reset => facts.resetting = commanded.id,
            _ => {
                let active = facts.active;
                note(facts, active, Outcome::CommandAborted);
                facts.active = commanded.id;
            }
        }
    }
}

fn note(facts: &mut AxisFacts, id: u64, outcome: Outcome) {
    if id != 0 {
        facts.recent.rotate_right(1);
        (facts.recent[0].id, facts.recent[0].outcome) = (id, outcome);
    }
}

fn end(facts: &mut AxisFacts, outcome: Outcome) {
    for id in [facts.active, facts.powering, facts.resetting] {
        note(facts, id, outcome);
    }
    (facts.active, facts.powering, facts.resetting) = (0, 0, 0);
}
