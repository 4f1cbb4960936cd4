//! The command line as it is typed: parsed strictly, resolved by the commands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::evaluate::EvaluateArguments;
use super::number::{positive, whole};
use crate::util::exit::Exit;

/// Downloads a dataset, prepares it, trains a model on it, and shows the results.
#[derive(Debug, Parser)]
#[command(name = "fragua", version, long_version = crate::cli::version::long(), propagate_version = true)]
#[command(subcommand_required = true, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = BEGIN, after_long_help = format!("{BEGIN}\n\n{}", exit_codes()))]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How messages on stderr are written: text, or json (one object a line)
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    #[arg(hide_possible_values = true, help_heading = "Messages")]
    pub log_format: LogFormat,
    /// Also show a bar for the steps of an epoch, and log details useful only for developing fragua
    #[arg(long, short, global = true, help_heading = "Messages")]
    pub verbose: bool,
}

/// The text below the list of commands.
const BEGIN: &str = "\
Start with `fragua train`: config.yaml as it comes needs no data, no network and no GPU.
Results go to stdout, messages to stderr. `fragua --help` lists the exit codes.";

/// The table of exit codes, for people.
fn exit_codes() -> String {
    let rows = Exit::ALL.map(|exit| {
        let [meaning, remedy] = exit.words();
        let remedy = if remedy.is_empty() { String::new() } else { format!("\n           -> {remedy}") };
        format!("  {:>4}     {meaning}{remedy}\n", exit.code())
    });
    format!(
        "Exit codes:\n{}\nA reader of stdout that leaves early, as `head` does, changes nothing. 137 always means that\n\
         something else killed the program, such as the system because memory ran out.",
        rows.concat()
    )
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fetch, prepare and train; finished stages are skipped, a stopped one resumes
    Train(TrainArguments),
    /// Download and unpack the dataset
    Fetch(FetchArguments),
    /// Fetch, then turn the raw files into the prepared dataset
    Prepare(PrepareArguments),
    /// Show what is in the prepared dataset: table and pictures
    Inspect(InspectArguments),
    /// Score a trained model: against observations and baselines, or by its classes
    Evaluate(EvaluateArguments),
    /// Predict for files that a model has not seen, as data and as pictures
    Predict(super::predict::PredictArguments),
    /// Compare two evaluations: verdict and exit code
    Compare(super::compare::CompareArguments),
    /// Write a trained model as a file for other programs
    Export(super::export::ExportArguments),
    /// List the runs with their best values
    Runs(super::runs::RunsArguments),
    /// Follow a run that trains on this machine, as a table of its epochs
    Watch(super::watch::WatchArguments),
    /// Check everything that training needs on this machine, and print remedies
    Doctor(super::doctor::DoctorArguments),
    /// Report in one line whether training on this machine makes progress, for HEALTHCHECK
    Health(super::health::HealthArguments),
    /// Write a synthetic dataset in the real file format
    Synth(SynthArguments),
    /// Check or show the configuration
    Config(ConfigArguments),
    /// Print a script that completes commands and flags in a shell
    Completions(super::completions::CompletionsArguments),
    /// Print the manual page, or write those of all commands
    Man(super::man::ManArguments),
}

impl Command {
    /// Whether the environment may change what the command does.
    #[must_use]
    pub fn reads_variables(&self) -> bool {
        !matches!(self, Self::Health(_) | Self::Completions(_) | Self::Man(_))
    }
}

impl Arguments {
    /// Starts the messages that the command line asks for.
    #[must_use]
    pub fn messages(&self) -> super::Messages {
        match self.command {
            // They print and end. Health counts the processes of this program, so it must not start a second one.
            Command::Health(_) | Command::Completions(_) | Command::Man(_) => {
                super::Messages::on(super::Stderr::default(), self.log_format, self.verbose)
            }
            _ => super::Messages::start(self.log_format, self.verbose),
        }
    }

    /// Whether the command may read files that others made, so that it needs processes for that.
    #[must_use]
    pub fn reads(&self) -> bool {
        matches!(self.command, Command::Train(_) | Command::Prepare(_) | Command::Inspect(_) | Command::Predict(_))
    }

    /// Whether the command may compute on a GPU, so that it needs the CUDA half of libtorch.
    #[must_use]
    pub fn computes(&self) -> bool {
        matches!(self.command, Command::Train(_) | Command::Evaluate(_) | Command::Predict(_) | Command::Doctor(_))
    }
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Args)]
pub struct Configured {
    /// The configuration [default: config.yaml in this folder; without one, the built-in copy]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Override one value, written as YAML; may be repeated: --set data.name=radar
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

/// `fragua train`.
#[derive(Debug, Args)]
pub struct TrainArguments {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub configured: Configured,
    /// Times that every sample is seen: train.epochs; more than a finished run has continues it, also after an early stop
    #[arg(long, value_name = "NUMBER", help_heading = "Instead of --set")]
    #[arg(value_parser = positive::<usize>, allow_negative_numbers = true)]
    pub epochs: Option<usize>,
    /// Optimizer steps after which training ends: train.max_steps
    #[arg(long, value_name = "NUMBER", help_heading = "Instead of --set")]
    #[arg(value_parser = positive::<u64>, allow_negative_numbers = true)]
    pub max_steps: Option<u64>,
    /// Time after which this start ends with a checkpoint, such as 2h or 90m: train.max_minutes
    #[arg(long, value_name = "TIME", value_parser = super::train::time, help_heading = "Instead of --set")]
    pub max_time: Option<Duration>,
    /// auto, cpu, cuda or cuda:N: device
    #[arg(long, value_name = "DEVICE", help_heading = "Instead of --set")]
    pub device: Option<String>,
    /// Times that a failed run restarts by itself from its last checkpoint: train.max_retries
    #[arg(long, value_name = "NUMBER", help_heading = "Instead of --set")]
    #[arg(value_parser = whole::<u32>, allow_negative_numbers = true)]
    pub max_retries: Option<u32>,
    /// Validated epochs without a better loss, or whatever train.patience_by names, after which training stops early:
    /// train.patience; more than a run that stopped early had continues it
    #[arg(long, value_name = "NUMBER", help_heading = "Instead of --set")]
    #[arg(value_parser = positive::<usize>, allow_negative_numbers = true)]
    pub patience: Option<usize>,
    /// The run's name: name
    #[arg(long, value_name = "NAME", help_heading = "Instead of --set")]
    pub name: Option<String>,
    /// The folder of all runs: output.root
    #[arg(long, value_name = "DIR", help_heading = "Instead of --set")]
    pub output: Option<PathBuf>,
    /// Train the first micro-batch over and over, to see whether the model can learn: train.overfit_single_batch
    #[arg(long, help_heading = "Instead of --set")]
    pub overfit_single_batch: bool,
    /// Start a new run, even if an old one could resume
    #[arg(long)]
    pub no_resume: bool,
    /// Resume although this key of the configuration has changed; may be repeated
    #[arg(long, value_name = "KEY")]
    pub allow_change: Vec<String>,
    /// Prepare the data, make one step, report what training would take, and leave nothing behind
    #[arg(long)]
    pub dry_run: bool,
    /// Start without asking, however long it takes
    #[arg(long, short)]
    pub yes: bool,
    /// How long to wait on a terminal for an answer before beginning without one
    #[arg(long, value_name = "TIME", value_parser = super::train::time, default_value = "60s")]
    pub answer_within: Duration,
    /// A note for experiment_log.json
    #[arg(long, value_name = "TEXT")]
    pub notes: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// `fragua fetch`.
#[derive(Debug, Args)]
pub struct FetchArguments {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub configured: Configured,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// `fragua prepare`.
#[derive(Debug, Args)]
pub struct PrepareArguments {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub configured: Configured,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// `fragua inspect`.
#[derive(Debug, Args)]
pub struct InspectArguments {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub configured: Configured,
    /// Print the result as JSON, with more digits and reasons than the table
    #[arg(long)]
    pub json: bool,
    /// The folder for the pictures [default: inspect/ in the dataset's folder]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Draw no pictures
    #[arg(long)]
    pub no_pictures: bool,
    /// Radar: the level to draw, counted from 0 at the ground [default: the maximum of each column]
    #[arg(long, value_name = "NUMBER")]
    #[arg(value_parser = whole::<usize>, allow_negative_numbers = true)]
    pub level: Option<usize>,
}

/// `fragua synth`.
#[derive(Debug, Args)]
pub struct SynthArguments {
    /// The folder to write; the same call again resumes where it stopped
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
    /// Make the synthetic source of this configuration instead of storms
    #[arg(long, value_name = "FILE", conflicts_with_all = ["events", "frames", "grid", "levels", "seed"])]
    pub config: Option<PathBuf>,
    /// Storms: events, one folder each, 1 to 10000
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    #[arg(value_parser = positive::<usize>, allow_negative_numbers = true)]
    pub events: usize,
    /// Storms: frames of an event, 1 to 4000
    #[arg(long, value_name = "NUMBER", default_value_t = 40)]
    #[arg(value_parser = positive::<usize>, allow_negative_numbers = true)]
    pub frames: usize,
    /// Storms: rows and columns, at 1 km, 16 to 2000
    #[arg(long, value_name = "NUMBER", default_value_t = 500)]
    #[arg(value_parser = positive::<usize>, allow_negative_numbers = true)]
    pub grid: usize,
    /// Storms: vertical levels, 1 km apart, 1 to 30
    #[arg(long, value_name = "NUMBER", default_value_t = 18)]
    #[arg(value_parser = positive::<usize>, allow_negative_numbers = true)]
    pub levels: usize,
    /// The same seed gives the same bytes
    #[arg(long, value_name = "NUMBER", default_value_t = 42)]
    #[arg(value_parser = whole::<u64>, allow_negative_numbers = true)]
    pub seed: u64,
    /// Also pack the folder: a file that ends in .tar.gz or .tar.zst
    #[arg(long, value_name = "FILE")]
    pub archive: Option<PathBuf>,
}

/// `fragua config`.
#[derive(Debug, Args)]
pub struct ConfigArguments {
    /// What to do with it.
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Check it; show every mistake at once, with its place and what to write
    Check(Configured),
    /// Print it complete, with all defaults and overrides filled in
    Show(Configured),
    /// Print its JSON Schema, for editors and other programs
    Schema,
}
