//! The examples are exemplary: nothing is found in them. And one slip of the pen is not answered with a flood.

use crate::page::examples;
use sensai_model::{Cell, cell::ProgramSource, config};
use sensai_scripts::{
    Before, Reach, Role, ScriptEnvironment, ScriptFinding, Severity, analyse, analyse_again, syntax,
};
use std::fs;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// An example's cell, without what its twin needs.
fn cell(name: &str) -> Cell {
    let report = config::load(|path| {
        fs::read(format!("{ROOT}/examples/{name}/{path}")).map_err(|error| error.to_string())
    });
    let shown = report.render(config::Style::Plain);
    report.cell.unwrap_or_else(|| panic!("{shown}"))
}

fn environment(cell: &Cell, index: usize) -> ScriptEnvironment<'_> {
    ScriptEnvironment {
        tags: &cell.tags,
        parameters: &cell.parameters,
        limits: cell.task.limits,
        program_index: index as u16,
        role: Role::Controller,
        reach: Reach::of(cell, index as u16),
    }
}

fn found(cell: &Cell, index: usize, program: &ProgramSource) -> Vec<ScriptFinding> {
    analyse(program, &environment(cell, index)).findings
}

const CELLS: [&str; 2] = ["pneumatic-press", "press-cell"];

#[test]
fn nothing_is_found_in_the_examples() {
    for cell in CELLS.map(cell) {
        for (index, (_, program)) in cell.programs().enumerate() {
            assert_eq!(found(&cell, index, program), [], "{}", program.path);
        }
    }
}

/// Ranges of the tokens of a text, without blanks and comments.
fn tokens(text: &str) -> Vec<std::ops::Range<usize>> {
    let root = syntax::parse(text).syntax();
    let tokens = root.descendants_with_tokens().filter_map(|element| element.into_token());
    let tokens = tokens.filter(|token| !token.kind().is_trivia());
    tokens
        .map(|token| usize::from(token.text_range().start())..usize::from(token.text_range().end()))
        .collect()
}

#[test]
fn what_is_looked_at_again_is_as_if_it_was_looked_at_first() {
    for cell in CELLS.map(cell) {
        for (index, (_, program)) in cell.programs().enumerate() {
            let environment = environment(&cell, index);
            let mut before = (program.clone(), analyse(program, &environment));
            for token in tokens(&program.text).into_iter().step_by(3) {
                let mut text = program.text.to_string();
                text.replace_range(token.clone(), if token.start % 2 == 0 { "" } else { "x + " });
                let changed = ProgramSource { text: text.as_str().into(), ..program.clone() };
                let was = Before { source: &before.0, analysed: &before.1 };
                let again = analyse_again(&changed, &environment, was);
                let first = analyse(&changed, &environment);
                assert_eq!((&again.findings, &again.trees), (&first.findings, &first.trees), "{text}");
                assert_eq!((&again.state, &again.uses.uses), (&first.state, &first.uses.uses), "{text}");
                before = (changed, again);
            }
        }
    }
}

#[test]
fn without_any_one_token_there_are_at_most_three_errors() {
    let mut worst = String::new();
    for cell in CELLS.map(cell) {
        for (index, (_, program)) in cell.programs().enumerate() {
            for token in tokens(&program.text) {
                let mut text = program.text.to_string();
                text.replace_range(token.clone(), "");
                let broken = ProgramSource { text: text.as_str().into(), ..program.clone() };
                let errors: Vec<ScriptFinding> = found(&cell, index, &broken)
                    .into_iter()
                    .filter(|finding| finding.severity == Severity::Error)
                    .collect();
                if errors.len() > 3 {
                    let line = text[..token.start].lines().count();
                    let token = &program.text[token];
                    worst += &format!("{}:{line} without `{token}`: {} errors\n", program.path, errors.len());
                    worst.extend(errors.iter().map(|error| format!("    {error}\n")));
                }
            }
        }
    }
    assert!(worst.is_empty(), "{worst}");
}

#[test]
fn the_right_examples_of_the_pages_survive_the_loss_of_any_token() {
    for code in sensai_scripts::pages::codes() {
        for example in
            examples(sensai_scripts::pages::page(code).unwrap()).iter().filter(|example| !example.is_cell)
        {
            for token in tokens(&example.text) {
                let mut text = example.text.clone();
                text.replace_range(token, "");
                let program = ProgramSource::new("main", "main.rhai", text.as_str());
                // Whatever is found: nothing panics, and every place is in the text.
                for finding in found(&cell("press-cell"), 0, &program) {
                    assert!(
                        text.get(finding.start as usize..finding.end as usize).is_some(),
                        "{finding}\n{text}"
                    );
                }
            }
        }
    }
}
