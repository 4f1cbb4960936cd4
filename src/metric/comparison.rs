//! Whether one evaluation is better than another, score by score: by how much, and by how much it would differ for
//! other groups of samples. Not reading the two.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::better::Better;
use super::bootstrap::MIN_GROUPS;
use super::document::{Metric, Metrics};
use super::pooled::Resample;
use super::score::ScoreSpec;

/// The seed of the draws: the same files always give the same answer.
const SEED: u64 = 42;

/// What a comparison finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Better by more than the noise.
    Improved,
    /// The difference may be chance.
    WithinNoise,
    /// Worse by no more than is tolerated, or different by no more if the noise is unknown.
    WithinTolerance,
    /// Worse by more than the noise and the tolerance.
    Degraded,
    /// One of the two is undefined, or not there.
    NotAvailable,
}

impl Verdict {
    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Improved => "improved",
            Self::WithinNoise => "within noise",
            Self::WithinTolerance => "within tolerance",
            Self::Degraded => "degraded",
            Self::NotAvailable => "n/a",
        }
    }

    /// From a gain, its noise and the tolerance. If the noise is known it decides: a difference within it is neither
    /// better nor worse.
    fn of(gain: Option<f64>, noise: Option<f64>, tolerance: f64) -> Self {
        let Some(gain) = gain else { return Self::NotAvailable };
        match noise {
            Some(noise) if gain.abs() <= noise => Self::WithinNoise,
            Some(_) if gain > 0.0 => Self::Improved,
            None if gain > tolerance => Self::Improved,
            _ if gain < -tolerance => Self::Degraded,
            _ => Self::WithinTolerance,
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
    /// By resampling the same groups for both.
    PairedGroups,
    /// Each file has its own interval.
    Intervals,
    /// It is not known: the tolerance decides.
    Unknown,
}

/// One score of both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// Its name.
    pub name: String,
    /// Which way it gets better.
    pub better: Better,
    /// What else it is.
    #[serde(skip)]
    pub spec: ScoreSpec,
    /// The current value.
    pub value: Option<f64>,
    /// That of the baseline.
    pub baseline: Option<f64>,
    /// The current value minus that of the baseline.
    pub difference: Option<f64>,
    /// The same as a share of the baseline's value.
    pub relative: Option<f64>,
    /// A difference up to this may be chance; `None` if unknown.
    pub noise: Option<f64>,
    /// How that is known.
    pub noise_from: NoiseFrom,
    /// What follows.
    pub verdict: Verdict,
}

/// Two evaluations side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The score that decides.
    pub primary: String,
    /// By how much it may get worse.
    pub tolerance: f64,
    /// What follows for the score that decides.
    pub verdict: Verdict,
    /// Why the noise is not known, if it is not.
    pub unknown_noise: Option<String>,
    /// Shown instead of the noise if there are too few groups to estimate it: "n/a (2 events)".
    pub too_few: Option<String>,
    /// Why the two can't be compared as they are.
    pub warnings: Vec<String>,
    /// All scores that either has, the primary one first.
    pub metrics: Vec<Compared>,
}

/// Compares two evaluations of one task by a score. `resample` is the task's, if it has groups to draw from.
#[must_use]
pub fn compare(
    current: &Metrics,
    baseline: &Metrics,
    resample: Option<&dyn Resample>,
    primary: &str,
    tolerance: f64,
) -> Comparison {
    let noises = Noises::of(current, baseline, resample);
    let row = |spec: &ScoreSpec| {
        let sides = [current, baseline].map(|side| side.metrics.get(&spec.name));
        row(spec, sides, &noises, tolerance)
    };
    let metrics: Vec<Compared> = specs(current, baseline, primary).into_iter().map(row).collect();
    let decides = metrics.iter().find(|row| row.name == primary);
    Comparison {
        primary: primary.into(),
        tolerance,
        verdict: decides.map_or(Verdict::NotAvailable, |row| row.verdict),
        unknown_noise: noises.unknown.filter(|_| decides.is_some_and(|row| row.noise.is_none() && row.value.is_some())),
        too_few: [current, baseline].into_iter().find_map(|side| side.dataset.basis.too_few()),
        warnings: warnings(current, baseline),
        metrics,
    }
}

/// All scores that either has: the primary one, then those of the current file in their order, then the others.
fn specs<'a>(current: &'a Metrics, baseline: &'a Metrics, primary: &str) -> Vec<&'a ScoreSpec> {
    let mut found: Vec<&ScoreSpec> = Vec::new();
    for metric in current.metrics.values().chain(baseline.metrics.values()) {
        if !found.iter().any(|known| known.name == metric.spec.name) {
            found.push(&metric.spec);
        }
    }
    found.sort_by_key(|spec| spec.name != primary);
    found
}

fn row(spec: &ScoreSpec, sides: [Option<&Metric>; 2], noises: &Noises, tolerance: f64) -> Compared {
    let [value, baseline] = sides.map(|side| side.and_then(|metric| metric.value).filter(|value| value.is_finite()));
    let difference = value.zip(baseline).map(|(value, baseline)| value - baseline);
    let relative = difference.zip(baseline).map(|(difference, baseline)| difference / baseline.abs());
    let gain = value.zip(baseline).map(|(value, baseline)| spec.better.gain(value, baseline));
    let (noise, noise_from) = noises.noise(&spec.name, sides);
    Compared {
        name: spec.name.clone(),
        better: spec.better,
        spec: spec.clone(),
        value,
        baseline,
        difference,
        relative: relative.filter(|share| share.is_finite()),
        noise,
        noise_from,
        verdict: Verdict::of(gain, noise, tolerance),
    }
}

/// What may be chance.
struct Noises {
    /// By drawing the same groups for both, which is best, because the difficulty of a group cancels out.
    paired: BTreeMap<String, f64>,
    /// Whether the intervals of the files are good for anything.
    has_intervals: bool,
    /// Why some or all are not known.
    unknown: Option<String>,
}

impl Noises {
    fn of(current: &Metrics, baseline: &Metrics, resample: Option<&dyn Resample>) -> Self {
        let [ours, theirs] = [current, baseline].map(|side| side.dataset.basis.groups);
        let group = &current.dataset.basis.words.group;
        let nothing = |unknown| Self { paired: BTreeMap::new(), has_intervals: false, unknown: Some(unknown) };
        if ours.min(theirs) < MIN_GROUPS {
            let has = match (ours, theirs) {
                (1, 1) => format!("1 {group} is"),
                _ if ours == theirs => format!("{ours} {group}s are"),
                _ => format!("{ours} and {theirs} {group}s are"),
            };
            return nothing(format!("{has} too few to tell chance from change, {MIN_GROUPS} are needed"));
        }
        let half = |[low, high]: [f64; 2]| (high - low) / 2.0;
        let paired = resample.ok_or_else(|| "this task does not support resampling".to_owned());
        match paired.and_then(|resample| resample.differences(current, baseline, SEED)) {
            Ok(found) if found.groups < MIN_GROUPS => {
                let shared = found.groups;
                nothing(format!(
                    "both share {shared} {group}s, too few to tell chance from change: {MIN_GROUPS} are needed"
                ))
            }
            Ok(found) => {
                let known = found.intervals.into_iter().filter_map(|(name, interval)| Some((name, half(interval?))));
                let unknown = Some(format!("this score does not follow from sums over {group}s"));
                Self { paired: known.collect(), has_intervals: true, unknown }
            }
            Err(why) => Self { paired: BTreeMap::new(), has_intervals: true, unknown: Some(why) },
        }
    }

    fn noise(&self, name: &str, sides: [Option<&Metric>; 2]) -> (Option<f64>, NoiseFrom) {
        let half = |metric: Option<&Metric>| metric?.interval.map(|[low, high]| (high - low) / 2.0);
        let [one, other] = sides.map(|side| half(side).filter(|_| self.has_intervals));
        match (self.paired.get(name), one.zip(other)) {
            (Some(paired), _) => (Some(*paired), NoiseFrom::PairedGroups),
            (None, Some((one, other))) => (Some(one.hypot(other)), NoiseFrom::Intervals),
            (None, None) => (None, NoiseFrom::Unknown),
        }
    }
}

/// What makes a comparison doubtful.
fn warnings(current: &Metrics, baseline: &Metrics) -> Vec<String> {
    let mut pairs: Vec<(String, [String; 2])> = vec![
        ("split".into(), [current, baseline].map(|side| side.split.clone())),
        ("dataset".into(), [current, baseline].map(dataset)),
        ("primary score".into(), [current, baseline].map(|side| side.primary.clone())),
        ("number of samples".into(), [current, baseline].map(|side| side.dataset.basis.samples.to_string())),
    ];
    let facts = [current, baseline].map(|side| &side.dataset.basis.facts);
    let mut names: Vec<&str> = facts[0].names().collect();
    names.extend(facts[1].names().filter(|name| facts[0].get(name).is_none()));
    let told = |name: &str| facts.map(|side| side.get(name).cloned().unwrap_or_else(|| "none".into()));
    pairs.extend(names.into_iter().map(|name| (name.to_owned(), told(name))));
    let differ = pairs.into_iter().filter(|(_, [one, other])| one != other);
    differ.map(|(what, [one, other])| format!("different {what}: {one}, the baseline has {other}")).collect()
}

fn dataset(side: &Metrics) -> String {
    let fingerprint = &side.dataset.fingerprint;
    format!("{} ({})", side.dataset.name, fingerprint.get(..12).unwrap_or(fingerprint))
}

#[cfg(test)]
pub(in crate::metric) mod testing;
#[cfg(test)]
mod tests;
