//! What scores cost beside the forward passes: `cargo bench --profile dev --bench evaluation -- SIDE HIDDEN LAYERS WINDOWS`.
//! Both take turns; medians and their ratio are printed. Evaluating means all scores, persistence, advection, intervals.

#![allow(clippy::print_stdout, reason = "a benchmark tells its figures on stdout")]

use std::sync::Arc;
use std::time::Instant;

use fragua::data::loader::{FrameSource, Loader, LoaderConfig, Order, Sample};
use fragua::nn::precision::Precision;
use fragua::task::nowcast::config::{ConvLstmConfig, ModelConfig, NowcastConfig};
use fragua::task::nowcast::loss::Expected;
use fragua::task::nowcast::plan::EventTimes;
use fragua::task::nowcast::training::{Frames, Nowcast, Phase, Setting};
use fragua::train::engine::evaluate;
use fragua::train::task::{Depth, Scores, Task};
use fragua::util::exit::Exit;
use fragua::util::quantity::Quantity;
use fragua::util::stop::Stop;

const ROUNDS: usize = 5;
const EVENTS: usize = 5;
const MICRO_BATCH: usize = 2;

/// Storms that drift, as a function of the place.
struct Storms {
    side: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("there are frames without end")]
struct Never;

impl Never {
    fn exit(&self) -> Exit {
        Exit::Bug
    }
}

fragua::util::failures!("never": Never);

impl FrameSource for Storms {
    type Error = Never;

    fn frame_bytes(&self) -> usize {
        self.side * self.side
    }

    fn read_frame(&self, event: usize, frame: usize, into: &mut [u8]) -> Result<(), Never> {
        for (cell, byte) in into.iter_mut().enumerate() {
            let (x, y) = ((cell % self.side) as f32 - 2.0 * frame as f32, (cell / self.side) as f32 + frame as f32);
            let storm = (0.05 * x + event as f32).sin() * (0.07 * y + 0.01 * x).sin();
            *byte = 1 + (254.0 * (storm - 0.2).max(0.0)) as u8;
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Cargo adds the argument --bench.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let number = |index: usize, default: usize| words.get(index).and_then(|word| word.parse().ok()).unwrap_or(default);
    let (side, windows) = (number(0, 64), number(3, 32));
    let mut config = NowcastConfig::default();
    config.prepare.size = [side, side];
    config.windows.input_frames = 8;
    let hidden = vec![number(1, 16); number(2, 2)];
    config.model = ModelConfig::ConvLstm(ConvLstmConfig { hidden, ..ConvLstmConfig::default() });
    let length = config.windows.input_frames + config.windows.target_frames;
    let frames = windows.div_ceil(EVENTS) + length;
    let times: Vec<f64> = (0..frames).map(|frame| 1.3e9 + 300.0 * frame as f64).collect();
    let events = (0..EVENTS).map(|event| EventTimes { path: format!("event {event}"), times: times.clone() });
    let setting = Setting {
        phases: vec![Phase { loss: config.loss.clone(), freeze: Vec::new() }],
        config: &config,
        expected: Expected::default(),
        frames: Frames { shape: [1, side, side], events: events.collect(), quantity: Quantity::default(), known: None },
        device: tch::Device::cuda_if_available(),
        precision: if std::env::var_os("FP32").is_some() { Precision::Fp32 } else { Precision::Bf16 },
        seed: 42,
    };
    let mut nowcast = Nowcast::new(setting)?;
    let sample =
        |number: usize| Sample { event: number % EVENTS, start: number / EVENTS, length, slice: 0..side * side };
    let samples: Vec<Sample> = (0..windows).map(sample).collect();
    let order = Order { seed: 42, shuffle: false };
    let loader = Loader::of_frames(Arc::new(Storms { side }), samples, order, LoaderConfig::default())?;
    let seen = vec![9; MICRO_BATCH * config.windows.input_frames * side * side];
    let (mut forward, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..=ROUNDS {
        let began = Instant::now();
        for _ in 0..windows.div_ceil(MICRO_BATCH) {
            std::hint::black_box(nowcast.forecast(&seen, &[])?);
        }
        forward.push(began.elapsed().as_secs_f64());
        let began = Instant::now();
        let mut scores = nowcast.scores(Depth::Evaluation);
        let losses = evaluate(&mut nowcast, &loader, MICRO_BATCH, &mut scores, &Stop::default(), &mut |_| {})?;
        std::hint::black_box((scores.values(), scores.intervals(), scores.sections(), &losses));
        whole.push(began.elapsed().as_secs_f64());
    }
    // The first round reads frames and warms everything up.
    let median = |times: &[f64]| {
        let mut times = times[1..].to_vec();
        times.sort_by(f64::total_cmp);
        1000.0 * times[ROUNDS / 2] / windows as f64
    };
    let (forward, whole) = (median(&forward), median(&whole));
    println!("forward {forward:.2} ms a window, evaluation {whole:.2} ms: {:.2} times as long", whole / forward);
    Ok(())
}
