//! Network failures in plain words, followed by the text of the HTTP library.

use std::error::Error;

use super::client::Trouble;

/// What happened.
#[must_use]
pub fn trouble(error: &reqwest::Error) -> Trouble {
    let reason = chain(error);
    let unknown_host = error.is_connect() && is_unknown_name(&reason);
    let ours = match () {
        () if unknown_host => "no server has this name",
        () if reason.contains("dns error") => "the name of the server could not be looked up",
        () if reason.contains("certificate") => "its certificate is not accepted",
        () if error.is_timeout() => "it did not answer in time",
        () if reason.contains("Connection refused") => "nothing accepts connections there",
        () if error.is_connect() => "no connection could be made",
        () if error.is_body() || error.is_decode() => "the connection broke",
        () => "the request failed",
    };
    Trouble { cause: format!("{ours} [{reason}]"), demanded: None, refused: false, unknown_host }
}

/// What the C library says about a name that does not exist. A name server that does not answer is something else.
fn is_unknown_name(reason: &str) -> bool {
    ["Name or service not known", "No address associated with hostname"].iter().any(|text| reason.contains(text))
}

/// The innermost reason last: "error sending request: connection refused". Repetitions are left out.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let words = inner.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_does_not_exist_is_no_name_server_that_does_not_answer() {
        assert!(is_unknown_name("dns error: failed to lookup address information: Name or service not known"));
        assert!(!is_unknown_name(
            "dns error: failed to lookup address information: Temporary failure in name resolution"
        ));
    }
}
