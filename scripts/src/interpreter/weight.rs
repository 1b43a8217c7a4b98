//! What one operation of a program counts, and whether a cycle can be run at all at that price.
//!
//! Rhai checks the size of the record that a field is assigned to, and copies what is read as a whole: operations on
//! the state cost as much as the state is large, and nothing tells while they run. So each counts for the worst of
//! them. Values that are not in the state are paid for when they are made and looked at, see `Host::spend`.

use super::{
    host::VALUES_COPIED_PER_OPERATION,
    walk::{Chain, Function, Link, Use, Visitor, chain, walk},
};
use crate::layout::Layout;
use rhai::{Expr, FnCallExpr, Position, Stmt};

/// Values whose size check costs about as much as an operation.
const VALUES_PER_OPERATION: u64 = 128;

/// An array or record that one operation can copy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copied {
    /// Values in it; 0 if nothing is copied.
    pub values: u64,
    /// Where it is copied.
    pub position: Position,
}

/// A program of which no cycle fits into the operations that it may use.
#[derive(Debug)]
pub(crate) struct TooHeavy {
    pub position: Position,
    pub message: String,
    pub help: String,
}

/// What an operation counts. Refuses a program of which no cycle fits into `operations`. `copied`: the largest that one
/// operation can copy.
pub(crate) fn weight(
    functions: &[Function],
    layout: &Layout,
    copied: Copied,
    operations: u64,
) -> Result<u64, TooHeavy> {
    let (held, copy) = (layout.values() / VALUES_PER_OPERATION, copied.values / VALUES_COPIED_PER_OPERATION);
    let weight = 1 + held + copy;
    let least = Least { functions, known: vec![None; functions.len()] }.of_function("cycle", 0);
    let cost = least.saturating_mul(weight);
    // A program that is too long by itself is no matter of its data.
    if cost <= operations || weight == 1 {
        return Ok(weight);
    }
    let (position, what, help) = if copy > held {
        let what = format!("{} values can be copied at once here", copied.values);
        (copied.position, what, "copy less, as in `this.table[i]`")
    } else {
        let (position, name) = largest(functions, layout);
        let what = format!("the state has {} values, most of them in `{name}`", layout.values());
        (position, what, "make it smaller, divide the program")
    };
    let message = format!(
        "{what}, so each operation counts as {weight}; the shortest cycle has {least} of them and counts {cost}, \
         expected at most {operations}"
    );
    let help = format!("{help}, or raise [limits] operations well above {cost}");
    Err(TooHeavy { position, message, help })
}

/// The field of the state with the most values, and where `init` makes it.
fn largest<'a>(functions: &[Function], layout: &'a Layout) -> (Position, &'a str) {
    let largest = layout.fields().iter().max_by_key(|field| field.shape.values());
    let name = largest.map_or("this", |field| field.name.as_str());
    let init = functions.iter().find(|function| function.name == "init" && function.parameters.is_empty());
    let Some(init) = init else { return (Position::new(1, 1), name) };
    let mut finder = FieldFinder { name, found: None };
    walk(&init.body, &mut finder);
    (finder.found.unwrap_or(init.position), name)
}

/// Finds where a record gives a field its value.
struct FieldFinder<'a> {
    name: &'a str,
    found: Option<Position>,
}

impl Visitor for FieldFinder<'_> {
    fn expression(&mut self, expression: &Expr, _: Use) {
        if let Expr::Map(parts, _) = expression {
            let part = parts.0.iter().find(|(name, _)| name.name == self.name);
            self.found = self.found.or(part.map(|(_, value)| value.start_position()));
        }
    }
}

/// The fewest operations that Rhai counts on any path: one for each statement and expression that must be evaluated.
/// Never more than a run counts.
struct Least<'a> {
    functions: &'a [Function],
    known: Vec<Option<u64>>,
}

impl Least<'_> {
    /// One operation for what is not a function of the program.
    fn of_function(&mut self, name: &str, count: usize) -> u64 {
        let matches = |function: &Function| function.name == name && function.parameters.len() == count;
        let functions = self.functions;
        let Some(index) = functions.iter().position(matches) else { return 1 };
        if let Some(known) = self.known[index] {
            return known;
        }
        let least = 1 + self.of_block(&functions[index].body);
        self.known[index] = Some(least);
        least
    }

    /// To the end, or to the first statement that may leave the block.
    fn of_block(&mut self, statements: &[Stmt]) -> u64 {
        let (mut total, mut shortest) = (0_u64, u64::MAX);
        for statement in statements {
            total = total.saturating_add(self.of_statement(statement));
            if may_leave(statement) {
                shortest = shortest.min(total);
            }
        }
        shortest.min(total)
    }

    fn of_statement(&mut self, statement: &Stmt) -> u64 {
        let parts = match statement {
            Stmt::If(flow, _) => {
                let (then, otherwise) = (flow.body.statements(), flow.branch.statements());
                self.of_expression(&flow.expr)
                    .saturating_add(self.of_block(then).min(self.of_block(otherwise)))
            }
            Stmt::While(flow, _) if !matches!(flow.expr, Expr::Unit(_)) => self.of_expression(&flow.expr),
            Stmt::Do(flow, ..) => self.of_block(flow.body.statements()),
            Stmt::Switch(switch, _) => self.of_expression(&switch.0),
            Stmt::For(parts, _) => self.of_expression(&parts.2.expr),
            Stmt::Var(parts, ..) => self.of_expression(&parts.1),
            Stmt::Assignment(parts) => {
                // The target is looked up, which counts, and an operator is a call.
                let operator = u64::from(parts.0.is_op_assignment());
                let target = chain(&parts.1.lhs).map_or(0, |chain| self.of_chain(&chain));
                self.of_expression(&parts.1.rhs).saturating_add(1 + operator).saturating_add(target)
            }
            Stmt::FnCall(call, _) => self.of_call(call),
            Stmt::Block(block) => self.of_block(block.statements()),
            Stmt::Expr(expression) => self.of_expression(expression),
            Stmt::Return(Some(value), ..) | Stmt::BreakLoop(Some(value), ..) => self.of_expression(value),
            _ => 0,
        };
        parts.saturating_add(1)
    }

    fn of_expression(&mut self, expression: &Expr) -> u64 {
        let parts = match expression {
            Expr::FnCall(call, _) => self.of_call(call),
            Expr::And(parts, _) | Expr::Or(parts, _) => {
                parts.first().map_or(0, |first| self.of_expression(first))
            }
            Expr::Array(parts, _) => self.of_all(parts.iter()),
            Expr::Map(parts, _) => self.of_all(parts.0.iter().map(|(_, part)| part)),
            Expr::Stmt(block) => self.of_block(block.statements()),
            Expr::Dot(..) | Expr::Index(..) => chain(expression).map_or(0, |chain| 1 + self.of_chain(&chain)),
            _ => 0,
        };
        parts.saturating_add(1)
    }

    fn of_chain(&mut self, chain: &Chain<'_>) -> u64 {
        let mut total = 0_u64;
        for link in &chain.links {
            total = total.saturating_add(match link {
                Link::Method(call, _) => self.of_call(call),
                // A literal index is no operation.
                Link::Index(Expr::IntegerConstant(..), _) | Link::Property(..) => 0,
                Link::Index(index, _) => self.of_expression(index),
            });
        }
        total
    }

    fn of_call(&mut self, call: &FnCallExpr) -> u64 {
        let arguments = self.of_all(call.args.iter());
        arguments.saturating_add(self.of_function(&call.name, call.args.len()))
    }

    fn of_all<'e>(&mut self, expressions: impl Iterator<Item = &'e Expr>) -> u64 {
        expressions.fold(0, |total, expression| total.saturating_add(self.of_expression(expression)))
    }
}

/// True if there is a `return`, `break` or `continue` anywhere in it.
fn may_leave(statement: &Stmt) -> bool {
    struct Finder(bool);
    impl Visitor for Finder {
        fn statement(&mut self, statement: &Stmt) {
            self.0 |= matches!(statement, Stmt::Return(..) | Stmt::BreakLoop(..));
        }
        fn expression(&mut self, _: &Expr, _: Use) {}
    }
    let mut finder = Finder(false);
    walk(std::slice::from_ref(statement), &mut finder);
    finder.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Program, RunContext, ScriptEnvironment, SysFacts, compile,
        interpreter::{engine::parser, walk},
    };
    use sensai_model::{
        TagStore,
        cell::{Limits, ProgramSource},
    };

    /// The fewest operations by the text, and those of a run.
    fn least_and_run(body: &str) -> (u64, u64) {
        let text = format!(
            "fn init() {{ #{{ n: 0, a: [1, 2], b: true, r: #{{ x: 0.5 }}, t: TON() }} }}\n\
             fn two() {{ this.n = 2; 2 }}\nfn sum(x, y) {{ return x + y; }}\nfn nothing() {{ }}\n\
             fn cycle() {{ {body} }}\n"
        );
        let ast = parser().compile(&text).expect("it is a program");
        let functions = walk::functions(&ast);
        let least =
            Least { functions: &functions, known: vec![None; functions.len()] }.of_function("cycle", 0);
        let source = ProgramSource::new("test", "test.rhai", text);
        let limits =
            Limits { operations: 10_000, call_depth: 8, text_len: 63, array_len: 64, record_len: 64 };
        let environment = ScriptEnvironment {
            tags: &[],
            parameters: &[],
            limits,
            program_index: 0,
            role: crate::Role::Controller,
            reach: crate::Reach::default(),
        };
        let mut program = compile(&source, &environment).unwrap_or_else(|found| panic!("{body}: {found:?}"));
        let sys = SysFacts { cycle: 0, time_ns: 0, dt_ns: 1_000_000, first_cycle: true };
        let mut tags = TagStore::new(&[]);
        let mut context =
            RunContext { sys, tags: &mut tags, parameters: &[], ports: &mut crate::Ports::none() };
        if let Err(error) = program.cycle(&mut context) {
            panic!("{body}: {}", error.text);
        }
        (least, program.operations())
    }

    #[test]
    fn the_shortest_cycle_is_never_longer_than_a_run() {
        for body in [
            "",
            "this.n = 1;",
            "this.n += 1; this.a[0] = this.a[-1]; this.a[this.n - 1] = 3;",
            "let x = 1 + 2 * 3; this.n = -x; this.b = !this.b;",
            "let x = max(1, 2); this.r.x = sqrt(abs(-4.0)); this.n = x;",
            "this.two(); let x = this.two(); this.n = sum(x, this.two()); nothing();",
            "if this.b { return; } this.n = 1; this.n = 2;",
            "if this.n == 0 { this.n = 1; } else if this.n == 1 { this.n = 2; } else { this.n = 3; }",
            "if this.b && this.n == 0 || this.n == 7 { this.n = sum(1, 2); }",
            "for i in 0..3 { if i == 1 { break; } this.n = i; } for x in this.a { this.n = x; }",
            "while this.n < 5 { this.n += 1; continue; }",
            "do { this.n += 1; if this.n > 2 { break; } } while this.n < 9;",
            "loop { this.n += 1; if this.n > 2 { break; } }",
            "switch this.n { 0 => this.n = 1, 1..5 => { this.n = 2; } _ => () }",
            "let x = if this.b { return } else { 1 }; this.n = x; this.n = x; this.n = x;",
            "let x = #{ p: 1, q: [1, 2, this.n] }; x.p = 2; this.n = x.q[1] + x.p; { let y = x; this.n = y.p; }",
            "this.t.run(this.b, 0.5); this.b = this.t.Q; this.r.x = this.t.ET;",
            "let x = switch this.n { 0 => 1, _ => 2 }; let x = { let y = 2; y + x }; this.n = x;",
        ] {
            let (least, run) = least_and_run(body);
            assert!(least <= run, "{body}: {least} by the text, {run} counted");
            assert!(least > 0);
        }
    }

    #[test]
    fn a_straight_program_is_nearly_as_long_as_it_says() {
        let (least, run) = least_and_run(&"this.n = sum(this.n, 1); this.two(); ".repeat(20));
        assert!(least > run * 3 / 4, "{least} by the text, {run} counted");
    }
}
