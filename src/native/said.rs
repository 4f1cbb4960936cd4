//! What libtorch says, in one line: its texts end with a stack trace of C++, and `tch` wraps them in those of a panic.

/// What `tch` puts around a text of libtorch when an operator that can't return an error panics.
const WRAPPED: &str = "called `Result::unwrap()` on an `Err` value: ";

/// The first line of a text, without what was put around it. A text of other origin is only cut at its first line.
#[must_use]
pub fn brief(text: &str) -> String {
    let inner = text.strip_prefix(WRAPPED).and_then(|wrapped| wrapped.strip_prefix("Torch(\""));
    // Inside a panic the text is escaped: a line ends with a backslash and an n.
    let line = match inner {
        Some(escaped) => {
            let line = escaped.split("\\n").next().unwrap_or_default();
            line.strip_suffix("\")").unwrap_or(line).replace("\\\"", "\"").replace("\\'", "'")
        }
        None => text.lines().next().unwrap_or_default().to_owned(),
    };
    let line = line.split("Exception raised from").next().unwrap_or_default();
    line.trim_end_matches([' ', '(']).to_owned()
}

/// Whether a panic is that of an operator of `tch`.
#[must_use]
pub fn is_of_libtorch(panic: &str) -> bool {
    panic.strip_prefix(WRAPPED).is_some_and(|wrapped| wrapped.starts_with("Torch("))
}

/// What an error of `tch` says, in one line.
#[must_use]
pub fn error(error: &tch::TchError) -> String {
    brief(&error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_trace_and_the_words_of_a_panic_are_left_out() {
        let frames = "frame #0: c10::Error::Error(std::string) + 0x57 (0x7f in libc10.so)";
        let returned = format!("could not create a primitive\nException raised from submit at a.cpp:1:\n{frames}");
        let escaped = returned.replace('\n', "\\n");
        let panicked = format!("{WRAPPED}Torch(\"{escaped}\")");
        for text in [&returned, &panicked, "could not create a primitive (Exception raised from submit at a.cpp:1)"] {
            assert_eq!(brief(text), "could not create a primitive");
        }
        let quoted = format!("{WRAPPED}Torch(\"expected \\\"mean\\\"\")");
        assert_eq!(brief(&quoted), "expected \"mean\"");
        // As libtorch and `tch` really say it.
        let refused = || tch::Tensor::from_slice(&[1.0]).reshape([2]);
        let panic = std::panic::catch_unwind(refused).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(is_of_libtorch(text), "{text}");
        assert_eq!(brief(text), "shape '[2]' is invalid for input of size 1");
        assert_eq!(brief("index out of bounds: the len is 3"), "index out of bounds: the len is 3");
    }
}
