//! The reference of all blocks and functions as one Markdown page, from the registry. The editor's hover texts are
//! [`block`] and [`function`].

use super::{
    AXIS, Argument, BlockType, Direction, Function, Method, MethodKind, blocks, functions,
    handle::{HandleArgument, HandleType},
};
use std::fmt::Write;

/// The whole page, `docs/blocks.md`.
pub fn page() -> String {
    let mut text = String::from(HEAD);
    for each in blocks() {
        let _ = writeln!(text, "- [{0}](#{1}): {2}", each.name, each.name.to_lowercase(), summary(each.doc));
    }
    let _ = writeln!(text, "- [{0}](#{1}): {2}", AXIS.name, AXIS.name.to_lowercase(), summary(AXIS.doc));
    text.push_str("- [Functions](#functions)\n");
    for each in blocks() {
        let _ = write!(text, "\n{}", block(each));
    }
    let _ = write!(text, "\n{}", handle(&AXIS));
    text.push_str("\n## Functions\n\n");
    text.push_str(FUNCTIONS);
    text.push_str("\n| Function | Result | |\n|---|---|---|\n");
    for each in functions() {
        let _ = writeln!(text, "| `{}` | {} | {} |", signature(each), each.result.name(), one_line(each.doc));
    }
    text
}

const HEAD: &str = "# Function blocks and functions

<!-- Written by `cargo run -p sensai-stdlib --example blocks -- --write`; a test keeps it up to date. -->

What cell programs find without importing anything. A block is made in `init` (`settle: TON()`), run every cycle
(`this.settle.run(io.present, 0.05)`), and read by its pins (`this.settle.Q`). Arguments are never converted: where `f64` is
asked for, write `7.0`. Times are in seconds; inside, blocks count nanoseconds of nominal time.

Where no unit is given, a number has the unit of the signal. *Every cycle* means that the method wants to be called once in
every cycle, whatever the program is doing: time passes in it.

";

const FUNCTIONS: &str = "All floats go through a pinned `libm`: the same bits on every machine. NaN and infinity are legal results; it is \
storing them into a tag that faults. An error is a fault of the program, with its line.
";

/// One block: heading, text, constructor, methods, pins.
pub fn block(block: &BlockType) -> String {
    let mut text = format!("## {}\n\n{}\n", block.name, paragraphs(block.doc));
    let _ = writeln!(text, "`{}`\n", constructor(block));
    let group = block.constructor.repeated.as_ref().map_or(&[][..], |group| group.arguments);
    let arguments: Vec<_> = block.constructor.arguments.iter().chain(group).collect();
    if !arguments.is_empty() {
        text.push_str("| Argument | Type | Unit | Range | Default | |\n|---|---|---|---|---|---|\n");
        for argument in arguments {
            row(&mut text, argument, true);
        }
        text.push('\n');
    }
    for each in block.methods {
        method(&mut text, each);
    }
    text.push_str("| Pin | Type | Unit | | |\n|---|---|---|---|---|\n");
    for pin in block.pins {
        let direction = if pin.direction == Direction::Input { "in" } else { "out" };
        let (name, scalar) = (pin.name, pin.scalar.name());
        let _ =
            writeln!(text, "| `{name}` | {scalar} | {} | {direction} | {} |", pin.unit, one_line(pin.doc));
    }
    let _ = writeln!(text, "\n{} bytes of state.", block.size);
    text
}

/// One handle: heading, text, constructor, methods, properties.
pub fn handle(handle: &HandleType) -> String {
    let mut text = format!("## {}\n\n{}\n", handle.name, paragraphs(handle.doc));
    let names: Vec<_> = handle.constructor.iter().map(|argument| argument.name).collect();
    let _ = writeln!(text, "`{}({})`\n", handle.name, names.join(", "));
    handle_arguments(&mut text, handle.constructor);
    for method in handle.methods {
        let _ = writeln!(text, "`{}`: {}\n", method.usage(), one_line(method.doc));
        handle_arguments(&mut text, method.arguments);
    }
    text.push_str("| Property | Type | Unit | |\n|---|---|---|---|\n");
    for property in handle.properties {
        let (name, kind, unit) = (property.name, property.kind.name(), property.unit);
        let _ = writeln!(text, "| `{name}` | {kind} | {unit} | {} |", one_line(property.doc));
    }
    let _ = writeln!(text, "\n{} bytes of state.", handle.size);
    text
}

fn handle_arguments(text: &mut String, arguments: &[HandleArgument]) {
    if arguments.is_empty() {
        return;
    }
    text.push_str("| Argument | Type | Unit | |\n|---|---|---|---|\n");
    for argument in arguments {
        let (name, kind, unit) = (argument.name, argument.kind.name(), argument.unit);
        let _ = writeln!(text, "| `{name}` | {kind} | {unit} | {} |", one_line(argument.doc));
    }
    text.push('\n');
}

/// One overload as scripts call it, with types.
pub fn function(function: &Function) -> String {
    format!("`{} -> {}`\n\n{}", signature(function), function.result.name(), paragraphs(function.doc))
}

fn method(text: &mut String, method: &Method) {
    let names: Vec<_> = method.arguments.iter().map(|argument| argument.name).collect();
    let result = method.result.map(|result| format!(" -> {}", result.name())).unwrap_or_default();
    let kind = match method.kind {
        MethodKind::EveryCycle => "every cycle",
        MethodKind::Command => "command",
    };
    let _ = writeln!(
        text,
        "`{}({}){result}` ({kind}): {}\n",
        method.name,
        names.join(", "),
        one_line(method.doc)
    );
    if !method.arguments.is_empty() {
        text.push_str("| Argument | Type | Unit | Range | |\n|---|---|---|---|---|\n");
        for argument in method.arguments {
            row(text, argument, false);
        }
        text.push('\n');
    }
}

fn row(text: &mut String, argument: &Argument, with_default: bool) {
    let range = argument.range.map(|(low, high)| format!("{low} to {high}")).unwrap_or_default();
    let default = argument.default.map(|default| default.to_string()).unwrap_or_default();
    let default = if with_default { format!(" {default} |") } else { String::new() };
    let (name, scalar, unit) = (argument.name, argument.scalar.name(), argument.unit);
    let _ =
        writeln!(text, "| `{name}` | {scalar} | {unit} | {range} |{default} {} |", one_line(argument.doc));
}

/// `PID(KP, TI, [N])`: what may be left out in brackets.
fn constructor(block: &BlockType) -> String {
    let mut parts: Vec<String> = block
        .constructor
        .arguments
        .iter()
        .map(|argument| match argument.default {
            Some(_) => format!("[{}]", argument.name),
            None => argument.name.into(),
        })
        .collect();
    if let Some(group) = &block.constructor.repeated {
        let names: Vec<_> = group.arguments.iter().map(|argument| argument.name).collect();
        parts.push(format!("{}, … ({} to {} times)", names.join(", "), group.min, group.max));
    }
    format!("{}({})", block.name, parts.join(", "))
}

fn signature(function: &Function) -> String {
    let arguments = function.argument_names.iter().zip(function.arguments);
    let arguments: Vec<_> = arguments.map(|(name, scalar)| format!("{name}: {}", scalar.name())).collect();
    format!("{}({})", function.name, arguments.join(", "))
}

fn summary(doc: &str) -> String {
    one_line(doc.split("\n\n").next().unwrap_or_default())
}

/// For a table cell: no line breaks, no bars.
fn one_line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// Doc comments keep the blank after `///`.
fn paragraphs(doc: &str) -> String {
    doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).fold(String::new(), |mut text, line| {
        text.push_str(line);
        text.push('\n');
        text
    })
}
