//! The classifier of sequences as a task: what commands, worker and configuration reach it by.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use thiserror::Error;
use tracing::warn;

use super::chapters::EVALUATED;
use super::config::{KeypointsConfig, SplitBy, TailAction};
use super::dataset::Dataset;
use super::exported::Exported;
use super::facts::ModelFacts;
use super::foreign::{self, Inputs};
use super::inspect::{self, InspectError};
use super::leaks::{Leak, Why};
use super::learner::{Signs, classifier};
use super::predict::{Predicting, Windows};
use super::prepare::{self, PreparedSigns};
use super::recipe::Recipe;
use super::training::network;
use super::{SEQUENCES, synth};
use crate::data::acquire::Acquired;
use crate::data::config::Source;
use crate::data::split::Side;
use crate::data::synthetic::Synthetic;
use crate::metric::score::ScoreSpec;
use crate::nn::network::Network;
use crate::nn::parameters::LoadReport;
use crate::nn::precision::Precision;
use crate::nn::weights::Weights;
use crate::task::classes::long_tail;
use crate::task::classes::specs::{self, ACCURACY, parts};
use crate::task::needs::Needs;
use crate::task::{
    Beside, Evaluated, InspectOptions, Kind, LearnerSetting, Model, PredictOptions, Predicted, Prepared, Shown, Wish,
    give,
};
use crate::train::device::Resolved;
use crate::train::run_folder::dataset::FileDigest;
use crate::train::task::Task;
use crate::util::exit::Exit;
use crate::util::failure::Failed;
use crate::util::problem::Problem;
use crate::util::surroundings::Surroundings;

/// The most set-aside files that are named one by one; the report names all.
const MOST_NAMED: usize = 5;

/// The parts of the body that synthetic signs have.
const MADE: [&str; 5] = ["hand", "body", "pose", "left_hand", "right_hand"];

/// A synthetic dataset that is none of signs.
#[derive(Debug, Error)]
#[error(
    "this task learns from sequences of keypoints, and data.source.synthetic makes {kind}; write synthetic: {{signs: {{}}}}"
)]
struct NoSigns {
    kind: &'static str,
}

impl NoSigns {
    fn exit(&self) -> Exit {
        Exit::Configuration
    }
}

crate::util::failures!("synthetic data": NoSigns);

impl Kind for KeypointsConfig {
    fn name(&self) -> &'static str {
        "keypoints"
    }

    fn default_name(&self) -> &'static str {
        "signs"
    }

    fn parts(&self) -> Vec<ScoreSpec> {
        parts()
    }

    fn scores(&self, facts: Option<&Value>) -> Vec<ScoreSpec> {
        let facts = facts.and_then(|facts| ModelFacts::read(facts).ok());
        let classes = facts.as_ref().map(|facts| facts.classes.len());
        let has_other = facts.map_or(self.tail.action == TailAction::Other, |facts| facts.other.is_some());
        let mut all = specs::specs(SEQUENCES, classes);
        all.extend(long_tail::specs::specs(SEQUENCES, classes, has_other));
        all
    }

    fn primary(&self, _facts: &Value) -> String {
        ACCURACY.into()
    }

    /// The best weights have learned the most classes.
    fn train_defaults(&self) -> Value {
        match self.validates() {
            true => specs::train_defaults(&long_tail::specs::BEST_BY),
            false => Value::Null,
        }
    }

    fn evaluated(&self) -> &'static dyn Evaluated {
        &EVALUATED
    }

    fn problems(&self, beside: &Beside<'_>) -> Vec<Problem> {
        let own = self.section_problems().into_iter().map(|problem| problem.below("task.keypoints"));
        own.chain(self.synthetic_problems(&beside.data.source)).collect()
    }

    fn needs(&self) -> Needs {
        self.least_needs()
    }

    fn loss_problems(&self) -> Vec<Problem> {
        self.loss.problems().into_iter().map(|problem| problem.below("loss")).collect()
    }

    fn share_key(&self, side: Side) -> &'static str {
        match side {
            Side::Train | Side::Val => "task.keypoints.split.val_share",
            Side::Test => "task.keypoints.split.test_share",
        }
    }

    fn validates(&self) -> bool {
        match self.split.by {
            SplitBy::File => true,
            SplitBy::Class | SplitBy::Signer | SplitBy::Video => match &self.split.val {
                Some(named) => !named.is_empty(),
                None => self.split.val_share > 0.0,
            },
        }
    }

    fn network(&self, facts: &Value) -> Result<Box<dyn Network>, Failed> {
        let facts = ModelFacts::read(facts)?;
        Ok(Box::new(Exported { network: network(self, &facts), facts }))
    }

    fn foreign_facts(&self, weights: &Path, prepared: &Path) -> Result<Value, Failed> {
        foreign::facts(self, prepared, weights)
    }

    fn weights(&self, file: &Path, facts: Option<&Value>) -> Result<Weights, Failed> {
        let facts = facts.and_then(|facts| ModelFacts::read(facts).ok());
        let (recipe, differences) = match facts {
            Some(facts) => (facts.recipe, facts.differences),
            None => (Recipe::of(&self.prepare), self.differences.clone()),
        };
        foreign::weights(self, Inputs::of(&recipe, &differences), file)
    }

    fn wishes(&self) -> &'static [Wish] {
        &[Wish::Top, Wish::Window, Wish::Embeddings]
    }

    fn synthesise(&self, synthetic: &Synthetic, into: &Path, around: &Surroundings<'_>) -> Result<(), Failed> {
        let signs = synthetic.signs().ok_or(NoSigns { kind: synthetic.kind() })?;
        Ok(synth::write(signs, into, around)?)
    }

    fn is_payload(&self, name: &Path, _head: &[u8]) -> bool {
        name.file_name().and_then(|name| name.to_str()).is_some_and(|name| prepare::FILES.is_name(name))
    }

    fn is_whole(&self, name: &Path, _head: &[u8]) -> bool {
        name.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz") || ending.eq_ignore_ascii_case("ts"))
    }

    fn prepare(&self, raw: &Acquired, into: &Path, around: &Surroundings<'_>) -> Result<Prepared, Failed> {
        self.split.check_file()?;
        let prepared = prepare::prepare(&raw.root, into, &self.prepare, raw.manifest.as_ref(), around)?;
        warn_of(&prepared);
        let PreparedSigns { store, records, facts, report, is_new } = prepared;
        let dataset = Dataset::new(store.clone(), records, facts, self)?;
        warn_of_split(&dataset, self.split.by);
        let (fingerprint, files) = (report.fingerprint.to_string(), report.about.files.clone());
        let mut text = text(&dataset);
        if report.bad() > 0 {
            let path = prepare::report_path(&store);
            text += &format!("{} set aside; {} says why\n", report.bad(), path.display());
        }
        let value = json!({
            "store": store, "is_new": is_new, "sequences": dataset.totals(None), "classes": dataset.model.classes,
            "tail": dataset.tail, "dropped": dataset.dropped(), "leaks": dataset.leaks, "set_aside": report.bad(),
            "unseen": report.about.unseen, "resampled": report.about.resampled, "fingerprint": fingerprint,
        });
        Ok(Prepared {
            store,
            fingerprint,
            files: files.into_iter().map(FileDigest::from).collect(),
            shown: Shown::new(text, &value)?,
            data: Box::new(Signs { config: self.clone(), dataset }),
            reading: None,
        })
    }

    fn inspect(&self, prepared: &Path, options: &InspectOptions, _around: &Surroundings<'_>) -> Result<Shown, Failed> {
        let store = prepare::store_path(prepared, &self.prepare);
        let dataset = Dataset::open(&store, self).map_err(InspectError::from)?;
        let mut inspection = inspect::inspect(&dataset)?;
        if let Some(folder) = &options.pictures {
            inspection.pictures = inspect::pictures::draw(&dataset, &inspection, (self, options.seed), folder)?;
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
        let mut classifier = classifier(self, &setting, Arc::clone(&facts), None, Arc::default())?;
        let weights = foreign::weights(self, Inputs::of(&facts.recipe, &facts.differences), model.weights)?;
        let notes = foreign::adaptations(&weights.beside);
        give(model.weights, weights, |weights| LoadReport {
            notes,
            ..classifier.parameters_mut().load_named(&weights.tensors)
        })?;
        let predicting = Predicting {
            classifier: &classifier,
            hints: prepare::hints(&self.prepare),
            model: model.described,
            at_once: model.at_once,
            top: options.top,
            windows: options.window.map(|[frames, hop]| Windows { frames, hop }),
            embeddings: options.embeddings,
        };
        let outcome = predicting.run(&options.input, &options.output, around)?;
        let shown = Shown::new(outcome.text(), &outcome.document)?;
        Ok(Predicted { shown, refused: outcome.refused.map(Failed::from) })
    }
}

impl KeypointsConfig {
    /// A dataset made on this machine is known before it is made: what the task can't use is refused now.
    fn synthetic_problems(&self, sources: &[Source]) -> Vec<Problem> {
        let mut found = Vec::new();
        for (index, source) in sources.iter().enumerate() {
            let Source::Synthetic(synthetic) = source else { continue };
            if synthetic.signs().is_none() {
                let message = format!("this task learns from sequences of keypoints, got {}", synthetic.kind());
                let place = format!("data.source.{index}.synthetic");
                found.push(Problem::new(place, message, "write `synthetic: {signs: {}}`"));
                continue;
            }
            for (name, stream) in &self.prepare.streams.0 {
                let parts = stream.parts.as_deref().unwrap_or(std::slice::from_ref(name));
                if let Some(part) = parts.iter().find(|part| !MADE.contains(&part.as_str())) {
                    let message = format!("synthetic signs have hands and a body, and no {part}");
                    let place = format!("task.keypoints.prepare.streams.{name}");
                    found.push(Problem::new(
                        place,
                        message,
                        "write `streams: {hand: {points: 42}, body: {points: 33}}`",
                    ));
                }
            }
        }
        found
    }
}

/// What a person should know before training on it.
fn warn_of(prepared: &PreparedSigns) {
    let (lines, named) = prepared.report.reasons(MOST_NAMED);
    for line in lines {
        warn!("set aside {line}");
    }
    let more = prepared.report.bad().saturating_sub(named);
    if more > 0 {
        warn!("{more} more were set aside; {} lists all", prepare::report_path(&prepared.store).display());
    }
}

/// What the scores of this split can't say.
fn warn_of_split(dataset: &Dataset, by: SplitBy) {
    let (all, unsigned) =
        (dataset.facts.samples.len(), dataset.facts.samples.iter().filter(|sample| sample.signer.is_none()).count());
    if by == SplitBy::Class && unsigned > 0 {
        let nobody = match unsigned == all {
            true => "no sequence has a signer".to_owned(),
            false => format!("{unsigned} of {} have no signer", SEQUENCES.count(all as u64)),
        };
        warn!(
            "{nobody}, so `by: signer` is not possible, and the same people are on all sides: the scores say how well these people are remembered, not \
             how well others are understood"
        );
    } else if by == SplitBy::Class {
        warn!("the same people are on all sides; `split: {{by: signer}}` measures how well others are understood");
    }
    if let Some(Leak { names: [one, other], sides: [here, there], why }) = dataset.leaks.first() {
        let what = match why {
            Why::SamePoints => "the same points",
            Why::SameFrames => "frames of a recording in common",
        };
        warn!(
            "{} share frames with one on another side, so scores are too good: {one} ({}) and {other} ({}) have {what}; \
             `fragua inspect --json` lists all",
            SEQUENCES.count(dataset.leaks.len() as u64),
            here.name(),
            there.name()
        );
    }
    if dataset.dropped() > 0 {
        warn!(
            "{} take no part: on no side of the split, or of a class that is left out",
            SEQUENCES.count(dataset.dropped() as u64)
        );
    }
}

/// The store alone on the first line, for scripts; below it what a person wants to know.
fn text(dataset: &Dataset) -> String {
    let totals = dataset.totals(None);
    let mut text = format!("{}\n", dataset.store.display());
    let streams = dataset.model.recipe.streams.iter().map(|stream| format!("{} {}", stream.name, stream.points));
    text += &format!(
        "{} of {} classes; streams: {}\n",
        SEQUENCES.count(totals.all() as u64),
        dataset.model.classes.len(),
        streams.collect::<Vec<_>>().join(", ")
    );
    text += &format!("train {}, val {}, test {}\n", totals.train, totals.val, totals.test);
    text
}
