//! Arrays of NumPy: one in an `.npy` file, several in an `.npz` file. What they mean is for the caller to say.
//!
//! ```text
//! npy   a header in Python's notation, then the numbers or texts    npz   a zip file of such files, read in memory
//! ```

mod npy;
mod npz;

pub use npy::{Array, Header, Numbers, encode, read};
pub use npz::{Arrays, MOST_BYTES};
