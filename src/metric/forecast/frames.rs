//! Scores of whole frames as benchmarks of video prediction define them, summed: MSE, MAE, SSIM and PSNR by the convention of
//! OpenSTL (`openstl/core/metrics.py`). How a frame is measured is in `verify/frames`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metric::better::Better;
use crate::metric::score::{ScoreSpec, Show};

/// Whose definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Convention {
    /// OpenSTL: errors on the scale 0 to 1 are summed over the cells of a frame, SSIM has a uniform window of 7 x 7 and a data
    /// range of 2, PSNR is averaged over frames.
    Openstl,
}

impl Convention {
    /// The key in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Openstl => "openstl",
        }
    }

    /// The scores, in the order of [`FrameSums::scores`].
    #[must_use]
    pub fn specs(self) -> [ScoreSpec; 4] {
        let spec = |name: &str, label, better, show, meaning| {
            ScoreSpec::new(format!("{}_{name}", self.name()), label, better).shown(show).meaning(meaning)
        };
        let (first, lower) = (Show::First, Better::Lower);
        let mse = "mean over frames of the squared errors on the scale 0 to 1, summed over the cells; 0 is perfect";
        let mae = "mean over frames of the absolute errors on the scale 0 to 1, summed over the cells; 0 is perfect";
        let ssim = "structural similarity as OpenSTL computes it: windows of 7 x 7, data range 2; 1 is perfect";
        let psnr = "peak signal-to-noise ratio as OpenSTL computes it: the mean over frames; higher is better";
        [
            spec("mse", "MSE per frame", lower, first, mse),
            spec("mae", "MAE per frame", lower, Show::Drawn, mae),
            spec("ssim", "SSIM (OpenSTL)", Better::Higher, first, ssim),
            spec("psnr_db", "PSNR (OpenSTL)", Better::Higher, Show::Drawn, psnr).unit("dB"),
        ]
    }
}

/// Sums over frames. The channels of one time are one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FrameSums {
    /// The frames that were compared.
    pub frames: u64,
    /// The absolute errors of all cells.
    pub absolute: f64,
    /// The squared errors of all cells.
    pub squares: f64,
    /// The similarities of the frames.
    pub similarity: f64,
    /// The signal-to-noise ratios of the frames with an error, in dB.
    pub ratio: f64,
    /// The frames without any error: their ratio is infinite.
    pub exact: u64,
}

impl FrameSums {
    /// Adds another sum.
    pub fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.absolute += other.absolute;
        self.squares += other.squares;
        self.similarity += other.similarity;
        self.ratio += other.ratio;
        self.exact += other.exact;
    }

    /// MSE, MAE, SSIM and PSNR. With a frame without any error the mean PSNR is infinite, which is no number.
    #[must_use]
    pub fn scores(&self) -> [Option<f64>; 4] {
        let mean = |sum: f64| (self.frames > 0).then(|| sum / self.frames as f64);
        let ratio = mean(self.ratio).filter(|_| self.exact == 0);
        [mean(self.squares), mean(self.absolute), mean(self.similarity), ratio]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_means_over_frames_and_undefined_without_any() {
        assert_eq!(FrameSums::default().scores(), [None; 4]);
        let mut sums = FrameSums { frames: 1, absolute: 8.0, squares: 4.0, similarity: 0.5, ratio: 20.0, exact: 0 };
        sums.add(&FrameSums { frames: 1, absolute: 4.0, squares: 1.0, similarity: 0.9, ratio: 30.0, exact: 0 });
        assert_eq!(sums.scores(), [Some(2.5), Some(6.0), Some(0.7), Some(25.0)]);
        sums.add(&FrameSums { frames: 1, similarity: 1.0, exact: 1, ..FrameSums::default() });
        assert_eq!(sums.scores()[3], None, "one frame is exact");
    }
}
