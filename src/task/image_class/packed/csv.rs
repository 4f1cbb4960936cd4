//! Tables of text: a line for each image, its label in the first column (or in the one that the heading calls so), then its
//! levels row by row. A heading is optional.

use std::collections::HashMap;

use super::pair::{one_dataset, own, side};
use super::read::Source;
use super::{Labels, Table, Unusable};
use crate::task::image_class::prepare::layout::LeftOut;

/// What a column of labels is called.
const LABEL: [&str; 5] = ["label", "labels", "class", "target", "y"];

/// One table for each file; those without labels are left out.
pub(super) fn tables(
    paths: &[&str],
    size: [usize; 2],
    source: &mut Source<'_>,
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<Table>, Unusable> {
    one_dataset(paths)?;
    let mut tables = Vec::new();
    for file in paths {
        let bytes = source.bytes(file)?;
        match table(file, &bytes, size)? {
            Some(table) => tables.push(table),
            None => {
                let reason = "it has no column of labels".to_owned();
                left_out.push(LeftOut { place: (*file).to_owned(), files: 1, reason });
                source.digests.pop();
            }
        }
    }
    if tables.is_empty() {
        return Err(Unusable::new(
            paths[0],
            "has no images with labels; expected a line for each: its label, then its levels",
        ));
    }
    Ok(tables)
}

/// How lines are read.
struct Columns {
    separator: u8,
    all: usize,
    label: usize,
    shape: [usize; 2],
    has_heading: bool,
}

fn table(file: &str, bytes: &[u8], size: [usize; 2]) -> Result<Option<Table>, Unusable> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let lines =
        || bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).enumerate().filter(|(_, line)| !line.is_empty());
    let Some((_, first)) = lines().next() else { return Err(Unusable::new(file, "is empty")) };
    let Some(columns) = Columns::of(first, size).map_err(|reason| Unusable::new(file, reason))? else {
        return Ok(None);
    };
    let (mut names, mut of, mut numbers) = (HashMap::new(), Vec::new(), Vec::new());
    let (mut levels, mut places, mut bad) = (Vec::new(), Vec::new(), Vec::new());
    for (line, text) in lines().skip(usize::from(columns.has_heading)) {
        let before = levels.len();
        match columns.read(text, &mut levels) {
            Ok(label) => {
                let next = names.len() as u32;
                of.push(*names.entry(label.clone()).or_insert(next));
                numbers.push(label.parse::<i64>().ok());
                places.push(line + 1);
            }
            Err(reason) => {
                levels.truncate(before);
                bad.push((line + 1, reason));
            }
        }
    }
    let labels = match numbers.iter().copied().collect::<Option<Vec<i64>>>() {
        Some(numbers) => Labels::Numbers(numbers),
        None => {
            let mut named: Vec<(String, u32)> = names.into_iter().collect();
            named.sort_by_key(|(_, number)| *number);
            Labels::Names { names: named.into_iter().map(|(name, _)| name).collect(), of }
        }
    };
    let (file, side) = (file.to_owned(), side(own(file)));
    Ok(Some(Table { file, side, shape: columns.shape, levels, labels, lines: Some(places), bad }))
}

impl Columns {
    /// From the first line; nothing if there is no column of labels.
    fn of(first: &[u8], size: [usize; 2]) -> Result<Option<Self>, String> {
        let separator = [b',', b';', b'\t'].into_iter().find(|separator| first.contains(separator)).unwrap_or(b',');
        let fields: Vec<String> = first.split(|byte| *byte == separator).map(text).collect();
        // A label may be a word, so the first column does not count.
        let has_heading = fields.iter().skip(1).any(|field| field.parse::<f32>().is_err());
        let is_label = |field: &String| LABEL.iter().any(|label| field.eq_ignore_ascii_case(label));
        let named = fields.iter().position(is_label).filter(|_| has_heading);
        let square = |pixels: usize| pixels > 1 && pixels.isqrt().pow(2) == pixels;
        let pixels = fields.len() - 1;
        let shape = match () {
            () if pixels == size[0] * size[1] => size,
            () if square(pixels) => [pixels.isqrt(); 2],
            () if named.is_none() && (square(fields.len()) || fields.len() == size[0] * size[1]) => return Ok(None),
            () => {
                let count = fields.len();
                return Err(format!(
                    "has {count} columns, expected a label and the levels of a square image (785 for 28 x 28)"
                ));
            }
        };
        Ok(Some(Self { separator, all: fields.len(), label: named.unwrap_or(0), shape, has_heading }))
    }

    /// The label; the levels are appended.
    fn read(&self, line: &[u8], levels: &mut Vec<u8>) -> Result<String, String> {
        let (mut label, mut count) = (None, 0);
        for (place, field) in line.split(|byte| *byte == self.separator).enumerate() {
            count += 1;
            match place == self.label {
                true => label = Some(text(field)),
                false => levels.push(level(field).ok_or_else(|| {
                    format!("has {:?} in column {}, expected a whole number from 0 to 255", text(field), place + 1)
                })?),
            }
        }
        if count != self.all {
            return Err(format!("has {count} columns, expected {}", self.all));
        }
        label.filter(|label| !label.is_empty()).ok_or_else(|| "has no label".to_owned())
    }
}

fn text(field: &[u8]) -> String {
    let field = field.trim_ascii();
    let unquoted = field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\"")).unwrap_or(field);
    String::from_utf8_lossy(unquoted).into_owned()
}

fn level(field: &[u8]) -> Option<u8> {
    let field = field.trim_ascii();
    if field.len() <= 3 && !field.is_empty() && field.iter().all(u8::is_ascii_digit) {
        let number = field.iter().fold(0_u16, |number, digit| 10 * number + u16::from(digit - b'0'));
        return u8::try_from(number).ok();
    }
    let number: f32 = text(field).parse().ok()?;
    (number.fract() == 0.0 && (0.0..=255.0).contains(&number)).then_some(number as u8)
}
