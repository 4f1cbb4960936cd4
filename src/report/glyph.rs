//! A character of the program's font as ink on paper, for code that draws characters itself. Not text in a picture.

use std::collections::BTreeMap;

use super::font;

/// Ink of a character, cropped to what is inked: 0 is paper, 255 is full ink. Rows from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ink {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Row by row.
    pub levels: Vec<u8>,
    /// The first row, counted from the middle of capital letters: above it is negative.
    pub top: i64,
}

/// Draws a character at this font size in pixels; `None` if the font has no ink for it.
#[must_use]
pub fn ink(character: char, size: usize) -> Option<Ink> {
    if !font::has(character) {
        return None;
    }
    let mut inked = BTreeMap::new();
    font::draw(&character.to_string(), [0.0, 0.0], size as f64, |x, y, share| {
        inked.insert((y, x), level(share));
    });
    inked.retain(|_, level| *level > 0);
    let rows = span(inked.keys().map(|(row, _)| *row))?;
    let columns = span(inked.keys().map(|(_, column)| *column))?;
    let cells = (rows[0]..=rows[1]).flat_map(|row| (columns[0]..=columns[1]).map(move |column| (row, column)));
    let levels = cells.map(|cell| inked.get(&cell).copied().unwrap_or(0)).collect();
    let count = |[from, to]: [i64; 2]| (to - from + 1) as usize;
    Some(Ink { rows: count(rows), columns: count(columns), levels, top: rows[0] })
}

fn span(places: impl Iterator<Item = i64> + Clone) -> Option<[i64; 2]> {
    Some([places.clone().min()?, places.max()?])
}

/// A covered share in 256 steps, nearly all of it as all: synthetic images are made of these numbers.
fn level(share: f64) -> u8 {
    if share >= 1.0 - 1.0 / 256.0 { 255 } else { ((share * 256.0).floor() * 255.0 / 256.0).floor() as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_tall_and_full_of_ink_and_a_space_has_none() {
        let bar = ink('|', 60).unwrap();
        assert!(bar.rows > 5 * bar.columns, "{} x {}", bar.rows, bar.columns);
        assert!(bar.levels.iter().filter(|&&level| level > 128).count() * 2 > bar.levels.len());
        assert_eq!((ink(' ', 60), ink('\u{6f22}', 60)), (None, None));
    }

    #[test]
    fn characters_differ() {
        assert_ne!(ink('O', 40), ink('Q', 40));
        assert_eq!(ink('O', 40), ink('O', 40));
        let tops = ['H', 'x', '_'].map(|character| ink(character, 40).unwrap().top);
        assert!(tops[0] < tops[1] && tops[1] < 0 && tops[2] > 0, "{tops:?}");
    }
}
