//! Both kinds of JSON, and what is refused.

use super::*;
use crate::task::keypoints::clip::VALUES;

fn text(frames: &str) -> Result<Frames, String> {
    read(frames.as_bytes())
}

/// A hand whose wrist is here, as a list of lists.
fn hand(x: f64) -> String {
    let points: Vec<String> = (0..21).map(|point| format!("[{x},0.{point},0,1]")).collect();
    points.join(",")
}

/// A body with its wrists here.
fn body(left: f64, right: f64) -> String {
    let x = |point: usize| [left, right].get(point.wrapping_sub(15)).copied().unwrap_or(0.5);
    let points: Vec<String> = (0..33).map(|point| format!("[{},0,0,1]", x(point))).collect();
    points.join(",")
}

#[test]
fn landmarks_of_mediapipe_are_read_in_both_spellings() {
    let frames = |pose: &str, left: &str, right: &str| {
        format!(
            r#"{{"fps": 25, "frames": [
                {{"t": 0, "{pose}": [{{"x": 0.25, "y": 0.5, "z": -1, "visibility": 0.75, "presence": 1}}], "{left}": [], "{right}": null}},
                {{"{pose}": [{{"x": 1e-3, "y": 2, "z": 0, "visibility": 1}}], "{left}": [{{"x": 1, "y": 2, "z": 3}}]}}]}}"#
        )
    };
    let camel = text(&frames("poseLandmarks", "leftHandLandmarks", "rightHandLandmarks")).unwrap();
    let snake = text(&frames("pose_landmarks", "left_hand_landmarks", "right_hand_landmarks")).unwrap();
    for read in [camel, snake] {
        let [pose, left] = &read.parts[..] else { panic!("{read:?}") };
        assert_eq!(read.fps, Some(25.0));
        assert_eq!((read.count, pose.has, left.has), (2, [true; VALUES], [true, true, true, false]));
        assert_eq!(pose.values, [0.25, 0.5, -1.0, 0.75, 0.001, 2.0, 0.0, 1.0]);
        assert!(left.values[..VALUES].iter().all(|value| value.is_nan()));
        assert_eq!(left.values[VALUES..], [1.0, 2.0, 3.0, 1.0]);
    }
}

#[test]
fn what_says_nothing_of_the_rate_of_frames_is_passed_over() {
    let rate = |rate: &str| {
        let read = text(&format!(r#"{{"fps": {rate}, "frames": [{{"pose_landmarks": [{{"x": 1, "y": 2}}]}}]}}"#));
        read.unwrap().fps
    };
    assert_eq!([rate("29.97"), rate("\"30\"")], [Some(29.97), Some(30.0)]);
    for other in ["0", "-5", "null", "true", "\"fast\"", "[[1], 2]", "{\"a\": {\"b\": 1}}"] {
        assert_eq!(rate(other), None, "{other}");
    }
}

#[test]
fn hands_in_the_order_of_detection_are_told_apart_by_the_wrists() {
    let read = |hands: &str, body: &str| {
        let read = text(&format!(
            r#"{{"clip_id": "a", "frames": [{{"hand_keypoints": [{hands}], "body_keypoints": [{body}]}}], "meta": {{}}}}"#
        ));
        let found = read.unwrap().parts.into_iter().filter(|part| part.name != POSE);
        found.map(|part| (part.name, part.values[0])).collect::<Vec<_>>()
    };
    let (left, right) = (LEFT.to_owned(), RIGHT.to_owned());
    let two = format!("{},{}", hand(0.25), hand(0.75));
    assert_eq!(read(&two, &body(0.25, 0.75)), [(left.clone(), 0.25), (right.clone(), 0.75)]);
    assert_eq!(read(&two, &body(0.75, 0.25)), [(left.clone(), 0.75), (right.clone(), 0.25)]);
    assert_eq!(read(&hand(0.25), &body(0.75, 0.25)), [(right, 0.25)]);
    assert_eq!(read(&hand(0.25), ""), [(left.clone(), 0.25)]);
    assert_eq!(read(&hand(0.25), &body(1.0, 1.0)), [(left, 0.25)]);
}

#[test]
fn what_is_no_json_of_frames_is_refused_with_its_place() {
    for (json, words) in [
        ("", "EOF while parsing"),
        ("{}", "it has no \"frames\""),
        ("7", "expected an object with frames"),
        (r#"{"frames": 1}"#, "expected a list of frames"),
        (r#"{"frames": []}"#, "has no frames"),
        (r#"{"frames": [{}]}"#, "has 1 frames without any point"),
        (r#"{"frames": [], "frames": []}"#, "\"frames\" twice"),
        (r#"{"frames": [{"pose": [[1]]}]}"#, "invalid length 1, expected a point: [x, y]"),
        (r#"{"frames": [{"pose": [[1,2,3,4,5]]}]}"#, "invalid length 5, expected a point"),
        (r#"{"frames": [{"pose": [{"x": 1}]}]}"#, "a point without x or y"),
        (r#"{"frames": [{"pose": [["a", 1]]}]}"#, "line 1 column"),
        (r#"{"frames": [{"pose": [[1,2]]}, {"pose": [[1,2],[3,4]]}]}"#, "has 2 points of pose in frame 1, expected 1"),
        (r#"{"frames": [{"hand_keypoints": [[1,2]]}]}"#, "has 1 points in hand_keypoints, expected 0, 21 or 42"),
        (r#"{"frames": [{"hand_keypoints": [], "left_hand": []}]}"#, "beside the landmarks of single hands"),
        (r#"{"frames": [{"pose": [[1,2]]}]} {}"#, "trailing characters"),
    ] {
        let problem = text(json).unwrap_err();
        assert!(problem.contains(words), "{json}: {problem}");
    }
    assert!(text(&"[".repeat(100_000)).is_err());
    // A part of many points, and many frames without it.
    let points = vec!["[1,2]"; 1000].join(",");
    let absent = format!(r#"{{"frames": [{{"pose": [{points}]}}{}]}}"#, ",{}".repeat(20_000));
    assert!(text(&absent).unwrap_err().contains("most of them absent"));
}
