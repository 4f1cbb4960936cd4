//! Sequences on two sides that are partly the same: equal points, or frames of a recording that both have.

use std::collections::BTreeMap;

use serde::Serialize;

use super::facts::SampleFacts;
use crate::data::split::Side;

/// Two sequences on different sides that have frames in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leak {
    /// Their names.
    pub names: [String; 2],
    /// Their sides.
    pub sides: [Side; 2],
    /// Why.
    pub why: Why,
}

/// What two sequences have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// All of their points.
    SamePoints,
    /// Frames of a recording.
    SameFrames,
}

/// The sequences that have frames in common with one before them that is on another side, each with one of these.
#[must_use]
pub fn leaks(samples: &[SampleFacts], sides: &[Option<Side>]) -> Vec<Leak> {
    let leak = |one: usize, other: usize, why: Why| {
        let sides = [sides[one]?, sides[other]?];
        let names = [one, other].map(|number| samples[number].name.clone());
        (sides[0] != sides[1]).then_some(Leak { names, sides, why })
    };
    let mut found = Vec::new();
    let mut by_content = BTreeMap::new();
    let mut by_video: BTreeMap<&str, Vec<([u64; 2], usize)>> = BTreeMap::new();
    for (number, sample) in samples.iter().enumerate().filter(|(number, _)| sides[*number].is_some()) {
        let first = *by_content.entry(sample.content).or_insert(number);
        match leak(first, number, Why::SamePoints) {
            Some(leak) => found.push(leak),
            None => {
                // One that does not say which frames it has may have any.
                if let Some((video, span)) = sample.source.as_ref().filter(|(_, [start, end])| start <= end) {
                    by_video.entry(video).or_default().push((*span, number));
                }
            }
        }
    }
    for mut spans in by_video.into_values() {
        spans.sort_unstable();
        // Of each side the sequence that ends last, among those that begin before.
        let mut last: Vec<(Side, u64, usize)> = Vec::new();
        for ([start, end], number) in spans {
            let Some(side) = sides[number] else { continue };
            let before = last.iter().find(|(other, until, _)| *other != side && *until >= start);
            found.extend(before.and_then(|(_, _, other)| leak(*other, number, Why::SameFrames)));
            match last.iter_mut().find(|(own, ..)| *own == side) {
                Some(own) if own.1 < end => *own = (side, end, number),
                Some(_) => {}
                None => last.push((side, end, number)),
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::clip::Source;
    use super::super::testing::sample;
    use super::*;
    use Side::{Train, Val};

    #[test]
    fn equal_points_and_shared_frames_on_two_sides_are_found() {
        let cut = |number: usize, video: &str, span: [u64; 2]| SampleFacts {
            source: Some((video.into(), span)),
            ..sample(number, 0)
        };
        let mut samples = vec![
            cut(0, "a", [0, 9]),
            cut(1, "a", [10, 19]),
            cut(2, "a", [19, 25]),
            cut(3, "b", [0, 9]),
            cut(4, "a", [2, 40]),
            sample(5, 0),
        ];
        samples[5].content = samples[3].content;
        samples.extend([cut(6, "c", Source::NO_SPAN), cut(7, "c", Source::NO_SPAN)]);
        let sides = [Some(Train), Some(Train), Some(Val), Some(Train), None, Some(Val), Some(Train), Some(Val)];
        let found = leaks(&samples, &sides);
        let names: Vec<_> = found.iter().map(|leak| (leak.names.join(" "), leak.why)).collect();
        assert_eq!(names, [("n3 n5".to_owned(), Why::SamePoints), ("n1 n2".into(), Why::SameFrames)]);
        assert_eq!(leaks(&samples, &[Some(Train); 8]), []);
    }
}
