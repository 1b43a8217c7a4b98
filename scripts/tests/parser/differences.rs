//! Where we deliberately differ from Rhai. Everything else that differs is a fault.

use rhai::{ParseError, ParseErrorType};
use sensai_scripts::syntax::SyntaxError;
use std::{collections::BTreeMap, fmt};

/// A named difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// A comment that is not closed hides the rest of the text from Rhai; we say so.
    UnclosedComment,
    /// Nesting has a limit here; the Rhai of these tests has none, and is not asked then.
    Nesting,
    /// Rhai takes `|a|` at the end of the text for a closure that does nothing.
    ClosureWithoutBody,
    /// Rhai computes with a `return` without a value in `a ?? return * b`.
    OperatorBehindReturn,
    /// Rhai takes the start of a range that is left out for a 0 that other operators may bind: `1 + ..9`.
    OmittedOperand,
    /// Rhai lets functions and exports stand in a case of a `switch` at the top level.
    FunctionInCase,
    /// Rhai takes `(a)::b` for a path.
    PathInParentheses,
    /// Rhai takes a closure that captures nothing for a literal: it may be a case, but no condition.
    ClosureAsLiteral,
    /// Rhai mixes up which of several `[` and `?[` in a chain is which; all else in the tree is the same.
    OptionalIndex,
    /// Where no case follows on the default one, Rhai says that it is not the last one; we say that a `}` is missing.
    StatementBehindDefault,
    /// Rhai loses count of its variables if the value of an assignment defines some: it misses a constant, or finds one.
    ShiftedVariables,
}

impl Difference {
    /// All of them.
    pub const ALL: [Self; Self::ShiftedVariables as usize + 1] = [
        Self::UnclosedComment,
        Self::Nesting,
        Self::ClosureWithoutBody,
        Self::OperatorBehindReturn,
        Self::OmittedOperand,
        Self::FunctionInCase,
        Self::PathInParentheses,
        Self::ClosureAsLiteral,
        Self::OptionalIndex,
        Self::StatementBehindDefault,
        Self::ShiftedVariables,
    ];

    /// A text that both take differently for this reason.
    pub fn example(self) -> String {
        let text = match self {
            Self::UnclosedComment => "let a = 1; /* b",
            Self::Nesting => return format!("let a = {}1{};", "(".repeat(200), ")".repeat(200)),
            Self::ClosureWithoutBody => "let f = |a|",
            Self::OperatorBehindReturn => "fn f(a, b) { a ?? return * b }",
            Self::OmittedOperand => "let a = [1 + ..9];",
            Self::FunctionInCase => "switch 1 { 1 => fn f() { } }",
            Self::PathInParentheses => "let a = (b)::c;",
            Self::ClosureAsLiteral => "if || 1 { }",
            Self::OptionalIndex => "let a = b?[0][1];",
            Self::StatementBehindDefault => "fn f() {\n    switch 1 {\n        _ => { }\n    let a = 1;\n}\n",
            Self::ShiftedVariables => {
                "fn f() { let a = 1; const B = 2; a = switch 1 { 1 => let c = 1, _ => 2 }; }"
            }
        };
        text.to_owned()
    }

    /// How often it may be met in ten thousand texts: what is not compared is not proved.
    fn limit(self) -> usize {
        match self {
            Self::UnclosedComment | Self::OptionalIndex => 250,
            Self::ClosureAsLiteral => 60,
            Self::OmittedOperand => 30,
            Self::Nesting | Self::ClosureWithoutBody | Self::OperatorBehindReturn | Self::FunctionInCase => 4,
            Self::StatementBehindDefault | Self::PathInParentheses | Self::ShiftedVariables => 2,
        }
    }
}

/// The difference that our error comes from.
pub fn of_ours(text: &str, error: &SyntaxError) -> Option<Difference> {
    let help = error.help.as_deref().unwrap_or_default();
    let about = &text[usize::from(error.range.start())..usize::from(error.range.end())];
    Some(match error.message.as_str() {
        "this comment is not closed" => Difference::UnclosedComment,
        "expected an expression, found `..`" | "expected an expression, found `..=`" => {
            Difference::OmittedOperand
        }
        "expected `;`, found `::`" => Difference::PathInParentheses,
        "expected a literal, found another expression" if about.contains("||") => {
            Difference::ClosureAsLiteral
        }
        message if message.starts_with("expected the body of a function") => Difference::ClosureWithoutBody,
        message if message.starts_with("expected the end of the expression") => {
            Difference::OperatorBehindReturn
        }
        message if message.ends_with("is a constant") => Difference::ShiftedVariables,
        _ if help.starts_with("functions stand at the top level") || help.starts_with("exports stand") => {
            Difference::FunctionInCase
        }
        _ => return None,
    })
}

/// The difference that Rhai's error comes from.
pub fn of_theirs(text: &str, error: &ParseError) -> Option<Difference> {
    match error.err_type() {
        ParseErrorType::MismatchedType(_, found) if found == "Fn" => Some(Difference::ClosureAsLiteral),
        // In the value of a case, each error is called so.
        ParseErrorType::ExprExpected(what) if what == "literal" => {
            let (line, column) = (error.position().line()?, error.position().position()?);
            let closure = text.lines().nth(line - 1)?.chars().nth(column - 1)? == '|';
            closure.then_some(Difference::ClosureAsLiteral)
        }
        ParseErrorType::WrongSwitchDefaultCase => Some(Difference::StatementBehindDefault),
        ParseErrorType::AssignmentToConstant(name) if !name.is_empty() => Some(Difference::ShiftedVariables),
        _ => None,
    }
}

/// How often what was met.
#[derive(Default)]
pub struct Counts {
    texts: usize,
    accepted: usize,
    pub differences: BTreeMap<Difference, usize>,
}

impl Counts {
    /// One more text.
    pub fn add(&mut self, accepted: bool, difference: Option<Difference>) {
        self.texts += 1;
        self.accepted += usize::from(accepted);
        if let Some(difference) = difference {
            *self.differences.entry(difference).or_default() += 1;
        }
    }

    /// Were there texts enough of both sorts, and few that differ?
    pub fn check(&self) {
        assert!(self.accepted * 20 > self.texts && self.accepted < self.texts, "{self}");
        for (difference, count) in &self.differences {
            let limit = difference.limit() * self.texts / 10_000 + 5;
            assert!(*count <= limit, "{difference:?} {count} times, expected at most {limit}\n{self}");
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused = self.texts - self.accepted;
        writeln!(f, "{:>9} texts, {} accepted, {refused} refused; of these", self.texts, self.accepted)?;
        self.differences.iter().try_for_each(|(difference, count)| writeln!(f, "{count:>9} {difference:?}"))
    }
}
