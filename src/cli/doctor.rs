//! `fragua doctor`: one line per check, with the remedy below it.

use std::io::IsTerminal;

use clap::Args;
use serde_json::json;

use super::args::Configured;
use super::{CommandError, commands, output};
use crate::util::exit::Exit;
use crate::util::units;
use crate::worker::doctor::{Finding, Level, examine, exit};

/// `fragua doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub configured: Configured,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub(super) fn run(arguments: &DoctorArguments) -> Result<(), CommandError> {
    let found = examine(commands::configuration(&arguments.configured, Vec::new()));
    let code = exit(&found);
    if arguments.json {
        output::json(&json!({"checks": found, "exit": code as u8}))?;
    } else {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        output::text(&text(&found, colour))?;
    }
    if code == Exit::Done { Ok(()) } else { Err(CommandError::Told(code)) }
}

fn text(found: &[Finding], colour: bool) -> String {
    let width = found.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    let lines = found.iter().map(|finding| line(finding, width, colour));
    lines.collect::<String>() + &verdict(found)
}

fn line(finding: &Finding, width: usize, colour: bool) -> String {
    let (word, code) = match finding.level {
        Level::Ok => ("ok", "\x1b[32m"),
        Level::Warning => ("warning", "\x1b[1;33m"),
        Level::Failed => ("failed", "\x1b[1;31m"),
    };
    let word = format!("{word:<7}");
    let word = if colour { format!("{code}{word}\x1b[0m") } else { word };
    let remedy = finding.remedy.iter().flat_map(|remedy| remedy.lines());
    let remedy = remedy.map(|line| format!("{}{line}", " ".repeat(width + 11)).trim_end().to_owned() + "\n");
    format!("{word}  {:<width$}  {}\n{}", finding.check, finding.text, remedy.collect::<String>())
}

fn verdict(found: &[Finding]) -> String {
    let number = |level| found.iter().filter(|finding| finding.level == level).count() as u64;
    match (number(Level::Failed), number(Level::Warning)) {
        (0, 0) => "training can start\n".into(),
        (0, warnings) => format!("training can start, with {}\n", units::count(warnings, "warning")),
        (failed, _) => format!("training can't start: {} failed\n", units::count(failed, "check")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_per_check_with_what_helps_below_it() {
        let found = [
            Finding::ok("program", "fragua 0.1.0, libtorch 2.4.1 for CUDA 12"),
            Finding::warning(
                "gpu",
                "there is an NVIDIA GPU in this machine, but not in this container",
                "start it with --gpus all",
            ),
            Finding::failed(
                "output",
                "/app/model_output: ext4: it is closed",
                Some("open it\nor leave".into()),
                Exit::OutputNotWritable,
            ),
        ];
        let plain = [text(&found, false), text(&found[..2], false), text(&found[..1], false)].join("\n");
        insta::assert_snapshot!(plain);
        assert!(text(&found, true).contains("\x1b[1;31mfailed \x1b[0m  output"));
    }
}
