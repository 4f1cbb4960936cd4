//! `forecasts/`: what the best model so far predicts, as sheets and films, and the sheets of every epoch that was the best
//! when it ended. It turns pictures as plain arrays into files and predicts nothing itself.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use thiserror::Error;

use crate::report::PictureError;
use crate::report::radar::forecast::{Forecast, gif, png};
use crate::train::events::{Event, Heard, Observer};
use crate::train::run_folder::RunError;
use crate::train::task::{NamedValues, Picture};
use crate::util::exit::Exit;
use crate::util::fs::{create_dir_all, write_atomic};

/// Draws the forecasts of a run.
pub struct Forecasts {
    folder: PathBuf,
}

/// Why a forecast can't be drawn.
#[derive(Debug, Error)]
pub enum ForecastError {
    /// An array is not there.
    #[error("the picture {picture} has no array named {array}; it has {}", if .has.is_empty() { "none".into() } else { .has.join(", ") })]
    Missing {
        /// The picture.
        picture: String,
        /// The array.
        array: &'static str,
        /// The arrays that are there.
        has: Vec<String>,
    },
    /// An array has other dimensions.
    #[error("{array} of the picture {picture} has the shape {got:?}, expected {expected}")]
    Shape {
        /// The picture.
        picture: String,
        /// The array.
        array: &'static str,
        /// Its shape.
        got: Vec<usize>,
        /// What it should be, in words.
        expected: String,
    },
    /// The picture can't be made.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

impl ForecastError {
    /// The exit code: whoever makes a picture knows what belongs to it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::Bug
    }
}

impl Forecasts {
    /// Nothing is written before there is a forecast.
    #[must_use]
    pub fn new(run_folder: &Path) -> Self {
        Self { folder: run_folder.join("forecasts") }
    }

    /// All pictures, even where one can't be drawn.
    fn draw(&self, epoch: u64, pictures: &[Picture]) -> Result<(), RunError> {
        let kept = self.folder.join("epochs").join(format!("e{epoch:04}"));
        if !pictures.is_empty() {
            create_dir_all(&kept)?;
        }
        // A film takes longer than all else that an epoch ends with.
        let named = pictures.par_iter().zip(file_names(pictures));
        let results: Vec<_> = named.map(|(picture, name)| self.draw_one(epoch, picture, &name, &kept)).collect();
        results.into_iter().collect()
    }

    fn draw_one(&self, epoch: u64, picture: &Picture, name: &str, kept: &Path) -> Result<(), RunError> {
        let path = |folder: &Path, ending| folder.join(format!("{name}.{ending}"));
        let title = format!("{}, epoch {epoch}", picture.name);
        let files = forecast(picture, &title).and_then(|forecast| Ok((png(&forecast)?, gif(&forecast)?)));
        let (sheet, film) = files.map_err(|error| RunError::Picture {
            path: path(&self.folder, "png"),
            exit: error.exit(),
            source: error.into(),
        })?;
        write_atomic(&path(kept, "png"), &sheet)?;
        write_atomic(&path(&self.folder, "png"), &sheet)?;
        Ok(write_atomic(&path(&self.folder, "gif"), &film)?)
    }
}

impl Observer for Forecasts {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        match event {
            // People count epochs from 1, as the history does.
            Event::Pictures { epoch, pictures } => self.draw(epoch + 1, pictures).map(|()| Heard::Wrote),
            _ => Ok(Heard::Ignored),
        }
    }
}

/// What a picture shows, in the words of the report.
fn forecast<'a>(picture: &'a Picture, title: &'a str) -> Result<Forecast<'a>, ForecastError> {
    let [seen, observed, predicted] = ["seen", "observed", "predicted"].map(|name| array(picture, name));
    let [seen_minutes, lead_minutes] = ["seen_minutes", "lead_minutes"].map(|name| array(picture, name));
    let (seen, observed, predicted) = (seen?, observed?, predicted?);
    let (seen_minutes, lead_minutes) = (seen_minutes?, lead_minutes?);
    let [_, height, width] = frames(picture, "observed", observed, lead_minutes, None)?;
    frames(picture, "seen", seen, seen_minutes, Some([height, width]))?;
    frames(picture, "predicted", predicted, lead_minutes, Some([height, width]))?;
    Ok(Forecast {
        title,
        height,
        width,
        seen: &seen.values,
        seen_minutes: &seen_minutes.values,
        observed: &observed.values,
        predicted: &predicted.values,
        lead_minutes: &lead_minutes.values,
    })
}

fn array<'a>(picture: &'a Picture, name: &'static str) -> Result<&'a NamedValues, ForecastError> {
    let missing = || ForecastError::Missing {
        picture: picture.name.clone(),
        array: name,
        has: picture.arrays.iter().map(|array| array.name.clone()).collect(),
    };
    picture.arrays.iter().find(|array| array.name == name).ok_or_else(missing)
}

/// The shape of an array that must have a frame for each of the times, and frames of the given size where one is given.
fn frames(
    picture: &Picture,
    name: &'static str,
    array: &NamedValues,
    times: &NamedValues,
    size: Option<[usize; 2]>,
) -> Result<[usize; 3], ForecastError> {
    match array.shape[..] {
        [count, height, width]
            if count == times.values.len()
                && size.is_none_or(|size| size == [height, width])
                && count * height * width == array.values.len() =>
        {
            Ok([count, height, width])
        }
        _ => Err(ForecastError::Shape {
            picture: picture.name.clone(),
            array: name,
            got: array.shape.clone(),
            expected: match size {
                Some([height, width]) => format!("[{}, {height}, {width}]", times.values.len()),
                None => format!("[{}, y, x], as there are so many {}", times.values.len(), times.name),
            },
        }),
    }
}

/// Longer names are cut: file systems allow 255 bytes, and endings and numbers need some.
const LONGEST_NAME: usize = 120;

/// A file name for each picture that every file system takes, each another one, whatever the case of its letters.
fn file_names(pictures: &[Picture]) -> Vec<String> {
    let mut taken = HashSet::new();
    let names = pictures.iter().map(|picture| {
        let name = file_name(&picture.name);
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut free = std::iter::once(name.clone()).chain(numbered).filter(|name| taken.insert(name.to_lowercase()));
        free.next().unwrap_or_default()
    });
    names.collect()
}

fn file_name(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '+');
    let name: String = name.chars().take(LONGEST_NAME).map(|letter| if plain(letter) { letter } else { '_' }).collect();
    match name.trim_start_matches('.') {
        "" => "forecast".into(),
        name => name.into(),
    }
}

#[cfg(test)]
mod tests;
