//! Whether a start continues a run or begins a new one. Pure.

use serde_json::Value;

use super::difference::{Difference, differences, refused};
use super::error::RunError;
use super::name::{next, number};
use super::record::RunRecord;
use crate::train::events::Reason;

/// A folder inside the folder of all runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Existing {
    /// Its name.
    pub name: String,
    /// Its record; none if it is not one of our runs, was killed before it wrote one, or is not the newest of the family
    /// that a start is for.
    pub record: Option<RunRecord>,
    /// Whether training completed.
    pub finished: bool,
    /// Why it ended, if that is known.
    pub ended: Option<Reason>,
}

/// What a start does.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Starts a run in a new folder.
    New {
        /// The folder's name.
        name: String,
    },
    /// Resumes a run.
    Resume {
        /// The folder's name.
        name: String,
        /// What changed in the configuration, to be reported and recorded.
        differences: Vec<Difference>,
    },
    /// The run is finished and nothing more is requested: raising the limit that ended it continues it, `--no-resume` starts
    /// a new one.
    AlreadyDone {
        /// The folder's name.
        name: String,
        /// Why training ended, if that is known.
        ended: Option<Reason>,
    },
}

/// A run of the family of `name` that has exactly this configuration is the one, the newest if there are several: the
/// identical command never changes another run. Otherwise the newest decides. An unfinished one is resumed; if the configuration does not allow
/// that, the start is refused rather than abandoning the run. A finished one continues only if the sole change is a higher
/// limit, and the limit that ended it: otherwise it would end at once. With another configuration the newest finished run
/// that has it counts, as long as nothing newer is unfinished; without one a new run starts.
///
/// # Errors
/// [`RunError::ConfigDiffers`].
pub fn decide(
    name: &str,
    existing: &[Existing],
    config: &Value,
    no_resume: bool,
    allowed: &[String],
) -> Result<Decision, RunError> {
    let new = || Decision::New { name: next(name, existing.iter().map(|run| run.name.as_str())) };
    let mut family: Vec<_> = existing.iter().filter(|run| number(name, &run.name).is_some() && !no_resume).collect();
    family.sort_by_key(|run| std::cmp::Reverse(number(name, &run.name)));
    if let Some(own) = family.iter().copied().find(|run| is_of(run, config)) {
        return Ok(match own.finished {
            true => Decision::AlreadyDone { name: own.name.clone(), ended: own.ended },
            false => Decision::Resume { name: own.name.clone(), differences: Vec::new() },
        });
    }
    for found in family {
        let Some(record) = &found.record else { return Ok(new()) };
        let differences = differences(&record.config, config);
        let fixed = refused(&differences, allowed);
        let (run, longer) = (found.name.clone(), asks_for_more(found.ended, &record.config, config));
        match (found.finished, fixed.is_empty()) {
            (false, true) => return Ok(Decision::Resume { name: run, differences }),
            (false, false) => return Err(RunError::ConfigDiffers { run, differences: fixed }),
            (true, true) if longer => return Ok(Decision::Resume { name: run, differences }),
            (true, true) => return Ok(Decision::AlreadyDone { name: run, ended: found.ended }),
            (true, false) => {}
        }
    }
    Ok(new())
}

/// Whether a run has exactly this configuration.
fn is_of(run: &Existing, config: &Value) -> bool {
    run.record.as_ref().is_some_and(|record| differences(&record.config, config).is_empty())
}

/// Whether the limit that ended training has changed, so that there is something left to do. Patience starts again if
/// more epochs are requested, so these are something to do after an early stop, too.
fn asks_for_more(ended: Option<Reason>, old: &Value, new: &Value) -> bool {
    let later = |key| is_later(&in_last_phase(old, key), &in_last_phase(new, key));
    let has_other_phases = || old.pointer(PHASES) != new.pointer(PHASES);
    match ended {
        Some(Reason::Epochs) => later("epochs") || has_other_phases(),
        Some(Reason::Patience) => later("patience") || later("epochs") || has_other_phases(),
        Some(Reason::Steps) => later("max_steps"),
        // An older program did not record why.
        Some(Reason::Time | Reason::Stopped) | None => {
            ["epochs", "max_steps", "max_minutes", "patience"].iter().any(|key| later(key))
        }
    }
}

const PHASES: &str = "/train/phases";

/// What applies in the last phase: a finished phase before it does not grow.
#[must_use]
pub fn in_last_phase(config: &Value, key: &str) -> Value {
    let phases = config.pointer(PHASES).and_then(Value::as_array);
    let phase = phases.and_then(|phases| phases.last()?.pointer(&format!("/train/{key}")));
    let value = phase.or_else(|| config.pointer(&format!("/train/{key}")));
    value.cloned().unwrap_or(Value::Null)
}

/// Null means no limit.
fn is_later(old: &Value, new: &Value) -> bool {
    let (old, new) = (old.as_f64(), new.as_f64());
    old.is_some() && (new.is_none() || new > old)
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;
    use serde_json::json;

    fn run(name: &str, finished: bool) -> Existing {
        Existing { name: name.into(), record: Some(record("train")), finished, ended: None }
    }

    fn done(ended: Option<Reason>) -> Decision {
        Decision::AlreadyDone { name: "storms".into(), ended }
    }

    fn same() -> Value {
        record("train").config
    }

    fn new(name: &str) -> Decision {
        Decision::New { name: name.into() }
    }

    fn resumed(decision: Decision) -> (String, usize) {
        let Decision::Resume { name, differences } = decision else { panic!("{decision:?}") };
        (name, differences.len())
    }

    #[test]
    fn the_first_start_trains_and_the_same_command_resumes() {
        assert_eq!(decide("storms", &[], &same(), false, &[]).unwrap(), new("storms"));
        let existing = [run("storms", false), run("other", false)];
        assert_eq!(resumed(decide("storms", &existing, &same(), false, &[]).unwrap()), ("storms".into(), 0));
        assert_eq!(decide("storms", &existing, &same(), true, &[]).unwrap(), new("storms-2"));
    }

    #[test]
    fn the_newest_of_the_family_counts() {
        let existing = [run("storms-10", false), run("storms", true), run("storms-9", true)];
        assert_eq!(resumed(decide("storms", &existing, &same(), false, &[]).unwrap()).0, "storms-10");
    }

    #[test]
    fn a_finished_run_continues_only_if_more_is_requested() {
        let existing = [run("storms", true)];
        let decide = |config: Value| decide("storms", &existing, &config, false, &[]).unwrap();
        assert_eq!(decide(same()), done(None));
        assert_eq!(decide(json!({"seed": 42, "train": {"epochs": 10}})), done(None));
        assert_eq!(resumed(decide(json!({"seed": 42, "train": {"epochs": 30}}))).1, 1);
        assert_eq!(decide(json!({"seed": 43, "train": {"epochs": 20}})), new("storms-2"));
    }

    #[test]
    fn a_finished_run_continues_only_if_the_limit_that_ended_it_was_raised() {
        let before = json!({"epochs": 20, "patience": 8, "max_steps": 500, "phases": []});
        let goes_on = |ended, changes: Value| {
            let mut train = before.clone();
            let changed = changes.as_object().unwrap().clone();
            train.as_object_mut().unwrap().extend(changed);
            let config = |train: &Value| json!({"seed": 42, "train": train});
            let record = RunRecord { config: config(&before), ..record("train") };
            let existing = [Existing { record: Some(record), ended: Some(ended), ..run("storms", true) }];
            match decide("storms", &existing, &config(&train), false, &["train.phases".into()]).unwrap() {
                Decision::Resume { .. } => true,
                other => {
                    assert_eq!(other, done(Some(ended)));
                    false
                }
            }
        };
        let more = [json!({"epochs": 30}), json!({"patience": 9}), json!({"max_steps": 600})];
        let goes_on_with = |ended| more.clone().map(|changes| goes_on(ended, changes));
        assert_eq!(goes_on_with(Reason::Epochs), [true, false, false]);
        assert_eq!(goes_on_with(Reason::Patience), [true, true, false]);
        assert_eq!(goes_on_with(Reason::Steps), [false, false, true]);
        assert!(goes_on(Reason::Patience, json!({"patience": null})), "no end at all");
        assert!(!goes_on(Reason::Patience, json!({"patience": 7})));
        let phases = json!({"phases": [{"train": {}}, {"train": {"epochs": 2}}]});
        assert!(goes_on(Reason::Patience, phases.clone()) && goes_on(Reason::Epochs, phases.clone()));
        assert!(!goes_on(Reason::Steps, phases));
    }

    #[test]
    fn a_run_in_phases_continues_only_if_the_last_one_grows() {
        let config = |epochs, last: Value| json!({"seed": 42, "train": {"epochs": epochs, "phases": [{"train": {"epochs": 5}}, {"train": last}]}});
        for (last, goes_on) in [(json!({}), true), (json!({"epochs": 10}), false)] {
            let record = RunRecord { config: config(20, last.clone()), ..record("train") };
            let existing = [Existing { record: Some(record), ended: Some(Reason::Epochs), ..run("storms", true) }];
            let found = decide("storms", &existing, &config(30, last), false, &[]).unwrap();
            assert_eq!(matches!(found, Decision::Resume { .. }), goes_on, "{found:?}");
        }
    }

    #[test]
    fn an_unfinished_run_with_another_seed_is_refused_unless_insisted_on() {
        let config = json!({"seed": 43, "train": {"epochs": 20}});
        let existing = [run("storms", false)];
        let error = decide("storms", &existing, &config, false, &[]).unwrap_err();
        assert!(
            matches!(&error, RunError::ConfigDiffers { run, differences } if run == "storms" && differences.len() == 1)
        );
        let allowed = decide("storms", &existing, &config, false, &["seed".into()]).unwrap();
        assert_eq!(resumed(allowed), ("storms".into(), 1));
    }

    #[test]
    fn the_identical_command_goes_to_the_run_whose_configuration_it_is() {
        let with_seed = |name: &str, seed: u64, finished| {
            let mut run = run(name, finished);
            run.record.as_mut().unwrap().config["seed"] = json!(seed);
            run
        };
        let config = json!({"seed": 43, "train": {"epochs": 20}});
        let allowed = ["seed".to_owned()];
        let decide = |existing: &[Existing]| decide("storms", existing, &config, false, &allowed).unwrap();
        let done = [with_seed("storms", 43, true), with_seed("storms-2", 42, true)];
        assert_eq!(decide(&done), Decision::AlreadyDone { name: "storms".into(), ended: None });
        let newer = [with_seed("storms", 43, true), with_seed("storms-2", 42, false)];
        assert_eq!(decide(&newer), Decision::AlreadyDone { name: "storms".into(), ended: None });
        let stopped = [with_seed("storms", 43, false), with_seed("storms-2", 42, false)];
        assert_eq!(resumed(decide(&stopped)), ("storms".into(), 0));
        let both = [with_seed("storms", 43, true), with_seed("storms-2", 43, false)];
        assert_eq!(resumed(decide(&both)).0, "storms-2", "of several the newest");
    }

    #[test]
    fn a_folder_that_is_no_run_only_takes_its_name() {
        let existing = [Existing { name: "storms".into(), record: None, finished: false, ended: None }];
        assert_eq!(decide("storms", &existing, &same(), false, &[]).unwrap(), new("storms-2"));
    }

    #[test]
    fn of_finished_runs_the_newest_with_this_configuration_counts() {
        let mut other = run("storms-2", true);
        other.record.as_mut().unwrap().config["seed"] = json!(43);
        let existing = [run("storms", true), other];
        let longer = json!({"seed": 42, "train": {"epochs": 30}});
        assert_eq!(resumed(decide("storms", &existing, &longer, false, &[]).unwrap()).0, "storms");
        let third = json!({"seed": 44, "train": {"epochs": 20}});
        assert_eq!(decide("storms", &existing, &third, false, &[]).unwrap(), new("storms-3"));
    }
}
