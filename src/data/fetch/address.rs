//! Addresses as messages show them: enough to recognise the source, without user names, passwords and query values.

use url::Url;

/// The address without user name, password, query and fragment; `?...` shows that there was a query.
///
/// Signatures and tokens (`X-Amz-Signature`, `token`) are only ever in these parts.
#[must_use]
pub fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    let query = if url.query().is_some() { "?..." } else { "" };
    format!("{}://{host}{port}{}{query}", url.scheme(), url.path())
}

/// Whether an address holds a user name or a password.
#[must_use]
pub fn has_credentials(text: &str) -> bool {
    Url::parse(text.trim()).is_ok_and(|url| holds_credentials(&url))
}

/// The same for an address that is one.
#[must_use]
pub fn holds_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// The same for a text that may not even be an address.
#[must_use]
pub fn shown_text(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) if url.has_host() => shown(&url),
        _ => {
            let end = text.find(['?', '#']).unwrap_or(text.len());
            let start = text[..end].rfind('@').map_or(0, |at| at + 1);
            format!("{:?}", &text[start..end])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show() {
        let url: Url = "https://ann:pw@h.org:8443/a/b.tar?token=abc&X-Amz-Signature=def#f".parse().unwrap();
        assert_eq!(shown(&url), "https://h.org:8443/a/b.tar?...");
        assert_eq!(shown(&"https://ann@h.org/a".parse().unwrap()), "https://h.org/a");
        assert_eq!(shown_text("htp:/ann:pw@h.org/a?token=1"), "\"h.org/a\"");
        assert_eq!(shown_text("storms.tar"), "\"storms.tar\"");
    }
}
