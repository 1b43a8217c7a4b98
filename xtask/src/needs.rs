//! What the tests use and cargo does not bring: Debian packages and Python modules.
//!
//! Nothing here may fail a run. What is missing is said, and the tests that need it say so once more.

use crate::{Places, run::run_quietly};
use std::{
    env,
    fs::{self},
    path::{Path, PathBuf},
    process::Command,
};

/// Program on the path → the Debian package that brings it, and what for.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("ip", "iproute2", "network namespaces for the bus over a veth pair"),
    ("python3", "python3-venv", "third-party EtherCAT peers"),
    ("qemu-x86_64", "qemu-user", "replay under an emulated older processor"),
    ("cyclictest", "rt-tests", "the jitter reference"),
    ("stress-ng", "stress-ng", "load during timing tests"),
];

/// Python modules, pinned: they are what the tests compare with.
const PYTHON_MODULES: &[&str] = &["pysoem==1.1.13"];

/// The ONNX standard's own tests of its operators: the last release of the package that has their data.
const ONNX_TESTS: &str = "onnx==1.22.0";

/// What models that run beside the cycle run in, and what the inline engine is compared with.
const ONNXRUNTIME: &str = "onnxruntime==1.24.4";

/// Variables for the tests, and a line for everything they will have to do without.
#[derive(Debug, Default)]
pub struct Provided {
    pub environment: Vec<(&'static str, PathBuf)>,
    pub missing: Vec<String>,
}

/// Look, install if allowed and possible, look again.
pub fn provide(places: &Places, install: bool) -> Provided {
    let mut provided = Provided::default();
    programs(install, &mut provided.missing);
    match python(places, install) {
        Ok(interpreter) => provided.environment.push(("SENSAI_PYTHON", interpreter)),
        Err(why) => provided.missing.push(format!("not available: {} ({why})", PYTHON_MODULES.join(", "))),
    }
    match onnx_tests(places, install) {
        Ok(folder) => provided.environment.push(("SENSAI_ONNX_TESTS", folder)),
        Err(why) => {
            provided
                .missing
                .push(format!("not available: the tests of the ONNX standard ({ONNX_TESTS}: {why})"));
        }
    }
    match onnxruntime(places, install) {
        Ok(folder) => provided.environment.push(("SENSAI_ONNXRUNTIME", folder)),
        Err(why) => {
            provided.missing.push(format!("not available: models beside the cycle ({ONNXRUNTIME}: {why})"));
        }
    }
    if let Err(why) = namespaces() {
        provided.missing.push(format!("not available: network namespaces ({why})"));
    }
    provided
}

fn programs(install: bool, missing: &mut Vec<String>) {
    let absent: Vec<_> = PROGRAMS.iter().filter(|(program, ..)| find(program).is_none()).collect();
    if absent.is_empty() {
        return;
    }
    let why = match apt_refusal(install) {
        Some(why) => why.to_owned(),
        None => apt(absent.iter().map(|(_, package, _)| *package)).err().unwrap_or_default(),
    };
    for (program, package, purpose) in absent.into_iter().filter(|(program, ..)| find(program).is_none()) {
        missing.push(format!("not available: {program}, for {purpose} (Debian package {package}: {why})"));
    }
}

/// Why packages cannot be installed.
pub fn apt_refusal(install: bool) -> Option<&'static str> {
    if !install {
        Some("--no-install was given")
    } else if find("apt-get").is_none() {
        Some("this system has no apt-get")
    } else if !is_root() {
        Some("installing needs root")
    } else {
        None
    }
}

/// Install Debian packages.
///
/// # Errors
/// The first of what went wrong; the others were tried.
pub fn apt<'a>(packages: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let apt = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(["-q", "-o", "DPkg::Lock::Timeout=120"]).args(words);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    let mut failure = run_quietly(apt(&["update"])).err();
    // One by one: a package this release does not have must not keep the others away.
    for package in packages {
        println!("installing the Debian package {package}");
        let installed = run_quietly(apt(&["install", "-y", "--no-install-recommends", package]));
        failure = failure.or(installed.err());
    }
    failure.map_or(Ok(()), Err)
}

/// An interpreter that has the modules: a virtual environment below the target directory, made once.
fn python(places: &Places, install: bool) -> Result<PathBuf, String> {
    let home = places.scratch.join("venv");
    let interpreter = home.join("bin").join("python");
    let stamp = home.join("sensai-modules");
    let wanted = PYTHON_MODULES.join("\n");
    let works = || imports(&interpreter, "pysoem");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) && works() {
        return Ok(interpreter);
    }
    if !install {
        return Err("--no-install was given".into());
    }
    println!("installing {}", PYTHON_MODULES.join(", "));
    make_environment(&home)?;
    let mut pip = Command::new(&interpreter);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PYTHON_MODULES);
    run_quietly(pip)?;
    if !works() {
        return Err("installed, but cannot be imported".into());
    }
    fs::write(&stamp, wanted).map_err(|error| format!("cannot write {}: {error}", stamp.display()))?;
    Ok(interpreter)
}

/// The folder with the data of the ONNX standard's tests. Only files are needed, so the package stays outside of the
/// environment and without what it depends on. Tests that are run by hand look in the same place.
fn onnx_tests(places: &Places, install: bool) -> Result<PathBuf, String> {
    unpacked(places, install, ONNX_TESTS, "onnx", "onnx/backend/test/data", "node")
}

/// The folder that `sensai` finds the library in.
fn onnxruntime(places: &Places, install: bool) -> Result<PathBuf, String> {
    let library = "onnxruntime/capi/libonnxruntime.so.1.24.4";
    unpacked(places, install, ONNXRUNTIME, "onnxruntime", "", library)
}

/// A package, without what it depends on, below the target directory; `place` in it, where `probe` has to be.
fn unpacked(
    places: &Places,
    install: bool,
    package: &str,
    folder: &str,
    place: &str,
    probe: &str,
) -> Result<PathBuf, String> {
    let home = places.scratch.join(folder);
    let data = if place.is_empty() { home.clone() } else { home.join(place) };
    let stamp = home.join("sensai-modules");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == package) && data.join(probe).exists() {
        return Ok(data);
    }
    if !install {
        return Err("--no-install was given".into());
    }
    println!("installing {package}");
    let environment = places.scratch.join("venv");
    let interpreter = environment.join("bin").join("python");
    if !interpreter.is_file() {
        make_environment(&environment)?;
    }
    let mut pip = Command::new(&interpreter);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade"]);
    pip.arg("--target").arg(&home).arg(package);
    run_quietly(pip)?;
    if !data.join(probe).exists() {
        return Err(format!("installed, but {probe} is not in it"));
    }
    fs::write(&stamp, package).map_err(|error| format!("cannot write {}: {error}", stamp.display()))?;
    Ok(data)
}

/// A virtual environment of Python, without anything in it.
///
/// # Errors
/// If there is no Python that can make one.
pub fn make_environment(home: &Path) -> Result<(), String> {
    let make = || {
        let mut command = Command::new(find("python3").unwrap_or_else(|| "python3".into()));
        command.args(["-m", "venv", "--clear"]).arg(home);
        run_quietly(command)
    };
    // Debian splits `venv` off from Python; without it the first try fails.
    make().or_else(|first| {
        if apt_refusal(true).is_some() {
            return Err(first);
        }
        apt(["python3-venv"].into_iter())?;
        make()
    })
}

fn imports(interpreter: &Path, module: &str) -> bool {
    let mut command = Command::new(interpreter);
    command.args(["-c", &format!("import {module}")]);
    run_quietly(command).is_ok()
}

/// Whether a network namespace with a veth pair can be made here.
fn namespaces() -> Result<(), String> {
    let ip = find("ip").ok_or("`ip` is not installed")?;
    let name = format!("sensai-probe-{}", std::process::id());
    let ip = |words: &[&str]| {
        let mut command = Command::new(&ip);
        command.args(words);
        run_quietly(command)
    };
    ip(&["netns", "add", &name])?;
    let veth = ip(&["-n", &name, "link", "add", "name", "bus0", "type", "veth", "peer", "name", "bus1"]);
    let gone = ip(&["netns", "delete", &name]);
    veth.and(gone)
}

/// The program's path. The administrator's folders are searched too: they are not on every user's path.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uid.and_then(|line| line.split_whitespace().nth(1)) == Some("0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(find("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(find("sensai-no-such-tool"), None);
    }

    #[test]
    fn nothing_is_installed_when_it_may_not() {
        assert_eq!(apt_refusal(false), Some("--no-install was given"));
        let scratch = env::temp_dir().join(format!("sensai-needs-{}", std::process::id()));
        let places = Places { workspace: scratch.clone(), target: scratch.clone(), scratch: scratch.clone() };
        assert_eq!(python(&places, false), Err("--no-install was given".into()));
        assert_eq!(onnx_tests(&places, false), Err("--no-install was given".into()));
        assert!(!scratch.exists());
    }
}
