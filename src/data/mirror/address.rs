//! The address of a mirror: a bucket, a container or a folder, read from one line of the configuration. Holds no
//! credentials, and refuses a line that does without repeating it.

use std::fmt;
use std::path::PathBuf;

use object_store::path::Path as ObjectPath;

/// The place of a mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A bucket and a prefix in it.
    Bucket {
        /// Whose bucket.
        service: Service,
        /// Its name.
        bucket: String,
        /// The names above the runs, without slashes at either end; may be empty.
        prefix: String,
    },
    /// A folder on this machine.
    Folder(PathBuf),
}

/// A service that stores objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Amazon S3 and services with the same protocol.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl Service {
    /// The beginning of its addresses.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }
}

/// An address that can't be used. Never repeats the address: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub remedy: String,
    /// Whether the line may hold a secret and must not be shown.
    pub secret: bool,
}

const FORMS: &str = "write s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or file:///folder";

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// [`Refused`] with what to write instead.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let Some((scheme, rest)) = text.split_once("://") else { return folder(text) };
        let refused = |message: &str, remedy: &str| {
            Err(Refused { message: message.into(), remedy: remedy.into(), secret: false })
        };
        if rest.contains(['@', '?', '#']) {
            return Err(Refused {
                message: "the address contains credentials, a query or a fragment".into(),
                remedy: "keep credentials in the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
                         GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"
                    .into(),
                secret: true,
            });
        }
        let service = match scheme {
            "s3" => Service::S3,
            "gs" => Service::Google,
            "az" => Service::Azure,
            "file" if rest.len() > 1 && rest.starts_with('/') => return Ok(Self::Folder(rest.into())),
            "file" => return refused("a file address needs an absolute path", "write file:///folder"),
            other => return refused(&format!("{other}:// is not supported"), FORMS),
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
        if bucket.is_empty() || !bucket.chars().all(is_name) {
            let what = if service == Service::Azure { "container" } else { "bucket" };
            let example = format!("write {scheme}://{what}/prefix");
            return refused(&format!("the address has no {what}"), &example);
        }
        let prefix = prefix.trim_end_matches('/');
        match ObjectPath::parse(prefix) {
            Ok(_) if !prefix.starts_with('/') => {
                Ok(Self::Bucket { service, bucket: bucket.into(), prefix: prefix.into() })
            }
            _ => refused("the prefix has an empty part, or one that is . or ..", FORMS),
        }
    }
}

fn folder(text: &str) -> Result<Address, Refused> {
    let refused = |message: &str| Err(Refused { message: message.into(), remedy: FORMS.into(), secret: false });
    let forgotten = ["s3:", "gs:", "az:", "file:", "http:", "https:"];
    match text {
        "" => refused("the address is empty"),
        _ if forgotten.iter().any(|scheme| text.starts_with(scheme)) => refused("the address has no //"),
        _ => Ok(Address::Folder(text.into())),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket { service, bucket, prefix } if prefix.is_empty() => {
                write!(out, "{}://{bucket}", service.scheme())
            }
            Self::Bucket { service, bucket, prefix } => write!(out, "{}://{bucket}/{prefix}", service.scheme()),
            Self::Folder(path) => path.display().fmt(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_shown_as_it_was_written() {
        for text in ["s3://runs", "s3://runs/radar/2026", "gs://runs/a", "az://runs/a", "/backup/runs", "runs"] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Address::parse("file:///backup").unwrap(), Address::Folder("/backup".into()));
        assert_eq!(Address::parse("s3://runs/a/").unwrap().to_string(), "s3://runs/a");
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_to_write() {
        for (text, message) in [
            ("ftp://host/a", "ftp:// is not supported"),
            ("s3://", "has no bucket"),
            ("az:///a", "has no container"),
            ("s3://a b/c", "has no bucket"),
            ("s3://runs//a", "empty part"),
            ("s3://runs/../a", "empty part"),
            ("file://folder", "an absolute path"),
            ("s3:runs", "has no //"),
            ("", "empty"),
        ] {
            let refused = Address::parse(text).unwrap_err();
            assert!(refused.message.contains(message), "{text}: {refused:?}");
            assert!(refused.remedy.starts_with("write "), "{refused:?}");
        }
    }

    #[test]
    fn a_secret_in_an_address_is_never_repeated() {
        for text in ["s3://AKIA:hunter2@runs/a", "az://runs/a?sig=hunter2", "gs://runs/a#hunter2"] {
            let refused = Address::parse(text).unwrap_err();
            assert!(refused.secret && !format!("{refused:?}").contains("hunter2"), "{refused:?}");
        }
    }
}
