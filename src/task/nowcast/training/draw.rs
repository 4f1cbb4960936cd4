//! What is drawn of a forecast: plain arrays, with the minutes from the last frame seen, and how they
//! become a sheet and a film.

use std::sync::Arc;

use tch::{Device, TchError, Tensor};

use super::collate::Batch;
use super::names::Names;
use crate::data::loader::Sample;
use crate::report::PictureError;
use crate::report::radar::colours::Scale;
use crate::report::radar::forecast::{Forecast, gif, png, strip};
use crate::task::nowcast::advection;
use crate::task::nowcast::quantize::Quantizer;
use crate::task::nowcast::verification::Kind;
use crate::train::drawing::{Drawing, Sketch};

/// The frames of a forecast and around it, each with its rows from south to north; `NaN` is missing.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    pub(super) name: String,
    pub(super) scale: Arc<Scale>,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) seen: Vec<f32>,
    pub(super) seen_minutes: Vec<f32>,
    pub(super) observed: Vec<f32>,
    pub(super) predicted: Vec<f32>,
    pub(super) lead_minutes: Vec<f32>,
    /// The value of a cell without echo.
    pub(super) no_echo: f32,
}

impl Frames {
    pub(super) fn sketch(self) -> Sketch {
        Sketch::new(self.name.clone(), move |of| self.drawing(of))
    }

    fn drawing(&self, of: &str) -> Result<Drawing, PictureError> {
        let title = format!("{}, {of}", self.name);
        let carried = self.carried();
        let forecast = Forecast {
            title: &title,
            scale: &self.scale,
            height: self.height,
            width: self.width,
            seen: &self.seen,
            seen_minutes: &self.seen_minutes,
            observed: &self.observed,
            predicted: &self.predicted,
            compared: &carried,
            compared_name: Kind::Advection.name(),
            lead_minutes: &self.lead_minutes,
        };
        let caption = format!("Forecast of {title}: observed, forecast, and the difference.");
        // The sheet first: only it is kept for each epoch. A film is much larger.
        let page = strip(&Forecast { title: &self.name, ..forecast })?;
        let files = vec![("png", png(&forecast)?), ("gif", gif(&forecast)?), ("strip.png", page)];
        Ok(Drawing { name: self.name.clone(), caption, files })
    }
}

impl Frames {
    /// Advection of the last input frames, which needs no training. If nothing is known about a cell it forecasts no
    /// echo, as in the evaluation.
    fn carried(&self) -> Vec<f32> {
        let minutes = |of: &[f32]| of.iter().map(|&minutes| f64::from(minutes)).collect::<Vec<_>>();
        let (input_minutes, lead_minutes) = (minutes(&self.seen_minutes), minutes(&self.lead_minutes));
        let times = advection::Times { input_minutes: &input_minutes, lead_minutes: &lead_minutes };
        let frames: Vec<&[f32]> = self.seen.chunks_exact(self.height * self.width).collect();
        let carried = advection::forecast(&frames, self.height, self.width, &times, self.no_echo);
        carried.into_iter().map(|dbz| if dbz.is_nan() { self.no_echo } else { dbz }).collect()
    }
}

/// The frames of each window of a batch.
pub(super) fn frames(
    batch: &Batch,
    prediction_btcyx: &Tensor,
    names: &Names,
    (quantizer, scale): (Quantizer, &Arc<Scale>),
) -> Result<Vec<Frames>, TchError> {
    // Channels are levels: their maximum is drawn, as in a composite.
    let frames_btyx = batch.bytes_btcyx.f_amax([2].as_slice(), false)?.f_to_device(Device::Cpu)?;
    let predicted_btyx = prediction_btcyx.f_amax([2].as_slice(), false)?.f_to_device(Device::Cpu)?;
    let windows = batch.samples.iter().zip(0..);
    let of_window = |(sample, index): (&Sample, i64)| {
        let (frames, predicted) = (frames_btyx.f_get(index)?, predicted_btyx.f_get(index)?);
        of_window(&frames, &predicted, sample, names, (quantizer, scale))
    };
    windows.map(of_window).collect()
}

fn of_window(
    frames_tyx: &Tensor,
    predicted_tyx: &Tensor,
    sample: &Sample,
    names: &Names,
    (quantizer, scale): (Quantizer, &Arc<Scale>),
) -> Result<Frames, TchError> {
    let (targets, height, width) = predicted_tyx.size3()?;
    let inputs = frames_tyx.size()[0] - targets;
    let values: Vec<f32> = (0..=u8::MAX).map(|byte| quantizer.dequantize(byte) as f32).collect();
    let known = |from, count| {
        let bytes = Vec::<u8>::try_from(frames_tyx.f_narrow(0, from, count)?.f_flatten(0, -1)?)?;
        Ok::<_, TchError>(bytes.into_iter().map(|byte| values[usize::from(byte)]).collect::<Vec<_>>())
    };
    let (weakest, strongest) = (quantizer.dequantize(1), quantizer.dequantize(u8::MAX));
    let predicted =
        predicted_tyx.f_to_kind(tch::Kind::Float)?.f_mul_scalar(strongest - weakest)?.f_add_scalar(weakest)?;
    let minutes = names.minutes(sample);
    let (seen_minutes, lead_minutes) = minutes.split_at(inputs as usize);
    Ok(Frames {
        name: names.of_forecast(sample),
        scale: Arc::clone(scale),
        height: height as usize,
        width: width as usize,
        seen: known(0, inputs)?,
        seen_minutes: seen_minutes.to_vec(),
        observed: known(inputs, targets)?,
        predicted: Vec::try_from(predicted.f_flatten(0, -1)?)?,
        lead_minutes: lead_minutes.to_vec(),
        no_echo: weakest as f32,
    })
}
