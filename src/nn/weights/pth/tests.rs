//! Files of PyTorch, those that are refused, and damaged and hostile ones. `tests/fixtures/pth/make.py` makes the files.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};
use tch::{Kind, Tensor};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::nn::weights;
use crate::util::exit::Exit;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pth").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

/// A zip file of these files.
fn zipped(files: &[(&str, &[u8])], method: CompressionMethod, large: bool) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = SimpleFileOptions::default().compression_method(method).large_file(large);
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// What becomes of a pickle, with four numbers in `data/0`.
fn pickled(pickle: &[u8]) -> Result<Held, String> {
    let numbers: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    read(&zipped(&[("x/data.pkl", pickle), ("x/data/0", &numbers)], CompressionMethod::Stored, false))
}

/// A state dict of one tensor over four numbers, with these sizes.
fn tensor(count: i32, offset: i32, shape: &[i32], strides: &[i32]) -> Vec<u8> {
    let number = |value: i32| [b"J".as_slice(), &value.to_le_bytes()].concat();
    let tuple = |values: &[i32]| {
        [b"(".to_vec(), values.iter().flat_map(|value| number(*value)).collect(), b"t".to_vec()].concat()
    };
    [
        b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu".to_vec(),
        number(count),
        b"tQ".to_vec(),
        number(offset),
        tuple(shape),
        tuple(strides),
        b"\x89NtRs.".to_vec(),
    ]
    .concat()
}

fn kind(name: &str) -> Kind {
    match name {
        "torch.float32" => Kind::Float,
        "torch.float64" => Kind::Double,
        "torch.float16" => Kind::Half,
        "torch.bfloat16" => Kind::BFloat16,
        "torch.int64" => Kind::Int64,
        "torch.int32" => Kind::Int,
        "torch.uint8" => Kind::Uint8,
        "torch.bool" => Kind::Bool,
        other => panic!("{other}"),
    }
}

#[test]
fn every_file_of_pytorch_has_the_tensors_that_it_was_made_of() {
    let expected: Value = serde_json::from_slice(&bytes("expected.json")).unwrap();
    let files = expected.as_object().unwrap();
    assert_eq!(files.len(), 14);
    for (file, tensors) in files {
        let held = weights::read_all(&fixture(file)).unwrap();
        let tensors = tensors.as_object().unwrap();
        assert_eq!(held.tensors.len(), tensors.len(), "{file}");
        let outline = weights::outline(&fixture(file)).unwrap();
        assert_eq!(outline.beside, held.beside, "{file}");
        for ((name, tensor), (known, shape)) in held.tensors.iter().zip(&outline.shapes) {
            let expected = &tensors[name];
            let size: Vec<i64> = tensor.size();
            assert_eq!(
                (name, json!(size), json!(shape)),
                (known, expected["shape"].clone(), expected["shape"].clone())
            );
            assert_eq!(tensor.kind(), kind(expected["type"].as_str().unwrap()), "{file}: {name}");
            let values = Vec::<f64>::try_from(tensor.to_kind(Kind::Double).flatten(0, -1)).unwrap();
            assert_eq!(json!(values), expected["values"], "{file}: {name}");
        }
    }
}

#[test]
fn what_is_beside_a_state_dict_is_kept_as_far_as_it_is_plain() {
    let beside = read(&bytes("last.pth")).unwrap().beside;
    assert_eq!(beside["labels"], json!(["A", "ñ", "7"]));
    assert_eq!(beside["history"][0]["acc_val"], 0.5);
    assert_eq!((&beside["epoch"], &beside["negative"]), (&json!(27), &json!(-(1_i64 << 40))));
    assert_eq!((&beside["size"], &beside["none"]), (&json!([28, 28]), &Value::Null));
    for name in ["optimizer_state", "big", "device", "dtype"] {
        assert!(!beside.contains_key(name), "{name}");
    }
    assert_eq!(read(&bytes("numpy.pth")).unwrap().beside["labels"][1], "ñ");
}

#[test]
fn what_is_no_plain_state_dict_is_refused_with_the_name_and_the_remedy() {
    for (file, words) in [
        (
            "harm.pth",
            &["the global posix.system is refused", "torch.save(module.state_dict(), \"weights.pth\")", "byte "][..],
        ),
        ("whole_module.pth", &["the global __main__.Tiny is refused", "torch.save(module.state_dict()"]),
        ("legacy.pth", &["before PyTorch 1.6", "torch.save(torch.load("]),
        ("pickle.pth", &["a plain pickle"]),
        ("no_state.pth", &["it holds weights, expected a state dict"]),
        ("sparse.pth", &["is refused", "torch._utils._rebuild_sparse_tensor"]),
        ("script.pt", &["it is TorchScript", "torch.jit.load(FILE).state_dict()"]),
    ] {
        let error = weights::read(&fixture(&format!("refused/{file}"))).unwrap_err();
        assert_eq!(error.exit(), Exit::DataRefused);
        for words in words {
            assert!(error.to_string().contains(words), "{file}: {error}");
        }
        assert_eq!(weights::outline(&fixture(&format!("refused/{file}"))).unwrap_err().to_string(), error.to_string());
    }
    assert!(!Path::new("was here").exists());
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused() {
    let whole = bytes("cnn_model_v2.pt");
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_err(), "{length}");
    }
    let mut flipped = whole.clone();
    let place = whole.windows(4).position(|four| four == b"ZZZZ").unwrap() + 64;
    flipped[place] ^= 1;
    assert!(read(&flipped).is_err() || read(&flipped) == read(&whole), "an unseen change");
}

#[test]
fn the_folder_of_the_archive_may_have_any_name_and_sizes_may_have_64_bits() {
    let pickle = tensor(4, 0, &[4], &[1]);
    let numbers = [0_u8; 16];
    let archive = |folder: &str, method, large| {
        let names = ["data.pkl", "data/0", "byteorder"].map(|name| format!("{folder}{name}"));
        read(&zipped(&[(&names[0], &pickle), (&names[1], &numbers), (&names[2], b"little")], method, large))
    };
    for folder in ["archive/", "a b/", "deep/er/", "ñ/"] {
        for large in [false, true] {
            assert_eq!(archive(folder, CompressionMethod::Stored, large).unwrap().arrays[0].shape, [4], "{folder}");
        }
    }
    assert!(archive("x/", CompressionMethod::Deflated, false).unwrap_err().contains("is compressed or encrypted"));
    let big = zipped(&[("x/data.pkl", &pickle), ("x/byteorder", b"big")], CompressionMethod::Stored, false);
    assert!(read(&big).unwrap_err().contains("big-endian"));
    let none = zipped(&[("x/notes.txt", b"")], CompressionMethod::Stored, false);
    assert!(read(&none).unwrap_err().contains("a zip file without data.pkl"));
    let two = zipped(&[("x/data.pkl", b""), ("y/data.pkl", b"")], CompressionMethod::Stored, false);
    assert!(read(&two).unwrap_err().contains("both x/data.pkl and y/data.pkl"));
    let lacks = zipped(&[("x/data.pkl", &pickle)], CompressionMethod::Stored, false);
    assert!(read(&lacks).unwrap_err().contains("w: data/0 is missing"));
}

#[test]
fn a_tensor_stays_within_its_storage() {
    let values = |pickle: Vec<u8>| {
        let arrays = pickled(&pickle)?.arrays;
        Ok::<_, String>(
            arrays[0]
                .bytes
                .chunks_exact(4)
                .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(values(tensor(4, 0, &[2, 2], &[1, 2])).unwrap(), [1.0, 3.0, 2.0, 4.0]);
    assert_eq!(values(tensor(4, 1, &[3], &[1])).unwrap(), [2.0, 3.0, 4.0]);
    assert_eq!(values(tensor(4, 3, &[2, 2], &[0, 0])).unwrap(), [4.0; 4]);
    assert_eq!(values(tensor(4, i32::MAX, &[0], &[1])).unwrap(), [0.0; 0]);
    for (pickle, words) in [
        (tensor(4, 1, &[4], &[1]), "leaves its storage of 4 numbers"),
        (tensor(4, 0, &[2, 2], &[1, 3]), "leaves its storage"),
        (tensor(4, 0, &[2; 40], &[i32::MAX; 40]), "leaves its storage"),
        (tensor(4, 0, &[i32::MAX; 3], &[0; 3]), "an impossible size"),
        (tensor(4, 0, &[1 << 28], &[0]), "8 times as many bytes as the file"),
        (tensor(4, -1, &[2], &[1]), "got -1, expected a whole number from 0 on"),
        (tensor(4, 0, &[2], &[-1]), "got -1"),
        (tensor(4, 0, &[2], &[1, 1]), "1 dimensions and 2 strides"),
        (tensor(4, 0, &[1; 65], &[1; 65]), "65 dimensions"),
        (tensor(5, 0, &[2], &[1]), "data/0 has 16 bytes, expected 5 numbers of F32"),
    ] {
        let problem = values(pickle).unwrap_err();
        assert!(problem.contains(words), "{problem}");
    }
}

#[test]
fn hostile_pickles_are_refused_without_running_or_filling_the_memory() {
    let nested = |open: &[u8], times: usize| [b"\x80\x02".as_slice(), &open.repeat(times), b"."].concat();
    let long = [b"X".as_slice(), &u32::MAX.to_le_bytes(), b"abc"].concat();
    for (pickle, words) in [
        (&b"\x80\x02cos\nsystem\n(X\x02\0\0\0lstR."[..], "the global os.system is refused"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.", "the global builtins.eval is refused"),
        (b"\x80\x02(ios\nsystem\n.", "the opcode INST is refused"),
        (b"\x80\x02\x82\x01.", "the opcode EXT1 is refused"),
        (b"\x80\x02\xff.", "the opcode 0xff is refused"),
        (b"\x80\x01}.", "version 1, expected 2 to 5"),
        (b"\x80\x06}.", "version 6"),
        (b"", "it is cut off"),
        (b"\x80\x02}", "it is cut off (byte 3"),
        (b"\x80\x02.", "the stack is empty"),
        (b"\x80\x02}h\x05.", "object 5 is used and was never kept"),
        (b"\x80\x02)R.", "the stack is empty"),
        (b"\x80\x02}}a.", "items are added to a dict"),
        (b"\x80\x02]NNs.", "entries are added to a list"),
        (b"\x80\x02}(Nu.", "a key of a dict has no value"),
        (b"\x80\x02}t.", "a group ends that never began"),
        (b"\x80\x02N}b.", "None is given attributes"),
        (b"\x80\x02K\x01)R.", "an int is called"),
        (b"\x80\x02ccollections\nOrderedDict\n(K\x01tR.", "OrderedDict is called with 1 arguments"),
        (b"\x80\x02X\x01\0\0\0\xff.", "not UTF-8"),
        (b"\x80\x02X\x01\0\0\0aQ.", "got a text, expected a tuple"),
        (b"\x80\x02K\x07.", "it holds an int, expected a state dict"),
        (b"\x80\x02}.", "it holds nothing, expected a state dict"),
        (b"\x80\x02}X\x0a\0\0\0state_dict}s.", "its state dict is empty"),
        (b"\x80\x02}X\x0a\0\0\0state_dict}X\x01\0\0\0a]ss.", "a is a list, expected a tensor"),
        (b"\x80\x02}X\x0a\0\0\0state_dict}K\x01]ss.", "the name of a tensor: got an int"),
        (&nested(b"(", 100_000), "more than 1000 objects wait"),
        (&nested(b"]q\0h\0a", 1), "it holds a list"),
        (&long, "it is cut off"),
    ] {
        let problem = pickled(pickle).unwrap_err();
        assert!(problem.contains(words), "{}: {problem}", String::from_utf8_lossy(&pickle[..pickle.len().min(60)]));
    }
    let name = format!("\x1b[31m{}", "x".repeat(1000));
    let problem = pickled(&[b"\x80\x02c", name.as_bytes(), b"\nf\n."].concat()).unwrap_err();
    assert!(!problem.contains('\x1b') && problem.len() < 400, "{problem}");
}

#[test]
fn lists_that_hold_each_other_without_end_are_left_out() {
    let whole = tensor(4, 0, &[4], &[1]);
    let dict = &whole[2..whole.len() - 1];
    // Lists of ten times the one before: the last one would be a copy of a billion values. And one that holds itself.
    let mut pickle = b"\x80\x02]q\0".to_vec();
    for level in 1..=9_u8 {
        pickle.extend([b"](".as_slice(), &[b'h', level - 1].repeat(10), b"eq", &[level]].concat());
    }
    pickle.extend(
        [b"}(X\x0a\0\0\0state_dict".as_slice(), dict, b"X\x04\0\0\0self]q\xffh\xffaX\x04\0\0\0bombh\x09"].concat(),
    );
    pickle.extend(b"X\x05\0\0\0epochK\x07u.");
    let held = pickled(&pickle).unwrap();
    assert_eq!((held.beside.get("self"), held.beside.get("bomb")), (None, None));
    assert_eq!((held.arrays.len(), &held.beside["epoch"]), (1, &json!(7)));
}

#[test]
fn prefixes_of_wrappers_are_dropped_only_if_all_names_have_them() {
    let names =
        |file: &str| weights::read(&fixture(file)).unwrap().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names("parallel.pth"), names("raw.pth"));
    assert_eq!(names("compiled.pth"), names("raw.pth"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let one = Tensor::from_slice(&[1.0_f32]);
    for (given, expected) in [(["module.a", "b"], ["b", "module.a"]), (["module.a", "module.b"], ["a", "b"])] {
        Tensor::write_safetensors(&[(given[0], &one), (given[1], &one)], &path).unwrap();
        let mut found: Vec<_> = weights::read(&path).unwrap().into_iter().map(|(name, _)| name).collect();
        found.sort();
        assert_eq!(found, expected);
        let mut outline: Vec<_> = weights::outline(&path).unwrap().shapes.into_iter().map(|(name, _)| name).collect();
        outline.sort();
        assert_eq!(outline, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_the_reader_panic(file in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(read(&file));
        drop(pickled(&file));
        drop(pickled(&[b"\x80\x02", file.as_slice()].concat()));
    }

    #[test]
    fn no_steps_make_the_reader_panic(steps in proptest::collection::vec(step(), 0..60)) {
        drop(pickled(&steps.concat()));
    }

    #[test]
    fn no_changed_byte_makes_the_reader_panic(place: proptest::sample::Index, byte: u8) {
        let mut file = bytes("last.pth");
        let place = place.index(file.len());
        file[place] = byte;
        drop(read(&file));
        let mut pickle = tensor(4, 0, &[2, 2], &[1, 2]);
        let place = place % pickle.len();
        pickle[place] = byte;
        drop(pickled(&pickle));
    }
}

/// Steps that are whole, so that random ones get far.
fn step() -> impl Strategy<Value = Vec<u8>> {
    let whole: [&[u8]; 30] = [
        b"\x80\x02",
        b"(",
        b"N",
        b"\x88",
        b"K\x04",
        b"K\0",
        b"J\xff\xff\xff\xff",
        b"\x8a\x01\x05",
        b"X\x01\0\0\x000",
        b"X\x07\0\0\0storage",
        b")",
        b"t",
        b"\x85",
        b"\x86",
        b"\x87",
        b"]",
        b"a",
        b"e",
        b"}",
        b"s",
        b"u",
        b"h\0",
        b"q\0",
        b"\x94",
        b"R",
        b"b",
        b"Q",
        b"ctorch._utils\n_rebuild_tensor_v2\n",
        b"ctorch\nFloatStorage\n",
        b"ccollections\nOrderedDict\n",
    ];
    (0..whole.len() + 1)
        .prop_map(move |place| whole.get(place).map_or_else(|| tensor(4, 0, &[2], &[1]), |step| step.to_vec()))
}
