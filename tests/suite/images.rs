//! Datasets of images as people have them: folders, archives, files with many images, and what is wrong with them.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use image::ExtendedColorType;
use serde_json::Value;

use crate::program::Program;

/// The program with a configuration for small images of an own dataset.
fn program() -> Program {
    let program = Program::new();
    program.write(
        "config.yaml",
        "data: {name: own, source: [{path: {path: own}}]}\ntask: {image_class: {prepare: {size: [8, 8]}}}\n",
    );
    program
}

/// Writes an image with a bright spot on dark ground; equal numbers give equal images.
fn image(path: &Path, number: u8) {
    let mut levels = [0; 144];
    levels[26 + usize::from(number % 7) * 12..][..3 + usize::from(number / 7)].fill(200);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::save_buffer(path, &levels, 12, 12, ExtendedColorType::L8).unwrap();
}

fn files(folder: &Path, below: &str, found: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        match entry.path().is_dir() {
            true => files(&entry.path(), &format!("{name}/"), found),
            false => found.push((name, entry.path())),
        }
    }
}

#[test]
fn an_archive_with_or_without_a_folder_around_is_the_same_dataset_as_the_folder() {
    let program = program();
    for number in 0..30 {
        let class = ["a_upper", "B_upper", "0_digit"][usize::from(number % 3)];
        let ending = ["png", "bmp", "tif"][usize::from(number / 10)];
        image(&program.path(&format!("own/{class}/{number}.{ending}")), number);
    }
    let mut all = Vec::new();
    files(&program.path("own"), "", &mut all);
    for top in ["", "dataset/images/"] {
        let mut tar = tar::Builder::new(File::create(program.path(&format!("{}.tar", top.len()))).unwrap());
        let mut zip = zip::ZipWriter::new(File::create(program.path(&format!("{}.zip", top.len()))).unwrap());
        for (name, path) in &all {
            tar.append_path_with_name(path, format!("{top}{name}")).unwrap();
            zip.start_file(format!("{top}{name}"), zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(&fs::read(path).unwrap()).unwrap();
        }
        tar.finish().unwrap();
        zip.finish().unwrap();
    }
    program.succeed(&["prepare"]);
    let folder: Value = program.json(&["inspect", "--json"]);
    assert_eq!(folder["classes"][0]["folder"], "A_upper");
    assert_eq!((&folder["images"]["train"], &folder["images"]["val"]), (&24.into(), &6.into()));
    assert_eq!(folder["sizes"], serde_json::json!([{"size": [12, 12], "images": 30}]));
    for archive in ["0.tar", "0.zip", "15.tar", "15.zip"] {
        let source = format!("data={{name: a{archive}, source: [{{path: {{path: {archive}}}}}]}}");
        program.succeed(&["prepare", "--set", &source]);
        let found: Value = program.json(&["inspect", "--no-pictures", "--json", "--set", &source]);
        for key in ["classes", "images", "levels"] {
            assert_eq!(found[key], folder[key], "{archive}: {key}");
        }
    }
}

#[test]
fn inspect_finds_what_is_wrong_with_a_dataset() {
    let program = program();
    let at = |path: &str| program.path(&format!("own/{path}"));
    for number in 0..20 {
        image(&at(&format!("train/{}/{number}.png", ["cat", "dog"][usize::from(number % 2)])), number);
        image(&at(&format!("test/{}/t{number}.png", ["cat", "dog"][usize::from(number % 2)])), number + 20);
    }
    image(&at("train/dog/cat.png"), 2);
    image(&at("test/cat/seen.png"), 4);
    image(&at("train/cat/again.png"), 6);
    image::save_buffer(at("train/dog/blank.png"), &[9; 144], 12, 12, ExtendedColorType::L8).unwrap();
    fs::create_dir_all(at("train/bird")).unwrap();
    fs::write(at("train/cat/broken.jpg"), [0xFF, 0xD8, 0xFF, 0xE0, 0]).unwrap();
    image(&at("logo.png"), 0);
    let prepared = program.succeed(&["prepare"]);
    for text in ["set aside train/cat/broken.jpg", "left out . (1 file)", "1 class without images: bird"] {
        assert!(prepared.stderr.contains(text), "{text}: {}", prepared.stderr);
    }
    let found: Value = program.json(&["inspect", "--json"]);
    let repeats = &found["repeats"];
    assert_eq!(
        [&repeats["within_classes"], &repeats["across_classes"], &repeats["across_sides"]],
        [&Value::from(2), &2.into(), &2.into()]
    );
    assert_eq!(repeats["groups"][0]["classes"], serde_json::json!(["cat", "dog"]));
    assert_eq!((&found["blank"], &found["blank_files"][0]), (&1.into(), &"train/dog/blank.png".into()));
    assert_eq!((&found["empty"][0], &found["left_out"][0]["files"]), (&"bird".into(), &1.into()));
    assert_eq!(found["set_aside"][0]["file"], "train/cat/broken.jpg");
    let names: Vec<&str> = found["pictures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|path| path.as_str().unwrap().rsplit_once('/').unwrap().1)
        .collect();
    assert_eq!(names, ["images.png", "means.png", "counts.png", "levels.png", "repeats.png", "augmented.png"]);
    let table = program.succeed(&["inspect", "--no-pictures"]).stdout;
    for text in [
        "sizes before: 12 x 12 (44)",
        "balance: 22 images of each class that has any",
        "classes without images\n  bird",
        "the same image in several classes: 2 images, at least one label is wrong",
        "at least one label is wrong\n  train/cat/2.png (cat) = train/dog/cat.png (dog)\n",
        "the same image on several sides: 2 images\n  test/cat/seen.png (test) = train/cat/4.png (val)\n",
        "blank: 1 image\n  train/dog/blank.png",
    ] {
        assert!(table.contains(text), "{text}:\n{table}");
    }
}

#[test]
fn packed_images_take_their_classes_from_the_configuration_and_mistakes_are_named() {
    let program = program();
    fs::create_dir(program.path("own")).unwrap();
    let images: Vec<u8> = (0..40_u8).flat_map(|number| [number, 200, 200, 200]).collect();
    let header = |kind: u8, sides: &[u32]| {
        [0, 0, 8, kind].into_iter().chain(sides.iter().flat_map(|side| side.to_be_bytes())).collect::<Vec<u8>>()
    };
    let labels: Vec<u8> = (0..40).map(|number| number % 2).collect();
    fs::write(program.path("own/train-images-idx3-ubyte"), [header(3, &[40, 2, 2]), images].concat()).unwrap();
    fs::write(program.path("own/train-labels-idx1-ubyte"), [header(1, &[40]), labels].concat()).unwrap();
    let set = |value: &str| format!("task.image_class.prepare={{size: [8, 8], {value}}}");
    let named =
        program.json(&["prepare", "--json", "--set", &set("classes: [zero, one], max_per_class: 10, transpose: true")]);
    assert_eq!(named["classes"], serde_json::json!(["zero", "one"]));
    assert_eq!((&named["capped"], &named["inverted"], &named["images"]["val"]), (&20.into(), &true.into(), &4.into()));
    assert_eq!(program.json(&["prepare", "--json", "--set", &set("invert: false")])["inverted"], false);
    let refused = |value: &str, code: i32, texts: &[&str]| {
        let outcome = program.run(&["prepare", "--set", &set(value)]);
        assert_eq!(outcome.code, code, "{value}: {}", outcome.stderr);
        texts.iter().for_each(|text| assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr));
    };
    refused("channels: 3", 78, &["images become gray, which is 1 channel, got 3", "^"]);
    refused("invert: always", 78, &["must be auto, true or false, got the text \"always\"", "^"]);
    refused("classes: [a, b, a]", 78, &["the class \"a\" is listed twice", "^"]);
    refused("classes: [a, b, c], max_per_class: 1", 78, &["a class needs an image to train on"]);
    fs::remove_file(program.path("own/train-labels-idx1-ubyte")).unwrap();
    refused("fit: digit", 65, &["train-images-idx3-ubyte has no labels: expected the file train-labels-idx1-ubyte"]);
}

#[test]
fn one_file_may_be_a_whole_dataset_and_of_others_the_folder_is_asked_for() {
    let program = program();
    let row =
        |number: usize| format!("{},{}\n", ["cat", "\"dog, big\""][number % 2], vec![number.to_string(); 64].join(","));
    program.write("all.csv", &(0..20).map(row).collect::<String>());
    let source = |name: &str, path: &str| format!("data={{name: {name}, source: [{{path: {{path: {path}}}}}]}}");
    let prepared = program.json(&["prepare", "--json", "--set", &source("table", "all.csv")]);
    assert_eq!(prepared["classes"], serde_json::json!(["cat", "dog, big"]));
    assert!(program.path("datasets/table/raw/all.csv").is_file());
    image(&program.path("one.png"), 1);
    let refused = program.run(&["prepare", "--set", &source("one", "one.png")]);
    assert_eq!(refused.code, 65, "{}", refused.stderr);
    assert!(refused.stderr.contains("give the folder that holds all of its files"), "{}", refused.stderr);
}

#[test]
fn predict_prepares_the_raw_files_of_emnist_as_the_training_did() {
    let program = program();
    let header = |kind: u8, sides: &[u32]| {
        [0, 0, 8, kind].into_iter().chain(sides.iter().flat_map(|side| side.to_be_bytes())).collect::<Vec<u8>>()
    };
    // A vertical and a horizontal stroke: with rows and columns swapped, one is the other.
    let image = |number: u8| {
        let place = usize::from(2 + number / 2 % 4);
        let mut levels = [0_u8; 64];
        match number % 2 {
            0 => (0..8).for_each(|row| levels[8 * row + place] = 200 + number),
            _ => levels[8 * place..][..8].fill(200 + number),
        }
        levels
    };
    for (side, numbers) in [("train", 0..40_u8), ("test", 40..52)] {
        let (count, labels) = (numbers.len() as u32, numbers.clone().map(|number| number % 2).collect::<Vec<_>>());
        let images: Vec<u8> = numbers.flat_map(image).collect();
        for folder in ["own", "asked"] {
            fs::create_dir_all(program.path(folder)).unwrap();
            let path = |what: &str| program.path(&format!("{folder}/emnist-{side}-{what}-ubyte"));
            if folder == "own" || side == "test" {
                fs::write(path("images-idx3"), [header(3, &[count, 8, 8]), images.clone()].concat()).unwrap();
                fs::write(path("labels-idx1"), [header(1, &[count]), labels.clone()].concat()).unwrap();
            }
        }
    }
    let set = "task.image_class={prepare: {size: [8, 8], transpose: true}, augment: {rotate_degrees: 0}}";
    let train = ["train", "--set", set, "--epochs", "6", "--set", "train.batch=10", "--set", "name=emnist"];
    program.succeed(&train);
    let evaluated: Value = program.json(&["evaluate", "--checkpoint", "emnist", "--split", "test", "--json"]);
    program.succeed(&["predict", "--checkpoint", "emnist", "--input", "asked", "--output", "out"]);
    let predicted: Value = serde_json::from_slice(&fs::read(program.path("out/predictions.json")).unwrap()).unwrap();
    let (accuracy, test) = (&predicted["scores"]["accuracy"], &evaluated["metrics"]["accuracy"]["value"]);
    assert_eq!(accuracy, test);
    assert!(accuracy.as_f64() > Some(0.7), "so that swapping would show: {accuracy}");
}
