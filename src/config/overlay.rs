//! Environment variables and flags laid over the tree of the file. Each has its own text, so that a mistake in it is
//! shown where it was written.

use std::ops::Range;

use super::check::{unknown_key, unknown_variant};
use super::diagnostic::Diagnostic;
use super::parse::parse;
use super::scalar;
use super::shape::{Field, Shape, Variant};
use super::text::{Span, Text, Texts};
use super::tree::{Entry, Node, Value, join};
use super::variables::{is_unknown, meant};
use crate::util::units::count;

/// The start of the environment variables that set keys: `FRAGUA__TRAIN__EPOCHS=3`.
pub const PREFIX: &str = "FRAGUA__";

/// A value from outside the file for one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// What the person wrote, for messages: `--set train.epochs=3`, `--epochs 3`.
    pub origin: String,
    /// The dotted path of the key.
    pub path: String,
    /// The value, as YAML.
    pub value: String,
}

impl Override {
    /// A flag that sets one key, such as `--epochs 3` for `train.epochs`.
    #[must_use]
    pub fn flag(flag: &str, path: &str, value: &str) -> Self {
        Self { origin: format!("{flag} {value}"), path: path.into(), value: value.into() }
    }

    /// The argument of `--set`: `train.epochs=3`. Without `=` the value is nothing, and loading says what to write.
    #[must_use]
    pub fn set(argument: &str) -> Self {
        let (path, value) = argument.split_once('=').unwrap_or((argument, ""));
        Self { origin: format!("--set {argument}"), path: path.into(), value: value.into() }
    }
}

/// One key and its value, as bytes of the text that they were written in.
struct Assignment {
    source: &'static str,
    body: String,
    keys: Vec<(String, Range<usize>)>,
    value: Range<usize>,
}

/// The environment variables that set keys or were perhaps meant to, out of all variables.
pub fn environment(variables: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    let is_ours = |name: &str| sets_key(name) || is_unknown(name);
    let mut ours: Vec<_> = variables.into_iter().filter(|(name, _)| is_ours(name)).collect();
    ours.sort();
    ours
}

fn sets_key(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// Lays environment variables, then flags, over the tree.
pub fn overlay(
    root: &mut Node,
    shape: &Shape,
    texts: &mut Texts,
    environment: &[(String, String)],
    overrides: &[Override],
) -> Vec<Diagnostic> {
    let (setting, unknown): (Vec<_>, Vec<_>) = environment.iter().partition(|(name, _)| sets_key(name));
    let variables = setting.into_iter().map(|(name, value)| from_variable(name, value));
    let assignments: Vec<_> = variables.chain(overrides.iter().map(from_override)).collect();
    let mut found: Vec<_> =
        unknown.iter().filter_map(|(name, value)| unknown_variable(name, value, shape, texts)).collect();
    for assignment in assignments {
        let text = Text { name: assignment.source.into(), body: assignment.body.clone(), numbered: false };
        let text = texts.add(text);
        let before = root.clone();
        if let Err(wrong) = assign(root, shape, text, &assignment, &mut found) {
            // An incomplete assignment must not cause further mistakes.
            *root = before;
            found.push(*wrong);
        }
    }
    found
}

/// The mistake of a variable that sets nothing but was meant to.
fn unknown_variable(name: &str, value: &str, shape: &Shape, texts: &mut Texts) -> Option<Diagnostic> {
    let meant = meant(name, shape)?;
    let text = texts.add(Text { name: "environment".into(), body: format!("{name}={value}"), numbered: false });
    let wrong = Diagnostic::at(&Span::new(text, 0..name.len()), format!("unknown variable {name}"));
    Some(wrong.help(format!("did you mean {meant}? `__` stands before every key of a path")))
}

fn from_variable(name: &str, value: &str) -> Assignment {
    let body = format!("{name}={value}");
    let keys = split(&name[PREFIX.len()..], "__", PREFIX.len());
    let keys = keys.into_iter().map(|(key, at)| (key.to_lowercase(), at)).collect();
    Assignment { source: "environment", value: name.len() + 1..body.len(), keys, body }
}

fn from_override(given: &Override) -> Assignment {
    let body = given.origin.clone();
    let start = body.len().saturating_sub(given.value.len());
    if !body.ends_with(&given.value) || !body.is_char_boundary(start) {
        // The flag has its own spelling of the value; what is parsed is the converted value.
        let body = format!("{body} = {}", given.value);
        return from_override(&Override { origin: body, ..given.clone() });
    }
    let written = body[..start].rfind(&given.path).filter(|_| !given.path.is_empty());
    let keys = match written {
        Some(at) => split(&given.path, ".", at),
        None => split(&given.path, ".", 0).into_iter().map(|(key, _)| (key, 0..start)).collect(),
    };
    Assignment { source: "command line", keys, value: start..body.len(), body }
}

/// The keys of a path with their bytes in a text in which the path begins at `offset`.
fn split(path: &str, separator: &str, offset: usize) -> Vec<(String, Range<usize>)> {
    let mut at = offset;
    path.split(separator)
        .map(|key| {
            let start = at;
            at += key.len() + separator.len();
            (key.to_owned(), start..start + key.len())
        })
        .collect()
}

type Outcome = Result<(), Box<Diagnostic>>;

fn assign(root: &mut Node, shape: &Shape, text: usize, given: &Assignment, found: &mut Vec<Diagnostic>) -> Outcome {
    if given.value.is_empty() && !given.body.ends_with('=') {
        let place = Span::new(text, given.keys.first().map_or(0, |key| key.1.start)..given.body.len());
        let help = "write the key, `=` and the value: `--set train.epochs=3`";
        return Err(Diagnostic::at(&place, "a value is missing").help(help).into());
    }
    let mut target = Target { node: root, shape, path: String::new(), root: shape };
    for (key, bytes) in &given.keys {
        target = target.below(key, &Span::new(text, bytes.clone()))?;
    }
    *target.node = value(text, given, target.shape, found)?;
    Ok(())
}

/// The value of an assignment. If text is expected, the shell has already removed its quotes, so the value is taken as it
/// is, even if YAML would read a number or a map.
fn value(text: usize, given: &Assignment, shape: &Shape, found: &mut Vec<Diagnostic>) -> Result<Node, Box<Diagnostic>> {
    let span = Span::new(text, given.value.clone());
    let word = given.body[given.value.clone()].trim();
    let quoted = word.starts_with(['"', '\'']);
    if matches!(shape.present(), Shape::Text(_)) && !quoted && scalar::plain(word) != Value::Null {
        return Ok(Node { value: Value::Text(word.into()), span });
    }
    let node = parse(text, &given.body, given.value.clone(), found)?;
    Ok(node.unwrap_or(Node { value: Value::Null, span }))
}

/// The place in the tree that an assignment has reached.
struct Target<'a> {
    node: &'a mut Node,
    shape: &'a Shape,
    path: String,
    root: &'a Shape,
}

impl<'a> Target<'a> {
    fn below(self, key: &str, place: &Span) -> Result<Self, Box<Diagnostic>> {
        let key = self.shape.current(key);
        let path = join(&self.path, key);
        let (node, shape) = match self.shape.present() {
            Shape::Map(fields) => match fields.iter().find(|field| field.name == key) {
                Some(field) => (entry(self.node, key, place, false), &field.shape),
                None => return Err(unknown_key(key, place, &self.path, fields, self.root).into()),
            },
            Shape::Choice(variants) => match variants.iter().find(|variant| variant.name == key) {
                Some(variant) => match &variant.payload {
                    Some(payload) => (entry(self.node, key, place, true), payload),
                    None => {
                        let help = format!("write `{}={key}`", self.path);
                        return Err(Diagnostic::at(place, format!("{key:?} has no keys")).help(help).into());
                    }
                },
                None => return Err(unknown_variant(key, place, &self.path, variants).into()),
            },
            Shape::Short(fields, variants) => return self.below_short(key, place, fields, variants),
            Shape::List(item, ..) => (list_item(self.node, key, place, &self.path)?, &**item),
            Shape::Each(item) => (entry(self.node, key, place, false), &**item),
            _ => {
                let wrong = Diagnostic::at(place, format!("`{}` has no keys, got {key:?}", self.path));
                return Err(wrong.help(format!("set `{}` itself", self.path)).into());
            }
        };
        Ok(Target { node, shape, path, root: self.root })
    }

    /// The first variant's name may be omitted, in the file and in the path of the key.
    fn below_short(
        self,
        key: &str,
        place: &Span,
        fields: &'a [Field],
        variants: &'a [Variant],
    ) -> Result<Self, Box<Diagnostic>> {
        let short = variants.first().filter(|variant| self.node.entry(&variant.name).is_some());
        let named = variants.iter().find(|variant| variant.name == key);
        match (short, named) {
            (Some(short), None) => self.into_variant(short, place).below(key, place),
            (None, Some(named)) if variants.first() == Some(named) => {
                let (path, root) = (join(&self.path, key), self.root);
                let is_short = fields.iter().any(|field| self.node.entry(&field.name).is_some());
                let node = if is_short { self.node } else { entry(self.node, key, place, true) };
                Ok(Target { node, shape: named.payload.as_ref().unwrap_or(self.shape), path, root })
            }
            (_, Some(named)) => Ok(self.into_variant(named, place)),
            (None, None) => match fields.iter().find(|field| field.name == key) {
                Some(field) => {
                    let path = join(&self.path, key);
                    drop_variants(self.node, variants);
                    Ok(Target { node: entry(self.node, key, place, false), shape: &field.shape, path, root: self.root })
                }
                None => Err(unknown_key(key, place, &self.path, fields, self.root).into()),
            },
        }
    }

    fn into_variant(self, variant: &'a Variant, place: &Span) -> Self {
        let path = join(&self.path, &variant.name);
        let shape = variant.payload.as_ref().unwrap_or(self.shape);
        Target { node: entry(self.node, &variant.name, place, true), shape, path, root: self.root }
    }
}

/// Keys without a name replace a named variant.
fn drop_variants(node: &mut Node, variants: &[Variant]) {
    if let Value::Map(entries) = &mut node.value {
        entries.retain(|entry| variants.iter().all(|variant| variant.name != entry.key));
    }
}

/// The value of a key, created if it is missing. A choice has one key only: the others are removed.
fn entry<'a>(node: &'a mut Node, key: &str, place: &Span, alone: bool) -> &'a mut Node {
    if !matches!(node.value, Value::Map(_)) {
        *node = Node { value: Value::Map(Vec::new()), span: place.clone() };
    }
    let Node { value: Value::Map(entries), .. } = node else { return node };
    if alone {
        entries.retain(|entry| entry.key == key);
    }
    let index = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
        let node = Node { value: Value::Map(Vec::new()), span: place.clone() };
        entries.push(Entry { key: key.to_owned(), key_span: place.clone(), node });
        entries.len() - 1
    });
    &mut entries[index].node
}

fn list_item<'a>(node: &'a mut Node, key: &str, place: &Span, path: &str) -> Result<&'a mut Node, Box<Diagnostic>> {
    if !matches!(node.value, Value::List(_)) {
        *node = Node { value: Value::List(Vec::new()), span: place.clone() };
    }
    let Node { value: Value::List(items), .. } = node else { return Ok(node) };
    let length = items.len();
    match key.parse::<usize>() {
        Ok(index) if index < length => Ok(&mut items[index]),
        Ok(index) if index == length => {
            items.push(Node { value: Value::Null, span: place.clone() });
            Ok(&mut items[index])
        }
        _ => {
            let wrong = Diagnostic::at(
                place,
                format!("`{path}` is a list with {}, got the number {key:?}", count(length as u64, "item")),
            );
            Err(wrong.help(format!("count from 0; {length} adds one")).into())
        }
    }
}
