//! The description of a score: name, label, meaning, unit, direction, and where it is shown. The code that measures a
//! score declares it once; everything else reads it here and parses no names. Not its value.

use serde::{Deserialize, Serialize};

use super::better::Better;

/// What is known of one score, or of one part of a loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreSpec {
    /// The key in files and configurations: `csi_35`, `top1`.
    pub name: String,
    /// What people call it: `CSI at 35 dBZ`.
    pub label: String,
    /// What it means, in one sentence; scores of one family may share it.
    pub meaning: String,
    /// The unit of its values; empty without one.
    pub unit: String,
    /// Which way it gets better.
    pub better: Better,
    /// Scores of one family share a chart or are shown side by side: `CSI`.
    pub family: String,
    /// Where it is shown.
    pub show: Show,
    /// Set if it is the score of a baseline, which that of a learned forecast is compared with.
    pub baseline: Option<Baseline>,
    /// Set if it says how much better a learned forecast is than a baseline, in this score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<Baseline>,
    /// The short name by which each row of a history has it once more, for programs that expect it there: `acc` is in a row as
    /// `acc_val`, and a part of the loss as `loss_train` and `loss_val`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brief: Option<String>,
}

/// Where a score is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Show {
    /// Everywhere, and first: the headline.
    First,
    /// In charts and tables.
    Drawn,
    /// In tables.
    Table,
    /// Only where every score is listed.
    Listed,
}

/// This score is the score `of` of another forecast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// The name of the score that it is compared with.
    pub of: String,
    /// Who made the forecast: `persistence`.
    pub forecast: String,
}

impl ScoreSpec {
    /// A score in its own family, shown in tables, without unit and meaning.
    #[must_use]
    pub fn new(name: impl Into<String>, label: impl Into<String>, better: Better) -> Self {
        let label = label.into();
        Self {
            name: name.into(),
            family: label.clone(),
            label,
            meaning: String::new(),
            unit: String::new(),
            better,
            show: Show::Table,
            baseline: None,
            ahead: None,
            brief: None,
        }
    }

    /// The same with this meaning.
    #[must_use]
    pub fn meaning(self, meaning: &str) -> Self {
        Self { meaning: meaning.into(), ..self }
    }

    /// The same with this unit.
    #[must_use]
    pub fn unit(self, unit: &str) -> Self {
        Self { unit: unit.into(), ..self }
    }

    /// The same as one of this family.
    #[must_use]
    pub fn family(self, family: &str) -> Self {
        Self { family: family.into(), ..self }
    }

    /// The same, shown there.
    #[must_use]
    pub fn shown(self, show: Show) -> Self {
        Self { show, ..self }
    }

    /// The same, also known by this short name in each row of a history.
    #[must_use]
    pub fn brief(self, brief: &str) -> Self {
        Self { brief: Some(brief.into()), ..self }
    }

    /// The same score of another forecast.
    #[must_use]
    pub fn of_baseline(&self, forecast: &str) -> Self {
        let baseline = Baseline { of: self.name.clone(), forecast: forecast.into() };
        Self {
            name: format!("{forecast}_{}", self.name),
            label: format!("{} of {forecast}", self.label),
            show: Show::Listed,
            baseline: Some(baseline),
            brief: None,
            ..self.clone()
        }
    }

    /// How much better this score is than that of another forecast, as [`Better::gain`] has it: above 0 it is better.
    #[must_use]
    pub fn ahead_of(&self, forecast: &str) -> Self {
        let difference = match self.better {
            Better::Higher => format!("{} of the model minus that of {forecast}", self.label),
            Better::Lower => format!("{} of {forecast} minus that of the model", self.label),
            Better::NearerOne => format!("how much nearer to 1 {} of the model is than that of {forecast}", self.label),
            Better::NearerZero => {
                format!("how much nearer to 0 {} of the model is than that of {forecast}", self.label)
            }
        };
        Self {
            name: format!("{}_ahead_of_{forecast}", self.name),
            label: format!("{} ahead of {forecast}", self.label),
            meaning: format!("{difference}; above 0 the model is better"),
            better: Better::Higher,
            family: format!("Ahead of {forecast}"),
            show: Show::First,
            ahead: Some(Baseline { of: self.name.clone(), forecast: forecast.into() }),
            brief: None,
            ..self.clone()
        }
    }

    /// The label with the unit: `RMSE, dBZ`.
    #[must_use]
    pub fn title(&self) -> String {
        match self.unit.as_str() {
            "" => self.label.clone(),
            unit => format!("{}, {unit}", self.label),
        }
    }

    /// Whether it is drawn in charts. A baseline is drawn beside its learned score.
    #[must_use]
    pub fn is_drawn(&self) -> bool {
        self.show <= Show::Drawn && self.baseline.is_none()
    }

    /// Whether it is measured of the learned forecast alone: neither a baseline's nor a difference to one.
    #[must_use]
    pub fn is_learned(&self) -> bool {
        self.baseline.is_none() && self.ahead.is_none()
    }

    /// Whether it is the score `of` of another forecast.
    #[must_use]
    pub fn is_baseline_of(&self, of: &str) -> bool {
        self.baseline.as_ref().is_some_and(|baseline| baseline.of == of)
    }
}

/// Scores by family, both in the order of their first appearance.
#[must_use]
pub fn families<'a>(specs: impl IntoIterator<Item = &'a ScoreSpec>) -> Vec<(&'a str, Vec<&'a ScoreSpec>)> {
    let mut families: Vec<(&str, Vec<&ScoreSpec>)> = Vec::new();
    for spec in specs {
        match families.iter_mut().find(|(family, _)| *family == spec.family) {
            Some((_, members)) => members.push(spec),
            None => families.push((&spec.family, vec![spec])),
        }
    }
    families
}

/// The meanings of scores, each once: under the family's name if the whole family shares it, else under the score's
/// own.
#[must_use]
pub fn meanings<'a>(specs: impl IntoIterator<Item = &'a ScoreSpec>) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (family, members) in families(specs) {
        let shared = members.iter().all(|spec| spec.meaning == members[0].meaning);
        let under = |spec: &ScoreSpec| if shared { family.to_owned() } else { spec.label.clone() };
        for spec in members.iter().filter(|spec| !spec.meaning.is_empty()) {
            let entry = (under(spec), spec.meaning.clone());
            if !found.contains(&entry) {
                found.push(entry);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csi(dbz: u32) -> ScoreSpec {
        let spec = ScoreSpec::new(format!("csi_{dbz}"), format!("CSI at {dbz} dBZ"), Better::Higher);
        spec.family("CSI").meaning("hits").shown(Show::First)
    }

    #[test]
    fn a_score_of_another_forecast_says_what_it_is_compared_with() {
        let of = csi(35).of_baseline("persistence");
        assert_eq!((of.name.as_str(), of.label.as_str()), ("persistence_csi_35", "CSI at 35 dBZ of persistence"));
        assert!(of.is_baseline_of("csi_35") && !of.is_baseline_of("csi_20") && !of.is_drawn());
        assert!(csi(35).is_drawn() && !csi(35).shown(Show::Table).is_drawn());
    }

    #[test]
    fn a_difference_to_another_forecast_is_above_0_where_the_learned_one_is_better() {
        let ahead = csi(35).ahead_of("advection");
        assert_eq!(
            (ahead.name.as_str(), ahead.label.as_str()),
            ("csi_35_ahead_of_advection", "CSI at 35 dBZ ahead of advection")
        );
        assert_eq!(ahead.meaning, "CSI at 35 dBZ of the model minus that of advection; above 0 the model is better");
        assert!(
            ahead.is_drawn() && !ahead.is_learned() && csi(35).is_learned() && !csi(35).of_baseline("p").is_learned()
        );
        let mae = ScoreSpec::new("mae", "MAE", Better::Lower).unit("dB").ahead_of("advection");
        assert!(mae.meaning.starts_with("MAE of advection minus that of the model"), "{}", mae.meaning);
        assert_eq!((mae.better, mae.unit.as_str()), (Better::Higher, "dB"));
    }

    #[test]
    fn a_title_has_the_unit() {
        let rmse = ScoreSpec::new("rmse_dbz", "RMSE", Better::Lower).unit("dBZ");
        assert_eq!((rmse.title(), csi(20).title()), ("RMSE, dBZ".into(), "CSI at 20 dBZ".into()));
    }

    #[test]
    fn related_parts_are_found_in_any_order() {
        let far = |dbz: u32| ScoreSpec::new(format!("far_{dbz}"), "FAR", Better::Lower).meaning("false alarms");
        let specs = [csi(20), far(20), csi(30), far(30)];
        let found: Vec<_> = families(&specs).into_iter().map(|(family, members)| (family, members.len())).collect();
        assert_eq!(found, [("CSI", 2), ("FAR", 2)]);
        // Each once, though the scores of a family don't follow each other.
        assert_eq!(meanings(&specs), [("CSI", "hits"), ("FAR", "false alarms")].map(|(a, b)| (a.into(), b.into())));
        let other = csi(40).meaning("hits of heavy rain");
        assert_eq!(meanings([&csi(20), &other])[1].0, "CSI at 40 dBZ");
    }

    #[test]
    fn a_spec_is_read_back_as_it_was_written() {
        let of = csi(35).of_baseline("persistence");
        let text = serde_json::to_string(&of).unwrap();
        assert_eq!(serde_json::from_str::<ScoreSpec>(&text).unwrap(), of);
        assert!(text.contains(r#""show":"listed","baseline":{"of":"csi_35","forecast":"persistence"}"#), "{text}");
    }
}
