//! How balancing classes reaches the loss of a classifier, and what an image's random changes follow from.

use std::sync::Arc;

use serde_json::json;
use tch::Device;

use super::config::{Balance, ImageClassConfig, LossConfig};
use super::samples::ImageSample;
use super::training::{Classifier, Phase, Setting};
use crate::nn::precision::Precision;
use crate::train::task::{Depth, Task};

/// A classifier of two classes with three images and one.
fn classifier(balance: Balance) -> Classifier {
    tch::set_num_threads(1);
    let facts = json!({
        "classes": ["A", "B"], "labels": ["A", "B"], "size": [8, 8], "fit": "stretch", "transposed": false,
        "inverted": false,
    });
    let loss = LossConfig { label_smoothing: 0.0, ..LossConfig::default() };
    let setting = Setting {
        phases: vec![Phase { loss, freeze: Vec::new() }],
        config: &ImageClassConfig { balance, ..ImageClassConfig::default() },
        facts: Arc::new(serde_json::from_value(facts).unwrap()),
        counts: &[3, 1],
        names: Arc::default(),
        device: Device::Cpu,
        precision: Precision::Fp32,
        seed: 42,
    };
    Classifier::new(setting).unwrap()
}

fn samples() -> Vec<ImageSample> {
    let levels = |record: usize| (0..64).map(|place| (place * (record + 3) % 256) as u8).collect();
    let sample = |record| ImageSample { record, class: record / 3, repeat: 0, levels: levels(record) };
    (0..4).map(sample).collect()
}

#[test]
fn images_of_a_small_class_weigh_more_and_a_loss_is_the_mean_over_these_weights() {
    for (balance, expected) in [(Balance::None, [1.0, 1.0]), (Balance::Weights, [2.0 / 3.0, 2.0])] {
        let (mut task, samples) = (classifier(balance), samples());
        let weights: Vec<f64> = samples.iter().map(|sample| task.weight(sample)).collect();
        for (sample, weight) in samples.iter().zip(&weights) {
            assert!((weight - expected[sample.class]).abs() < 1e-12, "{balance:?}: {weight}");
        }
        let levels: Vec<u8> = samples.iter().flat_map(|sample| sample.levels.clone()).collect();
        let probabilities = task.probabilities(&levels).unwrap();
        let of = |number: usize| -f64::from(probabilities[2 * number + samples[number].class]).ln();
        let sum: f64 = (0..4).map(|number| weights[number] * of(number)).sum();
        let batch = task.collate(&samples, None).unwrap();
        let mut scores = task.scores(Depth::Validation);
        let sums = Vec::<f32>::try_from(task.evaluate(&batch, &mut scores).unwrap()).unwrap();
        for got in sums {
            assert!((f64::from(got) / sum - 1.0).abs() < 1e-5, "{balance:?}: {got} instead of {sum}");
        }
    }
}

#[test]
fn an_image_that_comes_again_in_an_epoch_is_dropped_out_in_another_way() {
    let task = classifier(Balance::Sampler);
    let keys: Vec<u64> = (0..3).map(|repeat| ImageSample { repeat, ..samples().remove(2) }.key()).collect();
    assert_eq!(keys[0], 2);
    assert!(keys[1] != keys[0] && keys[2] != keys[1] && keys.iter().all(|key| *key != 3));
    assert!(samples().iter().all(|sample| task.weight(sample) == 1.0), "a sampler weighs nothing");
}
