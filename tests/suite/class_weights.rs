//! Weights of an image classifier on their way in and out: exports, files of PyTorch, predictions, and classes that do not match.

use std::fs;

use serde_json::{Value, json};
use tch::{CModule, Kind, Tensor};

use crate::characters::config;
use crate::kept::copy_of;
use crate::program::Program;
use crate::training::Training;

/// A trained classifier, `characters`.
fn trained() -> Training {
    let program = Program::new();
    copy_of("characters trained", program.folder(), || {
        let program = Program::new();
        program.write("config.yaml", &config("ABCX1", 16, "best_by: [accuracy, loss]"));
        let training = Training { program };
        training.succeed(&[]);
        training.program
    });
    Training { program }
}

fn refused(training: &Training, arguments: &[&str], code: i32, words: &[&str]) {
    let outcome = training.program.run(arguments);
    assert_eq!(outcome.code, code, "{arguments:?}: {outcome:#?}");
    for words in words {
        assert!(outcome.stderr.contains(words), "{arguments:?}: {words}: {}", outcome.stderr);
    }
}

fn document(training: &Training, folder: &str) -> Value {
    serde_json::from_slice(&fs::read(training.program.path(folder).join("predictions.json")).unwrap()).unwrap()
}

#[test]
fn a_classifier_predicts_with_scores_and_its_exports_are_used_like_the_run() {
    let training = trained();
    let program = &training.program;
    let raw = "datasets/characters/raw";
    let told = program.succeed(&["predict", "--input", raw, "--output", "own", "--top", "3"]);
    let own = document(&training, "own");
    let scores = &own["scores"];
    assert_eq!((scores["images"].as_u64(), own["predictions"].as_array().map(Vec::len)), (Some(100), Some(100)));
    assert!(scores["accuracy"].as_f64() > Some(0.35), "no better than chance: {scores}");
    assert!(told.stdout.contains(" of 100 recognised: "), "{}", told.stdout);
    let table = fs::read_to_string(program.path("own/predictions.csv")).unwrap();
    assert_eq!(
        table.lines().next(),
        Some("file,class,label,probability,class_2,probability_2,class_3,probability_3,truth")
    );
    assert_eq!(table.lines().count(), 101);

    // One file, five copies, more classes than there are; and without a configuration in this folder, whose defaults are of another
    // task than what is set.
    let first = own["predictions"][0]["file"].as_str().unwrap();
    let file = format!("{raw}/{first}");
    let [config, away] = ["config.yaml", "away.yaml"].map(|name| program.path(name));
    fs::rename(&config, &away).unwrap();
    let call = ["predict", "--input", &file, "--output", "one", "--tta", "5", "--top", "99", "--json"];
    let one = program.json(&[&call[..], &["--set", "task.image_class.prepare.max_per_class=9"]].concat());
    fs::rename(&away, &config).unwrap();
    assert_eq!((one["tta"].as_u64(), one["predictions"][0]["top"].as_array().map(Vec::len)), (Some(5), Some(5)));
    assert_eq!(one["scores"], Value::Null);
    let sum: f64 =
        one["predictions"][0]["top"].as_array().unwrap().iter().map(|top| top["probability"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{sum}");
    assert_ne!(one["predictions"][0]["probability"], own["predictions"][0]["probability"], "one copy is not five");

    for name in ["m.safetensors", "m.pth", "m.pt", "m.py"] {
        program.succeed(&["export", "--output", &format!("out/{name}")]);
    }
    let beside: Value = serde_json::from_slice(&fs::read(program.path("out/config_finetuned.json")).unwrap()).unwrap();
    assert_eq!((&beside["num_classes"], &beside["dropout_rate"]), (&json!(5), &json!(0.2)));
    assert_eq!(beside["labels"], json!(["A", "B", "C", "X", "1"]));

    // Each file, far from its run, predicts the same.
    fs::create_dir(program.path("far")).unwrap();
    for name in ["m.safetensors", "m.pth"] {
        fs::copy(program.path("out").join(name), program.path("far").join(name)).unwrap();
        let model = format!("far/{name}");
        let call = [
            "predict",
            "--checkpoint",
            &model,
            "--config",
            "config.yaml",
            "--input",
            raw,
            "--output",
            name,
            "--top",
            "3",
        ];
        program.succeed(&call);
        assert_eq!(document(&training, name)["predictions"], own["predictions"], "{name}");
        let call = ["evaluate", "--checkpoint", &model, "--config", "config.yaml", "--output", "judged", "--json"];
        let judged = program.json(&call);
        let run = training.json("characters", "evaluation/metrics.json");
        assert_eq!(judged["metrics"]["accuracy"]["value"], run["metrics"]["accuracy"]["value"], "{name}");
        let again = format!("again/{name}");
        program.succeed(&["export", "--checkpoint", &model, "--config", "config.yaml", "--output", &again]);
    }
    let same = |name: &str| fs::read(program.path("again").join(name)).unwrap();
    assert!(fragua::nn::weights::read(&program.path("again/m.pth")).is_ok() && !same("m.safetensors").is_empty());

    tch::set_num_threads(1);
    let image = image::open(program.path(&file)).unwrap().to_luma8();
    let levels = Tensor::from_slice(image.as_raw()).view([1, 1, 16, 16]).to_kind(Kind::Float) / 255.0;
    let bright = own["predictions"][0]["probability"].as_f64().unwrap();
    let facts: Value = serde_json::from_str(&metadata(&training)["facts"]).unwrap();
    let levels = if facts["inverted"] == true { 1.0 - levels } else { levels };
    let found = CModule::load(program.path("out/m.pt")).unwrap().forward_ts(&[levels]).unwrap();
    assert!((found.max().double_value(&[]) - bright).abs() < 1e-5, "{found:?} and {bright}");

    // Training starts from it.
    let arguments = ["--name", "next", "--max-steps", "1", "--set", "train.init_from=far/m.pth"];
    let started = training.succeed(&arguments);
    assert!(started.stderr.contains("starting from far/m.pth: 51 of 51 parameters loaded"), "{}", started.stderr);
}

fn metadata(training: &Training) -> std::collections::BTreeMap<String, String> {
    let file = fs::read(training.file("characters", "weights/best.safetensors")).unwrap();
    fragua::nn::weights::safetensors::read(&file).unwrap().1
}

#[test]
fn other_classes_are_matched_by_name_or_reported_and_never_silently_taken() {
    let training = trained();
    let program = &training.program;
    program.succeed(&["export", "--output", "out/m.pth"]);
    let weights = fragua::nn::weights::read(&program.path("out/m.pth")).unwrap();
    let pairs: Vec<(&str, &Tensor)> = weights.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    Tensor::write_safetensors(&pairs, program.path("bare.safetensors")).unwrap();

    // Four classes of the five and a new one, in another order.
    let source = "data={name: other, source: [{synthetic: {characters: {alphabet: 1XBAZ, per_class: 8, size: 16}}}]}";
    let start = |from: &str, name: &str| {
        let init = format!("train.init_from={from}");
        training.succeed(&["--name", name, "--max-steps", "1", "--set", source, "--set", &init]).stderr
    };
    let told = start("out/m.pth", "matched");
    for words in [
        "the weights do not know 1 of 5 classes, whose rows of fc4 keep their values: Z",
        "1 of the 5 classes of the weights are not among these: C",
        "the rows of fc4 were matched by the names of classes",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let told = start("bare.safetensors", "assumed");
    assert!(told.contains("the weights do not name their classes: row i of fc4 is taken for class i"), "{told}");
    let few = source.replace("1XBAZ", "AB").replace("other", "few");
    let told = training.succeed(&[
        "--name",
        "few",
        "--max-steps",
        "1",
        "--set",
        &few,
        "--set",
        "train.init_from=bare.safetensors",
    ]);
    assert!(told.stderr.contains("49 of 51 parameters loaded; fc4.weight has another shape"), "{}", told.stderr);

    let other = ["--set", source];
    let evaluate = ["evaluate", "--checkpoint", "out/m.pth", "--config", "config.yaml", "--output", "judged"];
    refused(
        &training,
        &[&evaluate[..], &other].concat(),
        65,
        &["does not fit", "the weights do not know 1 of 5 classes"],
    );
    assert!(!program.path("judged").exists());
    let bare = [
        "predict",
        "--checkpoint",
        "bare.safetensors",
        "--config",
        "config.yaml",
        "--input",
        "datasets",
        "--output",
        "o",
    ];
    refused(&training, &bare, 65, &["does not name its 5 classes", "task.image_class.prepare.classes"]);
    for (file, words) in [
        ("harm.pth", "the global posix.system is refused"),
        ("legacy.pth", "before PyTorch 1.6"),
        ("whole_module.pth", "the global __main__.Tiny is refused"),
    ] {
        let file = format!("{}/tests/fixtures/pth/refused/{file}", env!("CARGO_MANIFEST_DIR"));
        let predict =
            ["predict", "--checkpoint", &file, "--config", "config.yaml", "--input", "datasets", "--output", "o"];
        refused(&training, &predict, 65, &[words]);
        let init = format!("train.init_from={file}");
        refused(&training, &["train", "--name", "no", "--set", &init], 65, &[words]);
    }

    // Folders that name no class, and images of the other ground.
    let raw = program.path("datasets/characters/raw");
    let images = fs::read_dir(raw.join("A_upper")).unwrap().map(|entry| entry.unwrap().path());
    fs::create_dir_all(program.path("look/A")).unwrap();
    fs::create_dir_all(program.path("look/monday")).unwrap();
    for (number, image) in images.take(4).enumerate() {
        let mut turned = image::open(image).unwrap().to_luma8();
        image::imageops::invert(&mut turned);
        turned.save(program.path(&format!("look/{}/{number}.png", if number < 3 { "A" } else { "monday" }))).unwrap();
    }
    let told = program.succeed(&["predict", "--input", "look", "--output", "o"]);
    assert!(told.stderr.contains("the model does not know: monday; the scores leave them out"), "{}", told.stderr);
    assert!(told.stderr.contains("4 of 4 images have a bright ground as the model sees them"), "{}", told.stderr);
    assert_eq!(document(&training, "o")["scores"]["images"], 3);
    let inverted = ["--set", "task.image_class.prepare.invert=true"];
    let told = program.run(&[&["predict", "--input", "look", "--output", "o"][..], &inverted].concat());
    assert!(told.code == 0 && !told.stderr.contains("bright ground"), "{told:?}");
    refused(&training, &["predict", "--input", "look", "--output", "o", "--tta", "3"], 2, &["expected 1 or 5"]);
}
