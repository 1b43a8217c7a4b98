//! From syntax trees to the typed tree: names and types in one pass, with everything that is wrong with them.
//!
//! `init` comes first, for what it returns is the type of `this` in `cycle`. A function is looked at once for each type of
//! its `this` and its arguments, when it is called that way for the first time; one that nobody calls is looked at once
//! with unknown types, so that its mistakes are found too. An unknown type fits everything: what is wrong is said once.

mod body;
pub(crate) mod callables;
mod calls;
mod chain;
mod constants;
mod conversion;
mod expressions;
mod graph;
mod imports;
mod instances;
mod items;
mod joins;
mod meant;
mod objects;
mod operators;
mod order;
mod roots;
mod statements;
mod stores;
mod switch;
mod words;

use crate::{
    AssignedTag, ScriptEnvironment,
    evaluate::{Datum, Evaluator, Fault},
    finding::code,
    hir::{self, FileId, FunctionId, Span, SymbolId, Type},
    migrator::MIGRATE,
    sink::{Found, Sink},
    syntax::{Parse, SyntaxNode, SyntaxToken, ast},
    tree::Tree,
    uses::Uses,
};
use body::Body;
use imports::{Import, PROGRAM};
use instances::Instance;
use items::{Constant, Item};
use std::{collections::BTreeMap, sync::Arc};

/// What came of the syntax trees.
pub(crate) struct Lowered {
    /// Without `files`.
    pub functions: Vec<hir::Function>,
    pub init: Option<FunctionId>,
    pub cycle: Option<FunctionId>,
    /// If there is one, and the type of its argument is known.
    pub migrate: Option<FunctionId>,
    /// Unknown if `init` is not there or wrong.
    pub state: Type,
    pub constants: Vec<hir::Constant>,
    pub symbols: Vec<Arc<str>>,
    /// What `init` returned, if it could be run.
    pub first: Option<Datum>,
    pub assigned: Vec<AssignedTag>,
    /// Where each library is imported.
    pub imports: Vec<(FileId, Span)>,
    /// What names mean.
    pub uses: Uses,
    /// Instances that `init`, `cycle` and `migrate` reach come first: so many.
    pub reached: usize,
}

/// What all functions share.
pub(super) struct Lowering<'a, 's> {
    pub environment: &'a ScriptEnvironment<'a>,
    pub sink: &'s mut Sink,
    pub tags: Tree,
    pub shafts: Tree,
    pub parameters: Tree,
    pub items: Vec<Item>,
    /// Functions by name and number of parameters, in all files.
    pub by_name: BTreeMap<(String, usize), Vec<usize>>,
    /// Libraries that the program imports.
    pub imports: Vec<Import>,
    pub constants: Vec<Constant>,
    /// Arrays and records among the constants.
    pub tables: Vec<hir::Constant>,
    pub data: Vec<Datum>,
    pub functions: Vec<hir::Function>,
    /// In the order of `functions`.
    pub instances: Vec<Instance>,
    /// Functions that are being looked at, the innermost last.
    pub active: Vec<usize>,
    /// Which function's text calls which.
    pub calls: Vec<(usize, usize)>,
    pub assigned: Vec<AssignedTag>,
    pub uses: Uses,
    symbols: Vec<Arc<str>>,
    symbol_ids: BTreeMap<Arc<str>, SymbolId>,
}

/// Look at a program: its tree first, then those of the libraries; the same files are in the sink. `old`: what its `migrate` is
/// given, where it replaces another one.
pub(crate) fn lower(
    parses: &[Parse],
    environment: &ScriptEnvironment<'_>,
    old: Option<&Type>,
    sink: &mut Sink,
) -> Lowered {
    let role = environment.role;
    let mut lowering = Lowering {
        environment,
        sink,
        tags: Tree::of_tags(environment.tags),
        shafts: Tree::new(role.shafts().iter().map(|tag| tag.name.as_str())),
        parameters: Tree::new(environment.parameters.iter().map(|parameter| parameter.name.as_str())),
        items: Vec::new(),
        by_name: BTreeMap::new(),
        imports: Vec::new(),
        constants: Vec::new(),
        tables: Vec::new(),
        data: Vec::new(),
        functions: Vec::new(),
        instances: Vec::new(),
        active: Vec::new(),
        calls: Vec::new(),
        assigned: Vec::new(),
        uses: Uses::default(),
        symbols: Vec::new(),
        symbol_ids: BTreeMap::new(),
    };
    let roots: Vec<ast::SourceFile> = parses.iter().map(Parse::root).collect();
    for (file, root) in (0_u32..).zip(&roots) {
        lowering.items(FileId(file), root);
    }
    lowering.declarations(&roots);
    let shallow = lowering.check_calls();
    lowering.constants();
    lowering.functions(shallow, old)
}

impl Lowering<'_, '_> {
    fn functions(mut self, shallow: bool, old: Option<&Type>) -> Lowered {
        let before = self.sink.errors();
        let init = self.entry("init", None);
        let from_init = self.reached_from(init);
        self.check_init(&from_init);
        let state = init.map_or(Type::Unknown, |init| self.state_type(init));
        let sound = shallow && self.sink.errors() == before && !state.is_unknown();
        let first = init.filter(|_| sound).and_then(|init| self.run_init(init));
        let cycle = self.entry("cycle", Some(state.clone()));
        let from_cycle = self.reached_from(cycle);
        self.check_cycle(&from_cycle);
        let migrate = old.and_then(|old| self.migration(state.clone(), old));
        let from_migrate = self.reached_from(migrate);
        self.check_migrate(&from_migrate);
        let reached = self.functions.len();
        self.check_types(reached);
        self.uncalled();
        for index in reached..self.functions.len() {
            self.check_variables(index);
        }
        self.assigned.sort_by_key(|assigned| (assigned.tag, assigned.line, assigned.column));
        self.assigned.dedup_by_key(|assigned| assigned.tag);
        Lowered {
            functions: self.functions,
            init,
            cycle,
            migrate,
            state,
            constants: self.tables,
            symbols: self.symbols,
            first,
            assigned: self.assigned,
            imports: self.imports.iter().map(|import| (import.file, import.span)).collect(),
            uses: self.uses.finish(),
            reached,
        }
    }

    /// The instance of an entry of the program.
    fn entry(&mut self, name: &str, this: Option<Type>) -> Option<FunctionId> {
        let item = self.find(PROGRAM, name, 0)?;
        self.instance(item, this, Vec::new(), None).map(|(id, _)| id)
    }

    /// The instance of `migrate(old)`, if the program has one.
    fn migration(&mut self, this: Type, old: &Type) -> Option<FunctionId> {
        let item = self.find(PROGRAM, MIGRATE, 1)?;
        self.instance(item, Some(this), vec![old.clone()], None).map(|(id, _)| id)
    }

    /// What `init` returns, as the type of the state.
    fn state_type(&mut self, init: FunctionId) -> Type {
        let Some(function) = self.functions.get(init.index()) else { return Type::Unknown };
        let (file, span) = (function.file, function.span);
        let tail = self.instances.get(init.index()).and_then(|instance| instance.tail);
        match &function.result {
            Type::Record(_) => {
                let ty = function.result.clone();
                if let Err(problem) = crate::analyse::check_state(&ty, &self.environment.limits) {
                    self.sink.add(Found::error(code::STATE, file, tail.unwrap_or(span), problem));
                    return Type::Unknown;
                }
                ty
            }
            Type::Unknown => Type::Unknown,
            other => {
                let message = format!(
                    "`this`: `init` returned {other}, expected a record, as in `#{{ step: \"idle\" }}`"
                );
                self.sink.add(Found::error(code::STATE, file, tail.unwrap_or(span), message));
                Type::Unknown
            }
        }
    }

    fn run_init(&mut self, init: FunctionId) -> Option<Datum> {
        let function = self.functions.get(init.index())?;
        let mut evaluator = Evaluator::new(&self.functions, &self.data, &self.symbols, self.environment);
        match evaluator.run(function) {
            Ok(state) => {
                if let Some((first, other)) = crate::evaluate::different(&state) {
                    let message = format!(
                        "is {}, the elements before it are {}; all elements have one type",
                        other.describe(),
                        first.describe()
                    );
                    let found = Found::error(code::STATE, other.origin.file, other.origin.span, message)
                        .help("blocks of one array are made with the same arguments")
                        .related(first.origin.file, first.origin.span, "the first element");
                    self.sink.add(found);
                    return None;
                }
                Some(state)
            }
            Err(fault) => {
                let text = format!("`init` failed: {}", fault.raised.text);
                self.report_fault(code::INIT_FAILED, &fault, text);
                None
            }
        }
    }

    /// A finding about what could not be computed.
    pub fn report_fault(&mut self, code: &'static str, fault: &Fault, mut text: String) {
        let at = |at: u32| Span::new(at, at + 1);
        for (file, call, name) in &fault.calls {
            let line = self.sink.files().get(file.index()).map_or(0, |file| file.position(*call).line);
            text.push_str(&format!(" (in `{name}`, called in line {line})"));
        }
        let mut found = Found::error(code, fault.file, at(fault.at), text);
        for (file, call, name) in &fault.calls {
            found = found.related(*file, at(*call), format!("`{name}` is called here"));
        }
        self.sink.add(found);
    }

    /// The number of a text.
    pub fn symbol(&mut self, text: &str) -> SymbolId {
        if let Some(id) = self.symbol_ids.get(text) {
            return *id;
        }
        let (id, text) = (SymbolId(self.symbols.len() as u32), Arc::<str>::from(text));
        self.symbols.push(Arc::clone(&text));
        self.symbol_ids.insert(text, id);
        id
    }

    /// The program has this text.
    pub fn is_text(&self, text: &str) -> bool {
        self.symbol_ids.contains_key(text)
    }

    /// A text by its number.
    pub fn symbol_text(&self, id: SymbolId) -> &str {
        self.symbols.get(id.index()).map_or("", |text| text)
    }

    /// The function of a file that has a name and takes so many arguments.
    pub fn find(&self, file: FileId, name: &str, count: usize) -> Option<usize> {
        let named = self.by_name.get(&(name.to_owned(), count))?;
        named.iter().copied().find(|index| self.items.get(*index).is_some_and(|item| item.file == file))
    }

    /// The function that is called on something in a file: its own, or one that others may call.
    pub fn find_method(&self, file: FileId, name: &str, count: usize) -> Option<usize> {
        let public = || {
            let named = self.by_name.get(&(name.to_owned(), count))?;
            named.iter().copied().find(|index| self.items.get(*index).is_some_and(|item| !item.private))
        };
        self.find(file, name, count).or_else(public)
    }
}

/// Where a node stands.
pub(super) fn span_of(node: &SyntaxNode) -> Span {
    let range = node.text_range();
    Span::new(range.start().into(), range.end().into())
}

/// Where an expression stands.
pub(super) fn span(expr: &ast::Expr) -> Span {
    use ast::AstNode;
    span_of(expr.syntax())
}

/// Where a token stands.
pub(super) fn token_span(token: &SyntaxToken) -> Span {
    let range = token.text_range();
    Span::new(range.start().into(), range.end().into())
}

/// Counted, with an `s` where that is right.
pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
