//! The real program, started as the image does: as its user, with the capabilities that the file has there. That takes root.

#![cfg(test)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use rustix::fs::XattrFlags;
use rustix::thread::CapabilitySet;
use tempfile::TempDir;

const IMAGE_USER: u32 = 10001;

/// Prints who runs, what it may do, and writes into both folders.
const SCRIPT: &str =
    "id -u; grep -E 'CapPrm|CapEff|NoNewPrivs' /proc/self/status; touch model_output/written datasets/written";

/// A folder that everybody reaches, with the program, `model_output` and `datasets` in it.
struct Place(TempDir);

impl Place {
    fn new(model_output: u32, datasets: u32) -> Self {
        let folder = TempDir::new().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_fragua-enter"), folder.path().join("enter")).unwrap();
        let place = Self(folder);
        for (name, owner) in [("model_output", model_output), ("datasets", datasets)] {
            fs::create_dir(place.path(name)).unwrap();
            chown(place.path(name), Some(owner), Some(owner)).unwrap();
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What `setcap cap_chown,cap_dac_override,cap_setgid,cap_setuid=p` does.
    fn with_capabilities(self) -> Self {
        let given = CapabilitySet::CHOWN | CapabilitySet::DAC_OVERRIDE | CapabilitySet::SETGID | CapabilitySet::SETUID;
        let words = [0x0200_0000, u32::try_from(given.bits()).unwrap(), 0, 0, 0];
        let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        rustix::fs::setxattr(self.path("enter"), "security.capability", &bytes, XattrFlags::empty()).unwrap();
        self
    }

    fn run_as(&self, user: u32, script: &str) -> Output {
        let mut command = Command::new(self.path("enter"));
        command.args(["/bin/sh", "-c", script]).current_dir(self.0.path()).env_clear().env("PATH", "/usr/bin:/bin");
        command.uid(user).gid(user).output().unwrap()
    }

    fn owner(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().uid()
    }

    /// Runs the script as the user of the image: who it was then, and what it might do.
    fn becomes(&self) -> (u32, u64) {
        let output = self.run_as(IMAGE_USER, SCRIPT);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("NoNewPrivs:\t1"), "{text}");
        let capabilities = text.lines().find_map(|line| line.strip_prefix("CapPrm:\t")).unwrap();
        (text.lines().next().unwrap().parse().unwrap(), u64::from_str_radix(capabilities, 16).unwrap())
    }
}

/// Only root can; without it the test is left out, and fails if `CI` is set, so that this is noticed.
fn may_become_others() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    assert!(is_root || std::env::var_os("CI").is_none(), "run the tests as root");
    is_root
}

#[test]
fn it_becomes_the_owner_of_mounted_folders_without_privileges() {
    if !may_become_others() {
        return;
    }
    let place = Place::new(1234, 1234).with_capabilities();
    assert_eq!(place.becomes(), (1234, 0));
    assert_eq!((place.owner("model_output/written"), place.owner("datasets/written")), (1234, 1234));
    // One folder was missing, so the container engine made it, as root.
    let place = Place::new(0, 1234).with_capabilities();
    assert_eq!(place.becomes(), (1234, 0));
    assert_eq!((place.owner("model_output"), place.owner("model_output/written")), (1234, 1234));
    // Both were missing.
    let place = Place::new(0, 0).with_capabilities();
    assert_eq!(place.becomes(), (0, CapabilitySet::DAC_OVERRIDE.bits()));
    assert_eq!((place.owner("model_output/written"), place.owner("datasets/written")), (0, 0));
    let place = Place::new(IMAGE_USER, IMAGE_USER).with_capabilities();
    assert_eq!(place.becomes(), (IMAGE_USER, 0));
}

#[test]
fn without_the_capabilities_or_as_another_user_it_only_runs_the_command() {
    if !may_become_others() {
        return;
    }
    let place = Place::new(IMAGE_USER, IMAGE_USER);
    assert_eq!(place.becomes(), (IMAGE_USER, 0));
    let place = Place::new(1234, 1234).with_capabilities();
    let asked_for = place.run_as(4321, "id -u");
    assert_eq!(String::from_utf8(asked_for.stdout).unwrap(), "4321\n");
}

#[test]
fn its_place_and_exit_code_are_those_of_the_command() {
    let run = |arguments: &[&str]| Command::new(env!("CARGO_BIN_EXE_fragua-enter")).args(arguments).output().unwrap();
    assert_eq!(run(&["/bin/sh", "-c", "exit 76"]).status.code(), Some(76));
    for wrong in [&[][..], &["/nowhere/program"]] {
        let output = run(wrong);
        assert_eq!(output.status.code(), Some(70));
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("fragua-enter: "));
    }
}
