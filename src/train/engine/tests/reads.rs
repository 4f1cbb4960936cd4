//! How often the host waits for the device.

use std::fs;
use std::path::Path;

use super::*;

#[test]
fn the_host_waits_for_the_device_once_in_a_step_and_once_in_a_batch_of_a_validation() {
    for (micro_batch, scales_loss) in [(8, false), (4, true), (1, false)] {
        let mut run = Run::new(&TrainConfig { epochs: 2, micro_batch: Samples(micro_batch), ..config() });
        run.scales_loss = scales_loss;
        let mut engine = run.engine();
        engine.run().unwrap();
        let steps = run.events.borrow().iter().filter(|event| matches!(event, Event::Stepped(_))).count();
        let skipped = run.events.borrow().iter().filter(|event| matches!(event, Event::Skipped { .. })).count();
        assert_eq!(steps + skipped, 2 * 3);
        let validations = 2 * 9_usize.div_ceil(micro_batch);
        assert_eq!(engine.reads.count() as usize, steps + skipped + validations, "{micro_batch} at once");
    }
}

/// The lines of a file before its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned()
}

#[test]
fn nothing_that_a_step_passes_through_reads_the_device_by_itself() {
    let train = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/train");
    let engine = fs::read_dir(train.join("engine")).unwrap().map(|entry| entry.unwrap().path());
    let engine = engine.filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    // The one that reads, those that copy whole tensors for a checkpoint, and the test double.
    let others = ["read.rs", "tensors.rs", "testing.rs", "tests.rs"];
    let engine = engine.filter(|path| others.iter().all(|name| !path.ends_with(name)));
    let parts = ["clip.rs", "scaler.rs", "optimizer/mod.rs", "optimizer/adam.rs", "optimizer/sgd.rs"];
    let files: Vec<_> = engine.chain(parts.map(|name| train.join(name))).collect();
    assert!(files.len() > 15, "{files:?}");
    for path in files {
        for reading in ["double_value(", "int64_value(", "Vec::<f64>::try_from", "Vec::<f32>::try_from", "copy_data"] {
            assert!(!code(&path).contains(reading), "{} reads the device with {reading}", path.display());
        }
    }
}
