//! Each subcommand: from its arguments to a call of the worker, from the outcome to text.

use serde_json::json;

use super::args::{
    Command, ConfigAction, ConfigArguments, Configured, FetchArguments, InspectArguments, PrepareArguments,
    SynthArguments,
};
use super::{CommandError, Session, output};
use crate::config::{self, Config, Loaded, Override};
use crate::data::config::Synthetic;
use crate::task::nowcast::inspect::View;
use crate::task::nowcast::synth;
use crate::util::units;
use crate::worker::{self, InspectOptions, Surroundings};

/// Runs a subcommand.
pub fn run(command: Command, session: &Session) -> Result<(), CommandError> {
    match command {
        Command::Fetch(arguments) => fetch(&arguments, session),
        Command::Prepare(arguments) => prepare(&arguments, session),
        Command::Inspect(arguments) => inspect(&arguments, session),
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
    Ok(load_named(configured)?.config)
}

fn load_named(configured: &Configured) -> Result<Loaded, CommandError> {
    let overrides: Vec<Override> = configured.sets.iter().map(|argument| Override::set(argument)).collect();
    Ok(config::load(configured.config.as_deref(), variables(), &overrides)?)
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
            "store": prepared.store, "converted": prepared.converted, "frames": prepared.report.frames(),
            "set_aside": prepared.report.bad(), "fingerprint": prepared.report.fingerprint, "windows": totals,
        });
        return Ok(output::json(&value)?);
    }
    let sides = [("train", &totals.train), ("val", &totals.val), ("test", &totals.test)];
    let sides = sides.map(|(name, total)| {
        format!(
            "{name} {} in {}",
            units::count(total.windows as u64, "window"),
            units::count(total.events as u64, "event")
        )
    });
    Ok(output::text(&format!("{}: {}", prepared.store.display(), sides.join(", ")))?)
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
    let summary = worker::synth(&config, &arguments.output, packing, &around)?;
    let (events, files) = (summary.events.len() as u64, summary.files as u64);
    let text = format!(
        "{}: {}, {} written",
        arguments.output.display(),
        units::count(events, "event"),
        units::count(files, "file")
    );
    Ok(output::text(&text)?)
}

fn config(arguments: &ConfigArguments) -> Result<(), CommandError> {
    match &arguments.action {
        ConfigAction::Check(configured) => {
            let file = load_named(configured)?.file;
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
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
