//! What people read of events, said once for the terminal, the page of a run and its summary.

use super::Reason;
use crate::util::units;

/// Epochs with the share of the next one that is done: "8", or "8.37" for one that is not complete.
#[must_use]
pub fn epochs(complete: u64, share: f64) -> String {
    match share > 0.0 {
        // Never the number of a complete epoch.
        true => format!("{complete}.{:02.0}", (100.0 * share).round().clamp(1.0, 99.0)),
        false => complete.to_string(),
    }
}

/// The same with the word: "1 epoch", "8.37 epochs".
#[must_use]
pub fn counted_epochs(complete: u64, share: f64) -> String {
    match share > 0.0 {
        true => format!("{} epochs", epochs(complete, share)),
        false => units::count(complete, "epoch"),
    }
}

/// That parameters had no gradient in the step in which all have one. A loss that does not depend on them can't be told from a
/// ReLU that is closed for all samples so far, as happens in a layer of one or two channels.
#[must_use]
pub fn without_gradient(parameters: &str) -> String {
    format!(
        "no gradient has reached {parameters} so far: the model does not use it, or a ReLU behind it is closed for these \
         samples, as may be in a very narrow layer"
    )
}

impl Reason {
    /// Why training ended, as the end of a sentence that begins with "training".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Epochs => "ended after all epochs",
            Self::Steps => "ended after all steps",
            Self::Time => "ended because its time was up",
            Self::Patience => "stopped early because validation no longer improved",
            Self::Stopped => "was stopped by a signal, with a checkpoint",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_that_is_not_complete_is_counted_as_its_share() {
        let texts = [(8, 0.0), (8, 0.374), (0, 0.001), (0, 0.999)].map(|(complete, share)| epochs(complete, share));
        assert_eq!(texts, ["8", "8.37", "0.01", "0.99"]);
        assert_eq!([counted_epochs(1, 0.0), counted_epochs(0, 0.33)], ["1 epoch", "0.33 epochs"]);
    }
}
