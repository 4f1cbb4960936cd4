//! What every layer must know about a failure: the exit code, its kind, whether it may be temporary. So an error can cross
//! layers without the upper one naming its type, and a new task adds no variant to existing errors.

use std::error::Error;
use std::fmt;

use crate::exit::Exit;

/// An error that the program can end with.
pub trait Failure: Error + Send + Sync + 'static {
    /// The code to exit with.
    fn exit(&self) -> Exit;

    /// The kind of failure, in a word or two: two failures of one kind at the same step count as the same failure.
    fn kind(&self) -> &'static str;

    /// Whether a retry may succeed: a disk or a network failed.
    fn may_pass(&self) -> bool {
        false
    }
}

/// Any failure, boxed, as passed between layers.
pub struct Failed(Box<dyn Failure>);

impl Failed {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.0.exit()
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.0.kind()
    }

    /// Whether a retry may succeed.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        self.0.may_pass()
    }
}

/// `Failed` itself does not implement `Failure`, so that `?` can convert every failure into it.
impl<F: Failure> From<F> for Failed {
    fn from(failure: F) -> Self {
        Self(Box::new(failure))
    }
}

impl fmt::Debug for Failed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, out)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// Implements `Failure` for error types that have an `exit()` of their own: `failures!("prepare": PrepareError,
/// DatasetError)`. Failures of a disk or a network count as temporary.
#[macro_export]
macro_rules! failures {
    ($kind:literal: $($failure:ty),+ $(,)?) => {$(
        impl $crate::failure::Failure for $failure {
            fn exit(&self) -> $crate::exit::Exit {
                <$failure>::exit(self)
            }

            fn kind(&self) -> &'static str {
                $kind
            }

            fn may_pass(&self) -> bool {
                matches!(<$failure>::exit(self), $crate::exit::Exit::DiskIo | $crate::exit::Exit::TryAgain)
            }
        }
    )+};
}

failures!("disk": crate::fs::FsError);

impl Failure for crate::stop::Stopped {
    fn exit(&self) -> Exit {
        Self::exit(*self)
    }

    fn kind(&self) -> &'static str {
        "stopped"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thiserror::Error;

    #[derive(Debug, Error)]
    #[error("the disk is full")]
    struct Full;

    impl Failure for Full {
        fn exit(&self) -> Exit {
            Exit::DiskIo
        }

        fn kind(&self) -> &'static str {
            "disk"
        }

        fn may_pass(&self) -> bool {
            true
        }
    }

    #[derive(Debug, Error)]
    #[error("could not save")]
    struct Unsaved(#[source] Full);

    impl Failure for Unsaved {
        fn exit(&self) -> Exit {
            self.0.exit()
        }

        fn kind(&self) -> &'static str {
            "save"
        }
    }

    #[test]
    fn a_failure_keeps_its_text_its_cause_and_its_code_behind_the_border() {
        let across = || -> Result<(), Failed> { Err(Unsaved(Full))? };
        let failed = across().unwrap_err();
        assert_eq!(
            (failed.to_string().as_str(), failed.exit(), failed.kind()),
            ("could not save", Exit::DiskIo, "save")
        );
        assert_eq!(failed.source().unwrap().to_string(), "the disk is full");
        assert!(!failed.may_pass() && Failed::from(Full).may_pass());
    }
}
