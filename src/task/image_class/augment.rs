//! Random changes of a training image: one geometric map with one bilinear sampling, then blur, brightness and contrast, a hole,
//! and noise. A pure function of the generator that the caller derives from (seed, epoch, index), and of nothing else.

mod chance;
mod map;
mod smooth;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use self::map::{Field, Map};
use super::config::AugmentConfig;

/// What is drawn for one image, beside what is drawn for each pixel. Everything is drawn whether it is used or not, so that
/// switching a change on or off leaves the others as they are.
struct Drawn {
    map: Map,
    blur: Option<f64>,
    /// What levels are multiplied by, and what is then added as a share of the full scale.
    tone: Option<[f64; 2]>,
    hole: Option<Hole>,
}

/// A rectangle of pixels, from its first row and column to the ones after its last.
struct Hole {
    rows: [usize; 2],
    columns: [usize; 2],
}

impl AugmentConfig {
    /// Changes nothing.
    pub const OFF: Self = Self {
        rotate_degrees: 0.0,
        shear_degrees: 0.0,
        shift: 0.0,
        zoom: 0.0,
        hflip: 0.0,
        elastic_px: 0.0,
        elastic_sigma_px: 4.0,
        blur_px: 0.0,
        blur_probability: 0.5,
        brightness: 0.0,
        contrast: 0.0,
        tone_probability: 0.3,
        erase_probability: 0.0,
        erase_px: 6,
        noise: 0.0,
    };

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_off(&self) -> bool {
        let geometric = [self.rotate_degrees, self.shear_degrees, self.shift, self.zoom, self.hflip, self.elastic_px];
        let tones = self.tone_probability * (self.brightness + self.contrast);
        let others = [self.blur_px * self.blur_probability, tones, self.erase_probability, self.noise];
        geometric.iter().chain(&others).all(|amount| *amount == 0.0)
    }

    /// The image as training sees it: levels of the same size, 0 outside of the original.
    #[must_use]
    pub fn apply(&self, levels: &[u8], [rows, columns]: [usize; 2], generator: &mut ChaCha8Rng) -> Vec<u8> {
        let drawn = self.draw([rows, columns], generator);
        let field = (self.elastic_px > 0.0).then(|| self.field([rows, columns], generator));
        let mut image = drawn.map.sample(levels, [rows, columns], field.as_ref());
        if let Some(sigma) = drawn.blur {
            smooth::smooth(&mut image, [rows, columns], sigma);
        }
        if let Some([factor, sum]) = drawn.tone.map(|[factor, sum]| [factor as f32, (255.0 * sum) as f32]) {
            image.iter_mut().for_each(|level| *level = (*level * factor + sum).clamp(0.0, 255.0));
        }
        if let Some(hole) = drawn.hole {
            let lines = image.chunks_exact_mut(columns.max(1)).take(hole.rows[1]).skip(hole.rows[0]);
            lines.for_each(|line| line[hole.columns[0]..hole.columns[1]].fill(0.0));
        }
        if self.noise > 0.0 {
            chance::add_normal(&mut image, (255.0 * self.noise) as f32, generator);
        }
        // To the nearest level; what is outside of 0 to 255 becomes one of these.
        image.into_iter().map(|level| (level + 0.5) as u8).collect()
    }

    fn draw(&self, size: [usize; 2], generator: &mut ChaCha8Rng) -> Drawn {
        let [rows, columns] = size.map(|side| side as f64);
        let mut share = || generator.random::<f64>();
        let mut within = |most: f64| (share() * 2.0 - 1.0) * most;
        let angle = within(self.rotate_degrees).to_radians();
        let zoom = 1.0 + within(self.zoom);
        let shift = [within(self.shift * columns), within(self.shift * rows)];
        // Nothing else moves pixels to places between others, so a shift need not either: the image stays as sharp as it is.
        let is_alone = [self.rotate_degrees, self.shear_degrees, self.zoom, self.elastic_px] == [0.0; 4];
        let shift = if is_alone { shift.map(f64::round) } else { shift };
        let shear = within(self.shear_degrees).to_radians();
        let tone = [1.0 + within(self.contrast), within(self.brightness)];
        let [flips, blurs, sigma, tones, erases] = [(); 5].map(|()| share());
        let hole = Hole::draw(size, self.erase_px, [(); 4].map(|()| share()));
        let sigma = (blurs < self.blur_probability).then_some(sigma * self.blur_px);
        Drawn {
            map: Map { angle, shear, zoom, shift, is_mirrored: flips < self.hflip },
            blur: sigma.filter(|sigma| *sigma > 0.0),
            tone: (tones < self.tone_probability).then_some(tone).filter(|tone| *tone != [1.0, 0.0]),
            hole: (erases < self.erase_probability).then_some(hole),
        }
    }

    /// A random displacement of every pixel, alike for pixels that are near each other (Simard et al. 2003).
    fn field(&self, size: [usize; 2], generator: &mut ChaCha8Rng) -> Field {
        [(); 2].map(|()| {
            let mut field = chance::uniform(size.iter().product(), generator);
            smooth::smooth(&mut field, size, self.elastic_sigma_px);
            field.iter_mut().for_each(|by| *by *= self.elastic_px as f32);
            field
        })
    }
}

impl Hole {
    /// One to `most` pixels high and wide, anywhere inside.
    fn draw([rows, columns]: [usize; 2], most: usize, [height, width, down, right]: [f64; 4]) -> Self {
        let below = |share: f64, count: usize| (share * count as f64) as usize;
        let place = |side: usize, length: f64, start: f64| {
            let length = 1 + below(length, most.max(1)).min(side.saturating_sub(1));
            let start = below(start, side + 1 - length);
            [start, start + length]
        };
        Self { rows: place(rows, height, down), columns: place(columns, width, right) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::seed;

    const OFF: AugmentConfig = AugmentConfig::OFF;

    fn changed(config: &AugmentConfig, levels: &[u8], index: u64) -> Vec<u8> {
        let side = levels.len().isqrt();
        config.apply(levels, [side, side], &mut seed::generator(42, "augment", 0, index))
    }

    fn some_image() -> Vec<u8> {
        (0..784_usize).map(|place| (place * 37 % 251) as u8).collect()
    }

    #[test]
    fn a_shift_alone_is_by_whole_pixels() {
        let levels: Vec<u8> = (0..784_usize).map(|place| if place * 37 % 251 > 125 { 200 } else { 0 }).collect();
        let count = |config: &AugmentConfig, index: u64| {
            changed(config, &levels, index).iter().filter(|level| ![0, 200].contains(*level)).count()
        };
        let shift = AugmentConfig { shift: 0.1, hflip: 0.5, ..OFF };
        assert!((0..50).all(|index| count(&shift, index) == 0), "between pixels there would be other levels");
        assert!((0..50).any(|index| changed(&shift, &levels, index) != levels));
        assert!((0..50).all(|index| count(&AugmentConfig { zoom: 0.1, ..shift }, index) > 0));
    }

    #[test]
    fn what_is_off_changes_nothing() {
        let levels: Vec<u8> = (0..=255).collect();
        assert!(OFF.is_off() && !AugmentConfig::default().is_off());
        assert!(AugmentConfig { blur_px: 3.0, blur_probability: 0.0, ..OFF }.is_off());
        assert_eq!(changed(&OFF, &levels, 0), levels);
    }

    #[test]
    fn each_change_alone_changes_the_image_and_stays_within_the_levels() {
        let levels = some_image();
        for config in [
            AugmentConfig { rotate_degrees: 15.0, ..OFF },
            AugmentConfig { shear_degrees: 15.0, ..OFF },
            AugmentConfig { shift: 0.1, ..OFF },
            AugmentConfig { zoom: 0.1, ..OFF },
            AugmentConfig { hflip: 1.0, ..OFF },
            AugmentConfig { elastic_px: 34.0, ..OFF },
            AugmentConfig { blur_px: 1.0, blur_probability: 1.0, ..OFF },
            AugmentConfig { brightness: 0.2, tone_probability: 1.0, ..OFF },
            AugmentConfig { contrast: 0.2, tone_probability: 1.0, ..OFF },
            AugmentConfig { erase_probability: 1.0, ..OFF },
            AugmentConfig { noise: 0.05, ..OFF },
        ] {
            assert!(!config.is_off(), "{config:?}");
            let one = changed(&config, &levels, 1);
            assert!(one.len() == levels.len() && one != levels, "{config:?}");
            assert_eq!(changed(&config, &levels, 1), one, "{config:?}");
        }
    }

    #[test]
    fn a_change_does_not_depend_on_which_others_are_on() {
        let levels = some_image();
        let turned = changed(&AugmentConfig { rotate_degrees: 15.0, ..OFF }, &levels, 3);
        let hidden = AugmentConfig { rotate_degrees: 15.0, blur_px: 2.0, blur_probability: 0.0, hflip: 1e-12, ..OFF };
        assert_eq!(changed(&hidden, &levels, 3), turned);
    }

    #[test]
    fn the_same_key_gives_the_same_image_and_another_epoch_another() {
        let (levels, config) = (some_image(), AugmentConfig::default());
        let apply = |epoch, index| config.apply(&levels, [28, 28], &mut seed::generator(42, "augment", epoch, index));
        assert_eq!(apply(3, 7), apply(3, 7));
        assert!(apply(3, 7) != apply(4, 7) && apply(3, 7) != apply(3, 8));
    }

    #[test]
    fn noise_has_the_width_that_is_asked_for() {
        let config = AugmentConfig { noise: 0.05, ..OFF };
        let changed = changed(&config, &vec![128; 10_000], 0);
        let squares: f64 = changed.iter().map(|&level| (f64::from(level) - 128.0).powi(2)).sum();
        let width = (squares / 10_000.0).sqrt() / 255.0;
        assert!((width - 0.05).abs() < 0.002, "{width}");
    }

    #[test]
    fn probabilities_are_kept() {
        let levels = vec![200; 64];
        let share = |config: &AugmentConfig| {
            (0..1000).filter(|index| changed(config, &levels, *index) != levels).count() as f64 / 1000.0
        };
        assert!((share(&AugmentConfig { erase_probability: 0.15, ..OFF }) - 0.15).abs() < 0.04);
        let tone = AugmentConfig { brightness: 0.2, contrast: 0.2, ..OFF };
        assert!((share(&tone) - 0.3).abs() < 0.05);
    }

    #[test]
    fn a_hole_has_the_sizes_that_are_asked_for_and_is_inside() {
        let levels = vec![200; 100];
        let config = AugmentConfig { erase_probability: 1.0, erase_px: 3, ..OFF };
        let mut sizes = [0; 10];
        for index in 0..500 {
            let zeros = changed(&config, &levels, index).iter().filter(|level| **level == 0).count();
            sizes[zeros] += 1;
        }
        let found: Vec<usize> = (0..10).filter(|size| sizes[*size] > 0).collect();
        assert_eq!(found, [1, 2, 3, 4, 6, 9], "products of 1 to 3");
        let tiny = AugmentConfig { erase_px: 99, ..config };
        assert!((0..50).all(|index| changed(&tiny, &[200; 4], index).contains(&0)));
    }

    #[test]
    fn an_elastic_change_moves_pixels_by_about_as_much_as_published() {
        // U(-1, 1) smoothed by a Gaussian of sigma has the deviation 1 / (sqrt(3) * 2 * sigma * sqrt(pi)).
        let config = AugmentConfig { elastic_px: 34.0, ..OFF };
        let [columns, rows] = config.field([64, 64], &mut seed::generator(1, "augment", 0, 0));
        let inner = |field: &[f32]| {
            let rows = field.chunks_exact(64).skip(12).take(40);
            let squares: Vec<f32> = rows.flat_map(|row| row[12..52].iter().map(|by| by * by)).collect();
            (squares.iter().sum::<f32>() / squares.len() as f32).sqrt()
        };
        for found in [inner(&columns), inner(&rows)] {
            assert!((0.9..1.9).contains(&found), "{found} instead of about 1.38 pixels");
        }
    }
}
