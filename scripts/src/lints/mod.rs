//! What is allowed, and probably not what was meant.
//!
//! One file a lint; each reads the typed tree and nothing else. They run on programs without errors only: what an error
//! leaves open would look like a mistake of its own.

mod across;
mod axes;
mod calls;
mod dead;
mod effects;
mod fields;
mod floats;
mod instances;
mod items;
mod loops;
mod paths;
mod retained;
mod steady;
mod units;
mod values;
mod variables;
mod walk;

pub use across::{Member, across};
pub use retained::{retained, retained_types};

use crate::{
    Layout, ScriptEnvironment,
    hir::{FileId, Function, FunctionId, Hir, Span},
    ranges::{self, Examined},
    sink::Sink,
    syntax::Parse,
};
use paths::Paths;
use sensai_model::Tag;

/// What lints look at.
pub struct Subject<'a> {
    /// The program.
    pub hir: &'a Hir,
    /// Functions that nobody calls, with types as far as they are known.
    pub uncalled: &'a [Function],
    /// Shape of its state.
    pub layout: &'a Layout,
    /// Trees of its files, in the order of [`Hir::files`].
    pub trees: &'a [Parse],
    /// Its cell.
    pub environment: &'a ScriptEnvironment<'a>,
}

/// Run all lints.
pub(crate) fn run(subject: &Subject<'_>, sink: &mut Sink) {
    let Subject { hir, environment, .. } = *subject;
    let program =
        Program { hir, environment, paths: Paths::new(hir), examined: ranges::examine(hir, environment) };
    values::lint(subject, &program, sink);
    loops::lint(&program, sink);
    units::lint(&program, sink);
    dead::lint(&program, sink);
    variables::lint(&program, sink);
    items::lint(subject, &program, sink);
    fields::lint(&program, sink);
    steady::lint(&program, sink);
    axes::lint(&program, sink);
    floats::lint(&program, sink);
}

/// What a lint looks at, and what it needs to find its way.
struct Program<'a> {
    hir: &'a Hir,
    environment: &'a ScriptEnvironment<'a>,
    paths: Paths,
    /// What its values can be.
    examined: Examined,
}

impl<'a> Program<'a> {
    /// Instances that run, callees before their callers.
    fn functions(&self) -> impl Iterator<Item = (FunctionId, &'a Function)> {
        let all = self.hir.functions.iter().enumerate();
        let all = all.map(|(index, function)| (FunctionId(index as u32), function));
        all.filter(|(id, _)| self.paths.is_called(*id))
    }

    /// A part of a text; empty if there is no such part.
    fn text(&self, file: FileId, span: Span) -> &'a str {
        let file = self.hir.files.get(file.index());
        file.and_then(|file| file.text.get(span.start as usize..span.end as usize)).unwrap_or_default()
    }

    /// A tag by its number in the tree: of the cell, or of a twin's shafts.
    fn tag(&self, number: u32) -> Option<&'a Tag> {
        let (tags, shafts) = (self.environment.tags, self.environment.role.shafts());
        tags.iter().chain(shafts).nth(number as usize)
    }
}
