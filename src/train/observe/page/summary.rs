//! The top of the page: the run's name, how it stands, what it came to in a sentence, and the figures that matter most.

use std::time::Duration;

use super::epochs::value;
use super::run::Run;
use super::words::{drawn, family, label, number, time};
use super::{REFRESH_SECONDS, evaluation};
use crate::report::page::{Page, Tile, Tone};
use crate::train::events::{Reason, Record};
use crate::train::observe::baseline;
use crate::train::run_folder::status::State;
use crate::util::units::duration;

/// So many scores are among the figures.
const MOST_SCORES: usize = 2;

/// The page without its sections.
pub(super) fn page(run: &Run<'_>) -> Page {
    let is_at_work = run.state == State::Running;
    let version = run.record.as_ref().map_or(env!("CARGO_PKG_VERSION"), |record| &record.code_version);
    Page {
        title: run.name(),
        kind: "Training run".into(),
        state: Some(state(run)),
        verdict: evaluation::verdict(run).or_else(|| verdict(run)),
        notice: is_at_work.then(|| notice(run)),
        refresh_seconds: is_at_work.then_some(REFRESH_SECONDS),
        tiles: tiles(run),
        sections: Vec::new(),
        footer: format!("Written by fragua {version} on {}.", time(run.at)),
    }
}

fn state(run: &Run<'_>) -> (String, Tone) {
    let stage = run.record.as_ref().map_or("train", |record| record.stage.as_str());
    match (run.state, run.ended) {
        (State::Running, _) if stage == "evaluate" => ("evaluating".into(), Tone::Busy),
        (State::Running, _) => ("training".into(), Tone::Busy),
        (State::Stopped, Some(Reason::Time)) => ("time is up".into(), Tone::Quiet),
        (State::Stopped, _) => ("stopped".into(), Tone::Quiet),
        (State::Failed, _) => ("failed".into(), Tone::Bad),
        (State::Finished, Some(Reason::Patience)) => ("finished early".into(), Tone::Good),
        (State::Finished, _) => ("finished".into(), Tone::Good),
    }
}

fn notice(run: &Run<'_>) -> String {
    if run.record.as_ref().is_ok_and(|record| record.stage == "evaluate") {
        let at = run.at.strftime("%Y-%m-%d %H:%M:%S UTC");
        return format!(
            "Training is done; its best weights are being evaluated, as of {at}. Reload to see the scores."
        );
    }
    let left = run.tale.costs.values().next_back().and_then(|cost| cost.seconds_left);
    let left = left.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let left = left.map_or_else(String::new, |left| format!(", about {} from its end", duration(left)));
    let at = run.at.strftime("%Y-%m-%d %H:%M:%S UTC");
    format!("Training is running, as of {at}{left}. The page is written after every epoch; reload to see the newest.")
}

/// What training found, as long as nothing was evaluated.
fn verdict(run: &Run<'_>) -> Option<String> {
    let (epochs, best) = (run.epochs.as_ref().ok()?, run.best.as_ref()?);
    let place = match best.step {
        Some(step) => format!("step {step} in epoch {}", best.epoch),
        None => format!("epoch {}", best.epoch),
    };
    let is_validated = epochs.0.iter().any(|record| !record.val.is_empty());
    let kind = if is_validated { "validation" } else { "training" };
    let name = run.target.name();
    let found = format!("The best so far is {place}, with a {kind} {} of {}", called(name), number(best.value));
    let persistence = epochs.0.iter().rev().find_map(|record| baseline::of(&record.scores, name));
    Some(match persistence.filter(|baseline| is_validated && *baseline > 0.0) {
        Some(baseline) => format!("{found}: {}.", against(best.value, baseline)),
        None => format!("{found}."),
    })
}

/// A loss is a common noun, scores have names.
fn called(name: &str) -> String {
    if name == "loss" { name.to_owned() } else { label(name) }
}

/// How a value stands to that of persistence.
fn against(loss: f64, baseline: f64) -> String {
    let share = 100.0 * (loss / baseline - 1.0);
    let than = format!("that of {} ({})", baseline::NAME, number(baseline));
    match share.abs() < 0.5 {
        true => format!("as much as {than}"),
        false => format!("{:.0} % {} {than}", share.abs(), if share < 0.0 { "below" } else { "above" }),
    }
}

fn tiles(run: &Run<'_>) -> Vec<Tile> {
    let mut tiles = progress(run);
    tiles.extend(time_taken(run));
    if let Ok(record) = &run.record {
        let precision = run.config(&["precision"]).and_then(serde_json::Value::as_str).unwrap_or_default();
        tiles.push(tile("Device", &record.device, &format!("precision {precision}")));
    }
    tiles
}

fn tile(label: &str, value: &str, note: &str) -> Tile {
    Tile { label: label.into(), value: value.into(), note: note.into() }
}

fn progress(run: &Run<'_>) -> Vec<Tile> {
    let Some(epochs) = run.epochs.as_ref().ok().filter(|epochs| !epochs.0.is_empty()) else { return Vec::new() };
    let done = epochs.last().map_or(0, |record| record.epoch);
    let planned = run.tale.started.map_or(done, |started| started.epochs).max(done);
    let note = if done < planned { format!("{done} of {planned} done") } else { format!("of {done}") };
    let Some(best) = &run.best else { return vec![tile("Epochs", &done.to_string(), &format!("of {planned}"))] };
    let mut tiles = vec![tile("Best epoch", &best.epoch.to_string(), &note)];
    let Some(record) = epochs.at(best.epoch) else { return tiles };
    let name = run.target.name();
    let kind = if record.val.is_empty() && best.step.is_none() { "Training" } else { "Validation" };
    tiles.push(tile(&format!("{kind} {}", called(name)), &number(best.value), &beside(record, name)));
    if best.step.is_none() {
        let scores = drawn(&epochs.scores());
        let mut families: Vec<&str> = Vec::new();
        let firsts = scores.into_iter().filter(|name| {
            let is_new = !families.contains(&family(name));
            families.push(family(name));
            is_new
        });
        let told = firsts.take(MOST_SCORES).collect::<Vec<_>>();
        tiles.extend(
            told.iter().map(|name| tile(&label(name), &number(value(&record.scores, name)), &beside(record, name))),
        );
    }
    tiles
}

/// The value of the baseline, for the line below a figure.
fn beside(record: &Record, name: &str) -> String {
    baseline::of(&record.scores, name).map_or_else(String::new, |value| format!("{} {}", baseline::NAME, number(value)))
}

fn time_taken(run: &Run<'_>) -> Vec<Tile> {
    let tale = run.tale;
    let mut tiles = Vec::new();
    if let Ok(taken) = Duration::try_from_secs_f64(tale.seconds())
        && tale.starts > 0
        && !tale.is_cut
    {
        let note = if tale.starts == 1 { "in one start".to_owned() } else { format!("in {} starts", tale.starts) };
        tiles.push(tile("Duration", &duration(taken), &note));
    }
    let pace = tale.costs.values().next_back().and_then(|cost| Some((cost.samples_per_second?, cost.data_wait?)));
    if let Some((pace, wait)) = pace {
        let note = format!("{} % waiting for data", number(100.0 * wait));
        tiles.push(tile("Speed", &format!("{}/s", number(pace)), &note));
    }
    tiles
}
