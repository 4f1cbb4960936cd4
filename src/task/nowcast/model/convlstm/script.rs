//! The ConvLSTM in TorchScript: the same arithmetic in the same order as [`super::bound`], for any number of samples and any
//! device.
//!
//! Sizes come from the weights if they can, so the text depends on the norm and on the number of layers alone.

use super::architecture::{Architecture, HEAD_KERNEL, norm_name};
use crate::nn::export::script::{Attribute, Object, Script};
use crate::nn::layer::norm::{EPSILON, groups};
use crate::task::nowcast::config::{Norm, NowcastConfig};
use crate::task::nowcast::model::named;
use crate::util::quantity::Quantity;

/// A convolution that uses as many input channels of its weight as it is given: the state before the first frame is zero,
/// and so is what it would add.
const CONV: &str = "\
class Conv(Module):
  __parameters__ = [\"weight\", \"bias\", ]
  __buffers__ = []
  weight : Tensor
  bias : Tensor
  training : bool
  padding : int
  def forward(self: __torch__.Conv,
    frame: Tensor) -> Tensor:
    weight = torch.narrow(self.weight, 1, 0, torch.size(frame, 1))
    padding = [self.padding, self.padding]
    return torch.conv2d(frame, weight, self.bias, [1, 1], padding, [1, 1], 1)
";

const NORM: &str = "\
class Norm(Module):
  __parameters__ = [\"weight\", \"bias\", ]
  __buffers__ = []
  weight : Tensor
  bias : Tensor
  training : bool
  groups : int
  def forward(self: __torch__.Norm,
    state: Tensor) -> Tensor:
    return {norm}
";

/// c = sig(f) c + sig(i) tanh(g), h = sig(o) tanh(c), with the gates in the order i, f, o, g.
const LAYER: &str = "\
class {class}(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  conv : __torch__.Conv
{norm}  def forward(self: __torch__.{class},
    frames: List[Tensor]) -> List[Tensor]:
    gates = torch.chunk((self.conv).forward(frames[0]), 4, 1)
    cell = torch.mul(torch.sigmoid(gates[0]), torch.tanh(gates[3]))
    hidden = torch.mul(torch.sigmoid(gates[2]), torch.tanh(cell))
    states = [{shown}]
    for step in range(1, torch.len(frames)):
      gates = torch.chunk((self.conv).forward(torch.cat([frames[step], hidden], 1)), 4, 1)
      added = torch.mul(torch.sigmoid(gates[0]), torch.tanh(gates[3]))
      cell = torch.add(torch.mul(torch.sigmoid(gates[1]), cell), added)
      hidden = torch.mul(torch.sigmoid(gates[2]), torch.tanh(cell))
      {keep}
    return states
";

const NETWORK: &str = "\
class Network(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  layers : __torch__.Layers
  head : __torch__.Conv
  task : str
  input_frames : int
  target_frames : int
  channels : int
  rows : int
  columns : int
  min_dbz : float
  max_dbz : float
  def forward(self: __torch__.Network,
    input: Tensor) -> Tensor:
    if torch.ne(torch.dim(input), 5):
      ops.prim.RaiseException(\"expected an input of 5 dimensions: batch, time, channels, rows, columns\")
    else:
      pass
    if torch.ne(torch.size(input, 2), self.channels):
      ops.prim.RaiseException(\"expected an input with {channels} as dimension 2: batch, time, channels, rows, columns\")
    else:
      pass
    frames = torch.unbind(input, 1)
{layers}    logits = (self.head).forward(frames[-1])
    return torch.unflatten(torch.sigmoid(logits), 1, [self.target_frames, self.channels])
  def to_dbz(self: __torch__.Network,
    normalised: Tensor) -> Tensor:
    span = torch.sub(self.max_dbz, self.min_dbz)
    return torch.add(torch.mul(normalised, span), self.min_dbz)
  def from_dbz(self: __torch__.Network,
    values: Tensor) -> Tensor:
    span = torch.sub(self.max_dbz, self.min_dbz)
    share = torch.div(torch.sub(values, self.min_dbz), span)
    return torch.clamp(torch.nan_to_num(share, 0.), 0., 1.)
";

/// The network with its classes and its objects.
pub(super) fn script(architecture: &Architecture, config: &NowcastConfig, quantity: &Quantity) -> Script {
    Script { code: classes(architecture), network: objects(architecture, config, quantity) }
}

fn classes(architecture: &Architecture) -> String {
    let norm = match architecture.norm {
        Norm::Layer => format!("torch.layer_norm(state, torch.size(self.weight), self.weight, self.bias, {EPSILON:e})"),
        Norm::Group => format!("torch.group_norm(state, self.groups, self.weight, self.bias, {EPSILON:e})"),
        Norm::None => "state".to_owned(),
    };
    let (declared, shown) = match architecture.norm {
        Norm::None => ("", "hidden"),
        Norm::Layer | Norm::Group => ("  norm : __torch__.Norm\n", "(self.norm).forward(hidden)"),
    };
    [
        CONV.to_owned(),
        NORM.replace("{norm}", &norm),
        layer("Layer", declared, shown, &format!("_0 = torch.append(states, {shown})")),
        // The head sees only the last state of the last layer, as it is.
        layer("LastLayer", "", "hidden", "states = [hidden]"),
        layers(architecture.hidden.len()),
        network(architecture),
    ]
    .concat()
}

/// The class of a layer.
fn class(layer: usize, layers: usize) -> &'static str {
    if layer + 1 == layers { "LastLayer" } else { "Layer" }
}

fn layer(class: &str, norm: &str, shown: &str, keep: &str) -> String {
    LAYER.replace("{class}", class).replace("{norm}", norm).replace("{shown}", shown).replace("{keep}", keep)
}

fn layers(count: usize) -> String {
    let heading = "class Layers(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n";
    let entry = |layer| format!("  __annotations__[\"{layer}\"] = __torch__.{}\n", class(layer, count));
    heading.to_owned() + &(0..count).map(entry).collect::<String>()
}

fn network(architecture: &Architecture) -> String {
    let call = |layer| format!("    frames = (getattr(self.layers, \"{layer}\")).forward(frames)\n");
    let calls: String = (0..architecture.hidden.len()).map(call).collect();
    let channels = architecture.channels.to_string();
    NETWORK.replace("{layers}", &calls).replace("{channels}", &channels)
}

/// The objects, from the whole to the parameters.
fn objects(architecture: &Architecture, config: &NowcastConfig, quantity: &Quantity) -> Object {
    let Architecture { channels, frame: [rows, columns], target_frames, .. } = *architecture;
    let sizes = [("input_frames", config.windows.input_frames as i64), ("target_frames", target_frames)];
    let sizes = sizes.into_iter().chain([("channels", channels), ("rows", rows), ("columns", columns)]);
    let scale = [("min_dbz", config.prepare.min), ("max_dbz", config.prepare.max)];
    let network = Object::new("Network")
        .with("layers", Attribute::Part(layer_objects(architecture)))
        .with("head", affine("Conv", "head", ("padding", HEAD_KERNEL / 2)))
        .with("task", Attribute::Text("nowcast".into()));
    let network = sizes.fold(network, |network, (name, size)| network.with(name, Attribute::Integer(size)));
    scale
        .into_iter()
        .fold(network, |network, (name, value)| network.with(named(name, quantity), Attribute::Float(value)))
}

fn layer_objects(architecture: &Architecture) -> Object {
    let count = architecture.hidden.len();
    let one = |layer: usize| {
        let conv = affine("Conv", &format!("layers.{layer}.conv"), ("padding", architecture.kernel / 2));
        let object = Object::new(class(layer, count)).with("conv", conv);
        match architecture.normalises_after(layer) {
            true => {
                object.with("norm", affine("Norm", &norm_name(layer), ("groups", groups(architecture.hidden[layer]))))
            }
            false => object,
        }
    };
    (0..count).fold(Object::new("Layers"), |layers, layer| layers.with(layer.to_string(), Attribute::Part(one(layer))))
}

/// What has a weight, a bias and a number.
fn affine(class: &str, name: &str, (attribute, value): (&str, i64)) -> Attribute {
    let tensor = |part: &str| Attribute::Tensor(format!("{name}.{part}"));
    let object = Object::new(class).with("weight", tensor("weight")).with("bias", tensor("bias"));
    Attribute::Part(object.with(attribute, Attribute::Integer(value)))
}
