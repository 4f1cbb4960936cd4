//! A folder that training writes to: its file system, owner and free space, and whether a file can really be written,
//! locked and synced there. The test file is removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock, statvfs};

use super::finding::Finding;
use crate::util::access::{self, Owner};
use crate::util::container::Container;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::mount::{self, Mount};
use crate::util::units;

/// Less than the smallest dataset and run need.
const LITTLE_BYTES: u64 = 1_000_000_000;
/// A prepared dataset has a file per chunk.
const FEW_INODES: u64 = 10_000;
/// A checkpoint syncs some ten files.
const SLOW_SYNC: Duration = Duration::from_secs(1);

/// What is known of a folder.
struct Seen {
    /// The folder, without links.
    path: PathBuf,
    /// The nearest existing folder: itself, or one above it.
    there: PathBuf,
    owner: Option<Owner>,
    mount: Option<Mount>,
    container: Option<Container>,
    free_bytes: Option<u64>,
    /// `None` if the file system has no such number.
    free_inodes: Option<u64>,
    /// The result of writing a file: how long syncing it took.
    written: Result<Duration, FsError>,
    /// Whether nothing has to be written here.
    is_enough: bool,
    locks: bool,
}

/// Checks a folder. `parts` says whether its existing content is writable too, or need not be.
pub(super) fn check(
    name: &'static str,
    folder: &Path,
    container: Option<Container>,
    parts: impl Fn() -> Result<(), FsError>,
) -> Vec<Finding> {
    judge(name, &see(folder, container, parts))
}

fn see(folder: &Path, container: Option<Container>, parts: impl Fn() -> Result<(), FsError>) -> Seen {
    let path = mount::resolved(folder);
    let there = path.ancestors().find(|above| above.exists()).unwrap_or(&path).to_owned();
    let space = statvfs(&there).ok();
    let (written, locks, is_enough) = match try_out(&there) {
        Ok((time, locks)) => (parts().map(|()| time), locks, false),
        Err(error) => {
            let refused = [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem];
            let is_enough = refused.contains(&error.source.kind()) && parts().is_ok();
            (Err(error), true, is_enough)
        }
    };
    Seen {
        owner: access::owner(&there),
        mount: mount::of(&there),
        container,
        free_bytes: space.as_ref().map(|space| space.f_bavail.saturating_mul(space.f_frsize)),
        free_inodes: space.filter(|space| space.f_files > 0).map(|space| space.f_favail),
        written,
        is_enough,
        locks,
        path,
        there,
    }
}

/// Writes a file as training does, and removes it. Returns the time until it was synced, and whether it could be
/// locked.
fn try_out(folder: &Path) -> Result<(Duration, bool), FsError> {
    if !folder.is_dir() {
        return Err(FsError::at("create a folder below", folder)(io::ErrorKind::NotADirectory.into()));
    }
    let path = folder.join(format!(".fragua-doctor-{}", std::process::id()));
    let mut file = OpenOptions::new().create_new(true).write(true).open(&path).map_err(FsError::at("create", &path))?;
    let tried = write_and_sync(&mut file, folder, &path);
    let locks = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
    let removed = fs::remove_file(&path).map_err(FsError::at("remove", &path));
    let time = tried?;
    removed?;
    Ok((time, locks))
}

fn write_and_sync(file: &mut File, folder: &Path, path: &Path) -> Result<Duration, FsError> {
    file.write_all(&[0; 4096]).map_err(FsError::at("write", path))?;
    let began = Instant::now();
    file.sync_all().map_err(FsError::at("sync", path))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(FsError::at("sync folder", folder))?;
    Ok(began.elapsed())
}

fn judge(name: &'static str, seen: &Seen) -> Vec<Finding> {
    let place = place(seen);
    let time = match &seen.written {
        Err(error) => {
            let text = format!("{place}: could not {} {}: {}", error.action, error.path.display(), error.source);
            if seen.is_enough {
                let text = format!("{text}; what is prepared there can be trained on as it is");
                return vec![Finding::warning(name, text, error.remedy().unwrap_or_default())];
            }
            return vec![Finding::failed(name, text, error.remedy(), error.exit())];
        }
        Ok(_) if !seen.locks => {
            let remedy =
                "put the folder on a local disk: without locks two trainings could write the same run".to_owned();
            let text = format!("{place}: this file system has no file locks");
            return vec![Finding::failed(name, text, Some(remedy), Exit::OutputNotWritable)];
        }
        Ok(time) => *time,
    };
    let owner = seen.owner.map_or_else(String::new, |owner| format!(", owner {owner}"));
    let room = seen.free_bytes.map_or_else(String::new, |bytes| format!(", {} free", units::bytes(bytes)));
    let text = format!("{place}{room}{owner}, writable, locks work, a file is on disk after {}", milliseconds(time));
    let warnings = warnings(seen, time);
    match warnings.is_empty() {
        true => vec![Finding::ok(name, text)],
        false => {
            let (found, remedies): (Vec<_>, Vec<_>) = warnings.into_iter().unzip();
            vec![Finding::warning(name, format!("{text}; {}", found.join("; ")), remedies.join("\n"))]
        }
    }
}

/// The place of the folder.
fn place(seen: &Seen) -> String {
    let path = seen.path.display();
    let later = if seen.there == seen.path { "" } else { " (not there yet)" };
    let Some(mount) = &seen.mount else { return format!("{path}{later}") };
    let kind = match () {
        () if mount.is_network() => format!("{} from {}, another machine", mount.kind, mount.source),
        () if mount.is_memory() => format!("{}, in memory", mount.kind),
        () => mount.kind.clone(),
    };
    let bound = mount.path_on_host(&seen.there).filter(|_| seen.container.is_some());
    let bound = bound.map_or_else(String::new, |path| format!(", {} of the host", path.display()));
    format!("{path}{later}: {kind}{bound}")
}

fn milliseconds(time: Duration) -> String {
    format!("{:.0} ms", (1000.0 * time.as_secs_f64()).max(1.0))
}

/// What could be better, with the remedy.
fn warnings(seen: &Seen, time: Duration) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mount = seen.mount.as_ref();
    let stays = "a folder or a volume of the host";
    if let Some(container) = seen.container.filter(|_| mount.is_some_and(Mount::is_root)) {
        found.push(("it is inside the container and is lost with it".to_owned(), keep(container, &seen.path)));
    }
    if mount.is_some_and(Mount::is_memory) {
        found.push(("it is in memory and is lost with it".to_owned(), format!("choose {stays}, or a disk")));
    }
    if seen.free_bytes.is_some_and(|bytes| bytes < LITTLE_BYTES) {
        found.push(("little space is free".to_owned(), "make room, or choose a folder on another disk".to_owned()));
    }
    if let Some(inodes) = seen.free_inodes.filter(|inodes| *inodes < FEW_INODES) {
        let text = format!("there is space for only {}", units::count(inodes, "file"));
        found.push((text, "remove small files, or choose another disk (`df -i` shows them)".to_owned()));
    }
    if time > SLOW_SYNC {
        let text = "syncing a file to this disk is slow, so checkpoints will be slow".to_owned();
        found.push((text, "choose a local disk".to_owned()));
    }
    found
}

/// How a folder outlives its container.
fn keep(container: Container, path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match container {
        Container::Vast => {
            "copy what you need before the instance is destroyed, or name a place for it in output.mirror".into()
        }
        Container::Kubernetes => format!("mount a volume at {}", path.display()),
        Container::Docker | Container::Podman | Container::Other => {
            format!("start the container with `-v \"$PWD/{name}:{}\"`", path.display())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::doctor::Level;

    fn mount(root: &str, point: &str, kind: &str) -> Option<Mount> {
        let (root, point) = (root.into(), point.into());
        Some(Mount { root, point, read_only: false, kind: kind.into(), source: "store:/export".into() })
    }

    fn seen(container: Option<Container>, mount: Option<Mount>) -> Seen {
        Seen {
            path: "/app/model_output".into(),
            there: "/app/model_output".into(),
            owner: Some(Owner { user: 1000, group: 1000 }),
            mount,
            container,
            free_bytes: Some(120_000_000_000),
            free_inodes: Some(1_000_000),
            written: Ok(Duration::from_millis(3)),
            is_enough: false,
            locks: true,
        }
    }

    #[test]
    fn each_place_is_named_with_what_helps() {
        let docker = Some(Container::Docker);
        let bind = || mount("/srv/out", "/app/model_output", "ext4");
        let lines = [
            seen(None, mount("/", "/", "ext4")),
            seen(docker, bind()),
            seen(docker, mount("/", "/", "overlay")),
            seen(Some(Container::Vast), mount("/", "/", "overlay")),
            seen(Some(Container::Kubernetes), mount("/", "/", "overlay")),
            seen(docker, mount("/", "/app", "nfs4")),
            seen(docker, mount("/", "/app", "tmpfs")),
            Seen { there: "/app".into(), ..seen(None, mount("/", "/", "xfs")) },
            Seen { free_bytes: Some(5_000_000), free_inodes: Some(12), ..seen(docker, bind()) },
            Seen { written: Ok(Duration::from_secs(4)), ..seen(None, mount("/", "/", "ext4")) },
            Seen { locks: false, ..seen(None, mount("/", "/", "ext4")) },
        ];
        let text = |finding: Finding| {
            let remedy =
                finding.remedy.map_or_else(String::new, |remedy| format!("\n    {}", remedy.replace('\n', "\n    ")));
            format!("{:?} {}{remedy}", finding.level, finding.text)
        };
        let lines: Vec<String> = lines.iter().flat_map(|seen| judge("output", seen)).map(text).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn what_can_not_be_written_fails_with_the_code_of_training() {
        let error = FsError::at("write in", Path::new("/nowhere/a"))(io::ErrorKind::PermissionDenied.into());
        let found = judge("output", &Seen { written: Err(error), ..seen(None, None) });
        assert_eq!((found[0].level, found[0].exit), (Level::Failed, Some(Exit::OutputNotWritable)));
        assert!(found[0].remedy.is_some());
        let error = FsError::at("write in", Path::new("/nowhere/a"))(io::ErrorKind::ReadOnlyFilesystem.into());
        let found = judge("datasets", &Seen { written: Err(error), is_enough: true, ..seen(None, None) });
        assert!(found[0].level == Level::Warning && found[0].text.contains("can be trained on as it is"), "{found:?}");
    }

    #[test]
    fn trying_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let found = check("output", &folder.path().join("not/there"), None, || Ok(()));
        assert!(found.iter().all(|finding| finding.level != Level::Failed), "{found:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let found = check("output", &file.join("below"), None, || Ok(()));
        assert_eq!(found[0].exit, Some(Exit::OutputNotWritable), "{found:?}");
    }
}
