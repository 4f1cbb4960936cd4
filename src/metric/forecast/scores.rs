//! The scores that follow from [`super::sums::LeadSums`]: their names, what they mean, and where they are shown. A name is a kind and what
//! it is measured at: `csi_35` at 35 dBZ, `fss_20_5px` at 20 dBZ in squares of 5 cells. Names are never parsed. Those of
//! reflectivity errors end in its unit (`mae_dbz`), those of other quantities don't (`mae`).

use super::frames::Convention;
use super::sums::Levels;
use crate::metric::better::Better;
use crate::metric::score::{ScoreSpec, Show};

/// Scores of a table of hits and misses: name, label, family, meaning, direction, and where they are shown.
type AtThreshold = (&'static str, &'static str, &'static str, &'static str, Better, Show);

/// Those that come before the fractions skill score, in the order of [`LeadSums::scores`](super::sums::LeadSums::scores).
const BEFORE: [AtThreshold; 4] = [
    (
        "csi",
        "CSI",
        "CSI",
        "critical success index: hits / (hits + misses + false alarms); 1 is perfect",
        Better::Higher,
        Show::First,
    ),
    (
        "pod",
        "POD",
        "POD",
        "probability of detection: the share of observed events that were forecast; 1 is perfect",
        Better::Higher,
        Show::Table,
    ),
    (
        "far",
        "FAR",
        "FAR",
        "false alarm ratio: the share of forecast events that did not occur; 0 is perfect",
        Better::Lower,
        Show::Table,
    ),
    (
        "bias",
        "Frequency bias",
        "Bias",
        "frequency bias: events forecast per event observed; 1 is perfect",
        Better::NearerOne,
        Show::Table,
    ),
];

/// Those that come after it.
const AFTER: [AtThreshold; 3] = [
    (
        "hss",
        "HSS",
        "HSS",
        "Heidke skill score: how much better than chance; 1 is perfect, 0 is chance",
        Better::Higher,
        Show::Listed,
    ),
    (
        "ets",
        "ETS",
        "ETS",
        "equitable threat score: the critical success index beyond chance; 1 is perfect",
        Better::Higher,
        Show::Listed,
    ),
    (
        "peirce",
        "Peirce skill score",
        "Peirce",
        "Peirce skill score: detection minus false alarm rate; 1 is perfect, 0 is chance",
        Better::Higher,
        Show::Listed,
    ),
];

/// The scores that follow from sums at these levels, in the order of their values.
#[must_use]
pub fn specs(levels: &Levels) -> Vec<ScoreSpec> {
    let mut specs = Vec::new();
    specs.extend(BEFORE.iter().flat_map(|kind| at_thresholds(levels, kind)));
    specs.extend(fractions(levels));
    specs.extend(AFTER.iter().flat_map(|kind| at_thresholds(levels, kind)));
    specs.extend(of_all_cells(&levels.unit));
    specs.extend(levels.frames.into_iter().flat_map(Convention::specs));
    specs
}

fn at_thresholds(levels: &Levels, kind: &AtThreshold) -> Vec<ScoreSpec> {
    let (name, label, family, meaning, better, show) = *kind;
    let spec = |threshold: &f64| {
        let spec = ScoreSpec::new(format!("{name}_{threshold}"), at(label, *threshold, levels), better);
        spec.family(family).meaning(meaning).shown(show)
    };
    levels.thresholds.iter().map(spec).collect()
}

/// The fractions skill score for each scale, of which the middle one is drawn: the others say nearly the same.
fn fractions(levels: &Levels) -> Vec<ScoreSpec> {
    let middle = levels.scales_px.len() / 2;
    let spec = |threshold: f64, (place, scale): (usize, &usize)| {
        let (name, label) =
            (format!("fss_{threshold}_{scale}px"), format!("{}, {scale} px", at("FSS", threshold, levels)));
        let show = if place == middle { Show::Drawn } else { Show::Listed };
        let meaning = "fractions skill score: the shares of events in squares of so many cells; 1 is perfect";
        ScoreSpec::new(name, label, Better::Higher).family("FSS").meaning(meaning).shown(show)
    };
    let scales = || levels.scales_px.iter().enumerate();
    levels.thresholds.iter().flat_map(|threshold| scales().map(move |scale| spec(*threshold, scale))).collect()
}

/// "CSI at 35 dBZ"; without a unit "CSI at 35".
fn at(label: &str, threshold: f64, levels: &Levels) -> String {
    format!("{label} at {threshold} {}", levels.unit).trim_end().to_owned()
}

/// The names of mean absolute error, root mean square error and mean error for values in a unit.
#[must_use]
pub fn error_names(unit: &str) -> [&'static str; 3] {
    if unit == "dBZ" { ["mae_dbz", "rmse_dbz", "me_dbz"] } else { ["mae", "rmse", "me"] }
}

fn of_all_cells(unit: &str) -> [ScoreSpec; 5] {
    let spec = |name, label, better, show, meaning| ScoreSpec::new(name, label, better).shown(show).meaning(meaning);
    let (first, lower) = (Show::First, Better::Lower);
    let [mae, rmse, me] = error_names(unit);
    [
        spec(mae, "MAE", lower, first, "mean absolute error; 0 is perfect").unit(unit),
        spec(rmse, "RMSE", lower, first, "root mean square error; 0 is perfect").unit(unit),
        spec(me, "Mean error", Better::NearerZero, Show::Table, "forecast minus observation, on average; 0 is perfect")
            .unit(unit),
        spec("ssim", "SSIM", Better::Higher, first, "structural similarity of frames; 1 is perfect"),
        spec("psnr_db", "PSNR", Better::Higher, Show::Listed, "peak signal-to-noise ratio; higher is better")
            .unit("dB"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::forecast::contingency::Contingency;
    use crate::metric::forecast::errors::ErrorSums;
    use crate::metric::forecast::sums::{LeadSums, SimilaritySums};

    fn levels() -> Levels {
        let (thresholds, scales_px) = (vec![20.0, 8.6], vec![1, 5, 15, 31]);
        Levels { thresholds, scales_px, span: 94.0, unit: "dBZ".into(), frames: None }
    }

    #[test]
    fn every_value_has_its_spec_and_every_name_is_another_one() {
        let specs = specs(&levels());
        assert_eq!(specs.len(), 2 * 7 + 2 * 4 + 5);
        assert_eq!(LeadSums::none(&levels()).scores(&levels()), vec![None; specs.len()]);
        let names: std::collections::BTreeSet<_> = specs.iter().map(|spec| &spec.name).collect();
        assert_eq!(names.len(), specs.len());
        assert!(specs.iter().all(|spec| !spec.meaning.is_empty() && spec.baseline.is_none()));
        let framed = Levels { frames: Some(Convention::Openstl), ..levels() };
        let names: Vec<String> = super::specs(&framed)[specs.len()..].iter().map(|spec| spec.name.clone()).collect();
        assert_eq!(names, ["openstl_mse", "openstl_mae", "openstl_ssim", "openstl_psnr_db"]);
        assert_eq!(LeadSums::none(&framed).scores(&framed), vec![None; specs.len() + 4]);
    }

    #[test]
    fn a_value_is_that_of_its_name() {
        let mut sums = LeadSums::none(&levels());
        let events = Contingency { hits: 82, false_alarms: 38, misses: 23, correct_negatives: 222 };
        sums.events[1] = events;
        sums.errors = ErrorSums { cells: 4, sum: -0.2, absolute: 0.4, squares: 0.04 };
        sums.similarity = SimilaritySums { frames: 2, sum: 1.5 };
        let scores = sums.scores(&levels());
        let value = |name: &str| scores[specs(&levels()).iter().position(|spec| spec.name == name).unwrap()];
        let expected = [
            ("csi_8.6", events.critical_success()),
            ("pod_8.6", events.detection()),
            ("far_8.6", events.false_alarm_ratio()),
            ("bias_8.6", events.bias()),
            ("hss_8.6", events.heidke()),
            ("ets_8.6", events.equitable_threat()),
            ("peirce_8.6", events.peirce()),
            ("csi_20", None),
            ("mae_dbz", sums.errors.mean_absolute().map(|value| value * 94.0)),
            ("rmse_dbz", sums.errors.root_mean_square().map(|value| value * 94.0)),
            ("me_dbz", sums.errors.mean().map(|value| value * 94.0)),
            ("ssim", Some(0.75)),
            ("psnr_db", sums.errors.peak_signal_to_noise()),
        ];
        expected.into_iter().for_each(|(name, expected)| assert_eq!(value(name), expected, "{name}"));
    }

    #[test]
    fn scores_have_labels_units_and_directions() {
        let specs = specs(&levels());
        let of = |name: &str| specs.iter().find(|spec| spec.name == name).unwrap();
        let titles =
            ["csi_20", "bias_8.6", "fss_20_5px", "rmse_dbz", "me_dbz", "psnr_db", "ssim"].map(|name| of(name).title());
        assert_eq!(
            titles,
            [
                "CSI at 20 dBZ",
                "Frequency bias at 8.6 dBZ",
                "FSS at 20 dBZ, 5 px",
                "RMSE, dBZ",
                "Mean error, dBZ",
                "PSNR, dB",
                "SSIM"
            ]
        );
        use Better::{Higher, Lower, NearerOne, NearerZero};
        let better = ["csi_20", "far_20", "bias_20", "me_dbz", "mae_dbz", "fss_20_5px"].map(|name| of(name).better);
        assert_eq!(better, [Higher, Lower, NearerOne, NearerZero, Lower, Higher]);
    }

    #[test]
    fn the_few_that_say_most_are_drawn() {
        let drawn: Vec<String> =
            specs(&levels()).into_iter().filter(ScoreSpec::is_drawn).map(|spec| spec.name).collect();
        assert_eq!(
            drawn,
            ["csi_20", "csi_8.6", "fss_20_15px", "fss_8.6_15px", "mae_dbz", "rmse_dbz", "ssim"],
            "of the scales the middle one"
        );
    }
}
