//! Synthetic datasets that this task learns from: storms and moving digits. Each is known before it is generated, so one that
//! the task can't use is refused at the first look at the configuration.

use std::path::Path;

use super::config::{Levels, NowcastConfig, SplitBy};
use super::split_in_time::least_frames;
use super::synth;
use crate::data::config::Source;
use crate::data::synthetic::{MovingDigits, Storms, Synthetic};
use crate::util::exit::Exit;
use crate::util::failure::Failed;
use crate::util::problem::Problem;
use crate::util::surroundings::Surroundings;

/// A synthetic dataset that does not consist of sequences.
#[derive(Debug, thiserror::Error)]
#[error(
    "this task learns from storms or moving digits, and data.source.synthetic makes {kind}; write synthetic: {{storms: {{}}}}"
)]
struct NoSequences {
    kind: &'static str,
}

impl NoSequences {
    fn exit(&self) -> Exit {
        Exit::Configuration
    }
}

crate::util::failures!("synthetic data": NoSequences);

/// Makes the dataset in a new folder.
pub(super) fn synthesise(synthetic: &Synthetic, into: &Path, around: &Surroundings<'_>) -> Result<(), Failed> {
    match synthetic {
        Synthetic::Storms(storms) => Ok(synth::write(storms, into, around)?),
        Synthetic::MovingDigits(digits) => synth::write_digits(digits, into, around),
        Synthetic::Characters(_) | Synthetic::Signs(_) => Err(NoSequences { kind: synthetic.kind() }.into()),
    }
}

/// What a dataset will have.
struct Offer {
    events: usize,
    frames: usize,
    levels: usize,
    /// The variable that its files have and no others.
    variable: Option<&'static str>,
    /// Whether it has a test side of its own.
    tests: bool,
}

impl Offer {
    fn of(synthetic: &Synthetic) -> Option<Self> {
        match *synthetic {
            Synthetic::Storms(Storms { events, frames, levels, .. }) => {
                // A model of storms is used on other files too, which may have another variable.
                Some(Self { events, frames, levels, variable: None, tests: false })
            }
            Synthetic::MovingDigits(MovingDigits { events, frames, ref test, .. }) => {
                Some(Self { events, frames, levels: 1, variable: Some(synth::DIGITS), tests: test.is_some() })
            }
            Synthetic::Characters(_) | Synthetic::Signs(_) => None,
        }
    }
}

impl NowcastConfig {
    /// A synthetic dataset is known before it is generated: one that the task can't use is refused now.
    pub(super) fn synthetic_problems(&self, sources: &[Source]) -> Vec<Problem> {
        let mut found = Vec::new();
        for (index, source) in sources.iter().enumerate() {
            let Source::Synthetic(synthetic) = source else { continue };
            let place = format!("data.source.{index}.synthetic");
            let Some(offer) = Offer::of(synthetic) else {
                let message = format!("this task learns from storms or moving digits, got {}", synthetic.kind());
                found.push(Problem::new(place, message, "write `synthetic: {storms: {}}`"));
                continue;
            };
            // The name of the kind may be left out only of storms.
            let place = match synthetic {
                Synthetic::Storms(_) => place,
                _ => format!("{place}.{}", synthetic.kind()),
            };
            found.extend(self.too_little(&offer).into_iter().map(|problem| problem.below(&place)));
            found.extend(self.other_variable(&offer, synthetic.kind()));
            found.extend(self.missing_levels(&offer, &place));
        }
        found
    }

    fn too_little(&self, offer: &Offer) -> Vec<Problem> {
        let mut found = Vec::new();
        let window = self.windows.input_frames.saturating_add(self.windows.target_frames);
        if offer.frames > 0 && offer.frames < window {
            let message = format!("an event has {} frames, but a window needs {window}", offer.frames);
            found.push(Problem::new("frames", message, "raise `frames`, or lower `task.nowcast.windows`"));
        }
        let mut shares = self.split.shares();
        if offer.tests {
            shares.test = 0.0;
        }
        let parts = 1 + usize::from(shares.val > 0.0) + usize::from(shares.test > 0.0);
        let least = least_frames(window, shares);
        if (self.split.by == SplitBy::Time || offer.events == 1) && parts > 1 {
            if (window..least).contains(&offer.frames) {
                let message = format!("a split in time takes events of {least} frames, got {}", offer.frames);
                found.push(Problem::new(
                    "frames",
                    message,
                    "raise `frames` or `events`, or lower `task.nowcast.windows`",
                ));
            }
        } else if offer.events > 0 && offer.events < parts {
            let message = format!("{} events can't be split into {parts} parts of whole events", offer.events);
            let remedy = format!("write {parts} or more, lower `task.nowcast.split`, or set its `by: time`");
            found.push(Problem::new("events", message, remedy));
        }
        found
    }

    fn other_variable(&self, offer: &Offer, kind: &str) -> Option<Problem> {
        let (wanted, variable) = (&self.prepare.variable, offer.variable?);
        let message = format!("there is no variable {wanted}: the files of synthetic {kind} have {variable}");
        let problem =
            || Problem::new("task.nowcast.prepare.variable", message, format!("write `variable: {variable}`"));
        (!wanted.trim().is_empty() && wanted != variable).then(problem)
    }

    fn missing_levels(&self, offer: &Offer, place: &str) -> Option<Problem> {
        let Levels::Channels(levels) = &self.prepare.levels else { return None };
        let (index, level) = levels.iter().enumerate().find(|(_, level)| **level >= offer.levels)?;
        let message = format!("there is no level {level}: the synthetic dataset has {}, counted from 0", offer.levels);
        let path = format!("task.nowcast.prepare.levels.channels.{index}");
        let remedy =
            if offer.variable == Some(synth::DIGITS) { String::new() } else { format!("raise `{place}.levels`, or ") };
        Some(Problem::new(path, message, format!("{remedy}choose a lower level")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(config: &NowcastConfig, sources: &[Synthetic]) -> Vec<Problem> {
        config.synthetic_problems(&sources.iter().cloned().map(Source::Synthetic).collect::<Vec<_>>())
    }

    #[test]
    fn the_remedy_names_the_source_that_has_too_few_levels() {
        let mut config = NowcastConfig::default();
        config.prepare.levels = Levels::Channels(vec![0, 2]);
        let sources = [9, 2].map(|levels| Synthetic::Storms(Storms { levels, ..Storms::default() }));
        let problems = problems(&config, &sources);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].remedy.contains("`data.source.1.synthetic.levels`"), "{}", problems[0].remedy);
    }

    #[test]
    fn digits_need_their_variable_and_enough_frames_for_a_window() {
        let mut config = NowcastConfig::default();
        let digits = [Synthetic::MovingDigits(MovingDigits { frames: 10, ..MovingDigits::default() })];
        let found = problems(&config, &digits);
        let paths: Vec<&str> = found.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["data.source.0.synthetic.moving_digits.frames", "task.nowcast.prepare.variable"]);
        assert_eq!(found[1].remedy, "write `variable: DIGITS`");
        config.prepare.variable = "DIGITS".into();
        (config.windows.input_frames, config.windows.target_frames) = (5, 5);
        assert!(problems(&config, &digits).is_empty());
    }
}
