//! Pictures in the run folder: the newest forecasts, and what an evaluation drew. Only as many as keep the page small.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::run::Run;
use crate::report::page::{Block, Picture};
use crate::util::units::{bytes, count};

/// The bytes of pictures of one folder that a page takes at the most.
const MOST_BYTES: usize = 4_000_000;
/// What a single picture may have.
const MOST_OF_ONE: u64 = 2_000_000;

/// The forecasts: of each the sheet, and the film below it.
pub(super) fn blocks(run: &Run<'_>) -> Vec<Block> {
    let found = pictures(&run.folder.join("forecasts"), &["png", "gif"]);
    let absent = "There are no forecasts yet: they are drawn whenever validation improves.";
    let mut blocks = shown(found, absent, |path| match path.extension() == Some(OsStr::new("gif")) {
        true => format!("Animation of the forecast of {}", spoken(path)),
        false => format!("Frames of the forecast of {}: observed, forecast, and the difference", spoken(path)),
    });
    if matches!(blocks.first(), Some(Block::Pictures(_))) {
        let text =
            "What the best weights so far make of fixed validation windows. Earlier ones are in forecasts/epochs.";
        blocks.insert(0, Block::Text(text.into()));
    }
    blocks
}

/// What an evaluation drew.
pub(super) fn plots(folder: &Path) -> Vec<Block> {
    let found = pictures(folder, &["png"]);
    match found {
        Ok(found) if found.is_empty() => Vec::new(),
        found => shown(found, "", |path| format!("Plot of the evaluation: {}", spoken(path))),
    }
}

/// The pictures of a folder in the order of their names, a sheet before its film.
fn pictures(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, String> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| format!("{} can't be read: {error}", folder.display()))?,
    };
    let ending = |path: &PathBuf| {
        let found = path.extension()?.to_str()?;
        endings.iter().position(|ending| *ending == found)
    };
    let is_shown = |path: &PathBuf| {
        let is_hidden = path.file_name().and_then(OsStr::to_str).is_none_or(|name| name.starts_with('.'));
        !is_hidden && ending(path).is_some()
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_shown).collect();
    paths.sort_by_key(|path| (path.file_stem().map(OsStr::to_owned), ending(path)));
    Ok(paths)
}

fn shown(found: Result<Vec<PathBuf>, String>, absent: &str, describe: impl Fn(&Path) -> String) -> Vec<Block> {
    let paths = match found {
        Ok(paths) if paths.is_empty() => return vec![Block::Absent(absent.into())],
        Ok(paths) => paths,
        Err(problem) => return vec![Block::Absent(format!("The pictures are left out: {problem}."))],
    };
    let (mut pictures, mut room, mut left) = (Vec::new(), MOST_BYTES, 0);
    for path in paths {
        let read = read(&path).filter(|bytes| bytes.len() <= room);
        let Some(bytes) = read else {
            left += 1;
            continue;
        };
        room -= bytes.len();
        let caption = spoken(&path);
        pictures.push(Picture { bytes, description: describe(&path), caption });
    }
    let mut blocks = vec![Block::Pictures(pictures)];
    if left > 0 {
        let text = format!(
            "{} left out: this page holds {} of them, and none that can't be read. They are in the run folder.",
            count(left, "picture"),
            bytes(MOST_BYTES as u64)
        );
        blocks.push(Block::Absent(text));
    }
    blocks
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
    fn a_file_name_is_read_as_a_time_where_it_is_one() {
        let words = |name: &str| spoken(Path::new(name));
        assert_eq!(words("a/2014-01-13_17_08_UTC_e10_level_1.gif"), "2014-01-13 17:08 UTC, event e10 level 1");
        assert_eq!(words("performance_diagram.png"), "performance diagram");
    }

    #[test]
    fn what_is_too_much_is_left_out_and_told() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.png", "b.png", "c.png"] {
            std::fs::write(folder.path().join(name), vec![0; 1_900_000]).unwrap();
        }
        std::fs::write(folder.path().join("d.png"), vec![0; 2_100_000]).unwrap();
        std::fs::write(folder.path().join(".e.png.partial"), "").unwrap();
        let blocks = plots(folder.path());
        let [Block::Pictures(pictures), Block::Absent(told)] = blocks.as_slice() else { panic!("{blocks:?}") };
        assert_eq!(pictures.len(), 2);
        assert!(told.starts_with("2 pictures left out"), "{told}");
        assert!(plots(&folder.path().join("nowhere")).is_empty());
    }
}
