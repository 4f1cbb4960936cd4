//! Objects in images: label files, boxes, augmentation, suppression of repeated detections, average precision. It needs no
//! libtorch, and knows no network.
//!
//! ```text
//! boxes    rectangles in pixels        picture   an image in memory
//! ```

pub mod boxes;
pub mod picture;
