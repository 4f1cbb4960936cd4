//! From what a file says about its packing to what the resampling needs: plain limits on raw numbers.

use crate::task::nowcast::quantize::Quantizer;
use crate::task::nowcast::resample::{Decode, ResampleError, Resampler, Scratch};
use crate::task::nowcast::volume::{Packing, RawVolume, Values};

/// The packing as limits on raw numbers. A range of physical values is brought back through scale and offset.
pub fn decode(packing: &Packing) -> Decode {
    let bound = |physical: f64| (physical - packing.offset) / packing.scale;
    let [a, b] = packing.valid_physical.map(bound);
    let [least, most] = packing.valid_stored;
    let valid = [least.max(a.min(b)), most.min(a.max(b))];
    let limited = valid.iter().any(|limit| limit.is_finite());
    Decode {
        scale: packing.scale,
        offset: packing.offset,
        missing: packing.missing.clone(),
        valid: limited.then_some(valid),
        unsigned_span: packing.unsigned_span,
    }
}

/// Resamples a volume as it was read.
///
/// # Errors
/// Where the volume does not have the size that the resampler was made for.
pub fn resample(
    resampler: &Resampler,
    raw: &RawVolume,
    packing: &Packing,
    quantizer: &Quantizer,
    out: &mut [u8],
    scratch: &mut Scratch,
) -> Result<(), ResampleError> {
    let decode = decode(packing);
    match &raw.values {
        Values::I8(values) => resampler.run(values, &decode, quantizer, out, scratch),
        Values::U8(values) => resampler.run(values, &decode, quantizer, out, scratch),
        Values::I16(values) => resampler.run(values, &decode, quantizer, out, scratch),
        Values::U16(values) => resampler.run(values, &decode, quantizer, out, scratch),
        Values::I32(values) => resampler.run(values, &decode, quantizer, out, scratch),
        Values::U32(values) => resampler.run(values, &decode, quantizer, out, scratch),
        Values::F32(values) => resampler.run(values, &decode, quantizer, out, scratch),
        Values::F64(values) => resampler.run(values, &decode, quantizer, out, scratch),
    }
}
