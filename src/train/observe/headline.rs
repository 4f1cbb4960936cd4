//! The score that a line about an epoch shows: that in which the model is compared with the forecast to beat, or else the
//! first of those that matter most. Pure.

use crate::metric::score::{ScoreSpec, Show};

/// The score of the line.
pub(super) fn headline(scores: &[ScoreSpec]) -> Option<&ScoreSpec> {
    let of = scores.iter().find_map(|spec| spec.ahead.as_ref()).map(|ahead| &ahead.of);
    let compared = of.and_then(|name| scores.iter().find(|spec| spec.name == *name));
    compared.or_else(|| scores.iter().find(|spec| spec.show == Show::First && spec.is_learned()))
}

/// How far the model is ahead of a baseline in this score, if that is measured.
pub(super) fn ahead<'a>(of: &ScoreSpec, scores: &'a [ScoreSpec]) -> Option<&'a ScoreSpec> {
    scores.iter().find(|spec| spec.ahead.as_ref().is_some_and(|ahead| ahead.of == of.name))
}
