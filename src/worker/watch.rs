//! A run observed from outside while it trains: its epochs, their pace, and its state, from `history.json`, `log.jsonl`
//! and `status.json`. It only reads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::error::WorkError;
use super::runs::{Standing, standing_of};
use crate::train::events::Cost;
use crate::train::run_folder::history::Story;
use crate::train::run_folder::listing;
use crate::train::run_folder::log::Tail;
use crate::train::run_folder::status::Status;

/// A run that is watched.
#[derive(Debug)]
pub struct Watched {
    folder: PathBuf,
    tail: Tail,
    /// What is known of it now.
    pub now: View,
}

/// What is known of a run at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Its history; empty before the first epoch.
    pub story: Story,
    /// What each epoch cost.
    pub costs: BTreeMap<u64, Cost>,
    /// All epochs of the run, if its log says so.
    pub epochs: Option<u64>,
    /// Its last heartbeat.
    pub status: Option<Status>,
    /// Its state.
    pub standing: Option<Standing>,
    /// Why its history can't be read, if so: what is shown of it is what was known before.
    pub unreadable: Option<String>,
}

impl Watched {
    /// Finds a run: a folder, a name, or `latest`.
    ///
    /// # Errors
    /// If there is none.
    pub fn find(root: &Path, wanted: &str) -> Result<Self, WorkError> {
        let folder = listing::resolve(root, wanted)?;
        let tail = Tail::new(&folder.join("log.jsonl"));
        Ok(Self { folder, tail, now: View::default() })
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads the files again. If one can't be read at the moment, its earlier content stays.
    pub fn look(&mut self) {
        // Its state first: once it has ended, the files are complete.
        self.now.status = Status::read(&self.folder.join("status.json"));
        self.now.standing = Some(standing_of(&self.folder, self.now.status.as_ref()));
        for event in self.tail.events(&["started", "epoch_ended"]).unwrap_or_default() {
            self.now.hear(&event);
        }
        match Story::read(&self.folder.join("history.json")) {
            Ok(story) => (self.now.story, self.now.unreadable) = (story, None),
            Err(error) => self.now.unreadable = Some(error.to_string()),
        }
    }
}

impl View {
    fn hear(&mut self, event: &Value) {
        if event["event"] == "started" {
            self.epochs = event["epochs"].as_u64();
            return;
        }
        let number = |key: &str| event["cost"][key].as_f64();
        let cost = Cost {
            seconds: number("seconds").unwrap_or_default(),
            samples_per_second: number("samples_per_second").unwrap_or_default(),
            data_wait: number("data_wait").unwrap_or_default(),
            memory_bytes: event["cost"]["memory_bytes"].as_u64().unwrap_or_default(),
            gpu: None,
            seconds_left: number("seconds_left"),
        };
        if let Some(epoch) = event["record"]["epoch"].as_u64() {
            self.costs.insert(epoch, cost);
        }
    }

    /// Whether a process works on it.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.standing == Some(Standing::Running)
    }
}
