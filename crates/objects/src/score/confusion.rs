//! Which class was taken for which: detections and objects in pairs, whatever their classes are.

use serde::Serialize;

use crate::boxes::{Detection, Object};

/// From when on a detection and an object are a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pairing {
    /// Detections at or below this score take no part.
    pub conf: f32,
    /// A pair overlaps by more than this.
    pub iou: f64,
}

impl Default for Pairing {
    fn default() -> Self {
        Self { conf: 0.25, iou: 0.45 }
    }
}

impl Pairing {
    /// The predicted and the true class of each pair, the largest overlap first, and of what is left alone; the number of classes
    /// stands for the background.
    pub(super) fn pairs(&self, truths: &[Object], detections: &[Detection], classes: usize) -> Vec<[u32; 2]> {
        let background = classes as u32;
        let sure: Vec<&Detection> = detections.iter().filter(|one| one.score > self.conf).collect();
        let mut near = Vec::new();
        for (one, detection) in sure.iter().enumerate() {
            let overlaps =
                truths.iter().enumerate().map(|(other, truth)| (detection.rect.iou(&truth.rect), one, other));
            near.extend(overlaps.filter(|(overlap, ..)| *overlap > self.iou));
        }
        near.sort_by(|one, other| other.0.total_cmp(&one.0));
        let (mut found, mut seen) = (vec![false; sure.len()], vec![false; truths.len()]);
        let mut pairs = Vec::new();
        for (_, one, other) in near {
            if !found[one] && !seen[other] {
                (found[one], seen[other]) = (true, true);
                pairs.push([sure[one].class, truths[other].class]);
            }
        }
        let invented = sure.iter().zip(found).filter(|(_, found)| !found).map(|(one, _)| [one.class, background]);
        let missed = truths.iter().zip(seen).filter(|(_, seen)| !seen).map(|(truth, _)| [background, truth.class]);
        pairs.extend(invented.chain(missed));
        pairs
    }
}

/// A square of counts: rows are predicted classes, columns true ones, the last of each the background.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// The classes, without the background.
    pub classes: usize,
    /// The counts, row by row.
    pub counts: Vec<u64>,
}

impl Confusion {
    pub(super) fn none(classes: usize) -> Self {
        Self { classes, counts: vec![0; (classes + 1) * (classes + 1)] }
    }

    pub(super) fn add(&mut self, [predicted, truth]: [u32; 2]) {
        let side = self.classes as u32 + 1;
        if predicted < side && truth < side {
            self.counts[(predicted * side + truth) as usize] += 1;
        }
    }

    /// How often a class was predicted for a true one.
    #[must_use]
    pub fn count(&self, predicted: usize, truth: usize) -> u64 {
        self.counts[predicted * (self.classes + 1) + truth]
    }
}
