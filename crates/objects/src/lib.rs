//! Objects in images: files and labels, random changes, assignment to places, suppression of repeated detections, average
//! precision. It needs no libtorch, and knows no network.
//!
//! ```text
//! boxes    rectangles in pixels           picture    an image in memory
//! decode   image files                    dataset    data.yaml, images, labels
//! resize   an image at another size       letterbox  an image in a square, and back
//! augment  random changes of images with their boxes
//! assign   which places learn which object
//! nms      of detections that overlap, the surest
//! score    how good detections are        synth      shapes to try a detector with
//! ```

pub mod assign;
pub mod augment;
pub mod boxes;
pub mod dataset;
pub mod decode;
pub mod letterbox;
pub mod nms;
pub mod picture;
pub mod resize;
pub mod score;
pub mod synth;
