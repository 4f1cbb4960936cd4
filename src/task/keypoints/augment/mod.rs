//! Random changes of a training sequence: fewer frames, another speed, noise, a map of the plane, a mirror, points that are
//! missing. A pure function of the seed, the epoch and the sample; what is drawn is the same for all streams.
//!
//! The confidence of a point is never changed, nor is a point that is missing. Neither padding nor features: both come later.
//!
//! ```text
//! config    the section              landmark  which point is which, and its mirror image
//! time      other frames             space     other places
//! missing   points that are taken away         feature   differences between frames
//! ```

pub mod config;
pub mod feature;
pub mod landmark;
mod missing;
mod space;
#[cfg(test)]
mod tests;
mod time;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

pub use self::config::{AugmentConfig, Chances};
pub use self::landmark::{BodyPart, Landmark, Mirror, Shape, Value};
pub use self::time::resample;
use crate::util::seed;

/// What the randomness of a sample follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The seed of the training.
    pub seed: u64,
    /// The epoch.
    pub epoch: u64,
    /// The number of the sample in its dataset.
    pub sample: u64,
}

impl Key {
    /// A generator for one change: switching it on or off leaves the others as they are.
    fn generator(self, change: &str) -> ChaCha8Rng {
        seed::generator(self.seed, &format!("augment keypoints: {change}"), self.epoch, self.sample)
    }
}

/// Where the plane is mirrored, and turned if no point of the body is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// Coordinates are shares of an image.
    Image,
    /// Coordinates are centred at 0.
    Centred,
    /// The same, with the points of each hand relative to its wrist.
    Wrists,
}

/// A sequence: for each stream `frames` times `points` times `values` numbers, in the order of its [`Shape`].
#[derive(Clone, Debug, PartialEq)]
pub struct Moving {
    /// The frames; at least one.
    pub frames: usize,
    /// The numbers of each stream.
    pub streams: Vec<Vec<f32>>,
}

/// The sequence as training sees it. Without a mirror none is mirrored.
#[must_use]
pub fn augment(
    original: Moving,
    shapes: &[Shape],
    config: &AugmentConfig,
    (plane, mirror): (Plane, Option<&Mirror>),
    key: Key,
) -> Moving {
    let mut moving = time::change(original, shapes, config, key);
    if let Some(mirror) = mirror.filter(|_| happens(config.mirror, &mut key.generator("mirror"))) {
        moving = mirror.apply(&moving, shapes, plane);
    }
    space::turn(&mut moving, shapes, config, plane, key);
    space::add_noise(&mut moving, shapes, config, key);
    missing::take_away(&mut moving, shapes, config, key);
    moving
}

/// Whether something of this probability happens. It draws in any case.
fn happens(probability: f64, generator: &mut ChaCha8Rng) -> bool {
    generator.random::<f64>() < probability
}

/// A number between these two.
fn between([least, most]: [f64; 2], generator: &mut ChaCha8Rng) -> f64 {
    least + (most - least) * generator.random::<f64>()
}
