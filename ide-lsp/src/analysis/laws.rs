//! Laws that hold for every name of every example.

#[path = "../../tests/common/examples.rs"]
pub mod examples;

use super::{
    Location, Place, Snapshot, TextEdit, Unit, actions, apply, calls, completion, configuration, definition,
    extract, folding, format, hints, hover, lens, outline, rename, selection, signature, testing::Rules,
    tokens as tokens_of, typing, written,
};
use examples::{Files, examples};
use sensai_model::config::vocabulary::{self, Takes};
use sensai_scripts::{
    hir::Hir,
    syntax::{self, SyntaxKind},
    uses::{Entity, Use},
};
use std::{fs, ops::Range, path::Path};

fn snapshot(files: &Files) -> Snapshot {
    Snapshot::of_files(&Rules, files)
}

/// Every name of every program, with its text: those that mean something of the cell or the program.
fn names(snapshot: &Snapshot) -> Vec<(Place, Use, String)> {
    let mut names = Vec::new();
    for unit in &snapshot.units {
        for found in &unit.analysed.uses.uses {
            let text = unit.slice(found.file, found.span).to_owned();
            let place = Place { path: unit.path(found.file).to_owned(), at: found.span.start as usize };
            names.push((place, found.clone(), text));
        }
    }
    assert!(names.len() > 20);
    names
}

#[test]
fn definitions_and_references_are_inverse() {
    for (name, files) in examples() {
        let snapshot = snapshot(&files);
        for (place, found, text) in names(&snapshot) {
            let at = Place { at: place.at + usize::from(text.starts_with('"')), ..place.clone() };
            let all = definition::references(&snapshot, &at);
            let definitions = definition::definition(&snapshot, &at);
            let declared: Vec<&Location> =
                all.iter().filter(|found| found.is_definition).map(|found| &found.at).collect();
            let is_here = |at: &Location| at.path == place.path && at.start == at.start.max(place.at);
            if all.is_empty() {
                // What the language brings along, and what only the cell has in another file.
                assert!(
                    definitions.is_empty() || matches!(found.entity, Entity::Library(_)),
                    "{name} {text}"
                );
                continue;
            }
            assert_eq!(definitions.iter().collect::<Vec<_>>(), declared, "{name} {text}");
            assert!(!declared.is_empty(), "{name} {text} at {place:?} is declared somewhere");
            assert!(all.iter().any(|found| is_here(&found.at)), "{name} {text}");
            // From each place the same places are found.
            for other in &all {
                let from = Place { path: other.at.path.clone(), at: other.at.start };
                assert_eq!(definition::references(&snapshot, &from), all, "{name} {text} from {other:?}");
            }
        }
    }
}

/// Names of the same length, so that nothing moves: `name` with another letter at its end.
fn others(name: &str, texts: &str) -> Vec<String> {
    let stem: String = name.chars().take(name.chars().count() - 1).collect();
    let last = name.chars().last().unwrap_or('a');
    let letters = ('a'..='z').filter(|letter| *letter > last).chain('a'..='z').chain('A'..='Z');
    let all = letters.map(|letter| format!("{stem}{letter}"));
    all.filter(|other| !texts.contains(other.as_str()) && SyntaxKind::keyword(other).is_none()).collect()
}

/// A program without its texts, in which one name is another one.
fn renamed(hir: &Hir, from: &str, to: &str) -> String {
    let Hir { functions, init, cycle, migrate, state, constants, .. } = hir;
    let text = format!("{functions:?} {init:?} {cycle:?} {migrate:?} {state:?} {constants:?}");
    text.replace(&format!("name: {from:?}"), &format!("name: {to:?}"))
}

/// The texts of a program, in which one is another one.
fn texts(hir: &Hir, from: &str, to: &str) -> Vec<String> {
    hir.symbols.iter().map(|text| if **text == *from { to.to_owned() } else { text.to_string() }).collect()
}

#[test]
fn a_name_that_is_another_one_changes_nothing() {
    for (name, files) in examples() {
        let before = snapshot(&files);
        let all: String = before.texts.values().map(|text| &**text).collect();
        let mut seen: Vec<Vec<Location>> = Vec::new();
        let mut count = 0;
        for (place, _, text) in names(&before) {
            let at = Place { at: place.at + usize::from(text.starts_with('"')), ..place.clone() };
            let places: Vec<Location> =
                definition::references(&before, &at).into_iter().map(|found| found.at).collect();
            if places.is_empty() || seen.contains(&places) || rename::prepare(&before, &at).is_err() {
                continue;
            }
            seen.push(places);
            let (old, is_text) = (text.trim_matches('"'), text.starts_with('"'));
            // Fields lie in memory in the order of their names: one of the letters keeps that order.
            let good = others(old, &all).into_iter().find(|new| {
                let edits =
                    rename::rename(&before, &at, new).unwrap_or_else(|why| panic!("{name} {text}: {why}"));
                let mut changed = files.clone();
                for (path, bytes) in &mut changed {
                    let own: Vec<TextEdit> =
                        edits.iter().filter(|edit| edit.at.path == *path).cloned().collect();
                    if !own.is_empty() {
                        *bytes = apply(std::str::from_utf8(bytes).unwrap(), &own).into_bytes();
                    }
                }
                let after = snapshot(&changed);
                assert_eq!(
                    after.units.len(),
                    before.units.len(),
                    "{name} {old} → {new}: {:?}",
                    after.loaded.findings
                );
                after.units.iter().zip(&before.units).all(|(after, before)| {
                    let hir = |unit: &Unit| unit.analysed.hir.clone();
                    match (hir(after), hir(before)) {
                        (Some(after), Some(before)) => {
                            let text = if is_text { new.as_str() } else { old };
                            renamed(&after, new, old) == renamed(&before, old, old)
                                && texts(&after, text, old) == texts(&before, old, old)
                        }
                        _ => false,
                    }
                })
            });
            assert!(good.is_some(), "{name} {text} at {place:?}");
            count += 1;
        }
        assert!(count > 15, "{name}: {count} names were changed");
    }
}

#[test]
fn a_name_that_was_deleted_is_offered() {
    let (mut all, mut missed) = (0, Vec::new());
    for (name, files) in examples() {
        let before = snapshot(&files);
        for (place, found, text) in names(&before) {
            if matches!(found.entity, Entity::Library(_)) {
                continue;
            }
            let quotes = usize::from(text.starts_with('"'));
            let (start, end) = (place.at + quotes, place.at + text.len() - quotes);
            let edit = TextEdit::new(place.path.clone(), start..end, "");
            let mut after = before.clone();
            let changed: std::sync::Arc<str> =
                apply(before.text(&place.path).unwrap(), std::slice::from_ref(&edit)).into();
            after.texts.insert(place.path.clone(), changed.clone());
            for unit in &mut after.units {
                if unit.has(&place.path) {
                    let path = &place.path;
                    *unit = unit.with_texts(|of| (of == path).then(|| changed.clone())).into();
                }
            }
            let at = Place { path: place.path.clone(), at: start };
            let offered = completion::completions(&after, &at).map(|found| found.items).unwrap_or_default();
            let labels: Vec<&str> = offered.iter().take(5).map(|item| item.label.as_str()).collect();
            all += 1;
            if !labels.contains(&text.trim_matches('"')) {
                let line = 1 + before.text(&place.path).unwrap()[..start].matches('\n').count();
                missed.push(format!("{name} {}:{line} {text}: {labels:?}", place.path));
            }
        }
    }
    assert!(all > 300, "{all}");
    assert!(missed.is_empty(), "{} of {all}:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn keys_and_values_that_were_deleted_are_offered() {
    let (mut keys, mut values) = (0, 0);
    for (name, files) in examples() {
        let before = snapshot(&files);
        for path in before.texts.keys() {
            let Some(document) = configuration::document(&before, path) else { continue };
            let text = before.text(path).unwrap();
            let there = configuration::written(&before, path).unwrap();
            let is_offered = |span: Range<usize>| {
                let edit = TextEdit::new(path.clone(), span.clone(), "");
                let mut after = before.clone();
                after.texts.insert(path.clone(), apply(text, &[edit]).into());
                after.written = written::Written::of(after.text("cell.toml").unwrap()).into();
                let at = Place { path: path.clone(), at: span.start };
                let offered =
                    completion::completions(&after, &at).map(|found| found.items).unwrap_or_default();
                let label = &text[span.clone()];
                let is_label = |label: &str| offered.iter().any(|item| item.label == label);
                // An entry that is alone in its object has the name of that, too.
                let is_short = label.rsplit_once('.').is_some_and(|(short, _)| is_label(short));
                assert!(
                    is_label(label) || is_short,
                    "{name} {path} at {}: {label} in {offered:?}",
                    span.start
                );
            };
            for value in &there.values {
                let parts: Vec<&str> = value.path.iter().map(String::as_str).collect();
                let (Some(takes), Some(span)) = (vocabulary::takes(document, &parts), value.text.clone())
                else {
                    continue;
                };
                let written = &text[span.clone()];
                match takes {
                    // A tag in it, and what it is compared with.
                    Takes::Condition => {
                        let start = span.start + usize::from(written.starts_with('!'));
                        let len = text[start..span.end].find(' ').unwrap_or(span.end - start);
                        is_offered(start..start + len);
                    }
                    // A sync unit is made by naming it: one that is named once is gone then.
                    Takes::SyncUnit => continue,
                    _ => is_offered(span),
                }
                values += 1;
            }
            for key in there.keys.iter().filter(|key| key.is_last) {
                let parts: Vec<&str> = key.path.iter().map(String::as_str).collect();
                let Some((last, table)) = parts.split_last() else { continue };
                if vocabulary::sections(document, table).iter().any(|section| section.keys.contains(last)) {
                    is_offered(key.span.clone());
                    keys += 1;
                }
            }
        }
    }
    assert!(keys > 150 && values > 60, "{keys} keys, {values} values");
}

/// What is written: everything but blanks; `comments`: with comments.
fn tokens(text: &str, comments: bool) -> Vec<String> {
    let all = syntax::parse(text).syntax().descendants_with_tokens();
    let tokens = all.filter_map(|element| element.into_token());
    let is_comment = |kind| matches!(kind, SyntaxKind::Comment | SyntaxKind::DocComment);
    let tokens = tokens
        .filter(|token| token.kind() != SyntaxKind::Whitespace && (comments || !is_comment(token.kind())));
    // Two brackets without a blank between them are one token.
    tokens
        .flat_map(|token| match token.kind() {
            SyntaxKind::Unit => vec!["(".to_owned(), ")".to_owned()],
            _ => vec![token.text().to_owned()],
        })
        .collect()
}

/// Every program of the project, also those of tests and of pages, and the corpus of the parser.
fn corpus() -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in ["examples", "rt-tests", "scripts", "runtime/src"] {
        programs(&top.join(folder), &mut texts);
    }
    for code in sensai_scripts::pages::codes() {
        let page = sensai_scripts::pages::page(code).unwrap_or_default();
        // Behind the word for the language stands what the example is for.
        let examples = page.split("```rhai").skip(1).filter_map(|part| part.split("```").next());
        texts
            .extend(examples.filter_map(|example| example.split_once('\n')).map(|(_, text)| text.to_owned()));
    }
    // The corpus of the parser has all of Rhai in it.
    let corpus = fs::read_to_string(top.join("scripts/tests/parser/corpus.rs")).unwrap();
    let corpus: Vec<&str> =
        corpus.split("r###\"").skip(1).filter_map(|part| part.split("\"###").next()).collect();
    assert_eq!(corpus.len(), 3);
    assert!(corpus.iter().all(|text| format::format("", text, 0..text.len()).is_some()));
    texts.extend(corpus.into_iter().map(str::to_owned));
    texts
}

#[test]
fn formatting_keeps_what_is_written() {
    let texts = corpus();
    let mut formatted = 0;
    for text in &texts {
        let Some(edits) = format::format("", text, 0..text.len()) else {
            assert!(!syntax::parse(text).is_ok(), "{text}");
            continue;
        };
        let once = apply(text, &edits);
        assert_eq!(tokens(&once, true), tokens(text, true));
        assert_eq!(format::format("", &once, 0..once.len()), Some(Vec::new()), "{once}");
        formatted += 1;
    }
    assert!(formatted > 60, "{formatted} of {}", texts.len());
}

/// A place in a text after edits: behind what was put in around it.
fn moved(at: usize, edits: &[TextEdit]) -> usize {
    let before = edits.iter().filter(|edit| edit.at.start <= at);
    before.fold(at, |moved, edit| moved + edit.text.len() - edit.at.end.min(at).saturating_sub(edit.at.start))
}

/// Places of a text that are typed at.
const PLACES: usize = 24;

#[test]
fn typing_keeps_what_is_written() {
    let (mut changed, mut looked) = (0, 0);
    let all = corpus();
    // As they are, cut off in the middle, and with everything at the start of its line.
    let forms = |text: &String| {
        let half = text.floor_char_boundary(text.len() / 2);
        let flat: Vec<&str> = text.lines().map(str::trim_start).collect();
        [text.clone(), text[..half].to_owned(), flat.join("\n")]
    };
    for text in all.iter().flat_map(forms) {
        let is_straight = format::format("", &text, 0..text.len()).is_some_and(|edits| edits.is_empty());
        let places: Vec<(usize, &str)> = text.match_indices(['\n', ';', '}']).collect();
        // Every place would cost the square of a text's length.
        for (at, character) in places.iter().step_by(places.len() / PLACES + 1) {
            let at = at + 1;
            let edits = typing::typed("", &text, at, character);
            let after = apply(&text, &edits);
            looked += 1;
            if edits.is_empty() {
                continue;
            }
            changed += 1;
            assert_eq!(tokens(&after, false), tokens(&text, false), "{after}");
            let continues = edits.iter().any(|edit| edit.text.contains("//"));
            assert!(continues || tokens(&after, true) == tokens(&text, true), "{after}");
            let is_blank = text[at..].lines().next().is_none_or(|line| line.trim().is_empty());
            assert!(!is_straight || is_blank, "what is straight stays: {edits:?} at {at} in {text}");
            assert_eq!(typing::typed("", &after, moved(at, &edits), character), [], "{edits:?} {after}");
        }
    }
    assert!(changed > 500, "{changed} of {looked}");
}

fn programs(folder: &Path, texts: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            programs(&path, texts);
        } else if path.extension().is_some_and(|end| end == "rhai") {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
}

/// Everything that can be asked of a place, and of what is selected from there on.
fn ask_everything(snapshot: &Snapshot, place: &Place, end: usize) {
    let (path, within) = (place.path.as_str(), place.at..end);
    let _ = (hover::hover(snapshot, place), signature::signature(snapshot, place));
    let _ = (completion::completions(snapshot, place), definition::definition(snapshot, place));
    let _ = (definition::references(snapshot, place), definition::highlights(snapshot, place));
    let _ = (rename::rename(snapshot, place, "other"), calls::prepare(snapshot, place));
    let here = Location::new(path, within.clone());
    let _ = (calls::incoming(snapshot, &here), calls::outgoing(snapshot, &here));
    let _ = (extract::extract(snapshot, path, within.clone()), selection::ranges(snapshot, path, place.at));
    let _ = (hints::hints(snapshot, path, within.clone()), actions::actions(snapshot, path, within, &[]));
    let _ = (lens::lenses(snapshot, path), tokens_of::tokens(snapshot, path));
    let _ = (folding::folds(snapshot, path), outline::outline(snapshot, path));
    let text = snapshot.text(path).unwrap_or_default();
    for character in ["\n", ";", "}"] {
        let _ = typing::typed(path, text, place.at, character);
    }
}

#[test]
fn half_a_file_of_any_kind_is_answered() {
    for (name, files) in examples() {
        let (before, mut asked) = (snapshot(&files), 0);
        for (path, bytes) in
            files.iter().filter(|(path, _)| path.ends_with(".rhai") || path.ends_with(".toml"))
        {
            let text = std::str::from_utf8(bytes).unwrap();
            // Descriptions hold thousands of numbers: their beginning is enough.
            let text = &text[..text.floor_char_boundary(text.len().min(20_000))];
            for part in 1..8 {
                let cut = text.floor_char_boundary(text.len() * part / 8);
                // Cut off; with a hole; with what is no part of any text.
                let hole = text.floor_char_boundary((cut + 40).min(text.len()));
                let forms = [
                    text[..cut].to_owned(),
                    format!("{}{}", &text[..cut], &text[hole..]),
                    format!("{}é\u{0}😀\"${{{}", &text[..cut], &text[cut..]),
                ];
                let form = &forms[part % forms.len()];
                let mut changed = before.clone();
                changed.texts.insert(path.clone(), form.as_str().into());
                changed.written =
                    std::sync::Arc::new(written::Written::of(changed.text("cell.toml").unwrap()));
                for unit in &mut changed.units {
                    if unit.has(path) {
                        let texts = &changed.texts;
                        *unit = unit.with_texts(|of| texts.get(of).cloned()).into();
                    }
                }
                for at in [0, cut / 2, cut.saturating_sub(1), cut, cut + 3, form.len(), form.len() + 9] {
                    let at = if at > form.len() { at } else { form.floor_char_boundary(at) };
                    let end = form.floor_char_boundary((at + 25).min(form.len())).max(at);
                    ask_everything(&changed, &Place { path: path.clone(), at }, end);
                    asked += 1;
                }
            }
        }
        assert!(asked > 80, "{name}: {asked} places");
    }
}
