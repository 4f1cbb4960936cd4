//! The text above a chart: the names of its lines with their last values, and the same in words for those who can't see it.

use super::{Chart, Ink};
use crate::report::curves::brief;
use crate::report::page::escape::escape;

/// The names with their swatches.
pub(super) fn legend(chart: &Chart) -> String {
    let lines = chart.lines.iter().filter_map(|line| Some((&line.name, line.ink, last(&line.values)?)));
    let levels = chart.levels.iter().map(|level| (&level.name, level.ink, level.value));
    let entries = lines.chain(levels).map(|(name, ink, value)| entry(name, ink, value));
    format!("<ul class=\"legend\">{}</ul>", entries.collect::<String>())
}

fn entry(name: &str, ink: Ink, value: f64) -> String {
    format!(
        "<li><svg class=\"swatch\" viewBox=\"0 0 18 4\" aria-hidden=\"true\"><path class=\"line {}\" d=\"M1 2h16\"/></svg>\
         {} <b>{}</b></li>",
        ink.class(),
        escape(name),
        escape(&brief(value))
    )
}

/// The chart in words.
pub(super) fn description(chart: &Chart) -> String {
    let told = chart.lines.iter().filter_map(|line| {
        let numbers: Vec<f64> = line.values.iter().copied().filter(|value| value.is_finite()).collect();
        let (first, last) = (numbers.first()?, numbers.last()?);
        Some(match numbers.len() {
            1 => format!("{} is {}", line.name, brief(*last)),
            _ => format!("{} goes from {} to {}", line.name, brief(*first), brief(*last)),
        })
    });
    let levels = chart.levels.iter().map(|level| format!("{} is {}", level.name, brief(level.value)));
    let marks = chart.marks.iter().map(|mark| format!("{} at {} {}", mark.label, chart.across, brief(mark.place)));
    let all: Vec<String> = told.chain(levels).chain(marks).collect();
    format!("{} over {}: {}", chart.title, chart.across, all.join("; "))
}

fn last(values: &[f64]) -> Option<f64> {
    values.iter().rev().copied().find(|value| value.is_finite())
}
