//! What a person would want to see of a forecast: plain arrays in dBZ, with the minutes from the last frame seen.

use tch::{Device, Kind, TchError, Tensor};

use super::collate::Batch;
use super::names::Names;
use crate::data::loader::Sample;
use crate::task::nowcast::quantize::Quantizer;
use crate::train::task::{NamedValues, Picture};

/// One picture for each window of a batch.
pub(super) fn pictures(
    batch: &Batch,
    prediction_btcyx: &Tensor,
    names: &Names,
    quantizer: Quantizer,
) -> Result<Vec<Picture>, TchError> {
    // Channels are levels: their maximum is what a person looks at, as in a composite.
    let frames_btyx = batch.bytes_btcyx.f_amax([2].as_slice(), false)?.f_to_device(Device::Cpu)?;
    let predicted_btyx = prediction_btcyx.f_amax([2].as_slice(), false)?.f_to_device(Device::Cpu)?;
    let windows = batch.samples.iter().zip(0..);
    let picture = |(sample, index): (&Sample, i64)| {
        let (frames, predicted) = (frames_btyx.f_get(index)?, predicted_btyx.f_get(index)?);
        picture(&frames, &predicted, sample, names, quantizer)
    };
    windows.map(picture).collect()
}

fn picture(
    frames_tyx: &Tensor,
    predicted_tyx: &Tensor,
    sample: &Sample,
    names: &Names,
    quantizer: Quantizer,
) -> Result<Picture, TchError> {
    let targets = predicted_tyx.size()[0];
    let inputs = frames_tyx.size()[0] - targets;
    let dbz: Vec<f32> = (0..=u8::MAX).map(|byte| quantizer.dequantize(byte) as f32).collect();
    let known = |name: &str, from, count| {
        let bytes_tyx = frames_tyx.f_narrow(0, from, count)?;
        let bytes = Vec::<u8>::try_from(bytes_tyx.f_flatten(0, -1)?)?;
        Ok::<_, TchError>(values(name, &bytes_tyx, bytes.into_iter().map(|byte| dbz[usize::from(byte)]).collect()))
    };
    let (weakest, strongest) = (quantizer.dequantize(1), quantizer.dequantize(u8::MAX));
    let predicted_dbz =
        predicted_tyx.f_to_kind(Kind::Float)?.f_mul_scalar(strongest - weakest)?.f_add_scalar(weakest)?;
    let predicted = Vec::<f32>::try_from(predicted_dbz.f_flatten(0, -1)?)?;
    let minutes = names.minutes(sample);
    let (seen, lead) = minutes.split_at(inputs as usize);
    let list = |name: &str, minutes: &[f32]| NamedValues {
        name: name.to_owned(),
        shape: vec![minutes.len()],
        values: minutes.to_vec(),
    };
    let arrays = vec![
        known("seen", 0, inputs)?,
        known("observed", inputs, targets)?,
        values("predicted", predicted_tyx, predicted),
        list("seen_minutes", seen),
        list("lead_minutes", lead),
    ];
    Ok(Picture { name: names.of_forecast(sample), arrays })
}

fn values(name: &str, tensor: &Tensor, values: Vec<f32>) -> NamedValues {
    let shape = tensor.size().into_iter().map(|size| size.unsigned_abs() as usize).collect();
    NamedValues { name: name.to_owned(), shape, values }
}
