//! Random changes of an image and its boxes: four images as one, turned and scaled, other colors, mirrored, two blended. All of it
//! follows from a seed, an epoch and the number of the image, so that neither a resume nor the number of threads changes it.
//!
//! ```text
//! config   how much is changed            mosaic   where images are on the canvas
//! affine   a map of the plane             render   the pixels and boxes of a canvas through a map
//! color    hue, saturation and value
//! ```

mod affine;
mod color;
mod config;
mod mosaic;
mod render;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use fragua_util::seed;
use rand::Rng;

pub use config::{AugmentConfig, Wrong};

use self::affine::Affine;
use self::color::Shades;
use self::mosaic::Canvas;
use crate::boxes::Object;
use crate::letterbox::GRAY;
use crate::picture::Picture;

/// What is drawn.
const PURPOSE: &str = "object augmentation";

/// An image with its boxes in its pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The image, at any size: that of what is made of it is the quickest.
    pub picture: Picture,
    /// Its boxes.
    pub objects: Vec<Object>,
}

/// What all draws follow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The seed of the run.
    pub seed: u64,
    /// The epoch.
    pub epoch: u64,
    /// The number of the image.
    pub index: u64,
}

/// A square image for training and its boxes: the image of this number, and with it others of `count` that `get` gives.
///
/// # Errors
/// If `get` can't give an image.
pub fn sample<E>(
    config: &AugmentConfig,
    (side, has_mosaic): (usize, bool),
    draw: Draw,
    (own, count): (usize, usize),
    get: &mut dyn FnMut(usize) -> Result<Arc<Source>, E>,
) -> Result<(Picture, Vec<Object>), E> {
    let mut random = seed::generator(draw.seed, PURPOSE, draw.epoch, draw.index);
    let (mut picture, mut objects) = changed(config, (side, has_mosaic), &mut random, (own, count), get)?;
    if random.random::<f64>() < config.mixup {
        let other = get(random.random_range(0..count.max(1)))?;
        let canvas = Canvas::single(other, side);
        let scale = random.random_range(0.5..=1.5);
        let mirrored = random.random::<bool>();
        // What is larger is cut at a random place, what is smaller is put at one.
        let room = side as f64 * (1.0 - scale);
        let at = [(); 2].map(|()| room.min(0.0) + random.random::<f64>() * room.abs());
        let map = Affine::scaled(scale).moved(at).mirrored([mirrored, false], side);
        let (blended, more) = canvas.render(&map, side, 0);
        picture
            .rgb
            .iter_mut()
            .zip(&blended.rgb)
            .for_each(|(one, other)| *one = (u16::from(*one) + u16::from(*other)).div_ceil(2) as u8);
        objects.extend(more);
    }
    Ok((picture, objects))
}

/// All changes but the blending.
fn changed<E>(
    config: &AugmentConfig,
    (side, has_mosaic): (usize, bool),
    random: &mut impl Rng,
    (own, count): (usize, usize),
    get: &mut dyn FnMut(usize) -> Result<Arc<Source>, E>,
) -> Result<(Picture, Vec<Object>), E> {
    // Every draw is made, whether it is used or not: what one key changes does not change what others draw.
    let is_mosaic = random.random::<f64>() < config.mosaic && has_mosaic;
    let middle = [(); 2].map(|()| random.random_range(0.5..=1.5) * side as f64);
    let others = [(); 3].map(|()| random.random_range(0..count.max(1)));
    let mut both = |most: f64| (2.0 * random.random::<f64>() - 1.0) * most;
    let (degrees, zoom) = (both(config.degrees), 1.0 + both(config.scale));
    let shear = [both(config.shear), both(config.shear)];
    let moved = [0, 1].map(|_| (0.5 + both(config.translate)) * side as f64);
    let shades = Shades { hue: both(config.hsv_h), saturation: both(config.hsv_s), value: both(config.hsv_v) };
    let mirrored = [config.fliplr, config.flipud].map(|share| random.random::<f64>() < share);
    let canvas = if is_mosaic {
        let [one, two, three] = others;
        Canvas::of_four([get(own)?, get(one)?, get(two)?, get(three)?], side, middle)
    } else {
        Canvas::single(get(own)?, side)
    };
    let map = Affine::about(canvas.middle(), degrees, zoom, shear).moved(moved).mirrored(mirrored, side);
    let (mut picture, objects) = canvas.render(&map, side, GRAY);
    shades.apply(&mut picture);
    Ok((picture, objects))
}
