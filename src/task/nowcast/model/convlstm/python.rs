//! The ConvLSTM in PyTorch: the same arithmetic as [`super::bound`], with the names of weight files.

use super::architecture::Architecture;
use crate::nn::layer::norm::groups;
use crate::task::nowcast::config::{Norm, NowcastConfig};

const NETWORK: &str = r#"class Layer(nn.Module):
    """A recurrent layer: from the frames of a sequence to a state for each of them."""

    def __init__(self, channels, hidden, norm):
        super().__init__()
        self.hidden = hidden
        self.conv = nn.Conv2d(channels + hidden, 4 * hidden, {kernel}, padding={padding})
        if norm is not None:
            self.norm = norm

    def forward(self, frames):
        first = frames[0]
        hidden = cell = first.new_zeros(first.shape[0], self.hidden, *first.shape[2:])
        states = []
        for frame in frames:
            i, f, o, g = self.conv(torch.cat([frame, hidden], 1)).chunk(4, 1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            hidden = o.sigmoid() * cell.tanh()
            states.append(self.norm(hidden) if hasattr(self, "norm") else hidden)
        return states


class Network(nn.Module):
    """A ConvLSTM: {input_frames} frames in, {target_frames} frames out, both normalised to 0..1."""

    MIN_DBZ, MAX_DBZ = {min_dbz}, {max_dbz}

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
{layers}        ])
        self.head = nn.Conv2d({hidden}, {outputs}, 3, padding=1)

    def forward(self, frames):
        states = frames.unbind(1)
        for layer in self.layers:
            states = layer(states)
        return self.head(states[-1]).sigmoid().unflatten(1, ({target_frames}, {channels}))

    def to_dbz(self, normalised):
        return normalised * (self.MAX_DBZ - self.MIN_DBZ) + self.MIN_DBZ

    def from_dbz(self, values):
        share = (values - self.MIN_DBZ) / (self.MAX_DBZ - self.MIN_DBZ)
        return share.nan_to_num(0.0).clamp(0.0, 1.0)
"#;

/// The code, with the sizes of this network.
pub(super) fn code(architecture: &Architecture, config: &NowcastConfig) -> String {
    let (kernel, last) = (architecture.kernel, architecture.hidden.last().copied().unwrap_or(architecture.channels));
    let numbers = [
        ("kernel", kernel.to_string()),
        ("padding", (kernel / 2).to_string()),
        ("input_frames", config.windows.input_frames.to_string()),
        ("target_frames", architecture.target_frames.to_string()),
        ("hidden", last.to_string()),
        ("outputs", (architecture.target_frames * architecture.channels).to_string()),
        ("channels", architecture.channels.to_string()),
        ("min_dbz", format!("{:?}", config.prepare.min)),
        ("max_dbz", format!("{:?}", config.prepare.max)),
        ("layers", (0..architecture.hidden.len()).map(|layer| constructed(architecture, layer)).collect()),
    ];
    numbers.iter().fold(NETWORK.to_owned(), |code, (name, value)| code.replace(&format!("{{{name}}}"), value))
}

/// The line that makes a layer.
fn constructed(architecture: &Architecture, layer: usize) -> String {
    let (inputs, [hidden, rows, columns]) = (architecture.inputs(layer), architecture.state(layer));
    let norm = match architecture.norm {
        _ if !architecture.normalises_after(layer) => "None".to_owned(),
        Norm::Layer => format!("nn.LayerNorm([{hidden}, {rows}, {columns}])"),
        Norm::Group => format!("nn.GroupNorm({}, {hidden})", groups(hidden)),
        Norm::None => "None".to_owned(),
    };
    format!("            Layer({inputs}, {hidden}, {norm}),\n")
}
