//! What a network is built for: the frames that it sees, and what it returns for each lead time.

use super::channels;
use crate::task::nowcast::config::{Coordinates, ModelConfig, NowcastConfig};

/// Carried frames that a network sees, other than a U-Net, if nothing is configured: in older ones the motion was another.
const CARRIED_FRAMES: usize = 8;

/// Frames that a U-Net sees if nothing is configured.
const UNET_FRAMES: usize = 6;

/// What a network is built for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The last frames of a window: all that it sees.
    pub frames: i64,
    /// Channels of a frame, coming in and going out.
    pub channels: i64,
    /// Rows and columns of a frame. Only weights for each cell depend on them.
    pub size: [i64; 2],
    /// Frames that are predicted.
    pub leads: i64,
    /// What it returns for each of them: 1, the frame; 2, what is added before carrying and what is added after it.
    pub parts: i64,
}

impl Sizes {
    /// The sizes set in the configuration.
    #[must_use]
    pub fn of(config: &NowcastConfig) -> Self {
        let is_carried = config.coordinates == Coordinates::Lagrangian;
        Self {
            frames: seen_frames(config) as i64,
            channels: channels(config),
            size: config.prepare.size.map(|size| size as i64),
            leads: config.windows.target_frames as i64,
            parts: if is_carried { 2 } else { 1 },
        }
    }

    /// Channels of the last convolution: of each part all lead times, of each of them all channels.
    #[must_use]
    pub fn outputs(&self) -> i64 {
        self.parts * self.leads * self.channels
    }

    /// Whether the last convolution starts at zero: the network then adds nothing, and its forecast is the advection.
    #[must_use]
    pub fn starts_at_zero(&self) -> bool {
        self.parts == 2
    }
}

/// The last frames of a window that the network sees.
#[must_use]
pub fn seen_frames(config: &NowcastConfig) -> usize {
    let all = config.windows.input_frames;
    let usual = match config.coordinates {
        Coordinates::Eulerian => all,
        Coordinates::Lagrangian => all.min(CARRIED_FRAMES),
    };
    match &config.model {
        ModelConfig::ConvLstm(model) => model.frames.unwrap_or(usual),
        ModelConfig::Simvp(model) => model.frames.unwrap_or(usual),
        ModelConfig::Predrnn(model) => model.frames.unwrap_or(usual),
        ModelConfig::TrajGru(model) => model.frames.unwrap_or(usual),
        ModelConfig::Unet(model) => model.frames.unwrap_or(all.min(UNET_FRAMES)),
    }
}
