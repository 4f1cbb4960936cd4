//! What the steps of a pickle make. Objects refer to each other by number: a list may hold itself, and nothing is freed by a
//! recursion that a deep file could exhaust.

use serde_json::{Map, Number, Value};

use super::global::Global;
use super::view::{Storage, View};

/// The number of an object.
pub(super) type Id = usize;

/// The most objects of a pickle. A network of 100,000 tensors has fewer than two million.
const MOST: usize = 1 << 22;

/// The most items of all tuples, lists and shapes together: a short step copies a long list.
const MOST_ITEMS: usize = 1 << 24;

/// What is beside a state dict is copied as deep as this, and so many bytes: a list may hold another one many times.
const DEEPEST: usize = 16;
const MOST_COPIED: usize = 16 << 20;

/// What a value takes, beside the bytes of a text.
const VALUE_BYTES: usize = 32;

/// An object. Texts and bytes are those of the pickle.
#[derive(Clone, Debug)]
pub(super) enum Object<'a> {
    None,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(&'a str),
    Bytes,
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(Storage<'a>),
    Tensor(View<'a>),
    /// Harmless, and of no use here: a scalar of numpy, a device.
    Opaque,
}

/// All objects of a pickle.
#[derive(Default)]
pub(super) struct Objects<'a> {
    all: Vec<Object<'a>>,
    items: usize,
}

impl<'a> Objects<'a> {
    pub fn add(&mut self, object: Object<'a>) -> Result<Id, String> {
        self.items += object.items();
        if self.all.len() >= MOST || self.items > MOST_ITEMS {
            return Err("it has more objects than weights need".into());
        }
        self.all.push(object);
        Ok(self.all.len() - 1)
    }

    pub fn get(&self, id: Id) -> &Object<'a> {
        &self.all[id]
    }

    pub fn get_mut(&mut self, id: Id) -> &mut Object<'a> {
        &mut self.all[id]
    }

    /// A text, or what is there instead.
    pub fn text(&self, id: Id) -> Result<&'a str, String> {
        match self.get(id) {
            Object::Text(text) => Ok(text),
            other => Err(format!("got {}, expected a text", other.name())),
        }
    }

    /// A whole number from 0 on, or what is there instead.
    pub fn size(&self, id: Id) -> Result<usize, String> {
        let wrong = |found: String| format!("got {found}, expected a whole number from 0 on");
        match self.get(id) {
            Object::Integer(value) => usize::try_from(*value).map_err(|_| wrong(value.to_string())),
            other => Err(wrong(other.name().into())),
        }
    }

    /// The items of a tuple or a list, or what is there instead.
    pub fn items(&self, id: Id) -> Result<&[Id], String> {
        match self.get(id) {
            Object::Tuple(items) | Object::List(items) => Ok(items),
            other => Err(format!("got {}, expected a tuple", other.name())),
        }
    }

    /// An object as JSON; none if it is or holds something else, or too much.
    pub fn json(&self, id: Id) -> Option<Value> {
        self.copy(id, DEEPEST, &mut { MOST_COPIED })
    }

    fn copy(&self, id: Id, depth: usize, left: &mut usize) -> Option<Value> {
        let text = if let Object::Text(text) = self.get(id) { text.len() } else { 0 };
        *left = left.checked_sub(VALUE_BYTES + text)?;
        let below = depth.checked_sub(1)?;
        match self.get(id) {
            Object::None => Some(Value::Null),
            Object::Bool(flag) => Some((*flag).into()),
            Object::Integer(value) => Some((*value).into()),
            Object::Float(value) => Some(Number::from_f64(*value).map_or(Value::Null, Value::Number)),
            Object::Text(text) => Some((*text).into()),
            Object::Tuple(items) | Object::List(items) => {
                items.iter().map(|item| self.copy(*item, below, left)).collect::<Option<_>>().map(Value::Array)
            }
            Object::Dict(entries) => {
                let entry = |(key, value): &(Id, Id)| Some((self.key(*key)?, self.copy(*value, below, left)?));
                entries.iter().map(entry).collect::<Option<Map<_, _>>>().map(Value::Object)
            }
            _ => None,
        }
    }

    /// A key as text, as JSON has it.
    fn key(&self, id: Id) -> Option<String> {
        match self.get(id) {
            Object::Text(text) => Some((*text).to_owned()),
            Object::Integer(value) => Some(value.to_string()),
            _ => None,
        }
    }
}

impl Object<'_> {
    /// How many other objects, or sizes, it refers to.
    fn items(&self) -> usize {
        match self {
            Self::Tuple(items) | Self::List(items) => items.len(),
            Self::Tensor(view) => 2 * view.shape().len(),
            _ => 0,
        }
    }

    /// What it is, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Integer(_) => "an int",
            Self::Float(_) => "a float",
            Self::Text(_) => "a text",
            Self::Bytes => "bytes",
            Self::Tuple(_) => "a tuple",
            Self::List(_) => "a list",
            Self::Dict(_) => "a dict",
            Self::Global(global) => global.name(),
            Self::Storage(_) => "a storage",
            Self::Tensor(_) => "a tensor",
            Self::Opaque => "an object",
        }
    }
}
