//! What makes no sense in the `data` section though every type is right.

use std::path::Path;

use crate::util::problem::Problem;

use super::config::{DataConfig, Gdrive, PathSource, Source, UrlSource};
use super::fetch::address::{self, shown_text};
use super::synthetic::Synthetic;

impl DataConfig {
    /// Everything in this section that makes no sense.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.root.as_os_str().is_empty() {
            found.push(Problem::new("root", "the path is empty", "write the folder of all datasets: datasets"));
        }
        if let Err(message) = folder_name(&self.name) {
            found.push(Problem::new("name", message, "write one word: it becomes a folder's name below `data.root`"));
        }
        if self.source.is_empty() {
            let remedy = "write at least one of synthetic, gdrive, url, path: `- url: {href: \"https://...\"}`";
            found.push(Problem::new("source", "the list of sources is empty", remedy));
        }
        for (index, source) in self.source.iter().enumerate() {
            found.extend(source.problems().into_iter().map(|problem| problem.below(&format!("source.{index}"))));
        }
        // Written so that NaN is refused as well.
        if !(self.fraction > 0.0 && self.fraction <= 1.0) {
            let message = format!("must be above 0 and at most 1, got {}", self.fraction);
            found.push(Problem::new("fraction", message, "write 1.0 for all samples, or 0.1 for a tenth of them"));
        }
        found.extend(self.loader.problems().into_iter().map(|problem| problem.below("loader")));
        found
    }
}

/// Whether a name can be the name of a folder on every system that a dataset or a run may be copied to.
///
/// # Errors
/// Why it can't, as a fragment.
pub fn folder_name(name: &str) -> Result<(), String> {
    let refused = |character: &char| "/\\:*?\"<>|".contains(*character) || character.is_control();
    match name {
        "" => Err("the name is empty".into()),
        "." | ".." => Err(format!("{name:?} can't be the name of a folder")),
        "latest" => Err("\"latest\" is what commands call the newest one".into()),
        _ if name.trim() != name => Err("the name begins or ends with a space".into()),
        _ if name.starts_with(['.', '-']) => Err(format!("the name begins with {:?}", &name[..1])),
        _ if name.len() > 100 => Err(format!("the name has {} bytes, at most 100 are allowed", name.len())),
        _ => match name.chars().find(refused) {
            Some(character) => Err(format!("the name contains {character:?}")),
            None => Ok(()),
        },
    }
}

impl Source {
    fn problems(&self) -> Vec<Problem> {
        let (variant, found) = match self {
            // The name of the kind may be left out only of storms.
            Self::Synthetic(synthetic @ Synthetic::Storms(_)) => ("synthetic".to_owned(), synthetic.problems()),
            Self::Synthetic(synthetic) => (format!("synthetic.{}", synthetic.kind()), synthetic.problems()),
            Self::Gdrive(gdrive) => ("gdrive".to_owned(), gdrive.problems()),
            Self::Url(url) => ("url".to_owned(), url.problems()),
            Self::Path(path) => ("path".to_owned(), path.problems()),
        };
        found.into_iter().map(|problem| problem.below(&variant)).collect()
    }
}

impl Gdrive {
    fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let remedy = "share the file with everybody who has the link, and write that link (or the id inside it) here";
        let id = self.id.trim();
        if address::has_credentials(id) {
            return vec![credentials("id", id)];
        }
        let unfilled = id.is_empty() || id.contains(['<', '>']) || id.contains("...");
        if unfilled {
            let message = format!("the id of the file on Google Drive is still a placeholder, got {:?}", self.id);
            found.push(Problem::new("id", message, remedy));
        } else if id.contains(char::is_whitespace) {
            found.push(Problem::new(
                "id",
                format!("{:?} contains a space, so it is no id and no link", self.id),
                remedy,
            ));
        }
        if found.is_empty() && id.contains('/') && !is_of_google(id) {
            let message = format!("{} is not an address of Google Drive", shown_text(id));
            found.push(Problem::new("id", message, format!("{remedy}; a file on another server is a `url`")));
        }
        found.extend(size_problem(self.size_bytes));
        found
    }
}

fn is_of_google(address: &str) -> bool {
    let whole = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let url = url::Url::parse(&whole).ok();
    url.and_then(|url| Some(url.host_str()?.to_owned())).is_some_and(|host| host.ends_with(".google.com"))
}

impl UrlSource {
    fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if let Err(message) = address(&self.href) {
            let remedy = "write the whole address of the file: https://example.org/storms.tar.gz";
            found.push(Problem::new("href", message, remedy));
        } else if address::has_credentials(&self.href) {
            found.push(credentials("href", &self.href));
        }
        found.extend(size_problem(self.size_bytes));
        found
    }
}

/// The configuration is stored with every run, and copied with it.
fn credentials(key: &str, href: &str) -> Problem {
    let message = format!("{} contains a user name or a password", shown_text(href));
    let remedy = "leave out `user:password@`: it would be stored with every run. If the server needs it, download the file \
                  yourself (`curl --netrc --remote-name ADDRESS` reads it from ~/.netrc), and write `- path: {path: FILE}`";
    Problem::new(key, message, remedy)
}

fn address(href: &str) -> Result<(), String> {
    // What was written here may hold a password or a token.
    let shown = shown_text(href);
    let url = url::Url::parse(href).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => format!("{shown} is not an address: https:// or file:// is missing"),
        error => format!("{shown} is not an address: {error}"),
    })?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_none_or(|host| host == "..." || host.is_empty()) => {
            Err(format!("{shown} has no server name"))
        }
        "http" | "https" | "file" => Ok(()),
        scheme => Err(format!("addresses of the kind {scheme:?} can't be fetched, only http, https and file")),
    }
}

impl PathSource {
    fn problems(&self) -> Vec<Problem> {
        let empty = self.path == Path::new("");
        let problem =
            || Problem::new("path", "the path is empty", "write the archive or the folder: /data/storms.tar.gz");
        empty.then(problem).into_iter().collect()
    }
}

fn size_problem(size_bytes: Option<u64>) -> Option<Problem> {
    let remedy = "write the size in bytes, or null if it isn't known";
    (size_bytes == Some(0)).then(|| Problem::new("size_bytes", "a dataset of 0 bytes holds nothing", remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::loader::LoaderConfig;
    use crate::data::synthetic::{Characters, Storms};

    fn config(source: Vec<Source>) -> DataConfig {
        let (root, name, loader) = ("datasets".into(), "storms".into(), LoaderConfig::default());
        DataConfig { root, name, source, fraction: 1.0, loader }
    }

    fn paths(config: &DataConfig) -> Vec<String> {
        config.problems().into_iter().map(|problem| problem.path).collect()
    }

    fn href(href: &str) -> Source {
        Source::Url(UrlSource { href: href.into(), sha256: None, size_bytes: None })
    }

    fn id(id: &str) -> Source {
        Source::Gdrive(Gdrive { id: id.into(), sha256: None, size_bytes: None })
    }

    #[test]
    fn every_kind_of_source_has_a_form_that_is_accepted() {
        let path = Source::Path(PathSource { path: "/data/storms.tar.gz".into(), sha256: None });
        let sources = [
            vec![Source::Synthetic(Synthetic::Storms(Storms::default())), path],
            ["https://example.org/a.tar.gz", "http://127.0.0.1:8080/a", "file:///data/a.zip"].map(href).into(),
            ["1A2b3C4d5E6f7G8h9I0j", "https://drive.google.com/file/d/1A2b3C4d5E/view?usp=sharing"].map(id).into(),
        ];
        assert_eq!(paths(&config(sources.concat())), [""; 0]);
    }

    #[test]
    fn a_share_of_the_samples_is_above_0_and_at_most_1() {
        let share = |fraction| paths(&DataConfig { fraction, ..config(vec![href("file:///data/a.zip")]) });
        for wrong in [0.0, -0.1, 1.01, f64::NAN, f64::INFINITY] {
            assert_eq!(share(wrong), ["fraction"], "{wrong}");
        }
        for right in [1e-9, 0.5, 1.0] {
            assert_eq!(share(right), [""; 0], "{right}");
        }
    }

    #[test]
    fn an_empty_list_of_sources_is_refused() {
        assert_eq!(paths(&config(Vec::new())), ["source"]);
    }

    #[test]
    fn an_invalid_address_is_refused() {
        for wrong in ["", "example.org/a", "/data/a.tar.gz", "ftp://example.org/a", "https://", "https://..."] {
            assert_eq!(paths(&config(vec![href(wrong)])), ["source.0.url.href"], "{wrong}");
        }
        let problem = &config(vec![href("example.org/a.tar")]).problems()[0];
        assert!(problem.message.ends_with("https:// or file:// is missing"), "{}", problem.message);
    }

    #[test]
    fn a_user_name_or_a_password_in_an_address_is_refused_and_not_repeated() {
        for wrong in ["https://ann:hunter2@h.org/a.tar", "http://ann@h.org/a", "https://:hunter2@h.org/a"] {
            for source in [href(wrong), id(wrong)] {
                let problems = config(vec![source]).problems();
                let text = format!("{problems:?}");
                assert!(problems.len() == 1 && text.contains("contains a user name or a password"), "{text}");
                assert!(!text.contains("hunter2") && !text.contains("ann"), "{text}");
            }
        }
    }

    #[test]
    fn an_id_that_is_still_to_be_filled_in_is_named_as_such() {
        for wrong in ["", "...", "<FILE_ID>"] {
            let problems = config(vec![id(wrong)]).problems();
            assert_eq!(problems[0].path, "source.0.gdrive.id");
            assert!(problems[0].message.contains("still a placeholder"), "{wrong}");
        }
        for wrong in ["two words", "https://example.org/file/d/1A2b3C4d5E6f7G8h9I0j/view", "example.org/a.tar.gz"] {
            assert_eq!(paths(&config(vec![id(wrong)])), ["source.0.gdrive.id"], "{wrong}");
        }
    }

    #[test]
    fn a_name_that_would_leave_its_folder_is_refused() {
        for wrong in ["", ".", "..", "a/b", "..\\b", " a", ".hidden", "-rf", "a\nb", "latest"] {
            assert!(folder_name(wrong).is_err(), "{wrong:?}");
        }
        for right in ["storms", "storms-2014", "San Rafael 2014", "tormentas_ñ", "v1.2"] {
            assert_eq!(folder_name(right), Ok(()), "{right:?}");
        }
    }

    #[test]
    fn a_synthetic_dataset_of_nothing_is_refused() {
        let nothing = Storms { events: 0, frames: 0, grid: 0, levels: 0, seed: 0 };
        let keys = ["events", "frames", "grid", "levels"].map(|key| format!("source.0.synthetic.{key}"));
        assert_eq!(paths(&config(vec![Source::Synthetic(Synthetic::Storms(nothing))])), keys);
        let characters = Synthetic::Characters(Characters { alphabet: "A".into(), ..Characters::default() });
        let path = "source.0.synthetic.characters.alphabet";
        assert_eq!(paths(&config(vec![Source::Synthetic(characters)])), [path]);
    }
}
