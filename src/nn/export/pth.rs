//! A state dict as `torch.save(module.state_dict(), file)` writes it: `torch.load(file, weights_only=True)` gives the
//! tensors by their names. With something beside them it is a dictionary of that and the state dict.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::Weight;
use super::archive::Archive;
use super::pickle::Pickle;

/// Writes it. `beside` is loaded with the tensors, which are then under each of `keys`; `extra` are files that `torch.load` passes over and any program for zip files
/// shows.
///
/// # Errors
/// If the disk fails, or the file would have more than 4 GB.
pub fn write(
    weights: &[Weight],
    (keys, beside): (&[&str], &Map<String, Value>),
    extra: &[(&str, &str)],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut objects = Pickle::new();
    if beside.is_empty() {
        state(weights, &mut objects);
    } else {
        objects.dictionary(|entries| {
            for key in keys {
                entries.text(key);
                state(weights, entries);
            }
            for (name, value) in beside {
                entries.text(name);
                entries.value(value);
            }
        });
    }
    let mut archive = Archive::new(out, "archive");
    archive.add("data.pkl", &objects.finish())?;
    archive.add("byteorder", b"little")?;
    weights.iter().enumerate().try_for_each(|(index, weight)| archive.add(&format!("data/{index}"), &weight.bytes))?;
    extra.iter().try_for_each(|(name, text)| archive.add(&format!("extra/{name}"), text.as_bytes()))?;
    archive.add("version", b"3\n")?;
    archive.finish()
}

fn state(weights: &[Weight], objects: &mut Pickle) {
    objects.ordered(|entries| {
        for (index, weight) in weights.iter().enumerate() {
            entries.text(&weight.name);
            entries.tensor(weight, index, false);
        }
    });
}
