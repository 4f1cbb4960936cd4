//! What makes no sense in the configuration as a whole: what each component says of its section, and the combinations
//! that only show when sections are seen together.

use crate::data::config::{Source, Synthetic};
use crate::data::folder_name;
use crate::task::TaskConfig;
use crate::task::nowcast::config::{Levels, NowcastConfig};
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
        let sections = [
            ("data", self.data.problems()),
            ("task", self.task.problems()),
            ("train", self.train.problems()),
            ("output", self.output.problems()),
        ];
        found.extend(sections.into_iter().flat_map(|(key, list)| list.into_iter().map(|problem| problem.below(key))));
        found.extend(self.phase_problems(&found));
        found.extend(self.synthetic_problems());
        found.extend(self.unknown_target());
        found
    }

    /// Weights can't be compared by what nothing measures.
    fn unknown_target(&self) -> Option<Problem> {
        let TaskConfig::Nowcast(nowcast) = &self.task;
        let validates = nowcast.split.val_share > 0.0 || self.train.overfit_single_batch;
        let (names, samples) = (&self.train.checkpoint.best_by.0, usize::from(validates));
        let problem = |message: String, remedy| Some(Problem::new("train.checkpoint.best_by", message, remedy));
        match Target::new(names, &self.task.parts(), &self.task.scores(), samples) {
            Ok(_) => None,
            Err(TargetError::Unknown { wanted, known }) => problem(
                format!("nothing measures {wanted}"),
                format!("write one of {}, or a list of these", known.join(", ")),
            ),
            Err(TargetError::NotValidated { wanted, parts }) => problem(
                format!("{wanted} is measured on validation samples, and there are none"),
                format!("write one of {}, or raise task.{}.split.val_share", parts.join(", "), self.task.name()),
            ),
        }
    }

    /// A dataset made on this machine is known before it is made: a task that it can't feed is refused now.
    fn synthetic_problems(&self) -> Vec<Problem> {
        let TaskConfig::Nowcast(nowcast) = &self.task;
        let mut found = Vec::new();
        for (index, source) in self.data.source.iter().enumerate() {
            if let Source::Synthetic(synthetic) = source {
                let problems = too_little(synthetic, nowcast);
                found.extend(
                    problems.into_iter().map(|problem| problem.below(&format!("data.source.{index}.synthetic"))),
                );
                found.extend(missing_levels(synthetic, nowcast));
            }
        }
        found
    }
}

fn too_little(synthetic: &Synthetic, nowcast: &NowcastConfig) -> Vec<Problem> {
    let mut found = Vec::new();
    let window = nowcast.windows.input_frames.saturating_add(nowcast.windows.target_frames);
    if synthetic.frames > 0 && synthetic.frames < window {
        let message = format!("an event has {} frames, but a window needs {window}", synthetic.frames);
        found.push(Problem::new("frames", message, "raise `frames`, or lower `task.nowcast.windows`"));
    }
    let split = &nowcast.split;
    let parts = 1 + usize::from(split.val_share > 0.0) + usize::from(split.test_share > 0.0);
    if synthetic.events > 0 && synthetic.events < parts {
        let message =
            format!("{} events can't be split into {parts} parts: an event is never divided", synthetic.events);
        found.push(Problem::new("events", message, format!("write {parts} or more, or lower `task.nowcast.split`")));
    }
    found
}

fn missing_levels(synthetic: &Synthetic, nowcast: &NowcastConfig) -> Option<Problem> {
    let Levels::Channels(levels) = &nowcast.prepare.levels else { return None };
    let (index, level) = levels.iter().enumerate().find(|(_, level)| **level >= synthetic.levels)?;
    let message = format!("there is no level {level}: the synthetic dataset has {}, counted from 0", synthetic.levels);
    let path = format!("task.nowcast.prepare.levels.channels.{index}");
    Some(Problem::new(path, message, "raise `data.source.0.synthetic.levels`, or choose a lower level"))
}
