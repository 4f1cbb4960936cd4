//! Where a digit is in each frame, by the generator that OpenSTL and others train with: a random place and direction, a tenth
//! of the free space in each frame, and a bounce at each side.

use rand::Rng;

use fragua_util::seed;

/// How far a digit moves in a frame, as a share of the free space.
const STEP: f64 = 0.1;

/// Top and left of a digit in each frame, from 0 to `free`.
pub(super) fn places(seed: u64, index: u64, number: u64, frames: usize, free: usize) -> Vec<[usize; 2]> {
    let mut rng = seed::generator(seed, "moving digit", index, number);
    let at = [rng.random::<f64>(), rng.random::<f64>()];
    let direction = rng.random::<f64>() * std::f64::consts::TAU;
    moved(at, direction, frames).into_iter().map(|at| at.map(|share| (free as f64 * share) as usize)).collect()
}

/// Shares of the free space, downwards and to the right.
fn moved([mut y, mut x]: [f64; 2], direction: f64, frames: usize) -> Vec<[f64; 2]> {
    let (mut down, mut right) = (direction.sin() * STEP, direction.cos() * STEP);
    let frame = |_| {
        (y, x) = (y + down, x + right);
        bounce(&mut y, &mut down);
        bounce(&mut x, &mut right);
        [y, x]
    };
    (0..frames).map(frame).collect()
}

/// A digit that would leave stops at the side and turns.
fn bounce(at: &mut f64, step: &mut f64) {
    if *at <= 0.0 || *at >= 1.0 {
        *at = at.clamp(0.0, 1.0);
        *step = -*step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of `get_random_trajectory` in OpenSTL's `dataloader_moving_mnist.py`, for these draws.
    #[test]
    fn a_digit_moves_as_in_the_published_generator() {
        let found = moved([0.85, 0.1], 2.6, 6);
        let expected = [
            [0.901_550_137, 0.014_311_125],
            [0.953_100_274, 0.0],
            [1.0, 0.085_688_875],
            [0.948_449_863, 0.171_377_751],
            [0.896_899_726, 0.257_066_626],
            [0.845_349_588, 0.342_755_501],
        ];
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() < 1e-8, "{found} {expected}");
        }
    }

    #[test]
    fn places_are_inside_and_depend_on_seed_sequence_and_digit() {
        let of = |seed, index, number| places(seed, index, number, 40, 36);
        assert!((0..50).flat_map(|index| of(1, index, 0)).flatten().all(|at| at <= 36));
        let first = of(1, 2, 0);
        assert_eq!(first, of(1, 2, 0));
        assert!([of(2, 2, 0), of(1, 3, 0), of(1, 2, 1)].iter().all(|other| *other != first));
    }
}
