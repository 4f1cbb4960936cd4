//! The way of a pen through the ink of a character: lines in the middle of the ink, cut where they meet.
//!
//! Thinning as in T. Y. Zhang and C. Y. Suen, "A fast parallel algorithm for thinning digital patterns", 1984.

use std::collections::BTreeSet;

use crate::report::glyph::Ink;

/// Points one after the other, columns then rows; one alone is a dot.
pub type Stroke = Vec<[f32; 2]>;

type Place = (i32, i32);

/// Neighbours clockwise from the one above.
const AROUND: [Place; 8] = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)];

/// A branch with a loose end is an artefact of thinning if it is shorter, pixels.
const SPUR: usize = 6;

/// The strokes of a character, in pixels of its ink.
pub(super) fn of(ink: &Ink) -> Vec<Stroke> {
    let inked = ink.levels.iter().enumerate().filter(|(_, level)| **level > 127);
    let places = inked.map(|(place, _)| ((place / ink.columns) as i32, (place % ink.columns) as i32));
    let mut lines = traced(&thinned(places.collect()));
    let ends: Vec<Place> = lines.iter().flat_map(|line| [line[0], line[line.len() - 1]]).collect();
    let is_loose = |place: &Place| ends.iter().filter(|end| *end == place).count() == 1;
    lines.retain(|line| {
        let loose = usize::from(is_loose(&line[0])) + usize::from(is_loose(&line[line.len() - 1]));
        line.len() >= SPUR || loose != 1
    });
    let point = |&(row, column): &Place| [column as f32 + 0.5, row as f32 + 0.5];
    lines.iter().map(|line| line.iter().map(point).collect()).collect()
}

/// Takes pixels away from the outside until lines are left.
fn thinned(mut inked: BTreeSet<Place>) -> BTreeSet<Place> {
    loop {
        let before = inked.len();
        for step in [[[0, 2, 4], [2, 4, 6]], [[0, 2, 6], [0, 4, 6]]] {
            let outside: BTreeSet<Place> =
                inked.iter().filter(|place| is_outside(**place, &inked, step)).copied().collect();
            inked.retain(|place| !outside.contains(place));
        }
        if inked.len() == before {
            return inked;
        }
    }
}

fn is_outside(place: Place, inked: &BTreeSet<Place>, step: [[usize; 3]; 2]) -> bool {
    let around = AROUND.map(|(row, column)| inked.contains(&(place.0 + row, place.1 + column)));
    let count = around.iter().filter(|is_inked| **is_inked).count();
    let turns = (0..8).filter(|side| !around[*side] && around[(side + 1) % 8]).count();
    (2..=6).contains(&count) && turns == 1 && step.iter().all(|sides| !sides.iter().all(|side| around[*side]))
}

/// Neighbours; one across a corner only if no other one leads there.
fn next_to(place: Place, inked: &BTreeSet<Place>) -> Vec<Place> {
    let at = |side: usize| {
        let (row, column) = AROUND[side % 8];
        Some((place.0 + row, place.1 + column)).filter(|place| inked.contains(place))
    };
    let is_needed = |side: &usize| side.is_multiple_of(2) || at(side + 1).is_none() && at(side + 7).is_none();
    (0..8).filter(is_needed).filter_map(at).collect()
}

/// Lines from one end or meeting to the next, then closed ones.
fn traced(inked: &BTreeSet<Place>) -> Vec<Vec<Place>> {
    let mut lines = Vec::new();
    let mut seen: BTreeSet<Place> = BTreeSet::new();
    let mut joined: BTreeSet<(Place, Place)> = BTreeSet::new();
    let is_node = |place: &Place| next_to(*place, inked).len() != 2;
    for &node in inked.iter().filter(|place| is_node(place)) {
        let around = next_to(node, inked);
        if around.is_empty() {
            lines.push(vec![node]);
        }
        for next in around {
            if joined.contains(&(node, next)) || seen.contains(&next) {
                continue;
            }
            let line = walk(node, next, inked, &is_node);
            let last = line[line.len() - 1];
            seen.extend(line.iter().filter(|place| !is_node(place)));
            joined.extend([(node, next), (last, line[line.len() - 2])]);
            lines.push(line);
        }
    }
    for &start in inked.iter().filter(|place| !is_node(place)) {
        if !seen.contains(&start) {
            let mut line = walk(start, next_to(start, inked)[0], inked, &|place: &Place| *place == start);
            seen.extend(line.iter().copied());
            line.push(line[1]);
            lines.push(line);
        }
    }
    lines
}

fn walk(from: Place, next: Place, inked: &BTreeSet<Place>, is_end: &impl Fn(&Place) -> bool) -> Vec<Place> {
    let mut line = vec![from, next];
    while !is_end(&line[line.len() - 1]) {
        let (before, here) = (line[line.len() - 2], line[line.len() - 1]);
        let Some(next) = next_to(here, inked).into_iter().find(|place| *place != before) else { break };
        line.push(next);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::glyph;

    fn strokes(character: char) -> Vec<Stroke> {
        of(&glyph::ink(character, 96).unwrap())
    }

    #[test]
    fn a_character_has_the_strokes_of_a_pen() {
        assert_eq!(strokes('.').len(), 1);
        assert_eq!(strokes('l').len(), 1);
        let round = strokes('O');
        assert!(round.len() == 1 && round[0].len() > 100, "{}", round.len());
        assert_eq!(strokes('i').len(), 2);
        assert!((3..=5).contains(&strokes('T').len()), "{}", strokes('T').len());
    }

    #[test]
    fn strokes_are_within_the_ink() {
        for character in "AgR8&@".chars() {
            let ink = glyph::ink(character, 96).unwrap();
            let all = strokes(character);
            let level = |[x, y]: [f32; 2]| ink.levels[y as usize * ink.columns + x as usize];
            assert!(all.iter().flatten().all(|point| level(*point) > 127), "{character}");
            assert!(all.iter().map(Vec::len).sum::<usize>() > 60, "{character}");
        }
    }
}
