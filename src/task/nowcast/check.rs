//! Checks for invalid values in the `task.nowcast` section that types alone don't catch.

use std::collections::HashSet;

use crate::metric::choice::offered;
use crate::metric::forecast::frames::Convention;
use crate::util::problem::Problem;

use super::config::{
    AugmentConfig, Levels, LossConfig, NowcastConfig, PrepareConfig, SamplingConfig, ScoresConfig, SplitConfig,
    WindowsConfig,
};

/// The side of the Gaussian window that SSIM looks through: a smaller frame has no structure to compare.
pub(super) const SSIM_WINDOW: usize = 11;

impl NowcastConfig {
    /// All invalid values in this section.
    #[must_use]
    pub fn section_problems(&self) -> Vec<Problem> {
        let sections = [
            ("prepare", self.prepare.problems()),
            ("windows", self.windows.problems()),
            ("split", self.split.problems()),
            ("model", self.model.problems(self)),
            ("augment", self.augment.problems(self)),
            ("sampling", self.sampling.problems(&self.prepare)),
            ("loss", self.loss.problems(&self.trained_frames())),
            ("scores", self.scores.problems(&self.prepare)),
        ];
        let own = sections.into_iter().flat_map(|(key, found)| found.into_iter().map(|problem| problem.below(key)));
        own.chain(self.size_problems()).collect()
    }
}

impl NowcastConfig {
    /// How frames are prepared, but with the rows and columns of the parts that are trained on.
    pub(super) fn trained_frames(&self) -> PrepareConfig {
        PrepareConfig { size: self.augment.crop.unwrap_or(self.prepare.size), ..self.prepare.clone() }
    }
}

impl PrepareConfig {
    /// All invalid values in this section.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.variable.trim().is_empty() {
            found.push(Problem::new("variable", "the name is empty", "write the variable's name in the files: DBZ"));
        }
        for (index, side) in self.size.into_iter().enumerate().filter(|(_, side)| *side < SSIM_WINDOW) {
            let message = format!("a frame needs at least {SSIM_WINDOW} rows and columns, got {side}");
            found.push(Problem::new(format!("size.{index}"), message, "write [rows, columns], such as [250, 250]"));
        }
        if self.min >= self.max {
            let message = format!("must be above min = {}, got {}", self.min, self.max);
            found.push(Problem::new("max", message, "write the weakest value as min, the strongest as max"));
        }
        if !(0.0..=1.0).contains(&self.max_bad_share) {
            let message = format!("a share is between 0 and 1, got {}", self.max_bad_share);
            found.push(Problem::new("max_bad_share", message, "write 0.05 for five in a hundred"));
        }
        if let Levels::Channels(levels) = &self.levels {
            found.extend(channel_problems(levels).into_iter().map(|problem| problem.below("levels.channels")));
        }
        found
    }
}

fn channel_problems(levels: &[usize]) -> Vec<Problem> {
    let remedy = "write the numbers of the levels, counted from 0 at the ground: channels: [2, 4, 6]";
    if levels.is_empty() {
        return vec![Problem::new("", "no level is chosen", remedy)];
    }
    let mut seen = HashSet::new();
    let repeated = levels.iter().enumerate().filter(|(_, level)| !seen.insert(**level));
    repeated
        .map(|(index, level)| Problem::new(index.to_string(), format!("level {level} is listed twice"), remedy))
        .collect()
}

impl WindowsConfig {
    /// All invalid values in this section.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let counts =
            [("input_frames", self.input_frames), ("target_frames", self.target_frames), ("stride", self.stride)];
        let zeros = counts.into_iter().filter(|(_, count)| *count == 0);
        let mut found: Vec<_> =
            zeros.map(|(key, _)| Problem::new(key, "must be at least 1, got 0", "write 1 or more")).collect();
        if self.max_gap < 1.0 {
            let message = format!("must be at least 1, got {}: no interval would be short enough", self.max_gap);
            found.push(Problem::new("max_gap", message, "write 1.5"));
        }
        found
    }
}

impl SplitConfig {
    /// All invalid values in this section.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let shares = [("val_share", self.val_share), ("test_share", self.test_share)];
        let mut found: Vec<_> = shares
            .into_iter()
            .filter(|(_, share)| !(0.0..1.0).contains(share))
            .map(|(key, share)| {
                let message = format!("a share is at least 0 and below 1, got {share}");
                Problem::new(key, message, "write 0.2 for a fifth of the windows")
            })
            .collect();
        if found.is_empty() && self.val_share + self.test_share >= 1.0 {
            let message = format!(
                "nothing is left to train on: val_share {} + test_share {} is not below 1",
                self.val_share, self.test_share
            );
            found.push(Problem::new("test_share", message, "lower one of the shares"));
        }
        found
    }
}

impl AugmentConfig {
    /// All invalid values in this section.
    #[must_use]
    pub fn problems(&self, config: &NowcastConfig) -> Vec<Problem> {
        let mut found = Vec::new();
        if let Some([least, most]) = self.shift {
            let span = config.prepare.max - config.prepare.min;
            if least > most || least.abs().max(most.abs()) >= span {
                let message =
                    format!("must ascend and be smaller than the range of values, {span}, got [{least}, {most}]");
                found.push(Problem::new("shift", message, shift_remedy(span)));
            }
        }
        let Some(crop) = self.crop else { return found };
        for (index, (side, whole)) in crop.into_iter().zip(config.prepare.size).enumerate() {
            if !(SSIM_WINDOW..=whole).contains(&side) {
                let message = format!("a part has {SSIM_WINDOW} to {whole} rows and columns, got {side}");
                found.push(Problem::new(format!("crop.{index}"), message, "write [rows, columns], or null"));
            }
        }
        if config.model.is_of_one_size() && found.is_empty() {
            let message = "with `norm: layer` the weights fit one frame size only, so that parts can't be trained on";
            found.push(Problem::new("crop", message, "set `model.norm: group`, or `augment.crop: null`"));
        }
        found
    }
}

/// Growth and decay of storms are some decibels; of anything else, a tenth of its range is a beginning.
fn shift_remedy(span: f64) -> String {
    let most_db = 10.0;
    match span {
        _ if span > most_db => "write [-4, 10] for dBZ, or null".to_owned(),
        _ if span > 0.0 => format!("write [-{0}, {0}], a tenth of the range, or null", span / 10.0),
        _ => "write null".to_owned(),
    }
}

impl SamplingConfig {
    /// All invalid values in this section.
    #[must_use]
    pub fn problems(&self, prepare: &PrepareConfig) -> Vec<Problem> {
        let Some(wet) = &self.wet else { return Vec::new() };
        let mut found = Vec::new();
        if let Some(message) = outside(wet.above, prepare) {
            found.push(Problem::new("wet.above", message, "write a value inside that range"));
        }
        if !(0.0..=1.0).contains(&wet.share) {
            let message = format!("a share is between 0 and 1, got {}", wet.share);
            found.push(Problem::new("wet.share", message, "write 0.5 for every second window"));
        }
        found
    }
}

impl LossConfig {
    /// All invalid values in this section.
    #[must_use]
    pub fn problems(&self, prepare: &PrepareConfig) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.huber_delta <= 0.0 {
            let message = format!("must be above 0, got {}", self.huber_delta);
            found.push(Problem::new("huber_delta", message, "write 1.0"));
        }
        if !(0.0..=1.0).contains(&self.ssim_weight) {
            let message = format!("a share is between 0 and 1, got {}", self.ssim_weight);
            found.push(Problem::new("ssim_weight", message, "write 0.5 for equal parts, 0 for no SSIM"));
        }
        // The default is not the user's mistake.
        if let Some(message) = outside(self.high, prepare).filter(|_| self.high != LossConfig::default().high) {
            found.push(Problem::new("high", message, "write a value inside that range"));
        }
        for (key, weight) in [("high_weight", self.high_weight), ("last_lead_weight", self.last_lead_weight)] {
            if weight <= 0.0 {
                found.push(Problem::new(
                    key,
                    format!("a weight must be above 0, got {weight}"),
                    "write 1 for no effect",
                ));
            }
        }
        found.extend(self.term_problems(prepare));
        found
    }
}

impl ScoresConfig {
    /// All invalid values in this section.
    #[must_use]
    pub fn problems(&self, prepare: &PrepareConfig) -> Vec<Problem> {
        let mut found = Vec::new();
        let thresholds = self.thresholds.as_deref();
        if thresholds.is_some_and(<[f64]>::is_empty) {
            found.push(Problem::new("thresholds", "at least one threshold is needed", "write [35], or null"));
        }
        let thresholds = thresholds.unwrap_or_default();
        for (index, threshold) in thresholds.iter().enumerate() {
            let path = format!("thresholds.{index}");
            if let Some(message) = outside(*threshold, prepare) {
                found.push(Problem::new(path, message, "write values inside that range"));
            } else if index > 0 && *threshold <= thresholds[index - 1] {
                let message = format!("{threshold} does not rise above {}", thresholds[index - 1]);
                found.push(Problem::new(path, message, "write the thresholds from the weakest to the strongest"));
            }
        }
        found.extend(self.unknown_primary(prepare));
        for (index, scale) in self.fss_scales_px.iter().enumerate() {
            let path = format!("fss_scales_px.{index}");
            let widest = prepare.size[0].min(prepare.size[1]);
            if scale.is_multiple_of(2) {
                found.push(Problem::new(
                    path,
                    format!("must be odd, so that the square has a centre, got {scale}"),
                    "write 1, 5, 15",
                ));
            } else if *scale > widest && self.fss_scales_px != ScoresConfig::default().fss_scales_px {
                let message = format!("a square of {scale} cells does not fit into a frame of {widest}");
                found.push(Problem::new(path, message, "leave it out, or enlarge `prepare.size`"));
            }
        }
        found
    }
}

impl ScoresConfig {
    /// A score that is not measured can't decide.
    fn unknown_primary(&self, prepare: &PrepareConfig) -> Option<Problem> {
        let wanted = self.primary.as_ref()?;
        let names = |scores: &Self| scores.possible(prepare).into_iter().map(|spec| spec.name).collect::<Vec<_>>();
        let known = names(self);
        let with_frames = Self { frames: Some(Convention::Openstl), ..self.clone() };
        let remedy = match self.frames {
            None if names(&with_frames).contains(wanted) => {
                format!("set `scores.frames: openstl`, which measures {wanted}, or write null")
            }
            _ => format!("write one of {}, or null", offered(wanted, &known)),
        };
        let message = format!("there is no score {wanted} at these thresholds and scales");
        (!known.contains(wanted)).then(|| Problem::new("primary", message, remedy))
    }
}

pub(super) fn outside(value: f64, prepare: &PrepareConfig) -> Option<String> {
    let (min, max) = (prepare.min, prepare.max);
    (min < max && !(min..max).contains(&value)).then(|| format!("{value} is outside of what is kept, {min} to {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(change: impl FnOnce(&mut NowcastConfig)) -> Vec<String> {
        let mut config = NowcastConfig::default();
        change(&mut config);
        config.section_problems().into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn the_defaults_make_sense() {
        assert_eq!(paths(|_| {}), [""; 0]);
    }

    #[test]
    fn frames_and_ranges_that_hold_nothing_are_refused() {
        let found = paths(|config| {
            config.prepare.size = [0, 250];
            config.prepare.max = -29.0;
            config.prepare.max_bad_share = 5.0;
            config.prepare.levels = Levels::Channels(vec![1, 2, 1]);
            config.scores.fss_scales_px.clear();
        });
        let keys = ["size.0", "max", "max_bad_share", "levels.channels.2"];
        assert_eq!(found, keys.map(|key| format!("prepare.{key}")));
    }

    #[test]
    fn windows_without_frames_and_splits_without_training_are_refused() {
        let found = paths(|config| {
            config.windows = WindowsConfig { input_frames: 0, target_frames: 0, stride: 0, max_gap: 0.5 };
            config.split = SplitConfig { val_share: 0.6, test_share: 0.4, ..SplitConfig::default() };
        });
        let windows = ["input_frames", "target_frames", "stride", "max_gap"].map(|key| format!("windows.{key}"));
        assert_eq!(found, [&windows[..], &["split.test_share".to_owned()]].concat());
        assert_eq!(paths(|config| config.split.val_share = 1.0), ["split.val_share"]);
    }

    #[test]
    fn a_model_without_layers_or_with_an_even_kernel_is_refused() {
        assert_eq!(paths(|config| config.model.convlstm().hidden.clear()), ["model.hidden"]);
        assert_eq!(paths(|config| config.model.convlstm().hidden[1] = 0), ["model.hidden.1"]);
        assert_eq!(paths(|config| config.model.convlstm().kernel = 4), ["model.kernel"]);
    }

    #[test]
    fn thresholds_must_lie_in_the_range_that_is_kept_and_rise() {
        assert_eq!(paths(|config| config.scores.thresholds = Some(vec![20.0, 70.0])), ["scores.thresholds.1"]);
        assert_eq!(paths(|config| config.scores.thresholds = Some(vec![30.0, 20.0])), ["scores.thresholds.1"]);
        assert_eq!(paths(|config| config.loss.high = 65.0), ["loss.high"]);
        assert!(paths(|config| (config.prepare.min, config.prepare.max) = (0.0, 5.0)).is_empty());
        assert_eq!(paths(|config| config.scores.fss_scales_px = vec![1, 301]), ["scores.fss_scales_px.1"]);
        // The user did not write the default scales, so those that don't fit into small frames are left out.
        assert!(paths(|config| config.prepare.size = [16, 64]).is_empty());
        assert_eq!(paths(|config| config.scores.fss_scales_px = vec![0, 4]).len(), 2);
    }
}
