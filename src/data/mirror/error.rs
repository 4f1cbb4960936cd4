//! What went wrong with a mirror, in our words: a service's answer becomes one line, without signed addresses and
//! without any secret value of this process.

use std::error::Error as _;
use std::fmt::Write as _;

use object_store::Error as Answer;
use thiserror::Error;

use super::address::Service;
use super::variable::Unusable;
use crate::util::exit::Exit;
use crate::util::fs::FsError;

/// A failed request to a mirror.
#[derive(Debug, Error)]
pub enum MirrorError {
    /// It refuses these credentials, this bucket or this request. Retrying changes nothing.
    #[error("the mirror {mirror} refuses {action}: {problem}; {}", remedy(mirror, *.kind))]
    Refuses {
        /// Its address.
        mirror: String,
        /// What was tried.
        action: &'static str,
        /// The kind of refusal, which decides the remedy.
        kind: Refusal,
        /// What it said.
        problem: String,
    },
    /// The environment is incomplete or wrong: no request was sent yet.
    #[error("the mirror {mirror} can't be set up: {problem}; {}", remedy(mirror, Refusal::Credentials))]
    Setup {
        /// Its address.
        mirror: String,
        /// What the library said.
        problem: String,
    },
    /// A variable of the environment has a value that no request can contain.
    #[error("{name} {problem}; {remedy}")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong with its value, with a verb.
        problem: String,
        /// What to do about it.
        remedy: String,
    },
    /// It does not answer, or says that it can't right now.
    #[error("the mirror {mirror} can't be reached: {action} failed: {problem}")]
    Unreachable {
        /// Its address.
        mirror: String,
        /// What was tried.
        action: &'static str,
        /// Its reply, or the network error.
        problem: String,
    },
    /// There is no such object.
    #[error("{object} is not in the mirror {mirror}")]
    Absent {
        /// Its address.
        mirror: String,
        /// The name.
        object: String,
    },
    /// The object is not the one that was expected.
    #[error("{object} in the mirror {mirror} was changed by somebody else")]
    Changed {
        /// Its address.
        mirror: String,
        /// The name.
        object: String,
    },
    /// The store does not support this.
    #[error("the mirror {mirror} does not support conditional writes")]
    Unsupported {
        /// Its address.
        mirror: String,
    },
    /// The bytes read back differ from those sent.
    #[error("{object} in the mirror {mirror} is not what was sent: {problem}")]
    Damaged {
        /// Its address.
        mirror: String,
        /// The name.
        object: String,
        /// Both sides.
        problem: String,
    },
    /// The caller cancelled it.
    #[error("copying to {mirror} was cut short")]
    Cancelled {
        /// Its address.
        mirror: String,
    },
    /// A file on this machine can't be read or written.
    #[error(transparent)]
    File(#[from] FsError),
}

/// Why a mirror refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not know or does not trust us.
    Credentials,
    /// The bucket does not exist.
    NoBucket,
    /// Any other permanent refusal.
    Request,
}

/// Only the variables of the service that was asked.
fn remedy(mirror: &str, kind: Refusal) -> String {
    let service = [Service::S3, Service::Google, Service::Azure]
        .into_iter()
        .find(|service| mirror.split_once("://").is_some_and(|(scheme, _)| scheme == service.scheme()));
    let (credentials, places) = match service {
        Some(Service::S3) => (
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN with temporary ones)",
            "output.mirror, AWS_REGION or AWS_ENDPOINT_URL",
        ),
        Some(Service::Google) => ("GOOGLE_APPLICATION_CREDENTIALS, the path of a key file", "output.mirror"),
        Some(Service::Azure) => (
            "AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN",
            "output.mirror or AZURE_STORAGE_ACCOUNT_NAME",
        ),
        None => return "correct output.mirror".to_owned(),
    };
    match kind {
        Refusal::Credentials => {
            format!("set credentials in the environment that may list, read, write and delete there: {credentials}")
        }
        Refusal::NoBucket => "create it, or correct output.mirror".to_owned(),
        Refusal::Request => format!("correct {places}"),
    }
}

impl MirrorError {
    /// 78 if it refuses, 75 if it may answer later, otherwise that of the file.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Refuses { .. } | Self::Setup { .. } | Self::Variable { .. } => Exit::Configuration,
            Self::Damaged { .. } => Exit::DataRefused,
            Self::File(error) => error.exit(),
            _ => Exit::TryAgain,
        }
    }

    /// Whether there is no object of that name.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent { .. })
    }

    /// One word for the kind of failure, to recognise repeated ones.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refuses { .. } => "refuses",
            Self::Setup { .. } | Self::Variable { .. } => "environment",
            Self::Unreachable { .. } => "unreachable",
            Self::Absent { .. } | Self::Changed { .. } | Self::Damaged { .. } => "content",
            Self::Unsupported { .. } => "unsupported",
            Self::Cancelled { .. } => "cancelled",
            Self::File(_) => "file",
        }
    }
}

impl From<Unusable> for MirrorError {
    fn from(Unusable { name, problem, remedy }: Unusable) -> Self {
        Self::Variable { name, problem, remedy }
    }
}

/// A service's answer, in our words.
pub(super) fn understood(mirror: &str, action: &'static str, object: &str, answer: &Answer) -> MirrorError {
    let (mirror, object) = (mirror.to_owned(), object.to_owned());
    let whole = chain(answer);
    let problem = brief(cause(answer, &whole));
    let refuses = |kind| MirrorError::Refuses { mirror: mirror.clone(), action, kind, problem: problem.clone() };
    let says = |words: &[&str]| words.iter().any(|word| whole.contains(word));
    if says(&["NoSuchBucket", "ContainerNotFound", "specified bucket does not exist"]) {
        return refuses(Refusal::NoBucket);
    }
    // Without credentials, the library asks for those of the instance at an address that answers only in the cloud.
    if says(&["169.254.169.254", "metadata.google.internal", "ExpiredToken", "InvalidAccessKeyId"])
        || says(&["SignatureDoesNotMatch", "AccessDenied", "status code: 401", "status code: 403"])
    {
        return refuses(Refusal::Credentials);
    }
    match answer {
        Answer::PermissionDenied { .. } | Answer::Unauthenticated { .. } => refuses(Refusal::Credentials),
        Answer::NotFound { .. } => MirrorError::Absent { mirror, object },
        Answer::Precondition { .. } | Answer::AlreadyExists { .. } => MirrorError::Changed { mirror, object },
        Answer::NotImplemented { .. } | Answer::NotSupported { .. } => MirrorError::Unsupported { mirror },
        Answer::InvalidPath { .. } | Answer::UnknownConfigurationKey { .. } => refuses(Refusal::Request),
        _ if says(&["status code: 30", "redirect", "status code: 400", "status code: 405"]) => {
            refuses(Refusal::Request)
        }
        _ => MirrorError::Unreachable { mirror, action, problem },
    }
}

/// Without the name that the library has for the service: the address names it.
fn cause<'a>(answer: &Answer, whole: &'a str) -> &'a str {
    match answer {
        Answer::Generic { store, .. } => whole.strip_prefix(&format!("Generic {store} error: ")).unwrap_or(whole),
        _ => whole,
    }
}

fn chain(answer: &Answer) -> String {
    let mut text = answer.to_string();
    let mut cause = answer.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            // Writing to a string does not fail.
            write!(text, ": {words}").unwrap_or_default();
        }
        cause = error.source();
    }
    text
}

/// No answer of a service is repeated at greater length.
const MOST_CHARACTERS: usize = 300;

/// One line: code and message if the service gives them, otherwise the last causes; nothing that could be a secret.
fn brief(whole: &str) -> String {
    let tag = |name: &str| {
        let (_, rest) = whole.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
    };
    let text = match (tag("Code"), tag("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code,
        _ if whole.contains("169.254.169.254") => "no credentials were found".into(),
        _ => match whole.rsplit_once(" - ") {
            // The part before it is the request with its address.
            Some((_, cause)) => cause.to_owned(),
            None => whole.to_owned(),
        },
    };
    let words = text.split_whitespace().map(|word| match word.split_once('?') {
        // The query of an address may be a signature.
        Some((before, _)) if word.contains("://") => before,
        _ => word,
    });
    let line = words.collect::<Vec<_>>().join(" ");
    without_secrets(&line, secrets()).chars().take(MOST_CHARACTERS).collect()
}

/// The values of the environment that must stay secret.
fn secrets() -> impl Iterator<Item = String> {
    let of_secret = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        let (name, value) = (name.to_str()?, value.into_string().ok()?);
        (is_secret(name) && !is_path_of_secret(name, &value)).then_some(value)
    };
    std::env::vars_os().filter_map(of_secret)
}

fn is_secret(name: &str) -> bool {
    let named = ["SECRET", "TOKEN", "ACCESS_KEY", "ACCOUNT_KEY", "SAS", "PASSWORD", "CREDENTIAL", "SERVICE_ACCOUNT"];
    ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|service| name.starts_with(service))
        && named.iter().any(|part| name.contains(part))
}

/// Whether the value is the path of a file with the secret: to correct it, it has to be seen. By mistake it may be the content.
fn is_path_of_secret(name: &str, value: &str) -> bool {
    let is_content = value.contains(['{', '"', '\n']) || value.len() > 255;
    ["GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT_PATH"].contains(&name) && !is_content
}

fn without_secrets(line: &str, secrets: impl Iterator<Item = String>) -> String {
    secrets.filter(|secret| secret.len() > 3).fold(line.to_owned(), |line, secret| line.replace(&secret, "***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> Answer {
        Answer::Generic { store: "S3", source: text.to_owned().into() }
    }

    #[test]
    fn an_answer_is_reported_in_one_line_with_the_remedy() {
        let body = "Error performing GET http://h/b?x=1 in 3ms - Server returned non-2xx status code: 404 Not Found: \
                    <Error><Code>NoSuchBucket</Code><Message>The bucket does not exist</Message></Error>";
        let error = understood("s3://runs", "listing", "", &generic(body));
        assert_eq!(error.exit(), Exit::Configuration);
        assert_eq!(
            error.to_string(),
            "the mirror s3://runs refuses listing: NoSuchBucket: The bucket does not exist; create it, or correct \
             output.mirror"
        );
        let error = understood("s3://runs", "listing", "", &generic("Error - Server returned 503: slow down"));
        assert_eq!((error.exit(), error.kind()), (Exit::TryAgain, "unreachable"));
    }

    #[test]
    fn credentials_that_are_wrong_or_missing_are_a_matter_of_configuration() {
        for text in [
            "x - Server returned non-2xx status code: 403 Forbidden: <Code>InvalidAccessKeyId</Code>",
            "x - Server returned non-2xx status code: 400 Bad Request: <Code>ExpiredToken</Code>",
            "Error performing PUT http://169.254.169.254/latest/api/token in 1s - timed out",
        ] {
            let error = understood("s3://runs", "listing", "", &generic(text));
            assert!(matches!(error, MirrorError::Refuses { kind: Refusal::Credentials, .. }), "{error}");
        }
    }

    #[test]
    fn the_remedy_names_the_variables_of_the_service_that_was_asked() {
        let variables = ["AWS_ACCESS_KEY_ID", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_STORAGE_ACCOUNT_KEY"];
        for (mirror, own) in [("s3://runs", 0), ("gs://runs/a", 1), ("az://runs", 2)] {
            for error in [
                understood(mirror, "listing", "", &generic("status code: 403")),
                MirrorError::Setup { mirror: mirror.into(), problem: "Account must be specified".into() },
            ] {
                let text = error.to_string();
                let named: Vec<_> = variables.iter().filter(|name| text.contains(**name)).collect();
                assert_eq!((named, error.exit()), (vec![&variables[own]], Exit::Configuration), "{text}");
            }
        }
        let error = understood("s3://runs", "listing", "", &generic("Account must be specified"));
        assert!(error.to_string().ends_with("failed: Account must be specified"), "{error}");
    }

    #[test]
    fn the_path_of_a_key_file_is_shown_and_its_content_is_not() {
        let name = "GOOGLE_APPLICATION_CREDENTIALS";
        assert!(is_path_of_secret(name, "/nowhere/key.json") && !is_path_of_secret(name, "{\"private_key\": 1}"));
        assert!(!is_path_of_secret("AWS_SECRET_ACCESS_KEY", "/hunter22"));
    }

    #[test]
    fn no_secret_and_no_signature_is_repeated() {
        let line = without_secrets("key hunter22 at end", ["hunter22".to_owned()].into_iter());
        assert_eq!(line, "key *** at end");
        let error = understood("az://runs", "listing", "", &generic("no http://host/a?sig=hunter22 today"));
        assert!(!error.to_string().contains("hunter22"), "{error}");
    }
}
