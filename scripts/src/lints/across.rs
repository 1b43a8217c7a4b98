//! What programs do to each other: each output and each axis has one that decides.

use super::walk::{Visitor, named, walk};
use crate::{
    ScriptFinding,
    finding::Related,
    hir::{AxisName, Expr, ExprId, ExprKind, FileId, Hir, SourceFile, Span, Statement, TagPlace},
    sink::{Found, Sink},
};
use sensai_model::{Tag, TagKind, cell::Axis};
use sensai_stdlib::registry::AXIS;
use std::collections::BTreeMap;

/// Programs of two tasks write one tag.
const TWO_TASKS_WRITE: &str = "R110";
/// Programs of two tasks command one axis.
const TWO_TASKS_COMMAND: &str = "R111";
/// Two programs of a task write one output.
const TWO_WRITERS: &str = "R112";

/// A program of a cell.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// The program.
    pub hir: &'a Hir,
    /// Number of the task that runs it.
    pub task: usize,
    /// Name of that task.
    pub task_name: &'a str,
}

/// Hold all programs of a cell against each other, in the order in which they run; those of one task stand together.
pub fn across(members: &[Member<'_>], tags: &[Tag], axes: &[Axis]) -> Vec<ScriptFinding> {
    let uses: Vec<Uses> = members.iter().map(|member| Uses::of(member.hir)).collect();
    let mut findings = Vec::new();
    let mut writers: BTreeMap<u32, usize> = BTreeMap::new();
    let mut users: BTreeMap<u16, usize> = BTreeMap::new();
    for (index, (member, of)) in members.iter().zip(&uses).enumerate() {
        for (number, place) in &of.tags {
            let first = *writers.entry(*number).or_insert(index);
            let (Some(tag), Some(other), Some(other_uses)) =
                (tags.get(*number as usize), members.get(first), uses.get(first))
            else {
                continue;
            };
            let (name, there) = (format!("io.{}", tag.name), other_uses.tags.get(number));
            let conflict = Conflict { member, place: *place, other, there: there.copied() };
            if other.task != member.task {
                findings.extend(conflict.two_tasks_write(&name));
            } else if first != index && tag.kind == TagKind::Output {
                findings.extend(conflict.two_write(&name));
            }
        }
        for (number, place) in &of.axes {
            let first = *users.entry(*number).or_insert(index);
            let (Some(axis), Some(other), Some(other_uses)) =
                (axes.get(usize::from(*number)), members.get(first), uses.get(first))
            else {
                continue;
            };
            let there = other_uses.axes.get(number).copied();
            if other.task != member.task {
                let conflict = Conflict { member, place: *place, other, there };
                findings.extend(conflict.two_tasks_command(&axis.name));
            }
        }
    }
    findings
}

type At = (FileId, Span);

/// What a program writes and commands: for each, the first place in its text.
struct Uses {
    tags: BTreeMap<u32, At>,
    axes: BTreeMap<u16, At>,
    file: FileId,
}

impl Uses {
    fn of(hir: &Hir) -> Self {
        let mut uses = Self { tags: BTreeMap::new(), axes: BTreeMap::new(), file: FileId(0) };
        for function in &hir.functions {
            uses.file = function.file;
            walk(function, &mut uses);
        }
        uses
    }
}

impl Visitor for Uses {
    fn written(&mut self, tag: &TagPlace, _: &Statement) {
        let at = (self.file, tag.span);
        let first = self.tags.entry(tag.tag).or_insert(at);
        *first = at.min(*first);
    }

    fn expr(&mut self, _: ExprId, expr: &Expr) {
        if let ExprKind::MakeAxis(AxisName::Known(axis)) = &expr.kind {
            let at = (self.file, named(expr, AXIS.name));
            let first = self.axes.entry(*axis).or_insert(at);
            *first = at.min(*first);
        }
    }
}

struct Conflict<'a> {
    member: &'a Member<'a>,
    place: At,
    other: &'a Member<'a>,
    there: Option<At>,
}

impl Conflict<'_> {
    fn two_tasks_write(&self, name: &str) -> Vec<ScriptFinding> {
        let message = format!(
            "`{name}` is written by task `{}` here and by task `{}` in {}",
            self.member.task_name,
            self.other.task_name,
            self.there_in_words()
        );
        let help = "let one task decide: write another tag here, and let that task read it in its next run";
        self.finding(TWO_TASKS_WRITE, message, help)
    }

    fn two_tasks_command(&self, name: &str) -> Vec<ScriptFinding> {
        let message = format!(
            "axis `{name}` is commanded by task `{}` here and by task `{}` in {}",
            self.member.task_name,
            self.other.task_name,
            self.there_in_words()
        );
        let help = "let the programs of one task command it, and tell them by tags what is wanted";
        self.finding(TWO_TASKS_COMMAND, message, help)
    }

    fn two_write(&self, name: &str) -> Vec<ScriptFinding> {
        let message = format!(
            "`{name}` is written here and in {}, which then counts for nothing",
            self.there_in_words()
        );
        let help = "let one program decide: write a tag in memory here, and let that program read it";
        self.finding(TWO_WRITERS, message, help)
    }

    fn there(&self) -> Option<(&SourceFile, Span)> {
        let (file, span) = self.there?;
        Some((self.other.hir.files.get(file.index())?, span))
    }

    /// `programs/press.rhai, line 12`.
    fn there_in_words(&self) -> String {
        let words = |(file, span): (&SourceFile, Span)| {
            format!("{}, line {}", file.path, file.position(span.start).line)
        };
        self.there().map(words).unwrap_or_default()
    }

    fn finding(&self, code: &'static str, message: String, help: &str) -> Vec<ScriptFinding> {
        let mut sink = Sink::new(self.member.hir.files.clone());
        sink.add(Found::error(code, self.place.0, self.place.1, message).help(help));
        let mut found = sink.finish();
        for finding in &mut found {
            finding.related.extend(self.there().map(|(file, span)| {
                let at = file.position(span.start);
                Related {
                    path: file.path.clone(),
                    line: at.line,
                    column: at.column,
                    len: span.end.saturating_sub(span.start),
                    start: span.start,
                    end: span.end,
                    message: "it is the other one".to_owned(),
                }
            }));
        }
        found
    }
}
