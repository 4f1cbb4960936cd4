//! Texts beside points: each at a side where it covers no other text; it is left out if there is none.

use super::Ink;
use super::scene::{Anchor, Scene, Text, overlap};

const SIZE: f64 = 11.0;
const AWAY: f64 = 7.0;

/// The texts of a chart that are placed already, and the frame that none may leave.
pub(super) struct Labels {
    taken: Vec<[[f64; 2]; 2]>,
    frame: [[f64; 2]; 2],
}

impl Labels {
    pub(super) fn within(frame: [[f64; 2]; 2]) -> Self {
        Self { taken: Vec::new(), frame }
    }

    /// Keeps texts away from a rectangle.
    pub(super) fn keep_free(&mut self, place: [[f64; 2]; 2]) {
        self.taken.push(place);
    }

    /// Writes a text beside a point, at the first side that is free.
    pub(super) fn beside(&mut self, scene: &mut Scene, text: &str, [x, y]: [f64; 2], ink: Ink) {
        let near = AWAY * 0.75;
        let sides = [
            ([x + AWAY, y + near], Anchor::Start),
            ([x - AWAY, y - near], Anchor::End),
            ([x + AWAY, y - near], Anchor::Start),
            ([x - AWAY, y + near], Anchor::End),
            ([x, y - 1.7 * AWAY], Anchor::Middle),
            ([x, y + 1.7 * AWAY], Anchor::Middle),
            ([x + AWAY, y - 2.4 * AWAY], Anchor::Start),
            ([x + 3.0 * AWAY, y], Anchor::Start),
        ];
        let texts = sides.map(|(at, anchor)| Text::new(text, at, SIZE, ink).anchor(anchor));
        self.first_free(scene, texts);
    }

    /// Writes the first of these texts that covers nothing.
    pub(super) fn first_free(&mut self, scene: &mut Scene, texts: impl IntoIterator<Item = Text>) {
        let is_free = |text: &Text| {
            let place = text.covers();
            let is_inside = (0..2).all(|axis| {
                place[0][axis] >= self.frame[0][axis]
                    && place[0][axis] + place[1][axis] <= self.frame[0][axis] + self.frame[1][axis]
            });
            is_inside && !self.taken.iter().any(|taken| overlap(*taken, place))
        };
        if let Some(text) = texts.into_iter().find(is_free) {
            self.taken.push(text.covers());
            scene.text(text);
        }
    }
}
