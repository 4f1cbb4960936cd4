//! How good the predictions are, if their classes are known.

use serde::Serialize;

use super::predictions::{Names, Prediction, percent};
use crate::metric::classes::confusion::Confusion;
use crate::metric::classes::interval::wilson;
use crate::report::table::Table;
use crate::util::progress::Unit;

/// Rows of each table on the screen.
const SHOWN: usize = 10;

/// The scores.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scored {
    /// Samples whose class is known.
    #[serde(rename = "images")]
    pub samples: u64,
    /// Those that were recognised.
    pub right: u64,
    /// The share of them.
    pub accuracy: f64,
    /// Its 95 % interval, by Wilson.
    pub interval: Option<[f64; 2]>,
    /// The share of samples whose class is listed for them.
    pub top_accuracy: f64,
    /// Classes that have samples, in their order.
    pub classes: Vec<Class>,
    /// What was taken for what, the most frequent first.
    pub errors: Vec<Pair>,
    /// What people call the samples.
    #[serde(skip)]
    unit: Unit,
}

/// A class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Class {
    /// Its folder.
    pub class: String,
    /// What people call it.
    pub label: String,
    /// Its samples.
    #[serde(rename = "images")]
    pub samples: u64,
    /// Those that were recognised.
    pub right: u64,
    /// Samples that were taken for it.
    pub predicted: u64,
}

/// A class that was taken for another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// What it is.
    pub truth: String,
    /// What it was taken for.
    pub predicted: String,
    /// How often.
    pub count: u64,
    /// The share of the samples of the true class.
    pub share: f64,
}

impl Scored {
    /// The scores of predictions; none if no class is known.
    #[must_use]
    pub fn of(predictions: &[Prediction], names: Names<'_>, unit: Unit) -> Option<Self> {
        let mut confusion = Confusion::none(names.classes.len());
        let mut listed = 0_u64;
        for (truth, prediction) in predictions.iter().filter_map(|prediction| Some((prediction.number?, prediction))) {
            confusion.add(truth, prediction.best);
            listed += u64::from(prediction.top.iter().any(|choice| choice.class == names.classes[truth]));
        }
        let (samples, right) = (confusion.samples(), confusion.correct());
        let accuracy = confusion.accuracy()?;
        let all = 0..names.classes.len();
        let row = |class: usize| all.clone().map(|other| confusion.count(class, other)).sum::<u64>();
        let column = |class: usize| all.clone().map(|other| confusion.count(other, class)).sum();
        let class = |class: usize| Class {
            class: names.classes[class].clone(),
            label: names.labels[class].clone(),
            samples: row(class),
            right: confusion.count(class, class),
            predicted: column(class),
        };
        let pair = |(truth, predicted, count): (usize, usize, u64)| Pair {
            truth: names.classes[truth].clone(),
            predicted: names.classes[predicted].clone(),
            count,
            share: count as f64 / row(truth) as f64,
        };
        Some(Self {
            samples,
            right,
            accuracy,
            interval: wilson(right, samples),
            top_accuracy: listed as f64 / samples as f64,
            classes: all.clone().map(class).filter(|class| class.samples > 0).collect(),
            errors: confusion.most_confused(usize::MAX).into_iter().map(pair).collect(),
            unit,
        })
    }

    /// For people.
    #[must_use]
    pub fn text(&self, top: usize) -> String {
        let Self { samples, right, accuracy, interval, top_accuracy, .. } = self;
        let range =
            interval.map_or_else(String::new, |[low, high]| format!(" (95 %: {} to {})", percent(low), percent(high)));
        let mut text = format!("\n{right} of {samples} recognised: {} %{range}", percent(*accuracy));
        if top > 1 && *top_accuracy < 1.0 {
            text += &format!("; in the first {top}: {} %", percent(*top_accuracy));
        }
        text.push('\n');
        text += &self.worst();
        text + &self.confused()
    }

    fn worst(&self) -> String {
        let mut classes: Vec<&Class> = self.classes.iter().collect();
        let share = |class: &Class| class.right as f64 / class.samples as f64;
        classes.sort_by(|one, other| share(one).total_cmp(&share(other)));
        let mut table = Table::new(&["<class", self.unit.many, "recognised", "%", "taken for it"]);
        for class in classes.iter().take(SHOWN) {
            let counts = [class.samples, class.right].map(|count| count.to_string());
            let [samples, right] = counts;
            table.row(vec![class.class.clone(), samples, right, percent(share(class)), class.predicted.to_string()]);
        }
        let which = if classes.len() > SHOWN {
            format!("the {SHOWN} worst of {} classes", classes.len())
        } else {
            "classes".into()
        };
        format!("\n{which}\n{}", table.render())
    }

    fn confused(&self) -> String {
        if self.errors.is_empty() {
            return String::new();
        }
        let mut table = Table::new(&["<true", "<predicted", self.unit.many, "% of the class"]);
        for pair in self.errors.iter().take(SHOWN) {
            table.row(vec![pair.truth.clone(), pair.predicted.clone(), pair.count.to_string(), percent(pair.share)]);
        }
        format!("\nmost frequent errors\n{}", table.render())
    }
}

#[cfg(test)]
mod tests {
    use super::super::predictions::choice;
    use super::*;

    #[test]
    fn scores_count_only_samples_whose_class_is_known() {
        let [classes, labels] = [["a", "b", "c"], ["A", "B", "C"]].map(|names| names.map(str::to_owned));
        let names = Names { classes: &classes, labels: &labels };
        let prediction = |best: usize, second: usize, truth: Option<usize>| {
            let top = vec![choice(names, best, 0.6), choice(names, second, 0.3)];
            Prediction::new("x.png".into(), top, (best, truth), names)
        };
        let predictions = [
            prediction(0, 1, Some(0)),
            prediction(1, 0, Some(0)),
            prediction(1, 2, Some(0)),
            prediction(1, 0, Some(1)),
            prediction(2, 0, None),
        ];
        let scored = Scored::of(&predictions, names, Unit::SAMPLES).unwrap();
        assert_eq!((scored.samples, scored.right, scored.accuracy, scored.top_accuracy), (4, 2, 0.5, 0.75));
        let classes: Vec<_> = scored
            .classes
            .iter()
            .map(|class| (class.label.as_str(), class.samples, class.right, class.predicted))
            .collect();
        assert_eq!(classes, [("A", 3, 1, 1), ("B", 1, 1, 3)]);
        assert_eq!(scored.errors, [Pair { truth: "a".into(), predicted: "b".into(), count: 2, share: 2.0 / 3.0 }]);
        let text = scored.text(2);
        assert!(text.contains("2 of 4 recognised: 50.0 % (95 %: 15.0 to 85.0); in the first 2: 75.0 %"), "{text}");
        assert_eq!(Scored::of(&predictions[4..], names, Unit::SAMPLES), None);
    }
}
