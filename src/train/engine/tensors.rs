//! Tensors as arrays of bytes and back: what a snapshot holds. Weights go under their own names, each with its shape, so
//! that anybody can load them.

use tch::{Kind, Tensor};

use super::error::TrainError;
use crate::nn::parameters::Parameters;
use crate::train::checkpoint::{Dtype, NamedArray};

/// A flat tensor that lies like the weights, cut into its parts.
pub(super) fn cut(parameters: &Parameters, flat: &Tensor) -> Result<Vec<NamedArray>, TrainError> {
    let parts = parameters.arrays_of(flat)?;
    Ok(parts.iter().map(|(name, shape, values)| NamedArray::f32(name, shape, values)).collect())
}

/// Writes parts back into a flat tensor.
///
/// # Errors
/// What does not fit, in words.
pub(super) fn join(parameters: &Parameters, arrays: &[NamedArray], flat: &Tensor) -> Result<(), String> {
    let mut values = vec![0.0_f32; flat.numel()];
    for (spec, range) in parameters.layout() {
        let array = arrays.iter().find(|array| array.name == spec.name);
        let array = array.ok_or_else(|| format!("it has no {}", spec.name))?;
        let place = &mut values[range];
        let fits = array.shape.iter().map(|&size| size as i64).eq(spec.shape.iter().copied());
        if array.dtype != Dtype::F32 || !fits || array.bytes.len() != 4 * place.len() {
            return Err(format!("{} is {} {:?}, expected F32 {:?}", array.name, array.dtype, array.shape, spec.shape));
        }
        for (value, bytes) in place.iter_mut().zip(array.bytes.chunks_exact(4)) {
            *value = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
    }
    tch::no_grad(|| flat.shallow_clone().f_copy_(&Tensor::from_slice(&values)))
        .map(drop)
        .map_err(|error| error.to_string())
}

/// The state of an optimizer.
pub(super) fn arrays(tensors: Vec<(&'static str, Tensor)>) -> Result<Vec<NamedArray>, TrainError> {
    tensors.into_iter().map(|(name, tensor)| array(name, &tensor)).collect()
}

fn array(name: &str, tensor: &Tensor) -> Result<NamedArray, TrainError> {
    let shape: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
    if tensor.kind() == Kind::Int64 {
        let values = Vec::<i64>::try_from(tensor.f_reshape([-1])?)?;
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        return Ok(NamedArray { name: name.to_owned(), dtype: Dtype::I64, shape, bytes });
    }
    Ok(NamedArray::f32(name, &shape, &Vec::<f32>::try_from(tensor.f_reshape([-1])?)?))
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
