//! What people read of events, said once for the terminal, the page of a run and its summary.

use super::Reason;

impl Reason {
    /// Why training ended, as the end of a sentence that begins with "training".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Epochs => "ended after all epochs",
            Self::Steps => "ended after all steps",
            Self::Time => "ended because its time was up",
            Self::Patience => "stopped early because the loss no longer improved",
            Self::Stopped => "was stopped by a signal, with a checkpoint",
        }
    }
}
