//! Checks values of the environment that the client library puts into its requests without checking them: it panics at the
//! first request. No value is repeated in a message, because it may be a secret.

use url::Url;

/// The value of a variable; an empty one counts as unset.
pub(super) fn value(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Checks those of the variables that are set.
pub(super) fn check(names: &[&str], check: fn(&str, &str) -> Result<(), Unusable>) -> Result<(), Unusable> {
    names.iter().try_for_each(|name| value(name).map_or(Ok(()), |value| check(name, &value)))
}

/// A variable whose value can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unusable {
    /// The variable.
    pub(super) name: String,
    /// What is wrong with its value, with a verb.
    pub(super) problem: String,
    /// What to do about it.
    pub(super) remedy: String,
}

/// Checks the address of a service.
pub(super) fn address(name: &str, value: &str) -> Result<(), Unusable> {
    let wrong = |problem: &str| {
        Err(Unusable {
            name: name.to_owned(),
            problem: format!("is not an address: {problem}"),
            remedy: "write https://host:port".to_owned(),
        })
    };
    match Url::parse(value) {
        Err(url::ParseError::RelativeUrlWithoutBase) => wrong("https:// is missing"),
        Err(error) => wrong(&error.to_string()),
        Ok(url) if !["http", "https"].contains(&url.scheme()) => match value.contains("://") {
            true => wrong(&format!("{}:// is not supported", url.scheme())),
            // The host before a port is taken for a scheme.
            false => wrong("https:// is missing"),
        },
        // The parser accepts a missing or third slash, but the library takes the text as it is.
        Ok(_) if value.split_once("://").is_none_or(|(_, rest)| rest.starts_with('/')) => {
            wrong("the host does not follow https://")
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => wrong("it contains credentials"),
        Ok(url) if url.query().is_some() || url.fragment().is_some() => wrong("it contains a query or a fragment"),
        Ok(_) if value.chars().any(|letter| !letter.is_ascii_graphic()) => {
            wrong("it contains a space or a special character")
        }
        Ok(_) => Ok(()),
    }
}

/// Checks a value that becomes a part of a header: a key or a token.
pub(super) fn of_header(name: &str, value: &str) -> Result<(), Unusable> {
    match value.chars().all(|letter| letter.is_ascii_graphic()) {
        true => Ok(()),
        false => Err(Unusable {
            name: name.to_owned(),
            problem: "contains a line break, a space or a special character".to_owned(),
            remedy: "set it to the value alone".to_owned(),
        }),
    }
}

/// Checks a value that becomes a part of a host name.
pub(super) fn of_host(name: &str, value: &str) -> Result<(), Unusable> {
    match value.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_') {
        true => Ok(()),
        false => Err(Unusable {
            name: name.to_owned(),
            problem: "is not the name of a region".to_owned(),
            remedy: "write one such as us-east-1".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_no_request_can_have_is_refused_with_what_to_write() {
        for (value, problem) in [
            ("not-a-url", "https:// is missing"),
            ("localhost:9000", "https:// is missing"),
            ("::::", "https:// is missing"),
            ("http://", "empty host"),
            ("http:///host", "does not follow"),
            ("https:host", "does not follow"),
            ("http://a b", "invalid international domain name"),
            ("https://x:99999", "invalid port number"),
            ("ftp://x", "ftp:// is not supported"),
            ("https://a:b@x", "credentials"),
            ("https://x?a=b", "a query"),
            ("https://x/a b", "a space"),
        ] {
            let found = address("AWS_ENDPOINT_URL", value).expect_err(value);
            assert!(
                found.problem.starts_with("is not an address: ") && found.problem.contains(problem),
                "{value}: {found:?}"
            );
            assert_eq!((found.name.as_str(), found.remedy.as_str()), ("AWS_ENDPOINT_URL", "write https://host:port"));
        }
        for value in
            ["https://s3.eu.backblazeb2.com", "http://localhost:9000", "https://[::1]:9000/base/", "HTTPS://host"]
        {
            assert_eq!(address("AWS_ENDPOINT_URL", value), Ok(()), "{value}");
        }
    }

    #[test]
    fn keys_and_regions_that_no_request_can_have_are_refused_without_repeating_them() {
        let found = of_header("AWS_SESSION_TOKEN", "hunter2\n").unwrap_err();
        assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
        assert!(of_host("AWS_REGION", "a b").is_err() && of_host("AWS_REGION", "a/b").is_err());
        assert_eq!(
            (of_header("AWS_ACCESS_KEY_ID", "AKIA/+="), of_host("AWS_REGION", "eu-central-1")),
            (Ok(()), Ok(()))
        );
    }
}
