//! Strips below each other, each with a caption beside it, and a legend of the colours that occur.

use super::still::HEAD;
use super::{Part, Strip};
use crate::report::PictureError;
use crate::report::canvas::{BLACK, Canvas, GREY, Rgb};
use crate::report::text_width::{fitted, lines, shortened, text_width};

/// A sequence of a sheet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// What is written beside it; the first line is the largest.
    pub caption: Vec<String>,
    /// Its moments.
    pub strip: Strip,
    /// Whether it is framed as a mistake.
    pub is_wrong: bool,
    /// A line is between rows of different groups.
    pub group: usize,
}

/// A sheet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// What it shows.
    pub title: String,
    /// What to know about it, in one line or more.
    pub note: String,
    /// What each part is called in the legend; one that is not drawn is left out.
    pub names: Vec<(Part, String)>,
    /// The sequences.
    pub rows: Vec<Row>,
}

// Twice as fine as the screen, so that fingers are sharp.
const STILL: usize = 148;
const TALL: usize = STILL + HEAD;
const GAP: usize = 8;
const BETWEEN: usize = 26;
const MARGIN: usize = 32;
const LABEL: usize = 300;
const TITLE: usize = 34;
const NOTE: usize = 22;
/// The sizes of the first line and of the others, and of those that are long.
const TEXT: [usize; 2] = [27, 22];
const SMALL: [usize; 2] = [22, 19];
const LINE: usize = 31;
/// No sheet is narrower, so that its title has room.
const NARROWEST: usize = 4;
const WRONG: Rgb = [178, 34, 34];
const FRAME: Rgb = [195; 3];
const RULE: Rgb = [210; 3];

/// The sheet as a PNG file.
///
/// # Errors
/// If it can't be encoded.
pub fn png(sheet: &Sheet) -> Result<Vec<u8>, PictureError> {
    let stills = sheet.rows.iter().map(|row| row.strip.stills.len()).max().unwrap_or(0).max(NARROWEST);
    let width = 2 * MARGIN + LABEL + stills * (STILL + GAP) - GAP;
    let notes = lines(&sheet.note, |text| text_width(text, NOTE) <= width - 2 * MARGIN);
    let legend = legend(sheet);
    let head = 2 * MARGIN + TITLE + notes.len() * (NOTE + 8) + if legend.is_empty() { 0 } else { NOTE + 16 };
    let groups = sheet.rows.chunk_by(|one, other| one.group == other.group).count();
    let rows = sheet.rows.len() * (TALL + GAP) + groups.saturating_sub(1) * BETWEEN;
    let mut canvas = Canvas::new(width, head + rows + MARGIN - GAP);
    let title = shortened(&sheet.title, width - 2 * MARGIN, TITLE);
    canvas.text(&title, [MARGIN, MARGIN + TITLE / 2], TITLE, BLACK);
    for (place, note) in notes.iter().enumerate() {
        canvas.text(note, [MARGIN, MARGIN + TITLE + 22 + place * (NOTE + 8)], NOTE, GREY);
    }
    draw_legend(&mut canvas, &legend, head - MARGIN - 4);
    let mut top = head;
    for (place, row) in sheet.rows.iter().enumerate() {
        if place > 0 && sheet.rows[place - 1].group != row.group {
            canvas.fill([MARGIN, top + (BETWEEN - GAP) / 2], [width - 2 * MARGIN, 2], RULE);
            top += BETWEEN;
        }
        draw_row(&mut canvas, row, top);
        top += TALL + GAP;
    }
    Ok(canvas.small_png()?)
}

/// The parts that are drawn, with their names.
fn legend(sheet: &Sheet) -> Vec<(Part, &str)> {
    let is_drawn = |part: Part| {
        sheet.rows.iter().flat_map(|row| &row.strip.stills).flat_map(super::Still::parts).any(|drawn| drawn == part)
    };
    let named =
        |part: Part| sheet.names.iter().find(|(known, _)| *known == part).map(|(_, name)| (part, name.as_str()));
    Part::ALL.into_iter().filter(|part| is_drawn(*part)).filter_map(named).collect()
}

fn draw_legend(canvas: &mut Canvas, legend: &[(Part, &str)], y: usize) {
    let mut x = MARGIN;
    for (part, name) in legend {
        canvas.fill([x, y.saturating_sub(3)], [28, 6], part.colour());
        canvas.text(name, [x + 38, y], NOTE, GREY);
        x += 38 + text_width(name, NOTE) + 30;
    }
}

fn draw_row(canvas: &mut Canvas, row: &Row, top: usize) {
    let height = row.caption.len().saturating_sub(1) * LINE;
    let first = top + TALL.saturating_sub(height) / 2;
    for (line, text) in row.caption.iter().enumerate() {
        let (text, size) = fitted(text, LABEL - 16, [TEXT, SMALL].map(|sizes| sizes[line.min(1)]));
        canvas.text(&text, [MARGIN, first + line * LINE], size, if line == 0 { BLACK } else { GREY });
    }
    let frame = if row.is_wrong { WRONG } else { FRAME };
    for (number, still) in row.strip.stills.iter().enumerate() {
        let at = [MARGIN + LABEL + number * (STILL + GAP), top];
        canvas.paste(&still.drawn(&row.strip.view, STILL), at);
        canvas.frame(at, [STILL, TALL], frame);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Dot, Still, View, Weight};
    use super::*;

    fn row(stills: usize, group: usize) -> Row {
        let dot = Dot { at: [0.5; 2], part: Part::Left, weight: Weight::Usual };
        let still = Still { dots: vec![dot], label: "1".into(), ..Still::default() };
        let strip = Strip { stills: vec![still; stills], view: View::default() };
        let caption = ["a very long name of a class that can't fit", "is b", "93 %", "n1, 12 frames"];
        Row { caption: caption.map(str::to_owned).to_vec(), strip, is_wrong: true, group }
    }

    fn size(rows: Vec<Row>, names: &[(Part, String)]) -> [u32; 2] {
        let png = png(&Sheet { title: "Strips".into(), note: "Frames.".into(), names: names.to_vec(), rows }).unwrap();
        [16, 20].map(|at| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()))
    }

    #[test]
    fn a_sheet_grows_with_its_rows_groups_and_moments_and_an_empty_one_is_a_title() {
        let (none, one, two) = (size(vec![], &[]), size(vec![row(8, 0)], &[]), size(vec![row(8, 0); 2], &[]));
        assert!(none[1] < one[1] && one[1] < two[1] && one[0] == two[0] && none[0] < one[0]);
        assert!(size(vec![row(8, 0), row(8, 1)], &[])[1] > two[1], "groups are apart");
        assert_eq!(size(vec![row(1, 0)], &[])[0], none[0], "few moments leave room for the title");
        assert!(one[0] < 1700, "{one:?}");
    }

    #[test]
    fn a_legend_names_the_parts_that_are_drawn_and_no_others() {
        let names = [(Part::Right, "right hand".to_owned()), (Part::Left, "left hand".to_owned())];
        let sheet = Sheet { names: names.to_vec(), rows: vec![row(2, 0)], ..Sheet::default() };
        assert_eq!(legend(&sheet), [(Part::Left, "left hand")]);
        assert!(size(vec![row(2, 0)], &names)[1] > size(vec![row(2, 0)], &names[..1])[1]);
    }
}
