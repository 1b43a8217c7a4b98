//! Smaller programs that still show what was found.
//!
//! A change is kept if the program still compiles in both tiers and still differs in the same kind of thing; whether it
//! means anything else does not matter.

use crate::{
    ast::{Block, Expr, Kind, Program, Statement, Ty},
    walk::{Visitor, walk, walk_block, walk_expr},
};

/// Make `program` smaller as long as `shows` says that it still shows it; asks at most `attempts` times.
pub fn shrink(program: &Program, attempts: usize, shows: &mut dyn FnMut(&Program) -> bool) -> Program {
    let mut shrinker = Shrinker { best: program.clone(), left: attempts, shows };
    while shrinker.left > 0 && shrinker.round() {}
    shrinker.best
}

struct Shrinker<'a> {
    best: Program,
    left: usize,
    shows: &'a mut dyn FnMut(&Program) -> bool,
}

impl Shrinker<'_> {
    /// Every kind of change once; true if one of them was kept.
    fn round(&mut self) -> bool {
        let mut kept = self.functions();
        kept |= self.each_block(remove_statements);
        kept |= self.each_block(unwrap_statements);
        kept |= self.each_expr(simpler);
        kept |= self.each_expr(fewer_fields);
        kept |= self.each_expr(plainer);
        kept
    }

    fn try_it(&mut self, candidate: Program) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let shows = (self.shows)(&candidate);
        if shows {
            self.best = candidate;
        }
        shows
    }

    fn functions(&mut self) -> bool {
        let mut kept = false;
        for place in (0..self.best.functions.len()).rev() {
            let mut candidate = self.best.clone();
            candidate.functions.remove(place);
            kept |= self.try_it(candidate);
        }
        for place in (0..self.best.constants.len()).rev() {
            let mut candidate = self.best.clone();
            candidate.constants.remove(place);
            kept |= self.try_it(candidate);
        }
        kept
    }

    /// Try all that `changes` makes of every block, the outermost first.
    fn each_block(&mut self, changes: fn(&Block) -> Vec<Block>) -> bool {
        let mut kept = false;
        let mut place = 0;
        while let Some(block) = nth_block(&mut self.best.clone(), place, None) {
            let mut again = false;
            for change in changes(&block) {
                let mut candidate = self.best.clone();
                nth_block(&mut candidate, place, Some(change));
                if self.try_it(candidate) {
                    (kept, again) = (true, true);
                    break;
                }
            }
            if self.left == 0 {
                break;
            }
            place += usize::from(!again);
        }
        kept
    }

    fn each_expr(&mut self, changes: fn(&Expr) -> Vec<Expr>) -> bool {
        let mut kept = false;
        let mut place = 0;
        while let Some(expr) = nth_expr(&mut self.best.clone(), place, None) {
            let mut again = false;
            for change in changes(&expr) {
                let mut candidate = self.best.clone();
                nth_expr(&mut candidate, place, Some(change));
                if self.try_it(candidate) {
                    (kept, again) = (true, true);
                    break;
                }
            }
            if self.left == 0 {
                break;
            }
            place += usize::from(!again);
        }
        kept
    }
}

/// The block of this number, replaced if there is something to replace it by.
fn nth_block(program: &mut Program, place: usize, by: Option<Block>) -> Option<Block> {
    struct Nth {
        left: usize,
        by: Option<Block>,
        found: Option<Block>,
    }
    impl Visitor for Nth {
        fn block(&mut self, block: &mut Block) {
            if self.left == 0 && self.found.is_none() {
                self.found = Some(block.clone());
                if let Some(by) = self.by.take() {
                    *block = by;
                }
            }
            self.left = self.left.saturating_sub(1);
        }
    }
    let mut nth = Nth { left: place, by, found: None };
    walk(program, &mut nth);
    nth.found
}

/// The same for expressions.
fn nth_expr(program: &mut Program, place: usize, by: Option<Expr>) -> Option<Expr> {
    struct Nth {
        left: usize,
        by: Option<Expr>,
        found: Option<Expr>,
    }
    impl Visitor for Nth {
        fn expr(&mut self, expr: &mut Expr) {
            if self.left == 0 && self.found.is_none() {
                self.found = Some(expr.clone());
                if let Some(by) = self.by.take() {
                    *expr = by;
                }
            }
            self.left = self.left.saturating_sub(1);
        }
    }
    let mut nth = Nth { left: place, by, found: None };
    walk(program, &mut nth);
    nth.found
}

/// Without half of the statements, without one of them, without the value.
fn remove_statements(block: &Block) -> Vec<Block> {
    let len = block.statements.len();
    let mut changes = Vec::new();
    let mut without = |range: std::ops::Range<usize>| {
        let mut change = block.clone();
        change.statements.drain(range);
        changes.push(change);
    };
    if len > 3 {
        without(0..len / 2);
        without(len / 2..len);
    }
    (0..len).rev().for_each(|place| without(place..place + 1));
    if block.value.is_some() && len > 0 {
        changes.push(Block { value: None, ..block.clone() });
    }
    changes
}

/// A statement gives way to what is in one of the blocks inside of it, of its operands, too.
fn unwrap_statements(block: &Block) -> Vec<Block> {
    struct Inner(Vec<Vec<Statement>>);
    impl Visitor for Inner {
        fn block(&mut self, block: &mut Block) {
            self.0.push(block.statements.clone());
        }
    }
    let mut changes = Vec::new();
    for (place, statement) in block.statements.iter().enumerate() {
        let mut inner = Inner(Vec::new());
        walk_block(&mut Block::of(vec![statement.clone()]), &mut inner);
        // The first one is the statement itself.
        for statements in inner.0.into_iter().skip(1).filter(|statements| !statements.is_empty()) {
            let mut change = block.clone();
            change.statements.splice(place..=place, statements);
            changes.push(change);
        }
    }
    changes
}

/// A literal, or a part of the same type.
fn simpler(expr: &Expr) -> Vec<Expr> {
    struct Parts(Vec<Expr>);
    impl Visitor for Parts {
        fn expr(&mut self, expr: &mut Expr) {
            self.0.push(expr.clone());
        }
    }
    let literals = match expr.ty {
        Ty::Bool => vec![Expr::bool(false), Expr::bool(true)],
        Ty::I64(_) => vec![Expr::int(0), Expr::int(1)],
        Ty::F64(_) => vec![Expr::float(0.0), Expr::float(1.0)],
        Ty::Text(_) => vec![Expr::text("a")],
        _ => Vec::new(),
    };
    let size = |expr: &Expr| {
        let mut parts = Parts(Vec::new());
        walk_expr(&mut expr.clone(), &mut parts);
        parts.0
    };
    let parts = size(expr);
    let whole = parts.len();
    let is_literal = matches!(&expr.kind, Kind::Atom(text) if !text.contains(|c: char| c.is_alphabetic()) || text.starts_with('"') || text == "true" || text == "false");
    let mut changes: Vec<Expr> = if is_literal { Vec::new() } else { literals };
    let same = |part: &&Expr| {
        std::mem::discriminant(&part.ty) == std::mem::discriminant(&expr.ty) && size(part).len() < whole
    };
    changes.extend(parts.iter().filter(same).take(12).cloned());
    if let Kind::Switch(switch) = &expr.kind {
        for place in 0..switch.arms.len() {
            let mut fewer = switch.clone();
            fewer.arms.remove(place);
            changes.push(Expr { kind: Kind::Switch(fewer), ..expr.clone() });
        }
    }
    if let Kind::If(condition, then, Some(_)) = &expr.kind {
        let kind = Kind::If(condition.clone(), then.clone(), None);
        changes.push(Expr { kind, ..expr.clone() });
    }
    changes
}

fn fewer_fields(expr: &Expr) -> Vec<Expr> {
    let Kind::Record(fields) = &expr.kind else { return Vec::new() };
    let without = |place: usize| {
        let mut fewer = fields.clone();
        fewer.remove(place);
        Expr { kind: Kind::Record(fewer), ..expr.clone() }
    };
    (0..fields.len()).filter(|_| fields.len() > 1).map(without).collect()
}

/// On one line, without parentheses that are not needed.
fn plainer(expr: &Expr) -> Vec<Expr> {
    if expr.parentheses || expr.broken {
        return vec![Expr { parentheses: false, broken: false, ..expr.clone() }];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chance::Chance, generate::generate, print, world::World};

    /// What is left is what was asked for and nothing that could go.
    #[test]
    fn all_that_does_not_matter_goes() {
        let mut shrunk = 0;
        for seed in 0..20 {
            let world = World::new(&mut Chance::new(seed, 0));
            let program = generate(Chance::new(seed, 1), &world).program;
            let shows = |program: &Program| print::plain(program).contains(" += ");
            if !shows(&program) {
                continue;
            }
            let small = shrink(&program, 20_000, &mut |program| shows(program));
            let text = print::plain(&small);
            assert!(shows(&small) && text.lines().count() <= 5, "seed {seed}:\n{text}");
            shrunk += 1;
        }
        assert!(shrunk > 5, "{shrunk}");
    }
}
