//! One panel of curves: its scale, its lines and its marks.

use super::axis::{Axis, round_step};
use super::legend::{Legend, dashes};
use super::{Curves, Line, Mark, Panel, colour};
use crate::report::canvas::{BLACK, Canvas, GREY, Rgb, WHITE};
use crate::report::text_width::{centred, text_width};

const PLOT_HEIGHT: usize = 210;
const HEADING: usize = 26;
/// A row of labels above the plot.
const STRIP: usize = 18;
/// Numbers and name of the horizontal axis.
const FOOT: usize = 48;
const GAP: usize = 8;
const TICKS: usize = 6;
const LABELS: usize = 13;
const THICKNESS: f64 = 2.0;
const GRID: Rgb = [228; 3];
const MARK: Rgb = [150; 3];

/// How tall each panel is: with room for the rows of labels, and for the longest legend.
pub(super) fn height(curves: &Curves, legend: &Legend) -> usize {
    HEADING + strips(curves) * STRIP + PLOT_HEIGHT.max(legend.height()) + FOOT
}

fn strips(curves: &Curves) -> usize {
    usize::from(curves.best.is_some()) + usize::from(!curves.begins.is_empty())
}

/// Room for the numbers of the vertical axis, as much for all panels, so that they line up.
pub(super) fn numbers_width(panels: &[Panel]) -> usize {
    let ticks = panels.iter().flat_map(|panel| axis(panel).ticks);
    ticks.map(|tick| text_width(&tick.label, LABELS)).max().unwrap_or(0) + GAP
}

fn axis(panel: &Panel) -> Axis {
    let lines = panel.lines.iter().flat_map(|line| line.values.iter().copied());
    let values: Vec<f64> = lines.chain(panel.levels.iter().map(|level| level.value)).collect();
    Axis::over(&values, panel.scale, TICKS)
}

/// The position of a panel's plot, and what its pixels mean.
pub(super) struct Plot<'a> {
    curves: &'a Curves,
    panel: &'a Panel,
    axis: Axis,
    corner: [usize; 2],
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
}

impl<'a> Plot<'a> {
    /// The plot of a panel whose upper left corner and size are given; the legend takes its part on the right.
    pub(super) fn of(
        curves: &'a Curves,
        panel: &'a Panel,
        [corner, size]: [[usize; 2]; 2],
        [numbers, legend]: [usize; 2],
    ) -> Self {
        Self {
            curves,
            panel,
            axis: axis(panel),
            corner,
            left: corner[0] + numbers,
            right: corner[0] + size[0] - legend - 2 * GAP,
            top: corner[1] + HEADING + strips(curves) * STRIP,
            bottom: corner[1] + size[1] - FOOT,
        }
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, legend: &Legend) {
        canvas.text(&self.panel.title, [self.corner[0], self.corner[1] + 10], 16, BLACK);
        self.grid(canvas);
        self.epochs(canvas);
        self.marks(canvas);
        for level in &self.panel.levels {
            if let Some(y) = self.y(level.value) {
                dashes(canvas, [self.left, y.round() as usize], self.right - self.left, colour(level.colour));
            }
        }
        self.panel.lines.iter().for_each(|line| self.line(canvas, line));
        self.panel.lines.iter().for_each(|line| self.ring(canvas, line));
        legend.draw(canvas, [self.right + 2 * GAP, self.top], self.panel);
    }

    /// Half an epoch is left free at both ends, so that a single one is in the middle.
    fn x(&self, epoch: f64) -> f64 {
        let (first, last) = (self.epoch(0), self.epoch(self.curves.epochs.len().saturating_sub(1)));
        let share = (epoch - first + 0.5) / (last - first + 1.0);
        self.left as f64 + share.clamp(0.0, 1.0) * (self.right - self.left) as f64
    }

    fn epoch(&self, index: usize) -> f64 {
        self.curves.epochs.get(index).copied().unwrap_or(1) as f64
    }

    fn y(&self, value: f64) -> Option<f64> {
        let share = self.axis.share(value)?;
        Some(self.bottom as f64 - share * (self.bottom - self.top) as f64)
    }

    fn grid(&self, canvas: &mut Canvas) {
        for tick in &self.axis.ticks {
            if let Some(y) = self.y(tick.value).map(|y| y.round() as usize) {
                canvas.fill([self.left, y], [self.right - self.left, 1], GRID);
                let x = self.left - text_width(&tick.label, LABELS) - GAP;
                canvas.text(&tick.label, [x, y], LABELS, BLACK);
            }
        }
        canvas.fill([self.left, self.bottom], [self.right - self.left, 1], BLACK);
    }

    /// The numbers of epochs that are whole steps, no closer than they can be read.
    fn epochs(&self, canvas: &mut Canvas) {
        let (Some(&first), Some(&last)) = (self.curves.epochs.first(), self.curves.epochs.last()) else { return };
        let room = text_width(&last.to_string(), LABELS) + 24;
        let most = ((self.right - self.left) / room).max(1) as f64;
        let (digit, exponent) = round_step((((last - first) as f64) / most).max(1.0));
        let step = (digit * 10_f64.powi(exponent)) as u64;
        for epoch in (first..=last).filter(|epoch| epoch.is_multiple_of(step) || first == last) {
            let x = self.x(epoch as f64).round() as usize;
            canvas.fill([x, self.bottom], [1, 5], BLACK);
            centred(canvas, &epoch.to_string(), [x, self.bottom + 15], LABELS, BLACK);
        }
        centred(canvas, "epoch", [usize::midpoint(self.left, self.right), self.bottom + 34], LABELS, GREY);
    }

    fn marks(&self, canvas: &mut Canvas) {
        let strip = |row: usize| self.top - row * STRIP + STRIP / 2 - 1;
        let mut free_from = 0;
        for begin in &self.curves.begins {
            let x = self.x(begin.epoch as f64 - 0.5).round() as usize;
            (self.top..self.bottom).step_by(6).for_each(|y| canvas.fill([x, y], [1, 3.min(self.bottom - y)], MARK));
            self.label(canvas, &begin.label, [x, strip(1)], &mut free_from);
        }
        if let Some(Mark { epoch, label }) = &self.curves.best {
            let x = self.x(*epoch as f64).round() as usize;
            canvas.fill([x, self.top], [1, self.bottom - self.top], MARK);
            self.label(canvas, label, [x, strip(strips(self.curves))], &mut 0);
        }
    }

    /// Above the plot, between its sides, and only if there is room for it.
    fn label(&self, canvas: &mut Canvas, label: &str, [x, y]: [usize; 2], free_from: &mut usize) {
        let half = text_width(label, LABELS).div_ceil(2);
        let middle = x.min(self.right.saturating_sub(half)).max(self.left + half);
        if middle - half >= *free_from {
            centred(canvas, label, [middle, y], LABELS, GREY);
            *free_from = middle + half + GAP;
        }
    }

    /// Neighbouring epochs are joined; a value without neighbours is a dot.
    fn line(&self, canvas: &mut Canvas, line: &Line) {
        let points: Vec<Option<[f64; 2]>> = self.points(line).collect();
        let joined = |left: usize| {
            let neighbours = self.epoch(left + 1) - self.epoch(left) == 1.0;
            points.get(left).copied().flatten().zip(points.get(left + 1).copied().flatten()).filter(|_| neighbours)
        };
        for (index, point) in points.iter().enumerate() {
            match (point, joined(index)) {
                (_, Some((from, to))) => canvas.line(from, to, THICKNESS, colour(line.colour)),
                (Some(point), None) if index.checked_sub(1).and_then(joined).is_none() => {
                    canvas.dot(*point, 3.0 * THICKNESS, colour(line.colour));
                }
                _ => {}
            }
        }
    }

    fn points(&self, line: &Line) -> impl Iterator<Item = Option<[f64; 2]>> {
        line.values.iter().zip(&self.curves.epochs).map(|(&value, &epoch)| Some([self.x(epoch as f64), self.y(value)?]))
    }

    /// Around the value of the best epoch.
    fn ring(&self, canvas: &mut Canvas, line: &Line) {
        let best = self.curves.best.as_ref().and_then(|best| self.curves.epochs.iter().position(|&e| e == best.epoch));
        if let Some(point) = best.and_then(|index| self.points(line).nth(index).flatten()) {
            canvas.dot(point, 9.0, colour(line.colour));
            canvas.dot(point, 5.0, WHITE);
        }
    }
}
