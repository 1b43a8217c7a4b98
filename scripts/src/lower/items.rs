//! What stands at the top level.

use super::{Lowering, callables, imports::PROGRAM, span_of, token_span};
use crate::{
    environment::{AXIS, FUNCTIONS_MAX, LATER_ROOTS, ROOTS},
    evaluate::Datum,
    finding::code,
    hir::{ConstantId, FileId, Span, Type},
    sink::Found,
    syntax::{
        SyntaxKind as K, SyntaxNode, SyntaxToken,
        ast::{self, AstNode},
    },
    uses::Entity,
};

/// A function as it is written.
pub(crate) struct Item {
    pub file: FileId,
    pub name: String,
    /// Of the name; of the whole function if that is missing.
    pub span: Span,
    /// Seen in its file only.
    pub private: bool,
    pub parameters: Vec<(String, Span)>,
    /// Types that the documentation gives to parameters, in their order.
    pub documented: Vec<Option<Type>>,
    pub body: Option<ast::Block>,
    pub uses_this: bool,
    /// The deepest nesting in it.
    pub depth: usize,
}

/// A constant of the program.
pub(crate) struct Constant {
    pub file: FileId,
    pub name: String,
    pub span: Span,
    pub value: Option<ast::Expr>,
    /// Its type, once it was looked at.
    pub ty: Option<Type>,
    /// Its value, if it could be computed.
    pub datum: Option<Datum>,
    /// Its number, if it is an array or record.
    pub table: Option<ConstantId>,
}

impl Lowering<'_, '_> {
    /// Note what a file declares.
    pub fn items(&mut self, file: FileId, root: &ast::SourceFile) {
        for item in root.items() {
            self.item(file, item);
        }
    }

    /// What is wrong with the names of all files together.
    pub fn declarations(&mut self, roots: &[ast::SourceFile]) {
        if let Some(program) = roots.first() {
            self.entries(PROGRAM, program);
        }
        for index in 0..self.items.len() {
            self.declaration(index);
        }
        self.check_libraries();
    }

    fn item(&mut self, file: FileId, item: ast::Item) {
        let at = span_of(item.syntax());
        match item {
            ast::Item::Fn(function) => self.function(file, &function),
            ast::Item::Const(constant) => self.constant(file, &constant),
            ast::Item::Import(import) => self.import(file, &import),
            ast::Item::Let(variable) => {
                let name = variable.name().map_or(String::new(), |name| format!(" {}", name.text()));
                let keyword = Span::new(at.start, at.start + 3);
                let found =
                    Found::error(code::TOP_LEVEL, file, keyword, format!("`let{name}` at the top level"))
                        .help("write `const`, or put the variable into the record that `init` returns");
                let found = if variable.value().is_some() { found.replace(keyword, "const") } else { found };
                self.sink.add(found);
                // Meant as a constant, it is one to everything that uses it.
                if let Some(name) = variable.name() {
                    self.new_constant(file, &name, variable.value());
                }
            }
            ast::Item::Empty(_) => {}
            _ => {
                let found = Found::error(code::TOP_LEVEL, file, at, "a statement at the top level");
                self.sink.add(
                    found.help("only `const`, `import` and `fn` stand there; move it into `init` or `cycle`"),
                );
            }
        }
    }

    fn function(&mut self, file: FileId, function: &ast::Fn) {
        let Some(name) = function.name() else { return };
        let (at, name) = (token_span(&name), name.text().to_owned());
        let parameters: Vec<(String, Span)> = function
            .params()
            .filter_map(|parameter| parameter.name())
            .map(|name| (name.text().to_owned(), token_span(&name)))
            .collect();
        if let Some(receiver) = function.receiver_type() {
            let message = format!("`{name}` is declared for one type only");
            let dot = Span::new(at.start.saturating_sub(1), at.start);
            let found = Found::error(code::REFUSED, file, at, message).help("write it without the type");
            let starts = function.syntax().children().find(|node| node.kind() == K::ReceiverType);
            let found = match starts.map(|node| span_of(&node)) {
                Some(span) if !receiver.is_empty() => found.fix(
                    "leave the type away",
                    vec![crate::finding::Edit {
                        start: span.start,
                        end: span.end.max(dot.end),
                        text: String::new(),
                    }],
                ),
                _ => found,
            };
            self.sink.add(found);
        }
        for (index, (parameter, at)) in parameters.iter().enumerate() {
            if let Some((_, first)) = parameters.iter().take(index).find(|(other, _)| other == parameter) {
                let message = format!("two parameters are called `{parameter}`");
                let found = Found::error(code::DUPLICATE, file, *at, message).help("choose another name");
                self.sink.add(found.related(file, *first, "the first one"));
            }
        }
        self.uses.define(file, at, Entity::Function(file, at));
        let key = (name.clone(), parameters.len());
        let first = self.find(file, &name, parameters.len()).and_then(|index| self.items.get(index));
        if let Some(first) = first {
            let message = format!(
                "there are two functions `{name}` with {}",
                super::counted(parameters.len(), "parameter")
            );
            let found = Found::error(code::DUPLICATE, file, at, message)
                .help("functions differ in name or number of parameters")
                .related(first.file, first.span, "the first one");
            self.sink.add(found);
            return;
        }
        let body = function.body();
        let uses_this = body.as_ref().is_some_and(uses_this);
        let documented = documented(function, &parameters);
        if self.items.len() == FUNCTIONS_MAX {
            let message = format!("more than {FUNCTIONS_MAX} functions");
            self.sink.add(Found::error(code::TOO_LARGE, file, at, message).help("divide the program"));
        }
        self.by_name.entry(key).or_default().push(self.items.len());
        let (span, private, depth) = (at, function.is_private(), 0);
        self.items.push(Item { file, name, span, private, parameters, documented, body, uses_this, depth });
    }

    fn constant(&mut self, file: FileId, constant: &ast::ConstStmt) {
        let Some(name) = constant.name() else { return };
        let value = constant.value();
        if value.is_none() && !assigns(constant.syntax()) {
            let message = format!("`const {}` has no value", name.text());
            let found = Found::error(code::REFUSED, file, token_span(&name), message);
            self.sink.add(found.help("give it one; its type follows from it"));
        }
        self.new_constant(file, &name, value);
    }

    fn new_constant(&mut self, file: FileId, name: &SyntaxToken, value: Option<ast::Expr>) {
        let (at, name) = (token_span(name), name.text().to_owned());
        self.uses.define(file, at, Entity::Constant(file, at));
        if self.is_root(&name) {
            self.shadows(file, &name, at);
        }
        if let Some(first) = self.constants.iter().find(|other| other.file == file && other.name == name) {
            let found = Found::error(code::DUPLICATE, file, at, format!("there are two constants `{name}`"))
                .help("choose another name")
                .related(file, first.span, "the first one");
            self.sink.add(found);
            return;
        }
        self.constants.push(Constant { file, name, span: at, value, ty: None, datum: None, table: None });
    }

    fn entries(&mut self, file: FileId, root: &ast::SourceFile) {
        for (name, use_of) in [("init", "returns the state"), ("cycle", "runs in every cycle")] {
            if self.find(file, name, 0).is_some() {
                continue;
            }
            let named = root.functions().find_map(|function| {
                let written = function.name().filter(|written| written.text() == name)?;
                Some((token_span(&written), function.param_list().map(|list| span_of(list.syntax()))))
            });
            let help = format!("write `fn {name}() {{ ... }}`, which {use_of}");
            let found = match named {
                None => {
                    Found::whole(code::ENTRY, file, format!("there is no function `{name}()`")).help(help)
                }
                Some((at, list)) => {
                    let found =
                        Found::error(code::ENTRY, file, at, format!("`{name}` has parameters")).help(help);
                    match list {
                        Some(list) => found.replace(list, "()"),
                        None => found,
                    }
                }
            };
            self.sink.add(found);
        }
    }

    /// What a function may not be called, and its parameters neither.
    fn declaration(&mut self, index: usize) {
        let Some(item) = self.items.get(index) else { return };
        let (file, at, name, count) = (item.file, item.span, item.name.clone(), item.parameters.len());
        let library = callables::signatures(&name).iter().any(|(known, _)| *known == count);
        if library || callables::is_method(&name, count) || callables::refused(&name).is_some() {
            let what = match callables::methods().any(|method| method.name == name) {
                _ if library => "a library function",
                true => "a method of blocks",
                false if name == callables::REQUEST => "a method of models",
                false if callables::refused(&name).is_some() => "a function of Rhai",
                false => "a command of axes",
            };
            let message = format!("`{name}` with {count} parameters would hide {what} of that name");
            self.sink.add(Found::error(code::HIDES_LIBRARY, file, at, message).help("choose another name"));
        }
        for (parameter, at) in item.parameters.clone() {
            self.declares(file, &parameter, at);
        }
    }

    /// A finding if a variable may not have this name.
    pub fn declares(&mut self, file: FileId, name: &str, at: Span) {
        if self.is_root(name) || self.constants.iter().any(|other| other.file == file && other.name == name) {
            return self.shadows(file, name, at);
        }
        let mut imports = self.imports.iter().filter(|_| file == PROGRAM);
        if let Some(import) = imports.find(|import| import.alias == name) {
            let message = format!("a variable `{name}` would hide the import `{name}`");
            let found = Found::error(code::SHADOWS, file, at, message).help("choose another name");
            self.sink.add(found.related(file, import.span, "the import"));
        }
    }

    /// Names that no variable may have, because they lead out of the program.
    pub fn is_root(&self, name: &str) -> bool {
        let twin = self.environment.role.is_twin() && name == AXIS;
        twin || ROOTS.contains(&name) || LATER_ROOTS.contains(&name)
    }

    fn shadows(&mut self, file: FileId, name: &str, at: Span) {
        let constant = self.constants.iter().find(|other| other.file == file && other.name == name);
        let what = if constant.is_some() { "the constant" } else { "the root" };
        let message = format!("a variable `{name}` would hide {what} `{name}`");
        let mut found = Found::error(code::SHADOWS, file, at, message).help("choose another name");
        if let Some(constant) = constant {
            found = found.related(file, constant.span, "the constant");
        }
        self.sink.add(found);
    }
}

/// A `let` or `const` with `=`; what is missing behind that is told by the parser.
pub(super) fn assigns(node: &SyntaxNode) -> bool {
    node.children_with_tokens().any(|element| element.kind() == K::Eq)
}

fn uses_this(body: &ast::Block) -> bool {
    body.syntax().descendants().any(|node| node.kind() == K::ThisExpr)
}

/// `/// @param x f64 [mm]`.
fn documented(function: &ast::Fn, parameters: &[(String, Span)]) -> Vec<Option<Type>> {
    let lines: Vec<String> = function.docs().collect();
    let of = |name: &str| {
        lines.iter().find_map(|line| {
            let mut words = line.split_whitespace().skip_while(|word| *word != "@param").skip(1);
            if words.next() != Some(name) {
                return None;
            }
            Some(match words.next()? {
                "bool" => Type::Bool,
                "i64" => Type::I64,
                "f64" => Type::F64,
                "text" => Type::Symbol,
                _ => return None,
            })
        })
    };
    parameters.iter().map(|(name, _)| of(name)).collect()
}
