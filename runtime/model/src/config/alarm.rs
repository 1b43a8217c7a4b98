//! `[alarms]`: conditions that people are told of.

use super::{
    fields::{Fields, Item},
    finding::Rule,
    names, schema,
    sink::Sink,
    table::Table,
    tags::{Reference, Tags},
    tree::NodeValue,
    unit,
    when::{self, Test, When},
};
use crate::{
    ScalarType,
    cell::{Alarm, AlarmCondition, AlarmPriority, AlarmReaction, Unit, can_be_limited},
};
use std::ops::Range;

/// Alarms of a cell.
const ALARMS_MAX: usize = 1024;
/// Numbers below are the runtime's own faults.
const ID: std::ops::RangeInclusive<i64> = 1000..=9999;
/// Longest delay.
const DELAY_NS_MAX: u64 = 3_600_000_000_000;
/// Characters of a text: a line on a panel, and what to do in a few sentences.
const TEXT_CHARS_MAX: usize = 500;

/// Read `[alarms]`.
pub(crate) fn read(sink: &mut Sink<'_>, root: &Fields<'_>, tags: &Tags, units: &Table<Unit>) -> Vec<Alarm> {
    let Some(table) = root.get("alarms") else { return Vec::new() };
    let items = table.items(sink);
    if items.len() > ALARMS_MAX {
        let message = format!("the cell has {} alarms, at most {ALARMS_MAX} are possible", items.len());
        sink.push(Rule::TooMany, &table.key_span, "alarms", message)
            .help("who is told of everything is told of nothing: keep what somebody can act on");
    }
    let mut reader = Reader { sink, tags, units, ids: Vec::new(), groups: Vec::new() };
    items.iter().filter_map(|(name, item)| reader.read(name, item)).collect()
}

struct Reader<'a, 's> {
    sink: &'a mut Sink<'s>,
    tags: &'a Tags,
    units: &'a Table<Unit>,
    ids: Vec<(u16, Range<usize>)>,
    /// Names of first-out groups, by index from 1.
    groups: Vec<String>,
}

impl Reader<'_, '_> {
    fn read(&mut self, name: &str, item: &Item<'_>) -> Option<Alarm> {
        let good_name = names::check(self.sink, name, &item.key_span, &item.key);
        let fields = Fields::open(self.sink, item, schema::ALARM)?;
        let id = self.read_id(&fields);
        let condition = self.read_condition(&fields);
        let [on_delay_ns, off_delay_ns] = ["delay", "off_delay"].map(|key| {
            fields.get(key).and_then(|item| item.duration(self.sink, 0..=DELAY_NS_MAX)).unwrap_or(0)
        });
        let priorities = [
            ("low", AlarmPriority::Low),
            ("medium", AlarmPriority::Medium),
            ("high", AlarmPriority::High),
            ("critical", AlarmPriority::Critical),
        ];
        let priority = fields.get("priority").and_then(|item| item.choice(self.sink, &priorities));
        let reaction = self.read_reaction(&fields);
        let latched = fields.get("latched").and_then(|item| item.boolean(self.sink)).unwrap_or_default();
        let help =
            "write what is wrong in both languages: text = { en = \"door open\", ja = \"扉が開いています\" }";
        let text = fields.required(self.sink, "text", help).and_then(|item| self.read_text(&item));
        let help = fields
            .get("help")
            .map_or_else(Default::default, |item| self.read_text(&item).unwrap_or_default());
        let group = self.read_group(&fields);
        let (text_en, text_ja) = text?;
        good_name.then_some(Alarm {
            name: name.to_owned(),
            id: id?,
            condition: condition?,
            on_delay_ns,
            off_delay_ns,
            priority: priority.unwrap_or(AlarmPriority::Medium),
            reaction: reaction?,
            latched,
            text_en,
            text_ja,
            help,
            group,
        })
    }

    fn read_id(&mut self, fields: &Fields<'_>) -> Option<u16> {
        let help = format!(
            "write a number from {} to {} that no other alarm has, and keep it",
            ID.start(),
            ID.end()
        );
        let item = fields.required(self.sink, "id", &help)?;
        let id = u16::try_from(item.integer(self.sink, ID)?).ok()?;
        if let Some((_, span)) = self.ids.iter().find(|(other, _)| *other == id) {
            let place = self.sink.place(span, "the other one");
            let free = ID
                .filter_map(|id| u16::try_from(id).ok())
                .find(|id| self.ids.iter().all(|(used, _)| used != id));
            let help = free.map(|free| format!("{free} is free so far"));
            item.find(self.sink, Rule::AlarmId, format!("there are two alarms with the id {id}"))
                .maybe_help(help)
                .related(place);
            return None;
        }
        self.ids.push((id, item.node.span.clone()));
        Some(id)
    }

    fn read_condition(&mut self, fields: &Fields<'_>) -> Option<AlarmCondition> {
        let hysteresis_item = fields.get("hysteresis");
        let hysteresis = hysteresis_item.as_ref().and_then(|item| {
            let value = item.number(self.sink)?;
            if value < 0.0 {
                item.find(self.sink, Rule::OutOfRange, format!("expected a number not below 0, got {value}"));
                return None;
            }
            Some(value)
        });
        let compares = fields.get("when").is_some_and(|item| match &item.node.value {
            NodeValue::Text(text) => text.contains(['<', '>']),
            _ => true,
        });
        if let Some(item) = hysteresis_item.filter(|_| !compares) {
            self.sink
                .push(
                    Rule::Conflict,
                    &item.key_span,
                    &item.key,
                    "`hysteresis` is only used where `when` compares a number",
                )
                .help("remove it; `delay` and `off_delay` keep a bool from flickering");
        }
        let Some(item) = fields.get("when") else { return Some(AlarmCondition::Program) };
        let text = item.text(self.sink)?;
        let when = match when::parse(text) {
            Ok(when) => when,
            Err(bad) => {
                let span = item.part(self.sink, text, bad.range);
                self.sink.push(Rule::AlarmCondition, &span, &item.key, bad.message).help(bad.help);
                return None;
            }
        };
        self.resolve(&item, text, &when, hysteresis.unwrap_or(0.0))
    }

    /// The condition with its slot, if its tag can be asked that.
    fn resolve(
        &mut self,
        item: &Item<'_>,
        text: &str,
        when: &When<'_>,
        hysteresis: f64,
    ) -> Option<AlarmCondition> {
        let span = item.part(self.sink, text, when.tag_range.clone());
        let reference = Reference { name: when.tag, span: span.clone(), element: when.element };
        let (tag, slot) = self.tags.refer_element(self.sink, &reference, &item.key, Rule::AlarmCondition)?;
        let (name, scalar) = (&tag.name, tag.scalar);
        let mut bad = |message: String, help: String| {
            self.sink.push(Rule::AlarmCondition, &span, &item.key, message).help(help);
        };
        match when.test {
            Test::Level(level) if scalar == ScalarType::Bool => Some(AlarmCondition::Level { slot, level }),
            Test::Above(limit) if can_be_limited(scalar) => {
                Some(AlarmCondition::Above { slot, limit, hysteresis })
            }
            Test::Below(limit) if can_be_limited(scalar) => {
                Some(AlarmCondition::Below { slot, limit, hysteresis })
            }
            Test::Level(_) => {
                bad(
                    format!("`{name}` is {}, not bool", scalar.name()),
                    format!("compare it with a number: \"{name} > 0\""),
                );
                None
            }
            Test::Above(_) | Test::Below(_) => {
                bad(
                    format!("`{name}` is a bool and cannot be compared with a number"),
                    format!("write \"{name}\" or \"!{name}\""),
                );
                None
            }
        }
    }

    fn read_reaction(&mut self, fields: &Fields<'_>) -> Option<AlarmReaction> {
        #[derive(Clone, Copy)]
        enum Kind {
            Free(AlarmReaction),
            OfUnit(fn(u16) -> AlarmReaction),
        }
        let kinds = [
            ("none", Kind::Free(AlarmReaction::None)),
            ("hold", Kind::OfUnit(AlarmReaction::Hold)),
            ("stop", Kind::OfUnit(AlarmReaction::Stop)),
            ("abort", Kind::OfUnit(AlarmReaction::Abort)),
            ("fault", Kind::Free(AlarmReaction::Fault)),
        ];
        let item = fields.get("reaction");
        let kind = match &item {
            Some(item) => item.choice(self.sink, &kinds)?,
            None => Kind::Free(AlarmReaction::None),
        };
        let unit = fields.get("unit");
        match kind {
            Kind::Free(reaction) => {
                if let Some(unit) = unit {
                    let message = "`unit` is only used with reaction = \"hold\", \"stop\" or \"abort\"";
                    self.sink.push(Rule::Conflict, &unit.key_span, &unit.key, message).help("remove it");
                }
                Some(reaction)
            }
            Kind::OfUnit(reaction) => {
                let unit = unit::that_reacts(self.sink, self.units, unit.as_ref(), item.as_ref()?)?;
                Some(reaction(unit))
            }
        }
    }

    /// `{ en = "...", ja = "..." }`.
    fn read_text(&mut self, item: &Item<'_>) -> Option<(String, String)> {
        if !item.node.is_table() {
            let message = format!("expected a table of two texts, got {}", item.node.kind());
            item.find(self.sink, Rule::WrongType, message).help(format!(
                "write both languages: {} = {{ en = \"...\", ja = \"...\" }}",
                last(&item.key)
            ));
            return None;
        }
        let fields = Fields::open(self.sink, item, schema::ALARM_TEXT)?;
        let [en, ja] = ["en", "ja"].map(|language| {
            let item = fields.required(
                self.sink,
                language,
                "people read it in English and in Japanese: write both",
            )?;
            let text = item.text(self.sink)?;
            let chars = text.chars().count();
            if text.trim().is_empty() || chars > TEXT_CHARS_MAX || text.contains(|c: char| c.is_control()) {
                let message =
                    format!("expected a line of 1 to {TEXT_CHARS_MAX} characters, got {chars} characters");
                item.find(self.sink, Rule::OutOfRange, message)
                    .help("write one line without control characters");
                return None;
            }
            Some(text.to_owned())
        });
        Some((en?, ja?))
    }

    /// Index of the first-out group, which is made at its first mention; 0 is that of alarms that name none.
    fn read_group(&mut self, fields: &Fields<'_>) -> u16 {
        let Some(item) = fields.get("group") else { return 0 };
        let Some(name) = item.text(self.sink) else { return 0 };
        if !names::check(self.sink, name, &item.node.span, &item.key) {
            return 0;
        }
        let known = self.groups.iter().position(|group| group == name);
        let index = known.unwrap_or_else(|| {
            self.groups.push(name.to_owned());
            self.groups.len() - 1
        });
        u16::try_from(index + 1).unwrap_or(u16::MAX)
    }
}

/// The last segment of a dotted key.
fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
