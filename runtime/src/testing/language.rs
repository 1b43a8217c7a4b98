//! The language of tests: stock Rhai, with `t`, bounded.

use super::{
    calls::{self, CALLS, Handle},
    session::Session,
};
use crate::{
    control::protocol::{shown, suggestion},
    programs::span,
};
use rhai::{AST, CallFnOptions, Dynamic, Engine, EvalAltResult, Position, Scope};
use sensai_model::config::{Finding, Severity};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

/// Operations of Rhai that one test may use, apart from the cycles that it runs.
const OPERATIONS_MAX: u64 = 20_000_000;

/// Calls inside calls.
const CALL_DEPTH: usize = 32;

/// Lines that a test may print.
const PRINTED_MAX: usize = 200;

/// A file of tests.
#[derive(Clone, Debug)]
pub struct TestFile {
    /// Path as findings show it.
    pub path: String,
    /// File stem.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A test in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestFunction {
    /// `test_…`.
    pub name: String,
    /// Line from 1.
    pub line: u32,
}

/// A parsed file.
pub struct Suite {
    engine: Engine,
    ast: AST,
    constants: Rc<RefCell<BTreeMap<String, Dynamic>>>,
    file: Rc<TestFile>,
    printed: Rc<RefCell<Vec<String>>>,
}

impl Suite {
    /// Parse a file and work out its constants.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(file: TestFile) -> Result<Self, Box<Finding>> {
        let file = Rc::new(file);
        let constants = Rc::new(RefCell::new(BTreeMap::new()));
        let printed = Rc::new(RefCell::new(Vec::new()));
        let engine = engine(&constants, &printed);
        let ast = engine.compile(&file.text).map_err(|error| {
            let mut message = error.err_type().to_string();
            lower(&mut message);
            let finding = file.finding("T101", error.position(), message, None);
            let word = file.text.get(finding.span.clone());
            let help = word.filter(|word| *word == "until").map(|_| {
                "`until` is a word of the language itself; write t.wait_until(name, value, seconds)"
                    .to_owned()
            });
            Box::new(Finding { help, ..finding })
        })?;
        let suite = Self { engine, ast, constants, file, printed };
        let mut scope = Scope::new();
        let run = suite.engine.run_ast_with_scope(&mut scope, &suite.ast);
        run.map_err(|error| Box::new(suite.explain(&error, Position::NONE)))?;
        for (name, _, value) in scope.iter() {
            suite.constants.borrow_mut().insert(name.to_owned(), value);
        }
        Ok(suite)
    }

    /// The program under test, if the file says it: `const PROGRAM = "press";`.
    ///
    /// # Errors
    /// If it is no text.
    pub fn program(&self) -> Result<Option<String>, Box<Finding>> {
        let constants = self.constants.borrow();
        let Some(value) = constants.get("PROGRAM") else { return Ok(None) };
        match value.as_immutable_string_ref() {
            Ok(name) => Ok(Some(name.to_string())),
            Err(_) => {
                let message = "PROGRAM is no text".to_owned();
                let help = Some("write `const PROGRAM = \"press\";`".to_owned());
                Err(Box::new(self.file.finding("T103", self.place_of("PROGRAM"), message, help)))
            }
        }
    }

    /// Where a word first stands in the text.
    pub fn place_of(&self, word: &str) -> Position {
        let found = self
            .file
            .text
            .lines()
            .enumerate()
            .find_map(|(line, text)| text.find(word).map(|at| (line, text, at)));
        found.map_or(Position::NONE, |(line, text, at)| {
            let column = text.get(..at).map_or(0, |before| before.chars().count());
            Position::new(
                u16::try_from(line + 1).unwrap_or(u16::MAX),
                u16::try_from(column + 1).unwrap_or(u16::MAX),
            )
        })
    }

    /// Its file.
    pub fn file(&self) -> &TestFile {
        &self.file
    }

    /// Its tests, in the order of the file; and what is wrong with functions that look like tests.
    pub fn tests(&self) -> (Vec<TestFunction>, Vec<Finding>) {
        let (mut tests, mut findings) = (Vec::new(), Vec::new());
        for function in self.ast.iter_functions().filter(|function| function.name.starts_with("test_")) {
            let place = self.place_of(&format!("fn {}(", function.name));
            if function.params.len() == 1 {
                tests.push(TestFunction {
                    name: function.name.to_owned(),
                    line: place.line().unwrap_or(1) as u32,
                });
            } else {
                let message =
                    format!("{} has {} parameters, a test has one", function.name, function.params.len());
                let help = Some(format!("write `fn {}(t)`, or give a helper another name", function.name));
                findings.push(self.file.finding("T102", place, message, help));
            }
        }
        tests.sort_by_key(|test| (test.line, test.name.clone()));
        (tests, findings)
    }

    /// Run one test. What it found is in the session that comes back; `None`: the test has kept `t`.
    pub fn run(&self, test: &str, session: Session) -> Option<Session> {
        self.printed.borrow_mut().clear();
        let session = Rc::new(RefCell::new(session));
        let handle = Handle { session: Rc::clone(&session), file: Rc::clone(&self.file) };
        let options = CallFnOptions::new().eval_ast(false);
        let called = self.engine.call_fn_with_options::<Dynamic>(
            options,
            &mut Scope::new(),
            &self.ast,
            test,
            (handle,),
        );
        if let Err(error) = called
            && !matches!(innermost(&error).0, EvalAltResult::ErrorTerminated(..))
        {
            // A loop in which nothing is called has lost its place.
            let reached = session.borrow().last_call;
            let finding = self.explain(&error, reached.or_else(self.place_of(&format!("fn {test}("))));
            session.borrow_mut().findings.push(finding);
        }
        // The engine has dropped all its values by now, and with them every other handle.
        let mut session = Rc::into_inner(session)?.into_inner();
        session.printed = self.printed.take();
        Some(session)
    }

    /// An error of the test's own text.
    fn explain(&self, error: &EvalAltResult, reached: Position) -> Finding {
        let (inner, position) = innermost(error);
        let place = self.file.finding("T204", position.or_else(reached), String::new(), None);
        let before = self.file.text.get(..place.span.start).unwrap_or_default();
        let (code, message, help) = explain(inner, before.trim_end().ends_with('.'));
        Finding { code, rule: super::rule(code), message, help, ..place }
    }
}

impl TestFile {
    /// A finding at a place of the file: a word is underlined.
    pub fn finding(
        &self,
        code: &'static str,
        at: Position,
        message: String,
        help: Option<String>,
    ) -> Finding {
        let line = at.line().unwrap_or(0) as u32;
        let column = at.position().unwrap_or(1).max(1) as u32;
        let text = self.text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default();
        let rest = text.chars().skip(column as usize - 1);
        let word = rest.take_while(|letter| letter.is_alphanumeric() || *letter == '_').count().max(1) as u32;
        Finding {
            severity: Severity::Error,
            code,
            rule: super::rule(code),
            path: self.path.clone(),
            span: span(&self.text, line, column, word),
            line: line.max(1),
            column,
            key: String::new(),
            message,
            got: None,
            help,
            related: Vec::new(),
        }
    }
}

fn engine(constants: &Rc<RefCell<BTreeMap<String, Dynamic>>>, printed: &Rc<RefCell<Vec<String>>>) -> Engine {
    let mut engine = Engine::new();
    engine
        .set_max_operations(OPERATIONS_MAX)
        .set_max_call_levels(CALL_DEPTH)
        .set_max_expr_depths(64, 64)
        .set_max_string_size(1 << 16)
        .set_max_array_size(1 << 16)
        .set_max_map_size(1 << 12)
        .set_max_modules(0)
        .set_fail_on_invalid_map_property(true)
        .disable_symbol("eval");
    // Constants of the file are seen in its functions, as in programs.
    let constants = Rc::clone(constants);
    #[allow(deprecated, reason = "marked so because it may change, which the pinned version does not")]
    engine.on_var(move |name, index, _| {
        Ok(if index == 0 { constants.borrow().get(name).cloned() } else { None })
    });
    for (lines, debug) in [(Rc::clone(printed), false), (Rc::clone(printed), true)] {
        let keep = move |text: &str| {
            let mut lines = lines.borrow_mut();
            if lines.len() < PRINTED_MAX {
                lines.push(text.to_owned());
            }
        };
        if debug {
            engine.on_debug(move |text, _, _| keep(text));
        } else {
            engine.on_print(keep);
        }
    }
    calls::register(&mut engine);
    engine
}

/// The error at the bottom, and where it is.
fn innermost(error: &EvalAltResult) -> (&EvalAltResult, Position) {
    let (mut inner, mut position) = (error, error.position());
    while let EvalAltResult::ErrorInFunctionCall(_, _, next, at) = inner {
        position = if at.is_none() { position } else { *at };
        inner = next;
    }
    (inner, inner.position().or_else(position))
}

/// What is wrong with a test's own text; `of_value`: what could not be called stands behind a dot.
fn explain(error: &EvalAltResult, of_value: bool) -> (&'static str, String, Option<String>) {
    match error {
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            let (message, help) = unknown_function(signature, of_value);
            ("T204", message, help)
        }
        EvalAltResult::ErrorTooManyOperations(_) => (
            "T205",
            format!("the test does not end: it has used {OPERATIONS_MAX} operations"),
            Some("let loops end, and let time pass with t.advance or t.wait_until".to_owned()),
        ),
        EvalAltResult::ErrorStackOverflow(_) => (
            "T205",
            format!("functions call functions more than {CALL_DEPTH} deep"),
            Some("end the recursion".to_owned()),
        ),
        EvalAltResult::ErrorVariableNotFound(name, _) => {
            let help = (name == "t").then(|| "helpers get it as a parameter: fn helper(t)".to_owned());
            ("T204", format!("there is no variable `{name}`"), help)
        }
        other => {
            // Without its place, which stands beside it.
            let text = other.to_string();
            let mut text = text.split(" (line ").next().unwrap_or(&text).to_owned();
            lower(&mut text);
            ("T204", text, None)
        }
    }
}

/// `expct (t, &str | ImmutableString | String, bool)`.
fn unknown_function(signature: &str, of_value: bool) -> (String, Option<String>) {
    let (name, arguments) = signature.split_once(" (").unwrap_or((signature, ""));
    let name = name.trim();
    if !of_value || !arguments.starts_with("t,") && !arguments.starts_with("t)") {
        return (format!("there is no function `{}` for these arguments", shown(name)), None);
    }
    if let Some((_, call, _)) = CALLS.iter().find(|(known, ..)| *known == name) {
        return (format!("t.{name} is not called like this"), Some(format!("write {call}")));
    }
    let near = suggestion(name, CALLS.iter().map(|(known, ..)| *known));
    let call = near.and_then(|near| CALLS.iter().find(|(known, ..)| *known == near));
    let help = call.map_or_else(
        || "all that t can do is in docs/testing-programs.md".to_owned(),
        |(_, call, _)| format!("did you mean {call}?"),
    );
    (format!("t can do no `{}`", shown(name)), Some(help))
}

/// Our texts begin with a small letter.
fn lower(text: &mut String) {
    let mut letters = text.chars();
    if let Some(first) = letters.next() {
        *text = first.to_lowercase().chain(letters).collect();
    }
}
