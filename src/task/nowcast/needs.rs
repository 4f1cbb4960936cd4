//! The sizes of this task that no machine can hold, and the least memory that its training takes.

use super::config::{NowcastConfig, PrepareConfig};
use super::model::{Sizes, seen_frames};
use crate::task::needs::{FP32_BYTES, IMPOSSIBLE_BYTES, Needs, product, sum};
use crate::util::problem::Problem;
use crate::util::units::{bytes, count};

/// Cells of the largest frame: 16,384 rows and columns. The largest composites of radars have a tenth of them.
const MOST_CELLS: u64 = 1 << 28;

/// Bytes of a number in the state of a layer, in the smallest precision.
const STATE_BYTES: u64 = 2;

/// What a network takes, as its configuration alone says it, in numbers that don't overflow.
pub(super) trait Takes {
    /// Its parameters.
    fn parameters(&self, sizes: &Around) -> u64;

    /// Numbers that the backward pass of one sample needs.
    fn states(&self, sizes: &Around) -> u64;

    /// Sizes that are impossible on every machine.
    fn problems(&self, sizes: &Around) -> Vec<Problem>;
}

/// The sizes around a network.
pub(super) struct Around {
    pub(super) frames: u64,
    pub(super) channels: u64,
    pub(super) size: [u64; 2],
    pub(super) leads: u64,
    pub(super) outputs: u64,
}

impl Around {
    /// Cells of a frame.
    pub(super) fn cells(&self) -> u64 {
        product(&self.size)
    }
}

impl NowcastConfig {
    /// The least memory that training takes.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let (model, around) = (self.model.takes(), self.around());
        let states = product(&[model.states(&around), STATE_BYTES]);
        Needs { parameters: model.parameters(&around), sample_bytes: sum([self.window_bytes(), states]) }
    }

    /// Sizes that are impossible on every machine.
    pub(super) fn size_problems(&self) -> Vec<Problem> {
        let frame = self.prepare.size_problem().map(|problem| problem.below("prepare"));
        // With such a frame, all other sizes follow from the mistake.
        if let Some(frame) = frame {
            return vec![frame];
        }
        let own = self.model.takes().problems(&self.around());
        let of_model: Vec<_> = own.into_iter().map(|problem| problem.below(&self.model.path())).collect();
        if of_model.is_empty() { self.window_problem().into_iter().collect() } else { of_model }
    }

    fn around(&self) -> Around {
        let sizes = Sizes::of(self);
        let size = self.trained_size().map(|side| side as u64);
        let targets = self.windows.target_frames as u64;
        let outputs = product(&[sizes.parts.unsigned_abs(), targets, sizes.channels.unsigned_abs()]);
        let (frames, channels) = (seen_frames(self) as u64, sizes.channels.unsigned_abs());
        Around { frames, channels, size, leads: targets, outputs }
    }

    /// Input, target and output.
    fn window_bytes(&self) -> u64 {
        let (inputs, targets) = (self.windows.input_frames as u64, self.windows.target_frames as u64);
        product(&[sum([inputs, targets, targets]), self.around().channels, self.prepare.cells(), FP32_BYTES])
    }

    fn window_problem(&self) -> Option<Problem> {
        let needed = self.needs().sample_bytes;
        let [key, frames] = match self.windows.input_frames >= self.windows.target_frames {
            true => ["input_frames", "input frames"],
            false => ["target_frames", "target frames"],
        };
        (needed > IMPOSSIBLE_BYTES).then(|| {
            let message = format!(
                "with so many {frames}, one window takes {} in training with this frame and model, which no machine has",
                size(needed)
            );
            Problem::new(format!("windows.{key}"), message, "lower it, `prepare.size` or the sizes of the model")
        })
    }
}

impl PrepareConfig {
    /// Cells of a prepared frame.
    fn cells(&self) -> u64 {
        product(&self.size.map(|side| side as u64))
    }

    fn size_problem(&self) -> Option<Problem> {
        let cells = self.cells();
        (cells > MOST_CELLS).then(|| {
            let message = format!("a frame has at most {}, got {}", number(MOST_CELLS, "cell"), number(cells, "cell"));
            Problem::new("size", message, "write [rows, columns], such as [250, 250]")
        })
    }
}

/// What is said of a part of a network that no machine can train.
pub(super) fn impossible(part: &str, parameters: u64) -> Option<String> {
    let needed = bytes_to_train(parameters);
    (needed > IMPOSSIBLE_BYTES).then(|| {
        let parameters = number(parameters, "parameter");
        let needed = size(needed);
        format!(
            "{part} would have {parameters}; its weights, gradient and optimizer take {needed}, which no machine has"
        )
    })
}

/// A kernel over a frame whose shorter side has so many cells, or patches of cells: a wider one than it can use never has its
/// outer weights over the frame.
pub(super) fn kernel_problem(kernel: usize, shorter: u64, patches: &str) -> Option<Problem> {
    let widest = shorter.saturating_mul(2).saturating_sub(1);
    (kernel as u64 > widest && shorter > 0).then(|| {
        let message = format!(
            "a kernel of {kernel} is wider than a frame of {shorter}{patches} can use: its outer weights see only the outside"
        );
        let remedy = if widest < 3 { "write 1".to_owned() } else { format!("write 3 or 5, at most {widest}") };
        Problem::new("kernel", message, remedy)
    })
}

/// Bytes of weights, gradient and two moments.
fn bytes_to_train(parameters: u64) -> u64 {
    product(&[parameters, 4, FP32_BYTES])
}

/// A number that may be beyond count.
fn number(value: u64, noun: &str) -> String {
    if value == u64::MAX { format!("more {noun}s than can be counted") } else { count(value, noun) }
}

fn size(value: u64) -> String {
    if value == u64::MAX { "more bytes than can be counted".to_owned() } else { bytes(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::nowcast::config::Norm;

    fn config(change: impl FnOnce(&mut NowcastConfig)) -> NowcastConfig {
        let mut config = NowcastConfig::default();
        change(&mut config);
        config
    }

    #[test]
    fn a_sample_takes_no_less_than_its_frames_and_states() {
        let config = config(|config| {
            config.model.convlstm().hidden = vec![4, 6];
            config.prepare.size = [20, 30];
            config.windows.input_frames = 3;
            config.windows.target_frames = 2;
        });
        assert_eq!(config.needs().sample_bytes, 600 * (7 * 4 + 3 * 10 * 2));
    }

    #[test]
    fn states_are_those_of_the_part_that_is_trained_on() {
        let config = config(|config| {
            (config.model.convlstm().hidden, config.model.convlstm().norm) = (vec![4, 6], Norm::Group);
            (config.prepare.size, config.augment.crop) = ([20, 30], Some([12, 11]));
            (config.windows.input_frames, config.windows.target_frames) = (3, 2);
        });
        assert_eq!(config.needs().sample_bytes, 600 * 7 * 4 + 132 * 3 * 10 * 2);
    }

    #[test]
    fn impossible_sizes_are_refused_at_their_key_and_nothing_overflows() {
        let paths = |change: &dyn Fn(&mut NowcastConfig)| {
            let found = config(change).size_problems();
            found.into_iter().map(|problem| problem.path).collect::<Vec<_>>()
        };
        for hidden in [100_000, 1_000_000_000_000, usize::MAX] {
            assert_eq!(paths(&|config| config.model.convlstm().hidden = vec![8, hidden])[..1], ["model.hidden.1"]);
        }
        for side in [100_000, usize::MAX] {
            assert_eq!(paths(&|config| config.prepare.size = [side, side]), ["prepare.size"]);
        }
        for frames in [1_000_000_000, usize::MAX] {
            assert_eq!(paths(&|config| config.windows.input_frames = frames), ["windows.input_frames"]);
            assert_eq!(paths(&|config| config.windows.target_frames = frames), ["windows.target_frames"]);
        }
        let kernel = |kernel| {
            paths(&move |config| {
                config.prepare.size = [32, 64];
                config.model.convlstm().kernel = kernel;
            })
        };
        assert_eq!(
            (kernel(99), kernel(usize::MAX)),
            (vec!["model.kernel".to_owned()], vec!["model.kernel".to_owned()])
        );
        assert_eq!((kernel(63), paths(&|_| {})), (vec![], vec![]));
    }
}
