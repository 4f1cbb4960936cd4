//! Checks for invalid values in the `task.nowcast.model` section that types alone don't catch.

use crate::task::nowcast::config::{ConvLstmConfig, ModelConfig, Norm, NowcastConfig, UnetConfig};
use crate::util::problem::Problem;

impl ModelConfig {
    /// All invalid values in this section.
    #[must_use]
    pub fn problems(&self, config: &NowcastConfig) -> Vec<Problem> {
        let (frames, mut found) = match self {
            Self::ConvLstm(model) => (model.frames, model.problems()),
            Self::Unet(model) => (model.frames, model.problems(config.prepare.size)),
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
