//! The measures of a forecast, beside the loss: the scores of `verification`, each also for forecasts that need no
//! training. All cells of a validation count alike, regardless of their window.

use serde_json::{Value, json};
use tch::{Device, Kind as Dtype, TchError, Tensor};

use super::collate::Batch;
use super::names::Names;
use crate::data::loader::Sample;
use crate::metric::bootstrap;
use crate::metric::document::{Basis, Words};
use crate::metric::forecast::error_map::ErrorMap;
use crate::metric::forecast::frames::Convention;
use crate::metric::forecast::pool::OfEvent;
use crate::metric::forecast::scores::specs;
use crate::metric::forecast::sums::{LeadSums, Levels};
use crate::metric::ordered::Ordered;
use crate::metric::score::{ScoreSpec, Show};
use crate::task::nowcast::config::{Missing, NowcastConfig};
use crate::task::nowcast::loss::loss_spec;
use crate::task::nowcast::verification::{Judge, Kind, Place, SECTION, Tally, Verification, Window, gains};
use crate::train::task::{Depth, Scores};
use crate::util::quantity::Quantity;

/// Sums over all forecasts that were judged.
#[derive(Clone, Debug)]
pub struct NowcastScores {
    tally: Tally,
    /// The sum over samples.
    persistence_loss: f64,
    levels: Levels,
    depth: Depth,
    origin: Origin,
}

/// What is known of the windows beside what is in them.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin {
    /// The names of the events, by their numbers.
    pub(super) events: Vec<String>,
    /// How the windows are measured.
    pub(super) facts: Ordered<String>,
    /// What intervals follow from.
    pub(super) seed: u64,
    /// The score that evaluations are compared by.
    pub(super) primary: String,
}

/// How windows are measured: what two evaluations must have in common to be compared.
pub(super) fn facts(config: &NowcastConfig, quantity: &Quantity) -> Ordered<String> {
    let missing = match config.prepare.missing {
        Missing::Min => "min",
        Missing::Mask => "mask",
    };
    let listed = |values: Vec<String>| values.join(", ");
    let thresholds = config.scores.thresholds_for(quantity, &config.prepare).iter().map(f64::to_string).collect();
    let named = format!("thresholds in {}", quantity.unit()).trim_end_matches(" in ").to_owned();
    let facts = [("treatment of missing cells".to_owned(), missing.to_owned()), (named, listed(thresholds))];
    let frames = config.scores.frames.map(|convention| ("scores of frames".to_owned(), convention.name().to_owned()));
    facts.into_iter().chain(frames).collect()
}

/// What is measured: the scores of the model, how far it is ahead of advection in the primary one, and the scores of the
/// other forecasts; of these a validation has those that are shown first.
#[must_use]
pub fn measured(levels: &Levels, primary: &str, depth: Depth) -> Vec<ScoreSpec> {
    let model = specs(levels);
    let ahead = model.iter().filter(|spec| spec.name == primary).map(|spec| spec.ahead_of(Kind::Advection.name()));
    let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Model);
    let of = |kind: Kind| {
        let compared = model.iter().filter(move |spec| is_compared(spec, (levels, primary), depth));
        compared.map(move |spec| spec.of_baseline(kind.name()))
    };
    let baselines: Vec<ScoreSpec> = kinds.flat_map(of).collect();
    let loss = loss_spec().of_baseline(Kind::Persistence.name());
    model.iter().cloned().chain(ahead).chain(baselines).chain([loss]).collect()
}

/// Whether a score of the model is measured for the other forecasts too. Those of a benchmark say little by themselves.
fn is_compared(spec: &ScoreSpec, (levels, primary): (&Levels, &str), depth: Depth) -> bool {
    let is_of_frames =
        || levels.frames.into_iter().flat_map(Convention::specs).any(|of_frames| of_frames.name == spec.name);
    depth == Depth::Evaluation || spec.show == Show::First || spec.name == primary || is_of_frames()
}

impl NowcastScores {
    pub(super) fn none(judge: &Judge, depth: Depth, origin: Origin) -> Self {
        Self { tally: judge.tally(depth), persistence_loss: 0.0, levels: judge.levels().clone(), depth, origin }
    }

    /// Adds windows with their forecasts, and the summed loss of persistence.
    pub(super) fn add(&mut self, judge: &Judge, windows: &[Window], persistence_loss: f64) {
        self.persistence_loss += persistence_loss;
        self.tally.add(judge, windows);
    }

    /// Scores by lead time.
    #[must_use]
    pub fn verification(&self) -> Verification {
        Verification::of(&self.tally, &self.levels, &self.origin.events)
    }

    /// The model's error map of an evaluation.
    #[must_use]
    pub fn map(&self) -> Option<&ErrorMap> {
        self.tally.map()
    }

    fn of(&self, kind: Kind) -> Vec<Option<f64>> {
        let none = || LeadSums::none(&self.levels);
        let sums = self.tally.kinds.get(&kind).map_or_else(none, |sums| sums.all_leads(&self.levels));
        sums.scores(&self.levels)
    }

    /// How much better the model is than advection in the primary score; nothing if that is not measured.
    fn ahead(&self) -> Option<Option<f64>> {
        let specs = specs(&self.levels);
        let place = specs.iter().position(|spec| spec.name == self.origin.primary)?;
        let [model, advection] = [Kind::Model, Kind::Advection].map(|kind| self.of(kind)[place]);
        Some(model.zip(advection).map(|(model, advection)| specs[place].better.gain(model, advection)))
    }

    /// The same as intervals, by event.
    fn chance(&self) -> Vec<Option<[f64; 2]>> {
        let place = specs(&self.levels).iter().position(|spec| spec.name == self.origin.primary);
        let found = gains(&self.verification(), self.origin.seed);
        place.map(|place| found.get(place).copied().flatten()).into_iter().collect()
    }
}

impl Scores for NowcastScores {
    fn specs(&self) -> Vec<ScoreSpec> {
        measured(&self.levels, &self.origin.primary, self.depth)
    }

    fn values(&self) -> Vec<Option<f64>> {
        let model = specs(&self.levels);
        let by = (&self.levels, self.origin.primary.as_str());
        let compared: Vec<bool> = model.iter().map(|spec| is_compared(spec, by, self.depth)).collect();
        let of = |kind: Kind| {
            let values = self.of(kind).into_iter().zip(&compared);
            values.filter_map(|(value, is_there)| is_there.then_some(value))
        };
        let loss = (self.tally.samples > 0).then(|| self.persistence_loss / self.tally.samples as f64);
        let others = [Kind::Persistence, Kind::Advection].into_iter().flat_map(of);
        self.of(Kind::Model).into_iter().chain(self.ahead()).chain(others).chain([loss]).collect()
    }

    fn merge(&mut self, other: &Self) {
        self.persistence_loss += other.persistence_loss;
        self.tally.merge(&other.tally);
    }

    fn intervals(&self) -> Vec<Option<[f64; 2]>> {
        let events = self.verification().events;
        if events.is_empty() {
            return Vec::new();
        }
        let pooled: Vec<OfEvent<'_>> =
            events.into_iter().map(|event| OfEvent { sums: event.sums, levels: &self.levels }).collect();
        bootstrap::intervals(&pooled, self.origin.seed).into_iter().chain(self.chance()).collect()
    }

    fn basis(&self) -> Basis {
        let Tally { samples, cells, excluded, .. } = self.tally;
        let share = 100.0 * excluded as f64 / (cells + excluded) as f64;
        let note = format!("{share:.1} % of the cells were not observed and are left out");
        let basis = Basis {
            samples,
            groups: self.tally.groups(),
            words: Words { sample: "window".into(), group: "event".into() },
            facts: self.origin.facts.clone(),
            notes: if excluded > 0 { vec![note] } else { Vec::new() },
            intervals: None,
        };
        Basis { intervals: basis.too_few(), ..basis }
    }

    fn sections(&self) -> Value {
        json!({SECTION: self.verification().beside_advection(&self.origin.primary, self.origin.seed)})
    }
}

/// The windows of a batch with their forecasts, in main memory.
pub(super) fn windows(
    batch: &Batch,
    prediction_btcyx: &Tensor,
    judge: &Judge,
    names: &Names,
) -> Result<Vec<Window>, TchError> {
    let bytes = |tensor: &Tensor| -> Result<Vec<u8>, TchError> {
        Vec::try_from(tensor.f_to_device(Device::Cpu)?.f_contiguous()?.f_flatten(0, -1)?)
    };
    let plain = prediction_btcyx.f_to_device(Device::Cpu)?.f_to_kind(Dtype::Float)?.f_contiguous()?;
    let forecasts = Vec::<f32>::try_from(plain.f_flatten(0, -1)?)?;
    let observed = bytes(&batch.target_bytes())?;
    let seen = bytes(&batch.last_bytes(judge.seen_frames() as i64))?;
    let window = |(number, sample): (usize, &Sample)| Window {
        place: Place { event: sample.event, start: sample.start, slice: sample.slice.clone() },
        minutes: names.minutes(sample),
        seen: part(&seen, number, batch.samples.len()),
        observed: part(&observed, number, batch.samples.len()),
        forecast: part(&forecasts, number, batch.samples.len()),
    };
    Ok(batch.samples.iter().enumerate().map(window).collect())
}

/// One of this many equal parts.
fn part<T: Clone>(all: &[T], number: usize, parts: usize) -> Vec<T> {
    let length = all.len() / parts;
    all[number * length..][..length].to_vec()
}
