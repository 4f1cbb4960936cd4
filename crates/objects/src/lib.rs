//! Objects in images: label files, suppression of repeated detections, average precision. It needs no libtorch, and knows no network.
//!
//! ```text
//! boxes    rectangles in pixels           picture   an image in memory
//! dataset  data.yaml, images, labels      nms       of detections that overlap, the surest
//! score    how good detections are        letterbox an image in a square, and back
//! resize   an image at another size       augment   random changes of images with their boxes
//! assign   which places learn which object
//! ```

pub mod assign;
pub mod augment;
pub mod boxes;
pub mod dataset;
pub mod letterbox;
pub mod nms;
pub mod picture;
pub mod resize;
pub mod score;
