//! The metrics by which weights are compared: the validation loss, a part of it, any score of the task, or several of these,
//! with later ones breaking ties. Only this module says which of two validations is better: the engine uses it to decide
//! which weights are the best, and retained checkpoints are ranked by it. It also finds what patience watches. The schedule
//! always uses the loss, because it is what training minimises.

use std::cmp::Ordering;

use thiserror::Error;

use super::events::{Named, value};
use crate::metric::better::Better;
use crate::metric::choice::offered;
use crate::metric::score::ScoreSpec;
use crate::util::exit::Exit;

/// The metrics by which weights are compared, most important first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    by: Vec<(String, Better)>,
}

/// The key of the metrics that decide which weights are the best.
pub const BEST_BY: &str = "train.checkpoint.best_by";

/// The key of the metric that patience watches.
pub const PATIENCE_BY: &str = "train.patience_by";

/// A target that is not measured.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TargetError {
    /// The task has no such number.
    #[error("{key} {wanted}: the task does not measure it; choose one of {}", offered(wanted, known))]
    Unknown {
        /// The key of the configuration.
        key: &'static str,
        /// What was requested.
        wanted: String,
        /// What is available.
        known: Vec<String>,
    },
    /// Nothing is validated.
    #[error(
        "{key} {wanted}: there are no samples to validate on, so there are no scores; raise the \
         validation share of the task's split, add data if there is too little to divide, or choose one of {}", parts.join(", ")
    )]
    NotValidated {
        /// The key of the configuration.
        key: &'static str,
        /// What was requested.
        wanted: String,
        /// What training measures too.
        parts: Vec<String>,
    },
    /// Nothing is validated, and training does not measure it either.
    #[error(
        "{key} {wanted}: there are no samples to validate on, and training only measures what its loss gives a weight in every \
         phase; raise the validation share of the task's split, add data if there is too little to divide, give it a weight, or \
         choose one of {}", parts.join(", ")
    )]
    NotMeasured {
        /// The key of the configuration.
        key: &'static str,
        /// What was requested.
        wanted: String,
        /// What training measures.
        parts: Vec<String>,
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
    /// The metrics that a key of the configuration names, if the task measures them: parts of the loss, and scores if there are
    /// validation samples. If a part and a score share a name, the score is used.
    ///
    /// # Errors
    /// If it does not.
    pub fn new(
        (key, names): (&'static str, &[String]),
        parts: &[ScoreSpec],
        scores: &[ScoreSpec],
        val_samples: usize,
    ) -> Result<Self, TargetError> {
        let learned = || scores.iter().filter(|spec| spec.is_learned());
        let name = |spec: &ScoreSpec| spec.name.clone();
        let criterion = |wanted: &String| {
            let score = learned().find(|spec| spec.name == *wanted);
            if score.is_some() && val_samples == 0 {
                return Err(TargetError::NotValidated {
                    key,
                    wanted: wanted.clone(),
                    parts: parts.iter().map(name).collect(),
                });
            }
            let Some(found) = score.or_else(|| parts.iter().find(|spec| spec.name == *wanted)) else {
                let known = parts.iter().chain(learned()).map(name).collect();
                return Err(TargetError::Unknown { key, wanted: wanted.clone(), known });
            };
            Ok((found.name.clone(), found.better))
        };
        Ok(Self { by: names.iter().map(criterion).collect::<Result<_, _>>()? })
    }

    /// The same if nothing is validated: of the parts of the loss, training measures these.
    ///
    /// # Errors
    /// If another one is named, or a score.
    pub fn in_training(
        (key, names): (&'static str, &[String]),
        parts: &[ScoreSpec],
        measured: &[ScoreSpec],
        scores: &[ScoreSpec],
    ) -> Result<Self, TargetError> {
        let is_in = |parts: &[ScoreSpec], name: &String| parts.iter().any(|spec| spec.name == *name);
        match names.iter().find(|name| is_in(parts, name) && !is_in(measured, name)) {
            None => Self::new((key, names), measured, scores, 0),
            Some(wanted) => {
                let parts = measured.iter().map(|spec| spec.name.clone()).collect();
                Err(TargetError::NotMeasured { key, wanted: wanted.clone(), parts })
            }
        }
    }

    /// The numbers of these names and directions.
    #[must_use]
    pub fn of(by: &[(&str, Better)]) -> Self {
        Self { by: by.iter().map(|(name, better)| ((*name).to_owned(), *better)).collect() }
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by.iter().map(|(name, _)| name.as_str())
    }

    /// Their values in a validation; `None` for those that are missing.
    #[must_use]
    pub fn values(&self, parts: &[Named], scores: &[Named]) -> Vec<Named> {
        let of = |name: &str| value(scores, name).or_else(|| value(parts, name));
        self.names().map(|name| (name.to_owned(), of(name))).collect()
    }

    /// The most important metric in a validation, and which way it gets better; none if it is missing.
    #[must_use]
    pub fn first(&self, parts: &[Named], scores: &[Named]) -> Option<(Better, Option<f64>)> {
        let (_, better) = self.by.first()?;
        Some((*better, self.values(parts, scores).first().and_then(|(_, value)| *value)))
    }

    /// Whether these values are better than others. Without a finite first one they never are.
    #[must_use]
    pub fn is_better(&self, values: &[Named], than: Option<&[Named]>) -> bool {
        let is_sound = values.first().is_some_and(|(_, value)| value.is_some_and(f64::is_finite));
        is_sound && than.is_none_or(|than| self.compare(values, than) == Ordering::Greater)
    }

    /// Which of two is better: greater is better. Compared one by one; a missing or non-finite value is the worse one.
    #[must_use]
    pub fn compare(&self, one: &[Named], other: &[Named]) -> Ordering {
        let finite = |values: &[Named], name: &str| value(values, name).filter(|value| value.is_finite());
        let each = self.by.iter().map(|(name, better)| match (finite(one, name), finite(other, name)) {
            (Some(one), Some(other)) => better.gain(one, other).partial_cmp(&0.0).unwrap_or(Ordering::Equal),
            (one, other) => one.is_some().cmp(&other.is_some()),
        });
        each.fold(Ordering::Equal, Ordering::then)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str, better: Better) -> ScoreSpec {
        ScoreSpec::new(name, name, better)
    }

    fn parts() -> Vec<ScoreSpec> {
        ["loss", "huber", "box"].map(|name| spec(name, Better::Lower)).into()
    }

    fn scores() -> Vec<ScoreSpec> {
        let csi = spec("csi_35", Better::Higher);
        vec![csi.of_baseline("persistence"), csi.ahead_of("persistence"), csi, spec("bias_35", Better::NearerOne)]
    }

    fn target(names: &[&str], samples: usize) -> Result<Target, TargetError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Target::new((BEST_BY, &names), &parts(), &scores(), samples)
    }

    fn named(values: &[(&str, f64)]) -> Vec<Named> {
        values.iter().map(|(name, value)| ((*name).to_owned(), Some(*value))).collect()
    }

    fn is_better(name: &str, value: f64, than: f64) -> bool {
        target(&[name], 1).unwrap().is_better(&named(&[(name, value)]), Some(&named(&[(name, than)])))
    }

    #[test]
    fn a_loss_gets_better_downwards_and_a_score_its_own_way() {
        assert!(is_better("loss", 0.2, 0.3) && !is_better("loss", 0.3, 0.3));
        assert!(is_better("box", 0.2, 0.3) && !is_better("box", 0.3, 0.2), "a part of the loss is no score");
        assert!(is_better("csi_35", 0.3, 0.2) && !is_better("csi_35", 0.2, 0.3));
        assert!(is_better("bias_35", 1.1, 0.5));
        let csi = target(&["csi_35"], 1).unwrap();
        let (nothing, some) = (vec![("csi_35".to_owned(), None)], named(&[("csi_35", 0.1)]));
        assert!(csi.is_better(&named(&[("csi_35", 0.0)]), None) && !csi.is_better(&nothing, None));
        assert!(
            csi.is_better(&some, Some(&nothing)) && !csi.is_better(&named(&[("csi_35", f64::NAN)]), Some(&nothing))
        );
    }

    #[test]
    fn later_names_break_ties_and_decide_nothing_else() {
        let target = target(&["csi_35", "bias_35", "loss"], 1).unwrap();
        let of = |csi, bias, loss| named(&[("csi_35", csi), ("bias_35", bias), ("loss", loss)]);
        let better = |one: [f64; 3], other: [f64; 3]| {
            let [one, other] = [one, other].map(|[csi, bias, loss]| of(csi, bias, loss));
            target.is_better(&one, Some(&other))
        };
        assert!(better([0.5, 3.0, 9.0], [0.4, 1.0, 0.1]), "the first one differs");
        assert!(better([0.5, 1.2, 9.0], [0.5, 1.5, 0.1]), "then the second");
        assert!(better([0.5, 1.2, 0.1], [0.5, 1.2, 0.2]), "then the third");
        assert!(!better([0.5, 1.2, 0.1], [0.5, 1.2, 0.1]), "of equals the first one stays");
        let tied = target.values(&named(&[("loss", 0.3)]), &named(&[("csi_35", 0.5)]));
        assert_eq!(tied[1], ("bias_35".to_owned(), None));
        assert_eq!(target.compare(&tied, &of(0.5, 9.0, 9.0)), Ordering::Less, "an undefined tie-breaker loses");
    }

    #[test]
    fn values_are_found_among_scores_and_parts() {
        let by = Target::of(&[("loss", Better::Lower), ("ssim", Better::Higher), ("pod_20", Better::Higher)]);
        let (parts, scores) = (named(&[("loss", 0.4), ("ssim", 0.5)]), named(&[("csi_35", 0.1), ("ssim", 0.6)]));
        let values: Vec<_> = by.values(&parts, &scores).into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, [Some(0.4), Some(0.6), None]);
    }

    #[test]
    fn without_a_validation_what_training_does_not_measure_is_refused() {
        let parts = parts();
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Target::in_training((BEST_BY, &names), &parts, &parts[..2], &scores())
        };
        assert!(of(&["huber", "loss"]).is_ok());
        assert!(of(&["csi_35"]).unwrap_err().to_string().ends_with("choose one of loss, huber"));
        let error = of(&["loss", "box"]).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("train.checkpoint.best_by box: there are no samples to validate on"), "{text}");
        assert!(text.ends_with("give it a weight, or choose one of loss, huber"), "{text}");
        assert_eq!(error.exit(), Exit::Configuration);
    }

    #[test]
    fn what_nothing_measures_is_refused_with_what_there_is() {
        assert!(target(&["csi_35"], 3).is_ok() && target(&["loss"], 0).is_ok());
        assert!(target(&["huber"], 3).is_ok() && target(&["huber"], 0).is_ok(), "every part of the loss");
        let error = target(&["loss", "csi_36"], 3).unwrap_err().to_string();
        assert!(
            error.contains("csi_36") && error.ends_with("choose one of loss, huber, box, csi_35, bias_35"),
            "{error}"
        );
        assert!(target(&["persistence_csi_35"], 3).is_err(), "nobody trains persistence");
        assert!(target(&["csi_35_ahead_of_persistence"], 3).is_err(), "it chooses the same weights as csi_35");
        let error = target(&["csi_35"], 0).unwrap_err().to_string();
        assert!(error.contains("no samples to validate on") && error.ends_with("loss, huber, box"), "{error}");
    }
}
