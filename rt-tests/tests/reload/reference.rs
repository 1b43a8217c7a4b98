//! What becomes of a state, by names and types alone: it knows nothing of layouts and plans.

use crate::versions::{
    Field::{self, Array, Leaf, Record},
    Version,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

/// Where a value of the new state comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// It is the old one.
    Kept,
    /// The new program's `migrate` makes it: this often the old `i64`, as a number.
    Doubled,
    /// Likewise: the element of an old array of another length.
    Taken,
}

/// The reference: where the value of each new leaf comes from, by path, if not from `init`; all that is refused; and which kinds
/// of edits there were.
#[derive(Debug, Default)]
pub struct Reference {
    pub origins: BTreeMap<String, Origin>,
    pub refused: BTreeSet<String>,
    /// Statements of a `migrate` that takes over what is refused, as far as there is a way.
    pub statements: String,
    pub kinds: BTreeSet<&'static str>,
}

impl Reference {
    pub fn of(old: &Version, new: &Version) -> Self {
        let mut reference = Self::default();
        reference.parts(&old.state(), &new.state(), "this");
        reference
    }

    fn parts(&mut self, old: &Field, new: &Field, path: &str) {
        match (old, new) {
            (Leaf(was, old, _), Leaf(is, new, _)) if was == is => {
                if *was == "text" && old != new {
                    self.kinds.insert("texts");
                }
                self.origins.insert(path.to_owned(), Origin::Kept);
            }
            (Array(was, old), Array(is, new)) if was == is => {
                for index in 0..*is {
                    self.parts(old, new, &format!("{path}[{index}]"));
                }
            }
            (Record(old), Record(new)) => {
                let nested = path.matches('.').count() > 0 && path != "this.retain";
                for (name, new) in new {
                    let path = format!("{path}.{name}");
                    match old.get(name) {
                        Some(old) => self.parts(old, new, &path),
                        None => self.edited("added", nested, &path),
                    }
                }
                for name in old.keys().filter(|name| !new.contains_key(*name)) {
                    self.edited("removed", nested, &format!("{path}.{name}"));
                }
            }
            _ => self.refuse(old, new, path),
        }
    }

    fn edited(&mut self, kind: &'static str, nested: bool, path: &str) {
        self.kinds.insert(kind);
        if nested {
            self.kinds.insert("nested record");
        }
        if path.starts_with("this.retain.") {
            self.kinds.insert("retain");
        }
    }

    fn refuse(&mut self, old: &Field, new: &Field, path: &str) {
        self.refused.insert(path.to_owned());
        let block = |kind: &'static str| kind.split_once('(').map(|(name, _)| name);
        let old_path = path.replacen("this", "old", 1);
        // A place in an array of the program's text is one place among several here.
        let single = !path.contains('[');
        let kind = match (old, new) {
            (Leaf("i64", ..), Leaf("f64", ..)) if single => {
                self.origins.insert(path.to_owned(), Origin::Doubled);
                let _ = writeln!(self.statements, "    {path} = to_float({old_path}) * 2.0;");
                "type"
            }
            (Leaf(was, ..), Leaf(is, ..)) => match (block(was), block(is)) {
                (Some(was), Some(is)) if was == is => "constructor argument",
                (Some(_), Some(_)) => "block type",
                _ => "type",
            },
            (Array(was, old), Array(is, new)) => {
                if let (Leaf(was_of, ..), Leaf(is_of, ..), true) = (&**old, &**new, single)
                    && was_of == is_of
                    && block(is_of).is_none()
                {
                    let shared = *was.min(is);
                    let taken = (0..shared).map(|index| (format!("{path}[{index}]"), Origin::Taken));
                    self.origins.extend(taken);
                    let _ = writeln!(
                        self.statements,
                        "    for i in 0..{shared} {{ {path}[i] = {old_path}[i]; }}"
                    );
                }
                "array length"
            }
            _ => "type",
        };
        self.edited(kind, false, path);
    }

    /// Without a `migrate`, what it would make is as `init` gives it.
    pub fn without_migrate(mut self) -> Self {
        self.origins.retain(|_, origin| *origin == Origin::Kept);
        self
    }
}

/// What `init` gives where the first value stands in the text, in the bytes of the state; `None`: a block, which makes its own.
pub fn encoded(kind: &str, first: &str) -> Option<Vec<u8>> {
    Some(match kind {
        "bool" => vec![u8::from(first == "true")],
        "i64" => first.parse::<i64>().ok()?.to_le_bytes().to_vec(),
        "f64" => first.parse::<f64>().ok()?.to_bits().to_le_bytes().to_vec(),
        "text" => {
            let text = first.trim_matches('"');
            let mut bytes = vec![text.len() as u8];
            bytes.extend(text.as_bytes());
            bytes.resize(64, 0);
            bytes
        }
        _ => return None,
    })
}

/// `this.a[3].b` is `a[].b`.
pub fn general(path: &str) -> String {
    path.trim_start_matches("this.").chars().filter(|letter| !letter.is_ascii_digit()).collect()
}
