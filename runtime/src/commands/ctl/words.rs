//! Values and times as people type them.

use serde_json::Value as Json;

/// A value for a parameter: a bool, a number, or a text that the runtime will refuse with what it expected.
pub fn value(text: &str) -> Json {
    match text.trim() {
        "true" | "on" => true.into(),
        "false" | "off" => false.into(),
        other => match (other.parse::<i64>(), other.parse::<f64>()) {
            (Ok(integer), _) => integer.into(),
            (_, Ok(number)) => crate::control::describe::float(number),
            _ => other.into(),
        },
    }
}

/// A time with its unit, in whole milliseconds, rounded up; at most `max_ms`.
pub fn milliseconds(text: &str, max_ms: u64) -> anyhow::Result<u64> {
    let text = text.trim();
    let digits = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => 1.0,
        "s" => 1e3,
        "min" => 60e3,
        "h" => 3600e3,
        _ => anyhow::bail!("`{text}` is no time: a number and ms, s, min or h, such as 500ms"),
    };
    let number: f64 =
        number.trim().parse().map_err(|_| anyhow::anyhow!("`{text}` is no time: `{number}` is no number"))?;
    let ms = (number * factor).ceil();
    anyhow::ensure!((0.0..=max_ms as f64).contains(&ms), "`{text}` is out of range: 0 to {}", time(max_ms));
    Ok(ms as u64)
}

/// A time for people.
pub fn time(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{} s", ms as f64 / 1e3),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let check = |text, ms: u64| assert_eq!(milliseconds(text, 90_000_000).unwrap(), ms, "{text}");
        check("500ms", 500);
        check("2 s", 2_000);
        check("1.5s", 1_500);
        check("0.1ms", 1);
        check("30min", 1_800_000);
        check("8h", 28_800_000);
        let error = |text| milliseconds(text, 10_000).unwrap_err().to_string();
        assert!(error("500").contains("a number and ms, s, min or h"));
        assert!(error("ms").contains("is no number"));
        assert_eq!(error("11s"), "`11s` is out of range: 0 to 10 s");
        assert!(error("-1s").contains("out of range"));
        assert!(error("NaNs").contains("no time"));
    }

    #[test]
    fn values_are_what_they_look_like() {
        assert_eq!(value("on"), Json::Bool(true));
        assert_eq!(value("-3"), Json::from(-3));
        assert_eq!(value("900.5"), Json::from(900.5));
        assert_eq!(value("fast"), Json::from("fast"));
    }
}
