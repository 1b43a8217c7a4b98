//! The tiers that are compared.

use sensai_model::cell::ProgramSource;
use sensai_scripts::{
    Program, ScriptEnvironment, ScriptFinding, Severity, analyse, interpreter,
    native::{self, Options, Source},
};

/// Makes a program of one tier, or says why it does not.
pub type Compile<'a> =
    dyn Fn(&ProgramSource, &ScriptEnvironment<'_>) -> Result<Box<dyn Program>, String> + Sync + 'a;

/// The two that are compared, the oracle first.
#[derive(Clone, Copy)]
pub struct Tiers<'a> {
    /// What it says counts.
    pub oracle: &'a Compile<'a>,
    /// What must say the same.
    pub tested: &'a Compile<'a>,
}

/// The interpreter, and what is compared with it.
pub const TIERS: Tiers<'static> = Tiers { oracle: &interpreted, tested: &compiled };

/// The interpreter tier.
///
/// # Errors
/// What its check finds.
pub fn interpreted(
    source: &ProgramSource,
    environment: &ScriptEnvironment<'_>,
) -> Result<Box<dyn Program>, String> {
    let made = interpreter::compile(source, environment);
    made.map(|program| Box::new(program) as Box<dyn Program>).map_err(|findings| errors(&findings))
}

/// The native tier, behind its own front end.
///
/// # Errors
/// What the front end finds, or why there is no code.
pub fn compiled(
    source: &ProgramSource,
    environment: &ScriptEnvironment<'_>,
) -> Result<Box<dyn Program>, String> {
    let analysed = analyse(source, environment);
    let (Some(hir), Some(layout), Some(initial)) = (&analysed.hir, &analysed.layout, &analysed.initial)
    else {
        return Err(errors(&analysed.findings));
    };
    let source = Source { name: &source.name, hir, layout, initial, environment };
    let proven = sensai_scripts::ranges::prove(hir, environment);
    let made = native::compile(&source, &Options { proofs: &proven, ..Options::default() });
    made.map(|program| Box::new(program) as Box<dyn Program>).map_err(|error| error.to_string())
}

fn errors(findings: &[ScriptFinding]) -> String {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
