//! What there is to know of a name.

use super::{
    Location, Place, Snapshot, Unit, configuration, lens,
    snapshot::range,
    symbol::{self, Symbol, Table},
};
use sensai_model::{Tag, TagKind, cell::Parameter, tag::Overflow};
use sensai_scripts::{
    hir::{FileId, Function, Span, Type},
    syntax::ast::{self, AstNode},
    uses::{Entity, Use},
};
use sensai_stdlib::registry::{self, Argument, MethodKind, handle, markdown};
use std::fmt::Write;

/// Markdown, and what it is about.
pub fn hover(snapshot: &Snapshot, place: &Place) -> Option<(String, Location)> {
    if let Some(document) = configuration::document(snapshot, &place.path) {
        let symbol = symbol::at(snapshot, place);
        let known = symbol.and_then(|(symbol, at)| Some((of_symbol(snapshot, &symbol)?, at)));
        return known.or_else(|| configuration::key(snapshot, document, place));
    }
    let (unit, file) = snapshot.unit(&place.path)?;
    let uses: Vec<&Use> = unit.analysed.uses.at(file, place.at as u32).collect();
    let found = uses
        .iter()
        .find(|found| (found.span.start as usize..found.span.end as usize).contains(&place.at))
        .or(uses.first())?;
    let text = of_entity(snapshot, unit, file, found)?;
    Some((text, Location::new(&place.path, range(found.span))))
}

fn code(text: &str) -> String {
    format!("```rhai\n{text}\n```\n")
}

/// What is behind a name of a program.
pub fn of_entity(snapshot: &Snapshot, unit: &Unit, file: FileId, found: &Use) -> Option<String> {
    let environment = unit.environment();
    Some(match &found.entity {
        Entity::Local(declared) => local(unit, file, *declared, found.span)?,
        Entity::Constant(of, declared) => constant(unit, *of, *declared)?,
        Entity::Function(of, declared) => function(snapshot, unit, *of, *declared)?,
        Entity::Field { record, name } => {
            let Type::Record(record) = record else { return None };
            let (_, field) = record.field(name)?;
            let mut text = code(&format!("{name}: {}", field.ty));
            if let Type::Block(block) = &field.ty {
                let _ = write!(text, "\n{}", markdown::block(block));
            }
            text
        }
        Entity::Tag(index) => {
            let index = *index as usize;
            let shafts = match &unit.subject.side {
                crate::host::Side::Twin(side) => side.shafts.as_slice(),
                crate::host::Side::Controller { .. } => &[],
            };
            let (root, tag) = match environment.tags.get(index) {
                Some(tag) => ("io", tag),
                None => ("axis", shafts.get(index.checked_sub(environment.tags.len())?)?),
            };
            tag_text(root, tag)
        }
        Entity::TagGroup { path, shafts: false } => of_symbol(snapshot, &Symbol::Tag(path.clone()))?,
        Entity::ParameterGroup(path) => of_symbol(snapshot, &Symbol::Parameter(path.clone()))?,
        Entity::Parameter(index) => parameter(environment.parameters.get(*index as usize)?),
        Entity::Fact(name) => code(&format!("sys.{name}")) + "\n" + fact(name),
        Entity::Root(name) => code(name) + "\n" + root(name),
        Entity::Model(_) | Entity::Axis(_) | Entity::Alarm(_) | Entity::Jidoka(_) => {
            of_symbol(snapshot, &symbol::of(snapshot, unit, file, found)?)?
        }
        Entity::ModelFact(index, name) => {
            let model = environment.reach.models.get(usize::from(*index))?;
            code(&format!("ai.{}.{name}", model.name)) + "\n" + model_fact(name)
        }
        Entity::ModelRequest(index) => {
            let model = environment.reach.models.get(usize::from(*index))?;
            code(&format!("ai.{}.request()", model.name))
                + "\nAsk for a result, with the commit of this run.\n"
        }
        Entity::Block(name) => markdown::block(registry::find(name)?),
        Entity::Pin(block, _) => {
            let (pin, of) = (found.entity.pin()?, registry::find(block)?);
            let mut text = code(&format!("{block}.{}: {}{}", pin.name, pin.scalar.name(), unit_of(pin.unit)));
            let _ = write!(text, "\n{}\n", pin.doc.trim());
            if let Some(diagram) = diagram(of.doc) {
                let _ = write!(text, "\n{diagram}\n");
            }
            text
        }
        Entity::Method(..) => {
            let method = found.entity.method()?;
            let arguments: Vec<String> = method.arguments.iter().map(argument).collect();
            let result = method.result.map_or(String::new(), |result| format!(" -> {}", result.name()));
            let mut text = code(&format!("{}({}){result}", method.path, arguments.join(", ")));
            let _ = write!(text, "\n{}\n", method.doc.trim());
            if method.kind == MethodKind::EveryCycle {
                text.push_str("\nTo be called once in every cycle: time passes in it.\n");
            }
            text
        }
        Entity::AxisHandle => markdown::handle(&registry::AXIS),
        Entity::Command(_) => {
            let command = found.entity.command()?;
            let arguments: Vec<String> = command.arguments.iter().map(handle_argument).collect();
            code(&format!("Axis.{}({})", command.name, arguments.join(", ")))
                + "\n"
                + command.doc.trim()
                + "\n"
        }
        Entity::Property(_) => {
            let property = found.entity.property()?;
            let head = format!("Axis.{}: {}{}", property.name, property.kind.name(), unit_of(property.unit));
            code(&head) + "\n" + property.doc.trim() + "\n"
        }
        Entity::LibraryFunction(name) => {
            let overloads = registry::functions().iter().filter(|function| function.name == *name);
            overloads.map(markdown::function).collect::<Vec<_>>().join("\n---\n")
        }
        Entity::BuiltIn(name) => built_in(name)?,
        Entity::Import(_) | Entity::Library(_) => {
            let name = unit.slice(file, found.span).trim_matches('"');
            code(&format!("library {name}"))
        }
        Entity::Quality => code(".valid: bool") + "\nThe value is of this cycle, and finite.\n",
        Entity::Len => code(".len: i64") + "\nNumber of elements.\n",
        Entity::TagGroup { .. } | Entity::Unknown(_) => return None,
    })
}

/// A function of the language that is in no library.
pub fn built_in(name: &str) -> Option<String> {
    let (usage, doc) = match name {
        "array" => (
            "array(n, value)",
            "An array of `n` elements; `n` is known before the program runs. Blocks in `value` are made `n` times.",
        ),
        "len" => ("len(array) -> i64", "Number of elements."),
        "fault" => ("fault(\"name\")", "Fault the task: its programs stop until an operator resets it."),
        "jidoka" => {
            ("jidoka(\"name\")", "Something is suspicious: the unit is held until a person has judged.")
        }
        "alarm" => {
            ("alarm(\"name\")", "The condition of the alarm is there. Call it in every cycle in which it is.")
        }
        "state_complete" => ("state_complete()", "What there was to do in this acting state is done."),
        "hold" => ("hold()", "To Holding, for a cause inside the machine."),
        "suspend" => ("suspend()", "To Suspending, for a cause outside, such as no parts."),
        "unsuspend" => ("unsuspend()", "Back from Suspended."),
        "stop" => ("stop()", "To Stopping."),
        "abort" => ("abort()", "To Aborting."),
        "complete" => ("complete()", "The job is done: to Completing."),
        _ => return None,
    };
    Some(code(usage) + "\n" + doc + "\n")
}

fn root(name: &str) -> &'static str {
    match name {
        "io" => "Tags of the cell.\n",
        "param" => "Parameters that an operator sets.\n",
        "sys" => "Facts of the cycle and the unit.\n",
        "ai" => "Results of models.\n",
        _ => "Shafts of the simulated drives.\n",
    }
}

/// What a fact of the cycle is.
pub fn fact(name: &str) -> &'static str {
    match name {
        "cycle" => "i64: index of the cycle.\n",
        "time" => "i64, ns: nominal time, cycle × interval.\n",
        "dt" => "f64, s: time since the run before; skipped cycles make it a multiple of the interval.\n",
        "first_cycle" => "bool: the first run after a start.\n",
        "mode" => "text: PackML mode of the program's unit.\n",
        "state" => "text: PackML state of the program's unit.\n",
        "seed" => "i64: seed of all noise.\n",
        _ => "",
    }
}

/// What a fact of a model is.
pub fn model_fact(name: &str) -> &'static str {
    match name {
        "score" => "f64: how unusual what it saw is.\n",
        "age" => "i64: cycles since the result.\n",
        "valid" => "bool: the result counts.\n",
        "misses" => "i64: results that did not come in time.\n",
        "sequence" => "i64: number of the result.\n",
        "output" => "f64: outputs of the model, an array.\n",
        "fresh" => "bool: true in the first successful run that sees a result.\n",
        _ => "",
    }
}

/// The timing diagram in the text of a block.
fn diagram(doc: &str) -> Option<String> {
    let lines: Vec<&str> = doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let start = lines.iter().position(|line| line.starts_with("```"))?;
    let len = lines.get(start + 1..)?.iter().position(|line| line.starts_with("```"))?;
    Some(lines.get(start..start + len + 2)?.join("\n"))
}

fn unit_of(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" [{unit}]") }
}

/// An argument of a block as signatures show it.
pub fn argument(argument: &Argument) -> String {
    format!("{}: {}{}", argument.name, argument.scalar.name(), unit_of(argument.unit))
}

/// An argument of an axis as signatures show it.
pub fn handle_argument(argument: &handle::HandleArgument) -> String {
    let name = if argument.optional { format!("[{}]", argument.name) } else { argument.name.to_owned() };
    format!("{name}: {}{}", argument.kind.name(), unit_of(argument.unit))
}

/// The function that a place is in: with types if it was looked at.
pub fn function_at(unit: &Unit, file: FileId, at: u32) -> impl Iterator<Item = &Function> {
    let tree = unit.analysed.trees.get(file.index());
    let name = tree.and_then(|tree| {
        let mut functions = tree.root().functions();
        let function = functions.find(|function| {
            let span = function.syntax().text_range();
            u32::from(span.start()) <= at && at <= u32::from(span.end())
        })?;
        function.name()
    });
    let start = name.map(|name| u32::from(name.text_range().start()));
    functions(unit).filter(move |function| function.file == file && Some(function.span.start) == start)
}

/// Every instance of every function.
pub fn functions(unit: &Unit) -> impl Iterator<Item = &Function> {
    let known = unit.analysed.hir.iter().flat_map(|hir| hir.functions.iter());
    known.chain(unit.analysed.others.iter())
}

fn local(unit: &Unit, file: FileId, declared: Span, used: Span) -> Option<String> {
    let name = unit.slice(file, declared);
    let mut types: Vec<String> = Vec::new();
    for function in function_at(unit, file, used.start) {
        let ty =
            function.locals.iter().find(|local| local.span == declared).map(|local| local.ty.to_string());
        if let Some(ty) = ty.filter(|ty| !types.contains(ty)) {
            types.push(ty);
        }
    }
    Some(code(&format!("{name}: {}", types.join(" | "))))
}

fn constant(unit: &Unit, file: FileId, declared: Span) -> Option<String> {
    let text = unit.text(file);
    let line_start = text.get(..declared.start as usize)?.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(line_start..)?.lines().next()?;
    let (written, comment) = line.split_once("//").unwrap_or((line, ""));
    let mut shown = code(written.trim().trim_end_matches(';'));
    if !comment.trim().is_empty() {
        let _ = write!(shown, "\n{}\n", comment.trim());
    }
    Some(shown)
}

fn function(snapshot: &Snapshot, unit: &Unit, file: FileId, declared: Span) -> Option<String> {
    let instances: Vec<&Function> =
        functions(unit).filter(|function| function.file == file && function.span == declared).collect();
    let mut text = String::new();
    let mut shown: Vec<String> = Vec::new();
    for function in &instances {
        let parameters = function.locals.iter().take(function.parameters as usize);
        let parameters: Vec<String> =
            parameters.map(|local| format!("{}: {}", local.name, local.ty)).collect();
        let result = match &function.result {
            Type::Unit | Type::Never => String::new(),
            ty => format!(" -> {ty}"),
        };
        let line = format!("fn {}({}){result}", function.name, parameters.join(", "));
        if !shown.contains(&line) {
            shown.push(line);
        }
    }
    if shown.is_empty() {
        shown.push(format!("fn {}", unit.slice(file, declared)));
    }
    text.push_str(&code(&shown.join("\n")));
    let tree = unit.analysed.trees.get(file.index())?;
    let written = tree.root().functions().find(|function: &ast::Fn| {
        function.name().is_some_and(|name| u32::from(name.text_range().start()) == declared.start)
    });
    let docs: Vec<String> = written.iter().flat_map(ast::Fn::docs).collect();
    if !docs.is_empty() {
        let _ = write!(text, "\n{}\n", docs.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n"));
    }
    if let Some(cost) = lens::of_function(snapshot, unit, file, declared) {
        let _ = write!(text, "\n{cost}\n");
    }
    Some(text)
}

fn tag_text(root: &str, tag: &Tag) -> String {
    let kind = match tag.kind {
        TagKind::Input => "input",
        TagKind::Output => "output",
        TagKind::Memory => "memory",
        TagKind::Model => "result of a model",
    };
    let array = tag.array_len.map_or(String::new(), |len| format!(", array of {len}"));
    let unit = tag.unit.as_deref().unwrap_or_default();
    let mut text = code(&format!("{root}.{}: {}{}", tag.name, tag.scalar.name(), unit_of(unit)));
    if !tag.description.is_empty() {
        let _ = write!(text, "\n{}\n", tag.description);
    }
    let _ = write!(text, "\n- {kind}{array}\n");
    if let Some((low, high)) = tag.range {
        let outside = if tag.overflow == Overflow::Saturate { "limited" } else { "a fault" };
        let _ = writeln!(text, "- range {} to {}, outside: {outside}", low, high);
    }
    for (binding, field) in tag.bindings.iter().zip(&tag.fields) {
        let _ = writeln!(
            text,
            "- bound to `{binding}`, {} bits at byte {}, bit {} of the image",
            field.bit_len,
            field.bit_offset / 8,
            field.bit_offset % 8
        );
    }
    if let Some(scale) = tag.scale {
        let _ = writeln!(text, "- value = raw × {} + {}", scale.factor, scale.offset);
    }
    if !tag.aliases.is_empty() {
        let _ = writeln!(text, "- formerly `{}`", tag.aliases.join("`, `"));
    }
    text
}

fn parameter(parameter: &Parameter) -> String {
    let unit = parameter.unit.as_deref().unwrap_or_default();
    let head = format!("param.{}: {}{}", parameter.name, parameter.scalar.name(), unit_of(unit));
    let mut text = code(&head);
    if !parameter.description.is_empty() {
        let _ = write!(text, "\n{}\n", parameter.description);
    }
    let _ = write!(text, "\n- default {}\n", parameter.default);
    if let Some((low, high)) = parameter.range {
        let _ = writeln!(text, "- range {} to {}", low, high);
    }
    text
}

/// What is behind a name of the cell.
pub fn of_symbol(snapshot: &Snapshot, symbol: &Symbol) -> Option<String> {
    let cell = snapshot.cell()?;
    Some(match symbol {
        Symbol::Tag(name) => match cell.tags.iter().find(|tag| tag.name == *name) {
            Some(tag) => tag_text("io", tag),
            None => {
                let below = format!("{name}.");
                let tags = cell.tags.iter().filter(|tag| tag.name.starts_with(&below));
                let lines = tags.take(50).map(|tag| format!("- `{}`: {}\n", tag.name, tag.scalar.name()));
                code(&format!("io.{name}")) + "\n" + lines.collect::<String>().as_str()
            }
        },
        Symbol::Parameter(name) => parameter(cell.parameters.iter().find(|of| of.name == *name)?),
        Symbol::TwinParameter(name) => {
            let (_, value) = cell.simulation.parameters.iter().find(|(known, _)| known == name)?;
            code(&format!("param.{name}: f64")) + format!("\n- {value}, of the twin\n").as_str()
        }
        Symbol::Named(Table::Axes, name) => {
            let axis = cell.axes.iter().find(|axis| axis.name == *name)?;
            let limits = match axis.software_limits {
                Some((low, high)) => format!("- position {low} to {high}\n"),
                None => String::new(),
            };
            code(&format!("Axis(\"{name}\") [{}]", axis.unit)) + "\n" + limits.as_str()
        }
        Symbol::Named(Table::Models, name) => {
            let model = cell.models.iter().find(|model| model.name == *name)?;
            code(&format!("ai.{name}")) + format!("\n- `{}`\n", model.path).as_str()
        }
        Symbol::Named(Table::Alarms, name) => {
            let alarm = cell.alarms.iter().find(|alarm| alarm.name == *name)?;
            code(&format!("alarm(\"{name}\")"))
                + format!("\n- id {}\n- {}\n", alarm.id, alarm.text_en).as_str()
        }
        Symbol::Named(Table::Devices, name) => {
            let device = cell.devices.iter().find(|device| device.name == *name)?;
            let text = format!("\n- position {}\n- {}\n", device.position, device.description.name);
            code(&format!("device {name}")) + text.as_str()
        }
        Symbol::Named(Table::Tasks, name) => {
            let task = cell.tasks().find(|task| task.name == *name)?;
            let (us, programs) = (task.interval_ns as f64 / 1000.0, task.programs.len());
            code(&format!("task {name}")) + format!("\n- every {us} µs\n- {programs} programs\n").as_str()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::Fixture;

    fn shown(text: &str) -> String {
        let (fixture, place) = Fixture::with_cursor(text);
        hover(&fixture.snapshot, &place).map_or(String::new(), |(text, _)| text)
    }

    #[test]
    fn a_tag_has_type_unit_range_and_binding() {
        let text = shown(
            "fn init() { #{ x: 0.0 } }\nfn cycle() { this.x = io.$0force; io.lamp.green = io.start; }\n",
        );
        for part in ["io.force: f64 [N]", "memory", "range 0 to 500", "outside: a fault"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let text = shown("fn init() { #{ x: 0.0 } }\nfn cycle() { io.lamp.green = io.$0start; }\n");
        for part in ["io.start: bool", "the button", "bound to `inputs.channel_1`", "1 bits at byte 0, bit 0"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_pin_has_its_timing_diagram() {
        let text = shown(
            "fn init() { #{ t: TON() } }\nfn cycle() { this.t.run(io.start, 0.5); io.lamp.green = this.t.$0Q; }\n",
        );
        assert!(text.contains("TON.Q: bool") && text.contains("┌──────────┐"), "{text}");
        let text = shown(
            "fn init() { #{ t: TON() } }\nfn cycle() { this.t.$0run(io.start, 0.5); io.lamp.green = this.t.Q; }\n",
        );
        assert!(text.contains("TON.run(IN: bool, PT: f64 [s])") && text.contains("every cycle"), "{text}");
    }

    #[test]
    fn functions_variables_and_constants_have_types() {
        let program = "const A = 2;  // mm\nfn init() { #{ x: 0 } }\n/// Twice as much.\nfn double(n) { n * A }\nfn cycle() { let y = 1; this.x = double(y); }\n";
        let text = shown(&program.replace("double(y)", "$0double(y)"));
        for part in ["fn double(n: i64) -> i64", "Twice as much.", "at most", "work units"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(shown(&program.replace("(y)", "($0y)")).contains("y: i64"));
        let text = shown(&program.replace("n * A", "n * $0A"));
        assert!(text.contains("const A = 2") && text.contains("mm"), "{text}");
        let text = shown("fn init() { #{ x: 0.0 } }\nfn cycle() { this.x = param.$0depth; }\n");
        for part in ["param.depth: f64 [mm]", "how deep", "default 4", "range 0 to 10"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn keys_have_what_the_reference_page_says() {
        let of = |files: &str| {
            let (fixture, place) = Fixture::with_model(files);
            hover(&fixture.snapshot, &place).map_or(String::new(), |(text, at)| {
                format!("{} {text}", &fixture.snapshot.text(&at.path).unwrap_or_default()[at.range()])
            })
        };
        let text = of("//- more\n[axes.a]\nfollowing_t$0ime = \"20ms\"\n");
        for part in
            ["following_time `following_time` in `[axes.<name>]`: duration", "up to 10 s", "- example: "]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        let text = of("//- more\n[axes.a]\nmode = \"c$0sv\"\n");
        assert!(text.starts_with("\"csv\" `mode`"), "a value has what its key has: {text}");
        let text = of("//- more\n[operator]\nstart = \"sta$0rt\"\n");
        assert!(text.contains("io.start: bool"), "{text}");
        let text = of("//- models/m.toml\nthres$0hold = 0.5\n");
        assert!(text.contains("the score above which a part is suspicious"), "{text}");
        let text = of("//- models/m.toml\n[[inputs]]\nme$0an = 0.5\n");
        assert!(text.contains("`models/<name>.toml [[inputs]]`"), "{text}");
        assert_eq!(of("//- models/m.toml\n[provenance]\nw$0ho = 1\n"), "");
    }
}
