//! Moving points as stick figures: the moments of a sequence side by side, joined by lines, and sheets of such strips. Which
//! points are joined, and what they are, is the caller's.
//!
//! ```text
//! still  a moment: lines, dots, what is not there    view  which part of the plane a strip shows
//! sheet  strips below each other, with captions
//! ```

pub mod sheet;
mod still;
mod view;

pub use self::still::{Dot, Line, Part, Still, Weight};
pub use self::view::View;

/// The moments of a sequence, all drawn in the same part of the plane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Strip {
    /// The moments, in order.
    pub stills: Vec<Still>,
    /// What each of them shows.
    pub view: View,
}
