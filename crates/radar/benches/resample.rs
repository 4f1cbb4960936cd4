//! The time to resample one radar volume, 18 levels of 500 x 500, to 250 x 250 bytes on one core: `cargo bench
//! --profile dev --bench resample`.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use fragua_radar::quantize::Quantizer;
use fragua_radar::resample::{Decode, Method, Raw, Resampler, Scratch};

const FROM: [usize; 2] = [500, 500];
const LEVELS: usize = 18;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    // A repeatable field with a third of its cells missing.
    let noise = |index: usize| (index as u32).wrapping_mul(2_654_435_761) >> 24;
    let bytes: Vec<i8> = (0..LEVELS * FROM[0] * FROM[1])
        .map(|index| noise(index) as u8 as i8)
        .map(|raw| raw.max(-128 + 40) - 40)
        .collect();
    let shorts: Vec<i16> = bytes.iter().map(|&raw| raw.into()).collect();
    let floats: Vec<f32> = bytes.iter().map(|&raw| raw.into()).collect();
    for method in [Method::Mean, Method::Max, Method::Nearest, Method::Bilinear] {
        measure(&mut criterion, "i8", method, [250, 250], &bytes);
    }
    measure(&mut criterion, "i8", Method::Mean, [240, 240], &bytes);
    measure(&mut criterion, "i16", Method::Mean, [250, 250], &shorts);
    measure(&mut criterion, "f32", Method::Mean, [250, 250], &floats);
    criterion.final_summary();
}

fn measure<T: Raw>(criterion: &mut Criterion, kind: &str, method: Method, to: [usize; 2], raw: &[T]) {
    let (Ok(resampler), Ok(quantizer)) = (Resampler::new(method, FROM, to), Quantizer::new(-29.0, 65.0)) else {
        return;
    };
    let decode =
        Decode { scale: 0.5, offset: 33.5, missing: vec![-128.0], valid: Some([-127.0, 127.0]), unsigned_span: None };
    let mut out = vec![0; LEVELS * to[0] * to[1]];
    let mut scratch = Scratch::default();
    let mut group = criterion.benchmark_group("resample");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    group.bench_function(format!("{method:?} {kind} to {}", to[0]), |bencher| {
        bencher.iter(|| resampler.run(black_box(raw), &decode, &quantizer, &mut out, &mut scratch));
    });
    group.finish();
}
