//! A square of counts, one row for each true class, one column for each predicted one. The stronger a cell, the larger
//! its share of its row: right predictions in the main colour, wrong ones in the colour of mistakes.

use super::Ink;
use super::scene::{Anchor, BOLD, Item, Scene, Text, width};
use crate::report::text_width::{cut, lines};

/// A matrix of counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heat {
    /// What it shows.
    pub title: String,
    /// How to read it; may be empty.
    pub note: String,
    /// The classes, in the order of rows and columns.
    pub names: Vec<String>,
    /// Row by row.
    pub counts: Vec<u64>,
    /// What cells say.
    pub says: Says,
}

/// What the cells of a matrix say, if they are not too many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Says {
    /// Their counts.
    #[default]
    Counts,
    /// Their per cent of the row.
    Shares,
}

/// The side of the square without its names, about.
const SQUARE: f64 = 640.0;
/// With more classes, cells have no numbers.
const NUMBERED: usize = 40;
/// With more classes, not every class is named.
const NAMED: usize = 130;
/// The side of a cell with a number, with a name, and of the smallest one.
const CELLS: [f64; 3] = [20.0, 11.0, 4.0];
/// No cell is larger.
const LARGEST: f64 = 56.0;
const SIZE: f64 = 11.5;
const MARGIN: f64 = 16.0;
/// Names are not longer than this.
const LONGEST: f64 = 130.0;
/// Each so many classes a line helps to follow a row.
const RULED: usize = 10;

/// Where a matrix is drawn: the corner of its cells, their side, and the size of names.
struct Place {
    corner: [f64; 2],
    cell: f64,
    size: f64,
    every: usize,
}

impl Heat {
    /// The matrix as a PNG file.
    ///
    /// # Errors
    /// If it can't be encoded.
    pub fn png(&self) -> Result<Vec<u8>, image::ImageError> {
        self.scene().canvas().small_png()
    }

    pub(in crate::report) fn scene(&self) -> Scene {
        let classes = self.names.len().max(1);
        let least = CELLS[usize::from(classes > NUMBERED) + usize::from(classes > NAMED)];
        let square = if classes > NAMED { NAMED as f64 * CELLS[1] } else { SQUARE };
        let cell = (square / classes as f64).floor().clamp(least, LARGEST);
        let size = SIZE.min(cell.max(CELLS[1]) - 1.0);
        let room = self.names.iter().map(|name| width(name, size)).fold(0.0, f64::max).min(LONGEST) + 8.0;
        let side = classes as f64 * cell;
        let right = (2.0 * MARGIN + room + 48.0 + side).max(420.0);
        let mut scene = Scene { size: [right, 0.0], items: Vec::new(), description: self.description() };
        let mut top = MARGIN + 8.0;
        for line in lines(&self.title, |text| BOLD * width(text, 16.0) <= right - 2.0 * MARGIN) {
            scene.text(Text::new(line, [MARGIN, top], 16.0, Ink::Text).bold());
            top += 22.0;
        }
        let every = (1.1 * size / cell).ceil() as usize;
        for line in lines(&self.noted(every), |text| width(text, 12.0) <= right - 2.0 * MARGIN) {
            scene.text(Text::new(line, [MARGIN, top], 12.0, Ink::Soft));
            top += 18.0;
        }
        // Names of columns are upright if one is wider than its cell.
        let is_upright = self.names.iter().any(|name| width(name, size) > every as f64 * cell - 2.0);
        let corner = [MARGIN + 48.0 + room, top + 26.0 + if is_upright { room } else { 18.0 }];
        scene.size[1] = corner[1] + side + MARGIN;
        scene.text(Text::new("predicted", [corner[0], top + 8.0], size, Ink::Soft));
        scene.text(Text::new("true", [MARGIN, corner[1] + 8.0], size, Ink::Soft));
        let place = Place { corner, cell, size, every };
        self.cells(&mut scene, &place);
        self.named(&mut scene, &place, is_upright);
        scene
    }

    /// The note, and which classes are named.
    fn noted(&self, every: usize) -> String {
        match every {
            1 => self.note.clone(),
            _ => format!("{} One class in {every} is named.", self.note).trim_start().to_owned(),
        }
    }

    fn named(&self, scene: &mut Scene, place: &Place, is_upright: bool) {
        let Place { corner, cell, size, every } = *place;
        for (class, name) in self.names.iter().enumerate().step_by(every) {
            let name = cut(name, |text| width(text, size) <= LONGEST);
            let middle = (class as f64 + 0.5) * cell;
            let row = Text::new(&name, [corner[0] - 6.0, corner[1] + middle], size, Ink::Text);
            scene.text(row.anchor(Anchor::End));
            let column = Text::new(name, [corner[0] + middle, corner[1] - 6.0], size, Ink::Text);
            scene.text(match is_upright {
                true => column.upright(),
                false => Text { at: [column.at[0], column.at[1] - 6.0], ..column.anchor(Anchor::Middle) },
            });
        }
    }

    fn cells(&self, scene: &mut Scene, place: &Place) {
        let Place { corner: [left, top], cell, .. } = *place;
        let classes = self.names.len();
        let side = classes as f64 * cell;
        scene.rect([left, top], [side; 2], Ink::Grid, 0.5);
        // One line more than fits between cells would hide them.
        if classes > NUMBERED {
            for line in (RULED..classes).step_by(RULED).map(|class| class as f64 * cell) {
                scene.line(vec![[left, top + line], [left + side, top + line]], Ink::Faint, 0.5);
                scene.line(vec![[left + line, top], [left + line, top + side]], Ink::Faint, 0.5);
            }
        }
        for (truth, row) in self.counts.chunks(classes.max(1)).take(classes).enumerate() {
            let support: u64 = row.iter().sum();
            for (predicted, &count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
                let share = count as f64 / support as f64;
                let (ink, opacity) = strength(share, truth == predicted);
                let at = [left + predicted as f64 * cell, top + truth as f64 * cell];
                let gap = if cell > 8.0 { 1.0 } else { 0.0 };
                scene.rect(at, [cell - gap; 2], ink, opacity);
                if classes <= NUMBERED {
                    self.number(scene, at.map(|place| place + (cell - gap) / 2.0), count, share);
                }
                let text = format!(
                    "true {}\npredicted {}\n{count} of {support}, {:.0} %",
                    self.names[truth],
                    self.names[predicted],
                    100.0 * share
                );
                scene.items.push(Item::Hover { at, size: [cell; 2], text });
            }
        }
    }

    fn number(&self, scene: &mut Scene, at: [f64; 2], count: u64, share: f64) {
        let number = match self.says {
            Says::Counts if count < 1000 => count.to_string(),
            Says::Counts => format!("{:.0}k", count as f64 / 1000.0),
            Says::Shares if share < 0.005 => return,
            Says::Shares => format!("{:.0}", 100.0 * share),
        };
        scene.text(Text::new(number, at, 10.5, Ink::Text).anchor(Anchor::Middle));
    }

    fn description(&self) -> String {
        let classes = self.names.len();
        let right: u64 = (0..classes).filter_map(|class| self.counts.get(class * classes + class)).sum();
        format!("{}: {right} of {} right", self.title, self.counts.iter().sum::<u64>())
    }
}

/// A wrong choice is seen from a share of a few per cent on. Never so strong that a count can't be read on it.
fn strength(share: f64, is_right: bool) -> (Ink, f64) {
    if is_right { (Ink::Accent, 0.12 + 0.48 * share) } else { (Ink::Bad, 0.12 + 0.55 * share.sqrt()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heat(classes: usize, says: Says) -> Heat {
        let names = (0..classes).map(|class| format!("class {class}")).collect();
        let counts = (0..classes * classes).map(|place| u64::from(place % (classes + 1) == 0)).collect();
        Heat { title: "Who was taken for whom".into(), note: "Rows are true.".into(), names, counts, says }
    }

    fn texts(scene: &Scene) -> Vec<&Text> {
        let items = scene.items.iter();
        items
            .filter_map(|item| match item {
                Item::Text(text) => Some(text),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn any_number_of_classes_fits_on_a_picture_of_bounded_size() {
        for classes in [0, 1, 2, 10, 62, 94, 505] {
            let scene = heat(classes, Says::Counts).scene();
            assert!(scene.size.into_iter().all(|side| side > 30.0 && side < 2300.0), "{classes}: {:?}", scene.size);
            assert!(scene.description.ends_with(&format!("{classes} of {classes} right")), "{}", scene.description);
        }
    }

    #[test]
    fn no_name_covers_another_and_numbers_are_left_out_if_they_are_too_many() {
        for classes in [10, 40, 41, 94, 131, 505] {
            let scene = heat(classes, Says::Shares).scene();
            let texts = texts(&scene);
            let names = texts.iter().filter(|text| text.text.starts_with("class ")).count();
            let numbers = texts.iter().filter(|text| text.text == "100").count();
            assert_eq!(numbers, if classes <= NUMBERED { classes } else { 0 }, "{classes}");
            assert!(if classes <= NAMED { names == 2 * classes } else { names > classes / 2 }, "{classes}: {names}");
            let said = texts.iter().any(|text| text.text.contains("is named"));
            assert_eq!(said, classes > NAMED, "{classes}");
            for pair in texts.windows(3) {
                // Of one kind, as rows and columns alternate.
                let (one, other) = (pair[0].covers(), pair[2].covers());
                assert!(!super::super::scene::overlap(one, other), "{:?} {:?}", pair[0], pair[2]);
            }
        }
    }

    #[test]
    fn a_larger_share_is_stronger() {
        for is_right in [true, false] {
            let strength = |share| strength(share, is_right).1;
            assert!(strength(1.0) > strength(0.5) && strength(0.5) > strength(0.02) && strength(1.0) < 0.7);
        }
    }
}
