//! What forecasts are judged by, beside the loss: the scores of `verification`, each also for the forecast that nothing
//! changes. All cells of a validation count alike, whatever window they belong to.

use tch::{Device, Kind as Dtype, TchError, Tensor};

use super::collate::Batch;
use super::names::Names;
use crate::data::loader::Sample;
use crate::metric::sums::{LeadSums, Levels, Score};
use crate::task::nowcast::verification::{Depth, Judge, Kind, Tally, Window};
use crate::train::task::Scores;

/// What the name of a score of persistence begins with.
const PERSISTENCE: &str = "persistence_";

/// The scores that come first, by the beginnings of their names: those that are told while training, and drawn with what
/// persistence has. The others follow.
const FIRST: [&str; 4] = ["csi_", "mae_", "rmse_", "ssim"];

/// Sums over all forecasts that were judged.
#[derive(Clone, Debug)]
pub struct NowcastScores {
    tally: Tally,
    /// The sum over samples.
    persistence_loss: f64,
    levels: Levels,
}

impl NowcastScores {
    pub(super) fn none(judge: &Judge, depth: Depth) -> Self {
        Self { tally: judge.tally(depth), persistence_loss: 0.0, levels: judge.levels().clone() }
    }

    /// Adds windows with their forecasts, and the summed loss of persistence.
    pub(super) fn add(&mut self, judge: &Judge, windows: &[Window], persistence_loss: f64) {
        self.persistence_loss += persistence_loss;
        self.tally.add(judge, windows);
    }

    /// The sums behind the scores.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The mean loss of persistence.
    #[must_use]
    pub fn persistence_loss(&self) -> f64 {
        self.persistence_loss / self.tally.samples as f64
    }

    fn of(&self, kind: Kind) -> Vec<Score> {
        let none = || LeadSums::none(&self.levels);
        let sums = self.tally.kinds.get(&kind).map_or_else(none, |sums| sums.all_leads(&self.levels));
        sums.scores(&self.levels)
    }
}

fn is_first(score: &Score) -> bool {
    FIRST.iter().any(|beginning| score.name.starts_with(beginning))
}

fn named(prefix: &str, score: &Score) -> (String, f64) {
    (format!("{prefix}{}", score.name), score.value.unwrap_or(f64::NAN))
}

impl Scores for NowcastScores {
    fn values(&self) -> Vec<(String, f64)> {
        let (first, rest): (Vec<Score>, Vec<Score>) = self.of(Kind::Model).into_iter().partition(is_first);
        let persistence = self.of(Kind::Persistence);
        let model = first.iter().chain(&rest).map(|score| named("", score));
        let persistence = persistence.iter().filter(|score| is_first(score)).map(|score| named(PERSISTENCE, score));
        let loss = (format!("{PERSISTENCE}loss"), self.persistence_loss());
        model.chain(persistence).chain([loss]).collect()
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

/// One of so many equal parts.
fn part<T: Clone>(all: &[T], number: usize, parts: usize) -> Vec<T> {
    let length = all.len() / parts;
    all[number * length..][..length].to_vec()
}
