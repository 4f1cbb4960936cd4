//! The ConvLSTM in PyTorch: the same arithmetic as [`super::bound`], with the names of weight files.

use super::architecture::Architecture;
use super::attention::{PLACE_KERNEL, REDUCTION};
use crate::nn::layer::norm::groups;
use crate::task::nowcast::config::{Attention, Norm};
use crate::task::nowcast::model::Python;

const LAYER: &str = r#"class Layer(nn.Module):
    """A recurrent layer: from the frames of a sequence to a state for each of them."""

    def __init__(self, channels, hidden, norm):
        super().__init__()
        self.hidden = hidden
        self.conv = nn.Conv2d(channels + hidden, 4 * hidden, {kernel}, padding={padding})
{attention}        if norm is not None:
            self.norm = norm

    def forward(self, frames):
        first = frames[0]
        hidden = cell = first.new_zeros(first.shape[0], self.hidden, *first.shape[2:])
{memory}        states = []
        for frame in frames:
            i, f, o, g = self.conv(torch.cat([frame, hidden], 1)).chunk(4, 1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            hidden = o.sigmoid() * cell.tanh()
{attend}            states.append(self.norm(hidden) if hasattr(self, "norm") else hidden)
        return states


"#;

const CBAM: &str = r#"class Attention(nn.Module):
    """A weight for each channel of a state, then one for each cell (Woo et al. 2018)."""

    def __init__(self, hidden):
        super().__init__()
        reduced = max(hidden // {reduction}, 1)
        self.reduce, self.expand = nn.Conv2d(hidden, reduced, 1), nn.Conv2d(reduced, hidden, 1)
        self.place = nn.Conv2d(2, 1, {place}, padding={place_padding}, bias=False)

    def forward(self, hidden):
        pooled = hidden.mean((2, 3), keepdim=True), hidden.amax((2, 3), keepdim=True)
        hidden = hidden * sum(self.expand(self.reduce(one).relu()) for one in pooled).sigmoid()
        pooled = hidden.mean(1, keepdim=True), hidden.amax(1, keepdim=True)
        return hidden * self.place(torch.cat(pooled, 1)).sigmoid()


"#;

const MEMORY: &str = r#"class Attention(nn.Module):
    """A memory as large as a state, in which every cell looks at every other (Lin et al. 2020)."""

    def __init__(self, hidden):
        super().__init__()
        shared = max(hidden // 2, 1)
        self.query, self.key = nn.Conv2d(hidden, shared, 1), nn.Conv2d(hidden, shared, 1, bias=False)
        self.value, self.memory_value = nn.Conv2d(hidden, hidden, 1), nn.Conv2d(hidden, hidden, 1)
        self.memory_key = nn.Conv2d(hidden, shared, 1, bias=False)
        self.mix, self.gates = nn.Conv2d(2 * hidden, hidden, 1), nn.Conv2d(2 * hidden, 3 * hidden, 1)

    def forward(self, hidden, memory):
        def seen(key, value, image):
            weights = self.query(hidden).flatten(2).transpose(1, 2) @ key(image).flatten(2)
            return (value(image).flatten(2) @ weights.softmax(-1).transpose(1, 2)).view(hidden.shape)

        of_state = seen(self.key, self.value, hidden)
        of_memory = seen(self.memory_key, self.memory_value, memory)
        mixed = self.mix(torch.cat([of_state, of_memory], 1))
        i, g, o = self.gates(torch.cat([mixed, hidden], 1)).chunk(3, 1)
        memory = (1 - i.sigmoid()) * memory + i.sigmoid() * g.tanh()
        return o.sigmoid() * memory, memory


"#;

const BODY: &str = "        states = frames.unbind(1)
        for layer in self.layers:
            states = layer(states)
        return self.head(states[-1]).unflatten(1, (-1, {channels}))
";

/// The code, with the sizes of this network.
pub(super) fn code(architecture: &Architecture) -> Python {
    let channels = architecture.sizes.channels;
    let last = architecture.hidden.last().copied().unwrap_or(channels);
    let layers: String = (0..architecture.hidden.len()).map(|layer| constructed(architecture, layer)).collect();
    let outputs = architecture.sizes.outputs();
    Python {
        title: "A ConvLSTM".into(),
        classes: classes(architecture),
        parts: format!(
            "        self.layers = nn.ModuleList([\n{layers}        ])\n        self.head = nn.Conv2d({last}, {outputs}, 3, padding=1)\n"
        ),
        body: BODY.replace("{channels}", &channels.to_string()),
    }
}

fn classes(architecture: &Architecture) -> String {
    let [own, memory, attend] = match architecture.attention {
        Attention::None => ["", "", ""],
        Attention::Cbam => [CBAM, "", "            hidden = self.attention(hidden)\n"],
        Attention::Memory => [
            MEMORY,
            "        memory = torch.zeros_like(hidden)\n",
            "            hidden, memory = self.attention(hidden, memory)\n",
        ],
    };
    let made = if own.is_empty() { "" } else { "        self.attention = Attention(hidden)\n" };
    let kernel = architecture.kernel;
    let fields = [
        ("attention", made.to_owned()),
        ("memory", memory.to_owned()),
        ("attend", attend.to_owned()),
        ("kernel", kernel.to_string()),
        ("padding", (kernel / 2).to_string()),
        ("reduction", REDUCTION.to_string()),
        ("place", PLACE_KERNEL.to_string()),
        ("place_padding", (PLACE_KERNEL / 2).to_string()),
    ];
    let code = format!("{own}{LAYER}");
    fields.iter().fold(code, |code, (name, value)| code.replace(&format!("{{{name}}}"), value))
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
