//! Checks the global heaps of an HDF5 file before the library sees them: the only metadata of netCDF-4 without a checksum
//! that can make HDF5 1.14 loop for ever (an object of zero bytes, `H5HG__cache_heap_deserialize`).
//!
//! Heaps hold text and the lists of dimensions. They are found by their signature, in the part of the file where writers
//! put them: all of a usual radar volume, the beginning of a very large file.
//!
//! <https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html> (III.E, global heap)

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use memchr::memmem;

use super::error::VolumeError;

/// The signature with the version and three reserved bytes.
const SIGNATURE: &[u8; 8] = b"GCOL\x01\0\0\0";
/// The header of a heap, and that of an object in it.
const HEADER: usize = 16;
/// How much of a file is searched.
const SEARCHED: u64 = 16 << 20;
/// What is searched at once: it stays in the processor's second cache.
const PIECE: usize = 128 << 10;
/// The largest heap that is looked into; writers make them of 4 KiB.
const LARGEST: u64 = 1 << 24;

/// Walks through every global heap.
///
/// # Errors
/// If the objects of one do not add up to its size.
pub(super) fn check(file: &File, path: &Path, file_len: u64) -> Result<(), VolumeError> {
    let signature = memmem::Finder::new(SIGNATURE);
    let end = file_len.min(SEARCHED);
    let mut bytes = Vec::new();
    let mut at = 0;
    while at < end {
        // Pieces overlap by a signature.
        bytes.resize((end - at).min((PIECE + SIGNATURE.len()) as u64) as usize, 0);
        file.read_exact_at(&mut bytes, at).map_err(VolumeError::io(path))?;
        for offset in signature.find_iter(&bytes) {
            check_heap(file, path, file_len, at + offset as u64)?;
        }
        at += PIECE as u64;
    }
    Ok(())
}

fn check_heap(file: &File, path: &Path, file_len: u64, address: u64) -> Result<(), VolumeError> {
    let damaged =
        || VolumeError::damaged(path, format!("the sizes in the global heap at byte {address} do not add up"));
    let mut header = [0; HEADER];
    if address + HEADER as u64 > file_len {
        return Err(damaged());
    }
    file.read_exact_at(&mut header, address).map_err(VolumeError::io(path))?;
    let size = length(&header);
    if size < HEADER as u64 || size > LARGEST || address + size > file_len {
        return Err(damaged());
    }
    let mut heap = vec![0; size as usize];
    file.read_exact_at(&mut heap, address).map_err(VolumeError::io(path))?;
    if adds_up(&heap[HEADER..]) { Ok(()) } else { Err(damaged()) }
}

/// The length in the second half of a header.
fn length(header: &[u8]) -> u64 {
    header.iter().skip(8).take(8).rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Whether objects follow one another up to the end. Object 0 is the free space, and counts its own header.
fn adds_up(mut objects: &[u8]) -> bool {
    while objects.len() >= HEADER {
        let size = length(objects);
        let number = u16::from_le_bytes([objects[0], objects[1]]);
        let Some(taken) =
            (if number == 0 { Some(size) } else { size.checked_next_multiple_of(8).and_then(|s| s.checked_add(16)) })
        else {
            return false;
        };
        if taken < HEADER as u64 || taken > objects.len() as u64 {
            return false;
        }
        objects = &objects[taken as usize..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(number: u16, size: u64, data: usize) -> Vec<u8> {
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.extend([1, 0, 0, 0, 0, 0]);
        bytes.extend(size.to_le_bytes());
        bytes.resize(HEADER + data, 0);
        bytes
    }

    #[test]
    fn a_heap_is_found_wherever_it_begins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for address in [0, 5, PIECE - 3, PIECE, PIECE + 1] {
            for (size, is_whole) in [(24, true), (0, false)] {
                let mut bytes = vec![b'G'; address];
                bytes.extend(SIGNATURE);
                bytes.extend(40_u64.to_le_bytes());
                bytes.extend(object(0, size, 8));
                std::fs::write(&path, &bytes).unwrap();
                let checked = check(&File::open(&path).unwrap(), &path, bytes.len() as u64);
                assert_eq!(checked.is_ok(), is_whole, "at {address}: {checked:?}");
            }
        }
    }

    #[test]
    fn objects_must_add_up() {
        assert!(adds_up(&[object(1, 5, 8), object(0, 24, 8)].concat()));
        assert!(adds_up(&[object(1, 5, 8), vec![0; 7]].concat()));
        assert!(!adds_up(&[object(1, 5, 8), object(0, 0, 8)].concat()));
        assert!(!adds_up(&object(1, 9, 8)));
        assert!(!adds_up(&object(1, u64::MAX, 8)));
    }
}
