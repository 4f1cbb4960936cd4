//! From frames to motion, and from motion to ways. The motion is the project's own ([`crate::task::nowcast::advection`]): that of
//! the advection which every forecast is compared with.

use crate::task::nowcast::advection::{NodeMotion, node_motion, ways};
use crate::task::nowcast::config::{Levels, NowcastConfig};
use crate::task::nowcast::quantize::{MISSING, STEPS};

/// Frames that the motion is found from: the last ones of the input.
pub const MOTION_FRAMES: usize = 3;

/// Echo that is weaker than this share of the range is noise or none: nothing is added to it.
pub const LEAST_ECHO: f64 = 0.3;

/// How motion is found in the bytes of frames.
#[derive(Clone, Debug)]
pub struct MotionFinder {
    levels: Levels,
    size: [usize; 2],
}

/// The ways of a window on the mesh of [`crate::task::nowcast::advection::mesh`]: one field of two components after another.
#[derive(Clone, Debug, PartialEq)]
pub struct MeshWays {
    /// From the last frame to the earlier ones that the network sees, the last but one first.
    pub back: Vec<f32>,
    /// From each forecast to the last frame.
    pub ahead: Vec<f32>,
}

impl MotionFinder {
    /// For windows as configured.
    #[must_use]
    pub fn new(config: &NowcastConfig) -> Self {
        Self { levels: config.prepare.levels.clone(), size: config.prepare.size }
    }

    /// The motion in the last of these frames, each of levels, rows and columns as the dataset has them; `minutes` are their
    /// times on any clock. Levels that are one image or the channels of one move together: with the strongest of them.
    #[must_use]
    pub fn find(&self, frames: &[&[u8]], minutes: &[f64]) -> NodeMotion {
        let used = frames.len().min(MOTION_FRAMES);
        let (frames, minutes) = (&frames[frames.len() - used..], &minutes[minutes.len() - used..]);
        let frames: Vec<Vec<f32>> =
            frames.iter().map(|frame| self.strongest(frame).into_iter().map(normalised).collect()).collect();
        let frames: Vec<&[f32]> = frames.iter().map(Vec::as_slice).collect();
        let [rows, columns] = self.size;
        node_motion(&frames, rows, columns, minutes, 0.0)
    }

    /// The ways along a motion. `minutes` are those of the frames that the network sees and of its forecasts, from the last
    /// frame.
    #[must_use]
    pub fn ways(&self, motion: &NodeMotion, seen_minutes: &[f64], lead_minutes: &[f64]) -> MeshWays {
        let [rows, columns] = self.size;
        let motion = motion.motion(rows, columns);
        let older = seen_minutes.len().saturating_sub(1);
        let ages: Vec<f64> = seen_minutes[..older].iter().rev().map(|minutes| -minutes).collect();
        let ahead = ways(&motion, lead_minutes);
        // At even intervals the way back to a frame is that of a forecast as far ahead.
        let field = ahead.len() / lead_minutes.len().max(1);
        let back = match lead_minutes.starts_with(&ages) {
            true => ahead[..ages.len() * field].to_vec(),
            false => ways(&motion, &ages),
        };
        MeshWays { back, ahead }
    }

    /// The strongest of the levels that are used, as bytes.
    #[must_use]
    pub fn strongest(&self, frame: &[u8]) -> Vec<u8> {
        let cells = self.size[0] * self.size[1];
        let levels = frame.chunks_exact(cells).enumerate();
        let mut strongest = vec![MISSING; cells];
        for (_, level) in levels.filter(|(number, _)| self.uses(*number)) {
            strongest.iter_mut().zip(level).for_each(|(strongest, byte)| *strongest = (*strongest).max(*byte));
        }
        strongest
    }

    /// The parts of a frame that move by themselves: each level, or all of them together.
    #[must_use]
    pub fn parts<'a>(&self, frame: &'a [u8]) -> Vec<&'a [u8]> {
        match self.levels {
            Levels::Each => frame.chunks_exact(self.size[0] * self.size[1]).collect(),
            Levels::Composite | Levels::Channels(_) => vec![frame],
        }
    }

    fn uses(&self, level: usize) -> bool {
        match &self.levels {
            Levels::Each | Levels::Composite => true,
            Levels::Channels(chosen) => chosen.contains(&level),
        }
    }
}

/// From a byte to the scale that the model sees; a missing cell is NaN.
#[must_use]
pub fn normalised(byte: u8) -> f32 {
    if byte == MISSING { f32::NAN } else { (f32::from(byte) - 1.0) / STEPS as f32 }
}
