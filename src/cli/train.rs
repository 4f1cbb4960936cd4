//! `fragua train`: turns its flags into a call of the worker, and the outcome into text.

use std::fmt::Write as _;
use std::time::Duration;

use tracing::{info, warn};

use super::args::TrainArguments;
use super::question::Answer;
use super::{CommandError, Session, output, question};
use crate::config::{Config, Override};
use crate::data::split::Side;
use crate::metric::document::Metrics;
use crate::train::events::Reason;
use crate::train::events::words::counted_epochs;
use crate::util::exit::Exit;
use crate::util::stop::Stop;
use crate::util::surroundings::Surroundings;
use crate::util::units;
use crate::worker;
use crate::worker::evaluate::folder as folder_of;
use crate::worker::train::{Foreseen, Headline, Rehearsed, Summary, TrainOptions, Trained};

/// Runs the command.
pub fn run(arguments: &TrainArguments, config: &Config, session: &Session) -> Result<(), CommandError> {
    let around = Surroundings { stop: &session.stop, progress: session.progress.as_ref() };
    if arguments.dry_run {
        return rehearse(arguments, config, &around);
    }
    let agree = |text: &str| agree(arguments, text, &session.stop);
    let console = || session.console.observer();
    let options = TrainOptions {
        no_resume: arguments.no_resume,
        allow_change: arguments.allow_change.clone(),
        notes: arguments.notes.clone(),
        agree: &agree,
        console: &console,
    };
    let summary = match worker::train::train(config, &options, &around)? {
        Trained::Now(summary) => summary,
        Trained::Before { summary, ended } => {
            if !arguments.json {
                info!("{}", finished_text(ended, config));
            }
            summary
        }
    };
    let printed = match arguments.json {
        true => output::json(&summary),
        false => output::text(&summary_text(&summary)),
    };
    // The product is the run folder, and it is complete.
    if let Err(error) = printed {
        warn!("the result is in {}, but could not be printed: {error}", summary.folder.display());
    }
    // A caller that gives the machine back after exit code 0 must not lose data that exists only there.
    match summary.mirror {
        Some(copied) if !copied.complete => Err(CommandError::Told(Exit::TryAgain)),
        _ => Ok(()),
    }
}

fn rehearse(arguments: &TrainArguments, config: &Config, around: &Surroundings<'_>) -> Result<(), CommandError> {
    let foreseen = worker::train::rehearse(config, around)?;
    match arguments.json {
        true => Ok(output::json(&foreseen)?),
        false => Ok(output::text(&foreseen_text(&foreseen))?),
    }
}

/// The flags that set a key of the configuration.
#[must_use]
pub fn overrides(arguments: &TrainArguments) -> Vec<Override> {
    let TrainArguments { epochs, max_steps, max_time, device, max_retries, patience, name, output, .. } = arguments;
    let text = |value: &dyn ToString| value.to_string();
    // A name is always text, even if it looks like a number.
    let quoted = |value: String| serde_json::Value::String(value).to_string();
    let flags = [
        ("--epochs", "train.epochs", epochs.as_ref().map(|value| text(value))),
        ("--max-steps", "train.max_steps", max_steps.as_ref().map(|value| text(value))),
        ("--max-time", "train.max_minutes", max_time.map(|time| text(&(time.as_secs_f64() / 60.0)))),
        ("--device", "device", device.clone().map(quoted)),
        ("--max-retries", "train.max_retries", max_retries.as_ref().map(|value| text(value))),
        ("--patience", "train.patience", patience.as_ref().map(|value| text(value))),
        ("--name", "name", name.clone().map(quoted)),
        ("--output", "output.root", output.as_ref().map(|path| quoted(path.display().to_string()))),
        (
            "--overfit-single-batch",
            "train.overfit_single_batch",
            arguments.overfit_single_batch.then(|| "true".to_owned()),
        ),
    ];
    let given = |(flag, path, value): (&str, &str, Option<String>)| Some(Override::flag(flag, path, &value?));
    flags.into_iter().filter_map(given).collect()
}

/// A time as people write it: 2h, 90m, 1h30m, 45s.
pub fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("expected a time above 0 such as 2h, 90m or 1h30m, got {text:?}");
    let time: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(time).ok().filter(|time| !time.is_zero()).ok_or_else(wrong)
}

/// Reports what training will take; on a terminal the user decides. No answer means yes: a user who has left a rented
/// machine wants it to train.
fn agree(arguments: &TrainArguments, text: &str, stop: &Stop) -> bool {
    info!("{text}");
    if arguments.yes || !question::can_be_asked() {
        return true;
    }
    let longest = arguments.answer_within;
    let within = units::duration(longest);
    match question::ask(&format!("Start training? [y/N] (starts without an answer after {within})"), longest, stop) {
        Answer::Yes => true,
        Answer::No => false,
        Answer::None => {
            info!("no answer within {within}: starting, as with --yes");
            true
        }
    }
}

/// Why a finished run does not continue, and how to continue it.
fn finished_text(ended: Option<Reason>, config: &Config) -> String {
    let (why, flag, key) = match ended {
        Some(Reason::Patience) => (": validation no longer improved", "--epochs", "epochs"),
        Some(Reason::Steps) => (": all steps are done", "--max-steps", "max_steps"),
        Some(Reason::Epochs) => (": all epochs are done", "--epochs", "epochs"),
        Some(Reason::Time | Reason::Stopped) | None => ("", "--epochs", "epochs"),
    };
    let last = config.train.phases.len().saturating_sub(1);
    // A phase that sets the value itself ignores the flag.
    let more = match config.train.phases.last() {
        Some(phase) if phase.train.contains_key(key) => {
            format!("a larger train.phases.{last}.train.{key} with --allow-change train.phases")
        }
        _ => format!("{flag} with a larger number"),
    };
    format!("this run is finished{why}; {more} continues it, --no-resume starts a new one")
}

/// The result, its files, and the next commands.
fn summary_text(summary: &Summary) -> String {
    let folder = summary.folder.display();
    let mut text = format!("{folder}\n");
    let epochs = counted_epochs(summary.epochs, summary.epoch_share);
    let done = format!("{epochs} and {}", units::count(summary.steps, "step"));
    let why = match summary.reason {
        Reason::Epochs | Reason::Steps => "trained",
        Reason::Patience => "stopped early because validation no longer improved, after",
        Reason::Time => "trained until the time was up; the same command resumes:",
        Reason::Stopped => "stopped after",
    };
    text += &format!("{why} {done}\n");
    if let Some(best) = summary.best_epoch {
        let values = shown(summary);
        let cut = if best > summary.epochs { ", which is not complete" } else { "" };
        text += &format!("best epoch {best}{cut}:\n{values}");
    }
    for side in [Side::Val, Side::Test] {
        if let Ok(metrics) = Metrics::read(&folder_of(&summary.folder, side).join("metrics.json"))
            && let Some(metric) = metrics.primary()
        {
            let number = |value: Option<f64>| value.map_or_else(|| "n/a".to_owned(), |value| units::decimals(value, 4));
            text += &format!("{} side: {} {}", side.title(), metric.spec.title(), number(metric.value));
            let baselines = metric.baselines.iter().map(|(name, value)| format!(", {name} {}", number(*value)));
            text += &(baselines.collect::<String>() + "\n");
        }
    }
    for (what, place) in [
        ("weights", "weights/best.safetensors"),
        ("curves", "plots/loss.png"),
        ("forecasts", "forecasts/"),
        ("numbers", "results.csv"),
        ("scores", "evaluation/metrics.json"),
        ("report", "report.html"),
    ] {
        if summary.folder.join(place).exists() {
            // Writing to a string does not fail.
            writeln!(text, "{what:>9}  {folder}/{place}").unwrap_or_default();
        }
    }
    if let Some(copied) = &summary.mirror {
        let state = if copied.complete { "complete" } else { "INCOMPLETE: the same command copies the rest" };
        text += &format!("   mirror  {}, {state}\n", copied.mirror);
    }
    // Without validation samples there is nothing to evaluate on.
    let evaluate = if is_validated(summary) { "fragua evaluate, " } else { "" };
    text += &format!("     next  {evaluate}tensorboard --logdir {folder}/tensorboard{}\n", more(summary.reason));
    text
}

fn is_validated(summary: &Summary) -> bool {
    [&summary.best, &summary.last].into_iter().flat_map(|values| values.keys()).any(|name| name.starts_with("val."))
}

/// What to add to the same command to train longer.
fn more(reason: Reason) -> &'static str {
    match reason {
        Reason::Epochs | Reason::Patience => ", or the same command with more --epochs",
        Reason::Steps => ", or the same command with more --max-steps",
        Reason::Time | Reason::Stopped => "",
    }
}

/// The loss and the scores of the best epoch, with their baselines.
fn shown(summary: &Summary) -> String {
    let line = |shown: &Headline| {
        let baselines =
            shown.baselines.iter().map(|(forecast, value)| format!("  {forecast} {}", units::decimals(*value, 4)));
        format!("{:>10} {:>9}{}\n", shown.name, units::decimals(shown.value, 4), baselines.collect::<String>())
    };
    if summary.headlines.is_empty() {
        // For weights from the middle of an epoch, only their own numbers are known.
        return summary.best.iter().map(|(name, value)| format!("{name:>10} {value:9.4}\n")).collect();
    }
    summary.headlines.iter().map(line).collect()
}

/// The result of a dry run.
fn foreseen_text(found: &Foreseen) -> String {
    let mut rows = vec![
        ("device", found.device.clone()),
        ("precision", found.precision.to_owned()),
        ("model", units::count(found.parameters as u64, "parameter")),
        ("training", units::count(found.train_samples as u64, "sample")),
        ("validation", units::count(found.val_samples as u64, "sample")),
    ];
    if let Some(seen) = &found.rehearsed {
        rows.extend(rehearsed_rows(seen));
    }
    if found.too_large_for_device {
        rows.push(("note", "this model needs a GPU, and the device is a CPU".into()));
    }
    rows.iter().map(|(name, value)| format!("{name:>11}  {value}\n")).collect()
}

fn rehearsed_rows(seen: &Rehearsed) -> Vec<(&'static str, String)> {
    let time = |seconds: f64| units::duration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    let number = |value: &Option<f64>| value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.5}"));
    let parts: Vec<_> = seen.parts.iter().map(|(name, value)| format!("{name} {}", number(value))).collect();
    let memory = format!(
        "{} after a step, of which weights, gradients and optimizer {}",
        units::bytes(seen.memory_bytes),
        units::bytes(seen.state_bytes)
    );
    let mut rows = vec![
        ("at once", units::count(seen.micro_batch as u64, "sample")),
        ("first loss", parts.join("  ")),
        ("memory", memory),
        ("step", time(seen.step_seconds)),
        ("epoch", format!("{} with validation", time(seen.epoch_seconds))),
        ("all epochs", format!("{}, if nothing ends training early", time(seen.total_seconds))),
    ];
    if !seen.without_gradient.is_empty() {
        rows.push(("note", format!("no gradient reaches {} in the first step", seen.without_gradient.join(", "))));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::resolve;

    #[test]
    fn a_finished_run_names_what_continues_it() {
        let told = |ended, train: &str| {
            let text = format!("{}train: {train}\n", crate::task::testing::SMALLEST);
            let config = resolve("config.yaml".into(), text, &[], &[]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
            finished_text(ended, &config)
        };
        for (ended, flag) in [
            (Some(Reason::Epochs), "--epochs"),
            (Some(Reason::Patience), "--epochs"),
            (Some(Reason::Steps), "--max-steps"),
            (None, "--epochs"),
        ] {
            let text = told(ended, "{}");
            assert!(text.starts_with("this run is finished"), "{text}");
            assert!(
                text.ends_with(&format!("; {flag} with a larger number continues it, --no-resume starts a new one")),
                "{text}"
            );
        }
        let text = told(Some(Reason::Epochs), "{phases: [{train: {}}, {train: {epochs: 3}}]}");
        assert!(text.contains("a larger train.phases.1.train.epochs with --allow-change train.phases"), "{text}");
    }

    #[test]
    fn a_run_without_validation_is_not_sent_to_evaluate() {
        let summary = |name: &str| Summary {
            folder: "model_output/storms".into(),
            reason: Reason::Epochs,
            epochs: 2,
            epoch_share: 0.0,
            steps: 4,
            best_epoch: Some(2),
            best_step: Some(4),
            best: [(name.to_owned(), 0.5), ("epoch".to_owned(), 2.0)].into(),
            headlines: vec![Headline { name: name.into(), value: 0.5, baselines: Vec::new() }],
            last: [(name.to_owned(), 0.5)].into(),
            mirror: None,
        };
        let text = summary_text(&summary("train.loss"));
        assert!(text.contains("train.loss    0.5000\n") && text.contains("next  tensorboard --logdir "), "{text}");
        assert!(summary_text(&summary("val.loss")).contains("next  fragua evaluate, tensorboard "));
    }

    #[test]
    fn a_time_is_understood_as_people_write_it() {
        let minutes = |text: &str| time(text).map(|time| time.as_secs_f64() / 60.0);
        for (text, expected) in [("2h", 120.0), ("90m", 90.0), ("1h30m", 90.0), ("45s", 0.75), ("1.5h", 90.0)] {
            assert_eq!(minutes(text), Ok(expected), "{text}");
        }
        for text in ["", "2", "-1h", "0s", "soon"] {
            assert!(minutes(text).is_err(), "{text}");
        }
    }
}
