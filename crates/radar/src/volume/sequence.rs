//! The frames of a folder in time order, over any number of files. Reads headers only, and no folders below.

use std::fs;
use std::path::{Path, PathBuf};

use super::{VolumeError, VolumeFile};

/// The endings of the names of radar files.
pub const ENDINGS: [&str; 6] = ["nc", "nc3", "nc4", "cdf", "netcdf", "ncf"];

/// The file and index of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Its time in seconds since 1970 UTC.
    pub seconds: f64,
    /// The file that holds it.
    pub path: PathBuf,
    /// Its number in the file, counted from 0.
    pub in_file: usize,
}

/// Whether a file's name is that of a radar file. Hidden files are not: they are incomplete.
#[must_use]
pub fn is_radar_name(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    !hidden && ENDINGS.contains(&ending.as_str())
}

/// The frames of all radar files that are directly in a folder, by time, then by name.
///
/// # Errors
/// If the folder can't be read, or one of the files can't be used.
pub fn frames_in(folder: &Path, variable: &str) -> Result<Vec<Frame>, VolumeError> {
    let mut frames = Vec::new();
    for entry in fs::read_dir(folder).map_err(VolumeError::io(folder))? {
        let path = entry.map_err(VolumeError::io(folder))?.path();
        if is_radar_name(&path) && path.is_file() {
            let volume = VolumeFile::open(&path, variable)?;
            let times = volume.times().iter().enumerate();
            frames.extend(times.map(|(in_file, &seconds)| Frame { seconds, path: path.clone(), in_file }));
        }
    }
    let place = |frame: &Frame| (frame.path.clone(), frame.in_file);
    frames.sort_by(|one, other| one.seconds.total_cmp(&other.seconds).then_with(|| place(one).cmp(&place(other))));
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_in_time_order_from_radar_files_only() {
        let folder = tempfile::tempdir().unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/volume");
        for (name, copy) in [("lrose_cdf1.nc", "b.nc"), ("prediction.nc", "a.NC")] {
            fs::copy(fixtures.join(name), folder.path().join(copy)).unwrap();
        }
        for name in [".c.nc.partial", ".c.nc", "notes.txt"] {
            fs::write(folder.path().join(name), "not a volume").unwrap();
        }
        let frames = frames_in(folder.path(), "DBZ").unwrap();
        assert!(frames.len() > 2 && frames.is_sorted_by_key(|frame| frame.seconds), "{frames:?}");
        let of = |copy: &str| frames.iter().filter(|frame| frame.path.ends_with(copy)).count();
        assert_eq!(of("a.NC") + of("b.nc"), frames.len());
    }

    #[test]
    fn a_file_that_is_no_volume_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.nc"), "not a volume").unwrap();
        let error = frames_in(folder.path(), "DBZ").unwrap_err().to_string();
        assert!(error.contains("a.nc is not a netCDF file"), "{error}");
        assert!(frames_in(&folder.path().join("nowhere"), "DBZ").is_err());
    }
}
