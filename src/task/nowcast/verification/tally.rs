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
    /// For each kind of forecast, by lead time; of advection in a validation only over all lead times.
    pub kinds: BTreeMap<Kind, Sums>,
    pub(super) reliability: BTreeMap<Kind, Reliability>,
    pub(super) events: BTreeMap<usize, OfEvent>,
    /// Of the model.
    pub(super) map: Option<ErrorMap>,
    pub(super) lead_minutes: Vec<Vec<f32>>,
}

/// The windows of one event.
#[derive(Clone, Debug, Default)]
pub(super) struct OfEvent {
    pub(super) samples: usize,
    /// Of the model, and of the advection that it must beat.
    pub(super) kinds: BTreeMap<Kind, Sums>,
}

impl Tally {
    pub(super) fn none(judge: &Judge, depth: Depth) -> Self {
        let kinds = Kind::ALL;
        let is_full = depth == Depth::Evaluation;
        let leads = |kind: &Kind| if is_full || *kind != Kind::Advection { judge.frame.leads } else { 1 };
        let none = |kind: &Kind| (*kind, Sums::none(&judge.levels, leads(kind)));
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
        for (event, other) in &other.events {
            let own = self.events.entry(*event).or_default();
            own.samples += other.samples;
            for (kind, sums) in &other.kinds {
                own.kinds.entry(*kind).and_modify(|own| own.add(sums)).or_insert_with(|| sums.clone());
            }
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
            let event = self.events.entry(measured.event).or_default();
            event.samples += 1;
            for (kind, sums) in measured.sums.iter().filter(|(kind, _)| *kind != Kind::Persistence) {
                event.kinds.entry(*kind).and_modify(|own| own.add(sums)).or_insert_with(|| sums.clone());
            }
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
