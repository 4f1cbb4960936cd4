//! The configuration as people and editors meet it: what each mistake looks like, which value wins, what the schema
//! accepts.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fragua::config::{BUILT_IN, Config, ConfigError, KNOWN_VARIABLES, Mistakes, Override, load, resolve, schema, show};
use fragua::task::nowcast::config::{ConvLstmConfig, ModelConfig, Norm, NowcastConfig};
use fragua::train::config::{Optimizer, Schedule, TrainConfig};
use fragua::util::exit::Exit;
use proptest::prelude::*;

use crate::program::interpreter;

const SMALLEST: &str = "data: {source: [{synthetic: {}}]}\ntask: {nowcast: {}}\n";

fn read(text: &str) -> Result<Config, Mistakes> {
    resolve("config.yaml".into(), text.into(), &[], &[])
}

/// What a person sees of the mistakes in a text, without the count at the end.
fn mistakes(text: &str) -> String {
    without_count(&read(text).unwrap_err())
}

fn without_count(mistakes: &Mistakes) -> String {
    let text = mistakes.to_string();
    text.rsplit_once("\n\nerror: ").unwrap().0.to_owned() + "\n"
}

fn with_flags(text: &str, flags: &[Override]) -> Result<Config, Mistakes> {
    resolve("config.yaml".into(), text.into(), &[], flags)
}

fn with_variables(text: &str, variables: &[(&str, &str)]) -> Result<Config, Mistakes> {
    let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    resolve("config.yaml".into(), text.into(), &variables, &[])
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn nowcast(config: &Config) -> &NowcastConfig {
    config.task.section().unwrap()
}

fn convlstm(model: ConvLstmConfig) -> ModelConfig {
    ModelConfig::ConvLstm(model)
}

#[test]
fn a_run_is_named_for_its_dataset_and_the_dataset_for_its_task() {
    let names = |text: &str| read(text).map(|config| (config.name, config.data.name)).unwrap();
    let both = |one: &str, other: &str| (one.to_owned(), other.to_owned());
    assert_eq!(names(SMALLEST), both("storms", "storms"));
    let mine = SMALLEST.replace("{source", "{name: mine, source");
    assert_eq!(names(&mine), both("mine", "mine"));
    assert_eq!(names(&format!("name: first\n{mine}")), both("first", "mine"));
    let refused = read(&format!("name: ''\n{mine}")).unwrap_err().to_string();
    assert!(refused.contains("the name is empty"), "{refused}");
}

#[test]
fn source_and_task_alone_are_a_configuration() {
    let config = read(SMALLEST).unwrap();
    assert_eq!((config.name.as_str(), config.seed, config.train.epochs), ("storms", 42, 50));
    let nowcast = nowcast(&config);
    assert_eq!((nowcast.windows.input_frames, nowcast.windows.target_frames, nowcast.windows.stride), (18, 7, 5));
    assert_eq!(nowcast.model, convlstm(ConvLstmConfig::default()));
    assert_eq!(ConvLstmConfig::default().hidden, [128, 128, 128]);
}

#[test]
fn the_built_in_configuration_loads() {
    read(BUILT_IN).unwrap();
}

#[test]
fn a_mistyped_key_shows_its_line_and_the_key_that_was_meant() {
    let expected = r#"error: unknown key "epohcs" in `train`
 --> config.yaml:4:3
  |
4 |   epohcs: 50
  |   ^^^^^^
  = help: did you mean "epochs"?
"#;
    assert_eq!(mistakes(&format!("{SMALLEST}train:\n  epohcs: 50\n")), expected);
}

#[test]
fn a_key_in_the_wrong_section_is_sent_to_the_right_one() {
    let expected = r#"error: unknown key "stride"
 --> config.yaml:3:1
  |
3 | stride: 1
  | ^^^^^^
  = help: "stride" belongs below `task.nowcast.windows`
"#;
    assert_eq!(mistakes(&format!("{SMALLEST}stride: 1\n")), expected);
}

#[test]
fn all_mistakes_are_shown_at_once_in_the_order_of_the_file() {
    let text = "\
train:
  epochs: -1
  micro_batch: 2.0
  accumulate: 0
  shuffle: yes
  clip_norm: .nan
  optimizer: adamw
  schedule: {cosin: {}}
name: 2014
data: {source: [{synthetic: {events: 8, events: 9}}]}
task:
  nowcast:
    prepare: {size: [250], min_dbz: 70}
    windows: {stride: 0}
";
    let found = read(text).unwrap_err();
    let heads: Vec<String> = found
        .lines()
        .map(|(line, wrong)| format!("{}: {} -> {}", line.unwrap(), wrong.message, wrong.help.as_deref().unwrap()))
        .collect();
    let expected = [
        "2: `train.epochs` must not be negative, got -1 -> the default is 50",
        "3: `train.micro_batch` must be auto or a whole number, got 2.0 -> write `micro_batch: 2`",
        "4: `train.accumulate`: must be at least 1, got 0 -> write 1 or more",
        "5: `train.shuffle` must be true or false, got the text \"yes\" -> write `shuffle: true`",
        "6: `train.clip_norm` must be a finite number, got NaN -> the default is 1.0",
        "7: \"adamw\" needs keys of its own -> write `optimizer: {adamw: {}}` and what differs from the defaults",
        "8: unknown value \"cosin\" for `train.schedule` -> did you mean \"cosine\"?",
        "9: `name` must be text, got 2014 -> put it into quotes: `name: \"...\"`",
        "10: the key \"events\" appears twice -> keep one of them",
        "13: `task.nowcast.prepare.max`: must be above min = 70, got 65 -> write the weakest value as min, the strongest as max",
        "13: `task.nowcast.prepare.size` must have 2 items, got 1 -> the default is [250,250]",
        "14: `task.nowcast.windows.stride`: must be at least 1, got 0 -> write 1 or more",
    ];
    assert_eq!(heads, expected);
    assert!(found.to_string().ends_with("\nerror: 12 mistakes in the configuration\n"));
}

#[test]
fn ranges_are_checked_if_their_section_is_readable() {
    let text = format!("{SMALLEST}train:\n  accumulate: 0\n  checkpoint: {{keep_lats: 1}}\noutput: {{root: ''}}\n");
    let found = read(&text).unwrap_err();
    let lines: Vec<_> = found.lines().map(|(line, _)| line.unwrap()).collect();
    assert_eq!(lines, [4, 5, 6]);
}

/// A configuration whose only source is this synthetic one.
fn synthetic(source: &str) -> String {
    format!("data: {{source: [{{synthetic: {source}}}]}}\ntask: {{nowcast: {{}}}}\n")
}

#[test]
fn the_kind_of_a_synthetic_dataset_may_be_named_or_not() {
    let source = |text: &str, flags: &[&str]| {
        let flags: Vec<Override> = flags.iter().map(|flag| Override::set(flag)).collect();
        let config = with_flags(&synthetic(text), &flags).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        config.data.source[0].to_string()
    };
    let expected = source("{events: 3}", &[]);
    assert!(expected.contains("3 events of 40 frames"), "{expected}");
    assert_eq!(source("{storms: {events: 3}}", &[]), expected);
    for written in ["{}", "{storms: {}}", "{events: 5}", "{storms: {events: 5}}"] {
        for flag in ["data.source.0.synthetic.events=3", "data.source.0.synthetic.storms.events=3"] {
            assert_eq!(source(written, &[flag]), expected, "{flag} over {written}");
        }
    }
    assert_eq!(source("{levels: 4}", &["data.source.0.synthetic.storms.events=3"]), expected.replace("x2", "x4"));
}

#[test]
fn a_mistake_in_a_synthetic_dataset_is_shown_in_either_form() {
    for (source, caret) in [("{grid: 4}", "grid"), ("{storms: {grid: 4}}", "grid"), ("{storms: {gird: 4}}", "gird")] {
        let text = mistakes(&synthetic(source));
        let (line, marked) = text.lines().zip(text.lines().skip(1)).find(|(_, marked)| marked.contains('^')).unwrap();
        let at = marked.find('^').unwrap();
        let value = if caret == "grid" { "4" } else { "gird" };
        assert!(line[at..].starts_with(value), "{text}");
    }
    let unknown = mistakes(&synthetic("{rain: {events: 3}}"));
    assert!(unknown.contains("unknown value \"rain\" for `data.source.0.synthetic`"), "{unknown}");
    assert!(unknown.contains("it may be storms"), "{unknown}");
    let both = mistakes(&synthetic("{events: 3, storms: {}}"));
    assert!(both.contains("must be exactly one thing, got events and storms"), "{both}");
    let key = mistakes(&synthetic("{evnts: 3}"));
    assert!(key.contains("did you mean \"events\"?"), "{key}");
}

#[test]
fn impossible_combinations_point_at_what_was_written() {
    let text = "\
data:
  source:
    - synthetic: {events: 2, frames: 12, levels: 2}
    - url: {href: storms.tar.gz}
  fraction: 1.5
task:
  nowcast:
    prepare: {min_dbz: 10, max_dbz: 5, levels: {channels: [0, 2, 0]}}
    split: {val_share: 0.5, test_share: 0.5}
    windows: {input_frames: 8}
    model: {kernel: 4, hidden: []}
";
    let found = read(text).unwrap_err();
    let heads: Vec<String> =
        found.lines().map(|(line, wrong)| format!("{}: {}", line.unwrap(), wrong.message)).collect();
    let expected = [
        "3: `data.source.0.synthetic.events`: 2 events can't be split into 3 parts of whole events",
        "3: `data.source.0.synthetic.frames`: an event has 12 frames, but a window needs 15",
        "4: `data.source.1.url.href`: \"storms.tar.gz\" is not an address: https:// or file:// is missing",
        "5: `data.fraction`: must be above 0 and at most 1, got 1.5",
        "8: `task.nowcast.prepare.max`: must be above min = 10, got 5",
        "8: `task.nowcast.prepare.levels.channels.1`: there is no level 2: the synthetic dataset has 2, counted from 0",
        "8: `task.nowcast.prepare.levels.channels.2`: level 0 is listed twice",
        "9: `task.nowcast.split.test_share`: nothing is left to train on: val_share 0.5 + test_share 0.5 is not below 1",
        "11: `task.nowcast.model.kernel`: must be odd, so that a frame keeps its size, got 4",
        "11: `task.nowcast.model.hidden`: a model needs at least one layer",
    ];
    assert_eq!(heads, expected);
}

#[test]
fn what_yaml_itself_refuses_is_shown_with_a_remedy() {
    let cases = [
        ("train:\n\tepochs: 3\n", "2: not readable as YAML: tabs disallowed", "indent with spaces, not with tabs"),
        (
            "train:\n   epochs: 3\n  patience: 3\n",
            "3: not readable as YAML",
            "keys of one section begin in the same column",
        ),
        ("name: \"storms\nseed: 3\n", "1: these quotes are never closed", "close the quotes on the same line"),
        ("name: 'storms\n", "1: these quotes are never closed", "close the quotes on the same line"),
        ("data: {source: [\ntask: 3\n", "1: not readable as YAML: unclosed bracket", "close every bracket"),
        ("name: storms: 2\n", "1: not readable as YAML", "put text that contains `: ` into quotes"),
        ("name: @storms\n", "1: not readable as YAML", "put the text into quotes"),
        ("name: *storms\n", "1: not readable as YAML", "put text that begins with * into quotes"),
        ("", "1: the file is empty", "write at least"),
        ("# nothing\n", "1: the file is empty", "write at least"),
        ("- data\n", "1: a configuration consists of keys with values, got a list", "write at least"),
    ];
    for (text, head, help) in cases {
        let found = read(text).unwrap_err();
        let (line, wrong) = found.lines().next().unwrap();
        assert!(format!("{}: {}", line.unwrap(), wrong.message).starts_with(head), "{text:?}\n{found}");
        assert!(wrong.help.as_deref().unwrap().contains(help), "{text:?}\n{found}");
    }
}

#[test]
fn former_names_of_keys_keep_working_and_both_names_are_a_mistake() {
    let with = |prepare: &str, more: &str| {
        format!("data: {{source: [{{synthetic: {{}}}}]}}\ntask:\n  nowcast:\n    prepare: {{{prepare}}}\n{more}")
    };
    let former = with("min_dbz: -20, max_dbz: 60", "    scores: {thresholds_dbz: [35]}\n    loss: {high_dbz: 9}\n");
    let now = with("min: -20, max: 60", "    scores: {thresholds: [35]}\n    loss: {high: 9}\n");
    let (former, now) = (read(&former).unwrap(), read(&now).unwrap());
    assert_eq!(former, now);
    let shown = show(&former).unwrap();
    assert!(shown.contains("min: -20") && shown.contains("thresholds:") && !shown.contains("_dbz"), "{shown}");
    // In a phase, and over the other name of the file: the last one wins.
    let phase = with("min: -20", "train: {phases: [{loss: {high_dbz: 9}}]}\n");
    assert_eq!(read(&phase).unwrap().phases().unwrap().len(), 1);
    let set = Override::set("task.nowcast.prepare.min_dbz=-10");
    let config = with_flags(&with("min: -20", ""), &[set]).unwrap();
    assert_eq!(config, read(&with("min: -10", "")).unwrap());

    let found = read(&with("min: -20, min_dbz: -30", "")).unwrap_err();
    let (line, wrong) = found.lines().next().unwrap();
    assert_eq!(line, Some(4));
    assert_eq!(wrong.message, "`task.nowcast.prepare.min_dbz` and `task.nowcast.prepare.min` are the same key");
    assert!(found.to_string().contains("^^^^^^^"), "{found}");
}

#[test]
fn numbers_of_any_length_are_judged_and_not_lost() {
    let min_dbz =
        |text: &str| read(&format!("{SMALLEST}train: {{min_delta: {text}}}\n")).map(|config| config.train.min_delta);
    assert_eq!(min_dbz("100000000000000000000000000").unwrap(), 1e26);
    assert_eq!(min_dbz(&"9".repeat(60)).unwrap(), 1e60);
    assert!(min_dbz("1e999").unwrap_err().to_string().contains("must be a finite number, got inf"));
    let seed = |text: &str| mistakes(&format!("{SMALLEST}seed: {text}\n"));
    assert!(seed("18446744073709551616").contains("`seed` must be at most 18446744073709551615"));
    assert!(seed("-1").contains("`seed` must not be negative, got -1"));
}

#[test]
fn a_file_of_another_kind_does_not_fill_the_screen() {
    let text: String = (0..2000).map(|line| format!("key_{line}: 1\n")).collect();
    let found = read(&text).unwrap_err().to_string();
    assert!(found.lines().count() < 400);
    assert!(
        found.contains("... and 1,952 mistakes not shown\n\nerror: 2,002 mistakes in the configuration\n"),
        "{found}"
    );
}

#[test]
fn a_step_is_written_in_one_way_only() {
    let expected = r"error: `train.accumulate`: `batch` already says that a step has 16 samples
 --> config.yaml:6:15
  |
6 |   accumulate: 4
  |               ^
  = help: keep one of the two, and leave the other one out or set it to null
";
    let text = format!("{SMALLEST}train:\n  batch: 16\n  micro_batch: 2\n  accumulate: 4\n");
    assert_eq!(mistakes(&text), expected);
    let flag = with_flags(BUILT_IN, &[Override::set("train.accumulate=4")]).unwrap_err().to_string();
    assert!(flag.contains("--set train.accumulate=4\n"), "{flag}");
    let phase = format!("{SMALLEST}train: {{phases: [{{train: {{batch: 4, micro_batch: 2, accumulate: 2}}}}]}}\n");
    assert!(mistakes(&phase).contains("`train.phases.0.train.accumulate`"), "{}", mistakes(&phase));
}

#[test]
fn two_ways_of_writing_a_step_are_one_configuration() {
    let one =
        read(&format!("{SMALLEST}train: {{micro_batch: 2, accumulate: 4, phases: [{{train: {{accumulate: 8}}}}]}}\n"));
    let other = read(&format!("{SMALLEST}train: {{batch: 8, micro_batch: 2, phases: [{{train: {{batch: 16}}}}]}}\n"));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one, other);
    let sizes: Vec<_> =
        one.phases().unwrap().iter().map(|phase| (phase.train.batch_size(), phase.train.micro_batch_size())).collect();
    assert_eq!(sizes, [(16, 2)]);
    let shown = show(&one).unwrap();
    for line in ["  batch: 8", "  micro_batch: 2", "  accumulate: null"] {
        assert!(shown.lines().any(|shown| shown == line), "{line:?} is not in {shown}");
    }
    assert_eq!(read(&shown).unwrap(), one);
    let auto = show(&read(SMALLEST).unwrap()).unwrap();
    assert!(auto.contains("  batch: 8\n  micro_batch: auto\n  accumulate: null\n"), "{auto}");
}

#[test]
fn exactly_one_task_is_needed() {
    let task = |task: &str| mistakes(&format!("data: {{source: [{{synthetic: {{}}}}]}}\n{task}\n"));
    assert!(task("").contains("the key `task` is missing"));
    assert!(task("task: nowcast").contains("write `task: {nowcast: {}}`"));
    assert!(task("task: {}").contains("`task` must be exactly one thing, got nothing"));
    assert!(
        task("task: {nowcast: {}, detect: {}}").contains("`task` must be exactly one thing, got nowcast and detect")
    );
    assert!(task("task: {nowcats: {}}").contains("did you mean \"nowcast\"?"));
    assert!(task("task:").contains("`task` must be one of nowcast, image_class, keypoints, got nothing"));
}

#[test]
fn null_is_refused_if_a_value_is_needed_and_means_off_elsewhere() {
    let expected = r"error: `train.epochs` must be a whole number, got nothing (null)
 --> config.yaml:3:17
  |
3 | train: {epochs: null, patience: null}
  |                 ^^^^
  = help: the default is 50
";
    assert_eq!(mistakes(&format!("{SMALLEST}train: {{epochs: null, patience: null}}\n")), expected);
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let text = format!("{SMALLEST}train: {{epochs: 1, micro_batch: 1, accumulate: 1}}\n");
    let variables =
        [("FRAGUA__TRAIN__EPOCHS".to_owned(), "2".to_owned()), ("fragua__train__micro_batch".into(), "2".into())];
    let flags = [Override::set("train.epochs=3"), Override::flag("--epochs", "train.epochs", "4")];
    let train = resolve("config.yaml".into(), text, &variables, &flags).unwrap().train;
    assert_eq!((train.epochs, train.micro_batch_size(), train.batch_size(), train.max_retries), (4, 2, 2, 5));
}

#[test]
fn a_flag_reaches_list_items_and_changes_variants() {
    let flags = [
        "data.source.0.url.href=https://example.org/a.tar.gz",
        "data.source.1.path.path=/data/a.tar.gz",
        "train.optimizer.sgd.lr=0.1",
        "train.schedule=constant",
        "task.nowcast.model={hidden: [8], norm: none}",
        "train.clip_norm=null",
    ];
    let config = with_flags(SMALLEST, &flags.map(Override::set)).unwrap();
    let shown = show(&config).unwrap();
    assert!(shown.contains("- url:\n      href: https://example.org/a.tar.gz"), "{shown}");
    assert!(shown.contains("- path:\n      path: /data/a.tar.gz"), "{shown}");
    let (hidden, norm) = (vec![8], Norm::None);
    assert_eq!(nowcast(&config).model, convlstm(ConvLstmConfig { hidden, norm, ..ConvLstmConfig::default() }));
    assert!(matches!(config.train.optimizer, Optimizer::Sgd(sgd) if sgd.lr == 0.1 && sgd.momentum == 0.9));
    assert_eq!((config.train.schedule, config.train.clip_norm), (Schedule::Constant, None));
}

#[test]
fn a_flag_for_text_needs_no_second_layer_of_quotes() {
    for (value, name) in [("2014", "2014"), ("a: b", "a: b"), ("'a'", "a"), ("true", "true"), ("#1", "#1")] {
        let flag = Override::flag("--output", "output.root", value);
        assert_eq!(with_flags(SMALLEST, &[flag]).unwrap().output.root, Path::new(name), "{value}");
    }
    let device = [Override::flag("--device", "device", "cuda:1")];
    assert_eq!(with_flags(SMALLEST, &device).unwrap().device.to_string(), "cuda:1");
}

#[test]
fn a_mistake_in_a_flag_is_shown_in_the_flag() {
    let flags = ["train.epohcs=3", "train.epochs=many", "train.epochs", "data.source.7.url.href=x"].map(Override::set);
    let expected = r#"error: unknown key "epohcs" in `train`
 --> command line
  |
  | --set train.epohcs=3
  |             ^^^^^^
  = help: did you mean "epochs"?

error: `train.epochs` must be a whole number, got the text "many"
 --> command line
  |
  | --set train.epochs=many
  |                    ^^^^
  = help: the default is 50

error: a value is missing
 --> command line
  |
  | --set train.epochs
  |       ^^^^^^^^^^^^
  = help: write the key, `=` and the value: `--set train.epochs=3`

error: `data.source` is a list with 1 item, got the number "7"
 --> command line
  |
  | --set data.source.7.url.href=x
  |                   ^
  = help: count from 0; 1 adds one
"#;
    assert_eq!(without_count(&with_flags(SMALLEST, &flags).unwrap_err()), expected);
}

#[test]
fn the_remedy_of_a_mistake_in_the_radar_task_is_one_that_helps() {
    let radar =
        "data: {source: [synthetic: {}]}\ntask: {nowcast: {prepare: {size: [16, 16]}, scores: {fss_scales_px: [1]}}}\n";
    let digits = "\
        data: {source: [synthetic: {moving_digits: {events: 3, frames: 40, grid: 32}}]}\n\
        task: {nowcast: {prepare: {variable: DIGITS, size: [32, 32], min: 0, max: 1}}}\n";
    let phases = format!("{radar}train: {{epochs: 9, phases: [{{train: {{epochs: 2}}}}, {{train: {{epochs: 3}}}}]}}\n");
    for (text, set, remedy) in [
        (radar, "task.nowcast.augment.crop=[8, 8, 8]", "= help: write 2: [1, 1]"),
        (radar, "task.nowcast.augment.crop=[8, 8, 8]", "= note: Rows and columns of the part that is trained on"),
        (radar, "task.nowcast.augment.shift=[1]", "= help: write 2: [1.0, 1.0]"),
        (radar, "task.nowcast.loss.absolute={above: [35]}", "`task.nowcast.loss.absolute.above.0` must be a list"),
        (radar, "task.nowcast.loss.absolute={above: [35]}", "= note: Pairs of a threshold and what the error counts"),
        (radar, "task.nowcast.loss.absolute={above: [35]}", "= help: write [1.0, 1.0] in its place"),
        (radar, "task.nowcast.model=unet", "= help: write `model: {unet: {}}` and what differs from the defaults"),
        (radar, "task.nowcast.model=unett", "= help: did you mean \"unet\"?"),
        (radar, "task.nowcast.scores.primary=openstl_mse", "= help: set `scores.frames: openstl`, which measures"),
        (radar, "train.patience_by=hubert", "= help: write one of huber, "),
        (digits, "task.nowcast.augment.shift=[-4, 10]", "= help: write [-0.1, 0.1], a tenth of the range, or null"),
        (&phases, "train.epochs=5", "change `train.phases.0.train.epochs` and `train.phases.1.train.epochs`"),
    ] {
        let shown = with_flags(text, &[Override::set(set)]).unwrap_err().to_string();
        assert!(shown.contains(remedy) && !shown.contains("ssim, ssim"), "{set}: {shown}");
    }
    let both = "train.phases=[{train: {epochs: 2}}, {train: {}}]";
    with_flags(&phases, &[Override::set(both), Override::flag("--epochs", "train.epochs", "5")]).unwrap();
    with_flags(&phases, &[Override::flag("--max-steps", "train.max_steps", "5")]).unwrap();
}

#[test]
fn of_two_keys_that_contradict_each_other_the_one_written_last_is_shown() {
    let text = SMALLEST.replace("nowcast: {}", "nowcast: {prepare: {min: 0, max: 65}}");
    assert_ne!(text, SMALLEST);
    let told = with_flags(&text, &[Override::set("task.nowcast.prepare.min=80")]).unwrap_err().to_string();
    assert!(told.contains(" --> command line\n  |\n  | --set task.nowcast.prepare.min=80\n"), "{told}");
}

#[test]
fn a_variable_with_one_underscore_too_few_is_a_mistake_and_an_unknown_one_is_not() {
    let environment = [("FRAGUA_TRAIN_EPOCHS", "3"), ("FRAGUA_HELLO", "1"), ("FRAGUA_ARGS", "--epochs 3")];
    let told = with_variables(SMALLEST, &environment).unwrap_err();
    let expected = "error: unknown variable FRAGUA_TRAIN_EPOCHS\n --> environment\n  |\n  | FRAGUA_TRAIN_EPOCHS=3\n  \
                    | ^^^^^^^^^^^^^^^^^^^\n  = help: did you mean FRAGUA__TRAIN__EPOCHS? `__` stands before every key of a path\n";
    assert_eq!(without_count(&told), expected);
    assert!(with_variables(SMALLEST, &environment[1..]).is_ok());
}

/// All variables that the sources read are in the list of known ones.
#[test]
fn every_variable_of_this_project_is_known() {
    let name = |text: &str| {
        text.chars().take_while(|letter| letter.is_ascii_uppercase() || *letter == '_').collect::<String>()
    };
    let mut folders = ["src", "crates", "docker", "scripts", "docs"].map(root).to_vec();
    let mut unknown = Vec::new();
    while let Some(path) = folders.pop() {
        if path.is_dir() {
            folders.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        // The list itself has invented names in its tests.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if path.ends_with("variables.rs") {
            continue;
        }
        let found = text.match_indices("FRAGUA_").map(|(at, _)| name(&text[at..]).trim_end_matches('_').to_owned());
        let ours = found.filter(|name| name != "FRAGUA" && !name.starts_with("FRAGUA__"));
        unknown.extend(ours.filter(|name| !KNOWN_VARIABLES.contains(&name.as_str())).map(|name| (path.clone(), name)));
    }
    assert!(unknown.is_empty(), "add them to src/config/variables.rs: {unknown:?}");
}

#[test]
fn a_mistake_in_the_environment_is_shown_in_the_variable() {
    let variables = [("FRAGUA__TRAIN__EPOHCS", "3"), ("FRAGUA__TRAIN__PATIENCE", "0"), ("FRAGUA__DATA__ROOT", "")];
    let expected = r#"error: unknown key "epohcs" in `train`
 --> environment
  |
  | FRAGUA__TRAIN__EPOHCS=3
  |                ^^^^^^
  = help: did you mean "epochs"?

error: `train.patience`: must be at least 1, got 0
 --> environment
  |
  | FRAGUA__TRAIN__PATIENCE=0
  |                         ^
  = help: write 1 or more, or null to switch it off

error: `data.root` must be text, got nothing (null)
 --> environment
  |
  | FRAGUA__DATA__ROOT=
  |               ^^^^
  = help: the default is "datasets"
"#;
    assert_eq!(without_count(&with_variables(SMALLEST, &variables).unwrap_err()), expected);
}

#[test]
fn a_phase_changes_what_it_names_and_keeps_the_rest() {
    let text = format!(
        "{SMALLEST}train:
  clip_norm: 0.5
  optimizer: {{adamw: {{lr: 1.0e-4, weight_decay: 0.1}}}}
  phases:
    - {{train: {{epochs: 25, warmup: {{epochs: 5}}}}, loss: {{high_weight: 100}}}}
    - {{train: {{optimizer: {{adamw: {{lr: 1.0e-5}}}}, schedule: {{cosine: {{min_lr: 1.0e-6}}}}, clip_norm: 0.1}}}}
"
    );
    let phases = read(&text).unwrap().phases().unwrap();
    assert_eq!(phases.len(), 2);
    let high_weight = |config: &Config| nowcast(config).loss.high_weight;
    assert_eq!((phases[0].train.epochs, phases[0].train.warmup.epochs, high_weight(&phases[0])), (25, 5.0, 100.0));
    assert_eq!((phases[1].train.epochs, phases[1].train.clip_norm, high_weight(&phases[1])), (50, Some(0.1), 10.0));
    let Optimizer::Adamw(adamw) = &phases[1].train.optimizer else { panic!("the optimizer changed") };
    assert_eq!((adamw.lr, adamw.weight_decay), (1e-5, 0.1));
    assert!(matches!(&phases[1].train.schedule, Schedule::Cosine(cosine) if cosine.min_lr == 1e-6));
    assert_eq!(read(SMALLEST).unwrap().phases().unwrap(), [read(SMALLEST).unwrap()]);
}

#[test]
fn a_mistake_in_a_phase_is_shown_in_the_phase() {
    let text = format!(
        "{SMALLEST}train:\n  phases:\n    - train: {{epochs: 0, phases: []}}\n      loss: {{ssim_weight: 3}}\n"
    );
    let found = read(&text).unwrap_err();
    let heads: Vec<String> =
        found.lines().map(|(line, wrong)| format!("{}: {}", line.unwrap(), wrong.message)).collect();
    let expected = [
        "5: `train.phases.0.train.epochs`: must be at least 1, got 0",
        "5: unknown key \"phases\" in `train.phases.0.train`",
        "6: `train.phases.0.loss.ssim_weight`: a share is between 0 and 1, got 3",
    ];
    assert_eq!(heads, expected);
    let found = mistakes(&format!("{SMALLEST}train: {{phases: [{{train: {{epochs: 0}}}}]}}\n"));
    assert!(found.contains("`train.phases.0.train.epochs`: must be at least 1, got 0"), "{found}");
}

#[test]
fn weights_can_be_compared_by_a_part_of_the_loss_that_any_phase_has() {
    let of = |phases: &str| {
        read(&format!(
            "{SMALLEST}train: {{checkpoint: {{best_by: csi_loss}}, phases: [{{loss: {{csi: {phases}}}}}, {{}}]}}\n"
        ))
    };
    let phases = of("{width: 3}").unwrap().phases().unwrap();
    let width = |config: &Config| nowcast(config).loss.csi.as_ref().map(|csi| csi.width);
    assert_eq!([&phases[0], &phases[1]].map(width), [Some(3.0), None]);
    let found = of("null").unwrap_err().to_string();
    assert!(found.contains("nothing measures csi_loss"), "{found}");
    // Without a validation there is only what every phase learns from.
    let alone = "task: {nowcast: {split: {val_share: 0}, loss: {ssim_weight: 0}}}\n";
    let best = |part: &str| {
        read(&format!("data: {{source: [{{synthetic: {{}}}}]}}\n{alone}train: {{checkpoint: {{best_by: {part}}}}}\n"))
    };
    assert!(best("huber").is_ok());
    let found = best("ssim").unwrap_err().to_string();
    assert!(
        found.contains("ssim has no weight in the loss of every phase, and there are no validation samples"),
        "{found}"
    );
    assert!(
        found.contains("write one of loss, huber, give it a weight, or raise task.nowcast.split.val_share"),
        "{found}"
    );
}

#[test]
fn mistakes_in_the_terms_of_a_loss_are_shown_where_they_are() {
    let found = mistakes(
        "data: {source: [{synthetic: {}}]}
task:
  nowcast:
    loss:
      huber_ssim_weight: 0
      absolute: {above: [[35, 10, 1], [20, x]]}
      csi: {form: pooled}
      fss: {scales_px: [5.5]}
",
    );
    for place in ["absolute.above.0`", "absolute.above.1.1`", "csi.form`", "fss.scales_px.0`"] {
        assert!(found.contains(&format!("`task.nowcast.loss.{place}")), "{place}: {found}");
    }
    let found = mistakes(&format!("{SMALLEST}train: {{phases: [{{loss: {{huber_ssim_weight: 0}}}}]}}\n"));
    assert!(found.contains("`train.phases.0.loss.huber_ssim_weight`: is 0, and there is nothing else"), "{found}");
}

#[test]
fn a_file_that_can_not_be_read_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("radar.yaml"), SMALLEST).unwrap();
    fs::write(path("latin1.yaml"), b"data: 1\nname: \xf1and\xfa\n").unwrap();
    fs::write(path("utf16.yaml"), b"\xff\xfen\0a\0").unwrap();
    fs::write(path("huge.yaml"), vec![b'#'; (1 << 18) + 1]).unwrap();
    let cases = [
        ("rader.yaml", "there is no configuration file", "did you mean"),
        ("nowhere/radar.yaml", "there is no configuration file", "does not exist either"),
        (".", "is a folder, not a configuration file", "give a YAML file"),
        ("latin1.yaml", "is not UTF-8 text: the byte 0xf1 on line 2", "save it as UTF-8"),
        ("utf16.yaml", "it looks like UTF-16", "save it as UTF-8"),
        ("huge.yaml", "is larger than 262 KB", "give the path of a YAML file"),
    ];
    for (name, head, help) in cases {
        let error: ConfigError = load(Some(&path(name)), [], &[]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(head) && text.contains(help), "{name}: {text}");
        assert_eq!(error.exit(), Exit::Configuration);
    }
    let loaded = load(Some(&path("radar.yaml")), [("HOME".into(), "/root".into())], &[]).unwrap();
    assert_eq!(loaded.file, Some(path("radar.yaml")));
}

#[test]
fn the_radar_configuration_only_waits_for_its_dataset() {
    let path = root("configs/radar-gpu.yaml");
    let text = load(Some(&path), [], &[]).unwrap_err().to_string();
    assert!(text.contains("the id of the file on Google Drive is still a placeholder, got \"<FILE_ID>\""), "{text}");
    assert!(text.ends_with("error: 1 mistake in the configuration\n"), "{text}");
    let filled = [Override::set("data.source.0.gdrive.id=https://drive.google.com/file/d/1AbC_dEf/view?usp=sharing")];
    let config = load(Some(&path), [], &filled).unwrap().config;
    // The reference system's step: 4 micro-batches of 2 windows with 18 levels, each level a sample.
    assert_eq!(config.train.batch_size(), 4 * 2 * 18);
    let defaults = read(SMALLEST).unwrap();
    let sizes = TrainConfig { batch: defaults.train.batch, micro_batch: defaults.train.micro_batch, ..config.train };
    assert_eq!((config.task, sizes), (defaults.task, defaults.train), "the program's other defaults are these");
}

/// What an independent validator says of documents: their names and the number of their errors.
fn validated(documents: &[(String, String)]) -> Vec<(String, usize)> {
    let documents: Vec<_> =
        documents.iter().map(|(name, yaml)| serde_json::json!({"name": name, "yaml": yaml})).collect();
    let request = serde_json::json!({"schema": schema(), "documents": documents}).to_string();
    let mut child = Command::new(interpreter())
        .arg(root("tests/fixtures/config/validate.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    let pair = |line: &str| line.rsplit_once(' ').map(|(name, count)| (name.to_owned(), count.parse().unwrap()));
    lines.lines().filter_map(pair).collect()
}

#[test]
fn an_independent_validator_accepts_every_configuration_that_is_shipped() {
    let mut documents = vec![
        ("config.yaml".to_owned(), BUILT_IN.to_owned()),
        ("smallest".into(), SMALLEST.into()),
        ("shown".into(), show(&read(BUILT_IN).unwrap()).unwrap()),
    ];
    for entry in fs::read_dir(root("configs")).unwrap() {
        let path = entry.unwrap().path();
        documents.push((path.file_name().unwrap().to_str().unwrap().into(), fs::read_to_string(&path).unwrap()));
    }
    let results = validated(&documents);
    assert_eq!(results.len(), documents.len());
    assert!(results.iter().all(|(_, errors)| *errors == 0), "{results:?}");
}

#[test]
fn an_independent_validator_refuses_what_the_program_refuses() {
    let wrong = [
        "train: {epohcs: 3}",
        "train: {epochs: -1}",
        "train: {epochs: many}",
        "train: {epochs: null}",
        "train: {optimizer: adamw}",
        "train: {optimizer: {adamw: {}, sgd: {}}}",
        "train: {schedule: {constant: {}}}",
        "train: {phases: [{train: {phases: []}}]}",
        "train: {phases: [{loss: {nonsense: 1}}]}",
        "device: gpu",
        "precision: fp8",
        "name: 2014",
        "output: {mirror: 3}",
        "seed: 1.5",
    ];
    let text = |line: &str| format!("{SMALLEST}{line}\n");
    let whole =
        ["task: {nowcast: {}}\n", "data: {source: []}\n", "data: {source: [{gdrive: {}}]}\ntask: {nowcast: {}}\n"];
    let texts: Vec<String> = wrong.map(text).into_iter().chain(whole.map(String::from)).collect();
    for text in &texts {
        assert!(read(text).is_err(), "{text}");
    }
    let documents: Vec<_> = texts.iter().enumerate().map(|(index, text)| (index.to_string(), text.clone())).collect();
    let results = validated(&documents);
    for ((_, errors), text) in results.iter().zip(&texts) {
        assert!(*errors > 0, "the validator accepts {text}");
    }
}

/// One change to a text: some characters from a place on are replaced.
fn edit() -> impl Strategy<Value = (usize, usize, String)> {
    let pieces = prop_oneof![
        Just(String::new()),
        "[ \t\n:#,{}\\[\\]\"'&*!|>%@`~-]{1,3}",
        "(null|true|-1|0|1e999|\\.nan|<<|99999999999999999999999999|ñ|\u{1b}|\u{feff})",
        "[a-z_]{1,8}",
    ];
    (0..BUILT_IN.len(), 0..12_usize, pieces)
}

fn edited(edits: &[(usize, usize, String)]) -> String {
    let mut characters: Vec<char> = BUILT_IN.chars().collect();
    for (at, removed, inserted) in edits {
        let at = at % (characters.len() + 1);
        let end = (at + removed).min(characters.len());
        characters.splice(at..end, inserted.chars());
    }
    characters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_edit_is_either_understood_or_refused_with_a_line_of_the_file(edits in prop::collection::vec(edit(), 1..5)) {
        let text = edited(&edits);
        match read(&text) {
            Ok(config) => prop_assert_eq!(read(&show(&config).unwrap()).unwrap(), config),
            Err(found) => {
                prop_assert!(found.lines().count() > 0);
                let last = text.matches('\n').count() + 1;
                for (line, wrong) in found.lines() {
                    let line = line.expect("a place");
                    prop_assert!((1..=last).contains(&line), "line {} of {}: {}", line, last, wrong.message);
                }
                let rendered = found.to_string();
                prop_assert!(rendered.chars().all(|character| character == '\n' || !character.is_control()));
            }
        }
    }

    #[test]
    fn any_flag_is_either_understood_or_refused(path in "[a-z_.0-9ñ]{0,30}", value in "[ -~ñ\n\t]{0,12}") {
        let flags = [Override::set(&format!("{path}={value}")), Override::flag("--epochs", "train.epochs", &value)];
        for flag in flags {
            if let Err(found) = with_flags(SMALLEST, &[flag]) {
                prop_assert!(!found.to_string().is_empty());
            }
        }
    }
}
