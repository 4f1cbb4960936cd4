//! What an evaluation found, drawn: who was taken for whom, and the mistakes that the model was surest of.

use super::facts::ModelFacts;
use super::scores::ClassScoresSum;
use crate::report::PictureError;
use crate::report::chart::Heat;
use crate::report::classes::sheet::{self, Shown};
use crate::train::task::Plots;

/// The pictures with their file names.
///
/// # Errors
/// If one can't be encoded.
pub fn plots(scores: &ClassScoresSum, facts: &ModelFacts, about: &str) -> Result<Plots, PictureError> {
    let title = |what: &str| if about.is_empty() { what.to_owned() } else { format!("{what}: {about}") };
    let classes = facts.labels.len();
    let count = |place: usize| scores.confusion.count(place / classes, place % classes);
    let confused = Heat {
        title: title("Which class was taken for which"),
        names: facts.labels.clone(),
        counts: (0..classes * classes).map(count).collect(),
    };
    let mut plots = vec![("confusion_matrix.png".to_owned(), confused.png()?)];
    if !scores.mistakes.is_empty() {
        plots.push(("mistakes.png".to_owned(), sheet::png(&title("The surest mistakes"), &mistakes(scores, facts))?));
    }
    Ok(plots)
}

fn mistakes(scores: &ClassScoresSum, facts: &ModelFacts) -> Vec<Shown> {
    let label = |class: usize| facts.labels.get(class).map_or("?", String::as_str);
    let shown = scores.mistakes.iter().map(|mistake| Shown {
        levels: mistake.image.levels.clone(),
        size: facts.size,
        caption: [
            format!("{} for {}", label(mistake.predicted), label(mistake.image.class)),
            format!("{:.0} %", 100.0 * mistake.confidence),
        ],
        is_wrong: true,
    });
    shown.collect()
}
