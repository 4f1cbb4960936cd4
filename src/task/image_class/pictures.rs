//! What an evaluation found, drawn: what is drawn of every classifier, with images of the worst pairs of classes and of the
//! mistakes that the model was surest of.

use crate::report::PictureError;
use crate::report::classes::pairs::{self, Pair};
use crate::report::classes::sheet::{self, Shown};
use crate::task::classes::pictures::{self as shared, caption, honesty, matrices, title};
use crate::task::classes::sample::Mistake;
use crate::task::classes::scores::ClassScoresSum;
use crate::train::task::Plots;

pub(super) const CONFUSED: &str = "most_confused.png";
pub(super) const MISTAKES: &str = "misclassified.png";

/// Images of each pair of classes.
const IMAGES: usize = 8;

/// The gray levels that are kept of an image.
type Levels = Vec<u8>;

/// The pictures with their file names, of images of this size.
///
/// # Errors
/// If one can't be encoded.
pub fn plots(scores: &ClassScoresSum<Levels>, size: [usize; 2], about: &str) -> Result<Plots, PictureError> {
    let mut plots = matrices(scores, about)?;
    if !scores.mistakes.is_empty() {
        let name = title("The most confused classes", about);
        plots.push((CONFUSED.to_owned(), pairs::png(&name, &confused(scores, size), IMAGES)?));
        let name = title("The surest mistakes", about);
        plots.push((MISTAKES.to_owned(), sheet::png(&name, &mistakes(scores, size))?));
    }
    plots.extend(honesty(scores, about)?);
    Ok(plots)
}

fn confused(scores: &ClassScoresSum<Levels>, size: [usize; 2]) -> Vec<Pair> {
    let pair = |(lines, mistakes): ([String; 3], &[Mistake<Levels>])| Pair {
        lines,
        images: mistakes.iter().map(|mistake| shown(mistake, size, Default::default())).collect(),
    };
    shared::confused(scores).into_iter().map(pair).collect()
}

fn mistakes(scores: &ClassScoresSum<Levels>, size: [usize; 2]) -> Vec<Shown> {
    scores.mistakes.iter().map(|mistake| shown(mistake, size, caption(scores, mistake))).collect()
}

fn shown(mistake: &Mistake<Levels>, size: [usize; 2], caption: [String; 3]) -> Shown {
    Shown { levels: mistake.kept.clone(), size, caption, is_wrong: true, group: 0 }
}

#[cfg(test)]
mod tests {
    use super::super::samples::ImageSample;
    use super::*;
    use crate::task::classes::pictures::{MATRIX, NORMALIZED, RELIABILITY, SIMILAR};
    use crate::train::task::Depth;

    /// Each class is taken for the next one every third time.
    fn scores(labels: &[&str], per_class: usize) -> ClassScoresSum<Levels> {
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
    fn every_picture_is_made_for_few_many_and_odd_names() {
        let names = |scores: &ClassScoresSum<Levels>| {
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
