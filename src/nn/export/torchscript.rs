//! A network that `torch.jit.load` runs, in Python or C++, without this program: its code and its weights. Parameters
//! stay parameters, so that they can be moved to a device, inspected, and trained further.

use std::io::{self, Write};

use super::Weight;
use super::archive::Archive;
use super::pickle::Pickle;
use super::script::{Attribute, Object, Script};

/// Writes it. `extra` are the files that `torch.jit.load` hands over as `_extra_files`. The weights are those that
/// [`super::weights`] gives.
///
/// # Errors
/// If the disk fails, the file would have more than 4 GB, or the network names a weight that it does not have.
pub fn write(script: &Script, weights: &[Weight], extra: &[(&str, &str)], out: &mut dyn Write) -> io::Result<()> {
    let mut objects = Pickle::new();
    object(&script.network, weights, &mut objects)?;
    let mut archive = Archive::new(out, "network");
    extra.iter().try_for_each(|(name, text)| archive.add(&format!("extra/{name}"), text.as_bytes()))?;
    weights.iter().enumerate().try_for_each(|(index, weight)| archive.add(&format!("data/{index}"), &weight.bytes))?;
    archive.add("data.pkl", &objects.finish())?;
    archive.add("code/__torch__.py", script.code.as_bytes())?;
    // An empty tuple: there are no tensors that the code names.
    archive.add("constants.pkl", b"\x80\x02).")?;
    archive.add("version", b"3\n")?;
    archive.add("byteorder", b"little")?;
    archive.finish()
}

fn object(object: &Object, weights: &[Weight], pickle: &mut Pickle) -> io::Result<()> {
    pickle.begin(&object.class);
    pickle.text("training");
    pickle.flag(false);
    for (name, value) in &object.attributes {
        pickle.text(name);
        attribute(value, weights, pickle)?;
    }
    pickle.end();
    Ok(())
}

fn attribute(value: &Attribute, weights: &[Weight], pickle: &mut Pickle) -> io::Result<()> {
    match value {
        Attribute::Text(text) => pickle.text(text),
        Attribute::Integer(value) => pickle.integer(*value),
        Attribute::Float(value) => pickle.float(*value),
        Attribute::Tensor(name) => {
            let unknown =
                || io::Error::other(format!("the TorchScript of the network names {name}, which is no weight"));
            let index = weights.iter().position(|weight| weight.name == *name).ok_or_else(unknown)?;
            pickle.tensor(&weights[index], index, weights[index].is_parameter);
        }
        Attribute::Part(part) => object(part, weights, pickle)?,
    }
    Ok(())
}
