//! What an evaluation found, drawn: which class was taken for which, with images of the worst pairs, the mistakes that the model
//! was surest of, and whether its probabilities are honest.

use super::charts::{reliability, reliability_note};
use super::scores::{ClassScoresSum, Mistake};
use crate::metric::classes::similarity::order;
use crate::report::PictureError;
use crate::report::chart::{self, Heat, Says, Shade, Sheet};
use crate::report::classes::pairs::{self, Pair};
use crate::report::classes::sheet::{self, Shown};
use crate::train::task::Plots;

pub(super) const MATRIX: &str = "confusion_matrix.png";
pub(super) const NORMALIZED: &str = "confusion_matrix_normalized.png";
pub(super) const SIMILAR: &str = "confusion_matrix_similar.png";
pub(super) const CONFUSED: &str = "most_confused.png";
pub(super) const MISTAKES: &str = "misclassified.png";
pub(super) const RELIABILITY: &str = "reliability.png";

/// Pairs on the sheet, and images of each.
const PAIRS: usize = 20;
const IMAGES: usize = 8;

/// From so many classes on, an order by similarity shows what the usual one hides.
const MANY: usize = 20;

/// The pictures with their file names, of images of this size.
///
/// # Errors
/// If one can't be encoded.
pub fn plots(scores: &ClassScoresSum, size: [usize; 2], about: &str) -> Result<Plots, PictureError> {
    let title = |what: &str| if about.is_empty() { what.to_owned() } else { format!("{what}: {about}") };
    let classes: Vec<usize> = (0..scores.labels().len()).collect();
    let counts = heat(scores, &classes, Says::Counts, title("Which class was taken for which"));
    let shares = heat(scores, &classes, Says::Shares, title("Which class was taken for which, % of the true class"));
    let mut plots = vec![(MATRIX.to_owned(), counts.png()?), (NORMALIZED.to_owned(), shares.png()?)];
    if classes.len() > MANY {
        let title = title("Which class was taken for which, similar classes beside each other");
        plots.push((SIMILAR.to_owned(), heat(scores, &order(&scores.confusion), Says::Shares, title).png()?));
    }
    if !scores.mistakes.is_empty() {
        let name = title("The most confused classes");
        plots.push((CONFUSED.to_owned(), pairs::png(&name, &confused(scores, size), IMAGES)?));
        let name = title("The surest mistakes");
        plots.push((MISTAKES.to_owned(), sheet::png(&name, &mistakes(scores, size))?));
    }
    let [reported, raw] = scores.reliability();
    let note = reliability_note(&reported);
    let chart = reliability(&reported, &raw, scores.temperature());
    let sheet = Sheet { title: title("Reliability"), note, size: [520, 420], columns: 1, charts: vec![chart] };
    plots.push((RELIABILITY.to_owned(), chart::png(&sheet)?));
    Ok(plots)
}

const NOTE: &str = "Rows are true classes, columns what the model chose. Blue is right, red is wrong: the stronger,";

fn heat(scores: &ClassScoresSum, order: &[usize], says: Says, title: String) -> Heat {
    let counts =
        order.iter().flat_map(|truth| order.iter().map(|predicted| scores.confusion.count(*truth, *predicted)));
    let names = order.iter().map(|class| scores.labels()[*class].clone()).collect();
    let (shade, stronger) = match says {
        Says::Counts => (Shade::Count, "the more images"),
        Says::Shares => (Shade::Share, "the larger the share of its row"),
    };
    Heat { title, note: format!("{NOTE} {stronger}."), names, counts: counts.collect(), says, shade }
}

fn confused(scores: &ClassScoresSum, size: [usize; 2]) -> Vec<Pair> {
    let (labels, classes) = (scores.labels(), scores.confusion.by_class());
    let pair = |(truth, predicted, count): (usize, usize, u64)| {
        let images = scores.examples.get(&(truth, predicted)).into_iter().flatten();
        let share = 100.0 * count as f64 / classes[truth].support as f64;
        Pair {
            lines: [
                labels[truth].clone(),
                format!("taken for {}", labels[predicted]),
                format!("{count} of {}, {share:.0} %", classes[truth].support),
            ],
            images: images.map(|mistake| shown(mistake, size, Default::default())).collect(),
        }
    };
    scores.confusion.most_confused(PAIRS).into_iter().map(pair).collect()
}

fn mistakes(scores: &ClassScoresSum, size: [usize; 2]) -> Vec<Shown> {
    let label = |class: usize| scores.labels().get(class).map_or("?", String::as_str);
    let shown = scores.mistakes.iter().map(|mistake| {
        let [predicted, class] = [mistake.predicted, mistake.image.class].map(label);
        // On a line of its own: a long name must not hide it.
        let probability = format!("{:.0} %", 100.0 * mistake.confidence);
        shown(mistake, size, [predicted.to_owned(), format!("is {class}"), probability])
    });
    shown.collect()
}

fn shown(mistake: &Mistake, size: [usize; 2], caption: [String; 3]) -> Shown {
    Shown { levels: mistake.image.levels.clone(), size, caption, is_wrong: true, group: 0 }
}

#[cfg(test)]
mod tests {
    use super::super::samples::ImageSample;
    use super::*;
    use crate::train::task::Depth;

    /// Each class is taken for the next one every third time.
    fn scores(labels: &[&str], per_class: usize) -> ClassScoresSum {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let classes = labels.len();
        let mut scores = ClassScoresSum::none(labels.into(), Depth::Evaluation, 1.0);
        for number in 0..classes * per_class {
            let class = number % classes;
            let levels = (0..784).map(|place| (place * (class + 1) % 256) as u8).collect();
            let mut logits = vec![0.0; classes];
            logits[(class + usize::from(number / classes % 3 == 2)) % classes] = 3.0;
            scores.add(&ImageSample { record: number, class, repeat: 0, levels }, &logits);
        }
        scores
    }

    #[test]
    fn the_pictures_of_counts_and_of_shares_differ_for_any_number_of_classes() {
        for classes in [5, 45] {
            let scores = scores(&vec!["a"; classes], 3);
            let classes: Vec<usize> = (0..classes).collect();
            let drawn = |says| heat(&scores, &classes, says, "the same".into()).png().unwrap();
            assert_ne!(drawn(Says::Counts), drawn(Says::Shares));
        }
    }

    #[test]
    fn the_probability_of_a_mistake_has_a_line_of_its_own() {
        let scores = scores(&["Korean_character01-rot000", "Korean_character02-rot000"], 3);
        let caption = &mistakes(&scores, [28, 28])[0].caption;
        assert!(caption[0].starts_with("Korean") && caption[1].starts_with("is Korean"), "{caption:?}");
        assert!(caption[2].ends_with(" %") && caption[2].len() < 6, "{caption:?}");
    }

    #[test]
    fn every_picture_is_made_for_few_many_and_odd_names() {
        let names = |scores: &ClassScoresSum| {
            let plots = plots(scores, [28, 28], "a run").unwrap();
            assert!(plots.iter().all(|(_, png)| png.starts_with(b"\x89PNG")));
            plots.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        let all = [MATRIX, NORMALIZED, SIMILAR, CONFUSED, MISTAKES, RELIABILITY];
        let odd = ["\u{bf}", "|", "/", "\u{6f22}\u{5b57}", "", "a\nb", "x y z"];
        let many: Vec<&str> = odd.iter().cycle().take(45).copied().collect();
        assert_eq!(names(&scores(&many, 3)), all);
        assert_eq!(names(&scores(&odd, 3)), [MATRIX, NORMALIZED, CONFUSED, MISTAKES, RELIABILITY]);
        assert_eq!(names(&scores(&odd, 1)), [MATRIX, NORMALIZED, RELIABILITY], "without a mistake");
        assert_eq!(names(&scores(&odd, 0)), [MATRIX, NORMALIZED, RELIABILITY], "without an image");
    }
}
