//! What the log has beyond the history: the speed of epochs, and what happened. For a long log only the end is read,
//! and for a growing one only what is new.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::told::told;

/// The most bytes read of a log: thousands of epochs, in a moment.
const MOST: u64 = 32 << 20;
/// The most events kept; the newest are kept.
const MOST_MOMENTS: usize = 200;

/// What a log contains.
#[derive(Debug, Default)]
pub(super) struct Tale {
    /// What each epoch cost.
    pub(super) costs: BTreeMap<u64, Cost>,
    /// The last start.
    pub(super) started: Option<Started>,
    /// Starts.
    pub(super) starts: usize,
    /// What happened: the time, and the text.
    pub(super) moments: Vec<(String, String)>,
    /// Whether the start of the log was cut off.
    pub(super) is_cut: bool,
    /// Why nothing could be read, if so.
    pub(super) problem: Option<String>,
    seconds_before: f64,
    seconds: f64,
    read_to: u64,
}

/// The cost of an epoch; `None` for values that the log does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Cost {
    pub(super) seconds: Option<f64>,
    pub(super) samples_per_second: Option<f64>,
    pub(super) data_wait: Option<f64>,
    pub(super) memory_bytes: Option<f64>,
    pub(super) seconds_left: Option<f64>,
    pub(super) gpu: Option<Gpu>,
}

/// How busy a GPU was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Gpu {
    pub(super) memory_bytes: Option<f64>,
    pub(super) busy_percent: Option<f64>,
}

/// How training began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Started {
    pub(super) parameters: u64,
    pub(super) train_samples: u64,
    pub(super) val_samples: u64,
    pub(super) epochs: u64,
    pub(super) epoch: u64,
    pub(super) step: u64,
}

impl Tale {
    /// Reads what was added since.
    pub(super) fn follow(&mut self, path: &Path) {
        match self.read(path) {
            Ok(()) => self.problem = None,
            Err(error) => self.problem = Some(format!("log.jsonl can't be read: {error}")),
        }
    }

    /// Seconds of work in all starts.
    pub(super) fn seconds(&self) -> f64 {
        self.seconds_before + self.seconds
    }

    fn read(&mut self, path: &Path) -> std::io::Result<()> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        if length < self.read_to {
            // The log was replaced.
            *self = Self::default();
        }
        let skipped = length.saturating_sub(self.read_to) > MOST;
        let from = if skipped { length - MOST } else { self.read_to };
        file.seek(SeekFrom::Start(from))?;
        let mut text = Vec::new();
        file.take(MOST).read_to_end(&mut text)?;
        // A line that is still being written is left for the next read; a truncated one is skipped.
        let end = memchr::memrchr(b'\n', &text).map_or(0, |end| end + 1);
        let begin = if skipped { memchr::memchr(b'\n', &text).map_or(end, |at| at + 1) } else { 0 };
        self.is_cut |= skipped;
        self.take_in(text.get(begin..end).unwrap_or_default());
        self.read_to = from + end as u64;
        Ok(())
    }

    fn take_in(&mut self, text: &[u8]) {
        let stepped = memchr::memmem::Finder::new(STEPPED);
        let mut last_step: &[u8] = &[];
        for line in text.split(|byte| *byte == b'\n') {
            // Nearly all lines of a log are steps: only the last one before something else is parsed.
            if stepped.find(line.get(..HEAD).unwrap_or(line)).is_some() {
                last_step = line;
                continue;
            }
            let Ok(event) = serde_json::from_slice::<Value>(line) else { continue };
            if event["event"] == "started" {
                self.took(last_step);
            }
            last_step = &[];
            self.hear(&event);
        }
        self.took(last_step);
    }

    /// The time in a step.
    fn took(&mut self, step: &[u8]) {
        let seconds = serde_json::from_slice::<Value>(step).ok().and_then(|step| step["cost"]["seconds"].as_f64());
        self.seconds = seconds.unwrap_or(self.seconds);
    }

    fn hear(&mut self, event: &Value) {
        match event["event"].as_str().unwrap_or_default() {
            "started" => self.start(event),
            "epoch_ended" => {
                let cost = Cost::deserialize(&event["cost"]).unwrap_or_default();
                self.seconds = cost.seconds.unwrap_or(self.seconds);
                if let Some(epoch) = event["record"]["epoch"].as_u64() {
                    self.costs.insert(epoch, cost);
                }
            }
            _ => {}
        }
        if let Some(text) = told(event, self.starts) {
            let time = event["time"].as_str().and_then(|time| time.parse().ok());
            self.moments.push((time.map(super::words::time).unwrap_or_default(), text));
            let many = self.moments.len().saturating_sub(MOST_MOMENTS);
            self.is_cut |= many > 0;
            self.moments.drain(..many);
        }
    }

    /// Everything past the point that training resumes from is redone.
    fn start(&mut self, event: &Value) {
        let started = Started::deserialize(event).unwrap_or_default();
        self.costs.retain(|epoch, _| *epoch <= started.epoch);
        self.seconds_before += std::mem::take(&mut self.seconds);
        self.starts += 1;
        self.started = Some(started);
    }
}

/// What the line of a step has within its first bytes.
const STEPPED: &[u8] = b"\"event\":\"stepped\"";
const HEAD: usize = 80;
