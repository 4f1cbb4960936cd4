//! `fragua export` as a person uses it: files that others read, and what is refused.

use std::fs;

use fragua::nn::parameters::Parameters;
use fragua::nn::precision::Precision;
use fragua::nn::weights;
use fragua::task::nowcast::config::{Attention, Norm};
use fragua::task::nowcast::model::convlstm::{Architecture, BoundConvLstm};
use fragua::task::nowcast::model::{Forward, Sizes};
use tch::{CModule, Device, Kind, Tensor};

use crate::program::python;
use crate::training::Training;

/// A model that was trained for two steps.
fn trained() -> Training {
    Training::trained(&["--max-steps", "2"])
}

/// What is in a folder, hidden files too.
fn everything(training: &Training, below: &str) -> Vec<String> {
    let entries = fs::read_dir(training.program.path(below)).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_model_is_exported_in_each_format_and_nothing_else_is_left() {
    tch::set_num_threads(1);
    let training = trained();
    let export = |name: &str| training.program.succeed(&["export", "--checkpoint", "storms", "--output", name]);
    for name in ["storms.safetensors", "storms.pth", "storms.pt", "module.py"] {
        let outcome = export(&format!("out/{name}"));
        assert!(outcome.stdout.starts_with(&format!("out/{name}\n")), "{}", outcome.stdout);
        assert!(outcome.stderr.contains("in Python: "), "{}", outcome.stderr);
    }
    assert_eq!(
        everything(&training, "out"),
        ["module.py", "module.safetensors", "storms.pt", "storms.pth", "storms.safetensors"]
    );
    let file = |name: &str| training.program.path("out").join(name);

    let exported = weights::read(&file("storms.safetensors")).unwrap();
    let original = weights::read(&training.file("storms", "weights/best.safetensors")).unwrap();
    for (name, value) in &original {
        assert!(exported.iter().any(|(known, tensor)| known == name && tensor.equal(value)), "{name}");
    }
    assert_eq!(exported.len(), original.len());

    let module = fs::read_to_string(file("module.py")).unwrap();
    assert!(
        module.starts_with("\"\"\"nowcast model of the run storms: the network in PyTorch. module.safetensors,"),
        "{module}"
    );
    assert!(
        module.contains("class Network(nn.Module)")
            && module.contains("            Layer(1, 4, nn.LayerNorm([4, 16, 16])),")
    );
    assert!(fs::read(file("module.safetensors")).unwrap() == fs::read(file("storms.safetensors")).unwrap());

    let [pth, safetensors] = ["storms.pth", "storms.safetensors"].map(|name| file(name).display().to_string());
    let read = python("tests/fixtures/export/read_pth.py", &[&pth, &safetensors]);
    let shapes: serde_json::Value = serde_json::from_str(&read).unwrap();
    assert_eq!(shapes["layers.0.conv.weight"], serde_json::json!([16, 5, 3, 3]));

    let architecture = Architecture {
        sizes: Sizes { frames: 3, channels: 1, size: [16, 16], leads: 2, parts: 1 },
        attention: Attention::None,
        hidden: vec![4, 4],
        kernel: 3,
        norm: Norm::Layer,
    };
    let mut parameters = Parameters::new(&architecture.layout(), 1, Device::Cpu).unwrap();
    assert!(parameters.load_named(&original).is_complete());
    let network = BoundConvLstm::new(&architecture, &parameters).unwrap();
    let input_btcyx = Tensor::rand([2, 3, 1, 16, 16], (Kind::Float, Device::Cpu));
    let expected = tch::no_grad(|| network.forward(&input_btcyx, Precision::Fp32).sigmoid());
    let found = CModule::load(file("storms.pt")).unwrap().forward_ts(&[&input_btcyx]).unwrap();
    let error = (&found - &expected).abs().max().double_value(&[]);
    assert!(found.size() == [2, 2, 1, 16, 16] && error <= 1e-6, "{error:e}");
}

#[test]
fn an_existing_file_is_replaced_and_the_description_is_printed() {
    let training = trained();
    training.program.write("storms.pth", "an older export");
    let call = ["export", "--checkpoint", "latest", "--format", "pth", "--output", "storms.pth", "--json"];
    let told = training.program.json(&call);
    assert_eq!(told["format"], "pth");
    assert_eq!(told["bytes"], fs::metadata(training.program.path("storms.pth")).unwrap().len());
    let description = &told["description"];
    assert_eq!((&description["task"], &description["levels"]), (&"nowcast".into(), &"each".into()));
    assert_eq!((&description["input"]["frames"], &description["output"]["frames"]), (&3.into(), &2.into()));
    assert_eq!(description["normalisation"]["min_dbz"], -29.0);
    assert_eq!(description["model"]["norm"], "layer");
    let content = fs::read(training.program.path("storms.pth")).unwrap();
    training.program.succeed(&call);
    assert!(content == fs::read(training.program.path("storms.pth")).unwrap(), "the same weights, the same file");
}

#[test]
fn what_can_not_be_exported_is_refused_with_the_remedy_and_leaves_nothing() {
    let training = trained();
    fs::create_dir(training.program.path("out")).unwrap();
    training.program.write("file", "");
    let best = "model_output/storms/weights/best.safetensors";
    let before = fs::read(training.program.path(best)).unwrap();
    for (arguments, code, words) in [
        (&["--output", "out/storms.onnx"][..], 2, "--format safetensors, torchscript, pth or python"),
        (&["--output", "out/a.pth", "--format", "onnx"], 2, "torchscript"),
        (&["--output", "out", "--format", "pth"], 73, "name a file, such as out/storms.pth"),
        (&["--output", "file/a.pth"], 73, "file"),
        (&["--output", "out/a.pth", "--set", "task.nowcast.model.hidden=[8]"], 65, "head.weight has another shape"),
        (&["--output", best], 2, "give --output another name"),
        (&["--output", "model_output/storms/weights/best.py"], 2, "give --output another name"),
        (&["--output", "out/a.safetensors", "--format", "python"], 2, "such as out/a.py"),
    ] {
        let outcome = training.program.run(&[&["export", "--checkpoint", "storms"][..], arguments].concat());
        assert_eq!(outcome.code, code, "{arguments:?}: {outcome:?}");
        assert!(outcome.stderr.contains(words), "{arguments:?}: {}", outcome.stderr);
        assert_eq!(everything(&training, "out"), Vec::<String>::new(), "{arguments:?}");
    }
    assert!(before == fs::read(training.program.path(best)).unwrap());
}
