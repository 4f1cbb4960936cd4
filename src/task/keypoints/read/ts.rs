//! The text files of the UEA and UCR archives: a heading of lines with `@`, then `@data`, and a sample in each line: its dimensions, each
//! with a value for each frame, joined by `:`, and its class last. Lengths vary, and `?` is a value that is missing.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::hints::Hints;
use super::{Entry, Found, Frames, Layout, ReadError, Reader, SetAside, named};
use crate::data::split::Side;
use crate::util::plain;

/// How the names of files end that have a side.
const SIDES: [(&str, Side); 2] = [("_train.ts", Side::Train), ("_test.ts", Side::Test)];

/// Dimensions of different lengths are filled up with NaN, to this many times the bytes of the line.
const MOST_TIMES: usize = 16;

/// The largest line: a sample of an hour.
const MOST_BYTES: usize = 1 << 30;

/// What the heading says.
#[derive(Debug, Default, PartialEq)]
struct Heading {
    has_classes: bool,
    classes: Vec<String>,
}

/// A sample in its file.
struct Line {
    file: usize,
    start: u64,
    bytes: usize,
}

/// Reads the places and classes of all samples of these files below the root.
pub(super) fn open(root: &Path, files: &[String], hints: &Hints) -> Result<Found, ReadError> {
    let (mut entries, mut lines, mut opened) = (Vec::new(), Vec::new(), Vec::new());
    let (mut classes, mut set_aside): (Vec<String>, Vec<SetAside>) = (Vec::new(), Vec::new());
    for (number, name) in files.iter().enumerate() {
        let path = root.join(name);
        let refuse = |reason: String| ReadError::refused(&path, reason);
        let file = plain::open(&path).map_err(|error| refuse(format!("can't be read: {error}")))?;
        let mut reader = BufReader::new(file);
        let (heading, mut start, mut line) = heading(&mut reader).map_err(refuse)?;
        for class in &heading.classes {
            if !classes.contains(class) {
                classes.push(class.clone());
            }
        }
        let lower = name.to_ascii_lowercase();
        let side = SIDES.iter().find(|(ending, _)| lower.ends_with(ending)).map(|(_, side)| *side);
        let mut text = Vec::new();
        loop {
            text.clear();
            let bytes =
                reader.read_until(b'\n', &mut text).map_err(|error| refuse(format!("can't be read: {error}")))?;
            if bytes == 0 {
                break;
            }
            line += 1;
            let place = Line { file: number, start, bytes };
            start += bytes as u64;
            if text.trim_ascii().is_empty() || text.starts_with(b"#") {
                continue;
            }
            let name_of_line = format!("{name}:{line}");
            match class(&text, &heading) {
                Ok(class) => {
                    entries.push(Entry { name: name_of_line, class, side, file: name.clone(), ..Entry::default() });
                    lines.push(place);
                }
                Err(reason) => {
                    set_aside.push(SetAside::of(&name_of_line, name, format!("has the line {line}, which {reason}")))
                }
            }
        }
        opened.push(reader.into_inner());
    }
    let reader = Box::new(Lines { files: opened, lines, hints: hints.clone() });
    Ok(Found { layout: Layout::Series, entries, classes, set_aside, files: files.to_vec(), reader })
}

/// Reads the heading: what it says, where the data begin, and how many lines it has.
fn heading(reader: &mut impl BufRead) -> Result<(Heading, u64, usize), String> {
    let (mut heading, mut start, mut lines, mut line) = (Heading::default(), 0, 0, Vec::new());
    loop {
        line.clear();
        let bytes = reader.read_until(b'\n', &mut line).map_err(|error| format!("can't be read: {error}"))?;
        if bytes == 0 {
            return Err(
                "has no line @data, expected a heading of lines with @, then @data, then a sample in each line"
                    .to_owned(),
            );
        }
        (start, lines) = (start + bytes as u64, lines + 1);
        let text = std::str::from_utf8(line.trim_ascii()).map_err(|_| format!("is not UTF-8 in line {lines}"))?;
        let mut words = text.split_whitespace();
        match words.next().map(str::to_ascii_lowercase).as_deref() {
            None => {}
            Some("@data") => return Ok((heading, start, lines)),
            Some("@classlabel") => {
                heading.has_classes = words.next().is_some_and(|word| word.eq_ignore_ascii_case("true"));
                heading.classes = words.map(str::to_owned).collect();
            }
            Some("@timestamps") if words.next().is_some_and(|word| word.eq_ignore_ascii_case("true")) => {
                return Err("has time stamps (@timeStamps true), expected a value for each frame".to_owned());
            }
            Some("@targetlabel") if words.next().is_some_and(|word| word.eq_ignore_ascii_case("true")) => {
                return Err(
                    "has numbers to predict (@targetLabel true), expected classes (@classLabel true ..)".to_owned()
                );
            }
            Some(word) if word.starts_with('@') || word.starts_with('#') => {}
            Some(_) => return Err(format!("has the line {lines} before @data, expected one that begins with @ or #")),
        }
    }
}

/// The class of a sample, which is last.
fn class(line: &[u8], heading: &Heading) -> Result<Option<String>, String> {
    if line.len() > MOST_BYTES {
        return Err(format!("has {} bytes, expected at most {MOST_BYTES}", line.len()));
    }
    if !heading.has_classes {
        return Ok(None);
    }
    let (_, last) = split_class(line).ok_or("has no class behind its last :")?;
    let class = std::str::from_utf8(last).map_err(|_| "is not UTF-8")?.trim().to_owned();
    match class.is_empty() || !heading.classes.is_empty() && !heading.classes.contains(&class) {
        false => Ok(Some(class)),
        true => Err(format!("has the class {class:?}, expected one of {} (@classLabel)", heading.classes.join(", "))),
    }
}

fn split_class(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().rposition(|byte| *byte == b':')?;
    Some((&line[..colon], &line[colon + 1..]))
}

/// Lines of open files.
struct Lines {
    files: Vec<File>,
    lines: Vec<Line>,
    hints: Hints,
}

impl Reader for Lines {
    fn read(&self, index: usize, entry: &Entry) -> Result<Frames, String> {
        let place = &self.lines[index];
        let mut line = vec![0; place.bytes];
        let read = self.files[place.file].read_exact_at(&mut line, place.start);
        read.map_err(|error| format!("can't be read: {error}"))?;
        let at =
            |reason: String| format!("has the line {}, which {reason}", entry.name.rsplit(':').next().unwrap_or(""));
        let dimensions = if entry.class.is_some() {
            split_class(&line).map_or(&line[..], |(dimensions, _)| dimensions)
        } else {
            &line
        };
        frames(dimensions, &self.hints).map_err(at)
    }
}

/// The frames of a sample.
fn frames(line: &[u8], hints: &Hints) -> Result<Frames, String> {
    let text = std::str::from_utf8(line).map_err(|_| "is not UTF-8")?.trim();
    let dimensions = text.split(':').map(values).collect::<Result<Vec<_>, _>>()?;
    let count = dimensions.iter().map(Vec::len).max().unwrap_or(0);
    let all = count.saturating_mul(dimensions.len());
    if count == 0 || all > line.len().saturating_mul(MOST_TIMES) {
        return Err(format!("has {} dimensions of up to {count} values, expected as many of each", dimensions.len()));
    }
    let columns = named::of_row(dimensions.len(), hints)?;
    let value =
        |place: usize| dimensions[place % dimensions.len()].get(place / dimensions.len()).copied().unwrap_or(f32::NAN);
    let rows: Vec<f32> = (0..all).map(value).collect();
    Ok(named::parts(&rows, &columns))
}

fn values(dimension: &str) -> Result<Vec<f32>, String> {
    let value = |text: &str| match text.trim() {
        "?" | "NaN" => Ok(f32::NAN),
        text => text.parse().map_err(|_| {
            let found: String = text.chars().take(40).collect();
            format!("has {found:?}, expected a number or ?")
        }),
    };
    dimension.split(',').map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::keypoints::clip::VALUES;
    use crate::task::keypoints::read::Dataset;

    const HEADING: &str =
        "# a comment\n@problemName Pen\n@timeStamps false\n@univariate false\n@classLabel true b a\n@data\n";

    fn open(files: &[(&str, &str)]) -> Result<Dataset, String> {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| std::fs::write(folder.path().join(name), text).unwrap());
        let hints = Hints { streams: vec![("pen".to_owned(), 1)], ..Hints::default() };
        // The files stay open when their folder is gone.
        Dataset::open(folder.path(), &hints).map_err(|error| error.to_string())
    }

    #[test]
    fn samples_of_different_lengths_are_read_with_what_is_missing() {
        let train = format!("{HEADING}1,2,3:4,?,6:a\n\n7:8:b\n");
        let test = format!("{HEADING}1,2:3:a\r\n1:2:c\n1:x:b");
        let dataset = open(&[("Pen_TRAIN.ts", &train), ("Pen_TEST.ts", &test)]).unwrap();
        assert_eq!(
            (dataset.layout, dataset.classes.as_slice()),
            (Layout::Series, &["b".to_owned(), "a".to_owned()][..])
        );
        let named: Vec<_> =
            dataset.entries.iter().map(|entry| (entry.name.as_str(), entry.class.as_deref(), entry.side)).collect();
        let (train, test) = (Some(Side::Train), Some(Side::Test));
        let expected = [
            ("Pen_TEST.ts:7", Some("a"), test),
            ("Pen_TEST.ts:9", Some("b"), test),
            ("Pen_TRAIN.ts:7", Some("a"), train),
            ("Pen_TRAIN.ts:9", Some("b"), train),
        ];
        assert_eq!(named, expected);
        let reason = &dataset.set_aside[0].reason;
        assert!(reason.contains("has the line 8, which has the class \"c\", expected one of b, a"), "{reason}");
        let ragged = dataset.clip(0).unwrap();
        assert_eq!((ragged.frames, &ragged.parts[0].values[..2]), (2, &[1.0, 3.0][..]));
        assert!(ragged.parts[0].values[VALUES + 1].is_nan());
        let clip = dataset.clip(2).unwrap();
        assert_eq!(
            (clip.frames, clip.parts[0].has, clip.parts[0].values[2 * VALUES]),
            (3, [true, true, false, false], 3.0)
        );
        assert!(clip.parts[0].values[VALUES + 1].is_nan());
        assert!(
            dataset.clip(1).unwrap_err().reason.contains("has the line 9, which has \"x\", expected a number or ?")
        );
    }

    #[test]
    fn a_file_of_another_kind_is_refused_with_its_line() {
        for (text, words) in [
            ("", "has no line @data"),
            ("@problemName x\n1:2\n", "has the line 2 before @data, expected one that begins with @ or #"),
            ("@timeStamps true\n@data\n", "has time stamps"),
            ("@targetLabel true\n@data\n", "has numbers to predict"),
            ("@classLabel true a\n@data\n", "has no sequence"),
            ("@classLabel true a\n@data\n1,2,3\n", "has the line 3, which has no class behind its last :"),
        ] {
            let problem = open(&[("x.ts", text)]).unwrap_err();
            assert!(problem.contains(words), "{problem}");
        }
        let dimensions = vec!["1"; 5000].join(":");
        let ragged = format!("@classLabel false\n@data\n{dimensions}:{}\n", vec!["1"; 5000].join(","));
        let dataset = open(&[("x.ts", &ragged)]).unwrap();
        assert!(dataset.clip(0).unwrap_err().reason.contains("has 5001 dimensions of up to 5000 values"));
    }
}
