//! Output for people: tables, charts, pictures and pages, from plain arrays. Radar-only parts are in [`radar`].

mod canvas;
pub mod charts;
pub mod classes;
pub mod curves;
mod error;
pub mod font;
pub mod glyph;
pub mod page;
pub mod radar;
mod strokes;
pub mod table;
mod text_width;

pub use error::PictureError;
