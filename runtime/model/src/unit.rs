//! Units as quantities: what can be added to what, and what has to be scaled first.
//!
//! Notation and atoms are those of `config::ucum`, a part of UCUM (the Unified Code for Units of Measure). An angle has a
//! dimension of its own here, which counts only where scales differ as well: an arc of 1 rad on a radius of 2 mm is 2 mm
//! long, but degrees are not what a sine takes.

use std::fmt;

/// Metre, gram, second, ampere, kelvin, mole, candela, radian.
const BASES: usize = 8;
const ANGLE: usize = 7;

/// Scale to the base units, and their exponents.
type Atom = (&'static str, f64, [i8; BASES]);

/// Atoms that are a product of base units.
const ATOMS: &[Atom] = &[
    ("m", 1.0, [1, 0, 0, 0, 0, 0, 0, 0]),
    ("g", 1.0, [0, 1, 0, 0, 0, 0, 0, 0]),
    ("s", 1.0, [0, 0, 1, 0, 0, 0, 0, 0]),
    ("A", 1.0, [0, 0, 0, 1, 0, 0, 0, 0]),
    ("K", 1.0, [0, 0, 0, 0, 1, 0, 0, 0]),
    ("mol", 1.0, [0, 0, 0, 0, 0, 1, 0, 0]),
    ("cd", 1.0, [0, 0, 0, 0, 0, 0, 1, 0]),
    ("rad", 1.0, [0, 0, 0, 0, 0, 0, 0, 1]),
    ("sr", 1.0, [0, 0, 0, 0, 0, 0, 0, 2]),
    ("Hz", 1.0, [0, 0, -1, 0, 0, 0, 0, 0]),
    ("N", 1e3, [1, 1, -2, 0, 0, 0, 0, 0]),
    ("Pa", 1e3, [-1, 1, -2, 0, 0, 0, 0, 0]),
    ("J", 1e3, [2, 1, -2, 0, 0, 0, 0, 0]),
    ("W", 1e3, [2, 1, -3, 0, 0, 0, 0, 0]),
    ("V", 1e3, [2, 1, -3, -1, 0, 0, 0, 0]),
    ("F", 1e-3, [-2, -1, 4, 2, 0, 0, 0, 0]),
    ("C", 1.0, [0, 0, 1, 1, 0, 0, 0, 0]),
    ("Ohm", 1e3, [2, 1, -3, -2, 0, 0, 0, 0]),
    ("S", 1e-3, [-2, -1, 3, 2, 0, 0, 0, 0]),
    ("Wb", 1e3, [2, 1, -2, -1, 0, 0, 0, 0]),
    ("T", 1e3, [0, 1, -2, -1, 0, 0, 0, 0]),
    ("H", 1e3, [2, 1, -2, -2, 0, 0, 0, 0]),
    ("lm", 1.0, [0, 0, 0, 0, 0, 0, 1, 2]),
    ("lx", 1.0, [-2, 0, 0, 0, 0, 0, 1, 2]),
    ("Bq", 1.0, [0, 0, -1, 0, 0, 0, 0, 0]),
    ("Gy", 1.0, [2, 0, -2, 0, 0, 0, 0, 0]),
    ("Sv", 1.0, [2, 0, -2, 0, 0, 0, 0, 0]),
    ("L", 1e-3, [3, 0, 0, 0, 0, 0, 0, 0]),
    ("l", 1e-3, [3, 0, 0, 0, 0, 0, 0, 0]),
    ("t", 1e6, [0, 1, 0, 0, 0, 0, 0, 0]),
    ("bar", 1e8, [-1, 1, -2, 0, 0, 0, 0, 0]),
    ("eV", 1.602_176_634e-16, [2, 1, -2, 0, 0, 0, 0, 0]),
    ("gf", 9.806_65, [1, 1, -2, 0, 0, 0, 0, 0]),
    ("u", 1.660_539_066_60e-24, [0, 1, 0, 0, 0, 0, 0, 0]),
    ("bit", 1.0, [0; BASES]),
    ("By", 8.0, [0; BASES]),
    ("Bd", 1.0, [0, 0, -1, 0, 0, 0, 0, 0]),
    ("min", 60.0, [0, 0, 1, 0, 0, 0, 0, 0]),
    ("h", 3600.0, [0, 0, 1, 0, 0, 0, 0, 0]),
    ("d", 86_400.0, [0, 0, 1, 0, 0, 0, 0, 0]),
    ("a", 31_557_600.0, [0, 0, 1, 0, 0, 0, 0, 0]),
    ("deg", DEGREE, [0, 0, 0, 0, 0, 0, 0, 1]),
    ("'", DEGREE / 60.0, [0, 0, 0, 0, 0, 0, 0, 1]),
    ("''", DEGREE / 3600.0, [0, 0, 0, 0, 0, 0, 0, 1]),
    ("gon", DEGREE * 0.9, [0, 0, 0, 0, 0, 0, 0, 1]),
    ("%", 0.01, [0; BASES]),
    ("1", 1.0, [0; BASES]),
    ("10*", 10.0, [0; BASES]),
    ("10^", 10.0, [0; BASES]),
    ("[pi]", std::f64::consts::PI, [0; BASES]),
    ("[ppth]", 1e-3, [0; BASES]),
    ("[ppm]", 1e-6, [0; BASES]),
    ("[ppb]", 1e-9, [0; BASES]),
    ("[in_i]", 0.0254, [1, 0, 0, 0, 0, 0, 0, 0]),
    ("[ft_i]", 0.3048, [1, 0, 0, 0, 0, 0, 0, 0]),
    ("[mi_i]", 1609.344, [1, 0, 0, 0, 0, 0, 0, 0]),
    ("[lbf_av]", 4_448.221_615_260_5, [1, 1, -2, 0, 0, 0, 0, 0]),
    ("[lb_av]", 453.592_37, [0, 1, 0, 0, 0, 0, 0, 0]),
    ("[psi]", 6_894_757.293_168_36, [-1, 1, -2, 0, 0, 0, 0, 0]),
    ("[g]", 9.806_65, [1, 0, -2, 0, 0, 0, 0, 0]),
    ("atm", 101_325_000.0, [-1, 1, -2, 0, 0, 0, 0, 0]),
    ("ar", 100.0, [2, 0, 0, 0, 0, 0, 0, 0]),
    ("har", 10_000.0, [2, 0, 0, 0, 0, 0, 0, 0]),
];

const DEGREE: f64 = std::f64::consts::PI / 180.0;

/// Atoms whose zero is not zero of their dimension, or that count logarithms: like only themselves.
const SPECIAL: &[&str] = &["Cel", "[degF]", "[pH]", "B"];

const PREFIXES: &[(&str, f64)] = &[
    ("da", 1e1),
    ("Y", 1e24),
    ("Z", 1e21),
    ("E", 1e18),
    ("P", 1e15),
    ("T", 1e12),
    ("G", 1e9),
    ("M", 1e6),
    ("k", 1e3),
    ("h", 1e2),
    ("d", 1e-1),
    ("c", 1e-2),
    ("m", 1e-3),
    ("u", 1e-6),
    ("n", 1e-9),
    ("p", 1e-12),
    ("f", 1e-15),
    ("a", 1e-18),
    ("z", 1e-21),
    ("y", 1e-24),
];

/// A unit of measure.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Factors as they were written, each symbol once, with its exponent, never 0.
    factors: Vec<(String, i8)>,
    /// In base units.
    scale: f64,
    exponents: [i8; BASES],
    /// One of [`SPECIAL`].
    special: Option<&'static str>,
}

/// How one unit stands to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Relation {
    /// Values of both can be added.
    Same,
    /// They can, when values of the one are multiplied by this.
    Scaled(f64),
    /// They measure different things.
    Different,
}

impl Unit {
    /// The unit that a text names, as far as UCUM is known here.
    pub fn parse(text: &str) -> Option<Self> {
        let mut unit = Self::one();
        let mut sign = 1;
        let mut rest = text;
        if let Some(behind) = rest.strip_prefix('/') {
            (sign, rest) = (-1, behind);
        }
        loop {
            let end = rest.find(['.', '/']).unwrap_or(rest.len());
            let (term, behind) = rest.split_at(end);
            unit = unit.times_term(term, sign)?;
            let Some(operator) = behind.chars().next() else { break };
            sign = if operator == '/' { -1 } else { 1 };
            rest = behind.get(1..)?;
        }
        let alone = unit.factors.len() == 1 && unit.factors.iter().all(|(_, exponent)| *exponent == 1);
        if !alone {
            unit.special = None;
        }
        Some(unit)
    }

    /// Of a ratio.
    pub const fn one() -> Self {
        Self { factors: Vec::new(), scale: 1.0, exponents: [0; BASES], special: None }
    }

    /// `None`: the exponents are too large to mean anything, or one of them is of a kind that cannot be multiplied.
    pub fn times(&self, other: &Self) -> Option<Self> {
        self.combine(other, 1)
    }

    /// As [`Self::times`].
    pub fn per(&self, other: &Self) -> Option<Self> {
        self.combine(other, -1)
    }

    /// To an integer power; `None` as in [`Self::times`].
    pub fn power(&self, exponent: i8) -> Option<Self> {
        if self.special.is_some() {
            return None;
        }
        let mut exponents = self.exponents;
        for base in &mut exponents {
            *base = base.checked_mul(exponent)?;
        }
        let scaled = |(symbol, of): &(String, i8)| Some((symbol.clone(), of.checked_mul(exponent)?));
        let factors: Option<Vec<(String, i8)>> = self.factors.iter().map(scaled).collect();
        let factors = factors?.into_iter().filter(|(_, exponent)| *exponent != 0).collect();
        Some(Self { factors, scale: power(self.scale, exponent), exponents, special: None })
    }

    /// Its square root; `None` if it is none of a square.
    pub fn root(&self) -> Option<Self> {
        let even = self.factors.iter().all(|(_, exponent)| exponent % 2 == 0);
        if self.special.is_some() || !even || self.exponents.iter().any(|exponent| exponent % 2 != 0) {
            return None;
        }
        Some(Self {
            factors: self.factors.iter().map(|(symbol, exponent)| (symbol.clone(), exponent / 2)).collect(),
            scale: self.scale.sqrt(),
            exponents: self.exponents.map(|exponent| exponent / 2),
            special: None,
        })
    }

    /// True if differences of such values are of another unit, as those of temperatures in °C.
    pub const fn is_special(&self) -> bool {
        self.special.is_some()
    }

    /// True if `other` is what differences of values of this unit are in.
    pub fn has_steps_of(&self, other: &Self) -> bool {
        let steps = Self { special: None, ..self.clone() };
        self.is_special() && !other.is_special() && steps.to(other) == Relation::Same
    }

    /// How this unit stands to `other`.
    pub fn to(&self, other: &Self) -> Relation {
        let ratio = self.scale / other.scale;
        let close = (ratio - 1.0).abs() < 1e-9;
        let apart = |unit: &Self| {
            let mut exponents = unit.exponents;
            exponents[ANGLE] = 0;
            exponents
        };
        if self.special != other.special || apart(self) != apart(other) {
            return Relation::Different;
        }
        match (close, self.exponents == other.exponents) {
            (true, _) => Relation::Same,
            (false, true) => Relation::Scaled(ratio),
            (false, false) => Relation::Different,
        }
    }

    fn combine(&self, other: &Self, sign: i8) -> Option<Self> {
        if self.special.is_some() || other.special.is_some() {
            return None;
        }
        let other = other.power(sign)?;
        let mut product = self.clone();
        for (base, exponent) in product.exponents.iter_mut().zip(other.exponents) {
            *base = base.checked_add(exponent)?;
        }
        for (symbol, exponent) in other.factors {
            product.multiply(symbol, exponent)?;
        }
        product.scale *= other.scale;
        Some(product)
    }

    fn multiply(&mut self, symbol: String, exponent: i8) -> Option<()> {
        match self.factors.iter_mut().find(|(known, _)| *known == symbol) {
            Some((_, of)) => *of = of.checked_add(exponent)?,
            None => self.factors.push((symbol, exponent)),
        }
        self.factors.retain(|(_, exponent)| *exponent != 0);
        Some(())
    }

    /// One factor: prefix, atom, exponent, annotation.
    fn times_term(mut self, term: &str, sign: i8) -> Option<Self> {
        let (symbol, annotated) = match term.split_once('{') {
            Some((symbol, annotation)) => (symbol, annotation.strip_suffix('}').map(|_| true)?),
            None => (term, false),
        };
        if symbol.is_empty() {
            return annotated.then_some(self);
        }
        let (symbol, exponent) = match atom(symbol) {
            Some(_) => (symbol, 1),
            None => exponent(symbol)?,
        };
        let (scale, exponents, special) = atom(symbol)?;
        let exponent: i8 = exponent * sign;
        for (base, of) in self.exponents.iter_mut().zip(exponents) {
            *base = base.checked_add(of.checked_mul(exponent)?)?;
        }
        self.scale *= power(scale, exponent);
        self.special = self.special.or(special);
        if symbol != "1" {
            self.multiply(symbol.to_owned(), exponent)?;
        }
        Some(self)
    }
}

/// As [`Unit::parse`] takes it.
impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut above = self.factors.iter().filter(|(_, exponent)| *exponent > 0).peekable();
        if above.peek().is_none() && self.factors.is_empty() {
            return f.write_str("1");
        }
        let mut separator = "";
        for (symbol, exponent) in above {
            write!(f, "{separator}{symbol}")?;
            if *exponent != 1 {
                write!(f, "{exponent}")?;
            }
            separator = ".";
        }
        for (symbol, exponent) in self.factors.iter().filter(|(_, exponent)| *exponent < 0) {
            write!(f, "/{symbol}")?;
            if *exponent != -1 {
                write!(f, "{}", exponent.unsigned_abs())?;
            }
        }
        Ok(())
    }
}

/// A symbol with the digits behind it, as in `s2` and `m-3`.
fn exponent(term: &str) -> Option<(&str, i8)> {
    let digits = term.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (base, digits) = term.split_at(term.len() - digits);
    if !(1..=2).contains(&digits.len()) {
        return None;
    }
    let (base, sign) = match base.strip_suffix('-') {
        Some(base) => (base, -1),
        None => (base.strip_suffix('+').unwrap_or(base), 1),
    };
    Some((base, sign * digits.parse::<i8>().ok()?))
}

type Known = (f64, [i8; BASES], Option<&'static str>);

fn atom(symbol: &str) -> Option<Known> {
    plain(symbol).or_else(|| {
        PREFIXES.iter().find_map(|(prefix, scale)| {
            let (of, exponents, special) = plain(symbol.strip_prefix(prefix)?)?;
            Some((scale * of, exponents, special))
        })
    })
}

fn plain(symbol: &str) -> Option<Known> {
    if let Some(special) = SPECIAL.iter().copied().find(|special| *special == symbol) {
        let mut exponents = [0; BASES];
        exponents[4] = i8::from(matches!(special, "Cel" | "[degF]"));
        let scale = if special == "[degF]" { 5.0 / 9.0 } else { 1.0 };
        return Some((scale, exponents, Some(special)));
    }
    ATOMS.iter().find(|(name, ..)| *name == symbol).map(|(_, scale, exponents)| (*scale, *exponents, None))
}

/// By multiplication, so that a power of ten stays as exact as it can be.
fn power(scale: f64, exponent: i8) -> f64 {
    let product = (0..exponent.unsigned_abs()).fold(1.0, |product, _| product * scale);
    if exponent < 0 { 1.0 / product } else { product }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> Unit {
        Unit::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[track_caller]
    fn check(from: &str, to: &str, expected: Relation) {
        let found = unit(from).to(&unit(to));
        match (found, expected) {
            (Relation::Scaled(found), Relation::Scaled(expected)) => {
                assert!((found / expected - 1.0).abs() < 1e-9, "{from} to {to}: {found}");
            }
            _ => assert_eq!(found, expected, "{from} to {to}"),
        }
    }

    #[test]
    fn what_can_be_added() {
        for (from, to) in [
            ("mm", "mm"),
            ("N", "kg.m/s2"),
            ("N.m", "J"),
            ("V", "W/A"),
            ("V", "J/C"),
            ("Ohm", "V/A"),
            ("S", "A/V"),
            ("F", "C/V"),
            ("Wb", "V.s"),
            ("T", "Wb/m2"),
            ("H", "Wb/A"),
            ("Pa", "N/m2"),
            ("1/s", "Hz"),
            ("s-1", "/s"),
            ("{rev}/min", "1/min"),
            ("m{axis}", "m"),
            ("l", "dm3"),
            ("t", "Mg"),
            ("rad.mm", "mm"),
            ("har", "hm2"),
            ("mbar", "hPa"),
        ] {
            check(from, to, Relation::Same);
        }
    }

    #[test]
    fn what_has_to_be_scaled() {
        for (from, to, by) in [
            ("m", "mm", 1e3),
            ("mm", "m", 1e-3),
            ("mm2", "m2", 1e-6),
            ("kN", "N", 1e3),
            ("deg", "rad", DEGREE),
            ("%", "1", 0.01),
            ("[in_i]", "mm", 25.4),
            ("[psi]", "kPa", 6.894_757_293_168),
            ("[lbf_av]", "N", 4.448_221_615),
            ("km/h", "m/s", 1.0 / 3.6),
            ("10*3", "1", 1000.0),
            ("bar", "Pa", 1e5),
        ] {
            check(from, to, Relation::Scaled(by));
        }
    }

    #[test]
    fn what_is_something_else() {
        for (from, to) in [
            ("mm", "N"),
            ("mm", "mm/s"),
            ("Cel", "K"),
            ("Cel", "[degF]"),
            ("deg", "%"),
            ("{rev}/min", "deg/s"),
            ("[pH]", "1"),
            ("A", "V"),
        ] {
            check(from, to, Relation::Different);
        }
    }

    #[test]
    fn a_temperature_goes_up_by_kelvins() {
        assert!(unit("Cel").has_steps_of(&unit("K")));
        assert!(!unit("Cel").has_steps_of(&unit("Cel")) && !unit("[degF]").has_steps_of(&unit("K")));
        assert!(!unit("K").has_steps_of(&unit("K")));
    }

    #[test]
    fn products_and_powers_show_as_they_are_written() {
        let show = |unit: Option<Unit>| unit.map_or("none".to_owned(), |unit| unit.to_string());
        assert_eq!(show(unit("N").times(&unit("mm"))), "N.mm");
        assert_eq!(show(unit("mm").per(&unit("s"))), "mm/s");
        assert_eq!(show(unit("mm/s").per(&unit("s"))), "mm/s2");
        assert_eq!(show(unit("mm/s").times(&unit("s"))), "mm");
        assert_eq!(show(unit("mm").per(&unit("mm"))), "1");
        assert_eq!(show(Unit::one().per(&unit("s"))), "/s");
        assert_eq!(show(unit("mm").power(2)), "mm2");
        assert_eq!(show(unit("mm2").root()), "mm");
        assert_eq!(show(unit("mm").root()), "none");
        assert_eq!(show(unit("Cel").times(&unit("W"))), "none");
        assert_eq!(show(unit("m99").power(2)), "none");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_unit_or_none(text in "\\PC*") {
            if let Some(unit) = Unit::parse(&text) {
                let shown = unit.to_string();
                let again = Unit::parse(&shown);
                proptest::prop_assert!(again.is_some(), "{shown}");
            }
        }
    }
}
