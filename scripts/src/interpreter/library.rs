//! Libraries as Rhai's modules: of a name, so that `name::function()` is found, and of all, so that functions are found that
//! are called on something.

use super::report;
use crate::{
    analyse::Analysed,
    finding::code,
    sink::Sink,
    syntax::{Parse, ast},
};
use rhai::{AST, Engine, Module, Position, Scope, module_resolvers::StaticModuleResolver};
use sensai_model::cell::ProgramSource;

/// A library that a program imports.
pub(super) struct Library {
    /// By which it is imported.
    name: String,
    /// What the program calls it.
    alias: String,
    /// Path of its text, which stands for it in Rhai.
    pub path: String,
    pub ast: AST,
}

/// The libraries that a program imports, as Rhai's trees; and a way for its `import` statements to find something.
pub(super) fn compile(
    engine: &mut Engine,
    program: &ProgramSource,
    analysed: &Analysed,
    sink: &mut Sink,
) -> Option<Vec<Library>> {
    let mut libraries = Vec::new();
    let mut resolver = StaticModuleResolver::new();
    for (name, alias) in analysed.trees.first().map(imports).unwrap_or_default() {
        let Some(source) = program.libraries.iter().find(|library| library.name == name) else { continue };
        let mut ast = match engine.compile(&*source.text) {
            Ok(ast) => ast,
            Err(error) => {
                let text = format!("Rhai does not take {}: {}", source.path, error.err_type());
                report(sink, code::SYNTAX, Position::NONE, 1, text, "");
                return None;
            }
        };
        ast.set_source(source.path.as_str());
        resolver.insert(name.as_str(), Module::new());
        libraries.push(Library { name, alias, path: source.path.clone(), ast });
    }
    engine.set_max_modules(libraries.len()).set_module_resolver(resolver);
    Some(libraries)
}

/// Give an engine the functions of libraries.
pub(super) fn register(engine: &mut Engine, libraries: Vec<Library>, sink: &mut Sink) -> Option<()> {
    for Library { name, alias, ast, .. } in libraries {
        match Module::eval_ast_as_new(Scope::new(), &ast, engine) {
            Ok(module) => {
                let module = rhai::Shared::new(module);
                engine.register_static_module(alias, rhai::Shared::clone(&module));
                engine.register_global_module(module);
            }
            Err(error) => {
                let text = format!("library `{name}` cannot be used: {error}");
                report(sink, code::CONSTANT, Position::NONE, 1, text, "");
                return None;
            }
        }
    }
    Some(())
}

/// Name and alias of each import.
fn imports(tree: &Parse) -> Vec<(String, String)> {
    let import = |item: ast::Item| {
        let ast::Item::Import(import) = item else { return None };
        let ast::Expr::Literal(literal) = import.path()?.plain() else { return None };
        let ast::Value::Text(name) = literal.value()? else { return None };
        Some((name, import.alias()?.text().to_owned()))
    };
    tree.root().items().filter_map(import).collect()
}
