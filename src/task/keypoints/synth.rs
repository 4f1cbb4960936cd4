//! Synthetic signs: skeletons of people who move two hands. Every sign is a path of each hand and two shapes of its fingers; every
//! signer has a size, a place, a speed and an accent; no two takes are equal, and hands are not always seen.
//!
//! As in real languages, some signs differ in one thing alone: of each three, the second has the path of the first with other
//! fingers, and the third ends elsewhere.
//!
//! A take is a pure function of (seed, sign, signer, number).

use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;

use super::SEQUENCES;
use super::clip::{Clip, Part, Source, VALUES};
use super::read::{ReadError, packed};
use crate::data::synthetic::Signs;
use crate::util::exit::Exit;
use crate::util::fs::{FsError, create_dir_all};
use crate::util::progress::Stage;
use crate::util::seed;
use crate::util::stop::Stopped;
use crate::util::surroundings::Surroundings;

/// The file that holds all of them.
const FILE: &str = "signs.npz";

/// The points of a pose and of a hand.
const POSE: usize = 33;
const HAND: usize = 21;

/// Places that a hand passes.
const STOPS: usize = 4;

/// Signs that have most in common.
const FAMILY: u64 = 3;

/// How far from the usual places a signer makes a sign.
const ACCENT: f32 = 0.22;

/// Frames between the takes of a recording.
const PAUSE: u64 = 30;

/// Signs that can't be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file can't be written.
    #[error(transparent)]
    File(#[from] ReadError),
    /// The folder can't be made.
    #[error(transparent)]
    Folder(#[from] FsError),
    /// A signal came.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl WriteError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::File(error) => error.exit(),
            Self::Folder(error) => error.exit(),
            Self::Stopped(error) => error.exit(),
        }
    }
}

crate::util::failures!("synthetic data": WriteError);

/// Writes all takes into one file below `into`.
///
/// # Errors
/// If it can't be written, or a signal comes.
pub fn write(signs: &Signs, into: &Path, around: &Surroundings<'_>) -> Result<(), WriteError> {
    let all = signs.classes * signs.signers * signs.takes;
    around.progress.begin(Stage::Synthesise, Some(all as u64), SEQUENCES);
    let mut clips = Vec::with_capacity(all);
    for signer in 0..signs.signers {
        around.stop.check()?;
        let mut time = 0;
        for class in 0..signs.classes {
            for take in 0..signs.takes {
                let clip = clip(signs, [class, signer, take], time);
                time += clip.frames as u64 + PAUSE;
                clips.push(clip);
            }
        }
        around.progress.advance((signs.classes * signs.takes) as u64);
    }
    create_dir_all(into)?;
    packed::write(&into.join(FILE), &clips)?;
    around.progress.end(&format!("made {}", SEQUENCES.count(all as u64)));
    Ok(())
}

/// How far the fingers of a hand are bent.
type Fingers = [f32; 5];

/// What a hand does in a sign, in units of the distance of the shoulders, from the middle between them.
struct Motion {
    stops: [[f32; 2]; STOPS],
    /// How far each finger is bent, at the beginning and at the end.
    bent: [Fingers; 2],
    /// Where the fingers point to, at the beginning and at the end.
    angle: [f32; 2],
}

struct Sign {
    right: Motion,
    /// None for a sign of one hand.
    left: Option<Motion>,
    frames: f32,
}

struct Signer {
    middle: [f32; 2],
    /// The distance of the shoulders.
    width: f32,
    speed: f32,
    /// How large movements are.
    reach: f32,
    tilt: f32,
    noise: f32,
}

/// Numbers by chance.
struct Chance(ChaCha8Rng);

impl Chance {
    fn of(seed: u64, purpose: &str, index: u64) -> Self {
        Self(seed::generator(seed, purpose, 0, index))
    }

    /// From one to the other.
    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.0.next_u32() >> 8) as f32 / 16_777_216.0
    }

    fn is(&mut self, probability: f32) -> bool {
        self.between(0.0, 1.0) < probability
    }

    /// Around 0, with this deviation: the sum of four has nearly the normal distribution.
    fn around(&mut self, deviation: f32) -> f32 {
        (0..4).map(|_| self.between(-1.0, 1.0)).sum::<f32>() * deviation * 0.866
    }
}

impl Motion {
    fn of(chance: &mut Chance, side: f32) -> Self {
        let stops = [(); STOPS].map(|()| stop(chance, side));
        let bent = [(); 2].map(|()| shape(chance));
        Self { stops, bent, angle: [(); 2].map(|()| chance.between(-2.6, -0.5)) }
    }

    /// What another sign of the family has instead.
    fn varied(mut self, member: u64, chance: &mut Chance, side: f32) -> Self {
        match member {
            0 => {}
            1 => self.bent = self.bent.map(|bent| other(chance, bent)),
            _ => self.stops[STOPS - 2..].fill_with(|| stop(chance, side)),
        }
        self
    }

    /// With an accent: each place a little elsewhere.
    fn spoken(&self, chance: &mut Chance) -> Self {
        Self { stops: self.stops.map(|stop| stop.map(|place| place + chance.around(ACCENT))), ..*self }
    }

    /// Like the other hand in a mirror.
    fn mirrored(&self) -> Self {
        let angle = self.angle.map(|angle| -std::f32::consts::PI - angle);
        Self { stops: self.stops.map(|[x, y]| [-x, y]), bent: self.bent, angle }
    }

    /// Where the wrist is at a share of the time.
    fn wrist(&self, time: f32) -> [f32; 2] {
        let along = time.clamp(0.0, 1.0) * (STOPS - 1) as f32;
        let stop = (along as usize).min(STOPS - 2);
        let share = along - stop as f32;
        let eased = share * share * (3.0 - 2.0 * share);
        [0, 1].map(|axis| mix(self.stops[stop][axis], self.stops[stop + 1][axis], eased))
    }
}

/// Where a hand may be.
fn stop(chance: &mut Chance, side: f32) -> [f32; 2] {
    [side * chance.between(0.0, 1.1), chance.between(-0.9, 1.2)]
}

/// Some fingers bent, the others straight.
fn shape(chance: &mut Chance) -> Fingers {
    [(); 5].map(|()| if chance.is(0.5) { 0.9 } else { 0.1 })
}

/// Another shape: two fingers, or more, are the other way.
fn other(chance: &mut Chance, bent: Fingers) -> Fingers {
    let first = chance.between(0.0, 5.0) as usize;
    std::array::from_fn(|finger| match finger == first % 5 || finger == (first + 2) % 5 || chance.is(0.2) {
        true => 1.0 - bent[finger],
        false => bent[finger],
    })
}

fn mix(one: f32, other: f32, share: f32) -> f32 {
    one + (other - one) * share
}

impl Sign {
    fn of(seed: u64, class: usize) -> Self {
        let (family, member) = (class as u64 / FAMILY, class as u64 % FAMILY);
        let (mut shared, mut own) =
            (Chance::of(seed, "sign", family), Chance::of(seed, "sign of a family", class as u64));
        // In a picture the right hand of a person is on the left.
        let right = Motion::of(&mut shared, -1.0).varied(member, &mut own, -1.0);
        let left = match shared.between(0.0, 3.0) {
            kind if kind < 1.0 => None,
            kind if kind < 2.0 => Some(right.mirrored()),
            _ => Some(Motion::of(&mut shared, 1.0).varied(member, &mut own, 1.0)),
        };
        Self { right, left, frames: shared.between(16.0, 30.0) }
    }

    /// As one person makes it.
    fn spoken(&self, chance: &mut Chance) -> Self {
        Self {
            right: self.right.spoken(chance),
            left: self.left.as_ref().map(|left| left.spoken(chance)),
            frames: self.frames,
        }
    }
}

impl Signer {
    fn of(seed: u64, number: usize) -> Self {
        let mut chance = Chance::of(seed, "signer", number as u64);
        Self {
            middle: [chance.between(0.42, 0.58), chance.between(0.4, 0.52)],
            width: chance.between(0.14, 0.26),
            speed: chance.between(0.75, 1.3),
            reach: chance.between(0.8, 1.2),
            tilt: chance.between(-0.15, 0.15),
            noise: chance.between(0.004, 0.015),
        }
    }

    /// A place in the picture.
    fn place(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (sine, cosine) = self.tilt.sin_cos();
        let [x, y] = [x * cosine - y * sine, x * sine + y * cosine];
        [self.middle[0] + self.width * x, self.middle[1] + self.width * y]
    }
}

fn clip(signs: &Signs, [class, signer, take]: [usize; 3], time: u64) -> Clip {
    let index = ((class * signs.signers + signer) * signs.takes + take) as u64;
    let mut chance = Chance::of(signs.seed, "take", index);
    let mut accent = Chance::of(signs.seed, "accent", (class * signs.signers + signer) as u64);
    let (sign, who) = (Sign::of(signs.seed, class).spoken(&mut accent), Signer::of(signs.seed, signer));
    let frames = (sign.frames / who.speed * chance.between(0.85, 1.15)).round().max(2.0) as usize;
    let shift = [chance.around(0.08), chance.around(0.08)];
    let hands = [sign.left.as_ref(), Some(&sign.right)];
    let hidden = hands.map(|motion| hidden(&mut chance, frames, motion.is_some(), signs.occlusion as f32));
    let mut parts = ["pose", "left_hand", "right_hand"].map(|name| Part {
        name: name.to_owned(),
        points: if name == "pose" { POSE } else { HAND },
        has: [true; VALUES],
        values: Vec::new(),
    });
    for frame in 0..frames {
        let share = frame as f32 / (frames - 1) as f32;
        let wrist = |motion: Option<&Motion>, side: f32| {
            let [x, y] = motion.map_or([side * 0.6, 2.0], |motion| motion.wrist(share));
            [who.reach * (x + shift[0]), who.reach * (y + shift[1])]
        };
        let wrists = [wrist(hands[0], 1.0), wrist(hands[1], -1.0)];
        put(&mut parts[0], &pose(wrists), &who, &mut chance);
        for (hand, motion) in hands.into_iter().enumerate() {
            match motion.filter(|_| !hidden[hand].contains(&frame)) {
                Some(motion) => put(&mut parts[1 + hand], &fingers(motion, wrists[hand], share), &who, &mut chance),
                None => parts[1 + hand].values.extend([f32::NAN; HAND * VALUES]),
            }
        }
    }
    let span = [time, time + frames as u64 - 1];
    Clip {
        name: format!("sign_{class:02}-signer_{signer:02}-{take:02}"),
        class: Some(format!("sign_{class:02}")),
        signer: Some(format!("signer_{signer:02}")),
        source: Some(Source { video: format!("signer_{signer:02}"), span }),
        frames,
        fps: None,
        parts: parts.into(),
    }
}

/// The frames in which a hand is not seen.
fn hidden(chance: &mut Chance, frames: usize, is_used: bool, occlusion: f32) -> std::ops::Range<usize> {
    if !is_used {
        return 0..frames;
    }
    let (is_hidden, begin, length) = (chance.is(occlusion), chance.between(0.0, 0.7), chance.between(0.15, 0.4));
    let begin = (begin * frames as f32) as usize;
    if is_hidden { begin..begin + (length * frames as f32) as usize } else { 0..0 }
}

/// Adds a frame: points of the body, as the signer has them.
fn put(part: &mut Part, points: &[[f32; 3]], who: &Signer, chance: &mut Chance) {
    for [x, y, confidence] in points {
        let [x, y] = who.place([x + chance.around(who.noise), y + chance.around(who.noise)]);
        part.values.extend([x, y, who.width * chance.around(0.05), *confidence]);
    }
}

/// The points of a body whose wrists are there, each with its confidence.
fn pose([left, right]: [[f32; 2]; 2]) -> Vec<[f32; 3]> {
    let mut points = vec![[0.0, -1.0, 0.99]];
    // Eyes, ears and the mouth, left and right.
    points.extend([[0.1, -1.1], [0.15, -1.1], [0.2, -1.1]].map(|[x, y]| [x, y, 0.98]));
    points.extend([[-0.1, -1.1], [-0.15, -1.1], [-0.2, -1.1]].map(|[x, y]| [x, y, 0.98]));
    points.extend([[0.3, -1.05], [-0.3, -1.05], [0.1, -0.85], [-0.1, -0.85]].map(|[x, y]| [x, y, 0.97]));
    let shoulders = [[0.5, 0.0], [-0.5, 0.0]];
    points.extend(shoulders.map(|[x, y]| [x, y, 0.99]));
    let elbow = |[sx, sy]: [f32; 2], [x, y]: [f32; 2]| [(sx + x) / 2.0 + 0.5 * sx, (sy + y) / 2.0 + 0.35, 0.95];
    points.extend([elbow(shoulders[0], left), elbow(shoulders[1], right)]);
    points.extend([left, right].map(|[x, y]| [x, y, 0.9]));
    for [dx, dy] in [[0.08, -0.12], [0.0, -0.15], [-0.06, -0.08]] {
        points.extend([[left[0] + dx, left[1] + dy, 0.85], [right[0] - dx, right[1] + dy, 0.85]]);
    }
    points.extend([[0.35, 1.6, 0.9], [-0.35, 1.6, 0.9]]);
    for row in 1..5 {
        let y = 1.6 + 0.8 * row as f32;
        points.extend([[0.35, y, 0.1], [-0.35, y, 0.1]]);
    }
    points
}

/// The points of a hand at a share of the time.
fn fingers(motion: &Motion, wrist: [f32; 2], share: f32) -> Vec<[f32; 3]> {
    let mut points = vec![[wrist[0], wrist[1], 1.0]];
    let angle = mix(motion.angle[0], motion.angle[1], share);
    for finger in 0..5 {
        let spread = angle + (finger as f32 - 2.0) * if finger == 0 { 0.4 } else { 0.22 };
        let bent = mix(motion.bent[0][finger], motion.bent[1][finger], share);
        for joint in 1..5 {
            // A bent finger comes back to the palm.
            let straight = 0.12 + 0.07 * joint as f32;
            let folded = 0.19 - 0.02 * (joint - 1) as f32;
            let length = mix(straight, folded, bent);
            points.push([wrist[0] + length * spread.cos(), wrist[1] + length * spread.sin(), 1.0]);
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_three_signs_the_second_has_other_fingers_and_the_third_ends_elsewhere() {
        for family in 0..20 {
            let [first, second, third] = [0, 1, 2].map(|member| Sign::of(42, 3 * family + member).right);
            assert!(first.stops == second.stops && first.angle == second.angle && first.bent != second.bent);
            let same: Vec<bool> = first.stops.iter().zip(&third.stops).map(|(one, other)| one == other).collect();
            assert!(same == [true, true, false, false] && first.bent == third.bent);
            assert!(Sign::of(42, 3 * family + 3).right.stops != first.stops);
        }
    }

    const FEW: Signs = Signs { classes: 6, signers: 2, takes: 2, occlusion: 0.5, seed: 42 };

    #[test]
    fn a_take_is_the_same_every_time_and_takes_signers_and_signs_differ() {
        let of = |of| clip(&FEW, of, 0);
        // NaN is not equal to itself.
        let told = |clip: &Clip| format!("{clip:?}");
        assert_eq!(told(&of([1, 1, 1])), told(&of([1, 1, 1])));
        for other in [[1, 1, 0], [1, 0, 1], [0, 1, 1]] {
            assert_ne!(of(other).parts[0], of([1, 1, 1]).parts[0]);
        }
        assert_eq!(of([1, 0, 1]).signer.as_deref(), Some("signer_00"));
    }

    #[test]
    fn hands_have_all_points_are_in_the_picture_and_are_not_always_seen() {
        let (mut seen, mut unseen) = (0, 0);
        for class in 0..FEW.classes {
            let clip = clip(&FEW, [class, 0, 0], 0);
            for part in &clip.parts {
                assert_eq!(part.values.len(), clip.frames * part.points * VALUES, "{}", part.name);
                let hands = part.values.chunks(part.points * VALUES).filter(|_| part.points == HAND);
                for row in hands {
                    match row[0].is_nan() {
                        true => unseen += 1,
                        false => seen += 1,
                    }
                    assert!(row[0].is_nan() || row.iter().all(|value| (-1.0..2.0).contains(value)), "{row:?}");
                }
            }
            let wrist = &clip.parts[0].values[16 * VALUES..][..2];
            let hand = &clip.parts[2].values[..2];
            assert!(hand[0].is_nan() || (wrist[0] - hand[0]).abs() < 0.05, "the hand is at the end of the arm");
        }
        assert!(seen > unseen && unseen > 0, "{seen} {unseen}");
    }
}
