//! Nowcasting as a task: what commands, worker and configuration reach it by.

use std::path::Path;

use serde_json::{Value, json};
use tracing::{debug, warn};

use super::config::{Coordinates, NowcastConfig, PrepareConfig};
use super::dataset::{Dataset, DatasetError};
use super::facts;
use super::inspect::{self, View};
use super::loss::Reported;
use super::model::forecaster;
use super::motion::known;
use super::prepare::{self, Setting, report::Report};
use super::quantize::{Quantizer, STEPS};
use super::{learner, made, predict, verification};
use crate::data::acquire::Acquired;
use crate::data::split::Side;
use crate::data::synthetic::Synthetic;
use crate::metric::forecast::scores::specs;
use crate::metric::score::ScoreSpec;
use crate::nn::network::Network;
use crate::task::needs::Needs;
use crate::task::{Beside, Evaluated, InspectOptions, Kind, Model, PredictOptions, Predicted, Prepared, Shown, Wish};
use crate::train::run_folder::dataset::FileDigest;
use crate::util::exit::Exit;
use crate::util::failure::Failed;
use crate::util::problem::Problem;
use crate::util::surroundings::Surroundings;
use crate::util::units;

/// The key of the task.
const NAME: &str = "nowcast";

/// How netCDF files begin: classic ones, and those that are HDF5 files.
const NETCDF: [&[u8]; 4] = [b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n"];

/// The most set-aside files that are named one by one; the report names all.
const MOST_NAMED: usize = 5;

impl Kind for NowcastConfig {
    fn name(&self) -> &'static str {
        NAME
    }

    fn default_name(&self) -> &'static str {
        "storms"
    }

    fn parts(&self) -> Vec<ScoreSpec> {
        Reported::of([&self.loss]).specs()
    }

    fn measures_in_steps(&self, part: &str) -> bool {
        let reported = Reported::of([&self.loss]);
        let parts = reported.specs().into_iter().zip(reported.weighted(&self.loss));
        parts.into_iter().any(|(spec, is_weighted)| is_weighted && spec.name == part)
    }

    fn scores(&self, facts: Option<&Value>) -> Vec<ScoreSpec> {
        match facts {
            None => self.scores.possible(&self.prepare),
            Some(facts) => specs(&self.scores.levels(&facts::quantity(facts), &self.prepare)),
        }
    }

    fn primary(&self, facts: &Value) -> String {
        self.scores.primary_for(&facts::quantity(facts), &self.prepare)
    }

    fn evaluated(&self) -> &'static dyn Evaluated {
        &verification::Evaluated
    }

    fn problems(&self, beside: &Beside<'_>) -> Vec<Problem> {
        let own = self.section_problems().into_iter().map(|problem| problem.below("task.nowcast"));
        own.chain(self.synthetic_problems(&beside.data.source)).collect()
    }

    fn needs(&self) -> Needs {
        NowcastConfig::needs(self)
    }

    fn loss_problems(&self) -> Vec<Problem> {
        self.loss.problems(&self.trained_frames()).into_iter().map(|problem| problem.below("loss")).collect()
    }

    fn share_key(&self, side: Side) -> &'static str {
        match side {
            Side::Train | Side::Val => "task.nowcast.split.val_share",
            Side::Test => "task.nowcast.split.test_share",
        }
    }

    fn validates(&self) -> bool {
        self.split.val_share > 0.0
    }

    fn network(&self, facts: &Value) -> Result<Box<dyn Network>, Failed> {
        Ok(Box::new(forecaster(self, &facts::quantity(facts))))
    }

    fn wishes(&self) -> &'static [Wish] {
        &[Wish::Level, Wish::Time, Wish::Layout]
    }

    fn synthesise(&self, synthetic: &Synthetic, into: &Path, around: &Surroundings<'_>) -> Result<(), Failed> {
        made::synthesise(synthetic, into, around)
    }

    fn is_payload(&self, _name: &Path, head: &[u8]) -> bool {
        NETCDF.iter().any(|magic| head.starts_with(magic))
    }

    fn prepare(&self, raw: &Acquired, into: &Path, around: &Surroundings<'_>) -> Result<Prepared, Failed> {
        let setting = Setting {
            config: &self.prepare,
            quantizer: Quantizer::new(self.prepare.min, self.prepare.max)?,
            hashes: raw.manifest.as_ref(),
            threads: threads(),
            stop: around.stop,
            progress: around.progress,
        };
        let prepared = prepare::prepare(&raw.root, into, &setting)?;
        name_set_aside(&prepared);
        let dataset = Dataset::open(&prepared.store, self)?;
        keep_manifest(&dataset, &prepared.store)?;
        let warnings = self.doubts(&prepared, &dataset);
        warnings.iter().chain(&dataset.plan.manifest.warnings).for_each(|warning| warn!("{warning}"));
        let fingerprint = prepared.report.fingerprint.to_string();
        let known = match self.asks_of_frames() {
            true => Some(known::of(&prepared.store, &fingerprint, self, (&dataset.frames, &dataset.times()), around)?),
            false => None,
        };
        let shown = shown(&prepared, &dataset)?;
        Ok(Prepared {
            fingerprint: fingerprint.clone(),
            files: prepared.report.used().into_iter().map(FileDigest::from).collect(),
            shown,
            data: Box::new(learner::Windows::new(self.clone(), dataset, known, (&prepared.store, fingerprint))),
            store: prepared.store,
            reading: None,
        })
    }

    fn inspect(&self, prepared: &Path, options: &InspectOptions, around: &Surroundings<'_>) -> Result<Shown, Failed> {
        let setting = inspect::Setting {
            config: self,
            pictures: options.pictures.as_deref(),
            view: options.level.map_or(View::Composite, View::Level),
            threads: threads(),
            stop: around.stop,
            progress: around.progress,
        };
        let inspection = inspect::inspect(&prepare::store_path(prepared, &self.prepare), &setting)?;
        Shown::new(inspection.table(), &inspection)
    }

    fn predict(
        &self,
        model: &Model<'_>,
        options: &PredictOptions,
        around: &Surroundings<'_>,
    ) -> Result<Predicted, Failed> {
        predict::predict(self, model, options, around)
    }
}

impl NowcastConfig {
    /// Whether anything must be found out about the frames before the first step.
    fn asks_of_frames(&self) -> bool {
        self.coordinates == Coordinates::Lagrangian || self.sampling.wet.is_some()
    }

    /// What the configuration asks of the data that makes little sense.
    fn doubts(&self, prepared: &prepare::Prepared, dataset: &Dataset) -> Vec<String> {
        let PrepareConfig { variable, size, min, max, .. } = &self.prepare;
        let mut doubts = Vec::new();
        let quantity = dataset.quantity();
        let default = PrepareConfig::default();
        if !quantity.is_reflectivity() && (*min, *max) == (default.min, default.max) {
            let step = (max - min) / STEPS;
            let measured = if quantity.unit().is_empty() { "no unit" } else { quantity.unit() };
            doubts.push(format!(
                "{variable} is in {measured}, but task.nowcast.prepare.min and max are {min} and {max}, the range of reflectivity: values \
                 are kept in steps of {step:.2}; set min to the lowest value (0 for rain) and max to the highest that matters"
            ));
        }
        if let Some([_, rows, columns]) = prepared.report.about.source_grid.as_ref().map(|grid| grid.shape)
            && (size[0] > rows || size[1] > columns)
        {
            let [to_rows, to_columns] = size;
            doubts.push(format!(
                "task.nowcast.prepare.size {to_rows} x {to_columns} is larger than the data, {rows} x {columns}: frames are \
                 enlarged, which costs time and adds no detail"
            ));
        }
        doubts
    }
}

/// The run folder has the sides too, so a dataset that can only be read does without.
fn keep_manifest(dataset: &Dataset, store: &Path) -> Result<(), DatasetError> {
    match dataset.save_manifest(store) {
        Err(error) if error.exit() == Exit::OutputNotWritable => {
            debug!("which event serves what is not written: {error}");
            Ok(())
        }
        saved => saved,
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn name_set_aside(prepared: &prepare::Prepared) {
    let (lines, named) = prepared.report.reasons(MOST_NAMED);
    for line in lines {
        warn!("set aside {line}");
    }
    let more = prepared.report.bad().saturating_sub(named);
    if more > 0 {
        warn!("{more} more were set aside; {} names all", Report::path(&prepared.store).display());
    }
}

fn shown(prepared: &prepare::Prepared, dataset: &Dataset) -> Result<Shown, Failed> {
    let report = &prepared.report;
    let value = json!({
        "store": prepared.store, "converted": prepared.converted, "frames": report.items(),
        "set_aside": report.bad(), "fingerprint": report.fingerprint, "windows": dataset.plan.manifest.totals,
    });
    Shown::new(text(prepared, dataset), &value)
}

/// The store alone on the first line, for scripts; below it the details for people.
fn text(prepared: &prepare::Prepared, dataset: &Dataset) -> String {
    let report = &prepared.report;
    let [levels, rows, columns] = dataset.shape();
    let frames = units::count(report.items() as u64, "frame");
    let events = units::count(dataset.paths.len() as u64, "event");
    let mut text = format!("{}\n{frames} in {events}, ", prepared.store.display());
    text += &format!("each {levels} x {rows} x {columns} (levels x rows x columns)\n");
    text += &dataset.plan.manifest.totals.text();
    if report.bad() > 0 {
        let files = units::count(report.files() as u64, "file");
        let path = Report::path(&prepared.store);
        text += &format!("{} of {files} set aside; {} says why\n", report.bad(), path.display());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_radar_file_is_not_an_archive() {
        let is_payload = |head: &[u8]| NowcastConfig::default().is_payload(Path::new("a"), head);
        assert!(is_payload(b"CDF\x01\0\0") && is_payload(b"\x89HDF\r\n\x1a\n\0"));
        assert!(!is_payload(b"\x1f\x8b\x08") && !is_payload(b"CDF"));
    }
}
