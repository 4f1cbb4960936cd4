//! What people look at: tables and pictures, from plain arrays.

pub mod table;

/// A picture that could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct PictureError;
impl PictureError {
    pub fn exit(&self) -> crate::util::exit::Exit {
        crate::util::exit::Exit::DiskIo
    }
}
pub mod animation;
mod canvas;
pub mod contact_sheet;
pub mod font;
pub mod radar_colours;
pub mod radar_frame;
mod canvas;
pub mod font;
pub mod histogram;
mod text_width;
pub mod timeline;
