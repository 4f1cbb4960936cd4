//! Pictures as parts of the page itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::block::Picture;
use super::escape::escape;

/// The picture; a format that browsers can't show is left out, with a line that says so.
pub(super) fn figure(picture: &Picture) -> String {
    let caption = match picture.caption.as_str() {
        "" => String::new(),
        caption => format!("<figcaption>{}</figcaption>", escape(caption)),
    };
    let description = escape(&picture.description);
    let Some((kind, [width, height])) = kind(&picture.bytes) else {
        return format!("<figure><p class=\"absent\">{description}: this is no PNG or GIF.</p>{caption}</figure>");
    };
    let class = if kind == "image/gif" { " class=\"film\"" } else { "" };
    format!(
        "<figure{class}><img alt=\"{description}\" width=\"{width}\" height=\"{height}\" src=\"data:{kind};base64,{}\">\
         {caption}</figure>\n",
        STANDARD.encode(&picture.bytes)
    )
}

/// The type and the size of a picture, read from its first bytes.
fn kind(bytes: &[u8]) -> Option<(&'static str, [u32; 2])> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        return Some(("image/png", [number(16)?, number(20)?]));
    }
    if bytes.starts_with(b"GIF8") {
        let number = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?).into());
        return Some(("image/gif", [number(6)?, number(8)?]));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_part_of_the_page_and_names_its_size() {
        let bytes = b"GIF89a\x02\x00\x03\x00".to_vec();
        let html = figure(&Picture { bytes, description: "a \"storm\"".into(), caption: String::new() });
        assert!(
            html.contains("alt=\"a &quot;storm&quot;\" width=\"2\" height=\"3\" src=\"data:image/gif;base64,R0lG"),
            "{html}"
        );
    }

    #[test]
    fn what_is_no_picture_is_not_shown_as_one() {
        for bytes in [&b""[..], b"<svg onload=x>", b"\x89PNG\r\n\x1a\n short", b"GIF8"] {
            let html = figure(&Picture { bytes: bytes.into(), description: "x".into(), caption: String::new() });
            assert!(!html.contains("<img"), "{html}");
        }
    }
}
