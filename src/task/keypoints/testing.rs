//! Datasets of tests, without numbers.

use super::config::{PrepareConfig, Stored};
use super::facts::{Facts, SampleFacts, VERSION};
use super::recipe::Recipe;
use crate::util::sha256::Digest;

/// A sequence of ten frames, of a class.
pub fn sample(number: usize, class: usize) -> SampleFacts {
    SampleFacts {
        name: format!("n{number}"),
        class,
        signer: None,
        source: None,
        side: None,
        frames: 10,
        frames_before: 10,
        unseen: vec![0; 4],
        content: Digest::of(&number.to_le_bytes()),
    }
}

/// A dataset of these sequences, with as many classes as they need.
pub fn facts(samples: Vec<SampleFacts>) -> Facts {
    let most = samples.iter().map(|sample| sample.class).max().unwrap_or(0);
    Facts {
        version: VERSION,
        recipe: Recipe::of(&PrepareConfig::default()),
        stored: Stored::F32,
        classes: (0..=most).map(|class| format!("c{class}")).collect(),
        samples,
        gone: Vec::new(),
        sources: Vec::new(),
    }
}
