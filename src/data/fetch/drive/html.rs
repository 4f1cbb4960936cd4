//! Splits a web page into tags and text: enough to find forms, links and titles in generated pages. It builds no tree
//! and repairs nothing.

/// A part of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A start tag, or one that closes itself.
    Open(Tag),
    /// An end tag, in lower case.
    Close(String),
    /// Text between tags, entities decoded.
    Text(String),
}

/// A start tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The element, in lower case.
    pub name: String,
    /// Its attributes in order: names in lower case, values with entities decoded.
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    /// An attribute's value; the first of several counts, as in a browser.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether `class` is one of its classes.
    #[must_use]
    pub fn has_class(&self, class: &str) -> bool {
        self.get("class").is_some_and(|classes| classes.split_ascii_whitespace().any(|own| own == class))
    }
}

/// The parts of a page, in order.
#[must_use]
pub fn tokens(page: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = page;
    while let Some(open) = rest.find('<') {
        push_text(&mut tokens, &rest[..open]);
        rest = match after_markup(&rest[open..]) {
            Some((token, after)) => {
                let raw = raw_text_end(&token, after);
                tokens.extend(token);
                if raw > 0 {
                    // Scripts and styles are not text, but an old page has its address in one.
                    tokens.push(Token::Text(after[..raw].to_owned()));
                }
                &after[raw..]
            }
            None => {
                push_text(&mut tokens, "<");
                &rest[open + 1..]
            }
        };
    }
    push_text(&mut tokens, rest);
    tokens
}

fn push_text(tokens: &mut Vec<Token>, text: &str) {
    if !text.is_empty() {
        tokens.push(Token::Text(decode(text)));
    }
}

/// What begins at a `<`: the token, if there is one to keep, and the rest. `None` if it is just a less-than sign.
fn after_markup(text: &str) -> Option<(Option<Token>, &str)> {
    if let Some(comment) = text.strip_prefix("<!--") {
        let end = comment.find("-->").map_or(comment.len(), |end| end + 3);
        return Some((None, &comment[end..]));
    }
    let inner = &text[1..];
    match inner.chars().next()? {
        '!' | '?' => Some((None, &inner[inner.find('>').map_or(inner.len(), |end| end + 1)..])),
        '/' => {
            let end = inner.find('>').unwrap_or(inner.len());
            let name = inner[1..end].trim().to_ascii_lowercase();
            Some((Some(Token::Close(name)), inner.get(end + 1..).unwrap_or("")))
        }
        first if first.is_ascii_alphabetic() => {
            let (tag, rest) = read_tag(inner);
            Some((Some(Token::Open(tag)), rest))
        }
        _ => None,
    }
}

fn read_tag(text: &str) -> (Tag, &str) {
    let is_end = |c: char| c.is_ascii_whitespace() || c == '/' || c == '>';
    let end = text.find(is_end).unwrap_or(text.len());
    let mut tag = Tag { name: text[..end].to_ascii_lowercase(), attributes: Vec::new() };
    let mut rest = &text[end..];
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return (tag, rest.strip_prefix('>').unwrap_or(""));
        }
        // A name may begin with anything, even with an equals sign.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[first..].find(|c| is_end(c) || c == '=').map_or(rest.len(), |end| end + first);
        let name = rest[..end].to_ascii_lowercase();
        let (value, after) = read_value(&rest[end..]);
        tag.attributes.push((name, value));
        rest = after;
    }
}

/// `="..."`, `='...'`, `=bare` or nothing.
fn read_value(text: &str) -> (String, &str) {
    let Some(value) = text.trim_start().strip_prefix('=') else { return (String::new(), text) };
    let value = value.trim_start();
    for quote in ['"', '\''] {
        if let Some(quoted) = value.strip_prefix(quote) {
            let end = quoted.find(quote).unwrap_or(quoted.len());
            return (decode(&quoted[..end]), quoted.get(end + 1..).unwrap_or(""));
        }
    }
    let end = value.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(value.len());
    (decode(&value[..end]), &value[end..])
}

/// The end of a script or style, in whose text a `<` begins no tag.
fn raw_text_end(token: &Option<Token>, rest: &str) -> usize {
    match token {
        Some(Token::Open(tag)) if tag.name == "script" || tag.name == "style" => {
            let closing = format!("</{}", tag.name);
            // ASCII lowering keeps all byte positions.
            rest.to_ascii_lowercase().find(&closing).unwrap_or(rest.len())
        }
        _ => 0,
    }
}

/// Replaces the entities that Google's pages use; an unknown one stays as it is.
#[must_use]
pub fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(ampersand) = rest.find('&') {
        decoded.push_str(&rest[..ampersand]);
        rest = &rest[ampersand + 1..];
        let entity = rest.find(';').filter(|end| *end <= 10).and_then(|end| Some((character(&rest[..end])?, end)));
        match entity {
            Some((c, end)) => {
                decoded.push(c);
                rest = &rest[end + 1..];
            }
            None => decoded.push('&'),
        }
    }
    decoded.push_str(rest);
    decoded
}

fn character(entity: &str) -> Option<char> {
    if let Some(number) = entity.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_tag(page: &str) -> Tag {
        match tokens(page).into_iter().next() {
            Some(Token::Open(tag)) => tag,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn attributes_are_read_in_every_quoting() {
        let tag =
            only_tag("<INPUT\n type = \"hidden\" Name='con\"firm' value=t disabled data-x=\"a>b\" value=second/>");
        assert_eq!(tag.name, "input");
        let got = ["type", "name", "value", "disabled", "data-x"].map(|name| tag.get(name).unwrap());
        assert_eq!(got, ["hidden", "con\"firm", "t", "", "a>b"]);
        assert_eq!(tag.get("missing"), None);
    }

    #[test]
    fn entities_are_decoded_once_and_only_where_they_are_some() {
        assert_eq!(
            decode("a&amp;b&#39;c&#x27;&lt;&quot;&AMP;&amp;lt; & &; &#xD800; &#99999999999;"),
            "a&b'c'<\"&AMP;&lt; & &; &#xD800; &#99999999999;"
        );
        assert_eq!(only_tag("<a href=\"/uc?a=1&amp;b=2&id=3\">").get("href"), Some("/uc?a=1&b=2&id=3"));
    }

    #[test]
    fn comments_scripts_and_stray_signs_do_not_confuse() {
        let page =
            "<!doctype html><!-- <form id=no> --><script>if (a<b) '<form id=no2>'</script><p>1 < 2</p><form id=yes>";
        let forms: Vec<_> = tokens(page)
            .into_iter()
            .filter_map(|token| match token {
                Token::Open(tag) if tag.name == "form" => Some(tag.get("id").unwrap().to_owned()),
                _ => None,
            })
            .collect();
        assert_eq!(forms, ["yes"]);
        assert!(tokens(page).contains(&Token::Close("p".into())));
    }

    #[test]
    fn a_page_that_breaks_off_is_read_as_far_as_it_goes() {
        for page in
            ["<", "<a", "<a href", "<a href=", "<a href=\"x", "</", "<!--", "<!", "&", "<script>", "é<é", "<a/é"]
        {
            assert!(!tokens(page).is_empty() || page.starts_with("<!"), "{page}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(page in "[<>/=\"'a-c&;#!\\- é]{0,60}") {
            proptest::prop_assert!(tokens(&page).len() <= page.len() + 1);
        }
    }
}
