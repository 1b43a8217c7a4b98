//! An expression that somebody wants to know the value of, understood at a place of a program.
//!
//! It is put into the program's text as the value of a variable, right before the place, and the whole is looked at as a program
//! is: the front end says what it means and what is wrong with it, and there is no second opinion.

use super::{Kind, Snapshot, Stop, Subject, constants};
use crate::{
    Severity,
    analyse::analyse,
    evaluate::Datum,
    hir::{ExprId, Function, FunctionId, Hir, Span, StatementKind, Type, walk},
};
use sensai_model::cell::ProgramSource;
use std::sync::Arc;

/// The variable; no program has one of this name by accident.
const NAME: &str = "value_for_the_debugger";

/// Bytes of an expression.
const TEXT_MAX: usize = 4096;

/// An expression, understood for one call of one stop.
#[derive(Debug)]
pub struct Expression {
    text: String,
    call: usize,
    hir: Hir,
    constants: Vec<Datum>,
    function: FunctionId,
    value: ExprId,
    ty: Type,
    /// Of each variable of the function: which one it is in the program as it runs.
    locals: Vec<Option<usize>>,
}

impl Subject {
    /// Understand an expression in a call of a snapshot (0: the innermost).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn understand(&self, snapshot: &Snapshot, call: usize, text: &str) -> Result<Expression, String> {
        let (function, stop) = snapshot.place(call).ok_or("there is no such call")?;
        Ok(Expression { call, ..self.understand_at(function, stop, text)? })
    }

    /// Understand an expression at a place of a function. It can be evaluated whenever the innermost call is there.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn understand_at(&self, function: FunctionId, stop: Stop, text: &str) -> Result<Expression, String> {
        let text = text.trim();
        if text.is_empty() || text.len() > TEXT_MAX {
            return Err(format!("an expression has 1 to {TEXT_MAX} bytes, this one has {}", text.len()));
        }
        let running = self.function(function).ok_or("the function is not known")?;
        let Stop { file, span, kind } = stop;
        let before = format!("let {NAME} = ({text}\n);\n");
        // A statement can have another one before it, a value must become a block for that.
        let (before, after) = match kind {
            Kind::Value => (format!("{{ {before}"), "\n}"),
            Kind::Statement | Kind::Turn => (before, ""),
        };
        let inserted = Span::new(span.start, span.start.saturating_add(before.len() as u32));
        let put = |text: &str| {
            let (start, rest) = text.split_at_checked(span.start as usize)?;
            let (place, end) = rest.split_at_checked((span.end - span.start) as usize)?;
            Some(format!("{start}{before}{place}{after}{end}"))
        };
        let source = self.changed(file.index(), put).ok_or("the place is not in the text")?;
        let environment = self.outside.get();
        let analysed = analyse(&source, &environment);
        let Some(hir) = analysed.hir else {
            // What is wrong is in what was put there.
            let wrong = |f: &&crate::ScriptFinding| f.severity == Severity::Error;
            let first = analysed.findings.iter().find(wrong);
            return Err(first.map_or("it is no expression".to_owned(), |finding| match &finding.help {
                Some(help) if !help.is_empty() => format!("{}; {help}", finding.message),
                _ => finding.message.clone(),
            }));
        };
        let same = |function: &Function| {
            function.name == running.name && function.file == file && function.this == running.this
        };
        let parameters = |of: &Function| -> Vec<Type> {
            of.locals.iter().take(of.parameters as usize).map(|local| local.ty.clone()).collect()
        };
        let found = hir.functions.iter().position(|function| {
            same(function) && parameters(function) == parameters(running) && value_in(function).is_some()
        });
        let function = FunctionId(found.ok_or("the expression cannot be reached there")? as u32);
        let of = hir.function(function);
        let value = value_in(of).ok_or("the expression cannot be reached there")?;
        let mut known = 0..running.locals.len();
        let is_new = |span: Span| inserted.start <= span.start && span.start < inserted.end;
        let locals = of.locals.iter().map(|local| if is_new(local.span) { None } else { known.next() });
        let locals: Vec<Option<usize>> = locals.collect();
        let ty = of.expr(value).ty.clone();
        Ok(Expression {
            text: text.to_owned(),
            call: 0,
            constants: constants(&hir),
            function,
            value,
            ty,
            locals,
            hir,
        })
    }

    /// The program with another text of one of its files.
    fn changed(&self, file: usize, change: impl Fn(&str) -> Option<String>) -> Option<ProgramSource> {
        let mut source = self.source.clone();
        match file.checked_sub(1) {
            None => source.text = change(&source.text)?.into(),
            Some(library) => {
                let mut libraries = source.libraries.to_vec();
                let of = libraries.get_mut(library)?;
                of.text = change(&of.text)?.into();
                source.libraries = Arc::from(libraries);
            }
        }
        Some(source)
    }
}

/// The value of the variable that was put into a function.
fn value_in(function: &Function) -> Option<ExprId> {
    let mut found = None;
    walk::block(function, &function.body, &mut |node| {
        if let walk::Node::Statement(statement) = node
            && let StatementKind::Let { local, value } = &statement.kind
            && function.local(*local).name == NAME
        {
            found = Some(*value);
        }
    });
    found
}

impl Expression {
    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn ty(&self) -> &Type {
        &self.ty
    }

    /// True for what can be asked for as a condition.
    pub fn is_condition(&self) -> bool {
        self.ty == Type::Bool
    }

    /// What kind of value it has.
    pub fn kind(&self) -> String {
        self.ty.to_string()
    }

    pub(super) fn call(&self) -> usize {
        self.call
    }

    pub(super) fn place(&self) -> Option<(&Function, ExprId)> {
        Some((self.hir.functions.get(self.function.index())?, self.value))
    }

    pub(super) fn locals(&self) -> &[Option<usize>] {
        &self.locals
    }

    pub(super) fn program(&self) -> (&Hir, &[Datum]) {
        (&self.hir, &self.constants)
    }
}
