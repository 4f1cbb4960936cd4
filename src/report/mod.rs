//! What people look at: tables, charts, pictures and pages, from plain arrays. What only radar needs is in [`radar`].

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
