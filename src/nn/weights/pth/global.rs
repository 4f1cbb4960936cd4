//! The names that a pickle may use, and what calling one makes. Nothing is called: each is a case here.

use super::object::{Id, Object, Objects};
use super::view::{Storage, View};
use crate::nn::weights::Dtype;

/// A name that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// A set.
    Set,
    /// `torch._utils._rebuild_tensor_v2`: a tensor over a storage.
    Tensor,
    /// `torch._utils._rebuild_parameter`: a tensor that learns.
    Parameter,
    /// A type of storages, which says what their numbers are.
    Numbers(Dtype),
    /// `torch.Size`: a tuple.
    Size,
    /// `_codecs.encode`: bytes, written as text.
    Encode,
    /// What makes something of no use here: `torch.device`, a type, a scalar of numpy.
    Opaque,
}

/// The names, by module and name.
const KNOWN: [(&str, &str, Global); 31] = [
    ("collections", "OrderedDict", Global::OrderedDict),
    ("__builtin__", "set", Global::Set),
    ("builtins", "set", Global::Set),
    ("torch._utils", "_rebuild_tensor_v2", Global::Tensor),
    ("torch._utils", "_rebuild_parameter", Global::Parameter),
    ("torch", "BoolStorage", Global::Numbers(Dtype::Bool)),
    ("torch", "ByteStorage", Global::Numbers(Dtype::U8)),
    ("torch", "IntStorage", Global::Numbers(Dtype::I32)),
    ("torch", "LongStorage", Global::Numbers(Dtype::I64)),
    ("torch", "BFloat16Storage", Global::Numbers(Dtype::Bf16)),
    ("torch", "HalfStorage", Global::Numbers(Dtype::F16)),
    ("torch", "FloatStorage", Global::Numbers(Dtype::F32)),
    ("torch", "DoubleStorage", Global::Numbers(Dtype::F64)),
    ("torch", "Size", Global::Size),
    ("_codecs", "encode", Global::Encode),
    ("torch", "device", Global::Opaque),
    ("torch", "bool", Global::Opaque),
    ("torch", "uint8", Global::Opaque),
    ("torch", "int32", Global::Opaque),
    ("torch", "int64", Global::Opaque),
    ("torch", "bfloat16", Global::Opaque),
    ("torch", "float16", Global::Opaque),
    ("torch", "float32", Global::Opaque),
    ("torch", "float64", Global::Opaque),
    // Accuracies and losses in a history are often scalars of numpy.
    ("numpy", "dtype", Global::Opaque),
    ("numpy.core.multiarray", "scalar", Global::Opaque),
    ("numpy._core.multiarray", "scalar", Global::Opaque),
    ("numpy", "float64", Global::Opaque),
    ("numpy", "float32", Global::Opaque),
    ("numpy", "int64", Global::Opaque),
    ("numpy", "int32", Global::Opaque),
];

impl Global {
    /// The global of this name.
    pub fn of(module: &str, name: &str) -> Result<Self, String> {
        let known = KNOWN.iter().find(|(known, what, _)| *known == module && *what == name);
        known.map(|(_, _, global)| *global).ok_or_else(|| {
            format!(
                "the global {} is refused: weights do not need it, and it may run code; in Python, save only the weights: \
                 torch.save(module.state_dict(), \"weights.pth\")",
                shown(&format!("{module}.{name}"))
            )
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::OrderedDict => "the class OrderedDict",
            Self::Set => "the class set",
            Self::Tensor | Self::Parameter => "a function that makes tensors",
            Self::Numbers(_) => "a type of storages",
            Self::Size => "the class torch.Size",
            Self::Encode => "the function that encodes text",
            Self::Opaque => "a class",
        }
    }

    /// What calling it with these arguments makes.
    pub fn call<'a>(self, arguments: &[Id], objects: &Objects<'a>) -> Result<Object<'a>, String> {
        match (self, arguments) {
            (Self::OrderedDict, []) => Ok(Object::Dict(Vec::new())),
            (Self::Set, [items]) => Ok(Object::List(objects.items(*items)?.to_vec())),
            (Self::Size, [items]) => Ok(Object::Tuple(objects.items(*items)?.to_vec())),
            (Self::Tensor, [storage, offset, shape, strides, _, _, ..]) if arguments.len() <= 7 => {
                let Object::Storage(storage) = objects.get(*storage) else {
                    return Err(format!("a tensor is over {}, expected a storage", objects.get(*storage).name()));
                };
                let sizes = |list: &Id| {
                    objects.items(*list)?.iter().map(|item| objects.size(*item)).collect::<Result<Vec<_>, _>>()
                };
                let view = View::new(storage.clone(), objects.size(*offset)?, sizes(shape)?, sizes(strides)?)?;
                Ok(Object::Tensor(view))
            }
            (Self::Parameter, [tensor, _, _]) => match objects.get(*tensor) {
                Object::Tensor(view) => Ok(Object::Tensor(view.clone())),
                other => Err(format!("a parameter is made of {}, expected a tensor", other.name())),
            },
            (Self::Encode, [_, _]) | (Self::Opaque, _) => Ok(Object::Opaque),
            _ => Err(format!("{} is called with {} arguments", self.name(), arguments.len())),
        }
    }
}

/// The storage that a persistent number names: ("storage", type, key, device, count).
pub(super) fn storage<'a>(identity: Id, objects: &Objects<'a>) -> Result<Storage<'a>, String> {
    let &[word, kind, key, _, count] = objects.items(identity)? else {
        return Err(format!("a storage has {} parts, expected 5", objects.items(identity)?.len()));
    };
    if objects.text(word)? != "storage" {
        return Err(format!("got {:?} by its number, expected a storage", shown(objects.text(word)?)));
    }
    let Object::Global(Global::Numbers(dtype)) = objects.get(kind) else {
        return Err(format!("a storage is of {}, expected a type of storages", objects.get(kind).name()));
    };
    Ok(Storage { dtype: *dtype, key: objects.text(key)?, count: objects.size(count)? })
}

/// A name from a file, without what a terminal obeys, and not without end.
pub(super) fn shown(name: &str) -> String {
    let plain = name.chars().take(100).map(|letter| if letter.is_control() { '?' } else { letter });
    plain.chain((name.chars().count() > 100).then_some('…')).collect()
}
