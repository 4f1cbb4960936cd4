//! Other frames: some are dropped at an end or between, and the rest become more or fewer.

use rand::Rng;

use super::config::AugmentConfig;
use super::landmark::{Shape, Value};
use super::{Key, Moving, between, happens};

/// The sequence with what is drawn for its time.
pub(super) fn change(moving: Moving, shapes: &[Shape], config: &AugmentConfig, key: Key) -> Moving {
    let kept = dropped(shifted(moving.frames, config, key), config, key);
    let frames = sped_up(kept.len(), config, key);
    if kept.len() == moving.frames && frames == moving.frames {
        return moving;
    }
    taken(&moving, shapes, &kept, frames)
}

/// The sequence with so many frames, evenly from its first to its last.
#[must_use]
pub fn resample(moving: &Moving, shapes: &[Shape], frames: usize) -> Moving {
    taken(moving, shapes, &(0..moving.frames).collect::<Vec<_>>(), frames)
}

/// The frames without some at one end.
fn shifted(frames: usize, config: &AugmentConfig, key: Key) -> Vec<usize> {
    let mut generator = key.generator("time shift");
    let does = happens(config.chances.time_shift, &mut generator);
    let count = generator.random_range(0..=config.time_shift).min(frames.saturating_sub(1));
    let at_start = generator.random::<bool>();
    match (does, at_start) {
        (false, _) => (0..frames).collect(),
        (true, true) => (count..frames).collect(),
        (true, false) => (0..frames - count).collect(),
    }
}

/// The frames without some between them; at least half of them stay.
fn dropped(frames: Vec<usize>, config: &AugmentConfig, key: Key) -> Vec<usize> {
    let mut generator = key.generator("frame dropout");
    if !happens(config.chances.frame_drop, &mut generator) {
        return frames;
    }
    let mut may_go = frames.len() / 2;
    let stays = |_: &usize| {
        let goes = may_go > 0 && happens(config.frame_drop, &mut generator);
        may_go -= usize::from(goes);
        !goes
    };
    frames.into_iter().filter(stays).collect()
}

/// How many frames there are at another speed.
fn sped_up(frames: usize, config: &AugmentConfig, key: Key) -> usize {
    let mut generator = key.generator("speed");
    let does = happens(config.chances.speed, &mut generator);
    let factor = between(config.speed, &mut generator);
    if does { ((frames as f64 * factor).round() as usize).max(1) } else { frames }
}

/// So many frames, evenly from the first to the last of the kept ones: coordinates linearly between two, all else of the nearer.
fn taken(moving: &Moving, shapes: &[Shape], kept: &[usize], frames: usize) -> Moving {
    let last = kept.len().saturating_sub(1);
    let stride = if frames > 1 { last as f64 / (frames - 1) as f64 } else { 0.0 };
    let stream = |(stream, shape): (&Vec<f32>, &Shape)| {
        let mut found = Vec::with_capacity(frames * shape.width());
        for frame in 0..frames {
            let place = (frame as f64 * stride).min(last as f64);
            let (before, share) = (place as usize, place.fract());
            let row = |place: usize| &stream[kept[place.min(last)] * shape.width()..][..shape.width()];
            blend(shape, row(before), row(before + 1), share as f32, &mut found);
        }
        found
    };
    Moving { frames, streams: moving.streams.iter().zip(shapes).map(stream).collect() }
}

/// A frame between two. A point that is missing in one of them is as in the nearer one.
fn blend(shape: &Shape, before: &[f32], after: &[f32], share: f32, found: &mut Vec<f32>) {
    let count = shape.values.len().max(1);
    for (before, after) in before.chunks_exact(count).zip(after.chunks_exact(count)) {
        let nearer = if share < 0.5 { before } else { after };
        if share == 0.0 || shape.is_missing(before) || shape.is_missing(after) {
            found.extend_from_slice(nearer);
            continue;
        }
        let between = shape.values.iter().zip(before.iter().zip(after)).zip(nearer);
        found.extend(between.map(|((value, (before, after)), nearer)| match value {
            Value::Confidence => *nearer,
            // Of two equal numbers this is the number, to the bit.
            _ => before + share * (after - before),
        }));
    }
}
