//! What a loader does for an image, and what a validation does for one: `cargo bench --profile dev --package fragua-objects`.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;

use criterion::Criterion;
use fragua_objects::augment::{AugmentConfig, Draw, Source, sample};
use fragua_objects::boxes::{Detection, Object, Rect};
use fragua_objects::letterbox::Letterbox;
use fragua_objects::nms::Suppress;
use fragua_objects::picture::Picture;
use fragua_objects::score::{Definition, Pairing, Tally};
use fragua_util::seed;
use rand::Rng;

/// An image whose longer side is this, with 13 boxes.
fn source(side: usize, number: u64) -> Arc<Source> {
    let mut random = seed::generator(number, "bench", 0, 0);
    let (width, height) = (side, side * 3 / 4);
    let rgb = (0..3 * width * height).map(|_| random.random()).collect();
    let rect = |random: &mut rand_chacha::ChaCha8Rng| {
        let (left, top) = (random.random_range(0.0..side as f32 * 0.8), random.random_range(0.0..side as f32 * 0.6));
        Rect::new(left, top, left + side as f32 * 0.1, top + side as f32 * 0.1)
    };
    let objects = (0..13).map(|_| Object { class: random.random_range(0..3), rect: rect(&mut random) }).collect();
    Arc::new(Source { picture: Picture { width, height, rgb }, objects })
}

fn samples(criterion: &mut Criterion) {
    for side in [320, 640] {
        let sources: Vec<Arc<Source>> = (0..8).map(|number| source(side, number)).collect();
        let config = AugmentConfig::default();
        let mut index = 0;
        criterion.bench_function(&format!("mosaic of {side}"), |bencher| {
            bencher.iter(|| {
                index += 1;
                let draw = Draw { seed: 42, epoch: 0, index };
                let get = &mut |number: usize| Ok::<_, Infallible>(Arc::clone(&sources[number]));
                black_box(sample(&config, (side, true), draw, (index as usize % 8, 8), get))
            });
        });
        let letterbox = Letterbox::of([640, 480], side);
        let large = source(640, 9);
        criterion.bench_function(&format!("letterbox of 640 x 480 in {side}"), |bencher| {
            bencher.iter(|| black_box(letterbox.draw(&large.picture)));
        });
    }
}

/// Scores of 8,400 places and 80 classes, most of them low, and their boxes.
fn raw(number: u64) -> (Vec<f32>, Vec<Rect>) {
    let mut random = seed::generator(number, "bench", 1, 0);
    let scores = (0..8400 * 80).map(|_| random.random::<f32>().powi(24)).collect();
    let rects = (0..8400)
        .map(|place: usize| {
            let (x, y) = ((place % 92) as f32 * 7.0, (place / 92) as f32 * 7.0);
            Rect::new(x, y, x + random.random_range(10.0..60.0), y + random.random_range(10.0..60.0))
        })
        .collect();
    (scores, rects)
}

fn scores(criterion: &mut Criterion) {
    let (scores, rects) = raw(1);
    criterion.bench_function("suppression of 8,400 places and 80 classes", |bencher| {
        bencher.iter(|| black_box(Suppress::MEASURE.keep(&scores, &rects)));
    });
    let found: Vec<Vec<Detection>> = (0..4).map(raw).map(|(s, r)| Suppress::MEASURE.keep(&s, &r)).collect();
    let truths = source(640, 3).objects.clone();
    criterion.bench_function("average precision of 100 images", |bencher| {
        bencher.iter(|| {
            let mut tally = Tally::none(80, 300, Pairing::default());
            (0..100).for_each(|image| tally.add(image, &truths, &found[image as usize % 4]));
            black_box(tally.summary(Definition::Yolo).means)
        });
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    samples(&mut criterion);
    scores(&mut criterion);
    criterion.final_summary();
}
