//! The description of an event's array: names, coordinates and attributes, by the CF conventions.

use serde_json::{Map, Value};

/// Attributes of an array or a group, for other programs.
pub type Attributes = Map<String, Value>;

/// An array of frames, one byte per cell.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameArraySpec {
    /// The variable's name.
    pub name: String,
    /// The variable's attributes: `units`, `scale_factor`, `add_offset`, `_FillValue` and anything else that helps.
    pub attributes: Attributes,
    /// The axes of a frame, slowest first.
    pub coordinates: Vec<Coordinate>,
}

/// One axis of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinate {
    /// The name of the axis, and of the variable that holds its values.
    pub name: String,
    /// One value per cell.
    pub values: Vec<f64>,
    /// `units`, `standard_name`, `axis` and the like.
    pub attributes: Attributes,
}

impl FrameArraySpec {
    /// The lengths of a frame's axes.
    #[must_use]
    pub fn frame_shape(&self) -> Vec<usize> {
        self.coordinates.iter().map(|coordinate| coordinate.values.len()).collect()
    }

    /// The cells of a frame, each of one byte.
    #[must_use]
    pub fn frame_len(&self) -> usize {
        self.frame_shape().iter().product()
    }

    /// The same as it comes back from a file: a number that went through decimals may differ in its last bit.
    pub(super) fn as_read_back(&self) -> Self {
        let read_back = |attributes: &Attributes| {
            serde_json::to_string(attributes).and_then(|text| serde_json::from_str(&text)).unwrap_or_default()
        };
        let mut spec = self.clone();
        spec.attributes = read_back(&spec.attributes);
        for coordinate in &mut spec.coordinates {
            coordinate.attributes = read_back(&coordinate.attributes);
        }
        spec
    }
}
