//! Why an archive was not unpacked: refused data, a disk, or a stop. Nothing is decided here; the readers decide.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::name::NameProblem;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::stop::Stopped;
use crate::util::units;

/// An archive that could not be unpacked. Nothing of it is left on the disk.
#[derive(Debug, Error)]
pub enum UnpackError {
    /// The archive is damaged, hostile, or not an archive.
    #[error("{} is refused{}: {refusal}", archive.display(), describe_entry(entry.as_deref()))]
    Refused {
        /// The archive.
        archive: PathBuf,
        /// The entry in it, escaped and shortened for a message.
        entry: Option<String>,
        /// What is wrong.
        refusal: Refusal,
    },
    /// The file system has too little space.
    #[error(
        "{} has space for {} more, but the next file of {} alone takes {}; free some space or set data.root to another disk",
        folder.display(), units::bytes(*usable), archive.display(), units::bytes(*needed)
    )]
    NoSpace {
        /// The archive.
        archive: PathBuf,
        /// The folder that it was unpacked to.
        folder: PathBuf,
        /// Bytes of the entry that did not fit.
        needed: u64,
        /// Free bytes, less the reserve.
        usable: u64,
    },
    /// The destination is not empty.
    #[error("can't unpack into {}: it exists and is not empty; remove it or give the dataset another data.name", folder.display())]
    InTheWay {
        /// The destination.
        folder: PathBuf,
    },
    /// A file or folder could not be read or written.
    #[error(transparent)]
    Disk(#[from] FsError),
    /// A signal arrived.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl UnpackError {
    /// 65 for refused data, 73 or 74 for the disk, 130 or 143 for a signal.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Refused { .. } => Exit::DataRefused,
            Self::NoSpace { .. } => Exit::DiskIo,
            Self::InTheWay { .. } => Exit::OutputNotWritable,
            Self::Disk(error) => error.exit(),
            Self::Stopped(stopped) => stopped.exit(),
        }
    }

    /// Adds the entry at which it happened, if none is named yet.
    pub(super) fn at(mut self, raw_name: &[u8]) -> Self {
        if let Self::Refused { entry: entry @ None, .. } = &mut self {
            *entry = Some(printable(raw_name));
        }
        self
    }

    /// Names the archive.
    pub(super) fn of(mut self, path: &Path) -> Self {
        if let Self::Refused { archive, .. } | Self::NoSpace { archive, .. } = &mut self {
            path.clone_into(archive);
        }
        self
    }
}

impl From<Refusal> for UnpackError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused { archive: PathBuf::new(), entry: None, refusal }
    }
}

/// What is wrong with an archive.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Not an archive, or an unsupported one.
    #[error("it is {found}; {remedy}")]
    WrongKind {
        /// What it is.
        found: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// None of the known kinds.
    #[error("it is not a supported archive (first bytes {first}); give a tar, tar.gz, tar.zst, zip, gz or zst file")]
    UnknownKind {
        /// The first bytes in hexadecimal.
        first: String,
    },
    /// The archive's name says tar, but its content does not.
    #[error("its name ends in {suffix:?}, but its content is not a tar archive; fetch it again")]
    NotTar {
        /// The end of the name.
        suffix: &'static str,
    },
    /// A name that is not accepted.
    #[error("{0}")]
    Name(#[from] NameProblem),
    /// A kind of entry that is not accepted.
    #[error(
        "it is {0}, but only plain files and folders are accepted; pack the files themselves (tar --dereference --hard-dereference)"
    )]
    Special(&'static str),
    /// A sparse file.
    #[error("it is stored as a sparse file; pack it without tar's --sparse")]
    Sparse,
    /// A folder with content of its own.
    #[error("it is a folder, but {0} bytes of content are stored with it")]
    FolderWithContent(u64),
    /// The same name twice.
    #[error("the archive contains it twice (as {path:?}); only one of them could be kept")]
    Duplicate {
        /// The name under which both would be stored.
        path: String,
    },
    /// The same name for a file and for a folder.
    #[error("{path:?} is a file and a folder at once")]
    FileAndFolder {
        /// The name.
        path: String,
    },
    /// A name that this file system does not distinguish from another.
    #[error(
        "this file system does not distinguish it from another file of the archive; unpack on one that distinguishes upper and lower case"
    )]
    SameOnThisDisk,
    /// The archive ends too early.
    #[error("it is truncated: it ends within {within}; fetch it again")]
    Cut {
        /// The part in which it ends.
        within: &'static str,
    },
    /// The compressed data contradicts itself.
    #[error("its {format} data is damaged ({detail}); fetch it again")]
    Damaged {
        /// The format: "gzip", "zstd", "zip".
        format: &'static str,
        /// The decoder's message.
        detail: String,
    },
    /// A header that can't be read.
    #[error("{field} can't be read: {problem}; the archive is damaged, fetch it again")]
    Header {
        /// The header's field.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A checksum does not match.
    #[error("checksum of {what} is {got:08x}, expected {expected:08x}; the archive is damaged, fetch it again")]
    Checksum {
        /// What was summed.
        what: &'static str,
        /// The checksum of the data.
        got: u32,
        /// The checksum in the archive.
        expected: u32,
    },
    /// Data after the end of the archive.
    #[error("there is more data after the end of the archive; were two archives joined? give them one by one")]
    BehindEnd,
    /// A header larger than any legitimate one.
    #[error("{what} takes {bytes} bytes, more than the limit of {limit}")]
    HeaderTooLarge {
        /// Which header.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Too many entries.
    #[error("it contains more than {limit} entries (files, folders, header extensions), too many for its size")]
    TooManyEntries {
        /// The limit.
        limit: u64,
    },
    /// Too many long names.
    #[error("its names take more than {} in total", units::bytes(*limit))]
    NamesTooLong {
        /// The limit.
        limit: u64,
    },
    /// Too many bytes.
    #[error("it unpacks to more than the limit of {}", units::bytes(*limit))]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// A bomb.
    #[error("it unpacks to more than {} times its own size ({} and more)", ratio, units::bytes(*limit))]
    Bomb {
        /// The allowed ratio.
        ratio: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// No file in it.
    #[error("there is no file in it")]
    Empty,
    /// Two places of a zip archive disagree.
    #[error("its {0} differs between the entry and the archive's directory")]
    Mismatch(&'static str),
    /// Two entries of a zip archive share bytes.
    #[error("its data overlaps with another entry")]
    Overlap,
    /// An encrypted zip entry.
    #[error("it is encrypted; pack the archive without a password")]
    Encrypted,
    /// An unsupported zip compression method.
    #[error("it is compressed with zip method {0}; only stored (0) and deflate (8) are supported")]
    Method(u16),
}

/// A name as it may appear in a message: no control characters, not too long.
fn printable(raw_name: &[u8]) -> String {
    const LONGEST: usize = 120;
    let text = String::from_utf8_lossy(raw_name).escape_debug().to_string();
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

fn describe_entry(entry: Option<&str>) -> String {
    entry.map(|name| format!(" at entry \"{name}\"")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_archive_entry_and_reason_without_control_characters() {
        let error = UnpackError::from(Refusal::Special("a symbolic link")).at(b"a\x1b[2J\n").of(Path::new("d.tar"));
        assert_eq!(
            error.to_string(),
            "d.tar is refused at entry \"a\\u{1b}[2J\\n\": it is a symbolic link, but only plain files and folders are \
             accepted; pack the files themselves (tar --dereference --hard-dereference)"
        );
        assert_eq!(error.exit(), Exit::DataRefused);
    }

    #[test]
    fn a_name_of_a_megabyte_does_not_fill_the_message() {
        let error = UnpackError::from(Refusal::Sparse).at("ä".repeat(1_000_000).as_bytes());
        assert!(error.to_string().len() < 400);
    }
}
