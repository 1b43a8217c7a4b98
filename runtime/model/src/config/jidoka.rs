//! `[jidoka]`: what stops a unit until a person has judged.

use super::{
    fields::{Fields, Item},
    finding::Rule,
    names, schema,
    sink::Sink,
    table::Table,
    unit,
};
use crate::cell::{Jidoka, Model, Unit};

/// Entries of the table.
const JIDOKA_MAX: usize = 64;
/// Suspicious results in a row that hold the unit, where the file does not say.
const COUNT: u32 = 3;
const SECOND: u64 = 1_000_000_000;
/// What the snapshot keeps.
const BEFORE_NS: u64 = 10 * SECOND;
const AFTER_NS: u64 = 2 * SECOND;
const KEPT_NS: std::ops::RangeInclusive<u64> = 0..=600 * SECOND;

/// Read `[jidoka]`.
pub(crate) fn read(
    sink: &mut Sink<'_>,
    root: &Fields<'_>,
    models: &Table<Model>,
    units: &Table<Unit>,
) -> Vec<Jidoka> {
    let Some(table) = root.get("jidoka") else { return Vec::new() };
    let items = table.items(sink);
    if items.len() > JIDOKA_MAX {
        let message = format!("`jidoka` has {} entries, at most {JIDOKA_MAX} are possible", items.len());
        sink.push(Rule::TooMany, &table.key_span, "jidoka", message)
            .help("let several programs raise the same one");
    }
    items.iter().filter_map(|(name, item)| read_one(sink, name, item, models, units)).collect()
}

fn read_one(
    sink: &mut Sink<'_>,
    name: &str,
    item: &Item<'_>,
    models: &Table<Model>,
    units: &Table<Unit>,
) -> Option<Jidoka> {
    let good_name = names::check(sink, name, &item.key_span, &item.key);
    let fields = Fields::open(sink, item, schema::JIDOKA)?;
    let model_item = fields.get("model");
    let model = model_item.as_ref().map(|item| models.refer(sink, item));
    let limit = fields.get("limit").map(|item| item.number(sink));
    let count = fields.get("count").map(|item| item.integer(sink, 1..=1_000_000));
    if model_item.is_none() {
        for name in ["limit", "count"] {
            let Some(item) = fields.get(name) else { continue };
            let message = format!("`{name}` is only used with a `model`, whose score it judges");
            sink.push(Rule::Conflict, &item.key_span, &item.key, message)
                .help("name the model, or remove it");
        }
    }
    let mut time = |name: &str, default: u64| match fields.get(name) {
        Some(item) => item.duration(sink, KEPT_NS),
        None => Some(default),
    };
    let (before_ns, after_ns) = (time("before", BEFORE_NS), time("after", AFTER_NS));
    let unit = unit::that_reacts(sink, units, fields.get("unit").as_ref(), item);
    let model = match model {
        Some(model) => Some(model?),
        None => None,
    };
    let threshold =
        model.and_then(|model| models.list.get(usize::from(model))).and_then(|model| model.threshold);
    let limit = match (limit, model) {
        (Some(limit), _) => limit?,
        (None, None) => 0.0,
        (None, Some(_)) => {
            if threshold.is_none() {
                let help = "write the score above which a part is suspicious: the model's description says no `threshold`";
                fields.required(sink, "limit", help);
            }
            threshold?
        }
    };
    let count = match count {
        Some(count) => u32::try_from(count?).ok()?,
        None => COUNT,
    };
    good_name.then_some(Jidoka {
        name: name.to_owned(),
        model,
        limit,
        count,
        unit: unit?,
        before_ns: before_ns?,
        after_ns: after_ns?,
    })
}
