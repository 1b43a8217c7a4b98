//! Names for nodes of the typed program, and all names there are.

use super::Label;
use crate::world::World;
use sensai_model::{ScalarType, packml::Command, tag::Overflow};
use sensai_scripts::{
    hir::{
        AxisCall, BinaryOperator, Expr, ExprId, ExprKind, FaultName, Function, Hir, Items, NamedRequest,
        Pattern, Place, Root, Statement, StatementKind, Step, Switch, SysFact, TagPlace, Type, UnaryOperator,
    },
    ports::Request,
};
use sensai_stdlib::registry::{self, AXIS};

/// A type without its details.
fn name(ty: &Type) -> &'static str {
    match ty {
        Type::Unknown => "unknown",
        Type::Never => "never",
        Type::Unit => "nothing",
        Type::Bool => "bool",
        Type::I64 => "i64",
        Type::F64 => "f64",
        Type::Symbol => "text",
        Type::Array(_) => "array",
        Type::Record(_) => "record",
        Type::Block(_) => "block",
        Type::Axis => "axis",
    }
}

fn names<'a>(types: impl Iterator<Item = &'a Type>) -> String {
    types.map(name).collect::<Vec<_>>().join(", ")
}

/// Where a path begins, and whether there is an index in it.
fn path(place: &Place) -> String {
    let root = match place.root {
        Root::This => "this",
        Root::Local(_) => "variable",
        Root::Constant(_) => "constant",
        Root::Value(_) => "value",
    };
    let indexed = place.path.iter().any(|step| matches!(step, Step::Index { .. }));
    format!("{root}{}", if indexed { "[]" } else { "" })
}

fn of_tag<'w>(world: &'w World, tag: &TagPlace) -> Option<&'w sensai_model::Tag> {
    world.all_tags().nth(tag.tag as usize)
}

/// Names of an expression.
pub(super) fn of_expr(hir: &Hir, function: &Function, world: &World, id: ExprId) -> Vec<Label> {
    let Expr { kind, ty, .. } = function.expr(id);
    let type_of = |id: &ExprId| &function.expr(*id).ty;
    let one = |kind: &str, types: String| vec![Label::new(kind, types)];
    match kind {
        ExprKind::Literal(_) => one("literal", name(ty).to_owned()),
        ExprKind::Symbol(_) => one("literal", "text".to_owned()),
        ExprKind::Read(place) => one(&format!("read {}", path(place)), name(ty).to_owned()),
        ExprKind::Tag { tag, quality } => {
            let Some(of) = of_tag(world, tag) else { return Vec::new() };
            let what = if *quality { "quality" } else { "tag" };
            let element = match (tag.index, of.array_len) {
                (Some(_), _) => "[]",
                (None, Some(_)) => " as a whole",
                (None, None) => "",
            };
            one(&format!("{what}{element}"), of.scalar.name().to_owned())
        }
        ExprKind::Parameter(_) => one("parameter", name(ty).to_owned()),
        ExprKind::Sys(fact) => one(fact_name(*fact), String::new()),
        ExprKind::Unary(operator, operand) => one(unary_name(*operator), name(type_of(operand)).to_owned()),
        ExprKind::Binary(operator, left, right) => {
            one(operator.symbol(), names([type_of(left), type_of(right)].into_iter()))
        }
        ExprKind::Logic { and, .. } => one(if *and { "&&" } else { "||" }, String::new()),
        ExprKind::If { otherwise, .. } => {
            one(if otherwise.is_some() { "if else" } else { "if" }, name(ty).to_owned())
        }
        ExprKind::Switch(switch) => of_switch(function, switch, ty),
        ExprKind::Block(_) => one("block", name(ty).to_owned()),
        ExprKind::Library(called, _) => one(
            called.name,
            called.arguments.iter().map(|scalar| scalar.name()).collect::<Vec<_>>().join(", "),
        ),
        ExprKind::Call { function: callee, receiver, arguments } => {
            let on = receiver.as_ref().map_or("call".to_owned(), |place| format!("call on {}", path(place)));
            let result = name(&hir.function(*callee).result).to_owned();
            let given = arguments.iter().map(|id| Label::new("argument", name(type_of(id))));
            std::iter::once(Label::new(on, result)).chain(given).collect()
        }
        ExprKind::Method { block, method, .. } => {
            vec![Label::new(method.path, ""), Label::new(format!("method of {}", path(block)), "")]
        }
        ExprKind::Pin { of, pin, .. } => one(&format!("{}.{}", of.name, pin.name), String::new()),
        ExprKind::AxisCommand { command, .. } => one(command_name(command), String::new()),
        ExprKind::AxisProperty { property, .. } => one(&format!("Axis.{}", property.name), String::new()),
        ExprKind::Fresh(_) => one("fresh", String::new()),
        ExprKind::Request(request) => one(&request_name(*request), String::new()),
        ExprKind::RequestNamed(request, _) => one(named_request_name(*request), String::new()),
        ExprKind::Fault(FaultName::Text(_)) => one("fault", "literal".to_owned()),
        ExprKind::Fault(FaultName::Value(_)) => one("fault", "text".to_owned()),
        ExprKind::Array(elements) => {
            one("array", elements.first().map_or(String::new(), |id| name(type_of(id)).to_owned()))
        }
        ExprKind::Fill { value, .. } => one("array()", name(type_of(value)).to_owned()),
        ExprKind::Record(_) => one("record", String::new()),
        ExprKind::MakeBlock { of, .. } => one(of.name, "new".to_owned()),
        ExprKind::MakeAxis(_) => one("Axis", "new".to_owned()),
        ExprKind::Len(place) => one("len", path(place)),
    }
}

fn of_switch(function: &Function, switch: &Switch, ty: &Type) -> Vec<Label> {
    let value = name(&function.expr(switch.value).ty);
    let mut labels = vec![Label::new("switch", format!("{value} for {}", name(ty)))];
    let patterns = switch.arms.iter().flat_map(|arm| &arm.patterns);
    for pattern in patterns {
        let kind = match pattern {
            Pattern::Scalar(_) => "number or bool",
            Pattern::Symbol(_) => "text",
            Pattern::Range(..) => "range",
        };
        labels.push(Label::new("pattern", kind));
    }
    if switch.arms.iter().any(|arm| arm.guard.is_some()) {
        labels.push(Label::new("guard", value));
    }
    labels.push(Label::new("switch default", if switch.default.is_some() { "given" } else { "none" }));
    labels
}

/// Names of a statement, and of the expression that it is, if it is one.
pub(super) fn of_statement(
    hir: &Hir,
    function: &Function,
    world: &World,
    statement: &Statement,
) -> Vec<Label> {
    let type_of = |id: &ExprId| &function.expr(*id).ty;
    match &statement.kind {
        StatementKind::Let { value, .. } => vec![Label::new("let", name(type_of(value)))],
        StatementKind::Assign { place, operator, value } => {
            let mut labels = vec![Label::new(format!("assign {}", path(place)), name(&place.ty))];
            if let Some(operator) = operator {
                let types = names([&place.ty, type_of(value)].into_iter());
                labels.push(Label::new(format!("{}=", operator.symbol()), types));
            }
            labels
        }
        StatementKind::AssignTag { tag, operator, value } => {
            let Some(of) = of_tag(world, tag) else { return Vec::new() };
            let limits = match (of.range, of.overflow) {
                (None, _) => "",
                (Some(_), Overflow::Fault) => " in a range",
                (Some(_), Overflow::Saturate) => " saturating",
            };
            let element = if tag.index.is_some() { "[]" } else { "" };
            let mut labels = vec![Label::new(format!("assign tag{element}{limits}"), of.scalar.name())];
            if let Some(operator) = operator {
                let types = format!("{}, {}", of.scalar.name(), name(type_of(value)));
                labels.push(Label::new(format!("tag {}=", operator.symbol()), types));
            }
            labels
        }
        StatementKind::Expr(value) => of_expr(hir, function, world, *value),
        StatementKind::While { condition, body_first, until, .. } => {
            let kind = match (condition, body_first, until) {
                (None, ..) => "loop",
                (Some(_), false, _) => "while",
                (Some(_), true, false) => "do while",
                (Some(_), true, true) => "do until",
            };
            vec![Label::new(kind, "")]
        }
        StatementKind::For { counter, items, .. } => {
            let kind = match items {
                Items::Range { inclusive, .. } => {
                    if *inclusive {
                        "inclusive range".to_owned()
                    } else {
                        "range".to_owned()
                    }
                }
                Items::Array(array) => match type_of(array) {
                    Type::Array(array) => format!("array of {}", name(&array.element)),
                    _ => "array".to_owned(),
                },
                Items::Tag(tag) => {
                    let scalar = world.all_tags().nth(*tag as usize).map(|tag| tag.scalar);
                    format!("tag of {}", scalar.map_or("", ScalarType::name))
                }
            };
            let counted = if counter.is_some() { "for with a counter" } else { "for" };
            vec![Label::new(counted, kind)]
        }
        StatementKind::Break => vec![Label::new("break", "")],
        StatementKind::Continue => vec![Label::new("continue", "")],
        StatementKind::Return(None) => vec![Label::new("return", "")],
        StatementKind::Return(Some(value)) => vec![Label::new("return", name(type_of(value)))],
    }
}

/// Blocks and handles are made in `init`, which cannot count; it runs once in each tier.
pub(super) fn of_init(hir: &Hir) -> Vec<Label> {
    let mut labels = Vec::new();
    for expr in hir.functions.iter().flat_map(|function| &function.exprs) {
        match &expr.kind {
            ExprKind::MakeBlock { of, .. } => labels.push(Label::new(of.name, "new")),
            ExprKind::MakeAxis(_) => labels.push(Label::new("Axis", "new")),
            _ => {}
        }
    }
    labels
}

const fn fact_name(fact: SysFact) -> &'static str {
    match fact {
        SysFact::Cycle => "sys.cycle",
        SysFact::Time => "sys.time",
        SysFact::Dt => "sys.dt",
        SysFact::FirstCycle => "sys.first_cycle",
        SysFact::Mode => "sys.mode",
        SysFact::State => "sys.state",
        SysFact::Seed => "sys.seed",
    }
}

const fn unary_name(operator: UnaryOperator) -> &'static str {
    match operator {
        UnaryOperator::Negate => "-x",
        UnaryOperator::Plus => "+x",
        UnaryOperator::Not => "!x",
    }
}

const fn command_name(command: &AxisCall) -> &'static str {
    match command {
        AxisCall::Power(_) => "Axis.power()",
        AxisCall::Reset => "Axis.reset()",
        AxisCall::Home => "Axis.home()",
        AxisCall::MoveAbsolute { .. } => "Axis.move_absolute()",
        AxisCall::MoveRelative { .. } => "Axis.move_relative()",
        AxisCall::MoveVelocity(_) => "Axis.move_velocity()",
        AxisCall::Torque { .. } => "Axis.torque()",
        AxisCall::Halt => "Axis.halt()",
        AxisCall::Stop => "Axis.stop()",
        AxisCall::ReleaseStop => "Axis.release_stop()",
    }
}

fn request_name(request: Request) -> String {
    match request {
        Request::StateComplete => "state_complete()".to_owned(),
        Request::Command(command) => format!("request {command:?}"),
        Request::Jidoka(_) => "jidoka()".to_owned(),
        Request::Alarm(_) => "alarm()".to_owned(),
        Request::Model(_) => "request()".to_owned(),
    }
}

const fn named_request_name(request: NamedRequest) -> &'static str {
    match request {
        NamedRequest::Jidoka => "jidoka(computed)",
        NamedRequest::Alarm => "alarm(computed)",
    }
}

/// Every name that programs can run through and count, from the operators, the types and the library's tables, whatever
/// programs there are. What always faults is not among them: the faults are counted. Nor is what has no value (`never`),
/// and constants are only read.
pub fn expected() -> Vec<Label> {
    let mut all = Vec::new();
    let mut add = |kind: &str, types: &[&str]| {
        all.extend(types.iter().map(|types| Label::new(kind, *types)));
    };
    let scalars = ["bool", "i64", "f64"];
    let values = ["bool", "i64", "f64", "text", "array", "record"];
    add("literal", &["bool", "i64", "f64", "text"]);
    for root in ["this", "this[]", "variable", "variable[]"] {
        add(&format!("read {root}"), &values);
        add(&format!("assign {root}"), &values);
    }
    for root in ["constant", "constant[]", "value", "value[]"] {
        add(&format!("read {root}"), &values);
    }
    for kind in ["let", "array", "array()", "argument", "return", "if else", "block"] {
        add(kind, &values);
    }
    add("return", &[""]);
    let results = ["bool", "i64", "f64", "text", "array", "record", "nothing"];
    add("call", &results);
    for on in ["this", "this[]", "variable", "variable[]"] {
        add(&format!("call on {on}"), &results);
    }
    add("record", &[""]);
    for kind in ["tag", "tag[]", "quality", "quality[]", "quality as a whole", "assign tag", "assign tag[]"] {
        add(kind, &scalars);
    }
    for limits in ["in a range", "saturating"] {
        add(&format!("assign tag {limits}"), &["i64", "f64"]);
        add(&format!("assign tag[] {limits}"), &["i64", "f64"]);
    }
    add("parameter", &scalars);
    for fact in ["cycle", "time", "dt", "first_cycle", "mode", "state", "seed"] {
        add(&format!("sys.{fact}"), &[""]);
    }
    add("-x", &["i64", "f64"]);
    add("+x", &["i64", "f64"]);
    add("!x", &["bool"]);
    for operator in BinaryOperator::ALL {
        use BinaryOperator as B;
        let symbol = operator.symbol();
        let numbers = ["i64, i64", "f64, f64", "i64, f64", "f64, i64"];
        match operator {
            B::ShiftLeft | B::ShiftRight => add(symbol, &["i64, i64"]),
            B::And | B::Or | B::Xor => add(symbol, &["i64, i64", "bool, bool"]),
            _ => add(symbol, &numbers),
        }
        if matches!(operator, B::Equal | B::NotEqual) {
            add(symbol, &["bool, bool", "text, text"]);
        }
        // Of a place in the state or in a variable, and of a tag.
        for assignment in [format!("{symbol}="), format!("tag {symbol}=")] {
            match operator {
                _ if operator.compares() => {}
                B::ShiftLeft | B::ShiftRight => add(&assignment, &["i64, i64"]),
                B::And | B::Or | B::Xor => add(&assignment, &["i64, i64", "bool, bool"]),
                _ => add(&assignment, &["i64, i64", "f64, f64", "f64, i64"]),
            }
        }
    }
    for kind in ["&&", "||", "if", "loop", "while", "do while", "do until", "break", "continue", "fresh"] {
        add(kind, if kind == "if" { &["nothing"] } else { &[""] });
    }
    add("if else", &["nothing"]);
    for value in ["bool", "i64", "text"] {
        for gives in results {
            add("switch", &[format!("{value} for {gives}").as_str()]);
        }
        add("guard", &[value]);
    }
    add("pattern", &["number or bool", "text", "range"]);
    add("switch default", &["given", "none"]);
    for kind in ["for", "for with a counter"] {
        add(kind, &["range", "inclusive range", "tag of bool", "tag of i64", "tag of f64"]);
        values.iter().for_each(|element| add(kind, &[format!("array of {element}").as_str()]));
    }
    for function in registry::functions() {
        let types: Vec<&str> = function.arguments.iter().map(|scalar| scalar.name()).collect();
        add(function.name, &[types.join(", ").as_str()]);
    }
    for block in registry::blocks() {
        add(block.name, &["new"]);
        block.methods.iter().for_each(|method| add(method.path, &[""]));
        block.pins.iter().for_each(|pin| add(&format!("{}.{}", block.name, pin.name), &[""]));
    }
    for on in ["this", "this[]"] {
        add(&format!("method of {on}"), &[""]);
    }
    add(AXIS.name, &["new"]);
    AXIS.methods.iter().for_each(|method| add(&format!("Axis.{}()", method.name), &[""]));
    AXIS.properties.iter().for_each(|property| add(&format!("Axis.{}", property.name), &[""]));
    // Without an index, and not of a value, it is known and no node at all.
    add("len", &["this[]", "variable[]", "constant[]", "value", "value[]"]);
    for request in [
        Request::StateComplete,
        Request::Command(Command::Hold),
        Request::Command(Command::Suspend),
        Request::Command(Command::Unsuspend),
        Request::Command(Command::Stop),
        Request::Command(Command::Abort),
        Request::Command(Command::Complete),
        Request::Jidoka(0),
        Request::Alarm(0),
        Request::Model(0),
    ] {
        add(&request_name(request), &[""]);
    }
    add(named_request_name(NamedRequest::Jidoka), &[""]);
    add(named_request_name(NamedRequest::Alarm), &[""]);
    all
}
