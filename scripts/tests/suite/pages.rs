//! The pages about findings hold what they say.

use crate::page::{Example, Kind, Mark, cell, examples, marks};
use sensai_model::Cell;
use sensai_scripts::{
    Analysed, Reach, Role, ScriptEnvironment, ScriptFinding, Sink, analyse, check,
    lints::{Member, across, retained, retained_types},
    pages,
};

fn environment(cell: &Cell, index: usize) -> ScriptEnvironment<'_> {
    let task = cell.programs().nth(index).map_or(0, |(task, _)| task);
    ScriptEnvironment {
        tags: &cell.tags,
        parameters: &cell.parameters,
        limits: cell.tasks().nth(task).unwrap().limits,
        program_index: index as u16,
        role: Role::Controller,
        reach: Reach::of(cell, index as u16),
    }
}

/// What is found in a program, or between programs; `old` is what it was before.
fn found(examples: &[&Example], old: Option<&Example>) -> Vec<ScriptFinding> {
    let cell = cell(examples);
    let tier = |task| cell.tasks().nth(task).unwrap().tier;
    let analysed: Vec<(usize, Analysed)> = (0..)
        .zip(cell.programs())
        .map(|(index, (task, program))| (task, check(program, &environment(&cell, index), tier(task))))
        .collect();
    let mut findings: Vec<ScriptFinding> =
        analysed.iter().flat_map(|(_, analysed)| analysed.findings.clone()).collect();
    let names: Vec<&str> = cell.tasks().map(|task| task.name.as_str()).collect();
    let members: Option<Vec<Member<'_>>> = analysed
        .iter()
        .map(|(task, analysed)| {
            Some(Member { hir: analysed.hir.as_ref()?, task: *task, task_name: names[*task] })
        })
        .collect();
    findings.extend(members.iter().flat_map(|members| across(members, &cell.tags, &cell.axes)));
    if let Some(old) = old {
        let before = self::cell(&[old]);
        let before = analyse(before.programs().next().unwrap().1, &environment(&before, 0));
        let types = retained_types(before.layout.as_ref().unwrap());
        let (hir, layout) = (analysed[0].1.hir.as_ref().unwrap(), analysed[0].1.layout.as_ref().unwrap());
        let mut sink = Sink::new(hir.files.clone());
        retained(hir, layout, &types, &mut sink);
        findings.extend(sink.finish());
    }
    findings
}

fn of(example: &Example) -> Vec<ScriptFinding> {
    found(&[example], None)
}

fn show(findings: &[ScriptFinding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

fn mark(finding: &ScriptFinding) -> Mark {
    Mark { line: finding.line, column: finding.column, len: finding.len, code: finding.code.to_owned() }
}

/// Codes that need the rest of a cell are tested where cells are checked.
fn of_programs() -> impl Iterator<Item = &'static str> {
    pages::codes().filter(|code| code.starts_with('S') || ["R110", "R111", "R112"].contains(code))
}

/// Examples of one kind: of several programs together, or one by one.
fn groups(examples: &[Example], kind: Kind) -> Vec<Vec<&Example>> {
    let of_kind: Vec<&Example> = examples.iter().filter(|example| example.kind == kind).collect();
    let together = of_kind.len() > 1 && of_kind.iter().filter(|example| example.marks.is_empty()).count() > 0;
    if together { vec![of_kind] } else { of_kind.into_iter().map(|example| vec![example]).collect() }
}

#[test]
fn a_wrong_example_has_the_page_s_finding_where_it_is_marked_and_no_other() {
    let mut wrong = String::new();
    for code in of_programs() {
        let examples = examples(pages::page(code).unwrap());
        let old = examples.iter().find(|example| example.kind == Kind::Old);
        let groups = groups(&examples, Kind::Wrong);
        assert!(!groups.is_empty(), "{code} shows nothing wrong");
        for group in groups {
            let found = found(&group, old);
            let marks = group.iter().flat_map(|example| example.marks.iter().cloned());
            let marks: Vec<Mark> = marks.map(|mark| Mark { code: code.to_owned(), ..mark }).collect();
            let places: Vec<Mark> = found.iter().map(mark).collect();
            if places != marks {
                wrong += &format!("{code}: expected {marks:?}, found {places:?}\n{}\n", show(&found));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What is left when every fix of these findings is applied, from the end to the beginning.
fn fixed(text: &str, findings: &[ScriptFinding]) -> Option<String> {
    let mut fixes: Vec<_> = findings.iter().filter_map(|finding| finding.fix.as_ref()).collect();
    fixes.sort_by_key(|fix| fix.edits.first().map(|edit| std::cmp::Reverse(edit.start)));
    (!fixes.is_empty()).then(|| fixes.into_iter().fold(text.to_owned(), |text, fix| fix.apply(&text)))
}

#[test]
fn a_fix_leaves_the_wrong_example_clean() {
    let mut wrong = String::new();
    let mut count = 0;
    for code in of_programs() {
        let examples = examples(pages::page(code).unwrap());
        for example in examples.iter().filter(|example| example.kind == Kind::Wrong) {
            let Some(text) = fixed(&example.text, &of(example)) else { continue };
            count += 1;
            let found = of(&Example { text: text.clone(), ..example.clone() });
            if !found.is_empty() {
                wrong += &format!("{code}: {}\n{text}\n", show(&found));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count >= 8, "only {count} pages show something that has a fix");
}

/// Programs with many mistakes at once; a `^` under each, with its code.
const MISTAKES: &[(&str, &str)] = &[
    ("names", include_str!("mistakes/names.rhai")),
    ("language", include_str!("mistakes/language.rhai")),
    ("types", include_str!("mistakes/types.rhai")),
    ("units", include_str!("mistakes/units.rhai")),
    ("lints", include_str!("mistakes/lints.rhai")),
    ("cycles", include_str!("mistakes/cycles.rhai")),
    ("values", include_str!("mistakes/values.rhai")),
];

#[test]
fn every_mistake_is_found_where_it_is_and_nothing_else() {
    let mut wrong = String::new();
    for (name, text) in MISTAKES {
        let marks = marks(text);
        assert!(marks.len() >= 10, "{name} has {} mistakes", marks.len());
        let example =
            Example { kind: Kind::Wrong, is_cell: false, words: Vec::new(), text: (*text).to_owned(), marks };
        let found = of(&example);
        let mut places: Vec<Mark> = found.iter().map(mark).collect();
        let mut expected = example.marks.clone();
        places.sort();
        expected.sort();
        if places != expected {
            for missing in expected.iter().filter(|mark| !places.contains(mark)) {
                wrong += &format!("{name}: not found {missing:?}\n");
            }
            for more in found.iter().filter(|finding| !expected.contains(&mark(finding))) {
                wrong += &format!("{name}: {more} (length {})\n", more.len);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_right_example_has_no_findings() {
    let mut wrong = String::new();
    for code in of_programs() {
        let examples = examples(pages::page(code).unwrap());
        let old = examples.iter().find(|example| example.kind == Kind::Old);
        let groups = groups(&examples, Kind::Right);
        assert!(!groups.is_empty(), "{code} shows nothing right");
        for group in groups {
            let found = found(&group, old);
            if !found.is_empty() {
                wrong += &format!("{code}: {}\n", show(&found));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
