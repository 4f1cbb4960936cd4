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
use crate::metric::forecast::pool::OfEvent;
use crate::metric::forecast::scores::specs;
use crate::metric::forecast::sums::{LeadSums, Levels};
use crate::metric::ordered::Ordered;
use crate::metric::score::{ScoreSpec, Show};
use crate::task::nowcast::config::{Missing, NowcastConfig};
use crate::task::nowcast::loss::LossParts;
use crate::task::nowcast::verification::{Judge, Kind, SECTION, Tally, Verification, Window};
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

/// What a validation measures: the scores of the model, and of persistence those that are shown first.
#[must_use]
pub fn measured(levels: &Levels, depth: Depth) -> Vec<ScoreSpec> {
    let model = specs(levels);
    let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Model);
    let of = |kind: Kind| {
        let compared = model.iter().filter(move |spec| is_compared(spec, kind, depth));
        compared.map(move |spec| spec.of_baseline(kind.name()))
    };
    let [loss, ..] = LossParts::specs();
    let baselines: Vec<ScoreSpec> = kinds.flat_map(of).collect();
    model.iter().cloned().chain(baselines).chain([loss.of_baseline(Kind::Persistence.name())]).collect()
}

/// Whether a score of the model is measured for another forecast too.
fn is_compared(spec: &ScoreSpec, kind: Kind, depth: Depth) -> bool {
    match depth {
        Depth::Validation => kind == Kind::Persistence && spec.show == Show::First,
        Depth::Evaluation => true,
    }
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
}

impl Scores for NowcastScores {
    fn specs(&self) -> Vec<ScoreSpec> {
        measured(&self.levels, self.depth)
    }

    fn values(&self) -> Vec<Option<f64>> {
        let model = specs(&self.levels);
        let of = |kind: Kind| {
            let compared = model.iter().map(|spec| kind == Kind::Model || is_compared(spec, kind, self.depth));
            self.of(kind)
                .into_iter()
                .zip(compared.collect::<Vec<_>>())
                .filter_map(|(value, is_there)| is_there.then_some(value))
        };
        let loss = (self.tally.samples > 0).then(|| self.persistence_loss / self.tally.samples as f64);
        Kind::ALL.into_iter().flat_map(of).chain([loss]).collect()
    }

    fn merge(&mut self, other: &Self) {
        self.persistence_loss += other.persistence_loss;
        self.tally.merge(&other.tally);
    }

    fn intervals(&self) -> Vec<Option<[f64; 2]>> {
        let events = self.verification().events;
        let pooled: Vec<OfEvent<'_>> =
            events.into_iter().map(|event| OfEvent { sums: event.sums, levels: &self.levels }).collect();
        bootstrap::intervals(&pooled, self.origin.seed)
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
        json!({SECTION: self.verification()})
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
        event: sample.event,
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
