//! Variables and parameters that nothing reads.

use super::{
    Program,
    walk::{Access, Visitor, walk},
};
use crate::{
    finding::{Edit, code},
    hir::{FileId, Function, LocalId, Place, Root, Span, Statement, StatementKind},
    sink::{Found, Sink},
};
use std::collections::BTreeMap;

/// A name that begins with `_` says that it is meant so. Nobody can leave the variable of a `for` out.
pub(super) fn lint(program: &Program<'_>, sink: &mut Sink) {
    let mut variables: BTreeMap<(FileId, Span), Variable> = BTreeMap::new();
    for (_, function) in program.functions() {
        let mut uses = Uses { locals: vec![Variable::default(); function.locals.len()] };
        uses.declare(function);
        walk(function, &mut uses);
        for (local, used) in function.locals.iter().zip(uses.locals) {
            let variable = variables.entry((function.file, local.span)).or_insert_with(|| Variable {
                name: local.name.clone(),
                what: used.what,
                ..Variable::default()
            });
            variable.read |= used.read;
            variable.written |= used.written;
        }
    }
    for ((file, span), variable) in variables {
        if !variable.read && variable.what != What::Loop && !variable.name.starts_with('_') {
            sink.add(found(file, span, &variable));
        }
    }
}

fn found(file: FileId, span: Span, variable: &Variable) -> Found {
    let name = &variable.name;
    let what = match variable.what {
        What::Parameter => "the parameter",
        What::Counter => "the counter",
        What::Let | What::Loop => "the variable",
    };
    if variable.written {
        let message = format!("{what} `{name}` is assigned to, but never read");
        let help = "read it, or leave it away with all that is assigned to it";
        return Found::warning(code::UNUSED_VARIABLE, file, span, message).help(help);
    }
    let help = format!("leave it away, or name it `_{name}` to say that it is meant so");
    let edit = Edit { start: span.start, end: span.start, text: "_".to_owned() };
    Found::warning(code::UNUSED_VARIABLE, file, span, format!("{what} `{name}` is never read"))
        .help(help)
        .fix(format!("name it `_{name}`"), vec![edit])
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum What {
    #[default]
    Let,
    Parameter,
    Loop,
    Counter,
}

#[derive(Clone, Debug, Default)]
struct Variable {
    name: String,
    what: What,
    read: bool,
    written: bool,
}

struct Uses {
    locals: Vec<Variable>,
}

impl Uses {
    fn declare(&mut self, function: &Function) {
        for variable in self.locals.iter_mut().take(function.parameters as usize) {
            variable.what = What::Parameter;
        }
    }

    fn set(&mut self, local: LocalId, change: impl FnOnce(&mut Variable)) {
        if let Some(variable) = self.locals.get_mut(local.index()) {
            change(variable);
        }
    }
}

impl Visitor for Uses {
    fn statement(&mut self, statement: &Statement) {
        if let StatementKind::For { variable, counter, .. } = &statement.kind {
            self.set(*variable, |variable| variable.what = What::Loop);
            if let Some(counter) = counter {
                self.set(*counter, |counter| counter.what = What::Counter);
            }
        }
    }

    fn place(&mut self, place: &Place, access: Access) {
        if let Root::Local(local) = place.root {
            self.set(local, |variable| match access {
                Access::Write | Access::Update => variable.written = true,
                _ => variable.read = true,
            });
        }
    }
}
