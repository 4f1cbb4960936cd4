//! Tensors as arrays of bytes and back: the content of a snapshot. Weights keep their own names, each with its shape, so
//! that anybody can load them. Numbers are copied once, from the tensor into the bytes that are saved.

use tch::{Device, Kind, Tensor};

use super::error::TrainError;
use crate::nn::parameters::{BufferSpec, Numbers, Parameters};
use crate::train::checkpoint::{ArraySpec, Dtype, NamedArray};

/// The expected weights of a checkpoint of this model: its parameters and its buffers.
#[must_use]
pub fn model_arrays(parameters: &Parameters) -> Vec<ArraySpec> {
    let spec = |name: &str, dtype: Dtype, shape: &[i64]| {
        let shape = shape.iter().map(|&size| size as usize).collect();
        ArraySpec { name: name.to_owned(), dtype, shape }
    };
    let trained = parameters.layout().map(|(found, _)| spec(&found.name, Dtype::F32, &found.shape));
    let buffers = parameters.buffer_parts().into_iter();
    trained.chain(buffers.map(|(found, _)| spec(&found.name, dtype(found.numbers), &found.shape))).collect()
}

/// A model: a flat tensor in the order of its parameters, cut into its parts, and its buffers.
pub(super) fn cut(parameters: &Parameters, flat: &Tensor) -> Result<Vec<NamedArray>, TrainError> {
    // One transfer from a GPU, not one for each part; nothing at all if it is in main memory.
    let [flat, buffers] = [flat, &parameters.buffers()].map(|flat| flat.detach().f_to_device(Device::Cpu));
    let (parts, buffers) = (parameters.parts_of(&flat?)?, buffers?);
    let buffer = |(spec, place): (&BufferSpec, Tensor)| array(&spec.name, &place.f_to_kind(kind(spec.numbers))?);
    let buffers = parameters.buffer_parts_of(&buffers).into_iter().map(buffer);
    parts.iter().map(|(name, tensor)| array(name, tensor)).chain(buffers).collect()
}

/// Writes a model back into its parameters and its buffers.
///
/// # Errors
/// A description of what does not fit.
pub(super) fn join_model(parameters: &Parameters, arrays: &[NamedArray]) -> Result<(), String> {
    let buffers = parameters.buffer_parts().into_iter();
    let buffers = buffers.map(|(spec, place)| (spec.name.clone(), spec.numbers, place));
    write(places(parameters, &parameters.values())?.into_iter().chain(buffers).collect(), arrays)
}

/// Writes the parameters of a model into a flat tensor.
///
/// # Errors
/// A description of what does not fit.
pub(super) fn join(parameters: &Parameters, arrays: &[NamedArray], flat: &Tensor) -> Result<(), String> {
    write(places(parameters, flat)?, arrays)
}

type Place = (String, Numbers, Tensor);

fn places(parameters: &Parameters, flat: &Tensor) -> Result<Vec<Place>, String> {
    let parts = parameters.parts_of(flat).map_err(|error| error.to_string())?;
    Ok(parts.into_iter().map(|(name, place)| (name, Numbers::Float, place)).collect())
}

fn write(places: Vec<Place>, arrays: &[NamedArray]) -> Result<(), String> {
    let text = |error: tch::TchError| error.to_string();
    let mut fitting = Vec::with_capacity(places.len());
    for (name, numbers, mut place) in places {
        let array = arrays.iter().find(|array| array.name == name).ok_or_else(|| format!("it has no {name}"))?;
        let fits = array.shape.iter().map(|&size| size as i64).eq(place.size());
        let expected = dtype(numbers);
        if array.dtype != expected || !fits || array.bytes.len() != expected.size() * place.numel() {
            let (got, size) = (array.dtype, place.size());
            return Err(format!("{name} is {got} {:?}, expected {expected} {size:?}", array.shape));
        }
        let values = Tensor::f_from_data_size(&array.bytes, &place.size(), kind(numbers)).map_err(text)?;
        fitting.push(move || place.f_copy_(&values).map(drop));
    }
    // Nothing is written until everything was found to fit.
    fitting.into_iter().try_for_each(|mut write| tch::no_grad(&mut write)).map_err(text)
}

fn dtype(numbers: Numbers) -> Dtype {
    match numbers {
        Numbers::Float => Dtype::F32,
        Numbers::Whole => Dtype::I64,
    }
}

fn kind(numbers: Numbers) -> Kind {
    match numbers {
        Numbers::Float => Kind::Float,
        Numbers::Whole => Kind::Int64,
    }
}

/// The state of an optimizer.
pub(super) fn arrays(tensors: Vec<(&'static str, Tensor)>) -> Result<Vec<NamedArray>, TrainError> {
    tensors.into_iter().map(|(name, tensor)| array(name, &tensor)).collect()
}

fn array(name: &str, tensor: &Tensor) -> Result<NamedArray, TrainError> {
    let (dtype, kind) =
        if tensor.kind() == Kind::Int64 { (Dtype::I64, Kind::Int64) } else { (Dtype::F32, Kind::Float) };
    // The tensor itself, if it already is in the form that is saved.
    let tensor = tensor.detach().f_to_device(Device::Cpu)?.f_to_kind(kind)?.f_contiguous()?;
    let mut bytes = vec![0; dtype.size() * tensor.numel()];
    tensor.f_copy_data_u8(&mut bytes, tensor.numel())?;
    let shape = tensor.size().iter().map(|&size| size as usize).collect();
    Ok(NamedArray { name: name.to_owned(), dtype, shape, bytes })
}
