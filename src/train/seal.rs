//! A JSON object whose last key is the digest of the lines above it: any later change, by one bit or by hand, is found.

use crate::util::sha256::Digest;

/// Adds the digest to a pretty-printed object.
///
/// # Errors
/// If it is not an object.
pub fn seal(json: &str, key: &str) -> Result<String, String> {
    let body = json.trim_end().strip_suffix("\n}").ok_or("it is not a JSON object")?;
    Ok(sealed(body, key))
}

/// The object without its digest.
///
/// # Errors
/// If the digest is missing or does not match.
pub fn open(text: &[u8], key: &str) -> Result<String, String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    let (body, _) = text.rsplit_once(&begin(key)).ok_or("its digest is missing")?;
    match sealed(body, key) == text {
        true => Ok(format!("{body}\n}}")),
        false => Err("it does not fit its own digest".into()),
    }
}

fn begin(key: &str) -> String {
    format!(",\n  \"{key}\": \"")
}

fn sealed(body: &str, key: &str) -> String {
    format!("{body}{}{}\"\n}}\n", begin(key), Digest::of(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_or_missing_byte_is_found() {
        let text = seal("{\n  \"seed\": 42\n}\n", "sha256").unwrap();
        assert_eq!(open(text.as_bytes(), "sha256").unwrap(), "{\n  \"seed\": 42\n}");
        for place in 0..text.len() {
            for bit in 0..8 {
                let mut changed = text.clone().into_bytes();
                changed[place] ^= 1 << bit;
                assert!(open(&changed, "sha256").is_err(), "bit {bit} of byte {place}");
            }
            assert!(open(&text.as_bytes()[..place], "sha256").is_err(), "cut at {place}");
        }
        assert!(seal("[]", "sha256").is_err());
    }
}
