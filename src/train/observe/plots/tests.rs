//! Plots: what is drawn of a run, and when.

use std::fs;

use super::chart::{learning_rate, loss, scores, throughput};
use super::*;
use crate::metric::better::Better;
use crate::metric::score::{ScoreSpec, Show};
use crate::report::chart::{Ink, Scale};
use crate::train::checkpoint::disk::RealDisk;
use crate::train::events::{Named, Started};
use crate::train::observe::{HistoryFile, LogFile};
use crate::train::run_folder::log::EventLog;

fn named(values: &[(&str, f64)]) -> Vec<Named> {
    values.iter().map(|(name, value)| ((*name).to_owned(), Some(*value).filter(|value| value.is_finite()))).collect()
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
            ("pod_20", 0.6),
            ("mae", 3.0),
            ("persistence_csi_20", 0.4),
            ("persistence_loss", 0.45),
        ]),
    }
}

/// What is measured, the best found at this place.
fn story(epoch: u64, step: u64, value: f64) -> Story {
    let spec = |name: &str, family: &str, show| {
        ScoreSpec::new(name, name.to_uppercase(), Better::Higher).family(family).shown(show)
    };
    let (loss, ssim) = (spec("loss", "Loss", Show::First), spec("ssim", "SSIM", Show::Drawn));
    let csi = [20, 30].map(|dbz| spec(&format!("csi_{dbz}"), "CSI", Show::First));
    let others = [spec("pod_20", "POD", Show::Table), spec("mae", "MAE", Show::Drawn).unit("dBZ")];
    let baselines = [csi[0].of_baseline("persistence"), loss.of_baseline("persistence")];
    let best = Best { epoch, step, by: named(&[("loss", value)]), loss: Some(value) };
    Story {
        best: Some(best),
        parts: vec![loss, ssim],
        scores: csi.into_iter().chain(others).chain(baselines).collect(),
        ..Story::default()
    }
}

/// The best is always epoch 4, or the first.
fn best(epoch: u64) -> Option<Best> {
    let best = epoch.min(4);
    story(best, 10 * best, 0.5 + 0.1 * best.abs_diff(4) as f64).best
}

fn ended(epoch: u64) -> Event {
    let cost = Cost { samples_per_second: 100.0 + epoch as f64, data_wait: 0.25, ..Cost::default() };
    Event::EpochEnded { record: record(epoch), cost, improved: true, best: best(epoch) }
}

fn started(epoch: u64) -> Event {
    started_with(epoch, 10 * epoch, if epoch == 0 { None } else { best(epoch) })
}

fn started_with(epoch: u64, step: u64, best: Option<Best>) -> Event {
    let Story { parts, scores, .. } = story(1, 1, 0.0);
    let best_by = vec!["loss".into()];
    Event::Started(Started {
        parameters: 1,
        train_samples: 1,
        val_samples: 1,
        epochs: 9,
        limits: crate::train::events::Limits::default(),
        epoch,
        step,
        best_by,
        best,
        parts,
        scores,
        rows: (1..=epoch).map(record).collect(),
    })
}

fn drawn(numbers: std::ops::RangeInclusive<u64>) -> Drawn {
    let story = Story { epochs: numbers.map(record).collect(), ..story(4, 40, 0.5) };
    Drawn { story, paces: BTreeMap::new() }
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
    let speeds = throughput(&plots.drawn).charts[0].series[0].points.clone();
    assert_eq!(speeds[..2], [[1.0, 101.0], [2.0, 102.0]]);
    assert!(speeds[2][1].is_nan(), "its line is the torn one");
    fs::remove_file(&log).unwrap();
    plots.tell(&started(3)).unwrap();
    assert_eq!(plots.drawn.story.epochs.len(), 3);
    plots.tell(&ended(4)).unwrap();
    assert_eq!(throughput(&plots.drawn).charts[1].series[0].points[3], [4.0, 25.0], "per cent");
}

#[test]
fn the_loss_has_a_panel_for_each_part_its_best_epoch_and_its_phases() {
    let sheet = loss(&drawn(1..=6));
    assert_eq!(sheet.charts.iter().map(|chart| chart.title.as_str()).collect::<Vec<_>>(), ["LOSS", "SSIM"]);
    let chart = &sheet.charts[0];
    assert_eq!(
        chart.series.iter().map(|series| (series.name.as_str(), series.told)).collect::<Vec<_>>(),
        [("training", Some(0.4)), ("validation", Some(0.5))]
    );
    assert_eq!(chart.when, "best epoch 4");
    assert_eq!(
        chart.marks.iter().map(|mark| (mark.place, mark.label.as_str())).collect::<Vec<_>>(),
        [(4.0, "phase 2"), (4.0, "best: epoch 4")]
    );
    assert_eq!(sheet.note, "6 epochs; the best is epoch 4 with loss 0.500");
}

#[test]
fn without_validation_the_training_loss_is_drawn_alone() {
    let mut drawn = drawn(1..=3);
    drawn.story.epochs.iter_mut().for_each(|record| record.val.clear());
    let sheet = loss(&drawn);
    assert!(sheet.charts.iter().all(|chart| chart.series.len() == 1));
}

#[test]
fn the_best_is_what_the_engine_says_also_in_the_midst_of_an_epoch_and_after_a_resume() {
    let found = story(5, 45, 0.1).best;
    let midway = |best: &Option<Best>| Event::ValidationEnded {
        epoch: 4,
        step: 45,
        parts: Vec::new(),
        scores: Vec::new(),
        improved: true,
        best: best.clone(),
    };
    let after = |epoch| match ended(epoch) {
        Event::EpochEnded { record, cost, .. } => {
            Event::EpochEnded { record, cost, improved: false, best: found.clone() }
        }
        other => other,
    };
    let note = "6 epochs; the best is step 45 in epoch 5 with loss 0.100";
    let [whole, resumed] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let first = [started(0), ended(1), ended(2), ended(3), ended(4), midway(&found)];
    let rest = [after(5), after(6)];
    listen(whole.path(), &first);
    let plots = listen(resumed.path(), &[&first[..], &rest[..1]].concat());
    assert_eq!(
        loss(&plots.drawn).charts[0].marks.last().map(|mark| (mark.place, mark.label.as_str())),
        Some((5.0, "best: step 45 in epoch 5"))
    );
    let plots = listen(resumed.path(), &[&[started_with(5, 50, found.clone())][..], &rest[1..]].concat());
    assert_eq!(loss(&plots.drawn).note, note);
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
    assert_eq!(plots.drawn.story.epochs.iter().map(|record| record.epoch).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn wide_spans_become_logarithmic_and_say_so() {
    let mut drawn = drawn(1..=3);
    assert_eq!(learning_rate(&drawn).charts[0].up.scale, Scale::Linear);
    drawn.story.epochs[2].lr = 1e-7;
    let chart = learning_rate(&drawn).charts.remove(0);
    assert_eq!(chart.up.scale, Scale::Logarithmic);
    assert!(chart.title.ends_with("(logarithmic)"));
    drawn.story.epochs[2].lr = 0.0;
    assert_eq!(learning_rate(&drawn).charts[0].up.scale, Scale::Linear, "zero has no logarithm");
}

#[test]
fn scores_are_with_their_like_and_persistence_in_the_colour_of_its_score() {
    let charts = scores(&drawn(1..=3)).charts;
    assert_eq!(
        charts.iter().map(|chart| chart.title.as_str()).collect::<Vec<_>>(),
        ["CSI on validation; dashed: persistence", "MAE, dBZ on validation"],
        "what is for tables is not drawn"
    );
    let csi = &charts[0];
    assert_eq!(csi.series.iter().map(|series| series.name.as_str()).collect::<Vec<_>>(), ["CSI_20"]);
    let [level] = &csi.levels[..] else { panic!("{:?}", csi.levels) };
    assert_eq!((level.value, level.ink, csi.series[0].ink), (0.4, Ink::Number(0), Ink::Number(0)));
}

#[test]
fn what_there_is_no_room_for_is_counted_and_not_drawn() {
    let mut drawn = drawn(1..=2);
    let spec = |family: usize, number: usize| {
        let spec = ScoreSpec::new(format!("ap_{family}_{number}"), "AP", Better::Higher);
        spec.family(&format!("AP {family}")).shown(Show::Drawn)
    };
    drawn.story.scores = (0..40).map(|number| spec(0, number)).chain((1..=15).map(|family| spec(family, 0))).collect();
    for record in &mut drawn.story.epochs {
        record.scores = drawn.story.scores.iter().map(|spec| (spec.name.clone(), Some(0.5))).collect();
    }
    let sheet = scores(&drawn);
    assert!(sheet.charts.len() == 12 && sheet.charts.iter().all(|chart| chart.series.len() == 1), "no forty lines");
    assert!(sheet.note.ends_with("; 43 more scores in results.csv"), "{}", sheet.note);
}

#[test]
fn the_baseline_of_the_loss_is_shown_with_the_loss() {
    let charts = loss(&drawn(1..=3)).charts;
    let [level] = &charts[0].levels[..] else { panic!("{:?}", charts[0].levels) };
    assert_eq!((level.name.as_str(), level.value, level.ink), ("persistence", 0.45, Ink::Baseline));
    assert!(charts[1].levels.is_empty());
}

#[test]
fn a_task_without_scores_has_no_picture_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut plots = Plots::new(folder.path());
    plots.tell(&started(0)).unwrap();
    let Event::EpochEnded { mut record, cost, improved, best } = ended(1) else { unreachable!() };
    record.scores.clear();
    plots.tell(&Event::EpochEnded { record, cost, improved, best }).unwrap();
    assert!(!folder.path().join("plots/scores.png").exists());
}

#[test]
fn what_cannot_be_written_or_read_is_an_error_that_names_it_and_the_rest_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let mut plots = Plots::new(folder.path());
    plots.tell(&started(0)).unwrap();
    fs::create_dir_all(folder.path().join("plots/loss.png")).unwrap();
    let error = plots.tell(&ended(1)).unwrap_err();
    assert!(error.to_string().contains("loss.png"), "{error}");
    assert!(folder.path().join("plots/scores.png").exists());
    fs::write(folder.path().join("history.json"), "[{").unwrap();
    let error = plots.tell(&started(1)).unwrap_err();
    assert!(error.to_string().contains("history.json can't be read"), "{error}");
}

#[test]
fn how_far_a_score_is_ahead_has_its_own_chart_with_the_forecast_to_beat_at_0() {
    let mut drawn = drawn(1..=3);
    let ahead = drawn.story.scores[0].ahead_of("advection");
    for record in &mut drawn.story.epochs {
        record.scores.push((ahead.name.clone(), Some(-0.01 * record.epoch as f64)));
    }
    drawn.story.scores.push(ahead);
    let sheet = chart::scores(&drawn);
    let chart = sheet.charts.iter().find(|chart| chart.title.contains("ahead of advection")).unwrap();
    let told: Vec<_> = chart.levels.iter().map(|level| (level.name.as_str(), level.value)).collect();
    assert_eq!(told, [("advection", 0.0)]);
    assert_eq!(chart.series[0].points, [[1.0, -0.01], [2.0, -0.02], [3.0, -0.03]]);
}
