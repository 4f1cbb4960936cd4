//! A square of counts, one row for each true class, one column for each predicted one. The stronger a cell, the larger
//! its share of its row, or its count: right predictions in the main colour, wrong ones in the colour of mistakes.

use super::Ink;
use super::scene::{Anchor, BOLD, Item, Scene, Text, width};
use crate::report::text_width::{cut_in_middle, lines};

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
    /// What makes a cell strong.
    pub shade: Shade,
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

/// What the strength of a colour means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shade {
    /// The share of the row.
    #[default]
    Share,
    /// The count, by its logarithm: a few of many are seen.
    Count,
}

/// The side of the square without its names, about.
const SQUARE: f64 = 640.0;
/// With more classes, cells have no numbers.
const NUMBERED: usize = 40;
/// With more classes, not every class is named.
const NAMED: usize = 130;
/// The side of a cell with a number, with a name, and without.
const CELLS: [f64; 3] = [20.0, 11.0, 4.0];
/// Of so many classes that the square would be larger than this, cells are smaller.
const CROWDED: f64 = 2020.0;
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
        let scene = self.scene();
        // A picture of many classes is large enough without two pixels for one.
        let canvas = if self.names.len() > NAMED { scene.canvas_of(1.0) } else { scene.canvas() };
        canvas.small_png()
    }

    pub(in crate::report) fn scene(&self) -> Scene {
        let classes = self.names.len().max(1);
        let least = match classes {
            0..=NUMBERED => CELLS[0],
            _ if classes <= NAMED => CELLS[1],
            _ => (CROWDED / classes as f64).floor().clamp(1.0, CELLS[2]),
        };
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
        for (row, (name, ink)) in [("right", Ink::Accent), ("wrong", Ink::Bad)].into_iter().enumerate() {
            self.scale(&mut scene, (name, ink), [MARGIN, top + 18.0 * row as f64]);
        }
        top += 36.0;
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

    /// What the strengths of a colour mean, in a row.
    fn scale(&self, scene: &mut Scene, (name, ink): (&str, Ink), [left, middle]: [f64; 2]) {
        let largest = self.largest();
        let steps: Vec<(f64, String)> = match self.shade {
            Shade::Share => [0.01, 0.1, 0.5, 1.0].map(|share| (share, format!("{:.0} %", 100.0 * share))).into(),
            Shade::Count => {
                let tens = (0..19).map(|power| 10_u64.pow(power)).take_while(|count| *count < largest);
                tens.chain([largest]).map(|count| (count_share(count, largest), count.to_string())).collect()
            }
        };
        scene.text(Text::new(name, [left, middle], SIZE, Ink::Soft));
        let mut x = left + 42.0;
        for (share, label) in steps {
            scene.rect([x, middle - 6.0], [12.0; 2], ink, strength(share, ink == Ink::Accent).1);
            let length = width(&label, SIZE);
            scene.text(Text::new(label, [x + 16.0, middle], SIZE, Ink::Soft));
            x += 16.0 + length + 12.0;
        }
    }

    /// The largest count, at least 1.
    fn largest(&self) -> u64 {
        self.counts.iter().copied().max().unwrap_or(0).max(1)
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
            let name = cut_in_middle(name, |text| width(text, size) <= LONGEST);
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
        let (side, largest) = (classes as f64 * cell, self.largest());
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
                let value = if self.shade == Shade::Share { share } else { count_share(count, largest) };
                let (ink, opacity) = strength(value, truth == predicted);
                let at = [left + predicted as f64 * cell, top + truth as f64 * cell];
                let gap = if cell > 8.0 { 1.0 } else { 0.0 };
                let text = format!(
                    "true {}\npredicted {}\n{count} of {support}, {:.0} %",
                    self.names[truth],
                    self.names[predicted],
                    100.0 * share
                );
                scene.items.push(Item::Cell { at, size: [cell - gap; 2], ink, opacity, text });
                if classes <= NUMBERED {
                    self.number(scene, at.map(|place| place + (cell - gap) / 2.0), count, share);
                }
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

/// A count as a share of the largest one, by their logarithms.
fn count_share(count: u64, largest: u64) -> f64 {
    (1.0 + count as f64).ln() / (1.0 + largest as f64).ln()
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
        Heat {
            title: "Who was taken for whom".into(),
            note: "Rows are true.".into(),
            names,
            counts,
            says,
            shade: Shade::Share,
        }
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
        for classes in [0, 1, 2, 10, 62, 94, 505, 1200] {
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
    fn colours_follow_counts_or_shares_of_the_row_and_a_scale_says_which() {
        let drawn = |shade| {
            let mut heat = Heat { shade, ..heat(50, Says::Counts) };
            // 2 of 2 in the first row, 200 of 400 in the second.
            heat.counts[0] = 2;
            heat.counts[50..52].copy_from_slice(&[200, 200]);
            let scene = heat.scene();
            let cells = scene.items.iter().filter_map(|item| match item {
                Item::Cell { opacity, .. } => Some(*opacity),
                _ => None,
            });
            let cells: Vec<f64> = cells.take(3).collect();
            let words: Vec<String> = texts(&scene).iter().map(|text| text.text.clone()).collect();
            (cells, words.join("|"), heat.png().unwrap())
        };
        let (shares, said, of_shares) = drawn(Shade::Share);
        assert!(shares[0] > shares[2] && said.contains("wrong|1 %|10 %|50 %|100 %"), "{shares:?} {said}");
        let (counts, said, of_counts) = drawn(Shade::Count);
        assert!(counts[0] < counts[2] && said.contains("right|1|10|100|200|wrong|1|10|100|200"), "{counts:?} {said}");
        assert_ne!(of_shares, of_counts);
    }

    #[test]
    fn a_matrix_of_hundreds_of_classes_is_a_small_file() {
        let classes = 505;
        let mut heat = heat(classes, Says::Shares);
        heat.names.iter_mut().for_each(|name| *name = format!("Korean_character of the {name}-rot000"));
        // Every row has some mistakes, at places without a pattern.
        (0..classes * 4).for_each(|number| heat.counts[number * 7919 * 31 % (classes * classes)] += 1);
        let png = heat.png().unwrap();
        assert!(png.len() < 200_000, "{}", png.len());
    }

    #[test]
    fn a_larger_share_is_stronger() {
        for is_right in [true, false] {
            let strength = |share| strength(share, is_right).1;
            assert!(strength(1.0) > strength(0.5) && strength(0.5) > strength(0.02) && strength(1.0) < 0.7);
        }
    }
}
