//! Sizes that no machine can hold, and sizes that this one can't: refused before anything is fetched or allocated.

use crate::program::Program;
use crate::training::Training;

#[test]
fn what_is_impossible_anywhere_is_a_mistake_in_the_configuration_with_its_place() {
    let training = Training::new();
    let sizes = [
        ("task.nowcast.model.hidden=[100000]", "hidden.0"),
        ("task.nowcast.model.hidden=[1000000000000]", "hidden.0"),
        ("task.nowcast.model.hidden=[18446744073709551615]", "hidden.0"),
        ("task.nowcast.model.kernel=99", "kernel"),
        ("task.nowcast.prepare.size=[100000, 100000]", "size"),
        ("task.nowcast.windows.input_frames=1000000000000", "input_frames"),
        ("task.nowcast.windows.target_frames=18446744073709551615", "target_frames"),
        ("train.epochs=18446744073709551615", "epochs"),
        ("train.batch=18446744073709551615", "batch"),
        ("data.loader.queue_windows=18446744073709551615", "queue_windows"),
    ];
    for (index, (size, key)) in sizes.into_iter().enumerate() {
        let set = ["--set", size, "--set", "train.micro_batch=auto", "--set", "train.accumulate=null"];
        // The check is the same for all of them; a few are enough for the others.
        let commands: &[&[&str]] = match index {
            0 => &[&["config", "check"], &["prepare"], &["train", "--dry-run"], &["train"]],
            _ => &[&["config", "check"]],
        };
        for command in commands {
            let outcome = training.program.run(&[*command, &set[..]].concat());
            assert_eq!(outcome.code, 78, "{command:?} {size}: {outcome:?}");
            let named = outcome.stderr.contains(&format!("{key}`"));
            assert!(named && outcome.stderr.contains('^'), "{command:?} {size}: {}", outcome.stderr);
        }
    }
}

#[test]
fn what_is_more_than_this_machine_has_ends_with_71_and_the_numbers() {
    let program = Program::new();
    program.write("config.yaml", "data: {source: [{synthetic: {}}]}\ntask: {nowcast: {model: {hidden: [60000]}}}\n");
    for command in [&["train"][..], &["train", "--dry-run"], &["doctor"]] {
        let outcome = program.run(command);
        assert_eq!(outcome.code, 71, "{command:?}: {outcome:?}");
        let told = outcome.stdout + &outcome.stderr;
        assert!(told.contains("training needs at least") && told.contains(" TB for weights"), "{command:?}: {told}");
    }
    assert!(!program.path("datasets").exists(), "nothing was fetched");
    assert!(!program.path("model_output/storms").exists(), "no run was begun");
    let checked = program.succeed(&["config", "check"]);
    assert!(checked.stderr.contains("not on this machine: training needs at least"), "{checked:?}");
}
