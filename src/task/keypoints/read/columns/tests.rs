//! Parquet files that the same crate writes, and damaged ones.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArrayType, DoubleType, Int32Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::landmarks::decode;
use super::*;
use crate::task::keypoints::clip::VALUES;
use crate::task::keypoints::read::Dataset;
use crate::task::keypoints::read::hints::{FACE, LEFT, POSE, RIGHT};

const SCHEMA: &str = "message schema { optional int32 frame (INTEGER(16, true)); optional binary row_id (UTF8); optional binary type (UTF8); \
                      optional int32 landmark_index (INTEGER(16, true)); optional double x; optional double y; required double z; }";

/// A frame, a type, a point, and its x; y is 2 x and z 3 x.
type Row = (i32, &'static str, i32, Option<f64>);

/// A file with a group of rows for each of these.
fn file(groups: &[&[Row]], compression: Compression) -> Vec<u8> {
    let mut bytes = Vec::new();
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    for rows in groups {
        let mut group = writer.next_row_group().unwrap();
        let all = vec![1; rows.len()];
        let seen: Vec<i16> = rows.iter().map(|row| i16::from(row.3.is_some())).collect();
        let x: Vec<f64> = rows.iter().filter_map(|row| row.3).collect();
        let mut place = 0;
        while let Some(mut column) = group.next_column().unwrap() {
            let whole = |values: Vec<i32>| values;
            match place {
                0 => drop(
                    column
                        .typed::<Int32Type>()
                        .write_batch(&whole(rows.iter().map(|row| row.0).collect()), Some(&all), None)
                        .unwrap(),
                ),
                1 | 2 => {
                    let texts: Vec<_> = rows.iter().map(|row| row.1.into()).collect();
                    column.typed::<ByteArrayType>().write_batch(&texts, Some(&all), None).unwrap();
                }
                3 => drop(
                    column
                        .typed::<Int32Type>()
                        .write_batch(&whole(rows.iter().map(|row| row.2).collect()), Some(&all), None)
                        .unwrap(),
                ),
                4 | 5 => {
                    let values: Vec<f64> = x.iter().map(|x| x * f64::from(place - 3)).collect();
                    column.typed::<DoubleType>().write_batch(&values, Some(&seen), None).unwrap();
                }
                _ => {
                    let values: Vec<f64> = rows.iter().map(|row| row.3.map_or(f64::NAN, |x| 3.0 * x)).collect();
                    column.typed::<DoubleType>().write_batch(&values, None, None).unwrap();
                }
            }
            column.close().unwrap();
            place += 1;
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

/// Two frames, 30 and 28, of a hand in disorder; the pose is never seen, and the face once.
fn two_frames(compression: Compression) -> Vec<u8> {
    let hand = |frame: i32, x: f64| (0..21).rev().map(move |point| (frame, LEFT, point, Some(x + f64::from(point))));
    let mut rows: Vec<Row> = hand(30, 100.0).chain(hand(28, 0.0)).collect();
    rows.extend((0..33).map(|point| (28, POSE, point, None)));
    file(&[&rows, &[(30, FACE, 477, Some(0.5))]], compression)
}

#[test]
fn rows_in_any_order_become_frames_and_null_is_not_seen() {
    let packed = [Compression::SNAPPY, Compression::GZIP(Default::default()), Compression::ZSTD(Default::default())];
    for compression in packed.into_iter().chain([Compression::UNCOMPRESSED]) {
        let read = decode(two_frames(compression)).unwrap();
        assert_eq!(read.count, 2);
        let [pose, hand, face] = &read.parts[..] else { panic!("{read:?}") };
        assert_eq!((pose.points, hand.points, face.points, hand.has), (33, 21, 478, [true, true, true, false]));
        assert_eq!(hand.values[VALUES..2 * VALUES], [1.0, 2.0, 3.0, 1.0]);
        assert_eq!(hand.values[22 * VALUES..23 * VALUES], [101.0, 202.0, 303.0, 1.0]);
        assert!(pose.values.iter().all(|value| value.is_nan()));
        assert_eq!(face.values[(2 * 478 - 1) * VALUES..], [0.5, 1.0, 1.5, 1.0]);
    }
}

#[test]
fn files_of_other_content_are_refused_with_what_was_found() {
    for (rows, words) in [
        (&[(1, "tail", 0, None)][..], "has the type \"tail\", expected face, left_hand, pose, right_hand"),
        (&[(1, RIGHT, 21, None)], "has the point 21 of right_hand in frame 1, expected 0 to 20"),
        (&[(1, POSE, -1, None)], "of pose in frame 1, expected 0 to 32"),
        (&[(1, POSE, 0, None), (1, POSE, 0, Some(1.0))], "has the point 0 of pose twice in frame 1"),
        (&[], "has no frames"),
    ] {
        let problem = decode(file(&[rows], Compression::SNAPPY)).unwrap_err();
        assert!(problem.contains(words), "{problem}");
    }
    let text = "message schema { required binary frame (UTF8); required binary type (UTF8); required int32 landmark_index; \
                required double x; required double y; required double z; }";
    let mut bytes = Vec::new();
    let schema = Arc::new(parse_message_type(text).unwrap());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    while let Some(mut column) = group.next_column().unwrap() {
        match column.untyped() {
            ColumnWriter::ByteArrayColumnWriter(texts) => drop(texts.write_batch(&["1".into()], None, None).unwrap()),
            ColumnWriter::Int32ColumnWriter(numbers) => drop(numbers.write_batch(&[1], None, None).unwrap()),
            ColumnWriter::DoubleColumnWriter(numbers) => drop(numbers.write_batch(&[1.0], None, None).unwrap()),
            _ => unreachable!(),
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    assert_eq!(decode(bytes).unwrap_err(), "has texts in the column frame, expected numbers");
    assert!(decode(Vec::new()).unwrap_err().contains("is no parquet file that can be read"));
    let schema = Arc::new(parse_message_type("message schema { required int32 frame; }").unwrap());
    let mut bytes = Vec::new();
    SerializedFileWriter::new(&mut bytes, schema, Default::default()).unwrap().close().unwrap();
    assert!(
        decode(bytes).unwrap_err().contains("has the columns frame, expected frame, type, landmark_index, x, y, z")
    );
}

#[test]
fn no_prefix_is_read_and_no_changed_byte_panics() {
    let whole = two_frames(Compression::SNAPPY);
    for length in (0..whole.len()).step_by(5) {
        assert!(decode(whole[..length].to_vec()).is_err(), "{length}");
    }
    for place in 0..whole.len() {
        for byte in [0xff, whole[place] ^ 1] {
            let mut changed = whole.clone();
            changed[place] = byte;
            drop(decode(changed));
        }
    }
}

#[test]
fn a_page_that_says_it_unpacks_to_gigabytes_is_refused() {
    let whole = two_frames(Compression::SNAPPY);
    // The header of the first page: a type, then its size as a number with a sign in seven bits each.
    let place = 4;
    assert_eq!(whole[place..place + 3], [0x15, whole[place + 1], 0x15]);
    let end = place + 3 + whole[place + 3..].iter().position(|byte| byte & 0x80 == 0).unwrap();
    let longer = [&whole[..place + 3], &[0xfe, 0xff, 0xff, 0xff, 0x0f], &whole[end + 1..]].concat();
    assert!(decode(longer).unwrap_err().contains("says that its pages unpack to more than"));
}

#[test]
fn the_list_gives_signs_participants_and_what_is_absent() {
    let folder = tempfile::tempdir().unwrap();
    let put = |path: &str, content: &[u8]| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    };
    let rows = two_frames(Compression::SNAPPY);
    put("d/train_landmark_files/16/7.parquet", &rows);
    put("d/train_landmark_files/2/8.parquet", b"PAR1");
    put(
        "d/train.csv",
        b"path,participant_id,sequence_id,sign\ntrain_landmark_files/16/7.parquet,16,7,TV\r\ntrain_landmark_files/2/8.parquet,2,8,after\n\
          train_landmark_files/2/9.parquet,2,9,TV\n../x.parquet,2,10,TV\ntrain_landmark_files/2/11.parquet,2,11,\n",
    );
    put("d/sign_to_prediction_index_map.json", br#"{"after": 1, "TV": 0}"#);
    let open = || Dataset::open(folder.path(), &crate::task::keypoints::read::Hints::default());
    let dataset = open().unwrap();
    assert_eq!(
        (dataset.layout, dataset.classes.as_slice()),
        (Layout::Columns, &["TV".to_owned(), "after".to_owned()][..])
    );
    let entry = &dataset.entries[0];
    assert_eq!((entry.name.as_str(), entry.signer.as_deref(), entry.class.as_deref()), ("7", Some("16"), Some("TV")));
    assert_eq!(dataset.clip(0).unwrap().frames, 2);
    assert!(dataset.clip(1).unwrap_err().reason.contains("is no parquet file that can be read"));
    let reasons: Vec<&str> = dataset.set_aside.iter().map(|aside| aside.reason.as_str()).collect();
    assert_eq!(reasons.len(), 3);
    assert!(
        reasons[0].contains("is absent, though train.csv lists it")
            && reasons[1].contains("has the line 5, which has the path \"../x.parquet\"")
    );
    assert!(reasons[2].contains("has the line 6, which has no sign"), "{reasons:?}");
    put("d/sign_to_prediction_index_map.json", br#"{"after": 1, "TV": 2}"#);
    assert!(open().unwrap_err().to_string().contains("does not number its 2 signs from 0 on"));
    put("d/sign_to_prediction_index_map.json", br#"{"TV": 0}"#);
    assert!(
        open()
            .unwrap_err()
            .to_string()
            .contains("has the sign \"after\", which sign_to_prediction_index_map.json does not have")
    );
    put("d/train.csv", b"file,sign\n");
    assert!(
        open()
            .unwrap_err()
            .to_string()
            .contains("has no column \"path\", expected path,participant_id,sequence_id,sign")
    );
}
