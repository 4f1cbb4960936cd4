//! The blocking calls against a store in memory and one in a folder.

use std::io::Write as _;
use std::sync::Arc;

use object_store::memory::InMemory;

use super::*;
use crate::util::sha256::Digest;

fn in_memory() -> Remote {
    Remote::with_store(Arc::new(InMemory::new()), "a/b", "memory").unwrap()
}

/// Runs against both kinds.
fn each(test: impl Fn(&Remote)) {
    test(&in_memory());
    let folder = tempfile::tempdir().unwrap();
    test(&Remote::open(&Address::Folder(folder.path().join("new"))).unwrap());
}

#[test]
fn what_is_written_is_listed_read_and_removed_by_its_name() {
    each(|remote| {
        assert!(remote.list("run").unwrap().is_empty() && remote.folders("").unwrap().is_empty());
        remote.write("run/x/one.json", b"1", Expected::Anything).unwrap();
        remote.write("run/two.json", b"22", Expected::Anything).unwrap();
        let listed: Vec<_> = remote.list("run").unwrap().into_iter().map(|entry| (entry.name, entry.bytes)).collect();
        assert_eq!(listed, [("two.json".to_owned(), 2), ("x/one.json".to_owned(), 1)]);
        assert_eq!(remote.folders("").unwrap(), ["run"]);
        assert_eq!(remote.read("run/two.json").unwrap().unwrap().0, b"22");
        assert!(remote.look("run/three.json").unwrap().is_none() && remote.read("run/3").unwrap().is_none());
        remote.remove("run/two.json").unwrap();
        remote.remove("run/two.json").unwrap();
        assert_eq!(remote.list("run").unwrap().len(), 1);
    });
}

#[test]
fn a_large_file_is_uploaded_in_parts_and_downloaded_unchanged() {
    let local = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..20_000_000_u32).map(|number| (number % 251) as u8).collect();
    let path = local.path().join("large");
    std::fs::File::create(&path).unwrap().write_all(&content).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    each(|remote| {
        let digest = remote.send("run/large", &file, content.len() as u64).unwrap();
        assert_eq!(digest, Digest::of(&content));
        remote.verify("run/large", content.len() as u64, digest).unwrap();
        let back = local.path().join("back");
        assert_eq!(remote.fetch("run/large", content.len() as u64, &back).unwrap(), digest);
        assert!(std::fs::read(&back).unwrap() == content);
        assert!(matches!(remote.verify("run/large", 5, digest), Err(MirrorError::Damaged { .. })));
        let other = Digest::of(b"other");
        assert!(matches!(remote.verify("run/large", content.len() as u64, other), Err(MirrorError::Damaged { .. })));
        remote.send("run/empty", &file, 0).unwrap();
        remote.verify("run/empty", 0, Digest::of(b"")).unwrap();
        assert!(matches!(remote.send("run/longer", &file, 30_000_000), Err(MirrorError::File(_))));
    });
}

#[test]
fn a_condition_keeps_two_writers_apart() {
    let remote = in_memory();
    let first = remote.write("owner", b"1", Expected::Nothing).unwrap();
    assert!(matches!(remote.write("owner", b"2", Expected::Nothing), Err(MirrorError::Changed { .. })));
    let second = remote.write("owner", b"2", Expected::This(first.clone())).unwrap();
    assert!(matches!(remote.write("owner", b"3", Expected::This(first)), Err(MirrorError::Changed { .. })));
    let there = remote.look("owner").unwrap().unwrap();
    remote.write("owner", b"3", Expected::This(there.version)).unwrap();
    assert!(matches!(remote.write("owner", b"4", Expected::This(second)), Err(MirrorError::Changed { .. })));
}

#[test]
fn a_call_that_is_cut_short_or_late_returns_at_once() {
    let cancel = Cancel::default();
    cancel.cancel();
    let remote = in_memory().bounded(&cancel, None);
    assert!(matches!(remote.list(""), Err(MirrorError::Cancelled { .. })));
}

#[test]
fn a_probe_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    probe(&Address::Folder(folder.path().into())).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_ne!(random_id(), random_id());
}
