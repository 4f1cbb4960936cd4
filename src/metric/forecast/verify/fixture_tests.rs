//! Every score against pysteps, scikit-image and torchmetrics: tests/fixtures/metric; those of whole frames against OpenSTL.

use std::path::PathBuf;

use serde_json::Value;

use super::*;
use crate::metric::forecast::frames::Convention;
use crate::metric::forecast::scores::specs;
use crate::metric::score::ScoreSpec;

const TOLERANCE: f64 = 1e-6;

/// The similarity is computed in f32, that of torchmetrics here in double precision.
const SIMILARITY_TOLERANCE: f64 = 1e-5;

fn fixture(name: &str) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/metric", name].iter().collect();
    std::fs::read(path).unwrap()
}

/// The bytes of a tensor: a safetensors file is the length of its header, the header, and the tensors.
fn tensor(name: &str) -> Vec<u8> {
    let file = fixture("frames.safetensors");
    let (length, rest) = file.split_at(8);
    let (header, data) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
    let header: Value = serde_json::from_slice(header).unwrap();
    let [from, to] = [0, 1].map(|end| header[name]["data_offsets"][end].as_u64().unwrap() as usize);
    data[from..to].to_vec()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn verifier(expected: &Value) -> Verifier {
    let levels = Levels {
        thresholds: numbers(&expected["thresholds_dbz"]),
        scales_px: numbers(&expected["scales_px"]).into_iter().map(|scale| scale as usize).collect(),
        span: expected["span_dbz"].as_f64().unwrap(),
        unit: "dBZ".into(),
        frames: None,
    };
    let [leads, rows, columns] = [1, 2, 3].map(|axis| expected["shape"][axis].as_u64().unwrap() as usize);
    let min_dbz = expected["min_dbz"].as_f64().unwrap();
    Verifier::new(levels, min_dbz, Shape { leads, channels: 1, rows, columns })
}

fn compare(sums: &LeadSums, levels: &Levels, expected: &Value, of: &str) {
    let scores = sums.scores(levels);
    assert_eq!(scores.len(), expected.as_object().unwrap().len());
    for (ScoreSpec { name, .. }, score) in specs(levels).into_iter().zip(scores) {
        let wanted = expected[&name].as_f64();
        let tolerance = if name == "ssim" { SIMILARITY_TOLERANCE } else { TOLERANCE };
        let near = match (score, wanted) {
            (Some(value), Some(wanted)) => (value - wanted).abs() <= tolerance * wanted.abs().max(1.0),
            (value, wanted) => value == wanted,
        };
        assert!(near, "{name} of {of} is {score:?}, expected {wanted:?}");
    }
}

#[test]
fn all_scores_are_those_of_pysteps_scikit_image_and_torchmetrics() {
    let expected: Value = serde_json::from_slice(&fixture("expected.json")).unwrap();
    let (verifier, observed) = (verifier(&expected), tensor("observed"));
    let forecast = tensor("forecast");
    let forecast: Vec<f32> =
        forecast.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
    let cells = verifier.shape().cells();
    let mut all = Sums::none(verifier.levels(), verifier.shape().leads);
    for (window, (bytes, values)) in observed.chunks_exact(cells).zip(forecast.chunks_exact(cells)).enumerate() {
        let sums = verifier.measure(&verifier.observe(bytes), values);
        for (lead, of_lead) in sums.leads.iter().enumerate() {
            let wanted = &expected["of_lead"][window][lead];
            compare(of_lead, verifier.levels(), wanted, &format!("window {window}, lead {lead}"));
        }
        let wanted = &expected["of_window"][window];
        compare(&sums.all_leads(verifier.levels()), verifier.levels(), wanted, &format!("window {window}"));
        all.add(&sums);
    }
    compare(&all.all_leads(verifier.levels()), verifier.levels(), &expected["all"], "all windows");
}

#[test]
fn scores_of_whole_frames_are_those_of_openstl() {
    let expected: Value = serde_json::from_slice(&fixture("frames/expected.json")).unwrap();
    let [_, leads, channels, rows, columns] =
        [0, 1, 2, 3, 4].map(|axis| expected["shape"][axis].as_u64().unwrap() as usize);
    let shape = Shape { leads, channels, rows, columns };
    let (thresholds, frames) = (vec![0.5], Some(Convention::Openstl));
    let levels = Levels { thresholds, scales_px: vec![1], span: 1.0, unit: String::new(), frames };
    let verifier = Verifier::new(levels.clone(), 0.0, shape);
    let observed = fixture("frames/observed.bin");
    let forecast = fixture("frames/forecast.bin");
    let forecast: Vec<f32> =
        forecast.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
    let mut all = Sums::none(&levels, leads);
    for (bytes, values) in observed.chunks_exact(shape.cells()).zip(forecast.chunks_exact(shape.cells())) {
        all.add(&verifier.measure(&verifier.observe(bytes), values));
    }
    let near = |sums: &LeadSums, wanted: &Value| {
        let scores = specs(&levels).into_iter().zip(sums.scores(&levels));
        for (spec, score) in scores.filter(|(spec, _)| spec.name.starts_with("openstl_")) {
            let (score, wanted) = (score.unwrap(), wanted[&spec.name].as_f64().unwrap());
            assert!((score - wanted).abs() <= 1e-5 * wanted.abs(), "{} is {score}, expected {wanted}", spec.name);
        }
    };
    near(&all.all_leads(&levels), &expected["all"]);
    all.leads.iter().zip(expected["of_lead"].as_array().unwrap()).for_each(|(lead, wanted)| near(lead, wanted));
}
