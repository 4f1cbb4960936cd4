//! The ConvLSTM in TorchScript: the same arithmetic in the same order as [`super::bound`], for any number of samples and frames.

use super::architecture::{Architecture, HEAD_KERNEL, norm_name};
use crate::nn::export::modules::reach;
use crate::nn::layer::norm::{EPSILON, groups};
use crate::task::nowcast::config::Norm;
use crate::task::nowcast::model::Torchscript;

/// c = sig(f) c + sig(i) tanh(g), h = sig(o) tanh(c), with the gates in the order i, f, o, g. The state before the first frame is
/// zero, so that half of the weight is left out there.
const LAYER: &str = "    first = torch.narrow({weight}, 1, 0, torch.size(states[0], 1))
    gates = torch.chunk(torch.conv2d(states[0], first, {bias}, [1, 1], [{padding}, {padding}], [1, 1], 1), 4, 1)
    cell = torch.mul(torch.sigmoid(gates[0]), torch.tanh(gates[3]))
    hidden = torch.mul(torch.sigmoid(gates[2]), torch.tanh(cell))
    shown = [{shown}]
    for step in range(1, torch.len(states)):
      both = torch.cat([states[step], hidden], 1)
      gates = torch.chunk(torch.conv2d(both, {weight}, {bias}, [1, 1], [{padding}, {padding}], [1, 1], 1), 4, 1)
      added = torch.mul(torch.sigmoid(gates[0]), torch.tanh(gates[3]))
      cell = torch.add(torch.mul(torch.sigmoid(gates[1]), cell), added)
      hidden = torch.mul(torch.sigmoid(gates[2]), torch.tanh(cell))
      {keep}
    states = shown
";

/// The network's code.
pub(super) fn code(architecture: &Architecture) -> Torchscript {
    let layers: String = (0..architecture.hidden.len()).map(|layer| of_layer(architecture, layer)).collect();
    let [weight, bias] = ["head.weight", "head.bias"].map(reach);
    let (padding, channels) = (HEAD_KERNEL / 2, architecture.sizes.channels);
    let head = format!("torch.conv2d(states[-1], {weight}, {bias}, [1, 1], [{padding}, {padding}], [1, 1], 1)");
    let body = format!(
        "    states = torch.unbind(frames, 1)\n{layers}    return torch.unflatten({head}, 1, [-1, {channels}])\n"
    );
    Torchscript { layout: architecture.layout(), body }
}

fn of_layer(architecture: &Architecture, layer: usize) -> String {
    let [weight, bias] = ["weight", "bias"].map(|part| reach(&format!("layers.{layer}.conv.{part}")));
    let shown = shown(architecture, layer);
    // The head sees only the last state of the last layer.
    let keep = match layer + 1 == architecture.hidden.len() {
        true => "shown = [hidden]".to_owned(),
        false => format!("_0 = torch.append(shown, {shown})"),
    };
    LAYER
        .replace("{keep}", &keep)
        .replace("{shown}", &shown)
        .replace("{weight}", &weight)
        .replace("{bias}", &bias)
        .replace("{padding}", &(architecture.kernel / 2).to_string())
}

/// What the next layer sees of a state.
fn shown(architecture: &Architecture, layer: usize) -> String {
    let [weight, bias] = ["weight", "bias"].map(|part| reach(&format!("{}.{part}", norm_name(layer))));
    match architecture.norm {
        _ if !architecture.normalises_after(layer) => "hidden".into(),
        Norm::Layer => format!("torch.layer_norm(hidden, torch.size({weight}), {weight}, {bias}, {EPSILON:e})"),
        Norm::Group => {
            let groups = groups(architecture.hidden[layer]);
            format!("torch.group_norm(hidden, {groups}, {weight}, {bias}, {EPSILON:e})")
        }
        Norm::None => "hidden".into(),
    }
}
