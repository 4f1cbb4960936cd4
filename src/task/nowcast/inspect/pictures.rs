//! The pictures of an inspection: a timeline and a histogram of the dataset, a contact sheet of each event, and the event
//! that is the wettest in motion.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use super::{EventView, InspectError, Inspection, Setting, Shares};
use crate::data::store::EventReader;
use crate::report::PictureError;
use crate::report::radar::colours::Scale;
use crate::report::radar::frame::{Labels, RadarFrame};
use crate::report::radar::histogram::{Histogram, histogram};
use crate::report::radar::timeline::{Bar, TimelineEvent, timeline};
use crate::report::radar::{animation, contact_sheet};
use crate::task::nowcast::dataset::Dataset;
use crate::task::nowcast::plan::{Part, PlacedEvent};
use crate::task::nowcast::quantize::{MISSING, Quantizer};
use crate::task::nowcast::split::Side;
use crate::task::nowcast::statistics::Counts;
use crate::task::nowcast::volume::time_in_name;
use crate::util::fs::{create_dir_all, write_atomic};
use crate::util::progress::{Stage, Unit};
use crate::util::quantity::Quantity;
use crate::util::step::Step;

/// The bytes whose values share a bin of the histogram: 1 dBZ of the default range.
const BYTES_IN_A_BIN: f64 = 2.5;
/// The share of a bin up to which a value counts as on its edge: allows for rounding only.
const ON_AN_EDGE: f64 = 1e-9;

/// What of a volume is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The maximum of each column.
    Composite,
    /// One level, counted from 0 at the ground.
    Level(usize),
}

/// The frames of an event as a picture shows them.
struct Film {
    frames: Vec<Vec<f32>>,
    seconds: Vec<i64>,
    level: String,
    km_per_cell: Option<f32>,
}

/// Draws the pictures.
pub struct Pictures<'a> {
    /// The folder for them.
    pub folder: &'a Path,
    /// What is drawn.
    pub dataset: &'a Dataset,
    /// From bytes to values.
    pub quantizer: Quantizer,
    /// The rest.
    pub setting: &'a Setting<'a>,
}

impl Pictures<'_> {
    /// Draws all of them; the files that were written.
    ///
    /// # Errors
    /// If a frame can't be read, or a file can't be written.
    pub fn draw(&self, inspection: &Inspection, counts: &Counts) -> Result<Vec<PathBuf>, InspectError> {
        let progress = self.setting.progress;
        progress.begin(Stage::Draw, Some(inspection.events.len() as u64 + 3), Unit::FILES);
        let quantity = self.dataset.quantity();
        let name = format!("{}.png", quantity.name().replace(' ', "_"));
        let mut drawn = vec![
            self.write("timeline.png", &timeline(&self.rows(inspection)).map_err(PictureError::from)?)?,
            self.write(
                &name,
                &histogram(&shown(counts, &inspection.total, &self.quantizer, &quantity))
                    .map_err(PictureError::from)?,
            )?,
        ];
        progress.advance(2);
        let [_, rows, columns] = self.dataset.shape();
        let shape = [rows, columns];
        let prepare = &self.setting.config.prepare;
        let scale = Scale::of(&quantity, prepare.min, prepare.max);
        let wettest = wettest(&inspection.events);
        for (planned, event) in self.dataset.plan.events.iter().zip(&inspection.events) {
            self.setting.stop.check()?;
            let film = self.film(&self.dataset.frames.events()[planned.index])?;
            // The path as it is: with its folders joined by another character, two events could share a picture.
            let name = format!("events/{}", event.record.path);
            let title = format!("{} ({})", event.record.path, super::side_name(&event.record));
            drawn.push(self.write(&format!("{name}.png"), &film.draw(&title, contact_sheet::png, (shape, &scale))?)?);
            if wettest == Some(&event.record.path) {
                drawn.push(self.write(&format!("{name}.gif"), &film.draw(&title, animation::gif, (shape, &scale))?)?);
            }
            progress.advance(1);
        }
        progress.end(&format!("drew {} pictures in {}", drawn.len(), self.folder.display()));
        Ok(drawn)
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<PathBuf, InspectError> {
        let path = self.folder.join(name);
        create_dir_all(path.parent().unwrap_or(self.folder))?;
        write_atomic(&path, content)?;
        Ok(path)
    }

    fn rows(&self, inspection: &Inspection) -> Vec<TimelineEvent> {
        let events = self.dataset.plan.events.iter().zip(&inspection.events);
        events
            .map(|(planned, event)| row(event, self.dataset.frames.events()[planned.index].times(), inspection))
            .collect()
    }

    fn film(&self, event: &EventReader) -> Result<Film, InspectError> {
        let [levels, rows, columns] = self.dataset.shape();
        let mut volume = vec![0; levels * rows * columns];
        let mut frames = Vec::with_capacity(event.frames());
        for index in 0..event.frames() {
            event.read_frame(index, &mut volume)?;
            frames.push(self.plane(&volume, rows * columns));
        }
        let seconds = event.times().iter().map(|time| time.round() as i64).collect();
        Ok(Film { frames, seconds, level: self.level_name(event), km_per_cell: km_per_cell(event) })
    }

    /// What is drawn of a volume, missing as NaN.
    fn plane(&self, volume: &[u8], cells: usize) -> Vec<f32> {
        let bytes: Vec<u8> = match self.setting.view {
            View::Level(level) => volume.chunks_exact(cells).nth(level).unwrap_or_default().to_vec(),
            // Missing is the lowest byte, and the bytes ascend with the values.
            View::Composite => volume.chunks_exact(cells).fold(vec![MISSING; cells], |mut strongest, level| {
                strongest.iter_mut().zip(level).for_each(|(most, &cell)| *most = cell.max(*most));
                strongest
            }),
        };
        let dbz = |byte: u8| if byte == MISSING { f32::NAN } else { self.quantizer.dequantize(byte) as f32 };
        bytes.into_iter().map(dbz).collect()
    }

    fn level_name(&self, event: &EventReader) -> String {
        let axis = event.coordinates().first();
        match (self.setting.view, axis) {
            (View::Level(level), Some(axis)) => {
                let height = axis.values.get(level).copied().unwrap_or_default();
                let units = axis.attributes.get("units").and_then(|units| units.as_str()).unwrap_or_default();
                format!("level {level}: {height} {units}").trim_end().to_owned()
            }
            _ if self.dataset.shape()[0] == 1 => String::new(),
            _ => "column maximum".to_owned(),
        }
    }
}

impl Film {
    fn draw(
        &self,
        title: &str,
        draw: fn(&[RadarFrame<'_>], &Labels<'_>) -> Result<Vec<u8>, PictureError>,
        ([height, width], scale): ([usize; 2], &Scale),
    ) -> Result<Vec<u8>, InspectError> {
        let frames = self.frames.iter().zip(&self.seconds);
        let frames: Vec<RadarFrame<'_>> =
            frames.map(|(dbz, &time_seconds)| RadarFrame { dbz, height, width, time_seconds }).collect();
        Ok(draw(&frames, &Labels { scale, title, level: &self.level, km_per_cell: self.km_per_cell })?)
    }
}

/// How often each value occurs. The shares above thresholds are those of the table: a bin holds values on both sides of one.
fn shown(counts: &Counts, shares: &Shares, quantizer: &Quantizer, quantity: &Quantity) -> Histogram {
    let [missing, present @ ..] = counts.by_value();
    // Finer bins show how the steps of the file and those of the dataset meet, not the weather.
    let step = Step::at_least(BYTES_IN_A_BIN * quantizer.scale_factor());
    let lowest = (quantizer.dequantize(1) / step.times(1)).floor() as i64;
    let mut bins = Vec::new();
    for (value, count) in (1..=u8::MAX).zip(present) {
        let bin = (quantizer.dequantize(value) / step.times(1) + ON_AN_EDGE).floor() as i64 - lowest;
        let bin = bin.max(0) as usize;
        bins.resize(bins.len().max(bin + 1), 0);
        bins[bin] += count;
    }
    Histogram {
        name: capitalised(quantity.name()),
        unit: quantity.unit().to_owned(),
        first: step.times(lowest),
        step: step.times(1),
        counts: bins,
        missing: *missing,
        thresholds: shares.above.iter().map(|above| (above.threshold, above.share)).collect(),
    }
}

/// "Rain rate".
fn capitalised(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}

/// The distance of two columns, if the file gives it in kilometres or metres.
fn km_per_cell(event: &EventReader) -> Option<f32> {
    let axis = event.coordinates().last()?;
    let [first, .., last] = axis.values.as_slice() else { return None };
    let per_unit = match axis.attributes.get("units")?.as_str()? {
        "km" | "kilometer" | "kilometers" | "kilometre" | "kilometres" => 1.0,
        "m" | "meter" | "meters" | "metre" | "metres" => 0.001,
        _ => return None,
    };
    Some(((last - first) / (axis.values.len() - 1) as f64 * per_unit) as f32)
}

/// The event with the largest share above the highest threshold; if these are equal, such as when nothing is so strong,
/// above the next lower one. The first of equal events.
fn wettest(events: &[EventView]) -> Option<&String> {
    let strong = |event: &EventView| event.shares.above.iter().rev().map(|above| above.share).collect::<Vec<_>>();
    let wetter = |a: &&EventView, b: &&EventView| strong(a).partial_cmp(&strong(b)).unwrap_or(Ordering::Equal);
    events.iter().rev().max_by(wetter).map(|event| &event.record.path)
}

/// The event, or its parts if it is cut, each with what it serves and when it begins and ends.
fn bars(record: &PlacedEvent, times: &[f64]) -> Vec<(Bar, f64, f64)> {
    let bar = |side: Option<Side>| match side {
        Some(Side::Train) => Bar::Train,
        Some(Side::Val) => Bar::Val,
        Some(Side::Test) => Bar::Test,
        None => Bar::Unused,
    };
    let time = |frame: usize| times.get(frame).copied().unwrap_or_default();
    let part = |part: &Part| (bar(Some(part.side)), time(part.first_frame), time(part.first_frame + part.frames - 1));
    match record.parts[..] {
        [] => vec![(bar(record.side), time(0), time(times.len().saturating_sub(1)))],
        _ => record.parts.iter().map(part).collect(),
    }
}

fn row(event: &EventView, times: &[f64], inspection: &Inspection) -> TimelineEvent {
    let record = &event.record;
    let before = |frame: usize| times.get(frame).copied().unwrap_or_default();
    let gaps = record.gaps.iter().map(|gap| (before(gap.after_frame), before(gap.after_frame + 1)));
    let refused = inspection.set_aside.iter().filter(|bad| bad.path == record.path);
    TimelineEvent {
        name: record.path.clone(),
        first_seconds: times.first().copied().unwrap_or_default(),
        last_seconds: times.last().copied().unwrap_or_default(),
        frames: record.frames,
        windows: record.windows,
        bars: bars(record, times),
        gaps: gaps.collect(),
        set_aside: refused.flat_map(|bad| &bad.set_aside).filter_map(|file| time_in_name(file.file.as_ref())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::nowcast::inspect::Above;

    #[test]
    fn the_shares_of_the_histogram_are_those_of_the_table_and_of_the_cells() {
        for (unit, min, max) in [("dBZ", -29.0, 65.0), ("dBZ", -32.0, 95.0), ("mm", 0.0, 20.0)] {
            let (quantizer, quantity) = (Quantizer::new(min, max).unwrap(), Quantity::of(unit));
            let cells: Vec<u8> = (0..40_000_u32).map(|cell| (cell.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let mut counts = Counts::default();
            counts.add_frame(&cells);
            let thresholds = [0.1, 5.0, 20.0, 35.0, 45.0].map(|value: f64| value.min(max - 1.0));
            let table = Shares::of(&counts, &thresholds, &quantizer);
            let histogram = shown(&counts, &table, &quantizer, &quantity);
            for (Above { threshold, share }, drawn) in table.above.iter().zip(&histogram.thresholds) {
                let above = cells.iter().filter(|cell| quantizer.dequantize(**cell) > *threshold).count();
                assert_eq!(*drawn, (*threshold, *share));
                assert!((share - above as f64 / cells.len() as f64).abs() < 1e-12, "{unit} {threshold}");
                // The bars agree, but for the bin that holds the threshold.
                let bins = histogram.counts.iter().enumerate();
                let beyond = |edge: f64| {
                    let begins = |bin: usize| histogram.first + bin as f64 * histogram.step;
                    bins.clone().filter(|(bin, _)| begins(*bin) >= edge - 1e-9).map(|(_, count)| count).sum::<u64>()
                };
                let [least, most] = [threshold + histogram.step, threshold - histogram.step].map(beyond);
                assert!((least..=most).contains(&(above as u64)), "{unit} {threshold}: {least} {above} {most}");
            }
            let missing = cells.iter().filter(|cell| **cell == MISSING).count() as u64;
            assert_eq!((histogram.counts.iter().sum::<u64>() + missing, histogram.missing), (40_000, missing));
        }
    }

    #[test]
    fn the_wettest_event_has_most_above_the_highest_threshold_that_any_is_above() {
        let event = |path: &str, shares: [f64; 2]| {
            let above = shares.map(|share| Above { threshold: 0.0, share }).into();
            let record = PlacedEvent {
                path: path.into(),
                side: None,
                parts: Vec::new(),
                reason: String::new(),
                days: Vec::new(),
                first: None,
                last: None,
                frames: 0,
                windows: 0,
                median_interval_seconds: None,
                gaps: Vec::new(),
            };
            EventView { record, shares: Shares { missing_share: 0.0, above } }
        };
        let of = |events: &[EventView]| wettest(events).cloned();
        assert_eq!(of(&[event("a", [0.5, 0.1]), event("b", [0.4, 0.2])]), Some("b".into()));
        assert_eq!(of(&[event("a", [0.5, 0.0]), event("b", [0.4, 0.0])]), Some("a".into()), "nothing is so strong");
        assert_eq!(of(&[event("a", [0.5, 0.1]), event("b", [0.5, 0.1])]), Some("a".into()));
        assert_eq!(of(&[]), None);
    }
}
