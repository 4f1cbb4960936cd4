//! Why a mirror keeps a run from starting, from resuming, or from being restored.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::data::mirror::MirrorError;
use crate::train::run_folder::RunError;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::stop::Stopped;
use crate::util::units;

/// A mirror that prevents the start.
#[derive(Debug, Error)]
pub enum MirrorTrouble {
    /// Access is denied, or a file can't be written.
    #[error(transparent)]
    Store(#[from] MirrorError),
    /// It does not answer, and may hold the run.
    #[error(
        "{problem}; it may hold a run {name}, which must not start over: run the same command again later, or go without a \
         mirror with --set output.mirror=null"
    )]
    Unknown {
        /// The name of the run.
        name: String,
        /// What happened.
        problem: String,
    },
    /// It did not answer for long while the run was restored.
    #[error("{source}; what was downloaded of {name} is kept: run the same command again to continue")]
    Interrupted {
        /// The name of the run.
        name: String,
        /// What happened.
        source: MirrorError,
    },
    /// The disk has no room for the run.
    #[error(
        "{} has {} free, {} are needed to restore the run from its mirror; make room there, or choose another output.root",
        folder.display(),
        units::bytes(*free),
        units::bytes(*needed)
    )]
    NoRoom {
        /// The place of the run.
        folder: PathBuf,
        /// What it needs, with a reserve.
        needed: u64,
        /// What is free there.
        free: u64,
    },
    /// Two runs have one name.
    #[error(
        "{name} here and {name} in the mirror {mirror} are different runs: here {here}, there {there}; give this run \
         another --name, choose another prefix for output.mirror, or remove one of them"
    )]
    OtherRun {
        /// Their name.
        name: String,
        /// The mirror.
        mirror: String,
        /// When and where the local one was started.
        here: String,
        /// When and where the one in the mirror was started.
        there: String,
    },
    /// A folder that is not a run has the name of one.
    #[error(
        "{} holds no run.json, and the mirror {mirror} holds a run of that name; move the folder away, or give this run \
         another --name", folder.display()
    )]
    InTheWay {
        /// The folder.
        folder: PathBuf,
        /// The mirror.
        mirror: String,
    },
    /// Another worker copies there.
    #[error(
        "{name} in the mirror {mirror} is in use by {host} since {since}, last seen at {sign}; wait for it \
         to end (a worker that died counts as gone after {}), or give this run another --name",
        units::duration(*stale)
    )]
    Held {
        /// The name of the run.
        name: String,
        /// The mirror.
        mirror: String,
        /// The other worker.
        host: String,
        /// Since when.
        since: jiff::Timestamp,
        /// Its last heartbeat, by the service's clock.
        sign: jiff::Timestamp,
        /// How long it counts.
        stale: Duration,
    },
    /// Another worker has advanced it.
    #[error(
        "{name} in the mirror {mirror} was advanced meanwhile by another worker; what is here is kept: run the same \
         command again to resume from there"
    )]
    Moved {
        /// The name of the run.
        name: String,
        /// The mirror.
        mirror: String,
    },
    /// Another worker has taken over.
    #[error(
        "{host} has taken over {name} in the mirror {mirror} at {since}: this worker was away for too long; its \
         checkpoints here are kept. Stop the other one before you run the same command again"
    )]
    Taken {
        /// The name of the run.
        name: String,
        /// The mirror.
        mirror: String,
        /// The other worker.
        host: String,
        /// Since when.
        since: jiff::Timestamp,
    },
    /// Every checkpoint there is damaged.
    #[error(
        "none of the checkpoints of {name} in the mirror {mirror} can be used, the newest because {reason}; restore one, \
         or start a new run with --no-resume"
    )]
    NoCheckpoint {
        /// The name of the run.
        name: String,
        /// The mirror.
        mirror: String,
        /// What is wrong with the newest.
        reason: String,
    },
    /// A file of the run does not match what was written.
    #[error("in the mirror {mirror}: {source}")]
    Run {
        /// The mirror.
        mirror: String,
        /// What is wrong.
        source: RunError,
    },
    /// The run folder can't be used.
    #[error(transparent)]
    Folder(#[from] RunError),
    /// A file can't be read or written.
    #[error(transparent)]
    File(#[from] FsError),
    /// A signal was received.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl MirrorTrouble {
    /// 75 if waiting helps, 78 if the configuration has to change, otherwise that of the part that failed.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::Unknown { .. }
            | Self::Interrupted { .. }
            | Self::Held { .. }
            | Self::Moved { .. }
            | Self::Taken { .. } => Exit::TryAgain,
            Self::OtherRun { .. } | Self::InTheWay { .. } => Exit::Configuration,
            Self::NoCheckpoint { .. } => Exit::DataRefused,
            Self::NoRoom { .. } => Exit::DiskIo,
            Self::Run { source, .. } => source.exit(),
            Self::Folder(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::Stopped(error) => error.exit(),
        }
    }
}
