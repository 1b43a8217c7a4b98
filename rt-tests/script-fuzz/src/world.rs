//! The cell that a program stands in: tags of every kind, parameters, axes, models, a unit; or the machine's side of it.

mod parts;

use crate::{
    ast::{Expr, Reach as Range, Ty, Words},
    chance::Chance,
    print::PROBE,
};
use sensai_model::{
    ScalarType, Tag, TagKind, Value,
    cell::{Alarm, Axis, Jidoka, Limits, Model, Parameter, Unit},
    tag::Overflow,
};
use sensai_scripts::{Ports, Reach, Role, ScriptEnvironment};

/// Global index of the program: not 0, so that a tier that forgets it is noticed.
pub const PROGRAM: u16 = 3;

/// Wide enough that no program of the generator comes to the end of its fuel, which the tiers count differently.
const LIMITS: Limits =
    Limits { operations: 20_000_000, call_depth: 16, text_len: 63, array_len: 1024, record_len: 256 };

/// Holds every name that a state of the cell has.
const TEXT_LEN_LEAST: usize = 24;

/// Work for a cycle of a program with loops that never end: far more than the rest of it does.
const ENDED_AFTER: u64 = 200_000;

/// A cell, or the machine's side of one.
#[derive(Debug)]
pub struct World {
    /// Tags of the cell, results of models last.
    pub tags: Vec<Tag>,
    /// Behind `axis.`, of a twin.
    pub shafts: Vec<Tag>,
    /// In order.
    pub parameters: Vec<Parameter>,
    /// In order.
    pub axes: Vec<Axis>,
    /// In order.
    pub models: Vec<Model>,
    /// In order.
    pub alarms: Vec<Alarm>,
    /// In order.
    pub jidoka: Vec<Jidoka>,
    /// The program's unit, if it has one.
    pub unit: Option<Unit>,
    /// `sys.seed`, of a twin.
    pub twin: Option<i64>,
    /// How far the numbers of each tag go, shafts behind the tags.
    pub ranges: Vec<Range>,
    /// The same of the parameters.
    pub parameter_ranges: Vec<Range>,
    /// Programs have loops that only the end of their fuel ends.
    pub endless: bool,
    /// Bytes that a text of the state may have; all that are in the programs are shorter.
    pub text_len: usize,
}

/// A name behind a root that a program can read.
#[derive(Clone, Debug)]
pub struct Named {
    /// As the program writes it, such as `io.nest.present`.
    pub text: String,
    /// Type of it, or of its elements.
    pub ty: Ty,
    /// Number of elements, if it is an array.
    pub len: Option<u32>,
    /// `.valid` may stand behind it.
    pub quality: bool,
    /// `init` may read it.
    pub in_init: bool,
}

/// A tag that the program may write.
#[derive(Clone, Debug)]
pub struct Writable {
    /// As the program writes it.
    pub text: String,
    /// Type of it, or of its elements.
    pub ty: Ty,
    /// Number of elements, if it is an array.
    pub len: Option<u32>,
    /// What fits without a fault.
    pub range: Option<(Value, Value)>,
    /// What does not fit is limited.
    pub saturates: bool,
}

const NAMES: [&str; 24] = [
    "start",
    "speed",
    "count",
    "nest.present",
    "nest.force",
    "ram.up",
    "ram.depth",
    "clamp",
    "lamp",
    "level",
    "a.b.c",
    "a.b.d",
    "a.x",
    "temps",
    "sets",
    "flags",
    "mode",
    "x",
    "y",
    "n",
    "limit.high",
    "limit.low",
    "out",
    "peak",
];

impl World {
    /// The world of a seed.
    pub fn new(chance: &mut Chance) -> Self {
        let twin = chance.percent(12).then(|| chance.weighted(&[(3, 41), (1, i64::MIN), (1, -7)]));
        let mut world = Self::empty(twin);
        world.add_tags(chance);
        if twin.is_some() {
            world.add_shafts(chance);
        } else {
            world.add_reach(chance);
        }
        world.add_parameters(chance);
        world.endless = chance.percent(1);
        if chance.percent(20) {
            world.text_len = TEXT_LEN_LEAST;
        }
        world
    }

    /// One that is always the same, with some of everything: for programs that are kept.
    pub fn fixed() -> Self {
        use ScalarType::{Bool, F64, I64};
        use TagKind::{Input, Memory, Output};
        let mut world = Self::empty(None);
        for (name, kind, scalar, len) in [
            ("inp.x", Input, F64, None),
            ("inp.n", Input, I64, None),
            ("inp.b", Input, Bool, None),
            ("temps", Input, F64, Some(4)),
            ("counts", Input, I64, Some(3)),
            ("x", Memory, F64, None),
            ("n", Output, I64, None),
            ("b", Output, Bool, None),
            ("sets", Memory, I64, Some(3)),
            ("limited", Output, F64, None),
            ("saturated", Output, I64, None),
        ] {
            let mut tag = Tag::unbound(name, kind, scalar, world.slots());
            tag.array_len = len;
            match name {
                "limited" => tag.range = Some((Value::F64(-10.0), Value::F64(10.0))),
                "saturated" => {
                    tag.range = Some((Value::I64(0), Value::I64(100)));
                    tag.overflow = Overflow::Saturate;
                }
                _ => {}
            }
            world.ranges.push(Range::Tame);
            world.tags.push(tag);
        }
        world.axes = ["ram", "table"].map(parts::axis).into();
        world.add_model("stroke", 3);
        world.add_names();
        world.unit = Some(parts::unit(PROGRAM));
        for (name, default) in
            [("gain", Value::F64(2.5)), ("count", Value::I64(3)), ("enabled", Value::Bool(true))]
        {
            world.parameters.push(parts::parameter(name, default));
            world.parameter_ranges.push(Range::Tame);
        }
        world
    }

    fn empty(twin: Option<i64>) -> Self {
        Self {
            tags: Vec::new(),
            shafts: Vec::new(),
            parameters: Vec::new(),
            axes: Vec::new(),
            models: Vec::new(),
            alarms: Vec::new(),
            jidoka: Vec::new(),
            unit: None,
            twin,
            ranges: Vec::new(),
            parameter_ranges: Vec::new(),
            endless: false,
            text_len: LIMITS.text_len,
        }
    }

    fn add_tags(&mut self, chance: &mut Chance) {
        let mut names: Vec<&str> = NAMES.to_vec();
        for number in 0..chance.within(5, 12) {
            let name = names.swap_remove(chance.index(names.len()));
            // At least one of each direction.
            let kind = match number {
                0 => TagKind::Input,
                1 => TagKind::Output,
                _ => chance.weighted(&[(4, TagKind::Input), (4, TagKind::Output), (3, TagKind::Memory)]),
            };
            let scalar =
                chance.weighted(&[(2, ScalarType::Bool), (3, ScalarType::I64), (4, ScalarType::F64)]);
            let mut tag = Tag::unbound(name, kind, scalar, self.slots());
            if chance.percent(30) {
                tag.array_len = Some(chance.within(1, 6) as u32);
            }
            let range = chance.weighted(&[(3, Range::Tame), (1, Range::Wild)]);
            if kind != TagKind::Input || chance.percent(30) {
                limit(&mut tag, chance);
            }
            self.ranges.push(range);
            self.tags.push(tag);
        }
    }

    fn add_shafts(&mut self, chance: &mut Chance) {
        for name in ["ram", "table"].into_iter().take(chance.within(1, 2) as usize) {
            for (fact, kind) in [
                ("position", TagKind::Input),
                ("velocity", TagKind::Input),
                ("load", TagKind::Output),
                ("stiffness", TagKind::Output),
            ] {
                let slot = self.slots();
                let mut tag = Tag::unbound(format!("{name}.{fact}"), kind, ScalarType::F64, slot);
                if fact == "stiffness" {
                    tag.range = Some((Value::F64(0.0), Value::F64(1e12)));
                }
                self.ranges.push(Range::Tame);
                self.shafts.push(tag);
            }
        }
    }

    fn add_reach(&mut self, chance: &mut Chance) {
        let axes = ["ram", "table", "gantry"];
        self.axes = axes[..chance.within(0, 3) as usize].iter().map(|name| parts::axis(name)).collect();
        for name in ["stroke", "wear"].into_iter().take(chance.within(0, 2) as usize) {
            let outputs = chance.within(1, 4) as u32;
            self.add_model(name, outputs);
        }
        self.add_names();
        self.unit = chance.percent(60).then(|| parts::unit(PROGRAM));
    }

    fn add_model(&mut self, name: &str, outputs: u32) {
        let slot = self.slots();
        self.models.push(parts::model(name, slot, outputs));
        for tag in parts::model_tags(name, slot, outputs) {
            self.ranges.push(Range::Tame);
            self.tags.push(tag);
        }
    }

    fn add_names(&mut self) {
        self.alarms = ["oil_low", "hot"].map(parts::alarm).into();
        self.jidoka = ["stroke", "timeout"].map(parts::jidoka).into();
    }

    fn add_parameters(&mut self, chance: &mut Chance) {
        let names = ["gain", "count", "enabled", "press.depth", "press.speed"];
        for name in names.into_iter().take(chance.within(1, 5) as usize) {
            let range = chance.weighted(&[(3, Range::Tame), (1, Range::Wild)]);
            let default = match chance.below(3) {
                0 if self.twin.is_none() => Value::Bool(true),
                1 if self.twin.is_none() => Value::I64(3),
                _ => Value::F64(2.5),
            };
            self.parameters.push(parts::parameter(name, default));
            self.parameter_ranges.push(range);
        }
    }

    /// Slots that are taken so far.
    pub fn slots(&self) -> u32 {
        self.all_tags().map(|tag| tag.slot + tag.len()).max().unwrap_or(0)
    }

    /// Tags, then shafts.
    pub fn all_tags(&self) -> impl Iterator<Item = &Tag> {
        self.tags.iter().chain(&self.shafts)
    }

    /// What programs are compiled with; `probes`: the tag that counts, if they count.
    pub fn environment<'a>(&'a self, tags: &'a [Tag]) -> ScriptEnvironment<'a> {
        let role = match self.twin {
            None => Role::Controller,
            Some(seed) => Role::Twin { seed, shafts: &self.shafts },
        };
        let reach = Reach {
            axes: &self.axes,
            models: &self.models,
            alarms: &self.alarms,
            jidoka: &self.jidoka,
            unit: self.unit.as_ref(),
        };
        let operations = if self.endless { ENDED_AFTER } else { LIMITS.operations };
        ScriptEnvironment {
            tags,
            parameters: &self.parameters,
            limits: Limits { operations, text_len: self.text_len, ..LIMITS },
            program_index: PROGRAM,
            role,
            reach,
        }
    }

    /// The tags, and behind all others one that counts in `probes` elements.
    pub fn tags_with_probes(&self, probes: u32) -> Vec<Tag> {
        let mut tags = self.tags.clone();
        if probes > 0 {
            let mut tag = Tag::unbound(PROBE, TagKind::Output, ScalarType::I64, self.slots());
            tag.array_len = Some(probes);
            tags.push(tag);
        }
        tags
    }

    /// Ports of a task with this program alone.
    pub fn ports(&self) -> Ports {
        Ports::new(self.axes.len(), usize::from(PROGRAM) + 1, self.models.len())
    }

    /// Everything that a program can read behind a root.
    pub fn readable(&self) -> Vec<Named> {
        let mut all = Vec::new();
        let quality_of_all = self.twin.is_none();
        for (place, tag) in self.all_tags().enumerate() {
            let (root, quality) = match tag.kind {
                TagKind::Model => ("", false),
                _ if place >= self.tags.len() => ("axis.", true),
                // Of the controller's memory a machine sees nothing.
                TagKind::Memory if self.twin.is_some() => continue,
                _ => ("io.", quality_of_all || tag.kind == TagKind::Input),
            };
            let ty = scalar_type(tag.scalar, self.ranges[place]);
            let text = format!("{root}{}", tag.name);
            all.push(Named { text, ty, len: tag.array_len, quality, in_init: false });
        }
        for (parameter, range) in self.parameters.iter().zip(&self.parameter_ranges) {
            let ty = scalar_type(parameter.scalar, *range);
            let text = format!("param.{}", parameter.name);
            all.push(Named { text, ty, len: None, quality: false, in_init: true });
        }
        let mut facts = vec![
            ("sys.cycle", Ty::INT),
            ("sys.time", Ty::I64(Range::Wild)),
            ("sys.dt", Ty::FLOAT),
            ("sys.first_cycle", Ty::Bool),
        ];
        match self.twin {
            Some(_) => facts.push(("sys.seed", Ty::I64(Range::Wild))),
            None => {
                facts.extend([("sys.mode", Ty::Text(Words::Mode)), ("sys.state", Ty::Text(Words::State))])
            }
        }
        for (text, ty) in facts {
            let in_init = text == "sys.seed";
            all.push(Named { text: text.to_owned(), ty, len: None, quality: false, in_init });
        }
        for model in &self.models {
            let text = format!("ai.{}.fresh", model.name);
            all.push(Named { text, ty: Ty::Bool, len: None, quality: false, in_init: false });
        }
        all
    }

    /// Every tag that a program can write.
    pub fn writable(&self) -> Vec<Writable> {
        let mut all = Vec::new();
        for (place, tag) in self.all_tags().enumerate() {
            let root = if place < self.tags.len() { "io" } else { "axis" };
            match tag.kind {
                TagKind::Output => {}
                TagKind::Memory if self.twin.is_none() => {}
                _ => continue,
            }
            all.push(Writable {
                text: format!("{root}.{}", tag.name),
                ty: scalar_type(tag.scalar, self.ranges[place]),
                len: tag.array_len,
                range: tag.range,
                saturates: tag.overflow == Overflow::Saturate,
            });
        }
        all
    }
}

impl Named {
    /// It, or an element of it, as an expression.
    pub fn expr(&self) -> Expr {
        Expr::atom(self.ty.clone(), self.text.clone())
    }
}

const fn scalar_type(scalar: ScalarType, range: Range) -> Ty {
    match scalar {
        ScalarType::Bool => Ty::Bool,
        ScalarType::I64 => Ty::I64(range),
        ScalarType::F64 => Ty::F64(range),
    }
}

/// Give a tag that is written limits, now and then at the edge of what there is.
fn limit(tag: &mut Tag, chance: &mut Chance) {
    if tag.scalar == ScalarType::Bool || chance.percent(45) {
        return;
    }
    tag.range = Some(match tag.scalar {
        ScalarType::I64 => chance.weighted(&[
            (4, (Value::I64(-100), Value::I64(1000))),
            (3, (Value::I64(0), Value::I64(7))),
            (1, (Value::I64(i64::MIN), Value::I64(-1))),
            (1, (Value::I64(5), Value::I64(5))),
            (1, (Value::I64(1), Value::I64(i64::MAX))),
        ]),
        _ => chance.weighted(&[
            (4, (Value::F64(-10.0), Value::F64(10.0))),
            (2, (Value::F64(0.0), Value::F64(1.0))),
            (2, (Value::F64(-0.0), Value::F64(0.5))),
            (1, (Value::F64(-1.0), Value::F64(-0.0))),
            (1, (Value::F64(5e-324), Value::F64(1.797e308))),
        ]),
    });
    if let Some((low, high)) = tag.range {
        // What is there before the first write must be as tame as what is written.
        tag.initial = if low == Value::I64(i64::MIN) { high } else { low };
    }
    if chance.percent(40) {
        tag.overflow = Overflow::Saturate;
    }
}
