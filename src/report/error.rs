//! Why a picture could not be made. Always a bug in this program, because its input was checked before.

use thiserror::Error;

use crate::util::exit::Exit;

/// Why a picture could not be made.
#[derive(Debug, Error)]
pub enum PictureError {
    /// There is nothing to show.
    #[error("no frames to draw for {0}")]
    NoFrames(String),
    /// The frames don't fit together.
    #[error("frame {index} has {got} values, expected {height} x {width}")]
    Shape {
        /// Which frame, from 0.
        index: usize,
        /// How many values it has.
        got: usize,
        /// Rows of the first frame.
        height: usize,
        /// Columns of the first frame.
        width: usize,
    },
    /// An array of a forecast does not have a frame for each of its times.
    #[error("{array} of {title} has {got} values, expected {} x {} x {}", expected[0], expected[1], expected[2])]
    Forecast {
        /// The forecast.
        title: String,
        /// Which of its arrays.
        array: &'static str,
        /// How many values it has.
        got: usize,
        /// Frames, rows, columns.
        expected: [usize; 3],
    },
    /// The PNG encoder refused.
    #[error("could not encode the picture: {0}")]
    Png(#[from] image::ImageError),
    /// The encoder of strips refused.
    #[error("could not encode the strip: {0}")]
    Strip(#[from] png::EncodingError),
    /// The GIF encoder refused.
    #[error("could not encode the animation: {0}")]
    Gif(#[from] gif::EncodingError),
}

impl PictureError {
    /// The exit code: the caller has checked its frames.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::Bug
    }
}
