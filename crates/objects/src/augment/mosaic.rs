//! A canvas with one image in its middle, or with four that meet at a place.

use std::sync::Arc;

use super::Source;
use crate::letterbox::Letterbox;

/// An image on a canvas.
#[derive(Debug)]
pub(super) struct Tile {
    pub source: Arc<Source>,
    /// By what its pixels are magnified.
    pub scale: f64,
    /// Where its upper left corner would be.
    pub at: [f64; 2],
    /// What is seen of it: left, top, right, bottom.
    pub seen: [f64; 4],
}

/// Images on a square of gray.
#[derive(Debug)]
pub(super) struct Canvas {
    /// One, or those at the upper left, upper right, lower left and lower right of a place.
    pub tiles: Vec<Tile>,
    pub side: f64,
}

impl Canvas {
    /// An image in the middle, as large as fits.
    pub fn single(source: Arc<Source>, side: usize) -> Self {
        let letterbox = Letterbox::of([source.picture.width, source.picture.height], side);
        let at = letterbox.at.map(|pixels| pixels as f64);
        let [width, height] = letterbox.size.map(|pixels| pixels as f64);
        let seen = [at[0], at[1], at[0] + width, at[1] + height];
        let tile = Tile { source, scale: letterbox.scale, at, seen };
        Self { tiles: vec![tile], side: side as f64 }
    }

    /// Four images around a place of a canvas of twice the side, each with a corner there. Their longer sides are the side.
    pub fn of_four(sources: [Arc<Source>; 4], side: usize, meeting: [f64; 2]) -> Self {
        let whole = 2.0 * side as f64;
        let [x, y] = meeting;
        let tile = |(number, source): (usize, Arc<Source>)| {
            let longest = source.picture.width.max(source.picture.height).max(1);
            let scale = side as f64 / longest as f64;
            let [width, height] = [source.picture.width, source.picture.height].map(|pixels| pixels as f64 * scale);
            let (is_right, is_low) = (number % 2 == 1, number / 2 == 1);
            let at = [if is_right { x } else { x - width }, if is_low { y } else { y - height }];
            let seen = [at[0].max(0.0), at[1].max(0.0), (at[0] + width).min(whole), (at[1] + height).min(whole)];
            Tile { source, scale, at, seen }
        };
        Self { tiles: sources.into_iter().enumerate().map(tile).collect(), side: whole }
    }

    /// Its middle.
    pub fn middle(&self) -> [f64; 2] {
        [self.side / 2.0; 2]
    }
}
