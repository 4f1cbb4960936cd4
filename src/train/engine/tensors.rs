//! Tensors as arrays of bytes and back: what a snapshot holds. Weights go under their own names, each with its shape, so
//! that anybody can load them. Numbers are copied once, from the tensor into the bytes that are saved.

use tch::{Device, Kind, Tensor};

use super::error::TrainError;
use crate::nn::parameters::Parameters;
use crate::train::checkpoint::{Dtype, NamedArray};

/// A flat tensor that lies like the weights, cut into its parts.
pub(super) fn cut(parameters: &Parameters, flat: &Tensor) -> Result<Vec<NamedArray>, TrainError> {
    // One transfer from a GPU, not one for each part; nothing at all where it lies in main memory.
    let parts = parameters.parts_of(&flat.detach().f_to_device(Device::Cpu)?)?;
    parts.iter().map(|(name, tensor)| array(name, tensor)).collect()
}

/// Writes parts back into a flat tensor.
///
/// # Errors
/// What does not fit, in words.
pub(super) fn join(parameters: &Parameters, arrays: &[NamedArray], flat: &Tensor) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let parts = parameters.parts_of(flat).map_err(|error| text(&error))?;
    let mut fitting = Vec::with_capacity(parts.len());
    for (name, mut place) in parts {
        let array = arrays.iter().find(|array| array.name == name).ok_or_else(|| format!("it has no {name}"))?;
        let fits = array.shape.iter().map(|&size| size as i64).eq(place.size());
        if array.dtype != Dtype::F32 || !fits || array.bytes.len() != 4 * place.numel() {
            return Err(format!("{name} is {} {:?}, expected F32 {:?}", array.dtype, array.shape, place.size()));
        }
        let values =
            Tensor::f_from_data_size(&array.bytes, &place.size(), Kind::Float).map_err(|error| text(&error))?;
        fitting.push(move || place.f_copy_(&values).map(drop));
    }
    // Nothing is written before everything was found to fit.
    fitting.into_iter().try_for_each(|mut write| tch::no_grad(&mut write)).map_err(|error| text(&error))
}

/// The state of an optimizer.
pub(super) fn arrays(tensors: Vec<(&'static str, Tensor)>) -> Result<Vec<NamedArray>, TrainError> {
    tensors.into_iter().map(|(name, tensor)| array(name, &tensor)).collect()
}

fn array(name: &str, tensor: &Tensor) -> Result<NamedArray, TrainError> {
    let (dtype, kind) =
        if tensor.kind() == Kind::Int64 { (Dtype::I64, Kind::Int64) } else { (Dtype::F32, Kind::Float) };
    // Itself, where it is already what is saved.
    let tensor = tensor.detach().f_to_device(Device::Cpu)?.f_to_kind(kind)?.f_contiguous()?;
    let mut bytes = vec![0; dtype.size() * tensor.numel()];
    tensor.f_copy_data_u8(&mut bytes, tensor.numel())?;
    let shape = tensor.size().iter().map(|&size| size as usize).collect();
    Ok(NamedArray { name: name.to_owned(), dtype, shape, bytes })
}

/// Arrays as tensors in main memory.
///
/// # Errors
/// What makes no tensor, in words.
pub(super) fn tensors(arrays: &[NamedArray]) -> Result<Vec<(String, Tensor)>, String> {
    let tensor = |array: &NamedArray| {
        let kind = match array.dtype {
            Dtype::F32 => Kind::Float,
            Dtype::I64 => Kind::Int64,
            other => return Err(format!("{} is {other}, expected F32 or I64", array.name)),
        };
        let size: Vec<i64> = array.shape.iter().map(|&size| size as i64).collect();
        let tensor = Tensor::f_from_data_size(&array.bytes, &size, kind).map_err(|error| error.to_string())?;
        Ok((array.name.clone(), tensor))
    };
    arrays.iter().map(tensor).collect()
}

// Saved numbers are little-endian, and here they are copied as they lie in memory.
const _: () = assert!(cfg!(target_endian = "little"));
