//! Whether a start continues a run or begins a new one. Pure.

use serde_json::Value;

use super::difference::{Difference, differences, refused};
use super::error::RunError;
use super::name::{next, number};
use super::record::RunRecord;

/// A folder below the folder of all runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Existing {
    /// Its name.
    pub name: String,
    /// What it says about itself; none where it is no run of ours, or was killed before it said anything.
    pub record: Option<RunRecord>,
    /// Whether training came to its end.
    pub finished: bool,
}

/// What a start does.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Begins a run in a folder that is not there yet.
    New {
        /// The folder's name.
        name: String,
    },
    /// Goes on with a run.
    Resume {
        /// The folder's name.
        name: String,
        /// What changed in the configuration, to be told and recorded.
        differences: Vec<Difference>,
    },
    /// The run is finished and nothing more is asked for: more epochs continue it, `--no-resume` begins a new one.
    AlreadyDone {
        /// The folder's name.
        name: String,
    },
}

/// Decides by the newest run of the family of `name`. An unfinished one goes on; with a configuration that it can't go on
/// with it is refused rather than left lying. A finished one goes on where only more is asked of it; with any other
/// configuration a new run begins.
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
    let newest = existing.iter().filter(|run| number(name, &run.name).is_some());
    let Some(newest) = newest.max_by_key(|run| number(name, &run.name)).filter(|_| !no_resume) else {
        return Ok(new());
    };
    let Some(record) = &newest.record else { return Ok(new()) };
    let differences = differences(&record.config, config);
    let fixed = refused(&differences, allowed);
    let (run, longer) = (newest.name.clone(), asks_for_more(&differences));
    match (newest.finished, fixed.is_empty()) {
        (false, true) => Ok(Decision::Resume { name: run, differences }),
        (false, false) => Err(RunError::ConfigDiffers { run, differences: fixed }),
        (true, true) if longer => Ok(Decision::Resume { name: run, differences }),
        (true, true) => Ok(Decision::AlreadyDone { name: run }),
        (true, false) => Ok(new()),
    }
}

/// Whether the end of training has moved.
fn asks_for_more(differences: &[Difference]) -> bool {
    const ENDS: [&str; 4] = ["train.epochs", "train.max_steps", "train.max_minutes", "train.patience"];
    let later = |difference: &Difference| {
        let (old, new) = (difference.old.as_f64(), difference.new.as_f64());
        // null is no end at all.
        ENDS.contains(&difference.key.as_str()) && (new.is_none() || old.is_some() && new > old)
    };
    differences.iter().any(later)
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;
    use serde_json::json;

    fn run(name: &str, finished: bool) -> Existing {
        Existing { name: name.into(), record: Some(record("train")), finished }
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
    fn the_first_start_begins_and_the_same_command_goes_on() {
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
    fn a_finished_run_goes_on_only_where_more_is_asked_for() {
        let existing = [run("storms", true)];
        let decide = |config: Value| decide("storms", &existing, &config, false, &[]).unwrap();
        assert_eq!(decide(same()), Decision::AlreadyDone { name: "storms".into() });
        assert_eq!(
            decide(json!({"seed": 42, "train": {"epochs": 10}})),
            Decision::AlreadyDone { name: "storms".into() }
        );
        assert_eq!(resumed(decide(json!({"seed": 42, "train": {"epochs": 30}}))).1, 1);
        assert_eq!(decide(json!({"seed": 43, "train": {"epochs": 20}})), new("storms-2"));
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
    fn a_folder_that_is_no_run_only_takes_its_name() {
        let existing = [Existing { name: "storms".into(), record: None, finished: false }];
        assert_eq!(decide("storms", &existing, &same(), false, &[]).unwrap(), new("storms-2"));
    }
}
