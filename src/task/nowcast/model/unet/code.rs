//! The U-Net in PyTorch and in TorchScript: the same arithmetic as [`super::bound`], with the names of weight files.

use super::{Block, Unet};
use crate::nn::export::modules::reach;
use crate::nn::layer::norm::{EPSILON, groups};
use crate::task::nowcast::config::UnetNorm;
use crate::task::nowcast::model::convolution::Convolution;
use crate::task::nowcast::model::{Forecaster, Python, Torchscript, fill};

const CLASSES: &str = r#"class Block(nn.Module):
    """Two convolutions, each followed by SiLU."""

    def __init__(self, inputs, outputs{groups}):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
{norm1}        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
{norm2}
    def forward(self, image):
        image = nn.functional.silu({first})
        return nn.functional.silu({second})


"#;

const BODY: &str = "        rows, columns = frames.shape[3:]
        across, down = -columns % {divisor}, -rows % {divisor}
        image = nn.functional.pad(frames.flatten(1, 2), (0, across, 0, down), mode=\"replicate\")
        seen = []
        for level, block in enumerate(self.down):
            image = block(nn.functional.avg_pool2d(image, 2) if level else image)
            seen.append(image)
        for level, block in reversed(list(enumerate(self.up))):
            finer = nn.functional.interpolate(image, seen[level].shape[2:], mode=\"bilinear\")
            image = block(torch.cat([finer, seen[level]], 1))
        return self.head(image)[:, :, :rows, :columns].unflatten(1, (-1, {channels}))
";

/// The code in PyTorch.
pub(super) fn python(unet: &Unet) -> Python {
    let is_normed = unet.norm == UnetNorm::Group;
    let line = |number| match is_normed {
        true => format!("        self.norm{number} = nn.GroupNorm(groups, outputs)\n"),
        false => String::new(),
    };
    let applied = |number: usize| match is_normed {
        true => format!("self.norm{number}(self.conv{number}(image))"),
        false => format!("self.conv{number}(image)"),
    };
    let made = |blocks: &[Block]| {
        let block = |&Block { inputs, outputs, .. }: &Block| match is_normed {
            true => format!("            Block({inputs}, {outputs}, {}),\n", groups(outputs)),
            false => format!("            Block({inputs}, {outputs}),\n"),
        };
        format!("nn.ModuleList([\n{}        ])", blocks.iter().map(block).collect::<String>())
    };
    let up: Vec<Block> = unet.up().into_iter().rev().collect();
    let (finest, outputs) = (unet.finest(), unet.sizes.outputs());
    let parts = [
        format!("        self.down = {}\n", made(&unet.down())),
        format!("        self.up = {}\n", made(&up)),
        format!("        self.head = nn.Conv2d({finest}, {outputs}, 3, padding=1)\n"),
    ];
    let body = BODY.replace("{divisor}", &unet.divisor().to_string());
    Python {
        title: "A U-Net".into(),
        classes: [
            ("groups", if is_normed { ", groups".to_owned() } else { String::new() }),
            ("norm1", line(1)),
            ("norm2", line(2)),
            ("first", applied(1)),
            ("second", applied(2)),
        ]
        .iter()
        .fold(CLASSES.to_owned(), |code, (name, value)| code.replace(&format!("{{{name}}}"), value)),
        parts: parts.concat(),
        body: body.replace("{channels}", &unet.sizes.channels.to_string()),
    }
}

/// The code in TorchScript.
pub(super) fn script(unet: &Unet) -> Torchscript {
    let mut lines = vec![
        "image = torch.flatten(frames, 1, 2)".to_owned(),
        format!("image = {}", fill::script("image", unet.divisor())),
    ];
    for (level, block) in unet.down().iter().enumerate() {
        if level > 0 {
            lines.push("image = torch.avg_pool2d(image, [2, 2], [2, 2], [0, 0], False, True, None)".to_owned());
        }
        lines.extend(of_block(block, unet.norm));
        lines.push(format!("seen{level} = image"));
    }
    for (level, block) in (0..unet.up().len()).rev().zip(unet.up()) {
        let size = format!("[torch.size(seen{level}, 2), torch.size(seen{level}, 3)]");
        lines.push(format!("finer = torch.upsample_bilinear2d(image, {size}, False, None)"));
        lines.push(format!("image = torch.cat([finer, seen{level}], 1)"));
        lines.extend(of_block(&block, unet.norm));
    }
    let cut = "torch.slice(torch.slice(image, 2, 0, torch.size(frames, 3)), 3, 0, torch.size(frames, 4))";
    lines.push(format!("image = {}", unet.head().script("image")));
    lines.push(format!("return torch.unflatten({cut}, 1, [-1, {}])", unet.sizes.channels));
    let body = lines.into_iter().map(|line| format!("    {line}\n")).collect();
    Torchscript { layout: unet.layout(), body }
}

fn of_block(block: &Block, norm: UnetNorm) -> Vec<String> {
    let of_conv = |(number, conv): (usize, Convolution)| {
        let conv = format!("image = {}", conv.script("image"));
        let norm = (norm == UnetNorm::Group).then(|| {
            let [weight, bias] = ["weight", "bias"].map(|part| reach(&format!("{}.{part}", block.norm(number))));
            format!("image = torch.group_norm(image, {}, {weight}, {bias}, {EPSILON:e})", groups(block.outputs))
        });
        std::iter::once(conv).chain(norm).chain(std::iter::once("image = torch.silu(image)".to_owned()))
    };
    (1..).zip(block.convolutions()).flat_map(of_conv).collect()
}
