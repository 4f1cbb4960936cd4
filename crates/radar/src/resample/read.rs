//! Resampling a frame as read from a file, for every type of number.

use super::{Decode, ResampleError, Resampler, Scratch};
use crate::quantize::Quantizer;
use crate::volume::{Packing, RawVolume, Values};

impl From<&Packing> for Decode {
    /// The packing as limits on raw numbers. A range of physical values is brought back through scale and offset.
    fn from(packing: &Packing) -> Self {
        let bound = |physical: f64| (physical - packing.offset) / packing.scale;
        let [a, b] = packing.valid_physical.map(bound);
        let [least, most] = packing.valid_stored;
        let valid = [least.max(a.min(b)), most.min(a.max(b))];
        let limited = valid.iter().any(|limit| limit.is_finite());
        Self {
            scale: packing.scale,
            offset: packing.offset,
            missing: packing.missing.clone(),
            valid: limited.then_some(valid),
            unsigned_span: packing.unsigned_span,
        }
    }
}

impl Resampler {
    /// Resamples all levels of a frame as it was read, into as many bytes as the levels have cells after resampling.
    ///
    /// # Errors
    /// If the frame does not have the size that the resampler was made for.
    pub fn run_volume(
        &self,
        raw: &RawVolume,
        packing: &Packing,
        quantizer: &Quantizer,
        out: &mut [u8],
        scratch: &mut Scratch,
    ) -> Result<(), ResampleError> {
        let decode = Decode::from(packing);
        match &raw.values {
            Values::I8(values) => self.run(values, &decode, quantizer, out, scratch),
            Values::U8(values) => self.run(values, &decode, quantizer, out, scratch),
            Values::I16(values) => self.run(values, &decode, quantizer, out, scratch),
            Values::U16(values) => self.run(values, &decode, quantizer, out, scratch),
            Values::I32(values) => self.run(values, &decode, quantizer, out, scratch),
            Values::U32(values) => self.run(values, &decode, quantizer, out, scratch),
            Values::F32(values) => self.run(values, &decode, quantizer, out, scratch),
            Values::F64(values) => self.run(values, &decode, quantizer, out, scratch),
        }
    }
}
