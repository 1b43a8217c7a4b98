//! Units, in the notation of UCUM (the Unified Code for Units of Measure, case sensitive), as far as cells need them:
//! prefixes × common atoms, exponents, `.`, `/`, annotations in braces.

/// Atoms that take a metric prefix.
const METRIC: &[&str] = &[
    "m", "g", "s", "A", "K", "mol", "cd", "rad", "sr", "Hz", "N", "Pa", "J", "W", "V", "F", "C", "Ohm", "S",
    "Wb", "T", "H", "lm", "lx", "Bq", "Gy", "Sv", "L", "l", "t", "bar", "eV", "gf", "Cel", "u", "B", "bit",
    "By", "Bd",
];

/// Atoms that take none.
const PLAIN: &[&str] = &[
    "min", "h", "d", "a", "deg", "'", "''", "%", "1", "10*", "10^", "[pi]", "[ppth]", "[ppm]", "[ppb]",
    "[in_i]", "[ft_i]", "[mi_i]", "[lbf_av]", "[lb_av]", "[psi]", "[degF]", "[g]", "[pH]", "atm", "gon",
    "ar", "har",
];

/// Metric prefixes.
const PREFIXES: &[&str] =
    &["da", "Y", "Z", "E", "P", "T", "G", "M", "k", "h", "d", "c", "m", "u", "n", "p", "f", "a", "z", "y"];

/// What people write, and what UCUM calls it.
const USUAL: &[(&str, &str)] = &[
    ("°C", "Cel"),
    ("degC", "Cel"),
    ("℃", "Cel"),
    ("celsius", "Cel"),
    ("°F", "[degF]"),
    ("°", "deg"),
    ("µm", "um"),
    ("μm", "um"),
    ("µs", "us"),
    ("Ω", "Ohm"),
    ("ohm", "Ohm"),
    ("sec", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("rpm", "{rev}/min"),
    ("RPM", "{rev}/min"),
    ("rev/min", "{rev}/min"),
    ("rps", "{rev}/s"),
    ("Nm", "N.m"),
    ("N·m", "N.m"),
    ("N*m", "N.m"),
    ("Ah", "A.h"),
    ("Wh", "W.h"),
    ("kWh", "kW.h"),
    ("psi", "[psi]"),
    ("in", "[in_i]"),
    ("inch", "[in_i]"),
    ("ft", "[ft_i]"),
    ("lbf", "[lbf_av]"),
    ("lb", "[lb_av]"),
    ("ppm", "[ppm]"),
    ("percent", "%"),
    ("pcs", "{pcs}"),
    ("pieces", "{pieces}"),
    ("km/hr", "km/h"),
    ("kph", "km/h"),
    ("hr", "h"),
    ("byte", "By"),
    ("newton", "N"),
    ("bar(g)", "bar"),
];

/// Why a text is no unit for a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadUnit {
    /// What is wrong.
    pub(crate) message: String,
    /// What to write instead.
    pub(crate) help: Option<String>,
}

/// Check a unit that scripts see.
///
/// # Errors
/// If it is not UCUM as far as this module knows it, or a time in anything but `s`.
pub(crate) fn check(unit: &str) -> Result<(), BadUnit> {
    if let Some((_, better)) = USUAL.iter().find(|(usual, _)| *usual == unit) {
        return Err(BadUnit {
            message: format!("`{unit}` is not the UCUM name of this unit"),
            help: Some(format!("write \"{better}\"")),
        });
    }
    for term in unit.strip_prefix('/').unwrap_or(unit).split(['.', '/']) {
        check_term(term).map_err(|help| BadUnit { message: unknown(unit, term), help })?;
    }
    if let Some(better) = time_other_than_seconds(unit) {
        return Err(BadUnit {
            message: format!("scripts see times in `s`, not in `{unit}`"),
            help: Some(format!("write unit = \"s\" and scale = {better}")),
        });
    }
    Ok(())
}

fn unknown(unit: &str, term: &str) -> String {
    match term {
        "" => format!("`{unit}` is not a unit in UCUM notation: something is missing around `.` or `/`"),
        _ if term == unit => format!("unknown unit `{unit}`"),
        _ => format!("unknown unit `{term}` in `{unit}`"),
    }
}

/// One factor: prefix, atom, exponent, annotation.
fn check_term(term: &str) -> Result<(), Option<String>> {
    let (symbol, annotation) = match term.split_once('{') {
        Some((symbol, rest)) => (symbol, Some(rest)),
        None => (term, None),
    };
    if let Some(rest) = annotation {
        let inside =
            rest.strip_suffix('}').ok_or_else(|| Some("close the annotation with `}`".to_owned()))?;
        if inside.is_empty() || !inside.chars().all(|c| c.is_ascii_graphic() && !"{}".contains(c)) {
            return Err(Some("an annotation holds printable ASCII, such as `{rev}`".to_owned()));
        }
        if symbol.is_empty() {
            return Ok(());
        }
    }
    if symbol.contains('^') && symbol != "10^" {
        return Err(Some(format!("UCUM writes exponents without `^`: \"{}\"", symbol.replace('^', ""))));
    }
    if is_symbol(symbol) {
        return Ok(());
    }
    let digits = symbol.bytes().rev().take_while(u8::is_ascii_digit).count();
    let mut base = &symbol[..symbol.len() - digits];
    if (1..=2).contains(&digits) {
        base = base.strip_suffix(['-', '+']).unwrap_or(base);
        if is_symbol(base) {
            return Ok(());
        }
    }
    Err(suggest(base))
}

fn is_symbol(symbol: &str) -> bool {
    PLAIN.contains(&symbol)
        || METRIC.contains(&symbol)
        || PREFIXES
            .iter()
            .any(|prefix| symbol.strip_prefix(prefix).is_some_and(|atom| METRIC.contains(&atom)))
}

/// Usual spellings first, then the same letters in another case, then the nearest atom.
fn suggest(base: &str) -> Option<String> {
    if let Some((_, better)) = USUAL.iter().find(|(usual, _)| *usual == base) {
        return Some(format!("write `{better}`"));
    }
    let prefixed =
        PREFIXES.iter().flat_map(|prefix| METRIC.iter().map(move |atom| format!("{prefix}{atom}")));
    let known: Vec<String> =
        METRIC.iter().chain(PLAIN).map(|atom| (*atom).to_owned()).chain(prefixed).collect();
    // `MM` may be many things; nobody who writes it means megametres.
    let lower = base.to_ascii_lowercase();
    let same = known.iter().find(|atom| **atom == lower);
    if let Some(same) = same.or_else(|| known.iter().find(|atom| atom.eq_ignore_ascii_case(base))) {
        return Some(format!("upper and lower case differ in UCUM: did you mean `{same}`?"));
    }
    match super::names::nearest(base, METRIC.iter().chain(PLAIN).copied().filter(|atom| atom.len() > 1)) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None => {
            Some("units are written as in https://ucum.org, such as `mm`, `N.m`, `m/s2`, `Cel`".to_owned())
        }
    }
}

/// For a plain time that is not in seconds: what one of it is in seconds, as a scale per digit.
fn time_other_than_seconds(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "ms" => "0.001",
        "us" => "0.000001",
        "ns" => "0.000000001",
        "min" => "60.0",
        "h" => "3600.0",
        "d" => "86400.0",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_that_cells_use() {
        for unit in [
            "mm",
            "um",
            "N",
            "kN",
            "N.m",
            "m/s",
            "m/s2",
            "mm/s",
            "deg",
            "deg/s",
            "rad",
            "Cel",
            "K",
            "V",
            "mA",
            "kPa",
            "bar",
            "mbar",
            "%",
            "1",
            "s",
            "Hz",
            "{rev}/min",
            "1/min",
            "/min",
            "{pcs}",
            "l/min",
            "kg",
            "g",
            "L",
            "kW.h",
            "m3/h",
            "N/mm2",
            "s-1",
            "Ohm",
            "kOhm",
            "[psi]",
            "[in_i]",
            "10*3",
            "By",
            "m{axis}",
        ] {
            assert_eq!(check(unit), Ok(()), "{unit}");
        }
    }

    #[test]
    fn other_spellings_get_the_right_one() {
        for (unit, better) in [
            ("°C", "\"Cel\""),
            ("degC", "\"Cel\""),
            ("rpm", "\"{rev}/min\""),
            ("Nm", "\"N.m\""),
            ("µm", "\"um\""),
            ("sec", "\"s\""),
            ("ms", "scale = 0.001"),
            ("min", "scale = 60.0"),
            ("m/s^2", "\"s2\""),
            ("hz", "`Hz`"),
            ("MM", "`mm`"),
            ("Nm/s", "`N.m`"),
        ] {
            let help = check(unit).expect_err(unit).help.expect(unit);
            assert!(help.contains(better), "{unit}: {help}");
        }
        for unit in ["", "m//s", "m.", "furlong", "m{", "{}", "m2222", "日"] {
            assert!(check(unit).is_err(), "{unit}");
        }
    }

    #[test]
    fn every_unit_is_a_quantity() {
        for atom in METRIC.iter().chain(PLAIN) {
            assert!(crate::Unit::parse(atom).is_some(), "{atom}");
        }
        for prefix in PREFIXES {
            assert!(crate::Unit::parse(&format!("{prefix}m")).is_some(), "{prefix}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged(unit in "\\PC*") {
            let _ = check(&unit);
        }
    }
}
