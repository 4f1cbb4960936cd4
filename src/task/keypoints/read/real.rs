//! Real datasets, which `FRAGUA_REAL_SIGNS` names.

use std::fs;
use std::path::Path;

use super::hints::{FACE, LEFT, POSE, RIGHT};
use super::tests::Bench;
use super::*;
use crate::task::keypoints::assemble::assemble;
use crate::task::keypoints::clip::VALUES;
use crate::task::keypoints::config::{Missing, Normalise, PointValue, PrepareConfig};
use crate::task::keypoints::recipe::Recipe;
use crate::util::left_out::file_named_by;

/// x and y of the points of a part in each frame, none where it is missing: the layouts spell that differently.
fn seen(clip: &Clip, name: &str, points: usize) -> Vec<Option<Vec<[f32; 2]>>> {
    let part = clip.parts.iter().find(|part| part.name == name).unwrap();
    let frame = |values: &[f32]| {
        let points = values.as_chunks::<VALUES>().0[..points].iter();
        let xy: Vec<[f32; 2]> = points.map(|point| [point[0], point[1]]).collect();
        (!xy[0][0].is_nan() && xy.iter().any(|point| point != &xy[0])).then_some(xy)
    };
    part.values.chunks_exact(part.points * VALUES).map(frame).collect()
}

#[test]
fn the_real_signs_are_the_same_in_every_layout_and_strokes_have_their_writers() {
    let Some(archive) = file_named_by("FRAGUA_REAL_SIGNS", "the archive of real sequences of signs") else { return };
    let folder = tempfile::tempdir().unwrap();
    let tar = tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(archive).unwrap())).unpack(folder.path());
    tar.unwrap();
    let root = folder.path().join("keypoints");
    let several = Dataset::open(&root, &Hints::default()).unwrap_err().to_string();
    assert!(several.contains("has several datasets"), "{several}");
    signs(&root);
    strokes(&root);
}

fn signs(root: &Path) {
    let open = |name: &str| Dataset::open(&root.join(name), &Hints::default()).unwrap();
    let (seed, frames, columns) = (open("seed-layout"), open("msl-npy"), open("msl-parquet"));
    assert_eq!((seed.entries.len(), seed.set_aside.len(), seed.classes.len()), (20, 1, 5));
    assert!(seed.set_aside[0].reason.contains("is absent"), "{:?}", seed.set_aside);
    assert_eq!((frames.entries.len(), frames.set_aside.len(), &frames.classes), (86, 0, &seed.classes));
    assert_eq!((columns.entries.len(), columns.set_aside.len(), &columns.classes), (20, 0, &seed.classes));
    let split = SplitFile::read(&root.join("seed-layout/split.json")).unwrap();
    let sides = seed.sides(&split).unwrap();
    let count = |side: Side| sides.iter().filter(|found| **found == Some(side)).count();
    assert_eq!((count(Side::Train), count(Side::Val)), (15, 5));
    let mut missing = 0;
    for index in 0..20 {
        let clip = seed.clip(index).unwrap();
        // The other layouts number the sequences in the order of classes and folders.
        let number = clip.name.rsplit_once('_').unwrap().1;
        let twin = frames.clip(number.parse::<usize>().unwrap() - 1).unwrap();
        let column = columns.entries.iter().position(|entry| entry.name == number).unwrap();
        let column = columns.clip(column).unwrap();
        assert_eq!((clip.frames, twin.frames, column.frames), (30, 30, 30));
        assert_eq!((&twin.class, &column.class), (&clip.class, &clip.class));
        for (name, points) in [(POSE, 25), (LEFT, 21), (RIGHT, 21)] {
            let expected = seen(&clip, name, points);
            missing += expected.iter().filter(|frame| frame.is_none()).count();
            assert_eq!(seen(&twin, name, points), expected, "{} {name}", twin.name);
            assert_eq!(seen(&column, name, points), expected, "{} {name}", column.name);
        }
        assert!(seen(&clip, FACE, 468).iter().all(Option::is_none));
        for recipe in &recipes() {
            let streams = |clip: &Clip| assemble(clip, recipe).unwrap().values;
            let bits = |clip: &Clip| streams(clip).iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            let expected = bits(&clip);
            assert!(expected == bits(&twin) && expected == bits(&column), "{} {recipe:?}", clip.name);
        }
    }
    assert!(missing > 100, "{missing} hands are missing");
}

/// What the three layouts have in common: x and y of hands and 25 points of the body, spelled as doubles in each; so the streams
/// have the same bits. The confidence of the body and all depths are only in some of them, and so is the deviation of
/// `normalise: sequence`, to which all 33 points of the body belong.
fn recipes() -> Vec<Recipe> {
    let body: Vec<usize> = (0..25).collect();
    let streams = serde_json::json!({"hand": {"points": 42}, "body": {"points": body, "parts": ["pose"]}});
    let recipe = |(missing, normalise): (Missing, Normalise)| {
        let streams = serde_json::from_value(streams.clone()).unwrap();
        let values = vec![PointValue::X, PointValue::Y];
        Recipe::of(&PrepareConfig { streams, values, missing, normalise, ..PrepareConfig::default() })
    };
    let missing = [Missing::Mask, Missing::Hold];
    let all = missing
        .into_iter()
        .flat_map(|missing| [Normalise::None, Normalise::Frame].map(|normalise| (missing, normalise)));
    all.map(recipe).collect()
}

fn strokes(root: &Path) {
    let hints = Hints { streams: vec![("pen".to_owned(), 1)], ..Hints::default() };
    let strokes = Bench::new(&[("s.npz", &fs::read(root.join("strokes.npz")).unwrap())]);
    let dataset = strokes.open_with(&hints).unwrap();
    assert_eq!((dataset.entries.len(), dataset.classes.len(), dataset.set_aside.len()), (2720, 136, 0));
    let lengths: Vec<usize> = (0..2720).map(|index| dataset.clip(index).unwrap().frames).collect();
    assert_eq!((lengths.iter().min(), lengths.iter().max(), lengths.iter().sum()), (Some(&11), Some(&129), 131_503));
    let writers: std::collections::BTreeSet<_> = dataset.entries.iter().map(|entry| entry.signer.clone()).collect();
    assert!(writers.len() >= 20 && !writers.contains(&None), "{writers:?}");
}
