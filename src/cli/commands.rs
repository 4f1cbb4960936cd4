//! Each subcommand: from its arguments to a call of the worker, from the outcome to text.

use serde_json::json;
use tracing::info;

use super::args::{
    Command, ConfigAction, ConfigArguments, Configured, FetchArguments, InspectArguments, PrepareArguments,
    SynthArguments,
};
use super::{CommandError, Session, compare, doctor, evaluate, export, health, output, predict, runs, train};
use crate::config::{self, Config, Loaded, Override};
use crate::data::config::Synthetic;
use crate::task::nowcast::dataset::Dataset;
use crate::task::nowcast::inspect::View;
use crate::task::nowcast::prepare::{Prepared, report::Report};
use crate::task::nowcast::synth::{self, SynthError};
use crate::util::units;
use crate::worker::{self, InspectOptions, Surroundings, WorkError};

/// Runs a subcommand.
pub fn run(command: Command, session: &Session) -> Result<(), CommandError> {
    match command {
        Command::Train(arguments) => {
            let config = load_with(&arguments.configured, train::overrides(&arguments))?.config;
            train::run(&arguments, &config, session)
        }
        Command::Fetch(arguments) => fetch(&arguments, session),
        Command::Prepare(arguments) => prepare(&arguments, session),
        Command::Inspect(arguments) => inspect(&arguments, session),
        Command::Evaluate(arguments) => evaluate::run(&arguments, session),
        Command::Predict(arguments) => predict::run(&arguments, session),
        Command::Compare(arguments) => compare::run(&arguments, session),
        Command::Export(arguments) => export::run(&arguments),
        Command::Runs(arguments) => runs::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Health(arguments) => health::run(&arguments),
        Command::Synth(arguments) => synth(&arguments, session),
        Command::Config(arguments) => config(&arguments),
    }
}

impl Session {
    fn around(&self) -> Surroundings<'_> {
        Surroundings { stop: &self.stop, progress: self.progress.as_ref() }
    }
}

fn load(configured: &Configured) -> Result<Config, CommandError> {
    Ok(load_from(configured)?.config)
}

/// The configuration, with the file that it is from.
fn load_from(configured: &Configured) -> Result<Loaded, CommandError> {
    load_with(configured, Vec::new())
}

/// The same, with flags that stand for keys: they win.
fn load_with(configured: &Configured, flags: Vec<Override>) -> Result<Loaded, CommandError> {
    Ok(configuration(configured, flags)?)
}

/// The same for whoever goes on where there are mistakes.
pub(super) fn configuration(configured: &Configured, flags: Vec<Override>) -> Result<Loaded, config::ConfigError> {
    let overrides: Vec<Override> =
        configured.sets.iter().map(|argument| Override::set(argument)).chain(flags).collect();
    config::load(configured.config.as_deref(), variables(), &overrides)
}

fn fetch(arguments: &FetchArguments, session: &Session) -> Result<(), CommandError> {
    let config = load(&arguments.configured)?;
    let acquired = worker::fetch(&config, &session.around())?;
    let files = acquired.manifest.as_ref().map(|manifest| manifest.files.len());
    let bytes = acquired.manifest.as_ref().map(|manifest| manifest.files.iter().map(|file| file.bytes).sum::<u64>());
    if arguments.json {
        let fingerprint = acquired.manifest.as_ref().map(|manifest| manifest.fingerprint().to_string());
        let root = &acquired.root;
        let source = &acquired.source;
        let value = json!({"root": root, "source": source, "files": files, "bytes": bytes, "fingerprint": fingerprint});
        return Ok(output::json(&value)?);
    }
    let amount = files.zip(bytes).map_or_else(
        || "used in place".to_owned(),
        |(files, bytes)| format!("{}, {}", units::count(files as u64, "file"), units::bytes(bytes)),
    );
    Ok(output::text(&format!("{}: {amount}, from {}", acquired.root.display(), acquired.source))?)
}

fn prepare(arguments: &PrepareArguments, session: &Session) -> Result<(), CommandError> {
    let config = load(&arguments.configured)?;
    let (prepared, dataset) = worker::prepare(&config, &session.around())?;
    let totals = &dataset.plan.manifest.totals;
    if arguments.json {
        let value = json!({
            "store": prepared.store, "converted": prepared.converted, "frames": prepared.report.items(),
            "set_aside": prepared.report.bad(), "fingerprint": prepared.report.fingerprint, "windows": totals,
        });
        return Ok(output::json(&value)?);
    }
    output::text(&prepared_text(&prepared, &dataset))?;
    info!("look at it with `fragua inspect`{}", same_flags(&arguments.configured));
    Ok(())
}

/// The store alone on the first line, for scripts; below it what a person wants to know.
fn prepared_text(prepared: &Prepared, dataset: &Dataset) -> String {
    let report = &prepared.report;
    let [levels, rows, columns] = dataset.shape();
    let frames = units::count(report.items() as u64, "frame");
    let events = units::count(dataset.paths.len() as u64, "event");
    let mut text = format!("{}\n{frames} in {events}, ", prepared.store.display());
    text += &format!("each {levels} x {rows} x {columns} (levels x rows x columns)\n");
    text += &dataset.plan.manifest.totals.text();
    if report.bad() > 0 {
        let files = units::count(report.files() as u64, "file");
        let path = Report::path(&prepared.store);
        text += &format!("{} of {files} set aside; {} tells why\n", report.bad(), path.display());
    }
    text
}

fn same_flags(configured: &Configured) -> &'static str {
    match (configured.config.is_some(), !configured.sets.is_empty()) {
        (false, false) => "",
        (true, false) => " and the same --config",
        (false, true) => " and the same --set",
        (true, true) => " and the same --config and --set",
    }
}

fn inspect(arguments: &InspectArguments, session: &Session) -> Result<(), CommandError> {
    let config = load(&arguments.configured)?;
    let options = InspectOptions {
        pictures: !arguments.no_pictures,
        output: arguments.output.clone(),
        view: arguments.level.map_or(View::Composite, View::Level),
    };
    let inspection = worker::inspect(&config, &options, &session.around())?;
    if arguments.json {
        return Ok(output::json(&inspection)?);
    }
    Ok(output::text(&inspection.table())?)
}

fn synth(arguments: &SynthArguments, session: &Session) -> Result<(), CommandError> {
    let SynthArguments { events, frames, grid, levels, seed, .. } = *arguments;
    let config = Synthetic { events, frames, grid, levels, seed };
    let packing = arguments.archive.as_ref().map(|archive| {
        let unknown = || format!("--archive {}: expected a name that ends in .tar.gz or .tar.zst", archive.display());
        synth::Packing::of(archive).map(|packing| (archive.as_path(), packing)).ok_or_else(unknown)
    });
    let packing = packing.transpose().map_err(CommandError::Usage)?;
    let around = session.around();
    let summary = worker::synth(&config, &arguments.output, packing, &around).map_err(in_flags)?;
    let events = units::count(summary.events.len() as u64, "event");
    let frames = units::count(arguments.frames as u64, "frame");
    let mut text = format!("{}: {events} of {frames}", arguments.output.display());
    if let Some((archive, _)) = packing {
        text += &format!("\n{}: the same, packed", archive.display());
    }
    Ok(output::text(&text)?)
}

/// A number that was typed as a flag is a mistake in the command, not in a configuration.
fn in_flags(error: WorkError) -> CommandError {
    match error {
        WorkError::Synth(SynthError::Limit { key, got, least, most }) => {
            CommandError::Usage(format!("--{key} {got}: expected {least} to {most}"))
        }
        other => other.into(),
    }
}

fn config(arguments: &ConfigArguments) -> Result<(), CommandError> {
    match &arguments.action {
        ConfigAction::Check(configured) => {
            let file = load_from(configured)?.file;
            let name = file.map_or_else(|| "the built-in configuration".to_owned(), |file| file.display().to_string());
            Ok(output::text(&format!("{name}: all right"))?)
        }
        ConfigAction::Show(configured) => {
            Ok(output::text(&config::show(&load(configured)?).map_err(std::io::Error::other)?)?)
        }
        ConfigAction::Schema => Ok(output::json(&config::schema())?),
    }
}

/// The environment, but for what is no text and so can't be meant for this program.
pub(super) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
