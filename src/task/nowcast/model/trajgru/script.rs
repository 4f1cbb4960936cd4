//! The trajectory GRU in TorchScript: the same arithmetic as [`super::bound`], for any number of samples and frames.

use super::TrajGru;
use super::cell::CellShape;
use super::conv::{ConvShape, SLOPE};
use crate::nn::export::modules::reach;
use crate::task::nowcast::model::{Forecaster, Torchscript};

/// `seen` holds the frames of all samples, those of one time after those of the other.
const BEGIN: &str = "samples = torch.size(frames, 0)
times = torch.size(frames, 1)
seen = torch.flatten(torch.transpose(frames, 0, 1), 0, 1)
";

const TERMS: &str = "flow_terms = torch.chunk({flow_input}, {steps}, 0)
terms = torch.chunk({input}, {steps}, 0)
";

/// What the input adds, and what there is without one.
const ADDED: [&str; 3] = [
    "flows = torch.add({flow_state}, flow_terms[step])",
    "gates = torch.chunk(terms[step], 3, 1)
  reset = torch.sigmoid(torch.add(gates[0], own[0]))
  update = torch.sigmoid(torch.add(gates[1], own[1]))",
    "torch.add(gates[2], torch.mul(reset, own[2]))",
];
const ALONE: [&str; 3] = [
    "flows = {flow_state}",
    "reset = torch.sigmoid(own[0])
  update = torch.sigmoid(own[1])",
    "torch.mul(reset, own[2])",
];

const CELL: &str = "rows = torch.size(state, 2)
columns = torch.size(state, 3)
own_x = torch.arange(columns, dtype=6, device=frames.device)
own_y = torch.unsqueeze(torch.arange(rows, dtype=6, device=frames.device), 1)
states = annotate(List[Tensor], [])
for step in range({steps}):
  {added_flows}
  flows = torch.leaky_relu(flows, {slope})
  flows = torch.unflatten({flows}, 1, [{links}, 2])
  x = torch.sub(own_x, torch.select(flows, 2, 0))
  y = torch.sub(own_y, torch.select(flows, 2, 1))
  across = torch.sub(torch.div(torch.add(torch.mul(x, 2.), 1.), columns), 1.)
  down = torch.sub(torch.div(torch.add(torch.mul(y, 2.), 1.), rows), 1.)
  places = torch.flatten(torch.stack([across, down], -1), 1, 2)
  moved = torch.unflatten(torch.grid_sampler(state, places, 0, 0, False), 2, [{links}, rows])
  moved = torch.flatten(torch.transpose(moved, 1, 2), 1, 2)
  own = torch.chunk({state}, 3, 1)
  {added_gates}
  new = torch.leaky_relu({added_new}, {slope})
  state = torch.add(new, torch.mul(update, torch.sub(state, new)))
  _0 = torch.append(states, state)
seen = torch.cat(states, 0)
";

const END: &str = "seen = torch.upsample_bilinear2d(seen, [torch.size(frames, 3), torch.size(frames, 4)], False, None)
seen = torch.leaky_relu({conv1}, {slope})
output = torch.unflatten(torch.unflatten({conv2}, 0, [{leads}, samples]), 2, [{parts}, {channels}])
return torch.flatten(torch.permute(output, [1, 2, 0, 3, 4, 5]), 1, 2)
";

/// The network's code.
pub(super) fn code(network: &TrajGru) -> Torchscript {
    let scales = 0..network.scales.len();
    let encoder = scales.clone().map(|index| {
        let (conv, cell) = network.encoder(index);
        let hidden = cell.hidden;
        let state = format!("torch.new_zeros(seen, [samples, {hidden}, torch.size(seen, 2), torch.size(seen, 3)])");
        let seen = format!("seen = torch.leaky_relu({}, {SLOPE})\nstate = {state}\n", called(&conv, "seen"));
        format!("{seen}{}last{index} = state\n", of_cell(&cell, "times"))
    });
    let forecaster = scales.rev().map(|index| {
        let (conv, cell) = network.forecaster(index);
        let size = format!("[torch.size(last{index}, 2), torch.size(last{index}, 3)]");
        let seen = conv.map(|conv| {
            let resized = format!("seen = torch.upsample_bilinear2d(seen, {size}, False, None)\n");
            format!("{resized}seen = torch.leaky_relu({}, {SLOPE})\n", called(&conv, "seen"))
        });
        let cell = of_cell(&cell, &network.sizes.leads.to_string());
        format!("{}state = last{index}\n{cell}", seen.unwrap_or_default())
    });
    let head = network.head().map(|conv| called(&conv, "seen"));
    let fields = [
        ("conv1", head[0].clone()),
        ("conv2", head[1].clone()),
        ("slope", SLOPE.to_string()),
        ("leads", network.sizes.leads.to_string()),
        ("parts", network.sizes.parts.to_string()),
        ("channels", network.sizes.channels.to_string()),
    ];
    let all = [BEGIN.to_owned(), encoder.collect(), forecaster.collect(), filled(END, &fields)].concat();
    Torchscript { layout: network.layout(), body: all.lines().map(|line| format!("    {line}\n")).collect() }
}

/// A cell's way from `state` through these steps: leaves the states in `seen` and the last one in `state`.
fn of_cell(cell: &CellShape, steps: &str) -> String {
    let convs = cell.convolutions();
    let call = |part: &str, argument: &str| {
        let name = format!("{}.{part}", cell.name);
        convs.iter().find(|conv| conv.name == name).map(|conv| called(conv, argument)).unwrap_or_default()
    };
    let ([flows, gates, new], terms) = match cell.inputs {
        Some(_) => (ADDED, TERMS),
        None => (ALONE, ""),
    };
    // What contains other names comes first.
    let fields = [
        ("added_flows", flows.to_owned()),
        ("added_gates", gates.to_owned()),
        ("added_new", new.to_owned()),
        ("flow_input", call("flow_input", "seen")),
        ("flow_state", call("flow_state", "state")),
        ("flows", call("flows", "flows")),
        ("input", call("input", "seen")),
        ("state", call("state", "moved")),
        ("links", cell.links.to_string()),
        ("slope", SLOPE.to_string()),
        ("steps", steps.to_owned()),
    ];
    filled(&format!("{terms}{CELL}"), &fields)
}

fn filled(code: &str, fields: &[(&str, String)]) -> String {
    fields.iter().fold(code.to_owned(), |code, (name, value)| code.replace(&format!("{{{name}}}"), value))
}

fn called(conv: &ConvShape, argument: &str) -> String {
    let [weight, bias] = ["weight", "bias"].map(|part| reach(&format!("{}.{part}", conv.name)));
    let (stride, padding) = (conv.stride, conv.kernel / 2);
    format!("torch.conv2d({argument}, {weight}, {bias}, [{stride}, {stride}], [{padding}, {padding}], [1, 1], 1)")
}
