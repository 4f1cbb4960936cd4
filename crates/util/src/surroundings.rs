//! What all long work gets from outside: the request to stop, and an audience.

use crate::progress::Progress;
use crate::stop::Stop;

/// What long work gets from outside.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The request to stop.
    pub stop: &'a Stop,
    /// The audience.
    pub progress: &'a dyn Progress,
}
