//! What a page is made of: sections, and the blocks in them. Plain values, no markup.

use super::chart::Chart;

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
    /// What it is to be compared with, or belongs to; may be empty.
    pub note: String,
}

/// A topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Its heading, unlike that of all others.
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
    /// Charts side by side, with a heading that may be empty.
    Charts(String, Vec<Chart>),
    /// A table.
    Table(Grid),
    /// Pictures under each other.
    Pictures(Vec<Picture>),
    /// What happened: when, and what.
    Moments(Vec<(String, String)>),
    /// A text exactly as in a file.
    Code(String),
    /// Blocks that are shown when their heading is chosen.
    Folded(String, Vec<Block>),
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
    /// What is to be seen, for those who don't see it.
    pub description: String,
    /// The text below it; may be empty.
    pub caption: String,
}
