//! Numbers that make no sense, in the place of every number of the configuration: each is refused with its place or accepted, and
//! none makes the program panic, hang or take all memory.

use fragua::config::{Override, load, schema_of};
use fragua::util::exit::Exit;
use serde_json::Value;

/// Nothing, less than nothing, and the borders of what the types hold.
const ODD: [&str; 5] = ["0", "-1", "1e308", ".nan", "18446744073709551615"];

/// Finds every number: its path as far as keys lead, and the text around it from the first list or choice on.
struct Walk<'a> {
    schema: &'a Value,
    found: Vec<(String, [String; 2])>,
}

impl<'a> Walk<'a> {
    fn resolved(&self, node: &'a Value) -> &'a Value {
        match node["$ref"].as_str() {
            Some(reference) => self.schema.pointer(reference.trim_start_matches('#')).unwrap(),
            None => node,
        }
    }

    fn node(&mut self, node: &'a Value, path: &str, around: &[String; 2], depth: usize) {
        let node = self.resolved(node);
        if depth > 12 {
            return;
        }
        let types: Vec<&str> = match &node["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        if types.contains(&"integer") || types.contains(&"number") {
            self.found.push((path.to_owned(), around.clone()));
        }
        let is_plain = around[0].is_empty();
        for (key, below) in node["properties"].as_object().into_iter().flatten() {
            if below["deprecated"] == true {
                continue;
            }
            let is_key = is_plain && node["oneOf"].is_null() && node["maxProperties"].is_null();
            let joined = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match is_key {
                true => self.node(below, &joined, around, depth + 1),
                false => self.node(below, path, &wrapped(around, &format!("{{{key}: "), "}"), depth + 1),
            }
        }
        if !node["items"].is_null() {
            self.node(&node["items"], path, &wrapped(around, "[", "]"), depth + 1);
        }
        for choices in ["oneOf", "anyOf"] {
            for choice in node[choices].as_array().into_iter().flatten() {
                let choice = self.resolved(choice);
                let is_variant =
                    choice["required"].as_array().is_some_and(|required| required.len() == 1) && !is_number(choice);
                match (is_variant, choice["properties"].as_object()) {
                    (true, Some(properties)) => {
                        for (key, below) in properties {
                            self.node(below, path, &wrapped(around, &format!("{{{key}: "), "}"), depth + 1);
                        }
                    }
                    _ => self.node(choice, path, around, depth + 1),
                }
            }
        }
    }
}

fn is_number(node: &Value) -> bool {
    ["integer", "number"].iter().any(|kind| node["type"] == *kind)
}

fn wrapped([before, after]: &[String; 2], begin: &str, end: &str) -> [String; 2] {
    [format!("{before}{begin}"), format!("{end}{after}")]
}

/// Every number of the configuration of a task; without what all tasks share, if asked.
fn numbers(task: &str, of_task_alone: bool) -> Vec<(String, [String; 2])> {
    let schema = schema_of(Some(task));
    let mut walk = Walk { schema: &schema, found: Vec::new() };
    walk.node(&schema, "", &[String::new(), String::new()], 0);
    let is_of_task = |around: &[String; 2]| around[0].starts_with(&format!("{{{task}:"));
    walk.found.retain(|(path, around)| if path == "task" { is_of_task(around) } else { !of_task_alone });
    walk.found
}

#[test]
fn every_number_of_the_configuration_is_refused_with_its_place_or_accepted() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config.yaml");
    let (mut keys, mut refused) = (0, 0);
    for (number, task) in ["nowcast", "image_class"].into_iter().enumerate() {
        for (path, [before, after]) in numbers(task, number > 0) {
            keys += 1;
            for odd in ODD {
                let text = format!("{path}={before}{odd}{after}");
                let of_task = Override::set(&format!("task={{{task}: {{}}}}"));
                let overrides = [vec![of_task], vec![Override::set(&text)]].concat();
                let Err(error) = load(Some(&file), [], &overrides) else { continue };
                refused += 1;
                let said = error.to_string();
                assert_eq!(error.exit(), Exit::Configuration, "{text}: {said}");
                assert!(said.contains('^'), "{text}: {said}");
            }
        }
    }
    assert!(keys > 100 && refused > 2 * keys, "{keys} numbers, {refused} refusals");
}
