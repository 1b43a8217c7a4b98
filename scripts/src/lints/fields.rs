//! Fields of the state that only `init` knows.

use super::{
    Program,
    paths::{self, element},
    walk::{Access, Visitor, walk},
};
use crate::{
    finding::code,
    hir::{Expr, ExprId, ExprKind, FunctionId, Place, Root, Type},
    sink::{Found, Sink},
};
use sensai_stdlib::registry::{BlockType, MethodKind};
use std::collections::{BTreeMap, BTreeSet};

type Path = super::paths::Fields;

/// A field that is only written is not unused: people watch it.
pub(super) fn lint(program: &Program<'_>, sink: &mut Sink) {
    let mut uses =
        Uses { program, function: program.hir.cycle, touched: BTreeSet::new(), blocks: BTreeMap::new() };
    for (id, function) in program.functions() {
        if program.paths.is_cyclic(id) {
            uses.function = id;
            walk(function, &mut uses);
        }
    }
    uses.fields(&program.hir.state, &mut Path::new(), sink);
    for (path, block) in &uses.blocks {
        if let Some(method) = block.waits {
            let name = paths::name(&program.hir.state, path);
            let (file, span) = paths::origin(program.hir, path);
            let message =
                format!("`{name}` is read, but `{method}` is never called: it stays as `init` made it");
            let help = format!("call `{name}.{method}(…)` once in every cycle");
            sink.add(Found::warning(code::EVERY_CYCLE, file, span, message).help(help));
        }
    }
}

struct Uses<'a> {
    program: &'a Program<'a>,
    function: FunctionId,
    /// What is read, written or called.
    touched: BTreeSet<Path>,
    blocks: BTreeMap<Path, Block>,
}

/// A block of which something is read.
struct Block {
    /// The method that it waits for.
    waits: Option<&'static str>,
}

impl Uses<'_> {
    fn fields(&self, ty: &Type, path: &mut Path, sink: &mut Sink) {
        let Type::Record(record) = element(ty) else { return };
        for (index, field) in record.fields().iter().enumerate() {
            path.push(index as u32);
            let whole =
                (1..=path.len()).any(|len| path.get(..len).is_some_and(|path| self.touched.contains(path)));
            let below = self.touched.range(path.clone()..).next().is_some_and(|next| next.starts_with(path));
            match (whole, below) {
                _ if field.name.starts_with('_') => {}
                (true, _) => {}
                (false, true) => self.fields(&field.ty, path, sink),
                (false, false) => sink.add(self.unused(path)),
            }
            path.pop();
        }
    }

    fn unused(&self, path: &[u32]) -> Found {
        let name = paths::name(&self.program.hir.state, path);
        let (file, span) = paths::origin(self.program.hir, path);
        let message = format!("`{name}` is never used: no cycle reads or writes it");
        Found::warning(code::UNUSED_FIELD, file, span, message).help("leave it away")
    }

    fn block(&mut self, place: &Place, of: &'static BlockType, runs: Option<MethodKind>) {
        let every = |method: &&sensai_stdlib::registry::Method| method.kind == MethodKind::EveryCycle;
        let waits = of.methods.iter().find(every).map(|method| method.name);
        for path in self.program.paths.state(self.function, place) {
            let block = self.blocks.entry(path).or_insert(Block { waits });
            if runs == Some(MethodKind::EveryCycle) {
                block.waits = None;
            }
        }
    }
}

impl Visitor for Uses<'_> {
    fn expr(&mut self, _: ExprId, expr: &Expr) {
        match &expr.kind {
            ExprKind::Method { block, of, method, .. } => self.block(block, of, Some(method.kind)),
            ExprKind::Pin { block, of, .. } => self.block(block, of, None),
            _ => {}
        }
    }

    fn place(&mut self, place: &Place, access: Access) {
        // What a function that is called on it does there, is seen in that function.
        let follows = access == Access::Call && matches!(place.root, Root::This) && place.ty.size() > 0;
        if !(follows && matches!(element(&place.ty), Type::Record(_))) {
            self.touched.extend(self.program.paths.state(self.function, place));
        }
    }
}
