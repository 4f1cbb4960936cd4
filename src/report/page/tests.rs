//! Pages as a browser gets them: what is escaped, what is drawn, what is left out.

use super::*;
use crate::report::chart::{AxisOf, Chart, Heat, Ink, Level, Mark, Says, Series, Shade};
use crate::report::strip::Strip;

#[test]
fn nothing_that_comes_from_outside_becomes_markup() {
    let evil = "<script>alert(1)</script>\" onload='x'";
    let text = || evil.to_owned();
    let blocks = vec![
        Block::Text(text()),
        Block::Absent(text()),
        Block::Facts(vec![(text(), text())]),
        Block::Charts(Charts {
            title: text(),
            caption: text(),
            charts: vec![Chart {
                title: text(),
                across: AxisOf::named(text()),
                up: AxisOf::named(text()),
                series: vec![Series {
                    labels: vec![text()],
                    ..Series::line(text(), Ink::Quiet, vec![[1.0, 1.0]]).told_at(1.0)
                }],
                levels: vec![Level { name: text(), value: 2.0, ink: Ink::Rival }],
                marks: vec![Mark { place: 1.0, label: text() }],
                when: text(),
                ..Chart::default()
            }],
        }),
        Block::Table(Grid { caption: text(), head: vec![text()], rows: vec![vec![text().into()]], is_stacked: true }),
        Block::Pictures(vec![Picture { bytes: Vec::new(), description: text(), caption: text(), link: text() }]),
        Block::Films(vec![Film {
            bytes: Vec::new(),
            strip: Strip {
                title: text(),
                panels: vec![text()],
                size: [1, 1],
                moments: vec![text()],
                before: 0,
                scale: vec![(text(), text())],
                unit: text(),
            },
        }]),
        Block::Sortable(Grid {
            caption: text(),
            head: vec![text()],
            rows: vec![vec![text().into()]],
            is_stacked: false,
        }),
        Block::Matrix(
            Heat {
                title: text(),
                note: text(),
                names: vec![text(), text()],
                counts: vec![1, 2, 0, 3],
                says: Says::Counts,
                shade: Shade::Share,
            },
            text(),
        ),
        Block::Moments(vec![(text(), text())]),
        Block::Folded(text(), vec![Block::Code(text())]),
    ];
    let page = Page {
        title: text(),
        kind: text(),
        state: Some((text(), Tone::Bad)),
        verdict: Some(text()),
        problem: Some(Problem { text: text(), remedy: text() }),
        notice: Some(text()),
        refresh_seconds: Some(5),
        tiles: vec![Tile { label: text(), value: text(), note: text() }],
        sections: vec![Section { title: text(), blocks }],
        footer: text(),
    };
    let html = page.html();
    assert_eq!(html.matches("<script").count(), 1, "only its own");
    assert!(!html.contains("onload='") && !html.contains("\" onload"));
    assert!(html.matches("&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&#39;x&#39;").count() > 20);
}

#[test]
fn a_failure_and_what_to_do_come_before_everything_else() {
    let problem = Problem { text: "The loss was not finite.".into(), remedy: "What to do: lower the rate.".into() };
    let html =
        Page { title: "storms".into(), problem: Some(problem), verdict: Some("The best".into()), ..Page::default() }
            .html();
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}: {html}"));
    assert!(at("</h1>") < at("The loss was not finite.") && at("lower the rate.") < at("The best"));
}

#[test]
fn only_a_page_that_still_changes_is_read_again() {
    let page = Page { title: "storms".into(), ..Page::default() };
    assert!(!page.html().contains("http-equiv=\"refresh\"") && !page.html().contains("data-refresh"));
    let html = Page { refresh_seconds: Some(30), ..page }.html();
    assert!(html.contains("http-equiv=\"refresh\" content=\"30\"") && html.contains("data-refresh=\"30\""));
}

#[test]
fn tables_scroll_inside_of_themselves_and_mark_the_best() {
    let cell = |text: &str, is_best| Cell { text: text.into(), note: String::new(), is_best };
    let grid = Grid {
        caption: "Scores".into(),
        head: vec!["score".into(), "model".into()],
        rows: vec![vec![cell("CSI 20", false), cell("0.4", true)]],
        is_stacked: true,
    };
    let section = Section { title: "Evaluation".into(), blocks: vec![Block::Table(grid)] };
    let html = Page { sections: vec![section], ..Page::default() }.html();
    assert!(html.contains(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Scores\"><table class=\"stacked\">"
    ));
    assert!(
        html.contains("<th scope=\"row\">CSI 20</th><td class=\"best\" data-of=\"model\"><strong>0.4</strong></td>"),
        "{html}"
    );
    assert!(!html.contains("class=\"sortable\""));
    let grid =
        Grid { head: vec!["class".into(), "F1".into()], rows: vec![vec!["a".into(), "1".into()]], ..Grid::default() };
    let section = Section { title: "Evaluation".into(), blocks: vec![Block::Sortable(grid)] };
    let html = Page { sections: vec![section], ..Page::default() }.html();
    assert!(html.contains("<th scope=\"row\">a</th><td>1</td>"), "a table of hundreds of rows is small: {html}");
    assert!(html.contains("<a href=\"#sevaluation\">Evaluation</a>") && html.contains("<section id=\"sevaluation\""));
}

#[test]
fn a_large_matrix_fits_a_desktop_and_scrolls_with_a_hint_where_it_does_not_fit() {
    let classes = 94;
    let heat = Heat {
        names: (0..classes).map(|class| format!("class {class}")).collect(),
        counts: (0..classes * classes).map(|place| u64::from(place % (classes + 1) == 0)).collect(),
        ..Heat::default()
    };
    let section = Section { title: "Evaluation".into(), blocks: vec![Block::Matrix(heat, String::new())] };
    let html = Page { sections: vec![section], ..Page::default() }.html();
    let (_, rest) = html.split_once("style=\"width:").unwrap();
    let number = |text: &str| -> f64 { text.split_once("px").unwrap().0.parse().unwrap() };
    let (whole, least) = (number(rest), number(rest.split_once(";max-width:max(100%,").unwrap().1));
    assert!(whole > 1120.0 && least < 1000.0, "{whole} {least}");
    assert!(rest.contains("<p class=\"hint\">Scroll sideways"));
    // One element for each cell that says something.
    assert_eq!(rest.matches("<title>").count(), classes);
    assert_eq!(rest.matches("<rect class=\"c ").count(), classes);
}
