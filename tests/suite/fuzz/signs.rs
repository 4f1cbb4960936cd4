//! Sequences of points in every format that has a reader of its own.

use std::path::Path;
use std::sync::Arc;

use fragua::task::keypoints::read::{Hints, read_file};
use parquet::basic::Compression;
use parquet::data_type::{ByteArrayType, DoubleType, Int32Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::formats::{put, sample};

/// A frame as a pickle of protocol 4: a hand and a pose of so many points.
pub fn pickles(folder: &Path) {
    let list = |count: usize| [b"]\x94(".as_slice(), &b"G\x3f\xe0\0\0\0\0\0\0".repeat(count), b"e"].concat();
    let part = |name: &str, count: usize| {
        let name = [&[0x8c, name.len() as u8], name.as_bytes(), b"\x94"].concat();
        [&name, b"}\x94(\x8c\x01x\x94".as_slice(), &list(count), b"\x8c\x01y\x94", &list(count), b"u"].concat()
    };
    let frame = [b"}\x94(".as_slice(), &part("left_hand", 21), &part("pose", 33), b"\x8c\x04faceNu"].concat();
    sample(
        folder,
        "frames.pkl",
        &[b"\x80\x04\x95\0\x10\0\0\0\0\0\0]\x94(".as_slice(), &frame.repeat(4), b"h\x01e."].concat(),
    );
}

pub fn json(folder: &Path) {
    let points = vec![r#"{"x": 0.5, "y": 0.25, "z": -1e-3, "visibility": 0.9}"#; 33].join(", ");
    let frame = format!(r#"{{"poseLandmarks": [{points}], "leftHandLandmarks": [], "rightHandLandmarks": null}}"#);
    sample(folder, "mediapipe.json", format!("{{\"frames\": [{}]}}", vec![frame; 4].join(", ")).as_bytes());
    let hand = vec!["[0.5, 0.25, 0, 1]"; 21].join(", ");
    let frame = format!(r#"{{"t": 0.04, "hand_keypoints": [{hand}], "body_keypoints": [], "face_keypoints": []}}"#);
    sample(
        folder,
        "export.json",
        format!("{{\"clip_id\": \"a\", \"frames\": [{}]}}", vec![frame; 4].join(", ")).as_bytes(),
    );
}

pub fn series(folder: &Path) {
    let heading = "@problemName Pen\n@timeStamps false\n@univariate false\n@classLabel true a b\n@data\n";
    let samples = "0.5,0.25,?,1e-3:1,2,3,4:a\n1:2:b\n1,2:3:a\n".repeat(4);
    sample(folder, "pen.ts", format!("{heading}{samples}").as_bytes());
}

pub fn columns(folder: &Path) {
    for (name, compression) in [("snappy.parquet", Compression::SNAPPY), ("plain.parquet", Compression::UNCOMPRESSED)] {
        sample(folder, name, &landmarks(compression));
    }
}

/// Eight frames of a hand as a table of columns.
fn landmarks(compression: Compression) -> Vec<u8> {
    let schema = "message schema { required int32 frame; required binary type (UTF8); required int32 landmark_index; required double x; \
                  required double y; required double z; }";
    let (mut bytes, rows) = (Vec::new(), 0..8 * 21_i32);
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for place in 0..6 {
        let mut column = group.next_column().unwrap().unwrap();
        let written = match place {
            0 | 2 => {
                let values: Vec<i32> = rows.clone().map(|row| if place == 0 { row / 21 } else { row % 21 }).collect();
                column.typed::<Int32Type>().write_batch(&values, None, None)
            }
            1 => column.typed::<ByteArrayType>().write_batch(&vec!["left_hand".into(); rows.len()], None, None),
            _ => {
                let values: Vec<f64> = rows.clone().map(|row| f64::from(row * place)).collect();
                column.typed::<DoubleType>().write_batch(&values, None, None)
            }
        };
        assert_eq!(written.unwrap(), rows.len());
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

/// Reads a file as predicting does.
pub fn read(folder: &Path, name: &str, bytes: &[u8]) {
    let path = put(folder, name, bytes);
    let hints = Hints { streams: vec![("pen".to_owned(), 1)], ..Hints::default() };
    match read_file(&path, &hints) {
        Ok(clips) => drop(clips.iter().map(|clip| clip.frames).sum::<usize>()),
        Err(error) => drop(error.to_string()),
    }
    std::fs::remove_file(path).unwrap();
}
