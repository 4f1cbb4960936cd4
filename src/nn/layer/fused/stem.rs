//! The first convolution of a network, on images with one channel, together with what follows it. Its output, the largest of
//! the network, is never stored.
//!
//! With w_k the nine weights of a channel and x_k the nine pixels below them, the output is y = sum_k w_k x_k. So its mean is
//! sum_k w_k mean(x_k), and its variance sum_jk w_j w_k cov(x_j, x_k): the covariances of the image are all that batch norm needs,
//! and they are the same for all channels. The way back needs nothing else either, beside the pixels below the winner of each
//! window: with g the gradients of the winners, n = (y - mean) / deviation, and means over all pixels,
//!
//! gradient of w_k = scale / deviation (sum g x_k - sum(g) mean(x_k) - sum(g n) mean(n x_k)).

use tch::{TchError, Tensor};

use super::loops::{Drawn, NONE, Shape, best_of, outcome};
use super::{add_gradient, affine, flat, inverse_deviation, lent, numbers, room};
use crate::native::wide::Loop;
use crate::native::{flat as memory, parallel, wide};
use crate::nn::layer::dropout::Mask;
use crate::nn::layer::{BatchNorm, Conv2d, Dropout, SampleKeys};

/// The pixels below a window of 3 x 3.
const PIXELS: usize = 9;

/// Sums for each of these pixels: of products with all of them, and of itself.
const SUMS: usize = PIXELS + 1;

/// A convolution of 3 x 3 with a border of zeros on images with one channel, a batch norm, ReLU, the maximum over windows of
/// 2 x 2, and dropout.
#[derive(Clone, Copy, Debug)]
pub struct Stem<'a> {
    /// The convolution.
    pub convolution: &'a Conv2d,
    /// The norm behind it.
    pub norm: &'a BatchNorm,
    /// What is dropped at the end.
    pub dropout: &'a Dropout,
}

/// The result of the way forward, and what the way back needs.
#[derive(Debug)]
pub struct Stemmed {
    output_bcyx: Tensor,
    bordered: Vec<f32>,
    winners: Vec<u8>,
    shape: Shape,
    seen: Seen,
    /// For each channel its nine weights.
    weights: Vec<f32>,
    mean: Vec<f64>,
    deviation: Vec<f64>,
    parameters: [Tensor; 3],
    factor: f64,
}

/// Mean and covariances of the pixels below the window, over all its places.
#[derive(Debug)]
struct Seen {
    mean: [f64; PIXELS],
    covariance: [[f64; PIXELS]; PIXELS],
}

impl Stem<'_> {
    /// From images `[b, 1, y, x]`.
    ///
    /// # Errors
    /// If memory runs out, or libtorch refuses.
    ///
    /// # Panics
    /// If there are not as many keys as images.
    pub fn forward(&self, images_bcyx: &Tensor, keys: &SampleKeys) -> Result<Stemmed, TchError> {
        let (weight, bias) = self.convolution.parameters();
        let [scale, shift] = self.norm.affine();
        let weights = numbers(&weight)?;
        let (shape, images) = shape(images_bcyx, &weights)?;
        let bordered = bordered(&numbers(images_bcyx)?, shape);
        let seen = Seen::new(&bordered, shape, images);
        let mean: Vec<f64> = weights.chunks_exact(PIXELS).map(|weights| dot(weights, &seen.mean)).collect();
        let variance = weights.chunks_exact(PIXELS).map(|weights| dot(weights, &seen.along(weights)).max(0.0));
        let variance: Vec<f64> = variance.collect();
        self.norm.follow(&mean, &variance, images * shape.rows * shape.columns, bias.as_ref())?;
        let (parameters, deviation) = ([scale, shift], inverse_deviation(&variance));
        let affine = affine(&parameters, &mean, &deviation)?;
        let masks = self.dropout.masks(keys, images);
        let (winners, output_bcyx) = convolved(&bordered, shape, &weights, &affine, masks)?;
        let (output_bcyx, factor) = (output_bcyx.set_requires_grad(true), self.dropout.factor());
        let [scale, shift] = parameters;
        let parameters = [weight, scale, shift];
        Ok(Stemmed { output_bcyx, bordered, winners, shape, seen, weights, mean, deviation, parameters, factor })
    }

    /// The result by running statistics, channels last.
    ///
    /// # Errors
    /// If memory runs out, or libtorch refuses.
    pub fn evaluate(&self, images_bcyx: &Tensor) -> Result<Tensor, TchError> {
        let (weight, bias) = self.convolution.parameters();
        let weights = numbers(&weight)?;
        let (shape, images) = shape(images_bcyx, &weights)?;
        let bordered = bordered(&numbers(images_bcyx)?, shape);
        let affine = self.norm.learned(bias.as_ref())?;
        let (_, output_bcyx) = convolved(&bordered, shape, &weights, &affine, vec![Mask::NONE; images])?;
        Ok(output_bcyx)
    }
}

/// The shape of the convolution's output for each image, and how many images there are.
fn shape(images_bcyx: &Tensor, weights: &[f32]) -> Result<(Shape, usize), TchError> {
    let (images, _, rows, columns) = images_bcyx.size4()?;
    let [images, rows, columns] = [images, rows, columns].map(|side| side as usize);
    Ok((Shape { rows, columns, channels: weights.len() / PIXELS, window: 2 }, images))
}

/// The winner of each window, and the pooled images `[b, c, y, x]`.
fn convolved(
    bordered: &[f32],
    shape: Shape,
    weights: &[f32],
    [gain, offset]: &[Vec<f32>; 2],
    masks: Vec<Mask>,
) -> Result<(Vec<u8>, Tensor), TchError> {
    let [rows, columns] = shape.pooled();
    let (mut pooled, pooled_bcyx) = room([masks.len(), rows, columns, shape.channels])?;
    let mut winners = vec![0; pooled.numel()];
    let folded = folded(weights, gain);
    memory::lend([&mut pooled], [], |[pooled], []| {
        let outputs =
            pooled.chunks_exact_mut(shape.pooled_values()).zip(winners.chunks_exact_mut(shape.pooled_values()));
        let items = bordered.chunks_exact(bordered_size(shape)).zip(outputs).zip(masks).collect();
        parallel::for_each(items, |((image, (pooled, winners)), mask)| {
            wide::widest(Convolved { shape, image, weights: &folded, offset, mask, pooled, winners });
        });
    })
    .map_err(lent)?;
    Ok((winners, pooled_bcyx))
}

impl Stemmed {
    /// The result, channels last: a leaf of autograd, to which the next layers add the gradient.
    pub fn output(&self) -> &Tensor {
        &self.output_bcyx
    }

    /// Adds the gradients of weights, scale and bias.
    ///
    /// # Errors
    /// If memory runs out, or libtorch refuses.
    pub fn backward(self) -> Result<(), TchError> {
        let (channels, factor) = (self.shape.channels, self.factor);
        let sums = self.sums(&flat(&self.output_bcyx.f_grad()?)?)?;
        let (of_pixels, of_winners) = sums.split_at(PIXELS * channels);
        let scale = numbers(&self.parameters[1])?;
        let (mut of_weights, mut of_scale, mut of_bias) = (Vec::new(), Vec::new(), Vec::new());
        for channel in 0..channels {
            let weights = &self.weights[channel * PIXELS..(channel + 1) * PIXELS];
            let of_pixel: [f64; PIXELS] = std::array::from_fn(|pixel| of_pixels[pixel * channels + channel] * factor);
            let (sum, deviation) = (of_winners[channel] * factor, self.deviation[channel]);
            let product = (dot(weights, &of_pixel) - self.mean[channel] * sum) * deviation;
            let along = self.seen.along(weights);
            let gain = f64::from(scale[channel]) * deviation;
            let of_weight = |pixel: usize| {
                gain * (of_pixel[pixel] - sum * self.seen.mean[pixel] - product * deviation * along[pixel])
            };
            of_weights.extend((0..PIXELS).map(|pixel| of_weight(pixel) as f32));
            of_scale.push(product as f32);
            of_bias.push(sum as f32);
        }
        let added = [of_weights, of_scale, of_bias];
        self.parameters.iter().zip(added).try_for_each(|(parameter, added)| add_gradient(parameter, &added))
    }

    /// For each pixel below the window and each channel, the sum of the winners' gradients times that pixel; then the sum of
    /// these gradients.
    fn sums(&self, gradients: &Tensor) -> Result<Vec<f64>, TchError> {
        let (shape, size) = (self.shape, SUMS * self.shape.channels);
        let images = self.bordered.len() / bordered_size(shape);
        let mut sums = vec![0.0_f32; images * size];
        let (bordered, winners) = (&self.bordered, &self.winners);
        memory::lend([], [gradients], |[], [gradients]| {
            let pooled = gradients.chunks_exact(shape.pooled_values()).zip(winners.chunks_exact(shape.pooled_values()));
            let items = bordered.chunks_exact(bordered_size(shape)).zip(pooled).zip(sums.chunks_exact_mut(size));
            parallel::for_each(items.collect(), |((image, (gradients, winners)), sums)| {
                wide::widest(Gathered { shape, image, gradients, winners, sums });
            });
        })
        .map_err(lent)?;
        Ok(total(&sums, size))
    }
}

impl Seen {
    fn new(bordered: &[f32], shape: Shape, images: usize) -> Self {
        let mut sums = vec![0.0_f64; images * PIXELS * SUMS];
        let items = bordered.chunks_exact(bordered_size(shape)).zip(sums.chunks_exact_mut(PIXELS * SUMS));
        parallel::for_each(items.collect(), |(image, sums)| wide::widest(Products { shape, image, sums }));
        let sums = total(&sums, PIXELS * SUMS);
        let count = (images * shape.rows * shape.columns) as f64;
        let mean = std::array::from_fn(|pixel| sums[pixel * SUMS + PIXELS] / count);
        let product = |one: usize, other: usize| sums[one * SUMS + other] / count - mean[one] * mean[other];
        let covariance = std::array::from_fn(|one| std::array::from_fn(|other| product(one, other)));
        Self { mean, covariance }
    }

    /// The covariances of the pixels with the output of these weights.
    fn along(&self, weights: &[f32]) -> [f64; PIXELS] {
        self.covariance.map(|row| dot(weights, &row))
    }
}

fn dot(weights: &[f32], values: &[f64; PIXELS]) -> f64 {
    weights.iter().zip(values).map(|(weight, value)| f64::from(*weight) * value).sum()
}

/// Over all images, in their order.
fn total<T: Copy + Into<f64>>(sums: &[T], size: usize) -> Vec<f64> {
    let mut totals = vec![0.0; size];
    for sums in sums.chunks_exact(size) {
        totals.iter_mut().zip(sums).for_each(|(total, sum)| *total += (*sum).into());
    }
    totals
}

/// Weights times the gain of their channel, channels last.
fn folded(weights: &[f32], gain: &[f32]) -> Vec<f32> {
    let channels = gain.len();
    let weight = |place: usize| {
        let (pixel, channel) = (place / channels, place % channels);
        weights[channel * PIXELS + pixel] * gain[channel]
    };
    (0..weights.len()).map(weight).collect()
}

fn bordered_size(shape: Shape) -> usize {
    (shape.rows + 2) * (shape.columns + 2)
}

/// Images with a border of zeros.
fn bordered(levels: &[f32], shape: Shape) -> Vec<f32> {
    let images = levels.len() / (shape.rows * shape.columns);
    let mut bordered = vec![0.0; images * bordered_size(shape)];
    for (image, levels) in
        bordered.chunks_exact_mut(bordered_size(shape)).zip(levels.chunks_exact(shape.rows * shape.columns))
    {
        let lines = image.chunks_exact_mut(shape.columns + 2).skip(1);
        for (line, levels) in lines.zip(levels.chunks_exact(shape.columns)) {
            line[1..=shape.columns].copy_from_slice(levels);
        }
    }
    bordered
}

/// The sums of the products of the pixels below the window, and of the pixels.
struct Products<'a> {
    shape: Shape,
    image: &'a [f32],
    sums: &'a mut [f64],
}

impl Loop for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { shape, image, sums } = self;
        let width = shape.columns + 2;
        let mut all = [[0.0_f64; SUMS]; PIXELS];
        for row in 0..shape.rows {
            let lines: [&[f32]; 3] = std::array::from_fn(|line| &image[(row + line) * width..(row + line + 1) * width]);
            for column in 0..shape.columns {
                let mut below = [1.0_f64; SUMS];
                for (pixel, below) in below.iter_mut().take(PIXELS).enumerate() {
                    *below = f64::from(lines[pixel / 3][column + pixel % 3]);
                }
                for (sums, pixel) in all.iter_mut().zip(below) {
                    sums.iter_mut().zip(below).for_each(|(sum, other)| *sum += pixel * other);
                }
            }
        }
        sums.iter_mut().zip(all.as_flattened()).for_each(|(sum, value)| *sum = *value);
    }
}

/// The sixteen pixels below the four places of a window.
#[inline(always)]
fn below(image: &[f32], width: usize, row: usize, column: usize) -> [f32; 16] {
    let mut pixels = [0.0; 16];
    for (line, pixels) in pixels.chunks_exact_mut(4).enumerate() {
        let start = (2 * row + line) * width + 2 * column;
        pixels.copy_from_slice(&image[start..start + 4]);
    }
    pixels
}

/// Where the window of each of the four places starts in the sixteen pixels.
const PLACES: [usize; 4] = [0, 1, 4, 5];

/// The convolution up to dropout.
struct Convolved<'a> {
    shape: Shape,
    image: &'a [f32],
    weights: &'a [f32],
    offset: &'a [f32],
    mask: Mask,
    pooled: &'a mut [f32],
    winners: &'a mut [u8],
}

impl Loop for Convolved<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { shape, image, weights, offset, mask, pooled, winners } = self;
        let ([rows, columns], channels) = (shape.pooled(), shape.channels);
        let weights: [&[f32]; PIXELS] = std::array::from_fn(|pixel| &weights[pixel * channels..(pixel + 1) * channels]);
        let outputs = pooled.chunks_exact_mut(channels).zip(winners.chunks_exact_mut(channels));
        for (place, (pooled, winners)) in outputs.enumerate() {
            let pixels = below(image, shape.columns + 2, place / columns, place % columns);
            let drawn = Drawn { mask, place: place as u32, area: (rows * columns) as u32 };
            convolve(&pixels, weights, offset, drawn, pooled, winners);
        }
    }
}

#[inline(always)]
fn convolve(
    pixels: &[f32; 16],
    weights: [&[f32]; PIXELS],
    offset: &[f32],
    drawn: Drawn,
    pooled: &mut [f32],
    winners: &mut [u8],
) {
    let channels = pooled.len();
    let weights = weights.map(|weights| &weights[..channels]);
    let (offset, winners) = (&offset[..channels], &mut winners[..channels]);
    for channel in 0..channels {
        let mut values = [offset[channel]; 4];
        for (pixel, weights) in weights.iter().enumerate() {
            for (value, start) in values.iter_mut().zip(PLACES) {
                *value += weights[channel] * pixels[start + pixel / 3 * 4 + pixel % 3];
            }
        }
        let (best, place) = best_of(values);
        (pooled[channel], winners[channel]) = outcome(best, place, drawn.drops(channel), drawn.mask.factor);
    }
}

/// The sums of the winners' gradients times the pixels below them.
struct Gathered<'a> {
    shape: Shape,
    image: &'a [f32],
    gradients: &'a [f32],
    winners: &'a [u8],
    sums: &'a mut [f32],
}

impl Loop for Gathered<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { shape, image, gradients, winners, sums } = self;
        let (columns, channels) = (shape.pooled()[1], shape.channels);
        for (place, (gradients, winners)) in
            gradients.chunks_exact(channels).zip(winners.chunks_exact(channels)).enumerate()
        {
            let pixels = below(image, shape.columns + 2, place / columns, place % columns);
            let (of_pixels, of_winners) = sums.split_at_mut(PIXELS * channels);
            for (pixel, sums) in of_pixels.chunks_exact_mut(channels).enumerate() {
                let seen = PLACES.map(|start| pixels[start + pixel / 3 * 4 + pixel % 3]);
                gather(gradients, winners, seen, sums);
            }
            gather(gradients, winners, [1.0; 4], of_winners);
        }
    }
}

#[inline(always)]
fn gather(gradients: &[f32], winners: &[u8], [first, right, below, last]: [f32; 4], sums: &mut [f32]) {
    for ((gradient, winner), sum) in gradients.iter().zip(winners).zip(sums) {
        let upper = if *winner == 0 { first } else { right };
        let lower = if *winner == 2 { below } else { last };
        let seen = if *winner < 2 { upper } else { lower };
        *sum += if *winner == NONE { 0.0 } else { gradient * seen };
    }
}
