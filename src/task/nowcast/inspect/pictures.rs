//! The pictures of an inspection: a timeline and a histogram of the dataset, a contact sheet of each event, and the event
//! with the most strong echo in motion.

use std::path::{Path, PathBuf};

use super::{EventView, InspectError, Inspection, Setting, THRESHOLDS_DBZ};
use crate::data::store::EventReader;
use crate::report::PictureError;
use crate::report::radar::frame::{Labels, RadarFrame};
use crate::report::radar::histogram::{Histogram, histogram};
use crate::report::radar::timeline::{Bar, TimelineEvent, timeline};
use crate::report::radar::{animation, contact_sheet};
use crate::task::nowcast::dataset::Dataset;
use crate::task::nowcast::quantize::{MISSING, Quantizer};
use crate::task::nowcast::split::Side;
use crate::task::nowcast::statistics::Counts;
use crate::task::nowcast::volume::time_in_name;
use crate::util::fs::{create_dir_all, write_atomic};
use crate::util::progress::{Stage, Unit};

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
    /// From bytes to reflectivity.
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
        let mut drawn = vec![
            self.write("timeline.png", &timeline(&self.rows(inspection)).map_err(PictureError::from)?)?,
            self.write("reflectivity.png", &self.histogram(counts)?)?,
        ];
        progress.advance(2);
        let [_, rows, columns] = self.dataset.shape();
        let shape = [rows, columns];
        let stormiest = stormiest(&inspection.events);
        for (planned, event) in self.dataset.plan.events.iter().zip(&inspection.events) {
            self.setting.stop.check()?;
            let film = self.film(&self.dataset.frames.events()[planned.index])?;
            // The path as it is: with its folders joined by another character, two events could share a picture.
            let name = format!("events/{}", event.record.path);
            let title = format!("{} ({})", event.record.path, super::side_name(event.record.side));
            drawn.push(self.write(&format!("{name}.png"), &film.draw(&title, contact_sheet::png, shape)?)?);
            if stormiest == Some(&event.record.path) {
                drawn.push(self.write(&format!("{name}.gif"), &film.draw(&title, animation::gif, shape)?)?);
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

    fn histogram(&self, counts: &Counts) -> Result<Vec<u8>, InspectError> {
        let [missing, present @ ..] = counts.by_value();
        // Whole dBZ: finer bins show how the steps of the file and those of the dataset meet, not the weather.
        let lowest = self.quantizer.dequantize(1).floor();
        let mut bins = Vec::new();
        for (value, count) in (1..=u8::MAX).zip(present) {
            let bin = (self.quantizer.dequantize(value) - lowest) as usize;
            bins.resize(bins.len().max(bin + 1), 0);
            bins[bin] += count;
        }
        let shown = Histogram {
            first_dbz: lowest,
            step_dbz: 1.0,
            counts: bins,
            missing: *missing,
            thresholds_dbz: THRESHOLDS_DBZ.to_vec(),
        };
        Ok(histogram(&shown).map_err(PictureError::from)?)
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

    /// What is drawn of a volume, in dBZ, missing as NaN.
    fn plane(&self, volume: &[u8], cells: usize) -> Vec<f32> {
        let bytes: Vec<u8> = match self.setting.view {
            View::Level(level) => volume.chunks_exact(cells).nth(level).unwrap_or_default().to_vec(),
            // Missing is the lowest byte, and the bytes ascend with the reflectivity.
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
        shape: [usize; 2],
    ) -> Result<Vec<u8>, InspectError> {
        let [height, width] = shape;
        let frames = self.frames.iter().zip(&self.seconds);
        let frames: Vec<RadarFrame<'_>> =
            frames.map(|(dbz, &time_seconds)| RadarFrame { dbz, height, width, time_seconds }).collect();
        Ok(draw(&frames, &Labels { title, level: &self.level, km_per_cell: self.km_per_cell })?)
    }
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

/// The event with the largest share above the highest threshold.
fn stormiest(events: &[EventView]) -> Option<&String> {
    let strong = |event: &&EventView| event.shares.above.last().map_or(0.0, |above| above.share);
    events.iter().max_by(|a, b| strong(a).total_cmp(&strong(b))).map(|event| &event.record.path)
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
        bar: match record.side {
            Some(Side::Train) => Bar::Train,
            Some(Side::Val) => Bar::Val,
            Some(Side::Test) => Bar::Test,
            None => Bar::Unused,
        },
        gaps: gaps.collect(),
        set_aside: refused.flat_map(|bad| &bad.set_aside).filter_map(|file| time_in_name(file.file.as_ref())).collect(),
    }
}
