//! `fragua completions`: a script that lets a shell complete commands, flags and values.

use clap::builder::PossibleValuesParser;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_complete::aot::generate;

use super::args::Arguments;
use super::{CommandError, output};

/// `fragua completions`.
#[derive(Debug, Args)]
#[command(after_help = PLACES)]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = PossibleValuesParser::new(SHELLS))]
    pub shell: String,
}

/// The shells that there is a script for.
const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// The usual places of the scripts.
const PLACES: &str = "\
For one user:
  fragua completions bash > ~/.local/share/bash-completion/completions/fragua
  fragua completions zsh > ~/.zfunc/_fragua      with \"fpath+=~/.zfunc\" in ~/.zshrc, before compinit
  fragua completions fish > ~/.config/fish/completions/fragua.fish
scripts/install.sh places all three for its prefix.";

/// Runs the command.
pub(super) fn run(arguments: &CompletionsArguments) -> Result<(), CommandError> {
    let shell = match arguments.shell.as_str() {
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        _ => Shell::Bash,
    };
    let mut script = Vec::new();
    generate(shell, &mut Arguments::command(), "fragua", &mut script);
    Ok(output::bytes(&script)?)
}
