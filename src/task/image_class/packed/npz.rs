//! Arrays of NumPy in zip archives: `x_train`, `y_train`, `x_test`, `y_test`, or `images`, `labels`, or one array in each file.
//! Then the names of the files say what they hold (`kmnist-train-imgs.npz`, `kmnist-train-labels.npz`).

use std::path::Path;

use super::pair::{Role, one_dataset, own, role, side};
use super::read::Source;
use super::{Labels, MOST_BYTES, Table, Unusable};
use crate::data::numpy::{self, Array, Numbers};
use crate::data::prepare::work::read_at_most;
use crate::data::split::Side;
use crate::data::unpack::{Limits, unpack};
use crate::util::progress::Silent;
use crate::util::sha256::Digest;

/// Weights of red, green and blue in a gray level (ITU-R BT.709), as for image files.
const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// An array, and what its names say.
struct Named {
    file: String,
    name: String,
    role: Role,
    side: Option<Side>,
    array: Array,
}

/// One table for each side.
pub(super) fn tables(paths: &[&str], source: &mut Source<'_>) -> Result<Vec<Table>, Unusable> {
    one_dataset(paths)?;
    let mut arrays = Vec::new();
    for file in paths {
        arrays.extend(arrays_of(file, source)?);
    }
    let mut tables = Vec::new();
    while let Some(place) = arrays.iter().position(|named| named.role == Role::Images) {
        let images = arrays.remove(place);
        let same = |named: &Named| named.role == Role::Labels && named.side == images.side;
        let here = arrays.iter().position(|named| same(named) && named.file == images.file);
        let missing = || Unusable::new(&images.file, format!("has no labels for the images {:?}", images.name));
        let labels = arrays.remove(here.or_else(|| arrays.iter().position(same)).ok_or_else(missing)?);
        tables.push(table(images, labels)?);
    }
    if tables.is_empty() {
        let reason = "has no array of images; expected x_train and y_train, images and labels, or such names of files";
        return Err(Unusable::new(paths[0], reason));
    }
    Ok(tables)
}

fn arrays_of(file: &str, source: &mut Source<'_>) -> Result<Vec<Named>, Unusable> {
    let refuse = |reason: String| Unusable::new(file, reason);
    let path = source.root.join(file);
    let sha256 = Digest::of_file(&path).map_err(|error| refuse(format!("can't be read: {error}")))?;
    source.remember(file, sha256)?;
    // Never committed: what was unpacked is removed when this returns.
    let unpacked = unpack(&path, &source.place.join("npz"), &Limits::default(), source.stop, &Silent)
        .map_err(|error| refuse(format!("can't be unpacked: {error}")))?;
    let entries: Vec<String> = unpacked.manifest.files.iter().map(|entry| entry.path.clone()).collect();
    let mut found = Vec::new();
    for entry in entries.iter().filter(|entry| entry.ends_with(".npy")) {
        let name = entry.trim_end_matches(".npy");
        // The only array of a file may be called `arr_0`.
        let Some(role) = role(name).or_else(|| role(own(file)).filter(|_| entries.len() == 1)) else { continue };
        let array = array(&unpacked.folder().join(entry)).map_err(|reason| refuse(format!("{name:?} {reason}")))?;
        let side = side(name).or_else(|| side(own(file)));
        found.push(Named { file: file.to_owned(), name: name.to_owned(), role, side, array });
    }
    Ok(found)
}

fn array(path: &Path) -> Result<Array, String> {
    numpy::read(&read_at_most(path, MOST_BYTES).map_err(|error| format!("can't be read: {error}"))?)
}

fn table(images: Named, labels: Named) -> Result<Table, Unusable> {
    let refuse = |named: &Named, reason: String| Unusable::new(&named.file, format!("{:?} {reason}", named.name));
    let labels_of = match labels.array.numbers {
        Numbers::Bytes(bytes) => bytes.into_iter().map(i64::from).collect(),
        Numbers::Whole(numbers) => numbers,
        Numbers::Real(_) | Numbers::Text(_) => {
            return Err(Unusable::new(&labels.file, format!("{:?} has no whole numbers", labels.name)));
        }
    };
    let is_column = matches!(labels.array.shape.as_slice(), [_] | [_, 1]);
    let count = images.array.shape.first().copied().unwrap_or(0);
    if !is_column || labels_of.len() != count {
        let reason = format!("has the shape {:?}, expected one label for each of {count} images", labels.array.shape);
        return Err(Unusable::new(&labels.file, format!("{:?} {reason}", labels.name)));
    }
    let Some((shape, colors)) = shape(&images.array.shape) else {
        let reason = format!("has the shape {:?}, expected images x rows x columns", images.array.shape);
        return Err(refuse(&images, reason));
    };
    let (file, side) = (images.file.clone(), images.side);
    let levels = levels(images.array.numbers).map_err(|reason| Unusable::new(&file, reason))?;
    let levels = if colors == 3 { gray(&levels) } else { levels };
    Ok(Table { file, side, shape, levels, labels: Labels::Numbers(labels_of), lines: None, bad: Vec::new() })
}

/// Rows, columns and colors of an image.
fn shape(shape: &[usize]) -> Option<([usize; 2], usize)> {
    match *shape {
        [count, rows, columns, 3] if count * rows * columns > 0 => Some(([rows, columns], 3)),
        [count, rows, columns] | [count, rows, columns, 1] | [count, 1, rows, columns]
            if count * rows * columns > 0 =>
        {
            Some(([rows, columns], 1))
        }
        [count, pixels] if count > 0 && pixels > 0 && pixels.isqrt().pow(2) == pixels => Some(([pixels.isqrt(); 2], 1)),
        _ => None,
    }
}

fn levels(numbers: Numbers) -> Result<Vec<u8>, String> {
    match numbers {
        Numbers::Bytes(levels) => Ok(levels),
        Numbers::Whole(numbers) => {
            let level =
                |number: i64| u8::try_from(number).map_err(|_| format!("has the level {number}, expected 0 to 255"));
            numbers.into_iter().map(level).collect()
        }
        Numbers::Real(numbers) => {
            let most = numbers.iter().copied().fold(0.0, f32::max);
            let scale = if most <= 1.0 { 255.0 } else { 1.0 };
            let level = |number: f32| {
                let level = (number * scale).round();
                let is_level = (0.0..=255.0).contains(&level);
                is_level
                    .then_some(level as u8)
                    .ok_or_else(|| format!("has the level {number}, expected 0 to 1 or 0 to 255"))
            };
            numbers.into_iter().map(level).collect()
        }
        Numbers::Text(_) => Err("has texts, expected levels from 0 to 255".to_owned()),
    }
}

fn gray(levels: &[u8]) -> Vec<u8> {
    let level = |color: &[u8; 3]| color.iter().zip(LUMA).map(|(level, weight)| weight * f32::from(*level)).sum::<f32>();
    levels.as_chunks().0.iter().map(|color| level(color).round() as u8).collect()
}
