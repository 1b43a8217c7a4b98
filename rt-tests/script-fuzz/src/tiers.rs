//! The tiers that are compared.

use sensai_model::cell::ProgramSource;
use sensai_scripts::{
    Layout, Program, ProgramError, RunContext, ScriptEnvironment, ScriptFinding, Severity, analyse,
    debug::{Here, Subject, Watch},
    interpreter,
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

/// What a debugger shows, compared with compiled code.
pub const DEBUGGER: Tiers<'static> = Tiers { oracle: &compiled, tested: &debugged };

/// A program as its debugger runs it.
///
/// # Errors
/// As [`compiled`].
pub fn debugged(
    source: &ProgramSource,
    environment: &ScriptEnvironment<'_>,
) -> Result<Box<dyn Program>, String> {
    let subject = Subject::new(source, environment).map_err(|error| error.to_string())?;
    let inner = compiled(source, environment)?;
    let state = inner.state().into();
    Ok(Box::new(Debugged { subject, inner, state, places: 0 }))
}

/// The state is its own; the compiled program says which states there are.
struct Debugged {
    subject: Subject,
    inner: Box<dyn Program>,
    state: Box<[u8]>,
    places: u64,
}

/// Counts places.
#[derive(Default)]
struct Counting(u64);

impl Watch for Counting {
    fn arrive(&mut self, here: &Here<'_>) {
        // Looking must change nothing.
        let snapshot = here.snapshot();
        assert_eq!(snapshot.calls(here.subject()).len(), here.depth());
        self.0 += 1;
    }
}

impl Program for Debugged {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn layout(&self) -> &Layout {
        self.inner.layout()
    }

    fn state(&self) -> &[u8] {
        &self.state
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), ProgramError> {
        self.inner.restore(state)?;
        self.state.copy_from_slice(self.inner.state());
        Ok(())
    }

    fn reset(&mut self) {
        self.inner.reset();
        self.state.copy_from_slice(self.inner.state());
    }

    fn cycle(&mut self, context: &mut RunContext<'_>) -> Result<(), ProgramError> {
        let mut counting = Counting::default();
        let ended = self.subject.run(&self.state, context, &mut counting);
        self.places = counting.0;
        self.state = ended?;
        Ok(())
    }

    fn operations(&self) -> u64 {
        self.places
    }
}

fn errors(findings: &[ScriptFinding]) -> String {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
