//! What it costs to look at a program, part by part: median milliseconds over rounds in which the parts take turns.
//!
//! `cargo run --release -p sensai-scripts --example analysis_cost -- CELL PROGRAM [rounds [part]]`
//!
//! A cell's directory, and a program's path in it. Each is measured with one more comment, and with a half typed line in its last
//! function, as most keystrokes leave it; `again` is what an editor does, that knows the program as it was before.

use sensai_model::{
    Cell,
    cell::{Limits, ProgramSource},
    config,
};
use sensai_scripts::{
    Before, Reach, Role, ScriptEnvironment, analyse, analyse_again, load_native, ranges, syntax,
};
use std::{
    env,
    error::Error,
    fs, hint,
    path::Path,
    time::{Duration, Instant},
};

#[allow(clippy::disallowed_methods)] // A measurement reads a clock.
fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let made = hint::black_box(work());
    let took = start.elapsed();
    drop(made);
    took
}

fn environment(cell: &Cell, limits: Limits) -> ScriptEnvironment<'_> {
    ScriptEnvironment {
        tags: &cell.tags,
        parameters: &cell.parameters,
        limits,
        program_index: 0,
        role: Role::Controller,
        reach: Reach::of(cell, 0),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [cell, path, more @ ..] = &arguments[..] else { return Err("usage: CELL PROGRAM [rounds]".into()) };
    let rounds: usize = more.first().map_or(Ok(20), |rounds| rounds.parse())?;
    let read = |name: &str| fs::read(Path::new(cell).join(name)).map_err(|error| error.to_string());
    let text = String::from_utf8(read(path)?)?;
    let name = Path::new(path).file_stem().and_then(|name| name.to_str()).unwrap_or("program").to_owned();
    let report = config::load(read);
    let cell = report.cell.ok_or("the cell has errors: see `sensai check`")?;
    let limits = cell.tasks().next().ok_or("the cell has no task")?.limits;
    let environment = environment(&cell, limits);
    let end = text.trim_end().rfind('}').unwrap_or(text.len());
    let typed = format!("{}    let half = nothing.\n{}", &text[..end], &text[end..]);
    let commented = format!("{}    // a comment\n{}", &text[..end], &text[end..]);
    let first = ProgramSource::new(&name, path, text.as_str());
    let known = analyse(&first, &environment);
    let before = Before { source: &first, analysed: &known };
    for (what, text) in [("as it is", commented), ("half typed", typed)] {
        let program = ProgramSource::new(&name, path, text.as_str());
        let looked = analyse(&program, &environment);
        let mut times: Vec<(&str, Vec<Duration>)> =
            vec![("parse", Vec::new()), ("reparse", Vec::new()), ("all", Vec::new()), ("again", Vec::new())];
        if looked.hir.is_some() {
            times.extend(["ranges", "proofs", "loaded"].map(|part| (part, Vec::new())));
        }
        times.retain(|(part, _)| more.get(1).is_none_or(|wanted| wanted == part));
        for _ in 0..rounds {
            for (part, all) in &mut times {
                all.push(match *part {
                    "parse" => time(|| syntax::parse(&text)),
                    "reparse" => {
                        time(|| known.trees.first().map(|tree| syntax::reparse(&text, &first.text, tree)))
                    }
                    "again" => time(|| analyse_again(&program, &environment, before)),
                    "all" => time(|| analyse(&program, &environment)),
                    "proofs" => time(|| looked.hir.as_ref().map(|hir| ranges::prove(hir, &environment))),
                    "loaded" => time(|| load_native(&program, &environment)),
                    _ => time(|| looked.hir.as_ref().map(|hir| ranges::examine(hir, &environment))),
                });
            }
        }
        println!("{what}: {} lines, {} findings", text.lines().count(), looked.findings.len());
        for (part, mut all) in times {
            all.sort_unstable();
            let median = all.get(all.len() / 2).copied().unwrap_or_default();
            println!("    {part:8} {:8.2} ms", median.as_secs_f64() * 1e3);
        }
    }
    Ok(())
}
