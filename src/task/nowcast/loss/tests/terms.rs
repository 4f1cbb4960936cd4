//! The terms beside Huber and SSIM against PyTorch, with the values of `tests/fixtures/nn/make_loss.py`, and what holds for
//! each of them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::super::config::{AbsoluteConfig, CsiConfig, CsiForm, FssConfig};
use super::super::expected::{OfSquares, OfThreshold};
use super::*;

const LEADS: usize = 3;
const SIZE: [usize; 2] = [14, 12];

const CASES: [&str; 9] = [
    "absolute",
    "balanced_masked",
    "csi",
    "csi_masked",
    "per_sample",
    "per_sample_masked",
    "fss",
    "fss_masked",
    "all_masked",
];

struct Fixture {
    tensors: HashMap<String, Tensor>,
    cases: Value,
    expected: Expected,
}

impl Fixture {
    fn read() -> Self {
        tch::set_num_threads(1);
        let all = read("terms.json");
        let expected = all["expected"].as_object().unwrap().iter();
        let expected = expected.map(|(threshold, of)| OfThreshold {
            threshold: threshold.parse().unwrap(),
            event_share: of["event_share"].as_f64().unwrap(),
            csi: serde_json::from_value(of["csi"].clone()).unwrap(),
            squares: [3, 7].map(|scale_px| squares(of, scale_px)).into(),
        });
        Self {
            tensors: crate::nn::testing::tensors("terms.safetensors"),
            cases: all["cases"].clone(),
            expected: Expected { windows: 1, thresholds: expected.collect() },
        }
    }

    fn case(&self, name: &str) -> (NowcastLoss, Option<&Tensor>) {
        let case = &self.cases[name];
        let known = case["masked"].as_bool().unwrap().then(|| &self.tensors["mask"]);
        (loss_of(&config(case), &self.expected), known)
    }

    fn prediction(&self) -> Tensor {
        self.tensors["prediction"].copy().set_requires_grad(true)
    }

    fn target(&self) -> &Tensor {
        &self.tensors["target"]
    }
}

fn squares(of: &Value, scale_px: usize) -> OfSquares {
    OfSquares { scale_px, squared_share: of["squared_share"][scale_px.to_string()].as_f64().unwrap() }
}

/// The configuration of a case: weights and settings of its terms, without Huber and SSIM.
fn config(case: &Value) -> NowcastConfig {
    let mut config = NowcastConfig::default();
    (config.prepare.size, config.windows.target_frames) = (SIZE, LEADS);
    let loss = &mut config.loss;
    (loss.huber_ssim_weight, loss.last_lead_weight) = (0.0, case["last_lead"].as_f64().unwrap());
    for term in case["terms"].as_array().unwrap() {
        let mut settings = term[2].clone();
        settings["weight"] = term[0].clone();
        match term[1].as_str().unwrap() {
            "absolute" => loss.absolute = Some(serde_json::from_value(settings).unwrap()),
            "fss" => loss.fss = Some(serde_json::from_value(settings).unwrap()),
            name => {
                settings["form"] = json!(name.strip_prefix("csi_").unwrap());
                loss.csi = Some(serde_json::from_value(settings).unwrap());
            }
        }
    }
    config
}

fn floats(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.detach().to_kind(Kind::Double)).unwrap()
}

#[track_caller]
fn near(got: &[f64], wanted: &Value, what: &str) {
    let wanted: Vec<f64> = serde_json::from_value(wanted.clone()).unwrap();
    assert_eq!(got.len(), wanted.len());
    for (got, wanted) in got.iter().zip(wanted) {
        assert!((got - wanted).abs() <= 1e-5 * wanted.abs(), "{what}: {got}, expected {wanted}");
    }
}

#[test]
fn values_and_gradients_of_every_term_are_those_of_pytorch() {
    let fixture = Fixture::read();
    for name in CASES {
        let ((loss, known), prediction) = (fixture.case(name), fixture.prediction());
        let parts = loss.parts(&prediction, fixture.target(), known);
        let case = &fixture.cases[name];
        near(&floats(&parts.loss_b), &case["loss"], name);
        let terms = case["parts"].as_object().unwrap();
        assert_eq!(parts.terms_b.len(), terms.len());
        parts
            .terms_b
            .iter()
            .zip(terms)
            .for_each(|(got, (term, wanted))| near(&floats(part(got)), wanted, &format!("{name} {term}")));
        parts.loss_b.sum(Kind::Float).backward();
        let error = relative_error(&prediction.grad(), &fixture.tensors[&format!("gradient.{name}")]);
        assert!(error < 1e-5, "{name}: the gradient differs by {error:e}");
    }
}

/// So a step does not depend on the size of micro-batches.
#[test]
fn a_sample_has_the_same_loss_and_gradient_alone_as_in_company() {
    let fixture = Fixture::read();
    for name in CASES {
        let (loss, known) = fixture.case(name);
        let of = |cuts: &[i64]| {
            let (prediction, mut from) = (fixture.prediction(), 0);
            let mut losses = Vec::new();
            for &count in cuts {
                let cut = |tensor: &Tensor| tensor.narrow(0, from, count);
                let known = known.map(cut);
                let parts = loss.parts(&cut(&prediction), &cut(fixture.target()), known.as_ref());
                parts.loss_b.sum(Kind::Float).backward();
                losses.extend(floats(&parts.loss_b));
                from += count;
            }
            (losses, prediction.grad())
        };
        let (whole, gradient) = of(&[3]);
        for cuts in [&[1, 1, 1][..], &[2, 1]] {
            let (apart, other) = of(cuts);
            let same = whole.iter().zip(&apart).all(|(one, other)| (one - other).abs() <= 1e-6 * one.abs());
            assert!(same, "{name}: {whole:?} {apart:?}");
            assert!(relative_error(&other, &gradient) < 1e-6, "{name}");
        }
    }
}

#[test]
fn unknown_cells_have_no_part_in_any_term() {
    let fixture = Fixture::read();
    let known = &fixture.tensors["mask"];
    let unknown: Tensor = 1.0 - known;
    for name in CASES {
        let (loss, _) = fixture.case(name);
        let (prediction, other) = (fixture.prediction(), (&fixture.tensors["prediction"] + &unknown * 0.7));
        let one = loss.parts(&prediction, fixture.target(), Some(known));
        let changed = loss.parts(&other, &(fixture.target() * known + &unknown * 0.9), Some(known));
        assert!(one.sums().equal(&changed.sums()), "{name}");
        assert_eq!(floats(&one.loss_b)[2], 0.0, "{name}: a sample of which nothing is known");
        one.loss_b.sum(Kind::Float).backward();
        assert_eq!((prediction.grad() * &unknown).abs().max().double_value(&[]), 0.0, "{name}");
        assert_eq!(prediction.grad().isfinite().all().int64_value(&[]), 1);
    }
}

fn everything() -> NowcastConfig {
    let mut config = NowcastConfig::default();
    (config.prepare.size, config.windows.target_frames) = (SIZE, LEADS);
    let (thresholds, scales_px) = (Some(vec![20.0, 35.0]), vec![3, 7]);
    config.loss.absolute = Some(AbsoluteConfig::default());
    config.loss.csi = Some(CsiConfig { thresholds: thresholds.clone(), ..CsiConfig::default() });
    config.loss.fss = Some(FssConfig { thresholds, scales_px, ..FssConfig::default() });
    config
}

/// A forecast of much less than nothing, where it is dry and where it is not, and of much more than the most.
#[test]
fn forecasts_outside_of_the_scale_are_told_to_come_back() {
    let fixture = Fixture::read();
    let mut config = everything();
    config.loss.huber_ssim_weight = 0.0;
    config.loss.absolute.as_mut().unwrap().weight = 1.0;
    let loss = loss_of(&config, &fixture.expected);
    let shape = [1, LEADS as i64, 1, SIZE[0] as i64, SIZE[1] as i64];
    for (forecast, observed, sign) in [(-0.3, 0.0, -1.0), (-9.0, 0.9, -1.0), (1.4, 1.0, 1.0), (9.0, 0.0, 1.0)] {
        let full = |value: f64| Tensor::full(shape, value, (Kind::Float, Device::Cpu));
        let prediction = full(forecast).set_requires_grad(true);
        let parts = loss.parts(&prediction, &full(observed), None);
        parts.loss_b.sum(Kind::Float).backward();
        assert!(parts.loss_b.isfinite().all().int64_value(&[]) == 1 && floats(&parts.loss_b)[0] > 0.0);
        let gradient = prediction.grad() * sign;
        assert!(gradient.min().double_value(&[]) > 0.0, "{forecast} instead of {observed}");
    }
}

#[test]
fn the_loss_is_the_weighted_sum_of_its_parts() {
    let fixture = Fixture::read();
    let config = everything();
    let (loss, known) = (loss_of(&config, &fixture.expected), &fixture.tensors["mask"]);
    let parts = loss.parts(&fixture.tensors["prediction"], fixture.target(), Some(known));
    let [absolute, csi, fss] = [0, 1, 2].map(|term| floats(part(&parts.terms_b[term]))[0]);
    let distance = 1.0 - floats(part(&parts.ssim_b))[0];
    let sum = 0.5 * floats(part(&parts.huber_b))[0] + 0.5 * distance + 0.4 * absolute + 0.15 * csi + 0.1 * fss;
    assert!((floats(&parts.loss_b)[0] / sum - 1.0).abs() < 1e-6);
    let sums = Vec::<f64>::try_from(parts.sums().to_kind(Kind::Double)).unwrap();
    assert_eq!(sums.len(), Reported::of([&config.loss]).count());
}

/// A term of another phase is measured, and nothing is learned from it.
#[test]
fn what_only_another_phase_has_is_reported_without_a_weight() {
    let fixture = Fixture::read();
    let (plain, other) = (NowcastConfig { loss: LossConfig::default(), ..everything() }, everything());
    let reported = Reported::of([&plain.loss, &other.loss]);
    let quantity = Quantity::default();
    let of = |config: &NowcastConfig, reported: &Reported| {
        let (quantity, expected, device) = (&quantity, &fixture.expected, Device::Cpu);
        let loss = NowcastLoss::new(&Setting { config, quantity, expected, reported, device }).unwrap();
        let prediction = fixture.prediction();
        let parts = loss.parts(&prediction, fixture.target(), None);
        parts.loss_b.sum(Kind::Float).backward();
        (parts, prediction.grad())
    };
    let ((with, gradient), (without, same)) = (of(&plain, &reported), of(&plain, &Reported::default()));
    assert!(with.loss_b.equal(&without.loss_b) && gradient.equal(&same));
    let (learned, _) = of(&other, &reported);
    assert_eq!(with.terms_b.len(), 3);
    assert!(with.terms_b.iter().zip(&learned.terms_b).all(|(one, other)| part(one).equal(part(other))));
}

#[test]
fn the_index_of_each_sample_needs_no_constants_and_the_sum_over_cells_does() {
    let mut config = everything();
    (config.loss.fss, config.loss.csi.as_mut().unwrap().form) = (None, CsiForm::PerSample);
    let (expected, quantity, reported) = (&Expected::default(), &Quantity::default(), Reported::of([&config.loss]));
    let (reported, device) = (&reported, Device::Cpu);
    assert!(NowcastLoss::new(&Setting { config: &config, quantity, expected, reported, device }).is_ok());
    let config = &everything();
    let reported = &Reported::of([&config.loss]);
    let error = NowcastLoss::new(&Setting { config, quantity, expected, reported, device }).unwrap_err();
    assert!(error.to_string().contains("threshold 20"), "{error}");
}

#[test]
fn an_observation_on_a_threshold_is_no_event() {
    let mut config = everything();
    (config.prepare.min, config.prepare.max) = (0.0, 254.0);
    config.loss = LossConfig {
        huber_ssim_weight: 0.0,
        absolute: Some(AbsoluteConfig {
            weight: 1.0,
            above: Some((1..=253).map(|step| [f64::from(step), 2.0]).collect()),
        }),
        ..LossConfig::default()
    };
    for step in [1_u8, 20, 77, 101, 253] {
        config.loss.absolute.as_mut().unwrap().above = Some(vec![[f64::from(step), 3.0]]);
        let loss = loss_of(&config, &Expected::default());
        let shape = [1, LEADS as i64, 1, SIZE[0] as i64, SIZE[1] as i64];
        let of = |byte: u8| {
            let target = Tensor::full(shape, f64::from(byte), (Kind::Float, Device::Cpu)) / 254.0;
            floats(&loss.parts(&(&target + 0.25), &target, None).loss_b)[0]
        };
        assert!((of(step) - 0.25).abs() < 1e-6 && (of(step + 1) - 0.75).abs() < 1e-6, "{step}");
    }
}
