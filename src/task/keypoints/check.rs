//! What makes no sense in the `task.keypoints` section although every type is right.

use std::collections::BTreeSet;

use super::augment::{Landmark, Mirror};
use super::config::{KeypointsConfig, LossConfig, PointValue, PrepareConfig, SplitBy, SplitConfig, StreamConfig};
use super::points::GROUPS;
use super::recipe::Recipe;
use super::shapes::shapes;
use crate::task::limits::{count, share};
use crate::util::problem::Problem;

/// The most points of a stream.
const MOST_POINTS: usize = 4096;

/// The most frames of a sequence.
const MOST_FRAMES: usize = 100_000;

/// The farthest frame of a difference.
const FARTHEST: usize = 64;

/// The most batches that are sorted together.
const MOST_BATCHES: usize = 1000;

impl KeypointsConfig {
    /// Everything in this section that makes no sense.
    #[must_use]
    pub fn section_problems(&self) -> Vec<Problem> {
        let sections = [
            ("prepare", self.prepare.problems()),
            ("split", self.split.problems()),
            ("augment", self.augment_problems()),
            ("model", self.model.problems()),
            ("loss", self.loss.problems()),
        ];
        let distances = self.differences_problem();
        let below = sections.into_iter().flat_map(|(key, found)| found.into_iter().map(|problem| problem.below(key)));
        below.chain(distances).chain(count("bucket", self.bucket, MOST_BATCHES, "write 8, or 1 for none")).collect()
    }
}

impl KeypointsConfig {
    fn differences_problem(&self) -> Option<Problem> {
        let is_rising = self.differences.windows(2).all(|pair| pair[0] < pair[1]);
        let is_possible = self.differences.iter().all(|distance| (1..=FARTHEST).contains(distance));
        (!is_rising || !is_possible).then(|| {
            let message = format!("expected rising numbers of frames from 1 to {FARTHEST}, got {:?}", self.differences);
            Problem::new("differences", message, "write [1] for the next frame, [1, 2], or [] for none")
        })
    }

    fn augment_problems(&self) -> Vec<Problem> {
        let mut found = self.augment.problems();
        if self.augment.mirror > 0.0
            && let Err(Landmark { part, number }) = Mirror::of(&shapes(&Recipe::of(&self.prepare)))
        {
            let message = format!("the mirror image of point {number} of {part:?} is in no stream");
            found.push(Problem::new("mirror", message, "write 0, or choose the points of both sides"));
        }
        found
    }
}

impl PrepareConfig {
    fn problems(&self) -> Vec<Problem> {
        let mut found = self.stream_problems();
        let is_rising = self.values.windows(2).all(|pair| pair[0] < pair[1]);
        if !is_rising || !self.values.starts_with(&[PointValue::X, PointValue::Y]) {
            let got: Vec<&str> = self.values.iter().map(|value| value.name()).collect();
            let message = format!("expected x and y, then z, confidence or both, got [{}]", got.join(", "));
            found.push(Problem::new("values", message, "write [x, y, z, confidence], or [x, y]"));
        }
        let frames = self.max_frames.and_then(|most| {
            count("max_frames", most, MOST_FRAMES, "write 64, or null to keep every frame of a sequence")
        });
        found.extend(frames);
        found.extend(share("max_bad_share", self.max_bad_share, 1.0, "write 0.05 for five in a hundred"));
        found
    }

    fn stream_problems(&self) -> Vec<Problem> {
        if self.streams.0.is_empty() {
            let remedy = "write `streams: {hand: {points: 42}}`";
            return vec![Problem::new("streams", "a model needs at least one stream", remedy)];
        }
        let mut found = Vec::new();
        for (name, stream) in &self.streams.0 {
            let key = format!("streams.{name}");
            if name.is_empty() || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
                let message = "the name of a stream is part of the names of weights: letters, digits and _ only";
                found.push(Problem::new(&key, message, "write a name such as hand"));
            }
            found.extend(stream.problems().into_iter().map(|problem| problem.below(&key)));
        }
        found
    }
}

impl StreamConfig {
    fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if let Err(name) = self.points.chosen() {
            let message = format!("there is no group of points {name:?}, expected one of {}", GROUPS.join(", "));
            found.push(Problem::new(
                "points",
                message,
                "write a group, a list of numbers, or how many points there are",
            ));
        }
        let mut chosen = self.points.chosen().ok().flatten().unwrap_or_default();
        chosen.sort_unstable();
        if let Some(pair) = chosen.windows(2).find(|pair| pair[0] == pair[1]) {
            let message = format!("point {} is listed twice, as a number or in a group", pair[0]);
            found.push(Problem::new("points", message, "list each point once"));
        }
        let points = self.points.count().unwrap_or(1);
        found.extend(count("points", points, MOST_POINTS, "write 42 for two hands"));
        let parts = self.parts.as_deref().unwrap_or_default();
        let is_wrong = parts.iter().collect::<BTreeSet<_>>().len() < parts.len()
            || parts.iter().any(|part| part.trim().is_empty())
            || self.parts.as_ref().is_some_and(Vec::is_empty);
        if is_wrong {
            let message = format!("expected names of parts, each once, got {parts:?}");
            found.push(Problem::new("parts", message, "write [left_hand, right_hand], or leave the key out"));
        }
        found
    }
}

impl SplitConfig {
    fn problems(&self) -> Vec<Problem> {
        let shares = [("val_share", self.val_share), ("test_share", self.test_share)];
        let remedy = "write 0.2 for a fifth";
        let mut found: Vec<_> = shares.into_iter().filter_map(|(key, value)| share(key, value, 0.99, remedy)).collect();
        if found.is_empty() && self.val_share + self.test_share >= 1.0 {
            let (val, test) = (self.val_share, self.test_share);
            let message = format!("nothing is left to train on: val_share {val} + test_share {test} is not below 1");
            found.push(Problem::new("test_share", message, "lower one of the shares"));
        }
        if self.file.as_ref().is_some_and(|file| file.as_os_str().is_empty()) {
            let remedy = "write the path of a JSON file with lists of names under train, val and test, or null";
            found.push(Problem::new("file", "the path is empty", remedy));
        }
        let needs_file = self.by == SplitBy::File;
        if !needs_file && self.file.is_some() {
            found.push(Problem::new("file", "only `by: file` reads a file", "write `by: file`, or `file: null`"));
        }
        found.extend(self.list_problems());
        found
    }

    fn list_problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        for (key, list) in [("val", &self.val), ("test", &self.test)] {
            if list.is_some() && !matches!(self.by, SplitBy::Signer | SplitBy::Video) {
                let message = "only `by: signer` and `by: video` take names";
                found.push(Problem::new(key, message, "write `by: signer`, or null"));
            }
        }
        let both = |name: &&String| self.test.iter().flatten().any(|other| other == *name);
        if let Some(name) = self.val.iter().flatten().find(both) {
            let message = format!("{name:?} validates already");
            found.push(Problem::new("test", message, "remove it from one of the two lists"));
        }
        found
    }
}

impl LossConfig {
    /// Everything in this section that makes no sense.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        share("label_smoothing", self.label_smoothing, 0.99, "write 0.1, or 0 for none").into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    fn keys(written: serde_json::Value) -> Vec<String> {
        let config: KeypointsConfig = from_value(written).unwrap();
        config.section_problems().into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn the_defaults_have_no_problems() {
        assert_eq!(KeypointsConfig::default().section_problems(), []);
        assert_eq!(from_value::<KeypointsConfig>(json!({})).unwrap(), KeypointsConfig::default());
    }

    #[test]
    fn every_mistake_is_reported_with_its_key() {
        let prepare = json!({
            "streams": {"a.b": {"points": 0}, "c": {"points": "ears"}, "d": {"points": [1], "parts": []}, "e": {"points": [2, "nose"]}},
            "values": ["y", "x"], "max_frames": 0, "max_bad_share": 2.0,
        });
        let found = keys(json!({
            "prepare": prepare,
            "split": {"by": "class", "file": "split.json", "val_share": 0.9, "test_share": 0.1, "val": ["a"], "test": ["a"]},
            "model": {"lstm": {"hidden": 0, "dropout": 1.0}},
            "loss": {"label_smoothing": -0.1},
            "bucket": 0,
            "differences": [2, 1],
        }));
        assert_eq!(
            found,
            [
                "prepare.streams.a.b",
                "prepare.streams.a.b.points",
                "prepare.streams.c.points",
                "prepare.streams.d.parts",
                "prepare.streams.e.points",
                "prepare.values",
                "prepare.max_frames",
                "prepare.max_bad_share",
                "split.test_share",
                "split.file",
                "split.val",
                "split.test",
                "split.test",
                "model.lstm.hidden",
                "model.lstm.dropout",
                "loss.label_smoothing",
                "differences",
                "bucket",
            ]
        );
        assert_eq!(keys(json!({"prepare": {"streams": {}}})), ["prepare.streams"]);
        for wrong in [json!([0]), json!([1, 1]), json!([65])] {
            assert_eq!(keys(json!({"differences": wrong})), ["differences"]);
        }
        let one_side = json!({"streams": {"body": {"points": [11]}}});
        assert_eq!(keys(json!({"prepare": one_side, "augment": {"mirror": 0.5}})), ["augment.mirror"]);
        assert_eq!(keys(json!({"augment": {"mirror": 0.5}})), Vec::<String>::new());
    }
}
