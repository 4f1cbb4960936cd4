//! A frame of raw numbers, and the buffers that reading it needs: one for each thread that reads.

use super::arrange::Plan;
use super::chunked::Decoder;
use super::values::Values;

/// The stored numbers of a frame, and room to read the next one without reserving memory again.
pub struct RawVolume {
    /// Levels from the bottom up, rows from south to north, columns from west to east.
    pub shape: [usize; 3],
    /// The numbers, columns fastest.
    pub values: Values,
    pub(super) stored: Values,
    pub(super) decoder: Decoder,
    pub(super) bytes: Vec<u8>,
}

impl RawVolume {
    /// An empty frame.
    #[must_use]
    pub fn new() -> Self {
        let empty = || Values::I8(Vec::new());
        Self { shape: [0; 3], values: empty(), stored: empty(), decoder: Decoder::default(), bytes: Vec::new() }
    }
}

impl Default for RawVolume {
    fn default() -> Self {
        Self::new()
    }
}

impl Values {
    /// Puts numbers of the same type in a place of it.
    pub(super) fn put(&mut self, at: usize, some: &Self) {
        match (self, some) {
            (Self::I8(into), Self::I8(some)) => into[at..at + some.len()].copy_from_slice(some),
            (Self::U8(into), Self::U8(some)) => into[at..at + some.len()].copy_from_slice(some),
            (Self::I16(into), Self::I16(some)) => into[at..at + some.len()].copy_from_slice(some),
            (Self::U16(into), Self::U16(some)) => into[at..at + some.len()].copy_from_slice(some),
            (Self::I32(into), Self::I32(some)) => into[at..at + some.len()].copy_from_slice(some),
            (Self::U32(into), Self::U32(some)) => into[at..at + some.len()].copy_from_slice(some),
            (Self::F32(into), Self::F32(some)) => into[at..at + some.len()].copy_from_slice(some),
            (Self::F64(into), Self::F64(some)) => into[at..at + some.len()].copy_from_slice(some),
            _ => unreachable!("both were made for the type of the same file"),
        }
    }

    /// Takes the numbers of a stored frame of the same type, turned by a plan.
    pub(super) fn turn(&mut self, stored: &Self, plan: &Plan) {
        match (self, stored) {
            (Self::I8(into), Self::I8(stored)) => plan.turn(stored, into),
            (Self::U8(into), Self::U8(stored)) => plan.turn(stored, into),
            (Self::I16(into), Self::I16(stored)) => plan.turn(stored, into),
            (Self::U16(into), Self::U16(stored)) => plan.turn(stored, into),
            (Self::I32(into), Self::I32(stored)) => plan.turn(stored, into),
            (Self::U32(into), Self::U32(stored)) => plan.turn(stored, into),
            (Self::F32(into), Self::F32(stored)) => plan.turn(stored, into),
            (Self::F64(into), Self::F64(stored)) => plan.turn(stored, into),
            _ => unreachable!("both were made for the type of the same file"),
        }
    }
}
