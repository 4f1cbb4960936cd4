//! The command line as it is typed: parsed strictly, resolved by the commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Downloads a dataset, prepares it for training, and shows what is in it.
#[derive(Debug, Parser)]
#[command(name = "fragua", version, long_version = crate::cli::version::long(), propagate_version = true)]
#[command(subcommand_required = true, arg_required_else_help = true, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How log lines on stderr are written.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Tell more.
    #[arg(long, short, global = true)]
    pub verbose: bool,
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
    /// Download and unpack the dataset
    Fetch(FetchArguments),
    /// Fetch, then turn the raw files into the prepared dataset
    Prepare(PrepareArguments),
    /// Show what is in the prepared dataset: table and pictures
    Inspect(InspectArguments),
    /// Write a synthetic dataset in the real file format
    Synth(SynthArguments),
    /// Check or show the configuration
    Config(ConfigArguments),
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Args)]
pub struct Configured {
    /// The configuration [default: config.yaml here; without one, the built-in copy]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one value, written as YAML: --set train.epochs=3
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
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
    /// Print the table as JSON
    #[arg(long)]
    pub json: bool,
    /// The folder for the pictures [default: the dataset's folder, inspect/]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Draw no pictures
    #[arg(long)]
    pub no_pictures: bool,
    /// The level to draw, counted from 0 at the ground [default: the maximum of each column]
    #[arg(long, value_name = "NUMBER")]
    pub level: Option<usize>,
}

/// `fragua synth`.
#[derive(Debug, Args)]
pub struct SynthArguments {
    /// The folder to write, which must not exist yet
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
    /// Events: one folder each
    #[arg(long, default_value_t = 8)]
    pub events: usize,
    /// Frames of an event
    #[arg(long, default_value_t = 40)]
    pub frames: usize,
    /// Rows and columns, at 1 km
    #[arg(long, default_value_t = 500)]
    pub grid: usize,
    /// Vertical levels, 1 km apart
    #[arg(long, default_value_t = 18)]
    pub levels: usize,
    /// The same seed gives the same bytes
    #[arg(long, default_value_t = 42)]
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
    /// Say whether it is right; name every mistake with its place
    Check(Configured),
    /// Print it resolved and complete: running that is the same run
    Show(Configured),
    /// Print the JSON Schema, for editors
    Schema,
}
