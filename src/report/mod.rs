//! What people look at: tables and pictures, from plain arrays.

pub mod animation;
mod canvas;
pub mod charts;
pub mod contact_sheet;
pub mod curves;
pub mod error_maps;
mod film;
pub mod font;
pub mod forecast;
pub mod histogram;
pub mod page;
pub mod radar_colours;
pub mod radar_frame;
mod strokes;
pub mod table;
mod text_width;
pub mod timeline;

pub use radar_frame::PictureError;
