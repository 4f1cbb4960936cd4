//! How far the model is ahead of advection: at each threshold with what may be chance, until which lead time, and in which
//! events it is behind. Advection is the forecast to beat: it needs no training and knows how everything moves.

use serde::{Deserialize, Serialize};

use super::kinds::Kind;
use super::section::Verification;
use crate::metric::better::Better;
use crate::metric::bootstrap;
use crate::metric::forecast::pool::{OfEvent, OfPair};
use crate::metric::forecast::scores::specs;
use crate::metric::forecast::sums::LeadSums;

/// The model beside advection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ahead {
    /// The score of `events`: that by which evaluations are compared.
    pub score: String,
    /// The critical success index at each threshold.
    pub thresholds: Vec<AheadAbove>,
    /// Each event, that in which the model is furthest behind first.
    pub events: Vec<AheadIn>,
}

/// The model beside advection at one threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AheadAbove {
    /// The threshold.
    pub threshold: f64,
    /// What the model has over all lead times.
    pub model: Option<f64>,
    /// What advection has.
    pub advection: Option<f64>,
    /// The first minus the second.
    pub difference: Option<f64>,
    /// The 95 % interval of the difference, by bootstrap over events, the same ones for both.
    pub interval: Option<[f64; 2]>,
    /// The model is better at every lead time up to this one; `None` if it is not better at the first.
    pub until_minutes: Option<f64>,
    /// At how many lead times it is better.
    pub leads_ahead: usize,
}

/// The model beside advection in one event, by one score over all lead times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AheadIn {
    /// The event's path below the dataset.
    pub event: String,
    /// Its windows.
    pub samples: usize,
    /// What the model has.
    pub model: Option<f64>,
    /// What advection has.
    pub advection: Option<f64>,
    /// How much better the model is: above 0 it is better.
    pub difference: Option<f64>,
}

/// The 95 % intervals of how much better the model is than advection, in the order of the scores.
pub fn gains(found: &Verification, seed: u64) -> Vec<Option<[f64; 2]>> {
    let levels = &found.levels;
    let ways: Vec<Better> = specs(levels).into_iter().map(|spec| spec.better).collect();
    let of = |sums: &LeadSums| OfEvent { sums: sums.clone(), levels };
    let pair = |(model, advection)| OfPair { one: of(model), other: of(advection), ways: &ways };
    let pairs = found.events.iter().filter_map(|event| Some((&event.sums, event.advection.as_ref()?)));
    bootstrap::intervals(&pairs.map(pair).collect::<Vec<_>>(), seed)
}

impl Verification {
    /// The same with the model beside advection, by event in this score.
    #[must_use]
    pub fn beside_advection(self, primary: &str, seed: u64) -> Self {
        let events = in_events(&self, primary);
        let ahead = Ahead { score: primary.to_owned(), thresholds: above_thresholds(&self, seed), events };
        Self { ahead: self.forecasts.contains_key(Kind::Advection.name()).then_some(ahead), ..self }
    }
}

fn above_thresholds(found: &Verification, seed: u64) -> Vec<AheadAbove> {
    let (specs, gains) = (specs(&found.levels), gains(found, seed));
    let above = |threshold: &f64| {
        let name = format!("csi_{threshold}");
        let place = specs.iter().position(|spec| spec.name == name);
        let [model, advection] = [Kind::Model, Kind::Advection].map(|kind| {
            let scores = found.forecasts.get(kind.name());
            (scores.and_then(|all| all.all_leads.get(&name).copied().flatten()), scores.map(|all| &all.by_lead))
        });
        let leads = model.1.into_iter().flatten().zip(advection.1.into_iter().flatten());
        let gain = |one: Option<f64>, other: Option<f64>| Some(one? - other?);
        let of = |lead: &super::section::Named| lead.get(&name).copied().flatten();
        let is_ahead: Vec<bool> =
            leads.map(|(model, other)| gain(of(model), of(other)).is_some_and(|gain| gain > 0.0)).collect();
        let first = is_ahead.iter().take_while(|ahead| **ahead).count();
        AheadAbove {
            threshold: *threshold,
            model: model.0,
            advection: advection.0,
            difference: gain(model.0, advection.0),
            interval: place.and_then(|place| gains.get(place).copied().flatten()),
            until_minutes: first.checked_sub(1).and_then(|last| found.lead_minutes.get(last).copied()),
            leads_ahead: is_ahead.iter().filter(|ahead| **ahead).count(),
        }
    };
    found.levels.thresholds.iter().map(above).collect()
}

fn in_events(found: &Verification, primary: &str) -> Vec<AheadIn> {
    let specs = specs(&found.levels);
    let Some(place) = specs.iter().position(|spec| spec.name == primary) else { return Vec::new() };
    let of = |sums: &LeadSums| sums.scores(&found.levels)[place].filter(|value| value.is_finite());
    let mut events: Vec<AheadIn> = found
        .events
        .iter()
        .map(|event| {
            let (model, advection) = (of(&event.sums), event.advection.as_ref().and_then(of));
            let difference = model.zip(advection).map(|(model, other)| specs[place].better.gain(model, other));
            AheadIn { event: event.event.clone(), samples: event.samples, model, advection, difference }
        })
        .collect();
    // An undefined difference says nothing: last.
    let rank = |event: &AheadIn| event.difference.unwrap_or(f64::INFINITY);
    events.sort_by(|one, other| rank(one).total_cmp(&rank(other)));
    events
}
