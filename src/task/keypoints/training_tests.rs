//! What the classifier computes from batches of sequences, and that it learns from them.

use std::sync::Arc;

use serde_json::json;
use tch::{Device, Tensor};

use super::config::KeypointsConfig;
use super::facts::ModelFacts;
use super::recipe::Recipe;
use super::samples::SequenceSample;
use super::training::{Classifier, Phase, Setting};
use crate::nn::precision::Precision;
use crate::train::task::{Depth, Scores, Task};

/// A classifier of three classes from two small streams.
fn classifier() -> Classifier {
    classifier_with(&[], json!({"lstm": {"hidden": 16, "layers": 1, "embedding": 16, "dropout": 0.0}}))
}

/// One that also gets these differences between frames.
fn classifier_with(differences: &[usize], model: serde_json::Value) -> Classifier {
    tch::set_num_threads(1);
    let config: KeypointsConfig = serde_json::from_value(json!({
        "prepare": {"streams": {"hand": {"points": 3}, "pen": {"points": 1}}, "values": ["x", "y"]},
        "model": model,
        "loss": {"label_smoothing": 0.0},
    }))
    .unwrap();
    let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
    let (recipe, differences) = (Recipe::of(&config.prepare), differences.to_vec());
    let facts = ModelFacts { classes, recipe, differences, other: None, frames: 4, temperature: None };
    Classifier::new(Setting {
        phases: vec![Phase { loss: config.loss.clone(), freeze: Vec::new() }],
        config: &config,
        facts: Arc::new(facts),
        names: Arc::default(),
        training: None,
        device: Device::Cpu,
        precision: Precision::Fp32,
        seed: 42,
    })
    .unwrap()
}

/// Sequences of 2 to 7 frames.
fn samples() -> Vec<SequenceSample> {
    let sample = |record: usize| {
        let frames = 2 + record;
        let value = |place: usize| ((place * (record + 3)) as f32).sin();
        SequenceSample { record, class: record % 3, frames, values: (0..frames * 8).map(value).collect() }
    };
    (0..6).map(sample).collect()
}

fn loss(sums: &Tensor) -> f64 {
    sums.double_value(&[0])
}

#[test]
fn classifier_forward() {
    let (classifier, samples) = (classifier(), samples());
    let of = |samples: &[SequenceSample]| {
        let sequences: Vec<(usize, &[f32])> =
            samples.iter().map(|sample| (sample.frames, &sample.values[..])).collect();
        classifier.outputs(&sequences).unwrap().probabilities
    };
    let all = of(&samples);
    assert_eq!(all.len(), 18);
    for (sample, together) in samples.iter().zip(all.chunks(3)) {
        assert!((together.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let alone = of(std::slice::from_ref(sample));
        assert_eq!(alone, together, "padding and the other sequences change nothing");
    }
}

#[test]
fn differences_between_frames_widen_the_input_and_padding_still_changes_nothing() {
    let samples = samples();
    let lstm = json!({"lstm": {"hidden": 16, "layers": 1, "embedding": 16, "dropout": 0.0}});
    let other = json!({"conv_transformer": {"width": 8, "heads": 2, "blocks": 1, "convolutions": 1, "embedding": 16, "dropout": 0.0}});
    for model in [lstm, other] {
        let (mut task, plain) = (classifier_with(&[1, 2], model.clone()), classifier_with(&[], model));
        let batch = task.collate(&samples, None).unwrap();
        let widths =
            |batch: &super::training::Batch| batch.streams().map(|stream| stream.size()[2]).collect::<Vec<_>>();
        // Hands of three points with x and y, and a pen of one.
        assert_eq!(widths(&batch), [6 * 3, 2 * 3]);
        assert_eq!(widths(&plain.collate(&samples, None).unwrap()), [6, 2]);
        let pen = batch.streams().nth(1).unwrap().get(0);
        let row = |frame: i64| Vec::<f32>::try_from(pen.get(frame)).unwrap();
        let values = &samples[0].values[12..];
        assert_eq!(row(0)[..4], [values[0], values[1], values[2] - values[0], values[3] - values[1]]);
        assert_eq!((&row(1)[2..], &row(2)[..]), (&[0.0; 4][..], &[0.0; 6][..]), "nothing behind the last frame");
        let of = |samples: &[SequenceSample]| {
            let sequences: Vec<(usize, &[f32])> =
                samples.iter().map(|sample| (sample.frames, &sample.values[..])).collect();
            task.outputs(&sequences).unwrap().probabilities
        };
        let all = of(&samples);
        for (sample, together) in samples.iter().zip(all.chunks(3)) {
            let alone = of(std::slice::from_ref(sample));
            assert!(alone.iter().zip(together).all(|(alone, together)| (alone - together).abs() < 1e-6), "{alone:?}");
        }
        drop(task.step(&batch, 1.0).unwrap());
        assert!(task.parameters().gradients().abs().max().double_value(&[]) > 0.0);
    }
}

#[test]
fn single_step_changes_the_loss_of_its_batch_and_scores_count_every_sequence() {
    let (mut task, samples) = (classifier(), samples());
    let batch = task.collate(&samples, None).unwrap();
    let mut scores = task.scores(Depth::Evaluation);
    let before = loss(&task.evaluate(&batch, &mut scores).unwrap());
    assert_eq!((scores.basis().samples, scores.confusion.samples()), (6, 6));
    let stepped = loss(&task.step(&batch, 1.0 / 6.0).unwrap());
    assert!((before - stepped).abs() < 1e-4, "{before} {stepped}");
    tch::no_grad(|| {
        let parameters = task.parameters();
        let mut values = parameters.values().shallow_clone();
        drop(values.g_sub_(&(parameters.gradients() * 0.1)));
    });
    let mut again = task.scores(Depth::Validation);
    assert!(loss(&task.evaluate(&batch, &mut again).unwrap()) < before);
}

#[test]
fn gradients_not_zero() {
    let (mut task, samples) = (classifier(), samples());
    let batch = task.collate(&samples, None).unwrap();
    drop(task.step(&batch, 1.0).unwrap());
    let parameters = task.parameters();
    let names: Vec<String> = parameters.names().map(str::to_owned).collect();
    for name in names {
        let gradient = parameters.gradient(&name).unwrap();
        assert!(gradient.abs().max().double_value(&[]) > 0.0, "{name}");
    }
}

#[test]
fn overfit_single_batch() {
    let (mut task, samples) = (classifier(), samples());
    let batch = task.collate(&samples, None).unwrap();
    let mut last = f64::INFINITY;
    let mut velocity: Option<Tensor> = None;
    for _ in 0..300 {
        task.parameters().zero_gradients();
        last = loss(&task.step(&batch, 1.0 / 6.0).unwrap()) / 6.0;
        tch::no_grad(|| {
            let parameters = task.parameters();
            let moved = match &velocity {
                Some(velocity) => velocity * 0.9 + parameters.gradients(),
                None => parameters.gradients().copy(),
            };
            drop(parameters.values().shallow_clone().g_sub_(&(&moved * 0.05)));
            velocity = Some(moved);
        });
    }
    assert!(last < 0.02, "{last}");
}

#[test]
fn a_sequence_that_is_not_of_the_dataset_is_refused() {
    let (task, samples) = (classifier(), samples());
    for wrong in [
        SequenceSample { class: 3, ..samples[0].clone() },
        SequenceSample { frames: 0, values: Vec::new(), ..samples[0].clone() },
        SequenceSample { frames: 3, ..samples[0].clone() },
    ] {
        let refused = task.collate(&[wrong], None).unwrap_err().to_string();
        assert!(refused.contains("expected one of 3 classes and 8 numbers for each of at least 1 frame"), "{refused}");
    }
}
