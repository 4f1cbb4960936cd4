//! Sequences as people see them: strips of stick figures, on sheets of what training sees and of the surest mistakes.
//!
//! ```text
//! skeleton  which points are joined        placed  where each point is, hands at their wrists
//! strip     a sequence as moments          archive sequences by the numbers of their records
//! mistakes  what an evaluation got wrong   seen    what training sees
//! ```

mod archive;
mod mistakes;
mod placed;
pub mod seen;
mod skeleton;
pub mod strip;

pub use self::archive::Archive;
pub use self::mistakes::{MISTAKES, mistakes};
