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
    /// Out of memory with the smallest possible batch.
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
    /// Stopped by SIGINT, with everything that can be resumed on disk.
    Interrupted = 130,
    /// Stopped by SIGTERM, with everything that can be resumed on disk.
    Terminated = 143,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// Whether the process was stopped by a signal, with its work saved.
    #[must_use]
    pub fn is_by_signal(self) -> bool {
        matches!(self, Self::Interrupted | Self::Terminated)
    }

    /// The code for an I/O error at a path that the program writes to.
    #[must_use]
    pub fn for_write_error(error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{AlreadyExists, NotADirectory, PermissionDenied, ReadOnlyFilesystem};
        match error.kind() {
            // The last two: a file is in the place of a folder.
            PermissionDenied | ReadOnlyFilesystem | NotADirectory | AlreadyExists => Self::OutputNotWritable,
            _ => Self::DiskIo,
        }
    }
}
