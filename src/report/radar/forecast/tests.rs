//! Forecasts: what is drawn where, and how the film runs.

use std::collections::HashSet;

use super::sheet::draw;
use super::*;
use crate::report::canvas::{Canvas, Rgb};
use crate::report::radar::colours::{COLOURS, Scale, dbz};

const SIDE: usize = 32;
const CELLS: usize = SIDE * SIDE;
const LEADS: [f32; 3] = [5.0, 10.0, 15.0];

fn scale() -> &'static Scale {
    static SCALE: std::sync::LazyLock<Scale> = std::sync::LazyLock::new(dbz);
    &SCALE
}

/// Observed is 12 dBZ in the south and 52 in the north; predicted is as given.
fn forecast<'a>(observed: &'a [f32], predicted: &'a [f32], lead_minutes: &'a [f32]) -> Forecast<'a> {
    Forecast {
        title: "201301077",
        scale: scale(),
        height: SIDE,
        width: SIDE,
        seen: &[32.0; 2 * CELLS],
        seen_minutes: &[-5.0, 0.0],
        observed,
        predicted,
        compared: observed,
        compared_name: "advection",
        lead_minutes,
    }
}

fn storms(frames: usize) -> Vec<f32> {
    [[12.0; CELLS / 2], [52.0; CELLS / 2]].concat().repeat(frames)
}

fn pixel(canvas: &Canvas, [x, y]: [usize; 2]) -> Rgb {
    [0, 1, 2].map(|part| canvas.rgb[3 * (y * canvas.width + x) + part])
}

/// Rectangles of one colour that is wider than a letter: their upper left corners.
fn corners(canvas: &Canvas, colour: Rgb) -> Vec<[usize; 2]> {
    let is = |x: usize, y: usize| pixel(canvas, [x, y]) == colour;
    let places = (1..canvas.height - 60).flat_map(|y| (1..canvas.width - 60).map(move |x| [x, y]));
    places
        .filter(|&[x, y]| is(x, y) && !is(x - 1, y) && !is(x, y - 1) && (0..60).all(|step| is(x + step, y + step)))
        .collect()
}

#[test]
fn rows_are_observed_predicted_and_error_with_north_up() {
    let (observed, predicted) = (storms(3), vec![24.0; 3 * CELLS]);
    let canvas = draw(&forecast(&observed, &predicted, &LEADS)).unwrap();
    let north = corners(&canvas, COLOURS[16]);
    let south = corners(&canvas, COLOURS[8]);
    assert_eq!((north.len(), south.len()), (3, 3));
    assert!(north.iter().zip(&south).all(|(north, south)| north[0] == south[0] && north[1] < south[1]));
    let predicted = corners(&canvas, COLOURS[10]);
    assert_eq!(predicted.len(), 3);
    assert!(predicted[0][1] > south[0][1], "below the observed ones");
    let (weak, strong) = ([0x43, 0x93, 0xC3], [0xD6, 0x60, 0x4D]);
    let too_weak = corners(&canvas, [0x21, 0x66, 0xAC]);
    assert_eq!(too_weak.len(), 3, "24 instead of 52: {:?} {:?}", corners(&canvas, weak), corners(&canvas, strong));
    let too_strong = corners(&canvas, strong);
    assert_eq!(too_strong.len(), 3, "24 instead of 12");
    assert!(too_weak[0][1] > predicted[0][1] && too_weak[0][1] < too_strong[0][1]);
}

#[test]
fn the_last_input_frame_is_at_the_left_of_the_first_row() {
    let (observed, predicted) = (storms(3), storms(3));
    let canvas = draw(&forecast(&observed, &predicted, &LEADS)).unwrap();
    let seen = corners(&canvas, COLOURS[12]);
    let first = corners(&canvas, COLOURS[16])[0];
    assert_eq!(seen.len(), 1);
    assert!(seen[0][0] < first[0] && seen[0][1] == first[1]);
}

#[test]
fn missing_is_hatched_in_all_rows_and_an_error_needs_both() {
    let (mut observed, predicted) = (storms(1), storms(1));
    observed[..CELLS].fill(f32::NAN);
    let forecast = forecast(&observed, &predicted, &LEADS[..1]);
    let canvas = draw(&forecast).unwrap();
    let grey = [scale().colour(f32::NAN, 1, 0), scale().colour(f32::NAN, 4, 4)];
    let count = |rows: std::ops::Range<usize>| {
        let places = rows.flat_map(|y| (300..canvas.width).map(move |x| [x, y]));
        places.filter(|&place| grey.contains(&pixel(&canvas, place))).count()
    };
    let third = canvas.height / 3;
    assert!(count(0..third) > 50_000 && count(2 * third..canvas.height) > 50_000);
    assert!(count(third + 60..2 * third) < 20_000, "the prediction misses nothing");
}

#[test]
fn sheets_stay_below_the_width_of_a_screen_whatever_the_grid_and_the_number_of_leads() {
    for (side, leads, least) in [(250, 7, 250), (64, 7, 192), (500, 12, 125), (8, 1, 300), (64, 30, 128)] {
        let values = vec![20.0; side * side * leads];
        let minutes: Vec<f32> = (1..=leads).map(|lead| lead as f32).collect();
        let forecast = Forecast {
            height: side,
            width: side,
            seen: &values[..side * side],
            seen_minutes: &[0.0],
            ..forecast(&values, &values, &minutes)
        };
        let canvas = draw(&forecast).unwrap();
        assert!(canvas.width <= 2100, "{side}: {}", canvas.width);
        let widest = canvas.rgb.chunks_exact(3 * canvas.width).map(|row| {
            row.chunks_exact(3)
                .collect::<Vec<_>>()
                .chunk_by(|a, b| a == b)
                .filter(|run| *run[0] == COLOURS[10])
                .map(<[_]>::len)
                .max()
                .unwrap_or(0)
        });
        assert!(widest.max().unwrap() >= least, "{side}");
    }
}

#[test]
fn the_film_shows_what_was_seen_then_both_calmly_and_loops() {
    let (observed, predicted) = (storms(3), vec![24.0; 3 * CELLS]);
    let bytes = gif(&forecast(&observed, &predicted, &LEADS)).unwrap();
    let mut options = ::gif::DecodeOptions::new();
    options.set_color_output(::gif::ColorOutput::Indexed);
    let mut decoder = options.read_info(bytes.as_slice()).unwrap();
    assert_eq!(decoder.repeat(), ::gif::Repeat::Infinite);
    let palette = decoder.global_palette().unwrap().to_vec();
    let (mut delays, mut shown) = (Vec::new(), Vec::new());
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        delays.push(frame.delay);
        let colours: HashSet<_> =
            frame.buffer.iter().map(|&index| palette[3 * usize::from(index)..][..3].to_vec()).collect();
        shown.push(COLOURS.map(|colour| colours.contains(colour.as_slice())));
    }
    assert_eq!(delays, [25, 90, 70, 70, 250]);
    assert!(shown[2][16] && shown[2][8] && shown[2][10], "observed and predicted side by side");
    assert!(!shown[1].contains(&true) && !shown[3].contains(&true), "frames hold only what has changed");
}

#[test]
fn arrays_that_do_not_fit_their_times_are_refused_by_name() {
    let (observed, predicted) = (storms(3), storms(2));
    let text = |forecast: Forecast<'_>| png(&forecast).unwrap_err().to_string();
    let short = forecast(&observed, &predicted, &LEADS);
    assert_eq!(text(short), "predicted of 201301077 has 2048 values, expected 3 x 32 x 32");
    assert_eq!(text(Forecast { seen: &[1.0], ..short }), "seen of 201301077 has 1 values, expected 2 x 32 x 32");
    assert_eq!(text(Forecast { lead_minutes: &[], ..short }), "no frames to draw for 201301077");
    assert_eq!(
        gif(&Forecast { seen_minutes: &[], ..short }).unwrap_err().to_string(),
        "no frames to draw for 201301077"
    );
}
