//! What forecasts are judged by, beside the loss: hits and misses above thresholds, and errors in dBZ, each also for the
//! forecast that nothing changes. All cells of a validation count alike, whatever window they belong to.
//!
//! The critical success index, hits / (hits + misses + false alarms), is that of Donaldson et al. (1975). An event is a
//! value strictly above the threshold.

use tch::{Kind, Tensor};

use super::collate::Batch;
use crate::task::nowcast::config::NowcastConfig;
use crate::task::nowcast::quantize::STEPS;
use crate::train::task::Scores;

/// The share of a step between two bytes up to which a byte lies on a threshold: rounding, and no more.
const ON_THRESHOLD: f64 = 1e-6;

/// Hits, misses and false alarms are counted above this.
#[derive(Clone, Debug)]
struct Threshold {
    name: String,
    /// On the normalised scale. As fp32, like the forecasts: a value that equals it is then no event.
    normalised: f64,
    /// The strongest byte that is not above it. Observations are compared as bytes, which no rounding can touch.
    byte: i64,
}

impl Threshold {
    fn new(dbz: f64, min_dbz: f64, max_dbz: f64) -> Self {
        let normalised = (dbz - min_dbz) / (max_dbz - min_dbz);
        let byte = (normalised * STEPS + ON_THRESHOLD).floor() + 1.0;
        Self { name: dbz.to_string(), normalised: f64::from(normalised as f32), byte: byte.clamp(0.0, 255.0) as i64 }
    }
}

/// How forecasts are judged.
#[derive(Debug)]
pub(super) struct Judge {
    thresholds: Vec<Threshold>,
    /// The reflectivity between 0 and 1 of the normalised scale.
    span_dbz: f64,
}

impl Judge {
    pub(super) fn new(config: &NowcastConfig) -> Self {
        let (min, max) = (config.prepare.min_dbz, config.prepare.max_dbz);
        let thresholds = config.scores.thresholds_dbz.iter().map(|&dbz| Threshold::new(dbz, min, max)).collect();
        Self { thresholds, span_dbz: max - min }
    }

    /// No forecast was judged yet.
    pub(super) fn scores(&self) -> NowcastScores {
        let none = || Tally { events: vec![Events::default(); self.thresholds.len()], ..Tally::default() };
        NowcastScores {
            names: self.thresholds.iter().map(|threshold| threshold.name.clone()).collect(),
            span_dbz: self.span_dbz,
            samples: 0,
            cells: 0,
            model: none(),
            persistence: none(),
            persistence_loss: 0.0,
        }
    }

    /// What a batch adds to [`NowcastScores`], as a vector on the device, to be read together with all else.
    pub(super) fn measure(&self, batch: &Batch, prediction_btcyx: &Tensor) -> Tensor {
        let (target_bytes, last_bytes) = (batch.target_bytes(), batch.last_bytes());
        let observed: Vec<Tensor> = self.thresholds.iter().map(|threshold| target_bytes.gt(threshold.byte)).collect();
        let predicted = self.thresholds.iter().map(|threshold| prediction_btcyx.gt(threshold.normalised));
        let persisted = self.thresholds.iter().map(|threshold| last_bytes.gt(threshold.byte).expand_as(&target_bytes));
        let known = batch.known_btcyx.as_ref();
        let cells = match known {
            Some(known) => count(known),
            None => Tensor::full([], target_bytes.numel() as i64, (Kind::Double, target_bytes.device())),
        };
        let mut numbers = vec![cells];
        numbers.extend(observed.iter().map(count));
        for (events, forecast) in
            [(predicted.collect::<Vec<_>>(), prediction_btcyx), (persisted.collect::<Vec<_>>(), &batch.persistence())]
        {
            numbers.extend(errors(forecast, &batch.target_btcyx, known));
            numbers.extend(
                events.iter().zip(&observed).flat_map(|(forecast, observed)| contingency(forecast, observed, known)),
            );
        }
        Tensor::stack(&numbers, 0)
    }
}

fn count(cells: &Tensor) -> Tensor {
    cells.count_nonzero(None).to_kind(Kind::Double)
}

/// The sums of the errors and of their squares.
fn errors(forecast: &Tensor, target: &Tensor, known: Option<&Tensor>) -> [Tensor; 2] {
    let errors = (forecast - target).to_kind(Kind::Double);
    let errors = match known {
        Some(known) => errors.where_scalarother(known, 0.0),
        None => errors,
    };
    [errors.abs().sum(Kind::Double), errors.square().sum(Kind::Double)]
}

/// How many events were forecast, and how many of them came. No observed event lies where nothing is known.
fn contingency(forecast: &Tensor, observed: &Tensor, known: Option<&Tensor>) -> [Tensor; 2] {
    let forecast = match known {
        Some(known) => forecast.logical_and(known),
        None => forecast.shallow_clone(),
    };
    [count(&forecast), count(&forecast.logical_and(observed))]
}

/// Sums over all forecasts that were judged.
#[derive(Clone, Debug)]
pub struct NowcastScores {
    /// Of the thresholds.
    names: Vec<String>,
    span_dbz: f64,
    samples: usize,
    cells: u64,
    model: Tally,
    persistence: Tally,
    persistence_loss: f64,
}

/// Sums over the forecasts of one kind.
#[derive(Clone, Debug, Default)]
struct Tally {
    /// Above each threshold.
    events: Vec<Events>,
    /// On the normalised scale.
    absolute: f64,
    /// On the normalised scale.
    squares: f64,
}

#[derive(Clone, Debug, Default)]
struct Events {
    observed: u64,
    forecast: u64,
    hits: u64,
}

impl Events {
    /// Not a number where nothing was observed and nothing forecast.
    fn critical_success(&self) -> f64 {
        self.hits as f64 / (self.observed + self.forecast - self.hits) as f64
    }
}

impl Tally {
    fn add(&mut self, observed: &[f64], numbers: &[f64]) {
        let ([absolute, squares], events) = (pair(numbers), numbers.get(2..).unwrap_or_default());
        self.absolute += absolute;
        self.squares += squares;
        for ((sums, observed), events) in self.events.iter_mut().zip(observed).zip(events.chunks_exact(2)) {
            let [forecast, hits] = pair(events);
            // Counts: whole numbers far below 2^53, which the device handed over beside the sums.
            sums.observed += *observed as u64;
            sums.forecast += forecast as u64;
            sums.hits += hits as u64;
        }
    }

    fn values(&self, prefix: &str, scores: &NowcastScores) -> Vec<(String, f64)> {
        let (cells, span) = (scores.cells as f64, scores.span_dbz);
        let csi = scores.names.iter().zip(&self.events);
        let csi = csi.map(|(name, events)| (format!("{prefix}csi_{name}"), events.critical_success()));
        let errors = [
            (format!("{prefix}mae_dbz"), self.absolute / cells * span),
            (format!("{prefix}rmse_dbz"), (self.squares / cells).sqrt() * span),
        ];
        csi.chain(errors).collect()
    }
}

fn pair(numbers: &[f64]) -> [f64; 2] {
    [0, 1].map(|index| numbers.get(index).copied().unwrap_or(f64::NAN))
}

impl NowcastScores {
    /// Adds what [`Judge::measure`] found in a batch of so many samples, and the summed loss of persistence.
    pub(super) fn add(&mut self, samples: usize, persistence_loss: f64, numbers: &[f64]) {
        let thresholds = self.names.len();
        let [cells, rest @ ..] = numbers else { return };
        let (observed, forecasts) = rest.split_at(thresholds.min(rest.len()));
        let (model, persistence) = forecasts.split_at(forecasts.len() / 2);
        self.samples += samples;
        self.cells += *cells as u64;
        self.persistence_loss += persistence_loss;
        self.model.add(observed, model);
        self.persistence.add(observed, persistence);
    }
}

impl Scores for NowcastScores {
    fn values(&self) -> Vec<(String, f64)> {
        let mut values = self.model.values("", self);
        values.extend(self.persistence.values("persistence_", self));
        values.push(("persistence_loss".to_owned(), self.persistence_loss / self.samples as f64));
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::nowcast::quantize::Quantizer;

    #[test]
    fn a_byte_is_an_event_where_its_reflectivity_is_strictly_above_whether_compared_as_byte_or_as_float() {
        for (min, max) in [(-29.0, 65.0), (0.0, 254.0), (-32.5, 95.0), (-30.1, 70.3)] {
            let quantizer = Quantizer::new(min, max).unwrap();
            let on_bytes = (1..=255).map(|byte| (quantizer.dequantize(byte), i64::from(byte)));
            let between = on_bytes.clone().map(|(dbz, byte)| (dbz + 0.3 * quantizer.scale_factor(), byte));
            let outside = [(min - 1.0, 0), (max + 1.0, 255)];
            for (dbz, strongest) in on_bytes.chain(between).chain(outside) {
                let threshold = Threshold::new(dbz, min, max);
                assert_eq!(threshold.byte, strongest, "{dbz} dBZ in {min} to {max}");
                for byte in 1..=255_u8 {
                    let float = (f32::from(byte) - 1.0) / STEPS as f32;
                    let events = (i64::from(byte) > threshold.byte, f64::from(float) > threshold.normalised);
                    assert_eq!(events.0, events.1, "byte {byte} at {dbz} dBZ in {min} to {max}");
                }
            }
        }
    }
}
