//! Checks for invalid values in the `task.nowcast.model` section that types alone don't catch.

use crate::task::nowcast::config::{
    ConvLstmConfig, ModelConfig, Norm, NowcastConfig, PredrnnConfig, SimvpConfig, UnetConfig,
};
use crate::util::problem::Problem;

impl ModelConfig {
    /// All invalid values in this section.
    #[must_use]
    pub fn problems(&self, config: &NowcastConfig) -> Vec<Problem> {
        let (frames, mut found) = match self {
            Self::ConvLstm(model) => (model.frames, model.problems()),
            Self::Unet(model) => (model.frames, model.problems(config.prepare.size)),
            Self::Simvp(model) => (model.frames, model.problems(config.prepare.size)),
            Self::Predrnn(model) => (model.frames, model.problems(config.prepare.size)),
        };
        found.extend(frames_problem(frames, config.windows.input_frames));
        match self {
            Self::ConvLstm(_) => found,
            _ => found.into_iter().map(|problem| problem.below(self.name())).collect(),
        }
    }

    /// Whether the weights fit frames of one size only.
    #[must_use]
    pub fn is_of_one_size(&self) -> bool {
        matches!(self, Self::ConvLstm(ConvLstmConfig { norm: Norm::Layer, hidden, .. }) if hidden.len() > 1)
    }
}

fn frames_problem(frames: Option<usize>, input_frames: usize) -> Option<Problem> {
    let frames = frames.filter(|frames| !(1..=input_frames.max(1)).contains(frames))?;
    let message = format!("a window has {input_frames} input frames, got {frames}");
    Some(Problem::new("frames", message, "write at most that many, or null"))
}

impl ConvLstmConfig {
    fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.hidden.is_empty() {
            let remedy = "write the channels of each layer: [128, 128, 128]";
            found.push(Problem::new("hidden", "a model needs at least one layer", remedy));
        }
        for (index, _) in self.hidden.iter().enumerate().filter(|(_, channels)| **channels == 0) {
            found.push(Problem::new(
                format!("hidden.{index}"),
                "a layer needs at least 1 channel, got 0",
                "write 32 or so",
            ));
        }
        if self.kernel.is_multiple_of(2) {
            let message = format!("must be odd, so that a frame keeps its size, got {}", self.kernel);
            found.push(Problem::new("kernel", message, "write 3 or 5"));
        }
        found
    }
}

impl UnetConfig {
    fn problems(&self, size: [usize; 2]) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.base == 0 {
            found.push(Problem::new("base", "a level needs at least 1 channel, got 0", "write 16"));
        }
        if self.widths.is_empty() {
            found.push(Problem::new("widths", "a model needs at least one level", "write [1, 2, 4, 4]"));
        }
        for (index, _) in self.widths.iter().enumerate().filter(|(_, width)| **width == 0) {
            found.push(Problem::new(format!("widths.{index}"), "must be at least 1, got 0", "write 1 or more"));
        }
        let side = size[0].min(size[1]);
        if side > 0 && self.widths.len() > side.ilog2() as usize + 1 {
            let message = format!("a frame of {side} rows or columns can't be halved {} times", self.widths.len() - 1);
            found.push(Problem::new("widths", message, "write fewer levels, such as [1, 2, 4]"));
        }
        found
    }
}

impl SimvpConfig {
    fn problems(&self, size: [usize; 2]) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.width == 0 || !self.width.is_multiple_of(2) {
            let message = format!("must be an even number, as its norm has two groups of channels, got {}", self.width);
            found.push(Problem::new("width", message, "write 16 or so"));
        }
        for (key, value, remedy) in
            [("hidden", self.hidden, "write 128 or so"), ("expansion", self.expansion, "write 4")]
        {
            if value == 0 {
                found.push(Problem::new(key, "must be at least 1, got 0", remedy));
            }
        }
        if self.blocks < 2 {
            let message = format!("the first and the last block differ, so two are needed, got {}", self.blocks);
            found.push(Problem::new("blocks", message, "write 6 or so"));
        }
        let side = size[0].min(size[1]);
        if self.halvings == 0 {
            found.push(Problem::new("halvings", "the encoder halves a frame at least once, got 0", "write 2"));
        } else if side > 0 && self.halvings > side.ilog2() as usize {
            let message = format!("a frame of {side} rows or columns can't be halved {} times", self.halvings);
            found.push(Problem::new("halvings", message, "write 2"));
        }
        found
    }
}

impl PredrnnConfig {
    fn problems(&self, size: [usize; 2]) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.hidden.is_empty() {
            let remedy = "write the channels of each layer: [64, 64, 64, 64]";
            found.push(Problem::new("hidden", "a model needs at least one layer", remedy));
        } else if self.highway && self.hidden.len() == 1 {
            let message = "the highway is between the first two layers, but there is one layer only";
            found.push(Problem::new("hidden", message, "write two or more layers, or set `highway: false`"));
        }
        let first = self.hidden.first().copied().unwrap_or_default();
        for (index, &channels) in self.hidden.iter().enumerate() {
            let path = format!("hidden.{index}");
            if channels == 0 {
                found.push(Problem::new(path, "a layer needs at least 1 channel, got 0", "write 64 or so"));
            } else if !self.highway && channels != first && first > 0 {
                let message = format!(
                    "without the highway one memory goes through all layers, so they have equally many channels: {first}, \
                     got {channels}"
                );
                found.push(Problem::new(path, message, format!("write {first}, or set `highway: true`")));
            }
        }
        if self.kernel.is_multiple_of(2) {
            let message = format!("must be odd, so that a frame keeps its size, got {}", self.kernel);
            found.push(Problem::new("kernel", message, "write 3 or 5"));
        }
        let side = size[0].min(size[1]);
        if !(1..=side.max(1)).contains(&self.patch) {
            let message = format!("a patch has 1 to {side} rows and columns, got {}", self.patch);
            found.push(Problem::new("patch", message, "write 4, or 1 for the frame as it is"));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(model: ModelConfig) -> Vec<String> {
        let config = NowcastConfig { model, ..NowcastConfig::default() };
        config.section_problems().into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn a_simvp_that_cannot_be_is_refused_at_its_key() {
        let usual = SimvpConfig::default;
        let found = |model: SimvpConfig| paths(ModelConfig::Simvp(model)).join(" ");
        assert_eq!(found(usual()), "");
        assert_eq!(found(SimvpConfig { width: 15, ..usual() }), "model.simvp.width");
        assert_eq!(found(SimvpConfig { width: 0, ..usual() }), "model.simvp.width");
        assert_eq!(found(SimvpConfig { blocks: 1, ..usual() }), "model.simvp.blocks");
        assert_eq!(found(SimvpConfig { frames: Some(19), ..usual() }), "model.simvp.frames");
        assert_eq!(
            found(SimvpConfig { hidden: 0, expansion: 0, halvings: 0, ..usual() }),
            "model.simvp.hidden model.simvp.expansion model.simvp.halvings"
        );
        assert_eq!(found(SimvpConfig { halvings: 7, ..usual() }), "");
        assert_eq!(found(SimvpConfig { halvings: 8, ..usual() }), "model.simvp.halvings");
    }

    #[test]
    fn a_predrnn_that_cannot_be_is_refused_at_its_key() {
        let usual = PredrnnConfig::default;
        let found = |model: PredrnnConfig| paths(ModelConfig::Predrnn(model)).join(" ");
        assert_eq!(found(usual()), "");
        assert_eq!(found(PredrnnConfig { hidden: vec![], ..usual() }), "model.predrnn.hidden");
        assert_eq!(found(PredrnnConfig { hidden: vec![8], ..usual() }), "model.predrnn.hidden");
        assert_eq!(found(PredrnnConfig { hidden: vec![8], highway: false, ..usual() }), "");
        assert_eq!(found(PredrnnConfig { hidden: vec![8, 0], ..usual() }), "model.predrnn.hidden.1");
        assert_eq!(found(PredrnnConfig { hidden: vec![8, 6], ..usual() }), "");
        let uneven = PredrnnConfig { hidden: vec![8, 6, 8], highway: false, ..usual() };
        assert_eq!(found(uneven), "model.predrnn.hidden.1");
        assert_eq!(found(PredrnnConfig { kernel: 4, patch: 0, ..usual() }), "model.predrnn.kernel model.predrnn.patch");
        assert!(found(PredrnnConfig { patch: 251, ..usual() }).starts_with("model.predrnn.patch"));
    }
}
