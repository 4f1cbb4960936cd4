//! Data that is not reflectivity, from its files to forecasts: units, thresholds, colours, splits of a single event.

use std::fs;
use std::path::Path;

use fragua::task::nowcast::lrose::container::{Attribute, Dimension, File, Value, Values, Variable, write};
use serde_json::Value as Json;

use crate::program::{Program, python};

const SIDE: usize = 16;

/// A field of rain every five minutes: a square that drifts to the east, with `wet` mm in its middle.
fn rain(folder: &Path, frames: usize, units: &str, wet: f32) {
    fs::create_dir_all(folder).unwrap();
    for frame in 0..frames {
        let cell = |index: usize| {
            let (row, column, west) = (index / SIDE, index % SIDE, frame * 2 / 3 % SIDE);
            let inside = (4..11).contains(&row) && (column + SIDE - west) % SIDE < 6;
            if inside { wet / (1.0 + row.abs_diff(7) as f32) } else { 0.0 }
        };
        let text = |name: &'static str, value: &str| Attribute { name: name.into(), value: Value::Text(value.into()) };
        let variable = |name: &'static str, dimensions: &[usize], attributes: Vec<Attribute>, values| Variable {
            name: name.into(),
            dimensions: dimensions.to_vec(),
            attributes,
            values,
        };
        let seconds = vec![1.3e9 + 300.0 * frame as f64];
        let field = (0..SIDE * SIDE).map(cell).collect::<Vec<f32>>();
        let units = if units.is_empty() { Vec::new() } else { vec![text("units", units)] };
        let file = File {
            dimensions: [("time", 1), ("y", SIDE), ("x", SIDE)]
                .map(|(name, length)| Dimension { name: name.into(), length })
                .into(),
            attributes: Vec::new(),
            variables: vec![
                variable("time", &[0], vec![text("units", "seconds since 1970-01-01")], Values::Double(seconds)),
                variable("precipitation", &[0, 1, 2], units, Values::Float(field.into())),
            ],
        };
        write(&file, &folder.join(format!("{frame:04}.nc"))).unwrap();
    }
}

const CONFIG: &str = "\
data:
  source:
    - path: {path: rain}
task:
  nowcast:
    prepare: {variable: precipitation, size: [16, 16], min: 0, max: 20}
    windows: {input_frames: 3, target_frames: 2, stride: 1}
    model: {hidden: [4]}
train: {epochs: 1, micro_batch: 4, accumulate: 1}
";

fn program() -> Program {
    let program = Program::new();
    program.write("alps.yaml", CONFIG);
    program
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn one_event_of_rain_is_split_in_time_trained_on_and_forecast_in_its_own_unit() {
    let program = program();
    rain(&program.path("rain"), 60, "kg m-2", 8.0);
    let prepared = program.succeed(&["prepare", "--config", "alps.yaml"]);
    assert!(prepared.stderr.contains("only one event has windows, so it is cut in time"), "{}", prepared.stderr);
    assert!(prepared.stdout.starts_with("datasets/alps/prepared/"), "named for its file: {}", prepared.stdout);

    let seen = program.json(&["inspect", "--config", "alps.yaml", "--json"]);
    assert_eq!(seen["unit"], "mm");
    let above = seen["total"]["above"].as_array().unwrap();
    assert_eq!(
        above.iter().map(|above| above["threshold"].as_f64().unwrap()).collect::<Vec<_>>(),
        [0.1, 0.5, 1.0, 2.0, 5.0, 10.0]
    );
    let parts = seen["events"][0]["parts"].as_array().unwrap();
    assert_eq!(parts.iter().map(|part| part["side"].as_str().unwrap()).collect::<Vec<_>>(), ["train", "val"]);
    let frame = |part: usize, key: &str| parts[part][key].as_u64().unwrap();
    assert!(frame(1, "first_frame") >= frame(0, "first_frame") + frame(0, "frames") + 5, "a window between: {parts:?}");
    assert!(program.path("datasets/alps/inspect/rain.png").is_file());

    let trained = program.succeed(&["train", "--config", "alps.yaml"]);
    assert!(trained.stdout.starts_with("model_output/alps"), "{}", trained.stdout);
    let run = program.path("model_output/alps");
    let metrics: Json = serde_json::from_str(&read(&run.join("evaluation/metrics.json"))).unwrap();
    assert_eq!(metrics["primary"], "csi_1");
    assert_eq!(
        (&metrics["metrics"]["csi_1"]["label"], &metrics["metrics"]["mae"]["unit"]),
        (&"CSI at 1 mm".into(), &"mm".into())
    );
    assert_eq!((&metrics["dataset"]["groups"], &metrics["dataset"]["intervals"]), (&1.into(), &"n/a (1 event)".into()));
    assert!(metrics["metrics"]["csi_1"]["interval"].is_null());
    let text = python("tests/fixtures/report/check.py", &[run.join("report.html").to_str().unwrap()]);
    assert!(text.contains("CSI at 1 mm") && !text.contains("dBZ"), "dBZ is on the page of rain");

    let evaluated = program.succeed(&["evaluate"]);
    assert!(evaluated.stdout.contains("n/a (1 event)") && !evaluated.stdout.contains("dBZ"), "{}", evaluated.stdout);
    let compared = program.succeed(&["compare", "alps", "alps"]);
    assert!(compared.stdout.contains("n/a (1 event)"), "{}", compared.stdout);

    let predicted = program.json(&["predict", "--input", "rain", "--output", "out", "--json"]);
    assert_eq!(predicted["unit"], "mm");
    let place = program.path(predicted["forecasts"][0]["place"].as_str().unwrap());
    let file = fs::read_dir(&place)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "nc"));
    let printed = python("tests/fixtures/predict/rain.py", &[file.unwrap().to_str().unwrap()]);
    assert_eq!(printed.trim(), "kg m-2 precipitation within 0 to 20");

    // The same model refuses files in another unit.
    rain(&program.path("echo/e"), 10, "dBZ", 40.0);
    let refused = program.run(&["predict", "--input", "echo", "--output", "out2"]);
    assert!(refused.code == 65 && refused.stderr.contains("is in dBZ, and the model learned from mm"), "{refused:?}");
    let exported = program.json(&["export", "--output", "model.py", "--json"]);
    assert_eq!(exported["description"]["normalisation"]["unit"], "mm");
    let module = read(&program.path("model.py"));
    assert!(module.contains("def to_physical") && !module.contains("dbz"), "{module}");
}

#[test]
fn units_that_differ_ranges_of_reflectivity_and_enlarged_frames_are_reported() {
    let program = program();
    rain(&program.path("rain/a"), 12, "mm", 8.0);
    rain(&program.path("rain/b"), 12, "millimeter", 8.0);
    let doubts = ["--set", "task.nowcast.prepare={variable: precipitation, size: [20, 20]}"];
    let prepare = |more: &[&str]| program.run(&[&["prepare", "--config", "alps.yaml"], more].concat());
    let prepared = prepare(&doubts);
    assert_eq!(prepared.code, 0, "{prepared:?}");
    for doubt in [
        "precipitation is in mm, but",
        "-29 and 65, the range of reflectivity",
        "size 20 x 20 is larger than the data, 16 x 16",
    ] {
        assert!(prepared.stderr.contains(doubt), "{doubt}: {}", prepared.stderr);
    }
    let of_z = prepare(&["--set", "task.nowcast.prepare.method=mean_z"]);
    assert!(of_z.code == 78 && of_z.stderr.contains("averages the Z of reflectivities"), "{of_z:?}");

    rain(&program.path("rain/c"), 2, "mm/h", 8.0);
    let mixed = prepare(&[]);
    assert_eq!(mixed.code, 65, "{mixed:?}");
    let named = "precipitation is in several units: mm in 24 files (a/0000.nc, a/0001.nc, a/0002.nc, ...), mm/h in 2 files \
                 (c/0000.nc, c/0001.nc)";
    assert!(mixed.stderr.contains(named), "{}", mixed.stderr);
    let seen = program.succeed(&["inspect", "--config", "alps.yaml", "--no-pictures"]);
    assert!(seen.stdout.contains(named), "{}", seen.stdout);
    // What names no unit is taken to agree.
    fs::remove_dir_all(program.path("rain/c")).unwrap();
    rain(&program.path("rain/d"), 12, "", 8.0);
    assert_eq!(prepare(&[]).code, 0);
    let seen = program.succeed(&["inspect", "--config", "alps.yaml", "--no-pictures"]);
    assert!(!seen.stdout.contains("refused"), "{}", seen.stdout);
}

#[test]
fn inspect_shows_what_prepare_and_train_refuse_and_says_why() {
    let program = program();
    rain(&program.path("rain"), 9, "mm", 8.0);
    let refused = program.run(&["prepare", "--config", "alps.yaml"]);
    assert!(refused.code == 65 && refused.stderr.contains("no event is long enough to be cut in time"), "{refused:?}");
    let seen = program.succeed(&["inspect", "--config", "alps.yaml"]);
    assert!(seen.stdout.contains("warning: no event is long enough to be cut in time"), "{}", seen.stdout);
    let quiet = program.succeed(&["inspect", "--config", "alps.yaml", "--set", "task.nowcast.windows.input_frames=30"]);
    assert!(quiet.stdout.contains("warning: no event has a window"), "{}", quiet.stdout);

    // Without a single usable file there is nothing to draw, but something to say.
    fs::write(program.path("rain/0003.nc"), "no netCDF").unwrap();
    let wrong = ["--config", "alps.yaml", "--set", "task.nowcast.prepare.variable=snow"];
    assert_eq!(program.run(&[&["prepare"], &wrong[..]].concat()).code, 65);
    let seen = program.succeed(&[&["inspect"], &wrong[..]].concat());
    assert!(
        seen.stdout.contains("set aside: ")
            && seen.stdout.contains("`fragua prepare` was refused, so this may be older: 9 of 9 files"),
        "{}",
        seen.stdout
    );
}

#[test]
fn shares_that_are_not_met_are_reported_with_the_actual_ones() {
    let program = program();
    ["a", "b", "c", "d"].iter().for_each(|event| rain(&program.path("rain").join(event), 8, "mm", 8.0));
    let share = |share: &str| {
        let share = format!("task.nowcast.split.val_share={share}");
        program.succeed(&["prepare", "--config", "alps.yaml", "--set", &share]).stderr
    };
    let told = share("0.6");
    assert!(told.contains("the validation has 50.0 % of the windows instead of 60.0 %"), "{told}");
    assert!(told.contains("50.0 % train"), "{told}");
    assert!(!share("0.25").contains("instead of"));
}
