//! A trajectory GRU with its weights: the forward pass.
//!
//! A scale goes through all frames or leads before the next one begins: its cell depends on the other scales through its
//! input alone, which one call then computes for all of them.

use tch::{Kind, Tensor};

use super::TrajGru;
use super::cell::Cell;
use super::conv::Conv;
use crate::nn::parameters::{Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::nowcast::model::{Forward, Sizes};

/// A trajectory GRU over the parameters that it was built from: it sees every change of them.
#[derive(Debug)]
pub struct BoundTrajGru {
    /// From the finest scale.
    encoder: Vec<(Conv, Cell)>,
    /// From the finest scale. The coarsest has no convolution.
    forecaster: Vec<(Option<Conv>, Cell)>,
    head: [Conv; 2],
    sizes: Sizes,
}

impl BoundTrajGru {
    /// The network over these parameters.
    ///
    /// # Errors
    /// If one of them is missing or has another shape.
    pub fn new(network: &TrajGru, parameters: &Parameters) -> Result<Self, ParametersError> {
        let encoder = |index| {
            let (conv, cell) = network.encoder(index);
            Ok((Conv::new(&conv, parameters)?, Cell::new(&cell, parameters)?))
        };
        let forecaster = |index| {
            let (conv, cell) = network.forecaster(index);
            let conv = conv.map(|conv| Conv::new(&conv, parameters)).transpose()?;
            Ok((conv, Cell::new(&cell, parameters)?))
        };
        let [first, second] = network.head();
        Ok(Self {
            encoder: (0..network.scales.len()).map(encoder).collect::<Result<_, _>>()?,
            forecaster: (0..network.scales.len()).map(forecaster).collect::<Result<_, _>>()?,
            head: [Conv::new(&first, parameters)?, Conv::new(&second, parameters)?],
            sizes: network.sizes.clone(),
        })
    }

    /// The last state of each scale, from the finest.
    fn encoded(&self, frames_btcyx: &Tensor, precision: Precision) -> Vec<Tensor> {
        let frames = frames_btcyx.size()[1];
        let mut seen_ncyx = frames_btcyx.transpose(0, 1).flatten(0, 1);
        let mut last = Vec::with_capacity(self.encoder.len());
        for (conv, cell) in &self.encoder {
            let input_ncyx = conv.leaky(&precision.cast(&seen_ncyx), precision);
            let states_bcyx = cell.forward(Some(&input_ncyx), None, frames, precision);
            seen_ncyx = Tensor::cat(&states_bcyx, 0);
            last.extend(states_bcyx.into_iter().next_back());
        }
        last
    }

    /// The states of the finest scale for all leads.
    fn forecast(&self, last_bcyx: Vec<Tensor>, precision: Precision) -> Tensor {
        let mut coarser_ncyx: Option<Tensor> = None;
        for ((conv, cell), first_bcyx) in self.forecaster.iter().zip(last_bcyx).rev() {
            let resized = coarser_ncyx.map(|coarser| resized(&precision.cast(&coarser), &first_bcyx.size()[2..]));
            let input_ncyx = resized.zip(conv.as_ref()).map(|(resized, conv)| conv.leaky(&resized, precision));
            let states_bcyx = cell.forward(input_ncyx.as_ref(), Some(first_bcyx), self.sizes.leads, precision);
            coarser_ncyx = Some(Tensor::cat(&states_bcyx, 0));
        }
        coarser_ncyx.unwrap_or_default()
    }
}

impl Forward for BoundTrajGru {
    fn forward(&self, frames_btcyx: &Tensor, precision: Precision) -> Tensor {
        let size = frames_btcyx.size();
        let finest_ncyx = self.forecast(self.encoded(frames_btcyx, precision), precision);
        let [first, second] = &self.head;
        let image_ncyx = first.leaky(&resized(&precision.cast(&finest_ncyx), &size[3..]), precision);
        let output_ncyx = second.cast(precision).forward(&image_ncyx).to_kind(Kind::Float);
        let Sizes { leads, parts, channels, .. } = self.sizes;
        let output = output_ncyx.view([leads, size[0], parts, channels, size[3], size[4]]);
        output.permute([1, 2, 0, 3, 4, 5]).flatten(1, 2)
    }
}

/// Images with these rows and columns.
fn resized(images_bcyx: &Tensor, size: &[i64]) -> Tensor {
    images_bcyx.upsample_bilinear2d(size, false, None, None)
}
