//! The layout of the original: `dict.json` lists words with their instances, each in a file of its own below the same folder.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Entry, Found, Frames, Layout, ReadError, Reader, SetAside, below, content, inside, pickle};
use crate::task::keypoints::clip::Source;

/// What it is called.
pub(super) const NAME: &str = "dict.json";

/// The largest list, and the largest file of a sample: an hour at 25 frames a second.
const MOST_BYTES_OF_LIST: u64 = 256 << 20;
pub(super) const MOST_BYTES_OF_SAMPLE: u64 = 1 << 30;

/// Where the original's dataset begins in the paths of its list.
const ROOTS: [&str; 2] = ["./Data/AEC/", "/AEC/"];

/// An entry of the list: a word.
#[derive(Deserialize)]
struct Word {
    gloss: String,
    instances: Vec<Value>,
}

/// A sample of a word. Only the path is needed.
#[derive(Deserialize)]
struct Instance {
    keypoints_path: String,
    #[serde(default)]
    unique_name: Option<String>,
    #[serde(default)]
    signer_id: Option<Value>,
    #[serde(default)]
    source_video_name: Option<String>,
    #[serde(default)]
    frame_start: Option<u64>,
    #[serde(default)]
    frame_end: Option<u64>,
}

/// Reads the list in a folder below the root.
pub(super) fn open(root: &Path, folder: &str) -> Result<Found, ReadError> {
    let list = below(folder, NAME);
    let path = root.join(&list);
    let refuse = |reason: String| ReadError::refused(&path, reason);
    let bytes = content(&path, MOST_BYTES_OF_LIST).map_err(refuse)?;
    let words: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|error| {
        refuse(format!("is no JSON object of words, expected {{\"0\": {{\"gloss\", \"instances\"}}}} ({error})"))
    })?;
    let (mut entries, mut set_aside, mut files) = (Vec::new(), Vec::new(), vec![list.clone()]);
    for (key, word) in words {
        let word: Word = serde_json::from_value(word).map_err(|error| {
            refuse(format!(
                "has an entry {key:?} that is no word, expected {{\"gloss\": text, \"instances\": [..]}} ({error})"
            ))
        })?;
        for (number, instance) in word.instances.iter().enumerate() {
            match entry(root, folder, &word.gloss, instance) {
                Ok(entry) => {
                    files.push(entry.file.clone());
                    entries.push(entry);
                }
                Err(mut aside) => {
                    if aside.place.is_empty() {
                        aside.place = list.clone();
                        aside.reason = format!("has the instance {number} of {:?}, which {}", word.gloss, aside.reason);
                    }
                    set_aside.push(aside);
                }
            }
        }
    }
    files.sort_unstable();
    let (layout, reader) = (Layout::Dictionary, Box::new(Files { root: root.to_owned() }));
    Ok(Found { layout, entries, classes: Vec::new(), set_aside, files, reader })
}

fn entry(root: &Path, folder: &str, gloss: &str, instance: &Value) -> Result<Entry, SetAside> {
    let instance: Instance = serde_json::from_value(instance.clone()).map_err(|error| {
        SetAside::new("", format!("can't be used, expected an object with \"keypoints_path\" ({error})"))
    })?;
    let file = below_root(&instance.keypoints_path).map_err(|reason| SetAside::new("", reason))?;
    let stem = Path::new(&file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = instance.unique_name.filter(|name| !name.is_empty()).unwrap_or(stem);
    let file = below(folder, &file);
    if gloss.is_empty() {
        return Err(SetAside::of(
            &name,
            &file,
            "has an empty gloss, expected the word that it shows; write it into dict.json",
        ));
    }
    if !root.join(&file).is_file() {
        return Err(SetAside::of(&name, &file, "is absent, though dict.json lists it"));
    }
    let source = instance.source_video_name.filter(|video| !video.is_empty());
    let span = instance.frame_start.zip(instance.frame_end).map_or(Source::NO_SPAN, |(start, end)| [start, end]);
    let source = source.map(|video| Source { video, span });
    Ok(Entry {
        name,
        class: Some(gloss.to_owned()),
        signer: signer(instance.signer_id.as_ref()),
        source,
        side: None,
        file,
    })
}

/// Who signed; -1 is nobody.
fn signer(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Number(number) if number.as_i64().is_some_and(|number| number >= 0) => Some(number.to_string()),
        Value::String(name) if !name.is_empty() && name != "-1" => Some(name.clone()),
        _ => None,
    }
}

/// A path of the list as it is below the folder of the list.
fn below_root(path: &str) -> Result<String, String> {
    let slashes = path.replace('\\', "/");
    let own = slashes.strip_prefix(ROOTS[0]);
    let own = own.or_else(|| slashes.split_once(ROOTS[1]).map(|(_, own)| own));
    inside(own.unwrap_or(&slashes))
}

/// Reads the files of samples.
struct Files {
    root: PathBuf,
}

impl Reader for Files {
    fn read(&self, _: usize, entry: &Entry) -> Result<Frames, String> {
        pickle::read(&content(&self.root.join(&entry.file), MOST_BYTES_OF_SAMPLE)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_list_is_below_its_folder_or_refused() {
        for (path, expected) in [
            ("./Data/AEC/Keypoints/pkl/a/b.pkl", "Keypoints/pkl/a/b.pkl"),
            ("C:\\work\\AEC\\Keypoints\\b.pkl", "Keypoints/b.pkl"),
            ("/mine/AEC/Keypoints/b.pkl", "Keypoints/b.pkl"),
            ("./b.pkl", "b.pkl"),
            (".//x/./b.pkl", "x/b.pkl"),
            ("b.pkl", "b.pkl"),
        ] {
            assert_eq!(below_root(path).as_deref(), Ok(expected), "{path}");
        }
        for path in [
            "../b.pkl",
            "/etc/passwd",
            "./Data/AEC/../../b.pkl",
            "a/../b.pkl",
            "..\\b.pkl",
            "C:\\b.pkl",
            "./Data/AEC//etc/p",
            "x/AEC//etc/p",
        ] {
            assert!(below_root(path).is_err_and(|reason| reason.contains("leaves the folder")), "{path}");
        }
        assert!(below_root("./").is_err() && below_root("").is_err());
    }
}
