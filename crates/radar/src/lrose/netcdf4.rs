//! netCDF-4, written through the netCDF library. Slower than the classic format, a fraction of its size.

use std::path::Path;

use netcdf::{AttributeValue, Error, Extents, FileMut, NcTypeDescriptor};

use super::container::{Attribute, File, Value, Values, Variable};

/// Writes a file, one chunk per plane of the grid.
pub(super) fn write(file: &File<'_>, path: &Path, deflate_level: u8) -> Result<(), Error> {
    let mut out = netcdf::create(path)?;
    for dimension in &file.dimensions {
        out.add_dimension(&dimension.name, dimension.length)?;
    }
    for attribute in &file.attributes {
        out.add_attribute(&attribute.name, attribute_value(&attribute.value))?;
    }
    for variable in &file.variables {
        match &variable.values {
            Values::Byte(values) => put(&mut out, file, variable, values, deflate_level)?,
            Values::Int(values) => put(&mut out, file, variable, values, deflate_level)?,
            Values::Float(values) => put(&mut out, file, variable, values, deflate_level)?,
            Values::Double(values) => put(&mut out, file, variable, values, deflate_level)?,
        }
    }
    out.close()
}

fn put<T: NcTypeDescriptor>(
    out: &mut FileMut,
    file: &File<'_>,
    variable: &Variable<'_>,
    values: &[T],
    deflate_level: u8,
) -> Result<(), Error> {
    let dimensions: Vec<_> = variable.dimensions.iter().map(|&index| &file.dimensions[index]).collect();
    let names: Vec<_> = dimensions.iter().map(|dimension| dimension.name.as_ref()).collect();
    let mut created = out.add_variable::<T>(&variable.name, &names)?;
    if dimensions.len() > 1 {
        let first_of_plane = dimensions.len() - 2;
        let chunk: Vec<_> =
            dimensions.iter().enumerate().map(|(i, d)| if i < first_of_plane { 1 } else { d.length }).collect();
        created.set_chunking(&chunk)?;
        created.set_compression(deflate_level.into(), false)?;
    }
    for Attribute { name, value } in &variable.attributes {
        created.put_attribute(name, attribute_value(value))?;
    }
    created.put_values(values, Extents::All)
}

fn attribute_value(value: &Value) -> AttributeValue {
    match value {
        Value::Text(text) => AttributeValue::Str(text.clone()),
        Value::Numbers(Values::Byte(values)) => AttributeValue::Schars(values.to_vec()),
        Value::Numbers(Values::Int(values)) => AttributeValue::Ints(values.clone()),
        Value::Numbers(Values::Float(values)) => AttributeValue::Floats(values.to_vec()),
        Value::Numbers(Values::Double(values)) => AttributeValue::Doubles(values.clone()),
    }
}
