//! The JSON Schema of the configuration, made from the types. Editors complete and check with it; `shape` reads it.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{Config, former};

/// The schema, in the dialect 2020-12: every key with its description and its default, unknown keys refused.
#[must_use]
pub fn schema() -> Value {
    schema_of(None)
}

/// The same for a configuration whose task is known: its phases then change the loss of that task.
#[must_use]
pub fn schema_of(task: Option<&str>) -> Value {
    let root = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Config>();
    let mut schema = root.to_value();
    schema["title"] = "fragua configuration".into();
    describe_phases(&mut schema, task);
    follow(&mut schema);
    former::allow(&mut schema);
    schema
}

/// A phase changes `train` and the section `loss` of the task, and so has their keys; the types only say that it has
/// some keys. A phase has no phases of its own, and its keys have no defaults: keys that it leaves out are unchanged.
fn describe_phases(schema: &mut Value, task: Option<&str>) {
    let train = changed(schema, "TrainConfig");
    let losses = losses(schema, task);
    let losses: Vec<Value> = losses.iter().map(|definition| changed(schema, definition)).collect();
    let loss = match &losses[..] {
        [only] => only.clone(),
        several => json!({"anyOf": several}),
    };
    for (key, reference) in [("train", train), ("loss", loss)] {
        let property = &mut schema["$defs"]["Phase"]["properties"][key];
        let mut changed = json!({"description": property["description"]});
        if let (Some(changed), Some(reference)) = (changed.as_object_mut(), reference.as_object()) {
            changed.extend(reference.clone());
        }
        *property = changed;
    }
}

/// The definitions of the section `loss` of every task, or of one.
fn losses(schema: &Value, task: Option<&str>) -> Vec<String> {
    let variants = schema["$defs"]["TaskConfig"]["oneOf"].as_array().into_iter().flatten();
    let sections = variants.filter_map(|variant| variant["properties"].as_object()).flatten();
    let wanted = sections.filter(|(name, _)| task.is_none_or(|task| task == *name));
    let loss =
        |section: &Value| definition(&schema["$defs"][definition(section)?]["properties"]["loss"]).map(str::to_owned);
    wanted.filter_map(|(_, section)| loss(section)).collect()
}

/// The name of the definition that a schema refers to.
fn definition(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// Adds a definition as it is for what a phase changes, and refers to it.
fn changed(schema: &mut Value, definition: &str) -> Value {
    let mut changed = schema["$defs"][definition].clone();
    if let Some(properties) = changed["properties"].as_object_mut() {
        properties.shift_remove("phases");
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            property.shift_remove("default");
        }
    }
    let name = format!("Phase{definition}");
    let reference = json!({"$ref": format!("#/$defs/{name}")});
    schema["$defs"][name] = changed;
    reference
}

/// Derived keys have no fixed default: the run is named for the dataset, and that for the task.
fn follow(schema: &mut Value) {
    for properties in ["/properties", "/$defs/DataConfig/properties"] {
        let name = schema.pointer_mut(&format!("{properties}/name")).and_then(Value::as_object_mut);
        name.and_then(|name| name.shift_remove("default"));
    }
}
