//! A square of counts, one row for each true class, one column for each predicted one. The darker a cell, the larger its
//! share of its row.

use crate::report::PictureError;
use crate::report::canvas::{BLACK, Canvas, GREY, Rgb, WHITE};
use crate::report::text_width::{centred, shortened, text_width};

/// The side of the square without its names, about.
const SQUARE: usize = 760;

/// Cells are not smaller and not larger than this.
const CELLS: [usize; 2] = [7, 72];

/// From this size on a cell shows its count.
const COUNTED: usize = 26;

const TITLE: usize = 18;
const MARGIN: usize = 16;
const TEXT: usize = 13;

/// A matrix of counts as a PNG file. `count(truth, predicted)` gives each.
///
/// # Errors
/// If it can't be encoded.
pub fn png(title: &str, names: &[String], count: impl Fn(usize, usize) -> u64) -> Result<Vec<u8>, PictureError> {
    let classes = names.len().max(1);
    let cell = (SQUARE / classes).clamp(CELLS[0], CELLS[1]);
    // Every name that has room: names of small cells would run over each other.
    let every = TEXT.div_ceil(cell);
    let room = names.iter().map(|name| text_width(name, TEXT)).max().unwrap_or(0).min(140) + 10;
    let (left, top) = (MARGIN + TEXT + 8 + room, MARGIN + TITLE + 18 + room.max(TEXT + 6) + TEXT);
    let side = classes * cell;
    let width = (left + side + MARGIN).max(MARGIN + text_width(title, TITLE) + MARGIN);
    let mut canvas = Canvas::new(width, top + side + MARGIN);
    canvas.text(title, [MARGIN, MARGIN + TITLE / 2], TITLE, BLACK);
    centred(&mut canvas, "predicted", [left + side / 2, MARGIN + TITLE + 16], TEXT, GREY);
    canvas.text("true", [MARGIN, top + side / 2], TEXT, GREY);
    for (class, name) in names.iter().enumerate().filter(|(class, _)| class % every == 0) {
        let middle = class * cell + cell / 2;
        let name = shortened(name, room - 6, TEXT);
        let width = text_width(&name, TEXT);
        canvas.text(&name, [left - 6 - width, top + middle], TEXT, BLACK);
        if width <= every * cell {
            centred(&mut canvas, &name, [left + middle, top - 10], TEXT, BLACK);
        } else {
            upright(&mut canvas, &name, [left + middle, top - 6]);
        }
    }
    for truth in 0..names.len() {
        let support: u64 = (0..names.len()).map(|predicted| count(truth, predicted)).sum();
        for predicted in 0..names.len() {
            let (hits, at) = (count(truth, predicted), [left + predicted * cell, top + truth * cell]);
            let share = if support > 0 { hits as f64 / support as f64 } else { 0.0 };
            canvas.fill(
                at,
                [cell - usize::from(cell > 8), cell - usize::from(cell > 8)],
                colour(share, truth == predicted),
            );
            if hits > 0 && cell >= COUNTED {
                let ink = if share > 0.55 { WHITE } else { BLACK };
                centred(&mut canvas, &hits.to_string(), [at[0] + cell / 2, at[1] + cell / 2], TEXT, ink);
            }
        }
    }
    canvas.frame([left, top], [side, side], GREY);
    Ok(canvas.png()?)
}

/// Right choices in blue, wrong ones in red; a wrong one is seen from a share of a few per cent on.
fn colour(share: f64, is_right: bool) -> Rgb {
    let (full, strength): ([f64; 3], f64) =
        if is_right { ([24.0, 90.0, 157.0], share) } else { ([178.0, 34.0, 34.0], share.sqrt()) };
    let paper = [246.0, 247.0, 249.0];
    [0, 1, 2].map(|part: usize| (paper[part] + (full[part] - paper[part]) * strength).round() as u8)
}

/// Text that reads upwards from its lower end, its middle on a column.
fn upright(canvas: &mut Canvas, text: &str, [x, bottom]: [usize; 2]) {
    let (length, height) = (text_width(text, TEXT), TEXT + 4);
    let mut line = Canvas::new(length, height);
    line.text(text, [0, height / 2], TEXT, BLACK);
    for row in 0..height {
        for column in 0..length {
            let colour = [0, 1, 2].map(|part: usize| line.rgb[3 * (row * length + column) + part]);
            if colour != WHITE {
                canvas.set((x + row).saturating_sub(height / 2), bottom.saturating_sub(column), colour);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(png: &[u8]) -> [u32; 2] {
        [16, 20].map(|at| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()))
    }

    #[test]
    fn any_number_of_classes_fits_on_a_picture_of_bounded_size() {
        for classes in [0, 1, 2, 10, 94, 505] {
            let names: Vec<String> = (0..classes).map(|class| format!("class {class}")).collect();
            let picture =
                png("Who was taken for whom", &names, |truth, predicted| u64::from(truth == predicted)).unwrap();
            assert!(size(&picture).into_iter().all(|side| side > 30 && side < 3900), "{classes}: {:?}", size(&picture));
        }
    }

    #[test]
    fn a_larger_share_is_darker() {
        let sum = |share, is_right| colour(share, is_right).into_iter().map(u32::from).sum::<u32>();
        for is_right in [true, false] {
            assert!(sum(1.0, is_right) < sum(0.5, is_right) && sum(0.5, is_right) < sum(0.0, is_right));
        }
    }
}
