//! Well-typed programs from chance.
//!
//! Numbers are *tame* or *wild*: what is tame stays within bounds by construction, so that sums of it do not overflow and
//! tags take it, and what is wild may be anything, but is only put to operations that take anything. So most cycles end
//! well, whatever the inputs; faults come from statements that ask for one, and from a small risk that a bound is ignored.

mod aliases;
mod blocks;
mod calls;
mod driven;
mod floats;
mod functions;
mod integers;
mod order;
mod places;
mod program;
mod stale;
mod statements;
mod temporary;
mod traps;
mod values;

use crate::{
    ast::{Expr, Program, Reach, Ty},
    chance::Chance,
    world::{Named, World, Writable},
};
use places::Path;
use std::rc::Rc;

/// A generated program, and what the driver wants to know of it.
#[derive(Debug)]
pub struct Generated {
    /// The program.
    pub program: Program,
    /// Cycles whose work is about a thousand operations.
    pub cost: u64,
}

/// The program of a seed in its world.
pub fn generate(chance: Chance, world: &World) -> Generated {
    let mut generator = Generator {
        chance,
        readable: world.readable(),
        writable: world.writable(),
        world,
        constants: Vec::new(),
        functions: Vec::new(),
        setters: Vec::new(),
        takers: Vec::new(),
        firsts: Vec::new(),
        enlarger: None,
        tag_setters: Vec::new(),
        texts: Vec::new(),
        names: 0,
        risk: 0,
    };
    generator.risk = generator.chance.weighted(&[(60, 0), (25, 3), (15, 12)]);
    generator.program()
}

pub(crate) struct Generator<'w> {
    chance: Chance,
    world: &'w World,
    readable: Vec<Named>,
    writable: Vec<Writable>,
    constants: Vec<(String, Ty, Rc<[Path]>)>,
    /// Those that later ones may call.
    functions: Vec<Callable>,
    /// Those of them that change one thing.
    setters: Vec<aliases::Setter>,
    /// And those that give back what they were given, after a change.
    takers: Vec<aliases::Setter>,
    /// And those that give back what they were given first, and change nothing.
    firsts: Vec<aliases::Setter>,
    /// One that makes a field of the state large, and the state's type.
    enlarger: Option<(String, Ty)>,
    /// And those that write one tag.
    tag_setters: Vec<aliases::TagSetter>,
    /// Texts of this program.
    texts: Vec<&'static str>,
    names: u32,
    /// Per mille of operations that ignore their bounds.
    risk: u64,
}

/// A function that was generated.
#[derive(Clone, Debug)]
struct Callable {
    name: String,
    this: Option<Ty>,
    parameters: Vec<Ty>,
    result: Ty,
    cost: u64,
    /// It changes nothing: neither `this`, nor tags, nor axes.
    pure_: bool,
    /// `init` may call it: it reads nothing of the cycle.
    in_init: bool,
    /// Only `init` may call it: it makes blocks.
    makes_blocks: bool,
}

/// Where code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Value of a constant.
    Constant,
    /// `init`, or what it calls.
    Init,
    Cycle,
}

/// A variable.
#[derive(Clone, Debug)]
struct Variable {
    name: String,
    ty: Ty,
    paths: Rc<[Path]>,
    /// It can be assigned to, as a whole.
    assignable: bool,
    /// Its fields and elements can be.
    parts: bool,
    /// It is at least 0 and below this: an index.
    below: Option<u32>,
}

/// What code sees at its place, and what it may still cost.
#[derive(Debug)]
struct Scope {
    phase: Phase,
    this: Option<(Ty, Rc<[Path]>)>,
    /// The last one of a name hides the others.
    variables: Vec<Variable>,
    /// Within loops of the same function.
    loops: u32,
    /// Of the function.
    result: Ty,
    /// Nodes so far, times the loops they are in.
    cost: u64,
    /// Product of the loops around.
    times: u64,
    /// Of [`Scope::cost`].
    limit: u64,
    /// Operands may have effects: their order matters.
    effects: bool,
    /// Blocks that this is in, of the same function.
    nesting: u8,
    /// Indices that this is in.
    indices: u8,
    /// Statements that this is an operand in; they nest, and what may be nested is limited.
    inside: u8,
    /// Changes the state, tags, axes; reads the cycle.
    changes: bool,
    reads_cycle: bool,
}

/// Blocks in blocks: what Rhai's parser takes is bounded.
const NESTING: u8 = 5;

impl Scope {
    fn new(phase: Phase, limit: u64) -> Self {
        Self {
            phase,
            this: None,
            variables: Vec::new(),
            loops: 0,
            result: Ty::Unit,
            cost: 0,
            times: 1,
            limit,
            effects: false,
            inside: 0,
            nesting: 0,
            indices: 0,
            changes: false,
            reads_cycle: false,
        }
    }

    fn pay(&mut self, nodes: u64) {
        self.cost += nodes * self.times;
    }

    fn affords(&self, nodes: u64) -> bool {
        self.cost + nodes.saturating_mul(self.times) <= self.limit
    }
}

impl Generator<'_> {
    /// A bound is ignored here.
    fn risky(&mut self) -> bool {
        self.risk > 0 && self.chance.per_mille(self.risk)
    }

    /// A name that nothing else has.
    fn fresh(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    /// A value of a type. At depth 0 something small.
    fn value(&mut self, scope: &mut Scope, ty: &Ty, depth: u8) -> Expr {
        scope.pay(1);
        let depth = if scope.affords(8) { depth } else { 0 };
        let mut made = match ty {
            Ty::Bool => self.boolean(scope, depth),
            Ty::I64(Reach::Tame) => self.integer(scope, crate::ast::TAME_BITS, depth),
            Ty::I64(Reach::Wild) => self.integer(scope, 63, depth),
            Ty::F64(Reach::Tame) => self.float(scope, Some(crate::ast::TAME_MAGNITUDE), depth),
            Ty::F64(Reach::Wild) => self.float(scope, None, depth),
            Ty::Text(words) => self.text(scope, *words, depth),
            Ty::Array(element, len) => self.array(scope, element, *len, depth),
            Ty::Record(fields) => self.record(scope, fields, depth),
            Ty::Block(name, arguments) => Expr::atom(ty.clone(), format!("{name}({arguments})")),
            Ty::Axis => self.handle(),
            Ty::Unit => Expr::bool(true),
        };
        self.style(&mut made);
        made
    }

    /// Where lines end and parentheses stand is chance, too.
    fn style(&mut self, expr: &mut Expr) {
        expr.parentheses = self.chance.percent(25);
        expr.broken = self.chance.percent(6);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print;

    #[test]
    fn the_same_seed_gives_the_same_text() {
        for seed in 0..50 {
            let text = |seed| {
                let world = World::new(&mut Chance::new(seed, 0));
                print::plain(&generate(Chance::new(seed, 1), &world).program)
            };
            assert_eq!(text(seed), text(seed));
            assert_ne!(text(seed), text(seed + 1));
        }
    }
}
