//! What a choice among classes looks like, as small images: in rows with captions, a row for each class, or by pairs of classes
//! that were confused.

pub mod contact;
pub mod pairs;
pub mod sheet;
mod tile;
