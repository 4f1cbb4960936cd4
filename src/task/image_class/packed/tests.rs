//! Packed datasets as they are published, written byte by byte.

use std::io::Write;

use super::*;

const SIZE: [usize; 2] = [2, 2];

fn idx(shape: &[u32], numbers: &[u8]) -> Vec<u8> {
    let sides = shape.iter().flat_map(|side| side.to_be_bytes());
    [0, 0, 8, shape.len() as u8].into_iter().chain(sides).chain(numbers.iter().copied()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn npy(kind: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), numbers].concat()
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        writer.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Each image as "file:number side class levels", the classes, and what was left out.
fn read(files: &[(&str, Vec<u8>)], listed: Option<&[&str]>) -> Result<(Vec<String>, String, Vec<String>), String> {
    let root = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let listed: Option<Vec<String>> = listed.map(|listed| listed.iter().map(|&name| name.to_owned()).collect());
    let packed = Packed::find(root.path()).unwrap().expect("files of a dataset");
    let place = tempfile::tempdir().unwrap();
    let unpacked = packed
        .read(root.path(), place.path(), SIZE, listed.as_deref(), None, &Stop::default())
        .map_err(|unusable| format!("{} {}", unusable.file, unusable.reason))?;
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "nothing is left behind");
    let mut images = Vec::new();
    for (table, class_of) in unpacked.tables.iter().zip(&unpacked.class_of) {
        assert_eq!(table.levels.len(), class_of.len() * table.shape[0] * table.shape[1]);
        for (place, class) in class_of.iter().enumerate() {
            let side = table.side.map_or("", Side::name);
            let class = class.map_or("none", |class| &unpacked.classes[class].folder);
            images.push(format!("{} {side} {class} {:?}", table.name(place), table.image(place)));
        }
        images.extend(table.bad.iter().map(|(line, reason)| format!("line {line} {reason}")));
    }
    let labels = unpacked.classes.iter().map(|class| class.label.as_str()).collect::<Vec<_>>().join(" ");
    Ok((images, labels, unpacked.left_out.into_iter().map(|left| left.place).collect()))
}

#[test]
fn idx_files_are_paired_by_name_and_numbers_are_their_classes() {
    let files = [
        ("x/train-images-idx3-ubyte.gz", gzip(&idx(&[2, 1, 2], &[1, 2, 3, 4]))),
        ("x/train-labels-idx1-ubyte", idx(&[2], &[0, 2])),
        ("x/t10k-images.idx3-ubyte", idx(&[1, 1, 2], &[5, 6])),
        ("x/t10k-labels.idx1-ubyte", idx(&[1], &[1])),
    ];
    let (images, labels, left_out) = read(&files, None).unwrap();
    assert_eq!(
        images,
        [
            "x/t10k-images.idx3-ubyte:0 test 1 [5, 6]",
            "x/train-images-idx3-ubyte.gz:0 train 0 [1, 2]",
            "x/train-images-idx3-ubyte.gz:1 train 2 [3, 4]"
        ]
    );
    assert_eq!((labels.as_str(), left_out), ("0 1 2", vec![]));
    assert_eq!(read(&files, Some(&["shirt", "coat", "bag"])).unwrap().1, "shirt coat bag");
    let two = read(&files, Some(&["shirt", "coat"])).unwrap_err();
    assert!(two.contains("has the label 2, which none of the 2 classes is"), "{two}");
}

#[test]
fn a_mapping_names_the_labels_also_where_they_count_from_1() {
    let images = |labels: &[u8]| {
        vec![
            ("emnist-train-images-idx3-ubyte", idx(&[2, 1, 1], &[9, 8])),
            ("emnist-train-labels-idx1-ubyte", idx(&[2], labels)),
        ]
    };
    let with = |labels: &[u8], name: &'static str, text: &str| {
        let mut files = images(labels);
        files.push((name, text.as_bytes().to_vec()));
        read(&files, None).map(|(_, labels, _)| labels)
    };
    assert_eq!(with(&[0, 2], "emnist-mapping.txt", "0 48\n1 65\n2 97\n").unwrap(), "0 A a");
    assert_eq!(with(&[1, 2], "mapping.txt", "1 65 97\n2 66 98\n").unwrap(), "Aa Bb");
    assert_eq!(with(&[0, 1], "classes.txt", "a_upper\nplus\n").unwrap(), "A +");
    assert_eq!(with(&[0, 1], "k_classmap.csv", "index,codepoint,char\n0,U+3042,あ\n1,U+3044,い\n").unwrap(), "あ い");
    assert!(with(&[0, 1], "mapping.txt", "0 48\none 49\n").unwrap_err().contains("line 2: expected a label"));
    assert!(with(&[0, 1], "mapping.txt", "0 48\n1 48\n").unwrap_err().contains("names two classes \"0_digit\""));
    assert_eq!(read(&images(&[1, 3]), None).unwrap().1, "1 2 3");
    assert_eq!(read(&images(&[1, 2]), Some(&["A", "B"])).unwrap().1, "A B", "26 letters are labelled 1 to 26");
}

#[test]
fn idx_files_that_are_damaged_or_lack_their_labels_are_refused_with_the_file() {
    let refused = |images: Vec<u8>, labels: Option<Vec<u8>>| {
        let mut files = vec![("train-images-idx3-ubyte", images)];
        files.extend(labels.map(|labels| ("train-labels-idx1-ubyte", labels)));
        read(&files, None).unwrap_err()
    };
    let good = idx(&[1, 1, 2], &[1, 2]);
    assert!(refused(good.clone(), None).contains("expected the file train-labels-idx1-ubyte beside it"));
    assert!(refused(good[..17].to_vec(), Some(idx(&[1], &[0]))).contains("has 1 numbers, expected 2"));
    assert!(refused(good[..9].to_vec(), Some(idx(&[1], &[0]))).contains("ends within its header"));
    assert!(
        refused(good.clone(), Some(idx(&[2], &[0, 1])))
            .contains("has 1 images, but train-labels-idx1-ubyte has 2 labels")
    );
    let huge = idx(&[u32::MAX, u32::MAX, u32::MAX], &[]);
    assert!(refused(huge, Some(idx(&[1], &[0]))).contains("impossible size"));
    let mut floats = good;
    floats[2] = 0x0D;
    assert!(refused(floats, Some(idx(&[1], &[0]))).contains("type 0x0d, expected unsigned bytes"));
}

#[test]
fn arrays_are_paired_within_a_file_or_by_the_names_of_files() {
    let whole = npz(&[
        ("x_train", npy("|u1", "(2, 1, 2)", &[1, 2, 3, 4])),
        ("y_train", npy("<i8", "(2,)", &[0_i64, 1].map(i64::to_le_bytes).concat())),
        ("x_test", npy("<f4", "(1, 1, 2)", &[0.0_f32, 1.0].map(f32::to_le_bytes).concat())),
        ("y_test", npy("|u1", "(1, 1)", &[1])),
    ]);
    let (images, ..) = read(&[("mnist.npz", whole)], None).unwrap();
    assert_eq!(images, ["mnist.npz:0 test 1 [0, 255]", "mnist.npz:0 train 0 [1, 2]", "mnist.npz:1 train 1 [3, 4]"]);
    let apart = [
        ("kmnist-train-imgs.npz", npz(&[("arr_0", npy("|u1", "(2, 1, 1, 3)", &[255, 255, 255, 0, 0, 255]))])),
        ("kmnist-train-labels.npz", npz(&[("arr_0", npy("|u1", "(2,)", &[0, 1]))])),
    ];
    let (images, ..) = read(&apart, None).unwrap();
    assert_eq!(images, ["kmnist-train-imgs.npz:0 train 0 [255]", "kmnist-train-imgs.npz:1 train 1 [18]"]);
    let alone = npz(&[("images", npy("|u1", "(1, 4)", &[1, 2, 3, 4]))]);
    assert!(read(&[("a.npz", alone)], None).unwrap_err().contains("has no labels for the images \"images\""));
    let short = npz(&[("images", npy("|u1", "(2, 4)", &[0; 8])), ("labels", npy("|u1", "(3,)", &[0, 1, 2]))]);
    assert!(read(&[("a.npz", short)], None).unwrap_err().contains("expected one label for each of 2 images"));
}

#[test]
fn a_table_has_its_labels_first_or_where_the_heading_says() {
    let plain = b"0,1,2,3,4\r\n1,5,6,7,8\n\n".to_vec();
    let (images, ..) = read(&[("mnist_train.csv", plain)], None).unwrap();
    assert_eq!(images, ["mnist_train.csv:1 train 0 [1, 2, 3, 4]", "mnist_train.csv:2 train 1 [5, 6, 7, 8]"]);
    let last = b"p0;p1;p2;p3;class\n1;2;3;4;\"b_lower\"\n5;6;7.0;8;A_upper\n".to_vec();
    let (images, labels, _) = read(&[("a.csv.gz", gzip(&last))], None).unwrap();
    assert_eq!(images, ["a.csv.gz:2  b_lower [1, 2, 3, 4]", "a.csv.gz:3  A_upper [5, 6, 7, 8]"]);
    assert_eq!(labels, "A b");
    let bad = b"label,a,b,c,d\n0,1,2,3\n0,1,2,3,999\n1,1,1,1,1\n,1,1,1,1\n0,0,0,0,0\n".to_vec();
    let (images, ..) = read(&[("a.csv", bad)], None).unwrap();
    assert_eq!(
        images,
        [
            "a.csv:4  1 [1, 1, 1, 1]",
            "a.csv:6  0 [0, 0, 0, 0]",
            "line 2 has 4 columns, expected 5",
            "line 3 has \"999\" in column 5, expected a whole number from 0 to 255",
            "line 5 has no label"
        ]
    );
    let files = [("train.csv", b"0,1,2,3,4\n1,1,1,1,1\n".to_vec()), ("test.csv", b"p0,p1,p2,p3\n1,2,3,4\n".to_vec())];
    let (images, _, left_out) = read(&files, None).unwrap();
    assert_eq!((images.len(), left_out), (2, vec!["test.csv".to_owned()]), "without labels");
    assert!(
        read(&[("a.csv", b"name,age\nx,3\n".to_vec())], None).unwrap_err().contains("has 2 columns, expected a label")
    );
}

#[test]
fn a_label_may_be_quoted_and_have_the_separator_in_it() {
    let quoted = b"\"three, 3\",0,1,2,3\n \"say \"\"b\"\"\" , 4,5,\"6\",7\n".to_vec();
    let (images, ..) = read(&[("a.csv", quoted)], None).unwrap();
    assert_eq!(images, ["a.csv:1  three, 3 [0, 1, 2, 3]", "a.csv:2  say \"b\" [4, 5, 6, 7]"]);
    let semicolons = b"\"a, b\";0;1;2;3\nc;4;5;6;7\n\"d;1;1;1;1\n\"e\" f;1;1;1;1\n".to_vec();
    let (images, ..) = read(&[("a.csv", semicolons)], None).unwrap();
    assert_eq!(
        images,
        [
            "a.csv:1  a, b [0, 1, 2, 3]",
            "a.csv:2  c [4, 5, 6, 7]",
            "line 3 has a quotation mark that does not end on the same line",
            "line 4 has text behind the quoted field \"e\""
        ]
    );
}

#[test]
fn a_heading_of_numbers_is_no_image() {
    let numbers = |from: usize| (from..from + 64).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let image = ["7"; 64].join(",");
    let first = |heading: String| {
        let table = format!("{heading}\n5,{image}\n");
        read(&[("a.csv", table.into_bytes())], None).unwrap().0[0].split(' ').next().unwrap().to_owned()
    };
    for heading in ["class", "Label", "y", "pixels", "0", ""] {
        assert_eq!(first(format!("{heading},{}", numbers(1))), "a.csv:2", "{heading:?} from 1");
        assert_eq!(first(format!("{heading},{}", numbers(0))), "a.csv:2", "{heading:?} from 0");
    }
    assert_eq!(first(format!("target,{image}")), "a.csv:2");
    for label in ["y", "cat", "3"] {
        assert_eq!(first(format!("{label},{image}")), "a.csv:1", "{label}");
    }
    let last = format!("{},class\n{image},5\n", numbers(0));
    assert!(read(&[("a.csv", last.into_bytes())], None).unwrap().0[0].starts_with("a.csv:2  5 [7"));
}

#[test]
fn a_table_without_any_image_is_refused_with_a_line_and_what_it_should_have() {
    let refused = |text: &str| read(&[("a.csv", text.as_bytes().to_vec())], None).unwrap_err();
    for (text, found) in [
        ("cat,0.5,0,0,1\n", "line 1 has \"0.5\" in column 2, expected a whole number from 0 to 255"),
        ("label,a,b,c,d\n1,999,0,0,1\n", "line 2 has \"999\" in column 2"),
        ("9,8,7,6,cat\n1,2,3,4,dog\n", "line 1 has \"cat\" in column 5"),
        ("label,a,b,c,d\n", "has no line below its heading"),
    ] {
        let reason = refused(text);
        assert!(reason.contains(found), "{reason}");
        assert!(reason.contains("; expected a line for each image: its label, then its levels"), "{reason}");
    }
}

#[test]
fn one_kind_of_files_is_read_and_others_are_left_out() {
    let files = [
        ("a.csv", b"0,1,1,1,1\n1,2,2,2,2\n".to_vec()),
        ("train-images-idx3-ubyte", idx(&[2, 1, 1], &[9, 8])),
        ("train-labels-idx1-ubyte", idx(&[2], &[0, 1])),
    ];
    assert_eq!(read(&files, None).unwrap().2, ["a.csv"]);
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("notes.txt"), "").unwrap();
    assert!(Packed::find(root.path()).unwrap().is_none());
}

#[test]
fn packed_files_are_not_unpacked_as_archives() {
    let is = |name: &str, head: &[u8]| is_packed(Path::new(name), head);
    assert!(is("a/mnist.npz", b"PK\x03\x04") && is("t10k-images-idx3-ubyte", &[0, 0, 8, 3, 0]) && is("x.CSV", b"0,1"));
    let whole = |name: &str, head: &[u8]| is_whole(Path::new(name), head);
    assert!(
        whole("a/mnist.npz", b"PK\x03\x04")
            && whole("x.CSV", b"0,1")
            && !whole("t10k-images-idx3-ubyte", &[0, 0, 8, 3])
    );
    assert!(!is("mnist.zip", b"PK\x03\x04") && !is("train.csv.gz", &[0x1F, 0x8B, 8]) && !is("notes.txt", b"0,1"));
}
