//! How long measuring forecasts takes: `cargo bench --profile dev --bench verification -- OBSERVED.u8 FORECAST.f32 LEADS ROWS
//! COLUMNS`, for windows of raw bytes and floats behind each other; prints the median in milliseconds for one window.
//! `scripts/bench/verification_in_python.py` runs it beside pysteps and scikit-image.

#![allow(clippy::print_stdout, reason = "a benchmark tells its figures on stdout")]

use std::time::Instant;

use fragua::metric::forecast::sums::{Levels, Sums};
use fragua::metric::forecast::verify::{Shape, Verifier};

const ROUNDS: usize = 5;
const MIN_DBZ: f64 = -29.0;
const SPAN_DBZ: f64 = 94.0;

fn main() {
    // Cargo adds the argument --bench.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let number = |index: usize, default: usize| words.get(index).and_then(|word| word.parse().ok()).unwrap_or(default);
    let shape = Shape { leads: number(2, 7), channels: 1, rows: number(3, 250), columns: number(4, 250) };
    let file = |index: usize| words.get(index).and_then(|path| std::fs::read(path).ok());
    let (observed, forecast) = match (file(0), file(1)) {
        (Some(observed), Some(floats)) => {
            let float = |word: &[u8]| f32::from_le_bytes([word[0], word[1], word[2], word[3]]);
            (observed, floats.chunks_exact(4).map(float).collect())
        }
        _ => storms(shape),
    };
    let levels = Levels {
        thresholds: vec![20.0, 30.0, 35.0, 40.0, 45.0, 50.0],
        scales_px: vec![1, 5, 15, 31],
        span: SPAN_DBZ,
        unit: "dBZ".into(),
        frames: None,
    };
    let verifier = Verifier::new(levels.clone(), MIN_DBZ, shape);
    let windows = observed.len() / shape.cells();
    let mut milliseconds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            let mut sums = Sums::none(&levels, shape.leads);
            for (observed, forecast) in observed.chunks_exact(shape.cells()).zip(forecast.chunks_exact(shape.cells())) {
                sums.add(&verifier.measure(&verifier.observe(observed), forecast));
            }
            std::hint::black_box(sums.all_leads(&levels).scores(&levels));
            1000.0 * began.elapsed().as_secs_f64() / windows.max(1) as f64
        })
        .collect();
    milliseconds.sort_by(f64::total_cmp);
    println!("{:.3}", milliseconds[ROUNDS / 2]);
}

/// Two windows of drifting storms, and a forecast that comes a little late.
fn storms(shape: Shape) -> (Vec<u8>, Vec<f32>) {
    let wave = |index: usize, late: f32| {
        let (frame, cell) = ((index / shape.frame()) as f32 - late, index % shape.frame());
        let (x, y) = ((cell % shape.columns) as f32 - 2.0 * frame, (cell / shape.columns) as f32 + frame);
        ((0.05 * x).sin() * (0.07 * y + 0.01 * x).sin()).max(0.0)
    };
    let cells = 0..2 * shape.cells();
    let observed = cells.clone().map(|index| 1 + (254.0 * wave(index, 0.0)) as u8).collect();
    (observed, cells.map(|index| wave(index, 1.5)).collect())
}
