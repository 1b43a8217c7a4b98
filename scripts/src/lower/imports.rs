//! Libraries: what is imported, and what their functions are called.

use super::{Lowering, body::Body, callables, conversion, counted, span, span_of, token_span};
use crate::{
    finding::code,
    hir::{ExprId, FileId, Span},
    names::{nearest, suggest},
    sink::Found,
    syntax::{
        SyntaxToken,
        ast::{self, AstNode},
    },
    uses::{Entity, Missing},
};

/// The program's own file.
pub(super) const PROGRAM: FileId = FileId(0);

/// A library that the program imports.
pub(crate) struct Import {
    /// Its name here.
    pub alias: String,
    /// Where that is declared.
    pub alias_span: Span,
    /// The statement.
    pub span: Span,
    /// Its text.
    pub file: FileId,
}

impl Lowering<'_, '_> {
    /// `import "name" as alias;`
    pub fn import(&mut self, file: FileId, import: &ast::ImportStmt) {
        let at = span_of(import.syntax());
        if file != PROGRAM {
            let found = Found::error(code::IMPORT, file, at, "a library imports no other library");
            let help = "import both in the program, and give the one what it needs of the other";
            return self.sink.add(found.help(help));
        }
        let Some(path) = import.path() else { return };
        let path_at = span(&path);
        let Some(name) = text_of(path) else {
            let found = Found::error(code::IMPORT, file, path_at, "a library is named by a text");
            return self.sink.add(found.help("write `import \"name\" as name;`"));
        };
        let mut libraries = self.sink.files().iter().skip(1);
        let Some(index) = libraries.position(|library| library.name == name) else {
            let found = Found::error(code::IMPORT, file, path_at, format!("there is no library `{name}`"));
            return self.sink.add(found.help(format!("its text would be in `lib/{name}.rhai` of the cell")));
        };
        let library = FileId(index as u32 + 1);
        self.uses.add(file, path_at, Entity::Library(library));
        let Some(alias) = import.alias() else {
            let found = Found::error(code::IMPORT, file, at, format!("library `{name}` has no name here"));
            let edit = vec![conversion::insert(path_at.end, format!(" as {name}"))];
            let help = format!("write `import \"{name}\" as {name};`");
            return self.sink.add(found.help(help).fix("give it its name", edit));
        };
        let (alias_at, alias) = (token_span(&alias), alias.text().to_owned());
        let twice = |other: &&Import| other.alias == alias || other.file == library;
        if let Some(other) = self.imports.iter().find(twice) {
            let message = match other.alias == alias {
                true => format!("there are two imports `{alias}`"),
                false => format!("library `{name}` is imported twice"),
            };
            let found = Found::error(code::DUPLICATE, file, alias_at, message).help("remove one of them");
            return self.sink.add(found.related(file, other.span, "the first one"));
        }
        self.declares(file, &alias, alias_at);
        self.uses.define(file, alias_at, Entity::Import(alias_at));
        self.imports.push(Import { alias, alias_span: alias_at, span: at, file: library });
    }

    /// Functions of several files do not share name and number of parameters: Rhai would take one for the other.
    pub fn check_libraries(&mut self) {
        let mut clashes = Vec::new();
        for named in self.by_name.values() {
            let seen = |index: &&usize| {
                self.items.get(**index).is_some_and(|item| item.file == PROGRAM || !item.private)
            };
            let mut several = named.iter().filter(seen);
            let Some(first) = several.next() else { continue };
            clashes.extend(several.map(|other| (*first, *other)));
        }
        for (first, other) in clashes {
            let (Some(first), Some(other)) = (self.items.get(first), self.items.get(other)) else { continue };
            let library =
                |file: FileId| self.sink.files().get(file.index()).map_or("", |file| file.name.as_str());
            let (name, count) = (&first.name, counted(first.parameters.len(), "parameter"));
            // Two libraries clash where the later one is imported.
            let (at, message) = if first.file == PROGRAM {
                let of = library(other.file);
                (first.span, format!("`{name}` with {count} would hide a function of library `{of}`"))
            } else {
                let import = self.imports.iter().find(|import| import.file == other.file);
                let (one, two) = (library(first.file), library(other.file));
                let message =
                    format!("libraries `{one}` and `{two}` both have a function `{name}` with {count}");
                (import.map_or(Span::new(0, 0), |import| import.span), message)
            };
            let found = Found::error(code::HIDES_LIBRARY, PROGRAM, at, message)
                .help("choose another name")
                .related(other.file, other.span, "the function of the library");
            self.sink.add(found);
        }
    }

    /// The library that a name means in a file.
    pub fn imported(&self, file: FileId, alias: &str) -> Option<FileId> {
        let found = self.imports.iter().find(|import| file == PROGRAM && import.alias == alias);
        found.map(|import| import.file)
    }
}

/// The text that a literal is.
fn text_of(expr: ast::Expr) -> Option<String> {
    match expr.plain() {
        ast::Expr::Literal(literal) => match literal.value()? {
            ast::Value::Text(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

impl Body<'_, '_, '_> {
    /// `library::name(arguments)`.
    pub fn call_of_library(
        &mut self,
        alias: &SyntaxToken,
        name: &SyntaxToken,
        nodes: &[ast::Expr],
        at: Span,
    ) -> ExprId {
        let here = token_span(name);
        let Some(library) = self.lowering.imported(self.file, alias.text()) else {
            self.unknown_import(alias);
            self.values(nodes);
            return self.wrong(at);
        };
        let alias_span = self.lowering.imports.iter().find(|import| import.file == library);
        if let Some(declared) = alias_span.map(|import| import.alias_span) {
            self.means(token_span(alias), Entity::Import(declared));
        }
        let item = self.lowering.find(library, name.text(), nodes.len());
        let public = item.filter(|item| self.lowering.items.get(*item).is_some_and(|item| !item.private));
        if let Some(item) = public {
            self.means_item(here, item);
            return self.call_by_name(item, name.text(), nodes, here, at);
        }
        self.unknown_in_library(library, alias.text(), name.text(), nodes.len(), here);
        self.values(nodes);
        self.wrong(at)
    }

    fn unknown_import(&mut self, alias: &SyntaxToken) {
        let (at, alias) = (token_span(alias), alias.text());
        self.means(at, Entity::Unknown(Missing::Import));
        let names: Vec<&str> = self.lowering.imports.iter().map(|import| import.alias.as_str()).collect();
        let found = self.found(code::IMPORT, at, format!("no library is imported as `{alias}`"));
        let found = found.help(suggest(alias, &names, "imports"));
        let found = match nearest(alias, names.iter().copied()) {
            Some(near) => found.replace(at, near),
            None => found,
        };
        self.report(found);
    }

    fn unknown_in_library(&mut self, library: FileId, alias: &str, name: &str, count: usize, here: Span) {
        self.means(here, Entity::Unknown(Missing::Function));
        let public = |item: &&super::items::Item| item.file == library && !item.private;
        let items: Vec<_> = self.lowering.items.iter().filter(public).collect();
        let usage = |item: &&super::items::Item| {
            let names: Vec<&str> = item.parameters.iter().map(|(name, _)| name.as_str()).collect();
            format!("`{alias}::{name}({})`", names.join(", "))
        };
        let same: Vec<String> =
            items.iter().copied().filter(|item| item.name == name).map(|item| usage(&item)).collect();
        if !same.is_empty() {
            let message = format!("`{alias}::{name}` with {}", counted(count, "argument"));
            let help = format!("write {}", same.join(" or "));
            return self.error(code::UNKNOWN_FUNCTION, here, message, help);
        }
        let names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
        let message = format!("library `{alias}` has no function `{name}`");
        let found =
            self.found(code::UNKNOWN_FUNCTION, here, message).help(suggest(name, &names, "functions"));
        let found = match nearest(name, names.iter().copied()) {
            Some(near) => found.replace(here, near),
            None => found,
        };
        self.report(found);
    }

    /// True, and a finding, if it is a function of a library that is called without the library's name.
    pub fn is_in_library(&mut self, name: &str, count: usize, here: Span) -> bool {
        if self.file != PROGRAM || callables::signatures(name).iter().any(|(known, _)| *known == count) {
            return false;
        }
        let lowering = &*self.lowering;
        let has = |file: FileId| {
            let item = lowering.find(file, name, count);
            item.and_then(|item| lowering.items.get(item)).is_some_and(|item| !item.private)
        };
        let import = lowering.imports.iter().find(|import| has(import.file));
        let Some(alias) = import.map(|import| import.alias.clone()) else { return false };
        let message = format!("`{name}` is a function of library `{alias}`");
        let found = self.found(code::UNKNOWN_FUNCTION, here, message);
        let edit = vec![conversion::insert(here.start, format!("{alias}::"))];
        let found = found.help(format!("write `{alias}::{name}(...)`"));
        self.report(found.fix(format!("call it as `{alias}::{name}`"), edit));
        true
    }
}
