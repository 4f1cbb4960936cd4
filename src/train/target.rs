//! By which number weights are compared: the validation loss, or any score of the task. Patience and schedule go by the
//! loss in every case, as it is what training makes smaller.

use thiserror::Error;

use super::events::Named;
use crate::metric::better::Better;
use crate::metric::naming::better;
use crate::util::exit::Exit;

/// The target that needs no score.
const LOSS: &str = "loss";

/// The number by which weights are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    name: String,
    better: Better,
}

/// A target that nothing measures.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TargetError {
    /// The task has no such score.
    #[error(
        "train.checkpoint.best_by {wanted}: the task measures no such score; choose one of {}",
        known.join(", ")
    )]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Nothing is validated.
    #[error(
        "train.checkpoint.best_by {wanted}: there are no samples to validate on, so there are no scores; raise \
         task.nowcast.split.val_share, or set it to {LOSS}"
    )]
    NotValidated {
        /// What was asked for.
        wanted: String,
    },
}

impl TargetError {
    /// 78: the configuration is wrong.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::Configuration
    }
}

impl Target {
    /// The number of that name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), better: if name == LOSS { Better::Lower } else { better(name) } }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which way it gets better.
    #[must_use]
    pub fn better(&self) -> Better {
        self.better
    }

    /// Whether the task can tell it.
    ///
    /// # Errors
    /// Where it is none of these parts of the loss and of these scores, or nothing is validated.
    pub fn check(&self, parts: &[&str], scores: &[Named], val_samples: usize) -> Result<(), TargetError> {
        let scores = scores.iter().map(|(name, _)| name.as_str()).filter(|name| !name.starts_with("persistence_"));
        let known: Vec<String> = parts.iter().copied().chain(scores).map(str::to_owned).collect();
        if !known.contains(&self.name) {
            return Err(TargetError::Unknown { wanted: self.name.clone(), known });
        }
        if val_samples == 0 && self.name != LOSS {
            return Err(TargetError::NotValidated { wanted: self.name.clone() });
        }
        Ok(())
    }

    /// Its value in a validation; no number where that does not tell it.
    #[must_use]
    pub fn value(&self, parts: &[Named], scores: &[Named]) -> f64 {
        let found = scores.iter().chain(parts).find(|(name, _)| *name == self.name);
        found.map_or(f64::NAN, |(_, value)| *value)
    }

    /// The one with the best value, of equal ones the first; none where no value is a number.
    pub fn best<T>(&self, found: impl Iterator<Item = T>, value: impl Fn(&T) -> f64) -> Option<T> {
        found.fold(None, |best: Option<T>, found| {
            let is_better = self.is_better(value(&found), best.as_ref().map(&value));
            if is_better { Some(found) } else { best }
        })
    }

    /// Whether a value is better than another; one that is no number never is.
    #[must_use]
    pub fn is_better(&self, value: f64, than: Option<f64>) -> bool {
        value.is_finite() && than.is_none_or(|than| !than.is_finite() || self.better.gain(value, than) > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(values: &[(&str, f64)]) -> Vec<Named> {
        values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    #[test]
    fn a_loss_gets_better_downwards_and_a_score_its_own_way() {
        let (loss, csi) = (Target::new("loss"), Target::new("csi_35"));
        assert!(loss.is_better(0.2, Some(0.3)) && !loss.is_better(0.3, Some(0.3)));
        assert!(csi.is_better(0.3, Some(0.2)) && !csi.is_better(0.2, Some(0.3)));
        assert!(Target::new("bias_35").is_better(1.1, Some(0.5)));
        assert!(csi.is_better(0.0, None) && !csi.is_better(f64::NAN, None) && csi.is_better(0.1, Some(f64::NAN)));
    }

    #[test]
    fn the_first_of_equally_good_ones_is_the_best() {
        let best = |name: &str, values: &[f64]| {
            let found = values.iter().copied().enumerate();
            Target::new(name).best(found, |(_, value)| *value).map(|(place, _)| place)
        };
        assert_eq!(best("csi_35", &[f64::NAN, 0.2, 0.4, 0.4, 0.1]), Some(2));
        assert_eq!(best("loss", &[0.2, 0.1, 0.1, f64::NAN]), Some(1));
        assert_eq!(best("loss", &[f64::NAN]), None);
    }

    #[test]
    fn its_value_is_found_among_scores_and_parts() {
        let (parts, scores) = (named(&[("loss", 0.4), ("ssim", 0.5)]), named(&[("csi_35", 0.1), ("ssim", 0.6)]));
        let value = |name| Target::new(name).value(&parts, &scores);
        assert_eq!((value("loss"), value("csi_35"), value("ssim")), (0.4, 0.1, 0.6));
        assert!(value("pod_20").is_nan());
    }

    #[test]
    fn what_nothing_measures_is_refused_with_what_there_is() {
        let scores = named(&[("csi_35", 0.1), ("persistence_csi_35", 0.1)]);
        let check = |name, samples| Target::new(name).check(&["loss"], &scores, samples);
        assert_eq!((check("csi_35", 3), check("loss", 0)), (Ok(()), Ok(())));
        let error = check("csi_36", 3).unwrap_err().to_string();
        assert!(error.ends_with("choose one of loss, csi_35"), "{error}");
        assert!(check("csi_35", 0).unwrap_err().to_string().contains("no samples to validate on"));
    }
}
