//! Why a configuration could not be used, as shown to its author.

use std::io;
use std::path::PathBuf;

use crate::util::exit::Exit;
use crate::util::stop::Stopped;
use crate::util::units::count;

use super::diagnostic::Diagnostic;
use super::text::Texts;

/// More mistakes than this are counted but not shown: the file is then of another kind altogether.
const MOST_SHOWN: usize = 50;

/// Why a configuration could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file does not exist.
    #[error("error: there is no configuration file {}\n = help: {help}\n", path.display())]
    Missing {
        /// The requested file.
        path: PathBuf,
        /// What to do.
        help: String,
    },
    /// It is a folder.
    #[error("error: {} is a folder, not a configuration file\n = help: {help}\n", path.display())]
    Folder {
        /// The folder that was given.
        path: PathBuf,
        /// What to do.
        help: String,
    },
    /// It is not text.
    #[error("error: {} is not UTF-8 text: {reason}\n = help: save it as UTF-8\n", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Where it stops being text.
        reason: String,
    },
    /// It is too large for a configuration.
    #[error("error: {} is larger than {limit}, so it is no configuration file\n = help: give the path of a YAML file\n", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The largest size that is read.
        limit: String,
    },
    /// It could not be read.
    #[error("error: can't read {}: {source}\n", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A signal came while a pipe was waited for.
    #[error("error: {0}\n")]
    Stopped(Stopped),
    /// There are mistakes in it.
    #[error("{0}")]
    Mistakes(Mistakes),
}

impl ConfigError {
    /// The exit code of the program.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Stopped(stopped) => stopped.exit(),
            _ => Exit::Configuration,
        }
    }
}

/// All mistakes in a configuration, in the order of their places.
#[derive(Debug)]
pub struct Mistakes {
    texts: Texts,
    diagnostics: Vec<Diagnostic>,
}

impl Mistakes {
    /// The mistakes in these texts.
    #[must_use]
    pub fn new(texts: Texts, mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by(|a, b| a.place.cmp(&b.place));
        diagnostics.dedup();
        Self { texts, diagnostics }
    }

    /// Each mistake with its line in the file, if it has one.
    pub fn lines(&self) -> impl Iterator<Item = (Option<usize>, &Diagnostic)> {
        self.diagnostics.iter().map(|wrong| {
            let excerpt = wrong.place.as_ref().and_then(|place| self.texts.excerpt(place));
            (excerpt.filter(|found| found.text.numbered).map(|found| found.number), wrong)
        })
    }
}

impl std::fmt::Display for Mistakes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for wrong in self.diagnostics.iter().take(MOST_SHOWN) {
            writeln!(out, "{}", wrong.render(&self.texts))?;
        }
        if let Some(rest) = self.diagnostics.len().checked_sub(MOST_SHOWN + 1) {
            writeln!(out, "... and {} not shown\n", count(rest as u64 + 1, "mistake"))?;
        }
        let number = count(self.diagnostics.len() as u64, "mistake");
        writeln!(out, "error: {number} in the configuration")
    }
}
