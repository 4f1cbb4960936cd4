//! Pickles as Python writes them, those that are refused, and hostile ones.

use proptest::prelude::*;

use super::*;
use crate::task::keypoints::clip::VALUES;

/// A pickle of protocol 4 of these steps.
fn pickle(steps: &[&[u8]]) -> Vec<u8> {
    [b"\x80\x04", steps.concat().as_slice(), b"."].concat()
}

/// A list of numbers, kept as the next object.
fn numbers(values: &[f64]) -> Vec<u8> {
    let numbers: Vec<u8> = values.iter().flat_map(|value| [b"G".as_slice(), &value.to_be_bytes()].concat()).collect();
    [b"]\x94(".as_slice(), &numbers, b"e"].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&[0x8c, text.len() as u8], text.as_bytes(), b"\x94"].concat()
}

/// A part of these points.
fn part(points: &[[f64; 2]]) -> Vec<u8> {
    let of = |place: usize| numbers(&points.iter().map(|point| point[place]).collect::<Vec<_>>());
    [b"}\x94(".to_vec(), text("x"), of(0), text("y"), of(1), b"u".to_vec()].concat()
}

/// A pickle of frames, each of parts.
fn frames(frames: &[&[(&str, Vec<u8>)]]) -> Vec<u8> {
    let mut steps = b"]\x94(".to_vec();
    for frame in frames {
        steps.extend(b"}\x94(");
        frame.iter().for_each(|(name, part)| steps.extend([text(name), part.clone()].concat()));
        steps.push(b'u');
    }
    steps.push(b'e');
    pickle(&[&[b"\x95".as_slice(), &u64::MAX.to_le_bytes()].concat(), &steps])
}

fn two_frames() -> Vec<u8> {
    let hand = part(&[[0.25, 0.5], [1.0, 2.0]]);
    frames(&[
        &[("left_hand", hand.clone()), ("pose", part(&[[0.5, 0.5]]))],
        &[("left_hand", b"N".to_vec()), ("pose", part(&[[3.0, 4.0]]))],
    ])
}

#[test]
fn frames_are_read_with_what_they_lack_filled_in() {
    let read = read(&two_frames()).unwrap();
    assert_eq!(read.count, 2);
    let [pose, hand] = &read.parts[..] else { panic!("{read:?}") };
    assert_eq!((pose.name.as_str(), pose.points, pose.has), ("pose", 1, [true, true, false, false]));
    assert_eq!(pose.values, [0.5, 0.5, 0.0, 1.0, 3.0, 4.0, 0.0, 1.0]);
    assert_eq!((hand.name.as_str(), hand.points), ("left_hand", 2));
    assert_eq!(hand.values[..2 * VALUES], [0.25, 0.5, 0.0, 1.0, 1.0, 2.0, 0.0, 1.0]);
    assert!(hand.values[2 * VALUES..].iter().all(|value| value.is_nan()) && hand.values.len() == 4 * VALUES);
}

#[test]
fn whole_numbers_lists_that_are_used_twice_and_single_items_are_read() {
    let point: &[u8] = b"}\x8c\x01x]\x94K\x01as\x8c\x01yh\x00s";
    let one = pickle(&[b"]", b"}\x8c\x04pose", point, b"s", b"a"]);
    assert_eq!(read(&one).unwrap().parts[0].values, [1.0, 1.0, 0.0, 1.0]);
    let integers = pickle(&[b"](}(\x8c\x01p}(\x8c\x01x](K\x07M\x01\x02e\x8c\x01y](J\xff\xff\xff\xffK\x00euue"]);
    assert_eq!(read(&integers).unwrap().parts[0].values, [7.0, -1.0, 0.0, 1.0, 513.0, 0.0, 0.0, 1.0]);
}

#[test]
fn every_other_step_is_refused_by_its_name() {
    for (steps, words) in [
        (&b"cos\nsystem\n(X\x02\0\0\0lstR"[..], "uses the step GLOBAL, which would run code and is refused"),
        (b"\x8c\x08builtins\x8c\x04eval\x93", "STACK_GLOBAL, which would run code"),
        (b"(ios\nsystem\n", "INST, which would run code"),
        (b"\x82\x01", "EXT1, which would run code"),
        (b"NR", "REDUCE, which would run code"),
        (b"NN\x81", "NEWOBJ, which would run code"),
        (b"NNb", "BUILD, which would run code"),
        (b"NQ", "BINPERSID, which would run code"),
        (b"P1\n", "PERSID, which would run code"),
        (b"X\x01\0\0\0a", "BINUNICODE, which is refused"),
        (b")", "EMPTY_TUPLE, which is refused"),
        (b"B\0\0\0\0", "BINBYTES, which is refused"),
        (b"q\0", "BINPUT, which is refused"),
        (b"0", "POP, which is refused"),
        (b"\x88", "NEWTRUE, which is refused"),
        (b"\xff", "0xff, which is refused"),
    ] {
        let problem = read(&pickle(&[steps])).unwrap_err();
        assert!(problem.contains(words) && problem.contains("(byte ") && problem.contains("protocol 4"), "{problem}");
    }
    assert!(!std::path::Path::new("was here").exists());
}

#[test]
fn what_is_no_list_of_frames_is_refused_with_what_was_found() {
    let hand = |points: &[u8]| frames(&[&[("left_hand", points.to_vec())]]);
    for (file, words) in [
        (pickle(&[b"N"]), "holds None, expected a list of frames"),
        (pickle(&[b"}"]), "holds a dict, expected"),
        (pickle(&[b"]"]), "has no frames"),
        (frames(&[&[]]), "has 1 frames without any point"),
        (pickle(&[b"]K\x05a"]), "has the number 5 as frame 0"),
        (pickle(&[b"]}K\x05Nsa"]), "has the number 5 as the name of a part in frame 0"),
        (hand(b"]"), "has a list as left_hand in frame 0"),
        (hand(b"}\x8c\x01x]s"), "no y, expected lists of x and y of left_hand in frame 0"),
        (hand(b"}\x8c\x01xNs\x8c\x01yK\x01s"), "the number 1 as y, expected a list of numbers"),
        (hand(b"}\x8c\x01x]K\x01as\x8c\x01y]s"), "1 numbers of x and 0 of another value"),
        (hand(b"}\x8c\x01x]Nas\x8c\x01y]K\x01as"), "None among its numbers"),
        (
            frames(&[&[("p", part(&[[0.0; 2]]))], &[("p", part(&[[0.0; 2]; 2]))]]),
            "has 2 points of p in frame 1, expected 1",
        ),
        (b"\x80\x02}.".to_vec(), "version 2 of the format; write it with pickle.dump(frames, file, protocol=4)"),
        ([two_frames(), vec![0]].concat(), "has 1 bytes behind the end"),
        (Vec::new(), "it is cut off (byte 0)"),
        (pickle(&[b"h\x05"]), "uses object 5, which was never kept"),
        (pickle(&[b"e"]), "ends a group that never began"),
        (pickle(&[b"N(a"]), "takes from an empty stack"),
        (pickle(&[b"N(Ne"]), "appends to what is no list"),
        (pickle(&[b"](NNu"]), "sets items of what is no dict"),
        (pickle(&[b"}(Nu"]), "a key of a dict without a value"),
        (pickle(&[b"\x8c\x01\xff"]), "not UTF-8"),
    ] {
        let problem = read(&file).unwrap_err();
        assert!(problem.contains(words), "{problem}");
    }
}

#[test]
fn every_prefix_is_refused_and_no_changed_byte_panics() {
    let whole = two_frames();
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_err(), "{length}");
    }
    for place in 0..whole.len() {
        for byte in 0..=u8::MAX {
            let mut changed = whole.clone();
            changed[place] = byte;
            drop(read(&changed));
        }
    }
}

#[test]
fn bombs_are_refused_before_they_fill_the_memory() {
    // A frame of many points that is in the list a hundred thousand times.
    let many: Vec<[f64; 2]> = vec![[0.5; 2]; 1000];
    let frame = [b"}\x94(".to_vec(), text("pose"), part(&many), b"u".to_vec()].concat();
    let repeated = pickle(&[b"]\x94(", &frame, &b"h\x01".repeat(100_000), b"e"]);
    assert!(read(&repeated).unwrap_err().contains("more than 64 times the bytes of the file"));
    // A part of many points, and a hundred thousand frames without it.
    let absent = pickle(&[b"]\x94(", &frame, &b"}".repeat(100_000), b"e"]);
    let problem = read(&absent).unwrap_err();
    assert!(problem.contains("more than") && problem.contains("lists and dicts"), "{problem}");
    // The same without making new dicts.
    let absent = pickle(&[b"]\x94(}\x94", &frame, &b"h\x01".repeat(400_000), b"e"]);
    assert!(read(&absent).unwrap_err().contains("most of them absent"), "{:?}", read(&absent).unwrap_err());
    for (steps, words) in [
        (b"(".repeat(100_000), "nests more than 1000 groups"),
        (b"]".repeat(100_000), "lists and dicts, which frames in a file of its size do not need"),
        ([b"](".as_slice(), &b"N".repeat(100_000), b"e"].concat(), "items in its lists"),
        (b"N".repeat(2_000_000), "more than 1048576 items at once"),
        (b"]\x94h\x00a".to_vec(), "has a list as frame 0"),
        ([b"]}".as_slice(), &b"NNs".repeat(100), b"a"].concat(), "a dict of 100 entries"),
        (b"\x8c\xffabc".to_vec(), "it is cut off"),
    ] {
        let problem = read(&pickle(&[&steps])).unwrap_err();
        assert!(problem.contains(words), "{problem}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_steps_make_the_reader_panic(steps in proptest::collection::vec(step(), 0..60)) {
        drop(read(&pickle(&[&steps.concat()])));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(file in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(read(&file));
    }
}

/// Steps that are whole, so that random ones get far.
fn step() -> impl Strategy<Value = Vec<u8>> {
    let whole: [&[u8]; 16] = [
        b"]",
        b"}",
        b"(",
        b"\x94",
        b"h\x00",
        b"h\x01",
        b"j\x00\0\0\0",
        b"a",
        b"e",
        b"s",
        b"u",
        b"N",
        b"K\x01",
        b"\x8c\x01x",
        b"\x8c\x01y",
        b".",
    ];
    (0..whole.len()).prop_map(move |place| whole[place].to_vec())
}
