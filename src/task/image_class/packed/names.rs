//! What a label of a packed dataset is called: by the configuration, by a list beside the files, or by itself.
//!
//! | file | a line |
//! |---|---|
//! | `mapping.txt`, `...-mapping.txt` (EMNIST) | a label, then the code of its character, or of several |
//! | `classes.txt` | a name; the first is that of label 0 |
//! | `..._classmap.csv` (Kuzushiji) | a label, a code, a character, below a heading |

use std::collections::{BTreeMap, BTreeSet};

use super::pair::own;
use super::read::Source;
use super::{Table, Unusable};
use crate::task::classes::class_names::{Class, canonical, folder, labelled, ordered};
use crate::task::image_class::check::MOST_CLASSES;

/// The labels of images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Labels {
    /// Numbers.
    Numbers(Vec<i64>),
    /// Words: all of them, and which one each image has.
    Names {
        /// The words.
        names: Vec<String>,
        /// For each image the place of its word.
        of: Vec<u32>,
    },
}

/// The names of numbers.
pub(super) struct Names {
    file: String,
    by_label: BTreeMap<i64, String>,
}

/// Whether a file is such a list.
pub(super) fn is_list(path: &str) -> bool {
    let name = own(path).to_ascii_lowercase();
    name == "classes.txt" || name == "mapping.txt" || name.ends_with("-mapping.txt") || name.ends_with("classmap.csv")
}

impl Names {
    /// Reads the list that belongs to the dataset, if there is one.
    pub(super) fn read(paths: &[&str], source: &mut Source<'_>) -> Result<Option<Self>, Unusable> {
        let Some(file) = paths.first() else { return Ok(None) };
        if let Some(other) = paths.get(1) {
            return Err(Unusable::new(*other, format!("names the classes, and so does {file}; remove one of them")));
        }
        let bytes = source.bytes(file)?;
        let text = String::from_utf8_lossy(&bytes);
        let refuse = |(line, reason): (usize, &str)| Unusable::new(*file, format!("line {}: {reason}", line + 1));
        let by_label = match own(file).to_ascii_lowercase().as_str() {
            "classes.txt" => listed(&text),
            _ => mapped(&text).map_err(refuse)?,
        };
        if by_label.is_empty() {
            return Err(Unusable::new(*file, "names no class"));
        }
        Ok(Some(Self { file: (*file).to_owned(), by_label }))
    }
}

fn listed(text: &str) -> BTreeMap<i64, String> {
    let names = text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|name| !name.is_empty());
    (0..).zip(names.map(|name| canonical(name).into_owned())).collect()
}

/// Lines of a label and the codes of its characters; a heading is skipped.
fn mapped(text: &str) -> Result<BTreeMap<i64, String>, (usize, &'static str)> {
    let mut names = BTreeMap::new();
    for (place, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut fields = line.split([' ', '\t', ',']).filter(|field| !field.is_empty());
        let label = fields.next().and_then(|field| field.parse::<i64>().ok());
        let codes: Vec<char> = fields.map_while(code).collect();
        match label {
            None if place == 0 => {}
            Some(label) if !codes.is_empty() => drop(names.insert(label, name(&codes))),
            _ => return Err((place, "expected a label and the code of its character, such as `0 48`")),
        }
    }
    Ok(names)
}

/// A character by its decimal code, or as `U+3042`.
fn code(field: &str) -> Option<char> {
    let code = match field.strip_prefix("U+") {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
        None => field.parse().ok()?,
    };
    char::from_u32(code)
}

/// One character as its folder is called, several as they are: a class of both cases is `Aa`.
fn name(characters: &[char]) -> String {
    match characters {
        [only] => folder(*only).unwrap_or_else(|| only.to_string()),
        several => several.iter().collect(),
    }
}

type Found = (Vec<Class>, Vec<Vec<Option<usize>>>);

/// The classes, and for each table the class of each image.
pub(super) fn classes(tables: &[Table], names: Option<&Names>, listed: Option<&[String]>) -> Result<Found, Unusable> {
    if tables.iter().any(|table| matches!(table.labels, Labels::Names { .. })) {
        return Ok(by_words(tables, listed));
    }
    let used: BTreeSet<i64> = tables.iter().flat_map(|table| table.labels.numbers()).collect();
    let (Some(&least), Some(&most)) = (used.first(), used.last()) else {
        return Err(Unusable::new(&tables[0].file, "has no image that can be used"));
    };
    let (keys, names) = keyed([least, most], names, listed)
        .map_err(|(file, reason)| Unusable::new(file.unwrap_or_else(|| tables[0].file.clone()), reason))?;
    let place: BTreeMap<i64, usize> = keys.into_iter().enumerate().map(|(place, key)| (key, place)).collect();
    if let Some(unnamed) = used.iter().find(|label| !place.contains_key(label)) {
        let file = tables.iter().find(|table| table.labels.numbers().any(|label| label == *unnamed));
        let file = file.map_or_else(String::new, |table| table.file.clone());
        let reason = format!("has the label {unnamed}, which none of the {} classes is; name all of them", place.len());
        return Err(Unusable::new(file, reason));
    }
    let of = |table: &Table| table.labels.numbers().map(|label| place.get(&label).copied()).collect();
    Ok((labelled(names), tables.iter().map(of).collect()))
}

type Keyed = (Vec<i64>, Vec<String>);

/// Labels in the order of classes, and their names.
fn keyed(
    [least, most]: [i64; 2],
    names: Option<&Names>,
    listed: Option<&[String]>,
) -> Result<Keyed, (Option<String>, String)> {
    if let Some(listed) = listed {
        // Some sets count from 1; then there is no label 0, and the last one is the number of classes.
        let first = match names {
            Some(names) => names.by_label.keys().next().copied().unwrap_or(0),
            None => i64::from(least >= 1 && most == listed.len() as i64),
        };
        let names = listed.iter().map(|name| canonical(name).into_owned()).collect();
        return Ok(((first..first + listed.len() as i64).collect(), names));
    }
    if let Some(names) = names {
        let (keys, mut all): (Vec<i64>, Vec<String>) = names.by_label.clone().into_iter().unzip();
        let repeated = (1..all.len()).find(|place| all[..*place].contains(&all[*place]));
        if let Some(place) = repeated {
            let reason = format!("names two classes {:?}", all.swap_remove(place));
            return Err((Some(names.file.clone()), reason));
        }
        return Ok((keys, all));
    }
    if least < 0 || most - least.min(1) >= MOST_CLASSES as i64 {
        return Err((None, format!("has labels from {least} to {most}, expected 0 to {}", MOST_CLASSES - 1)));
    }
    let keys = least.min(1)..=most;
    Ok((keys.clone().collect(), keys.map(|label| label.to_string()).collect()))
}

/// Labels that are words are what folders would be.
fn by_words(tables: &[Table], listed: Option<&[String]>) -> Found {
    let words = |table: &Table| -> Vec<String> {
        match &table.labels {
            Labels::Numbers(numbers) => numbers.iter().map(ToString::to_string).collect(),
            Labels::Names { names, of } => {
                of.iter().map(|place| canonical(&names[*place as usize]).into_owned()).collect()
            }
        }
    };
    let all: Vec<Vec<String>> = tables.iter().map(words).collect();
    let classes = match listed {
        Some(listed) => labelled(listed.iter().map(|name| canonical(name).into_owned()).collect()),
        None => ordered(all.iter().flatten().cloned().collect::<BTreeSet<_>>()),
    };
    let place: BTreeMap<&str, usize> =
        classes.iter().enumerate().map(|(place, class)| (class.folder.as_str(), place)).collect();
    let class_of =
        all.iter().map(|words| words.iter().map(|word| place.get(word.as_str()).copied()).collect()).collect();
    (classes, class_of)
}

impl Labels {
    /// The labels as numbers; none for words.
    fn numbers(&self) -> impl Iterator<Item = i64> {
        let numbers: &[i64] = if let Self::Numbers(numbers) = self { numbers } else { &[] };
        numbers.iter().copied()
    }
}
