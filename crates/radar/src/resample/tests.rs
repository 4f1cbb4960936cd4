//! Values against xarray (`tests/fixtures/resample/make.py`), and the kernels for bytes against the general code.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Case {
    method: Method,
    r#type: String,
    to: [usize; 2],
    scale: f64,
    offset: f64,
    missing: Vec<f64>,
    valid: Option<[f64; 2]>,
    y: Vec<f64>,
    x: Vec<f64>,
    raw: Vec<Option<f64>>,
    expected: Vec<Option<f64>>,
    expected_y: Vec<f64>,
    expected_x: Vec<f64>,
}

const QUANTIZER: (f64, f64) = (-29.0, 65.0);

fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/resample/cases.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

impl Case {
    fn name(&self) -> String {
        format!("{:?} of {} {}x{} to {:?}", self.method, self.r#type, self.y.len(), self.x.len(), self.to)
    }

    fn run<T: Raw>(&self, convert: impl Fn(f64) -> T) -> Vec<u8> {
        let raw: Vec<T> = self.raw.iter().map(|raw| convert(raw.unwrap_or(f64::NAN))).collect();
        let decode = Decode {
            scale: self.scale,
            offset: self.offset,
            missing: self.missing.clone(),
            valid: self.valid,
            unsigned_span: None,
        };
        let quantizer = Quantizer::new(QUANTIZER.0, QUANTIZER.1).unwrap();
        let mut out = vec![99; self.to[0] * self.to[1]];
        let resampler = Resampler::along(self.method, [&self.y, &self.x], self.to).unwrap();
        resampler.run(&raw, &decode, &quantizer, &mut out, &mut Scratch::default()).unwrap();
        out
    }

    fn run_as_its_type(&self) -> Vec<u8> {
        match self.r#type.as_str() {
            "int8" => self.run(|raw| raw as i8),
            "uint8" => self.run(|raw| raw as u8),
            "int16" => self.run(|raw| raw as i16),
            "uint16" => self.run(|raw| raw as u16),
            "int32" => self.run(|raw| raw as i32),
            "uint32" => self.run(|raw| raw as u32),
            "float32" => self.run(|raw| raw as f32),
            _ => self.run(|raw| raw),
        }
    }
}

#[test]
fn values_are_those_of_xarray_to_half_a_quantization_step() {
    let quantizer = Quantizer::new(QUANTIZER.0, QUANTIZER.1).unwrap();
    let tolerance = quantizer.scale_factor() / 2.0 + 1e-6;
    for case in cases() {
        for (index, (&byte, expected)) in case.run_as_its_type().iter().zip(&case.expected).enumerate() {
            let value = quantizer.dequantize(byte);
            match expected {
                None => assert!(value.is_nan(), "{} cell {index}: got {value} dBZ, expected missing", case.name()),
                Some(expected) => {
                    let error = value - expected.clamp(QUANTIZER.0, QUANTIZER.1);
                    assert!(error.abs() <= tolerance, "{} cell {index}: {value} dBZ, not {expected}", case.name());
                }
            }
        }
    }
}

#[test]
fn the_mean_of_z_is_nearer_to_the_strong_echo_than_that_of_decibels() {
    let quantizer = Quantizer::new(QUANTIZER.0, QUANTIZER.1).unwrap();
    let decode = Decode { scale: 1.0, offset: 0.0, missing: vec![-128.0], valid: None, unsigned_span: None };
    let of = |method, raw: &[i8]| {
        let resampler = Resampler::new(method, [1, raw.len()], [1, 1]).unwrap();
        let (kernel, general) =
            (run(&resampler, raw, &decode, &quantizer), by_general_code(&resampler, raw, &decode, &quantizer));
        assert_eq!(kernel, general);
        quantizer.dequantize(kernel[0])
    };
    // 10 log10((10^4 + 10^2) / 2) = 37.03; a missing cell has no part in it, no echo as a number has half.
    let half_a_step = quantizer.scale_factor() / 2.0;
    for (method, raw, expected) in [
        (Method::MeanZ, [40, 20], 37.03),
        (Method::Mean, [40, 20], 30.0),
        (Method::MeanZ, [40, -128], 40.0),
        (Method::MeanZ, [40, -29], 36.99),
    ] {
        assert!((of(method, &raw) - expected).abs() <= half_a_step, "{method:?} of {raw:?}");
    }
    assert!(of(Method::MeanZ, &[-128, -128]).is_nan());
}

#[test]
fn coordinates_are_those_of_xarray() {
    for case in cases() {
        for (axis, expected) in [(&case.y, &case.expected_y), (&case.x, &case.expected_x)] {
            let got = Resampler::coordinates(case.method, axis, expected.len());
            let close = got.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-9);
            assert!(close && got.len() == expected.len(), "{}: {got:?}, not {expected:?}", case.name());
        }
    }
}

/// Bytes as the general code sees them: as a type for which there is no kernel.
fn by_general_code<T: Raw>(resampler: &Resampler, raw: &[T], decode: &Decode, quantizer: &Quantizer) -> Vec<u8> {
    let wide: Vec<f64> = raw.iter().map(|&raw| raw.into()).collect();
    run(resampler, &wide, decode, quantizer)
}

fn run<T: Raw>(resampler: &Resampler, raw: &[T], decode: &Decode, quantizer: &Quantizer) -> Vec<u8> {
    let ([rows, columns], [to_rows, to_columns]) = (resampler.from(), resampler.to());
    let mut out = vec![99; raw.len() / (rows * columns) * to_rows * to_columns];
    resampler.run(raw, decode, quantizer, &mut out, &mut Scratch::default()).unwrap();
    out
}

fn decodes() -> impl Strategy<Value = Decode> {
    let scale = prop_oneof![Just(0.5), Just(-0.5), 0.01..3.0];
    let missing = prop_oneof![
        Just(vec![]),
        Just(vec![-128.0]),
        Just(vec![0.0, 255.0]),
        Just(vec![3.0]),
        Just(vec![127.0, 1e9, f64::NAN]),
    ];
    let valid = prop_oneof![Just(None), Just(Some([-127.0, 127.0])), Just(Some([10.0, 200.5])), Just(Some([9.0, 8.0]))];
    let unsigned_span = prop_oneof![3 => Just(None), 1 => Just(Some(256.0))];
    (scale, -60.0..60.0, missing, valid, unsigned_span).prop_map(|(scale, offset, missing, valid, unsigned_span)| {
        Decode { scale, offset, missing, valid, unsigned_span }
    })
}

fn resamplers() -> impl Strategy<Value = Resampler> {
    let method = prop_oneof![Just(Method::Mean), Just(Method::Max), Just(Method::Nearest), Just(Method::Bilinear)];
    let sizes = prop_oneof![
        (1_usize..6, 1_usize..6, 1_usize..7, 1_usize..7).prop_map(|(y, x, by_y, by_x)| ([y * by_y, x * by_x], [y, x])),
        ([1_usize..12, 1..12], [1_usize..12, 1..12]),
    ];
    (method, sizes).prop_map(|(method, (from, to))| Resampler::new(method, from, to).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn kernels_for_bytes_agree_exactly_with_the_general_code(
        resampler in resamplers(), decode in decodes(), bytes in prop::collection::vec(any::<u8>(), 2 * 30 * 30),
        few in prop::bool::ANY,
    ) {
        let quantizer = Quantizer::new(-29.0, 65.0).unwrap();
        let cells = 2 * resampler.from()[0] * resampler.from()[1];
        // Few different bytes make blocks in which all cells are missing, or equal.
        let unsigned: Vec<u8> = bytes[..cells].iter().map(|&byte| if few { byte & 0x83 } else { byte }).collect();
        let signed: Vec<i8> = unsigned.iter().map(|byte| byte.cast_signed()).collect();
        prop_assert_eq!(run(&resampler, &unsigned, &decode, &quantizer), by_general_code(&resampler, &unsigned, &decode, &quantizer));
        prop_assert_eq!(run(&resampler, &signed, &decode, &quantizer), by_general_code(&resampler, &signed, &decode, &quantizer));
    }
}

#[test]
fn the_kernels_for_bytes_are_used_for_radar_volumes() {
    let decode =
        Decode { scale: 0.5, offset: 33.5, missing: vec![-128.0], valid: Some([-127.0, 127.0]), unsigned_span: None };
    let quantizer = Quantizer::new(-29.0, 65.0).unwrap();
    for method in [Method::Mean, Method::Max, Method::Nearest] {
        let resampler = Resampler::new(method, [6, 6], [3, 3]).unwrap();
        let mut scratch = bytes::Scratch::default();
        let raw = Bytes::Signed(&[1; 36]);
        assert!(resampler.run_bytes(raw, &decode, &quantizer, &mut [0; 9], &mut scratch), "{method:?}");
    }
}

#[test]
fn memory_that_served_another_decoding_gives_the_same_result() {
    let resampler = Resampler::new(Method::Mean, [2, 2], [1, 1]).unwrap();
    let quantizer = Quantizer::new(0.0, 254.0).unwrap();
    let mut scratch = Scratch::default();
    let mut out = [0];
    for (scale, expected) in [(1.0, 11), (2.0, 21), (1.0, 11)] {
        let decode = Decode { scale, offset: 0.0, missing: vec![0.0], valid: None, unsigned_span: None };
        resampler.run(&[10_u8, 0, 10, 10], &decode, &quantizer, &mut out, &mut scratch).unwrap();
        assert_eq!(out, [expected]);
    }
}

#[test]
fn values_are_clamped_after_averaging() {
    let resampler = Resampler::new(Method::Mean, [1, 2], [1, 1]).unwrap();
    let decode = Decode { scale: 1.0, offset: 0.0, missing: vec![], valid: None, unsigned_span: None };
    let quantizer = Quantizer::new(0.0, 127.0).unwrap();
    // -100 and 100 average to 0; clamped first they would give 50.
    assert_eq!(run(&resampler, &[-100_i8, 100], &decode, &quantizer), [1]);
}

#[test]
fn slices_that_do_not_fit_are_refused() {
    let resampler = Resampler::new(Method::Mean, [4, 4], [2, 2]).unwrap();
    let decode = Decode { scale: 1.0, offset: 0.0, missing: vec![], valid: None, unsigned_span: None };
    let quantizer = Quantizer::new(0.0, 1.0).unwrap();
    let error = resampler.run(&[0_u8; 32], &decode, &quantizer, &mut [0; 4], &mut Scratch::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "got 32 raw cells for 4 resampled ones, expected levels of [4, 4] for levels of [2, 2]"
    );
    assert_eq!(error.exit(), Exit::Bug);
}

#[test]
fn empty_grids_and_disordered_axes_are_refused() {
    let empty = Resampler::new(Method::Max, [4, 4], [0, 2]).unwrap_err();
    assert_eq!(empty, ResampleError::Empty { rows: 0, columns: 2 });
    let axes = [&[0.0, 1.0, 1.0][..], &[0.0, 1.0][..]];
    let disordered = Resampler::along(Method::Bilinear, axes, [2, 2]).unwrap_err();
    assert_eq!(disordered, ResampleError::Axis { axis: "rows", index: 2 });
    assert!(Resampler::along(Method::Mean, axes, [2, 2]).is_ok());
}

#[test]
fn one_cell_spreads_over_any_grid() {
    let decode = Decode { scale: 1.0, offset: 0.0, missing: vec![], valid: None, unsigned_span: None };
    let quantizer = Quantizer::new(0.0, 254.0).unwrap();
    for method in [Method::Mean, Method::Max, Method::Nearest, Method::Bilinear] {
        let resampler = Resampler::new(method, [1, 1], [2, 3]).unwrap();
        assert_eq!(run(&resampler, &[41_i16], &decode, &quantizer), [42; 6], "{method:?}");
    }
}
