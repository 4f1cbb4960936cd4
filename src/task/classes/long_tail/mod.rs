//! Many classes with few samples: what is measured of them beyond the scores of every classifier. Only tasks that say what training
//! had of each class have it.
//!
//! ```text
//! sum     what an evaluation adds up   specs  which scores there are
//! tables  an evaluation as tables      page   the same for the page of a run
//! ```

pub(super) mod page;
pub mod specs;
mod sum;
pub(super) mod tables;
#[cfg(test)]
mod tests;

pub use self::sum::{Found, LongTail, Training};
