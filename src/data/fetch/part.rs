//! The partial file and its state on disk. The one rule: the state never claims a byte that has not been synced.
//!
//! It knows no servers; `transfer` says what to write, and where.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::util::fs::{self, FsError};
use crate::util::sha256::{Digest, Hasher};
use crate::util::stop::Stop;

use super::context::Limits;
use super::error::FetchError;
use super::state::{Piece, State};

/// A partial file that is open for writing.
pub struct Part {
    /// What is known about it. Pieces that are still growing are not in it.
    pub state: State,
    path: PathBuf,
    state_path: PathBuf,
    file: File,
    growing: Vec<Growing>,
    limits: Limits,
    unsaved: u64,
    saved: Instant,
}

/// A piece that a connection appends to.
struct Growing {
    start: u64,
    end: u64,
    hasher: Hasher,
}

impl Growing {
    fn piece(&self) -> Piece {
        Piece { start: self.start, length: self.end - self.start, sha256: self.hasher.clone().finish() }
    }
}

impl Part {
    /// Opens the partial file `<folder>/.<key>.part`, or an empty new one. Pieces whose bytes do not match the state
    /// are dropped and fetched again.
    ///
    /// # Errors
    /// If the folder can't be read or written, or on a signal.
    pub fn open(folder: &Path, key: &str, source: Digest, limits: &Limits, stop: &Stop) -> Result<Self, FetchError> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!(".{key}.part"));
        let state_path = folder.join(format!(".{key}.json"));
        let state = match std::fs::read(&state_path) {
            Ok(text) => State::parse(&text).unwrap_or_else(|| {
                tracing::warn!("{} is damaged: the download starts over", state_path.display());
                State::empty(source)
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::empty(source),
            Err(error) => return Err(FsError::at("read", &state_path)(error).into()),
        };
        let is_new = !path.exists();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(FsError::at("open", &path))?;
        if is_new {
            fs::sync_parent(&path)?;
        }
        let mut part = Self {
            state,
            path,
            state_path,
            file,
            growing: Vec::new(),
            limits: limits.clone(),
            unsaved: 0,
            saved: Instant::now(),
        };
        if part.state.source != source {
            // The same digest from another address: the bytes are useful, the first server's details are not.
            part.state.source = source;
            part.state.validator = None;
            part.state.ranges_distrusted = false;
        }
        part.drop_damaged(stop)?;
        Ok(part)
    }

    /// The file with the bytes.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that are there, synced or not.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.state.held() + self.growing.iter().map(|piece| piece.end - piece.start).sum::<u64>()
    }

    /// Whether nothing is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state.total.is_some_and(|total| self.held() == total)
    }

    /// Bytes of the file that the disk has already reserved, whether they hold data or not.
    ///
    /// # Errors
    /// If the file's metadata can't be read.
    pub fn allocated(&self) -> Result<u64, FsError> {
        let metadata = self.file.metadata().map_err(FsError::at("read the size of", &self.path))?;
        Ok(metadata.blocks().saturating_mul(512))
    }

    /// Reserves space for the whole file, so that the disk can't run full half-way and the file is contiguous.
    ///
    /// # Errors
    /// If the disk is full, or the file would be too long.
    pub fn reserve(&self, total: u64) -> Result<(), FsError> {
        use rustix::io::Errno;
        if total == 0 {
            return Ok(());
        }
        match rustix::fs::fallocate(&self.file, rustix::fs::FallocateFlags::empty(), 0, total) {
            // Not every file system can; then the file just grows.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
            Err(error) => Err(FsError::at("reserve space for", &self.path)(error.into())),
        }
    }

    /// Writes missing bytes, and saves the state now and then.
    ///
    /// # Errors
    /// If the disk fails; what was saved before is kept.
    pub fn write(&mut self, start: u64, bytes: &[u8]) -> Result<(), FsError> {
        self.file.write_all_at(bytes, start).map_err(FsError::at("write", &self.path))?;
        self.grow(start, bytes);
        self.unsaved += bytes.len() as u64;
        if self.unsaved >= self.limits.save_bytes || self.saved.elapsed() >= self.limits.save_every {
            self.save()?;
        }
        Ok(())
    }

    /// Adds written bytes to the piece that ends at their beginning; a piece of full length is done.
    fn grow(&mut self, mut start: u64, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let index = self.growing.iter().position(|piece| piece.end == start).unwrap_or_else(|| {
                self.growing.push(Growing { start, end: start, hasher: Hasher::default() });
                self.growing.len() - 1
            });
            let piece = &mut self.growing[index];
            let room = self.limits.piece_bytes.saturating_sub(piece.end - piece.start).max(1);
            let (own, rest) = bytes.split_at(bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
            piece.hasher.update(own);
            piece.end += own.len() as u64;
            (start, bytes) = (piece.end, rest);
            if piece.end - piece.start >= self.limits.piece_bytes {
                let done = self.growing.swap_remove(index).piece();
                insert(&mut self.state.pieces, done);
            }
        }
    }

    /// Syncs the data, and only then writes the state that claims it.
    ///
    /// # Errors
    /// If the disk fails; then the state is unchanged.
    pub fn save(&mut self) -> Result<(), FsError> {
        self.file.sync_data().map_err(FsError::at("sync", &self.path))?;
        let mut state = self.state.clone();
        self.growing.iter().for_each(|piece| insert(&mut state.pieces, piece.piece()));
        self.write_state(&state)?;
        self.unsaved = 0;
        self.saved = Instant::now();
        Ok(())
    }

    /// Saves, if anything is unsaved.
    ///
    /// # Errors
    /// As `save`.
    pub fn save_rest(&mut self) -> Result<(), FsError> {
        if self.unsaved > 0 { self.save() } else { Ok(()) }
    }

    /// Ends all growing pieces and saves: the connections are closed.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn settle(&mut self) -> Result<(), FsError> {
        for piece in std::mem::take(&mut self.growing) {
            insert(&mut self.state.pieces, piece.piece());
        }
        self.save()
    }

    /// Forgets all bytes: the server has another file now, or it can't be continued. What is known about the server and
    /// the number of fetches is kept.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn start_over(&mut self) -> Result<(), FsError> {
        // First the claim is removed, then the bytes.
        self.forget()?;
        self.file.set_len(0).map_err(FsError::at("truncate", &self.path))
    }

    /// Forgets all bytes but leaves them in the file.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn forget(&mut self) -> Result<(), FsError> {
        self.growing.clear();
        self.unsaved = 0;
        self.state = State {
            ranges_distrusted: self.state.ranges_distrusted,
            refetched: self.state.refetched,
            ..State::empty(self.state.source)
        };
        self.write_state(&self.state)
    }

    /// Cuts everything after the file's last byte and syncs it.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn trim(&self, total: u64) -> Result<(), FsError> {
        self.file.set_len(total).map_err(FsError::at("set the size of", &self.path))?;
        self.file.sync_all().map_err(FsError::at("sync", &self.path))
    }

    /// Removes the state after the partial file got its final name.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn remove_state(&self) -> Result<(), FsError> {
        std::fs::remove_file(&self.state_path).map_err(FsError::at("remove", &self.state_path))?;
        fs::sync_parent(&self.state_path)
    }

    fn write_state(&self, state: &State) -> Result<(), FsError> {
        let invalid = |error| FsError::at("write", &self.state_path)(io::Error::other(error));
        let text = serde_json::to_vec(state).map_err(invalid)?;
        fs::write_atomic(&self.state_path, &text)
    }

    fn drop_damaged(&mut self, stop: &Stop) -> Result<(), FetchError> {
        let mut kept = Vec::with_capacity(self.state.pieces.len());
        for piece in std::mem::take(&mut self.state.pieces) {
            stop.check()?;
            match digest_at(&self.file, piece) {
                Ok(digest) if digest == piece.sha256 => kept.push(piece),
                Ok(_) => tracing::warn!(
                    "bytes {} to {} of {} changed on the disk: fetching them again",
                    piece.start,
                    piece.end() - 1,
                    self.path.display()
                ),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    tracing::warn!("{} has no bytes from {} on: fetching them again", self.path.display(), piece.start);
                }
                Err(error) => return Err(FsError::at("read", &self.path)(error).into()),
            }
        }
        self.state.pieces = kept;
        Ok(())
    }
}

fn insert(pieces: &mut Vec<Piece>, piece: Piece) {
    let index = pieces.partition_point(|other| other.start < piece.start);
    pieces.insert(index, piece);
}

fn digest_at(file: &File, piece: Piece) -> io::Result<Digest> {
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 256 * 1024];
    let mut start = piece.start;
    while start < piece.end() {
        let length = (piece.end() - start).min(buffer.len() as u64) as usize;
        file.read_exact_at(&mut buffer[..length], start)?;
        hasher.update(&buffer[..length]);
        start += length as u64;
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::state::Gap;
    use super::*;

    fn open(folder: &Path) -> Part {
        let limits = Limits {
            piece_bytes: 1000,
            save_bytes: u64::MAX,
            save_every: Duration::from_secs(3600),
            ..Limits::default()
        };
        Part::open(folder, "key", Digest::of(b"source"), &limits, &Stop::default()).unwrap()
    }

    #[test]
    fn only_saved_bytes_are_claimed_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = open(folder.path());
        part.write(0, &[1; 2500]).unwrap();
        part.save().unwrap();
        part.write(2500, &[2; 2500]).unwrap();
        assert_eq!(part.held(), 5000);
        drop(part);
        let part = open(folder.path());
        let lengths: Vec<u64> = part.state.pieces.iter().map(|piece| piece.length).collect();
        assert_eq!(lengths, [1000, 1000, 500]);
    }

    #[test]
    fn several_connections_grow_pieces_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = open(folder.path());
        for step in 0..30_u64 {
            part.write(step * 100, &[step as u8; 100]).unwrap();
            part.write(5000 + step * 100, &[!step as u8; 100]).unwrap();
        }
        part.settle().unwrap();
        part.state.total = Some(8000);
        assert_eq!(part.state.gaps(), [Gap { start: 3000, end: Some(5000) }]);
        assert_eq!(part.state.pieces.len(), 6);
        drop(part);
        assert_eq!(open(folder.path()).held(), 6000);
    }

    #[test]
    fn damaged_and_lost_bytes_are_missing_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = open(folder.path());
        part.write(0, &[7; 4000]).unwrap();
        part.settle().unwrap();
        part.file.write_all_at(&[8], 1500).unwrap();
        part.file.set_len(3999).unwrap();
        drop(part);
        let part = open(folder.path());
        assert_eq!(part.state.gaps(), [Gap { start: 1000, end: Some(2000) }, Gap { start: 3000, end: None }]);
    }

    #[test]
    fn a_start_from_nothing_claims_nothing_and_takes_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = open(folder.path());
        part.write(0, &[7; 4000]).unwrap();
        part.settle().unwrap();
        part.start_over().unwrap();
        assert_eq!((part.held(), std::fs::metadata(part.path()).unwrap().len()), (0, 0));
        drop(part);
        assert_eq!(open(folder.path()).held(), 0);
    }

    #[test]
    fn the_same_bytes_from_another_address_keep_no_validator() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = open(folder.path());
        part.write(0, &[7; 4000]).unwrap();
        part.state.validator = Some(super::super::range::Validator::Etag("\"a\"".into()));
        part.settle().unwrap();
        drop(part);
        let limits = Limits::default();
        let part = Part::open(folder.path(), "key", Digest::of(b"mirror"), &limits, &Stop::default()).unwrap();
        assert_eq!((part.held(), part.state.validator.clone()), (4000, None));
    }
}
