//! What a file is, by its first bytes. Names are not trusted: a download may be called anything.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::error::{Refusal, UnpackError};
use super::tar;
use crate::data::html;
use crate::util::fs::FsError;

/// This many bytes decide: a tar header.
pub const HEAD_BYTES: usize = tar::BLOCK;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tar archive, not compressed.
    Tar,
    /// gzip: a tar archive or a single file in it.
    Gzip,
    /// Zstandard: a tar archive or a single file in it.
    Zstd,
    /// A zip archive.
    Zip,
}

impl Kind {
    /// The kind of something that begins with `head` (its first [`HEAD_BYTES`], or all of it if it is shorter).
    pub(super) fn of_head(head: &[u8]) -> Result<Self, Refusal> {
        let known = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|&(_, kind)| kind);
        if let Some(kind) = known.or_else(|| is_skippable_zstd(head).then_some(Self::Zstd)) {
            return Ok(kind);
        }
        if tar::looks_like_tar(head) {
            return Ok(Self::Tar);
        }
        if head.is_empty() {
            return Err(Refusal::WrongKind { found: "an empty file", remedy: "fetch it again" });
        }
        if let Some((_, found, remedy)) = REFUSED.iter().find(|(magic, ..)| head.starts_with(magic)) {
            return Err(Refusal::WrongKind { found, remedy });
        }
        if html::is_page(head) {
            return Err(Refusal::WrongKind {
                found: "a web page",
                remedy: "the server sent a page (sign-in, quota or warning) in place of the file; check the address",
            });
        }
        let first: Vec<String> = head.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Err(Refusal::UnknownKind { first: first.join(" ") })
    }
}

const MAGIC: [(&[u8], Kind); 4] = [
    (b"\x1f\x8b", Kind::Gzip),
    (b"\x28\xb5\x2f\xfd", Kind::Zstd),
    (b"PK\x03\x04", Kind::Zip),
    // An empty zip archive is its end record alone.
    (b"PK\x05\x06", Kind::Zip),
];

const REPACK: &str = "unpack it and pack it again as tar.gz, tar.zst or zip";

const REFUSED: [(&[u8], &str, &str); 9] = [
    (b"\xfd7zXZ\x00", "an xz archive", REPACK),
    (b"BZh", "a bzip2 archive", REPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", REPACK),
    (b"Rar!\x1a\x07", "a rar archive", REPACK),
    (b"LZIP", "an lzip archive", REPACK),
    (b"\x04\x22\x4d\x18", "an lz4 archive", REPACK),
    (b"\x1f\x9d", "a compress (.Z) archive", REPACK),
    (b"PK\x07\x08", "one part of a split zip archive", "join the parts, then pack them again"),
    (b"version https://git-lfs", "a Git LFS pointer", "fetch the file that it points to"),
];

/// zstd files may begin with a frame that carries no data.
fn is_skippable_zstd(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// What a file is.
///
/// # Errors
/// If it can't be read, or can't be unpacked.
pub fn recognise(path: &Path) -> Result<Kind, UnpackError> {
    Kind::of_head(&head(path)?).map_err(|refusal| UnpackError::from(refusal).of(path))
}

/// The first bytes of a file, by which it is recognised.
///
/// # Errors
/// If it can't be read, or is not a plain file.
pub fn head(path: &Path) -> Result<Vec<u8>, UnpackError> {
    let is_file = path.metadata().map_err(FsError::at("read", path))?.is_file();
    if !is_file {
        let refusal = Refusal::WrongKind { found: "not a plain file", remedy: "give the path of an archive" };
        return Err(UnpackError::from(refusal).of(path));
    }
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let file = File::open(path).map_err(FsError::at("open", path))?;
    file.take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(FsError::at("read", path))?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_read_is_refused_by_its_name() {
        let table: [(&[u8], &str); 8] = [
            (b"\xfd7zXZ\x00\x00", "an xz archive"),
            (b"BZh91AY", "a bzip2 archive"),
            (b"7z\xbc\xaf\x27\x1c\0", "a 7z archive"),
            (b"Rar!\x1a\x07\x01\0", "a rar archive"),
            (b"\n <!DOCTYPE HTML><title>Quota", "a web page"),
            (b"\xef\xbb\xbf<html>", "a web page"),
            (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
            (b"", "an empty file"),
        ];
        for (head, name) in table {
            assert!(matches!(Kind::of_head(head), Err(Refusal::WrongKind { found, .. }) if found == name), "{name}");
        }
        assert_eq!(Kind::of_head(b"\x01\x02"), Err(Refusal::UnknownKind { first: "01 02".into() }));
    }

    #[test]
    fn other_files_are_recognised_by_their_first_bytes() {
        assert!(matches!(Kind::of_head(b"CDF\x01\0\0"), Err(Refusal::UnknownKind { .. })));
        assert_eq!(Kind::of_head(b"\x5f\x2a\x4d\x18"), Ok(Kind::Zstd));
    }
}
