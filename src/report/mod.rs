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
