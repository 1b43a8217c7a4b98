//! Advice about programs that have no errors.
//!
//! A lint reads the finished program and reports to the sink. It never refuses anything: what a program may not do is an
//! error, and found before.

use crate::{
    Layout, ScriptEnvironment,
    hir::{Function, Hir},
    sink::Sink,
    syntax::Parse,
};

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

/// Looks at a program and reports.
pub type Lint = fn(&Subject<'_>, &mut Sink);

/// All lints, in no particular order: findings are sorted by their places.
const LINTS: &[Lint] = &[];

/// Run all lints.
pub(crate) fn run(subject: &Subject<'_>, sink: &mut Sink) {
    for lint in LINTS {
        lint(subject, sink);
    }
}
