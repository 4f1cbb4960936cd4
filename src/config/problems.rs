//! What makes no sense in the configuration as a whole: what each component says of its section, and the combinations
//! that only show when sections are seen together.

use crate::data::folder_name;
use crate::data::split::Side;
use crate::metric::choice::offered;
use crate::metric::score::ScoreSpec;
use crate::task::{Beside, parts};
use crate::train::target::{BEST_BY, PATIENCE_BY, Target, TargetError};
use crate::util::problem::Problem;

use super::Config;

impl Config {
    /// Everything that makes no sense, with paths from the top.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if let Err(message) = folder_name(&self.name) {
            found.push(Problem::new("name", message, "write one word: it becomes the name of the run's folder"));
        }
        let sections =
            [("data", self.data.problems()), ("train", self.train.problems()), ("output", self.output.problems())];
        found.extend(sections.into_iter().flat_map(|(key, list)| list.into_iter().map(|problem| problem.below(key))));
        found.extend(self.output.mirror_among(&self.data.root).map(|problem| problem.below("output")));
        found.extend(self.task.kind().problems(&Beside { data: &self.data, train: &self.train }));
        found.extend(self.phase_problems(&found));
        found.extend(self.unknown_target((BEST_BY, &self.train.checkpoint.best_by.0)));
        found.extend(self.unknown_target((PATIENCE_BY, std::slice::from_ref(&self.train.patience_by))));
        found
    }

    /// Weights can't be compared by what nothing measures, and patience can't watch it.
    fn unknown_target(&self, (key, names): (&'static str, &[String])) -> Option<Problem> {
        let kind = self.task.kind();
        let validates = kind.validates() || self.train.overfit_single_batch;
        let problem = |message: String, remedy| Some(Problem::new(key, message, remedy));
        // A mistake in a phase is reported elsewhere.
        let phases = self.phases().unwrap_or_else(|_| vec![self.clone()]);
        let parts = parts(phases.iter().map(|phase| phase.task.kind()));
        let is_trained = |part: &ScoreSpec| phases.iter().all(|phase| phase.task.kind().measures_in_steps(&part.name));
        let trained: Vec<ScoreSpec> = parts.iter().filter(|part| is_trained(part)).cloned().collect();
        let target = match validates {
            true => Target::new((key, names), &parts, &kind.scores(None), 1),
            false => Target::in_training((key, names), &parts, &trained, &kind.scores(None)),
        };
        match target {
            Ok(_) => None,
            Err(TargetError::Unknown { wanted, known, .. }) => problem(
                format!("nothing measures {wanted}"),
                format!(
                    "write one of {}{}",
                    offered(&wanted, &known),
                    if key == BEST_BY { ", or a list of these" } else { "" }
                ),
            ),
            Err(TargetError::NotValidated { wanted, parts, .. }) => problem(
                format!("{wanted} is measured on validation samples, and there are none"),
                format!("write one of {}, or raise {}", parts.join(", "), kind.share_key(Side::Val)),
            ),
            Err(TargetError::NotMeasured { wanted, parts, .. }) => problem(
                format!("{wanted} has no weight in the loss of every phase, and there are no validation samples"),
                format!("write one of {}, give it a weight, or raise {}", parts.join(", "), kind.share_key(Side::Val)),
            ),
        }
    }
}
