//! What the values of a program come to: conditions that are no question, texts that never are, divisors and indices that
//! do not fit. The analysis is that of [`crate::ranges`]; here are its words.

use super::{Program, Subject};
use crate::{
    finding::code,
    hir::{ExprKind, FileId, Function, Span, SymbolId},
    names::nearest,
    ranges::{
        RangeFinding, RangeFindingKind as Kind,
        value::{Known, Symbols},
    },
    sink::{Found, Sink},
    syntax::ast::{AstNode, SwitchExpr},
};
use sensai_model::Value;

/// Texts that are listed, where none of them is near.
const LISTED: usize = 8;

pub(super) fn lint(subject: &Subject<'_>, program: &Program<'_>, sink: &mut Sink) {
    for finding in &program.examined.findings {
        let words = Words { subject, program, finding, function: program.hir.function(finding.function) };
        let found = words.found(sink);
        sink.add(found);
    }
}

struct Words<'a> {
    subject: &'a Subject<'a>,
    program: &'a Program<'a>,
    finding: &'a RangeFinding,
    function: &'a Function,
}

impl Words<'_> {
    fn found(&self, sink: &Sink) -> Found {
        let RangeFinding { file, span, expr, kind, .. } = self.finding;
        let warning = |code, span, message: String| Found::warning(code, *file, span, message);
        match kind {
            Kind::Always(always) => {
                let always = if *always { "true" } else { "false" };
                let message = format!("this is always {always}{}", self.because());
                warning(code::ALWAYS, *span, message)
                    .help("leave it away, or compare with something that makes a difference")
            }
            Kind::NeverThisText { symbol, values, pattern } => {
                let text = self.program.hir.symbol(*symbol);
                let span = match pattern {
                    Some((arm, pattern)) => self.pattern(*arm, *pattern).unwrap_or(*span),
                    None => self.function.expr(*expr).span,
                };
                let message = format!("the value is never \"{text}\"");
                let found = warning(code::NEVER_THIS_TEXT, span, message);
                match self.near(*symbol, values) {
                    Some(near) if sink.text(*file, span) == format!("\"{text}\"") => {
                        found.help(format!("did you mean \"{near}\"?")).replace(span, format!("\"{near}\""))
                    }
                    Some(near) => found.help(format!("did you mean \"{near}\"?")),
                    None => found.help(format!("it is {}", self.list(values))),
                }
            }
            Kind::NeverFits { arm, pattern } => {
                let span = self.pattern(*arm, *pattern).unwrap_or(*span);
                let value = self.program.examined.known(self.finding.function, *expr);
                let message = format!(
                    "the value never is this{}",
                    value.map(|known| format!(": it is {}", self.words(known))).unwrap_or_default()
                );
                warning(code::ALWAYS, span, message)
                    .help("leave the case away, or write one that the value can be")
            }
            Kind::DividesByZero { surely, divisor } => {
                let words = self.words(&Known::Int(*divisor));
                let (message, help) = match surely {
                    true => ("this divides by zero".to_owned(), "divide by something else"),
                    false => (
                        format!("this may divide by zero: the divisor is {words}"),
                        "ask before whether it is 0, or keep zero out of the range of what it comes from",
                    ),
                };
                warning(code::DIVISION, *span, message).help(help)
            }
            Kind::IndexOutside { surely, index, len } => {
                let words = self.words(&Known::Int(*index));
                let may = if *surely { "is" } else { "may be" };
                let message = format!(
                    "the index {may} out of bounds: it is {words}, the elements are 0 to {}",
                    len.saturating_sub(1)
                );
                warning(code::INDEX, *span, message).help("ask before, or use clamp()")
            }
            Kind::OutsideTag { tag, surely, value, range, saturates } => {
                let name = self.program.tag(*tag).map_or("", |tag| &tag.name);
                let may = if *surely { "is" } else { "may be" };
                let then =
                    if *saturates { "the nearest one is stored instead" } else { "the run then fails" };
                let message = format!(
                    "this {may} outside of the range of `{name}`: it is {}, the tag takes {}; {then}",
                    self.words(value),
                    self.words(range)
                );
                let found = warning(code::TAG_RANGE, *span, message);
                found.help("use clamp(), or give the tag a wider range in the cell")
            }
            Kind::Fails => {
                let message =
                    "this always fails: what is known of its values is never possible here".to_owned();
                warning(code::ALWAYS_FAILS, *span, message).help("use other values, or ask before")
            }
        }
    }

    /// What a comparison compares, as far as it says something.
    fn because(&self) -> String {
        let ExprKind::Binary(_, left, right) = self.function.expr(self.finding.expr).kind else {
            return String::new();
        };
        let side = |id| {
            let expr = self.function.expr(id);
            let known = self.program.examined.known(self.finding.function, id)?;
            let literal = matches!(expr.kind, ExprKind::Literal(_) | ExprKind::Symbol(_));
            let text = self.program.text(self.function.file, expr.span);
            let short = !literal && text.len() <= 40 && !text.contains('\n') && !text.is_empty();
            short.then(|| format!("`{text}` is {}", self.words(known)))
        };
        let sides: Vec<String> = [left, right].into_iter().filter_map(side).collect();
        if sides.is_empty() { String::new() } else { format!(": {}", sides.join(", ")) }
    }

    /// A set of values in words.
    fn words(&self, known: &Known) -> String {
        match known {
            Known::Bool { no: true, yes: true } => "true or false".to_owned(),
            Known::Bool { yes, .. } => yes.to_string(),
            Known::Int(range) => match range.single() {
                Some(value) => value.to_string(),
                None => between(range.low(), i64::MIN, range.high(), i64::MAX),
            },
            Known::Float(range) => {
                let (low, high) = (range.low(), range.high());
                let shown = |value: f64| crate::layout::literal(Value::F64(value));
                let words = match low == high {
                    true => shown(low),
                    false if low <= f64::MIN && high >= f64::MAX => "any number".to_owned(),
                    false if low <= f64::MIN => format!("at most {}", shown(high)),
                    false if high >= f64::MAX => format!("at least {}", shown(low)),
                    false => format!("{} to {}", shown(low), shown(high)),
                };
                if range.may_be_nan() { format!("{words} or NaN") } else { words }
            }
            Known::Symbol(values) => self.list(values),
        }
    }

    fn list(&self, values: &Symbols) -> String {
        let Some(named) = values.named() else { return "any text".to_owned() };
        let all: Vec<String> =
            named.iter().take(LISTED).map(|id| format!("\"{}\"", self.program.hir.symbol(*id))).collect();
        let more = if named.len() > LISTED { ", …" } else { "" };
        format!("{}{more}", all.join(", "))
    }

    fn near(&self, symbol: SymbolId, values: &Symbols) -> Option<String> {
        let named = values.named()?.iter().map(|id| self.program.hir.symbol(*id));
        nearest(self.program.hir.symbol(symbol), named).map(str::to_owned)
    }

    /// A pattern of the `switch` whose value the finding is about.
    fn pattern(&self, arm: usize, pattern: usize) -> Option<Span> {
        let FileId(file) = self.finding.file;
        let value = self.function.expr(self.finding.expr).span;
        let root = self.subject.trees.get(file as usize)?.syntax();
        let switch = root.descendants().filter_map(SwitchExpr::cast).find(|switch| {
            let range = switch.value().map(|value| value.syntax().text_range());
            range.is_some_and(|range| {
                u32::from(range.start()) == value.start && u32::from(range.end()) == value.end
            })
        })?;
        let case = switch.cases().filter(|case| !case.is_default()).nth(arm)?;
        let range = case.values().nth(pattern)?.syntax().text_range();
        Some(Span::new(range.start().into(), range.end().into()))
    }
}

fn between(low: i64, least: i64, high: i64, most: i64) -> String {
    match (low == least, high == most) {
        (true, true) => "any integer".to_owned(),
        (true, false) => format!("at most {high}"),
        (false, true) => format!("at least {low}"),
        (false, false) => format!("{low} to {high}"),
    }
}
