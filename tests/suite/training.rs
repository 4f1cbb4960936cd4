//! A small training that the tests share: a dataset that is prepared in no time, a model that trains in a second.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::kept::copy_of;
use crate::program::{Outcome, Program};

/// Twelve steps an epoch, a checkpoint every other step.
const CONFIG: &str = "\
data:
  source:
    - synthetic: {events: 3, frames: 12, grid: 32, levels: 1}
task:
  nowcast:
    prepare: {size: [16, 16]}
    windows: {input_frames: 3, target_frames: 2, stride: 1}
    model: {hidden: [4, 4]}
train:
  epochs: 3
  micro_batch: 2
  accumulate: 1
  optimizer: {adamw: {lr: 1.0e-2}}
  checkpoint: {every_steps: 2}
";

/// The program in a folder with a configuration, its dataset prepared.
pub struct Training {
    pub program: Program,
}

impl Training {
    pub fn new() -> Self {
        Self::copied("prepared", || {
            let program = Program::new();
            program.write("config.yaml", CONFIG);
            program.succeed(&["prepare"]);
            program
        })
    }

    /// One that has trained with these arguments, for tests of what one does with a model: its folder is a copy.
    pub fn trained(arguments: &[&str]) -> Self {
        Self::copied(&format!("trained {}", arguments.join(" ")), || {
            let training = Self::new();
            training.succeed(arguments);
            training.program
        })
    }

    fn copied(name: &str, make: impl FnOnce() -> Program) -> Self {
        let program = Program::new();
        copy_of(name, program.folder(), make);
        Self { program }
    }

    /// A start of training. One thread: others may use the cores.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program.command(&[&["train"], arguments].concat());
        command.env("OMP_NUM_THREADS", "1");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(arguments).output().unwrap())
    }

    pub fn succeed(&self, arguments: &[&str]) -> Outcome {
        self.run(arguments).successful(arguments)
    }

    /// A file or folder of a run.
    pub fn file(&self, run: &str, below: &str) -> PathBuf {
        self.program.path("model_output").join(run).join(below)
    }

    pub fn json(&self, run: &str, below: &str) -> Value {
        serde_json::from_slice(&fs::read(self.file(run, below)).unwrap()).unwrap()
    }

    /// The names in a folder of a run, sorted, without hidden ones.
    pub fn names(&self, run: &str, below: &str) -> Vec<String> {
        let entries = fs::read_dir(self.file(run, below)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort_unstable();
        names
    }
}
