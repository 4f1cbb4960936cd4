//! Preparing small datasets of every layout.

use std::path::Path;

use image::ExtendedColorType;

use super::*;
use crate::data::split::Side;
use crate::util::exit::Exit;

const CONFIG: PrepareConfig = PrepareConfig {
    size: [8, 8],
    channels: 1,
    fit: super::super::config::Fit::Stretch,
    invert: Invert::Never,
    background: super::super::config::Background::White,
    transpose: false,
    classes: None,
    max_per_class: None,
    max_bad_share: 0.05,
};

/// A dataset, and where it is prepared.
struct Bench {
    raw: tempfile::TempDir,
    prepared: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { raw: tempfile::tempdir().unwrap(), prepared: tempfile::tempdir().unwrap() }
    }

    /// Writes an image of one gray level.
    fn image(&self, path: &str, level: u8) -> &Self {
        let path = self.raw.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::save_buffer(path, &[level; 64], 8, 8, ExtendedColorType::L8).unwrap();
        self
    }

    fn prepare(&self, config: &PrepareConfig) -> Result<PreparedImages, PrepareError> {
        let stop = crate::util::stop::Stop::default();
        let around = Surroundings { stop: &stop, progress: &crate::util::progress::Silent };
        prepare(self.raw.path(), self.prepared.path(), config, None, &around)
    }
}

fn listed(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|&name| name.to_owned()).collect())
}

/// Each image with its class and first level.
fn images(prepared: &PreparedImages) -> Vec<String> {
    let labels = &prepared.facts.model.labels;
    let image = |(record, image): (usize, &ImageFacts)| {
        format!("{} {} {}", image.file, labels[image.class], prepared.records.read(record).unwrap()[0])
    };
    prepared.facts.images.iter().enumerate().map(image).collect()
}

#[test]
fn folders_in_either_case_are_one_class_and_an_empty_one_is_kept() {
    let bench = Bench::new();
    bench.image("a_upper/1.png", 1).image("A_upper/2.tif", 2).image("b_lower/1.bmp", 3).image("0_digit/1.webp", 9);
    std::fs::create_dir(bench.raw.path().join("C_upper")).unwrap();
    let prepared = bench.prepare(&CONFIG).unwrap();
    assert_eq!(prepared.facts.model.classes, ["A_upper", "C_upper", "b_lower", "0_digit"]);
    assert_eq!(
        images(&prepared),
        ["0_digit/1.webp 0 9", "A_upper/2.tif A 2", "a_upper/1.png A 1", "b_lower/1.bmp b 3"]
    );
    assert!(!bench.prepare(&CONFIG).unwrap().is_new);
    std::fs::create_dir(bench.raw.path().join("D_upper")).unwrap();
    assert_eq!(bench.prepare(&CONFIG).unwrap().facts.model.classes.len(), 5, "an empty folder is seen as well");
}

#[test]
fn a_list_of_classes_decides_their_order_and_which_take_part() {
    let bench = Bench::new();
    bench.image("a_upper/1.png", 1).image("b_upper/1.png", 2).image("plus/1.png", 3);
    let config = PrepareConfig { classes: listed(&["+", "A_upper", "Z_upper"]), ..CONFIG };
    let prepared = bench.prepare(&config).unwrap();
    assert_eq!(prepared.facts.model.classes, ["plus", "A_upper", "Z_upper"]);
    assert_eq!(prepared.facts.model.labels.concat(), "+AZ");
    let left_out = &prepared.report.about.left_out;
    assert_eq!((left_out.len(), left_out[0].place.as_str(), left_out[0].files), (1, "B_upper", 1));
    let none = bench.prepare(&PrepareConfig { classes: listed(&["x", "plus"]), ..CONFIG }).err().unwrap();
    assert!(none.to_string().contains("images of 1 class (plus)"), "{none}");
    assert!(none.to_string().ends_with("or correct task.image_class.prepare.classes"), "{none}");
}

#[test]
fn unreadable_images_are_set_aside_up_to_a_share() {
    let bench = Bench::new();
    for number in 0..20 {
        bench.image(&format!("{}/{number}.png", ["A", "B"][usize::from(number % 2)]), number);
    }
    std::fs::write(bench.raw.path().join("A/bad.gif"), "no picture").unwrap();
    let prepared = bench.prepare(&CONFIG).unwrap();
    assert_eq!((prepared.facts.images.len(), prepared.report.bad()), (20, 1));
    let (bad, _) = prepared.report.reasons(1);
    assert_eq!(bad, ["A/bad.gif: is not an image, expected PNG, JPEG, BMP, WebP, TIFF or GIF"]);
    std::fs::write(bench.raw.path().join("B/bad.png"), "").unwrap();
    let refused = bench.prepare(&CONFIG).err().unwrap();
    assert_eq!(refused.exit(), Exit::DataRefused);
    assert!(refused.to_string().starts_with("2 of 22 files can't be used"), "{refused}");
    assert_eq!(bench.prepare(&PrepareConfig { max_bad_share: 0.1, ..CONFIG }).unwrap().report.bad(), 2);
}

#[test]
fn options_make_datasets_of_their_own_and_the_content_is_that_of_the_file() {
    let bench = Bench::new();
    bench.image("A/1.png", 200).image("B/1.png", 250);
    let plain = bench.prepare(&CONFIG).unwrap();
    let inverted = bench.prepare(&PrepareConfig { invert: Invert::Auto, size: [9, 8], ..CONFIG }).unwrap();
    assert_ne!(plain.store, inverted.store);
    assert!(inverted.facts.model.inverted && !plain.facts.model.inverted);
    assert_eq!(images(&inverted)[0], "A/1.png A 55");
    let contents =
        |prepared: &PreparedImages| prepared.facts.images.iter().map(|image| image.content).collect::<Vec<_>>();
    assert_eq!(contents(&plain), contents(&inverted), "so that the split does not depend on the options");
    assert_eq!(plain.report.fingerprint, inverted.report.fingerprint);
}

#[test]
fn packed_files_are_prepared_like_folders_and_a_model_of_them_takes_image_files_upright() {
    let bench = Bench::new();
    std::fs::write(bench.raw.path().join("train.csv"), "0,1,2,3,4\n1,5,6,7,8\n1,5,6,7\n").unwrap();
    let config = PrepareConfig { transpose: true, max_bad_share: 0.5, ..CONFIG };
    let prepared = bench.prepare(&config).unwrap();
    assert_eq!(prepared.facts.images[1].side, Some(Side::Train));
    assert_eq!(prepared.facts.images[1].file, "train.csv:2");
    assert_eq!(prepared.report.groups[0].set_aside[0].file, "train.csv:3");
    let levels = prepared.records.read(0).unwrap();
    assert_eq!((levels[0], levels[7], levels[56], levels[63]), (1, 3, 2, 4), "rows as columns");
    let ModelFacts { transposed, packed_transposed, .. } = prepared.facts.model;
    assert_eq!((transposed, packed_transposed), (false, true));
    assert!(!bench.prepare(&config).unwrap().is_new);
    assert_eq!(prepared.report.about.sizes, [SizeCount { size: [2, 2], images: 2 }]);

    let folders = Bench::new();
    folders.image("A/1.png", 1).image("B/1.png", 2);
    let ModelFacts { transposed, packed_transposed, .. } = folders.prepare(&config).unwrap().facts.model;
    assert_eq!((transposed, packed_transposed), (true, true));
}

#[test]
fn packed_files_beside_image_files_are_left_out_and_listed() {
    let bench = Bench::new();
    bench.image("A/1.png", 1).image("B/1.png", 2);
    std::fs::write(bench.raw.path().join("more.npz"), "PK").unwrap();
    std::fs::write(bench.raw.path().join("B/more.csv"), "0,1,2,3,4\n").unwrap();
    let left_out = bench.prepare(&CONFIG).unwrap().report.about.left_out;
    let places: Vec<&str> = left_out.iter().map(|left| left.place.as_str()).collect();
    assert_eq!(places, ["more.npz", "B/more.csv"]);
    assert_eq!(left_out[0].reason, "the dataset is read from its image files");
}

#[test]
fn what_is_transparent_shows_the_configured_background() {
    let bench = Bench::new();
    for class in ["A", "B"] {
        let path = bench.raw.path().join(class).join("1.png");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::save_buffer(path, &[9, 0].repeat(64), 8, 8, ExtendedColorType::La8).unwrap();
    }
    let black = PrepareConfig { background: super::super::config::Background::Black, ..CONFIG };
    for (config, level) in [(&CONFIG, 255), (&black, 0)] {
        let prepared = bench.prepare(config).unwrap();
        assert_eq!(prepared.records.read(0).unwrap()[0], level);
        assert_eq!(prepared.facts.model.background, config.background, "for predictions");
    }
}

#[test]
fn images_in_no_folder_are_of_no_class() {
    let bench = Bench::new();
    bench.image("1.png", 1).image("2.png", 2);
    let refused = bench.prepare(&CONFIG).err().unwrap().to_string();
    assert!(refused.contains(" has no images in folders of classes, expected at least 2 classes"), "{refused}");
}

#[test]
fn what_is_no_dataset_is_refused_with_the_file_and_the_reason() {
    let bench = Bench::new();
    let none = bench.prepare(&CONFIG).err().unwrap();
    assert!(
        none.to_string().contains(".gif, in a folder for each class") && none.exit() == Exit::DataRefused,
        "{none}"
    );
    std::fs::write(bench.raw.path().join("train-images-idx3-ubyte"), "no idx").unwrap();
    let alone = bench.prepare(&CONFIG).err().unwrap().to_string();
    assert!(alone.contains("train-images-idx3-ubyte has no labels: expected the file"), "{alone}");
    let one = Bench::new();
    one.image("A/1.png", 1);
    assert!(one.prepare(&CONFIG).err().unwrap().to_string().contains("images of 1 class (A), expected at least 2"));
}

#[test]
fn bright_borders_decide_for_all_images() {
    let inverted = |invert, borders: &[u8]| is_inverted(invert, borders.iter().copied());
    assert!(inverted(Invert::Auto, &[255, 250, 0]) && !inverted(Invert::Auto, &[0, 255]));
    assert!(inverted(Invert::Always, &[]) && !inverted(Invert::Never, &[255]));
}

#[test]
fn only_what_changes_the_bytes_makes_another_dataset() {
    assert_eq!(
        store_path(Path::new("p"), &CONFIG),
        store_path(Path::new("p"), &PrepareConfig { max_bad_share: 0.9, ..CONFIG })
    );
    assert_ne!(
        store_path(Path::new("p"), &CONFIG),
        store_path(Path::new("p"), &PrepareConfig { max_per_class: Some(5), ..CONFIG })
    );
}
