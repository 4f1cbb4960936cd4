//! A parquet file of landmarks: a row for each point of each frame, with `frame`, `type`, `landmark_index`, `x`, `y` and `z`. Rows may be
//! in any order, frames begin anywhere and may skip, and NaN or null is a point that was not seen.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use bytes::Bytes;
use parquet::column::reader::ColumnReader;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader};
use parquet::file::serialized_reader::SerializedFileReader;

use super::pages;
use crate::task::keypoints::read::dictionary::MOST_BYTES_OF_SAMPLE;
use crate::task::keypoints::read::hints::{FACE, HAND, LEFT, POSE, RIGHT, XYZ};
use crate::task::keypoints::read::parts::{Parts, Point};
use crate::task::keypoints::read::{Frames, content};

/// The columns that are read.
const COLUMNS: [&str; 6] = ["frame", "type", "landmark_index", "x", "y", "z"];

/// The types, in the order of the file, with their points. A face may have those of the irises too.
const TYPES: [(&str, usize); 4] = [(FACE, 468), (LEFT, HAND), (POSE, 33), (RIGHT, HAND)];
const FACE_WITH_IRISES: usize = 478;

/// Rows may take less than a byte of the file where nothing is seen, but not without end.
const MOST_ROWS_OF_A_BYTE: usize = 8;
const ALWAYS_ALLOWED: usize = 1 << 20;

/// How many rows are decoded at once.
const STEP: usize = 8192;

/// A row of the file.
#[derive(Clone, Copy)]
struct Row {
    frame: i64,
    kind: usize,
    index: usize,
    place: [f32; 3],
}

/// Reads a file.
pub(in crate::task::keypoints::read) fn read(path: &Path) -> Result<Frames, String> {
    let bytes = content(path, MOST_BYTES_OF_SAMPLE)?;
    decode(bytes)
}

pub(super) fn decode(bytes: Vec<u8>) -> Result<Frames, String> {
    let length = bytes.len();
    // The crate checks what it reads, but not everything: what it panics on is damaged, and nothing of it is kept.
    let rows = catch_unwind(AssertUnwindSafe(|| rows(bytes.into())));
    let rows = rows.unwrap_or_else(|_| Err("is damaged: it can't be decoded; fetch it again".to_owned()))?;
    frames(rows, length)
}

fn refused(error: &ParquetError) -> String {
    format!("is no parquet file that can be read, expected one with snappy, gzip, zstd or no compression ({error})")
}

fn rows(bytes: Bytes) -> Result<Vec<Row>, String> {
    let length = bytes.len();
    let file = SerializedFileReader::new(bytes.clone()).map_err(|error| refused(&error))?;
    pages::check(&bytes, file.metadata())?;
    let mut counts = file.metadata().row_groups().iter().map(|group| usize::try_from(group.num_rows()).ok());
    let count = counts.try_fold(0_usize, |sum, count| sum.checked_add(count?));
    let most = length.saturating_mul(MOST_ROWS_OF_A_BYTE).max(ALWAYS_ALLOWED);
    if count.is_none_or(|count| count > most) {
        let found = count.map_or_else(|| "impossibly many".to_owned(), |count| count.to_string());
        return Err(format!("says that it has {found} rows, expected at most {most} in a file of its size"));
    }
    let schema = file.metadata().file_metadata().schema_descr();
    let names: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
    let mut places = [0; COLUMNS.len()];
    for (place, name) in places.iter_mut().zip(COLUMNS) {
        let found = names.iter().position(|found| found == name);
        *place =
            found.ok_or_else(|| format!("has the columns {}, expected {}", names.join(", "), COLUMNS.join(", ")))?;
        if schema.column(*place).max_rep_level() > 0 {
            return Err(format!("has lists in the column {name}, expected single values"));
        }
    }
    let mut all = Vec::new();
    for group in 0..file.num_row_groups() {
        let group = file.get_row_group(group).map_err(|error| refused(&error))?;
        if group.metadata().num_rows() == 0 {
            continue;
        }
        group_rows(group.as_ref(), places, &mut all)?;
    }
    Ok(all)
}

/// The rows of a group, column by column.
fn group_rows(group: &dyn RowGroupReader, places: [usize; COLUMNS.len()], all: &mut Vec<Row>) -> Result<(), String> {
    let count = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    let first = all.len();
    all.resize(first + count, Row { frame: 0, kind: 0, index: 0, place: [f32::NAN; 3] });
    for (column, place) in places.into_iter().enumerate() {
        let name = COLUMNS[column];
        let is_optional = group.metadata().column(place).column_descr().max_def_level() > 0;
        let reader = group.get_column_reader(place).map_err(|error| refused(&error))?;
        let mut row = first;
        values(reader, is_optional, name, &mut |value| {
            let Some(target) = all.get_mut(row) else {
                return Err(format!("has more than {count} values in the column {name}"));
            };
            row += 1;
            match (column, value) {
                (0, Some(Cell::Whole(frame))) => target.frame = frame,
                (1, Some(Cell::Kind(kind))) => target.kind = kind,
                (2, Some(Cell::Whole(index))) => target.index = usize::try_from(index).unwrap_or(usize::MAX),
                (3.., Some(Cell::Real(number))) => target.place[column - 3] = number as f32,
                (3.., None) => {}
                _ => return Err(format!("has no {name} in the row {}", row - 1)),
            }
            Ok(())
        })?;
        if row != all.len() {
            return Err(format!("has {} values in the column {name}, expected {count}", row - first));
        }
    }
    Ok(())
}

/// A value of a column.
enum Cell {
    Whole(i64),
    Real(f64),
    Kind(usize),
}

/// Gives every value of a column to a function, none for null.
fn values(
    reader: ColumnReader,
    is_optional: bool,
    name: &str,
    each: &mut dyn FnMut(Option<Cell>) -> Result<(), String>,
) -> Result<(), String> {
    macro_rules! read {
        ($reader:expr, $value:expr) => {{
            let mut reader = $reader;
            loop {
                let (mut levels, mut values) = (Vec::new(), Vec::new());
                let wanted = is_optional.then_some(&mut levels);
                let (records, ..) =
                    reader.read_records(STEP, wanted, None, &mut values).map_err(|error| refused(&error))?;
                if records == 0 {
                    return Ok(());
                }
                let mut values = values.into_iter();
                for record in 0..records {
                    let is_null = is_optional && levels.get(record) == Some(&0);
                    let value = if is_null { None } else { values.next().map($value).transpose()? };
                    each(value)?;
                }
            }
        }};
    }
    match reader {
        ColumnReader::Int32ColumnReader(reader) => {
            read!(reader, |value: i32| Ok::<_, String>(Cell::Whole(value.into())))
        }
        ColumnReader::Int64ColumnReader(reader) => read!(reader, |value: i64| Ok::<_, String>(Cell::Whole(value))),
        ColumnReader::FloatColumnReader(reader) => {
            read!(reader, |value: f32| Ok::<_, String>(Cell::Real(value.into())))
        }
        ColumnReader::DoubleColumnReader(reader) => read!(reader, |value: f64| Ok::<_, String>(Cell::Real(value))),
        ColumnReader::ByteArrayColumnReader(_) if name != COLUMNS[1] => {
            Err(format!("has texts in the column {name}, expected numbers"))
        }
        ColumnReader::ByteArrayColumnReader(reader) => read!(reader, |value: ByteArray| kind(&value)),
        _ => Err(format!("has values of an unexpected type in the column {name}, expected numbers or texts")),
    }
}

fn kind(value: &ByteArray) -> Result<Cell, String> {
    let kind = TYPES.iter().position(|(name, _)| name.as_bytes() == value.data());
    kind.map(Cell::Kind).ok_or_else(|| {
        let found: String = String::from_utf8_lossy(value.data()).chars().take(40).collect();
        format!("has the type {found:?}, expected {}", TYPES.map(|(name, _)| name).join(", "))
    })
}

/// The rows as frames in the order of their numbers.
fn frames(mut rows: Vec<Row>, file_bytes: usize) -> Result<Frames, String> {
    let key = |row: &Row| (row.frame, row.kind, row.index);
    rows.sort_by_key(key);
    if let Some([row, _]) = rows.windows(2).find(|pair| key(&pair[0]) == key(&pair[1])) {
        return Err(format!("has the point {} of {} twice in frame {}", row.index, TYPES[row.kind].0, row.frame));
    }
    let mut counts = TYPES.map(|(_, points)| points);
    if rows.iter().any(|row| row.kind == 0 && row.index >= counts[0]) {
        counts[0] = FACE_WITH_IRISES;
    }
    let mut parts = Parts::new(file_bytes);
    for frame in rows.chunk_by(|one, other| one.frame == other.frame) {
        parts.frame()?;
        for of_kind in frame.chunk_by(|one, other| one.kind == other.kind) {
            let (name, count) = (TYPES[of_kind[0].kind].0, counts[of_kind[0].kind]);
            let mut points: Vec<Point> = vec![[f32::NAN; 4]; count];
            for row in of_kind {
                let point = points.get_mut(row.index).ok_or_else(|| {
                    format!("has the point {} of {name} in frame {}, expected 0 to {}", row.index, row.frame, count - 1)
                })?;
                point[..3].copy_from_slice(&row.place);
            }
            parts.put(name, &points, XYZ)?;
        }
    }
    parts.finish()
}
