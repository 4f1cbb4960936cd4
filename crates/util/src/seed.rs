//! Randomness as a function of its purpose: (seed, purpose, epoch, index) always gives the same generator.
//!
//! No generator lives for the whole program, so a run that was stopped and resumed draws the same numbers.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// The generator for one purpose ("shuffle", "storm track"), epoch and index.
#[must_use]
pub fn generator(seed: u64, purpose: &str, epoch: u64, index: u64) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    for number in [seed, epoch, index] {
        hash.update(number.to_le_bytes());
    }
    hash.update(purpose.as_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn the_same_key_gives_the_same_numbers_and_any_other_key_others() {
        let draw = |seed, purpose, epoch, index| generator(seed, purpose, epoch, index).random::<u64>();
        assert_eq!(draw(42, "shuffle", 3, 7), draw(42, "shuffle", 3, 7));
        let others =
            [draw(43, "shuffle", 3, 7), draw(42, "noise", 3, 7), draw(42, "shuffle", 4, 7), draw(42, "shuffle", 3, 8)];
        assert!(others.iter().all(|&other| other != draw(42, "shuffle", 3, 7)));
    }

    #[test]
    fn the_numbers_are_those_of_every_earlier_version() {
        assert_eq!(generator(42, "shuffle", 0, 0).random::<u64>(), 14_463_123_876_799_979_012);
    }
}
