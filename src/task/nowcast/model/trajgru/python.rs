//! The trajectory GRU in PyTorch: the same arithmetic as [`super::bound`], with the names of weight files.

use super::TrajGru;
use super::cell::{CellShape, FLOW_CHANNELS, FLOW_KERNEL, INPUT_KERNEL};
use super::conv::{ConvShape, SLOPE};
use crate::task::nowcast::model::Python;

const CLASSES: &str = r#"def leaky(image):
    return nn.functional.leaky_relu(image, {slope})


class Cell(nn.Module):
    """A gated recurrent unit whose state is looked up at as many places as it has links."""

    def __init__(self, inputs, hidden, links):
        super().__init__()
        self.hidden, self.links = hidden, links
        if inputs is not None:
            self.flow_input = nn.Conv2d(inputs, {flow}, {flow_kernel}, padding={flow_padding})
            self.input = nn.Conv2d(inputs, 3 * hidden, {kernel}, padding={padding})
        self.flow_state = nn.Conv2d(hidden, {flow}, {flow_kernel}, padding={flow_padding})
        self.flows = nn.Conv2d({flow}, 2 * links, {flow_kernel}, padding={flow_padding})
        self.state = nn.Conv2d(links * hidden, 3 * hidden, 1)

    def moved(self, state, flows):
        """The state at p - (u, v) for each link, and 0 outside, as channels."""
        rows, columns = state.shape[2:]
        x = torch.arange(columns).to(state) - flows[:, 0::2]
        y = torch.arange(rows).to(state)[:, None] - flows[:, 1::2]
        places = torch.stack([(2 * x + 1) / columns - 1, (2 * y + 1) / rows - 1], -1).flatten(1, 2)
        found = nn.functional.grid_sample(state, places, align_corners=False)
        return found.unflatten(2, (self.links, rows)).transpose(1, 2).flatten(1, 2)

    def forward(self, state, image=None):
        flows = self.flow_state(state)
        if image is not None:
            flows = flows + self.flow_input(image)
        r, u, n = self.state(self.moved(state, self.flows(leaky(flows)))).chunk(3, 1)
        br, bu, bn = (0, 0, 0) if image is None else self.input(image).chunk(3, 1)
        r, u = (br + r).sigmoid(), (bu + u).sigmoid()
        n = leaky(bn + r * n)
        return u * state + (1 - u) * n


class Scale(nn.Module):
    """A cell, and the convolution in front of it."""

    def __init__(self, conv, cell):
        super().__init__()
        self.cell = cell
        if conv is not None:
            self.conv = conv


"#;

const BODY: &str = "        images, last = frames.unbind(1), []
        for scale in self.encoder:
            images = [leaky(scale.conv(image)) for image in images]
            state = images[0].new_zeros(images[0].shape[0], scale.cell.hidden, *images[0].shape[2:])
            for step, image in enumerate(images):
                images[step] = state = scale.cell(state, image)
            last.append(state)
        outputs = []
        for _ in range({leads}):
            finer = None
            for index in reversed(range(len(last))):
                scale = self.forecaster[index]
                if finer is not None:
                    finer = leaky(scale.conv(resized(finer, last[index].shape[2:])))
                finer = last[index] = scale.cell(last[index], finer)
            outputs.append(self.head(resized(finer, frames.shape[3:])))
        # All leads of the first part come first.
        return torch.stack(outputs, 1).unflatten(2, (-1, {channels})).transpose(1, 2).flatten(1, 2)
";

const HEAD: &str = r#"def resized(image, size):
    return nn.functional.interpolate(image, size, mode="bilinear")


class Head(nn.Module):
    """From the finest state to the output for one lead time."""

    def __init__(self, conv1, conv2):
        super().__init__()
        self.conv1, self.conv2 = conv1, conv2

    def forward(self, image):
        return self.conv2(leaky(self.conv1(image)))


"#;

/// The code, with the sizes of this network.
pub(super) fn code(network: &TrajGru) -> Python {
    let scales = 0..network.scales.len();
    let encoder = scales.clone().map(|index| {
        let (conv, cell) = network.encoder(index);
        scale(Some(&conv), &cell)
    });
    let forecaster = scales.map(|index| {
        let (conv, cell) = network.forecaster(index);
        scale(conv.as_ref(), &cell)
    });
    let head = network.head().map(|conv| constructed(&conv));
    let parts = [
        format!("        self.encoder = nn.ModuleList([\n{}        ])\n", encoder.collect::<String>()),
        format!("        self.forecaster = nn.ModuleList([\n{}        ])\n", forecaster.collect::<String>()),
        format!("        self.head = Head({})\n", head.join(", ")),
    ];
    let fields = [
        ("slope", format!("{SLOPE}")),
        ("flow", FLOW_CHANNELS.to_string()),
        ("flow_kernel", FLOW_KERNEL.to_string()),
        ("flow_padding", (FLOW_KERNEL / 2).to_string()),
        ("kernel", INPUT_KERNEL.to_string()),
        ("padding", (INPUT_KERNEL / 2).to_string()),
        ("leads", network.sizes.leads.to_string()),
        ("channels", network.sizes.channels.to_string()),
    ];
    let filled =
        |code: String| fields.iter().fold(code, |code, (name, value)| code.replace(&format!("{{{name}}}"), value));
    Python {
        title: "A trajectory GRU".into(),
        classes: filled(format!("{CLASSES}{HEAD}")),
        parts: parts.concat(),
        body: filled(BODY.to_owned()),
    }
}

/// The line that makes a scale.
fn scale(conv: Option<&ConvShape>, cell: &CellShape) -> String {
    let conv = conv.map_or("None".to_owned(), constructed);
    let inputs = cell.inputs.map_or("None".to_owned(), |inputs| inputs.to_string());
    format!("            Scale({conv}, Cell({inputs}, {}, {})),\n", cell.hidden, cell.links)
}

fn constructed(conv: &ConvShape) -> String {
    let ConvShape { inputs, outputs, kernel, stride, .. } = conv;
    let stride = if *stride == 1 { String::new() } else { format!(", stride={stride}") };
    format!("nn.Conv2d({inputs}, {outputs}, {kernel}{stride}, padding={})", kernel / 2)
}
