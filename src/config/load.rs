//! Loading: the file, over it the environment, over it the flags; then everything that is wrong, at once.

use std::path::{Path, PathBuf};

use crate::util::plain::{read_any, stopped_in};
use crate::util::problem::Problem;
use crate::util::units::bytes;

use super::check::{Findings, check};
use super::diagnostic::{Diagnostic, nearest};
use super::error::{ConfigError, Mistakes};
use super::former::rename;
use super::overlay::{Override, environment, overlay};
use super::parse::parse;
use super::schema::schema_of;
use super::shape::Shape;
use super::text::{Span, Text, Texts};
use super::tree::{Node, Value};
use super::{BUILT_IN, Config, habits, naming};

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "config.yaml";

/// Larger than any real configuration.
const MAX_BYTES: u64 = 1 << 18;

/// A configuration and its origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The configuration, complete and checked.
    pub config: Config,
    /// The file it was read from; `None` for the copy inside the program, which is used if no file was named and the
    /// current folder has no `config.yaml`.
    pub file: Option<PathBuf>,
}

/// Reads a configuration: `file`, or `config.yaml` in the current folder, or the copy inside the program; then the
/// variables named `FRAGUA__...` out of `variables`; then `overrides`, the last one winning.
///
/// # Errors
/// All mistakes that could be found, each with its place and what to write instead.
pub fn load(
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (String, String)>,
    overrides: &[Override],
) -> Result<Loaded, ConfigError> {
    let default = Path::new(DEFAULT_FILE);
    let file = file.or_else(|| default.exists().then_some(default));
    let (name, body) = match file {
        Some(path) => (path.display().to_string(), read(path)?),
        None => (format!("built-in {DEFAULT_FILE}"), BUILT_IN.to_owned()),
    };
    let config = resolve(name, body, &environment(variables), overrides).map_err(ConfigError::Mistakes)?;
    Ok(Loaded { config, file: file.map(Path::to_owned) })
}

/// The commented default, as it was when the program was built.
///
/// # Errors
/// If it has mistakes, which would be a bug.
pub fn built_in() -> Result<Config, ConfigError> {
    resolve(format!("built-in {DEFAULT_FILE}"), BUILT_IN.to_owned(), &[], &[]).map_err(ConfigError::Mistakes)
}

/// A configuration from its text.
///
/// # Errors
/// All mistakes that could be found.
pub fn resolve(
    name: String,
    body: String,
    environment: &[(String, String)],
    overrides: &[Override],
) -> Result<Config, Mistakes> {
    let mut texts = Texts::default();
    let body = body.strip_prefix('\u{feff}').map_or_else(|| body.clone(), str::to_owned);
    let file_name = name.clone();
    let file = texts.add(Text { name, body: body.clone(), numbered: true });
    let mut found = Vec::new();
    let mut root = match parse(file, &body, 0..body.len(), &mut found) {
        Ok(root) => root.unwrap_or_else(|| nothing(file)),
        Err(wrong) => {
            found.push(*wrong);
            return Err(Mistakes::new(texts, found));
        }
    };
    let shape = Shape::of(&schema_of(task_of(&root)));
    if let Some(wrong) = not_a_configuration(&root, &shape) {
        return Err(Mistakes::new(texts, vec![wrong]));
    }
    // Before the environment and the flags: there a key replaces that of the file under either name.
    found.extend(rename(&mut root, &shape));
    found.extend(overlay(&mut root, &shape, &mut texts, environment, overrides));
    let shape = Shape::of(&schema_of(task_of(&root)));
    // What a flag gave as a whole section, such as a list of phases.
    found.extend(rename(&mut root, &shape));
    let Findings { diagnostics, unusable } = check(&root, &shape);
    found.extend(diagnostics);
    let config = build(&root, &unusable, &file_name, &mut found);
    match config {
        Some(config) if found.is_empty() => Ok(Config { train: config.train.resolved(), ..config }),
        _ => Err(Mistakes::new(texts, found)),
    }
}

fn nothing(file: usize) -> Node {
    Node { value: Value::Null, span: Span::new(file, 0..0) }
}

/// The name of the task, if there is exactly one.
fn task_of(root: &Node) -> Option<&str> {
    match &root.entry("task")?.node.value {
        Value::Map(tasks) => match &tasks[..] {
            [only] => Some(&only.key),
            _ => None,
        },
        _ => None,
    }
}

fn not_a_configuration(root: &Node, shape: &Shape) -> Option<Diagnostic> {
    let message = match &root.value {
        Value::Map(_) => return None,
        Value::Null => "the file is empty".into(),
        other => format!("a configuration consists of keys with values, got {}", other.described()),
    };
    let task =
        shape.fields().iter().find(|field| field.name == "task").map_or_else(String::new, |task| task.shape.example());
    let help =
        format!("write at least `data: {{source: [...]}}` and `task: {task}`; `fragua config show` prints a whole one");
    Some(Diagnostic::at(&root.span, message).help(help))
}

/// The typed configuration from the usable part, with the problems that its components find. So one mistyped key does
/// not hide ten wrong numbers.
fn build(root: &Node, unusable: &[String], file: &str, found: &mut Vec<Diagnostic>) -> Option<Config> {
    let mut value = root.json(unusable);
    naming::complete(&mut value, file);
    habits::complete(&mut value);
    match serde_json::from_value::<Config>(value) {
        Ok(config) => {
            for problem in config.problems().into_iter().chain(overruled(root, &config)) {
                // A value that was replaced by its default may contradict its neighbours, who are not to blame.
                if !unusable.iter().any(|path| concerns(&problem, path)) {
                    let message = format!("`{}`: {}", problem.path, problem.message);
                    let place = Some(place(root, &problem));
                    let Problem { remedy, secret, .. } = problem;
                    found.push(Diagnostic { message, place, note: None, help: Some(remedy), secret });
                }
            }
            Some(config)
        }
        Err(_) if !found.is_empty() => None,
        Err(error) => {
            found.push(Diagnostic::at(&root.span, error.to_string()));
            None
        }
    }
}

/// Keys of `train` that were given after the phases, by a flag say, and that every phase has for itself: they would change
/// nothing. Those of a file beside its phases are what phases differ from.
fn overruled(root: &Node, config: &Config) -> Vec<Problem> {
    let phases = &config.train.phases;
    // A phase changes some keys of a section, and leaves the others as they are.
    let has = |changes: &serde_json::Map<String, serde_json::Value>, key: &str| {
        changes.get(key).is_some_and(|value| !value.is_object())
    };
    let keys = phases.first().map(|phase| phase.train.keys()).into_iter().flatten();
    let of_every_phase = keys.filter(|key| phases.iter().all(|phase| has(&phase.train, key)));
    let written_later = of_every_phase.filter(|key| {
        let path = format!("train.{key}");
        root.has(&path) && root.place(&path).text > root.place("train.phases").text
    });
    let problem = |key: &String| {
        let message = "it would have no effect, as every phase has its own".to_owned();
        let keys: Vec<String> = (0..phases.len()).map(|index| format!("`train.phases.{index}.train.{key}`")).collect();
        Problem::new(format!("train.{key}"), message, format!("change {}", keys.join(" and ")))
    };
    written_later.map(problem).collect()
}

/// Whether a problem is that of a value that can't be used, or of one beside it and names it: it may then follow from the
/// default that has taken its place.
fn concerns(problem: &Problem, unusable: &str) -> bool {
    let split = |path: &str| path.rsplit_once('.').map(|(section, key)| (section.to_owned(), key.to_owned()));
    let parts = |path: &str| split(path).unwrap_or_else(|| (String::new(), path.to_owned()));
    let ((section, key), (beside, _)) = (parts(unusable), parts(&problem.path));
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let names = |text: &str| text.split(|character| !is_word(character)).any(|word| word == key);
    let is_within = problem.path == unusable || problem.path.starts_with(&format!("{unusable}."));
    is_within || section == beside && (names(&problem.message) || names(&problem.remedy))
}

/// Where the mistake was made. If two keys of a section conflict, it is the one that was written last: file,
/// environment, flags. The user who writes `--set a=1` is not helped by a line of the file that says `b: 2`.
fn place(root: &Node, problem: &Problem) -> Span {
    let blamed = root.place(&problem.path);
    let Some((section, key)) = problem.path.rsplit_once('.') else { return blamed };
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let words = problem.message.split(|character| !is_word(character)).filter(|word| *word != key);
    let others = words.filter(|word| root.has(&format!("{section}.{word}")));
    let others = others.map(|word| root.place(&format!("{section}.{word}")));
    others.filter(|other| other.text > blamed.text).max_by_key(|other| other.text).unwrap_or(blamed)
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => ConfigError::Missing { path: path.into(), help: missing_help(path) },
        _ => match stopped_in(&source) {
            Some(stopped) => ConfigError::Stopped(stopped),
            None => ConfigError::Read { path: path.into(), source },
        },
    };
    if path.is_dir() {
        let inside = path.join(DEFAULT_FILE);
        let help =
            if inside.is_file() { format!("give the file: {}", inside.display()) } else { "give a YAML file".into() };
        return Err(ConfigError::Folder { path: path.into(), help });
    }
    let content = read_any(path, MAX_BYTES + 1).map_err(failed)?;
    if content.len() as u64 > MAX_BYTES {
        return Err(ConfigError::TooLarge { path: path.into(), limit: bytes(MAX_BYTES) });
    }
    String::from_utf8(content).map_err(|error| ConfigError::NotText { path: path.into(), reason: not_text(&error) })
}

fn not_text(error: &std::string::FromUtf8Error) -> String {
    let content = error.as_bytes();
    if content.starts_with(&[0xff, 0xfe]) || content.starts_with(&[0xfe, 0xff]) {
        return "it looks like UTF-16".into();
    }
    let at = error.utf8_error().valid_up_to();
    let line = content[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    format!("the byte 0x{:02x} on line {line} does not belong there", content.get(at).copied().unwrap_or_default())
}

/// The remedy for a file that does not exist: the name that was probably meant, or the names that exist.
fn missing_help(path: &Path) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = folder.read_dir() else {
        return format!("the folder {} does not exist either", folder.display());
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".yaml") || name.ends_with(".yml")).collect();
    names.sort();
    let wanted = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match nearest(wanted, names.iter().map(String::as_str)) {
        Some(name) => format!("did you mean {}?", path.with_file_name(name).display()),
        None if names.is_empty() => "`fragua config show > config.yaml` writes one to start from".into(),
        None => format!("that folder has {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(train: &str) -> Vec<String> {
        let text = format!("{}train: {train}\n", crate::task::testing::SMALLEST);
        let mistakes = resolve("config.yaml".into(), text, &[], &[]).unwrap_err();
        mistakes.lines().map(|(_, wrong)| wrong.message.clone()).collect()
    }

    #[test]
    fn a_value_of_a_wrong_type_does_not_hide_a_wrong_number_beside_it() {
        let found = mistakes("{epochs: x, batch: 0, patience: -1}");
        for key in ["epochs", "batch", "patience"] {
            assert!(found.iter().any(|message| message.contains(&format!("`train.{key}`"))), "{key}: {found:?}");
        }
        // What stands in its place does not contradict what names it.
        let found = mistakes("{batch: x, micro_batch: 64}");
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
