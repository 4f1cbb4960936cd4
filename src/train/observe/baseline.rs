//! Scores of a forecast that nobody had to learn, told by their names: `persistence_csi_20` is what `csi_20` has to beat.

use crate::train::events::Named;

/// What the name of such a score begins with.
const PREFIX: &str = "persistence_";
/// What it is called beside the score that it is compared with.
pub(super) const NAME: &str = "persistence";

/// The score that a baseline's score is compared with; none for other scores.
pub(super) fn compared_with(name: &str) -> Option<&str> {
    name.strip_prefix(PREFIX)
}

/// What a score, or a part of the loss, has to beat.
pub(super) fn of(scores: &[Named], name: &str) -> Option<f64> {
    let baseline = scores.iter().find(|(other, _)| compared_with(other) == Some(name));
    baseline.map(|(_, value)| *value).filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_finds_what_it_has_to_beat() {
        let scores = [("csi_20", 0.5), ("persistence_csi_20", 0.4), ("persistence_csi_30", f64::NAN)];
        let scores = scores.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(of(&scores, "csi_20"), Some(0.4));
        assert_eq!((of(&scores, "csi_30"), of(&scores, "mae")), (None, None));
    }
}
