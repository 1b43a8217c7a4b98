//! What the check answers to the habits of other languages, word for word.

use crate::page::{Example, Kind, cell};
use sensai_model::cell::ProgramSource;
use sensai_scripts::{Reach, Role, ScriptEnvironment, ScriptFinding, analyse};
use std::fs;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/habits.md");

/// A program and the answer to it.
struct Habit {
    title: String,
    text: String,
    answer: String,
}

fn habits(page: &str) -> Vec<Habit> {
    let sections = page.split("\n## ").skip(1);
    sections
        .map(|section| {
            let (title, rest) = section.split_once('\n').unwrap();
            let block = |language: &str| {
                let behind = rest.split_once(&format!("```{language}\n")).unwrap().1;
                behind.split("```").next().unwrap().to_owned()
            };
            Habit { title: title.to_owned(), text: block("rhai"), answer: block("text") }
        })
        .collect()
}

fn found(text: &str) -> Vec<ScriptFinding> {
    let (words, marks) = (Vec::new(), Vec::new());
    let cell = cell(&[&Example { kind: Kind::Wrong, is_cell: false, words, text: text.to_owned(), marks }]);
    let environment = ScriptEnvironment {
        tags: &cell.tags,
        parameters: &cell.parameters,
        limits: cell.task.limits,
        program_index: 0,
        role: Role::Controller,
        reach: Reach::of(&cell, 0),
    };
    analyse(&ProgramSource::new("main", "main.rhai", text), &environment).findings
}

/// A finding with what is marked and what the fix makes of it.
fn answer(text: &str, findings: &[ScriptFinding]) -> String {
    let mut answer = String::new();
    for finding in findings {
        let about = text.get(finding.start as usize..finding.end as usize).unwrap_or_default();
        let about = about.lines().next().unwrap_or_default();
        answer += &format!("{finding}\n    at: `{about}`\n");
        for related in &finding.related {
            answer += &format!("    {}:{}: {}\n", related.line, related.column, related.message);
        }
        if let Some(fix) = &finding.fix {
            answer += &format!("    fix: {}\n", fix.title);
        }
    }
    answer
}

#[test]
fn habits_are_answered_with_what_to_write_instead() {
    let page = fs::read_to_string(PATH).unwrap();
    let mut written = page.split_once("\n## ").unwrap().0.to_owned() + "\n";
    let mut different = String::new();
    let habits = habits(&page);
    assert!(habits.len() >= 30, "only {} programs", habits.len());
    for Habit { title, text, answer: expected } in habits {
        let answer = answer(&text, &found(&text));
        written += &format!("## {title}\n\n```rhai\n{text}```\n\n```text\n{answer}```\n\n");
        if answer != expected {
            different += &format!("{title}\n{text}expected:\n{expected}found:\n{answer}\n");
        }
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(PATH, written.trim_end().to_owned() + "\n").unwrap();
    } else {
        assert!(different.is_empty(), "{different}");
    }
}
