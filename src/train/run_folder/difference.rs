//! The effect of a changed configuration on a run that is continued: each key may change freely, with a warning, or not at
//! all. Pure; an unlisted key must not change.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::util::sha256::Digest;

/// The effect of changing a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The run continues as if nothing had changed.
    Free,
    /// The run continues, but is no longer the run that the old configuration describes.
    Warn,
    /// The run can't continue: its numbers would mean something else.
    Fixed,
}

/// One key that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The key, dotted, list items by number.
    pub key: String,
    /// What the run has.
    pub old: Value,
    /// What is requested now.
    pub new: Value,
    /// The effect of the change.
    pub class: Class,
    /// Why the run is no longer exact, if there is something to report.
    pub why: Vec<&'static str>,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: was {}, is {}", self.key, self.old, self.new)?;
        if self.why.is_empty() { Ok(()) } else { write!(out, " ({})", self.why.join("; ")) }
    }
}

const FREE: [&str; 9] = [
    "name",
    "output",
    "data.root",
    "train.max_steps",
    "train.max_minutes",
    "train.max_retries",
    "train.validate.every_minutes",
    "log_level",
    "log_format",
];
const WARN: [&str; 6] =
    ["device", "data.loader", "train.patience", "train.patience_by", "train.min_delta", "train.checkpoint"];

/// Every key in which two configurations differ, in the order of the keys. A null key counts as absent.
#[must_use]
pub fn differences(old: &Value, new: &Value) -> Vec<Difference> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    flatten("", old, &mut before);
    flatten("", new, &mut after);
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |side: &BTreeMap<String, Value>, key: &String| side.get(key).cloned().unwrap_or(Value::Null);
    let differing = keys.into_iter().filter_map(|key| {
        let (one, other) = (value(&before, key), value(&after, key));
        (!same(&one, &other)).then(|| (key.clone(), one, other))
    });
    let same_at_once = at_once(old) == at_once(new);
    let differing = differing.filter(|(key, ..)| key != MICRO_BATCH || !same_at_once);
    let told = |(key, old, asked): (String, Value, Value)| {
        let (class, why) = class(&key, &old, &asked, new);
        Difference { key, old, new: asked, class, why }
    };
    differing.map(told).collect()
}

/// What decides the numbers of a run: a digest of the keys that must not change, and of the dataset.
#[must_use]
pub fn recipe(config: &Value, fingerprint: &str) -> Digest {
    let mut keys = BTreeMap::new();
    flatten("", config, &mut keys);
    let decides = |key: &str, value: &Value| {
        !value.is_null() && key != "train.epochs" && class(key, value, value, config).0 == Class::Fixed
    };
    let fixed = keys.iter().filter(|(key, value)| decides(key, value));
    let text: String = fixed.map(|(key, value)| format!("{key}={value}\n")).collect();
    Digest::of(format!("{text}dataset={fingerprint}\n").as_bytes())
}

/// Every key of a configuration with its value, dotted, list items by number.
#[must_use]
pub fn flat(config: &Value) -> BTreeMap<String, Value> {
    let mut values = BTreeMap::new();
    flatten("", config, &mut values);
    values
}

const MICRO_BATCH: &str = "train.micro_batch";

/// The micro-batch size: `auto` is the whole batch.
fn at_once(config: &Value) -> Option<u64> {
    let number = |pointer| config.pointer(pointer).and_then(Value::as_u64);
    number("/train/micro_batch").or_else(|| number("/train/batch"))
}

/// 1 and 1.0 are the same number.
fn same(one: &Value, other: &Value) -> bool {
    one == other || (one.is_number() && one.as_f64() == other.as_f64() && !(one.is_u64() && other.is_u64()))
}

fn flatten(key: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
    let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(name, value)| flatten(&below(name), value, into))
        }
        Value::Array(list) if !list.is_empty() => {
            list.iter().enumerate().for_each(|(index, value)| flatten(&below(&index.to_string()), value, into));
        }
        _ => {
            into.insert(key.to_owned(), value.clone());
        }
    }
}

fn class(key: &str, old: &Value, new: &Value, config: &Value) -> (Class, Vec<&'static str>) {
    let under = |keys: &[&str]| {
        keys.iter().any(|prefix| key.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    };
    if key == MICRO_BATCH {
        return (Class::Warn, vec!["sums of gradients are rounded differently, and statistics over a batch change"]);
    }
    if key == "train.epochs" {
        let why = epochs(old, new, config);
        return (if why.is_empty() { Class::Free } else { Class::Warn }, why);
    }
    let class = match (under(&FREE), under(&WARN)) {
        (true, _) => Class::Free,
        (_, true) => Class::Warn,
        _ => Class::Fixed,
    };
    (class, Vec::new())
}

/// Why a run with a changed number of epochs is not what it would have been with that number from the start.
fn epochs(old: &Value, new: &Value, config: &Value) -> Vec<&'static str> {
    let old_epochs = old.as_u64().unwrap_or(0);
    let every = config.pointer("/train/validate/every_epochs").and_then(Value::as_u64).unwrap_or(1).max(1);
    let has_phases = config.pointer("/train/phases").and_then(Value::as_array).is_some_and(|phases| !phases.is_empty());
    let reasons = [
        (new.as_u64() < Some(old_epochs), "the run ends earlier than it was meant to"),
        (
            ["cosine", "linear", "one_cycle"]
                .iter()
                .any(|kind| config.pointer("/train/schedule").is_some_and(|of| of.get(kind).is_some())),
            "the learning rate falls over all epochs, and those until now had another length before them",
        ),
        (
            new.as_u64() > Some(old_epochs) && !old_epochs.is_multiple_of(every),
            "the epoch that was to be the last one is validated out of turn, which patience and schedule may have seen",
        ),
        (has_phases, "finished phases get no more epochs"),
    ];
    reasons.into_iter().filter_map(|(holds, why)| holds.then_some(why)).collect()
}

/// The differences that prevent a run from continuing, except for keys that the user allows explicitly. Allowing a key also
/// allows everything below it.
#[must_use]
pub fn refused(differences: &[Difference], allowed: &[String]) -> Vec<Difference> {
    let is_allowed = |key: &str| {
        allowed.iter().any(|allowed| {
            key == allowed || key.strip_prefix(allowed.as_str()).is_some_and(|rest| rest.starts_with('.'))
        })
    };
    let fixed = differences.iter().filter(|difference| difference.class == Class::Fixed);
    fixed.filter(|difference| !is_allowed(&difference.key)).cloned().collect()
}

/// The differences as a table: key, what the run has, what is requested now.
#[must_use]
pub fn table(differences: &[Difference]) -> String {
    let rows = differences
        .iter()
        .map(|difference| [difference.key.clone(), difference.old.to_string(), difference.new.to_string()]);
    let rows: Vec<[String; 3]> =
        [["key".to_owned(), "the run has".into(), "now".into()]].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let lines = rows.iter().map(|[key, old, new]| format!("  {key:first$}  {old:second$}  {new}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// What to add to the command line to continue anyway.
#[must_use]
pub fn flags(differences: &[Difference]) -> String {
    let flags = differences.iter().map(|difference| format!("--allow-change {}", difference.key));
    flags.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn config() -> Value {
        json!({
            "name": "storms", "seed": 42, "device": "auto",
            "data": {"root": "datasets", "source": [{"path": {"path": "/a"}}], "fraction": 1.0, "loader": {"threads": 1}},
            "task": {"any": {"model": {"hidden": [16, 16]}, "loss": {"ssim_weight": 0.5}, "split": {"val_share": 0.2}}},
            "train": {
                "epochs": 20, "patience": 8, "max_steps": null, "checkpoint": {"keep_last": 2}, "batch": 4, "micro_batch": 2,
                "init_from": null, "freeze": [], "validate": {"every_epochs": 1, "every_steps": null, "every_minutes": null}, "patience_by": "loss",
            },
        })
    }

    fn change(pointer: &str, value: Value) -> Vec<(String, Class)> {
        let mut new = config();
        *new.pointer_mut(pointer).unwrap() = value;
        differences(&config(), &new).into_iter().map(|found| (found.key, found.class)).collect()
    }

    #[test]
    fn each_kind_of_key_has_its_class() {
        for (pointer, value, key, class) in [
            ("/name", json!("x"), "name", Class::Free),
            ("/data/root", json!("/mnt"), "data.root", Class::Free),
            ("/train/epochs", json!(30), "train.epochs", Class::Free),
            ("/train/epochs", json!(10), "train.epochs", Class::Warn),
            ("/train/max_steps", json!(5), "train.max_steps", Class::Free),
            ("/train/patience", json!(null), "train.patience", Class::Warn),
            ("/train/checkpoint/keep_last", json!(9), "train.checkpoint.keep_last", Class::Warn),
            ("/data/loader/threads", json!(4), "data.loader.threads", Class::Warn),
            ("/device", json!("cuda"), "device", Class::Warn),
            ("/seed", json!(43), "seed", Class::Fixed),
            ("/train/batch", json!(8), "train.batch", Class::Fixed),
            ("/train/micro_batch", json!("auto"), "train.micro_batch", Class::Warn),
            ("/train/init_from", json!("other"), "train.init_from", Class::Fixed),
            ("/train/validate/every_epochs", json!(2), "train.validate.every_epochs", Class::Fixed),
            ("/train/validate/every_steps", json!(50), "train.validate.every_steps", Class::Fixed),
            ("/train/validate/every_minutes", json!(5.0), "train.validate.every_minutes", Class::Free),
            ("/train/patience_by", json!("other"), "train.patience_by", Class::Warn),
            ("/task/any/model/hidden/1", json!(32), "task.any.model.hidden.1", Class::Fixed),
            ("/task/any/loss/ssim_weight", json!(0.1), "task.any.loss.ssim_weight", Class::Fixed),
            ("/data/fraction", json!(0.1), "data.fraction", Class::Fixed),
            ("/data/source/0/path/path", json!("/b"), "data.source.0.path.path", Class::Fixed),
        ] {
            assert_eq!(change(pointer, value), [(key.to_owned(), class)]);
        }
    }

    #[test]
    fn a_recipe_changes_with_what_decides_the_numbers_and_with_nothing_else() {
        let of = |pointer: &str, value: Value| {
            let mut config = config();
            *config.pointer_mut(pointer).unwrap() = value;
            recipe(&config, "data")
        };
        let same = recipe(&config(), "data");
        assert_ne!(same, recipe(&config(), "other data"));
        for (pointer, value) in [("/seed", json!(43)), ("/train/batch", json!(8)), ("/data/fraction", json!(0.5))] {
            assert_ne!(of(pointer, value), same, "{pointer}");
        }
        for (pointer, value) in [
            ("/train/epochs", json!(99)),
            ("/train/patience", json!(1)),
            ("/train/max_steps", json!(5)),
            ("/train/micro_batch", json!(1)),
            ("/name", json!("x")),
        ] {
            assert_eq!(of(pointer, value), same, "{pointer}");
        }
    }

    #[test]
    fn what_is_frozen_is_fixed_whether_it_was_none_or_some() {
        let some = vec![("train.freeze".to_owned(), Class::Fixed), ("train.freeze.0".to_owned(), Class::Fixed)];
        assert_eq!(change("/train/freeze", json!(["layers.0.*"])), some);
    }

    #[test]
    fn what_is_written_otherwise_but_means_the_same_is_no_difference() {
        assert_eq!(change("/train/epochs", json!(20.0)), []);
        assert_eq!(change("/task/any/loss/ssim_weight", json!(0.5)), []);
        let mut without = config();
        without["train"].as_object_mut().unwrap().remove("max_steps");
        assert_eq!(differences(&config(), &without), []);
    }

    #[test]
    fn auto_and_its_number_are_no_difference() {
        let mut whole = config();
        whole["train"]["micro_batch"] = json!(4);
        let mut auto = whole.clone();
        auto["train"]["micro_batch"] = json!("auto");
        assert_eq!(differences(&whole, &auto), []);
        auto["train"]["batch"] = json!(8);
        let keys: Vec<_> = differences(&whole, &auto).into_iter().map(|found| found.key).collect();
        assert_eq!(keys, ["train.batch", "train.micro_batch"]);
    }

    #[test]
    fn keys_that_come_go_or_are_unknown_are_fixed() {
        let mut new = config();
        new["train"]["invented"] = json!({"deep": 1});
        new["task"]["any"]["model"]["hidden"] = json!([16]);
        let found = differences(&config(), &new);
        let keys: Vec<_> = found.iter().map(|found| (found.key.as_str(), found.class)).collect();
        assert_eq!(keys, [("task.any.model.hidden.1", Class::Fixed), ("train.invented.deep", Class::Fixed)]);
        assert_eq!((&found[0].old, &found[0].new), (&json!(16), &Value::Null));
    }

    #[test]
    fn more_epochs_of_a_schedule_over_all_epochs_are_told() {
        for schedule in [
            json!({"cosine": {"min_lr": 0.0}}),
            json!({"linear": {"min_lr": 0.0}}),
            json!({"one_cycle": {"warmup_share": 0.3}}),
        ] {
            let (mut old, mut new) = (config(), config());
            old["train"]["schedule"] = schedule;
            new["train"]["schedule"] = old["train"]["schedule"].clone();
            new["train"]["epochs"] = json!(40);
            let found = &differences(&old, &new)[0];
            assert_eq!(found.class, Class::Warn);
            assert!(
                found.to_string().starts_with("train.epochs: was 20, is 40 (the learning rate falls over all"),
                "{found}"
            );
        }
    }

    #[test]
    fn more_epochs_are_reported_if_the_result_differs() {
        let longer = |pointer: &str, value: Value| {
            let mut old = config();
            old["train"]["phases"] = json!([]);
            *old.pointer_mut(pointer).unwrap() = value;
            let mut new = old.clone();
            new["train"]["epochs"] = json!(40);
            differences(&old, &new).remove(0)
        };
        let out_of_turn = longer("/train/validate/every_epochs", json!(3));
        assert_eq!(out_of_turn.class, Class::Warn);
        assert!(
            out_of_turn.to_string().contains("(the epoch that was to be the last one is validated"),
            "{out_of_turn}"
        );
        let in_turn = longer("/train/validate/every_epochs", json!(5));
        assert_eq!((in_turn.class, in_turn.to_string().as_str()), (Class::Free, "train.epochs: was 20, is 40"));
        let phases = longer("/train/phases", json!([{"train": {"epochs": 2}}, {"train": {}}]));
        assert_eq!(phases.class, Class::Warn);
        assert!(phases.to_string().ends_with("(finished phases get no more epochs)"), "{phases}");
    }

    #[test]
    fn the_refusal_shows_both_sides_and_how_to_insist() {
        let mut new = config();
        new["seed"] = json!(7);
        new["task"]["any"]["loss"]["ssim_weight"] = json!(0.25);
        new["train"]["patience"] = json!(3);
        let found = refused(&differences(&config(), &new), &["task.any.lo".into()]);
        let error = super::super::RunError::ConfigDiffers { run: "storms-2".into(), differences: found };
        assert_eq!(
            error.to_string(),
            "the configuration differs from that of the unfinished run storms-2:\n\
             \x20 key                        the run has  now\n\
             \x20 seed                       42           7\n\
             \x20 task.any.loss.ssim_weight  0.5          0.25\n\
             undo the changes, start a new run with --no-resume, or insist with \
             --allow-change seed --allow-change task.any.loss.ssim_weight"
        );
        assert_eq!(error.exit(), crate::util::exit::Exit::Configuration);
        let allowed = ["seed".to_owned(), "task.any.loss".to_owned()];
        assert_eq!(refused(&differences(&config(), &new), &allowed), []);
    }
}
