//! The JSON Schema of the configuration, made from the types. Editors complete and check with it; `shape` reads it.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::Config;

/// The schema, in the dialect 2020-12: every key with its description and its default, unknown keys refused.
#[must_use]
pub fn schema() -> Value {
    let root = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Config>();
    let mut schema = root.to_value();
    schema["title"] = "fragua configuration".into();
    describe_phases(&mut schema);
    schema
}

/// A phase changes `train` and `loss`, and so has their keys; the types only say that it has some keys. A phase has no
/// phases of its own, and its keys have no defaults: what it leaves out stays as it is.
fn describe_phases(schema: &mut Value) {
    for (key, def) in [("train", "TrainConfig"), ("loss", "LossConfig")] {
        let mut changed = schema["$defs"][def].clone();
        if let Some(properties) = changed["properties"].as_object_mut() {
            properties.shift_remove("phases");
            for property in properties.values_mut().filter_map(Value::as_object_mut) {
                property.shift_remove("default");
            }
        }
        let name = format!("Phase{def}");
        let description = schema["$defs"]["Phase"]["properties"][key]["description"].clone();
        schema["$defs"]["Phase"]["properties"][key] =
            json!({"description": description, "$ref": format!("#/$defs/{name}")});
        schema["$defs"][name] = changed;
    }
}
