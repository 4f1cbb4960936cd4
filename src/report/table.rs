//! Tables of text: aligned columns, numbers to the right, no lines drawn. Whatever is in a cell, it takes one line and as many
//! columns of the terminal as it seems to: control characters are written out, and what is long loses its middle.

use unicode_width::UnicodeWidthStr;

use super::plain::visible;
use super::text_width::cut_in_middle;

/// The columns of the widest cell.
const WIDEST: usize = 60;

/// A table in the making.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    left: Vec<bool>,
}

impl Table {
    /// A table with these headings; a heading that begins with `<` heads a column aligned to the left.
    #[must_use]
    pub fn new(headings: &[&str]) -> Self {
        let left = headings.iter().map(|heading| heading.starts_with('<')).collect();
        let headings = headings.iter().map(|heading| heading.trim_start_matches('<').to_owned()).collect();
        Self { rows: vec![headings], left }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        let shown = |cell: String| cut_in_middle(&visible(&cell), |text| text.width() <= WIDEST);
        self.rows.push(cells.into_iter().map(shown).collect());
    }

    /// The text, a line for each row.
    #[must_use]
    pub fn render(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.width()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.left.len()).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), left) in row.iter().zip(&widths).zip(&self.left) {
                let padding = " ".repeat(width - cell.width());
                line += &match left {
                    true => format!("{cell}{padding}  "),
                    false => format!("{padding}{cell}  "),
                };
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_no_line_ends_in_spaces() {
        let mut table = Table::new(&["<event", "frames", "<split"]);
        table.row(vec!["20131201".into(), "7".into(), "train".into()]);
        table.row(vec!["2".into(), "1234".into(), "val".into()]);
        let expected = "event     frames  split\n20131201       7  train\n2           1234  val\n";
        assert_eq!(table.render(), expected);
    }

    #[test]
    fn a_name_takes_one_line_however_long_it_is_and_wide_letters_count_twice() {
        let mut table = Table::new(&["<class", "images"]);
        let names = ["a\nb\tc\u{1b}[2J", "猫と犬", "e\u{301}"].map(str::to_owned);
        let long = format!("first{}last", "x".repeat(200));
        names.into_iter().chain([long]).for_each(|name| table.row(vec![name, "7".into()]));
        let text = table.render();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert!(lines[1].starts_with("a\\nb\\tc\\u{1b}[2J "), "{text}");
        assert!(lines[4].starts_with("firstx") && lines[4].contains("…x") && lines[4].contains("last  "), "{text}");
        assert!(lines.iter().all(|line| line.width() == WIDEST + "  images".len()), "{text}");
    }
}
