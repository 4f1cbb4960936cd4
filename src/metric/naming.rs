//! What the names of scores mean: which way each gets better, what people call it, and its unit. Not the values.
//!
//! A name is a kind and what it is measured at: `csi_35` at 35 dBZ, `fss_20_5px` at 20 dBZ in squares of 5 cells.

use super::better::Better;

/// What is known of one kind of score.
struct Kind {
    /// The beginning of its name; the whole, where it has no levels.
    name: &'static str,
    label: &'static str,
    unit: &'static str,
    better: Better,
}

const fn kind(name: &'static str, label: &'static str, unit: &'static str, better: Better) -> Kind {
    Kind { name, label, unit, better }
}

const AT_LEVELS: [Kind; 8] = [
    kind("pod", "POD", "", Better::Higher),
    kind("far", "FAR", "", Better::Lower),
    kind("csi", "CSI", "", Better::Higher),
    kind("bias", "Frequency bias", "", Better::NearerOne),
    kind("hss", "HSS", "", Better::Higher),
    kind("ets", "ETS", "", Better::Higher),
    kind("peirce", "Peirce skill score", "", Better::Higher),
    kind("fss", "FSS", "", Better::Higher),
];

const OF_ALL_CELLS: [Kind; 7] = [
    kind("mae_dbz", "MAE", "dBZ", Better::Lower),
    kind("rmse_dbz", "RMSE", "dBZ", Better::Lower),
    kind("me_dbz", "Mean error", "dBZ", Better::NearerZero),
    kind("ssim", "SSIM", "", Better::Higher),
    kind("psnr_db", "PSNR", "dB", Better::Higher),
    kind("loss", "Loss", "", Better::Lower),
    kind("huber", "Huber loss", "", Better::Lower),
];

/// Which way a score gets better: upwards, where the name is not known.
#[must_use]
pub fn better(name: &str) -> Better {
    find(name).map_or(Better::Higher, |(kind, _)| kind.better)
}

/// The unit of a score; empty where it has none.
#[must_use]
pub fn unit(name: &str) -> &'static str {
    find(name).map_or("", |(kind, _)| kind.unit)
}

/// The name for people, such as `CSI at 35 dBZ` or `RMSE, dBZ`; the name itself, where it is not known.
#[must_use]
pub fn label(name: &str) -> String {
    let Some((kind, at)) = find(name) else { return name.to_owned() };
    let unit = if kind.unit.is_empty() { String::new() } else { format!(", {}", kind.unit) };
    format!("{}{at}{unit}", kind.label)
}

/// The kind of a score, and for people what it is measured at.
fn find(name: &str) -> Option<(&'static Kind, String)> {
    if let Some(kind) = OF_ALL_CELLS.iter().find(|kind| kind.name == name) {
        return Some((kind, String::new()));
    }
    let (start, levels) = name.split_once('_')?;
    let kind = AT_LEVELS.iter().find(|kind| kind.name == start)?;
    let at = match levels.split_once('_') {
        None if kind.name != "fss" => format!(" at {} dBZ", number(levels)?),
        Some((dbz, scale)) if kind.name == "fss" => {
            format!(" at {} dBZ, {} px", number(dbz)?, number(scale.strip_suffix("px")?)?)
        }
        _ => return None,
    };
    Some((kind, at))
}

fn number(text: &str) -> Option<&str> {
    text.parse::<f64>().is_ok().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_have_names_for_people() {
        for (name, expected) in [
            ("csi_35", "CSI at 35 dBZ"),
            ("bias_8.6", "Frequency bias at 8.6 dBZ"),
            ("fss_20_5px", "FSS at 20 dBZ, 5 px"),
            ("far_-10", "FAR at -10 dBZ"),
            ("rmse_dbz", "RMSE, dBZ"),
            ("me_dbz", "Mean error, dBZ"),
            ("psnr_db", "PSNR, dB"),
            ("ssim", "SSIM"),
            ("loss", "Loss"),
            ("top_5", "top_5"),
            ("csi_high", "csi_high"),
        ] {
            assert_eq!(label(name), expected);
        }
        assert_eq!(["rmse_dbz", "psnr_db", "csi_35", "top_5"].map(unit), ["dBZ", "dB", "", ""]);
    }

    #[test]
    fn scores_get_better_their_own_way() {
        let found = ["csi_35", "far_20", "bias_20", "me_dbz", "mae_dbz", "fss_20_5px", "loss", "accuracy"].map(better);
        use Better::{Higher, Lower, NearerOne, NearerZero};
        assert_eq!(found, [Higher, Lower, NearerOne, NearerZero, Lower, Higher, Lower, Higher]);
    }
}
