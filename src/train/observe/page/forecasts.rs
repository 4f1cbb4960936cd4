//! Pictures in the run folder: films of the newest forecasts, and what an evaluation drew. Only as many as keep the page small.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::chapters::Plot;
use super::run::Run;
use crate::report::page::{Block, Film, Picture};
use crate::report::strip::Strip;
use crate::util::units::count;

/// The bytes of films that a page takes at the most.
const MOST_BYTES: usize = 900_000;
/// What a single file may have.
const MOST_OF_ONE: u64 = 700_000;
/// The end of the name of a strip: a film for a page.
const STRIP: &str = ".strip.png";
/// The most films to choose from, and the most pictures of a task that draws no films.
const MOST_FILMS: usize = 8;
const MOST_PICTURES: usize = 2;

/// The forecasts: films of them, or pictures if the task draws no films.
pub(super) fn blocks(run: &Run<'_>) -> Vec<Block> {
    let paths = match files(&run.folder.join("forecasts")) {
        Ok(paths) if paths.is_empty() => {
            let absent = "There are no forecasts yet: they are drawn whenever validation improves.";
            return vec![Block::Absent(absent.into())];
        }
        Ok(paths) => paths,
        Err(problem) => return vec![Block::Absent(format!("The forecasts are left out: {problem}."))],
    };
    let (strips, others): (Vec<PathBuf>, Vec<_>) = paths.into_iter().partition(|path| is_strip(path));
    let count_strips = strips.len();
    let films = films(strips);
    let left = count_strips - films.len();
    let mut blocks =
        if films.is_empty() { pictures(&others) } else { vec![Block::Text(WATCH.into()), Block::Films(films)] };
    if left > 0 {
        blocks.push(Block::Absent(format!(
            "{} left out: too large for this page, or unreadable.",
            count(left as u64, "film")
        )));
    }
    blocks.push(Block::Absent("As files: forecasts/ in the run folder; earlier ones in forecasts/epochs/.".into()));
    blocks
}

const WATCH: &str = "What the best weights so far make of fixed validation windows. The forecast should move, grow and fade as the \
                     observation does. One that only blurs, or loses the strong cores, has learned the average and not the motion.";

fn films(strips: Vec<PathBuf>) -> Vec<Film> {
    let mut room = MOST_BYTES;
    let film = |path: PathBuf| {
        let bytes = read(&path).filter(|bytes| bytes.len() <= room)?;
        let strip = Strip::of(&bytes)?;
        room -= bytes.len();
        Some(Film { bytes, strip })
    };
    strips.into_iter().filter_map(film).take(MOST_FILMS).collect()
}

/// What was drawn into a folder of the run and the page can't draw itself.
pub(super) fn plots(run: &Run<'_>, folder: &str, plots: &[Plot]) -> Vec<Block> {
    plots.iter().filter_map(|of| plot(run, folder, of)).collect()
}

/// One picture of a folder of the run; `None` if it is not there, or too large.
pub(super) fn plot(run: &Run<'_>, folder: &str, plot: &Plot) -> Option<Block> {
    let link = format!("{folder}/{}", plot.file);
    let bytes = read(&run.folder.join(&link))?;
    let picture = Picture { bytes, description: plot.title.into(), caption: plot.caption.into(), link };
    let shown = Block::Pictures(vec![picture]);
    Some(if plot.is_folded { Block::Folded(plot.title.into(), vec![shown]) } else { shown })
}

/// Pictures of a task without films.
fn pictures(paths: &[PathBuf]) -> Vec<Block> {
    let sheets = paths.iter().filter(|path| path.extension() == Some(OsStr::new("png")));
    let picture = |path: &PathBuf| {
        let link = format!("forecasts/{}", path.file_name()?.to_str()?);
        let caption = spoken(path);
        Some(Picture { bytes: read(path)?, description: format!("Forecast of {caption}"), caption, link })
    };
    let pictures: Vec<Picture> = sheets.filter_map(picture).take(MOST_PICTURES).collect();
    if pictures.is_empty() { Vec::new() } else { vec![Block::Pictures(pictures)] }
}

fn is_strip(path: &Path) -> bool {
    path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.ends_with(STRIP))
}

/// The files of a folder in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| format!("{} can't be read: {error}", folder.display()))?,
    };
    let is_shown = |path: &PathBuf| {
        let is_hidden = path.file_name().and_then(OsStr::to_str).is_none_or(|name| name.starts_with('.'));
        !is_hidden && path.is_file()
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_shown).collect();
    paths.sort();
    Ok(paths)
}

/// The content, if it is not too large.
fn read(path: &Path) -> Option<Vec<u8>> {
    let length = std::fs::metadata(path).ok()?.len();
    (length <= MOST_OF_ONE).then(|| std::fs::read(path).ok())?
}

/// A file name as words: 2014-01-13_17_08_UTC becomes 2014-01-13 17:08 UTC.
fn spoken(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().replace('_', " ");
    let words: Vec<&str> = name.split(' ').collect();
    match words.as_slice() {
        [day, hour, minute, "UTC", rest @ ..] => {
            let rest = if rest.is_empty() { String::new() } else { format!(", event {}", rest.join(" ")) };
            format!("{day} {hour}:{minute} UTC{rest}")
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_read_as_a_time_if_it_is_one() {
        let words = |name: &str| spoken(Path::new(name));
        assert_eq!(words("a/2014-01-13_17_08_UTC_e10_level_1.gif"), "2014-01-13 17:08 UTC, event e10 level 1");
        assert_eq!(words("performance_diagram.png"), "performance diagram");
    }

    #[test]
    fn films_that_are_too_large_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let strip = Strip {
            title: "a".into(),
            panels: vec!["a".into()],
            size: [2, 2],
            moments: vec!["0".into()],
            ..Strip::default()
        };
        let bytes = strip.png(&[[0; 4]], |_, _, _, _| 0).unwrap();
        let (fits, damaged) = (folder.path().join("a.strip.png"), folder.path().join("b.strip.png"));
        std::fs::write(&fits, &bytes).unwrap();
        std::fs::write(&damaged, vec![0; 800_000]).unwrap();
        assert_eq!(films(vec![damaged, fits]), [Film { bytes, strip }]);
    }
}
