//! Tables: on a narrow screen either the cells of a row are below its name, or they scroll beside the names, which stay.

use super::block::{Cell, Grid};
use super::escape::escape;

/// A table that scrolls inside of itself, also by keyboard; the script sorts one that is sortable.
pub(super) fn table(grid: &Grid, is_sortable: bool) -> String {
    let head: String = grid.head.iter().map(|name| format!("<th scope=\"col\">{}</th>", escape(name))).collect();
    let rows: String = grid.rows.iter().map(|cells| row(cells, &grid.head, grid.is_stacked)).collect();
    let caption = escape(&grid.caption);
    let class = match (grid.is_stacked, is_sortable) {
        (true, _) => " class=\"stacked\"",
        (false, true) => " class=\"sortable\"",
        (false, false) => "",
    };
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\"><table{class}><caption>{caption}</caption>\
         <thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn row(cells: &[Cell], head: &[String], is_stacked: bool) -> String {
    let cell = |(at, cell): (usize, &Cell)| {
        let note = match cell.note.as_str() {
            "" => String::new(),
            note => format!(" <small>{}</small>", escape(note)),
        };
        let text = escape(&cell.text);
        // Only cells below each other need the names of their columns.
        let of = head.get(at).filter(|_| is_stacked);
        let of = of.map_or_else(String::new, |name| format!(" data-of=\"{}\"", escape(name)));
        match (at, cell.is_best) {
            (0, _) => format!("<th scope=\"row\">{text}{note}</th>"),
            (_, true) => format!("<td class=\"best\"{of}><strong>{text}</strong>{note}</td>"),
            (_, false) => format!("<td{of}>{text}{note}</td>"),
        }
    };
    format!("<tr>{}</tr>\n", cells.iter().enumerate().map(cell).collect::<String>())
}
