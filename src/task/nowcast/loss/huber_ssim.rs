//! (1 - w) Huber + w (1 - SSIM), the original loss.

use tch::{Device, Reduction, Tensor};

use super::cells::Cells;
use crate::nn::ssim::Ssim;
use crate::task::nowcast::config::{LossConfig, NowcastConfig};

/// The normalised value above which an echo is strong, if the configured default is outside of the range: 8.6 dBZ of -29 to
/// 65.
const USUALLY_HIGH: f64 = 0.4;

/// Both with their settings.
#[derive(Debug)]
pub(super) struct HuberSsim {
    pub(super) settings: LossConfig,
    /// The normalised value above which an echo is strong.
    pub(super) high: f64,
    ssim: Ssim,
}

impl HuberSsim {
    pub(super) fn new(config: &NowcastConfig, device: Device) -> Self {
        let prepare = &config.prepare;
        let is_inside = (prepare.min..prepare.max).contains(&config.loss.high);
        let high =
            if is_inside { (config.loss.high - prepare.min) / (prepare.max - prepare.min) } else { USUALLY_HIGH };
        let frame = prepare.size.map(|size| size as i64);
        Self { settings: config.loss.clone(), high, ssim: Ssim::new(frame, device) }
    }

    /// Huber and 1 - SSIM of each sample, with their graphs, if they are measured.
    pub(super) fn parts(&self, cells: &Cells<'_>, [huber, distance]: [bool; 2]) -> [Option<Tensor>; 2] {
        [huber.then(|| cells.mean(&self.huber(cells))), distance.then(|| cells.mean(&self.distance(cells)))]
    }

    /// Huber (1964): half the square of a small error, linear in a large one. An error at a strong echo counts more.
    fn huber(&self, cells: &Cells<'_>) -> Tensor {
        let strong = cells.target.gt(self.high).to_kind(tch::Kind::Float) * (self.settings.high_weight - 1.0) + 1.0;
        cells.prediction.huber_loss(cells.target, Reduction::None, self.settings.huber_delta) * strong
    }

    /// 1 - SSIM. What is unknown is 0 in both images, so the similarity near it sees no unknown difference.
    fn distance(&self, cells: &Cells<'_>) -> Tensor {
        let (prediction, target) = (cells.prediction, cells.target);
        let image = match cells.known {
            Some(known) => self.ssim.image(&(prediction * known), &(target * known)),
            None => self.ssim.image(prediction, target),
        };
        1.0 - image
    }
}
