//! Synthetic characters as image files, a folder for each. How they are drawn is up to `report/handwriting`.

use std::path::Path;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::prepare::{IMAGES, threads};
use crate::data::prepare::work::on_threads;
use crate::data::synthetic::Characters;
use crate::report::handwriting::{Images, strokes};
use crate::task::classes::class_names::folder;
use crate::util::exit::Exit;
use crate::util::fs::{FsError, create_dir_all};
use crate::util::progress::Stage;
use crate::util::stop::Stopped;
use crate::util::surroundings::Surroundings;

/// Writes a folder of images for each character below `into`.
///
/// # Errors
/// If a character has no folder or no ink, a file can't be written, or a signal comes.
pub fn write(characters: &Characters, into: &Path, around: &Surroundings<'_>) -> Result<(), WriteError> {
    let Characters { ref alphabet, per_class, size, seed } = *characters;
    let all: Vec<char> = alphabet.chars().collect();
    around.progress.begin(Stage::Synthesise, Some((all.len() * per_class) as u64), IMAGES);
    on_threads(threads(), &all, around.stop, |&character, _: &mut ()| {
        let folder = folder(character).ok_or(WriteError::Character(character))?;
        let ink = strokes(character).ok_or(WriteError::Character(character))?;
        write_class(into, &folder, &Images::new(character, &ink, size, per_class, seed))?;
        around.progress.advance(per_class as u64);
        Ok::<_, WriteError>(())
    })?;
    around.progress.end(&format!("made {}", IMAGES.count((all.len() * per_class) as u64)));
    Ok(())
}

/// Writes one image after another: `<into>/<folder>/<number>.png`.
///
/// # Errors
/// If a file can't be written.
pub fn write_class(into: &Path, folder: &str, images: &Images<'_>) -> Result<(), WriteError> {
    let folder = into.join(folder);
    create_dir_all(&folder)?;
    for number in 0..images.count {
        let path = folder.join(format!("{number:05}.png"));
        let side = images.size as u32;
        let mut bytes = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::NoFilter);
        encoder.write_image(&images.draw(number), side, side, ExtendedColorType::L8)?;
        std::fs::write(&path, bytes).map_err(FsError::at("write", &path))?;
    }
    Ok(())
}

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk refused.
    #[error(transparent)]
    File(#[from] FsError),
    /// The picture could not be encoded.
    #[error("a synthetic image can't be encoded: {0}")]
    Image(#[from] image::ImageError),
    /// There is no such character.
    #[error("there is no character {0:?} to draw; write letters, digits and common symbols into `alphabet`")]
    Character(char),
    /// A signal came.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl WriteError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::File(error) => error.exit(),
            Self::Image(_) => Exit::Bug,
            Self::Character(_) => Exit::Configuration,
            Self::Stopped(error) => error.exit(),
        }
    }
}

crate::util::failures!("synthetic data": WriteError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_94_characters_are_written_and_differ() {
        let letters = ('A'..='Z').chain('a'..='z').chain('0'..='9');
        let all: Vec<char> = letters.chain("!@#$%&*()-_+=[]{};:'\",.<>/?|~`¡¿".chars()).collect();
        let images: Vec<Vec<u8>> = all
            .iter()
            .map(|&character| {
                assert!(folder(character).is_some(), "{character}");
                let strokes = strokes(character).unwrap();
                let image = Images::new(character, &strokes, 28, 1, 42).draw(0);
                assert!(image.iter().filter(|&&level| level > 100).count() >= 3, "{character} has hardly any ink");
                image
            })
            .collect();
        assert_eq!(all.len(), 94);
        assert!((1..94).all(|place| !images[..place].contains(&images[place])));
    }

    #[test]
    fn files_are_the_same_every_time() {
        let (ink, folder) = (strokes('7').unwrap(), tempfile::tempdir().unwrap());
        let images = Images::new('7', &ink, 28, 3, 42);
        for into in ["one", "other"] {
            write_class(&folder.path().join(into), "7_digit", &images).unwrap();
        }
        let read = |into: &str| std::fs::read(folder.path().join(into).join("7_digit/00002.png")).unwrap();
        assert_eq!(read("one"), read("other"));
    }
}
