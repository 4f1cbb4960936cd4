//! What becomes of parts, of points that were not seen, and of coordinates.

use super::*;
use crate::task::keypoints::config::{Normalise, PrepareConfig, Streams};

/// A part whose points are at (frame + point / 10, 0.5, 0.25), unless a frame has a spelling for not being seen.
fn part(name: &str, points: usize, frames: &[Option<f32>]) -> Part {
    let row = |(frame, spelled): (usize, Option<f32>)| {
        (0..points).flat_map(move |point| match spelled {
            Some(value) => [value; 4],
            None => [frame as f32 + point as f32 / 10.0, 0.5, 0.25, 0.9],
        })
    };
    Part {
        name: name.into(),
        points,
        has: [true; 4],
        values: frames.iter().copied().enumerate().flat_map(row).collect(),
    }
}

fn clip(parts: Vec<Part>, frames: usize) -> Clip {
    Clip { name: "a".into(), frames, parts, ..Clip::default() }
}

fn recipe(streams: serde_json::Value, change: impl FnOnce(&mut PrepareConfig)) -> Recipe {
    let streams: Streams = serde_json::from_value(streams).unwrap();
    let mut config = PrepareConfig { streams, ..PrepareConfig::default() };
    change(&mut config);
    Recipe::of(&config)
}

#[test]
fn a_hand_is_the_left_one_and_then_the_right_one_and_chosen_points_keep_their_order() {
    let parts =
        vec![part("right_hand", 21, &[None]), part("left_hand", 21, &[Some(f32::NAN)]), part("pen", 1, &[None])];
    let clip = clip(parts, 1);
    let whole = assemble(&clip, &recipe(serde_json::json!({"hand": {"points": 42}}), |_| {})).unwrap();
    assert_eq!(whole.values.len(), 168);
    assert!(whole.values[..84].iter().all(|value| *value == 0.0));
    assert_eq!(whole.values[84..92], [0.0, 0.5, 0.25, 0.9, 0.1, 0.5, 0.25, 0.9]);
    assert_eq!(whole.unseen, [("left_hand".to_owned(), 1), ("right_hand".to_owned(), 0)]);
    let streams = serde_json::json!({"pen": {"points": 1}, "tip": {"points": [4, 0], "parts": ["right_hand"]}});
    let few = recipe(streams, |config| config.values.truncate(2));
    let values = assemble(&clip, &few).unwrap().values;
    assert_eq!(values, [0.0, 0.5, 0.4, 0.5, 0.0, 0.5], "a single point is seen wherever it is");
    assert_eq!(few.split(&values, 1), [&values[..2], &values[2..]]);
}

#[test]
fn a_part_that_a_clip_lacks_was_never_seen() {
    let clip = clip(vec![part("right_hand", 21, &[None, None])], 2);
    let streams = serde_json::json!({"hand": {"points": 42}, "face": {"points": "lips"}});
    let found = assemble(&clip, &recipe(streams, |_| {})).unwrap();
    let unseen: Vec<(&str, usize)> = found.unseen.iter().map(|(name, frames)| (name.as_str(), *frames)).collect();
    assert_eq!(unseen, [("left_hand", 2), ("right_hand", 0), ("face", 2)]);
    assert_eq!(found.values.len(), 2 * (42 + 40) * 4);
    assert_eq!(found.values[84..86], [0.0, 0.5]);
}

#[test]
fn a_part_that_was_not_seen_is_recognised_however_it_is_spelled() {
    for spelled in [0.0, 1.0, f32::NAN] {
        let clip = clip(vec![part("face", 3, &[Some(spelled), None, Some(spelled)])], 3);
        let of = |missing| {
            let recipe = recipe(serde_json::json!({"face": {"points": 3}}), |config| config.missing = missing);
            assemble(&clip, &recipe).unwrap()
        };
        let masked = of(Missing::Mask);
        assert_eq!((masked.unseen[0].1, masked.frames), (2, 3), "{spelled}");
        assert!(masked.values[..12].iter().chain(&masked.values[24..]).all(|value| *value == 0.0));
        assert_eq!(masked.values[16..20], [1.1, 0.5, 0.25, 0.9]);
        let held = of(Missing::Hold).values;
        assert!(held[..12].iter().all(|value| *value == 0.0));
        assert_eq!(held[28..32], [1.1, 0.5, 0.25, 0.0]);
        let kept = of(Missing::Keep).values[0];
        assert!(if spelled.is_nan() { kept == 0.0 } else { kept == spelled });
    }
}

#[test]
fn long_sequences_are_resampled_evenly_and_the_irises_of_a_face_are_cut_off() {
    let clip = clip(vec![part("face", 478, &[None; 7])], 7);
    let streams = || serde_json::json!({"face": {"points": 468}});
    let three = assemble(&clip, &recipe(streams(), |config| config.max_frames = Some(3))).unwrap();
    let first: Vec<f32> = three.values.iter().step_by(468 * 4).copied().collect();
    assert_eq!((three.frames, three.frames_before, first), (3, 7, vec![0.0, 3.0, 6.0]));
    let one = assemble(&clip, &recipe(streams(), |config| config.max_frames = Some(1))).unwrap();
    assert_eq!(one.values.len(), 468 * 4);
    assert_eq!(assemble(&clip, &recipe(streams(), |_| {})).unwrap().frames, 7);
}

#[test]
fn coordinates_are_relative_to_the_shoulders_of_the_frame_or_to_the_whole_sequence() {
    let mut pose = part("pose", 33, &[None, None]);
    for (point, x) in [(11, 0.7), (12, 0.3)] {
        pose.values[4 * point] = x;
        pose.values[33 * 4 + 4 * point..][..2].fill(f32::NAN);
    }
    let clip = clip(vec![pose, part("left_hand", 21, &[None, None]), part("right_hand", 21, &[None, None])], 2);
    let streams = serde_json::json!({"hand": {"points": 42}, "body": {"points": 33}});
    let by = |normalise| {
        let recipe = recipe(streams.clone(), |config| config.normalise = normalise);
        assemble(&clip, &recipe).unwrap().values
    };
    let near = |one: f32, other: f32| assert!((one - other).abs() < 1e-5, "{one} {other}");
    let frame = by(Normalise::Frame);
    near(frame[0], 0.0);
    near(frame[4], 0.1 / 0.4);
    let body = &frame[2 * 42 * 4..];
    near(body[4 * 11], 0.5);
    near(body[4 * 12], -0.5);
    near(body[33 * 4], (1.0 - 0.5) / 0.4);
    let sequence = &by(Normalise::Sequence)[2 * 42 * 4..];
    near(sequence[0], -sequence[33 * 4]);
    let none = assemble(&self::clip(vec![part("pen", 1, &[None])], 1), &{
        recipe(serde_json::json!({"pen": {"points": 1}}), |config| config.normalise = Normalise::Frame)
    });
    assert!(none.unwrap_err().starts_with("has no pose, and normalise: frame needs the shoulders"));
}

#[test]
fn what_does_not_fit_is_refused_with_both_sides_and_the_setting() {
    let clip = clip(vec![part("pose", 25, &[None])], 1);
    let refused = |streams| assemble(&clip, &recipe(streams, |_| {})).unwrap_err();
    assert_eq!(
        refused(serde_json::json!({"body": {"points": 33}})),
        "has 25 points of pose, expected 33 for the stream body; set task.keypoints.prepare.streams.body.points"
    );
    let none = refused(serde_json::json!({"hand": {"points": 42}}));
    assert!(none.starts_with("has nothing for the streams hand; it has the parts [pose]"), "{none}");
    assert!(refused(serde_json::json!({"body": {"points": [30]}})).contains("chooses number 30"));
    let mut cut = clip.clone();
    cut.frames = 2;
    assert!(
        assemble(&cut, &recipe(serde_json::json!({"body": {"points": 25}}), |_| {}))
            .unwrap_err()
            .contains("expected 2 frames of 25")
    );
}
