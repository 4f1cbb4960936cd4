//! What a store refuses, and what it reports about missing data.

use super::*;

#[test]
fn names_that_hide_or_escape_and_events_within_events_are_refused() {
    let (_folder, store) = store();
    for event in ["", "../a", "a/./b", "a//b", ".hidden", "a/__b", "a/zarr.json", "/etc"] {
        let error = store.writer(event, spec()).unwrap_err();
        assert_eq!(error.exit(), Exit::DataRefused, "{event:?}: {error}");
    }
    write(&store, "a/b", 0, 1);
    let outer = store.writer("a", spec()).unwrap_err().to_string();
    assert!(outer.contains("would be inside the event"), "{outer}");
    assert!(store.writer("a/b/c", spec()).is_err());
    let mut hidden = spec();
    hidden.name = "../DBZ".into();
    assert!(store.writer("event", hidden).is_err());
}

#[test]
fn arrays_without_cells_or_of_the_same_name_are_refused() {
    let (_folder, store) = store();
    let mut empty = spec();
    empty.coordinates[1].values.clear();
    let error = store.writer("event", empty).unwrap_err().to_string();
    assert!(error.ends_with("frames of [2, 0, 4] have no cells"), "{error}");
    for name in ["time", "DBZ", "x"] {
        let mut twice = spec();
        twice.coordinates[0].name = name.into();
        let error = store.writer("event", twice).unwrap_err().to_string();
        assert!(error.ends_with(&format!("two of its arrays are called {name:?}")), "{error}");
    }
}

#[test]
fn what_is_not_there_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let error = Store::open(&folder.path().join("key")).unwrap_err();
    assert!(error.to_string().starts_with("there is no prepared dataset at "), "{error}");
    let store = Store::create(folder.path()).unwrap();
    assert!(matches!(store.event("event"), Err(StoreError::Absent { what: "event", .. })));
}
