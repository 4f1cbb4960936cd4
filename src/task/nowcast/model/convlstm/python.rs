//! The ConvLSTM in PyTorch: the same arithmetic as [`super::bound`], with the names of weight files.

use super::architecture::Architecture;
use crate::nn::layer::norm::groups;
use crate::task::nowcast::config::Norm;
use crate::task::nowcast::model::Python;

const LAYER: &str = r#"class Layer(nn.Module):
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


"#;

const BODY: &str = "        states = frames.unbind(1)
        for layer in self.layers:
            states = layer(states)
        return self.head(states[-1]).unflatten(1, (-1, {channels}))
";

/// The code, with the sizes of this network.
pub(super) fn code(architecture: &Architecture) -> Python {
    let (kernel, channels) = (architecture.kernel, architecture.sizes.channels);
    let last = architecture.hidden.last().copied().unwrap_or(channels);
    let layers: String = (0..architecture.hidden.len()).map(|layer| constructed(architecture, layer)).collect();
    let outputs = architecture.sizes.outputs();
    Python {
        title: "A ConvLSTM".into(),
        classes: LAYER.replace("{kernel}", &kernel.to_string()).replace("{padding}", &(kernel / 2).to_string()),
        parts: format!(
            "        self.layers = nn.ModuleList([\n{layers}        ])\n        self.head = nn.Conv2d({last}, {outputs}, 3, padding=1)\n"
        ),
        body: BODY.replace("{channels}", &channels.to_string()),
    }
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
