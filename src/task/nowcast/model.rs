//! The network that the configuration asks for: sizes of a ConvLSTM from the sections of the task.

use super::config::{Levels, ModelConfig, Norm, NowcastConfig};
use crate::nn::convlstm::{self, Architecture};

/// The sizes of the network.
#[must_use]
pub fn architecture(config: &NowcastConfig) -> Architecture {
    let ModelConfig { hidden, kernel, norm } = &config.model;
    Architecture {
        channels: channels(&config.prepare.levels),
        frame: config.prepare.size.map(|size| size as i64),
        target_frames: config.windows.target_frames as i64,
        hidden: hidden.iter().map(|channels| *channels as i64).collect(),
        kernel: *kernel as i64,
        norm: match norm {
            Norm::Layer => convlstm::Norm::Layer,
            Norm::Group => convlstm::Norm::Group,
            Norm::None => convlstm::Norm::None,
        },
    }
}

/// The channels of a frame: levels are sequences of their own, or one image, or the channels.
fn channels(levels: &Levels) -> i64 {
    match levels {
        Levels::Each | Levels::Composite => 1,
        Levels::Channels(levels) => levels.len() as i64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_model_of_three_layers_of_128_over_single_levels() {
        let expected = Architecture {
            channels: 1,
            frame: [250, 250],
            target_frames: 7,
            hidden: vec![128, 128, 128],
            kernel: 3,
            norm: convlstm::Norm::Layer,
        };
        assert_eq!(architecture(&NowcastConfig::default()), expected);
    }

    #[test]
    fn chosen_levels_are_channels() {
        let mut config = NowcastConfig::default();
        config.prepare.levels = Levels::Channels(vec![2, 5, 9]);
        config.model.norm = Norm::Group;
        let architecture = architecture(&config);
        assert_eq!((architecture.channels, architecture.norm), (3, convlstm::Norm::Group));
    }
}
