//! A square of counts, one row for each true class, one column for each predicted one. The stronger a cell, the larger its share
//! of its row: right choices in the colour of what matters, wrong ones in that of mistakes.

use super::Ink;
use super::scene::{Anchor, BOLD, Scene, Text, width};
use crate::report::text_width::{cut, lines};

/// A matrix of counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heat {
    /// What it shows.
    pub title: String,
    /// The classes, in the order of rows and columns.
    pub names: Vec<String>,
    /// Row by row.
    pub counts: Vec<u64>,
}

/// The side of the square without its names, about.
const SQUARE: f64 = 640.0;
/// Cells are not smaller and not larger than this.
const CELLS: [f64; 2] = [4.0, 56.0];
/// From this size on a cell shows its count.
const COUNTED: f64 = 20.0;
const SIZE: f64 = 11.5;
const MARGIN: f64 = 16.0;
/// Names are not longer than this.
const LONGEST: f64 = 130.0;

impl Heat {
    /// The matrix as a PNG file.
    ///
    /// # Errors
    /// If it can't be encoded.
    pub fn png(&self) -> Result<Vec<u8>, image::ImageError> {
        self.scene().canvas().png()
    }

    pub(in crate::report) fn scene(&self) -> Scene {
        let classes = self.names.len().max(1);
        let cell = (SQUARE / classes as f64).floor().clamp(CELLS[0], CELLS[1]);
        let room = self.names.iter().map(|name| width(name, SIZE)).fold(0.0, f64::max).min(LONGEST) + 8.0;
        let side = classes as f64 * cell;
        let right = (2.0 * MARGIN + room + 48.0 + side).max(420.0);
        let mut scene = Scene { size: [right, 0.0], items: Vec::new(), description: self.description() };
        let mut top = MARGIN + 8.0;
        for line in lines(&self.title, |text| BOLD * width(text, 16.0) <= right - 2.0 * MARGIN) {
            scene.text(Text::new(line, [MARGIN, top], 16.0, Ink::Text).bold());
            top += 22.0;
        }
        // Names of columns are upright if one is wider than its cell.
        let every = (1.25 * SIZE / cell).ceil() as usize;
        let is_upright = self.names.iter().any(|name| width(name, SIZE) > every as f64 * cell - 2.0);
        let corner = [MARGIN + 48.0 + room, top + 26.0 + if is_upright { room } else { 18.0 }];
        scene.size[1] = corner[1] + side + MARGIN;
        scene.text(Text::new("predicted", [corner[0], top + 8.0], SIZE, Ink::Soft));
        scene.text(Text::new("true", [MARGIN, corner[1] + 8.0], SIZE, Ink::Soft));
        self.cells(&mut scene, corner, cell);
        for (class, name) in self.names.iter().enumerate().step_by(every) {
            let name = cut(name, |text| width(text, SIZE) <= LONGEST);
            let middle = (class as f64 + 0.5) * cell;
            let row = Text::new(&name, [corner[0] - 6.0, corner[1] + middle], SIZE, Ink::Text);
            scene.text(row.anchor(Anchor::End));
            let column = Text::new(name, [corner[0] + middle, corner[1] - 6.0], SIZE, Ink::Text);
            scene.text(match is_upright {
                true => column.upright(),
                false => Text { at: [column.at[0], column.at[1] - 6.0], ..column.anchor(Anchor::Middle) },
            });
        }
        scene
    }

    fn cells(&self, scene: &mut Scene, [left, top]: [f64; 2], cell: f64) {
        let classes = self.names.len();
        let gap = if cell > 8.0 { 1.0 } else { 0.0 };
        for (truth, row) in self.counts.chunks(classes.max(1)).take(classes).enumerate() {
            let support: u64 = row.iter().sum();
            for (predicted, &count) in row.iter().enumerate() {
                let share = if support > 0 { count as f64 / support as f64 } else { 0.0 };
                let (ink, opacity) = strength(share, truth == predicted);
                let at = [left + predicted as f64 * cell, top + truth as f64 * cell];
                scene.rect(at, [cell - gap; 2], Ink::Grid, 0.5);
                if count > 0 {
                    scene.rect(at, [cell - gap; 2], ink, opacity);
                }
                if count > 0 && cell >= COUNTED {
                    let number = Text::new(count.to_string(), at.map(|place| place + cell / 2.0), SIZE, Ink::Text);
                    scene.text(number.anchor(Anchor::Middle));
                }
            }
        }
    }

    fn description(&self) -> String {
        let classes = self.names.len();
        let right: u64 = (0..classes).filter_map(|class| self.counts.get(class * classes + class)).sum();
        format!("{}: {right} of {} right", self.title, self.counts.iter().sum::<u64>())
    }
}

/// A wrong choice is seen from a share of a few per cent on. Never so strong that a count can't be read on it.
fn strength(share: f64, is_right: bool) -> (Ink, f64) {
    if is_right { (Ink::Accent, 0.55 * share) } else { (Ink::Bad, 0.55 * share.sqrt()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_classes_fits_on_a_picture_of_bounded_size() {
        for classes in [0, 1, 2, 10, 94, 505] {
            let names = (0..classes).map(|class| format!("class {class}")).collect();
            let counts = (0..classes * classes).map(|place| u64::from(place % (classes + 1) == 0)).collect();
            let scene = Heat { title: "Who was taken for whom".into(), names, counts }.scene();
            assert!(scene.size.into_iter().all(|side| side > 30.0 && side < 2300.0), "{classes}: {:?}", scene.size);
            assert!(scene.description.ends_with(&format!("{classes} of {classes} right")), "{}", scene.description);
        }
    }

    #[test]
    fn a_larger_share_is_stronger() {
        for is_right in [true, false] {
            let strength = |share| strength(share, is_right).1;
            assert!(strength(1.0) > strength(0.5) && strength(0.5) > strength(0.02) && strength(1.0) < 0.6);
        }
    }
}
