//! Objects in images: label files, suppression of repeated detections, average precision. It needs no libtorch, and knows no network.
//!
//! ```text
//! boxes    rectangles in pixels           picture   an image in memory
//! dataset  data.yaml, images, labels      nms       of detections that overlap, the surest
//! score    how good detections are
//! ```

pub mod boxes;
pub mod dataset;
pub mod nms;
pub mod picture;
pub mod score;
