//! The sequences of a file, of a dataset, or of a folder with files, one after another.

use std::collections::HashMap;
use std::path::Path;

use super::PredictError;
use crate::data::prepare::files::{Folder, find};
use crate::task::keypoints::SEQUENCES;
use crate::task::keypoints::clip::Clip;
use crate::task::keypoints::prepare::FILES;
use crate::task::keypoints::read::{self, Dataset, Hints, Layout, ReadError};
use crate::util::progress::Stage;
use crate::util::surroundings::Surroundings;

/// What has no keypoints yet.
const VIDEOS: [&str; 8] = ["mp4", "avi", "mov", "mkv", "webm", "mpg", "mpeg", "m4v"];

/// What is done with a sequence of this name, or with the reason why it can't be read.
pub(super) type Take<'a> = dyn FnMut(String, Result<Clip, String>) -> Result<(), PredictError> + 'a;

/// Reads all sequences of an input, in a fixed order.
///
/// # Errors
/// If there are none, `take` fails, or a signal comes.
pub(super) fn each(
    input: &Path,
    hints: &Hints,
    around: &Surroundings<'_>,
    take: &mut Take<'_>,
) -> Result<(), PredictError> {
    let progress = around.progress;
    let begin = |total: usize| progress.begin(Stage::Predict, Some(total as u64), SEQUENCES);
    if !input.is_dir() {
        let ending = input.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        if ending.is_some_and(|ending| VIDEOS.contains(&ending.as_str())) {
            return Err(PredictError::Video { path: input.to_owned() });
        }
        let clips = read::read_file(input, hints)?;
        begin(clips.len());
        for clip in clips {
            around.stop.check()?;
            take(clip.name.clone(), Ok(clip))?;
            progress.advance(1);
        }
        return Ok(());
    }
    match Dataset::open(input, hints) {
        // Frames in folders without classes look like samples.
        Ok(Dataset { layout: Layout::Samples, .. }) if has_frames(input)? => {
            let no_dataset = ReadError::Refused { place: input.to_owned(), reason: "has frames and no classes".into() };
            single_files(input, hints, around, take, no_dataset)
        }
        Ok(dataset) => {
            dataset.set_aside.iter().try_for_each(|aside| take(aside.place.clone(), Err(aside.reason.clone())))?;
            begin(dataset.entries.len());
            for (number, entry) in dataset.entries.iter().enumerate() {
                around.stop.check()?;
                take(entry.name.clone(), dataset.clip(number).map_err(|aside| aside.reason))?;
                progress.advance(1);
            }
            Ok(())
        }
        Err(no_dataset) => single_files(input, hints, around, take, no_dataset),
    }
}

/// Files that are no dataset, one by one.
fn single_files(
    input: &Path,
    hints: &Hints,
    around: &Surroundings<'_>,
    take: &mut Take<'_>,
    no_dataset: ReadError,
) -> Result<(), PredictError> {
    let folders = find(input, &FILES)?;
    let progress = around.progress;
    let files = folders.iter().map(|folder| folder.files.len()).sum::<usize>();
    progress.begin(Stage::Predict, Some(files as u64), SEQUENCES);
    let (mut has_any, mut refused) = (false, Vec::new());
    let mut handle = |file: String, name: String, clips: Result<Vec<Clip>, ReadError>| -> Result<(), PredictError> {
        let clips = match clips {
            Ok(clips) => clips,
            Err(error) => {
                let reason = match error {
                    ReadError::Refused { reason, .. } => reason,
                    other => other.to_string(),
                };
                refused.push((file, reason));
                return Ok(());
            }
        };
        has_any = true;
        let is_one = clips.len() == 1;
        clips
            .into_iter()
            .try_for_each(|clip| take(if is_one { name.clone() } else { format!("{name}/{}", clip.name) }, Ok(clip)))
    };
    for folder in &folders {
        around.stop.check()?;
        let names = names_of(folder);
        if read::are_frames(&folder.folder, &names) {
            let clip = read::read_frames(&folder.folder, &names, hints);
            let name = name_of(folder, input);
            handle(name.clone(), name, clip.map(|clip| vec![clip]))?;
            progress.advance(names.len() as u64);
            continue;
        }
        let mut twins: HashMap<&str, usize> = HashMap::new();
        names.iter().for_each(|name| *twins.entry(stem(name)).or_default() += 1);
        for name in names {
            around.stop.check()?;
            // As in a dataset; two files may differ only in how they end.
            let called = if twins.get(stem(name)) == Some(&1) { stem(name) } else { name };
            let clips = read::read_file(&folder.folder.join(name), hints);
            handle(below(&folder.path, name), below(&folder.path, called), clips)?;
            progress.advance(1);
        }
    }
    if !has_any {
        let all = refused.len();
        let examples = refused.into_iter().take(3).map(|(name, reason)| format!("{name} {reason}")).collect();
        return Err(PredictError::NoneReadable { all, examples, no_dataset });
    }
    refused.into_iter().try_for_each(|(name, reason)| take(name, Err(reason)))
}

/// Whether the first folder with files has the frames of a sequence.
fn has_frames(input: &Path) -> Result<bool, PredictError> {
    let folders = find(input, &FILES)?;
    Ok(folders.first().is_some_and(|folder| read::are_frames(&folder.folder, &names_of(folder))))
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn names_of(folder: &Folder) -> Vec<&str> {
    folder.files.iter().map(|file| file.name.as_str()).collect()
}

/// The name of a folder that is one sequence.
fn name_of(folder: &Folder, input: &Path) -> String {
    match folder.path.is_empty() {
        true => input.file_name().map_or_else(|| "frames".to_owned(), |name| name.to_string_lossy().into_owned()),
        false => folder.path.clone(),
    }
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
