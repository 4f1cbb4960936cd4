//! Fractal noise that was computed once: periodic textures that are looked up instead of evaluated.

use rand::Rng;

use fragua_util::seed;

/// Rows and columns of a texture: a power of two, so that wrapping is a mask. One cell is 1 km at scale 1.
pub(super) const SIZE: usize = 512;
const MASK: usize = SIZE - 1;
/// Length of the white noise: longer than a row, and no divisor of anything.
const WHITE: usize = 1 << 16;

/// All the noise there is.
pub(super) struct Textures {
    /// 40 km and down to 10: where air rises.
    pub(super) broad: Texture,
    /// 24 km down to 2: the inside of storms.
    pub(super) ragged: Texture,
    /// 12 km down to 1.5, flatter spectrum: cauliflowers.
    pub(super) fine: Texture,
    white: Vec<f32>,
}

/// A periodic field with mean 0 and standard deviation 1.
pub(super) struct Texture {
    values: Vec<f32>,
}

impl Textures {
    pub(super) fn new(seed: u64) -> Self {
        let texture = |index, first_period, octaves, gain| Texture::new(seed, index, first_period, octaves, gain);
        Self {
            broad: texture(0, 12, 3, 0.5),
            ragged: texture(1, 21, 5, 0.62),
            fine: texture(2, 43, 4, 0.75),
            white: white(seed),
        }
    }

    /// Independent normal numbers, others for every `key`.
    #[inline]
    pub(super) fn white<const COUNT: usize>(&self, key: u64) -> &[f32; COUNT] {
        let offset = mix(key) as usize % (WHITE - COUNT);
        self.white[offset..].first_chunk().unwrap_or(&[0.0; COUNT])
    }
}

fn white(seed: u64) -> Vec<f32> {
    let mut rng = seed::generator(seed, "synthetic texture", 0, 99);
    // A sum of four uniform numbers is normal enough, and bounded.
    (0..WHITE).map(|_| (0..4).map(|_| rng.random_range(-0.866..0.866_f32)).sum()).collect()
}

/// Spreads the bits of a key (the finaliser of SplitMix64).
pub(super) fn mix(key: u64) -> u64 {
    let key = (key ^ (key >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let key = (key ^ (key >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    key ^ (key >> 31)
}

impl Texture {
    /// Gradient noise in octaves: the first has `periods` lattice cells across, each next twice as many and `gain` times the
    /// amplitude.
    fn new(seed: u64, index: u64, periods: usize, octaves: usize, gain: f32) -> Self {
        let mut values = vec![0.0; SIZE * SIZE];
        let mut amplitude = 1.0;
        for octave in 0..octaves {
            let mut rng = seed::generator(seed, "synthetic texture", index, octave as u64);
            add_octave(&mut values, periods << octave, amplitude, &mut rng);
            amplitude *= gain;
        }
        normalise(&mut values);
        Self { values }
    }

    /// Bilinear; both coordinates wrap around.
    #[inline]
    pub(super) fn at(&self, x: f32, y: f32) -> f32 {
        let (column, right) = split(x);
        let (row, up) = split(y);
        let (row, above) = (row * SIZE, ((row + 1) & MASK) * SIZE);
        let next = (column + 1) & MASK;
        let low = self.values[row + column] + right * (self.values[row + next] - self.values[row + column]);
        let high = self.values[above + column] + right * (self.values[above + next] - self.values[above + column]);
        low + up * (high - low)
    }
}

#[inline]
fn split(coordinate: f32) -> (usize, f32) {
    // Shifted far into the positive numbers, by whole periods: truncation is then rounding down.
    let shifted = coordinate + (SIZE * 64) as f32;
    let whole = shifted as i32;
    (whole as usize & MASK, shifted - whole as f32)
}

fn add_octave(values: &mut [f32], periods: usize, amplitude: f32, rng: &mut impl Rng) {
    let gradients: Vec<[f32; 2]> = (0..periods * periods)
        .map(|_| {
            let (sin, cos) = rng.random_range(0.0..std::f32::consts::TAU).sin_cos();
            [cos, sin]
        })
        .collect();
    let step = periods as f32 / SIZE as f32;
    for (cell, value) in values.iter_mut().enumerate() {
        let (x, y) = ((cell % SIZE) as f32 * step, (cell / SIZE) as f32 * step);
        *value += amplitude * gradient_noise(&gradients, periods, x, y);
    }
}

fn gradient_noise(gradients: &[[f32; 2]], periods: usize, x: f32, y: f32) -> f32 {
    let (column, row) = (x as usize, y as usize);
    let (u, v) = (x - column as f32, y - row as f32);
    let corner = |right: usize, up: usize| {
        let [gx, gy] = gradients[(row + up) % periods * periods + (column + right) % periods];
        gx * (u - right as f32) + gy * (v - up as f32)
    };
    let (su, sv) = (fade(u), fade(v));
    let low = corner(0, 0) + su * (corner(1, 0) - corner(0, 0));
    let high = corner(0, 1) + su * (corner(1, 1) - corner(0, 1));
    low + sv * (high - low)
}

fn fade(t: f32) -> f32 {
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}

fn normalise(values: &mut [f32]) {
    let count = values.len() as f64;
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    let variance = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
    let scale = 1.0 / variance.sqrt();
    values.iter_mut().for_each(|value| *value = ((f64::from(*value) - mean) * scale) as f32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_texture_has_no_seam() {
        let texture = Textures::new(1).ragged;
        let inside: f32 = (0..SIZE).map(|y| (texture.at(100.0, y as f32) - texture.at(101.0, y as f32)).abs()).sum();
        let across: f32 = (0..SIZE).map(|y| (texture.at(-1.0, y as f32) - texture.at(0.0, y as f32)).abs()).sum();
        assert!(across < 1.5 * inside, "{across} across the seam, {inside} inside");
        assert_eq!(texture.at(3.25, 4.5), texture.at(3.25 - SIZE as f32, 4.5 + SIZE as f32));
    }

    #[test]
    fn lookups_interpolate_between_cells() {
        let texture = Textures::new(1).fine;
        let (left, right) = (texture.at(7.0, 9.0), texture.at(8.0, 9.0));
        assert!((texture.at(7.25, 9.0) - (0.75 * left + 0.25 * right)).abs() < 1e-4);
    }

    #[test]
    fn broad_noise_is_smoother_than_fine_noise() {
        let textures = Textures::new(1);
        let roughness = |texture: &Texture| -> f32 {
            (0..4000)
                .map(|i| (texture.at(i as f32, (i / 7) as f32) - texture.at(i as f32 + 1.0, (i / 7) as f32)).abs())
                .sum()
        };
        assert!(roughness(&textures.broad) * 2.0 < roughness(&textures.ragged));
        assert!(roughness(&textures.ragged) < roughness(&textures.fine));
    }

    #[test]
    fn white_noise_differs_by_key_and_has_unit_spread() {
        let textures = Textures::new(1);
        assert_ne!(textures.white::<64>(1), textures.white::<64>(2));
        let row = textures.white::<10_000>(3);
        let variance = row.iter().map(|value| value * value).sum::<f32>() / 10_000.0;
        assert!((0.93..1.07).contains(&variance), "{variance}");
    }
}
