//! What kind of file it is, by its first bytes; and for HDF5, how long the file must be.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::error::VolumeError;
use super::foreign::Foreign;

const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";

/// What a file's first bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    /// netCDF classic.
    Classic,
    /// HDF5, and the length that its superblock states; 0 if that can't be known.
    Hdf5 {
        /// The stated length.
        needs: u64,
    },
    /// A format of radar data that is not read.
    Foreign(Foreign),
    /// Something else, described for a message.
    Other(String),
}

/// Looks at the first bytes of a file.
///
/// # Errors
/// If they can't be read.
pub(super) fn recognise(file: &File, path: &Path, file_len: u64) -> Result<Signature, VolumeError> {
    let first = read_some(file, path, file_len, 0)?;
    if let [b'C', b'D', b'F', 1 | 2 | 5, ..] = first[..] {
        return Ok(Signature::Classic);
    }
    if first.starts_with(HDF5) {
        return Ok(Signature::Hdf5 { needs: stated_length(&first) });
    }
    // HDF5 allows a block of the user's in front, of 512 bytes or a power of two above.
    let mut offset = 512;
    while offset < file_len {
        if read_some(file, path, file_len, offset)?.starts_with(HDF5) {
            return Ok(Signature::Hdf5 { needs: 0 });
        }
        offset *= 2;
    }
    Ok(Foreign::by_first_bytes(&first).map_or_else(|| Signature::Other(describe(&first)), Signature::Foreign))
}

fn read_some(file: &File, path: &Path, file_len: u64, offset: u64) -> Result<Vec<u8>, VolumeError> {
    let mut bytes = vec![0; file_len.saturating_sub(offset).min(64) as usize];
    file.read_exact_at(&mut bytes, offset).map_err(VolumeError::io(path))?;
    Ok(bytes)
}

/// The end-of-file address in a superblock that begins the file.
fn stated_length(superblock: &[u8]) -> u64 {
    let byte = |at: usize| superblock.get(at).copied().unwrap_or_default();
    let (offset_size, base_at) = match byte(8) {
        0 => (byte(13), 24),
        1 => (byte(13), 28),
        _ => (byte(9), 12),
    };
    let number = |at: usize| {
        let bytes = superblock.get(at..at + usize::from(offset_size)).unwrap_or_default();
        bytes.iter().rev().fold(0_u64, |number, &byte| number << 8 | u64::from(byte))
    };
    let well_formed = matches!(offset_size, 2 | 4 | 8) && number(base_at) == 0;
    if well_formed { number(base_at + 2 * usize::from(offset_size)) } else { 0 }
}

fn describe(first: &[u8]) -> String {
    let text = String::from_utf8_lossy(first);
    let text = text.trim_start();
    match first {
        [] => "an empty file".into(),
        [0x1F, 0x8B, ..] => "gzip-compressed".into(),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => "zstd-compressed".into(),
        [b'B', b'Z', b'h', ..] => "bzip2-compressed".into(),
        [b'P', b'K', 3, 4, ..] => "a zip archive".into(),
        [0x89, b'P', b'N', b'G', ..] => "a PNG picture".into(),
        [0xFF, 0xD8, 0xFF, ..] => "a JPEG picture".into(),
        [b'G', b'I', b'F', b'8', ..] => "a GIF picture".into(),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => "a TIFF picture".into(),
        [b'%', b'P', b'D', b'F', ..] => "a PDF document".into(),
        [0x0E, 0x03, 0x13, 0x01, ..] => "an HDF4 file".into(),
        [b'C', b'D', b'F', version, ..] => format!("netCDF classic of an unknown version {version}"),
        _ if first.iter().all(|&byte| byte == 0) => "filled with zero bytes".into(),
        _ if text.starts_with("<!") || text.to_ascii_lowercase().starts_with("<html") => "a web page".into(),
        _ if text.starts_with('<') => "XML".into(),
        _ if first.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) => "text".into(),
        _ => {
            let bytes: Vec<String> = first.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            format!("unknown data that begins with {}", bytes.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_kinds_of_files_are_named() {
        for (first, name) in [
            (&b""[..], "empty"),
            (b"\x1f\x8b\x08\x00", "gzip"),
            (b"\x28\xb5\x2f\xfd\x00", "zstd"),
            (b"<!DOCTYPE html>", "web page"),
            (b"Quota exceeded", "text"),
            (b"CDF\x03", "unknown version 3"),
            (b"\0\0\0\0\0\0\0\0\0", "zero"),
            (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
            (b"\xff\xd8\xff\xe0", "a JPEG picture"),
            (b"%PDF-1.7", "a PDF document"),
            (b"\x01\x02\xff\x00", "01 02 ff 00"),
        ] {
            assert!(describe(first).contains(name), "{}", describe(first));
        }
    }
}
