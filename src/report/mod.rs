//! What people look at: tables and pictures, from plain arrays.

mod canvas;
pub mod font;
pub mod histogram;
mod text_width;
pub mod timeline;
