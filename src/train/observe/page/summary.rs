//! The top of the page: the run's name, its state, its result in a sentence, and the figures that matter most.

use std::time::Duration;

use super::run::Run;
use super::words::{number, time};
use super::{Chapters, REFRESH_SECONDS, evaluation};
use crate::metric::score::{ScoreSpec, Show, families};
use crate::report::page::{Page, Problem, Tile, Tone};
use crate::train::events::{Reason, Record, value};
use crate::train::run_folder::history::Story;
use crate::train::run_folder::status::State;
use crate::util::units::duration;

/// The most scores among the figures.
const MOST_SCORES: usize = 2;

/// The page without its sections.
pub(super) fn page(run: &Run<'_>, chapters: &dyn Chapters) -> Page {
    let is_at_work = run.state == State::Running;
    let version = run.record.as_ref().map_or(env!("CARGO_PKG_VERSION"), |record| &record.used.program);
    Page {
        title: run.name(),
        kind: "Training run".into(),
        state: Some(state(run)),
        verdict: evaluation::verdict(run, chapters).or_else(|| verdict(run)),
        problem: problem(run),
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

/// Why the run failed, and what to do.
fn problem(run: &Run<'_>) -> Option<Problem> {
    let sentence = |text: &str| {
        let mut letters = text.trim_end_matches('.').chars();
        let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
        format!("{first}{}.", letters.as_str())
    };
    match (&run.problem, run.state) {
        (Some(found), _) => {
            let remedy = if found.remedy.is_empty() { String::new() } else { format!("What to do: {}.", found.remedy) };
            Some(Problem { text: sentence(&found.text), remedy })
        }
        (None, State::Failed) => Some(Problem {
            text: "The run failed, and its files do not say why.".into(),
            remedy: "The last lines of log.jsonl in the run folder, and what the program printed, show more.".into(),
        }),
        _ => None,
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

/// The result of training, until it is evaluated.
fn verdict(run: &Run<'_>) -> Option<String> {
    let story = run.story.as_ref().ok()?;
    let best = story.best.as_ref()?;
    let (name, known) = best.by.first()?;
    let place = match story.best_epoch() {
        None => format!("step {} in epoch {}", best.step, best.epoch),
        Some(_) => format!("epoch {}", best.epoch),
    };
    let is_validated = story.epochs.iter().any(|record| !record.val.is_empty());
    let kind = if is_validated { "validation" } else { "training" };
    let found = format!("The best so far is {place}, with a {kind} {} of {}", called(story, name), number(*known));
    Some(match (*known).filter(|_| is_validated).zip(compared(story, name)) {
        Some((known, (forecast, other))) if other > 0.0 => format!("{found}: {}.", against(known, forecast, other)),
        _ => format!("{found}."),
    })
}

/// The loss is a common noun, scores have names.
fn called(story: &Story, name: &str) -> String {
    let score = story.scores.iter().find(|spec| spec.name == name);
    match score.or_else(|| story.parts.iter().skip(1).find(|spec| spec.name == name)) {
        Some(spec) => spec.title(),
        None => name.to_owned(),
    }
}

/// The forecast that a score, or a part of the loss, is compared with, and what that has.
fn compared<'a>(story: &'a Story, name: &str) -> Option<(&'a str, f64)> {
    let spec = story.baseline_of(name)?;
    let value = story.epochs.iter().rev().find_map(|record| value(&record.scores, &spec.name))?;
    Some((&spec.baseline.as_ref()?.forecast, value))
}

/// How a value compares with that of another forecast.
fn against(loss: f64, forecast: &str, baseline: f64) -> String {
    let share = 100.0 * (loss / baseline - 1.0);
    let than = format!("that of {forecast} ({})", number(Some(baseline)));
    match share.abs() < 0.5 {
        true => format!("as much as {than}"),
        false => format!("{:.0} % {} {than}", share.abs(), if share < 0.0 { "below" } else { "above" }),
    }
}

fn tiles(run: &Run<'_>) -> Vec<Tile> {
    let mut tiles = progress(run);
    tiles.extend(time_taken(run));
    if let Ok(record) = &run.record {
        tiles.push(tile("Device", &record.used.device, &format!("precision {}", record.used.precision)));
    }
    tiles
}

fn tile(label: &str, value: &str, note: &str) -> Tile {
    Tile { label: label.into(), value: value.into(), note: note.into() }
}

fn progress(run: &Run<'_>) -> Vec<Tile> {
    let Some(story) = run.story.as_ref().ok().filter(|story| !story.epochs.is_empty()) else { return Vec::new() };
    let done = story.epochs.last().map_or(0, |record| record.epoch);
    let planned = run.tale.started.map_or(done, |started| started.epochs).max(done);
    let note = if done < planned { format!("{done} of {planned} done") } else { format!("of {done}") };
    let Some(best) = &story.best else { return vec![tile("Epochs", &done.to_string(), &format!("of {planned}"))] };
    let mut tiles = vec![tile("Best epoch", &best.epoch.to_string(), &note)];
    let (Some(record), Some((name, known))) = (story.epoch(best.epoch), best.by.first()) else { return tiles };
    let at_end = story.best_epoch();
    let kind = if record.val.is_empty() && at_end.is_some() { "Training" } else { "Validation" };
    tiles.push(tile(&format!("{kind} {}", called(story, name)), &number(*known), &beside(story, record, name)));
    if let Some(record) = at_end {
        let firsts = headlines(story).into_iter().filter(|_| !record.scores.is_empty());
        tiles.extend(firsts.take(MOST_SCORES).map(|spec| {
            tile(&spec.title(), &number(value(&record.scores, &spec.name)), &beside(story, record, &spec.name))
        }));
    }
    tiles
}

/// The score that decides which weights are best, unless that is the loss or a part of it.
pub(super) fn decides(story: &Story) -> Option<&ScoreSpec> {
    let (name, _) = story.best.as_ref()?.by.first()?;
    story.scores.iter().find(|spec| spec.name == *name)
}

/// The scores that matter most, one of each family, without that which decides: first how far the model is ahead of a
/// baseline.
pub(super) fn headlines(story: &Story) -> Vec<&ScoreSpec> {
    let decides = story.best.as_ref().and_then(|best| best.by.first()).map_or("", |(name, _)| name.as_str());
    let is_measured = story.epochs.iter().any(|record| !record.scores.is_empty());
    let firsts = story.scores.iter().filter(|spec| is_measured && spec.show == Show::First && spec.baseline.is_none());
    let (ahead, others): (Vec<_>, Vec<_>) =
        firsts.filter(|spec| spec.name != decides).partition(|spec| spec.ahead.is_some());
    let families = families(ahead.into_iter().chain(others));
    families.into_iter().map(|(_, members)| members[(members.len() - 1) / 2]).collect()
}

/// The value of the baseline, for the line below a figure.
fn beside(story: &Story, record: &Record, name: &str) -> String {
    let told = story.baseline_of(name).and_then(|spec| {
        let value = value(&record.scores, &spec.name)?;
        Some(format!("{} {}", spec.baseline.as_ref()?.forecast, number(Some(value))))
    });
    told.unwrap_or_default()
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
        let note = format!("{} % waiting for data", number(Some(100.0 * wait)));
        tiles.push(tile("Speed", &format!("{}/s", number(Some(pace))), &note));
    }
    tiles
}
