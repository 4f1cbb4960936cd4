//! A forecast becomes files: in netCDF for TITAN's tools, and as pictures for people. Each appears complete or not at all;
//! the same forecast made again replaces the old one.

use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::cells::column_maximum;
use super::output::Forecast;
use super::report::Written;
use super::{PredictError, Setting};
use crate::report::radar::forecast::ahead::{Ahead, gif, png};
use crate::report::radar::frame::{Labels, RadarFrame};
use crate::task::Layout;
use crate::task::nowcast::lrose::container::classic_bytes;
use crate::task::nowcast::lrose::forecast::Forecast as Volumes;
use crate::task::nowcast::volume::Axis;
use crate::util::fs::{create_dir_all, partial_name, remove_tree, rename, sync_parent, write_atomic};

/// Forecasts must not be among the radar files that they are made from.
///
/// # Errors
/// If the output is the input or inside it.
pub fn check_output(input: &Path, output: &Path) -> Result<(), PredictError> {
    let inner = resolved(output);
    if inner.starts_with(resolved(input)) {
        return Err(PredictError::OutputInInput { output: output.to_owned(), input: input.to_owned() });
    }
    Ok(())
}

/// The canonical path, also of something that does not exist yet.
fn resolved(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let existing = whole.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    let Some((above, real)) = existing else { return whole };
    let mut resolved = real;
    for part in whole.strip_prefix(above).unwrap_or(Path::new("")).components() {
        match part {
            Component::ParentDir => {
                resolved.pop();
            }
            part => resolved.push(part),
        }
    }
    resolved
}

/// Writes a forecast below the output folder.
///
/// # Errors
/// If the disk refuses.
pub fn write(forecast: &Forecast, setting: &Setting<'_>) -> Result<Written, PredictError> {
    let folder = setting.output.join(&forecast.job.event);
    check_output(&forecast.job.folder, &folder)?;
    match setting.layout {
        Layout::PerLead => per_lead(forecast, &folder, setting.pictures),
        Layout::Single => single(forecast, &folder, setting.pictures),
    }
}

fn per_lead(forecast: &Forecast, event: &Path, pictures: bool) -> Result<Written, PredictError> {
    let from = forecast.job.from_seconds();
    let day = event.join(text(from, "%Y%m%d"));
    let place = day.join(text(from, "g_%H%M%S"));
    let partial = partial_name(&place);
    create_dir_all(&day)?;
    remove_tree(&partial)?;
    create_dir_all(&partial)?;
    for (&valid, numbers) in forecast.valid_seconds.iter().zip(&forecast.numbers) {
        let name = format!("f_{:08}.nc", (valid - from).round() as i64);
        write_atomic(&partial.join(name), &volumes(forecast, &[valid], numbers)?)?;
    }
    if pictures {
        let [sheet, film] = draw(forecast)?;
        write_atomic(&partial.join("forecast.png"), &sheet)?;
        write_atomic(&partial.join("forecast.gif"), &film)?;
    }
    into_place(&partial, &place)?;
    let pictures = pictures.then(|| [place.join("forecast.png"), place.join("forecast.gif")].to_vec());
    Ok(Written { place, files: forecast.numbers.len(), pictures: pictures.unwrap_or_default() })
}

/// Gives a complete folder its name, in place of an older one.
fn into_place(complete: &Path, place: &Path) -> Result<(), PredictError> {
    if !place.exists() {
        return Ok(rename(complete, place)?);
    }
    if renameat_with(CWD, complete, CWD, place, RenameFlags::EXCHANGE).is_ok() {
        sync_parent(place)?;
        return Ok(remove_tree(complete)?);
    }
    // This file system can't exchange two names: for a moment there is no forecast, but never a partial one.
    remove_tree(place)?;
    Ok(rename(complete, place)?)
}

fn single(forecast: &Forecast, event: &Path, pictures: bool) -> Result<Written, PredictError> {
    create_dir_all(event)?;
    let name = text(forecast.job.from_seconds(), "%Y%m%d_%H%M%S");
    let path = |ending: &str| event.join(format!("{name}.{ending}"));
    if pictures {
        let [sheet, film] = draw(forecast)?;
        write_atomic(&path("png"), &sheet)?;
        write_atomic(&path("gif"), &film)?;
    }
    write_atomic(&path("nc"), &volumes(forecast, &forecast.valid_seconds, &forecast.numbers.concat())?)?;
    let pictures = if pictures { vec![path("png"), path("gif")] } else { Vec::new() };
    Ok(Written { place: path("nc"), files: 1, pictures })
}

/// The bytes of a netCDF file.
fn volumes(forecast: &Forecast, valid_seconds: &[f64], numbers: &[i8]) -> Result<Vec<u8>, PredictError> {
    let volumes = Volumes {
        carried: &forecast.carried,
        from_seconds: forecast.job.from_seconds(),
        valid_seconds,
        interval_seconds: forecast.job.interval_seconds,
        numbers,
        stored: forecast.stored,
        is_column_maximum: forecast.is_column_maximum,
        origin: &forecast.origin,
    };
    let mut file = volumes.file();
    if let Some(motion) = &forecast.motion {
        motion.add_to(&mut file);
    }
    Ok(classic_bytes(&file)?)
}

/// A sheet and a film of the column maximum.
fn draw(forecast: &Forecast) -> Result<[Vec<u8>; 2], PredictError> {
    let [height, width] = [&forecast.grid.y, &forecast.grid.x].map(|axis| axis.values.len());
    let shown = |mut dbz: Vec<f32>| {
        if forecast.missing_is_no_echo {
            dbz.iter_mut().filter(|dbz| dbz.is_nan()).for_each(|dbz| *dbz = f32::NEG_INFINITY);
        }
        dbz
    };
    let ahead: Vec<Vec<f32>> =
        forecast.numbers.iter().map(|numbers| shown(composite(forecast, numbers, height * width))).collect();
    let seen: Vec<Vec<f32>> = forecast.composites.iter().cloned().map(shown).collect();
    let frame = |(dbz, &seconds): (_, &f64)| {
        let dbz: &Vec<f32> = dbz;
        RadarFrame { dbz, height, width, time_seconds: seconds.round() as i64 }
    };
    let seen_seconds: Vec<f64> = forecast.job.frames.iter().map(|frame| frame.seconds).collect();
    let seen: Vec<_> = seen.iter().zip(&seen_seconds).map(frame).collect();
    let ahead: Vec<_> = ahead.iter().zip(&forecast.valid_seconds).map(frame).collect();
    let labels = Labels {
        scale: &forecast.scale,
        title: &forecast.job.event,
        level: &level(forecast),
        km_per_cell: km_per_cell(&forecast.grid.x),
    };
    let pictures = Ahead { labels, seen: &seen, ahead: &ahead };
    Ok([png(&pictures)?, gif(&pictures)?])
}

fn composite(forecast: &Forecast, numbers: &[i8], cells: usize) -> Vec<f32> {
    let values: Vec<f32> = numbers.iter().map(|&number| forecast.stored.unpacked(number)).collect();
    column_maximum(&values, cells)
}

fn level(forecast: &Forecast) -> String {
    let z = &forecast.carried.z;
    match z.values[..] {
        [only] if !forecast.is_column_maximum && z.stated => format!("{only} {}", z.units),
        [_] if !forecast.is_column_maximum => String::new(),
        _ => "column maximum".to_owned(),
    }
}

fn km_per_cell(x: &Axis) -> Option<f32> {
    let unit = match x.units.as_str() {
        "km" => 1.0,
        "m" => 0.001,
        _ => return None,
    };
    let (first, last) = (x.values.first()?, x.values.last()?);
    let steps = x.values.len().checked_sub(1).filter(|&steps| steps > 0)?;
    Some(((last - first) / steps as f64 * unit) as f32)
}

/// A time as names of files have it.
fn text(seconds: f64, format: &str) -> String {
    Timestamp::from_second(seconds.round() as i64)
        .map_or_else(|_| format!("{seconds}"), |time| time.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forecasts_do_not_go_among_the_radar_files() {
        let folder = tempfile::tempdir().unwrap();
        let radar = folder.path().join("radar");
        std::fs::create_dir(&radar).unwrap();
        for inside in ["radar", "radar/out", "radar/2013/../out", "elsewhere/../radar/x"] {
            let refused = check_output(&radar, &folder.path().join(inside));
            assert!(matches!(refused, Err(PredictError::OutputInInput { .. })), "{inside}");
        }
        for outside in ["out", "radar2", "radar/../out", "."] {
            check_output(&radar, &folder.path().join(outside)).unwrap();
        }
    }

    #[test]
    fn a_new_folder_takes_the_place_of_an_older_one() {
        let folder = tempfile::tempdir().unwrap();
        let (new, place) = (folder.path().join(".g.partial"), folder.path().join("g"));
        for content in ["one", "two"] {
            std::fs::create_dir(&new).unwrap();
            std::fs::write(new.join(content), content).unwrap();
            into_place(&new, &place).unwrap();
        }
        let names: Vec<_> = std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!((names, new.exists()), (vec!["two".into()], false));
    }
}
