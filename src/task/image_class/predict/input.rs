//! The images to predict, and the classes that their folders or files name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tracing::warn;

use super::PredictError;
use crate::data::prepare::files::{FilesError, find};
use crate::task::image_class::facts::ModelFacts;
use crate::task::image_class::fit::Gray;
use crate::task::image_class::foreign::key;
use crate::task::image_class::packed::{Packed, Unpacked, Unusable};
use crate::task::image_class::prepare::layout::LeftOut;
use crate::task::image_class::prepare::{FILES, IMAGES};
use crate::util::fs::create_dir_all;
use crate::util::stop::Stop;

/// Folders that are named in a message.
const MOST_NAMED: usize = 5;

/// An image.
pub(super) struct Image {
    /// Its path below the input, or its file with its number there.
    pub name: String,
    pub content: Content,
    /// The class that a packed file gives it.
    pub class: Option<String>,
}

/// Where its gray levels are.
pub(super) enum Content {
    /// In a file of its own.
    File(PathBuf),
    /// Here: it was one of many in a file.
    Here(Gray),
}

/// The images below a folder, by folder and name; those of idx, npz and csv files there, if there are no others; or the one image.
pub(super) fn images(input: &Path, output: &Path, size: [usize; 2], stop: &Stop) -> Result<Vec<Image>, PredictError> {
    let file = |name: String, path: PathBuf| Image { name, content: Content::File(path), class: None };
    if input.is_file() {
        let name = input.file_name().unwrap_or(input.as_os_str()).to_string_lossy().into_owned();
        return Ok(vec![file(name, input.to_owned())]);
    }
    let folders = match find(input, &FILES) {
        Err(FilesError::None { root, kind }) => match Packed::find(input)? {
            Some(packed) => return unpacked(packed, input, output, size, stop),
            None => return Err(FilesError::None { root, kind }.into()),
        },
        found => found?,
    };
    let mut all = Vec::new();
    for folder in folders {
        for source in folder.files {
            let path = folder.folder.join(&source.name);
            let name = if folder.path.is_empty() { source.name } else { format!("{}/{}", folder.path, source.name) };
            all.push(file(name, path));
        }
    }
    Ok(all)
}

fn unpacked(
    packed: Packed,
    input: &Path,
    output: &Path,
    size: [usize; 2],
    stop: &Stop,
) -> Result<Vec<Image>, PredictError> {
    create_dir_all(output)?;
    let read = packed.read(input, output, size, None, None, stop);
    let Unpacked { tables, classes, class_of, left_out, .. } =
        read.map_err(|Unusable { file, reason }| PredictError::Packed { path: input.join(file), reason })?;
    for LeftOut { place, files, reason } in left_out {
        warn!("{place}: {} not used: {reason}", IMAGES.count(files as u64));
    }
    let mut all = Vec::new();
    for (table, class_of) in tables.iter().zip(class_of) {
        let [rows, columns] = table.shape;
        for (line, reason) in &table.bad {
            warn!("{}:{line} not used: {reason}", table.file);
        }
        for (index, class) in class_of.into_iter().enumerate() {
            let content = Content::Here(Gray { rows, columns, levels: table.image(index).to_vec() });
            let class = class.map(|class| classes[class].folder.clone());
            all.push(Image { name: table.name(index), content, class });
        }
    }
    Ok(all)
}

/// The true classes of images, by the names of folders.
pub(super) struct Truth {
    /// The classes by their folders and by what these have in common with other names of them.
    classes: BTreeMap<String, usize>,
    /// How many images each folder has that names no class, if others do.
    unknown: BTreeMap<String, usize>,
    known: usize,
}

impl Truth {
    pub fn new(facts: &ModelFacts, images: &[Image]) -> Self {
        let names = |names: &[String]| names.iter().cloned().zip(0..).collect::<Vec<(String, usize)>>();
        let keys: Vec<String> = facts.classes.iter().map(|class| key(class)).collect();
        // Of two classes with one name the first; the folder itself wins.
        let mut classes: BTreeMap<String, usize> = names(&keys).into_iter().rev().collect();
        classes.extend(names(&facts.classes));
        let mut truth = Self { classes, unknown: BTreeMap::new(), known: 0 };
        for image in images {
            match (truth.of(image), image.name.rsplit_once('/')) {
                (Some(_), _) => truth.known += 1,
                (None, _) if image.class.is_some() => {
                    *truth.unknown.entry(image.class.clone().unwrap_or_default()).or_default() += 1;
                }
                (None, Some((folder, _))) => *truth.unknown.entry(folder.to_owned()).or_default() += 1,
                (None, None) => {}
            }
        }
        truth
    }

    /// The class of an image: that of the nearest folder that names one.
    pub fn of(&self, image: &Image) -> Option<usize> {
        if let Some(class) = &image.class {
            return self.classes.get(class).or_else(|| self.classes.get(&key(class))).copied();
        }
        let (folders, _) = image.name.rsplit_once('/')?;
        folders
            .rsplit('/')
            .find_map(|folder| self.classes.get(folder).or_else(|| self.classes.get(&key(folder))).copied())
    }

    /// What is wrong with the names of folders, in words: nothing, if none of them names a class or all do.
    pub fn unknown(&self) -> Option<String> {
        let images: usize = self.unknown.values().sum();
        if images == 0 {
            return None;
        }
        let names: Vec<&str> = self.unknown.keys().take(MOST_NAMED).map(String::as_str).collect();
        let more = if self.unknown.len() > MOST_NAMED { ", ..." } else { "" };
        let what = format!(
            "{} in folders or classes that the model does not know: {}{more}",
            IMAGES.count(images as u64),
            names.join(", ")
        );
        Some(match self.known {
            0 => format!("{what}; so there are no scores"),
            _ => format!("{what}; the scores leave them out"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(classes: &[&str]) -> ModelFacts {
        let facts = serde_json::json!({
            "classes": classes, "labels": classes, "size": [8, 8], "fit": "stretch", "inverted": false, "transposed": false
        });
        ModelFacts::read(&facts).unwrap()
    }

    fn images(names: &[&str]) -> Vec<Image> {
        names
            .iter()
            .map(|&name| Image { name: name.into(), content: Content::File(name.into()), class: None })
            .collect()
    }

    #[test]
    fn the_nearest_folder_that_names_a_class_is_the_truth() {
        let names =
            ["A_upper/1.png", "test/b_lower/deep/2.png", "a_upper/3.png", "A/4.png", "b/A/5.png", "6.png", "x/7.png"];
        let images = images(&names);
        let truth = Truth::new(&facts(&["A_upper", "b_lower"]), &images);
        let found: Vec<Option<usize>> = images.iter().map(|image| truth.of(image)).collect();
        assert_eq!(found, [Some(0), Some(1), Some(0), Some(0), Some(0), None, None]);
        let words = truth.unknown().unwrap();
        assert!(words.starts_with("1 image are") || words.starts_with("1 image"), "{words}");
        assert!(words.ends_with("the model does not know: x; the scores leave them out"), "{words}");
    }

    #[test]
    fn folders_without_any_class_are_reported_and_plain_files_are_not() {
        let truth = |names: &[&str]| Truth::new(&facts(&["cat", "dog"]), &images(names)).unknown();
        assert_eq!(truth(&["1.png", "2.png"]), None);
        assert_eq!(truth(&["cat/1.png", "dog/2.png"]), None);
        let words = truth(&["monday/1.png", "tuesday/2.png"]).unwrap();
        assert!(words.contains("2 images") && words.ends_with("monday, tuesday; so there are no scores"), "{words}");
    }
}
