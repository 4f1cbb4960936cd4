//! CharCNN_v2: four convolutions, three of them with pooling, and four linear layers, each but the last with batch norm and
//! dropout. The names of its parameters and buffers are those of published weight files.
//!
//! | layer | out, for 28 x 28 |
//! |---|---|
//! | `conv1` 1 -> 32, `bn1`, ReLU, pooling, dropout p/2 | 32 x 14 x 14 |
//! | `conv2` 32 -> 64, `bn2`, ReLU, pooling, dropout p/2 | 64 x 7 x 7 |
//! | `conv3` 64 -> 128, `bn3`, ReLU, pooling, dropout p/2 | 128 x 3 x 3 |
//! | `conv4` 128 -> 256, `bn4`, ReLU, dropout p | 256 x 3 x 3 |
//! | `fc1` 2304 -> 512, `fc2` -> 256, `fc3` -> 128, each with `bn_fc`, ReLU, dropout p | 128 |
//! | `fc4` 128 -> classes | classes |

use serde_json::json;
use tch::{TchError, Tensor};

use super::{Forward, ImageNetwork, filled, io};
use crate::nn::backward::Passed;
use crate::nn::export::steps::Step;
use crate::nn::layer::conv::ConvShape;
use crate::nn::layer::fused::{self, Fused, Normed, Stem};
use crate::nn::layer::{BatchNorm, Conv2d, Dropout, Linear, Mode, SampleKeys, max_pool};
use crate::nn::network::{Io, Network};
use crate::nn::parameters::{Layout, Parameters, ParametersError};
use crate::nn::precision::Precision;

/// Channels of the image and of each convolution.
const CHANNELS: [i64; 5] = [1, 32, 64, 128, 256];

/// Outputs of the linear layers before the last.
const WIDTHS: [i64; 3] = [512, 256, 128];

/// Convolutions that are followed by pooling.
const POOLED: usize = 3;

/// The sizes of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct CharCnn {
    /// Rows and columns of an image.
    pub size: [i64; 2],
    /// What people call the classes.
    pub labels: Vec<String>,
    /// The share of values that dropout clears.
    pub dropout: f64,
}

/// The network over its weights.
#[derive(Debug)]
pub struct BoundCharCnn {
    convolutions: Vec<(Conv2d, BatchNorm, Dropout)>,
    linear: Vec<(Linear, BatchNorm, Dropout)>,
    last: Linear,
}

impl CharCnn {
    /// Rows and columns that go into a convolution.
    fn size_at(&self, convolution: usize) -> [i64; 2] {
        self.size.map(|side| side >> convolution.min(POOLED))
    }

    fn classes(&self) -> i64 {
        self.labels.len() as i64
    }

    fn flat(&self) -> i64 {
        CHANNELS[CHANNELS.len() - 1] * self.size_at(POOLED).iter().product::<i64>()
    }

    /// Inputs and outputs of the linear layers before the last.
    fn widths(&self) -> impl Iterator<Item = (i64, i64)> {
        std::iter::once(self.flat()).chain(WIDTHS).zip(WIDTHS)
    }

    fn convolution(place: usize) -> ConvShape {
        ConvShape::same(CHANNELS[place], CHANNELS[place + 1], 3)
    }
}

impl ImageNetwork for CharCnn {
    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for number in 1..CHANNELS.len() {
            steps.push(Step::Conv { name: format!("conv{number}"), stride: 1, padding: 1 });
            steps.extend([Step::BatchNorm(format!("bn{number}")), Step::Relu]);
            steps.extend((number <= POOLED).then_some(Step::MaxPool(2)));
        }
        steps.push(Step::Flatten);
        for number in 1..=WIDTHS.len() {
            steps.extend([Step::Linear(format!("fc{number}")), Step::BatchNorm(format!("bn_fc{number}")), Step::Relu]);
        }
        steps.push(Step::Linear("fc4".into()));
        steps
    }

    fn over(&self, parameters: &Parameters) -> Result<Box<dyn Forward>, ParametersError> {
        let mut convolutions = Vec::new();
        for place in 0..CHANNELS.len() - 1 {
            let number = place + 1;
            let share = if place < POOLED { self.dropout / 2.0 } else { self.dropout };
            convolutions.push((
                Conv2d::new(&format!("conv{number}"), &Self::convolution(place), parameters)?,
                BatchNorm::new(&format!("bn{number}"), CHANNELS[number], parameters)?,
                Dropout::new(&format!("conv{number}"), share),
            ));
        }
        let mut linear = Vec::new();
        for (number, (inputs, outputs)) in (1..).zip(self.widths()) {
            linear.push((
                Linear::new(&format!("fc{number}"), inputs, outputs, parameters)?,
                BatchNorm::new(&format!("bn_fc{number}"), outputs, parameters)?,
                Dropout::new(&format!("fc{number}"), self.dropout),
            ));
        }
        let last = Linear::new("fc4", WIDTHS[WIDTHS.len() - 1], self.classes(), parameters)?;
        Ok(Box::new(BoundCharCnn { convolutions, linear, last }))
    }
}

impl Forward for BoundCharCnn {
    fn forward(&self, images_bcyx: &Tensor, mode: Mode<'_>, precision: Precision) -> Tensor {
        if matches!(mode, Mode::Evaluation) && fused::fits(images_bcyx, precision) {
            return self.evaluate_fused(images_bcyx).unwrap_or_else(|error| panic!("{error}"));
        }
        let mut images = images_bcyx.shallow_clone();
        for (place, (convolution, norm, dropout)) in self.convolutions.iter().enumerate() {
            let active = norm.forward(&convolution.forward(&images, precision), mode, precision).relu();
            let pooled = if place < POOLED { max_pool(&active, 2) } else { active };
            images = dropout.forward(&pooled, mode);
        }
        self.classify(&images, mode, precision)
    }

    fn learn(&self, images_bcyx: &Tensor, keys: &SampleKeys, precision: Precision) -> Passed {
        if !fused::fits(images_bcyx, precision) {
            return Passed::with_autograd(self.forward(images_bcyx, Mode::Training(keys), precision));
        }
        self.learn_fused(images_bcyx, keys).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Rows and columns of the windows that a convolution is pooled in.
fn window(place: usize) -> usize {
    if place < POOLED { 2 } else { 1 }
}

impl BoundCharCnn {
    /// The linear layers.
    fn classify(&self, images: &Tensor, mode: Mode<'_>, precision: Precision) -> Tensor {
        let mut vectors = images.flatten(1, -1);
        for (linear, norm, dropout) in &self.linear {
            vectors =
                dropout.forward(&norm.forward(&linear.forward(&vectors, precision), mode, precision).relu(), mode);
        }
        self.last.forward(&vectors, precision)
    }

    /// Each convolution with what follows it in one loop.
    fn evaluate_fused(&self, images_bcyx: &Tensor) -> Result<Tensor, TchError> {
        let mut images = images_bcyx.shallow_clone();
        for (place, (convolution, norm, dropout)) in self.convolutions.iter().enumerate() {
            images = match place {
                0 => Stem { convolution, norm, dropout }.evaluate(&images)?,
                _ => Fused { convolution, norm, window: window(place), dropout }.evaluate(&images)?,
            };
        }
        Ok(self.classify(&images, Mode::Evaluation, Precision::Fp32))
    }

    /// Each convolution with what follows it by hand, the linear layers by autograd.
    fn learn_fused(&self, images_bcyx: &Tensor, keys: &SampleKeys) -> Result<Passed, TchError> {
        let [(convolution, norm, dropout), later @ ..] = self.convolutions.as_slice() else {
            return Ok(Passed::with_autograd(self.classify(images_bcyx, Mode::Training(keys), Precision::Fp32)));
        };
        let stem = Stem { convolution, norm, dropout }.forward(images_bcyx, keys)?;
        let mut layers: Vec<Normed> = Vec::new();
        for (place, (convolution, norm, dropout)) in (1..).zip(later) {
            let images = layers.last().map_or(stem.output(), Normed::output);
            layers.push(Fused { convolution, norm, window: window(place), dropout }.forward(images, keys)?);
        }
        let images = layers.last().map_or(stem.output(), Normed::output);
        let logits = self.classify(images, Mode::Training(keys), Precision::Fp32);
        Ok(Passed::continued(logits, move || {
            layers.into_iter().rev().try_for_each(Normed::backward)?;
            stem.backward()
        }))
    }
}

/// The network in PyTorch: the same arithmetic, with the names of weight files.
const PYTHON: &str = r#"class Network(nn.Module):
    """CharCNN_v2: gray images with values from 0 to 1 in, logits of {classes} classes out."""

    CHANNELS = (1, 32, 64, 128, 256)
    WIDTHS = ({flat}, 512, 256, 128)

    def __init__(self):
        super().__init__()
        for number, (inputs, outputs) in enumerate(zip(self.CHANNELS, self.CHANNELS[1:]), 1):
            setattr(self, f"conv{number}", nn.Conv2d(inputs, outputs, 3, padding=1))
            setattr(self, f"bn{number}", nn.BatchNorm2d(outputs))
        for number, (inputs, outputs) in enumerate(zip(self.WIDTHS, self.WIDTHS[1:]), 1):
            setattr(self, f"fc{number}", nn.Linear(inputs, outputs))
            setattr(self, f"bn_fc{number}", nn.BatchNorm1d(outputs))
        self.fc4 = nn.Linear(self.WIDTHS[-1], {classes})
        self.dropout = nn.Dropout({p})
        self.half_dropout = nn.Dropout({p} / 2)

    def forward(self, images):
        for number in range(1, 5):
            conv, norm = getattr(self, f"conv{number}"), getattr(self, f"bn{number}")
            images = norm(conv(images)).relu()
            images = self.half_dropout(nn.functional.max_pool2d(images, 2)) if number < 4 else self.dropout(images)
        vectors = images.flatten(1)
        for number in range(1, 4):
            linear, norm = getattr(self, f"fc{number}"), getattr(self, f"bn_fc{number}")
            vectors = self.dropout(norm(linear(vectors)).relu())
        return self.fc4(vectors)
"#;

impl Network for CharCnn {
    fn layout(&self) -> Layout {
        let mut layout = Layout::default();
        for place in 0..CHANNELS.len() - 1 {
            let number = place + 1;
            let mut convolution = Self::convolution(place).layout(&format!("conv{number}"));
            convolution.parameters.iter_mut().filter(|spec| spec.shape.len() == 1).for_each(|bias| bias.idle = true);
            layout = layout.with(convolution);
            layout = layout.with(BatchNorm::layout(&format!("bn{number}"), CHANNELS[number]));
        }
        for (number, (inputs, outputs)) in (1..).zip(self.widths()) {
            layout = layout.with(Linear::layout(&format!("fc{number}"), inputs, outputs));
            layout = layout.with(BatchNorm::layout(&format!("bn_fc{number}"), outputs));
        }
        layout.with(Linear::layout("fc4", WIDTHS[WIDTHS.len() - 1], self.classes()))
    }

    fn multiplications(&self) -> f64 {
        let convolutions =
            (0..CHANNELS.len() - 1).map(|place| Self::convolution(place).multiplications(self.size_at(place)));
        let linear = self.widths().map(|(inputs, outputs)| (inputs * outputs) as f64);
        convolutions.chain(linear).sum::<f64>() + (WIDTHS[WIDTHS.len() - 1] * self.classes()) as f64
    }

    fn describe(&self) -> Io {
        io(self.size, &self.labels, json!({"dropout_rate": self.dropout}))
    }

    fn python(&self) -> String {
        let (flat, classes) = (self.flat().to_string(), self.classes().to_string());
        filled(PYTHON, &[("flat", flat), ("classes", classes), ("p", self.dropout.to_string())])
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    fn network(classes: i64) -> CharCnn {
        CharCnn { size: [28, 28], labels: (0..classes).map(|class| class.to_string()).collect(), dropout: 0.2 }
    }

    #[test]
    fn it_has_as_many_parameters_and_state_entries_as_published() {
        for (classes, expected) in [(10, 1_736_266), (26, 1_738_330), (47, 1_741_039), (62, 1_742_974), (94, 1_747_102)]
        {
            let layout = network(classes).layout();
            assert_eq!(layout.parameters.iter().map(|spec| spec.count()).sum::<usize>(), expected);
            assert_eq!(layout.parameters.len() + layout.buffers.len(), 51);
        }
    }

    #[test]
    fn its_cost_is_that_of_its_layers() {
        assert!((network(62).multiplications() / 11.5e6 - 1.0).abs() < 0.02, "{}", network(62).multiplications());
    }

    #[test]
    fn a_sample_has_the_same_logits_in_every_batch_when_evaluated() {
        let network = network(10);
        let parameters = Parameters::new(&network.layout(), 42, Device::Cpu).unwrap();
        let bound = network.over(&parameters).unwrap();
        let images = Tensor::arange(4 * 784, (Kind::Float, Device::Cpu)).sin().abs().view([4, 1, 28, 28]);
        let all = bound.forward(&images, Mode::Evaluation, Precision::Fp32);
        assert_eq!(all.size(), [4, 10]);
        let alone = bound.forward(&images.narrow(0, 2, 1), Mode::Evaluation, Precision::Fp32);
        assert!((all.narrow(0, 2, 1) - alone).abs().max().double_value(&[]) < 1e-5);
    }

    #[test]
    fn training_reaches_every_parameter_and_moves_the_running_statistics() {
        let network = network(10);
        let parameters = Parameters::new(&network.layout(), 42, Device::Cpu).unwrap();
        let bound = network.over(&parameters).unwrap();
        let before = parameters.buffers().copy();
        let images = Tensor::arange(8 * 784, (Kind::Float, Device::Cpu)).sin().abs().view([8, 1, 28, 28]);
        let keys = SampleKeys::new(42, 0, 0..8);
        bound
            .forward(&images, Mode::Training(&keys), Precision::Fp32)
            .log_softmax(1, Kind::Float)
            .select(1, 3)
            .sum(Kind::Float)
            .backward();
        assert_eq!(parameters.unused(), Vec::<&str>::new());
        assert!(!parameters.buffers().equal(&before));
    }
}
