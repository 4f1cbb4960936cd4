//! PredRNN in PyTorch: the same arithmetic as [`super::bound`], with the names of weight files.

use super::Predrnn;
use crate::task::nowcast::model::{Python, Sizes, by_lead};

const ST_LSTM: &str = r#"class Cell(nn.Module):
    """A spatiotemporal LSTM: it has its own cell c, and the memory m goes up through all layers."""

    def __init__(self, inputs, memory, hidden):
        super().__init__()
        conv = lambda inputs, outputs: nn.Conv2d(inputs, outputs, {kernel}, padding={padding}, bias=False)
        self.x, self.h, self.m = conv(inputs, 7 * hidden), conv(hidden, 4 * hidden), conv(memory, 3 * hidden)
        self.o, self.last = conv(2 * hidden, hidden), nn.Conv2d(2 * hidden, hidden, 1, bias=False)

    def forward(self, x, h, c, m):
        ix, fx, gx, ix2, fx2, gx2, ox = self.x(x).chunk(7, 1)
        ih, fh, gh, oh = self.h(h).chunk(4, 1)
        im, fm, gm = self.m(m).chunk(3, 1)
        c = (fx + fh + 1).sigmoid() * c + (ix + ih).sigmoid() * (gx + gh).tanh()
        m = (fx2 + fm + 1).sigmoid() * m + (ix2 + im).sigmoid() * (gx2 + gm).tanh()
        both = torch.cat([c, m], 1)
        return (ox + oh + self.o(both)).sigmoid() * self.last(both).tanh(), c, m


"#;

const CAUSAL_LSTM: &str = r#"class Cell(nn.Module):
    """A causal LSTM: the memory m, which goes up through all layers, follows from the new cell c."""

    def __init__(self, inputs, memory, hidden):
        super().__init__()
        conv = lambda inputs, outputs: nn.Conv2d(inputs, outputs, {kernel}, padding={padding}, bias=False)
        self.x, self.h, self.m = conv(inputs, 7 * hidden), conv(hidden, 4 * hidden), conv(memory, 3 * hidden)
        self.c, self.c_new = conv(hidden, 3 * hidden), conv(hidden, 4 * hidden)
        self.o, self.last = conv(hidden, hidden), nn.Conv2d(2 * hidden, hidden, 1, bias=False)

    def forward(self, x, h, c, m):
        ix, fx, gx, ix2, fx2, gx2, ox = self.x(x).chunk(7, 1)
        ih, fh, gh, oh = self.h(h).chunk(4, 1)
        ic, fc, gc = self.c(c).chunk(3, 1)
        im, fm, mm = self.m(m).chunk(3, 1)
        c = (fx + fh + fc + 1).sigmoid() * c + (ix + ih + ic).sigmoid() * (gx + gh + gc).tanh()
        ic, gc, fc, oc = self.c_new(c).chunk(4, 1)
        m = (fx2 + fm + fc + 1).sigmoid() * mm.tanh() + (ix2 + im + ic).sigmoid() * (gx2 + gc).tanh()
        o = (ox + oh + oc + self.o(m)).tanh()
        return o * self.last(torch.cat([c, m], 1)).tanh(), c, m


class Highway(nn.Module):
    """What the second layer sees: a way for the gradient to frames long before."""

    def __init__(self, hidden):
        super().__init__()
        self.h, self.z = (nn.Conv2d(hidden, 2 * hidden, {kernel}, padding={padding}, bias=False) for _ in range(2))

    def forward(self, h, z):
        seen, share = (self.h(h) + self.z(z)).chunk(2, 1)
        share = share.sigmoid()
        return share * seen.tanh() + (1 - share) * z


"#;

const BODY: &str = "        rows, columns = frames.shape[3:]
        across, down = -columns % {patch}, -rows % {patch}
        seen = nn.functional.pad(frames.flatten(0, 1), (0, across, 0, down), mode=\"replicate\")
        seen = nn.functional.pixel_unshuffle(seen, {patch}).unflatten(0, frames.shape[:2]).unbind(1)
        zeros = lambda channels: seen[0].new_zeros(len(frames), channels, *seen[0].shape[2:])
        h, outputs = [zeros(channels) for channels in {hidden}], []
        c, m, z = list(h), h[-1], h[0]
        for step in range(len(seen) + {leads} - 1):
            image = seen[step] if step < len(seen) else following
            for layer, cell in enumerate(self.layers):
                h[layer], c[layer], m = cell(image, h[layer], c[layer], m)
                image = h[layer]
{highway}            if step + 1 >= len(seen):
                outputs.append(self.head(image))
                following = {following}
        output = nn.functional.pixel_shuffle(torch.stack(outputs, 1), {patch})
";

const HIGHWAY: &str = "                if layer == 0:
                    image = z = self.highway(image, z)
";

/// The code, with the sizes of this network.
pub(super) fn code(predrnn: &Predrnn) -> Python {
    let (kernel, hidden, channels) = (predrnn.config.kernel, predrnn.hidden(), predrnn.channels());
    let is_highway = predrnn.config.highway;
    let Sizes { leads, parts, .. } = predrnn.sizes;
    let layers = predrnn.cells().into_iter();
    let layers: String =
        layers.map(|cell| format!("            Cell({}, {}, {}),\n", cell.inputs, cell.memory, cell.hidden)).collect();
    let first = hidden.first().copied().unwrap_or(1);
    let highway = if is_highway { format!("        self.highway = Highway({first})\n") } else { String::new() };
    let last = hidden.last().copied().unwrap_or(1);
    let following = match parts {
        1 => "outputs[-1]".to_owned(),
        _ => format!("seen[-1] + outputs[-1][:, :{channels}]"),
    };
    let fields = [
        ("{patch}", predrnn.patch().to_string()),
        ("{hidden}", format!("{hidden:?}")),
        ("{leads}", leads.to_string()),
        ("{highway}", if is_highway { HIGHWAY.to_owned() } else { String::new() }),
        ("{following}", following),
    ];
    let body = fields.iter().fold(BODY.to_owned(), |code, (name, value)| code.replace(name, value));
    let body = if is_highway { body } else { body.replace("c, m, z = list(h), h[-1], h[0]", "c, m = list(h), h[-1]") };
    let classes = if is_highway { CAUSAL_LSTM } else { ST_LSTM };
    Python {
        title: if is_highway { "PredRNN++" } else { "PredRNN" }.into(),
        classes: classes.replace("{kernel}", &kernel.to_string()).replace("{padding}", &(kernel / 2).to_string()),
        parts: format!(
            "        self.layers = nn.ModuleList([\n{layers}        ])\n{highway}        self.head = nn.Conv2d({last}, {}, 1, \
             bias=False)\n",
            parts * channels
        ),
        body: body + &by_lead::python("output", &predrnn.sizes),
    }
}
