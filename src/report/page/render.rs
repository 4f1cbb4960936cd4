//! A page and its blocks as HTML.

use super::Page;
use super::block::{Block, Charts, Problem, Section, Tile, Tone};
use super::escape::{anchor, escape};
use super::figure::figure;
use super::film::films;
use super::head::{head, script};
use super::tables::table;
use crate::report::chart::{Backdrop, Chart, Heat};

/// The whole file.
pub(super) fn page(page: &Page) -> String {
    let refresh = page.refresh_seconds.map_or_else(String::new, |seconds| format!(" data-refresh=\"{seconds}\""));
    let sections: String = page.sections.iter().map(section).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n{}</head>\n<body{refresh}>\n<header>\n{}</header>\n{}<main>\n{sections}</main>\n\
         <footer><p>{}</p></footer>\n{}</body>\n</html>\n",
        head(page),
        masthead(page),
        contents(&page.sections),
        escape(&page.footer),
        script()
    )
}

fn masthead(page: &Page) -> String {
    let optional = |class: &str, text: &Option<String>| match text {
        Some(text) => format!("<p class=\"{class}\">{}</p>\n", escape(text)),
        None => String::new(),
    };
    let state = page.state.as_ref().map_or_else(String::new, |(word, tone)| {
        format!(" <span class=\"state {}\">{}</span>", class(*tone), escape(word))
    });
    let tiles: String = page.tiles.iter().map(tile).collect();
    let tiles = if tiles.is_empty() { tiles } else { format!("<dl class=\"tiles\">{tiles}</dl>\n") };
    format!(
        "<p class=\"kind\">{}</p>\n<h1>{}{state}</h1>\n{}{}{}{tiles}",
        escape(&page.kind),
        escape(&page.title),
        page.problem.as_ref().map_or_else(String::new, problem),
        optional("verdict", &page.verdict),
        optional("notice", &page.notice)
    )
}

fn problem(problem: &Problem) -> String {
    let remedy = match problem.remedy.as_str() {
        "" => String::new(),
        remedy => format!("<p>{}</p>", escape(remedy)),
    };
    format!("<div class=\"problem\" role=\"alert\"><p><strong>{}</strong></p>{remedy}</div>\n", escape(&problem.text))
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Busy => "busy",
        Tone::Bad => "bad",
        Tone::Quiet => "quiet",
    }
}

fn tile(tile: &Tile) -> String {
    let note = match tile.note.as_str() {
        "" => String::new(),
        note => format!("<dd class=\"note\">{}</dd>", escape(note)),
    };
    format!("<div><dt>{}</dt><dd>{}</dd>{note}</div>", escape(&tile.label), escape(&tile.value))
}

fn contents(sections: &[Section]) -> String {
    let link = |section: &Section| format!("<a href=\"#{}\">{}</a>", anchor(&section.title), escape(&section.title));
    let links: String = sections.iter().map(link).collect();
    format!("<nav aria-label=\"Sections\"><div>{links}</div></nav>\n")
}

fn section(section: &Section) -> String {
    let blocks: String = section.blocks.iter().map(block).collect();
    let id = anchor(&section.title);
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-h\">\n<h2 id=\"{id}-h\">{}</h2>\n{blocks}</section>\n",
        escape(&section.title)
    )
}

fn block(of: &Block) -> String {
    match of {
        Block::Text(text) => format!("<p>{}</p>\n", escape(text)),
        Block::Absent(text) => format!("<p class=\"absent\">{}</p>\n", escape(text)),
        Block::Facts(facts) => facts_list(facts),
        Block::Charts(of) => charts(of),
        Block::Table(grid) => table(grid, false),
        Block::Sortable(grid) => table(grid, true),
        Block::Matrix(heat, caption) => matrix(heat, caption),
        Block::Pictures(pictures) => {
            format!("<div class=\"pictures\">\n{}</div>\n", pictures.iter().map(figure).collect::<String>())
        }
        Block::Films(of) => films(of),
        Block::Moments(moments) => moments_list(moments),
        Block::Code(text) => format!("<pre tabindex=\"0\"><code>{}</code></pre>\n", escape(text)),
        Block::Folded(title, blocks) => {
            let blocks: String = blocks.iter().map(block).collect();
            format!("<details><summary>{}</summary>\n{blocks}</details>\n", escape(title))
        }
    }
}

/// A matrix in its own size; where it does not fit it becomes a quarter smaller, and scrolls inside of itself if that is not enough.
fn matrix(heat: &Heat, caption: &str) -> String {
    let scene = heat.scene();
    let width = scene.width().ceil();
    let caption =
        if caption.is_empty() { String::new() } else { format!("<figcaption>{}</figcaption>", escape(caption)) };
    format!(
        "<figure class=\"matrix\"><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><div \
         style=\"width:{width}px;max-width:max(100%,{}px)\">{}</div></div><p class=\"hint\">Scroll sideways to see all of \
         it.</p>{caption}</figure>\n",
        escape(&heat.title),
        (0.75 * width).ceil(),
        scene.svg()
    )
}

fn facts_list(facts: &[(String, String)]) -> String {
    let fact =
        |(name, value): &(String, String)| format!("<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
    format!("<dl class=\"facts\">{}</dl>\n", facts.iter().map(fact).collect::<String>())
}

fn moments_list(moments: &[(String, String)]) -> String {
    let moment = |(when, what): &(String, String)| {
        format!("<li><time>{}</time><span>{}</span></li>", escape(when), escape(what))
    };
    format!("<ol class=\"moments\">{}</ol>\n", moments.iter().map(moment).collect::<String>())
}

/// The size of a chart on a page: about a third of a desktop, and a phone's width.
const CHART: [f64; 2] = [344.0, 258.0];
/// The extra height of a chart for each series past a number of them.
const ROW: f64 = 16.0;
const MANY: usize = 3;
/// That of a diagram with names inside of it.
const DIAGRAM: [f64; 2] = [344.0, 344.0];

fn charts(of: &Charts) -> String {
    let heading = if of.title.is_empty() { String::new() } else { format!("<h3>{}</h3>\n", escape(&of.title)) };
    let caption = if of.caption.is_empty() { String::new() } else { format!("<p>{}</p>\n", escape(&of.caption)) };
    let drawn = |chart: &Chart| {
        let [width, height] = if chart.backdrop == Backdrop::Performance { DIAGRAM } else { CHART };
        // A long legend does not make the plot flat.
        let longer = ROW * chart.series.len().saturating_sub(MANY) as f64;
        format!("<figure class=\"chart\">{}</figure>\n", chart.scene([width, height + longer]).svg())
    };
    format!("{heading}{caption}<div class=\"charts\">\n{}</div>\n", of.charts.iter().map(drawn).collect::<String>())
}
