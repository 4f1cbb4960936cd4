//! Each subcommand: turns its arguments into a call of the worker, and the outcome into text.

use serde_json::json;
use tracing::{info, warn};

use super::args::{
    Command, ConfigAction, ConfigArguments, Configured, FetchArguments, InspectArguments, PrepareArguments,
    SynthArguments,
};
use super::{
    CommandError, Session, apart, compare, completions, doctor, evaluate, export, health, man, output, predict, runs,
    train, watch,
};
use crate::config::{self, Config, DEFAULT_FILE, Loaded, Override};
use crate::data::config::Source;
use crate::data::pack::Packing;
use crate::data::synthetic::{Storms, Synthetic};
use crate::task::{InspectOptions, TaskConfig, Wish};
use crate::util::surroundings::Surroundings;
use crate::util::units;
use crate::worker;

/// Runs a subcommand.
pub fn run(command: Command, session: &Session) -> Result<(), CommandError> {
    if command.reads_variables() {
        let names: Vec<String> = variables().map(|(name, _)| name).collect();
        config::ignored_variables(names.iter().map(String::as_str)).iter().for_each(|line| warn!("{line}"));
    }
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
        Command::Watch(arguments) => watch::run(&arguments, session),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Health(arguments) => health::run(&arguments),
        Command::Synth(arguments) => synth(&arguments, session),
        Command::Config(arguments) => config(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
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

/// The same, with flags that set keys: flags take precedence.
fn load_with(configured: &Configured, flags: Vec<Override>) -> Result<Loaded, CommandError> {
    Ok(configuration(configured, flags)?)
}

/// The same for callers that continue despite mistakes.
pub(super) fn configuration(configured: &Configured, flags: Vec<Override>) -> Result<Loaded, config::ConfigError> {
    let overrides: Vec<Override> =
        configured.sets.iter().map(|argument| Override::set(argument)).chain(flags).collect();
    let loaded = config::load(configured.config.as_deref(), variables(), &overrides)?;
    if loaded.file.is_none() {
        info!("there is no {DEFAULT_FILE} in this folder: the built-in one is used");
    }
    Ok(loaded)
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
    let prepared = worker::prepare(&config, &session.around())?;
    output::shown(&prepared.shown, arguments.json)?;
    if !arguments.json {
        info!("look at it with `fragua inspect`{}", same_flags(&arguments.configured));
    }
    Ok(())
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
    if let Some(output) = &arguments.output {
        apart::from_dataset(output, &config.data.folder())?;
    }
    let folder = arguments.output.clone().unwrap_or_else(|| worker::pictures_folder(&config));
    let pictures = (!arguments.no_pictures).then_some(folder);
    let options = InspectOptions { pictures, level: arguments.level, seed: config.seed };
    refuse_unknown(&config.task, &options.wishes())?;
    let shown = worker::inspect(&config, &options, &session.around())?;
    Ok(output::shown(&shown, arguments.json)?)
}

/// A flag that this task does not have is a usage error.
pub(super) fn refuse_unknown(task: &TaskConfig, wishes: &[Wish]) -> Result<(), CommandError> {
    let known = task.kind().wishes();
    match wishes.iter().find(|wish| !known.contains(wish)) {
        Some(wish) => {
            let others = TaskConfig::names().into_iter().filter_map(TaskConfig::named);
            let has: Vec<&str> =
                others.filter(|other| other.kind().wishes().contains(wish)).map(|other| other.name()).collect();
            let (flag, task) = (wish.flag(), task.name());
            Err(CommandError::Usage(format!(
                "{flag} is a flag of the task {}, and this one is {task}; leave it out",
                has.join(" and ")
            )))
        }
        None => Ok(()),
    }
}

fn synth(arguments: &SynthArguments, session: &Session) -> Result<(), CommandError> {
    let packing = arguments.archive.as_ref().map(|archive| {
        let unknown = || format!("--archive {}: expected a name that ends in .tar.gz or .tar.zst", archive.display());
        Packing::of(archive).map(|packing| (archive.as_path(), packing)).ok_or_else(unknown)
    });
    let packing = packing.transpose().map_err(CommandError::Usage)?;
    let (task, synthetic) = to_synthesise(arguments)?;
    worker::synth(&task, &synthetic, &arguments.output, packing, &session.around())?;
    let mut text = format!("{}: {synthetic}", arguments.output.display());
    if let Some((archive, _)) = packing {
        text += &format!("\n{}: the same, packed", archive.display());
    }
    Ok(output::text(&text)?)
}

/// The requested synthetic dataset and the task that makes it: from a configuration, or storms as set by the flags.
fn to_synthesise(arguments: &SynthArguments) -> Result<(TaskConfig, Synthetic), CommandError> {
    if let Some(file) = &arguments.config {
        let config = config::load(Some(file), variables(), &[])?.config;
        let synthetic = config.data.source.iter().find_map(|source| match source {
            Source::Synthetic(synthetic) => Some(synthetic.clone()),
            _ => None,
        });
        let none = || CommandError::Usage(format!("--config {}: it has no synthetic source", file.display()));
        return Ok((config.task, synthetic.ok_or_else(none)?));
    }
    let SynthArguments { events, frames, grid, levels, seed, .. } = *arguments;
    let synthetic = Synthetic::Storms(Storms { events, frames, grid, levels, seed });
    // A wrong number in a flag is a usage error, not a mistake in the configuration.
    if let Some(problem) = synthetic.problems().first() {
        return Err(CommandError::Usage(format!("--{}: {}", problem.path, problem.message)));
    }
    Ok((config::built_in()?.task, synthetic))
}

fn config(arguments: &ConfigArguments) -> Result<(), CommandError> {
    match &arguments.action {
        ConfigAction::Check(configured) => {
            let Loaded { config, file } = load_from(configured)?;
            // It may be meant for another machine, so this is no mistake in it.
            if let Err(no_room) = worker::room::would_fit(&config) {
                warn!("not on this machine: {no_room}");
            }
            let name = file.map_or_else(|| "the built-in configuration".to_owned(), |file| file.display().to_string());
            Ok(output::text(&format!("{name}: all right"))?)
        }
        ConfigAction::Show(configured) => {
            Ok(output::text(&config::show(&load(configured)?).map_err(std::io::Error::other)?)?)
        }
        ConfigAction::Schema => Ok(output::json(&config::schema())?),
    }
}

/// The environment variables that are valid UTF-8; others can't be meant for this program.
pub(super) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
