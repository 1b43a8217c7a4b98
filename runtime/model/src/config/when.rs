//! The condition of an alarm: `tag`, `!tag`, `tag > 1500.0`, `tag < 2`, where a tag may be an array's element, `tag[1]`.

use std::ops::Range;

/// What a condition says, before it is known what its tag is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct When<'w> {
    pub(crate) tag: &'w str,
    /// Where the tag stands in the text.
    pub(crate) tag_range: Range<usize>,
    /// Which element of an array.
    pub(crate) element: Option<u32>,
    pub(crate) test: Test,
}

/// What is asked of the tag.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Test {
    /// A bool has this level.
    Level(bool),
    /// A number is above this one.
    Above(f64),
    /// A number is below this one.
    Below(f64),
}

/// Why a text is no condition, and which part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadWhen {
    pub(crate) message: String,
    pub(crate) help: String,
    pub(crate) range: Range<usize>,
}

const FORMS: &str = "write a bool tag, \"!\" and a bool tag, or a number's tag, `>` or `<`, and a number: \"force.ram > 1500.0\"";

/// Read a condition.
///
/// # Errors
/// If it has another form.
pub(crate) fn parse(text: &str) -> Result<When<'_>, BadWhen> {
    let whole = trimmed(text, 0..text.len());
    let bad =
        |message: String, help: &str, range: Range<usize>| BadWhen { message, help: help.to_owned(), range };
    let Some(at) = text.find(['<', '>', '=']) else {
        let negated = text[whole.clone()].starts_with('!');
        let name = trimmed(text, whole.start + usize::from(negated)..whole.end);
        let (tag, tag_range, element) = tag(text, name)?;
        return Ok(When { tag, tag_range, element, test: Test::Level(!negated) });
    };
    let operator = at..at + text[at..].find(|c| !"<>=!".contains(c)).unwrap_or(text.len() - at);
    let test = match &text[operator.clone()] {
        ">" => Test::Above,
        "<" => Test::Below,
        other => {
            let help = match other {
                ">=" | "=>" => "write `>`: at its very limit a measured value is not there for long",
                "<=" | "=<" => "write `<`: at its very limit a measured value is not there for long",
                _ => "an alarm compares with `>` or `<`; for anything else let a program set a bool tag",
            };
            return Err(bad(format!("an alarm cannot compare with `{other}`"), help, operator));
        }
    };
    let (tag, tag_range, element) = tag(text, trimmed(text, 0..operator.start))?;
    let number = trimmed(text, operator.end..text.len());
    let written = &text[number.clone()];
    let limit = literal(written).ok_or_else(|| {
        let message = match written {
            "" => "the number to compare with is missing".to_owned(),
            written => format!("`{written}` is not a number"),
        };
        let range = if number.is_empty() { operator.clone() } else { number.clone() };
        bad(message, "an alarm compares with a number, in the tag's unit: \"force.ram > 1500.0\"", range)
    })?;
    Ok(When { tag, tag_range, element, test: test(limit) })
}

/// `range` of `text` without white space around it.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = text.get(range.clone()).unwrap_or_default();
    let start = range.start + (part.len() - part.trim_start().len());
    start..start.max(range.start + part.trim_end().len())
}

/// A finite decimal number, as TOML writes it.
fn literal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit())
        || digits.contains(|c: char| !c.is_ascii_digit() && !"._eE+-".contains(c))
    {
        return None;
    }
    text.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())
}

/// A tag or an element of an array, all of the text.
///
/// # Errors
/// If it is none.
pub(crate) fn element(text: &str) -> Result<When<'_>, BadWhen> {
    let (tag, tag_range, element) = tag(text, trimmed(text, 0..text.len()))?;
    Ok(When { tag, tag_range, element, test: Test::Level(true) })
}

/// A dotted name, perhaps with an index behind it.
fn tag(text: &str, range: Range<usize>) -> Result<(&str, Range<usize>, Option<u32>), BadWhen> {
    let written = &text[range.clone()];
    let bad = |message: String| BadWhen { message, help: FORMS.to_owned(), range: range.clone() };
    if written.is_empty() {
        let message = "the condition names no tag".to_owned();
        return Err(BadWhen { message, help: FORMS.to_owned(), range: 0..text.len() });
    }
    let (name, element) = match written.split_once('[') {
        None => (written, None),
        Some((name, rest)) => {
            let digits = rest
                .strip_suffix(']')
                .map(str::trim)
                .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
            let index = digits.and_then(|digits| digits.parse::<u32>().ok());
            (
                name.trim_end(),
                Some(index.ok_or_else(|| bad(format!("`{written}` is not an element of an array")))?),
            )
        }
    };
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c)) {
        return Err(bad(format!("`{written}` is not the name of a tag")));
    }
    Ok((name, range.start..range.start + name.len(), element))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, tag: &str, element: Option<u32>, test: Test) {
        let when = parse(text).expect(text);
        assert_eq!((when.tag, when.element, when.test), (tag, element, test), "{text}");
        assert_eq!(&text[when.tag_range], tag, "{text}");
    }

    #[test]
    fn every_form() {
        check("door", "door", None, Test::Level(true));
        check("!door.closed", "door.closed", None, Test::Level(false));
        check(" ! door ", "door", None, Test::Level(false));
        check("force.ram > 1500.0", "force.ram", None, Test::Above(1500.0));
        check("force.ram<-1_000", "force.ram", None, Test::Below(-1000.0));
        check("temps[2] > 8e1", "temps", Some(2), Test::Above(80.0));
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        for (text, part) in [
            ("", ""),
            ("a >= 3", ">="),
            ("a == 3", "=="),
            ("a > ", ">"),
            ("a > b", "b"),
            ("a > nan", "nan"),
            ("a > 1e999", "1e999"),
            ("> 3", "> 3"),
            ("a and b", "a and b"),
            ("a[x]", "a[x]"),
            ("!!a", "!a"),
            ("a > 3 N", "3 N"),
            ("!a > 3", "!a"),
        ] {
            let bad = parse(text).expect_err(text);
            assert_eq!(&text[bad.range], part, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "[a-z.!<>=0-9 \\[\\]é-]{0,20}|\\PC*") {
            match parse(&text) {
                Ok(when) => prop_assert_eq!(text.get(when.tag_range), Some(when.tag)),
                Err(bad) => prop_assert!(text.get(bad.range).is_some()),
            }
        }
    }
}
