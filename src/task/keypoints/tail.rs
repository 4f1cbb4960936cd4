//! What becomes of classes with few training sequences.

use super::config::{TailAction, TailConfig};
use super::facts::Facts;
use crate::data::split::Side;

/// The class that small ones join.
pub const OTHER: &str = "OTHER";

/// The classes of a model, and the one of each sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    /// Their names, in the order of the outputs.
    pub names: Vec<String>,
    /// The class of each sequence; none if it is left out.
    pub of: Vec<Option<usize>>,
    /// The classes that are not among these any more.
    pub tail: Vec<String>,
    /// The number of the class that they joined, if they did.
    pub other: Option<usize>,
}

/// The classes once small ones have joined OTHER or are left out. Their sizes are counted on the training side.
#[must_use]
pub fn classes(facts: &Facts, sides: &[Option<Side>], config: &TailConfig) -> Classes {
    let mut counts = vec![0; facts.classes.len()];
    for (sample, _) in facts.samples.iter().zip(sides).filter(|(_, side)| **side == Some(Side::Train)) {
        counts[sample.class] += 1;
    }
    let is_small = |class: usize| config.action != TailAction::Keep && counts[class] <= config.at_most;
    let joins = config.action == TailAction::Other && (0..counts.len()).any(is_small);
    // A class of the dataset with the name of the one that small ones join is the same class.
    let is_tail = |class: usize| is_small(class) || (joins && facts.classes[class] == OTHER);
    let mut number = vec![None; facts.classes.len()];
    let mut names = Vec::new();
    let kept = (0..facts.classes.len()).filter(|class| !is_tail(*class));
    for class in kept {
        number[class] = Some(names.len());
        names.push(facts.classes[class].clone());
    }
    let tail: Vec<usize> = (0..facts.classes.len()).filter(|class| is_tail(*class)).collect();
    let other = joins.then_some(names.len());
    if joins {
        tail.iter().for_each(|class| number[*class] = Some(names.len()));
        names.push(OTHER.to_owned());
    }
    let of = facts.samples.iter().map(|sample| number[sample.class]).collect();
    Classes { names, of, tail: tail.into_iter().map(|class| facts.classes[class].clone()).collect(), other }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts, sample};
    use super::*;

    #[test]
    fn small_classes_stay_join_the_last_one_or_are_left_out() {
        // One, three and two training sequences; the second class has one more that validates.
        let class_of = [0, 1, 1, 1, 2, 2, 1];
        let facts = facts(class_of.iter().enumerate().map(|(number, class)| sample(number, *class)).collect());
        let mut sides = vec![Some(Side::Train); 7];
        sides[6] = Some(Side::Val);
        let of = |at_most, action| classes(&facts, &sides, &TailConfig { at_most, action });
        assert_eq!(of(2, TailAction::Keep).names, ["c0", "c1", "c2"]);
        let other = of(2, TailAction::Other);
        assert_eq!(
            (other.names, other.tail),
            (vec!["c1".to_owned(), "OTHER".into()], vec!["c0".to_owned(), "c2".into()])
        );
        assert_eq!(other.of, [1, 0, 0, 0, 1, 1, 0].map(Some));
        let dropped = of(1, TailAction::Drop);
        assert_eq!((dropped.names.len(), dropped.of[0], dropped.of[1], dropped.of[4]), (2, None, Some(0), Some(1)));
        assert_eq!(of(0, TailAction::Other).names.len(), 3, "no class is small");
    }
}
