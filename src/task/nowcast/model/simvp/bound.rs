//! A SimVP with its weights: the forward pass.

use tch::{Kind, Tensor};

use super::{Block, SAMPLING_GROUPS, Sampling, Simvp};
use crate::nn::layer::GroupNorm;
use crate::nn::parameters::{Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::nowcast::model::convolution::{BoundConvolution, Convolution};
use crate::task::nowcast::model::fill::filled;
use crate::task::nowcast::model::{Forward, Sizes, by_lead};

/// A SimVP over the parameters that it was built from: it sees every change of them.
#[derive(Debug)]
pub struct BoundSimvp {
    encoder: Vec<BoundSampling>,
    blocks: Vec<BoundBlock>,
    decoder: Vec<BoundSampling>,
    head: BoundConvolution,
    sizes: Sizes,
    divisor: i64,
    beside: (i64, i64),
}

#[derive(Debug)]
struct BoundSampling {
    conv: BoundConvolution,
    norm: GroupNorm,
    doubles: bool,
}

#[derive(Debug)]
struct BoundBlock {
    norms: [GroupNorm; 2],
    scales: [Tensor; 2],
    attention: [BoundConvolution; 5],
    mlp: [BoundConvolution; 3],
    change: Option<BoundConvolution>,
}

impl BoundSimvp {
    /// The network over these parameters.
    ///
    /// # Errors
    /// If one of them is missing or has another shape.
    pub fn new(simvp: &Simvp, parameters: &Parameters) -> Result<Self, ParametersError> {
        let bound = |layers: Vec<Sampling>| {
            layers.iter().map(|layer| BoundSampling::new(layer, parameters)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            encoder: bound(simvp.encoder())?,
            blocks: simvp.blocks().iter().map(|block| BoundBlock::new(block, parameters)).collect::<Result<_, _>>()?,
            decoder: bound(simvp.decoder())?,
            head: simvp.head().over(parameters)?,
            sizes: simvp.sizes.clone(),
            divisor: simvp.divisor(),
            beside: simvp.beside(),
        })
    }

    /// What the encoder's first layer returned, for each lead.
    fn beside_leads(&self, first_ncyx: &Tensor, [samples, times]: [i64; 2]) -> Tensor {
        let (start, more) = self.beside;
        let first_btcyx = first_ncyx.unflatten(0, [samples, times]).narrow(1, start, times - start);
        let last_btcyx = first_btcyx.narrow(1, -1, 1).repeat([1, more, 1, 1, 1]);
        Tensor::cat(&[first_btcyx, last_btcyx], 1).flatten(0, 1)
    }
}

impl Forward for BoundSimvp {
    fn forward(&self, frames_btcyx: &Tensor, precision: Precision) -> Tensor {
        let size = frames_btcyx.size();
        let [samples, times, _, rows, columns] = [0, 1, 2, 3, 4].map(|axis| size[axis]);
        let mut image_ncyx = filled(&precision.cast(frames_btcyx).flatten(0, 1), self.divisor);
        let mut first_ncyx = None;
        for layer in &self.encoder {
            image_ncyx = layer.forward(&image_ncyx, precision);
            first_ncyx.get_or_insert_with(|| image_ncyx.shallow_clone());
        }
        let mut all_bcyx = image_ncyx.unflatten(0, [samples, times]).flatten(1, 2).to_kind(Kind::Float);
        for block in &self.blocks {
            all_bcyx = block.forward(all_bcyx, precision);
        }
        let mut image_ncyx = precision.cast(&all_bcyx).unflatten(1, [self.sizes.leads, -1]).flatten(0, 1);
        for (index, layer) in self.decoder.iter().enumerate() {
            if let (Some(first_ncyx), true) = (&first_ncyx, index + 1 == self.decoder.len()) {
                image_ncyx = self.beside_leads(first_ncyx, [samples, times]) + image_ncyx;
            }
            image_ncyx = layer.forward(&image_ncyx, precision);
        }
        let output_ncyx = self.head.forward(&image_ncyx, precision).to_kind(Kind::Float);
        by_lead::ordered(&output_ncyx.unflatten(0, [samples, self.sizes.leads]), &self.sizes, [rows, columns])
    }
}

impl BoundSampling {
    fn new(layer: &Sampling, parameters: &Parameters) -> Result<Self, ParametersError> {
        Ok(Self {
            conv: layer.conv.over(parameters)?,
            norm: GroupNorm::new(&layer.norm, layer.channels, SAMPLING_GROUPS, parameters)?,
            doubles: layer.doubles,
        })
    }

    fn forward(&self, image_ncyx: &Tensor, precision: Precision) -> Tensor {
        let mut image_ncyx = self.conv.forward(image_ncyx, precision);
        if self.doubles {
            image_ncyx = image_ncyx.pixel_shuffle(2);
        }
        precision.cast(&self.norm.forward(&image_ncyx)).silu()
    }
}

impl BoundBlock {
    fn new(block: &Block, parameters: &Parameters) -> Result<Self, ParametersError> {
        let norm = |number| GroupNorm::new(&block.norm(number), block.channels, 1, parameters);
        let scale = |number| Ok(parameters.view_of(&block.scale(number))?.view([-1, 1, 1]));
        let over = |conv: &Convolution| conv.over(parameters);
        let ([proj1, near, far, gate, proj2], [conv1, mixing, conv2]) = (block.attention(), block.mlp());
        Ok(Self {
            norms: [norm(1)?, norm(2)?],
            scales: [scale(1)?, scale(2)?],
            attention: [over(&proj1)?, over(&near)?, over(&far)?, over(&gate)?, over(&proj2)?],
            mlp: [over(&conv1)?, over(&mixing)?, over(&conv2)?],
            change: block.change().as_ref().map(over).transpose()?,
        })
    }

    /// What is summed up, `x`, is fp32: in 16 bits a hundredth of something would be lost in the sum.
    fn forward(&self, x_bcyx: Tensor, precision: Precision) -> Tensor {
        let normed = |number: usize, x: &Tensor| precision.cast(&self.norms[number].forward(x));
        let x_bcyx = &x_bcyx + &self.scales[0] * self.attention(&normed(0, &x_bcyx), precision);
        let x_bcyx = &x_bcyx + &self.scales[1] * self.mlp(&normed(1, &x_bcyx), precision);
        match &self.change {
            Some(change) => change.forward(&x_bcyx, precision).to_kind(Kind::Float),
            None => x_bcyx,
        }
    }

    fn attention(&self, y_bcyx: &Tensor, precision: Precision) -> Tensor {
        let [proj1, near, far, gate, proj2] = &self.attention;
        let seen_bcyx = [near, far, gate]
            .iter()
            .fold(proj1.forward(y_bcyx, precision).gelu("none"), |seen, conv| conv.forward(&seen, precision));
        let parts = seen_bcyx.chunk(2, 1);
        proj2.forward(&(&parts[0] * parts[1].sigmoid()), precision) + y_bcyx
    }

    fn mlp(&self, y_bcyx: &Tensor, precision: Precision) -> Tensor {
        let [conv1, near, conv2] = &self.mlp;
        let wide_bcyx = near.forward(&conv1.forward(y_bcyx, precision), precision).gelu("none");
        conv2.forward(&wide_bcyx, precision)
    }
}
