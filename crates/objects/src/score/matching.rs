//! Which detection of an image is which object, for every overlap from which on one counts.
//!
//! Two rules: that of COCO (the surest detection takes the object that it overlaps most) and that of trainers of YOLO (pairs in the
//! order of their overlap).

use super::size::Size;
use super::{OVERLAPS, overlap};
use crate::boxes::{Detection, Object};

/// A detection of an image: what it matched. A bit for each overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Hit {
    pub class: u32,
    pub score: f32,
    /// Its place among those of its class in the image, the surest first.
    pub rank: u16,
    /// By the rule of YOLO.
    pub yolo: u16,
    /// By the rule of COCO, for each size.
    pub coco: [u16; 4],
    /// Where it neither counts for nor against, for each size.
    pub ignored: [u16; 4],
}

/// The detections of an image with what they matched: those of each class together, the surest first. Of a class, `most` take part.
pub(super) fn matched(truths: &[Object], detections: &[Detection], most: usize) -> Vec<Hit> {
    let mut classes: Vec<u32> = detections.iter().map(|one| one.class).collect();
    classes.sort_unstable();
    classes.dedup();
    let of_class = |class: u32| {
        let truths: Vec<&Object> = truths.iter().filter(|truth| truth.class == class).collect();
        let mut found: Vec<&Detection> = detections.iter().filter(|one| one.class == class).collect();
        found.sort_by(|one, other| other.score.total_cmp(&one.score));
        found.truncate(most);
        in_class(&truths, &found)
    };
    classes.into_iter().flat_map(of_class).collect()
}

fn in_class(truths: &[&Object], found: &[&Detection]) -> Vec<Hit> {
    let overlaps: Vec<Vec<f64>> =
        found.iter().map(|one| truths.iter().map(|truth| one.rect.iou(&truth.rect)).collect()).collect();
    let hit = |(rank, one): (usize, &&Detection)| Hit {
        class: one.class,
        score: one.score,
        rank: rank.min(usize::from(u16::MAX)) as u16,
        ..Hit::default()
    };
    let mut hits: Vec<Hit> = found.iter().enumerate().map(hit).collect();
    for number in 0..OVERLAPS {
        for (place, size) in Size::ALL.into_iter().enumerate() {
            let is_left_out: Vec<bool> = truths.iter().map(|truth| !size.has(&truth.rect)).collect();
            for (hit, found) in hits.iter_mut().zip(by_coco(&overlaps, &is_left_out, overlap(number))) {
                match found {
                    Some(truth) if is_left_out[truth] => hit.ignored[place] |= 1 << number,
                    Some(_) => hit.coco[place] |= 1 << number,
                    None => {}
                }
            }
        }
        for found in by_yolo(&overlaps, overlap(number)) {
            hits[found].yolo |= 1 << number;
        }
    }
    // What is of another size and matches nothing counts neither.
    for (hit, one) in hits.iter_mut().zip(found) {
        for (place, size) in Size::ALL.into_iter().enumerate() {
            if !size.has(&one.rect) {
                hit.ignored[place] |= !hit.coco[place];
            }
        }
    }
    hits
}

/// The object of each detection, the surest detection first: the one that it overlaps most and nobody has. One that is left out is
/// taken only if there is no other.
fn by_coco(overlaps: &[Vec<f64>], is_left_out: &[bool], least: f64) -> Vec<Option<usize>> {
    let mut is_taken = vec![false; is_left_out.len()];
    let mut choose = |row: &Vec<f64>| {
        let mut found: Option<usize> = None;
        let mut best = least.min(1.0 - 1e-10);
        for left_out in [false, true] {
            if found.is_some() {
                break;
            }
            for truth in (0..row.len()).filter(|truth| is_left_out[*truth] == left_out && !is_taken[*truth]) {
                // Of equal overlaps the later object, as in COCO's own code.
                if row[truth] >= best {
                    (best, found) = (row[truth], Some(truth));
                }
            }
        }
        found.inspect(|truth| is_taken[*truth] = true)
    };
    overlaps.iter().map(&mut choose).collect()
}

/// The detections that have an object of their own: of all pairs, in the order of their overlap, the first of each detection, and of
/// these the first of each object. Of equal overlaps the surer detection comes first.
fn by_yolo(overlaps: &[Vec<f64>], least: f64) -> Vec<usize> {
    let best = |(place, row): (usize, &Vec<f64>)| {
        let pairs = row.iter().copied().enumerate().filter(|(_, overlap)| *overlap >= least);
        let (truth, overlap) = pairs.reduce(|one, other| if other.1 > one.1 { other } else { one })?;
        Some((place, truth, overlap))
    };
    let mut pairs: Vec<(usize, usize, f64)> = overlaps.iter().enumerate().filter_map(best).collect();
    pairs.sort_by(|one, other| other.2.total_cmp(&one.2));
    let mut is_taken: Vec<usize> = Vec::new();
    let mut found = Vec::new();
    for (place, truth, _) in pairs {
        if !is_taken.contains(&truth) {
            is_taken.push(truth);
            found.push(place);
        }
    }
    found
}
