//! Turns a chart into a scene: title, legend, axes, background, series, and the texts shown when pointing at a place.

use super::axis::{Axis, brief};
use super::labels::Labels;
use super::scene::{Anchor, BOLD, Item, Scene, Text, width};
use super::{Chart, Ink, Look, Scale, Series, backdrop, legend};
use crate::report::text_width::lines;

const TITLE: f64 = 14.0;
const TITLE_ROW: f64 = 19.0;
const NUMBERS: f64 = 11.5;
/// The approximate number of ticks on the vertical axis; on the horizontal one a tick needs this many pixels.
const TICKS: usize = 5;
const PER_TICK: f64 = 48.0;
/// Room for the numbers below the frame, and for the name of the axis below them.
const FOOT: f64 = 20.0;
const NAME: f64 = 16.0;
/// Room for names of marks above the frame.
const MARKS: f64 = 16.0;
const THICKNESS: f64 = 2.0;
/// Those of a level.
const DASHES: Option<[f64; 2]> = Some([5.0, 3.5]);
/// More places than this are too narrow to be pointed at.
const STRIPS: usize = 120;

/// A chart with its axes and the edges of its frame.
pub(super) struct Plot<'a> {
    pub(super) chart: &'a Chart,
    pub(super) axes: [Axis; 2],
    /// The corner and the size of the frame.
    frame: [[f64; 2]; 2],
}

impl Chart {
    /// The chart at this size.
    pub(in crate::report) fn scene(&self, size: [f64; 2]) -> Scene {
        let mut scene = Scene { size, items: Vec::new(), description: self.description() };
        let mut top = 0.0;
        for line in lines(&self.title, |text| BOLD * width(text, TITLE) <= size[0]) {
            scene.text(Text::new(line, [0.0, top + TITLE_ROW / 2.0], TITLE, Ink::Text).bold());
            top += TITLE_ROW;
        }
        if !self.has_values() {
            scene.text(Text::new("No values yet.", [0.0, top + 12.0], 12.5, Ink::Soft));
            return Scene { size: [size[0], top + 26.0], ..scene };
        }
        top = legend::draw(&mut scene, self, top, size[0]);
        if !self.up.name.is_empty() {
            scene.text(Text::new(&self.up.name, [0.0, top + 9.0], NUMBERS, Ink::Soft));
            top += NAME;
        }
        Plot::of(self, top, size).draw(&mut scene);
        scene
    }
}

impl<'a> Plot<'a> {
    fn of(chart: &'a Chart, top: f64, [right, bottom]: [f64; 2]) -> Self {
        let across = axis(chart, 0, ((right - 40.0) / PER_TICK) as usize);
        let up = axis(chart, 1, TICKS);
        let numbers = up.ticks.iter().map(|tick| width(&tick.label, NUMBERS)).fold(0.0, f64::max);
        let last = across.ticks.last().map_or(0.0, |tick| width(&tick.label, NUMBERS) / 2.0);
        let left = (numbers + 8.0).ceil();
        let top = (top + if chart.marks.is_empty() { 8.0 } else { MARKS }).ceil();
        let foot = FOOT + if chart.across.name.is_empty() { 0.0 } else { NAME };
        // The frame keeps some height however long a legend is.
        let size = [(right - left - last.max(4.0)).floor(), (bottom - foot - top).max(60.0).floor()];
        Self { chart, axes: [across, up], frame: [[left, top], size] }
    }

    /// The position of a point in pixels; `None` if it is not a number.
    pub(super) fn at(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let [[left, top], [width, height]] = self.frame;
        let (across, up) = (self.axes[0].share(x)?, self.axes[1].share(y)?);
        Some([left + across * width, top + (1.0 - up) * height])
    }

    fn draw(&self, scene: &mut Scene) {
        self.grid(scene);
        let mut labels = Labels::within(self.frame);
        backdrop::draw(scene, self).into_iter().for_each(|place| labels.keep_free(place));
        self.marks(scene);
        let [[left, _], [width, _]] = self.frame;
        for level in &self.chart.levels {
            if let Some([_, y]) = self.at([self.axes[0].ends()[0], level.value]) {
                let (points, dashes) = (vec![[left, y], [left + width, y]], level.ink.dashes().or(DASHES));
                scene.items.push(Item::Line { points, ink: level.ink, width: 1.5, dashes });
            }
        }
        // The main lines are drawn on top.
        let (above, below): (Vec<_>, Vec<_>) = self.chart.series.iter().partition(|series| series.ink == Ink::Accent);
        for series in below.iter().chain(&above) {
            self.series(scene, series);
        }
        for series in above.iter().chain(&below) {
            self.names(scene, series, &mut labels);
        }
        self.strips(scene);
    }

    fn grid(&self, scene: &mut Scene) {
        let [[left, top], [length, height]] = self.frame;
        let [x, y] = self.axes.each_ref().map(|axis| axis.ends()[0]);
        for tick in &self.axes[1].ticks {
            let Some([_, y]) = self.at([x, tick.value]) else { continue };
            scene.line(vec![[left, y.round()], [left + length, y.round()]], Ink::Grid, 1.0);
            let number = Text::new(&tick.label, [left - 7.0, y.round()], NUMBERS, Ink::Soft);
            scene.text(number.anchor(Anchor::End));
        }
        let mut free_from = f64::NEG_INFINITY;
        for tick in &self.axes[0].ticks {
            let Some([x, _]) = self.at([tick.value, y]) else { continue };
            let number = Text::new(&tick.label, [x, top + height + 13.0], NUMBERS, Ink::Soft).anchor(Anchor::Middle);
            let [[from, _], [wide, _]] = number.covers();
            if from >= free_from {
                free_from = from + wide + 4.0;
                scene.text(number);
            }
        }
        let end = [left + length, top + height + FOOT + 9.0];
        if !self.chart.across.name.is_empty() {
            scene.text(Text::new(&self.chart.across.name, end, NUMBERS, Ink::Soft).anchor(Anchor::End));
        }
    }

    /// Dashed lines, their names above the frame, none over another.
    fn marks(&self, scene: &mut Scene) {
        let [[left, top], [length, height]] = self.frame;
        let mut labels = Labels::within([[0.0, top - MARKS], [left + length + 8.0, MARKS]]);
        // The last one matters most.
        for mark in self.chart.marks.iter().rev() {
            let Some(share) = self.axes[0].share(mark.place) else { continue };
            let x = left + share * length;
            let points = vec![[x, top - 2.0], [x, top + height]];
            scene.items.push(Item::Line { points, ink: Ink::Soft, width: 1.0, dashes: Some([1.0, 3.0]) });
            let name = Text::new(&mark.label, [x, top - 8.5], NUMBERS, Ink::Soft);
            let sides = [Anchor::Middle, Anchor::Start, Anchor::End].map(|anchor| name.clone().anchor(anchor));
            labels.first_free(scene, sides);
        }
    }

    fn series(&self, scene: &mut Scene, series: &Series) {
        let places: Vec<Option<[f64; 2]>> = series.points.iter().map(|&point| self.at(point)).collect();
        if let Look::Bars(wide) = series.look {
            return self.bars(scene, series, wide);
        }
        self.band(scene, series);
        for part in places.split(Option::is_none).filter(|part| !part.is_empty()) {
            let points: Vec<[f64; 2]> = part.iter().copied().flatten().collect();
            match points.as_slice() {
                [alone] => scene.items.push(Item::Dot { at: *alone, radius: 2.0, ink: series.ink }),
                _ => scene.line(points, series.ink, THICKNESS),
            }
        }
        if series.look == Look::Dots {
            let radius = |number: usize| series.sizes.get(number).map_or(3.0, |size| size / 2.0);
            let dots = places.into_iter().enumerate().filter_map(|(number, at)| Some((at?, radius(number))));
            scene.items.extend(dots.map(|(at, radius)| Item::Dot { at, radius, ink: series.ink }));
        }
    }

    fn band(&self, scene: &mut Scene, series: &Series) {
        let edges = series.points.iter().zip(&series.band).filter_map(|(point, [low, high])| {
            let ([x, top], [_, bottom]) = (self.at([point[0], *high])?, self.at([point[0], *low])?);
            Some([x, top, bottom])
        });
        let points: Vec<[f64; 3]> = edges.collect();
        if points.len() > 1 {
            scene.items.push(Item::Band { points, ink: series.ink });
        }
    }

    fn bars(&self, scene: &mut Scene, series: &Series, wide: f64) {
        let [[_, top], [_, height]] = self.frame;
        for &[x, y] in &series.points {
            let sides = self.at([x - wide / 2.0, y]).zip(self.at([x + wide / 2.0, y]));
            if let Some(([left, up], [right, _])) = sides {
                scene.rect([left, up], [(right - left).max(1.0), top + height - up], series.ink, 1.0);
            }
        }
    }

    fn names(&self, scene: &mut Scene, series: &Series, labels: &mut Labels) {
        for (point, name) in series.points.iter().zip(&series.labels).filter(|(_, name)| !name.is_empty()) {
            if let Some(at) = self.at(*point) {
                labels.beside(scene, name, at, series.ink);
            }
        }
    }

    /// A strip for each place across that shows its values.
    fn strips(&self, scene: &mut Scene) {
        let mut places: Vec<f64> =
            self.chart.series.iter().flat_map(|series| &series.points).map(|point| point[0]).collect();
        places.retain(|place| place.is_finite());
        places.sort_by(f64::total_cmp);
        places.dedup();
        let every = places.len().div_ceil(STRIPS).max(1);
        let told = places.iter().step_by(every).filter_map(|place| Some((*place, self.told(*place)?)));
        let told: Vec<(f64, String)> = told.collect();
        let [[left, top], [length, height]] = self.frame;
        let x = |place: f64| left + self.axes[0].share(place).unwrap_or(0.5) * length;
        for (at, (place, text)) in told.iter().enumerate() {
            let before = at.checked_sub(1).map_or(left, |before| f64::midpoint(x(told[before].0), x(*place)));
            let after = told.get(at + 1).map_or(left + length, |next| f64::midpoint(x(next.0), x(*place)));
            scene.items.push(Item::Hover { at: [before, top], size: [after - before, height], text: text.clone() });
        }
    }

    /// The values at a place; `None` if there are none.
    fn told(&self, place: f64) -> Option<String> {
        let values = self.chart.series.iter().filter_map(|series| {
            let point = series.points.iter().find(|point| point[0] == place && point[1].is_finite())?;
            Some(format!("{} {}", series.name, brief(point[1])).trim().to_owned())
        });
        let values: Vec<String> = values.collect();
        let place = (place * 100.0).round() / 100.0;
        (!values.is_empty()).then(|| format!("{} {place}\n{}", self.chart.across.name, values.join("\n")))
    }
}

fn axis(chart: &Chart, which: usize, ticks: usize) -> Axis {
    let of = if which == 0 { &chart.across } else { &chart.up };
    if let Some([from, to]) = of.range {
        return Axis::fixed(from, to, ticks);
    }
    let points = chart.series.iter().flat_map(|series| &series.points).map(|point| point[which]);
    if which == 0 && of.scale == Scale::Linear {
        return Axis::along(&points.collect::<Vec<_>>(), ticks);
    }
    let bands = chart.series.iter().flat_map(|series| series.band.iter().flatten().copied());
    let levels = chart.levels.iter().map(|level| level.value);
    Axis::over(&points.chain(bands).chain(levels).collect::<Vec<_>>(), of.scale, ticks)
}
