//! How an event describes itself in the store: names, units, coordinates and packing, as other programs understand them.

use serde_json::{Map, Value, json};

use super::Setting;
use crate::data::store::{Attributes, Coordinate, FrameArraySpec};
use crate::task::nowcast::resample::Resampler;
use crate::task::nowcast::volume::{AttributeValue, Axis, VolumeFile};

/// The array of an event whose files are like this one. `units` are those of the dataset, if this file names none.
pub fn spec(volume: &VolumeFile, setting: &Setting<'_>, units: &str) -> FrameArraySpec {
    let config = setting.config;
    let [rows, columns] = config.size;
    let grid = volume.grid();
    let resampled = |axis: &Axis, to| Resampler::coordinates(config.method, &axis.values, to);
    let coordinates = vec![
        coordinate("z", "Z", &grid.z, grid.z.values.clone()),
        coordinate("y", "Y", &grid.y, resampled(&grid.y, rows)),
        coordinate("x", "X", &grid.x, resampled(&grid.x, columns)),
    ];
    FrameArraySpec { name: config.variable.clone(), attributes: array(volume, setting, units), coordinates }
}

fn array(volume: &VolumeFile, setting: &Setting<'_>, units: &str) -> Attributes {
    let names = volume.attributes();
    let units = [&names.units, units, "dBZ"].into_iter().find(|units| !units.is_empty());
    let mut attributes = map([
        ("scale_factor", json!(setting.quantizer.scale_factor())),
        ("add_offset", json!(setting.quantizer.add_offset())),
        ("_FillValue", json!(0)),
        ("units", json!(units)),
    ]);
    for (key, text) in [("long_name", &names.long_name), ("standard_name", &names.standard_name)] {
        if !text.is_empty() {
            attributes.insert(key.to_owned(), json!(text));
        }
    }
    attributes
}

fn coordinate(name: &str, axis_letter: &str, axis: &Axis, values: Vec<f64>) -> Coordinate {
    let mut attributes = map([("axis", json!(axis_letter))]);
    let texts = [("units", &axis.units), ("standard_name", &axis.standard_name), ("long_name", &axis.long_name)];
    for (key, text) in texts {
        if !text.is_empty() {
            attributes.insert(key.to_owned(), json!(text));
        }
    }
    if axis_letter == "Z" {
        attributes.insert("positive".to_owned(), json!("up"));
    }
    Coordinate { name: name.to_owned(), values, attributes }
}

/// What the event says about itself: its position on Earth, from its files.
pub fn attributes(volume: &VolumeFile) -> Attributes {
    let mut attributes = map([("Conventions", json!("CF-1.6"))]);
    for key in ["title", "institution", "source"] {
        if let Some(text) = volume.attributes().global.text(key) {
            attributes.insert(key.to_owned(), json!(text));
        }
    }
    if let Some(mapping) = &volume.attributes().grid_mapping {
        let entries =
            mapping.attributes.0.iter().filter_map(|(key, value)| Some((key.clone(), number_or_text(value)?)));
        attributes.insert("grid_mapping".to_owned(), Value::Object(entries.collect()));
    }
    attributes
}

fn number_or_text(value: &AttributeValue) -> Option<Value> {
    match value {
        AttributeValue::Text(text) => Some(json!(text)),
        AttributeValue::Numbers { values, .. } => match values.as_slice() {
            [] => None,
            [one] => Some(json!(one)),
            several => Some(json!(several)),
        },
    }
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
