//! The `task.nowcast.model` section: exactly one network by its name, or the keys of a ConvLSTM without it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::task::nowcast::needs::Takes;

/// The network, by its name. Without a name it is a ConvLSTM: `model: {hidden: [64, 64]}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "WrittenModel", into = "WrittenModel")]
pub enum ModelConfig {
    /// A stack of ConvLSTM layers.
    ConvLstm(ConvLstmConfig),
    /// A U-Net.
    Unet(UnetConfig),
    /// A trajectory GRU.
    TrajGru(TrajGruConfig),
    /// SimVP.
    Simvp(SimvpConfig),
    /// PredRNN or PredRNN++.
    Predrnn(PredrnnConfig),
}

/// As it is written in a configuration.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum WrittenModel {
    /// A ConvLSTM, without its name.
    Short(ConvLstmConfig),
    /// Any model, with its name.
    Named(NamedModel),
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum NamedModel {
    /// A stack of ConvLSTM layers.
    Convlstm(ConvLstmConfig),
    /// A U-Net.
    Unet(UnetConfig),
    /// A trajectory GRU.
    Trajgru(TrajGruConfig),
    /// SimVP.
    Simvp(SimvpConfig),
    /// PredRNN or PredRNN++.
    Predrnn(PredrnnConfig),
}

impl From<WrittenModel> for ModelConfig {
    fn from(written: WrittenModel) -> Self {
        match written {
            WrittenModel::Short(model) | WrittenModel::Named(NamedModel::Convlstm(model)) => Self::ConvLstm(model),
            WrittenModel::Named(NamedModel::Unet(model)) => Self::Unet(model),
            WrittenModel::Named(NamedModel::Trajgru(model)) => Self::TrajGru(model),
            WrittenModel::Named(NamedModel::Simvp(model)) => Self::Simvp(model),
            WrittenModel::Named(NamedModel::Predrnn(model)) => Self::Predrnn(model),
        }
    }
}

impl From<ModelConfig> for WrittenModel {
    fn from(model: ModelConfig) -> Self {
        match model {
            ModelConfig::ConvLstm(model) => Self::Short(model),
            ModelConfig::Unet(model) => Self::Named(NamedModel::Unet(model)),
            ModelConfig::TrajGru(model) => Self::Named(NamedModel::Trajgru(model)),
            ModelConfig::Simvp(model) => Self::Named(NamedModel::Simvp(model)),
            ModelConfig::Predrnn(model) => Self::Named(NamedModel::Predrnn(model)),
        }
    }
}

impl JsonSchema for ModelConfig {
    fn schema_name() -> Cow<'static, str> {
        "ModelConfig".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        WrittenModel::json_schema(generator)
    }
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self::ConvLstm(ConvLstmConfig::default())
    }
}

impl ModelConfig {
    /// The key of the model.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ConvLstm(_) => "convlstm",
            Self::Unet(_) => "unet",
            Self::TrajGru(_) => "trajgru",
            Self::Simvp(_) => "simvp",
            Self::Predrnn(_) => "predrnn",
        }
    }

    /// What people call the model.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::ConvLstm(_) => "ConvLSTM",
            Self::Unet(_) => "U-Net",
            Self::TrajGru(_) => "TrajGRU",
            Self::Simvp(_) => "SimVP",
            Self::Predrnn(PredrnnConfig { highway: true, .. }) => "PredRNN++",
            Self::Predrnn(_) => "PredRNN",
        }
    }

    /// Where its keys are, below the task's section.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::ConvLstm(_) => "model".to_owned(),
            _ => format!("model.{}", self.name()),
        }
    }

    /// What it takes of memory.
    pub(in crate::task::nowcast) fn takes(&self) -> &dyn Takes {
        match self {
            Self::ConvLstm(model) => model,
            Self::Unet(model) => model,
            Self::TrajGru(model) => model,
            Self::Simvp(model) => model,
            Self::Predrnn(model) => model,
        }
    }

    /// The settings of a ConvLSTM, which the model becomes if it is another.
    #[cfg(test)]
    pub fn convlstm(&mut self) -> &mut ConvLstmConfig {
        if !matches!(self, Self::ConvLstm(_)) {
            *self = Self::default();
        }
        match self {
            Self::ConvLstm(model) => model,
            _ => unreachable!(),
        }
    }
}

/// A stack of ConvLSTM layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConvLstmConfig {
    /// The last frames that it sees; by default all of the window, of carried frames the last 8.
    pub frames: Option<usize>,
    /// The channels of each layer's state, from the input to the output.
    pub hidden: Vec<usize>,
    /// Rows and columns of the convolutions.
    pub kernel: usize,
    /// What is normalised between the layers.
    pub norm: Norm,
    /// What weighs a state before the next step and the next layer see it.
    pub attention: Attention,
}

impl Default for ConvLstmConfig {
    fn default() -> Self {
        Self { frames: None, hidden: vec![128; 3], kernel: 3, norm: Norm::Layer, attention: Attention::None }
    }
}

/// What weighs the state of a ConvLSTM layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    /// Nothing.
    None,
    /// A weight for each channel, then one for each cell.
    Cbam,
    /// A memory in which every cell looks at every other: for frames of up to 32 x 32 cells.
    Memory,
}

/// A U-Net over the last frames, as channels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UnetConfig {
    /// The last frames that it sees; by default 6, or all of a shorter window.
    pub frames: Option<usize>,
    /// Channels of the finest level.
    pub base: usize,
    /// Channels of each level as multiples of `base`, from the finest; each level has half the rows and columns of the one before.
    pub widths: Vec<usize>,
    /// What is normalised after each convolution.
    pub norm: UnetNorm,
}

impl Default for UnetConfig {
    fn default() -> Self {
        Self { frames: None, base: 16, widths: vec![1, 2, 4, 4], norm: UnetNorm::None }
    }
}

/// A trajectory GRU: an encoder and a forecaster at several scales, from the finest to the coarsest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrajGruConfig {
    /// The last frames that it sees; by default all of the window, of carried frames the last 8.
    pub frames: Option<usize>,
    /// The channels of each scale's state, from the finest.
    pub hidden: Vec<usize>,
    /// At how many places each cell of a scale looks.
    pub links: Vec<usize>,
    /// By how much each scale has fewer rows and columns than what is before it, the finest than the frame.
    pub strides: Vec<usize>,
}

impl Default for TrajGruConfig {
    fn default() -> Self {
        Self { frames: None, hidden: vec![32, 64, 64], links: vec![9, 9, 5], strides: vec![2; 3] }
    }
}

/// SimVP: all frames as channels through blocks with large kernels, between an encoder and a decoder of each frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SimvpConfig {
    /// The last frames that it sees; by default all of the window, of carried frames the last 8.
    pub frames: Option<usize>,
    /// Channels of a frame in the encoder and the decoder, an even number.
    pub width: usize,
    /// Channels of the blocks, in which all frames are together.
    pub hidden: usize,
    /// Blocks between the encoder and the decoder, 2 or more.
    pub blocks: usize,
    /// How often the encoder halves rows and columns.
    pub halvings: usize,
    /// Channels inside of a block's last part, as a multiple of its channels.
    pub expansion: usize,
}

impl Default for SimvpConfig {
    fn default() -> Self {
        Self { frames: None, width: 16, hidden: 128, blocks: 6, halvings: 2, expansion: 4 }
    }
}

/// PredRNN++, or PredRNN without the highway: recurrent layers that share a memory, frame by frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PredrnnConfig {
    /// The last frames that it sees; by default all of the window, of carried frames the last 8.
    pub frames: Option<usize>,
    /// The channels of each layer's state, from the input to the output.
    pub hidden: Vec<usize>,
    /// Rows and columns of the convolutions.
    pub kernel: usize,
    /// Rows and columns that become channels, so that the layers see a smaller frame.
    pub patch: usize,
    /// Whether it is PredRNN++, with a highway for the gradient and its own kind of cell, or PredRNN.
    pub highway: bool,
}

impl Default for PredrnnConfig {
    fn default() -> Self {
        Self { frames: None, hidden: vec![64; 4], kernel: 5, patch: 4, highway: true }
    }
}

/// What is normalised after each convolution of a U-Net.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnetNorm {
    /// Nothing.
    None,
    /// Each sample in groups of channels.
    Group,
}

/// What is normalised between the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// Each sample as a whole, with a scale for every channel and cell: the weights fit one frame size only.
    Layer,
    /// Each sample in groups of channels, with a scale for every channel: the weights fit every frame size.
    Group,
    /// Nothing.
    None,
}
