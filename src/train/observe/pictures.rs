//! Pictures of the predictions of the best weights so far, in a folder of the run that the task names: the newest ones,
//! and below `epochs/` the first file of each for every epoch that was the best when it ended. The task draws them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::train::drawing::Sketch;
use crate::train::events::{Event, Heard, Observer};
use crate::train::run_folder::RunError;
use crate::util::fs::{create_dir_all, write_atomic};

/// Draws the pictures of a run.
pub struct PictureFiles {
    run_folder: PathBuf,
}

impl PictureFiles {
    /// Nothing is written before there is a picture.
    #[must_use]
    pub fn new(run_folder: &Path) -> Self {
        Self { run_folder: run_folder.into() }
    }

    /// All pictures, even if one can't be drawn: the error is then that of the first one.
    fn write(&self, folder: &str, epoch: u64, sketches: &[Sketch]) -> Result<(), RunError> {
        let folder = self.run_folder.join(folder);
        let kept = folder.join("epochs").join(format!("e{epoch:04}"));
        if !sketches.is_empty() {
            create_dir_all(&kept)?;
        }
        let named = sketches.iter().zip(file_names(sketches));
        let results: Vec<_> = named.map(|(sketch, name)| write_one(sketch, epoch, &name, &folder, &kept)).collect();
        results.into_iter().collect()
    }
}

fn write_one(sketch: &Sketch, epoch: u64, name: &str, folder: &Path, kept: &Path) -> Result<(), RunError> {
    let drawing = sketch.draw(&format!("epoch {epoch}")).map_err(|error| RunError::Picture {
        path: folder.join(name),
        exit: error.exit(),
        source: error.into(),
    })?;
    let path = |folder: &Path, ending: &str| folder.join(format!("{name}.{ending}"));
    if let Some((ending, bytes)) = drawing.files.first() {
        write_atomic(&path(kept, ending), bytes)?;
    }
    drawing.files.iter().try_for_each(|(ending, bytes)| Ok(write_atomic(&path(folder, ending), bytes)?))
}

impl Observer for PictureFiles {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        match event {
            // People count epochs from 1, as the history does.
            Event::Pictures { epoch, folder, pictures } => {
                self.write(folder, epoch + 1, pictures).map(|()| Heard::Wrote)
            }
            _ => Ok(Heard::Ignored),
        }
    }
}

/// Longer names are cut: file systems allow 255 bytes, and endings and numbers need some.
const LONGEST_NAME: usize = 120;

/// A file name for each picture that is valid on every file system and unique even if case is ignored.
fn file_names(sketches: &[Sketch]) -> Vec<String> {
    let mut taken = HashSet::new();
    let names = sketches.iter().map(|sketch| {
        let name = file_name(sketch.name());
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut free = std::iter::once(name.clone()).chain(numbered).filter(|name| taken.insert(name.to_lowercase()));
        free.next().unwrap_or_default()
    });
    names.collect()
}

fn file_name(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '+');
    let name: String = name.chars().take(LONGEST_NAME).map(|letter| if plain(letter) { letter } else { '_' }).collect();
    match name.trim_start_matches('.') {
        "" => "picture".into(),
        name => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::report::PictureError;
    use crate::train::drawing::Drawing;
    use crate::util::exit::Exit;

    fn drawing(name: &str, text: &str) -> Drawing {
        let files = vec![("png", format!("{text} as a sheet").into_bytes()), ("gif", text.as_bytes().to_vec())];
        Drawing { name: name.into(), caption: String::new(), files }
    }

    fn sketch(name: &str) -> Sketch {
        let name = name.to_owned();
        Sketch::new(name.clone(), move |of| Ok(drawing(&name, of)))
    }

    fn broken() -> Sketch {
        Sketch::new("broken", |_| Err(PictureError::NoFrames("broken".into())))
    }

    fn event(epoch: u64, pictures: Vec<Sketch>) -> Event {
        Event::Pictures { epoch, folder: "shown", pictures }
    }

    fn files(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            match path.is_dir() {
                true => found.extend(files(&path).into_iter().map(|below| format!("{name}/{below}"))),
                false => found.push(name),
            }
        }
        found.sort();
        found
    }

    #[test]
    fn the_best_so_far_and_the_first_file_of_each_epoch_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut pictures = PictureFiles::new(folder.path());
        for epoch in [0, 11] {
            assert_eq!(pictures.observe(&event(epoch, vec![sketch("20131201 level 2")])).unwrap(), Heard::Wrote);
        }
        let at = |name: &str| fs::read_to_string(folder.path().join("shown").join(name)).unwrap();
        assert_eq!(
            files(folder.path()),
            [
                "shown/20131201_level_2.gif",
                "shown/20131201_level_2.png",
                "shown/epochs/e0001/20131201_level_2.png",
                "shown/epochs/e0012/20131201_level_2.png",
            ]
        );
        assert_eq!(at("20131201_level_2.gif"), "epoch 12");
        assert_eq!(at("20131201_level_2.png"), "epoch 12 as a sheet");
        assert_eq!(at("epochs/e0001/20131201_level_2.png"), "epoch 1 as a sheet");
    }

    #[test]
    fn names_become_those_of_files_and_stay_apart() {
        let pictures = ["a/b: ü", "a b", "A_B", "../etc", "", ".", "x"].map(sketch);
        assert_eq!(file_names(&pictures), ["a_b___", "a_b", "A_B-2", "_etc", "picture", "picture-2", "x"]);
        assert_eq!(file_name(&"x".repeat(500)).len(), LONGEST_NAME);
    }

    #[test]
    fn a_picture_that_cannot_be_drawn_does_not_keep_others_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = PictureFiles::new(folder.path()).observe(&event(0, vec![broken(), sketch("storm")])).unwrap_err();
        assert_eq!(error.exit(), Exit::Bug);
        assert!(error.to_string().ends_with("shown/broken: no frames to draw for broken"), "{error}");
        assert!(folder.path().join("shown/storm.gif").exists());
    }

    #[test]
    fn a_finished_drawing_is_a_picture_too_and_other_events_leave_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let mut pictures = PictureFiles::new(folder.path());
        pictures.observe(&Event::Saving { epoch: 0, step: 0 }).unwrap();
        pictures.observe(&event(0, Vec::new())).unwrap();
        assert!(files(folder.path()).is_empty());
        pictures.observe(&event(2, vec![drawing("tracks", "finished").into()])).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("shown/tracks.gif")).unwrap(), "finished");
    }
}
