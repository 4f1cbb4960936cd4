//! The filters of HDF5 chunks that are undone here, outside the HDF5 library and its global lock: zlib, byte shuffle and
//! the Fletcher-32 checksum. Any number of threads can run them at once.

use libdeflater::Decompressor;

/// A step that was applied to a chunk when it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// Compressed by zlib.
    Deflate,
    /// The first bytes of all numbers together, then the second ones, and so on.
    Shuffle,
    /// A checksum of four bytes at the end.
    Fletcher32,
}

/// zlib can't make data smaller than this many times.
const MAX_DEFLATE_RATIO: u64 = 1032;

/// Buffers that are used again for each chunk.
#[derive(Default)]
pub(super) struct Workspace {
    /// The bytes of the chunk: as stored to begin with, decoded at the end.
    pub bytes: Vec<u8>,
    other: Vec<u8>,
    inflater: Option<Decompressor>,
}

/// How the chunks of a variable were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pipeline {
    /// The filters in the order in which they were applied.
    pub filters: Vec<Filter>,
    /// The bytes of a number.
    pub number_size: usize,
    /// The bytes of a chunk before any filter.
    pub chunk_size: usize,
}

impl Pipeline {
    /// The filters of a chunk; those whose bit is set in its mask were not applied.
    fn applied(&self, mask: u32) -> impl Iterator<Item = Filter> + '_ {
        let bit = move |place: usize| 1_u32.checked_shl(place as u32).unwrap_or(0);
        self.filters.iter().enumerate().filter(move |(place, _)| mask & bit(*place) == 0).map(|(_, &filter)| filter)
    }

    /// Whether so few stored bytes can be a chunk: a damaged size must not make us reserve memory.
    pub fn is_plausible(&self, stored: u64, mask: u32) -> bool {
        let whole = self.chunk_size as u64;
        let checksums = 4 * self.applied(mask).filter(|&filter| filter == Filter::Fletcher32).count() as u64;
        if self.applied(mask).any(|filter| filter == Filter::Deflate) {
            stored.saturating_mul(MAX_DEFLATE_RATIO) >= whole
        } else {
            stored == whole + checksums
        }
    }

    /// Undoes the filters on `workspace.bytes`.
    ///
    /// # Errors
    /// A text that says which check failed.
    pub fn undo(&self, mask: u32, workspace: &mut Workspace) -> Result<(), String> {
        let applied: Vec<Filter> = self.applied(mask).collect();
        for (place, filter) in applied.iter().enumerate().rev() {
            match filter {
                Filter::Fletcher32 => strip_checksum(&mut workspace.bytes)?,
                Filter::Shuffle => {
                    unshuffle(&workspace.bytes, self.number_size, &mut workspace.other);
                    std::mem::swap(&mut workspace.bytes, &mut workspace.other);
                }
                Filter::Deflate => {
                    let checksums = applied[..place].iter().filter(|&&earlier| earlier == Filter::Fletcher32).count();
                    inflate(workspace, self.chunk_size + 4 * checksums)?;
                }
            }
        }
        match workspace.bytes.len() {
            len if len == self.chunk_size => Ok(()),
            len => Err(format!("a chunk has {len} bytes, expected {}", self.chunk_size)),
        }
    }
}

fn inflate(workspace: &mut Workspace, expected: usize) -> Result<(), String> {
    let inflater = workspace.inflater.get_or_insert_with(Decompressor::new);
    workspace.other.resize(expected, 0);
    match inflater.zlib_decompress(&workspace.bytes, &mut workspace.other) {
        Ok(len) if len == expected => {
            std::mem::swap(&mut workspace.bytes, &mut workspace.other);
            Ok(())
        }
        Ok(len) => Err(format!("zlib gave {len} bytes of a chunk, expected {expected}")),
        Err(error) => Err(format!("zlib could not inflate a chunk ({error})")),
    }
}

/// Brings the bytes of each number together again. Bytes past the last whole number were not moved.
fn unshuffle(shuffled: &[u8], number_size: usize, into: &mut Vec<u8>) {
    into.resize(shuffled.len(), 0);
    match number_size {
        2 => unshuffle_words::<2>(shuffled, into),
        4 => unshuffle_words::<4>(shuffled, into),
        8 => unshuffle_words::<8>(shuffled, into),
        _ => into.copy_from_slice(shuffled),
    }
}

fn unshuffle_words<const SIZE: usize>(shuffled: &[u8], into: &mut [u8]) {
    let count = shuffled.len() / SIZE;
    let planes: [&[u8]; SIZE] = std::array::from_fn(|plane| &shuffled[plane * count..(plane + 1) * count]);
    let (words, rest) = into.as_chunks_mut::<SIZE>();
    for (index, word) in words.iter_mut().enumerate() {
        *word = std::array::from_fn(|plane| planes[plane][index]);
    }
    rest.copy_from_slice(&shuffled[count * SIZE..]);
}

/// Verifies and removes the checksum at the end. HDF5 stores it with the lowest byte first; releases up to 1.6.2 swapped
/// the bytes of each half on such machines, and both are accepted, as HDF5 itself does.
fn strip_checksum(bytes: &mut Vec<u8>) -> Result<(), String> {
    let Some((data, &stored)) = bytes.split_last_chunk::<4>() else {
        return Err(format!("a chunk of {} bytes has no room for its checksum", bytes.len()));
    };
    let [a, b, c, d] = stored;
    let computed = fletcher32(data);
    let accepted = [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([b, a, d, c])];
    if !accepted.contains(&computed) {
        return Err(format!("the Fletcher-32 checksum of a chunk is {computed:08x}, stored is {:08x}", accepted[0]));
    }
    bytes.truncate(bytes.len() - 4);
    Ok(())
}

/// Fletcher's checksum over words of two bytes, the high byte first, as `H5_checksum_fletcher32` computes it.
fn fletcher32(data: &[u8]) -> u32 {
    let (mut low, mut high) = (0_u32, 0_u32);
    // 360 words are the most that can be added before the sums overflow.
    for block in data.chunks(720) {
        let (words, odd) = block.as_chunks::<2>();
        for word in words {
            low += u32::from(u16::from_be_bytes(*word));
            high += low;
        }
        if let [byte] = odd {
            low += u32::from(*byte) << 8;
            high += low;
        }
        low = (low & 0xFFFF) + (low >> 16);
        high = (high & 0xFFFF) + (high >> 16);
    }
    low = (low & 0xFFFF) + (low >> 16);
    high = (high & 0xFFFF) + (high >> 16);
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undo(
        filters: &[Filter],
        number_size: usize,
        chunk_size: usize,
        mask: u32,
        stored: &[u8],
    ) -> Result<Vec<u8>, String> {
        let pipeline = Pipeline { filters: filters.to_vec(), number_size, chunk_size };
        let mut workspace = Workspace { bytes: stored.to_vec(), ..Workspace::default() };
        pipeline.undo(mask, &mut workspace).map(|()| workspace.bytes)
    }

    #[test]
    fn shuffled_bytes_come_together() {
        let shuffled = [1, 2, 3, 11, 12, 13, 99];
        assert_eq!(undo(&[Filter::Shuffle], 2, 7, 0, &shuffled), Ok(vec![1, 11, 2, 12, 3, 13, 99]));
        assert_eq!(undo(&[Filter::Shuffle], 2, 7, 1, &shuffled), Ok(shuffled.to_vec()));
        assert_eq!(undo(&[Filter::Shuffle], 4, 8, 0, &[0, 1, 2, 3, 4, 5, 6, 7]), Ok(vec![0, 2, 4, 6, 1, 3, 5, 7]));
    }

    /// The known values of Fletcher-32 with the high byte first: "abcde", "abcdef".
    #[test]
    fn checksums_are_verified_in_both_stored_orders() {
        let mut stored = b"abcdef".to_vec();
        let sum = fletcher32(&stored);
        let words = [0x6162_u32, 0x6364, 0x6566];
        let low = words.iter().sum::<u32>() % 0xFFFF;
        let high = (3 * words[0] + 2 * words[1] + words[2]) % 0xFFFF;
        assert_eq!(sum, high << 16 | low);
        let [a, b, c, d] = sum.to_le_bytes();
        stored.extend([a, b, c, d]);
        assert_eq!(undo(&[Filter::Fletcher32], 1, 6, 0, &stored), Ok(b"abcdef".to_vec()));
        stored.truncate(6);
        stored.extend([b, a, d, c]);
        assert_eq!(undo(&[Filter::Fletcher32], 1, 6, 0, &stored), Ok(b"abcdef".to_vec()));
        stored[2] ^= 4;
        assert!(undo(&[Filter::Fletcher32], 1, 6, 0, &stored).unwrap_err().contains("Fletcher-32"));
        assert!(undo(&[Filter::Fletcher32], 1, 6, 0, b"abc").unwrap_err().contains("no room"));
    }

    #[test]
    fn chunks_of_the_wrong_size_are_refused() {
        assert!(undo(&[], 1, 5, 0, b"abcd").is_err());
        let pipeline = Pipeline { filters: vec![Filter::Deflate], number_size: 1, chunk_size: 1 << 40 };
        assert!(!pipeline.is_plausible(1 << 20, 0));
        assert!(pipeline.is_plausible(1 << 31, 0));
        assert!(!pipeline.is_plausible(1 << 31, 1));
    }
}
