//! Heartbeats of every stage except training itself: each step of progress, and each announced wait, writes a beat
//! to `status.json`. Not timer-driven: a stalled stage produces no beats.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::train::run_folder::RunError;
use crate::train::run_folder::status::{Heartbeat, INTERVAL, Status};
use crate::util::progress::{Progress, Stage, Unit};

/// Passes progress on and beats. The last beat is on disk when this is dropped.
pub(super) struct Alive<'a> {
    audience: &'a dyn Progress,
    pulse: Mutex<Pulse>,
}

struct Pulse {
    heartbeat: Heartbeat,
    /// The state of the run, with the stage that was last reported.
    status: Status,
    /// The current stage; empty while waiting.
    stage: String,
    last: Option<Instant>,
}

impl<'a> Alive<'a> {
    /// Starts with a beat.
    pub(super) fn start(
        path: &Path,
        status: Status,
        stage: &str,
        audience: &'a dyn Progress,
    ) -> Result<Self, RunError> {
        let pulse = Pulse { heartbeat: Heartbeat::start(path)?, status, stage: String::new(), last: None };
        let alive = Self { audience, pulse: Mutex::new(pulse) };
        alive.enter(stage);
        Ok(alive)
    }

    /// Switches to another stage.
    pub(super) fn enter(&self, stage: &str) {
        let mut pulse = self.pulse();
        stage.clone_into(&mut pulse.stage);
        pulse.beat(stage);
    }

    /// Records progress.
    fn moved(&self) {
        let mut pulse = self.pulse();
        let stage = std::mem::take(&mut pulse.stage);
        pulse.beat(&stage);
        pulse.stage = stage;
    }

    /// No operation here leaves the value half-changed, so a panic elsewhere while the lock was held does no harm.
    fn pulse(&self) -> MutexGuard<'_, Pulse> {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pulse {
    /// Beats at once if the stage has changed.
    fn beat(&mut self, told: &str) {
        let is_due = self.last.is_none_or(|last| last.elapsed() >= INTERVAL);
        if is_due || self.status.stage != told {
            self.last = Some(Instant::now());
            told.clone_into(&mut self.status.stage);
            self.heartbeat.beat(self.status.clone().signed());
        }
    }
}

impl Progress for Alive<'_> {
    fn begin(&self, stage: Stage, total: Option<u64>, unit: Unit) {
        self.enter(stage.of_run());
        self.audience.begin(stage, total, unit);
    }

    fn set_total(&self, total: u64) {
        self.audience.set_total(total);
    }

    fn advance(&self, amount: u64) {
        self.moved();
        self.audience.advance(amount);
    }

    fn set_position(&self, position: u64) {
        // A source that keeps restarting makes no progress.
        self.audience.set_position(position);
    }

    fn end(&self, summary: &str) {
        let was_evaluated = self.pulse().stage == "evaluate";
        // What follows is intervals, pictures and documents.
        if was_evaluated {
            self.enter("report")
        } else {
            self.moved()
        }
        self.audience.end(summary);
    }

    fn waits(&self, reason: &str) {
        self.pulse().beat(&format!("wait: {reason}"));
        self.audience.waits(reason);
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::train::run_folder::status::State;
    use crate::util::progress::Silent;

    /// The stage in the file after this was done.
    fn told(status: Status, act: impl Fn(&Alive<'_>)) -> Status {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("status.json");
        let alive = Alive::start(&path, status, "start", &Silent).unwrap();
        act(&alive);
        drop(alive);
        Status::read(&path).unwrap()
    }

    #[test]
    fn each_stage_and_each_wait_is_reported_at_once() {
        let stage = |act: &dyn Fn(&Alive<'_>)| told(Status::default(), act).stage;
        assert_eq!(stage(&|_| {}), "start");
        assert_eq!(stage(&|alive| alive.begin(Stage::Download, None, Unit::BYTES)), "fetch");
        assert_eq!(stage(&|alive| alive.begin(Stage::Unpack, None, Unit::BYTES)), "unpack");
        assert_eq!(stage(&|alive| alive.begin(Stage::Survey, None, Unit::FILES)), "prepare");
        assert_eq!(stage(&|alive| alive.waits("connection refused")), "wait: connection refused");
        let goes_on = |alive: &Alive<'_>| {
            alive.begin(Stage::Download, None, Unit::BYTES);
            alive.waits("connection refused");
            alive.advance(1);
        };
        assert_eq!(stage(&goes_on), "fetch");
        let evaluated = |alive: &Alive<'_>| {
            alive.begin(Stage::Evaluate, None, Unit::SAMPLES);
            alive.end("evaluated");
        };
        assert_eq!(stage(&evaluated), "report");
    }

    #[test]
    fn steps_in_quick_succession_are_one_beat_and_standing_still_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let alive = Alive::start(&folder.path().join("status.json"), Status::default(), "prepare", &Silent).unwrap();
        let first = alive.pulse().last;
        (0..1000).for_each(|_| alive.advance(1));
        assert_eq!(alive.pulse().last, first);
        alive.pulse().last = first.and_then(|first| first.checked_sub(INTERVAL));
        let earlier = alive.pulse().last;
        alive.set_total(5);
        alive.set_position(0);
        assert_eq!(alive.pulse().last, earlier, "nothing moved");
        alive.advance(1);
        assert_ne!(alive.pulse().last, earlier);
    }

    #[test]
    fn what_the_next_start_decides_by_stays_as_it_was() {
        let stood = Status { state: State::Finished, epoch: 3, step: 40, peak_memory_bytes: 7, ..Status::default() };
        let status = told(stood.clone(), |alive| alive.begin(Stage::Prepare, None, Unit::FILES));
        assert_eq!(status.process, Some(std::process::id()));
        let unsigned = Status { stage: String::new(), process: None, host: None, written: None, ..status };
        assert_eq!(unsigned, stood);
    }
}
