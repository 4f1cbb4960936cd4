//! Which scores are seen together, by nothing but their names: those that differ in the number at their end share a panel,
//! and the score of a baseline stands beside the one that it is compared with.

use crate::report::curves::Level;
use crate::train::observe::baseline::{NAME, compared_with};

/// Scores that share a panel.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group<'a> {
    pub(super) title: &'a str,
    pub(super) members: Vec<&'a str>,
}

/// The scores in groups, both in the order of their first appearance.
pub(super) fn groups<'a>(names: &[&'a str]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for &name in names.iter().filter(|name| !compared_with(name).is_some_and(|of| names.contains(&of))) {
        // "mae" stands with "mae_5" and "mae_10".
        let has_numbered = names.iter().any(|other| *other != name && family(other) == name);
        let title = if has_numbered { name } else { family(name) };
        match groups.iter_mut().find(|group| group.title == title) {
            Some(group) => group.members.push(name),
            None => groups.push(Group { title, members: vec![name] }),
        }
    }
    for group in groups.iter_mut().filter(|group| group.members.len() == 1) {
        group.title = group.members[0];
    }
    groups
}

/// The name up to the number at its end.
fn family(name: &str) -> &str {
    let family = name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    match family.trim_end_matches(['_', '-', '@', '=', ' ']) {
        "" => name,
        family => family,
    }
}

/// A baseline does not learn: its last value holds for all epochs.
pub(super) fn level(colour: usize, values: impl DoubleEndedIterator<Item = f64>) -> Option<Level> {
    let value = values.rev().find(|value| value.is_finite())?;
    Some(Level { name: NAME.into(), value, colour })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(names: &[&str]) -> Vec<String> {
        groups(names).iter().map(|group| format!("{}: {}", group.title, group.members.join(" "))).collect()
    }

    #[test]
    fn scores_that_differ_in_the_number_at_their_end_share_a_panel() {
        assert_eq!(
            titles(&["csi_20", "pod_20", "csi_30", "pod_30", "mae"]),
            ["csi: csi_20 csi_30", "pod: pod_20 pod_30", "mae: mae"]
        );
        assert_eq!(
            titles(&["fss_20_1", "fss_20_5", "fss_30_1", "map_0.5", "map_0.75"]),
            ["fss_20: fss_20_1 fss_20_5", "fss_30_1: fss_30_1", "map: map_0.5 map_0.75"]
        );
        assert_eq!(
            titles(&["top1", "top5", "f1", "mae_5", "mae", "mae_10", "42"]),
            ["top: top1 top5", "f1: f1", "mae: mae_5 mae mae_10", "42: 42"]
        );
    }

    #[test]
    fn a_baseline_is_no_panel_of_its_own_unless_there_is_nothing_to_compare() {
        assert_eq!(
            titles(&["csi_20", "persistence_csi_20", "persistence_mae"]),
            ["csi_20: csi_20", "persistence_mae: persistence_mae"]
        );
    }

    #[test]
    fn the_last_value_of_a_baseline_holds() {
        let value = |values: &[f64]| level(3, values.iter().copied()).map(|level| level.value);
        assert_eq!(value(&[0.1, 0.2, f64::NAN]), Some(0.2));
        assert_eq!(value(&[f64::NAN]), None);
    }
}
