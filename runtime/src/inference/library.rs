//! Where ONNX Runtime's library is, and the one environment that a process has of it.
//!
//! Nothing of it is linked: a computer without the library runs every cell whose models the inline engine covers.
#![allow(unsafe_code)]

use ort::environment::Environment;
use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// The version that `sensai setup onnxruntime` installs, and that tests compare with.
pub const VERSION: &str = "1.24.4";

/// Variables that name the library, or a folder it is somewhere in; the first that is set is taken.
pub const VARIABLES: [&str; 2] = ["SENSAI_ONNXRUNTIME", "ORT_DYLIB_PATH"];

/// Keeps the library from sending what it runs to its maker. It looks once, at its first use.
const TELEMETRY: &str = "ORT_DISABLE_TELEMETRY";

/// Below the folder that the wheel was unpacked in.
pub const PLACE_IN_WHEEL: &str = "onnxruntime/capi";

/// The library cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LibraryError {
    /// It is in none of the places.
    #[error(
        "ONNX Runtime is not installed: {looked}; get it with `sensai setup onnxruntime` (no network here: `sensai setup \
         onnxruntime --wheel FILE` with the PyPI wheel onnxruntime {VERSION}), or set SENSAI_ONNXRUNTIME to the path of \
         a libonnxruntime.so of version 1.24 or later"
    )]
    Missing {
        /// Where it was looked for.
        looked: String,
    },
    /// It is there, and does not work.
    #[error("ONNX Runtime in {} cannot be used: {why}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// The loader's words.
        why: String,
    },
    /// The process was not told to keep it silent.
    #[error("ONNX Runtime is not loaded without {TELEMETRY}=1 in the environment of the process")]
    Telemetry,
}

/// Forbid ONNX Runtime's telemetry, for this process and those it starts. To be called first of all: it does nothing
/// once there is a second thread, which could be reading the environment.
pub fn forbid_telemetry() {
    let threads = std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    if threads == 1 {
        // SAFETY: this is the only thread, so nobody reads the environment meanwhile, and nobody else can make a thread.
        unsafe { env::set_var(TELEMETRY, "1") };
    }
}

/// The folder that `sensai setup onnxruntime` unpacks the wheel into; `None` without a home.
pub fn install_folder() -> Option<PathBuf> {
    install_folder_of(env::var_os("XDG_DATA_HOME").as_deref(), env::var_os("HOME").as_deref())
}

fn install_folder_of(data: Option<&OsStr>, home: Option<&OsStr>) -> Option<PathBuf> {
    // Relative paths in XDG variables are to be ignored, says their specification.
    let data = data.map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || home.map(PathBuf::from).filter(|path| path.is_absolute());
    let data = data.or_else(|| Some(home()?.join(".local/share")))?;
    Some(data.join("sensai").join(format!("onnxruntime-{VERSION}")))
}

/// The library's file.
///
/// # Errors
/// [`LibraryError::Missing`], with the places.
pub fn find() -> Result<PathBuf, LibraryError> {
    find_with(
        &|name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from),
        install_folder(),
    )
}

fn find_with(
    variable: &dyn Fn(&str) -> Option<PathBuf>,
    installed: Option<PathBuf>,
) -> Result<PathBuf, LibraryError> {
    // A variable that is set is meant: what it names is not replaced by something else.
    if let Some((name, path)) = VARIABLES.iter().find_map(|name| Some((name, variable(name)?))) {
        let looked = || format!("{name} names {}, where it is not", path.display());
        return in_place(&path).ok_or_else(|| LibraryError::Missing { looked: looked() });
    }
    let Some(folder) = installed else {
        let looked = "there is neither SENSAI_ONNXRUNTIME nor a home folder".into();
        return Err(LibraryError::Missing { looked });
    };
    let looked = || format!("it is not in {}", folder.display());
    in_place(&folder).ok_or_else(|| LibraryError::Missing { looked: looked() })
}

/// The library, if `path` is it, or a folder that holds it, or one that the wheel was unpacked in.
pub fn in_place(path: &Path) -> Option<PathBuf> {
    if path.is_file() {
        return std::path::absolute(path).ok();
    }
    let folders = [path.join(PLACE_IN_WHEEL), path.to_path_buf()];
    let names = [format!("libonnxruntime.so.{VERSION}"), "libonnxruntime.so".to_owned()];
    let files = folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name)));
    files.into_iter().find(|file| file.is_file()).and_then(|file| std::path::absolute(file).ok())
}

/// The environment of this process, made at first use; not to be called by a real-time thread, whose policy the
/// library's own threads would inherit.
///
/// # Errors
/// The same at every call: a process has one try.
pub fn environment() -> Result<&'static Environment, LibraryError> {
    static ENVIRONMENT: OnceLock<Result<Environment, LibraryError>> = OnceLock::new();
    ENVIRONMENT.get_or_init(load).as_ref().map_err(Clone::clone)
}

fn load() -> Result<Environment, LibraryError> {
    let path = find()?;
    if env::var_os(TELEMETRY).is_none_or(|value| value != "1") {
        return Err(LibraryError::Telemetry);
    }
    let refused = |why: String| LibraryError::Refused { path: path.clone(), why };
    let builder = ort::init_from(&path).map_err(|error| refused(error.to_string()))?;
    let built = builder.with_name("sensai").with_telemetry(false).build();
    built.map_err(|error| refused(error.to_string()))
}

/// What the loaded library says about itself; call [`environment`] before.
pub fn build_info() -> &'static str {
    ort::info()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_installed_below_the_users_data() {
        let place = |data: Option<&str>, home: Option<&str>| {
            install_folder_of(data.map(OsStr::new), home.map(OsStr::new))
                .map(|path| path.display().to_string())
        };
        assert_eq!(place(Some("/data"), Some("/users/a")).unwrap(), "/data/sensai/onnxruntime-1.24.4");
        let fallback = "/users/a/.local/share/sensai/onnxruntime-1.24.4";
        assert_eq!(place(None, Some("/users/a")).unwrap(), fallback);
        assert_eq!(place(Some("relative"), Some("/users/a")).unwrap(), fallback);
        assert_eq!((place(None, None), place(None, Some(""))), (None, None));
    }

    #[test]
    fn a_variable_is_meant_and_a_folder_will_do() {
        let folder = tempfile::tempdir().unwrap();
        let (installed, other) = (folder.path().join("installed"), folder.path().join("other"));
        let file = |folder: &Path| folder.join(PLACE_IN_WHEEL).join("libonnxruntime.so.1.24.4");
        for place in [&installed, &other] {
            std::fs::create_dir_all(place.join(PLACE_IN_WHEEL)).unwrap();
            std::fs::write(file(place), "").unwrap();
        }
        let find = |value: Option<&Path>| {
            let variable = |name: &str| value.filter(|_| name == "ORT_DYLIB_PATH").map(PathBuf::from);
            find_with(&variable, Some(installed.clone()))
        };
        assert_eq!(find(None), Ok(file(&installed)));
        assert_eq!(find(Some(&other)), Ok(file(&other)));
        assert_eq!(find(Some(&file(&other))), Ok(file(&other)));
        let text = find(Some(&folder.path().join("nothing"))).unwrap_err().to_string();
        for part in ["ORT_DYLIB_PATH names", "sensai setup onnxruntime", "--wheel"] {
            assert!(text.contains(part), "{text}");
        }
        let nowhere = find_with(&|_| None, Some(folder.path().join("nothing"))).unwrap_err();
        assert!(nowhere.to_string().contains("nothing"), "{nowhere}");
    }
}
