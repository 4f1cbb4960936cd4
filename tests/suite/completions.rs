//! Shell completions and manual pages: bash really asks, and the tools that read manual pages have nothing to say.

use std::fs;
use std::process::{Command, Stdio};

use fragua::util::left_out::left_out;

use crate::program::Program;

/// What bash offers for a command line whose last word is being typed.
fn offered(program: &Program, words: &[&str]) -> Vec<String> {
    let script = "source ./fragua.bash; COMP_WORDS=(\"$@\"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); \
                  _fragua fragua \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"; \
                  printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["--norc", "-c", script, "bash"])
        .args(words)
        .current_dir(program.folder())
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_values_and_files() {
    let program = Program::new();
    program.write("fragua.bash", &program.succeed(&["completions", "bash"]).stdout);
    program.write("radar.yaml", "");
    assert_eq!(offered(&program, &["fragua", "eval"]), ["evaluate"]);
    assert_eq!(offered(&program, &["fragua", "config", "s"]), ["show", "schema"]);
    assert_eq!(offered(&program, &["fragua", "train", "--max-t"]), ["--max-time"]);
    assert_eq!(offered(&program, &["fragua", "evaluate", "--split", "v"]), ["val"]);
    assert_eq!(offered(&program, &["fragua", "predict", "--layout", ""]), ["per-lead", "single"]);
    assert_eq!(offered(&program, &["fragua", "completions", ""]).last().map(String::as_str), Some("fish"));
    assert!(offered(&program, &["fragua", "train", "--config", "rad"]).contains(&"radar.yaml".to_owned()));
}

#[test]
fn each_shell_that_is_here_reads_its_script() {
    let program = Program::new();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = program.succeed(&["completions", shell]).stdout;
        assert!(script.contains("overfit-single-batch") && script.contains("completions"), "{shell}");
        program.write(shell, &script);
        let found =
            Command::new(shell).args([check, shell]).current_dir(program.folder()).stdin(Stdio::null()).output();
        match found {
            Ok(output) => assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr)),
            Err(_) => left_out(&format!("{shell} is not installed"), &format!("apt-get install {shell}")),
        }
    }
}

#[test]
fn there_is_a_manual_page_for_each_command_and_none_has_a_mistake() {
    let program = Program::new();
    program.succeed(&["man", "--output", "pages"]);
    let mut names: Vec<String> = fs::read_dir(program.path("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let help = program.succeed(&["--help"]).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands =
        commands.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).filter(|word| !word.is_empty());
    for command in commands.filter(|command| *command != "help").chain(["config-check"]) {
        assert!(names.contains(&format!("fragua-{command}.1")), "{command}: {names:?}");
    }
    let readers: [(&str, &[&str]); 2] =
        [("groff", &["-man", "-Tutf8", "-ww", "-z"]), ("mandoc", &["-Tlint", "-Werror"])];
    let is_there = |reader: &str| Command::new(reader).stdin(Stdio::null()).output().is_ok();
    let (here, missing): (Vec<_>, Vec<_>) = readers.into_iter().partition(|(reader, _)| is_there(reader));
    for (reader, _) in missing {
        left_out(&format!("{reader} is not installed"), &format!("apt-get install {reader}"));
    }
    for name in &names {
        let text = fs::read_to_string(program.path("pages").join(name)).unwrap();
        assert!(text.contains(".SH NAME\n") && text.contains(".SH \"SEE ALSO\"\n"), "{name}");
        let page = format!("pages/{name}");
        for (reader, arguments) in &here {
            let mut command = Command::new(reader);
            let read = command.args(*arguments).arg(&page).current_dir(program.folder()).output().unwrap();
            let said = [read.stdout, read.stderr].concat();
            assert!(said.is_empty() && read.status.success(), "{reader} {name}: {}", String::from_utf8_lossy(&said));
        }
    }
}
