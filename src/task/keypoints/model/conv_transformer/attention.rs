//! Attention among the frames of a sequence (Vaswani et al. 2017), and two linear layers for each frame. Both are normalised
//! first and added to their input. Queries, keys and values have no bias: that of the keys would change nothing.
//!
//! | layer | out |
//! |---|---|
//! | layer norm `norm1`, `qkv`, attention, `project`, dropout, plus the input | width |
//! | layer norm `norm2`, `expand`, SiLU, `contract`, dropout, plus the input | width |

use tch::{Device, Kind, Tensor};

use crate::nn::layer::{Dropout, LayerNorm, Linear, Mode};
use crate::nn::parameters::{Init, Layout, ParameterSpec, Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::keypoints::model::sequences::{Frames, ROWS, with_rows};

/// Attention before it has weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// Its name.
    pub name: String,
    /// Its inputs and outputs.
    pub width: i64,
    /// What is between the two linear layers.
    pub channels: i64,
    /// Parts of the width that attend by themselves.
    pub heads: i64,
}

/// Attention over its weights.
#[derive(Debug)]
pub struct BoundAttention {
    heads: i64,
    attended: (LayerNorm, Tensor, Linear, Dropout),
    widened: (LayerNorm, Linear, Linear, Dropout),
}

impl Attention {
    fn named(&self, part: &str) -> String {
        format!("{}.{part}", self.name)
    }

    fn qkv(&self) -> ParameterSpec {
        ParameterSpec::new(self.named("qkv.weight"), &[3 * self.width, self.width], Init::FanInUniform).decayed()
    }

    /// Name, inputs and outputs of the linear layers.
    fn linear(&self) -> [(String, i64, i64); 3] {
        let (width, channels) = (self.width, self.channels);
        [("project", width, width), ("expand", width, channels), ("contract", channels, width)]
            .map(|(name, inputs, outputs)| (self.named(name), inputs, outputs))
    }

    /// Its parameters.
    pub fn layout(&self) -> Layout {
        let norm = |name| LayerNorm::layout(&self.named(name), &[self.width]);
        let [project, expand, contract] =
            self.linear().map(|(name, inputs, outputs)| Linear::layout(&name, inputs, outputs));
        norm("norm1").with([self.qkv()].into()).with(project).with(norm("norm2")).with(expand).with(contract)
    }

    /// Multiplications for one frame of so many.
    pub fn multiplications(&self, frames: i64) -> i64 {
        let linear = self.linear().iter().map(|(_, inputs, outputs)| inputs * outputs).sum::<i64>();
        linear + (3 * self.width + 2 * frames) * self.width
    }

    /// Attention over its weights.
    pub fn over(&self, dropout: f64, parameters: &Parameters) -> Result<BoundAttention, ParametersError> {
        let norm = |name| LayerNorm::new(&self.named(name), &[self.width], parameters);
        let [project, expand, contract] =
            self.linear().map(|(name, inputs, outputs)| Linear::new(&name, inputs, outputs, parameters));
        let [first, second] = ["project", "contract"].map(|part| Dropout::new(&self.named(part), dropout));
        Ok(BoundAttention {
            heads: self.heads,
            attended: (norm("norm1")?, parameters.view_of(&self.qkv())?, project?, first),
            widened: (norm("norm2")?, expand?, contract?, second),
        })
    }
}

impl BoundAttention {
    /// Frames `[n, d]` in fp32 from frames `[n, d]`.
    pub fn forward(&self, input_nd: &Tensor, frames: &Frames, mode: Mode<'_>, precision: Precision) -> Tensor {
        let layer = |linear: &Linear, input: &Tensor| with_rows(ROWS, input, |input| linear.forward(input, precision));
        let (norm, qkv, project, dropout) = &self.attended;
        let qkv_n3d = with_rows(ROWS, &precision.cast(&norm.forward(input_nd)), |input_nd| {
            input_nd.linear::<Tensor>(&precision.cast(qkv), None)
        });
        let attended_nd = self.attend(&qkv_n3d, frames);
        let input_nd = input_nd + frames.dropped(dropout, &layer(project, &attended_nd), mode);
        let (norm, expand, contract, dropout) = &self.widened;
        let widened_nc = layer(expand, &norm.forward(&input_nd)).silu();
        input_nd + frames.dropped(dropout, &layer(contract, &widened_nc), mode)
    }

    /// Each frame's mean of all frames of its sequence. On a CPU one sequence after another: that is as fast, and no sum has
    /// padding in it.
    fn attend(&self, qkv_n3d: &Tensor, frames: &Frames) -> Tensor {
        match qkv_n3d.device() {
            Device::Cpu => {
                let samples = qkv_n3d.split_with_sizes(frames.lengths(), 0);
                let attended = samples.iter().map(|sample| self.mean(&sample.unsqueeze(0), None).squeeze_dim(0));
                Tensor::cat(&attended.collect::<Vec<_>>(), 0)
            }
            _ => self.attend_with_padding(qkv_n3d, frames),
        }
    }

    /// The same for all sequences at once.
    fn attend_with_padding(&self, qkv_n3d: &Tensor, frames: &Frames) -> Tensor {
        let padding_bt = frames.mask(qkv_n3d.device()).logical_not();
        frames.pack(&self.mean(&frames.pad(qkv_n3d), Some(&padding_bt)))
    }

    /// Means `[b, t, d]` of queries, keys and values `[b, t, 3 d]`, weighted by how well keys fit queries. Padding weighs nothing.
    fn mean(&self, qkv_bt3d: &Tensor, padding_bt: Option<&Tensor>) -> Tensor {
        let (samples, length, all) = qkv_bt3d.size3().unwrap_or_default();
        let (width, size) = (all / 3, all / 3 / self.heads);
        // Three of [b, heads, t, size].
        let parts = qkv_bt3d.view([samples, length, 3, self.heads, size]).permute([2, 0, 3, 1, 4]);
        let [queries, keys, values] = [0, 1, 2].map(|part| parts.select(0, part));
        let fits = (queries * (1.0 / (size as f64).sqrt())).matmul(&keys.transpose(2, 3)).to_kind(Kind::Float);
        let fits = match padding_bt {
            Some(padding_bt) => fits.masked_fill(&padding_bt.unsqueeze(1).unsqueeze(1), f64::NEG_INFINITY),
            None => fits,
        };
        let weights = fits.softmax(-1, Kind::Float).to_kind(values.kind());
        weights.matmul(&values).transpose(1, 2).reshape([samples, length, width])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sequences_at_once_attend_as_one_after_another() {
        let attention = Attention { name: "a".into(), width: 8, channels: 8, heads: 2 };
        let parameters = Parameters::new(&attention.layout(), 42, Device::Cpu).unwrap();
        let bound = attention.over(0.0, &parameters).unwrap();
        let frames = Frames::new(&[3, 1, 5], 6, Device::Cpu);
        let qkv = (Tensor::arange(9 * 24, (Kind::Float, Device::Cpu)) * 1.7).sin().view([9, 24]);
        let together = bound.attend_with_padding(&qkv, &frames);
        assert!(together.allclose(&bound.attend(&qkv, &frames), 1e-6, 1e-6, false));
    }
}
