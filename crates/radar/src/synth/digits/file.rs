//! One sequence as a netCDF file: all frames, with rows from the bottom, as everywhere in the program.

use std::borrow::Cow;

use super::VARIABLE;
use crate::lrose::container::{Attribute, Dimension, File, Values, Variable};
use crate::lrose::{Origin, Stored, packing, text, times};

const TIME: usize = 0;
const Y: usize = 2;
const X: usize = 3;

/// The file of frames at these times: levels from 0 to 255, frame by frame, rows from the top.
pub(super) fn file<'a>(seconds: &[f64], grid: usize, levels: &[u8], origin: &Origin) -> File<'a> {
    let dimension = |name: &'static str, length| Dimension { name: name.into(), length };
    let scans: Vec<[f64; 3]> = seconds.iter().map(|&time| [time; 3]).collect();
    let mut variables = times::variables(&scans, None);
    variables.push(axis("y0", Y, "Y", "rows from the bottom", grid));
    variables.push(axis("x0", X, "X", "columns from the left", grid));
    variables.push(field(grid, levels));
    File {
        dimensions: vec![
            dimension("time", seconds.len()),
            dimension("bounds", 2),
            dimension("y0", grid),
            dimension("x0", grid),
        ],
        attributes: origin.attributes(),
        variables,
    }
}

/// Cells are counted: a square on a screen has no kilometres.
fn axis(name: &'static str, dimension: usize, letter: &str, long_name: &str, grid: usize) -> Variable<'static> {
    let attributes: Vec<Attribute> = vec![text("long_name", long_name), text("units", "1"), text("axis", letter)];
    let values = (0..grid).map(|cell| cell as f32).collect::<Vec<_>>();
    Variable { name: name.into(), dimensions: vec![dimension], attributes, values: Values::Float(values.into()) }
}

fn field<'a>(grid: usize, levels: &[u8]) -> Variable<'a> {
    let stored = Stored::over(0.0, 1.0);
    let number: [i8; 256] = std::array::from_fn(|level| stored.packed(level as f32 / 255.0));
    let frames = levels.chunks_exact(grid * grid);
    let rows = frames.flat_map(|frame| frame.chunks_exact(grid).rev());
    let numbers: Vec<i8> = rows.flatten().map(|&level| number[usize::from(level)]).collect();
    let mut attributes = packing(stored, &numbers);
    attributes.extend([text("long_name", "brightness"), text("units", "1")]);
    let values = Values::Byte(Cow::Owned(numbers));
    Variable { name: VARIABLE.into(), dimensions: vec![TIME, Y, X], attributes, values }
}
