//! Lines and dots with smooth edges: what curves are made of. Coordinates are those of the middles of pixels.

use super::canvas::{Canvas, Rgb};

impl Canvas {
    /// A straight line with round ends, its thickness in pixels.
    pub(super) fn line(&mut self, from: [f64; 2], to: [f64; 2], thickness: f64, colour: Rgb) {
        let reach = thickness / 2.0 + 1.0;
        let [columns, rows] = [(0, self.width), (1, self.height)].map(|(axis, size)| {
            let (low, high) = (from[axis].min(to[axis]) - reach, from[axis].max(to[axis]) + reach);
            low.floor().max(0.0) as usize..(high.ceil().max(0.0) as usize + 1).min(size)
        });
        for y in rows {
            for x in columns.clone() {
                let distance = distance([x as f64, y as f64], from, to);
                self.blend([x, y], colour, (thickness / 2.0 + 0.5 - distance).clamp(0.0, 1.0));
            }
        }
    }

    /// A filled circle.
    pub(super) fn dot(&mut self, middle: [f64; 2], diameter: f64, colour: Rgb) {
        self.line(middle, middle, diameter, colour);
    }

    /// Covers a share of a pixel.
    fn blend(&mut self, [x, y]: [usize; 2], colour: Rgb, share: f64) {
        if share > 0.0 && x < self.width && y < self.height {
            let pixel = &mut self.rgb[3 * (y * self.width + x)..][..3];
            for (below, above) in pixel.iter_mut().zip(colour) {
                *below = (f64::from(*below) * (1.0 - share) + f64::from(above) * share).round() as u8;
            }
        }
    }
}

/// From a point to the nearest one of a line.
fn distance([x, y]: [f64; 2], from: [f64; 2], to: [f64; 2]) -> f64 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let length_squared = along[0] * along[0] + along[1] * along[1];
    let share = match length_squared > 0.0 {
        true => (((x - from[0]) * along[0] + (y - from[1]) * along[1]) / length_squared).clamp(0.0, 1.0),
        false => 0.0,
    };
    (x - from[0] - share * along[0]).hypot(y - from[1] - share * along[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canvas::{BLACK, WHITE};

    fn pixel(canvas: &Canvas, x: usize, y: usize) -> Rgb {
        [0, 1, 2].map(|part| canvas.rgb[3 * (y * canvas.width + x) + part])
    }

    #[test]
    fn a_line_covers_its_middle_fully_its_edge_in_part_and_the_rest_not_at_all() {
        let mut canvas = Canvas::new(20, 20);
        canvas.line([4.0, 10.0], [15.0, 10.0], 2.0, BLACK);
        assert_eq!(pixel(&canvas, 9, 10), BLACK);
        assert_eq!(pixel(&canvas, 9, 11), [128; 3]);
        assert_eq!([pixel(&canvas, 9, 12), pixel(&canvas, 1, 10)], [WHITE; 2]);
        canvas.line([-50.0, -50.0], [100.0, 100.0], 2.0, BLACK);
        assert_eq!(pixel(&canvas, 19, 19), BLACK, "what lies outside does no harm");
    }

    #[test]
    fn a_dot_is_round() {
        let mut canvas = Canvas::new(20, 20);
        canvas.dot([10.0, 10.0], 8.0, BLACK);
        assert_eq!([pixel(&canvas, 10, 10), pixel(&canvas, 13, 10)], [BLACK; 2]);
        assert_eq!([pixel(&canvas, 14, 14), pixel(&canvas, 16, 10)], [WHITE; 2]);
    }
}
