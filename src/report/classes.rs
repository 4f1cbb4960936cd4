//! What a choice among classes looks like: who was taken for whom, and small images with captions.

pub mod contact;
pub mod sheet;
