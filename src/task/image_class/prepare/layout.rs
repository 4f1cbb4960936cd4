//! Which image file belongs to which class and side, by the folders that it is in. Not what is in the files.
//!
//! ```text
//! <class>/...                                          split by the program
//! train/<class>/...  val/<class>/...  test/<class>/... sides of the dataset's own
//! raw/<class>/...    processed/<class>/...             either may be absent; each as one of the above
//! ```
//!
//! Folders around all of that are passed over. What fits nowhere is left out, and reported.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::data::prepare::files::{Stamp, Visited};
use crate::data::split::Side;
use crate::task::classes::class_names::canonical;

/// Names of folders that are sides, not classes.
const SIDES: [(&str, Side); 7] = [
    ("train", Side::Train),
    ("training", Side::Train),
    ("val", Side::Val),
    ("valid", Side::Val),
    ("validation", Side::Val),
    ("test", Side::Test),
    ("testing", Side::Test),
];

/// Folders of the same classes; a file of the second replaces one of the first.
const ROOTS: [&str; 2] = ["raw", "processed"];

/// A source file, and what its place says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path below the dataset.
    pub path: String,
    /// Shows whether it changed.
    pub stamp: Stamp,
    /// Its class.
    pub class: String,
    /// The side that the dataset puts it on.
    pub side: Option<Side>,
}

/// What takes no part although it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Where it is, below the dataset.
    pub place: String,
    /// Its images, or other files.
    pub files: usize,
    /// Why.
    pub reason: String,
}

/// The files of a dataset by class and side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Those that are used, sorted by path.
    pub sources: Vec<Source>,
    /// Classes without any file.
    pub empty: BTreeSet<String>,
    /// What fits nowhere.
    pub left_out: Vec<LeftOut>,
    /// Raw files that a processed one replaces.
    pub replaced: usize,
}

impl Layout {
    /// Looks at the folders of a dataset.
    #[must_use]
    pub fn of(visited: &[Visited]) -> Self {
        let tree = Node::of(visited);
        let mut layout = Self::default();
        let (mut node, mut path) = (&tree, String::new());
        while let Some((name, only)) = node.only_folder() {
            layout.stray(node, &path);
            (node, path) = (only, join(&path, name));
        }
        layout.roots((node, path));
        let used: BTreeSet<&String> = layout.sources.iter().map(|source| &source.class).collect();
        layout.empty.retain(|class| !used.contains(class));
        layout.sources.sort_by(|one, other| one.path.cmp(&other.path));
        layout
    }

    fn roots(&mut self, (node, path): (&Node<'_>, String)) {
        let is_root = |name: &str| ROOTS.iter().any(|root| root.eq_ignore_ascii_case(name));
        let roots = || node.with_images().filter(|(name, child)| is_root(name) && child.has_classes());
        let others = || node.with_images().filter(|(name, _)| !is_root(name));
        if roots().count() < 2 && (roots().count() == 0 || others().count() > 0) {
            return self.sides(node, &path);
        }
        others().for_each(|(name, other)| {
            self.leave_out(join(&path, name), other.images, "it is beside raw and processed");
        });
        self.stray(node, &path);
        let of = |root: &str| {
            let mut layout = Self::default();
            let found = roots().find(|(name, _)| root.eq_ignore_ascii_case(name));
            let path = found.map_or_else(String::new, |(name, _)| join(&path, name));
            found.iter().for_each(|(_, node)| layout.sides(node, &path));
            (layout, path)
        };
        self.add(replacing(of(ROOTS[0]), of(ROOTS[1])));
    }

    fn add(&mut self, other: Self) {
        self.sources.extend(other.sources);
        self.empty.extend(other.empty);
        self.left_out.extend(other.left_out);
        self.replaced += other.replaced;
    }

    fn sides(&mut self, node: &Node<'_>, path: &str) {
        let side = |name: &str| SIDES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, side)| *side);
        let sided = || node.with_images().filter_map(|(name, node)| Some((side(name)?, node.has_classes())));
        let trains = sided().any(|(side, has_classes)| side == Side::Train && has_classes);
        let others = sided().any(|(side, has_classes)| side != Side::Train && has_classes);
        if !trains || !others && sided().count() < node.with_images().count() {
            return self.classes(node, path, None);
        }
        self.stray(node, path);
        for (name, child) in &node.children {
            let path = join(path, name);
            match side(name) {
                Some(side) => self.classes(child, &path, Some(side)),
                None if child.images > 0 => self.leave_out(path, child.images, "it is beside train, and no side"),
                None => {}
            }
        }
    }

    fn classes(&mut self, node: &Node<'_>, path: &str, side: Option<Side>) {
        self.stray(node, path);
        for (name, child) in &node.children {
            let (path, class) = (join(path, name), canonical(name).into_owned());
            match (child.images, child.others) {
                (0, 0) => self.empty.extend([class]),
                (0, others) => self.leave_out(path, others, "it has files, but no images"),
                _ => child.each_file(&path, &mut |path, stamp| {
                    self.sources.push(Source { path, stamp, class: class.clone(), side });
                }),
            }
        }
    }

    /// Images beside folders have no class.
    fn stray(&mut self, node: &Node<'_>, path: &str) {
        let images = node.visited.map_or(0, |visited| visited.folder.files.len());
        if images > 0 {
            let place = if path.is_empty() { "." } else { path };
            self.leave_out(place.to_owned(), images, "the images directly in it are in no folder of a class");
        }
    }

    fn leave_out(&mut self, place: String, files: usize, reason: &str) {
        self.left_out.push(LeftOut { place, files, reason: reason.to_owned() });
    }
}

/// Raw files without those that have a processed one, and the processed ones. Of the same class they belong together if their
/// paths below it are the same but for the ending, or their names are and no other file of the class has that name.
fn replacing((mut raw, raw_path): (Layout, String), (processed, processed_path): (Layout, String)) -> Layout {
    let mut processed_stems: HashMap<(&str, &str), usize> = HashMap::new();
    let mut processed_paths: BTreeSet<&str> = BTreeSet::new();
    for source in &processed.sources {
        *processed_stems.entry((&source.class, stem(name(&source.path)))).or_default() += 1;
        processed_paths.insert(stem(below(&source.path, &processed_path)));
    }
    let mut raw_stems: HashMap<(String, String), usize> = HashMap::new();
    for source in &raw.sources {
        *raw_stems.entry((source.class.clone(), stem(name(&source.path)).to_owned())).or_default() += 1;
    }
    let before = raw.sources.len();
    raw.sources.retain(|source| {
        let stem_of = stem(name(&source.path));
        let is_only = raw_stems.get(&(source.class.clone(), stem_of.to_owned())) == Some(&1);
        let same_name = is_only && processed_stems.get(&(&*source.class, stem_of)) == Some(&1);
        !(same_name || processed_paths.contains(stem(below(&source.path, &raw_path))))
    });
    raw.replaced = before - raw.sources.len();
    raw.add(processed);
    raw
}

fn below<'a>(path: &'a str, folder: &str) -> &'a str {
    path.strip_prefix(folder).unwrap_or(path)
}

fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn stem(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(stem, _)| stem)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

/// A folder with all that is below it.
#[derive(Default)]
struct Node<'a> {
    children: BTreeMap<&'a str, Node<'a>>,
    visited: Option<&'a Visited>,
    /// Images in it and below.
    images: usize,
    /// Other files in it and below.
    others: usize,
}

impl<'a> Node<'a> {
    fn of(visited: &'a [Visited]) -> Self {
        let mut root = Self::default();
        for folder in visited {
            let mut node = &mut root;
            node.count(folder);
            for part in folder.folder.path.split('/').filter(|part| !part.is_empty()) {
                node = node.children.entry(part).or_default();
                node.count(folder);
            }
            node.visited = Some(folder);
        }
        root
    }

    fn count(&mut self, folder: &Visited) {
        self.images += folder.folder.files.len();
        self.others += folder.others;
    }

    fn with_images(&self) -> impl Iterator<Item = (&'a str, &Node<'a>)> {
        self.children.iter().filter(|(_, child)| child.images > 0).map(|(name, child)| (*name, child))
    }

    /// Whether there are images in folders below.
    fn has_classes(&self) -> bool {
        self.with_images().next().is_some()
    }

    /// The only folder in it, if that is around others.
    fn only_folder(&self) -> Option<(&'a str, &Self)> {
        let mut all = self.children.iter().filter(|(_, child)| child.images > 0 || child.others == 0);
        match (all.next(), all.next()) {
            (Some((name, only)), None) if only.has_classes() => Some((name, only)),
            _ => None,
        }
    }

    fn each_file(&self, path: &str, take: &mut impl FnMut(String, Stamp)) {
        for file in self.visited.iter().flat_map(|visited| &visited.folder.files) {
            take(join(path, &file.name), file.stamp);
        }
        for (name, child) in &self.children {
            child.each_file(&join(path, name), take);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::FILES;
    use super::*;
    use crate::data::prepare::files::every;

    fn layout(paths: &[&str]) -> Layout {
        let root = tempfile::tempdir().unwrap();
        for path in paths {
            let path = root.path().join(path);
            match path.extension() {
                Some(_) => {
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, "").unwrap();
                }
                None => std::fs::create_dir_all(path).unwrap(),
            }
        }
        Layout::of(&every(root.path(), &FILES).unwrap())
    }

    /// Each file with its class and side.
    fn placed(layout: &Layout) -> Vec<String> {
        let side = |source: &Source| source.side.map_or("", Side::name);
        layout.sources.iter().map(|source| format!("{} {} {}", source.path, source.class, side(source))).collect()
    }

    fn left_out(layout: &Layout) -> Vec<(&str, usize)> {
        layout.left_out.iter().map(|left| (left.place.as_str(), left.files)).collect()
    }

    #[test]
    fn a_class_is_a_folder_below_those_around_all() {
        assert_eq!(placed(&layout(&["A/1.png", "B/deep/2.JPG"])), ["A/1.png A ", "B/deep/2.JPG B "]);
        assert_eq!(placed(&layout(&["x/y/A/1.png", "x/y/B/1.png"])), ["x/y/A/1.png A ", "x/y/B/1.png B "]);
        assert_eq!(placed(&layout(&["train/1.png", "bus/1.png"])), ["bus/1.png bus ", "train/1.png train "]);
        let merged = layout(&["a_upper/1.png", "A_upper/1.png", "b_lower/1.png"]);
        assert_eq!(placed(&merged)[1], "a_upper/1.png A_upper ");
    }

    #[test]
    fn sides_are_recognised_whatever_they_are_called() {
        let sides = layout(&["x/train/A/1.png", "x/train/B/1.png", "x/Valid/A/2.png", "x/test/B/3.png", "x/odd/1.png"]);
        assert_eq!(
            placed(&sides),
            ["x/Valid/A/2.png A val", "x/test/B/3.png B test", "x/train/A/1.png A train", "x/train/B/1.png B train"]
        );
        assert_eq!(left_out(&sides), [("x/odd", 1)]);
        let flat = layout(&["train/A/1.png", "train/B/1.png", "test/1.png", "test/2.png"]);
        assert_eq!((flat.sources.len(), left_out(&flat)), (2, vec![("test", 2)]));
        let alone = layout(&["train/A/1.png", "train/B/1.png"]);
        assert_eq!(placed(&alone), ["train/A/1.png A ", "train/B/1.png B "]);
    }

    #[test]
    fn a_processed_file_replaces_the_raw_one_and_all_others_add_up() {
        let both = layout(&[
            "data/raw/a_upper/1.png",
            "data/raw/a_upper/2.png",
            "data/raw/B_upper/1.png",
            "data/processed/A_upper/1.jpg",
            "data/processed/A_upper/9.jpg",
            "data/models/1.png",
        ]);
        assert_eq!(
            placed(&both),
            [
                "data/processed/A_upper/1.jpg A_upper ",
                "data/processed/A_upper/9.jpg A_upper ",
                "data/raw/B_upper/1.png B_upper ",
                "data/raw/a_upper/2.png A_upper "
            ]
        );
        assert_eq!((both.replaced, left_out(&both)), (1, vec![("data/models", 1)]));
        for only in ["raw", "processed"] {
            let alone = layout(&[&format!("{only}/A/1.png"), &format!("{only}/B/1.png")]);
            assert_eq!((alone.sources.len(), alone.sources[0].class.as_str()), (2, "A"), "{only}");
        }
        let nested = layout(&["raw/A/u/1.png", "raw/A/v/1.png", "processed/A/u/1.png", "processed/B/1.png"]);
        assert_eq!(placed(&nested)[2], "raw/A/v/1.png A ", "another image of the same name stays");
    }

    #[test]
    fn an_empty_folder_is_a_class_and_what_fits_nowhere_is_left_out() {
        let found = layout(&["A/1.png", "B/1.png", "C", "notes/read.txt", "logo.png", "__MACOSX/A/1.png"]);
        assert_eq!(found.empty.iter().collect::<Vec<_>>(), ["C"]);
        assert_eq!(left_out(&found), [(".", 1), ("notes", 1)]);
        let sides = layout(&["train/A/1.png", "train/B/1.png", "val/A/2.png", "val/B", "val/C"]);
        assert_eq!(sides.empty.iter().collect::<Vec<_>>(), ["C"]);
    }
}
