//! Tables of text: aligned columns, numbers to the right, no lines drawn.

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
        self.rows.push(cells);
    }

    /// The text, a line for each row.
    #[must_use]
    pub fn render(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.left.len()).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), left) in row.iter().zip(&widths).zip(&self.left) {
                line += &match left {
                    true => format!("{cell:<width$}  "),
                    false => format!("{cell:>width$}  "),
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
}
