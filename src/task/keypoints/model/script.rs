//! A classifier in TorchScript: its network, and around it what checks the input and turns frames into probabilities, for any
//! number of sequences of any lengths and any device.
//!
//! Besides `forward`, which gives probabilities, it has the methods `logits` and `embeddings` (the pooled frames).

use super::config::Pooling;
use super::pooling::in_torchscript;
use super::sizes::Sizes;
use crate::nn::export::modules::{Modules, NETWORK_CLASS, reach};
use crate::nn::export::script::{Attribute, Script};
use crate::nn::layer::norm::EPSILON;
use crate::nn::parameters::Layout;

/// A network in TorchScript.
#[derive(Clone, Debug)]
pub struct Torchscript {
    /// Its parameters.
    pub layout: Layout,
    /// The lines of a method from `streams`, a list of `[b, t, d]`, and `real`, which is `[b, t, 1]`, to `return` of what
    /// describes each frame, `[b, t, e]`; each with four spaces.
    pub body: String,
    /// How its frames become one vector.
    pub pooling: Pooling,
}

const NETWORK: &str = "  task : str
  temperature : float
  def forward(self: __torch__.Network,
{inputs}    lengths: Tensor) -> Tensor:
    logits = (self).logits({streams}lengths, )
    return torch.softmax(torch.div(logits, self.temperature), 1)
  def logits(self: __torch__.Network,
{inputs}    lengths: Tensor) -> Tensor:
    pooled = (self).embeddings({streams}lengths, )
    return {classifier}
  def embeddings(self: __torch__.Network,
{inputs}    lengths: Tensor) -> Tensor:
    given = [{floats}]
    _0 = (self).check(given, lengths, )
    device = (given[0]).device
    lengths_b = torch.to(lengths, device, 4)
    places = torch.arange(torch.size(given[0], 1), dtype=4, device=device)
    real = torch.unsqueeze(torch.lt(torch.unsqueeze(places, 0), torch.unsqueeze(lengths_b, 1)), 2)
    padding = torch.logical_not(real)
    streams = annotate(List[Tensor], [])
    for stream in given:
      _1 = torch.append(streams, torch.masked_fill(stream, padding, 0))
    frames = (self).frames(streams, real, )
    return {pool}
  def frames(self: __torch__.Network,
    streams: List[Tensor],
    real: Tensor) -> Tensor:
{body}  def check(self: __torch__.Network,
    streams: List[Tensor],
    lengths: Tensor) -> NoneType:
    widths = [{widths}]
    if torch.is_floating_point(lengths):
      ops.prim.RaiseException(\"expected lengths as whole numbers, such as int64\")
    else:
      pass
    if torch.ne(torch.dim(lengths), 1):
      ops.prim.RaiseException(\"expected lengths of 1 dimension: batch\")
    else:
      pass
    for index in range(torch.len(streams)):
      stream = streams[index]
      if torch.ne(torch.dim(stream), 3):
        ops.prim.RaiseException(\"expected streams of 3 dimensions: batch, frames, numbers\")
      else:
        pass
      if torch.ne(torch.size(stream, 2), widths[index]):
        ops.prim.RaiseException(\"expected streams with so many numbers of a frame: {named}\")
      else:
        pass
      if torch.ne(torch.size(stream, 1), torch.size(streams[0], 1)):
        ops.prim.RaiseException(\"expected as many frames in each stream, with padding\")
      else:
        pass
      if torch.ne(torch.size(stream, 0), torch.size(lengths, 0)):
        ops.prim.RaiseException(\"expected as many lengths as sequences\")
      else:
        pass
    if torch.lt(int(torch.item(torch.min(lengths))), 1):
      ops.prim.RaiseException(\"expected lengths of at least 1\")
    else:
      pass
    if torch.gt(int(torch.item(torch.max(lengths))), torch.size(streams[0], 1)):
      ops.prim.RaiseException(\"expected lengths of at most the frames of the streams\")
    else:
      pass
    return None
";

/// The network with what is around it. Logits are divided by the temperature before the softmax.
pub fn whole(network: Torchscript, sizes: &Sizes, temperature: f64) -> Script {
    let Torchscript { layout, body, pooling } = network;
    let root = Modules::of(&layout);
    let mut code = String::new();
    root.classes(NETWORK_CLASS, &mut code);
    // A stream may have the name of a word of Python.
    let names: Vec<String> = sizes.streams.iter().map(|stream| format!("stream_{}", stream.name)).collect();
    let joined = |separator: &str, each: &dyn Fn(&super::Stream) -> String| {
        sizes.streams.iter().map(each).collect::<Vec<_>>().join(separator)
    };
    let kind = reach("classifier.weight");
    let parts = [
        ("{inputs}", names.iter().map(|name| format!("    {name}: Tensor,\n")).collect()),
        ("{streams}", names.iter().map(|name| format!("{name}, ")).collect()),
        ("{floats}", names.iter().map(|name| format!("torch.to({name}, ops.prim.dtype({kind})), ")).collect()),
        ("{widths}", joined(", ", &|stream| stream.inputs.to_string())),
        ("{named}", joined(", ", &|stream| format!("{} {}", stream.name, stream.inputs))),
        ("{classifier}", linear("pooled", "classifier")),
        ("{pool}", in_torchscript(pooling).to_owned()),
        ("{body}", body),
    ];
    code += &parts.iter().fold(NETWORK.to_owned(), |code, (name, text)| code.replace(name, text));
    let network = root
        .object(NETWORK_CLASS)
        .with("task", Attribute::Text("keypoints".into()))
        .with("temperature", Attribute::Float(temperature));
    Script { code, network }
}

/// A linear layer over a value.
pub fn linear(value: &str, name: &str) -> String {
    let [weight, bias] = ["weight", "bias"].map(|part| reach(&format!("{name}.{part}")));
    format!("torch.linear({value}, {weight}, {bias})")
}

/// A layer norm over a value.
pub fn layer_norm(value: &str, name: &str) -> String {
    let [weight, bias] = ["weight", "bias"].map(|part| reach(&format!("{name}.{part}")));
    format!("torch.layer_norm({value}, torch.size({weight}), {weight}, {bias}, {EPSILON:e})")
}
