//! Checks for invalid values in the terms of a loss that types alone don't catch.

use super::config::{AbsoluteConfig, CsiConfig, FssConfig};
use crate::task::nowcast::check::outside;
use crate::task::nowcast::config::{LossConfig, PrepareConfig};
use crate::util::problem::Problem;

/// Widths that the range of values has: at least, and usually.
const LEAST_WIDTHS: f64 = 10.0;
const USUAL_WIDTHS: f64 = 60.0;

impl LossConfig {
    /// All invalid values in the terms beside Huber and SSIM, and in the weights of all.
    pub(in crate::task::nowcast) fn term_problems(&self, prepare: &PrepareConfig) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.huber_ssim_weight < 0.0 {
            let message = format!("a weight is 0 or more, got {}", self.huber_ssim_weight);
            found.push(Problem::new("huber_ssim_weight", message, "write 1.0, or 0 for a loss without Huber and SSIM"));
        }
        if self.huber_ssim_weight == 0.0 && self.absolute.is_none() && self.csi.is_none() && self.fss.is_none() {
            let remedy = "write 1.0, or turn on absolute, csi or fss";
            found.push(Problem::new("huber_ssim_weight", "is 0, and there is nothing else to make small", remedy));
        }
        let terms = [
            ("absolute", self.absolute.as_ref().map(|term| term.problems(prepare))),
            ("csi", self.csi.as_ref().map(|term| term.problems(prepare))),
            ("fss", self.fss.as_ref().map(|term| term.problems(prepare))),
        ];
        let below = |(key, problems): (&'static str, Option<Vec<Problem>>)| {
            problems.into_iter().flatten().map(move |problem| problem.below(key))
        };
        found.extend(terms.into_iter().flat_map(below));
        found
    }
}

impl AbsoluteConfig {
    fn problems(&self, prepare: &PrepareConfig) -> Vec<Problem> {
        let mut found: Vec<Problem> = weight_problem(self.weight).into_iter().collect();
        let above = self.above.as_deref().unwrap_or_default();
        let thresholds: Vec<f64> = above.iter().map(|[threshold, _]| *threshold).collect();
        let at = |index: usize| format!("above.{index}.0");
        found.extend(threshold_problems(&thresholds, prepare, at));
        for (index, [threshold, weight]) in above.iter().enumerate().filter(|(_, [_, weight])| *weight <= 0.0) {
            let message = format!("a weight must be above 0, got {weight} above {threshold}");
            found.push(Problem::new(
                format!("above.{index}.1"),
                message,
                "write pairs [threshold, weight]: [[35, 10]]",
            ));
        }
        found
    }
}

impl CsiConfig {
    fn problems(&self, prepare: &PrepareConfig) -> Vec<Problem> {
        let own = weight_problem(self.weight).into_iter().chain(width_problem(self.width, prepare));
        own.chain(event_problems(self.thresholds.as_deref(), prepare)).collect()
    }
}

impl FssConfig {
    fn problems(&self, prepare: &PrepareConfig) -> Vec<Problem> {
        let own = weight_problem(self.weight).into_iter().chain(width_problem(self.width, prepare));
        let mut found: Vec<Problem> = own.chain(event_problems(self.thresholds.as_deref(), prepare)).collect();
        if self.scales_px.is_empty() {
            found.push(Problem::new("scales_px", "at least one square is needed", "write [5, 15], or `fss: null`"));
        }
        let widest = prepare.size[0].min(prepare.size[1]);
        for (index, scale) in self.scales_px.iter().enumerate() {
            let path = format!("scales_px.{index}");
            if scale.is_multiple_of(2) {
                let message = format!("must be odd, so that the square has a centre, got {scale}");
                found.push(Problem::new(path, message, "write 5, 15"));
            } else if self.scales_px[..index].contains(scale) {
                found.push(Problem::new(path, format!("{scale} is listed twice"), "write each size once"));
            } else if *scale > widest && self.scales_px != Self::default().scales_px {
                let message = format!("a square of {scale} cells does not fit into a frame of {widest}");
                found.push(Problem::new(path, message, "leave it out, or enlarge `prepare.size` or `augment.crop`"));
            }
        }
        found
    }
}

fn weight_problem(weight: f64) -> Option<Problem> {
    let message = format!("a weight must be above 0, got {weight}");
    (weight <= 0.0)
        .then(|| Problem::new("weight", message, "write 0.1 or so; write null for the whole term to turn it off"))
}

fn width_problem(width: f64, prepare: &PrepareConfig) -> Option<Problem> {
    let span = prepare.max - prepare.min;
    let message = match width {
        _ if width <= 0.0 => format!("must be above 0, got {width}: a step has no gradient"),
        _ if width > span / LEAST_WIDTHS => {
            format!("is {width}, and the range of values is {span}: every value would be an event in part")
        }
        _ => return None,
    };
    let usual = (span / USUAL_WIDTHS * 100.0).round() / 100.0;
    Some(Problem::new("width", message, format!("write 1.5 for dBZ, for other units about 1/60 of the range, {usual}")))
}

fn event_problems(thresholds: Option<&[f64]>, prepare: &PrepareConfig) -> Vec<Problem> {
    if thresholds.is_some_and(<[f64]>::is_empty) {
        return vec![Problem::new("thresholds", "at least one threshold is needed", "write [35], or null")];
    }
    threshold_problems(thresholds.unwrap_or_default(), prepare, |index| format!("thresholds.{index}"))
}

/// Thresholds must be inside the range that is kept, and rise.
fn threshold_problems(thresholds: &[f64], prepare: &PrepareConfig, at: impl Fn(usize) -> String) -> Vec<Problem> {
    let mut found = Vec::new();
    for (index, threshold) in thresholds.iter().enumerate() {
        if let Some(message) = outside(*threshold, prepare) {
            found.push(Problem::new(at(index), message, "write values inside that range"));
        } else if index > 0 && *threshold <= thresholds[index - 1] {
            let message = format!("{threshold} does not rise above {}", thresholds[index - 1]);
            found.push(Problem::new(at(index), message, "write the thresholds from the weakest to the strongest"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(change: impl FnOnce(&mut LossConfig)) -> Vec<String> {
        let mut config = LossConfig::default();
        change(&mut config);
        config.problems(&PrepareConfig::default()).into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn every_term_with_its_defaults_makes_sense() {
        let found = paths(|config| {
            config.huber_ssim_weight = 0.0;
            config.absolute = Some(AbsoluteConfig::default());
            config.csi = Some(CsiConfig::default());
            config.fss = Some(FssConfig::default());
        });
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn a_loss_of_nothing_and_negative_weights_are_refused() {
        assert_eq!(paths(|config| config.huber_ssim_weight = 0.0), ["huber_ssim_weight"]);
        let found = paths(|config| {
            config.huber_ssim_weight = -1.0;
            config.absolute = Some(AbsoluteConfig { weight: 0.0, above: Some(vec![[20.0, 0.0]]) });
            config.csi = Some(CsiConfig { weight: -0.1, width: 0.0, ..CsiConfig::default() });
            config.fss = Some(FssConfig { weight: 0.0, width: -1.0, ..FssConfig::default() });
        });
        let expected = [
            "huber_ssim_weight",
            "absolute.weight",
            "absolute.above.0.1",
            "csi.weight",
            "csi.width",
            "fss.weight",
            "fss.width",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn thresholds_must_be_in_the_range_that_is_kept_and_rise_and_squares_must_be_odd_and_fit() {
        let found = paths(|config| {
            config.absolute =
                Some(AbsoluteConfig { above: Some(vec![[20.0, 2.0], [20.0, 3.0]]), ..Default::default() });
            config.csi = Some(CsiConfig { thresholds: Some(vec![35.0, 70.0]), ..CsiConfig::default() });
            config.fss =
                Some(FssConfig { thresholds: Some(Vec::new()), scales_px: vec![4, 5, 5, 301], ..FssConfig::default() });
        });
        let expected = [
            "absolute.above.1.0",
            "csi.thresholds.1",
            "fss.thresholds",
            "fss.scales_px.0",
            "fss.scales_px.2",
            "fss.scales_px.3",
        ];
        assert_eq!(found, expected);
        assert_eq!(
            paths(|config| config.fss = Some(FssConfig { scales_px: vec![], ..Default::default() })),
            ["fss.scales_px"]
        );
    }
}
