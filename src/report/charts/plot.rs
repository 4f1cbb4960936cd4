//! One chart: its axes, what is behind the points, and the points.

use super::{Behind, Chart, Series};
use crate::report::canvas::{BLACK, Canvas, GREY, Rgb};
use crate::report::curves::COLOURS;
use crate::report::curves::axis::{Axis, Scale};
use crate::report::text_width::{centred, text_width};

const HEADING: usize = 46;
const FOOT: usize = 44;
const LEFT: usize = 58;
const LABELS: usize = 12;
const TICKS: usize = 6;
const THICKNESS: f64 = 2.0;
const GRID: Rgb = [228; 3];
const FAINT: Rgb = [196; 3];
const DASH: f64 = 7.0;

/// Lines of equal critical success index.
const CRITICAL_SUCCESS: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/// Lines of equal bias.
const BIASES: [f64; 7] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0];

pub(super) struct Plot<'a> {
    chart: &'a Chart,
    axes: [Axis; 2],
    corner: [usize; 2],
    /// Left, top, right, bottom.
    edges: [usize; 4],
}

impl<'a> Plot<'a> {
    pub(super) fn of(chart: &'a Chart, corner: [usize; 2], size: [usize; 2]) -> Self {
        let axis = |which: usize, range: Option<[f64; 2]>| match range {
            Some([from, to]) => Axis::fixed(from, to, TICKS),
            None => {
                let points = chart.series.iter().flat_map(|series| &series.points);
                Axis::over(&points.map(|point| point[which]).collect::<Vec<_>>(), Scale::Linear, TICKS)
            }
        };
        let [left, top] = corner;
        let edges = [left + LEFT, top + HEADING, left + size[0] - 8, top + size[1] - FOOT];
        Self { chart, axes: [axis(0, chart.x.range), axis(1, chart.y.range)], corner, edges }
    }

    pub(super) fn draw(&self, canvas: &mut Canvas) {
        let [left, top] = self.corner;
        canvas.text(&self.chart.title, [left, top + 10], 16, BLACK);
        self.grid(canvas);
        match self.chart.behind {
            Behind::Grid => {}
            Behind::Diagonal => self.stroke(canvas, |share| [share, share], self.diagonal(), FAINT),
            Behind::Performance => self.performance(canvas),
        }
        self.chart.series.iter().for_each(|series| self.series(canvas, series));
    }

    /// The position of a point in pixels; `None` if it is not a number.
    fn at(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let [left, top, right, bottom] = self.edges.map(|edge| edge as f64);
        let (across, up) = (self.axes[0].share(x)?, self.axes[1].share(y)?);
        Some([left + across * (right - left), bottom - up * (bottom - top)])
    }

    fn grid(&self, canvas: &mut Canvas) {
        let [left, top, right, bottom] = self.edges;
        for tick in &self.axes[1].ticks {
            let Some([_, y]) = self.at([self.axes[0].from(), tick.value]) else { continue };
            canvas.fill([left, y.round() as usize], [right - left, 1], GRID);
            let x = left - text_width(&tick.label, LABELS) - 6;
            canvas.text(&tick.label, [x, y.round() as usize], LABELS, BLACK);
        }
        for tick in &self.axes[0].ticks {
            let Some([x, _]) = self.at([tick.value, self.axes[1].from()]) else { continue };
            canvas.fill([x.round() as usize, bottom], [1, 5], BLACK);
            centred(canvas, &tick.label, [x.round() as usize, bottom + 14], LABELS, BLACK);
        }
        canvas.fill([left, bottom], [right - left, 1], BLACK);
        canvas.fill([left, top], [1, bottom - top], BLACK);
        centred(canvas, &self.chart.x.name, [usize::midpoint(left, right), bottom + 32], LABELS, GREY);
        canvas.text(&self.chart.y.name, [left, top - 12], LABELS, GREY);
    }

    fn diagonal(&self) -> [f64; 2] {
        let from = self.axes[0].from().max(self.axes[1].from());
        [from, self.axes[0].to().min(self.axes[1].to())]
    }

    /// A curve through the points that a parameter between two values gives.
    fn stroke(&self, canvas: &mut Canvas, point: impl Fn(f64) -> [f64; 2], [from, to]: [f64; 2], colour: Rgb) {
        const STEPS: usize = 60;
        let points = (0..=STEPS).map(|step| point(from + (to - from) * step as f64 / STEPS as f64));
        let points: Vec<_> = points.filter_map(|point| self.at(point)).collect();
        points.windows(2).for_each(|pair| canvas.line(pair[0], pair[1], 1.0, colour));
    }

    /// CSI = 1 / (1 / success ratio + 1 / POD - 1), bias = POD / success ratio.
    fn performance(&self, canvas: &mut Canvas) {
        for csi in CRITICAL_SUCCESS {
            let detection = |success: f64| [success, 1.0 / (1.0 / csi - 1.0 / success + 1.0)];
            self.stroke(canvas, detection, [csi, 1.0], FAINT);
            if let Some([x, y]) = self.at([1.0, csi]) {
                let text = format!("{csi}");
                let place = [x as usize - text_width(&text, 11) - 3, y as usize - 6];
                canvas.text(&text, place, 11, GREY);
            }
        }
        for bias in BIASES {
            let end = f64::min(1.0, 1.0 / bias);
            self.stroke(canvas, |success| [success, bias * success], [0.0, end], GRID);
            // Apart from the numbers of the critical success index, which are at the right edge.
            let along = if bias < 1.0 { 0.72 } else { 0.88 };
            if let Some([x, y]) = self.at([along * end, along * bias * end]) {
                canvas.text(&format!("bias {bias}"), [x as usize + 2, y as usize], 11, FAINT);
            }
        }
    }

    fn series(&self, canvas: &mut Canvas, series: &Series) {
        let colour = COLOURS[series.colour % COLOURS.len()];
        let places: Vec<Option<[f64; 2]>> = series.points.iter().map(|&point| self.at(point)).collect();
        for pair in places.windows(2) {
            if let [Some(from), Some(to)] = *pair {
                match series.dashed {
                    true => dashes(canvas, from, to, colour),
                    false => canvas.line(from, to, THICKNESS, colour),
                }
            }
        }
        for (number, place) in places.iter().enumerate() {
            let Some([x, y]) = *place else { continue };
            canvas.dot([x, y], if series.dashed { 5.0 } else { 7.0 }, colour);
            if let Some(label) = series.labels.get(number) {
                canvas.text(label, [x as usize + 7, (y as usize).saturating_sub(7)], 11, colour);
            }
        }
    }
}

fn dashes(canvas: &mut Canvas, from: [f64; 2], to: [f64; 2], colour: Rgb) {
    let length = (to[0] - from[0]).hypot(to[1] - from[1]);
    let at = |along: f64| [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * (along / length).min(1.0));
    let mut along = 0.0;
    while along < length {
        canvas.line(at(along), at(along + 0.55 * DASH), 1.6, colour);
        along += DASH;
    }
}
