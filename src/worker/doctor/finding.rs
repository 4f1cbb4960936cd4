//! The result of a check: one line, and the remedy below it if something is wrong.

use serde::Serialize;

use crate::util::exit::Exit;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// All is well.
    Ok,
    /// Training can start, but not as well as it could, or not as intended.
    Warning,
    /// Training can't start.
    Failed,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked, in one word.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub text: String,
    /// What helps.
    pub remedy: Option<String>,
    /// The code that training would exit with because of it.
    #[serde(skip)]
    pub exit: Option<Exit>,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, text: text.into(), remedy: None, exit: None }
    }

    /// It could be better.
    pub fn warning(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Warning, remedy: Some(remedy.into()), ..Self::ok(check, text) }
    }

    /// Training can't start, and would end with this code.
    pub fn failed(check: &'static str, text: impl Into<String>, remedy: Option<String>, exit: Exit) -> Self {
        Self { level: Level::Failed, remedy, exit: Some(exit), ..Self::ok(check, text) }
    }
}
