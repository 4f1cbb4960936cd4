//! What makes no sense in the configuration as a whole: what each component says of its section, and the combinations
//! that only show when sections are seen together.

use crate::data::folder_name;
use crate::data::split::Side;
use crate::task::Beside;
use crate::train::target::{Target, TargetError};
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
        found.extend(self.task.kind().problems(&Beside { data: &self.data, train: &self.train }));
        found.extend(self.phase_problems(&found));
        found.extend(self.unknown_target());
        found
    }

    /// Weights can't be compared by what nothing measures.
    fn unknown_target(&self) -> Option<Problem> {
        let target = Target::new(&self.train.checkpoint.best_by);
        let (kind, scores) = (self.task.kind(), self.task.kind().scores());
        let parts = kind.parts();
        let validates = kind.validates() || self.train.overfit_single_batch;
        let problem = |message: String, remedy| Problem::new("train.checkpoint.best_by", message, remedy);
        let names: Vec<&str> = parts.iter().map(String::as_str).collect();
        let measured: Vec<_> = scores.iter().map(|name| (name.clone(), 0.0)).collect();
        match target.check(&names, &measured, usize::from(validates)) {
            Ok(()) => None,
            Err(TargetError::Unknown { .. }) => {
                let known = parts.iter().chain(&scores).map(String::as_str).collect::<Vec<_>>().join(", ");
                Some(problem(format!("nothing measures {}", target.name()), format!("write one of {known}")))
            }
            Err(TargetError::NotValidated { .. }) => Some(problem(
                format!("{} is measured on validation samples, and there are none", target.name()),
                format!("write loss, or raise {}", kind.share_key(Side::Val)),
            )),
        }
    }
}
