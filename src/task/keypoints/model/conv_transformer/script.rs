//! The network in TorchScript: the same arithmetic as [`super::bound`], with padding that no real frame sees.

use super::ConvTransformer;
use super::attention::Attention;
use super::convolution::{Convolution, NEIGHBOURS};
use crate::nn::export::modules::reach;
use crate::nn::network::Network;
use crate::task::keypoints::model::script::{Torchscript, layer_norm, linear};

const CONVOLUTION: &str = "    seen = torch.mul(torch.silu({expand}), real)
    seen = torch.constant_pad_nd(torch.transpose(seen, 1, 2), [{before}, {behind}], 0)
    seen = torch.transpose(torch.conv1d(seen, {depthwise}, None, [1], [0], [1], {channels}), 1, 2)
    seen = torch.mul({norm}, real)
    means = torch.div(torch.sum(seen, [1]), torch.sum(real, [1]))
    weights = torch.sigmoid(torch.conv1d(torch.unsqueeze(means, 1), {attention}, None, [1], [{around}], [1], 1))
    seen = torch.mul(seen, weights)
    frames = torch.add(frames, {project})
";

const ATTENTION: &str = "    parts = torch.unflatten(torch.linear({norm1}, {qkv}, None), 2, [3, {heads}, -1])
    parts = torch.permute(parts, [2, 0, 3, 1, 4])
    queries = torch.mul(torch.select(parts, 0, 0), {scale})
    fits = torch.matmul(queries, torch.transpose(torch.select(parts, 0, 1), 2, 3))
    fits = torch.masked_fill(fits, padding, -3.0e+38)
    seen = torch.matmul(torch.softmax(fits, -1), torch.select(parts, 0, 2))
    seen = torch.flatten(torch.transpose(seen, 1, 2), 2, 3)
    frames = torch.add(frames, {project})
    seen = torch.silu({expand})
    frames = torch.add(frames, {contract})
";

/// The network's code.
pub fn code(network: &ConvTransformer) -> Torchscript {
    let mut body = "    padding = torch.unsqueeze(torch.transpose(torch.logical_not(real), 1, 2), 1)\n".to_owned();
    let stem = layer_norm(&linear("torch.cat(streams, 2)", "encoder.stem.0"), "encoder.stem.1");
    body += &format!("    frames = {stem}\n");
    for block in 0..network.config.blocks {
        body += &network.convolutions(block).iter().map(convolution).collect::<String>();
        body += &attention(&network.attention(block));
    }
    body += &format!("    return {}\n", layer_norm(&linear("frames", "encoder.top.0"), "encoder.top.1"));
    Torchscript { layout: network.layout(), body, pooling: network.config.pooling }
}

fn convolution(convolution: &Convolution) -> String {
    let name = |part: &str| format!("{}.{part}", convolution.name);
    let [before, behind] = convolution.border();
    let parts = [
        ("{expand}", linear("frames", &name("expand"))),
        ("{before}", before.to_string()),
        ("{behind}", behind.to_string()),
        ("{depthwise}", reach(&name("depthwise.weight"))),
        ("{channels}", convolution.channels.to_string()),
        ("{norm}", layer_norm("seen", &name("norm"))),
        ("{attention}", reach(&name("attention.weight"))),
        ("{around}", (NEIGHBOURS / 2).to_string()),
        ("{project}", linear("seen", &name("project"))),
    ];
    parts.iter().fold(CONVOLUTION.to_owned(), |code, (name, text)| code.replace(name, text))
}

fn attention(attention: &Attention) -> String {
    let name = |part: &str| format!("{}.{part}", attention.name);
    let size = (attention.width / attention.heads) as f64;
    let parts = [
        ("{norm1}", layer_norm("frames", &name("norm1"))),
        ("{qkv}", reach(&name("qkv.weight"))),
        ("{heads}", attention.heads.to_string()),
        ("{scale}", format!("{:?}", 1.0 / size.sqrt())),
        ("{project}", linear("seen", &name("project"))),
        ("{expand}", linear(&layer_norm("frames", &name("norm2")), &name("expand"))),
        ("{contract}", linear("seen", &name("contract"))),
    ];
    parts.iter().fold(ATTENTION.to_owned(), |code, (name, text)| code.replace(name, text))
}
