//! The mistakes that a model was surest of, each as a strip with its choice, the true class and the probability.

use std::collections::BTreeMap;

use super::archive::Archive;
use super::strip::{length, names, row};
use crate::report::PictureError;
use crate::report::sticks::sheet::{self, Row, Sheet};
use crate::task::classes::pictures::{caption, title};
use crate::task::classes::sample::Mistake;
use crate::task::classes::scores::ClassScoresSum;

/// The file of the sheet.
pub const MISTAKES: &str = "surest_mistakes.png";

/// Mistakes on the sheet, and those of them in which one class was taken for the same other one.
const SHOWN: usize = 16;
const ALIKE: usize = 3;

/// The sheet as a PNG file; none without a mistake.
///
/// # Errors
/// If it can't be encoded.
pub fn mistakes(
    archive: &Archive,
    scores: &ClassScoresSum<usize>,
    about: &str,
) -> Result<Option<Vec<u8>>, PictureError> {
    if scores.mistakes.is_empty() {
        return Ok(None);
    }
    let recipe = &archive.facts().recipe;
    let sheet = Sheet {
        title: title("The surest mistakes", about),
        note: format!(
            "The choice, the true class, the probability of the choice; then moments of the sequence, each with the number of its \
             frame. At most {ALIKE} of each pair of classes."
        ),
        names: names(recipe),
        rows: chosen(&scores.mistakes).into_iter().map(|mistake| drawn(archive, scores, mistake)).collect(),
    };
    sheet::png(&sheet).map(Some)
}

/// The surest ones, few of each pair of classes.
fn chosen(mistakes: &[Mistake<usize>]) -> Vec<&Mistake<usize>> {
    let mut pairs: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let is_new = |mistake: &&Mistake<usize>| {
        let known = pairs.entry((mistake.class, mistake.predicted)).or_default();
        *known += 1;
        *known <= ALIKE
    };
    mistakes.iter().filter(is_new).take(SHOWN).collect()
}

/// A sequence that can't be read any more is a caption that says so.
fn drawn(archive: &Archive, scores: &ClassScoresSum<usize>, mistake: &Mistake<usize>) -> Row {
    let mut caption = caption(scores, mistake).to_vec();
    match archive.sequence(mistake.kept) {
        Ok(Some(kept)) => {
            caption.push(format!("{}, {}", kept.name, length(kept.frames)));
            Row { is_wrong: true, ..row(&archive.facts().recipe, (kept.frames, &kept.values), caption) }
        }
        Ok(None) => Row { caption, ..Row::default() },
        Err(error) => {
            caption.push(format!("can't be read: {error}"));
            Row { caption, ..Row::default() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::store::records::{RecordStore, RecordWriter};
    use crate::task::keypoints::config::Stored;
    use crate::task::keypoints::facts::Facts;
    use crate::task::keypoints::packed;
    use crate::task::keypoints::recipe::Recipe;
    use crate::task::keypoints::samples::SequenceSample;
    use crate::task::keypoints::testing::{facts, sample};
    use crate::train::task::Depth;

    fn of(record: usize, class: usize, predicted: usize) -> Mistake<usize> {
        Mistake { record, class, predicted, confidence: 0.9, kept: record }
    }

    #[test]
    fn few_mistakes_of_a_pair_are_shown_and_a_turned_pair_is_another_one() {
        let mistakes: Vec<_> = (0..9).map(|record| of(record, record / 8, 1 - record / 8)).collect();
        let records: Vec<usize> = chosen(&mistakes).into_iter().map(|mistake| mistake.record).collect();
        assert_eq!(records, [0, 1, 2, 8]);
    }

    #[test]
    fn a_sheet_is_drawn_from_the_records_and_one_that_is_gone_is_a_caption() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("records");
        let config = serde_json::json!({"streams": {"pen": {"points": 1}}, "values": ["x", "y"]});
        let recipe = Recipe::of(&serde_json::from_value(config).unwrap());
        let facts = Facts { recipe, ..facts(vec![sample(0, 0), sample(1, 1)]) };
        let mut writer = RecordWriter::create(&place).unwrap();
        for record in 0..2 {
            let values: Vec<f32> = (1..=20).map(|value| (value * (record + 1)) as f32 / 100.0).collect();
            writer.append(&packed::bytes(&values, Stored::F32)).unwrap();
        }
        writer.finish(&facts).unwrap();
        let archive = Archive::new(RecordStore::open(&place).unwrap().into(), facts.into());
        let kept = archive.sequence(1).unwrap().unwrap();
        assert_eq!((kept.name.as_str(), kept.frames, kept.values.len()), ("n1", 10, 20));
        let classes: Vec<String> = ["a", "b"].map(str::to_owned).into();
        let mut scores = ClassScoresSum::none(classes.into(), Depth::Evaluation, 1.0);
        assert!(mistakes(&archive, &scores, "a run").unwrap().is_none(), "without a mistake");
        for record in [0, 7] {
            scores.add(&SequenceSample { record, class: 0, frames: 10, values: Vec::new() }, &[0.0, 2.0]);
        }
        assert!(mistakes(&archive, &scores, "a run").unwrap().unwrap().starts_with(b"\x89PNG"));
        let rows = scores.mistakes.iter().map(|mistake| drawn(&archive, &scores, mistake));
        let stills: Vec<usize> = rows.map(|row| row.strip.stills.len()).collect();
        assert_eq!(stills, [8, 0]);
    }
}
