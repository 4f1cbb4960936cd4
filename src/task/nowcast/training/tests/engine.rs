//! The task in the real engine.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::testing::{Storms, small};
use crate::nn::precision::Precision;
use crate::train::config::{AdamW, MicroBatch, Optimizer, TrainConfig};
use crate::train::engine::{Engine, Feeds, NotKept, Setting};
use crate::train::events::{self, Event, Observer, Observers};
use crate::train::run_folder::RunError;
use crate::util::stop::Stop;

#[derive(Clone, Default)]
struct Heard(Rc<RefCell<Vec<Event>>>);

impl Observer for Heard {
    fn observe(&mut self, event: &Event) -> Result<events::Heard, RunError> {
        self.0.borrow_mut().push(event.clone());
        Ok(events::Heard::Ignored)
    }
}

/// Everything that happens in a run over six storms, validated on two others.
fn heard(storms: &Storms, precision: Precision, epochs: usize) -> Vec<Event> {
    let config = TrainConfig {
        epochs,
        batch: Some(4),
        micro_batch: MicroBatch::Samples(2),
        optimizer: Optimizer::Adamw(AdamW { lr: 1e-2, ..AdamW::default() }),
        ..TrainConfig::default()
    };
    let feeds =
        Feeds { train: Box::new(storms.loader(0..6, 0..256)), val: Some(Box::new(storms.loader(6..8, 0..256))) };
    let heard = Heard::default();
    let setting = Setting {
        phases: vec![config],
        seed: 42,
        patience_restarts: Vec::new(),
        keeper: Box::new(NotKept),
        observers: Observers::default().with(heard.clone()),
        stop: Stop::default(),
        gpu: None,
        began: std::time::Instant::now(),
    };
    Engine::begin(storms.task(precision), feeds, setting).unwrap().train().unwrap();
    heard.0.take()
}

#[test]
fn the_engine_trains_it_and_the_validation_loss_falls() {
    let events = heard(&Storms::drifting(small(), 8).with_holes(), Precision::Fp32, 15);
    let records: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::EpochEnded { record, .. } => Some(record.clone()),
            _ => None,
        })
        .collect();
    let loss = |epoch: usize| records[epoch].val[0].clone();
    assert_eq!((records.len(), loss(0).0.as_str()), (15, "loss"));
    let [first, last] = [0, 14].map(|epoch| loss(epoch).1.unwrap());
    assert!(last < 0.7 * first, "from {first} to {last}");
    let score = |epoch: usize, name: &str| events::value(&records[epoch].scores, name).unwrap();
    assert!(score(14, "mae_dbz") < score(0, "mae_dbz"));
    assert_eq!(score(14, "persistence_loss"), score(0, "persistence_loss"), "the same forecast of the same windows");
    assert!(events.iter().all(|event| !matches!(event, Event::WithoutGradient { .. } | Event::Skipped { .. })));
    let pictures = events.iter().find_map(|event| match event {
        Event::Pictures { pictures, .. } => Some(pictures.clone()),
        _ => None,
    });
    assert_eq!(pictures.unwrap().len(), 2, "all of them, because there are fewer than requested");
}

#[test]
fn two_runs_do_the_same() {
    let storms = Storms::drifting(small(), 8);
    let losses = |events: &[Event]| {
        let loss = |event: &Event| match event {
            Event::Stepped(step) => Some(step.parts.clone()),
            _ => None,
        };
        events.iter().filter_map(loss).collect::<Vec<_>>()
    };
    let (one, other) = (heard(&storms, Precision::Bf16, 2), heard(&storms, Precision::Bf16, 2));
    assert_eq!(losses(&one).len(), 4);
    assert_eq!(losses(&one), losses(&other));
}
