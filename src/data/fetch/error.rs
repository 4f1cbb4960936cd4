//! Why a download ended without a file, which exit code that is, and whether another mirror is worth a try.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::sha256::Digest;
use crate::util::stop::Stopped;
use crate::util::units;

/// A download that failed. Addresses are shown without user names, passwords and query values.
#[derive(Debug, Error)]
pub enum FetchError {
    /// A signal requested a stop; everything received is on disk and will be used by the next start.
    #[error(transparent)]
    Stopped(#[from] Stopped),

    /// The configured address can't be downloaded from.
    #[error("{text} can't be downloaded from: {reason}")]
    Address {
        /// The text, without secrets.
        text: String,
        /// What is wrong with it and what to write instead.
        reason: String,
    },

    /// The server refused in a way that waiting won't change.
    #[error("{address} answered {status}: {reason}")]
    Refused {
        /// Where.
        address: String,
        /// The HTTP status.
        status: u16,
        /// What the status means for the reader.
        reason: &'static str,
    },

    /// Google Drive's limit for this file is used up.
    #[error(
        "{address}: the download quota of this file on Google Drive is used up; start again within 24 hours, when it is \
         renewed, or give another source (a copy of the file in your own Drive has a quota of its own)"
    )]
    Quota {
        /// Where.
        address: String,
    },

    /// The file is only for signed-in users.
    #[error("{address} requires signing in: share it with \"anyone with the link\", or give another source")]
    SignIn {
        /// Where.
        address: String,
    },

    /// No file has this id.
    #[error("{address} does not exist, was deleted, or was never shared: check the id, or give another source")]
    Gone {
        /// Where.
        address: String,
    },

    /// A Google document has no bytes of its own to download.
    #[error("{address} is a Google document, not a file: export it, share the exported file, and give its id")]
    Document {
        /// Where.
        address: String,
    },

    /// Google Drive shows an error page in unknown words.
    #[error("{address}: Google Drive refuses the file: {caption:?}")]
    DrivePage {
        /// Where.
        address: String,
        /// The page's own words.
        caption: String,
    },

    /// The confirmation page was sent repeatedly.
    #[error(
        "{address}: Google Drive keeps answering with its virus scan page; download the file by hand and give \
         it as `path`"
    )]
    ScanPage {
        /// Where.
        address: String,
    },

    /// A web page was sent instead of a data file.
    #[error("{address} sent a web page{} instead of a data file: give the address of the file itself", titled(title))]
    WebPage {
        /// Where.
        address: String,
        /// The page's title; empty if it has none.
        title: String,
    },

    /// The network failed until the budget of tries was used up.
    #[error(
        "{address} could not be reached {}: {cause}; {}start again when the network is back",
        after(*tries, *waited),
        kept(*held)
    )]
    Unreachable {
        /// Where.
        address: String,
        /// The last failure.
        cause: String,
        /// Tries in a row without progress.
        tries: u32,
        /// Time waited between them.
        waited: Duration,
        /// Bytes on disk for the next start.
        held: u64,
    },

    /// No server has the name in the address.
    #[error("{address}: {cause}; check the address for a typing error, or give another source")]
    NoHost {
        /// Where.
        address: String,
        /// What the system says.
        cause: String,
    },

    /// The server refused until the budget of tries was used up.
    #[error(
        "{address} still refuses {}: {cause}; {}try again later, or give another source",
        after(*tries, *waited),
        kept(*held)
    )]
    Busy {
        /// Where.
        address: String,
        /// The last failure.
        cause: String,
        /// Tries in a row without progress.
        tries: u32,
        /// Time waited between them.
        waited: Duration,
        /// Bytes on disk for the next start.
        held: u64,
    },

    /// The end of the body can't be distinguished from a broken connection, and no digest or size is known.
    #[error(
        "{address} sends neither a length nor an end marker, so a truncated file would go unnoticed: add `sha256` or \
         `size_bytes` to this source"
    )]
    NoLength {
        /// Where.
        address: String,
    },

    /// The file does not have the configured size.
    #[error("{address} has {found} bytes, expected {expected}: it is another file, or `size_bytes` is wrong")]
    Size {
        /// Where.
        address: String,
        /// What the server has.
        found: u64,
        /// `size_bytes`.
        expected: u64,
    },

    /// The file does not have the configured digest, even when fetched again.
    #[error(
        "{address} has SHA-256 {found}, expected {expected}, also when fetched a second time: it is another file, or \
         `sha256` is wrong; the download is kept as {}",
        quarantine.display()
    )]
    Digest {
        /// Where.
        address: String,
        /// The digest of the download.
        found: Digest,
        /// `sha256`.
        expected: Digest,
        /// Its current place.
        quarantine: PathBuf,
    },

    /// A shared folder that can't become files.
    #[error("Google Drive folder {folder}: {reason}")]
    Folder {
        /// The folder's title or id.
        folder: String,
        /// What is wrong with it and what to do.
        reason: String,
    },

    /// The disk has no space for what is still missing.
    #[error(
        "{} has {} free, {} more are needed: make room there or choose another data.root",
        folder.display(),
        units::bytes(*free),
        units::bytes(*needed)
    )]
    Space {
        /// The place of the file.
        folder: PathBuf,
        /// The free space there.
        free: u64,
        /// The missing bytes, with a reserve.
        needed: u64,
    },

    /// The disk failed.
    #[error(transparent)]
    Fs(#[from] FsError),

    /// The network part of the program could not be set up.
    #[error("could not set up the network client: {0}")]
    Setup(String),
}

fn after(tries: u32, waited: Duration) -> String {
    format!("after {} in {}", units::count(u64::from(tries), "attempt"), units::duration(waited))
}

fn kept(held: u64) -> String {
    if held == 0 { String::new() } else { format!("{} are kept; ", units::bytes(held)) }
}

fn titled(title: &str) -> String {
    if title.is_empty() { String::new() } else { format!(" ({title:?})") }
}

impl FetchError {
    /// The exit code of the program that ends with this error.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Stopped(stopped) => stopped.exit(),
            Self::Address { .. } => Exit::Configuration,
            Self::Refused { .. }
            | Self::SignIn { .. }
            | Self::Gone { .. }
            | Self::Document { .. }
            | Self::DrivePage { .. }
            | Self::ScanPage { .. }
            | Self::NoHost { .. }
            | Self::Busy { .. } => Exit::SourceUnreachable,
            Self::WebPage { .. }
            | Self::NoLength { .. }
            | Self::Size { .. }
            | Self::Digest { .. }
            | Self::Folder { .. } => Exit::DataRefused,
            Self::Quota { .. } | Self::Unreachable { .. } => Exit::TryAgain,
            Self::Space { .. } => Exit::DiskIo,
            Self::Fs(error) => error.exit(),
            Self::Setup(_) => Exit::Bug,
        }
    }

    /// Whether another mirror may succeed: always, unless this machine or a signal is the reason.
    #[must_use]
    pub fn next_mirror(&self) -> bool {
        !matches!(self, Self::Stopped(_) | Self::Space { .. } | Self::Fs(_) | Self::Setup(_))
    }
}
