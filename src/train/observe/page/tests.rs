//! Pages of run folders: whole ones, damaged ones, and those with nothing in them.

use serde_json::{Value, json};
use std::fs;

use super::*;
use crate::metric::better::Better;
use crate::metric::score::{ScoreSpec, Show};
use crate::train::events::{Best, Cost, Ended, Named, Record};
use crate::train::run_folder::history::Story;

fn read(folder: &Path) -> String {
    fs::read_to_string(folder.join(FILE)).unwrap()
}

fn named(values: &[(&str, f64)]) -> Vec<Named> {
    values.iter().map(|(name, value)| ((*name).to_owned(), Some(*value).filter(|value| value.is_finite()))).collect()
}

fn record(epoch: u64, loss: f64) -> Record {
    let scores = [
        ("csi_20", 0.5),
        ("pod_20", 0.6),
        ("csi_35", f64::NAN),
        ("pod_35", 0.3),
        ("mae_dbz", 4.5),
        ("persistence_csi_20", 0.4),
        ("persistence_loss", 0.5),
    ];
    let (train, val) = (named(&[("loss", loss + 0.1)]), named(&[("loss", loss)]));
    Record { epoch, phase: 1, step: 10 * epoch, lr: 0.001, train, val, scores: named(&scores) }
}

/// What is measured. The scores of a family don't follow each other.
fn measured() -> Story {
    let loss = ScoreSpec::new("loss", "Loss", Better::Lower).shown(Show::First);
    let csi = |dbz: u32| {
        let spec = ScoreSpec::new(format!("csi_{dbz}"), format!("CSI at {dbz} dBZ"), Better::Higher);
        spec.family("CSI").meaning("critical success index").shown(Show::First)
    };
    let pod = |dbz: u32| {
        let spec = ScoreSpec::new(format!("pod_{dbz}"), format!("POD at {dbz} dBZ"), Better::Higher);
        spec.family("POD").meaning("probability of detection")
    };
    let mae = ScoreSpec::new("mae_dbz", "MAE", Better::Lower).unit("dBZ").shown(Show::First);
    let baselines = [csi(20).of_baseline("persistence"), loss.of_baseline("persistence")];
    let scores = [csi(20), pod(20), csi(35), pod(35), mae].into_iter().chain(baselines).collect();
    Story { parts: vec![loss], scores, ..Story::default() }
}

/// Writes a history with its best epoch.
fn history(folder: &Path, epochs: Vec<Record>, best: (u64, u64)) {
    let loss = epochs.iter().find(|record| record.epoch == best.0).and_then(|record| record.val[0].1);
    let best = Best { epoch: best.0, step: best.1, by: vec![("loss".to_owned(), loss)], loss };
    let story = Story { epochs, best: Some(best), ..measured() };
    fs::write(folder.join("history.json"), story.text(folder).unwrap()).unwrap();
}

fn ended(epoch: u64, seconds: f64) -> Value {
    let cost = json!({"seconds": seconds, "samples_per_second": 7.25, "data_wait": 0.03, "memory_bytes": 2e9});
    json!({"time": "2026-01-02T03:04:05Z", "event": "epoch_ended", "record": {"epoch": epoch}, "cost": cost, "improved": true})
}

fn started(epoch: u64, step: u64) -> Value {
    let time = format!("2026-01-02T03:{:02}:00Z", 10 + step);
    json!({"time": time, "event": "started", "parameters": 160_439, "train_samples": 106, "val_samples": 34, "epochs": 8, "epoch": epoch, "step": step})
}

fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

#[test]
fn a_folder_with_nothing_in_it_gives_a_page_that_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &()).unwrap();
    let html = read(folder.path());
    for told in [
        "The run was not evaluated yet.",
        "There are no forecasts yet",
        "No epoch is complete yet.",
        "The dataset is left out: run.json is not there.",
        "The configuration is left out: config.yaml can&#39;t be read",
    ] {
        assert!(html.contains(told), "{told}: {html}");
    }
}

#[test]
fn damaged_files_are_reported_and_do_no_other_harm() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("evaluation")).unwrap();
    fs::create_dir_all(folder.path().join("forecasts")).unwrap();
    for name in [
        "run.json",
        "status.json",
        "history.json",
        "log.jsonl",
        "evaluation/metrics.json",
        "forecasts/a.png",
        "forecasts/b.strip.png",
    ] {
        fs::write(folder.path().join(name), "\u{0}{<script>").unwrap();
    }
    fs::write(folder.path().join("config.yaml"), b"name: \xff</code><script>\n").unwrap();
    write(folder.path(), &()).unwrap();
    let html = read(folder.path());
    assert_eq!(html.matches("<script>").count(), 1, "only its own");
    for told in [
        "The curves are left out",
        "The evaluation is left out",
        "The dataset is left out",
        "not a PNG or GIF",
        "1 film left out",
        "name: \u{fffd}&lt;/code&gt;",
    ] {
        assert!(html.contains(told), "{told}: {html}");
    }
}

#[test]
fn a_history_is_shown_with_what_it_has_to_beat() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path(), vec![record(1, 0.6), record(2, 0.4), record(4, 0.45)], (2, 20));
    fs::write(folder.path().join("log.jsonl"), lines(&[started(0, 0), ended(1, 60.0), ended(2, 120.0)])).unwrap();
    write(folder.path(), &()).unwrap();
    let html = read(folder.path());
    for told in [
        "The best so far is epoch 2, with a validation loss of 0.400: 20 % below that of persistence (0.500).",
        "<dt>Best epoch</dt><dd>2</dd><dd class=\"note\">4 of 8 done</dd>",
        "<dt>CSI at 20 dBZ</dt><dd>0.500</dd><dd class=\"note\">persistence 0.400</dd>",
        "<dt>Duration</dt><dd>2 min 00 s</dd>",
        ">0.60000</td>",
        ">0.45000</td>",
        "critical success index",
        "7.25/s",
    ] {
        assert!(html.contains(told), "{told}: {html}");
    }
    assert!(html.contains("<th scope=\"row\">POD at 20 dBZ</th>"), "in the table");
    assert!(!html.contains(">POD at 20 dBZ on validation</text>"), "and not drawn");
    assert!(html.contains(">best epoch 2:</text>") && html.contains(">best: epoch 2</text>"), "values say when");
}

#[test]
fn a_part_that_training_does_not_measure_is_shown_of_validations_alone() {
    let folder = tempfile::tempdir().unwrap();
    let with_ssim = |epoch, loss| {
        let val = named(&[("loss", loss), ("ssim", 0.75)]);
        Record { val, ..record(epoch, loss) }
    };
    let ssim = ScoreSpec::new("ssim", "SSIM", Better::Higher).shown(Show::Drawn);
    let mut story = Story { epochs: vec![with_ssim(1, 0.6), with_ssim(2, 0.4)], ..measured() };
    story.parts.push(ssim);
    fs::write(folder.path().join("history.json"), story.text(folder.path()).unwrap()).unwrap();
    write(folder.path(), &()).unwrap();
    let html = read(folder.path());
    assert!(html.contains(">validation ssim</th>") && !html.contains(">training ssim</th>"), "{html}");
    let charts = crate::train::observe::curves::losses(&story);
    let lines: Vec<Vec<&str>> =
        charts.iter().map(|chart| chart.series.iter().map(|line| line.name.as_str()).collect()).collect();
    assert_eq!(lines, [vec!["training", "validation"], vec!["validation"]]);
}

#[test]
fn what_scores_mean_is_said_once_though_their_families_are_mixed() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path(), vec![record(1, 0.6)], (1, 10));
    write(folder.path(), &()).unwrap();
    let html = read(folder.path());
    let told = |text: &str| html.matches(text).count();
    assert_eq!(told("<dd>probability of detection</dd>"), 1, "{html}");
    assert_eq!(told("<dt>POD</dt>"), 1);
}

#[test]
fn the_best_is_what_the_history_says_even_if_another_epoch_has_a_lower_loss() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path(), vec![record(1, 0.6), record(2, 0.4), record(3, 0.5)], (3, 30));
    write(folder.path(), &()).unwrap();
    assert!(read(folder.path()).contains("The best so far is epoch 3, with a validation loss of 0.500"));
    history(folder.path(), vec![record(1, 0.6), record(2, 0.4), record(3, 0.5)], (2, 15));
    write(folder.path(), &()).unwrap();
    assert!(read(folder.path()).contains("The best so far is step 15 in epoch 2"));
}

#[test]
fn many_scores_of_a_family_are_a_table_and_no_forty_charts() {
    let folder = tempfile::tempdir().unwrap();
    let spec = |class: usize| {
        let spec = ScoreSpec::new(format!("ap_{class}"), format!("AP of class {class}"), Better::Higher);
        spec.family("AP").shown(Show::Drawn)
    };
    let names: Vec<String> = (0..40).map(|class| format!("ap_{class}")).collect();
    let scores = names.iter().map(|name| (name.clone(), Some(0.5))).collect();
    let epochs = vec![Record { scores, ..record(1, 0.6) }];
    let story = Story { scores: (0..40).map(spec).collect(), epochs, ..measured() };
    fs::write(folder.path().join("history.json"), story.text(folder.path()).unwrap()).unwrap();
    write(folder.path(), &()).unwrap();
    let html = read(folder.path());
    assert!(html.contains("40 more scores are in the table below"), "{html}");
    assert!(!html.contains(">AP of class 7 on validation") && html.contains("<th scope=\"row\">AP of class 7</th>"));
}

#[test]
fn a_log_that_grows_is_read_on_and_what_was_made_again_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let step =
        json!({"time": "2026-01-02T03:04:05Z", "event": "stepped", "epoch": 2, "step": 25, "cost": {"seconds": 130.0}});
    let first = lines(&[started(0, 0), ended(1, 60.0), ended(2, 120.0), step]);
    let torn = "{\"time\":\"2026";
    fs::write(&path, format!("{first}{torn}")).unwrap();
    let mut tale = Tale::default();
    tale.follow(&path);
    assert_eq!((tale.seconds(), tale.starts, tale.costs.len()), (130.0, 1, 2));
    let more = lines(&[started(1, 10), ended(2, 50.0)]);
    fs::write(&path, format!("{first}{more}")).unwrap();
    tale.follow(&path);
    assert_eq!((tale.seconds(), tale.starts, tale.costs.len()), (180.0, 2, 2));
    let mut whole = Tale::default();
    whole.follow(&path);
    assert_eq!((whole.seconds(), whole.starts, whole.costs.clone()), (180.0, 2, tale.costs.clone()));
    assert_eq!(whole.moments, tale.moments);
    assert!(whole.moments[1].1.starts_with("Resumed after step 10, with 1 of 8 epochs"), "{:?}", whole.moments);
    fs::write(&path, lines(&[started(0, 0)])).unwrap();
    tale.follow(&path);
    assert_eq!((tale.starts, tale.costs.len()), (1, 0), "another log");
}

#[test]
fn the_page_says_that_training_runs_until_it_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path(), vec![record(1, 0.6)], (1, 10));
    fs::write(folder.path().join("status.json"), json!({"state": "stopped"}).to_string()).unwrap();
    let mut page = PageFile::new(folder.path(), &());
    let event = Event::EpochEnded { record: record(1, 0.6), cost: Cost::default(), improved: true, best: None };
    assert_eq!(page.tell(&event).unwrap(), Heard::Wrote);
    assert!(read(folder.path()).contains("Training is running, as of ") && read(folder.path()).contains("refresh"));
    let over = |reason| Event::Ended(Ended { reason, epoch: 1, step: 10, epoch_share: 0.0, best: None });
    for (reason, word) in [
        (Reason::Epochs, "finished"),
        (Reason::Patience, "finished early"),
        (Reason::Stopped, "stopped"),
        (Reason::Time, "time is up"),
    ] {
        page.tell(&over(reason)).unwrap();
        let html = read(folder.path());
        assert!(!html.contains("Training is running") && html.contains(&format!("\">{word}</span></h1>")), "{word}");
    }
    write(folder.path(), &()).unwrap();
    assert!(read(folder.path()).contains("stopped</span></h1>"), "as status.json says");
}

#[test]
fn many_epochs_stay_a_small_page() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path(), (1..=5000).map(|epoch| record(epoch, 1.0 / epoch as f64)).collect(), (5000, 50_000));
    write(folder.path(), &()).unwrap();
    let html = read(folder.path());
    assert!(html.len() < 600_000, "{}", html.len());
    assert!(html.contains("The last 300 epochs"));
}

#[test]
fn a_run_that_failed_says_why_and_what_to_do_on_top_and_that_nothing_was_evaluated_last() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path(), vec![record(1, 0.6)], (1, 10));
    let problem = json!({"kind": "diverged", "text": "the loss was not finite", "remedy": "lower train.optimizer.adamw.lr", "exit": 76});
    let status = json!({"state": "failed", "problem": problem});
    fs::write(folder.path().join("status.json"), status.to_string()).unwrap();
    write(folder.path(), &()).unwrap();
    let html = read(folder.path());
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}: {html}"));
    assert!(
        at("</h1>") < at("The loss was not finite.")
            && at("What to do: lower train.optimizer.adamw.lr.") < at("class=\"tiles\"")
    );
    assert!(at("id=\"straining\"") < at("The run was not evaluated yet."), "what there is comes first");
    fs::write(folder.path().join("status.json"), json!({"state": "failed"}).to_string()).unwrap();
    write(folder.path(), &()).unwrap();
    assert!(read(folder.path()).contains("its files do not say why"));
}

#[test]
fn how_far_the_model_is_ahead_of_a_baseline_is_among_the_figures_and_the_first_curves() {
    let folder = tempfile::tempdir().unwrap();
    let mut story = Story { epochs: vec![record(1, 0.4)], ..measured() };
    let ahead = story.scores[2].ahead_of("advection");
    story.epochs[0].scores.push((ahead.name.clone(), Some(-0.0321)));
    story.scores.push(ahead);
    let by = vec![("loss".to_owned(), Some(0.4))];
    story.best = Some(Best { epoch: 1, step: 10, by, loss: Some(0.4) });
    fs::write(folder.path().join("history.json"), story.text(folder.path()).unwrap()).unwrap();
    write(folder.path(), &()).unwrap();
    let html = read(folder.path());
    let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("no {text}: {html}"));
    let figure = place("CSI at 35 dBZ ahead of advection");
    assert!(html[figure..figure + 300].contains("-0.0321"), "{}", &html[figure..figure + 300]);
    let curve = place("CSI at 35 dBZ ahead of advection on validation");
    assert!(figure < curve && curve < place("More curves: "));
}
