//! A dataset of sequences as charts: how long sequences are, what was not seen, how many each class has.

use super::measured::Measured;
use crate::report::chart::{AxisOf, Chart, Ink, Look, Scale, Series, Shares};

/// Sequences by length, the sides above each other.
#[must_use]
pub fn lengths(measured: &Measured) -> Chart {
    let range = measured.range as f64;
    let froms = |measured: &Measured| {
        let mut froms: Vec<usize> =
            measured.sides.iter().flat_map(|of| of.lengths.iter().map(|[from, _]| *from)).collect();
        froms.sort_unstable();
        froms.dedup();
        froms
    };
    let count = |side: usize, from: usize| {
        let range = measured.sides[side].lengths.iter().find(|[known, _]| *known == from);
        range.map_or(0, |[_, count]| *count)
    };
    // The sum of the first sides is drawn over that of one side more.
    let series = (0..measured.sides.len()).rev().map(|last| {
        let sum = |from: usize| (0..=last).map(|side| count(side, from)).sum::<usize>() as f64;
        let middle = |from: usize| from as f64 + (range - 1.0) / 2.0;
        let points = froms(measured).into_iter().map(|from| [middle(from), sum(from)]).collect();
        let bars = Look::Bars(0.9 * range);
        Series { look: bars, ..Series::line(&measured.sides[last].side, Ink::Number(last), points) }
    });
    Chart {
        title: "Sequences by length".into(),
        across: AxisOf::named("frames"),
        up: AxisOf { scale: Scale::Whole, ..AxisOf::default() },
        series: series.collect(),
        ..Chart::default()
    }
}

/// The share of frames in which each part of the body was not seen, for each side.
#[must_use]
pub fn unseen(measured: &Measured) -> Shares {
    let row = |(part, name): (usize, &String)| {
        let shares = measured.sides.iter().map(|of| of.unseen.get(part).copied().unwrap_or(0.0));
        (name.replace('_', " "), shares.collect())
    };
    Shares {
        title: "Share of frames in which a part was not seen".into(),
        parts: measured.sides.iter().map(|of| of.side.clone()).collect(),
        rows: measured.parts.iter().enumerate().map(row).collect(),
    }
}

/// The sequences of each class by rank, the largest first.
#[must_use]
pub fn classes(counts: &[(&str, usize)]) -> Chart {
    let mut counts: Vec<usize> = counts.iter().map(|(_, count)| *count).collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    let points = counts.iter().enumerate().map(|(rank, count)| [rank as f64 + 1.0, *count as f64]).collect();
    Chart {
        title: "Sequences of each class (logarithmic)".into(),
        across: AxisOf::named(format!("rank among {} classes, the largest first", counts.len())),
        up: AxisOf { scale: Scale::Logarithmic, ..AxisOf::default() },
        series: vec![Series::line("", Ink::Accent, points).dots()],
        ..Chart::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::measured::{Lengths, OfSide};
    use super::*;

    #[test]
    fn sides_are_above_each_other_and_classes_are_in_order() {
        let side = |name: &str, lengths: &[[usize; 2]], unseen: f64| OfSide {
            side: name.into(),
            sequences: 1,
            frames: Lengths::default(),
            lengths: lengths.to_vec(),
            unseen: vec![unseen],
            never: vec![0],
        };
        let sides = vec![side("train", &[[2, 4], [8, 1]], 0.5), side("val", &[[2, 1], [5, 2]], 0.1)];
        let measured = Measured { parts: vec!["left_hand".into()], range: 3, sides };
        let chart = lengths(&measured);
        assert_eq!((chart.series[0].name.as_str(), chart.series[1].name.as_str()), ("val", "train"));
        assert_eq!(chart.series[0].points, [[3.0, 5.0], [6.0, 2.0], [9.0, 1.0]]);
        assert_eq!(chart.series[1].points, [[3.0, 4.0], [6.0, 0.0], [9.0, 1.0]]);
        assert_eq!(unseen(&measured).rows, [("left hand".to_owned(), vec![0.5, 0.1])]);
        assert_eq!(classes(&[("a", 1), ("b", 72), ("c", 10)]).series[0].points, [[1.0, 72.0], [2.0, 10.0], [3.0, 1.0]]);
    }
}
