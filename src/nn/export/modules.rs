//! The modules that the names of weights are in: each part of a name becomes a module, so an export keeps all names.

use super::script::{Attribute, Object};
use crate::nn::parameters::Layout;

/// The class of the whole network, whose methods are written behind [`Modules::classes`].
pub const NETWORK_CLASS: &str = "Network";

/// How code of the network reaches a weight: `getattr(self.layers, "0").conv.weight`.
#[must_use]
pub fn reach(name: &str) -> String {
    name.split('.').fold("self".to_owned(), |owner, part| match is_number(part) {
        true => format!("getattr({owner}, \"{part}\")"),
        false => format!("{owner}.{part}"),
    })
}

/// The modules that names of weights are in.
#[derive(Debug, Default)]
pub struct Modules {
    parameters: Vec<String>,
    buffers: Vec<String>,
    parts: Vec<(String, Modules)>,
}

impl Modules {
    /// Those of all parameters and buffers of a layout.
    #[must_use]
    pub fn of(layout: &Layout) -> Self {
        let mut root = Self::default();
        layout.parameters.iter().for_each(|spec| root.add(&spec.name, false));
        layout.buffers.iter().for_each(|spec| root.add(&spec.name, true));
        root
    }

    fn add(&mut self, name: &str, is_buffer: bool) {
        match name.split_once('.') {
            None if is_buffer => self.buffers.push(name.into()),
            None => self.parameters.push(name.into()),
            Some((part, rest)) => {
                let place = self.parts.iter().position(|(known, _)| known == part).unwrap_or_else(|| {
                    self.parts.push((part.into(), Self::default()));
                    self.parts.len() - 1
                });
                self.parts[place].1.add(rest, is_buffer);
            }
        }
    }

    /// Its class, after those of its parts; methods can follow.
    pub fn classes(&self, class: &str, code: &mut String) {
        for (name, part) in &self.parts {
            part.classes(&below(class, name), code);
        }
        let listed = |names: &[String]| names.iter().map(|name| format!("\"{name}\", ")).collect::<String>();
        let tensors = self.parameters.iter().chain(&self.buffers).map(|name| format!("  {name} : Tensor\n"));
        let parts = self.parts.iter().map(|(name, _)| match is_number(name) {
            true => format!("  __annotations__[\"{name}\"] = __torch__.{}\n", below(class, name)),
            false => format!("  {name} : __torch__.{}\n", below(class, name)),
        });
        *code += &format!(
            "class {class}(Module):\n  __parameters__ = [{}]\n  __buffers__ = [{}]\n{}  training : bool\n{}",
            listed(&self.parameters),
            listed(&self.buffers),
            tensors.collect::<String>(),
            parts.collect::<String>(),
        );
    }

    /// The whole as an object of this class.
    #[must_use]
    pub fn object(&self, class: &str) -> Object {
        self.object_at(class, "")
    }

    /// Its object, whose weights are below this name.
    fn object_at(&self, class: &str, at: &str) -> Object {
        let tensors = self.parameters.iter().chain(&self.buffers);
        let object = tensors.fold(Object::new(class), |object, name| {
            object.with(name.clone(), Attribute::Tensor(format!("{at}{name}")))
        });
        self.parts.iter().fold(object, |object, (name, part)| {
            object.with(name.clone(), Attribute::Part(part.object_at(&below(class, name), &format!("{at}{name}."))))
        })
    }
}

/// The class of a part.
fn below(class: &str, part: &str) -> String {
    format!("{class}_{part}")
}

fn is_number(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_digit())
}
