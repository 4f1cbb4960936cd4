//! A checkpoint of the trainer that the network `lstm` comes from, which `tests/fixtures/keypoints/original.py` has written.

use tch::{Device, Kind, Tensor};

use super::*;
use crate::nn::layer::Mode;
use crate::nn::parameters::Parameters;
use crate::nn::precision::Precision;
use crate::task::keypoints::model::Sequences;
use crate::task::keypoints::training::network;

/// Where no dataset is prepared.
const NOWHERE: &str = "/nowhere";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keypoints/original").join(name)
}

fn checkpoint() -> PathBuf {
    fixture("checkpoints/best.pt")
}

/// The configuration that it was trained with, changed by `change`.
fn config(change: Value) -> KeypointsConfig {
    let mut written = json!({
        "prepare": {
            "streams": {"hand": {"points": 42}, "body": {"points": 33}, "face": {"points": 5}},
            "values": ["x", "y", "z"], "missing": "keep",
        },
        "model": {"lstm": {"hidden": 4, "layers": 2, "embedding": 6}},
    });
    merge(&mut written, change);
    serde_json::from_value(written).unwrap()
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from))
            if !from.contains_key("hand") && !from.contains_key("conv_transformer") =>
        {
            from.into_iter().for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
        }
        (into, from) => *into = from,
    }
}

/// Numbers as the script makes them, with this many of each point instead of three: the third is left out, the fourth is 0.
fn sequences(values: usize) -> Sequences {
    let lengths = [4_i64, 1, 3];
    let mut at = 0;
    let streams = [126_i64, 99, 15].map(|width| {
        let count = 3 * 4 * width;
        let numbers = (Tensor::arange(count, (Kind::Double, Device::Cpu)) + at as f64) * 0.37;
        at += count;
        let numbers = numbers.sin().to_kind(Kind::Float).view([3, 4, -1, 3]);
        let padded = numbers.constant_pad_nd([0, 1]).narrow(3, 0, values as i64);
        padded.flatten(2, 3)
    });
    Sequences { streams: streams.into(), lengths: lengths.to_vec() }
}

/// The logits of the network of a configuration with the weights of the file.
fn logits(config: &KeypointsConfig, sequences: &Sequences) -> Tensor {
    let facts = ModelFacts::read(&facts(config, Path::new(NOWHERE), &checkpoint()).unwrap()).unwrap();
    let network = network(config, &facts);
    let mut parameters = Parameters::new(&network.layout(), 1, Device::Cpu).unwrap();
    let report = parameters
        .load_named(&weights(config, Inputs::of(&Recipe::of(&config.prepare), &[]), &checkpoint()).unwrap().tensors);
    assert!(report.is_complete(), "{report}");
    tch::no_grad(|| network.over(&parameters).unwrap().forward(sequences, Mode::Evaluation, Precision::Fp32)).logits_bc
}

fn refused(config: &KeypointsConfig, file: &Path) -> String {
    let refused = facts(config, Path::new(NOWHERE), file).unwrap_err();
    assert_eq!(refused.exit(), Exit::DataRefused, "{refused}");
    refused.to_string()
}

#[test]
fn a_checkpoint_of_the_original_says_what_it_said_there() {
    tch::set_num_threads(1);
    let config = config(json!({}));
    let facts = facts(&config, Path::new(NOWHERE), &checkpoint()).unwrap();
    assert_eq!(facts["classes"], json!(["Ayuda", "agua", "día", "¿qué?", "OTHER"]), "of the list one folder up");
    let expected: Value = serde_json::from_slice(&std::fs::read(fixture("expected.json")).unwrap()).unwrap();
    let expected: Vec<f64> = expected["logits"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .map(|v| v.as_f64().unwrap())
        .collect();
    let found = logits(&config, &sequences(3));
    let far = (found - Tensor::from_slice(&expected).view([3, 5]).to_kind(Kind::Float)).abs().max().double_value(&[]);
    assert!(far <= 1e-5, "{far:e}");
    let rows = weights(&config, Inputs::of(&Recipe::of(&config.prepare), &[]), &checkpoint()).unwrap();
    assert_eq!(rows.beside["classes"][1], "agua", "for training that starts from it");
    assert_eq!(rows.beside["epoch"], 20);
}

#[test]
fn other_values_of_a_point_are_one_error_with_both_numbers_and_what_to_set() {
    let four = config(
        json!({"prepare": {"values": ["x", "y", "z", "confidence"]}, "model": {"lstm": {"layers": 1, "hidden": 8}}}),
    );
    let text = refused(&four, &checkpoint());
    for part in [
        "encoder.hand_branch.input_proj has 126 columns = 42 points x 3 values, the configuration gives 168 = 42 x 4; encoder.body",
        "encoder.face_branch.input_proj has 15 columns = 5 points x 3 values, the configuration gives 20 = 5 x 4: set \
         task.keypoints.prepare.values: [x, y, z], or task.keypoints.adapt: true",
        "hidden is 4 in it and 8 in the configuration: set task.keypoints.model.lstm.hidden: 4",
        "layers is 2 in it and 1 in the configuration",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(
        weights(&four, Inputs::of(&Recipe::of(&four.prepare), &[]), &checkpoint())
            .unwrap_err()
            .to_string()
            .contains("126 columns"),
        "also to start from"
    );
    let points = config(
        json!({"prepare": {"streams": {"hand": {"points": 21}, "body": {"points": 33}, "face": {"points": 7}}}}),
    );
    let text = refused(&points, &checkpoint());
    assert!(
        text.contains(
            "has 15 columns, the configuration gives 21 = 7 x 3: set task.keypoints.prepare.streams.face.points: 5"
        ),
        "{text}"
    );
    let order = config(
        json!({"prepare": {"streams": {"body": {"points": 33}, "hand": {"points": 42}, "face": {"points": 5}}}}),
    );
    assert!(refused(&order, &checkpoint()).contains("it has the streams hand 126, body 99, face 15"));
    let other = config(json!({"model": {"conv_transformer": {}}}));
    let text = refused(&other, &checkpoint());
    assert!(text.contains("set task.keypoints.model: {lstm: {hidden: 4, layers: 2, embedding: 6}}"), "{text}");
}

#[test]
fn adapted_weights_compute_the_same_from_the_values_that_both_have() {
    tch::set_num_threads(1);
    let close = |one: &Tensor, other: &Tensor| one.allclose(other, 1e-5, 1e-5, false);
    let plain = logits(&config(json!({})), &sequences(3));
    let more = config(json!({"adapt": true, "prepare": {"values": ["x", "y", "z", "confidence"]}}));
    let ones = sequences(4);
    let confident: Vec<Tensor> = ones
        .streams
        .iter()
        .map(|stream| stream + Tensor::from_slice(&[0.0_f32, 0.0, 0.0, 1.0]).repeat([stream.size()[2] / 4]))
        .collect();
    let confident = Sequences { streams: confident, lengths: ones.lengths.clone() };
    assert!(close(&logits(&more, &confident), &plain), "a new value counts for nothing");
    let fewer = config(json!({"adapt": true, "prepare": {"values": ["x", "y"]}}));
    let mut flat = sequences(3);
    for stream in &mut flat.streams {
        *stream = &*stream * Tensor::from_slice(&[1.0_f32, 1.0, 0.0]).repeat([stream.size()[2] / 3]);
    }
    assert!(close(&logits(&fewer, &sequences(2)), &logits(&config(json!({})), &flat)), "without z as with z = 0");

    // A layer of 2 points with 4 values, of which the confidence is always 1.
    let tensors = || {
        let weight = Tensor::arange(8, (Kind::Float, Device::Cpu)).view([1, 8]);
        let layer = "encoder.pen_branch.input_proj";
        vec![(format!("{layer}.weight"), weight), (format!("{layer}.bias"), Tensor::from_slice(&[0.5_f32]))]
    };
    let mut weights = Weights { tensors: tensors(), beside: Map::new() };
    let stream = Stream { name: "pen".into(), points: 2, parts: None, chosen: None };
    let said = adapted(&mut weights, &stream, &[PointValue::X, PointValue::Y], None).unwrap();
    let numbers = |place: usize| Vec::<f32>::try_from(weights.tensors[place].1.flatten(0, -1)).unwrap();
    assert_eq!((numbers(0), numbers(1)), (vec![0.0, 1.0, 4.0, 5.0], vec![0.5 + 3.0 + 7.0]));
    assert_eq!(said.len(), 1);
    assert!(
        said[0].ends_with("that of the confidence, taken for 1, is in the bias; those of z are left out"),
        "{}",
        said[0]
    );
}

#[test]
fn our_own_weights_say_which_values_a_point_has() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.safetensors");
    let written = config(json!({"prepare": {"values": ["x", "y", "confidence"]}}));
    let recipe = Recipe::of(&written.prepare);
    let facts = ModelFacts {
        classes: vec!["a".into(); 5],
        recipe: recipe.clone(),
        differences: Vec::new(),
        other: None,
        frames: 9,
        temperature: None,
    };
    let mut weights =
        super::weights(&config(json!({})), Inputs::of(&Recipe::of(&config(json!({})).prepare), &[]), &checkpoint())
            .unwrap();
    weights.tensors.iter_mut().for_each(|(_, tensor)| *tensor = tensor.contiguous());
    let exported = crate::nn::export::weights(&network(&written, &facts).layout(), &weights.tensors).unwrap();
    let beside = json!({"facts": facts}).as_object().cloned().unwrap();
    let mut out = std::fs::File::create(&file).unwrap();
    crate::nn::export::pth::write(&exported, (&["model_state"], &beside), &[], &mut out).unwrap();
    assert!(super::weights(&written, Inputs::of(&recipe, &[]), &file).is_ok());
    let other = config(json!({}));
    let refused = super::weights(&other, Inputs::of(&Recipe::of(&other.prepare), &[]), &file).unwrap_err().to_string();
    assert!(refused.contains("set task.keypoints.prepare.values: [x, y, confidence]"), "{refused}");
    let adapts = config(json!({"adapt": true, "prepare": {"values": ["x", "y", "z", "confidence"]}}));
    let read = super::weights(&adapts, Inputs::of(&Recipe::of(&adapts.prepare), &[]), &file).unwrap();
    let name = "encoder.body_branch.input_proj.weight";
    let of = |all: &Weights| all.tensors.iter().find(|(known, _)| known == name).unwrap().1.view([4, 33, -1]);
    let (new, old) = (of(&read), of(&weights));
    assert!(new.select(2, 3).equal(&old.select(2, 2)), "the third number of each point is its confidence");
    assert_eq!(new.select(2, 2).abs().max().double_value(&[]), 0.0);
}

#[test]
fn classes_come_from_the_list_beside_it_or_one_folder_up_and_nobody_guesses() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("best.pt");
    std::fs::copy(checkpoint(), &file).unwrap();
    let config = config(json!({}));
    assert!(refused(&config, &file).contains("does not name its 5 classes; put class_mapping.json"));
    let with = |mapping: Value| std::fs::write(folder.path().join("class_mapping.json"), mapping.to_string()).unwrap();
    let classes = || facts(&config, Path::new(NOWHERE), &file).unwrap()["classes"].clone();
    for mapping in [
        json!({"new_class_names": ["a", "b", "c", "d", "e"]}),
        json!({"new_class_names": {"1": "b", "0": "a", "2": "c", "4": "e", "3": "d"}}),
        json!({"new_class_names": {"b": 1, "a": 0, "c": 2, "e": 4, "d": 3}}),
        json!({"classes": ["a", "b", "c", "d", "e"]}),
    ] {
        with(mapping.clone());
        assert_eq!(classes(), json!(["a", "b", "c", "d", "e"]), "{mapping}");
    }
    with(json!({"new_class_names": ["a", "b", "c", "d"], "tail_to_other": true}));
    assert_eq!(classes()[4], "OTHER", "which such a list may leave out");
    with(json!({"new_class_names": ["a", "b"]}));
    let text = refused(&config, &file);
    assert!(text.contains("has 5 outputs, and ") && text.contains("names 2 classes; correct the list"), "{text}");
    with(json!({"names": ["a"], "count": 1}));
    assert!(refused(&config, &file).contains("has no classes among [names, count], expected \"new_class_names\""));
    std::fs::write(folder.path().join("class_mapping.json"), "[").unwrap();
    assert!(refused(&config, &file).contains("class_mapping.json is no JSON object"));
}

#[test]
fn what_is_no_such_network_is_refused_by_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.safetensors");
    Tensor::write_safetensors(&[("fc.weight", &Tensor::zeros([2, 3], (Kind::Float, Device::Cpu)))], &file).unwrap();
    assert!(refused(&config(json!({})), &file).contains("encoder.<stream>_branch.lstm"));
    let other = config(json!({"model": {"conv_transformer": {}}}));
    assert!(refused(&other, &file).contains("it has no classifier.weight"));
}
