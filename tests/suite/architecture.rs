//! The tree follows `ARCHITECTURE.md`: what may use what, and what is where.

mod rules;
mod source;

use std::path::Path;

use rules::{heading, homes, layers, length, packages, printing, unsafe_code, variants};
use source::{Source, tokens};

#[test]
fn the_tree_keeps_its_rules() {
    let sources = Source::read_all(Path::new(env!("CARGO_MANIFEST_DIR")));
    for path in ["cli/mod.rs", "crates/radar/src/volume/mod.rs", "crates/util/src/fs.rs"] {
        assert!(sources.iter().any(|source| source.path == path), "{path} was not found");
    }
    let mut faults: Vec<_> = sources.iter().flat_map(rules::faults).collect();
    let tasks = tasks();
    assert!(tasks.contains(&"nowcast".to_owned()), "{tasks:?}");
    faults.extend(sources.iter().flat_map(|source| rules::tasks(source, &tasks)));
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// The tasks: the folders of `src/task` that have a kind. What several of them share has a folder, but none.
fn tasks() -> Vec<String> {
    let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/task")).unwrap();
    let folders = entries.map(Result::unwrap).filter(|entry| entry.path().join("kind.rs").is_file());
    folders.map(|folder| folder.file_name().into_string().unwrap()).collect()
}

/// The tasks are distinguished once, in one match.
#[test]
fn each_task_has_one_arm_in_the_program() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/task/mod.rs")).unwrap();
    let tasks = tasks();
    let arms = tokens(&text).windows(2).filter(|pair| pair[0].text == "Self" && pair[1].text == "::").count();
    assert_eq!(arms, tasks.len(), "one arm for each of {tasks:?}");
    assert_eq!(tokens(&text).iter().filter(|token| token.text == "match").count(), 1);
}

#[test]
fn a_task_named_outside_of_its_folder_is_found() {
    let names = ["nowcast", "image_class", "keypoints"].map(str::to_owned);
    let found = |path: &str, text: &str| rules::tasks(&Source::new(path, text), &names).len();
    for text in [
        "use crate::task::nowcast::Nowcast;",
        "// what the nowcast task knows",
        "let text = \"task: {nowcast: {}}\";",
        "const NOWCAST: usize = 1;",
        "fn f(config: &ImageClassConfig) {}",
        "let image_class_config = 1;",
    ] {
        assert!(found("worker/mod.rs", text) > 0, "{text}");
        assert_eq!(found("task/mod.rs", text), 0, "{text}");
    }
    assert!(found("crates/util/src/fs.rs", "// of a nowcast") > 0);
    assert_eq!(found("crates/radar/src/lib.rs", "// nowcast"), 0);
    assert_eq!(found("worker/mod.rs", "// an image of a class, nowcasting, unclassified_image"), 0);
}

#[test]
fn a_second_place_that_distinguishes_tasks_is_found() {
    let bad = "let TaskConfig::Nowcast(task) = &config.task;";
    tells_apart(variants, "worker/mod.rs", bad, "let task = TaskConfig::named(name);");
}

/// The rule finds exactly one fault in the bad text and none in the good one.
#[track_caller]
fn tells_apart(rule: fn(&Source) -> Vec<String>, path: &str, bad: &str, good: &str) {
    let found = rule(&Source::new(path, bad));
    assert_eq!(found.len(), 1, "in {bad:?}: {found:?}");
    assert_eq!(rule(&Source::new(path, good)), [""; 0], "in {good:?}");
}

#[test]
fn an_arrow_to_the_left_is_found() {
    tells_apart(layers, "data/loader.rs", "use crate::task::nowcast;", "use crate::util::fs;");
    tells_apart(layers, "util/fs.rs", "fn f() { crate::data::go() }", "fn f() { crate::util::fs::go() }");
    tells_apart(layers, "config/mod.rs", "pub use crate::worker::Stage;", "pub use crate::task::nowcast::Config;");
    tells_apart(layers, "cli/mod.rs", "fn f() -> crate::main::X;", "fn f() -> crate::worker::X;");
}

#[test]
fn an_arrow_sideways_is_found() {
    tells_apart(layers, "data/store.rs", "use crate::report::table;", "use crate::data::loader;");
    tells_apart(layers, "util/fs.rs", "use crate::native::versions;", "use crate::util::exit;");
}

#[test]
fn an_arrow_inside_braces_is_found() {
    let bad = "use crate::{\n    data::{self, config},\n    cli::Flag,\n    util::{exit::Exit, fs},\n};";
    tells_apart(layers, "train/mod.rs", bad, "use crate::{data::{self, cli}, util::{fs, train::main}};");
    let found = layers(&Source::new("train/mod.rs", bad));
    assert!(found[0].starts_with("train/mod.rs:3: uses `cli`: the arrow points left"), "{found:?}");
}

#[test]
fn an_arrow_in_the_program_or_from_a_test_is_found() {
    tells_apart(layers, "main.rs", "fn f() { fragua::helpers::x() }", "fn f() { fragua::cli::main() }");
    tells_apart(
        layers,
        "data/a.rs",
        "#[cfg(test)]\nmod tests {\n    use crate::cli::X;\n}",
        "use std::crate_name::cli;",
    );
}

#[test]
fn a_module_without_a_layer_is_found() {
    tells_apart(layers, "train/mod.rs", "use crate::helpers::x;", "use crate::metric::x;");
    tells_apart(layers, "helpers/mod.rs", "use crate::util::x;", "use crate::helpers::x;");
}

#[test]
fn an_arrow_to_the_left_is_found_in_a_crate() {
    tells_apart(layers, "crates/radar/src/volume/hdf.rs", "use crate::synth::Storms;", "use crate::volume::Axis;");
    tells_apart(layers, "crates/radar/src/lrose/mod.rs", "use crate::resample::Method;", "use crate::volume::Axis;");
    assert_eq!(layers(&Source::new("crates/util/src/stop.rs", "use crate::exit::Exit;")), [""; 0]);
    assert_eq!(layers(&Source::new("crates/radar/src/lib.rs", "pub use crate::volume::Axis;")), [""; 0]);
}

#[test]
fn a_package_that_a_crate_must_not_use_is_found() {
    let path = "crates/radar/src/volume/mod.rs";
    tells_apart(packages, path, "use tch::Tensor;", "use fragua_util::fs;");
    tells_apart(packages, path, "fn f() { fragua::task::go() }", "use netcdf::File;");
    tells_apart(packages, "crates/util/src/fs.rs", "use fragua_radar::volume;", "use rustix::fs;");
    assert_eq!(packages(&Source::new("crates/new/src/lib.rs", "")).len(), 1, "a crate without a rule");
}

#[test]
fn climbing_to_the_root_is_found() {
    tells_apart(layers, "data/config.rs", "use super::super::cli::X;", "use super::store::X;");
    tells_apart(layers, "data/mod.rs", "use super::cli::X;", "use self::store::X;");
    tells_apart(layers, "crates/util/src/stop.rs", "use super::exit::Exit;", "use crate::exit::Exit;");
    let below = |path: &str| format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n    use {path};\n}}");
    tells_apart(layers, "data/config.rs", &below("super::super::super::cli::X"), &below("super::super::store::X"));
}

#[test]
fn a_mention_in_a_comment_or_a_string_is_no_use() {
    let text = r####"
        // crate::cli::a
        /* crate::cli::b /* crate::cli::c */ crate::cli::d */
        fn f<'a>(x: &'a str) -> char { g("crate::cli::e \" crate::cli::f", r#"crate::cli::g " "#); '"' }
        fn g() -> char { crate::util::x(b"\\", '\''); '\u{41}' }
    "####;
    assert_eq!(layers(&Source::new("data/a.rs", text)), [""; 0]);
    let seen: Vec<_> = tokens(text).into_iter().filter(|token| token.text == "crate").map(|token| token.line).collect();
    assert_eq!(seen, [5], "the code after strings and quotes is still read");
}

#[test]
fn a_file_that_does_not_say_what_it_is_is_found() {
    tells_apart(heading, "util/fs.rs", "use std::fs;\n", "//! Durable files.\nuse std::fs;\n");
    tells_apart(heading, "util/fs.rs", "", "//! Durable files.");
}

#[test]
fn a_file_that_is_too_long_is_found_and_its_tests_do_not_count() {
    let lines = |count: usize| "fn f() {}\n".repeat(count);
    let good = format!("{}#[cfg(test)]\nmod tests {{}}\n{}", lines(400), lines(300));
    tells_apart(length, "util/fs.rs", &lines(401), &good);
    assert!(length(&Source::new("util/fs_tests.rs", &lines(401))).is_empty());
}

#[test]
fn unsafe_code_outside_native_is_found() {
    tells_apart(unsafe_code, "util/fs.rs", "fn f() { unsafe { g() } }", "#[deny(unsafe_code)] // unsafe\nfn f() {}");
    assert!(unsafe_code(&Source::new("native/cuda.rs", "unsafe { g() }")).is_empty());
    assert_eq!(unsafe_code(&Source::new("crates/util/src/native.rs", "unsafe { g() }")).len(), 1);
}

#[test]
fn printing_outside_the_command_line_is_found() {
    let good = "fn f() { writeln!(out, \"println!\") }\n#[cfg(test)]\nmod tests { fn f() { println!() } }";
    for name in ["println", "eprintln", "print", "eprint"] {
        tells_apart(printing, "train/mod.rs", &format!("fn f() {{ {name}!(\"x\") }}"), good);
    }
    assert!(printing(&Source::new("cli/mod.rs", "println!()")).is_empty());
}

#[test]
fn an_outside_thing_out_of_its_place_is_found() {
    tells_apart(homes, "worker/a.rs", "use reqwest::Client;", "let reqwest = 1;");
    tells_apart(
        homes,
        "data/store.rs",
        "fn f() { netcdf::open(p) }",
        "fn f() { self.netcdf::<T>(); nowcast::netcdf::x() }",
    );
    tells_apart(homes, "data/store.rs", "use hdf5_metno as hdf5;", "use crate::hdf5::x;");
    tells_apart(homes, "train/mod.rs", "use ::serde_yaml::from_str;", "use serde_json::from_str;");
    tells_apart(homes, "report/mod.rs", "use tch;", "use crate::util::fs;");
    tells_apart(homes, "worker/mod.rs", "use fragua_radar::volume;", "use crate::util::fs;");
}

#[test]
fn an_outside_thing_in_its_place_is_fine() {
    for (path, text) in [
        ("data/fetch/http.rs", "use reqwest::Client;"),
        ("data/fetch.rs", "use reqwest::Client;"),
        ("crates/radar/src/volume/classic.rs", "use netcdf::File;"),
        ("task/nowcast/mod.rs", "pub use fragua_radar::volume;"),
        ("config/read.rs", "use serde_yaml::Value;"),
        ("nn/conv.rs", "use tch::Tensor;"),
        ("data/store.rs", "#[cfg(test)]\nmod tests {\n    use serde_yaml::from_str;\n}"),
    ] {
        assert_eq!(homes(&Source::new(path, text)), [""; 0], "{path}");
    }
    assert_eq!(homes(&Source::new("data/fetching.rs", "use reqwest::Client;")).len(), 1);
}
