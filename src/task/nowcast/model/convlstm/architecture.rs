//! The sizes of a ConvLSTM: all that its parameters depend on.

use crate::nn::layer::{GroupNorm, LayerNorm};
use crate::nn::parameters::{Layout, ParameterSpec};
use crate::task::nowcast::config::{ModelConfig, Norm, NowcastConfig};
use crate::task::nowcast::model::channels;

/// The head's convolution, independent of that of the layers.
pub(super) const HEAD_KERNEL: i64 = 3;

/// The sizes of a ConvLSTM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// Channels of a frame, coming in and going out.
    pub channels: i64,
    /// Rows and columns of a frame.
    pub frame: [i64; 2],
    /// Frames that are predicted.
    pub target_frames: i64,
    /// Channels of the state of each layer.
    pub hidden: Vec<i64>,
    /// Rows and columns of the layers' convolutions: odd, so that a state keeps the size of a frame.
    pub kernel: i64,
    /// What is normalised between the layers.
    pub norm: Norm,
}

impl Architecture {
    /// The sizes set in the configuration.
    #[must_use]
    pub fn of(config: &NowcastConfig) -> Self {
        let ModelConfig { hidden, kernel, norm } = &config.model;
        Self {
            channels: channels(config),
            frame: config.prepare.size.map(|size| size as i64),
            target_frames: config.windows.target_frames as i64,
            hidden: hidden.iter().map(|channels| *channels as i64).collect(),
            kernel: *kernel as i64,
            norm: *norm,
        }
    }

    /// The parameters, from the input to the output. Their names and shapes are those of weight files.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let layer = |layout: Layout, layer| layout.with(self.conv(layer).to_vec().into()).with(self.norm_layout(layer));
        (0..self.hidden.len()).fold(Layout::default(), layer).with(self.head().to_vec().into())
    }

    /// Multiplications of the convolutions for one sample, forward. A step of training takes about three times as many.
    #[must_use]
    pub fn multiplications(&self, input_frames: i64) -> f64 {
        let [rows, columns] = self.frame;
        let cells = (rows * columns) as f64;
        let weights = |[weight, _]: [ParameterSpec; 2]| weight.count() as f64;
        let layers: f64 = (0..self.hidden.len()).map(|layer| weights(self.conv(layer))).sum();
        cells * (input_frames as f64 * layers + weights(self.head()))
    }

    pub(super) fn conv(&self, layer: usize) -> [ParameterSpec; 2] {
        let (inputs, hidden) = (self.inputs(layer), self.hidden[layer]);
        [
            ParameterSpec::weight(
                format!("layers.{layer}.conv.weight"),
                &[4 * hidden, inputs + hidden, self.kernel, self.kernel],
            ),
            ParameterSpec::bias(format!("layers.{layer}.conv.bias"), &[4 * hidden]),
        ]
    }

    /// Not after the last layer, whose state goes to the head as it is.
    pub(super) fn normalises_after(&self, layer: usize) -> bool {
        layer + 1 < self.hidden.len() && self.norm != Norm::None
    }

    fn norm_layout(&self, layer: usize) -> Layout {
        match self.norm {
            _ if !self.normalises_after(layer) => Layout::default(),
            Norm::Layer => LayerNorm::layout(&norm_name(layer), &self.state(layer)),
            Norm::Group => GroupNorm::layout(&norm_name(layer), self.hidden[layer]),
            Norm::None => Layout::default(),
        }
    }

    /// Channels, rows and columns of a layer's state.
    pub(super) fn state(&self, layer: usize) -> [i64; 3] {
        let [rows, columns] = self.frame;
        [self.hidden[layer], rows, columns]
    }

    pub(super) fn head(&self) -> [ParameterSpec; 2] {
        let (outputs, hidden) =
            (self.target_frames * self.channels, self.hidden.last().copied().unwrap_or(self.channels));
        [
            ParameterSpec::weight("head.weight", &[outputs, hidden, HEAD_KERNEL, HEAD_KERNEL]),
            ParameterSpec::bias("head.bias", &[outputs]),
        ]
    }

    pub(super) fn inputs(&self, layer: usize) -> i64 {
        if layer == 0 { self.channels } else { self.hidden[layer - 1] }
    }
}

/// The name of the norm after a layer.
pub(super) fn norm_name(layer: usize) -> String {
    format!("layers.{layer}.norm")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::nowcast::config::Levels;

    #[test]
    fn the_default_is_the_model_of_three_layers_of_128_over_single_levels() {
        let expected = Architecture {
            channels: 1,
            frame: [250, 250],
            target_frames: 7,
            hidden: vec![128, 128, 128],
            kernel: 3,
            norm: Norm::Layer,
        };
        assert_eq!(Architecture::of(&NowcastConfig::default()), expected);
    }

    #[test]
    fn chosen_levels_are_channels() {
        let mut config = NowcastConfig::default();
        config.prepare.levels = Levels::Channels(vec![2, 5, 9]);
        assert_eq!(Architecture::of(&config).channels, 3);
    }

    #[test]
    fn the_seed_systems_model_has_its_number_of_parameters() {
        // Its 50,963,335 include a third, unused norm.
        assert_eq!(Architecture::of(&NowcastConfig::default()).layout().count(), 50_963_335 - 16_000_000);
    }

    #[test]
    fn names_and_shapes_are_the_contract_with_weight_files() {
        let architecture = Architecture {
            channels: 2,
            frame: [9, 8],
            target_frames: 3,
            hidden: vec![3, 4],
            kernel: 3,
            norm: Norm::Layer,
        };
        let specs = architecture.layout().parameters;
        let listed: Vec<_> = specs.iter().map(|spec| format!("{} {:?}", spec.name, spec.shape)).collect();
        assert_eq!(
            listed,
            [
                "layers.0.conv.weight [12, 5, 3, 3]",
                "layers.0.conv.bias [12]",
                "layers.0.norm.weight [3, 9, 8]",
                "layers.0.norm.bias [3, 9, 8]",
                "layers.1.conv.weight [16, 7, 3, 3]",
                "layers.1.conv.bias [16]",
                "head.weight [6, 4, 3, 3]",
                "head.bias [6]",
            ]
        );
    }

    #[test]
    fn multiplications_are_those_of_every_convolution_at_every_cell() {
        let architecture = Architecture {
            channels: 1,
            frame: [10, 20],
            target_frames: 2,
            hidden: vec![4, 8],
            kernel: 3,
            norm: Norm::None,
        };
        let frame = 16.0 * 5.0 * 9.0 + 32.0 * 12.0 * 9.0;
        let head = 2.0 * 8.0 * 9.0;
        assert_eq!(architecture.multiplications(3), 200.0 * (3.0 * frame + head));
    }
}
