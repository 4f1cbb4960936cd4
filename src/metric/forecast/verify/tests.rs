//! The kernels against their definitions, written as plainly as can be, on random frames.

use proptest::prelude::*;

use super::*;
use crate::metric::forecast::contingency::Contingency;
use crate::metric::forecast::fractions::FractionSums;
use crate::metric::forecast::scores::specs;

const SPAN_DBZ: f64 = 254.0;

/// On a scale of 1 dBZ a step, so that thresholds are on bytes and between them.
fn verifier(shape: Shape, thresholds: &[f64], scales_px: &[usize]) -> Verifier {
    let (thresholds, scales_px) = (thresholds.to_vec(), scales_px.to_vec());
    Verifier::new(Levels { thresholds, scales_px, span: SPAN_DBZ, unit: "dBZ".into(), frames: None }, 0.0, shape)
}

fn measure(verifier: &Verifier, observed: &[u8], forecast: &[f32]) -> Sums {
    verifier.measure(&verifier.observe(observed), forecast)
}

/// Both sides on the normalised scale, None where nothing is known.
fn pairs(observed: &[u8], forecast: &[f32]) -> Vec<Option<[f32; 2]>> {
    let pair = |(&byte, &value): (&u8, &f32)| {
        let forecast = if value.is_nan() { 0.0 } else { value };
        (byte > 0).then(|| [forecast, (f32::from(byte) - 1.0) / 254.0])
    };
    observed.iter().zip(forecast).map(pair).collect()
}

fn events(pairs: &[Option<[f32; 2]>], dbz: f64) -> Vec<Option<[bool; 2]>> {
    let threshold = (dbz / SPAN_DBZ) as f32;
    pairs.iter().map(|pair| pair.map(|sides| sides.map(|value| value > threshold))).collect()
}

fn plain_table(events: &[Option<[bool; 2]>]) -> Contingency {
    let count = |wanted| events.iter().filter(|&&event| event == Some(wanted)).count() as u64;
    Contingency {
        hits: count([true, true]),
        false_alarms: count([true, false]),
        misses: count([false, true]),
        correct_negatives: count([false, false]),
    }
}

fn plain_fractions(events: &[Option<[bool; 2]>], [rows, columns]: [usize; 2], scale: usize) -> FractionSums {
    let (scale, mut sums) = (scale as isize, FractionSums::default());
    for cell in 0..rows * columns {
        let [top, left] = [cell / columns, cell % columns].map(|at| at as isize - scale / 2);
        let inside =
            |row: isize, column: isize| (top..top + scale).contains(&row) && (left..left + scale).contains(&column);
        let count = |side: usize| {
            let in_square = |&(at, event): &(usize, &Option<[bool; 2]>)| {
                inside((at / columns) as isize, (at % columns) as isize) && event.is_some_and(|sides| sides[side])
            };
            events.iter().enumerate().filter(in_square).count() as f64
        };
        let [forecast, observed] = [count(0), count(1)];
        sums.add(&FractionSums {
            forecast: forecast * forecast,
            product: forecast * observed,
            observed: observed * observed,
        });
    }
    sums
}

fn plain_similarity(pairs: &[Option<[f32; 2]>], [rows, columns]: [usize; 2]) -> f64 {
    let weight = |offset: isize| (-0.5 * (offset as f64 / 1.5).powi(2)).exp();
    let total = (-5..=5).map(weight).sum::<f64>().powi(2);
    let mirrored = |at: isize, size: usize| {
        let last = size as isize - 1;
        (if at < 0 {
            -at
        } else if at > last {
            2 * last - at
        } else {
            at
        }) as usize
    };
    let at_cell = |cell: usize| {
        let [row, column] = [cell / columns, cell % columns].map(|at| at as isize);
        let [mut x, mut y, mut xx, mut yy, mut xy] = [0.0; 5];
        for (down, right) in (-5..=5).flat_map(|down| (-5..=5).map(move |right| (down, right))) {
            let from = mirrored(row + down, rows) * columns + mirrored(column + right, columns);
            let [one, other] = pairs[from].unwrap_or_default().map(f64::from);
            let weight = weight(down) * weight(right) / total;
            x += weight * one;
            y += weight * other;
            xx += weight * one * one;
            yy += weight * other * other;
            xy += weight * one * other;
        }
        let above = (2.0 * x * y + 1e-4) * (2.0 * (xy - x * y) + 9e-4);
        above / ((x * x + y * y + 1e-4) * ((xx - x * x).max(0.0) + (yy - y * y).max(0.0) + 9e-4))
    };
    let known: Vec<f64> = (0..pairs.len()).filter(|&cell| pairs[cell].is_some()).map(at_cell).collect();
    known.iter().sum::<f64>() / known.len() as f64
}

/// Few different bytes, so that events have neighbours; a few cells missing and a few forecasts not there.
fn frames(cells: usize) -> impl Strategy<Value = (Vec<u8>, Vec<f32>)> {
    let byte = prop_oneof![1 => Just(0_u8), 6 => 1..=60_u8, 3 => 100..=255_u8];
    let value =
        prop_oneof![1 => Just(f32::NAN), 9 => (0..=254_u8).prop_map(|step| f32::from(step) / 254.0), 5 => 0.0..1.0_f32];
    (prop::collection::vec(byte, cells), prop::collection::vec(value, cells))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_kernels_do_what_their_definitions_say(
        (rows, columns, observed, forecast) in (11..15_usize, 11..20_usize).prop_flat_map(|(rows, columns)| {
            frames(rows * columns).prop_map(move |(observed, forecast)| (rows, columns, observed, forecast))
        }),
        thresholds in prop::collection::vec((0..508_u16).prop_map(|half| f64::from(half) / 2.0), 1..4),
        scales in prop::collection::vec(prop_oneof![1..9_usize, 10..40_usize], 1..4),
    ) {
        let shape = Shape { leads: 1, channels: 1, rows, columns };
        let sums = &measure(&verifier(shape, &thresholds, &scales), &observed, &forecast).leads[0];
        let pairs = pairs(&observed, &forecast);
        for (threshold, dbz) in thresholds.iter().enumerate() {
            let events = events(&pairs, *dbz);
            prop_assert_eq!(sums.events[threshold], plain_table(&events));
            for (scale, &side) in scales.iter().enumerate() {
                prop_assert_eq!(sums.fractions[threshold][scale], plain_fractions(&events, [rows, columns], side));
            }
        }
        let similarity = sums.similarity.mean().unwrap();
        prop_assert!((similarity - plain_similarity(&pairs, [rows, columns])).abs() < 1e-5);
        let differences = pairs.iter().flatten().map(|[one, other]| f64::from(*one) - f64::from(*other));
        let plain: f64 = differences.clone().map(|difference| difference * difference).sum();
        prop_assert!((sums.errors.squares - plain).abs() < 1e-6);
        prop_assert_eq!(sums.errors.cells, differences.count() as u64);
    }

    #[test]
    fn neither_threads_nor_the_order_of_windows_nor_parts_change_a_bit(windows in prop::collection::vec(frames(2 * 2 * 12 * 13), 4)) {
        let shape = Shape { leads: 2, channels: 2, rows: 12, columns: 13 };
        let verifier = verifier(shape, &[30.0, 120.5], &[1, 4, 7]);
        let add = |order: &[usize]| {
            let mut sums = Sums::none(verifier.levels(), 2);
            order.iter().for_each(|&window| sums.add(&measure(&verifier, &windows[window].0, &windows[window].1)));
            sums
        };
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let whole = pool(1).install(|| add(&[0, 1, 2, 3]));
        prop_assert_eq!(&whole, &pool(3).install(|| add(&[0, 1, 2, 3])));
        prop_assert_eq!(&whole, &add(&[2, 0, 3, 1]));
        let (mut one, other) = (add(&[0, 1]), add(&[2, 3]));
        one.add(&other);
        prop_assert_eq!(&whole, &one);
    }
}

#[test]
fn squares_too_large_for_two_bytes_are_counted_in_four() {
    let [rows, columns] = [200, 190];
    let observed: Vec<u8> = (0..rows * columns).map(|cell| if cell * 7 % 11 < 9 { 200 } else { 1 }).collect();
    let forecast = vec![0.9; rows * columns];
    let of = |scales: &[usize]| {
        let verifier = verifier(Shape { leads: 1, channels: 1, rows, columns }, &[100.0], scales);
        measure(&verifier, &observed, &forecast).leads[0].fractions[0].clone()
    };
    let wide = of(&[5, 181, 1000]);
    assert_eq!(wide[..2], of(&[5, 181]), "counted in two bytes");
    let count = observed.iter().filter(|&&byte| byte == 200).count() as f64;
    let cells = (rows * columns) as f64;
    let expected =
        FractionSums { forecast: cells.powi(3), product: count * cells * cells, observed: count * count * cells };
    assert_eq!(wide[2], expected, "every square holds the frame");
}

#[test]
fn a_perfect_forecast_has_nothing_to_improve() {
    let shape = Shape { leads: 1, channels: 1, rows: 12, columns: 14 };
    let observed: Vec<u8> = (0..shape.cells()).map(|cell| (cell * 97 % 255) as u8 + 1).collect();
    let forecast: Vec<f32> = observed.iter().map(|&byte| (f32::from(byte) - 1.0) / 254.0).collect();
    let verifier = verifier(shape, &[100.0], &[1, 4]);
    let scores = measure(&verifier, &observed, &forecast).all_leads(verifier.levels()).scores(verifier.levels());
    let value = |name: &str| scores[specs(verifier.levels()).iter().position(|spec| spec.name == name).unwrap()];
    assert_eq!([value("csi_100"), value("fss_100_1px"), value("fss_100_4px"), value("hss_100")], [Some(1.0); 4]);
    assert_eq!([value("rmse_dbz"), value("far_100"), value("psnr_db")], [Some(0.0), Some(0.0), None]);
    assert!((value("ssim").unwrap() - 1.0).abs() < 1e-6);
}

#[test]
fn if_nothing_was_observed_the_value_is_undefined() {
    let shape = Shape { leads: 2, channels: 1, rows: 11, columns: 11 };
    let verifier = verifier(shape, &[-5.0, 100.0], &[1, 5]);
    let observation = verifier.observe(&vec![0; shape.cells()]);
    assert_eq!(observation.known_cells(), 0);
    let sums = verifier.measure(&observation, &vec![0.7; shape.cells()]);
    assert!(sums.all_leads(verifier.levels()).scores(verifier.levels()).iter().all(Option::is_none));
}

#[test]
fn a_cell_that_is_missing_is_no_event_even_below_the_scale() {
    let shape = Shape { leads: 1, channels: 1, rows: 11, columns: 11 };
    let verifier = verifier(shape, &[-5.0], &[3]);
    let mut observed = vec![0; shape.cells()];
    observed[60] = 9;
    let sums = measure(&verifier, &observed, &vec![0.7; shape.cells()]);
    assert_eq!(sums.leads[0].events[0], Contingency { hits: 1, ..Contingency::default() });
    assert_eq!(sums.leads[0].fractions[0][0], FractionSums { forecast: 9.0, product: 9.0, observed: 9.0 });
}
