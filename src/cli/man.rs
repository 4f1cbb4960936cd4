//! `fragua man`: a manual page for each command, made from the command line itself, so that they can't disagree.

use std::io;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::Arguments;
use super::{CommandError, output};
use crate::native::versions::PROGRAM;
use crate::util::failure::Failed;
use crate::util::fs::{FsError, create_dir_all, write_atomic};
use crate::worker::WorkError;

/// `fragua man`.
#[derive(Debug, Args)]
pub struct ManArguments {
    /// The folder for all pages: fragua.1, fragua-train.1 and so on [default: print the page of fragua]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// The date of this version: that of its section in CHANGELOG.md.
const RELEASED: &str = "2026-11-30";

/// Runs the command.
pub(super) fn run(arguments: &ManArguments) -> Result<(), CommandError> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = &arguments.output else {
        return Ok(output::bytes(&page(&command)?)?);
    };
    let mut commands = Vec::new();
    collect(&command, &mut commands);
    create_dir_all(folder).map_err(failed)?;
    for command in &commands {
        write_atomic(&folder.join(file_name(command)), &page(command)?).map_err(failed)?;
    }
    Ok(output::text(&format!("{}: {} manual pages", folder.display(), commands.len()))?)
}

fn failed(error: FsError) -> CommandError {
    WorkError::from(Failed::from(error)).into()
}

/// The command and all below it, without hidden ones.
fn collect(command: &Command, all: &mut Vec<Command>) {
    all.push(command.clone());
    command.get_subcommands().filter(|below| !below.is_hide_set()).for_each(|below| collect(below, all));
}

fn file_name(command: &Command) -> String {
    format!("{}.1", name(command))
}

/// `fragua-config-check` for `fragua config check`.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// A page in the language of man. The version is in the footer only, so that a page does not change with every commit.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone()).title(name(command).to_uppercase()).date(RELEASED);
    let man = man.source(format!("fragua {PROGRAM}")).manual("fragua manual");
    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if command.get_subcommands().any(|below| !below.is_hide_set()) {
        man.render_subcommands_section(&mut out)?;
    }
    notes(command).to_writer(&mut out)?;
    if name(command) == "fragua" {
        surroundings().to_writer(&mut out)?;
    }
    see_also(command).to_writer(&mut out)?;
    Ok(out)
}

/// The text below the help. Indented lines are tables and examples: they keep their form.
fn notes(command: &Command) -> Roff {
    let mut roff = Roff::new();
    let Some(text) = command.get_after_long_help().or_else(|| command.get_after_help()) else { return roff };
    roff.control("SH", ["NOTES"]);
    let mut is_table = false;
    for (index, line) in text.to_string().lines().enumerate() {
        if line.starts_with(' ') != is_table {
            is_table = !is_table;
            roff.control(if is_table { "nf" } else { "fi" }, []);
        } else if !is_table && index > 0 {
            roff.control("br", []);
        }
        roff.text([roman(line)]);
    }
    if is_table {
        roff.control("fi", []);
    }
    roff
}

/// What the program reads besides its arguments.
fn surroundings() -> Roff {
    let mut roff = Roff::new();
    let sections: [(&str, &[(&str, &str)]); 2] = [
        (
            "ENVIRONMENT",
            &[
                (
                    "FRAGUA__SECTION__KEY",
                    "a key of the configuration, for example FRAGUA__TRAIN__EPOCHS=40 for train.epochs; --set and flags win over it",
                ),
                ("NO_COLOR", "no colours, whatever its value"),
                ("RUST_LOG", "which messages are shown, for example fragua=debug"),
            ],
        ),
        (
            "FILES",
            &[
                ("config.yaml", "the configuration, in the current folder; without one, the copy inside the program"),
                ("datasets/", "data: data.root"),
                ("model_output/", "runs: output.root"),
            ],
        ),
    ];
    for (heading, entries) in sections {
        roff.control("SH", [heading]);
        for (term, meaning) in entries {
            roff.control("TP", []);
            roff.text([bold(*term)]);
            roff.text([roman(*meaning)]);
        }
    }
    roff
}

/// The page above and the pages beside it.
fn see_also(command: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    let above = name(command).rsplit_once('-').map_or("fragua-train", |(above, _)| above);
    roff.text([bold(above), roman("(1)")]);
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_that_of_the_release() {
        let changes = include_str!("../../CHANGELOG.md");
        assert!(changes.contains(&format!("\n## [{PROGRAM}] - {RELEASED}\n")));
    }

    #[test]
    fn tables_below_the_help_keep_their_form() {
        let text = "Words.\nMore words.\nCodes:\n   0  done\n  65  data\nThe end.";
        let roff = notes(&Command::new("tool").after_help(text)).render();
        let expected = ".SH NOTES\nWords.\n.br\nMore words.\n.br\nCodes:\n.nf\n   0  done\n  65  data\n.fi\nThe end.\n";
        assert!(roff.ends_with(expected), "{roff}");
        assert!(!notes(&Command::new("tool")).render().contains("NOTES"));
    }
}
