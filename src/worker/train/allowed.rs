//! The keys that a start allows to differ from those of the run that it resumes: each must be one of the configuration.

use serde_json::Value;

use super::error::TrainingError;

/// Whether a key that may change is one of the configuration, or inside a list or a variant of it.
pub(super) fn check_key(key: &str, config: &Value) -> Result<(), TrainingError> {
    let names: Vec<&str> = key.split('.').collect();
    let known = |names: &[&str]| config.pointer(&format!("/{}", names.join("/"))).is_some();
    // What a list or a variant contained before may be gone from the configuration; the list or variant itself must exist.
    if known(&names) || names.len() > 1 && (1..names.len()).rev().any(|length| known(&names[..length]) && length > 1) {
        return Ok(());
    }
    let (all, last) = (keys("", config), names.last().copied().unwrap_or_default());
    let ending = |ending: &str| all.iter().find(|known| known.ends_with(&format!(".{ending}")));
    let typed = || all.iter().find(|known| strsim::damerau_levenshtein(known, key) <= (key.len() / 4).max(1));
    let likely = ending(key).or_else(|| ending(last)).or_else(typed).cloned();
    Err(TrainingError::NoSuchKey { key: key.to_owned(), likely })
}

/// All keys, dotted.
fn keys(above: &str, config: &Value) -> Vec<String> {
    let below = |name: &str| if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
    let sections = config.as_object().into_iter().flatten();
    sections.flat_map(|(name, value)| [vec![below(name)], keys(&below(name), value)].concat()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_that_may_change_must_be_one() {
        let config = json!({"seed": 1, "train": {"optimizer": {"adamw": {"lr": 0.1}}}, "task": {"any": {"model": {"hidden": [4]}}}});
        for known in ["seed", "train.optimizer", "train.optimizer.sgd.lr", "task.any.model.hidden.1"] {
            check_key(known, &config).unwrap();
        }
        let error = check_key("model.hidden", &config).unwrap_err().to_string();
        assert!(error.contains("did you mean task.any.model.hidden?"), "{error}");
        for (typed, meant) in
            [("train.lr", "train.optimizer.adamw.lr"), ("trian.optimizer", "train.optimizer"), ("sed", "seed")]
        {
            let error = check_key(typed, &config).unwrap_err().to_string();
            assert!(error.contains(&format!("did you mean {meant}?")), "{error}");
        }
        assert!(check_key("nonsense", &config).unwrap_err().to_string().contains("there is no such key;"));
    }
}
