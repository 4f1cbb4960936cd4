//! Convolutions over time and attention in turn: short movements are seen by convolutions, and what belongs together across a
//! whole sequence by attention. A network of this form won a competition of isolated signs; here norms are of each frame by
//! itself, where that one had batch norm, so that neither padding nor the other samples of a batch reach a frame.
//!
//! | layer | out |
//! |---|---|
//! | `encoder.stem.0` over all streams, layer norm `encoder.stem.1` | width |
//! | `encoder.blocks.{b}`: convolutions, then attention | width |
//! | `encoder.top.0`, layer norm `encoder.top.1` | embedding |
//! | pooling over frames, dropout, `classifier` | classes |

mod attention;
mod bound;
mod convolution;
mod python;
mod script;

use serde_json::json;

use self::attention::Attention;
use self::bound::BoundConvTransformer;
use self::convolution::Convolution;
use super::config::ConvTransformerConfig;
use super::io::io;
use super::script::Torchscript;
use super::sizes::Sizes;
use super::{Forward, SequenceNetwork};
use crate::nn::layer::{LayerNorm, Linear};
use crate::nn::network::{Io, Network};
use crate::nn::parameters::{Layout, Parameters, ParametersError};

/// The network of a configuration for certain streams and classes.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvTransformer {
    /// What it is built for.
    pub sizes: Sizes,
    /// Its settings.
    pub config: ConvTransformerConfig,
}

impl ConvTransformer {
    fn inputs(&self) -> i64 {
        self.sizes.streams.iter().map(|stream| stream.inputs).sum()
    }

    fn width(&self) -> i64 {
        self.config.width as i64
    }

    fn embedding(&self) -> i64 {
        self.config.embedding as i64
    }

    /// The convolutions of a block.
    fn convolutions(&self, block: usize) -> Vec<Convolution> {
        let config = &self.config;
        let convolution = |place| Convolution {
            name: format!("encoder.blocks.{block}.convolutions.{place}"),
            width: self.width(),
            channels: (config.width * config.expand) as i64,
            kernel: config.kernel as i64,
            causal: config.causal,
        };
        (0..config.convolutions).map(convolution).collect()
    }

    fn attention(&self, block: usize) -> Attention {
        let config = &self.config;
        Attention {
            name: format!("encoder.blocks.{block}.attention"),
            width: self.width(),
            channels: (config.width * config.expand) as i64,
            heads: config.heads as i64,
        }
    }
}

impl SequenceNetwork for ConvTransformer {
    fn over(&self, parameters: &Parameters) -> Result<Box<dyn Forward>, ParametersError> {
        Ok(Box::new(BoundConvTransformer::new(self, parameters)?))
    }

    fn torchscript(&self) -> (Torchscript, &Sizes) {
        (script::code(self), &self.sizes)
    }
}

impl Network for ConvTransformer {
    fn layout(&self) -> Layout {
        let (width, embedding) = (self.width(), self.embedding());
        let mut layout =
            Linear::layout("encoder.stem.0", self.inputs(), width).with(LayerNorm::layout("encoder.stem.1", &[width]));
        for block in 0..self.config.blocks {
            layout = self.convolutions(block).iter().fold(layout, |layout, part| layout.with(part.layout()));
            layout = layout.with(self.attention(block).layout());
        }
        layout
            .with(Linear::layout("encoder.top.0", width, embedding))
            .with(LayerNorm::layout("encoder.top.1", &[embedding]))
            .with(Linear::layout("classifier", embedding, self.sizes.classes()))
    }

    fn multiplications(&self) -> f64 {
        let (frames, width) = (self.sizes.frames, self.width());
        let block = |block| {
            let convolutions = self.convolutions(block).iter().map(Convolution::multiplications).sum::<i64>();
            convolutions + self.attention(block).multiplications(frames)
        };
        let frame = width * (self.inputs() + self.embedding()) + (0..self.config.blocks).map(block).sum::<i64>();
        (frames * frame + self.embedding() * self.sizes.classes()) as f64
    }

    fn describe(&self) -> Io {
        let mut sizes = json!(self.config);
        if let Some(fields) = sizes.as_object_mut() {
            let dropout = fields.remove("dropout");
            fields.insert("dropout_rate".into(), json!(dropout));
        }
        io(&self.sizes, sizes)
    }

    fn python(&self) -> String {
        python::code(self)
    }
}
