//! Tables of text: a line for each image, its label in the first column (or in the one that the heading calls so), then its
//! levels row by row. A heading is optional. A field may be in quotation marks; an image is one line.

use std::borrow::Cow;
use std::collections::HashMap;

use super::pair::{one_dataset, own, side};
use super::read::Source;
use super::{Labels, Table, Unusable};
use crate::task::image_class::prepare::layout::LeftOut;

/// What a column of labels is called. The last may also be the label of an image.
const LABEL: [&str; 5] = ["label", "labels", "class", "target", LETTER];
const LETTER: &str = "y";

/// What separates fields.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// No image of so many pixels has the levels 1, 2, 3 and so on: they are the numbers of columns.
const COUNTED: usize = 64;

/// What follows the reason for which the first line of a file without any image can't be used.
const EXPECTED: &str = "; expected a line for each image: its label, then its levels as whole numbers from 0 to 255 (multiply \
                        levels from 0 to 1 by 255); a heading may call another column \"label\"";

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
    if tables.iter().all(|table| table.levels.is_empty()) {
        let reason = match tables[0].bad.first() {
            Some((line, reason)) => format!("has no image that can be used: line {line} {reason}{EXPECTED}"),
            None => format!("has no line below its heading{EXPECTED}"),
        };
        return Err(Unusable::new(&tables[0].file, reason));
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
        // The first of those with the most fields.
        let count = |separator: &u8| Fields::of(first, *separator).count();
        let separator = SEPARATORS.into_iter().rev().max_by_key(count).unwrap_or(SEPARATORS[0]);
        let fields: Vec<String> =
            Fields::of(first, separator).map(|field| field.map(|field| text(&field))).collect::<Result<_, _>>()?;
        let has_heading = is_heading(&fields);
        let named = fields.iter().position(|field| is_label(field)).filter(|_| has_heading);
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
        for (place, field) in Fields::of(line, self.separator).enumerate() {
            let field = field?;
            count += 1;
            match place == self.label {
                true => label = Some(text(&field)),
                false => levels.push(level(&field).ok_or_else(|| {
                    format!("has {:?} in column {}, expected a whole number from 0 to 255", text(&field), place + 1)
                })?),
            }
        }
        if count != self.all {
            return Err(format!("has {count} columns, expected {}", self.all));
        }
        label.filter(|label| !label.is_empty()).ok_or_else(|| "has no label".to_owned())
    }
}

fn is_label(field: &str) -> bool {
    LABEL.iter().any(|label| field.eq_ignore_ascii_case(label))
}

/// Whether a first line names columns. A label may be a word, so a word in the first field alone does not say it.
fn is_heading(fields: &[String]) -> bool {
    let [first, middle @ .., last] = fields else { return false };
    let is_word = |field: &String| field.parse::<f32>().is_err();
    // 0, 1, 2 or 1, 2, 3 and so on.
    let counted = |fields: &[String]| {
        let start = usize::from(fields.first().is_some_and(|field| field == "1"));
        fields.len() > 1 && fields.iter().zip(start..).all(|(field, number)| *field == number.to_string())
    };
    match () {
        () if middle.iter().any(is_word) => true,
        // A word at the end of an image is a label in the wrong place.
        () if is_word(last) => is_word(first) || is_label(last) || counted(&fields[..fields.len() - 1]),
        () if is_label(first) && !first.eq_ignore_ascii_case(LETTER) => true,
        () => counted(&fields[1..]) && (is_label(first) || fields.len() > COUNTED),
    }
}

/// The fields of a line, without spaces around them and without their quotation marks; a doubled one within them is one.
struct Fields<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
}

impl<'a> Fields<'a> {
    fn of(line: &'a [u8], separator: u8) -> Self {
        Self { rest: Some(line), separator }
    }

    /// A field that begins with a quotation mark; what follows it is left for the next one.
    fn quoted(&mut self, quoted: &'a [u8]) -> Result<Cow<'a, [u8]>, String> {
        self.rest = None;
        let (mut content, mut rest) = (Vec::new(), quoted);
        loop {
            let end = memchr::memchr(b'"', rest).ok_or("has a quotation mark that does not end on the same line")?;
            content.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            match rest.first() {
                Some(b'"') => content.push(b'"'),
                _ => break,
            }
            rest = &rest[1..];
        }
        let rest = after_spaces(rest);
        match rest.split_first() {
            None => {}
            Some((separator, rest)) if *separator == self.separator => self.rest = Some(rest),
            Some(_) => return Err(format!("has text behind the quoted field {:?}", text(&content))),
        }
        Ok(Cow::Owned(content))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Cow<'a, [u8]>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest?;
        if let Some(quoted) = after_spaces(rest).strip_prefix(b"\"") {
            return Some(self.quoted(quoted));
        }
        let end = memchr::memchr(self.separator, rest);
        self.rest = end.map(|end| &rest[end + 1..]);
        Some(Ok(Cow::Borrowed(rest[..end.unwrap_or(rest.len())].trim_ascii())))
    }
}

/// Not after a tab, which may be the separator.
fn after_spaces(mut text: &[u8]) -> &[u8] {
    while let Some(rest) = text.strip_prefix(b" ") {
        text = rest;
    }
    text
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim().to_owned()
}

fn level(field: &[u8]) -> Option<u8> {
    if field.len() <= 3 && !field.is_empty() && field.iter().all(u8::is_ascii_digit) {
        let number = field.iter().fold(0_u16, |number, digit| 10 * number + u16::from(digit - b'0'));
        return u8::try_from(number).ok();
    }
    let number: f32 = text(field).parse().ok()?;
    (number.fract() == 0.0 && (0.0..=255.0).contains(&number)).then_some(number as u8)
}
