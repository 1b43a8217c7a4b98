//! What a file consists of.

use super::{
    Location, Snapshot, bytes, configuration, has_letters,
    written::{Key, Written},
};
use sensai_scripts::syntax::{
    SyntaxToken,
    ast::{self, AstNode},
};
use std::ops::Range;

/// Something that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// All of it.
    pub range: Range<usize>,
    /// Its name.
    pub name_range: Range<usize>,
    /// What is in it.
    pub children: Vec<Node>,
}

/// What something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A function.
    Function,
    /// A constant.
    Constant,
    /// A library that is imported.
    Import,
    /// A field of the state.
    Field,
    /// A table of `cell.toml` or of a model's description.
    Table,
    /// A key in one.
    Key,
}

/// The outline of a file.
pub fn outline(snapshot: &Snapshot, path: &str) -> Vec<Node> {
    if let Some(written) = configuration::written(snapshot, path) {
        return of_tables(&written, snapshot.text(path).unwrap_or_default());
    }
    let Some(tree) = snapshot.tree(path) else { return Vec::new() };
    tree.root().items().filter_map(of_item).collect()
}

fn of_item(item: ast::Item) -> Option<Node> {
    let range = bytes(item.syntax().text_range());
    let node = |name: SyntaxToken, kind, children| Node {
        name: name.text().to_owned(),
        kind,
        range: range.clone(),
        name_range: bytes(name.text_range()),
        children,
    };
    match item {
        ast::Item::Fn(function) => {
            let name = function.name()?;
            let fields = if name.text() == "init" { fields(&function) } else { Vec::new() };
            Some(node(name, Kind::Function, fields))
        }
        ast::Item::Const(constant) => Some(node(constant.name()?, Kind::Constant, Vec::new())),
        ast::Item::Import(import) => Some(node(import.alias()?, Kind::Import, Vec::new())),
        _ => None,
    }
}

/// The record that a function ends with.
fn fields(function: &ast::Fn) -> Vec<Node> {
    let last = function.body().and_then(|body| body.statements().last());
    let Some(ast::Stmt::Expr(last)) = last else { return Vec::new() };
    match last.expr().map(ast::Expr::plain) {
        Some(ast::Expr::Map(map)) => entries(&map),
        _ => Vec::new(),
    }
}

fn entries(map: &ast::MapExpr) -> Vec<Node> {
    let entry = |entry: ast::MapEntry| {
        let name = entry.name()?;
        let children = match entry.value().map(ast::Expr::plain) {
            Some(ast::Expr::Map(map)) => entries(&map),
            _ => Vec::new(),
        };
        Some(Node {
            name: entry.key()?,
            kind: Kind::Field,
            range: bytes(entry.syntax().text_range()),
            name_range: bytes(name.text_range()),
            children,
        })
    };
    map.entries().filter_map(entry).collect()
}

fn of_tables(written: &Written, text: &str) -> Vec<Node> {
    let first = written.tables.first().map_or(text.len(), |(_, range)| range.start);
    let mut nodes = keys(written, 0, 0..first);
    for (path, range) in &written.tables {
        let header = text.get(range.clone()).and_then(|table| table.lines().next()).map_or(0, str::len);
        let end = range.start + text.get(range.clone()).map_or(0, |table| table.trim_end().len());
        let children = keys(written, path.len(), range.start + header..range.end);
        let name_range = range.start..range.start + header;
        let range = range.start..end.max(name_range.end);
        nodes.push(Node { name: path.join("."), kind: Kind::Table, range, name_range, children });
    }
    nodes
}

/// The keys of a table in a part of the text; `depth`: of the table's own path.
fn keys(written: &Written, depth: usize, within: Range<usize>) -> Vec<Node> {
    let from = written.keys.partition_point(|key| key.span.start < within.start);
    let items = written.keys.get(from..).unwrap_or_default().iter();
    let items = items.take_while(|key| key.span.start < within.end);
    let items = items.filter(|key| key.is_last && !key.is_nested);
    let node = |key: &Key| Node {
        name: key.path.get(depth..).unwrap_or_default().join("."),
        kind: Kind::Key,
        range: key.item.clone(),
        name_range: key.item.start..key.span.end,
        children: Vec::new(),
    };
    items.map(node).collect()
}

/// Everything in the cell whose name contains the letters of `query` in order.
pub fn search(snapshot: &Snapshot, query: &str) -> Vec<(Node, Location)> {
    const MOST: usize = 256;
    let mut found = Vec::new();
    for path in snapshot.texts.keys() {
        let mut open: Vec<Node> = outline(snapshot, path);
        open.reverse();
        while let Some(mut node) = open.pop() {
            open.extend(std::mem::take(&mut node.children).into_iter().rev());
            if has_letters(&node.name, query) && found.len() < MOST {
                let at = Location::new(path.clone(), node.name_range.clone());
                found.push((node, at));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::{CELL, Fixture};

    fn names(nodes: &[Node]) -> String {
        let of = |node: &Node| match node.children.is_empty() {
            true => node.name.clone(),
            false => format!("{}({})", node.name, names(&node.children)),
        };
        nodes.iter().map(of).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_program_has_its_functions_and_its_state() {
        let fixture = Fixture::new(
            "import \"tools\" as t;\nconst A = 1;\nfn init() { #{ x: 0, r: #{ y: 1 } } }\nfn cycle() { }\n",
        );
        let nodes = outline(&fixture.snapshot, "programs/main.rhai");
        assert_eq!(names(&nodes), "t A init(x r(y)) cycle");
        let found = search(&fixture.snapshot, "ccl");
        let found: Vec<String> = found.iter().map(|(_, at)| fixture.show(at)).collect();
        assert_eq!(found, ["programs/main.rhai:4:4 cycle"]);
    }

    #[test]
    fn a_cell_has_its_tables() {
        let nodes = of_tables(&Written::of(CELL), CELL);
        assert_eq!(
            names(&nodes),
            "cell(name) devices(inputs outputs) tags(start lamp.green lamp.red count force levels) parameters(depth batch) operator(start) tasks.main(interval priority programs)"
        );
        let (fixture, place) =
            Fixture::with_model("//- models/m.toml\nscore$0 = 1\n[[inputs]]\nname = \"a\"\n");
        assert_eq!(names(&outline(&fixture.snapshot, &place.path)), "score inputs(name)");
    }
}
