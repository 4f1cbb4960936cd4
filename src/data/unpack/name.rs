//! Names of entries: from the bytes in an archive to a relative path that is safe everywhere, or a reason to refuse it.

use thiserror::Error;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The deepest nesting, the file itself included.
pub const MAX_DEPTH: usize = 32;
/// Bytes of one component: the limit of Linux file systems.
pub const MAX_NAME_BYTES: usize = 255;
/// Bytes of the whole relative path: leaves space for the folders above it within the system's 4,096.
pub const MAX_PATH_BYTES: usize = 2048;

/// Why a name is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameProblem {
    /// No name.
    #[error("it has no name")]
    Empty,
    /// Not UTF-8.
    #[error("its name is not UTF-8")]
    NotUtf8,
    /// An absolute path.
    #[error("its path is absolute; pack with relative names")]
    Absolute,
    /// `..` in the path.
    #[error("its path contains \"..\" and could lead out of the folder")]
    Parent,
    /// A separator of another system.
    #[error("its name contains a backslash; pack with \"/\" between folders")]
    Backslash,
    /// Control characters, or characters that make a name look different from what it is.
    #[error("its name contains control or invisible characters")]
    Control,
    /// A component that no file system accepts.
    #[error("a part of its name takes {0} bytes, at most {MAX_NAME_BYTES} are allowed")]
    LongName(usize),
    /// A path longer than the system accepts.
    #[error("its path takes {0} bytes, at most {MAX_PATH_BYTES} are allowed")]
    LongPath(usize),
    /// Too many folders in folders.
    #[error("it is {0} folders deep, at most {MAX_DEPTH} are allowed")]
    Deep(usize),
}

/// A name that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryName {
    /// The relative path in NFC, parts joined by `/`; empty for the folder of the archive itself (`./`).
    pub path: String,
    /// Whether a `/` at the end marked it as a folder.
    pub says_folder: bool,
}

impl EntryName {
    /// Checks a name as it is in an archive.
    ///
    /// # Errors
    /// The reason why it is not accepted.
    pub fn parse(raw: &[u8]) -> Result<Self, NameProblem> {
        if raw.is_empty() {
            return Err(NameProblem::Empty);
        }
        let text = std::str::from_utf8(raw).map_err(|_| NameProblem::NotUtf8)?;
        if text.starts_with('/') {
            return Err(NameProblem::Absolute);
        }
        if text.len() > 2 * MAX_PATH_BYTES {
            return Err(NameProblem::LongPath(text.len()));
        }
        check_characters(text)?;
        let text = if is_nfc(text) { text.to_owned() } else { text.nfc().collect() };
        let path = join_parts(&text)?;
        Ok(Self { path, says_folder: text.ends_with('/') || text.ends_with("/.") || text == "." })
    }

    /// Whether it is something that macOS adds to archives and no dataset wants: resource forks, folder settings.
    #[must_use]
    pub fn is_apple_extra(&self) -> bool {
        let file = self.path.rsplit('/').next().unwrap_or_default();
        self.path.split('/').next() == Some("__MACOSX") || file.starts_with("._") || file == ".DS_Store"
    }
}

/// A file name from outside (a gzip header, an archive's own name) as one safe component, or `None` if nothing is left.
#[must_use]
pub fn sanitised_file_name(raw: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(raw);
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let name = EntryName::parse(last.as_bytes()).ok()?;
    (!name.path.is_empty() && !name.is_apple_extra()).then_some(name.path)
}

fn check_characters(text: &str) -> Result<(), NameProblem> {
    if text.contains('\\') {
        return Err(NameProblem::Backslash);
    }
    if text.chars().any(is_control_or_invisible) {
        return Err(NameProblem::Control);
    }
    Ok(())
}

fn is_control_or_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn join_parts(text: &str) -> Result<String, NameProblem> {
    let mut path = String::with_capacity(text.len());
    let mut depth = 0;
    for part in text.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            return Err(NameProblem::Parent);
        }
        if part.len() > MAX_NAME_BYTES {
            return Err(NameProblem::LongName(part.len()));
        }
        if depth > 0 {
            path.push('/');
        }
        path.push_str(part);
        depth += 1;
    }
    if depth > MAX_DEPTH {
        return Err(NameProblem::Deep(depth));
    }
    if path.len() > MAX_PATH_BYTES {
        return Err(NameProblem::LongPath(path.len()));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(raw: &str) -> Result<String, NameProblem> {
        EntryName::parse(raw.as_bytes()).map(|name| name.path)
    }

    #[test]
    fn harmless_dots_and_slashes_vanish_and_composed_letters_are_composed() {
        assert_eq!(path("./a//b/./c.nc").unwrap(), "a/b/c.nc");
        assert_eq!(path("./").unwrap(), "");
        assert_eq!(path("u\u{308}ber.nc").unwrap(), "über.nc");
        assert!(EntryName::parse(b"a/").unwrap().says_folder);
        assert!(!EntryName::parse(b"a").unwrap().says_folder);
    }

    #[test]
    fn names_that_could_do_harm_are_refused_with_their_reason() {
        let long = "n".repeat(256);
        let deep = "d/".repeat(33);
        let many = format!("{}/", "n".repeat(200)).repeat(12);
        let huge = "n".repeat(5000);
        let table = [
            ("", NameProblem::Empty),
            ("/etc/passwd", NameProblem::Absolute),
            ("a/../b", NameProblem::Parent),
            ("..", NameProblem::Parent),
            ("a\\b", NameProblem::Backslash),
            ("a\nb", NameProblem::Control),
            ("a\u{202e}cn.exe", NameProblem::Control),
            (&long, NameProblem::LongName(256)),
            (&deep, NameProblem::Deep(33)),
            (&many, NameProblem::LongPath(2411)),
            (&huge, NameProblem::LongPath(5000)),
        ];
        for (raw, problem) in table {
            assert_eq!(path(raw), Err(problem), "{raw:?}");
        }
        assert_eq!(EntryName::parse(b"a\xff"), Err(NameProblem::NotUtf8));
    }

    #[test]
    fn what_macos_adds_is_known_by_its_name() {
        let extra = |raw: &str| EntryName::parse(raw.as_bytes()).unwrap().is_apple_extra();
        assert!(extra("__MACOSX/a/b.nc") && extra("a/._b.nc") && extra("a/.DS_Store"));
        assert!(!extra("a/b.nc") && !extra("a/.hidden") && !extra("x__MACOSX/b.nc"));
    }

    #[test]
    fn a_name_from_a_gzip_header_becomes_one_component_or_nothing() {
        assert_eq!(sanitised_file_name(b"../../etc/volume.nc").as_deref(), Some("volume.nc"));
        assert_eq!(sanitised_file_name(b"C:\\data\\volume.nc").as_deref(), Some("volume.nc"));
        for nothing in [&b".."[..], b"", b"a/", b"\n", b"."] {
            assert_eq!(sanitised_file_name(nothing), None, "{nothing:?}");
        }
    }
}
