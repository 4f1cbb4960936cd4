//! `data.yaml`: the root of a dataset, what is on each side, and the names of the classes. Whether the images exist is `lists`' matter.

use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

use super::Side;

/// Larger than any real one: a hundred thousand names.
const MOST_BYTES: usize = 8 << 20;

/// The most classes.
const MOST_CLASSES: usize = 1 << 16;

/// Keys that are known; others are reported.
const KNOWN: [&str; 10] = ["path", "train", "val", "validation", "valid", "test", "names", "nc", "download", "minival"];

/// What a `data.yaml` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataYaml {
    /// Where the folders of the sides begin, relative to the file.
    pub root: PathBuf,
    /// Folders, lists or images of each side, relative to the root.
    pub sides: Vec<(Side, Vec<PathBuf>)>,
    /// The names of the classes, by their numbers.
    pub names: Vec<String>,
    /// Keys that mean nothing here.
    pub ignored: Vec<String>,
}

/// A file that can't be used.
#[derive(Debug, Error)]
pub enum DataYamlError {
    /// It is not YAML, or not of a form that such a file has.
    #[error("{} {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What was found, what was expected, and what to do.
        reason: String,
    },
}

impl DataYaml {
    /// Reads the text of a file; the path is for messages.
    ///
    /// # Errors
    /// If it is no such file.
    pub fn parse(path: &Path, text: &str) -> Result<Self, DataYamlError> {
        let refused = |reason: String| DataYamlError::Refused { path: path.to_owned(), reason };
        if text.len() > MOST_BYTES {
            return Err(refused(format!("has {} bytes, expected at most {MOST_BYTES}", text.len())));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let value: Value = serde_yaml::from_str(text)
            .map_err(|error| refused(format!("can't be read as YAML: {}", line(&error.to_string()))))?;
        Self::of(&value).map_err(refused)
    }

    fn of(value: &Value) -> Result<Self, String> {
        let map = value.as_object().ok_or("has no keys, expected train, val and names")?;
        let root = match map.get("path") {
            None | Some(Value::Null) => PathBuf::new(),
            Some(Value::String(path)) => path.into(),
            Some(other) => return Err(format!("has {other} as path, expected a folder")),
        };
        let mut sides = Vec::new();
        for (side, keys) in
            [(Side::Train, &["train"][..]), (Side::Val, &["val", "validation", "valid"]), (Side::Test, &["test"])]
        {
            let written =
                keys.iter().filter_map(|key| Some((*key, map.get(*key)?))).find(|(_, value)| !value.is_null());
            if let Some((key, value)) = written {
                sides.push((side, places(key, value)?));
            }
        }
        if sides.is_empty() {
            return Err("has neither train, val nor test; name a folder of images for each".to_owned());
        }
        let names = names(map.get("names"), map.get("nc"))?;
        let ignored = map.keys().filter(|key| !KNOWN.contains(&key.as_str())).cloned().collect();
        Ok(Self { root, sides, names, ignored })
    }
}

/// The first line of a message.
fn line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// A folder or a list of images, or several of them.
fn places(key: &str, value: &Value) -> Result<Vec<PathBuf>, String> {
    let expected = "expected a folder, a text file with the path of an image on each line, or a list of these";
    let one = |value: &Value| match value {
        Value::String(path) if !path.trim().is_empty() => Ok(PathBuf::from(path.trim())),
        other => Err(format!("has {other} under {key}, {expected}")),
    };
    match value {
        Value::Array(list) if list.is_empty() => Err(format!("has an empty list under {key}, {expected}")),
        Value::Array(list) => list.iter().map(one).collect(),
        other => one(other).map(|path| vec![path]),
    }
}

/// The names in the order of their numbers.
fn names(names: Option<&Value>, count: Option<&Value>) -> Result<Vec<String>, String> {
    let count = match count {
        None | Some(Value::Null) => None,
        Some(count) => match count.as_u64().filter(|count| (1..=MOST_CLASSES as u64).contains(count)) {
            Some(count) => Some(count as usize),
            None => return Err(format!("has nc: {count}, expected the number of classes, 1 to {MOST_CLASSES}")),
        },
    };
    let names = match (names, count) {
        (None | Some(Value::Null), None) => {
            return Err(
                "has no names; write names: [first, second] in the order of the numbers in the labels".to_owned()
            );
        }
        (None | Some(Value::Null), Some(count)) => (0..count).map(|class| class.to_string()).collect(),
        (Some(Value::Array(list)), _) => list.iter().map(text).collect::<Result<Vec<_>, _>>()?,
        (Some(Value::Object(map)), _) => numbered(map)?,
        (Some(other), _) => return Err(format!("has {other} as names, expected a list, or names by their numbers")),
    };
    if let Some(count) = count.filter(|count| *count != names.len()) {
        return Err(format!("has nc: {count} and {} names; correct one of them", names.len()));
    }
    if names.is_empty() || names.len() > MOST_CLASSES {
        return Err(format!("has {} names, expected 1 to {MOST_CLASSES}", names.len()));
    }
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("has the name {:?} twice; classes of one name are told apart by nothing", pair[0])),
        None => Ok(names),
    }
}

fn text(name: &Value) -> Result<String, String> {
    match name {
        Value::String(name) if !name.trim().is_empty() => Ok(name.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(word) => Err(format!("has {word} among its names; put it into quotes if that is a class")),
        other => Err(format!("has {other} among its names, expected texts")),
    }
}

fn numbered(map: &serde_json::Map<String, Value>) -> Result<Vec<String>, String> {
    let mut named = vec![None; map.len()];
    for (key, name) in map {
        let place = key.parse::<usize>().ok().and_then(|number| named.get_mut(number));
        let place = place.ok_or_else(|| {
            format!("has the name {name} under {key:?}, expected the numbers 0 to {}", map.len().saturating_sub(1))
        })?;
        *place = Some(text(name)?);
    }
    // As many keys as places, each of another number.
    Ok(named.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DataYaml, String> {
        DataYaml::parse(Path::new("d/data.yaml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn folders_lists_and_names_are_read_in_every_usual_form() {
        let found = parse(
            "path: ../set # root\ntrain: images/train\nvalid: [a.txt, images/val]\nnames:\n  0: cat\n  1: 'big dog'\nnc: 2\nroboflow: {a: 1}\n",
        )
        .unwrap();
        assert_eq!(found.root, Path::new("../set"));
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(
            found.sides,
            [(Side::Train, paths(&["images/train"])), (Side::Val, paths(&["a.txt", "images/val"]))]
        );
        assert_eq!((found.names, found.ignored), (vec!["cat".into(), "big dog".into()], vec!["roboflow".to_owned()]));
        let found = parse("\u{feff}train: t\nval: null\nvalidation: v\nnames: [a, 7]\ndownload: rm -rf\n").unwrap();
        assert_eq!((found.names, found.sides.len()), (vec!["a".into(), "7".into()], 2));
        assert_eq!(found.ignored, [""; 0], "download is known, and never run");
        assert_eq!(parse("train: t\nnc: 3").unwrap().names, ["0", "1", "2"]);
    }

    #[test]
    fn what_can_not_be_used_is_named_with_what_was_expected() {
        for (text, words) in [
            ("names: [a]", "neither train, val nor test"),
            ("train: t", "has no names"),
            ("train: t\nnames: [a]\nnc: 2", "has nc: 2 and 1 names"),
            ("train: t\nnames: {0: a, 2: b}", "under \"2\", expected the numbers 0 to 1"),
            ("train: t\nnames: [a, a]", "the name \"a\" twice"),
            ("train: t\nnames: [yes, {}]", "among its names"),
            ("train: 5\nnames: [a]", "has 5 under train, expected a folder"),
            ("train: []\nnames: [a]", "an empty list under train"),
            ("- a", "has no keys"),
            ("train: [", "can't be read as YAML"),
            ("train: t\nnc: 0", "has nc: 0"),
            ("", "has no keys"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.starts_with("d/data.yaml ") && problem.contains(words), "{text:?}: {problem}");
        }
    }
}
