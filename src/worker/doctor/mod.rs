//! Whether training can start here, and the remedy if it can't. Checks everything, leaves nothing behind, and makes no
//! network requests except to a configured mirror.
//!
//! ```text
//! finding   what a check has found
//! program   what runs
//! graphics  driver and GPUs, from the machine through the container to libtorch
//! cores     the CPU
//! memory    RAM
//! disk      the folders that are written
//! mirror    where runs are copied
//! process   who runs it, and where
//! clock     the time
//! ```
//!
//! Each check is a pure function of what a thin reader found.

mod clock;
mod cores;
mod disk;
mod finding;
mod graphics;
mod memory;
mod mirror;
mod process;
mod program;

pub use self::finding::{Finding, Level};
use super::{check_data_writable, check_runs_writable, room};
use crate::config::{BUILT_IN, Config, ConfigError, Loaded, resolve};
use crate::train::device::Machine;
use crate::util::container;
use crate::util::exit::Exit;

/// Checks everything. If the configuration is wrong, the other checks use the defaults.
#[must_use]
pub fn examine(loaded: Result<Loaded, ConfigError>) -> Vec<Finding> {
    let (of_configuration, config) = configuration(loaded);
    let (machine, container) = (Machine::find(), container::around());
    let mut found = vec![program::check(), process::check(container), of_configuration];
    found.extend(graphics::check(&machine, config.as_ref().map(|config| config.device).unwrap_or_default(), container));
    found.push(cores::check(machine.threads));
    found.extend(memory::check());
    if let Some(config) = &config {
        let no_room = room::would_fit(config).err();
        found.extend(no_room.map(|no_room| Finding::failed("size", no_room.to_string(), None, no_room.exit())));
        found.extend(disk::check("datasets", &config.data.root, container, || check_data_writable(&config.data)));
        found.extend(disk::check("output", &config.output.root, container, || check_runs_writable(config)));
        found.extend(mirror::check(&config.output));
    }
    found.push(clock::check());
    found
}

/// The exit code of training: that of the first check that failed.
#[must_use]
pub fn exit(found: &[Finding]) -> Exit {
    found.iter().find_map(|finding| finding.exit).unwrap_or(Exit::Done)
}

fn configuration(loaded: Result<Loaded, ConfigError>) -> (Finding, Option<Config>) {
    match loaded {
        Ok(Loaded { config, file }) => {
            let name = file.map_or_else(|| "the built-in config.yaml".to_owned(), |file| file.display().to_string());
            (Finding::ok("configuration", format!("{name}: no mistakes")), Some(config))
        }
        Err(error) => {
            let (text, exit) = ("can't be used; the other checks use the defaults", error.exit());
            let built_in = resolve("built-in".into(), BUILT_IN.into(), &[], &[]);
            (Finding::failed("configuration", text, Some(error.to_string()), exit), built_in.ok())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_failed_decides_about_the_exit_code() {
        let failed = |exit| Finding::failed("output", "", None, exit);
        assert_eq!(exit(&[Finding::ok("cpu", ""), Finding::warning("gpu", "", "")]), Exit::Done);
        let found = [Finding::warning("gpu", "", ""), failed(Exit::OutputNotWritable), failed(Exit::Configuration)];
        assert_eq!(exit(&found), Exit::OutputNotWritable);
    }

    #[test]
    fn a_wrong_configuration_is_one_finding_and_the_defaults_hold() {
        let missing = crate::config::load(Some("/nowhere/config.yaml".as_ref()), Vec::new(), &[]);
        let (finding, config) = configuration(missing);
        assert_eq!((finding.level, finding.exit), (Level::Failed, Some(Exit::Configuration)));
        assert_eq!(config.unwrap().output.root, std::path::Path::new("model_output"));
    }
}
