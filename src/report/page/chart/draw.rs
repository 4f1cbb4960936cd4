//! A chart as HTML: lines and gridlines as SVG, numbers and names as text around it.

use std::fmt::Write;

use super::legend::{description, legend};
use super::path::{HEIGHT, Point, WIDTH, brief as coordinate, path};
use super::ticks::Across;
use super::{Chart, Ink};
use crate::report::curves::{Axis, brief};
use crate::report::page::escape::escape;

/// More strips than this are too narrow to be pointed at.
const STRIPS: usize = 120;

/// The chart as a figure; if it has no value at all, a line that says so.
pub(in crate::report::page) fn chart(chart: &Chart) -> String {
    let size = if chart.is_small { " small" } else { "" };
    let title = escape(&chart.title);
    let (Some(across), true) = (Across::over(&chart.places), has_values(chart)) else {
        return format!(
            "<figure class=\"chart{size}\"><figcaption>{title}</figcaption><p class=\"absent\">No values yet.</p></figure>"
        );
    };
    let plot = Plot::of(chart, across);
    format!(
        "<figure class=\"chart{size}\"><figcaption>{title}</figcaption>{}<div class=\"plot\" style=\"--y:{}ch\">{}{}{}</div>\
         <p class=\"across\">{}</p></figure>\n",
        legend(chart),
        plot.numbers_width(),
        plot.numbers(),
        plot.svg(),
        plot.marks(),
        escape(&chart.across)
    )
}

fn has_values(chart: &Chart) -> bool {
    chart.lines.iter().flat_map(|line| &line.values).any(|value| value.is_finite())
}

/// A chart with its axes.
struct Plot<'a> {
    chart: &'a Chart,
    across: Across,
    up: Axis,
}

impl<'a> Plot<'a> {
    fn of(chart: &'a Chart, across: Across) -> Self {
        let levels = chart.levels.iter().map(|level| level.value);
        let values: Vec<f64> = chart.lines.iter().flat_map(|line| line.values.iter().copied()).chain(levels).collect();
        let ticks = if chart.is_small { 4 } else { 5 };
        Self { chart, across, up: Axis::over(&values, chart.scale, ticks) }
    }

    fn numbers_width(&self) -> usize {
        self.up.ticks.iter().map(|tick| tick.label.chars().count()).max().unwrap_or(1)
    }

    /// The numbers beside both axes. For those who can't see the chart, they are in its description.
    fn numbers(&self) -> String {
        let mut text = String::from("<div class=\"numbers\" aria-hidden=\"true\">");
        for tick in &self.up.ticks {
            if let Some(share) = self.up.share(tick.value) {
                write!(text, "<span class=\"y\" style=\"bottom:{}%\">{}</span>", percent(share), tick.label)
                    .unwrap_or_default();
            }
        }
        let most = if self.chart.is_small { 5 } else { 8 };
        for tick in self.across.ticks(most, &self.chart.places) {
            let share = percent(self.across.share(tick.value));
            write!(text, "<span class=\"x\" style=\"left:{share}%\">{}</span>", tick.label).unwrap_or_default();
        }
        text + "</div>"
    }

    fn svg(&self) -> String {
        let label = escape(&description(self.chart));
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{label}\">"
        );
        for share in self.up.ticks.iter().filter_map(|tick| self.up.share(tick.value)) {
            write!(svg, "<path class=\"grid\" d=\"M0 {}h{WIDTH}\"/>", coordinate((1.0 - share) * HEIGHT))
                .unwrap_or_default();
        }
        for mark in &self.chart.marks {
            let x = coordinate(self.across.share(mark.place) * WIDTH);
            write!(svg, "<path class=\"mark\" d=\"M{x} 0v{HEIGHT}\"/>").unwrap_or_default();
        }
        for level in &self.chart.levels {
            if let Some(share) = self.up.share(level.value) {
                let y = coordinate((1.0 - share) * HEIGHT);
                write!(svg, "<path class=\"line {}\" d=\"M0 {y}h{WIDTH}\"/>", level.ink.class()).unwrap_or_default();
            }
        }
        // The main lines are drawn on top.
        let (above, below): (Vec<_>, Vec<_>) = self.chart.lines.iter().partition(|line| line.ink == Ink::Accent);
        for line in below.into_iter().chain(above) {
            let d = path(&self.points(&line.values));
            if !d.is_empty() {
                write!(svg, "<path class=\"line {}\" d=\"{d}\"/>", line.ink.class()).unwrap_or_default();
            }
        }
        svg + &self.strips() + "</svg>"
    }

    fn points(&self, values: &[f64]) -> Vec<Point> {
        let point = |(place, value): (&f64, &f64)| {
            place.is_finite().then_some(())?;
            Some([self.across.share(*place), self.up.share(*value)?])
        };
        self.chart.places.iter().zip(values).map(point).collect()
    }

    /// A strip for each place that shows its values on hover.
    fn strips(&self) -> String {
        let every = self.chart.places.len().div_ceil(STRIPS).max(1);
        let told: Vec<(f64, String)> = self
            .chart
            .places
            .iter()
            .enumerate()
            .step_by(every)
            .filter_map(|(at, place)| Some((self.across.share(*place), self.told(at)?)))
            .collect();
        let mut strips = String::new();
        for (at, (share, text)) in told.iter().enumerate() {
            let middle =
                |other: Option<&(f64, String)>, end: f64| other.map_or(end, |(other, _)| f64::midpoint(*share, *other));
            let from = middle(at.checked_sub(1).and_then(|before| told.get(before)), 0.0);
            let to = middle(told.get(at + 1), 1.0);
            write!(
                strips,
                "<rect x=\"{}\" width=\"{}\" height=\"{HEIGHT}\"><title>{}</title></rect>",
                coordinate(from * WIDTH),
                coordinate((to - from) * WIDTH),
                escape(text)
            )
            .unwrap_or_default();
        }
        strips
    }

    /// The values at a place; `None` if there are none.
    fn told(&self, at: usize) -> Option<String> {
        let lines = self.chart.lines.iter().filter_map(|line| {
            let value = line.values.get(at).filter(|value| value.is_finite())?;
            Some(format!("{} {}", line.name, brief(*value)))
        });
        let lines: Vec<String> = lines.collect();
        let place = self.chart.places.get(at).filter(|_| !lines.is_empty())?;
        Some(format!("{} {}\n{}", self.chart.across, round(*place), lines.join("\n")))
    }

    fn marks(&self) -> String {
        let mark = |mark: &super::Mark| {
            let share = self.across.share(mark.place);
            let side = if share > 0.6 { " left" } else { "" };
            format!("<span class=\"label{side}\" style=\"--at:{}%\">{}</span>", percent(share), escape(&mark.label))
        };
        let marks: String = self.chart.marks.iter().map(mark).collect();
        format!("<div class=\"labels\" aria-hidden=\"true\">{marks}</div>")
    }
}

fn percent(share: f64) -> String {
    coordinate(100.0 * share)
}

fn round(place: f64) -> String {
    ((place * 100.0).round() / 100.0).to_string()
}
