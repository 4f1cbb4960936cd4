//! What holds for each change, and for all of them.

use super::feature::{width, with_differences};
use super::*;

/// Two hands of two points with x, y, z and a confidence, a body of one point and a pen of one with x and y alone.
fn shapes() -> Vec<Shape> {
    let point = |part| move |number| Landmark { part, number };
    let hands = (0..2).map(point(BodyPart::LeftHand)).chain((0..2).map(point(BodyPart::RightHand)));
    let all = vec![Value::X, Value::Y, Value::Z, Value::Confidence];
    let plane = vec![Value::X, Value::Y];
    vec![
        Shape { points: hands.collect(), values: all },
        Shape { points: vec![point(BodyPart::Pose)(0)], values: plane.clone() },
        Shape { points: vec![point(BodyPart::Other)(0)], values: plane },
    ]
}

/// Frame t of point p is at (t / 100 + p / 10, t / 50) with z 0.25 and a confidence that says the frame; the second point of
/// the left hand is missing in each third frame.
fn moving(frames: usize) -> Moving {
    let mut streams = vec![Vec::new(), Vec::new(), Vec::new()];
    for time in 0..frames {
        let at = |point: usize| [time as f32 / 100.0 + point as f32 / 10.0 + 0.1, time as f32 / 50.0 + 0.1];
        for point in 0..4 {
            let [x, y] = at(point);
            let seen = [x, y, 0.25, 0.5 + time as f32 / 1000.0];
            streams[0].extend(if point == 1 && time % 3 == 0 { [0.0; 4] } else { seen });
        }
        streams[1].extend(at(4));
        streams[2].extend(at(5));
    }
    Moving { frames, streams }
}

fn key(sample: u64) -> Key {
    Key { seed: 42, epoch: 3, sample }
}

/// Only what is probable here.
fn only(chances: Chances) -> AugmentConfig {
    AugmentConfig { chances, ..AugmentConfig::default() }
}

fn changed(frames: usize, config: &AugmentConfig, sample: u64) -> Moving {
    let mirror = Mirror::of(&shapes()).unwrap();
    augment(moving(frames), &shapes(), config, (Plane::Image, Some(&mirror)), key(sample))
}

fn points(stream: &[f32], values: usize) -> Vec<&[f32]> {
    stream.chunks_exact(values).collect()
}

/// All points of both sequences, side by side.
fn pairs<'a>(one: &'a Moving, other: &'a Moving) -> Vec<(&'a [f32], &'a [f32])> {
    let values = shapes().into_iter().map(|shape| shape.values.len());
    let streams = one.streams.iter().zip(&other.streams).zip(values);
    streams.flat_map(|((one, other), values)| points(one, values).into_iter().zip(points(other, values))).collect()
}

#[test]
fn nothing_changes_when_all_is_off_and_the_same_key_draws_the_same() {
    assert_eq!(changed(9, &AugmentConfig::off(), 1), moving(9));
    let config = AugmentConfig { mirror: 0.5, point_drop: 0.5, ..AugmentConfig::default() };
    for sample in 0..20 {
        assert_eq!(changed(9, &config, sample), changed(9, &config, sample));
    }
    assert!((0..20).any(|sample| changed(9, &config, sample) != changed(9, &config, sample + 1)));
    let other = |seed, epoch| {
        augment(moving(9), &shapes(), &AugmentConfig::default(), (Plane::Image, None), Key { seed, epoch, sample: 5 })
    };
    assert!(other(1, 1) != other(2, 1) && other(1, 1) != other(1, 2));
}

#[test]
fn every_sequence_keeps_its_shape_and_at_least_one_frame() {
    let config = AugmentConfig {
        frame_drop: 0.5,
        mirror: 0.5,
        point_drop: 1.0,
        chances: Chances { time_shift: 1.0, speed: 1.0, frame_drop: 1.0, ..Chances::default() },
        ..AugmentConfig::default()
    };
    for frames in [1, 2, 3, 7, 30] {
        for sample in 0..50 {
            let found = changed(frames, &config, sample);
            assert!((1..=36).contains(&found.frames), "{} of {frames}", found.frames);
            let lengths: Vec<_> = found.streams.iter().map(Vec::len).collect();
            assert_eq!(lengths, [16 * found.frames, 2 * found.frames, 2 * found.frames]);
            assert!(found.streams.iter().flatten().all(|value| value.is_finite()));
        }
    }
}

#[test]
fn frames_are_dropped_at_one_end_or_between_and_never_made_up() {
    let ends = only(Chances { time_shift: 1.0, ..Chances::NONE });
    let between = AugmentConfig { frame_drop: 0.5, ..only(Chances { frame_drop: 1.0, ..Chances::NONE }) };
    let mut fewer = [0; 2];
    for sample in 0..60 {
        for (place, config) in [&ends, &between].into_iter().enumerate() {
            let found = changed(10, config, sample);
            let times: Vec<_> =
                found.streams[1].chunks_exact(2).map(|row| ((row[1] - 0.1) * 50.0).round() as usize).collect();
            assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
            let least = if place == 0 { 8 } else { 5 };
            assert!((least..=10).contains(&times.len()), "{times:?}");
            assert!(place == 1 || times.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{times:?}");
            // The other streams have the same frames.
            let pen: Vec<_> =
                found.streams[2].chunks_exact(2).map(|row| ((row[1] - 0.1) * 50.0).round() as usize).collect();
            assert_eq!(pen, times);
            fewer[place] += usize::from(times.len() < 10);
        }
    }
    assert!(fewer.iter().all(|count| *count > 20), "{fewer:?}");
}

#[test]
fn another_speed_is_linear_between_frames_with_the_confidence_of_the_nearer_one() {
    let found = resample(&moving(3), &shapes(), 5);
    assert_eq!(found.frames, 5);
    let body: Vec<f32> = found.streams[1].chunks_exact(2).map(|row| row[1]).collect();
    for (got, expected) in body.iter().zip([0.1, 0.11, 0.12, 0.13, 0.14]) {
        assert!((got - expected).abs() < 1e-6, "{body:?}");
    }
    let hands = points(&found.streams[0], 4);
    let confidences: Vec<_> = (0..5).map(|frame| hands[4 * frame][3]).collect();
    assert_eq!(confidences, [0.5, 0.501, 0.501, 0.502, 0.502]);
    // Missing in the first frame of three; no point is half of one that is there.
    let second: Vec<_> = (0..5).map(|frame| hands[4 * frame + 1].to_vec()).collect();
    assert_eq!(second[0], [0.0; 4]);
    assert_eq!(second[1], points(&moving(3).streams[0], 4)[5]);
    assert_eq!(resample(&moving(7), &shapes(), 7), moving(7));
    assert_eq!(resample(&moving(7), &shapes(), 1).frames, 1);
    let faster = AugmentConfig { speed: [0.5, 0.5], ..only(Chances { speed: 1.0, ..Chances::NONE }) };
    assert_eq!(changed(10, &faster, 1).frames, 5);
}

#[test]
fn neither_missing_points_nor_confidences_nor_a_constant_z_move() {
    let config = only(Chances { noise: 1.0, place: 1.0, ..Chances::NONE });
    let original = moving(9);
    for sample in 0..10 {
        let found = changed(9, &config, sample);
        for (got, from) in pairs(&found, &original) {
            let is_missing = from.iter().all(|value| *value == 0.0);
            assert_eq!(got == from, is_missing, "{got:?} from {from:?}");
            assert_eq!(got.get(2..), from.get(2..), "z and confidence");
        }
    }
}

#[test]
fn noise_has_the_width_of_the_settings() {
    let config = AugmentConfig { noise: 0.02, ..only(Chances { noise: 1.0, ..Chances::NONE }) };
    let original = moving(400);
    let found = changed(400, &config, 7);
    let apart = pairs(&found, &original);
    let apart =
        apart.iter().filter(|(_, from)| from[0] != 0.0).flat_map(|(got, from)| [got[0] - from[0], got[1] - from[1]]);
    let apart: Vec<f64> = apart.map(f64::from).collect();
    let mean = apart.iter().sum::<f64>() / apart.len() as f64;
    let deviation = (apart.iter().map(|value| value * value).sum::<f64>() / apart.len() as f64).sqrt();
    assert!(mean.abs() < 0.002 && (deviation - 0.02).abs() < 0.001, "{mean} {deviation}");
}

#[test]
fn the_plane_is_turned_about_the_body_and_distances_keep_their_ratio() {
    let config =
        AugmentConfig { rotate_degrees: 30.0, scale: 0.2, shift: 0.0, ..only(Chances { place: 1.0, ..Chances::NONE }) };
    let original = moving(9);
    let middle = |moving: &Moving| {
        let mean = |place: usize| moving.streams[1].iter().skip(place).step_by(2).sum::<f32>() / moving.frames as f32;
        [mean(0), mean(1)]
    };
    let distance = |one: &[f32], other: &[f32]| (one[0] - other[0]).hypot(one[1] - other[1]);
    for sample in 0..10 {
        let found = changed(9, &config, sample);
        for (got, from) in middle(&found).iter().zip(middle(&original)) {
            assert!((got - from).abs() < 1e-5, "the body stays where it is without a shift");
        }
        let pairs: Vec<_> = pairs(&found, &original).into_iter().filter(|(_, from)| from[0] != 0.0).collect();
        let ratios = pairs.windows(2).map(|two| distance(two[0].0, two[1].0) / distance(two[0].1, two[1].1));
        let ratios: Vec<_> = ratios.collect();
        assert!(ratios.iter().all(|ratio| (ratio - ratios[0]).abs() < 1e-3), "{ratios:?}");
        assert!((0.8..=1.2).contains(&ratios[0]), "{ratios:?}");
    }
}

#[test]
fn hands_that_are_relative_to_their_wrists_turn_about_them_and_do_not_move() {
    let config = AugmentConfig { rotate_degrees: 30.0, ..only(Chances { place: 1.0, ..Chances::NONE }) };
    let turned = |plane| augment(moving(3), &shapes(), &config, (plane, None), key(3));
    let (original, found) = (moving(3), turned(Plane::Wrists));
    let length = |point: &[f32]| point[0].hypot(point[1]);
    let (hands, from) = (points(&found.streams[0], 4), points(&original.streams[0], 4));
    let ratios: Vec<f32> = hands
        .iter()
        .zip(&from)
        .filter(|(_, from)| from[3] > 0.0)
        .map(|(got, from)| length(got) / length(from))
        .collect();
    assert!(ratios.iter().all(|ratio| (ratio - ratios[0]).abs() < 1e-4), "{ratios:?}");
    assert!(hands[0][0] != from[0][0] && found.streams[1] == turned(Plane::Centred).streams[1]);
    assert_ne!(found.streams[0], turned(Plane::Centred).streams[0]);
}

#[test]
fn in_a_mirror_hands_change_places_and_twice_is_the_original() {
    let config = AugmentConfig { mirror: 1.0, ..AugmentConfig::off() };
    let found = changed(3, &config, 1);
    let (hands, original) = (points(&found.streams[0], 4), moving(3));
    let from = points(&original.streams[0], 4);
    for frame in 0..3 {
        for (place, source) in [2, 3, 0, 1].into_iter().enumerate() {
            let (got, from) = (hands[4 * frame + place], from[4 * frame + source]);
            let x = if from[3] == 0.0 { 0.0 } else { 1.0 - from[0] };
            assert_eq!(got, [x, from[1], from[2], from[3]]);
        }
    }
    assert_eq!(found.streams[2][0], 1.0 - original.streams[2][0]);
    let mirror = Mirror::of(&shapes()).unwrap();
    let twice = |plane| {
        let once = augment(moving(3), &shapes(), &config, (plane, Some(&mirror)), key(1));
        augment(once, &shapes(), &config, (plane, Some(&mirror)), key(2))
    };
    assert_eq!(twice(Plane::Centred), moving(3));
    for (got, from) in pairs(&twice(Plane::Image), &original) {
        assert!(got.iter().zip(from).all(|(got, from)| (got - from).abs() < 1e-6));
    }
}

#[test]
fn one_part_is_missing_for_a_span_of_time() {
    let config = AugmentConfig { point_drop: 1.0, ..AugmentConfig::off() };
    let original = moving(20);
    let mut parts = std::collections::BTreeSet::new();
    for sample in 0..40 {
        let found = changed(20, &config, sample);
        let mut gone = Vec::new();
        for (stream, shape) in shapes().iter().enumerate() {
            for (place, landmark) in shape.points.iter().enumerate() {
                let at = |moving: &Moving, frame: usize| {
                    let first = frame * shape.width() + place * shape.values.len();
                    moving.streams[stream][first..first + shape.values.len()].to_vec()
                };
                let frames: Vec<_> = (0..20).filter(|frame| at(&found, *frame) != at(&original, *frame)).collect();
                assert!(frames.iter().all(|frame| at(&found, *frame).iter().all(|value| *value == 0.0)));
                if let (Some(first), Some(last)) = (frames.first(), frames.last()) {
                    gone.push(landmark.part);
                    assert!((3..=8).contains(&(last - first + 1)), "{frames:?}");
                }
            }
        }
        gone.dedup();
        assert_eq!(gone.len(), 1, "one part of sample {sample}");
        parts.extend(gone);
    }
    assert_eq!(parts.len(), 4, "each part at some time");
}

#[test]
fn differences_follow_the_numbers_of_a_frame() {
    let shapes = shapes();
    assert_eq!(shapes.iter().map(|shape| width(shape, &[1, 2])).collect::<Vec<_>>(), [16 + 24, 2 + 4, 2 + 4]);
    let of = |stream: usize, distances: &[usize]| {
        let mut found = Vec::new();
        with_differences(&moving(4).streams[stream], &shapes[stream], distances, &mut found);
        found
    };
    let body = of(1, &[1, 2]);
    let body: Vec<_> = body.chunks_exact(6).collect();
    assert_eq!(body.len(), 4);
    for (time, row) in body.iter().enumerate() {
        let one = if time < 3 { [0.01, 0.02] } else { [0.0; 2] };
        let two = if time < 2 { [0.02, 0.04] } else { [0.0; 2] };
        let expected = one.into_iter().chain(two);
        assert!(row[2..].iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-6), "{row:?}");
    }
    // The second point of the left hand is missing in frames 0 and 3: only between 1 and 2 it moves.
    let hands: Vec<_> = of(0, &[1, 2]).chunks_exact(40).map(|row| row[16 + 3..16 + 6].to_vec()).collect();
    assert!(hands[1][0] > 0.0);
    assert!([0, 2, 3].iter().all(|time| hands[*time] == [0.0; 3]), "{hands:?}");
    assert_eq!(of(1, &[]), moving(4).streams[1]);
    assert!(of(1, &[9, usize::MAX]).chunks_exact(6).all(|row| row[2..] == [0.0; 4]), "no frame is so much later");
}
