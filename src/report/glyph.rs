//! A character of the program's font as ink on paper, for those who draw characters themselves. Not text in a picture.

use super::canvas::{BLACK, Canvas};

/// Ink of a character, cropped to what is inked: 0 is paper, 255 is full ink. Rows from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ink {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Row by row.
    pub levels: Vec<u8>,
}

/// Draws a character at this font size in pixels; `None` if the font has no ink for it.
#[must_use]
pub fn ink(character: char, size: usize) -> Option<Ink> {
    let side = 3 * size;
    let mut canvas = Canvas::new(side, side);
    canvas.text(&character.to_string(), [size, side / 2], size, BLACK);
    let level = |row: usize, column: usize| 255 - canvas.rgb[3 * (row * side + column)];
    let inked = |row: usize, column: usize| level(row, column) > 0;
    let rows: Vec<usize> = (0..side).filter(|&row| (0..side).any(|column| inked(row, column))).collect();
    let columns: Vec<usize> = (0..side).filter(|&column| (0..side).any(|row| inked(row, column))).collect();
    let ((&top, &bottom), (&left, &right)) = (rows.first().zip(rows.last())?, columns.first().zip(columns.last())?);
    let cells = (top..=bottom).flat_map(|row| (left..=right).map(move |column| (row, column)));
    let levels = cells.map(|(row, column)| level(row, column)).collect();
    Some(Ink { rows: bottom - top + 1, columns: right - left + 1, levels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_tall_and_full_of_ink_and_a_space_has_none() {
        let bar = ink('|', 60).unwrap();
        assert!(bar.rows > 5 * bar.columns, "{} x {}", bar.rows, bar.columns);
        assert!(bar.levels.iter().filter(|&&level| level > 128).count() * 2 > bar.levels.len());
        assert_eq!(ink(' ', 60), None);
    }

    #[test]
    fn characters_differ() {
        assert_ne!(ink('O', 40), ink('Q', 40));
        assert_eq!(ink('O', 40), ink('O', 40));
    }
}
