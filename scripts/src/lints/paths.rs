//! Where in the state the `this` of each function may be, and what names the parts of the state.

use super::walk::{Access, Visitor, walk};
use crate::hir::{
    Block, ConstantId, Expr, ExprId, ExprKind, FileId, Function, FunctionId, Hir, LocalId, Place, Root, Span,
    StatementKind, Step, Type,
};
use smallvec::SmallVec;
use std::collections::BTreeSet;

/// Fields, one in the other: seldom more than these, and they are made all the time.
pub(super) type Fields = SmallVec<[u32; 4]>;

/// What a path begins at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Space {
    /// The state.
    State,
    /// A variable.
    Local(FunctionId, LocalId),
    /// What a function gives.
    Result(FunctionId),
    /// A constant.
    Constant(ConstantId),
}

/// A place in a program: fields down to it. All elements of an array are one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub space: Space,
    pub path: Fields,
}

impl Key {
    pub fn new(space: Space) -> Self {
        Self { space, path: Fields::new() }
    }

    /// A part of it.
    pub fn below(&self, path: &[u32]) -> Self {
        let mut below = self.clone();
        below.path.extend_from_slice(path);
        below
    }
}

/// More places for one function are not followed: what it does is then not known of any of them.
const PLACES_MAX: usize = 256;

/// Where the functions of a program work.
pub(super) struct Paths {
    /// By function: every place that its `this` may be.
    this: Vec<BTreeSet<Key>>,
    /// By function: it runs in a cycle.
    cyclic: Vec<bool>,
    /// By function: it runs at all.
    called: Vec<bool>,
}

impl Paths {
    pub fn new(hir: &Hir) -> Self {
        let count = hir.functions.len();
        let mut paths = Self {
            this: vec![BTreeSet::new(); count],
            cyclic: vec![false; count],
            called: vec![false; count],
        };
        for entry in [Some(hir.init), Some(hir.cycle), hir.migrate].into_iter().flatten() {
            paths.mark(entry, entry == hir.cycle);
        }
        if let Some(this) = paths.this.get_mut(hir.cycle.index()) {
            this.insert(Key::new(Space::State));
        }
        // Callees stand before their callers.
        for (index, function) in hir.functions.iter().enumerate().rev() {
            let id = FunctionId(index as u32);
            if paths.is_called(id) {
                walk(function, &mut Calls { caller: id, paths: &mut paths });
            }
        }
        paths
    }

    fn mark(&mut self, function: FunctionId, cyclic: bool) {
        if let (Some(called), Some(of)) =
            (self.called.get_mut(function.index()), self.cyclic.get_mut(function.index()))
        {
            *called = true;
            *of |= cyclic;
        }
    }

    /// It runs at all.
    pub fn is_called(&self, function: FunctionId) -> bool {
        self.called.get(function.index()).copied().unwrap_or(false)
    }

    /// It runs in a cycle.
    pub fn is_cyclic(&self, function: FunctionId) -> bool {
        self.cyclic.get(function.index()).copied().unwrap_or(false)
    }

    /// Every place that this one may be; none if that is not known.
    pub fn keys(&self, function: FunctionId, place: &Place) -> Vec<Key> {
        let path = fields(place);
        match place.root {
            Root::This => {
                let this = self.this.get(function.index()).map(|keys| keys.iter()).into_iter().flatten();
                this.map(|key| key.below(&path)).collect()
            }
            Root::Local(local) => vec![Key { space: Space::Local(function, local), path }],
            Root::Constant(constant) => vec![Key { space: Space::Constant(constant), path }],
            Root::Value(_) => Vec::new(),
        }
    }

    /// Paths of the state that this place may be.
    pub fn state(&self, function: FunctionId, place: &Place) -> Vec<Fields> {
        let keys = self.keys(function, place).into_iter();
        keys.filter(|key| key.space == Space::State).map(|key| key.path).collect()
    }
}

/// Fields of a path, without its indices.
pub(super) fn fields(place: &Place) -> Fields {
    let field = |step: &Step| match step {
        Step::Field { index, .. } => Some(*index),
        Step::Index { .. } => None,
    };
    place.path.iter().filter_map(field).collect()
}

/// True if all elements of an array are meant, or one that is not known.
pub(super) fn has_index(place: &Place) -> bool {
    place.path.iter().any(|step| matches!(step, Step::Index { .. }))
}

struct Calls<'a> {
    caller: FunctionId,
    paths: &'a mut Paths,
}

impl Visitor for Calls<'_> {
    fn expr(&mut self, _: ExprId, expr: &Expr) {
        let ExprKind::Call { function, receiver, .. } = &expr.kind else { return };
        self.paths.mark(*function, self.paths.is_cyclic(self.caller));
        let Some(receiver) = receiver else { return };
        let keys = self.paths.keys(self.caller, receiver);
        if let Some(this) = self.paths.this.get_mut(function.index()) {
            this.extend(keys.into_iter().take(PLACES_MAX));
        }
    }

    fn place(&mut self, _: &Place, _: Access) {}
}

/// `this.stations.good`, of a path of fields below a record; `this` if it is empty.
pub(super) fn name(state: &Type, path: &[u32]) -> String {
    let mut text = "this".to_owned();
    let mut ty = state;
    for index in path {
        let Some(field) = field(ty, *index) else { break };
        text.push('.');
        text.push_str(&field.0);
        ty = field.1;
    }
    text
}

/// Name and type of a field; that of the elements if it is of an array.
pub(super) fn field(ty: &Type, index: u32) -> Option<(String, &Type)> {
    let Type::Record(record) = element(ty) else { return None };
    let field = record.fields().get(index as usize)?;
    Some((field.name.clone(), &field.ty))
}

/// Type of what is in an array, however deep; else the type itself.
pub(super) fn element(ty: &Type) -> &Type {
    match ty {
        Type::Array(array) => element(&array.element),
        other => other,
    }
}

/// Where `init` names a field of the state: its key in the record, as far as that can be told.
pub(super) fn origin(hir: &Hir, path: &[u32]) -> (FileId, Span) {
    let init = hir.function(hir.init);
    let mut at = (init.file, init.span);
    let mut values: Vec<(FunctionId, ExprId)> =
        init.body.value.map(|value| (hir.init, value)).into_iter().collect();
    values.extend(returned(hir.init, init));
    for index in path {
        let records: Vec<_> = values.iter().flat_map(|(of, value)| records(hir, *of, *value, 0)).collect();
        let below = records.iter().filter_map(|(of, fields)| {
            let (_, value) = fields.iter().find(|(field, _)| field == index)?;
            Some((*of, *value))
        });
        values = below.collect();
        let Some((of, value)) = values.first() else { return at };
        let function = hir.function(*of);
        at = (function.file, key_before(hir, function.file, function.expr(*value).span));
    }
    at
}

/// What a function returns before its end.
fn returned(id: FunctionId, function: &Function) -> Vec<(FunctionId, ExprId)> {
    struct Returns(FunctionId, Vec<(FunctionId, ExprId)>);
    impl Visitor for Returns {
        fn statement(&mut self, statement: &crate::hir::Statement) {
            if let StatementKind::Return(Some(value)) = statement.kind {
                self.1.push((self.0, value));
            }
        }
    }
    let mut returns = Returns(id, Vec::new());
    walk(function, &mut returns);
    returns.1
}

type Written<'a> = &'a [(u32, ExprId)];

/// The records as which an expression is written.
fn records(hir: &Hir, of: FunctionId, value: ExprId, depth: u32) -> Vec<(FunctionId, Written<'_>)> {
    if depth > 16 {
        return Vec::new();
    }
    let function = hir.function(of);
    let last = |block: &Block| block.value;
    let below: Vec<(FunctionId, ExprId)> = match &function.expr(value).kind {
        ExprKind::Record(fields) => return vec![(of, fields)],
        ExprKind::Array(values) => values.iter().map(|value| (of, *value)).collect(),
        ExprKind::Fill { value, .. } => vec![(of, *value)],
        ExprKind::Block(block) => last(block).map(|value| (of, value)).into_iter().collect(),
        ExprKind::If { then, otherwise, .. } => {
            let blocks = [Some(then), otherwise.as_ref()].into_iter().flatten();
            blocks.filter_map(last).map(|value| (of, value)).collect()
        }
        ExprKind::Call { function: callee, .. } => {
            let body = &hir.function(*callee).body;
            let value = last(body).map(|value| (*callee, value));
            value.into_iter().chain(returned(*callee, hir.function(*callee))).collect()
        }
        ExprKind::Read(Place { root: Root::Local(local), path, .. }) if path.is_empty() => {
            struct Lets(LocalId, Option<ExprId>);
            impl Visitor for Lets {
                fn statement(&mut self, statement: &crate::hir::Statement) {
                    if let StatementKind::Let { local, value } = statement.kind
                        && local == self.0
                    {
                        self.1 = Some(value);
                    }
                }
            }
            let mut lets = Lets(*local, None);
            walk(function, &mut lets);
            lets.1.map(|value| (of, value)).into_iter().collect()
        }
        _ => Vec::new(),
    };
    below.into_iter().flat_map(|(of, value)| records(hir, of, value, depth + 1)).collect()
}

/// `key` in front of `: value`; the value itself if it does not stand there.
fn key_before(hir: &Hir, file: FileId, value: Span) -> Span {
    let Some(before) = hir.files.get(file.index()).and_then(|file| file.text.get(..value.start as usize))
    else {
        return value;
    };
    let Some(before) = before.trim_end().strip_suffix(':') else { return value };
    let before = before.trim_end();
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '"';
    let name = before.len() - before.trim_end_matches(is_name).len();
    match name {
        0 => value,
        len => Span::new((before.len() - len) as u32, before.len() as u32),
    }
}
