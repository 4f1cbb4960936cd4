//! What one window adds to the scores: forecasts against observations. Pure, so that many windows are judged at once.

use super::advected::{Advected, Place};
use super::kinds::Kind;
use super::tally::Tally;
use crate::metric::forecast::error_map::ErrorMap;
use crate::metric::forecast::reliability::Reliability;
use crate::metric::forecast::sums::{Levels, Sums};
use crate::metric::forecast::verify::{Shape, Verifier};
use crate::task::nowcast::advection;
use crate::task::nowcast::config::{Levels as LevelsConfig, NowcastConfig};
use crate::task::nowcast::motion::{MOTION_FRAMES, normalised};
use crate::train::task::Depth;
use crate::util::quantity::Quantity;
use crate::util::step::Step;

/// The ranges that intensities are sorted into: 5 dBZ, of other quantities about so many.
const DBZ_STEP: f64 = 5.0;
const RANGES: f64 = 20.0;

/// A window with the model's forecast, as plain arrays.
#[derive(Clone, Debug)]
pub struct Window {
    /// What it is made of.
    pub place: Place,
    /// When each of its frames was taken: minutes from the last one that the model saw.
    pub minutes: Vec<f32>,
    /// Bytes of the last frames that the model saw: frames, channels, rows, columns.
    pub seen: Vec<u8>,
    /// Bytes of the observed frames: frames, channels, rows, columns.
    pub observed: Vec<u8>,
    /// The forecast of the model for these, 0 to 1.
    pub forecast: Vec<f32>,
}

/// What was found about one window.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) event: usize,
    pub(super) lead_minutes: Vec<f32>,
    pub(super) cells: u64,
    pub(super) excluded: u64,
    pub(super) sums: Vec<(Kind, Sums)>,
    pub(super) reliability: Vec<Reliability>,
}

/// How forecasts are judged.
#[derive(Debug)]
pub struct Judge {
    verifier: Verifier,
    pub(super) levels: Levels,
    pub(super) frame: Shape,
    min: f64,
    step: Step,
    /// Frames that are kept of those that the model sees.
    seen_frames: usize,
    pub(super) advected: Advected,
}

impl Judge {
    /// For windows as configured, of this quantity.
    #[must_use]
    pub fn new(config: &NowcastConfig, quantity: &Quantity) -> Self {
        let min = config.prepare.min;
        let channels = match &config.prepare.levels {
            LevelsConfig::Each | LevelsConfig::Composite => 1,
            LevelsConfig::Channels(levels) => levels.len(),
        };
        let [rows, columns] = config.prepare.size;
        let frame = Shape { leads: config.windows.target_frames, channels, rows, columns };
        let levels = config.scores.levels(quantity, &config.prepare);
        let step = Step::at_least(if quantity.is_reflectivity() { DBZ_STEP } else { levels.span / RANGES });
        let seen_frames = config.windows.input_frames.min(MOTION_FRAMES);
        let verifier = Verifier::new(levels.clone(), min, frame);
        Self { verifier, levels, frame, min, step, seen_frames, advected: Advected::default() }
    }

    /// How many of the frames that the model sees a [`Window`] holds.
    #[must_use]
    pub fn seen_frames(&self) -> usize {
        self.seen_frames
    }

    /// What scores are measured at.
    #[must_use]
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// Nothing has been scored yet.
    #[must_use]
    pub fn tally(&self, depth: Depth) -> Tally {
        Tally::none(self, depth)
    }

    /// What the advection of a window scores. A forecast of the model is not needed.
    #[must_use]
    pub fn advected(&self, window: &Window) -> Sums {
        self.verifier.measure(&self.verifier.observe(&window.observed), &self.advection(window))
    }

    /// A validation learns of advection only what it scores over all lead times, which is computed once for each window.
    pub(super) fn measure(&self, window: &Window, depth: Depth) -> Measured {
        let observation = self.verifier.observe(&window.observed);
        let known = observation.known_cells();
        let is_full = depth == Depth::Evaluation;
        let (persistence, advection) = (self.persistence(window), is_full.then(|| self.advection(window)));
        let mut forecasts = vec![(Kind::Model, &window.forecast), (Kind::Persistence, &persistence)];
        forecasts.extend(advection.as_ref().map(|forecast| (Kind::Advection, forecast)));
        let measured = |forecast: &[f32]| self.verifier.measure(&observation, forecast);
        let mut sums: Vec<_> = forecasts.iter().map(|(kind, forecast)| (*kind, measured(forecast))).collect();
        if !is_full {
            let compute = || measured(&self.advection(window)).all_leads(&self.levels);
            sums.push((Kind::Advection, Sums { leads: vec![self.advected.of(&window.place, compute)] }));
        }
        let intensities = |(_, forecast): &(Kind, &Vec<f32>)| {
            let mut found = self.reliability();
            found.add_cells(forecast, &window.observed);
            found
        };
        let reliability = forecasts.iter().filter(|_| is_full).map(intensities);
        Measured {
            event: window.place.event,
            lead_minutes: self.lead_minutes(window).to_vec(),
            cells: known,
            excluded: window.observed.len() as u64 - known,
            sums,
            reliability: reliability.collect(),
        }
    }

    pub(super) fn reliability(&self) -> Reliability {
        Reliability::none(self.min, self.levels.span, self.step)
    }

    pub(super) fn error_map(&self) -> ErrorMap {
        ErrorMap::none(self.frame, self.levels.span)
    }

    fn lead_minutes<'a>(&self, window: &'a Window) -> &'a [f32] {
        &window.minutes[window.minutes.len() - self.frame.leads..]
    }

    fn seen_minutes<'a>(&self, window: &'a Window) -> &'a [f32] {
        let end = window.minutes.len() - self.frame.leads;
        &window.minutes[end - self.seen_frames..end]
    }

    fn frame_cells(&self) -> usize {
        self.frame.channels * self.frame.rows * self.frame.columns
    }

    /// The last frame repeated; unobserved cells count as no echo.
    fn persistence(&self, window: &Window) -> Vec<f32> {
        let last = &window.seen[window.seen.len() - self.frame_cells()..];
        let last: Vec<f32> = last.iter().map(|&byte| normalised(byte).max(0.0)).collect();
        last.repeat(self.frame.leads)
    }

    /// The last frame moved on, each channel with its own motion.
    fn advection(&self, window: &Window) -> Vec<f32> {
        let Shape { leads, channels, rows, columns } = self.frame;
        let cells = rows * columns;
        let seen: Vec<f32> = window.seen.iter().map(|&byte| normalised(byte)).collect();
        let [input_minutes, lead_minutes] = [self.seen_minutes(window), self.lead_minutes(window)]
            .map(|minutes| minutes.iter().map(|&minutes| f64::from(minutes)).collect::<Vec<_>>());
        let times = advection::Times { input_minutes: &input_minutes, lead_minutes: &lead_minutes };
        let mut all = vec![f32::NAN; leads * channels * cells];
        for channel in 0..channels {
            let frames: Vec<&[f32]> = seen.chunks_exact(cells).skip(channel).step_by(channels).collect();
            let moved = advection::forecast(&frames, rows, columns, &times, 0.0);
            for (lead, frame) in moved.chunks_exact(cells).enumerate() {
                all[(lead * channels + channel) * cells..][..cells].copy_from_slice(frame);
            }
        }
        all
    }
}
