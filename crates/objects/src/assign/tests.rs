//! Against values of permissive implementations in PyTorch.

use serde_json::Value;

use super::*;
use crate::boxes::Rect;

const SIDE: usize = 64;
const CLASSES: usize = 3;

fn reference() -> Value {
    serde_json::from_str(include_str!("../../tests/fixtures/assign.json")).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn truths(of: &Value) -> Vec<Vec<Object>> {
    let object = |row: &Value| Object {
        class: number(&row[0]) as u32,
        rect: Rect::new(number(&row[1]) as f32, number(&row[2]) as f32, number(&row[3]) as f32, number(&row[4]) as f32),
    };
    of.as_array().unwrap().iter().map(|image| image.as_array().unwrap().iter().map(object).collect()).collect()
}

#[track_caller]
fn compare(found: &[Positive], expected: &Value) {
    let rows: Vec<(usize, usize, usize, f64)> =
        found.iter().map(|one| (one.pair.image, one.pair.place, one.pair.object, one.target)).collect();
    let expected: Vec<(usize, usize, usize, f64)> = expected
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (number(&row[0]) as usize, number(&row[1]) as usize, number(&row[2]) as usize, number(&row[3])))
        .collect();
    let places =
        |rows: &[(usize, usize, usize, f64)]| -> Vec<_> { rows.iter().map(|row| (row.0, row.1, row.2)).collect() };
    assert_eq!(places(&rows), places(&expected));
    for (row, expected) in rows.iter().zip(&expected) {
        assert!((row.3 - expected.3).abs() < 2e-6 + 1e-4 * expected.3, "{row:?}, expected {expected:?}");
    }
}

/// The box that distributions over distances around a place mean; the distance of side `j` is around `1.5 + 1.2 sin(0.9 j)`.
fn by_distances(grid: &Grid, image: usize, place: usize) -> Rect {
    let distance = |side: usize| {
        let flat = (image * grid.places() + place) * 4 + side;
        let middle = 1.5 + 1.2 * (0.9 * flat as f64).sin();
        let weights = (0..16).map(|bin| (-0.5 * (f64::from(bin) - middle).powi(2)).exp());
        let (sum, first) = weights
            .enumerate()
            .fold((0.0, 0.0), |(sum, first), (bin, weight)| (sum + weight, first + bin as f64 * weight));
        first / sum
    };
    let ([x, y], stride) = grid.middle(place);
    let far = [0, 1, 2, 3].map(|side| distance(side) * stride);
    Rect::new((x - far[0]) as f32, (y - far[1]) as f32, (x + far[2]) as f32, (y + far[3]) as f32)
}

fn sigmoid(value: f64) -> f64 {
    1.0 / (1.0 + (-value).exp())
}

#[test]
fn task_aligned_places_are_those_of_the_reference() {
    let expected = &reference()["tal"];
    let (truths, grid) = (truths(&expected["gt"]), Grid { size: [SIDE; 2] });
    assert_eq!(grid.places(), 84);
    let guess = |image: usize, place: usize, object: usize| {
        let class = truths[image][object].class as usize;
        let flat = (image * grid.places() + place) * CLASSES + class;
        Guess { rect: by_distances(&grid, image, place), score: sigmoid(2.0 * (0.7 * flat as f64).sin() - 1.0) }
    };
    for (place, row) in expected["decoded_first"].as_array().unwrap().iter().enumerate() {
        let rect = by_distances(&grid, 0, [0, 1, 2, 3][place]);
        if place == 0 {
            assert!((f64::from(rect.left) - number(&row[0])).abs() < 1e-3, "{rect:?}, expected {row}");
        }
    }
    let aligned = Aligned::new(&truths, grid);
    let guesses: Vec<Guess> = aligned.pairs().iter().map(|pair| guess(pair.image, pair.place, pair.object)).collect();
    let everywhere = |image, object| (0..grid.places()).map(|place| guess(image, place, object)).collect();
    compare(&aligned.positives(&guesses, everywhere), &expected["positives"]);
}

#[test]
fn cheapest_places_are_those_of_the_reference() {
    let expected = &reference()["simota"];
    let (truths, grid) = (truths(&expected["gt"]), Grid { size: [SIDE; 2] });
    let said = |&(image, place): &(usize, usize)| {
        let raw = |channel: usize| 0.8 * (0.57 * ((image * grid.places() + place) * 8 + channel) as f64).sin();
        let ([x, y], stride) = grid.middle(place);
        // Boxes are around corners of cells, whose middles are half a stride further.
        let [x, y] = [x - stride / 2.0 + raw(0) * stride, y - stride / 2.0 + raw(1) * stride];
        let [width, height] = [raw(2).exp() * stride, raw(3).exp() * stride];
        let rect = [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0].map(|place| place as f32);
        Said {
            rect: Rect::new(rect[0], rect[1], rect[2], rect[3]),
            object: raw(4) - 1.0,
            classes: (5..8).map(|channel| raw(channel) - 1.0).collect(),
        }
    };
    let cheapest = Cheapest::new(&truths, grid);
    let all: Vec<Said> = cheapest.places().iter().map(said).collect();
    compare(&cheapest.positives(&all), &expected["positives"]);
}

#[test]
fn overlaps_are_those_of_the_reference() {
    let expected = &reference()["iou"];
    let rect = |row: &Value| {
        let [left, top, right, bottom] = [0, 1, 2, 3].map(|place| number(&row[place]) as f32);
        Rect::new(left, top, right, bottom)
    };
    for place in 0..4 {
        let (one, other) = (rect(&expected["a"][place]), rect(&expected["b"][place]));
        assert!((one.iou(&other) - number(&expected["iou"][place])).abs() < 1e-6);
        assert!((ciou(&one, &other) - number(&expected["ciou"][place])).abs() < 1e-6);
    }
}

#[test]
fn a_batch_without_objects_has_nothing_to_learn() {
    let truths = vec![Vec::new(), Vec::new()];
    let grid = Grid { size: [96, 64] };
    let aligned = Aligned::new(&truths, grid);
    assert_eq!((aligned.pairs().len(), aligned.positives(&[], |_, _| Vec::new()).len()), (0, 0));
    let cheapest = Cheapest::new(&truths, grid);
    assert_eq!((cheapest.places().len(), cheapest.positives(&[]).len()), (0, 0));
}

#[test]
fn places_are_cells_row_by_row() {
    let grid = Grid { size: [96, 64] };
    assert_eq!(grid.places(), 12 * 8 + 6 * 4 + 3 * 2);
    assert_eq!(grid.middle(0), ([4.0, 4.0], 8.0));
    assert_eq!(grid.middle(13), ([12.0, 12.0], 8.0));
    assert_eq!(grid.middle(96), ([8.0, 8.0], 16.0));
    assert_eq!(grid.middle(125), ([80.0, 48.0], 32.0));
    let level = grid.levels()[0];
    assert_eq!(
        (level.between(0, 4.0, 12.0), level.between(0, 4.1, 11.9), level.between(0, -9.0, -1.0)),
        (0..2, 1..1, 0..0)
    );
    assert_eq!(level.between(0, 80.0, 500.0), 10..12);
}
