//! The network in PyTorch: the same arithmetic, with the names of weight files.

use super::{Lstm, is_wide};
use crate::task::keypoints::model::pooling::in_python;

const CODE: &str = r#"class Branch(nn.Module):
    def __init__(self, inputs, wide):
        super().__init__()
        self.wide = wide
        self.input_proj = nn.Linear(inputs, {hidden})
        if self.wide:
            self.input_proj = nn.Sequential(
                nn.Linear(inputs, 2 * {hidden}), nn.ReLU(), nn.Dropout({p}), nn.Linear(2 * {hidden}, {hidden})
            )
        self.lstm = nn.LSTM({hidden}, {hidden}, {layers}, batch_first=True, dropout={between})
        self.layer_norm = nn.LayerNorm({hidden})

    def forward(self, frames):
        frames = self.input_proj(frames)
        return self.layer_norm(self.lstm(frames if self.wide else frames.relu())[0])


class Encoder(nn.Module):
    STREAMS = {streams}
    WIDE = [{wide}]

    def __init__(self):
        super().__init__()
        for name, inputs in self.STREAMS.items():
            setattr(self, f"{name}_branch", Branch(inputs, name in self.WIDE))
        self.fusion = nn.Sequential(
            nn.Linear(len(self.STREAMS) * {hidden}, {embedding}), nn.ReLU(), nn.Dropout({p}), nn.LayerNorm({embedding})
        )

    def forward(self, *streams):
        read = [getattr(self, f"{name}_branch")(stream) for name, stream in zip(self.STREAMS, streams)]
        return self.fusion(torch.cat(read, -1))


class Network(nn.Module):
    """A tensor [batch, frames, numbers] for each stream and the lengths [batch] in, logits of {classes} classes out."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.dropout = nn.Dropout({p})
        self.classifier = nn.Linear({embedding}, {classes})

    def forward(self, *streams_and_lengths):
        *streams, lengths = streams_and_lengths
        frames = self.encoder(*streams)
        real = (torch.arange(frames.shape[1], device=frames.device) < lengths[:, None])[..., None]
        return self.classifier(self.dropout({pool}))
"#;

/// The code of a network.
pub fn code(network: &Lstm) -> String {
    let config = &network.config;
    let streams = network.sizes.streams.iter().map(|stream| format!("{:?}: {}", stream.name, stream.inputs));
    let wide = network.sizes.streams.iter().filter(|stream| is_wide(stream)).map(|stream| format!("{:?}", stream.name));
    // PyTorch warns of dropout between the layers of one.
    let between = if config.layers > 1 { config.dropout } else { 0.0 };
    let parts = [
        ("wide", wide.collect::<Vec<_>>().join(", ")),
        ("hidden", config.hidden.to_string()),
        ("layers", config.layers.to_string()),
        ("embedding", config.embedding.to_string()),
        ("p", config.dropout.to_string()),
        ("between", between.to_string()),
        ("classes", network.sizes.classes().to_string()),
        ("pool", in_python(config.pooling).to_owned()),
        ("streams", format!("{{{}}}", streams.collect::<Vec<_>>().join(", "))),
    ];
    parts.iter().fold(CODE.to_owned(), |code, (name, text)| code.replace(&format!("{{{name}}}"), text))
}
