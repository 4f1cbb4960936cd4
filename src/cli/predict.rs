//! `fragua predict`: turns its flags into a call of the worker, and the outcome into text.

use std::io::ErrorKind;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::commands::refuse_unknown;
use super::modelled::Modelled;
use super::{CommandError, Session, apart, output};
use crate::task::{Layout, PredictOptions};
use crate::util::surroundings::Surroundings;
use crate::worker::WorkError;
use crate::worker::predict::predict;

/// `fragua predict`.
#[derive(Debug, Args)]
pub struct PredictArguments {
    /// Which model.
    #[command(flatten)]
    pub modelled: Modelled,
    /// The folder with the files to predict from: for radar its files, or a folder of them for each event; for images at any
    /// depth, or an idx, npz or csv dataset, with scores if folders or labels name classes; for sequences a dataset or files at
    /// any depth. Also a single image, or a single file of sequences
    #[arg(long, value_name = "DIR|FILE")]
    pub input: PathBuf,
    /// The folder for the predictions. Earlier forecasts of the same event and time, or predictions.csv and predictions.json,
    /// are replaced; other files stay
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
    /// Radar: forecast from the newest frame at or before this time, in UTC, such as 2013-01-05T18:30:00Z; may be repeated
    /// [default: the end of each event]
    #[arg(long = "time", value_name = "TIME", value_parser = time)]
    pub times: Vec<Timestamp>,
    /// Radar: per-lead (a file for each lead time, EVENT/YYYYMMDD/g_HHMMSS/f_SECONDS.nc, as TITAN's tools read them) or single
    /// (one file, EVENT/YYYYMMDD_HHMMSS.nc)
    /// [default: per-lead]
    #[arg(long, value_enum, hide_possible_values = true)]
    pub layout: Option<LayoutName>,
    /// Images and sequences: list so many of the most probable classes [default: 5]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub top: Option<u32>,
    /// Images: average the probabilities of this many copies, each shifted by at most one pixel: 1 or 5 [default: 1]
    #[arg(long, value_name = "N", value_parser = copies)]
    pub tta: Option<usize>,
    /// Sequences: predict for windows of so many frames, one after another, instead of whole sequences
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u32).range(1..))]
    pub window: Option<u32>,
    /// Sequences: frames from the start of one window to that of the next [default: a quarter of the window]
    #[arg(long, value_name = "FRAMES", requires = "window", value_parser = clap::value_parser!(u32).range(1..))]
    pub hop: Option<u32>,
    /// Sequences: write embeddings.npz too, the numbers that describe each sequence
    #[arg(long)]
    pub embeddings: bool,
    /// Draw no pictures
    #[arg(long)]
    pub no_pictures: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// How a forecast becomes netCDF files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LayoutName {
    /// One file for each lead time.
    PerLead,
    /// One file with all lead times.
    Single,
}

impl From<LayoutName> for Layout {
    fn from(name: LayoutName) -> Self {
        match name {
            LayoutName::PerLead => Self::PerLead,
            LayoutName::Single => Self::Single,
        }
    }
}

/// Runs the command.
pub(super) fn run(arguments: &PredictArguments, session: &Session) -> Result<(), CommandError> {
    let input = arguments.input.metadata();
    if input.is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)) {
        let text = format!(
            "--input {} does not exist; a relative path starts at the folder you are in",
            arguments.input.display()
        );
        return Err(CommandError::Usage(text));
    }
    let options = PredictOptions {
        input: arguments.input.clone(),
        output: arguments.output.clone(),
        times: arguments.times.clone(),
        layout: arguments.layout.map(Layout::from),
        pictures: !arguments.no_pictures,
        top: arguments.top.map(|top| top as usize),
        tta: arguments.tta,
        window: arguments.window.map(|window| windows(window, arguments.hop)),
        embeddings: arguments.embeddings,
    };
    let around = Surroundings { stop: &session.stop, progress: session.progress.as_ref() };
    apart::from_runs(&arguments.output)?;
    let model = arguments.modelled.find()?;
    refuse_unknown(&model.config.task, &options.wishes())?;
    let predicted = predict(&model, &options, &around)?;
    if arguments.json || !predicted.shown.text.is_empty() {
        output::shown(&predicted.shown, arguments.json)?;
    }
    match predicted.refused {
        Some(refused) => Err(WorkError::from(refused).into()),
        None => Ok(()),
    }
}

/// Frames of a window, and from the start of one to that of the next.
fn windows(frames: u32, hop: Option<u32>) -> [usize; 2] {
    [frames, hop.unwrap_or((frames / 4).max(1))].map(|frames| frames as usize)
}

/// A time with an offset from UTC; without one it is UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    let utc = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp());
    let wrong = || format!("expected a time such as 2013-01-05T18:30:00Z, got {text:?}");
    text.parse().ok().or_else(utc).ok_or_else(wrong)
}

/// Copies of an image: itself, or itself and its four neighbours.
fn copies(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|copies| [1, 5].contains(copies)).ok_or_else(|| format!("expected 1 or 5, got {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_unless_they_say_otherwise() {
        let seconds = |text| time(text).map(Timestamp::as_second);
        for text in ["2013-01-05T18:30:00Z", "2013-01-05 18:30", "2013-01-05T15:30:00-03:00"] {
            assert_eq!(seconds(text), Ok(1_357_410_600), "{text}");
        }
        assert!(time("yesterday").unwrap_err().contains("such as 2013-01-05T18:30:00Z"));
    }
}
