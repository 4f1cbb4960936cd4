//! Plots: what is drawn of a run, and when.

use std::fs;

use super::chart::{learning_rate, loss, scores, throughput};
use super::*;
use crate::report::curves::Scale;
use crate::train::checkpoint::disk::RealDisk;
use crate::train::events::Started;
use crate::train::observe::{HistoryFile, LogFile};
use crate::train::run_folder::log::EventLog;

fn by_loss() -> Target {
    Target::new("loss")
}

fn named(values: &[(&str, f64)]) -> Vec<(String, f64)> {
    values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

/// The loss falls until epoch 4 and rises then; phase 2 begins with epoch 4.
fn record(epoch: u64) -> Record {
    let distance = epoch.abs_diff(4) as f64;
    Record {
        epoch,
        phase: 1 + usize::from(epoch >= 4),
        step: 10 * epoch,
        lr: 1e-5,
        train: named(&[("loss", 0.4 + 0.1 * distance), ("ssim", 0.2)]),
        val: named(&[("loss", 0.5 + 0.1 * distance), ("ssim", 0.3)]),
        scores: named(&[
            ("csi_20", 0.5),
            ("csi_30", f64::NAN),
            ("persistence_csi_20", 0.4),
            ("mae", 3.0),
            ("persistence_loss", 0.45),
        ]),
    }
}

fn ended(epoch: u64) -> Event {
    let cost = Cost { samples_per_second: 100.0 + epoch as f64, data_wait: 0.25, ..Cost::default() };
    Event::EpochEnded { record: record(epoch), cost, improved: true }
}

fn started(epoch: u64) -> Event {
    Event::Started(Started {
        parameters: 1,
        train_samples: 1,
        val_samples: 1,
        epochs: 9,
        epoch,
        step: 10 * epoch,
        best_by: "loss".into(),
    })
}

fn epochs(numbers: std::ops::RangeInclusive<u64>) -> BTreeMap<u64, Epoch> {
    numbers.map(|number| (number, Epoch { record: record(number), pace: None, midway: Vec::new() })).collect()
}

/// Those who listen to a run, as far as it matters here.
fn listen(folder: &Path, events: &[Event]) -> Plots {
    let mut history = HistoryFile::new(std::sync::Arc::new(RealDisk), folder.join("history.json"));
    let mut log = LogFile::new(EventLog::open(&folder.join("log.jsonl")).unwrap());
    let mut plots = Plots::new(folder);
    for event in events {
        history.observe(event).unwrap();
        log.observe(event).unwrap();
        plots.tell(event).unwrap();
    }
    plots
}

#[test]
fn each_epoch_leaves_four_pictures_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    listen(folder.path(), &[started(0), ended(1), ended(2)]);
    let mut names: Vec<_> = fs::read_dir(folder.path().join("plots"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["learning_rate.png", "loss.png", "scores.png", "throughput.png"]);
    let loss = fs::read(folder.path().join("plots/loss.png")).unwrap();
    assert!(loss.starts_with(b"\x89PNG"));
    listen(folder.path(), &[started(2), ended(3)]);
    assert_ne!(fs::read(folder.path().join("plots/loss.png")).unwrap(), loss);
}

#[test]
fn a_resumed_run_draws_what_an_undisturbed_one_does() {
    let picture = |sessions: &[&[Event]]| {
        let folder = tempfile::tempdir().unwrap();
        sessions.iter().for_each(|events| drop(listen(folder.path(), events)));
        ["loss", "learning_rate", "throughput", "scores"]
            .map(|name| fs::read(folder.path().join(format!("plots/{name}.png"))).unwrap())
    };
    let whole = picture(&[&[started(0), ended(1), ended(2), ended(3)]]);
    assert!(picture(&[&[started(0), ended(1), ended(2)], &[started(2), ended(3)]]) == whole);
    assert!(picture(&[&[started(0), ended(1), ended(2)], &[started(1), ended(2), ended(3)]]) == whole, "made again");
}

#[test]
fn the_speed_of_earlier_epochs_comes_from_the_log_even_if_its_end_is_torn() {
    let folder = tempfile::tempdir().unwrap();
    listen(folder.path(), &[started(0), ended(1), ended(2), ended(3)]);
    let log = folder.path().join("log.jsonl");
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, &text[..text.len() - 30]).unwrap();
    let mut plots = Plots::new(folder.path());
    plots.tell(&started(3)).unwrap();
    let speeds = throughput(&plots.epochs, &by_loss()).panels[0].lines[0].values.clone();
    assert_eq!(speeds[..2], [101.0, 102.0]);
    assert!(speeds[2].is_nan(), "its line is the torn one");
    fs::remove_file(&log).unwrap();
    plots.tell(&started(3)).unwrap();
    assert_eq!(plots.epochs.len(), 3);
    plots.tell(&ended(4)).unwrap();
    assert_eq!(throughput(&plots.epochs, &by_loss()).panels[1].lines[0].values[3], 25.0, "per cent");
}

#[test]
fn the_loss_has_a_panel_for_each_part_its_best_epoch_and_its_phases() {
    let sheet = loss(&epochs(1..=6), &by_loss());
    assert_eq!(sheet.panels.iter().map(|panel| panel.title.as_str()).collect::<Vec<_>>(), ["loss", "ssim"]);
    assert_eq!(
        sheet.panels[0].lines.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(),
        ["training", "validation"]
    );
    assert_eq!(sheet.best.map(|mark| mark.epoch), Some(4));
    assert_eq!(sheet.begins.iter().map(|mark| (mark.epoch, mark.label.as_str())).collect::<Vec<_>>(), [(4, "phase 2")]);
    assert_eq!(sheet.note, "6 epochs; the best is epoch 4 with loss 0.500");
}

#[test]
fn without_validation_the_training_loss_is_drawn_alone_and_decides() {
    let mut epochs = epochs(1..=3);
    epochs.values_mut().for_each(|epoch| epoch.record.val.clear());
    let sheet = loss(&epochs, &by_loss());
    assert!(sheet.panels.iter().all(|panel| panel.lines.len() == 1));
    assert_eq!(sheet.best.map(|mark| mark.epoch), Some(3));
}

/// A validation in the midst of an epoch, which is counted from 0 as in all events.
fn midway(epoch: u64, step: u64, loss: f64) -> Event {
    Event::ValidationEnded { epoch, step, parts: named(&[("loss", loss)]), scores: Vec::new(), improved: true }
}

#[test]
fn the_best_may_be_found_in_the_midst_of_an_epoch_also_of_an_earlier_session() {
    let told = |sessions: &[&[Event]]| {
        let folder = tempfile::tempdir().unwrap();
        let mut plots = Plots::new(folder.path());
        sessions.iter().for_each(|events| plots = listen(folder.path(), events));
        let sheet = loss(&plots.epochs, &by_loss());
        assert_eq!(sheet.best.map(|mark| (mark.epoch, mark.label)), Some((5, "best: step 45 in epoch 5".into())));
        sheet.note
    };
    let (epochs, rest) = ([1, 2, 3, 4].map(ended), [ended(5), ended(6)]);
    let found = [midway(4, 43, f64::NAN), midway(4, 45, 0.1), midway(4, 47, 0.3)];
    let whole = [&[started(0)][..], &epochs, &found, &rest].concat();
    let note = "6 epochs; the best is step 45 in epoch 5 with loss 0.100";
    assert_eq!(told(&[&whole]), note);
    let resumed = Event::Started(Started {
        parameters: 1,
        train_samples: 1,
        val_samples: 1,
        epochs: 9,
        epoch: 4,
        step: 46,
        best_by: "loss".into(),
    });
    let first = [&[started(0)][..], &epochs, &found, &[midway(4, 48, 0.01)]].concat();
    let second = [&[resumed][..], &found[2..], &rest].concat();
    assert_eq!(told(&[&first, &second]), note, "what lies past the checkpoint is void");
    assert_eq!(told(&[&whole, &[started(6), ended(7)]]), note.replace("6 epochs", "7 epochs"));
}

#[test]
fn an_epoch_without_a_validation_is_not_the_best_of_those_that_have_one() {
    let mut epochs = epochs(4..=6);
    epochs.get_mut(&4).unwrap().record.val.clear();
    assert_eq!(
        loss(&epochs, &by_loss()).best.map(|mark| mark.epoch),
        Some(5),
        "its training loss is the lowest of all"
    );
}

#[test]
fn a_past_that_could_not_be_read_at_first_is_read_with_the_next_epoch() {
    let folder = tempfile::tempdir().unwrap();
    listen(folder.path(), &[started(0), ended(1), ended(2)]);
    let (history, aside) = (folder.path().join("history.json"), folder.path().join("aside"));
    fs::rename(&history, &aside).unwrap();
    fs::write(&history, "[{").unwrap();
    let mut plots = Plots::new(folder.path());
    assert!(plots.tell(&started(2)).is_err());
    assert!(plots.tell(&ended(3)).is_err());
    fs::rename(&aside, &history).unwrap();
    assert_eq!(plots.tell(&ended(4)).unwrap(), Heard::Wrote);
    assert_eq!(plots.epochs.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn losses_that_are_no_numbers_are_never_the_best() {
    let mut epochs = epochs(1..=3);
    for (number, loss) in [(2, f64::NAN), (3, f64::NEG_INFINITY)] {
        epochs.get_mut(&number).unwrap().record.val[0].1 = loss;
    }
    assert_eq!(loss(&epochs, &by_loss()).best.map(|mark| mark.epoch), Some(1));
}

#[test]
fn wide_spans_become_logarithmic_and_say_so() {
    let mut epochs = epochs(1..=3);
    assert_eq!(learning_rate(&epochs, &by_loss()).panels[0].scale, Scale::Linear);
    epochs.get_mut(&3).unwrap().record.lr = 1e-7;
    let panel = learning_rate(&epochs, &by_loss()).panels.remove(0);
    assert_eq!(panel.scale, Scale::Logarithmic);
    assert!(panel.title.ends_with("(logarithmic)"));
    epochs.get_mut(&3).unwrap().record.lr = 0.0;
    assert_eq!(learning_rate(&epochs, &by_loss()).panels[0].scale, Scale::Linear, "zero has no logarithm");
}

#[test]
fn scores_stand_with_their_like_and_persistence_in_the_colour_of_its_score() {
    let panels = scores(&epochs(1..=3), &by_loss()).panels;
    assert_eq!(panels.iter().map(|panel| panel.title.as_str()).collect::<Vec<_>>(), ["csi", "mae"]);
    let csi = &panels[0];
    assert_eq!(csi.lines.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(), ["csi_20", "csi_30"]);
    assert!(csi.lines[1].values.iter().all(|value| value.is_nan()));
    let [level] = &csi.levels[..] else { panic!("{:?}", csi.levels) };
    assert_eq!((level.name.as_str(), level.value, level.colour), ("persistence", 0.4, csi.lines[0].colour));
}

#[test]
fn what_the_loss_has_to_beat_stands_with_the_loss() {
    let panels = loss(&epochs(1..=3), &by_loss()).panels;
    let [level] = &panels[0].levels[..] else { panic!("{:?}", panels[0].levels) };
    assert_eq!((level.name.as_str(), level.value, level.colour), ("persistence", 0.45, panels[0].lines[1].colour));
    assert!(panels[1].levels.is_empty());
}

#[test]
fn a_task_without_scores_has_no_picture_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut plots = Plots::new(folder.path());
    let Event::EpochEnded { mut record, cost, improved } = ended(1) else { unreachable!() };
    record.scores.clear();
    plots.tell(&Event::EpochEnded { record, cost, improved }).unwrap();
    assert!(!folder.path().join("plots/scores.png").exists());
}

#[test]
fn what_cannot_be_written_or_read_is_an_error_that_names_it_and_the_rest_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let mut plots = Plots::new(folder.path());
    fs::create_dir_all(folder.path().join("plots/loss.png")).unwrap();
    let error = plots.tell(&ended(1)).unwrap_err();
    assert!(error.to_string().contains("loss.png"), "{error}");
    assert!(folder.path().join("plots/scores.png").exists());
    fs::write(folder.path().join("history.json"), "[{").unwrap();
    let error = plots.tell(&started(1)).unwrap_err();
    assert!(error.to_string().contains("history.json can't be read"), "{error}");
}
