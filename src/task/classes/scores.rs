//! What a validation or an evaluation of a classifier adds up, and the scores that follow. Which scores there are is in
//! `specs`, what `metrics.json` has beyond them in `section`.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::long_tail::specs as of_long_tail;
use super::long_tail::{Found, LongTail, Training};
use super::sample::{Mistake, Sample};
use super::section::{SECTION, Section};
use super::specs::{self, specs};
use crate::metric::classes::confusion::{Confusion, Means};
use crate::metric::classes::interval::wilson;
use crate::metric::classes::probabilities::{Probabilities, choice};
use crate::metric::classes::temperature::{Kept, fit};
use crate::metric::document::{Basis, Words};
use crate::metric::score::ScoreSpec;
use crate::train::task::{Depth, Scores};
use crate::util::progress::Unit;

/// The confident errors that are remembered for a picture.
const ERRORS: usize = 64;

/// The samples of each confused pair that are remembered for a picture.
const EXAMPLES: usize = 8;

/// What is added up. `K` is what is kept of a sample whose class was not recognised.
#[derive(Clone, Debug)]
pub struct ClassScoresSum<K> {
    labels: Arc<[String]>,
    names: Arc<[String]>,
    unit: Unit,
    depth: Depth,
    /// That of the weights, in an evaluation; a validation finds it.
    temperature: f64,
    fitted: OnceCell<Option<f64>>,
    kept: Kept,
    long_tail: Option<LongTail>,
    drawn: Option<usize>,
    /// Which class was taken for which.
    pub confusion: Confusion,
    raw: Probabilities,
    reported: Probabilities,
    /// Samples whose class is among the first choices, for each number of them.
    within: [u64; 2],
    /// For each record whether the choice, and one of the first choices, was right.
    pub(super) right: Vec<(usize, [bool; 2])>,
    /// The mistakes that the model was surest of, the surest first.
    pub mistakes: Vec<Mistake<K>>,
    /// The surest mistakes of each true and predicted class.
    pub examples: BTreeMap<(usize, usize), Vec<Mistake<K>>>,
}

impl<K: Clone> ClassScoresSum<K> {
    /// Without samples, for classes that people call so. Probabilities are reported at this temperature.
    #[must_use]
    pub fn none(labels: Arc<[String]>, depth: Depth, temperature: f64) -> Self {
        Self {
            confusion: Confusion::none(labels.len()),
            names: Arc::clone(&labels),
            labels,
            unit: Unit::SAMPLES,
            long_tail: None,
            drawn: None,
            depth,
            temperature,
            fitted: OnceCell::new(),
            kept: Kept::default(),
            raw: Probabilities::default(),
            reported: Probabilities::default(),
            within: [0; 2],
            right: Vec::new(),
            mistakes: Vec::new(),
            examples: BTreeMap::new(),
        }
    }

    /// The same for classes with these folders.
    #[must_use]
    pub fn named(self, names: Arc<[String]>) -> Self {
        Self { names, ..self }
    }

    /// The same for samples that people call so.
    #[must_use]
    pub fn counting(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// The same with what is measured of many classes with few samples.
    #[must_use]
    pub fn trained_on(self, training: Training) -> Self {
        Self { long_tail: Some(LongTail::none(training)), ..self }
    }

    /// The same with pictures of so many classes, those that are confused most.
    #[must_use]
    pub fn drawing(self, most: usize) -> Self {
        Self { drawn: Some(most), ..self }
    }

    /// Adds a sample with the logits of all classes. Of equal ones the first is chosen.
    pub fn add<S: Sample<Kept = K>>(&mut self, sample: &S, logits: &[f32]) {
        let (record, truth, predicted) = (sample.record(), sample.class(), choice(logits));
        let own = logits.get(truth).copied().unwrap_or(f32::NEG_INFINITY);
        let before =
            logits.iter().enumerate().filter(|&(class, &other)| other > own || (other == own && class < truth));
        let place = before.count();
        self.confusion.add(truth, predicted);
        self.raw.add(logits, truth, 1.0);
        for (within, choices) in self.within.iter_mut().zip(specs::CHOICES) {
            *within += u64::from(place < choices);
        }
        if let Some(long_tail) = &mut self.long_tail {
            long_tail.add(logits, truth, place);
        }
        if self.depth == Depth::Validation {
            self.fitted = OnceCell::new();
            return self.kept.add(logits, truth);
        }
        let confidence = self.reported.add(logits, truth, self.temperature);
        self.right.push((record, [truth == predicted, place < specs::CHOICES[0]]));
        if truth != predicted {
            self.remember([Mistake { record, class: truth, predicted, confidence, kept: sample.keep() }]);
        }
    }

    fn remember(&mut self, mistakes: impl IntoIterator<Item = Mistake<K>>) {
        for mistake in mistakes {
            let pair = self.examples.entry((mistake.class, mistake.predicted)).or_default();
            mistake.clone().insert(pair, EXAMPLES);
            mistake.insert(&mut self.mistakes, ERRORS);
        }
    }

    /// The temperature at which probabilities are reported.
    #[must_use]
    pub fn temperature(&self) -> f64 {
        match self.depth {
            Depth::Validation => self.fitted().unwrap_or(1.0),
            Depth::Evaluation => self.temperature,
        }
    }

    /// The temperature that a validation finds.
    fn fitted(&self) -> Option<f64> {
        *self.fitted.get_or_init(|| fit(self.kept.logits()))
    }

    /// How good the probabilities are as they are reported.
    fn reported(&self) -> Probabilities {
        if self.depth == Depth::Evaluation {
            return self.reported.clone();
        }
        let (mut found, temperature) = (Probabilities::default(), self.temperature());
        for (logits, truth) in self.kept.logits().rows() {
            found.add(logits, truth, temperature);
        }
        found
    }

    /// How many, mean probability of the choice and share of right choices, for ranges of that probability: as they are
    /// reported, and without the temperature.
    #[must_use]
    pub fn reliability(&self) -> [Vec<(u64, f64, f64)>; 2] {
        [&self.reported, &self.raw].map(|of| of.calibration.points().collect())
    }

    /// What is found of many classes with few samples, if it is measured.
    #[must_use]
    pub fn long_tail(&self) -> Option<Found> {
        Some(self.long_tail.as_ref()?.found(&self.confusion))
    }

    /// The most classes of a picture; none for all.
    #[must_use]
    pub fn drawn(&self) -> Option<usize> {
        self.drawn
    }

    /// What people call the samples.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The folders of the classes.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What people call the classes.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }
}

impl<K: Clone> Scores for ClassScoresSum<K> {
    fn specs(&self) -> Vec<ScoreSpec> {
        let (unit, classes) = (self.unit, Some(self.labels.len()));
        let long_tail = self.long_tail.as_ref().map(|tail| of_long_tail::specs(unit, classes, tail.has_other()));
        specs(unit, classes).into_iter().chain(long_tail.into_iter().flatten()).collect()
    }

    fn values(&self) -> Vec<Option<f64>> {
        let (means, reported) = (self.confusion.means(), self.reported());
        let of = |mean: fn(&Means) -> f64| means.as_ref().map(mean);
        let (samples, long_tail) = (self.confusion.samples(), self.long_tail());
        let within = |of: usize| (samples > 0).then(|| self.within[of] as f64 / samples as f64);
        let value = |name: &str| match name {
            specs::ACCURACY => self.confusion.accuracy(),
            specs::TOP_5 => within(0),
            specs::TOP_10 => within(1),
            "precision_macro" => of(|means| means.precision_macro),
            "recall_macro" => of(|means| means.recall_macro),
            "f1_macro" => of(|means| means.f1_macro),
            "f1_macro_present" => of(|means| means.f1_macro_present),
            "precision_weighted" => of(|means| means.precision_weighted),
            "f1_weighted" => of(|means| means.f1_weighted),
            "balanced_accuracy" => of(|means| means.balanced_accuracy),
            "kappa" => self.confusion.kappa(),
            "nll_reported" => reported.likelihood(),
            "brier" => reported.brier(),
            "ece" => reported.calibration.error(),
            "ece_raw" => self.raw.calibration.error(),
            "temperature" => (samples > 0).then(|| self.temperature()),
            other => of_long_tail::value(long_tail.as_ref()?, other),
        };
        self.specs().iter().map(|spec| value(&spec.name)).collect()
    }

    fn merge(&mut self, other: &Self) {
        self.fitted = OnceCell::new();
        self.kept.merge(&other.kept);
        self.confusion.merge(&other.confusion);
        self.raw.merge(&other.raw);
        self.reported.merge(&other.reported);
        self.within.iter_mut().zip(other.within).for_each(|(within, more)| *within += more);
        self.right.extend(&other.right);
        if let (Some(long_tail), Some(more)) = (&mut self.long_tail, &other.long_tail) {
            long_tail.merge(more);
        }
        self.remember(other.examples.values().flatten().cloned());
    }

    fn intervals(&self) -> Vec<Option<[f64; 2]>> {
        if self.depth == Depth::Validation {
            return Vec::new();
        }
        let samples = self.confusion.samples();
        let interval = |name: &str| match name {
            specs::ACCURACY => wilson(self.confusion.correct(), samples),
            specs::TOP_5 => wilson(self.within[0], samples),
            specs::TOP_10 => wilson(self.within[1], samples),
            _ => None,
        };
        self.specs().iter().map(|spec| interval(&spec.name)).collect()
    }

    fn basis(&self) -> Basis {
        let samples = self.confusion.samples() as usize;
        let words = Words { sample: self.unit.one.into(), group: self.unit.one.into() };
        Basis { samples, groups: samples, words, ..Basis::default() }
    }

    fn sections(&self) -> Value {
        if self.depth == Depth::Validation {
            return Value::Null;
        }
        json!({ SECTION: Section::of(self) })
    }

    fn learned(&self) -> Value {
        match (self.depth, self.fitted()) {
            (Depth::Validation, Some(temperature)) => json!({ "temperature": temperature }),
            _ => Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Numbered;
    use super::*;

    fn labels() -> Arc<[String]> {
        (0..7).map(|class| class.to_string()).collect()
    }

    fn samples() -> Vec<(Numbered, [f32; 7])> {
        let sample = |record, class| Numbered { record, class };
        vec![
            (sample(0, 2), [0.0, 0.1, 3.0, 0.1, 0.1, 0.0, 0.0]),
            (sample(1, 6), [3.0, 2.0, 1.5, 1.0, 1.0, 1.0, 0.5]),
            (sample(2, 1), [4.0, 4.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
        ]
    }

    fn sum(depth: Depth) -> ClassScoresSum<()> {
        let mut sum = ClassScoresSum::none(labels(), depth, 2.0);
        samples().iter().for_each(|(sample, logits)| sum.add(sample, logits));
        sum
    }

    fn value(sum: &ClassScoresSum<()>, name: &str) -> Option<f64> {
        let place = sum.specs().iter().position(|spec| spec.name == name).unwrap_or_else(|| panic!("no {name}"));
        sum.values()[place]
    }

    #[test]
    fn the_first_of_equal_logits_is_chosen() {
        let sum = sum(Depth::Validation);
        assert_eq!((sum.confusion.count(1, 0), sum.confusion.count(2, 2), sum.confusion.count(6, 0)), (1, 1, 1));
        assert_eq!((value(&sum, "accuracy"), value(&sum, "top5")), (Some(1.0 / 3.0), Some(2.0 / 3.0)));
        assert!(sum.specs().iter().all(|spec| spec.name != "top10"), "of seven classes all would be among ten");
        assert!(sum.mistakes.is_empty() && sum.intervals().is_empty() && sum.sections().is_null());
    }

    #[test]
    fn the_share_within_the_first_five_is_that_of_scikit_learn() {
        let expected: Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/classes/expected.json")).unwrap();
        let rows: Vec<Vec<f32>> = serde_json::from_value(expected["logits"].clone()).unwrap();
        let truths: Vec<usize> = serde_json::from_value(expected["truth"].clone()).unwrap();
        let labels = (0..rows[0].len()).map(|class| class.to_string()).collect();
        let mut sum = ClassScoresSum::none(labels, Depth::Validation, 1.0);
        for (record, (logits, class)) in rows.iter().zip(truths).enumerate() {
            // The library orders equal logits in another way; its value leaves them out.
            let is_distinct = (1..logits.len()).all(|place| !logits[..place].contains(&logits[place]));
            if is_distinct {
                sum.add(&Numbered { record, class }, logits);
            }
        }
        let found = value(&sum, "top5").unwrap();
        assert!((found - expected["top"]["5"].as_f64().unwrap()).abs() < 1e-12, "{found}");
    }

    #[test]
    fn every_score_has_a_value() {
        for depth in [Depth::Validation, Depth::Evaluation] {
            let sum = sum(depth);
            for (spec, value) in sum.specs().iter().zip(sum.values()) {
                assert!(value.is_some_and(f64::is_finite), "{}: {value:?}", spec.name);
            }
            assert!(ClassScoresSum::<()>::none(labels(), depth, 1.0).values().iter().all(Option::is_none));
        }
    }

    #[test]
    fn a_validation_finds_the_temperature_and_an_evaluation_is_given_it() {
        let validated = sum(Depth::Validation);
        let found = validated.learned()["temperature"].as_f64().unwrap();
        assert_eq!(value(&validated, "temperature"), Some(found));
        let mut evaluated = ClassScoresSum::none(labels(), Depth::Evaluation, found);
        samples().iter().for_each(|(sample, logits)| evaluated.add(sample, logits));
        assert_eq!(evaluated.values(), validated.values(), "both report the same");
        assert!(evaluated.learned().is_null());
        assert_eq!(value(&sum(Depth::Evaluation), "temperature"), Some(2.0));
        assert_ne!(value(&sum(Depth::Evaluation), "ece"), value(&sum(Depth::Evaluation), "ece_raw"));
        // Whatever was asked before, another sample counts.
        let mut more = validated.clone();
        more.add(&Numbered { record: 3, class: 0 }, &[9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_ne!(more.learned(), validated.learned());
    }

    #[test]
    fn an_evaluation_remembers_the_surest_mistakes_and_how_sure_its_scores_are() {
        let folders: Vec<String> = labels().iter().map(|label| format!("{label}_upper")).collect();
        let sum = sum(Depth::Evaluation).named(folders.clone().into());
        assert_eq!(sum.mistakes.iter().map(|mistake| mistake.record).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(sum.examples.keys().copied().collect::<Vec<_>>(), [(1, 0), (6, 0)]);
        assert_eq!(sum.intervals().len(), sum.specs().len());
        let section: Section = serde_json::from_value(sum.sections()[SECTION].clone()).unwrap();
        assert_eq!(section.by_class.len(), 7);
        assert_eq!((section.labels, section.names), (labels().to_vec(), folders));
        assert_eq!(section.confused, [(1, 0, 1), (6, 0, 1)]);
        assert_eq!((section.right.as_str(), section.temperature), ("201", 2.0));
    }

    #[test]
    fn parts_merge_to_the_whole() {
        for depth in [Depth::Validation, Depth::Evaluation] {
            let mut parts = [0, 1].map(|_| ClassScoresSum::none(labels(), depth, 2.0));
            samples().iter().enumerate().for_each(|(place, (sample, logits))| parts[place % 2].add(sample, logits));
            let [mut first, second] = parts;
            first.merge(&second);
            let whole = sum(depth);
            assert_eq!((first.values(), first.sections()), (whole.values(), whole.sections()));
            assert_eq!(first.mistakes, whole.mistakes);
        }
    }
}
