//! A network that is a chain of known operations, in TorchScript: what a network need list to be exported. Its parameters and
//! buffers keep their names, dots included: each part of a name becomes a module.
//!
//! Batch norm uses its running statistics always and dropout is left out: such an export predicts.

use super::modules::{Modules, NETWORK_CLASS, reach};
use super::script::{Attribute, Script};
use crate::nn::layer::norm::EPSILON;
use crate::nn::parameters::Layout;

/// An operation. Names are those of its parameters, without `.weight`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A convolution of images, with zeros around.
    Conv {
        /// Its name.
        name: String,
        /// Rows and columns from one output to the next.
        stride: i64,
        /// Zeros on each side.
        padding: i64,
    },
    /// A batch norm, by its running statistics.
    BatchNorm(String),
    /// What is below 0 becomes 0.
    Relu,
    /// The largest of so many rows and columns.
    MaxPool(i64),
    /// The mean of each channel.
    MeanOfChannel,
    /// All numbers of a sample in one row.
    Flatten,
    /// A linear layer.
    Linear(String),
    /// The sum of what both chains make of the same input; an empty one passes it on.
    Sum(Vec<Step>, Vec<Step>),
}

/// What follows the last operation, and what the module says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Logits are divided by this before the softmax.
    pub temperature: f64,
    /// Rows and columns of an image.
    pub size: [i64; 2],
    /// The task.
    pub task: &'static str,
}

const NETWORK: &str = "  task : str
  rows : int
  columns : int
  temperature : float
  def forward(self: __torch__.Network,
    images: Tensor) -> Tensor:
    logits = (self).logits(images, )
    return torch.softmax(torch.div(logits, self.temperature), 1)
  def logits(self: __torch__.Network,
    images: Tensor) -> Tensor:
    if torch.ne(torch.dim(images), 4):
      ops.prim.RaiseException(\"expected images of 4 dimensions: batch, channels, rows, columns\")
    else:
      pass
    if torch.ne(torch.size(images, 2), self.rows):
      ops.prim.RaiseException(\"expected images of {rows} rows and {columns} columns\")
    else:
      pass
    if torch.ne(torch.size(images, 3), self.columns):
      ops.prim.RaiseException(\"expected images of {rows} rows and {columns} columns\")
    else:
      pass
";

/// The network: `forward` gives the probabilities of images, `logits` what they are made of.
#[must_use]
pub fn script(steps: &[Step], layout: &Layout, head: &Head) -> Script {
    let root = Modules::of(layout);
    let mut code = String::new();
    root.classes(NETWORK_CLASS, &mut code);
    // The network itself comes last, so its methods can follow.
    let [rows, columns] = head.size;
    code += &NETWORK.replace("{rows}", &rows.to_string()).replace("{columns}", &columns.to_string());
    let mut body = Body { layout, lines: String::new(), values: 0 };
    let last = body.chain(steps, "images");
    code += &format!("{}    return {last}\n", body.lines);
    let network = root
        .object(NETWORK_CLASS)
        .with("task", Attribute::Text(head.task.into()))
        .with("rows", Attribute::Integer(rows))
        .with("columns", Attribute::Integer(columns))
        .with("temperature", Attribute::Float(head.temperature));
    Script { code, network }
}

/// The statements, each of which gives a name to its value.
struct Body<'a> {
    layout: &'a Layout,
    lines: String,
    values: usize,
}

impl Body<'_> {
    /// Applies steps to a value; the name of the result.
    fn chain(&mut self, steps: &[Step], input: &str) -> String {
        steps.iter().fold(input.to_owned(), |value, step| {
            let expression = self.expression(step, &value);
            self.values += 1;
            let name = format!("x{}", self.values);
            self.lines += &format!("    {name} = {expression}\n");
            name
        })
    }

    fn expression(&mut self, step: &Step, value: &str) -> String {
        match step {
            Step::Conv { name, stride, padding } => {
                let [weight, bias] = ["weight", "bias"].map(|part| self.tensor(name, part));
                format!(
                    "torch.conv2d({value}, {weight}, {bias}, [{stride}, {stride}], [{padding}, {padding}], [1, 1], 1)"
                )
            }
            Step::BatchNorm(name) => {
                let parts = ["weight", "bias", "running_mean", "running_var"].map(|part| self.tensor(name, part));
                format!("torch.batch_norm({value}, {}, False, 0.1, {EPSILON:e}, True)", parts.join(", "))
            }
            Step::Relu => format!("torch.relu({value})"),
            Step::MaxPool(size) => {
                format!("torch.max_pool2d({value}, [{size}, {size}], [{size}, {size}], [0, 0], [1, 1], False)")
            }
            Step::MeanOfChannel => format!("torch.mean({value}, [2, 3])"),
            Step::Flatten => format!("torch.flatten({value}, 1, -1)"),
            Step::Linear(name) => {
                format!("torch.linear({value}, {}, {})", self.tensor(name, "weight"), self.tensor(name, "bias"))
            }
            Step::Sum(one, other) => {
                let (one, other) = (self.chain(one, value), self.chain(other, value));
                format!("torch.add({one}, {other})")
            }
        }
    }

    /// How the code reaches a tensor; `None` if the network has no such one.
    fn tensor(&self, layer: &str, part: &str) -> String {
        let name = format!("{layer}.{part}");
        let mut names = self.layout.parameters.iter().map(|spec| &spec.name);
        if !names.any(|known| *known == name) && !self.layout.buffers.iter().any(|spec| spec.name == name) {
            return "None".into();
        }
        reach(&name)
    }
}

#[cfg(test)]
mod tests {
    use tch::{CModule, Device, IValue, Kind, Tensor};

    use super::*;
    use crate::nn::export::{torchscript, weights};
    use crate::nn::layer::conv::ConvShape;
    use crate::nn::layer::{BatchNorm, Conv2d, Linear, Mode, max_pool};
    use crate::nn::parameters::Parameters;
    use crate::nn::precision::Precision;

    fn named(name: &str) -> String {
        name.into()
    }

    #[test]
    fn a_chain_with_numbered_parts_and_a_shortcut_computes_what_its_layers_do() {
        tch::set_num_threads(1);
        let shapes = [ConvShape::same(1, 4, 3), ConvShape { bias: false, ..ConvShape::same(4, 4, 3) }];
        let layout = shapes[0]
            .layout("conv1")
            .with(BatchNorm::layout("layer1.0.bn1", 4))
            .with(shapes[1].layout("layer1.0.conv2"))
            .with(Linear::layout("fc.4", 64, 5));
        let steps = [
            Step::Conv { name: named("conv1"), stride: 1, padding: 1 },
            Step::MaxPool(2),
            Step::Sum(
                vec![
                    Step::BatchNorm(named("layer1.0.bn1")),
                    Step::Relu,
                    Step::Conv { name: named("layer1.0.conv2"), stride: 1, padding: 1 },
                ],
                vec![],
            ),
            Step::Flatten,
            Step::Linear(named("fc.4")),
        ];
        let parameters = Parameters::new(&layout, 3, Device::Cpu).unwrap();
        tch::no_grad(|| drop(parameters.buffers().g_add_scalar_(0.5)));
        let images = Tensor::arange(3 * 64, (Kind::Float, Device::Cpu)).sin().abs().view([3, 1, 8, 8]);
        let (mode, fp32) = (Mode::Evaluation, Precision::Fp32);
        let conv1 = Conv2d::new("conv1", &shapes[0], &parameters).unwrap();
        let conv2 = Conv2d::new("layer1.0.conv2", &shapes[1], &parameters).unwrap();
        let norm = BatchNorm::new("layer1.0.bn1", 4, &parameters).unwrap();
        let linear = Linear::new("fc.4", 64, 5, &parameters).unwrap();
        let pooled = max_pool(&conv1.forward(&images, fp32), 2);
        let sum = conv2.forward(&norm.forward(&pooled, mode, fp32).relu(), fp32) + &pooled;
        let logits = linear.forward(&sum.flatten(1, -1), fp32);

        let tensors: Vec<(String, Tensor)> = parameters
            .names()
            .map(|name| (name.to_owned(), parameters.view(name).unwrap().detach()))
            .chain(parameters.buffer_parts().into_iter().map(|(spec, part)| (spec.name.clone(), part)))
            .collect();
        let script = script(&steps, &layout, &Head { temperature: 1.5, size: [8, 8], task: "any" });
        let mut file = Vec::new();
        torchscript::write(&script, &weights(&layout, &tensors).unwrap(), &[], &mut file).unwrap();
        let module =
            CModule::load_data(&mut file.as_slice()).unwrap_or_else(|error| panic!("{error}\n{}", script.code));
        let close = |found: &Tensor, expected: &Tensor| found.allclose(expected, 1e-5, 1e-6, false);
        let found = module.forward_ts(&[&images]).unwrap();
        assert!(close(&found, &(&logits / 1.5).softmax(1, Kind::Float)), "{found:?}");
        match module.method_is("logits", &[IValue::Tensor(images.shallow_clone())]).unwrap() {
            IValue::Tensor(found) => assert!(close(&found, &logits)),
            other => panic!("{other:?}"),
        }
        let mut names: Vec<String> = module.named_parameters().unwrap().into_iter().map(|(name, _)| name).collect();
        names.sort();
        let mut expected: Vec<String> = parameters.names().map(str::to_owned).collect();
        expected.sort();
        assert_eq!(names, expected);
        let refused = |size: &[i64]| {
            module.forward_ts(&[Tensor::zeros(size, (Kind::Float, Device::Cpu))]).unwrap_err().to_string()
        };
        assert!(refused(&[8, 8]).contains("expected images of 4 dimensions"));
        assert!(refused(&[1, 1, 8, 9]).contains("expected images of 8 rows and 8 columns"));
    }
}
