//! `cargo xtask script-mutants`: mistakes in the code generator, one at a time, and whether the comparison of the tiers
//! finds them.
//!
//! The tracked files are copied, a mistake is made in the copy, `script-fuzz` is built from it and runs its seeds: a
//! difference, a crash or a run without end kills the mutant. The project itself is not touched, and holds no hooks.

mod table;

use crate::{Places, clock::Stopwatch, run, steps};
use clap::Args;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A mistake: text that stands once in a file, and what stands there instead.
pub struct Mutant {
    /// What is wrong with it.
    pub name: &'static str,
    /// Below `scripts/src/native`.
    pub file: &'static str,
    pub from: &'static str,
    pub to: &'static str,
    /// Why no program can tell the difference, if that is so.
    pub equivalent: Option<&'static str>,
}

const FOLDER: &str = "scripts/src/native";

#[derive(Args)]
pub struct MutantArguments {
    /// Only mutants whose name contains one of these
    names: Vec<String>,
    /// Seeds that a mutant may survive
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// List the mutants and stop
    #[arg(long)]
    list: bool,
}

/// What became of a mutant.
enum End {
    /// It was found out, by what.
    Killed(&'static str),
    Survived,
    /// There is no such mutant any more.
    Stale(String),
}

/// Share of the mutants, in percent, that must be found out.
const KILLED_LEAST: usize = 95;

/// For building a mutant.
const BUILD_LIMIT: Duration = Duration::from_mins(20);
/// For its seeds; a program that does not end is found out, too.
const RUN_LIMIT: Duration = Duration::from_mins(5);

/// Make all mutants, and say which of them were found out.
///
/// # Errors
/// The copy cannot be made, or the project itself fails.
pub fn script_mutants(places: &Places, arguments: &MutantArguments) -> Result<bool, String> {
    let wanted = |mutant: &&Mutant| {
        arguments.names.is_empty() || arguments.names.iter().any(|name| mutant.name.contains(name))
    };
    let mutants: Vec<&Mutant> = table::MUTANTS.iter().filter(wanted).collect();
    if arguments.list {
        mutants.iter().for_each(|mutant| println!("{}: {}", mutant.file, mutant.name));
        return Ok(true);
    }
    let watch = Stopwatch::start();
    let nursery = Nursery::new(places)?;
    if !matches!(nursery.trial(arguments.seeds)?, End::Survived) {
        return Err("the project itself does not pass; mutants of it would say nothing".to_owned());
    }
    let mut ends = Vec::with_capacity(mutants.len());
    for mutant in &mutants {
        let end = nursery.try_one(mutant, arguments.seeds)?;
        println!("{:<9} {}: {}", word(&end), mutant.file, mutant.name);
        ends.push(end);
    }
    Ok(report(&mutants, &ends, &watch.read().to_string()))
}

fn word(end: &End) -> &'static str {
    match end {
        End::Killed(_) => "killed",
        End::Survived => "survived",
        End::Stale(_) => "stale",
    }
}

fn report(mutants: &[&Mutant], ends: &[End], time: &str) -> bool {
    let (mut killed, mut telling, mut good) = (0, 0, true);
    for (mutant, end) in mutants.iter().zip(ends) {
        telling += usize::from(mutant.equivalent.is_none());
        match (end, mutant.equivalent) {
            (End::Killed(_), None) => killed += 1,
            (End::Killed(by), Some(why)) => {
                println!("{} was thought to be equivalent ({why}), and was killed by {by}", mutant.name);
                good = false;
            }
            (End::Survived, Some(why)) => println!("equivalent: {}: {why}", mutant.name),
            (End::Survived, None) => println!("survived: {}: {}", mutant.file, mutant.name),
            (End::Stale(why), _) => {
                println!("stale: {}: {why}", mutant.name);
                good = false;
            }
        }
    }
    println!("{killed} of {telling} mutants killed, {} equivalent ones, in {time}", mutants.len() - telling);
    good && killed * 100 >= telling * KILLED_LEAST
}

/// A copy of the project in which mistakes are made.
struct Nursery<'a> {
    places: &'a Places,
    tree: PathBuf,
}

impl<'a> Nursery<'a> {
    fn new(places: &'a Places) -> Result<Self, String> {
        let tree = places.scratch.join("mutants/tree");
        let nursery = Self { places, tree };
        nursery.copy()?;
        Ok(nursery)
    }

    /// All tracked files; those that are the same already keep their times, so that little is built anew.
    fn copy(&self) -> Result<(), String> {
        let listed = Command::new("git").current_dir(&self.places.workspace).args(["ls-files", "-z"]).output();
        let listed = listed.map_err(|error| format!("cannot start git: {error}"))?;
        for name in String::from_utf8_lossy(&listed.stdout).split('\0').filter(|name| !name.is_empty()) {
            let from = self.places.workspace.join(name);
            // A file that was deleted and not committed is still listed.
            if let Ok(bytes) = fs::read(&from) {
                write(&self.tree.join(name), &bytes)?;
            }
        }
        Ok(())
    }

    fn try_one(&self, mutant: &Mutant, seeds: u64) -> Result<End, String> {
        let file = self.tree.join(FOLDER).join(mutant.file);
        let text = read(&file)?;
        let Some(wrong) = changed(&text, mutant) else {
            return Ok(End::Stale("what it replaces does not stand exactly once in its file".to_owned()));
        };
        write(&file, wrong.as_bytes())?;
        let end = self.trial(seeds);
        write(&file, text.as_bytes())?;
        end
    }

    fn trial(&self, seeds: u64) -> Result<End, String> {
        let log = self.places.scratch.join("mutants/log.txt");
        let mut build = self.cargo();
        build.args(["build", "--quiet", "-p", "script-fuzz", "--bin", "script-fuzz"]);
        let built = run::run(build, &log, BUILD_LIMIT)?;
        if !built.success {
            return Ok(End::Stale(format!("it does not compile, see {}", log.display())));
        }
        let mut command = Command::new(self.places.scratch.join("mutants/target/debug/script-fuzz"));
        command.args(["--first", "--seeds", &seeds.to_string()]);
        let ran = run::run(command, &log, RUN_LIMIT)?;
        let text = read(&log)?;
        Ok(match (ran.timed_out, ran.success) {
            (true, _) => End::Killed("a run without end"),
            (false, true) => End::Survived,
            (false, false) if text.contains(" differs ") => End::Killed("a difference"),
            (false, false) => End::Killed("a crash"),
        })
    }

    /// Cargo in the copy. With its own checks on, the code generator would find many of the mistakes by itself.
    fn cargo(&self) -> Command {
        let mut command = steps::cargo(self.places);
        command.current_dir(&self.tree).env("CARGO_PROFILE_DEV_DEBUG_ASSERTIONS", "false");
        command.env("CARGO_TARGET_DIR", self.places.scratch.join("mutants/target"));
        command
    }
}

/// The text with the mistake; none if its place is not found, or more than one.
fn changed(text: &str, mutant: &Mutant) -> Option<String> {
    (text.matches(mutant.from).count() == 1).then(|| text.replace(mutant.from, mutant.to))
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), String> {
    if fs::read(file).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let folder = file.parent().map_or(Ok(()), fs::create_dir_all);
    folder.and_then(|()| fs::write(file, bytes)).map_err(|error| format!("cannot write {}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who changes the code generator sees at once which mistakes are to be written anew.
    #[test]
    fn every_mutant_is_one_change_in_its_file() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FOLDER);
        assert!(table::MUTANTS.len() >= 40);
        let mut stale = Vec::new();
        for mutant in table::MUTANTS {
            let text = read(&folder.join(mutant.file)).unwrap_or_default();
            if changed(&text, mutant).is_none() {
                stale.push(format!("{}: {}", mutant.file, mutant.name));
            }
        }
        assert!(stale.is_empty(), "to be adapted in xtask/src/mutants/table.rs: {stale:#?}");
    }
}
