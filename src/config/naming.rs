//! The default names of a dataset and of the run that learns from it.

use std::path::Path;

use serde::Deserialize as _;
use serde_json::Value;

use crate::task::TaskConfig;

/// File names that say nothing about what a configuration is for.
const SAYS_NOTHING: [&str; 3] = ["config", "built-in config", "stdin"];

/// If nothing else has a name.
const UNNAMED: &str = "data";

/// Names the dataset if its name is missing or null, and the run for the dataset in the same case. Data that is made on this
/// machine is named for what the task learns from; any other for the configuration's file, else for its source.
pub fn complete(config: &mut Value, file: &str) {
    let task = config.get("task").and_then(|task| TaskConfig::deserialize(task).ok());
    let made = task.map_or("run", |task| task.kind().default_name());
    let Some(config) = config.as_object_mut() else { return };
    let Some(data) = config.get_mut("data").and_then(Value::as_object_mut) else { return };
    let named = match data.get("name") {
        None | Some(Value::Null) => dataset(data.get("source"), file, made).into(),
        Some(name) => name.clone(),
    };
    data.insert("name".into(), named.clone());
    if config.get("name").is_none_or(Value::is_null) {
        config.insert("name".into(), named);
    }
}

fn dataset(source: Option<&Value>, file: &str, made: &str) -> String {
    let sources = || source.and_then(Value::as_array).into_iter().flatten();
    if sources().all(|source| source.get("synthetic").is_some()) {
        return made.to_owned();
    }
    let of_file = stem(file).filter(|stem| !SAYS_NOTHING.contains(&stem.as_str()));
    let address = |source: &Value| {
        let written = source.pointer("/path/path").or_else(|| source.pointer("/url/href"))?.as_str()?;
        stem(written.split(['?', '#']).next().unwrap_or_default())
    };
    of_file.or_else(|| sources().find_map(address)).unwrap_or_else(|| UNNAMED.to_owned())
}

/// The last part of a path up to its first dot, reduced to characters that a folder's name may have.
fn stem(path: &str) -> Option<String> {
    let name = Path::new(path).file_name()?.to_str()?;
    let stem = name.split('.').find(|part| !part.is_empty())?;
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | ' ');
    let stem: String = stem.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
    (!stem.trim().is_empty()).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(mut config: Value, file: &str) -> [String; 2] {
        complete(&mut config, file);
        ["/data/name", "/name"].map(|pointer| config.pointer(pointer).unwrap().as_str().unwrap().to_owned())
    }

    fn of(source: Value, file: &str) -> String {
        let [data, run] = names(json!({"data": {"source": [source]}, "name": null}), file);
        assert_eq!(data, run);
        data
    }

    #[test]
    fn a_dataset_is_named_for_the_file_else_for_its_source() {
        let real = || json!({"path": {"path": "/data/radar 2013.tar.gz"}});
        assert_eq!(of(real(), "configs/alps.yaml"), "alps");
        assert_eq!(of(real(), "config.yaml"), "radar 2013");
        assert_eq!(of(json!({"url": {"href": "https://a.org/x/rain.zip?dl=1"}}), "built-in config.yaml"), "rain");
        assert_eq!(of(json!({"gdrive": {"id": "abc"}}), "config.yaml"), "data");
        assert_eq!(of(json!({"path": {"path": "/"}}), "/dev/stdin"), "data");
        assert_eq!(of(json!({"synthetic": {}}), "alps.yaml"), "run", "no task is named here");
    }

    #[test]
    fn what_is_written_stays_and_the_run_follows_the_dataset() {
        assert_eq!(names(json!({"data": {"name": "a", "source": []}}), "b.yaml"), ["a", "a"]);
        assert_eq!(names(json!({"name": "c", "data": {"name": "a", "source": []}}), "b.yaml"), ["a", "c"]);
    }
}
