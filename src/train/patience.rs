//! Early stopping: training stops after so many validated epochs without a better loss, or without a better value of whatever
//! else `train.patience_by` names. It decides nothing else; in particular, not which weights are the best.

use serde::{Deserialize, Serialize};

use crate::metric::better::Better;

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// Validated epochs without a better value after which training stops; `None` is never.
    pub epochs: Option<usize>,
    /// Which way the value gets better.
    pub better: Better,
    /// By more than how much a value must be better to count.
    pub min_delta: f64,
}

/// When patience starts again: training had ended after these epochs, and more were requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// The epochs that were complete, all phases together.
    pub epoch: u64,
    /// The patience that had to be exhausted then: if it was not, nothing starts again.
    pub patience: u64,
}

/// The value to beat: saved with a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PatienceState {
    /// What is watched.
    by: Option<String>,
    best: Option<Best>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Best {
    /// None if no value was finite yet.
    value: Option<f64>,
    epoch: u64,
}

impl PatienceState {
    /// Watches this metric from now on. The best of another one says nothing about it.
    pub fn watch(&mut self, by: &str) {
        if self.by.as_deref() != Some(by) {
            *self = Self { by: Some(by.to_owned()), best: None };
        }
    }

    /// Counts again from the epoch that was observed last. The value to beat stays.
    pub fn restart(&mut self, last: u64) {
        if let Some(best) = &mut self.best {
            best.epoch = last;
        }
    }
}

/// What a validation means for the rest of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It is better than all before it.
    Better,
    /// It is not, but patience is not exhausted.
    Worse {
        /// Epochs since the better one.
        since: u64,
    },
    /// Patience is exhausted.
    Stop {
        /// Epochs since the better one.
        since: u64,
    },
}

impl Patience {
    /// Records the value of a validation after an epoch; only validated epochs count. A value that is not finite is never
    /// better; if the very first one is not finite, patience counts from there.
    pub fn observe(self, state: &mut PatienceState, epoch: u64, value: f64) -> Outlook {
        let finite = Some(value).filter(|value| value.is_finite());
        let is_better = match &state.best {
            None => true,
            Some(best) => {
                finite.is_some_and(|value| best.value.is_none_or(|best| self.better.gain(value, best) > self.min_delta))
            }
        };
        if is_better {
            let outlook = if finite.is_none() { Outlook::Worse { since: 0 } } else { Outlook::Better };
            state.best = Some(Best { value: finite, epoch });
            return outlook;
        }
        let since = state.best.as_ref().map_or(0, |best| epoch.saturating_sub(best.epoch));
        match self.epochs {
            Some(patience) if since >= patience as u64 => Outlook::Stop { since },
            _ => Outlook::Worse { since },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const THREE: Patience = Patience { epochs: Some(3), better: Better::Lower, min_delta: 0.0 };

    fn outlooks(rule: Patience, losses: &[f64]) -> Vec<Outlook> {
        let mut state = PatienceState::default();
        losses.iter().enumerate().map(|(epoch, loss)| rule.observe(&mut state, epoch as u64, *loss)).collect()
    }

    #[test]
    fn training_stops_after_so_many_epochs_without_a_better_loss() {
        use Outlook::{Better, Stop, Worse};
        let expected = [Better, Worse { since: 1 }, Better, Worse { since: 1 }, Worse { since: 2 }, Stop { since: 3 }];
        assert_eq!(outlooks(THREE, &[1.0, 1.0, 0.9, 0.9, 0.95, 1.2]), expected);
    }

    #[test]
    fn patience_that_starts_again_waits_as_long_as_before_for_the_same_loss() {
        let mut state = PatienceState::default();
        let observe = |state: &mut PatienceState, epoch, loss| THREE.observe(state, epoch, loss);
        use Outlook::{Better, Stop, Worse};
        let before: Vec<_> = (0..4).map(|epoch| observe(&mut state, epoch, 1.0)).collect();
        assert_eq!(before[3], Stop { since: 3 });
        state.restart(3);
        let after: Vec<_> =
            [1.0, 1.0, 1.0].iter().zip(4..).map(|(loss, epoch)| observe(&mut state, epoch, *loss)).collect();
        assert_eq!(after, [Worse { since: 1 }, Worse { since: 2 }, Stop { since: 3 }]);
        assert_eq!(observe(&mut state, 7, 0.9), Better);
    }

    #[test]
    fn a_loss_must_be_smaller_by_the_least_difference() {
        use Outlook::{Better, Worse};
        let rule = Patience { min_delta: 0.25, ..THREE };
        assert_eq!(outlooks(rule, &[1.0, 0.75, 0.5]), [Better, Worse { since: 1 }, Better]);
    }

    #[test]
    fn an_accuracy_must_be_larger_by_more_than_the_least_difference() {
        use Outlook::{Better, Worse};
        let rule = Patience { better: super::Better::Higher, min_delta: 1e-4, ..THREE };
        let expected = [Better, Worse { since: 1 }, Better, Worse { since: 1 }, Worse { since: 2 }];
        assert_eq!(outlooks(rule, &[0.5, 0.50005, 0.5002, 0.4, 0.5002]), expected);
    }

    #[test]
    fn another_metric_is_watched_from_the_beginning() {
        let mut state = PatienceState::default();
        let observe = |state: &mut PatienceState, by, epoch, value| {
            state.watch(by);
            THREE.observe(state, epoch, value)
        };
        assert_eq!(observe(&mut state, "loss", 0, 0.1), Outlook::Better);
        assert_eq!(observe(&mut state, "loss", 1, 0.1), Outlook::Worse { since: 1 });
        assert_eq!(observe(&mut state, "error", 2, 0.5), Outlook::Better, "0.1 was a loss");
    }

    #[test]
    fn a_loss_that_is_not_finite_is_never_better() {
        use Outlook::{Better, Stop, Worse};
        let nan = f64::NAN;
        assert_eq!(outlooks(THREE, &[nan, 5.0, nan, 4.0])[1..], [Better, Worse { since: 1 }, Better]);
        assert_eq!(outlooks(THREE, &[nan; 4])[3], Stop { since: 3 });
        assert_eq!(outlooks(THREE, &[f64::INFINITY, 5.0])[1], Better);
    }

    proptest! {
        #[test]
        fn a_run_that_was_stopped_anywhere_decides_the_same(
            losses in prop::collection::vec(0.0..1.0_f64, 1..30), cut in 0_usize..30, patience in 1_usize..6,
        ) {
            let rule = Patience { epochs: Some(patience), better: Better::Lower, min_delta: 0.01 };
            let mut state = PatienceState::default();
            let mut resumed = Vec::new();
            for (epoch, loss) in losses.iter().enumerate() {
                if epoch == cut {
                    state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
                }
                resumed.push(rule.observe(&mut state, epoch as u64, *loss));
            }
            prop_assert_eq!(resumed, outlooks(rule, &losses));
        }

        #[test]
        fn without_a_limit_training_never_stops(losses in prop::collection::vec(any::<f64>(), 1..30)) {
            let rule = Patience { epochs: None, better: Better::Higher, min_delta: 0.0 };
            let stops = |outlook: &Outlook| matches!(outlook, Outlook::Stop { .. });
            prop_assert!(!outlooks(rule, &losses).iter().any(stops));
        }
    }
}
