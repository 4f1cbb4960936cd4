//! One sample in a file of NumPy: an npz with an array for each stream, or an npy with a row of all numbers for each frame.

use std::path::Path;

use super::dictionary::MOST_BYTES_OF_SAMPLE;
use super::hints::Hints;
use super::packed::reals;
use super::{Frames, content, named, parts};
use crate::data::numpy::{self, Array, Arrays};

/// Reads an npz file.
pub(super) fn npz(path: &Path, hints: &Hints) -> Result<Frames, String> {
    let mut arrays = Arrays::open(path)?;
    let names: Vec<String> = arrays.names().map(str::to_owned).collect();
    let (mut frames, mut reasons) = (Frames::default(), Vec::new());
    for name in &names {
        let Some(array) = arrays.array(name)? else { continue };
        let Some(([count, width], array)) = rows(array) else { continue };
        let columns = match named::of_array(name, width, hints) {
            Ok(columns) => columns,
            // The only array of a file may be called `arr_0`, and have all numbers of a frame in a row.
            Err(_) if names.len() == 1 => named::of_row(width, hints)?,
            Err(reason) if named::is_wanted(name, hints) => return Err(reason),
            Err(reason) => {
                reasons.push(reason);
                continue;
            }
        };
        if !frames.parts.is_empty() && count != frames.count {
            return Err(format!("has {count} rows in {name:?}, expected {} as in the array before", frames.count));
        }
        frames.count = count;
        frames.parts.extend(named::parts(&reals(array.numbers, name)?, &columns).parts);
    }
    parts::sort(&mut frames.parts);
    if let Some(twins) = frames.parts.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(format!("has the part {} in two arrays; expected it once", twins[0].name));
    }
    match (frames.parts.is_empty(), reasons.into_iter().next()) {
        (true, Some(reason)) => Err(reason),
        (true, None) => Err("has no array of rows and columns, expected one for each stream".to_owned()),
        (false, _) if frames.count == 0 => Err("has no frames; expected at least one".to_owned()),
        (false, _) => Ok(frames),
    }
}

/// Reads an npy file.
pub(super) fn npy(path: &Path, hints: &Hints) -> Result<Frames, String> {
    let array = numpy::read(&content(path, MOST_BYTES_OF_SAMPLE)?)?;
    let shape = array.shape.clone();
    let Some(([count, width], array)) = rows(array) else {
        return Err(format!("has the shape {shape:?}, expected frames x numbers, or frames x points x values"));
    };
    let columns = named::of_row(width, hints)?;
    match count {
        0 => Err("has no frames; expected at least one".to_owned()),
        _ => Ok(named::parts(&reals(array.numbers, "the array")?, &columns)),
    }
}

/// Frames and the numbers of each: points and their values may be two dimensions.
fn rows(array: Array) -> Option<([usize; 2], Array)> {
    match *array.shape.as_slice() {
        [count, width] if width > 0 => Some(([count, width], array)),
        [count, points, values] if points * values > 0 => Some(([count, points * values], array)),
        _ => None,
    }
}
