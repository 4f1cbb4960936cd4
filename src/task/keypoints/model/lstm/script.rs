//! The network in TorchScript: the same arithmetic as [`super::bound`].

use super::recurrent::Recurrent;
use super::{Lstm, branch};
use crate::nn::export::modules::reach;
use crate::nn::network::Network;
use crate::task::keypoints::model::script::{Torchscript, layer_norm, linear};
use crate::task::keypoints::model::sizes::Stream;

/// Trained further on a GPU, it needs what cuDNN keeps only in training; nothing is dropped then either.
const RECURRENT: &str = "    zero = torch.zeros([{layers}, torch.size(x, 0), {hidden}], dtype=6, layout=None, device=x.device, pin_memory=False)
    x, _1, _2, = torch.lstm(x, [zero, zero], [{weights}], True, {layers}, 0., self.training, False, True)
";

/// The network's code.
pub fn code(network: &Lstm) -> Torchscript {
    let branches = network.sizes.streams.iter().enumerate();
    let mut body: String = branches.map(|(place, stream)| of_stream(network, place, stream)).collect();
    let read: Vec<String> = (0..network.sizes.streams.len()).map(|place| format!("read{place}")).collect();
    let fused = linear(&format!("torch.cat([{}], 2)", read.join(", ")), "encoder.fusion.0");
    body += &format!("    return {}\n", layer_norm(&format!("torch.relu({fused})"), "encoder.fusion.3"));
    Torchscript { layout: network.layout(), body, pooling: network.config.pooling }
}

fn of_stream(network: &Lstm, place: usize, stream: &Stream) -> String {
    let mut lines = format!("    x = streams[{place}]\n");
    for (layer, (name, ..)) in network.projection(stream).iter().enumerate() {
        let projected = linear("x", name);
        lines +=
            &if layer == 0 { format!("    x = torch.relu({projected})\n") } else { format!("    x = {projected}\n") };
    }
    let layers = network.recurrent(stream);
    let weights: Vec<String> = layers.iter().flat_map(Recurrent::names).map(|name| reach(&name)).collect();
    let parts = [
        ("{layers}", layers.len().to_string()),
        ("{hidden}", network.hidden().to_string()),
        ("{weights}", weights.join(", ")),
    ];
    lines += &parts.iter().fold(RECURRENT.to_owned(), |code, (name, text)| code.replace(name, text));
    lines + &format!("    read{place} = {}\n", layer_norm("x", &format!("{}.layer_norm", branch(stream))))
}
