//! Small, medium and large objects, by their area in pixels of the original image.

use crate::boxes::Rect;

/// Objects of a range of areas. The borders belong to both neighbours, as in COCO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Every object.
    All,
    /// Up to 32 x 32 pixels.
    Small,
    /// Up to 96 x 96.
    Medium,
    /// Above.
    Large,
}

const SMALL: f64 = 32.0 * 32.0;
const MEDIUM: f64 = 96.0 * 96.0;

impl Size {
    /// All of them, in the order of every array.
    pub const ALL: [Self; 4] = [Self::All, Self::Small, Self::Medium, Self::Large];

    /// Whether a box is of this size.
    #[must_use]
    pub fn has(self, rect: &Rect) -> bool {
        let area = rect.area();
        match self {
            Self::All => true,
            Self::Small => area <= SMALL,
            Self::Medium => (SMALL..=MEDIUM).contains(&area),
            Self::Large => area >= MEDIUM,
        }
    }
}
