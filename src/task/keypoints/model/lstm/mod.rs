//! A recurrent network for each stream (Hochreiter and Schmidhuber 1997), whose outputs are put together frame by frame. The
//! names of its parameters are those of published weight files.
//!
//! | layer | out |
//! |---|---|
//! | `encoder.{stream}_branch.input_proj` and ReLU; for a wide stream `.0` to twice as much, ReLU, dropout, and `.3` | hidden |
//! | `encoder.{stream}_branch.lstm`, with dropout between its layers | hidden |
//! | `encoder.{stream}_branch.layer_norm` | hidden |
//! | all streams: `encoder.fusion.0`, ReLU, dropout, layer norm `encoder.fusion.3` | embedding |
//! | pooling over frames, dropout, `classifier` | classes |

mod bound;
mod found;
mod python;
mod recurrent;
mod script;

use serde_json::json;

use self::bound::BoundLstm;
pub use self::found::Found;
use self::recurrent::Recurrent;
use super::config::LstmConfig;
use super::io::io;
use super::script::Torchscript;
use super::sizes::{Sizes, Stream};
use super::{Forward, SequenceNetwork};
use crate::nn::layer::{LayerNorm, Linear};
use crate::nn::network::{Io, Network};
use crate::nn::parameters::{Layout, Parameters, ParametersError};

/// Streams with more numbers are projected by two layers, as a face is however few it has.
const WIDE: i64 = 1000;
const FACE: &str = "face";

/// The network of a configuration for certain streams and classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Lstm {
    /// What it is built for.
    pub sizes: Sizes,
    /// Its settings.
    pub config: LstmConfig,
}

impl Lstm {
    fn hidden(&self) -> i64 {
        self.config.hidden as i64
    }

    fn embedding(&self) -> i64 {
        self.config.embedding as i64
    }

    /// The outputs of all streams.
    fn fused(&self) -> i64 {
        self.hidden() * self.sizes.streams.len() as i64
    }

    /// The linear layers that project a stream: name, inputs and outputs of each.
    fn projection(&self, stream: &Stream) -> Vec<(String, i64, i64)> {
        let (name, hidden) = (format!("{}.input_proj", branch(stream)), self.hidden());
        if !is_wide(stream) {
            return vec![(name, stream.inputs, hidden)];
        }
        vec![(format!("{name}.0"), stream.inputs, 2 * hidden), (format!("{name}.3"), 2 * hidden, hidden)]
    }

    /// The recurrent layers of a stream.
    fn recurrent(&self, stream: &Stream) -> Vec<Recurrent> {
        let (name, hidden) = (format!("{}.lstm", branch(stream)), self.hidden());
        let layer = |layer| Recurrent { name: name.clone(), layer, hidden, forget_bias: self.config.forget_bias };
        (0..self.config.layers).map(layer).collect()
    }
}

fn is_wide(stream: &Stream) -> bool {
    stream.inputs > WIDE || stream.name == FACE
}

fn branch(stream: &Stream) -> String {
    format!("encoder.{}_branch", stream.name)
}

impl SequenceNetwork for Lstm {
    fn over(&self, parameters: &Parameters) -> Result<Box<dyn Forward>, ParametersError> {
        Ok(Box::new(BoundLstm::new(self, parameters)?))
    }

    fn torchscript(&self) -> (Torchscript, &Sizes) {
        (script::code(self), &self.sizes)
    }
}

impl Network for Lstm {
    fn layout(&self) -> Layout {
        let mut layout = Layout::default();
        for stream in &self.sizes.streams {
            for (name, inputs, outputs) in self.projection(stream) {
                layout = layout.with(Linear::layout(&name, inputs, outputs));
            }
            layout = self.recurrent(stream).iter().fold(layout, |layout, cell| layout.with(cell.layout()));
            layout = layout.with(LayerNorm::layout(&format!("{}.layer_norm", branch(stream)), &[self.hidden()]));
        }
        layout
            .with(Linear::layout("encoder.fusion.0", self.fused(), self.embedding()))
            .with(LayerNorm::layout("encoder.fusion.3", &[self.embedding()]))
            .with(Linear::layout("classifier", self.embedding(), self.sizes.classes()))
    }

    fn multiplications(&self) -> f64 {
        let product = |(_, inputs, outputs): (String, i64, i64)| inputs * outputs;
        let stream = |stream: &Stream| {
            let cells = self.recurrent(stream);
            self.projection(stream).into_iter().map(product).sum::<i64>()
                + cells.iter().map(Recurrent::multiplications).sum::<i64>()
        };
        let frame = self.sizes.streams.iter().map(stream).sum::<i64>() + self.fused() * self.embedding();
        (self.sizes.frames * frame + self.embedding() * self.sizes.classes()) as f64
    }

    fn describe(&self) -> Io {
        let LstmConfig { hidden, layers, embedding, dropout, pooling, .. } = &self.config;
        let sizes = json!({
            "hidden": hidden, "layers": layers, "embedding": embedding, "dropout_rate": dropout, "pooling": pooling,
        });
        io(&self.sizes, sizes)
    }

    fn python(&self) -> String {
        python::code(self)
    }
}
