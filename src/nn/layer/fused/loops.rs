//! The loops of [`super`], an image at a time and all over the channels of a pixel, compiled for the widest vectors.

use crate::native::wide::Loop;
use crate::nn::layer::dropout::{Mask, hash};

/// What is stored in place of the winner of a window if nothing of the window counts: it was negative, or dropped.
pub const NONE: u8 = 4;

/// The size of an image and of the windows that its pixels are pooled in: 1 or 2 rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub rows: usize,
    pub columns: usize,
    pub channels: usize,
    pub window: usize,
}

impl Shape {
    /// Rows and columns of the pooled image.
    pub fn pooled(self) -> [usize; 2] {
        [self.rows / self.window, self.columns / self.window]
    }

    /// The values of an image.
    pub fn values(self) -> usize {
        self.rows * self.columns * self.channels
    }

    /// The values of a pooled image.
    pub fn pooled_values(self) -> usize {
        self.pooled().iter().product::<usize>() * self.channels
    }

    /// Where the four pixels of a window start; with windows of one pixel that pixel.
    #[inline(always)]
    fn window(self, row: usize, column: usize) -> [usize; 4] {
        let first = (row * self.window * self.columns + column * self.window) * self.channels;
        if self.window == 1 {
            return [first; 4];
        }
        let below = first + self.columns * self.channels;
        [first, first + self.channels, below, below + self.channels]
    }
}

/// Adds the differences from an origin, and their squares, to sums for each channel.
pub struct Moments<'a> {
    pub values: &'a [f32],
    pub origin: &'a [f32],
    pub sums: [&'a mut [f32]; 2],
}

impl Loop for Moments<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let [first, second] = self.sums;
        for pixel in self.values.chunks_exact(self.origin.len()) {
            add_moments(pixel, self.origin, first, second);
        }
    }
}

#[inline(always)]
fn add_moments(pixel: &[f32], origin: &[f32], first: &mut [f32], second: &mut [f32]) {
    for (((value, origin), first), second) in pixel.iter().zip(origin).zip(first).zip(second) {
        let difference = value - origin;
        *first += difference;
        *second += difference * difference;
    }
}

/// The maximum of each window of scaled and shifted values, 0 if it is negative or dropped; and which pixel it is.
pub struct Pool<'a> {
    pub shape: Shape,
    pub values: &'a [f32],
    /// The factor and the summand of each channel.
    pub affine: [&'a [f32]; 2],
    pub mask: Mask,
    pub pooled: &'a mut [f32],
    pub winners: &'a mut [u8],
}

impl Loop for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { shape, values, affine, mask, pooled, winners } = self;
        let [rows, columns] = shape.pooled();
        let channels = shape.channels;
        let outputs = pooled.chunks_exact_mut(channels).zip(winners.chunks_exact_mut(channels));
        for (place, (pooled, winners)) in outputs.enumerate() {
            let starts = shape.window(place / columns, place % columns);
            let pixels = starts.map(|start| &values[start..start + channels]);
            let drawn = Drawn { mask, place: place as u32, area: (rows * columns) as u32 };
            if shape.window == 1 {
                pool_one(pixels[0], affine, drawn, pooled, winners);
            } else {
                pool_four(pixels, affine, drawn, pooled, winners);
            }
        }
    }
}

/// Which values of a pixel are dropped. Dropout counts values by channel, row and column.
#[derive(Clone, Copy)]
pub struct Drawn {
    pub mask: Mask,
    pub place: u32,
    pub area: u32,
}

impl Drawn {
    #[inline(always)]
    pub fn drops(self, channel: usize) -> bool {
        let value = (channel as u32).wrapping_mul(self.area).wrapping_add(self.place);
        hash(value, self.mask.key) < self.mask.threshold
    }
}

/// What is written for the largest value of a window. What is not a number is written as it is.
#[inline(always)]
pub fn outcome(best: f32, place: u8, dropped: bool, factor: f32) -> (f32, u8) {
    let is_lost = best <= 0.0 || dropped;
    if is_lost { (0.0, NONE) } else { (best * factor, place) }
}

#[inline(always)]
fn pool_one(pixel: &[f32], [scale, shift]: [&[f32]; 2], drawn: Drawn, pooled: &mut [f32], winners: &mut [u8]) {
    let channels = pooled.len();
    let (pixel, scale, shift, winners) =
        (&pixel[..channels], &scale[..channels], &shift[..channels], &mut winners[..channels]);
    for channel in 0..channels {
        let value = pixel[channel] * scale[channel] + shift[channel];
        (pooled[channel], winners[channel]) = outcome(value, 0, drawn.drops(channel), drawn.mask.factor);
    }
}

#[inline(always)]
fn pool_four(pixels: [&[f32]; 4], [scale, shift]: [&[f32]; 2], drawn: Drawn, pooled: &mut [f32], winners: &mut [u8]) {
    let channels = pooled.len();
    let [first, right, below, last] = pixels.map(|pixel| &pixel[..channels]);
    let (scale, shift, winners) = (&scale[..channels], &shift[..channels], &mut winners[..channels]);
    for channel in 0..channels {
        let value = |pixel: &[f32]| pixel[channel] * scale[channel] + shift[channel];
        let (best, place) = best_of([value(first), value(right), value(below), value(last)]);
        (pooled[channel], winners[channel]) = outcome(best, place, drawn.drops(channel), drawn.mask.factor);
    }
}

/// The first of the largest, as in PyTorch.
#[inline(always)]
pub fn best_of([first, right, below, last]: [f32; 4]) -> (f32, u8) {
    let (mut best, mut place) = (first, 0);
    if right > best {
        (best, place) = (right, 1);
    }
    if below > best {
        (best, place) = (below, 2);
    }
    if last > best {
        (best, place) = (last, 3);
    }
    (best, place)
}

/// The sums, for each channel, of the gradients of winners, and of their products with how far the winner is from the mean.
pub struct GradientSums<'a> {
    pub shape: Shape,
    pub values: &'a [f32],
    pub mean: &'a [f32],
    pub gradients: &'a [f32],
    pub winners: &'a [u8],
    pub sums: [&'a mut [f32]; 2],
}

impl Loop for GradientSums<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { shape, values, mean, gradients, winners, sums: [first, second] } = self;
        let (columns, channels) = (shape.pooled()[1], shape.channels);
        for (place, (gradients, winners)) in
            gradients.chunks_exact(channels).zip(winners.chunks_exact(channels)).enumerate()
        {
            let starts = shape.window(place / columns, place % columns);
            let pixels = starts.map(|start| &values[start..start + channels]);
            add_products(pixels, mean, gradients, winners, first, second);
        }
    }
}

#[inline(always)]
fn add_products(
    pixels: [&[f32]; 4],
    mean: &[f32],
    gradients: &[f32],
    winners: &[u8],
    first: &mut [f32],
    second: &mut [f32],
) {
    let channels = mean.len();
    let pixels = pixels.map(|pixel| &pixel[..channels]);
    let (gradients, winners) = (&gradients[..channels], &winners[..channels]);
    let (first, second) = (&mut first[..channels], &mut second[..channels]);
    for channel in 0..channels {
        let winner = winners[channel];
        let gradient = if winner == NONE { 0.0 } else { gradients[channel] };
        let upper = if winner == 0 { pixels[0][channel] } else { pixels[1][channel] };
        let lower = if winner == 2 { pixels[2][channel] } else { pixels[3][channel] };
        let value = if winner < 2 { upper } else { lower };
        first[channel] += gradient;
        second[channel] += gradient * (value - mean[channel]);
    }
}

/// The gradient of the values: of each by mean and deviation, of winners by the gradient itself too.
pub struct Spread<'a> {
    pub shape: Shape,
    pub values: &'a [f32],
    pub mean: &'a [f32],
    /// What is added for every value, for its distance from the mean, and for the gradient of a winner.
    pub by: [&'a [f32]; 3],
    pub gradients: &'a [f32],
    pub winners: &'a [u8],
    pub spread: &'a mut [f32],
}

impl Loop for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { shape, values, mean, by: [offset, slope, gain], gradients, winners, spread } = self;
        let (columns, channels) = (shape.pooled()[1], shape.channels);
        for (pixel, spread) in values.chunks_exact(channels).zip(spread.chunks_exact_mut(channels)) {
            set_line(pixel, mean, offset, slope, spread);
        }
        for (place, (gradients, winners)) in
            gradients.chunks_exact(channels).zip(winners.chunks_exact(channels)).enumerate()
        {
            let starts = shape.window(place / columns, place % columns);
            for (place, start) in starts.into_iter().enumerate().take(shape.window * shape.window) {
                add_winners(gradients, winners, place as u8, gain, &mut spread[start..start + channels]);
            }
        }
    }
}

#[inline(always)]
fn set_line(pixel: &[f32], mean: &[f32], offset: &[f32], slope: &[f32], spread: &mut [f32]) {
    for ((((value, mean), offset), slope), spread) in pixel.iter().zip(mean).zip(offset).zip(slope).zip(spread) {
        *spread = offset + (value - mean) * slope;
    }
}

#[inline(always)]
fn add_winners(gradients: &[f32], winners: &[u8], place: u8, gain: &[f32], spread: &mut [f32]) {
    for (((gradient, winner), gain), spread) in gradients.iter().zip(winners).zip(gain).zip(spread) {
        *spread += if *winner == place { gradient * gain } else { 0.0 };
    }
}
