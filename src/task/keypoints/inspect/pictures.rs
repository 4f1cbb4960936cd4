//! A prepared dataset in pictures: sequences of several classes as strips, the same as training sees them, how long they are,
//! what was not seen, and how many each class has.

use std::path::{Path, PathBuf};

use super::{InspectError, Inspection};
use crate::data::split::Side;
use crate::report::PictureError;
use crate::report::chart::{self, Chart, Sheet as ChartSheet};
use crate::report::plain::visible;
use crate::report::sticks::sheet::{self, Row, Sheet};
use crate::task::classes::called::called;
use crate::task::keypoints::SEQUENCES;
use crate::task::keypoints::charts::{classes, lengths, unseen};
use crate::task::keypoints::config::KeypointsConfig;
use crate::task::keypoints::dataset::Dataset;
use crate::task::keypoints::pictures::strip::{length, names, note, row};
use crate::task::keypoints::pictures::{Archive, seen};
use crate::util::fs::{create_dir_all, write_atomic};

/// Classes of the sheet, and sequences of each.
const CLASSES: usize = 8;
const EACH: usize = 2;

/// Draws everything into a folder.
///
/// # Errors
/// If a sequence can't be read, or a picture can't be made or written.
pub fn draw(
    dataset: &Dataset,
    inspection: &Inspection,
    (config, seed): (&KeypointsConfig, u64),
    folder: &Path,
) -> Result<Vec<PathBuf>, InspectError> {
    create_dir_all(folder)?;
    let chart = |chart: Chart, note: String| {
        let (title, charts) = (chart.title.clone(), vec![Chart { title: String::new(), ..chart }]);
        chart::png(&ChartSheet { title, note, columns: 1, size: [900, 300], charts }).map_err(PictureError::from)
    };
    let counts: Vec<(&str, usize)> =
        inspection.classes.iter().map(|class| (class.class.as_str(), class.sequences.all())).collect();
    let resampled = match inspection.resampled {
        0 => String::new(),
        resampled => format!("{} longer ones were resampled.", SEQUENCES.count(resampled as u64)),
    };
    let pictures = [
        ("sequences.png", sequences(dataset)?),
        ("augmented.png", seen::changed(dataset, &config.augment, seed)?),
        ("lengths.png", chart(lengths(&inspection.measured), resampled)?),
        ("unseen.png", unseen(&inspection.measured).png().map_err(PictureError::from)?),
        ("classes.png", chart(classes(&counts), extremes(&counts))?),
    ];
    let write = |(name, bytes): (&str, Vec<u8>)| {
        let path = folder.join(name);
        write_atomic(&path, &bytes).map(|()| path)
    };
    Ok(pictures.into_iter().map(write).collect::<Result<_, _>>()?)
}

/// Sequences of classes evenly from all, the first and the last of each: these are often of different people.
fn sequences(dataset: &Dataset) -> Result<Vec<u8>, InspectError> {
    let archive = Archive::new(dataset.records.clone(), dataset.facts.clone());
    let labels = called(&dataset.model.classes, &dataset.model.classes);
    let mut of_class = vec![Vec::new(); labels.len()];
    for (record, class) in dataset.class_of.iter().enumerate().filter(|(record, _)| dataset.sides[*record].is_some()) {
        class.and_then(|class| of_class.get_mut(class)).into_iter().for_each(|of: &mut Vec<usize>| of.push(record));
    }
    let filled: Vec<usize> = (0..labels.len()).filter(|class| !of_class[*class].is_empty()).collect();
    let mut rows = Vec::new();
    for class in evenly(&filled, CLASSES) {
        for record in evenly(&of_class[class], EACH) {
            let (sample, side) = (&dataset.facts.samples[record], dataset.sides[record].map_or("", Side::name));
            let who = sample.signer.as_ref().map_or_else(String::new, |signer| format!(", by {signer}"));
            let Some(kept) = archive.sequence(record)? else { continue };
            let caption = vec![labels[class].clone(), kept.name.clone(), format!("{side}{who}"), length(kept.frames)];
            rows.push(Row { group: class, ..row(&dataset.facts.recipe, (kept.frames, &kept.values), caption) });
        }
    }
    let of = if filled.len() > CLASSES { format!(" of {CLASSES} of {} classes", filled.len()) } else { String::new() };
    let sheet = Sheet {
        title: format!("Sequences{of}"),
        note: format!(
            "Moments evenly over the length of each sequence, with the number of the frame.{}",
            note(&dataset.facts.recipe)
        ),
        names: names(&dataset.facts.recipe),
        rows,
    };
    Ok(sheet::png(&sheet)?)
}

/// Which classes have the most and the fewest sequences, in words.
fn extremes(counts: &[(&str, usize)]) -> String {
    let by_count = |(_, count): &&(&str, usize)| *count;
    let (Some((fewest, few)), Some((most, many))) =
        (counts.iter().rev().min_by_key(by_count), counts.iter().rev().max_by_key(by_count))
    else {
        return String::new();
    };
    let singles = counts.iter().filter(|(_, count)| *count == 1).count();
    let singles = if singles > 1 { format!(" {singles} classes have one.") } else { String::new() };
    match few == many {
        true => format!("Each has {few}."),
        false => format!("{} has the most, {many}; {} the fewest, {few}.{singles}", visible(most), visible(fewest)),
    }
}

/// At most so many of a list, evenly, with the first and the last one.
fn evenly(all: &[usize], most: usize) -> Vec<usize> {
    let (shown, last) = (all.len().min(most), all.len().saturating_sub(1));
    (0..shown).map(|place| all[place * last / shown.saturating_sub(1).max(1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_and_the_smallest_class_are_named() {
        let counts = [("a", 3), ("b", 1), ("c", 72), ("d", 1)];
        assert_eq!(extremes(&counts), "c has the most, 72; d the fewest, 1. 2 classes have one.");
        assert_eq!((extremes(&counts[..1]), extremes(&[])), ("Each has 3.".into(), String::new()));
    }

    #[test]
    fn of_many_some_are_shown_from_the_first_to_the_last() {
        let all: Vec<usize> = (0..100).collect();
        assert_eq!(evenly(&all, 4), [0, 33, 66, 99]);
        assert_eq!((evenly(&all[..3], 8), evenly(&[], 8), evenly(&all, 1)), (vec![0, 1, 2], vec![], vec![0]));
    }
}
