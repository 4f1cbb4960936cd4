//! The configuration as it was written: values with their places. Not typed yet: `check` compares it with the schema.

use serde_json::{Map, Number};

use super::text::Span;

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Its place; for a list or a map, where it begins.
    pub span: Span,
}

/// A value as YAML has them.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing, or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// A number with a point or an exponent, or one that is not finite.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys with their values, in the order in which they were written.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key was written.
    pub key_span: Span,
    /// The value.
    pub node: Node,
}

impl Value {
    /// What people call a value of this kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "keys",
        }
    }

    /// The value for messages: itself if it is short, otherwise its kind.
    #[must_use]
    pub fn described(&self) -> String {
        match self {
            Self::Null => "nothing (null)".into(),
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => format!("{value:?}"),
            Self::Text(text) if text.chars().count() <= 60 => format!("the text {text:?}"),
            Self::Text(text) => format!("the text {:?}...", text.chars().take(50).collect::<String>()),
            other => other.kind().into(),
        }
    }
}

impl Node {
    /// The entry of a map.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The only key's value: what a variant holds, whose name a path may leave out.
    fn only(&self) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => match &entries[..] {
                [only] => Some(&only.node),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether a dotted path was written; variants by their names.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        path.split('.').try_fold(self, |node, key| node.entry(key).map(|entry| &entry.node)).is_some()
    }

    /// Where a dotted path was written, or the nearest thing above it that was.
    #[must_use]
    pub fn place(&self, path: &str) -> Span {
        let mut node = self;
        let mut key_span = None;
        for segment in path.split('.') {
            if node.entry(segment).is_none()
                && let Some(only) = node.only().filter(|only| only.entry(segment).is_some())
            {
                node = only;
            }
            let below = match &node.value {
                Value::List(items) => segment.parse().ok().and_then(|index: usize| items.get(index)),
                _ => None,
            };
            if let Some(item) = below {
                (node, key_span) = (item, None);
            } else if let Some(entry) = node.entry(segment) {
                (node, key_span) = (&entry.node, Some(&entry.key_span));
            } else {
                return key_span.unwrap_or(&node.span).clone();
            }
        }
        match (&node.value, key_span) {
            (Value::Map(_), Some(key)) => key.clone(),
            (_, Some(key)) => node.visible(key).clone(),
            _ => node.span.clone(),
        }
    }

    /// The place of the value, or of its key if the value is empty and so has no visible place.
    #[must_use]
    pub fn visible<'a>(&'a self, key: &'a Span) -> &'a Span {
        let unseen = self.span.start >= self.span.end && self.span.text == key.text;
        if unseen { key } else { &self.span }
    }

    /// The value without places, leaving out what `leave_out` names by its dotted path.
    #[must_use]
    pub fn json(&self, leave_out: &[String]) -> serde_json::Value {
        self.json_at("", leave_out)
    }

    fn json_at(&self, path: &str, leave_out: &[String]) -> serde_json::Value {
        let below = |key: &str| join(path, key);
        let kept = |key: &str| !leave_out.iter().any(|bad| *bad == below(key));
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Integer(value) => Number::from_i128(*value).map_or_else(|| (*value as f64).into(), Into::into),
            Value::Float(value) => (*value).into(),
            Value::Text(text) => text.clone().into(),
            Value::List(items) => {
                let json = |(index, item): (usize, &Self)| {
                    let index = index.to_string();
                    kept(&index).then(|| item.json_at(&below(&index), leave_out))
                };
                items.iter().enumerate().filter_map(json).collect()
            }
            Value::Map(entries) => {
                let kept = entries.iter().filter(|entry| kept(&entry.key));
                kept.map(|entry| (entry.key.clone(), entry.node.json_at(&below(&entry.key), leave_out)))
                    .collect::<Map<_, _>>()
                    .into()
            }
        }
    }
}

/// A dotted path and one key more.
#[must_use]
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
