//! The folder of a prepared dataset: readable, and different for every set of options that changes its bytes.

use crate::util::sha256::Digest;

/// The folder's name, such as `dbz-250x250-mean-1f0c2a9b`: words for people, then the hash of a text that says everything
/// which changes the bytes.
#[must_use]
pub fn folder_name(words: &[&str], options: &str) -> String {
    let plain = |word: &&str| -> String {
        let plain =
            |character: char| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '_' };
        word.chars().map(plain).collect()
    };
    let digest = Digest::of(options.as_bytes()).to_string();
    let words = words.iter().map(plain).chain([digest.split_at(8).0.to_owned()]);
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_has_plain_words_and_eight_digits_of_the_options() {
        let digest = Digest::of(b"1/2").to_string();
        assert_eq!(folder_name(&["Z ñ/", "28x28"], "1/2"), format!("z___-28x28-{}", &digest[..8]));
        assert_ne!(folder_name(&["a"], "1/2"), folder_name(&["a"], "1/3"));
    }
}
