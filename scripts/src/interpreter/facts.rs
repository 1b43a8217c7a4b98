//! What the interpreter needs to know of Rhai's own tree: where things are whose places Rhai forgets, and what is made and
//! copied.

use super::{
    made::Made,
    walk::{Chain, Function, Link, Use, Visitor, chain, is_local, outer_name, walk},
};
use crate::environment::ROOTS;
use rhai::{Expr, FnCallExpr, Position, Stmt};

/// What the interpreter needs to know.
#[derive(Default)]
pub(crate) struct Facts {
    /// Loops in which nothing is computed, so that only a text tells where they stand.
    pub silent_loops: Vec<Position>,
    /// Paths below `this` that are assigned to, without indices, and where.
    pub assignments: Vec<(String, Position)>,
    /// Arrays and records made in `cycle`, and where.
    pub made: Vec<(Position, Made)>,
    /// Functions of the program are called on variables and constants, as in `copy.f()`.
    pub calls_on_values: bool,
    /// Where one is called on what an expression gives, as in `f().g()`.
    pub calls_on_results: Option<Position>,
    /// Names of the functions, each with the place of its opening brace, ascending by it.
    pub functions: Vec<(String, Position)>,
}

impl Facts {
    /// Where a function without parameters starts; where the program does, if there is none of that name.
    pub fn start(&self, name: &str) -> Position {
        let found = self.functions.iter().find(|(known, _)| known == name);
        found.map_or(Position::new(1, 1), |(_, position)| *position)
    }

    /// Of a program with these functions.
    pub fn of(functions: &[Function]) -> Self {
        let names = functions.iter().map(|function| (function.name.clone(), function.position));
        let facts = Self { functions: names.collect(), ..Self::default() };
        let mut finder = Finder { functions, current: 0, calls: Vec::new(), made: Vec::new(), facts };
        for (index, function) in functions.iter().enumerate() {
            finder.current = index;
            walk(&function.body, &mut finder);
        }
        let in_cycle = finder.reached_from("cycle");
        let made = finder.made.into_iter().filter(|(function, ..)| in_cycle.get(*function) == Some(&true));
        finder.facts.made = made.map(|(_, position, made)| (position, made)).collect();
        finder.facts
    }
}

struct Finder<'a> {
    functions: &'a [Function],
    /// Index of the function at hand.
    current: usize,
    /// Which function calls which.
    calls: Vec<(usize, usize)>,
    made: Vec<(usize, Position, Made)>,
    facts: Facts,
}

impl Finder<'_> {
    fn find(&self, name: &str, count: usize) -> Option<usize> {
        self.functions.iter().position(|function| function.name == name && function.parameters.len() == count)
    }

    /// Functions, by index, that run when `entry` does.
    fn reached_from(&self, entry: &str) -> Vec<bool> {
        let mut reached = vec![false; self.functions.len()];
        let mut open: Vec<usize> = self.find(entry, 0).into_iter().collect();
        while let Some(index) = open.pop() {
            match reached.get_mut(index) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            open.extend(self.calls.iter().filter(|(from, _)| *from == index).map(|(_, to)| *to));
        }
        reached
    }

    fn calls(&mut self, call: &FnCallExpr) -> bool {
        let to = self.find(&call.name, call.args.len());
        self.calls.extend(to.map(|to| (self.current, to)));
        to.is_some()
    }

    /// Functions that are called on what is not in the state: its parts are copied out of reach of the layout.
    fn called_on(&mut self, chain: &Chain<'_>, call: &FnCallExpr, position: Position) {
        if !self.calls(call) {
            return;
        }
        let first = chain.links.iter().find(|link| matches!(link, Link::Method(..)));
        let directly = first.is_some_and(|link| link.position() == position);
        match chain.root {
            Expr::ThisPtr(_) if directly => {}
            Expr::Variable(..) if directly => self.facts.calls_on_values = true,
            _ => self.facts.calls_on_results = self.facts.calls_on_results.or(Some(position)),
        }
    }

    fn makes(&mut self, expression: &Expr) {
        self.made.push((self.current, expression.start_position(), Made::by(expression)));
    }
}

impl Visitor for Finder<'_> {
    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::For(parts, _) if is_silent(parts.2.body.statements()) => {
                self.facts.silent_loops.push(statement.position());
            }
            Stmt::While(flow, position) | Stmt::Do(flow, _, position)
                if is_silent(flow.body.statements()) =>
            {
                self.facts.silent_loops.push(*position);
            }
            Stmt::FnCall(call, _) => {
                self.calls(call);
            }
            _ => {}
        }
    }

    fn expression(&mut self, expression: &Expr, used: Use) {
        match expression {
            Expr::Array(..) | Expr::Map(..) => self.makes(expression),
            Expr::FnCall(call, _) => {
                if call.name == "array" {
                    self.makes(expression);
                }
                self.calls(call);
            }
            Expr::Dot(..) | Expr::Index(..) => {
                let Some(chain) = chain(expression) else { return };
                for link in &chain.links {
                    if let Link::Method(call, position) = link {
                        self.called_on(&chain, call, *position);
                    }
                }
                if let (Use::Target, Expr::ThisPtr(position)) = (used, chain.root) {
                    let path: Vec<&str> = chain
                        .links
                        .iter()
                        .filter_map(
                            |link| if let Link::Property(name, _) = link { Some(*name) } else { None },
                        )
                        .collect();
                    self.facts.assignments.push((path.join("."), *position));
                }
            }
            _ => {}
        }
    }
}

/// Nothing in the body notes its place when it runs.
fn is_silent(body: &[Stmt]) -> bool {
    struct Finder(bool);
    impl Visitor for Finder {
        fn statement(&mut self, statement: &Stmt) {
            self.0 |= matches!(statement, Stmt::FnCall(..));
        }
        fn expression(&mut self, expression: &Expr, _: Use) {
            self.0 |= match expression {
                Expr::FnCall(..) => true,
                // Fields of the state are Rhai's own business; tags, parameters, facts and methods are ours.
                Expr::Dot(..) | Expr::Index(..) => chain(expression).is_some_and(|chain| {
                    let method = chain.links.iter().any(|link| matches!(link, Link::Method(..)));
                    let root = !is_local(chain.root)
                        && outer_name(chain.root).is_some_and(|name| ROOTS.contains(&name));
                    method || root
                }),
                _ => false,
            };
        }
    }
    let mut finder = Finder(false);
    walk(body, &mut finder);
    !finder.0
}
