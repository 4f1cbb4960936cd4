//! Sources as messages name them, without secrets.

use std::fmt;

use crate::data::config::Source;
use crate::data::fetch::address::shown_text;

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synthetic(synthetic) => synthetic.fmt(out),
            Self::Gdrive(drive) => write!(out, "Google Drive {}", shown_text(&drive.id)),
            Self::Url(url) => out.write_str(&shown_text(&url.href)),
            Self::Path(path) => write!(out, "{}", path.path.display()),
        }
    }
}
