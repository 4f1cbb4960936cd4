//! The image classifier as a task: what commands, worker and configuration reach it by.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use thiserror::Error;
use tracing::warn;

use super::chapters::EVALUATED;
use super::config::ImageClassConfig;
use super::dataset::Dataset;
use super::decode::is_image;
use super::exported::Exported;
use super::facts::ModelFacts;
use super::inspect::InspectError;
use super::learner::{Classes, classifier};
use super::packed::{is_packed, is_whole};
use super::predict::Predicting;
use super::prepare::layout::LeftOut;
use super::prepare::{self, About, PreparedImages};
use super::training::network;
use super::{foreign, inspect, samples_seen, synth};
use crate::data::acquire::Acquired;
use crate::data::config::Source;
use crate::data::prepare::report::Report;
use crate::data::split::Side;
use crate::data::synthetic::Synthetic;
use crate::metric::score::ScoreSpec;
use crate::nn::network::Network;
use crate::nn::precision::Precision;
use crate::task::classes::specs::{self, ACCURACY, parts};
use crate::task::{
    Beside, Evaluated, InspectOptions, Kind, LearnerSetting, Model, PredictOptions, Predicted, Prepared, Shown, Wish,
    load,
};
use crate::train::device::Resolved;
use crate::train::run_folder::dataset::FileDigest;
use crate::train::task::Task;
use crate::util::exit::Exit;
use crate::util::failure::Failed;
use crate::util::fs::write_atomic;
use crate::util::problem::Problem;
use crate::util::progress::Unit;
use crate::util::surroundings::Surroundings;
use crate::util::units;

/// The most set-aside files that are named one by one; the report names all.
const MOST_NAMED: usize = 5;

/// What is counted.
const CLASSES: Unit = Unit { one: "class", many: "classes" };

/// A synthetic dataset that is none of characters.
#[derive(Debug, Error)]
#[error("this task learns from images, and data.source.synthetic makes {kind}; write synthetic: {{characters: {{}}}}")]
struct NoCharacters {
    kind: &'static str,
}

impl NoCharacters {
    fn exit(&self) -> Exit {
        Exit::Configuration
    }
}

crate::util::failures!("synthetic data": NoCharacters);

impl Kind for ImageClassConfig {
    fn name(&self) -> &'static str {
        "image_class"
    }

    fn default_name(&self) -> &'static str {
        "characters"
    }

    fn parts(&self) -> Vec<ScoreSpec> {
        parts()
    }

    fn scores(&self, facts: Option<&Value>) -> Vec<ScoreSpec> {
        specs::specs(
            prepare::IMAGES,
            facts.and_then(|facts| ModelFacts::read(facts).ok()).map(|facts| facts.classes.len()),
        )
    }

    fn primary(&self, _facts: &Value) -> String {
        ACCURACY.into()
    }

    /// Of equally accurate weights, those with the lower loss are the better ones.
    fn train_defaults(&self) -> Value {
        match self.validates() {
            true => specs::train_defaults(&[ACCURACY, "loss"]),
            false => Value::Null,
        }
    }

    fn evaluated(&self) -> &'static dyn Evaluated {
        &EVALUATED
    }

    fn problems(&self, beside: &Beside<'_>) -> Vec<Problem> {
        let own = self.section_problems().into_iter().map(|problem| problem.below("task.image_class"));
        own.chain(synthetic_problems(&beside.data.source)).collect()
    }

    fn loss_problems(&self) -> Vec<Problem> {
        self.loss.problems().into_iter().map(|problem| problem.below("loss")).collect()
    }

    fn share_key(&self, side: Side) -> &'static str {
        match side {
            Side::Train | Side::Val => "task.image_class.split.val_share",
            Side::Test => "task.image_class.split.test_share",
        }
    }

    fn validates(&self) -> bool {
        self.split.val_share > 0.0
    }

    fn network(&self, facts: &Value) -> Result<Box<dyn Network>, Failed> {
        let facts = ModelFacts::read(facts)?;
        Ok(Box::new(Exported { network: network(self, &facts), facts }))
    }

    fn foreign_facts(&self, weights: &Path, _prepared: &Path) -> Result<Value, Failed> {
        foreign::facts(self, weights)
    }

    fn wishes(&self) -> &'static [Wish] {
        &[Wish::Top, Wish::Tta]
    }

    fn synthesise(&self, synthetic: &Synthetic, into: &Path, around: &Surroundings<'_>) -> Result<(), Failed> {
        let characters = synthetic.characters().ok_or(NoCharacters { kind: synthetic.kind() })?;
        Ok(synth::write(characters, into, around)?)
    }

    fn is_payload(&self, name: &Path, head: &[u8]) -> bool {
        is_image(head) || is_packed(name, head)
    }

    fn is_whole(&self, name: &Path, head: &[u8]) -> bool {
        is_whole(name, head)
    }

    fn prepare(&self, raw: &Acquired, into: &Path, around: &Surroundings<'_>) -> Result<Prepared, Failed> {
        let prepared = prepare::prepare(&raw.root, into, &self.prepare, raw.manifest.as_ref(), around)?;
        warn_of(&prepared);
        let (fingerprint, files) = (prepared.report.fingerprint.to_string(), prepared.report.about.files.clone());
        let (is_new, report) = (prepared.is_new, prepared.report);
        let dataset = Dataset::new(prepared.store.clone(), prepared.records, prepared.facts, &self.split);
        let text = text(&dataset, &report);
        let value = json!({
            "store": prepared.store, "is_new": is_new, "images": dataset.totals(None), "classes": dataset.facts.model.classes,
            "inverted": dataset.facts.model.inverted, "set_aside": report.bad(), "left_out": report.about.left_out,
            "replaced": report.about.replaced, "capped": report.about.capped, "fingerprint": fingerprint,
        });
        Ok(Prepared {
            store: prepared.store,
            fingerprint,
            files: files.into_iter().map(FileDigest::from).collect(),
            shown: Shown::new(text, &value)?,
            data: Box::new(Classes { config: self.clone(), dataset }),
            reading: None,
        })
    }

    fn inspect(&self, prepared: &Path, options: &InspectOptions, _around: &Surroundings<'_>) -> Result<Shown, Failed> {
        let store = prepare::store_path(prepared, &self.prepare);
        let dataset = Dataset::open(&store, &self.split).map_err(InspectError::from)?;
        let mut inspection = inspect::inspect(&dataset, options.pictures.as_deref())?;
        if let Some(folder) = &options.pictures {
            let path = folder.join(samples_seen::AUGMENTED);
            let picture = samples_seen::augmented(&dataset, &self.augment, options.seed)?;
            write_atomic(&path, &picture).map_err(InspectError::from)?;
            inspection.pictures.push(path);
        }
        Shown::new(inspection.table(), &inspection)
    }

    fn predict(
        &self,
        model: &Model<'_>,
        options: &PredictOptions,
        around: &Surroundings<'_>,
    ) -> Result<Predicted, Failed> {
        let facts = Arc::new(ModelFacts::read(model.facts)?);
        // The same on every machine: whether one multiplies bf16 must not decide between two classes.
        let machine = Resolved { precision: Precision::Fp32, ..model.setting.machine.clone() };
        let setting = LearnerSetting { machine: &machine, ..model.setting };
        let mut classifier = classifier(self, &setting, (Arc::clone(&facts), &[]), Arc::default())?;
        load(model.weights, |weights| classifier.parameters_mut().load_named(&weights.tensors))?;
        let predicting = Predicting {
            classifier: &classifier,
            config: self,
            model: model.described,
            at_once: model.at_once,
            top: options.top,
            tta: options.tta,
        };
        let outcome = predicting.run(&options.input, &options.output, around)?;
        let shown = Shown::new(outcome.text(), &outcome.document)?;
        Ok(Predicted { shown, refused: outcome.refused.map(Failed::from) })
    }
}

/// A dataset made on this machine is known before it is made: what the task can't use is refused now.
fn synthetic_problems(sources: &[Source]) -> Vec<Problem> {
    let wrong = |(index, source): (usize, &Source)| match source {
        Source::Synthetic(synthetic) if synthetic.characters().is_none() => {
            let message = format!("this task learns from images, got {}", synthetic.kind());
            let remedy = "write `synthetic: {characters: {}}`";
            Some(Problem::new(format!("data.source.{index}.synthetic"), message, remedy))
        }
        _ => None,
    };
    sources.iter().enumerate().filter_map(wrong).collect()
}

/// What a person should know before training on it.
fn warn_of(prepared: &PreparedImages) {
    let (lines, named) = prepared.report.reasons(MOST_NAMED);
    for line in lines {
        warn!("set aside {line}");
    }
    let more = prepared.report.bad().saturating_sub(named);
    if more > 0 {
        warn!("{more} more were set aside; {} lists all", prepare::report_path(&prepared.store).display());
    }
    for LeftOut { place, files, reason } in prepared.report.about.left_out.iter().take(MOST_NAMED) {
        warn!("left out {place} ({}): {reason}", units::count(*files as u64, "file"));
    }
    let empty = prepared.facts.empty_classes();
    if !empty.is_empty() {
        let names = empty.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = if empty.len() > MOST_NAMED { ", ..." } else { "" };
        warn!("{} without images: {names}{more}; the model has an output for each", CLASSES.count(empty.len() as u64));
    }
}

/// The store alone on the first line, for scripts; below it what a person wants to know.
fn text(dataset: &Dataset, report: &Report<About>) -> String {
    let (totals, [rows, columns]) = (dataset.totals(None), dataset.facts.model.size);
    let mut text = format!("{}\n", dataset.store.display());
    text += &format!(
        "{} of {} classes, each {rows} x {columns}{}\n",
        prepare::IMAGES.count(totals.all() as u64),
        dataset.facts.model.classes.len(),
        if dataset.facts.model.inverted { ", inverted" } else { "" }
    );
    text += &format!("train {}, val {}, test {}\n", totals.train, totals.val, totals.test);
    let About { replaced, capped, .. } = report.about;
    if replaced > 0 {
        text += &format!("{replaced} raw files are replaced by processed ones\n");
    }
    if capped > 0 {
        text += &format!("{} above max_per_class are not used\n", prepare::IMAGES.count(capped as u64));
    }
    if report.bad() > 0 {
        text += &format!("{} set aside; {} says why\n", report.bad(), prepare::report_path(&dataset.store).display());
    }
    text
}
