//! Keys that had another name before: they keep working, under the name that they have now.

use serde_json::Value as Json;

use super::diagnostic::Diagnostic;
use super::shape::Shape;
use super::tree::{Entry, Node, Value, join};

/// Gives every key of a tree the name that it has now. Writing one value under both names is a mistake.
#[must_use]
pub fn rename(root: &mut Node, shape: &Shape) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    walk(root, shape, "", &mut found);
    found
}

fn walk(node: &mut Node, shape: &Shape, path: &str, found: &mut Vec<Diagnostic>) {
    match (shape.present(), &mut node.value) {
        (Shape::List(item, ..), Value::List(items)) => {
            for (index, node) in items.iter_mut().enumerate() {
                walk(node, item, &join(path, &index.to_string()), found);
            }
        }
        (_, Value::Map(entries)) => {
            if let Some(both) = rename_entries(entries, shape, path) {
                found.push(both);
            }
            for Entry { key, node, .. } in entries {
                let field = shape.fields().iter().find(|field| field.name == *key).map(|field| &field.shape);
                let variant = || shape.variants().iter().find(|variant| variant.name == *key)?.payload.as_ref();
                if let Some(below) = field.or_else(variant) {
                    walk(node, below, &join(path, key), found);
                }
            }
        }
        _ => {}
    }
}

fn rename_entries(entries: &mut Vec<Entry>, shape: &Shape, path: &str) -> Option<Diagnostic> {
    let mut both = None;
    for field in shape.fields() {
        let Some(former) = &field.former else { continue };
        let Some(old) = entries.iter().position(|entry| entry.key == *former) else { continue };
        if entries.iter().any(|entry| entry.key == field.name) {
            let (now, before) = (join(path, &field.name), join(path, former));
            let wrong = Diagnostic::at(&entries[old].key_span, format!("`{before}` and `{now}` are the same key"));
            both = Some(wrong.help(format!("keep `{}`: `{former}` is its former name", field.name)));
            entries.remove(old);
        } else {
            entries[old].key.clone_from(&field.name);
        }
    }
    both
}

/// Beside every key that had another name, the schema allows that one, as deprecated: editors then don't underline what the
/// program accepts.
pub fn allow(schema: &mut Json) {
    match schema {
        Json::Object(map) => {
            if let Some(Json::Object(properties)) = map.get_mut("properties") {
                let former: Vec<(String, Json)> = properties.iter().filter_map(deprecated).collect();
                properties.extend(former);
            }
            map.values_mut().for_each(allow);
        }
        Json::Array(items) => items.iter_mut().for_each(allow),
        _ => {}
    }
}

fn deprecated((name, property): (&String, &Json)) -> Option<(String, Json)> {
    let former = property.get("x-former")?.as_str()?.to_owned();
    let mut property = property.clone();
    let map = property.as_object_mut()?;
    map.shift_remove("x-former");
    map.shift_remove("default");
    map.insert("deprecated".into(), true.into());
    map.insert("description".into(), format!("The former name of {name}.").into());
    Some((former, property))
}
