//! Random changes of a training image: one geometric map with one bilinear sampling, then noise. A pure function of the
//! generator that the caller derives from (seed, epoch, index), and of nothing else.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::config::AugmentConfig;

/// What is drawn for one image, in pixels and radians.
struct Drawn {
    cos: f32,
    sin: f32,
    zoom: f32,
    /// Columns, rows.
    shift: [f32; 2],
}

impl AugmentConfig {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_off(&self) -> bool {
        *self == Self { rotate_degrees: 0.0, shift: 0.0, zoom: 0.0, noise: 0.0 }
    }

    /// The image as training sees it: levels of the same size, 0 outside of the original.
    #[must_use]
    pub fn apply(&self, levels: &[u8], [rows, columns]: [usize; 2], generator: &mut ChaCha8Rng) -> Vec<u8> {
        let drawn = self.draw([rows, columns], generator);
        let noise = self.noise as f32 * 255.0;
        let mut changed = Vec::with_capacity(levels.len());
        for row in 0..rows {
            for column in 0..columns {
                let value = drawn.sample(levels, [rows, columns], [row as f32, column as f32]);
                let value = if noise > 0.0 { value + noise * normal(generator) } else { value };
                changed.push(value.round().clamp(0.0, 255.0) as u8);
            }
        }
        changed
    }

    fn draw(&self, [rows, columns]: [usize; 2], generator: &mut ChaCha8Rng) -> Drawn {
        let mut within = |most: f64| (generator.random::<f64>() * 2.0 - 1.0) * most;
        let angle = within(self.rotate_degrees).to_radians();
        let zoom = 1.0 + within(self.zoom);
        let shift = [within(self.shift * columns as f64), within(self.shift * rows as f64)];
        Drawn { cos: angle.cos() as f32, sin: angle.sin() as f32, zoom: zoom as f32, shift: shift.map(|by| by as f32) }
    }
}

impl Drawn {
    /// The level at an output pixel q: source = c + R (q - c - t) / s, with the centre c, the rotation R
    /// (counter-clockwise on the screen, where rows grow downwards), the shift t and the zoom s.
    fn sample(&self, levels: &[u8], [rows, columns]: [usize; 2], [row, column]: [f32; 2]) -> f32 {
        let centre = [(columns as f32 - 1.0) / 2.0, (rows as f32 - 1.0) / 2.0];
        let x = (column - centre[0] - self.shift[0]) / self.zoom;
        let y = (row - centre[1] - self.shift[1]) / self.zoom;
        let from = [centre[0] + self.cos * x - self.sin * y, centre[1] + self.sin * x + self.cos * y];
        bilinear(levels, [rows, columns], from)
    }
}

/// Between the four pixels around a place (column, row); what lies outside is 0.
fn bilinear(levels: &[u8], [rows, columns]: [usize; 2], [x, y]: [f32; 2]) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let (right_share, below_share) = (x - left, y - top);
    let level = |row: f32, column: f32| {
        let inside = row >= 0.0 && column >= 0.0 && row < rows as f32 && column < columns as f32;
        if inside { f32::from(levels[row as usize * columns + column as usize]) } else { 0.0 }
    };
    let line = |row: f32| (1.0 - right_share) * level(row, left) + right_share * level(row, left + 1.0);
    (1.0 - below_share) * line(top) + below_share * line(top + 1.0)
}

/// A standard normal number (Box and Muller 1958).
fn normal(generator: &mut ChaCha8Rng) -> f32 {
    let radius = (-2.0 * (1.0 - generator.random::<f32>()).ln()).sqrt();
    radius * (std::f32::consts::TAU * generator.random::<f32>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::seed;

    const OFF: AugmentConfig = AugmentConfig { rotate_degrees: 0.0, shift: 0.0, zoom: 0.0, noise: 0.0 };

    fn drawn(degrees: f32, zoom: f32, shift: [f32; 2]) -> Drawn {
        let angle = degrees.to_radians();
        Drawn { cos: angle.cos(), sin: angle.sin(), zoom, shift }
    }

    fn mapped(drawn: &Drawn, levels: &[u8; 9]) -> Vec<u8> {
        let places = (0..9).map(|place| [(place / 3) as f32, (place % 3) as f32]);
        places.map(|place| drawn.sample(levels, [3, 3], place).round() as u8).collect()
    }

    #[test]
    fn what_is_off_changes_nothing() {
        let levels: Vec<u8> = (0..=255).collect();
        let mut generator = seed::generator(1, "augment", 0, 0);
        assert!(OFF.is_off() && !AugmentConfig::default().is_off());
        assert_eq!(OFF.apply(&levels, [16, 16], &mut generator), levels);
    }

    #[test]
    fn a_positive_angle_turns_counter_clockwise_and_a_positive_shift_moves_right_and_down() {
        let right: [u8; 9] = [0, 0, 0, 0, 0, 200, 0, 0, 0];
        assert_eq!(
            mapped(&drawn(90.0, 1.0, [0.0, 0.0]), &right),
            [0, 200, 0, 0, 0, 0, 0, 0, 0],
            "from the right to the top"
        );
        let middle: [u8; 9] = [0, 0, 0, 0, 200, 0, 0, 0, 0];
        assert_eq!(mapped(&drawn(0.0, 1.0, [1.0, 1.0]), &middle), [0, 0, 0, 0, 0, 0, 0, 0, 200]);
        assert_eq!(mapped(&drawn(0.0, 1.0, [-1.0, 0.0]), &middle), [0, 0, 0, 200, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_zoom_above_1_enlarges() {
        let cross: [u8; 9] = [0, 200, 0, 200, 200, 200, 0, 200, 0];
        let ink = |zoom| mapped(&drawn(0.0, zoom, [0.0, 0.0]), &cross).into_iter().map(u32::from).sum::<u32>();
        assert!(ink(1.5) > ink(1.0) && ink(1.0) > ink(0.7), "{} {} {}", ink(1.5), ink(1.0), ink(0.7));
    }

    #[test]
    fn the_same_key_gives_the_same_image_and_another_epoch_another() {
        let levels: Vec<u8> = (0..784).map(|place| (place % 251) as u8).collect();
        let config = AugmentConfig::default();
        let apply = |epoch, index| config.apply(&levels, [28, 28], &mut seed::generator(42, "augment", epoch, index));
        assert_eq!(apply(3, 7), apply(3, 7));
        assert!(apply(3, 7) != apply(4, 7) && apply(3, 7) != apply(3, 8));
    }

    #[test]
    fn noise_has_the_width_that_is_asked_for() {
        let config = AugmentConfig { noise: 0.05, ..OFF };
        let levels = vec![128; 10_000];
        let changed = config.apply(&levels, [100, 100], &mut seed::generator(42, "augment", 0, 0));
        let squares: f64 = changed.iter().map(|&level| (f64::from(level) - 128.0).powi(2)).sum();
        let width = (squares / 10_000.0).sqrt() / 255.0;
        assert!((width - 0.05).abs() < 0.002, "{width}");
    }
}
