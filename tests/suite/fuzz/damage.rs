//! What happens to files: bits flip, numbers become extreme, parts are cut, repeated, moved. A pure function of the case.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Numbers on which programs stumble.
const EXTREME: [u64; 12] =
    [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF, u64::MAX, 1 << 32, 1 << 40];

/// A damaged copy.
pub fn damaged(whole: &[u8], format: &str, case: u64) -> Vec<u8> {
    let seed = format.bytes().fold(case, |seed, byte| seed.wrapping_mul(0x100_0000_01B3) ^ u64::from(byte));
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut bytes = whole.to_vec();
    for _ in 0..random.random_range(1..=3) {
        damage(&mut bytes, &mut random);
    }
    bytes
}

fn damage(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    if bytes.is_empty() {
        return;
    }
    // Most harm is done in headers.
    let end = if random.random_bool(0.5) { bytes.len().min(2048) } else { bytes.len() };
    let at = random.random_range(0..end);
    let len = random.random_range(1..=64.min(bytes.len() - at));
    match random.random_range(0..10) {
        0..=2 => bytes[at] ^= 1 << random.random_range(0..8),
        3 => bytes[at] = random.random(),
        4 | 5 => {
            let number = *EXTREME.choose(random).unwrap();
            let width = *[1_usize, 2, 4, 8].choose(random).unwrap();
            let mut written = number.to_le_bytes()[..width].to_vec();
            if random.random() {
                written.reverse();
            }
            let width = width.min(bytes.len() - at);
            bytes[at..at + width].copy_from_slice(&written[..width]);
        }
        6 => drop(bytes.drain(at..at + len)),
        7 => {
            let part = bytes[at..at + len].to_vec();
            let times = if random.random_bool(0.02) { 2000 } else { 1 };
            let to = random.random_range(0..=bytes.len());
            drop(bytes.splice(to..to, part.repeat(times)));
        }
        8 => {
            let from = random.random_range(0..=bytes.len() - len);
            bytes.copy_within(from..from + len, at);
        }
        _ => {
            if random.random_bool(0.3) {
                bytes.truncate(at);
            } else {
                bytes[at..at + len].fill(*[0_u8, 0xFF, b'9', b'['].choose(random).unwrap());
            }
        }
    }
}
