//! The ConvLSTM in TorchScript: the same arithmetic in the same order as [`super::bound`], for any number of samples and frames.

use super::architecture::{Architecture, HEAD_KERNEL, norm_name};
use super::attention::{Part, attention_name};
use crate::nn::export::modules::reach;
use crate::nn::layer::norm::{EPSILON, groups};
use crate::task::nowcast::config::{Attention, Norm};
use crate::task::nowcast::model::Torchscript;

/// c = sig(f) c + sig(i) tanh(g), h = sig(o) tanh(c), with the gates in the order i, f, o, g. The state before the first frame is
/// zero, so that half of the weight is left out there.
const LAYER: &str = "    first = torch.narrow({weight}, 1, 0, torch.size(states[0], 1))
    gates = torch.chunk(torch.conv2d(states[0], first, {bias}, [1, 1], [{padding}, {padding}], [1, 1], 1), 4, 1)
    cell = torch.mul(torch.sigmoid(gates[0]), torch.tanh(gates[3]))
    hidden = torch.mul(torch.sigmoid(gates[2]), torch.tanh(cell))
{begin}{attend}    shown = [{shown}]
    for step in range(1, torch.len(states)):
      both = torch.cat([states[step], hidden], 1)
      gates = torch.chunk(torch.conv2d(both, {weight}, {bias}, [1, 1], [{padding}, {padding}], [1, 1], 1), 4, 1)
      added = torch.mul(torch.sigmoid(gates[0]), torch.tanh(gates[3]))
      cell = torch.add(torch.mul(torch.sigmoid(gates[1]), cell), added)
      hidden = torch.mul(torch.sigmoid(gates[2]), torch.tanh(cell))
{attend_in_loop}      {keep}
    states = shown
";

const CBAM: &str = "mean = {reduce torch.mean(hidden, [2, 3], True)}
most = {reduce torch.amax(hidden, [2, 3], True)}
mean = {expand torch.relu(mean)}
most = {expand torch.relu(most)}
hidden = torch.mul(hidden, torch.sigmoid(torch.add(mean, most)))
places = torch.cat([torch.mean(hidden, [1], True), torch.amax(hidden, [1], True)], 1)
hidden = torch.mul(hidden, torch.sigmoid({place places}))
";

const MEMORY: &str = "query = torch.transpose(torch.flatten({query hidden}, 2, 3), 1, 2)
weights = torch.softmax(torch.bmm(query, torch.flatten({key hidden}, 2, 3)), -1)
of_state = torch.bmm(torch.flatten({value hidden}, 2, 3), torch.transpose(weights, 1, 2))
weights = torch.softmax(torch.bmm(query, torch.flatten({memory_key memory}, 2, 3)), -1)
of_memory = torch.bmm(torch.flatten({memory_value memory}, 2, 3), torch.transpose(weights, 1, 2))
seen = torch.unflatten(torch.cat([of_state, of_memory], 1), 2, [torch.size(hidden, 2), torch.size(hidden, 3)])
mixed = torch.cat([{mix seen}, hidden], 1)
gates = torch.chunk({gates mixed}, 3, 1)
memory = torch.add(memory, torch.mul(torch.sigmoid(gates[0]), torch.sub(torch.tanh(gates[1]), memory)))
hidden = torch.mul(torch.sigmoid(gates[2]), memory)
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
    let attend = attend(architecture, layer);
    let indented = |spaces: usize| attend.lines().map(|line| format!("{:spaces$}{line}\n", "")).collect::<String>();
    let begin = match architecture.attention {
        Attention::Memory => "    memory = torch.zeros_like(hidden)\n",
        Attention::None | Attention::Cbam => "",
    };
    LAYER
        .replace("{begin}", begin)
        .replace("{attend}", &indented(4))
        .replace("{attend_in_loop}", &indented(6))
        .replace("{keep}", &keep)
        .replace("{shown}", &shown)
        .replace("{weight}", &weight)
        .replace("{bias}", &bias)
        .replace("{padding}", &(architecture.kernel / 2).to_string())
}

/// The lines that weigh a state.
fn attend(architecture: &Architecture, layer: usize) -> String {
    let code = match architecture.attention {
        Attention::None => "",
        Attention::Cbam => CBAM,
        Attention::Memory => MEMORY,
    };
    let parts = architecture.attention_parts(layer);
    // {part(value)} is the convolution of this name over a value.
    let with_part = |code: String, part: &Part| {
        let at = format!("{}.{}", attention_name(layer), part.name);
        let weight = reach(&format!("{at}.weight"));
        let bias = if part.has_bias { reach(&format!("{at}.bias")) } else { "None".into() };
        let padding = part.kernel / 2;
        let arguments = format!("{weight}, {bias}, [1, 1], [{padding}, {padding}], [1, 1], 1");
        code.lines().map(|line| with_calls(line, part.name, &arguments) + "\n").collect()
    };
    parts.iter().fold(code.to_owned(), with_part)
}

/// A line with each `{name value}` as a convolution of the value.
fn with_calls(line: &str, name: &str, arguments: &str) -> String {
    let opening = format!("{{{name} ");
    let mut pieces = line.split(&opening);
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |line, piece| {
        let (value, rest) = piece.split_once('}').unwrap_or((piece, ""));
        format!("{line}torch.conv2d({value}, {arguments}){rest}")
    })
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
