//! Costs for people: by function and by line.

use super::{Bound, Costs, Unbounded, Why, own_expr, own_statement};
use crate::{
    ScriptEnvironment,
    hir::{
        Block, ExprId, ExprKind, FileId, Function, FunctionId, Hir, Statement, StatementKind,
        walk::{self, Part},
    },
    ranges::{CheckCounts, prove},
};
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// What a program costs.
#[derive(Clone, Debug, Serialize)]
pub struct CostReport {
    /// Units of a run at most; none: not known.
    pub units: Option<u64>,
    /// Why not: the first loop of which it is not known how often it turns.
    pub open: Option<OpenEnd>,
    /// Checks of the program, and those that cannot fail and are left out of machine code.
    pub checks: CheckCounts,
    /// Functions that run in a cycle, in the order of the texts. Of one that is called with several types, each instance.
    pub functions: Vec<FunctionCost>,
}

/// What a call of a function costs.
#[derive(Clone, Debug, Serialize)]
pub struct FunctionCost {
    /// Name and types of its arguments.
    pub name: String,
    /// Path of the text that it is in.
    pub path: String,
    /// Where it begins, from 1.
    pub line: u32,
    /// Units at most, calls included; none: not known.
    pub units: Option<u64>,
    /// Why not.
    pub open: Option<OpenEnd>,
    /// Its lines, ascending; only those that cost something.
    pub lines: Vec<LineCost>,
}

/// What a line costs in one call of its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LineCost {
    /// From 1.
    pub line: u32,
    /// Units at most, with all turns of the loops around it, and with the functions that it calls.
    pub units: u64,
    /// Only of one turn: of a loop around it, or in a function that it calls, it is not known how often it turns.
    pub per_turn: bool,
}

/// A loop of which it is not known how often it turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenEnd {
    /// Path of the text that it is in.
    pub path: String,
    /// Where it begins, from 1.
    pub line: u32,
    /// Why it is not known, and what would help.
    pub why: String,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Endless => "`loop` goes on until something in it leaves it; write a `for` over a range",
            Self::Condition => {
                "nothing in the condition is known to come nearer to its end in every turn; count up to something that has \
                 a bound, or write a `for` over a range"
            }
            Self::Numbers => "it is not known how far the range goes; limit its ends with min(), max() or clamp()",
        })
    }
}

impl CostReport {
    /// Of a program without errors.
    pub fn of(hir: &Hir, environment: &ScriptEnvironment<'_>) -> Self {
        let proven = prove(hir, environment);
        let tags = environment.tags.iter().chain(environment.role.shafts());
        let costs = Costs::new(hir, &proven, tags.map(|tag| tag.len()).collect());
        let mut functions: Vec<(FileId, FunctionCost)> = called(hir)
            .into_iter()
            .map(|id| (hir.function(id).file, function_cost(hir, &costs, id)))
            .collect();
        functions.sort_by_key(|(file, function)| (*file, function.line));
        let whole = costs.function(hir.cycle);
        Self {
            units: whole.ok(),
            open: whole.err().map(|open| open_end(hir, open)),
            checks: proven.checks(hir, environment),
            functions: functions.into_iter().map(|(_, function)| function).collect(),
        }
    }
}

/// Functions that run in a cycle.
fn called(hir: &Hir) -> Vec<FunctionId> {
    let mut called = vec![false; hir.functions.len()];
    let mut waiting = vec![hir.cycle];
    while let Some(id) = waiting.pop() {
        match called.get_mut(id.index()) {
            Some(called) if !*called => *called = true,
            _ => continue,
        }
        let function = hir.function(id);
        walk::block(function, &function.body, &mut |node| {
            if let walk::Node::Expr(expr) = node
                && let ExprKind::Call { function, .. } = expr.kind
            {
                waiting.push(function);
            }
        });
    }
    (0..).map(FunctionId).zip(called).filter_map(|(id, called)| called.then_some(id)).collect()
}

fn line(hir: &Hir, file: FileId, at: u32) -> u32 {
    hir.files.get(file.index()).map_or(0, |file| file.position(at).line)
}

fn open_end(hir: &Hir, open: Unbounded) -> OpenEnd {
    let file = hir.function(open.function).file;
    OpenEnd {
        path: hir.files.get(file.index()).map_or(String::new(), |file| file.path.clone()),
        line: line(hir, file, open.span.start),
        why: open.why.to_string(),
    }
}

fn function_cost(hir: &Hir, costs: &Costs<'_>, id: FunctionId) -> FunctionCost {
    let function = hir.function(id);
    let types = function.locals.iter().take(function.parameters as usize);
    let types: Vec<String> = types.map(|local| format!("{}: {}", local.name, local.ty)).collect();
    let bound = costs.function(id);
    let mut lines = Lines { hir, costs, id, function, all: BTreeMap::new() };
    lines.block(&function.body, Times { count: 1, open: false });
    FunctionCost {
        name: format!("{}({})", function.name, types.join(", ")),
        path: hir.files.get(function.file.index()).map_or(String::new(), |file| file.path.clone()),
        line: line(hir, function.file, function.span.start),
        units: bound.ok(),
        open: bound.err().map(|open| open_end(hir, open)),
        lines: lines.all.into_values().filter(|line| line.units > 0 || line.per_turn).collect(),
    }
}

/// How often something runs in a call.
#[derive(Clone, Copy)]
struct Times {
    count: u64,
    /// Or more often.
    open: bool,
}

/// Adds up lines.
struct Lines<'a> {
    hir: &'a Hir,
    costs: &'a Costs<'a>,
    id: FunctionId,
    function: &'a Function,
    all: BTreeMap<u32, LineCost>,
}

impl Lines<'_> {
    fn add(&mut self, at: u32, units: u64, times: Times) {
        let line = line(self.hir, self.function.file, at);
        let entry = self.all.entry(line).or_insert(LineCost { line, units: 0, per_turn: false });
        entry.units = entry.units.saturating_add(units.saturating_mul(times.count));
        entry.per_turn |= times.open;
    }

    fn block(&mut self, block: &Block, times: Times) {
        for statement in &block.statements {
            self.statement(statement, times);
        }
        if let Some(value) = block.value {
            self.expr(value, times);
        }
    }

    fn statement(&mut self, statement: &Statement, times: Times) {
        let at = statement.span.start;
        self.add(at, own_statement(self.function, statement, &self.costs.tag_lens), times);
        let inside = match self.costs.turns(self.id, self.function, statement) {
            Ok(turns) => Times { count: times.count.saturating_mul(turns), ..times },
            Err(_) => Times { open: true, ..times },
        };
        match &statement.kind {
            StatementKind::While { condition, body, .. } => {
                self.add(at, 1, inside);
                if let Some(condition) = condition {
                    self.expr(
                        *condition,
                        Times { count: inside.count.saturating_add(times.count), ..inside },
                    );
                }
                self.block(body, inside);
            }
            StatementKind::For { variable, items, body, .. } => {
                walk::item_parts(items, &mut |part| self.part(part, times));
                self.add(at, super::moved(&self.function.local(*variable).ty).saturating_add(1), inside);
                self.block(body, inside);
            }
            kind => walk::statement_parts(kind, &mut |part| self.part(part, times)),
        }
    }

    fn part(&mut self, part: Part<'_>, times: Times) {
        match part {
            Part::Expr(id) => self.expr(id, times),
            Part::Block(block) => self.block(block, times),
        }
    }

    fn expr(&mut self, id: ExprId, times: Times) {
        let function = self.function;
        let expr = function.expr(id);
        self.add(expr.at, own_expr(function, expr), times);
        if let ExprKind::Call { function: callee, .. } = expr.kind {
            let bound: Bound = self.costs.function(callee);
            let times = Times { open: times.open || bound.is_err(), ..times };
            self.add(expr.at, bound.unwrap_or(0), times);
        }
        walk::expr_parts(&expr.kind, &mut |part| self.part(part, times));
    }
}
