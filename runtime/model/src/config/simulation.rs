//! `[simulation]`: what the cell is connected to when there is no hardware, a built-in plant or a twin.

use super::{
    Loader,
    fields::{Fields, Item},
    finding::Rule,
    names, quantity, schema,
    sink::Sink,
    tags::Tags,
    task::{self, INTERVAL_NS},
};
use crate::{
    TagKind,
    cell::{Plant, Simulation},
};
use std::{collections::BTreeMap, ops::RangeInclusive};

/// From a cycle to a month.
const STOP_AFTER_NS: RangeInclusive<u64> = 1_000_000..=2_592_000_000_000_000;
/// Parameters of a twin.
const PARAMETERS_MAX: usize = 256;

/// Read `[simulation]`. `real`: the cell runs on a real segment; `interval_ns`: the base task's, if it is known.
pub(crate) fn read(
    loader: &mut Loader<'_, '_>,
    root: &Fields<'_>,
    tags: &Tags,
    real: bool,
    interval_ns: Option<u64>,
) -> Simulation {
    let interval = interval_ns.unwrap_or(1_000_000);
    let mut simulation = Simulation { seed: 1, twin_interval_ns: interval, ..Simulation::default() };
    let sink = &mut loader.sink;
    let Some(fields) = root.get("simulation").and_then(|item| Fields::open(sink, &item, schema::SIMULATION))
    else {
        return simulation;
    };
    if let Some(item) = fields.get("auto_start") {
        simulation.auto_start = item.boolean(sink).unwrap_or_default();
        if real && simulation.auto_start {
            item.find(
                sink,
                Rule::SimulationOnly,
                "`auto_start` does nothing on a real segment: an operator starts it",
            )
            .help("remove it, or `interface` in [bus]");
        }
    }
    if let Some(item) = fields.get("stop_after") {
        simulation.stop_after_ns = item.duration(sink, STOP_AFTER_NS);
        if real {
            let message = "`stop_after` does nothing on a real segment: an operator stops it";
            item.find(sink, Rule::SimulationOnly, message).help("remove it, or `interface` in [bus]");
        }
    }
    if let Some(seed) = fields.get("seed").and_then(|item| item.integer(sink, 0..=i64::MAX)) {
        simulation.seed = seed.cast_unsigned();
    }
    simulation.plant = fields.get("plant").and_then(|item| read_plant(sink, &item, tags));
    read_twin(loader, &fields, &mut simulation, interval_ns);
    simulation
}

/// `twin` and what belongs to it alone.
fn read_twin(
    loader: &mut Loader<'_, '_>,
    fields: &Fields<'_>,
    simulation: &mut Simulation,
    interval_ns: Option<u64>,
) {
    let Some(list) = fields.get("twin") else {
        for name in ["twin_interval", "parameters"] {
            if let Some(item) = fields.get(name) {
                let message = format!("`{name}` is the twin's, and there is no twin");
                loader
                    .sink
                    .push(Rule::Conflict, &item.key_span, &item.key, message)
                    .help("write twin = [\"twin/machine.rhai\"], or remove it");
            }
        }
        return;
    };
    let help = "write its programs in calling order: twin = [\"twin/machine.rhai\"]";
    simulation.twin =
        task::read_programs(loader, &list, &mut Vec::new(), "a twin has at least one program", help);
    let sink = &mut loader.sink;
    if let Some(plant) = fields.get("plant") {
        let place = sink.place(&plant.key_span, "the built-in plant");
        let message = "a cell is connected to a built-in plant or to a twin, not to both";
        sink.push(Rule::Conflict, &list.key_span, &list.key, message)
            .help("remove one of the two")
            .related(place);
    }
    if let Some(item) = fields.get("twin_interval")
        && let Some(ns) = item.duration(sink, INTERVAL_NS)
    {
        simulation.twin_interval_ns = ns;
        if let Some(base) = interval_ns.filter(|base| !ns.is_multiple_of(*base)) {
            let base = quantity::show_ns(base);
            let message = format!(
                "{} is no multiple of {base}, the shortest interval of the tasks",
                quantity::show_ns(ns)
            );
            item.find(sink, Rule::Conflict, message)
                .help(format!("write \"{base}\" or a multiple of it: a twin runs at most once a cycle"));
        }
    }
    let Some(item) = fields.get("parameters") else { return };
    let items = item.items(sink);
    if items.len() > PARAMETERS_MAX {
        let message =
            format!("the twin has {} parameters, at most {PARAMETERS_MAX} are possible", items.len());
        sink.push(Rule::TooMany, &item.key_span, &item.key, message)
            .help("keep what never changes as constants in the twin");
    }
    for (name, item) in items {
        let good_name = names::check(sink, name, &item.key_span, &item.key);
        if let Some(value) = item.number(sink).filter(|_| good_name) {
            simulation.parameters.push((name.to_owned(), value));
        }
    }
}

fn read_plant(sink: &mut Sink<'_>, item: &Item<'_>, tags: &Tags) -> Option<Plant> {
    let fields = Fields::open(sink, item, schema::PLANT)?;
    let kind = fields.required(sink, "kind", "write the plant's kind, such as kind = \"pneumatic_press\"");
    let mut plant = Plant { kind: String::new(), tags: BTreeMap::new(), constants: BTreeMap::new() };
    if let Some(text) =
        kind.and_then(|item| item.text(sink).filter(|t| names::check(sink, t, &item.node.span, &item.key)))
    {
        plant.kind = text.to_owned();
    }
    for (pin, item) in fields.get("tags").map(|item| item.items(sink)).unwrap_or_default() {
        let Some(tag) = tags.refer(sink, &item) else { continue };
        if tag.kind == TagKind::Memory {
            let message = format!("`{}` is a tag in memory, which no plant can see", tag.name);
            item.find(sink, Rule::Conflict, message).help("name an input or an output");
        }
        plant.tags.insert(pin.to_owned(), tag.name.clone());
    }
    for (name, item) in fields.get("constants").map(|item| item.items(sink)).unwrap_or_default() {
        if let Some(value) = item.number(sink) {
            plant.constants.insert(name.to_owned(), value);
        }
    }
    Some(plant)
}
