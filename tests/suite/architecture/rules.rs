//! The rules of `ARCHITECTURE.md` that a program can check, each a pure function from a file to what is wrong with it.

use super::source::{Source, Token};

/// The layers: a module uses only those of a later row. Those of one row never use each other.
const LAYERS: [&[&str]; 9] = [
    &["main"],
    &["cli"],
    &["worker"],
    &["config"],
    &["task"],
    &["train"],
    &["data", "nn", "metric", "report"],
    &["native"],
    &["util"],
];

/// The same inside of the crates; the modules of those that are not listed may all use each other.
const LAYERS_OF_CRATES: [(&str, &[&[&str]]); 1] =
    [("radar", &[&["synth"], &["lrose", "resample", "advection"], &["quantize", "volume"]])];

/// The packages of this workspace that each crate may use.
const USED_BY_CRATES: [(&str, &[&str]); 5] =
    [("commit", &[]), ("enter", &[]), ("objects", &["fragua_util"]), ("radar", &["fragua_util"]), ("util", &[])];

/// What a crate uses only if it is listed above: the packages of this workspace, and libtorch.
const KEPT_OUT_OF_CRATES: [&str; 7] =
    ["fragua", "fragua_commit", "fragua_enter", "fragua_objects", "fragua_radar", "fragua_util", "tch"];

/// A file past this many lines says more than one thing.
const MAX_CODE_LINES: usize = 400;

/// One outside thing, one place: the crates, and the paths that may name them.
const HOMES: [(&[&str], &[&str]); 7] = [
    (&["reqwest"], &["data/fetch"]),
    (&["object_store"], &["data/mirror"]),
    (&["netcdf", "hdf5", "hdf5_metno"], &["crates/radar"]),
    (&["fragua_objects"], &["task"]),
    (&["fragua_radar"], &["task"]),
    (&["serde_yaml", "serde_saphyr"], &["config", "crates/objects/src/dataset"]),
    (&["tch"], &["native", "nn", "train", "task"]),
];

const PRINTING: [&str; 4] = ["println", "eprintln", "print", "eprint"];

/// Everything that is wrong with a file, one line each.
pub fn faults(source: &Source) -> Vec<String> {
    let rules = [layers, packages, heading, length, unsafe_code, printing, homes, variants];
    rules.iter().flat_map(|rule| rule(source)).collect()
}

/// Only `task` names a task, in code, comments, texts and tests: these are the names of its folders. A crate that a task is
/// made of may name it.
pub fn tasks(source: &Source, names: &[String]) -> Vec<String> {
    if source.top() == "task" || source.package().is_some_and(|package| package != "util") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (line, text) in source.text.lines().enumerate() {
        let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').map(snake);
        let named = words.filter_map(|word| names.iter().find(|name| is_part(&word, name)));
        found.extend(named.map(|name| format!("{}:{}: names the task `{name}`", source.path, line + 1)));
    }
    found
}

/// `NowcastConfig`, `NOWCAST_CONFIG` and `nowcast_config` are one name.
fn snake(word: &str) -> String {
    let mut snake = String::new();
    let mut was_small = false;
    for letter in word.chars() {
        if letter.is_uppercase() && was_small {
            snake.push('_');
        }
        was_small = letter.is_lowercase() || letter.is_numeric();
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// Whether the parts of a name follow each other in a word.
fn is_part(word: &str, name: &str) -> bool {
    format!("_{word}_").contains(&format!("_{name}_"))
}

/// The variants of `TaskConfig` are distinguished once, in `task/mod.rs`.
pub fn variants(source: &Source) -> Vec<String> {
    let tokens = source.tokens();
    let is_variant = |at: &usize| {
        let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
        let is_upper = text(at + 2).starts_with(char::is_uppercase);
        text(*at) == "TaskConfig" && text(at + 1) == "::" && is_upper
    };
    let found = (0..tokens.len()).filter(is_variant);
    found
        .map(|at| format!("{}:{}: a variant of `TaskConfig`; ask its `kind()`", source.path, tokens[at].line))
        .collect()
}

/// No arrow points left or sideways.
pub fn layers(source: &Source) -> Vec<String> {
    let tokens = source.tokens();
    let root = if source.path == "main.rs" { "fragua" } else { "crate" };
    let used =
        || (0..tokens.len()).filter(|at| is_path_root(&tokens, *at, root)).flat_map(|at| children(&tokens[at + 2..]));
    let wrong = rows(source).into_iter().flat_map(|rows| {
        used().filter_map(|used| {
            let reason = refusal(rows, source.top(), used.text)?;
            Some(format!("{}:{}: uses `{}`: {reason}", source.path, used.line, used.text))
        })
    });
    wrong.chain(climbs(source, &tokens)).collect()
}

/// The layers that a file has to keep to. The root of a library names all of its modules.
fn rows(source: &Source) -> Option<&'static [&'static [&'static str]]> {
    let rows_of = |package| LAYERS_OF_CRATES.iter().find(|(name, _)| *name == package).map(|(_, rows)| *rows);
    let rows = source.package().map_or(Some(&LAYERS[..]), rows_of);
    rows.filter(|_| source.top() != "lib")
}

/// A crate uses only the packages that it is allowed to.
pub fn packages(source: &Source) -> Vec<String> {
    let Some(package) = source.package() else { return Vec::new() };
    let Some((_, allowed)) = USED_BY_CRATES.iter().find(|(name, _)| *name == package) else {
        return vec![format!("{}: say in `USED_BY_CRATES` which packages crates/{package} may use", source.path)];
    };
    let tokens = source.tokens();
    let mut found = Vec::new();
    for name in KEPT_OUT_OF_CRATES.iter().filter(|name| !allowed.contains(name)) {
        let uses = (0..tokens.len()).filter(|at| is_path_root(&tokens, *at, name));
        found.extend(
            uses.map(|at| format!("{}:{}: crates/{package} must not use `{name}`", source.path, tokens[at].line)),
        );
    }
    found
}

/// Why a module may not use another, or `None` if it may.
fn refusal(rows: &[&[&str]], user: &str, used: &str) -> Option<&'static str> {
    let rank = |name: &str| rows.iter().position(|row| row.contains(&name));
    match (rank(user), rank(used)) {
        _ if user == used => None,
        (None, _) => Some("the user stands in no layer; give it one in the layer line"),
        (_, None) => Some("it stands in no layer; give it one in the layer line"),
        (Some(from), Some(to)) if to == from => Some("the arrow points sideways; pass in what is needed"),
        (Some(from), Some(to)) if to < from => Some("the arrow points left; pass in what is needed from above"),
        _ => None,
    }
}

/// `super::super::x` may reach the root of the crate as well as `crate::x` does, unseen by the rule above.
fn climbs(source: &Source, tokens: &[Token<'_>]) -> Vec<String> {
    let is_super = |at: usize| tokens.get(at).is_some_and(|token| token.text == "super");
    let starts = (0..tokens.len()).filter(|at| is_super(*at) && (*at < 2 || !is_super(at - 2)));
    let climb = |at: usize| (0..).take_while(|step| is_super(at + 2 * step)).count();
    let allowed = |line: usize| source.depth() - usize::from(line <= source.code_lines());
    starts
        .filter(|at| climb(*at) > allowed(tokens[*at].line))
        .map(|at| format!("{}:{}: `super` climbs to the root; write `crate::`", source.path, tokens[at].line))
        .collect()
}

/// Whether a path begins here with this name: `name::`, and nothing before it that makes it a part of another path.
fn is_path_root(tokens: &[Token<'_>], at: usize, name: &str) -> bool {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let before = if at == 0 { "" } else { text(at - 1) };
    let leads = text(at + 1) == "::" || (before == "use" && matches!(text(at + 1), ";" | "as"));
    text(at) == name && leads && before != "." && !(before == "::" && at > 1 && is_segment(text(at - 2)))
}

/// Whether a word is a part of a path; `use` may precede the `::` of a path that begins there.
fn is_segment(word: &str) -> bool {
    word != "use" && word.starts_with(|character: char| character.is_alphabetic() || character == '_')
}

/// The names right below the root: `a` in `crate::a::b`, `a` and `c` in `crate::{a::{self, b}, c}`.
fn children<'a>(after_root: &[Token<'a>]) -> Vec<Token<'a>> {
    if after_root.first().is_none_or(|token| token.text != "{") {
        return after_root.first().copied().into_iter().collect();
    }
    let (mut found, mut depth, mut before) = (Vec::new(), 0, "");
    for token in after_root {
        match token.text {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," => {}
            _ if depth == 1 && matches!(before, "{" | ",") => found.push(*token),
            _ => {}
        }
        if depth == 0 {
            break;
        }
        before = token.text;
    }
    found
}

/// Every file says what it is.
pub fn heading(source: &Source) -> Vec<String> {
    let says = source.text.starts_with("//! ");
    if says { Vec::new() } else { vec![format!("{}: does not open with `//!`: say what it is", source.path)] }
}

/// No file grows past what one thought needs.
pub fn length(source: &Source) -> Vec<String> {
    let lines = source.code_lines();
    if lines <= MAX_CODE_LINES {
        return Vec::new();
    }
    vec![format!("{}: {lines} lines of code, {MAX_CODE_LINES} at most: give its second idea a file", source.path)]
}

/// `unsafe` is only in `native`, also in tests.
pub fn unsafe_code(source: &Source) -> Vec<String> {
    if source.package().is_none() && source.top() == "native" {
        return Vec::new();
    }
    let found = source.tokens().into_iter().filter(|token| token.text == "unsafe");
    found.map(|token| format!("{}:{}: `unsafe` outside `native`", source.path, token.line)).collect()
}

/// Only the command line prints. A test may say why it skips.
pub fn printing(source: &Source) -> Vec<String> {
    if source.package().is_none() && source.top() == "cli" {
        return Vec::new();
    }
    let tokens = source.product_tokens();
    let prints = |pair: &&[Token<'_>]| PRINTING.contains(&pair[0].text) && pair[1].text == "!";
    let fault = |pair: &[Token<'_>]| format!("{}:{}: `{}!` outside `cli`", source.path, pair[0].line, pair[0].text);
    tokens.windows(2).filter(prints).map(fault).collect()
}

/// One place per outside thing.
pub fn homes(source: &Source) -> Vec<String> {
    let tokens = source.product_tokens();
    let mut found = Vec::new();
    for (crates, homes) in HOMES {
        if homes.iter().any(|home| lies_in(&source.path, home)) {
            continue;
        }
        for name in crates {
            let uses = (0..tokens.len()).filter(|at| is_path_root(&tokens, *at, name));
            found.extend(
                uses.map(|at| format!("{}:{}: `{name}` outside {}", source.path, tokens[at].line, homes.join(", "))),
            );
        }
    }
    found
}

/// Whether the path is the home's file or in its folder.
fn lies_in(path: &str, home: &str) -> bool {
    path.strip_prefix(home).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}
