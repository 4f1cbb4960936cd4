//! Curves: what is drawn where.

use super::*;
use crate::report::canvas::WHITE;

fn curves_of(values: &[f64]) -> Curves {
    Curves {
        title: "Loss".into(),
        note: String::new(),
        epochs: (1..=values.len() as u64).collect(),
        panels: vec![Panel {
            title: "loss".into(),
            scale: Scale::Linear,
            lines: vec![Line { name: "val".into(), values: values.to_vec(), colour: 0 }],
            levels: Vec::new(),
        }],
        best: None,
        begins: Vec::new(),
    }
}

fn mark(epoch: u64, label: &str) -> Mark {
    Mark { epoch, label: label.into() }
}

/// The plot of the first panel, without its legend: the rows and columns of pixels of a colour.
fn pixels(curves: &Curves, colour: Rgb) -> Vec<[usize; 2]> {
    let canvas = draw(curves);
    let right = canvas.width - MARGIN - Legend::of(&curves.panels, grid(1).1).width() - 4;
    let all = (0..canvas.height).flat_map(|y| (0..right).map(move |x| [x, y]));
    all.filter(|[x, y]| canvas.rgb[3 * (y * canvas.width + x)..][..3] == colour).collect()
}

/// From which column to which one there is something of a colour.
fn runs(pixels: &[[usize; 2]]) -> Vec<(usize, usize)> {
    let mut columns: Vec<usize> = pixels.iter().map(|[x, _]| *x).collect();
    columns.sort_unstable();
    columns.chunk_by(|one, next| next - one <= 1).map(|run| (run[0], run[run.len() - 1])).collect()
}

/// The pixels of vertical marks: rims of letters have their grey too, but not one above the other.
fn marks(curves: &Curves) -> Vec<[usize; 2]> {
    let grey = pixels(curves, [150; 3]);
    grey.iter().filter(|[x, _]| grey.iter().filter(|[other, _]| other == x).count() > 50).copied().collect()
}

#[test]
fn neighbours_are_joined_and_a_value_that_is_missing_is_a_gap() {
    let missing = curves_of(&[1.0, 2.0, f64::NAN, 2.0, 1.0]);
    let mut left_out = curves_of(&[1.0, 2.0, 2.0, 1.0]);
    left_out.epochs = vec![1, 2, 4, 5];
    for curves in [missing, left_out] {
        let runs = runs(&pixels(&curves, COLOURS[0]));
        let [(a, b), (c, d)] = runs[..] else { panic!("{runs:?}") };
        assert!((b - a).abs_diff(d - c) <= 2, "{runs:?}");
        assert!((c - b).abs_diff(2 * (b - a)) <= 8, "{runs:?}");
    }
}

#[test]
fn higher_values_are_higher_and_equal_steps_are_equally_wide() {
    let pixels = pixels(&curves_of(&[1.0, 3.0, 2.0]), COLOURS[0]);
    let (left, right) = runs(&pixels)[0];
    let y = |x: usize| pixels.iter().filter(|[column, _]| *column == x).map(|[_, y]| *y).min().unwrap();
    let (first, middle, last) = (y(left + 2), y(usize::midpoint(left, right)), y(right - 2));
    assert!(middle < last && last < first, "{first} {middle} {last}");
    assert!((first - middle).abs_diff(2 * (last - middle)) <= 4);
}

#[test]
fn a_value_without_neighbours_is_a_dot() {
    for values in [&[2.0][..], &[f64::NAN, 2.0, f64::NAN]] {
        let pixels = pixels(&curves_of(values), COLOURS[0]);
        let (left, right) = runs(&pixels)[0];
        assert!((4..=7).contains(&(right - left + 1)) && pixels.len() >= 16, "{values:?}: {pixels:?}");
    }
}

#[test]
fn the_best_epoch_has_a_line_and_a_ring_around_its_value() {
    let mut curves = curves_of(&[3.0, 1.0, 2.0]);
    let plain = draw(&curves).height;
    curves.best = Some(mark(2, "best: epoch 2"));
    let canvas = draw(&curves);
    assert!(canvas.height > plain, "there is a row for the label");
    let [(x, same)] = runs(&marks(&curves))[..] else { panic!("one line") };
    assert_eq!(x, same);
    let column: Vec<_> = (0..canvas.height).map(|y| canvas.rgb[3 * (y * canvas.width + x)..][..3].to_vec()).collect();
    let ring: Vec<_> = column.iter().skip_while(|pixel| **pixel != COLOURS[0]).take(9).collect();
    assert!(ring.iter().any(|pixel| **pixel == WHITE), "white inside: {ring:?}");
    assert!(ring.iter().skip_while(|pixel| ***pixel != WHITE).any(|pixel| **pixel == COLOURS[0]), "{ring:?}");
}

#[test]
fn what_begins_is_marked_before_its_epoch_by_a_dashed_line() {
    let mut curves = curves_of(&[3.0, 1.0, 2.0, 1.0]);
    curves.begins = vec![mark(3, "phase 2")];
    let dashes = marks(&curves);
    let (left, right) = runs(&pixels(&curves, COLOURS[0]))[0];
    let [(x, _)] = runs(&dashes)[..] else { panic!("{dashes:?}") };
    assert!(x.abs_diff(usize::midpoint(left, right)) <= 2, "between epochs 2 and 3: {x} of {left}..{right}");
    assert!((80..130).contains(&dashes.len()), "half of the height: {}", dashes.len());
}

#[test]
fn a_level_is_dashed_from_side_to_side_and_belongs_to_the_scale() {
    let mut curves = curves_of(&[1.0, 1.2, 1.1]);
    curves.panels[0].levels = vec![Level { name: "persistence".into(), value: 5.0, colour: 1 }];
    let dashes = pixels(&curves, COLOURS[1]);
    let runs_of = runs(&dashes);
    assert!(runs_of.len() > 50, "{}", runs_of.len());
    let line = pixels(&curves, COLOURS[0]);
    assert!(dashes.iter().all(|[_, y]| line.iter().all(|[_, below]| y < below)), "5 is above 1.2");
    let (left, right) = runs(&line)[0];
    assert!(runs_of[0].0 < left && right < runs_of[runs_of.len() - 1].1);
}

#[test]
fn nothing_touches_the_edge_whatever_there_is_to_see() {
    let names = ["x", "a name that is as long as nobody would ever want it to be, not even here"];
    for (epochs, panels, lines) in [(0, 1, 1), (0, 0, 0), (1, 2, 1), (3, 4, 25), (400, 12, 3)] {
        let line = |number: usize| Line {
            name: format!("{} {number}", names[number % 2]),
            values: (0..epochs).map(|epoch| (epoch * number) as f64 * 1e7).collect(),
            colour: number,
        };
        let panel = Panel {
            title: "loss".into(),
            scale: Scale::Linear,
            lines: (0..lines).map(line).collect(),
            levels: Vec::new(),
        };
        let curves = Curves {
            epochs: (1..=epochs as u64).collect(),
            panels: vec![panel; panels],
            best: Some(mark(epochs as u64, "best: the last epoch")),
            begins: (0..epochs as u64 / 2).map(|epoch| mark(epoch, "phase")).collect(),
            ..curves_of(&[])
        };
        let canvas = draw(&curves);
        for (place, pixel) in canvas.rgb.chunks_exact(3).enumerate() {
            let (x, y) = (place % canvas.width, place / canvas.width);
            let inside = (8..canvas.width - 8).contains(&x) && (4..canvas.height - 4).contains(&y);
            assert!(inside || pixel == WHITE, "{epochs} epochs, {panels} panels, {lines} lines: {x}, {y}");
        }
    }
}

#[test]
fn the_picture_is_a_png() {
    assert!(curves(&curves_of(&[1.0, 2.0])).unwrap().starts_with(b"\x89PNG"));
}
