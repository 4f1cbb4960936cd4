//! A U-Net with its weights: the forward pass.

use tch::{Kind, Tensor};

use super::{Block, Unet};
use crate::nn::layer::GroupNorm;
use crate::nn::layer::norm::groups;
use crate::nn::parameters::{Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::nowcast::config::UnetNorm;
use crate::task::nowcast::model::Forward;
use crate::task::nowcast::model::convolution::{BoundConvolution, Convolution};
use crate::task::nowcast::model::fill::filled;

/// A U-Net over the parameters that it was built from: it sees every change of them.
#[derive(Debug)]
pub struct BoundUnet {
    down: Vec<BoundBlock>,
    up: Vec<BoundBlock>,
    head: BoundConvolution,
    divisor: i64,
    channels: i64,
}

#[derive(Debug)]
struct BoundBlock(Vec<(BoundConvolution, Option<GroupNorm>)>);

impl BoundUnet {
    /// The network over these parameters.
    ///
    /// # Errors
    /// If one of them is missing or has another shape.
    pub fn new(unet: &Unet, parameters: &Parameters) -> Result<Self, ParametersError> {
        let bound = |blocks: Vec<Block>| {
            blocks.iter().map(|block| BoundBlock::new(block, unet.norm, parameters)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            down: bound(unet.down())?,
            up: bound(unet.up())?,
            head: unet.head().over(parameters)?,
            divisor: unet.divisor(),
            channels: unet.sizes.channels,
        })
    }
}

impl Forward for BoundUnet {
    fn forward(&self, frames_btcyx: &Tensor, precision: Precision) -> Tensor {
        let size = frames_btcyx.size();
        let (rows, columns) = (size[3], size[4]);
        let images_bcyx = channels_last(&filled(&precision.cast(frames_btcyx).flatten(1, 2), self.divisor));
        let mut seen: Vec<Tensor> = Vec::with_capacity(self.down.len());
        for block in &self.down {
            let input = match seen.last() {
                Some(finer) => finer.avg_pool2d([2, 2], [2, 2], [0, 0], false, true, None),
                None => images_bcyx.shallow_clone(),
            };
            seen.push(block.forward(&input, precision));
        }
        let mut image = seen.pop().unwrap_or(images_bcyx);
        for (block, skip) in self.up.iter().zip(seen.into_iter().rev()) {
            let finer = image.upsample_bilinear2d(&skip.size()[2..], false, None, None);
            image = block.forward(&Tensor::cat(&[finer, skip], 1), precision);
        }
        let output = self.head.forward(&image, precision).narrow(2, 0, rows).narrow(3, 0, columns);
        output.to_kind(Kind::Float).unflatten(1, [-1, self.channels])
    }
}

/// The same images with the channels of a cell side by side in memory, which all that follows keeps: convolutions of so few
/// channels are quicker so.
fn channels_last(images_bcyx: &Tensor) -> Tensor {
    images_bcyx.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

impl BoundBlock {
    fn new(block: &Block, norm: UnetNorm, parameters: &Parameters) -> Result<Self, ParametersError> {
        let one = |(number, conv): (usize, Convolution)| {
            let norm = match norm {
                UnetNorm::None => None,
                UnetNorm::Group => {
                    let channels = block.outputs;
                    Some(GroupNorm::new(&block.norm(number), channels, groups(channels), parameters)?)
                }
            };
            Ok((conv.over(parameters)?, norm))
        };
        Ok(Self((1..).zip(block.convolutions()).map(one).collect::<Result<_, ParametersError>>()?))
    }

    fn forward(&self, image: &Tensor, precision: Precision) -> Tensor {
        self.0.iter().fold(image.shallow_clone(), |image, (conv, norm)| {
            let image = conv.forward(&image, precision);
            match norm {
                Some(norm) => precision.cast(&norm.forward(&image)).silu(),
                None => image.silu(),
            }
        })
    }
}
