//! A picture of how often each reflectivity occurs, on a logarithmic scale: over 90 % of the cells of a radar volume hold
//! no echo, and the few strong ones are what a forecast is for.

use crate::report::canvas::{BLACK, Canvas, GREY, Rgb};
use crate::report::text_width::{centred, text_width};
use crate::util::units;

/// How often each value occurs.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// The reflectivity of the first bin.
    pub first_dbz: f64,
    /// From one bin to the next.
    pub step_dbz: f64,
    /// Cells in each bin.
    pub counts: Vec<u64>,
    /// Cells without a value.
    pub missing: u64,
    /// Reflectivities to mark, ascending.
    pub thresholds_dbz: Vec<f64>,
}

const WIDTH: usize = 1000;
const HEIGHT: usize = 480;
const LEFT: usize = 90;
const RIGHT: usize = WIDTH - 30;
const TOP: usize = 110;
const BOTTOM: usize = HEIGHT - 70;
const TEXT: usize = 15;
const BAR: Rgb = [55, 118, 184];
const GRID: Rgb = [228, 228, 228];
const THRESHOLD: Rgb = [205, 30, 45];

/// Draws a histogram as a PNG file.
///
/// # Errors
/// If the picture can't be encoded.
pub fn histogram(histogram: &Histogram) -> Result<Vec<u8>, image::ImageError> {
    draw(histogram).png()
}

fn draw(histogram: &Histogram) -> Canvas {
    let axes = Axes::of(histogram);
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    canvas.text("Reflectivity of all cells", [24, 26], 20, BLACK);
    canvas.text(&summary(histogram), [24, 54], TEXT, GREY);
    grid(&mut canvas, &axes);
    for (bin, &count) in histogram.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let value = histogram.first_dbz + bin as f64 * histogram.step_dbz;
        let from = axes.x(value - histogram.step_dbz / 2.0);
        let width = axes.x(value + histogram.step_dbz / 2.0).saturating_sub(from).max(1);
        let y = axes.y(count as f64);
        canvas.fill([from, y], [width, BOTTOM - y], BAR);
    }
    thresholds(&mut canvas, &axes, histogram);
    canvas.fill([LEFT, BOTTOM], [RIGHT - LEFT, 1], BLACK);
    centred(&mut canvas, "dBZ", [usize::midpoint(LEFT, RIGHT), HEIGHT - 20], TEXT, GREY);
    canvas.text("cells", [LEFT - text_width("cells", TEXT) - 8, TOP - 22], TEXT, GREY);
    canvas
}

struct Axes {
    from_dbz: f64,
    to_dbz: f64,
    decades: usize,
}

impl Axes {
    fn of(histogram: &Histogram) -> Self {
        let Histogram { first_dbz, step_dbz, ref counts, .. } = *histogram;
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        Self {
            from_dbz: first_dbz - step_dbz / 2.0,
            to_dbz: first_dbz + (counts.len().max(2) as f64 - 0.5) * step_dbz,
            decades: most.ilog10() as usize + 1,
        }
    }

    fn x(&self, dbz: f64) -> usize {
        let share = ((dbz - self.from_dbz) / (self.to_dbz - self.from_dbz)).clamp(0.0, 1.0);
        LEFT + (share * (RIGHT - LEFT) as f64).round() as usize
    }

    /// A third of a decade below 1, so that a single cell is seen.
    fn y(&self, count: f64) -> usize {
        let share = (count.max(1.0).log10() + 1.0 / 3.0) / (self.decades as f64 + 1.0 / 3.0);
        BOTTOM - (share * (BOTTOM - TOP) as f64).round() as usize
    }
}

fn grid(canvas: &mut Canvas, axes: &Axes) {
    for decade in 0..=axes.decades {
        let y = axes.y(10_f64.powi(decade as i32));
        canvas.fill([LEFT, y], [RIGHT - LEFT, 1], GRID);
        let text = power(decade);
        canvas.text(&text, [LEFT - text_width(&text, TEXT) - 8, y], TEXT, BLACK);
    }
    let first = (axes.from_dbz / 10.0).ceil() as i32;
    for tens in first..=(axes.to_dbz / 10.0).floor() as i32 {
        let x = axes.x(f64::from(10 * tens));
        canvas.fill([x, BOTTOM], [1, 6], BLACK);
        centred(canvas, &(10 * tens).to_string(), [x, BOTTOM + 18], TEXT, BLACK);
    }
}

/// "1", "1,000", "1 M", "1 G".
fn power(decade: usize) -> String {
    let unit = ["", " k", " M", " G", " T", " P", " E"][(decade / 3).min(6)];
    format!("{}{unit}", 10_u32.pow((decade % 3) as u32))
}

/// Dashed lines, their names above the plot and never closer than they are wide.
fn thresholds(canvas: &mut Canvas, axes: &Axes, histogram: &Histogram) {
    let mut free_from = 0;
    for &dbz in histogram.thresholds_dbz.iter().filter(|&&dbz| (axes.from_dbz..=axes.to_dbz).contains(&dbz)) {
        let x = axes.x(dbz);
        (TOP..BOTTOM).step_by(8).for_each(|y| canvas.fill([x, y], [1, 5.min(BOTTOM - y)], THRESHOLD));
        let text = format!("{dbz}: {}", percent(above(histogram, dbz), total(histogram)));
        let half = text_width(&text, TEXT) / 2;
        if x.saturating_sub(half) >= free_from && x + half < WIDTH {
            centred(canvas, &text, [x, TOP - 10], TEXT, THRESHOLD);
            free_from = x + half + 8;
        }
    }
}

fn total(histogram: &Histogram) -> u64 {
    histogram.counts.iter().sum::<u64>() + histogram.missing
}

/// Cells stronger than a threshold: an event is what exceeds it.
fn above(histogram: &Histogram, dbz: f64) -> u64 {
    let value = |bin: usize| histogram.first_dbz + bin as f64 * histogram.step_dbz;
    histogram.counts.iter().enumerate().filter(|&(bin, _)| value(bin) > dbz).map(|(_, count)| count).sum()
}

fn summary(histogram: &Histogram) -> String {
    let total = total(histogram);
    let missing = percent(histogram.missing, total);
    let shares =
        if histogram.thresholds_dbz.is_empty() { "" } else { "; red: threshold, and the share of all cells above it" };
    format!("{}, {missing} of them missing{shares}", units::count(total, "cell"))
}

fn percent(part: u64, whole: u64) -> String {
    let percent = if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 };
    match percent {
        _ if part == 0 => "0 %".into(),
        _ if percent < 0.001 => "< 0.001 %".into(),
        _ if percent < 0.1 => format!("{percent:.3} %"),
        _ => format!("{percent:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storms() -> Histogram {
        let step_dbz = 94.0 / 254.0;
        let count = |bin: i32| (5.0e6 * (-f64::from(bin) / 22.0).exp()) as u64;
        Histogram {
            first_dbz: -29.0,
            step_dbz,
            counts: (0..255).map(count).collect(),
            missing: 400_000_000,
            thresholds_dbz: vec![20.0, 35.0, 45.0],
        }
    }

    fn height(canvas: &Canvas, x: usize) -> usize {
        (0..HEIGHT).filter(|y| canvas.rgb[3 * (y * WIDTH + x)..][..3] == BAR).count()
    }

    #[test]
    fn a_tenth_of_the_cells_is_one_decade_lower() {
        let histogram = Histogram {
            first_dbz: 0.0,
            step_dbz: 10.0,
            counts: vec![1000, 100, 0, 1],
            missing: 0,
            thresholds_dbz: Vec::new(),
        };
        let canvas = draw(&histogram);
        let heights = [0, 1, 2, 3].map(|bin| height(&canvas, LEFT + (RIGHT - LEFT) * (2 * bin + 1) / 8));
        assert_eq!(heights[2], 0);
        assert!(heights[3] > 0);
        let decade = (BOTTOM - TOP) as f64 / (4.0 + 1.0 / 3.0);
        assert!(((heights[0] - heights[1]) as f64 - decade).abs() <= 1.0, "{heights:?}");
    }

    #[test]
    fn shares_are_of_all_cells_and_strictly_above_the_threshold() {
        let histogram = Histogram {
            first_dbz: 0.0,
            step_dbz: 10.0,
            counts: vec![80, 9, 1],
            missing: 10,
            thresholds_dbz: vec![10.0],
        };
        assert_eq!(above(&histogram, 10.0), 1);
        assert_eq!(
            summary(&histogram),
            "100 cells, 10.0 % of them missing; red: threshold, and the share of all cells above it"
        );
        assert_eq!([percent(0, 0), percent(1, 1000), percent(1, 10_000_000)], ["0 %", "0.1 %", "< 0.001 %"]);
    }

    #[test]
    fn nothing_touches_the_edge_whatever_the_counts() {
        let none = Histogram { counts: Vec::new(), ..storms() };
        let most =
            Histogram { counts: vec![u64::MAX / 300; 255], thresholds_dbz: vec![-29.0, -28.5, 65.0], ..storms() };
        for histogram in [storms(), none, most] {
            let canvas = draw(&histogram);
            for (place, pixel) in canvas.rgb.chunks_exact(3).enumerate() {
                let (x, y) = (place % WIDTH, place / WIDTH);
                assert!(
                    (4..WIDTH - 4).contains(&x) && (4..HEIGHT - 4).contains(&y) || pixel == [255; 3],
                    "at {x}, {y}"
                );
            }
        }
    }
}
