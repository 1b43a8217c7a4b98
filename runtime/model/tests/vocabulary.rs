//! What is offered for a value is what the parser takes, and every key has a row on the reference page.

mod common;

use common::files;
use sensai_model::config::{
    self, Finding, Rule,
    reference::row,
    schema::{SECTIONS, Section},
    vocabulary::{self, Document, MEASURES, Takes},
};

/// Where a key of a section can be written: text before and behind its value. `None`: nowhere alone.
fn around(section: &Section, key: &str) -> (String, String) {
    let device = "[devices]\ninputs = { type = \"EL1008\" }\nvalves = { type = \"EL2008\" }\n";
    let (before, behind) = match (section.name, key) {
        ("[tags.<name>]", "on_invalid") => {
            ("[tags]\na = { input = \"inputs.channel_1\", on_invalid = ", " }")
        }
        ("[tags.<name>]", "on_fault") => ("[tags]\na = { output = \"valves.channel_1\", on_fault = ", " }"),
        ("[tags.<name>]", "type") => ("[tags]\na = { input = \"inputs.channel_1\", type = ", " }"),
        ("[tags.<name>]", _) => ("[tags]\na = { type = \"f64\", overflow = ", " }"),
        ("[parameters.<name>]", _) => ("[parameters]\na = { default = 1, type = ", " }"),
        ("[devices.<name>] startup", _) => {
            ("d = { type = \"SN4020\", startup = [{ object = \"0x2001:01\", value = 1, type = ", " }] }")
        }
        ("[units.<name>]", "modes" | "acting") => ("[units.a]\nKEY = [", "]"),
        ("models/<name>.toml", _) => ("KEY = ", ""),
        ("[axes.<name>] homing", _) => ("[axes.a]\nhoming = { method = ", " }"),
        (name, _) => {
            let table = name.trim_start_matches('[').split('.').next().unwrap_or_default();
            return (format!("{device}[{table}.a]\n{key} = "), "\n".to_owned());
        }
    };
    (format!("{device}{}", before.replace("KEY", key)), behind.to_owned())
}

/// What is said of the words that a value can be.
fn choices(section: &Section, key: &str, word: &str) -> Vec<Finding> {
    let (before, behind) = around(section, key);
    let is_description = section.name.starts_with("models/");
    let head =
        "[cell]\nname = \"c\"\n[tasks.main]\ninterval = \"1ms\"\nprograms = [\"programs/press.rhai\"]\n";
    let value = format!("\"{word}\"");
    let text = match is_description {
        true => format!("{head}[models.m]\nfile = \"models/stroke.onnx\"\n"),
        false => format!("{head}{before}{value}{behind}\n"),
    };
    let description = format!("{key} = {value}\n");
    let report = config::load(|path: &str| match path {
        "cell.toml" => Ok(text.clone().into_bytes()),
        "models/stroke.toml" if is_description => Ok(description.clone().into_bytes()),
        "models/stroke.onnx" => Ok(common::models::BYTES.to_vec()),
        _ => files(b"")(path),
    });
    let found = report.findings.into_iter();
    found.filter(|finding| finding.code == Rule::NotAChoice.code()).collect()
}

#[test]
fn words_are_those_of_the_parser() {
    let mut checked = 0;
    for section in SECTIONS {
        for key in section.keys {
            let Some(Takes::Words(words)) = vocabulary::of_key(section, key) else { continue };
            if *key == "spin" || (section.name == "[tags.<name>]" && *key == "type") {
                // A duration or this word; the word or the type of an entry: below.
                continue;
            }
            let refused = choices(section, key, "no_such_word");
            let said: Vec<&str> = refused.iter().map(|finding| finding.message.as_str()).collect();
            let [said] = said.as_slice() else { panic!("{} {key}: {said:?}", section.name) };
            let listed: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
            let (last, listed) = listed.split_last().unwrap_or((&"", &[]));
            assert_eq!(*last, "no_such_word", "{} {key}: {said}", section.name);
            // What only a table can say is not offered as a text.
            let listed: Vec<&&str> =
                listed.iter().filter(|word| *key != "homing" || **word != "drive").collect();
            assert_eq!(listed, words.iter().collect::<Vec<_>>(), "{} {key}: {said}", section.name);
            for word in words {
                assert_eq!(choices(section, key, word), [], "{} {key} = {word}", section.name);
            }
            checked += 1;
        }
    }
    assert!(checked > 15, "{checked}");
}

#[test]
fn types_of_entries_and_memory_are_taken() {
    let tag = SECTIONS.iter().find(|section| section.name == "[tags.<name>]").expect("there are tags");
    let Some(Takes::Words(words)) = vocabulary::of_key(tag, "type") else { panic!("a tag has a type") };
    let unknown = |word: &str| {
        let text = format!(
            "[cell]\nname = \"c\"\n[tasks.main]\ninterval = \"1ms\"\nprograms = [\"programs/press.rhai\"]\n\
             [devices]\ninputs = {{ type = \"EL1008\" }}\n[tags]\na = {{ input = \"inputs.channel_1\", type = \"{word}\" }}\n"
        );
        let report = config::load(files(text.as_bytes()));
        report.findings.iter().any(|finding| finding.code == Rule::NotAChoice.code())
    };
    assert!(unknown("no_such_word"));
    for word in words {
        assert!(!unknown(word), "{word}");
    }
}

#[test]
fn every_key_has_a_row_that_names_its_words() {
    for section in SECTIONS {
        for key in section.keys {
            let row = row(section, key).unwrap_or_else(|| panic!("{} {key} is on the page", section.name));
            let Some(Takes::Words(words)) = vocabulary::of_key(section, key) else { continue };
            // Ranges of types and lists of states are told in other words.
            if *key == "type" || *key == "acting" {
                continue;
            }
            for word in words {
                assert!(row.kind.contains(&format!("\"{word}\"")), "{} {key} {word}: {row:?}", section.name);
            }
        }
    }
}

#[test]
fn measures_are_units() {
    for unit in MEASURES {
        let text = format!(
            "[cell]\nname = \"c\"\n[tasks.main]\ninterval = \"1ms\"\nprograms = [\"programs/press.rhai\"]\n\
             [tags]\na = {{ type = \"f64\", unit = \"{unit}\" }}\n"
        );
        let report = config::load(files(text.as_bytes()));
        assert_eq!(report.render(config::Style::Plain), "", "{unit}");
    }
}

#[test]
fn paths_lead_to_sections() {
    let names = |document, path: &[&str]| -> Vec<&str> {
        vocabulary::sections(document, path).iter().map(|section| section.name).collect()
    };
    assert_eq!(names(Document::Cell, &[]), ["cell.toml"]);
    assert_eq!(names(Document::Cell, &["tags", "a", "b"]), ["[tags.<name>]"]);
    assert_eq!(names(Document::Cell, &["tags"]), [""; 0]);
    assert_eq!(names(Document::Cell, &["models", "m", "inputs"]).len(), 2);
    assert_eq!(names(Document::Description, &["inputs"]), ["models/<name>.toml [[inputs]]"]);
    assert_eq!(names(Document::Description, &["provenance"]), [""; 0]);
    let takes = |path: &[&str]| vocabulary::takes(Document::Cell, path);
    assert_eq!(takes(&["simulation", "plant", "tags", "pin"]), Some(Takes::Tag));
    assert_eq!(takes(&["axes", "ram", "drive"]), Some(Takes::Device));
    assert_eq!(takes(&["models", "m", "inputs", "while"]), Some(Takes::Tag));
    assert_eq!(takes(&[]), None);
}
