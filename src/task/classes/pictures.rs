//! What an evaluation found, drawn as far as samples are not: which class was taken for which, and whether probabilities are
//! honest. Of pictures of mistakes here is only what is written beside them.

use super::charts::{reliability, reliability_note};
use super::sample::Mistake;
use super::scores::ClassScoresSum;
use crate::metric::classes::similarity::order;
use crate::report::PictureError;
use crate::report::chart::{self, Heat, Says, Shade, Sheet};
use crate::train::task::Plots;

/// How often each class was taken for each.
pub const MATRIX: &str = "confusion_matrix.png";

/// The same as shares of the true class.
pub const NORMALIZED: &str = "confusion_matrix_normalized.png";

/// The same with confused classes beside each other.
pub const SIMILAR: &str = "confusion_matrix_similar.png";

/// Whether probabilities are honest.
pub const RELIABILITY: &str = "reliability.png";

/// The classes of a picture that a person can read: of many, those that are confused most.
pub const READABLE: usize = 40;

/// Pairs on the sheet of confused classes.
const PAIRS: usize = 20;

/// From so many classes on, an order by similarity shows what the usual one hides.
const MANY: usize = 20;

/// A title that says what was evaluated on what.
#[must_use]
pub fn title(what: &str, about: &str) -> String {
    if about.is_empty() { what.to_owned() } else { format!("{what}: {about}") }
}

/// The pictures of which class was taken for which, with their file names.
///
/// # Errors
/// If one can't be encoded.
pub fn matrices<K: Clone>(scores: &ClassScoresSum<K>, about: &str) -> Result<Plots, PictureError> {
    let title = |what: &str| title(what, about);
    let classes = scores.confusion.most_involved(scores.drawn().unwrap_or(usize::MAX));
    let counts = heat(scores, &classes, Says::Counts, title("Which class was taken for which"));
    let shares = heat(scores, &classes, Says::Shares, title("Which class was taken for which, % of the true class"));
    let mut plots = vec![(MATRIX.to_owned(), counts.png()?), (NORMALIZED.to_owned(), shares.png()?)];
    if classes.len() > MANY {
        let title = title("Which class was taken for which, similar classes beside each other");
        let mut ordered = order(&scores.confusion);
        ordered.retain(|class| classes.binary_search(class).is_ok());
        plots.push((SIMILAR.to_owned(), heat(scores, &ordered, Says::Shares, title).png()?));
    }
    Ok(plots)
}

/// The picture of whether probabilities are honest, with its file name.
///
/// # Errors
/// If it can't be encoded.
pub fn honesty<K: Clone>(scores: &ClassScoresSum<K>, about: &str) -> Result<Plots, PictureError> {
    let [reported, raw] = scores.reliability();
    let note = reliability_note(&reported, scores.unit());
    let chart = reliability(&reported, &raw, scores.temperature());
    let sheet = Sheet { title: title("Reliability", about), note, size: [520, 420], columns: 1, charts: vec![chart] };
    Ok(vec![(RELIABILITY.to_owned(), chart::png(&sheet)?)])
}

const NOTE: &str = "Rows are true classes, columns what the model chose. Blue is right, red is wrong: the stronger,";

fn heat<K: Clone>(scores: &ClassScoresSum<K>, order: &[usize], says: Says, title: String) -> Heat {
    let counts =
        order.iter().flat_map(|truth| order.iter().map(|predicted| scores.confusion.count(*truth, *predicted)));
    let names = order.iter().map(|class| scores.labels()[*class].clone()).collect();
    let (shade, stronger) = match says {
        Says::Counts => (Shade::Count, format!("the more {}", scores.unit().many)),
        Says::Shares => (Shade::Share, "the larger the share of its row".to_owned()),
    };
    let all = scores.labels().len();
    let which = match order.len() < all {
        true => format!("The {} most confused of {all} classes, and the choices among them. ", order.len()),
        false => String::new(),
    };
    Heat { title, note: format!("{which}{NOTE} {stronger}."), names, counts: counts.collect(), says, shade }
}

/// The most confused pairs of classes, each with what is written beside it and its surest mistakes.
#[must_use]
pub fn confused<K: Clone>(scores: &ClassScoresSum<K>) -> Vec<([String; 3], &[Mistake<K>])> {
    let (labels, classes) = (scores.labels(), scores.confusion.by_class());
    let pair = |(truth, predicted, count): (usize, usize, u64)| {
        let share = 100.0 * count as f64 / classes[truth].support as f64;
        let lines = [
            labels[truth].clone(),
            format!("taken for {}", labels[predicted]),
            format!("{count} of {}, {share:.0} %", classes[truth].support),
        ];
        (lines, scores.examples.get(&(truth, predicted)).map_or(&[][..], Vec::as_slice))
    };
    scores.confusion.most_confused(PAIRS).into_iter().map(pair).collect()
}

/// What is written below a mistake: the choice, the true class, and the probability on a line of its own, which a long name must
/// not hide.
#[must_use]
pub fn caption<K: Clone>(scores: &ClassScoresSum<K>, mistake: &Mistake<K>) -> [String; 3] {
    let label = |class: usize| scores.labels().get(class).map_or("?", String::as_str);
    let [predicted, class] = [mistake.predicted, mistake.class].map(label);
    [predicted.to_owned(), format!("is {class}"), format!("{:.0} %", 100.0 * mistake.confidence)]
}

#[cfg(test)]
mod tests {
    use super::super::sample::Numbered;
    use super::*;
    use crate::train::task::Depth;

    /// Each class is taken for the next one every third time.
    fn scores(labels: &[&str], per_class: usize) -> ClassScoresSum<()> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let classes = labels.len();
        let mut scores = ClassScoresSum::none(labels.into(), Depth::Evaluation, 1.0);
        for record in 0..classes * per_class {
            let class = record % classes;
            let mut logits = vec![0.0; classes];
            logits[(class + usize::from(record / classes % 3 == 2)) % classes] = 3.0;
            scores.add(&Numbered { record, class }, &logits);
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
        let caption = caption(&scores, &scores.mistakes[0]);
        assert!(caption[0].starts_with("Korean") && caption[1].starts_with("is Korean"), "{caption:?}");
        assert!(caption[2].ends_with(" %") && caption[2].len() < 6, "{caption:?}");
    }
    #[test]
    fn of_many_classes_the_most_confused_are_drawn() {
        let labels: Vec<String> = (0..60).map(|class| format!("c{class}")).collect();
        let mut scores = ClassScoresSum::none(labels.into(), Depth::Evaluation, 1.0).drawing(READABLE);
        for class in 0..60 {
            let mut logits = vec![0.0; 60];
            logits[if class < 50 { class } else { 59 }] = 3.0;
            scores.add(&Numbered { record: class, class }, &logits);
        }
        let drawn = scores.confusion.most_involved(READABLE);
        assert_eq!((drawn.len(), &drawn[30..]), (READABLE, &(50..60).collect::<Vec<_>>()[..]));
        let heat = heat(&scores, &drawn, Says::Counts, "some".into());
        assert!(
            heat.note.starts_with("The 40 most confused of 60 classes, and the choices among them. Rows"),
            "{}",
            heat.note
        );
        assert_eq!((heat.names.len(), heat.counts.len(), heat.names[39].as_str()), (40, 1600, "c59"));
        let few = matrices(&scores, "").unwrap();
        let all = matrices(&scores.clone().drawing(60), "").unwrap();
        assert!(few.len() == 3 && few.iter().zip(&all).all(|(few, all)| few.0 == all.0 && few.1 != all.1));
    }
}
