//! Three threads and a ring of buffers: one decodes, the caller's reads and writes, one hashes what was written. It
//! uses only the memory of the ring, for any archive.

use std::mem;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::error::UnpackError;
use crate::util::sha256::{Digest, Hasher};
use crate::util::stop::Stop;

/// Large enough that passing it on costs nothing, small enough that it stays in the processor's cache.
const BLOCK_BYTES: usize = 256 * 1024;
const BLOCKS: usize = 12;

/// Gives the content of an archive, decoded, from its beginning to its end.
pub trait Source: Send {
    /// Fills the front of `out` and returns how much; 0 only at the end, once everything that can be verified was
    /// verified.
    fn read(&mut self, out: &mut [u8]) -> Result<usize, UnpackError>;
}

/// A buffer on its way round the ring.
struct Block {
    bytes: Vec<u8>,
    filled: usize,
}

/// A block that has been written, and which parts of it belong to files.
struct Spent {
    block: Option<Block>,
    marks: Vec<Mark>,
}

struct Mark {
    range: Range<usize>,
    ends_file: bool,
}

/// Runs `consume` over the content of `source`; returns its result and the digest of every file, in order.
///
/// # Errors
/// The first error of the source or of `consume`; [`UnpackError::Stopped`] soon after a signal.
pub fn run<T>(
    source: &mut dyn Source,
    stop: &Stop,
    consume: impl FnOnce(&mut Content) -> Result<T, UnpackError>,
) -> Result<(T, Vec<Digest>), UnpackError> {
    let (give_empty, take_empty) = sync_channel(BLOCKS);
    let (give_full, take_full) = sync_channel(BLOCKS);
    let (give_spent, take_spent) = sync_channel(BLOCKS);
    for _ in 0..BLOCKS {
        // The receiver exists, so this can't fail; a ring with fewer blocks would work as well.
        if give_empty.try_send(Block { bytes: vec![0; BLOCK_BYTES], filled: 0 }).is_err() {
            break;
        }
    }
    thread::scope(|scope| {
        scope.spawn(move || decode(source, stop, &take_empty, &give_full));
        let hashing = scope.spawn(move || hash(&take_spent, &give_empty));
        let mut content = Content { incoming: take_full, outgoing: give_spent, block: None, at: 0, marks: Vec::new() };
        let result = consume(&mut content);
        // Ends the other two threads, also after an error: their channels close.
        content.hand_on();
        drop(content);
        let digests = hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((result?, digests))
    })
}

fn decode(
    source: &mut dyn Source,
    stop: &Stop,
    empty: &Receiver<Block>,
    full: &SyncSender<Result<Block, UnpackError>>,
) {
    while let Ok(mut block) = empty.recv() {
        let message = match stop.check().map_err(UnpackError::from).and_then(|()| fill(source, &mut block)) {
            Ok(()) if block.filled == 0 => return,
            Ok(()) => Ok(block),
            Err(error) => Err(error),
        };
        let is_last = message.is_err();
        if full.send(message).is_err() || is_last {
            return;
        }
    }
}

fn fill(source: &mut dyn Source, block: &mut Block) -> Result<(), UnpackError> {
    block.filled = 0;
    while block.filled < block.bytes.len() {
        match source.read(&mut block.bytes[block.filled..])? {
            0 => break,
            count => block.filled += count,
        }
    }
    Ok(())
}

fn hash(spent: &Receiver<Spent>, empty: &SyncSender<Block>) -> Vec<Digest> {
    let mut digests = Vec::new();
    let mut hasher = Hasher::default();
    for Spent { block, marks } in spent {
        let bytes = block.as_ref().map_or(&[][..], |block| &block.bytes);
        for mark in marks {
            hasher.update(&bytes[mark.range]);
            if mark.ends_file {
                digests.push(mem::take(&mut hasher).finish());
            }
        }
        if let Some(block) = block {
            // Fails once the decoder has ended, which needs no more blocks.
            empty.send(block).ok();
        }
    }
    digests
}

/// The content of an archive for the reader.
pub struct Content {
    incoming: Receiver<Result<Block, UnpackError>>,
    outgoing: SyncSender<Spent>,
    block: Option<Block>,
    at: usize,
    marks: Vec<Mark>,
}

impl Content {
    /// What is there now: empty only at the end.
    pub fn available(&mut self) -> Result<&[u8], UnpackError> {
        if self.remaining() == 0 {
            self.hand_on();
            self.block = self.incoming.recv().ok().transpose()?;
            self.at = 0;
        }
        Ok(self.block.as_ref().map_or(&[], |block| &block.bytes[self.at..block.filled]))
    }

    /// Skips bytes that were looked at.
    pub fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// Fills `out`, or less of it if the content ends; returns how much.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, UnpackError> {
        let mut filled = 0;
        while filled < out.len() {
            let there = self.available()?;
            if there.is_empty() {
                break;
            }
            let count = there.len().min(out.len() - filled);
            out[filled..filled + count].copy_from_slice(&there[..count]);
            filled += count;
            self.skip(count);
        }
        Ok(filled)
    }

    /// Passes the content of one file to `write`, piece by piece, `bytes` of it or everything; it is hashed meanwhile.
    /// Returns how much there was.
    pub fn file(
        &mut self,
        bytes: Option<u64>,
        mut write: impl FnMut(&[u8]) -> Result<(), UnpackError>,
    ) -> Result<u64, UnpackError> {
        let mut left = bytes.unwrap_or(u64::MAX);
        let mut total = 0;
        while left > 0 {
            let there = self.available()?;
            if there.is_empty() {
                break;
            }
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(there.len());
            write(&there[..count])?;
            self.marks.push(Mark { range: self.at..self.at + count, ends_file: false });
            self.skip(count);
            left -= count as u64;
            total += count as u64;
        }
        self.marks.push(Mark { range: 0..0, ends_file: true });
        Ok(total)
    }

    /// Skips this many bytes, or everything, without keeping them. Returns how many there were.
    pub fn pass(&mut self, bytes: u64) -> Result<u64, UnpackError> {
        let mut passed = 0;
        while passed < bytes {
            let there = self.available()?.len();
            if there == 0 {
                break;
            }
            let count = usize::try_from(bytes - passed).unwrap_or(usize::MAX).min(there);
            self.skip(count);
            passed += count as u64;
        }
        Ok(passed)
    }

    fn remaining(&self) -> usize {
        self.block.as_ref().map_or(0, |block| block.filled - self.at)
    }

    /// Passes the block on to be hashed. The receiver lives as long as this, so sending does not fail.
    fn hand_on(&mut self) {
        let spent = Spent { block: self.block.take(), marks: mem::take(&mut self.marks) };
        if self.outgoing.send(spent).is_err() {
            tracing::debug!("the hashing thread has ended before its input");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::stop::Stop;

    /// This many bytes, each one more than the one before it, in pieces of uneven length.
    struct Counting {
        at: usize,
        end: usize,
    }

    impl Source for Counting {
        fn read(&mut self, out: &mut [u8]) -> Result<usize, UnpackError> {
            let count = (self.end - self.at).min(out.len()).min(70_001);
            for (offset, byte) in out[..count].iter_mut().enumerate() {
                *byte = (self.at + offset) as u8;
            }
            self.at += count;
            Ok(count)
        }
    }

    #[test]
    fn files_are_hashed_whatever_block_borders_they_cross() {
        let bytes: Vec<u8> = (0..5_000_000_usize).map(|at| at as u8).collect();
        let sizes = [0, 1, 262_143, 262_145, 3_000_000, 0];
        let mut source = Counting { at: 0, end: bytes.len() };
        let (copy, digests) = run(&mut source, &Stop::default(), |content| {
            let mut copy = Vec::new();
            for size in sizes {
                content.file(Some(size), |piece| {
                    copy.extend_from_slice(piece);
                    Ok(())
                })?;
                content.read(&mut [0; 3])?;
            }
            content.file(None, |_| Ok(()))?;
            Ok(copy)
        })
        .unwrap();
        let mut at = 0;
        let mut expected = Vec::new();
        let mut files = Vec::new();
        for size in sizes.map(|size| size as usize) {
            files.extend_from_slice(&bytes[at..at + size]);
            expected.push(Digest::of(&bytes[at..at + size]));
            at += size + 3;
        }
        expected.push(Digest::of(&bytes[at..]));
        assert_eq!(copy, files);
        assert_eq!(digests, expected);
    }

    #[test]
    fn an_error_on_either_side_ends_all_threads() {
        let mut endless = Counting { at: 0, end: usize::MAX };
        let refused = super::super::error::Refusal::Empty;
        let result: Result<((), _), _> = run(&mut endless, &Stop::default(), |_| Err(refused.into()));
        assert!(result.is_err());
        let stop = Stop::default();
        let result = run(&mut endless, &stop, |content| {
            stop.request();
            content.file(None, |_| Ok(()))
        });
        assert!(matches!(result, Err(UnpackError::Stopped(_))));
    }
}
