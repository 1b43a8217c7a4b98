//! What somebody types: a random edit trace from a seed, the same in every run.

use crate::bench::random::Random;
use serde_json::{Value, json};

/// Lines that are written into a function, character by character.
const LINES: [&str; 6] = [
    "let force = before * 2.0;",
    "if this.peak > 4.0 { this.count += 1; }",
    "this.delay.run(true, 0.25);",
    "// not yet: a second stroke",
    "let next = max(this.peak, before);",
    "switch this.count { 1 => this.step = \"wait\", _ => {} }",
];

/// A text as the editor has it, and somebody who types into it.
pub struct Typist {
    lines: Vec<String>,
    random: Random,
    /// Line, what is still to be typed, and what was.
    work: Option<(usize, Vec<char>, String)>,
    /// Lines that were written and not yet taken away.
    written: Vec<usize>,
}

/// A change: what the server is told, and where it was.
pub struct Edit {
    pub changes: Value,
    pub line: usize,
    pub column: usize,
}

impl Typist {
    pub fn new(text: &str, seed: u64) -> Self {
        let lines = text.lines().map(str::to_owned).collect();
        Self { lines, random: Random::new(seed), work: None, written: Vec::new() }
    }

    /// One keystroke: a character, a new line to write into, or an old one that goes.
    pub fn stroke(&mut self) -> Edit {
        if let Some((line, rest, done)) = &mut self.work
            && let Some(next) = rest.pop()
        {
            let (line, column) = (*line, 4 + done.chars().count());
            done.push(next);
            let text = format!("    {done}");
            if rest.is_empty() {
                self.work = None;
            }
            if let Some(place) = self.lines.get_mut(line) {
                *place = text;
            }
            return Edit {
                changes: change((line, column), (line, column), &next.to_string()),
                line,
                column: column + 1,
            };
        }
        if self.written.len() > 3 {
            let line = self.written.remove(0);
            self.lines.remove(line);
            self.written.iter_mut().filter(|other| **other > line).for_each(|other| *other -= 1);
            return Edit { changes: change((line, 0), (line + 1, 0), ""), line, column: 0 };
        }
        let line = self.a_place();
        self.lines.insert(line, "    ".to_owned());
        self.written.iter_mut().filter(|other| **other >= line).for_each(|other| *other += 1);
        self.written.push(line);
        let typed = LINES[self.random.below(LINES.len())];
        self.work = Some((line, typed.chars().rev().collect(), String::new()));
        Edit { changes: change((line, 0), (line, 0), "    \n"), line, column: 4 }
    }

    /// Behind the first line of a function.
    fn a_place(&mut self) -> usize {
        let heads: Vec<usize> = (0..self.lines.len())
            .filter(|line| self.lines.get(*line).is_some_and(|text| text.starts_with("fn part_")))
            .collect();
        heads.get(self.random.below(heads.len().max(1))).map_or(0, |line| line + 1)
    }

    /// A place in the text where a name stands: line and column.
    pub fn a_name(&mut self) -> (usize, usize) {
        for _ in 0..1000 {
            let line = self.random.below(self.lines.len().max(1));
            let text = self.lines.get(line).map_or("", String::as_str);
            if let Some(column) = text.find("io.").or_else(|| text.find("this.")) {
                return (line, column + 5);
            }
        }
        (0, 0)
    }
}

/// One change of a document; places are line and column.
pub fn change(from: (usize, usize), to: (usize, usize), text: &str) -> Value {
    let position = |(line, character): (usize, usize)| json!({ "line": line, "character": character });
    json!([{ "range": { "start": position(from), "end": position(to) }, "text": text }])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Apply a change as an editor does; everything here is ASCII.
    fn apply(text: &str, changes: &Value) -> String {
        let at = |place: &str| {
            let number = |what: &str| changes[0]["range"][place][what].as_u64().expect("a number") as usize;
            let lines: usize = text.split_inclusive('\n').take(number("line")).map(str::len).sum();
            lines + number("character")
        };
        let (from, to) = (at("start"), at("end"));
        format!("{}{}{}", &text[..from], changes[0]["text"].as_str().expect("a text"), &text[to..])
    }

    #[test]
    fn what_is_told_is_what_is_there() {
        let mut text = "fn part_0(before) {\n    1.0\n}\n\nfn part_1(before) {\n    2.0\n}\n".to_owned();
        let mut typist = Typist::new(&text, 3);
        for _ in 0..600 {
            let edit = typist.stroke();
            text = apply(&text, &edit.changes);
            assert_eq!(text, typist.lines.join("\n") + "\n");
        }
        assert!(LINES.iter().filter(|line| text.contains(*line)).count() > 1, "{text}");
    }
}
