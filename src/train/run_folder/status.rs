//! `status.json`: the heartbeat of a run, and the mark by which the next start knows how the last one ended. Written by its
//! own thread, so that a slow disk blocks nothing; of two pending beats only the newer is written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::RunError;
use super::problem::Problem;
use super::record::pretty;
use super::used::Used;
use crate::train::events::Reason;
use crate::util::fs::write_atomic;
use crate::util::plain::read_plain;
use crate::util::units::bytes;

/// The state of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Running. If no process holds the folder, it was killed.
    #[default]
    Running,
    /// Stopped by a signal, with a checkpoint.
    Stopped,
    /// Ended with an error that was reported.
    Failed,
    /// Training is complete.
    Finished,
}

/// The content of `status.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The state of the run: a clean stop is marked by anything but `running`.
    pub state: State,
    /// Why training ended, if it did.
    pub ended: Option<Reason>,
    /// Why it failed, if it did.
    pub problem: Option<Problem>,
    /// The current activity: fetch, unpack, prepare, rehearse, train, evaluate, report; `wait: ...` with the reason.
    pub stage: String,
    /// Epochs that are complete.
    pub epoch: u64,
    /// The share of the next epoch that is done, from 0 to 1.
    pub epoch_share: f64,
    /// Steps that are complete.
    pub step: u64,
    /// What computes it; none before training starts.
    pub used: Option<Used>,
    /// The last values of losses and scores.
    pub metrics: BTreeMap<String, f64>,
    /// The peak memory use of the process.
    pub peak_memory_bytes: u64,
    /// The memory limit of the process, if there is one.
    pub memory_limit_bytes: Option<u64>,
    /// Seconds until the end.
    pub eta_seconds: Option<f64>,
    /// The process that wrote this.
    pub process: Option<u32>,
    /// The machine that it runs on.
    pub host: Option<String>,
    /// When this was written, for people and health checks; no decision depends on it.
    pub written: Option<jiff::Timestamp>,
}

impl Status {
    /// Reads it; none if it does not exist or can't be read, which can happen after a power cut.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&read_plain(path).ok()?).ok()
    }

    /// Writes it durably.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub fn write(&self, path: &Path) -> Result<(), RunError> {
        Ok(write_atomic(path, &self.text(path)?)?)
    }

    /// What is written; the path is for messages.
    ///
    /// # Errors
    /// If it holds what JSON has no word for.
    pub fn text(&self, path: &Path) -> Result<Vec<u8>, RunError> {
        pretty(path, self)
    }

    /// The same, as if written now by this process.
    #[must_use]
    pub fn signed(self) -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { process: Some(std::process::id()), host: Some(host), written: Some(jiff::Timestamp::now()), ..self }
    }

    /// Whether the process was killed, most likely by the system because its memory had reached its limit.
    #[must_use]
    pub fn died_of_memory(&self) -> bool {
        let is_near = |limit: u64| self.peak_memory_bytes as f64 >= NEAR_THE_LIMIT * limit as f64;
        self.state == State::Running && self.memory_limit_bytes.is_some_and(is_near)
    }

    /// What to report at the next start about the last one, when nobody holds the folder; `None` if it ended cleanly.
    #[must_use]
    pub fn death(&self) -> Option<String> {
        if self.state != State::Running {
            return None;
        }
        let place =
            format!("the last start was killed in stage {} after epoch {}, step {}", self.stage, self.epoch, self.step);
        let peak = bytes(self.peak_memory_bytes);
        Some(match self.memory_limit_bytes {
            // Killed before its first beat, which would have said how much it took.
            _ if self.peak_memory_bytes == 0 => format!("{place}, or power was lost"),
            Some(limit) if self.died_of_memory() => {
                format!("{place}, probably out of memory: its peak was {peak} of {}", bytes(limit))
            }
            Some(limit) => format!("{place}, or power was lost; its peak memory was {peak} of {}", bytes(limit)),
            None => format!("{place}, or power was lost; its peak memory was {peak}"),
        })
    }

    /// The same for a start that left only this file, because the run had not started. The system may have killed it
    /// for its memory: the first step takes more than everything before it.
    #[must_use]
    pub fn death_before_the_run(&self) -> Option<String> {
        let limit = self.memory_limit_bytes.map_or_else(String::new, |limit| format!(" of {}", bytes(limit)));
        let cause = if self.stage == "rehearse" {
            format!("probably out of memory{limit}")
        } else {
            "or power was lost".into()
        };
        (self.state == State::Running)
            .then(|| format!("the last start was killed in stage {}, before the run began, {cause}", self.stage))
    }
}

/// The last beat is some seconds before the end: a process killed for its memory was last seen below the limit.
const NEAR_THE_LIMIT: f64 = 0.85;

#[derive(Default)]
struct Slot {
    next: Option<Status>,
    closed: bool,
}

/// The minimum time between two beats without news.
pub const INTERVAL: Duration = Duration::from_secs(2);

/// Writes `status.json` on its own thread.
pub struct Heartbeat {
    slot: Arc<(Mutex<Slot>, Condvar)>,
    path: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system can't start a thread.
    pub fn start(path: &Path) -> Result<Self, RunError> {
        let slot = Arc::new((Mutex::new(Slot::default()), Condvar::new()));
        let (shared, target) = (Arc::clone(&slot), path.to_owned());
        let thread = std::thread::Builder::new().name("status".into()).spawn(move || write_beats(&shared, &target));
        Ok(Self {
            slot,
            path: path.into(),
            thread: Some(thread.map_err(|source| RunError::NoThread { path: path.into(), source })?),
        })
    }

    /// Hands over the newest status; never waits for the disk.
    pub fn beat(&self, status: Status) {
        self.slot.0.lock().unwrap_or_else(PoisonError::into_inner).next = Some(status);
        self.slot.1.notify_one();
    }

    fn join(&mut self) {
        self.slot.0.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.slot.1.notify_one();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::warn!("the thread that writes {} has panicked", self.path.display());
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.join();
    }
}

fn write_beats(shared: &(Mutex<Slot>, Condvar), path: &Path) {
    let mut failed = false;
    loop {
        let slot = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = shared.1.wait_while(slot, |slot| slot.next.is_none() && !slot.closed);
        let Some(status) = waiting.unwrap_or_else(PoisonError::into_inner).next.take() else { return };
        let written = status.write(path);
        // A disk that stays full is reported once, not at every beat.
        if let (Err(error), false) = (&written, failed) {
            tracing::warn!("{error}");
        }
        failed = written.is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn status(peak: u64, limit: Option<u64>) -> Status {
        let (stage, peak_memory_bytes, memory_limit_bytes) = ("train".into(), peak, limit);
        Status { stage, epoch: 3, step: 40, peak_memory_bytes, memory_limit_bytes, ..Status::default() }
    }

    #[test]
    fn a_start_that_did_not_end_cleanly_is_reported_with_its_probable_cause() {
        let place = "the last start was killed in stage train after epoch 3, step 40";
        assert_eq!(
            status(9_500_000_000, Some(10_000_000_000)).death().unwrap(),
            format!("{place}, probably out of memory: its peak was 9.5 GB of 10.0 GB")
        );
        let other = status(2_000_000_000, Some(10_000_000_000)).death().unwrap();
        assert_eq!(other, format!("{place}, or power was lost; its peak memory was 2.0 GB of 10.0 GB"));
        assert!(status(1, None).death().is_some());
        for limit in [None, Some(10_000_000_000)] {
            assert_eq!(status(0, limit).death().unwrap(), format!("{place}, or power was lost"), "nothing is known");
        }
        for state in [State::Stopped, State::Failed, State::Finished] {
            assert_eq!(Status { state, ..status(1, None) }.death(), None);
        }
    }

    #[test]
    fn a_start_that_was_killed_before_the_run_began_is_reported_too() {
        let early = |stage: &str| Status { stage: stage.into(), ..status(0, Some(10_000_000_000)) };
        let told = |stage: &str| early(stage).death_before_the_run().unwrap();
        let before = "before the run began";
        assert_eq!(told("fetch"), format!("the last start was killed in stage fetch, {before}, or power was lost"));
        let place = format!("the last start was killed in stage rehearse, {before}");
        assert_eq!(told("rehearse"), format!("{place}, probably out of memory of 10.0 GB"));
        assert_eq!(Status { state: State::Failed, ..early("fetch") }.death_before_the_run(), None);
    }

    #[test]
    fn the_last_beat_is_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        let heartbeat = Heartbeat::start(&path).unwrap();
        (0..50).for_each(|step| heartbeat.beat(Status { step, ..status(1, None) }));
        drop(heartbeat);
        assert_eq!(Status::read(&path).unwrap().step, 49);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_status_that_cannot_be_read_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        assert_eq!(Status::read(&path), None);
        fs::write(&path, r#"{"state": "finished", "stage": "done"}"#).unwrap();
        assert_eq!(Status::read(&path).unwrap().ended, None, "an older program did not tell");
        fs::write(&path, r#"{"state": "finished", "ended": "patience"}"#).unwrap();
        assert_eq!(Status::read(&path).unwrap().ended, Some(Reason::Patience));
        fs::write(&path, "{\"state\": ").unwrap();
        assert_eq!(Status::read(&path), None);
    }
}
