//! Whether one evaluation is better than another, score by score: by how much, and by how much it would differ if other
//! events had been observed. Not where the two come from.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::better::Better;
use super::bootstrap::differences;
use super::document::{Metric, Metrics, Verification};
use super::sums::LeadSums;

/// The seed of the draws: the same files always give the same answer.
const SEED: u64 = 42;

/// What comes of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Better by more than the noise.
    Improved,
    /// The same, as far as one can tell.
    WithinNoise,
    /// Worse by more than the noise.
    Degraded,
    /// One of the two is no number, or not there.
    NotAvailable,
}

impl Verdict {
    /// As it is written for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Improved => "improved",
            Self::WithinNoise => "within noise",
            Self::Degraded => "degraded",
            Self::NotAvailable => "n/a",
        }
    }

    /// By a gain, and what may be chance.
    fn of(gain: Option<f64>, noise: f64) -> Self {
        match gain {
            None => Self::NotAvailable,
            Some(gain) if gain > noise => Self::Improved,
            Some(gain) if gain < -noise => Self::Degraded,
            Some(_) => Self::WithinNoise,
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text().replace(' ', "_"))
    }
}

/// How the noise of a score is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoiseFrom {
    /// The same events were drawn for both, again and again.
    PairedEvents,
    /// Each file has an interval of its own.
    Intervals,
    /// It is not: the tolerance is taken.
    Tolerance,
}

/// One score of both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// Such as `csi_35`.
    pub name: String,
    /// Which way it gets better.
    pub better: Better,
    /// The current value.
    pub value: Option<f64>,
    /// That of the baseline.
    pub baseline: Option<f64>,
    /// The current value less that of the baseline.
    pub difference: Option<f64>,
    /// The same as a share of the baseline's value.
    pub relative: Option<f64>,
    /// A difference up to this may be chance.
    pub noise: f64,
    /// How that is known.
    pub noise_from: NoiseFrom,
    /// What comes of it.
    pub verdict: Verdict,
}

/// Two evaluations beside each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The score that decides.
    pub primary: String,
    /// By how much it may get worse.
    pub tolerance: f64,
    /// What comes of it: the primary score against the tolerance.
    pub verdict: Verdict,
    /// Why the two can't be compared as they are.
    pub warnings: Vec<String>,
    /// All scores that either has, the primary one first.
    pub metrics: Vec<Compared>,
}

/// Compares two evaluations of one task by a score.
#[must_use]
pub fn compare(current: &Metrics, baseline: &Metrics, primary: &str, tolerance: f64) -> Comparison {
    let paired = paired_noise(current, baseline);
    let mut names: Vec<&String> = current.metrics.keys().chain(baseline.metrics.keys()).collect();
    names.sort_by_key(|name| (*name != primary, rank(name), (*name).clone()));
    names.dedup();
    let compared = |name: &String| {
        let [one, other] = [current, baseline].map(|side| side.metrics.get(name));
        let noise = noise(one, other, paired.get(name.as_str()).copied(), tolerance);
        row(name, one, other, noise)
    };
    let metrics: Vec<Compared> = names.into_iter().map(compared).collect();
    let decides = metrics.iter().find(|row| row.name == primary);
    let verdict = Verdict::of(decides.and_then(gain), tolerance);
    Comparison { primary: primary.into(), tolerance, verdict, warnings: warnings(current, baseline), metrics }
}

fn gain(row: &Compared) -> Option<f64> {
    Some(row.better.gain(row.value?, row.baseline?))
}

fn row(name: &str, one: Option<&Metric>, other: Option<&Metric>, (noise, noise_from): (f64, NoiseFrom)) -> Compared {
    let [value, baseline] = [one, other].map(|side| side.and_then(|metric| metric.value).filter(|v| v.is_finite()));
    let difference = value.zip(baseline).map(|(value, baseline)| value - baseline);
    let relative = difference.zip(baseline).map(|(difference, baseline)| difference / baseline.abs());
    let mut row = Compared {
        name: name.into(),
        better: one.or(other).map_or(Better::Higher, |metric| metric.better),
        value,
        baseline,
        difference,
        relative: relative.filter(|share| share.is_finite()),
        noise,
        noise_from,
        verdict: Verdict::NotAvailable,
    };
    row.verdict = Verdict::of(gain(&row), noise);
    row
}

/// What may be chance: best known where the same events are drawn for both, since what makes an event easy or hard then
/// cancels out.
fn noise(one: Option<&Metric>, other: Option<&Metric>, paired: Option<f64>, tolerance: f64) -> (f64, NoiseFrom) {
    let half = |metric: Option<&Metric>| metric?.interval.map(|[low, high]| (high - low) / 2.0);
    match (paired, half(one).zip(half(other))) {
        (Some(paired), _) => (paired, NoiseFrom::PairedEvents),
        (None, Some((one, other))) => (one.hypot(other), NoiseFrom::Intervals),
        (None, None) => (tolerance, NoiseFrom::Tolerance),
    }
}

/// Half the width of the interval that holds 95 % of the differences, for each score that follows from sums over events;
/// nothing where the events or what they are measured at are not the same, or there is but one.
fn paired_noise(current: &Metrics, baseline: &Metrics) -> BTreeMap<String, f64> {
    let (Some(one), Some(other)) = (&current.verification, &baseline.verification) else { return BTreeMap::new() };
    let [ours, theirs] = [one, other].map(by_event);
    if one.levels != other.levels || !ours.keys().eq(theirs.keys()) {
        return BTreeMap::new();
    }
    let [ours, theirs] = [ours, theirs].map(|side| side.into_values().cloned().collect::<Vec<_>>());
    let found = differences(&ours, &theirs, &one.levels, SEED);
    found.into_iter().filter_map(|(name, half_width)| Some((name, half_width?))).collect()
}

fn by_event(verification: &Verification) -> BTreeMap<&str, &LeadSums> {
    verification.events.iter().map(|event| (event.event.as_str(), &event.sums)).collect()
}

/// What makes a comparison doubtful.
fn warnings(current: &Metrics, baseline: &Metrics) -> Vec<String> {
    let text = |value: &dyn std::fmt::Debug| format!("{value:?}").replace('"', "");
    let levels = |side: &Metrics| side.verification.as_ref().map(|verification| verification.levels.clone());
    let facts = |side: &Metrics| {
        let levels = levels(side);
        let named = format!(
            "{} ({})",
            side.dataset.name,
            side.dataset.fingerprint.get(..12).unwrap_or(&side.dataset.fingerprint)
        );
        [
            ("split", side.split.clone(), side.split.clone()),
            ("dataset", side.dataset.fingerprint.clone(), named),
            ("treatment of missing cells", side.dataset.missing.clone(), side.dataset.missing.clone()),
            ("primary score", side.primary.clone(), side.primary.clone()),
            ("number of samples", side.dataset.samples.to_string(), side.dataset.samples.to_string()),
            (
                "thresholds in dBZ",
                text(&levels.as_ref().map(|levels| &levels.thresholds_dbz)),
                levels.as_ref().map_or_else(|| "none".into(), |levels| text(&levels.thresholds_dbz)),
            ),
        ]
    };
    let pairs = facts(current).into_iter().zip(facts(baseline)).filter(|((_, one, _), (_, other, _))| one != other);
    pairs.map(|((what, _, one), (_, _, other))| format!("another {what}: {one}, the baseline has {other}")).collect()
}

/// Scores in the order in which people look at them.
const ORDER: [&str; 13] =
    ["csi", "pod", "far", "bias", "fss", "hss", "ets", "peirce", "mae", "rmse", "me", "ssim", "psnr"];

/// Where a score stands: by its kind, then by the numbers in its name.
fn rank(name: &str) -> (usize, Vec<u64>) {
    let mut parts = name.split('_');
    let kind = parts.next().unwrap_or_default();
    let place = ORDER.iter().position(|known| *known == kind).unwrap_or(ORDER.len());
    // In thousandths: numbers with a fraction can't be ordered exactly otherwise.
    let number = |part: &str| part.trim_end_matches("px").parse::<f64>().ok().map(|number| (number * 1000.0) as u64);
    (place, parts.filter_map(number).collect())
}

#[cfg(test)]
mod tests;
