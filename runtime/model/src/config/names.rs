//! Names: what may be one, and which one was probably meant.

use super::{finding::Rule, sink::Sink};
use std::ops::Range;

/// Bytes a dotted name may have; old logs and messages hold it whole.
pub(crate) const NAME_LEN_MAX: usize = 128;

/// Words that Rhai 1.27 keeps for itself, in use or reserved; none can stand behind the dot in `io.name`.
const RHAI_WORDS: &[&str] = &[
    "Fn",
    "as",
    "async",
    "await",
    "begin",
    "break",
    "call",
    "case",
    "catch",
    "const",
    "continue",
    "curry",
    "debug",
    "default",
    "do",
    "else",
    "end",
    "eval",
    "exit",
    "export",
    "false",
    "fn",
    "for",
    "global",
    "go",
    "goto",
    "if",
    "import",
    "in",
    "is",
    "is_def_fn",
    "is_def_var",
    "is_shared",
    "let",
    "loop",
    "match",
    "module",
    "new",
    "nil",
    "null",
    "package",
    "print",
    "private",
    "protected",
    "public",
    "return",
    "shared",
    "spawn",
    "static",
    "super",
    "switch",
    "sync",
    "this",
    "thread",
    "throw",
    "true",
    "try",
    "type_of",
    "until",
    "use",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// Properties every tag has, which a tag of that name would hide.
const TAG_PROPERTIES: &[&str] = &["valid", "len"];

/// Check one segment of a name; false and a finding if it cannot be one.
pub(crate) fn check(sink: &mut Sink<'_>, name: &str, span: &Range<usize>, key: &str) -> bool {
    let Err((message, help)) = judge(name) else { return true };
    sink.push(Rule::BadName, span, key, message).help(help);
    false
}

/// Check a dotted name, as aliases are written.
pub(crate) fn check_dotted(sink: &mut Sink<'_>, name: &str, span: &Range<usize>, key: &str) -> bool {
    check_len(sink, name, span, key) && name.split('.').all(|part| check(sink, part, span, key))
}

/// Check the length of a whole dotted name.
pub(crate) fn check_len(sink: &mut Sink<'_>, name: &str, span: &Range<usize>, key: &str) -> bool {
    if name.len() <= NAME_LEN_MAX {
        return true;
    }
    let message = format!("this name has {} bytes, at most {NAME_LEN_MAX} are possible", name.len());
    sink.push(Rule::BadName, span, key, message).help("shorten it");
    false
}

fn judge(name: &str) -> Result<(), (String, &'static str)> {
    if name.len() > NAME_LEN_MAX {
        return Err((
            format!("this name has {} bytes, at most {NAME_LEN_MAX} are possible", name.len()),
            "shorten it",
        ));
    }
    let head = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !head || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err((
            format!("`{name}` is not an identifier"),
            "use letters, digits and `_`, a letter or `_` first; the description may hold any text",
        ));
    }
    if RHAI_WORDS.contains(&name) {
        return Err((format!("`{name}` is a reserved word of the script language"), "choose another name"));
    }
    if TAG_PROPERTIES.contains(&name) {
        return Err((format!("`{name}` is a property that every tag has"), "choose another name"));
    }
    Ok(())
}

/// The candidate nearest to `name`, if one is near enough to have been meant.
pub(crate) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // Comparing takes time and memory by the product of the lengths; what is that long is no slip of the pen.
    if name.len() > NAME_LEN_MAX {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= NAME_LEN_MAX)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_ascii_lowercase()), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(name.len()) / 3).max(1))
        .map(|(_, candidate)| candidate)
}

/// The best hint towards one of `candidates`: the nearest if one is near, all if they are few.
pub(crate) fn hint(name: &str, candidates: &[&str]) -> Option<String> {
    match (nearest(name, candidates.iter().copied()), candidates) {
        (_, []) => None,
        (Some(near), _) => Some(format!("did you mean `{near}`?")),
        (None, few) if few.len() <= 12 => Some(format!("there is {}", list(few))),
        (None, many) => Some(format!("there are {}, among them {}", many.len(), list(&many[..8]))),
    }
}

/// `` `a`, `b` and `c` ``.
pub(crate) fn list(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => format!("`{one}`"),
        [all @ .., last] => {
            let all: Vec<String> = all.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and `{last}`", all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_scripts_can_write() {
        for good in ["a", "_x", "ram_2", "Start"] {
            assert_eq!(judge(good), Ok(()), "{good}");
        }
        for bad in ["", "2x", "a-b", "a.b", "ü", "switch", "valid", "a b"] {
            assert!(judge(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("chanel_1", ["channel_1", "channel_2"]), Some("channel_1"));
        assert_eq!(nearest("INPUT", ["input", "output"]), Some("input"));
        assert_eq!(nearest("pressure", ["channel_1", "ram"]), None);
    }
}
