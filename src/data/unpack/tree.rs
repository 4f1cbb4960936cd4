//! The names that an archive has used so far: what may come next, and at the end the list of its files. No disk here.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::error::Refusal;
use crate::data::manifest::FileEntry;
use crate::util::sha256::Digest;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Folder,
    /// The index of the file in the archive, and its size.
    File {
        index: usize,
        bytes: u64,
    },
}

/// All names of an archive.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
    files: usize,
    /// The folder of the last file: most files follow others of the same folder.
    last_folder: String,
}

impl Tree {
    /// How many files there are.
    pub fn files(&self) -> usize {
        self.files
    }

    /// Adds a folder and those above it; returns the new ones, outermost first.
    pub fn add_folder(&mut self, path: &str) -> Result<Vec<String>, Refusal> {
        let mut new = Vec::new();
        for end in path.match_indices('/').map(|(at, _)| at).chain([path.len()]) {
            match self.nodes.entry(path[..end].to_owned()) {
                Entry::Vacant(_) if end == 0 => {}
                Entry::Vacant(place) => {
                    new.push(place.key().clone());
                    place.insert(Node::Folder);
                }
                Entry::Occupied(node) if *node.get() == Node::Folder => {}
                Entry::Occupied(node) => return Err(Refusal::FileAndFolder { path: node.key().clone() }),
            }
        }
        Ok(new)
    }

    /// Adds a file; returns the new folders above it.
    pub fn add_file(&mut self, path: &str) -> Result<Vec<String>, Refusal> {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let new = if folder == self.last_folder { Vec::new() } else { self.add_folder(folder)? };
        folder.clone_into(&mut self.last_folder);
        match self.nodes.insert(path.to_owned(), Node::File { index: self.files, bytes: 0 }) {
            None => {}
            Some(Node::Folder) => return Err(Refusal::FileAndFolder { path: path.to_owned() }),
            Some(Node::File { .. }) => return Err(Refusal::Duplicate { path: path.to_owned() }),
        }
        self.files += 1;
        Ok(new)
    }

    /// Notes the size of a file that is complete.
    pub fn set_bytes(&mut self, path: &str, size: u64) {
        if let Some(Node::File { bytes, .. }) = self.nodes.get_mut(path) {
            *bytes = size;
        }
    }

    /// The files sorted by path, with the digests that came in the order of the archive.
    pub fn into_files(self, digests: &[Digest]) -> Vec<FileEntry> {
        let file = |(path, node)| match node {
            Node::File { index, bytes } => digests.get(index).map(|&sha256| FileEntry { path, bytes, sha256 }),
            Node::Folder => None,
        };
        self.nodes.into_iter().filter_map(file).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_folders_come_outermost_first_and_once() {
        let mut tree = Tree::default();
        assert_eq!(tree.add_file("a/b/c.nc").unwrap(), ["a", "a/b"]);
        assert!(tree.add_file("a/b/d.nc").unwrap().is_empty());
        assert_eq!(tree.add_folder("a/e").unwrap(), ["a/e"]);
        assert!(tree.add_folder("a/e").unwrap().is_empty());
        assert!(tree.add_folder("").unwrap().is_empty());
        assert!(tree.add_file("top.nc").unwrap().is_empty());
    }

    #[test]
    fn a_name_is_one_thing_once() {
        let mut tree = Tree::default();
        tree.add_file("a/b").unwrap();
        assert_eq!(tree.add_file("a/b"), Err(Refusal::Duplicate { path: "a/b".into() }));
        assert_eq!(tree.add_file("a"), Err(Refusal::FileAndFolder { path: "a".into() }));
        let mut tree = Tree::default();
        tree.add_file("a/b").unwrap();
        assert_eq!(tree.add_file("a/b/c"), Err(Refusal::FileAndFolder { path: "a/b".into() }));
        assert_eq!(tree.add_folder("a/b"), Err(Refusal::FileAndFolder { path: "a/b".into() }));
    }
}
