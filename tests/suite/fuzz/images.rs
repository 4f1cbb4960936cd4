//! Images, one in a file or many in one.

use std::io::{Cursor, Write};
use std::path::Path;

use fragua::task::image_class::decode::decode;
use fragua::task::image_class::packed::Packed;
use fragua::util::stop::Stop;
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};

use super::formats::{put, sample};

/// Images of this format with gray, coloured and transparent pixels, as far as it has them.
pub fn images(folder: &Path, format: ImageFormat) {
    let level = |x: u32, y: u32| (x * 7 + y * 3) as u8;
    let gray = GrayImage::from_fn(32, 24, |x, y| Luma([level(x, y)]));
    let rgb = RgbImage::from_fn(32, 24, |x, y| Rgb([level(x, y), 9, level(y, x)]));
    let rgba = RgbaImage::from_fn(32, 24, |x, y| Rgba([level(x, y), 9, 200, level(y, x)]));
    let deep = DynamicImage::from(gray.clone()).into_luma16();
    let all = [("gray", gray.into()), ("rgb", rgb.into()), ("alpha", rgba.into()), ("deep", DynamicImage::from(deep))];
    let mut written = 0;
    for (name, image) in all {
        let mut bytes = Cursor::new(Vec::new());
        if image.write_to(&mut bytes, format).is_ok() {
            sample(folder, name, &bytes.into_inner());
            written += 1;
        }
    }
    assert!(written > 0, "{format:?}");
}

pub fn decoded(_: &Path, _: &str, bytes: &[u8]) {
    drop(decode(bytes, 255));
}

/// The two files of the MNIST family. In the folder of work both are whole.
pub fn idx(folder: &Path) {
    let count = 12_u8;
    let images =
        [&[0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 5, 0, 0, 0, 4][..], &vec![90; 20 * usize::from(count)]].concat();
    let labels = [&[0, 0, 8, 1, 0, 0, 0, count][..], &(0..count).map(|place| place % 3).collect::<Vec<_>>()].concat();
    for (name, bytes) in [("train-images-idx3-ubyte", images), ("train-labels-idx1-ubyte", labels)] {
        sample(folder, name, &bytes);
        put(&folder.join("work"), name, &bytes);
    }
    sample(folder, "mapping.txt", b"0 65\n1 66\n2 97\n");
}

/// The arrays of a file of NumPy. Within their file the checksum would find the damage.
pub fn npy(folder: &Path) {
    let array = |kind: &str, shape: &str, data: &[u8]| {
        let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
        header.extend(std::iter::repeat_n(' ', 117 - header.len()));
        [b"\x93NUMPY\x01\0v\0", header.as_bytes(), b"\n", data].concat()
    };
    let labels: Vec<u8> = (0..12_i64).flat_map(|place| (place % 3).to_le_bytes()).collect();
    sample(folder, "x_train", &array("|u1", "(12, 5, 4)", &[90; 240]));
    sample(folder, "y_train", &array("<i8", "(12,)", &labels));
    sample(folder, "floats", &array("<f4", "(12, 5, 4)", &[0; 960]));
}

/// An archive with a damaged array, and another one that is whole.
pub fn npz(folder: &Path, name: &str, bytes: &[u8]) {
    let place = folder.parent().unwrap().join("samples");
    let whole = |name: &str| std::fs::read(place.join(name)).unwrap();
    let (images, labels) = match name {
        "y_train" => (whole("x_train"), bytes.to_vec()),
        _ => (bytes.to_vec(), whole("y_train")),
    };
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("x_train.npy", images), ("y_train.npy", labels)] {
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(&bytes).unwrap();
    }
    packed(folder, "images.npz", &writer.finish().unwrap().into_inner());
}

pub fn csv(folder: &Path) {
    let line = |number: usize| format!("{},{}\n", number % 3, vec![(number * 7).to_string(); 20].join(","));
    let lines: String = (0..12).map(line).collect();
    let names = (0..20).map(|place| format!("pixel{place}")).collect::<Vec<_>>().join(",");
    sample(folder, "plain.csv", lines.as_bytes());
    sample(folder, "titled.csv", format!("label,{names}\n{lines}").as_bytes());
}

/// A dataset with a damaged file, read as preparing reads it.
pub fn packed(folder: &Path, name: &str, bytes: &[u8]) {
    let path = put(folder, name, bytes);
    if let Ok(Some(found)) = Packed::find(folder) {
        match found.read(folder, folder, [5, 4], None, None, &Stop::default()) {
            Ok(read) => drop(read.tables.iter().map(|table| table.image(0).len()).sum::<usize>()),
            Err(error) => drop(error.reason),
        }
    }
    let samples = folder.parent().unwrap().join("samples");
    match std::fs::read(samples.join(name)) {
        Ok(whole) if name.contains("idx") => drop(put(folder, name, &whole)),
        _ => std::fs::remove_file(path).unwrap(),
    }
}
