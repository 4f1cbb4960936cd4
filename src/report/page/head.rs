//! The head of a page: how it looks, the few lines of script that it can do without, and the rule that keeps a browser from
//! loading or running anything else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::Page;
use super::escape::escape;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// A spark, in the colour of links.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='%230b6bcb' \
                    d='M9 1 3 9h4l-1 6 7-9H8z'/%3E%3C/svg%3E";

/// Everything between `<head>` and `</head>`.
pub(super) fn head(page: &Page) -> String {
    let refresh = match page.refresh_seconds {
        // With a script, the page reloads only if no section is unfolded.
        Some(seconds) => format!("<noscript><meta http-equiv=\"refresh\" content=\"{seconds}\"></noscript>\n"),
        None => String::new(),
    };
    format!(
        "<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; \
         script-src 'sha256-{}'\">\n<meta name=\"color-scheme\" content=\"light dark\">\n{refresh}<title>{}</title>\n\
         <link rel=\"icon\" href=\"{ICON}\">\n<style>\n{STYLE}</style>\n",
        STANDARD.encode(Sha256::digest(SCRIPT)),
        escape(&page.title),
    )
}

/// The script, for the end of the page.
pub(super) fn script() -> String {
    format!("<script>{SCRIPT}</script>\n")
}
