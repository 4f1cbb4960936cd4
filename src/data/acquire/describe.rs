//! Sources as messages name them, without secrets.

use std::fmt;

use crate::data::config::Source;
use crate::data::fetch::address::shown_text;

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synthetic(s) => {
                let (events, frames, grid, levels, seed) = (s.events, s.frames, s.grid, s.levels, s.seed);
                write!(out, "synthetic ({events} events of {frames} frames, {grid}x{grid}x{levels}, seed {seed})")
            }
            Self::Gdrive(drive) => write!(out, "Google Drive {}", shown_text(&drive.id)),
            Self::Url(url) => out.write_str(&shown_text(&url.href)),
            Self::Path(path) => write!(out, "{}", path.path.display()),
        }
    }
}
