//! Of detections that overlap, the surest is kept: greedy suppression within each class. Not decoding, and not scores.

use crate::boxes::{Detection, Rect};

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suppress {
    /// Scores at or below it are left out.
    pub conf: f32,
    /// A box that overlaps a surer one of its class by more than this is left out.
    pub iou: f64,
    /// So many of the surest candidates of an image are looked at.
    pub candidates: usize,
    /// So many are kept at most.
    pub most: usize,
    /// Whether a place may give several classes, as scores are measured, or only its surest one.
    pub multi_label: bool,
}

impl Suppress {
    /// As scores are measured.
    pub const MEASURE: Self = Self { conf: 0.001, iou: 0.7, candidates: 30_000, most: 300, multi_label: true };

    /// As people see them.
    pub const SHOW: Self = Self { conf: 0.25, iou: 0.7, candidates: 30_000, most: 300, multi_label: false };

    /// The detections of an image, the surest first; of equally sure ones the one of the earlier place. `scores` has a row of
    /// classes for each place, `rects` a box for each.
    ///
    /// # Panics
    /// If the rows are not those of the boxes.
    #[must_use]
    pub fn keep(&self, scores: &[f32], rects: &[Rect]) -> Vec<Detection> {
        let candidates = self.candidates_of(scores, rects.len());
        let mut kept: Vec<Detection> = Vec::new();
        let mut by_class: Vec<Vec<Rect>> = Vec::new();
        for Candidate { score, place, class } in candidates {
            let rect = rects[place as usize];
            if by_class.len() <= class as usize {
                by_class.resize_with(class as usize + 1, Vec::new);
            }
            let surer = &mut by_class[class as usize];
            if surer.iter().any(|other| overlaps(other, &rect, self.iou)) {
                continue;
            }
            surer.push(rect);
            kept.push(Detection { class, score, rect });
            if kept.len() == self.most {
                break;
            }
        }
        kept
    }

    fn candidates_of(&self, scores: &[f32], places: usize) -> Vec<Candidate> {
        if places == 0 {
            return Vec::new();
        }
        let classes = scores.len() / places;
        assert_eq!(scores.len(), places * classes, "{} scores for {places} boxes", scores.len());
        let mut found = Vec::new();
        for (place, row) in scores.chunks_exact(classes.max(1)).enumerate() {
            let candidate =
                |(class, score): (usize, &f32)| Candidate { score: *score, place: place as u32, class: class as u32 };
            let sure = row.iter().enumerate().filter(|(_, score)| **score > self.conf);
            if self.multi_label {
                found.extend(sure.map(candidate));
            } else {
                let surest = sure.map(candidate).reduce(|one, other| if other.score > one.score { other } else { one });
                found.extend(surest);
            }
        }
        if found.len() > self.candidates {
            found.select_nth_unstable_by(self.candidates, Candidate::order);
            found.truncate(self.candidates);
        }
        found.sort_unstable_by(Candidate::order);
        found
    }
}

#[derive(Clone, Copy)]
struct Candidate {
    score: f32,
    place: u32,
    class: u32,
}

impl Candidate {
    /// The surest first, then by place and class, so that the result does not depend on how they are sorted.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        other.score.total_cmp(&self.score).then(self.place.cmp(&other.place)).then(self.class.cmp(&other.class))
    }
}

/// Whether two boxes overlap by more than a share, without a division.
fn overlaps(one: &Rect, other: &Rect, share: f64) -> bool {
    let width = f64::from(one.right.min(other.right)) - f64::from(one.left.max(other.left));
    let height = f64::from(one.bottom.min(other.bottom)) - f64::from(one.top.max(other.top));
    if width <= 0.0 || height <= 0.0 {
        return false;
    }
    let both = width * height;
    both > share * (one.area() + other.area() - both)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Suppress = Suppress { conf: 0.1, iou: 0.5, candidates: 100, most: 10, multi_label: true };

    fn row(places: &[f32]) -> Vec<Rect> {
        places.iter().map(|x| Rect::new(*x, 0.0, x + 10.0, 10.0)).collect()
    }

    #[test]
    fn of_boxes_that_overlap_the_surest_of_a_class_is_kept() {
        // The second overlaps the first by 9 of 11 parts, the third by 4 of 16.
        let rects = row(&[0.0, 1.0, 6.0]);
        let kept = ALL.keep(&[0.5, 0.0, 0.9, 0.8, 0.3, 0.05], &rects);
        let found: Vec<(u32, f32, f32)> = kept.iter().map(|one| (one.class, one.score, one.rect.left)).collect();
        assert_eq!(found, [(0, 0.9, 1.0), (1, 0.8, 1.0), (0, 0.3, 6.0)]);
        let single = Suppress { multi_label: false, ..ALL }.keep(&[0.5, 0.0, 0.9, 0.8, 0.3, 0.05], &rects);
        assert_eq!(single.iter().map(|one| (one.class, one.score)).collect::<Vec<_>>(), [(0, 0.9), (0, 0.3)]);
    }

    #[test]
    fn of_equally_sure_ones_the_earlier_place_comes_first() {
        let kept = ALL.keep(&[0.4, 0.4, 0.4, 0.4], &row(&[0.0, 0.5, 50.0, 0.2]));
        assert_eq!(kept.iter().map(|one| one.rect.left).collect::<Vec<_>>(), [0.0, 50.0]);
    }

    #[test]
    fn there_are_never_more_than_asked_for() {
        let rects = row(&[0.0, 20.0, 40.0, 60.0, 80.0]);
        let scores = [0.2, 0.3, 0.9, 0.4, 0.8];
        let score = |how: Suppress| how.keep(&scores, &rects).iter().map(|one| one.score).collect::<Vec<_>>();
        assert_eq!(score(Suppress { most: 2, ..ALL }), [0.9, 0.8]);
        assert_eq!(score(Suppress { candidates: 3, ..ALL }), [0.9, 0.8, 0.4]);
        assert_eq!(score(Suppress { conf: 0.4, ..ALL }), [0.9, 0.8]);
        assert_eq!(ALL.keep(&[], &[]), []);
        assert_eq!(ALL.keep(&[f32::NAN; 5], &rects), []);
    }
}
