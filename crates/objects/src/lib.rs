//! Objects in images: suppression of repeated detections, average precision. It needs no libtorch, and knows no network.
//!
//! ```text
//! boxes    rectangles in pixels           picture   an image in memory
//! nms      of detections that overlap, the surest   score     how good detections are
//! ```

pub mod boxes;
pub mod nms;
pub mod picture;
pub mod score;
