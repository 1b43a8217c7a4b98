//! `cargo xtask script-mutants`: mistakes in the code generator, one at a time, and whether the comparison of the tiers
//! finds them.
//!
//! The tracked files are copied, and all mistakes are written into the copy side by side, each asked for by its number
//! when the code generator runs. So one build serves them all: `script-fuzz` is started once for each mistake, and a
//! difference, a crash or a run without end is what finds it. The project itself holds no hooks.

mod table;

use crate::{Places, clock::Stopwatch, run, steps};
use clap::Args;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A mistake: a place in the text of the project, and what stands there instead.
pub struct Mutant {
    /// What is wrong with it.
    pub name: &'static str,
    /// Below `scripts/src`.
    pub file: &'static str,
    /// Text that stands once in the file, with `«what is there¦what is there by mistake»` in it. Both are expressions or
    /// statements.
    pub text: &'static str,
    /// Why no program can tell the difference, if that is so.
    pub equivalent: Option<&'static str>,
}

const FOLDER: &str = "scripts/src";

/// What the copy asks whether a mistake is made. No number: none is.
const CHOICE: &str = r#"//! Which mistake is made in this run.

use std::sync::OnceLock;

pub(crate) fn is(number: u32) -> bool {
    static CHOSEN: OnceLock<Option<u32>> = OnceLock::new();
    let read = || std::env::var("SCRIPT_MUTANT").ok()?.parse().ok();
    *CHOSEN.get_or_init(read) == Some(number)
}
"#;

#[derive(Args)]
pub struct MutantArguments {
    /// Only mutants whose name contains this; may be given more than once
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Seeds that a mutant may survive
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// Say it in JSON
    #[arg(long)]
    json: bool,
    /// List the mutants and stop
    #[arg(long)]
    list: bool,
}

/// What became of a mutant.
enum End {
    /// The difference that a seed shows: its first line.
    Differs(String),
    Crashed,
    Endless,
    Survived,
}

/// Share of the mutants, in percent, that must be found out.
const KILLED_LEAST: usize = 95;

/// For building all of them at once.
const BUILD_LIMIT: Duration = Duration::from_mins(40);
/// For the seeds of the project itself.
const RUN_LIMIT: Duration = Duration::from_mins(10);
/// For those of a mutant, in times of what the project itself took: a program that does not end is found out, too.
const RUN_TIMES: f64 = 8.0;
/// But at least this.
const RUN_LEAST: Duration = Duration::from_secs(20);

/// Make all mutants, and say which of them were found out.
///
/// # Errors
/// A mutant has no place any more, the copy cannot be built, or the project itself fails.
pub fn script_mutants(places: &Places, arguments: &MutantArguments) -> Result<bool, String> {
    let wanted = |(_, mutant): &(u32, &'static Mutant)| {
        arguments.only.is_empty() || arguments.only.iter().any(|name| mutant.name.contains(name.as_str()))
    };
    let mutants: Vec<(u32, &Mutant)> = (0..).zip(table::MUTANTS).filter(wanted).collect();
    if arguments.list {
        mutants.iter().for_each(|(_, mutant)| println!("{}: {}", mutant.file, mutant.name));
        return Ok(true);
    }
    let watch = Stopwatch::start();
    let nursery = Nursery::new(places, arguments.seeds)?;
    let alone = Stopwatch::start();
    match nursery.trial(None, RUN_LIMIT)? {
        End::Survived => {}
        end => return Err(format!("without a mutant it does not pass either: {}", said(&end))),
    }
    let limit = Duration::from_secs_f64(alone.read().0 * RUN_TIMES).max(RUN_LEAST);
    let mut ends = Vec::with_capacity(mutants.len());
    for (number, mutant) in &mutants {
        let end = nursery.trial(Some(*number), limit)?;
        if !arguments.json {
            println!("{}: {}: {}", mutant.file, mutant.name, said(&end));
        }
        ends.push((*mutant, end));
    }
    let (good, summary) = judged(&ends);
    if arguments.json {
        println!("{}", json(&ends, &summary));
    } else {
        summary.iter().for_each(|line| println!("{line}"));
        println!("in {}", watch.read());
    }
    Ok(good)
}

fn said(end: &End) -> String {
    match end {
        End::Differs(how) => format!("killed by {how}"),
        End::Crashed => "killed by a crash".to_owned(),
        End::Endless => "killed by a run without end".to_owned(),
        End::Survived => "survived".to_owned(),
    }
}

/// Are enough of them found out, and what is there to say?
fn judged(ends: &[(&Mutant, End)]) -> (bool, Vec<String>) {
    let (mut killed, mut telling, mut lines, mut good) = (0, 0, Vec::new(), true);
    for (mutant, end) in ends {
        telling += usize::from(mutant.equivalent.is_none());
        match (end, mutant.equivalent) {
            (End::Survived, Some(why)) => lines.push(format!("equivalent: {}: {why}", mutant.name)),
            (End::Survived, None) => lines.push(format!("survived: {}: {}", mutant.file, mutant.name)),
            (_, None) => killed += 1,
            (end, Some(why)) => {
                let said = said(end);
                lines.push(format!("{} was thought to be equivalent ({why}), but was {said}", mutant.name));
                good = false;
            }
        }
    }
    let equivalent = ends.len() - telling;
    lines.push(format!("{killed} of {telling} mutants killed; {equivalent} more are equivalent"));
    (good && killed * 100 >= telling * KILLED_LEAST, lines)
}

fn json(ends: &[(&Mutant, End)], summary: &[String]) -> serde_json::Value {
    let mutants = ends.iter().map(|(mutant, end)| {
        serde_json::json!({
            "name": mutant.name,
            "file": mutant.file,
            "killed": !matches!(end, End::Survived),
            "by": said(end),
            "equivalent": mutant.equivalent,
        })
    });
    serde_json::json!({ "mutants": mutants.collect::<Vec<_>>(), "summary": summary })
}

/// A copy of the project in which the mistakes are.
struct Nursery<'a> {
    places: &'a Places,
    seeds: u64,
    log: PathBuf,
    target: PathBuf,
}

impl<'a> Nursery<'a> {
    fn new(places: &'a Places, seeds: u64) -> Result<Self, String> {
        let (tree, target) = (places.scratch.join("mutants/tree"), places.scratch.join("mutants/target"));
        let log = places.scratch.join("mutants/log.txt");
        copy(&places.workspace, &tree)?;
        let mut build = steps::cargo(places);
        build.args(["build", "--quiet", "--release", "-p", "script-fuzz", "--bin", "script-fuzz"]);
        build.current_dir(&tree).env("CARGO_TARGET_DIR", &target);
        match run::silently(build, &log, BUILD_LIMIT)? {
            built if built.success => Ok(Self { places, seeds, log, target }),
            _ => Err(format!("the copy with all mutants does not compile, see {}", log.display())),
        }
    }

    /// Run the seeds with a mistake, or without one.
    fn trial(&self, number: Option<u32>, limit: Duration) -> Result<End, String> {
        let mut command = Command::new(self.target.join("release/script-fuzz"));
        command.args(["--first", "--seeds", &self.seeds.to_string()]).current_dir(&self.places.workspace);
        if let Some(number) = number {
            command.env("SCRIPT_MUTANT", number.to_string());
        }
        let ran = run::silently(command, &self.log, limit)?;
        let text = read(&self.log)?;
        let difference = text.lines().find(|line| line.starts_with("seed ") && line.contains(" differs "));
        Ok(match (ran.timed_out, ran.success, difference) {
            (true, ..) => End::Endless,
            (false, true, _) => End::Survived,
            (false, false, Some(line)) => End::Differs(line.trim_end_matches(':').to_owned()),
            (false, false, None) => End::Crashed,
        })
    }
}

/// All tracked files, those with mistakes changed. What is the same already keeps its time, so that little is built anew.
fn copy(workspace: &Path, tree: &Path) -> Result<(), String> {
    let listed = Command::new("git").current_dir(workspace).args(["ls-files", "-z"]).output();
    let listed = listed.map_err(|error| format!("cannot start git: {error}"))?;
    let mut changed = changed_files(&workspace.join(FOLDER))?;
    for name in String::from_utf8_lossy(&listed.stdout).split('\0').filter(|name| !name.is_empty()) {
        let mistaken = Path::new(name).strip_prefix(FOLDER).ok().and_then(Path::to_str);
        if let Some(text) = mistaken.and_then(|name| changed.remove(name)) {
            write(&tree.join(name), text.as_bytes())?;
        } else if let Ok(bytes) = fs::read(workspace.join(name)) {
            // A file that was deleted and not committed is still listed.
            write(&tree.join(name), &bytes)?;
        }
    }
    if let Some(name) = changed.keys().next() {
        return Err(format!("{FOLDER}/{name} is no tracked file, but a mutant is to be made in it"));
    }
    let top = tree.join(FOLDER).join("lib.rs");
    let text = read(&top)?;
    write(&top, format!("#![allow(warnings)]\n{text}\nmod mutant;\n").as_bytes())?;
    write(&tree.join(FOLDER).join("mutant.rs"), CHOICE.as_bytes())
}

/// The files that mutants are made in, with all of them.
fn changed_files(folder: &Path) -> Result<BTreeMap<&'static str, String>, String> {
    let mut of_files: BTreeMap<&str, Vec<(u32, &Mutant)>> = BTreeMap::new();
    for (number, mutant) in (0..).zip(table::MUTANTS) {
        of_files.entry(mutant.file).or_default().push((number, mutant));
    }
    let changed = of_files.into_iter().map(|(name, mutants)| {
        let text = read(&folder.join(name))?;
        Ok((name, with_all(&text, &mutants)?))
    });
    changed.collect()
}

/// A text with all of its mistakes, each behind the question whether it is made.
fn with_all(text: &str, mutants: &[(u32, &Mutant)]) -> Result<String, String> {
    // By where they are; several may replace the same.
    let mut edits: BTreeMap<(usize, usize), String> = BTreeMap::new();
    for (number, mutant) in mutants {
        let (range, wrong) = place(text, mutant)
            .ok_or_else(|| format!("`{}` has no place in {} any more", mutant.name, mutant.file))?;
        let choice = edits.entry(range).or_default();
        choice.push_str(&format!("if crate::mutant::is({number}) {{ {wrong} }} else "));
    }
    let (mut made, mut end) = (String::new(), 0);
    for ((from, to), choice) in edits {
        let (Some(between), Some(right)) = (text.get(end..from), text.get(from..to)) else {
            return Err(format!("mutants overlap at `{}`", text.get(from..to).unwrap_or_default()));
        };
        made.push_str(&format!("{between}{{ {choice}{{ {right} }} }}"));
        end = to;
    }
    made.push_str(text.get(end..).unwrap_or_default());
    Ok(made)
}

/// Where a mistake is made, and what it says. None if its text does not stand there exactly once.
fn place(text: &str, mutant: &Mutant) -> Option<((usize, usize), &'static str)> {
    let (before, rest) = mutant.text.split_once('«')?;
    let (right, rest) = rest.split_once('¦')?;
    let (wrong, after) = rest.split_once('»')?;
    let whole = format!("{before}{right}{after}");
    let mut found = text.match_indices(&whole).map(|(at, _)| at + before.len());
    let at = found.next().filter(|_| found.next().is_none())?;
    Some(((at, at + right.len()), wrong))
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), String> {
    if fs::read(file).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let folder = file.parent().map_or(Ok(()), fs::create_dir_all);
    folder
        .and_then(|()| fs::write(file, bytes))
        .map_err(|error| format!("cannot write {}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who changes the code generator sees at once which mistakes are to be written anew.
    #[test]
    fn every_mutant_has_its_place() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FOLDER);
        let mut stale = Vec::new();
        for mutant in table::MUTANTS {
            let text = read(&folder.join(mutant.file)).unwrap_or_default();
            if place(&text, mutant).is_none() {
                stale.push(format!("{}: {}", mutant.file, mutant.name));
            }
        }
        assert!(stale.is_empty(), "to be adapted in xtask/src/mutants/table.rs: {stale:#?}");
        changed_files(&folder).expect("no two overlap");
        let telling = table::MUTANTS.iter().filter(|mutant| mutant.equivalent.is_none());
        assert!(telling.count() >= 40);
    }

    #[test]
    fn mistakes_stand_behind_questions() {
        let mutant = |text| Mutant { name: "", file: "", text, equivalent: None };
        let (one, two, three) = (mutant("a + «b¦c»"), mutant("a + «b¦d»"), mutant("«f();¦»"));
        let made = with_all("a + b; f();", &[(3, &one), (4, &two), (5, &three)]).expect("they fit");
        assert_eq!(
            made,
            "a + { if crate::mutant::is(3) { c } else if crate::mutant::is(4) { d } else { b } }; \
             { if crate::mutant::is(5) {  } else { f(); } }"
        );
        assert!(with_all("a + b; a + b;", &[(3, &one)]).is_err(), "it stands there twice");
        let overlapping = mutant("«a + b¦a»;");
        assert!(with_all("a + b;", &[(3, &one), (4, &overlapping)]).is_err());
    }
}
