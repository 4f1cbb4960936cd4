//! The server's name for the file, and which part of it is a safe name on this machine.

use unicode_normalization::UnicodeNormalization;
use url::Url;

const LONGEST_BYTES: usize = 200;

/// The name in a `Content-Disposition` header, `filename*` before `filename`, made safe.
#[must_use]
pub fn from_disposition(header: &[u8]) -> Option<String> {
    let parameters = parameters(header);
    let find = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice());
    let extended = find("filename*").and_then(decode_extended);
    extended
        .or_else(|| find("filename").map(|value| String::from_utf8_lossy(value).into_owned()))
        .and_then(|n| safe(&n))
}

/// The last part of an address's path, made safe.
#[must_use]
pub fn from_url(url: &Url) -> Option<String> {
    let last = url.path_segments()?.rfind(|segment| !segment.is_empty())?;
    safe(&String::from_utf8_lossy(&percent_decoded(last.as_bytes())))
}

/// The name without folders, control characters and leading dots, in composed Unicode, at most 200 bytes long; `None`
/// if nothing is left.
#[must_use]
pub fn safe(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).find(|part| !part.trim().is_empty())?;
    let clean: String = last.nfc().filter(|c| !c.is_control() && !is_invisible(*c)).collect();
    let clean = clean.trim().trim_start_matches('.').trim_end_matches([' ', '.']);
    (!clean.is_empty()).then(|| shorten(clean))
}

/// Zero-width and direction-changing characters make two names look the same, or one name look like another.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Cuts before the extension, which shows the kind of archive.
fn shorten(name: &str) -> String {
    if name.len() <= LONGEST_BYTES {
        return name.to_owned();
    }
    let extension = name.rfind('.').map_or("", |dot| &name[dot..]);
    let extension = if extension.len() <= 16 { extension } else { "" };
    let stem = name.floor_char_boundary(LONGEST_BYTES - extension.len());
    format!("{}{extension}", &name[..stem])
}

/// `key=value` pairs of the header, quoted strings unescaped; semicolons inside quotes do not separate.
fn parameters(header: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some(semicolon) = rest.iter().position(|&byte| byte == b';') {
        rest = &rest[semicolon + 1..];
        let Some(equals) = rest.iter().position(|&byte| byte == b'=' || byte == b';') else { break };
        if rest[equals] == b';' {
            rest = &rest[equals..];
            continue;
        }
        let key = String::from_utf8_lossy(&rest[..equals]).trim().to_ascii_lowercase();
        let (value, length) = value(&rest[equals + 1..]);
        found.push((key, value));
        rest = &rest[equals + 1 + length..];
    }
    found
}

/// A parameter's value and how many bytes it takes.
fn value(text: &[u8]) -> (Vec<u8>, usize) {
    let space = text.len() - text.trim_ascii_start().len();
    if text.get(space) != Some(&b'"') {
        let end = text.iter().position(|&byte| byte == b';').unwrap_or(text.len());
        return (text[..end].trim_ascii().to_vec(), end);
    }
    let mut value = Vec::new();
    let mut index = space + 1;
    while index < text.len() && text[index] != b'"' {
        if text[index] == b'\\' && index + 1 < text.len() {
            index += 1;
        }
        value.push(text[index]);
        index += 1;
    }
    (value, (index + 1).min(text.len()))
}

/// RFC 8187: `UTF-8''na%C3%AFve.tar`. ISO-8859-1 is the only other character set that was ever allowed.
fn decode_extended(value: &[u8]) -> Option<String> {
    let mut parts = value.splitn(3, |&byte| byte == b'\'');
    let (charset, _language, text) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = percent_decoded(text);
    match charset.to_ascii_lowercase().as_slice() {
        b"utf-8" => String::from_utf8(bytes).ok(),
        b"iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

/// `%41` as `A`; anything that is not an escape stays.
pub(super) fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let hex = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut bytes = Vec::with_capacity(text.len());
    let mut index = 0;
    while index < text.len() {
        let escape = match text.get(index..index + 3) {
            Some(&[b'%', high, low]) => hex(high).zip(hex(low)),
            _ => None,
        };
        bytes.push(escape.map_or(text[index], |(high, low)| high << 4 | low));
        index += if escape.is_some() { 3 } else { 1 };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extended_name_goes_before_the_plain_one_in_any_order() {
        for header in [
            "attachment; filename=\"naive.tar\"; filename*=UTF-8''na%C3%AFve.tar",
            "attachment;filename*=utf-8'es'na%C3%AFve.tar;filename=\"naive.tar\"",
            "attachment; filename*=ISO-8859-1''na%EFve.tar",
        ] {
            assert_eq!(from_disposition(header.as_bytes()).as_deref(), Some("naïve.tar"), "{header}");
        }
    }

    #[test]
    fn plain_names_are_read_quoted_or_not() {
        for (header, name) in [
            ("attachment; filename=\"a;b \\\"c\\\".tar\"", Some("a;b \"c\".tar")),
            ("attachment; filename = plain.tar.gz ; size=3", Some("plain.tar.gz")),
            ("attachment; FileName=\"raw na\u{ef}ve.zip\"", Some("raw na\u{ef}ve.zip")),
            ("attachment; filename*=KOI8-R''x; filename=fallback.tar", Some("fallback.tar")),
            ("attachment; filename=\"unterminated.tar", Some("unterminated.tar")),
            ("inline", None),
            ("attachment; filename=\"\"", None),
        ] {
            assert_eq!(from_disposition(header.as_bytes()).as_deref(), name, "{header}");
        }
    }

    #[test]
    fn a_name_can_not_leave_the_folder_or_hide() {
        for (name, kept) in [
            ("../../etc/passwd", Some("passwd")),
            ("..\\..\\boot.ini", Some("boot.ini")),
            ("/", None),
            ("..", None),
            (".hidden", Some("hidden")),
            ("a\u{202e}gz.tar\n", Some("agz.tar")),
            ("e\u{301}.tar", Some("é.tar")),
            ("  spaced .tar. ", Some("spaced .tar")),
        ] {
            assert_eq!(safe(name).as_deref(), kept, "{name:?}");
        }
        let long = safe(&format!("{}.tar", "é".repeat(300))).unwrap();
        assert!(long.len() <= LONGEST_BYTES && long.ends_with("é.tar"), "{long}");
    }

    #[test]
    fn an_address_names_its_last_part() {
        let name = |url: &str| from_url(&url.parse().unwrap());
        assert_eq!(name("https://h.org/a/storms%202.tar.gz?x=1").as_deref(), Some("storms 2.tar.gz"));
        assert_eq!(name("https://h.org/a%2F..%2Fb").as_deref(), Some("b"));
        assert_eq!(name("https://h.org/"), None);
    }
}
