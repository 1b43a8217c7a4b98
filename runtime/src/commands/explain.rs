//! `sensai explain`: the page about a finding's code.

use crate::cli::Explain;
use sensai_model::config::Rule;
use sensai_scripts::pages;
use std::process::ExitCode;

/// Exit code 1 if there is no such code.
pub fn run(arguments: &Explain) -> anyhow::Result<ExitCode> {
    let Some(code) = &arguments.code else {
        print!("{}", list());
        return Ok(ExitCode::SUCCESS);
    };
    match page(code) {
        Some(page) => print!("{page}"),
        None => anyhow::bail!("there is no code `{code}`; `sensai explain` lists all of them"),
    }
    Ok(ExitCode::SUCCESS)
}

fn page(code: &str) -> Option<String> {
    let of_cell = || {
        let rule = Rule::ALL.iter().find(|rule| rule.code().eq_ignore_ascii_case(code))?;
        let (code, text) = (rule.code(), rule.text());
        Some(format!(
            "# {code}: {text}\n\nA rule of `cell.toml`. The finding says what is expected and what was found; docs/cell-toml.md \
             describes every key.\n"
        ))
    };
    pages::page(code).map(str::to_owned).or_else(of_cell)
}

/// One line a code.
fn list() -> String {
    let of_cell = Rule::ALL.iter().map(|rule| (rule.code(), rule.text()));
    let of_programs = pages::codes().filter_map(|code| Some((code, pages::title(code)?)));
    of_cell.chain(of_programs).map(|(code, title)| format!("{code}  {title}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained() {
        assert!(page("s216").is_some_and(|page| page.starts_with("# S216: ")));
        assert!(page("R110").is_some() && page("c104").is_some_and(|page| page.starts_with("# C104: ")));
        assert_eq!(page("S999"), None);
        for line in list().lines() {
            let code = line.split_once("  ").map(|(code, _)| code).unwrap();
            assert!(page(code).is_some(), "{code}");
        }
    }
}
