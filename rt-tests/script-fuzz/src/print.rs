//! Programs as text, plain or with a counter at every node.
//!
//! Parentheses stand where Rhai's precedences need them, and where the tree asks for more: both front ends have to agree
//! on the bare ones, too.

use crate::{
    ast::{Arm, Block, Expr, For, Function, Items, Kind, Program, Statement, StatementKind, Switch, Ty},
    walk::{Visitor, walk_block},
};
use std::collections::BTreeSet;

/// Name of the tag that counts, behind `io.`.
pub const PROBE: &str = "probe";

/// A program's text, and how many counters are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// The text.
    pub text: String,
    /// Elements of the tag [`PROBE`] that it counts in.
    pub probes: u32,
}

/// The program alone.
pub fn plain(program: &Program) -> String {
    print(program, None).text
}

/// The program, and in front of every statement and around every third value a line of its own language that counts:
/// `io.probe[n] += 1;`. Three phases together count all values; braces around each at once would nest too deeply. What
/// cannot be in a block of its own (places that are called or assigned to) is not counted.
pub fn counting(program: &Program, phase: u32) -> Printed {
    print(program, Some(phase))
}

fn print(program: &Program, phase: Option<u32>) -> Printed {
    let counting = phase.is_some();
    let nodes = phase.unwrap_or(0);
    let mut printer = Printer { text: String::new(), indent: 0, counting, nodes, probes: 0, open: 0 };
    for (name, value) in &program.constants {
        printer.text.push_str(&format!("const {name} = "));
        // Constants are computed before there are tags.
        printer.counting = false;
        printer.expr(value, 0);
        printer.text.push_str(";\n");
    }
    // Nor are there any in `init`.
    let early = if counting { called_by_init(program) } else { BTreeSet::new() };
    for function in &program.functions {
        printer.counting = counting && !early.contains(&function.name);
        printer.function(function);
    }
    Printed { text: printer.text, probes: printer.probes }
}

/// Names of functions that run in `init`, it among them.
fn called_by_init(program: &Program) -> BTreeSet<String> {
    struct Calls<'a>(&'a mut Vec<String>);
    impl Visitor for Calls<'_> {
        fn expr(&mut self, expr: &mut Expr) {
            if let Kind::Call(name, _) | Kind::Method(_, name, _) = &expr.kind {
                self.0.push(name.clone());
            }
        }
    }
    let mut known = BTreeSet::new();
    let mut open = vec!["init".to_owned()];
    while let Some(name) = open.pop() {
        let named = program.functions.iter().find(|function| function.name == name);
        if let Some(function) = named.filter(|_| known.insert(name)) {
            walk_block(&mut function.body.clone(), &mut Calls(&mut open));
        }
    }
    known
}

/// Braces of counters that may stand in each other: each of them is a level, and there are only so many.
const OPEN_MAX: u8 = 2;

struct Printer {
    text: String,
    /// Braces of counters around.
    open: u8,
    indent: usize,
    counting: bool,
    /// Values so far.
    nodes: u32,
    probes: u32,
}

/// Of an operator; the higher, the tighter.
fn precedence(operator: &str) -> u8 {
    match operator {
        "||" | "^" | "|" => 30,
        "&&" | "&" => 60,
        "==" | "!=" => 90,
        "<" | "<=" | ">" | ">=" => 130,
        "+" | "-" => 150,
        "*" | "/" | "%" => 180,
        "**" => 190,
        _ => 210,
    }
}

const UNARY: u8 = 220;
const PRIMARY: u8 = 230;

fn tightness(expr: &Expr) -> u8 {
    match &expr.kind {
        Kind::Binary(operator, ..) => precedence(operator),
        Kind::Unary(..) => UNARY,
        Kind::Atom(text) if text.starts_with('-') => UNARY,
        _ => PRIMARY,
    }
}

/// Begins with a word or brace that begins a statement, too.
fn is_block_like(expr: &Expr) -> bool {
    matches!(expr.kind, Kind::If(..) | Kind::Switch(_) | Kind::Block(_))
}

fn begins_with_block(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Block(_) => true,
        Kind::Binary(_, left, _) => begins_with_block(left),
        Kind::Field(base, _) | Kind::Index(base, _) | Kind::Method(base, ..) => begins_with_block(base),
        _ => false,
    }
}

impl Printer {
    fn function(&mut self, function: &Function) {
        self.text.push_str(&format!("fn {}({}) ", function.name, function.parameters.join(", ")));
        self.lines(&function.body);
        self.text.push('\n');
    }

    fn line(&mut self) {
        self.text.push('\n');
        self.text.push_str(&"    ".repeat(self.indent));
    }

    fn probe(&mut self) {
        self.text.push_str(&format!("io.{PROBE}[{}] += 1; ", self.probes));
        self.probes += 1;
    }

    /// A block on one line, if nothing in it asks for more.
    fn block(&mut self, block: &Block) {
        let short = block.statements.len() < 2 && !self.counting;
        if !short || block.statements.iter().any(|statement| !statement.joined) {
            return self.lines(block);
        }
        self.text.push_str("{ ");
        for statement in &block.statements {
            self.statement(statement);
            self.text.push(' ');
        }
        if let Some(value) = &block.value {
            self.value_of_block(value);
            self.text.push(' ');
        }
        self.text.push('}');
    }

    fn lines(&mut self, block: &Block) {
        self.text.push('{');
        self.indent += 1;
        let mut first = true;
        for statement in &block.statements {
            if statement.joined && !first && !self.counting {
                self.text.push(' ');
            } else {
                self.line();
            }
            first = false;
            self.statement(statement);
        }
        if let Some(value) = &block.value {
            self.line();
            self.value_of_block(value);
        }
        self.indent -= 1;
        self.line();
        self.text.push('}');
    }

    fn value_of_block(&mut self, value: &Expr) {
        if self.counting {
            self.probe();
        }
        self.bare(value, 0);
    }

    fn statement(&mut self, statement: &Statement) {
        if self.counting {
            self.probe();
        }
        match &statement.kind {
            StatementKind::Let(name, value) => {
                self.text.push_str(&format!("let {name} = "));
                self.expr(value, 0);
                self.text.push(';');
            }
            StatementKind::Assign(place, operator, value) => {
                self.place(place);
                self.text.push_str(&format!(" {}= ", operator.unwrap_or("")));
                self.expr(value, 0);
                self.text.push(';');
            }
            StatementKind::Expr(expr) => {
                self.bare(expr, 0);
                if !is_block_like(expr) {
                    self.text.push(';');
                }
            }
            StatementKind::While(condition, body) => {
                self.text.push_str("while ");
                self.condition(condition);
                self.text.push(' ');
                self.lines(body);
            }
            StatementKind::Do(body, word, condition) => {
                self.text.push_str("do ");
                self.lines(body);
                self.text.push_str(&format!(" {word} "));
                self.condition(condition);
                self.text.push(';');
            }
            StatementKind::Loop(body) => {
                self.text.push_str("loop ");
                self.lines(body);
            }
            StatementKind::For(repeated) => self.repeated(repeated),
            StatementKind::Break => self.text.push_str("break;"),
            StatementKind::Continue => self.text.push_str("continue;"),
            StatementKind::Return(None) => self.text.push_str("return;"),
            StatementKind::Return(Some(value)) => {
                self.text.push_str("return ");
                self.expr(value, 0);
                self.text.push(';');
            }
        }
    }

    fn repeated(&mut self, repeated: &For) {
        match &repeated.counter {
            Some(counter) => self.text.push_str(&format!("for ({}, {counter}) in ", repeated.variable)),
            None => self.text.push_str(&format!("for {} in ", repeated.variable)),
        }
        match &repeated.items {
            Items::Range(start, dots, end) => {
                self.expr(start, 145);
                self.text.push_str(dots);
                self.expr(end, 145);
            }
            Items::Array(array) => self.condition(array),
            Items::Tag(tag) => self.text.push_str(tag),
        }
        self.text.push(' ');
        self.lines(&repeated.body);
    }

    /// A value, with its counter if there are any.
    fn expr(&mut self, expr: &Expr, least: u8) {
        self.nodes += 1;
        let counts = self.counting && self.nodes.is_multiple_of(3) && self.open < OPEN_MAX;
        if !counts || expr.ty == Ty::Unit {
            return self.bare(expr, least);
        }
        self.text.push_str(if least > 0 { "({ " } else { "{ " });
        self.probe();
        self.open += 1;
        self.bare(expr, 0);
        self.open -= 1;
        self.text.push_str(if least > 0 { " })" } else { " }" });
    }

    /// A value behind a word, which must not begin with the brace of a block.
    fn condition(&mut self, expr: &Expr) {
        let braced = begins_with_block(expr) || self.counting && expr.ty != Ty::Unit;
        self.expr(expr, if braced { PRIMARY + 1 } else { 0 });
    }

    /// A place, or what is called: no counter around it, but in its indices.
    fn place(&mut self, expr: &Expr) {
        match &expr.kind {
            Kind::Field(base, name) => {
                self.place(base);
                self.text.push_str(&format!(".{name}"));
            }
            Kind::Index(base, index) => {
                self.place(base);
                self.text.push('[');
                self.expr(index, 0);
                self.text.push(']');
            }
            Kind::Atom(text) if !text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                self.text.push_str(text);
            }
            Kind::Call(..) | Kind::Method(..) => self.bare(expr, PRIMARY),
            _ => {
                self.text.push('(');
                self.bare(expr, 0);
                self.text.push(')');
            }
        }
    }

    fn bare(&mut self, expr: &Expr, least: u8) {
        let needed = tightness(expr) < least;
        let wanted = expr.parentheses && !is_block_like(expr) && least > 0;
        if needed || wanted {
            self.text.push('(');
            self.inside(expr);
            self.text.push(')');
        } else {
            self.inside(expr);
        }
    }

    fn inside(&mut self, expr: &Expr) {
        match &expr.kind {
            Kind::Atom(text) => self.text.push_str(text),
            Kind::Field(..) | Kind::Index(..) => self.place(expr),
            Kind::Unary(operator, operand) => {
                self.text.push_str(operator);
                // Two signs in a row would be another operator.
                let sign = match &operand.kind {
                    // Nor does a minus go with a number that has a base.
                    Kind::Atom(text) => ["-", "0x", "0b", "0o"].iter().any(|start| text.starts_with(start)),
                    kind => matches!(kind, Kind::Unary(..)),
                };
                self.expr(operand, if sign { PRIMARY + 1 } else { UNARY });
            }
            Kind::Binary(operator, left, right) => self.binary(expr, operator, left, right),
            // A counter in the length of an array would leave the length unknown.
            Kind::Call(name, arguments) => {
                self.text.push_str(name);
                match arguments.as_slice() {
                    // A counter in the length of an array would leave the length unknown.
                    [len, value] if name == "array" && self.counting => {
                        self.counting = false;
                        self.list('(', std::iter::once(len), ',', false);
                        self.counting = true;
                        self.text.push(' ');
                        self.expr(value, 0);
                        self.text.push(')');
                    }
                    all => self.list('(', all.iter(), ')', expr.broken),
                }
            }
            Kind::Method(base, name, arguments) => {
                self.place(base);
                if expr.broken {
                    self.indent += 1;
                    self.line();
                    self.indent -= 1;
                }
                self.text.push_str(&format!(".{name}"));
                self.list('(', arguments.iter(), ')', false);
            }
            Kind::Array(elements) => self.list('[', elements.iter(), ']', expr.broken),
            Kind::Record(fields) => {
                self.text.push_str("#{ ");
                for (index, (name, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        self.text.push_str(", ");
                        self.break_line(expr.broken);
                    }
                    self.text.push_str(&format!("{name}: "));
                    self.expr(value, 0);
                }
                self.text.push_str(" }");
            }
            Kind::If(condition, then, otherwise) => {
                self.text.push_str("if ");
                self.condition(condition);
                self.text.push(' ');
                self.block(then);
                self.otherwise(otherwise.as_ref());
            }
            Kind::Switch(switch) => self.switch(switch),
            Kind::Block(block) => self.block(block),
        }
    }

    fn break_line(&mut self, broken: bool) {
        if broken {
            self.indent += 1;
            self.line();
            self.indent -= 1;
        }
    }

    fn binary(&mut self, expr: &Expr, operator: &str, left: &Expr, right: &Expr) {
        let own = precedence(operator);
        // `**` binds to the right, all others to the left.
        let (l, r) = if operator == "**" { (own + 1, own) } else { (own, own + 1) };
        // A statement may begin here, which takes such words for itself.
        let l = if is_block_like(left) || self.counting { PRIMARY + 1 } else { l };
        self.expr(left, l);
        self.text.push_str(&format!(" {operator} "));
        self.break_line(expr.broken);
        self.expr(right, r);
    }

    fn list<'a>(&mut self, open: char, items: impl Iterator<Item = &'a Expr>, close: char, broken: bool) {
        self.text.push(open);
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            self.break_line(broken && index > 0);
            self.expr(item, 0);
        }
        self.text.push(close);
    }

    fn otherwise(&mut self, otherwise: Option<&Block>) {
        let Some(block) = otherwise else { return };
        self.text.push_str(" else ");
        match (&block.statements[..], &block.value) {
            ([], Some(value)) if matches!(value.kind, Kind::If(..)) && !self.counting => self.inside(value),
            _ => self.block(block),
        }
    }

    fn switch(&mut self, switch: &Switch) {
        self.text.push_str("switch ");
        self.condition(&switch.value);
        self.text.push_str(" {");
        self.indent += 1;
        for Arm { patterns, guard, body } in &switch.arms {
            self.line();
            self.text.push_str(&patterns.join(" | "));
            if let Some(guard) = guard {
                self.text.push_str(" if ");
                self.condition(guard);
            }
            self.arm(body);
        }
        if let Some(body) = &switch.default {
            self.line();
            self.text.push('_');
            self.arm(body);
        }
        self.indent -= 1;
        self.line();
        self.text.push('}');
    }

    fn arm(&mut self, body: &Expr) {
        self.text.push_str(" => ");
        if let Kind::Block(block) = &body.kind {
            // A single statement needs no braces.
            if let ([statement], None, false) = (&block.statements[..], &block.value, self.counting)
                && statement.joined
                && let StatementKind::Assign(..) = statement.kind
            {
                self.statement(statement);
                self.text.pop();
                return self.text.push(',');
            }
            self.block(block);
        } else {
            self.expr(body, 0);
        }
        self.text.push(',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::Reach;

    fn name(text: &str) -> Expr {
        Expr::atom(Ty::I64(Reach::Tame), text)
    }

    fn binary(operator: &'static str, left: Expr, right: Expr) -> Expr {
        Expr::binary(Ty::INT, operator, left, right)
    }

    #[track_caller]
    fn shown(value: Expr, expected: &str) {
        let body = Block::value(value);
        let function = Function { name: "f".to_owned(), parameters: vec!["a".to_owned()], body };
        let program = Program { constants: Vec::new(), functions: vec![function] };
        assert_eq!(plain(&program), format!("fn f(a) {{\n    {expected}\n}}\n"));
    }

    #[test]
    fn parentheses_where_precedence_needs_them() {
        let (a, b, c) = (|| name("a"), || name("b"), || name("c"));
        shown(binary("*", binary("+", a(), b()), c()), "(a + b) * c");
        shown(binary("+", binary("*", a(), b()), c()), "a * b + c");
        shown(binary("-", a(), binary("-", b(), c())), "a - (b - c)");
        shown(binary("-", binary("-", a(), b()), c()), "a - b - c");
        shown(binary("**", a(), binary("**", b(), c())), "a ** b ** c");
        shown(binary("**", binary("**", a(), b()), c()), "(a ** b) ** c");
        shown(Expr::unary(Ty::INT, "-", Expr::int(-5)), "-(-5)");
        shown(Expr::method(Ty::INT, Expr::int(-5), "abs", vec![]), "(-5).abs()");
    }

    #[test]
    fn counters_stand_at_every_value() {
        let body = Block::value(binary("+", name("a"), Expr::index(Ty::INT, name("this.x"), name("a"))));
        let function = Function { name: "f".to_owned(), parameters: vec!["a".to_owned()], body };
        let printed = |phase| {
            let functions = vec![function.clone()];
            counting(&Program { constants: Vec::new(), functions }, phase)
        };
        for (phase, text) in [
            (0, "(a) + this.x[{ io.probe[1] += 1; a }]"),
            (1, "(a) + ({ io.probe[1] += 1; this.x[a] })"),
            (2, "({ io.probe[1] += 1; a }) + this.x[a]"),
        ] {
            let text = format!("fn f(a) {{\n    io.probe[0] += 1; {text}\n}}\n");
            assert_eq!(printed(phase).text, text);
        }
    }
}
