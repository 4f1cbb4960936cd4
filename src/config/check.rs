//! Compares the tree of what was written with the expected shape: unknown keys, wrong types, unknown variants, missing
//! keys, each with its place and remedy. The components check ranges and combinations.

use std::str::FromStr;

use crate::train::config::DeviceChoice;
use crate::util::sha256::Digest;

use super::diagnostic::{Diagnostic, nearest};
use super::scalar;
use super::shape::{Field, Shape, Variant};
use super::text::Span;
use super::tree::{Entry, Node, Value, join};

/// What a check finds.
#[derive(Debug, Default)]
pub struct Findings {
    /// The mistakes.
    pub diagnostics: Vec<Diagnostic>,
    /// The dotted paths of the values that can't be used.
    pub unusable: Vec<String>,
}

/// Compares a whole configuration with its shape.
#[must_use]
pub fn check(root: &Node, shape: &Shape) -> Findings {
    let mut checker = Checker { root_shape: shape, findings: Findings::default() };
    checker.value(At { path: "", key: &root.span, default: None, description: "" }, root, shape);
    checker.findings
}

/// The context of a value: its path, its key (for values without text of their own), its default, what its key means.
#[derive(Clone, Copy)]
struct At<'a> {
    path: &'a str,
    key: &'a Span,
    default: Option<&'a serde_json::Value>,
    description: &'a str,
}

struct Checker<'a> {
    root_shape: &'a Shape,
    findings: Findings,
}

impl Checker<'_> {
    fn value(&mut self, at: At<'_>, node: &Node, shape: &Shape) {
        match (shape, &node.value) {
            (Shape::Any, _) | (Shape::Nullable(_), Value::Null) | (Shape::Bool, Value::Bool(_)) => {}
            (Shape::Nullable(inner), _) => self.value(at, node, inner),
            (Shape::OneOrMore(item), Value::List(items)) => self.list(at, node, items, (item, 1, usize::MAX)),
            (Shape::OneOrMore(item), _) => self.value(at, node, item),
            (Shape::WordOr(word, _), Value::Text(text)) if text == word => {}
            (Shape::WordOr(_, inner), Value::Integer(_)) => self.value(at, node, inner),
            (Shape::WordOr(_, inner), Value::Bool(_)) if **inner == Shape::Bool => {}
            (Shape::Map(fields), Value::Map(entries)) => self.map(at, entries, fields),
            (Shape::Each(item), Value::Map(entries)) => {
                for entry in entries {
                    let path = join(at.path, &entry.key);
                    self.value(
                        At { path: &path, key: &entry.key_span, default: None, description: at.description },
                        &entry.node,
                        item,
                    );
                }
            }
            (Shape::Either(one, _), value) if looks_like(value, one) => self.value(at, node, one),
            (Shape::Either(_, other), value) if looks_like(value, other) => self.value(at, node, other),
            (Shape::Short(_, variants), Value::Map(entries)) if names_variant(entries, shape) => {
                self.variant(at, node, entries, variants);
            }
            (Shape::Short(fields, _), Value::Map(entries)) => self.map(at, entries, fields),
            (Shape::Short(_, variants), Value::Text(word)) => self.word(at, node, word, variants),
            (Shape::List(item, least, most), Value::List(items)) => self.list(at, node, items, (item, *least, *most)),
            (Shape::Choice(variants), Value::Text(word)) => self.word(at, node, word, variants),
            (Shape::Choice(variants), Value::Map(entries)) => self.variant(at, node, entries, variants),
            (Shape::Text(rules), Value::Text(text)) => self.text(at, node, text, rules.as_deref()),
            (Shape::Integer(least, most), Value::Integer(value)) => self.integer(at, node, *value, *least, *most),
            (Shape::Number, Value::Integer(_)) => {}
            (Shape::Number, Value::Float(value)) if value.is_finite() => {}
            _ => self.mismatch(at, node, shape),
        }
    }

    fn map(&mut self, at: At<'_>, entries: &[Entry], fields: &[Field]) {
        for entry in entries {
            let path = join(at.path, &entry.key);
            match fields.iter().find(|field| field.name == entry.key) {
                Some(field) => {
                    let (key, default) = (&entry.key_span, field.default.as_ref());
                    let below = At { path: &path, key, default, description: &field.description };
                    self.value(below, &entry.node, &field.shape);
                }
                None => {
                    let wrong = unknown_key(&entry.key, &entry.key_span, at.path, fields, self.root_shape);
                    self.unusable(&path, wrong);
                }
            }
        }
        let is_missing = |field: &&Field| field.required && !entries.iter().any(|entry| entry.key == field.name);
        for field in fields.iter().filter(is_missing) {
            let path = join(at.path, &field.name);
            let wrong = Diagnostic::at(at.key, format!("the key `{path}` is missing"));
            let help = format!("add `{}: {}`", field.name, field.shape.example());
            self.unusable(&path, wrong.note(field.description.clone()).help(help));
        }
    }

    fn list(&mut self, at: At<'_>, node: &Node, items: &[Node], (item, least, most): (&Shape, usize, usize)) {
        if !(least..=most).contains(&items.len()) {
            let expected = match most {
                _ if least == most => least.to_string(),
                usize::MAX => format!("at least {least}"),
                _ => format!("{least} to {most}"),
            };
            let noun = if expected.ends_with(" 1") || expected == "1" { "item" } else { "items" };
            let message = format!("{} must have {expected} {noun}, got {}", named(at.path), items.len());
            let wrong = Diagnostic::at(&node.span, message);
            let is_pair_or_so = least == most && least > 1;
            let wrong = match at.default.filter(|default| !default.is_null()) {
                None if is_pair_or_so => {
                    let items = vec![item.example(); least].join(", ");
                    wrong.note(at.description.to_owned()).help(format!("write {least}: [{items}]"))
                }
                _ => with_default(wrong, at),
            };
            self.unusable(at.path, wrong);
            return;
        }
        for (index, node) in items.iter().enumerate() {
            let path = join(at.path, &index.to_string());
            self.value(At { path: &path, key: &node.span, default: None, description: at.description }, node, item);
            if self.findings.unusable.last() == Some(&path) {
                // Without this item the others would change their numbers: the list as a whole can't be used.
                self.findings.unusable.push(at.path.to_owned());
            }
        }
    }

    fn word(&mut self, at: At<'_>, node: &Node, word: &str, variants: &[Variant]) {
        match variants.iter().find(|variant| variant.name == word) {
            Some(Variant { payload: None, .. }) => {}
            Some(variant) => {
                let wrong = Diagnostic::at(&node.span, format!("{word:?} needs keys of its own"));
                let key = last(at.path);
                self.unusable(
                    at.path,
                    wrong.help(format!("write `{key}: {}` and what differs from the defaults", variant.example())),
                );
            }
            None => self.unusable(at.path, unknown_variant(word, &node.span, at.path, variants)),
        }
    }

    fn variant(&mut self, at: At<'_>, node: &Node, entries: &[Entry], variants: &[Variant]) {
        let [entry] = entries else {
            let place = entries.get(1).map_or(&node.span, |entry| &entry.key_span);
            let got: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
            let got = if got.is_empty() { "nothing".into() } else { got.join(" and ") };
            let wrong = Diagnostic::at(place, format!("{} must be exactly one thing, got {got}", named(at.path)));
            self.unusable(at.path, wrong.help(format!("keep one of {}", names(variants))));
            return;
        };
        match variants.iter().find(|variant| variant.name == entry.key) {
            Some(Variant { payload: Some(payload), .. }) => {
                let path = join(at.path, &entry.key);
                let below = At { path: &path, key: &entry.key_span, default: None, description: "" };
                self.value(below, &entry.node, payload);
            }
            Some(variant) => {
                let wrong = Diagnostic::at(&entry.key_span, format!("{:?} has no keys", variant.name));
                self.unusable(at.path, wrong.help(format!("write `{}: {}`", last(at.path), variant.name)));
            }
            None => self.unusable(at.path, unknown_variant(&entry.key, &entry.key_span, at.path, variants)),
        }
    }

    fn text(&mut self, at: At<'_>, node: &Node, text: &str, rules: Option<&str>) {
        let (outcome, help) = match rules {
            Some("device") => (DeviceChoice::from_str(text).map(drop), "write auto, cpu, cuda or cuda:0"),
            Some("sha256") => {
                (Digest::from_str(text).map(drop), "write the 64 digits that `sha256sum FILE` prints, or null")
            }
            _ => (Ok(()), ""),
        };
        if let Err(message) = outcome {
            self.unusable(at.path, Diagnostic::at(&node.span, format!("{}: {message}", named(at.path))).help(help));
        }
    }

    fn integer(&mut self, at: At<'_>, node: &Node, value: i128, least: i128, most: i128) {
        let message = match value {
            _ if value < least && least == 0 => format!("{} must not be negative, got {value}", named(at.path)),
            _ if value < least => format!("{} must be at least {least}, got {value}", named(at.path)),
            _ if value > most => format!("{} must be at most {most}, got {value}", named(at.path)),
            _ => return,
        };
        self.unusable(at.path, with_default(Diagnostic::at(&node.span, message), at));
    }

    fn mismatch(&mut self, at: At<'_>, node: &Node, shape: &Shape) {
        let place = node.visible(at.key);
        let message = format!("{} must be {}, got {}", named(at.path), expectation(shape), node.value.described());
        let wrong = Diagnostic::at(place, message);
        let is_item = last(at.path).parse::<usize>().is_ok();
        let wrong = match hint(&node.value, shape, at.path) {
            // An item of a list has no key to write before it.
            Some(_) if is_item && matches!(shape, Shape::List(..)) => {
                wrong.note(at.description.to_owned()).help(format!("write {} in its place", shape.example()))
            }
            Some(help) => wrong.help(help),
            None => with_default(wrong, at),
        };
        self.unusable(at.path, wrong);
    }

    fn unusable(&mut self, path: &str, wrong: Diagnostic) {
        self.findings.diagnostics.push(wrong);
        self.findings.unusable.push(path.to_owned());
    }
}

/// Whether a value has the form of this shape, whatever is in it.
fn looks_like(value: &Value, shape: &Shape) -> bool {
    match (shape, value) {
        (Shape::Either(one, other), _) => looks_like(value, one) || looks_like(value, other),
        (Shape::Text(_), Value::Text(_))
        | (Shape::Integer(..), Value::Integer(_))
        | (Shape::List(..), Value::List(_)) => true,
        _ => false,
    }
}

/// Whether one of the variants is named, or what looks like one: a single key, unknown, with keys of its own.
fn names_variant(entries: &[Entry], shape: &Shape) -> bool {
    let is_variant = |entry: &Entry| shape.variants().iter().any(|variant| variant.name == entry.key);
    let is_unknown = |entry: &Entry| shape.fields().iter().all(|field| field.name != entry.key);
    let looks_like_one = matches!(entries, [only] if is_unknown(only) && matches!(only.node.value, Value::Map(_)));
    looks_like_one || entries.iter().any(is_variant)
}

/// The mistake of a key that a section does not have.
pub fn unknown_key(key: &str, place: &Span, section: &str, fields: &[Field], root: &Shape) -> Diagnostic {
    let inside = if section.is_empty() { String::new() } else { format!(" in `{section}`") };
    let wrong = Diagnostic::at(place, format!("unknown key {key:?}{inside}"));
    let here: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    if let Some(meant) = nearest(key, here.iter().copied()) {
        return wrong.help(format!("did you mean {meant:?}?"));
    }
    match root.home_of(key) {
        Some(home) if home.is_empty() => wrong.help(format!("{key:?} is at the top level, outside every section")),
        Some(home) => wrong.help(format!("{key:?} belongs below `{home}`")),
        None => wrong.help(format!("the keys here are {}", here.join(", "))),
    }
}

/// The mistake of a variant that a choice does not have.
pub fn unknown_variant(word: &str, place: &Span, path: &str, variants: &[Variant]) -> Diagnostic {
    let wrong = Diagnostic::at(place, format!("unknown value {word:?} for {}", named(path)));
    match nearest(word, variants.iter().map(|variant| variant.name.as_str())) {
        Some(meant) => wrong.note(format!("it may be {}", names(variants))).help(format!("did you mean {meant:?}?")),
        None => wrong.help(format!("it may be {}", names(variants))),
    }
}

fn names(variants: &[Variant]) -> String {
    variants.iter().map(|variant| variant.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn named(path: &str) -> String {
    if path.is_empty() { "the configuration".into() } else { format!("`{path}`") }
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn with_default(wrong: Diagnostic, at: At<'_>) -> Diagnostic {
    match at.default {
        Some(default) => wrong.help(format!("the default is {default}")),
        None => wrong,
    }
}

fn expectation(shape: &Shape) -> String {
    match shape.present() {
        Shape::Map(_) | Shape::Short(..) => "keys with values".into(),
        Shape::List(..) => "a list".into(),
        Shape::Choice(variants) => format!("one of {}", names(variants)),
        Shape::Text(_) | Shape::Any => "text".into(),
        Shape::Bool => "true or false".into(),
        Shape::Integer(..) => "a whole number".into(),
        Shape::Number => "a finite number".into(),
        Shape::Each(_) => "keys with values".into(),
        Shape::Either(one, other) => format!("{} or {}", expectation(one), expectation(other)),
        Shape::OneOrMore(item) => format!("{}, or a list of it", expectation(item)),
        Shape::WordOr(word, other) if **other == Shape::Bool => format!("{word}, true or false"),
        Shape::WordOr(word, other) => format!("{word} or {}", expectation(other)),
        Shape::Nullable(_) => "a value".into(),
    }
}

fn takes_number(shape: &Shape) -> bool {
    match shape.present() {
        Shape::Integer(..) | Shape::Number => true,
        Shape::WordOr(_, other) => takes_number(other),
        _ => false,
    }
}

/// What to write, if the intention can be guessed.
fn hint(value: &Value, shape: &Shape, path: &str) -> Option<String> {
    let key = last(path);
    match (shape.present(), value) {
        (Shape::WordOr(_, other), _) => hint(value, other, path),
        (Shape::Text(_), Value::Integer(_) | Value::Float(_) | Value::Bool(_)) => {
            let is_item = key.parse::<usize>().is_ok();
            Some(if is_item {
                "put it into quotes".to_owned()
            } else {
                format!("put it into quotes: `{key}: \"...\"`")
            })
        }
        (Shape::Text(_), Value::List(_) | Value::Map(_)) => Some(format!("write `{key}: \"...\"`, without brackets")),
        (Shape::Integer(..), Value::Float(number)) if number.fract() == 0.0 && number.abs() < 1e15 => {
            Some(format!("write `{key}: {number}`"))
        }
        (Shape::Integer(..) | Shape::Number, Value::Text(text)) => match scalar::plain(&text.replace(['_', ','], "")) {
            Value::Integer(number) => Some(format!("write `{key}: {number}`")),
            Value::Float(number) if number.is_finite() => Some(format!("write `{key}: {number:?}`")),
            _ => None,
        },
        (Shape::Bool, Value::Text(word)) => match word.to_lowercase().as_str() {
            "yes" | "on" | "y" | "true" => Some(format!("write `{key}: true`")),
            "no" | "off" | "n" | "false" => Some(format!("write `{key}: false`")),
            _ => None,
        },
        (Shape::Map(_) | Shape::Short(..), Value::Null) => {
            Some(format!("write `{key}: {}`, or its keys below it", shape.example()))
        }
        (Shape::List(..), Value::Map(_)) => Some("put `- ` before it: it is a list, even with one item".into()),
        (Shape::List(item, least, most), Value::Integer(number)) if takes_number(item) => {
            // A list of a fixed length, such as rows and columns, takes the number for each.
            let times = if least == most { *least } else { 1 };
            Some(format!("write `{key}: [{}]`", vec![number.to_string(); times].join(", ")))
        }
        (Shape::List(..), _) => Some(format!("write `{key}: {}`", shape.example())),
        (Shape::Map(fields), _) if fields.is_empty() => Some(format!("write `{key}: {{}}`")),
        (Shape::Map(fields) | Shape::Short(fields, _), _) => {
            let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            Some(format!("the keys here are {}", names.join(", ")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(item: Shape, least: usize, most: usize) -> Shape {
        Shape::List(Box::new(item), least, most)
    }

    #[test]
    fn a_number_in_place_of_a_list_gets_a_list_of_the_length_that_is_needed() {
        let number = || Shape::Integer(1, 9);
        let written = |shape: &Shape| hint(&Value::Integer(32), shape, "prepare.size").unwrap();
        assert_eq!(written(&list(number(), 2, 2)), "write `size: [32, 32]`");
        assert_eq!(written(&list(number(), 1, usize::MAX)), "write `size: [32]`");
        assert_eq!(written(&list(Shape::Map(Vec::new()), 0, usize::MAX)), "write `size: [{}]`");
    }
}
