//! The schema as the checks want it: what each key may hold. Read from the JSON Schema, so that what editors accept and
//! what the program accepts is one thing.

use serde_json::Value;

/// What a value may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Keys, in the order in which they are documented.
    Map(Vec<Field>),
    /// A list with a minimum and maximum number of items.
    List(Box<Shape>, usize, usize),
    /// One of several variants.
    Choice(Vec<Variant>),
    /// One of several variants, or the keys of the first one without its name.
    Short(Vec<Field>, Vec<Variant>),
    /// Text, whose inner rules have this name.
    Text(Option<String>),
    /// True or false.
    Bool,
    /// A whole number between these, both included.
    Integer(i128, i128),
    /// A finite number.
    Number,
    /// This word, or something else.
    WordOr(String, Box<Shape>),
    /// This, or null.
    Nullable(Box<Shape>),
    /// This, or a list of it with at least one item.
    OneOrMore(Box<Shape>),
    /// Keys of any name, each with this.
    Each(Box<Shape>),
    /// One of two shapes that a look tells apart: a number or a list.
    Either(Box<Shape>, Box<Shape>),
    /// Anything: a form of schema that is not known here.
    Any,
}

/// A key that a map may have.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The key.
    pub name: String,
    /// What the key was called before: still understood.
    pub former: Option<String>,
    /// Whether the key must be there.
    pub required: bool,
    /// What it means.
    pub description: String,
    /// The value of a key that is left out.
    pub default: Option<Value>,
    /// What it may hold.
    pub shape: Shape,
}

/// One of the variants of a value: a word, or a key with its content.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// The word, or the key.
    pub name: String,
    /// The content of the key; `None` for a word.
    pub payload: Option<Shape>,
}

impl Shape {
    /// The shape that a JSON Schema describes.
    #[must_use]
    pub fn of(schema: &Value) -> Self {
        Builder { definitions: &schema["$defs"] }.shape(schema)
    }

    /// The shape without null.
    #[must_use]
    pub fn present(&self) -> &Self {
        match self {
            Self::Nullable(inner) => inner.present(),
            other => other,
        }
    }

    /// The keys of a map, or `None`.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        match self.present() {
            Self::Map(fields) | Self::Short(fields, _) => fields,
            _ => &[],
        }
    }

    /// The variants of a choice, or `None`.
    #[must_use]
    pub fn variants(&self) -> &[Variant] {
        match self.present() {
            Self::Choice(variants) | Self::Short(_, variants) => variants,
            _ => &[],
        }
    }

    /// The current key for this name: itself, unless it is a former name.
    #[must_use]
    pub fn current<'a>(&'a self, key: &'a str) -> &'a str {
        let former = self.fields().iter().find(|field| field.former.as_deref() == Some(key));
        former.map_or(key, |field| &field.name)
    }

    /// The path of the section that a key of this name belongs to.
    #[must_use]
    pub fn home_of(&self, key: &str) -> Option<String> {
        let deeper = |name: &str, shape: &Self| {
            shape.home_of(key).map(|rest| if rest.is_empty() { name.to_owned() } else { format!("{name}.{rest}") })
        };
        let fields = self.fields();
        if fields.iter().any(|field| field.name == key) {
            return Some(String::new());
        }
        let in_fields = fields.iter().find_map(|field| deeper(&field.name, &field.shape));
        let payloads = || self.variants().iter().filter_map(|variant| Some((&variant.name, variant.payload.as_ref()?)));
        in_fields.or_else(|| payloads().find_map(|(name, payload)| deeper(name, payload)))
    }

    /// The shortest value of this shape, as YAML on one line.
    #[must_use]
    pub fn example(&self) -> String {
        match self {
            Self::Map(fields) | Self::Short(fields, _) => {
                let required = fields.iter().filter(|field| field.required);
                let keys: Vec<String> =
                    required.map(|field| format!("{}: {}", field.name, field.shape.example())).collect();
                format!("{{{}}}", keys.join(", "))
            }
            Self::List(item, least, most) => {
                let items = if least == most { *least } else { 1 };
                format!("[{}]", vec![item.example(); items].join(", "))
            }
            Self::Choice(variants) => variants.first().map_or_else(String::new, Variant::example),
            Self::Text(_) | Self::Any => "\"...\"".into(),
            Self::Bool => "true".into(),
            Self::Integer(..) => "1".into(),
            Self::Number => "1.0".into(),
            Self::WordOr(word, _) => word.clone(),
            Self::Nullable(_) => "null".into(),
            Self::OneOrMore(item) => item.example(),
            Self::Each(item) => format!("{{name: {}}}", item.example()),
            Self::Either(one, _) => one.example(),
        }
    }
}

impl Variant {
    /// The shortest value of this variant, as YAML on one line.
    #[must_use]
    pub fn example(&self) -> String {
        match &self.payload {
            Some(payload) => format!("{{{}: {}}}", self.name, payload.example()),
            None => self.name.clone(),
        }
    }
}

struct Builder<'a> {
    definitions: &'a Value,
}

impl Builder<'_> {
    fn shape(&self, schema: &Value) -> Shape {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap_or(name);
            return self.shape(&self.definitions[name]);
        }
        if let Some(either) = schema["anyOf"].as_array() {
            return self.either(either);
        }
        if let Some(variants) = schema["oneOf"].as_array() {
            return Shape::Choice(variants.iter().flat_map(|variant| self.variants(variant)).collect());
        }
        if schema["enum"].is_array() {
            return Shape::Choice(self.variants(schema));
        }
        match &schema["type"] {
            Value::String(kind) => self.typed(kind, schema),
            Value::Array(kinds) => {
                let kind = kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null");
                Shape::Nullable(Box::new(self.typed(kind, schema)))
            }
            _ => Shape::Any,
        }
    }

    /// Optional values; a word or something else; one or several; a variant with or without its name.
    fn either(&self, either: &[Value]) -> Shape {
        let [one, other] = either else { return Shape::Any };
        if other["type"] == "array" && other["items"] == *one {
            return Shape::OneOrMore(Box::new(self.shape(one)));
        }
        match (one["const"].as_str(), &one["type"], &other["type"]) {
            (Some(word), ..) => Shape::WordOr(word.into(), Box::new(self.shape(other))),
            (None, _, null) if null == "null" => Shape::Nullable(Box::new(self.shape(one))),
            (None, null, _) if null == "null" => Shape::Nullable(Box::new(self.shape(other))),
            _ => self.short_or_named(one, other),
        }
    }

    fn short_or_named(&self, short: &Value, named: &Value) -> Shape {
        match (self.shape(short), self.shape(named)) {
            (Shape::Map(fields), Shape::Choice(variants)) => Shape::Short(fields, variants),
            (Shape::Any, _) | (_, Shape::Any) => Shape::Any,
            (one, other) => Shape::Either(Box::new(one), Box::new(other)),
        }
    }

    fn variants(&self, schema: &Value) -> Vec<Variant> {
        let word = |name: &Value| name.as_str().map(|name| Variant { name: name.into(), payload: None });
        if let Some(names) = schema["enum"].as_array() {
            return names.iter().filter_map(word).collect();
        }
        if let Some(variant) = word(&schema["const"]) {
            return vec![variant];
        }
        let keys = schema["properties"].as_object().into_iter().flatten();
        keys.map(|(name, payload)| Variant { name: name.clone(), payload: Some(self.shape(payload)) }).collect()
    }

    fn typed(&self, kind: &str, schema: &Value) -> Shape {
        match kind {
            "object" if schema["properties"].is_object() => Shape::Map(self.fields(schema)),
            "object" if schema["additionalProperties"].is_object() => {
                Shape::Each(Box::new(self.shape(&schema["additionalProperties"])))
            }
            "array" => {
                let bound = |key: &str| schema[key].as_u64().and_then(|bound| usize::try_from(bound).ok());
                let item = Box::new(self.shape(&schema["items"]));
                Shape::List(item, bound("minItems").unwrap_or(0), bound("maxItems").unwrap_or(usize::MAX))
            }
            "string" => Shape::Text(schema["format"].as_str().map(Into::into)),
            "boolean" => Shape::Bool,
            "integer" => integer(schema),
            "number" => Shape::Number,
            _ => Shape::Any,
        }
    }

    fn fields(&self, schema: &Value) -> Vec<Field> {
        let required =
            |name: &str| schema["required"].as_array().is_some_and(|keys| keys.iter().any(|key| key == name));
        let properties = schema["properties"].as_object().into_iter().flatten();
        properties
            .filter(|(_, property)| property["deprecated"] != true)
            .map(|(name, property)| Field {
                name: name.clone(),
                former: property["x-former"].as_str().map(Into::into),
                required: required(name),
                // A comment in the code has lines, its text has none.
                description: property["description"].as_str().unwrap_or_default().replace('\n', " "),
                default: property.get("default").cloned(),
                shape: self.shape(property),
            })
            .collect()
    }
}

fn integer(schema: &Value) -> Shape {
    match schema["format"].as_str() {
        Some("uint8") => Shape::Integer(0, u8::MAX.into()),
        Some("uint16") => Shape::Integer(0, u16::MAX.into()),
        Some("uint32") => Shape::Integer(0, u32::MAX.into()),
        Some("uint" | "uint64") => Shape::Integer(0, u64::MAX.into()),
        Some("int32") => Shape::Integer(i32::MIN.into(), i32::MAX.into()),
        _ => Shape::Integer(i64::MIN.into(), i64::MAX.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::{schema, schema_of};
    use super::*;
    use crate::task::testing;

    fn visit(shape: &Shape, path: &str, seen: &mut dyn FnMut(&str, &Shape)) {
        seen(path, shape);
        let shape = shape.present();
        for field in shape.fields() {
            visit(&field.shape, &format!("{path}.{}", field.name), seen);
        }
        for variant in shape.variants() {
            if let Some(payload) = &variant.payload {
                visit(payload, &format!("{path}.{}", variant.name), seen);
            }
        }
        if let Shape::List(item, ..) = shape {
            visit(item, &format!("{path}.0"), seen);
        }
    }

    #[test]
    fn every_form_that_the_schema_uses_is_known() {
        let tasks = Shape::of(&schema()).fields().iter().find(|field| field.name == "task").unwrap().shape.clone();
        for task in tasks.variants() {
            let mut keys = 0;
            visit(&Shape::of(&schema_of(Some(&task.name))), "", &mut |path, shape| {
                assert_ne!(*shape, Shape::Any, "{path}");
                keys += 1;
            });
            assert!(keys > 80, "only {keys} keys were seen");
        }
    }

    #[test]
    fn every_key_has_a_description() {
        visit(&Shape::of(&schema()), "", &mut |path, shape| {
            for field in shape.fields() {
                assert!(!field.description.is_empty(), "{path}.{}", field.name);
            }
        });
    }

    #[test]
    fn a_key_is_found_where_it_belongs() {
        let shape = Shape::of(&schema());
        assert_eq!(shape.home_of("epochs").as_deref(), Some("train"));
        let (key, home) = testing::NESTED_KEY;
        assert_eq!(shape.home_of(key).as_deref(), Some(home));
        assert_eq!(shape.home_of("seed").as_deref(), Some(""));
        assert_eq!(shape.home_of("nonsense"), None);
    }

    #[test]
    fn an_example_of_a_required_section_is_a_valid_one() {
        let shape = Shape::of(&schema());
        let example = |name: &str| shape.fields().iter().find(|field| field.name == name).unwrap().shape.example();
        assert_eq!(example("data"), "{source: [{synthetic: {}}]}");
        assert_eq!(example("task"), testing::SHORTEST);
    }
}
