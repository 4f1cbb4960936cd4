//! The meaning of a web page sent instead of a file: the virus-scan form, the quota, the sign-in, or unknown. Pure:
//! text in, meaning out.

use url::Url;

use super::html::{Tag, Token, tokens};

/// The meaning of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// Confirm at this address to get the file.
    Confirm(Url),
    /// The file's quota is used up.
    Quota,
    /// Sign in first.
    SignIn,
    /// An error in unknown words.
    Error(String),
    /// Some page, with its title.
    Other(String),
}

/// Reads a page sent by `url`.
#[must_use]
pub fn read(page: &str, url: &Url) -> Page {
    let tokens = tokens(page);
    let title = text_of(&tokens, |tag| tag.name == "title").unwrap_or_default();
    let caption = text_of(&tokens, |tag| tag.has_class("uc-error-caption"));
    let details = text_of(&tokens, |tag| tag.has_class("uc-error-subcaption"));
    let words =
        [Some(title.clone()), caption.clone(), details.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    if says_quota(&words) || details.as_deref().is_some_and(says_a_day) {
        return Page::Quota;
    }
    if let Some(caption) = caption.or(details.clone()) {
        return Page::Error(
            details.filter(|more| *more != caption).map_or(caption.clone(), |more| format!("{caption} {more}")),
        );
    }
    if let Some(next) = form(&tokens, url).or_else(|| link(&tokens, url)).or_else(|| json(page, url)) {
        return Page::Confirm(next);
    }
    if super::super::redirect::is_sign_in(url) || asks_to_sign_in(&tokens) {
        return Page::SignIn;
    }
    Page::Other(title)
}

fn says_quota(words: &str) -> bool {
    let words = words.to_lowercase();
    ["quota exceeded", "too many users", "quota for this file", "download quota"]
        .iter()
        .any(|sign| words.contains(sign))
}

/// Google says in every language that the quota may take up to 24 hours, and no other error page names a time.
fn says_a_day(details: &str) -> bool {
    details.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == "24")
}

/// The virus-scan form: its action with all its hidden inputs as the query.
fn form(tokens: &[Token], url: &Url) -> Option<Url> {
    let is_download = |tag: &Tag| {
        let action = tag.get("action").unwrap_or_default();
        tag.get("id") == Some("download-form") || action.contains("/download") || action.contains("/uc?")
    };
    let start =
        tokens.iter().position(|token| matches!(token, Token::Open(tag) if tag.name == "form" && is_download(tag)))?;
    let Token::Open(form) = &tokens[start] else { return None };
    let mut next = url.join(form.get("action")?).ok()?;
    let mut fields = Vec::new();
    for token in &tokens[start + 1..] {
        match token {
            Token::Close(name) if name == "form" => break,
            Token::Open(tag) if tag.name == "input" && is_hidden(tag) => {
                let name = tag.get("name").filter(|name| !name.is_empty());
                fields.extend(name.map(|name| (name.to_owned(), tag.get("value").unwrap_or_default().to_owned())));
            }
            _ => {}
        }
    }
    let own: Vec<(String, String)> = next.query_pairs().into_owned().collect();
    let kept = own.into_iter().filter(|(key, _)| !fields.iter().any(|(name, _)| name == key)).collect::<Vec<_>>();
    next.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(fields);
    is_web(&next).then_some(next)
}

fn is_hidden(tag: &Tag) -> bool {
    tag.get("type").is_some_and(|kind| kind.eq_ignore_ascii_case("hidden"))
}

/// The older page: a link instead of a form.
fn link(tokens: &[Token], url: &Url) -> Option<Url> {
    tokens.iter().find_map(|token| match token {
        Token::Open(tag) if tag.name == "a" => {
            let href = tag.get("href")?;
            let is_download = tag.get("id") == Some("uc-download-link")
                || (href.contains("/uc?") && href.contains("export=download") && href.contains("confirm="));
            is_download.then(|| url.join(href).ok()).flatten().filter(is_web)
        }
        _ => None,
    })
}

/// An older page still: the address inside a script.
fn json(page: &str, url: &Url) -> Option<Url> {
    let after = &page[page.find("\"downloadUrl\":\"")? + "\"downloadUrl\":".len()..];
    let end =
        (1..after.len()).find(|&index| after.as_bytes()[index] == b'"' && after.as_bytes()[index - 1] != b'\\')?;
    let text: String = serde_json::from_str(after.get(..=end)?).ok()?;
    url.join(&text).ok().filter(is_web)
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

fn asks_to_sign_in(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| match token {
        Token::Open(tag) if tag.name == "form" || tag.name == "base" => {
            let target = tag.get("action").or(tag.get("href")).unwrap_or_default();
            target.contains("accounts.google.com") || target.contains("/ServiceLogin") || target.contains("/signin/")
        }
        _ => false,
    })
}

/// The text inside the first element that fits, on one line.
pub(super) fn text_of(tokens: &[Token], fits: impl Fn(&Tag) -> bool) -> Option<String> {
    let start = tokens.iter().position(|token| matches!(token, Token::Open(tag) if fits(tag)))?;
    let Token::Open(element) = &tokens[start] else { return None };
    let mut depth = 1;
    let mut text = String::new();
    for token in &tokens[start + 1..] {
        match token {
            Token::Open(tag) if tag.name == element.name => depth += 1,
            Token::Close(name) if *name == element.name => depth -= 1,
            Token::Text(words) => text.push_str(words),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Url {
        "https://drive.google.com/uc?id=X".parse().unwrap()
    }

    #[test]
    fn the_scan_form_is_followed_with_all_its_hidden_inputs() {
        let page = "<html><head><title>Google Drive - Virus scan warning</title></head><body>\
            <form action=\"/search\"><input type=hidden name=q value=no></form>\
            <form id=\"download-form\" action=\"https://drive.usercontent.google.com/download?a=1&amp;id=old\" method=\"get\">\
            <input type=\"submit\" id=\"uc-download-link\" value=\"Download anyway\"/>\
            <input type=\"hidden\" name=\"id\" value=\"X&amp;Y\"><input type='HIDDEN' name='export' value='download'>\
            <input type=hidden name=confirm value=t><input value=\"u-1 2\" name=\"uuid\" type=\"hidden\">\
            <input type=hidden name=at value=AP:1></form><input type=hidden name=late value=no>";
        let Page::Confirm(next) = read(page, &here()) else { panic!() };
        assert_eq!(
            next.as_str(),
            "https://drive.usercontent.google.com/download?a=1&id=X%26Y&export=download&confirm=t&uuid=u-1+2&at=AP%3A1"
        );
    }

    #[test]
    fn the_older_ways_are_still_known() {
        let link =
            "<a id=\"uc-download-link\" href=\"/uc?export=download&amp;confirm=Ab1&amp;id=X\">Download anyway</a>";
        let next = Page::Confirm("https://drive.google.com/uc?export=download&confirm=Ab1&id=X".parse().unwrap());
        assert_eq!(read(link, &here()), next);
        let script = r#"<script>{"downloadUrl":"https:\/\/h.org\/f?a\u003d1\u0026b=2","x":1}</script>"#;
        assert_eq!(read(script, &here()), Page::Confirm("https://h.org/f?a=1&b=2".parse().unwrap()));
        for broken in ["\"downloadUrl\":\"", "\"downloadUrl\":\"javascript:alert(1)\"", "\"downloadUrl\":\"\\\""] {
            assert_eq!(read(broken, &here()), Page::Other(String::new()), "{broken}");
        }
    }

    #[test]
    fn the_quota_is_known_by_title_or_text() {
        for page in [
            "<title>Google Drive - Quota exceeded</title><p class=\"uc-error-caption\">Lo sentimos</p>",
            "<p class=\"uc-error-caption\">Sorry, you can&#39;t view or download this file at this time.</p>\
             <p class=\"uc-error-subcaption\">Too many users have viewed or downloaded this file recently. Please try \
             accessing the file again later, up to 24 hours</p>",
            "<title>Google Drive - Cuota</title><p class=\"uc-error-caption\">Lo sentimos, no puedes ver este archivo en \
             este momento.</p><p class=\"uc-error-subcaption\">Puede que tengas que esperar hasta 24 horas.</p>",
        ] {
            assert_eq!(read(page, &here()), Page::Quota, "{page}");
        }
    }

    #[test]
    fn other_errors_keep_their_words() {
        let page =
            "<p class='big uc-error-caption'>No <b>se</b> puede</p><p class=uc-error-subcaption>Nunca &amp; jamás.</p>";
        assert_eq!(read(page, &here()), Page::Error("No se puede Nunca & jamás.".into()));
    }

    #[test]
    fn a_sign_in_is_known_by_its_form_or_its_address() {
        let form = "<title>Sign in</title><form action=\"https://accounts.google.com/signin/v1/lookup\">";
        assert_eq!(read(form, &here()), Page::SignIn);
        let login = "https://accounts.google.com/ServiceLogin?continue=x".parse().unwrap();
        assert_eq!(read("<html>", &login), Page::SignIn);
        assert_eq!(read("<title> Welcome \n home </title>", &here()), Page::Other("Welcome home".into()));
    }
}
