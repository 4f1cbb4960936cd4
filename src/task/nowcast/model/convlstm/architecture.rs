//! The sizes of a ConvLSTM: all that its parameters depend on.

use super::attention::{Part, parts};
use crate::nn::layer::{GroupNorm, LayerNorm};
use crate::nn::parameters::{Init, Layout, ParameterSpec};
use crate::task::nowcast::config::{Attention, ConvLstmConfig, Norm};
use crate::task::nowcast::model::Sizes;

/// The head's convolution, independent of that of the layers.
pub(super) const HEAD_KERNEL: i64 = 3;

/// The sizes of a ConvLSTM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// What it is built for.
    pub sizes: Sizes,
    /// Channels of the state of each layer.
    pub hidden: Vec<i64>,
    /// Rows and columns of the layers' convolutions: odd, so that a state keeps the size of a frame.
    pub kernel: i64,
    /// What is normalised between the layers.
    pub norm: Norm,
    /// What weighs a state.
    pub attention: Attention,
}

impl Architecture {
    /// The sizes set in the configuration.
    #[must_use]
    pub fn of(config: &ConvLstmConfig, sizes: Sizes) -> Self {
        let ConvLstmConfig { hidden, kernel, norm, attention, .. } = config;
        let hidden = hidden.iter().map(|channels| *channels as i64).collect();
        Self { sizes, hidden, kernel: *kernel as i64, norm: *norm, attention: *attention }
    }

    /// The parameters, from the input to the output. Their names and shapes are those of weight files.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let layer = |layout: Layout, layer| {
            let layout = layout.with(self.conv(layer).to_vec().into()).with(self.attention_layout(layer));
            layout.with(self.norm_layout(layer))
        };
        (0..self.hidden.len()).fold(Layout::default(), layer).with(self.head().to_vec().into())
    }

    /// Multiplications of the convolutions for one sample, forward. A step of training takes about three times as many.
    #[must_use]
    pub fn multiplications(&self) -> f64 {
        let [rows, columns] = self.sizes.size;
        let cells = (rows * columns) as f64;
        let weights = |[weight, _]: [ParameterSpec; 2]| weight.count() as f64;
        let layers: f64 = (0..self.hidden.len())
            .map(|layer| weights(self.conv(layer)) + self.attention_multiplications(layer, cells))
            .sum();
        cells * (self.sizes.frames as f64 * layers + weights(self.head()))
    }

    /// Those of the attention for each cell: its convolutions over cells, and those of every pair of cells.
    fn attention_multiplications(&self, layer: usize, cells: f64) -> f64 {
        let parts = self.attention_parts(layer);
        let convolution = |part: &Part| part.parameters(layer)[0].count() as f64;
        match self.attention {
            Attention::None => 0.0,
            // The others see one number of each channel, not of each cell.
            Attention::Cbam => parts.iter().filter(|part| part.kernel > 1).map(convolution).sum(),
            Attention::Memory => {
                let pairs = 2 * (parts[0].outputs + self.hidden[layer]);
                parts.iter().map(convolution).sum::<f64>() + cells * pairs as f64
            }
        }
    }

    /// The convolutions of a layer's attention.
    pub(super) fn attention_parts(&self, layer: usize) -> Vec<Part> {
        parts(self.attention, self.hidden[layer])
    }

    fn attention_layout(&self, layer: usize) -> Layout {
        self.attention_parts(layer).iter().flat_map(|part| part.parameters(layer)).collect::<Vec<_>>().into()
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
        let [rows, columns] = self.sizes.size;
        [self.hidden[layer], rows, columns]
    }

    pub(super) fn head(&self) -> [ParameterSpec; 2] {
        let outputs = self.sizes.outputs();
        let shape = [outputs, self.hidden.last().copied().unwrap_or(self.sizes.channels), HEAD_KERNEL, HEAD_KERNEL];
        let weight = match self.sizes.starts_at_zero() {
            true => ParameterSpec::new("head.weight", &shape, Init::Zeros).decayed(),
            false => ParameterSpec::weight("head.weight", &shape),
        };
        [weight, ParameterSpec::bias("head.bias", &[outputs])]
    }

    pub(super) fn inputs(&self, layer: usize) -> i64 {
        if layer == 0 { self.sizes.channels } else { self.hidden[layer - 1] }
    }
}

/// The name of the norm after a layer.
pub(super) fn norm_name(layer: usize) -> String {
    format!("layers.{layer}.norm")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::nowcast::config::{Levels, NowcastConfig};

    fn sizes(frames: i64, channels: i64, size: [i64; 2], leads: i64) -> Sizes {
        Sizes { frames, channels, size, leads, parts: 1 }
    }

    fn default() -> Architecture {
        Architecture::of(&ConvLstmConfig::default(), Sizes::of(&NowcastConfig::default()))
    }

    #[test]
    fn the_default_is_the_model_of_three_layers_of_128_over_single_levels() {
        let expected = Architecture {
            sizes: sizes(18, 1, [250, 250], 7),
            hidden: vec![128, 128, 128],
            kernel: 3,
            norm: Norm::Layer,
            attention: Attention::None,
        };
        assert_eq!(default(), expected);
    }

    #[test]
    fn chosen_levels_are_channels() {
        let mut config = NowcastConfig::default();
        config.prepare.levels = Levels::Channels(vec![2, 5, 9]);
        assert_eq!(Sizes::of(&config).channels, 3);
    }

    #[test]
    fn the_seed_systems_model_has_its_number_of_parameters() {
        // Its 50,963,335 include a third, unused norm.
        assert_eq!(default().layout().count(), 50_963_335 - 16_000_000);
    }

    #[test]
    fn names_and_shapes_are_the_contract_with_weight_files() {
        let sizes = sizes(4, 2, [9, 8], 3);
        let architecture = Architecture { sizes, hidden: vec![3, 4], ..default() };
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
        let sizes = sizes(3, 1, [10, 20], 2);
        let architecture = Architecture { sizes, hidden: vec![4, 8], ..default() };
        let frame = 16.0 * 5.0 * 9.0 + 32.0 * 12.0 * 9.0;
        let head = 2.0 * 8.0 * 9.0;
        assert_eq!(architecture.multiplications(), 200.0 * (3.0 * frame + head));
        let with = |attention| Architecture { attention, ..architecture.clone() }.multiplications();
        assert_eq!(with(Attention::Cbam), 200.0 * (3.0 * (frame + 2.0 * 98.0) + head));
        // Three maps to half of the channels, three of all, one of twice as many and one to three times as many.
        let maps = |channels: f64| channels * channels * (3.0 * 0.5 + 2.0 + 2.0 + 6.0);
        let pairs = 200.0 * (4.0 * 3.0 + 8.0 * 3.0);
        assert_eq!(with(Attention::Memory), 200.0 * (3.0 * (frame + maps(4.0) + maps(8.0) + pairs) + head));
    }

    #[test]
    fn the_parameters_of_an_attention_are_those_of_its_layer() {
        let of = |attention, hidden: i64| {
            let architecture = Architecture {
                attention,
                hidden: vec![hidden],
                norm: Norm::None,
                ..Architecture { sizes: sizes(4, 1, [9, 8], 3), ..default() }
            };
            let specs = architecture.layout().parameters.into_iter();
            let specs: Vec<_> = specs.filter(|spec| spec.name.contains("attention")).collect();
            let count: usize = specs.iter().map(ParameterSpec::count).sum();
            (specs.into_iter().map(|spec| format!("{} {:?}", spec.name, spec.shape)).collect::<Vec<_>>(), count)
        };
        assert_eq!(of(Attention::None, 64), (vec![], 0));
        assert_eq!(of(Attention::Cbam, 64).1, 678);
        assert_eq!(
            of(Attention::Cbam, 20).0,
            [
                "layers.0.attention.reduce.weight [1, 20, 1, 1]",
                "layers.0.attention.reduce.bias [1]",
                "layers.0.attention.expand.weight [20, 1, 1, 1]",
                "layers.0.attention.expand.bias [20]",
                "layers.0.attention.place.weight [1, 2, 7, 7]",
            ]
        );
        let memory = of(Attention::Memory, 6).0;
        let weights: Vec<_> = memory.iter().filter(|line| line.contains("weight")).collect();
        assert_eq!(
            weights,
            [
                "layers.0.attention.query.weight [3, 6, 1, 1]",
                "layers.0.attention.key.weight [3, 6, 1, 1]",
                "layers.0.attention.value.weight [6, 6, 1, 1]",
                "layers.0.attention.memory_key.weight [3, 6, 1, 1]",
                "layers.0.attention.memory_value.weight [6, 6, 1, 1]",
                "layers.0.attention.mix.weight [6, 12, 1, 1]",
                "layers.0.attention.gates.weight [18, 12, 1, 1]",
            ]
        );
        assert_eq!(memory.len(), 2 * weights.len() - 2);
    }

    #[test]
    fn in_moving_coordinates_the_head_starts_at_zero_and_returns_two_parts() {
        let architecture = Architecture { sizes: Sizes { parts: 2, ..sizes(4, 1, [9, 8], 3) }, ..default() };
        let [weight, _] = architecture.head();
        assert_eq!((weight.shape, weight.init, weight.decay), (vec![6, 128, 3, 3], Init::Zeros, true));
    }
}
