//! Every epoch exactly once, whatever happens to the run or its disk.

use super::*;
use crate::metric::better::Better;
use crate::metric::score::Show;
use crate::train::checkpoint::disk::memory::{Cut, Fault, MemoryDisk};
use crate::train::checkpoint::testing::{newest, open, shared, snapshot};
use serde_json::json;

const PATH: &str = "run/history.json";
const EPOCHS: u64 = 4;

type Damage = fn(&mut Vec<u8>);

fn spec(name: &str) -> ScoreSpec {
    ScoreSpec::new(name, name, Better::Lower).shown(Show::First)
}

/// What a run measures, and the best after so many epochs.
fn now(epochs: u64) -> Story {
    let (parts, scores) = (vec![spec("loss")], vec![spec("csi, \"20\"")]);
    Story { best: best(epochs), parts, scores, epochs: (1..=epochs).map(record).collect(), ..Story::default() }
}

fn best(epochs: u64) -> Option<Best> {
    let by = vec![("loss".to_owned(), Some(0.1))];
    (epochs > 0).then_some(Best { epoch: 1, step: 10, by, loss: Some(0.1) })
}

/// Epochs are counted from 1.
fn record(epoch: u64) -> Record {
    let named = |name: &str, value| vec![(name.to_owned(), value)];
    Record {
        epoch,
        phase: 1,
        step: 10 * epoch,
        lr: 0.5,
        train: named("loss", Some(1.0 / (epoch as f64 + 2.0))),
        val: named("loss", Some(0.1 + (epoch - 1) as f64 / 7.0)),
        scores: named("csi, \"20\"", None),
    }
}

/// Trains to the end from the state on the disk.
fn train(disk: &MemoryDisk) -> Option<()> {
    let store = open(disk).ok()?;
    let done = store.newest(|_| Ok(())).ok()?.loaded.map_or(0, |loaded| loaded.manifest.id.epoch);
    let (mut history, _) = History::resume(shared(disk), Path::new(PATH), &now(done)).ok()?;
    for epoch in done + 1..=EPOCHS {
        history.add(record(epoch));
        history.set_best(best(epoch));
        history.write().ok()?;
        store.save(&snapshot(epoch)).ok()?;
    }
    Some(())
}

fn files(disk: &MemoryDisk) -> [Vec<u8>; 2] {
    [PATH, "run/results.csv"].map(|path| read(disk, Path::new(path)).unwrap())
}

#[test]
fn every_epoch_is_there_exactly_once_wherever_the_run_died_or_lost_power() {
    let undisturbed = MemoryDisk::default();
    train(&undisturbed).unwrap();
    let operations = undisturbed.operations().len();
    let expected = files(&undisturbed);
    for operation in 0..operations {
        for cut in [Cut::Kill, Cut::OnlySynced, Cut::NamesFirst, Cut::Chance(1), Cut::Chance(2), Cut::Chance(3)] {
            let disk = MemoryDisk::default();
            disk.inject(operation, Fault::Death);
            assert!(train(&disk).is_none());
            let next = disk.after(cut);
            train(&next).unwrap();
            assert_eq!(files(&next), expected, "{operation}, {cut:?}");
            assert_eq!(newest(&open(&next).unwrap()), Some(snapshot(EPOCHS)));
        }
    }
}

#[test]
fn falling_back_to_an_older_checkpoint_drops_the_rows_past_it_and_the_best_is_that_of_the_checkpoint() {
    let disk = MemoryDisk::default();
    train(&disk).unwrap();
    let (history, warnings) = History::resume(shared(&disk), Path::new(PATH), &Story { best: None, ..now(2) }).unwrap();
    assert_eq!(history.story().epochs.iter().map(|record| record.epoch).collect::<Vec<_>>(), [1, 2]);
    assert!(warnings.is_empty() && history.story().best.is_none());
}

#[test]
fn a_damaged_history_is_reported_and_restored_from_the_checkpoint() {
    let disk = MemoryDisk::default();
    train(&disk).unwrap();
    let expected = files(&disk);
    disk.damage(Path::new(PATH), |content| content.truncate(50));
    let (_, warnings) = History::resume(shared(&disk), Path::new(PATH), &now(EPOCHS)).unwrap();
    assert!(warnings[0].contains("is damaged") && warnings.len() == 1, "{warnings:?}");
    assert_eq!(files(&disk), expected, "it is restored from the checkpoint");
    assert!(read(&disk, Path::new("run/history.json.damaged")).is_ok());
}

#[test]
fn rows_that_were_changed_or_never_written_come_back_with_the_checkpoint() {
    let disk = MemoryDisk::default();
    train(&disk).unwrap();
    let expected = files(&disk);
    let flipped = |content: &mut Vec<u8>| {
        let text = String::from_utf8(content.clone()).unwrap();
        *content = text.replacen("\"step\": 20", "\"step\": 21", 1).into_bytes();
    };
    let cut = |content: &mut Vec<u8>| *content = now(1).text(Path::new(PATH)).unwrap().into_bytes();
    let damages: [(Damage, &str); 2] = [(flipped, "does not fit its own digest"), (cut, "is restored")];
    for (damage, says) in damages {
        disk.damage(Path::new(PATH), damage);
        assert_ne!(files(&disk), expected);
        let (_, warnings) = History::resume(shared(&disk), Path::new(PATH), &now(EPOCHS)).unwrap();
        assert!(warnings[0].contains(says) && warnings.len() == 1, "{warnings:?}");
        assert_eq!(files(&disk), expected);
    }
}

#[test]
fn a_history_of_another_version_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.json");
    for (text, says) in [
        ("[]", "has format version 1, this program reads version 3"),
        (r#"{"format_version": 2}"#, "has format version 2, this program reads version 3"),
    ] {
        std::fs::write(&path, text).unwrap();
        assert!(Story::read(&path).unwrap_err().to_string().contains(says));
        assert!(History::resume(Arc::new(RealDisk), &path, &now(0)).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn a_row_has_its_numbers_by_name_and_null_for_what_is_undefined() {
    let story = Story { epochs: vec![record(1)], ..now(1) };
    let json = serde_json::to_value(&story).unwrap();
    assert_eq!(json["epochs"][0]["val"], json!({"loss": 0.1}));
    assert_eq!(json["epochs"][0]["scores"], json!({"csi, \"20\"": null}));
    assert_eq!(json["best"], json!({"epoch": 1, "step": 10, "by": {"loss": 0.1}, "loss": 0.1}));
    assert_eq!(serde_json::from_value::<Story>(json).unwrap(), story);
}

#[test]
fn the_table_has_a_column_for_every_number_that_an_epoch_has() {
    let trained = Record { epoch: 2, step: 20, lr: f64::NAN, val: Vec::new(), scores: Vec::new(), ..record(2) };
    let text = Story { epochs: vec![record(1), trained.clone()], ..now(1) }.table();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "epoch,phase,step,lr,train.loss,val.loss,\"scores.csi, \"\"20\"\"\"");
    assert_eq!(lines[1], "1,1,10,0.5,0.3333333333333333,0.1,");
    assert_eq!(lines[2], "2,1,20,,0.25,,");
    let text = Story { epochs: vec![trained], ..now(1) }.table();
    assert_eq!(text.lines().next(), Some("epoch,phase,step,lr,train.loss"));
    // What training measures in one phase only is empty in the others, and what it never measures has no column.
    let mut measured = record(2);
    measured.train.push(("huber".to_owned(), Some(0.5)));
    measured.val.push(("ssim".to_owned(), None));
    let parts = ["loss", "huber", "ssim"].map(spec).to_vec();
    let text = Story { parts, scores: Vec::new(), epochs: vec![record(1), measured], ..now(1) }.table();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "epoch,phase,step,lr,train.loss,train.huber,val.loss,val.ssim");
    assert_eq!(lines[1], "1,1,10,0.5,0.3333333333333333,,0.1,");
}

#[test]
fn the_best_is_at_the_end_of_an_epoch_or_in_the_midst_of_one() {
    let mut story = Story { epochs: vec![record(1), record(2)], ..now(1) };
    assert_eq!(story.best_epoch().map(|record| record.epoch), Some(1));
    story.best = story.best.map(|best| Best { epoch: 2, step: 15, ..best });
    assert_eq!(story.best_epoch(), None);
}

#[test]
fn a_row_has_the_short_names_that_a_task_gives_and_is_read_back_without_them() {
    let disk = MemoryDisk::default();
    disk.create_folder(Path::new("run")).unwrap();
    let parts = vec![spec("loss").brief("loss"), spec("huber")];
    let story = Story { parts, scores: vec![spec("csi, \"20\"").brief("csi")], ..now(2) };
    History::resume(shared(&disk), Path::new(PATH), &story).unwrap();
    let written: Value = serde_json::from_slice(&files(&disk)[0]).unwrap();
    let row = &written["epochs"][0];
    assert_eq!((row["epoch"].as_u64(), row["lr"].as_f64()), (Some(1), Some(0.5)));
    assert_eq!((&row["loss_train"], &row["loss_val"]), (&row["train"]["loss"], &row["val"]["loss"]));
    assert!(row.as_object().unwrap()["csi_val"].is_null() && row.get("huber_val").is_none(), "{row}");
    assert_eq!(stored(&disk, Path::new(PATH)).unwrap().unwrap(), story);
}
