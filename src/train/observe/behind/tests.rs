//! What listeners behind training receive, even if delayed. Nothing here is measured by a clock: a test that would wait for
//! ever gives up after a time that no test needs.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::*;
use crate::train::events::{Cost, Ended, Reason, Record};

const NEVER: Duration = Duration::from_secs(120);

/// Forwards what it receives, and waits to be released before the first event.
struct Slow {
    heard: Sender<String>,
    release: Option<Receiver<()>>,
}

impl Slow {
    fn told(&self, text: String) -> Result<Heard, RunError> {
        self.heard.send(text).unwrap();
        Ok(Heard::Wrote)
    }
}

impl Observer for Slow {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        if let Some(release) = self.release.take() {
            self.told("waits".into())?;
            release.recv_timeout(NEVER).expect("nobody released it");
        }
        self.told(name(event))
    }

    fn settle(&mut self) -> Result<Heard, RunError> {
        self.told("drew".into())
    }
}

fn name(event: &Event) -> String {
    match event {
        Event::EpochEnded { record, .. } => format!("epoch {}", record.epoch),
        Event::Pictures { epoch, .. } => format!("pictures {epoch}"),
        Event::Ended(_) => "ended".into(),
        other => panic!("{other:?} is of no use to a picture"),
    }
}

fn epoch(number: u64) -> Event {
    let [train, val, scores] = [(); 3].map(|()| Vec::new());
    let record = Record { epoch: number, phase: 1, step: number, lr: 0.1, train, val, scores };
    Event::EpochEnded { record, cost: Cost::default(), improved: false, best: None }
}

fn ended() -> Event {
    Event::Ended(Ended { reason: Reason::Epochs, epoch: 1, step: 1, epoch_share: 0.0, best: None })
}

fn pictures(epoch: u64) -> Event {
    Event::Pictures { epoch, folder: "shown", pictures: Vec::new() }
}

fn slow() -> (Slow, Sender<()>, Receiver<String>) {
    let ((heard, hears), (releases, release)) = (channel(), channel());
    (Slow { heard, release: Some(release) }, releases, hears)
}

fn behind(drawers: Vec<Drawer>) -> Behind {
    Behind::start(Path::new("run"), drawers).unwrap()
}

#[test]
fn what_waits_is_bounded_the_oldest_of_a_kind_gives_way_and_the_order_stays() {
    let mut waiting = Waiting::default();
    for number in 0..500 {
        waiting.push(&epoch(number));
        waiting.push(&pictures(number));
        waiting.push(&Event::Saving { epoch: 1, step: number });
    }
    waiting.push(&ended());
    let names: Vec<_> = waiting.events.iter().map(name).collect();
    let epochs = (436..498).map(|number| format!("epoch {number}"));
    let last = ["epoch 498", "pictures 498", "epoch 499", "pictures 499", "ended"].map(String::from);
    assert_eq!(names, epochs.chain(last).collect::<Vec<_>>());
}

#[test]
fn a_listener_that_is_kept_keeps_nobody_and_hears_the_last_event_of_each_kind_in_order() {
    let (slow, release, hears) = slow();
    let mut behind = behind(vec![Box::new(slow)]);
    behind.observe(&epoch(0)).unwrap();
    assert_eq!(hears.recv_timeout(NEVER).unwrap(), "waits");
    // It is held now. If anything here waited for it, nothing would ever release it.
    for number in 1..=200 {
        behind.observe(&epoch(number)).unwrap();
        behind.observe(&pictures(number)).unwrap();
    }
    behind.observe(&ended()).unwrap();
    release.send(()).unwrap();
    behind.finish().unwrap();
    let heard: Vec<_> = hears.try_iter().collect();
    let epochs = (137..199).map(|number| format!("epoch {number}"));
    let last = ["epoch 199", "pictures 199", "epoch 200", "pictures 200", "ended", "drew"];
    let expected = ["epoch 0", "drew"].map(String::from).into_iter().chain(epochs).chain(last.map(String::from));
    assert_eq!(heard, expected.collect::<Vec<_>>(), "drawn once for all that waited");
}

#[test]
fn whoever_drops_it_waits_until_everything_is_heard() {
    let (slow, release, hears) = slow();
    let mut behind = behind(vec![Box::new(slow)]);
    behind.observe(&ended()).unwrap();
    release.send(()).unwrap();
    drop(behind);
    assert_eq!(hears.try_iter().collect::<Vec<_>>(), ["waits", "ended", "drew"]);
}

/// Panics at its first event.
struct Broken;

impl Observer for Broken {
    fn observe(&mut self, _: &Event) -> Result<Heard, RunError> {
        panic!("a mistake in a picture")
    }
}

#[test]
fn a_panic_keeps_no_other_listener_from_anything_and_is_no_error_of_the_run() {
    let (slow, release, hears) = slow();
    release.send(()).unwrap();
    let mut behind = behind(vec![Box::new(Broken), Box::new(slow)]);
    behind.observe(&epoch(1)).unwrap();
    behind.observe(&ended()).unwrap();
    behind.finish().unwrap();
    let heard: Vec<_> = hears.try_iter().filter(|heard| heard != "drew").collect();
    assert_eq!(heard, ["waits", "epoch 1", "ended"]);
}

/// Fails to write all epochs up to one.
struct Full {
    until: u64,
}

impl Observer for Full {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        match event {
            Event::EpochEnded { record, .. } if record.epoch <= self.until => Err(RunError::Unreadable {
                path: "run/plots/loss.png".into(),
                problem: format!("epoch {}", record.epoch),
            }),
            Event::EpochEnded { .. } => Ok(Heard::Wrote),
            _ => Ok(Heard::Ignored),
        }
    }
}

#[test]
fn a_final_write_error_is_reported_at_the_end_and_a_repaired_one_is_not() {
    for (until, fails) in [(1, false), (2, true)] {
        let mut behind = behind(vec![Box::new(Full { until })]);
        for event in [epoch(1), epoch(2), ended()] {
            behind.observe(&event).unwrap();
        }
        assert_eq!(behind.finish().is_err(), fails, "until {until}");
    }
}

#[test]
fn once_a_stop_is_urgent_nothing_is_drawn_and_nobody_waits_for_what_is_being_drawn() {
    let (heard, told) = channel();
    let (release, go) = channel();
    let stop = Stop::default();
    let drawer = Box::new(Slow { heard, release: Some(go) });
    let mut behind = Behind::heeding(Path::new("run"), vec![drawer], stop.clone()).unwrap();
    behind.observe(&epoch(1)).unwrap();
    assert_eq!(told.recv_timeout(NEVER).unwrap(), "waits");
    stop.request_since(Duration::from_secs(60));
    behind.observe(&ended()).unwrap();
    // The thread is held until it is released below: waiting for it would never end.
    behind.finish().unwrap();
    release.send(()).unwrap();
    let rest: Vec<_> = std::iter::from_fn(|| told.recv_timeout(NEVER).ok()).collect();
    assert_eq!(rest, ["epoch 1", "ended"]);
}
