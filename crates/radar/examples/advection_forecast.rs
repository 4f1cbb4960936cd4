//! Extrapolates the newest radar volumes of a folder along their motion and writes the forecast as netCDF, in the layout of
//! LROSE's Mdv2NetCDF with one time per lead:
//!
//! ```text
//! cargo run -p fragua-radar --example advection_forecast -- FOLDER FORECAST.nc [LEADS]
//! ```
//!
//! Leads are as far apart as the last two volumes; there are 12 by default. Each level moves independently.

use std::error::Error;
use std::ffi::OsString;
use std::path::Path;

use fragua_radar::advection::{self, Times};
use fragua_radar::lrose::Stored;
use fragua_radar::lrose::container;
use fragua_radar::lrose::forecast::{Carried, Forecast};
use fragua_radar::lrose::{Origin, packed};
use fragua_radar::volume::{Frame, RawVolume, VolumeFile, frames_in};

const VARIABLE: &str = "DBZ";
/// The motion is found from this many frames.
const INPUT_FRAMES: usize = 3;
const LEADS: usize = 12;
/// What a cell without echo counts as while motion is sought.
const NO_ECHO_DBZ: f32 = -30.0;

fn main() -> Result<(), Box<dyn Error>> {
    run(&std::env::args_os().skip(1).collect::<Vec<_>>())
}

/// Runs the example with the words of its command line.
pub fn run(arguments: &[OsString]) -> Result<(), Box<dyn Error>> {
    match arguments {
        [folder, file] => forecast(folder.as_ref(), file.as_ref(), LEADS),
        [folder, file, leads] => {
            let leads = leads.to_str().and_then(|leads| leads.parse().ok()).ok_or("LEADS is a number")?;
            forecast(folder.as_ref(), file.as_ref(), leads)
        }
        _ => Err("usage: advection_forecast FOLDER FORECAST.nc [LEADS]".into()),
    }
}

fn forecast(folder: &Path, file: &Path, leads: usize) -> Result<(), Box<dyn Error>> {
    let frames = frames_in(folder, VARIABLE)?;
    let newest = &frames[frames.len().saturating_sub(INPUT_FRAMES)..];
    let [.., before, last] = newest else {
        return Err(format!("{} has {} frames; motion needs 2 or more", folder.display(), frames.len()).into());
    };
    let interval_seconds = last.seconds - before.seconds;
    let valid_seconds: Vec<f64> = (1..=leads).map(|lead| last.seconds + lead as f64 * interval_seconds).collect();
    let volume = VolumeFile::open(&last.path, VARIABLE)?;
    let dbz = extrapolated(newest, &volume, &valid_seconds)?;
    let carried = Carried::of(&volume);
    let origin = origin(folder);
    let forecast = Forecast {
        carried: &carried,
        from_seconds: last.seconds,
        valid_seconds: &valid_seconds,
        interval_seconds,
        numbers: &dbz,
        stored: Stored::DBZ,
        is_column_maximum: false,
        origin: &origin,
    };
    Ok(container::write(&forecast.file(), file)?)
}

/// Stored reflectivity in the order time, level, row, column.
fn extrapolated(newest: &[Frame], like: &VolumeFile, valid_seconds: &[f64]) -> Result<Vec<i8>, Box<dyn Error>> {
    let [levels, rows, columns] = like.grid().shape();
    let inputs = newest.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if let Some((frame, _)) = newest.iter().zip(&inputs).find(|(_, dbz)| dbz.len() != levels * rows * columns) {
        return Err(format!("{} has another grid than {}", frame.path.display(), like.path().display()).into());
    }
    let last_seconds = newest[newest.len() - 1].seconds;
    let minutes = |seconds: f64| (seconds - last_seconds) / 60.0;
    let input_minutes: Vec<f64> = newest.iter().map(|frame| minutes(frame.seconds)).collect();
    let lead_minutes: Vec<f64> = valid_seconds.iter().map(|&seconds| minutes(seconds)).collect();
    let times = Times { input_minutes: &input_minutes, lead_minutes: &lead_minutes };
    let cells = rows * columns;
    let by_level = (0..levels).map(|level| {
        let level: Vec<&[f32]> = inputs.iter().map(|dbz| &dbz[level * cells..][..cells]).collect();
        advection::forecast(&level, rows, columns, &times, NO_ECHO_DBZ)
    });
    let by_level: Vec<Vec<f32>> = by_level.collect();
    let planes =
        (0..valid_seconds.len()).flat_map(|lead| by_level.iter().map(move |plane| &plane[lead * cells..][..cells]));
    Ok(planes.flatten().map(|&dbz| packed(dbz)).collect())
}

/// All levels of a frame in dBZ; a missing cell is NaN.
fn read(frame: &Frame) -> Result<Vec<f32>, Box<dyn Error>> {
    let volume = VolumeFile::open(&frame.path, VARIABLE)?;
    let mut raw = RawVolume::new();
    volume.read(frame.in_file, &mut raw)?;
    Ok(volume.packing().physical(&raw.values))
}

fn origin(folder: &Path) -> Origin {
    Origin {
        title: "advection forecast".into(),
        institution: String::new(),
        source: "extrapolation of radar volumes along their motion".into(),
        history: format!("made from {}", folder.display()),
        references: "Germann and Zawadzki (2002), Mon. Wea. Rev. 130, 2859-2873".into(),
        comment: String::new(),
    }
}
