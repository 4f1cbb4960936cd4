//! What an unquoted word of YAML means: the core schema of YAML 1.2. So `yes` and `on` are text, and 1e-5 is a number.

use super::tree::Value;

/// The value of an unquoted word.
#[must_use]
pub fn plain(word: &str) -> Value {
    match word {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Value::Float(f64::NAN),
        _ => integer(word).or_else(|| float(word)).unwrap_or_else(|| Value::Text(word.to_owned())),
    }
}

fn integer(word: &str) -> Option<Value> {
    let radix =
        |digits: &str, radix| i128::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with(['+', '-']));
    let value = match word.as_bytes() {
        [b'0', b'x', ..] => radix(&word[2..], 16),
        [b'0', b'o', ..] => radix(&word[2..], 8),
        _ => word.parse().ok(),
    };
    value.map(Value::Integer)
}

fn float(word: &str) -> Option<Value> {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Some(Value::Float(if word.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }));
    }
    let digit = |byte: &u8| byte.is_ascii_digit();
    let number = unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && unsigned.bytes().take(2).any(|byte| digit(&byte))
        && !unsigned.starts_with(['+', '-']);
    // Rust reads every float of the core schema once words such as "inf" and "e5" are out of the way.
    number.then(|| word.parse().ok().map(Value::Float)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_every_way_that_yaml_writes_them() {
        for (word, value) in [("0", 0), ("-17", -17), ("+5", 5), ("0x1F", 31), ("0o17", 15), ("007", 7)] {
            assert_eq!(plain(word), Value::Integer(value), "{word}");
        }
        for (word, value) in [("1e-5", 1e-5), ("1.0e-5", 1e-5), (".5", 0.5), ("-2.", -2.0), ("1E+3", 1000.0)] {
            assert_eq!(plain(word), Value::Float(value), "{word}");
        }
        assert_eq!(plain("-.inf"), Value::Float(f64::NEG_INFINITY));
        assert_eq!(plain("1e999"), Value::Float(f64::INFINITY));
        assert!(matches!(plain(".nan"), Value::Float(value) if value.is_nan()));
    }

    #[test]
    fn words_that_only_look_like_numbers_are_text() {
        for word in
            ["yes", "inf", "nan", "e5", "1e", "1.2.3", "1_000", "--5", "+-5", ".", "-", "0x-1", "2026-11-20", "cuda:0"]
        {
            assert_eq!(plain(word), Value::Text(word.into()), "{word}");
        }
    }

    #[test]
    fn nothing_and_truth_have_their_words() {
        assert_eq!([plain("~"), plain("null"), plain("")], [Value::Null, Value::Null, Value::Null]);
        assert_eq!([plain("true"), plain("False")], [Value::Bool(true), Value::Bool(false)]);
    }
}
