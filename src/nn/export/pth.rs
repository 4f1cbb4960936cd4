//! A state dict as `torch.save(module.state_dict(), file)` writes it: `torch.load(file, weights_only=True)` gives the
//! tensors by their names.

use std::io::{self, Write};

use super::Weight;
use super::archive::Archive;
use super::pickle::Pickle;

/// Writes it. `extra` are files beside the tensors, which `torch.load` passes over and any program for zip files shows.
///
/// # Errors
/// Where the disk fails, or the file would have more than 4 GB.
pub fn write(weights: &[Weight], extra: &[(&str, &str)], out: &mut dyn Write) -> io::Result<()> {
    let mut dictionary = Pickle::new();
    dictionary.ordered(|entries| {
        for (index, weight) in weights.iter().enumerate() {
            entries.text(&weight.name);
            entries.tensor(weight, index, false);
        }
    });
    let mut archive = Archive::new(out, "archive");
    archive.add("data.pkl", &dictionary.finish())?;
    archive.add("byteorder", b"little")?;
    weights.iter().enumerate().try_for_each(|(index, weight)| archive.add(&format!("data/{index}"), &weight.bytes))?;
    extra.iter().try_for_each(|(name, text)| archive.add(&format!("extra/{name}"), text.as_bytes()))?;
    archive.add("version", b"3\n")?;
    archive.finish()
}
