//! Expressions that are neither paths nor calls.

use super::{
    body::{Body, Want, drop_value},
    conversion,
    joins::{Part, part},
    span, span_of,
    statements::{called, is_loop},
    token_span,
};
use crate::{
    environment::VALUES_MAX,
    finding::code,
    hir::{Block, ExprId, ExprKind, Place, Span, Type},
    layout::SYMBOL_CAPACITY,
    syntax::{
        Number,
        ast::{self, AstNode},
    },
    uses::Entity,
};
use sensai_model::Value;

impl Body<'_, '_, '_> {
    /// An expression whose value is used: it has one.
    pub fn value(&mut self, node: &ast::Expr) -> ExprId {
        let id = self.expression(node, Want::Value);
        if matches!(self.ty(id), Type::Unit) {
            let what = self.shown(span(node), "this");
            let help = match self.kind(id) {
                Some(ExprKind::Call { .. }) => "let the function end with a value, or call it alone",
                Some(ExprKind::AxisCommand { .. }) => "ask for what became of it, as in `this.ram.done`",
                _ => "write something that has a value",
            };
            self.error(code::NO_VALUE, span(node), format!("{what} gives no value"), help);
            return self.wrong(span(node));
        }
        id
    }

    /// An expression; of [`Type::Unit`] if it has no value.
    pub fn expression(&mut self, node: &ast::Expr, want: Want) -> ExprId {
        let at = span(node);
        if let Some(number) = node.number() {
            return self.number(number, node);
        }
        match node {
            ast::Expr::Literal(literal) => self.literal(literal, at),
            ast::Expr::Interpolated(_) => {
                self.refuse(at, "texts made of parts", "texts are names; show numbers in tags");
                self.unknown(Type::Symbol, at)
            }
            ast::Expr::Paren(paren) => match paren.expr() {
                Some(inner) => self.expression(&inner, want),
                None => self.wrong(at),
            },
            ast::Expr::Prefix(prefix) => self.prefix(prefix, at),
            ast::Expr::Binary(binary) => self.binary(binary, at),
            ast::Expr::Range(range) => {
                let op = range.op_token().map_or(at, |op| token_span(&op));
                self.refuse(op, "ranges as values", "a range stands behind `for ... in`");
                self.wrong(at)
            }
            ast::Expr::Array(array) => self.array(array, at),
            ast::Expr::Map(map) => self.record(map, at),
            ast::Expr::Closure(_) => {
                self.refuse(at, "closures", "declare a function with `fn`");
                self.wrong(at)
            }
            ast::Expr::Block(block) => {
                let (block, ty) = self.block(block, want);
                self.expr(ExprKind::Block(block), ty, at, at.start)
            }
            ast::Expr::If(branch) => self.branch(branch, at, want),
            ast::Expr::Switch(switch) => self.switch(switch, at, want),
            loops if is_loop(loops) => self.loop_as_value(loops, at),
            _ => self.path(node, want),
        }
    }

    fn loop_as_value(&mut self, node: &ast::Expr, at: Span) -> ExprId {
        let found = self.found(code::NO_VALUE, Span::new(at.start, at.start + 1), "a loop gives no value");
        self.report(found.help("assign to a variable in it"));
        let statements = self.loop_statement(node).into_iter().collect();
        self.expr(ExprKind::Block(Block { statements, value: None }), Type::Unknown, at, at.start)
    }

    /// An expression of a type that is known, although what is written there is not understood.
    pub fn unknown(&mut self, ty: Type, at: Span) -> ExprId {
        let id = self.wrong(at);
        if let Some(expr) = self.exprs.get_mut(id.index()) {
            expr.ty = ty;
        }
        id
    }

    pub fn refuse(&mut self, at: Span, what: &str, help: &str) {
        self.error(code::REFUSED, at, format!("cell programs have no {what}"), help);
    }

    fn number(&mut self, number: Number, node: &ast::Expr) -> ExprId {
        let at = span(node);
        let (value, ty) = match number {
            Number::Int(number) => (Value::I64(number), Type::I64),
            Number::Float(number) => (Value::F64(number), Type::F64),
        };
        if matches!(number, Number::Float(_))
            && let Some(digits) = whole_number(node)
        {
            let at = token_span(&digits);
            let text = digits.text().trim_start_matches(['-', '+']).to_owned();
            let help = "write `.0` behind it for an f64; an i64 goes up to 9223372036854775807";
            let found = self.found(code::SYNTAX, at, format!("`{text}` is too large for an i64")).help(help);
            self.report(found.fix("make it an f64", vec![conversion::insert(at.end, ".0")]));
        }
        self.expr(ExprKind::Literal(value), ty, at, at.start)
    }

    fn literal(&mut self, literal: &ast::Literal, at: Span) -> ExprId {
        match literal.value() {
            Some(ast::Value::Bool(value)) => {
                self.expr(ExprKind::Literal(Value::Bool(value)), Type::Bool, at, at.start)
            }
            Some(ast::Value::Text(text)) => self.symbol(&text, at),
            Some(ast::Value::Char(character)) => {
                let quoted = match character {
                    '"' | '\\' => format!("\"\\{character}\""),
                    character => format!("\"{character}\""),
                };
                let message = "cell programs have no single characters";
                let found = self.found(code::REFUSED, at, message).help(format!("write {quoted}"));
                self.report(found.replace(at, quoted));
                self.unknown(Type::Symbol, at)
            }
            Some(ast::Value::Unit) => {
                self.refuse(at, "`()`", "every value is there; use a bool to say whether it counts");
                self.wrong(at)
            }
            // Numbers are elsewhere; what is malformed, the parser has told.
            _ => self.wrong(at),
        }
    }

    /// A text.
    pub fn symbol(&mut self, text: &str, at: Span) -> ExprId {
        let limit = self.lowering.environment.limits.text_len.min(SYMBOL_CAPACITY);
        if text.len() > limit {
            let message = format!("a text of {} bytes, at most {limit} are kept", text.len());
            self.error(code::TOO_LARGE, at, message, "use a shorter name");
        }
        let symbol = self.lowering.symbol(text);
        self.expr(ExprKind::Symbol(symbol), Type::Symbol, at, at.start)
    }

    fn branch(&mut self, node: &ast::IfExpr, at: Span, want: Want) -> ExprId {
        let condition = match node.condition() {
            Some(condition) => self.condition(&condition),
            None => self.wrong(at),
        };
        let otherwise = node.otherwise();
        let has_else = otherwise.is_some();
        let inner = if has_else { want } else { Want::Drop };
        let mut parts = Vec::new();
        let mut then = Block::default();
        if let Some(block) = node.then() {
            let (lowered, ty) = self.block(&block, inner);
            parts.push(self.block_part(&block, ty));
            then = lowered;
        }
        let otherwise = otherwise.map(|otherwise| match otherwise {
            ast::Else::Block(block) => {
                let (lowered, ty) = self.block(&block, inner);
                parts.push(self.block_part(&block, ty));
                lowered
            }
            ast::Else::If(chained) => {
                let at = span_of(chained.syntax());
                let value = self.branch(&chained, at, inner);
                let ty = self.ty(value);
                parts.push(Part { ty: ty.clone(), span: at, expr: Some(ast::Expr::If(chained)) });
                let mut block = Block { statements: Vec::new(), value: Some(value) };
                if matches!(ty, Type::Unit | Type::Never) {
                    drop_value(&mut block, &self.exprs);
                }
                block
            }
        });
        if !has_else {
            if want == Want::Value {
                let help = "write `else`, so that there is a value in any case";
                let keyword = Span::new(at.start, at.start + 2);
                self.error(code::NO_VALUE, keyword, "`if` without `else` gives no value", help);
            }
            let ty = if want == Want::Value { Type::Unknown } else { Type::Unit };
            return self.expr(ExprKind::If { condition, then, otherwise }, ty, at, at.start);
        }
        let mut blocks = [Some(then), otherwise];
        let ty = self.joined(&parts, want, "branch", |exprs| {
            for block in blocks.iter_mut().flatten() {
                drop_value(block, exprs);
            }
        });
        let [then, otherwise] = blocks;
        let then = then.unwrap_or_default();
        self.expr(ExprKind::If { condition, then, otherwise }, ty, at, at.start)
    }

    /// The type of several ways, or [`Type::Unit`] if they give no common one and nobody wants it; then their values are
    /// dropped.
    pub fn joined(
        &mut self,
        parts: &[Part],
        want: Want,
        what: &str,
        mut dropped: impl FnMut(&[crate::hir::Expr]),
    ) -> Type {
        let mut joined = Type::Never;
        for part in parts {
            match super::joins::join(&joined, &part.ty) {
                Some(ty) => joined = ty,
                None if want == Want::Value => {
                    let rule = "types are never converted; all of them give the same type";
                    let what = format!("this {what} gives");
                    return self.join_all(parts, &what, "the one before", rule);
                }
                None => {
                    let given = parts.iter().find(|part| !matches!(part.ty, Type::Never | Type::Unknown));
                    if let (Want::Tail, Some(first)) = (want, given) {
                        self.conflicts((first.ty.clone(), first.span), (part.ty.clone(), part.span));
                    }
                    dropped(&self.exprs);
                    return Type::Unit;
                }
            }
        }
        if matches!(joined, Type::Unit) {
            dropped(&self.exprs);
        }
        joined
    }

    /// The value of a block as one of several.
    fn block_part(&self, block: &ast::Block, ty: Type) -> Part {
        let last = block.statements().filter(|statement| !matches!(statement, ast::Stmt::Empty(_))).last();
        match last {
            Some(ast::Stmt::Expr(last)) => match last.expr() {
                Some(last) => {
                    let mut part = part(ty, &last);
                    part.expr = Some(ast::Expr::Block(block.clone()));
                    part
                }
                None => Part { ty, span: span_of(block.syntax()), expr: None },
            },
            Some(last) => Part { ty, span: span_of(last.syntax()), expr: None },
            None => Part { ty, span: span_of(block.syntax()), expr: None },
        }
    }

    fn array(&mut self, node: &ast::ArrayExpr, at: Span) -> ExprId {
        let nodes: Vec<ast::Expr> = node.elements().collect();
        if nodes.is_empty() {
            let message = "an empty array has no type";
            self.error(code::TYPE, at, message, "write array(n, value)");
            return self.wrong(at);
        }
        let ids: Vec<ExprId> = nodes.iter().map(|node| self.value(node)).collect();
        let parts: Vec<Part> = ids.iter().zip(&nodes).map(|(id, node)| part(self.ty(*id), node)).collect();
        let element =
            self.join_all(&parts, "this is", "the elements before it are", "all elements have one type");
        if !self.len_fits(ids.len() as i64, at) {
            return self.wrong(at);
        }
        let ty = Type::array(element, ids.len() as u32);
        self.expr(ExprKind::Array(ids), ty, at, at.start)
    }

    /// False, and a finding, if an array may not have so many elements.
    pub fn len_fits(&mut self, len: i64, at: Span) -> bool {
        let limit = self.lowering.environment.limits.array_len;
        let fits = usize::try_from(len).is_ok_and(|len| (1..=limit).contains(&len));
        if !fits {
            let message = format!("an array of {len} elements, expected 1 to {limit}");
            self.error(code::TOO_LARGE, at, message, "[limits] array_len sets the most");
        }
        fits
    }

    /// False, and a finding, if a value has more parts than any may have.
    pub fn values_fit(&mut self, ty: &Type, at: Span) -> bool {
        let values = ty.values();
        if values > VALUES_MAX {
            let message =
                format!("the array has too many values in all: {values}, expected at most {VALUES_MAX}");
            self.error(code::TOO_LARGE, at, message, "make it smaller");
        }
        values <= VALUES_MAX
    }

    fn record(&mut self, node: &ast::MapExpr, at: Span) -> ExprId {
        let mut fields: Vec<(String, Type)> = Vec::new();
        let mut values: Vec<(String, ExprId)> = Vec::new();
        let mut places: Vec<(String, Span)> = Vec::new();
        for entry in node.entries() {
            let value = entry.value().map(|value| self.value(&value));
            let Some((name, token)) = entry.key().zip(entry.name()) else { continue };
            let here = token_span(&token);
            if let Some((_, first)) = places.iter().find(|(other, _)| *other == name) {
                let found = self.found(code::DUPLICATE, here, format!("there are two fields `{name}`"));
                self.report(found.help("choose another name").related(self.file, *first, "the first one"));
                continue;
            }
            let value = value.unwrap_or_else(|| self.wrong(here));
            fields.push((name.clone(), self.ty(value)));
            values.push((name.clone(), value));
            places.push((name, here));
        }
        let limit = self.lowering.environment.limits.record_len;
        if fields.len() > limit {
            let message = format!("{} fields, [limits] record_len allows {limit}", fields.len());
            self.error(code::TOO_LARGE, at, message, "make several records of it");
            return self.wrong(at);
        }
        let ty = Type::record(fields);
        for (name, here) in &places {
            let (record, name) = (ty.clone(), name.clone());
            self.lowering.uses.define(self.file, *here, Entity::Field { record, name });
        }
        let Type::Record(record) = &ty else { return self.wrong(at) };
        let values = values
            .iter()
            .filter_map(|(name, id)| record.field(name).map(|(index, _)| (index, *id)))
            .collect();
        self.expr(ExprKind::Record(values), ty, at, at.start)
    }

    /// A copy of what is kept somewhere; blocks stay where they are.
    pub fn read(&mut self, place: Place) -> ExprId {
        let (ty, at) = (place.ty.clone(), place.span);
        if ty.holds_block() {
            let message = match &ty {
                Type::Axis => {
                    "Axis cannot be copied, passed or iterated: it would not know the commands of the original"
                        .to_owned()
                }
                ty => format!(
                    "{} cannot be copied, passed or iterated: it would have a second memory",
                    called(ty)
                ),
            };
            let help = match &ty {
                Type::Axis => {
                    "use it where it stands, as in `for i in 0..this.axes.len { this.axes[i].halt(); }`"
                }
                _ => {
                    "use it where it stands, as in `for i in 0..this.timers.len { this.timers[i].run(...); }`"
                }
            };
            self.error(code::BLOCK, at, message, help);
            return self.wrong(at);
        }
        self.ordered_read(place)
    }
}

/// The token of a number without a point, an exponent or a prefix.
fn whole_number(node: &ast::Expr) -> Option<crate::syntax::SyntaxToken> {
    let token = match node.clone().plain() {
        ast::Expr::Literal(literal) => literal.token()?,
        ast::Expr::Prefix(prefix) => return whole_number(&prefix.operand()?),
        _ => return None,
    };
    let digits = token.text().trim_start_matches(['-', '+']);
    digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_').then_some(token)
}
