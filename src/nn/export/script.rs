//! A network in TorchScript: the code of its classes as `torch.jit.save` would write it, and the objects of these classes. Written
//! by hand beside a network, because a recording of what it does ("tracing") bakes the sizes of its input in and loses the names of
//! its weights.

/// A network in TorchScript.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// The classes, as Python in the subset that TorchScript reads.
    pub code: String,
    /// The network.
    pub network: Object,
}

/// An object of one of the classes. Every class has an attribute `training : bool`, which is not listed here.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its class, without `__torch__.`.
    pub class: String,
    /// Its attributes by their names.
    pub attributes: Vec<(String, Attribute)>,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// A parameter or a buffer, by the name that weight files know it by.
    Tensor(String),
    /// A part of the network.
    Part(Object),
}

impl Object {
    /// An object without attributes.
    pub fn new(class: impl Into<String>) -> Self {
        Self { class: class.into(), attributes: Vec::new() }
    }

    /// The object with a further attribute.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: Attribute) -> Self {
        self.attributes.push((name.into(), value));
        self
    }
}
