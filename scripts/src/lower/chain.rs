//! Names and what hangs on them: `this.axes[i].done`, `io.valve.down`, `x`.

use super::{
    body::{Body, Want},
    span, token_span,
};
use crate::{
    environment::{AI, AXIS, LATER_ROOTS, ROOTS},
    finding::code,
    hir::{ExprId, ExprKind, Place, Root, Span, Step, SysFact, Type},
    names::{nearest, suggest},
    syntax::{
        SyntaxToken,
        ast::{self, AstNode},
    },
    tree::Tree,
    uses::{Before, Entity, Missing},
};
use sensai_model::Value;

/// What a path leads to, before it is read, written or called.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// Where something is kept.
    Place(Place),
    /// What an expression gives.
    Value(ExprId),
    /// `io`, or `axis` in a twin, or a group of it.
    Group { root: &'static str, node: u32, span: Span },
    /// A tag, or an element of one.
    Tag { tag: u32, index: Option<(ExprId, u32)>, span: Span, at: u32 },
    /// `param`, or a group of it.
    Parameters { node: u32, span: Span },
    /// `param.name`.
    Parameter { index: u32, span: Span },
    /// `sys`.
    Sys(Span),
    /// `sys.name`.
    Fact { fact: SysFact, span: Span },
    /// `ai`.
    Ai(Span),
    /// `ai.name`.
    Model { index: u16, span: Span },
    /// `ai.name.fresh`.
    Fresh { index: u16, span: Span },
    /// What is wrong, and was said.
    Wrong(Span),
}

impl Target {
    pub fn span(&self, body: &Body<'_, '_, '_>) -> Span {
        match self {
            Self::Place(place) => place.span,
            Self::Value(id) => body.span_of(*id),
            Self::Group { span, .. }
            | Self::Tag { span, .. }
            | Self::Parameters { span, .. }
            | Self::Parameter { span, .. }
            | Self::Sys(span)
            | Self::Fact { span, .. }
            | Self::Ai(span)
            | Self::Model { span, .. }
            | Self::Fresh { span, .. }
            | Self::Wrong(span) => *span,
        }
    }
}

impl Body<'_, '_, '_> {
    /// The value of a path or call.
    pub fn path(&mut self, node: &ast::Expr, want: Want) -> ExprId {
        let target = self.target(node);
        if let Target::Value(id) = target {
            return if want == Want::Value { self.with_value(id) } else { id };
        }
        self.finish_read(target)
    }

    /// A call whose value is used: its function must always give the same type.
    fn with_value(&mut self, id: ExprId) -> ExprId {
        let Some(ExprKind::Call { function, .. }) = self.kind(id) else { return id };
        let instance = self.lowering.instances.get(function.index());
        let conflict = instance.and_then(|instance| instance.conflict.clone());
        let Some(conflict) = conflict else { return id };
        let Some(function) = self.lowering.functions.get(function.index()) else { return id };
        let (file, name) = (function.file, function.name.clone());
        let (first, second) = (conflict.first, conflict.second);
        let message =
            format!("`{name}` gives {} here, {} elsewhere, and its result is used", second.0, first.0);
        let at = self.span_of(id);
        let found = crate::sink::Found::error(code::JOIN, file, second.1, message)
            .help("let all its ways give one type")
            .related(file, first.1, format!("{} here", first.0))
            .related(self.file, at, "used here");
        self.report(found);
        self.wrong(at)
    }

    /// Read what a path leads to.
    pub fn finish_read(&mut self, target: Target) -> ExprId {
        match target {
            Target::Value(id) => id,
            Target::Place(place) => {
                if matches!(place.root, Root::This) && place.path.is_empty() {
                    let help = "call the function as a method, as in `this.f()`";
                    self.error(code::BLOCK, place.span, "`this` cannot be copied or passed", help);
                    return self.wrong(place.span);
                }
                self.read(place)
            }
            Target::Tag { tag, index, span, at } => self.read_tag(tag, index, span, at, false),
            Target::Parameter { index, span } => {
                let scalar = self.lowering.environment.parameters.get(index as usize).map(|of| of.scalar);
                let ty = scalar.map_or(Type::Unknown, Type::scalar);
                self.expr(ExprKind::Parameter(index), ty, span, span.start)
            }
            Target::Fact { fact, span } => {
                let ty = match fact {
                    SysFact::Cycle | SysFact::Time | SysFact::Seed => Type::I64,
                    SysFact::Dt => Type::F64,
                    SysFact::FirstCycle => Type::Bool,
                    SysFact::Mode | SysFact::State => Type::Symbol,
                };
                self.expr(ExprKind::Sys(fact), ty, span, span.start)
            }
            Target::Fresh { index, span } => self.expr(ExprKind::Fresh(index), Type::Bool, span, span.start),
            Target::Wrong(span) => self.wrong(span),
            Target::Group { .. }
            | Target::Parameters { .. }
            | Target::Sys(_)
            | Target::Ai(_)
            | Target::Model { .. } => self.group_is_no_value(&target),
        }
    }

    /// What a path leads to.
    pub fn target(&mut self, node: &ast::Expr) -> Target {
        let at = span(node);
        match node {
            ast::Expr::This(_) => self.this(at),
            ast::Expr::Path(path) => self.name(path, at),
            ast::Expr::Field(field) => {
                let Some(base) = field.base() else { return Target::Wrong(at) };
                if field.is_optional() {
                    self.optional(field.syntax());
                }
                let base = self.target(&base);
                match field.name() {
                    Some(name) => self.field(base, &name, at),
                    None => Target::Wrong(at),
                }
            }
            ast::Expr::Index(index) => {
                let Some(base) = index.base() else { return Target::Wrong(at) };
                if index.is_optional() {
                    self.optional(index.syntax());
                }
                let base = self.target(&base);
                match index.index() {
                    Some(index) => self.index(base, &index, at),
                    None => Target::Wrong(at),
                }
            }
            ast::Expr::Call(call) => Target::Value(self.call(call, at)),
            ast::Expr::MethodCall(call) => {
                if call.is_optional() {
                    self.optional(call.syntax());
                }
                Target::Value(self.method_call(call, at))
            }
            other => Target::Value(self.value(other)),
        }
    }

    fn optional(&mut self, node: &crate::syntax::SyntaxNode) {
        use crate::syntax::SyntaxKind as K;
        let mut tokens = node.children_with_tokens().filter_map(|element| element.into_token());
        let Some(token) = tokens.find(|token| matches!(token.kind(), K::QuestionDot | K::QuestionBracket))
        else {
            return;
        };
        let at = token_span(&token);
        let plain = if token.kind() == K::QuestionDot { "." } else { "[" };
        let message = format!("cell programs have no `{}`", token.text());
        let found = self.found(code::REFUSED, at, message);
        self.report(found.help("every value is there; a tag's quality is `.valid`").replace(at, plain));
    }

    fn this(&mut self, at: Span) -> Target {
        match &self.this {
            Some(ty) => {
                let ty = ty.clone();
                Target::Place(Place { root: Root::This, path: Vec::new(), ty, span: at })
            }
            None => {
                let is_init = self
                    .item
                    .and_then(|item| self.lowering.items.get(item))
                    .is_some_and(|item| item.name == "init" && item.parameters.is_empty());
                if is_init {
                    let help = "build the record that `init` returns, as in `#{ step: \"idle\" }`";
                    self.error(
                        code::UNBOUND_THIS,
                        at,
                        "`init` makes the state; there is no `this` yet",
                        help,
                    );
                }
                Target::Wrong(at)
            }
        }
    }

    fn name(&mut self, path: &ast::PathExpr, at: Span) -> Target {
        let Some(token) = path.name() else {
            if path.segments().count() > 1 {
                let help = "only functions of a library are called so; let one of them give the value";
                self.refuse(at, "`::`", help);
            }
            return Target::Wrong(at);
        };
        let name = token.text();
        if let Some(local) = self.find(name) {
            if let Some(declared) = self.locals.get(local.index()).map(|local| local.span) {
                self.means(at, Entity::Local(declared));
            }
            let ty = self.locals.get(local.index()).map_or(Type::Unknown, |local| local.ty.clone());
            return Target::Place(Place { root: Root::Local(local), path: Vec::new(), ty, span: at });
        }
        let twin = self.lowering.environment.role.is_twin();
        let roots = ROOTS.iter().chain(twin.then_some(&AXIS));
        if let Some(root) = roots.copied().find(|root| *root == name) {
            self.means(at, Entity::Root(root));
        }
        match name {
            "io" => return Target::Group { root: "io", node: Tree::ROOT, span: at },
            AXIS if twin => return Target::Group { root: AXIS, node: Tree::ROOT, span: at },
            "param" => return Target::Parameters { node: Tree::ROOT, span: at },
            "sys" => return Target::Sys(at),
            AI => return Target::Ai(at),
            _ => {}
        }
        if LATER_ROOTS.contains(&name) {
            let message = format!("`{name}` is not there yet");
            self.error(code::UNKNOWN_VARIABLE, at, message, "use parameters and tags");
            return Target::Wrong(at);
        }
        if let Some(target) = self.constant_target(name, at) {
            return target;
        }
        self.unknown_name(name, at);
        Target::Wrong(at)
    }

    fn unknown_name(&mut self, name: &str, at: Span) {
        self.means(at, Entity::Unknown(Missing::Variable));
        self.is_asked(name, at);
        if self.lowering.items.iter().any(|item| item.name == name && item.file == self.file) {
            return self.refuse(at, &format!("functions as values, such as `{name}`"), "call it");
        }
        let mut constants = self.lowering.constants.iter().filter(|constant| constant.file == self.file);
        let later = constants.find(|constant| constant.name == name);
        if let Some(later) = later.filter(|_| self.item.is_none()) {
            let place = later.span;
            let found = self.found(code::UNKNOWN_VARIABLE, at, format!("`{name}` is not known here yet"));
            let found = found.help("declare it before the constants that need it");
            return self.report(found.related(self.file, place, "declared here"));
        }
        let locals: Vec<String> = self.scope.iter().map(|(name, _)| name.clone()).collect();
        let own = self.lowering.constants.iter().filter(|constant| constant.file == self.file);
        let mut known: Vec<&str> = own.map(|constant| constant.name.as_str()).collect();
        known.extend(locals.iter().map(String::as_str));
        known.extend(ROOTS);
        known.push("this");
        let near = nearest(name, known).map(str::to_owned);
        let found = self.found(code::UNKNOWN_VARIABLE, at, format!("`{name}` is not known here"));
        if let Some(meant) = self.meant(name) {
            return self.report(super::meant::advise(found, at, meant));
        }
        let found = match near {
            Some(near) => found.help(format!("did you mean `{near}`?")).replace(at, near),
            None => found.help("declare it with `let` or `const`"),
        };
        self.report(found);
    }

    fn field(&mut self, base: Target, name: &SyntaxToken, at: Span) -> Target {
        let here = token_span(name);
        self.stands_behind(&base, here);
        match base {
            Target::Wrong(_) => Target::Wrong(at),
            Target::Place(place) => self.place_field(place, name, at),
            Target::Value(id) => {
                let place = self.value_place(id);
                self.place_field(place, name, at)
            }
            Target::Group { root, node, span } => self.group_field(root, node, span, name, at),
            Target::Tag { tag, index, span, at: index_at } => {
                self.tag_field((tag, index, span, index_at), name.text(), here, at)
            }
            Target::Parameters { node, .. } => self.parameter_field(node, name.text(), here, at),
            Target::Sys(_) => self.sys_field(name.text(), here, at),
            Target::Ai(_) => self.model(name.text(), here, at),
            Target::Model { index, .. } => self.model_fact(index, name.text(), here, at),
            other @ (Target::Parameter { .. } | Target::Fact { .. } | Target::Fresh { .. }) => {
                let id = self.finish_read(other);
                let place = self.value_place(id);
                self.place_field(place, name, at)
            }
        }
    }

    /// What an expression gives, as a place without a name.
    pub fn value_place(&self, id: ExprId) -> Place {
        // What was read as a whole is read in parts where it is.
        Place { root: Root::Value(id), path: Vec::new(), ty: self.ty(id), span: self.span_of(id) }
    }

    /// Note what stands before the point of a name.
    pub fn stands_behind(&mut self, base: &Target, here: Span) {
        let tree = |shafts: bool| if shafts { &self.lowering.shafts } else { &self.lowering.tags };
        let before = match base {
            Target::Place(place) => Before::Value(place.ty.clone()),
            Target::Value(id) => Before::Value(self.ty(*id)),
            Target::Group { root, node, .. } => {
                let shafts = *root == AXIS;
                Before::Tags { path: tree(shafts).path(*node).to_owned(), shafts }
            }
            Target::Tag { tag, index: None, .. } => Before::Tag(*tag),
            Target::Tag { tag, .. } => Before::Element(*tag),
            Target::Parameters { node, .. } => {
                Before::Parameters(self.lowering.parameters.path(*node).to_owned())
            }
            Target::Sys(_) => Before::Sys,
            Target::Ai(_) => Before::Ai,
            Target::Model { index, .. } => Before::Model(*index),
            Target::Parameter { .. } | Target::Fact { .. } | Target::Fresh { .. } | Target::Wrong(_) => {
                return;
            }
        };
        self.lowering.uses.receiver(self.file, here, before);
    }

    fn place_field(&mut self, mut place: Place, token: &SyntaxToken, at: Span) -> Target {
        let (name, here) = (token.text(), token_span(token));
        match place.ty.clone() {
            Type::Record(record) => match record.field(name) {
                Some((index, field)) => {
                    self.means(here, Entity::Field { record: place.ty.clone(), name: name.to_owned() });
                    place.path.push(Step::Field { index, offset: field.offset });
                    place.ty = field.ty.clone();
                    place.span = at;
                    Target::Place(place)
                }
                None => {
                    let names: Vec<&str> = record.fields().iter().map(|field| field.name.as_str()).collect();
                    let path = self.shown(place.span, "this record");
                    let of_state = matches!(place.root, Root::This);
                    let gives = if of_state { "; `init` gives the fields" } else { "" };
                    let message = format!("{path} has no field `{name}`{gives}");
                    self.unknown_part(here, name, message, &names, "fields");
                    Target::Wrong(at)
                }
            },
            Type::Block(of) => Target::Value(self.pin(place, of, name, here, at)),
            Type::Axis => Target::Value(self.property(place, name, here, at)),
            Type::Array(array) if name == "len" => {
                self.means(here, Entity::Len);
                Target::Value(self.len(place, array.len, at))
            }
            Type::Unknown | Type::Never => Target::Wrong(at),
            ty => {
                if name == "valid" {
                    let message = "`.valid` is the quality of a tag, not of a value";
                    let help = "write it directly behind the tag, as in `io.force.valid`";
                    self.error(code::QUALITY, here, message, help);
                    return Target::Value(self.unknown(Type::Bool, at));
                }
                let path = self.shown(place.span, "this");
                let message = format!("{path} is {ty} and has no `{name}`");
                let help = match ty {
                    Type::Array(_) => "an array has elements, as in `[0]`, and `len`",
                    _ => "leave it away",
                };
                self.error(code::UNKNOWN_FIELD, here, message, help);
                Target::Wrong(at)
            }
        }
    }

    /// Elements of an array: a number, unless finding the array may fail.
    pub fn len(&mut self, place: Place, len: u32, at: Span) -> ExprId {
        let found = !matches!(place.root, Root::Value(_))
            && place.path.iter().all(|step| matches!(step, Step::Field { .. }));
        let kind = if found { ExprKind::Literal(Value::I64(len.into())) } else { ExprKind::Len(place) };
        self.expr(kind, Type::I64, at, at.start)
    }

    /// No such part; with the one that was probably meant.
    pub fn unknown_part(&mut self, here: Span, name: &str, message: String, known: &[&str], what: &str) {
        self.means(here, Entity::Unknown(Missing::Field));
        let found = self.found(code::UNKNOWN_FIELD, here, message).help(suggest(name, known, what));
        let found = match nearest(name, known.iter().copied()) {
            Some(near) => found.replace(here, near),
            None => found,
        };
        self.report(found);
    }

    fn index(&mut self, base: Target, node: &ast::Expr, at: Span) -> Target {
        if let ast::Expr::Literal(literal) = node.clone().plain()
            && let Some(ast::Value::Text(name)) = literal.value()
        {
            return self.field_by_text(&base, &name, node, at);
        }
        match base {
            Target::Wrong(_) => {
                self.value(node);
                Target::Wrong(at)
            }
            Target::Place(place) => self.place_index(place, node, at),
            Target::Tag { tag, index: None, span, .. } => self.tag_index(tag, span, node, at),
            other => {
                let id = self.finish_read(other);
                let place = self.value_place(id);
                self.place_index(place, node, at)
            }
        }
    }

    fn field_by_text(&mut self, base: &Target, name: &str, node: &ast::Expr, at: Span) -> Target {
        let here = span(node);
        let brackets = Span::new(base.span(self).end, at.end);
        let message = "cell programs have no fields by text";
        let found = self.found(code::REFUSED, here, message).help(format!("write `.{name}`"));
        self.report(found.replace(brackets, format!(".{name}")));
        Target::Wrong(at)
    }

    /// Where an index that is out of bounds is reported: at its operator, if it has one, as in Rhai.
    fn index_at(&self, index: ExprId) -> u32 {
        match self.exprs.get(index.index()) {
            Some(expr) if matches!(expr.kind, ExprKind::Binary(..) | ExprKind::Unary(..)) => expr.at,
            _ => self.span_of(index).start,
        }
    }

    fn place_index(&mut self, mut place: Place, node: &ast::Expr, at: Span) -> Target {
        let index = self.value(node);
        let ty = self.ty(index);
        let here = span(node);
        match place.ty.clone() {
            Type::Array(array) => {
                if matches!(ty, Type::Symbol) {
                    self.error(code::TYPE, here, "an index is i64, the value is text", "count from 0");
                    return Target::Wrong(at);
                }
                if !self.fits(index, node, &Type::I64, "an index") {
                    return Target::Wrong(at);
                }
                if let Some(ExprKind::Literal(Value::I64(index))) = self.kind(index)
                    && !(-i64::from(array.len)..i64::from(array.len)).contains(index)
                {
                    let path = self.shown(place.span, "the array");
                    let message =
                        format!("{path} has elements 0 to {}, not {index}", array.len.saturating_sub(1));
                    self.error(code::UNKNOWN_FIELD, here, message, "use an index that exists");
                    return Target::Wrong(at);
                }
                let stride = array.element.size();
                place.path.push(Step::Index { index, len: array.len, stride, at: self.index_at(index) });
                place.ty = array.element.clone();
                place.span = at;
                Target::Place(place)
            }
            Type::Unknown | Type::Never => Target::Wrong(at),
            Type::Record(_) if matches!(ty, Type::Symbol | Type::Unknown) => {
                self.refuse(here, "fields by text", "write the field's name behind a point");
                Target::Wrong(at)
            }
            other => {
                let path = self.shown(place.span, "this");
                let other = super::statements::called(&other);
                let message = format!("{path} is {other} and cannot be indexed; only arrays can");
                self.error(code::UNKNOWN_FIELD, here, message, "leave the index away");
                Target::Wrong(at)
            }
        }
    }
}
