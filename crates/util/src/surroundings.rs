//! What all long work gets from outside: the stop request, and the progress receiver.

use crate::progress::Progress;
use crate::stop::Stop;

/// What long work gets from outside.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The stop request.
    pub stop: &'a Stop,
    /// The progress receiver.
    pub progress: &'a dyn Progress,
}
