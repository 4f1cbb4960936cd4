//! A scene as SVG for a page: the page's style gives classes their colours, light and dark.

use std::fmt::Write;

use super::scene::{Anchor, BAND, Item, Scene, Text};
use crate::report::page::escape;

/// Where the middle of capital letters is above the baseline, as a share of the font size.
const MIDDLE: f64 = 0.36;

impl Scene {
    /// The scene as an element of a page.
    pub(in crate::report) fn svg(&self) -> String {
        let [width, height] = self.size.map(|side| side.ceil());
        let mut svg = format!(
            "<svg class=\"plot\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">",
            escape(&self.description)
        );
        for item in &self.items {
            // Writing to a string can't fail.
            write(&mut svg, item).unwrap_or_default();
        }
        svg + "</svg>"
    }
}

fn write(svg: &mut String, item: &Item) -> std::fmt::Result {
    match item {
        Item::Line { points, ink, width, dashes } => {
            let dashes = dashes.map_or_else(String::new, |[dash, gap]| format!(" stroke-dasharray=\"{dash} {gap}\""));
            let thin = if *width == 2.0 { String::new() } else { format!(" stroke-width=\"{width}\"") };
            write!(svg, "<path class=\"l {}\"{thin}{dashes} d=\"{}\"/>", ink.class(), path(points))
        }
        Item::Band { points, ink } => {
            let upper = points.iter().map(|[x, top, _]| [*x, *top]);
            let lower = points.iter().rev().map(|[x, _, bottom]| [*x, *bottom]);
            let d = path(&upper.chain(lower).collect::<Vec<_>>());
            write!(svg, "<path class=\"f {}\" opacity=\"{BAND}\" d=\"{d}z\"/>", ink.class())
        }
        Item::Rect { at: [x, y], size: [width, height], ink, opacity } => {
            let faint = if *opacity < 1.0 { format!(" opacity=\"{}\"", short(*opacity)) } else { String::new() };
            let [x, y, width, height] = [*x, *y, *width, *height].map(short);
            let class = ink.class();
            write!(svg, "<rect class=\"f {class}\"{faint} x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>")
        }
        Item::Cell { at: [x, y], size: [width, height], ink, opacity, text } => {
            let [x, y, width, height, opacity] = [*x, *y, *width, *height, *opacity].map(short);
            let (class, text) = (ink.class(), escape(text));
            write!(
                svg,
                "<rect class=\"c {class}\" opacity=\"{opacity}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" \
                 height=\"{height}\"><title>{text}</title></rect>"
            )
        }
        Item::Dot { at: [x, y], radius, ink } => {
            let class = ink.class();
            let radius = short(*radius);
            write!(svg, "<circle class=\"f {class}\" cx=\"{}\" cy=\"{}\" r=\"{radius}\"/>", short(*x), short(*y))
        }
        Item::Text(text) => svg.write_str(&of_text(text)),
        Item::Hover { at: [x, y], size: [width, height], text } => {
            let [x, y, width, height] = [*x, *y, *width, *height].map(short);
            let text = escape(text);
            write!(
                svg,
                "<rect class=\"h\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"><title>{text}</title></rect>"
            )
        }
    }
}

fn of_text(text: &Text) -> String {
    let [x, y] = text.at;
    let anchor = match text.anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let place = match text.is_upright {
        true => format!("transform=\"translate({} {}) rotate(-90)\"", short(x + MIDDLE * text.size), short(y)),
        false => format!("x=\"{}\" y=\"{}\"", short(x), short(y + MIDDLE * text.size)),
    };
    let bold = if text.is_bold { " b" } else { "" };
    let (class, words) = (text.ink.class(), escape(&text.text));
    format!("<text class=\"f {class}{bold}\" font-size=\"{}\"{anchor} {place}>{words}</text>", text.size)
}

fn path(points: &[[f64; 2]]) -> String {
    let mut path = String::new();
    for (at, [x, y]) in points.iter().enumerate() {
        write!(path, "{}{} {}", if at == 0 { "M" } else { "L" }, short(*x), short(*y)).unwrap_or_default();
    }
    path
}

/// A number with two decimals, if it needs them.
fn short(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    // Minus zero is zero.
    (rounded + 0.0).to_string()
}
