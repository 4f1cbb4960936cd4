//! Rust sources as tokens: enough to see which names a file uses, with comments, strings and characters left out. It
//! is not a parser.

use std::path::{Path, PathBuf};

/// The line below which everything is for tests.
const TESTS_BEGIN: &str = "#[cfg(test)]";

/// One file of a package.
pub struct Source {
    /// Relative to `src` in the program, to the checkout in the crates, with `/` between the parts.
    pub path: String,
    /// The text.
    pub text: String,
}

impl Source {
    /// A file with this path and text.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// All files of the program and of the crates, in order.
    pub fn read_all(checkout: &Path) -> Vec<Self> {
        let crates = std::fs::read_dir(checkout.join("crates")).unwrap();
        let mut sources = Self::read_below(&checkout.join("src"), &checkout.join("src"));
        let mut folders: Vec<_> = crates.map(|entry| entry.unwrap().path().join("src")).collect();
        folders.sort();
        sources.extend(folders.iter().flat_map(|folder| Self::read_below(folder, checkout)));
        sources
    }

    /// All files below a folder, named as seen from another one.
    fn read_below(folder: &Path, seen_from: &Path) -> Vec<Self> {
        let mut paths = Vec::new();
        collect(folder, &mut paths);
        paths.sort();
        let read = |path: &PathBuf| Self {
            path: path.strip_prefix(seen_from).unwrap().to_str().unwrap().into(),
            text: std::fs::read_to_string(path).unwrap(),
        };
        paths.iter().map(read).collect()
    }

    /// The crate that the file belongs to: `radar` for `crates/radar/src/volume/mod.rs`. `None` in the program.
    pub fn package(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// The path inside the package.
    fn inside(&self) -> &str {
        match self.package() {
            Some(package) => &self.path["crates/".len() + package.len() + "/src/".len()..],
            None => &self.path,
        }
    }

    /// The module at the top of the package that the file belongs to: `data` for `data/fetch/mod.rs` and `data.rs`.
    pub fn top(&self) -> &str {
        let first = self.inside().split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// How many modules deep the file is: 1 for `data/mod.rs`, 2 for `data/config.rs`.
    pub fn depth(&self) -> usize {
        self.inside().split('/').filter(|part| *part != "mod.rs").count()
    }

    /// Lines before those for tests.
    pub fn code_lines(&self) -> usize {
        if self.is_test() {
            return 0;
        }
        self.text.lines().take_while(|line| !line.starts_with(TESTS_BEGIN)).count()
    }

    /// Whether the whole file is for tests.
    pub fn is_test(&self) -> bool {
        ["/tests.rs", "_tests.rs"].iter().any(|end| self.path.ends_with(end)) || self.path.contains("/tests/")
    }

    /// The tokens of the whole file.
    pub fn tokens(&self) -> Vec<Token<'_>> {
        tokens(&self.text)
    }

    /// The tokens of what is not for tests.
    pub fn product_tokens(&self) -> Vec<Token<'_>> {
        let lines = self.code_lines();
        self.tokens().into_iter().filter(|token| token.line <= lines).collect()
    }
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// A word, `::`, or one other character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// As in the file.
    pub text: &'a str,
    /// Counted from 1.
    pub line: usize,
}

/// The tokens of a text.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while at < text.len() {
        let rest = &text[at..];
        let (length, is_token) = match skipped(rest) {
            0 => (token_length(rest), !rest.starts_with(char::is_whitespace)),
            length => (length, false),
        };
        if is_token {
            found.push(Token { text: &rest[..length], line });
        }
        line += rest[..length].matches('\n').count();
        at += length;
    }
    found
}

/// The length of the comment, string, character or quote of a lifetime that the text begins with, or 0.
fn skipped(text: &str) -> usize {
    let raw = text.strip_prefix(['b', 'c']).unwrap_or(text).strip_prefix('r');
    if text.starts_with("//") {
        text.find('\n').unwrap_or(text.len())
    } else if text.starts_with("/*") {
        block_comment(text)
    } else if let Some(hashes) = raw.and_then(raw_string_hashes) {
        let open = text.find('"').map_or(text.len(), |quote| quote + 1);
        let close = format!("\"{}", "#".repeat(hashes));
        text[open..].find(&close).map_or(text.len(), |end| open + end + close.len())
    } else if text.starts_with('"') {
        quoted(text, '"')
    } else if text.starts_with('\'') {
        let mut after = text.chars().skip(1);
        let (first, second) = (after.next(), after.next());
        if first == Some('\\') || second == Some('\'') { quoted(text, '\'') } else { 1 }
    } else {
        0
    }
}

/// How many `#` are before the quote of a raw string, or `None` if it is not one.
fn raw_string_hashes(after_r: &str) -> Option<usize> {
    let hashes = after_r.chars().take_while(|character| *character == '#').count();
    after_r[hashes..].starts_with('"').then_some(hashes)
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The length up to and with the closing quote without a backslash before it.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        if character == quote && !escaped {
            return at + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    text.len()
}

fn token_length(text: &str) -> usize {
    let word = text.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(text.len());
    match word {
        0 if text.starts_with("::") => 2,
        0 => text.chars().next().map_or(1, char::len_utf8),
        length => length,
    }
}
