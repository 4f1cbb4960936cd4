//! The exit codes of the program: the whole contract with scripts, orchestrators and people, in one place.

/// Why the process ended. The numbers follow `sysexits.h` where it has a matching meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The work is done and durable, or training stopped early because it had converged.
    Done = 0,
    /// `fragua compare`: worse than the baseline, as `diff` and `grep` report a difference; `fragua health`: no progress.
    Degraded = 1,
    /// The command line could not be understood.
    Usage = 2,
    /// Data was rejected: damaged, hostile, of the wrong kind, not prepared yet, or too much of it unusable.
    DataRefused = 65,
    /// A source is unreachable or keeps denying access: not shared, or deleted.
    SourceUnreachable = 69,
    /// A bug in this program.
    Bug = 70,
    /// Out of memory, or the configuration needs more memory than this machine has.
    OutOfMemory = 71,
    /// The output folder can't be written.
    OutputNotWritable = 73,
    /// A disk failed to read or write, or is full; or the GPU failed.
    DiskIo = 74,
    /// Try again later: another worker holds the folder or the mirror, the network is down, a download quota is used up, or
    /// the copy in the mirror is not complete. Completed work is kept.
    TryAgain = 75,
    /// Training diverged.
    Diverged = 76,
    /// The configuration is wrong, or differs from the run that is being resumed.
    Configuration = 78,
    /// Stopped by SIGHUP, as when a terminal or an SSH connection closes, with everything that can be resumed on disk.
    HungUp = 129,
    /// Stopped by SIGINT, with everything that can be resumed on disk.
    Interrupted = 130,
    /// Stopped by SIGTERM, with everything that can be resumed on disk.
    Terminated = 143,
}

impl Exit {
    /// All of them, by number.
    pub const ALL: [Self; 15] = [
        Self::Done,
        Self::Degraded,
        Self::Usage,
        Self::DataRefused,
        Self::SourceUnreachable,
        Self::Bug,
        Self::OutOfMemory,
        Self::OutputNotWritable,
        Self::DiskIo,
        Self::TryAgain,
        Self::Diverged,
        Self::Configuration,
        Self::HungUp,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// Its number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// What it means and what to do, for people: `--help` and the documentation have these words.
    #[must_use]
    pub fn words(self) -> [&'static str; 2] {
        match self {
            Self::Done => ["done, or stopped early because validation no longer improved", ""],
            Self::Degraded => ["`compare`: worse than the baseline; `health`: no progress", "read its output"],
            Self::Usage => ["the command line was not understood", "`fragua COMMAND --help`"],
            Self::DataRefused => {
                ["data refused: damaged, hostile, wrong kind, not prepared", "the message names the file"]
            }
            Self::SourceUnreachable => {
                ["a source is unreachable or refuses: not shared, deleted", "add a second source"]
            }
            Self::Bug => ["a bug in fragua", "report it with `log.jsonl` and `run.json`"],
            Self::OutOfMemory => {
                ["out of memory, or more is needed than this machine has", "a smaller model, a larger machine"]
            }
            Self::OutputNotWritable => {
                ["the output folder is not writable, or a file is in its place", "check mount, owner and path"]
            }
            Self::DiskIo => ["a disk or the GPU failed, or the disk is full", "free space, or change it"],
            Self::TryAgain => ["locked, network down, quota used up, mirror incomplete", "call again later"],
            Self::Diverged => ["training diverged", "lower the learning rate"],
            Self::Configuration => {
                ["wrong configuration, or not that of the run; mirror denies access", "`fragua config check`"]
            }
            Self::HungUp => ["stopped by SIGHUP: the terminal or connection closed", "call again; it resumes"],
            Self::Interrupted => ["stopped by SIGINT", "call again; it resumes"],
            Self::Terminated => ["stopped by SIGTERM", "call again; it resumes"],
        }
    }

    /// Whether the process was stopped by a signal, with its work saved.
    #[must_use]
    pub fn is_by_signal(self) -> bool {
        matches!(self, Self::HungUp | Self::Interrupted | Self::Terminated)
    }

    /// The code for an I/O error at a path that the program writes to.
    #[must_use]
    pub fn for_write_error(error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{AlreadyExists, IsADirectory, NotADirectory, PermissionDenied, ReadOnlyFilesystem};
        match error.kind() {
            // The last three: a file is in the place of a folder, or the other way round.
            PermissionDenied | ReadOnlyFilesystem | NotADirectory | AlreadyExists | IsADirectory => {
                Self::OutputNotWritable
            }
            _ if crate::plain::is_not_replaceable(error) => Self::OutputNotWritable,
            _ => Self::DiskIo,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_meaning_and_all_but_success_a_remedy() {
        let codes = Exit::ALL.map(Exit::code);
        assert!(codes.is_sorted_by(|one, other| one < other), "{codes:?}");
        for exit in Exit::ALL {
            let [meaning, remedy] = exit.words();
            assert!(!meaning.is_empty() && (exit == Exit::Done || !remedy.is_empty()), "{exit:?}");
        }
    }
}
