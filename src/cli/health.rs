//! `fragua health`: one line for `HEALTHCHECK`, and the verdict as exit code.

use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::number::whole;
use super::{CommandError, output, train};
use crate::util::exit::Exit;
use crate::util::units;
use crate::worker::health::{Sign, Watched, watch};

/// `fragua health`.
#[derive(Debug, Args)]
pub struct HealthArguments {
    /// The longest time without progress or a wait with a reason, such as 10m
    #[arg(long, value_name = "TIME", value_parser = train::time, default_value = "10m")]
    pub max_age: Duration,
    /// The number of the process to look at [default: every fragua that runs here]
    #[arg(long, value_name = "NUMBER")]
    #[arg(value_parser = whole::<u32>, allow_negative_numbers = true)]
    pub process: Option<u32>,
}

/// Runs the command.
pub(super) fn run(arguments: &HealthArguments) -> Result<(), CommandError> {
    let (text, is_well) = judge(&watch(arguments.process), arguments.max_age, std::env::current_dir().ok().as_deref());
    output::text(&text)?;
    if is_well { Ok(()) } else { Err(CommandError::Told(Exit::Degraded)) }
}

/// The line, and whether it is healthy. If nothing trains, that is not a failure: the caller already knows whether the
/// process is alive.
fn judge(watched: &Watched, max_age: Duration, here: Option<&Path>) -> (String, bool) {
    let sign = match watched {
        Watched::Nothing(why) => return (format!("nothing to watch: {why}"), true),
        Watched::Training(sign) => sign,
    };
    if sign.age <= max_age {
        return (format!("healthy: {}, {} ago", standing(sign), units::duration(sign.age)), true);
    }
    let file = here.and_then(|here| sign.file.strip_prefix(here).ok()).unwrap_or(&sign.file);
    let (time, stage) = (units::duration(sign.age), &sign.status.stage);
    (format!("unhealthy: no progress for {time} in stage {stage} ({})", file.display()), false)
}

fn standing(sign: &Sign) -> String {
    let status = &sign.status;
    match (status.epoch, status.step) {
        (0, 0) => status.stage.clone(),
        (epoch, step) => format!("{}, epoch {epoch}, step {step}", status.stage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::run_folder::status::Status;

    #[test]
    fn a_line_shows_the_state_of_training_and_where_it_stalls() {
        let status = |stage: &str, step| Status { stage: stage.into(), epoch: step / 40, step, ..Status::default() };
        let sign = |stage, step, seconds: f64| {
            let file = "/app/model_output/storms/status.json".into();
            let age = Duration::from_secs_f64(seconds);
            Watched::Training(Box::new(Sign { file, status: status(stage, step), age }))
        };
        let judge = |watched: &Watched| judge(watched, Duration::from_secs(600), Some(Path::new("/app")));
        assert_eq!(judge(&sign("train", 120, 1.2)), ("healthy: train, epoch 3, step 120, 1.2 s ago".into(), true));
        assert_eq!(judge(&sign("fetch", 0, 1.2)), ("healthy: fetch, 1.2 s ago".into(), true));
        let stale = "unhealthy: no progress for 12 min 00 s in stage evaluate (model_output/storms/status.json)";
        assert_eq!(judge(&sign("evaluate", 120, 720.0)), (stale.into(), false));
        let nothing = Watched::Nothing("no other fragua process runs here");
        assert_eq!(judge(&nothing), ("nothing to watch: no other fragua process runs here".into(), true));
    }
}
