//! How long an advection nowcast takes: `cargo bench --profile dev --bench advection -- FRAMES.f32 ROWS COLUMNS LEADS`,
//! for three frames of raw floats; prints the median in milliseconds. Without arguments: drifting storms of 250 x 250
//! and 7 leads. `scripts/bench/advection_in_python.py` runs it beside pysteps.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures on stdout")]

use std::time::Instant;

use fragua_radar::advection::{Times, forecast};

const ROUNDS: usize = 15;
const NO_ECHO: f32 = -29.0;

fn main() {
    // Cargo adds the argument --bench.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let number = |index: usize, default: usize| words.get(index).and_then(|word| word.parse().ok()).unwrap_or(default);
    let [rows, columns, leads] = [number(1, 250), number(2, 250), number(3, 7)];
    let values = match words.first().map(std::fs::read) {
        Some(Ok(bytes)) => {
            bytes.chunks_exact(4).map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect()
        }
        _ => storms(rows, columns),
    };
    let frames: Vec<&[f32]> = values.chunks_exact(rows * columns).collect();
    let lead_minutes: Vec<f64> = (1..=leads).map(|lead| 5.0 * lead as f64).collect();
    let times = Times { input_minutes: &[0.0, 5.0, 10.0], lead_minutes: &lead_minutes };
    let mut milliseconds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            std::hint::black_box(forecast(std::hint::black_box(&frames), rows, columns, &times, NO_ECHO));
            1000.0 * began.elapsed().as_secs_f64()
        })
        .collect();
    milliseconds.sort_by(f64::total_cmp);
    println!("{:.2}", milliseconds[ROUNDS / 2]);
}

fn storms(rows: usize, columns: usize) -> Vec<f32> {
    let wave = |cell: usize, frame: usize| {
        let (x, y) = ((cell % columns) as f32 - 2.0 * frame as f32, (cell / columns) as f32 + frame as f32);
        60.0 * (0.05 * x).sin() * (0.07 * y + 0.01 * x).sin()
    };
    let value = |value: f32| if value > 8.0 { value } else { NO_ECHO };
    (0..3).flat_map(|frame| (0..rows * columns).map(move |cell| value(wave(cell, frame)))).collect()
}
