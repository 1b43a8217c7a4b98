//! From the text of a program to something that runs it.

use crate::{
    AssignedTag, InterpretedProgram, Layout, Program, ScriptEnvironment, ScriptFinding, Severity,
    analyse::{Analysed, Before, analyse, analyse_again, analyse_replacing},
    interpreter,
    migrator::{MIGRATE, Migrator, MigratorError},
    native::{self, NativeError, NativeProgram, Options, Source},
    ranges::prove,
};
use sensai_model::cell::{ProgramSource, Tier};
use std::fmt;

/// Why a program cannot be run.
#[derive(Clone, Debug)]
pub enum LoadError {
    /// It is wrong: all findings, at least one of them an error.
    Findings(Vec<ScriptFinding>),
    /// It is right, and there is no code for it.
    Native(NativeError),
    /// Its `migrate(old)` cannot be run.
    Migrator(MigratorError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Findings(findings) => {
                let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
                for (index, finding) in errors.enumerate() {
                    if index > 0 {
                        f.write_str("\n")?;
                    }
                    write!(f, "{finding}")?;
                }
                Ok(())
            }
            Self::Native(error) => error.fmt(f),
            Self::Migrator(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

/// A program that can run.
pub struct Loaded {
    /// The program, as its `init` left it.
    pub program: Tiered,
    /// Tags that its text assigns to, each once, by ascending index.
    pub assigned: Vec<AssignedTag>,
}

/// A program in its tier.
pub enum Tiered {
    /// Machine code; any thread may run it.
    Native(Box<NativeProgram>),
    /// Bound to the thread that made it.
    Interpreted(Box<InterpretedProgram>),
}

impl Tiered {
    /// For whoever does not care which it is.
    pub fn boxed(self) -> Box<dyn Program> {
        match self {
            Self::Native(program) => program,
            Self::Interpreted(program) => program,
        }
    }
}

/// Look at a program as the tier does that runs it: what the interpreter cannot do is wrong only there.
pub fn check(program: &ProgramSource, environment: &ScriptEnvironment<'_>, tier: Tier) -> Analysed {
    checked(program, environment, tier, analyse(program, environment))
}

/// [`check`], for a program of which most is as it was before: the same result, sooner.
pub fn check_again(
    program: &ProgramSource,
    environment: &ScriptEnvironment<'_>,
    tier: Tier,
    before: Before<'_>,
) -> Analysed {
    checked(program, environment, tier, analyse_again(program, environment, before))
}

fn checked(
    program: &ProgramSource,
    environment: &ScriptEnvironment<'_>,
    tier: Tier,
    mut analysed: Analysed,
) -> Analysed {
    if tier == Tier::Interpreter {
        drop(interpreter::prepare(program, environment, &mut analysed));
    }
    analysed
}

/// Make a program in a tier.
///
/// # Errors
/// See [`LoadError`].
pub fn load(
    program: &ProgramSource,
    environment: &ScriptEnvironment<'_>,
    tier: Tier,
) -> Result<Loaded, LoadError> {
    match tier {
        Tier::Native => {
            let mut analysed = analyse(program, environment);
            let assigned = std::mem::take(&mut analysed.assigned);
            let native = compile(&program.name, analysed, environment)?;
            Ok(Loaded { program: Tiered::Native(Box::new(native)), assigned })
        }
        Tier::Interpreter => {
            let interpreted = interpreter::compile(program, environment).map_err(LoadError::Findings)?;
            let assigned = interpreted.assigned_tags().to_vec();
            Ok(Loaded { program: Tiered::Interpreted(Box::new(interpreted)), assigned })
        }
    }
}

/// A program as machine code.
///
/// # Errors
/// See [`LoadError`].
pub fn load_native(
    program: &ProgramSource,
    environment: &ScriptEnvironment<'_>,
) -> Result<NativeProgram, LoadError> {
    compile(&program.name, analyse(program, environment), environment)
}

/// A program as machine code that takes the place of one with the layout `old`, and what its own `migrate(old)` does.
///
/// The program is the one that [`load_native`] gives, whatever it replaces: a replay that begins behind the reload makes it
/// without knowing what was before.
///
/// # Errors
/// See [`LoadError`].
pub fn load_replacing(
    program: &ProgramSource,
    environment: &ScriptEnvironment<'_>,
    old: &Layout,
) -> Result<(NativeProgram, Option<Migrator>), LoadError> {
    let analysed = analyse(program, environment);
    let migrates = analysed.others.iter().any(|function| function.name == MIGRATE);
    let native = compile(&program.name, analysed, environment)?;
    if !migrates {
        return Ok((native, None));
    }
    let analysed = analyse_replacing(program, environment, old);
    let source = source(&program.name, &analysed, environment)?;
    let migrator = Migrator::compile(&source, old).map_err(LoadError::Migrator)?;
    Ok((native, migrator))
}

fn source<'a>(
    name: &'a str,
    analysed: &'a Analysed,
    environment: &'a ScriptEnvironment<'a>,
) -> Result<Source<'a>, LoadError> {
    let (Some(hir), Some(layout), Some(initial)) = (&analysed.hir, &analysed.layout, &analysed.initial)
    else {
        return Err(LoadError::Findings(analysed.findings.clone()));
    };
    Ok(Source { name, hir, layout, initial, environment })
}

fn compile(
    name: &str,
    analysed: Analysed,
    environment: &ScriptEnvironment<'_>,
) -> Result<NativeProgram, LoadError> {
    let source = source(name, &analysed, environment)?;
    let proven = prove(source.hir, environment);
    native::compile(&source, &Options { proofs: &proven, ..Options::default() }).map_err(LoadError::Native)
}
