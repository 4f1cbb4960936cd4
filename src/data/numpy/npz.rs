//! Arrays in a zip file, as `numpy.savez` and `numpy.savez_compressed` write them. The directory is read once, an array when it is
//! asked for. Nothing is unpacked that is larger than the directory says, or far larger than the file.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::npy::{self, Array};
use crate::data::unpack::{UnpackError, Zip};
use crate::util::plain;
use crate::util::units;

/// The most bytes of all arrays of a file.
pub const MOST_BYTES: u64 = 8 << 30;

/// Points that are not seen compress well, but not as well as a bomb.
const MOST_TIMES: u64 = 200;
const ALWAYS_ALLOWED: u64 = 64 << 20;

/// The most arrays of a file.
const MOST_ARRAYS: u64 = 10_000;

/// How the names of arrays end in the zip file.
const ENDING: &str = ".npy";

/// An npz file that is open.
#[derive(Debug)]
pub struct Arrays {
    path: PathBuf,
    zip: Zip<File>,
}

impl Arrays {
    /// Reads the directory.
    ///
    /// # Errors
    /// Why the file can't be used, as a fragment that follows its name.
    pub fn open(path: &Path) -> Result<Self, String> {
        let file = plain::open(path).map_err(|error| format!("can't be read: {error}"))?;
        let bytes = file.metadata().map_err(|error| format!("can't be read: {error}"))?.len();
        let zip = Zip::open(file, path, MOST_ARRAYS).map_err(|error| refused(&error))?;
        let all = zip.entries().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(bytes));
        let most = bytes.saturating_mul(MOST_TIMES).clamp(ALWAYS_ALLOWED, MOST_BYTES);
        if all > most {
            let (all, most) = (units::bytes(all), units::bytes(most));
            return Err(format!("has arrays of {all}, expected at most {most} in a file of {}", units::bytes(bytes)));
        }
        Ok(Self { path: path.to_owned(), zip })
    }

    /// The names of the arrays, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.zip.entries().filter_map(|(name, _)| name.strip_suffix(ENDING))
    }

    /// An array; none if there is none of this name.
    ///
    /// # Errors
    /// Why it can't be used, as a fragment that follows the name of the file.
    pub fn array(&mut self, name: &str) -> Result<Option<Array>, String> {
        let content = self.zip.content(&format!("{name}{ENDING}"), &self.path).map_err(|error| refused(&error))?;
        let Some(content) = content else { return Ok(None) };
        npy::read(&content).map(Some).map_err(|reason| format!("has the array {name:?}, which {reason}"))
    }
}

/// The reason without the name of the file, which the caller has.
fn refused(error: &UnpackError) -> String {
    match error {
        UnpackError::Refused { entry: Some(entry), refusal, .. } => format!("is refused at {entry:?}: {refusal}"),
        UnpackError::Refused { refusal, .. } => format!("is refused: {refusal}"),
        other => format!("can't be read: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A zip file of one array in ten bytes, which are said to unpack to so many.
    fn archive(unpacked: u32) -> Vec<u8> {
        let name = b"hand.npy";
        // The version, deflate, no date, no checksum, the sizes, the length of the name, nothing else.
        let mut about = [20_u16, 0, 8, 0, 0].map(u16::to_le_bytes).concat();
        about.extend([0, 10, unpacked].map(u32::to_le_bytes).concat());
        about.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
        let local = [&b"PK\x03\x04"[..], &about, name, &[0; 10]].concat();
        let directory = [&b"PK\x01\x02\x14\x00"[..], &about, &[0; 14], name].concat();
        let sizes = [directory.len() as u32, local.len() as u32].map(u32::to_le_bytes).concat();
        [&local[..], &directory, b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &sizes, &[0; 2]].concat()
    }

    #[test]
    fn arrays_that_are_far_larger_than_their_file_are_refused_before_one_is_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npz");
        let open = |unpacked| {
            std::fs::write(&path, archive(unpacked)).unwrap();
            Arrays::open(&path)
        };
        assert_eq!(open(1000).unwrap().names().collect::<Vec<_>>(), ["hand"]);
        let problem = open(3 << 30).unwrap_err();
        assert!(problem.contains("has arrays of 3.2 GB, expected at most 67.1 MB in a file of"), "{problem}");
        assert!(open(1000).unwrap().array("hand").is_err(), "the bytes are no array");
    }
}
