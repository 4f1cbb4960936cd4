//! The sums over all windows that were judged. Windows are added in their order, for any number of threads, so that
//! the same forecasts always give the same sums, bit for bit.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::judge::{Judge, Measured, Window};
use super::kinds::Kind;
use crate::metric::forecast::error_map::ErrorMap;
use crate::metric::forecast::reliability::Reliability;
use crate::metric::forecast::sums::Sums;
use crate::train::task::Depth;

/// Sums over windows.
#[derive(Clone, Debug)]
pub struct Tally {
    depth: Depth,
    /// Windows.
    pub samples: usize,
    /// Cells that were compared.
    pub cells: u64,
    /// Cells that were left out, because they have no observation.
    pub excluded: u64,
    /// For each kind of forecast.
    pub kinds: BTreeMap<Kind, Sums>,
    pub(super) reliability: BTreeMap<Kind, Reliability>,
    /// Of the model: windows and sums of each event.
    pub(super) events: BTreeMap<usize, (usize, Sums)>,
    /// Of the model.
    pub(super) map: Option<ErrorMap>,
    pub(super) lead_minutes: Vec<Vec<f32>>,
}

impl Tally {
    pub(super) fn none(judge: &Judge, depth: Depth) -> Self {
        let kinds: &[Kind] = match depth {
            Depth::Validation => &[Kind::Model, Kind::Persistence],
            Depth::Evaluation => &Kind::ALL,
        };
        let is_full = depth == Depth::Evaluation;
        let none = |kind: &Kind| (*kind, Sums::none(&judge.levels, judge.frame.leads));
        let reliability = kinds.iter().filter(|_| is_full).map(|kind| (*kind, judge.reliability()));
        Self {
            depth,
            samples: 0,
            cells: 0,
            excluded: 0,
            kinds: kinds.iter().map(none).collect(),
            reliability: reliability.collect(),
            events: BTreeMap::new(),
            map: is_full.then(|| judge.error_map()),
            lead_minutes: Vec::new(),
        }
    }

    /// Judges windows in parallel and adds the results.
    pub fn add(&mut self, judge: &Judge, windows: &[Window]) {
        let depth = self.depth;
        // As many at once as there are threads: each takes its own memory.
        for windows in windows.chunks(rayon::current_num_threads().max(1)) {
            let measured: Vec<Measured> = windows.par_iter().map(|window| judge.measure(window, depth)).collect();
            for (window, measured) in windows.iter().zip(measured) {
                if let Some(map) = &mut self.map {
                    map.add_window(&window.forecast, &window.observed);
                }
                self.take(judge, measured);
            }
        }
    }

    /// Events that were judged one by one.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.events.len()
    }

    /// The model's error map.
    #[must_use]
    pub fn map(&self) -> Option<&ErrorMap> {
        self.map.as_ref()
    }

    /// Adds another tally of the same depth and window shape.
    pub fn merge(&mut self, other: &Self) {
        self.samples += other.samples;
        self.cells += other.cells;
        self.excluded += other.excluded;
        for (kind, sums) in &other.kinds {
            self.kinds.entry(*kind).and_modify(|own| own.add(sums)).or_insert_with(|| sums.clone());
        }
        for (kind, found) in &other.reliability {
            self.reliability.entry(*kind).and_modify(|own| own.add(found)).or_insert_with(|| found.clone());
        }
        for (event, (samples, sums)) in &other.events {
            let own = self.events.entry(*event).or_insert_with(|| (0, Sums::default()));
            own.0 += samples;
            if own.1.leads.is_empty() { own.1 = sums.clone() } else { own.1.add(sums) }
        }
        if let (Some(map), Some(other)) = (&mut self.map, &other.map) {
            map.add(other);
        }
        self.lead_minutes.extend(other.lead_minutes.iter().cloned());
    }

    fn take(&mut self, judge: &Judge, measured: Measured) {
        self.samples += 1;
        self.cells += measured.cells;
        self.excluded += measured.excluded;
        if self.depth == Depth::Evaluation {
            self.lead_minutes.push(measured.lead_minutes);
            let none = || (0, Sums::none(&judge.levels, judge.frame.leads));
            let (samples, event) = self.events.entry(measured.event).or_insert_with(none);
            *samples += 1;
            measured.sums.iter().filter(|(kind, _)| *kind == Kind::Model).for_each(|(_, sums)| event.add(sums));
        }
        let kinds = measured.sums.iter().map(|(kind, _)| *kind);
        for (kind, reliability) in kinds.zip(&measured.reliability) {
            self.reliability.entry(kind).or_insert_with(|| judge.reliability()).add(reliability);
        }
        for (kind, sums) in &measured.sums {
            self.kinds.entry(*kind).or_default().add(sums);
        }
    }
}
