//! The least memory that training takes, by the configuration alone: how many classes there are and how long sequences are is
//! known only when they are prepared, so it counts two classes and sequences of one frame.

use super::config::KeypointsConfig;
use super::facts::ModelFacts;
use super::recipe::Recipe;
use super::training::{network, widths};
use crate::task::needs::{FP32_BYTES, Needs, product, sum};

impl KeypointsConfig {
    /// The least memory that training takes.
    #[must_use]
    pub fn least_needs(&self) -> Needs {
        // Sizes that are refused anyway could not even be multiplied.
        if !self.section_problems().is_empty() {
            return Needs::default();
        }
        let (recipe, differences) = (Recipe::of(&self.prepare), self.differences.clone());
        let facts = ModelFacts {
            classes: vec![String::new(); 2],
            recipe,
            differences,
            other: None,
            frames: 1,
            temperature: None,
        };
        let layout = network(self, &facts).layout();
        let numbers = |shape: &[i64]| product(&shape.iter().map(|side| side.unsigned_abs()).collect::<Vec<_>>());
        let parameters = sum(layout.parameters.iter().map(|parameter| numbers(&parameter.shape)));
        let frame = sum(widths(&facts).into_iter().map(|width| width as u64));
        Needs { parameters, sample_bytes: product(&[frame, FP32_BYTES]) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn needs_are_those_of_the_network_and_of_one_frame() {
        let needs = |section: serde_json::Value| from_value::<KeypointsConfig>(section).unwrap().least_needs();
        let default = needs(json!({}));
        assert_eq!((default.parameters, default.sample_bytes), (4_721_920 + 2 * 513, 4 * (168 + 132 + 1872)));
        let moving = needs(json!({"differences": [1]}));
        assert_eq!(moving.sample_bytes, 4 * (168 + 132 + 1872) / 4 * 7, "three coordinates beside four numbers");
        let largest = needs(json!({"model": {"lstm": {"hidden": 8192, "layers": 64}}}));
        assert!(largest.parameters > 100_000_000_000, "{largest:?}");
        let other = needs(json!({"model": {"conv_transformer": {"width": 8192, "blocks": 64, "convolutions": 64}}}));
        assert!(other.parameters > 100_000_000_000, "{other:?}");
        assert_eq!(needs(json!({"model": {"lstm": {"hidden": usize::MAX}}})), Needs::default(), "refused elsewhere");
    }
}
