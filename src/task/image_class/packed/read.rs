//! The bytes of a packed file, unpacked if it is compressed, with the digest of the file as it is.

use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::{MOST_BYTES, Unusable};
use crate::data::manifest::Manifest;
use crate::data::prepare::work::read_at_most;
use crate::util::sha256::Digest;
use crate::util::stop::Stop;
use crate::util::units;

/// Where packed files are read from.
pub(super) struct Source<'a> {
    pub(super) root: &'a Path,
    /// Where an archive may be unpacked.
    pub(super) place: &'a Path,
    pub(super) hashes: Option<&'a Manifest>,
    pub(super) stop: &'a Stop,
    /// Every file that was read.
    pub(super) digests: Vec<(String, Digest)>,
}

impl Source<'_> {
    /// The content of a file.
    pub(super) fn bytes(&mut self, file: &str) -> Result<Vec<u8>, Unusable> {
        let stopped = |_| Unusable::new(file, "a signal came");
        self.stop.check().map_err(stopped)?;
        let failed = |error: std::io::Error| Unusable::new(file, format!("can't be read: {error}"));
        let bytes = read_at_most(&self.root.join(file), MOST_BYTES).map_err(failed)?;
        self.remember(file, Digest::of(&bytes))?;
        if bytes.starts_with(&[0x1F, 0x8B]) { unpacked(file, &bytes) } else { Ok(bytes) }
    }

    /// Remembers the content of a file, unless it is not that which was fetched.
    pub(super) fn remember(&mut self, file: &str, sha256: Digest) -> Result<(), Unusable> {
        let expected = self.hashes.and_then(|hashes| Some(hashes.get(file)?.sha256));
        if let Some(expected) = expected.filter(|expected| *expected != sha256) {
            let reason = format!("is damaged on this disk: its SHA-256 is {sha256}, it was {expected} when fetched");
            return Err(Unusable::new(file, reason));
        }
        self.digests.push((file.to_owned(), sha256));
        Ok(())
    }
}

fn unpacked(file: &str, bytes: &[u8]) -> Result<Vec<u8>, Unusable> {
    let mut content = Vec::new();
    let read = MultiGzDecoder::new(bytes).take(MOST_BYTES + 1).read_to_end(&mut content);
    read.map_err(|error| Unusable::new(file, format!("can't be unpacked: {error}")))?;
    if content.len() as u64 > MOST_BYTES {
        return Err(Unusable::new(file, format!("has more than {} once it is unpacked", units::bytes(MOST_BYTES))));
    }
    Ok(content)
}
