//! From sums to what `metrics.json` holds and what plots show.

use std::collections::BTreeMap;

use super::judge::Judge;
use super::kinds::Kind;
use super::tally::Tally;
use crate::metric::better::Better;
use crate::metric::bootstrap::intervals;
use crate::metric::document::{EventSums, ForecastScores, Metric, Named, Verification};
use crate::metric::error_map::ErrorMap;
use crate::metric::sums::{LeadSums, Score, Sums};

/// What an evaluation found.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The scores of the model, with what the baselines have.
    pub metrics: BTreeMap<String, Metric>,
    /// Scores by lead time.
    pub verification: Verification,
    /// Where the model errs.
    pub map: Option<ErrorMap>,
}

/// What follows from the sums. `events` are the names of the events by their numbers, `losses` the loss of the model and its
/// parts, with that of persistence where it is known.
#[must_use]
pub fn findings(
    judge: &Judge,
    tally: &Tally,
    events: &[String],
    losses: &[(String, f64, Option<f64>)],
    seed: u64,
) -> Findings {
    let of_kind = |(kind, sums): (&Kind, &Sums)| (kind.name().to_owned(), forecast_scores(judge, tally, *kind, sums));
    let forecasts: BTreeMap<String, ForecastScores> = tally.kinds.iter().map(of_kind).collect();
    let events = event_sums(judge, tally, events);
    let sums: Vec<LeadSums> = events.iter().map(|event| event.sums.clone()).collect();
    let mut metrics = metrics(judge, tally, &forecasts, &intervals(&sums, &judge.levels, seed));
    for (name, value, persistence) in losses {
        let baselines = persistence.iter().map(|&value| (Kind::Persistence.name().to_owned(), finite(value))).collect();
        let metric = Metric { value: finite(*value), better: Better::Lower, interval: None, baselines };
        // The similarity is a score as well as a part of the loss, which may weigh it by lead time.
        metrics.entry(name.clone()).or_insert(metric);
    }
    let verification = Verification {
        levels: judge.levels.clone(),
        lead_minutes: lead_minutes(tally, judge.frame.leads),
        forecasts,
        events,
    };
    Findings { metrics, verification, map: tally.map.clone() }
}

fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

fn named(scores: Vec<Score>) -> Named {
    scores.into_iter().map(|score| (score.name, score.value.and_then(finite))).collect()
}

fn forecast_scores(judge: &Judge, tally: &Tally, kind: Kind, sums: &Sums) -> ForecastScores {
    ForecastScores {
        all_leads: named(sums.all_leads(&judge.levels).scores(&judge.levels)),
        by_lead: sums.leads.iter().map(|lead| named(lead.scores(&judge.levels))).collect(),
        reliability: tally.reliability.get(&kind).map(|found| found.bins()).unwrap_or_default(),
    }
}

fn event_sums(judge: &Judge, tally: &Tally, names: &[String]) -> Vec<EventSums> {
    let name = |number: usize| names.get(number).cloned().unwrap_or_else(|| format!("event {number}"));
    let sums = |(number, (samples, sums)): (&usize, &(usize, Sums))| EventSums {
        event: name(*number),
        samples: *samples,
        sums: sums.all_leads(&judge.levels),
    };
    tally.events.iter().map(sums).collect()
}

fn metrics(
    judge: &Judge,
    tally: &Tally,
    forecasts: &BTreeMap<String, ForecastScores>,
    intervals: &BTreeMap<String, Option<[f64; 2]>>,
) -> BTreeMap<String, Metric> {
    let model = tally.kinds.get(&Kind::Model).map(|sums| sums.all_leads(&judge.levels)).unwrap_or_default();
    let others = || forecasts.iter().filter(|(kind, _)| *kind != Kind::Model.name());
    let metric = |score: Score| {
        let baseline = |(kind, scores): (&String, &ForecastScores)| {
            (kind.clone(), scores.all_leads.get(&score.name).copied().flatten())
        };
        let metric = Metric {
            value: score.value.and_then(finite),
            better: score.better,
            interval: intervals.get(&score.name).copied().flatten(),
            baselines: others().map(baseline).collect(),
        };
        (score.name, metric)
    };
    model.scores(&judge.levels).into_iter().map(metric).collect()
}

/// The median over all windows, for each lead.
fn lead_minutes(tally: &Tally, leads: usize) -> Vec<f64> {
    let median = |lead: usize| {
        let mut minutes: Vec<f32> = tally.lead_minutes.iter().filter_map(|all| all.get(lead).copied()).collect();
        minutes.sort_by(f32::total_cmp);
        let at = |place: usize| minutes.get(place).copied().map_or(f64::NAN, f64::from);
        f64::midpoint(at(minutes.len().saturating_sub(1) / 2), at(minutes.len() / 2))
    };
    (0..leads).map(median).collect()
}
