//! Charts as scenes: what is drawn where, and that no text covers another or leaves the picture, whatever there is to show.

use super::scene::{Item, Text, overlap};
use super::*;

fn chart(values: &[f64]) -> Chart {
    let points = (1..).map(f64::from).zip(values.iter().copied()).map(|(x, y)| [x, y]).collect();
    Chart {
        title: "Loss".into(),
        across: AxisOf::named("epoch"),
        series: vec![Series::line("validation", Ink::Accent, points).told_at(2.0)],
        levels: vec![Level { name: "persistence".into(), value: 0.5, ink: Ink::Baseline }],
        marks: vec![Mark { place: 2.0, label: "best: epoch 2".into() }],
        when: "epoch 2".into(),
        ..Chart::default()
    }
}

fn texts(scene: &Scene) -> Vec<&Text> {
    let items = scene.items.iter();
    items
        .filter_map(|item| match item {
            Item::Text(text) => Some(text),
            _ => None,
        })
        .collect()
}

/// No text leaves the scene or covers another.
fn is_tidy(scene: &Scene) {
    let texts = texts(scene);
    for (at, text) in texts.iter().enumerate() {
        let [corner, size] = text.covers();
        for axis in 0..2 {
            let end = corner[axis] + size[axis];
            assert!(corner[axis] >= -1.0 && end <= scene.size[axis] + 1.0, "{text:?} leaves {:?}", scene.size);
        }
        for other in &texts[..at] {
            assert!(!overlap(text.covers(), other.covers()), "{text:?} covers {other:?}");
        }
    }
}

fn lines(scene: &Scene, wanted: Ink) -> Vec<&Vec<[f64; 2]>> {
    let line = |item| match item {
        &Item::Line { ref points, ink, width, .. } if ink == wanted && width == 2.0 => Some(points),
        _ => None,
    };
    // Not the swatch of the legend.
    scene.items.iter().filter_map(line).skip(1).collect()
}

#[test]
fn a_line_has_gaps_and_a_value_without_neighbours_is_a_dot() {
    let scene = chart(&[0.9, f64::NAN, 0.6, 0.4]).scene([340.0, 230.0]);
    let found = lines(&scene, Ink::Accent);
    assert_eq!(found.iter().map(|points| points.len()).collect::<Vec<_>>(), [2]);
    assert!(found[0][1][1] > found[0][0][1], "a lower value is further down");
    assert_eq!(scene.items.iter().filter(|item| matches!(item, Item::Dot { .. })).count(), 1);
    let hovers = scene.items.iter().filter(|item| matches!(item, Item::Hover { .. })).count();
    assert_eq!(hovers, 3, "a place without values is not pointed at");
    assert!(
        scene
            .description
            .contains("validation goes from 0.900 to 0.400; persistence is 0.500; best: epoch 2 at epoch 2")
    );
}

#[test]
fn the_legend_says_when_its_values_were_taken() {
    let scene = chart(&[0.9, 0.3, 0.6]).scene([340.0, 230.0]);
    let words: Vec<&str> = texts(&scene).iter().map(|text| text.text.as_str()).collect();
    for told in ["epoch 2:", "validation", "0.300", "persistence", "0.500", "best: epoch 2"] {
        assert!(words.contains(&told), "{told}: {words:?}");
    }
    let silent = Chart { when: String::new(), ..chart(&[0.9, 0.3]) }.scene([340.0, 230.0]);
    assert!(!texts(&silent).iter().any(|text| text.text == "0.300"));
}

#[test]
fn no_text_covers_another_or_leaves_the_picture() {
    let tiny = [340.0, 230.0];
    for values in [&[][..], &[0.3], &[0.3, 0.3], &[1e-9, 1e300, f64::NAN], &[f64::INFINITY], &[-1e-12, -3.0]] {
        for scale in [Scale::Linear, Scale::FromZero, Scale::Logarithmic] {
            let up = AxisOf { name: "dBZ".into(), scale, range: None };
            is_tidy(&Chart { up, ..chart(values) }.scene(tiny));
        }
    }
    let many = (1..=12).map(|number| Mark { place: f64::from(number), label: format!("phase {number}") }).collect();
    let series = chart(&[0.5; 12]).series[0].clone();
    let series = (0..10).map(|number| Series { name: format!("a long name {number}"), ..series.clone() }).collect();
    let title = "A title of many words that does not fit into one line of a narrow chart".into();
    is_tidy(&Chart { title, marks: many, series, ..chart(&[]) }.scene([340.0, 330.0]));
}

#[test]
fn points_that_are_close_don_t_write_over_each_other_in_a_performance_diagram() {
    let points = vec![[0.0, 0.0], [0.01, 0.002], [0.4, 0.5], [0.41, 0.5], [0.8, 0.6], [f64::NAN, 0.2]];
    let labels: Vec<String> = [20, 30, 35, 40, 45, 50].map(|dbz| dbz.to_string()).into();
    let series = |name: &str, ink| Series { labels: labels.clone(), ..Series::line(name, ink, points.clone()).dots() };
    let diagram = Chart {
        title: "Performance".into(),
        across: AxisOf::named("success ratio").range(0.0, 1.0),
        up: AxisOf::named("probability of detection").range(0.0, 1.0),
        backdrop: Backdrop::Performance,
        series: vec![series("model", Ink::Accent), series("persistence", Ink::Baseline)],
        ..Chart::default()
    };
    let scene = diagram.scene([400.0, 380.0]);
    is_tidy(&scene);
    let words: Vec<&str> = texts(&scene).iter().map(|text| text.text.as_str()).collect();
    assert!(["CSI 0.5", "bias 1", "bias 0.5", "20", "45"].iter().all(|told| words.contains(told)), "{words:?}");
}

#[test]
fn bars_begin_at_the_foot_and_bands_surround_their_line() {
    let bars = Series { look: Look::Bars(1.0), ..Series::line("", Ink::Accent, vec![[1.0, 2.0], [2.0, 4.0]]) };
    let up = AxisOf { scale: Scale::FromZero, ..AxisOf::default() };
    let scene = Chart { series: vec![bars], up, ..Chart::default() }.scene([340.0, 230.0]);
    let feet = scene.items.iter().filter_map(|item| match item {
        Item::Rect { at, size, .. } => Some((at[1] + size[1]).round()),
        _ => None,
    });
    let feet: Vec<f64> = feet.collect();
    assert!(feet.len() == 2 && feet[0] == feet[1], "{feet:?}");
    let band = vec![[0.2, 0.4], [0.1, 0.5]];
    let line = Series { band, ..Series::line("a", Ink::Accent, vec![[1.0, 0.3], [2.0, 0.3]]) };
    let scene = Chart { series: vec![line], ..Chart::default() }.scene([340.0, 230.0]);
    let is_wide = |item: &Item| matches!(item, Item::Band { points, .. } if points[1][2] - points[1][1] > 10.0);
    assert!(scene.items.iter().any(is_wide));
    assert!(scene.svg().contains("opacity=\"0.16\"") && scene.canvas().rgb.contains(&216));
}

#[test]
fn a_page_and_a_file_show_the_same() {
    let scene = chart(&[0.9, 0.3, 0.6]).scene([340.0, 230.0]);
    let svg = scene.svg();
    assert!(svg.contains("viewBox=\"0 0 340 230\"") && svg.contains("class=\"l ka\"") && svg.contains(">0.300</text>"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    let canvas = scene.canvas();
    assert_eq!([canvas.width, canvas.height], [680, 460]);
    let coloured = |ink: Ink| canvas.rgb.chunks_exact(3).filter(|pixel| **pixel == ink.rgb()).count();
    assert!(coloured(Ink::Accent) > 400 && coloured(Ink::Baseline) > 100, "{}", coloured(Ink::Baseline));
}

#[test]
fn sheets_put_charts_in_rows_below_their_title() {
    let sheet = Sheet {
        title: "Scores by lead time".into(),
        note: "weights/best.safetensors on the validation side of storms: 34 windows of 2 events".into(),
        columns: 3,
        size: [340, 230],
        charts: vec![chart(&[0.9, 0.3, 0.6]); 4],
    };
    let scene = sheet::scene(&sheet);
    is_tidy(&scene);
    assert!(scene.size[0] > 3.0 * 340.0 && scene.size[1] > 2.0 * 230.0);
    assert!(png(&sheet).unwrap().starts_with(b"\x89PNG"));
    assert!(png(&Sheet::default()).is_ok());
}

#[test]
fn wide_spans_become_logarithmic_and_say_so() {
    assert_eq!(chart(&[0.9, 0.3]).scaled().up.scale, Scale::Linear);
    let wide = chart(&[0.9, 0.003]).scaled();
    assert_eq!((wide.up.scale, wide.title.as_str()), (Scale::Logarithmic, "Loss (logarithmic)"));
    assert_eq!(chart(&[0.0, 3.0]).scaled().up.scale, Scale::Linear);
}
