//! Known motions are found, and a frame is carried as pysteps carries it (`tests/fixtures/advection/make.py`).

use proptest::prelude::*;
use serde::Deserialize;

use super::carry::carry_along_mesh;
use super::*;

const NO_ECHO: f32 = -29.0;

/// Storms of several sizes, on a frame of their own; `moved` gives the place from which the echo at a place came.
fn storms(rows: usize, columns: usize, moved: impl Fn(f32, f32) -> [f32; 2]) -> Vec<f32> {
    let side = rows.max(columns) as f32;
    let cells = (0..rows * columns).map(|cell| {
        let [x, y] = moved((cell % columns) as f32, (cell / columns) as f32);
        let storm = |number: usize| {
            let share = |step: usize| (number * step % 31) as f32 / 31.0;
            let (dx, dy) = (x - columns as f32 * share(7), y - rows as f32 * share(11));
            let size = side * (0.02 + 0.05 * share(17));
            (30.0 + 25.0 * share(5)) * (-(dx * dx + 1.5 * dy * dy) / (2.0 * size * size)).exp()
        };
        let strongest = (1..=30).map(storm).fold(0.0, f32::max);
        if strongest > 8.0 { strongest } else { NO_ECHO }
    });
    cells.collect()
}

/// Three frames of the same motion at these times.
fn sequence(rows: usize, columns: usize, minutes: [f64; 3], at: impl Fn(f32, f32, f32) -> [f32; 2]) -> [Vec<f32>; 3] {
    minutes.map(|minutes| storms(rows, columns, |x, y| at(x, y, minutes as f32)))
}

fn found(frames: &[Vec<f32>; 3], rows: usize, columns: usize, minutes: [f64; 3]) -> Motion {
    motion(&frames.each_ref().map(Vec::as_slice), rows, columns, &minutes, NO_ECHO)
}

/// The mean error in cells per minute over the cells with echo in the last frame.
fn error(found: &Motion, last: &[f32], truth: impl Fn(f32, f32) -> [f32; 2]) -> f32 {
    let errors = last.iter().enumerate().filter(|(_, value)| **value > NO_ECHO).map(|(cell, _)| {
        let [u, v] = truth((cell % found.columns) as f32, (cell / found.columns) as f32);
        (found.u[cell] - u).hypot(found.v[cell] - v)
    });
    let (sum, count) = errors.fold((0.0, 0.0), |(sum, count), error| (sum + error, count + 1.0));
    sum / count
}

#[test]
fn a_moved_pattern_is_found_to_a_fraction_of_a_cell() {
    for (rows, columns) in [(128, 128), (96, 150), (300, 280)] {
        for [u, v] in [[0.31, -0.17], [1.3, 0.8], [-2.0, 0.0]] {
            let minutes = [0.0, 5.0, 10.0];
            let frames = sequence(rows, columns, minutes, |x, y, t| [x - u * t, y - v * t]);
            let error = error(&found(&frames, rows, columns, minutes), &frames[2], |_, _| [u, v]);
            assert!(error * 5.0 < 0.5, "{rows}x{columns} at {u} {v}: {error} cells per minute");
        }
    }
}

#[test]
fn rotation_is_found_where_there_is_echo() {
    let minutes = [0.0, 5.0, 10.0];
    let turned = |x: f32, y: f32, t: f32| {
        let (sin, cos) = (-0.01 * t).sin_cos();
        [100.0 + cos * (x - 100.0) - sin * (y - 100.0), 100.0 + sin * (x - 100.0) + cos * (y - 100.0)]
    };
    let frames = sequence(200, 200, minutes, turned);
    let truth = |x: f32, y: f32| [-0.01 * (y - 100.0), 0.01 * (x - 100.0)];
    let error = error(&found(&frames, 200, 200, minutes), &frames[2], truth);
    // Motion is smoothed, and a path that bends is compared with a straight one.
    assert!(error < 0.3, "{error} cells per minute, of up to 1.4");
}

#[test]
fn shear_is_found_where_there_is_echo() {
    let minutes = [0.0, 5.0, 10.0];
    let frames = sequence(160, 160, minutes, |x, y, t| [x - 0.01 * (y - 40.0) * t, y]);
    let error = error(&found(&frames, 160, 160, minutes), &frames[2], |_, y| [0.01 * (y - 40.0), 0.0]);
    assert!(error < 0.12, "{error} cells per minute, of up to 1.2");
}

#[test]
fn uneven_intervals_are_shown_by_the_clock() {
    let minutes = [100.0, 112.0, 115.0];
    let frames = sequence(128, 128, minutes, |x, y, t| [x - 0.6 * (t - 100.0), y + 0.3 * (t - 100.0)]);
    let error = error(&found(&frames, 128, 128, minutes), &frames[2], |_, _| [0.6, -0.3]);
    assert!(error < 0.08, "{error} cells per minute");
}

#[test]
fn a_missing_part_stays_missing_where_it_is_carried() {
    let minutes = [0.0, 5.0, 10.0];
    let mut frames = sequence(128, 128, minutes, |x, y, t| [x - 0.8 * t, y]);
    for frame in &mut frames {
        frame.chunks_mut(128).for_each(|line| line[..30].fill(f32::NAN));
    }
    let input = frames.each_ref().map(Vec::as_slice);
    let times = Times { input_minutes: &minutes, lead_minutes: &[5.0] };
    let carried = forecast(&input, 128, 128, &times, NO_ECHO);
    // The first and the last rows may look beyond the frame.
    for line in carried.chunks(128).take(118).skip(10) {
        assert!(line[..25].iter().all(|value| value.is_nan()));
        assert!(line[45..120].iter().all(|value| !value.is_nan()));
    }
}

#[test]
fn without_echo_or_frames_to_compare_nothing_moves() {
    let echo = storms(40, 50, |x, y| [x, y]);
    let (none, missing) = (vec![NO_ECHO; 2000], vec![f32::NAN; 2000]);
    let minutes = [0.0, 5.0];
    for [before, last] in [[&none, &none], [&missing, &echo], [&none, &echo], [&echo, &none], [&missing, &missing]] {
        assert_eq!(motion(&[before, last], 40, 50, &minutes, NO_ECHO), Motion::none(40, 50));
        let times = Times { input_minutes: &minutes, lead_minutes: &[3.0, 9.0] };
        for carried in forecast(&[before, last], 40, 50, &times, NO_ECHO).chunks(2000) {
            let bits = |values: &[f32]| -> Vec<Option<f32>> {
                values.iter().map(|&value| (!value.is_nan()).then_some(value)).collect()
            };
            assert_eq!(bits(carried), bits(last));
        }
    }
    let times = Times { input_minutes: &[0.0], lead_minutes: &[60.0] };
    assert_eq!(forecast(&[&echo], 40, 50, &times, NO_ECHO), echo);
}

#[test]
fn what_makes_no_sense_is_answered_without_a_panic() {
    let echo = storms(11, 11, |x, y| [x, y]);
    let odd = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 3e38, -3e38];
    let wild: Vec<f32> = (0..121).map(|cell| odd[cell % 5]).collect();
    for minutes in [[0.0, 5.0], [5.0, 0.0], [0.0, 0.0], [f64::NAN, 1.0], [0.0, f64::INFINITY]] {
        for no_echo in [NO_ECHO, f32::NAN, f32::NEG_INFINITY] {
            for input in [[&echo, &wild], [&wild, &echo], [&echo, &echo]] {
                let times = Times { input_minutes: &minutes, lead_minutes: &[f64::NAN, -5.0, 1e30] };
                assert_eq!(forecast(&input.map(Vec::as_slice), 11, 11, &times, no_echo).len(), 363);
            }
        }
    }
    let times = Times { input_minutes: &[0.0, 5.0], lead_minutes: &[5.0] };
    assert!(forecast(&[], 2, 3, &times, NO_ECHO).iter().all(|value| value.is_nan()));
    assert_eq!(forecast(&[&echo, &echo[1..]], 11, 11, &times, NO_ECHO).len(), 121);
    for (rows, columns) in [(0, 0), (0, 7), (1, 1), (1, 40), (40, 1), (2, 2), (3, 500)] {
        let frame = storms(rows, columns, |x, y| [x, y]);
        assert_eq!(forecast(&[&frame, &frame], rows, columns, &times, NO_ECHO).len(), rows * columns);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let minutes = [0.0, 5.0, 10.0];
    let frames = sequence(210, 170, minutes, |x, y, t| [x - 0.4 * t, y - 0.02 * x * t]);
    let input = frames.each_ref().map(Vec::as_slice);
    let times = Times { input_minutes: &minutes, lead_minutes: &[5.0, 10.0] };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let carried = pool.install(|| forecast(&input, 210, 170, &times, NO_ECHO));
        carried.into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    assert!(on(1) == on(3));
}

#[derive(Deserialize)]
struct Reference {
    rows: usize,
    columns: usize,
    minutes: Vec<f64>,
    field: Vec<f32>,
    u: Vec<f32>,
    v: Vec<f32>,
    carried: Vec<Option<f32>>,
}

#[test]
fn a_frame_is_carried_as_pysteps_does() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/advection/semilagrangian.json");
    let expected: Reference = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let Reference { rows, columns, minutes, field, u, v, carried: theirs } = expected;
    let motion = Motion { rows, columns, u, v };
    let difference = |spacing: usize| {
        let ours = carry_along_mesh(&field, &motion, &minutes, spacing);
        let pairs = ours.iter().zip(&theirs);
        // Their own coordinates are doubles: on the very edge a place may fall on the other side.
        let strangers = pairs.clone().filter(|(ours, theirs)| ours.is_nan() != theirs.is_none()).count();
        let both = pairs.filter_map(|(ours, theirs)| theirs.map(|theirs| (ours - theirs).abs()));
        let both: Vec<f32> = both.filter(|difference| !difference.is_nan()).collect();
        assert!(ours.len() == theirs.len() && both.len() > 1000);
        (strangers, both.iter().sum::<f32>() / both.len() as f32, both.into_iter().fold(0.0, f32::max))
    };
    let (strangers, _, farthest) = difference(1);
    assert!(strangers <= 2 && farthest < 2e-3, "{strangers} cells, {farthest} dBZ");
    // Between the ways that are followed, motion counts as even; here that is off by a hundredth of a cell.
    let (strangers, mean, _) = difference(4);
    assert!(strangers <= 10 && mean < 0.1, "{strangers} cells, {mean} dBZ");
}

proptest! {
    #[test]
    fn constant_motion_by_whole_cells_shifts_exactly(
        rows in 1_usize..40, columns in 1_usize..40, dx in -9_i32..9, dy in -9_i32..9, steps in 1_i32..4,
    ) {
        let frame: Vec<f32> = (0..rows * columns).map(|cell| (cell * 7919 % 1013) as f32).collect();
        let still = Motion::none(rows, columns);
        let motion = Motion { u: vec![dx as f32 / 4.0; frame.len()], v: vec![dy as f32 / 4.0; frame.len()], ..still };
        let leads: Vec<f64> = (1..=steps).map(|step| f64::from(4 * step)).collect();
        for (carried, step) in carry(&frame, &motion, &leads).chunks(frame.len()).zip(1..) {
            for (cell, &value) in carried.iter().enumerate() {
                let (x, y) = ((cell % columns) as i32 - step * dx, (cell / columns) as i32 - step * dy);
                let inside = (0..columns as i32).contains(&x) && (0..rows as i32).contains(&y);
                let expected = if inside { frame[y as usize * columns + x as usize] } else { f32::NAN };
                prop_assert!(value == expected || (value.is_nan() && expected.is_nan()), "{value} is not {expected}");
            }
        }
    }
}
