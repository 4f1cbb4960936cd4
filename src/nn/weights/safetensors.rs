//! The safetensors format (<https://huggingface.co/docs/safetensors>): a header of JSON with names, types and places,
//! then the numbers. Written in pieces, so that no second copy of a model is made; read with every length checked.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Shapes;
use super::array::{Dtype, NamedArray, byte_length, shape_text};

/// Free text in the header.
pub type Metadata = BTreeMap<String, String>;

/// The format's own limit of a header.
const MAX_HEADER_BYTES: u64 = 100_000_000;
const METADATA: &str = "__metadata__";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    dtype: Dtype,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// Writes arrays that pass [`check`]. The same arrays in any order give the same bytes.
///
/// # Errors
/// If writing fails.
pub fn write(arrays: &[NamedArray], metadata: &Metadata, out: &mut dyn Write) -> io::Result<()> {
    let mut ordered: Vec<&NamedArray> = arrays.iter().collect();
    // Wide types first, as the reference implementation does, so that every array starts at a multiple of its width.
    ordered.sort_by(|one, other| other.dtype.size().cmp(&one.dtype.size()).then_with(|| one.name.cmp(&other.name)));
    out.write_all(&header(&ordered, metadata)?)?;
    ordered.iter().try_for_each(|array| out.write_all(&array.bytes))
}

fn header(ordered: &[&NamedArray], metadata: &Metadata) -> io::Result<Vec<u8>> {
    let mut entries = Map::new();
    if !metadata.is_empty() {
        entries.insert(METADATA.into(), serde_json::to_value(metadata)?);
    }
    let mut start = 0;
    for array in ordered {
        let data_offsets = [start, start + array.bytes.len()];
        let place = Place { dtype: array.dtype, shape: array.shape.clone(), data_offsets };
        entries.insert(array.name.clone(), serde_json::to_value(place)?);
        start += array.bytes.len();
    }
    let mut json = serde_json::to_vec(&entries)?;
    json.resize(json.len().next_multiple_of(8), b' ');
    Ok([&(json.len() as u64).to_le_bytes(), json.as_slice()].concat())
}

/// Whether arrays can be written: names that differ, and as many bytes as the shape says.
///
/// # Errors
/// What is wrong, in words.
pub fn check(arrays: &[NamedArray]) -> Result<(), String> {
    let mut names: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("two arrays have the name {:?}", pair[0]));
    }
    if names.contains(&METADATA) {
        return Err(format!("an array has the reserved name {METADATA:?}"));
    }
    let wrong = arrays.iter().find(|array| byte_length(array.dtype, &array.shape) != Some(array.bytes.len()));
    match wrong {
        None => Ok(()),
        Some(array) => {
            let (shape, got) = (shape_text(&array.shape), array.bytes.len());
            Err(format!("{} has {got} bytes, which is not {} {shape}", array.name, array.dtype))
        }
    }
}

/// Reads the arrays of a file, and its free text.
///
/// # Errors
/// Why it is not a complete file of this format, in words.
pub fn read(file: &[u8]) -> Result<(Vec<NamedArray>, Metadata), String> {
    let (json, data) = split(file)?;
    let (places, metadata) = places(json)?;
    let mut arrays = Vec::with_capacity(places.len());
    let mut end = 0;
    for (name, place) in places {
        let [from, to] = place.data_offsets;
        let expected = byte_length(place.dtype, &place.shape).and_then(|length| length.checked_add(end));
        if from != end || Some(to) != expected {
            return Err(format!("{name} is at {from}..{to}, expected {end}..{}", expected.unwrap_or(usize::MAX)));
        }
        let bytes = data.get(from..to).ok_or_else(|| format!("{name} ends past the end of the file"))?.to_vec();
        arrays.push(NamedArray { name, dtype: place.dtype, shape: place.shape, bytes });
        end = to;
    }
    if end != data.len() {
        return Err(format!("{} bytes follow the last array", data.len() - end));
    }
    Ok((arrays, metadata))
}

/// Reads the names and shapes of the arrays of a file, and its free text.
///
/// # Errors
/// Why it is not a complete file of this format, in words.
pub fn outline(file: &[u8]) -> Result<(Shapes, Metadata), String> {
    let (places, metadata) = places(split(file)?.0)?;
    Ok((places.into_iter().map(|(name, place)| (name, place.shape)).collect(), metadata))
}

/// Reads the free text of a file from its beginning.
///
/// # Errors
/// Why it is not a file of this format, in words.
pub fn read_metadata(file: &mut dyn io::Read) -> Result<Metadata, String> {
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(cut("it is empty, or cut off within its first 8 bytes"))?;
    let length = header_length(u64::from_le_bytes(length))?;
    let mut json = vec![0; length];
    file.read_exact(&mut json).map_err(cut("it is cut off within its header"))?;
    Ok(places(&json)?.1)
}

/// A file that ends too early, in words.
fn cut(words: &str) -> impl FnOnce(io::Error) -> String {
    move |error| match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("{words}; copy or download the whole file again"),
        _ => error.to_string(),
    }
}

fn split(file: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let (length, rest) = file.split_first_chunk::<8>().ok_or("it is too short for a header")?;
    let length = header_length(u64::from_le_bytes(*length))?;
    rest.split_at_checked(length).ok_or_else(|| format!("its header of {length} bytes is cut off"))
}

fn header_length(length: u64) -> Result<usize, String> {
    let allowed = Some(length).filter(|length| *length <= MAX_HEADER_BYTES).and_then(|length| length.try_into().ok());
    allowed.ok_or_else(|| format!("its header claims {length} bytes"))
}

/// The arrays' places in the order of their data.
fn places(json: &[u8]) -> Result<(Vec<(String, Place)>, Metadata), String> {
    let mut entries: Map<String, Value> =
        serde_json::from_slice(json).map_err(|error| format!("its header is not JSON: {error}"))?;
    let wrong = |name: &str, error: serde_json::Error| format!("its header is wrong at {name}: {error}");
    let metadata = match entries.remove(METADATA) {
        None => Metadata::new(),
        Some(value) => serde_json::from_value(value).map_err(|error| wrong(METADATA, error))?,
    };
    let place = |(name, value): (String, Value)| {
        let place: Place = serde_json::from_value(value).map_err(|error| wrong(&name, error))?;
        Ok((name, place))
    };
    let mut places = entries.into_iter().map(place).collect::<Result<Vec<_>, String>>()?;
    places.sort_by_key(|(_, place)| place.data_offsets);
    Ok((places, metadata))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_that_ends_too_early_says_so() {
        for file in [&b""[..], b"abc", b"\x10\0\0\0\0\0\0\0{"] {
            let found = read_metadata(&mut &*file).unwrap_err();
            assert!(found.contains("cut off within") && found.ends_with("again"), "{found}");
        }
    }

    fn arrays() -> Vec<NamedArray> {
        vec![
            NamedArray::f32("layers.0.conv.weight", &[2, 3], &[1.5, -2.0, 3.25, 0.0, 5.0, -6.5]),
            NamedArray::i64("step", -7),
            NamedArray { name: "mask".into(), dtype: Dtype::Bool, shape: vec![3], bytes: vec![1, 0, 1] },
            NamedArray { name: "half".into(), dtype: Dtype::Bf16, shape: vec![2], bytes: vec![0x80, 0x3f, 0, 0xc0] },
            NamedArray { name: "empty".into(), dtype: Dtype::F32, shape: vec![0, 4], bytes: vec![] },
        ]
    }

    fn written(arrays: &[NamedArray]) -> Vec<u8> {
        let mut file = Vec::new();
        write(arrays, &Metadata::from([("task".into(), "any".into())]), &mut file).unwrap();
        file
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let (mut got, metadata) = read(&written(&arrays())).unwrap();
        let mut expected = arrays();
        for list in [&mut got, &mut expected] {
            list.sort_by(|one, other| one.name.cmp(&other.name));
        }
        assert_eq!(got, expected);
        assert_eq!(metadata["task"], "any");
        assert_eq!(read_metadata(&mut written(&arrays()).as_slice()).unwrap(), metadata);
    }

    #[test]
    fn the_order_of_the_arrays_does_not_change_the_file() {
        let mut turned = arrays();
        turned.reverse();
        assert_eq!(written(&turned), written(&arrays()));
    }

    #[test]
    fn another_implementation_reads_the_same_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        std::fs::write(&path, written(&arrays()[..4])).unwrap();
        let read: BTreeMap<_, _> = tch::Tensor::read_safetensors(&path).unwrap().into_iter().collect();
        assert_eq!(read["layers.0.conv.weight"].size(), [2, 3]);
        let numbers: Vec<f32> = (&read["layers.0.conv.weight"].flatten(0, -1)).try_into().unwrap();
        assert_eq!(numbers, [1.5, -2.0, 3.25, 0.0, 5.0, -6.5]);
        assert_eq!(read["step"].int64_value(&[]), -7);
        assert_eq!(read["half"].double_value(&[1]), -2.0);
    }

    #[test]
    fn a_file_of_another_implementation_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let weight = tch::Tensor::from_slice(&[1.0_f32, 2.0, 3.0, 4.0]).view([2, 2]);
        tch::Tensor::write_safetensors(&[("b", &weight), ("a", &tch::Tensor::from_slice(&[9_i64]))], &path).unwrap();
        let (got, _) = read(&std::fs::read(&path).unwrap()).unwrap();
        assert!(got.contains(&NamedArray::f32("b", &[2, 2], &[1.0, 2.0, 3.0, 4.0])));
        assert!(got.iter().any(|array| array.name == "a" && array.bytes == 9_i64.to_le_bytes()));
    }

    #[test]
    fn arrays_that_make_no_file_are_refused() {
        let short = NamedArray { bytes: vec![0; 23], ..arrays()[0].clone() };
        assert_eq!(check(&[short]).unwrap_err(), "layers.0.conv.weight has 23 bytes, which is not F32 2 x 3");
        assert_eq!(
            check(&[arrays()[1].clone(), arrays()[1].clone()]).unwrap_err(),
            "two arrays have the name \"step\""
        );
        let huge = NamedArray { shape: vec![usize::MAX, 2], ..arrays()[0].clone() };
        assert!(check(&[huge]).is_err());
        check(&arrays()).unwrap();
    }

    #[test]
    fn a_header_with_false_claims_is_refused() {
        let refused = |header: &str, data: &[u8]| {
            let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat();
            read(&file).unwrap_err()
        };
        let entry = |shape: &str, offsets: &str| {
            format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#)
        };
        assert!(refused(&entry("[1]", "[0,8]"), &[0; 8]).contains("expected 0..4"));
        assert!(refused(&entry("[1]", "[4,8]"), &[0; 8]).contains("expected 0..4"));
        assert!(refused(&entry("[2]", "[0,8]"), &[0; 4]).contains("past the end"));
        assert!(refused(&entry("[1]", "[0,4]"), &[0; 5]).contains("1 bytes follow"));
        assert!(refused(&entry("[9223372036854775807,4]", "[0,4]"), &[0; 4]).contains("expected 0.."));
        assert!(read(&u64::MAX.to_le_bytes()).unwrap_err().contains("claims"));
        assert!(read(&[0; 3]).unwrap_err().contains("too short"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(file in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(read(&file));
        }

        #[test]
        fn no_changed_byte_makes_the_reader_panic(place: proptest::sample::Index, byte: u8) {
            let mut file = written(&arrays());
            let place = place.index(file.len());
            file[place] = byte;
            drop(read(&file));
        }
    }
}
