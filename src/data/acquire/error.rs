//! Why a dataset is not there.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::data::fetch::FetchError;
use crate::data::manifest::ManifestError;
use crate::data::unpack::UnpackError;
use crate::util::exit::Exit;
use crate::util::failure::Failed;
use crate::util::fs::FsError;
use crate::util::lock::LockError;
use crate::util::sha256::Digest;
use crate::util::stop::Stopped;

/// A dataset that could not be fetched. What was downloaded is kept and used by the next start.
#[derive(Debug, Error)]
pub enum AcquireError {
    /// A download failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// An archive was refused or could not be written out.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// A manifest could not be read or written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file operation failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// Another worker is at work in the folder.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Interrupted by a signal.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The synthetic dataset could not be made.
    #[error("{section}: could not make the synthetic dataset: {failed}")]
    Synthetic {
        /// Where the dataset is configured.
        section: String,
        /// Why not.
        failed: Failed,
    },
    /// A local path leads nowhere.
    #[error("{} does not exist; correct {}{}", path.display(), key(section), relative(path))]
    NoSuchPath {
        /// The path.
        path: PathBuf,
        /// The section of the source, such as `data.source.0.path`.
        section: String,
    },
    /// A single file can't be used in place as a dataset.
    #[error("{} is one file of a dataset, not all of it; give the folder that holds all of its files, or an archive of that", path.display())]
    SingleFile {
        /// The file.
        path: PathBuf,
    },
    /// A local archive is not the expected one.
    #[error("{} has SHA-256 {got}, expected {expected}; fetch it again or correct {section}.sha256", path.display())]
    Digest {
        /// The archive.
        path: PathBuf,
        /// The section of the source, such as `data.source.0.path`.
        section: String,
        /// What it has.
        got: Digest,
        /// What was configured.
        expected: Digest,
    },
    /// The record of the dataset can't be used.
    #[error("{} can't be used: {reason}; remove it to fetch the dataset again", path.display())]
    Record {
        /// The record.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The folder holds the dataset of another source.
    #[error(
        "{} holds data from {held}{}, which is not among the configured sources; \
         give this dataset another data.name, or remove the folder",
        folder.display(),
        with_digest(*sha256)
    )]
    OtherSource {
        /// The dataset's folder.
        folder: PathBuf,
        /// The source of its data.
        held: String,
        /// The digest of the archive.
        sha256: Option<Digest>,
    },
    /// The list of the raw files can't be read.
    #[error("{reason}; remove {} to fetch the dataset again", folder.display())]
    RawManifest {
        /// The folder of raw files.
        folder: PathBuf,
        /// What is wrong with its manifest.
        reason: String,
    },
    /// Something that this program did not create is in the way.
    #[error(
        "{} exists but was not put there by fragua; move it away, or use it in place: data.source: [{{path: {{path: {}}}}}]",
        folder.display(),
        folder.display()
    )]
    InTheWay {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder that is used in place no longer exists.
    #[error("{} was used in place and is gone; mount or restore it, or correct data.source", path.display())]
    Gone {
        /// The folder.
        path: PathBuf,
    },
    /// No mirror had the dataset.
    #[error("none of the {} sources has the dataset: {}", failures.len(), Failures(failures))]
    AllFailed {
        /// Each source with what went wrong.
        failures: Vec<(String, AcquireError)>,
    },
}

/// All failures in one line.
struct Failures<'a>(&'a [(String, AcquireError)]);

impl fmt::Display for Failures<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (source, error)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(out, "{separator}({}) {source}: {error}", index + 1)?;
        }
        Ok(())
    }
}

impl AcquireError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Fetch(error) => error.exit(),
            Self::Unpack(error) => error.exit(),
            Self::Manifest(error) => error.exit(),
            Self::Fs(error) => error.exit(),
            Self::Lock(error) => error.exit(),
            Self::Stopped(stopped) => stopped.exit(),
            Self::Synthetic { failed, .. } => failed.exit(),
            Self::NoSuchPath { .. } | Self::Gone { .. } => Exit::SourceUnreachable,
            Self::SingleFile { .. } | Self::Digest { .. } | Self::RawManifest { .. } => Exit::DataRefused,
            Self::Record { .. } | Self::OtherSource { .. } | Self::InTheWay { .. } => Exit::Configuration,
            Self::AllFailed { failures } => worst(failures),
        }
    }

    /// The same error of the source in this section.
    #[must_use]
    pub fn of(self, section: &str) -> Self {
        let section = section.to_owned();
        match self {
            Self::NoSuchPath { path, .. } => Self::NoSuchPath { path, section },
            Self::Digest { path, got, expected, .. } => Self::Digest { path, section, got, expected },
            Self::Synthetic { failed, .. } => Self::Synthetic { section, failed },
            other => other,
        }
    }

    /// Whether another source is worth a try: not after a signal, nor if this machine is at fault.
    #[must_use]
    pub fn another_source_may_help(&self) -> bool {
        match self {
            Self::Fetch(error) => error.next_mirror(),
            Self::Unpack(error) => error.exit() == Exit::DataRefused,
            Self::NoSuchPath { .. } | Self::SingleFile { .. } | Self::Digest { .. } => true,
            _ => false,
        }
    }

    /// Whether the same source may have it later.
    #[must_use]
    pub fn patience_may_help(&self) -> bool {
        matches!(self, Self::Fetch(FetchError::Unreachable { .. } | FetchError::Busy { .. }))
    }
}

/// The key that leads nowhere: an address can be that of a file.
fn key(section: &str) -> String {
    format!("{section}.{}", if section.ends_with("url") { "href" } else { "path" })
}

fn relative(path: &Path) -> &'static str {
    if path.is_relative() { " (a relative path starts at the folder you are in)" } else { "" }
}

fn with_digest(sha256: Option<Digest>) -> String {
    sha256.map_or_else(String::new, |digest| format!(" with SHA-256 {digest}"))
}

/// If waiting may help with one of the sources, it may help with all. The order of the sources does not matter.
fn worst(failures: &[(String, AcquireError)]) -> Exit {
    let has = |code: &Exit| failures.iter().any(|(_, error)| error.exit() == *code);
    [Exit::TryAgain, Exit::SourceUnreachable, Exit::DataRefused].into_iter().find(has).unwrap_or(Exit::Configuration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_nowhere_names_the_key_that_says_it() {
        let missing = |path: &str| AcquireError::NoSuchPath { path: path.into(), section: String::new() };
        let text = missing("/nowhere/x.tar").of("data.source.1.url").to_string();
        assert_eq!(text, "/nowhere/x.tar does not exist; correct data.source.1.url.href");
        let text = missing("x.tar").of("data.source.0.path").to_string();
        let expected =
            "x.tar does not exist; correct data.source.0.path.path (a relative path starts at the folder you are in)";
        assert_eq!(text, expected);
    }
}
