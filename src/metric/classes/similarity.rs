//! An order of classes in which those that are confused are neighbours, so that a confusion matrix shows groups of them as
//! blocks beside its diagonal. Not a grouping: every class is in the order once.

use super::confusion::Confusion;

/// The classes, each beside those that it is confused with most. Classes that are never confused keep their order.
///
/// The most confused pairs are joined first, as long as each class has at most two neighbours and no ring closes; the chains
/// then follow each other by their first class.
#[must_use]
pub fn order(counts: &Confusion) -> Vec<usize> {
    let classes = counts.classes();
    let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); classes];
    let mut chain: Vec<usize> = (0..classes).collect();
    for (one, other) in pairs(counts) {
        let has_room = neighbours[one].len() < 2 && neighbours[other].len() < 2;
        if has_room && chain[one] != chain[other] {
            neighbours[one].push(other);
            neighbours[other].push(one);
            let (kept, joined) = (chain[one], chain[other]);
            chain.iter_mut().filter(|of| **of == joined).for_each(|of| *of = kept);
        }
    }
    let mut ordered = Vec::with_capacity(classes);
    let mut is_placed = vec![false; classes];
    for class in 0..classes {
        if !is_placed[class] {
            let mut at = Some(end(&neighbours, class));
            while let Some(next) = at {
                is_placed[next] = true;
                ordered.push(next);
                at = neighbours[next].iter().copied().find(|neighbour| !is_placed[*neighbour]);
            }
        }
    }
    ordered
}

/// Pairs of confused classes, those first that are confused for the largest share of their samples.
fn pairs(counts: &Confusion) -> Vec<(usize, usize)> {
    let by_class = counts.by_class();
    let mut pairs = Vec::new();
    for one in 0..counts.classes() {
        for other in one + 1..counts.classes() {
            let confused = counts.count(one, other) + counts.count(other, one);
            if confused > 0 {
                let share = confused as f64 / (by_class[one].support + by_class[other].support) as f64;
                pairs.push((share, one, other));
            }
        }
    }
    pairs.sort_by(|one, other| other.0.total_cmp(&one.0).then((one.1, one.2).cmp(&(other.1, other.2))));
    pairs.into_iter().map(|(_, one, other)| (one, other)).collect()
}

/// The end of a class's chain that comes first among the classes.
fn end(neighbours: &[Vec<usize>], class: usize) -> usize {
    let walk = |first: Option<usize>| {
        let (mut before, mut at) = (class, first);
        let mut last = class;
        while let Some(next) = at {
            at = neighbours[next].iter().copied().find(|neighbour| *neighbour != before);
            (before, last) = (next, next);
        }
        last
    };
    let ends = [neighbours[class].first().copied(), neighbours[class].get(1).copied()].map(walk);
    ends[0].min(ends[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confused_classes_become_neighbours_and_every_class_is_there_once() {
        let mut counts = Confusion::none(7);
        let mut confuse = |truth, predicted, count| (0..count).for_each(|_| counts.add(truth, predicted));
        (0..7).for_each(|class| confuse(class, class, 10));
        confuse(0, 5, 6);
        confuse(5, 3, 4);
        confuse(3, 0, 2);
        confuse(6, 2, 1);
        assert_eq!(order(&counts), [0, 5, 3, 1, 2, 6, 4]);
        assert_eq!(order(&Confusion::none(3)), [0, 1, 2]);
    }
}
