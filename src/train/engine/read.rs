//! Reads of device values by the host. Each read makes the host wait until the device has done all its pending work,
//! so reads are few, go through this module, and are counted.

use std::cell::Cell;

use tch::{Kind, TchError, Tensor};

/// What the engine reads from the device.
#[derive(Debug, Default)]
pub(super) struct Reads(Cell<u64>);

impl Reads {
    /// The numbers of a small tensor, in double precision.
    pub(super) fn numbers(&self, tensor: &Tensor) -> Result<Vec<f64>, TchError> {
        self.0.set(self.0.get() + 1);
        Vec::try_from(tensor.f_to_kind(Kind::Double)?)
    }

    /// How many times the host has waited for the device.
    #[cfg(test)]
    pub(super) fn count(&self) -> u64 {
        self.0.get()
    }
}
