//! Output for people: tables, charts, pictures and pages, from plain arrays. Radar-only parts are in [`radar`].

mod canvas;
pub mod chart;
pub mod classes;
mod error;
mod font;
pub mod glyph;
pub mod handwriting;
pub mod page;
pub mod plain;
pub mod radar;
pub mod sticks;
pub mod strip;
pub mod table;
mod text_width;

pub use error::PictureError;
