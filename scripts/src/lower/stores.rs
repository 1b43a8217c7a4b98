//! Assignments.

use super::{
    body::Body,
    chain::Target,
    operators::binary_operator,
    span, span_of,
    statements::{called, word},
    token_span,
};
use crate::{
    AssignedTag,
    environment::read_only_in_twin,
    finding::code,
    hir::{
        BinaryOperator, ExprId, ExprKind, LocalId, Place, Root, Span, Statement, StatementKind, TagPlace,
        Type,
    },
    syntax::ast::{self, AstNode},
};
use sensai_model::TagKind;

/// What is stored, and how.
struct Store<'n> {
    place: &'n ast::Expr,
    value: &'n ast::Expr,
    id: ExprId,
    operator: Option<BinaryOperator>,
    op: Span,
}

impl Body<'_, '_, '_> {
    pub(super) fn assignment(&mut self, node: &ast::AssignStmt) -> Option<Statement> {
        let all = span_of(node.syntax());
        let value = node.value();
        let place = node.place()?;
        let target = self.target(&place);
        if let Target::Place(to) = &target
            && to.ty.holds_block()
        {
            self.blocks_stay(to);
            return None;
        }
        let id = value.as_ref().map(|value| self.value(value));
        let op = node.op_token().map_or(all, |op| token_span(&op));
        let (Some(value), Some(id)) = (value, id) else {
            // The parser has told what is missing.
            self.note_assigned(&target);
            return None;
        };
        let operator = node.op().and_then(binary_operator);
        let store = Store { place: &place, value: &value, id, operator, op };
        let kind = match target {
            Target::Place(to) => self.store_in_place(to, &store)?,
            Target::Tag { tag, index, span, at } => self.store_in_tag(tag, index, span, at, &store)?,
            other => {
                self.cannot_be_written(&other, &store);
                return None;
            }
        };
        // The operator fails where it stands; writing a tag fails where its name is.
        let at = match &kind {
            StatementKind::AssignTag { tag, .. } if operator.is_none() => self.name_at(tag),
            _ => op.start,
        };
        Some(Statement { kind, span: all, at })
    }

    /// Where a fault of writing a tag is reported: at the last name of its path.
    fn name_at(&self, tag: &TagPlace) -> u32 {
        match tag.index {
            Some(_) => tag.at,
            None => {
                let text = self.text(tag.span);
                let last = text.rfind('.').map_or(0, |dot| dot + 1);
                let blanks = text.get(last..).map_or(0, |name| name.len() - name.trim_start().len());
                tag.span.start + (last + blanks) as u32
            }
        }
    }

    fn store_in_place(&mut self, place: Place, store: &Store<'_>) -> Option<StatementKind> {
        if matches!(place.root, Root::This) && place.path.is_empty() {
            self.error(
                code::BLOCK,
                place.span,
                "the state cannot be replaced as a whole",
                "assign its fields",
            );
            return None;
        }
        if !self.may_change(&place, "cannot be written") {
            return None;
        }
        let subject = match (&place.root, place.path.is_empty()) {
            (Root::Local(local), true) => {
                let name = self.locals.get(local.index()).map_or("", |local| local.name.as_str());
                format!("`{name}`")
            }
            _ => "the field".to_owned(),
        };
        if !self.value_fits(&place.ty, &subject, store) {
            return None;
        }
        self.changes(&place);
        Some(StatementKind::Assign { place, operator: store.operator, value: store.id })
    }

    fn blocks_stay(&mut self, place: &Place) {
        let (message, help) = match &place.ty {
            _ if place.root == Root::This && place.path.is_empty() => {
                ("the state cannot be replaced as a whole".to_owned(), "assign its fields")
            }
            Type::Axis => (
                "Axis cannot be assigned: handles stay where `init` made them".to_owned(),
                "make an array of handles, and keep the index of the one that is meant",
            ),
            ty => (
                format!("{} cannot be assigned: blocks stay where `init` made them", called(ty)),
                "assign fields that are no blocks",
            ),
        };
        self.error(code::BLOCK, place.span, message, help);
    }

    fn value_fits(&mut self, ty: &Type, subject: &str, store: &Store<'_>) -> bool {
        match store.operator {
            None => self.fits(store.id, store.value, ty, subject),
            Some(operator) => {
                self.operate(operator, store.op, (store.place, ty), (store.value, store.id), subject)
            }
        }
    }

    /// A place is changed, by an assignment or by what is called on it.
    pub fn changes(&mut self, place: &Place) {
        match place.root {
            Root::This => self.facts.writes_this = true,
            Root::Local(local) => {
                self.changed.push(local);
                if let Some(local) = self.locals.get_mut(local.index()) {
                    local.mutable = true;
                }
            }
            Root::Constant(_) | Root::Value(_) => {}
        }
    }

    /// Refuses that a variable with which a call or an operator begins is changed by what stands behind it, since
    /// [`Body::changed`] had `mark` entries: Rhai reads a bare variable there last, anything else first.
    pub fn unchanged_behind(&mut self, first: Option<ExprId>, mark: usize) {
        let Some(ExprKind::Read(place)) = first.and_then(|first| self.kind(first)) else { return };
        let Root::Local(local) = place.root else { return };
        let (bare, at) = (place.path.is_empty(), place.span);
        if bare && self.changed.get(mark..).is_some_and(|changed| changed.contains(&local)) {
            let name = self.text(at).to_owned();
            let message = format!("`{name}` is changed by what stands behind it");
            let help = format!("give its value to another variable before, as in `let before = {name};`");
            self.error(code::REFUSED, at, message, help);
        }
    }

    /// False, and a finding, if nothing can be changed there.
    pub fn may_change(&mut self, place: &Place, what: &str) -> bool {
        match place.root {
            Root::Constant(_) => {
                let name = root_of(self.text(place.span));
                let at = word(place.span, name.len() as u32);
                let message = format!("`{name}` is a constant");
                self.error(code::READ_ONLY, at, message, "keep what changes in the state");
                false
            }
            Root::Local(local) => self.may_change_local(local, place, what),
            Root::This | Root::Value(_) => true,
        }
    }

    fn may_change_local(&mut self, local: LocalId, place: &Place, what: &str) -> bool {
        let Some(name) = self.locals.get(local.index()).map(|local| local.name.clone()) else { return true };
        let at = word(place.span, name.len() as u32);
        if self.constant.get(local.index()).copied().unwrap_or(false) {
            let message = format!("`{name}` is a constant");
            self.error(code::READ_ONLY, at, message, "declare it with `let`");
            return false;
        }
        let whole = self.locals.get(local.index()).map_or(Type::Unknown, |local| local.ty.clone());
        if self.is_parameter(local) && (!place.path.is_empty() || whole.is_composite()) {
            let message = format!("`{name}` is a parameter; its elements and fields {what}");
            let help =
                "the caller would not see it; return the value, or make the function a method of the record";
            self.error(code::READ_ONLY, at, message, help);
            return false;
        }
        true
    }

    fn store_in_tag(
        &mut self,
        tag: u32,
        index: Option<(ExprId, u32)>,
        at: Span,
        index_at: u32,
        store: &Store<'_>,
    ) -> Option<StatementKind> {
        let name = self.tag_name(tag);
        let of = self.tag(tag)?;
        let (kind, scalar, is_array) = (of.kind, of.scalar, of.array_len.is_some());
        self.assigns_tag(tag, at);
        match kind {
            TagKind::Input => {
                let (message, help) = if self.lowering.environment.role.is_twin() {
                    let help = "a twin writes the cell's inputs, and what the machine does to a shaft";
                    (read_only_in_twin(&name), help)
                } else {
                    (format!("`{name}` is an input and cannot be written"), "use an output or a memory tag")
                };
                self.error(code::READ_ONLY, at, message, help);
                return None;
            }
            TagKind::Model => {
                let message = format!("`{name}` cannot be written; models write their results themselves");
                self.error(code::READ_ONLY, at, message, "keep a value of your own in the state");
                return None;
            }
            TagKind::Output | TagKind::Memory => {}
        }
        if is_array && index.is_none() {
            let message = format!("`{name}` is an array of tags");
            self.error(code::TYPE, at, message, format!("write its elements, as in `{name}[0]`"));
            return None;
        }
        if !self.value_fits(&Type::scalar(scalar), &format!("`{name}`"), store) {
            return None;
        }
        let place = TagPlace {
            tag,
            index: index.map(|(id, _)| id),
            span: at,
            at: index.map_or(index_at, |(_, index_at)| index_at),
        };
        Some(StatementKind::AssignTag { tag: place, operator: store.operator, value: store.id })
    }

    fn note_assigned(&mut self, target: &Target) {
        if let Target::Tag { tag, span, .. } = target {
            self.assigns_tag(*tag, *span);
        }
    }

    fn assigns_tag(&mut self, tag: u32, at: Span) {
        // What a library assigns to, the program does where it imports it.
        let mut imports = self.lowering.imports.iter();
        let at = imports.find(|import| import.file == self.file).map_or(at, |import| import.span);
        let Some(file) = self.lowering.sink.files().first() else { return };
        let position = file.position(at.start);
        let assigned = AssignedTag { tag, line: position.line, column: position.column };
        if !self.lowering.assigned.contains(&assigned) {
            self.lowering.assigned.push(assigned);
        }
    }

    fn cannot_be_written(&mut self, target: &Target, store: &Store<'_>) {
        let at = target.span(self);
        match target {
            Target::Wrong(_) => {}
            Target::Parameter { index, .. } => {
                let parameters = self.lowering.environment.parameters;
                let name = parameters.get(*index as usize).map_or("", |parameter| parameter.name.as_str());
                let twin = self.lowering.environment.role.is_twin();
                let who = if twin { "`--sim-param`" } else { "an operator" };
                let message = format!("`param.{name}` cannot be written; only {who} sets it");
                self.error(code::READ_ONLY, at, message, "keep a value of your own in the state");
            }
            Target::Fact { .. } => {
                let message = format!("{} cannot be written", self.shown(at, "`sys`"));
                self.error(code::READ_ONLY, at, message, "keep a value of your own in the state");
            }
            Target::Fresh { .. } => {
                let name = self.shown(at, "`ai`");
                let message = format!("{name} cannot be written; models write their results themselves");
                self.error(code::READ_ONLY, at, message, "keep a value of your own in the state");
            }
            Target::Value(id) => self.value_cannot_be_written(*id, store),
            group => {
                self.group_is_no_value(group);
            }
        }
    }

    fn value_cannot_be_written(&mut self, id: ExprId, store: &Store<'_>) {
        use crate::hir::ExprKind;
        let at = span(store.place);
        let (message, help) = match self.kind(id) {
            Some(ExprKind::Pin { .. }) => {
                ("a pin cannot be written".to_owned(), "give it as an argument of the block's method")
            }
            Some(ExprKind::AxisProperty { .. }) => (
                "a property of an Axis cannot be written".to_owned(),
                "the axis says it; give the axis a command",
            ),
            Some(ExprKind::Tag { quality: true, tag }) => {
                let name = self.tag_name(tag.tag);
                (format!("only `{name}` itself can be written"), "write to the tag")
            }
            _ if matches!(self.ty(id), Type::Unknown) => return,
            _ => {
                let text = root_of(self.text(at)).to_owned();
                if self.is_constant(&text) {
                    (format!("`{text}` is a constant"), "keep what changes in the state")
                } else {
                    (
                        format!("{} cannot be written", self.shown(at, "this")),
                        "write to a variable or a field",
                    )
                }
            }
        };
        self.error(code::READ_ONLY, at, message, help);
    }
}

/// The name that a path begins with.
fn root_of(path: &str) -> &str {
    let end = path.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(path.len());
    path.get(..end).unwrap_or_default()
}
