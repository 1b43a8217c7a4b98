//! What keeps a model from being loaded.

use std::fmt;

/// One finding about a model file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The node, input or initializer it is about; `None` for the file.
    pub place: Option<String>,
    /// What is wrong: what stands there, what was expected.
    pub finding: String,
    /// Whether another engine may take the file.
    pub remedy: Remedy,
}

/// What to do about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The file is in order, but it needs what the inline engine does not have.
    UseOrt,
    /// No engine can run the file as it is.
    FixTheFile,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.finding)?;
        if self.remedy == Remedy::UseOrt {
            f.write_str("; use engine = \"ort\" for this model")?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadError {}

/// A finding whose place the caller knows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub finding: String,
    pub remedy: Remedy,
}

impl Refusal {
    pub(crate) fn at(self, place: Option<String>) -> LoadError {
        LoadError { place, finding: self.finding, remedy: self.remedy }
    }
}

/// In order by the standard, but not covered here.
pub(crate) fn unsupported(finding: impl Into<String>) -> Refusal {
    Refusal { finding: finding.into(), remedy: Remedy::UseOrt }
}

/// Against the standard.
pub(crate) fn broken(finding: impl Into<String>) -> Refusal {
    Refusal { finding: finding.into(), remedy: Remedy::FixTheFile }
}
