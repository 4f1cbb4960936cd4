//! The network in PyTorch: the same arithmetic, with the names of weight files.

use super::ConvTransformer;
use crate::task::keypoints::model::pooling::in_python;

const CODE: &str = r#"class Convolution(nn.Module):
    def __init__(self, width={width}, channels={channels}, kernel={kernel}):
        super().__init__()
        self.expand = nn.Linear(width, channels)
        self.depthwise = nn.Conv1d(channels, channels, kernel, groups=channels, bias=False)
        self.border = (kernel - 1, 0) if {causal} else (kernel // 2, kernel - 1 - kernel // 2)
        self.norm = nn.LayerNorm(channels)
        self.attention = nn.Conv1d(1, 1, 5, padding=2, bias=False)
        self.project = nn.Linear(channels, width)
        self.dropout = nn.Dropout({p})

    def forward(self, frames, real):
        seen = nn.functional.silu(self.expand(frames)) * real
        seen = self.depthwise(nn.functional.pad(seen.transpose(1, 2), self.border)).transpose(1, 2)
        seen = self.norm(seen) * real
        means = seen.sum(1) / real.sum(1)
        weights = self.attention(means.unsqueeze(1)).sigmoid()
        return frames + self.dropout(self.project(seen * weights))


class Attention(nn.Module):
    def __init__(self, width={width}, channels={channels}, heads={heads}):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.project = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width)
        self.expand, self.contract = nn.Linear(width, channels), nn.Linear(channels, width)
        self.dropout = nn.Dropout({p})

    def forward(self, frames, real):
        parts = self.qkv(self.norm1(frames)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = nn.functional.scaled_dot_product_attention(*parts, attn_mask=real.transpose(1, 2).unsqueeze(1))
        frames = frames + self.dropout(self.project(attended.transpose(1, 2).flatten(2)))
        return frames + self.dropout(self.contract(nn.functional.silu(self.expand(self.norm2(frames)))))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolutions = nn.ModuleList(Convolution() for _ in range({convolutions}))
        self.attention = Attention()

    def forward(self, frames, real):
        for convolution in self.convolutions:
            frames = convolution(frames, real)
        return self.attention(frames, real)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Linear({inputs}, {width}), nn.LayerNorm({width}))
        self.blocks = nn.ModuleList(Block() for _ in range({blocks}))
        self.top = nn.Sequential(nn.Linear({width}, {embedding}), nn.LayerNorm({embedding}))

    def forward(self, streams, real):
        frames = self.stem(torch.cat(streams, -1))
        for block in self.blocks:
            frames = block(frames, real)
        return self.top(frames)


class Network(nn.Module):
    """A tensor [batch, frames, numbers] for each stream and the lengths [batch] in, logits of {classes} classes out."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.dropout = nn.Dropout({p})
        self.classifier = nn.Linear({embedding}, {classes})

    def forward(self, *streams_and_lengths):
        *streams, lengths = streams_and_lengths
        real = (torch.arange(streams[0].shape[1], device=lengths.device) < lengths[:, None])[..., None]
        frames = self.encoder(streams, real)
        return self.classifier(self.dropout({pool}))
"#;

/// The code of a network.
pub fn code(network: &ConvTransformer) -> String {
    let config = &network.config;
    let parts = [
        ("width", config.width.to_string()),
        ("channels", (config.width * config.expand).to_string()),
        ("kernel", config.kernel.to_string()),
        ("causal", if config.causal { "True" } else { "False" }.to_owned()),
        ("p", config.dropout.to_string()),
        ("heads", config.heads.to_string()),
        ("convolutions", config.convolutions.to_string()),
        ("blocks", config.blocks.to_string()),
        ("inputs", network.inputs().to_string()),
        ("embedding", config.embedding.to_string()),
        ("classes", network.sizes.classes().to_string()),
        ("pool", in_python(config.pooling).to_owned()),
    ];
    parts.iter().fold(CODE.to_owned(), |code, (name, text)| code.replace(&format!("{{{name}}}"), text))
}
