//! The file beside a partial file: which bytes of it are real, with a digest of each piece, and which file on the
//! server they belong to. The map is pure; `part` reads and writes it.

use serde::{Deserialize, Serialize};

use crate::util::sha256::Digest;

use super::range::Validator;

/// A state of another version is not understood: the download starts over.
pub const VERSION: u32 = 1;

/// Bytes that have reached the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The first.
    pub start: u64,
    /// How many.
    pub length: u64,
    /// Their digest, so that a damaged disk is noticed before anything is appended.
    pub sha256: Digest,
}

impl Piece {
    /// One past the last.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.length)
    }
}

/// Bytes that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first.
    pub start: u64,
    /// One past the last; `None` while the length of the file is unknown.
    pub end: Option<u64>,
}

/// The file that is complete and verified, and about to get its name or already has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// Its destination, relative to the folder of the download.
    pub name: String,
    /// Its digest.
    pub sha256: Digest,
    /// Its size.
    pub bytes: u64,
}

/// Everything that is known about a partial file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// [`VERSION`].
    pub version: u32,
    /// A digest of the address: a validator is meaningful only at the server that gave it.
    pub source: Digest,
    /// The size of the whole file.
    pub total: Option<u64>,
    /// What the server identified the bytes with.
    pub validator: Option<Validator>,
    /// The server's name for the file.
    pub name: Option<String>,
    /// The server can't continue: always request everything.
    pub ranges_distrusted: bool,
    /// Fetched a second time, because the digest was wrong the first time.
    pub refetched: bool,
    /// The bytes that are present: sorted ranges that don't touch.
    pub pieces: Vec<Piece>,
    /// Set when only the rename is left to do.
    pub finished: Option<Finished>,
}

impl State {
    /// Nothing is there.
    #[must_use]
    pub fn empty(source: Digest) -> Self {
        Self {
            version: VERSION,
            source,
            total: None,
            validator: None,
            name: None,
            ranges_distrusted: false,
            refetched: false,
            pieces: Vec::new(),
            finished: None,
        }
    }

    /// The state in a file's content, if it can be trusted: ordered pieces that do not overlap, none past the end.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let state: Self = serde_json::from_slice(text).ok()?;
        let apart = state.pieces.windows(2).all(|pair| pair[0].end() <= pair[1].start);
        let inside = state.pieces.last().is_none_or(|last| last.end() <= state.total.unwrap_or(u64::MAX));
        (state.version == VERSION && apart && inside && state.pieces.iter().all(|piece| piece.length > 0))
            .then_some(state)
    }

    /// Bytes that are there.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.length).sum()
    }

    /// Bytes that are missing, in order. Without a known total the last gap is open.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let mut reached = 0;
        for piece in &self.pieces {
            if piece.start > reached {
                gaps.push(Gap { start: reached, end: Some(piece.start) });
            }
            reached = piece.end();
        }
        if self.total.is_none_or(|total| reached < total) {
            gaps.push(Gap { start: reached, end: self.total });
        }
        gaps
    }
}

/// Splits the gaps into requests: about four per connection, so that a slow connection does not delay the end, but none
/// shorter than `shortest`.
#[must_use]
pub fn segments(gaps: &[Gap], connections: usize, shortest: u64) -> Vec<Gap> {
    let missing: u64 = gaps.iter().map(|gap| gap.end.map_or(0, |end| end - gap.start)).sum();
    if connections <= 1 || missing < shortest.saturating_mul(2) {
        return gaps.to_vec();
    }
    let length = missing.div_ceil(4 * connections as u64).max(shortest);
    let mut segments = Vec::new();
    for gap in gaps {
        let Some(end) = gap.end else {
            segments.push(*gap);
            continue;
        };
        let mut start = gap.start;
        while start < end {
            // The rest is not split again if only a crumb would be left.
            let stop = if end - start < length + shortest { end } else { start + length };
            segments.push(Gap { start, end: Some(stop) });
            start = stop;
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn piece(start: u64, length: u64) -> Piece {
        Piece { start, length, sha256: Digest::of(b"") }
    }

    fn state(pieces: &[(u64, u64)], total: Option<u64>) -> State {
        let pieces = pieces.iter().map(|&(start, length)| piece(start, length)).collect();
        State { pieces, total, ..State::empty(Digest::of(b"source")) }
    }

    fn gap(start: u64, end: u64) -> Gap {
        Gap { start, end: Some(end) }
    }

    #[test]
    fn gaps_are_what_the_pieces_leave() {
        assert_eq!(state(&[], None).gaps(), [Gap { start: 0, end: None }]);
        assert_eq!(state(&[(0, 10)], None).gaps(), [Gap { start: 10, end: None }]);
        assert_eq!(state(&[(5, 5), (20, 5)], Some(30)).gaps(), [gap(0, 5), gap(10, 20), gap(25, 30)]);
        assert_eq!(state(&[(0, 10), (10, 20)], Some(30)).gaps(), []);
        assert_eq!(state(&[], Some(0)).gaps(), []);
    }

    #[test]
    fn a_state_survives_its_file_and_a_strange_one_is_not_believed() {
        let good = state(&[(0, 10), (10, 5)], Some(20));
        let text = serde_json::to_vec(&good).unwrap();
        assert_eq!(State::parse(&text), Some(good));
        assert_eq!(State::parse(&text[..text.len() / 2]), None);
        for wrong in [
            state(&[(0, 10), (9, 5)], Some(20)),
            state(&[(10, 5), (0, 5)], Some(20)),
            state(&[(0, 21)], Some(20)),
            state(&[(0, 0)], Some(20)),
            state(&[(u64::MAX, u64::MAX)], Some(20)),
            State { version: 2, ..state(&[], None) },
        ] {
            assert_eq!(State::parse(&serde_json::to_vec(&wrong).unwrap()), None, "{wrong:?}");
        }
    }

    #[test]
    fn small_files_are_not_cut() {
        assert_eq!(segments(&[gap(0, 31)], 4, 16), [gap(0, 31)]);
        assert_eq!(segments(&[Gap { start: 3, end: None }], 4, 16), [Gap { start: 3, end: None }]);
        assert_eq!(segments(&[gap(0, 1000)], 1, 16), [gap(0, 1000)]);
    }

    proptest! {
        #[test]
        fn segments_cover_the_gaps_exactly(
            lengths in prop::collection::vec((1_u64..500, 1_u64..500), 1..5), connections in 1_usize..9, shortest in 1_u64..200,
        ) {
            let mut gaps = Vec::new();
            let mut reached = 0;
            for (skip, length) in lengths {
                gaps.push(gap(reached + skip, reached + skip + length));
                reached += skip + length;
            }
            let bytes = |list: &[Gap]| list.iter().flat_map(|gap| gap.start..gap.end.unwrap()).collect::<Vec<_>>();
            let cut = segments(&gaps, connections, shortest);
            prop_assert_eq!(bytes(&cut), bytes(&gaps));
            prop_assert!(cut.len() <= 4 * connections + gaps.len());
        }
    }
}
