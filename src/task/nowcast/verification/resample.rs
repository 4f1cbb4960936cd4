//! How much the scores of two evaluations differ by chance: the same events are drawn repeatedly for both.

use std::collections::BTreeMap;

use super::chapters::Evaluated;
use super::section::{SECTION, Verification};
use crate::metric::bootstrap;
use crate::metric::document::Metrics;
use crate::metric::forecast::pool::OfEvent;
use crate::metric::forecast::scores::specs;
use crate::metric::forecast::sums::LeadSums;
use crate::metric::pooled::{Differences, Resample};

impl Resample for Evaluated {
    fn differences(&self, current: &Metrics, baseline: &Metrics, seed: u64) -> Result<Differences, String> {
        let [one, other] = [current, baseline].map(|side| side.section::<Verification>(SECTION));
        let (Some(one), Some(other)) = (one, other) else { return Err("they hold no sums of events".into()) };
        if one.levels != other.levels {
            return Err("they were measured at other thresholds or scales".into());
        }
        let [ours, theirs] = [&one, &other].map(by_event);
        if !ours.keys().eq(theirs.keys()) {
            return Err("they were measured on other events".into());
        }
        let pooled = |side: BTreeMap<&str, &LeadSums>| -> Vec<OfEvent<'_>> {
            side.into_values().map(|sums| OfEvent { sums: sums.clone(), levels: &one.levels }).collect()
        };
        let groups = ours.len();
        let intervals = bootstrap::differences(&pooled(ours), &pooled(theirs), seed);
        let names = specs(&one.levels).into_iter().map(|spec| spec.name);
        let mut intervals: Vec<_> = names.zip(intervals).collect();
        // Advection is the same in both, so the difference of what is ahead of it is that of the scores, but for the sign of
        // an error: only the width is used.
        let differences =
            current.metrics.values().filter_map(|metric| Some((&metric.spec, metric.spec.ahead.as_ref()?)));
        let of = |name: &str| intervals.iter().find(|(known, _)| known == name).and_then(|(_, interval)| *interval);
        let found: Vec<_> = differences.map(|(spec, ahead)| (spec.name.clone(), of(&ahead.of))).collect();
        intervals.extend(found);
        Ok(Differences { groups, intervals })
    }
}

fn by_event(verification: &Verification) -> BTreeMap<&str, &LeadSums> {
    verification.events.iter().map(|event| (event.event.as_str(), &event.sums)).collect()
}
