//! From the text of a program to all that can be known of it before it runs.

use crate::{
    AssignedTag, Layout, ScriptEnvironment, ScriptFinding, UsedAxis, consequences,
    environment::{DEPTH_MAX, LINES_MAX, SIZE_MAX, TEXT_MAX, VALUES_MAX},
    evaluate::{Datum, first_arena, shape},
    finding::code,
    hir::{FileId, Function, Hir, SourceFile, Span, Type},
    layout::Shape,
    lints,
    lower::{Lowered, lower},
    migrator::Seen,
    sink::{Found, Sink},
    syntax::{self, Parse, SyntaxError, SyntaxKind as K, SyntaxToken, ast},
    uses::Uses,
};
use sensai_model::cell::{Library, Limits, ProgramSource};

/// Mistakes of syntax that are looked at. A text with more of them is no program, and nobody reads so many.
const SYNTAX_ERRORS_MAX: usize = 200;

/// What is known of a program.
#[derive(Debug)]
pub struct Analysed {
    /// Everything that is wrong with it, in the order of the texts.
    pub findings: Vec<ScriptFinding>,
    /// The program; none if there are errors in it.
    pub hir: Option<Hir>,
    /// Functions that are not in `hir`: those that nobody calls; all of them if it is not there. Numbers of functions count
    /// those in `hir` first. Some of their types may be unknown.
    pub others: Vec<Function>,
    /// Type of the state, as far as it is known.
    pub state: Type,
    /// Shape of the state; none if `init` is wrong or fails.
    pub layout: Option<Layout>,
    /// The state that `init` gives, laid out as `layout` says.
    pub initial: Option<Box<[u8]>>,
    /// Tags that the text assigns to, each once, by ascending index.
    pub assigned: Vec<AssignedTag>,
    /// Axes that the state has handles of, ascending, each with the place where a handle of it is made.
    pub axes: Vec<UsedAxis>,
    /// Trees of the texts.
    pub trees: Vec<Parse>,
    /// What the names in the texts mean.
    pub uses: Uses,
}

/// A program as it was before a change, looked at.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    /// Its texts.
    pub source: &'a ProgramSource,
    /// What was known of it.
    pub analysed: &'a Analysed,
}

/// Look at a program: its syntax, names, types, constants, and what `init` gives.
pub fn analyse(program: &ProgramSource, environment: &ScriptEnvironment<'_>) -> Analysed {
    analyse_with(program, environment, None, None)
}

/// [`analyse`], for a program of which most is as it was before: the same result, sooner.
pub fn analyse_again(
    program: &ProgramSource,
    environment: &ScriptEnvironment<'_>,
    before: Before<'_>,
) -> Analysed {
    analyse_with(program, environment, None, Some(before))
}

/// [`analyse`], for a program that takes the place of another one: its `migrate(old)`, if it has one, is given what there is to
/// see of a state with the layout `old`.
pub fn analyse_replacing(
    program: &ProgramSource,
    environment: &ScriptEnvironment<'_>,
    old: &Layout,
) -> Analysed {
    analyse_with(program, environment, Some(&Seen::of(old).ty), None)
}

fn analyse_with(
    program: &ProgramSource,
    environment: &ScriptEnvironment<'_>,
    old: Option<&Type>,
    before: Option<Before<'_>>,
) -> Analysed {
    let mut files = vec![SourceFile::new(&program.name, &program.path, program.text.clone())];
    let library = |library: &Library| SourceFile::new(&library.name, &library.path, library.text.clone());
    files.extend(program.libraries.iter().map(library));
    let mut sink = Sink::new(files);
    if too_large(&mut sink) {
        return Analysed::nothing(sink);
    }
    let trees: Vec<Parse> = sink.files().iter().map(|file| tree(file, before)).collect();
    let broken: Vec<(FileId, Span)> =
        (0_u32..).zip(&trees).flat_map(|(file, tree)| syntax_errors(FileId(file), tree, &mut sink)).collect();
    sink.hush(broken);
    let lowered = lower(&trees, environment, old, &mut sink);
    sink.speak();
    for (file, tree) in (0_u32..).zip(&trees) {
        rules(FileId(file), tree, &mut sink);
    }
    finish(trees, lowered, environment, sink)
}

fn finish(
    trees: Vec<Parse>,
    lowered: Lowered,
    environment: &ScriptEnvironment<'_>,
    mut sink: Sink,
) -> Analysed {
    let Lowered {
        mut functions,
        init,
        cycle,
        migrate,
        state,
        constants,
        symbols,
        first,
        assigned,
        imports,
        uses,
        reached,
    } = lowered;
    let text = sink.files().first().map(|file| file.text.clone());
    let axes = first.as_ref().map(|first| axes(first, sink.files(), &imports)).unwrap_or_default();
    let made = first.as_ref().and_then(|first| {
        let layout = layout(first, &state)?;
        let initial = first_arena(first, &state, &layout);
        Some((layout, initial))
    });
    let (layout, initial) = made.unzip();
    let entries = init.zip(cycle).filter(|_| !sink.has_errors());
    let (mut hir, mut others) = (None, Vec::new());
    match (entries, &layout) {
        (Some((init, cycle)), Some(layout)) => {
            others = functions.split_off(reached.min(functions.len()));
            let understood = Hir {
                files: sink.files().to_vec(),
                functions,
                init,
                cycle,
                migrate,
                state: state.clone(),
                constants,
                symbols,
            };
            let subject =
                lints::Subject { hir: &understood, uncalled: &others, layout, trees: &trees, environment };
            lints::run(&subject, &mut sink);
            hir = Some(understood).filter(|_| !sink.has_errors());
        }
        _ => others.append(&mut functions),
    }
    let mut findings = sink.finish();
    if let (Some(tree), Some(text)) = (trees.first(), text) {
        findings = consequences::leave_out(findings, &text, tree);
    }
    Analysed { findings, hir, others, state, layout, initial, assigned, axes, trees, uses }
}

impl Analysed {
    fn nothing(sink: Sink) -> Self {
        Self {
            findings: sink.finish(),
            hir: None,
            others: Vec::new(),
            state: Type::Unknown,
            layout: None,
            initial: None,
            assigned: Vec::new(),
            axes: Vec::new(),
            trees: Vec::new(),
            uses: Uses::default(),
        }
    }

    /// True if the program is refused.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == crate::Severity::Error)
    }
}

/// The tree of a text, of which most may stand in the text of the same path before.
fn tree(file: &SourceFile, before: Option<Before<'_>>) -> Parse {
    let known = before.and_then(|Before { source, analysed }| {
        let libraries = source.libraries.iter().map(|library| (&library.path, &library.text));
        let mut texts = [(&source.path, &source.text)].into_iter().chain(libraries).zip(&analysed.trees);
        let ((_, text), tree) = texts.find(|((path, _), _)| **path == file.path)?;
        Some(syntax::reparse(&file.text, text, tree))
    });
    known.unwrap_or_else(|| syntax::parse(&file.text))
}

/// True, and a finding, if a text is too long to be a program or library.
fn too_large(sink: &mut Sink) -> bool {
    let sizes = sink.files().iter().map(|file| (file.text.len(), file.text.lines().count()));
    let sizes: Vec<(usize, usize)> = sizes.collect();
    for (file, (bytes, lines)) in (0_u32..).zip(sizes) {
        if bytes > TEXT_MAX || lines > LINES_MAX {
            let what = if file == 0 { "program" } else { "library" };
            let message = format!(
                "the {what} has {bytes} bytes in {lines} lines, at most {TEXT_MAX} in {LINES_MAX} are possible"
            );
            let found = Found::whole(code::TOO_LARGE, FileId(file), message);
            sink.add(found.help("divide it into several programs"));
        }
    }
    let zeros = sink.files().iter().map(|file| file.text.find('\0'));
    let zeros: Vec<Option<usize>> = zeros.collect();
    for (file, at) in (0_u32..).zip(zeros) {
        if let Some(at) = at {
            let span = Span::new(at as u32, at as u32 + 1);
            let found =
                Found::error(code::SYNTAX, FileId(file), span, "a zero character is no part of a text");
            sink.add(found.help("remove it").replace(span, ""));
        }
    }
    sink.has_errors()
}

/// Names of the libraries that a text imports, each once, in their order. Whoever has the files gives their texts.
pub fn imports(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    if text.len() > TEXT_MAX || !text.contains("import") {
        return names;
    }
    for item in syntax::parse(text).root().items() {
        let ast::Item::Import(import) = item else { continue };
        let Some(ast::Expr::Literal(literal)) = import.path().map(ast::Expr::plain) else { continue };
        match literal.value() {
            Some(ast::Value::Text(name)) if !names.contains(&name) => names.push(name),
            _ => {}
        }
    }
    names
}

/// Report what the parser found. Gives the statements that are broken: what else is said of them may be a consequence.
fn syntax_errors(file: FileId, tree: &Parse, sink: &mut Sink) -> Vec<(FileId, Span)> {
    let root = tree.syntax();
    let mut broken = Vec::new();
    for error in tree.errors().iter().take(SYNTAX_ERRORS_MAX).filter(|error| !error.is_rule) {
        let span = span_of(error);
        let code =
            if error.message.starts_with("nested too deeply") { code::TOO_LARGE } else { code::SYNTAX };
        let found = Found::error(code, file, span, &error.message);
        sink.add(found.help(error.help.clone().unwrap_or_default()));
        // What is missing is missing behind the token before.
        let tokens = root.token_at_offset(error.range.start());
        let token = if error.range.is_empty() { tokens.left_biased() } else { tokens.right_biased() };
        let next = root.token_at_offset(error.at).right_biased();
        for token in [token, next].into_iter().flatten() {
            broken.extend(statement_of(&token).map(|span| (file, span)));
        }
    }
    broken
}

/// Report what Rhai refuses although the grammar allows it, where nothing else was said of it.
fn rules(file: FileId, tree: &Parse, sink: &mut Sink) {
    for error in tree.errors().iter().take(SYNTAX_ERRORS_MAX).filter(|error| error.is_rule) {
        let span = span_of(error);
        if !sink.is_told(file, span) {
            let found = Found::error(code::SYNTAX, file, span, &error.message);
            sink.add(found.help(error.help.clone().unwrap_or_default()));
        }
    }
}

fn span_of(error: &SyntaxError) -> Span {
    Span::new(error.range.start().into(), error.range.end().into())
}

/// The innermost statement that a token belongs to.
fn statement_of(token: &SyntaxToken) -> Option<Span> {
    let statement = token.parent_ancestors().find(|node| {
        matches!(
            node.kind(),
            K::LetStmt
                | K::ConstStmt
                | K::AssignStmt
                | K::ExprStmt
                | K::BreakStmt
                | K::ReturnStmt
                | K::ThrowStmt
                | K::ImportStmt
                | K::ExportStmt
                | K::Error
        )
    })?;
    let range = statement.text_range();
    Some(Span::new(range.start().into(), range.end().into()))
}

/// What is wrong with a type as that of the state.
pub(crate) fn check_state(ty: &Type, limits: &Limits) -> Result<(), String> {
    check_part(ty, limits, "this", 0)?;
    let (values, size) = (ty.values().saturating_sub(1), ty.size());
    if values > VALUES_MAX || size > SIZE_MAX {
        return Err(format!(
            "`this`: the state has {values} values in {size} bytes, at most {VALUES_MAX} in {SIZE_MAX} are possible"
        ));
    }
    Ok(())
}

fn check_part(ty: &Type, limits: &Limits, path: &str, depth: usize) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("`{path}`: records and arrays are nested deeper than {DEPTH_MAX}"));
    }
    match ty {
        Type::Array(array) => {
            if array.len as usize > limits.array_len {
                return Err(format!(
                    "`{path}`: {} elements, [limits] array_len allows {}",
                    array.len, limits.array_len
                ));
            }
            check_part(&array.element, limits, &format!("{path}[0]"), depth + 1)
        }
        Type::Record(record) => {
            let fields = record.fields();
            if fields.len() > limits.record_len {
                let allowed = limits.record_len;
                return Err(format!(
                    "`{path}`: {} fields, [limits] record_len allows {allowed}",
                    fields.len()
                ));
            }
            fields.iter().try_for_each(|field| {
                check_part(&field.ty, limits, &format!("{path}.{}", field.name), depth + 1)
            })
        }
        Type::Unit | Type::Never => Err(format!(
            "`{path}`: nothing cannot be kept in the state; bool, i64, f64, text, arrays, records, blocks and axes can"
        )),
        _ => Ok(()),
    }
}

/// The layout of a state of a type.
fn layout(first: &Datum, state: &Type) -> Option<Layout> {
    match shape(first, state)? {
        Shape::Record { fields } => {
            Some(Layout::new(fields.into_iter().map(|field| (field.name, field.shape)).collect()))
        }
        _ => None,
    }
}

/// The axes of the handles in a state, each with the first place in the program's text where a handle of it is made. What
/// a library makes, the program makes where it imports it.
fn axes(first: &Datum, files: &[SourceFile], imports: &[(FileId, Span)]) -> Vec<UsedAxis> {
    let mut axes: Vec<(u16, u32)> = Vec::new();
    first.origins(&mut |datum, origin| {
        if let Datum::Axis(handle, _) = datum {
            let import = imports.iter().find(|(file, _)| *file == origin.file);
            axes.push((handle.axis(), import.map_or(origin.span.start, |(_, span)| span.start)));
        }
    });
    axes.sort_unstable();
    axes.dedup_by_key(|(axis, _)| *axis);
    let used = |(axis, at): (u16, u32)| {
        let place = files.first()?.position(at);
        Some(UsedAxis { axis, line: place.line, column: place.column })
    };
    axes.into_iter().filter_map(used).collect()
}
