//! Constants: their types, and their values, which are computed here.

use super::{Lowering, body::Body, chain::Target, span};
use crate::{
    evaluate::{Datum, Evaluator},
    finding::code,
    hir::{self, ConstantId, ExprId, ExprKind, Function, LocalId, Place, Root, Span, Type},
    sink::Found,
    uses::Entity,
};
use sensai_model::Value;
use std::sync::Arc;

impl Lowering<'_, '_> {
    /// Look at all constants, in the order of the text: one may use those before it.
    pub fn constants(&mut self) {
        for index in 0..self.constants.len() {
            let Some(constant) = self.constants.get(index) else { continue };
            let (file, name, at) = (constant.file, constant.name.clone(), constant.span);
            let Some(value) = constant.value.clone() else {
                self.set_constant(index, Type::Unknown, None);
                continue;
            };
            let before = self.sink.errors();
            let mut body = Body::empty(self, file, (name, at));
            let id = body.value(&value);
            let ty = body.ty(id);
            if ty.holds_block() {
                let message = format!("a constant cannot hold {}", super::statements::called(&ty));
                body.error(code::BLOCK, span(&value), message, "put it into the record that `init` returns");
            }
            let function = body.as_function(id);
            if self.sink.errors() > before || ty.is_unknown() {
                self.set_constant(index, ty, None);
                continue;
            }
            let mut evaluator = Evaluator::new(&self.functions, &self.data, &self.symbols, self.environment);
            match evaluator.run(&function) {
                Ok(datum) => self.set_constant(index, ty, Some(datum)),
                Err(fault) => {
                    let at = Span::new(fault.at, fault.at + 1);
                    let found = Found::error(code::CONSTANT, fault.file, at, fault.raised.text.clone());
                    self.sink.add(found.help("write a value that can be computed"));
                    self.set_constant(index, ty, None);
                }
            }
        }
    }

    fn set_constant(&mut self, index: usize, ty: Type, datum: Option<Datum>) {
        let table = match (&ty, &datum) {
            (Type::Array(_) | Type::Record(_), Some(datum)) => Some(self.table(index, &ty, datum)),
            _ => None,
        };
        if let Some(constant) = self.constants.get_mut(index) {
            constant.ty = Some(ty);
            constant.datum = datum;
            constant.table = table;
        }
    }

    fn table(&mut self, index: usize, ty: &Type, datum: &Datum) -> ConstantId {
        let id = ConstantId(self.tables.len() as u32);
        let mut bytes = vec![0; ty.size() as usize];
        datum.write(ty, &mut bytes);
        let name = self.constants.get(index).map_or(String::new(), |constant| constant.name.clone());
        self.tables.push(hir::Constant { name, ty: ty.clone(), bytes: bytes.into() });
        self.data.push(datum.clone());
        id
    }
}

impl Body<'_, '_, '_> {
    /// A constant of this file by its name; one that was not looked at yet is not known.
    pub fn constant_target(&mut self, name: &str, at: Span) -> Option<Target> {
        let constant = self
            .lowering
            .constants
            .iter()
            .find(|constant| constant.file == self.file && constant.name == name)?;
        let ty = constant.ty.clone()?;
        let (declared, table, datum) = (constant.span, constant.table, constant.datum.clone());
        self.means(at, Entity::Constant(self.file, declared));
        if let Some(table) = table {
            return Some(Target::Place(Place {
                root: Root::Constant(table),
                path: Vec::new(),
                ty,
                span: at,
            }));
        }
        Some(Target::Value(match datum {
            Some(Datum::Scalar(value)) => self.expr(ExprKind::Literal(value), ty, at, at.start),
            Some(Datum::Symbol(text)) => {
                let symbol = self.lowering.symbol(&text);
                self.expr(ExprKind::Symbol(symbol), ty, at, at.start)
            }
            _ => self.unknown(ty, at),
        }))
    }

    /// The name of a constant that an expression is, if it is one.
    pub fn is_constant(&self, name: &str) -> bool {
        self.find(name).is_none()
            && self
                .lowering
                .constants
                .iter()
                .any(|constant| constant.file == self.file && constant.name == name)
    }

    /// The value of an expression that does not depend on anything but constants.
    pub fn known_value(&mut self, id: ExprId) -> Option<Value> {
        if !self.is_known(id) {
            return None;
        }
        if let Some(ExprKind::Literal(value)) = self.kind(id) {
            return Some(*value);
        }
        let function = self.as_function(id);
        let lowering = &*self.lowering;
        let mut evaluator =
            Evaluator::new(&lowering.functions, &lowering.data, &lowering.symbols, lowering.environment);
        evaluator.run(&function).ok().and_then(|datum| datum.scalar())
    }

    fn is_known(&self, id: ExprId) -> bool {
        match self.kind(id) {
            Some(ExprKind::Literal(_)) => !matches!(self.ty(id), Type::Unknown),
            Some(ExprKind::Read(place)) => match place.root {
                Root::Local(local) => {
                    place.path.is_empty() && self.known.get(local.index()).copied().flatten().is_some()
                }
                Root::Constant(_) => place.path.iter().all(|step| match step {
                    hir::Step::Field { .. } => true,
                    hir::Step::Index { index, .. } => self.is_known(*index),
                }),
                _ => false,
            },
            Some(ExprKind::Unary(_, operand)) => self.is_known(*operand),
            Some(ExprKind::Binary(_, left, right)) => self.is_known(*left) && self.is_known(*right),
            Some(ExprKind::Library(_, arguments)) => arguments.iter().all(|id| self.is_known(*id)),
            _ => false,
        }
    }

    /// An expression as the body of a function without parameters. Variables that are constants have their values.
    pub fn as_function(&self, id: ExprId) -> Function {
        let mut statements = Vec::new();
        let mut exprs = self.exprs.clone();
        for (index, value) in self.known.iter().enumerate() {
            let Some(value) = value else { continue };
            let span = self.span_of(id);
            let number = ExprId(exprs.len() as u32);
            exprs.push(hir::Expr {
                kind: ExprKind::Literal(*value),
                ty: Type::of(*value),
                span,
                at: span.start,
            });
            let kind = hir::StatementKind::Let { local: LocalId(index as u32), value: number };
            statements.push(hir::Statement { kind, span, at: span.start });
        }
        Function {
            name: String::new(),
            file: self.file,
            span: self.span_of(id),
            this: None,
            parameters: 0,
            locals: self.locals.clone(),
            result: self.ty(id),
            exprs,
            body: hir::Block { statements, value: Some(id) },
        }
    }

    /// A text's own copy, for texts of findings.
    pub fn symbol_of(&self, id: ExprId) -> Option<Arc<str>> {
        match self.kind(id) {
            Some(ExprKind::Symbol(symbol)) => Some(self.lowering.symbol_text(*symbol).into()),
            _ => None,
        }
    }
}
