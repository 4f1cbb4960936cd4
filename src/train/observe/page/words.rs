//! Names and numbers for people: what scores are called, and how times read.

use crate::metric::naming;
use crate::report::curves::brief;

/// Scores that are known by their names: how they begin, what they are called, what they mean.
const KNOWN: [(&str, &str, &str); 15] = [
    ("csi", "CSI", "critical success index: hits / (hits + misses + false alarms); 1 is perfect"),
    ("fss", "FSS", "fractions skill score: the shares of events in squares of so many cells; 1 is perfect"),
    ("pod", "POD", "probability of detection: the share of observed events that were forecast; 1 is perfect"),
    ("far", "FAR", "false alarm ratio: the share of forecast events that did not come; 0 is perfect"),
    ("bias", "Bias", "frequency bias: events forecast per event observed; 1 is perfect"),
    ("hss", "HSS", "Heidke skill score: how much better than chance; 1 is perfect, 0 is chance"),
    ("ets", "ETS", "equitable threat score: the critical success index beyond chance; 1 is perfect"),
    ("peirce", "Peirce", "Peirce skill score: detection less false detection; 1 is perfect, 0 is chance"),
    ("mae", "MAE", "mean absolute error; 0 is perfect"),
    ("rmse", "RMSE", "root mean square error; 0 is perfect"),
    ("me", "Mean error", "forecast less observation, averaged; 0 is perfect"),
    ("ssim", "SSIM", "structural similarity of frames; 1 is perfect"),
    ("psnr", "PSNR", "peak signal-to-noise ratio; higher is better"),
    ("loss", "Loss", "what training makes small"),
    ("lr", "Learning rate", "the length of a step"),
];

/// Families of scores that stand in tables: those that are drawn say the same at a glance.
const IN_TABLES: [&str; 8] = ["pod", "far", "bias", "hss", "ets", "peirce", "me", "psnr"];

/// What a score is called: as everywhere, where it is known; `top_5` is top 5.
pub(super) fn label(name: &str) -> String {
    match naming::label(name) {
        _ if name == "lr" => "Learning rate".to_owned(),
        label if label == name => name.replace('_', " "),
        label => label,
    }
}

/// What belongs together: the name up to its first number or unit.
pub(super) fn family(name: &str) -> &str {
    name.split('_').next().unwrap_or(name)
}

/// What a family of scores means; none for those that nobody has explained.
pub(super) fn meaning(of: &str) -> Option<(String, String)> {
    let (_, called, meaning) = KNOWN.iter().find(|(known, ..)| *known == of)?;
    Some(((*called).to_owned(), (*meaning).to_owned()))
}

/// Those that are drawn, of which the fractions skill score only for the middle one of its scales.
pub(super) fn drawn<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let scale = middle_scale(names);
    let is_drawn = |name: &&str| {
        let is_other_scale = family(name) == "fss" && scale.is_some_and(|scale| !name.ends_with(scale));
        !IN_TABLES.contains(&family(name)) && !is_other_scale
    };
    names.iter().copied().filter(is_drawn).collect()
}

/// The end of the names with the middle scale.
fn middle_scale<'a>(names: &[&'a str]) -> Option<&'a str> {
    let mut scales: Vec<&str> = Vec::new();
    for name in names.iter().filter(|name| family(name) == "fss") {
        let end = &name[name.rfind('_').unwrap_or(0)..];
        if !scales.contains(&end) {
            scales.push(end);
        }
    }
    scales.get(scales.len() / 2).copied()
}

/// A number with three significant digits, or a dash.
pub(super) fn number(value: f64) -> String {
    if value.is_finite() { brief(value) } else { "–".to_owned() }
}

/// A number for a table of epochs, with the digits by which epochs differ.
pub(super) fn precise(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => "–".to_owned(),
        0.0 => "0".to_owned(),
        1e-3..1e6 => format!("{value:.5}"),
        _ => format!("{value:.4e}"),
    }
}

/// A time to the minute.
pub(super) fn time(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Names as a list in a sentence.
pub(super) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_called_what_people_call_them() {
        let names = ["csi_35", "csi_8.6", "fss_35_15px", "mae_dbz", "psnr_db", "ssim", "top_5", "val accuracy"];
        let labels = [
            "CSI at 35 dBZ",
            "CSI at 8.6 dBZ",
            "FSS at 35 dBZ, 15 px",
            "MAE, dBZ",
            "PSNR, dB",
            "SSIM",
            "top 5",
            "val accuracy",
        ];
        assert_eq!(names.map(label), labels);
    }

    #[test]
    fn the_few_that_say_most_are_drawn() {
        let names = ["pod_20", "csi_20", "fss_20_1px", "fss_20_5px", "fss_20_15px", "fss_20_31px", "mae_dbz", "f1"];
        assert_eq!(drawn(&names), ["csi_20", "fss_20_15px", "mae_dbz", "f1"]);
        assert_eq!(drawn(&["fss", "accuracy"]), ["fss", "accuracy"]);
    }

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}
