//! The command line as it is typed: parsed strictly, resolved by the commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Downloads a dataset, prepares it for training, and shows what is in it.
#[derive(Debug, Parser)]
#[command(name = "fragua", version, long_version = crate::cli::version::long(), propagate_version = true)]
#[command(subcommand_required = true, arg_required_else_help = true, max_term_width = 100, after_help = BEGIN)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How messages on stderr are written: text, or json (one object a line)
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    #[arg(hide_possible_values = true, help_heading = "Messages")]
    pub log_format: LogFormat,
    /// Also tell what matters only to who develops fragua
    #[arg(long, short, global = true, help_heading = "Messages")]
    pub verbose: bool,
}

/// What stands below the list of commands.
const BEGIN: &str = "\
Begin with `fragua prepare`, then `fragua inspect`: config.yaml as it comes needs no data and no network.
Results go to stdout, messages to stderr. The exit codes are listed in ARCHITECTURE.md.";

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
    /// The configuration [default: config.yaml in this folder; without one, the built-in copy]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one value, written as YAML, over that of the file; may be repeated: --set data.name=radar
    #[arg(long = "set", value_name = "KEY=VALUE")]
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
    /// Print the result as JSON, with more digits and reasons than the table
    #[arg(long)]
    pub json: bool,
    /// The folder for the pictures [default: inspect/ in the dataset's folder]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Draw no pictures
    #[arg(long)]
    pub no_pictures: bool,
    /// The level to draw, counted from 0 at the ground [default: the maximum of each column]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub level: Option<usize>,
}

/// `fragua synth`.
#[derive(Debug, Args)]
pub struct SynthArguments {
    /// The folder to write; the same call again goes on where it stopped
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
    /// Events: one folder each, 1 to 10000
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    pub events: usize,
    /// Frames of an event, 1 to 4000
    #[arg(long, value_name = "NUMBER", default_value_t = 40)]
    pub frames: usize,
    /// Rows and columns, at 1 km, 16 to 2000
    #[arg(long, value_name = "NUMBER", default_value_t = 500)]
    pub grid: usize,
    /// Vertical levels, 1 km apart, 1 to 30
    #[arg(long, value_name = "NUMBER", default_value_t = 18)]
    pub levels: usize,
    /// The same seed gives the same bytes
    #[arg(long, value_name = "NUMBER", default_value_t = 42)]
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
    /// Say whether it is right; show every mistake at once, with its place and what to write
    Check(Configured),
    /// Print it complete, with every default and override filled in; as a file it does the same
    Show(Configured),
    /// Print its JSON Schema, for editors and other programs
    Schema,
}
