//! A disk in memory that can fail, die and lose power at any operation: the base layer of the crash tests.
//!
//! Durability is modelled as the kernel promises it, no better: the content of a file as of its last sync, the names of
//! a folder as of its last sync or any later state of them in order. A failed sync of a file loses its pages for good,
//! though a second sync reports success.

use std::collections::BTreeMap;
use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, MutexGuard};

use rand::Rng;

use super::{Disk, DiskFile, Entry};
use crate::util::seed::generator;

type Names = BTreeMap<String, usize>;

#[derive(Clone)]
enum Node {
    File {
        content: Vec<u8>,
        synced: Vec<u8>,
        lost: bool,
    },
    /// The states of the names: first the durable one, last the current one.
    Folder(Vec<Names>),
}

/// What happens at an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This operation fails.
    Once(ErrorKind),
    /// This one and all later ones that write fail.
    FromNowOn(ErrorKind),
    /// From this operation on no file can be opened.
    Unreadable(ErrorKind),
    /// The process dies; half of a write is done.
    Death,
    /// A sync does nothing and reports success: as if its line were missing in the program.
    Skipped,
}

/// What is left on the disk after the process died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The machine lives: everything that was written is there.
    Kill,
    /// Power is lost: only synced data remains.
    OnlySynced,
    /// Power is lost: all names are there, but only synced contents.
    NamesFirst,
    /// Power is lost: a random part of the unsynced data remains.
    Chance(u64),
}

#[derive(Clone)]
struct State {
    nodes: Vec<Node>,
    operations: Vec<&'static str>,
    fault: Option<(usize, Fault)>,
    /// A file that can't be read.
    unreadable: Option<(usize, ErrorKind)>,
    free_bytes: u64,
}

/// The disk. Clones share it.
#[derive(Clone)]
pub struct MemoryDisk(Arc<Mutex<State>>);

impl Default for MemoryDisk {
    fn default() -> Self {
        let nodes = vec![Node::Folder(vec![Names::new()])];
        Self(Arc::new(Mutex::new(State {
            nodes,
            operations: Vec::new(),
            fault: None,
            unreadable: None,
            free_bytes: 1 << 40,
        })))
    }
}

impl MemoryDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Lets something happen at the n-th operation from now.
    pub fn inject(&self, operation: usize, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.operations.len() + operation, fault));
    }

    /// From now on this file can't be opened.
    pub fn make_unreadable(&self, path: &Path, kind: ErrorKind) {
        let mut state = self.state();
        state.unreadable = Some((state.find(path).unwrap(), kind));
    }

    /// No fault from now on.
    pub fn heal(&self) {
        let mut state = self.state();
        (state.fault, state.unreadable) = (None, None);
    }

    /// The operations so far, by name.
    pub fn operations(&self) -> Vec<&'static str> {
        self.state().operations.clone()
    }

    /// What `free_bytes` says from now on.
    pub fn set_free_bytes(&self, free: u64) {
        self.state().free_bytes = free;
    }

    /// The disk as the next process finds it.
    pub fn after(&self, cut: Cut) -> Self {
        let mut state = self.state().clone();
        let mut chance = generator(if let Cut::Chance(seed) = cut { seed } else { 0 }, "power cut", 0, 0);
        for node in &mut state.nodes {
            match node {
                Node::File { content, synced, lost } => {
                    let kept = match cut {
                        Cut::Kill => content.clone(),
                        Cut::OnlySynced | Cut::NamesFirst => synced.clone(),
                        Cut::Chance(_) if *lost || chance.random_bool(0.5) => synced.clone(),
                        Cut::Chance(_) => {
                            content[..chance.random_range(synced.len().min(content.len())..=content.len())].to_vec()
                        }
                    };
                    *node = Node::File { content: kept.clone(), synced: kept, lost: false };
                }
                Node::Folder(names) => {
                    let kept = match cut {
                        Cut::Kill | Cut::NamesFirst => names.len() - 1,
                        Cut::OnlySynced => 0,
                        Cut::Chance(_) => chance.random_range(0..names.len()),
                    };
                    *node = Node::Folder(vec![names[kept].clone()]);
                }
            }
        }
        state.fault = None;
        state.operations.clear();
        Self(Arc::new(Mutex::new(state)))
    }

    /// Changes the content of a file behind everybody's back.
    pub fn damage(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let index = state.find(path).unwrap();
        if let Node::File { content, .. } = &mut state.nodes[index] {
            change(content);
        }
    }

    fn new_node(&self, name: &'static str, path: &Path, node: Node) -> io::Result<()> {
        let mut state = self.state();
        state.operation(name)?;
        let taken = state.find(path).is_ok();
        match (&node, taken) {
            (Node::Folder(_), true) => Err(ErrorKind::AlreadyExists.into()),
            _ => {
                state.nodes.push(node);
                let index = state.nodes.len() - 1;
                state.change(path, |names, key| {
                    names.insert(key, index);
                })
            }
        }
    }

    fn remove(&self, name: &'static str, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.operation(name)?;
        let index = state.find(path)?;
        match &state.nodes[index] {
            Node::Folder(names) if !names[names.len() - 1].is_empty() => Err(ErrorKind::DirectoryNotEmpty.into()),
            _ => state.change(path, |names, key| {
                names.remove(&key);
            }),
        }
    }
}

impl State {
    /// Counts an operation and triggers its fault. `Ok(true)` if it must be skipped.
    fn operation(&mut self, name: &'static str) -> io::Result<bool> {
        let number = self.operations.len();
        self.operations.push(name);
        let reads = matches!(name, "list" | "open");
        match self.fault {
            Some((at, Fault::Skipped)) => Ok(number == at),
            Some((at, Fault::Once(kind))) if number == at => Err(kind.into()),
            Some((at, Fault::FromNowOn(kind))) if number >= at && !reads => Err(kind.into()),
            Some((at, Fault::Unreadable(kind))) if number >= at && name == "open" => Err(kind.into()),
            Some((at, Fault::Death)) if number >= at => Err(io::Error::other("the process is dead")),
            _ => Ok(false),
        }
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let names = path.components().filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy()),
            _ => None,
        });
        names.into_iter().try_fold(0, |at, name| match &self.nodes[at] {
            Node::Folder(states) => states[states.len() - 1].get(&*name).copied().ok_or(ErrorKind::NotFound.into()),
            Node::File { .. } => Err(ErrorKind::NotADirectory.into()),
        })
    }

    /// A new state of the names of the folder that holds `path`.
    fn change(&mut self, path: &Path, change: impl FnOnce(&mut Names, String)) -> io::Result<()> {
        let folder = self.find(path.parent().unwrap())?;
        let key = path.file_name().unwrap().to_string_lossy().into_owned();
        let Node::Folder(states) = &mut self.nodes[folder] else { return Err(ErrorKind::NotADirectory.into()) };
        let mut names = states[states.len() - 1].clone();
        change(&mut names, key);
        states.push(names);
        Ok(())
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    index: usize,
}

impl Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        let done = state.operation("write");
        let Node::File { content, .. } = &mut state.nodes[self.index] else { panic!("a file is a file") };
        // A fault at a write leaves half of it; one after the process's death leaves nothing.
        let dead = matches!(&done, Err(error) if error.kind() == ErrorKind::Other);
        content.extend(
            &bytes[..if done.is_ok() {
                bytes.len()
            } else if dead {
                0
            } else {
                bytes.len() / 2
            }],
        );
        done.map(|_| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for MemoryFile {
    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        let done = state.operation("sync");
        let Node::File { content, synced, lost } = &mut state.nodes[self.index] else { panic!("a file is a file") };
        match done {
            Ok(false) if !*lost => *synced = content.clone(),
            Ok(_) => {}
            Err(_) => *lost = true,
        }
        done.map(|_| ())
    }
}

impl Disk for MemoryDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.new_node("create folder", path, Node::Folder(vec![Names::new()]))
    }

    fn create_file(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.new_node("create", path, Node::File { content: Vec::new(), synced: Vec::new(), lost: false })?;
        let index = self.state().find(path)?;
        Ok(Box::new(MemoryFile { disk: self.clone(), index }))
    }

    fn open_file(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        let mut state = self.state();
        state.operation("open")?;
        let index = state.find(path)?;
        if let Some((_, kind)) = state.unreadable.filter(|(file, _)| *file == index) {
            return Err(kind.into());
        }
        match &state.nodes[index] {
            Node::File { content, .. } => Ok(Box::new(Cursor::new(content.clone()))),
            Node::Folder(_) => Err(ErrorKind::IsADirectory.into()),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut state = self.state();
        state.operation("list")?;
        let index = state.find(path)?;
        let Node::Folder(states) = &state.nodes[index] else { return Err(ErrorKind::NotADirectory.into()) };
        let entry = |(name, &index): (&String, &usize)| Entry {
            name: name.clone(),
            is_folder: matches!(state.nodes[index], Node::Folder(_)),
        };
        Ok(states[states.len() - 1].iter().map(entry).collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.operation("rename")?;
        assert_eq!(from.parent(), to.parent(), "renames stay within one folder");
        let index = state.find(from)?;
        let taken = state.find(to).ok().map(|index| &state.nodes[index]);
        if matches!(taken, Some(Node::Folder(names)) if !names[names.len() - 1].is_empty()) {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        state.change(to, |names, key| {
            names.remove(&*from.file_name().unwrap().to_string_lossy());
            names.insert(key, index);
        })
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let skipped = state.operation("sync folder")?;
        let index = state.find(path)?;
        let Node::Folder(states) = &mut state.nodes[index] else { return Err(ErrorKind::NotADirectory.into()) };
        if !skipped {
            states.drain(..states.len() - 1);
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.remove("remove", path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.remove("remove folder", path)
    }

    fn free_bytes(&self, _path: &Path) -> io::Result<u64> {
        Ok(self.state().free_bytes)
    }
}
