//! The thresholds at which forecasts are judged, and the primary score: as configured, or as usual for the quantity.

use super::config::{PrepareConfig, ScoresConfig};
use crate::metric::forecast::scores::{error_names, specs};
use crate::metric::forecast::sums::Levels;
use crate::metric::score::ScoreSpec;
use crate::util::quantity::{Family, Quantity};
use crate::util::step::Step;

/// The thresholds of reflectivity, in dBZ, and where storms begin to matter.
const REFLECTIVITY: ([f64; 6], f64) = ([20.0, 30.0, 35.0, 40.0, 45.0, 50.0], 35.0);
/// Those of rain rates, in mm/h.
const RAIN_RATE: ([f64; 6], f64) = ([0.1, 1.0, 2.0, 5.0, 10.0, 20.0], 5.0);
/// Those of amounts of rain, in mm.
const RAIN_AMOUNT: ([f64; 6], f64) = ([0.1, 0.5, 1.0, 2.0, 5.0, 10.0], 1.0);
/// Thresholds of any other quantity divide its range into about so many parts.
const PARTS: f64 = 6.0;

/// A unit of each family.
const UNITS: [&str; 4] = ["dBZ", "mm/h", "mm", "1"];

impl ScoresConfig {
    /// The thresholds for a quantity: those configured, or the usual ones within the range that is kept.
    #[must_use]
    pub fn thresholds_for(&self, quantity: &Quantity, prepare: &PrepareConfig) -> Vec<f64> {
        if let Some(thresholds) = &self.thresholds {
            return thresholds.clone();
        }
        let (min, max) = (prepare.min, prepare.max);
        let within = |usual: &[f64]| usual.iter().copied().filter(|value| (min..max).contains(value)).collect();
        let usual: Vec<f64> = match quantity.family() {
            Family::Reflectivity => within(&REFLECTIVITY.0),
            Family::RainRate => within(&RAIN_RATE.0),
            Family::RainAmount => within(&RAIN_AMOUNT.0),
            Family::Other => Vec::new(),
        };
        if usual.is_empty() { Step::at_least((max - min) / PARTS).between(min, max) } else { usual }
    }

    /// What forecasts of a quantity are measured at. Errors are scaled by the range that is kept.
    #[must_use]
    pub fn levels(&self, quantity: &Quantity, prepare: &PrepareConfig) -> Levels {
        Levels {
            thresholds: self.thresholds_for(quantity, prepare),
            scales_px: self.fss_scales_px.clone(),
            span: prepare.max - prepare.min,
            unit: quantity.unit().to_owned(),
            frames: self.frames,
        }
    }

    /// The scores that a configuration can measure in any unit: the unit is known only from the data.
    #[must_use]
    pub fn possible(&self, prepare: &PrepareConfig) -> Vec<ScoreSpec> {
        let mut found: Vec<ScoreSpec> = Vec::new();
        for spec in UNITS.iter().flat_map(|unit| specs(&self.levels(&Quantity::of(unit), prepare))) {
            if !found.iter().any(|known| known.name == spec.name) {
                found.push(spec);
            }
        }
        found
    }

    /// The score that evaluations are compared by.
    #[must_use]
    pub fn primary_for(&self, quantity: &Quantity, prepare: &PrepareConfig) -> String {
        if let Some(name) = &self.primary {
            return name.clone();
        }
        let thresholds = self.thresholds_for(quantity, prepare);
        let usual = match quantity.family() {
            Family::Reflectivity => REFLECTIVITY.1,
            Family::RainRate => RAIN_RATE.1,
            Family::RainAmount => RAIN_AMOUNT.1,
            Family::Other => f64::midpoint(prepare.min, prepare.max),
        };
        let distance = |threshold: &&f64| (**threshold - usual).abs();
        let nearest = thresholds.iter().min_by(|one, other| distance(one).total_cmp(&distance(other)));
        let [_, rmse, _] = error_names(quantity.unit());
        nearest.map_or_else(|| rmse.to_owned(), |threshold| format!("csi_{threshold}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepare(min: f64, max: f64) -> PrepareConfig {
        PrepareConfig { min, max, ..PrepareConfig::default() }
    }

    fn judged(unit: &str, min: f64, max: f64) -> (Vec<f64>, String) {
        let (scores, quantity, prepare) = (ScoresConfig::default(), Quantity::of(unit), prepare(min, max));
        (scores.thresholds_for(&quantity, &prepare), scores.primary_for(&quantity, &prepare))
    }

    #[test]
    fn thresholds_follow_from_what_is_measured_and_from_the_range() {
        assert_eq!(judged("dBZ", -29.0, 65.0), (REFLECTIVITY.0.to_vec(), "csi_35".into()));
        assert_eq!(judged("dBZ", 0.0, 42.0), (vec![20.0, 30.0, 35.0, 40.0], "csi_35".into()));
        assert_eq!(judged("kg m-2 h-1", 0.0, 100.0), (RAIN_RATE.0.to_vec(), "csi_5".into()));
        assert_eq!(judged("mm", 0.0, 5.0), (vec![0.1, 0.5, 1.0, 2.0], "csi_1".into()));
        assert_eq!(judged("K", 250.0, 310.0), (vec![260.0, 270.0, 280.0, 290.0, 300.0], "csi_280".into()));
        assert_eq!(judged("1", 0.0, 1.0), (vec![0.2, 0.4, 0.6, 0.8], "csi_0.4".into()));
    }

    #[test]
    fn what_is_configured_holds_for_every_unit() {
        let scores = ScoresConfig { thresholds: Some(vec![3.0, 7.0]), ..ScoresConfig::default() };
        let prepare = prepare(0.0, 50.0);
        assert_eq!(scores.thresholds_for(&Quantity::of("mm"), &prepare), [3.0, 7.0]);
        assert_eq!(scores.primary_for(&Quantity::of("mm"), &prepare), "csi_3");
        let scores = ScoresConfig { primary: Some("mae".into()), ..scores };
        assert_eq!(scores.primary_for(&Quantity::of("mm"), &prepare), "mae");
    }

    #[test]
    fn every_score_of_every_family_is_possible_before_the_data_is_known() {
        let possible = ScoresConfig::default().possible(&prepare(-29.0, 65.0));
        let has = |name: &str| possible.iter().filter(|spec| spec.name == name).count();
        for name in ["csi_35", "csi_0.1", "csi_0.5", "mae_dbz", "mae", "ssim", "fss_10_5px"] {
            assert_eq!(has(name), 1, "{name}");
        }
        assert_eq!(has("csi_7"), 0);
    }
}
