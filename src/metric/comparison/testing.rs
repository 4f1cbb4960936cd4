//! Evaluations made for tests: groups scored by a mean.

use super::*;
use crate::metric::better::Better;
use crate::metric::bootstrap;
use crate::metric::document::{Basis, DatasetUsed, Measured, VERSION, Weights, Words, metrics};
use crate::metric::pooled::{Differences, Pooled};
use crate::metric::score::Show;
use serde_json::json;

/// A sum over groups, and their number.
struct Mean(f64, f64);

impl Pooled for Mean {
    fn none(&self) -> Self {
        Self(0.0, 0.0)
    }

    fn add(&mut self, other: &Self) {
        self.0 += other.0;
        self.1 += other.1;
    }

    fn scores(&self) -> Vec<Option<f64>> {
        vec![(self.1 > 0.0).then(|| self.0 / self.1)]
    }
}

/// Knows that `accuracy` is the mean of the groups in the section of that name.
pub(in crate::metric) struct Means;

impl Resample for Means {
    fn differences(&self, current: &Metrics, baseline: &Metrics, seed: u64) -> Result<Differences, String> {
        let groups = |side: &Metrics| side.section::<Vec<f64>>("groups").unwrap_or_default();
        let [ours, theirs] = [current, baseline].map(groups);
        if ours.len() != theirs.len() {
            return Err("they were measured on other groups".into());
        }
        let [ours, theirs] =
            [&ours, &theirs].map(|side| side.iter().map(|value| Mean(*value, 1.0)).collect::<Vec<_>>());
        let intervals = bootstrap::differences(&ours, &theirs, seed);
        Ok(Differences { groups: ours.len(), intervals: vec![("accuracy".into(), intervals[0])] })
    }
}

/// An evaluation of groups with these scores.
pub(in crate::metric) fn evaluation(groups: &[f64]) -> Metrics {
    let mean = groups.iter().sum::<f64>() / groups.len() as f64;
    let spec = |name: &str, better| ScoreSpec::new(name, name, better).shown(Show::First);
    let measured: [Measured; 4] = [
        (spec("accuracy", Better::Higher), Some(mean), None),
        (spec("bias", Better::NearerOne), Some(1.1), None),
        (spec("error", Better::NearerZero), Some(-0.5), None),
        (spec("loss", Better::Lower), Some(0.25), None),
    ];
    let basis = Basis {
        samples: 4 * groups.len(),
        groups: groups.len(),
        words: Words { sample: "image".into(), group: "day".into() },
        facts: [("crop".to_owned(), "28 x 28".to_owned())].into_iter().collect(),
        notes: Vec::new(),
        intervals: None,
    };
    Metrics {
        format_version: VERSION,
        program: "fragua 0.1.0".into(),
        created: "2026-01-02T03:04:05Z".parse().unwrap(),
        task: "toy".into(),
        run: None,
        split: "val".into(),
        weights: Weights { file: "best.safetensors".into(), sha256: "0".into(), step: None },
        dataset: DatasetUsed {
            name: "letters".into(),
            fingerprint: "0123456789abcdef".into(),
            side: "val".into(),
            basis,
        },
        primary: "accuracy".into(),
        metrics: metrics(&measured),
        sections: json!({"groups": groups}),
    }
}
