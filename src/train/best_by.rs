//! The key `train.checkpoint.best_by`: one name, or a list of names. `target` defines their meaning.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The names of the metrics that decide which weights are best, most important first. A single one is written as a string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMore", into = "OneOrMore")]
pub struct BestBy(pub Vec<String>);

impl Default for BestBy {
    fn default() -> Self {
        Self(vec!["loss".into()])
    }
}

/// How it is written.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl From<OneOrMore> for BestBy {
    fn from(written: OneOrMore) -> Self {
        match written {
            OneOrMore::One(name) => Self(vec![name]),
            OneOrMore::More(names) => Self(names),
        }
    }
}

impl From<BestBy> for OneOrMore {
    fn from(BestBy(mut names): BestBy) -> Self {
        match names.len() {
            1 => Self::One(names.remove(0)),
            _ => Self::More(names),
        }
    }
}

impl JsonSchema for BestBy {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BestBy".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A name, or a list of names.",
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_best_is_written_as_a_word_or_a_list() {
        for (text, names) in [(r#""loss""#, vec!["loss"]), (r#"["csi_35","loss"]"#, vec!["csi_35", "loss"])] {
            let read: BestBy = serde_json::from_str(text).unwrap();
            assert_eq!(
                (read.0.clone(), serde_json::to_string(&read).unwrap().as_str()),
                (names.into_iter().map(String::from).collect(), text)
            );
        }
    }
}
