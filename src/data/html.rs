//! Distinguishes a web page from data by its first bytes: servers send sign-in and quota pages instead of files.
//! `Content-Type` is ignored: quota pages are sent as `application/octet-stream`, archives as `text/html`.

/// So many first bytes decide.
pub const PREFIX: usize = 1024;

/// Whether a body that begins with these bytes is a web page.
#[must_use]
pub fn is_page(prefix: &[u8]) -> bool {
    let mut rest = skip_space(prefix.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(prefix));
    // An XML declaration and comments may precede the first element.
    for (open, close) in [("<?xml", "?>"), ("<!--", "-->")] {
        while starts_with(rest, open) {
            match find(rest, close.as_bytes()) {
                Some(end) => rest = skip_space(&rest[end + close.len()..]),
                None => return open == "<!--",
            }
        }
    }
    ["<!doctype html", "<html", "<head", "<title", "<meta", "<body", "<script", "<style", "<div", "<h1", "<p>", "<a "]
        .iter()
        .any(|tag| starts_with(rest, tag))
}

fn skip_space(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii_start()
}

fn starts_with(bytes: &[u8], tag: &str) -> bool {
    bytes.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_recognised_in_all_their_dresses() {
        for page in [
            "<!DOCTYPE html><html>",
            "\u{feff}\n  <!doctype HTML>",
            "<html lang=en>",
            "<!-- saved --> <HTML>",
            "<!-- a comment that goes on and on",
            "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0\">",
            "  <head><title>Google Drive - Quota exceeded</title>",
        ] {
            assert!(is_page(page.as_bytes()), "{page}");
        }
    }

    #[test]
    fn data_is_no_page() {
        let mut tar = vec![0; 512];
        tar[..8].copy_from_slice(b"html.txt");
        tar[257..262].copy_from_slice(b"ustar");
        for data in [
            b"\x1f\x8b\x08\x00<html>".as_slice(),
            b"PK\x03\x04",
            b"CDF\x01",
            b"\x89HDF",
            &tar,
            b"",
            b"<",
            b"<?xml version=\"1.0\"?><kml>",
            b"x <html>",
        ] {
            assert!(!is_page(data), "{data:?}");
        }
    }
}
