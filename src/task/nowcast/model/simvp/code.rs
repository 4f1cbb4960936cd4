//! SimVP in PyTorch and in TorchScript: the same arithmetic as [`super::bound`], with the names of weight files.

use super::{Block, SAMPLING_GROUPS, Sampling, Simvp};
use crate::nn::export::modules::reach;
use crate::nn::layer::norm::EPSILON;
use crate::task::nowcast::config::SimvpConfig;
use crate::task::nowcast::model::{Forecaster, Python, Sizes, Torchscript, by_lead, fill};

const CLASSES: &str = r#"class Sampling(nn.Module):
    """A convolution that keeps, halves or doubles rows and columns."""

    def __init__(self, inputs, outputs, stride=1, doubles=False):
        super().__init__()
        self.doubles = doubles
        self.conv = nn.Conv2d(inputs, 4 * outputs if doubles else outputs, 3, stride, padding=1)
        self.norm = nn.GroupNorm(2, outputs)

    def forward(self, image):
        image = self.conv(image)
        return nn.functional.silu(self.norm(nn.functional.pixel_shuffle(image, 2) if self.doubles else image))


class Attention(nn.Module):
    """A gate that sees many cells around each, in two convolutions of each channel by itself."""

    def __init__(self, channels):
        super().__init__()
        self.proj1 = nn.Conv2d(channels, channels, 1)
        self.near = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.far = nn.Conv2d(channels, channels, 7, padding=9, dilation=3, groups=channels)
        self.gate = nn.Conv2d(channels, 2 * channels, 1)
        self.proj2 = nn.Conv2d(channels, channels, 1)

    def forward(self, image):
        seen, gate = self.gate(self.far(self.near(nn.functional.gelu(self.proj1(image))))).chunk(2, 1)
        return self.proj2(seen * gate.sigmoid()) + image


class Mlp(nn.Module):
    """Two convolutions of single cells with one between them that sees their neighbours."""

    def __init__(self, channels, expanded):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, expanded, 1)
        self.near = nn.Conv2d(expanded, expanded, 3, padding=1, groups=expanded)
        self.conv2 = nn.Conv2d(expanded, channels, 1)

    def forward(self, image):
        return self.conv2(nn.functional.gelu(self.near(self.conv1(image))))


class Block(nn.Module):
    """Attention and convolutions of single cells, each added to the image, over all frames as channels."""

    def __init__(self, channels, outputs=None):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(1, channels), nn.GroupNorm(1, channels)
        self.attention, self.mlp = Attention(channels), Mlp(channels, {expansion} * channels)
        self.scale1, self.scale2 = (nn.Parameter(torch.full((channels,), 0.01)) for _ in range(2))
        if outputs is not None:
            self.change = nn.Conv2d(channels, outputs, 1)

    def forward(self, image):
        image = image + self.scale1[:, None, None] * self.attention(self.norm1(image))
        image = image + self.scale2[:, None, None] * self.mlp(self.norm2(image))
        return self.change(image) if hasattr(self, "change") else image


"#;

const BODY: &str = "        samples, times, _, rows, columns = frames.shape
        across, down = -columns % {divisor}, -rows % {divisor}
        image = nn.functional.pad(frames.flatten(0, 1), (0, across, 0, down), mode=\"replicate\")
        image = first = self.encoder[0](image)
        for layer in self.encoder[1:]:
            image = layer(image)
        image = image.unflatten(0, (samples, times)).flatten(1, 2)
        for block in self.blocks:
            image = block(image)
        image = image.unflatten(1, ({leads}, -1)).flatten(0, 1)
        for layer in self.decoder[:-1]:
            image = layer(image)
        beside = first.unflatten(0, (samples, times))[:, {beside}].flatten(0, 1)
        image = self.head(self.decoder[-1](image + beside)).unflatten(0, (samples, {leads}))
";

/// The code in PyTorch.
pub(super) fn python(simvp: &Simvp) -> Python {
    let Sizes { channels, leads, parts, .. } = simvp.sizes;
    let SimvpConfig { width, halvings, expansion, .. } = simvp.config;
    let list = |name: &str, lines: Vec<String>| {
        let lines: String = lines.iter().map(|line| format!("            {line},\n")).collect();
        format!("        self.{name} = nn.ModuleList([\n{lines}        ])\n")
    };
    let encoder = (0..2 * halvings).map(|index| match index {
        0 => format!("Sampling({channels}, {width})"),
        _ if index % 2 == 1 => format!("Sampling({width}, {width}, stride=2)"),
        _ => format!("Sampling({width}, {width})"),
    });
    let block = |block: &Block| match block.change {
        Some(outputs) => format!("Block({}, {outputs})", block.channels),
        None => format!("Block({})", block.channels),
    };
    let decoder = (0..2 * halvings).map(|index| match index % 2 {
        0 => format!("Sampling({width}, {width}, doubles=True)"),
        _ => format!("Sampling({width}, {width})"),
    });
    let parts = [
        list("encoder", encoder.collect()),
        list("blocks", simvp.blocks().iter().map(block).collect()),
        list("decoder", decoder.collect()),
        format!("        self.head = nn.Conv2d({width}, {}, 1)\n", parts * channels),
    ];
    let (start, more) = simvp.beside();
    let last = simvp.sizes.frames - 1;
    let beside: Vec<i64> = (start..=last).chain((0..more).map(|_| last)).collect();
    let fields = [
        ("{divisor}", simvp.divisor().to_string()),
        ("{leads}", leads.to_string()),
        ("{beside}", format!("{beside:?}")),
    ];
    let body = fields.iter().fold(BODY.to_owned(), |code, (name, value)| code.replace(name, value));
    Python {
        title: "SimVP".into(),
        classes: CLASSES.replace("{expansion}", &expansion.to_string()),
        parts: parts.concat(),
        body: body + &by_lead::python("image", &simvp.sizes),
    }
}

/// The code in TorchScript.
pub(super) fn script(simvp: &Simvp) -> Torchscript {
    let Sizes { frames, leads, .. } = simvp.sizes;
    let together = "[torch.size(frames, 0), torch.size(frames, 1)]";
    let mut lines = vec![format!("image = {}", fill::script("torch.flatten(frames, 0, 1)", simvp.divisor()))];
    for (index, layer) in simvp.encoder().iter().enumerate() {
        lines.extend(of_sampling(layer));
        if index == 0 {
            lines.push("first = image".to_owned());
        }
    }
    lines.push(format!("image = torch.flatten(torch.unflatten(image, 0, {together}), 1, 2)"));
    lines.extend(simvp.blocks().iter().flat_map(of_block));
    lines.push(format!("image = torch.flatten(torch.unflatten(image, 1, [{leads}, -1]), 0, 1)"));
    let (start, more) = simvp.beside();
    let decoder = simvp.decoder();
    for (index, layer) in decoder.iter().enumerate() {
        if index + 1 == decoder.len() {
            lines.push(format!("first = torch.slice(torch.unflatten(first, 0, {together}), 1, {start}, {frames})"));
            lines.push(format!("more = torch.repeat(torch.slice(first, 1, -1), [1, {more}, 1, 1, 1])"));
            lines.push("image = torch.add(image, torch.flatten(torch.cat([first, more], 1), 0, 1))".to_owned());
        }
        lines.extend(of_sampling(layer));
    }
    let head = simvp.head().script("image");
    lines.push(format!("image = torch.unflatten({head}, 0, [torch.size(frames, 0), {leads}])"));
    lines.extend(by_lead::script("image", &simvp.sizes));
    let body = lines.into_iter().map(|line| format!("    {line}\n")).collect();
    Torchscript { layout: simvp.layout(), body }
}

fn of_sampling(layer: &Sampling) -> Vec<String> {
    let shuffle = layer.doubles.then(|| "image = torch.pixel_shuffle(image, 2)".to_owned());
    let norm = format!("image = torch.silu({})", norm("image", &layer.norm, SAMPLING_GROUPS));
    std::iter::once(format!("image = {}", layer.conv.script("image"))).chain(shuffle).chain([norm]).collect()
}

fn of_block(block: &Block) -> Vec<String> {
    let ([proj1, near, far, gate, proj2], [conv1, mixing, conv2]) = (block.attention(), block.mlp());
    let added = |number: usize, value: &str| {
        let scale = reach(&block.scale(number).name);
        format!("image = torch.add(image, torch.mul(torch.view({scale}, [-1, 1, 1]), {value}))")
    };
    let mut lines = vec![
        format!("normed = {}", norm("image", &block.norm(1), 1)),
        format!("seen = torch.gelu({})", proj1.script("normed")),
        format!("seen = {}", near.script("seen")),
        format!("seen = {}", far.script("seen")),
        format!("gates = torch.chunk({}, 2, 1)", gate.script("seen")),
        "seen = torch.mul(gates[0], torch.sigmoid(gates[1]))".to_owned(),
        added(1, &format!("torch.add({}, normed)", proj2.script("seen"))),
        format!("seen = {}", conv1.script(&norm("image", &block.norm(2), 1))),
        format!("seen = torch.gelu({})", mixing.script("seen")),
        added(2, &conv2.script("seen")),
    ];
    lines.extend(block.change().map(|change| format!("image = {}", change.script("image"))));
    lines
}

fn norm(image: &str, name: &str, groups: i64) -> String {
    let [weight, bias] = ["weight", "bias"].map(|part| reach(&format!("{name}.{part}")));
    format!("torch.group_norm({image}, {groups}, {weight}, {bias}, {EPSILON:e})")
}
