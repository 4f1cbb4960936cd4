//! Pictures as parts of the page itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::block::Picture;
use super::escape::escape;

/// The picture; a format that browsers can't show is left out, with a line that says so. A wide one scrolls inside of itself on a
/// narrow screen, and leads to its file.
pub(super) fn figure(picture: &Picture) -> String {
    let caption = match picture.caption.as_str() {
        "" => String::new(),
        caption => format!("<figcaption>{}</figcaption>", escape(caption)),
    };
    let description = escape(&picture.description);
    let Some((kind, [width, height])) = kind(&picture.bytes) else {
        return format!("<figure><p class=\"absent\">{description}: not a PNG or GIF.</p>{caption}</figure>");
    };
    let image = format!(
        "<img alt=\"{description}\" width=\"{width}\" height=\"{height}\" loading=\"lazy\" src=\"data:{kind};base64,{}\">",
        STANDARD.encode(&picture.bytes)
    );
    let image = match picture.link.as_str() {
        "" => image,
        link => format!("<a href=\"{}\" title=\"Open the picture alone\">{image}</a>", escape(link)),
    };
    let wide = if width > WIDE { " wide" } else { "" };
    format!("<figure class=\"picture{wide}\"><div class=\"scroll\">{image}</div>{caption}</figure>\n")
}

/// From this width in pixels on, a phone shows a part of a picture rather than all of it too small.
const WIDE: u32 = 700;

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
        let (description, caption) = ("a \"storm\"".into(), String::new());
        let html = figure(&Picture { bytes, description, caption, link: "a\"b.gif".into() });
        assert!(html.contains("href=\"a&quot;b.gif\""), "{html}");
        assert!(
            html.contains(
                "alt=\"a &quot;storm&quot;\" width=\"2\" height=\"3\" loading=\"lazy\" src=\"data:image/gif;base64,R0lG"
            ),
            "{html}"
        );
    }

    #[test]
    fn other_than_pictures_are_not_shown_as_pictures() {
        for bytes in [&b""[..], b"<svg onload=x>", b"\x89PNG\r\n\x1a\n short", b"GIF8"] {
            let (description, none) = ("x".into(), String::new());
            let html = figure(&Picture { bytes: bytes.into(), description, caption: none.clone(), link: none });
            assert!(!html.contains("<img"), "{html}");
        }
    }
}
