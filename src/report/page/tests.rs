//! Pages as a browser gets them: what is escaped, what is drawn, what is left out.

use super::chart::{Ink, Level, Line, Mark};
use super::*;
use crate::report::curves::Scale;

fn chart(places: &[f64], values: &[f64]) -> Chart {
    Chart {
        title: "Loss".into(),
        across: "epoch".into(),
        places: places.into(),
        scale: Scale::Linear,
        lines: vec![Line { name: "validation".into(), values: values.into(), ink: Ink::Accent }],
        levels: vec![Level { name: "persistence".into(), value: 0.5, ink: Ink::Baseline }],
        marks: vec![Mark { place: places.first().copied().unwrap_or(1.0), label: "best".into() }],
        is_small: false,
    }
}

fn drawn(chart: Chart) -> String {
    let section = Section { title: "Training".into(), blocks: vec![Block::Charts(String::new(), vec![chart])] };
    let html = Page { title: "storms".into(), sections: vec![section], ..Page::default() }.html();
    html[html.find("<main>").unwrap()..html.find("</main>").unwrap()].to_owned()
}

#[test]
fn nothing_that_comes_from_outside_becomes_markup() {
    let evil = "<script>alert(1)</script>\" onload='x'";
    let text = || evil.to_owned();
    let blocks = vec![
        Block::Text(text()),
        Block::Absent(text()),
        Block::Facts(vec![(text(), text())]),
        Block::Charts(
            text(),
            vec![Chart {
                title: text(),
                across: text(),
                lines: vec![Line { name: text(), values: vec![1.0], ink: Ink::Quiet }],
                levels: vec![Level { name: text(), value: 2.0, ink: Ink::Rival }],
                marks: vec![Mark { place: 1.0, label: text() }],
                ..chart(&[1.0], &[1.0])
            }],
        ),
        Block::Table(Grid { caption: text(), head: vec![text()], rows: vec![vec![text().into()]] }),
        Block::Pictures(vec![Picture { bytes: Vec::new(), description: text(), caption: text() }]),
        Block::Moments(vec![(text(), text())]),
        Block::Folded(text(), vec![Block::Code(text())]),
    ];
    let page = Page {
        title: text(),
        kind: text(),
        state: Some((text(), Tone::Bad)),
        verdict: Some(text()),
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
fn a_line_has_gaps_and_its_last_value_in_the_legend() {
    let html = drawn(chart(&[1.0, 2.0, 3.0, 4.0], &[0.9, f64::NAN, 0.6, 0.4]));
    let path = html.split("class=\"line ia\" d=\"").nth(2).unwrap().split('"').next().unwrap();
    assert_eq!(path.matches('M').count(), 2, "{path}");
    assert_eq!(path.matches("h0").count(), 1, "{path}");
    assert!(html.contains("validation <b>0.400</b>") && html.contains("persistence <b>0.500</b>"), "{html}");
    assert!(
        html.contains("Loss over epoch: validation goes from 0.900 to 0.400; persistence is 0.500; best at epoch 1")
    );
    assert_eq!(html.matches("<rect").count(), 3, "a place without values is not pointed at");
}

#[test]
fn one_value_and_equal_values_are_drawn_and_none_is_told() {
    let one = drawn(chart(&[1.0], &[0.3]));
    assert!(one.contains("d=\"M500 ") && one.contains("validation is 0.300"), "{one}");
    let equal = drawn(chart(&[1.0, 2.0], &[0.3, 0.3]));
    assert!(equal.contains("d=\"M20 "), "{equal}");
    for (places, values) in [(&[][..], &[][..]), (&[1.0][..], &[f64::NAN][..]), (&[1.0][..], &[f64::INFINITY][..])] {
        let html = drawn(chart(places, values));
        assert!(html.contains("No values yet.") && !html.contains("<rect"), "{html}");
    }
}

#[test]
fn what_is_no_number_never_reaches_a_coordinate() {
    let values = [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300, 0.5];
    let places: Vec<f64> = (1..=values.len()).map(|place| place as f64).collect();
    for scale in [Scale::Linear, Scale::FromZero, Scale::Logarithmic] {
        let html = drawn(Chart { scale, ..chart(&places, &values) });
        for attribute in html.split(" d=\"").skip(1).chain(html.split("style=\"").skip(1)) {
            let attribute = attribute.split('"').next().unwrap();
            assert!(!attribute.contains("NaN") && !attribute.contains("inf"), "{attribute}");
        }
    }
}

#[test]
fn long_lines_are_pointed_at_in_strips() {
    let places: Vec<f64> = (1..=1000).map(f64::from).collect();
    let html = drawn(chart(&places, &places));
    assert!((60..=120).contains(&html.matches("<rect").count()));
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
    };
    let section = Section { title: "Evaluation".into(), blocks: vec![Block::Table(grid)] };
    let html = Page { sections: vec![section], ..Page::default() }.html();
    assert!(html.contains("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Scores\"><table>"));
    assert!(html.contains("<th scope=\"row\">CSI 20</th><td class=\"best\"><strong>0.4</strong></td>"), "{html}");
    assert!(html.contains("<a href=\"#sevaluation\">Evaluation</a>") && html.contains("<section id=\"sevaluation\""));
}
