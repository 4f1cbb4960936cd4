//! The images of each side, with the files of their boxes. Images are not opened here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Side;
use super::data_yaml::DataYaml;

/// The endings of images, in any case.
pub const ENDINGS: [&str; 7] = ["bmp", "jpg", "jpeg", "png", "tif", "tiff", "webp"];

/// Folders are not searched deeper.
const DEEPEST: usize = 32;

/// A longer list is no list of images.
const MOST_BYTES: u64 = 1 << 30;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// The images, each once, by side and in the order of their paths.
    pub images: Vec<Listed>,
    /// Files that are no images, by their endings.
    pub skipped: BTreeMap<String, usize>,
    /// What a list names that does not exist: the list, its line, and the path.
    pub missing: Vec<(PathBuf, usize, PathBuf)>,
    /// Images that are on two sides; they stay on the first.
    pub on_two_sides: Vec<PathBuf>,
}

/// An image with its side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its file.
    pub image: PathBuf,
    /// The file of its boxes, whether it exists or not.
    pub labels: PathBuf,
    /// Its side.
    pub side: Side,
}

/// Sides that can't be listed.
#[derive(Debug, Error)]
pub enum ListsError {
    /// What a side names does not exist.
    #[error("{side} names {}, which does not exist; correct the path in data.yaml, or its `path`", place.display())]
    Missing {
        /// The side.
        side: &'static str,
        /// The path.
        place: PathBuf,
    },
    /// A folder or a list can't be read.
    #[error("can't read {}: {source}", place.display())]
    Unreadable {
        /// The folder or list.
        place: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A side names a file that is neither an image nor a list.
    #[error("{side} names {}, expected a folder of images, a text file with their paths, or an image", place.display())]
    Neither {
        /// The side.
        side: &'static str,
        /// The path.
        place: PathBuf,
    },
}

impl Lists {
    /// The images that a `data.yaml` in this folder names.
    ///
    /// # Errors
    /// If what it names does not exist, or can't be read.
    pub fn of(yaml: &DataYaml, folder: &Path) -> Result<Self, ListsError> {
        let root = folder.join(&yaml.root);
        let mut lists = Self::default();
        let mut seen = BTreeSet::new();
        for (side, places) in &yaml.sides {
            let mut images = BTreeSet::new();
            for place in places {
                lists.gather(*side, &root.join(place), &root, &mut images)?;
            }
            for image in images {
                match seen.insert(image.clone()) {
                    true => lists.images.push(Listed { labels: labels_of(&image), image, side: *side }),
                    false => lists.on_two_sides.push(image),
                }
            }
        }
        Ok(lists)
    }

    fn gather(
        &mut self,
        side: Side,
        place: &Path,
        root: &Path,
        images: &mut BTreeSet<PathBuf>,
    ) -> Result<(), ListsError> {
        if place.is_dir() {
            return self.walk(place, 0, images);
        }
        if !place.is_file() {
            return Err(ListsError::Missing { side: side.name(), place: place.to_owned() });
        }
        match ending(place).as_str() {
            "txt" => self.read_list(place, root, images),
            own if ENDINGS.contains(&own) => {
                images.insert(place.to_owned());
                Ok(())
            }
            _ => Err(ListsError::Neither { side: side.name(), place: place.to_owned() }),
        }
    }

    fn walk(&mut self, folder: &Path, depth: usize, images: &mut BTreeSet<PathBuf>) -> Result<(), ListsError> {
        let failed = |source| ListsError::Unreadable { place: folder.to_owned(), source };
        let mut entries: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            entries.push(entry.map_err(failed)?.path());
        }
        entries.sort_unstable();
        for path in entries {
            if path.is_dir() {
                if depth < DEEPEST {
                    self.walk(&path, depth + 1, images)?;
                }
                continue;
            }
            match ending(&path) {
                own if ENDINGS.contains(&own.as_str()) => drop(images.insert(path)),
                own => *self.skipped.entry(own).or_default() += 1,
            }
        }
        Ok(())
    }

    /// Paths in a list are relative to it if they begin with `./`, otherwise to the root, or as they are.
    fn read_list(&mut self, list: &Path, root: &Path, images: &mut BTreeSet<PathBuf>) -> Result<(), ListsError> {
        let failed = |source| ListsError::Unreadable { place: list.to_owned(), source };
        let size = fs::metadata(list).map_err(failed)?.len();
        if size > MOST_BYTES {
            let text = format!("it has {size} bytes, expected at most {MOST_BYTES}");
            return Err(failed(std::io::Error::new(std::io::ErrorKind::InvalidData, text)));
        }
        let text = fs::read_to_string(list).map_err(failed)?;
        let beside = list.parent().unwrap_or(root);
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let near = beside.join(line.strip_prefix("./").unwrap_or(line));
            let found = [near, root.join(line)].into_iter().find(|path| path.is_file());
            match found {
                Some(path) => drop(images.insert(path)),
                None => self.missing.push((list.to_owned(), number + 1, line.into())),
            }
        }
        Ok(())
    }
}

fn ending(path: &Path) -> String {
    path.extension().map_or_else(String::new, |ending| ending.to_string_lossy().to_lowercase())
}

/// The file of an image's boxes: below `labels` instead of the last `images` of its path, otherwise beside it.
#[must_use]
pub fn labels_of(image: &Path) -> PathBuf {
    let parts: Vec<_> = image.components().collect();
    let folders = &parts[..parts.len().saturating_sub(1)];
    let swapped: PathBuf = match folders.iter().rposition(|part| part.as_os_str() == "images") {
        Some(place) => {
            let before = parts[..place].iter().map(|part| part.as_os_str());
            let behind = parts[place + 1..].iter().map(|part| part.as_os_str());
            before.chain(std::iter::once("labels".as_ref())).chain(behind).collect()
        }
        None => image.to_owned(),
    };
    swapped.with_extension("txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_below_labels_or_beside_the_image() {
        for (image, labels) in [
            ("/d/images/train/a.JPG", "/d/labels/train/a.txt"),
            ("images/x/images/a.b.png", "images/x/labels/a.b.txt"),
            ("/d/train/images.png", "/d/train/images.txt"),
            ("a.png", "a.txt"),
        ] {
            assert_eq!(labels_of(Path::new(image)), Path::new(labels));
        }
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn lists(folder: &tempfile::TempDir, yaml: &str) -> Result<Lists, ListsError> {
        let yaml = DataYaml::parse(Path::new("data.yaml"), yaml).unwrap();
        Lists::of(&yaml, folder.path())
    }

    #[test]
    fn folders_and_lists_give_each_image_once() {
        let folder = folder(&[
            ("images/train/b.JPG", ""),
            ("images/train/deep/a.png", ""),
            ("images/train/notes.txt", ""),
            ("images/val/c.webp", ""),
            ("val.txt", "# some\n./images/val/c.webp\n\nimages/train/b.JPG\r\nimages/gone.png\n"),
        ]);
        let found = lists(&folder, "train: images/train\nval: val.txt\nnames: [a]").unwrap();
        let short = |path: &Path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned();
        let images: Vec<_> = found.images.iter().map(|one| (one.side, short(&one.image), short(&one.labels))).collect();
        let expected = [
            (Side::Train, "images/train/b.JPG", "labels/train/b.txt"),
            (Side::Train, "images/train/deep/a.png", "labels/train/deep/a.txt"),
            (Side::Val, "images/val/c.webp", "labels/val/c.txt"),
        ];
        assert_eq!(images, expected.map(|(side, image, labels)| (side, image.to_owned(), labels.to_owned())));
        assert_eq!(found.skipped, BTreeMap::from([("txt".to_owned(), 1)]));
        assert_eq!(found.on_two_sides.len(), 1);
        assert_eq!(found.missing, [(folder.path().join("val.txt"), 5, PathBuf::from("images/gone.png"))]);
    }

    #[test]
    fn a_side_that_is_not_there_is_named_with_the_remedy() {
        let folder = folder(&[("a.csv", "")]);
        let problem = |yaml: &str| lists(&folder, yaml).unwrap_err().to_string();
        let missing = problem("train: images\nnames: [a]");
        assert!(missing.starts_with("train names ") && missing.contains("which does not exist; correct"), "{missing}");
        assert!(problem("test: a.csv\nnames: [a]").contains("expected a folder of images, a text file"));
    }
}
