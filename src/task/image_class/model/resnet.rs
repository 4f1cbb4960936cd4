//! A residual network (He et al. 2016) for small images: a convolution that keeps their size, stages of basic blocks, and two
//! linear layers. The names of its parameters and buffers are those of published weight files.
//!
//! | layer | out, for 28 x 28 and the default widths |
//! |---|---|
//! | `conv1` 1 -> 64 without bias, `bn1`, ReLU | 64 x 28 x 28 |
//! | `layer1.0`, `layer1.1`: two blocks of 64 | 64 x 28 x 28 |
//! | `layer2` to `layer4`: two blocks each of 128, 256, 512; the first halves the image | 512 x 4 x 4 |
//! | mean of each channel, dropout p | 512 |
//! | `fc.1` 512 -> 256, ReLU, dropout p/2, `fc.4` -> classes | classes |
//!
//! A block is `conv1`, `bn1`, ReLU, `conv2`, `bn2`, plus its input, ReLU. Where the shape changes, the input goes through
//! `shortcut.0`, a convolution of 1 x 1, and `shortcut.1`, a batch norm.

use serde_json::json;
use tch::{Kind, Tensor};

use super::{Forward, ImageNetwork, filled, io};
use crate::nn::export::steps::Step;
use crate::nn::layer::conv::ConvShape;
use crate::nn::layer::{BatchNorm, Conv2d, Dropout, Linear, Mode};
use crate::nn::network::{Io, Network};
use crate::nn::parameters::{Layout, Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::image_class::config::ResNetConfig;

/// The sizes of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct ResNet {
    /// Rows and columns of an image.
    pub size: [i64; 2],
    /// What people call the classes.
    pub labels: Vec<String>,
    /// Stages, linear layers, dropout.
    pub config: ResNetConfig,
}

/// A block before it has weights.
#[derive(Clone, Debug, PartialEq)]
struct BlockShape {
    name: String,
    inputs: i64,
    outputs: i64,
    stride: i64,
    /// Rows and columns that come out.
    size: [i64; 2],
}

/// The network over its weights.
#[derive(Debug)]
struct BoundResNet {
    stem: (Conv2d, BatchNorm),
    blocks: Vec<Block>,
    hidden: (Dropout, Linear),
    last: (Dropout, Linear),
}

#[derive(Debug)]
struct Block {
    first: (Conv2d, BatchNorm),
    second: (Conv2d, BatchNorm),
    shortcut: Option<(Conv2d, BatchNorm)>,
}

impl ResNet {
    fn classes(&self) -> i64 {
        self.labels.len() as i64
    }

    fn stem(&self) -> ConvShape {
        let width = self.config.widths.first().map_or(1, |width| *width as i64);
        ConvShape { bias: false, ..ConvShape::same(1, width, 3) }
    }

    /// The blocks in order. The first of each stage but the first halves the image.
    fn blocks(&self) -> Vec<BlockShape> {
        let (mut inputs, mut size, mut blocks) = (self.stem().outputs, self.size, Vec::new());
        for (stage, (width, count)) in self.config.widths.iter().zip(&self.config.blocks).enumerate() {
            for number in 0..*count {
                let (outputs, stride) = (*width as i64, if stage > 0 && number == 0 { 2 } else { 1 });
                size = size.map(|side| (side - 1) / stride + 1);
                let name = format!("layer{}.{number}", stage + 1);
                blocks.push(BlockShape { name, inputs, outputs, stride, size });
                inputs = outputs;
            }
        }
        blocks
    }

    /// The linear layers: names, inputs and outputs.
    fn linear(&self) -> [(&'static str, i64, i64); 2] {
        let (width, hidden) = (self.config.widths.last().map_or(1, |width| *width as i64), self.config.hidden as i64);
        [("fc.1", width, hidden), ("fc.4", hidden, self.classes())]
    }
}

impl BlockShape {
    fn convolutions(&self) -> [(String, ConvShape); 2] {
        let second = ConvShape { bias: false, ..ConvShape::same(self.outputs, self.outputs, 3) };
        let first = ConvShape { inputs: self.inputs, stride: self.stride, ..second.clone() };
        [(format!("{}.conv1", self.name), first), (format!("{}.conv2", self.name), second)]
    }

    fn shortcut(&self) -> Option<(String, ConvShape)> {
        let shape = ConvShape { stride: self.stride, bias: false, ..ConvShape::same(self.inputs, self.outputs, 1) };
        let changes = self.stride != 1 || self.inputs != self.outputs;
        changes.then(|| (format!("{}.shortcut.0", self.name), shape))
    }

    fn layout(&self) -> Layout {
        let normed = |layout: Layout, (number, (name, shape)): (usize, &(String, ConvShape))| {
            let norm = format!("{}.bn{}", self.name, number + 1);
            layout.with(shape.layout(name)).with(BatchNorm::layout(&norm, shape.outputs))
        };
        let layout = self.convolutions().iter().enumerate().fold(Layout::default(), normed);
        self.shortcut().iter().fold(layout, |layout, (name, shape)| {
            let norm = format!("{}.shortcut.1", self.name);
            layout.with(shape.layout(name)).with(BatchNorm::layout(&norm, shape.outputs))
        })
    }

    fn multiplications(&self) -> f64 {
        let all = self.convolutions().into_iter().chain(self.shortcut());
        all.map(|(_, shape)| shape.multiplications(self.size)).sum()
    }

    fn over(&self, parameters: &Parameters) -> Result<Block, ParametersError> {
        let normed = |(name, shape): &(String, ConvShape), norm: &str| {
            let norm = format!("{}.{norm}", self.name);
            Ok((Conv2d::new(name, shape, parameters)?, BatchNorm::new(&norm, shape.outputs, parameters)?))
        };
        let [first, second] = self.convolutions();
        Ok(Block {
            first: normed(&first, "bn1")?,
            second: normed(&second, "bn2")?,
            shortcut: self.shortcut().map(|shortcut| normed(&shortcut, "shortcut.1")).transpose()?,
        })
    }
}

impl ImageNetwork for ResNet {
    fn steps(&self) -> Vec<Step> {
        let normed = |(name, shape): &(String, ConvShape), norm: String| {
            let (stride, padding) = (shape.stride, shape.padding);
            vec![Step::Conv { name: name.clone(), stride, padding }, Step::BatchNorm(norm)]
        };
        let mut steps = normed(&("conv1".into(), self.stem()), "bn1".into());
        steps.push(Step::Relu);
        for block in self.blocks() {
            let [first, second] = block.convolutions();
            let mut change = normed(&first, format!("{}.bn1", block.name));
            change.push(Step::Relu);
            change.extend(normed(&second, format!("{}.bn2", block.name)));
            let shortcut = block.shortcut().map(|kept| normed(&kept, format!("{}.shortcut.1", block.name)));
            steps.extend([Step::Sum(change, shortcut.unwrap_or_default()), Step::Relu]);
        }
        let [(hidden, ..), (last, ..)] = self.linear();
        let linear = |name: &str| Step::Linear(name.into());
        steps.extend([Step::MeanOfChannel, linear(hidden), Step::Relu, linear(last)]);
        steps
    }

    fn over(&self, parameters: &Parameters) -> Result<Box<dyn Forward>, ParametersError> {
        let shape = self.stem();
        let stem = (Conv2d::new("conv1", &shape, parameters)?, BatchNorm::new("bn1", shape.outputs, parameters)?);
        let blocks = self.blocks().iter().map(|block| block.over(parameters)).collect::<Result<_, _>>()?;
        let [hidden, last] =
            self.linear().map(|(name, inputs, outputs)| Linear::new(name, inputs, outputs, parameters));
        let dropout = self.config.dropout;
        Ok(Box::new(BoundResNet {
            stem,
            blocks,
            hidden: (Dropout::new("fc.0", dropout), hidden?),
            last: (Dropout::new("fc.3", dropout / 2.0), last?),
        }))
    }
}

/// A convolution and its batch norm.
fn normed((convolution, norm): &(Conv2d, BatchNorm), images: &Tensor, mode: Mode<'_>, precision: Precision) -> Tensor {
    norm.forward(&convolution.forward(images, precision), mode, precision)
}

impl Block {
    fn forward(&self, images: &Tensor, mode: Mode<'_>, precision: Precision) -> Tensor {
        let inner = normed(&self.first, images, mode, precision).relu();
        let change = normed(&self.second, &inner, mode, precision);
        let kept = self.shortcut.as_ref().map(|shortcut| normed(shortcut, images, mode, precision));
        (change + kept.as_ref().unwrap_or(images)).relu()
    }
}

impl Forward for BoundResNet {
    fn forward(&self, images_bcyx: &Tensor, mode: Mode<'_>, precision: Precision) -> Tensor {
        let stem = normed(&self.stem, images_bcyx, mode, precision).relu();
        let images = self.blocks.iter().fold(stem, |images, block| block.forward(&images, mode, precision));
        let vectors = precision.cast(&images.mean_dim([2_i64, 3].as_slice(), false, Kind::Float));
        let (dropout, linear) = &self.hidden;
        let hidden = linear.forward(&dropout.forward(&vectors, mode), precision).relu();
        let (dropout, linear) = &self.last;
        linear.forward(&dropout.forward(&hidden, mode), precision)
    }
}

/// The network in PyTorch: the same arithmetic, with the names of weight files.
const PYTHON: &str = r#"class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            convolution = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(convolution, nn.BatchNorm2d(outputs))

    def forward(self, images):
        change = self.bn2(self.conv2(self.bn1(self.conv1(images)).relu()))
        return (change + self.shortcut(images)).relu()


class Network(nn.Module):
    """A residual network: gray images with values from 0 to 1 in, logits of {classes} classes out."""

    WIDTHS, BLOCKS = {widths}, {blocks}

    def __init__(self):
        super().__init__()
        inputs = self.WIDTHS[0]
        self.conv1 = nn.Conv2d(1, inputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        for stage, (width, count) in enumerate(zip(self.WIDTHS, self.BLOCKS), 1):
            blocks = []
            for number in range(count):
                blocks.append(Block(inputs, width, 2 if stage > 1 and number == 0 else 1))
                inputs = width
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.fc = nn.Sequential(
            nn.Dropout({p}), nn.Linear(inputs, {hidden}), nn.ReLU(), nn.Dropout({p} / 2), nn.Linear({hidden}, {classes})
        )

    def forward(self, images):
        images = self.bn1(self.conv1(images)).relu()
        for stage in range(1, len(self.WIDTHS) + 1):
            images = getattr(self, f"layer{stage}")(images)
        return self.fc(images.mean((2, 3)))
"#;

impl Network for ResNet {
    fn layout(&self) -> Layout {
        let stem = self.stem();
        let layout = stem.layout("conv1").with(BatchNorm::layout("bn1", stem.outputs));
        let layout = self.blocks().iter().fold(layout, |layout, block| layout.with(block.layout()));
        let linear = self.linear().map(|(name, inputs, outputs)| Linear::layout(name, inputs, outputs));
        linear.into_iter().fold(layout, Layout::with)
    }

    fn multiplications(&self) -> f64 {
        let blocks = self.blocks().iter().map(BlockShape::multiplications).sum::<f64>();
        let linear = self.linear().map(|(_, inputs, outputs)| (inputs * outputs) as f64);
        self.stem().multiplications(self.size) + blocks + linear.iter().sum::<f64>()
    }

    fn describe(&self) -> Io {
        let ResNetConfig { widths, blocks, hidden, dropout } = &self.config;
        io(
            self.size,
            &self.labels,
            json!({"widths": widths, "blocks": blocks, "hidden": hidden, "dropout_rate": dropout}),
        )
    }

    fn python(&self) -> String {
        let ResNetConfig { widths, blocks, hidden, dropout } = &self.config;
        let numbers = [
            ("classes", self.classes().to_string()),
            ("widths", format!("{widths:?}")),
            ("blocks", format!("{blocks:?}")),
            ("hidden", hidden.to_string()),
            ("p", dropout.to_string()),
        ];
        filled(PYTHON, &numbers)
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::nn::layer::SampleKeys;

    fn network(classes: i64, config: ResNetConfig) -> ResNet {
        ResNet { size: [28, 28], labels: (0..classes).map(|class| class.to_string()).collect(), config }
    }

    fn small() -> ResNetConfig {
        ResNetConfig { widths: vec![4, 6, 6], blocks: vec![1, 2, 1], hidden: 5, dropout: 0.2 }
    }

    fn images(count: i64) -> Tensor {
        Tensor::arange(count * 784, (Kind::Float, Device::Cpu)).sin().abs().view([count, 1, 28, 28])
    }

    #[test]
    fn it_has_as_many_parameters_as_published_under_the_published_names() {
        let layout = network(62, ResNetConfig::default()).layout();
        assert_eq!(layout.count(), 11_314_942);
        let names: Vec<_> = layout.parameters.iter().map(|spec| spec.name.as_str()).collect();
        for name in ["conv1.weight", "layer1.1.bn2.bias", "layer2.0.shortcut.1.weight", "fc.1.bias", "fc.4.weight"] {
            assert!(names.contains(&name), "{name} in {names:?}");
        }
        for name in ["conv1.bias", "layer1.0.shortcut.0.weight", "layer4.1.shortcut.0.weight"] {
            assert!(!names.contains(&name), "{name}");
        }
        // Twenty convolutions without bias, each with a norm, and two linear layers.
        assert_eq!((layout.parameters.len(), layout.buffers.len()), (20 + 40 + 4, 60));
    }

    #[test]
    fn its_cost_is_that_of_its_layers() {
        // By hand: stem 0.45, stages 115.6, 101.1, 101.1, 107.5 and linear layers 0.15 million.
        let cost = network(62, ResNetConfig::default()).multiplications();
        let stage = |inputs: f64, width: f64, cells: f64| cells * (9.0 * inputs * width + 27.0 * width * width);
        let shortcut = |inputs: f64, width: f64, cells: f64| cells * inputs * width;
        let by_hand = 576.0 * 784.0
            + stage(64.0, 64.0, 784.0)
            + stage(64.0, 128.0, 196.0)
            + shortcut(64.0, 128.0, 196.0)
            + stage(128.0, 256.0, 49.0)
            + shortcut(128.0, 256.0, 49.0)
            + stage(256.0, 512.0, 16.0)
            + shortcut(256.0, 512.0, 16.0)
            + 512.0 * 256.0
            + 256.0 * 62.0;
        assert_eq!(cost, by_hand);
    }

    #[test]
    fn a_sample_has_the_same_logits_in_every_batch_when_evaluated() {
        let network = network(10, small());
        let parameters = Parameters::new(&network.layout(), 42, Device::Cpu).unwrap();
        let bound = network.over(&parameters).unwrap();
        let all = bound.forward(&images(4), Mode::Evaluation, Precision::Fp32);
        assert_eq!(all.size(), [4, 10]);
        let alone = bound.forward(&images(4).narrow(0, 2, 1), Mode::Evaluation, Precision::Fp32);
        assert!((all.narrow(0, 2, 1) - alone).abs().max().double_value(&[]) < 1e-5);
    }

    #[test]
    fn training_reaches_every_parameter_and_moves_the_running_statistics() {
        let network = network(10, small());
        let parameters = Parameters::new(&network.layout(), 42, Device::Cpu).unwrap();
        let bound = network.over(&parameters).unwrap();
        let before = parameters.buffers().copy();
        let passed = bound.learn(&images(8), &SampleKeys::new(42, 0, 0..8), Precision::Fp32);
        let loss = passed.output().log_softmax(1, Kind::Float).select(1, 3).sum(Kind::Float);
        passed.backward(&loss).unwrap();
        assert_eq!(parameters.unused(), Vec::<&str>::new());
        assert!(!parameters.buffers().equal(&before));
    }
}
