//! The header of a netCDF classic file in its three variants (CDF-1, CDF-2, CDF-5), and the place of each variable.
//!
//! The format has no checksum. What can be checked is: every list tag, type, name and dimension; the stored size of
//! each variable against its shape; that no two variables overlap; and the file's length against the end of the last
//! one. Changed numbers inside a variable can't be detected.
//!
//! <https://docs.unidata.ucar.edu/netcdf-c/current/file_format_specifications.html>

use std::fs::File;
use std::path::Path;

use super::cursor::Cursor;
use super::error::VolumeError;
use super::header::{AttributeValue, Attributes, Dimension, Header, Kind, Variable};
use super::values::{ByteOrder, widen};

const DIMENSIONS: u32 = 10;
const VARIABLES: u32 = 11;
const ATTRIBUTES: u32 = 12;

/// A parsed header.
pub(super) struct Classic {
    /// 1, 2 or 5.
    pub version: u8,
    /// What the file says about itself.
    pub header: Header,
    /// The place of each variable's data, in the order of the header.
    pub places: Vec<Place>,
}

/// The place of a variable's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The first byte.
    pub begin: u64,
    /// The bytes of one record, if records are interleaved.
    pub record_stride: Option<u64>,
}

/// What the header states of a variable's place, before it is checked.
struct Stated {
    begin: u64,
    size: u64,
}

/// Reads and checks the header of a file that begins with `CDF`.
///
/// # Errors
/// If the header is damaged, or the file is shorter than the header implies.
pub(super) fn parse(file: &File, path: &Path, file_len: u64) -> Result<Classic, VolumeError> {
    let mut cursor = Cursor::new(file, path, file_len);
    let version = cursor.take(4)?[3];
    cursor.wide = version == 5;
    let stated_records = cursor.length()?;
    let mut dimensions = parse_dimensions(&mut cursor)?;
    let attributes = parse_attributes(&mut cursor)?;
    let (mut variables, mut stated) = (Vec::new(), Vec::new());
    for _ in 0..list(&mut cursor, VARIABLES, "variables", 28)? {
        let (variable, place) = parse_variable(&mut cursor, version, &dimensions)?;
        variables.push(variable);
        stated.push(place);
    }
    let layout =
        Layout { path, file_len, header_len: cursor.position(), dimensions: &dimensions, variables: &variables };
    let streaming = if cursor.wide { u64::MAX } else { u64::from(u32::MAX) };
    let (places, records) = layout.check(&stated, (stated_records != streaming).then_some(stated_records))?;
    for dimension in dimensions.iter_mut().filter(|dimension| dimension.unlimited) {
        dimension.len = records;
    }
    Ok(Classic { version, header: Header { dimensions, variables, attributes }, places })
}

/// The length of a list whose tag must be `tag`; an absent list has a tag and a length of zero.
fn list(cursor: &mut Cursor, tag: u32, what: &str, least: u64) -> Result<usize, VolumeError> {
    let found = cursor.word()?;
    let count = cursor.items(what, least)?;
    if found == tag || (found == 0 && count == 0) {
        return Ok(count);
    }
    Err(cursor.damaged(format_args!("list tag {found} where the {what} begin")))
}

fn parse_dimensions(cursor: &mut Cursor) -> Result<Vec<Dimension>, VolumeError> {
    let mut dimensions: Vec<Dimension> = Vec::new();
    for _ in 0..list(cursor, DIMENSIONS, "dimensions", 12)? {
        let name = cursor.name()?;
        let len = cursor.length()?;
        let unlimited = len == 0;
        if unlimited && dimensions.iter().any(|other| other.unlimited) {
            return Err(cursor.damaged(format_args!("a second record dimension \"{name}\"")));
        }
        dimensions.push(Dimension { name, len, unlimited });
    }
    Ok(dimensions)
}

fn parse_attributes(cursor: &mut Cursor) -> Result<Attributes, VolumeError> {
    let mut attributes = Attributes::default();
    for _ in 0..list(cursor, ATTRIBUTES, "attributes", 16)? {
        let name = cursor.name()?;
        let kind = parse_kind(cursor)?;
        let count = cursor.count("values", kind.size() as u64)?;
        let bytes = cursor.padded(count as u64 * kind.size() as u64)?;
        let value = match widen(kind, &bytes, ByteOrder::Big) {
            Some(values) => AttributeValue::Numbers { kind, values },
            None => AttributeValue::Text(String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned()),
        };
        attributes.0.push((name, value));
    }
    Ok(attributes)
}

fn parse_kind(cursor: &mut Cursor) -> Result<Kind, VolumeError> {
    let number = cursor.word()?;
    Ok(match (number, cursor.wide) {
        (1, _) => Kind::I8,
        (2, _) => Kind::Text,
        (3, _) => Kind::I16,
        (4, _) => Kind::I32,
        (5, _) => Kind::F32,
        (6, _) => Kind::F64,
        (7, true) => Kind::U8,
        (8, true) => Kind::U16,
        (9, true) => Kind::U32,
        (10, true) => Kind::I64,
        (11, true) => Kind::U64,
        _ => return Err(cursor.damaged(format_args!("type number {number}"))),
    })
}

fn parse_variable(
    cursor: &mut Cursor,
    version: u8,
    dimensions: &[Dimension],
) -> Result<(Variable, Stated), VolumeError> {
    let name = cursor.name()?;
    let mut own = Vec::new();
    for position in 0..cursor.count("dimensions of a variable", 4)? {
        let id = cursor.length()?;
        let Some(dimension) = usize::try_from(id).ok().and_then(|id| dimensions.get(id)) else {
            return Err(cursor.damaged(format_args!("dimension number {id} of \"{name}\"")));
        };
        if dimension.unlimited && position > 0 {
            return Err(cursor.damaged(format_args!("the record dimension in a later place of \"{name}\"")));
        }
        own.push(id as usize);
    }
    let attributes = parse_attributes(cursor)?;
    let kind = parse_kind(cursor)?;
    let size = cursor.length()?;
    let begin = if version == 1 { u64::from(cursor.word()?) } else { cursor.double_word()? };
    Ok((Variable { name, dimensions: own, kind, attributes }, Stated { begin, size }))
}

/// What the places of the variables are checked against.
struct Layout<'a> {
    path: &'a Path,
    file_len: u64,
    header_len: u64,
    dimensions: &'a [Dimension],
    variables: &'a [Variable],
}

impl Layout<'_> {
    /// The place of each variable and the number of records. `records` is `None` for a file that was being streamed.
    fn check(&self, stated: &[Stated], records: Option<u64>) -> Result<(Vec<Place>, u64), VolumeError> {
        let sizes = self.variables.iter().map(|variable| self.size(variable)).collect::<Result<Vec<_>, _>>()?;
        self.check_sizes(&sizes, stated)?;
        let stride = self.record_stride(&sizes);
        let first_record = self.records().filter_map(|index| stated.get(index)).map(|place| place.begin).min();
        let records = match (records, first_record) {
            (Some(records), _) => records,
            (None, Some(first)) => self.file_len.saturating_sub(first).checked_div(stride).unwrap_or(0),
            (None, None) => 0,
        };
        self.check_spans(&sizes, stated, stride, records)?;
        let place = |(index, stated): (usize, &Stated)| Place {
            begin: stated.begin,
            record_stride: self.is_record(index).then_some(stride),
        };
        Ok((stated.iter().enumerate().map(place).collect(), records))
    }

    fn is_record(&self, index: usize) -> bool {
        let first = self.variables.get(index).and_then(|variable| variable.dimensions.first());
        first.and_then(|&dimension| self.dimensions.get(dimension)).is_some_and(|dimension| dimension.unlimited)
    }

    fn records(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.variables.len()).filter(|&index| self.is_record(index))
    }

    /// The bytes of a variable, or of one record of it, without padding.
    fn size(&self, variable: &Variable) -> Result<u64, VolumeError> {
        let lengths = variable.dimensions.iter().filter_map(|&dimension| self.dimensions.get(dimension));
        let size = lengths
            .filter(|dimension| !dimension.unlimited)
            .try_fold(variable.kind.size() as u64, |size, dimension| size.checked_mul(dimension.len));
        size.filter(|&size| size <= i64::MAX as u64).ok_or_else(|| {
            VolumeError::damaged(self.path, format!("the size of variable \"{}\" overflows", variable.name))
        })
    }

    /// The size that the header states is redundant, and therefore a check of the shape. It is ignored if it does not
    /// fit its field; a lone record variable may be stated with its padding or without.
    fn check_sizes(&self, sizes: &[u64], stated: &[Stated]) -> Result<(), VolumeError> {
        for ((variable, &size), place) in self.variables.iter().zip(sizes).zip(stated) {
            let padded = size.next_multiple_of(4);
            if place.size != padded && place.size != size && padded < u64::from(u32::MAX) - 3 {
                let check = format!(
                    "the header states {} bytes for variable \"{}\", its shape needs {padded}",
                    place.size, variable.name
                );
                return Err(VolumeError::damaged(self.path, check));
            }
        }
        Ok(())
    }

    /// The bytes from one record to the next. A lone record variable has no padding.
    fn record_stride(&self, sizes: &[u64]) -> u64 {
        let sizes: Vec<u64> = self.records().filter_map(|index| sizes.get(index).copied()).collect();
        match sizes[..] {
            [only] => only,
            _ => sizes.iter().fold(0, |sum, size| sum.saturating_add(size.next_multiple_of(4))),
        }
    }

    /// Each variable is behind the header, overlaps no other, and ends before the file does.
    fn check_spans(&self, sizes: &[u64], stated: &[Stated], stride: u64, records: u64) -> Result<(), VolumeError> {
        let mut fixed = Vec::new();
        let mut first_record = Vec::new();
        let mut needs = self.header_len;
        for (index, (&size, place)) in sizes.iter().zip(stated).enumerate() {
            let span = (place.begin, place.begin.saturating_add(size), index);
            if self.is_record(index) {
                first_record.push(span);
                if records > 0 {
                    needs = needs.max(span.1.saturating_add(stride.saturating_mul(records - 1)));
                }
            } else {
                fixed.push(span);
                needs = needs.max(span.1);
            }
        }
        if needs > self.file_len {
            return Err(VolumeError::Cut { path: self.path.to_owned(), needs, has: self.file_len });
        }
        if !first_record.is_empty() && self.file_len - needs >= stride.max(4) {
            let check = format!("its header counts {records} records, the file has room for more");
            return Err(VolumeError::damaged(self.path, check));
        }
        fixed.sort_unstable();
        first_record.sort_unstable();
        let records_span = first_record.first().map(|first| (first.0, u64::MAX, first.2));
        if let (Some(first), Some(last)) = (first_record.first(), first_record.last())
            && last.1 - first.0 > stride.max(1)
        {
            return Err(self.overlap(first.2, last.2));
        }
        self.check_order(fixed.into_iter().chain(records_span))?;
        self.check_order(first_record.into_iter())
    }

    fn check_order(&self, spans: impl Iterator<Item = (u64, u64, usize)>) -> Result<(), VolumeError> {
        let (mut end, mut before) = (self.header_len, None);
        for (begin, span_end, index) in spans {
            if begin < end {
                return Err(self.overlap(before.unwrap_or(index), index));
            }
            (end, before) = (span_end, Some(index));
        }
        Ok(())
    }

    fn overlap(&self, one: usize, other: usize) -> VolumeError {
        let name = |index: usize| self.variables.get(index).map_or("", |variable| &variable.name);
        let check = format!("the data of variables \"{}\" and \"{}\" or the header overlap", name(one), name(other));
        VolumeError::damaged(self.path, check)
    }
}
