//! A page of HTML in one file: text, figures, tables, charts and pictures, from plain values. It needs no network and no
//! other file, is complete without its script, and knows nothing of runs. What it shows is escaped, so that no name can become markup.

mod block;
mod escape;
mod figure;
mod film;
mod head;
mod render;
mod tables;
#[cfg(test)]
mod tests;

pub use block::{Block, Cell, Charts, Film, Grid, Picture, Problem, Section, Tile, Tone};
pub(super) use escape::escape;

/// A page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// What it is about: the largest text.
    pub title: String,
    /// What kind of thing that is, in a few words above the title.
    pub kind: String,
    /// Its state, in a word.
    pub state: Option<(String, Tone)>,
    /// Its result, in a sentence.
    pub verdict: Option<String>,
    /// Why it failed, if it did.
    pub problem: Option<Problem>,
    /// What the reader must know about the page itself.
    pub notice: Option<String>,
    /// If the content still changes: seconds after which the page reloads.
    pub refresh_seconds: Option<u64>,
    /// The few figures that matter most.
    pub tiles: Vec<Tile>,
    /// All the rest, by topic.
    pub sections: Vec<Section>,
    /// Who made it, and when.
    pub footer: String,
}

impl Page {
    /// The page as a file.
    #[must_use]
    pub fn html(&self) -> String {
        render::page(self)
    }
}
