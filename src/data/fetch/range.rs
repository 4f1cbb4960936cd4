//! What a reply to a (range) request means for the bytes on disk. Pure: headers in, verdict out.

use std::time::{Duration, SystemTime};

use reqwest::header::{self, HeaderMap};
use serde::{Deserialize, Serialize};

/// Proves that two replies carry the same bytes. Only strong ones are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validator {
    /// A strong entity tag, with its quotes.
    Etag(String),
    /// A `Last-Modified` date that was more than a minute old when it was sent.
    Date(String),
}

impl Validator {
    /// The value of the `If-Range` header.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Etag(text) | Self::Date(text) => text,
        }
    }

    /// The strong validator of a reply, if it has one.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(etag) = text(header::ETAG) {
            let strong = etag.len() >= 2 && etag.starts_with('"') && etag.ends_with('"');
            return strong.then(|| Self::Etag(etag.to_owned()));
        }
        let modified = text(header::LAST_MODIFIED)?;
        let date = |text: &str| httpdate::parse_http_date(text).ok();
        let age = date(text(header::DATE)?)?.duration_since(date(modified)?).ok()?;
        // RFC 9110, 8.8.2.2: a younger file may have changed twice within the date's second.
        (age >= Duration::from_secs(60)).then(|| Self::Date(modified.to_owned()))
    }
}

/// `Content-Range: bytes 5-9/10`, `bytes 5-9/*` or `bytes */10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// First and one past the last byte; `None` in a 416.
    pub bytes: Option<(u64, u64)>,
    /// The length of the whole file.
    pub total: Option<u64>,
}

impl ContentRange {
    /// Reads the header; `None` if it is malformed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (unit, rest) = text.trim().split_once(' ')?;
        let (range, total) = rest.trim().split_once('/')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
        let total = if total == "*" { None } else { Some(number(total)?) };
        let bytes = if range == "*" {
            None
        } else {
            let (first, last) = range.split_once('-')?;
            Some((number(first)?, number(last)?.checked_add(1)?))
        };
        let sane = bytes.is_none_or(|(start, end)| start < end && total.is_none_or(|total| end <= total));
        sane.then_some(Self { bytes, total })
    }
}

/// The head of a reply, as far as a download cares.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Length`.
    pub length: Option<u64>,
    /// Whether a truncated body is noticed: by its length, chunks or an HTTP/2 stream.
    pub framed: bool,
    /// Whether the server offers ranges.
    pub offers_ranges: bool,
    /// `Content-Range`, if well formed.
    pub range: Option<ContentRange>,
    /// The strong validator.
    pub validator: Option<Validator>,
    /// The raw entity tag, strong or weak.
    pub etag: Option<String>,
    /// The raw `Last-Modified`.
    pub modified: Option<String>,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// `Content-Disposition`.
    pub disposition: Option<Vec<u8>>,
    /// `Location`.
    pub location: Option<String>,
}

impl Head {
    /// Reads the headers. `multiplexed` is true for HTTP/2, whose streams have an explicit end.
    #[must_use]
    pub fn new(status: u16, headers: &HeaderMap, multiplexed: bool) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let length = text(header::CONTENT_LENGTH).and_then(|length| length.trim().parse().ok());
        let chunked = text(header::TRANSFER_ENCODING).is_some_and(|list| list.to_ascii_lowercase().contains("chunked"));
        Self {
            status,
            length: length.filter(|_| !chunked),
            framed: length.is_some() || chunked || multiplexed,
            offers_ranges: text(header::ACCEPT_RANGES).is_some_and(|unit| unit.trim().eq_ignore_ascii_case("bytes")),
            range: text(header::CONTENT_RANGE).and_then(ContentRange::parse),
            validator: Validator::of(headers),
            etag: text(header::ETAG).map(str::to_owned),
            modified: text(header::LAST_MODIFIED).map(str::to_owned),
            retry_after: text(header::RETRY_AFTER).map(str::to_owned),
            disposition: headers.get(header::CONTENT_DISPOSITION).map(|value| value.as_bytes().to_vec()),
            location: text(header::LOCATION).map(str::to_owned),
        }
    }
}

/// What was requested, and what is known of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ask {
    /// The first byte wanted.
    pub start: u64,
    /// One past the last byte wanted; `None` means everything up to the end.
    pub end: Option<u64>,
    /// Whether a `Range` header is sent. Without it the whole file comes, and `start` is 0.
    pub ranged: bool,
    /// The validator of the bytes on disk.
    pub validator: Option<Validator>,
    /// The size of the file, if known from an earlier reply or the configuration.
    pub total: Option<u64>,
    /// Whether the SHA-256 of the whole file is known, so that a wrong guess would be noticed.
    pub digest_known: bool,
}

/// What to do with a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The body is the whole file, from its first byte.
    Whole,
    /// The body is the requested part, up to this byte (exclusive).
    Part {
        /// One past its last byte.
        end: u64,
        /// The size of the whole file.
        total: Option<u64>,
    },
    /// Nothing is missing.
    Complete,
    /// The bytes on disk do not belong to this file, or can't be continued here: start from nothing.
    StartOver {
        /// Why, for the log.
        reason: String,
        /// Whether the server's ranges can't be trusted any more.
        distrust: bool,
    },
    /// Later perhaps.
    Busy,
    /// Never.
    Refused,
}

/// The verdict on a reply.
#[must_use]
pub fn judge(ask: &Ask, head: &Head) -> Verdict {
    match head.status {
        200 => Verdict::Whole,
        206 => judge_part(ask, head),
        416 if ask.ranged => judge_unsatisfiable(ask, head),
        408 | 421 | 425 | 429 | 500..=599 => Verdict::Busy,
        _ => Verdict::Refused,
    }
}

fn judge_part(ask: &Ask, head: &Head) -> Verdict {
    let misplaced = |reason: String| Verdict::StartOver { reason, distrust: true };
    let Some(ContentRange { bytes: Some((start, end)), total }) = head.range else {
        return misplaced("the server sent a part without saying which".into());
    };
    if !(ask.ranged || start == 0 && total == Some(end)) {
        return misplaced(format!("the server sent bytes {start}-{} instead of all", end - 1));
    }
    if start != ask.start {
        return misplaced(format!("the server sent bytes from {start}, expected {}", ask.start));
    }
    if let (Some(found), Some(known)) = (total, ask.total)
        && found != known
    {
        return Verdict::StartOver {
            reason: format!("the file has {found} bytes now, it had {known}"),
            distrust: false,
        };
    }
    let found = match &ask.validator {
        Some(Validator::Etag(_)) => head.etag.as_deref(),
        Some(Validator::Date(_)) => head.modified.as_deref(),
        None => None,
    };
    if found.is_some() && found != ask.validator.as_ref().map(Validator::text) {
        return Verdict::StartOver { reason: "the file changed on the server".into(), distrust: false };
    }
    if total.is_none() && ask.total.is_none() && !ask.digest_known {
        return misplaced("the server does not say how long the file is".into());
    }
    if head.length.is_some_and(|length| length != end - start) {
        return misplaced("the server's Content-Length and Content-Range disagree".into());
    }
    Verdict::Part { end: ask.end.map_or(end, |asked| asked.min(end)), total }
}

fn judge_unsatisfiable(ask: &Ask, head: &Head) -> Verdict {
    let found = head.range.and_then(|range| range.total);
    let contradicts = found.is_some() && ask.total.is_some() && found != ask.total;
    match found.or(ask.total) {
        Some(total) if total == ask.start && (!contradicts || ask.digest_known) => Verdict::Complete,
        // Nobody says how long the file is; the digest will show whether this was all of it.
        None if ask.digest_known => Verdict::Complete,
        Some(total) => Verdict::StartOver {
            reason: format!("the server has {total} bytes and refuses to send those from {}", ask.start),
            distrust: total > ask.start,
        },
        None => Verdict::StartOver { reason: "the server refuses to continue".into(), distrust: true },
    }
}

/// Whether earlier bytes may be kept beside those of a complete new reply (status 200) from the first byte.
#[must_use]
pub fn same_file(ask: &Ask, head: &Head) -> bool {
    let same_size = ask.total.is_some() && head.length == ask.total;
    match &ask.validator {
        Some(known) => same_size && head.validator.as_ref() == Some(known),
        None => same_size && ask.digest_known,
    }
}

/// How long the server asks to wait; `None` if it doesn't say, or nothing sensible.
#[must_use]
pub fn retry_after(text: &str, today: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(today).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(status: u16, headers: &[(&'static str, &str)]) -> Head {
        let map = headers.iter().map(|(name, value)| {
            (header::HeaderName::from_static(name), header::HeaderValue::from_str(value).unwrap())
        });
        Head::new(status, &map.collect(), false)
    }

    fn etag(text: &str) -> Option<Validator> {
        Some(Validator::Etag(text.into()))
    }

    fn ask(start: u64) -> Ask {
        Ask { start, ranged: true, validator: etag("\"a\""), total: Some(100), ..Ask::default() }
    }

    #[test]
    fn content_ranges_are_read_and_nonsense_is_not() {
        let read = ContentRange::parse;
        assert_eq!(read("bytes 5-9/10"), Some(ContentRange { bytes: Some((5, 10)), total: Some(10) }));
        assert_eq!(read("Bytes 0-0/*"), Some(ContentRange { bytes: Some((0, 1)), total: None }));
        assert_eq!(read("bytes */10"), Some(ContentRange { bytes: None, total: Some(10) }));
        for wrong in [
            "bytes 9-5/10",
            "bytes 5-10/10",
            "5-9/10",
            "bytes 5-9",
            "bytes a-9/10",
            "bytes +5-9/10",
            "items 5-9/10",
            "bytes 5-18446744073709551615/*",
            "",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_strong_validators_count() {
        assert_eq!(head(200, &[("etag", "\"x\"")]).validator, etag("\"x\""));
        assert_eq!(head(200, &[("etag", "W/\"x\"")]).validator, None);
        assert_eq!(head(200, &[("etag", "x")]).validator, None);
        let dated = |modified, date| head(200, &[("last-modified", modified), ("date", date)]).validator;
        let modified = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(dated(modified, "Sun, 06 Nov 1994 08:50:37 GMT"), Some(Validator::Date(modified.into())));
        assert_eq!(dated(modified, "Sun, 06 Nov 1994 08:50:36 GMT"), None);
        assert_eq!(dated(modified, "Sat, 06 Nov 1993 08:50:36 GMT"), None);
        assert_eq!(head(200, &[("last-modified", modified)]).validator, None);
    }

    #[test]
    fn a_body_is_framed_by_length_chunks_or_stream() {
        assert!(head(200, &[("content-length", "3")]).framed);
        assert!(head(200, &[("transfer-encoding", "chunked")]).framed);
        assert!(!head(200, &[]).framed);
        assert!(Head::new(200, &HeaderMap::new(), true).framed);
    }

    #[test]
    fn the_right_part_is_continued() {
        let reply = head(206, &[("content-range", "bytes 40-99/100"), ("etag", "\"a\""), ("content-length", "60")]);
        assert_eq!(judge(&ask(40), &reply), Verdict::Part { end: 100, total: Some(100) });
        let shorter = head(206, &[("content-range", "bytes 40-59/100")]);
        assert_eq!(judge(&ask(40), &shorter), Verdict::Part { end: 60, total: Some(100) });
        let unknown = Ask { total: None, ..ask(40) };
        let endless = head(206, &[("content-range", "bytes 40-59/*")]);
        assert!(matches!(judge(&unknown, &endless), Verdict::StartOver { distrust: true, .. }));
        let bounded = Ask { end: Some(50), ..ask(40) };
        assert_eq!(judge(&bounded, &reply), Verdict::Part { end: 50, total: Some(100) });
    }

    #[test]
    fn a_part_from_elsewhere_or_of_another_file_is_never_appended() {
        for (headers, distrusted) in [
            (vec![("content-range", "bytes 41-99/100")], true),
            (vec![("content-range", "bytes 0-99/100")], true),
            (vec![], true),
            (vec![("content-range", "bytes 40-99/100"), ("content-length", "61")], true),
            (vec![("content-range", "bytes 40-99/101")], false),
            (vec![("content-range", "bytes 40-100/101")], false),
            (vec![("content-range", "bytes 40-99/100"), ("etag", "\"b\"")], false),
            (vec![("content-range", "bytes 40-99/100"), ("etag", "W/\"a\"")], false),
        ] {
            match judge(&ask(40), &head(206, &headers)) {
                Verdict::StartOver { distrust, .. } => assert_eq!(distrust, distrusted, "{headers:?}"),
                other => panic!("{headers:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_part_with_another_date_is_of_another_file() {
        let dated = Ask { validator: Some(Validator::Date("Sun, 06 Nov 1994 08:49:37 GMT".into())), ..ask(40) };
        let reply = |date| head(206, &[("content-range", "bytes 40-99/100"), ("last-modified", date)]);
        assert!(matches!(judge(&dated, &reply("Sun, 06 Nov 1994 08:49:37 GMT")), Verdict::Part { .. }));
        assert!(matches!(judge(&dated, &reply("Sun, 06 Nov 1994 08:49:38 GMT")), Verdict::StartOver { .. }));
    }

    #[test]
    fn an_unrequested_part_is_only_accepted_if_it_is_everything() {
        let plain = Ask::default();
        let all = head(206, &[("content-range", "bytes 0-99/100")]);
        assert_eq!(judge(&plain, &all), Verdict::Part { end: 100, total: Some(100) });
        let some = head(206, &[("content-range", "bytes 0-49/100")]);
        assert!(matches!(judge(&plain, &some), Verdict::StartOver { .. }));
    }

    #[test]
    fn not_satisfiable_means_complete_too_long_or_changed() {
        let reply = |range| head(416, &[("content-range", range)]);
        assert_eq!(judge(&ask(100), &reply("bytes */100")), Verdict::Complete);
        assert!(matches!(judge(&ask(120), &reply("bytes */100")), Verdict::StartOver { .. }));
        assert!(matches!(judge(&ask(90), &reply("bytes */90")), Verdict::StartOver { .. }), "it had said 100");
        let unknown = Ask { total: None, ..ask(100) };
        assert!(matches!(judge(&unknown, &head(416, &[])), Verdict::StartOver { .. }));
        let hashed = Ask { digest_known: true, ..unknown };
        assert_eq!(judge(&hashed, &head(416, &[])), Verdict::Complete);
        assert_eq!(judge(&Ask { total: Some(100), ..hashed }, &head(416, &[])), Verdict::Complete);
    }

    #[test]
    fn errors_are_parted_into_later_and_never() {
        for status in [408, 429, 500, 502, 503, 504] {
            assert_eq!(judge(&ask(1), &head(status, &[])), Verdict::Busy, "{status}");
        }
        for status in [204, 301, 400, 401, 403, 404, 410] {
            assert_eq!(judge(&ask(1), &head(status, &[])), Verdict::Refused, "{status}");
        }
    }

    #[test]
    fn retry_after_takes_seconds_and_dates_and_survives_the_rest() {
        let today = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let read = |text| retry_after(text, today).map(|wait| wait.as_secs());
        assert_eq!(read("120"), Some(120));
        assert_eq!(read(" Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(read("Tue, 06 Nov 1984 08:50:37 GMT"), Some(0));
        assert_eq!(read("315360000"), Some(315_360_000));
        assert_eq!(read("99999999999999999999999"), Some(u64::from(u32::MAX)));
        for garbage in ["", "soon", "-5", "1.5", "12 parsecs"] {
            assert_eq!(read(garbage), None, "{garbage}");
        }
    }
}
