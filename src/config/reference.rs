//! Tests that config.yaml is the reference it claims to be: every key of the schema, and each value either the
//! program's default or with the default written beside it. Of every other task a file in `configs/` is the reference
//! of its section.

use std::path::Path;

use serde_json::Value as Json;

use super::schema::schema_of;
use super::shape::{Field, Shape, Variant};
use super::text::{Span, Text, Texts};
use super::tree::{Node, Value};
use super::{BUILT_IN, parse};

fn read(text: &str) -> Node {
    let mut found = Vec::new();
    let node =
        parse::parse(0, text, 0..text.len(), &mut found).unwrap_or_else(|wrong| panic!("{text}: {}", wrong.message));
    assert_eq!(found, []);
    node.unwrap_or_else(|| panic!("nothing in {text:?}"))
}

/// A commented file, and the section that it is the reference of.
struct Reference {
    text: String,
    path: String,
    node: Node,
    shape: Shape,
}

impl Reference {
    /// That of the whole configuration with the task that it has.
    fn whole() -> Self {
        let node = read(BUILT_IN);
        let task = task(&node).to_owned();
        let mut shape = Shape::of(&schema_of(Some(&task)));
        if let Shape::Map(fields) = &mut shape
            && let Some(Shape::Choice(tasks)) = fields.iter_mut().find(|f| f.name == "task").map(|f| &mut f.shape)
        {
            tasks.retain(|variant| variant.name == task);
        }
        Self { text: BUILT_IN.into(), path: String::new(), node, shape }
    }

    /// That of the section of a task.
    fn of(task: &Variant, texts: &[String]) -> Self {
        let section = |text: &String| Some(read(text).entry("task")?.node.entry(&task.name)?.node.clone());
        let (text, node) = texts
            .iter()
            .find_map(|text| Some((text.clone(), section(text)?)))
            .unwrap_or_else(|| panic!("no file in configs/ has the task {}", task.name));
        Self { text, path: format!("task.{}", task.name), node, shape: task.payload.clone().unwrap() }
    }

    fn all() -> Vec<Self> {
        let whole = Self::whole();
        let shape = Shape::of(&schema_of(None));
        let tasks = shape.fields().iter().find(|field| field.name == "task").unwrap().shape.variants();
        let others = tasks.iter().filter(|other| other.name != task(&whole.node));
        let texts = configs();
        let others: Vec<Self> = others.map(|other| Self::of(other, &texts)).collect();
        std::iter::once(whole).chain(others).collect()
    }

    fn walk(&self, visit: &mut dyn FnMut(&str, &Field, &Node, &Span)) {
        walk(&self.node, &self.shape, &self.path, visit);
    }

    /// The values of the lines "or:", as they would be written in the place of what they follow.
    fn alternatives(&self) -> Vec<Node> {
        self.text.lines().filter_map(|line| line.trim().strip_prefix("# or: ")).map(read).collect()
    }

    /// The comment on the line of a place.
    fn comment(&self, place: &Span) -> String {
        let mut texts = Texts::default();
        texts.add(Text { name: "config.yaml".into(), body: self.text.clone(), numbered: true });
        let excerpt = texts.excerpt(place).unwrap();
        excerpt.line.split_once(" # ").map_or("", |(_, comment)| comment).to_owned()
    }
}

/// The texts of the files in `configs/`, by their names.
fn configs() -> Vec<String> {
    let entries = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").read_dir().unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// The name of the task of a configuration.
fn task(root: &Node) -> &str {
    match &root.entry("task").unwrap().node.value {
        Value::Map(tasks) => &tasks[0].key,
        other => panic!("{other:?}"),
    }
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

/// Calls `visit` with every field that the tree writes or should write. A section that is off has no keys.
fn walk(node: &Node, shape: &Shape, path: &str, visit: &mut dyn FnMut(&str, &Field, &Node, &Span)) {
    if is_off(shape, Some(node)) {
        return;
    }
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
fn every_key_is_in_its_reference_with_its_meaning() {
    let mut keys = 0;
    for reference in Reference::all() {
        reference.walk(&mut |path, field, node, key| {
            keys += 1;
            let comment = reference.comment(key);
            let explains_itself = matches!(field.shape.present(), Shape::Map(_) | Shape::Choice(_));
            let is_section = explains_itself && matches!(node.value, Value::Map(_));
            assert!(is_section || comment.len() > 3, "{path} has no comment");
            for word in field.shape.variants().iter().filter(|variant| variant.payload.is_none()) {
                assert!(comment.contains(&word.name), "the comment of {path} does not name {:?}", word.name);
            }
        });
    }
    assert!(keys > 60, "only {keys} keys were seen");
}

#[test]
fn every_value_is_the_default_or_has_it_beside_it() {
    for reference in Reference::all() {
        let mut claims = 0;
        reference.walk(&mut |path, field, node, key| {
            claims += usize::from(claims_default(&reference, path, field, node, key))
        });
        let is_whole = reference.path.is_empty();
        let written = BUILT_IN.matches("[default: ").count() - 1;
        assert!(!is_whole || claims == written, "a claim is beside no value (one is in the preface)");
    }
}

/// Whether a value that is not the default claims one.
fn claims_default(reference: &Reference, path: &str, field: &Field, node: &Node, key: &Span) -> bool {
    let Some(default) = &field.default else { return false };
    if matches!(node.value, Value::Map(_)) {
        // Its keys are looked at one by one; of a choice, the variant must be the default's.
        let variant = default.as_object().and_then(|keys| keys.keys().next());
        let is_choice = !field.shape.variants().is_empty() && field.shape.fields().is_empty();
        let Some(variant) = variant.filter(|name| is_choice && node.entry(name).is_none()) else { return false };
        let claim = claimed(&reference.comment(key));
        assert_eq!(
            claim,
            Some(Json::from(variant.as_str())),
            "{path} is not the default, {variant}; write it beside it"
        );
        return true;
    }
    let (written, claim) = (node.json(&[]), claimed(&reference.comment(key)));
    match &claim {
        Some(claim) => {
            assert!(same(claim, default), "{path}: the comment claims {claim}, the default is {default}");
            assert!(!same(&written, default), "{path} is the default: its comment need not claim one");
        }
        None => assert!(same(&written, default), "{path}: {written} is not the default {default}; write it beside it"),
    }
    claim.is_some()
}

/// Whether it is a section with null in its place.
fn is_off(shape: &Shape, node: Option<&Node>) -> bool {
    let is_section = matches!(shape, Shape::Nullable(_)) && matches!(shape.present(), Shape::Map(_));
    is_section && node.is_some_and(|node| node.value == Value::Null)
}

/// The variants with keys of every choice that are not the one that is written, and the sections that are off.
fn unwritten(shape: &Shape, node: Option<&Node>, found: &mut Vec<Variant>) {
    let entry = |name: &str| node.and_then(|node| node.entry(name)).map(|entry| &entry.node);
    // A phase has the keys of `train` and of the task's loss, which are shown there.
    for field in shape.fields().iter().filter(|field| field.name != "phases") {
        if is_off(&field.shape, entry(&field.name)) {
            found.push(Variant { name: field.name.clone(), payload: Some(field.shape.present().clone()) });
        }
        unwritten(&field.shape, entry(&field.name), found);
    }
    for variant in shape.variants() {
        if let Some(payload) = &variant.payload {
            if entry(&variant.name).is_none() {
                found.push(variant.clone());
            }
            unwritten(payload, entry(&variant.name), found);
        }
    }
    if let Shape::List(item, ..) = shape.present() {
        let first = match node.map(|node| &node.value) {
            Some(Value::List(items)) => items.first(),
            _ => None,
        };
        unwritten(item, first, found);
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
fn every_alternative_is_in_its_reference_with_its_defaults() {
    for reference in Reference::all() {
        let alternatives = reference.alternatives();
        let mut expected = Vec::new();
        unwritten(&reference.shape, Some(&reference.node), &mut expected);
        assert!(!reference.path.is_empty() || expected.len() >= 8, "only {} were expected", expected.len());
        for Variant { name, payload } in expected {
            let node = alternative(&alternatives, &name).unwrap_or_else(|| panic!("no line \"or:\" shows {name}"));
            walk(node, &payload.unwrap(), &name, &mut |path, field, node, _| {
                let written = node.json(&[]);
                let is_default = field.default.as_ref().is_none_or(|default| same(&written, default));
                assert!(is_default, "{path}: {written} is not the default");
            });
        }
    }
    let alternatives = Reference::whole().alternatives();
    for key in ["train", "loss"] {
        assert!(alternative(&alternatives, key).is_some(), "no line \"or:\" shows {key} of a phase");
    }
}
