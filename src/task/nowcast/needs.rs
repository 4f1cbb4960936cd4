//! The sizes of this task that no machine can hold, and the least memory that its training takes.

use super::config::{ModelConfig, Norm, NowcastConfig, PrepareConfig};
use super::model::channels;
use crate::task::needs::{FP32_BYTES, IMPOSSIBLE_BYTES, Needs, product, sum};
use crate::util::problem::Problem;
use crate::util::units::{bytes, count};

/// Cells of the largest frame: 16,384 rows and columns. The largest composites of radars have a tenth of them.
const MOST_CELLS: u64 = 1 << 28;

/// The head's convolution.
const HEAD_KERNEL: u64 = 3;

/// Bytes of a number in the state of a layer, in the smallest precision.
const STATE_BYTES: u64 = 2;

impl NowcastConfig {
    /// The least memory that training takes.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let layers = (0..self.model.hidden.len()).map(|layer| self.layer_parameters(layer));
        let last = self.model.hidden.last().map_or(1, |hidden| *hidden as u64);
        let outputs = product(&[self.windows.target_frames as u64, self.channels()]);
        let head = sum([product(&[outputs, last, HEAD_KERNEL, HEAD_KERNEL]), outputs]);
        Needs { parameters: sum(layers.chain([head])), sample_bytes: sum([self.window_bytes(), self.state_bytes()]) }
    }

    /// Sizes that are impossible on every machine.
    pub(super) fn size_problems(&self) -> Vec<Problem> {
        let frame = self.prepare.size_problem().map(|problem| problem.below("prepare"));
        let kernel = self.model.kernel_problem(&self.prepare).map(|problem| problem.below("model"));
        let wrong: Vec<_> = frame.into_iter().chain(kernel).collect();
        // With such a frame or kernel, all other sizes follow from the mistake.
        if wrong.is_empty() { self.hidden_problems().chain(self.window_problem()).collect() } else { wrong }
    }

    fn channels(&self) -> u64 {
        channels(self).unsigned_abs()
    }

    fn layer_parameters(&self, layer: usize) -> u64 {
        let ModelConfig { hidden, kernel, norm } = &self.model;
        let own = hidden[layer] as u64;
        let inputs = if layer == 0 { self.channels() } else { hidden[layer - 1] as u64 };
        let gates = product(&[4, own]);
        let weights = product(&[gates, sum([inputs, own]), *kernel as u64, *kernel as u64]);
        let norm = match norm {
            _ if layer + 1 == hidden.len() => 0,
            Norm::Layer => product(&[2, own, self.prepare.cells()]),
            Norm::Group => product(&[2, own]),
            Norm::None => 0,
        };
        sum([weights, gates, norm])
    }

    /// Input, target and output.
    fn window_bytes(&self) -> u64 {
        let (inputs, targets) = (self.windows.input_frames as u64, self.windows.target_frames as u64);
        product(&[sum([inputs, targets, targets]), self.channels(), self.prepare.cells(), FP32_BYTES])
    }

    /// The state of every layer after every frame: the backward pass needs all of them.
    fn state_bytes(&self) -> u64 {
        let hidden = sum(self.model.hidden.iter().map(|hidden| *hidden as u64));
        product(&[self.windows.input_frames as u64, hidden, self.prepare.cells(), STATE_BYTES])
    }

    fn hidden_problems(&self) -> impl Iterator<Item = Problem> {
        let all = (0..self.model.hidden.len()).map(|layer| (layer, self.layer_parameters(layer)));
        let impossible = all.filter(|(_, parameters)| bytes_to_train(*parameters) > IMPOSSIBLE_BYTES);
        impossible.map(|(layer, parameters)| {
            let message = format!(
                "this layer would have {}; its weights, gradient and optimizer take {}, which no machine has",
                number(parameters, "parameter"),
                size(bytes_to_train(parameters))
            );
            Problem::new(format!("model.hidden.{layer}"), message, "write 16 to 256 or so")
        })
    }

    fn window_problem(&self) -> Option<Problem> {
        let needed = self.needs().sample_bytes;
        let [key, frames] = match self.windows.input_frames >= self.windows.target_frames {
            true => ["input_frames", "input frames"],
            false => ["target_frames", "target frames"],
        };
        (needed > IMPOSSIBLE_BYTES && self.hidden_problems().next().is_none()).then(|| {
            let message = format!(
                "with so many {frames}, one window takes {} in training with this frame and model, which no machine has",
                size(needed)
            );
            Problem::new(format!("windows.{key}"), message, "lower it, `prepare.size` or `model.hidden`")
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

impl ModelConfig {
    /// A kernel that is wider than this never has its outer weights over the frame.
    fn kernel_problem(&self, prepare: &PrepareConfig) -> Option<Problem> {
        let shorter = prepare.size[0].min(prepare.size[1]);
        let widest = shorter.saturating_mul(2).saturating_sub(1);
        (self.kernel > widest && shorter > 0).then(|| {
            let message = format!(
                "a kernel of {} is wider than a frame of {shorter} can use: its outer weights see only the outside",
                self.kernel
            );
            Problem::new("kernel", message, format!("write 3 or 5, at most {widest}"))
        })
    }
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
    use crate::task::nowcast::model::forecaster;

    fn config(change: impl FnOnce(&mut NowcastConfig)) -> NowcastConfig {
        let mut config = NowcastConfig::default();
        change(&mut config);
        config
    }

    #[test]
    fn the_parameters_are_those_of_the_model() {
        for norm in [Norm::Layer, Norm::Group, Norm::None] {
            let config = config(|config| {
                config.model = ModelConfig { hidden: vec![3, 8, 5], kernel: 5, norm };
                config.prepare.size = [11, 13];
            });
            assert_eq!(
                config.needs().parameters,
                forecaster(&config, &crate::util::quantity::Quantity::default()).layout().count() as u64
            );
        }
    }

    #[test]
    fn a_sample_takes_no_less_than_its_frames_and_states() {
        let config = config(|config| {
            config.model.hidden = vec![4, 6];
            config.prepare.size = [20, 30];
            config.windows.input_frames = 3;
            config.windows.target_frames = 2;
        });
        assert_eq!(config.needs().sample_bytes, 600 * (7 * 4 + 3 * 10 * 2));
    }

    #[test]
    fn impossible_sizes_are_refused_at_their_key_and_nothing_overflows() {
        let paths = |change: &dyn Fn(&mut NowcastConfig)| {
            let found = config(change).size_problems();
            found.into_iter().map(|problem| problem.path).collect::<Vec<_>>()
        };
        for hidden in [100_000, 1_000_000_000_000, usize::MAX] {
            assert_eq!(paths(&|config| config.model.hidden = vec![8, hidden])[..1], ["model.hidden.1"]);
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
                config.model.kernel = kernel;
            })
        };
        assert_eq!(
            (kernel(99), kernel(usize::MAX)),
            (vec!["model.kernel".to_owned()], vec!["model.kernel".to_owned()])
        );
        assert_eq!((kernel(63), paths(&|_| {})), (vec![], vec![]));
    }
}
