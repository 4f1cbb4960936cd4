//! What every reader of pickles needs: the steps by their bytes, and numbers and texts as they are in the file. What the steps make is
//! for the reader to say; none of them runs anything.
//!
//! ```text
//! opcode   the steps and their names    literal   numbers and texts
//! ```

mod literal;
mod opcode;

pub use literal::Bytes;
pub use opcode::Opcode;
