//! The proof that config.yaml is what it says it is: every key of the schema, and each value either the program's
//! default or with the default written beside it.

use serde_json::Value as Json;

use super::shape::{Field, Shape, Variant};
use super::text::{Span, Text, Texts};
use super::tree::{Node, Value};
use super::{BUILT_IN, parse, schema};

fn read(text: &str) -> Node {
    let mut found = Vec::new();
    let node =
        parse::parse(0, text, 0..text.len(), &mut found).unwrap_or_else(|wrong| panic!("{text}: {}", wrong.message));
    assert_eq!(found, []);
    node.unwrap_or_else(|| panic!("nothing in {text:?}"))
}

/// The values of the lines "or:", as they would stand in the place of what they follow.
fn alternatives() -> Vec<Node> {
    BUILT_IN.lines().filter_map(|line| line.trim().strip_prefix("# or: ")).map(read).collect()
}

/// The comment on the line of a place.
fn comment(place: &Span) -> String {
    let mut texts = Texts::default();
    texts.add(Text { name: "config.yaml".into(), body: BUILT_IN.into(), numbered: true });
    let excerpt = texts.excerpt(place).unwrap();
    excerpt.line.split_once(" # ").map_or("", |(_, comment)| comment).to_owned()
}

/// The default that a comment claims, if it claims one.
fn claimed(comment: &str) -> Option<Json> {
    let (_, claim) = comment.split_once("[default: ")?;
    Some(read(claim.strip_suffix(']').unwrap()).json(&[]))
}

fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => a == b,
    }
}

/// Calls `visit` with every field that the tree writes or should write.
fn walk(node: &Node, shape: &Shape, path: &str, visit: &mut dyn FnMut(&str, &Field, &Node, &Span)) {
    for field in shape.fields() {
        let path = format!("{path}.{}", field.name);
        let entry = node.entry(&field.name).unwrap_or_else(|| panic!("{path} is missing"));
        visit(&path, field, &entry.node, &entry.key_span);
        walk(&entry.node, &field.shape, &path, visit);
    }
    for variant in shape.variants() {
        if let (Some(entry), Some(payload)) = (node.entry(&variant.name), &variant.payload) {
            walk(&entry.node, payload, &format!("{path}.{}", variant.name), visit);
        }
    }
    if let (Shape::List(item, ..), Value::List(items)) = (shape, &node.value) {
        for (index, node) in items.iter().enumerate() {
            walk(node, item, &format!("{path}.{index}"), visit);
        }
    }
}

#[test]
fn every_key_stands_in_the_reference_with_its_meaning() {
    let mut keys = 0;
    walk(&read(BUILT_IN), &Shape::of(&schema()), "", &mut |path, field, node, key| {
        keys += 1;
        let comment = comment(key);
        let explains_itself = matches!(field.shape.present(), Shape::Map(_) | Shape::Choice(_));
        assert!(explains_itself && matches!(node.value, Value::Map(_)) || comment.len() > 3, "{path} has no comment");
        for word in field.shape.variants().iter().filter(|variant| variant.payload.is_none()) {
            assert!(comment.contains(&word.name), "the comment of {path} does not name {:?}", word.name);
        }
    });
    assert!(keys > 60, "only {keys} keys were seen");
}

#[test]
fn every_value_is_the_default_or_has_it_beside_it() {
    let mut claims = 0;
    walk(&read(BUILT_IN), &Shape::of(&schema()), "", &mut |path, field, node, key| {
        let Some(default) = &field.default else { return };
        if matches!(node.value, Value::Map(_)) {
            // Its keys are looked at one by one; of a choice, the variant must be the default's.
            let variant = default.as_object().and_then(|keys| keys.keys().next());
            let is_choice = !field.shape.variants().is_empty();
            assert!(!is_choice || variant.is_some_and(|name| node.entry(name).is_some()), "{path} is not the default");
            return;
        }
        let written = node.json(&[]);
        match claimed(&comment(key)) {
            Some(claim) => {
                claims += 1;
                assert!(same(&claim, default), "{path}: the comment claims {claim}, the default is {default}");
                assert!(!same(&written, default), "{path} is the default: its comment need not claim one");
            }
            None => assert!(
                same(&written, default),
                "{path}: {written} is not the default {default}, which must stand beside it"
            ),
        }
    });
    assert_eq!(
        claims,
        BUILT_IN.matches("[default: ").count() - 1,
        "a claim stands where no value is (one is in the preface)"
    );
}

/// The variants with keys of every choice.
fn variants(shape: &Shape, found: &mut Vec<Variant>) {
    for field in shape.fields() {
        variants(&field.shape, found);
    }
    for variant in shape.variants() {
        if let Some(payload) = &variant.payload {
            found.push(variant.clone());
            variants(payload, found);
        }
    }
    if let Shape::List(item, ..) = shape.present() {
        variants(item, found);
    }
}

/// The alternative with this key, whether it is written as an item of a list or not.
fn alternative<'a>(nodes: &'a [Node], key: &str) -> Option<&'a Node> {
    nodes.iter().find_map(|node| {
        match &node.value {
            Value::List(items) => items.first().and_then(|item| item.entry(key)),
            _ => node.entry(key),
        }
        .map(|entry| &entry.node)
    })
}

#[test]
fn every_alternative_stands_in_the_reference_with_its_defaults() {
    let (alternatives, written) = (alternatives(), read(BUILT_IN));
    let mut expected = Vec::new();
    variants(&Shape::of(&schema()), &mut expected);
    let mut seen = 0;
    for Variant { name, payload } in expected {
        let in_use = ["data.source.0", "task", "train.optimizer", "train.schedule"]
            .iter()
            .any(|path| super::tree::join(path, &name).split('.').try_fold(&written, below).is_some());
        if in_use {
            continue;
        }
        seen += 1;
        let node = alternative(&alternatives, &name).unwrap_or_else(|| panic!("no line \"or:\" shows {name}"));
        let payload = payload.unwrap();
        walk(node, &payload, &name, &mut |path, field, node, _| {
            let written = node.json(&[]);
            assert!(
                field.default.as_ref().is_none_or(|default| same(&written, default)),
                "{path}: {written} is not the default"
            );
        });
    }
    assert!(seen >= 8, "only {seen} alternatives were expected");
    for key in ["train", "loss"] {
        assert!(alternative(&alternatives, key).is_some(), "no line \"or:\" shows {key} of a phase");
    }
}

fn below<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    match &node.value {
        Value::List(items) => items.get(key.parse::<usize>().ok()?),
        _ => node.entry(key).map(|entry| &entry.node),
    }
}
