//! How an axis is scaled, and how far and how fast it may go.

use super::{
    fields::{Fields, Item},
    finding::Rule,
    schema,
    sink::Sink,
    tree::NodeValue,
    values,
};
use crate::{ScalarType, Value};

/// Counts of one revolution in the simulated drive, where the file names units only by `counts_per_unit`.
const ENCODER_DEFAULT: f64 = 1_048_576.0;
/// Time in which an axis reaches its velocity where the file says no acceleration.
const ACCELERATION_TIME_S: f64 = 0.1;
/// Time by which an axis may lag where the file says no following window.
const FOLLOWING_LAG_S: f64 = 0.01;
/// The same for the window in which a target is reached.
const IN_POSITION_LAG_S: f64 = 0.000_5;
/// A window smaller than this many counts is never met.
const WINDOW_COUNTS_MIN: f64 = 2.0;
/// Counts of one unit that make sense: from a turn a kilometre to a hundredth of a nanometre in a millimetre.
const COUNTS_PER_UNIT: std::ops::RangeInclusive<f64> = 1e-6..=1e12;

/// Lengths and angles, in UCUM's spelling.
const UNITS: [&str; 8] = ["mm", "um", "nm", "cm", "m", "deg", "rad", "mrad"];

/// How counts become units.
pub(crate) struct Scaling {
    /// UCUM.
    pub(crate) unit: String,
    /// Negative turns the direction round.
    pub(crate) counts_per_unit: f64,
    /// Units of a revolution of the motor.
    pub(crate) feed: f64,
}

/// How far, how fast, how exact.
pub(crate) struct Limits {
    pub(crate) position: Option<(f64, f64)>,
    pub(crate) velocity: f64,
    pub(crate) acceleration: f64,
    pub(crate) deceleration: f64,
    pub(crate) jerk: Option<f64>,
    pub(crate) stop_deceleration: f64,
    pub(crate) stop_jerk: Option<f64>,
    pub(crate) following_window: f64,
    pub(crate) in_position_window: f64,
}

/// `unit`, and `feed`, `encoder`, `gear` or `counts_per_unit`, `invert`.
pub(crate) fn read_scaling(sink: &mut Sink<'_>, fields: &Fields<'_>) -> Option<Scaling> {
    let unit = fields.get("unit").map(|item| item.text(sink).and_then(|text| axis_unit(sink, &item, text)));
    let feed = fields.get("feed").map(|item| read_feed(sink, &item));
    let encoder_item = fields.get("encoder");
    let encoder = encoder_item.as_ref().map(|item| item.integer(sink, 1..=1 << 40));
    let gear = fields.get("gear").map(|item| read_gear(sink, &item));
    let counts = fields.get("counts_per_unit");
    let invert = fields.get("invert").and_then(|item| item.boolean(sink)).unwrap_or_default();
    let by_feed = fields.get("feed").or_else(|| fields.get("gear"));
    let (counts_per_unit, feed_units) = match (&counts, by_feed) {
        (Some(counts), Some(other)) => {
            let place = sink.place(&counts.key_span, "here");
            let message = "`counts_per_unit` says all that `feed`, `encoder` and `gear` do";
            sink.push(Rule::Conflict, &other.key_span, &other.key, message)
                .help("keep one of the two ways")
                .related(place);
            return None;
        }
        (Some(counts), None) => {
            let counts_per_unit = counts.positive(sink)?;
            let encoder = encoder.flatten().map_or(ENCODER_DEFAULT, |encoder| encoder as f64);
            (counts_per_unit, encoder / counts_per_unit)
        }
        (None, _) => {
            let help = "write the feed of one revolution, such as feed = \"10 mm\" or \"360 deg\", and the `encoder`'s counts; or `counts_per_unit`";
            fields.required(sink, "feed", help);
            if feed.is_some() {
                fields.required(
                    sink,
                    "encoder",
                    "write the counts of one revolution of the motor, such as 1_048_576",
                );
            }
            let (feed, encoder) = (feed.as_ref()?.as_ref()?.0, encoder.flatten()? as f64);
            let (motor, load) = gear.unwrap_or(Some((1.0, 1.0)))?;
            (encoder * motor / load / feed, feed * load / motor)
        }
    };
    if !COUNTS_PER_UNIT.contains(&counts_per_unit) {
        let item = counts.or_else(|| fields.get("feed"))?;
        let message = format!("this makes {counts_per_unit:.3e} counts of one unit, expected 1e-6 to 1e12");
        item.find(sink, Rule::OutOfRange, message);
        return None;
    }
    let unit = unit_of(sink, fields, unit, feed.flatten().and_then(|(_, unit)| unit))?;
    let sign = if invert { -1.0 } else { 1.0 };
    Some(Scaling { unit, counts_per_unit: sign * counts_per_unit, feed: feed_units })
}

/// The unit is said once, beside the feed or by itself; if twice, the same.
fn unit_of(
    sink: &mut Sink<'_>,
    fields: &Fields<'_>,
    given: Option<Option<String>>,
    of_feed: Option<String>,
) -> Option<String> {
    match (given, of_feed) {
        (Some(unit), None) => unit,
        (None, Some(unit)) => Some(unit),
        (Some(unit), Some(of_feed)) => {
            let unit = unit?;
            if unit != of_feed {
                let item = fields.get("feed")?;
                item.find(sink, Rule::Conflict, format!("the feed is in `{of_feed}`, the axis in `{unit}`"))
                    .help(format!("write the feed in `{unit}`, or leave `unit` out"));
                return None;
            }
            Some(unit)
        }
        (None, None) => {
            fields.required(sink, "unit", "write what a position is counted in, such as unit = \"mm\"");
            None
        }
    }
}

/// `"10 mm"`, or a number in the axis' unit.
fn read_feed(sink: &mut Sink<'_>, item: &Item<'_>) -> Option<(f64, Option<String>)> {
    let NodeValue::Text(text) = &item.node.value else {
        return item.positive(sink).map(|feed| (feed, None));
    };
    let trimmed = text.trim();
    let end = trimmed.find(|c: char| !c.is_ascii_digit() && !"._".contains(c)).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(end);
    let feed = number.replace('_', "").parse::<f64>().ok().filter(|feed| feed.is_finite() && *feed > 0.0);
    let unit = unit.trim_start();
    let (Some(feed), false) = (feed, unit.is_empty()) else {
        item.find(sink, Rule::BadText, format!("`{text}` is no feed of one revolution"))
            .help("write a positive number and a unit, such as \"10 mm\" or \"360 deg\"");
        return None;
    };
    axis_unit(sink, item, unit).map(|unit| (feed, Some(unit)))
}

/// A length or an angle: what an axis can count in.
fn axis_unit(sink: &mut Sink<'_>, item: &Item<'_>, text: &str) -> Option<String> {
    let unit = values::checked_unit(sink, item, text, None)?;
    if !UNITS.contains(&unit.as_str()) {
        let message = format!("`{unit}` is neither a length nor an angle");
        item.find(sink, Rule::BadText, message).help(format!("an axis counts in {}", UNITS.join(", ")));
        return None;
    }
    Some(unit)
}

/// Revolutions of the motor for revolutions of what it drives (CiA 402, object 6091).
fn read_gear(sink: &mut Sink<'_>, item: &Item<'_>) -> Option<(f64, f64)> {
    let turns = item.elements(sink, "two whole numbers, such as [5, 1]")?;
    let [motor, load] = turns.as_slice() else {
        let message = format!("expected two whole numbers, got {}", turns.len());
        item.find(sink, Rule::WrongType, message)
            .help("write the turns of the motor and of what it drives: [5, 1]");
        return None;
    };
    let (motor, load) = (motor.integer(sink, 1..=1_000_000_000), load.integer(sink, 1..=1_000_000_000));
    Some((motor? as f64, load? as f64))
}

/// `limits`, the windows and what a stop by the runtime uses.
pub(crate) fn read_limits(
    sink: &mut Sink<'_>,
    fields: &Fields<'_>,
    scaling: Option<&Scaling>,
) -> Option<Limits> {
    let mut own = |name: &str| fields.get(name).map(|item| item.positive(sink));
    let (stop_deceleration, stop_jerk) = (own("stop_deceleration"), own("stop_jerk"));
    let (following, in_position) = (own("following_window"), own("in_position_window"));
    let help = "write at least the highest velocity in units/s: limits = { position = [0.0, 50.0], velocity = 200.0 }";
    let limits = fields.required(sink, "limits", help)?;
    let limits = Fields::open(sink, &limits, schema::AXIS_LIMITS)?;
    let mut get = |name: &str| limits.get(name).map(|item| item.positive(sink));
    let (acceleration, deceleration, jerk) = (get("acceleration"), get("deceleration"), get("jerk"));
    let position = limits.get("position").map(|item| values::range(sink, &item, ScalarType::F64));
    let velocity =
        limits.required(sink, "velocity", "write the highest velocity in units/s")?.positive(sink)?;
    // What was given and is wrong has its finding; the cell is thrown away, whatever stands in its place here.
    let acceleration = acceleration.flatten().unwrap_or(velocity / ACCELERATION_TIME_S);
    let deceleration = deceleration.flatten().unwrap_or(acceleration);
    let jerk = jerk.flatten();
    let least = scaling.map_or(0.0, |scaling| WINDOW_COUNTS_MIN / scaling.counts_per_unit.abs());
    let window =
        |given: Option<Option<f64>>, lag: f64| given.flatten().unwrap_or((velocity * lag).max(least));
    let position = match position.flatten() {
        Some((Value::F64(low), Value::F64(high))) => Some((low, high)),
        _ => None,
    };
    Some(Limits {
        position,
        velocity,
        acceleration,
        deceleration,
        jerk,
        stop_deceleration: stop_deceleration.flatten().unwrap_or(deceleration),
        stop_jerk: stop_jerk.flatten().or(jerk),
        following_window: window(following, FOLLOWING_LAG_S),
        in_position_window: window(in_position, IN_POSITION_LAG_S),
    })
}
