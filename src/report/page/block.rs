//! What a page is made of: sections, and the blocks in them. Plain values, no markup.

use crate::report::chart::{Chart, Heat};
use crate::report::strip::Strip;

/// How a word is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// Something is going on.
    Busy,
    /// Something went wrong.
    Bad,
    /// Nothing of these.
    Quiet,
}

/// A figure that matters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tile {
    /// What it is.
    pub label: String,
    /// The figure.
    pub value: String,
    /// What to compare it with, or what it belongs to; may be empty.
    pub note: String,
}

/// A topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Its heading, unique on the page.
    pub title: String,
    /// The text about it.
    pub blocks: Vec<Block>,
}

/// A part of a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Why something is not here.
    Absent(String),
    /// Names and values.
    Facts(Vec<(String, String)>),
    /// Charts side by side.
    Charts(Charts),
    /// A table.
    Table(Grid),
    /// A table whose rows can be sorted by any of its columns, if the page's script runs.
    Sortable(Grid),
    /// A matrix of counts, with what to look at, in sentences.
    Matrix(Heat, String),
    /// Pictures under each other.
    Pictures(Vec<Picture>),
    /// Films, one at a time.
    Films(Vec<Film>),
    /// What happened: when, and what.
    Moments(Vec<(String, String)>),
    /// A text exactly as in a file.
    Code(String),
    /// Blocks that are shown when their heading is chosen.
    Folded(String, Vec<Block>),
}

/// Charts side by side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Charts {
    /// The heading; may be empty.
    pub title: String,
    /// What to look for, and what would be bad, in sentences; may be empty.
    pub caption: String,
    /// The charts.
    pub charts: Vec<Chart>,
}

/// A film, as a strip of its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Film {
    /// The file: a PNG with the text of the strip.
    pub bytes: Vec<u8>,
    /// What the file says that it shows.
    pub strip: Strip,
}

/// What went wrong, and what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// What went wrong.
    pub text: String,
    /// What to do; may be empty.
    pub remedy: String,
}

/// A table: the first column names its row, the others hold numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid {
    /// What it shows, in a line.
    pub caption: String,
    /// The headings of its columns.
    pub head: Vec<String>,
    /// Its rows, each as long as the head.
    pub rows: Vec<Vec<Cell>>,
    /// Whether a narrow screen shows the cells of a row below its name: for few columns. Others scroll beside the names.
    pub is_stacked: bool,
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// What is in it.
    pub text: String,
    /// The smaller text beside it; may be empty.
    pub note: String,
    /// Whether it is the best of its row.
    pub is_best: bool,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// A picture in a format that browsers show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The file's content: PNG or GIF, by its first bytes.
    pub bytes: Vec<u8>,
    /// The picture in words, for those who can't see it.
    pub description: String,
    /// The text below it: what to look at; may be empty.
    pub caption: String,
    /// The path of the file beside the page, for a larger view; may be empty.
    pub link: String,
}
