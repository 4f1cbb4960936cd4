//! Named shares as horizontal bars, each with its number: one bar for each of a few groups.

use super::Ink;
use super::scene::{Anchor, BOLD, Scene, Text, width};
use crate::report::text_width::cut_in_middle;

/// Shares of several things in several groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shares {
    /// What they show.
    pub title: String,
    /// What the groups are called.
    pub parts: Vec<String>,
    /// The things: what each is called, and its share in each group, from 0 to 1.
    pub rows: Vec<(String, Vec<f64>)>,
}

const BAR: f64 = 14.0;
const BETWEEN: f64 = 14.0;
const SIZE: f64 = 12.5;
const TITLE: f64 = 16.0;
const MARGIN: f64 = 20.0;
const NAME: f64 = 90.0;
const LONGEST: f64 = 220.0;
const LONG: f64 = 420.0;
const NUMBER: f64 = 56.0;

impl Shares {
    /// The bars as a PNG file.
    ///
    /// # Errors
    /// If it can't be encoded.
    pub fn png(&self) -> Result<Vec<u8>, image::ImageError> {
        self.scene().canvas().small_png()
    }

    pub(super) fn scene(&self) -> Scene {
        let room = self.rows.iter().map(|(name, _)| width(name, SIZE) + 10.0).fold(NAME, f64::max).min(LONGEST);
        let wide = (room + LONG + NUMBER).max(BOLD * width(&self.title, TITLE));
        let mut scene = Scene { size: [2.0 * MARGIN + wide, 0.0], items: Vec::new(), description: self.title.clone() };
        scene.text(Text::new(&self.title, [MARGIN, MARGIN + 8.0], TITLE, Ink::Text).bold());
        let mut left = MARGIN;
        for (part, name) in self.parts.iter().enumerate() {
            scene.rect([left, MARGIN + 27.0], [11.0, 11.0], Ink::Number(part), 1.0);
            scene.text(Text::new(name, [left + 16.0, MARGIN + 32.5], SIZE, Ink::Soft));
            left += 16.0 + width(name, SIZE) + 18.0;
        }
        let (top, step) = (MARGIN + 58.0, self.parts.len().max(1) as f64 * BAR + BETWEEN);
        for (at, row) in self.rows.iter().enumerate() {
            self.row(&mut scene, row, [MARGIN, top + at as f64 * step], room);
        }
        scene.size[1] = top + self.rows.len() as f64 * step + MARGIN - BETWEEN;
        scene
    }

    fn row(&self, scene: &mut Scene, (name, shares): &(String, Vec<f64>), [left, top]: [f64; 2], room: f64) {
        let name = cut_in_middle(name, |text| width(text, SIZE) <= room - 10.0);
        let middle = top + self.parts.len().max(1) as f64 * BAR / 2.0;
        scene.text(Text::new(name, [left + room - 10.0, middle], SIZE, Ink::Text).anchor(Anchor::End));
        for (part, share) in shares.iter().enumerate() {
            let (y, length) = (top + part as f64 * BAR, LONG * share.clamp(0.0, 1.0));
            scene.rect([left + room, y], [LONG, BAR - 3.0], Ink::Grid, 1.0);
            scene.rect([left + room, y], [length, BAR - 3.0], Ink::Number(part), 1.0);
            let text = format!("{:.1} %", 100.0 * share);
            scene.text(Text::new(text, [left + room + LONG + 6.0, y + BAR / 2.0 - 1.5], SIZE - 1.0, Ink::Soft));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Item;
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share_and_its_number_is_beside_it() {
        let rows = vec![("left hand".to_owned(), vec![0.5, 0.25]), ("body".to_owned(), vec![0.0, 7.0])];
        let shares = Shares { title: "Not seen".into(), parts: ["train", "val"].map(str::to_owned).into(), rows };
        let scene = shares.scene();
        let bars: Vec<f64> = scene
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Rect { size, ink: Ink::Number(_), .. } if size[0] != 11.0 => Some(size[0] / LONG),
                _ => None,
            })
            .collect();
        assert_eq!(bars, [0.5, 0.25, 0.0, 1.0]);
        let is_said = |text: &str| scene.items.iter().any(|item| matches!(item, Item::Text(said) if said.text == text));
        assert!(is_said("50.0 %") && is_said("25.0 %") && is_said("left hand"));
        assert!(Shares::default().png().unwrap().starts_with(b"\x89PNG"));
    }
}
