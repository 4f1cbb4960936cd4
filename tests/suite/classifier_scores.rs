//! What an evaluation of a classifier leaves behind: scores, tables, pictures and the page, for few classes and for many.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::Program;
use crate::training::Training;

/// What the metadata of a weights file says about its classes.
fn facts(weights: &Path) -> Value {
    let bytes = fs::read(weights).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    serde_json::from_str(header["__metadata__"]["facts"].as_str().unwrap()).unwrap()
}

/// The files of an evaluation are there and agree with each other and with the weights.
pub fn are_whole(training: &Training, run: &str) {
    let metrics = training.json(run, "evaluation/metrics.json");
    let value =
        |name: &str| metrics["metrics"][name]["value"].as_f64().unwrap_or_else(|| panic!("no {name}: {metrics}"));
    let temperature = facts(&training.file(run, "weights/best.safetensors"))["temperature"].clone();
    assert_eq!(temperature.as_f64(), Some(value("temperature")), "that of the weights is used");
    assert_ne!(value("ece"), value("ece_raw"));
    assert!(value("accuracy") <= value("top5"), "{metrics}");

    let table = |name: &str| -> Vec<Vec<String>> {
        let text = fs::read_to_string(training.file(run, &format!("evaluation/{name}"))).unwrap();
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
    };
    let matrix = table("confusion_matrix.csv");
    let classes = metrics["sections"]["classes"]["labels"].as_array().unwrap().len();
    assert_eq!((matrix.len(), matrix[0][0].as_str()), (classes + 1, "true\\pred"));
    let count = |truth: usize, predicted: usize| matrix[truth + 1][predicted + 1].parse::<u64>().unwrap();
    let right: u64 = (0..classes).map(|class| count(class, class)).sum();
    let all: u64 = (0..classes * classes).map(|place| count(place / classes, place % classes)).sum();
    assert!((right as f64 / all as f64 - value("accuracy")).abs() < 1e-12);
    let wrong: u64 = table("most_confused.csv")[1..].iter().map(|row| row[2].parse::<u64>().unwrap()).sum();
    assert_eq!(wrong, all - right);
    let by_class = table("metrics_by_class.csv");
    let f1: f64 = by_class[1..].iter().map(|row| row[4].parse::<f64>().unwrap()).sum();
    assert!((f1 / classes as f64 - value("f1_macro")).abs() < 1e-5, "{by_class:?}");
    assert_eq!(training.json(run, "evaluation/metrics_by_class.json").as_array().map(Vec::len), Some(classes));

    let evaluated =
        ["confusion_matrix", "confusion_matrix_normalized", "most_confused", "misclassified", "reliability"];
    let evaluated = evaluated.map(|name| format!("evaluation/plots/{name}.png"));
    for picture in evaluated.iter().map(String::as_str).chain(["plots/augmented.png", "plots/class_balance.png"]) {
        assert!(training.file(run, picture).is_file(), "{picture}");
    }
    page_is_right(&training.file(run, "report.html"));
}

/// The page has what people look for in the order in which they do, is small, and has no fault in a browser.
fn page_is_right(page: &Path) {
    let text = fs::read_to_string(page).unwrap();
    let mut before = 0;
    for part in [
        "are recognised (95 % interval",
        "alt=\"The most confused classes, with images\"",
        "alt=\"The surest mistakes\"",
        "Which class was taken for which",
        "Scores of each class",
        "Are the probabilities honest?",
        ">Accuracy on validation</text>",
        "alt=\"Images as training sees them\"",
    ] {
        let place = text.find(part).unwrap_or_else(|| panic!("the page has no {part}"));
        assert!(place > before, "{part} comes too early");
        before = place;
    }
    assert!(!text.contains("no forecasts"));
    assert!(text.len() < 1_500_000, "{} bytes", text.len());
    crate::report::looks_right(page);
}

const MANY: &str = "\
name: many
data:
  name: many
  source:
    - path: {path: images}
task:
  image_class:
    prepare: {size: [8, 8]}
    split: {val_share: 0.5}
train: {epochs: 1, batch: 64}
";

#[test]
fn a_hundred_classes_with_odd_names_are_shown_on_one_page() {
    let training = Training { program: Program::new() };
    let program = &training.program;
    // A gray image of its own for each class; folders can be called nearly anything.
    let odd = ["\u{bf}que?", "a|b", "\u{6f22}\u{5b57}", "=1+1", "a, \"b\"", "<b>x</b>", "  ", "-rf"].map(str::to_owned);
    let names = odd.into_iter().chain((0..90).map(|number| format!("class {number}")));
    for (class, name) in names.enumerate() {
        let folder = program.path("images").join(name);
        fs::create_dir_all(&folder).unwrap();
        for number in 0..4_usize {
            let pixels = image::GrayImage::from_fn(8, 8, |x, y| {
                image::Luma([((class + 1) * (x as usize + 3) * (y as usize + 5) + 31 * number) as u8 / 2])
            });
            pixels.save(folder.join(format!("{number}.png"))).unwrap();
        }
    }
    program.write("config.yaml", MANY);
    training.succeed(&[]);
    are_whole_for_many(&training);
}

fn are_whole_for_many(training: &Training) {
    let page = training.file("many", "report.html");
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("&lt;b&gt;x") && !text.contains("<b>x"), "the name of a class became markup");
    assert!(text.len() < 1_500_000, "{} bytes", text.len());
    let table = fs::read_to_string(training.file("many", "evaluation/metrics_by_class.csv")).unwrap();
    assert_eq!(table.lines().count(), 99);
    assert!(table.contains(",'=1+1,") && table.contains(",\"a, \"\"b\"\"\","), "{table}");
    assert!(training.file("many", "evaluation/plots/confusion_matrix_similar.png").is_file());
    crate::report::looks_right(&page);
}
