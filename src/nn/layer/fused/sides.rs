//! Both directions of what follows a convolution.

use tch::{TchError, Tensor};

use super::loops::{GradientSums, Moments, Pool, Shape, Spread};
use super::{add_gradient, affine, flat, inverse_deviation, lent, numbers, room};
use crate::native::{flat as memory, parallel, wide};
use crate::nn::layer::dropout::Mask;
use crate::nn::layer::{BatchNorm, Conv2d, Dropout, SampleKeys};

/// A convolution, a batch norm, and what follows.
#[derive(Clone, Copy, Debug)]
pub struct Fused<'a> {
    /// The convolution, which libtorch computes.
    pub convolution: &'a Conv2d,
    /// The norm behind it.
    pub norm: &'a BatchNorm,
    /// Rows and columns of the windows whose maximum is taken: 1 or 2.
    pub window: usize,
    /// What is dropped at the end.
    pub dropout: &'a Dropout,
}

/// What the norm of a batch is computed from: numbers for each channel.
#[derive(Clone, Debug)]
pub(super) struct Statistics {
    pub mean: Vec<f64>,
    /// Biased.
    pub variance: Vec<f64>,
    /// Values that they are of.
    pub count: usize,
}

/// The result of the way forward, and what the way back needs.
#[derive(Debug)]
pub struct Normed {
    output_bcyx: Tensor,
    /// The output of the convolution, with its graph.
    product: Tensor,
    values: Tensor,
    winners: Vec<u8>,
    shape: Shape,
    statistics: Statistics,
    parameters: [Tensor; 2],
    deviation: Vec<f64>,
    factor: f64,
}

impl Fused<'_> {
    /// From images `[b, c, y, x]`, best if channels last. The bias of the convolution changes nothing but the running mean.
    ///
    /// # Errors
    /// If memory runs out, or libtorch refuses.
    ///
    /// # Panics
    /// If there are not as many keys as images.
    pub fn forward(&self, images_bcyx: &Tensor, keys: &SampleKeys) -> Result<Normed, TchError> {
        let product_bcyx = self.convolution.without_bias(images_bcyx);
        let (shape, images) = self.shape(&product_bcyx)?;
        let product = flat(&product_bcyx)?;
        let values = product.f_detach()?;
        let statistics = statistics(&values, shape, images)?;
        let (_, bias) = self.convolution.parameters();
        self.norm.follow(&statistics.mean, &statistics.variance, statistics.count, bias.as_ref())?;
        let (parameters, deviation) = (self.norm.affine(), statistics.inverse_deviation());
        let affine = affine(&parameters, &statistics.mean, &deviation)?;
        let (winners, output_bcyx) = pool(&values, shape, &affine, self.dropout.masks(keys, images))?;
        let (output_bcyx, factor) = (output_bcyx.set_requires_grad(true), self.dropout.factor());
        Ok(Normed { output_bcyx, product, values, winners, shape, statistics, parameters, deviation, factor })
    }

    /// The result by running statistics, channels last.
    ///
    /// # Errors
    /// If memory runs out, or libtorch refuses.
    pub fn evaluate(&self, images_bcyx: &Tensor) -> Result<Tensor, TchError> {
        let product_bcyx = self.convolution.without_bias(images_bcyx);
        let (shape, images) = self.shape(&product_bcyx)?;
        let (_, bias) = self.convolution.parameters();
        let affine = self.norm.learned(bias.as_ref())?;
        let (_, output_bcyx) = pool(&flat(&product_bcyx.f_detach()?)?, shape, &affine, vec![Mask::NONE; images])?;
        Ok(output_bcyx)
    }

    /// The shape of each image, and how many there are.
    fn shape(&self, product_bcyx: &Tensor) -> Result<(Shape, usize), TchError> {
        let (images, channels, rows, columns) = product_bcyx.size4()?;
        let [images, channels, rows, columns] = [images, channels, rows, columns].map(|side| side as usize);
        Ok((Shape { rows, columns, channels, window: self.window }, images))
    }
}

/// The winner of each window, and the pooled images `[b, c, y, x]`.
fn pool(
    values: &Tensor,
    shape: Shape,
    [gain, shift]: &[Vec<f32>; 2],
    masks: Vec<Mask>,
) -> Result<(Vec<u8>, Tensor), TchError> {
    let [rows, columns] = shape.pooled();
    let (mut pooled, pooled_bcyx) = room([masks.len(), rows, columns, shape.channels])?;
    let mut winners = vec![0; pooled.numel()];
    memory::lend([&mut pooled], [values], |[pooled], [values]| {
        let outputs =
            pooled.chunks_exact_mut(shape.pooled_values()).zip(winners.chunks_exact_mut(shape.pooled_values()));
        let items = values.chunks_exact(shape.values()).zip(outputs).zip(masks).collect();
        parallel::for_each(items, |((values, (pooled, winners)), mask)| {
            wide::widest(Pool { shape, values, affine: [gain, shift], mask, pooled, winners });
        });
    })
    .map_err(lent)?;
    Ok((winners, pooled_bcyx))
}

impl Normed {
    /// The result, channels last: a leaf of autograd, to which the next layers add the gradient.
    pub fn output(&self) -> &Tensor {
        &self.output_bcyx
    }

    /// Adds the gradients of the norm's scale and bias and of the convolution's weight, and that of the images to them.
    ///
    /// # Errors
    /// If memory runs out, or libtorch refuses.
    pub fn backward(self) -> Result<(), TchError> {
        let Self { output_bcyx, product, values, winners, shape, statistics, parameters, deviation, factor } = self;
        let gradients = flat(&output_bcyx.f_grad()?)?;
        let images = values.numel() / shape.values();
        let mean: Vec<f32> = statistics.mean.iter().map(|mean| *mean as f32).collect();
        let sums = memory::lend([], [&values, &gradients], |[], [values, gradients]| {
            summed(images, shape.channels, |items| {
                let pooled =
                    gradients.chunks_exact(shape.pooled_values()).zip(winners.chunks_exact(shape.pooled_values()));
                let items = values.chunks_exact(shape.values()).zip(pooled).zip(items).collect();
                parallel::for_each(items, |((values, (gradients, winners)), sums)| {
                    wide::widest(GradientSums { shape, values, mean: &mean, gradients, winners, sums });
                });
            })
        })
        .map_err(lent)?;
        let of_bias: Vec<f64> = sums[0].iter().map(|sum| sum * factor).collect();
        let of_scale: Vec<f64> = sums[1].iter().zip(&deviation).map(|(sum, by)| sum * factor * by).collect();
        let single = |values: &[f64]| values.iter().map(|value| *value as f32).collect::<Vec<f32>>();
        add_gradient(&parameters[0], &single(&of_scale))?;
        add_gradient(&parameters[1], &single(&of_bias))?;
        let scale = numbers(&parameters[0])?;
        let count = statistics.count as f64;
        let by = |channel: usize| f64::from(scale[channel]) * deviation[channel];
        let each = |value: &dyn Fn(usize) -> f64| (0..scale.len()).map(|channel| value(channel) as f32).collect();
        let offset: Vec<f32> = each(&|channel| -by(channel) * of_bias[channel] / count);
        let slope: Vec<f32> = each(&|channel| -by(channel) * of_scale[channel] * deviation[channel] / count);
        let gain: Vec<f32> = each(&|channel| by(channel) * factor);
        let mut spread = values.f_empty_like()?;
        memory::lend([&mut spread], [&values, &gradients], |[spread], [values, gradients]| {
            let pooled = gradients.chunks_exact(shape.pooled_values()).zip(winners.chunks_exact(shape.pooled_values()));
            let items = values.chunks_exact(shape.values()).zip(pooled).zip(spread.chunks_exact_mut(shape.values()));
            parallel::for_each(items.collect(), |((values, (gradients, winners)), spread)| {
                let by: [&[f32]; 3] = [&offset, &slope, &gain];
                wide::widest(Spread { shape, values, mean: &mean, by, gradients, winners, spread });
            });
        })
        .map_err(lent)?;
        // The gradient of this product by one factor is the other one: so autograd starts from a gradient of our own.
        tch::with_grad(|| product.f_dot(&spread)?.f_backward())
    }
}

impl Statistics {
    pub fn inverse_deviation(&self) -> Vec<f64> {
        inverse_deviation(&self.variance)
    }
}

/// Sums of differences from a pixel of the batch: squares of large values would leave nothing of a small variance.
fn statistics(values: &Tensor, shape: Shape, images: usize) -> Result<Statistics, TchError> {
    let (channels, count) = (shape.channels, images * shape.rows * shape.columns);
    let (origin, sums) = memory::lend([], [values], |[], [values]| {
        let origin = &values[..channels];
        let sums = summed(images, channels, |items| {
            let items = values.chunks_exact(shape.values()).zip(items).collect();
            parallel::for_each(items, |(values, sums)| wide::widest(Moments { values, origin, sums }));
        });
        (origin.to_vec(), sums)
    })
    .map_err(lent)?;
    let means = sums[0].iter().map(|sum| sum / count as f64);
    let variance = means.clone().zip(&sums[1]).map(|(mean, square)| (square / count as f64 - mean * mean).max(0.0));
    let mean = means.zip(&origin).map(|(mean, origin)| mean + f64::from(*origin)).collect();
    Ok(Statistics { mean, variance: variance.collect(), count })
}

/// Two sums for each channel over all images: `work` fills those of each image.
fn summed(images: usize, channels: usize, work: impl FnOnce(Vec<[&mut [f32]; 2]>)) -> [Vec<f64>; 2] {
    let mut sums = vec![0.0_f32; images * 2 * channels];
    let items = sums.chunks_exact_mut(2 * channels).map(|sums| {
        let (first, second) = sums.split_at_mut(channels);
        [first, second]
    });
    work(items.collect());
    let mut totals = [vec![0.0; channels], vec![0.0; channels]];
    for sums in sums.chunks_exact(2 * channels) {
        for (total, sums) in totals.iter_mut().zip(sums.chunks_exact(channels)) {
            total.iter_mut().zip(sums).for_each(|(total, sum)| *total += f64::from(*sum));
        }
    }
    totals
}
