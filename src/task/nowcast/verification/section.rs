//! What `metrics.json` holds of a nowcast beyond its scores: scores by lead time, of the model and of the forecasts that it is
//! compared with, how far intensities can be relied on, and the sums of each event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ahead::Ahead;
use super::kinds::Kind;
use super::tally::{OfEvent, Tally};
use crate::metric::forecast::reliability::ReliabilityBin;
use crate::metric::forecast::scores::specs;
use crate::metric::forecast::sums::{LeadSums, Levels, Sums};

/// The name of the section.
pub const SECTION: &str = "verification";

/// Scores by name.
pub type Named = BTreeMap<String, Option<f64>>;

/// Scores by lead time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// What scores are measured at.
    pub levels: Levels,
    /// Cells of all frames that were forecast and compared.
    pub cells: u64,
    /// Cells that were left out, because they have no observation.
    pub excluded_cells: u64,
    /// Minutes from the last frame that is seen to each one that is forecast, the median over all windows.
    pub lead_minutes: Vec<f64>,
    /// The forecasts: `model`, `persistence`, `advection`.
    pub forecasts: BTreeMap<String, ForecastScores>,
    /// The sums of each event, over all lead times: from these a comparison can draw events again.
    pub events: Vec<EventSums>,
    /// The model beside advection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<Ahead>,
}

/// The scores of one kind of forecast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForecastScores {
    /// Over all lead times.
    pub all_leads: Named,
    /// For each lead time.
    pub by_lead: Vec<Named>,
    /// The mean observation by forecast intensity.
    pub reliability: Vec<ReliabilityBin>,
}

/// What one event adds to the scores of the model and of advection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventSums {
    /// The event's path below the dataset.
    pub event: String,
    /// Its samples.
    pub samples: usize,
    /// The sums over all lead times.
    pub sums: LeadSums,
    /// The same of advection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advection: Option<LeadSums>,
}

impl Verification {
    /// What follows from the sums. `events` are the names of the events by their numbers.
    #[must_use]
    pub fn of(tally: &Tally, levels: &Levels, events: &[String]) -> Self {
        let of_kind = |(kind, sums): (&Kind, &Sums)| (kind.name().to_owned(), forecast(tally, levels, *kind, sums));
        Self {
            levels: levels.clone(),
            cells: tally.cells,
            excluded_cells: tally.excluded,
            lead_minutes: lead_minutes(tally),
            forecasts: tally.kinds.iter().map(of_kind).collect(),
            events: event_sums(tally, levels, events),
            ahead: None,
        }
    }
}

fn named(sums: &LeadSums, levels: &Levels) -> Named {
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    specs(levels).into_iter().zip(sums.scores(levels)).map(|(spec, value)| (spec.name, finite(value))).collect()
}

fn forecast(tally: &Tally, levels: &Levels, kind: Kind, sums: &Sums) -> ForecastScores {
    ForecastScores {
        all_leads: named(&sums.all_leads(levels), levels),
        by_lead: sums.leads.iter().map(|lead| named(lead, levels)).collect(),
        reliability: tally.reliability.get(&kind).map(|found| found.bins()).unwrap_or_default(),
    }
}

fn event_sums(tally: &Tally, levels: &Levels, names: &[String]) -> Vec<EventSums> {
    let name = |number: usize| names.get(number).cloned().unwrap_or_else(|| format!("event {number}"));
    let sums = |(number, found): (&usize, &OfEvent)| {
        let of = |kind: Kind| found.kinds.get(&kind).map(|sums| sums.all_leads(levels));
        EventSums {
            event: name(*number),
            samples: found.samples,
            sums: of(Kind::Model).unwrap_or_else(|| LeadSums::none(levels)),
            advection: of(Kind::Advection),
        }
    };
    tally.events.iter().map(sums).collect()
}

/// The median over all windows, for each lead.
fn lead_minutes(tally: &Tally) -> Vec<f64> {
    let leads = tally.kinds.values().map(|sums| sums.leads.len()).max().unwrap_or(0);
    let median = |lead: usize| {
        let mut minutes: Vec<f32> = tally.lead_minutes.iter().filter_map(|all| all.get(lead).copied()).collect();
        minutes.sort_by(f32::total_cmp);
        let at = |place: usize| minutes.get(place).copied().map_or(f64::NAN, f64::from);
        f64::midpoint(at(minutes.len().saturating_sub(1) / 2), at(minutes.len() / 2))
    };
    (0..leads).map(median).collect()
}
