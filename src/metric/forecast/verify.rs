//! Compares forecasts with observations: from plain arrays to sums, exactly and fast. Neither the scores, which follow
//! from the sums, nor making forecasts.
//!
//! - An event is a value strictly above a threshold, for the table as for the fractions skill score. pysteps takes `>` for
//!   the first and `>=` for the second; a reflectivity that equals a threshold exactly counts differently there.
//! - A cell that is missing in the observation is left out of the table and of the errors. Within the squares of the
//!   fractions skill score it is a cell without an event on both sides. For pysteps such a cell is one without an event in
//!   the table as well, unless the caller leaves it out.
//! - The similarity is that of the loss: what is missing is 0 on both sides, and the mean is over known cells. The loss
//!   takes one mean over all cells of a sample; here each frame counts alike, and one without known cells is not counted.
//! - A value that was not forecast (NaN) is a forecast of no echo.
//! - A channel is one more frame of the same lead time, but for the scores of whole frames (`frames`), if they are measured.
//!
//! Frames are measured in parallel and added in a fixed order. Counts are whole numbers, and the sums of a frame are rounded
//! to a multiple of a power of two, so far below anything that matters, and so coarse, that adding them makes no new
//! rounding: neither the number of threads nor the order of windows changes a bit.

mod boxes;
mod counts;
mod frames;
mod similarity;
mod thresholds;

#[cfg(test)]
mod fixture_tests;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use self::boxes::{Boxes, Observed};
use self::similarity::{Moments, Similarity};
use self::thresholds::{Classes, Thresholds};
use super::errors::ErrorSums;
use super::frames::FrameSums;
use super::sums::{LeadSums, Levels, SimilaritySums, Sums};

/// Steps between the weakest byte, 1, and the strongest, 255.
const STEPS: f32 = 254.0;

/// Sums of differences are multiples of 1 / this: exact in any order up to 2^29, ten thousand million cells that are wrong
/// by a twentieth of the scale.
const PER_DIFFERENCE: f64 = (1_u64 << 24) as f64;

/// The similarity of a frame is a multiple of 1 / this: exact in any order for 130 000 frames.
const PER_SIMILARITY: f64 = (1_u64 << 36) as f64;

/// The shape of the forecasts for one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Lead times.
    pub leads: usize,
    /// Frames of each lead time.
    pub channels: usize,
    /// Rows of a frame.
    pub rows: usize,
    /// Columns of a frame.
    pub columns: usize,
}

impl Shape {
    /// The cells of one frame.
    #[must_use]
    pub fn frame(&self) -> usize {
        self.rows * self.columns
    }

    /// The cells of all frames.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.leads * self.channels * self.frame()
    }
}

/// Measures forecasts of one shape, always at the same thresholds and scales.
#[derive(Debug)]
pub struct Verifier {
    levels: Levels,
    shape: Shape,
    thresholds: Thresholds,
    boxes: Boxes,
    similarity: Similarity,
}

/// What was observed in a window, with all that several forecasts of it are compared with.
#[derive(Debug)]
pub struct Observation {
    frames: Vec<ObservedFrame>,
}

#[derive(Debug)]
struct ObservedFrame {
    /// 1 where a cell is known, 0 elsewhere; None if all are known.
    known: Option<Vec<u8>>,
    known_cells: u64,
    /// On the normalised scale; 0 where nothing is known.
    values: Vec<f32>,
    classes: Classes,
    boxes: Observed,
    moments: Moments,
}

impl Observation {
    /// The cells that are known: the others are left out.
    #[must_use]
    pub fn known_cells(&self) -> u64 {
        self.frames.iter().map(|frame| frame.known_cells).sum()
    }
}

impl Verifier {
    /// Measures at these levels, on a scale whose 0 is `min_dbz`, forecasts of this shape.
    #[must_use]
    pub fn new(levels: Levels, min_dbz: f64, frame: Shape) -> Self {
        let thresholds = Thresholds::new(&levels.thresholds, min_dbz, levels.span);
        let boxes = Boxes::new(&levels.scales_px, frame.rows, frame.columns);
        Self { levels, shape: frame, thresholds, boxes, similarity: Similarity::new(frame.rows, frame.columns) }
    }

    /// What sums are measured at.
    #[must_use]
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// The shape of what it measures.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// What was observed: a byte for each cell of leads, channels, rows and columns; 0 is missing, 1 to 255 are linear on
    /// the scale.
    ///
    /// # Panics
    /// If it has another size than [`Self::shape`].
    #[must_use]
    pub fn observe(&self, observed: &[u8]) -> Observation {
        self.check(observed.len());
        let frames = observed.par_chunks_exact(self.shape.frame());
        Observation { frames: frames.map(|bytes| self.observe_frame(bytes)).collect() }
    }

    /// Measures a forecast: normalised values of leads, channels, rows and columns; NaN is no echo.
    ///
    /// # Panics
    /// If it has another size than [`Self::shape`].
    #[must_use]
    pub fn measure(&self, observation: &Observation, forecast: &[f32]) -> Sums {
        self.check(forecast.len());
        let frames = forecast.par_chunks_exact(self.shape.frame()).zip(&observation.frames);
        let of_frames: Vec<LeadSums> = frames.map(|(values, observed)| self.measure_frame(observed, values)).collect();
        let mut sums = Sums::none(&self.levels, self.shape.leads);
        for (lead, frames) in sums.leads.iter_mut().zip(of_frames.chunks_exact(self.shape.channels)) {
            frames.iter().for_each(|frame| lead.add(frame));
        }
        if self.levels.frames.is_some() {
            let whole = self.measure_whole(observation, forecast);
            sums.leads.iter_mut().zip(whole).for_each(|(lead, frames)| lead.frames = Some(frames));
        }
        sums
    }

    /// All channels of each lead as one frame.
    fn measure_whole(&self, observation: &Observation, forecast: &[f32]) -> Vec<FrameSums> {
        let Shape { channels, columns, .. } = self.shape;
        let leads = forecast.par_chunks_exact(channels * self.shape.frame());
        let lead = |(forecast, observed): (&[f32], &[ObservedFrame])| {
            if observed.iter().all(|frame| frame.known_cells == 0) {
                return FrameSums::default();
            }
            let channels = forecast.chunks_exact(self.shape.frame()).zip(observed);
            let pair = |(values, observed): (&[f32], &'_ ObservedFrame)| comparable(values, observed.known.as_deref());
            let forecasts: Vec<Vec<f32>> = channels.map(pair).collect();
            let observed = observed.iter().map(|frame| frame.values.as_slice());
            frames::measure(&forecasts.into_iter().zip(observed).collect::<Vec<_>>(), columns)
        };
        leads.zip(observation.frames.par_chunks_exact(channels)).map(lead).collect()
    }

    fn check(&self, cells: usize) {
        assert_eq!(cells, self.shape.cells(), "cells of a window of {:?}", self.shape);
    }

    fn observe_frame(&self, bytes: &[u8]) -> ObservedFrame {
        let known: Vec<u8> = bytes.iter().map(|&byte| u8::from(byte != 0)).collect();
        let known_cells = known.iter().map(|&known| u64::from(known)).sum();
        let values: Vec<f32> = bytes.iter().map(|&byte| (f32::from(byte.max(1)) - 1.0) / STEPS).collect();
        let classes = self.thresholds.of_bytes(bytes, self.shape.columns);
        ObservedFrame {
            known: (known_cells < bytes.len() as u64).then_some(known),
            known_cells,
            boxes: self.boxes.observe(&classes, self.thresholds.len()),
            moments: self.similarity.observe(&values),
            classes,
            values,
        }
    }

    fn measure_frame(&self, observed: &ObservedFrame, forecast: &[f32]) -> LeadSums {
        if observed.known_cells == 0 {
            return LeadSums::none(&self.levels);
        }
        let known = observed.known.as_deref();
        let values = comparable(forecast, known);
        let classes = self.thresholds.of_floats(&values, known, self.shape.columns);
        let events = classes.contingency(&observed.classes, self.thresholds.len(), observed.known_cells);
        let fractions = self.boxes.measure(&observed.boxes, &classes, &events);
        let similarity = self.similarity.sum(&observed.values, &observed.moments, &values, known);
        LeadSums {
            events: self.thresholds.in_given_order(&events),
            fractions: self.thresholds.in_given_order(&fractions),
            errors: differences(&values, &observed.values, observed.known_cells),
            similarity: SimilaritySums {
                frames: 1,
                sum: rounded(similarity / observed.known_cells as f64, PER_SIMILARITY),
            },
            frames: None,
        }
    }
}

/// The forecast, with 0 where there is none and where nothing is known.
fn comparable(forecast: &[f32], known: Option<&[u8]>) -> Vec<f32> {
    let mut values: Vec<f32> = forecast.iter().map(|&value| if value.is_nan() { 0.0 } else { value }).collect();
    if let Some(known) = known {
        values.iter_mut().zip(known).for_each(|(value, &known)| *value = if known == 0 { 0.0 } else { *value });
    }
    values
}

/// The sums of the differences of a frame, both sides of which are 0 where nothing is known.
fn differences(forecast: &[f32], observed: &[f32], cells: u64) -> ErrorSums {
    const LANES: usize = 4;
    let [mut sum, mut absolute, mut squares] = [[0.0; LANES]; 3];
    for (forecast, observed) in forecast.chunks(LANES).zip(observed.chunks(LANES)) {
        for (lane, (&forecast, &observed)) in forecast.iter().zip(observed).enumerate() {
            let difference = f64::from(forecast) - f64::from(observed);
            sum[lane] += difference;
            absolute[lane] += difference.abs();
            squares[lane] += difference * difference;
        }
    }
    let [sum, absolute, squares] = [sum, absolute, squares].map(|lanes| rounded(lanes.iter().sum(), PER_DIFFERENCE));
    ErrorSums { cells, sum, absolute, squares }
}

/// The nearest multiple of 1 / `per`.
fn rounded(value: f64, per: f64) -> f64 {
    (value * per).round() / per
}
